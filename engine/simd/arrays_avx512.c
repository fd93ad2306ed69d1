/* Arrays and bit sets, eight or sixteen at a time. Compressing goes through a register and a plain
 * store: the memory form of vpcompress is microcode on some machines. */
#include <immintrin.h>

#include "intersect_int.h"
#include "kernels_int.h"
#include "tables_int.h"

/* The lanes of 16 (8) that are inside n. */
static inline __mmask16 live_16(size_t left)
{
    return left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
}

static inline __mmask8 live_8(size_t left)
{
    return left >= 8 ? 0xff : (__mmask8)((1u << left) - 1);
}

/* The compiler's own reduction adds signed numbers, whose overflow is undefined. */
static inline uint64_t sum_lanes(__m512i v)
{
    __m256i h = _mm256_add_epi64(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i q = _mm_add_epi64(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    return (uint64_t)_mm_cvtsi128_si64(_mm_add_epi64(q, _mm_unpackhi_epi64(q, q)));
}

size_t qn__range32_avx512(uint64_t *bits, const uint32_t *v, size_t n, uint32_t lo, uint32_t hi)
{
    if (lo > hi)
        return qn__range32_scalar(bits, v, n, lo, hi);
    __m512i from = _mm512_set1_epi32((int)lo), span = _mm512_set1_epi32((int)(hi - lo));
    size_t hits = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t word = 0;
        for (size_t k = 0; k < 64; k += 16) {
            __m512i d = _mm512_sub_epi32(_mm512_loadu_si512(v + i + k), from);
            word |= (uint64_t)_mm512_cmple_epu32_mask(d, span) << k;
        }
        bits[i / 64] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits + qn__range32_scalar(bits + i / 64, v + i, n - i, lo, hi);
}

size_t qn__range64_avx512(uint64_t *bits, const uint64_t *v, size_t n, uint64_t lo, uint64_t hi)
{
    if (lo > hi)
        return qn__range64_scalar(bits, v, n, lo, hi);
    __m512i from = _mm512_set1_epi64((int64_t)lo), span = _mm512_set1_epi64((int64_t)(hi - lo));
    size_t hits = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t word = 0;
        for (size_t k = 0; k < 64; k += 8) {
            __m512i d = _mm512_sub_epi64(_mm512_loadu_si512(v + i + k), from);
            word |= (uint64_t)_mm512_cmple_epu64_mask(d, span) << k;
        }
        bits[i / 64] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits + qn__range64_scalar(bits + i / 64, v + i, n - i, lo, hi);
}

void qn__stats64_avx512(struct qn_simd_stats *st, const uint64_t *v, size_t n, const uint64_t *bits)
{
    __m512i sum = _mm512_setzero_si512(), max = sum, min = _mm512_set1_epi64(-1);
    size_t count = 0;
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        if (bits != NULL)
            live &= (__mmask8)(bits[i / 64] >> (i % 64));
        __m512i x = _mm512_maskz_loadu_epi64(live, v + i);
        sum = _mm512_add_epi64(sum, x);
        max = _mm512_max_epu64(max, x);
        min = _mm512_mask_min_epu64(min, live, min, x);
        count += (size_t)__builtin_popcount(live);
    }
    if (count == 0)
        return;
    uint64_t lowest = _mm512_reduce_min_epu64(min), highest = _mm512_reduce_max_epu64(max);
    st->n += count;
    st->sum += sum_lanes(sum);
    st->min = lowest < st->min ? lowest : st->min;
    st->max = highest > st->max ? highest : st->max;
}

void qn__affine64_avx512(uint64_t *x, size_t n, uint64_t mul, uint64_t add)
{
    __m512i m = _mm512_set1_epi64((int64_t)mul), a = _mm512_set1_epi64((int64_t)add);
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512i v = _mm512_maskz_loadu_epi64(live, x + i);
        _mm512_mask_storeu_epi64(x + i, live, _mm512_add_epi64(_mm512_mullo_epi64(v, m), a));
    }
}

void qn__ramp64_avx512(uint64_t *x, size_t n, uint64_t base, uint64_t slope)
{
    __m512i up = _mm512_set1_epi64((int64_t)(slope * 8));
    __m512i at = _mm512_mullo_epi64(_mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7),
                                    _mm512_set1_epi64((int64_t)slope));
    at = _mm512_add_epi64(at, _mm512_set1_epi64((int64_t)base));
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512i v = _mm512_maskz_loadu_epi64(live, x + i);
        _mm512_mask_storeu_epi64(x + i, live, _mm512_add_epi64(v, at));
        at = _mm512_add_epi64(at, up);
    }
}

