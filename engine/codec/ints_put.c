/* Writing integer blocks: one pass measures what every codec would need, the cheapest writes. */
#include "codec/ints.h"

#include <stdlib.h>

#include "base/varint.h"

#define MAX_ENTRIES 256 /* of a dictionary */

/* Smallest and largest of a sequence of signed differences. */
struct span {
    int64_t min, max;
};

static void span_add(struct span *s, uint64_t difference)
{
    int64_t d = (int64_t)difference;
    s->min = d < s->min ? d : s->min;
    s->max = d > s->max ? d : s->max;
}

static unsigned span_width(const struct span *s)
{
    return qn_bit_width((uint64_t)s->max - (uint64_t)s->min);
}

#define SPAN_NONE ((struct span){INT64_MAX, INT64_MIN})

struct shape {
    size_t n;
    uint64_t base, mul, most; /* most: the largest q */
    uint64_t q[QN_INTS_MAX];
    struct span delta, delta2, residual;
    uint64_t slope;
    size_t runs;
    uint64_t longest; /* run */
    uint64_t entry[MAX_ENTRIES];
    size_t entries; /* distinct values, 0 when there are more than MAX_ENTRIES */
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* q = (v - min) / gcd. Most columns leave the gcd loop at 1 after a few values. */
static void normalise(struct shape *sh, const uint64_t *v, const struct qn_simd_ops *ops)
{
    struct qn_simd_stats st = {.min = UINT64_MAX};
    ops->stats64(&st, v, sh->n, NULL);
    sh->base = st.min;
    uint64_t step = 0;
    for (size_t i = 0; i < sh->n && step != 1; i++) {
        uint64_t d = v[i] - st.min;
        if (step == 0 || d % step != 0)
            step = gcd(step, d);
    }
    sh->mul = step == 0 ? 1 : step;
    sh->most = (st.max - st.min) / sh->mul;
    for (size_t i = 0; i < sh->n; i++)
        sh->q[i] = sh->mul == 1 ? v[i] - st.min : (v[i] - st.min) / sh->mul;
}

static void measure_differences(struct shape *sh)
{
    const uint64_t *q = sh->q;
    sh->slope = sh->n > 1 ? (uint64_t)((int64_t)(q[sh->n - 1] - q[0]) / (int64_t)(sh->n - 1)) : 0;
    sh->delta = sh->delta2 = sh->residual = SPAN_NONE;
    uint64_t line = 0, run = 1;
    span_add(&sh->residual, q[0]);
    sh->runs = 1;
    sh->longest = 1;
    for (size_t i = 1; i < sh->n; i++) {
        uint64_t d = q[i] - q[i - 1];
        line += sh->slope;
        span_add(&sh->residual, q[i] - line);
        span_add(&sh->delta, d);
        if (i > 1)
            span_add(&sh->delta2, d - (q[i - 1] - q[i - 2]));
        run = d == 0 ? run + 1 : 1;
        sh->runs += d != 0;
        sh->longest = run > sh->longest ? run : sh->longest;
    }
}

/* Collects distinct values in a hash table until there are too many. */
static void collect_entries(struct shape *sh)
{
    enum { SLOTS = 1024 };
    uint16_t slot[SLOTS] = {0}; /* entry + 1 */
    sh->entries = 0;
    for (size_t i = 0; i < sh->n; i++) {
        if (i > 0 && sh->q[i] == sh->q[i - 1])
            continue;
        size_t at = (sh->q[i] * 0x9e3779b97f4a7c15ull) >> 54;
        while (slot[at] != 0 && sh->entry[slot[at] - 1] != sh->q[i])
            at = (at + 1) % SLOTS;
        if (slot[at] != 0)
            continue;
        if (sh->entries == MAX_ENTRIES || (i == 64 && sh->entries > 56)) {
            sh->entries = 0;
            return;
        }
        sh->entry[sh->entries++] = sh->q[i];
        slot[at] = (uint16_t)sh->entries;
    }
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    return x < y ? -1 : x > y;
}

static size_t varint_bytes(uint64_t v)
{
    unsigned bits = qn_bit_width(v);
    return bits == 0 ? 1 : (bits + 6) / 7;
}

static size_t zigzag_bytes(uint64_t v)
{
    return varint_bytes(qn_zigzag((int64_t)v));
}

static size_t cost_of(const struct shape *sh, enum qn_ints_codec codec)
{
    unsigned width = qn_bit_width(sh->most);
    switch (codec) {
    case QN_INTS_CONST:
        return sh->most == 0 ? 0 : SIZE_MAX;
    case QN_INTS_FOR:
        return qn_packed_bytes(sh->n, width);
    case QN_INTS_LINEAR:
        return zigzag_bytes(sh->slope) + zigzag_bytes((uint64_t)sh->residual.min) +
               qn_packed_bytes(sh->n, span_width(&sh->residual));
    case QN_INTS_DELTA:
        if (sh->n < 2)
            return SIZE_MAX;
        return zigzag_bytes(sh->q[0] - (uint64_t)sh->delta.min) +
               zigzag_bytes((uint64_t)sh->delta.min) +
               qn_packed_bytes(sh->n, span_width(&sh->delta));
    case QN_INTS_DELTA2:
        if (sh->n < 3) /* the two starts are counted at their largest */
            return SIZE_MAX;
        return 2 * QN_VARINT_MAX + zigzag_bytes((uint64_t)sh->delta2.min) +
               qn_packed_bytes(sh->n, span_width(&sh->delta2));
    case QN_INTS_RLE:
        return varint_bytes(sh->runs) + 1 + qn_packed_bytes(sh->runs, width) +
               qn_packed_bytes(sh->runs, qn_bit_width(sh->longest - 1));
    case QN_INTS_DICT:
        if (sh->entries == 0)
            return SIZE_MAX;
        return varint_bytes(sh->entries) + 1 + qn_packed_bytes(sh->entries, width) +
               qn_packed_bytes(sh->n, qn_bit_width(sh->entries - 1));
    default:
        return SIZE_MAX;
    }
}

static void put_packed(struct qn_buf *out, const struct qn_simd_ops *ops, const uint64_t *v,
                       size_t n, unsigned width)
{
    size_t bytes = qn_packed_bytes(n, width);
    if (!qn_buf_reserve(out, bytes + 8))
        return;
    ops->pack64((uint8_t *)out->p + out->n, v, n, width);
    out->n += bytes;
}

static void put_head(struct qn_buf *out, const struct shape *sh, enum qn_ints_codec codec,
                     unsigned width)
{
    qn_buf_put_u8(out, (uint8_t)codec);
    qn_buf_put_u8(out, (uint8_t)width);
    qn_buf_put_u16(out, (uint16_t)sh->n);
    qn_buf_put_varint(out, sh->base);
    qn_buf_put_varint(out, sh->mul);
}

static void put_zigzag(struct qn_buf *out, uint64_t v)
{
    qn_buf_put_varint(out, qn_zigzag((int64_t)v));
}

static void put_linear(struct qn_buf *out, const struct qn_simd_ops *ops, struct shape *sh)
{
    unsigned width = span_width(&sh->residual);
    uint64_t low = (uint64_t)sh->residual.min;
    put_head(out, sh, QN_INTS_LINEAR, width);
    put_zigzag(out, sh->slope);
    put_zigzag(out, low);
    for (size_t i = 0; i < sh->n; i++)
        sh->q[i] -= sh->slope * i + low;
    put_packed(out, ops, sh->q, sh->n, width);
}

/* The first difference has no value before it: it is defined as the smallest, packed as 0. */
static void put_delta(struct qn_buf *out, const struct qn_simd_ops *ops, struct shape *sh)
{
    unsigned width = span_width(&sh->delta);
    uint64_t low = (uint64_t)sh->delta.min;
    put_head(out, sh, QN_INTS_DELTA, width);
    put_zigzag(out, sh->q[0] - low);
    put_zigzag(out, low);
    for (size_t i = sh->n - 1; i > 0; i--)
        sh->q[i] -= sh->q[i - 1] + low;
    sh->q[0] = 0;
    put_packed(out, ops, sh->q, sh->n, width);
}

/* q[i] = start + d[0] + .. + d[i] and d[i] = start2 + e[0] + .. + e[i], e packed above low; e[0]
 * and e[1] are defined as the smallest. */
static void put_delta2(struct qn_buf *out, const struct qn_simd_ops *ops, struct shape *sh)
{
    unsigned width = span_width(&sh->delta2);
    uint64_t low = (uint64_t)sh->delta2.min, *q = sh->q;
    uint64_t d0 = q[1] - q[0] - low;
    put_head(out, sh, QN_INTS_DELTA2, width);
    put_zigzag(out, q[0] - d0);
    put_zigzag(out, d0 - low);
    put_zigzag(out, low);
    for (size_t i = sh->n - 1; i > 1; i--)
        q[i] = q[i] - 2 * q[i - 1] + q[i - 2] - low;
    q[0] = q[1] = 0;
    put_packed(out, ops, q, sh->n, width);
}

static void put_runs(struct qn_buf *out, const struct qn_simd_ops *ops, struct shape *sh)
{
    uint64_t less_one[QN_INTS_MAX];
    unsigned width = qn_bit_width(sh->most), side_width = qn_bit_width(sh->longest - 1);
    size_t run = 0;
    less_one[0] = 0;
    for (size_t i = 1; i < sh->n; i++) {
        if (sh->q[i] == sh->q[run]) {
            less_one[run]++;
        } else {
            sh->q[++run] = sh->q[i];
            less_one[run] = 0;
        }
    }
    put_head(out, sh, QN_INTS_RLE, width);
    qn_buf_put_varint(out, sh->runs);
    qn_buf_put_u8(out, (uint8_t)side_width);
    put_packed(out, ops, sh->q, sh->runs, width);
    put_packed(out, ops, less_one, sh->runs, side_width);
}

static void put_dict(struct qn_buf *out, const struct qn_simd_ops *ops, struct shape *sh)
{
    unsigned width = qn_bit_width(sh->entries - 1), side_width = qn_bit_width(sh->most);
    qsort(sh->entry, sh->entries, sizeof sh->entry[0], compare_u64);
    for (size_t i = 0; i < sh->n; i++) {
        size_t lo = 0, left = sh->entries; /* the entry is there: find the last one <= q */
        while (left > 1) {
            size_t half = left / 2;
            lo += sh->entry[lo + half] <= sh->q[i] ? half : 0;
            left -= half;
        }
        sh->q[i] = lo;
    }
    put_head(out, sh, QN_INTS_DICT, width);
    qn_buf_put_varint(out, sh->entries);
    qn_buf_put_u8(out, (uint8_t)side_width);
    put_packed(out, ops, sh->entry, sh->entries, side_width);
    put_packed(out, ops, sh->q, sh->n, width);
}

static void put(struct qn_buf *out, const struct qn_simd_ops *ops, struct shape *sh,
                enum qn_ints_codec codec)
{
    unsigned width = qn_bit_width(sh->most);
    switch (codec) {
    case QN_INTS_LINEAR:
        put_linear(out, ops, sh);
        return;
    case QN_INTS_DELTA:
        put_delta(out, ops, sh);
        return;
    case QN_INTS_DELTA2:
        put_delta2(out, ops, sh);
        return;
    case QN_INTS_RLE:
        put_runs(out, ops, sh);
        return;
    case QN_INTS_DICT:
        put_dict(out, ops, sh);
        return;
    default: /* CONST is FOR of width 0 */
        put_head(out, sh, codec, width);
        put_packed(out, ops, sh->q, sh->n, width);
    }
}

enum qn_ints_codec qn_ints_put(struct qn_buf *out, const struct qn_simd_ops *ops, const uint64_t *v,
                               size_t n)
{
    QN_ASSERT(n >= 1 && n <= QN_INTS_MAX);
    struct shape sh = {.n = n};
    normalise(&sh, v, ops);
    if (sh.most == 0) {
        put(out, ops, &sh, QN_INTS_CONST);
        return QN_INTS_CONST;
    }
    measure_differences(&sh);
    if (sh.most > 2) /* below that ordinals are no narrower */
        collect_entries(&sh);
    /* Cheaper codecs to read come first: they win ties. */
    static const enum qn_ints_codec order[] = {QN_INTS_FOR,    QN_INTS_RLE,   QN_INTS_DICT,
                                               QN_INTS_LINEAR, QN_INTS_DELTA, QN_INTS_DELTA2};
    enum qn_ints_codec best = QN_INTS_FOR;
    size_t cost = SIZE_MAX;
    for (size_t i = 0; i < QN_COUNT_OF(order); i++) {
        size_t c = cost_of(&sh, order[i]);
        if (c < cost) {
            cost = c;
            best = order[i];
        }
    }
    put(out, ops, &sh, best);
    return best;
}

bool qn_ints_put_as(struct qn_buf *out, const struct qn_simd_ops *ops, enum qn_ints_codec codec,
                    const uint64_t *v, size_t n)
{
    QN_ASSERT(n >= 1 && n <= QN_INTS_MAX);
    struct shape sh = {.n = n};
    normalise(&sh, v, ops);
    measure_differences(&sh);
    collect_entries(&sh);
    if (cost_of(&sh, codec) == SIZE_MAX)
        return false;
    put(out, ops, &sh, codec);
    return true;
}
