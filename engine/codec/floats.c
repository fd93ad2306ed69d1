#include "codec/floats.h"

#include <math.h>

#include "base/varint.h"

#define MAX_LEFT 8
#define LEFT_BITS 16
#define EXACT_INTEGERS 9007199254740992.0 /* 2^53 */
#define SIGN (1ull << 63)

static const double pow10_of[QN_FLOATS_MAX_DIGITS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* ---- writing */

/* Values that a codec cannot hold. More than this many and it is not worth trying. */
struct exceptions {
    size_t n;
    uint16_t at[QN_INTS_MAX / 16];
    uint64_t value[QN_INTS_MAX / 16];
};

static bool add_exception(struct exceptions *ex, size_t at, uint64_t value)
{
    if (ex->n == QN_COUNT_OF(ex->at))
        return false;
    ex->at[ex->n] = (uint16_t)at;
    ex->value[ex->n++] = value;
    return true;
}

static void put_exceptions(struct qn_buf *out, const struct exceptions *ex)
{
    qn_buf_put_varint(out, ex->n);
    qn_buf_put(out, ex->at, ex->n * sizeof ex->at[0]);
    qn_buf_put(out, ex->value, ex->n * sizeof ex->value[0]);
}

/* True when k / 10^digits is the double, to the bit; -0.0 and what is not finite never are. */
static bool decimal_of(uint64_t mapped, unsigned digits, int64_t *k)
{
    double d = qn_f64_of_u64(mapped), scaled = d * pow10_of[digits];
    if (!(scaled > -EXACT_INTEGERS && scaled < EXACT_INTEGERS))
        return false;
    *k = (int64_t)nearbyint(scaled);
    return qn_u64_of_f64((double)*k / pow10_of[digits]) == mapped;
}

/* The digits that the values of a sample need at most, leaving out those that are no decimals. */
static bool find_digits(const uint64_t *v, size_t n, unsigned *digits)
{
    size_t step = n / 32 + 1, good = 0, seen = 0;
    *digits = 0;
    for (size_t i = 0; i < n; i += step, seen++) {
        int64_t k;
        for (unsigned d = *digits; d <= QN_FLOATS_MAX_DIGITS; d++)
            if (decimal_of(v[i], d, &k)) {
                *digits = d;
                good++;
                break;
            }
    }
    return good * 8 >= seen * 7;
}

/* Appends a DECIMAL block; false (and nothing appended) when too many values are not decimals. */
static bool put_decimal(struct qn_buf *out, const struct qn_simd_ops *ops, const uint64_t *v,
                        size_t n, size_t *n_exceptions)
{
    unsigned digits;
    if (!find_digits(v, n, &digits))
        return false;
    uint64_t k[QN_INTS_MAX];
    struct exceptions ex = {.n = 0};
    int64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t now;
        if (decimal_of(v[i], digits, &now))
            last = now;
        else if (!add_exception(&ex, i, v[i]))
            return false;
        k[i] = qn_u64_of_i64(last);
    }
    for (size_t i = 0; i < ex.n && ex.at[i] == i && ex.n < n; i++) /* the first ones had no last */
        k[i] = k[ex.n];
    qn_buf_put_u8(out, QN_FLOATS_DECIMAL);
    qn_buf_put_u8(out, (uint8_t)digits);
    qn_ints_put(out, ops, k, n);
    put_exceptions(out, &ex);
    *n_exceptions = ex.n;
    return true;
}

struct left_parts {
    unsigned n;
    uint16_t part[MAX_LEFT];
    size_t covered; /* values of the sample that one of them begins */
};

/* The most frequent left parts: counts the distinct ones of the sample and takes the first eight by
 * count. */
static struct left_parts top_left_parts(const uint64_t *v, size_t n, size_t step, unsigned right)
{
    uint16_t part[256], count[256];
    size_t distinct = 0;
    for (size_t i = 0; i < n; i += step) {
        uint16_t left = (uint16_t)(v[i] >> right);
        size_t at = 0;
        while (at < distinct && part[at] != left)
            at++;
        if (at == distinct) {
            if (distinct == QN_COUNT_OF(part))
                continue;
            part[distinct] = left;
            count[distinct++] = 0;
        }
        count[at]++;
    }
    struct left_parts lp = {0};
    for (; lp.n < MAX_LEFT && lp.n < distinct; lp.n++) {
        size_t best = lp.n;
        for (size_t i = lp.n + 1; i < distinct; i++)
            best = count[i] > count[best] ? i : best;
        lp.part[lp.n] = part[best];
        lp.covered += count[best];
        part[best] = part[lp.n];
        count[best] = count[lp.n];
    }
    return lp;
}

