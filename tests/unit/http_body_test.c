#include "http_fixture.h"

#include <stdatomic.h>
#include <zlib.h>
#include <zstd.h>

#include "base/hash.h"

/* Request bodies: codings, limits before and after inflating, streams with back-pressure. */

#define LIMIT (1u << 20)

struct upload {
    uint64_t n, lines, n_chunks, largest;
    uint64_t hash;
};

struct gate {
    _Atomic bool hold; /* on_chunk waits while it is set */
    _Atomic int inside, dropped, chunks;
};

static int whole(struct qn_request *rq)
{
    qn_buf_printf(&rq->out, "%zu %016llx", rq->body.n,
                  (unsigned long long)qn_hash(rq->body.p, rq->body.n));
    return 0;
}

static void drop_upload(struct qn_request *rq)
{
    atomic_fetch_add(&((struct gate *)rq->ctx)->dropped, 1);
}

static int on_chunk(struct qn_request *rq, struct qn_str chunk)
{
    struct gate *gt = rq->ctx;
    struct upload *up = rq->state;
    if (up == NULL) {
        up = rq->state = qn_arena_new(&rq->arena, struct upload);
        rq->drop_state = drop_upload;
    }
    atomic_fetch_add(&gt->inside, 1);
    atomic_fetch_add(&gt->chunks, 1);
    while (atomic_load(&gt->hold) && !qn_request_cancelled(rq))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    atomic_fetch_sub(&gt->inside, 1);
    up->n += chunk.n;
    up->n_chunks++;
    up->largest = chunk.n > up->largest ? chunk.n : up->largest;
    up->hash = up->hash * 31 + qn_hash(chunk.p, chunk.n);
    for (size_t i = 0; i < chunk.n; i++)
        up->lines += chunk.p[i] == '\n';
    if (chunk.n >= 4 && memcmp(chunk.p, "FAIL", 4) == 0)
        return qn_fail_at(&rq->err, QN_E_PARSE, 0, "line 1: not a document");
    return 0;
}

static int uploaded(struct qn_request *rq)
{
    const struct upload *up = rq->state;
    qn_buf_printf(&rq->out, "%llu %llu", up ? (unsigned long long)up->n : 0,
                  up ? (unsigned long long)up->lines : 0);
    return up != NULL && up->largest > 256 * 1024 ? QN_E_BUG : 0;
}

static const struct qn_route routes[] = {
    {QN_POST | QN_PUT, "/whole", whole, .body = QN_BODY_WHOLE, .lane = QN_HTTP_INGEST},
    {QN_POST, "/small", whole, .body = QN_BODY_WHOLE, .body_limit_bytes = 10},
    {QN_POST, "/upload", uploaded, .body = QN_BODY_STREAM, .on_chunk = on_chunk,
     .lane = QN_HTTP_INGEST},
    {QN_POST, "/huge", uploaded, .body = QN_BODY_STREAM, .on_chunk = on_chunk,
     .body_limit_bytes = UINT64_MAX, .lane = QN_HTTP_INGEST},
    {QN_POST, "/none", whole},
};
static const struct qn_route_table table = {"t", QN_DIALECT_NATIVE, routes, QN_COUNT_OF(routes)};

struct context {
    struct fixture fx;
    struct gate gate;
};

static int set_up(void **state)
{
    static const struct qn_route_table *const tables[] = {&table, NULL};
    static const char *const prefixes[] = {""};
    struct context *cx = calloc(1, sizeof *cx);
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    opt.body_limit_bytes = LIMIT;
    opt.drop_bytes = 4 * LIMIT;
    opt.request_memory_bytes = 8 * LIMIT;
    opt.body_queue_bytes = 100000;
    fixture_start(&cx->fx, &opt, tables, prefixes, &cx->gate);
    *state = cx;
    return 0;
}

static int tear_down(void **state)
{
    struct context *cx = *state;
    fixture_stop(&cx->fx);
    free(cx);
    return 0;
}

