/* Columns: "here is a document, what are its values of this field", a block at a time.
 *
 * A column holds 64-bit values in one order: unsigned integers as they are, signed ones and
 * timestamps with the sign bit flipped, doubles mapped so that their bits sort like the numbers
 * (qn_f64_to_ord), strings and addresses as ordinals of the field's dictionary. All ranges are
 * closed intervals of these. Values of one document lie together, in the order they came.
 *
 *     documents  |  0 .. 1023  | 1024 .. 2047 | ...       blocks: own presence kind, codec, width
 *                |  zone 0: 4 blocks, min and max    |     zones: in the hot part, read first
 *
 * FORMAT (little-endian). A column is a sequence of blocks in its section; block b has documents
 * [1024 b, 1024 (b + 1)). A block without values has no bytes. Else:
 *     0   4  CRC-32C of the rest
 *     4   1  presence: 1 ONE    every document has one value
 *                      2 HOLES  bit map (128 bytes); a value per document, 0 where the bit is clear
 *                      3 DENSE  bit map; values of the set bits only
 *                      4 SPARSE u16 positions in the block, ascending, padded to 4; values likewise
 *                      5 MANY   value counts: u8 width, 3 x 0, packed ends[documents in the block]
 *     5   1  codec:    0 CONST   all are base
 *                      1 FOR     base + p[i] * scale
 *                      2 DELTA   base + (p[0] + .. + p[i] + i * step) * scale
 *                      3 DECIMAL (double)(base + p[i]) / 10^scale, base signed
 *                      4 CODED   a block of codec/ints.h (kind 0) or codec/floats.h (kind 1) in
 *                                the place of p; base, scale and width are 0
 *     6   1  width of p
 *     7   1  0
 *     8   4  number of stored values V (in HOLES: documents in the block)
 *    12   4  number of documents with a value
 *    16   8  base
 *    24   8  scale
 *    32   8  step; 0 unless DELTA
 *    40   -  presence bytes, then p: V packed values in horizontal order
 * Hot part:
 *     0   4  magic "QCO1"
 *     4   1  kind: 0 integers (any order-mapped 64 bits), 1 doubles
 *     5   1  1 when a document has more than one value
 *     6   2  0
 *     8   4  number of documents
 *    12   4  number of documents with a value
 *    16   8  number of values
 *    24   8  smallest value (UINT64_MAX when there is none)
 *    32   8  largest value (0 when there is none)
 *    40   8  offset of the column in its section
 *    48   -  zones: {u64 min, u64 max} for each 4,096 documents; min > max: no values
 *     -   -  u32 end of each block, relative to the column
 *
 * struct qn_column is immutable and shared; a cursor belongs to one thread. */
#ifndef QN_COLUMNS_COLUMNS_H
#define QN_COLUMNS_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "simd/ops.h"
#include "storage/section.h"
#include "storage/sink.h"

#define QN_COLUMN_BLOCK 1024u
#define QN_COLUMN_ZONE 4096u

enum qn_column_kind { QN_COLUMN_INT, QN_COLUMN_F64 };

/* Doubles in an order of unsigned integers: -inf < .. < -0 < 0 < .. < inf < NaN. */
static inline uint64_t qn_f64_to_ord(double v)
{
    uint64_t b;
    memcpy(&b, &v, sizeof b);
    return b >> 63 ? ~b : b | 1ull << 63;
}
static inline double qn_f64_from_ord(uint64_t o)
{
    uint64_t b = o >> 63 ? o & ~(1ull << 63) : ~o;
    double v;
    memcpy(&v, &b, sizeof v);
    return v;
}
static inline uint64_t qn_i64_to_ord(int64_t v)
{
    return (uint64_t)v ^ 1ull << 63;
}
static inline int64_t qn_i64_from_ord(uint64_t o)
{
    return (int64_t)(o ^ 1ull << 63);
}

/* ---- writing; one thread */

struct qn_column_writer;

/* Gives. Borrows sk and simd until free. */
struct qn_column_writer *qn_column_writer_new(enum qn_column_kind kind,
                                              const struct qn_simd_ops *simd, struct qn_sink *sk);
/* n values: values[i] belongs to docs[i]. docs never descend, within and between calls; equal
 * neighbours are values of one document. */
void qn_column_put(struct qn_column_writer *wr, const qn_docid *docs, const uint64_t *values,
                   size_t n);
