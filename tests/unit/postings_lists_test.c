/* Posting lists of every shape against plain arrays: blocks, windows, leaps, probes. */
#include "postings_model.h"

/* Windows: bits and ids of [lo, hi), which start anywhere on a word. */
static void expect_windows(struct qn_cursor *cu, const struct model *m, const struct model_term *t,
                           struct qn_rng *r)
{
    struct qn_err err = {0};
    uint64_t *bits = calloc(m->n_docs / 64 + 2, 8);
    uint32_t *ids = malloc((m->n_docs + 512) * 4);
    for (int k = 0; k < 6; k++) {
        uint32_t lo = (uint32_t)qn_rng_below(r, m->n_docs) & ~63u;
        uint32_t hi = lo + (uint32_t)qn_rng_below(r, m->n_docs - lo + 1);
        if (k == 0) {
            lo = 0;
            hi = m->n_docs;
        }
        memset(bits, 0, (m->n_docs / 64 + 2) * 8);
        uint32_t n, want = 0, n_ids, count, from = 0;
        while (from < t->n && t->docs[from] < lo)
            from++;
        while (from + want < t->n && t->docs[from + want] < hi)
            want++;
        assert_ok(qn_cursor_fill_bits(cu, lo, hi, bits, &n, &err));
        assert_int_equal(n, want);
        uint32_t set = 0;
        for (size_t w = 0; w < m->n_docs / 64 + 2; w++)
            set += (uint32_t)__builtin_popcountll(bits[w]);
        assert_int_equal(set, want);
        for (uint32_t i = 0; i < want; i++)
            assert_true(qn_bit_get(bits, t->docs[from + i] - lo));
        assert_ok(qn_cursor_fill_ids(cu, lo, hi, ids, &n_ids, &err));
        assert_int_equal(n_ids, want);
        assert_memory_equal(ids, t->docs + from, 4 * want);
        lo += (uint32_t)qn_rng_below(r, 64);
        for (want = from = 0; from < t->n; from++)
            want += t->docs[from] >= lo && t->docs[from] < hi;
        assert_ok(qn_cursor_count(cu, lo, hi, &count, &err));
        assert_int_equal(count, want);
    }
    free(bits);
    free(ids);
}

static void expect_leaps(struct qn_cursor *cu, const struct model *m, const struct model_term *t,
                         struct qn_rng *r)
{
    struct qn_err err = {0};
    uint32_t doc = 0, at = 0;
    uint32_t step = 1 + (uint32_t)qn_rng_below(r, 1 + m->n_docs / 50);
    while (true) {
        while (at < t->n && t->docs[at] < doc)
            at++;
        int rc = qn_cursor_advance(cu, doc, &err);
        assert_int_equal(rc, at < t->n ? 0 : QN_END);
        assert_int_equal(cu->doc, at < t->n ? t->docs[at] : QN_DOC_END);
        if (rc == QN_END)
            break;
        assert_int_equal(cu->ids[cu->index], cu->doc);
        if (qn_rng_below(r, 20) == 0)
            assert_ok(qn_cursor_load(cu, (uint32_t)qn_rng_below(r, cu->n_blocks), &err));
        doc = cu->doc + (uint32_t)qn_rng_below(r, step + 1);
    }
}

static void expect_probes(struct qn_cursor *cu, const struct model *m, const struct model_term *t,
                          struct qn_rng *r)
{
    struct qn_err err = {0};
    uint32_t *ids = malloc((m->n_docs + 64) * 4), *want = malloc((m->n_docs + 64) * 4);
    for (int k = 0; k < 4; k++) {
        uint32_t step = 1 + (uint32_t)qn_rng_below(r, 1u << qn_rng_below(r, 12));
        uint32_t n = 0, n_want = 0, at = 0;
        for (uint32_t d = (uint32_t)qn_rng_below(r, step); d < m->n_docs;
             d += 1 + (uint32_t)qn_rng_below(r, step)) {
            ids[n++] = d;
            while (at < t->n && t->docs[at] < d)
                at++;
            if (at < t->n && t->docs[at] == d)
                want[n_want++] = d;
        }
        assert_ok(qn_cursor_retain(cu, ids, &n, &err));
        assert_int_equal(n, n_want);
        assert_memory_equal(ids, want, 4 * n);
    }
    free(ids);
    free(want);
}

