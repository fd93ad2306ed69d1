#include "journal/journal_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "journal_int.h"

int qn_batch_new(struct qn_batch **out, struct qn_record_writer *wr, const struct qn_simd_ops *simd,
                 struct qn_budget *budget)
{
    *out = NULL;
    struct qn_record rec;
    int rc = qn_record_finish(wr, simd);
    uint64_t charge = wr->buf.n + QN_PAD + sizeof **out;
    if (rc == 0)
        rc = qn_budget_take(budget, charge);
    if (rc < 0) {
        qn_buf_clear(&wr->buf);
        return rc;
    }
    struct qn_batch *b = qn_xcalloc(1, sizeof *b);
    size_t n;
    size_t cap = wr->buf.cap;
    b->bytes = qn_buf_take(&wr->buf, &n);
    if (cap - n > n / 8) { /* buffers double: half of this one may be unused */
        b->bytes = qn_xrealloc(b->bytes, n + QN_PAD);
        memset(b->bytes + n, 0, QN_PAD);
    }
    rc = qn__record_parse(&rec, qn_str_make(b->bytes, n), NULL);
    QN_ASSERT(rc == 0);
    b->rec = rec;
    b->budget = budget;
    b->charged = charge;
    atomic_init(&b->refs, 1);
    *out = b;
    return 0;
}

struct qn_batch *qn__batch_view(const struct qn_record *rec, struct qn_frame_block *block)
{
    struct qn_batch *b = qn_xcalloc(1, sizeof *b);
    b->rec = *rec;
    b->block = qn__block_ref(block);
    atomic_init(&b->refs, 1);
    return b;
}

void qn__batch_pack(struct qn_batch *b)
{
    if (b->rec.bytes.n < QN_FRAME_PACK_BYTES || b->packed.n != 0)
        return;
    struct qn_coder *co = qn_coder_new();
    qn_buf_init(&b->packed, SIZE_MAX);
    qn_block_put(co, &b->packed, QN_BLOCK_LZ4, 0, NULL, b->bytes + QN_RECORD_HEAD_BYTES,
                 b->rec.bytes.n - QN_RECORD_HEAD_BYTES);
    qn_coder_free(co);
}

struct qn_batch *qn_batch_ref(struct qn_batch *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed); /* the caller holds one */
    return b;
}

void qn_batch_unref(struct qn_batch *b)
{
    /* Release what we did, acquire what others did, before the memory goes. */
    if (b == NULL || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (b->drop_user != NULL)
        b->drop_user(b->user);
    free(b->bytes);
    qn_buf_release(&b->packed);
    qn__block_unref(b->block);
    qn_budget_give(b->budget, b->charged);
    free(b);
}
