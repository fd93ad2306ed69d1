/* Elasticsearch's mappings: JSON to fields, for new mappings and for updates of old ones. */
#include <stdlib.h>

#include "mapping_int.h"
#include "schema/doc.h"

#define DATE_FORMAT "strict_date_optional_time||epoch_millis"
#define NANOS_FORMAT "strict_date_optional_time_nanos||epoch_millis"

/* ---- parameters: what is done with each */

enum param {
    P_INERT, /* kept for answers, means nothing here */
    P_TYPE,
    P_INDEX,
    P_DOC_VALUES,
    P_FIELDS,
    P_COPY_TO,
    P_NULL_VALUE,
    P_IGNORE_MALFORMED,
    P_COERCE,
    P_NORMS,
    P_INDEX_OPTIONS,
    P_ANALYZER,
    P_NORMALIZER,
    P_IGNORE_ABOVE,
    P_FORMAT,
    P_SCALING_FACTOR,
    P_PROPERTIES,
    P_DYNAMIC,
    P_ENABLED,
};

static const struct {
    const char *key;
    enum param param;
} params[] = {
    {"type", P_TYPE},
    {"index", P_INDEX},
    {"doc_values", P_DOC_VALUES},
    {"fields", P_FIELDS},
    {"copy_to", P_COPY_TO},
    {"null_value", P_NULL_VALUE},
    {"ignore_malformed", P_IGNORE_MALFORMED},
    {"coerce", P_COERCE},
    {"norms", P_NORMS},
    {"index_options", P_INDEX_OPTIONS},
    {"analyzer", P_ANALYZER},
    {"normalizer", P_NORMALIZER},
    {"ignore_above", P_IGNORE_ABOVE},
    {"format", P_FORMAT},
    {"scaling_factor", P_SCALING_FACTOR},
    {"properties", P_PROPERTIES},
    {"dynamic", P_DYNAMIC},
    {"enabled", P_ENABLED},
    {"boost", P_INERT},
    {"depth_limit", P_INERT},
    {"dims", P_INERT},
    {"element_type", P_INERT},
    {"eager_global_ordinals", P_INERT},
    {"fielddata", P_INERT},
    {"fielddata_frequency_filter", P_INERT},
    {"ignore_z_value", P_INERT},
    {"include_in_parent", P_INERT},
    {"include_in_root", P_INERT},
    {"index_phrases", P_INERT},
    {"index_prefixes", P_INERT},
    {"locale", P_INERT},
    {"max_input_length", P_INERT},
    {"meta", P_INERT},
    {"on_script_error", P_INERT},
    {"position_increment_gap", P_INERT},
    {"preserve_position_increments", P_INERT},
    {"preserve_separators", P_INERT},
    {"search_analyzer", P_INERT},
    {"search_quote_analyzer", P_INERT},
    {"similarity", P_INERT},
    {"split_queries_on_whitespace", P_INERT},
    {"store", P_INERT},
    {"subobjects", P_INERT},
    {"synthetic_source_keep", P_INERT},
    {"term_vector", P_INERT},
    {"time_series_dimension", P_INERT},
    {"time_series_metric", P_INERT},
    {"value", P_INERT},
};

