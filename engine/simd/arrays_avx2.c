/* Arrays and bit sets with AVX2 and BMI2. */
#include <immintrin.h>

#include "kernels_int.h"

static inline __m256i load(const void *p)
{
    return _mm256_loadu_si256(p);
}

size_t qn__range32_avx2(uint64_t *bits, const uint32_t *v, size_t n, uint32_t lo, uint32_t hi)
{
    if (lo > hi)
        return qn__range32_scalar(bits, v, n, lo, hi);
    __m256i from = _mm256_set1_epi32((int)lo), span = _mm256_set1_epi32((int)(hi - lo));
    size_t hits = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 64; k += 8) {
            __m256i d = _mm256_sub_epi32(load(v + i + k), from);
            d = _mm256_cmpeq_epi32(_mm256_min_epu32(d, span), d);
            word |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(d)) << k;
        }
        bits[i / 64] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits + qn__range32_scalar(bits + i / 64, v + i, n - i, lo, hi);
}

size_t qn__range64_avx2(uint64_t *bits, const uint64_t *v, size_t n, uint64_t lo, uint64_t hi)
{
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN);
    const __m256i below = _mm256_set1_epi64x((int64_t)(lo ^ (1ull << 63)));
    const __m256i above = _mm256_set1_epi64x((int64_t)(hi ^ (1ull << 63)));
    size_t hits = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t miss = 0;
        for (unsigned k = 0; k < 64; k += 4) {
            __m256i x = _mm256_xor_si256(load(v + i + k), flip);
            x = _mm256_or_si256(_mm256_cmpgt_epi64(below, x), _mm256_cmpgt_epi64(x, above));
            miss |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(x)) << k;
        }
        bits[i / 64] = ~miss;
        hits += (size_t)__builtin_popcountll(~miss);
    }
    return hits + qn__range64_scalar(bits + i / 64, v + i, n - i, lo, hi);
}

void qn__stats64_avx2(struct qn_simd_stats *st, const uint64_t *v, size_t n, const uint64_t *bits)
{
    const __m256i flip = _mm256_set1_epi64x(INT64_MIN), lane = _mm256_setr_epi64x(1, 2, 4, 8);
    __m256i sum = _mm256_setzero_si256(), live = _mm256_set1_epi64x(-1);
    __m256i min = _mm256_set1_epi64x(INT64_MAX), max = flip; /* with the sign bit flipped */
    size_t i = 0, count = 0;
    for (; i + 4 <= n; i += 4) {
        unsigned m = bits == NULL ? 15 : (unsigned)(bits[i / 64] >> (i % 64)) & 15;
        count += (size_t)__builtin_popcount(m);
        if (bits != NULL)
            live = _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(m), lane), lane);
        __m256i x = load(v + i), s = _mm256_xor_si256(x, flip);
        sum = _mm256_add_epi64(sum, _mm256_and_si256(x, live));
        __m256i less = _mm256_and_si256(_mm256_cmpgt_epi64(min, s), live);
        __m256i more = _mm256_and_si256(_mm256_cmpgt_epi64(s, max), live);
        min = _mm256_blendv_epi8(min, s, less);
        max = _mm256_blendv_epi8(max, s, more);
    }
    uint64_t sums[4], mins[4], maxs[4];
    _mm256_storeu_si256((void *)sums, sum);
    _mm256_storeu_si256((void *)mins, _mm256_xor_si256(min, flip));
    _mm256_storeu_si256((void *)maxs, _mm256_xor_si256(max, flip));
    st->n += count;
    for (unsigned k = 0; k < 4 && count != 0; k++) {
        st->sum += sums[k];
        st->min = mins[k] < st->min ? mins[k] : st->min;
        st->max = maxs[k] > st->max ? maxs[k] : st->max;
    }
    for (; i < n; i++)
        if (bits == NULL || qn_bit_get(bits, i))
            qn__stats64_scalar(st, v + i, 1, NULL);
}

void qn__ramp64_avx2(uint64_t *x, size_t n, uint64_t base, uint64_t slope)
{
    __m256i at = _mm256_setr_epi64x((int64_t)base, (int64_t)(base + slope),
                                    (int64_t)(base + 2 * slope), (int64_t)(base + 3 * slope));
    __m256i up = _mm256_set1_epi64x((int64_t)(4 * slope));
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        _mm256_storeu_si256((void *)(x + i), _mm256_add_epi64(load(x + i), at));
        at = _mm256_add_epi64(at, up);
    }
    qn__ramp64_scalar(x + i, n - i, base + slope * i, slope);
}

/* Lane numbers of the set bits of an 8-bit mask, as eight 32-bit lanes. */
static inline __m256i pick_lanes(unsigned mask)
{
    uint64_t bytes = _pdep_u64(mask, 0x0101010101010101ull) * 0xff;
    uint64_t lanes = _pext_u64(0x0706050403020100ull, bytes);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)lanes));
}

size_t qn__compress32_avx2(uint32_t *out, const uint32_t *v, const uint64_t *bits, size_t n)
{
    size_t k = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        unsigned m = (unsigned)(bits[i / 64] >> (i % 64)) & 0xff;
        __m256i x = _mm256_permutevar8x32_epi32(load(v + i), pick_lanes(m));
        _mm256_storeu_si256((void *)(out + k), x);
        k += (size_t)__builtin_popcount(m);
    }
    for (; i < n; i++)
        if (qn_bit_get(bits, i))
            out[k++] = v[i];
    return k;
}

size_t qn__compress64_avx2(uint64_t *out, const uint64_t *v, const uint64_t *bits, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < n; i += 64)
        for (uint64_t w = bits[i / 64]; w != 0; w &= w - 1) {
            size_t at = i + (size_t)__builtin_ctzll(w);
            if (at >= n)
                break;
            out[k++] = v[at];
        }
    return k;
}