/* docs[i] = first + i */
void qn_column_put_dense(struct qn_column_writer *wr, qn_docid first, const uint64_t *values,
                         size_t n);
/* n_docs: of the split. Appends the hot part. Then only free. QN_E_TOO_LARGE over 4 GiB. */
QN_MUST_CHECK int qn_column_writer_finish(struct qn_column_writer *wr, uint32_t n_docs,
                                          struct qn_buf *hot);
void qn_column_writer_free(struct qn_column_writer *wr);

/* ---- reading */

struct qn_column {
    const struct qn_section *sc;
    const struct qn_simd_ops *simd;
    enum qn_column_kind kind;
    bool many; /* some document has several values */
    uint32_t n_docs, doc_count;
    uint64_t value_count, min, max;
    uint64_t offset;             /* in the section */
    const uint8_t *zones, *ends; /* in the hot part */
};

/* Borrows hot and sc (shift <= 5) until the column is dropped. Checks the directory. */
QN_MUST_CHECK int qn_column_open(struct qn_column *col, struct qn_str hot,
                                 const struct qn_section *sc, uint32_t n_docs,
                                 const struct qn_simd_ops *simd, struct qn_err *err);
static inline uint32_t qn_column_blocks(const struct qn_column *col)
{
    return (col->n_docs + QN_COLUMN_BLOCK - 1) / QN_COLUMN_BLOCK;
}
/* Extremes in documents [lo, hi), widened to whole zones; false: no values there. No I/O. */
bool qn_column_zone(const struct qn_column *col, qn_docid lo, qn_docid hi, uint64_t *min,
                    uint64_t *max);
/* Bytes of the blocks of documents [lo, hi), announced. */
void qn_column_prefetch(const struct qn_column *col, qn_docid lo, qn_docid hi);
static inline bool qn_column_full(const struct qn_column *col) /* every document: one value */
{
    return col->doc_count == col->n_docs && !col->many;
}

/* One block, decoded as far as it was asked for. */
struct qn_column_cursor {
    const struct qn_column *col;
    uint32_t block;  /* UINT32_MAX: none */
    uint32_t n_rows; /* documents in the block */
    uint32_t n_values;
    uint32_t n_present;
    bool one;         /* value i is of document i: every document has exactly one */
    uint64_t *values; /* [n_values]; integers and doubles as ordered u64 */
    uint16_t *rows;   /* [n_values] document of each value, within the block; unless `one` */
    struct qn__column_block *priv;
};

struct qn_column_cursor *qn_column_cursor_new(const struct qn_column *col); /* gives; borrows col */
void qn_column_cursor_free(struct qn_column_cursor *cu);
/* Decodes values and rows of a block; nothing is done when it is the current one. */
QN_MUST_CHECK int qn_column_load(struct qn_column_cursor *cu, uint32_t block, struct qn_err *err);

/* Sets bit doc - lo for the documents of [lo, hi) with a value in [min, max]; other bits stay. lo
 * is a multiple of 1,024 (the window's start). Zones decide what they can; packed blocks are
 * filtered as they are. *n += documents set. */
QN_MUST_CHECK int qn_column_range(struct qn_column_cursor *cu, qn_docid lo, qn_docid hi,
                                  uint64_t min, uint64_t max, uint64_t *bits, uint32_t *n,
                                  struct qn_err *err);
/* The same for documents with any value. */
QN_MUST_CHECK int qn_column_exists(struct qn_column_cursor *cu, qn_docid lo, qn_docid hi,
                                   uint64_t *bits, uint32_t *n, struct qn_err *err);

enum qn_column_pick { QN_COLUMN_FIRST, QN_COLUMN_MIN, QN_COLUMN_MAX };
/* One value for each of the ascending documents. present (n bits, cleared first) says who has one;
 * out[i] of the others is 0. */
QN_MUST_CHECK int qn_column_gather(struct qn_column_cursor *cu, const qn_docid *docs, size_t n,
                                   enum qn_column_pick pick, uint64_t *out, uint64_t *present,
                                   struct qn_err *err);
/* The values of one document: *values (valid until the cursor moves) and how many. */
QN_MUST_CHECK int qn_column_of(struct qn_column_cursor *cu, qn_docid doc, const uint64_t **values,
                               uint32_t *n, struct qn_err *err);

#endif