static const struct {
    enum qn_es_type es;
    enum qn_field_type type;
    bool indexed, columnar;
} types[] = {
    {QN_ES_TEXT, QN_FIELD_TEXT, true, false},
    {QN_ES_MATCH_ONLY_TEXT, QN_FIELD_TEXT, true, false},
    {QN_ES_KEYWORD, QN_FIELD_TEXT, true, true},
    {QN_ES_CONSTANT_KEYWORD, QN_FIELD_TEXT, true, true},
    {QN_ES_WILDCARD, QN_FIELD_TEXT, true, true},
    {QN_ES_LONG, QN_FIELD_I64, true, true},
    {QN_ES_INTEGER, QN_FIELD_I64, true, true},
    {QN_ES_SHORT, QN_FIELD_I64, true, true},
    {QN_ES_BYTE, QN_FIELD_I64, true, true},
    {QN_ES_UNSIGNED_LONG, QN_FIELD_U64, true, true},
    {QN_ES_DOUBLE, QN_FIELD_F64, true, true},
    {QN_ES_FLOAT, QN_FIELD_F64, true, true},
    {QN_ES_HALF_FLOAT, QN_FIELD_F64, true, true},
    {QN_ES_SCALED_FLOAT, QN_FIELD_F64, true, true},
    {QN_ES_BOOLEAN, QN_FIELD_BOOL, true, true},
    {QN_ES_DATE, QN_FIELD_DATETIME, true, true},
    {QN_ES_DATE_NANOS, QN_FIELD_DATETIME, true, true},
    {QN_ES_IP, QN_FIELD_IP, true, true},
    {QN_ES_BINARY, QN_FIELD_BYTES, false, false},
    {QN_ES_FLATTENED, QN_FIELD_JSON, true, true},
    {QN_ES_OBJECT, QN_FIELD_OBJECT, false, false},
    {QN_ES_NESTED, QN_FIELD_OBJECT, false, false},
    {QN_ES_GEO_POINT, QN_FIELD_OPAQUE, false, false},
    {QN_ES_GEO_SHAPE, QN_FIELD_OPAQUE, false, false},
    {QN_ES_HISTOGRAM, QN_FIELD_OPAQUE, false, false},
    {QN_ES_COMPLETION, QN_FIELD_OPAQUE, false, false},
    {QN_ES_DENSE_VECTOR, QN_FIELD_OPAQUE, false, false},
};

static bool is_text(const struct qn_field *f)
{
    return f->es_type == QN_ES_TEXT || f->es_type == QN_ES_MATCH_ONLY_TEXT;
}

/* The type of a definition by its name; f gets the type's defaults. */
static bool set_type(struct qn_field *f, struct qn_str name)
{
    for (size_t i = 0; i < QN_COUNT_OF(types); i++) {
        if (!qn_str_is(name, qn_es_type_name(types[i].es)))
            continue;
        f->es_type = (uint8_t)types[i].es;
        f->type = (uint8_t)types[i].type;
        f->indexed = types[i].indexed;
        f->columnar = types[i].columnar;
        f->coerce = true;
        f->nested = types[i].es == QN_ES_NESTED;
        f->expand_dots = true;
        f->precision = types[i].es == QN_ES_DATE ? QN_DATE_MILLIS : QN_DATE_NANOS;
        if (is_text(f)) {
            f->tokenizer = QN_STR("standard");
            f->record = QN_RECORD_POSITION;
            f->fieldnorms = types[i].es == QN_ES_TEXT;
        } else if (f->type == QN_FIELD_TEXT || f->type == QN_FIELD_JSON) {
            f->tokenizer = QN_STR("keyword");
        }
        return true;
    }
    return false;
}

/* ---- values that may be written as strings */

static int read_bool(struct qn_json_val v, bool *out, struct qn_err *err)
{
    if (qn_json_is_str(v) && qn_str_is(qn_json_str(v), "true"))
        *out = true;
    else if (qn_json_is_str(v) && qn_str_is(qn_json_str(v), "false"))
        *out = false;
    else
        return qn_json_to_bool(v, out, err);
    return 0;
}

static int read_u32(struct qn_json_val v, uint32_t *out, struct qn_err *err)
{
    uint64_t u = 0;
    int rc = qn_json_is_str(v) ? qn_str_to_u64(qn_json_str(v), &u) : qn_json_to_u64(v, &u, err);
    if (rc == 0 && u > INT32_MAX)
        rc = QN_E_RANGE;
    if (rc < 0)
        return qn_json_fail(v, err, rc, "expected an integer");
    *out = (uint32_t)u;
    return 0;
}

static int read_dynamic(struct qn_json_val v, uint8_t *out, struct qn_err *err)
{
    struct qn_str s = qn_json_str(v);
    if (qn_json_type(v) == QN_JSON_TRUE || qn_str_is(s, "true") || qn_str_is(s, "runtime"))
        *out = QN_DYNAMIC_GROW;
    else if (qn_json_type(v) == QN_JSON_FALSE || qn_str_is(s, "false"))
        *out = QN_DYNAMIC_LENIENT;
    else if (qn_str_is(s, "strict"))
        *out = QN_DYNAMIC_STRICT;
    else
        return qn_json_fail(v, err, QN_E_INVALID,
                            "[dynamic] must be one of [true, false, strict, runtime]");
    return 0;
}

