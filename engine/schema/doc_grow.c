/* New fields of Elasticsearch mappings: what a document with unmapped keys asks the mapping for. */
#include "doc_int.h"

static struct qn_str last_step(struct qn_str path)
{
    size_t from = path.n;
    while (from > 0 && path.p[from - 1] != '.')
        from--;
    return qn_str_from(path, from);
}

static bool is_date(struct qn_doc_walker *dw, struct qn_str s)
{
    const struct qn__map *mp = qn__map_of(dw->m);
    int64_t ns;
    bool digits = true; /* "2024" is no date by detection, though a format would take it */
    for (size_t i = 0; i < s.n; i++)
        digits = digits && s.p[i] >= '0' && s.p[i] <= '9';
    return !digits && dw->m->date_detection &&
           qn_date_read(&mp->date_formats, s, &dw->dates, &ns) == 0;
}

/* The type that a value suggests; NULL for null and empty arrays. *i becomes the value itself when
 * that was inside arrays. */
static const char *suggest(struct qn_doc_walker *dw, uint32_t *i)
{
    const struct qn_json_tape *t = dw->t;
    int64_t whole;
    struct qn_str s;
    double d;
    switch ((enum qn_json_type)t->nodes[*i].type) {
    case QN_JSON_STRING:
        s = qn_json_node_str(t, *i);
        if (is_date(dw, s))
            return "date";
        if (dw->m->numeric_detection && qn_str_to_i64(s, &whole) == 0)
            return "long";
        if (dw->m->numeric_detection && qn_str_to_f64(s, &d) == 0)
            return "double";
        return "string";
    case QN_JSON_NUMBER:
        return qn_json_parse_i64(qn_json_node_raw(t, *i), &whole) == 0 ? "long" : "double";
    case QN_JSON_TRUE:
    case QN_JSON_FALSE:
        return "boolean";
    case QN_JSON_OBJECT:
        return "object";
    case QN_JSON_ARRAY:
        for (uint32_t k = *i + 1, end = t->nodes[*i].link; k < end; k = qn_json_next(t, k)) {
            uint32_t inner = k;
            const char *type = suggest(dw, &inner);
            if (type != NULL) {
                *i = inner;
                return type;
            }
        }
        return NULL;
    default:
        return NULL;
    }
}

static void add_definition(struct qn_doc_walker *dw, struct qn_str path, struct qn_str def)
{
    qn_buf_put_z(&dw->delta, dw->delta.n == 0 ? "{\"properties\":{" : ",");
    qn_json_quote(&dw->delta, path);
    qn_buf_put_u8(&dw->delta, ':');
    qn_buf_put_str(&dw->delta, def);
}

static void grow_object(struct qn_doc_walker *dw, struct qn_str name, uint32_t i)
{
    const struct qn_json_tape *t = dw->t;
    uint32_t k = i + 1, end = t->nodes[i].link;
    while (k < end) {
        struct qn_str key = qn_json_node_str(t, k);
        struct qn_buf path;
        qn_buf_init(&path, SIZE_MAX);
        qn_buf_put_str(&path, name);
        qn_buf_put_u8(&path, '.');
        qn_buf_put_str(&path, key);
        qn__doc_grow(dw, qn_buf_str(&path), k + 1);
        qn_buf_release(&path);
        k = qn_json_next(t, k + 1);
    }
}

/* All objects of an array contribute their keys. */
static void grow_objects(struct qn_doc_walker *dw, struct qn_str name, uint32_t i)
{
    const struct qn_json_tape *t = dw->t;
    if (t->nodes[i].type == QN_JSON_OBJECT) {
        grow_object(dw, name, i);
    } else if (t->nodes[i].type == QN_JSON_ARRAY) {
        for (uint32_t k = i + 1, end = t->nodes[i].link; k < end; k = qn_json_next(t, k))
            grow_objects(dw, name, k);
    }
}

void qn__doc_grow(struct qn_doc_walker *dw, struct qn_str name, uint32_t i)
{
    uint32_t value = i;
    bool made, object;
    const char *type = suggest(dw, &value);
    if (type == NULL)
        return;
    object = strcmp(type, "object") == 0;
    struct qn_map_entry *e = qn_map_put(&dw->delta_names, name, &made);
    if (made) {
        struct qn_buf def;
        qn_buf_init(&def, SIZE_MAX);
        bool make = qn_mapping_new_field(dw->m, name, last_step(name), type, &def);
        bool plain = qn_str_is(qn_buf_str(&def), "{\"type\":\"object\"}");
        /* an object that is nothing special appears with its first field */
        bool empty = object && dw->t->nodes[value].link == value + 1;
        if (make && (!plain || empty))
            add_definition(dw, name, qn_buf_str(&def));
        e->u64 =
            object && (plain || qn_str_find(qn_buf_str(&def), QN_STR("\"object\"")) != SIZE_MAX);
        qn_buf_release(&def);
    }
    if (object && e->u64)
        grow_objects(dw, name, i);
}
