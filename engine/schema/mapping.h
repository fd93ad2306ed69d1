/* The mapping of an index: its fields, and what happens to documents as a whole.
 *
 *   Quickwit doc_mapping JSON ──┐                       ┌── answered as Quickwit prints it
 *                               ├─► struct qn_mapping ──┤
 *   Elasticsearch mappings JSON ┘   immutable, counted  └── answered as Elasticsearch prints it
 *                                          │ update (adds fields, refuses incompatible changes)
 *                                          ▼
 *                                   a new struct qn_mapping; ids of fields that stay are the same
 *
 * fields[0..n) are in the order of their ids. Id order is definition order, parents before
 * children; Quickwit's built-in fields come first: `_dynamic` (mode dynamic), `_doc_length`
 * (store_document_ size). fields[i].id == i always. Documents of splits made under an older mapping
 * keep their fields: an update never changes the meaning of an id, it only appends; a Quickwit PUT
 * that changes a field gives a mapping with a new doc_mapping_uid and fresh ids (qn_mapping_same
 * tells).
 *
 * Bounds: QN_MAPPING_FIELDS fields, QN_MAPPING_DEPTH levels.
 * Threads: immutable after parse; qn_mapping_ref/unref from any. */
#ifndef QN_SCHEMA_MAPPING_H
#define QN_SCHEMA_MAPPING_H

#include "base/buf.h"
#include "base/err.h"
#include "schema/analysis.h"
#include "schema/field.h"
#include "schema/partition.h"
#include "json/dom.h"
#include "json/writer.h"

#define QN_MAPPING_FIELDS 10000
#define QN_MAPPING_DEPTH 50

enum qn_dialect { QN_DIALECT_QUICKWIT, QN_DIALECT_ELASTIC };

struct qn_mapping {
    enum qn_dialect dialect;
    enum qn_dynamic mode; /* of the root: JSON, GROW, LENIENT or STRICT */
    const struct qn_field *fields;
    uint32_t n_fields;
    uint32_t dynamic_field;    /* _dynamic, or QN_NO_FIELD */
    uint32_t doc_length_field; /* _doc_length, or QN_NO_FIELD */
    uint32_t timestamp_field;  /* orders documents, prunes splits; QN_NO_FIELD: none. Of an
                                  Elasticsearch mapping: the date field @timestamp */
    bool timestamp_required;   /* in every document */
    struct qn_str timestamp_path;
    const uint32_t *tag_fields; /* with those of the partition key that can be tags; by name */
    uint32_t n_tag_fields;
    const struct qn_partition *partition; /* NULL: none */
    uint32_t max_num_partitions;
    bool index_field_presence;
    bool store_source;
    bool date_detection, numeric_detection; /* Elasticsearch: of strings in unmapped fields */
    struct qn_str uid;                      /* doc_mapping_uid, 26 characters; empty if not given */
    struct qn_analysis *analysis;           /* may be NULL */
};

/* `doc_mapping` of an index config. Unknown keys, bad values and contradictions are QN_E_INVALID,
 * QN_E_UNKNOWN_KEY or QN_E_TYPE with their place. Gives *out (one reference). */
QN_MUST_CHECK int qn_mapping_parse_quickwit(struct qn_mapping **out, struct qn_json_val v,
                                            struct qn_err *err);
/* `mappings` of an Elasticsearch index or template; analysis (shares; may be NULL) holds the
 * analyzers of its settings. Gives *out. */
QN_MUST_CHECK int qn_mapping_parse_elastic(struct qn_mapping **out, struct qn_json_val v,
                                           struct qn_analysis *analysis, struct qn_err *err);
struct qn_mapping *qn_mapping_ref(const struct qn_mapping *m); /* shares */
void qn_mapping_unref(const struct qn_mapping *m);             /* NULL is fine */

/* The new generation of an Elasticsearch mapping: PUT _mapping, or what qn_doc_walk discovered.
 * QN_E_INVALID "mapper [f] cannot be changed from type [long] to [text]". Gives *out; when nothing
 * changes it is a new reference to `old`. Of a Quickwit mapping: QN_E_UNSUPPORTED. */
QN_MUST_CHECK int qn_mapping_update(struct qn_mapping **out, const struct qn_mapping *old,
                                    struct qn_json_val mappings, struct qn_err *err);
/* Whether a Quickwit index may be moved from `old` to `next` (PUT): the timestamp field must stay
 * and tokenizers may only be added. */
QN_MUST_CHECK int qn_mapping_check_replace(const struct qn_mapping *old,
                                           const struct qn_mapping *next, struct qn_err *err);
/* Same but for the uid: splits of both may be merged and searched alike. */
bool qn_mapping_same(const struct qn_mapping *a, const struct qn_mapping *b);
/* The same mapping under another uid. Gives. */
struct qn_mapping *qn_mapping_with_uid(const struct qn_mapping *m, struct qn_str uid);

/* Writes doc_mapping with all defaults, keys in Quickwit's order. Any dialect. */
void qn_mapping_write_quickwit(const struct qn_mapping *m, struct qn_jw *w);
/* Writes {"properties": ...}; {} when there are no fields. Any dialect. */
void qn_mapping_write_elastic(const struct qn_mapping *m, struct qn_jw *w);
/* Writes the definition of one field as Elasticsearch shows it. */
void qn_field_write_elastic(const struct qn_mapping *m, const struct qn_field *f, struct qn_jw *w);

/* The field of a path as queries write it: steps separated by dots, "\." for a dot inside a key;
 * multi-fields (x.keyword) included. NULL: not mapped. An Elasticsearch mapping also reads an
 * unescaped path to a field whose documents wrote its dots in one key. */
const struct qn_field *qn_mapping_find(const struct qn_mapping *m, struct qn_str path);
/* The field that answers for a path: the field itself with *rest empty; or the JSON field (declared
 * or _dynamic) whose content the path goes into, with *rest the path inside it; or NULL. */
const struct qn_field *qn_mapping_resolve(const struct qn_mapping *m, struct qn_str path,
                                          struct qn_str *rest);
/* The child of an object (QN_NO_FIELD: the root) or the multi-field of a field; NULL: none. */
const struct qn_field *qn_mapping_child(const struct qn_mapping *m, uint32_t parent,
                                        struct qn_str name);
/* What unmapped keys of the object meet: inheritance resolved. */
enum qn_dynamic qn_mapping_dynamic(const struct qn_mapping *m, uint32_t object);
/* The custom or built-in analyzer of a name; NULL: unknown. */
const struct qn_analyzer *qn_mapping_analyzer(const struct qn_mapping *m, struct qn_str name);
/* Elasticsearch: the definition (JSON) that a new field gets by dynamic templates or by default.
 * `type` is what was found: "string", "long", "double", "boolean", "date", "object". False: the
 * field is not to be made (a template says so). */
bool qn_mapping_new_field(const struct qn_mapping *m, struct qn_str path, struct qn_str name,
                          const char *type, struct qn_buf *out);

/* Splits a path into steps: cuts the first off *rest, unescaped into buf (of 256 bytes or more;
 * longer steps do not match anything). False at the end. */
bool qn_path_next(struct qn_str *rest, char *buf, size_t buf_size, struct qn_str *step);

#endif
