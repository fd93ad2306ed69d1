/* Packed integers, 64 bytes at a time.
 *
 * A group of 512/L values is one load: vpermb brings each lane its bytes, a variable shift drops
 * the bits before the value (vpshrdv when the value may end beyond the lane), an AND the bits
 * behind it. Lanes of 8 bits use vpmultishiftqb. Prefix sums of widths up to 8 multiply bytes with
 * a triangle of ones (vpdpbusd), which beats four rounds of shuffle and add. */
#include <immintrin.h>

#include "kernels_int.h"
#include "tables_int.h"

struct lanes {
    __m512i byte, byte_hi, shift, mask;
};

static inline struct lanes lanes_8(unsigned w)
{
    return (struct lanes){_mm512_loadu_si512(qn__byte_8[w]), _mm512_setzero_si512(),
                          _mm512_loadu_si512(qn__offset_8[w]),
                          _mm512_set1_epi8((char)((1u << w) - 1))};
}

static inline __m512i expand_8(const uint8_t *in, const struct lanes *ln)
{
    __m512i v = _mm512_permutexvar_epi8(ln->byte, _mm512_loadu_si512(in));
    return _mm512_and_si512(_mm512_multishift_epi64_epi8(ln->shift, v), ln->mask);
}

static inline struct lanes lanes_16(unsigned w)
{
    __m512i byte = _mm512_loadu_si512(qn__byte_16[w]);
    return (struct lanes){byte, _mm512_add_epi8(byte, _mm512_set1_epi8(2)),
                          _mm512_loadu_si512(qn__shift_16[w]),
                          _mm512_set1_epi16((short)((1u << w) - 1))};
}

static inline __m512i expand_16(const uint8_t *in, const struct lanes *ln)
{
    __m512i v = _mm512_loadu_si512(in);
    __m512i lo = _mm512_permutexvar_epi8(ln->byte, v), hi = _mm512_permutexvar_epi8(ln->byte_hi, v);
    return _mm512_and_si512(_mm512_shrdv_epi16(lo, hi, ln->shift), ln->mask);
}

static inline struct lanes lanes_32(unsigned w)
{
    __m512i byte = _mm512_loadu_si512(qn__byte_32[w]);
    return (struct lanes){byte, _mm512_add_epi8(byte, _mm512_set1_epi8(4)),
                          _mm512_loadu_si512(qn__shift_32[w]),
                          _mm512_set1_epi32((int)((1ull << w) - 1))};
}

/* Widths up to 25: value and shift fit in the lane. */
static inline __m512i expand_32(const uint8_t *in, const struct lanes *ln)
{
    __m512i v = _mm512_permutexvar_epi8(ln->byte, _mm512_loadu_si512(in));
    return _mm512_and_si512(_mm512_srlv_epi32(v, ln->shift), ln->mask);
}

static inline __m512i expand_32_wide(const uint8_t *in, const struct lanes *ln)
{
    __m512i v = _mm512_loadu_si512(in);
    __m512i lo = _mm512_permutexvar_epi8(ln->byte, v), hi = _mm512_permutexvar_epi8(ln->byte_hi, v);
    return _mm512_and_si512(_mm512_shrdv_epi32(lo, hi, ln->shift), ln->mask);
}

static inline struct lanes lanes_64(unsigned w)
{
    __m512i byte = _mm512_loadu_si512(qn__byte_64[w]);
    uint64_t mask = w == 64 ? UINT64_MAX : (1ull << w) - 1;
    return (struct lanes){byte, _mm512_add_epi8(byte, _mm512_set1_epi8(8)),
                          _mm512_loadu_si512(qn__shift_64[w]), _mm512_set1_epi64((int64_t)mask)};
}

/* Widths up to 57. */
static inline __m512i expand_64(const uint8_t *in, const struct lanes *ln)
{
    __m512i v = _mm512_permutexvar_epi8(ln->byte, _mm512_loadu_si512(in));
    return _mm512_and_si512(_mm512_srlv_epi64(v, ln->shift), ln->mask);
}

