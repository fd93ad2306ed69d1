/* Dictionaries: writing, looking up, walking and merging terms as logs have them.
 *     bench_terms_dict [terms, default 2000000]
 * One line of JSON per measurement. Ids (16 and 32 hexadecimal digits), numbers, and paths. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "terms/terms_merge.h"
#include "terms/terms_reader.h"
#include "terms/terms_writer.h"

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts); /* the machine may be shared */
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint64_t next(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717ull;
}

static int by_bytes(const void *a, const void *b)
{
    return qn_str_cmp(*(const struct qn_str *)a, *(const struct qn_str *)b);
}

static size_t make_terms(struct qn_str *t, size_t n, uint64_t seed, struct qn_arena *ar)
{
    char z[64];
    for (size_t i = 0; i < n; i++) {
        uint64_t v = next(&seed);
        int len = 0;
        switch (v % 8) {
        case 0:
        case 1:
        case 2:
            len = snprintf(z, sizeof z, "%016llx", (unsigned long long)next(&seed));
            break;
        case 3:
            len = snprintf(z, sizeof z, "%016llx%016llx", (unsigned long long)next(&seed),
                           (unsigned long long)next(&seed));
            break;
        case 4:
        case 5:
            len = snprintf(z, sizeof z, "%llu", (unsigned long long)next(&seed) % 100000000);
            break;
        default:
            len = snprintf(z, sizeof z, "/api/v%d/users/%llu/items", (int)(v >> 8) % 3,
                           (unsigned long long)next(&seed) % 10000000);
        }
        t[i] = qn_arena_str(ar, qn_str_make(z, (size_t)len));
    }
    qsort(t, n, sizeof *t, by_bytes);
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (m == 0 || !qn_str_eq(t[i], t[m - 1]))
            t[m++] = t[i];
    /* Side by side in order, so that writing is measured and not the cache. */
    for (size_t i = 0; i < m; i++)
        t[i] = qn_arena_str(ar, t[i]);
    return m;
}

struct dict {
    struct qn_buf bytes, hot;
    struct qn_object *ob;
    struct qn_section sc;
    struct qn_terms *td;
};

static double write_dict(struct dict *d, const struct qn_str *t, size_t n, int level)
{
    struct qn_buf_sink sk;
    qn_buf_init(&d->bytes, SIZE_MAX);
    qn_buf_init(&d->hot, SIZE_MAX);
    qn_buf_sink_init(&sk, &d->bytes);
    struct qn_terms_options opt = {.ops = qn_simd_pick("auto"), .zstd_level = level};
    struct qn_terms_writer *wr = qn_terms_writer_new(&sk.sink, &opt);
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t at = 0;
    double t0 = now();
    for (size_t i = 0; i < n; i++) {
        struct qn_term_info ti = {
            .kind = QN_TERM_ONE, .df = 1, .doc = (uint32_t)(i * 2654435761u) % 700000};
        if (i % 5 == 0)
            ti = (struct qn_term_info){
                .kind = QN_TERM_INLINE, .df = 2 + i % 3, .bytes = bytes, .len = 3 + i % 5};
        if (i % 100 == 0) {
            ti = (struct qn_term_info){
                .kind = QN_TERM_LIST, .df = 100 + i % 1000, .offset = at, .len = 160};
            at += 160;
        }
        if (qn_terms_writer_add(wr, t[i], &ti) < 0)
            exit(1);
    }
    if (qn_terms_writer_finish(wr, &d->hot, NULL, NULL) < 0)
        exit(1);
    double s = now() - t0;
    qn_terms_writer_free(wr);
    d->ob = qn_object_from_memory(QN_STR("t"), d->bytes.p, d->bytes.n);
    if (qn_section_open(&d->sc, d->ob, 0, d->bytes.n, "terms", 6, opt.ops, NULL) < 0 ||
        qn_terms_open(&d->td, qn_buf_str(&d->hot), &d->sc, NULL) < 0)
        exit(1);
    return s;
}

static void free_dict(struct dict *d)
{
    qn_terms_free(d->td);
    qn_section_close(&d->sc);
    qn_object_unref(d->ob);
    qn_buf_release(&d->bytes);
    qn_buf_release(&d->hot);
}

