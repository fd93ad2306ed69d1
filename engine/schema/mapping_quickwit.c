/* Quickwit's doc_mapping: JSON to mapping. */
#include <stdio.h>
#include <stdlib.h>

#include "quickwit_int.h"

/* In alphabetical order: that is how Quickwit answers them. */
const struct qn__option_row qn__options[] = {
    {"coerce", OPT_COERCE, T_NUM},
    {"concatenate_fields", OPT_CONCATENATE_FIELDS, T_CONCAT},
    {"description", OPT_DESCRIPTION, T_VALUES | T_CONCAT | T_DYNAMIC},
    {"expand_dots", OPT_EXPAND_DOTS, T_JSON | T_DYNAMIC},
    {"fast", OPT_FAST, T_PLAIN},
    {"fast", OPT_FAST_TEXT, T_TEXT | T_JSON | T_DYNAMIC},
    {"fast_precision", OPT_PRECISION, T_DATE},
    {"field_mappings", OPT_FIELD_MAPPINGS, T_OBJECT},
    {"fieldnorms", OPT_FIELDNORMS, T_TEXT},
    {"include_dynamic_fields", OPT_INCLUDE_DYNAMIC, T_CONCAT},
    {"indexed", OPT_INDEXED, T_VALUES | T_DYNAMIC},
    {"input_format", OPT_BINARY_INPUT, T_BYTES},
    {"input_formats", OPT_INPUT_FORMATS, T_DATE},
    {"name", OPT_NAME, ~(unsigned)T_DYNAMIC},
    {"output_format", OPT_BINARY_OUTPUT, T_BYTES},
    {"output_format", OPT_DATE_OUTPUT, T_DATE},
    {"output_format", OPT_NUMBER_OUTPUT, T_NUM},
    {"precision", OPT_PRECISION, T_DATE},
    {"record", OPT_RECORD, T_TEXT | T_JSON | T_CONCAT | T_DYNAMIC},
    {"stored", OPT_STORED, T_VALUES | T_DYNAMIC},
    {"tokenizer", OPT_TOKENIZER, T_TEXT | T_JSON | T_CONCAT | T_DYNAMIC},
    {"type", OPT_TYPE, ~(unsigned)T_DYNAMIC},
};
const size_t qn__n_options = QN_COUNT_OF(qn__options);

const char *const qn__record_names[3] = {"basic", "freq", "position"};
const char *const qn__normalizer_names[2] = {"raw", "lowercase"};
const char *const qn__precision_names[4] = {"seconds", "milliseconds", "microseconds",
                                            "nanoseconds"};
const char *const qn__binary_names[2] = {"base64", "hex"};
const char *const qn__number_names[2] = {"number", "string"};

