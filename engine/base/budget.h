/* Memory budgets: a tree of counters with the process at its root.
 *
 *     process ─┬─ queries ──── one query
 *              ├─ indexing ─── one index
 *              └─ caches ───── block cache
 *
 * A take must fit in the leaf and in every ancestor, or nothing is taken and QN_E_BUDGET is
 * returned: the caller answers 429, the kernel's OOM killer never gets a say. Parents outlive
 * children. Counters are atomics: takes race freely and never exceed a limit.
 * @thread any  @locks none */
#ifndef QN_BASE_BUDGET_H
#define QN_BASE_BUDGET_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

struct qn_budget {
    const char *name; /* static string, used in error messages */
    struct qn_budget *parent;
    _Atomic uint64_t limit_bytes; /* 0 = no limit of its own */
    _Atomic uint64_t used_bytes;
    _Atomic uint64_t peak_bytes;
    _Atomic uint64_t refused_count;
};

void qn_budget_init(struct qn_budget *b, const char *name, struct qn_budget *parent,
                    uint64_t limit_bytes);
/* Asserts that everything was given back. */
void qn_budget_release(struct qn_budget *b);
/* NULL b is allowed and always succeeds. */
QN_MUST_CHECK int qn_budget_take(struct qn_budget *b, uint64_t bytes);
void qn_budget_give(struct qn_budget *b, uint64_t bytes);
static inline uint64_t qn_budget_used(const struct qn_budget *b)
{
    return atomic_load_explicit(&b->used_bytes, memory_order_relaxed);
}

#endif
