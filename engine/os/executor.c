#include "os/executor.h"

#include <stddef.h>

#include "executor_int.h"
#include "os/clock.h"

void qn_group_init(struct qn_group *g, struct qn_executor *ex, enum qn_lane lane,
                   uint64_t deadline_us)
{
    g->ex = ex;
    g->lane = lane;
    atomic_init(&g->cancelled, false);
    g->deadline_us = deadline_us;
    atomic_init(&g->rc, QN_OK);
    g->queue = NULL;
}

void qn_group_submit(struct qn_group *g, qn_task_fn fn, void *arg)
{
    g->ex->ops->submit(g->ex, g, fn, arg);
}

int qn_group_wait(struct qn_group *g)
{
    int rc = g->ex->ops->wait(g->ex, g);
    atomic_store_explicit(&g->rc, QN_OK, memory_order_relaxed); /* all tasks are over */
    return rc;
}

void qn_group_cancel(struct qn_group *g)
{
    /* Relaxed: a flag that is polled; no data travels with it. */
    atomic_store_explicit(&g->cancelled, true, memory_order_relaxed);
}

int qn_group_check(const struct qn_group *g)
{
    if (atomic_load_explicit(&g->cancelled, memory_order_relaxed))
        return QN_E_CANCELLED;
    if (g->deadline_us != 0 && qn_now_us() >= g->deadline_us)
        return QN_E_TIMEOUT;
    return QN_OK;
}

void qn__group_fail(struct qn_group *g, int rc)
{
    int none = QN_OK;
    atomic_compare_exchange_strong_explicit(&g->rc, &none, rc, memory_order_relaxed,
                                            memory_order_relaxed);
}

bool qn__group_run(struct qn_group *g, qn_task_fn fn, void *arg)
{
    int rc = qn_group_check(g);
    bool run = rc == QN_OK;
    if (run)
        rc = fn(g, arg);
    if (rc < 0)
        qn__group_fail(g, rc);
    return run;
}

static void inline_submit(struct qn_executor *ex, struct qn_group *g, qn_task_fn fn, void *arg)
{
    (void)ex;
    qn__group_run(g, fn, arg);
}

static int inline_wait(struct qn_executor *ex, struct qn_group *g)
{
    (void)ex;
    return atomic_load_explicit(&g->rc, memory_order_relaxed);
}

static unsigned inline_width(const struct qn_executor *ex, enum qn_lane lane)
{
    (void)ex;
    (void)lane;
    return 1;
}

static const struct qn_executor_ops inline_ops = {inline_submit, inline_wait, inline_width};
static const struct qn_executor inline_executor = {&inline_ops};

struct qn_executor *qn_executor_inline(void)
{
    return (struct qn_executor *)&inline_executor; /* holds nothing but the table: never written */
}
