/* Shuffle tables for packed integers, by width.
 *
 * To widen values to L-bit lanes, byte_L[w] brings to each lane the bytes that hold its value, and
 * shift_L[w] says by how many bits the value starts inside the first of them (0..7). For 8-bit
 * lanes the second table is the bit offset inside a 64-bit lane, as vpmultishiftqb wants it. A
 * 64-byte register holds 512/L values, which take 64*w/L bytes: always a whole number for these
 * counts. */
#ifndef QN_SIMD_TABLES_INT_H
#define QN_SIMD_TABLES_INT_H

#include <stdint.h>

extern const uint8_t qn__byte_8[9][64];
extern const uint8_t qn__offset_8[9][64];
extern const uint8_t qn__byte_16[17][64];
extern const uint16_t qn__shift_16[17][32];
extern const uint8_t qn__byte_32[33][64];
extern const uint32_t qn__shift_32[33][16];
extern const uint8_t qn__byte_64[65][64];
extern const uint64_t qn__shift_64[65][8];

/* The lower-case form of [A-Za-z0-9], 0 for the other ASCII bytes; and the numbers 0..63. */
extern const uint8_t qn__word_lower[128];
extern const uint8_t qn__iota[64];

#endif
