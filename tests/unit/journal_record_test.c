/* The canonical record: what goes in comes out, bytes are a function of content, damage is seen. */
#include "test.h"

#include "journal/record.h"

static const struct qn_simd_ops *simd(void)
{
    return qn_simd_pick("auto");
}

static struct qn_str random_str(struct qn_rng *r, char *space, size_t max)
{
    size_t n = qn_rng_below(r, max + 1);
    for (size_t i = 0; i < n; i++)
        space[i] = (char)qn_rng_next(r);
    return qn_str_make(space, n);
}

#define MAX_OPS 40
#define MAX_HEADERS 3

struct sample {
    enum qn_record_kind kind;
    struct qn_origin origin;
    struct qn_record_header headers[MAX_HEADERS];
    struct qn_op ops[MAX_OPS];
    uint32_t n_headers, n_ops;
    char space[(MAX_OPS * 3 + MAX_HEADERS * 2 + 2) * 64];
};

static void random_sample(struct qn_rng *r, struct sample *s)
{
    char *p = s->space;
#define NEXT(max) (p += 64, random_str(r, p - 64, (max)))
    s->kind = (enum qn_record_kind)(QN_RECORD_DOCS + qn_rng_below(r, 3));
    s->origin.index = NEXT(30);
    s->origin.source = NEXT(10);
    s->origin.partition = (uint32_t)qn_rng_next(r);
    s->origin.offset = qn_rng_next(r);
    s->n_headers = (uint32_t)qn_rng_below(r, MAX_HEADERS + 1);
    for (uint32_t i = 0; i < s->n_headers; i++) {
        s->headers[i].name = NEXT(20);
        s->headers[i].value = NEXT(60);
    }
    s->n_ops = 1 + (uint32_t)qn_rng_below(r, MAX_OPS);
    for (uint32_t i = 0; i < s->n_ops; i++) {
        bool docs = s->kind == QN_RECORD_DOCS;
        s->ops[i].kind = docs ? QN_OP_APPEND : (enum qn_op_kind)qn_rng_below(r, QN_OP_KIND_COUNT);
        s->ops[i].key = NEXT(docs ? 0 : 30);
        s->ops[i].meta = NEXT(docs ? 0 : 20);
        s->ops[i].body = NEXT(60);
    }
#undef NEXT
}

static void encode(struct qn_record_writer *wr, const struct sample *s)
{
    qn_record_begin(wr, s->kind, &s->origin);
    for (uint32_t i = 0; i < s->n_headers; i++)
        qn_record_put_header(wr, s->headers[i].name, s->headers[i].value);
    for (uint32_t i = 0; i < s->n_ops; i++)
        qn_record_put_op(wr, &s->ops[i]);
    size_t want = qn_record_bytes(wr);
    assert_ok(qn_record_finish(wr, simd()));
    assert_int_equal(want, wr->buf.n);
}

/* Encodes what a decoded record says. */
static void encode_again(struct qn_record_writer *wr, const struct qn_record *rec)
{
    struct qn_record_header h;
    qn_record_begin(wr, rec->kind, &rec->origin);
    for (size_t at = 0; qn_record_next_header(rec, &at, &h);)
        qn_record_put_header(wr, h.name, h.value);
    for (uint32_t i = 0; i < rec->n_ops; i++) {
        struct qn_op op = qn_record_op(rec, i);
        qn_record_put_op(wr, &op);
    }
    assert_ok(qn_record_finish(wr, simd()));
    qn_record_place(wr->buf.p, rec->seq, rec->stamp, simd());
}

static void assert_same_op(const struct qn_op *a, const struct qn_op *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_true(qn_str_eq(a->key, b->key));
    assert_true(qn_str_eq(a->meta, b->meta));
    assert_true(qn_str_eq(a->body, b->body));
}

