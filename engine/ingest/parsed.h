/* A batch of documents, read once: what the journal keeps as bytes, the indexer gets as values.
 *
 *     request thread: walk ─► qn_parsed_add ─┐
 *                     record of bodies ──────┴─► qn_batch {record, user = parsed} ─► journal
 *     indexer thread:                            batch from the ring ─► values, nobody parses twice
 *     after a restart:                           batch from disk ─► qn_parsed_read: walks again
 *
 * Values borrow the documents' bytes; bind moves them from the request's text to the record's own
 * copy. Strings that the walker had to decode are copied into the batch's arena. Paths inside JSON
 * fields are numbered by the batch, because walkers number for themselves.
 *
 * Built by one thread, immutable afterwards. */
#ifndef QN_INGEST_PARSED_H
#define QN_INGEST_PARSED_H

#include "base/vec.h"
#include "journal/journal_batch.h"
#include "schema/doc.h"

struct qn_parsed_path {
    uint32_t field;    /* the JSON field it is in */
    struct qn_str sub; /* from there */
};

struct qn_parsed_doc {
    const struct qn_doc_value *values; /* path: an index of paths */
    uint32_t n;
    bool has_timestamp;
    int64_t timestamp_ns;
    uint64_t partition;
    struct qn_str text; /* .p == NULL: no document, only its place in the batch */
};

struct qn_parsed {
    const struct qn_mapping *mapping; /* shares */
    struct qn_arena arena;
    QN_VEC(struct qn_parsed_doc) docs;
    QN_VEC(struct qn_parsed_path) paths;
    QN_VEC(uint32_t) path_of; /* the walker's number -> ours; QN_DOC_NO_PATH */
};

struct qn_parsed *qn_parsed_new(const struct qn_mapping *m, struct qn_budget *budget);
void qn_parsed_free(void *pd); /* also a batch's drop_user; NULL is fine */
/* Keeps what the walker just said of a document. All documents of a batch come from one walker that
 * forgets no paths meanwhile. QN_E_BUDGET. */
QN_MUST_CHECK int qn_parsed_add(struct qn_parsed *pd, const struct qn_doc_walker *dw,
                                const struct qn_doc *doc);
/* Document i is operation i of rec: from now on its values borrow that operation's body, which
 * equals the text they were read from. */
void qn_parsed_bind(struct qn_parsed *pd, const struct qn_record *rec);

#endif
