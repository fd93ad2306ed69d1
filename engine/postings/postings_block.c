#include "postings_block_int.h"

#include "base/varint.h"

uint8_t qn__block_put_docs(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *docs,
                           uint32_t n)
{
    uint32_t gaps[QN_POSTINGS_BLOCK + 16];
    uint32_t span = docs[n - 1] - docs[0] + 1;
    uint32_t all = n > 1 ? ops->deltas32(gaps, docs + 1, n - 1, docs[0], 1) : 0;
    unsigned width = qn_bit_width(all);
    if (width == 0)
        return 0;
    /* A bit set may cost four bits a document more than gaps: windows are then filled five times as
     * fast and probes need no decoding, for about 1 % of an index of real logs. */
    if (span <= (uint64_t)n * (width + 4)) {
        size_t bytes = ((size_t)span + 7) / 8;
        uint64_t bits[QN_BITSET_MAX / 64 + 1] = {0};
        ops->bits_from_ids(bits, docs, n, docs[0]);
        qn_buf_put(out, bits, bytes);
        return QN_KIND_BITSET;
    }
    size_t bytes = qn_packed_bytes(n - 1, width);
    if (qn_buf_reserve(out, bytes + 8)) {
        ops->pack32((uint8_t *)out->p + out->n, gaps, n - 1, width);
        out->n += bytes;
    }
    return (uint8_t)width;
}

size_t qn__block_docs_bytes(const struct qn__block_shape *sh)
{
    uint64_t span = (uint64_t)sh->last - sh->first + 1;
    if (sh->first > sh->last || sh->n == 0 || sh->n > QN_POSTINGS_BLOCK || sh->n > span)
        return SIZE_MAX;
    if (sh->kind == QN_KIND_BITSET)
        return span <= QN_BITSET_MAX ? ((size_t)span + 7) / 8 : SIZE_MAX;
    if (sh->kind > 32 || (sh->kind == 0 && span != sh->n))
        return SIZE_MAX;
    return qn_packed_bytes(sh->n - 1, sh->kind);
}

static int get_bitset(uint32_t *ids, const struct qn_simd_ops *ops, const uint8_t *body,
                      const struct qn__block_shape *sh, struct qn_err *err)
{
    uint32_t span = sh->last - sh->first + 1;
    size_t words = qn_bits_words(span);
    uint64_t bits[QN_BITSET_MAX / 64 + 1];
    memcpy(bits, body, words * 8);
    if (span % 64 != 0)
        bits[words - 1] &= (1ull << (span % 64)) - 1;
    if (ops->popcount(bits, words) != sh->n || !(bits[0] & 1) || !qn_bit_get(bits, span - 1))
        return qn_corrupt(err, "postings: a bit set does not hold what its block says");
    ops->ids_from_bits(ids, bits, words, sh->first);
    return 0;
}

int qn__block_get_docs(uint32_t *ids, const struct qn_simd_ops *ops, const uint8_t *body,
                       const struct qn__block_shape *sh, struct qn_err *err)
{
    uint32_t n = sh->n;
    if (sh->kind == QN_KIND_BITSET)
        return get_bitset(ids, ops, body, sh, err);
    ids[0] = sh->first;
    if (n > 1)
        ops->unpack32_delta(ids + 1, body, n - 1, sh->kind, sh->first, 1);
    if (QN_UNLIKELY(ids[n - 1] != sh->last))
        return qn_corrupt(err, "postings: a block does not end at its last document");
    /* Narrower gaps cannot wrap: 255 * 2^24 < 2^32, so the right end means that all is right. */
    if (QN_UNLIKELY(sh->kind > 23))
        for (uint32_t i = 1; i < n; i++)
            if (ids[i] <= ids[i - 1])
                return qn_corrupt(err, "postings: documents do not ascend");
    return 0;
}

void qn__block_put_codes(struct qn_buf *out, const struct qn_simd_ops *ops,
                         const struct qn__block_codes *bc)
{
    uint32_t v[QN_POSTINGS_BLOCK];
    uint8_t min = 255, max = 0;
    for (uint32_t i = 0; i < bc->n; i++) {
        min = bc->codes[i] < min ? bc->codes[i] : min;
        max = bc->codes[i] > max ? bc->codes[i] : max;
    }
    for (uint32_t i = 0; i < bc->n; i++)
        v[i] = (uint32_t)bc->codes[i] - min;
    unsigned width = qn_bit_width((uint64_t)max - min);
    qn_buf_put_u8(out, min);
    qn_buf_put_u8(out, (uint8_t)width);
    if (qn_buf_reserve(out, qn_packed_bytes(bc->n, width) + 8)) {
        ops->pack32((uint8_t *)out->p + out->n, v, bc->n, width);
        out->n += qn_packed_bytes(bc->n, width);
    }
    for (uint32_t i = 0; i < bc->n_escapes; i++) {
        qn_buf_put_varint(out, bc->escapes[i].tf);
        qn_buf_put_u8(out, bc->escapes[i].norm);
    }
}

