/* Dictionaries against a sorted array: every style of term, every kind of entry. */
#include "test.h"

#include "terms/terms_merge.h"
#include "terms/terms_reader.h"
#include "terms/terms_writer.h"

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

struct term {
    struct qn_str s;
    struct qn_term_info info;
    uint8_t bytes[64];
};

struct model {
    struct term *t;
    size_t n;
    struct qn_arena ar;
};

static int by_bytes(const void *a, const void *b)
{
    return qn_str_cmp(((const struct term *)a)->s, ((const struct term *)b)->s);
}

enum { WORDS, HEX16, UUID, NUMBERS, PATHS, LONG, BYTES, MIXED, STYLES };

static size_t random_term(struct qn_rng *r, int style, char out[3000])
{
    static const char *const words[] = {"connection", "error",   "from", "user",
                                        "a",          "timeout", "ok"};
    switch (style) {
    case WORDS:
        return (size_t)snprintf(out, 3000, "%s%s%u", words[qn_rng_below(r, 7)],
                                words[qn_rng_below(r, 7)], (unsigned)qn_rng_below(r, 5000));
    case HEX16:
        return (size_t)snprintf(out, 3000, "%016llx", (unsigned long long)qn_rng_next(r));
    case UUID:
        return (size_t)snprintf(out, 3000, "%08x-%04x-4%03x-%04x-%012llx",
                                (unsigned)qn_rng_below(r, 3000), (unsigned)qn_rng_below(r, 65536),
                                (unsigned)qn_rng_below(r, 4096), (unsigned)qn_rng_below(r, 65536),
                                (unsigned long long)qn_rng_below(r, 1ull << 48));
    case NUMBERS:
        return (size_t)snprintf(out, 3000, "%llu", (unsigned long long)qn_rng_below(r, 1u << 30));
    case PATHS:
        return (size_t)snprintf(out, 3000, "/api/v1/very/long/common/path/%s/%u/%s",
                                words[qn_rng_below(r, 7)], (unsigned)qn_rng_below(r, 300),
                                words[qn_rng_below(r, 7)]);
    case LONG: {
        size_t n = qn_rng_below(r, 3000);
        memset(out, 'x', n);
        for (size_t i = 0; i < n / 100; i++)
            out[qn_rng_below(r, n)] = (char)('a' + qn_rng_below(r, 26));
        return n;
    }
    case BYTES: {
        size_t n = qn_rng_below(r, 12);
        for (size_t i = 0; i < n; i++)
            out[i] = (char)(qn_rng_below(r, 4) ? qn_rng_below(r, 3) + 254 : qn_rng_below(r, 256));
        return n;
    }
    default:
        return random_term(r, (int)qn_rng_below(r, MIXED), out);
    }
}

/* The postings section starts at 1,000; lists follow each other. */
static void random_infos(struct model *m, struct qn_rng *r)
{
    uint64_t at = 1000;
    unsigned one = (unsigned)qn_rng_below(r, 101), inl = (unsigned)qn_rng_below(r, 101);
    for (size_t i = 0; i < m->n; i++) {
        struct qn_term_info *ti = &m->t[i].info;
        if (qn_rng_below(r, 100) < one) {
            *ti = (struct qn_term_info){.kind = QN_TERM_ONE,
                                        .df = 1,
                                        .doc = (uint32_t)qn_rng_next(r),
                                        .aux = (uint32_t)qn_rng_below(r, 1 + (i % 3) * 1000)};
        } else if (qn_rng_below(r, 100) < inl) {
            *ti = (struct qn_term_info){.kind = QN_TERM_INLINE,
                                        .df = 1 + (uint32_t)qn_rng_below(r, 40),
                                        .len = qn_rng_below(r, 65)};
            for (size_t k = 0; k < ti->len; k++)
                m->t[i].bytes[k] = (uint8_t)qn_rng_next(r);
        } else {
            *ti = (struct qn_term_info){.kind = QN_TERM_LIST,
                                        .df = 1 + (uint32_t)qn_rng_next(r) / 2,
                                        .offset = at,
                                        .len = 1 + qn_rng_below(r, 1ull << qn_rng_below(r, 34))};
            at += ti->len;
        }
    }
}

