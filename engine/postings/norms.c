#include "postings/norms.h"

#include <inttypes.h>

#include "base/bits.h"
#include "base/le.h"

/* Lucene's SmallFloat: 4 bits of mantissa (one implied) with an exponent, and the 24 codes that
 * this leaves unused spent on the smallest lengths. */
enum { FREE_VALUES = 24 };

static uint32_t encode4(uint32_t v)
{
    unsigned bits = qn_bit_width(v);
    if (bits < 4)
        return v;
    unsigned shift = bits - 4;
    return ((v >> shift) & 7) | (shift + 1) << 3;
}

static uint32_t decode4(uint32_t code)
{
    uint32_t bits = code & 7, shift = code >> 3;
    return shift == 0 ? bits : (bits | 8) << (shift - 1);
}

uint8_t qn_norm_encode(uint32_t length)
{
    if (length > INT32_MAX)
        length = INT32_MAX;
    return (uint8_t)(length < FREE_VALUES ? length : FREE_VALUES + encode4(length - FREE_VALUES));
}

uint32_t qn_norm_decode(uint8_t norm)
{
    return norm < FREE_VALUES ? norm : FREE_VALUES + decode4(norm - FREE_VALUES);
}

enum { BLOCK_DOCS = 65536 };

void qn_norms_write(struct qn_sink *sk, const struct qn_simd_ops *ops, const uint8_t *norms,
                    uint32_t n_docs, struct qn_buf *hot)
{
    size_t from = hot->n;
    qn_buf_put_u32(hot, n_docs);
    qn_buf_put_u64(hot, sk->at);
    for (uint64_t at = 0; at < n_docs; at += BLOCK_DOCS) {
        size_t n = n_docs - at < BLOCK_DOCS ? (size_t)(n_docs - at) : BLOCK_DOCS;
        qn_buf_put_u32(hot, ops->crc32c(0, norms + at, n));
    }
    qn_buf_put_u32(hot, ops->crc32c(0, hot->p + from, hot->n - from));
    qn_sink_put(sk, norms, n_docs);
}

int qn_norms_open(struct qn_norms *nr, struct qn_str hot, const struct qn_section *sc,
                  struct qn_err *err)
{
    *nr = (struct qn_norms){.sc = sc};
    if (hot.n < 16 || sc->ops->crc32c(0, hot.p, hot.n - 4) != qn_le32(hot.p + hot.n - 4))
        return qn_corrupt(err, "norms: wrong checksum of the hot part");
    uint32_t n_docs = qn_le32(hot.p);
    uint64_t n_blocks = ((uint64_t)n_docs + BLOCK_DOCS - 1) / BLOCK_DOCS;
    memcpy(&nr->offset, hot.p + 4, 8);
    if (hot.n != 16 + 4 * n_blocks || nr->offset > sc->n || n_docs > sc->n - nr->offset)
        return qn_corrupt(err, "norms: %" PRIu32 " documents do not fit", n_docs);
    nr->crcs = (const uint8_t *)hot.p + 12;
    nr->n_docs = n_docs;
    return 0;
}

int qn_norms_read(const struct qn_norms *nr, uint32_t block, struct qn_slice *out,
                  struct qn_err *err)
{
    *out = (struct qn_slice){0};
    uint64_t at = (uint64_t)block * BLOCK_DOCS;
    if (at >= nr->n_docs)
        return qn_fail(err, QN_E_RANGE, "norms: no block %" PRIu32, block);
    size_t n = nr->n_docs - at < BLOCK_DOCS ? (size_t)(nr->n_docs - at) : BLOCK_DOCS;
    int rc = qn_section_read(nr->sc, nr->offset + at, n, out, err);
    if (rc < 0 || qn_section_is_good(nr->sc, nr->offset + at, out))
        return rc;
    uint32_t crc;
    memcpy(&crc, nr->crcs + 4 * (size_t)block, 4);
    rc = qn_section_verify(nr->sc, nr->offset + at, out->p, n, crc, err);
    if (rc == 0)
        qn_section_mark_good(nr->sc, nr->offset + at, out);
    else
        qn_slice_release(out);
    return rc;
}
