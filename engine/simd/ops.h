/* The kernel table: one struct of function pointers per instruction set, all equal in result.
 *
 * Level       needs                                              files
 * scalar      nothing; readable; the specification               *_scalar.c
 * avx2        AVX2, BMI, FMA                                      *_avx2.c
 * avx512      F BW VL DQ CD VBMI VBMI2 VNNI BITALG VPOPCNTDQ      *_avx512.c
 * vp2         the same and VP2INTERSECT                           *_vp2.c
 *
 * qn_simd_pick runs once at start; the result travels in contexts (no global). Rules that hold for
 * every kernel unless its comment says otherwise:
 *   - bytes at any alignment, arrays at that of their elements; inputs and outputs do not overlap;
 *   - up to QN_PAD bytes past the end of an input may be read (their value does not matter);
 *   - nothing past the end of an output is written. "Room for n rounded up to k" means that the
 *     output must have that many elements and that those after n hold anything afterwards;
 *   - bit sets are uint64_t words (base/bits.h); bits past n in the last word are written as 0.
 *
 * Packed integers are n values of `width` bits, value i in bits [i*width, (i+1)*width) of a
 * little-endian bit string ("horizontal" order): qn_packed_bytes(n, width) bytes. One layout serves
 * every level, any count, and random access (qn_packed_get). Width 0 stands for n zeros. */
#ifndef QN_SIMD_OPS_H
#define QN_SIMD_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"

enum qn_simd_level { QN_SIMD_SCALAR, QN_SIMD_AVX2, QN_SIMD_AVX512, QN_SIMD_VP2, QN_SIMD_LEVELS };

static inline size_t qn_packed_bytes(size_t n, unsigned width)
{
    return (n * width + 7) / 8;
}

/* Value i of a packed array; reads up to 9 bytes from the value's first one. width <= 64. */
static inline uint64_t qn_packed_get(const uint8_t *in, size_t i, unsigned width)
{
    size_t bit = i * width;
    unsigned shift = bit & 7;
    uint64_t v;
    memcpy(&v, in + bit / 8, 8);
    v >>= shift;
    if (width + shift > 64)
        v |= (uint64_t)in[bit / 8 + 8] << (64 - shift);
    return width >= 64 ? v : v & ((1ull << width) - 1);
}

/* A set of byte values, for the scanning kernels: byte b is in it when bit (b >> 4) & 7 of
 * half[b >> 7][b & 15] is set, the form that a 16-entry shuffle looks up. Zero is the empty set. */
struct qn_byteset {
    uint8_t half[2][16];
};
static inline void qn_byteset_add(struct qn_byteset *s, uint8_t b)
{
    s->half[b >> 7][b & 15] |= (uint8_t)(1u << ((b >> 4) & 7));
}
static inline bool qn_byteset_has(const struct qn_byteset *s, uint8_t b)
{
    return (s->half[b >> 7][b & 15] >> ((b >> 4) & 7)) & 1;
}

/* Sum modulo 2^64 and extremes of the values taken in; n == 0 leaves min = UINT64_MAX, max = 0. */
struct qn_simd_stats {
    uint64_t n, sum, min, max;
};

struct qn_simd_ops {
    const char *name; /* "scalar", "avx2", "avx512", "avx512vp2" */
    enum qn_simd_level level;

    /* ---- checksum */

    /* CRC-32C (Castagnoli) of p, continuing crc; start with 0. Reads nothing past p + n. */
    uint32_t (*crc32c)(uint32_t crc, const void *p, size_t n);

    /* ---- packed integers; all arithmetic is modulo 2^32 or 2^64 */

    /* out[i] = base + v[i]. width <= 32. Room for n rounded up to 16. */
    void (*unpack32)(uint32_t *out, const uint8_t *in, size_t n, unsigned width, uint32_t base);
    /* out[i] = prev + (i + 1) * step + v[0] + .. + v[i]: step is 1 for strictly growing ids stored
     * as gap - 1. width <= 32. Room for n rounded up to 16. */
    void (*unpack32_delta)(uint32_t *out, const uint8_t *in, size_t n, unsigned width,
                           uint32_t prev, uint32_t step);
    /* out[i] = base + v[i]. width <= 64. Room for n rounded up to 8. */
    void (*unpack64)(uint64_t *out, const uint8_t *in, size_t n, unsigned width, uint64_t base);
    /* Values must fit in width. Room for qn_packed_bytes(n, width) + 8 bytes. */
    void (*pack32)(uint8_t *out, const uint32_t *in, size_t n, unsigned width);
    void (*pack64)(uint8_t *out, const uint64_t *in, size_t n, unsigned width);
    /* The OR of all values: qn_bit_width of it is the width to pack with. */
    uint32_t (*or32)(const uint32_t *in, size_t n);
    /* out[i] = in[i] - in[i-1] - step, in[-1] being prev; gives the OR of all out. */
    uint32_t (*deltas32)(uint32_t *out, const uint32_t *in, size_t n, uint32_t prev, uint32_t step);
    /* out[i] = value idx[i] of the packed array, plus base. width <= 64. */
    void (*gather_packed)(uint64_t *out, const uint8_t *in, unsigned width, const uint32_t *idx,
                          size_t n, uint64_t base);
    /* Bit i = (lo <= v[i] && v[i] <= hi); gives how many. width <= 64. lo > hi selects nothing. */
    size_t (*range_packed)(uint64_t *bits, const uint8_t *in, size_t n, unsigned width, uint64_t lo,
                           uint64_t hi);
    /* Sum, min, max of all values. width <= 64. */
    void (*stats_packed)(struct qn_simd_stats *st, const uint8_t *in, size_t n, unsigned width);

