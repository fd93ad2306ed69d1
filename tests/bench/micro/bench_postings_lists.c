/* Posting lists: encoding, decoding, windows, probes and merges over 10 million documents.
 *     bench_postings_lists [documents, default 10500000]
 * One line of JSON per measurement; rates are of ids in the list unless the name says otherwise. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "postings/postings_merge.h"
#include "postings/postings_reader.h"
#include "postings/postings_writer.h"

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

struct list {
    uint32_t *docs, *tfs, *pos;
    size_t n;
    uint32_t n_docs;
    struct qn_buf lists, positions, hot;
    struct qn_object *ob, *pos_ob;
    struct qn_section sc, pos_sc;
    struct qn_postings ps;
    struct qn_term_info info;
};

static void make_list(struct list *l, uint32_t n_docs, double share)
{
    uint64_t s = 99;
    uint64_t limit = (uint64_t)(share * 18446744073709551615.0);
    l->docs = malloc(4ull * n_docs + 64);
    l->n = 0;
    l->n_docs = n_docs;
    for (uint32_t d = 0; d < n_docs; d++)
        if (next(&s) < limit)
            l->docs[l->n++] = d;
    l->tfs = malloc(4 * l->n + 64);
    l->pos = malloc(4 * 2 * l->n + 64);
    size_t n_pos = 0;
    for (size_t i = 0; i < l->n; i++) {
        l->tfs[i] = next(&s) % 8 == 0 ? 2 : 1;
        for (uint32_t k = 0; k < l->tfs[i]; k++)
            l->pos[n_pos++] = (uint32_t)(next(&s) % 12 + 12 * k);
    }
}

static void write_list(struct list *l, enum qn_index_record record, const uint8_t *norms,
                       const struct qn_impacts *im, const char *name)
{
    struct qn_buf_sink sk, pos_sk;
    qn_buf_init(&l->lists, SIZE_MAX);
    qn_buf_init(&l->positions, SIZE_MAX);
    qn_buf_init(&l->hot, SIZE_MAX);
    qn_buf_sink_init(&sk, &l->lists);
    qn_buf_sink_init(&pos_sk, &l->positions);
    struct qn_postings_options opt = {
        .ops = qn_simd_pick("auto"), .record = record, .impacts = im, .norms = norms};
    struct qn_postings_writer *pw = qn_postings_writer_new(&opt, &sk.sink, &pos_sk.sink);
    struct qn_posting_run run = {l->docs, l->tfs, l->pos, l->n};
    double t0 = now();
    if (qn_postings_add(pw, &run, &l->info) < 0)
        exit(1);
    double s = now() - t0;
    if (qn_postings_writer_finish(pw, l->n_docs, &l->hot, NULL) < 0)
        exit(1);
    qn_postings_writer_free(pw);
    printf("{\"name\":\"%s: encode\",\"Gids\":%.3f,\"bits_per_posting\":%.2f,"
           "\"position_bits\":%.2f}\n",
           name, (double)l->n / s / 1e9, 8.0 * (double)l->lists.n / (double)l->n,
           8.0 * (double)l->positions.n / (double)l->n);
    l->ob = qn_object_from_memory(QN_STR("l"), l->lists.p, l->lists.n);
    l->pos_ob = qn_object_from_memory(QN_STR("p"), l->positions.p, l->positions.n);
    if (qn_section_open(&l->sc, l->ob, 0, l->lists.n, "l", 4, opt.ops, NULL) < 0 ||
        qn_section_open(&l->pos_sc, l->pos_ob, 0, l->positions.n, "p", 4, opt.ops, NULL) < 0 ||
        qn_postings_open(&l->ps, qn_buf_str(&l->hot), &l->sc, &l->pos_sc, l->n_docs, opt.ops,
                         NULL) < 0)
        exit(1);
}

static void drop_list(struct list *l)
{
    qn_section_close(&l->sc);
    qn_section_close(&l->pos_sc);
    qn_object_unref(l->ob);
    qn_object_unref(l->pos_ob);
    qn_buf_release(&l->lists);
    qn_buf_release(&l->positions);
    qn_buf_release(&l->hot);
}

enum what { IDS, CODES, POSITIONS, WINDOWS, COUNTS, WHATS };

static uint64_t pass(struct qn_cursor *cu, const struct list *l, enum what what)
{
    uint64_t sum = 0, bits[QN_WINDOW_WORDS];
    const uint32_t *pos, *start;
    uint32_t n;
    if (what == WINDOWS || what == COUNTS) {
        for (uint32_t lo = 0; lo < l->n_docs; lo += QN_WINDOW_DOCS) {
            if (what == COUNTS) {
                if (qn_cursor_count(cu, lo + 5, lo + 5 + QN_WINDOW_DOCS, &n, NULL) < 0)
                    exit(1);
            } else {
                memset(bits, 0, sizeof bits);
                if (qn_cursor_fill_bits(cu, lo, lo + QN_WINDOW_DOCS, bits, &n, NULL) < 0)
                    exit(1);
                sum += bits[100];
            }
            sum += n;
        }
        return sum;
    }
    while (qn_cursor_next_block(cu, NULL) == 0) {
        sum += cu->ids[cu->n_ids - 1];
        if (what == CODES && qn_cursor_codes(cu, NULL) == 0)
            sum += cu->codes[0];
        if (what == POSITIONS && qn_cursor_block_positions(cu, &pos, &start, NULL) == 0)
            sum += pos[0];
    }
    return sum;
}

static void measure(const struct list *l, enum what what, const char *list)
{
    static const char *const names[WHATS] = {"decode ids", "decode ids and codes",
                                             "decode ids and positions", "fill windows",
                                             "count in windows"};
    struct qn_cursor *cu;
    double best = 1e9;
    uint64_t sum = 0;
    if (qn_cursor_open(&cu, &l->ps, &l->info, NULL) < 0)
        exit(1);
    for (int k = 0; k < 5; k++) {
        double t0 = now();
        if (qn_cursor_reopen(cu, &l->ps, &l->info, NULL) < 0)
            exit(1);
        sum += pass(cu, l, what);
        double s = now() - t0;
        best = s < best ? s : best;
    }
    qn_cursor_close(cu);
    printf("{\"name\":\"%s: %s\",\"Gids\":%.2f,\"us\":%.0f,\"sum\":%llu}\n", list, names[what],
           (double)l->n / best / 1e9, best * 1e6, (unsigned long long)(sum & 7));
}

static void measure_probes(const struct list *l, uint32_t step, const char *list)
{
    struct qn_cursor *cu;
    uint32_t *ids = malloc(4ull * (l->n_docs / step + 64)),
             *copy = malloc(4ull * (l->n_docs / step + 64));
    uint32_t n = 0;
    for (uint32_t d = step / 2; d < l->n_docs; d += step)
        ids[n++] = d;
    double best = 1e9, best_leap = 1e9;
    if (qn_cursor_open(&cu, &l->ps, &l->info, NULL) < 0)
        exit(1);
    for (int k = 0; k < 5; k++) {
        memcpy(copy, ids, 4ull * n);
        uint32_t kept = n;
        double t0 = now();
        if (qn_cursor_retain(cu, copy, &kept, NULL) < 0)
            exit(1);
        double s = now() - t0;
        best = s < best ? s : best;
        if (qn_cursor_reopen(cu, &l->ps, &l->info, NULL) < 0)
            exit(1);
        t0 = now();
        for (uint32_t i = 0; i < n && qn_cursor_advance(cu, ids[i], NULL) == 0; i++)
            kept++;
        s = now() - t0;
        best_leap = s < best_leap ? s : best_leap;
    }
    printf("{\"name\":\"%s: probe every %u\",\"retain_ns\":%.1f,\"advance_ns\":%.1f}\n", list, step,
           best / n * 1e9, best_leap / n * 1e9);
    qn_cursor_close(cu);
    free(ids);
    free(copy);
}

/* Ten inputs of 200,000 terms of few documents and 100 long lists, merged by bases and by maps. */
struct part {
    struct qn_buf terms, terms_hot, lists, hot;
    struct qn_object *terms_ob, *lists_ob;
    struct qn_section terms_sc, lists_sc;
    struct qn_terms *td;
    struct qn_postings ps;
};
enum { PARTS = 10, PART_DOCS = 100000, FEW = 200000, MANY = 100 };