static unsigned number_width(unsigned n_left)
{
    return qn_bit_width(n_left - 1);
}

static bool put_split(struct qn_buf *out, const struct qn_simd_ops *ops, const uint64_t *v,
                      size_t n)
{
    struct left_parts best = {0};
    size_t step = n / 128 + 1, sample = (n + step - 1) / step, best_bits = SIZE_MAX;
    unsigned right = 0;
    for (unsigned r = 64 - LEFT_BITS; r < 64; r++) {
        struct left_parts lp = top_left_parts(v, n, step, r);
        size_t bits = sample * (r + number_width(lp.n)) + (sample - lp.covered) * 80 + 16 * lp.n;
        if (bits < best_bits) {
            best_bits = bits;
            best = lp;
            right = r;
        }
    }
    uint32_t number[QN_INTS_MAX];
    uint64_t rest[QN_INTS_MAX];
    struct exceptions ex = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        unsigned at = 0;
        while (at < best.n && best.part[at] != v[i] >> right)
            at++;
        if (at == best.n && !add_exception(&ex, i, v[i]))
            return false;
        number[i] = at == best.n ? 0 : at;
        rest[i] = v[i] & ((1ull << right) - 1);
    }
    size_t number_bytes = qn_packed_bytes(n, number_width(best.n));
    size_t rest_bytes = qn_packed_bytes(n, right);
    qn_buf_put_u8(out, QN_FLOATS_SPLIT);
    qn_buf_put_u16(out, (uint16_t)n);
    qn_buf_put_u8(out, (uint8_t)right);
    qn_buf_put_u8(out, (uint8_t)best.n);
    qn_buf_put(out, best.part, best.n * sizeof best.part[0]);
    if (!qn_buf_reserve(out, number_bytes + rest_bytes + 16))
        return true;
    ops->pack32((uint8_t *)out->p + out->n, number, n, number_width(best.n));
    ops->pack64((uint8_t *)out->p + out->n + number_bytes, rest, n, right);
    out->n += number_bytes + rest_bytes;
    put_exceptions(out, &ex);
    return true;
}

/* Moves the block that was just appended at `at` over the one that starts at `from`. */
static void keep_last(struct qn_buf *out, size_t from, size_t at)
{
    if (out->failed)
        return;
    memmove(out->p + from, out->p + at, out->n - at);
    out->n = from + (out->n - at);
}

enum qn_floats_codec qn_floats_put(struct qn_buf *out, const struct qn_simd_ops *ops,
                                   const uint64_t *mapped, size_t n)
{
    QN_ASSERT(n >= 1 && n <= QN_INTS_MAX);
    size_t from = out->n, n_exceptions;
    enum qn_floats_codec best = QN_FLOATS_ORDERED;
    if (put_decimal(out, ops, mapped, n, &n_exceptions)) {
        if (n_exceptions == 0)
            return QN_FLOATS_DECIMAL;
        best = QN_FLOATS_DECIMAL;
    }
    size_t at = out->n;
    qn_buf_put_u8(out, QN_FLOATS_ORDERED);
    qn_ints_put(out, ops, mapped, n);
    if (at > from && out->n - at < at - from) {
        keep_last(out, from, at);
        best = QN_FLOATS_ORDERED;
    } else if (at > from) {
        out->n = at;
    }
    at = out->n;
    if (at - from > n * 4 && put_split(out, ops, mapped, n)) { /* else there is little to win */
        if (out->n - at < at - from) {
            keep_last(out, from, at);
            return QN_FLOATS_SPLIT;
        }
        out->n = at;
    }
    return best;
}

/* ---- reading */

static int open_exceptions(struct qn_floats *in, const uint8_t *p, const uint8_t *end,
                           struct qn_err *err)
{
    uint64_t n = 0;
    size_t used = qn_varint_get(p, end, &n);
    if (used == 0 || n > in->n || n * 10 > (size_t)(end - p) - used)
        return qn_fail(err, QN_E_TRUNCATED, "float block: its exceptions are cut off");
    in->exceptions = p + used;
    in->n_exceptions = (uint16_t)n;
    for (size_t i = 0, least = 0; i < n; i++) {
        uint16_t at;
        memcpy(&at, in->exceptions + 2 * i, 2);
        if (at < least || at >= in->n)
            return qn_corrupt(err, "float block: exception %zu at %u of %u", i, at, in->n);
        least = at + 1u;
    }
    in->bytes += used + n * 10;
    return 0;
}

