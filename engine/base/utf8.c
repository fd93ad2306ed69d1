#include "base/utf8.h"

/* Sequence length by lead byte; 0 is invalid as a lead. */
static unsigned sequence(unsigned char c)
{
    if (c < 0x80)
        return 1;
    if (c < 0xC2)
        return 0;
    if (c < 0xE0)
        return 2;
    if (c < 0xF0)
        return 3;
    return c < 0xF5 ? 4 : 0;
}

uint32_t qn_utf8_next(struct qn_str s, size_t *at)
{
    const unsigned char *p = (const unsigned char *)s.p + *at;
    size_t left = s.n - *at;
    unsigned n = sequence(p[0]);
    if (n == 1) {
        *at += 1;
        return p[0];
    }
    if (n != 0 && n <= left) {
        uint32_t cp = p[0] & (0xFFu >> (n + 1));
        bool ok = true;
        for (unsigned i = 1; i < n; i++) {
            ok = ok && (p[i] & 0xC0) == 0x80;
            cp = cp << 6 | (p[i] & 0x3F);
        }
        bool overlong = (n == 3 && cp < 0x800) || (n == 4 && cp < 0x10000);
        if (ok && !overlong && cp <= 0x10FFFF && (cp < 0xD800 || cp > 0xDFFF)) {
            *at += n;
            return cp;
        }
    }
    *at += 1;
    return QN_UTF8_BAD;
}

size_t qn_utf8_invalid(struct qn_str s)
{
    size_t at = 0;
    while (at < s.n) {
        uint64_t w;
        if (s.n - at >= sizeof w) {
            memcpy(&w, s.p + at, sizeof w);
            if ((w & 0x8080808080808080ull) == 0) {
                at += sizeof w;
                continue;
            }
        }
        size_t from = at;
        if (qn_utf8_next(s, &at) == QN_UTF8_BAD)
            return from;
    }
    return SIZE_MAX;
}

size_t qn_utf8_put(char *out, uint32_t cp)
{
    unsigned char *p = (unsigned char *)out;
    if (cp < 0x80) {
        p[0] = (unsigned char)cp;
        return 1;
    }
    if (cp < 0x800) {
        p[0] = (unsigned char)(0xC0 | cp >> 6);
        p[1] = (unsigned char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        p[0] = (unsigned char)(0xE0 | cp >> 12);
        p[1] = (unsigned char)(0x80 | (cp >> 6 & 0x3F));
        p[2] = (unsigned char)(0x80 | (cp & 0x3F));
        return 3;
    }
    p[0] = (unsigned char)(0xF0 | cp >> 18);
    p[1] = (unsigned char)(0x80 | (cp >> 12 & 0x3F));
    p[2] = (unsigned char)(0x80 | (cp >> 6 & 0x3F));
    p[3] = (unsigned char)(0x80 | (cp & 0x3F));
    return 4;
}
