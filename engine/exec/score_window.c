#include <math.h>

#include "score_int.h"

/* Sums in another order differ in the last bits: bounds leave room for that. */
#define SLACK 1.00001f

/* The postings of a block inside [lo, hi): ids[*from .. *to). */
static int load_clipped(struct qn__score *x, uint32_t b, uint32_t lo, uint32_t hi, uint32_t *from,
                        uint32_t *to, struct qn_err *err)
{
    struct qn_cursor *cu = x->cu;
    const struct qn_simd_ops *simd = cu->ps->ops;
    int rc = qn_cursor_load(cu, b, err);
    if (rc == 0 && cu->ps->record != QN_RECORD_BASIC)
        rc = qn_cursor_codes(cu, err);
    if (rc < 0)
        return rc;
    *from = cu->first[b] >= lo ? 0 : (uint32_t)simd->lower_bound32(cu->ids, cu->n_ids, lo);
    *to = cu->last[b] < hi ? cu->n_ids : (uint32_t)simd->lower_bound32(cu->ids, cu->n_ids, hi);
    return 0;
}

static float escape_score(const struct qn__score *x, const struct qn_escape *e)
{
    return qn_bm25_score(x->weight, (float)e->tf, qn_norm_decode(e->norm), x->average);
}

static int add_term(struct qn__score *x, uint32_t lo, uint32_t hi, float *out, struct qn_err *err)
{
    struct qn_cursor *cu = x->cu;
    bool basic = cu->ps->record == QN_RECORD_BASIC;
    for (uint32_t b = qn_cursor_find_block(cu, lo); b < cu->n_blocks && cu->first[b] < hi; b++) {
        uint32_t from, to;
        int rc = load_clipped(x, b, lo, hi, &from, &to, err);
        if (rc < 0)
            return rc;
        if (basic) {
            for (uint32_t i = from; i < to; i++)
                out[cu->ids[i] - lo] += x->lut[0];
            continue;
        }
        cu->ps->ops->score_add(out, cu->ids + from, lo, cu->codes + from, to - from, x->lut);
        for (uint32_t e = 0; e < cu->n_escapes; e++)
            if (cu->escapes[e].index >= from && cu->escapes[e].index < to)
                out[cu->ids[cu->escapes[e].index] - lo] += escape_score(x, &cu->escapes[e]);
    }
    return 0;
}

static int read_norms(const struct qn_split_field *fd, uint32_t lo, struct qn_slice *sl,
                      struct qn_err *err)
{
    *sl = (struct qn_slice){0};
    return fd->norms ? qn_norms_read(fd->norms, lo / QN_WINDOW_DOCS, sl, err) : 0;
}

static uint32_t length_of(const struct qn_slice *sl, uint32_t doc)
{
    return qn_norm_decode(sl->p ? sl->p[doc % QN_WINDOW_DOCS] : 1);
}

/* The matches of an operator in the window, as ids; gives how many. */
static int ids_of(struct qn_scorer *sc, struct qn_op *op, uint32_t lo, uint32_t hi, uint32_t *n,
                  struct qn_err *err)
{
    uint64_t bits[QN_SCORE_WINDOW / 64] = {0};
    int rc = qn_op_fill(op, lo, hi, bits, err);
    *n = rc < 0 ? 0
                : (uint32_t)sc->ex->simd->ids_from_bits(sc->ids, bits, qn_bits_words(hi - lo), lo);
    return rc;
}