/* ---- one definition */

static int read_copy_to(struct qn__map *mp, struct qn_field *f, struct qn_json_val v,
                        struct qn_err *err)
{
    struct qn_str s;
    bool single = qn_json_is_str(v);
    int rc = single ? 0 : qn_json_to_arr(v, err);
    size_t n = 0;
    for (size_t i = 0; i < mp->wants.n; i++) /* of an earlier definition of the field */
        if (mp->wants.p[i].from != f->id || mp->wants.p[i].to.p == NULL)
            mp->wants.p[n++] = mp->wants.p[i];
    mp->wants.n = n;
    struct qn_json_iter it = qn_json_iter(v);
    while (rc == 0 && (single || qn_json_each(&it))) {
        rc = qn_json_to_str(single ? v : it.val, &s, err);
        if (rc == 0) {
            struct qn__want want = {.from = f->id, .copy = {QN_NO_FIELD, QN_COPY_TO}};
            want.to = qn_arena_str(&mp->ar, s);
            qn_vec_push(&mp->wants, want);
        }
        if (single)
            break;
    }
    if (rc == 0 && single) {
        struct qn_buf b;
        qn_buf_init(&b, SIZE_MAX);
        qn_buf_put_u8(&b, '[');
        qn_buf_put_str(&b, qn_json_raw(v));
        qn_buf_put_u8(&b, ']');
        f->sources = qn_arena_str(&mp->ar, qn_buf_str(&b));
        qn_buf_release(&b);
    } else if (rc == 0) {
        f->sources = qn_arena_str(&mp->ar, qn_json_raw(v));
    }
    return rc;
}

static int read_index_options(struct qn_field *f, struct qn_json_val v, struct qn_err *err)
{
    struct qn_str s;
    int rc = qn_json_to_str(v, &s, err);
    if (rc < 0)
        return rc;
    if (qn_str_is(s, "docs"))
        f->record = QN_RECORD_BASIC;
    else if (qn_str_is(s, "freqs"))
        f->record = QN_RECORD_FREQ;
    else if (qn_str_is(s, "positions") || qn_str_is(s, "offsets"))
        f->record = QN_RECORD_POSITION;
    else
        return qn_json_fail(v, err, QN_E_INVALID,
                            "Unknown value [" QN_STR_FMT "] for field "
                            "[index_options]",
                            QN_STR_ARG(s));
    return 0;
}

static int read_param(struct qn__map *mp, struct qn_field *f, enum param param,
                      struct qn_json_val v, struct qn_err *err)
{
    struct qn_str s;
    int rc;
    switch (param) {
    case P_INDEX:
        return read_bool(v, &f->indexed, err);
    case P_DOC_VALUES:
        return read_bool(v, &f->columnar, err);
    case P_COPY_TO:
        return read_copy_to(mp, f, v, err);
    case P_IGNORE_MALFORMED:
        return read_bool(v, &f->ignore_malformed, err);
    case P_COERCE:
        return read_bool(v, &f->coerce, err);
    case P_NORMS:
        return read_bool(v, &f->fieldnorms, err);
    case P_INDEX_OPTIONS:
        return read_index_options(f, v, err);
    case P_ANALYZER:
        rc = qn_json_to_str(v, &s, err);
        if (rc == 0 && f->type == QN_FIELD_TEXT)
            f->tokenizer = qn_arena_str(&mp->ar, s);
        return rc;
    case P_NORMALIZER:
        rc = qn_json_is_null(v) ? QN_END : qn_json_to_str(v, &s, err);
        if (rc == 0)
            f->es_normalizer = qn_arena_str(&mp->ar, s);
        return rc < 0 ? rc : 0;
    case P_IGNORE_ABOVE:
        return read_u32(v, &f->ignore_above, err);
    case P_SCALING_FACTOR:
        rc = qn_json_to_f64(v, &f->scaling_factor, err);
        if (rc == 0 && !(f->scaling_factor > 0))
            rc = qn_json_fail(v, err, QN_E_INVALID, "[scaling_factor] must be a positive number");
        return rc;
    case P_DYNAMIC:
        return read_dynamic(v, &f->dynamic, err);
    case P_NULL_VALUE:
        f->null_value_json = qn_arena_str(&mp->ar, qn_json_raw(v));
        return 0;
    default:
        return 0;
    }
}

