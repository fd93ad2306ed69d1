/* The kernel table: one struct of function pointers per instruction set, all equal in result.
 *
 * Level       needs                                              file
 * scalar      nothing; readable; the specification               scalar.c
 * avx2        AVX2, BMI, FMA                                      *_avx2.c
 * avx512      F BW VL DQ CD VBMI VBMI2 VNNI BITALG VPOPCNTDQ      *_avx512.c
 * vp2         the same and VP2INTERSECT                           *_vp2.c
 *
 * qn_simd_pick runs once at start; the result travels in contexts (no global). Inputs may be
 * unaligned; kernels may read up to QN_PAD bytes past the end of an input, never write past an
 * output unless its comment says so. */
#ifndef QN_SIMD_OPS_H
#define QN_SIMD_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bits.h"

enum qn_simd_level { QN_SIMD_SCALAR, QN_SIMD_AVX2, QN_SIMD_AVX512, QN_SIMD_VP2, QN_SIMD_LEVELS };

struct qn_simd_ops {
    const char *name; /* "scalar", "avx2", "avx512", "avx512vp2" */
    enum qn_simd_level level;

    /* CRC-32C (Castagnoli) of p, continuing crc; start with 0. */
    uint32_t (*crc32c)(uint32_t crc, const void *p, size_t n);
};

/* The best table this machine runs, or the named one ("auto", "scalar", "avx2", "avx512",
 * "avx512vp2"); NULL when the machine lacks it or the name is unknown. */
const struct qn_simd_ops *qn_simd_pick(const char *name);
/* The table of a level, or NULL when this machine cannot run it: for tests that loop over all. */
const struct qn_simd_ops *qn_simd_level(enum qn_simd_level level);

#endif
