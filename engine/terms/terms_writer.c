#include "terms/terms_writer.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"
#include "terms/absence.h"
#include "terms_block_int.h"

enum { DEFAULT_BLOCK_BYTES = 16384 };

struct qn_terms_writer {
    struct qn_sink *sk;
    struct qn_terms_options opt;
    uint64_t start; /* of the first block in the section */
    int rc;         /* sticky */

    /* The block being filled: one entry per term, and the bytes of all of them. */
    uint32_t n;
    uint32_t pre[QN_TERMS_PER_BLOCK]; /* shared with the term before, as text */
    uint32_t len[QN_TERMS_PER_BLOCK];
    uint32_t kind[QN_TERMS_PER_BLOCK];
    uint32_t arr[T_ARRAYS][QN_TERMS_PER_BLOCK]; /* DOC AUX DF1 LEN DF2 while filling */
    uint64_t off[QN_TERMS_PER_BLOCK];
    uint32_t n_one, n_inline, n_list;
    uint64_t list_base, list_end;
    struct qn_buf text, inlines;
    uint32_t size_text;     /* estimate of suffix bytes */
    unsigned last_width;    /* of symbols in the block before: what to expect of this one */
    struct qn_buf suffixes; /* as bytes */
    struct qn_buf out;      /* the block being written */
    struct qn_coder *coder; /* NULL without compression */
    struct qn_buf packed;

    struct qn_buf last; /* the term before */
    bool any;

    /* For the hot part. */
    QN_VEC(uint64_t) offsets;
    QN_VEC(uint64_t) ords;
    QN_VEC(uint64_t) heads;
    QN_VEC(uint32_t) sep_ends;
    struct qn_buf seps;
    QN_VEC(uint64_t) hashes;
    uint32_t max_len;
    struct qn_terms_stats stats;
};

struct qn_terms_writer *qn_terms_writer_new(struct qn_sink *sk, const struct qn_terms_options *opt)
{
    struct qn_terms_writer *wr = qn_xcalloc(1, sizeof *wr);
    wr->sk = sk;
    wr->opt = *opt;
    if (wr->opt.block_bytes == 0)
        wr->opt.block_bytes = DEFAULT_BLOCK_BYTES;
    if (wr->opt.block_bytes > QN_TERMS_BLOCK_MAX)
        wr->opt.block_bytes = QN_TERMS_BLOCK_MAX;
    if (opt->zstd_level != 0)
        wr->coder = qn_coder_new();
    qn_buf_init(&wr->packed, SIZE_MAX);
    wr->start = sk->at;
    wr->last_width = 8;
    qn_buf_init(&wr->text, SIZE_MAX);
    qn_buf_init(&wr->inlines, SIZE_MAX);
    qn_buf_init(&wr->suffixes, SIZE_MAX);
    qn_buf_init(&wr->out, SIZE_MAX);
    qn_buf_init(&wr->last, SIZE_MAX);
    qn_buf_init(&wr->seps, UINT32_MAX);
    return wr;
}

void qn_terms_writer_free(struct qn_terms_writer *wr)
{
    if (wr == NULL)
        return;
    qn_buf_release(&wr->text);
    qn_buf_release(&wr->inlines);
    qn_buf_release(&wr->suffixes);
    qn_buf_release(&wr->out);
    qn_buf_release(&wr->packed);
    qn_coder_free(wr->coder);
    qn_buf_release(&wr->last);
    qn_buf_release(&wr->seps);
    qn_vec_release(&wr->offsets);
    qn_vec_release(&wr->ords);
    qn_vec_release(&wr->heads);
    qn_vec_release(&wr->sep_ends);
    qn_vec_release(&wr->hashes);
    free(wr);
}

/* Appends one packed array and notes its minimum (when it may have one) and width in the header. */
static void put_array(struct qn_terms_writer *wr, enum qn__terms_array a, uint32_t *v, uint32_t n,
                      int min_at)
{
    uint32_t min = 0;
    if (min_at >= 0 && n != 0) {
        min = v[0];
        for (uint32_t i = 1; i < n; i++)
            min = v[i] < min ? v[i] : min;
        for (uint32_t i = 0; i < n; i++)
            v[i] -= min;
        memcpy(wr->out.p + min_at, &min, 4);
    }
    unsigned width = qn_bit_width(wr->opt.ops->or32(v, n));
    wr->out.p[56 + a] = (char)width;
    if (qn_buf_reserve(&wr->out, qn_packed_bytes(n, width) + 8)) {
        wr->opt.ops->pack32((uint8_t *)wr->out.p + wr->out.n, v, n, width);
        wr->out.n += qn_packed_bytes(n, width);
    }
}

