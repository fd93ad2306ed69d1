/* Byte scans and scoring codes, 64 bytes at a time. */
#include <immintrin.h>

#include "kernels_int.h"
#include "tables_int.h"

static inline uint64_t live_64(size_t left)
{
    return left >= 64 ? UINT64_MAX : (1ull << left) - 1;
}

size_t qn__find_byte_avx512(const uint8_t *p, size_t n, uint8_t b)
{
    __m512i want = _mm512_set1_epi8((char)b);
    for (size_t i = 0; i < n; i += 64) {
        uint64_t hit = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i), want);
        hit &= live_64(n - i);
        if (hit != 0)
            return i + (size_t)__builtin_ctzll(hit);
    }
    return n;
}

struct byteset {
    __m512i low, high, bit, nibble;
};

static inline struct byteset load_set(const struct qn_byteset *set)
{
    return (struct byteset){_mm512_broadcast_i32x4(_mm_loadu_si128((const void *)set->half[0])),
                            _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)set->half[1])),
                            _mm512_set1_epi64((int64_t)0x8040201008040201ull),
                            _mm512_set1_epi8(15)};
}

/* Row by the low four bits, bit in the row by the next three, half by the top bit. */
static inline uint64_t in_set(__m512i v, const struct byteset *s)
{
    __m512i column = _mm512_and_si512(v, s->nibble);
    __m512i row = _mm512_shuffle_epi8(s->low, column);
    row = _mm512_mask_shuffle_epi8(row, _mm512_movepi8_mask(v), s->high, column);
    __m512i which = _mm512_and_si512(_mm512_srli_epi16(v, 4), s->nibble);
    return _mm512_test_epi8_mask(row, _mm512_shuffle_epi8(s->bit, which));
}

size_t qn__find_set_avx512(const uint8_t *p, size_t n, const struct qn_byteset *set)
{
    struct byteset s = load_set(set);
    for (size_t i = 0; i < n; i += 64) {
        uint64_t hit = in_set(_mm512_loadu_si512(p + i), &s) & live_64(n - i);
        if (hit != 0)
            return i + (size_t)__builtin_ctzll(hit);
    }
    return n;
}

/* Places where the first and the last byte fit are compared in full. */
size_t qn__find_bytes_avx512(const uint8_t *p, size_t n, const uint8_t *needle, size_t m)
{
    if (m <= 1 || m > n)
        return m == 0 ? 0 : m > n ? n : qn__find_byte_avx512(p, n, needle[0]);
    __m512i first = _mm512_set1_epi8((char)needle[0]);
    __m512i last = _mm512_set1_epi8((char)needle[m - 1]);
    size_t starts = n - m + 1;
    for (size_t i = 0; i < starts; i += 64) {
        const uint8_t *end = p + i + m - 1;
        for (; i + 128 <= starts; i += 128, end += 128) { /* two steps for one branch */
            uint64_t a = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i), first);
            uint64_t b = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i + 64), first);
            a &= _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(end), last);
            b &= _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(end + 64), last);
            if ((a | b) != 0)
                break;
        }
        uint64_t hit = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i), first);
        hit &= _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(end), last);
        for (hit &= i < starts ? live_64(starts - i) : 0; hit != 0; hit &= hit - 1) {
            size_t at = i + (size_t)__builtin_ctzll(hit);
            if (memcmp(p + at + 1, needle + 1, m - 2) == 0)
                return at;
        }
    }
    return n;
}

void qn__byte_bits_avx512(uint64_t *bits, const uint8_t *p, size_t n, uint8_t b)
{
    __m512i want = _mm512_set1_epi8((char)b);
    for (size_t i = 0; i < n; i += 64)
        bits[i / 64] = _mm512_cmpeq_epi8_mask(_mm512_loadu_si512(p + i), want) & live_64(n - i);
}

/* 0 or ~0 when all bytes of a half are out of the set or in it, else neither. */
static inline uint64_t uniform(const uint8_t half[16])
{
    uint64_t a, b;
    memcpy(&a, half, 8);
    memcpy(&b, half + 8, 8);
    return a == b && (a == 0 || a == UINT64_MAX) ? a : 1;
}

/* Long inputs first turn the set into a table of 256 bytes, 0 or 255, which answers in half the
 * steps; in a quarter when the upper half is all one (sets of ASCII, and codes above a limit). */