static void line(const char *name, double ns)
{
    printf("{\"name\":\"%s\",\"ns\":%.1f}\n", name, ns);
}

static void measure_lookups(const struct dict *d, const struct qn_str *t, size_t n,
                            const char *name)
{
    struct qn_terms_iter *it = qn_terms_iter_new(d->td);
    uint64_t seed = 7, sum = 0;
    enum { LOOKUPS = 300000 };
    for (int pass = 0; pass < 2; pass++) {
        double t0 = now();
        for (int i = 0; i < LOOKUPS; i++) {
            struct qn_term_info ti;
            if (qn_terms_lookup(it, t[next(&seed) % n], NULL) != 0 ||
                qn_terms_info(it, &ti, NULL) < 0)
                exit(1);
            sum += ti.doc;
        }
        if (pass == 1)
            line(name, (now() - t0) / LOOKUPS * 1e9);
    }
    if (sum == 1)
        puts("");
    qn_terms_iter_free(it);
}

static void measure_walk(const struct dict *d, size_t n, bool infos)
{
    struct qn_terms_iter *it = qn_terms_iter_new(d->td);
    struct qn_term_info ti = {0};
    uint64_t sum = 0;
    double t0 = now();
    int rc = qn_terms_seek(it, QN_STR(""), NULL);
    for (; rc == 0; rc = qn_terms_next(it, NULL)) {
        sum += it->term.n;
        if (infos && qn_terms_info(it, &ti, NULL) == 0)
            sum += ti.df;
    }
    line(infos ? "walk with entries, per term" : "walk, per term", (now() - t0) / (double)n * 1e9);
    if (sum == 1)
        puts("");
    qn_terms_iter_free(it);
}

static void measure_merge(size_t n)
{
    enum { INPUTS = 8 };
    struct dict d[INPUTS];
    const struct qn_terms *tds[INPUTS];
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    size_t total = 0;
    struct qn_str *t = malloc(n / INPUTS * sizeof *t);
    for (int i = 0; i < INPUTS; i++) {
        size_t m = make_terms(t, n / INPUTS, 1000 + (uint64_t)i, &ar);
        write_dict(&d[i], t, m, 0);
        tds[i] = d[i].td;
        total += m;
    }
    struct qn_terms_merge *mg;
    struct qn_term_info ti;
    uint64_t sum = 0;
    double t0 = now();
    if (qn_terms_merge_new(&mg, tds, INPUTS, NULL) < 0)
        exit(1);
    while (qn_terms_merge_next(mg, NULL) == 0)
        for (uint32_t i = 0; i < mg->n_hits; i++)
            sum += (uint64_t)qn_terms_info(mg->its[mg->hits[i]], &ti, NULL) + ti.df;
    line("merge of 8 with entries, per input term", (now() - t0) / (double)total * 1e9);
    if (sum == 1)
        puts("");
    qn_terms_merge_free(mg);
    for (int i = 0; i < INPUTS; i++)
        free_dict(&d[i]);
    free(t);
    qn_arena_release(&ar);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 2000000;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    struct qn_str *t = malloc(n * sizeof *t);
    size_t m = make_terms(t, n, 42, &ar), text = 0;
    for (size_t i = 0; i < m; i++)
        text += t[i].n;
    for (int level = 0; level < 2; level++) {
        struct dict d;
        double s = write_dict(&d, t, m, level);
        printf("{\"name\":\"write%s\",\"terms\":%zu,\"ns\":%.1f,\"text_per_term\":%.2f,"
               "\"bytes_per_term\":%.2f,\"hot_bytes\":%zu}\n",
               level ? " zstd-1" : "", m, s / (double)m * 1e9, (double)text / (double)m,
               (double)d.bytes.n / (double)m, d.hot.n);
        measure_lookups(&d, t, m, level ? "look-up with entry, zstd-1" : "look-up with entry");
        if (level == 0) {
            measure_walk(&d, m, false);
            measure_walk(&d, m, true);
        }
        free_dict(&d);
    }
    measure_merge(n);
    free(t);
    qn_arena_release(&ar);
    return 0;
}
