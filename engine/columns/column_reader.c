#include <stdlib.h>

#include "base/le.h"
#include "base/mem.h"
#include "column_block_int.h"

static int check_ends(const struct qn_column *col, struct qn_err *err)
{
    uint32_t last = 0;
    for (uint32_t b = 0; b < qn_column_blocks(col); b++) {
        uint32_t end = qn_le32(col->ends + 4 * (size_t)b);
        if (end < last || (end > last && end - last < QN__COLUMN_HEADER) ||
            col->offset > col->sc->n || end > col->sc->n - col->offset)
            return qn_corrupt(err, "section %s: end of column block %u is off", col->sc->name, b);
        last = end;
    }
    return 0;
}

int qn_column_open(struct qn_column *col, struct qn_str hot, const struct qn_section *sc,
                   uint32_t n_docs, const struct qn_simd_ops *simd, struct qn_err *err)
{
    const uint8_t *h = (const uint8_t *)hot.p;
    *col = (struct qn_column){.sc = sc, .simd = simd, .n_docs = n_docs};
    uint64_t zones = ((uint64_t)n_docs + QN_COLUMN_ZONE - 1) / QN_COLUMN_ZONE;
    if (hot.n < QN__COLUMN_HOT || qn_le32(h) != QN__COLUMN_MAGIC)
        return qn_corrupt(err, "column: the hot part has no header");
    if (qn_le32(h + 8) != n_docs || h[4] > QN_COLUMN_F64 ||
        hot.n != QN__COLUMN_HOT + zones * 16 + (uint64_t)qn_column_blocks(col) * 4)
        return qn_corrupt(err, "column: the hot part has %zu bytes for %u documents", hot.n,
                          n_docs);
    col->kind = h[4];
    col->many = h[5];
    col->doc_count = qn_le32(h + 12);
    col->value_count = qn_le64(h + 16);
    col->min = qn_le64(h + 24);
    col->max = qn_le64(h + 32);
    col->offset = qn_le64(h + 40);
    col->zones = h + QN__COLUMN_HOT;
    col->ends = col->zones + zones * 16;
    if (col->doc_count > n_docs || col->value_count < col->doc_count)
        return qn_corrupt(err, "column: %llu values in %u of %u documents",
                          (unsigned long long)col->value_count, col->doc_count, n_docs);
    return check_ends(col, err);
}

bool qn_column_zone(const struct qn_column *col, qn_docid lo, qn_docid hi, uint64_t *min,
                    uint64_t *max)
{
    *min = UINT64_MAX;
    *max = 0;
    hi = hi < col->n_docs ? hi : col->n_docs;
    for (uint32_t z = lo / QN_COLUMN_ZONE; lo < hi && z <= (hi - 1) / QN_COLUMN_ZONE; z++) {
        uint64_t a = qn_le64(col->zones + 16 * (size_t)z),
                 b = qn_le64(col->zones + 16 * (size_t)z + 8);
        *min = a < *min ? a : *min;
        *max = b > *max ? b : *max;
    }
    return *min <= *max;
}

void qn_column_prefetch(const struct qn_column *col, qn_docid lo, qn_docid hi)
{
    hi = hi < col->n_docs ? hi : col->n_docs;
    if (lo >= hi)
        return;
    struct qn_range first = qn__column_block_range(col, lo / QN_COLUMN_BLOCK);
    struct qn_range last = qn__column_block_range(col, (hi - 1) / QN_COLUMN_BLOCK);
    qn_section_prefetch(col->sc, first.offset, last.offset + last.n - first.offset);
}

/* ---- cursor */

/* The cursor's own: the raw block, and whether values and rows were decoded from it. */
struct cursor {
    struct qn_column_cursor pub; /* first member */
    struct qn__column_block bl;
    uint32_t open; /* block that bl is; UINT32_MAX: none */
    size_t cap;
    uint64_t *stored, *bits;
    uint16_t *row_room;
};

