#include "schema/mapping.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "mapping_int.h"

const char *qn_field_type_name(enum qn_field_type type)
{
    static const char *const names[] = {
        [QN_FIELD_TEXT] = "text",         [QN_FIELD_I64] = "i64",       [QN_FIELD_U64] = "u64",
        [QN_FIELD_F64] = "f64",           [QN_FIELD_BOOL] = "bool",     [QN_FIELD_IP] = "ip",
        [QN_FIELD_DATETIME] = "datetime", [QN_FIELD_BYTES] = "bytes",   [QN_FIELD_JSON] = "json",
        [QN_FIELD_OBJECT] = "object",     [QN_FIELD_OPAQUE] = "opaque",
    };
    return names[type];
}

const char *qn_es_type_name(enum qn_es_type type)
{
    static const char *const names[QN_ES_TYPES] = {
        [QN_ES_NONE] = "",
        [QN_ES_TEXT] = "text",
        [QN_ES_MATCH_ONLY_TEXT] = "match_only_text",
        [QN_ES_KEYWORD] = "keyword",
        [QN_ES_CONSTANT_KEYWORD] = "constant_keyword",
        [QN_ES_WILDCARD] = "wildcard",
        [QN_ES_LONG] = "long",
        [QN_ES_INTEGER] = "integer",
        [QN_ES_SHORT] = "short",
        [QN_ES_BYTE] = "byte",
        [QN_ES_UNSIGNED_LONG] = "unsigned_long",
        [QN_ES_DOUBLE] = "double",
        [QN_ES_FLOAT] = "float",
        [QN_ES_HALF_FLOAT] = "half_float",
        [QN_ES_SCALED_FLOAT] = "scaled_float",
        [QN_ES_BOOLEAN] = "boolean",
        [QN_ES_DATE] = "date",
        [QN_ES_DATE_NANOS] = "date_nanos",
        [QN_ES_IP] = "ip",
        [QN_ES_BINARY] = "binary",
        [QN_ES_FLATTENED] = "flattened",
        [QN_ES_OBJECT] = "object",
        [QN_ES_NESTED] = "nested",
        [QN_ES_GEO_POINT] = "geo_point",
        [QN_ES_GEO_SHAPE] = "geo_shape",
        [QN_ES_HISTOGRAM] = "histogram",
        [QN_ES_COMPLETION] = "completion",
        [QN_ES_DENSE_VECTOR] = "dense_vector",
    };
    return names[type];
}

const char *qn_field_es_name(const struct qn_field *f)
{
    if (f->es_type != QN_ES_NONE)
        return qn_es_type_name((enum qn_es_type)f->es_type);
    if (f->concatenate)
        return "keyword";
    switch ((enum qn_field_type)f->type) {
    case QN_FIELD_TEXT:
        return "keyword";
    case QN_FIELD_I64:
    case QN_FIELD_U64:
        return "long";
    case QN_FIELD_F64:
        return "double";
    case QN_FIELD_BOOL:
        return "boolean";
    case QN_FIELD_DATETIME:
        return "date";
    case QN_FIELD_IP:
        return "ip";
    case QN_FIELD_BYTES:
        return "binary";
    case QN_FIELD_JSON:
    case QN_FIELD_OBJECT:
    case QN_FIELD_OPAQUE:
        break;
    }
    return "object";
}

/* ---- life */

struct qn__map *qn__map_new(enum qn_dialect dialect)
{
    struct qn__map *mp = qn_xcalloc(1, sizeof *mp);
    atomic_init(&mp->refs, 1);
    qn_arena_init(&mp->ar, NULL);
    mp->m = (struct qn_mapping){.dialect = dialect,
                                .mode = QN_DYNAMIC_JSON,
                                .dynamic_field = QN_NO_FIELD,
                                .doc_length_field = QN_NO_FIELD,
                                .timestamp_field = QN_NO_FIELD,
                                .max_num_partitions = 200,
                                .uid = QN_STR("")};
    mp->n_slots = 64;
    mp->slots = qn_xcalloc(mp->n_slots, sizeof *mp->slots);
    return mp;
}

