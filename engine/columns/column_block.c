#include <math.h>

#include "base/le.h"
#include "column_block_int.h"

struct qn_range qn__column_block_range(const struct qn_column *col, uint32_t b)
{
    uint32_t from = b ? qn_le32(col->ends + 4 * (size_t)(b - 1)) : 0;
    return (struct qn_range){col->offset + from, qn_le32(col->ends + 4 * (size_t)b) - from};
}

/* Sets the pointers behind the header; gives the bytes of presence and values, or 0 when a size is
 * off. */
static size_t lay_out(struct qn__column_block *bl, const uint8_t *p, size_t n)
{
    size_t at = QN__COLUMN_HEADER;
    bool one_each = bl->n_stored == bl->n_present;
    switch (bl->presence) {
    case QN__ONE:
        if (!one_each || bl->n_stored != bl->n_rows)
            return 0;
        break;
    case QN__HOLES:
        if (bl->n_stored != bl->n_rows)
            return 0;
        bl->map = p + at;
        at += QN__COLUMN_MAP_BYTES;
        break;
    case QN__DENSE:
        if (!one_each)
            return 0;
        bl->map = p + at;
        at += QN__COLUMN_MAP_BYTES;
        break;
    case QN__SPARSE:
        if (!one_each)
            return 0;
        bl->map = p + at;
        at += ((size_t)bl->n_stored * 2 + 3) / 4 * 4;
        break;
    case QN__MANY:
        if (n < at + 4 || p[at] > 32)
            return 0;
        bl->counts_width = p[at];
        bl->counts = p + at + 4;
        at += 4 + qn_packed_bytes(bl->n_rows, bl->counts_width);
        break;
    default:
        return 0;
    }
    bl->packed = p + at;
    return at + qn_packed_bytes(bl->n_stored, bl->en.width);
}

/* Every row of the presence exists, and there are as many as the header says. */
static bool presence_holds(const struct qn__column_block *bl)
{
    uint32_t n = 0, last = 0;
    switch (bl->presence) {
    case QN__HOLES:
    case QN__DENSE:
        for (uint32_t i = 0; i < QN__COLUMN_MAP_BYTES; i++)
            n += (uint32_t)__builtin_popcount(bl->map[i]);
        for (uint32_t row = bl->n_rows; row < QN_COLUMN_BLOCK; row++)
            n += 2 * QN_COLUMN_BLOCK * (bl->map[row / 8] >> row % 8 & 1);
        return n == bl->n_present;
    case QN__SPARSE:
        for (uint32_t i = 0; i < bl->n_stored; i++) {
            uint32_t row = (uint32_t)(bl->map[2 * i] | bl->map[2 * i + 1] << 8);
            if (row >= bl->n_rows || (i > 0 && row <= last))
                return false;
            last = row;
        }
        return true;
    case QN__MANY:
        for (uint32_t row = 0; row < bl->n_rows; row++) {
            uint32_t end = (uint32_t)qn_packed_get(bl->counts, row, bl->counts_width);
            if (end < last || end > bl->n_stored)
                return false;
            n += end > last;
            last = end;
        }
        return last == bl->n_stored && n == bl->n_present;
    default:
        return true;
    }
}

/* The coded block must be what follows, to the last byte, and hold as many values. */
static bool coded_holds(struct qn__column_block *bl, const struct qn_column *col, size_t left)
{
    if (col->kind == QN_COLUMN_F64)
        return qn_floats_open(&bl->floats, col->simd, bl->packed, left, NULL) == 0 &&
               bl->floats.bytes == left && bl->floats.n == bl->n_stored;
    return qn_ints_open(&bl->ints, col->simd, bl->packed, left, NULL) == 0 &&
           bl->ints.bytes == left && bl->ints.n == bl->n_stored;
}

