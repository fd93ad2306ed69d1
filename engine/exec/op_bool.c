#include <stdlib.h>
#include <string.h>

#include "exec/operator.h"

enum { SPARSE = 1024 }; /* ids of a window up to which they are tested one list at a time */

/* Children, kept with what they belong to. */
struct group {
    struct qn_op op;
    struct qn_exec *ex;
    struct qn_op **must, **must_not;
    uint32_t n_must, n_must_not;
    uint32_t least; /* of an OR */
};

static void group_free(struct qn_op *op)
{
    struct group *g = (struct group *)op;
    for (uint32_t i = 0; i < g->n_must; i++)
        qn_op_free(g->must[i]);
    for (uint32_t i = 0; i < g->n_must_not; i++)
        qn_op_free(g->must_not[i]);
}

static int by_estimate(const void *a, const void *b)
{
    const struct qn_op *x = *(struct qn_op *const *)a, *y = *(struct qn_op *const *)b;
    return x->estimate < y->estimate ? -1 : x->estimate > y->estimate;
}

/* ---- and */

/* Leaps until all children agree that something may be there. */
static uint32_t and_next(struct qn_op *op, uint32_t doc)
{
    const struct group *g = (struct group *)op;
    for (uint32_t agreed = 0, i = 0; agreed < g->n_must; i = (i + 1) % g->n_must) {
        uint32_t next = g->must[i]->ops->next(g->must[i], doc);
        if (next == QN_DOC_END)
            return QN_DOC_END;
        agreed = next == doc ? agreed + 1 : 1;
        doc = next;
    }
    return doc;
}

static uint32_t gather(const struct group *g, uint32_t lo, uint32_t hi, const uint64_t *bits,
                       uint32_t *ids)
{
    return (uint32_t)g->ex->simd->ids_from_bits(ids, bits, qn_bits_words(hi - lo), lo);
}

/* The rarest child has few documents here: the others look at those alone. */
static int and_sparse(struct group *g, uint32_t lo, uint32_t hi, const uint64_t *driver,
                      uint32_t from, uint64_t *bits, struct qn_err *err)
{
    uint32_t ids[SPARSE + 64];
    uint32_t n = gather(g, lo, hi, driver, ids);
    int rc = 0;
    for (uint32_t i = from; i < g->n_must && n > 0 && rc == 0; i++)
        rc = qn_op_retain(g->must[i], g->ex, lo, hi, ids, &n, err);
    for (uint32_t i = 0; i < g->n_must_not && n > 0 && rc == 0; i++) {
        uint32_t hit[SPARSE + 64], n_hit = n, kept = 0, k = 0;
        memcpy(hit, ids, n * sizeof *ids);
        rc = qn_op_retain(g->must_not[i], g->ex, lo, hi, hit, &n_hit, err);
        for (uint32_t j = 0; j < n; j++) {
            if (k < n_hit && hit[k] == ids[j])
                k++;
            else
                ids[kept++] = ids[j];
        }
        n = kept;
    }
    for (uint32_t i = 0; i < n && rc == 0; i++)
        qn_bit_set(bits, ids[i] - lo);
    return rc;
}

static int and_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits, struct qn_err *err)
{
    struct group *g = (struct group *)op;
    const struct qn_simd_ops *simd = g->ex->simd;
    uint64_t all[QN_WINDOW_WORDS], one[QN_WINDOW_WORDS];
    size_t words = qn_bits_words(hi - lo);
    memset(all, 0, words * sizeof *all);
    int rc = qn_op_fill(g->must[0], lo, hi, all, err);
    for (uint32_t i = 1; i < g->n_must && rc == 0; i++) {
        size_t n = simd->popcount(all, words);
        if (n == 0)
            return 0;
        if (n <= SPARSE)
            return and_sparse(g, lo, hi, all, i, bits, err);
        memset(one, 0, words * sizeof *one);
        rc = qn_op_fill(g->must[i], lo, hi, one, err);
        simd->bits_and(all, one, words);
    }
    if (rc == 0 && g->n_must_not > 0 && simd->popcount(all, words) <= SPARSE)
        return and_sparse(g, lo, hi, all, g->n_must, bits, err);
    for (uint32_t i = 0; i < g->n_must_not && rc == 0; i++) {
        memset(one, 0, words * sizeof *one);
        rc = qn_op_fill(g->must_not[i], lo, hi, one, err);
        simd->bits_andnot(all, one, words);
    }
    if (rc == 0)
        simd->bits_or(bits, all, words);
    return rc;
}

static const struct qn_op_ops and_ops = {"and", and_next, and_fill, NULL, group_free};

