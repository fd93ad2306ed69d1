#include "json/number.h"

#include <stdlib.h>
#include <string.h>

typedef unsigned __int128 u128;

/* Powers of ten as 128-bit significands, rounded up: 10^k = g(k) * 2^(floor(log2 10^k) - 127). */
#define POW10_MIN (-292)
#define POW10_MAX 324
#define POW10_STEP 27

static inline int log2_pow10(int k) /* floor(log2(10^k)) */
{
    return (k * 1741647) >> 19;
}

/* g(k) from every 27th power: times 5^0..5^26, shifted into place, then corrected by -1, 0 or +1
 * (two bits each). Recomputing saves 9 KB of table; the unit test checks all 617 against exact
 * products. */
static u128 pow10_128(int k)
{
    static const uint64_t base[][2] = {
        {0xff77b1fcbebcdc4full, 0x25e8e89c13bb0f7bull},
        {0xce5d73ff402d98e3ull, 0xfb0a3d212dc81290ull},
        {0xa6b34ad8c9dfc06full, 0xf42faa48c0ea481full},
        {0x86a8d39ef77164bcull, 0xae5dff9c02033198ull},
        {0xd98ddaee19068c76ull, 0x3badd624dd9b0958ull},
        {0xafbd2350644eeacfull, 0xe5d1929ef90898fbull},
        {0x8df5efabc5979c8full, 0xca8d3ffa1ef463c2ull},
        {0xe55990879ddcaabdull, 0xcc420a6a101d0516ull},
        {0xb94470938fa89bceull, 0xf808e40e8d5b3e6aull},
        {0x95a8637627989aadull, 0xdde7001379a44aa9ull},
        {0xf1c90080baf72cb1ull, 0x5324c68b12dd6339ull},
        {0xc350000000000000ull, 0x0000000000000000ull},
        {0x9dc5ada82b70b59dull, 0xf020000000000000ull},
        {0xfee50b7025c36a08ull, 0x02f236d04753d5b5ull},
        {0xcde6fd5e09abcf26ull, 0xed4c0226b55e6f87ull},
        {0xa6539930bf6bff45ull, 0x84db8346b786151dull},
        {0x865b86925b9bc5c2ull, 0x0b8a2392ba45a9b3ull},
        {0xd910f7ff28069da4ull, 0x1b2ba1518094da05ull},
        {0xaf58416654a6babbull, 0x387ac8d1970027b3ull},
        {0x8da471a9de737e24ull, 0x5ceaecfed289e5d3ull},
        {0xe4d5e82392a40515ull, 0x0fabaf3feaa5334bull},
        {0xb8da1662e7b00a17ull, 0x3d6a751f3b936244ull},
        {0x95527a5202df0ccbull, 0x0f37801e0c43ebc9ull},
    };
    static const uint64_t corr[] = {
        0xa95aaa9aa965aa59ull, 0xaaaa996aaa5aa6aaull, 0x50415106a5a6aaa6ull, 0x5965995aa5154114ull,
        0x5a559556aa565559ull, 0xa6959a96a6aaa999ull, 0x6aa9aa9aaa695aaaull, 0x5654516aa9aaaaaaull,
        0x5665696a95556955ull, 0x5555555555555559ull, 0x6a55555555555555ull, 0x9a9a9665699aaaa9ull,
        0xa59996a9aaaaa6aaull, 0x155555956965566aull, 0xaa9a69aaa9556555ull, 0x5545455555865aa6ull,
        0x6956aa96a9a695a4ull, 0xaa69656a695aaa66ull, 0x6a6a655aaaaaaaaaull, 0x000000000002aaa9ull,
    };
    static const uint64_t pow5[POW10_STEP] = {1ull,
                                              5ull,
                                              25ull,
                                              125ull,
                                              625ull,
                                              3125ull,
                                              15625ull,
                                              78125ull,
                                              390625ull,
                                              1953125ull,
                                              9765625ull,
                                              48828125ull,
                                              244140625ull,
                                              1220703125ull,
                                              6103515625ull,
                                              30517578125ull,
                                              152587890625ull,
                                              762939453125ull,
                                              3814697265625ull,
                                              19073486328125ull,
                                              95367431640625ull,
                                              476837158203125ull,
                                              2384185791015625ull,
                                              11920928955078125ull,
                                              59604644775390625ull,
                                              298023223876953125ull,
                                              1490116119384765625ull};
    int at = k - POW10_MIN, from = at / POW10_STEP, off = at % POW10_STEP;
    int shift = log2_pow10(k) - log2_pow10(k - off) - off;
    u128 high = (u128)base[from][0] * pow5[off], low = (u128)base[from][1] * pow5[off];
    high += low >> 64; /* the product is high * 2^64 + the low word of low */
    u128 g = high << (64 - shift);
    g += (uint64_t)low >> shift;
    return g + (corr[at / 32] >> (at % 32 * 2) & 3) - 1;
}

