/* Splits of documents that follow from their numbers: for the golden file, whose answers are known
 * without a model, and for the seeds of the fuzzer. Document i comes at i milliseconds after
 * SAMPLE_TIME. */
#ifndef QN_SPLIT_SAMPLE_H
#define QN_SPLIT_SAMPLE_H

#include "test.h"

#include "ingest/memindex.h"
#include "split/split.h"
#include "split/split_merge.h"

#define SAMPLE_TIME 1700000000000000000ll

static inline const struct qn_simd_ops *sample_simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

static inline int64_t sample_time(uint32_t i)
{
    return SAMPLE_TIME + (int64_t)i * 1000000;
}

static inline const char *sample_level(uint32_t i)
{
    return i % 100 == 0 ? "ERROR" : i % 7 == 0 ? "WARN" : "INFO";
}

/* True for about half of the documents, without a pattern. */
static inline bool sample_mixed(uint32_t i)
{
    return (i * 2654435761u) >> 31;
}

static inline struct qn_str sample_source(uint32_t i, char out[128])
{
    size_t n = (size_t)snprintf(out, 128, "{\"i\":%u,\"level\":\"%s\",\"body\":\"all %s w%u\"}", i,
                                sample_level(i), i % 2 ? "odd" : "even", i % 50);
    return qn_str_make(out, n);
}

enum {
    SAMPLE_BODY,   /* "all", "odd" or "even", "mix", "w<i % 50>", "id<i>", then i % 4 times "rep" */
    SAMPLE_LEVEL,  /* terms and column share a dictionary */
    SAMPLE_TAG,    /* terms "t<i % 7>", column "T<i % 7>", absence filter */
    SAMPLE_ADDR,   /* 10.0.0.<i % 200> */
    SAMPLE_N,      /* 7 i - 1000 */
    SAMPLE_N_TEXT, /* the same path: "x" in every tenth document */
    SAMPLE_U,      /* i % 3 values: i << 40, i << 40 | 1 */
    SAMPLE_F,      /* i / 8 in every third document */
    SAMPLE_B,      /* i is odd */
    SAMPLE_TS,     /* its time */
    SAMPLE_PRESENT, /* in every third document */
    SAMPLE_FIELDS,
};

static inline void sample_declare(struct qn_memindex *mx, uint32_t f[SAMPLE_FIELDS])
{
    const struct qn_memfield_spec s[SAMPLE_FIELDS] = {
        [SAMPLE_BODY] = {.name = QN_STR("body"),
                         .type = QN_SPLIT_STR,
                         .record = QN_RECORD_POSITION,
                         .indexed = true,
                         .norms = true},
        [SAMPLE_LEVEL] = {.name = QN_STR("level"),
                          .type = QN_SPLIT_STR,
                          .indexed = true,
                          .column = true},
        [SAMPLE_TAG] = {.name = QN_STR("tag"),
                        .type = QN_SPLIT_BYTES,
                        .record = QN_RECORD_FREQ,
                        .indexed = true,
                        .column = true,
                        .own_column_terms = true,
                        .absence = true},
        [SAMPLE_ADDR] = {.name = QN_STR("addr"),
                         .type = QN_SPLIT_IP,
                         .indexed = true,
                         .column = true},
        [SAMPLE_N] = {.name = QN_STR("n"), .type = QN_SPLIT_I64, .column = true},
        [SAMPLE_N_TEXT] = {.name = QN_STR("n"), .type = QN_SPLIT_STR, .column = true},
        [SAMPLE_U] = {.name = QN_STR("u"), .type = QN_SPLIT_U64, .column = true},
        [SAMPLE_F] = {.name = QN_STR("f"), .type = QN_SPLIT_F64, .column = true},
        [SAMPLE_B] = {.name = QN_STR("b"), .type = QN_SPLIT_BOOL, .column = true},
        [SAMPLE_TS] = {.name = QN_STR("ts"), .type = QN_SPLIT_DATE, .column = true},
        [SAMPLE_PRESENT] = {.name = QN_STR("present"), .type = QN_SPLIT_STR, .presence = true},
    };
    for (int k = 0; k < SAMPLE_FIELDS; k++)
        f[k] = qn_memindex_field(mx, &s[k]);
}

static inline void sample_body(struct qn_memindex *mx, uint32_t field, uint32_t i)
{
    char room[2][16];
    struct qn_token t[8];
    const char *words[8] = {"all", i % 2 ? "odd" : "even", sample_mixed(i) ? "mix" : NULL, room[0],
                            room[1]};
    size_t n = 0;
    snprintf(room[0], sizeof room[0], "w%u", i % 50);
    snprintf(room[1], sizeof room[1], "id%u", i);
    for (uint32_t k = 0; k < 5 + i % 4; k++) {
        struct qn_str w = k >= 5 ? QN_STR("rep") : words[k] ? qn_str_of(words[k]) : QN_STR("");
        if (w.n != 0)
            t[n++] = (struct qn_token){w.p, (uint32_t)w.n, k, 0, 0};
    }
    qn_memindex_tokens(mx, field, t, n);
    qn_memindex_value_end(mx, field);
}