static void check_content(const struct sample *s, const struct qn_record *rec)
{
    assert_int_equal(rec->kind, s->kind);
    assert_true(qn_str_eq(rec->origin.index, s->origin.index));
    assert_true(qn_str_eq(rec->origin.source, s->origin.source));
    assert_int_equal(rec->origin.partition, s->origin.partition);
    assert_int_equal(rec->origin.offset, s->origin.offset);
    struct qn_record_header h;
    uint32_t n = 0;
    for (size_t at = 0; qn_record_next_header(rec, &at, &h); n++) {
        assert_true(n < s->n_headers);
        assert_true(qn_str_eq(h.name, s->headers[n].name));
        assert_true(qn_str_eq(h.value, s->headers[n].value));
    }
    assert_int_equal(n, s->n_headers);
    assert_int_equal(rec->n_ops, s->n_ops);
    for (uint32_t i = 0; i < s->n_ops; i++) {
        struct qn_op op = qn_record_op(rec, i);
        assert_same_op(&op, &s->ops[i]);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(1);
    struct sample *s = calloc(1, sizeof *s);
    struct qn_record_writer a, b, c;
    qn_record_init(&a);
    qn_record_init(&b);
    qn_record_init(&c);
    for (int round = 0; round < 400; round++) {
        random_sample(&r, s);
        encode(&a, s);
        encode(&b, s);
        assert_true(qn_str_eq(qn_buf_str(&a.buf), qn_buf_str(&b.buf)));
        qn_record_place(a.buf.p, 1000 + (uint64_t)round, qn_rng_next(&r), simd());
        struct qn_record rec;
        assert_ok(qn_record_decode(&rec, qn_buf_str(&a.buf), simd(), NULL));
        assert_int_equal(rec.seq, 1000 + round);
        assert_int_equal(qn_record_end(&rec), 1000 + round + s->n_ops);
        check_content(s, &rec);
        encode_again(&c, &rec);
        assert_true(qn_str_eq(qn_buf_str(&a.buf), qn_buf_str(&c.buf)));
    }
    qn_record_release(&a);
    qn_record_release(&b);
    qn_record_release(&c);
    free(s);
}

/* Every byte that changes, and every length that is cut, is noticed. */
static void test_damage(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(2);
    struct sample *s = calloc(1, sizeof *s);
    struct qn_record_writer wr;
    struct qn_record rec;
    qn_record_init(&wr);
    for (int round = 0; round < 10; round++) {
        random_sample(&r, s);
        encode(&wr, s);
        for (size_t i = 0; i < wr.buf.n; i++) {
            wr.buf.p[i] ^= (char)(1u << (i % 8));
            assert_true(qn_record_decode(&rec, qn_buf_str(&wr.buf), simd(), NULL) < 0);
            wr.buf.p[i] ^= (char)(1u << (i % 8));
            struct qn_str cut = qn_str_make(wr.buf.p, i);
            assert_int_equal(qn_record_decode(&rec, cut, simd(), NULL), QN_E_TRUNCATED);
        }
        assert_ok(qn_record_decode(&rec, qn_buf_str(&wr.buf), simd(), NULL));
    }
    qn_record_release(&wr);
    free(s);
}

/* Bytes with right checksums and wrong content: what a program error or an attacker would write. */
static void test_forged(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(3);
    struct sample *s = calloc(1, sizeof *s);
    struct qn_record_writer wr, again;
    qn_record_init(&wr);
    qn_record_init(&again);
    int accepted = 0, refused = 0;
    for (int round = 0; round < 6000; round++) {
        random_sample(&r, s);
        encode(&wr, s);
        size_t at = 44 + qn_rng_below(&r, wr.buf.n - 44);
        wr.buf.p[at] = (char)qn_rng_next(&r);
        uint32_t crc = simd()->crc32c(0, wr.buf.p + 64, wr.buf.n - 64);
        memcpy(wr.buf.p + 40, &crc, 4);
        qn_record_place(wr.buf.p, 1, 1, simd());
        struct qn_record rec;
        if (qn_record_decode(&rec, qn_buf_str(&wr.buf), simd(), NULL) < 0) {
            refused++;
            continue;
        }
        accepted++;
        encode_again(&again, &rec);
        assert_true(qn_str_eq(rec.bytes, qn_buf_str(&again.buf)));
    }
    assert_true(accepted > 300 && refused > 300);
    qn_record_release(&wr);
    qn_record_release(&again);
    free(s);
}

static void test_limits(void **state)
{
    (void)state;
    struct qn_record_writer wr;
    struct qn_record rec;
    struct qn_origin origin = {.index = QN_STR("logs")};
    qn_record_init(&wr);
    qn_record_begin(&wr, QN_RECORD_DOCS, &origin);
    assert_int_equal(qn_record_finish(&wr, simd()), QN_E_INVALID);

    qn_record_begin(&wr, QN_RECORD_DOCS, &origin);
    qn_record_put_op(&wr, &(struct qn_op){.kind = QN_OP_DELETE, .key = QN_STR("7")});
    qn_record_put_doc(&wr, QN_STR("{}"));
    assert_int_equal(qn_record_finish(&wr, simd()), QN_E_INVALID);

    char *big = calloc(1, QN_RECORD_MAX);
    qn_record_begin(&wr, QN_RECORD_DOCS, &origin);
    qn_record_put_doc(&wr, qn_str_make(big, QN_RECORD_MAX));
    assert_int_equal(qn_record_finish(&wr, simd()), QN_E_TOO_LARGE);
    qn_record_begin(&wr, QN_RECORD_OPS, &origin);
    qn_record_put_op(&wr, &(struct qn_op){.key = qn_str_make(big, 65536)});
    assert_int_equal(qn_record_finish(&wr, simd()), QN_E_TOO_LARGE);
    qn_record_begin(&wr, QN_RECORD_OPS, &(struct qn_origin){.index = qn_str_make(big, 65536)});
    qn_record_put_op(&wr, &(struct qn_op){.kind = QN_OP_APPEND});
    assert_int_equal(qn_record_finish(&wr, simd()), QN_E_TOO_LARGE);

    /* The largest that fits, after failures: the writer is as good as new. */
    qn_record_begin(&wr, QN_RECORD_DOCS, &origin);
    qn_record_put_doc(&wr, qn_str_make(big, QN_RECORD_MAX - 64 - 4 - 4));
    assert_ok(qn_record_finish(&wr, simd()));
    assert_int_equal(wr.buf.n, QN_RECORD_MAX);
    assert_ok(qn_record_decode(&rec, qn_buf_str(&wr.buf), simd(), NULL));
    free(big);
    qn_record_release(&wr);
}

/* A record written by hand: the format's table in record.h, byte by byte. */
static void test_golden(void **state)
{
    (void)state;
    struct qn_record_writer wr;
    qn_record_init(&wr);
    qn_record_begin(&wr, QN_RECORD_OPS,
                    &(struct qn_origin){QN_STR("ix"), QN_STR("k"), 3, 0x0102030405060708});
    qn_record_put_header(&wr, QN_STR("h"), QN_STR("vw"));
    qn_record_put_op(&wr, &(struct qn_op){QN_OP_CREATE, QN_STR("id"), QN_STR("m"), QN_STR("{}")});
    qn_record_put_op(&wr, &(struct qn_op){.kind = QN_OP_DELETE, .key = QN_STR("x")});
    assert_ok(qn_record_finish(&wr, qn_simd_pick("scalar")));
    qn_record_place(wr.buf.p, 9, 0x11, qn_simd_pick("scalar"));
    static const uint8_t want[] = {
        /*  0 */ 106,  0,   0,   0,   0,   0,   0, 0,
        /*  8 */ 9,    0,   0,   0,   0,   0,   0, 0,
        /* 16 */ 0x11, 0,   0,   0,   0,   0,   0, 0,
        /* 24 */ 8,    7,   6,   5,   4,   3,   2, 1,
        /* 32 */ 3,    0,   0,   0,   2,   0,   0, 0,
        /* 40 */ 0,    0,   0,   0,   82,  0,   0, 0,
        /* 48 */ 1,    0,   2,   0,   1,   0,   2, 0,
        /* 56 */ 1,    0,   0,   0,   0,   0,   0, 0,
        /* 64 */ 'i',  'x', 'k', 1,   0,   2,   0, 0, 0, 'h', 'v', 'w',
        /* 76 */ 'i',  'd', 'm', '{', '}', 'x',
        /* 82 */ 5,    0,   0,   0,   2,   0,   1, 0, 2, 0,   0,   0,
        /* 94 */ 6,    0,   0,   0,   1,   0,   0, 0, 4, 0,   0,   0,
    };
    assert_int_equal(wr.buf.n, sizeof want);
    memset(wr.buf.p + 4, 0, 4); /* the two checksums are covered by the round trip */
    memset(wr.buf.p + 40, 0, 4);
    assert_memory_equal(wr.buf.p, want, sizeof want);
    qn_record_release(&wr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_damage),
        cmocka_unit_test(test_forged),     cmocka_unit_test(test_limits),
        cmocka_unit_test(test_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
