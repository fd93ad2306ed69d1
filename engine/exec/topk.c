#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "operator_int.h"
#include "topk_int.h"

struct topk {
    struct qn_exec *ex;
    struct qn_op *op;
    struct qn_scorer *sc;
    const struct qn_topk_ask *ask;
    struct qn__key keys[QN_SORT_KEYS];
    uint32_t n_keys;
    struct qn__rank after[QN_SORT_KEYS];
    bool by_terms; /* the scorer finds the documents itself */

    /* The best so far: slots in a heap, the worst on top. */
    uint32_t limit, n;
    uint32_t *heap;
    uint32_t *docs; /* of slots, as the next two */
    float *scores;
    struct qn__rank *ranks; /* [slot * n_keys + key] */

    uint32_t *ids;
    float *window, *of_ids; /* scores by document, scores by id */
    struct qn__key_room *room;
    struct qn_topk_hits *hits;
};

/* ---- the heap */

static int slot_cmp(const struct topk *t, uint32_t a, uint32_t b)
{
    for (uint32_t k = 0; k < t->n_keys; k++) {
        int c = qn__rank_cmp(t->ranks[a * t->n_keys + k], t->ranks[b * t->n_keys + k]);
        if (c != 0)
            return c;
    }
    return t->docs[a] < t->docs[b] ? -1 : t->docs[a] > t->docs[b];
}

static void sift_down(struct topk *t, uint32_t n)
{
    uint32_t at = 0, slot = t->heap[0];
    for (;;) {
        uint32_t c = 2 * at + 1;
        if (c >= n)
            break;
        if (c + 1 < n && slot_cmp(t, t->heap[c + 1], t->heap[c]) > 0)
            c++;
        if (slot_cmp(t, t->heap[c], slot) <= 0)
            break;
        t->heap[at] = t->heap[c];
        at = c;
    }
    t->heap[at] = slot;
}

static void sift_up(struct topk *t)
{
    uint32_t at = t->n - 1, slot = t->heap[at];
    while (at > 0 && slot_cmp(t, slot, t->heap[(at - 1) / 2]) > 0) {
        t->heap[at] = t->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    t->heap[at] = slot;
}

static bool is_full(const struct topk *t)
{
    return t->n == t->limit;
}

/* <0: the unit's document i comes before the worst that is kept. */
static int against_worst(const struct topk *t, uint32_t i, uint32_t n_keys)
{
    uint32_t worst = t->heap[0];
    for (uint32_t k = 0; k < n_keys; k++) {
        int c = qn__rank_cmp(t->keys[k].ranks[i], t->ranks[worst * t->n_keys + k]);
        if (c != 0)
            return c;
    }
    if (n_keys < t->n_keys)
        return 0;
    return t->ids[i] < t->docs[worst] ? -1 : 1;
}

static bool is_after(const struct topk *t, uint32_t i)
{
    if (t->ask->after == NULL)
        return true;
    for (uint32_t k = 0; k < t->n_keys; k++) {
        int c = qn__rank_cmp(t->keys[k].ranks[i], t->after[k]);
        if (c != 0)
            return c > 0;
    }
    return t->ids[i] > t->ask->after_doc;
}

static void offer(struct topk *t, uint32_t i)
{
    if (!is_after(t, i))
        return;
    bool full = is_full(t);
    if (full && against_worst(t, i, t->n_keys) >= 0)
        return;
    uint32_t slot = full ? t->heap[0] : t->n;
    t->docs[slot] = t->ids[i];
    t->scores[slot] = t->sc ? t->of_ids[i] : 0;
    for (uint32_t k = 0; k < t->n_keys; k++)
        t->ranks[slot * t->n_keys + k] = t->keys[k].ranks[i];
    if (full) {
        sift_down(t, t->n);
    } else {
        t->heap[t->n++] = slot;
        sift_up(t);
    }
}

/* ---- units of documents */

/* Can nothing of [lo, hi) get in? */
static bool is_hopeless(const struct topk *t, uint32_t lo, uint32_t hi)
{
    if (!is_full(t))
        return false;
    if (t->limit == 0)
        return true;
    uint32_t worst = t->heap[0];
    struct qn__rank best = qn__key_best(&t->keys[0], t->sc, lo, hi);
    int c = qn__rank_cmp(best, t->ranks[worst * t->n_keys]);
    return c > 0 || (c == 0 && t->n_keys == 1 && lo > t->docs[worst]);
}

static void drop(struct topk *t, uint32_t i, uint32_t to)
{
    t->ids[to] = t->ids[i];
    if (t->sc != NULL)
        t->of_ids[to] = t->of_ids[i];
    t->keys[0].ranks[to] = t->keys[0].ranks[i];
}

/* Documents whose score is too low are no matches at all. */
static uint32_t keep_scored(struct topk *t, uint32_t lo, uint32_t n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        float s = t->window[t->ids[i] - lo];
        if (t->ask->has_min_score && s < t->ask->min_score)
            continue;
        t->ids[kept] = t->ids[i];
        t->of_ids[kept++] = s;
    }
    return kept;
}