void qn__map_free(struct qn__map *mp)
{
    if (mp == NULL)
        return;
    qn_vec_release(&mp->fields);
    qn_vec_release(&mp->wants);
    qn_vec_release(&mp->tags);
    qn_vec_release(&mp->templates);
    free(mp->slots);
    qn_analysis_unref(mp->m.analysis);
    qn_arena_release(&mp->ar);
    free(mp);
}

struct qn_mapping *qn_mapping_ref(const struct qn_mapping *m)
{
    struct qn__map *mp = (struct qn__map *)(uintptr_t)m;
    atomic_fetch_add_explicit(&mp->refs, 1, memory_order_relaxed); /* the caller holds one */
    return &mp->m;
}

void qn_mapping_unref(const struct qn_mapping *m)
{
    struct qn__map *mp = (struct qn__map *)(uintptr_t)m;
    /* acq_rel: whoever frees sees all uses of the others as done */
    if (mp != NULL && atomic_fetch_sub_explicit(&mp->refs, 1, memory_order_acq_rel) == 1)
        qn__map_free(mp);
}

/* ---- names */

static uint32_t child_slot(const struct qn__map *mp, uint32_t parent, struct qn_str name)
{
    uint64_t h = qn_hash_str(name) ^ qn_hash_u64(parent);
    uint32_t at = (uint32_t)h & (mp->n_slots - 1);
    for (; mp->slots[at] != 0; at = (at + 1) & (mp->n_slots - 1)) {
        const struct qn_field *f = &mp->fields.p[mp->slots[at] - 1];
        if (f->parent == parent && qn_str_eq(f->name, name))
            break;
    }
    return at;
}

uint32_t qn__map_child(const struct qn__map *mp, uint32_t parent, struct qn_str name)
{
    return mp->slots[child_slot(mp, parent, name)] - 1; /* 0 - 1 is QN_NO_FIELD */
}

static void grow_slots(struct qn__map *mp)
{
    free(mp->slots);
    mp->n_slots *= 2;
    mp->slots = qn_xcalloc(mp->n_slots, sizeof *mp->slots);
    for (uint32_t i = 0; i < mp->fields.n; i++) {
        const struct qn_field *f = &mp->fields.p[i];
        mp->slots[child_slot(mp, f->parent, f->name)] = i + 1;
    }
}

/* The parent's path, a dot, and the name; in Quickwit's dialect with its own dots escaped. */
static struct qn_str make_path(struct qn__map *mp, uint32_t parent, struct qn_str name)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    if (parent != QN_NO_FIELD) {
        qn_buf_put_str(&b, mp->fields.p[parent].path);
        qn_buf_put_u8(&b, '.');
    }
    for (size_t i = 0; i < name.n; i++) {
        if (name.p[i] == '.' && mp->m.dialect == QN_DIALECT_QUICKWIT)
            qn_buf_put_u8(&b, '\\');
        qn_buf_put_u8(&b, (uint8_t)name.p[i]);
    }
    struct qn_str path = qn_arena_str(&mp->ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return path;
}

int qn__map_add(struct qn__map *mp, uint32_t parent, struct qn_str name, uint32_t *id)
{
    uint32_t slot = child_slot(mp, parent, name);
    if (mp->slots[slot] != 0)
        return QN_E_EXISTS;
    if (mp->fields.n >= QN_MAPPING_FIELDS)
        return QN_E_TOO_LARGE;
    struct qn_field f = {.id = (uint32_t)mp->fields.n, .parent = parent, .stored = true};
    f.name = qn_arena_str(&mp->ar, name);
    f.path = make_path(mp, parent, name);
    f.ignore_above = UINT32_MAX;
    f.scaling_factor = 1;
    f.precision = QN_DATE_NANOS;
    f.dynamic = QN_DYNAMIC_INHERIT;
    *id = f.id;
    qn_vec_push(&mp->fields, f);
    mp->slots[slot] = f.id + 1;
    if (2 * mp->fields.n > mp->n_slots)
        grow_slots(mp);
    return 0;
}