static inline __m512i expand_64_wide(const uint8_t *in, const struct lanes *ln)
{
    __m512i v = _mm512_loadu_si512(in);
    __m512i lo = _mm512_permutexvar_epi8(ln->byte, v), hi = _mm512_permutexvar_epi8(ln->byte_hi, v);
    return _mm512_and_si512(_mm512_shrdv_epi64(lo, hi, ln->shift), ln->mask);
}

/* Width 0 may come with no bytes at all. */
static const uint8_t nothing[64];

static inline bool is_wide_32(unsigned w)
{
    return w > 25;
}

static inline bool is_wide_64(unsigned w)
{
    return w > 57;
}

void qn__unpack32_avx512(uint32_t *out, const uint8_t *in, size_t n, unsigned width, uint32_t base)
{
    if (width == 0)
        in = nothing;
    struct lanes ln = lanes_32(width);
    __m512i add = _mm512_set1_epi32((int)base);
    size_t stride = 2 * (size_t)width;
    if (is_wide_32(width)) {
        for (size_t i = 0; i < n; i += 16, in += stride)
            _mm512_storeu_si512(out + i, _mm512_add_epi32(expand_32_wide(in, &ln), add));
        return;
    }
    size_t i = 0;
    for (; i + 64 <= n; i += 64, in += 4 * stride)
        for (unsigned k = 0; k < 4; k++)
            _mm512_storeu_si512(out + i + 16 * k,
                                _mm512_add_epi32(expand_32(in + k * stride, &ln), add));
    for (; i < n; i += 16, in += stride)
        _mm512_storeu_si512(out + i, _mm512_add_epi32(expand_32(in, &ln), add));
}

static inline __m512i scan_32(__m512i v)
{
    __m512i z = _mm512_setzero_si512();
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 15));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 14));
    v = _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 12));
    return _mm512_add_epi32(v, _mm512_alignr_epi32(v, z, 8));
}

/* triangle[g] lane i, byte k: 1 when value 4g + k is summed into result i. */
static inline __m512i triangle(int g)
{
    __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    __m512i ones = _mm512_set1_epi32(0x01010101);
    __m512i drop = _mm512_sub_epi32(_mm512_set1_epi32(4 * g + 3), lane); /* bytes not summed */
    drop = _mm512_max_epi32(drop, _mm512_setzero_si512());
    return _mm512_srlv_epi32(ones, _mm512_slli_epi32(drop, 3));
}

/* Widths 1..8, n a multiple of 64. */
static void delta_by_dot_product(uint32_t *out, const uint8_t *in, size_t n, unsigned width,
                                 uint32_t prev, uint32_t step)
{
    const struct lanes ln = lanes_8(width);
    const __m512i t0 = triangle(0), t1 = triangle(1), t2 = triangle(2), t3 = triangle(3);
    const __m512i last = _mm512_set1_epi32(15);
    const __m512i ramp =
        _mm512_mullo_epi32(_mm512_setr_epi32(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16),
                           _mm512_set1_epi32((int)step));
    __m512i carry = _mm512_set1_epi32((int)prev);
    for (size_t i = 0; i < n; i += 64, in += 8 * (size_t)width) {
        uint32_t w[16] __attribute__((aligned(64)));
        _mm512_store_si512(w, expand_8(in, &ln));
        for (unsigned k = 0; k < 4; k++) {
            __m512i a = _mm512_dpbusd_epi32(ramp, _mm512_set1_epi32((int)w[4 * k]), t0);
            __m512i b = _mm512_dpbusd_epi32(_mm512_setzero_si512(),
                                            _mm512_set1_epi32((int)w[4 * k + 1]), t1);
            a = _mm512_dpbusd_epi32(a, _mm512_set1_epi32((int)w[4 * k + 2]), t2);
            b = _mm512_dpbusd_epi32(b, _mm512_set1_epi32((int)w[4 * k + 3]), t3);
            a = _mm512_add_epi32(a, b);
            _mm512_storeu_si512(out + i + 16 * k, _mm512_add_epi32(a, carry));
            carry = _mm512_add_epi32(carry, _mm512_permutexvar_epi32(last, a));
        }
    }
}

