/* Document store: how fast and how small, on an NDJSON file, beside plain zstd blocks of rows.
 *     bench_docs_store FILE.ndjson
 * One line of JSON per setting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "docs/docs.h"

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct qn_str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *p = qn_xaligned(n);
    if (fread(p, 1, n, f) != n)
        exit(2);
    fclose(f);
    return qn_str_make(p, n);
}

static void rows(struct qn_str all, size_t block, int level)
{
    ZSTD_CCtx *cc = ZSTD_createCCtx();
    char *out = malloc(ZSTD_compressBound(block));
    size_t total = 0;
    double t0 = now();
    for (size_t at = 0; at < all.n; at += block) {
        size_t n = all.n - at < block ? all.n - at : block;
        total += ZSTD_compressCCtx(cc, out, ZSTD_compressBound(block), all.p + at, n, level);
    }
    double s = now() - t0;
    printf("{\"name\":\"rows zstd-%d %zu KiB\",\"ratio\":%.2f,\"compress_MBps\":%.0f}\n", level,
           block >> 10, (double)all.n / (double)total, (double)all.n / s / 1e6);
    free(out);
    ZSTD_freeCCtx(cc);
}

static void fetch(struct qn_docs_reader *rd, uint32_t n, double *us_one, double *mbps)
{
    struct qn_docs_cursor *cu = qn_docs_cursor_new(rd);
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    uint64_t x = 88172645463325252ull;
    double t0 = now();
    for (int i = 0; i < 2000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        qn_buf_clear(&out);
        if (qn_docs_get(cu, (uint32_t)(x % n), &out, NULL) < 0)
            exit(1);
    }
    *us_one = (now() - t0) / 2000 * 1e6;
    size_t bytes = 0;
    t0 = now();
    for (uint32_t i = 0; i < n; i++) {
        qn_buf_clear(&out);
        if (qn_docs_get(cu, i, &out, NULL) < 0)
            exit(1);
        bytes += out.n;
    }
    *mbps = (double)bytes / (now() - t0) / 1e6;
    qn_buf_release(&out);
    qn_docs_cursor_free(cu);
}

static void shredded(struct qn_str all, uint32_t docs, uint32_t bytes, int level)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    struct qn_buf store, hot;
    struct qn_buf_sink bs;
    qn_buf_init(&store, SIZE_MAX);
    qn_buf_init(&hot, SIZE_MAX);
    qn_buf_sink_init(&bs, &store);
    struct qn_docs_options op = {.level = level, .block_docs = docs, .block_bytes = bytes};
    struct qn_docs_writer *wr = qn_docs_writer_new(&op, simd, &bs.sink);
    struct qn_str rest = all, doc;
    double t0 = now();
    while (qn_str_split(&rest, '\n', &doc))
        if (doc.n != 0 && qn_docs_writer_add(wr, doc) < 0)
            exit(1);
    if (qn_docs_writer_finish(wr, &hot) < 0)
        exit(1);
    double s = now() - t0, us, mbps;
    uint64_t raw = qn_docs_writer_raw_bytes(wr);
    qn_docs_writer_free(wr);
    struct qn_object *ob = qn_object_from_memory(QN_STR("bench"), store.p, store.n);
    struct qn_docs_reader *rd;
    if (qn_docs_open(&rd, ob, 0, store.n, qn_buf_str(&hot), simd, NULL) < 0)
        exit(1);
    fetch(rd, qn_docs_count(rd), &us, &mbps);
    printf("{\"name\":\"shredded zstd-%d %u docs %u KiB\",\"ratio\":%.2f,\"compress_MBps\":%.0f,"
           "\"get_one_us\":%.1f,\"get_all_MBps\":%.0f,\"hot_bytes\":%zu}\n",
           level, docs, bytes >> 10, (double)raw / (double)(store.n + hot.n), (double)raw / s / 1e6,
           us, mbps, hot.n);
    qn_docs_close(rd);
    qn_object_unref(ob);
    qn_buf_release(&store);
    qn_buf_release(&hot);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_docs_store FILE.ndjson\n");
        return 2;
    }
    struct qn_str all = read_file(argv[1]);
    rows(all, 16 << 10, 1);
    rows(all, 64 << 10, 1);
    rows(all, 1 << 20, 8);
    static const struct {
        uint32_t docs, bytes;
    } shapes[] = {
        {128, 64 << 10}, {256, 128 << 10}, {512, 256 << 10}, {1024, 512 << 10}, {4096, 2 << 20}};
    for (size_t i = 0; i < QN_COUNT_OF(shapes); i++)
        shredded(all, shapes[i].docs, shapes[i].bytes, 1);
    shredded(all, 512, 256 << 10, 3);
    shredded(all, 4096, 2 << 20, 9);
    return 0;
}
