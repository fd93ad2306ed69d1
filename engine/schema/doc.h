/* The document walker: a document's tape and a mapping give typed values.
 *
 *   {"level":"INFO","ms":12,"k8s":{"pod":"a"}}      field      path      value
 *      │ level is mapped: text                ──►   1          -         STR "INFO"
 *      │ ms is mapped: i64                    ──►   2          -         I64 12
 *      └ k8s is not: dynamic                  ──►   _dynamic   "k8s.pod" STR "a"
 *
 * The values of one document lie in one array, in document order, so that a document is judged as a
 * whole before anything of it is indexed: a bad one is an error, and leaves nothing to undo.
 *
 * Hot path: a key's path number (json/paths.h) indexes a table of what the key means; there is no
 * lookup by name, no allocation and no copy per value. Strings are borrowed.
 *
 * Paths. Values of JSON fields (declared ones, and _dynamic for unmapped keys in mode dynamic)
 * carry the number of their flattened path inside the field: steps joined by dots, a dot inside a
 * key written "\." unless the field expands dots. Numbers are dense per walker and stable until
 * qn_doc_walker_forget_paths: one indexer batch.
 *
 * Typing inside JSON fields: booleans are BOOL; numbers the first of I64, U64, F64 that holds them;
 * strings in RFC 3339 are DATE, others STR; arrays are several values; null is nothing.
 *
 * Typing of mapped fields: as the field says (field.h). Null is nothing unless null_value is set.
 * Where the document does not fit, the error names field, expected and found, with the byte offset
 * of the value in err->pos; `fault` keeps the parts for answers in Elasticsearch's form. Callers
 * put the line of a batch in front (qn_err_prefix).
 *
 * Growth (Elasticsearch, dynamic: true): a document with unmapped keys gives QN_DOC_GROW, and
 * `delta` is the JSON to update the mapping with; after qn_doc_walker_set_mapping it is walked
 * again.
 *
 * One owner thread; mapping is shared. */
#ifndef QN_SCHEMA_DOC_H
#define QN_SCHEMA_DOC_H

#include "schema/mapping.h"
#include "json/reader.h"

#define QN_DOC_GROW 2
#define QN_DOC_NO_PATH UINT32_MAX

struct qn_doc_value {
    uint32_t field;
    uint32_t path; /* of JSON fields; else QN_DOC_NO_PATH */
    struct qn_value value;
};

enum qn_doc_fault_kind {
    QN_DOC_FAULT_NONE,
    QN_DOC_FAULT_NOT_OBJECT, /* not JSON, or not an object */
    QN_DOC_FAULT_VALUE,      /* a value does not fit its field */
    QN_DOC_FAULT_ARRAY,      /* several values where one is expected */
    QN_DOC_FAULT_UNMAPPED,   /* strict: unknown key */
    QN_DOC_FAULT_REQUIRED,   /* the timestamp is missing */
    QN_DOC_FAULT_LIMIT,      /* too many paths */
};

struct qn_doc_fault {
    enum qn_doc_fault_kind kind;
    const struct qn_field *field; /* NULL when there is none */
    char path[256];               /* dotted, as in the document; cut if longer */
    char cause[200];              /* why the value does not fit: For input string: "x" */
    size_t pos;
};

struct qn_doc_walker;

/* Borrows mapping's reference count (shares). `simd` as for the JSON reader. */
struct qn_doc_walker *qn_doc_walker_new(const struct qn_mapping *m, const struct qn_simd_ops *simd);
void qn_doc_walker_free(struct qn_doc_walker *dw); /* NULL is fine */
void qn_doc_walker_set_mapping(struct qn_doc_walker *dw, const struct qn_mapping *m);
const struct qn_mapping *qn_doc_walker_mapping(const struct qn_doc_walker *dw);
/* For years that dates leave out; 0 at first. */
void qn_doc_walker_set_now(struct qn_doc_walker *dw, int64_t now_ns);

struct qn_doc {
    const struct qn_doc_value *values; /* borrowed until the next document */
    uint32_t n;
    bool has_timestamp;
    int64_t timestamp_ns;
    uint64_t partition; /* 0 without a partition key */
    struct qn_str text; /* the document's own bytes */
};

/* Reads one document (text with QN_PAD readable bytes behind it) and walks it. 0, QN_DOC_GROW or an
 * error. *doc is valid until the next call. */
QN_MUST_CHECK int qn_doc_read(struct qn_doc_walker *dw, struct qn_str text, struct qn_doc *doc,
                              struct qn_err *err);
/* The same of a value inside a tape that was read elsewhere (a bulk body, an array of documents).
 * Without this walker's paths in its options every key is looked up by name. */
QN_MUST_CHECK int qn_doc_walk(struct qn_doc_walker *dw, struct qn_json_val v, struct qn_doc *doc,
                              struct qn_err *err);
/* The key paths to give to a reader whose tapes this walker will walk. */
struct qn_json_paths *qn_doc_walker_json_paths(struct qn_doc_walker *dw);

/* After an error: its parts. After QN_DOC_GROW: {"properties":{...}} for qn_mapping_update. */
const struct qn_doc_fault *qn_doc_walker_fault(const struct qn_doc_walker *dw);
struct qn_str qn_doc_walker_delta(const struct qn_doc_walker *dw);

/* Flattened paths seen: 0..n. The owning JSON field, and the path inside it. */
uint32_t qn_doc_walker_n_paths(const struct qn_doc_walker *dw);
struct qn_str qn_doc_walker_path(const struct qn_doc_walker *dw, uint32_t path, uint32_t *field);
void qn_doc_walker_forget_paths(struct qn_doc_walker *dw);

/* One value by a field's rules, as a document's would be read: for terms of queries, null_value,
 * casts. Strings and numbers are both tried. Allocates from ar where it must (bytes). */
QN_MUST_CHECK int qn_field_read(const struct qn_field *f, struct qn_json_val v,
                                struct qn_date_context *cx, struct qn_arena *ar,
                                struct qn_value *out, struct qn_err *err);

#endif