bool qn__field_name_ok(struct qn_str name)
{
    if (name.n == 0 || name.n > 255)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '@' || c == '$' ||
                      c == '_' || c == '-';
        bool later = (c >= '0' && c <= '9') || c == '/' || c == '.';
        if (!letter && !(i > 0 && later))
            return false;
    }
    return true;
}

bool qn_path_next(struct qn_str *rest, char *buf, size_t buf_size, struct qn_str *step)
{
    if (rest->p == NULL)
        return false;
    size_t n = 0, i = 0;
    for (; i < rest->n && rest->p[i] != '.'; i++) {
        if (rest->p[i] == '\\' && i + 1 < rest->n)
            i++;
        if (n < buf_size)
            buf[n] = rest->p[i];
        n++;
    }
    *step = qn_str_make(buf, n < buf_size ? n : 0);
    *rest = i < rest->n ? qn_str_from(*rest, i + 1) : QN_STR_NONE;
    return true;
}

const struct qn_field *qn_mapping_child(const struct qn_mapping *m, uint32_t parent,
                                        struct qn_str name)
{
    uint32_t id = qn__map_child(qn__map_of(m), parent, name);
    return id == QN_NO_FIELD ? NULL : &m->fields[id];
}

/* Walks the steps of path as deep as fields go; *rest is what is left (.p NULL: nothing). */
static const struct qn_field *descend(const struct qn_mapping *m, struct qn_str path,
                                      struct qn_str *rest)
{
    char buf[256];
    const struct qn_field *f = NULL;
    *rest = path;
    for (;;) {
        struct qn_str after = *rest, step;
        if (!qn_path_next(&after, buf, sizeof buf, &step))
            return f;
        const struct qn_field *next = qn_mapping_child(m, f ? f->id : QN_NO_FIELD, step);
        if (next == NULL)
            return f;
        f = next;
        *rest = after;
    }
}

const struct qn_field *qn_mapping_find(const struct qn_mapping *m, struct qn_str path)
{
    struct qn_str rest;
    const struct qn_field *f = descend(m, path, &rest);
    return rest.p == NULL ? f : NULL;
}

const struct qn_field *qn_mapping_resolve(const struct qn_mapping *m, struct qn_str path,
                                          struct qn_str *rest)
{
    const struct qn_field *f = descend(m, path, rest);
    if (rest->p == NULL) {
        *rest = QN_STR("");
        return f;
    }
    if (f != NULL && f->type == QN_FIELD_JSON)
        return f;
    if (m->dynamic_field == QN_NO_FIELD)
        return NULL;
    *rest = path;
    return &m->fields[m->dynamic_field];
}

enum qn_dynamic qn_mapping_dynamic(const struct qn_mapping *m, uint32_t object)
{
    for (; object != QN_NO_FIELD; object = m->fields[object].parent)
        if (m->fields[object].dynamic != QN_DYNAMIC_INHERIT)
            return (enum qn_dynamic)m->fields[object].dynamic;
    return m->mode;
}

const struct qn_analyzer *qn_mapping_analyzer(const struct qn_mapping *m, struct qn_str name)
{
    return qn_analysis_find(m->analysis, name, m->dialect == QN_DIALECT_ELASTIC);
}

/* ---- freezing */

const char *qn__tag_refusal(const struct qn_field *f)
{
    if (f->type == QN_FIELD_TEXT && !f->concatenate) {
        if (!qn_str_is(f->tokenizer, "raw"))
            return "tags collection is only allowed on text fields with the `raw` tokenizer";
    } else if (f->type != QN_FIELD_U64 && f->type != QN_FIELD_I64) {
        return "tags collection is only allowed on text, u64 and i64 fields";
    }
    return f->indexed ? NULL : "tag fields are required to be indexed";
}

