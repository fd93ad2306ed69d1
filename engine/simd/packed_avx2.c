/* Packed integers with AVX2. A group is 8 values, w bytes. Byte shuffles stay inside 128-bit
 * halves, so each half gets its own unaligned load that starts at the first byte it needs. */
#include <immintrin.h>

#include "kernels_int.h"
#include "tables_int.h"

#define WIDEST_32 25 /* value and shift fit in a 32-bit lane */
#define WIDEST_64 57

static const uint8_t nothing[64];

static inline __m256i load_halves(const uint8_t *lo, const uint8_t *hi)
{
    return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const void *)lo)),
                                   _mm_loadu_si128((const void *)hi), 1);
}

/* Byte indexes of the upper half, counted from where its own load starts. */
static inline __m256i halves(const uint8_t *index, size_t skip_lo, size_t skip_hi)
{
    __m256i v = _mm256_loadu_si256((const void *)index);
    __m256i skip = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_set1_epi8((char)skip_lo)),
                                           _mm_set1_epi8((char)skip_hi), 1);
    return _mm256_sub_epi8(v, skip);
}

struct lanes_32 {
    __m256i byte, shift, mask;
    size_t skip; /* where the load of the upper half starts */
};

static inline struct lanes_32 lanes_32(unsigned w)
{
    size_t skip = w / 2;
    return (struct lanes_32){halves(qn__byte_32[w], 0, skip),
                             _mm256_loadu_si256((const void *)qn__shift_32[w]),
                             _mm256_set1_epi32((int)((1ull << w) - 1)), skip};
}

static inline __m256i expand_32(const uint8_t *in, const struct lanes_32 *ln)
{
    __m256i v = _mm256_shuffle_epi8(load_halves(in, in + ln->skip), ln->byte);
    return _mm256_and_si256(_mm256_srlv_epi32(v, ln->shift), ln->mask);
}

struct lanes_64 {
    __m256i byte[2], shift[2], mask; /* values 0..3 and 4..7 of a group */
    size_t skip[4];
};

static inline struct lanes_64 lanes_64(unsigned w)
{
    struct lanes_64 ln;
    for (unsigned k = 0; k < 4; k++)
        ln.skip[k] = 2 * k * w / 8;
    for (unsigned k = 0; k < 2; k++) {
        ln.byte[k] = halves(qn__byte_64[w] + 32 * k, ln.skip[2 * k], ln.skip[2 * k + 1]);
        ln.shift[k] = _mm256_loadu_si256((const void *)(qn__shift_64[w] + 4 * k));
    }
    ln.mask = _mm256_set1_epi64x((int64_t)((1ull << w) - 1));
    return ln;
}

static inline __m256i expand_64(const uint8_t *in, const struct lanes_64 *ln, unsigned k)
{
    __m256i v = load_halves(in + ln->skip[2 * k], in + ln->skip[2 * k + 1]);
    v = _mm256_srlv_epi64(_mm256_shuffle_epi8(v, ln->byte[k]), ln->shift[k]);
    return _mm256_and_si256(v, ln->mask);
}

/* Widths 26..32 pass through 64-bit lanes. */
static inline __m256i expand_32_wide(const uint8_t *in, const struct lanes_64 *ln)
{
    __m256 lo = _mm256_castsi256_ps(expand_64(in, ln, 0));
    __m256 hi = _mm256_castsi256_ps(expand_64(in, ln, 1));
    __m256i mixed = _mm256_castps_si256(_mm256_shuffle_ps(lo, hi, 0x88));
    return _mm256_permute4x64_epi64(mixed, 0xd8);
}

void qn__unpack32_avx2(uint32_t *out, const uint8_t *in, size_t n, unsigned width, uint32_t base)
{
    __m256i add = _mm256_set1_epi32((int)base);
    if (width > WIDEST_32) {
        struct lanes_64 ln = lanes_64(width);
        for (size_t i = 0; i < n; i += 8, in += width)
            _mm256_storeu_si256((void *)(out + i), _mm256_add_epi32(expand_32_wide(in, &ln), add));
        return;
    }
    if (width == 0)
        in = nothing;
    struct lanes_32 ln = lanes_32(width);
    for (size_t i = 0; i < n; i += 8, in += width)
        _mm256_storeu_si256((void *)(out + i), _mm256_add_epi32(expand_32(in, &ln), add));
}

