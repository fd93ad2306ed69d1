#include "test.h"

#include "docs/docs.h"
#include "docs/shred.h"

/* Every level that this machine runs gives the same; QN_TEST_SIMD picks one. */
static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

struct store {
    struct qn_buf bytes, hot;
    struct qn_object *ob;
    struct qn_docs_reader *rd;
};

static void open_store(struct store *st)
{
    struct qn_err err = {0};
    st->ob = qn_object_from_memory(QN_STR("test"), st->bytes.p, st->bytes.n);
    int rc = qn_docs_open(&st->rd, st->ob, 0, st->bytes.n, qn_buf_str(&st->hot), simd(), &err);
    if (rc < 0)
        fail_msg("open: %s", err.msg);
}

static void close_store(struct store *st)
{
    qn_docs_close(st->rd);
    qn_object_unref(st->ob);
    qn_buf_release(&st->bytes);
    qn_buf_release(&st->hot);
}

static struct qn_docs_writer *begin_store(struct store *st, struct qn_buf_sink *bs, uint32_t docs)
{
    qn_buf_init(&st->bytes, SIZE_MAX);
    qn_buf_init(&st->hot, SIZE_MAX);
    qn_buf_sink_init(bs, &st->bytes);
    struct qn_docs_options op = {.block_docs = docs, .block_bytes = 1 << 20};
    return qn_docs_writer_new(&op, simd(), &bs->sink);
}

static void end_store(struct store *st, struct qn_docs_writer *wr)
{
    assert_ok(qn_docs_writer_finish(wr, &st->hot));
    qn_docs_writer_free(wr);
    open_store(st);
}

static void put_value(struct qn_buf *b, struct qn_rng *r, int depth);

static void put_random_string(struct qn_buf *b, struct qn_rng *r)
{
    static const char *const bits[] = {
        "a",        "\\\"", "\\\\", "\\n", "\\u00e9",
        "\xc3\xa9", "{",    "}",    "[",   ",",
        ":",        " ",    "42",   "\\/", "abcdefghijklmnopqrstuvwxyz"};
    qn_buf_put_u8(b, '"');
    for (size_t n = qn_rng_below(r, 6); n > 0; n--)
        qn_buf_put_z(b, bits[qn_rng_below(r, QN_COUNT_OF(bits))]);
    qn_buf_put_u8(b, '"');
}

static void put_container(struct qn_buf *b, struct qn_rng *r, int depth)
{
    bool object = qn_rng_below(r, 2);
    qn_buf_put_u8(b, object ? '{' : '[');
    size_t n = qn_rng_below(r, 5);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            qn_buf_put_z(b, qn_rng_below(r, 4) ? "," : " , ");
        if (object)
            qn_buf_printf(b, "\"k%llu\":", (unsigned long long)qn_rng_below(r, 4));
        put_value(b, r, depth + 1);
    }
    qn_buf_put_u8(b, object ? '}' : ']');
}

static void put_value(struct qn_buf *b, struct qn_rng *r, int depth)
{
    switch (qn_rng_below(r, depth < 4 ? 6 : 4)) {
    case 0:
        qn_buf_printf(b, "%lld", (long long)qn_rng_next(r) >> qn_rng_below(r, 60));
        break;
    case 1:
        qn_buf_put_z(b, qn_rng_below(r, 2) ? "true" : "null");
        break;
    case 2:
    case 3:
        put_random_string(b, r);
        break;
    default:
        put_container(b, r, depth);
    }
}

