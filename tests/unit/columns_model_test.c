#include "test.h"

#include "base/vec.h"
#include "columns/columns.h"

/* Random columns against plain arrays: every codec and presence kind comes up. */

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

struct model {
    QN_VEC(qn_docid) docs;
    QN_VEC(uint64_t) values;
    uint32_t n_docs;
    enum qn_column_kind kind;
};

struct stored {
    struct qn_buf bytes, hot;
    struct qn_object *ob;
    struct qn_section sc;
    struct qn_column col;
    struct qn_column_cursor *cu;
};

static uint64_t random_value(struct qn_rng *r, int shape, uint32_t doc)
{
    switch (shape) {
    case 0:
        return 42;
    case 1:
        return qn_i64_to_ord((int64_t)qn_rng_below(r, 100) - 50);
    case 2:
        return qn_i64_to_ord(1700000000000000000ll + (int64_t)doc * 1000000 +
                             (int64_t)qn_rng_below(r, 3) * 1000000);
    case 3:
        return qn_rng_next(r);
    case 4:
        return doc / 100 * 7;
    case 5:
        return qn_f64_to_ord((double)((int64_t)qn_rng_below(r, 200000) - 100000) / 1000);
    case 6:
        return qn_f64_to_ord((double)(int64_t)qn_rng_next(r) / 3e7);
    case 7:
        return qn_f64_to_ord(qn_rng_below(r, 4) ? -0.0 : 1.0 / 0.0);
    case 8:
        return qn_rng_below(r, 50) ? qn_rng_below(r, 10) : UINT64_MAX;
    case 9:
        return qn_rng_below(r, 1000) * 1000;
    case 10: /* few values that are far apart */
        return (qn_rng_below(r, 9) + 1) * 0x123456789abcdull % 0xffffffffffffull;
    case 11: /* runs */
        return (doc / 97 + 1) * 0x9e3779b97f4a7c15ull;
    case 12: /* real numbers */
        return qn_f64_to_ord(20 + (double)qn_rng_below(r, 1ull << 50) / 1.7e15);
    default: /* decimals, sometimes not */
        return qn_f64_to_ord(qn_rng_below(r, 300) == 0 ? 0.0 / 0.0
                                                       : (double)qn_rng_below(r, 90000) / 100);
    }
}

static void make_model(struct model *m, struct qn_rng *r)
{
    int shape = (int)qn_rng_below(r, 14), nulls = (int)qn_rng_below(r, 6);
    bool many = qn_rng_below(r, 4) == 0;
    *m = (struct model){.n_docs = (uint32_t)qn_rng_below(r, 9000),
                        .kind = (shape >= 5 && shape <= 7) || shape >= 12 ? QN_COLUMN_F64
                                                                          : QN_COLUMN_INT};
    static const unsigned keep[] = {1000, 990, 700, 200, 20, 1};
    for (uint32_t doc = 0; doc < m->n_docs; doc++) {
        if (qn_rng_below(r, 1000) >= keep[nulls])
            continue;
        size_t n = many ? 1 + qn_rng_below(r, 3) : 1;
        for (size_t i = 0; i < n; i++) {
            qn_vec_push(&m->docs, doc);
            qn_vec_push(&m->values, random_value(r, shape, doc));
        }
    }
}

static void drop_model(struct model *m)
{
    qn_vec_release(&m->docs);
    qn_vec_release(&m->values);
}

static void store(struct stored *st, const struct model *m, struct qn_rng *r)
{
    struct qn_buf_sink bs;
    struct qn_err err = {0};
    qn_buf_init(&st->bytes, SIZE_MAX);
    qn_buf_init(&st->hot, SIZE_MAX);
    qn_buf_sink_init(&bs, &st->bytes);
    qn_sink_put(&bs.sink, "something before", 16);
    struct qn_column_writer *wr = qn_column_writer_new(m->kind, simd(), &bs.sink);
    for (size_t at = 0; at < m->docs.n;) {
        size_t n = 1 + qn_rng_below(r, 3000);
        n = n < m->docs.n - at ? n : m->docs.n - at;
        qn_column_put(wr, m->docs.p + at, m->values.p + at, n);
        at += n;
    }
    assert_ok(qn_column_writer_finish(wr, m->n_docs, &st->hot));
    qn_column_writer_free(wr);
    st->ob = qn_object_from_memory(QN_STR("column"), st->bytes.p, st->bytes.n);
    assert_ok(qn_section_open(&st->sc, st->ob, 0, st->bytes.n, "columns", 4, simd(), &err));
    if (qn_column_open(&st->col, qn_buf_str(&st->hot), &st->sc, m->n_docs, simd(), &err) < 0)
        fail_msg("open: %s", err.msg);
    st->cu = qn_column_cursor_new(&st->col);
}