int qn_json_parse_u64(struct qn_str s, uint64_t *out)
{
    if (s.n > 0 && s.p[0] == '-') {
        if (s.n == 2 && s.p[1] == '0') {
            *out = 0;
            return 0;
        }
        for (size_t i = 1; i < s.n; i++)
            if (s.p[i] < '0' || s.p[i] > '9')
                return QN_E_TYPE;
        return QN_E_RANGE;
    }
    uint64_t v = 0;
    size_t quick = s.n < 19 ? s.n : 19, i = 0;
    for (; i < quick; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9)
            return QN_E_TYPE;
        v = v * 10 + d;
    }
    bool over = false;
    for (; i < s.n; i++) {
        unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
        if (d > 9)
            return QN_E_TYPE;
        over |= __builtin_mul_overflow(v, (uint64_t)10, &v) || __builtin_add_overflow(v, d, &v);
    }
    *out = v;
    return over ? QN_E_RANGE : 0;
}

int qn_json_parse_i64(struct qn_str s, int64_t *out)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    uint64_t v;
    int rc = qn_json_parse_u64(minus ? qn_str_from(s, 1) : s, &v);
    if (rc < 0)
        return rc;
    if (v > (uint64_t)INT64_MAX + minus)
        return QN_E_RANGE;
    *out = minus ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

/* A number cut into at most 19 significant digits and a power of ten. */
struct parts {
    uint64_t digits;
    int exponent;
    bool minus, more; /* more: digits were cut off */
};

static struct parts take_apart(struct qn_str s)
{
    struct parts pt = {.minus = s.n > 0 && s.p[0] == '-'};
    int n = 0;
    bool point = false;
    size_t i = pt.minus;
    for (; i < s.n && (s.p[i] | 0x20) != 'e'; i++) {
        if (s.p[i] == '.') {
            point = true;
            continue;
        }
        unsigned d = (unsigned)(s.p[i] - '0');
        if (n < 19) {
            pt.digits = pt.digits * 10 + d;
            n += pt.digits != 0;
            pt.exponent -= point;
        } else {
            pt.more |= d != 0;
            pt.exponent += !point;
        }
    }
    if (i < s.n) {
        bool minus = s.p[++i] == '-';
        int e = 0;
        for (i += s.p[i] == '-' || s.p[i] == '+'; i < s.n; i++)
            e = e < 100000 ? e * 10 + (s.p[i] - '0') : e;
        pt.exponent += minus ? -e : e;
    }
    return pt;
}

/* Eisel and Lemire's algorithm: digits * 10^e by one or two 64x64 products, or false in the rare
 * cases where 128 bits of the power cannot decide the rounding. */
static bool eisel_lemire(uint64_t digits, int e, double *out)
{
    if (e < POW10_MIN || e > 308)
        return false;
    u128 g = pow10_128(e);
    if (e < 0 || e > 55) /* rounded up; the algorithm wants it cut */
        g -= 1;
    int lz = __builtin_clzll(digits);
    uint64_t w = digits << lz, g_hi = (uint64_t)(g >> 64), g_lo = (uint64_t)g;
    u128 x = (u128)w * g_hi;
    if (((uint64_t)(x >> 64) & 0x1FF) == 0x1FF && (uint64_t)x + w < w) {
        u128 y = (u128)w * g_lo, merged = x + (uint64_t)(y >> 64);
        if (((uint64_t)(merged >> 64) & 0x1FF) == 0x1FF && (uint64_t)merged == UINT64_MAX &&
            (uint64_t)y + w < w)
            return false;
        x = merged;
    }
    uint64_t hi = (uint64_t)(x >> 64), lo = (uint64_t)x, msb = hi >> 63;
    uint64_t m = hi >> (msb + 9);
    int exp2 = ((217706 * e) >> 16) + 64 + 1023 - lz - (int)(1 ^ msb);
    if (lo == 0 && (hi & 0x1FF) == 0 && (m & 3) == 1)
        return false;
    m = (m + (m & 1)) >> 1;
    if (m >> 53 != 0) {
        m >>= 1;
        exp2++;
    }
    if (exp2 < 1 || exp2 > 2046)
        return false;
    uint64_t bits = (uint64_t)exp2 << 52 | (m & ((1ull << 52) - 1));
    memcpy(out, &bits, sizeof bits);
    return true;
}

