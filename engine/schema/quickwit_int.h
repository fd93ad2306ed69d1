/* The options of Quickwit field mappings, shared by the reader (mapping_quickwit.c) and the writer
 * (mapping_quickwit_write.c): one row each, with the types that take it. */
#ifndef QN_SCHEMA_QUICKWIT_INT_H
#define QN_SCHEMA_QUICKWIT_INT_H

#include "mapping_int.h"

enum qn__option {
    OPT_NAME,
    OPT_TYPE,
    OPT_DESCRIPTION,
    OPT_STORED,
    OPT_INDEXED,
    OPT_FAST,
    OPT_FAST_TEXT,
    OPT_TOKENIZER,
    OPT_RECORD,
    OPT_FIELDNORMS,
    OPT_COERCE,
    OPT_NUMBER_OUTPUT,
    OPT_INPUT_FORMATS,
    OPT_DATE_OUTPUT,
    OPT_PRECISION,
    OPT_BINARY_INPUT,
    OPT_BINARY_OUTPUT,
    OPT_EXPAND_DOTS,
    OPT_FIELD_MAPPINGS,
    OPT_CONCATENATE_FIELDS,
    OPT_INCLUDE_DYNAMIC,
};

enum { /* bits of a type in `types` below; CONCAT is a type of its own here */
       T_TEXT = 1 << QN_FIELD_TEXT,
       T_NUM = 1 << QN_FIELD_I64 | 1 << QN_FIELD_U64 | 1 << QN_FIELD_F64,
       T_BOOL = 1 << QN_FIELD_BOOL,
       T_DATE = 1 << QN_FIELD_DATETIME,
       T_IP = 1 << QN_FIELD_IP,
       T_BYTES = 1 << QN_FIELD_BYTES,
       T_JSON = 1 << QN_FIELD_JSON,
       T_OBJECT = 1 << QN_FIELD_OBJECT,
       T_CONCAT = 1 << 16,
       T_DYNAMIC = 1 << 17, /* dynamic_mapping: a JSON field without name and type */
       T_PLAIN = T_NUM | T_BOOL | T_DATE | T_IP | T_BYTES,
       T_VALUES = T_TEXT | T_PLAIN | T_JSON,
};

struct qn__option_row {
    const char *key;
    enum qn__option option;
    unsigned types;
};
extern const struct qn__option_row qn__options[];
extern const size_t qn__n_options;

/* Names of enum qn_record, qn_normalizer, qn_date_precision, qn_binary_format and of
 * number_as_string. */
extern const char *const qn__record_names[3];
extern const char *const qn__normalizer_names[2];
extern const char *const qn__precision_names[4];
extern const char *const qn__binary_names[2];
extern const char *const qn__number_names[2];

/* The bit of a field's type in `types`. */
static inline unsigned qn__type_bit(const struct qn_field *f)
{
    if (f->builtin)
        return T_DYNAMIC;
    return f->concatenate ? (unsigned)T_CONCAT : 1u << f->type;
}

#endif