static int by_path(const void *a, const void *b)
{
    return qn_str_cmp(*(const struct qn_str *)a, *(const struct qn_str *)b);
}

static int freeze_tags(struct qn__map *mp, struct qn_err *err)
{
    QN_VEC(struct qn_str) all = {0};
    for (size_t i = 0; i < mp->tags.n; i++) {
        const struct qn_field *f = qn_mapping_find(&mp->m, mp->tags.p[i]);
        const char *why = f ? qn__tag_refusal(f) : "unknown tag field";
        if (why != NULL) {
            qn_vec_release(&all);
            return qn_fail(err, QN_E_INVALID, "%s: `" QN_STR_FMT "`", why,
                           QN_STR_ARG(mp->tags.p[i]));
        }
        qn_vec_push(&all, mp->tags.p[i]);
    }
    struct qn_str name;
    for (size_t i = 0; (name = qn_partition_field(mp->m.partition, i)).p != NULL; i++) {
        const struct qn_field *f = qn_mapping_find(&mp->m, name);
        if (f != NULL && qn__tag_refusal(f) == NULL)
            qn_vec_push(&all, name);
    }
    if (all.n > 1)
        qsort(all.p, all.n, sizeof *all.p, by_path);
    uint32_t *ids = qn_arena_array(&mp->ar, uint32_t, all.n + 1), n = 0;
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || !qn_str_eq(all.p[i], all.p[i - 1]))
            ids[n++] = qn_mapping_find(&mp->m, all.p[i])->id;
    mp->m.tag_fields = ids;
    mp->m.n_tag_fields = n;
    qn_vec_release(&all);
    return 0;
}

static int freeze_timestamp(struct qn__map *mp, struct qn_err *err)
{
    struct qn_str path = mp->m.timestamp_path;
    const char *why = NULL;
    if (mp->m.dialect == QN_DIALECT_ELASTIC) {
        uint32_t id = qn__map_child(mp, QN_NO_FIELD, QN_STR("@timestamp"));
        if (id != QN_NO_FIELD && mp->fields.p[id].type == QN_FIELD_DATETIME)
            mp->m.timestamp_field = id;
        return 0;
    }
    if (path.p == NULL)
        return 0;
    const struct qn_field *f = qn_mapping_find(&mp->m, path);
    if (f == NULL)
        return qn_fail(err, QN_E_INVALID,
                       "could not find timestamp field `" QN_STR_FMT "` in field mappings",
                       QN_STR_ARG(path));
    if (f->type != QN_FIELD_DATETIME)
        why = "a datetime field";
    else if (f->array)
        why = "single-valued";
    else if (!f->columnar)
        why = "a fast field";
    if (why != NULL)
        return qn_fail(err, QN_E_INVALID, "timestamp field `" QN_STR_FMT "` should be %s",
                       QN_STR_ARG(path), why);
    mp->m.timestamp_field = f->id;
    mp->m.timestamp_required = true;
    return 0;
}

