/* Mappings as Elasticsearch shows them, and the definitions of fields that documents bring. */
#include "mapping_int.h"

/* The members of a JSON object text, into the object that is open in w. */
static void write_members(struct qn_jw *w, struct qn_str object)
{
    struct qn_json_tape t;
    if (object.p == NULL)
        return;
    qn_json_tape_init(&t, &(struct qn_json_options){.max_depth = QN_JSON_MAX_DEPTH});
    int rc = qn_json_read_copy(&t, object, NULL);
    QN_ASSERT(rc == 0);
    for (struct qn_json_iter it = qn_json_iter(qn_json_root(&t)); qn_json_each(&it);) {
        qn_jw_key_str(w, it.key);
        qn_jw_value(w, it.val);
    }
    qn_json_tape_release(&t);
}

static bool is_shown(const struct qn_field *f)
{
    return !f->builtin;
}

static void write_formats(const struct qn_field *f, struct qn_jw *w)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (uint32_t i = 0; i < f->formats.n; i++) {
        if (i > 0)
            qn_buf_put_z(&b, "||");
        qn_buf_put_str(&b, qn_date_format_text(f->formats.p[i]));
    }
    const char *usual = f->es_type == QN_ES_DATE_NANOS
                            ? "strict_date_optional_time_nanos||epoch_millis"
                            : "strict_date_optional_time||epoch_millis";
    if (!qn_str_is(qn_buf_str(&b), usual))
        qn_jw_kv_str(w, "format", qn_buf_str(&b));
    qn_buf_release(&b);
}

/* The parameters that are not at their defaults. */
static void write_params(const struct qn_field *f, struct qn_jw *w)
{
    static const char *const records[] = {"docs", "freqs", "positions"};
    bool text = f->es_type == QN_ES_TEXT || f->es_type == QN_ES_MATCH_ONLY_TEXT;
    bool value = f->type != QN_FIELD_OBJECT && f->type != QN_FIELD_OPAQUE;
    bool binary = f->es_type == QN_ES_BINARY;
    if (value && !f->indexed && !binary)
        qn_jw_kv_bool(w, "index", false);
    if (value && !text && f->columnar == binary)
        qn_jw_kv_bool(w, "doc_values", f->columnar);
    if (text && !qn_str_is(f->tokenizer, "standard"))
        qn_jw_kv_str(w, "analyzer", f->tokenizer);
    if (f->es_normalizer.p != NULL)
        qn_jw_kv_str(w, "normalizer", f->es_normalizer);
    if (f->es_type == QN_ES_TEXT && !f->fieldnorms)
        qn_jw_kv_bool(w, "norms", false);
    if (f->type == QN_FIELD_TEXT && f->record != (text ? QN_RECORD_POSITION : QN_RECORD_BASIC))
        qn_jw_kv_z(w, "index_options", records[f->record]);
    if (f->ignore_above != UINT32_MAX)
        qn_jw_kv_u64(w, "ignore_above", f->ignore_above);
    if (f->type == QN_FIELD_DATETIME)
        write_formats(f, w);
    if (value && !f->coerce)
        qn_jw_kv_bool(w, "coerce", false);
    if (f->ignore_malformed)
        qn_jw_kv_bool(w, "ignore_malformed", true);
    if (f->es_type == QN_ES_SCALED_FLOAT)
        qn_jw_kv_f64(w, "scaling_factor", f->scaling_factor);
    if (f->null_value_json.p != NULL) {
        qn_jw_key(w, "null_value");
        qn_jw_raw(w, f->null_value_json);
    }
    if (f->sources.p != NULL && !f->concatenate) {
        qn_jw_key(w, "copy_to");
        qn_jw_raw(w, f->sources);
    }
    write_members(w, f->es_extra);
}

static void write_children(const struct qn_mapping *m, uint32_t parent, const char *key,
                           struct qn_jw *w)
{
    bool any = false;
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct qn_field *f = &m->fields[i];
        if (f->parent != parent || !is_shown(f))
            continue;
        if (!any) {
            qn_jw_key(w, key);
            qn_jw_obj(w);
            any = true;
        }
        qn_jw_key_str(w, f->name);
        qn_field_write_elastic(m, f, w);
    }
    if (any)
        qn_jw_end(w);
}