static int add_phrase(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi,
                      float *out, struct qn_err *err)
{
    float freqs[1024];
    bool some = false;
    memset(x->room, 0, (hi - lo) * sizeof *x->room);
    for (uint32_t p = 0; p < x->phrases.n; p++) {
        uint32_t n;
        int rc = ids_of(sc, x->phrases.p[p], lo, hi, &n, err);
        for (uint32_t i = 0; i < n && rc == 0; i += 1024) {
            uint32_t k = n - i < 1024 ? n - i : 1024;
            rc = qn__op_phrase_freqs(x->phrases.p[p], sc->ids + i, k, freqs, err);
            for (uint32_t j = 0; j < k && rc == 0; j++)
                x->room[sc->ids[i + j] - lo] += freqs[j];
        }
        if (rc < 0)
            return rc;
        some |= n > 0;
    }
    if (!some)
        return 0;
    struct qn_slice norms;
    int rc = read_norms(x->fd, lo, &norms, err);
    for (uint32_t i = 0; i < hi - lo && rc == 0; i++)
        if (x->room[i] > 0)
            out[i] += qn_bm25_score(x->weight, x->room[i], length_of(&norms, lo + i), x->average);
    qn_slice_release(&norms);
    return rc;
}

static int add_constant(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi,
                        float *out, struct qn_err *err)
{
    uint32_t n;
    int rc = ids_of(sc, x->gate, lo, hi, &n, err);
    for (uint32_t i = 0; i < n; i++)
        out[sc->ids[i] - lo] += x->value;
    return rc;
}

static int add_sum(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi, float *out,
                   struct qn_err *err)
{
    float *into = x->gate ? x->room : out;
    if (x->gate != NULL && qn_op_next(x->gate, lo) >= hi)
        return 0;
    if (x->gate != NULL)
        memset(into, 0, (hi - lo) * sizeof *into);
    for (uint32_t i = 0; i < x->n; i++) {
        int rc = qn__score_add(sc, x->child[i], lo, hi, into, err);
        if (rc < 0)
            return rc;
    }
    if (x->gate == NULL)
        return 0;
    uint32_t n;
    int rc = ids_of(sc, x->gate, lo, hi, &n, err);
    for (uint32_t i = 0; i < n; i++)
        out[sc->ids[i] - lo] += into[sc->ids[i] - lo];
    return rc;
}

static int add_max(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi, float *out,
                   struct qn_err *err)
{
    uint32_t n = hi - lo;
    float *one = x->room, *best = one + QN_SCORE_WINDOW, *all = best + QN_SCORE_WINDOW;
    memset(best, 0, n * sizeof *best);
    memset(all, 0, n * sizeof *all);
    for (uint32_t c = 0; c < x->n; c++) {
        memset(one, 0, n * sizeof *one);
        int rc = qn__score_add(sc, x->child[c], lo, hi, one, err);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < n; i++) {
            best[i] = one[i] > best[i] ? one[i] : best[i];
            all[i] += one[i];
        }
    }
    for (uint32_t i = 0; i < n; i++)
        out[i] += best[i] + x->value * (all[i] - best[i]);
    return 0;
}

static int add_boosting(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi,
                        float *out, struct qn_err *err)
{
    uint32_t n;
    if (x->n == 0)
        return 0;
    memset(x->room, 0, (hi - lo) * sizeof *x->room);
    int rc = qn__score_add(sc, x->child[0], lo, hi, x->room, err);
    if (rc == 0)
        rc = ids_of(sc, x->gate, lo, hi, &n, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < n; i++)
        x->room[sc->ids[i] - lo] *= x->value;
    for (uint32_t i = 0; i < hi - lo; i++)
        out[i] += x->room[i];
    return 0;
}

int qn__score_add(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi, float *out,
                  struct qn_err *err)
{
    switch (x->kind) {
    case QN__SCORE_TERM:
        return add_term(x, lo, hi, out, err);
    case QN__SCORE_PHRASE:
        return add_phrase(sc, x, lo, hi, out, err);
    case QN__SCORE_CONSTANT:
        return add_constant(sc, x, lo, hi, out, err);
    case QN__SCORE_SUM:
        return add_sum(sc, x, lo, hi, out, err);
    case QN__SCORE_MAX:
        return add_max(sc, x, lo, hi, out, err);
    case QN__SCORE_BOOSTING:
        return add_boosting(sc, x, lo, hi, out, err);
    }
    return 0;
}