static void make_model(struct model *m, struct qn_rng *r, size_t n, int style)
{
    char z[3000];
    qn_arena_init(&m->ar, NULL);
    m->t = calloc(n + 1, sizeof *m->t);
    for (size_t i = 0; i < n; i++) {
        size_t len = random_term(r, style, z);
        m->t[i].s = qn_arena_str(&m->ar, qn_str_make(z, len));
    }
    qsort(m->t, n, sizeof *m->t, by_bytes);
    m->n = 0;
    for (size_t i = 0; i < n; i++)
        if (m->n == 0 || !qn_str_eq(m->t[i].s, m->t[m->n - 1].s))
            m->t[m->n++] = m->t[i];
    random_infos(m, r);
    for (size_t i = 0; i < m->n; i++)
        m->t[i].info.bytes = m->t[i].bytes;
}

static void free_model(struct model *m)
{
    free(m->t);
    qn_arena_release(&m->ar);
}

struct dict {
    struct qn_buf bytes, hot, bloom;
    struct qn_object *ob, *bloom_ob;
    struct qn_section sc, bloom_sc;
    struct qn_terms *td;
};

static void write_dict(struct dict *d, const struct model *m, struct qn_terms_options opt)
{
    struct qn_buf_sink bs, as;
    qn_buf_init(&d->bytes, SIZE_MAX);
    qn_buf_init(&d->hot, SIZE_MAX);
    qn_buf_init(&d->bloom, SIZE_MAX);
    qn_buf_sink_init(&bs, &d->bytes);
    qn_buf_sink_init(&as, &d->bloom);
    opt.ops = simd();
    struct qn_terms_writer *wr = qn_terms_writer_new(&bs.sink, &opt);
    for (size_t i = 0; i < m->n; i++)
        assert_ok(qn_terms_writer_add(wr, m->t[i].s, &m->t[i].info));
    struct qn_terms_stats st;
    assert_ok(qn_terms_writer_finish(wr, &d->hot, &as.sink, &st));
    assert_int_equal(st.n_terms, m->n);
    assert_int_equal(st.block_bytes, d->bytes.n);
    qn_terms_writer_free(wr);
}

static void open_dict(struct dict *d)
{
    struct qn_err err = {0};
    d->ob = qn_object_from_memory(QN_STR("terms"), d->bytes.p, d->bytes.n);
    d->bloom_ob = qn_object_from_memory(QN_STR("absence"), d->bloom.p, d->bloom.n);
    assert_ok(qn_section_open(&d->sc, d->ob, 0, d->bytes.n, "terms", 6, simd(), &err));
    assert_ok(
        qn_section_open(&d->bloom_sc, d->bloom_ob, 0, d->bloom.n, "absence", 6, simd(), &err));
    int rc = qn_terms_open(&d->td, qn_buf_str(&d->hot), &d->sc, &err);
    if (rc < 0)
        fail_msg("open: %s", err.msg);
}

static void make_dict(struct dict *d, const struct model *m, struct qn_terms_options opt)
{
    write_dict(d, m, opt);
    open_dict(d);
}

static void free_dict(struct dict *d)
{
    qn_terms_free(d->td);
    qn_section_close(&d->sc);
    qn_section_close(&d->bloom_sc);
    qn_object_unref(d->ob);
    qn_object_unref(d->bloom_ob);
    qn_buf_release(&d->bytes);
    qn_buf_release(&d->hot);
    qn_buf_release(&d->bloom);
}

static void expect_term(struct qn_terms_iter *it, const struct model *m, size_t i)
{
    struct qn_err err = {0};
    struct qn_term_info ti;
    const struct qn_term_info *want = &m->t[i].info;
    assert_int_equal(it->ord, i);
    assert_true(qn_str_eq(it->term, m->t[i].s));
    assert_ok(qn_terms_info(it, &ti, &err));
    assert_int_equal(ti.kind, want->kind);
    assert_int_equal(ti.df, want->df);
    assert_int_equal(ti.doc, want->doc);
    assert_int_equal(ti.aux, want->aux);
    assert_int_equal(ti.len, want->len);
    assert_int_equal(ti.offset, want->offset);
    if (ti.kind == QN_TERM_INLINE)
        assert_memory_equal(ti.bytes, want->bytes, ti.len);
}

