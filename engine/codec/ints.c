#include "codec/ints.h"

#include "base/varint.h"

/* ---- opening */

struct cursor {
    const uint8_t *p, *end;
    bool bad;
};

static uint64_t get_varint(struct cursor *c)
{
    uint64_t v = 0;
    size_t used = qn_varint_get(c->p, c->end, &v);
    c->bad |= used == 0;
    c->p += used;
    return v;
}

static uint64_t get_zigzag(struct cursor *c)
{
    return (uint64_t)qn_unzigzag(get_varint(c));
}

static const uint8_t *get_packed(struct cursor *c, size_t n, unsigned width)
{
    const uint8_t *at = c->p;
    size_t bytes = qn_packed_bytes(n, width);
    if (bytes > (size_t)(c->end - c->p))
        c->bad = true;
    else
        c->p += bytes;
    return at;
}

/* Runs must fill the block exactly. */
static bool runs_are_sound(const struct qn_ints *in, const struct qn_simd_ops *ops)
{
    struct qn_simd_stats st;
    ops->stats_packed(&st, in->side, in->n_side, in->side_width);
    return st.max < in->n && st.sum + in->n_side == in->n;
}

static bool ordinals_are_sound(const struct qn_ints *in, const struct qn_simd_ops *ops)
{
    if (in->width <= 16 && in->n_side == 1u << in->width)
        return true;
    struct qn_simd_stats st;
    ops->stats_packed(&st, in->packed, in->n, in->width);
    return st.max < in->n_side;
}

static int open_side(struct qn_ints *in, struct cursor *c, const struct qn_simd_ops *ops,
                     struct qn_err *err)
{
    uint64_t n = get_varint(c);
    if (c->bad || n < 1 || n > in->n || c->p >= c->end || *c->p > 64)
        return qn_corrupt(err, "integer block: bad side list of codec %u", in->codec);
    in->n_side = (uint16_t)n;
    in->side_width = *c->p++;
    if (in->codec == QN_INTS_RLE) {
        in->packed = get_packed(c, n, in->width);
        in->side = get_packed(c, n, in->side_width);
        if (!c->bad && !runs_are_sound(in, ops))
            return qn_corrupt(err, "integer block: runs do not add up to %u values", in->n);
    } else {
        in->side = get_packed(c, n, in->side_width);
        in->packed = get_packed(c, in->n, in->width);
        if (!c->bad && !ordinals_are_sound(in, ops))
            return qn_corrupt(err, "integer block: ordinal beyond %u entries", in->n_side);
    }
    return 0;
}

int qn_ints_open(struct qn_ints *in, const struct qn_simd_ops *ops, const uint8_t *p, size_t left,
                 struct qn_err *err)
{
    *in = (struct qn_ints){0};
    if (left < 4)
        return qn_fail(err, QN_E_TRUNCATED, "integer block: %zu bytes are no header", left);
    struct cursor c = {p + 4, p + left, false};
    in->codec = p[0];
    in->width = p[1];
    in->n = (uint16_t)(p[2] | p[3] << 8);
    if (in->codec < QN_INTS_CONST || in->codec >= QN_INTS_CODECS)
        return qn_corrupt(err, "integer block: unknown codec %u", in->codec);
    if (in->width > 64 || in->n < 1 || in->n > QN_INTS_MAX ||
        (in->codec == QN_INTS_CONST && in->width != 0))
        return qn_corrupt(err, "integer block: width %u, %u values", in->width, in->n);
    in->base = get_varint(&c);
    in->mul = get_varint(&c);
    if (!c.bad && in->mul == 0)
        return qn_corrupt(err, "integer block: values are multiples of 0");
    if (in->codec == QN_INTS_RLE || in->codec == QN_INTS_DICT) {
        int rc = open_side(in, &c, ops, err);
        if (rc < 0)
            return rc;
    } else {
        if (in->codec >= QN_INTS_LINEAR)
            in->start = get_zigzag(&c);
        if (in->codec == QN_INTS_DELTA2)
            in->start2 = get_zigzag(&c);
        if (in->codec >= QN_INTS_LINEAR)
            in->low = get_zigzag(&c);
        in->packed = get_packed(&c, in->n, in->width);
    }
    if (c.bad)
        return qn_fail(err, QN_E_TRUNCATED, "integer block of codec %u ends after %zu bytes",
                       in->codec, left);
    in->bytes = (size_t)(c.p - p);
    return 0;
}