/* Clinger: up to 2^53 times or over a power of ten that is exact rounds once, so rightly. */
static bool clinger(uint64_t digits, int e, double *out)
{
    static const double p10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (digits > 1ull << 53 || e < -22 || e > 22)
        return false;
    *out = e < 0 ? (double)digits / p10[-e] : (double)digits * p10[e];
    return true;
}

int qn_json_parse_f64(struct qn_str s, double *out)
{
    struct parts pt = take_apart(s);
    double v = 0, above;
    bool ok = pt.digits == 0;
    if (!ok && !pt.more)
        ok = clinger(pt.digits, pt.exponent, &v) || eisel_lemire(pt.digits, pt.exponent, &v);
    else if (!ok)
        ok = eisel_lemire(pt.digits, pt.exponent, &v) &&
             eisel_lemire(pt.digits + 1, pt.exponent, &above) && v == above;
    if (!ok) {
        int rc = qn_str_to_f64(s, &v);
        if (rc < 0)
            return rc;
        *out = v;
        return 0;
    }
    *out = pt.minus ? -v : v;
    return 0;
}

int qn_json_parse_num(struct qn_str s, struct qn_json_num *out)
{
    int rc = qn_json_parse_i64(s, &out->i64);
    out->kind = QN_JSON_NUM_I64;
    if (rc == QN_E_RANGE && s.p[0] != '-') {
        out->kind = QN_JSON_NUM_U64;
        rc = qn_json_parse_u64(s, &out->u64);
    }
    if (rc < 0) {
        out->kind = QN_JSON_NUM_F64;
        rc = qn_json_parse_f64(s, &out->f64);
    }
    return rc;
}

/* floor(g * cp / 2^128), its lowest bit set when something was cut off. */
static inline uint64_t round_to_odd(u128 g, uint64_t cp)
{
    u128 x = (u128)(uint64_t)g * cp, y = (u128)(uint64_t)(g >> 64) * cp + (uint64_t)(x >> 64);
    return (uint64_t)(y >> 64) | ((uint64_t)y > 1);
}

/* Schubfach (Giulietti 2020): the shortest decimal in the rounding interval of c * 2^q, from three
 * products with one power of ten. `narrow`: the interval below is half as wide (c is a power of 2).
 */
static struct qn_decimal schubfach(uint64_t c, int q, bool narrow)
{
    bool even = (c & 1) == 0;
    uint64_t cb = 4 * c, cbl = cb - 2 + narrow, cbr = cb + 2;
    int k = (q * 1262611 - (narrow ? 524031 : 0)) >> 22;
    int h = q + log2_pow10(-k) + 1;
    u128 g = pow10_128(-k);
    uint64_t vbl = round_to_odd(g, cbl << h), vb = round_to_odd(g, cb << h);
    uint64_t vbr = round_to_odd(g, cbr << h);
    uint64_t lower = vbl + !even, upper = vbr - !even;
    uint64_t s = vb / 4;
    if (s >= 10) {
        uint64_t sp = s / 10;
        bool down = lower <= 40 * sp, up = 40 * sp + 40 <= upper;
        if (down != up)
            return (struct qn_decimal){sp + up, k + 1, false};
    }
    bool down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    if (down != up)
        return (struct qn_decimal){s + up, k, false};
    uint64_t mid = 4 * s + 2;
    return (struct qn_decimal){s + (vb > mid || (vb == mid && (s & 1) != 0)), k, false};
}