static void put_offsets(struct qn_terms_writer *wr)
{
    unsigned width = wr->n_list ? qn_bit_width(wr->off[wr->n_list - 1]) : 0;
    wr->out.p[56 + T_OFF] = (char)width;
    if (qn_buf_reserve(&wr->out, qn_packed_bytes(wr->n_list, width) + 8)) {
        wr->opt.ops->pack64((uint8_t *)wr->out.p + wr->out.n, wr->off, wr->n_list, width);
        wr->out.n += qn_packed_bytes(wr->n_list, width);
    }
}

/* ---- template: bytes that all terms of a block have in common, wherever they are */

struct template
{
    uint32_t len, n_free;
    uint8_t text[QN_TERMS_TEMPLATE_MAX];
    bool is_free[QN_TERMS_TEMPLATE_MAX + 8];
    uint8_t free_before[QN_TERMS_TEMPLATE_MAX + 1];
};

/* True when the terms have one length and share more than their beginning, which front coding takes
 * care of. Changes are collected eight bytes at a time. */
static bool find_template(const struct qn_terms_writer *wr, struct template *tp)
{
    uint32_t len = wr->len[0], shared = len;
    if (wr->n < 2 || len > QN_TERMS_TEMPLATE_MAX)
        return false;
    for (uint32_t i = 1; i < wr->n; i++) {
        if (wr->len[i] != len)
            return false;
        shared = wr->pre[i] < shared ? wr->pre[i] : shared;
    }
    uint8_t diff[QN_TERMS_TEMPLATE_MAX + 9] = {0};
    for (uint32_t i = 1; i < wr->n; i++)
        for (uint32_t k = wr->pre[i]; k < len; k++)
            diff[k] |= (uint8_t)(wr->text.p[(size_t)i * len + k] ^ wr->text.p[k]);
    tp->len = len;
    tp->n_free = 0;
    for (uint32_t k = 0; k < len; k++) {
        tp->text[k] = (uint8_t)wr->text.p[k];
        tp->is_free[k] = diff[k] != 0;
        tp->free_before[k] = (uint8_t)tp->n_free;
        tp->n_free += tp->is_free[k];
    }
    return len - tp->n_free > shared;
}

/* Takes the template's bytes out of all terms, in place. */
static void apply_template(struct qn_terms_writer *wr, const struct template *tp)
{
    size_t to = 0;
    for (uint32_t i = 0; i < wr->n; i++) {
        const char *from = wr->text.p + (size_t)i * tp->len;
        for (uint32_t k = 0; k < tp->len; k++) {
            wr->text.p[to] = from[k];
            to += tp->is_free[k];
        }
        wr->pre[i] = i ? tp->free_before[wr->pre[i]] : 0;
        wr->len[i] = tp->n_free;
    }
    wr->text.n = to;
}

static void put_template(struct qn_terms_writer *wr, const struct template *tp)
{
    uint8_t mask[QN_TERMS_TEMPLATE_MAX / 8 + 1] = {0};
    for (uint32_t k = 0; k < tp->len; k++)
        mask[k / 8] |= (uint8_t)(tp->is_free[k] << (k % 8));
    wr->out.p[67] = (char)tp->len;
    qn_buf_put(&wr->out, tp->text, tp->len);
    qn_buf_put(&wr->out, mask, (tp->len + 7) / 8);
}

/* ---- suffixes */

/* Lengths into arr[T_SUF], bytes into wr->suffixes; gives whether all terms have one length. */
static bool cut_suffixes(struct qn_terms_writer *wr)
{
    bool fixed = true;
    size_t from = 0;
    qn_buf_clear(&wr->suffixes);
    for (uint32_t i = 0; i < wr->n; i++) {
        if (i % QN_TERMS_PER_GROUP == 0)
            wr->pre[i] = 0;
        uint32_t n = wr->len[i] - wr->pre[i];
        fixed &= wr->len[i] == wr->len[0];
        wr->arr[T_SUF][i] = n;
        qn_buf_put(&wr->suffixes, wr->text.p + from + wr->pre[i], n);
        from += wr->len[i];
    }
    return fixed;
}

/* The bytes in use, ascending; gives how many (0: too many for symbols), and the symbol of each. */
static uint32_t make_table(const struct qn_buf *bytes, uint8_t table[QN_TERMS_SYMBOLS],
                           uint8_t symbol[256])
{
    bool used[256] = {0};
    uint32_t n = 0;
    for (size_t i = 0; i < bytes->n; i++)
        used[(uint8_t)bytes->p[i]] = true;
    for (uint32_t c = 0; c < 256; c++)
        if (used[c]) {
            if (n == QN_TERMS_SYMBOLS)
                return 0;
            symbol[c] = (uint8_t)n;
            table[n++] = (uint8_t)c;
        }
    if (n == 0)
        table[n++] = 0; /* empty terms only */
    return n;
}

