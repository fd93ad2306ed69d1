/* The names of all kernels at all levels. Where a level has nothing better than the one below, its
 * name is an alias. */
#ifndef QN_SIMD_KERNELS_INT_H
#define QN_SIMD_KERNELS_INT_H

#include "simd/ops.h"

#define qn__gather_packed_avx2 qn__gather_packed_scalar
#define qn__affine64_avx2 qn__affine64_scalar
#define qn__decimal64_avx2 qn__decimal64_scalar
#define qn__count32_avx2 qn__count32_scalar
#define qn__count32_masked_avx2 qn__count32_masked_scalar
#define qn__prefix64_avx2 qn__prefix64_scalar
#define qn__bits_from_ids_avx2 qn__bits_from_ids_scalar
#define qn__lower_bound32_avx2 qn__lower_bound32_scalar
#define qn__lut_scores_avx2 qn__lut_scores_scalar
#define qn__score_add_avx2 qn__score_add_scalar
#define qn__count32_avx512 qn__count32_avx2
#define qn__bits_from_ids_avx512 qn__bits_from_ids_avx2
#define qn__score_add_avx512 qn__score_add_avx2
#define qn__crc32c_avx512 qn__crc32c_avx2

#define QN_KERNELS(L)                                                                              \
    uint32_t qn__crc32c_##L(uint32_t crc, const void *p, size_t n);                                \
    void qn__unpack32_##L(uint32_t *, const uint8_t *, size_t, unsigned, uint32_t);                \
    void qn__unpack32_delta_##L(uint32_t *, const uint8_t *, size_t, unsigned, uint32_t,           \
                                uint32_t);                                                         \
    void qn__unpack64_##L(uint64_t *, const uint8_t *, size_t, unsigned, uint64_t);                \
    void qn__pack32_##L(uint8_t *, const uint32_t *, size_t, unsigned);                            \
    void qn__pack64_##L(uint8_t *, const uint64_t *, size_t, unsigned);                            \
    uint32_t qn__or32_##L(const uint32_t *, size_t);                                               \
    uint32_t qn__deltas32_##L(uint32_t *, const uint32_t *, size_t, uint32_t, uint32_t);           \
    void qn__gather_packed_##L(uint64_t *, const uint8_t *, unsigned, const uint32_t *, size_t,    \
                               uint64_t);                                                          \
    size_t qn__range_packed_##L(uint64_t *, const uint8_t *, size_t, unsigned, uint64_t,           \
                                uint64_t);                                                         \
    void qn__stats_packed_##L(struct qn_simd_stats *, const uint8_t *, size_t, unsigned);          \
    size_t qn__range32_##L(uint64_t *, const uint32_t *, size_t, uint32_t, uint32_t);              \
    size_t qn__range64_##L(uint64_t *, const uint64_t *, size_t, uint64_t, uint64_t);              \
    void qn__stats64_##L(struct qn_simd_stats *, const uint64_t *, size_t, const uint64_t *);      \
    void qn__affine64_##L(uint64_t *, size_t, uint64_t, uint64_t);                                 \
    void qn__ramp64_##L(uint64_t *, size_t, uint64_t, uint64_t);                                   \
    void qn__prefix64_##L(uint64_t *, size_t, uint64_t);                                           \
    void qn__decimal64_##L(double *, const int64_t *, size_t, double);                             \
    size_t qn__compress32_##L(uint32_t *, const uint32_t *, const uint64_t *, size_t);             \
    size_t qn__compress64_##L(uint64_t *, const uint64_t *, const uint64_t *, size_t);             \
    void qn__count32_##L(uint32_t *, size_t, const uint32_t *, size_t);                            \
    void qn__count32_masked_##L(uint32_t *, size_t, const uint32_t *, const uint64_t *, size_t);   \
    void qn__bits_and_##L(uint64_t *, const uint64_t *, size_t);                                   \
    void qn__bits_or_##L(uint64_t *, const uint64_t *, size_t);                                    \
    void qn__bits_andnot_##L(uint64_t *, const uint64_t *, size_t);                                \
    void qn__bits_not_##L(uint64_t *, size_t);                                                     \
    size_t qn__popcount_##L(const uint64_t *, size_t);                                             \
    size_t qn__popcount_and_##L(const uint64_t *, const uint64_t *, size_t);                       \
    size_t qn__popcount_andnot_##L(const uint64_t *, const uint64_t *, size_t);                    \
    void qn__bits_from_ids_##L(uint64_t *, const uint32_t *, size_t, uint32_t);                    \
    size_t qn__ids_from_bits_##L(uint32_t *, const uint64_t *, size_t, uint32_t);                  \
    size_t qn__intersect32_##L(uint32_t *, const uint32_t *, size_t, const uint32_t *, size_t);    \
    size_t qn__lower_bound32_##L(const uint32_t *, size_t, uint32_t);                              \
    size_t qn__find_byte_##L(const uint8_t *, size_t, uint8_t);                                    \
    size_t qn__find_set_##L(const uint8_t *, size_t, const struct qn_byteset *);                   \
    size_t qn__find_bytes_##L(const uint8_t *, size_t, const uint8_t *, size_t);                   \
    void qn__byte_bits_##L(uint64_t *, const uint8_t *, size_t, uint8_t);                          \
    void qn__set_bits_##L(uint64_t *, const uint8_t *, size_t, const struct qn_byteset *);         \
    bool qn__classify_ascii_##L(uint8_t *, uint64_t *, const uint8_t *, size_t);                   \
    uint8_t qn__max8_##L(const uint8_t *, size_t);                                                 \
    void qn__lut_scores_##L(float *, const uint8_t *, size_t, const float *);                      \
    void qn__score_add_##L(float *, const uint32_t *, uint32_t, const uint8_t *, size_t,           \
                           const float *);                                                         \
    size_t qn__scores_above_##L(uint64_t *, const float *, size_t, float);

QN_KERNELS(scalar)
QN_KERNELS(avx2)
QN_KERNELS(avx512)
size_t qn__intersect32_vp2(uint32_t *, const uint32_t *, size_t, const uint32_t *, size_t);

/* The walk of the vp2 level with its instruction in software: slower than the 8-by-8 one of the
 * avx512 level, but any AVX-512 machine can test it. */
size_t qn__intersect32_walk16_avx512(uint32_t *, const uint32_t *, size_t, const uint32_t *,
                                     size_t);

/* The galloping intersection every level falls back to: na is much smaller than nb. */
size_t qn__intersect_gallop(uint32_t *out, const uint32_t *a, size_t na, const uint32_t *b,
                            size_t nb);
#define QN_GALLOP_RATIO 32

#endif
