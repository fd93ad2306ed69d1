/* Searching and walking a block that is laid out and checked. */
#include <stdlib.h>

#include "base/le.h"
#include "base/mem.h"
#include "terms_block_int.h"

static void grow_bytes(struct qn__terms_block *b, size_t n)
{
    if (b->bytes != NULL && n <= b->bytes_cap)
        return;
    free(b->bytes);
    free(b->symbols);
    b->bytes_cap = 2 * n + 256;
    b->bytes = qn_xmalloc(b->bytes_cap + QN_PAD);
    b->symbols = qn_xmalloc((b->bytes_cap + 16) * sizeof *b->symbols);
}

void qn__terms_block_group(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t g)
{
    if (b->group == g)
        return;
    uint32_t from = g * QN_TERMS_PER_GROUP;
    uint32_t n = b->n - from < QN_TERMS_PER_GROUP ? b->n - from : QN_TERMS_PER_GROUP;
    /* 32 values of any width end on a byte. */
    ops->unpack32(b->pre, b->at[T_PRE] + 4 * (size_t)g * b->width[T_PRE], n, b->width[T_PRE], 0);
    ops->unpack32(b->suf, b->at[T_SUF] + 4 * (size_t)g * b->width[T_SUF], n, b->width[T_SUF],
                  b->min[T_SUF]);
    if (b->fixed)
        for (uint32_t i = 0; i < n; i++)
            b->suf[i] -= b->pre[i];
    b->group = g;
    b->suffix = b->suffixes + qn_le32(b->groups + 4 * (size_t)g);
    if (b->symbol_width == 8)
        return;
    size_t symbols = 0;
    for (uint32_t i = 0; i < n; i++)
        symbols += b->suf[i];
    grow_bytes(b, symbols);
    ops->unpack32(b->symbols, b->suffix, symbols, b->symbol_width, 0);
    for (size_t i = 0; i < symbols; i++)
        b->bytes[i] = b->table[b->symbols[i] % QN_TERMS_SYMBOLS];
    b->suffix = b->bytes;
}

/* A key in stored form, or false when it does not fit the template. */
static bool reduce_key(const struct qn__terms_block *b, struct qn_str key, uint8_t *out)
{
    if (key.n != b->template_len)
        return false;
    uint32_t next = 0;
    for (uint32_t i = 0; i < b->template_len; i++) {
        if (i == b->free_at[next] && next < b->n_free)
            out[next++] = (uint8_t)key.p[i];
        else if ((uint8_t)key.p[i] != b->template_text[i])
            return false;
    }
    return true;
}

static size_t expand(const struct qn__terms_block *b, const uint8_t *stored, char *out)
{
    memcpy(out, b->template_text, b->template_len);
    for (uint32_t i = 0; i < b->n_free; i++)
        out[b->free_at[i]] = (char)stored[i];
    return b->template_len;
}

/* Order of the head of group g and the key, both as stored: heads are decoded as far as they agree.
 */
static int compare_head(const struct qn__terms_block *b, uint32_t g, const uint8_t *key, size_t n)
{
    const uint8_t *p = b->suffixes + qn_le32(b->groups + 4 * (size_t)g);
    size_t len = b->min[T_SUF];
    if (b->width[T_SUF] != 0)
        len += qn_packed_get(b->at[T_SUF], (size_t)g * QN_TERMS_PER_GROUP, b->width[T_SUF]);
    size_t m = len < n ? len : n;
    if (b->symbol_width == 8) {
        int c = m ? memcmp(p, key, m) : 0;
        return c ? c : (len > n) - (len < n);
    }
    for (size_t i = 0; i < m; i++) {
        uint8_t c = b->table[qn_packed_get(p, i, b->symbol_width) % QN_TERMS_SYMBOLS];
        if (c != key[i])
            return c < key[i] ? -1 : 1;
    }
    return (len > n) - (len < n);
}