static void open_part(struct part *p, uint32_t n_docs)
{
    const struct qn_simd_ops *ops = qn_simd_pick("auto");
    p->terms_ob = qn_object_from_memory(QN_STR("t"), p->terms.p, p->terms.n);
    p->lists_ob = qn_object_from_memory(QN_STR("l"), p->lists.p, p->lists.n);
    if (qn_section_open(&p->terms_sc, p->terms_ob, 0, p->terms.n, "t", 6, ops, NULL) < 0 ||
        qn_section_open(&p->lists_sc, p->lists_ob, 0, p->lists.n, "l", 4, ops, NULL) < 0 ||
        qn_terms_open(&p->td, qn_buf_str(&p->terms_hot), &p->terms_sc, NULL) < 0 ||
        qn_postings_open(&p->ps, qn_buf_str(&p->hot), &p->lists_sc, NULL, n_docs, ops, NULL) < 0)
        exit(1);
}

static void free_part(struct part *p)
{
    qn_terms_free(p->td);
    qn_section_close(&p->terms_sc);
    qn_section_close(&p->lists_sc);
    qn_object_unref(p->terms_ob);
    qn_object_unref(p->lists_ob);
    qn_buf_release(&p->terms);
    qn_buf_release(&p->terms_hot);
    qn_buf_release(&p->lists);
    qn_buf_release(&p->hot);
}

