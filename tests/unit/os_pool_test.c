/* os/executor.h and os/pool.h. */
#include "test.h"

#include <sched.h>

#include "os/clock.h"
#include "os/pool.h"
#include "os/thread.h"

static struct qn_pool *pool_of(unsigned search, unsigned merge)
{
    struct qn_pool_options opt = {.n_threads = {search, 1, merge}, .nice = {0, 0, 10}};
    struct qn_pool *pl;
    assert_ok(qn_pool_start(&pl, &opt));
    return pl;
}

/* A gate that tasks wait at until the test opens it. */
struct gate {
    struct qn_mutex mu;
    struct qn_cond cv;
    int arrived;
    bool open;
};

static void gate_init(struct gate *gt)
{
    memset(gt, 0, sizeof *gt);
    qn_mutex_init(&gt->mu, QN_LOCK_LEAF);
    qn_cond_init(&gt->cv);
}

static void gate_release(struct gate *gt)
{
    qn_cond_release(&gt->cv);
    qn_mutex_release(&gt->mu);
}

static int stand_at_gate(struct qn_group *g, void *arg)
{
    (void)g;
    struct gate *gt = arg;
    qn_mutex_lock(&gt->mu);
    gt->arrived++;
    qn_cond_broadcast(&gt->cv);
    while (!gt->open)
        qn_cond_wait(&gt->cv, &gt->mu);
    qn_mutex_unlock(&gt->mu);
    return 0;
}

static void await_arrivals(struct gate *gt, int n)
{
    qn_mutex_lock(&gt->mu);
    while (gt->arrived < n)
        qn_cond_wait(&gt->cv, &gt->mu);
    qn_mutex_unlock(&gt->mu);
}

static void open_gate(struct gate *gt)
{
    qn_mutex_lock(&gt->mu);
    gt->open = true;
    qn_cond_broadcast(&gt->cv);
    qn_mutex_unlock(&gt->mu);
}

static int add_one(struct qn_group *g, void *arg)
{
    (void)g;
    atomic_fetch_add((_Atomic int *)arg, 1);
    return 0;
}

static int fail_odd(struct qn_group *g, void *arg)
{
    (void)g;
    return (uintptr_t)arg % 2 ? QN_E_CORRUPT : 0;
}

static void basics_of(struct qn_executor *ex)
{
    struct qn_group g;
    _Atomic int n = 0;
    for (int lane = 0; lane < QN_LANE_COUNT; lane++) {
        assert_true(ex->ops->width(ex, (enum qn_lane)lane) >= 1);
        qn_group_init(&g, ex, (enum qn_lane)lane, 0);
        assert_int_equal(qn_group_wait(&g), 0); /* of nothing */
        for (int round = 1; round <= 3; round++) {
            for (int i = 0; i < 100; i++)
                qn_group_submit(&g, add_one, &n);
            assert_int_equal(qn_group_wait(&g), 0);
            assert_int_equal(atomic_load(&n), 100 * round);
        }
        atomic_store(&n, 0);
        /* the first failure is the result, and the others still run */
        qn_group_submit(&g, fail_odd, (void *)1);
        for (int i = 0; i < 10; i++)
            qn_group_submit(&g, add_one, &n);
        assert_int_equal(qn_group_wait(&g), QN_E_CORRUPT);
        assert_int_equal(atomic_load(&n), 10);
        assert_int_equal(qn_group_wait(&g), 0); /* used again */
        /* cancelled: nothing more starts */
        qn_group_cancel(&g);
        assert_int_equal(qn_group_check(&g), QN_E_CANCELLED);
        qn_group_submit(&g, add_one, &n);
        assert_int_equal(qn_group_wait(&g), QN_E_CANCELLED);
        assert_int_equal(atomic_load(&n), 10);
        /* late */
        qn_group_init(&g, ex, (enum qn_lane)lane, qn_now_us() - 1);
        assert_int_equal(qn_group_check(&g), QN_E_TIMEOUT);
        qn_group_submit(&g, add_one, &n);
        assert_int_equal(qn_group_wait(&g), QN_E_TIMEOUT);
        assert_int_equal(atomic_load(&n), 10);
        qn_group_init(&g, ex, (enum qn_lane)lane, qn_now_us() + 60000000);
        assert_int_equal(qn_group_check(&g), 0);
        atomic_store(&n, 0);
    }
}

static void inline_executor(void **state)
{
    (void)state;
    basics_of(qn_executor_inline());
}

static void pool_executor(void **state)
{
    (void)state;
    struct qn_pool *pl = pool_of(2, 1);
    basics_of(qn_pool_executor(pl));
    assert_int_equal(qn_pool_executor(pl)->ops->width(qn_pool_executor(pl), QN_LANE_SEARCH), 3);
    qn_pool_free(pl);
    pl = pool_of(0, 0); /* the waiter does it all */
    basics_of(qn_pool_executor(pl));
    qn_pool_free(pl);
    qn_pool_free(NULL);
    struct qn_pool_options opt;
    qn_pool_options_default(&opt, 8);
    assert_int_equal(opt.n_threads[QN_LANE_SEARCH], 8);
    assert_int_equal(opt.n_threads[QN_LANE_MERGE], 2);
    qn_pool_options_default(&opt, 1);
    assert_int_equal(opt.n_threads[QN_LANE_INDEX], 1);
}