/* Mostly log lines, some random JSON, some bytes that are no JSON at all. */
static void put_document(struct qn_buf *b, struct qn_rng *r)
{
    uint64_t kind = qn_rng_below(r, 20);
    if (kind < 12) {
        qn_buf_printf(b, "{\"level\":\"%s\",\"ms\":%llu%s}", qn_rng_below(r, 2) ? "INFO" : "WARN",
                      (unsigned long long)qn_rng_below(r, 100),
                      qn_rng_below(r, 3) ? "" : ",\"host\":\"a\"");
    } else if (kind < 18) {
        put_value(b, r, 0);
    } else if (kind < 19) {
        for (size_t n = qn_rng_below(r, 40); n > 0; n--)
            qn_buf_put_u8(b, (uint8_t)qn_rng_next(r));
    } else {
        static const char *const odd[] = {"",   "\x01",         "\n",          "\"a\n\"", "12",
                                          "\"", "{\"a\":\x01}", "\"a\"1\"b\"", "{\"a\\",  "\"\"1",
                                          "]",  "\"\\\x01\""};
        qn_buf_put_z(b, odd[qn_rng_below(r, QN_COUNT_OF(odd))]);
    }
}

struct corpus {
    struct qn_buf bytes;
    size_t from[4001];
    uint32_t n;
};

static void make_corpus(struct corpus *c, struct qn_rng *r, uint32_t n)
{
    qn_buf_init(&c->bytes, SIZE_MAX);
    c->n = n;
    for (uint32_t i = 0; i < n; i++) {
        c->from[i] = c->bytes.n;
        put_document(&c->bytes, r);
    }
    c->from[n] = c->bytes.n;
}

static struct qn_str corpus_doc(const struct corpus *c, uint32_t i)
{
    return qn_str_make(c->bytes.p + c->from[i], c->from[i + 1] - c->from[i]);
}

static void expect_doc(struct qn_docs_cursor *cu, qn_docid doc, struct qn_str want)
{
    struct qn_buf got;
    struct qn_err err = {0};
    qn_buf_init(&got, SIZE_MAX);
    if (qn_docs_get(cu, doc, &got, &err) < 0)
        fail_msg("document %u: %s", doc, err.msg);
    if (!qn_str_eq(qn_buf_str(&got), want))
        fail_msg("document %u: got <%.*s>, want <%.*s>", doc, (int)got.n, got.p, QN_STR_ARG(want));
    qn_buf_release(&got);
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(11);
    for (int round = 0; round < 60; round++) {
        struct corpus *c = malloc(sizeof *c);
        struct store st;
        struct qn_buf_sink bs;
        make_corpus(c, &rng, (uint32_t)qn_rng_below(&rng, round < 50 ? 60 : 4000));
        struct qn_docs_writer *wr = begin_store(&st, &bs, 1 + (uint32_t)qn_rng_below(&rng, 700));
        for (uint32_t i = 0; i < c->n; i++)
            assert_ok(qn_docs_writer_add(wr, corpus_doc(c, i)));
        assert_int_equal(qn_docs_writer_raw_bytes(wr), c->bytes.n);
        end_store(&st, wr);
        assert_int_equal(qn_docs_count(st.rd), c->n);
        struct qn_docs_cursor *cu = qn_docs_cursor_new(st.rd);
        for (uint32_t i = 0; i < c->n; i++)
            expect_doc(cu, i, corpus_doc(c, i));
        for (uint32_t i = 0; i < c->n; i += 17) { /* any order */
            uint32_t k = (uint32_t)qn_rng_below(&rng, c->n);
            expect_doc(cu, k, corpus_doc(c, k));
        }
        qn_docs_cursor_free(cu);
        close_store(&st);
        qn_buf_release(&c->bytes);
        free(c);
    }
}