struct writers {
    struct qn_buf_sink terms_sk, lists_sk;
    struct qn_terms_writer *tw;
    struct qn_postings_writer *pw;
};

static void begin_part(struct part *p, struct writers *w, const struct qn_impacts *im)
{
    qn_buf_init(&p->terms, SIZE_MAX);
    qn_buf_init(&p->terms_hot, SIZE_MAX);
    qn_buf_init(&p->lists, SIZE_MAX);
    qn_buf_init(&p->hot, SIZE_MAX);
    qn_buf_sink_init(&w->terms_sk, &p->terms);
    qn_buf_sink_init(&w->lists_sk, &p->lists);
    struct qn_terms_options topt = {.ops = qn_simd_pick("auto")};
    struct qn_postings_options opt = {.ops = topt.ops, .record = QN_RECORD_FREQ, .impacts = im};
    w->tw = qn_terms_writer_new(&w->terms_sk.sink, &topt);
    w->pw = qn_postings_writer_new(&opt, &w->lists_sk.sink, NULL);
}

static void end_part(struct part *p, struct writers *w, uint32_t n_docs)
{
    if (qn_terms_writer_finish(w->tw, &p->terms_hot, NULL, NULL) < 0 ||
        qn_postings_writer_finish(w->pw, n_docs, &p->hot, NULL) < 0)
        exit(1);
    qn_terms_writer_free(w->tw);
    qn_postings_writer_free(w->pw);
    open_part(p, n_docs);
}

static uint64_t write_part(struct part *p, const struct qn_impacts *im, uint64_t seed)
{
    struct writers w;
    struct qn_term_info ti;
    uint64_t postings = 0;
    uint32_t *docs = malloc(4 * PART_DOCS + 64);
    char z[32];
    begin_part(p, &w, im);
    for (uint32_t i = 0; i < FEW + MANY; i++) {
        size_t n = 0;
        if (i < FEW) {
            snprintf(z, sizeof z, "%010llx", (unsigned long long)i * 5000 + next(&seed) % 5000);
            uint32_t d = (uint32_t)(next(&seed) % (PART_DOCS / 2));
            for (uint32_t k = 0; k < (i % 5 ? 1u : 3u); k++)
                docs[n++] = d + k * 7;
        } else {
            snprintf(z, sizeof z, "zz%03u", i - FEW);
            for (uint32_t d = 0; d < PART_DOCS; d++)
                if (next(&seed) % (i - FEW + 2) == 0)
                    docs[n++] = d;
        }
        struct qn_posting_run run = {docs, NULL, NULL, n};
        postings += n;
        if (qn_postings_add(w.pw, &run, &ti) < 0 ||
            qn_terms_writer_add(w.tw, qn_str_of(z), &ti) < 0)
            exit(1);
    }
    end_part(p, &w, PART_DOCS);
    free(docs);
    return postings;
}

