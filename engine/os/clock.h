/* Clocks: monotonic for deadlines and durations, wall for timestamps, hybrid for ordering.
 *
 * Code whose behaviour depends on time is handed a `const struct qn_clock *`, so that tests turn it
 * by hand. The hybrid logical clock (Kulkarni et al. 2014) gives stamps that are strictly monotone
 * in a process, follow the wall clock, and are later than every stamp received from elsewhere:
 *
 *     stamp = unix microseconds << 12 | counter        (64 bits: enough until the year 2112)
 *
 * A full counter runs over into the microseconds, which stay ahead of the wall until it catches up.
 * @thread any  @locks none */
#ifndef QN_OS_CLOCK_H
#define QN_OS_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

typedef uint64_t qn_usec; /* microseconds on the monotonic clock */

struct qn_clock {
    qn_usec (*mono_us)(const struct qn_clock *ck);
    int64_t (*wall_ns)(const struct qn_clock *ck); /* since 1970 */
};

const struct qn_clock *qn_clock_system(void);
static inline qn_usec qn_mono_us(const struct qn_clock *ck)
{
    return ck->mono_us(ck);
}
static inline int64_t qn_wall_ns(const struct qn_clock *ck)
{
    return ck->wall_ns(ck);
}
static inline int64_t qn_wall_us(const struct qn_clock *ck)
{
    return ck->wall_ns(ck) / 1000;
}
static inline int64_t qn_wall_ms(const struct qn_clock *ck)
{
    return ck->wall_ns(ck) / 1000000;
}
/* The system's monotonic clock, for code that has no use for another (deadlines of waits). */
qn_usec qn_now_us(void);

/* A clock that moves only when told. */
struct qn_manual_clock {
    struct qn_clock clock; /* first member */
    _Atomic uint64_t mono_us;
    _Atomic int64_t wall_ns;
};
void qn_manual_clock_init(struct qn_manual_clock *mc, qn_usec mono_us, int64_t wall_ns);
void qn_manual_clock_advance(struct qn_manual_clock *mc, uint64_t us); /* both clocks */
void qn_manual_clock_set_wall(struct qn_manual_clock *mc, int64_t wall_ns);

#define QN_HLC_COUNTER_BITS 12

struct qn_hlc {
    const struct qn_clock *clock;
    uint64_t max_ahead_us; /* how far ahead of the wall a received stamp may be */
    _Atomic uint64_t last;
};

/* `floor`: the largest stamp known from an earlier life (0 = none); the first stamp is later. */
void qn_hlc_init(struct qn_hlc *hlc, const struct qn_clock *ck, uint64_t max_ahead_us,
                 uint64_t floor);
uint64_t qn_hlc_next(struct qn_hlc *hlc);
/* Every later stamp is after `remote`. QN_E_RANGE, and nothing changes, when remote is more than
 * max_ahead_us ahead of the wall: one machine with a wrong clock must not drag the others along. */
QN_MUST_CHECK int qn_hlc_receive(struct qn_hlc *hlc, uint64_t remote);
static inline int64_t qn_hlc_wall_us(uint64_t stamp)
{
    return (int64_t)(stamp >> QN_HLC_COUNTER_BITS);
}

#endif