/* The last group whose head is <= key, or 0. */
static uint32_t find_group(const struct qn__terms_block *b, const uint8_t *key, size_t n)
{
    uint32_t lo = 0, hi = b->n_groups;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (compare_head(b, mid, key, n) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* Walks the decoded group by the lengths alone: `match` bytes of the key equal the term before,
 * which is less than the key. A term that shares more than that is less too; one that shares fewer
 * is greater. */
static uint32_t search_group(const struct qn__terms_block *b, const uint8_t *key, size_t n_key,
                             bool *equal)
{
    uint32_t from = b->group * QN_TERMS_PER_GROUP;
    uint32_t n = b->n - from < QN_TERMS_PER_GROUP ? b->n - from : QN_TERMS_PER_GROUP;
    const uint8_t *p = b->suffix;
    size_t match = 0;
    for (uint32_t i = 0; i < n; p += b->suf[i], i++) {
        if (b->pre[i] > match)
            continue;
        if (b->pre[i] < match)
            return from + i;
        size_t left = n_key - match, most = b->suf[i] < left ? b->suf[i] : left;
        size_t same = qn__terms_common(p, key + match, most);
        if (same < most ? p[same] > key[match + same] : b->suf[i] >= left) {
            *equal = same == most && b->suf[i] == left;
            return from + i;
        }
        match += same;
    }
    return from + n;
}

/* The same for a key that the template cannot express, such as a prefix: compared as text. */
static uint32_t search_text(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                            struct qn_str key)
{
    uint32_t lo = 0, hi = b->n_groups;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        qn__terms_block_goto(b, ops, mid * QN_TERMS_PER_GROUP);
        if (qn_str_cmp(qn__terms_block_term(b), key) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    uint32_t i = lo * QN_TERMS_PER_GROUP;
    qn__terms_block_goto(b, ops, i);
    while (qn_str_cmp(qn__terms_block_term(b), key) < 0 && ++i < b->n)
        qn__terms_block_step(b, ops);
    return i;
}

uint32_t qn__terms_block_search(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                                struct qn_str key, bool *equal)
{
    *equal = false;
    const uint8_t *p = (const uint8_t *)key.p;
    size_t n = key.n;
    if (b->template_len != 0) {
        if (!reduce_key(b, key, (uint8_t *)b->other))
            return search_text(b, ops, key);
        p = (const uint8_t *)b->other;
        n = b->n_free;
    }
    qn__terms_block_group(b, ops, find_group(b, p, n));
    return search_group(b, p, n, equal);
}

/* Most suffixes are short; the copy of a fixed 16 bytes stays within the padding of both sides. */
static inline void copy_suffix(uint8_t *to, const uint8_t *from, uint32_t n)
{
    if (n <= 16)
        memcpy(to, from, 16);
    else
        memcpy(to, from, n);
}

static void to_head(struct qn__terms_block *b, uint32_t head)
{
    b->stored_len = b->suf[0];
    copy_suffix(b->stored, b->suffix, b->suf[0]);
    b->suffix_at = b->suf[0];
    b->walked = head;
}

void qn__terms_block_goto(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index)
{
    uint32_t g = index / QN_TERMS_PER_GROUP;
    bool ahead = b->walked <= index && b->walked / QN_TERMS_PER_GROUP == g && b->group == g;
    qn__terms_block_group(b, ops, g);
    if (!ahead)
        to_head(b, g * QN_TERMS_PER_GROUP);
    while (b->walked < index)
        qn__terms_block_step(b, ops);
}

uint32_t qn__terms_block_step(struct qn__terms_block *b, const struct qn_simd_ops *ops)
{
    uint32_t i = b->walked + 1, k = i % QN_TERMS_PER_GROUP, shared;
    if (k == 0) {
        qn__terms_block_group(b, ops, i / QN_TERMS_PER_GROUP);
        uint32_t n = b->suf[0] < b->stored_len ? b->suf[0] : b->stored_len;
        shared = (uint32_t)qn__terms_common(b->stored, b->suffix, n);
        to_head(b, i);
    } else {
        shared = b->pre[k];
        copy_suffix(b->stored + shared, b->suffix + b->suffix_at, b->suf[k]);
        b->stored_len = shared + b->suf[k];
        b->suffix_at += b->suf[k];
        b->walked = i;
    }
    return b->template_len ? b->free_at[shared] : shared;
}

struct qn_str qn__terms_block_term(struct qn__terms_block *b)
{
    if (b->template_len == 0)
        return qn_str_make(b->stored, b->stored_len);
    return qn_str_make(b->text, expand(b, b->stored, b->text));
}
