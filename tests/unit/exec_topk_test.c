/* The best k of random queries, by random keys, against sorting all matches.
 *
 * links: ingest
 */
#include "exec_model.h"

#include "exec/compile.h"
#include "exec/topk.h"

struct row {
    uint32_t doc;
    float score;
    struct qn_sort_value v[4];
};

struct sorting {
    struct qn_sort_key keys[4];
    int fields[4]; /* -1: not a field, -2: a field that is not here */
    uint32_t n;
};

static struct qn_split_field *split_field(const struct model *m, int field)
{
    static const enum qn_split_type types[] = {[TAG] = QN_SPLIT_STR,
                                               [LEVEL] = QN_SPLIT_STR,
                                               [N] = QN_SPLIT_I64,
                                               [F] = QN_SPLIT_F64,
                                               [TS] = QN_SPLIT_DATE};
    static const char *const names[] = {
        [TAG] = "tag", [LEVEL] = "level", [N] = "n", [F] = "attrs.x.f", [TS] = "ts"};
    return qn_split_find(m->sp, qn_str_of(names[field]), types[field]);
}

static void random_sorting(struct sorting *s, const struct model *m, struct qn_rng *r)
{
    s->n = 1 + (uint32_t)qn_rng_below(r, 3);
    for (uint32_t k = 0; k < s->n; k++) {
        struct qn_sort_key *key = &s->keys[k];
        *key = (struct qn_sort_key){.descending = qn_rng_below(r, 2),
                                    .mode = (enum qn_sort_mode)qn_rng_below(r, 4),
                                    .missing = (enum qn_sort_missing)qn_rng_below(r, 2)};
        uint64_t x = qn_rng_below(r, 10);
        s->fields[k] = -1;
        key->by = x == 0 ? QN_SORT_DOC : x < 4 ? QN_SORT_SCORE : QN_SORT_FIELD;
        if (key->by != QN_SORT_FIELD)
            continue;
        s->fields[k] = qn_rng_below(r, 12) == 0 ? -2 : 1 + (int)qn_rng_below(r, FIELDS - 1);
        key->field = s->fields[k] == -2 ? NULL : split_field(m, s->fields[k]);
    }
    if (qn_rng_below(r, 3) == 0) { /* the most usual one */
        s->n = 1;
        s->fields[0] = -1;
        s->keys[0] = (struct qn_sort_key){.by = QN_SORT_SCORE, .descending = true};
    }
}

static struct qn_sort_value number(uint64_t v)
{
    return (struct qn_sort_value){.kind = QN_SORT_NUMBER, .number = v};
}

static struct qn_sort_value value_under(const struct qn_sort_key *key, int field,
                                        const struct row *row, const struct model_doc *d,
                                        struct qn_arena *ar)
{
    if (key->by == QN_SORT_SCORE)
        return (struct qn_sort_value){.kind = QN_SORT_FLOAT, .score = row->score};
    if (key->by == QN_SORT_DOC)
        return number(row->doc);
    if ((field == TAG && d->tag >= 0) || (field == LEVEL && d->level >= 0))
        return (struct qn_sort_value){
            .kind = QN_SORT_TEXT,
            .str = arena_word(ar, (unsigned)(field == TAG ? d->tag : d->level))};
    if (field == TS)
        return number(qn_i64_to_ord(d->time));
    if (field == F && d->has_f)
        return number(qn_f64_to_ord(d->f));
    if (field != N || d->n_n == 0)
        return (struct qn_sort_value){.kind = QN_SORT_MISSING};
    int32_t a = d->n[0], b = d->n_n == 2 ? d->n[1] : a, low = a < b ? a : b, high = a < b ? b : a;
    bool max = key->mode == QN_SORT_MAX || (key->mode == QN_SORT_AUTO && key->descending);
    int64_t v = key->mode == QN_SORT_AVG ? (int64_t)floor(((double)a + b) / 2 + 0.5)
                : max                    ? high
                                         : low;
    return number(qn_i64_to_ord(v));
}

static int row_cmp(const void *a, const void *b, void *arg)
{
    const struct row *x = a, *y = b;
    const struct sorting *s = arg;
    for (uint32_t k = 0; k < s->n; k++) {
        int c = qn_sort_compare(&s->keys[k], &x->v[k], &y->v[k]);
        if (c != 0)
            return c;
    }
    return x->doc < y->doc ? -1 : x->doc > y->doc;
}

struct search {
    const struct model *m;
    struct qn_exec ex;
    const struct qn_query *q;
    struct qn_op *op;
    struct qn_scorer *sc;
    struct row *rows;
    uint32_t n;
};

/* All matches with their scores, as the scorer says them (exec_score_test checks those). */
static void find_rows(struct search *se, const struct sorting *s, const struct qn_topk_ask *ask)
{
    static float scores[QN_SCORE_WINDOW + 64];
    se->n = 0;
    for (uint32_t i = 0; i < se->m->n; i++) {
        uint32_t lo = i / QN_SCORE_WINDOW * QN_SCORE_WINDOW, hi = lo + QN_SCORE_WINDOW;
        if (i == lo)
            assert_ok(qn_scorer_window(se->sc, lo, hi < se->m->n ? hi : se->m->n, scores, NULL));
        if (!is_live(se->m, i) || !model_matches(se->q, &se->m->docs[i]))
            continue;
        struct row row = {.doc = i, .score = scores[i - lo]};
        if (ask->has_min_score && row.score < ask->min_score)
            continue;
        for (uint32_t k = 0; k < s->n; k++)
            row.v[k] = value_under(&s->keys[k], s->fields[k], &row, &se->m->docs[i], se->ex.ar);
        se->rows[se->n++] = row;
    }
    qsort_r(se->rows, se->n, sizeof *se->rows, row_cmp, (void *)s);
}

