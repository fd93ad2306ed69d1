/* One block of postings as bytes and back (format: postings_writer.h), and the private side of
 * writer and cursor that merges use. Private to the layer. */
#ifndef QN_POSTINGS_POSTINGS_BLOCK_INT_H
#define QN_POSTINGS_POSTINGS_BLOCK_INT_H

#include "base/buf.h"
#include "base/vec.h"
#include "postings/postings_reader.h"

enum { QN_KIND_BITSET = 64 };
enum { QN_BITSET_MAX = QN_POSTINGS_BLOCK * 36 }; /* bits: 32 + 4 a document */
enum { QN_LIST_SHORT_HEAD = 16, QN_LIST_HEAD = 32, QN_LIST_ALIGN = 16 };
#define QN_POSTINGS_MAGIC "QPF1"
#define QN_POSTINGS_VERSION 1u
#define QN_POSTINGS_HOT 48u

/* ---- documents */

/* What the skip data says of a block. */
struct qn__block_shape {
    uint32_t n, first, last;
    uint8_t kind;
};

/* Appends the documents of a block, 1 <= n <= 256, and gives its kind. */
uint8_t qn__block_put_docs(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *docs,
                           uint32_t n);
/* Bytes that the documents of a block take; SIZE_MAX: no such block. */
size_t qn__block_docs_bytes(const struct qn__block_shape *sh);
/* ids: room for n + 64. QN_E_CORRUPT unless they ascend from first to last. */
QN_MUST_CHECK int qn__block_get_docs(uint32_t *ids, const struct qn_simd_ops *ops,
                                     const uint8_t *body, const struct qn__block_shape *sh,
                                     struct qn_err *err);

/* ---- codes */

/* The codes of a block; those that are 255 have an escape, in order. */
struct qn__block_codes {
    uint8_t *codes; /* room for 256 + QN_PAD */
    struct qn_escape *escapes;
    uint32_t n, n_escapes;
};

void qn__block_put_codes(struct qn_buf *out, const struct qn_simd_ops *ops,
                         const struct qn__block_codes *bc);
/* Reads bc->n codes and their escapes from [p, end). Bytes used, or QN_E_CORRUPT. */
QN_MUST_CHECK int qn__block_get_codes(struct qn__block_codes *bc, const struct qn_simd_ops *ops,
                                      const uint8_t *p, const uint8_t *end, struct qn_err *err);

/* ---- positions */

/* Appends n gaps. */
void qn__positions_put(struct qn_buf *out, const struct qn_simd_ops *ops, const uint32_t *gaps,
                       size_t n);
/* Reads n gaps from [p, end); gaps: room for n + 32. The caller has checked that n <= 128 * bytes.
 */
QN_MUST_CHECK int qn__positions_get(uint32_t *gaps, const struct qn_simd_ops *ops, const uint8_t *p,
                                    const uint8_t *end, size_t n, struct qn_err *err);

/* ---- for merges */

/* One stored block, as it is copied. */
struct qn__raw_block {
    struct qn__block_shape shape;
    uint8_t max_code;
    struct qn_str body, positions;
};
/* Borrows: valid until the cursor touches another block. Only for lists of df > 256. */
QN_MUST_CHECK int qn__cursor_raw_block(struct qn_cursor *cu, uint32_t block,
                                       struct qn__raw_block *out, struct qn_err *err);
bool qn__cursor_is_long(const struct qn_cursor *cu);
/* Appends a stored block to the current term. Pending postings are closed into a short block. */
void qn__writer_put_raw(struct qn_postings_writer *wr, const struct qn__raw_block *rb);
/* Postings that raw blocks brought to the current term. */
void qn__writer_add_sum_tf(struct qn_postings_writer *wr, uint64_t sum_tf);
/* Escapes of an input whose codes are copied: they widen the bound that the hot part states. */
void qn__writer_widen_escapes(struct qn_postings_writer *wr, uint32_t tf, uint8_t norm);
const struct qn_postings_options *qn__writer_options(const struct qn_postings_writer *wr);
/* A term of one posting whose entry the caller makes himself. */
void qn__writer_note_one(struct qn_postings_writer *wr);
void qn__writer_note_inline(struct qn_postings_writer *wr, const struct qn_term_info *info);
void qn__writer_set_sum_tf(struct qn_postings_writer *wr, uint64_t sum_tf); /* of the field */
/* The union of tables, those first in the array first, ordered for this average length. */
void qn__impacts_union(struct qn_impacts *out, const struct qn_impacts *const *ims, size_t n,
                       double average);

#endif
