/* The thread pool: the executor (os/executor.h) of the server.
 *
 *     lane SEARCH   ring of groups ─► A ─► B ─► C ─┐      each worker takes one task of the group
 * at ▲──────────────────────────────┘      the ring's head and moves it to the end lane INDEX its
 * own ring and threads lane MERGE    its own ring and threads, at low priority
 *
 * Fair between groups (round-robin by task), first come first served inside one: a group of one
 * task waits for at most one task of each other group. qn_group_wait helps with the group's own
 * tasks, so it may be called from inside a task and a lane without threads still makes progress.
 *
 * Tasks of a group that is cancelled or past its deadline are not started; they are dropped and the
 * group's result says why. Stopping drops what is queued with QN_E_SHUTDOWN and waits for what
 * runs. A group costs one small allocation at its first submit, a task none beyond its slot in a
 * ring.
 * @thread any  @locks takes POOL (one per lane), never held while a task runs */
#ifndef QN_OS_POOL_H
#define QN_OS_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "os/executor.h"

struct qn_pool;

struct qn_pool_options {
    unsigned n_threads[QN_LANE_COUNT];
    int nice[QN_LANE_COUNT]; /* 0..19 */
    size_t stack_bytes;      /* 0: the default of os/thread.h */
};

struct qn_pool_stats {
    uint64_t n_run;     /* tasks run, by workers and by helping waiters */
    uint64_t n_dropped; /* cancelled, late, or at shutdown */
    uint64_t n_queued;  /* right now */
    uint64_t n_running; /* right now */
};

/* One search thread a core, half of that for indexing, a third for merges (nice 10); at least one.
 */
void qn_pool_options_default(struct qn_pool_options *opt, unsigned n_cores);
QN_MUST_CHECK int qn_pool_start(struct qn_pool **out, const struct qn_pool_options *opt);
struct qn_executor *qn_pool_executor(struct qn_pool *pl); /* borrows: lives as long as the pool */
void qn_pool_stats(struct qn_pool *pl, enum qn_lane lane, struct qn_pool_stats *out);
/* Refuses new tasks, drops queued ones, waits for running ones and joins the threads. Groups may
 * still be waited for afterwards, until free. */
void qn_pool_stop(struct qn_pool *pl);
void qn_pool_free(struct qn_pool *pl); /* stops first; NULL is fine */

#endif
