#include "tables_int.h"

/* Rows for lane i of width w, repeated over lanes and widths by the preprocessor. */
#define X2(F, w, i) F(w, i), F(w, (i) + 1)
#define X4(F, w, i) X2(F, w, i), X2(F, w, (i) + 2)
#define X8(F, w, i) X4(F, w, i), X4(F, w, (i) + 4)
#define X16(F, w, i) X8(F, w, i), X8(F, w, (i) + 8)
#define X32(F, w, i) X16(F, w, i), X16(F, w, (i) + 16)
#define X64(F, w, i) X32(F, w, i), X32(F, w, (i) + 32)

#define WIDTHS_8(ROW, w)                                                                           \
    ROW(w), ROW((w) + 1), ROW((w) + 2), ROW((w) + 3), ROW((w) + 4), ROW((w) + 5), ROW((w) + 6),    \
        ROW((w) + 7)

/* 8 values of w bits are w bytes: the w bytes of a group go to one 64-bit lane. */
#define BYTE_8(w, i) ((i) / 8 * (w) + (i) % 8) & 63
#define OFFSET_8(w, i) ((i) % 8 * (w))
#define BYTE_16(w, i) ((i) * (w) / 8) & 63, ((i) * (w) / 8 + 1) & 63
#define BYTE_32(w, i)                                                                              \
    ((i) * (w) / 8) & 63, ((i) * (w) / 8 + 1) & 63, ((i) * (w) / 8 + 2) & 63,                      \
        ((i) * (w) / 8 + 3) & 63
#define BYTE_64(w, i)                                                                              \
    ((i) * (w) / 8) & 63, ((i) * (w) / 8 + 1) & 63, ((i) * (w) / 8 + 2) & 63,                      \
        ((i) * (w) / 8 + 3) & 63, ((i) * (w) / 8 + 4) & 63, ((i) * (w) / 8 + 5) & 63,              \
        ((i) * (w) / 8 + 6) & 63, ((i) * (w) / 8 + 7) & 63
#define SHIFT(w, i) ((i) * (w)) & 7

#define ROW_BYTE_8(w)                                                                              \
    {                                                                                              \
        X64(BYTE_8, w, 0)                                                                          \
    }
#define ROW_OFFSET_8(w)                                                                            \
    {                                                                                              \
        X64(OFFSET_8, w, 0)                                                                        \
    }
#define ROW_BYTE_16(w)                                                                             \
    {                                                                                              \
        X32(BYTE_16, w, 0)                                                                         \
    }
#define ROW_SHIFT_16(w)                                                                            \
    {                                                                                              \
        X32(SHIFT, w, 0)                                                                           \
    }
#define ROW_BYTE_32(w)                                                                             \
    {                                                                                              \
        X16(BYTE_32, w, 0)                                                                         \
    }
#define ROW_SHIFT_32(w)                                                                            \
    {                                                                                              \
        X16(SHIFT, w, 0)                                                                           \
    }
#define ROW_BYTE_64(w)                                                                             \
    {                                                                                              \
        X8(BYTE_64, w, 0)                                                                          \
    }
#define ROW_SHIFT_64(w)                                                                            \
    {                                                                                              \
        X8(SHIFT, w, 0)                                                                            \
    }

#define WIDTHS_32(ROW) WIDTHS_8(ROW, 0), WIDTHS_8(ROW, 8), WIDTHS_8(ROW, 16), WIDTHS_8(ROW, 24)
#define WIDTHS_64(ROW)                                                                             \
    WIDTHS_32(ROW), WIDTHS_8(ROW, 32), WIDTHS_8(ROW, 40), WIDTHS_8(ROW, 48), WIDTHS_8(ROW, 56)

const uint8_t qn__byte_8[9][64] = {WIDTHS_8(ROW_BYTE_8, 0), ROW_BYTE_8(8)};
const uint8_t qn__offset_8[9][64] = {WIDTHS_8(ROW_OFFSET_8, 0), ROW_OFFSET_8(8)};
const uint8_t qn__byte_16[17][64] = {WIDTHS_8(ROW_BYTE_16, 0), WIDTHS_8(ROW_BYTE_16, 8),
                                     ROW_BYTE_16(16)};
const uint16_t qn__shift_16[17][32] = {WIDTHS_8(ROW_SHIFT_16, 0), WIDTHS_8(ROW_SHIFT_16, 8),
                                       ROW_SHIFT_16(16)};
const uint8_t qn__byte_32[33][64] = {WIDTHS_32(ROW_BYTE_32), ROW_BYTE_32(32)};
const uint32_t qn__shift_32[33][16] = {WIDTHS_32(ROW_SHIFT_32), ROW_SHIFT_32(32)};
const uint8_t qn__byte_64[65][64] = {WIDTHS_64(ROW_BYTE_64), ROW_BYTE_64(64)};
const uint64_t qn__shift_64[65][8] = {WIDTHS_64(ROW_SHIFT_64), ROW_SHIFT_64(64)};

#define IS_WORD(c)                                                                                 \
    (((c) >= 'a' && (c) <= 'z') || ((c) >= 'A' && (c) <= 'Z') || ((c) >= '0' && (c) <= '9'))
#define LOWER(w, c) (IS_WORD(c) ? (c) | ((c) >= 'A' ? 0x20 : 0) : 0)
#define SAME(w, i) (i)

const uint8_t qn__word_lower[128] = {X64(LOWER, 0, 0), X64(LOWER, 0, 64)};
const uint8_t qn__iota[64] = {X64(SAME, 0, 0)};