static int get_escapes(struct qn__block_codes *bc, const uint8_t *p, const uint8_t *end,
                       struct qn_err *err)
{
    const uint8_t *from = p;
    for (uint32_t i = 0; i < bc->n; i++) {
        if (bc->codes[i] != QN_IMPACT_ESCAPE)
            continue;
        uint64_t tf;
        size_t used = qn_varint_get(p, end, &tf);
        if (used == 0 || tf == 0 || tf > UINT32_MAX || p + used == end)
            return qn_corrupt(err, "postings: bad escaped code");
        bc->escapes[bc->n_escapes++] = (struct qn_escape){i, (uint32_t)tf, p[used]};
        p += used + 1;
    }
    return (int)(p - from);
}

int qn__block_get_codes(struct qn__block_codes *bc, const struct qn_simd_ops *ops, const uint8_t *p,
                        const uint8_t *end, struct qn_err *err)
{
    uint32_t v[QN_POSTINGS_BLOCK + 16];
    uint8_t narrow[QN_POSTINGS_BLOCK];
    bc->n_escapes = 0;
    if (end - p < 2 || p[1] > 8 || (size_t)(end - p) - 2 < qn_packed_bytes(bc->n, p[1]))
        return qn_corrupt(err, "postings: codes do not fit into their block");
    ops->unpack32(v, p + 2, bc->n, p[1], p[0]);
    for (uint32_t i = bc->n; i < QN_POSTINGS_BLOCK; i++)
        v[i] = 0;
    /* A constant count into an array of its own is what compilers vectorise. */
    for (uint32_t i = 0; i < QN_POSTINGS_BLOCK; i++)
        narrow[i] = (uint8_t)v[i];
    memcpy(bc->codes, narrow, sizeof narrow);
    size_t used = 2 + qn_packed_bytes(bc->n, p[1]);
    if (ops->max8(bc->codes, bc->n) != QN_IMPACT_ESCAPE)
        return (int)used;
    int rc = get_escapes(bc, p + used, end, err);
    return rc < 0 ? rc : (int)used + rc;
}

/* The width that makes a chunk smallest, counting an index and the high bits per exception. */
static unsigned choose_width(const uint32_t *gaps, size_t n)
{
    uint32_t wider[34] = {0}; /* numbers of more than w bits */
    for (size_t i = 0; i < n; i++)
        wider[qn_bit_width(gaps[i])]++;
    unsigned max = 32;
    while (max > 0 && wider[max] == 0)
        max--;
    unsigned best = max;
    size_t best_bytes = qn_packed_bytes(n, max);
    uint32_t exceptions = 0;
    for (unsigned w = max; w-- > 0;) {
        exceptions += wider[w + 1];
        size_t extra = exceptions * (1 + (size_t)(max - w + 6) / 7);
        if (exceptions > 255)
            break;
        size_t bytes = qn_packed_bytes(n, w) + extra;
        if (bytes < best_bytes) {
            best = w;
            best_bytes = bytes;
        }
    }
    return best;
}

static void put_chunk(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *gaps,
                      uint32_t n)
{
    unsigned width = choose_width(gaps, n);
    uint32_t low[QN_POSTINGS_BLOCK], mask = width < 32 ? (1u << width) - 1 : UINT32_MAX;
    uint32_t exceptions = 0;
    for (uint32_t i = 0; i < n; i++) {
        low[i] = gaps[i] & mask;
        exceptions += low[i] != gaps[i];
    }
    qn_buf_put_u8(out, (uint8_t)width);
    qn_buf_put_u8(out, (uint8_t)exceptions);
    if (qn_buf_reserve(out, qn_packed_bytes(n, width) + 8)) {
        ops->pack32((uint8_t *)out->p + out->n, low, n, width);
        out->n += qn_packed_bytes(n, width);
    }
    for (uint32_t i = 0; i < n && exceptions != 0; i++)
        if (low[i] != gaps[i]) {
            qn_buf_put_u8(out, (uint8_t)i);
            qn_buf_put_varint(out, (uint64_t)gaps[i] >> width);
        }
}

void qn__positions_put(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *gaps,
                       size_t n)
{
    for (size_t i = 0; i < n; i += QN_POSTINGS_BLOCK)
        put_chunk(out, ops, gaps + i,
                  (uint32_t)(n - i < QN_POSTINGS_BLOCK ? n - i : QN_POSTINGS_BLOCK));
}

int qn__positions_get(uint32_t *gaps, const struct qn_simd_ops *ops, const uint8_t *p,
                      const uint8_t *end, size_t n, struct qn_err *err)
{
    for (size_t i = 0; i < n; i += QN_POSTINGS_BLOCK) {
        uint32_t m = (uint32_t)(n - i < QN_POSTINGS_BLOCK ? n - i : QN_POSTINGS_BLOCK);
        if (end - p < 2 || p[0] > 32 || (size_t)(end - p) - 2 < qn_packed_bytes(m, p[0]))
            return qn_corrupt(err, "postings: positions do not fit into their block");
        unsigned width = p[0], exceptions = p[1];
        ops->unpack32(gaps + i, p + 2, m, width, 0);
        p += 2 + qn_packed_bytes(m, width);
        for (; exceptions > 0; exceptions--) {
            uint64_t high;
            size_t used = p < end ? qn_varint_get(p + 1, end, &high) : 0;
            if (used == 0 || p[0] >= m || width == 32)
                return qn_corrupt(err, "postings: bad position");
            gaps[i + p[0]] |= (uint32_t)(high << width);
            p += 1 + used;
        }
    }
    return 0;
}
