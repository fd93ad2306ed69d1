/* The walker for AVX2: 32 bytes at a time. */
#include "reader_int.h"

#if defined(__x86_64__)

#include <immintrin.h>

static inline const char *scan_string(const char *p, const char *end, uint32_t *high)
{
    const __m256i quote = _mm256_set1_epi8('"'), back = _mm256_set1_epi8('\\');
    const __m256i control = _mm256_set1_epi8(0x1f);
    for (; p < end; p += 32) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        __m256i hit = _mm256_or_si256(_mm256_cmpeq_epi8(x, quote), _mm256_cmpeq_epi8(x, back));
        hit = _mm256_or_si256(hit, _mm256_cmpeq_epi8(_mm256_min_epu8(x, control), x));
        uint32_t m = (uint32_t)_mm256_movemask_epi8(hit), h = (uint32_t)_mm256_movemask_epi8(x);
        if (m != 0) {
            *high |= h & (m - 1) & ~m;
            return p + __builtin_ctz(m);
        }
        *high |= h;
    }
    return p;
}

static inline bool head_is(const char *p, const struct qn_json_path *e)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i y = _mm256_loadu_si256((const __m256i *)(const void *)e->head);
    uint32_t m = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(x, y));
    return e->mask != 0 && (m & e->mask) == e->mask;
}

#include "walk_int.h"

int qn__json_walk_avx2(struct qn_json_tape *t, const char *p, const char *end,
                       struct qn__json_stop *stop)
{
    return walk(t, p, end, stop);
}

#endif