static int by_from(const void *a, const void *b)
{
    const struct qn__want *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static int freeze_copies(struct qn__map *mp, struct qn_err *err)
{
    for (size_t i = 0; i < mp->wants.n; i++) {
        struct qn__want *want = &mp->wants.p[i];
        if (want->to.p == NULL)
            continue;
        const struct qn_field *f = qn_mapping_find(&mp->m, want->to);
        if (f == NULL || f->type == QN_FIELD_OBJECT || f->type == QN_FIELD_JSON || f->multi_field)
            return qn_fail(err, QN_E_INVALID,
                           "Cannot copy to field [" QN_STR_FMT "]: it is not a mapped field",
                           QN_STR_ARG(want->to));
        want->copy.field = f->id;
    }
    if (mp->wants.n > 1) /* qsort is not stable: equal `from` keep no order, which means nothing */
        qsort(mp->wants.p, mp->wants.n, sizeof *mp->wants.p, by_from);
    struct qn_field_copy *all = qn_arena_array(&mp->ar, struct qn_field_copy, mp->wants.n + 1);
    for (size_t i = 0; i < mp->wants.n; i++) {
        struct qn_field *f = &mp->fields.p[mp->wants.p[i].from];
        all[i] = mp->wants.p[i].copy;
        if (i == 0 || mp->wants.p[i - 1].from != f->id) {
            f->copies = &all[i];
            f->n_copies = 0;
        }
        f->n_copies++;
    }
    return 0;
}

int qn__map_freeze(struct qn__map *mp, struct qn_err *err)
{
    mp->m.fields = mp->fields.p;
    mp->m.n_fields = (uint32_t)mp->fields.n;
    if (mp->tags.n > 1)
        qsort(mp->tags.p, mp->tags.n, sizeof *mp->tags.p, by_path);
    int rc = freeze_copies(mp, err);
    if (rc == 0)
        rc = freeze_timestamp(mp, err);
    if (rc == 0)
        rc = freeze_tags(mp, err);
    return rc;
}

/* ---- copying */

static struct qn_str keep(struct qn__map *mp, struct qn_str s)
{
    return s.p == NULL ? s : qn_arena_str(&mp->ar, s);
}

/* Formats are compiled anew from their texts, which were good before. */
static const struct qn_date_format *keep_format(struct qn__map *mp, const struct qn_date_format *f,
                                                bool output)
{
    const struct qn_date_format *out = NULL;
    int rc = output ? qn_date_output_parse(&out, &mp->ar, qn_date_format_text(f), NULL)
                    : qn_date_format_parse(&out, &mp->ar,
                                           mp->m.dialect == QN_DIALECT_ELASTIC ? QN_DATE_JAVA
                                                                               : QN_DATE_QUICKWIT,
                                           qn_date_format_text(f), NULL);
    QN_ASSERT(rc == 0);
    return out;
}

static struct qn_date_formats keep_formats(struct qn__map *mp, struct qn_date_formats fs)
{
    if (fs.n == 0)
        return fs;
    const struct qn_date_format **p = qn_arena_array(&mp->ar, const struct qn_date_format *, fs.n);
    for (uint32_t i = 0; i < fs.n; i++)
        p[i] = keep_format(mp, fs.p[i], false);
    fs.p = p;
    return fs;
}

static void keep_field(struct qn__map *mp, struct qn_field *f)
{
    f->name = keep(mp, f->name);
    f->path = keep(mp, f->path);
    f->description = keep(mp, f->description);
    f->tokenizer = keep(mp, f->tokenizer);
    f->es_normalizer = keep(mp, f->es_normalizer);
    f->null_value_json = keep(mp, f->null_value_json);
    f->es_extra = keep(mp, f->es_extra);
    f->sources = keep(mp, f->sources);
    f->formats = keep_formats(mp, f->formats);
    if (f->output != NULL)
        f->output = keep_format(mp, f->output, true);
    if (f->null_value.type == QN_VALUE_STR || f->null_value.type == QN_VALUE_BYTES)
        f->null_value.str = keep(mp, f->null_value.str);
    f->copies = NULL;
    f->n_copies = 0;
}

struct qn__map *qn__map_clone(const struct qn_mapping *m)
{
    const struct qn__map *from = qn__map_of(m);
    struct qn__map *mp = qn__map_new(m->dialect);
    uint32_t n_slots = mp->n_slots;
    mp->m = *m;
    mp->m.analysis = qn_analysis_ref(m->analysis);
    mp->m.uid = keep(mp, m->uid);
    mp->m.timestamp_path = keep(mp, m->timestamp_path);
    mp->es_meta = keep(mp, from->es_meta);
    mp->partition_text = keep(mp, from->partition_text);
    mp->source_json = keep(mp, from->source_json);
    mp->dynamic_date_formats = keep(mp, from->dynamic_date_formats);
    mp->date_formats = keep_formats(mp, from->date_formats);
    if (m->partition != NULL) {
        struct qn_buf b;
        qn_buf_init(&b, SIZE_MAX);
        qn_partition_print(m->partition, &b);
        int rc = qn_partition_parse(&mp->m.partition, &mp->ar, qn_buf_str(&b), NULL);
        QN_ASSERT(rc == 0);
        qn_buf_release(&b);
    }
    for (size_t i = 0; i < from->fields.n; i++) {
        qn_vec_push(&mp->fields, from->fields.p[i]);
        keep_field(mp, &mp->fields.p[i]);
    }
    while (n_slots < 2 * mp->fields.n + 2)
        n_slots *= 2;
    mp->n_slots = n_slots / 2;
    grow_slots(mp);
    for (size_t i = 0; i < from->wants.n; i++) {
        struct qn__want want = from->wants.p[i];
        want.to = keep(mp, want.to);
        qn_vec_push(&mp->wants, want);
    }
    for (size_t i = 0; i < from->tags.n; i++)
        qn_vec_push(&mp->tags, keep(mp, from->tags.p[i]));
    for (size_t i = 0; i < from->templates.n; i++) {
        struct qn__template t = {keep(mp, from->templates.p[i].name),
                                 keep(mp, from->templates.p[i].json)};
        qn_vec_push(&mp->templates, t);
    }
    return mp;
}

struct qn_mapping *qn_mapping_with_uid(const struct qn_mapping *m, struct qn_str uid)
{
    struct qn__map *mp = qn__map_clone(m);
    mp->m.uid = qn_arena_str(&mp->ar, uid);
    int rc = qn__map_freeze(mp, NULL);
    QN_ASSERT(rc == 0);
    return &mp->m;
}

/* ---- comparing */

static void write_without_uid(const struct qn_mapping *m, struct qn_buf *out)
{
    struct qn_jw w;
    qn_jw_init(&w, out, NULL);
    if (m->dialect == QN_DIALECT_QUICKWIT)
        qn__write_quickwit(m, &w, false);
    else
        qn_mapping_write_elastic(m, &w);
    int rc = qn_jw_finish(&w);
    QN_ASSERT(rc == 0);
}

bool qn_mapping_same(const struct qn_mapping *a, const struct qn_mapping *b)
{
    if (a == b)
        return true;
    if (a->dialect != b->dialect)
        return false;
    struct qn_buf x, y;
    qn_buf_init(&x, SIZE_MAX);
    qn_buf_init(&y, SIZE_MAX);
    write_without_uid(a, &x);
    write_without_uid(b, &y);
    bool same = qn_str_eq(qn_buf_str(&x), qn_buf_str(&y));
    qn_buf_release(&x);
    qn_buf_release(&y);
    return same;
}

int qn_mapping_check_replace(const struct qn_mapping *old, const struct qn_mapping *next,
                             struct qn_err *err)
{
    struct qn_str a = old->timestamp_path, b = next->timestamp_path;
    if ((a.p == NULL) != (b.p == NULL) || !qn_str_eq(a, b))
        return qn_fail(err, QN_E_INVALID,
                       "the timestamp field cannot be changed from `" QN_STR_FMT "` to `" QN_STR_FMT
                       "`",
                       QN_STR_ARG(a), QN_STR_ARG(b));
    struct qn_str gone = qn_analysis_missing(old->analysis, next->analysis);
    if (gone.p != NULL)
        return qn_fail(err, QN_E_INVALID,
                       "tokenizers can only be added: `" QN_STR_FMT "` is missing or changed",
                       QN_STR_ARG(gone));
    return 0;
}