static void check_terms(struct field *f, const struct model *m, struct qn_rng *r)
{
    struct qn_err err = {0};
    struct qn_terms_iter *it = qn_terms_iter_new(f->td);
    for (uint32_t i = 0; i < m->n_terms; i++) {
        struct qn_term_info ti;
        struct qn_cursor *cu;
        assert_int_equal(qn_terms_lookup(it, qn_str_of(m->terms[i].name), &err), 0);
        assert_ok(qn_terms_info(it, &ti, &err));
        assert_ok(qn_cursor_open(&cu, &f->ps, &ti, &err));
        expect_leaps(cu, m, &m->terms[i], r);
        expect_windows(cu, m, &m->terms[i], r);
        expect_probes(cu, m, &m->terms[i], r);
        bool any;
        assert_int_equal(qn_cursor_max_code(cu, m->n_docs, m->n_docs + 9, &any), 0);
        assert_false(any);
        qn_cursor_close(cu);
    }
    qn_terms_iter_free(it);
}

static void test_random_lists(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(1);
    static const uint32_t sizes[] = {1, 2, 63, 300, 5000, 70000};
    for (size_t s = 0; s < QN_COUNT_OF(sizes); s++)
        for (int kind = 0; kind < 6; kind++) {
            struct model m;
            struct field f;
            bool norms = kind % 2;
            model_make(&m, &r, sizes[s], sizes[s] > 10000 ? 15 : 40);
            field_write(&f, &m, (enum qn_index_record)(kind / 2), norms, &r);
            field_end(&f, m.n_docs);
            expect_field(&f, &m, norms);
            check_terms(&f, &m, &r);
            field_free(&f);
            model_free(&m);
        }
}

/* All block kinds and all three forms of entries are met, or the test above proves little. */
static void test_all_kinds_are_written(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(2);
    struct model m;
    struct field f;
    model_make(&m, &r, 20000, 200);
    field_write(&f, &m, QN_RECORD_POSITION, true, &r);
    field_end(&f, m.n_docs);
    assert_true(f.stats.run_blocks > 0 && f.stats.bitset_blocks > 0 && f.stats.packed_blocks > 0);
    assert_true(f.stats.n_ones > 0 && f.stats.n_inlines > 0 && f.stats.n_lists > 0);
    assert_true(f.ps.impacts.n == 255 && f.ps.impacts.tf[255] > 0);
    uint64_t df = 0, tf = 0;
    for (uint32_t i = 0; i < m.n_terms; i++) {
        df += m.terms[i].n;
        tf += m.terms[i].start[m.terms[i].n];
    }
    assert_int_equal(f.ps.sum_df, df);
    assert_int_equal(f.ps.sum_tf, tf);
    field_free(&f);
    model_free(&m);
}

/* A list of many groups, sparse enough that gaps are wide. */
static void test_long_lists(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(3);
    struct model m = {.n_docs = UINT32_MAX - 2, .n_terms = 1};
    struct model_term t = {.n = 100000, .name = "wide"};
    t.docs = malloc(4 * t.n);
    uint32_t doc = 0;
    for (uint32_t i = 0; i < t.n; i++) {
        t.docs[i] = doc;
        uint64_t left = (m.n_docs - 1 - doc) / (t.n - i);
        doc += 1 + (uint32_t)qn_rng_below(&r, left ? left : 1);
    }
    t.docs[t.n - 1] = m.n_docs - 1;
    t.docs[t.n - 2] = m.n_docs - 1 - (1u << 20); /* an outlier, if the others left room */
    if (t.docs[t.n - 2] <= t.docs[t.n - 3])
        t.docs[t.n - 2] = t.docs[t.n - 3] + 1;
    struct field f;
    m.terms = &t;
    t.start = calloc(t.n + 1, 4);
    field_begin(&f, QN_RECORD_BASIC, NULL);
    field_put_term(&f, &t, QN_RECORD_BASIC, &r);
    field_end(&f, m.n_docs);
    expect_field(&f, &m, false);
    field_free(&f);
    free(t.docs);
    free(t.start);
}

