/* CRC-32C with the SSE4.2 instruction. It takes 8 bytes a cycle but answers after three, so three
 * streams run side by side over adjacent thirds of a chunk; a carry-less multiplication by
 * x^(8 * length - 33) mod P moves the remainder of one third past the next ones. */
#include <immintrin.h>

#include "kernels_int.h"

#define LONG_BYTES 4096
#define SHORT_BYTES 256

static const uint32_t past_long[2] = {0x82f89c77, 0x54a86326}; /* one third, two thirds */
static const uint32_t past_short[2] = {0xb9e02b86, 0xdd7e3b0c};

__attribute__((target("pclmul"))) static inline uint32_t shift_crc(uint32_t crc, uint32_t factor)
{
    __m128i product =
        _mm_clmulepi64_si128(_mm_cvtsi32_si128((int)crc), _mm_cvtsi32_si128((int)factor), 0);
    return (uint32_t)_mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

static inline uint64_t load_64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

__attribute__((target("pclmul"))) static uint32_t
three_streams(uint32_t crc, const uint8_t **at, size_t *left, size_t third, const uint32_t past[2])
{
    const uint8_t *p = *at;
    size_t n = *left;
    for (; n >= 3 * third; n -= 3 * third, p += 3 * third) {
        uint64_t a = crc, b = 0, c = 0;
        for (size_t i = 0; i < third; i += 8) {
            a = _mm_crc32_u64(a, load_64(p + i));
            b = _mm_crc32_u64(b, load_64(p + i + third));
            c = _mm_crc32_u64(c, load_64(p + i + 2 * third));
        }
        crc = shift_crc((uint32_t)a, past[1]) ^ shift_crc((uint32_t)b, past[0]) ^ (uint32_t)c;
    }
    *at = p;
    *left = n;
    return crc;
}

uint32_t qn__crc32c_avx2(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    crc = three_streams(~crc, &p, &n, LONG_BYTES, past_long);
    crc = three_streams(crc, &p, &n, SHORT_BYTES, past_short);
    uint64_t c = crc;
    for (; n >= 8; n -= 8, p += 8)
        c = _mm_crc32_u64(c, load_64(p));
    for (; n > 0; n--)
        c = _mm_crc32_u8((uint32_t)c, *p++);
    return ~(uint32_t)c;
}