static int open_split(struct qn_floats *in, const struct qn_simd_ops *ops, const uint8_t *p,
                      size_t left, struct qn_err *err)
{
    if (left < 5)
        return qn_fail(err, QN_E_TRUNCATED, "float block: %zu bytes are no header", left);
    in->n = (uint16_t)(p[1] | p[2] << 8);
    in->right_width = p[3];
    in->n_left = p[4];
    if (in->n < 1 || in->n > QN_INTS_MAX || in->right_width < 64 - LEFT_BITS ||
        in->right_width > 63 || in->n_left < 1 || in->n_left > MAX_LEFT)
        return qn_corrupt(err, "float block: %u values, split at %u in %u", in->n, in->right_width,
                          in->n_left);
    size_t numbers = 5 + 2 * (size_t)in->n_left;
    size_t right = numbers + qn_packed_bytes(in->n, number_width(in->n_left));
    size_t end = right + qn_packed_bytes(in->n, in->right_width);
    if (end > left)
        return qn_fail(err, QN_E_TRUNCATED, "float block: %zu of %zu bytes", left, end);
    memcpy(in->left, p + 5, 2 * (size_t)in->n_left);
    in->numbers = p + numbers;
    in->right = p + right;
    struct qn_simd_stats st;
    ops->stats_packed(&st, in->numbers, in->n, number_width(in->n_left));
    if (st.max >= in->n_left)
        return qn_corrupt(err, "float block: entry beyond %u", in->n_left);
    in->bytes = end;
    return open_exceptions(in, p + end, p + left, err);
}

int qn_floats_open(struct qn_floats *in, const struct qn_simd_ops *ops, const uint8_t *p,
                   size_t left, struct qn_err *err)
{
    *in = (struct qn_floats){0};
    if (left < 2)
        return qn_fail(err, QN_E_TRUNCATED, "float block: %zu bytes are no header", left);
    in->codec = p[0];
    if (in->codec == QN_FLOATS_SPLIT)
        return open_split(in, ops, p, left, err);
    if (in->codec != QN_FLOATS_ORDERED && in->codec != QN_FLOATS_DECIMAL)
        return qn_corrupt(err, "float block: unknown codec %u", in->codec);
    size_t head = 1;
    if (in->codec == QN_FLOATS_DECIMAL) {
        in->digits = p[1];
        head = 2;
        if (in->digits > QN_FLOATS_MAX_DIGITS)
            return qn_corrupt(err, "float block: %u digits", in->digits);
    }
    int rc = qn_ints_open(&in->ints, ops, p + head, left - head, err);
    if (rc < 0)
        return rc;
    in->n = in->ints.n;
    in->bytes = head + in->ints.bytes;
    if (in->codec == QN_FLOATS_ORDERED)
        return 0;
    /* The integers come out signed, not mapped: the distance is 2^63 for all of them. */
    in->ints.base ^= SIGN;
    return open_exceptions(in, p + in->bytes, p + left, err);
}

static void exception_at(const struct qn_floats *in, size_t i, uint16_t *at, uint64_t *value)
{
    memcpy(at, in->exceptions + 2 * i, 2);
    memcpy(value, in->exceptions + 2 * (size_t)in->n_exceptions + 8 * i, 8);
}

/* Signed integers to the maps of k / 10^digits, in place. */
static void divide(const struct qn_floats *in, const struct qn_simd_ops *ops, uint64_t *v, size_t n)
{
    double part[64];
    for (size_t i = 0; i < n; i += 64) {
        size_t m = n - i < 64 ? n - i : 64;
        ops->decimal64(part, (const int64_t *)(v + i), m, pow10_of[in->digits]);
        for (size_t k = 0; k < m; k++) {
            uint64_t u;
            memcpy(&u, &part[k], 8);
            v[i + k] = u ^ ((uint64_t)((int64_t)u >> 63) | SIGN);
        }
    }
}

