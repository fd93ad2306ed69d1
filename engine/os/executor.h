/* Where work runs. The engine creates no threads of its own accord: it is handed an executor. The
 * server gives it a thread pool (os/pool.h); unit tests give it one that runs inline.
 *
 * A group is the work of one query, merge or batch: its tasks share a cancel flag and a deadline
 * and are waited for together. The pool takes tasks from the groups in turn (fair queues), so that
 * a query of a thousand splits does not starve a query of one; inside a group order is first come,
 * first served. Tasks poll qn_group_check about every 100 us (once a window), never per
 * document.
 *
 *     qn_group_init(&g, ex, QN_LANE_SEARCH, deadline_us);
 *     for each split: qn_group_submit(&g, run_split, &task[i]);
 *     rc = qn_group_wait(&g);          -- helps: runs this group's tasks on the calling thread too
 *
 * A task returns 0 or QN_E_*; the first failure is the group's result (the others still run unless
 * the caller cancels). Tasks of a group that is cancelled, past its deadline, or whose executor has
 * stopped are not started, and the result says so: QN_E_CANCELLED, QN_E_TIMEOUT, QN_E_SHUTDOWN. So
 * after a result of 0 every task has run. Tasks may submit more tasks to their own group.
 * @thread any: submit, cancel and check race freely; one waiter */
#ifndef QN_OS_EXECUTOR_H
#define QN_OS_EXECUTOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum qn_lane { QN_LANE_SEARCH, QN_LANE_INDEX, QN_LANE_MERGE, QN_LANE_COUNT };

struct qn_executor;
struct qn_group;

typedef int (*qn_task_fn)(struct qn_group *group, void *arg);

struct qn_executor_ops {
    void (*submit)(struct qn_executor *ex, struct qn_group *g, qn_task_fn fn, void *arg);
    int (*wait)(struct qn_executor *ex, struct qn_group *g);
    unsigned (*width)(const struct qn_executor *ex, enum qn_lane lane); /* threads that may help */
};
struct qn_executor {
    const struct qn_executor_ops *ops;
};

struct qn_group {
    struct qn_executor *ex;
    enum qn_lane lane;
    _Atomic bool cancelled;
    uint64_t deadline_us; /* monotonic; 0 = none */
    _Atomic int rc;       /* first failure */
    void *queue;          /* the executor's own */
};

void qn_group_init(struct qn_group *g, struct qn_executor *ex, enum qn_lane lane,
                   uint64_t deadline_us);
void qn_group_submit(struct qn_group *g, qn_task_fn fn, void *arg); /* arg: borrowed until wait */
QN_MUST_CHECK int qn_group_wait(struct qn_group *g); /* then g may be dropped or used again
                                                     (a cancelled one stays cancelled) */
void qn_group_cancel(struct qn_group *g);
/* 0, QN_E_CANCELLED or QN_E_TIMEOUT. */
int qn_group_check(const struct qn_group *g);

/* Runs each task inside submit. */
struct qn_executor *qn_executor_inline(void);

#endif
