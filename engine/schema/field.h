/* A field: one model for both dialects.
 *
 *   question            Quickwit                        Elasticsearch
 *   what is it          type: text i64 u64 f64 bool     keyword, text -> TEXT; long integer short
 *                       datetime ip bytes json object   byte -> I64 with a range; unsigned_long ->
 *                       concatenate -> JSON             U64; double float half_float scaled_float
 * -> F64; date date_nanos -> DATETIME; binary -> BYTES; flattened -> JSON; object nested -> OBJECT
 *   several values      array<T> only                   always
 *   terms?              indexed                         index
 *   how cut into terms  tokenizer                       keyword: raw (or normalizer); text:
 * analyzer how much is kept    record, fieldnorms              keyword: BASIC; text: POSITION and
 * norms a column?           fast, with a normalizer         doc_values; text has none in the
 * document?    stored                          always (_source) goes elsewhere too  concatenate
 * fields (x.keyword), copy_to, include_in_* unmapped keys       mode, _dynamic dynamic: true grows
 * the mapping
 *
 * So an Elasticsearch `keyword` is a Quickwit `text` with tokenizer raw and fast: true, and a
 * mapping made by one dialect is searched by both. What only one dialect has (ignore_above,
 * output_format) is at its default for the other.
 *
 * Fields are owned by their mapping and immutable. An id is dense, fixed for the life of the
 * index's mapping lineage: updates only append. Objects and multi-fields have ids too. */
#ifndef QN_SCHEMA_FIELD_H
#define QN_SCHEMA_FIELD_H

#include "base/index_record.h"
#include "schema/dates.h"
#include "schema/value.h"

struct qn_analyzer;

#define QN_NO_FIELD UINT32_MAX

enum qn_field_type {
    QN_FIELD_TEXT,
    QN_FIELD_I64,
    QN_FIELD_U64,
    QN_FIELD_F64,
    QN_FIELD_BOOL,
    QN_FIELD_DATETIME,
    QN_FIELD_IP,
    QN_FIELD_BYTES,
    QN_FIELD_JSON,   /* any keys below it; values typed by the document (doc.h) */
    QN_FIELD_OBJECT, /* holds fields, has no values */
    QN_FIELD_OPAQUE, /* kept in the source, neither indexed nor checked (geo_point and the like) */
};

enum qn_normalizer { QN_NORMALIZER_RAW, QN_NORMALIZER_LOWERCASE };

enum qn_dynamic { /* what happens to unmapped keys of an object */
                  QN_DYNAMIC_INHERIT,
                  QN_DYNAMIC_JSON,    /* into the JSON field _dynamic (Quickwit: dynamic) */
                  QN_DYNAMIC_GROW,    /* new fields are made (Elasticsearch: true) */
                  QN_DYNAMIC_LENIENT, /* ignored (lenient; false) */
                  QN_DYNAMIC_STRICT,  /* refused */
};

enum qn_binary_format { QN_BINARY_BASE64, QN_BINARY_HEX };

/* Elasticsearch's name of the type, for answers and range checks; NONE for Quickwit mappings. */
enum qn_es_type {
    QN_ES_NONE,
    QN_ES_TEXT,
    QN_ES_MATCH_ONLY_TEXT,
    QN_ES_KEYWORD,
    QN_ES_CONSTANT_KEYWORD,
    QN_ES_WILDCARD,
    QN_ES_LONG,
    QN_ES_INTEGER,
    QN_ES_SHORT,
    QN_ES_BYTE,
    QN_ES_UNSIGNED_LONG,
    QN_ES_DOUBLE,
    QN_ES_FLOAT,
    QN_ES_HALF_FLOAT,
    QN_ES_SCALED_FLOAT,
    QN_ES_BOOLEAN,
    QN_ES_DATE,
    QN_ES_DATE_NANOS,
    QN_ES_IP,
    QN_ES_BINARY,
    QN_ES_FLATTENED,
    QN_ES_OBJECT,
    QN_ES_NESTED,
    QN_ES_OPAQUE_FIRST,
    QN_ES_GEO_POINT = QN_ES_OPAQUE_FIRST,
    QN_ES_GEO_SHAPE,
    QN_ES_HISTOGRAM,
    QN_ES_COMPLETION,
    QN_ES_DENSE_VECTOR,
    QN_ES_TYPES,
};

/* A value of the field goes to `field` as well. */
struct qn_field_copy {
    uint32_t field;
    enum {
        QN_COPY_MULTI,  /* multi-field: read again by that field's own rules */
        QN_COPY_TO,     /* copy_to: the same, and null stays null */
        QN_COPY_CONCAT, /* concatenate: typed by the document, under the empty path */
    } kind;
};

struct qn_field {
    uint32_t id;
    uint32_t parent; /* object (or, of a multi-field, the field) it belongs to; QN_NO_FIELD: root */
    struct qn_str name;                  /* its own step, as it stands in documents */
    struct qn_str path;                  /* from the root; dots inside Quickwit names as "\." */
    struct qn_str description;           /* .p == NULL: none */
    uint8_t type;                        /* enum qn_field_type */
    uint8_t es_type;                     /* enum qn_es_type */
    uint8_t record;                      /* enum qn_index_record: TEXT, JSON */
    uint8_t normalizer;                  /* enum qn_normalizer of the column: TEXT, JSON */
    uint8_t precision;                   /* enum qn_date_precision of the column: DATETIME */
    uint8_t dynamic;                     /* enum qn_dynamic: OBJECT */
    uint8_t input_format, output_format; /* enum qn_binary_format: BYTES */
    bool array;       /* array<T>: answers always show an array; several values are allowed */
    bool builtin;     /* _dynamic, _doc_length: not a key of documents */
    bool multi_field; /* made from its parent's values, not from a key of documents */
    bool concatenate; /* JSON made of other fields' values, under the empty path */
    bool indexed, stored, columnar;
    bool fieldnorms;
    bool coerce;             /* numbers as strings are fine; Elasticsearch: fractions are cut off */
    bool ignore_malformed;   /* a bad value is skipped, not an error */
    bool number_as_string;   /* output_format: string */
    bool expand_dots;        /* JSON: dots in keys separate steps */
    bool include_dynamic;    /* concatenate: include_dynamic_fields */
    bool nested;             /* OBJECT: Elasticsearch nested (flattened) */
    struct qn_str tokenizer; /* name; .p == NULL: not indexed as text */
    const struct qn_analyzer *analyzer;  /* of tokenizer; owned by the mapping or built in */
    struct qn_str es_normalizer;         /* keyword: name of its normalizer */
    struct qn_date_formats formats;      /* input: DATETIME */
    const struct qn_date_format *output; /* DATETIME */
    uint32_t ignore_above;               /* characters; UINT32_MAX: no limit */
    uint32_t depth_limit;                /* flattened */
    double scaling_factor;               /* scaled_float */
    struct qn_value null_value;          /* type NONE: none */
    struct qn_str null_value_json;
    struct qn_str es_extra; /* members of the ES definition that are kept but mean nothing here */
    const struct qn_field_copy *copies;
    uint32_t n_copies;
    struct qn_str sources; /* concatenate: JSON array of names; copy_to: of paths */
};

const char *qn_field_type_name(enum qn_field_type type); /* Quickwit's: "text", "i64", ... */
const char *qn_es_type_name(enum qn_es_type type);       /* "keyword", ... */
/* Elasticsearch's name for a field of either dialect: as _mapping and _field_caps show it. */
const char *qn_field_es_name(const struct qn_field *f);

#endif