void qn_floats_decode(const struct qn_floats *in, const struct qn_simd_ops *ops, uint64_t *out)
{
    if (in->codec == QN_FLOATS_SPLIT) {
        uint32_t number[QN_INTS_MAX];
        ops->unpack32(number, in->numbers, in->n, number_width(in->n_left), 0);
        ops->unpack64(out, in->right, in->n, in->right_width, 0);
        for (size_t i = 0; i < in->n; i++)
            out[i] |= (uint64_t)in->left[number[i]] << in->right_width;
    } else {
        qn_ints_decode(&in->ints, ops, out);
        if (in->codec == QN_FLOATS_DECIMAL)
            divide(in, ops, out, in->n);
    }
    for (size_t i = 0; i < in->n_exceptions; i++) {
        uint16_t at;
        uint64_t value;
        exception_at(in, i, &at, &value);
        out[at] = value;
    }
}

static bool find_exception(const struct qn_floats *in, uint32_t idx, uint64_t *value)
{
    size_t lo = 0, n = in->n_exceptions;
    uint16_t at;
    while (n > 0) {
        size_t half = n / 2;
        exception_at(in, lo + half, &at, value);
        if (at == idx)
            return true;
        if (at < idx) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return false;
}

void qn_floats_gather(const struct qn_floats *in, const struct qn_simd_ops *ops,
                      const uint32_t *idx, size_t k, uint64_t *out)
{
    if (in->codec == QN_FLOATS_SPLIT) {
        unsigned width = number_width(in->n_left);
        for (size_t i = 0; i < k; i++) {
            uint64_t number = width == 0 ? 0 : qn_packed_get(in->numbers, idx[i], width);
            out[i] = (uint64_t)in->left[number] << in->right_width |
                     qn_packed_get(in->right, idx[i], in->right_width);
        }
    } else {
        qn_ints_gather(&in->ints, ops, idx, k, out);
        if (in->codec == QN_FLOATS_DECIMAL)
            divide(in, ops, out, k);
    }
    for (size_t i = 0; i < k && in->n_exceptions != 0; i++) {
        uint64_t value;
        if (find_exception(in, idx[i], &value))
            out[i] = value;
    }
}

/* The smallest k whose k / 10^digits maps to at least `mapped`. Scaling is off by a few units at
 * most, which are walked. */
static int64_t least_integer(uint64_t mapped, unsigned digits)
{
    const int64_t limit = (int64_t)EXACT_INTEGERS;
    double scaled = qn_f64_of_u64(mapped) * pow10_of[digits];
    if (mapped <= qn_u64_of_f64(-INFINITY))
        return -limit;
    if (!(scaled <= EXACT_INTEGERS))
        return limit + 1; /* beyond all decimals, or NaN */
    int64_t k = scaled < -EXACT_INTEGERS ? -limit : (int64_t)floor(scaled);
    while (k > -limit && qn_u64_of_f64((double)(k - 1) / pow10_of[digits]) >= mapped)
        k--;
    while (k <= limit && qn_u64_of_f64((double)k / pow10_of[digits]) < mapped)
        k++;
    return k;
}

size_t qn_floats_range(const struct qn_floats *in, const struct qn_simd_ops *ops, uint64_t lo,
                       uint64_t hi, uint64_t *bits)
{
    if (in->codec == QN_FLOATS_ORDERED)
        return qn_ints_range(&in->ints, ops, lo, hi, bits);
    if (in->codec == QN_FLOATS_SPLIT || lo > hi) {
        uint64_t all[QN_INTS_MAX];
        qn_floats_decode(in, ops, all);
        return ops->range64(bits, all, in->n, lo, hi);
    }
    struct qn_ints mapped = in->ints;
    mapped.base ^= SIGN;
    uint64_t from = qn_u64_of_i64(least_integer(lo, in->digits)), to = UINT64_MAX;
    if (hi != UINT64_MAX)
        to = qn_u64_of_i64(least_integer(hi + 1, in->digits) - 1);
    size_t hits = qn_ints_range(&mapped, ops, from, to, bits);
    for (size_t i = 0; i < in->n_exceptions; i++) {
        uint16_t at;
        uint64_t value;
        exception_at(in, i, &at, &value);
        bool was = qn_bit_get(bits, at), is = lo <= value && value <= hi;
        if (was != is)
            bits[at / 64] ^= 1ull << (at % 64);
        hits = hits - was + is;
    }
    return hits;
}

const char *qn_floats_codec_name(unsigned codec)
{
    static const char *const names[QN_FLOATS_CODECS] = {"?", "ordered", "decimal", "split"};
    return codec < QN_FLOATS_CODECS ? names[codec] : "?";
}
