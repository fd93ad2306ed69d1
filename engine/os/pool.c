#include "os/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "executor_int.h"
#include "os/thread.h"

struct task {
    qn_task_fn fn;
    void *arg;
};

/* The pool's side of a group: a ring buffer of tasks that have not been started. It is linked into
 * its lane's ring exactly while it is not empty. */
struct queue {
    struct qn_group *group;
    struct task *tasks;
    size_t cap; /* a power of two */
    size_t head, n;
    size_t n_running;
    struct qn_cond changed; /* a task ended with none left, or new ones came */
    bool waiting;           /* somebody sleeps on `changed` */
    struct queue *next, *prev;
};

struct lane {
    struct qn_mutex lock;
    struct qn_cond work;
    struct queue *turn; /* the group whose turn it is; a circular list, or NULL */
    bool stopping;
    size_t n_queued, n_running;
    uint64_t n_run, n_dropped;
    unsigned n_threads;
    struct qn_thread *threads;
};

struct qn_pool {
    struct qn_executor ex; /* first member */
    struct lane lanes[QN_LANE_COUNT];
};

static void ring_add(struct lane *ln, struct queue *q)
{
    if (ln->turn == NULL) {
        q->next = q->prev = q;
        ln->turn = q;
        return;
    }
    q->next = ln->turn; /* before the one whose turn it is = at the end */
    q->prev = ln->turn->prev;
    q->prev->next = q;
    q->next->prev = q;
}

static void ring_remove(struct lane *ln, struct queue *q)
{
    if (q->next == q) {
        ln->turn = NULL;
    } else {
        q->prev->next = q->next;
        q->next->prev = q->prev;
        if (ln->turn == q)
            ln->turn = q->next;
    }
    q->next = q->prev = NULL;
}

static void push_task(struct queue *q, struct task t)
{
    if (q->n == q->cap) {
        size_t cap = q->cap ? q->cap * 2 : 8;
        struct task *tasks = qn_xmalloc(cap * sizeof *tasks);
        for (size_t i = 0; i < q->n; i++)
            tasks[i] = q->tasks[(q->head + i) & (q->cap - 1)];
        free(q->tasks);
        q->tasks = tasks;
        q->cap = cap;
        q->head = 0;
    }
    q->tasks[(q->head + q->n++) & (q->cap - 1)] = t;
}

static struct task pop_task(struct lane *ln, struct queue *q)
{
    struct task t = q->tasks[q->head];
    q->head = (q->head + 1) & (q->cap - 1);
    ln->n_queued--;
    if (--q->n == 0)
        ring_remove(ln, q);
    return t;
}

/* Starts one task of q and ends it. @locks held:POOL, dropped while the task runs */
static void run_one(struct lane *ln, struct queue *q)
{
    struct task t = pop_task(ln, q);
    if (ln->turn == q)
        ln->turn = q->next;
    struct qn_group *g = q->group;
    q->n_running++;
    ln->n_running++;
    bool stopping = ln->stopping;
    qn_mutex_unlock(&ln->lock);

    bool run = false;
    if (stopping)
        qn__group_fail(g, QN_E_SHUTDOWN);
    else
        run = qn__group_run(g, t.fn, t.arg);

    qn_mutex_lock(&ln->lock);
    ln->n_running--;
    q->n_running--;
    if (run)
        ln->n_run++;
    else
        ln->n_dropped++;
    if (q->n == 0 && q->n_running == 0 && q->waiting)
        qn_cond_signal(&q->changed);
}

static void worker_main(void *arg)
{
    struct lane *ln = arg;
    qn_mutex_lock(&ln->lock);
    for (;;) {
        if (ln->turn != NULL)
            run_one(ln, ln->turn);
        else if (ln->stopping)
            break;
        else
            qn_cond_wait(&ln->work, &ln->lock);
    }
    qn_mutex_unlock(&ln->lock);
}

static struct lane *lane_of(struct qn_executor *ex, const struct qn_group *g)
{
    return &((struct qn_pool *)ex)->lanes[g->lane];
}

static void pool_submit(struct qn_executor *ex, struct qn_group *g, qn_task_fn fn, void *arg)
{
    struct lane *ln = lane_of(ex, g);
    qn_mutex_lock(&ln->lock);
    if (ln->stopping) {
        ln->n_dropped++;
        qn_mutex_unlock(&ln->lock);
        qn__group_fail(g, QN_E_SHUTDOWN);
        return;
    }
    struct queue *q = g->queue;
    if (q == NULL) {
        q = qn_xcalloc(1, sizeof *q);
        q->group = g;
        qn_cond_init(&q->changed);
        g->queue = q;
    }
    push_task(q, (struct task){fn, arg});
    ln->n_queued++;
    if (q->n == 1)
        ring_add(ln, q);
    if (q->waiting)
        qn_cond_signal(&q->changed);
    qn_cond_signal(&ln->work);
    qn_mutex_unlock(&ln->lock);
}