void qn__prefix64_avx512(uint64_t *x, size_t n, uint64_t start)
{
    __m512i z = _mm512_setzero_si512(), last = _mm512_set1_epi64(7);
    __m512i carry = _mm512_set1_epi64((int64_t)start);
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512i v = _mm512_maskz_loadu_epi64(live, x + i);
        v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, z, 7));
        v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, z, 6));
        v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, z, 4));
        _mm512_mask_storeu_epi64(x + i, live, _mm512_add_epi64(v, carry));
        carry = _mm512_add_epi64(carry, _mm512_permutexvar_epi64(last, v));
    }
}

void qn__decimal64_avx512(double *out, const int64_t *in, size_t n, double divisor)
{
    __m512d d = _mm512_set1_pd(divisor);
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512d v = _mm512_cvtepi64_pd(_mm512_maskz_loadu_epi64(live, in + i));
        _mm512_mask_storeu_pd(out + i, live, _mm512_div_pd(v, d));
    }
}

size_t qn__compress32_avx512(uint32_t *out, const uint32_t *v, const uint64_t *bits, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = live_16(n - i) & (__mmask16)(bits[i / 64] >> (i % 64));
        __m512i x = _mm512_maskz_loadu_epi32(m, v + i);
        _mm512_storeu_si512(out + k, _mm512_maskz_compress_epi32(m, x));
        k += (size_t)__builtin_popcount(m);
    }
    return k;
}

size_t qn__compress64_avx512(uint64_t *out, const uint64_t *v, const uint64_t *bits, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 m = live_8(n - i) & (__mmask8)(bits[i / 64] >> (i % 64));
        __m512i x = _mm512_maskz_loadu_epi64(m, v + i);
        _mm512_storeu_si512(out + k, _mm512_maskz_compress_epi64(m, x));
        k += (size_t)__builtin_popcount(m);
    }
    return k;
}

void qn__count32_masked_avx512(uint32_t *lanes, size_t stride, const uint32_t *ord,
                               const uint64_t *bits, size_t n)
{
    uint32_t picked[256 + 16];
    for (size_t i = 0; i < n; i += 256) {
        size_t k = qn__compress32_avx512(picked, ord + i, bits + i / 64, n - i < 256 ? n - i : 256);
        qn__count32_scalar(lanes, stride, picked, k);
    }
}

void qn__bits_and_avx512(uint64_t *dst, const uint64_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i a = _mm512_loadu_si512(dst + i), b = _mm512_loadu_si512(src + i);
        _mm512_storeu_si512(dst + i, _mm512_and_si512(a, b));
    }
    qn__bits_and_scalar(dst + i, src + i, n - i);
}

void qn__bits_or_avx512(uint64_t *dst, const uint64_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i a = _mm512_loadu_si512(dst + i), b = _mm512_loadu_si512(src + i);
        _mm512_storeu_si512(dst + i, _mm512_or_si512(a, b));
    }
    qn__bits_or_scalar(dst + i, src + i, n - i);
}

void qn__bits_andnot_avx512(uint64_t *dst, const uint64_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m512i a = _mm512_loadu_si512(dst + i), b = _mm512_loadu_si512(src + i);
        _mm512_storeu_si512(dst + i, _mm512_andnot_si512(b, a));
    }
    qn__bits_andnot_scalar(dst + i, src + i, n - i);
}

void qn__bits_not_avx512(uint64_t *dst, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512i a = _mm512_maskz_loadu_epi64(live, dst + i);
        _mm512_mask_storeu_epi64(dst + i, live, _mm512_ternarylogic_epi64(a, a, a, 0x55));
    }
}

size_t qn__popcount_avx512(const uint64_t *a, size_t n)
{
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 8) {
        __m512i v = _mm512_maskz_loadu_epi64(live_8(n - i), a + i);
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(v));
    }
    return (size_t)_mm512_reduce_add_epi64(sum);
}

size_t qn__popcount_and_avx512(const uint64_t *a, const uint64_t *b, size_t n)
{
    __m512i sum = _mm512_setzero_si512(), sum2 = sum;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m512i v = _mm512_and_si512(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
        __m512i w = _mm512_and_si512(_mm512_loadu_si512(a + i + 8), _mm512_loadu_si512(b + i + 8));
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(v));
        sum2 = _mm512_add_epi64(sum2, _mm512_popcnt_epi64(w));
    }
    for (; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512i v = _mm512_and_si512(_mm512_maskz_loadu_epi64(live, a + i),
                                     _mm512_maskz_loadu_epi64(live, b + i));
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(v));
    }
    return (size_t)_mm512_reduce_add_epi64(_mm512_add_epi64(sum, sum2));
}

size_t qn__popcount_andnot_avx512(const uint64_t *a, const uint64_t *b, size_t n)
{
    __m512i sum = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 live = live_8(n - i);
        __m512i v = _mm512_andnot_si512(_mm512_maskz_loadu_epi64(live, b + i),
                                        _mm512_maskz_loadu_epi64(live, a + i));
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(v));
    }
    return (size_t)_mm512_reduce_add_epi64(sum);
}