/* Appends n bytes as symbols. */
static void put_symbols(struct qn_terms_writer *wr, const uint8_t *p, size_t n, unsigned width,
                        const uint8_t symbol[256])
{
    uint32_t v[512];
    uint8_t *out;
    /* 512 symbols of any width end on a byte. */
    for (size_t i = 0; i < n; i += 512) {
        size_t m = n - i < 512 ? n - i : 512;
        for (size_t k = 0; k < m; k++)
            v[k] = symbol[p[i + k]];
        if (!qn_buf_reserve(&wr->out, qn_packed_bytes(m, width) + 8))
            return;
        out = (uint8_t *)wr->out.p + wr->out.n;
        wr->opt.ops->pack32(out, v, m, width);
        wr->out.n += qn_packed_bytes(m, width);
    }
}

static uint32_t group_bytes(const struct qn_terms_writer *wr, uint32_t from, const uint32_t *len)
{
    uint32_t n = 0;
    for (uint32_t i = from; i < wr->n && i < from + QN_TERMS_PER_GROUP; i++)
        n += len[i];
    return n;
}

/* GRP, TBL, TPL and the suffixes. `len` are the lengths of the suffixes. */
static void put_suffixes(struct qn_terms_writer *wr, const uint32_t *len, const struct template *tp)
{
    uint8_t table[QN_TERMS_SYMBOLS], symbol[256];
    uint32_t n_symbols = make_table(&wr->suffixes, table, symbol), at = 0;
    unsigned width = n_symbols ? qn_bit_width(n_symbols - 1) : 8;
    for (uint32_t i = 0; i < wr->n; i += QN_TERMS_PER_GROUP) {
        qn_buf_put_u32(&wr->out, at);
        at += (uint32_t)qn_packed_bytes(group_bytes(wr, i, len), width);
    }
    qn_buf_put(&wr->out, table, n_symbols);
    if (tp != NULL)
        put_template(wr, tp);
    wr->out.p[5] = (char)width;
    wr->out.p[66] = (char)n_symbols;
    memcpy(wr->out.p + 12, &at, 4);
    wr->last_width = width;
    const uint8_t *p = (const uint8_t *)wr->suffixes.p;
    for (uint32_t i = 0; i < wr->n; i += QN_TERMS_PER_GROUP) {
        uint32_t n = group_bytes(wr, i, len);
        if (width == 8)
            qn_buf_put(&wr->out, p, n);
        else
            put_symbols(wr, p, n, width, symbol);
        p += n;
    }
}

/* ---- blocks */

static void put_header(struct qn_terms_writer *wr, bool fixed)
{
    uint32_t inline_bytes = (uint32_t)wr->inlines.n;
    uint16_t n = (uint16_t)wr->n, n_inline = (uint16_t)wr->n_inline, n_list = (uint16_t)wr->n_list;
    qn_buf_clear(&wr->out);
    qn_buf_fill(&wr->out, 0, QN_TERMS_HEADER);
    char *h = wr->out.p;
    h[4] = QN__TERMS_STORED;
    memcpy(h + 6, &n, 2);
    memcpy(h + 16, &inline_bytes, 4);
    memcpy(h + 20, &n_inline, 2);
    memcpy(h + 22, &n_list, 2);
    memcpy(h + 24, &wr->list_base, 8);
    h[65] = (char)(fixed ? 1 : 0);
}

/* Packs the body when that saves a sixteenth: below, decoding costs more than it spares. */
static void pack_body(struct qn_terms_writer *wr)
{
    if (wr->coder == NULL)
        return;
    size_t n = wr->out.n - QN_TERMS_HEADER;
    qn_buf_clear(&wr->packed);
    qn_block_put(wr->coder, &wr->packed, QN_BLOCK_ZSTD, wr->opt.zstd_level, NULL,
                 wr->out.p + QN_TERMS_HEADER, n);
    if (wr->packed.n > n - n / 16)
        return;
    wr->out.p[4] = QN__TERMS_PACKED;
    wr->out.n = QN_TERMS_HEADER;
    qn_buf_put(&wr->out, wr->packed.p, wr->packed.n);
}

