/* Skip indexes never deny a key that is there, deny nearly all that are not, and find damage. */
#include "test.h"

#include "columns/skip.h"

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

struct stored {
    struct qn_buf bytes, hot;
    struct qn_object *ob;
    struct qn_section sc;
    struct qn_skip sp;
};

static void open_stored(struct stored *st, uint32_t n_docs)
{
    st->ob = qn_object_from_memory(QN_STR("skip"), st->bytes.p, st->bytes.n);
    assert_ok(qn_section_open(&st->sc, st->ob, 0, st->bytes.n, "columns", 5, simd(), NULL));
    assert_ok(qn_skip_open(&st->sp, qn_buf_str(&st->hot), &st->sc, n_docs, simd(), NULL));
}

static void store(struct stored *st, const qn_docid *docs, const uint64_t *keys, size_t n,
                  uint32_t n_docs)
{
    struct qn_buf_sink bs;
    qn_buf_init(&st->bytes, SIZE_MAX);
    qn_buf_init(&st->hot, SIZE_MAX);
    qn_buf_sink_init(&bs, &st->bytes);
    qn_sink_put(&bs.sink, "before", 6);
    struct qn_skip_writer *wr = qn_skip_writer_new(simd(), &bs.sink);
    qn_skip_put(wr, docs, keys, n / 3);
    qn_skip_put(wr, docs + n / 3, keys + n / 3, n - n / 3);
    assert_ok(qn_skip_writer_finish(wr, n_docs, &st->hot));
    qn_skip_writer_free(wr);
    open_stored(st, n_docs);
}

static void close_stored(struct stored *st)
{
    qn_skip_close(&st->sp);
    qn_section_close(&st->sc);
    qn_object_unref(st->ob);
}

static void drop(struct stored *st)
{
    close_stored(st);
    qn_buf_release(&st->bytes);
    qn_buf_release(&st->hot);
}

static bool may(struct stored *st, uint32_t zone, uint64_t key)
{
    bool yes = false;
    assert_ok(qn_skip_test(&st->sp, zone, &key, 1, &yes, NULL));
    return yes;
}

/* Zones of few keys, of many, of none, and documents of several keys. */
static size_t fill(struct qn_rng *r, qn_docid *docs, uint64_t *keys, uint32_t n_docs)
{
    size_t n = 0;
    for (uint32_t d = 0; d < n_docs; d++) {
        uint32_t zone = d / QN_COLUMN_ZONE;
        if (zone % 4 == 2 || qn_rng_below(r, 3) == 0)
            continue;
        for (uint64_t k = 1 + qn_rng_below(r, zone % 4 == 3 ? 3 : 1); k > 0; k--) {
            docs[n] = d;
            keys[n++] = zone % 4 == 0 ? qn_rng_below(r, 64) * 1000003 : qn_rng_next(r) | 1;
        }
    }
    return n;
}

static void never_denies_what_is_there(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(31);
    enum { N = 9 * QN_COLUMN_ZONE + 77 };
    qn_docid *docs = malloc(3 * N * sizeof *docs);
    uint64_t *keys = malloc(3 * N * sizeof *keys);
    size_t n = fill(&r, docs, keys, N);
    struct stored st;
    store(&st, docs, keys, n, N);
    for (size_t i = 0; i < n; i++)
        assert_true(may(&st, docs[i] / QN_COLUMN_ZONE, keys[i]));
    unsigned wrong = 0, asked = 0;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t absent = qn_rng_next(&r) << 1; /* even; the keys of filters are odd */
        uint32_t zone = (uint32_t)qn_rng_below(&r, st.sp.n_zones);
        if (zone % 4 == 0) {
            assert_false(may(&st, zone, absent * 1000003 + 1));
            continue;
        }
        asked++;
        wrong += may(&st, zone, absent);
    }
    assert_true(wrong * 40 < asked); /* 1.5 % are expected */
    uint64_t several[] = {2, 4, keys[0]};
    bool yes = false;
    assert_ok(qn_skip_test(&st.sp, 0, several, 2, &yes, NULL));
    assert_false(yes);
    assert_ok(qn_skip_test(&st.sp, 0, several, 3, &yes, NULL));
    assert_true(yes);
    qn_skip_prefetch(&st.sp, 0, UINT32_MAX);
    drop(&st);
    free(docs);
    free(keys);
}

static void empty_ones(void **state)
{
    (void)state;
    struct stored st;
    store(&st, NULL, NULL, 0, 0);
    assert_int_equal(st.sp.n_zones, 0);
    drop(&st);
    store(&st, NULL, NULL, 0, 10000);
    assert_int_equal(st.sp.n_zones, 3);
    assert_false(may(&st, 2, 0));
    drop(&st);
}

static void damage_is_found(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(32);
    enum { N = 4 * QN_COLUMN_ZONE };
    qn_docid *docs = malloc(3 * N * sizeof *docs);
    uint64_t *keys = malloc(3 * N * sizeof *keys);
    size_t n = fill(&r, docs, keys, N), found = 0;
    struct stored st;
    store(&st, docs, keys, n, N);
    for (unsigned round = 0; round < 400; round++) {
        size_t i = qn_rng_below(&r, round % 2 ? n : 1000); /* the first 1,000 are in a set */
        size_t at = st.sp.at[docs[i] / QN_COLUMN_ZONE] & ~1ull;
        size_t span = (st.sp.at[docs[i] / QN_COLUMN_ZONE + 1] & ~1ull) - at;
        close_stored(&st);
        size_t hit = at + qn_rng_below(&r, span);
        char flip = (char)(1u << qn_rng_below(&r, 8));
        st.bytes.p[hit] ^= flip;
        open_stored(&st, N);
        bool yes = false;
        struct qn_err err = {0};
        int rc = qn_skip_test(&st.sp, docs[i] / QN_COLUMN_ZONE, &keys[i], 1, &yes, &err);
        found += rc < 0;
        assert_true(rc == 0 ? yes : rc == QN_E_CORRUPT && err.msg[0] != 0);
        close_stored(&st);
        st.bytes.p[hit] ^= flip;
        open_stored(&st, N);
    }
    assert_true(found > 50);
    for (size_t cut = 0; cut < st.hot.n; cut++) {
        struct qn_skip sp;
        assert_true(qn_skip_open(&sp, (struct qn_str){st.hot.p, cut}, &st.sc, N, simd(), NULL) < 0);
    }
    drop(&st);
    free(docs);
    free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_denies_what_is_there),
        cmocka_unit_test(empty_ones),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
