#include <stdlib.h>
#include <string.h>

#include "exec/operator.h"

void qn_op_free(struct qn_op *op)
{
    if (op != NULL && op->ops->free != NULL)
        op->ops->free(op);
}

int qn_op_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits, struct qn_err *err)
{
    QN_DASSERT(lo % QN_COLUMN_BLOCK == 0 && hi - lo <= QN_WINDOW_DOCS);
    uint32_t next = op->ops->next(op, lo);
    return next >= hi ? 0 : op->ops->fill(op, lo, hi, bits, err);
}

/* Without a way of its own an operator fills the window and the ids are looked up in it. */
static int retain_by_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint32_t *ids, uint32_t *n,
                          struct qn_err *err)
{
    uint64_t bits[QN_WINDOW_WORDS];
    memset(bits, 0, qn_bits_words(hi - lo) * sizeof *bits);
    int rc = op->ops->fill(op, lo, hi, bits, err);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n && rc == 0; i++) {
        ids[kept] = ids[i];
        kept += qn_bit_get(bits, ids[i] - lo);
    }
    *n = kept;
    return rc;
}

int qn_op_retain(struct qn_op *op, const struct qn_exec *ex, uint32_t lo, uint32_t hi,
                 uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    (void)ex;
    if (*n == 0)
        return 0;
    if (op->ops->next(op, ids[0]) > ids[*n - 1]) {
        *n = 0;
        return 0;
    }
    return op->ops->retain ? op->ops->retain(op, ids, n, err)
                           : retain_by_fill(op, lo, hi, ids, n, err);
}

/* ---- interval, all, none */

struct interval {
    struct qn_op op;
    uint32_t from, to;
};

static uint32_t interval_next(struct qn_op *op, uint32_t doc)
{
    const struct interval *iv = (struct interval *)op;
    if (doc >= iv->to)
        return QN_DOC_END;
    return doc > iv->from ? doc : iv->from;
}

static int interval_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                         struct qn_err *err)
{
    const struct interval *iv = (struct interval *)op;
    (void)err;
    uint32_t from = iv->from > lo ? iv->from : lo, to = iv->to < hi ? iv->to : hi;
    if (from < to)
        qn_bits_fill(bits, from - lo, to - lo);
    return 0;
}

static int interval_retain(struct qn_op *op, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    const struct interval *iv = (struct interval *)op;
    uint32_t kept = 0;
    (void)err;
    for (uint32_t i = 0; i < *n; i++) {
        ids[kept] = ids[i];
        kept += ids[i] >= iv->from && ids[i] < iv->to;
    }
    *n = kept;
    return 0;
}

static const struct qn_op_ops interval_ops = {"interval", interval_next, interval_fill,
                                              interval_retain, NULL};

struct qn_op *qn_op_interval(struct qn_exec *ex, uint32_t from, uint32_t to)
{
    struct interval *iv = qn_arena_new(ex->ar, struct interval);
    if (iv == NULL)
        return NULL;
    if (to > ex->n_docs)
        to = ex->n_docs;
    if (from > to)
        from = to;
    iv->op = (struct qn_op){&interval_ops, to - from, true};
    iv->from = from;
    iv->to = to;
    return &iv->op;
}

struct qn_op *qn_op_all(struct qn_exec *ex)
{
    return qn_op_interval(ex, 0, ex->n_docs);
}

struct qn_op *qn_op_none(struct qn_exec *ex)
{
    return qn_op_interval(ex, 0, 0);
}

/* ---- a set of the whole split */

struct bitset {
    struct qn_op op;
    uint64_t *bits;
    uint32_t n_docs;
};

static uint32_t bitset_next(struct qn_op *op, uint32_t doc)
{
    const struct bitset *bs = (struct bitset *)op;
    size_t words = qn_bits_words(bs->n_docs);
    for (size_t w = doc / 64; w < words; w++) {
        uint64_t word = bs->bits[w] & (w == doc / 64 ? ~0ull << (doc & 63) : ~0ull);
        if (word != 0)
            return (uint32_t)(w * 64 + (size_t)__builtin_ctzll(word));
    }
    return QN_DOC_END;
}

static int bitset_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                       struct qn_err *err)
{
    const struct bitset *bs = (struct bitset *)op;
    (void)err;
    for (size_t w = 0; w < qn_bits_words(hi - lo); w++)
        bits[w] |= bs->bits[lo / 64 + w];
    return 0;
}

static int bitset_retain(struct qn_op *op, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    const struct bitset *bs = (struct bitset *)op;
    uint32_t kept = 0;
    (void)err;
    for (uint32_t i = 0; i < *n; i++) {
        ids[kept] = ids[i];
        kept += qn_bit_get(bs->bits, ids[i]);
    }
    *n = kept;
    return 0;
}

static void bitset_free(struct qn_op *op)
{
    free(((struct bitset *)op)->bits);
}

static const struct qn_op_ops bitset_ops = {"bitset", bitset_next, bitset_fill, bitset_retain,
                                            bitset_free};

struct qn_op *qn_op_bitset(struct qn_exec *ex, uint64_t *bits, uint64_t count)
{
    struct bitset *bs = qn_arena_new(ex->ar, struct bitset);
    if (bs == NULL) {
        free(bits);
        return NULL;
    }
    bs->op = (struct qn_op){&bitset_ops, count, true};
    bs->bits = bits;
    bs->n_docs = ex->n_docs;
    return &bs->op;
}
