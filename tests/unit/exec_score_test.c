/* Scores of random queries on random splits, against the definition.
 *
 * links: ingest
 */
#include "exec_model.h"

#include "exec/compile.h"
#include "exec/score.h"

static void assert_near(const char *what, uint32_t doc, float got, float want)
{
    if (!(fabsf(got - want) <= 1e-4f * fabsf(want)))
        fail_msg("%s of document %u: %.8g, want %.8g", what, doc, (double)got, (double)want);
}

static void check_above(struct qn_scorer *sc, uint32_t lo, uint32_t hi, const float *scores,
                        struct qn_rng *r)
{
    static float out[QN_SCORE_WINDOW + 64];
    uint64_t bits[QN_SCORE_WINDOW / 64];
    uint32_t some = lo + (uint32_t)qn_rng_below(r, hi - lo);
    float threshold = qn_rng_below(r, 5) ? scores[some - lo] * 0.9999f : 0;
    assert_ok(qn_scorer_above(sc, lo, hi, threshold, bits, out, NULL));
    for (uint32_t i = 0; i < hi - lo; i++) {
        if (fabsf(scores[i] - threshold) <= 1e-5f * threshold)
            continue; /* which side it is on depends on the order of additions */
        if (qn_bit_get(bits, i) != (scores[i] > threshold))
            fail_msg("document %u scores %.8g, threshold %.8g", lo + i, (double)scores[i],
                     (double)threshold);
        if (qn_bit_get(bits, i))
            assert_near("score above", lo + i, out[i], scores[i]);
    }
}

static bool check_scores(const struct model *m, struct qn_rng *r)
{
    static float scores[QN_SCORE_WINDOW + 64];
    struct qn_arena ar;
    struct qn_stats st;
    struct qn_scorer *sc;
    struct qn_err err = {0};
    qn_arena_init(&ar, NULL);
    struct qn_exec ex = model_exec(m, &ar, true);
    const struct qn_query *q = random_query(&ar, r, m, 0);
    qn_stats_init(&st, &ar);
    assert_ok(qn_stats_collect(&st, &ex, q, &err));
    if (qn_scorer_new(&sc, &ex, q, &st, 0, &err) < 0)
        fail_msg("%s", err.msg);
    for (uint32_t lo = 0; lo < m->n; lo += QN_SCORE_WINDOW) {
        uint32_t hi = m->n - lo < QN_SCORE_WINDOW ? m->n : lo + QN_SCORE_WINDOW;
        float bound = qn_scorer_bound(sc, lo, hi);
        assert_ok(qn_scorer_window(sc, lo, hi, scores, &err));
        for (uint32_t i = lo; i < hi; i++) {
            if (!model_matches(q, &m->docs[i]))
                continue;
            assert_near("score", i, scores[i - lo], model_score(m, q, &m->docs[i], 1));
            assert_true(scores[i - lo] <= bound);
        }
        for (int k = 0; k < 4 && qn_scorer_is_terms(sc); k++)
            check_above(sc, lo, hi, scores, r);
    }
    bool is_terms = qn_scorer_is_terms(sc);
    qn_scorer_free(sc);
    qn_stats_release(&st);
    qn_arena_release(&ar);
    return is_terms;
}

static void scores_are_what_the_definition_says(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(71);
    int disjunctions = 0;
    for (int round = 0; round < 10; round++) {
        struct model m;
        make_model(&m, &rng,
                   1 + (uint32_t)qn_rng_below(&rng, round == 0  ? 70000
                                                    : round % 2 ? 60
                                                                : 5000));
        m.no_slop = true;
        for (int i = 0; i < (round == 0 ? 15 : 80); i++)
            disjunctions += check_scores(&m, &rng);
        drop_model(&m);
    }
    assert_true(disjunctions > 10);
}

/* The same documents in two splits score as in one. */
static void splits_do_not_matter(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(72);
    struct model a, b;
    struct qn_arena ar;
    struct qn_stats both, one;
    make_model(&a, &rng, 3000);
    make_model(&b, &rng, 500);
    qn_arena_init(&ar, NULL);
    struct qn_exec ea = model_exec(&a, &ar, true), eb = model_exec(&b, &ar, true);
    struct qn_query q = {.kind = QN_QUERY_HAS_TERM, .boost = 1};
    q.has_term.target = model_target(BODY);
    q.has_term.value = (struct qn_value){.type = QN_VALUE_STR, .str = QN_STR("w7")};
    qn_stats_init(&both, &ar);
    qn_stats_init(&one, &ar);
    assert_ok(qn_stats_collect(&both, &ea, &q, NULL));
    assert_ok(qn_stats_collect(&one, &eb, &q, NULL));
    assert_ok(qn_stats_merge(&both, &one));
    struct model m = a; /* as if all documents were here */
    m.df[7] += b.df[7];
    m.n_with_body += b.n_with_body;
    m.sum_words += b.sum_words;
    struct qn_scorer *sc;
    static float scores[QN_SCORE_WINDOW];
    assert_ok(qn_scorer_new(&sc, &ea, &q, &both, 0, NULL));
    assert_ok(qn_scorer_window(sc, 0, a.n, scores, NULL));
    uint32_t matches = 0;
    for (uint32_t i = 0; i < a.n; i++) {
        if (!model_matches(&q, &a.docs[i]))
            continue;
        assert_near("score", i, scores[i], model_score(&m, &q, &a.docs[i], 1));
        if (matches++ == 0) {
            struct qn_buf text;
            char want[32];
            qn_buf_init(&text, SIZE_MAX);
            assert_ok(qn_scorer_explain(sc, i, &text, NULL));
            snprintf(want, sizeof want, "%.7g = body:w7: ", (double)scores[i]);
            assert_true(qn_str_starts(qn_buf_str(&text), qn_str_of(want)));
            qn_buf_release(&text);
        }
    }
    assert_true(matches > 0);
    qn_scorer_free(sc);
    qn_stats_release(&both);
    qn_stats_release(&one);
    qn_arena_release(&ar);
    drop_model(&a);
    drop_model(&b);
}

/* Numbers from Lucene: N 3, lengths 2 3 4, the term in two documents. */
static void the_formula_is_lucenes(void **state)
{
    (void)state;
    float idf = qn_bm25_idf(3, 2);
    assert_near("idf", 0, idf, 0.47000363f);
    assert_near("score", 0, qn_bm25_score(2.2f * idf, 1, 3, 3), 0.47000363f);
    assert_near("score", 0, qn_bm25_score(idf, 2, 4, 3), 0.47000363f * 2 / (2 + 1.2f * 1.25f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_what_the_definition_says),
        cmocka_unit_test(splits_do_not_matter),
        cmocka_unit_test(the_formula_is_lucenes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