struct qn_column_cursor *qn_column_cursor_new(const struct qn_column *col)
{
    struct cursor *c = qn_xcalloc(1, sizeof *c);
    c->pub.col = col;
    c->pub.priv = &c->bl;
    c->pub.block = c->open = UINT32_MAX;
    return &c->pub;
}

void qn_column_cursor_free(struct qn_column_cursor *cu)
{
    if (cu == NULL)
        return;
    struct cursor *c = (struct cursor *)cu;
    qn_slice_release(&c->bl.slice);
    free(c->stored);
    free(c->bits);
    free(c->row_room);
    free(c->pub.values);
    free(c);
}

static void make_room(struct cursor *c, size_t n)
{
    if (n < QN_COLUMN_BLOCK)
        n = QN_COLUMN_BLOCK;
    if (n <= c->cap)
        return;
    c->cap = n;
    c->stored = qn_xrealloc(c->stored, (n + 64) * sizeof *c->stored);
    c->pub.values = qn_xrealloc(c->pub.values, (n + 64) * sizeof *c->pub.values);
    c->bits = qn_xrealloc(c->bits, (qn_bits_words(n) + 8) * sizeof *c->bits);
    c->row_room = qn_xrealloc(c->row_room, (n + 64) * sizeof *c->row_room);
}

static int open_block(struct cursor *c, uint32_t block, struct qn_err *err)
{
    if (c->open == block)
        return 0;
    c->open = c->pub.block = UINT32_MAX;
    int rc = qn__column_block_open(&c->bl, c->pub.col, block, err);
    if (rc < 0)
        return rc;
    make_room(c, c->bl.n_stored);
    c->open = block;
    return 0;
}

static uint32_t rows_of_map(struct cursor *c)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < QN_COLUMN_BLOCK / 64; w++) {
        uint64_t word;
        memcpy(&word, c->bl.map + 8 * w, sizeof word);
        for (; word != 0; word &= word - 1)
            c->row_room[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(word));
    }
    return n;
}

static void rows_of_counts(struct cursor *c)
{
    uint32_t at = 0;
    for (uint32_t row = 0; row < c->bl.n_rows; row++) {
        uint32_t end = (uint32_t)qn_packed_get(c->bl.counts, row, c->bl.counts_width);
        while (at < end)
            c->row_room[at++] = (uint16_t)row;
    }
}

static void decode(struct cursor *c)
{
    struct qn_column_cursor *cu = &c->pub;
    const struct qn__column_block *bl = &c->bl;
    cu->n_rows = bl->n_rows;
    cu->n_present = bl->empty ? 0 : bl->n_present;
    cu->n_values = bl->empty ? 0 : bl->n_stored;
    cu->one = !bl->empty && bl->presence == QN__ONE;
    cu->rows = c->row_room;
    if (bl->empty)
        return;
    qn__column_block_values(bl, cu->col, cu->values);
    switch (bl->presence) {
    case QN__ONE:
        break;
    case QN__HOLES:
        cu->n_values = rows_of_map(c);
        for (uint32_t i = 0; i < cu->n_values; i++)
            cu->values[i] = cu->values[cu->rows[i]];
        break;
    case QN__DENSE:
        rows_of_map(c);
        break;
    case QN__SPARSE:
        memcpy(c->row_room, bl->map, (size_t)bl->n_stored * 2);
        break;
    case QN__MANY:
        rows_of_counts(c);
        break;
    }
}

int qn_column_load(struct qn_column_cursor *cu, uint32_t block, struct qn_err *err)
{
    struct cursor *c = (struct cursor *)cu;
    if (cu->block == block)
        return 0;
    int rc = open_block(c, block, err);
    if (rc < 0)
        return rc;
    make_room(c, 0);
    decode(c);
    cu->block = block;
    return 0;
}

