/* LEB128: 7 bits a byte, low first, at most 10 bytes. Decoders are bounded and reject overlong
 * tails by returning 0. */
#ifndef QN_BASE_VARINT_H
#define QN_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define QN_VARINT_MAX 10

static inline size_t qn_varint_put(uint8_t *p, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return n;
}

/* Bytes used, or 0 when [p, end) holds no complete varint that fits in 64 bits. */
static inline size_t qn_varint_get(const uint8_t *p, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        uint8_t b = *p++;
        if (shift == 63 && b > 1)
            return 0;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return shift / 7 + 1;
        }
    }
    return 0;
}

static inline uint64_t qn_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}
static inline int64_t qn_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

#endif
