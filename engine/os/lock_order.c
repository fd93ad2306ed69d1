#include "os/lock_order.h"

#include <stdint.h>

#include "base/assert.h"

const char *qn_lock_name(enum qn_lock lock)
{
    switch (lock) {
#define XX(name, what)                                                                             \
    case QN_LOCK_##name:                                                                           \
        return #name;
        QN_LOCK_MAP(XX)
#undef XX
    default:
        return "?";
    }
}

#ifndef NDEBUG
_Static_assert(QN_LOCK_COUNT <= 64, "held locks are one word of bits");

static _Thread_local uint64_t held; /* bit i: row i of the table */

void qn_lock_order_take(enum qn_lock lock)
{
    uint64_t not_above = held >> lock; /* this row and the rows below it */
    if (QN_UNLIKELY(not_above != 0))
        qn_panic(__FILE__, __LINE__, "lock order: taking %s while holding %s", qn_lock_name(lock),
                 qn_lock_name((enum qn_lock)(lock + (unsigned)__builtin_ctzll(not_above))));
    held |= 1ull << lock;
}

void qn_lock_order_drop(enum qn_lock lock)
{
    QN_ASSERT((held >> lock) & 1);
    held &= ~(1ull << lock);
}
#endif