void qn__bits_and_avx2(uint64_t *dst, const uint64_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm256_storeu_si256((void *)(dst + i), _mm256_and_si256(load(dst + i), load(src + i)));
    qn__bits_and_scalar(dst + i, src + i, n - i);
}

void qn__bits_or_avx2(uint64_t *dst, const uint64_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm256_storeu_si256((void *)(dst + i), _mm256_or_si256(load(dst + i), load(src + i)));
    qn__bits_or_scalar(dst + i, src + i, n - i);
}

void qn__bits_andnot_avx2(uint64_t *dst, const uint64_t *src, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm256_storeu_si256((void *)(dst + i), _mm256_andnot_si256(load(src + i), load(dst + i)));
    qn__bits_andnot_scalar(dst + i, src + i, n - i);
}

void qn__bits_not_avx2(uint64_t *dst, size_t n)
{
    const __m256i ones = _mm256_set1_epi64x(-1);
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm256_storeu_si256((void *)(dst + i), _mm256_xor_si256(load(dst + i), ones));
    qn__bits_not_scalar(dst + i, n - i);
}

/* Population count by four-bit lookups, summed per 64 bits. */
static inline __m256i popcount_256(__m256i v)
{
    const __m256i table =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i lo = _mm256_shuffle_epi8(table, _mm256_and_si256(v, nibble));
    __m256i hi = _mm256_shuffle_epi8(table, _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble));
    return _mm256_sad_epu8(_mm256_add_epi8(lo, hi), _mm256_setzero_si256());
}

static inline size_t sum_lanes(__m256i v)
{
    __m128i s = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    return (size_t)(_mm_cvtsi128_si64(s) + _mm_extract_epi64(s, 1));
}

size_t qn__popcount_avx2(const uint64_t *a, size_t n)
{
    __m256i sum = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        sum = _mm256_add_epi64(sum, popcount_256(load(a + i)));
    return sum_lanes(sum) + qn__popcount_scalar(a + i, n - i);
}

size_t qn__popcount_and_avx2(const uint64_t *a, const uint64_t *b, size_t n)
{
    __m256i sum = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        sum = _mm256_add_epi64(sum, popcount_256(_mm256_and_si256(load(a + i), load(b + i))));
    return sum_lanes(sum) + qn__popcount_and_scalar(a + i, b + i, n - i);
}

size_t qn__popcount_andnot_avx2(const uint64_t *a, const uint64_t *b, size_t n)
{
    __m256i sum = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        sum = _mm256_add_epi64(sum, popcount_256(_mm256_andnot_si256(load(b + i), load(a + i))));
    return sum_lanes(sum) + qn__popcount_andnot_scalar(a + i, b + i, n - i);
}

/* Four at a time without asking, as many rounds as the count needs. */
size_t qn__ids_from_bits_avx2(uint32_t *out, const uint64_t *bits, size_t n, uint32_t base)
{
    uint32_t *o = out;
    for (size_t i = 0; i < n; i++) {
        uint64_t w = bits[i];
        size_t count = (size_t)__builtin_popcountll(w);
        uint32_t at = base + (uint32_t)i * 64;
        for (size_t k = 0; k < count; k += 4) {
            o[k] = at + (uint32_t)_tzcnt_u64(w);
            w = _blsr_u64(w);
            o[k + 1] = at + (uint32_t)_tzcnt_u64(w);
            w = _blsr_u64(w);
            o[k + 2] = at + (uint32_t)_tzcnt_u64(w);
            w = _blsr_u64(w);
            o[k + 3] = at + (uint32_t)_tzcnt_u64(w);
            w = _blsr_u64(w);
        }
        o += count;
    }
    return (size_t)(o - out);
}

/* Steps of 8 by 8: each value of one register against the eight rotations of the other. */
static inline unsigned in_both(__m256i x, __m256i y)
{
    __m256i z = _mm256_permute2x128_si256(y, y, 1);
#define SAME(v, order) _mm256_cmpeq_epi32(x, _mm256_shuffle_epi32(v, order))
    __m256i a = _mm256_or_si256(_mm256_cmpeq_epi32(x, y), SAME(y, 0x39));
    __m256i b = _mm256_or_si256(SAME(y, 0x4e), SAME(y, 0x93));
    __m256i c = _mm256_or_si256(_mm256_cmpeq_epi32(x, z), SAME(z, 0x39));
    __m256i d = _mm256_or_si256(SAME(z, 0x4e), SAME(z, 0x93));
#undef SAME
    a = _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d));
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(a));
}

size_t qn__intersect32_avx2(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                            size_t nb)
{
    if (nb / QN_GALLOP_RATIO > na)
        return qn__intersect_gallop(out, a, na, b, nb);
    if (na / QN_GALLOP_RATIO > nb)
        return qn__intersect_gallop(out, b, nb, a, na);
    size_t i = 0, j = 0, k = 0;
    while (i + 8 <= na && j + 8 <= nb) {
        __m256i x = load(a + i);
        unsigned hit = in_both(x, load(b + j));
        _mm256_storeu_si256((void *)(out + k), _mm256_permutevar8x32_epi32(x, pick_lanes(hit)));
        k += (size_t)__builtin_popcount(hit);
        uint32_t last_a = a[i + 7], last_b = b[j + 7];
        i += last_a <= last_b ? 8 : 0;
        j += last_b <= last_a ? 8 : 0;
    }
    return k + qn__intersect32_scalar(out + k, a + i, na - i, b + j, nb - j);
}
