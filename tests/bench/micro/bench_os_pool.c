/* The thread pool: cost of a task, and how long a small query waits behind a large one.
 *     bench_os_pool [threads, default the cores]
 * One line of JSON per measurement. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"

static int nothing(struct qn_group *g, void *arg)
{
    (void)g;
    atomic_fetch_add_explicit((_Atomic unsigned *)arg, 1, memory_order_relaxed);
    return 0;
}

static int say_done(struct qn_group *g, void *arg)
{
    (void)g;
    atomic_store_explicit((_Atomic unsigned *)arg, 1, memory_order_release);
    return 0;
}

static int spin_100us(struct qn_group *g, void *arg)
{
    (void)g;
    (void)arg;
    for (qn_usec until = qn_now_us() + 100; qn_now_us() < until;)
        ;
    return 0;
}

static int by_value(const void *a, const void *b)
{
    qn_usec x = *(const qn_usec *)a, y = *(const qn_usec *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    unsigned threads = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : qn_cpu_count();
    struct qn_pool_options opt = {.n_threads = {threads, 1, 1}};
    struct qn_pool *pl;
    if (qn_pool_start(&pl, &opt) < 0)
        return 1;
    struct qn_executor *ex = qn_pool_executor(pl);
    struct qn_group g, big;
    _Atomic unsigned n = 0;
    enum { TASKS = 200000, SMALL = 200 };
    qn_usec t = qn_now_us();
    for (int i = 0; i < TASKS / 1000; i++) {
        qn_group_init(&g, ex, QN_LANE_SEARCH, 0);
        for (int k = 0; k < 1000; k++)
            qn_group_submit(&g, nothing, &n);
        if (qn_group_wait(&g) < 0)
            return 1;
    }
    printf("{\"bench\":\"pool_task\",\"threads\":%u,\"ns\":%.0f}\n", threads,
           (double)(qn_now_us() - t) * 1000 / TASKS);

    static qn_usec waits[SMALL];
    qn_group_init(&big, ex, QN_LANE_SEARCH, 0);
    for (int k = 0; k < 20000; k++)
        qn_group_submit(&big, spin_100us, NULL);
    for (int i = 0; i < SMALL; i++) {
        t = qn_now_us();
        qn_group_init(&g, ex, QN_LANE_SEARCH, 0);
        atomic_store(&n, 0);
        qn_group_submit(&g, say_done, &n);
        while (atomic_load_explicit(&n, memory_order_acquire) == 0)
            sched_yield(); /* waiting for the group would help it past the queue */
        waits[i] = qn_now_us() - t;
        if (qn_group_wait(&g) < 0)
            return 1;
    }
    qn_group_cancel(&big);
    int rc = qn_group_wait(&big);
    qsort(waits, SMALL, sizeof *waits, by_value);
    printf("{\"bench\":\"pool_small_behind_20000_of_100us\",\"p50_us\":%llu,\"max_us\":%llu}\n",
           (unsigned long long)waits[SMALL / 2], (unsigned long long)waits[SMALL - 1]);
    qn_pool_free(pl);
    return rc == QN_E_CANCELLED ? 0 : 1;
}
