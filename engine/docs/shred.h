/* The payload of one block of documents: shapes, and the values of each key together.
 *
 * FORMAT
 *   payload := n_shapes shape* n_streams stream_length* shape_of_doc* streams
 *   shape   := text_length n_slots stream_of_slot* text     text has a byte 1 for every slot
 *   shape_of_doc is left out when there is one shape; all numbers are LEB128.
 *   streams: the values of stream 0 (if any) are length-prefixed: documents that were kept whole.
 *   Values of all other streams end with '\n'. A document is its shape's text with each slot
 *   replaced by the next value of the slot's stream.
 *
 * The encoder splits lexically. Slots of the same key path share a stream, whatever the shape, so
 * the elements of arrays of any length do, and keys that are sometimes missing still have one. */
#ifndef QN_DOCS_SHRED_H
#define QN_DOCS_SHRED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* ---- encoder: one block at a time, scratch is kept between blocks; one thread */

struct qn_shredder;
struct qn_shredder *qn_shredder_new(void);
void qn_shredder_free(struct qn_shredder *sh);
void qn_shredder_add(struct qn_shredder *sh, struct qn_str doc);
uint32_t qn_shredder_docs(const struct qn_shredder *sh);
size_t qn_shredder_bytes(const struct qn_shredder *sh); /* of the documents added */
/* Appends the payload to *out and starts over. */
void qn_shredder_finish(struct qn_shredder *sh, struct qn_buf *out);

/* ---- decoder: walks the documents of one payload in order; one thread */

struct qn_unshredder;
struct qn_unshredder *qn_unshredder_new(void);
void qn_unshredder_free(struct qn_unshredder *un);
/* Borrows payload. Validates the tables; values are validated as they are walked. */
QN_MUST_CHECK int qn_unshredder_begin(struct qn_unshredder *un, struct qn_str payload,
                                      uint32_t n_docs, struct qn_err *err);
/* Number of the document that the next call handles. */
uint32_t qn_unshredder_at(const struct qn_unshredder *un);
/* Appends the next document to *out, or passes over it when out is NULL. */
QN_MUST_CHECK int qn_unshredder_next(struct qn_unshredder *un, struct qn_buf *out,
                                     struct qn_err *err);

#endif