/* format, analyzer and null_value need all other parameters first. */
static int finish_field(struct qn__map *mp, struct qn_field *f, struct qn_json_val def,
                        struct qn_err *err)
{
    struct qn_json_val v;
    struct qn_err inner = {0};
    int rc = 0;
    if (f->type == QN_FIELD_DATETIME) {
        struct qn_str s = f->es_type == QN_ES_DATE ? QN_STR(DATE_FORMAT) : QN_STR(NANOS_FORMAT);
        bool given = qn_json_get(def, "format", &v);
        if (given)
            rc = qn_json_to_str(v, &s, err);
        if (rc == 0 && qn_date_formats_parse(&f->formats, &mp->ar, s, &inner) < 0)
            rc = qn_json_fail(given ? v : def, err, QN_E_INVALID, "%s", inner.msg);
    }
    if (rc == 0 && f->tokenizer.p != NULL) {
        f->analyzer = qn_analysis_find(mp->m.analysis, f->tokenizer, true);
        if (f->es_normalizer.p != NULL) {
            f->analyzer = qn_analysis_normalizer(mp->m.analysis, f->es_normalizer);
            if (f->analyzer == NULL)
                return qn_json_fail(def, err, QN_E_INVALID,
                                    "normalizer [" QN_STR_FMT "] not found for field [" QN_STR_FMT
                                    "]",
                                    QN_STR_ARG(f->es_normalizer), QN_STR_ARG(f->name));
            f->normalizer =
                qn_analyzer_lowercases(f->analyzer) ? QN_NORMALIZER_LOWERCASE : QN_NORMALIZER_RAW;
        }
        if (f->analyzer == NULL)
            rc = qn_json_fail(def, err, QN_E_INVALID,
                              "analyzer [" QN_STR_FMT "] has not been configured in mappings",
                              QN_STR_ARG(f->tokenizer));
    }
    if (rc == 0 && f->null_value_json.p != NULL && qn_json_get(def, "null_value", &v) &&
        !qn_json_is_null(v)) {
        struct qn_date_context cx = {0};
        f->null_value.type = QN_VALUE_NONE;
        rc = qn_field_read(f, v, &cx, &mp->ar, &f->null_value, err);
        if (rc == 0 && f->null_value.type == QN_VALUE_STR)
            f->null_value.str = qn_arena_str(&mp->ar, f->null_value.str);
    }
    return rc;
}

/* The members of a definition; inert ones are kept as a JSON object. */
static int read_params(struct qn__map *mp, struct qn_field *f, struct qn_json_val def,
                       struct qn_err *err)
{
    struct qn_buf extra;
    struct qn_jw w;
    bool any = false;
    int rc = 0;
    qn_buf_init(&extra, SIZE_MAX);
    qn_jw_init(&w, &extra, NULL);
    qn_jw_obj(&w);
    for (struct qn_json_iter it = qn_json_iter(def); rc == 0 && qn_json_each(&it);) {
        size_t i = 0;
        while (i < QN_COUNT_OF(params) && !qn_str_is(it.key, params[i].key))
            i++;
        if (i == QN_COUNT_OF(params)) {
            rc = qn_json_fail(it.val, err, QN_E_UNKNOWN_KEY,
                              "unknown parameter [" QN_STR_FMT "] on mapper [" QN_STR_FMT
                              "] of type [%s]",
                              QN_STR_ARG(it.key), QN_STR_ARG(f->name), qn_field_es_name(f));
            break;
        }
        rc = read_param(mp, f, params[i].param, it.val, err);
        bool offsets =
            params[i].param == P_INDEX_OPTIONS && qn_str_is(qn_json_str(it.val), "offsets");
        bool enabled = params[i].param == P_ENABLED;
        if (params[i].param == P_INERT || offsets || enabled) {
            qn_jw_key_str(&w, it.key);
            qn_jw_value(&w, it.val);
            any = true;
        }
        bool on = true;
        if (rc == 0 && enabled) {
            rc = read_bool(it.val, &on, err);
            if (!on)
                f->type = QN_FIELD_OPAQUE;
        }
    }
    qn_jw_end(&w);
    if (qn_jw_finish(&w) == 0 && any)
        f->es_extra = qn_arena_str(&mp->ar, qn_buf_str(&extra));
    qn_buf_release(&extra);
    return rc < 0 ? rc : finish_field(mp, f, def, err);
}

