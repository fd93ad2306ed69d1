/* Forms of stored terms. Ids are most of what a log's dictionary holds, and most ids are written in
 * hexadecimal: two characters a byte. Both packed forms keep the byte order of the text. */
#include <string.h>

#include "terms_block_int.h"

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

static bool pack_hex(const char *p, size_t n_bytes, uint8_t *out)
{
    for (size_t i = 0; i < n_bytes; i++) {
        int hi = hex_value((uint8_t)p[2 * i]), lo = hex_value((uint8_t)p[2 * i + 1]);
        if ((hi | lo) < 0)
            return false;
        out[i] = (uint8_t)(hi << 4 | lo);
    }
    return true;
}

static void unpack_hex(const uint8_t *in, size_t n_bytes, char *out)
{
    static const char digits[16] = "0123456789abcdef";
    for (size_t i = 0; i < n_bytes; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
}

/* The five stretches of digits of a UUID: where in the text, where in the 16 bytes. */
static const struct {
    uint8_t text, stored, n;
} uuid_parts[5] = {{0, 0, 4}, {9, 4, 2}, {14, 6, 2}, {19, 8, 2}, {24, 10, 6}};

size_t qn__terms_pack_form(enum qn__terms_form form, struct qn_str term, uint8_t *out)
{
    switch (form) {
    case QN__TERMS_TEXT:
        if (term.n != 0)
            memcpy(out, term.p, term.n);
        return term.n;
    case QN__TERMS_HEX:
        return term.n % 2 == 0 && term.n != 0 && pack_hex(term.p, term.n / 2, out) ? term.n / 2
                                                                                   : SIZE_MAX;
    case QN__TERMS_UUID:
        if (term.n != 36 || term.p[8] != '-' || term.p[13] != '-' || term.p[18] != '-' ||
            term.p[23] != '-')
            return SIZE_MAX;
        for (size_t i = 0; i < 5; i++)
            if (!pack_hex(term.p + uuid_parts[i].text, uuid_parts[i].n, out + uuid_parts[i].stored))
                return SIZE_MAX;
        return 16;
    }
    return SIZE_MAX;
}

void qn__terms_unpack_form(enum qn__terms_form form, const uint8_t *in, size_t n, char *out)
{
    switch (form) {
    case QN__TERMS_TEXT:
        memcpy(out, in, n);
        break;
    case QN__TERMS_HEX:
        unpack_hex(in, n, out);
        break;
    case QN__TERMS_UUID:
        for (size_t i = 0; i < 5; i++)
            unpack_hex(in + uuid_parts[i].stored, uuid_parts[i].n, out + uuid_parts[i].text);
        out[8] = out[13] = out[18] = out[23] = '-';
        break;
    }
}

size_t qn__terms_common(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t u, v;
        memcpy(&u, x + i, 8);
        memcpy(&v, y + i, 8);
        if (u != v)
            return i + (size_t)__builtin_ctzll(u ^ v) / 8;
    }
    while (i < n && x[i] == y[i])
        i++;
    return i;
}
