#include "exec/search.h"

#include <string.h>

#include "operator_int.h"

static uint32_t window_end(const struct qn_exec *ex, uint32_t lo)
{
    return ex->n_docs - lo < QN_WINDOW_DOCS ? ex->n_docs : lo + QN_WINDOW_DOCS;
}

/* The matches of a window that are not deleted. */
int qn__fill_live(struct qn_exec *ex, struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                  struct qn_err *err)
{
    size_t words = qn_bits_words(hi - lo);
    memset(bits, 0, words * sizeof *bits);
    int rc = qn_op_fill(op, lo, hi, bits, err);
    if (rc == 0 && ex->deleted != NULL)
        ex->simd->bits_andnot(bits, ex->deleted + lo / 64, words);
    return rc;
}

int qn_search_count(struct qn_exec *ex, struct qn_op *op, struct qn_stop stop, uint64_t *count,
                    struct qn_err *err)
{
    uint64_t bits[QN_WINDOW_WORDS];
    *count = 0;
    if (op->exact && ex->deleted == NULL) {
        *count = op->estimate;
        return 0;
    }
    uint32_t doc = 0;
    while (doc < ex->n_docs && (doc = qn_op_next(op, doc)) != QN_DOC_END) {
        uint32_t lo = doc / QN_WINDOW_DOCS * QN_WINDOW_DOCS, hi = window_end(ex, lo);
        int rc = qn_stop_poll(stop);
        if (rc == 0)
            rc = qn__fill_live(ex, op, lo, hi, bits, err);
        if (rc < 0)
            return rc;
        *count += ex->simd->popcount(bits, qn_bits_words(hi - lo));
        doc = hi;
    }
    return 0;
}

/* Clears the bits before (or, newest, after) the document to start at. */
static void clip(const struct qn_search_edge *ask, uint32_t lo, uint32_t hi, uint64_t *bits)
{
    uint64_t drop[QN_WINDOW_WORDS];
    size_t words = qn_bits_words(hi - lo);
    uint32_t from = lo, to = lo;
    if (ask->newest && ask->skip_to < hi - 1)
        from = ask->skip_to < lo ? lo : ask->skip_to + 1, to = hi;
    else if (!ask->newest && ask->skip_to > lo)
        to = ask->skip_to < hi ? ask->skip_to : hi;
    if (from == to)
        return;
    memset(drop, 0, words * sizeof *drop);
    qn_bits_fill(drop, from - lo, to - lo);
    for (size_t w = 0; w < words; w++)
        bits[w] &= ~drop[w];
}

static void take(const struct qn_search_edge *ask, uint32_t lo, uint32_t hi, const uint64_t *bits,
                 struct qn_search_hits *hits)
{
    size_t words = qn_bits_words(hi - lo);
    for (size_t i = 0; i < words && hits->n < ask->limit; i++) {
        size_t w = ask->newest ? words - 1 - i : i;
        for (uint64_t word = bits[w]; word != 0 && hits->n < ask->limit;) {
            unsigned b = ask->newest ? 63 - (unsigned)__builtin_clzll(word)
                                     : (unsigned)__builtin_ctzll(word);
            hits->ids[hits->n++] = lo + (uint32_t)w * 64 + b;
            word &= ~(1ull << b);
        }
    }
}

static int visit(struct qn_exec *ex, struct qn_op *op, const struct qn_search_edge *ask,
                 uint32_t lo, struct qn_search_hits *hits, struct qn_err *err)
{
    uint64_t bits[QN_WINDOW_WORDS];
    uint32_t hi = window_end(ex, lo);
    if (qn_op_next(op, lo) >= hi) {
        hits->windows_skipped++;
        return 0;
    }
    int rc = qn__fill_live(ex, op, lo, hi, bits, err);
    if (rc < 0)
        return rc;
    hits->windows_filled++;
    hits->count += ex->simd->popcount(bits, qn_bits_words(hi - lo));
    clip(ask, lo, hi, bits);
    take(ask, lo, hi, bits, hits);
    return 0;
}

int qn_search_edge(struct qn_exec *ex, struct qn_op *op, const struct qn_search_edge *ask,
                   struct qn_stop stop, struct qn_search_hits *hits, struct qn_err *err)
{
    hits->n = hits->windows_filled = hits->windows_skipped = 0;
    hits->count = 0;
    uint32_t windows = (ex->n_docs + QN_WINDOW_DOCS - 1) / QN_WINDOW_DOCS;
    for (uint32_t i = 0; i < windows; i++) {
        uint32_t w = ask->newest ? windows - 1 - i : i;
        if (!ask->count_all && hits->n == ask->limit)
            break;
        int rc = qn_stop_poll(stop);
        if (rc == 0)
            rc = visit(ex, op, ask, w * QN_WINDOW_DOCS, hits, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