static void drop(struct stored *st)
{
    qn_column_cursor_free(st->cu);
    qn_section_close(&st->sc);
    qn_object_unref(st->ob);
    qn_buf_release(&st->bytes);
    qn_buf_release(&st->hot);
}

static void check_blocks(struct stored *st, const struct model *m)
{
    size_t at = 0;
    struct qn_err err = {0};
    for (uint32_t b = 0; b < qn_column_blocks(&st->col); b++) {
        if (qn_column_load(st->cu, b, &err) < 0)
            fail_msg("block %u: %s", b, err.msg);
        for (uint32_t i = 0; i < st->cu->n_values; i++, at++) {
            uint32_t row = st->cu->one ? i : st->cu->rows[i];
            assert_true(at < m->docs.n);
            assert_int_equal(b * QN_COLUMN_BLOCK + row, m->docs.p[at]);
            assert_true(st->cu->values[i] == m->values.p[at]);
        }
    }
    assert_int_equal(at, m->docs.n);
    assert_true(st->col.value_count == m->docs.n);
}

static void check_range(struct stored *st, const struct model *m, struct qn_rng *r)
{
    uint64_t min = qn_rng_next(r), max = qn_rng_next(r), got[9216 / 64] = {0},
             want[9216 / 64] = {0};
    if (m->values.n > 0 && qn_rng_below(r, 8) != 0) {
        min = m->values.p[qn_rng_below(r, m->values.n)] + qn_rng_below(r, 3) - 1;
        max = m->values.p[qn_rng_below(r, m->values.n)] + qn_rng_below(r, 3) - 1;
    }
    if (qn_rng_below(r, 10) == 0)
        min = 0;
    if (qn_rng_below(r, 10) == 0)
        max = UINT64_MAX;
    uint32_t lo = (uint32_t)qn_rng_below(r, 4) * 1024, n = 0, n_want = 0;
    for (size_t i = 0; i < m->docs.n; i++) {
        if (m->docs.p[i] >= lo && m->values.p[i] >= min && m->values.p[i] <= max) {
            n_want += !qn_bit_get(want, m->docs.p[i] - lo);
            qn_bit_set(want, m->docs.p[i] - lo);
        }
    }
    assert_ok(qn_column_range(st->cu, lo, m->n_docs, min, max, got, &n, NULL));
    if (n != n_want)
        fail_msg("[%llx, %llx] from %u of %u: %u documents, want %u; column [%llx, %llx] kind %d",
                 (unsigned long long)min, (unsigned long long)max, lo, m->n_docs, n, n_want,
                 (unsigned long long)st->col.min, (unsigned long long)st->col.max, m->kind);
    assert_memory_equal(got, want, sizeof got);
}

static void check_exists(struct stored *st, const struct model *m)
{
    uint64_t got[9216 / 64] = {0}, want[9216 / 64] = {0};
    uint32_t n = 0;
    for (size_t i = 0; i < m->docs.n; i++)
        qn_bit_set(want, m->docs.p[i]);
    assert_ok(qn_column_exists(st->cu, 0, m->n_docs, got, &n, NULL));
    assert_memory_equal(got, want, sizeof got);
    assert_int_equal(n, st->col.doc_count);
}

static void check_gather(struct stored *st, const struct model *m, struct qn_rng *r)
{
    static qn_docid docs[9000];
    static uint64_t out[9000], present[9000 / 64 + 1];
    size_t n = 0, keep = qn_rng_below(r, 1000);
    enum qn_column_pick pick = (enum qn_column_pick)qn_rng_below(r, 3);
    for (uint32_t d = 0; d < m->n_docs; d++)
        if (qn_rng_below(r, 1000) < keep)
            docs[n++] = d;
    assert_ok(qn_column_gather(st->cu, docs, n, pick, out, present, NULL));
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        while (at < m->docs.n && m->docs.p[at] < docs[i])
            at++;
        bool has = at < m->docs.n && m->docs.p[at] == docs[i];
        assert_int_equal(qn_bit_get(present, i), has);
        uint64_t want = has ? m->values.p[at] : 0;
        for (size_t k = at; has && k < m->docs.n && m->docs.p[k] == docs[i]; k++) {
            uint64_t v = m->values.p[k];
            if (pick == QN_COLUMN_MIN ? v < want : pick == QN_COLUMN_MAX && v > want)
                want = v;
        }
        assert_true(out[i] == want);
    }
}