/* Documents that the first key already rules out never have their other keys read. */
static int offer_ids(struct topk *t, uint32_t n, struct qn_err *err)
{
    uint32_t kept = 0;
    int rc = qn__key_ranks(&t->keys[0], t->room, t->ids, t->of_ids, n, t->keys[0].ranks, err);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        if (is_full(t) && against_worst(t, i, 1) > 0)
            continue;
        drop(t, i, kept++);
    }
    for (uint32_t k = 1; k < t->n_keys && rc == 0; k++)
        rc = qn__key_ranks(&t->keys[k], t->room, t->ids, t->of_ids, kept, t->keys[k].ranks, err);
    for (uint32_t i = 0; i < kept && rc == 0; i++)
        offer(t, i);
    return rc;
}

static int visit_unit(struct topk *t, uint32_t lo, uint32_t hi, const uint64_t *bits,
                      struct qn_err *err)
{
    size_t words = qn_bits_words(hi - lo);
    uint32_t n = (uint32_t)t->ex->simd->popcount(bits, words);
    bool must_score = t->ask->has_min_score && t->ask->count;
    if (n == 0)
        return 0;
    if (!must_score) {
        t->hits->count += n;
        if (is_hopeless(t, lo, hi)) {
            t->hits->windows_skipped++;
            return 0;
        }
    }
    t->hits->windows_scored++;
    n = (uint32_t)t->ex->simd->ids_from_bits(t->ids, bits, words, lo);
    if (t->sc != NULL) {
        int rc = qn_scorer_window(t->sc, lo, hi, t->window, err);
        if (rc < 0)
            return rc;
        n = keep_scored(t, lo, n);
    }
    t->hits->count += must_score ? n : 0;
    return t->limit > 0 ? offer_ids(t, n, err) : 0;
}

/* The scorer alone: only documents over the threshold ever become ids. */
static int visit_terms(struct topk *t, uint32_t lo, uint32_t hi, struct qn_err *err)
{
    uint64_t bits[QN__UNIT / 64];
    size_t words = qn_bits_words(hi - lo);
    float threshold = 0;
    if (is_hopeless(t, lo, hi)) {
        t->hits->windows_skipped++;
        return 0;
    }
    t->hits->windows_scored++;
    if (is_full(t)) { /* of equals the first document wins */
        uint32_t worst = t->heap[0];
        threshold = t->scores[worst];
        threshold = t->docs[worst] < lo ? threshold : nextafterf(threshold, 0);
    }
    int rc = qn_scorer_above(t->sc, lo, hi, threshold, bits, t->window, err);
    if (rc < 0)
        return rc;
    if (t->ex->deleted != NULL)
        t->ex->simd->bits_andnot(bits, t->ex->deleted + lo / 64, words);
    uint32_t n = (uint32_t)t->ex->simd->ids_from_bits(t->ids, bits, words, lo);
    n = keep_scored(t, lo, n);
    return n > 0 ? offer_ids(t, n, err) : 0;
}

