/* Searching one split of a million short documents: counts, best ten, ranges, patterns. One JSON
 * line for each class: median of the runs.
 *
 * links: exec ingest
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "exec/compile.h"
#include "exec/topk.h"
#include "ingest/memindex.h"

enum { DOCS = 1000000, RUNS = 15, WORDS = 12, VOCABULARY = 50000 };

static uint64_t next(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717ull;
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* Word w is about 1 / w as frequent as the first one. */
static uint32_t zipf(uint64_t *s)
{
    uint32_t bits = (uint32_t)(next(s) >> 40) % 16;
    uint32_t w = (1u << bits) - 1 + (uint32_t)(next(s) >> 40) % (1u << bits);
    return w % VOCABULARY;
}

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "%s: %s\n", what, qn_err_name(rc));
        exit(1);
    }
}

static struct qn_split *make_split(const struct qn_simd_ops *simd)
{
    struct qn_memindex_options op = {.split = {.simd = simd}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct qn_buf file;
    struct qn_buf_sink bs;
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    struct qn_split_info info;
    struct qn_split *sp;
    static char source[128] = "{\"body\":\"\"}";
    uint64_t s = 42;
    qn_buf_init(&file, SIZE_MAX);
    qn_buf_sink_init(&bs, &file);
    qn_memindex_start(mx, &bs.sink);
    uint32_t body = qn_memindex_field(mx, &(struct qn_memfield_spec){.name = QN_STR("body"),
                                                                     .record = QN_RECORD_POSITION,
                                                                     .indexed = true,
                                                                     .norms = true});
    uint32_t num = qn_memindex_field(
        mx, &(struct qn_memfield_spec){.name = QN_STR("n"), .type = QN_SPLIT_I64, .column = true});
    for (int i = 0; i < DOCS; i++) {
        char room[2 * WORDS][12];
        struct qn_token t[2 * WORDS];
        uint32_t n = 4 + (uint32_t)(next(&s) >> 40) % (2 * WORDS - 4);
        qn_memindex_begin(mx, (int64_t)i * 1000);
        for (uint32_t k = 0; k < n; k++) {
            int len = snprintf(room[k], sizeof room[k], "w%u", zipf(&s));
            t[k] = (struct qn_token){room[k], (uint32_t)len, k, 0, 0};
        }
        qn_memindex_tokens(mx, body, t, n);
        qn_memindex_value(mx, num, qn_i64_to_ord((int64_t)((next(&s) >> 40) % 1000000)));
        check(qn_memindex_end(mx, qn_str_make(source, 11)), "add");
    }
    check(qn_memindex_flush(mx, &meta, &info), "flush");
    struct qn_object *ob = qn_object_from_memory(QN_STR("bench"), file.p, file.n);
    check(qn_split_open(&sp, ob, info.hot_offset, simd, NULL), "open");
    qn_object_unref(ob);
    qn_buf_release(&file);
    qn_memindex_free(mx);
    return sp;
}

static const struct qn_field body_field = {.path = {"body", 4}, .type = QN_FIELD_TEXT},
                             n_field = {.path = {"n", 1}, .type = QN_FIELD_I64};

static struct qn_query *word(struct qn_arena *ar, const char *z)
{
    struct qn_query *q = qn_arena_new(ar, struct qn_query);
    q->kind = QN_QUERY_HAS_TERM;
    q->boost = 1;
    q->has_term.target = (struct qn_query_target){&body_field, QN_STR(""), QN_VALUE_STR};
    q->has_term.value = (struct qn_value){.type = QN_VALUE_STR, .str = qn_str_of(z)};
    return q;
}

/* Words, separated by blanks, as must or should. */
static struct qn_query *words(struct qn_arena *ar, const char *z, bool must)
{
    struct qn_query *q = qn_arena_new(ar, struct qn_query);
    struct qn_query_list *list = must ? &q->bools.must : &q->bools.should;
    struct qn_str rest = qn_str_of(z), one;
    q->kind = QN_QUERY_BOOL;
    q->boost = 1;
    q->bools.min_should = -1;
    list->p = qn_arena_zalloc(ar, 16 * sizeof *list->p);
    while (list->n < 16 && qn_str_split(&rest, ' ', &one))
        list->p[list->n++] = word(ar, qn_arena_str(ar, one).p);
    return q;
}

static struct qn_query *phrase(struct qn_arena *ar, const char *a, const char *b)
{
    struct qn_query *q = word(ar, a);
    struct qn_phrase_term *t = qn_arena_array(ar, struct qn_phrase_term, 2);
    t[0] = (struct qn_phrase_term){qn_str_of(a), 0};
    t[1] = (struct qn_phrase_term){qn_str_of(b), 1};
    struct qn_query_target target = q->has_term.target;
    q->kind = QN_QUERY_HAS_PHRASE;
    q->has_phrase = (struct qn_query_has_phrase){.target = target, .terms = t, .n = 2};
    return q;
}

static struct qn_query *pattern(struct qn_arena *ar, enum qn_pattern_kind kind, const char *z)
{
    struct qn_query *q = word(ar, z);
    struct qn_query_target target = q->has_term.target;
    q->kind = QN_QUERY_HAS_PATTERN;
    q->has_pattern = (struct qn_query_has_pattern){.target = target,
                                                   .kind = kind,
                                                   .text = qn_str_of(z),
                                                   .syntax = QN_REGEX_LUCENE,
                                                   .edits = 1,
                                                   .max_expansions = UINT32_MAX};
    return q;
}

static struct qn_query *range(struct qn_arena *ar, int64_t from, int64_t to)
{
    struct qn_query *q = word(ar, "");
    q->kind = QN_QUERY_IN_RANGE;
    q->in_range = (struct qn_query_in_range){.target = {&n_field, QN_STR(""), QN_VALUE_I64},
                                             .lower = {.type = QN_VALUE_I64, .i64 = from},
                                             .upper = {.type = QN_VALUE_I64, .i64 = to}};
    return q;
}

enum how { COUNT, TOP10, TOP10_COUNT, SORT10 };

static uint64_t search(struct qn_exec *ex, const struct qn_query *q, enum how how)
{
    struct qn_op *op;
    struct qn_stats st;
    struct qn_scorer *sc = NULL;
    uint64_t count;
    struct qn_topk_hits hits;
    struct qn_sort_key key = {.by = how == SORT10 ? QN_SORT_FIELD : QN_SORT_SCORE,
                              .field = qn_split_find(ex->sp, QN_STR("n"), QN_SPLIT_I64),
                              .descending = true};
    struct qn_topk_ask ask = {.keys = &key, .n_keys = 1, .limit = 10, .count = how == TOP10_COUNT};
    check(qn_compile(&op, ex, q, NULL), "compile");
    if (how == COUNT) {
        check(qn_search_count(ex, op, (struct qn_stop){0}, &count, NULL), "count");
        qn_op_free(op);
        return count;
    }
    qn_stats_init(&st, ex->ar);
    if (how != SORT10) {
        check(qn_stats_collect(&st, ex, q, NULL), "stats");
        check(qn_scorer_new(&sc, ex, q, &st, 0, NULL), "scorer");
    }
    check(qn_topk(&hits, ex, op, sc, &ask, (struct qn_stop){0}, NULL), "topk");
    qn_op_free(op);
    qn_scorer_free(sc);
    qn_stats_release(&st);
    return how == TOP10_COUNT ? hits.count : hits.n;
}

static int by_time(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void run(struct qn_split *sp, const char *name, const struct qn_query *q, enum how how)
{
    double t[RUNS];
    uint64_t result = 0;
    for (int i = 0; i < RUNS; i++) {
        struct qn_arena ar;
        qn_arena_init(&ar, NULL);
        struct qn_exec ex = {
            .sp = sp, .simd = qn_split_simd(sp), .ar = &ar, .n_docs = qn_split_doc_count(sp)};
        double from = now();
        result = search(&ex, q, how);
        t[i] = now() - from;
        qn_arena_release(&ar);
    }
    qsort(t, RUNS, sizeof *t, by_time);
    printf("{\"name\":\"%s\",\"ns_per_op\":%.0f,\"result\":%llu,\"simd\":\"%s\"}\n", name,
           t[RUNS / 2], (unsigned long long)result, qn_split_simd(sp)->name);
}

int main(int argc, char **argv)
{
    const struct qn_simd_ops *simd = qn_simd_pick(argc > 1 ? argv[1] : "auto");
    struct qn_arena ar;
    if (simd == NULL)
        return 1;
    struct qn_split *sp = make_split(simd);
    qn_arena_init(&ar, NULL);
    static const char *const dense = "w1 w2 w5", *const mixed = "w3 w100 w3000";
    run(sp, "count_and_dense", words(&ar, dense, true), COUNT);
    run(sp, "count_and_mixed", words(&ar, "w3 w100", true), COUNT);
    run(sp, "count_or_dense", words(&ar, dense, false), COUNT);
    run(sp, "count_or_mixed", words(&ar, mixed, false), COUNT);
    run(sp, "count_phrase", phrase(&ar, "w1", "w2"), COUNT);
    run(sp, "count_range_10%", range(&ar, 0, 100000), COUNT);
    run(sp, "top10_term", word(&ar, "w5"), TOP10);
    run(sp, "top10_or_dense", words(&ar, dense, false), TOP10);
    run(sp, "top10_or_mixed", words(&ar, mixed, false), TOP10);
    run(sp, "top10_and_dense", words(&ar, dense, true), TOP10);
    run(sp, "top10_and_mixed", words(&ar, "w3 w100", true), TOP10);
    run(sp, "top10_phrase", phrase(&ar, "w1", "w2"), TOP10);
    run(sp, "top10_count_or_dense", words(&ar, dense, false), TOP10_COUNT);
    run(sp, "sort10_by_n_of_term", word(&ar, "w5"), SORT10);
    run(sp, "count_prefix", pattern(&ar, QN_PATTERN_PREFIX, "w12"), COUNT);
    run(sp, "count_wildcard", pattern(&ar, QN_PATTERN_WILDCARD, "w*77"), COUNT);
    run(sp, "count_regex", pattern(&ar, QN_PATTERN_REGEX, "w[0-4]+9"), COUNT);
    run(sp, "count_fuzzy1", pattern(&ar, QN_PATTERN_FUZZY, "w1234"), COUNT);
    qn_arena_release(&ar);
    qn_split_unref(sp);
    return 0;
}