/* n bytes of lines that do not compress to nothing. */
static void fill_lines(struct qn_buf *out, size_t n, struct qn_rng *rng)
{
    qn_buf_init(out, SIZE_MAX);
    while (out->n < n)
        qn_buf_printf(out, "{\"n\":%llu}\n", (unsigned long long)qn_rng_below(rng, 1000000000));
    out->n = n;
}

static void compress_zlib(struct qn_buf *out, struct qn_str in, int window_bits)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    qn_buf_reserve(out, deflateBound(&z, in.n) + 64);
    z.next_in = (Bytef *)(uintptr_t)in.p;
    z.avail_in = (uInt)in.n;
    z.next_out = (Bytef *)out->p + out->n;
    z.avail_out = (uInt)(out->cap - out->n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n += z.total_out;
    deflateEnd(&z);
}

static void compress_zstd(struct qn_buf *out, struct qn_str in, int window_log)
{
    ZSTD_CCtx *cc = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(cc, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(cc, ZSTD_c_contentSizeFlag, 0);
    qn_buf_reserve(out, ZSTD_compressBound(in.n));
    ZSTD_inBuffer from = {in.p, in.n, 0};
    ZSTD_outBuffer to = {out->p, out->cap, out->n};
    /* streamed, so that the frame really has its window */
    assert_int_equal(ZSTD_compressStream2(cc, &to, &from, ZSTD_e_flush), 0);
    assert_int_equal(ZSTD_compressStream2(cc, &to, &from, ZSTD_e_end), 0);
    out->n = to.pos;
    ZSTD_freeCCtx(cc);
}

/* Appends the body as chunks of random sizes. */
static void put_chunked(struct qn_buf *out, struct qn_str body, struct qn_rng *rng)
{
    while (body.n > 0) {
        size_t n = 1 + qn_rng_below(rng, 50000);
        struct qn_str part = qn_str_first(body, n);
        qn_buf_printf(out, "%zx\r\n", part.n);
        qn_buf_put_str(out, part);
        qn_buf_put_z(out, "\r\n");
        body = qn_str_from(body, part.n);
    }
    qn_buf_put_z(out, "0\r\n\r\n");
}

/* Sends a body (in pieces of random sizes) and reads the answer. */
static void post(const struct fixture *fx, const char *path, const char *headers,
                 struct qn_str body, bool chunked, struct qn_rng *rng, struct answer *an)
{
    struct qn_buf rq;
    qn_buf_init(&rq, SIZE_MAX);
    qn_buf_printf(&rq, "POST %s HTTP/1.1\r\nHost: a\r\n%s", path, headers);
    if (chunked) {
        qn_buf_put_z(&rq, "Transfer-Encoding: chunked\r\n\r\n");
        put_chunked(&rq, body, rng);
    } else {
        qn_buf_printf(&rq, "Content-Length: %zu\r\n\r\n", body.n);
        qn_buf_put_str(&rq, body);
    }
    int fd = dial(fx);
    struct qn_str rest = qn_buf_str(&rq);
    bool open = true;
    while (rest.n > 0 && open) {
        struct qn_str part = qn_str_first(rest, 1 + qn_rng_below(rng, 200000));
        open = send_all(fd, part.p, part.n);
        rest = qn_str_from(rest, part.n);
    }
    answer_init(an);
    read_answer(fd, an, false);
    close(fd);
    qn_buf_release(&rq);
}

static void expect_answer(const struct answer *an, int status, const char *part)
{
    if (an->status != status || qn_str_find(an->body, qn_str_of(part)) == SIZE_MAX)
        fail_msg("want %d %s, got %.*s", status, part, QN_STR_ARG(qn_buf_str(&an->raw)));
}

static void codings(void **state)
{
    struct context *cx = *state;
    struct qn_rng rng = qn_test_rng(1);
    for (int round = 0; round < 12; round++) {
        struct qn_buf plain, coded[5];
        struct answer an;
        char want[64], lines[64];
        size_t n_lines = 0;
        fill_lines(&plain, qn_rng_below(&rng, round < 6 ? 5000 : LIMIT), &rng);
        for (size_t i = 0; i < plain.n; i++)
            n_lines += plain.p[i] == '\n';
        snprintf(want, sizeof want, "%zu %016llx", plain.n,
                 (unsigned long long)qn_hash(plain.p, plain.n));
        snprintf(lines, sizeof lines, "%zu %zu", plain.n, n_lines);
        for (size_t i = 0; i < QN_COUNT_OF(coded); i++)
            qn_buf_init(&coded[i], SIZE_MAX);
        struct qn_str all = qn_buf_str(&plain);
        qn_buf_put_str(&coded[0], all);
        compress_zlib(&coded[1], all, 15 + 16);
        compress_zlib(&coded[2], all, 15);
        compress_zstd(&coded[3], all, 20);
        /* several members in a row are one body */
        compress_zlib(&coded[4], qn_str_first(all, all.n / 3), 15 + 16);
        compress_zlib(&coded[4], qn_str_from(all, all.n / 3), 15 + 16);
        static const char *const headers[] = {
            "Content-Encoding: identity\r\n", "Content-Encoding: gzip\r\n",
            "content-encoding: Deflate\r\n",  "Content-Encoding: zstd\r\n",
            "Content-Encoding: x-gzip\r\n",
        };
        for (size_t i = 0; i < QN_COUNT_OF(coded); i++) {
            bool chunked = (round + (int)i) & 1;
            post(&cx->fx, "/whole", headers[i], qn_buf_str(&coded[i]), chunked, &rng, &an);
            expect_answer(&an, 200, want);
            answer_release(&an);
            post(&cx->fx, "/upload", headers[i], qn_buf_str(&coded[i]), !chunked, &rng, &an);
            expect_answer(&an, 200, lines);
            answer_release(&an);
            qn_buf_release(&coded[i]);
        }
        qn_buf_release(&plain);
    }
}

static void bad_codings(void **state)
{
    struct context *cx = *state;
    struct qn_rng rng = qn_test_rng(2);
    struct answer an;
    static const char *const paths[] = {"/whole", "/upload"};
    struct qn_buf plain, gz, zs;
    fill_lines(&plain, 100000, &rng);
    qn_buf_init(&gz, SIZE_MAX);
    qn_buf_init(&zs, SIZE_MAX);
    compress_zlib(&gz, qn_buf_str(&plain), 31);
    compress_zstd(&zs, qn_buf_str(&plain), 20);
    for (size_t i = 0; i < 2; i++) {
        post(&cx->fx, paths[i], "Content-Encoding: br\r\n", QN_STR("x"), false, &rng, &an);
        expect_answer(&an, 415, "Unsupported Content-Encoding br");
        answer_release(&an);
        post(&cx->fx, paths[i], "Content-Encoding: gzip\r\n", QN_STR("not gzip at all"), false,
             &rng, &an);
        expect_answer(&an, 400, "Error while decompressing");
        answer_release(&an);
        post(&cx->fx, paths[i], "Content-Encoding: gzip\r\n",
             qn_str_first(qn_buf_str(&gz), gz.n - 9), true, &rng, &an);
        expect_answer(&an, 400, "Error while decompressing");
        answer_release(&an);
        post(&cx->fx, paths[i], "Content-Encoding: zstd\r\n",
             qn_str_first(qn_buf_str(&zs), zs.n - 9), true, &rng, &an);
        expect_answer(&an, 400, "Error while decompressing");
        answer_release(&an);
        zs.p[zs.n / 2] ^= 0x55;
        post(&cx->fx, paths[i], "Content-Encoding: zstd\r\nX-Checked: no\r\n", qn_buf_str(&gz),
             true, &rng, &an);
        expect_answer(&an, 400, "Error while decompressing");
        answer_release(&an);
        zs.p[zs.n / 2] ^= 0x55;
        post(&cx->fx, paths[i], "Content-Encoding: gzip\r\n", QN_STR(""), false, &rng, &an);
        assert_int_equal(an.status, 200);
        answer_release(&an);
    }
    /* a frame that asks for a window of 128 MiB */
    qn_buf_clear(&zs);
    compress_zstd(&zs, qn_buf_str(&plain), 27);
    post(&cx->fx, "/upload", "Content-Encoding: zstd\r\n", qn_buf_str(&zs), false, &rng, &an);
    expect_answer(&an, 400, "Error while decompressing");
    answer_release(&an);
    qn_buf_release(&plain);
    qn_buf_release(&gz);
    qn_buf_release(&zs);
}

static void limits(void **state)
{
    struct context *cx = *state;
    struct qn_rng rng = qn_test_rng(3);
    static const char *const paths[] = {"/whole", "/upload"};
    struct qn_buf zeros, bomb;
    qn_buf_init(&zeros, SIZE_MAX);
    qn_buf_init(&bomb, SIZE_MAX);
    qn_buf_fill(&zeros, 0, 64u << 20);
    compress_zlib(&bomb, qn_buf_str(&zeros), 31);
    for (size_t i = 0; i < 2; i++) {
        struct answer an;
        struct qn_str one_more = qn_str_first(qn_buf_str(&zeros), LIMIT + 1);
        post(&cx->fx, paths[i], "", qn_str_first(one_more, LIMIT), false, &rng, &an);
        assert_int_equal(an.status, 200);
        answer_release(&an);
        post(&cx->fx, paths[i], "", one_more, false, &rng, &an);
        expect_answer(&an, 413, "1048577 bytes is over the limit of 1048576 bytes");
        answer_release(&an);
        post(&cx->fx, paths[i], "", one_more, true, &rng, &an);
        expect_answer(&an, 413, "over the limit of 1048576 bytes");
        answer_release(&an);
        /* 64 KB that inflate to 64 MB */
        assert_true(bomb.n < 100000);
        post(&cx->fx, paths[i], "Content-Encoding: gzip\r\n", qn_buf_str(&bomb), false, &rng, &an);
        expect_answer(&an, 413, "over the limit of 1048576 bytes");
        answer_release(&an);
        post(&cx->fx, paths[i], "Content-Encoding: gzip\r\n", qn_buf_str(&bomb), true, &rng, &an);
        expect_answer(&an, 413, "over the limit of 1048576 bytes");
        answer_release(&an);
    }
    struct answer an;
    post(&cx->fx, "/small", "", QN_STR("12345678901"), false, &rng, &an);
    expect_answer(&an, 413, "over the limit of 10 bytes");
    answer_release(&an);
    post(&cx->fx, "/none", "", QN_STR("dropped"), true, &rng, &an);
    expect_answer(&an, 200, "0 ");
    answer_release(&an);
    qn_buf_release(&zeros);
    qn_buf_release(&bomb);
}

/* A refused body is read to its end, so that the connection serves the next request; one that is
 * too long even for that costs the connection. */
static void after_refusal(void **state)
{
    struct context *cx = *state;
    struct answer an;
    int fd = dial(&cx->fx);
    answer_init(&an);
    send_z(fd, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n12345678901"
               "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    read_answer(fd, &an, false);
    assert_int_equal(an.status, 413);
    read_answer(fd, &an, false);
    expect_answer(&an, 200, "2 ");
    /* known to be too long: the answer comes at once, then the end */
    send_z(fd, "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\nsome");
    read_answer(fd, &an, false);
    assert_int_equal(an.status, 413);
    assert_true(closes(fd, PATIENCE_US));
    close(fd);
    /* not known: cut off when patience is used up */
    fd = dial(&cx->fx);
    send_z(fd, "POST /whole HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[65536 + 10];
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "10000\r\n", 7);
    memcpy(chunk + 7 + 65536, "\r\n", 2);
    uint64_t sent = 0;
    while (sent < 64 * LIMIT && send_all(fd, chunk, 7 + 65536 + 2))
        sent += 65536;
    assert_true(sent < 64 * LIMIT);
    close(fd);
    answer_release(&an);
}

static void expect_continue(void **state)
{
    struct context *cx = *state;
    struct answer an;
    int fd = dial(&cx->fx);
    answer_init(&an);
    send_z(fd, "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: "
               "100-continue\r\n\r\n");
    read_answer(fd, &an, false);
    assert_int_equal(an.status, 100);
    send_z(fd, "abc");
    read_answer(fd, &an, false);
    expect_answer(&an, 200, "3 ");
    /* refused before it is sent */
    send_z(fd, "POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 300\r\nExpect: "
               "100-continue\r\n\r\n");
    read_answer(fd, &an, false);
    assert_int_equal(an.status, 413);
    assert_true(closes(fd, PATIENCE_US));
    close(fd);
    answer_release(&an);
}

static void refused_by_consumer(void **state)
{
    struct context *cx = *state;
    struct qn_rng rng = qn_test_rng(4);
    struct qn_buf body;
    struct answer an;
    fill_lines(&body, 900000, &rng);
    memcpy(body.p, "FAIL", 4);
    for (int i = 0; i < 10; i++) {
        post(&cx->fx, "/upload", "", qn_buf_str(&body), i & 1, &rng, &an);
        expect_answer(&an, 400, "line 1: not a document");
        answer_release(&an);
    }
    qn_buf_release(&body);
}

/* While the consumer is stuck, the server takes no more than its queue and the kernel's buffers. */
static void back_pressure(void **state)
{
    struct context *cx = *state;
    atomic_store(&cx->gate.hold, true);
    int fd = dial(&cx->fx), size = 65536;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    send_z(fd, "POST /huge HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n");
    static char block[65536];
    memset(block, '\n', sizeof block);
    uint64_t sent = 0, still = 0;
    while (still < 300 && sent < 50000000) { /* until nothing moves for 300 polls of 1 ms */
        struct pollfd pf = {.fd = fd, .events = POLLOUT};
        if (poll(&pf, 1, 1) == 0) {
            still++;
            continue;
        }
        size_t left = 50000000 - sent;
        ssize_t n =
            send(fd, block, left < sizeof block ? left : sizeof block, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            sent += (uint64_t)n;
            still = 0;
        }
    }
    assert_true(sent < 30000000); /* the kernel's buffers are 6 MB at most here */
    assert_true(qn_budget_used(&cx->fx.budget) < 1000000);
    atomic_store(&cx->gate.hold, false);
    while (sent < 50000000) {
        size_t left = 50000000 - sent;
        assert_true(send_all(fd, block, left < sizeof block ? left : sizeof block));
        sent += left < sizeof block ? left : sizeof block;
    }
    struct answer an;
    answer_init(&an);
    read_answer(fd, &an, false);
    expect_answer(&an, 200, "50000000 50000000");
    answer_release(&an);
    close(fd);
}

/* The client goes away in the middle of an upload, with the consumer inside or not. */
static void cut_uploads(void **state)
{
    struct context *cx = *state;
    struct qn_server_stats st;
    wait_for((qn_server_stats(cx->fx.sv, &st), st.n_running == 0)); /* of the tests before */
    for (int i = 0; i < 20; i++) {
        int before = atomic_load(&cx->gate.dropped), chunks = atomic_load(&cx->gate.chunks);
        atomic_store(&cx->gate.hold, i & 1);
        int fd = dial(&cx->fx);
        send_z(fd, "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\nabc");
        wait_for(atomic_load(&cx->gate.chunks) > chunks);
        if (i & 2)
            send_z(fd, "more");
        close(fd);
        wait_for(atomic_load(&cx->gate.dropped) == before + 1);
        atomic_store(&cx->gate.hold, false);
    }
    wait_for((qn_server_stats(cx->fx.sv, &st), st.n_running == 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codings),         cmocka_unit_test(bad_codings),
        cmocka_unit_test(limits),          cmocka_unit_test(after_refusal),
        cmocka_unit_test(expect_continue), cmocka_unit_test(refused_by_consumer),
        cmocka_unit_test(back_pressure),   cmocka_unit_test(cut_uploads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
