/* Byte scans, scoring codes and the checksum (reflected polynomial 0x82f63b78), the specification.
 */
#include "kernels_int.h"

uint32_t qn__crc32c_scalar(uint32_t crc, const void *p, size_t n)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *b = p;
    crc = ~crc;
    for (size_t i = 0; i < n; i++) {
        crc ^= b[i];
        crc = (crc >> 4) ^ nibble[crc & 15];
        crc = (crc >> 4) ^ nibble[crc & 15];
    }
    return ~crc;
}

size_t qn__find_byte_scalar(const uint8_t *p, size_t n, uint8_t b)
{
    size_t i = 0;
    while (i < n && p[i] != b)
        i++;
    return i;
}

size_t qn__find_set_scalar(const uint8_t *p, size_t n, const struct qn_byteset *set)
{
    size_t i = 0;
    while (i < n && !qn_byteset_has(set, p[i]))
        i++;
    return i;
}

size_t qn__find_bytes_scalar(const uint8_t *p, size_t n, const uint8_t *needle, size_t m)
{
    if (m == 0)
        return 0;
    for (size_t i = 0; i + m <= n; i++)
        if (p[i] == needle[0] && memcmp(p + i, needle, m) == 0)
            return i;
    return n;
}

void qn__byte_bits_scalar(uint64_t *bits, const uint8_t *p, size_t n, uint8_t b)
{
    memset(bits, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++)
        bits[i / 64] |= (uint64_t)(p[i] == b) << (i % 64);
}

void qn__set_bits_scalar(uint64_t *bits, const uint8_t *p, size_t n, const struct qn_byteset *set)
{
    memset(bits, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++)
        bits[i / 64] |= (uint64_t)qn_byteset_has(set, p[i]) << (i % 64);
}

bool qn__classify_ascii_scalar(uint8_t *lower, uint64_t *alnum, const uint8_t *p, size_t n)
{
    uint8_t high = 0;
    memset(alnum, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++) {
        uint8_t c = p[i];
        bool upper = c >= 'A' && c <= 'Z';
        lower[i] = upper ? (uint8_t)(c | 0x20) : c;
        bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        alnum[i / 64] |= (uint64_t)word << (i % 64);
        high |= c;
    }
    return high >= 0x80;
}

uint8_t qn__max8_scalar(const uint8_t *p, size_t n)
{
    uint8_t max = 0;
    for (size_t i = 0; i < n; i++)
        max = p[i] > max ? p[i] : max;
    return max;
}

void qn__lut_scores_scalar(float *out, const uint8_t *codes, size_t n, const float *lut)
{
    for (size_t i = 0; i < n; i++)
        out[i] = lut[codes[i]];
}

void qn__score_add_scalar(float *window, const uint32_t *ids, uint32_t base, const uint8_t *codes,
                          size_t n, const float *lut)
{
    for (size_t i = 0; i < n; i++)
        window[ids[i] - base] += lut[codes[i]];
}

size_t qn__scores_above_scalar(uint64_t *bits, const float *score, size_t n, float threshold)
{
    size_t hits = 0;
    memset(bits, 0, qn_bits_words(n) * 8);
    for (size_t i = 0; i < n; i++) {
        bool hit = score[i] > threshold;
        bits[i / 64] |= (uint64_t)hit << (i % 64);
        hits += hit;
    }
    return hits;
}