/* ---- decoding */

static void decode_runs(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t *out)
{
    uint64_t value[QN_INTS_MAX], less_one[QN_INTS_MAX];
    ops->unpack64(value, in->packed, in->n_side, in->width, 0);
    ops->unpack64(less_one, in->side, in->n_side, in->side_width, 0);
    if (in->mul != 1 || in->base != 0)
        ops->affine64(value, in->n_side, in->mul, in->base);
    size_t at = 0;
    for (size_t i = 0; i < in->n_side; i++)
        for (uint64_t k = 0; k <= less_one[i]; k++)
            out[at++] = value[i];
}

static void decode_dict(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t *out)
{
    uint64_t entry[QN_INTS_MAX];
    ops->unpack64(entry, in->side, in->n_side, in->side_width, 0);
    if (in->mul != 1 || in->base != 0)
        ops->affine64(entry, in->n_side, in->mul, in->base);
    ops->unpack64(out, in->packed, in->n, in->width, 0);
    for (size_t i = 0; i < in->n; i++)
        out[i] = entry[out[i]];
}

void qn_ints_decode(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t *out)
{
    /* With mul = 1 the base joins the first addition and the last pass is not needed. */
    uint64_t add = in->mul == 1 ? in->base : 0;
    switch (in->codec) {
    case QN_INTS_RLE:
        decode_runs(in, ops, out);
        return;
    case QN_INTS_DICT:
        decode_dict(in, ops, out);
        return;
    case QN_INTS_LINEAR:
        ops->unpack64(out, in->packed, in->n, in->width, in->low + add);
        ops->ramp64(out, in->n, 0, in->start);
        break;
    case QN_INTS_DELTA:
        ops->unpack64(out, in->packed, in->n, in->width, in->low);
        ops->prefix64(out, in->n, in->start + add);
        break;
    case QN_INTS_DELTA2:
        ops->unpack64(out, in->packed, in->n, in->width, in->low);
        ops->prefix64(out, in->n, in->start2);
        ops->prefix64(out, in->n, in->start + add);
        break;
    default:
        ops->unpack64(out, in->packed, in->n, in->width, add);
    }
    if (in->mul != 1)
        ops->affine64(out, in->n, in->mul, in->base);
}

static uint64_t packed_at(const uint8_t *p, size_t i, unsigned width)
{
    return width == 0 ? 0 : qn_packed_get(p, i, width);
}

uint64_t qn_ints_at(const struct qn_ints *in, const struct qn_simd_ops *ops, size_t i)
{
    QN_ASSERT(i < in->n);
    uint64_t q = 0;
    switch (in->codec) {
    case QN_INTS_CONST:
    case QN_INTS_FOR:
        q = packed_at(in->packed, i, in->width);
        break;
    case QN_INTS_LINEAR:
        q = packed_at(in->packed, i, in->width) + in->low + in->start * i;
        break;
    case QN_INTS_DICT:
        q = packed_at(in->side, packed_at(in->packed, i, in->width), in->side_width);
        break;
    case QN_INTS_RLE: {
        size_t run = 0;
        for (size_t end = 0;; run++) {
            end += packed_at(in->side, run, in->side_width) + 1;
            if (i < end)
                break;
        }
        q = packed_at(in->packed, run, in->width);
        break;
    }
    default: {
        uint64_t all[QN_INTS_MAX];
        qn_ints_decode(in, ops, all);
        return all[i];
    }
    }
    return in->base + in->mul * q;
}

void qn_ints_gather(const struct qn_ints *in, const struct qn_simd_ops *ops, const uint32_t *idx,
                    size_t k, uint64_t *out)
{
    if (in->codec == QN_INTS_FOR || in->codec == QN_INTS_CONST) {
        ops->gather_packed(out, in->packed, in->width, idx, k, in->mul == 1 ? in->base : 0);
        if (in->mul != 1)
            ops->affine64(out, k, in->mul, in->base);
        return;
    }
    if (k <= 4 || (in->codec <= QN_INTS_LINEAR && k < in->n / 4)) {
        for (size_t i = 0; i < k; i++)
            out[i] = qn_ints_at(in, ops, idx[i]);
        return;
    }
    uint64_t all[QN_INTS_MAX];
    qn_ints_decode(in, ops, all);
    for (size_t i = 0; i < k; i++)
        out[i] = all[idx[i]];
}