static int def_type(struct qn_json_val def, struct qn_str name, struct qn_str *type,
                    struct qn_err *err)
{
    struct qn_json_val v;
    if (!qn_json_is_obj(def))
        return qn_json_fail(def, err, QN_E_TYPE,
                            "Expected map for property [" QN_STR_FMT "] but got %s",
                            QN_STR_ARG(name), qn_json_type_name(qn_json_type(def)));
    if (qn_json_get(def, "type", &v))
        return qn_json_to_str(v, type, err);
    *type = QN_STR("object");
    if (qn_json_get(def, "properties", &v) || qn_json_get(def, "dynamic", &v) ||
        qn_json_get(def, "enabled", &v) || qn_json_count(def) == 0)
        return 0;
    return qn_json_fail(def, err, QN_E_INVALID, "No type specified for field [" QN_STR_FMT "]",
                        QN_STR_ARG(name));
}

/* What an existing field may not become. */
static const char *conflict(const struct qn_field *a, const struct qn_field *b)
{
    if (a->indexed != b->indexed)
        return "index";
    if (a->columnar != b->columnar)
        return "doc_values";
    if (!qn_str_eq(a->tokenizer, b->tokenizer))
        return "analyzer";
    if (!qn_str_eq(a->es_normalizer, b->es_normalizer))
        return "normalizer";
    if (a->record != b->record)
        return "index_options";
    if (a->scaling_factor != b->scaling_factor)
        return "scaling_factor";
    if (!qn_str_eq(a->null_value_json, b->null_value_json))
        return "null_value";
    bool same = a->formats.n == b->formats.n;
    for (uint32_t i = 0; same && i < a->formats.n; i++)
        same =
            qn_str_eq(qn_date_format_text(a->formats.p[i]), qn_date_format_text(b->formats.p[i]));
    return same ? NULL : "format";
}

static int update_field(struct qn__map *mp, uint32_t id, struct qn_str type, struct qn_json_val def,
                        struct qn_err *err)
{
    struct qn_field old = mp->fields.p[id], now = old;
    if (!qn_str_is(type, qn_field_es_name(&old)))
        return qn_json_fail(def, err, QN_E_INVALID,
                            "mapper [" QN_STR_FMT "] cannot be changed from type [%s] to "
                            "[" QN_STR_FMT "]",
                            QN_STR_ARG(old.path), qn_field_es_name(&old), QN_STR_ARG(type));
    if (old.type == QN_FIELD_OBJECT) {
        struct qn_json_val v;
        return qn_json_get(def, "dynamic", &v) ? read_dynamic(v, &mp->fields.p[id].dynamic, err)
                                               : 0;
    }
    set_type(&now, type);
    now.null_value = (struct qn_value){0};
    now.null_value_json = now.es_normalizer = now.es_extra = QN_STR_NONE;
    now.scaling_factor = 1;
    now.ignore_above = UINT32_MAX;
    now.ignore_malformed = false;
    int rc = read_params(mp, &now, def, err);
    const char *what = rc == 0 ? conflict(&old, &now) : NULL;
    if (what != NULL)
        return qn_json_fail(def, err, QN_E_INVALID,
                            "Mapper for [" QN_STR_FMT "] conflicts with existing mapper: Cannot "
                            "update parameter [%s]",
                            QN_STR_ARG(old.path), what);
    if (rc == 0)
        mp->fields.p[id] = now;
    return rc;
}

static int define(struct qn__map *mp, uint32_t parent, struct qn_str name, struct qn_json_val def,
                  bool multi, int depth, struct qn_err *err);

static int define_multi(struct qn__map *mp, uint32_t id, struct qn_json_val fields, int depth,
                        struct qn_err *err)
{
    int rc = qn_json_to_obj(fields, err);
    for (struct qn_json_iter it = qn_json_iter(fields); rc == 0 && qn_json_each(&it);)
        rc = define(mp, id, it.key, it.val, true, depth + 1, err);
    return rc;
}

