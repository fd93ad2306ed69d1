/* Compressed blocks: round trips with every codec, dictionaries, and damage. */
#include "test.h"

#include "codec/block.h"

static void fill_log(struct qn_rng *r, struct qn_buf *b, size_t lines)
{
    static const char *const words[] = {"connection", "accepted", "from",
                                        "timeout",    "retry",    "GET"};
    qn_buf_clear(b);
    for (size_t i = 0; i < lines; i++)
        qn_buf_printf(b, "{\"level\":\"info\",\"id\":\"%08x\",\"message\":\"%s %s %u\"}\n",
                      (unsigned)qn_rng_next(r), words[qn_rng_below(r, 6)],
                      words[qn_rng_below(r, 6)], (unsigned)qn_rng_below(r, 1000));
}

static void check(struct qn_coder *co, const struct qn_zdict *zd, enum qn_block_codec codec,
                  int level, struct qn_str raw, size_t *stored)
{
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    qn_buf_put_z(&out, "before");
    qn_block_put(co, &out, codec, level, zd, raw.p, raw.n);
    struct qn_block_head head;
    const char *p = out.p + 6;
    size_t n = out.n - 6;
    assert_ok(qn_block_open(&head, p, n, raw.n, NULL));
    assert_int_equal(head.raw_bytes, raw.n);
    assert_int_equal(head.head_bytes + head.stored_bytes, n);
    char *back = malloc(raw.n + 1);
    assert_ok(qn_block_get(co, back, &head, zd, p, NULL));
    if (raw.n != 0)
        assert_memory_equal(back, raw.p, raw.n);
    assert_int_equal(qn_block_open(&head, p, n - 1, raw.n, NULL), QN_E_TRUNCATED);
    if (raw.n != 0)
        assert_int_equal(qn_block_open(&head, p, n, raw.n - 1, NULL), QN_E_CORRUPT);
    *stored = n;
    free(back);
    qn_buf_release(&out);
}

static void round_trips(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(11);
    struct qn_coder *co = qn_coder_new();
    struct qn_buf log;
    qn_buf_init(&log, SIZE_MAX);
    size_t stored;
    const struct {
        enum qn_block_codec codec;
        int level;
    } rows[] = {{QN_BLOCK_RAW, 0},
                {QN_BLOCK_LZ4, 0},
                {QN_BLOCK_LZ4, 9},
                {QN_BLOCK_ZSTD, 1},
                {QN_BLOCK_ZSTD, 9}};
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        fill_log(&r, &log, 400);
        check(co, NULL, rows[i].codec, rows[i].level, qn_buf_str(&log), &stored);
        if (rows[i].codec != QN_BLOCK_RAW)
            assert_true(stored * 3 < log.n);
        for (size_t n = 0; n < 40; n++) /* too short to shrink: stored as they are */
            check(co, NULL, rows[i].codec, rows[i].level, (struct qn_str){log.p, n}, &stored);
        for (size_t k = 0; k < log.n; k++)
            log.p[k] = (char)qn_rng_next(&r);
        check(co, NULL, rows[i].codec, rows[i].level, qn_buf_str(&log), &stored);
        assert_true(stored <= log.n + 16);
    }
    qn_buf_release(&log);
    qn_coder_free(co);
}

static void dictionaries(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(12);
    struct qn_buf log;
    qn_buf_init(&log, SIZE_MAX);
    fill_log(&r, &log, 3000);
    size_t sizes[3000], n = 0, start = 0;
    for (size_t i = 0; i < log.n; i++)
        if (log.p[i] == '\n') {
            sizes[n++] = i + 1 - start;
            start = i + 1;
        }
    struct qn_zdict *zd = qn_zdict_train(log.p, sizes, n, 4096, 3);
    assert_non_null(zd);
    struct qn_str bytes = qn_zdict_bytes(zd);
    assert_in_range(bytes.n, 256, 4096);
    struct qn_zdict *loaded = qn_zdict_load(bytes.p, bytes.n, 3);
    assert_non_null(loaded);

    struct qn_coder *co = qn_coder_new();
    struct qn_str line = {log.p, sizes[0] + sizes[1] + sizes[2]};
    size_t with, without;
    check(co, NULL, QN_BLOCK_ZSTD, 3, line, &without);
    check(co, zd, QN_BLOCK_ZSTD, 3, line, &with);
    assert_true(with < without);

    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    qn_block_put(co, &out, QN_BLOCK_ZSTD, 3, zd, line.p, line.n);
    struct qn_block_head head;
    assert_ok(qn_block_open(&head, out.p, out.n, line.n, NULL));
    char back[1024];
    assert_ok(qn_block_get(co, back, &head, loaded, out.p, NULL));
    assert_memory_equal(back, line.p, line.n);
    struct qn_err err = {0};
    assert_int_equal(qn_block_get(co, back, &head, NULL, out.p, &err), QN_E_CORRUPT);
    assert_non_null(strstr(err.msg, "dictionary"));

    char *bad = malloc(bytes.n);
    memcpy(bad, bytes.p, bytes.n);
    memset(bad + 8, 0xff, 100); /* behind the magic number */
    assert_null(qn_zdict_load(bad, bytes.n, 3));
    free(bad);
    assert_null(qn_zdict_train("abc", (size_t[]){3}, 1, 1024, 1));
    struct qn_zdict *plain = qn_zdict_load(line.p, line.n, 1);
    check(co, plain, QN_BLOCK_ZSTD, 1, line, &with);
    assert_true(with < 40);
    qn_zdict_free(plain);
    qn_zdict_free(zd);
    qn_zdict_free(loaded);
    qn_coder_free(co);
    qn_buf_release(&out);
    qn_buf_release(&log);
}

static void damage(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(13);
    struct qn_coder *co = qn_coder_new();
    struct qn_buf log, out;
    qn_buf_init(&log, SIZE_MAX);
    qn_buf_init(&out, SIZE_MAX);
    unsigned refused = 0;
    for (unsigned round = 0; round < 2000; round++) {
        fill_log(&r, &log, 20);
        qn_buf_clear(&out);
        qn_block_put(co, &out, round % 2 ? QN_BLOCK_LZ4 : QN_BLOCK_ZSTD, 1, NULL, log.p, log.n);
        char *copy = malloc(out.n); /* exact, for ASAN */
        memcpy(copy, out.p, out.n);
        copy[qn_rng_below(&r, round % 3 ? out.n : 8)] = (char)qn_rng_next(&r);
        struct qn_block_head head;
        if (qn_block_open(&head, copy, out.n, 1u << 16, NULL) < 0) {
            refused++;
        } else {
            char *back = malloc(head.raw_bytes + 1);
            refused += qn_block_get(co, back, &head, NULL, copy, NULL) < 0;
            free(back);
        }
        free(copy);
    }
    assert_true(refused > 200);
    qn_buf_release(&log);
    qn_buf_release(&out);
    qn_coder_free(co);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),
        cmocka_unit_test(dictionaries),
        cmocka_unit_test(damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
