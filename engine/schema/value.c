#include "schema/value.h"

const char *qn_value_type_name(enum qn_value_type type)
{
    static const char *const names[] = {
        [QN_VALUE_NONE] = "none", [QN_VALUE_STR] = "str", [QN_VALUE_I64] = "i64",
        [QN_VALUE_U64] = "u64",   [QN_VALUE_F64] = "f64", [QN_VALUE_BOOL] = "bool",
        [QN_VALUE_DATE] = "date", [QN_VALUE_IP] = "ip",   [QN_VALUE_BYTES] = "bytes",
    };
    return names[type];
}

bool qn_value_equal(const struct qn_value *a, const struct qn_value *b)
{
    if (a->type != b->type)
        return false;
    switch ((enum qn_value_type)a->type) {
    case QN_VALUE_NONE:
        return true;
    case QN_VALUE_STR:
    case QN_VALUE_BYTES:
        return qn_str_eq(a->str, b->str);
    case QN_VALUE_BOOL:
        return a->b == b->b;
    case QN_VALUE_IP:
        return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
    default:
        return a->u64 == b->u64;
    }
}

static bool parse_ipv4(struct qn_str s, uint8_t out[4])
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0 && (at >= s.n || s.p[at++] != '.'))
            return false;
        unsigned v = 0;
        size_t from = at;
        while (at < s.n && at - from < 3 && (unsigned char)(s.p[at] - '0') < 10)
            v = v * 10 + (unsigned)(s.p[at++] - '0');
        if (at == from || v > 255 || (at - from > 1 && s.p[from] == '0'))
            return false;
        out[i] = (uint8_t)v;
    }
    return at == s.n;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One group of up to four digits at *at, or -1. */
static int parse_group(struct qn_str s, size_t *at)
{
    int v = 0;
    size_t from = *at;
    while (*at < s.n && *at - from < 4 && hex_digit(s.p[*at]) >= 0)
        v = v << 4 | hex_digit(s.p[(*at)++]);
    return *at == from ? -1 : v;
}

static bool parse_ipv6(struct qn_str s, uint8_t out[16])
{
    uint8_t head[16], tail[16];
    size_t n_head = 0, n_tail = 0, at = 0;
    bool gap = false;
    if (s.n >= 2 && s.p[0] == ':' && s.p[1] == ':') {
        gap = true;
        at = 2;
    }
    while (at < s.n) {
        uint8_t *to = gap ? tail : head;
        size_t *n = gap ? &n_tail : &n_head, from = at;
        if (n_head + n_tail > 14)
            return false;
        int v = parse_group(s, &at);
        if (at < s.n && s.p[at] == '.') { /* the last four bytes as IPv4 */
            if (n_head + n_tail > 12 || !parse_ipv4(qn_str_from(s, from), to + *n))
                return false;
            *n += 4;
            break;
        }
        if (v < 0)
            return false;
        to[(*n)++] = (uint8_t)(v >> 8);
        to[(*n)++] = (uint8_t)v;
        if (at == s.n)
            break;
        if (s.p[at++] != ':' || at == s.n)
            return false;
        if (s.p[at] == ':') {
            if (gap)
                return false;
            gap = true;
            at++;
        }
    }
    if (gap ? n_head + n_tail > 14 : n_head != 16)
        return false;
    memset(out, 0, 16);
    memcpy(out, head, n_head);
    memcpy(out + 16 - n_tail, tail, n_tail);
    return true;
}

int qn_ip_parse(struct qn_str s, uint8_t out[16])
{
    uint8_t v4[4];
    if (s.n <= 15 && parse_ipv4(s, v4)) {
        memset(out, 0, 10);
        out[10] = out[11] = 0xFF;
        memcpy(out + 12, v4, 4);
        return 0;
    }
    return s.n < QN_IP_MAX && parse_ipv6(s, out) ? 0 : QN_E_PARSE;
}

static size_t put_decimal(char *out, unsigned v)
{
    size_t n = 0;
    if (v >= 100)
        out[n++] = (char)('0' + v / 100);
    if (v >= 10)
        out[n++] = (char)('0' + v / 10 % 10);
    out[n++] = (char)('0' + v % 10);
    return n;
}