/* One field, new or known, with what is below it. */
static int define(struct qn__map *mp, uint32_t parent, struct qn_str name, struct qn_json_val def,
                  bool multi, int depth, struct qn_err *err)
{
    struct qn_str type;
    struct qn_json_val below;
    if (depth > QN_MAPPING_DEPTH)
        return qn_json_fail(def, err, QN_E_TOO_DEEP,
                            "Limit of mapping depth [%d] has been exceeded", QN_MAPPING_DEPTH);
    if (name.n == 0)
        return qn_json_fail(def, err, QN_E_INVALID, "field name cannot be an empty string");
    int rc = def_type(def, name, &type, err);
    if (rc < 0)
        return rc;
    uint32_t id = qn__map_child(mp, parent, name);
    if (id != QN_NO_FIELD) {
        rc = update_field(mp, id, type, def, err);
    } else {
        struct qn_field kind = {0};
        if (!set_type(&kind, type))
            return qn_json_fail(def, err, QN_E_INVALID,
                                "No handler for type [" QN_STR_FMT
                                "] declared on field [" QN_STR_FMT "]",
                                QN_STR_ARG(type), QN_STR_ARG(name));
        if (multi && (kind.type == QN_FIELD_OBJECT || kind.type == QN_FIELD_JSON))
            return qn_json_fail(def, err, QN_E_INVALID,
                                "Type [" QN_STR_FMT "] cannot be used in multi field",
                                QN_STR_ARG(type));
        rc = qn__map_add(mp, parent, name, &id);
        if (rc < 0)
            return qn_json_fail(def, err, rc, "Limit of total fields [%d] has been exceeded",
                                QN_MAPPING_FIELDS);
        struct qn_field *f = &mp->fields.p[id];
        set_type(f, type);
        f->array = true;
        f->multi_field = multi;
        rc = read_params(mp, f, def, err);
        if (rc == 0 && multi)
            qn_vec_push(&mp->wants,
                        ((struct qn__want){.from = parent, .copy = {id, QN_COPY_MULTI}}));
    }
    if (rc == 0 && mp->fields.p[id].type == QN_FIELD_OBJECT &&
        qn_json_get(def, "properties", &below))
        rc = qn__elastic_properties(mp, id, below, depth + 1, err);
    if (rc == 0 && qn_json_get(def, "fields", &below))
        rc = define_multi(mp, id, below, depth, err);
    return rc;
}

/* The object at `name` below parent, made when missing: for dots in names. */
static int intermediate(struct qn__map *mp, uint32_t parent, struct qn_str name, uint32_t *id,
                        struct qn_json_val at, struct qn_err *err)
{
    *id = qn__map_child(mp, parent, name);
    if (*id == QN_NO_FIELD) {
        if (name.n == 0)
            return qn_json_fail(at, err, QN_E_INVALID,
                                "field name cannot contain only dots or start or end with one");
        int rc = qn__map_add(mp, parent, name, id);
        if (rc < 0)
            return qn_json_fail(at, err, rc, "Limit of total fields [%d] has been exceeded",
                                QN_MAPPING_FIELDS);
        set_type(&mp->fields.p[*id], QN_STR("object"));
    }
    if (mp->fields.p[*id].type == QN_FIELD_OBJECT)
        return 0;
    return qn_json_fail(at, err, QN_E_INVALID,
                        "can't merge a non object mapping [" QN_STR_FMT "] with an object mapping",
                        QN_STR_ARG(mp->fields.p[*id].path));
}

int qn__elastic_properties(struct qn__map *mp, uint32_t parent, struct qn_json_val props, int depth,
                           struct qn_err *err)
{
    int rc = qn_json_to_obj(props, err);
    for (struct qn_json_iter it = qn_json_iter(props); rc == 0 && qn_json_each(&it);) {
        uint32_t at = parent;
        struct qn_str rest = it.key, step;
        int levels = depth;
        while (rc == 0 && qn_str_split(&rest, '.', &step) && rest.p != NULL) {
            rc = ++levels > QN_MAPPING_DEPTH
                     ? qn_json_fail(it.val, err, QN_E_TOO_DEEP, "the name has too many dots")
                     : intermediate(mp, at, step, &at, it.val, err);
        }
        if (rc == 0)
            rc = define(mp, at, step, it.val, false, levels, err);
    }
    return rc;
}