/* Sets the rows of the stored values whose bit is set; `at` is where the block starts in bits. */
static uint32_t scatter(struct cursor *c, uint64_t *bits, size_t at)
{
    const struct qn__column_block *bl = &c->bl;
    uint32_t n = 0;
    if (bl->presence == QN__SPARSE)
        memcpy(c->row_room, bl->map, (size_t)bl->n_stored * 2);
    else if (bl->presence == QN__DENSE)
        rows_of_map(c);
    else
        rows_of_counts(c);
    for (size_t w = 0; w < qn_bits_words(bl->n_stored); w++) {
        for (uint64_t word = c->bits[w]; word != 0; word &= word - 1) {
            size_t row = at + c->row_room[w * 64 + (size_t)__builtin_ctzll(word)];
            n += !qn_bit_get(bits, row);
            qn_bit_set(bits, row);
        }
    }
    return n;
}

/* ORs n_rows bits of src into dst, both at word boundaries; counts those that were new. */
static uint32_t merge_words(uint64_t *dst, const uint64_t *src, uint32_t n_rows)
{
    uint32_t n = 0;
    for (size_t w = 0; w < qn_bits_words(n_rows); w++) {
        n += (uint32_t)__builtin_popcountll(src[w] & ~dst[w]);
        dst[w] |= src[w];
    }
    return n;
}

static void mask_holes(struct cursor *c)
{
    for (uint32_t w = 0; w < qn_bits_words(c->bl.n_rows); w++) {
        uint64_t word;
        memcpy(&word, c->bl.map + 8 * w, sizeof word);
        c->bits[w] &= word;
    }
}

static uint32_t range_block(struct cursor *c, uint64_t min, uint64_t max, uint64_t *bits, size_t at)
{
    const struct qn__column_block *bl = &c->bl;
    size_t hits = qn__column_block_range_bits(bl, c->pub.col, min, max, c->bits, c->stored);
    if (hits == 0)
        return 0;
    if (bl->presence == QN__HOLES)
        mask_holes(c);
    if (bl->presence == QN__ONE || bl->presence == QN__HOLES)
        return merge_words(bits + at / 64, c->bits, bl->n_rows);
    return scatter(c, bits, at);
}

static uint32_t present_block(struct cursor *c, uint64_t *bits, size_t at)
{
    const struct qn__column_block *bl = &c->bl;
    memset(c->bits, 0xff, qn_bits_words(bl->n_stored) * 8);
    if (bl->n_stored % 64 != 0)
        c->bits[bl->n_stored / 64] = ~0ull >> (64 - bl->n_stored % 64);
    if (bl->presence == QN__HOLES)
        mask_holes(c);
    if (bl->presence == QN__ONE || bl->presence == QN__HOLES)
        return merge_words(bits + at / 64, c->bits, bl->n_rows);
    return scatter(c, bits, at);
}

/* Drops bits at and after hi: the last block may reach beyond the window. */
static int for_blocks(struct qn_column_cursor *cu, qn_docid lo, qn_docid hi, bool any, uint64_t min,
                      uint64_t max, uint64_t *bits, uint32_t *n, struct qn_err *err)
{
    struct cursor *c = (struct cursor *)cu;
    const struct qn_column *col = cu->col;
    hi = hi < col->n_docs ? hi : col->n_docs;
    QN_ASSERT(lo % QN_COLUMN_BLOCK == 0 && (hi % QN_COLUMN_BLOCK == 0 || hi == col->n_docs));
    for (qn_docid doc = lo; doc < hi; doc += QN_COLUMN_BLOCK) {
        uint64_t zmin, zmax;
        if (!qn_column_zone(col, doc, doc + 1, &zmin, &zmax) ||
            (!any && (zmax < min || zmin > max)))
            continue;
        int rc = open_block(c, doc / QN_COLUMN_BLOCK, err);
        if (rc < 0)
            return rc;
        if (c->bl.empty)
            continue;
        bool all = any || (min <= zmin && zmax <= max);
        *n += all ? present_block(c, bits, doc - lo) : range_block(c, min, max, bits, doc - lo);
    }
    return 0;
}

