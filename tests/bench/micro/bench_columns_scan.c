/* Columns of log-like shapes: bytes a value, cost to write, rates to read.
 *
 *     bench_columns_scan [name-filter]
 *
 * 1,048,576 documents each; best of five. write and decode in ns a value, range (a closed interval
 * that takes about a quarter) in 10^9 values a second, gather in ns for one of a thousand
 * documents.
 *
 * links: codec
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "codec/floats.h"
#include "columns/columns.h"

#define N (1u << 20)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t random_state = 88172645463325252ull;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static double unit(void)
{
    return (double)(next_random() >> 11) / 9007199254740992.0;
}

enum shape {
    TIME_MS,
    TIME_JITTER,
    STATUS,
    LEVEL,
    HOST_RUNS,
    BYTES_SENT,
    USER_ORDINAL,
    LATENCY_3,
    LATENCY_MIXED,
    SENSOR,
    SPARSE,
    SHAPES
};

static const char *const names[SHAPES] = {
    "time, whole ms, ascending", "time, ns, ascending",  "status (4 values)",
    "level ordinal (5)",         "host ordinal in runs", "bytes sent (skewed)",
    "user ordinal (1 M)",        "latency, 3 decimals",  "latency, 1 % not decimal",
    "sensor, real numbers",      "1 of 50 documents"};

static enum qn_column_kind kind_of(enum shape shape)
{
    return shape >= LATENCY_3 && shape <= SENSOR ? QN_COLUMN_F64 : QN_COLUMN_INT;
}

static uint64_t value_of(enum shape shape, uint32_t i, uint64_t *at)
{
    static const uint64_t status[] = {200, 301, 404, 500};
    uint64_t x = next_random();
    double u = unit();
    switch (shape) {
    case TIME_MS:
        return qn_i64_to_ord((int64_t)(*at += x % 7 * 1000000));
    case TIME_JITTER:
        return qn_i64_to_ord((int64_t)(*at += 1000000 + x % 4096));
    case STATUS:
        return status[u < 0.9 ? 0 : x % 4];
    case LEVEL:
    case SPARSE:
        return x % 5;
    case HOST_RUNS:
        *at = x % 40 == 0 ? (x >> 20) % 300 : *at;
        return *at;
    case BYTES_SENT:
        return (uint64_t)(u * u * u * 200000);
    case USER_ORDINAL:
        return x & 0xfffff;
    case LATENCY_3:
        return qn_f64_to_ord((double)(uint64_t)(u * u * 500000) / 1000);
    case LATENCY_MIXED:
        return qn_f64_to_ord(i % 100 == 7 ? u * 500 : (double)(uint64_t)(u * u * 500000) / 1000);
    default:
        return qn_f64_to_ord(21.5 + sin(i / 1000.0) * 4 + u * 0.1);
    }
}

static void keep_best(double *best, double start)
{
    double took = now() - start;
    *best = took < *best ? took : *best;
}

struct column {
    enum shape shape;
    uint32_t n, n_some; /* values; documents to gather */
    uint64_t *values, lo, hi;
    qn_docid *docs, *some;
    struct qn_buf bytes, hot;
    double write, decode, range, gather; /* seconds */
    uint64_t sink;
};

/* The range is from the least of a thousand values to the largest of three, less an eighth. */
static void make(struct column *c, enum shape shape)
{
    uint64_t at = 1700000000000000000ull;
    *c = (struct column){.shape = shape, .write = 1e9, .decode = 1e9, .range = 1e9, .gather = 1e9};
    c->values = qn_xaligned(N * 8);
    c->docs = qn_xaligned(N * 4);
    c->some = qn_xaligned(N * 4);
    qn_buf_init(&c->bytes, SIZE_MAX);
    qn_buf_init(&c->hot, SIZE_MAX);
    for (uint32_t i = 0; i < N; i++) {
        if (shape == SPARSE && next_random() % 50 != 0)
            continue;
        c->docs[c->n] = i;
        c->values[c->n++] = value_of(shape, i, &at);
    }
    for (uint32_t i = 0; i < N; i += 1 + (uint32_t)(next_random() % 2000))
        c->some[c->n_some++] = i;
    c->lo = c->hi = c->values[0];
    for (int i = 0; i < 1000; i++) {
        uint64_t v = c->values[next_random() % c->n];
        c->lo = v < c->lo ? v : c->lo;
        c->hi = i < 2 && v > c->hi ? v : c->hi;
    }
    c->lo += (c->hi - c->lo) / 8;
}