/* ---- the root */

static int check_template(struct qn_json_val def, struct qn_err *err)
{
    static const char *const keys[] = {
        "match_mapping_type", "unmatch_mapping_type", "match",   "unmatch", "path_match",
        "path_unmatch",       "match_pattern",        "mapping", "runtime"};
    struct qn_json_val v;
    int rc = qn_json_check_keys(def, keys, QN_COUNT_OF(keys), err);
    if (rc < 0)
        return rc;
    if (qn_json_get(def, "match_pattern", &v) && !qn_str_is(qn_json_str(v), "simple"))
        return qn_json_fail(v, err, QN_E_UNSUPPORTED, "match_pattern must be [simple]");
    if (!qn_json_get(def, "mapping", &v) && !qn_json_get(def, "runtime", &v))
        return qn_json_fail(def, err, QN_E_INVALID,
                            "template must have either mapping or runtime set");
    return qn_json_to_obj(v, err);
}

static int read_templates(struct qn__map *mp, struct qn_json_val list, struct qn_err *err)
{
    int rc = qn_json_to_arr(list, err);
    qn_vec_clear(&mp->templates);
    for (struct qn_json_iter it = qn_json_iter(list); rc == 0 && qn_json_each(&it);) {
        struct qn_json_iter one = qn_json_iter(it.val);
        if (qn_json_count(it.val) != 1 || !qn_json_is_obj(it.val) || !qn_json_each(&one))
            return qn_json_fail(it.val, err, QN_E_INVALID,
                                "A dynamic template must be defined with a name");
        rc = check_template(one.val, err);
        if (rc == 0) {
            struct qn__template t = {qn_arena_str(&mp->ar, one.key),
                                     qn_arena_str(&mp->ar, qn_json_raw(one.val))};
            qn_vec_push(&mp->templates, t);
        }
    }
    return rc;
}

static int read_date_formats(struct qn__map *mp, struct qn_json_val list, struct qn_err *err)
{
    struct qn_buf b;
    struct qn_str s;
    struct qn_err inner = {0};
    int rc = qn_json_to_arr(list, err);
    qn_buf_init(&b, SIZE_MAX);
    for (struct qn_json_iter it = qn_json_iter(list); rc == 0 && qn_json_each(&it);) {
        rc = qn_json_to_str(it.val, &s, err);
        if (b.n > 0)
            qn_buf_put_z(&b, "||");
        if (rc == 0)
            qn_buf_put_str(&b, s);
    }
    if (rc == 0 && b.n > 0 &&
        qn_date_formats_parse(&mp->date_formats, &mp->ar, qn_buf_str(&b), &inner) < 0)
        rc = qn_json_fail(list, err, QN_E_INVALID, "%s", inner.msg);
    if (rc == 0)
        mp->dynamic_date_formats = qn_arena_str(&mp->ar, qn_json_raw(list));
    qn_buf_release(&b);
    return rc;
}

static int read_root_member(struct qn__map *mp, struct qn_str key, struct qn_json_val v,
                            struct qn_jw *meta, struct qn_err *err)
{
    static const char *const inert[] = {"_meta",   "_routing",   "_field_names",           "_size",
                                        "runtime", "subobjects", "_data_stream_timestamp", "_tier",
                                        "enabled"};
    uint8_t dynamic;
    int rc;
    if (qn_str_is(key, "properties"))
        return qn__elastic_properties(mp, QN_NO_FIELD, v, 0, err);
    if (qn_str_is(key, "dynamic")) {
        rc = read_dynamic(v, &dynamic, err);
        if (rc == 0)
            mp->m.mode = (enum qn_dynamic)dynamic;
        return rc;
    }
    if (qn_str_is(key, "date_detection"))
        return read_bool(v, &mp->m.date_detection, err);
    if (qn_str_is(key, "numeric_detection"))
        return read_bool(v, &mp->m.numeric_detection, err);
    if (qn_str_is(key, "dynamic_templates"))
        return read_templates(mp, v, err);
    if (qn_str_is(key, "dynamic_date_formats"))
        return read_date_formats(mp, v, err);
    if (qn_str_is(key, "_source")) {
        rc = qn_json_to_obj(v, err);
        mp->source_json = rc == 0 ? qn_arena_str(&mp->ar, qn_json_raw(v)) : QN_STR_NONE;
        return rc;
    }
    for (size_t i = 0; i < QN_COUNT_OF(inert); i++)
        if (qn_str_is(key, inert[i])) {
            qn_jw_key_str(meta, key);
            qn_jw_value(meta, v);
            return 0;
        }
    return qn_json_fail(v, err, QN_E_UNKNOWN_KEY,
                        "Root mapping definition has unsupported parameters:  [" QN_STR_FMT "]",
                        QN_STR_ARG(key));
}