static size_t model_bound(const struct model *m, struct qn_str key)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (qn_str_cmp(m->t[mid].s, key) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void expect_walk(struct qn_terms_iter *it, const struct model *m, size_t from, size_t n)
{
    struct qn_err err = {0};
    for (size_t i = from; i < from + n && i < m->n; i++) {
        expect_term(it, m, i);
        if (i > from) {
            assert_true(it->shared <= m->t[i].s.n && it->shared <= m->t[i - 1].s.n);
            assert_memory_equal(m->t[i].s.p, m->t[i - 1].s.p, it->shared);
        }
        int rc = qn_terms_next(it, &err);
        assert_int_equal(rc, i + 1 < m->n ? 0 : QN_END);
    }
}

static void expect_key(struct qn_terms_iter *it, const struct model *m, struct qn_str key)
{
    struct qn_err err = {0};
    size_t at = model_bound(m, key);
    bool have = at < m->n && qn_str_eq(m->t[at].s, key);
    assert_int_equal(qn_terms_lookup(it, key, &err), have ? 0 : QN_END);
    if (have)
        expect_walk(it, m, at, 3);
    assert_int_equal(qn_terms_seek(it, key, &err), at < m->n ? 0 : QN_END);
    assert_int_equal(it->ord, at);
    if (at < m->n)
        expect_walk(it, m, at, 3);
}

static void expect_prefix(struct qn_terms_iter *it, const struct model *m, struct qn_str prefix)
{
    struct qn_err err = {0};
    qn_ord lo, hi;
    size_t from = model_bound(m, prefix), to = from;
    while (to < m->n && qn_str_starts(m->t[to].s, prefix))
        to++;
    assert_ok(qn_terms_prefix(it, prefix, &lo, &hi, &err));
    assert_int_equal(hi - lo, to - from);
    if (to > from)
        assert_int_equal(lo, from);
}

static void expect_ords(struct qn_terms_iter *it, const struct model *m, struct qn_rng *r)
{
    struct qn_err err = {0};
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    qn_ord ords[50];
    struct qn_str out[50];
    size_t n = 0;
    for (size_t i = qn_rng_below(r, 10); i < m->n && n < 50; i += qn_rng_below(r, m->n / 10 + 2))
        ords[n++] = i;
    assert_ok(qn_terms_of_ords(it, ords, n, &ar, out, &err));
    for (size_t i = 0; i < n; i++)
        assert_true(qn_str_eq(out[i], m->t[ords[i]].s));
    ords[0] = m->n;
    assert_int_equal(qn_terms_of_ords(it, ords, 1, &ar, out, &err), QN_E_RANGE);
    qn_arena_release(&ar);
}

static void check_dict(const struct dict *d, const struct model *m, struct qn_rng *r)
{
    struct qn_err err = {0};
    struct qn_terms_iter *it = qn_terms_iter_new(d->td);
    assert_int_equal(qn_terms_count(d->td), m->n);
    assert_int_equal(qn_terms_seek(it, QN_STR(""), &err), m->n ? 0 : QN_END);
    if (m->n != 0) {
        expect_walk(it, m, 0, m->n);
        assert_true(qn_str_eq(qn_terms_first(d->td), m->t[0].s));
        assert_true(qn_str_eq(qn_terms_last(d->td), m->t[m->n - 1].s));
    }
    char z[3000];
    for (int k = 0; k < 200; k++) {
        struct qn_str key = qn_str_make(z, random_term(r, (int)qn_rng_below(r, STYLES), z));
        if (m->n != 0 && qn_rng_below(r, 2)) {
            struct qn_str t = m->t[qn_rng_below(r, m->n)].s;
            memcpy(z, t.p, t.n);
            key = qn_str_make(z, qn_rng_below(r, 2) ? t.n : qn_rng_below(r, t.n + 1));
            if (key.n != 0 && qn_rng_below(r, 2))
                z[qn_rng_below(r, key.n)] ^= (char)(1 << qn_rng_below(r, 8));
        }
        expect_key(it, m, key);
        expect_prefix(it, m, qn_str_first(key, qn_rng_below(r, 20)));
    }
    for (size_t i = 0; i < m->n; i += 1 + m->n / 300) {
        expect_key(it, m, m->t[i].s);
        assert_int_equal(qn_terms_seek_ord(it, i, &err), 0);
        expect_walk(it, m, i, 2);
    }
    assert_int_equal(qn_terms_seek_ord(it, m->n, &err), QN_END);
    expect_ords(it, m, r);
    qn_terms_iter_free(it);
}

static void test_random_dictionaries(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(1);
    static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 700, 1024, 1025, 9000};
    for (size_t s = 0; s < QN_COUNT_OF(sizes); s++)
        for (int style = 0; style < STYLES; style++) {
            struct model m;
            struct dict d;
            make_model(&m, &r, style == LONG ? sizes[s] / 10 : sizes[s], style);
            struct qn_terms_options opt = {.absence = true,
                                           .zstd_level = (int)qn_rng_below(&r, 2),
                                           .block_bytes = (uint32_t)qn_rng_below(&r, 3) * 700};
            make_dict(&d, &m, opt);
            check_dict(&d, &m, &r);
            free_dict(&d);
            free_model(&m);
        }
}

