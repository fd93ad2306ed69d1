/* Document store: "here is a document number, give me its bytes" -- the very bytes that came in.
 *
 * Documents are kept in blocks of some hundred, *shredded*: what documents have in common (keys,
 * punctuation, spelling: the shape) is kept once a block, and the values of each key lie together,
 * which is what makes a general compressor good and fast on them:
 *
 *     {"level":"INFO","ms":12}         shape 0   {"level":"\1","ms":\1}
 *     {"level":"WARN","ms":9}    ->    level     INFO\nWARN\nINFO\n
 *     {"level":"INFO","ms":10}         ms        12\n9\n10\n
 *
 * Splitting is lexical, so putting shape and values together again gives back every byte; what
 * cannot be split (it is not JSON, or has raw control characters) is kept whole in a stream of its
 * own. The store never judges documents.
 *
 * FORMAT (little-endian). Section DOCS is a sequence of blocks:
 *     0   4  CRC-32C of the rest of the block
 *     4   4  raw payload length (at most QN_DOCS_BLOCK_MAX)
 *     8   2  number of documents, 1..QN_DOCS_BLOCK_DOCS
 *    10   1  codec: 0 stored, 1 zstd
 *    11   1  0
 *    12   -  payload, encoded by codec; shred.h has its grammar
 * Hot part (kept by the split in its hot section):
 *     0   4  magic "QDO1"
 *     4   4  number of blocks B
 *     8   4  number of rows (documents in the blocks)
 *    12   4  number of documents D; differs from rows only with a row map
 *    16   8  length of the section
 *    24   8  offset of the row map in the section (the end of the blocks), 0 when there is none
 *    32   4B first row of each block, then zeros up to a multiple of 8
 *     -   8B offset of each block in the section
 *     -   8M offset of each map block in the section, M = ceil(D / 1024) with a row map, else 0
 * The row map says which row each document is. It exists after merges of splits whose times overlap
 * and after deletes, so that blocks are copied and never recompressed. One map block serves 1,024
 * documents:
 *     0   4  CRC-32C of the rest
 *     4   4  base
 *     8   4  width, at most 32
 *    12   -  packed (row - base), horizontal order
 *
 * A reader is immutable and shared; a qn_docs_cursor holds decoding scratch and belongs to one
 * thread. Not for: filters on documents. One document costs tens of microseconds. */
#ifndef QN_DOCS_DOCS_H
#define QN_DOCS_DOCS_H

#include <stdint.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "simd/ops.h"
#include "storage/object.h"
#include "storage/sink.h"

enum {
    QN_DOCS_BLOCK_DOCS = 4096,
    QN_DOCS_BLOCK_MAX = 64 << 20, /* one document may be this large */
};

struct qn_docs_options {
    int level;            /* zstd: 1 for fresh splits, higher for frozen ones; 0 means 1 */
    uint32_t block_bytes; /* raw bytes after which a block is full; 0 means 256 KiB */
    uint32_t block_docs;  /* documents after which a block is full; 0 means 512 */
};

/* ---- writing; one thread */

struct qn_docs_writer;

/* Gives. Borrows sk until finish or free; writes blocks to it as they fill up. */
struct qn_docs_writer *qn_docs_writer_new(const struct qn_docs_options *op,
                                          const struct qn_simd_ops *simd, struct qn_sink *sk);
/* QN_PAD readable bytes must follow the document. QN_E_TOO_LARGE over QN_DOCS_BLOCK_MAX. */
QN_MUST_CHECK int qn_docs_writer_add(struct qn_docs_writer *wr, struct qn_str doc);

struct qn_docs_reader;
/* Appends every block of rd as it is, rows in the order they have there. */
QN_MUST_CHECK int qn_docs_writer_copy(struct qn_docs_writer *wr, struct qn_docs_reader *rd,
                                      struct qn_err *err);
/* After all rows are in: document i is row rows[i]. Without this call documents are rows. */
void qn_docs_writer_map(struct qn_docs_writer *wr, const uint32_t *rows, uint32_t n);
/* Writes what is left and the hot part to *hot. The writer may only be freed afterwards. */
QN_MUST_CHECK int qn_docs_writer_finish(struct qn_docs_writer *wr, struct qn_buf *hot);
uint64_t qn_docs_writer_raw_bytes(const struct qn_docs_writer *wr);
void qn_docs_writer_free(struct qn_docs_writer *wr);

/* ---- reading */

/* The section is bytes [offset, offset + n) of ob; hot must outlive the reader. Checks every
 * directory entry. Gives *out; shares ob. */
QN_MUST_CHECK int qn_docs_open(struct qn_docs_reader **out, struct qn_object *ob, uint64_t offset,
                               uint64_t n, struct qn_str hot, const struct qn_simd_ops *simd,
                               struct qn_err *err);
void qn_docs_close(struct qn_docs_reader *rd);
uint32_t qn_docs_count(const struct qn_docs_reader *rd);
uint32_t qn_docs_row_count(const struct qn_docs_reader *rd);
uint32_t qn_docs_block_count(const struct qn_docs_reader *rd);
bool qn_docs_mapped(const struct qn_docs_reader *rd); /* has a row map: documents are not rows */
/* Row of each of n documents. */
QN_MUST_CHECK int qn_docs_rows(struct qn_docs_reader *rd, const qn_docid *docs, size_t n,
                               uint32_t *rows, struct qn_err *err);
/* Announces documents that will be read soon, for storage with latency. docs ascend. */
void qn_docs_prefetch(struct qn_docs_reader *rd, const qn_docid *docs, size_t n);

struct qn_docs_cursor;
struct qn_docs_cursor *qn_docs_cursor_new(struct qn_docs_reader *rd); /* gives; borrows rd */
void qn_docs_cursor_free(struct qn_docs_cursor *cu);
/* Appends the document to *out. Documents of the block read last cost no I/O and no inflating. */
QN_MUST_CHECK int qn_docs_get(struct qn_docs_cursor *cu, qn_docid doc, struct qn_buf *out,
                              struct qn_err *err);

#endif
