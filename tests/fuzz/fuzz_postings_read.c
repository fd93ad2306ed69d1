/* Posting lists with damaged bytes: the input says which field to write and which bytes of lists,
 * positions, hot part or dictionary entries to change. Checksums are switched off.
 *     u8 record and norms | u8 density | u8 documents / 64 | u8 seed |
 *     edits: (u8 where, u24 offset, u8 value) */
#include <stdint.h>
#include <stdlib.h>

#include "postings/postings_reader.h"
#include "postings/postings_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TERMS = 4 };

struct world {
    struct qn_simd_ops ops;
    struct qn_impacts impacts;
    struct qn_buf lists, positions, hot;
    struct qn_term_info infos[TERMS];
    uint8_t bytes[TERMS][QN_TERM_INLINE_MAX + 1];
    uint32_t n_docs;
    uint8_t norms[256 * 64 + 1];
};

static uint32_t no_crc(uint32_t crc, const void *p, size_t n)
{
    (void)p;
    (void)n;
    return crc;
}

static uint64_t mix(uint64_t *s)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 2685821657736338717ull;
}

static void add_term(struct world *w, struct qn_postings_writer *pw, int t, const uint8_t *p,
                     uint64_t *s)
{
    uint32_t docs[64], tfs[64], pos[64 * 4];
    /* Every term is sparser than the one before, so that all forms appear. */
    uint32_t one_in = 1u + p[1] * (1u << (3 * t)) / 16;
    for (uint32_t d = 0; d < w->n_docs;) {
        uint32_t n = 0, n_pos = 0;
        for (; n < 64 && d < w->n_docs; d++) {
            if (mix(s) % one_in != 0)
                continue;
            docs[n] = d;
            tfs[n] = mix(s) % 8 == 0 ? 1 + mix(s) % 4 : 1;
            for (uint32_t k = 0; k < tfs[n]; k++)
                pos[n_pos++] = 40 * k + (uint32_t)(mix(s) % 40);
            n++;
        }
        struct qn_posting_run run = {docs, tfs, pos, n};
        qn_postings_append(pw, &run);
    }
    w->infos[t] = (struct qn_term_info){0};
    int rc = qn_postings_end(pw, &w->infos[t]);
    QN_ASSERT(rc >= 0);
    if (w->infos[t].kind == QN_TERM_INLINE && rc == 0)
        memcpy(w->bytes[t], w->infos[t].bytes, w->infos[t].len);
    w->infos[t].bytes = w->bytes[t];
}

static void edit(struct world *w, const uint8_t *p, size_t n)
{
    struct qn_buf *const bufs[3] = {&w->lists, &w->positions, &w->hot};
    for (; n >= 5; p += 5, n -= 5) {
        size_t at = (size_t)p[1] | (size_t)p[2] << 8 | (size_t)p[3] << 16;
        struct qn_buf *b = p[0] % 5 < 3 ? bufs[p[0] % 5] : NULL;
        struct qn_term_info *ti = &w->infos[p[1] % TERMS];
        if (b != NULL && b->n != 0)
            b->p[at % b->n] = (char)p[4];
        else if (p[0] % 5 == 3)
            w->bytes[p[1] % TERMS][p[2] % QN_TERM_INLINE_MAX] = p[4];
        else if (p[0] % 5 == 4)
            switch (p[2] % 6) {
            case 0:
                ti->df = p[3] * 4u + p[4];
                break;
            case 1:
                ti->len = p[3] * 256u + p[4];
                break;
            case 2:
                ti->offset = p[3] * 256u + p[4];
                break;
            case 3:
                ti->aux = p[3] * 65536u + p[4];
                break;
            case 4:
                ti->doc = p[3] * 256u + p[4];
                break;
            default:
                ti->kind = p[4] % 3;
                ti->len = ti->kind == QN_TERM_INLINE ? ti->len % 256 : ti->len;
            }
    }
}

