/* The canonical record: what one request appends to the journal for one index.
 *
 * A record is a batch. It holds up to thousands of operations; the first has the record's sequence
 * number `seq`, operation i has seq + i. Bytes are built once, in the request's own thread, and are
 * the same in memory, in the journal and in whatever reads them back:
 *
 *     head (64) │ index │ source │ headers │ op 0 │ op 1 │ ... │ op n-1 │ table of ends
 *
 * FORMAT, version 1, little-endian:
 *
 *     OFFSET SIZE FIELD
 *          0    4 size of the record in bytes, this field included
 *          4    4 CRC-32C of bytes [8, 64): set when the record gets its sequence number
 *          8    8 seq, of operation 0; 0 before it has one
 *         16    8 stamp of the hybrid clock (os/clock.h), one for the record
 *         24    8 origin: offset of operation 0 in its partition (Kafka, file), else 0
 *         32    4 origin: partition, else 0
 *         36    4 n_ops, at least 1
 *         40    4 CRC-32C of bytes [64, size)
 *         44    4 offset of the table
 *         48    2 format version
 *         50    1 kind: QN_RECORD_*
 *         51    1 zero
 *         52    2 n_headers
 *         54    2 length of index
 *         56    2 length of source
 *         58    6 zero
 *         64    . index, source
 *          .    . n_headers times: u16 name length, u32 value length, name, value
 *          .    . n_ops times: key, meta, body; the document's own bytes, untouched
 *      table    . DOCS: n_ops times u32 end
 *                 else: n_ops times u32 end, u16 key length, u16 meta length, u8 op, 3 zero bytes
 *
 * `end` counts from the first operation's first byte and never falls; the last one is the table's
 * offset. The encoding is canonical: what qn_record_decode accepts is, byte for byte, what encoding
 * its content gives. A reader refuses every version but 1; there is no older one.
 *
 * Decoding verifies both checksums and every length once; iterators then trust. Views borrow from
 * the record's bytes. Limits: QN_RECORD_MAX bytes, keys and metas of 65,535 bytes.
 * One owner thread per writer; decoded records are immutable. @thread any  @locks none */
#ifndef QN_JOURNAL_RECORD_H
#define QN_JOURNAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "simd/ops.h"

#define QN_RECORD_VERSION 1
#define QN_RECORD_HEAD_BYTES 64u
#define QN_RECORD_MAX (32u << 20)

enum qn_record_kind {
    QN_RECORD_DOCS = 1, /* every operation appends a document: no keys, 4 bytes each */
    QN_RECORD_OPS = 2,  /* operations by key, in the order of the request */
    QN_RECORD_CONTROL =
        3, /* not documents: the key says what, the body means what its owner says */
};

enum qn_op_kind { QN_OP_APPEND, QN_OP_INDEX, QN_OP_CREATE, QN_OP_UPDATE, QN_OP_DELETE };
#define QN_OP_KIND_COUNT 5

struct qn_origin {
    struct qn_str index;  /* the index's unique name */
    struct qn_str source; /* where the documents came from; empty: the HTTP API */
    uint32_t partition;
    uint64_t offset;
};

struct qn_record_header {
    struct qn_str name, value;
};

struct qn_op {
    enum qn_op_kind kind;
    struct qn_str key;  /* `_id` of an ES document, the key of a Kafka message; may be empty */
    struct qn_str meta; /* versions, routing and the like, in ingest's own encoding */
    struct qn_str body;
};

struct qn_record {
    enum qn_record_kind kind;
    uint64_t seq;
    uint64_t stamp;
    struct qn_origin origin;
    uint32_t n_ops;
    uint32_t n_headers;
    struct qn_str headers; /* encoded */
    struct qn_str ops;     /* all keys, metas and bodies */
    const uint8_t *table;
    struct qn_str bytes; /* the whole record */
};

/* Reading. */

/* Takes the record at the front of `bytes`, which may go on after it: rec->bytes.n tells how far it
 * reaches. QN_E_TRUNCATED, QN_E_FORMAT_VERSION or QN_E_CORRUPT with the reason. */
QN_MUST_CHECK int qn_record_decode(struct qn_record *rec, struct qn_str bytes,
                                   const struct qn_simd_ops *simd, struct qn_err *err);

static inline uint64_t qn_record_end(const struct qn_record *rec) /* seq after the last operation */
{
    return rec->seq + rec->n_ops;
}

/* Operation i < n_ops; constant time. */
struct qn_op qn_record_op(const struct qn_record *rec, uint32_t i);
/* The next header; *at starts at 0. False at the end. */
bool qn_record_next_header(const struct qn_record *rec, size_t *at, struct qn_record_header *out);

/* Writing: begin, headers, operations, end. Errors (too large, a name too long) are kept and
 * returned by end. */

struct qn_record_writer {
    struct qn_buf buf;
    QN_VEC(uint8_t) table;
    enum qn_record_kind kind;
    size_t ops_at; /* where operations begin */
    uint32_t n_ops;
    uint16_t n_headers;
    uint16_t index_len, source_len;
    int rc;
};

void qn_record_init(struct qn_record_writer *wr);
void qn_record_release(struct qn_record_writer *wr);
/* Drops what is there and starts a record; memory is kept. */
void qn_record_begin(struct qn_record_writer *wr, enum qn_record_kind kind,
                     const struct qn_origin *origin);
void qn_record_put_header(struct qn_record_writer *wr, struct qn_str name, struct qn_str value);
void qn_record_put_doc(struct qn_record_writer *wr, struct qn_str body);
/* In a record of kind DOCS only an append without key and meta is allowed: QN_E_INVALID. */
void qn_record_put_op(struct qn_record_writer *wr, const struct qn_op *op);
/* What the record would measure now: for callers that cut long requests into several records. */
size_t qn_record_bytes(const struct qn_record_writer *wr);
/* Finishes it with seq and stamp 0: its bytes are in wr->buf. QN_E_TOO_LARGE; QN_E_INVALID also
 * when it holds no operation. */
QN_MUST_CHECK int qn_record_finish(struct qn_record_writer *wr, const struct qn_simd_ops *simd);

/* Gives a finished record its place. `p` are its bytes. */
void qn_record_place(void *p, uint64_t seq, uint64_t stamp, const struct qn_simd_ops *simd);

#endif
