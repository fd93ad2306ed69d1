#include "base/budget.h"

#include "base/err.h"

void qn_budget_init(struct qn_budget *b, const char *name, struct qn_budget *parent,
                    uint64_t limit_bytes)
{
    b->name = name;
    b->parent = parent;
    atomic_init(&b->limit_bytes, limit_bytes);
    atomic_init(&b->used_bytes, 0);
    atomic_init(&b->peak_bytes, 0);
    atomic_init(&b->refused_count, 0);
}

void qn_budget_release(struct qn_budget *b)
{
    QN_ASSERT(qn_budget_used(b) == 0);
}

/* One level: reserves by compare-and-swap so that `used` never passes the limit, not even between
 * two instructions. Relaxed order is enough: the counters guard no other data. */
static int take_one(struct qn_budget *b, uint64_t bytes)
{
    uint64_t limit = atomic_load_explicit(&b->limit_bytes, memory_order_relaxed);
    uint64_t used = atomic_load_explicit(&b->used_bytes, memory_order_relaxed);
    uint64_t next;
    do {
        if (__builtin_add_overflow(used, bytes, &next) || (limit != 0 && next > limit)) {
            atomic_fetch_add_explicit(&b->refused_count, 1, memory_order_relaxed);
            return QN_E_BUDGET;
        }
    } while (!atomic_compare_exchange_weak_explicit(&b->used_bytes, &used, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    uint64_t peak = atomic_load_explicit(&b->peak_bytes, memory_order_relaxed);
    while (next > peak &&
           !atomic_compare_exchange_weak_explicit(&b->peak_bytes, &peak, next, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
    return 0;
}

static void give_one(struct qn_budget *b, uint64_t bytes)
{
    uint64_t before = atomic_fetch_sub_explicit(&b->used_bytes, bytes, memory_order_relaxed);
    QN_ASSERT(before >= bytes);
}

int qn_budget_take(struct qn_budget *b, uint64_t bytes)
{
    for (struct qn_budget *at = b; at != NULL; at = at->parent) {
        if (take_one(at, bytes) < 0) {
            for (struct qn_budget *undo = b; undo != at; undo = undo->parent)
                give_one(undo, bytes);
            return QN_E_BUDGET;
        }
    }
    return 0;
}

void qn_budget_give(struct qn_budget *b, uint64_t bytes)
{
    for (; b != NULL; b = b->parent)
        give_one(b, bytes);
}