static inline __m256i scan_32(__m256i v)
{
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 4));
    v = _mm256_add_epi32(v, _mm256_slli_si256(v, 8));
    __m256i low_sum = _mm256_permutevar8x32_epi32(v, _mm256_set1_epi32(3));
    return _mm256_add_epi32(v, _mm256_blend_epi32(_mm256_setzero_si256(), low_sum, 0xf0));
}

void qn__unpack32_delta_avx2(uint32_t *out, const uint8_t *in, size_t n, unsigned width,
                             uint32_t prev, uint32_t step)
{
    const __m256i add = _mm256_set1_epi32((int)step), last = _mm256_set1_epi32(7);
    __m256i carry = _mm256_set1_epi32((int)prev);
    if (width == 0)
        in = nothing;
    bool wide = width > WIDEST_32;
    struct lanes_32 ln = lanes_32(width);
    struct lanes_64 ln_wide = lanes_64(width);
    for (size_t i = 0; i < n; i += 8, in += width) {
        __m256i v = wide ? expand_32_wide(in, &ln_wide) : expand_32(in, &ln);
        v = scan_32(_mm256_add_epi32(v, add));
        _mm256_storeu_si256((void *)(out + i), _mm256_add_epi32(v, carry));
        carry = _mm256_add_epi32(carry, _mm256_permutevar8x32_epi32(v, last));
    }
}

void qn__unpack64_avx2(uint64_t *out, const uint8_t *in, size_t n, unsigned width, uint64_t base)
{
    if (width > WIDEST_64) {
        qn__unpack64_scalar(out, in, n, width, base);
        return;
    }
    if (width == 0)
        in = nothing;
    struct lanes_64 ln = lanes_64(width);
    __m256i add = _mm256_set1_epi64x((int64_t)base);
    for (size_t i = 0; i < n; i += 8, in += width) {
        _mm256_storeu_si256((void *)(out + i), _mm256_add_epi64(expand_64(in, &ln, 0), add));
        _mm256_storeu_si256((void *)(out + i + 4), _mm256_add_epi64(expand_64(in, &ln, 1), add));
    }
}

/* pext squeezes two values at a time out of 64 bits; the accumulator is the scalar packer's. */
void qn__pack32_avx2(uint8_t *out, const uint32_t *in, size_t n, unsigned width)
{
    uint64_t mask = (1ull << width) - 1, acc = 0;
    mask |= mask << 32;
    unsigned pair = 2 * width, used = 0;
    size_t i = 0;
    for (; i + 2 <= n && width != 0; i += 2) {
        uint64_t v;
        memcpy(&v, in + i, 8);
        v = _pext_u64(v, mask);
        acc |= v << used;
        used += pair;
        if (used >= 64) {
            memcpy(out, &acc, 8);
            out += 8;
            used -= 64;
            acc = used ? v >> (pair - used) : 0;
        }
    }
    if (i < n && width != 0) {
        uint64_t v = in[i];
        acc |= v << used;
        memcpy(out, &acc, 8);
        out += 8;
        acc = used + width > 64 ? v >> (64 - used) : 0;
        used = used + width > 64 ? used + width - 64 : 0;
    }
    memcpy(out, &acc, (used + 7) / 8);
}

void qn__pack64_avx2(uint8_t *out, const uint64_t *in, size_t n, unsigned width)
{
    size_t i = 0;
    const __m256i even = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    for (; i + 64 <= n && width <= 32; i += 64, out += 8 * (size_t)width) {
        uint32_t low[64];
        for (unsigned k = 0; k < 64; k += 4) {
            __m256i v = _mm256_loadu_si256((const void *)(in + i + k));
            v = _mm256_permutevar8x32_epi32(v, even);
            _mm_storeu_si128((void *)(low + k), _mm256_castsi256_si128(v));
        }
        qn__pack32_avx2(out, low, 64, width);
    }
    qn__pack64_scalar(out, in + i, n - i, width);
}

