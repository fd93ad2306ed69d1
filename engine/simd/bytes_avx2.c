/* Byte scans and scoring with AVX2, 32 bytes at a time. */
#include <immintrin.h>

#include "kernels_int.h"

static inline uint32_t live_32(size_t left)
{
    return left >= 32 ? UINT32_MAX : (1u << left) - 1;
}

static inline __m256i load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline uint32_t equal_mask(const uint8_t *p, __m256i want)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(p), want));
}

size_t qn__find_byte_avx2(const uint8_t *p, size_t n, uint8_t b)
{
    __m256i want = _mm256_set1_epi8((char)b);
    for (size_t i = 0; i < n; i += 32) {
        uint32_t hit = equal_mask(p + i, want) & live_32(n - i);
        if (hit != 0)
            return i + (size_t)__builtin_ctz(hit);
    }
    return n;
}

struct byteset {
    __m256i low, high, bit, nibble;
};

static inline struct byteset load_set(const struct qn_byteset *set)
{
    return (struct byteset){
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)set->half[0])),
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)set->half[1])),
        _mm256_set1_epi64x((int64_t)0x8040201008040201ull), _mm256_set1_epi8(15)};
}

/* Row by the low four bits, bit in the row by the next three, half by the top bit. */
static inline uint32_t in_set(__m256i v, const struct byteset *s)
{
    __m256i column = _mm256_and_si256(v, s->nibble);
    __m256i row = _mm256_blendv_epi8(_mm256_shuffle_epi8(s->low, column),
                                     _mm256_shuffle_epi8(s->high, column), v);
    __m256i which = _mm256_and_si256(_mm256_srli_epi16(v, 4), s->nibble);
    __m256i bit = _mm256_shuffle_epi8(s->bit, which);
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_and_si256(row, bit), bit));
}

size_t qn__find_set_avx2(const uint8_t *p, size_t n, const struct qn_byteset *set)
{
    struct byteset s = load_set(set);
    for (size_t i = 0; i < n; i += 32) {
        uint32_t hit = in_set(load(p + i), &s) & live_32(n - i);
        if (hit != 0)
            return i + (size_t)__builtin_ctz(hit);
    }
    return n;
}

/* Places where the first and the last byte fit are compared in full. */
size_t qn__find_bytes_avx2(const uint8_t *p, size_t n, const uint8_t *needle, size_t m)
{
    if (m <= 1 || m > n)
        return m == 0 ? 0 : m > n ? n : qn__find_byte_avx2(p, n, needle[0]);
    __m256i first = _mm256_set1_epi8((char)needle[0]);
    __m256i last = _mm256_set1_epi8((char)needle[m - 1]);
    size_t starts = n - m + 1;
    for (size_t i = 0; i < starts; i += 32) {
        uint32_t hit = equal_mask(p + i, first) & equal_mask(p + i + m - 1, last);
        for (hit &= live_32(starts - i); hit != 0; hit &= hit - 1) {
            size_t at = i + (size_t)__builtin_ctz(hit);
            if (memcmp(p + at + 1, needle + 1, m - 2) == 0)
                return at;
        }
    }
    return n;
}

void qn__byte_bits_avx2(uint64_t *bits, const uint8_t *p, size_t n, uint8_t b)
{
    __m256i want = _mm256_set1_epi8((char)b);
    for (size_t i = 0; i < n; i += 64) {
        uint64_t word = equal_mask(p + i, want) & live_32(n - i);
        if (n - i > 32)
            word |= (uint64_t)(equal_mask(p + i + 32, want) & live_32(n - i - 32)) << 32;
        bits[i / 64] = word;
    }
}

void qn__set_bits_avx2(uint64_t *bits, const uint8_t *p, size_t n, const struct qn_byteset *set)
{
    struct byteset s = load_set(set);
    for (size_t i = 0; i < n; i += 64) {
        uint64_t word = in_set(load(p + i), &s) & live_32(n - i);
        if (n - i > 32)
            word |= (uint64_t)(in_set(load(p + i + 32), &s) & live_32(n - i - 32)) << 32;
        bits[i / 64] = word;
    }
}

static inline __m256i between(__m256i v, char lo, char hi) /* signed: bytes >= 0x80 are below */
{
    return _mm256_and_si256(_mm256_cmpgt_epi8(v, _mm256_set1_epi8((char)(lo - 1))),
                            _mm256_cmpgt_epi8(_mm256_set1_epi8((char)(hi + 1)), v));
}

bool qn__classify_ascii_avx2(uint8_t *lower, uint64_t *alnum, const uint8_t *p, size_t n)
{
    uint32_t any_high = 0;
    for (size_t i = 0; i < n; i += 32) {
        uint32_t live = live_32(n - i);
        __m256i v = load(p + i);
        __m256i upper = between(v, 'A', 'Z');
        __m256i low = _mm256_or_si256(v, _mm256_and_si256(upper, _mm256_set1_epi8(0x20)));
        __m256i word = _mm256_or_si256(between(low, 'a', 'z'), between(v, '0', '9'));
        _mm256_storeu_si256((void *)(lower + i), low);
        uint64_t mask = (uint32_t)_mm256_movemask_epi8(word) & live;
        if (i % 64 == 0)
            alnum[i / 64] = mask;
        else
            alnum[i / 64] |= mask << 32;
        any_high |= (uint32_t)_mm256_movemask_epi8(v) & live;
    }
    return any_high != 0;
}

uint8_t qn__max8_avx2(const uint8_t *p, size_t n)
{
    __m256i max = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        max = _mm256_max_epu8(max, load(p + i));
    uint8_t lanes[32], rest = qn__max8_scalar(p + i, n - i);
    _mm256_storeu_si256((void *)lanes, max);
    uint8_t most = qn__max8_scalar(lanes, 32);
    return most > rest ? most : rest;
}

size_t qn__scores_above_avx2(uint64_t *bits, const float *score, size_t n, float threshold)
{
    __m256 t = _mm256_set1_ps(threshold);
    size_t hits = 0, i = 0;
    for (; i + 64 <= n; i += 64) {
        uint64_t word = 0;
        for (unsigned k = 0; k < 64; k += 8) {
            __m256 over = _mm256_cmp_ps(_mm256_loadu_ps(score + i + k), t, _CMP_GT_OQ);
            word |= (uint64_t)(unsigned)_mm256_movemask_ps(over) << k;
        }
        bits[i / 64] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits + qn__scores_above_scalar(bits + i / 64, score + i, n - i, threshold);
}