void qn__unpack32_delta_avx512(uint32_t *out, const uint8_t *in, size_t n, unsigned width,
                               uint32_t prev, uint32_t step)
{
    if (width - 1 < 8 && n >= 64) {
        size_t whole = n & ~(size_t)63;
        delta_by_dot_product(out, in, whole, width, prev, step);
        if (whole == n)
            return;
        prev = out[whole - 1];
        out += whole;
        in += whole / 8 * width;
        n -= whole;
    }
    if (width == 0)
        in = nothing;
    struct lanes ln = lanes_32(width);
    const __m512i last = _mm512_set1_epi32(15), add = _mm512_set1_epi32((int)step);
    __m512i carry = _mm512_set1_epi32((int)prev);
    bool wide = is_wide_32(width);
    for (size_t i = 0; i < n; i += 16, in += 2 * (size_t)width) {
        __m512i v = wide ? expand_32_wide(in, &ln) : expand_32(in, &ln);
        v = scan_32(_mm512_add_epi32(v, add));
        _mm512_storeu_si512(out + i, _mm512_add_epi32(v, carry));
        carry = _mm512_add_epi32(carry, _mm512_permutexvar_epi32(last, v));
    }
}

void qn__unpack64_avx512(uint64_t *out, const uint8_t *in, size_t n, unsigned width, uint64_t base)
{
    if (width == 0)
        in = nothing;
    struct lanes ln = lanes_64(width);
    __m512i add = _mm512_set1_epi64((int64_t)base);
    if (is_wide_64(width)) {
        for (size_t i = 0; i < n; i += 8, in += width)
            _mm512_storeu_si512(out + i, _mm512_add_epi64(expand_64_wide(in, &ln), add));
        return;
    }
    size_t i = 0;
    for (; i + 32 <= n; i += 32, in += 4 * (size_t)width)
        for (unsigned k = 0; k < 4; k++)
            _mm512_storeu_si512(out + i + 8 * k,
                                _mm512_add_epi64(expand_64(in + k * (size_t)width, &ln), add));
    for (; i < n; i += 8, in += width)
        _mm512_storeu_si512(out + i, _mm512_add_epi64(expand_64(in, &ln), add));
}

void qn__gather_packed_avx512(uint64_t *out, const uint8_t *in, unsigned width, const uint32_t *idx,
                              size_t n, uint64_t base)
{
    size_t i = 0;
    if (width != 0 && !is_wide_64(width)) {
        const __m512i w = _mm512_set1_epi64(width), seven = _mm512_set1_epi64(7);
        const __m512i mask = _mm512_set1_epi64((int64_t)((1ull << width) - 1));
        const __m512i add = _mm512_set1_epi64((int64_t)base);
        for (; i + 8 <= n; i += 8) {
            __m512i at = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const void *)(idx + i)));
            at = _mm512_mul_epu32(at, w);
            __m512i v = _mm512_i64gather_epi64(_mm512_srli_epi64(at, 3), in, 1);
            v = _mm512_and_si512(_mm512_srlv_epi64(v, _mm512_and_si512(at, seven)), mask);
            _mm512_storeu_si512(out + i, _mm512_add_epi64(v, add));
        }
    }
    qn__gather_packed_scalar(out + i, in, width, idx + i, n - i, base);
}

/* The four shapes of the range filter: `words` whole words of 64 values. */
static size_t range_8(uint64_t *bits, const uint8_t *in, size_t words, unsigned w, uint64_t lo,
                      uint64_t hi)
{
    struct lanes ln = lanes_8(w);
    __m512i from = _mm512_set1_epi8((char)lo), span = _mm512_set1_epi8((char)(hi - lo));
    size_t hits = 0;
    for (size_t i = 0; i < words; i++, in += 8 * (size_t)w) {
        bits[i] = _mm512_cmple_epu8_mask(_mm512_sub_epi8(expand_8(in, &ln), from), span);
        hits += (size_t)__builtin_popcountll(bits[i]);
    }
    return hits;
}