static void copies_blocks_and_maps_rows(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(12);
    struct corpus *c = malloc(sizeof *c);
    make_corpus(c, &rng, 3000);
    struct store parts[3], merged;
    struct qn_buf_sink bs;
    for (uint32_t k = 0; k < 3; k++) {
        struct qn_docs_writer *wr = begin_store(&parts[k], &bs, 300);
        for (uint32_t i = k * 1000; i < (k + 1) * 1000; i++)
            assert_ok(qn_docs_writer_add(wr, corpus_doc(c, i)));
        end_store(&parts[k], wr);
    }
    struct qn_docs_writer *wr = begin_store(&merged, &bs, 300);
    for (uint32_t k = 0; k < 3; k++)
        assert_ok(qn_docs_writer_copy(wr, parts[k].rd, NULL));
    uint32_t rows[3000], n = 0;
    for (uint32_t i = 0; i < 1000; i++) /* interleaved, with holes */
        for (uint32_t k = 0; k < 3; k++)
            if (qn_rng_below(&rng, 10) != 0)
                rows[n++] = k * 1000 + i;
    qn_docs_writer_map(wr, rows, n);
    end_store(&merged, wr);
    assert_int_equal(qn_docs_count(merged.rd), n);
    assert_int_equal(qn_docs_row_count(merged.rd), 3000);
    struct qn_docs_cursor *cu = qn_docs_cursor_new(merged.rd);
    for (uint32_t i = 0; i < n; i++)
        expect_doc(cu, i, corpus_doc(c, rows[i]));
    qn_docs_cursor_free(cu);
    close_store(&merged);
    for (int k = 0; k < 3; k++)
        close_store(&parts[k]);
    qn_buf_release(&c->bytes);
    free(c);
}

static void alike_documents_become_small(void **state)
{
    (void)state;
    struct store st;
    struct qn_buf_sink bs;
    struct qn_docs_writer *wr = begin_store(&st, &bs, 512);
    struct qn_buf doc;
    qn_buf_init(&doc, SIZE_MAX);
    for (int i = 0; i < 10000; i++) {
        qn_buf_clear(&doc);
        qn_buf_printf(&doc,
                      "{\"timestamp\":\"2026-11-21T00:%02d:%02dZ\",\"service\":\"checkout\","
                      "\"level\":\"INFO\",\"message\":\"request %d served\"}",
                      i / 60 % 60, i % 60, i);
        assert_ok(qn_docs_writer_add(wr, qn_buf_str(&doc)));
    }
    uint64_t raw = qn_docs_writer_raw_bytes(wr);
    end_store(&st, wr);
    assert_true(st.bytes.n * 15 < raw);
    close_store(&st);
    qn_buf_release(&doc);
}

static void damage_is_found(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(13);
    struct corpus *c = malloc(sizeof *c);
    make_corpus(c, &rng, 400);
    struct store st;
    struct qn_buf_sink bs;
    struct qn_docs_writer *wr = begin_store(&st, &bs, 100);
    for (uint32_t i = 0; i < c->n; i++)
        assert_ok(qn_docs_writer_add(wr, corpus_doc(c, i)));
    end_store(&st, wr);
    for (int round = 0; round < 2000; round++) {
        char *bytes = malloc(st.bytes.n + QN_PAD);
        memcpy(bytes, st.bytes.p, st.bytes.n + QN_PAD);
        size_t at = qn_rng_below(&rng, st.bytes.n);
        bytes[at] ^= (char)(1u << qn_rng_below(&rng, 8));
        struct qn_object *ob = qn_object_from_memory(QN_STR("x"), bytes, st.bytes.n);
        struct qn_docs_reader *rd;
        struct qn_err err = {0};
        assert_ok(qn_docs_open(&rd, ob, 0, st.bytes.n, qn_buf_str(&st.hot), simd(), &err));
        struct qn_docs_cursor *cu = qn_docs_cursor_new(rd);
        struct qn_buf out;
        qn_buf_init(&out, SIZE_MAX);
        int bad = 0;
        for (uint32_t i = 0; i < c->n; i += 100)
            bad += qn_docs_get(cu, i, &out, &err) == QN_E_CORRUPT;
        assert_int_equal(bad, 1); /* the damaged block, and only that */
        qn_buf_release(&out);
        qn_docs_cursor_free(cu);
        qn_docs_close(rd);
        qn_object_unref(ob);
        free(bytes);
    }
    close_store(&st);
    qn_buf_release(&c->bytes);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(copies_blocks_and_maps_rows),
        cmocka_unit_test(alike_documents_become_small),
        cmocka_unit_test(damage_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
