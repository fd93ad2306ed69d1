/* Random bound queries on random splits: what is compiled matches what documents say.
 *
 * links: ingest
 */
#include "exec_model.h"

#include "exec/compile.h"

static void check_query(const struct model *m, struct qn_rng *r)
{
    struct qn_arena ar;
    struct qn_op *op;
    struct qn_err err = {0};
    qn_arena_init(&ar, NULL);
    struct qn_exec ex = model_exec(m, &ar, qn_rng_below(r, 2));
    const struct qn_query *q = random_query(&ar, r, m, 0);
    if (qn_compile(&op, &ex, q, &err) < 0)
        fail_msg("%s", err.msg);
    uint32_t *ids = malloc((m->n + 1) * sizeof *ids), n = 0;
    struct qn_search_hits hits = {.ids = ids};
    struct qn_search_edge ask = {.limit = m->n, .count_all = true};
    assert_ok(qn_search_edge(&ex, op, &ask, (struct qn_stop){0}, &hits, &err));
    for (uint32_t i = 0; i < m->n; i++) {
        if (!is_live(m, i) || !model_matches(q, &m->docs[i]))
            continue;
        if (n >= hits.n || ids[n] != i)
            fail_msg("kind %d (%s): document %u is missing", q->kind, op->ops->name, i);
        n++;
    }
    if (hits.n != n)
        fail_msg("kind %d (%s): %u matches, want %u", q->kind, op->ops->name, hits.n, n);
    uint64_t count;
    assert_ok(qn_search_count(&ex, op, (struct qn_stop){0}, &count, &err));
    assert_int_equal(count, n);
    qn_op_free(op);
    free(ids);
    qn_arena_release(&ar);
}

static void queries_match_what_documents_say(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(61);
    for (int round = 0; round < 12; round++) {
        struct model m;
        make_model(&m, &rng,
                   1 + (uint32_t)qn_rng_below(&rng, round == 0  ? 100000
                                                    : round % 2 ? 60
                                                                : 9000));
        for (int i = 0; i < (round == 0 ? 30 : 150); i++)
            check_query(&m, &rng);
        drop_model(&m);
    }
}

static void fields_that_are_not_here_match_nothing(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(62);
    struct model m;
    struct qn_arena ar;
    struct qn_op *op;
    uint64_t count;
    make_model(&m, &rng, 500);
    qn_arena_init(&ar, NULL);
    struct qn_exec ex = model_exec(&m, &ar, true);
    struct qn_field f = {.path = QN_STR("nowhere"), .type = QN_FIELD_TEXT};
    struct qn_query_target t = {&f, QN_STR(""), QN_VALUE_STR};
    struct qn_value w = {.type = QN_VALUE_STR, .str = QN_STR("w1")};
    struct qn_query qs[] = {
        {.kind = QN_QUERY_HAS_TERM, .has_term = {t, w}},
        {.kind = QN_QUERY_HAS_ANY, .has_any = {t, &w, 1, false}},
        {.kind = QN_QUERY_IN_RANGE, .in_range = {.target = t}},
        {.kind = QN_QUERY_HAS_FIELD, .has_field = {&t, 1, true}},
        {.kind = QN_QUERY_HAS_PATTERN, .has_pattern = {.target = t, .text = QN_STR("w")}},
        {.kind = QN_QUERY_HAS_ID, .ids = {&w.str, 1}},
        {.kind = QN_QUERY_NONE},
    };
    for (size_t i = 0; i < sizeof qs / sizeof *qs; i++) {
        assert_ok(qn_compile(&op, &ex, &qs[i], NULL));
        assert_ok(qn_search_count(&ex, op, (struct qn_stop){0}, &count, NULL));
        assert_int_equal(count, 0);
        qn_op_free(op);
    }
    struct qn_query nested = {.kind = QN_QUERY_NESTED, .pos = 7};
    struct qn_err err = {0};
    assert_int_equal(qn_compile(&op, &ex, &nested, &err), QN_E_UNSUPPORTED);
    assert_int_equal(err.pos, 7);
    qn_arena_release(&ar);
    drop_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_match_what_documents_say),
        cmocka_unit_test(fields_that_are_not_here_match_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
