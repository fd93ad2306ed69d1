/* Short blocks of u32 that carry their own width: one byte, then the packed values.
 *
 *     OFFSET SIZE FIELD
 *     0      1    width, 0..32
 *     1      ..   ceil(n * width / 8) bytes, value i in bits [i * width, (i + 1) * width)
 *
 * The count n and, for ascending ids, the value before the first are the caller's to know. Readers
 * of many blocks (postings) keep the widths elsewhere and call the kernels of simd/ops.h directly.
 * Input bytes need QN_PAD readable bytes behind them. @thread any */
#ifndef QN_CODEC_BITPACK_H
#define QN_CODEC_BITPACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "simd/ops.h"

void qn_bitpack_put(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *v, size_t n);
/* Strictly ascending ids > prev (prev = UINT32_MAX stands for "before 0"): gaps - 1 are packed. */
void qn_bitpack_put_ids(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *ids,
                        size_t n, uint32_t prev);
/* Bytes used, or 0 when [p, end) does not hold the block. Room for n rounded up to 16. */
size_t qn_bitpack_get(uint32_t *v, const struct qn_simd_ops *ops, const uint8_t *p,
                      const uint8_t *end, size_t n);
size_t qn_bitpack_get_ids(uint32_t *ids, const struct qn_simd_ops *ops, const uint8_t *p,
                          const uint8_t *end, size_t n, uint32_t prev);

#endif