static struct qn_decimal trim(struct qn_decimal d)
{
    while (d.digits != 0 && d.digits % 10 == 0) {
        d.digits /= 10;
        d.exponent++;
    }
    if (d.digits == 0)
        d.exponent = 0;
    return d;
}

/* fraction and exponent fields of an IEEE number to its decimal */
static struct qn_decimal decimal_of(uint64_t fraction, int exp_field, int fraction_bits, int bias)
{
    if (exp_field == 0 && fraction == 0)
        return (struct qn_decimal){0};
    uint64_t c = exp_field != 0 ? (1ull << fraction_bits) | fraction : fraction;
    int q = (exp_field != 0 ? exp_field : 1) - bias - fraction_bits;
    if (q <= 0 && q >= -fraction_bits && (c & ((1ull << -q) - 1)) == 0)
        return trim((struct qn_decimal){c >> -q, 0, false});
    return trim(schubfach(c, q, fraction == 0 && exp_field > 1));
}

struct qn_decimal qn_f64_shortest(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    struct qn_decimal d =
        decimal_of(bits & ((1ull << 52) - 1), (int)(bits >> 52 & 0x7FF), 52, 1023);
    d.negative = bits >> 63 != 0;
    return d;
}

size_t qn_u64_print(char *out, uint64_t v)
{
    char tmp[20];
    size_t n = 0;
    do
        tmp[sizeof tmp - ++n] = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    memcpy(out, tmp + sizeof tmp - n, n);
    return n;
}

size_t qn_i64_print(char *out, int64_t v)
{
    if (v >= 0)
        return qn_u64_print(out, (uint64_t)v);
    out[0] = '-';
    return 1 + qn_u64_print(out + 1, 0 - (uint64_t)v);
}

/* d.ddddE10: one digit, a point, the others (at least one with `pad`), the exponent. */
static size_t print_scientific(char *out, const char *digits, int n, int exponent, bool pad, char e)
{
    size_t at = 0;
    out[at++] = digits[0];
    if (n > 1 || pad) {
        out[at++] = '.';
        memcpy(out + at, digits + 1, (size_t)n - 1);
        at += (size_t)n - 1;
        if (n == 1)
            out[at++] = '0';
    }
    out[at++] = e;
    return at + qn_i64_print(out + at, exponent);
}

/* Positional form. point: digits before the decimal point, may be <= 0 or > n. */
static size_t print_plain(char *out, const char *digits, int n, int point)
{
    size_t at = 0;
    if (point <= 0) {
        out[at++] = '0';
        out[at++] = '.';
        memset(out + at, '0', (size_t)-point);
        at += (size_t)-point;
        memcpy(out + at, digits, (size_t)n);
        return at + (size_t)n;
    }
    for (int i = 0; i < point; i++)
        out[at++] = i < n ? digits[i] : '0';
    out[at++] = '.';
    if (n <= point) {
        out[at++] = '0';
        return at;
    }
    memcpy(out + at, digits + point, (size_t)(n - point));
    return at + (size_t)(n - point);
}

static size_t print_decimal(char *out, struct qn_decimal d, enum qn_f64_style style)
{
    char digits[QN_F64_MAX];
    int n = (int)qn_u64_print(digits, d.digits);
    int point = n + d.exponent; /* value = 0.digits * 10^point */
    size_t at = 0;
    if (d.negative)
        out[at++] = '-';
    bool java = style == QN_F64_JAVA;
    bool plain = java ? point > -3 && point <= 7 : point > -5 && point <= 16;
    if (d.digits == 0)
        return at + print_plain(out + at, digits, n, 1);
    if (plain)
        return at + print_plain(out + at, digits, n, point);
    return at + print_scientific(out + at, digits, n, point - 1, java, java ? 'E' : 'e');
}

size_t qn_f64_print(char out[QN_F64_MAX], double v, enum qn_f64_style style)
{
    return print_decimal(out, qn_f64_shortest(v), style);
}

size_t qn_f32_print(char out[QN_F64_MAX], float v, enum qn_f64_style style)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    struct qn_decimal d = decimal_of(bits & ((1u << 23) - 1), (int)(bits >> 23 & 0xFF), 23, 127);
    d.negative = bits >> 31 != 0;
    return print_decimal(out, d, style);
}