    /* ---- arrays of integers */

    size_t (*range32)(uint64_t *bits, const uint32_t *v, size_t n, uint32_t lo, uint32_t hi);
    size_t (*range64)(uint64_t *bits, const uint64_t *v, size_t n, uint64_t lo, uint64_t hi);
    /* Adds v[i] to *st (which the caller starts) for every i, or every i whose bit is set. */
    void (*stats64)(struct qn_simd_stats *st, const uint64_t *v, size_t n, const uint64_t *bits);
    /* x[i] = x[i] * mul + add */
    void (*affine64)(uint64_t *x, size_t n, uint64_t mul, uint64_t add);
    /* x[i] += base + slope * i */
    void (*ramp64)(uint64_t *x, size_t n, uint64_t base, uint64_t slope);
    /* x[i] = start + x[0] + .. + x[i] */
    void (*prefix64)(uint64_t *x, size_t n, uint64_t start);
    /* out[i] = (double)in[i] / divisor, in IEEE double arithmetic. */
    void (*decimal64)(double *out, const int64_t *in, size_t n, double divisor);
    /* The values whose bit is set, in order; gives how many. Room for n rounded up to 16. */
    size_t (*compress32)(uint32_t *out, const uint32_t *v, const uint64_t *bits, size_t n);
    size_t (*compress64)(uint64_t *out, const uint64_t *v, const uint64_t *bits, size_t n);
    /* Counting with four lanes, so that equal neighbours do not wait for each other: lane j is
     * lanes[j * stride ..], value ord[i] is counted in one of them. Every ord < stride. */
    void (*count32)(uint32_t *lanes, size_t stride, const uint32_t *ord, size_t n);
    void (*count32_masked)(uint32_t *lanes, size_t stride, const uint32_t *ord,
                           const uint64_t *bits, size_t n);

    /* ---- bit sets of n words */

    void (*bits_and)(uint64_t *dst, const uint64_t *src, size_t n);    /* dst &= src */
    void (*bits_or)(uint64_t *dst, const uint64_t *src, size_t n);     /* dst |= src */
    void (*bits_andnot)(uint64_t *dst, const uint64_t *src, size_t n); /* dst &= ~src */
    void (*bits_not)(uint64_t *dst, size_t n); /* flips; the caller masks the last word */
    size_t (*popcount)(const uint64_t *a, size_t n);
    size_t (*popcount_and)(const uint64_t *a, const uint64_t *b, size_t n);
    size_t (*popcount_andnot)(const uint64_t *a, const uint64_t *b, size_t n); /* a & ~b */
    /* Sets bit ids[i] - base for each i. ids ascend; the set is large enough. */
    void (*bits_from_ids)(uint64_t *bits, const uint32_t *ids, size_t n, uint32_t base);
    /* base + position of every set bit, ascending; gives how many. Room for that many + 64. */
    size_t (*ids_from_bits)(uint32_t *out, const uint64_t *bits, size_t n, uint32_t base);

    /* ---- sorted lists without duplicates */

    /* What both lists hold; gives how many. Room for min(na, nb) + 16. Picks galloping by itself
     * when one list is much longer. */
    size_t (*intersect32)(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                          size_t nb);
    /* First index with v[i] >= key, or n. */
    size_t (*lower_bound32)(const uint32_t *v, size_t n, uint32_t key);

    /* ---- bytes */

    size_t (*find_byte)(const uint8_t *p, size_t n, uint8_t b); /* n when absent */
    size_t (*find_set)(const uint8_t *p, size_t n, const struct qn_byteset *set);
    /* Start of the first occurrence of needle, or n. An empty needle is found at 0. */
    size_t (*find_bytes)(const uint8_t *p, size_t n, const uint8_t *needle, size_t m);
    /* Bit i = (p[i] == b), or (p[i] in set). */
    void (*byte_bits)(uint64_t *bits, const uint8_t *p, size_t n, uint8_t b);
    void (*set_bits)(uint64_t *bits, const uint8_t *p, size_t n, const struct qn_byteset *set);
    /* Lower-cases A-Z into lower (other bytes are copied; room for n rounded up to 64) and sets
     * bit i of alnum when p[i] is in [A-Za-z0-9]. True when some byte is >= 0x80. */
    bool (*classify_ascii)(uint8_t *lower, uint64_t *alnum, const uint8_t *p, size_t n);

    /* ---- scoring */

    uint8_t (*max8)(const uint8_t *p, size_t n); /* 0 when n == 0 */
    /* out[i] = lut[codes[i]], lut having 256 entries. Room for n rounded up to 16. */
    void (*lut_scores)(float *out, const uint8_t *codes, size_t n, const float *lut);
    /* window[ids[i] - base] += lut[codes[i]]; ids ascend. */
    void (*score_add)(float *window, const uint32_t *ids, uint32_t base, const uint8_t *codes,
                      size_t n, const float *lut);
    /* Bit i = (score[i] > threshold); gives how many. */
    size_t (*scores_above)(uint64_t *bits, const float *score, size_t n, float threshold);
};

/* The best table this machine runs, or the named one ("auto", "scalar", "avx2", "avx512",
 * "avx512vp2"); NULL when the machine lacks it or the name is unknown. */
const struct qn_simd_ops *qn_simd_pick(const char *name);
/* The table of a level, or NULL when this machine cannot run it: for tests that loop over all. */
const struct qn_simd_ops *qn_simd_level(enum qn_simd_level level);

#endif