/* Lucene's table: exact to 40, then steps of 2, 4, 8 .. from 40, 56, 88 .. on. */
static void test_norms(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        assert_int_equal(qn_norm_encode(i), i);
        assert_int_equal(qn_norm_decode((uint8_t)i), i);
    }
    static const struct {
        uint32_t length, norm, decoded;
    } rows[] = {{40, 40, 40},
                {41, 40, 40},
                {42, 41, 42},
                {56, 48, 56},
                {1000, 87, 984},
                {2047, 95, 1944},
                {100000, 140, 98328},
                {INT32_MAX, 255, 2013265944},
                {UINT32_MAX, 255, 2013265944}};
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        assert_int_equal(qn_norm_encode(rows[i].length), rows[i].norm);
        assert_int_equal(qn_norm_decode((uint8_t)rows[i].norm), rows[i].decoded);
    }
    for (uint32_t i = 0; i < 256; i++) {
        assert_int_equal(qn_norm_encode(qn_norm_decode((uint8_t)i)), i);
        assert_true(i == 0 || qn_norm_decode((uint8_t)i) > qn_norm_decode((uint8_t)(i - 1)));
    }
}

static void test_norm_column(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(5);
    static const uint32_t sizes[] = {0, 1, 65536, 200000};
    for (size_t s = 0; s < QN_COUNT_OF(sizes); s++) {
        uint32_t n = sizes[s];
        uint8_t *v = malloc(n + 1);
        for (uint32_t i = 0; i < n; i++)
            v[i] = (uint8_t)qn_rng_next(&r);
        struct qn_buf bytes, hot;
        struct qn_buf_sink sk;
        qn_buf_init(&bytes, SIZE_MAX);
        qn_buf_init(&hot, SIZE_MAX);
        qn_buf_sink_init(&sk, &bytes);
        qn_sink_put(&sk.sink, "sixteen bytes...", 16);
        qn_norms_write(&sk.sink, simd(), v, n, &hot);
        for (int bad = 0; bad < 2 && (n != 0 || !bad); bad++) {
            struct qn_err err = {0};
            struct qn_section sc;
            struct qn_norms nr;
            struct qn_slice sl;
            if (bad)
                bytes.p[16 + qn_rng_below(&r, n < 65536 ? n : 65536)] ^= 1;
            struct qn_object *ob = qn_object_from_memory(QN_STR("n"), bytes.p, bytes.n);
            assert_ok(qn_section_open(&sc, ob, 0, bytes.n, "norms", 4, simd(), &err));
            assert_ok(qn_norms_open(&nr, qn_buf_str(&hot), &sc, &err));
            for (uint32_t b = 0; b * 65536ull < n; b++) {
                int rc = qn_norms_read(&nr, b, &sl, &err);
                assert_int_equal(rc, bad && b == 0 ? QN_E_CORRUPT : 0);
                if (rc == 0)
                    assert_memory_equal(sl.p, v + b * 65536ull, sl.n);
                qn_slice_release(&sl);
            }
            assert_int_equal(qn_norms_read(&nr, n / 65536 + 1, &sl, &err), QN_E_RANGE);
            qn_section_close(&sc);
            qn_object_unref(ob);
        }
        free(v);
        qn_buf_release(&bytes);
        qn_buf_release(&hot);
    }
}