static size_t put_ipv4(char *out, const uint8_t *ip)
{
    size_t n = 0;
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            out[n++] = '.';
        n += put_decimal(out + n, ip[i]);
    }
    return n;
}

static size_t put_hex_group(char *out, unsigned v)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (int shift = 12; shift >= 0; shift -= 4)
        if (n > 0 || v >> shift != 0 || shift == 0)
            out[n++] = digits[v >> shift & 15];
    return n;
}

size_t qn_ip_print(char out[QN_IP_MAX], const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (memcmp(ip, mapped, sizeof mapped) == 0)
        return put_ipv4(out, ip + 12);
    unsigned group[8];
    for (int i = 0; i < 8; i++)
        group[i] = (unsigned)ip[2 * i] << 8 | ip[2 * i + 1];
    int best = -1, best_n = 1; /* the longest run of two zero groups or more, the first of equals */
    for (int i = 0, n; i < 8; i += n + 1) {
        for (n = 0; i + n < 8 && group[i + n] == 0; n++)
            ;
        if (n > best_n) {
            best = i;
            best_n = n;
        }
    }
    size_t n = 0;
    for (int i = 0; i < 8; i++) {
        if (i == best) {
            out[n++] = ':';
            out[n++] = ':';
            i += best_n - 1;
            continue;
        }
        if (i > 0 && out[n - 1] != ':')
            out[n++] = ':';
        n += put_hex_group(out + n, group[i]);
    }
    return n;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int qn_base64_read(struct qn_buf *out, struct qn_str s)
{
    size_t before = out->n;
    if (s.n % 4 != 0)
        return QN_E_PARSE;
    for (size_t i = 0; i < s.n; i += 4) {
        bool last = i + 4 == s.n;
        int pad = last && s.p[i + 3] == '=' ? s.p[i + 2] == '=' ? 2 : 1 : 0;
        int d[4] = {0};
        for (int k = 0; k < 4 - pad; k++)
            if ((d[k] = base64_digit(s.p[i + (size_t)k])) < 0) {
                out->n = before;
                return QN_E_PARSE;
            }
        uint32_t v =
            (uint32_t)d[0] << 18 | (uint32_t)d[1] << 12 | (uint32_t)d[2] << 6 | (uint32_t)d[3];
        char bytes[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        if ((pad == 1 && bytes[2] != 0) || (pad == 2 && bytes[1] != 0)) { /* stray bits */
            out->n = before;
            return QN_E_PARSE;
        }
        qn_buf_put(out, bytes, (size_t)(3 - pad));
    }
    return 0;
}

void qn_base64_print(struct qn_buf *out, struct qn_str bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)(unsigned char)bytes.p[i] << 16;
        if (left > 1)
            v |= (uint32_t)(unsigned char)bytes.p[i + 1] << 8;
        if (left > 2)
            v |= (unsigned char)bytes.p[i + 2];
        char text[4] = {digits[v >> 18], digits[v >> 12 & 63], left > 1 ? digits[v >> 6 & 63] : '=',
                        left > 2 ? digits[v & 63] : '='};
        qn_buf_put(out, text, 4);
    }
}

int qn_hex_read(struct qn_buf *out, struct qn_str s)
{
    size_t before = out->n;
    if (s.n % 2 != 0)
        return QN_E_PARSE;
    for (size_t i = 0; i < s.n; i += 2) {
        int hi = hex_digit(s.p[i]), lo = hex_digit(s.p[i + 1]);
        if (hi < 0 || lo < 0) {
            out->n = before;
            return QN_E_PARSE;
        }
        qn_buf_put_u8(out, (uint8_t)(hi << 4 | lo));
    }
    return 0;
}

void qn_hex_print(struct qn_buf *out, struct qn_str bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < bytes.n; i++) {
        qn_buf_put_u8(out, (uint8_t)digits[(unsigned char)bytes.p[i] >> 4]);
        qn_buf_put_u8(out, (uint8_t)digits[bytes.p[i] & 15]);
    }
}
