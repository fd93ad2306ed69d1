/* Blocks of up to 1,024 u64: the codec with the fewest bytes is chosen per block by exact cost.
 *
 *     OFFSET SIZE FIELD
 *     0      1    codec id (enum qn_ints_codec)
 *     1      1    width of the packed values, 0..64
 *     2      2    n, 1..1024
 *     4      ..   varint base, varint mul: every value is base + mul * q (modulo 2^64)
 *     ..     ..   what the codec adds:
 *                 CONST    nothing; q = 0
 *                 FOR      packed q
 *                 LINEAR   zigzag slope, zigzag low; packed q[i] - slope * i - low
 *                 DELTA    zigzag start, zigzag low; packed d[i] - low, q = start + sum of d
 *                 DELTA2   zigzag start, zigzag start2, zigzag low; packed; two sums
 *                 RLE      varint runs, u8 width of lengths; packed q of the runs; packed length -
 * 1 DICT     varint entries, u8 width of entries; packed ascending q; packed ordinals
 *
 * Integers are little-endian; packed means the horizontal order of simd/ops.h. A block knows its
 * own length. base is the smallest value and mul the greatest common divisor of the distances to
 * it, so that order is kept: ranges become ranges of q and are answered on the packed bytes by
 * CONST, FOR, RLE and DICT. i64 and f64 come in through order-keeping maps (qn_u64_of_i64,
 * _of_f64).
 *
 * qn_ints_open checks everything that the other readers rely on; they cannot fail. The bytes must
 * outlive the view and have QN_PAD readable bytes behind them. @thread any */
#ifndef QN_CODEC_INTS_H
#define QN_CODEC_INTS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "simd/ops.h"

#define QN_INTS_MAX 1024

enum qn_ints_codec {
    QN_INTS_CONST = 1,
    QN_INTS_FOR,
    QN_INTS_LINEAR,
    QN_INTS_DELTA,
    QN_INTS_DELTA2,
    QN_INTS_RLE,
    QN_INTS_DICT,
    QN_INTS_CODECS
};

/* A checked view of one block. */
struct qn_ints {
    uint8_t codec, width;
    uint16_t n;
    uint64_t base, mul;
    uint64_t start, start2, low; /* LINEAR: start is the slope */
    const uint8_t *packed;
    uint16_t n_side; /* RLE: runs, DICT: entries */
    uint8_t side_width;
    const uint8_t *side; /* RLE: lengths - 1, DICT: entries */
    size_t bytes;        /* of the whole block */
};

/* Order-keeping maps into u64. Every NaN becomes one value above +infinity. */
static inline uint64_t qn_u64_of_i64(int64_t v)
{
    return (uint64_t)v ^ (1ull << 63);
}
static inline int64_t qn_i64_of_u64(uint64_t u)
{
    return (int64_t)(u ^ (1ull << 63));
}
static inline uint64_t qn_u64_of_f64(double d)
{
    uint64_t u;
    if (d != d)
        return UINT64_MAX;
    memcpy(&u, &d, 8);
    return u >> 63 ? ~u : u | (1ull << 63);
}
static inline double qn_f64_of_u64(uint64_t u)
{
    u = u == UINT64_MAX ? 0x7ff8000000000000ull : u >> 63 ? u & ~(1ull << 63) : ~u;
    double d;
    memcpy(&d, &u, 8);
    return d;
}

/* Appends the block of v[0..n), 1 <= n <= QN_INTS_MAX, and gives the codec that was chosen. */
enum qn_ints_codec qn_ints_put(struct qn_buf *out, const struct qn_simd_ops *ops, const uint64_t *v,
                               size_t n);
/* The same with one given codec (never CONST unless all values are equal, DICT for at most 256
 * distinct values), for tests and benchmarks; false when it cannot hold the values. */
bool qn_ints_put_as(struct qn_buf *out, const struct qn_simd_ops *ops, enum qn_ints_codec codec,
                    const uint64_t *v, size_t n);

/* Reads a block from the front of [p, p + left): QN_E_CORRUPT or QN_E_TRUNCATED with a message. */
QN_MUST_CHECK int qn_ints_open(struct qn_ints *in, const struct qn_simd_ops *ops, const uint8_t *p,
                               size_t left, struct qn_err *err);
/* All n values. Room for n rounded up to 16. */
void qn_ints_decode(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t *out);
uint64_t qn_ints_at(const struct qn_ints *in, const struct qn_simd_ops *ops, size_t i);
/* The values at idx[0..k), each < n. */
void qn_ints_gather(const struct qn_ints *in, const struct qn_simd_ops *ops, const uint32_t *idx,
                    size_t k, uint64_t *out);
/* Bit i = (lo <= v[i] && v[i] <= hi) for qn_bits_words(n) words; gives how many. */
size_t qn_ints_range(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t lo,
                     uint64_t hi, uint64_t *bits);
/* Adds all n values to *st (sum modulo 2^64). */
void qn_ints_stats(const struct qn_ints *in, const struct qn_simd_ops *ops,
                   struct qn_simd_stats *st);

const char *qn_ints_codec_name(unsigned codec);

#endif