static void test_ids_are_packed(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(2);
    for (int style = HEX16; style <= UUID; style++) {
        struct model m;
        struct dict d;
        make_model(&m, &r, 20000, style);
        make_dict(&d, &m, (struct qn_terms_options){0});
        /* 8 bytes an id, or 16 of which about 1.5 are shared, and less than 10 of postings. */
        uint64_t text = 0, infos = 0;
        for (size_t i = 0; i < m.n; i++) {
            text += style == HEX16 ? 8 : 16;
            infos += m.t[i].info.kind == QN_TERM_INLINE ? m.t[i].info.len + 6 : 14;
        }
        assert_true(d.bytes.n < text + infos);
        free_dict(&d);
        free_model(&m);
    }
}

static void test_absence(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(3);
    struct model m;
    struct dict d;
    struct qn_err err = {0};
    make_model(&m, &r, 20000, HEX16);
    make_dict(&d, &m, (struct qn_terms_options){.absence = true});
    bool may;
    for (size_t i = 0; i < m.n; i++) {
        assert_ok(qn_terms_may_have(d.td, &d.bloom_sc, m.t[i].s, &may, &err));
        assert_true(may);
    }
    size_t wrong = 0;
    char z[3000];
    for (int i = 0; i < 20000; i++) {
        struct qn_str key = qn_str_make(z, random_term(&r, HEX16, z));
        assert_ok(qn_terms_may_have(d.td, &d.bloom_sc, key, &may, &err));
        wrong += may;
    }
    assert_in_range(wrong, 1, 600); /* at most 3 % */
    /* A damaged filter answers "may" with an error. */
    struct qn_section sc;
    for (size_t i = 0; i < d.bloom.n; i += 64)
        d.bloom.p[i + qn_rng_below(&r, 64)] ^= 4;
    struct qn_object *ob = qn_object_from_memory(QN_STR("bad"), d.bloom.p, d.bloom.n);
    assert_ok(qn_section_open(&sc, ob, 0, d.bloom.n, "absence", 6, simd(), &err));
    assert_int_equal(qn_terms_may_have(d.td, &sc, QN_STR("x"), &may, &err), QN_E_CORRUPT);
    assert_true(may);
    qn_section_close(&sc);
    qn_object_unref(ob);
    free_dict(&d);
    free_model(&m);
}

static void test_order_is_checked(void **state)
{
    (void)state;
    struct qn_buf b;
    struct qn_buf_sink bs;
    qn_buf_init(&b, SIZE_MAX);
    qn_buf_sink_init(&bs, &b);
    const struct qn_term_info one = {.kind = QN_TERM_ONE, .df = 1};
    static const struct {
        const char *a, *b;
    } rows[] = {{"b", "a"}, {"a", "a"}, {"ab", "a"}, {"a\xff", "a\x01"}};
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_terms_options opt = {.ops = simd()};
        struct qn_terms_writer *wr = qn_terms_writer_new(&bs.sink, &opt);
        assert_ok(qn_terms_writer_add(wr, qn_str_of(rows[i].a), &one));
        assert_int_equal(qn_terms_writer_add(wr, qn_str_of(rows[i].b), &one), QN_E_BUG);
        qn_terms_writer_free(wr);
    }
    qn_buf_release(&b);
}

