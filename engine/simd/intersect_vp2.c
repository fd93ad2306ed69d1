/* VP2INTERSECT finds the common values of two registers in one instruction. */
#include "intersect_int.h"

static inline __mmask16 in_both(__m512i x, __m512i y)
{
    __mmask16 in_x, in_y;
    _mm512_2intersect_epi32(x, y, &in_x, &in_y);
    return in_x;
}

size_t qn__intersect32_vp2(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                           size_t nb)
{
    return intersect_by_16(out, a, na, b, nb, in_both);
}
