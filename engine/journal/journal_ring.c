#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_int.h"

static struct qn_batch *at(const struct qn_batch_ring *rg, size_t i)
{
    return rg->p[(rg->head + i) & (rg->cap - 1)];
}

static void grow(struct qn_batch_ring *rg)
{
    size_t cap = rg->cap == 0 ? 64 : rg->cap * 2;
    struct qn_batch **p = qn_xcalloc(cap, sizeof *p);
    for (size_t i = 0; i < rg->n; i++)
        p[i] = at(rg, i);
    free(rg->p);
    rg->p = p;
    rg->cap = cap;
    rg->head = 0;
}

void qn__ring_push(struct qn_batch_ring *rg, struct qn_batch *b)
{
    if (rg->n == rg->cap)
        grow(rg);
    rg->p[(rg->head + rg->n++) & (rg->cap - 1)] = b;
    rg->bytes += b->rec.bytes.n;
}

struct qn_batch *qn__ring_evict(struct qn_batch_ring *rg, uint64_t max_bytes)
{
    if (rg->n == 0 || rg->bytes <= max_bytes)
        return NULL;
    struct qn_batch *b = at(rg, 0);
    rg->head = (rg->head + 1) & (rg->cap - 1);
    rg->n--;
    rg->bytes -= b->rec.bytes.n;
    return b;
}

struct qn_batch *qn__ring_find(const struct qn_batch_ring *rg, uint64_t seq)
{
    if (rg->n == 0 || seq < at(rg, 0)->rec.seq)
        return NULL;
    size_t lo = 0, hi = rg->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (qn_record_end(&at(rg, mid)->rec) > seq)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < rg->n ? at(rg, lo) : NULL;
}

void qn__ring_release(struct qn_batch_ring *rg)
{
    for (size_t i = 0; i < rg->n; i++)
        qn_batch_unref(at(rg, i));
    free(rg->p);
    memset(rg, 0, sizeof *rg);
}
