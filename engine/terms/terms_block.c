/* Opening one block. The header is laid out at load and everything that walking relies on is
 * checked once (check_terms, check_entries): the walk itself then trusts lengths and offsets. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/le.h"
#include "base/mem.h"
#include "terms_block_int.h"

struct qn__terms_block *qn__terms_block_new(uint32_t max_len)
{
    struct qn__terms_block *b = qn_xcalloc(1, sizeof *b);
    b->max_len = max_len;
    b->stored = qn_xmalloc(3 * ((size_t)max_len + QN_PAD));
    b->text = (char *)b->stored + max_len + QN_PAD;
    b->other = b->text + max_len + QN_PAD;
    b->block = UINT32_MAX;
    return b;
}

void qn__terms_block_free(struct qn__terms_block *b)
{
    if (b == NULL)
        return;
    qn_slice_release(&b->slice);
    free(b->inflated);
    qn_coder_free(b->coder);
    free(b->bytes);
    free(b->symbols);
    free(b->stored);
    free(b);
}

static const uint8_t max_width[T_ARRAYS] = {
    [T_PRE] = 16, [T_SUF] = 16, [T_KND] = 2,  [T_DOC] = 32, [T_AUX] = 32,
    [T_DF1] = 32, [T_LEN] = 8,  [T_DF2] = 32, [T_OFF] = 64,
};

static int bad(const struct qn__terms_block *b, const char *what, struct qn_err *err)
{
    return qn_corrupt(err, "terms block %" PRIu32 ": bad %s", b->block, what);
}

static int read_header(struct qn__terms_block *b, const uint8_t *h, struct qn_err *err)
{
    static const uint8_t with_min[] = {T_SUF, T_DOC, T_AUX, T_DF1, T_LEN, T_DF2};
    b->symbol_width = h[5];
    b->n = qn_le16(h + 6);
    b->suffix_bytes = qn_le32(h + 12);
    b->inline_bytes = qn_le32(h + 16);
    b->n_inline = qn_le16(h + 20);
    b->n_list = qn_le16(h + 22);
    memcpy(&b->list_base, h + 24, 8);
    b->fixed = h[65] != 0;
    b->template_len = h[67];
    if (b->n == 0 || b->n > QN_TERMS_PER_BLOCK || b->n_inline + b->n_list > b->n)
        return bad(b, "counts", err);
    bool bytes = b->symbol_width == 8 && h[66] == 0;
    if (!bytes && (b->symbol_width > 6 || h[66] == 0 || h[66] > QN_TERMS_SYMBOLS))
        return bad(b, "symbols", err);
    if (b->template_len != 0 && (!b->fixed || b->template_len > b->max_len))
        return bad(b, "template", err);
    b->n_one = b->n - b->n_inline - b->n_list;
    b->n_groups = (b->n + QN_TERMS_PER_GROUP - 1) / QN_TERMS_PER_GROUP;
    memset(b->min, 0, sizeof b->min);
    for (size_t i = 0; i < sizeof with_min; i++)
        b->min[with_min[i]] = qn_le32(h + 32 + 4 * i);
    for (int a = 0; a < T_ARRAYS; a++) {
        b->width[a] = h[56 + a];
        if (b->width[a] > max_width[a])
            return bad(b, "width", err);
    }
    return 0;
}

/* Where the free bytes of the template go. */
static int read_template(struct qn__terms_block *b, const uint8_t *p, struct qn_err *err)
{
    const uint8_t *mask = p + b->template_len;
    b->template_text = p;
    b->n_free = 0;
    for (uint32_t i = 0; i < b->template_len; i++)
        if (mask[i / 8] >> (i % 8) & 1)
            b->free_at[b->n_free++] = (uint8_t)i;
    b->free_at[b->n_free] = (uint8_t)b->template_len;
    return b->n_free == b->min[T_SUF] ? 0 : bad(b, "template", err);
}

/* Places the parts of the body. */
static int lay_out(struct qn__terms_block *b, const uint8_t *h, const uint8_t *body,
                   uint32_t body_len, struct qn_err *err)
{
    int rc = read_header(b, h, err);
    if (rc < 0)
        return rc;
    const uint32_t counts[T_ARRAYS] = {
        [T_PRE] = b->n,        [T_SUF] = b->n,      [T_KND] = b->n,
        [T_DOC] = b->n_one,    [T_AUX] = b->n_one,  [T_DF1] = b->n_inline,
        [T_LEN] = b->n_inline, [T_DF2] = b->n_list, [T_OFF] = b->n_list,
    };
    size_t starts[T_ARRAYS], at = 0;
    for (int a = 0; a < T_ARRAYS; a++) {
        starts[a] = at;
        at += qn_packed_bytes(counts[a], b->width[a]);
    }
    size_t groups = at, table = groups + 4 * (size_t)b->n_groups, n_table = h[66];
    size_t template = table + n_table;
    size_t suffixes = template + b->template_len + (b->template_len + 7) / 8;
    if (suffixes + b->suffix_bytes + b->inline_bytes != body_len)
        return bad(b, "lengths", err);
    for (int a = 0; a < T_ARRAYS; a++)
        b->at[a] = body + starts[a];
    b->groups = body + groups;
    b->suffixes = body + suffixes;
    b->inlines = b->suffixes + b->suffix_bytes;
    memset(b->table, 0, sizeof b->table);
    memcpy(b->table, body + table, n_table);
    return b->template_len ? read_template(b, body + template, err) : 0;
}