static int pool_wait(struct qn_executor *ex, struct qn_group *g)
{
    struct lane *ln = lane_of(ex, g);
    qn_mutex_lock(&ln->lock);
    struct queue *q = g->queue;
    while (q != NULL && (q->n > 0 || q->n_running > 0)) {
        if (q->n > 0) {
            run_one(ln, q);
        } else {
            q->waiting = true;
            qn_cond_wait(&q->changed, &ln->lock);
            q->waiting = false;
        }
    }
    g->queue = NULL;
    qn_mutex_unlock(&ln->lock);
    if (q != NULL) {
        qn_cond_release(&q->changed);
        free(q->tasks);
        free(q);
    }
    return atomic_load_explicit(&g->rc, memory_order_relaxed); /* ordered by the lane's lock */
}

static unsigned pool_width(const struct qn_executor *ex, enum qn_lane lane)
{
    return ((const struct qn_pool *)ex)->lanes[lane].n_threads + 1; /* the waiter helps */
}

static const struct qn_executor_ops pool_ops = {pool_submit, pool_wait, pool_width};

void qn_pool_options_default(struct qn_pool_options *opt, unsigned n_cores)
{
    *opt = (struct qn_pool_options){0};
    opt->n_threads[QN_LANE_SEARCH] = n_cores > 0 ? n_cores : 1;
    opt->n_threads[QN_LANE_INDEX] = n_cores > 1 ? n_cores / 2 : 1;
    opt->n_threads[QN_LANE_MERGE] = n_cores > 2 ? n_cores / 3 : 1;
    opt->nice[QN_LANE_MERGE] = 10;
}

static const struct {
    const char *name;
    enum qn_thread_kind kind;
} lane_threads[QN_LANE_COUNT] = {
    [QN_LANE_SEARCH] = {"search", QN_THREAD_SEARCH},
    [QN_LANE_INDEX] = {"index", QN_THREAD_INDEX},
    [QN_LANE_MERGE] = {"merge", QN_THREAD_MERGE},
};

static int start_lane(struct lane *ln, enum qn_lane which, const struct qn_pool_options *opt)
{
    ln->threads = qn_xcalloc(opt->n_threads[which] + 1, sizeof *ln->threads);
    for (unsigned i = 0; i < opt->n_threads[which]; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%s-%u", lane_threads[which].name, i);
        struct qn_thread_options to = {.name = name,
                                       .stack_bytes = opt->stack_bytes,
                                       .kind = lane_threads[which].kind,
                                       .nice = opt->nice[which]};
        int rc = qn_thread_start(&ln->threads[i], &to, worker_main, ln);
        if (rc < 0)
            return rc;
        ln->n_threads++;
    }
    return QN_OK;
}

int qn_pool_start(struct qn_pool **out, const struct qn_pool_options *opt)
{
    *out = NULL;
    struct qn_pool *pl = qn_xcalloc(1, sizeof *pl);
    pl->ex.ops = &pool_ops;
    for (int i = 0; i < QN_LANE_COUNT; i++) {
        qn_mutex_init(&pl->lanes[i].lock, QN_LOCK_POOL);
        qn_cond_init(&pl->lanes[i].work);
    }
    for (int i = 0; i < QN_LANE_COUNT; i++) {
        int rc = start_lane(&pl->lanes[i], (enum qn_lane)i, opt);
        if (rc < 0) {
            qn_pool_free(pl);
            return rc;
        }
    }
    *out = pl;
    return QN_OK;
}

struct qn_executor *qn_pool_executor(struct qn_pool *pl)
{
    return &pl->ex;
}

void qn_pool_stats(struct qn_pool *pl, enum qn_lane lane, struct qn_pool_stats *out)
{
    struct lane *ln = &pl->lanes[lane];
    qn_mutex_lock(&ln->lock);
    *out = (struct qn_pool_stats){.n_run = ln->n_run,
                                  .n_dropped = ln->n_dropped,
                                  .n_queued = ln->n_queued,
                                  .n_running = ln->n_running};
    qn_mutex_unlock(&ln->lock);
}

void qn_pool_stop(struct qn_pool *pl)
{
    for (int i = 0; i < QN_LANE_COUNT; i++) {
        struct lane *ln = &pl->lanes[i];
        qn_mutex_lock(&ln->lock);
        ln->stopping = true;
        qn_cond_broadcast(&ln->work);
        qn_mutex_unlock(&ln->lock);
    }
    /* Workers leave once the ring is empty; what they take from now on is dropped. */
    for (int i = 0; i < QN_LANE_COUNT; i++)
        for (unsigned k = 0; k < pl->lanes[i].n_threads; k++)
            qn_thread_join(&pl->lanes[i].threads[k]);
}

void qn_pool_free(struct qn_pool *pl)
{
    if (pl == NULL)
        return;
    qn_pool_stop(pl);
    for (int i = 0; i < QN_LANE_COUNT; i++) {
        QN_ASSERT(pl->lanes[i].turn == NULL); /* every group was waited for */
        qn_cond_release(&pl->lanes[i].work);
        qn_mutex_release(&pl->lanes[i].lock);
        free(pl->lanes[i].threads);
    }
    free(pl);
}