static bool header_holds(struct qn__column_block *bl, const struct qn_column *col, const uint8_t *p,
                         size_t n)
{
    bl->presence = p[4];
    bl->en = (struct qn__encoding){p[5], p[6], qn_le64(p + 16), qn_le64(p + 24), qn_le64(p + 32)};
    bl->n_stored = qn_le32(p + 8);
    bl->n_present = qn_le32(p + 12);
    if (p[5] > QN__CODED || bl->en.width > 64 || bl->n_stored == 0 || bl->n_present > bl->n_rows ||
        (bl->en.codec == QN__FOR && bl->en.scale == 0) ||
        (bl->en.codec == QN__DECIMAL && bl->en.scale > QN__DECIMAL_MAX))
        return false;
    if (bl->en.codec == QN__CONST || bl->en.codec == QN__CODED)
        bl->en.width = 0;
    /* A width of 0 would let a few bytes claim four billion values. */
    if (bl->presence == QN__MANY && bl->n_stored > 1u << 24)
        return false;
    size_t bytes = lay_out(bl, p, n);
    if (bl->en.codec == QN__CODED)
        return bytes != 0 && bytes < n && presence_holds(bl) && coded_holds(bl, col, n - bytes);
    return bytes == n && presence_holds(bl);
}

int qn__column_block_open(struct qn__column_block *bl, const struct qn_column *col, uint32_t b,
                          struct qn_err *err)
{
    qn_slice_release(&bl->slice);
    uint32_t left = col->n_docs - b * QN_COLUMN_BLOCK;
    *bl = (struct qn__column_block){.n_rows = left < QN_COLUMN_BLOCK ? left : QN_COLUMN_BLOCK};
    struct qn_range r = qn__column_block_range(col, b);
    if (r.n == 0) {
        bl->empty = true;
        return 0;
    }
    int rc = qn_section_read(col->sc, r.offset, r.n, &bl->slice, err);
    if (rc < 0)
        return rc;
    const uint8_t *p = bl->slice.p;
    bool good = qn_section_is_good(col->sc, r.offset, &bl->slice);
    if (!good)
        rc = qn_section_verify(col->sc, r.offset, p + 4, r.n - 4, qn_le32(p), err);
    if (rc == 0 && !header_holds(bl, col, p, r.n))
        rc = qn_corrupt(err, "section %s: column block %u at %llu is malformed", col->sc->name, b,
                        (unsigned long long)r.offset);
    if (rc < 0)
        qn_slice_release(&bl->slice);
    else if (!good)
        qn_section_mark_good(col->sc, r.offset, &bl->slice);
    return rc;
}

/* Signed integers to ordered doubles of the quotients, in place. */
static void divide(const struct qn_simd_ops *simd, uint64_t *v, size_t n, double divisor)
{
    double part[64];
    for (size_t i = 0; i < n; i += 64) {
        size_t m = n - i < 64 ? n - i : 64;
        simd->decimal64(part, (const int64_t *)(v + i), m, divisor);
        for (size_t k = 0; k < m; k++)
            v[i + k] = qn_f64_to_ord(part[k]);
    }
}

void qn__column_block_values(const struct qn__column_block *bl, const struct qn_column *col,
                             uint64_t *out)
{
    const struct qn_simd_ops *simd = col->simd;
    const struct qn__encoding *en = &bl->en;
    size_t n = bl->n_stored;
    switch (en->codec) {
    case QN__CODED:
        if (col->kind == QN_COLUMN_F64)
            qn_floats_decode(&bl->floats, simd, out);
        else
            qn_ints_decode(&bl->ints, simd, out);
        break;
    case QN__CONST:
        for (size_t i = 0; i < n; i++)
            out[i] = en->base;
        break;
    case QN__FOR:
        simd->unpack64(out, bl->packed, n, en->width, en->scale == 1 ? en->base : 0);
        if (en->scale != 1)
            simd->affine64(out, n, en->scale, en->base);
        break;
    case QN__DELTA:
        simd->unpack64(out, bl->packed, n, en->width, 0);
        simd->prefix64(out, n, 0);
        simd->ramp64(out, n, 0, en->step);
        simd->affine64(out, n, en->scale, en->base);
        break;
    case QN__DECIMAL:
        simd->unpack64(out, bl->packed, n, en->width, en->base);
        divide(simd, out, n, qn__pow10[en->scale]);
        break;
    }
}

bool qn__column_block_is_random(const struct qn__column_block *bl, const struct qn_column *col)
{
    if (bl->en.codec != QN__CODED)
        return bl->en.codec != QN__DELTA;
    if (col->kind == QN_COLUMN_F64 && bl->floats.codec == QN_FLOATS_SPLIT)
        return true;
    unsigned codec = col->kind == QN_COLUMN_F64 ? bl->floats.ints.codec : bl->ints.codec;
    return codec != QN_INTS_DELTA && codec != QN_INTS_DELTA2;
}

