/* Reading one block. The header is laid out at load and everything the walk relies on is checked
 * once (check_terms): the walk itself then trusts lengths and offsets. */
#include <inttypes.h>
#include <stdlib.h>

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
    free(b->stored);
    free(b);
}

static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static const uint8_t max_width[T_ARRAYS] = {
    [T_PRE] = 16, [T_SUF] = 16, [T_KND] = 2,  [T_DOC] = 32, [T_AUX] = 32,
    [T_DF1] = 32, [T_LEN] = 8,  [T_DF2] = 32, [T_OFF] = 64,
};

/* Fills the fields of *b from the header and places the arrays in the body. */
static int lay_out(struct qn__terms_block *b, const uint8_t *h, const uint8_t *body,
                   uint32_t body_len, struct qn_err *err)
{
    static const uint8_t with_min[] = {T_SUF, T_DOC, T_AUX, T_DF1, T_LEN, T_DF2};
    b->n = get16(h + 6);
    b->n_inline = get16(h + 20);
    b->n_list = get16(h + 22);
    b->suffix_bytes = get32(h + 12);
    b->inline_bytes = get32(h + 16);
    b->list_base = get64(h + 24);
    b->fixed = h[65] != 0;
    if (h[5] > QN__TERMS_UUID || b->n == 0 || b->n > QN_TERMS_PER_BLOCK ||
        b->n_inline + b->n_list > b->n)
        return qn_corrupt(err, "terms block %" PRIu32 ": bad counts", b->block);
    b->form = h[5];
    b->n_one = b->n - b->n_inline - b->n_list;
    memset(b->min, 0, sizeof b->min);
    for (size_t i = 0; i < sizeof with_min; i++)
        b->min[with_min[i]] = get32(h + 32 + 4 * i);
    const uint32_t counts[T_ARRAYS] = {
        [T_PRE] = b->n,        [T_SUF] = b->n,      [T_KND] = b->n,
        [T_DOC] = b->n_one,    [T_AUX] = b->n_one,  [T_DF1] = b->n_inline,
        [T_LEN] = b->n_inline, [T_DF2] = b->n_list, [T_OFF] = b->n_list,
    };
    size_t at = 0;
    for (int a = 0; a < T_ARRAYS; a++) {
        b->width[a] = h[56 + a];
        if (b->width[a] > max_width[a])
            return qn_corrupt(err, "terms block %" PRIu32 ": bad width", b->block);
        b->at[a] = body + at;
        at += qn_packed_bytes(counts[a], b->width[a]);
    }
    uint32_t n_groups = (b->n + QN_TERMS_PER_GROUP - 1) / QN_TERMS_PER_GROUP;
    size_t groups_bytes = 4 * (size_t)n_groups;
    if (at + groups_bytes + b->suffix_bytes + b->inline_bytes != body_len)
        return qn_corrupt(err, "terms block %" PRIu32 ": arrays and body differ in length",
                          b->block);
    b->groups = body + at;
    b->suffixes = b->groups + groups_bytes;
    b->inlines = b->suffixes + b->suffix_bytes;
    return 0;
}

static void ready_lens(struct qn__terms_block *b, const struct qn_simd_ops *ops)
{
    if (b->lens_ready)
        return;
    ops->unpack32(b->pre, b->at[T_PRE], b->n, b->width[T_PRE], 0);
    ops->unpack32(b->suf, b->at[T_SUF], b->n, b->width[T_SUF], b->min[T_SUF]);
    if (b->fixed)
        for (uint32_t i = 0; i < b->n; i++)
            b->suf[i] -= b->pre[i];
    b->lens_ready = true;
}

static void ready_infos(struct qn__terms_block *b, const struct qn_simd_ops *ops)
{
    uint32_t ranks[4] = {0};
    ops->unpack32(b->scratch, b->at[T_KND], b->n, b->width[T_KND], 0);
    for (uint32_t i = 0; i < b->n; i++) {
        b->kind[i] = (uint8_t)b->scratch[i];
        b->rank[i] = ranks[b->kind[i]]++;
    }
    ops->unpack32(b->scratch, b->at[T_LEN], b->n_inline, b->width[T_LEN], b->min[T_LEN]);
    uint32_t at = 0;
    for (uint32_t i = 0; i < b->n_inline; i++) {
        b->inline_at[i] = at;
        at += b->scratch[i];
    }
    b->inline_at[b->n_inline] = at;
    b->infos_ready = true;
}

