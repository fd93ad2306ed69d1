#include "index_config_int.h"

/* Members of a section: what they are when they are not given, which also says of what type. */
struct member {
    const char *name, *def; /* def NULL: left out when not given */
};

static const struct member indexing[] = {
    {"commit_timeout_secs", "60"},
    {"docstore_blocksize", "1000000"},
    {"docstore_compression_level", "8"},
    {"split_num_docs_target", "10000000"},
    {"merge_policy", "{\"type\":\"stable_log\",\"min_level_num_docs\":100000,\"merge_factor\":10,"
                     "\"max_merge_factor\":12,\"maturation_period\":\"2days\"}"},
    {"resources", "{\"heap_size\":\"2.0 GB\"}"},
};
static const struct member ingesting[] = {{"min_shards", "1"}, {"validate_docs", "true"}};
static const struct member searching[] = {{"default_search_fields", "[]"}};
static const struct member retention[] = {{"period", NULL}, {"schedule", "\"hourly\""}};

static const struct section {
    const char *name;
    const struct member *members;
    size_t n;
    bool optional; /* not written when it is not given */
} sections[] = {
    {"indexing_settings", indexing, QN_COUNT_OF(indexing), false},
    {"ingest_settings", ingesting, QN_COUNT_OF(ingesting), false},
    {"search_settings", searching, QN_COUNT_OF(searching), false},
    {"retention", retention, QN_COUNT_OF(retention), true},
};

static const char *const top_keys[] = {"version",         "index_id",          "index_uri",
                                       "doc_mapping",     "indexing_settings", "ingest_settings",
                                       "search_settings", "retention"};

/* A member is of the JSON type of its default. */
static bool fits(const struct member *mb, struct qn_json_val v)
{
    switch (mb->def != NULL ? mb->def[0] : '"') {
    case '"':
        return qn_json_is_str(v);
    case '{':
        return qn_json_is_obj(v);
    case '[':
        return qn_json_is_arr(v);
    case 't':
    case 'f':
        return qn_json_is_bool(v);
    default:
        return qn_json_is_num(v);
    }
}

static int check_section(const struct section *sec, struct qn_json_val v, struct qn_err *err)
{
    enum { MEMBERS_MAX = 16 };
    const char *names[MEMBERS_MAX];
    if (qn_json_is_null(v))
        return QN_OK;
    int rc = qn_json_to_obj(v, err);
    for (size_t i = 0; i < sec->n; i++)
        names[i] = sec->members[i].name;
    if (rc == QN_OK)
        rc = qn_json_check_keys(v, names, sec->n, err);
    for (size_t i = 0; i < sec->n && rc == QN_OK; i++) {
        struct qn_json_val m;
        if (qn_json_get(v, names[i], &m) && !fits(&sec->members[i], m))
            rc = qn_json_fail(m, err, QN_E_TYPE, "found %s", qn_json_type_name(qn_json_type(m)));
    }
    return rc;
}

/* The version as text; in JSON a fraction like 0.9 is refused, as Quickwit does. */
static int check_version(struct qn_json_val root, struct qn_err *err)
{
    struct qn_json_val v;
    if (!qn_json_get(root, "version", &v))
        return qn_fail(err, QN_E_MISSING, "missing field `version`");
    struct qn_str text = qn_json_is_num(v) ? qn_json_raw(v) : qn_json_str(v);
    if (qn_str_is(text, "0.7") || qn_str_is(text, "0.8") || qn_str_is(text, "0.9"))
        return QN_OK;
    return qn_json_fail(v, err, QN_E_INVALID, "expected \"0.7\", \"0.8\" or \"0.9\"");
}

static int read_default_fields(struct qn__index_config *cfg, struct qn_json_val v,
                               struct qn_err *err)
{
    struct qn_json_iter it = qn_json_iter(v);
    cfg->default_fields = v;
    cfg->has_default_fields = true;
    while (qn_json_each(&it)) {
        struct qn_str name, rest;
        int rc = qn_json_to_str(it.val, &name, err);
        if (rc < 0)
            return rc;
        const struct qn_field *f = qn_mapping_resolve(cfg->mapping, name, &rest);
        if (f == NULL)
            return qn_json_fail(it.val, err, QN_E_INVALID,
                                "unknown default search field `" QN_STR_FMT "`", QN_STR_ARG(name));
        if (!f->indexed)
            return qn_json_fail(it.val, err, QN_E_INVALID,
                                "default search field `" QN_STR_FMT "` is not indexed",
                                QN_STR_ARG(name));
    }
    return QN_OK;
}