static size_t range_16(uint64_t *bits, const uint8_t *in, size_t words, unsigned w, uint64_t lo,
                       uint64_t hi)
{
    struct lanes ln = lanes_16(w);
    __m512i from = _mm512_set1_epi16((short)lo), span = _mm512_set1_epi16((short)(hi - lo));
    size_t hits = 0, stride = 4 * (size_t)w;
    for (size_t i = 0; i < words; i++, in += 2 * stride) {
        __m512i a = _mm512_sub_epi16(expand_16(in, &ln), from);
        __m512i b = _mm512_sub_epi16(expand_16(in + stride, &ln), from);
        bits[i] = (uint64_t)_mm512_cmple_epu16_mask(a, span) |
                  (uint64_t)_mm512_cmple_epu16_mask(b, span) << 32;
        hits += (size_t)__builtin_popcountll(bits[i]);
    }
    return hits;
}

static size_t range_32(uint64_t *bits, const uint8_t *in, size_t words, unsigned w, uint64_t lo,
                       uint64_t hi)
{
    struct lanes ln = lanes_32(w);
    __m512i from = _mm512_set1_epi32((int)lo), span = _mm512_set1_epi32((int)(hi - lo));
    size_t hits = 0, stride = 2 * (size_t)w;
    bool wide = is_wide_32(w);
    for (size_t i = 0; i < words; i++) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 4; k++, in += stride) {
            __m512i v = wide ? expand_32_wide(in, &ln) : expand_32(in, &ln);
            word |= (uint64_t)_mm512_cmple_epu32_mask(_mm512_sub_epi32(v, from), span) << (16 * k);
        }
        bits[i] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits;
}

static size_t range_64(uint64_t *bits, const uint8_t *in, size_t words, unsigned w, uint64_t lo,
                       uint64_t hi)
{
    struct lanes ln = lanes_64(w);
    __m512i from = _mm512_set1_epi64((int64_t)lo), span = _mm512_set1_epi64((int64_t)(hi - lo));
    size_t hits = 0;
    bool wide = is_wide_64(w);
    for (size_t i = 0; i < words; i++) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 8; k++, in += w) {
            __m512i v = wide ? expand_64_wide(in, &ln) : expand_64(in, &ln);
            word |= (uint64_t)_mm512_cmple_epu64_mask(_mm512_sub_epi64(v, from), span) << (8 * k);
        }
        bits[i] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits;
}

size_t qn__range_packed_avx512(uint64_t *bits, const uint8_t *in, size_t n, unsigned width,
                               uint64_t lo, uint64_t hi)
{
    uint64_t most = width >= 64 ? UINT64_MAX : (1ull << width) - 1;
    if (lo > hi || lo > most) {
        memset(bits, 0, qn_bits_words(n) * 8);
        return 0;
    }
    if (hi > most)
        hi = most;
    if (width == 0)
        in = nothing;
    size_t words = n / 64, hits;
    if (width <= 8)
        hits = range_8(bits, in, words, width, lo, hi);
    else if (width <= 16)
        hits = range_16(bits, in, words, width, lo, hi);
    else if (width <= 32)
        hits = range_32(bits, in, words, width, lo, hi);
    else
        hits = range_64(bits, in, words, width, lo, hi);
    if (n % 64 != 0)
        hits +=
            qn__range_packed_scalar(bits + words, in + words * 8 * width, n % 64, width, lo, hi);
    return hits;
}

struct acc {
    __m512i sum, min, max;
};