struct order {
    _Atomic int clock;
    int last_big, small, big_before_small;
};

static int big_task(struct qn_group *g, void *arg)
{
    (void)g;
    atomic_fetch_add(&((struct order *)arg)->clock, 1);
    return 0;
}

static int small_task(struct qn_group *g, void *arg)
{
    (void)g;
    struct order *od = arg;
    od->big_before_small = atomic_load(&od->clock);
    return 0;
}

/* One worker is held at the gate while a group of 1,000 tasks and then a group of one queue up. The
 * small one runs after at most one task of the big one. */
static void small_groups_are_not_starved(void **state)
{
    (void)state;
    struct qn_pool *pl = pool_of(1, 0);
    struct qn_executor *ex = qn_pool_executor(pl);
    struct gate gt;
    gate_init(&gt);
    struct qn_group hold, big, small, medium;
    qn_group_init(&hold, ex, QN_LANE_SEARCH, 0);
    qn_group_init(&big, ex, QN_LANE_SEARCH, 0);
    qn_group_init(&medium, ex, QN_LANE_SEARCH, 0);
    qn_group_init(&small, ex, QN_LANE_SEARCH, 0);
    qn_group_submit(&hold, stand_at_gate, &gt);
    await_arrivals(&gt, 1);
    struct order od = {0};
    _Atomic int n_medium = 0;
    for (int i = 0; i < 1000; i++)
        qn_group_submit(&big, big_task, &od);
    for (int i = 0; i < 50; i++)
        qn_group_submit(&medium, add_one, &n_medium);
    qn_group_submit(&small, small_task, &od);
    struct qn_pool_stats st;
    qn_pool_stats(pl, QN_LANE_SEARCH, &st);
    assert_int_equal(st.n_queued, 1051);
    assert_int_equal(st.n_running, 1);
    open_gate(&gt);
    /* Only the one worker: waiting would help and blur the order. */
    do {
        sched_yield();
        qn_pool_stats(pl, QN_LANE_SEARCH, &st);
    } while (st.n_queued + st.n_running > 0);
    assert_int_equal(st.n_run, 1052);
    assert_int_equal(od.big_before_small, 1);
    assert_int_equal(qn_group_wait(&small), 0);
    assert_int_equal(qn_group_wait(&medium), 0);
    assert_int_equal(qn_group_wait(&big), 0);
    assert_int_equal(qn_group_wait(&hold), 0);
    assert_int_equal(atomic_load(&od.clock), 1000);
    qn_pool_free(pl);
    gate_release(&gt);
}

/* A busy merge lane does not hold up searches. */
static void lanes_are_apart(void **state)
{
    (void)state;
    struct qn_pool *pl = pool_of(1, 1);
    struct qn_executor *ex = qn_pool_executor(pl);
    struct gate gt;
    gate_init(&gt);
    struct qn_group merge, search;
    qn_group_init(&merge, ex, QN_LANE_MERGE, 0);
    qn_group_init(&search, ex, QN_LANE_SEARCH, 0);
    qn_group_submit(&merge, stand_at_gate, &gt);
    await_arrivals(&gt, 1);
    _Atomic int n = 0;
    for (int i = 0; i < 10; i++)
        qn_group_submit(&search, add_one, &n);
    assert_int_equal(qn_group_wait(&search), 0);
    assert_int_equal(atomic_load(&n), 10);
    open_gate(&gt);
    assert_int_equal(qn_group_wait(&merge), 0);
    qn_pool_free(pl);
    gate_release(&gt);
}

static int poll_until_cancelled(struct qn_group *g, void *arg)
{
    atomic_fetch_add((_Atomic int *)arg, 1);
    int rc;
    while ((rc = qn_group_check(g)) == 0)
        sched_yield();
    return rc;
}

static void cancel_reaches_running_tasks(void **state)
{
    (void)state;
    struct qn_pool *pl = pool_of(1, 0);
    struct qn_group g;
    _Atomic int started = 0, ran = 0;
    qn_group_init(&g, qn_pool_executor(pl), QN_LANE_SEARCH, 0);
    qn_group_submit(&g, poll_until_cancelled, &started);
    for (int i = 0; i < 100; i++)
        qn_group_submit(&g, add_one, &ran);
    while (atomic_load(&started) == 0)
        sched_yield();
    qn_group_cancel(&g);
    assert_int_equal(qn_group_wait(&g), QN_E_CANCELLED);
    assert_int_equal(atomic_load(&ran), 0);
    struct qn_pool_stats st;
    qn_pool_stats(pl, QN_LANE_SEARCH, &st);
    assert_int_equal(st.n_run, 1);
    assert_int_equal(st.n_dropped, 100);
    /* a deadline does the same by itself */
    qn_group_init(&g, qn_pool_executor(pl), QN_LANE_SEARCH, qn_now_us() + 3000);
    qn_group_submit(&g, poll_until_cancelled, &started);
    qn_group_submit(&g, poll_until_cancelled, &started);
    qn_group_submit(&g, poll_until_cancelled, &started);
    assert_int_equal(qn_group_wait(&g), QN_E_TIMEOUT);
    qn_pool_free(pl);
}