/* The lengths of the terms of one group, and that their suffixes fill it; *at moves to its end. */
static int check_group(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t g,
                       uint64_t *at, struct qn_err *err)
{
    uint32_t from = g * QN_TERMS_PER_GROUP;
    uint32_t n = b->n - from < QN_TERMS_PER_GROUP ? b->n - from : QN_TERMS_PER_GROUP;
    uint32_t pre[QN_TERMS_PER_GROUP + 16], suf[QN_TERMS_PER_GROUP + 16], len = 0;
    ops->unpack32(pre, b->at[T_PRE] + 4 * (size_t)g * b->width[T_PRE], n, b->width[T_PRE], 0);
    ops->unpack32(suf, b->at[T_SUF] + 4 * (size_t)g * b->width[T_SUF], n, b->width[T_SUF],
                  b->min[T_SUF]);
    uint64_t symbols = 0;
    if (pre[0] != 0 || qn_le32(b->groups + 4 * (size_t)g) != *at)
        return bad(b, "group", err);
    for (uint32_t i = 0; i < n; i++) {
        if (pre[i] > len || suf[i] > QN_TERM_MAX_BYTES || (b->fixed && pre[i] > suf[i]))
            return bad(b, "prefix", err);
        suf[i] -= b->fixed ? pre[i] : 0;
        len = pre[i] + suf[i];
        symbols += suf[i];
        if (len > b->max_len)
            return bad(b, "length", err);
    }
    *at += qn_packed_bytes(symbols, b->symbol_width);
    return *at <= b->suffix_bytes ? 0 : bad(b, "suffixes", err);
}

static int check_terms(struct qn__terms_block *b, const struct qn_simd_ops *ops, struct qn_err *err)
{
    uint64_t at = 0;
    for (uint32_t g = 0; g < b->n_groups; g++) {
        int rc = check_group(b, ops, g, &at, err);
        if (rc < 0)
            return rc;
    }
    return at == b->suffix_bytes ? 0 : bad(b, "suffixes", err);
}

static int check_entries(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                         struct qn_err *err)
{
    uint32_t n[4] = {0};
    qn__terms_block_infos(b, ops);
    for (uint32_t i = 0; i < b->n; i++)
        n[b->kind[i]]++;
    if (n[QN_TERM_INLINE] != b->n_inline || n[QN_TERM_LIST] != b->n_list || n[3] != 0)
        return bad(b, "kinds", err);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->n_inline; i++) {
        uint32_t len = b->inline_at[i + 1] - b->inline_at[i];
        if (len > QN_TERM_INLINE_MAX)
            return bad(b, "inline length", err);
        sum += len;
    }
    if (sum != b->inline_bytes)
        return bad(b, "inline lengths", err);
    uint64_t end = 0;
    for (uint32_t i = 0; i < b->n_list; i++) {
        uint64_t next = qn_packed_get(b->at[T_OFF], i, b->width[T_OFF]);
        if (next < end || next > UINT64_MAX - b->list_base)
            return bad(b, "list offsets", err);
        end = next;
    }
    return 0;
}

static int inflate(struct qn__terms_block *b, const uint8_t *p, size_t n, uint32_t body_len,
                   const uint8_t **body, struct qn_err *err)
{
    struct qn_block_head head;
    int rc = qn_block_open(&head, p, n, QN_TERMS_BODY_MAX, err);
    if (rc < 0)
        return rc;
    if (head.raw_bytes != body_len)
        return bad(b, "length", err);
    if (b->inflated_cap < head.raw_bytes) {
        free(b->inflated);
        b->inflated = qn_xaligned(head.raw_bytes);
        b->inflated_cap = head.raw_bytes;
    }
    if (b->coder == NULL)
        b->coder = qn_coder_new();
    *body = b->inflated;
    return qn_block_get(b->coder, b->inflated, &head, NULL, p, err);
}

/* Everything after the read: checksum, layout and what the walk relies on. */
static int decode(struct qn__terms_block *b, const struct qn_section *sc, uint64_t at, uint64_t n,
                  uint32_t n_terms, struct qn_err *err)
{
    const uint8_t *h = b->slice.p, *body = h + QN_TERMS_HEADER;
    bool good = qn_section_is_good(sc, at, &b->slice);
    int rc = good ? 0 : qn_section_verify(sc, at, h + 4, n - 4, qn_le32(h), err);
    if (rc < 0)
        return rc;
    uint32_t body_len = qn_le32(h + 8);
    if (h[4] == QN__TERMS_PACKED)
        rc = inflate(b, body, n - QN_TERMS_HEADER, body_len, &body, err);
    else if (h[4] != QN__TERMS_STORED || body_len != n - QN_TERMS_HEADER)
        rc = bad(b, "codec or length", err);
    if (rc == 0)
        rc = lay_out(b, h, body, body_len, err);
    if (rc < 0 || good)
        return rc;
    if (b->n != n_terms)
        return bad(b, "number of terms", err);
    rc = check_terms(b, sc->ops, err);
    if (rc == 0)
        rc = check_entries(b, sc->ops, err);
    if (rc == 0)
        qn_section_mark_good(sc, at, &b->slice);
    return rc;
}

int qn__terms_block_load(struct qn__terms_block *b, const struct qn_section *sc, uint32_t block,
                         uint64_t at, uint64_t n, uint32_t n_terms, struct qn_err *err)
{
    if (b->block == block)
        return 0;
    qn_slice_release(&b->slice);
    b->block = block;
    b->infos_ready = false;
    b->infos_asked = 0;
    b->index = 0;
    b->walked = b->group = UINT32_MAX;
    int rc =
        n < QN_TERMS_HEADER ? bad(b, "length", err) : qn_section_read(sc, at, n, &b->slice, err);
    if (rc == 0)
        rc = decode(b, sc, at, n, n_terms, err);
    if (rc < 0) {
        qn_slice_release(&b->slice);
        b->block = UINT32_MAX;
    }
    return rc;
}
