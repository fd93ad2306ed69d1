#include "codec/bitpack.h"

#include <string.h>

static void put_packed(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *v,
                       size_t n, uint32_t all)
{
    unsigned width = qn_bit_width(all);
    size_t bytes = qn_packed_bytes(n, width);
    qn_buf_put_u8(out, (uint8_t)width);
    if (!qn_buf_reserve(out, bytes + 8))
        return;
    ops->pack32((uint8_t *)out->p + out->n, v, n, width);
    out->n += bytes;
}

void qn_bitpack_put(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *v, size_t n)
{
    put_packed(out, ops, v, n, ops->or32(v, n));
}

/* Gaps are made and packed in pieces, which must share one width: the first pass finds it. */
void qn_bitpack_put_ids(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *ids,
                        size_t n, uint32_t prev)
{
    enum { PIECE = 256 }; /* a multiple of 8, so that pieces meet at whole bytes */
    uint32_t gaps[PIECE], all = 0, before = prev;
    for (size_t i = 0; i < n; i += PIECE) {
        size_t part = n - i < PIECE ? n - i : PIECE;
        all |= ops->deltas32(gaps, ids + i, part, before, 1);
        before = ids[i + part - 1];
    }
    if (n <= PIECE) {
        put_packed(out, ops, gaps, n, all);
        return;
    }
    unsigned width = qn_bit_width(all);
    qn_buf_put_u8(out, (uint8_t)width);
    if (!qn_buf_reserve(out, qn_packed_bytes(n, width) + 8))
        return;
    for (size_t i = 0; i < n; i += PIECE) {
        size_t part = n - i < PIECE ? n - i : PIECE;
        ops->deltas32(gaps, ids + i, part, prev, 1);
        ops->pack32((uint8_t *)out->p + out->n, gaps, part, width);
        out->n += qn_packed_bytes(part, width);
        prev = ids[i + part - 1];
    }
}

static size_t block_bytes(const uint8_t *p, const uint8_t *end, size_t n)
{
    if (p >= end || p[0] > 32)
        return 0;
    size_t bytes = 1 + qn_packed_bytes(n, p[0]);
    return bytes <= (size_t)(end - p) ? bytes : 0;
}

size_t qn_bitpack_get(uint32_t *v, const struct qn_simd_ops *ops, const uint8_t *p,
                      const uint8_t *end, size_t n)
{
    size_t bytes = block_bytes(p, end, n);
    if (bytes != 0)
        ops->unpack32(v, p + 1, n, p[0], 0);
    return bytes;
}

size_t qn_bitpack_get_ids(uint32_t *ids, const struct qn_simd_ops *ops, const uint8_t *p,
                          const uint8_t *end, size_t n, uint32_t prev)
{
    size_t bytes = block_bytes(p, end, n);
    if (bytes != 0)
        ops->unpack32_delta(ids, p + 1, n, p[0], prev, 1);
    return bytes;
}
