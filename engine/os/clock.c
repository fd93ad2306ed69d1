#include "os/clock.h"

#include <time.h>

qn_usec qn_now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (qn_usec)ts.tv_sec * 1000000 + (qn_usec)ts.tv_nsec / 1000;
}

static qn_usec system_mono_us(const struct qn_clock *ck)
{
    (void)ck;
    return qn_now_us();
}

static int64_t system_wall_ns(const struct qn_clock *ck)
{
    (void)ck;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static const struct qn_clock system_clock = {system_mono_us, system_wall_ns};

const struct qn_clock *qn_clock_system(void)
{
    return &system_clock;
}

static qn_usec manual_mono_us(const struct qn_clock *ck)
{
    const struct qn_manual_clock *mc = (const struct qn_manual_clock *)ck;
    return atomic_load_explicit(&mc->mono_us, memory_order_relaxed);
}

static int64_t manual_wall_ns(const struct qn_clock *ck)
{
    const struct qn_manual_clock *mc = (const struct qn_manual_clock *)ck;
    return atomic_load_explicit(&mc->wall_ns, memory_order_relaxed);
}

void qn_manual_clock_init(struct qn_manual_clock *mc, qn_usec mono_us, int64_t wall_ns)
{
    mc->clock = (struct qn_clock){manual_mono_us, manual_wall_ns};
    atomic_init(&mc->mono_us, mono_us);
    atomic_init(&mc->wall_ns, wall_ns);
}

void qn_manual_clock_advance(struct qn_manual_clock *mc, uint64_t us)
{
    atomic_fetch_add_explicit(&mc->mono_us, us, memory_order_relaxed);
    atomic_fetch_add_explicit(&mc->wall_ns, (int64_t)us * 1000, memory_order_relaxed);
}

void qn_manual_clock_set_wall(struct qn_manual_clock *mc, int64_t wall_ns)
{
    atomic_store_explicit(&mc->wall_ns, wall_ns, memory_order_relaxed);
}

void qn_hlc_init(struct qn_hlc *hlc, const struct qn_clock *ck, uint64_t max_ahead_us,
                 uint64_t floor)
{
    hlc->clock = ck;
    hlc->max_ahead_us = max_ahead_us;
    atomic_init(&hlc->last, floor);
}

static uint64_t wall_stamp(const struct qn_hlc *hlc)
{
    int64_t us = qn_wall_us(hlc->clock);
    return us <= 0 ? 0 : (uint64_t)us << QN_HLC_COUNTER_BITS;
}

uint64_t qn_hlc_next(struct qn_hlc *hlc)
{
    uint64_t wall = wall_stamp(hlc);
    uint64_t last = atomic_load_explicit(&hlc->last, memory_order_relaxed);
    uint64_t next;
    do {
        next = wall > last ? wall : last + 1;
        /* Relaxed: only the value itself is ordered, no other memory hangs on it. */
    } while (!atomic_compare_exchange_weak_explicit(&hlc->last, &last, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return next;
}

int qn_hlc_receive(struct qn_hlc *hlc, uint64_t remote)
{
    uint64_t wall = wall_stamp(hlc);
    if (remote > wall && (remote - wall) >> QN_HLC_COUNTER_BITS > hlc->max_ahead_us)
        return QN_E_RANGE;
    uint64_t last = atomic_load_explicit(&hlc->last, memory_order_relaxed);
    while (remote > last &&
           !atomic_compare_exchange_weak_explicit(&hlc->last, &last, remote, memory_order_relaxed,
                                                  memory_order_relaxed))
        ; /* `last` was reloaded */
    return QN_OK;
}