static uint64_t use(struct qn_cursor *cu, uint32_t n_docs)
{
    struct qn_err err = {0};
    uint64_t sum = 0, bits[QN_WINDOW_WORDS];
    uint32_t n, ids[256 * 64 + 512];
    const uint32_t *pos, *start;
    bool any;
    while (qn_cursor_next_block(cu, &err) == 0) {
        for (uint32_t i = 0; i < cu->n_ids; i++)
            sum += cu->ids[i];
        if (qn_cursor_codes(cu, &err) == 0)
            sum += cu->codes[cu->n_ids - 1];
        if (qn_cursor_block_positions(cu, &pos, &start, &err) == 0)
            for (uint32_t i = 0; i < start[cu->n_ids]; i++)
                sum += pos[i];
    }
    for (uint32_t lo = 0; lo < n_docs; lo += 4096) {
        uint32_t hi = lo + 5000 < n_docs ? lo + 5000 : n_docs;
        if (qn_cursor_fill_bits(cu, lo, hi, bits, &n, &err) == 0)
            sum += n;
        if (qn_cursor_fill_ids(cu, lo, hi, ids, &n, &err) == 0)
            for (uint32_t i = 0; i < n; i++)
                sum += ids[i];
        if (qn_cursor_count(cu, lo + 7, hi, &n, &err) == 0)
            sum += n;
        sum += qn_cursor_max_code(cu, lo, hi, &any);
    }
    n = 0;
    for (uint32_t d = 0; d < n_docs; d += 1 + d % 7)
        ids[n++] = d;
    if (qn_cursor_retain(cu, ids, &n, &err) == 0)
        sum += n;
    for (uint32_t d = 0; qn_cursor_advance(cu, d, &err) == 0;)
        d = cu->doc + 3;
    return sum;
}

static void read_all(struct world *w)
{
    struct qn_err err = {0};
    struct qn_section lists, positions;
    struct qn_postings *ps = malloc(sizeof *ps);
    struct qn_object *lo = qn_object_from_memory(QN_STR("l"), w->lists.p, w->lists.n);
    struct qn_object *po = qn_object_from_memory(QN_STR("p"), w->positions.p, w->positions.n);
    QN_ASSERT(qn_section_open(&lists, lo, 0, w->lists.n, "lists", 4, &w->ops, &err) == 0);
    QN_ASSERT(qn_section_open(&positions, po, 0, w->positions.n, "pos", 4, &w->ops, &err) == 0);
    if (qn_postings_open(ps, qn_buf_str(&w->hot), &lists, &positions, w->n_docs, &w->ops, &err) ==
        0)
        for (int t = 0; t < TERMS; t++) {
            struct qn_cursor *cu;
            uint8_t *exact = malloc(w->infos[t].len % 256 + 1); /* its end is guarded */
            memcpy(exact, w->bytes[t], w->infos[t].len % 256);
            w->infos[t].bytes = exact;
            if (qn_cursor_open(&cu, ps, &w->infos[t], &err) == 0) {
                volatile uint64_t sink = use(cu, w->n_docs);
                (void)sink;
                qn_cursor_close(cu);
            }
            free(exact);
        }
    qn_section_close(&lists);
    qn_section_close(&positions);
    qn_object_unref(lo);
    qn_object_unref(po);
    free(ps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct world *w = calloc(1, sizeof *w);
    struct qn_buf_sink lists, positions;
    uint64_t s = 0x9e3779b97f4a7c15ull + data[3];
    w->ops = *qn_simd_pick("auto");
    w->ops.crc32c = no_crc;
    w->n_docs = data[2] * 64u + 1;
    for (uint32_t d = 0; d < w->n_docs; d++)
        w->norms[d] = (uint8_t)(mix(&s) % 16);
    qn_buf_init(&w->lists, SIZE_MAX);
    qn_buf_init(&w->positions, SIZE_MAX);
    qn_buf_init(&w->hot, SIZE_MAX);
    qn_buf_sink_init(&lists, &w->lists);
    qn_buf_sink_init(&positions, &w->positions);
    qn_impacts_plain(&w->impacts);
    struct qn_postings_options opt = {.ops = &w->ops,
                                      .record = data[0] % 3,
                                      .impacts = &w->impacts,
                                      .norms = data[0] & 4 ? w->norms : NULL};
    struct qn_postings_writer *pw = qn_postings_writer_new(&opt, &lists.sink, &positions.sink);
    for (int t = 0; t < TERMS; t++)
        add_term(w, pw, t, data, &s);
    QN_ASSERT(qn_postings_writer_finish(pw, w->n_docs, &w->hot, NULL) == 0);
    qn_postings_writer_free(pw);
    edit(w, data + 4, size - 4);
    read_all(w);
    qn_buf_release(&w->lists);
    qn_buf_release(&w->positions);
    qn_buf_release(&w->hot);
    free(w);
    return 0;
}