static void measure_merge(bool maps)
{
    struct part p[PARTS], out;
    struct qn_postings_input in[PARTS];
    struct qn_impacts im;
    struct writers w;
    uint64_t postings = 0;
    qn_impacts_plain(&im);
    for (uint32_t i = 0; i < PARTS; i++) {
        postings += write_part(&p[i], &im, 5 + i);
        uint32_t *map = malloc(4 * PART_DOCS);
        for (uint32_t d = 0; d < PART_DOCS; d++)
            map[d] = d * PARTS + i;
        in[i] = (struct qn_postings_input){p[i].td, &p[i].ps, i * PART_DOCS, maps ? map : NULL,
                                           malloc(4 * (FEW + MANY))};
        if (!maps)
            free(map);
    }
    begin_part(&out, &w, &im);
    struct qn_postings_merge_options opt = {
        .inputs = in, .n_inputs = PARTS, .terms = w.tw, .postings = w.pw};
    struct qn_postings_merge_stats st;
    double t0 = now();
    if (qn_postings_merge(&opt, &st, NULL) < 0)
        exit(1);
    double s = now() - t0;
    end_part(&out, &w, PARTS * PART_DOCS);
    printf("{\"name\":\"merge of %d %s\",\"ns_per_term\":%.1f,\"ns_per_posting\":%.2f,"
           "\"copied\":%llu,\"repacked\":%llu}\n",
           PARTS, maps ? "interleaved" : "disjoint", s / (double)st.n_terms_in * 1e9,
           s / (double)postings * 1e9, (unsigned long long)st.blocks_copied,
           (unsigned long long)st.lists_repacked);
    free_part(&out);
    for (uint32_t i = 0; i < PARTS; i++) {
        free((void *)(uintptr_t)in[i].doc_map);
        free(in[i].ord_map);
        free_part(&p[i]);
    }
}

int main(int argc, char **argv)
{
    uint32_t n_docs = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10500000;
    static const struct {
        const char *name;
        double share;
    } rows[] = {{"90 %", 0.9}, {"30 %", 0.3}, {"10 %", 0.1}, {"1 %", 0.01}, {"0.1 %", 0.001}};
    struct qn_impact_counts *ct = calloc(1, sizeof *ct);
    struct qn_impacts im;
    uint8_t *norms = malloc(n_docs);
    uint64_t s = 3;
    for (uint32_t d = 0; d < n_docs; d++)
        norms[d] = (uint8_t)(5 + next(&s) % 12);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct list l;
        make_list(&l, n_docs, rows[i].share);
        qn_impacts_count(ct, l.docs, l.tfs, l.n, norms);
        qn_impacts_build(&im, ct, NULL);
        write_list(&l, QN_RECORD_BASIC, NULL, NULL, rows[i].name);
        measure(&l, IDS, rows[i].name);
        measure(&l, WINDOWS, rows[i].name);
        measure(&l, COUNTS, rows[i].name);
        measure_probes(&l, 1000, rows[i].name);
        measure_probes(&l, 20, rows[i].name);
        drop_list(&l);
        write_list(&l, QN_RECORD_POSITION, norms, &im, rows[i].name);
        measure(&l, CODES, rows[i].name);
        measure(&l, POSITIONS, rows[i].name);
        drop_list(&l);
        free(l.docs);
        free(l.tfs);
        free(l.pos);
    }
    free(norms);
    free(ct);
    measure_merge(false);
    measure_merge(true);
    return 0;
}