/* The compiler's own reduction adds signed numbers, whose overflow is undefined. */
static inline uint64_t sum_lanes(__m512i v)
{
    __m256i h = _mm256_add_epi64(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i q = _mm_add_epi64(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(q, _mm_unpackhi_epi64(q, q)));
}

static void acc_end_64(struct qn_simd_stats *st, const struct acc *a)
{
    st->sum += sum_lanes(a->sum);
    uint64_t min = _mm512_reduce_min_epu64(a->min), max = _mm512_reduce_max_epu64(a->max);
    st->min = min < st->min ? min : st->min;
    st->max = max > st->max ? max : st->max;
}

static void stats_8(struct qn_simd_stats *st, const uint8_t *in, size_t groups, unsigned w)
{
    struct lanes ln = lanes_8(w);
    const __m512i z = _mm512_setzero_si512(), byte = _mm512_set1_epi64(0xff);
    struct acc a = {z, _mm512_set1_epi8(-1), z};
    for (size_t i = 0; i < groups; i++, in += 8 * (size_t)w) {
        __m512i v = expand_8(in, &ln);
        a.sum = _mm512_add_epi64(a.sum, _mm512_sad_epu8(v, z));
        a.min = _mm512_min_epu8(a.min, v);
        a.max = _mm512_max_epu8(a.max, v);
    }
    /* Fold the byte extremes into 64-bit lanes. */
    __m512i min = _mm512_and_si512(a.min, byte), max = _mm512_and_si512(a.max, byte);
    for (unsigned k = 8; k < 64; k += 8) {
        min = _mm512_min_epu64(min, _mm512_and_si512(_mm512_srli_epi64(a.min, k), byte));
        max = _mm512_max_epu64(max, _mm512_and_si512(_mm512_srli_epi64(a.max, k), byte));
    }
    acc_end_64(st, &(struct acc){a.sum, min, max});
}

static void stats_32(struct qn_simd_stats *st, const uint8_t *in, size_t groups, unsigned w)
{
    struct lanes ln = lanes_32(w);
    const __m512i z = _mm512_setzero_si512(), low = _mm512_set1_epi64(0xffffffff);
    struct acc a = {z, _mm512_set1_epi32(-1), z};
    bool wide = is_wide_32(w);
    for (size_t i = 0; i < groups * 4; i++, in += 2 * (size_t)w) {
        __m512i v = wide ? expand_32_wide(in, &ln) : expand_32(in, &ln);
        a.sum = _mm512_add_epi64(a.sum, _mm512_and_si512(v, low));
        a.sum = _mm512_add_epi64(a.sum, _mm512_srli_epi64(v, 32));
        a.min = _mm512_min_epu32(a.min, v);
        a.max = _mm512_max_epu32(a.max, v);
    }
    a.min = _mm512_min_epu64(_mm512_and_si512(a.min, low), _mm512_srli_epi64(a.min, 32));
    a.max = _mm512_max_epu64(_mm512_and_si512(a.max, low), _mm512_srli_epi64(a.max, 32));
    acc_end_64(st, &a);
}

static void stats_64(struct qn_simd_stats *st, const uint8_t *in, size_t groups, unsigned w)
{
    struct lanes ln = lanes_64(w);
    struct acc a = {_mm512_setzero_si512(), _mm512_set1_epi64(-1), _mm512_setzero_si512()};
    bool wide = is_wide_64(w);
    for (size_t i = 0; i < groups * 8; i++, in += w) {
        __m512i v = wide ? expand_64_wide(in, &ln) : expand_64(in, &ln);
        a.sum = _mm512_add_epi64(a.sum, v);
        a.min = _mm512_min_epu64(a.min, v);
        a.max = _mm512_max_epu64(a.max, v);
    }
    acc_end_64(st, &a);
}

void qn__stats_packed_avx512(struct qn_simd_stats *st, const uint8_t *in, size_t n, unsigned width)
{
    if (width == 0)
        in = nothing;
    size_t groups = n / 64;
    qn__stats_packed_scalar(st, in + groups * 8 * width, n % 64, width);
    if (groups == 0)
        return;
    st->n = n;
    if (width <= 8)
        stats_8(st, in, groups, width);
    else if (width <= 32)
        stats_32(st, in, groups, width);
    else
        stats_64(st, in, groups, width);
}

/* 8 values of w bits are w bytes: narrow them to bytes or words, squeeze out the unused bits with
 * pext, store 8 or 16 bytes and go on w bytes later. */
static size_t pack_8(uint8_t *out, const uint32_t *in, size_t n, unsigned width)
{
    uint64_t mask = ((1ull << width) - 1) * 0x0101010101010101ull;
    size_t i = 0;
    for (; i + 16 <= n; i += 16, out += 2 * (size_t)width) {
        __m128i v = _mm512_cvtepi32_epi8(_mm512_loadu_si512(in + i));
        uint64_t a = _pext_u64((uint64_t)_mm_cvtsi128_si64(v), mask);
        uint64_t b = _pext_u64((uint64_t)_mm_extract_epi64(v, 1), mask);
        memcpy(out, &a, 8);
        memcpy(out + width, &b, 8);
    }
    return i;
}

static size_t pack_16(uint8_t *out, const uint32_t *in, size_t n, unsigned width)
{
    uint64_t mask = ((1ull << width) - 1) * 0x0001000100010001ull;
    unsigned half = 4 * width; /* bits that four values take: 36..64 */
    size_t i = 0;
    for (; i + 8 <= n; i += 8, out += width) {
        __m128i v = _mm256_cvtepi32_epi16(_mm256_loadu_si256((const void *)(in + i)));
        uint64_t a = _pext_u64((uint64_t)_mm_cvtsi128_si64(v), mask);
        uint64_t b = _pext_u64((uint64_t)_mm_extract_epi64(v, 1), mask);
        unsigned __int128 all = (unsigned __int128)b << half | a;
        memcpy(out, &all, 16);
    }
    return i;
}

void qn__pack32_avx512(uint8_t *out, const uint32_t *in, size_t n, unsigned width)
{
    if (width == 0)
        return;
    if (width > 16) {
        qn__pack32_avx2(out, in, n, width);
        return;
    }
    size_t done = width <= 8 ? pack_8(out, in, n, width) : pack_16(out, in, n, width);
    qn__pack32_scalar(out + done / 8 * width, in + done, n - done, width);
}

void qn__pack64_avx512(uint8_t *out, const uint64_t *in, size_t n, unsigned width)
{
    size_t i = 0;
    for (; i + 64 <= n && width <= 32; i += 64, out += 8 * (size_t)width) {
        uint32_t low[64];
        for (unsigned k = 0; k < 64; k += 8)
            _mm256_storeu_si256((void *)(low + k),
                                _mm512_cvtepi64_epi32(_mm512_loadu_si512(in + i + k)));
        qn__pack32_avx512(out, low, 64, width);
    }
    qn__pack64_scalar(out, in + i, n - i, width);
}

uint32_t qn__or32_avx512(const uint32_t *in, size_t n)
{
    __m512i all = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        all = _mm512_or_si512(all, _mm512_loadu_si512(in + i));
    __mmask16 rest = (__mmask16)((1u << (n - i)) - 1);
    all = _mm512_or_si512(all, _mm512_maskz_loadu_epi32(rest, in + i));
    return (uint32_t)_mm512_reduce_or_epi32(all);
}

uint32_t qn__deltas32_avx512(uint32_t *out, const uint32_t *in, size_t n, uint32_t prev,
                             uint32_t step)
{
    __m512i all = _mm512_setzero_si512(), before = _mm512_set1_epi32((int)prev);
    __m512i less = _mm512_set1_epi32((int)step);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 live = n - i >= 16 ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        __m512i v = _mm512_maskz_loadu_epi32(live, in + i);
        __m512i d = _mm512_sub_epi32(_mm512_sub_epi32(v, _mm512_alignr_epi32(v, before, 15)), less);
        _mm512_mask_storeu_epi32(out + i, live, d);
        all = _mm512_mask_or_epi32(all, live, all, d);
        before = v;
    }
    return (uint32_t)_mm512_reduce_or_epi32(all);
}