struct qn_op *qn_op_and(struct qn_exec *ex, struct qn_op **must, uint32_t n_must,
                        struct qn_op **must_not, uint32_t n_must_not)
{
    QN_ASSERT(n_must > 0);
    if (n_must == 1 && n_must_not == 0)
        return must[0];
    struct group *g = qn_arena_new(ex->ar, struct group);
    if (g == NULL)
        return NULL;
    qsort(must, n_must, sizeof *must, by_estimate);
    g->op = (struct qn_op){&and_ops, must[0]->estimate, false};
    g->ex = ex;
    g->must = must;
    g->n_must = n_must;
    g->must_not = must_not;
    g->n_must_not = n_must_not;
    return &g->op;
}

/* ---- or */

static uint32_t or_next(struct qn_op *op, uint32_t doc)
{
    const struct group *g = (struct group *)op;
    uint32_t best = QN_DOC_END;
    for (uint32_t i = 0; i < g->n_must && best != doc; i++) {
        uint32_t next = g->must[i]->ops->next(g->must[i], doc);
        best = next < best ? next : best;
    }
    return best;
}

static int or_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits, struct qn_err *err)
{
    const struct group *g = (struct group *)op;
    int rc = 0;
    for (uint32_t i = 0; i < g->n_must && rc == 0; i++)
        rc = qn_op_fill(g->must[i], lo, hi, bits, err);
    return rc;
}

static const struct qn_op_ops or_ops = {"or", or_next, or_fill, NULL, group_free};

/* Adds one to the number that each document's column of bits spells, in binary: plane p holds bit p
 * of the counts. Counts stop at 2^planes - 1, which is at least `least`. */
static void count_up(uint64_t (*planes)[QN_WINDOW_WORDS], unsigned n_planes, const uint64_t *one,
                     size_t words)
{
    for (size_t w = 0; w < words; w++) {
        uint64_t carry = one[w], full = one[w];
        for (unsigned p = 0; p < n_planes; p++)
            full &= planes[p][w];
        carry &= ~full;
        for (unsigned p = 0; p < n_planes && carry != 0; p++) {
            uint64_t old = planes[p][w];
            planes[p][w] = old ^ carry;
            carry &= old;
        }
    }
}

/* Sets the bits of documents whose count is at least `least`. */
static void at_least(uint64_t (*planes)[QN_WINDOW_WORDS], unsigned n_planes, uint32_t least,
                     uint64_t *bits, size_t words)
{
    for (size_t w = 0; w < words; w++) {
        uint64_t greater = 0, equal = ~0ull;
        for (unsigned p = n_planes; p-- > 0;) {
            uint64_t v = planes[p][w];
            if (least >> p & 1) {
                equal &= v;
            } else {
                greater |= equal & v;
                equal &= ~v;
            }
        }
        bits[w] |= greater | equal;
    }
}

static int count_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                      struct qn_err *err)
{
    const struct group *g = (struct group *)op;
    unsigned n_planes = qn_bit_width(g->least);
    size_t words = qn_bits_words(hi - lo);
    uint64_t one[QN_WINDOW_WORDS];
    uint64_t(*planes)[QN_WINDOW_WORDS] = calloc(n_planes, sizeof *planes);
    if (planes == NULL)
        return QN_E_BUDGET;
    int rc = 0;
    for (uint32_t i = 0; i < g->n_must && rc == 0; i++) {
        memset(one, 0, words * sizeof *one);
        rc = qn_op_fill(g->must[i], lo, hi, one, err);
        count_up(planes, n_planes, one, words);
    }
    if (rc == 0)
        at_least(planes, n_planes, g->least, bits, words);
    free(planes);
    return rc;
}

static const struct qn_op_ops count_ops = {"at_least", or_next, count_fill, NULL, group_free};

struct qn_op *qn_op_or(struct qn_exec *ex, struct qn_op **any, uint32_t n, uint32_t least)
{
    QN_ASSERT(n > 0 && least >= 1);
    if (least > n) {
        struct qn_op *none = qn_op_none(ex);
        for (uint32_t i = 0; i < n && none != NULL; i++)
            qn_op_free(any[i]);
        return none;
    }
    if (n == 1)
        return any[0];
    if (least == n)
        return qn_op_and(ex, any, n, NULL, 0);
    struct group *g = qn_arena_new(ex->ar, struct group);
    if (g == NULL)
        return NULL;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += any[i]->estimate;
    g->op = (struct qn_op){least == 1 ? &or_ops : &count_ops,
                           sum / least < ex->n_docs ? sum / least : ex->n_docs, false};
    g->ex = ex;
    g->must = any;
    g->n_must = n;
    g->least = least;
    return &g->op;
}