struct tree {
    int depth;
    _Atomic int *leaves;
};

/* Waits inside a task for a group of its own: a pool of one thread must not lock up. */
static int grow(struct qn_group *g, void *arg)
{
    struct tree *tr = arg;
    if (tr->depth == 0)
        return add_one(g, tr->leaves);
    struct tree sub = {tr->depth - 1, tr->leaves};
    struct qn_group own;
    qn_group_init(&own, g->ex, g->lane, 0);
    for (int i = 0; i < 3; i++)
        qn_group_submit(&own, grow, &sub);
    return qn_group_wait(&own);
}

static int seed_more(struct qn_group *g, void *arg)
{
    struct tree *tr = arg;
    if (atomic_fetch_add(tr->leaves, 1) < 50)
        qn_group_submit(g, seed_more, tr);
    return 0;
}

static void tasks_make_tasks(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads < 4; threads++) {
        struct qn_pool *pl = pool_of(threads, 0);
        _Atomic int leaves = 0;
        struct tree root = {4, &leaves};
        struct qn_group g;
        qn_group_init(&g, qn_pool_executor(pl), QN_LANE_SEARCH, 0);
        qn_group_submit(&g, grow, &root);
        assert_int_equal(qn_group_wait(&g), 0);
        assert_int_equal(atomic_load(&leaves), 81);
        atomic_store(&leaves, 0);
        qn_group_submit(&g, seed_more, &root);
        assert_int_equal(qn_group_wait(&g), 0);
        assert_int_equal(atomic_load(&leaves), 51);
        qn_pool_free(pl);
    }
}

static void stopping(void **state)
{
    (void)state;
    struct qn_pool *pl = pool_of(1, 0);
    struct gate gt;
    gate_init(&gt);
    struct qn_group g;
    _Atomic int n = 0;
    qn_group_init(&g, qn_pool_executor(pl), QN_LANE_MERGE, 0); /* a lane without threads */
    for (int i = 0; i < 5; i++)
        qn_group_submit(&g, add_one, &n);
    qn_pool_stop(pl);
    qn_group_submit(&g, add_one, &n);
    assert_int_equal(qn_group_wait(&g), QN_E_SHUTDOWN);
    assert_int_equal(atomic_load(&n), 0);
    qn_pool_stop(pl);
    qn_pool_free(pl);
    gate_release(&gt);
}

struct client {
    struct qn_executor *ex;
    _Atomic int *total;
    int failures;
};

static void query_in_a_loop(void *arg)
{
    struct client *cl = arg;
    for (int i = 0; i < 300; i++) {
        struct qn_group g;
        qn_group_init(&g, cl->ex, i % 3 == 0 ? QN_LANE_MERGE : QN_LANE_SEARCH, 0);
        for (int k = 0; k < i % 17; k++)
            qn_group_submit(&g, add_one, cl->total);
        if (i % 10 == 9)
            qn_group_cancel(&g);
        int rc = qn_group_wait(&g);
        cl->failures += rc != 0 && !(i % 10 == 9 && rc == QN_E_CANCELLED);
    }
}

static void many_clients(void **state)
{
    (void)state;
    struct qn_pool *pl = pool_of(2, 1);
    _Atomic int total = 0;
    struct client cl[4];
    struct qn_thread th[4];
    for (int i = 0; i < 4; i++) {
        cl[i] = (struct client){.ex = qn_pool_executor(pl), .total = &total};
        assert_ok(qn_thread_start(&th[i], &(struct qn_thread_options){.name = "client"},
                                  query_in_a_loop, &cl[i]));
    }
    for (int i = 0; i < 4; i++) {
        qn_thread_join(&th[i]);
        assert_int_equal(cl[i].failures, 0);
    }
    int expected = 0;
    for (int i = 0; i < 300; i++)
        expected += 4 * (i % 17);
    struct qn_pool_stats se, me;
    qn_pool_stats(pl, QN_LANE_SEARCH, &se);
    qn_pool_stats(pl, QN_LANE_MERGE, &me);
    assert_int_equal(se.n_run + me.n_run + se.n_dropped + me.n_dropped, expected);
    assert_int_equal(se.n_run + me.n_run, atomic_load(&total));
    qn_pool_free(pl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inline_executor),
        cmocka_unit_test(pool_executor),
        cmocka_unit_test(small_groups_are_not_starved),
        cmocka_unit_test(lanes_are_apart),
        cmocka_unit_test(cancel_reaches_running_tasks),
        cmocka_unit_test(tasks_make_tasks),
        cmocka_unit_test(stopping),
        cmocka_unit_test(many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
