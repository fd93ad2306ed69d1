#include "http_fixture.h"

#include <sys/resource.h>
#include <zlib.h>

/* A long chunked upload, compressed on the way: the server's memory does not depend on its length.
 * 256 MiB inflated by default; QN_LONG=1 makes it 1 GiB. */

#define BLOCK 65536

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* resident memory is the sanitizer's */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

struct counts {
    uint64_t bytes, lines;
};

static int take(struct qn_request *rq, struct qn_str chunk)
{
    if (rq->state == NULL)
        rq->state = qn_arena_new(&rq->arena, struct counts);
    struct counts *ct = rq->state;
    ct->bytes += chunk.n;
    for (const char *p = chunk.p, *end = p + chunk.n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        ct->lines++;
    return 0;
}

static int discard(struct qn_request *rq)
{
    const struct counts *ct = rq->state;
    qn_buf_printf(&rq->out, "%llu %llu", (unsigned long long)ct->bytes,
                  (unsigned long long)ct->lines);
    return 0;
}

static const struct qn_route routes[] = {
    {QN_POST, "/discard", discard, .body = QN_BODY_STREAM, .on_chunk = take,
     .body_limit_bytes = UINT64_MAX, .lane = QN_HTTP_INGEST},
};
static const struct qn_route_table table = {"t", QN_DIALECT_NATIVE, routes, 1};

static void send_chunk(int fd, const char *p, size_t n)
{
    char size[32];
    int k = snprintf(size, sizeof size, "%zx\r\n", n);
    assert_true(send_all(fd, size, (size_t)k) && send_all(fd, p, n) && send_all(fd, "\r\n", 2));
}

/* Deflates blocks of lines until `total` bytes went in. Returns the number of lines. */
static uint64_t upload(int fd, uint64_t total, struct qn_rng *rng)
{
    static char plain[BLOCK], coded[BLOCK];
    uint64_t n_lines = 0;
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    for (uint64_t sent = 0; sent < total; sent += BLOCK) {
        for (size_t i = 0; i < BLOCK; i += 16) { /* compresses to about half */
            uint64_t r = qn_rng_next(rng);
            memcpy(plain + i, &r, 8);
            memcpy(plain + i + 8, "\"level\":", 8);
            for (size_t k = i; k < i + 8; k++)
                plain[k] = (char)('a' + (plain[k] & 15));
        }
        plain[BLOCK - 1] = '\n';
        n_lines++;
        z.next_in = (Bytef *)plain;
        z.avail_in = BLOCK;
        int flush = sent + BLOCK >= total ? Z_FINISH : Z_NO_FLUSH;
        do {
            z.next_out = (Bytef *)coded;
            z.avail_out = sizeof coded;
            deflate(&z, flush);
            if (z.avail_out < sizeof coded)
                send_chunk(fd, coded, sizeof coded - z.avail_out);
        } while (z.avail_out == 0);
    }
    deflateEnd(&z);
    assert_true(send_all(fd, "0\r\n\r\n", 5));
    return n_lines;
}

static void memory_is_bounded(void **state)
{
    (void)state;
    static const struct qn_route_table *const tables[] = {&table, NULL};
    static const char *const prefixes[] = {""};
    struct fixture fx;
    struct qn_server_options opt;
    struct qn_rng rng = qn_test_rng(1);
    qn_server_options_default(&opt);
    fixture_start(&fx, &opt, tables, prefixes, NULL);
    uint64_t total = getenv("QN_LONG") != NULL ? 1u << 30 : 256u << 20;
#ifdef SANITIZED
    total = 64u << 20;
#endif
    int fd = dial(&fx);
    send_z(fd, "POST /discard HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
               "Transfer-Encoding: chunked\r\n\r\n");
    uint64_t n_lines = upload(fd, total, &rng);
    struct answer an;
    char want[64];
    answer_init(&an);
    read_answer(fd, &an, false);
    snprintf(want, sizeof want, "%llu %llu", (unsigned long long)total,
             (unsigned long long)n_lines);
    assert_str(an.body, want);
    answer_release(&an);
    close(fd);
    uint64_t peak = atomic_load(&fx.budget.peak_bytes);
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    printf("budget peak %llu KiB, resident peak %ld KiB, %llu MiB inflated\n",
           (unsigned long long)peak >> 10, ru.ru_maxrss, (unsigned long long)total >> 20);
    assert_true(peak < 1u << 20);
#ifndef SANITIZED
    assert_true(ru.ru_maxrss < 64 * 1024);
#endif
    fixture_stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_is_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