static void write_block(struct qn_terms_writer *wr)
{
    struct template tp;
    uint32_t len[QN_TERMS_PER_BLOCK]; /* of suffixes; put_array changes what it packs */
    bool templated = find_template(wr, &tp);
    if (templated)
        apply_template(wr, &tp);
    bool fixed = cut_suffixes(wr);
    memcpy(len, wr->arr[T_SUF], wr->n * sizeof *len);
    if (fixed)
        for (uint32_t i = 0; i < wr->n; i++)
            wr->arr[T_SUF][i] = wr->len[0];
    put_header(wr, fixed);
    put_array(wr, T_PRE, wr->pre, wr->n, -1);
    put_array(wr, T_SUF, wr->arr[T_SUF], wr->n, 32);
    put_array(wr, T_KND, wr->kind, wr->n, -1);
    put_array(wr, T_DOC, wr->arr[T_DOC], wr->n_one, 36);
    put_array(wr, T_AUX, wr->arr[T_AUX], wr->n_one, 40);
    put_array(wr, T_DF1, wr->arr[T_DF1], wr->n_inline, 44);
    put_array(wr, T_LEN, wr->arr[T_LEN], wr->n_inline, 48);
    put_array(wr, T_DF2, wr->arr[T_DF2], wr->n_list, 52);
    put_offsets(wr);
    put_suffixes(wr, len, templated ? &tp : NULL);
    qn_buf_put(&wr->out, wr->inlines.p, wr->inlines.n);

    uint32_t body_len = (uint32_t)(wr->out.n - QN_TERMS_HEADER);
    memcpy(wr->out.p + 8, &body_len, 4);
    pack_body(wr);
    uint32_t crc = wr->opt.ops->crc32c(0, wr->out.p + 4, wr->out.n - 4);
    memcpy(wr->out.p, &crc, 4);
    qn_vec_push(&wr->offsets, wr->sk->at);
    qn_sink_put(wr->sk, wr->out.p, wr->out.n);
    wr->stats.block_bytes += wr->out.n;
    wr->stats.inline_bytes += wr->inlines.n;
    wr->stats.n_blocks++;
}

static void flush_block(struct qn_terms_writer *wr)
{
    if (wr->n == 0)
        return;
    write_block(wr);
    wr->n = wr->n_one = wr->n_inline = wr->n_list = 0;
    wr->size_text = 0;
    wr->list_base = wr->list_end;
    qn_buf_clear(&wr->text);
    qn_buf_clear(&wr->inlines);
}

/* The separator of the block that `term` begins. `shared` bytes equal the term before it. */
static void push_separator(struct qn_terms_writer *wr, struct qn_str term, size_t shared)
{
    size_t n = wr->any && shared < term.n ? shared + 1 : term.n;
    uint8_t head[8] = {0};
    if (n != 0)
        memcpy(head, term.p, n < 8 ? n : 8);
    uint64_t v;
    memcpy(&v, head, 8);
    qn_vec_push(&wr->heads, __builtin_bswap64(v));
    qn_vec_push(&wr->ords, wr->stats.n_terms);
    qn_buf_put(&wr->seps, term.p, n);
    qn_vec_push(&wr->sep_ends, (uint32_t)wr->seps.n);
}

/* What the block would take if it ended here. */
static uint32_t estimate(const struct qn_terms_writer *wr)
{
    uint32_t infos = 4 * wr->n_one + 2 * wr->n_inline + 6 * wr->n_list + wr->n;
    return wr->size_text * wr->last_width / 8 + infos + (uint32_t)wr->inlines.n;
}

static int add_info(struct qn_terms_writer *wr, const struct qn_term_info *info)
{
    switch (info->kind) {
    case QN_TERM_ONE:
        wr->arr[T_DOC][wr->n_one] = info->doc;
        wr->arr[T_AUX][wr->n_one++] = info->aux;
        return 0;
    case QN_TERM_INLINE:
        if (info->len > QN_TERM_INLINE_MAX)
            return QN_E_BUG;
        wr->arr[T_DF1][wr->n_inline] = info->df - 1;
        wr->arr[T_LEN][wr->n_inline++] = (uint32_t)info->len;
        qn_buf_put(&wr->inlines, info->bytes, info->len);
        return 0;
    case QN_TERM_LIST:
        if (wr->n_list == 0)
            wr->list_base = info->offset;
        else if (info->offset != wr->list_end)
            return QN_E_BUG;
        wr->list_end = info->offset + info->len;
        wr->arr[T_DF2][wr->n_list] = info->df - 1;
        wr->off[wr->n_list++] = wr->list_end - wr->list_base;
        return 0;
    }
    return QN_E_BUG;
}