static inline void sample_add(struct qn_memindex *mx, const uint32_t f[SAMPLE_FIELDS], uint32_t i)
{
    char tag[16], text[16], addr[16] = {[10] = '\xff', [11] = '\xff', [12] = 10};
    char padded[128 + 64] = {0};
    size_t n = (size_t)snprintf(tag, sizeof tag, "t%u", i % 7);
    snprintf(text, sizeof text, "T%u", i % 7);
    addr[15] = (char)(i % 200);
    qn_memindex_begin(mx, sample_time(i));
    sample_body(mx, f[SAMPLE_BODY], i);
    struct qn_token t = {tag, (uint32_t)n, 0, 0, 0};
    qn_memindex_tokens(mx, f[SAMPLE_TAG], &t, 1);
    qn_memindex_text(mx, f[SAMPLE_TAG], qn_str_make(text, n));
    qn_memindex_term(mx, f[SAMPLE_LEVEL], qn_str_of(sample_level(i)));
    qn_memindex_term(mx, f[SAMPLE_ADDR], qn_str_make(addr, sizeof addr));
    qn_memindex_value(mx, f[SAMPLE_N], qn_i64_to_ord((int64_t)i * 7 - 1000));
    if (i % 10 == 0)
        qn_memindex_term(mx, f[SAMPLE_N_TEXT], QN_STR("x"));
    for (uint32_t k = 0; k < i % 3; k++)
        qn_memindex_value(mx, f[SAMPLE_U], (uint64_t)i << 40 | k);
    if (i % 3 == 0) {
        qn_memindex_value(mx, f[SAMPLE_F], qn_f64_to_ord(i / 8.0));
        qn_memindex_present(mx, f[SAMPLE_PRESENT]);
    }
    qn_memindex_value(mx, f[SAMPLE_B], i % 2);
    qn_memindex_value(mx, f[SAMPLE_TS], qn_i64_to_ord(sample_time(i)));
    assert_ok(qn_memindex_end(mx, sample_source(i, padded)));
}

/* Documents [0, n) that are `mod` modulo 3, or all for mod < 0: appended to *file. */
static inline void sample_index(uint32_t n, int mod, struct qn_buf *file)
{
    struct qn_memindex_options op = {.split = {.simd = sample_simd(), .docs = {.block_docs = 64}}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct qn_split_meta meta = {.json = QN_STR("{\"sample\":true}")};
    struct qn_split_info info;
    struct qn_buf_sink bs;
    uint32_t fields[SAMPLE_FIELDS];
    qn_buf_sink_init(&bs, file);
    qn_memindex_start(mx, &bs.sink);
    sample_declare(mx, fields);
    for (uint32_t i = 0; i < n; i++)
        if (mod < 0 || (i % 3 == 0) == (mod == 0))
            sample_add(mx, fields, i);
    assert_ok(qn_memindex_flush(mx, &meta, &info));
    assert_int_equal(info.file_bytes, file->n);
    qn_memindex_free(mx);
}

static inline struct qn_split *sample_open(struct qn_str file, const char *name)
{
    struct qn_object *ob = qn_object_from_memory(qn_str_of(name), file.p, file.n);
    struct qn_split *sp;
    struct qn_err err = {0};
    if (qn_split_open(&sp, ob, 0, sample_simd(), &err) < 0)
        fail_msg("%s", err.msg);
    qn_object_unref(ob);
    return sp;
}

/* The same documents, indexed in two parts that overlap in time and then merged: the documents have
 * a row map. */
static inline void sample_merge(uint32_t n, struct qn_buf *file)
{
    struct qn_buf part[2];
    struct qn_merge_input in[2] = {{0}};
    struct qn_merge_stats stats;
    struct qn_split_meta meta = {.json = QN_STR("{\"sample\":true}")};
    struct qn_split_info info;
    struct qn_buf_sink bs;
    struct qn_err err = {0};
    for (int k = 0; k < 2; k++) {
        qn_buf_init(&part[k], SIZE_MAX);
        sample_index(n, k, &part[k]);
        in[k].sp = sample_open(qn_buf_str(&part[k]), "part");
    }
    struct qn_merge_options op = {
        .split = {.simd = sample_simd(), .docs = {.block_docs = 64}},
        .inputs = in,
        .n_inputs = 2,
        .time_field = QN_STR("ts"),
    };
    qn_buf_sink_init(&bs, file);
    if (qn_split_merge(&op, &bs.sink, &meta, &info, &stats, &err) < 0)
        fail_msg("%s", err.msg);
    assert_false(stats.docs_rewritten);
    for (int k = 0; k < 2; k++) {
        qn_split_unref(in[k].sp);
        qn_buf_release(&part[k]);
    }
}

#endif