static void agrees_with_plain_arrays(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(21);
    for (int round = 0; round < 300; round++) {
        struct model m;
        struct stored st;
        make_model(&m, &rng);
        store(&st, &m, &rng);
        check_blocks(&st, &m);
        for (int i = 0; i < 10; i++)
            check_range(&st, &m, &rng);
        check_exists(&st, &m);
        for (int i = 0; i < 3; i++)
            check_gather(&st, &m, &rng);
        drop(&st);
        drop_model(&m);
    }
}

static void zones_bound_their_documents(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(22);
    for (int round = 0; round < 100; round++) {
        struct model m;
        struct stored st;
        make_model(&m, &rng);
        store(&st, &m, &rng);
        uint32_t lo = (uint32_t)qn_rng_below(&rng, 9000),
                 hi = lo + (uint32_t)qn_rng_below(&rng, 5000);
        uint64_t min, max;
        bool any = qn_column_zone(&st.col, lo, hi, &min, &max);
        for (size_t i = 0; i < m.docs.n; i++) {
            if (m.docs.p[i] >= lo && m.docs.p[i] < hi) {
                assert_true(any);
                assert_in_range(m.values.p[i], min, max);
            }
        }
        drop(&st);
        drop_model(&m);
    }
}

static void doubles_keep_their_order(void **state)
{
    (void)state;
    static const double up[] = {-1.0 / 0.0, -1e300, -1, -1e-300, -0.0,
                                0.0,        1e-300, 1,  1e300,   1.0 / 0.0};
    for (size_t i = 0; i < QN_COUNT_OF(up); i++) {
        double back = qn_f64_from_ord(qn_f64_to_ord(up[i]));
        assert_memory_equal(&back, &up[i], sizeof back);
        if (i > 0)
            assert_true(qn_f64_to_ord(up[i - 1]) < qn_f64_to_ord(up[i]));
    }
}

static void regular_columns_are_small(void **state)
{
    (void)state;
    struct model m = {.n_docs = 8192};
    struct stored st;
    struct qn_rng rng = {1};
    for (uint32_t d = 0; d < m.n_docs; d++) {
        qn_vec_push(&m.docs, d);
        qn_vec_push(&m.values, qn_i64_to_ord(1700000000000000000ll + (int64_t)(d / 3) * 1000000));
    }
    store(&st, &m, &rng);
    assert_true(st.bytes.n < m.n_docs / 2); /* under four bits a timestamp */
    drop(&st);
    drop_model(&m);
}

static void damage_is_found(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(23);
    int found = 0;
    for (int round = 0; round < 200; round++) {
        struct model m;
        struct stored st;
        make_model(&m, &rng);
        store(&st, &m, &rng);
        for (int i = 0; i < 10 && st.bytes.n > 16; i++) {
            size_t at = 16 + qn_rng_below(&rng, st.bytes.n - 16);
            char *bytes = malloc(st.bytes.n);
            memcpy(bytes, st.bytes.p, st.bytes.n);
            bytes[at] ^= (char)(1u << qn_rng_below(&rng, 8));
            struct qn_object *ob = qn_object_from_memory(QN_STR("x"), bytes, st.bytes.n);
            struct qn_section sc;
            struct qn_column col;
            assert_ok(qn_section_open(&sc, ob, 0, st.bytes.n, "columns", 4, simd(), NULL));
            assert_ok(qn_column_open(&col, qn_buf_str(&st.hot), &sc, m.n_docs, simd(), NULL));
            struct qn_column_cursor *cu = qn_column_cursor_new(&col);
            int bad = 0;
            for (uint32_t b = 0; b < qn_column_blocks(&col); b++)
                bad += qn_column_load(cu, b, NULL) == QN_E_CORRUPT;
            assert_int_equal(bad, 1);
            found += bad;
            qn_column_cursor_free(cu);
            qn_section_close(&sc);
            qn_object_unref(ob);
            free(bytes);
        }
        drop(&st);
        drop_model(&m);
    }
    assert_true(found > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_plain_arrays), cmocka_unit_test(zones_bound_their_documents),
        cmocka_unit_test(doubles_keep_their_order), cmocka_unit_test(regular_columns_are_small),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
