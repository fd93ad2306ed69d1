/* Postings of a term are collected 256 at a time. The first block is kept as numbers until there is
 * a second: only then is it known that the term needs a long list; most terms end before. */
#include "postings/postings_writer.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/varint.h"
#include "postings_block_int.h"

enum { DEFAULT_INLINE_BYTES = 64 };

struct qn_postings_writer {
    struct qn_postings_options opt;
    struct qn_sink *lists, *positions;
    const struct qn_simd_ops *ops;
    bool has_codes, has_positions;

    /* Postings not yet in a block; gaps of positions of all of them. */
    uint32_t n;
    uint32_t docs[QN_POSTINGS_BLOCK], tfs[QN_POSTINGS_BLOCK];
    uint8_t codes[QN_POSTINGS_BLOCK + QN_PAD];
    struct qn_escape escapes[QN_POSTINGS_BLOCK];
    uint32_t n_escapes;
    QN_VEC(uint32_t) gaps;

    /* The long list being built. */
    uint32_t df;
    uint64_t sum_tf;
    uint8_t max_code;
    QN_VEC(uint32_t) first, last, end, pend, gat, gcrc, pat, pcrc;
    QN_VEC(uint8_t) kinds, counts, maxima;
    struct qn_buf bodies;      /* all groups */
    size_t group_at;           /* of the open group in bodies */
    struct qn_buf group_pos;   /* positions of the open group */
    uint64_t pos_at, pos_size; /* in the positions section */

    struct qn_buf out; /* head, or inline bytes */
    uint32_t escape_tf;
    uint8_t escape_norm;
    int rc;
    struct qn_postings_stats stats;
};

static void align_sink(struct qn_sink *sk)
{
    qn_sink_align(sk, QN_LIST_ALIGN);
}

struct qn_postings_writer *qn_postings_writer_new(const struct qn_postings_options *opt,
                                                  struct qn_sink *lists, struct qn_sink *positions)
{
    struct qn_postings_writer *wr = qn_xcalloc(1, sizeof *wr);
    wr->opt = *opt;
    wr->ops = opt->ops;
    wr->lists = lists;
    wr->positions = positions;
    wr->has_codes = opt->record != QN_RECORD_BASIC;
    wr->has_positions = opt->record == QN_RECORD_POSITION;
    QN_ASSERT(!wr->has_codes || (opt->impacts != NULL && opt->impacts->n != 0));
    QN_ASSERT(!wr->has_positions || positions != NULL);
    if (wr->opt.inline_bytes == 0)
        wr->opt.inline_bytes = DEFAULT_INLINE_BYTES;
    if (wr->opt.inline_bytes > QN_TERM_INLINE_MAX)
        wr->opt.inline_bytes = QN_TERM_INLINE_MAX;
    align_sink(lists);
    qn_buf_init(&wr->bodies, UINT32_MAX);
    (void)qn_buf_reserve(&wr->bodies, 1024); /* never NULL: blocks of runs have no bytes */
    qn_buf_init(&wr->group_pos, UINT32_MAX);
    qn_buf_init(&wr->out, UINT32_MAX);
    return wr;
}

void qn_postings_writer_free(struct qn_postings_writer *wr)
{
    if (wr == NULL)
        return;
    qn_vec_release(&wr->gaps);
    qn_vec_release(&wr->first);
    qn_vec_release(&wr->last);
    qn_vec_release(&wr->end);
    qn_vec_release(&wr->pend);
    qn_vec_release(&wr->gat);
    qn_vec_release(&wr->gcrc);
    qn_vec_release(&wr->pat);
    qn_vec_release(&wr->pcrc);
    qn_vec_release(&wr->kinds);
    qn_vec_release(&wr->counts);
    qn_vec_release(&wr->maxima);
    qn_buf_release(&wr->bodies);
    qn_buf_release(&wr->group_pos);
    qn_buf_release(&wr->out);
    free(wr);
}

/* ---- long lists */

static void open_group(struct qn_postings_writer *wr)
{
    qn_buf_align(&wr->bodies, QN_LIST_ALIGN);
    wr->group_at = wr->bodies.n;
    qn_vec_push(&wr->gat, (uint32_t)wr->group_at);
    if (!wr->has_positions)
        return;
    if (wr->first.n == 0) {
        align_sink(wr->positions);
        wr->pos_at = wr->positions->at;
        wr->pos_size = 0;
    }
    qn_vec_push(&wr->pat, (uint32_t)wr->pos_size);
    qn_buf_clear(&wr->group_pos);
}

