/* Norms: the length of a field in a document, in tokens, as one byte: Lucene's code (SmallFloat
 * intToByte4), exact below 40 and with 4 significant bits above. Byte 0 is length 0: no such field.
 *
 * The norm column keeps the byte of every document for merges and explanations; scoring reads the
 * impact codes inside the postings (impacts.h) instead.
 *
 * FORMAT of the column: the bytes, in blocks of 65,536 documents. Hot part: u32 number of
 * documents, u64 offset of the column in its section, u32 CRC-32C of each block, then u32 CRC-32C
 * of the hot part before it. */
#ifndef QN_POSTINGS_NORMS_H
#define QN_POSTINGS_NORMS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/section.h"
#include "storage/sink.h"

uint8_t qn_norm_encode(uint32_t length);
uint32_t qn_norm_decode(uint8_t norm); /* the smallest length with this byte */

void qn_norms_write(struct qn_sink *sk, const struct qn_simd_ops *ops, const uint8_t *norms,
                    uint32_t n_docs, struct qn_buf *hot);

struct qn_norms {
    const struct qn_section *sc;
    const uint8_t *crcs; /* in the hot part */
    uint64_t offset;
    uint32_t n_docs;
};
/* Borrows hot and sc (shift <= 16). */
QN_MUST_CHECK int qn_norms_open(struct qn_norms *nr, struct qn_str hot, const struct qn_section *sc,
                                struct qn_err *err);
/* The bytes of block b (65,536 documents, fewer in the last); release the slice. */
QN_MUST_CHECK int qn_norms_read(const struct qn_norms *nr, uint32_t block, struct qn_slice *out,
                                struct qn_err *err);

#endif