static void write_dynamic(enum qn_dynamic dynamic, struct qn_jw *w)
{
    if (dynamic == QN_DYNAMIC_STRICT)
        qn_jw_kv_z(w, "dynamic", "strict");
    else if (dynamic == QN_DYNAMIC_LENIENT)
        qn_jw_kv_z(w, "dynamic", "false");
    else if (dynamic == QN_DYNAMIC_GROW)
        qn_jw_kv_z(w, "dynamic", "true");
}

static bool has_children(const struct qn_mapping *m, const struct qn_field *f)
{
    for (uint32_t i = f->id + 1; i < m->n_fields; i++)
        if (m->fields[i].parent == f->id)
            return true;
    return false;
}

void qn_field_write_elastic(const struct qn_mapping *m, const struct qn_field *f, struct qn_jw *w)
{
    bool object = f->type == QN_FIELD_OBJECT;
    qn_jw_obj(w);
    if (m->dialect == QN_DIALECT_QUICKWIT) {
        qn_jw_kv_z(w, "type", qn_field_es_name(f));
        write_children(m, f->id, "properties", w);
        qn_jw_end(w);
        return;
    }
    write_dynamic((enum qn_dynamic)f->dynamic, w);
    if (!object || f->nested || !has_children(m, f))
        qn_jw_kv_z(w, "type", qn_field_es_name(f));
    write_params(f, w);
    write_children(m, f->id, object ? "properties" : "fields", w);
    qn_jw_end(w);
}

void qn_mapping_write_elastic(const struct qn_mapping *m, struct qn_jw *w)
{
    const struct qn__map *mp = qn__map_of(m);
    qn_jw_obj(w);
    if (m->dialect == QN_DIALECT_ELASTIC) {
        if (m->mode != QN_DYNAMIC_GROW)
            write_dynamic(m->mode, w);
        write_members(w, mp->es_meta);
        if (mp->source_json.p != NULL) {
            qn_jw_key(w, "_source");
            qn_jw_raw(w, mp->source_json);
        }
        if (!m->date_detection)
            qn_jw_kv_bool(w, "date_detection", false);
        if (m->numeric_detection)
            qn_jw_kv_bool(w, "numeric_detection", true);
        if (mp->dynamic_date_formats.p != NULL) {
            qn_jw_key(w, "dynamic_date_formats");
            qn_jw_raw(w, mp->dynamic_date_formats);
        }
        if (mp->templates.n > 0) {
            qn_jw_key(w, "dynamic_templates");
            qn_jw_arr(w);
            for (size_t i = 0; i < mp->templates.n; i++) {
                qn_jw_obj(w);
                qn_jw_key_str(w, mp->templates.p[i].name);
                qn_jw_raw(w, mp->templates.p[i].json);
                qn_jw_end(w);
            }
            qn_jw_end(w);
        }
    }
    write_children(m, QN_NO_FIELD, "properties", w);
    qn_jw_end(w);
}

/* ---- dynamic templates */

/* A string or a list of strings, one of which must match s. Absent: `absent`. */
static bool matches(struct qn_json_val def, const char *key, struct qn_str s, bool absent)
{
    struct qn_json_val v;
    if (!qn_json_get(def, key, &v))
        return absent;
    if (qn_json_is_str(v))
        return qn_str_glob(qn_json_str(v), s);
    for (struct qn_json_iter it = qn_json_iter(v); qn_json_each(&it);)
        if (qn_str_glob(qn_json_str(it.val), s))
            return true;
    return false;
}

/* s with {name} and {dynamic_type} (or {dynamicType}) filled in. */
static void put_filled(struct qn_buf *out, struct qn_str s, struct qn_str name, const char *type)
{
    const struct {
        struct qn_str mark, text;
    } rows[] = {{QN_STR("{name}"), name},
                {QN_STR("{dynamic_type}"), qn_str_of(type)},
                {QN_STR("{dynamicType}"), qn_str_of(type)}};
    for (size_t i = 0; i < s.n;) {
        size_t k = 0;
        while (k < QN_COUNT_OF(rows) && !qn_str_starts(qn_str_from(s, i), rows[k].mark))
            k++;
        if (k == QN_COUNT_OF(rows)) {
            qn_buf_put_u8(out, (uint8_t)s.p[i++]);
        } else {
            qn_buf_put_str(out, rows[k].text);
            i += rows[k].mark.n;
        }
    }
}