void qn__set_bits_avx512(uint64_t *bits, const uint8_t *p, size_t n, const struct qn_byteset *set)
{
    const struct byteset s = load_set(set);
    size_t i = 0;
    if (n >= 512) {
        const __m512i c64 = _mm512_set1_epi8(64);
        __m512i table[4], v = _mm512_loadu_si512(qn__iota);
        for (int k = 0; k < 4; k++, v = _mm512_add_epi8(v, c64))
            table[k] = _mm512_movm_epi8(in_set(v, &s));
        const uint64_t upper = uniform(set->half[1]);
        const __m512i top = _mm512_set1_epi8((char)0x80);
        const __m512i fixed = _mm512_set1_epi64((int64_t)upper);
        for (; i + 64 <= n && upper != 1; i += 64) {
            v = _mm512_loadu_si512(p + i);
            __m512i low = _mm512_permutex2var_epi8(table[0], v, table[1]);
            /* Only the top bit of each byte counts: v says which of the two to take it from. */
            bits[i / 64] =
                _mm512_test_epi8_mask(_mm512_ternarylogic_epi64(v, fixed, low, 0xca), top);
        }
        for (; i + 64 <= n; i += 64) {
            v = _mm512_loadu_si512(p + i);
            __m512i low = _mm512_permutex2var_epi8(table[0], v, table[1]);
            __m512i high = _mm512_permutex2var_epi8(table[2], v, table[3]);
            __mmask64 is_high = _mm512_movepi8_mask(v);
            bits[i / 64] = _mm512_movepi8_mask(_mm512_mask_mov_epi8(low, is_high, high));
        }
    }
    for (; i < n; i += 64)
        bits[i / 64] = in_set(_mm512_loadu_si512(p + i), &s) & live_64(n - i);
}

/* One lookup answers both questions: the table holds 0 for bytes that are not in words. */
bool qn__classify_ascii_avx512(uint8_t *lower, uint64_t *alnum, const uint8_t *p, size_t n)
{
    const __m512i t0 = _mm512_loadu_si512(qn__word_lower);
    const __m512i t1 = _mm512_loadu_si512(qn__word_lower + 64);
    uint64_t any_high = 0;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t live = live_64(n - i);
        __m512i v = _mm512_loadu_si512(p + i);
        __m512i r = _mm512_permutex2var_epi8(t0, v, t1);
        uint64_t high = _mm512_movepi8_mask(v);
        uint64_t word = _mm512_test_epi8_mask(r, r) & ~high;
        _mm512_storeu_si512(lower + i, _mm512_mask_mov_epi8(v, word, r));
        alnum[i / 64] = word & live;
        any_high |= high & live;
    }
    return any_high != 0;
}

uint8_t qn__max8_avx512(const uint8_t *p, size_t n)
{
    __m512i max = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64)
        max = _mm512_max_epu8(max, _mm512_maskz_loadu_epi8(live_64(n - i), p + i));
    __m256i m = _mm256_max_epu8(_mm512_castsi512_si256(max), _mm512_extracti64x4_epi64(max, 1));
    __m128i h = _mm_max_epu8(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    h = _mm_xor_si128(h, _mm_set1_epi8(-1)); /* the smallest of words of 255 - max */
    h = _mm_min_epu8(h, _mm_srli_epi16(h, 8));
    return (uint8_t)(255 - (_mm_extract_epi16(_mm_minpos_epu16(h), 0) & 255));
}

/* Codes are ordered by their score at write time, so most blocks need only the first rows of the
 * table: those are looked up in registers. */
void qn__lut_scores_avx512(float *out, const uint8_t *codes, size_t n, const float *lut)
{
    uint8_t max = qn__max8_avx512(codes, n);
    if (max >= 64) {
        for (size_t i = 0; i < n; i += 16) {
            __m512i c = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(codes + i)));
            _mm512_mask_storeu_ps(out + i, (__mmask16)live_64(n - i),
                                  _mm512_i32gather_ps(c, lut, 4));
        }
        return;
    }
    __m512 a = _mm512_loadu_ps(lut), b = _mm512_loadu_ps(lut + 16);
    if (max < 32) {
        for (size_t i = 0; i < n; i += 16) {
            __m512i c = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(codes + i)));
            _mm512_storeu_ps(out + i, _mm512_permutex2var_ps(a, c, b));
        }
        return;
    }
    __m512 a2 = _mm512_loadu_ps(lut + 32), b2 = _mm512_loadu_ps(lut + 48);
    for (size_t i = 0; i < n; i += 16) {
        __m512i c = _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)(codes + i)));
        __mmask16 upper = _mm512_test_epi32_mask(c, _mm512_set1_epi32(32));
        __m512 low = _mm512_permutex2var_ps(a, c, b);
        __m512 high = _mm512_permutex2var_ps(a2, c, b2);
        _mm512_storeu_ps(out + i, _mm512_mask_mov_ps(low, upper, high));
    }
}

size_t qn__scores_above_avx512(uint64_t *bits, const float *score, size_t n, float threshold)
{
    __m512 t = _mm512_set1_ps(threshold);
    size_t hits = 0;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t word = 0;
        for (size_t k = 0; k < 64 && i + k < n; k += 16) {
            __mmask16 live = (__mmask16)live_64(n - i - k);
            __m512 s = _mm512_maskz_loadu_ps(live, score + i + k);
            word |= (uint64_t)_mm512_mask_cmp_ps_mask(live, s, t, _CMP_GT_OQ) << k;
        }
        bits[i / 64] = word;
        hits += (size_t)__builtin_popcountll(word);
    }
    return hits;
}
