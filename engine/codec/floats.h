/* Blocks of up to 1,024 doubles, lossless to the bit (every NaN is one NaN, -0.0 is kept).
 *
 *     OFFSET SIZE FIELD
 *     0      1    codec id (enum qn_floats_codec)
 *     1      ..   what the codec adds:
 *                 ORDERED  the ints block (ints.h) of the order-keeping maps
 *                 DECIMAL  u8 digits; ints block of i64 k (mapped), value = k / 10^digits;
 *                          exceptions
 *                 SPLIT    u16 n; u8 width of the right parts (48..63); u8 entries (1..8), u16 left
 *                          part each; packed entry numbers; packed right parts; exceptions
 *     exceptions: varint count, then u16 positions (ascending) and u64 values, as many
 *
 * DECIMAL is what measurements written by people and programs are (12.345 = 12345 / 10^3); its
 * division is exact to the bit for every decimal of up to 15 digits. SPLIT is for real numbers:
 * sign, exponent and the first digits are few, the rest is noise. ORDERED takes what is left, such
 * as few distinct values.
 *
 * Values are handled as their order-keeping maps (qn_u64_of_f64), so that columns of all types
 * share one reader. @thread any */
#ifndef QN_CODEC_FLOATS_H
#define QN_CODEC_FLOATS_H

#include "codec/ints.h"

enum qn_floats_codec {
    QN_FLOATS_ORDERED = 1,
    QN_FLOATS_DECIMAL,
    QN_FLOATS_SPLIT,
    QN_FLOATS_CODECS
};

#define QN_FLOATS_MAX_DIGITS 15

struct qn_floats {
    uint8_t codec, digits;
    uint8_t right_width, n_left;
    uint16_t n;
    uint16_t left[8];
    struct qn_ints ints;    /* ORDERED, DECIMAL */
    const uint8_t *numbers; /* SPLIT: entry numbers */
    const uint8_t *right;   /* SPLIT: right parts */
    uint16_t n_exceptions;
    const uint8_t *exceptions; /* positions, then values */
    size_t bytes;
};

/* Appends the block of n values given as order-keeping maps; gives the codec that was chosen. */
enum qn_floats_codec qn_floats_put(struct qn_buf *out, const struct qn_simd_ops *ops,
                                   const uint64_t *mapped, size_t n);
QN_MUST_CHECK int qn_floats_open(struct qn_floats *in, const struct qn_simd_ops *ops,
                                 const uint8_t *p, size_t left, struct qn_err *err);
/* All n values, mapped. Room for n rounded up to 16. */
void qn_floats_decode(const struct qn_floats *in, const struct qn_simd_ops *ops, uint64_t *out);
void qn_floats_gather(const struct qn_floats *in, const struct qn_simd_ops *ops,
                      const uint32_t *idx, size_t k, uint64_t *out);
/* Range over the maps; DECIMAL answers on its packed integers. */
size_t qn_floats_range(const struct qn_floats *in, const struct qn_simd_ops *ops, uint64_t lo,
                       uint64_t hi, uint64_t *bits);

const char *qn_floats_codec_name(unsigned codec);

#endif