uint32_t qn__or32_avx2(const uint32_t *in, size_t n)
{
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        all = _mm256_or_si256(all, _mm256_loadu_si256((const void *)(in + i)));
    __m128i v = _mm_or_si128(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    v = _mm_or_si128(v, _mm_srli_si128(v, 8));
    v = _mm_or_si128(v, _mm_srli_si128(v, 4));
    return (uint32_t)_mm_cvtsi128_si32(v) | qn__or32_scalar(in + i, n - i);
}

uint32_t qn__deltas32_avx2(uint32_t *out, const uint32_t *in, size_t n, uint32_t prev,
                           uint32_t step)
{
    if (n == 0)
        return 0;
    uint32_t all = out[0] = in[0] - prev - step;
    __m256i less = _mm256_set1_epi32((int)step), acc = _mm256_setzero_si256();
    size_t i = 1;
    for (; i + 8 <= n; i += 8) {
        __m256i v = _mm256_loadu_si256((const void *)(in + i));
        __m256i before = _mm256_loadu_si256((const void *)(in + i - 1));
        v = _mm256_sub_epi32(_mm256_sub_epi32(v, before), less);
        _mm256_storeu_si256((void *)(out + i), v);
        acc = _mm256_or_si256(acc, v);
    }
    uint32_t lanes[8];
    _mm256_storeu_si256((void *)lanes, acc);
    return all | qn__or32_scalar(lanes, 8) |
           qn__deltas32_scalar(out + i, in + i, n - i, in[i - 1], step);
}

static size_t range_32(uint64_t *bits, const uint8_t *in, size_t words, unsigned w, uint64_t lo,
                       uint64_t hi)
{
    bool wide = w > WIDEST_32;
    struct lanes_32 ln = lanes_32(w);
    struct lanes_64 ln_wide = lanes_64(w);
    __m256i from = _mm256_set1_epi32((int)lo), span = _mm256_set1_epi32((int)(hi - lo));
    size_t hits = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 64; k += 8, in += w) {
            __m256i v = wide ? expand_32_wide(in, &ln_wide) : expand_32(in, &ln);
            v = _mm256_sub_epi32(v, from);
            v = _mm256_cmpeq_epi32(_mm256_min_epu32(v, span), v);
            word |= (uint64_t)(unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(v)) << k;
        }
        bits[i] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits;
}

static size_t range_64(uint64_t *bits, const uint8_t *in, size_t words, unsigned w, uint64_t lo,
                       uint64_t hi)
{
    struct lanes_64 ln = lanes_64(w);
    const __m256i below = _mm256_set1_epi64x((int64_t)lo), above = _mm256_set1_epi64x((int64_t)hi);
    size_t hits = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t miss = 0;
        for (unsigned k = 0; k < 64; k += 4) { /* widths up to 57: signed compares will do */
            __m256i v = expand_64(in, &ln, k / 4 & 1);
            v = _mm256_or_si256(_mm256_cmpgt_epi64(below, v), _mm256_cmpgt_epi64(v, above));
            miss |= (uint64_t)(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(v)) << k;
            in += k & 4 ? w : 0;
        }
        bits[i] = ~miss;
        hits += (size_t)__builtin_popcountll(~miss);
    }
    return hits;
}

size_t qn__range_packed_avx2(uint64_t *bits, const uint8_t *in, size_t n, unsigned width,
                             uint64_t lo, uint64_t hi)
{
    uint64_t most = width >= 64 ? UINT64_MAX : (1ull << width) - 1;
    if (lo > hi || lo > most || width == 0 || width > WIDEST_64)
        return qn__range_packed_scalar(bits, in, n, width, lo, hi);
    if (hi > most)
        hi = most;
    size_t words = n / 64;
    size_t hits = width <= 32 ? range_32(bits, in, words, width, lo, hi)
                              : range_64(bits, in, words, width, lo, hi);
    if (n % 64 != 0)
        hits +=
            qn__range_packed_scalar(bits + words, in + words * 8 * width, n % 64, width, lo, hi);
    return hits;
}

void qn__stats_packed_avx2(struct qn_simd_stats *st, const uint8_t *in, size_t n, unsigned width)
{
    *st = (struct qn_simd_stats){.min = UINT64_MAX};
    uint64_t v[256];
    for (size_t i = 0; i < n; i += 256) {
        size_t part = n - i < 256 ? n - i : 256;
        qn__unpack64_avx2(v, in + i / 8 * width, part, width, 0);
        qn__stats64_avx2(st, v, part, NULL);
    }
}