int qn_scorer_window(struct qn_scorer *sc, uint32_t lo, uint32_t hi, float *out, struct qn_err *err)
{
    QN_DASSERT(hi - lo <= QN_SCORE_WINDOW && lo % 1024 == 0);
    memset(out, 0, (hi - lo) * sizeof *out);
    return sc->root ? qn__score_add(sc, sc->root, lo, hi, out, err) : 0;
}

/* ---- bounds */

static float term_bound(const struct qn__score *x, uint32_t lo, uint32_t hi)
{
    bool some;
    uint8_t code = qn_cursor_max_code(x->cu, lo, hi, &some);
    return some ? x->bound[x->cu->ps->record == QN_RECORD_BASIC ? 0 : code] : 0;
}

static float bound_of(const struct qn__score *x, uint32_t lo, uint32_t hi)
{
    float all = 0, best = 0;
    if (x->kind == QN__SCORE_TERM)
        return term_bound(x, lo, hi);
    if (x->kind == QN__SCORE_CONSTANT)
        return qn_op_next(x->gate, lo) < hi ? x->value : 0;
    if (x->kind == QN__SCORE_PHRASE) { /* what no number of occurrences exceeds */
        for (uint32_t i = 0; i < x->phrases.n; i++)
            if (qn_op_next(x->phrases.p[i], lo) < hi)
                return x->weight;
        return 0;
    }
    for (uint32_t i = 0; i < x->n; i++) {
        float one = bound_of(x->child[i], lo, hi);
        all += one;
        best = one > best ? one : best;
    }
    return x->kind == QN__SCORE_MAX ? best + x->value * (all - best) : all;
}

float qn_scorer_bound(struct qn_scorer *sc, uint32_t lo, uint32_t hi)
{
    if (sc->signed_weights)
        return INFINITY;
    return sc->root ? bound_of(sc->root, lo, hi) * SLACK : 0;
}

/* ---- disjunctions of terms: MAXSCORE in a window */

/* Adds a term's scores to the candidates that have it. */
static int probe(struct qn__score *x, const uint32_t *ids, uint32_t n, uint32_t lo, float *out,
                 struct qn_err *err)
{
    struct qn_cursor *cu = x->cu;
    const struct qn_simd_ops *simd = cu->ps->ops;
    uint32_t b = n > 0 ? qn_cursor_find_block(cu, ids[0]) : 0;
    for (uint32_t i = 0; i < n && b < cu->n_blocks;) {
        if (cu->last[b] < ids[i]) {
            b += (uint32_t)simd->lower_bound32(cu->last + b, cu->n_blocks - b, ids[i]);
            continue;
        }
        if (cu->first[b] > ids[i]) {
            i++;
            continue;
        }
        uint32_t at, to;
        int rc = load_clipped(x, b, ids[i], UINT32_MAX, &at, &to, err);
        if (rc < 0)
            return rc;
        for (; i < n && ids[i] <= cu->last[b]; i++) {
            at += (uint32_t)simd->lower_bound32(cu->ids + at, to - at, ids[i]);
            if (cu->ids[at] != ids[i])
                continue;
            uint8_t code = cu->ps->record == QN_RECORD_BASIC ? 0 : cu->codes[at];
            float add = x->lut[code];
            for (uint32_t e = 0; code == QN_IMPACT_ESCAPE && e < cu->n_escapes; e++)
                if (cu->escapes[e].index == at)
                    add = escape_score(x, &cu->escapes[e]);
            out[ids[i] - lo] += add;
        }
    }
    return 0;
}

/* Adds a term to the candidates: looks them up when they are few, else streams the term. */
static int add_idle(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi,
                    const uint64_t *bits, size_t n, float *out, struct qn_err *err)
{
    enum { LOOKUP = 16 }; /* what one costs, in postings that are streamed */
    uint64_t here = (uint64_t)x->cu->df * (hi - lo) / sc->ex->n_docs;
    if (n * LOOKUP > here)
        return add_term(x, lo, hi, out, err);
    sc->ex->simd->ids_from_bits(sc->ids, bits, qn_bits_words(hi - lo), lo);
    return probe(x, sc->ids, (uint32_t)n, lo, out, err);
}