/* Codes ascend with the impact at the field's own average; a good table is kept. */
static void test_impact_tables(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(6);
    struct qn_impact_counts *ct = calloc(1, sizeof *ct);
    struct qn_impacts im, again, plain;
    for (int i = 0; i < 100000; i++)
        ct->n[1 + qn_rng_below(&r, 5)][qn_rng_below(&r, 40)]++;
    for (int i = 0; i < 1000; i++)
        ct->n[1 + qn_rng_below(&r, 60)][qn_rng_below(&r, 200)]++;
    qn_impacts_build(&im, ct, NULL);
    assert_int_equal(im.n, 255);
    for (uint32_t c = 0; c < im.n; c++)
        for (uint32_t k = 0; k < c; k++)
            assert_false(im.tf[k] >= im.tf[c] && im.norm[k] < im.norm[c]);
    ct->n[5][7] += 100;
    qn_impacts_build(&again, ct, &im);
    assert_true(qn_impacts_equal(&im, &again));
    ct->n[40][200] += 50000;
    qn_impacts_build(&again, ct, &im);
    assert_false(qn_impacts_equal(&im, &again));
    assert_int_not_equal(again.code[40][200], QN_IMPACT_ESCAPE);
    qn_impacts_plain(&plain);
    for (uint32_t tf = 1; tf < QN_IMPACT_TFS; tf++)
        assert_int_equal(qn_impacts_code(&plain, tf, 1), tf - 1);
    assert_int_equal(qn_impacts_code(&plain, 70000, 1), QN_IMPACT_ESCAPE);
    struct qn_buf b;
    struct qn_err err = {0};
    qn_buf_init(&b, SIZE_MAX);
    qn_impacts_put(&b, &im);
    assert_int_equal(qn_impacts_get(&again, qn_buf_str(&b), &err), b.n);
    assert_memory_equal(&im, &again, sizeof im);
    assert_int_equal(qn_impacts_get(&again, qn_str_first(qn_buf_str(&b), b.n - 1), &err),
                     QN_E_CORRUPT);
    qn_buf_release(&b);
    free(ct);
}

/* A flipped byte in lists or positions is found by whoever reads it. */
static void test_damage_is_found(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(7);
    struct model m;
    model_make(&m, &r, 40000, 25);
    for (int k = 0; k < 150; k++) {
        struct field f;
        struct qn_err err = {0};
        field_write(&f, &m, QN_RECORD_POSITION, true, &r);
        field_write_end(&f, m.n_docs);
        struct qn_buf *b = k % 3 == 0 ? &f.positions : k % 3 == 1 ? &f.lists : &f.hot;
        size_t at = qn_rng_below(&r, b->n);
        b->p[at] ^= (char)(1 + qn_rng_below(&r, 255));
        int rc = field_open(&f, m.n_docs, &err);
        assert_int_equal(rc < 0, k % 3 == 2);
        struct qn_terms_iter *it = rc < 0 ? NULL : qn_terms_iter_new(f.td);
        for (rc = it ? qn_terms_seek(it, QN_STR(""), &err) : rc; rc == 0;) {
            struct qn_term_info ti;
            struct qn_cursor *cu;
            const uint32_t *pos, *start;
            assert_ok(qn_terms_info(it, &ti, &err));
            rc = qn_cursor_open(&cu, &f.ps, &ti, &err);
            while (rc == 0 && (rc = qn_cursor_next_block(cu, &err)) == 0)
                rc = qn_cursor_block_positions(cu, &pos, &start, &err);
            qn_cursor_close(cu);
            if (rc == QN_END)
                rc = qn_terms_next(it, &err);
        }
        /* Padding between units is the one thing that nobody reads. */
        if (rc != QN_E_CORRUPT && rc != QN_E_FORMAT_VERSION)
            assert_true(rc == QN_END && b->p[at] != 0);
        qn_terms_iter_free(it);
        field_free(&f);
    }
    model_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lists),    cmocka_unit_test(test_all_kinds_are_written),
        cmocka_unit_test(test_long_lists),      cmocka_unit_test(test_norms),
        cmocka_unit_test(test_norm_column),     cmocka_unit_test(test_impact_tables),
        cmocka_unit_test(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
