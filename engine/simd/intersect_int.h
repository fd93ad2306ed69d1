/* The walk over two sorted lists in steps of 16 by 16, shared by the levels that differ only in how
 * they find the common values of two registers. Included by *_avx512.c and *_vp2.c only. */
#ifndef QN_SIMD_INTERSECT_INT_H
#define QN_SIMD_INTERSECT_INT_H

#include <immintrin.h>

#include "kernels_int.h"

typedef __mmask16 (*qn_in_both)(__m512i x, __m512i y);

static inline __attribute__((always_inline)) size_t intersect_by_16(uint32_t *out,
                                                                    const uint32_t *a, size_t na,
                                                                    const uint32_t *b, size_t nb,
                                                                    qn_in_both in_both)
{
    if (nb / QN_GALLOP_RATIO > na)
        return qn__intersect_gallop(out, a, na, b, nb);
    if (na / QN_GALLOP_RATIO > nb)
        return qn__intersect_gallop(out, b, nb, a, na);
    size_t i = 0, j = 0, k = 0;
    while (i + 16 <= na && j + 16 <= nb) {
        __m512i x = _mm512_loadu_si512(a + i);
        __mmask16 hit = in_both(x, _mm512_loadu_si512(b + j));
        _mm512_storeu_si512(out + k, _mm512_maskz_compress_epi32(hit, x));
        k += (size_t)__builtin_popcount(hit);
        uint32_t last_a = a[i + 15], last_b = b[j + 15];
        i += last_a <= last_b ? 16 : 0;
        j += last_b <= last_a ? 16 : 0;
    }
    /* The last value written is below everything that is left on one side. */
    return k + qn__intersect32_scalar(out + k, a + i, na - i, b + j, nb - j);
}

#endif