static void close_group(struct qn_postings_writer *wr)
{
    qn_vec_push(&wr->gcrc,
                wr->ops->crc32c(0, wr->bodies.p + wr->group_at, wr->bodies.n - wr->group_at));
    if (!wr->has_positions)
        return;
    qn_vec_push(&wr->pcrc, wr->ops->crc32c(0, wr->group_pos.p, wr->group_pos.n));
    qn_sink_put(wr->positions, wr->group_pos.p, wr->group_pos.n);
    align_sink(wr->positions);
    wr->pos_size = wr->positions->at - wr->pos_at;
    if (wr->pos_size > UINT32_MAX)
        wr->rc = QN_E_TOO_LARGE;
}

static void note_block(struct qn_postings_writer *wr, const struct qn__block_shape *sh,
                       uint8_t max_code)
{
    qn_vec_push(&wr->kinds, sh->kind);
    qn_vec_push(&wr->first, sh->first);
    qn_vec_push(&wr->last, sh->last);
    qn_vec_push(&wr->counts, (uint8_t)(sh->n - 1));
    qn_vec_push(&wr->maxima, max_code);
    qn_vec_push(&wr->end, (uint32_t)(wr->bodies.n - wr->group_at));
    if (wr->has_positions)
        qn_vec_push(&wr->pend, (uint32_t)wr->group_pos.n);
    wr->max_code = max_code > wr->max_code ? max_code : wr->max_code;
    wr->df += sh->n;
    if (sh->kind == 0)
        wr->stats.run_blocks++;
    else if (sh->kind == QN_KIND_BITSET)
        wr->stats.bitset_blocks++;
    else
        wr->stats.packed_blocks++;
    if (wr->first.n % QN_POSTINGS_GROUP == 0)
        close_group(wr);
}

static uint8_t max_pending(const struct qn_postings_writer *wr)
{
    return wr->has_codes ? wr->ops->max8(wr->codes, wr->n) : 0;
}

static void put_codes(struct qn_postings_writer *wr, struct qn_buf *out)
{
    struct qn__block_codes bc = {wr->codes, wr->escapes, wr->n, wr->n_escapes};
    qn__block_put_codes(out, wr->ops, &bc);
}

/* Turns the pending postings into a block of the long list. */
static void close_block(struct qn_postings_writer *wr)
{
    if (wr->n == 0)
        return;
    if (wr->first.n % QN_POSTINGS_GROUP == 0)
        open_group(wr);
    struct qn__block_shape sh = {wr->n, wr->docs[0], wr->docs[wr->n - 1], 0};
    sh.kind = qn__block_put_docs(&wr->bodies, wr->ops, wr->docs, wr->n);
    if (wr->has_codes)
        put_codes(wr, &wr->bodies);
    if (wr->has_positions)
        qn__positions_put(&wr->group_pos, wr->ops, wr->gaps.p, wr->gaps.n);
    note_block(wr, &sh, max_pending(wr));
    wr->n = wr->n_escapes = 0;
    qn_vec_clear(&wr->gaps);
}

void qn__writer_put_raw(struct qn_postings_writer *wr, const struct qn__raw_block *rb)
{
    close_block(wr);
    if (wr->first.n % QN_POSTINGS_GROUP == 0)
        open_group(wr);
    qn_buf_put_str(&wr->bodies, rb->body);
    if (wr->has_positions)
        qn_buf_put_str(&wr->group_pos, rb->positions);
    note_block(wr, &rb->shape, rb->max_code);
}

void qn__writer_add_sum_tf(struct qn_postings_writer *wr, uint64_t sum_tf)
{
    wr->sum_tf += sum_tf;
}

void qn__writer_widen_escapes(struct qn_postings_writer *wr, uint32_t tf, uint8_t norm)
{
    if (wr->escape_tf == 0 || norm < wr->escape_norm)
        wr->escape_norm = norm;
    if (tf > wr->escape_tf)
        wr->escape_tf = tf;
}

const struct qn_postings_options *qn__writer_options(const struct qn_postings_writer *wr)
{
    return &wr->opt;
}