/* Candidates that cannot get over the threshold any more; gives how many stay. */
static size_t drop_low(struct qn_scorer *sc, uint32_t lo, uint32_t hi, float least, uint64_t *bits,
                       const float *out)
{
    uint64_t over[QN_SCORE_WINDOW / 64];
    size_t words = qn_bits_words(hi - lo);
    sc->ex->simd->scores_above(over, out, hi - lo, least);
    sc->ex->simd->bits_and(bits, over, words);
    return sc->ex->simd->popcount(bits, words);
}

/* Sorts terms by what they can add in this window, least first. */
static void sort_by_most(struct qn_scorer *sc, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = 0; i < sc->n_terms; i++) {
        struct qn__score *x = sc->terms[i];
        uint32_t k = i;
        x->most = term_bound(x, lo, hi);
        for (; k > 0 && sc->terms[k - 1]->most > x->most; k--)
            sc->terms[k] = sc->terms[k - 1];
        sc->terms[k] = x;
    }
}

int qn_scorer_above(struct qn_scorer *sc, uint32_t lo, uint32_t hi, float threshold, uint64_t *bits,
                    float *out, struct qn_err *err)
{
    const struct qn_simd_ops *simd = sc->ex->simd;
    size_t words = qn_bits_words(hi - lo);
    float idle = 0; /* what terms that are not streamed can add */
    uint32_t first = 0;
    memset(bits, 0, words * sizeof *bits);
    sort_by_most(sc, lo, hi);
    while (first < sc->n_terms && (idle + sc->terms[first]->most) * SLACK <= threshold)
        idle += sc->terms[first++]->most;
    if (first == sc->n_terms)
        return 0;
    memset(out, 0, (hi - lo) * sizeof *out);
    for (uint32_t i = first; i < sc->n_terms; i++) {
        int rc = add_term(sc->terms[i], lo, hi, out, err);
        if (rc < 0)
            return rc;
    }
    float least = threshold - idle * SLACK;
    least -= fabsf(least) * (SLACK - 1);
    size_t n = simd->scores_above(bits, out, hi - lo,
                                  idle > 0 && least > 0 ? least
                                  : idle > 0            ? 0
                                                        : threshold);
    if (idle == 0 || n == 0)
        return 0;
    for (uint32_t i = first; i-- > 0;) {
        int rc = add_idle(sc, sc->terms[i], lo, hi, bits, n, out, err);
        if (rc < 0)
            return rc;
        idle -= sc->terms[i]->most;
        least = i > 0 ? threshold - idle * SLACK - threshold * (SLACK - 1) : threshold;
        n = drop_low(sc, lo, hi, least, bits, out);
    }
    return 0;
}

/* ---- single documents, for explanations */

int qn__score_norm(const struct qn_split_field *fd, uint32_t doc, uint32_t *length,
                   struct qn_err *err)
{
    struct qn_slice norms;
    int rc = read_norms(fd, doc, &norms, err);
    if (rc == 0)
        *length = length_of(&norms, doc);
    qn_slice_release(&norms);
    return rc;
}

int qn__score_posting(struct qn__score *x, uint32_t doc, bool *found, uint32_t *tf,
                      uint32_t *length, struct qn_err *err)
{
    struct qn_cursor *cu = x->cu;
    uint32_t tfs[256], b = qn_cursor_find_block(cu, doc);
    *found = false;
    if (b == cu->n_blocks || cu->first[b] > doc)
        return 0;
    int rc = qn_cursor_load(cu, b, err);
    if (rc == 0)
        rc = qn_cursor_tfs(cu, tfs, err);
    for (uint32_t i = 0; i < cu->n_ids && rc == 0; i++) {
        if (cu->ids[i] != doc)
            continue;
        *found = true;
        *tf = tfs[i];
        return qn__score_norm(x->fd, doc, length, err);
    }
    return rc;
}