uint64_t qn__column_block_value(const struct qn__column_block *bl, const struct qn_column *col,
                                uint32_t i)
{
    const struct qn__encoding *en = &bl->en;
    uint64_t p = 0;
    if (en->codec == QN__CODED) {
        if (col->kind != QN_COLUMN_F64)
            return qn_ints_at(&bl->ints, col->simd, i);
        qn_floats_gather(&bl->floats, col->simd, &i, 1, &p);
        return p;
    }
    if (en->width != 0)
        p = qn_packed_get(bl->packed, i, en->width);
    if (en->codec == QN__DECIMAL)
        return qn_f64_to_ord((double)(int64_t)(en->base + p) / qn__pow10[en->scale]);
    return en->codec == QN__CONST ? en->base : en->base + p * en->scale;
}

/* The smallest k with k / 10^e >= bound, for |k| <= 10^16; the product is off by a few at most. */
static int64_t decimal_lower(uint64_t bound, unsigned e)
{
    if (bound <= qn_f64_to_ord(-INFINITY)) /* NaNs with a sign sort before everything */
        return (int64_t)-1e16;
    double x = qn_f64_from_ord(bound) * qn__pow10[e];
    if (!(x < 1e16))
        return (int64_t)1e16; /* NaNs without one sort last */
    if (x < -1e16)
        return (int64_t)-1e16;
    int64_t k = (int64_t)floor(x) - 4;
    while (qn_f64_to_ord((double)k / qn__pow10[e]) < bound)
        k++;
    return k;
}

/* [min, max] of values as an interval [*lo, *hi] of packed numbers; false: no value can match. */
static bool packed_interval(const struct qn__encoding *en, uint64_t min, uint64_t max, uint64_t *lo,
                            uint64_t *hi)
{
    if (en->codec == QN__DECIMAL) {
        int64_t from = decimal_lower(min, (unsigned)en->scale), base = (int64_t)en->base;
        int64_t to =
            max == UINT64_MAX ? (int64_t)1e16 : decimal_lower(max + 1, (unsigned)en->scale) - 1;
        if (to < from || to < base)
            return false;
        *lo = from > base ? (uint64_t)from - en->base : 0;
        *hi = (uint64_t)to - en->base;
        return true;
    }
    if (max < en->base || max < min)
        return false;
    uint64_t from = min > en->base ? min - en->base : 0;
    *lo = from / en->scale + (from % en->scale != 0);
    *hi = (max - en->base) / en->scale;
    return *lo <= *hi;
}

static size_t fill_all(uint64_t *bits, size_t n)
{
    memset(bits, 0, qn_bits_words(n) * 8);
    qn_bits_fill(bits, 0, n);
    return n;
}

size_t qn__column_block_range_bits(const struct qn__column_block *bl, const struct qn_column *col,
                                   uint64_t min, uint64_t max, uint64_t *bits, uint64_t *scratch)
{
    size_t n = bl->n_stored;
    uint64_t lo, hi;
    if (bl->en.codec == QN__CODED)
        return col->kind == QN_COLUMN_F64 ? qn_floats_range(&bl->floats, col->simd, min, max, bits)
                                          : qn_ints_range(&bl->ints, col->simd, min, max, bits);
    if (bl->en.codec == QN__DELTA) {
        qn__column_block_values(bl, col, scratch);
        return col->simd->range64(bits, scratch, n, min, max);
    }
    if (bl->en.codec == QN__CONST && min <= bl->en.base && bl->en.base <= max)
        return fill_all(bits, n);
    if (bl->en.codec == QN__CONST || !packed_interval(&bl->en, min, max, &lo, &hi)) {
        memset(bits, 0, qn_bits_words(n) * 8);
        return 0;
    }
    if (bl->en.width == 0) /* all packed numbers are 0 */
        return lo == 0 ? fill_all(bits, n) : (memset(bits, 0, qn_bits_words(n) * 8), 0);
    return col->simd->range_packed(bits, bl->packed, n, bl->en.width, lo, hi);
}