void qn__writer_note_one(struct qn_postings_writer *wr)
{
    wr->stats.n_terms++;
    wr->stats.n_ones++;
    wr->stats.sum_df++;
    wr->stats.sum_tf++;
}

void qn__writer_note_inline(struct qn_postings_writer *wr, const struct qn_term_info *info)
{
    wr->stats.n_terms++;
    wr->stats.n_inlines++;
    wr->stats.inline_bytes += info->len;
    wr->stats.sum_df += info->df;
    wr->stats.sum_tf += info->df;
}

void qn__writer_set_sum_tf(struct qn_postings_writer *wr, uint64_t sum_tf)
{
    wr->stats.sum_tf = sum_tf;
}

static void put_array32(struct qn_buf *b, const uint32_t *p, size_t n)
{
    qn_buf_put(b, p, 4 * n);
}

static void write_long(struct qn_postings_writer *wr, struct qn_term_info *info)
{
    if (wr->first.n % QN_POSTINGS_GROUP != 0)
        close_group(wr);
    struct qn_buf *b = &wr->out;
    uint32_t n = (uint32_t)wr->first.n;
    qn_buf_clear(b);
    qn_buf_put_u32(b, 0);
    qn_buf_put_u32(b, n);
    qn_buf_put_u32(b, wr->df);
    qn_buf_put_u32(b, wr->max_code);
    qn_buf_put_u64(b, wr->has_codes ? wr->sum_tf : 0);
    qn_buf_put_u64(b, wr->has_positions ? wr->pos_at : 0);
    put_array32(b, wr->first.p, n);
    put_array32(b, wr->last.p, n);
    put_array32(b, wr->end.p, n);
    put_array32(b, wr->pend.p, wr->pend.n);
    put_array32(b, wr->gat.p, wr->gat.n);
    put_array32(b, wr->gcrc.p, wr->gcrc.n);
    put_array32(b, wr->pat.p, wr->pat.n);
    put_array32(b, wr->pcrc.p, wr->pcrc.n);
    qn_buf_put(b, wr->kinds.p, n);
    qn_buf_put(b, wr->counts.p, n);
    qn_buf_put(b, wr->maxima.p, n);
    uint32_t crc = wr->ops->crc32c(0, b->p + 4, b->n - 4);
    memcpy(b->p, &crc, 4);
    qn_buf_align(b, QN_LIST_ALIGN);
    qn_buf_align(&wr->bodies, QN_LIST_ALIGN);

    *info = (struct qn_term_info){
        .kind = QN_TERM_LIST, .df = wr->df, .offset = wr->lists->at, .len = b->n + wr->bodies.n};
    qn_sink_put(wr->lists, b->p, b->n);
    qn_sink_put(wr->lists, wr->bodies.p, wr->bodies.n);
    if (b->failed || wr->bodies.failed || wr->group_pos.failed)
        wr->rc = QN_E_TOO_LARGE;
    wr->stats.n_lists++;
    wr->stats.list_bytes += info->len;
    if (wr->has_positions)
        wr->stats.position_bytes += wr->pos_size;
}

static void reset_long(struct qn_postings_writer *wr)
{
    qn_vec_clear(&wr->first);
    qn_vec_clear(&wr->last);
    qn_vec_clear(&wr->end);
    qn_vec_clear(&wr->pend);
    qn_vec_clear(&wr->gat);
    qn_vec_clear(&wr->gcrc);
    qn_vec_clear(&wr->pat);
    qn_vec_clear(&wr->pcrc);
    qn_vec_clear(&wr->kinds);
    qn_vec_clear(&wr->counts);
    qn_vec_clear(&wr->maxima);
    qn_buf_clear(&wr->bodies);
    qn_buf_clear(&wr->group_pos);
    wr->df = 0;
    wr->max_code = 0;
}

/* ---- small terms */

static bool try_one(struct qn_postings_writer *wr, struct qn_term_info *info)
{
    if (wr->n != 1 || wr->tfs[0] != 1)
        return false;
    uint64_t aux = 0;
    if (wr->has_codes) {
        if (wr->codes[0] == QN_IMPACT_ESCAPE)
            return false;
        aux = wr->codes[0];
        if (wr->has_positions)
            aux += (uint64_t)wr->gaps.p[0] * wr->opt.impacts->n;
    }
    if (aux > UINT32_MAX)
        return false;
    *info = (struct qn_term_info){
        .kind = QN_TERM_ONE, .df = 1, .doc = wr->docs[0], .aux = (uint32_t)aux};
    wr->stats.n_ones++;
    return true;
}

