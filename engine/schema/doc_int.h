/* Private to the walker: what keys mean (slots), and the reading of single values. */
#ifndef QN_SCHEMA_DOC_INT_H
#define QN_SCHEMA_DOC_INT_H

#include "base/map.h"
#include "mapping_int.h"
#include "schema/doc.h"

#define QN__DOC_JSON_PATHS 8192  /* key paths that are remembered */
#define QN__DOC_PATHS (1u << 20) /* flattened paths until forget_paths */

enum qn__slot_kind {
    SLOT_UNSET,
    SLOT_OBJECT, /* a mapped object, or the root: keys are looked up below `field` */
    SLOT_LEAF,   /* a mapped field with values */
    SLOT_JSON,   /* inside JSON field `field`, at flattened path `name` */
    SLOT_IGNORE,
    SLOT_STRICT,
    SLOT_GROW,
};

/* What a key (that is, a path of keys) means under the mapping. */
struct qn__slot {
    uint8_t kind;
    bool json_root;     /* JSON: the declared field itself; its value must be an object */
    uint32_t field;     /* QN_NO_FIELD: the root object */
    uint32_t path;      /* JSON: number of the flattened path, once a value was seen there */
    struct qn_str name; /* JSON, GROW: flattened path, in the arena of the slots */
};

struct qn__doc_path {
    struct qn_str name;
    uint32_t field;
};

struct qn_doc_walker {
    const struct qn_mapping *m;
    struct qn_json_paths paths;
    struct qn_json_tape tape;
    uint32_t generation; /* of paths that slots are for */
    struct qn__slot *slots;
    struct qn_arena slot_names;
    struct qn_arena scratch; /* of one document: bytes, names of keys without a slot */
    QN_VEC(struct qn_doc_value) values;
    QN_VEC(struct qn__doc_path) doc_paths;
    struct qn_map doc_path_ids; /* field and name to number */
    struct qn_arena doc_path_names;
    struct qn_date_context dates;
    struct qn_doc_fault fault;
    struct qn_buf delta; /* the properties that a document asks for */
    struct qn_map delta_names;
    struct qn_err *err;
    const struct qn_json_tape *t; /* being walked */
    int64_t timestamp_ns;
    bool has_timestamp, use_slots;
};

/* Reads node i by the rules of f. QN_OK, QN_END (nothing: ignored), or a negative code; *why is
 * then a static text or NULL. Bytes are decoded into ar. */
int qn__read_value(const struct qn_field *f, const struct qn_json_tape *t, uint32_t i,
                   struct qn_date_context *cx, struct qn_arena *ar, struct qn_value *out,
                   const char **why);
/* The untyped rule for scalars: of JSON fields (dates: strings in RFC 3339 are dates). */
int qn__read_dynamic(const struct qn_json_tape *t, uint32_t i, struct qn_date_context *cx,
                     bool dates, struct qn_value *out);
/* Why node i does not fit f, as a sentence for people. */
void qn__value_cause(const struct qn_field *f, struct qn_json_val v, int rc, const char *why,
                     char *out, size_t out_size);

/* What `key` below `parent` means. Names go to ar. */
struct qn__slot qn__slot_resolve(const struct qn_mapping *m, const struct qn__slot *parent,
                                 struct qn_str key, struct qn_arena *ar);

/* Fails the document: fills fault and err. f may be NULL; path of the failing key. */
int qn__doc_fail(struct qn_doc_walker *dw, int code, enum qn_doc_fault_kind kind,
                 const struct qn_field *f, struct qn_str path, uint32_t node, const char *cause);

/* Adds the unmapped value at node i, whose flattened path is name, to the delta. */
void qn__doc_grow(struct qn_doc_walker *dw, struct qn_str name, uint32_t i);

#endif