/* ---- ranges */

static void fill_words(uint64_t *bits, size_t n, bool on)
{
    memset(bits, on ? 0xff : 0, qn_bits_words(n) * 8);
    if (on && n % 64 != 0)
        bits[n / 64] = (1ull << (n % 64)) - 1;
}

static size_t range_of_runs(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t lo,
                            uint64_t hi, uint64_t *bits)
{
    uint64_t less_one[QN_INTS_MAX], hit[QN_INTS_MAX / 64];
    ops->unpack64(less_one, in->side, in->n_side, in->side_width, 0);
    ops->range_packed(hit, in->packed, in->n_side, in->width, lo, hi);
    fill_words(bits, in->n, false);
    size_t hits = 0, at = 0;
    for (size_t i = 0; i < in->n_side; i++) {
        size_t next = at + less_one[i] + 1;
        if (qn_bit_get(hit, i)) {
            qn_bits_fill(bits, at, next);
            hits += next - at;
        }
        at = next;
    }
    return hits;
}

/* Entries ascend, so a range of values is a range of ordinals. */
static size_t range_of_dict(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t lo,
                            uint64_t hi, uint64_t *bits)
{
    uint64_t entry[QN_INTS_MAX];
    ops->unpack64(entry, in->side, in->n_side, in->side_width, 0);
    size_t from = 0, to = in->n_side;
    while (from < to && entry[from] < lo)
        from++;
    while (to > from && entry[to - 1] > hi)
        to--;
    if (from == to) {
        fill_words(bits, in->n, false);
        return 0;
    }
    return ops->range_packed(bits, in->packed, in->n, in->width, from, to - 1);
}

size_t qn_ints_range(const struct qn_ints *in, const struct qn_simd_ops *ops, uint64_t lo,
                     uint64_t hi, uint64_t *bits)
{
    if (in->codec >= QN_INTS_LINEAR && in->codec <= QN_INTS_DELTA2) {
        uint64_t all[QN_INTS_MAX];
        qn_ints_decode(in, ops, all);
        return ops->range64(bits, all, in->n, lo, hi);
    }
    if (lo > hi || hi < in->base) {
        fill_words(bits, in->n, false);
        return 0;
    }
    uint64_t above = lo <= in->base ? 0 : lo - in->base;
    uint64_t q_lo = above / in->mul + (above % in->mul != 0), q_hi = (hi - in->base) / in->mul;
    if (q_lo > q_hi) {
        fill_words(bits, in->n, false);
        return 0;
    }
    if (in->codec == QN_INTS_RLE)
        return range_of_runs(in, ops, q_lo, q_hi, bits);
    if (in->codec == QN_INTS_DICT)
        return range_of_dict(in, ops, q_lo, q_hi, bits);
    if (in->width != 0)
        return ops->range_packed(bits, in->packed, in->n, in->width, q_lo, q_hi);
    fill_words(bits, in->n, q_lo == 0);
    return q_lo == 0 ? in->n : 0;
}

void qn_ints_stats(const struct qn_ints *in, const struct qn_simd_ops *ops,
                   struct qn_simd_stats *st)
{
    if (in->codec != QN_INTS_FOR && in->codec != QN_INTS_CONST) {
        uint64_t all[QN_INTS_MAX];
        qn_ints_decode(in, ops, all);
        ops->stats64(st, all, in->n, NULL);
        return;
    }
    struct qn_simd_stats q;
    ops->stats_packed(&q, in->packed, in->n, in->width);
    uint64_t min = in->base + in->mul * q.min, max = in->base + in->mul * q.max;
    st->n += q.n;
    st->sum += in->base * q.n + in->mul * q.sum;
    st->min = min < st->min ? min : st->min;
    st->max = max > st->max ? max : st->max;
}

const char *qn_ints_codec_name(unsigned codec)
{
    static const char *const names[QN_INTS_CODECS] = {"?",     "const",  "for", "linear",
                                                      "delta", "delta2", "rle", "dict"};
    return codec < QN_INTS_CODECS ? names[codec] : "?";
}