static int visit_window(struct topk *t, uint32_t lo, uint32_t hi, struct qn_err *err)
{
    uint64_t bits[QN_WINDOW_WORDS];
    if (qn_op_next(t->op, lo) >= hi)
        return 0;
    if (!t->by_terms || t->ask->count) {
        int rc = qn__fill_live(t->ex, t->op, lo, hi, bits, err);
        if (rc < 0)
            return rc;
        if (t->by_terms)
            t->hits->count += t->ex->simd->popcount(bits, qn_bits_words(hi - lo));
    }
    for (uint32_t from = lo; from < hi; from += QN__UNIT) {
        uint32_t to = hi - from < QN__UNIT ? hi : from + QN__UNIT;
        int rc = t->by_terms ? visit_terms(t, from, to, err)
                             : visit_unit(t, from, to, bits + (from - lo) / 64, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- the walk: windows with the best bounds first */

struct window {
    uint32_t lo, hi;
    struct qn__rank best;
};

static int by_best(const void *a, const void *b)
{
    const struct window *x = a, *y = b;
    int c = qn__rank_cmp(x->best, y->best);
    return c != 0 ? c : x->lo < y->lo ? -1 : x->lo > y->lo;
}

static int walk(struct topk *t, struct qn_stop stop, struct qn_err *err)
{
    uint32_t n_docs = t->ex->n_docs, n = (n_docs + QN_WINDOW_DOCS - 1) / QN_WINDOW_DOCS;
    struct window *ws = qn_arena_array(t->ex->ar, struct window, n + 1);
    if (ws == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < n; i++) {
        ws[i].lo = i * QN_WINDOW_DOCS;
        ws[i].hi = n_docs - ws[i].lo < QN_WINDOW_DOCS ? n_docs : ws[i].lo + QN_WINDOW_DOCS;
        ws[i].best = qn__key_best(&t->keys[0], t->sc, ws[i].lo, ws[i].hi);
    }
    qsort(ws, n, sizeof *ws, by_best);
    for (uint32_t i = 0; i < n; i++) {
        int rc = qn_stop_poll(stop);
        if (rc < 0)
            return rc;
        if (!t->ask->count && is_hopeless(t, ws[i].lo, ws[i].hi)) {
            t->hits->windows_skipped += (ws[i].hi - ws[i].lo + QN__UNIT - 1) / QN__UNIT;
            continue;
        }
        rc = visit_window(t, ws[i].lo, ws[i].hi, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- beginning and end */

static int open_keys(struct topk *t, struct qn_err *err)
{
    const struct qn_topk_ask *ask = t->ask;
    for (t->n_keys = 0; t->n_keys < ask->n_keys;) {
        uint32_t k = t->n_keys++;
        int rc = qn__key_open(&t->keys[k], t->ex, &ask->keys[k], err);
        if (rc == 0 && ask->after != NULL)
            rc = qn__key_rank_of(&t->keys[k], &ask->after[k], &t->after[k], err);
        if (rc < 0)
            return rc;
    }
    t->by_terms = ask->n_keys == 1 && ask->keys[0].by == QN_SORT_SCORE && ask->keys[0].descending &&
                  ask->after == NULL && !ask->has_min_score && t->limit > 0 && t->sc != NULL &&
                  qn_scorer_is_terms(t->sc);
    return 0;
}

static int make_room(struct topk *t)
{
    struct qn_arena *ar = t->ex->ar;
    size_t n = t->limit + 1;
    t->heap = qn_arena_array(ar, uint32_t, n);
    t->docs = qn_arena_array(ar, uint32_t, n);
    t->scores = qn_arena_array(ar, float, n);
    t->ranks = qn_arena_array(ar, struct qn__rank, n * t->ask->n_keys);
    t->ids = qn_arena_array(ar, uint32_t, QN__UNIT + 64);
    t->window = qn_arena_alloc_aligned(ar, (QN__UNIT + 64) * sizeof *t->window, 64);
    t->of_ids = qn_arena_array(ar, float, QN__UNIT);
    t->room = qn_arena_alloc(ar, sizeof *t->room);
    return qn_arena_failed(ar) ? QN_E_BUDGET : 0;
}

/* Takes the worst off again and again: the hits from the last to the first. */
static int give_hits(struct topk *t, struct qn_err *err)
{
    struct qn_topk_hits *hits = t->hits;
    uint32_t n = t->n, nk = t->n_keys;
    struct qn__rank *ranks = qn_arena_array(t->ex->ar, struct qn__rank, (size_t)n * nk + 1);
    struct qn_sort_value *values =
        qn_arena_array(t->ex->ar, struct qn_sort_value, (size_t)n * nk + 1);
    hits->p = qn_arena_array(t->ex->ar, struct qn_topk_hit, n + 1);
    if (ranks == NULL || values == NULL || hits->p == NULL)
        return QN_E_BUDGET;
    for (uint32_t left = n; left > 0;) {
        uint32_t slot = t->heap[0];
        t->heap[0] = t->heap[--left];
        sift_down(t, left);
        hits->p[left] =
            (struct qn_topk_hit){t->docs[slot], t->scores[slot], values + (size_t)left * nk};
        memcpy(ranks + (size_t)left * nk, t->ranks + (size_t)slot * nk, nk * sizeof *ranks);
    }
    for (uint32_t k = 0; k < nk; k++) {
        int rc = qn__key_values(&t->keys[k], t->ex->ar, ranks + k, values + k, n, nk, err);
        if (rc < 0)
            return rc;
    }
    hits->n = n;
    return 0;
}

int qn_topk(struct qn_topk_hits *hits, struct qn_exec *ex, struct qn_op *op, struct qn_scorer *sc,
            const struct qn_topk_ask *ask, struct qn_stop stop, struct qn_err *err)
{
    QN_ASSERT(ask->n_keys >= 1 && ask->n_keys <= QN_SORT_KEYS);
    *hits = (struct qn_topk_hits){0};
    struct topk *t = qn_arena_new(ex->ar, struct topk);
    if (t == NULL)
        return QN_E_BUDGET;
    t->ex = ex;
    t->op = op;
    t->sc = sc;
    t->ask = ask;
    t->hits = hits;
    t->limit = ask->limit < ex->n_docs ? ask->limit : ex->n_docs;
    int rc = make_room(t);
    if (rc == 0)
        rc = open_keys(t, err);
    if (rc == 0)
        rc = walk(t, stop, err);
    if (rc == 0)
        rc = give_hits(t, err);
    for (uint32_t k = 0; k < t->n_keys; k++)
        qn__key_close(&t->keys[k]);
    return rc;
}