static int read_settings(struct qn__index_config *cfg, struct qn_json_val root, struct qn_err *err)
{
    struct qn_json_val sec, v;
    int rc = QN_OK;
    cfg->commit_secs = 60;
    for (size_t i = 0; i < QN_COUNT_OF(sections) && rc == QN_OK; i++)
        if (qn_json_get(root, sections[i].name, &sec))
            rc = check_section(&sections[i], sec, err);
    if (rc == QN_OK && qn_json_get(root, "indexing_settings", &sec) &&
        qn_json_get(sec, "commit_timeout_secs", &v)) {
        rc = qn_json_to_u64(v, &cfg->commit_secs, err);
        if (rc == QN_OK && (cfg->commit_secs == 0 || cfg->commit_secs > 86400 * 7))
            rc = qn_json_fail(v, err, QN_E_RANGE, "expected 1 second to 7 days");
    }
    if (rc == QN_OK && qn_json_get(root, "search_settings", &sec) &&
        qn_json_get(sec, "default_search_fields", &v))
        rc = read_default_fields(cfg, v, err);
    if (rc == QN_OK && qn_json_get(root, "retention", &sec) && qn_json_is_obj(sec) &&
        cfg->mapping->timestamp_field == QN_NO_FIELD)
        rc = qn_json_fail(sec, err, QN_E_INVALID,
                          "retention needs a timestamp field in the doc mapping");
    return rc;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int check_id(struct qn_str id, struct qn_json_val v, struct qn_err *err)
{
    bool good = id.n >= 3 && id.n <= 255 && is_letter(id.p[0]);
    for (size_t i = 0; i < id.n && good; i++)
        good = is_letter(id.p[i]) || (id.p[i] >= '0' && id.p[i] <= '9') || id.p[i] == '-' ||
               id.p[i] == '_' || id.p[i] == '.';
    if (good)
        return QN_OK;
    return qn_json_fail(v, err, QN_E_INVALID,
                        "index ID `" QN_STR_FMT
                        "` is invalid: identifiers must match the following "
                        "regular expression: ^[a-zA-Z][a-zA-Z0-9-_\\.]{2,254}$",
                        (int)(id.n < 40 ? id.n : 40), id.p);
}

int qn__index_config_read(struct qn__index_config *out, struct qn_str json, struct qn_err *err)
{
    struct qn_json_val v;
    *out = (struct qn__index_config){0};
    qn_json_tape_init(&out->tape, NULL);
    int rc = qn_json_read_copy(&out->tape, json, err);
    if (rc < 0)
        return rc;
    struct qn_json_val root = qn_json_root(&out->tape);
    rc = qn_json_to_obj(root, err);
    if (rc == QN_OK)
        rc = qn_json_check_keys(root, top_keys, QN_COUNT_OF(top_keys), err);
    if (rc == QN_OK)
        rc = check_version(root, err);
    if (rc < 0)
        return rc;
    if (!qn_json_get(root, "index_id", &v))
        return qn_fail(err, QN_E_MISSING, "missing field `index_id`");
    rc = qn_json_to_str(v, &out->index_id, err);
    if (rc == QN_OK)
        rc = check_id(out->index_id, v, err);
    if (rc == QN_OK && qn_json_get(root, "index_uri", &v))
        rc = qn_json_to_str(v, &out->index_uri, err);
    if (rc < 0)
        return rc;
    if (!qn_json_get(root, "doc_mapping", &v))
        return qn_fail(err, QN_E_MISSING, "missing field `doc_mapping`");
    rc = qn_mapping_parse_quickwit(&out->mapping, v, err);
    return rc < 0 ? rc : read_settings(out, root, err);
}

void qn__index_config_release(struct qn__index_config *cfg)
{
    qn_mapping_unref(cfg->mapping);
    qn_json_tape_release(&cfg->tape);
    cfg->mapping = NULL;
}

const struct qn_str *qn__index_config_fields(const struct qn__index_config *cfg,
                                             struct qn_arena *ar, uint32_t *n)
{
    *n = 0;
    if (!cfg->has_default_fields)
        return NULL;
    struct qn_str *names =
        qn_arena_array(ar, struct qn_str, qn_json_count(cfg->default_fields) + 1);
    struct qn_json_iter it = qn_json_iter(cfg->default_fields);
    while (names != NULL && qn_json_each(&it))
        names[(*n)++] = qn_json_str(it.val);
    return names;
}

static void write_section(const struct section *sec, struct qn_json_val root, struct qn_jw *w)
{
    struct qn_json_val v, m;
    bool given = qn_json_get(root, sec->name, &v) && qn_json_is_obj(v);
    if (!given && sec->optional)
        return;
    qn_jw_key(w, sec->name);
    qn_jw_obj(w);
    for (size_t i = 0; i < sec->n; i++) {
        bool has = given && qn_json_get(v, sec->members[i].name, &m);
        if (!has && sec->members[i].def == NULL)
            continue;
        qn_jw_key(w, sec->members[i].name);
        if (has)
            qn_jw_value(w, m);
        else
            qn_jw_raw(w, qn_str_of(sec->members[i].def));
    }
    qn_jw_end(w);
}

void qn__index_config_write(const struct qn__index_config *cfg, struct qn_str root_uri,
                            struct qn_jw *w)
{
    qn_jw_obj(w);
    qn_jw_kv_z(w, "version", "0.9");
    qn_jw_kv_str(w, "index_id", cfg->index_id);
    qn_jw_key(w, "index_uri");
    if (cfg->index_uri.p != NULL)
        qn_jw_str(w, cfg->index_uri);
    else
        qn_jw_printf(w, QN_STR_FMT "/" QN_STR_FMT, QN_STR_ARG(root_uri), QN_STR_ARG(cfg->index_id));
    qn_jw_key(w, "doc_mapping");
    qn_mapping_write_quickwit(cfg->mapping, w);
    for (size_t i = 0; i < QN_COUNT_OF(sections); i++)
        write_section(&sections[i], qn_json_root(&cfg->tape), w);
    qn_jw_end(w);
}