/* The index of a string among names. */
static int read_choice(struct qn_json_val v, const char *const *names, size_t n, uint8_t *out,
                       struct qn_err *err)
{
    struct qn_str s;
    int rc = qn_json_to_str(v, &s, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        if (qn_str_is(s, names[i])) {
            *out = (uint8_t)i;
            return 0;
        }
    char list[160] = "";
    for (size_t i = 0, at = 0; i < n && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s`%s`", i ? ", " : "", names[i]);
    return qn_json_fail(v, err, QN_E_INVALID,
                        "unknown variant `" QN_STR_FMT "`, expected one of %s", QN_STR_ARG(s),
                        list);
}

/* What a field definition said about its text options: they are refused when it is not indexed. */
struct said {
    bool tokenizer, record, fieldnorms;
};

static int read_fast_text(struct qn_field *f, struct qn_json_val v, struct qn_err *err)
{
    static const char *const keys[] = {"normalizer"};
    struct qn_json_val name;
    f->normalizer = QN_NORMALIZER_RAW;
    if (qn_json_is_bool(v))
        return qn_json_to_bool(v, &f->columnar, err);
    int rc = qn_json_check_keys(v, keys, 1, err);
    if (rc < 0)
        return rc;
    if (!qn_json_get(v, "normalizer", &name))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `normalizer`");
    f->columnar = true;
    return read_choice(name, qn__normalizer_names, QN_COUNT_OF(qn__normalizer_names),
                       &f->normalizer, err);
}

static int read_input_formats(struct qn__map *mp, struct qn_field *f, struct qn_json_val v,
                              struct qn_err *err)
{
    int rc = qn_json_to_arr(v, err);
    if (rc < 0)
        return rc;
    uint32_t n = qn_json_count(v);
    if (n == 0)
        return qn_json_fail(v, err, QN_E_INVALID,
                            "field input_formats cannot be empty: at least one format is needed");
    const struct qn_date_format **p = qn_arena_array(&mp->ar, const struct qn_date_format *, n);
    uint32_t kept = 0;
    for (struct qn_json_iter it = qn_json_iter(v); qn_json_each(&it);) {
        struct qn_str s;
        struct qn_err inner = {0};
        rc = qn_json_to_str(it.val, &s, err);
        if (rc < 0)
            return rc;
        if (qn_date_format_parse(&p[kept], &mp->ar, QN_DATE_QUICKWIT, s, &inner) < 0)
            return qn_json_fail(it.val, err, QN_E_INVALID, "%s", inner.msg);
        bool twice = false;
        for (uint32_t i = 0; i < kept; i++)
            twice = twice || qn_str_eq(qn_date_format_text(p[i]), qn_date_format_text(p[kept]));
        kept += !twice;
    }
    f->formats = (struct qn_date_formats){.p = p, .n = kept};
    return 0;
}

static int read_names(struct qn__map *mp, struct qn_json_val v, struct qn_str *out,
                      struct qn_err *err)
{
    struct qn_str s;
    int rc = qn_json_to_arr(v, err);
    for (struct qn_json_iter it = qn_json_iter(v); rc == 0 && qn_json_each(&it);)
        rc = qn_json_to_str(it.val, &s, err);
    struct qn_buf b;
    struct qn_jw w;
    qn_buf_init(&b, SIZE_MAX);
    qn_jw_init(&w, &b, NULL);
    qn_jw_value(&w, v);
    if (qn_jw_finish(&w) == 0 && rc == 0)
        *out = qn_arena_str(&mp->ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return rc;
}

static int read_option(struct qn__map *mp, struct qn_field *f, enum qn__option option,
                       struct qn_json_val v, struct said *said, struct qn_err *err)
{
    struct qn_str s;
    struct qn_err inner = {0};
    int rc;
    uint8_t choice = 0;
    switch (option) {
    case OPT_NAME:
    case OPT_TYPE:
    case OPT_FIELD_MAPPINGS:
        return 0;
    case OPT_DESCRIPTION:
        if (qn_json_is_null(v))
            return 0;
        rc = qn_json_to_str(v, &s, err);
        if (rc == 0)
            f->description = qn_arena_str(&mp->ar, s);
        return rc;
    case OPT_STORED:
        return qn_json_to_bool(v, &f->stored, err);
    case OPT_INDEXED:
        return qn_json_to_bool(v, &f->indexed, err);
    case OPT_FAST:
        return qn_json_to_bool(v, &f->columnar, err);
    case OPT_FAST_TEXT:
        return read_fast_text(f, v, err);
    case OPT_TOKENIZER:
        rc = qn_json_to_str(v, &s, err);
        if (rc == 0)
            f->tokenizer = qn_arena_str(&mp->ar, s);
        said->tokenizer = true;
        return rc;
    case OPT_RECORD:
        said->record = true;
        return read_choice(v, qn__record_names, QN_COUNT_OF(qn__record_names), &f->record, err);
    case OPT_FIELDNORMS:
        rc = qn_json_to_bool(v, &f->fieldnorms, err);
        said->fieldnorms = f->fieldnorms;
        return rc;
    case OPT_COERCE:
        return qn_json_to_bool(v, &f->coerce, err);
    case OPT_NUMBER_OUTPUT:
        rc = read_choice(v, qn__number_names, QN_COUNT_OF(qn__number_names), &choice, err);
        f->number_as_string = choice == 1;
        return rc;
    case OPT_INPUT_FORMATS:
        return read_input_formats(mp, f, v, err);
    case OPT_DATE_OUTPUT:
        rc = qn_json_to_str(v, &s, err);
        if (rc == 0 && qn_date_output_parse(&f->output, &mp->ar, s, &inner) < 0)
            rc = qn_json_fail(v, err, QN_E_INVALID, "%s", inner.msg);
        return rc;
    case OPT_PRECISION:
        return read_choice(v, qn__precision_names, QN_COUNT_OF(qn__precision_names), &f->precision,
                           err);
    case OPT_BINARY_INPUT:
        return read_choice(v, qn__binary_names, QN_COUNT_OF(qn__binary_names), &f->input_format,
                           err);
    case OPT_BINARY_OUTPUT:
        return read_choice(v, qn__binary_names, QN_COUNT_OF(qn__binary_names), &f->output_format,
                           err);
    case OPT_EXPAND_DOTS:
        return qn_json_to_bool(v, &f->expand_dots, err);
    case OPT_CONCATENATE_FIELDS:
        return read_names(mp, v, &f->sources, err);
    case OPT_INCLUDE_DYNAMIC:
        return qn_json_to_bool(v, &f->include_dynamic, err);
    }
    return 0;
}

static int read_options(struct qn__map *mp, struct qn_field *f, struct qn_json_val v,
                        struct qn_err *err)
{
    struct said said = {0};
    unsigned bit = qn__type_bit(f), seen = 0;
    for (struct qn_json_iter it = qn_json_iter(v); qn_json_each(&it);) {
        size_t i = 0;
        while (i < qn__n_options &&
               (!(qn__options[i].types & bit) || !qn_str_is(it.key, qn__options[i].key)))
            i++;
        if (i == qn__n_options)
            return qn_json_fail(it.val, err, QN_E_UNKNOWN_KEY, "unknown field `" QN_STR_FMT "`",
                                QN_STR_ARG(it.key));
        if (seen & 1u << qn__options[i].option)
            return qn_json_fail(it.val, err, QN_E_INVALID, "duplicate field `%s`",
                                qn__options[i].key);
        seen |= 1u << qn__options[i].option;
        int rc = read_option(mp, f, qn__options[i].option, it.val, &said, err);
        if (rc < 0)
            return rc;
    }
    if (f->indexed || !(f->type == QN_FIELD_TEXT || f->type == QN_FIELD_JSON))
        return 0;
    if (said.tokenizer || said.record || said.fieldnorms)
        return qn_json_fail(v, err, QN_E_INVALID,
                            "`record`, `tokenizer`, and `fieldnorms` parameters are allowed only "
                            "if indexed is true");
    f->tokenizer = QN_STR_NONE;
    return 0;
}

/* What a type has when nothing is said. */
static void set_defaults(struct qn__map *mp, struct qn_field *f)
{
    f->indexed = true;
    f->coerce = true;
    if (f->type == QN_FIELD_TEXT || f->concatenate)
        f->tokenizer = QN_STR("default");
    else if (f->type == QN_FIELD_JSON)
        f->tokenizer = QN_STR("raw");
    f->expand_dots = true;
    if (f->concatenate)
        f->stored = false;
    if (f->type == QN_FIELD_DATETIME) {
        static const char *const names[] = {"rfc3339", "unix_timestamp"};
        const struct qn_date_format **p = qn_arena_array(&mp->ar, const struct qn_date_format *, 2);
        int rc = qn_date_output_parse(&f->output, &mp->ar, QN_STR("rfc3339"), NULL);
        for (size_t i = 0; i < 2 && rc == 0; i++)
            rc = qn_date_format_parse(&p[i], &mp->ar, QN_DATE_QUICKWIT, qn_str_of(names[i]), NULL);
        QN_ASSERT(rc == 0);
        f->formats = (struct qn_date_formats){.p = p, .n = 2};
        f->precision = QN_DATE_SECONDS;
    }
}

/* "array<i64>" and the like. */
static bool read_type(struct qn_str s, struct qn_field *f)
{
    static const struct {
        const char *name;
        enum qn_field_type type;
    } rows[] = {
        {"text", QN_FIELD_TEXT},         {"i64", QN_FIELD_I64},     {"u64", QN_FIELD_U64},
        {"f64", QN_FIELD_F64},           {"bool", QN_FIELD_BOOL},   {"ip", QN_FIELD_IP},
        {"datetime", QN_FIELD_DATETIME}, {"bytes", QN_FIELD_BYTES}, {"json", QN_FIELD_JSON}};
    if (qn_str_is(s, "object") || qn_str_is(s, "concatenate")) {
        f->concatenate = qn_str_is(s, "concatenate");
        f->type = f->concatenate ? QN_FIELD_JSON : QN_FIELD_OBJECT;
        return true;
    }
    f->array = qn_str_starts(s, QN_STR("array<")) && qn_str_ends(s, QN_STR(">"));
    if (f->array)
        s = qn_str_make(s.p + 6, s.n - 7);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (qn_str_is(s, rows[i].name)) {
            f->type = (uint8_t)rows[i].type;
            return true;
        }
    return false;
}

static int check_tokenizer(struct qn__map *mp, struct qn_field *f, struct qn_json_val v,
                           struct qn_err *err)
{
    if (f->tokenizer.p == NULL)
        return 0;
    f->analyzer = qn_analysis_find(mp->m.analysis, f->tokenizer, false);
    if (f->analyzer == NULL)
        return qn_json_fail(v, err, QN_E_INVALID,
                            "unknown tokenizer `" QN_STR_FMT "` for field `" QN_STR_FMT "`",
                            QN_STR_ARG(f->tokenizer), QN_STR_ARG(f->path));
    return 0;
}

static int parse_fields(struct qn__map *mp, uint32_t parent, struct qn_json_val list, int depth,
                        struct qn_err *err);

static int name_and_type(struct qn_json_val v, struct qn_str *name, struct qn_str *type,
                         struct qn_err *err)
{
    struct qn_json_val m;
    int rc = qn_json_to_obj(v, err);
    if (rc < 0)
        return rc;
    if (!qn_json_get(v, "name", &m))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `name`");
    rc = qn_json_to_str(m, name, err);
    if (rc < 0)
        return rc;
    static const char *const reserved[] = {"_doc_length", "_dynamic", "_field_presence", "_source"};
    for (size_t i = 0; i < QN_COUNT_OF(reserved); i++)
        if (qn_str_is(*name, reserved[i]))
            return qn_json_fail(m, err, QN_E_INVALID,
                                "field name `%s` is reserved. the following fields are reserved "
                                "for Quickwit internal usage: _doc_length, _dynamic, "
                                "_field_presence, _source",
                                reserved[i]);
    if (!qn__field_name_ok(*name))
        return qn_json_fail(m, err, QN_E_INVALID,
                            "field name `" QN_STR_FMT "` is invalid: it must match "
                            "`^[@$_\\-a-zA-Z][@$_/\\.\\-a-zA-Z0-9]{0,254}$`",
                            QN_STR_ARG(*name));
    if (!qn_json_get(v, "type", &m))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `type`");
    return qn_json_to_str(m, type, err);
}

static int parse_object(struct qn__map *mp, uint32_t id, struct qn_json_val v, int depth,
                        struct qn_err *err)
{
    struct qn_json_val list;
    if (!qn_json_get(v, "field_mappings", &list))
        return qn_json_fail(v, err, QN_E_MISSING, "missing field `field_mappings`");
    if (qn_json_is_arr(list) && qn_json_count(list) == 0)
        return qn_json_fail(list, err, QN_E_INVALID,
                            "object type must have at least one field mapping");
    return parse_fields(mp, id, list, depth + 1, err);
}

static int parse_field(struct qn__map *mp, uint32_t parent, struct qn_json_val v, int depth,
                       struct qn_err *err)
{
    struct qn_str name, type;
    struct qn_field kind = {0};
    uint32_t id;
    int rc = name_and_type(v, &name, &type, err);
    if (rc < 0)
        return rc;
    if (!read_type(type, &kind))
        return qn_json_fail(v, err, QN_E_INVALID,
                            "field `" QN_STR_FMT "` has an unknown type: `" QN_STR_FMT "`",
                            QN_STR_ARG(name), QN_STR_ARG(type));
    rc = qn__map_add(mp, parent, name, &id);
    if (rc == QN_E_EXISTS)
        return qn_json_fail(v, err, QN_E_INVALID, "duplicated field definition `" QN_STR_FMT "`",
                            QN_STR_ARG(name));
    if (rc < 0)
        return qn_json_fail(v, err, rc, "more than %d fields", QN_MAPPING_FIELDS);
    struct qn_field *f = &mp->fields.p[id];
    f->type = kind.type;
    f->array = kind.array;
    f->concatenate = kind.concatenate;
    set_defaults(mp, f);
    rc = read_options(mp, f, v, err);
    if (rc == 0)
        rc = check_tokenizer(mp, f, v, err);
    if (rc == 0 && f->type == QN_FIELD_BYTES && f->array && f->columnar)
        rc = qn_json_fail(v, err, QN_E_INVALID, "fast field is not allowed for array<bytes>");
    if (rc == 0 && f->type == QN_FIELD_OBJECT) {
        f->indexed = f->stored = false;
        rc = parse_object(mp, id, v, depth, err);
    }
    return rc;
}

/* The steps of `path` down from `parent`. */
static uint32_t find_below(struct qn__map *mp, uint32_t parent, struct qn_str path)
{
    char buf[256];
    struct qn_str step;
    while (qn_path_next(&path, buf, sizeof buf, &step)) {
        parent = qn__map_child(mp, parent, step);
        if (parent == QN_NO_FIELD)
            break;
    }
    return parent;
}

static int resolve_concatenate(struct qn__map *mp, uint32_t id, struct qn_json_val v,
                               struct qn_err *err)
{
    struct qn_json_val list;
    bool any = false;
    if (qn_json_get(v, "concatenate_fields", &list)) {
        for (struct qn_json_iter it = qn_json_iter(list); qn_json_each(&it);) {
            uint32_t from = find_below(mp, mp->fields.p[id].parent, qn_json_str(it.val));
            if (from == QN_NO_FIELD || mp->fields.p[from].type == QN_FIELD_OBJECT ||
                mp->fields.p[from].concatenate)
                return qn_json_fail(it.val, err, QN_E_INVALID,
                                    "concatenate field uses an unknown field `" QN_STR_FMT "`",
                                    QN_STR_ARG(qn_json_str(it.val)));
            unsigned ok = T_TEXT | T_NUM | T_BOOL | T_JSON;
            if (!(1u << mp->fields.p[from].type & ok))
                return qn_json_fail(it.val, err, QN_E_INVALID,
                                    "subfield `" QN_STR_FMT
                                    "` not supported inside a concatenate field",
                                    QN_STR_ARG(qn_json_str(it.val)));
            qn_vec_push(&mp->wants,
                        ((struct qn__want){.from = from, .copy = {id, QN_COPY_CONCAT}}));
            any = true;
        }
    }
    if (mp->fields.p[id].include_dynamic) {
        any = true;
        if (mp->m.dynamic_field == QN_NO_FIELD)
            return qn_json_fail(v, err, QN_E_INVALID,
                                "concatenate field has `include_dynamic_fields` set, but index "
                                "isn't dynamic");
        qn_vec_push(&mp->wants,
                    ((struct qn__want){.from = mp->m.dynamic_field, .copy = {id, QN_COPY_CONCAT}}));
    }
    if (!any)
        return qn_json_fail(v, err, QN_E_INVALID,
                            "concatenate type must have at least one sub-field");
    return 0;
}

static int parse_fields(struct qn__map *mp, uint32_t parent, struct qn_json_val list, int depth,
                        struct qn_err *err)
{
    int rc = qn_json_to_arr(list, err);
    if (rc == 0 && depth > QN_MAPPING_DEPTH)
        rc = qn_json_fail(list, err, QN_E_TOO_DEEP, "objects are nested too deeply");
    for (struct qn_json_iter it = qn_json_iter(list); rc == 0 && qn_json_each(&it);)
        rc = parse_field(mp, parent, it.val, depth, err);
    for (struct qn_json_iter it = qn_json_iter(list); rc == 0 && qn_json_each(&it);) {
        struct qn_json_val name;
        uint32_t id = qn_json_get(it.val, "name", &name)
                          ? qn__map_child(mp, parent, qn_json_str(name))
                          : QN_NO_FIELD;
        if (id != QN_NO_FIELD && mp->fields.p[id].concatenate)
            rc = resolve_concatenate(mp, id, it.val, err);
    }
    return rc;
}

/* ---- the document as a whole */

static int parse_mode(struct qn__map *mp, struct qn_json_val v, struct qn_err *err)
{
    static const char *const modes[] = {"lenient", "strict", "dynamic"};
    static const enum qn_dynamic values[] = {QN_DYNAMIC_LENIENT, QN_DYNAMIC_STRICT,
                                             QN_DYNAMIC_JSON};
    struct qn_json_val m, dynamic;
    uint8_t mode = 2;
    int rc = 0;
    if (qn_json_get(v, "mode", &m))
        rc = read_choice(m, modes, QN_COUNT_OF(modes), &mode, err);
    if (rc < 0)
        return rc;
    mp->m.mode = values[mode];
    bool given = qn_json_get(v, "dynamic_mapping", &dynamic) && !qn_json_is_null(dynamic);
    if (mp->m.mode != QN_DYNAMIC_JSON) {
        if (given)
            rc = qn_json_fail(
                dynamic, err, QN_E_INVALID,
                "`dynamic_mapping` is only allowed with mode=dynamic. (here mode=`%s`)",
                mode == 0 ? "Lenient" : "Strict");
        return rc;
    }
    uint32_t id;
    rc = qn__map_add(mp, QN_NO_FIELD, QN_STR("_dynamic"), &id);
    QN_ASSERT(rc == 0);
    struct qn_field *f = &mp->fields.p[id];
    f->type = QN_FIELD_JSON;
    f->builtin = true;
    set_defaults(mp, f);
    f->columnar = !given;
    mp->m.dynamic_field = id;
    if (given)
        rc = qn_json_to_obj(dynamic, err);
    if (rc == 0 && given)
        rc = read_options(mp, f, dynamic, err);
    return rc < 0 ? rc : check_tokenizer(mp, f, given ? dynamic : v, err);
}

static int parse_flags(struct qn__map *mp, struct qn_json_val v, struct qn_err *err)
{
    const struct {
        const char *key;
        bool *out;
    } rows[] = {{"index_field_presence", &mp->m.index_field_presence},
                {"store_source", &mp->m.store_source}};
    struct qn_json_val m;
    int rc = 0;
    for (size_t i = 0; i < QN_COUNT_OF(rows) && rc == 0; i++)
        if (qn_json_get(v, rows[i].key, &m))
            rc = qn_json_to_bool(m, rows[i].out, err);
    bool size = false;
    if (rc == 0 &&
        (qn_json_get(v, "store_document_size", &m) || qn_json_get(v, "document_length", &m)))
        rc = qn_json_to_bool(m, &size, err);
    if (rc == 0 && size) {
        uint32_t id;
        rc = qn__map_add(mp, QN_NO_FIELD, QN_STR("_doc_length"), &id);
        QN_ASSERT(rc == 0);
        mp->fields.p[id].type = QN_FIELD_U64;
        mp->fields.p[id].builtin = true;
        mp->fields.p[id].stored = false;
        mp->fields.p[id].columnar = true;
        mp->m.doc_length_field = id;
    }
    uint64_t n;
    if (rc == 0 && qn_json_get(v, "max_num_partitions", &m)) {
        rc = qn_json_to_u64(m, &n, err);
        if (rc == 0 && (n == 0 || n > UINT32_MAX))
            rc = qn_json_fail(m, err, QN_E_RANGE, "expected a nonzero u32");
        if (rc == 0)
            mp->m.max_num_partitions = (uint32_t)n;
    }
    return rc;
}

static int parse_texts(struct qn__map *mp, struct qn_json_val v, struct qn_err *err)
{
    struct qn_json_val m;
    struct qn_str s;
    int rc = 0;
    if (qn_json_get(v, "timestamp_field", &m) && !qn_json_is_null(m)) {
        rc = qn_json_to_str(m, &s, err);
        if (rc == 0)
            mp->m.timestamp_path = qn_arena_str(&mp->ar, s);
    }
    if (rc == 0 && qn_json_get(v, "tag_fields", &m)) {
        rc = qn_json_to_arr(m, err);
        for (struct qn_json_iter it = qn_json_iter(m); rc == 0 && qn_json_each(&it);) {
            rc = qn_json_to_str(it.val, &s, err);
            bool twice = false;
            for (size_t i = 0; rc == 0 && i < mp->tags.n; i++)
                twice = twice || qn_str_eq(mp->tags.p[i], s);
            if (rc == 0 && !twice)
                qn_vec_push(&mp->tags, qn_arena_str(&mp->ar, s));
        }
    }
    if (rc == 0 && qn_json_get(v, "partition_key", &m) && !qn_json_is_null(m)) {
        struct qn_err inner = {0};
        rc = qn_json_to_str(m, &s, err);
        if (rc == 0 && qn_partition_parse(&mp->m.partition, &mp->ar, s, &inner) < 0)
            rc = qn_json_fail(m, err, QN_E_INVALID, "%s", inner.msg);
        mp->partition_text = rc == 0 ? qn_arena_str(&mp->ar, s) : QN_STR_NONE;
    }
    if (rc == 0 && qn_json_get(v, "doc_mapping_uid", &m)) {
        rc = qn_json_to_str(m, &s, err);
        if (rc == 0 && s.n != 26)
            rc = qn_json_fail(m, err, QN_E_INVALID, "invalid doc mapping UID");
        if (rc == 0)
            mp->m.uid = qn_arena_str(&mp->ar, s);
    }
    return rc;
}

int qn_mapping_parse_quickwit(struct qn_mapping **out, struct qn_json_val v, struct qn_err *err)
{
    static const char *const keys[] = {"doc_mapping_uid",
                                       "mode",
                                       "dynamic_mapping",
                                       "field_mappings",
                                       "timestamp_field",
                                       "tag_fields",
                                       "partition_key",
                                       "max_num_partitions",
                                       "index_field_presence",
                                       "store_source",
                                       "store_document_size",
                                       "document_length",
                                       "tokenizers"};
    struct qn_json_val m;
    *out = NULL;
    int rc = qn_json_check_keys(v, keys, QN_COUNT_OF(keys), err);
    if (rc < 0)
        return rc;
    struct qn__map *mp = qn__map_new(QN_DIALECT_QUICKWIT);
    if (qn_json_get(v, "tokenizers", &m))
        rc = qn_analysis_parse_quickwit(&mp->m.analysis, m, err);
    if (rc == 0)
        rc = parse_mode(mp, v, err);
    if (rc == 0)
        rc = parse_flags(mp, v, err);
    if (rc == 0 && qn_json_get(v, "field_mappings", &m))
        rc = parse_fields(mp, QN_NO_FIELD, m, 0, err);
    if (rc == 0)
        rc = parse_texts(mp, v, err);
    if (rc == 0)
        rc = qn__map_freeze(mp, err);
    if (rc < 0) {
        qn__map_free(mp);
        return rc;
    }
    *out = &mp->m;
    return 0;
}