static void check_hits(const struct search *se, const struct sorting *s,
                       const struct qn_topk_ask *ask, const struct qn_topk_hits *hits,
                       uint32_t from)
{
    bool by_terms = s->n == 1 && s->keys[0].by == QN_SORT_SCORE && qn_scorer_is_terms(se->sc);
    uint32_t want = se->n - from < ask->limit ? se->n - from : ask->limit;
    assert_int_equal(hits->n, want);
    for (uint32_t i = 0; i < want; i++) {
        const struct row *w = &se->rows[from + i];
        const struct qn_topk_hit *h = &hits->p[i];
        if (by_terms) { /* the order of additions may differ in the last bit */
            assert_true(fabsf(h->score - w->score) <= 1e-5f * w->score);
            assert_true(model_matches(se->q, &se->m->docs[h->doc]) && is_live(se->m, h->doc));
            continue;
        }
        if (h->doc != w->doc)
            fail_msg("hit %u is document %u, want %u (%u keys, by %d)", i, h->doc, w->doc, s->n,
                     s->keys[0].by);
        assert_true(h->score == w->score);
        for (uint32_t k = 0; k < s->n; k++)
            assert_int_equal(qn_sort_compare(&s->keys[k], &h->values[k], &w->v[k]), 0);
    }
    if (ask->count)
        assert_int_equal(hits->count, se->n);
}

static void check_search(struct search *se, struct qn_rng *r)
{
    struct sorting s;
    struct qn_topk_hits hits;
    random_sorting(&s, se->m, r);
    struct qn_topk_ask ask = {.keys = s.keys,
                              .n_keys = s.n,
                              .limit = (uint32_t)qn_rng_below(r, qn_rng_below(r, 3) ? 20 : 2000),
                              .count = qn_rng_below(r, 2),
                              .has_min_score = qn_rng_below(r, 6) == 0,
                              .min_score = 1.5f};
    uint32_t from = 0;
    find_rows(se, &s, &ask);
    if (qn_rng_below(r, 3) == 0 && se->n > 0) {
        from = (uint32_t)qn_rng_below(r, se->n) + 1;
        ask.after = se->rows[from - 1].v;
        ask.after_doc = se->rows[from - 1].doc;
    }
    assert_ok(qn_topk(&hits, &se->ex, se->op, se->sc, &ask, (struct qn_stop){0}, NULL));
    check_hits(se, &s, &ask, &hits, from);
}

static void the_best_are_what_sorting_says(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(81);
    for (int round = 0; round < 9; round++) {
        struct model m;
        make_model(&m, &rng,
                   1 + (uint32_t)qn_rng_below(&rng, round == 0  ? 140000
                                                    : round % 2 ? 60
                                                                : 9000));
        m.no_slop = true;
        for (int i = 0; i < (round == 0 ? 12 : 60); i++) {
            struct qn_arena ar;
            struct qn_stats st;
            qn_arena_init(&ar, NULL);
            struct search se = {.m = &m, .ex = model_exec(&m, &ar, true)};
            se.q = random_query(&ar, &rng, &m, (int)qn_rng_below(&rng, 4));
            se.rows = calloc(m.n + 1, sizeof *se.rows);
            qn_stats_init(&st, &ar);
            assert_ok(qn_stats_collect(&st, &se.ex, se.q, NULL));
            assert_ok(qn_compile(&se.op, &se.ex, se.q, NULL));
            assert_ok(qn_scorer_new(&se.sc, &se.ex, se.q, &st, 0, NULL));
            for (int k = 0; k < 4; k++)
                check_search(&se, &rng);
            qn_op_free(se.op);
            qn_scorer_free(se.sc);
            qn_stats_release(&st);
            free(se.rows);
            qn_arena_release(&ar);
        }
        drop_model(&m);
    }
}

/* Texts of other splits have a place between those that are here. */
static void texts_from_elsewhere_are_ordered(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(82);
    struct model m;
    struct qn_arena ar;
    struct qn_topk_hits hits;
    make_model(&m, &rng, 3000);
    qn_arena_init(&ar, NULL);
    struct qn_exec ex = model_exec(&m, &ar, true);
    struct qn_op *all = qn_op_all(&ex);
    for (int descending = 0; descending < 2; descending++) {
        struct qn_sort_key key = {.by = QN_SORT_FIELD,
                                  .field = split_field(&m, TAG),
                                  .descending = descending,
                                  .missing = QN_SORT_LAST};
        struct qn_sort_value after = {.kind = QN_SORT_TEXT, .str = QN_STR("w15x")};
        struct qn_topk_ask ask = {
            .keys = &key, .n_keys = 1, .limit = 1, .after = &after, .after_doc = UINT32_MAX};
        assert_ok(qn_topk(&hits, &ex, all, NULL, &ask, (struct qn_stop){0}, NULL));
        assert_int_equal(hits.n, 1);
        assert_str(hits.p[0].values[0].str, descending ? "w15" : "w16");
    }
    qn_arena_release(&ar);
    drop_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_are_what_sorting_says),
        cmocka_unit_test(texts_from_elsewhere_are_ordered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