/* Byte positions of the set bits, then widened 16 at a time, as many rounds as there are. */
size_t qn__ids_from_bits_avx512(uint32_t *out, const uint64_t *bits, size_t n, uint32_t base)
{
    const __m512i places = _mm512_loadu_si512(qn__iota);
    uint32_t *o = out;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = bits[i];
        if (w == 0)
            continue;
        int count = __builtin_popcountll(w);
        __m512i v = _mm512_maskz_compress_epi8(w, places);
        __m512i add = _mm512_set1_epi32((int)(base + (uint32_t)i * 64));
#define PUT(k)                                                                                     \
    _mm512_storeu_si512(                                                                           \
        o + 16 * (k),                                                                              \
        _mm512_add_epi32(_mm512_cvtepu8_epi32(_mm512_extracti32x4_epi32(v, k)), add))
        PUT(0);
        if (count > 16) {
            PUT(1);
            if (count > 32) {
                PUT(2);
                PUT(3);
            }
        }
#undef PUT
        o += count;
    }
    return (size_t)(o - out);
}

size_t qn__lower_bound32_avx512(const uint32_t *v, size_t n, uint32_t key)
{
    size_t lo = 0;
    while (n > 128) {
        size_t half = n / 2;
        lo = v[lo + half - 1] < key ? lo + half : lo;
        n -= half;
    }
    __m512i k = _mm512_set1_epi32((int)key);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 live = live_16(n - i);
        __m512i x = _mm512_maskz_loadu_epi32(live, v + lo + i);
        __mmask16 less = _mm512_mask_cmplt_epu32_mask(live, x, k);
        if (less != live)
            return lo + i + (size_t)__builtin_popcount(less);
    }
    return lo + n;
}

/* Steps of 8 by 8: each value of one register against the eight rotations of the other. */
static inline unsigned in_both_8(__m256i x, __m256i y)
{
    __m256i z = _mm256_permute2x128_si256(y, y, 1);
#define SAME(v, order) _mm256_cmpeq_epi32(x, _mm256_shuffle_epi32(v, order))
    __m256i a = _mm256_or_si256(_mm256_cmpeq_epi32(x, y), SAME(y, 0x39));
    __m256i b = _mm256_or_si256(SAME(y, 0x4e), SAME(y, 0x93));
    __m256i c = _mm256_or_si256(_mm256_cmpeq_epi32(x, z), SAME(z, 0x39));
    __m256i d = _mm256_or_si256(SAME(z, 0x4e), SAME(z, 0x93));
#undef SAME
    a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
    return _mm256_movepi32_mask(a);
}

size_t qn__intersect32_avx512(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                              size_t nb)
{
    if (nb / QN_GALLOP_RATIO > na)
        return qn__intersect_gallop(out, a, na, b, nb);
    if (na / QN_GALLOP_RATIO > nb)
        return qn__intersect_gallop(out, b, nb, a, na);
    size_t i = 0, j = 0, k = 0;
    while (i + 8 <= na && j + 8 <= nb) {
        __m256i x = _mm256_loadu_si256((const void *)(a + i));
        unsigned hit = in_both_8(x, _mm256_loadu_si256((const void *)(b + j)));
        _mm256_storeu_si256((void *)(out + k), _mm256_maskz_compress_epi32((__mmask8)hit, x));
        k += (size_t)__builtin_popcount(hit);
        uint32_t last_a = a[i + 7], last_b = b[j + 7];
        i += last_a <= last_b ? 8 : 0;
        j += last_b <= last_a ? 8 : 0;
    }
    return k + qn__intersect32_scalar(out + k, a + i, na - i, b + j, nb - j);
}

/* VP2INTERSECT in software: which of x are in any of the 16 rotations of y. */
static inline __mmask16 in_both_16(__m512i x, __m512i y)
{
    __mmask16 hit = 0;
    for (int r = 0; r < 4; r++) {
        hit |= _mm512_cmpeq_epi32_mask(x, y);
        hit |= _mm512_cmpeq_epi32_mask(x, _mm512_shuffle_epi32(y, _MM_PERM_ADCB));
        hit |= _mm512_cmpeq_epi32_mask(x, _mm512_shuffle_epi32(y, _MM_PERM_BADC));
        hit |= _mm512_cmpeq_epi32_mask(x, _mm512_shuffle_epi32(y, _MM_PERM_CBAD));
        y = _mm512_shuffle_i32x4(y, y, 0x39);
    }
    return hit;
}

size_t qn__intersect32_walk16_avx512(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                                     size_t nb)
{
    return intersect_by_16(out, a, na, b, nb, in_both_16);
}