/* Inline bytes; false when they are too long. At most (5 + 1 + 6) bytes a document, checked before
 * each, and 5 a position. */
static bool put_inline(struct qn_postings_writer *wr, uint8_t *out, size_t max, size_t *len)
{
    uint8_t *p = out, *end = out + max;
    uint32_t prev = UINT32_MAX, escape = 0;
    for (uint32_t i = 0; i < wr->n; i++) {
        if (p >= end)
            return false;
        p += qn_varint_put(p, wr->docs[i] - prev - 1);
        prev = wr->docs[i];
        if (!wr->has_codes)
            continue;
        *p++ = wr->codes[i];
        if (wr->codes[i] == QN_IMPACT_ESCAPE) {
            p += qn_varint_put(p, wr->escapes[escape].tf);
            *p++ = wr->escapes[escape++].norm;
        }
    }
    for (size_t i = 0; i < wr->gaps.n; i++) {
        if (p >= end)
            return false;
        p += qn_varint_put(p, wr->gaps.p[i]);
    }
    *len = (size_t)(p - out);
    return *len <= max;
}

static bool try_inline(struct qn_postings_writer *wr, struct qn_term_info *info)
{
    size_t len;
    if (wr->n > wr->opt.inline_bytes)
        return false;
    qn_buf_clear(&wr->out);
    if (!qn_buf_reserve(&wr->out, QN_TERM_INLINE_MAX + 16))
        return false;
    if (!put_inline(wr, (uint8_t *)wr->out.p, wr->opt.inline_bytes, &len))
        return false;
    *info = (struct qn_term_info){
        .kind = QN_TERM_INLINE, .df = wr->n, .bytes = (const uint8_t *)wr->out.p, .len = len};
    wr->stats.n_inlines++;
    wr->stats.inline_bytes += len;
    return true;
}

static void write_short(struct qn_postings_writer *wr, struct qn_term_info *info)
{
    struct qn_buf *b = &wr->out;
    qn_buf_clear(b);
    qn_buf_fill(b, 0, QN_LIST_SHORT_HEAD);
    b->p[4] = (char)qn__block_put_docs(b, wr->ops, wr->docs, wr->n);
    b->p[5] = (char)max_pending(wr);
    if (wr->has_codes)
        put_codes(wr, b);
    uint16_t body = (uint16_t)(b->n - QN_LIST_SHORT_HEAD);
    memcpy(b->p + 6, &body, 2);
    memcpy(b->p + 8, &wr->docs[0], 4);
    memcpy(b->p + 12, &wr->docs[wr->n - 1], 4);
    if (wr->has_positions)
        qn__positions_put(b, wr->ops, wr->gaps.p, wr->gaps.n);
    qn_buf_align(b, QN_LIST_ALIGN);
    uint32_t crc = wr->ops->crc32c(0, b->p + 4, b->n - 4);
    memcpy(b->p, &crc, 4);
    *info = (struct qn_term_info){
        .kind = QN_TERM_LIST, .df = wr->n, .offset = wr->lists->at, .len = b->n};
    qn_sink_put(wr->lists, b->p, b->n);
    if (b->failed)
        wr->rc = QN_E_TOO_LARGE;
    wr->stats.n_lists++;
    wr->stats.list_bytes += b->n;
}

/* ---- the interface */

static void append_codes(struct qn_postings_writer *wr, const struct qn_posting_run *run,
                         size_t from, uint32_t n)
{
    const struct qn_impacts *im = wr->opt.impacts;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tf = run->tfs ? run->tfs[from + i] : 1;
        uint8_t norm = wr->opt.norms ? wr->opt.norms[run->docs[from + i]] : 1;
        uint8_t code = qn_impacts_code(im, tf, norm);
        wr->tfs[wr->n + i] = tf;
        wr->codes[wr->n + i] = code;
        wr->sum_tf += tf;
        if (QN_UNLIKELY(code == QN_IMPACT_ESCAPE)) {
            wr->escapes[wr->n_escapes++] = (struct qn_escape){wr->n + i, tf, norm};
            qn__writer_widen_escapes(wr, tf, norm);
        }
    }
}