int qn_column_range(struct qn_column_cursor *cu, qn_docid lo, qn_docid hi, uint64_t min,
                    uint64_t max, uint64_t *bits, uint32_t *n, struct qn_err *err)
{
    return min > max ? 0 : for_blocks(cu, lo, hi, false, min, max, bits, n, err);
}

int qn_column_exists(struct qn_column_cursor *cu, qn_docid lo, qn_docid hi, uint64_t *bits,
                     uint32_t *n, struct qn_err *err)
{
    return for_blocks(cu, lo, hi, true, 0, 0, bits, n, err);
}

static uint64_t pick_of(const uint64_t *v, uint32_t n, enum qn_column_pick pick)
{
    uint64_t best = v[0];
    for (uint32_t i = 1; i < n && pick != QN_COLUMN_FIRST; i++)
        if (pick == QN_COLUMN_MIN ? v[i] < best : v[i] > best)
            best = v[i];
    return best;
}

/* Can the value of a document be read without decoding the block? */
static bool random_access(const struct qn__column_block *bl, const struct qn_column *col)
{
    return !bl->empty && (bl->presence == QN__ONE || bl->presence == QN__HOLES) &&
           qn__column_block_is_random(bl, col);
}

int qn_column_of(struct qn_column_cursor *cu, qn_docid doc, const uint64_t **values, uint32_t *n,
                 struct qn_err *err)
{
    int rc = qn_column_load(cu, doc / QN_COLUMN_BLOCK, err);
    uint32_t row = doc % QN_COLUMN_BLOCK, lo = 0, hi;
    *values = NULL;
    *n = 0;
    if (rc < 0 || cu->n_values == 0)
        return rc;
    if (cu->one) {
        *values = cu->values + row;
        *n = 1;
        return 0;
    }
    for (hi = cu->n_values; lo < hi;) {
        uint32_t mid = (lo + hi) / 2;
        if (cu->rows[mid] < row)
            lo = mid + 1;
        else
            hi = mid;
    }
    *values = cu->values + lo;
    while (lo + *n < cu->n_values && cu->rows[lo + *n] == row)
        ++*n;
    return 0;
}

int qn_column_gather(struct qn_column_cursor *cu, const qn_docid *docs, size_t n,
                     enum qn_column_pick pick, uint64_t *out, uint64_t *present, struct qn_err *err)
{
    struct cursor *c = (struct cursor *)cu;
    memset(present, 0, qn_bits_words(n) * 8);
    for (size_t i = 0, end; i < n; i = end) {
        uint32_t block = docs[i] / QN_COLUMN_BLOCK;
        for (end = i + 1; end < n && docs[end] / QN_COLUMN_BLOCK == block;)
            end++;
        int rc = open_block(c, block, err);
        if (rc < 0)
            return rc;
        /* A few documents of a block are read where they lie. */
        bool direct = cu->block != block && end - i <= 64 && random_access(&c->bl, cu->col);
        if (!direct && (rc = qn_column_load(cu, block, err)) < 0)
            return rc;
        for (; i < end; i++) {
            uint32_t row = docs[i] % QN_COLUMN_BLOCK, k = 1;
            const uint64_t *v = NULL;
            out[i] = 0;
            if (direct) {
                if (c->bl.presence == QN__HOLES && !(c->bl.map[row / 8] >> row % 8 & 1))
                    continue;
                out[i] = qn__column_block_value(&c->bl, cu->col, row);
            } else {
                if ((rc = qn_column_of(cu, docs[i], &v, &k, err)) < 0)
                    return rc;
                if (k == 0)
                    continue;
                out[i] = pick_of(v, k, pick);
            }
            qn_bit_set(present, i);
        }
    }
    return 0;
}