/* What a value becomes when its type is left open. */
static const char *default_type(const char *type)
{
    return strcmp(type, "string") == 0 ? "text" : strcmp(type, "double") == 0 ? "float" : type;
}

static void write_filled(struct qn_jw *w, struct qn_json_val v, struct qn_str name,
                         const char *type)
{
    struct qn_buf b;
    if (qn_json_is_obj(v)) {
        qn_jw_obj(w);
        for (struct qn_json_iter it = qn_json_iter(v); qn_json_each(&it);) {
            qn_jw_key_str(w, it.key);
            write_filled(w, it.val, name, type);
        }
        qn_jw_end(w);
    } else if (qn_json_is_str(v)) {
        qn_buf_init(&b, SIZE_MAX);
        put_filled(&b, qn_json_str(v), name, default_type(type));
        qn_jw_str(w, qn_buf_str(&b));
        qn_buf_release(&b);
    } else {
        qn_jw_value(w, v);
    }
}

static void write_template(struct qn_json_val mapping, struct qn_str name, const char *type,
                           struct qn_buf *out)
{
    struct qn_jw w;
    struct qn_json_val v;
    qn_jw_init(&w, out, NULL);
    qn_jw_obj(&w);
    if (!qn_json_get(mapping, "type", &v))
        qn_jw_kv_z(&w, "type", default_type(type));
    for (struct qn_json_iter it = qn_json_iter(mapping); qn_json_each(&it);) {
        qn_jw_key_str(&w, it.key);
        write_filled(&w, it.val, name, type);
    }
    qn_jw_end(&w);
    int rc = qn_jw_finish(&w);
    QN_ASSERT(rc == 0);
}

static void write_default(const struct qn__map *mp, const char *type, struct qn_buf *out)
{
    if (strcmp(type, "string") == 0) {
        qn_buf_put_z(out, "{\"type\":\"text\",\"fields\":{\"keyword\":{\"type\":\"keyword\","
                          "\"ignore_above\":256}}}");
        return;
    }
    qn_buf_printf(out, "{\"type\":\"%s\"", default_type(type));
    if (strcmp(type, "date") == 0 && mp->dynamic_date_formats.p != NULL) {
        struct qn_buf formats;
        qn_buf_init(&formats, SIZE_MAX);
        for (uint32_t i = 0; i < mp->date_formats.n; i++) {
            if (i > 0)
                qn_buf_put_z(&formats, "||");
            qn_buf_put_str(&formats, qn_date_format_text(mp->date_formats.p[i]));
        }
        qn_buf_put_z(out, ",\"format\":");
        qn_json_quote(out, qn_buf_str(&formats));
        qn_buf_release(&formats);
    }
    qn_buf_put_u8(out, '}');
}

bool qn_mapping_new_field(const struct qn_mapping *m, struct qn_str path, struct qn_str name,
                          const char *type, struct qn_buf *out)
{
    const struct qn__map *mp = qn__map_of(m);
    struct qn_json_tape t;
    bool found = false, make = true;
    qn_json_tape_init(&t, &(struct qn_json_options){.max_depth = QN_JSON_MAX_DEPTH});
    for (size_t i = 0; i < mp->templates.n && !found; i++) {
        int rc = qn_json_read_copy(&t, mp->templates.p[i].json, NULL);
        QN_ASSERT(rc == 0);
        struct qn_json_val def = qn_json_root(&t), mapping;
        if (!matches(def, "match_mapping_type", qn_str_of(type), true) ||
            matches(def, "unmatch_mapping_type", qn_str_of(type), false) ||
            !matches(def, "match", name, true) || matches(def, "unmatch", name, false) ||
            !matches(def, "path_match", path, true) || matches(def, "path_unmatch", path, false))
            continue;
        found = true;
        make = qn_json_get(def, "mapping", &mapping); /* "runtime": found at query time only */
        if (make)
            write_template(mapping, name, type, out);
    }
    if (!found)
        write_default(mp, type, out);
    qn_json_tape_release(&t);
    return make;
}