static void write_once(struct column *c, const struct qn_simd_ops *simd)
{
    struct qn_buf_sink bs;
    qn_buf_clear(&c->bytes);
    qn_buf_clear(&c->hot);
    qn_buf_sink_init(&bs, &c->bytes);
    double start = now();
    struct qn_column_writer *wr = qn_column_writer_new(kind_of(c->shape), simd, &bs.sink);
    qn_column_put(wr, c->docs, c->values, c->n);
    if (qn_column_writer_finish(wr, N, &c->hot) < 0)
        exit(1);
    qn_column_writer_free(wr);
    keep_best(&c->write, start);
}

static void read_once(struct column *c, const struct qn_column *col)
{
    static uint64_t bits[QN_WINDOW_WORDS], out[N], present[N / 64];
    struct qn_column_cursor *cu = qn_column_cursor_new(col);
    double start = now();
    for (uint32_t b = 0; b < qn_column_blocks(col); b++) {
        if (qn_column_load(cu, b, NULL) < 0)
            exit(1);
        c->sink += cu->n_values;
    }
    keep_best(&c->decode, start);
    start = now();
    for (uint32_t w = 0; w < N; w += QN_WINDOW_DOCS) {
        uint32_t hits = 0;
        memset(bits, 0, sizeof bits);
        if (qn_column_range(cu, w, w + QN_WINDOW_DOCS, c->lo, c->hi, bits, &hits, NULL) < 0)
            exit(1);
        c->sink += hits;
    }
    keep_best(&c->range, start);
    start = now();
    if (qn_column_gather(cu, c->some, c->n_some, QN_COLUMN_FIRST, out, present, NULL) < 0)
        exit(1);
    keep_best(&c->gather, start);
    qn_column_cursor_free(cu);
}

static void run(enum shape shape)
{
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    struct column c;
    struct qn_section sc;
    struct qn_column col;
    make(&c, shape);
    for (int round = 0; round < 5; round++)
        write_once(&c, simd);
    struct qn_object *ob = qn_object_from_memory(QN_STR("column"), c.bytes.p, c.bytes.n);
    if (qn_section_open(&sc, ob, 0, c.bytes.n, "columns", 5, simd, NULL) < 0 ||
        qn_column_open(&col, qn_buf_str(&c.hot), &sc, N, simd, NULL) < 0)
        exit(1);
    for (int round = 0; round < 5; round++)
        read_once(&c, &col);
    printf("%-27s%10.3f%10.1f%10.2f%10.2f%10.0f%s\n", names[shape], (double)c.bytes.n / c.n,
           c.write / c.n * 1e9, c.decode / c.n * 1e9, N / c.range / 1e9, c.gather / c.n_some * 1e9,
           c.sink == 1 ? "!" : "");
    qn_section_close(&sc);
    qn_object_unref(ob);
    qn_buf_release(&c.bytes);
    qn_buf_release(&c.hot);
    free(c.values);
    free(c.docs);
    free(c.some);
}

int main(int argc, char **argv)
{
    printf("%-27s%10s%10s%10s%10s%10s\n", "column", "B/value", "write ns", "decode ns", "range G/s",
           "gather ns");
    for (unsigned s = 0; s < SHAPES; s++)
        if (argc < 2 || strstr(names[s], argv[1]) != NULL)
            run((enum shape)s);
    return 0;
}