static int check_lens(const struct qn__terms_block *b, struct qn_err *err)
{
    uint64_t suffixes = 0;
    uint32_t len = 0;
    for (uint32_t i = 0; i < b->n; i++) {
        if (i % QN_TERMS_PER_GROUP == 0) {
            if (b->pre[i] != 0 || get32(b->groups + 4 * (i / QN_TERMS_PER_GROUP)) != suffixes)
                return qn_corrupt(err, "terms block %" PRIu32 ": bad group", b->block);
        } else if (b->pre[i] > len) {
            return qn_corrupt(err, "terms block %" PRIu32 ": bad prefix", b->block);
        }
        len = b->pre[i] + b->suf[i];
        suffixes += b->suf[i];
        if (b->suf[i] > b->suffix_bytes || qn__terms_text_len(b->form, len) > b->max_len ||
            (b->form == QN__TERMS_UUID && len != 16))
            return qn_corrupt(err, "terms block %" PRIu32 ": bad length", b->block);
    }
    if (suffixes != b->suffix_bytes)
        return qn_corrupt(err, "terms block %" PRIu32 ": suffixes do not add up", b->block);
    return 0;
}

static int check_infos(const struct qn__terms_block *b, struct qn_err *err)
{
    uint32_t n[4] = {0};
    for (uint32_t i = 0; i < b->n; i++)
        n[b->kind[i]]++;
    if (n[QN_TERM_INLINE] != b->n_inline || n[QN_TERM_LIST] != b->n_list || n[3] != 0)
        return qn_corrupt(err, "terms block %" PRIu32 ": bad kinds", b->block);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < b->n_inline; i++) {
        uint32_t len = b->inline_at[i + 1] - b->inline_at[i];
        if (len > QN_TERM_INLINE_MAX)
            return qn_corrupt(err, "terms block %" PRIu32 ": bad inline length", b->block);
        sum += len;
    }
    if (sum != b->inline_bytes)
        return qn_corrupt(err, "terms block %" PRIu32 ": inline bytes do not add up", b->block);
    uint64_t end = 0;
    for (uint32_t i = 0; i < b->n_list; i++) {
        uint64_t next = qn_packed_get(b->at[T_OFF], i, b->width[T_OFF]);
        if (next < end || next > UINT64_MAX - b->list_base)
            return qn_corrupt(err, "terms block %" PRIu32 ": bad list offsets", b->block);
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
        return qn_corrupt(err, "terms block %" PRIu32 ": bad length", b->block);
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

/* Everything after the checksum: layout and what the walk relies on. */
static int decode(struct qn__terms_block *b, const struct qn_section *sc, uint64_t at, uint64_t n,
                  uint32_t n_terms, struct qn_err *err)
{
    const uint8_t *h = b->slice.p;
    bool good = qn_section_is_good(sc, at, &b->slice);
    if (!good) {
        int rc = qn_section_verify(sc, at, h + 4, n - 4, get32(h), err);
        if (rc < 0)
            return rc;
    }
    uint32_t body_len = get32(h + 8);
    const uint8_t *body = h + QN_TERMS_HEADER;
    int rc = 0;
    if (h[4] == QN__TERMS_PACKED)
        rc = inflate(b, body, n - QN_TERMS_HEADER, body_len, &body, err);
    else if (h[4] != QN__TERMS_STORED || body_len != n - QN_TERMS_HEADER)
        rc = qn_corrupt(err, "terms block %" PRIu32 ": bad codec or length", b->block);
    if (rc == 0)
        rc = lay_out(b, h, body, body_len, err);
    if (rc < 0 || good)
        return rc;
    if (b->n != n_terms)
        return qn_corrupt(err, "terms block %" PRIu32 ": wrong number of terms", b->block);
    ready_lens(b, sc->ops);
    ready_infos(b, sc->ops);
    rc = check_lens(b, err);
    if (rc == 0)
        rc = check_infos(b, err);
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
    b->lens_ready = b->infos_ready = false;
    b->infos_asked = 0;
    b->index = 0;
    b->walked = UINT32_MAX;
    int rc = n < QN_TERMS_HEADER ? qn_corrupt(err, "terms block %" PRIu32 ": too short", block)
                                 : qn_section_read(sc, at, n, &b->slice, err);
    if (rc == 0)
        rc = decode(b, sc, at, n, n_terms, err);
    if (rc < 0) {
        qn_slice_release(&b->slice);
        b->block = UINT32_MAX;
    }
    return rc;
}

static uint32_t group_head(const struct qn__terms_block *b, uint32_t g, const uint8_t **p)
{
    *p = b->suffixes + get32(b->groups + 4 * g);
    return b->suf[g * QN_TERMS_PER_GROUP];
}

/* Order of the head of group g and the key, as text. */
static int compare_head(struct qn__terms_block *b, uint32_t g, struct qn_str key)
{
    const uint8_t *p;
    uint32_t n = group_head(b, g, &p);
    if (b->form == QN__TERMS_TEXT)
        return qn_str_cmp(qn_str_make(p, n), key);
    qn__terms_unpack_form(b->form, p, n, b->other);
    return qn_str_cmp(qn_str_make(b->other, qn__terms_text_len(b->form, n)), key);
}

/* The last group whose head is <= key, or 0. */
static uint32_t find_group(struct qn__terms_block *b, struct qn_str key)
{
    uint32_t lo = 0, hi = (b->n + QN_TERMS_PER_GROUP - 1) / QN_TERMS_PER_GROUP;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (compare_head(b, mid, key) <= 0)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* Walks a group by the lengths alone: `match` bytes of the key equal the term before, which is less
 * than the key. A term that shares more than that is less too; one that shares fewer is greater. */
static uint32_t search_group(const struct qn__terms_block *b, uint32_t g, const uint8_t *key,
                             size_t n_key, bool *equal)
{
    uint32_t i = g * QN_TERMS_PER_GROUP;
    uint32_t end = i + QN_TERMS_PER_GROUP < b->n ? i + QN_TERMS_PER_GROUP : b->n;
    const uint8_t *p = b->suffixes + get32(b->groups + 4 * g);
    size_t match = 0;
    for (; i < end; p += b->suf[i], i++) {
        if (b->pre[i] > match)
            continue;
        if (b->pre[i] < match)
            return i;
        size_t left = n_key - match, n = b->suf[i] < left ? b->suf[i] : left;
        size_t same = qn__terms_common(p, key + match, n);
        if (same < n ? p[same] > key[match + same] : b->suf[i] >= left) {
            *equal = same == n && b->suf[i] == left;
            return i;
        }
        match += same;
    }
    return end;
}

uint32_t qn__terms_block_search(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                                struct qn_str key, bool *equal)
{
    *equal = false;
    ready_lens(b, ops);
    uint32_t g = find_group(b, key);
    if (b->form == QN__TERMS_TEXT)
        return search_group(b, g, (const uint8_t *)key.p, key.n, equal);
    size_t n =
        key.n <= b->max_len ? qn__terms_pack_form(b->form, key, (uint8_t *)b->other) : SIZE_MAX;
    if (n != SIZE_MAX)
        return search_group(b, g, (const uint8_t *)b->other, n, equal);
    /* A key that the form cannot express, such as a prefix: compare as text. */
    uint32_t i = g * QN_TERMS_PER_GROUP;
    qn__terms_block_goto(b, ops, i);
    while (qn_str_cmp(qn__terms_block_term(b), key) < 0 && ++i < b->n)
        qn__terms_block_step(b);
    return i;
}

void qn__terms_block_goto(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index)
{
    ready_lens(b, ops);
    uint32_t head = index - index % QN_TERMS_PER_GROUP;
    if (b->walked == UINT32_MAX || b->walked > index || b->walked < head) {
        const uint8_t *p;
        b->stored_len = group_head(b, head / QN_TERMS_PER_GROUP, &p);
        memcpy(b->stored, p, b->stored_len);
        b->suffix_at = get32(b->groups + 4 * (head / QN_TERMS_PER_GROUP)) + b->stored_len;
        b->walked = head;
    }
    while (b->walked < index)
        qn__terms_block_step(b);
}

uint32_t qn__terms_block_step(struct qn__terms_block *b)
{
    uint32_t i = ++b->walked, pre = b->pre[i], suf = b->suf[i];
    const uint8_t *p = b->suffixes + b->suffix_at;
    uint32_t shared = pre;
    if (i % QN_TERMS_PER_GROUP == 0)
        shared =
            (uint32_t)qn__terms_common(b->stored, p, suf < b->stored_len ? suf : b->stored_len);
    /* Most suffixes are short; the copy of a fixed 16 bytes stays within the padding of both. */
    if (suf <= 16)
        memcpy(b->stored + pre, p, 16);
    else
        memcpy(b->stored + pre, p, suf);
    b->stored_len = pre + suf;
    b->suffix_at += suf;
    return shared;
}

struct qn_str qn__terms_block_term(struct qn__terms_block *b)
{
    if (b->form == QN__TERMS_TEXT)
        return qn_str_make(b->stored, b->stored_len);
    qn__terms_unpack_form(b->form, b->stored, b->stored_len, b->text);
    return qn_str_make(b->text, qn__terms_text_len(b->form, b->stored_len));
}

/* Kind, rank among its kind and start of the inline bytes of one term, without the arrays. */
static enum qn_term_kind find_info(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                                   uint32_t index, uint32_t *rank, uint32_t *inline_at)
{
    enum qn_term_kind kind =
        b->width[T_KND] ? (enum qn_term_kind)qn_packed_get(b->at[T_KND], index, b->width[T_KND])
                        : QN_TERM_ONE;
    *rank = index;
    *inline_at = 0;
    if (b->width[T_KND] != 0) {
        ops->unpack32(b->scratch, b->at[T_KND], index, b->width[T_KND], 0);
        *rank = 0;
        for (uint32_t i = 0; i < index; i++)
            *rank += b->scratch[i] == kind;
    }
    if (kind == QN_TERM_INLINE) {
        ops->unpack32(b->scratch, b->at[T_LEN], *rank, b->width[T_LEN], b->min[T_LEN]);
        for (uint32_t i = 0; i < *rank; i++)
            *inline_at += b->scratch[i];
    }
    return kind;
}

static uint32_t value(const struct qn__terms_block *b, enum qn__terms_array a, uint32_t i)
{
    unsigned w = b->width[a];
    return b->min[a] + (w ? (uint32_t)qn_packed_get(b->at[a], i, w) : 0);
}

void qn__terms_block_info(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index,
                          struct qn_term_info *info)
{
    uint32_t rank, inline_at;
    *info = (struct qn_term_info){0};
    /* A look-up asks once; whoever asks twice is walking. */
    if (!b->infos_ready && b->infos_asked++ > 0)
        ready_infos(b, ops);
    if (b->infos_ready) {
        info->kind = b->kind[index];
        rank = b->rank[index];
        inline_at = info->kind == QN_TERM_INLINE ? b->inline_at[rank] : 0;
    } else {
        info->kind = find_info(b, ops, index, &rank, &inline_at);
    }
    switch (info->kind) {
    case QN_TERM_ONE:
        info->df = 1;
        info->doc = value(b, T_DOC, rank);
        info->aux = value(b, T_AUX, rank);
        break;
    case QN_TERM_INLINE:
        info->df = value(b, T_DF1, rank) + 1;
        info->len = value(b, T_LEN, rank);
        info->bytes = b->inlines + inline_at;
        break;
    case QN_TERM_LIST: {
        unsigned w = b->width[T_OFF];
        uint64_t from = rank && w ? qn_packed_get(b->at[T_OFF], rank - 1, w) : 0;
        uint64_t to = w ? qn_packed_get(b->at[T_OFF], rank, w) : 0;
        info->df = value(b, T_DF2, rank) + 1;
        info->offset = b->list_base + from;
        info->len = to - from;
        break;
    }
    }
}