/* {"_doc": {"properties": ..}}: the form with a type name, from before version 7. */
static struct qn_json_val unwrap(struct qn_json_val v)
{
    struct qn_json_iter it = qn_json_iter(v);
    struct qn_json_val inner, any;
    if (qn_json_count(v) != 1 || !qn_json_each(&it) || !qn_json_is_obj(it.val))
        return v;
    inner = it.val;
    if (qn_str_is(it.key, "_doc"))
        return inner;
    bool known = qn_str_is(it.key, "properties") || (it.key.n > 0 && it.key.p[0] == '_') ||
                 qn_str_is(it.key, "runtime");
    return !known && qn_json_get(inner, "properties", &any) && qn_json_is_obj(any) ? inner : v;
}

int qn__elastic_root(struct qn__map *mp, struct qn_json_val v, bool update, struct qn_err *err)
{
    struct qn_buf meta;
    struct qn_jw w;
    int rc = qn_json_to_obj(v, err);
    if (rc < 0)
        return rc;
    v = unwrap(v);
    qn_buf_init(&meta, SIZE_MAX);
    qn_jw_init(&w, &meta, NULL);
    qn_jw_obj(&w);
    for (struct qn_json_iter it = qn_json_iter(v); rc == 0 && qn_json_each(&it);)
        rc = read_root_member(mp, it.key, it.val, &w, err);
    qn_jw_end(&w);
    if (qn_jw_finish(&w) == 0 && (meta.n > 2 || !update))
        mp->es_meta = qn_arena_str(&mp->ar, qn_buf_str(&meta));
    qn_buf_release(&meta);
    return rc;
}

int qn_mapping_parse_elastic(struct qn_mapping **out, struct qn_json_val v,
                             struct qn_analysis *analysis, struct qn_err *err)
{
    *out = NULL;
    struct qn__map *mp = qn__map_new(QN_DIALECT_ELASTIC);
    mp->m.mode = QN_DYNAMIC_GROW;
    mp->m.store_source = true;
    mp->m.index_field_presence = true;
    mp->m.date_detection = true;
    mp->m.analysis = qn_analysis_ref(analysis);
    int rc = qn_date_formats_parse(&mp->date_formats, &mp->ar,
                                   QN_STR("strict_date_optional_time||yyyy/MM/dd HH:mm:ss Z||"
                                          "yyyy/MM/dd Z||yyyy/MM/dd HH:mm:ss||yyyy/MM/dd"),
                                   err);
    if (rc == 0)
        rc = qn__elastic_root(mp, v, false, err);
    if (rc == 0)
        rc = qn__map_freeze(mp, err);
    if (rc < 0) {
        qn__map_free(mp);
        return rc;
    }
    *out = &mp->m;
    return 0;
}

int qn_mapping_update(struct qn_mapping **out, const struct qn_mapping *old,
                      struct qn_json_val mappings, struct qn_err *err)
{
    *out = NULL;
    if (old->dialect != QN_DIALECT_ELASTIC)
        return qn_fail(err, QN_E_UNSUPPORTED,
                       "the mapping of this index is a Quickwit doc mapping: update the index");
    struct qn__map *mp = qn__map_clone(old);
    int rc = qn__elastic_root(mp, mappings, true, err);
    if (rc == 0)
        rc = qn__map_freeze(mp, err);
    if (rc == 0 && !qn_mapping_same(old, &mp->m)) {
        *out = &mp->m;
        return 0;
    }
    qn__map_free(mp);
    if (rc == 0)
        *out = qn_mapping_ref(old);
    return rc;
}