int qn_terms_writer_add(struct qn_terms_writer *wr, struct qn_str term,
                        const struct qn_term_info *info)
{
    if (wr->rc < 0)
        return wr->rc;
    if (term.n > QN_TERM_MAX_BYTES)
        return wr->rc = QN_E_TOO_LARGE;
    size_t n = term.n < wr->last.n ? term.n : wr->last.n;
    size_t shared = qn__terms_common(term.p, wr->last.p, n);
    if (wr->any &&
        (shared == n ? term.n <= n : (uint8_t)term.p[shared] < (uint8_t)wr->last.p[shared]))
        return wr->rc = QN_E_BUG;
    if (wr->n == QN_TERMS_PER_BLOCK || estimate(wr) >= wr->opt.block_bytes)
        flush_block(wr);
    if (wr->n == 0)
        push_separator(wr, term, shared);
    wr->rc = add_info(wr, info);
    wr->pre[wr->n] = (uint32_t)shared;
    wr->len[wr->n] = (uint32_t)term.n;
    wr->kind[wr->n] = info->kind;
    wr->size_text += (uint32_t)(wr->n % QN_TERMS_PER_GROUP == 0 ? term.n : term.n - shared);
    wr->n++;
    qn_buf_put(&wr->text, term.p, term.n);
    wr->last.n = shared;
    qn_buf_put(&wr->last, term.p + shared, term.n - shared);
    wr->any = true;
    wr->max_len = term.n > wr->max_len ? (uint32_t)term.n : wr->max_len;
    wr->stats.n_terms++;
    wr->stats.term_bytes += term.n;
    wr->stats.sum_df += info->df;
    if (wr->opt.absence)
        qn_vec_push(&wr->hashes, qn_hash_str(term));
    return wr->rc;
}

static void put_hot(struct qn_terms_writer *wr, struct qn_buf *hot, uint64_t absence_at,
                    uint32_t n_buckets)
{
    size_t from = hot->n;
    uint32_t n_blocks = (uint32_t)wr->offsets.n;
    qn_buf_put(&wr->seps, wr->last.p, wr->last.n);
    qn_vec_push(&wr->sep_ends, (uint32_t)wr->seps.n);
    qn_vec_push(&wr->offsets, wr->sk->at);
    qn_vec_push(&wr->ords, wr->stats.n_terms);

    qn_buf_put(hot, QN_TERMS_MAGIC, 4);
    qn_buf_put_u16(hot, QN_TERMS_VERSION);
    qn_buf_put_u16(hot, wr->opt.absence ? 1 : 0);
    qn_buf_put_u64(hot, wr->stats.n_terms);
    qn_buf_put_u32(hot, n_blocks);
    qn_buf_put_u32(hot, (uint32_t)wr->seps.n);
    qn_buf_put_u64(hot, wr->stats.term_bytes);
    qn_buf_put_u64(hot, wr->stats.sum_df);
    qn_buf_put_u64(hot, absence_at);
    qn_buf_put_u32(hot, n_buckets);
    qn_buf_put_u32(hot, wr->max_len);
    qn_buf_put(hot, wr->offsets.p, 8 * wr->offsets.n);
    qn_buf_put(hot, wr->ords.p, 8 * wr->ords.n);
    qn_buf_put(hot, wr->heads.p, 8 * wr->heads.n);
    qn_buf_put(hot, wr->sep_ends.p, 4 * wr->sep_ends.n);
    qn_buf_put(hot, wr->seps.p, wr->seps.n);
    qn_buf_put_u32(hot, wr->opt.ops->crc32c(0, hot->p + from, hot->n - from));
}

int qn_terms_writer_finish(struct qn_terms_writer *wr, struct qn_buf *hot, struct qn_sink *absence,
                           struct qn_terms_stats *stats)
{
    if (wr->rc < 0)
        return wr->rc;
    flush_block(wr);
    uint64_t absence_at = 0;
    uint32_t n_buckets = 0;
    if (wr->opt.absence) {
        absence_at = absence->at;
        n_buckets = qn_absence_buckets(wr->stats.n_terms);
        qn_absence_write(absence, wr->opt.ops, wr->hashes.p, wr->hashes.n, n_buckets);
        wr->stats.absence_bytes = (uint64_t)n_buckets * QN_ABSENCE_BUCKET;
        if (qn_sink_failed(absence) < 0)
            return wr->rc = qn_sink_failed(absence);
    }
    put_hot(wr, hot, absence_at, n_buckets);
    if (stats != NULL)
        *stats = wr->stats;
    if (wr->seps.failed)
        return wr->rc = QN_E_TOO_LARGE;
    if (hot->failed)
        return wr->rc = QN_E_BUDGET;
    return wr->rc = qn_sink_failed(wr->sk);
}