/* The gaps of the positions of n documents, pending from index wr->n on; gives how many. */
static size_t append_gaps(struct qn_postings_writer *wr, const uint32_t *pos, uint32_t n)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++)
        total += wr->tfs[wr->n + i];
    qn_vec_reserve(&wr->gaps, wr->gaps.n + total);
    uint32_t *out = wr->gaps.p + wr->gaps.n;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t prev = 0;
        for (uint32_t k = 0; k < wr->tfs[wr->n + i]; k++) {
            *out++ = *pos - prev;
            prev = *pos++;
        }
    }
    wr->gaps.n += total;
    return total;
}

void qn_postings_append(struct qn_postings_writer *wr, const struct qn_posting_run *run)
{
    size_t pos = 0;
    for (size_t from = 0; from < run->n;) {
        if (wr->n == QN_POSTINGS_BLOCK)
            close_block(wr);
        size_t left = run->n - from;
        uint32_t room = QN_POSTINGS_BLOCK - wr->n, n = left < room ? (uint32_t)left : room;
        memcpy(wr->docs + wr->n, run->docs + from, n * sizeof *wr->docs);
        QN_DASSERT(wr->n == 0 || wr->docs[wr->n] > wr->docs[wr->n - 1]);
        if (wr->has_codes)
            append_codes(wr, run, from, n);
        if (wr->has_positions)
            pos += append_gaps(wr, run->positions + pos, n);
        wr->n += n;
        from += n;
    }
}

int qn_postings_end(struct qn_postings_writer *wr, struct qn_term_info *info)
{
    if (wr->first.n != 0) {
        close_block(wr);
        write_long(wr, info);
        reset_long(wr);
    } else if (wr->n == 0) {
        return wr->rc < 0 ? wr->rc : QN_END;
    } else {
        if (!wr->has_codes)
            wr->tfs[0] = 1;
        if (!try_one(wr, info) && !try_inline(wr, info))
            write_short(wr, info);
    }
    wr->stats.n_terms++;
    wr->stats.sum_df += info->df;
    wr->stats.sum_tf += wr->has_codes ? wr->sum_tf : info->df;
    wr->sum_tf = 0;
    wr->n = wr->n_escapes = 0;
    qn_vec_clear(&wr->gaps);
    if (wr->rc == 0)
        wr->rc = qn_sink_failed(wr->lists);
    if (wr->rc == 0 && wr->has_positions)
        wr->rc = qn_sink_failed(wr->positions);
    return wr->rc;
}

int qn_postings_add(struct qn_postings_writer *wr, const struct qn_posting_run *run,
                    struct qn_term_info *info)
{
    qn_postings_append(wr, run);
    return qn_postings_end(wr, info);
}

int qn_postings_writer_finish(struct qn_postings_writer *wr, uint32_t doc_count, struct qn_buf *hot,
                              struct qn_postings_stats *stats)
{
    if (wr->rc < 0)
        return wr->rc;
    size_t from = hot->n;
    struct qn_impacts *im = qn_xcalloc(1, sizeof *im);
    if (wr->has_codes)
        *im = *wr->opt.impacts;
    im->tf[QN_IMPACT_ESCAPE] = wr->escape_tf;
    im->norm[QN_IMPACT_ESCAPE] = wr->escape_norm;
    qn_buf_put(hot, QN_POSTINGS_MAGIC, 4);
    qn_buf_put_u16(hot, QN_POSTINGS_VERSION);
    qn_buf_put_u8(hot, (uint8_t)wr->opt.record);
    qn_buf_put_u8(hot, wr->opt.norms != NULL);
    qn_buf_put_u64(hot, wr->stats.sum_df);
    qn_buf_put_u64(hot, wr->stats.sum_tf);
    qn_buf_put_u32(hot, doc_count);
    qn_buf_put_u32(hot, (uint32_t)wr->stats.n_lists);
    qn_buf_put_u64(hot, wr->stats.list_bytes);
    qn_buf_put_u64(hot, wr->stats.position_bytes);
    qn_impacts_put(hot, im);
    free(im);
    qn_buf_put_u32(hot, wr->ops->crc32c(0, hot->p + from, hot->n - from));
    if (stats != NULL)
        *stats = wr->stats;
    return hot->failed ? QN_E_BUDGET : 0;
}