static void test_merge(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(4);
    for (int round = 0; round < 40; round++) {
        struct model m[9];
        struct dict d[9];
        const struct qn_terms *tds[9];
        uint32_t n = (uint32_t)qn_rng_below(&r, 10);
        int style = (int)qn_rng_below(&r, STYLES);
        for (uint32_t i = 0; i < n; i++) {
            size_t most = qn_rng_below(&r, 5) == 0 ? 0 : style == LONG ? 100 : 2000;
            make_model(&m[i], &r, qn_rng_below(&r, most + 1), style);
            make_dict(&d[i], &m[i], (struct qn_terms_options){.block_bytes = 1000});
            tds[i] = qn_rng_below(&r, 10) == 0 ? NULL : d[i].td;
        }
        struct qn_terms_merge *mg;
        struct qn_err err = {0};
        assert_ok(qn_terms_merge_new(&mg, tds, n, &err));
        size_t at[9] = {0};
        int rc;
        while ((rc = qn_terms_merge_next(mg, &err)) == 0) {
            assert_true(mg->n_hits >= 1);
            struct qn_str least = QN_STR_NONE;
            uint32_t hits = 0;
            for (uint32_t i = 0; i < n; i++)
                if (tds[i] != NULL && at[i] < m[i].n &&
                    (least.p == NULL || qn_str_cmp(m[i].t[at[i]].s, least) < 0))
                    least = m[i].t[at[i]].s;
            assert_true(qn_str_eq(mg->term, least));
            for (uint32_t i = 0; i < n; i++)
                if (tds[i] != NULL && at[i] < m[i].n && qn_str_eq(m[i].t[at[i]].s, least)) {
                    assert_true(hits < mg->n_hits && mg->hits[hits] == i);
                    hits++;
                    expect_term(mg->its[i], &m[i], at[i]++);
                }
            assert_int_equal(hits, mg->n_hits);
        }
        assert_int_equal(rc, QN_END);
        for (uint32_t i = 0; i < n; i++)
            assert_true(tds[i] == NULL || at[i] == m[i].n);
        qn_terms_merge_free(mg);
        for (uint32_t i = 0; i < n; i++) {
            free_dict(&d[i]);
            free_model(&m[i]);
        }
    }
}

/* Every flipped byte of a block or of the hot part is noticed. */
static void test_damage_is_found(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(5);
    struct model m;
    make_model(&m, &r, 3000, MIXED);
    for (int k = 0; k < 300; k++) {
        struct dict d;
        struct qn_err err = {0};
        write_dict(&d, &m, (struct qn_terms_options){.block_bytes = 4000, .zstd_level = k % 3});
        bool in_hot = k % 2;
        struct qn_buf *b = in_hot ? &d.hot : &d.bytes;
        b->p[qn_rng_below(&r, b->n)] ^= (char)(1 + qn_rng_below(&r, 255));
        d.ob = qn_object_from_memory(QN_STR("terms"), d.bytes.p, d.bytes.n);
        d.bloom_ob = qn_object_from_memory(QN_STR("absence"), NULL, 0);
        assert_ok(qn_section_open(&d.sc, d.ob, 0, d.bytes.n, "terms", 6, simd(), &err));
        assert_ok(qn_section_open(&d.bloom_sc, d.bloom_ob, 0, 0, "absence", 6, simd(), &err));
        int rc = qn_terms_open(&d.td, qn_buf_str(&d.hot), &d.sc, &err);
        assert_int_equal(rc < 0, in_hot);
        if (!in_hot) {
            struct qn_terms_iter *it = qn_terms_iter_new(d.td);
            for (rc = qn_terms_seek(it, QN_STR(""), &err); rc == 0;)
                rc = qn_terms_next(it, &err);
            assert_int_equal(rc, QN_E_CORRUPT);
            assert_non_null(strstr(err.msg, "section terms"));
            qn_terms_iter_free(it);
        }
        free_dict(&d);
    }
    free_model(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_dictionaries),
        cmocka_unit_test(test_ids_are_packed),
        cmocka_unit_test(test_absence),
        cmocka_unit_test(test_order_is_checked),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
