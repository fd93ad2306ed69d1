/* What keys mean under a mapping; asked once for every path of keys, then remembered. */
#include "doc_int.h"

/* parent.key, dots (and backslashes) inside the key escaped unless it expands. */
static struct qn_str join(struct qn_arena *ar, struct qn_str parent, struct qn_str key, bool expand)
{
    char *p = qn_arena_alloc_aligned(ar, parent.n + 1 + 2 * key.n, 1);
    size_t n = parent.n;
    if (parent.n != 0) {
        memcpy(p, parent.p, parent.n);
        p[n++] = '.';
    }
    for (size_t i = 0; i < key.n; i++) {
        if ((key.p[i] == '.' && !expand) || key.p[i] == '\\')
            p[n++] = '\\';
        p[n++] = key.p[i];
    }
    return qn_str_make(p, n);
}

static struct qn__slot json_slot(const struct qn_mapping *m, uint32_t field, struct qn_str parent,
                                 struct qn_str key, struct qn_arena *ar)
{
    return (struct qn__slot){.kind = SLOT_JSON,
                             .field = field,
                             .path = QN_DOC_NO_PATH,
                             .name = join(ar, parent, key, m->fields[field].expand_dots)};
}

/* An unmapped key of object `object`. */
static struct qn__slot unmapped(const struct qn_mapping *m, uint32_t object, struct qn_str key,
                                struct qn_arena *ar)
{
    struct qn_str parent = object == QN_NO_FIELD ? QN_STR("") : m->fields[object].path;
    struct qn__slot slot = {.kind = SLOT_IGNORE, .field = object, .path = QN_DOC_NO_PATH};
    switch (qn_mapping_dynamic(m, object)) {
    case QN_DYNAMIC_JSON:
        return json_slot(m, m->dynamic_field, parent, key, ar);
    case QN_DYNAMIC_GROW:
        slot.kind = SLOT_GROW;
        slot.name = join(ar, parent, key, true);
        return slot;
    case QN_DYNAMIC_STRICT:
        slot.kind = SLOT_STRICT;
        return slot;
    default:
        return slot;
    }
}

static struct qn__slot mapped(const struct qn_field *f)
{
    struct qn__slot slot = {.kind = SLOT_LEAF, .field = f->id, .path = QN_DOC_NO_PATH};
    if (f->type == QN_FIELD_OBJECT) {
        slot.kind = SLOT_OBJECT;
    } else if (f->type == QN_FIELD_OPAQUE) {
        slot.kind = SLOT_IGNORE;
    } else if (f->type == QN_FIELD_JSON) {
        slot.kind = SLOT_JSON;
        slot.json_root = true;
        slot.name = QN_STR("");
    }
    return slot;
}

static struct qn__slot resolve_step(const struct qn_mapping *m, const struct qn__slot *parent,
                                    struct qn_str key, struct qn_arena *ar)
{
    const struct qn_field *f;
    switch ((enum qn__slot_kind)parent->kind) {
    case SLOT_OBJECT:
        f = qn_mapping_child(m, parent->field, key);
        if (f == NULL || f->builtin || f->concatenate)
            return unmapped(m, parent->field, key, ar);
        return mapped(f);
    case SLOT_JSON:
        return json_slot(m, parent->field, parent->name, key, ar);
    case SLOT_GROW: {
        struct qn__slot slot = *parent;
        slot.name = join(ar, parent->name, key, true);
        return slot;
    }
    default:
        break;
    }
    return (struct qn__slot){.kind = SLOT_IGNORE, .field = parent->field, .path = QN_DOC_NO_PATH};
}

struct qn__slot qn__slot_resolve(const struct qn_mapping *m, const struct qn__slot *parent,
                                 struct qn_str key, struct qn_arena *ar)
{
    if (m->dialect != QN_DIALECT_ELASTIC || parent->kind != SLOT_OBJECT ||
        qn_str_find_byte(key, '.') == SIZE_MAX)
        return resolve_step(m, parent, key, ar);
    /* Elasticsearch: {"a.b": 1} is {"a": {"b": 1}} */
    struct qn__slot at = *parent;
    struct qn_str rest = key, step;
    while (qn_str_split(&rest, '.', &step)) {
        if (at.kind == SLOT_LEAF)
            return unmapped(m, parent->field, key, ar);
        at = resolve_step(m, &at, step, ar);
    }
    return at;
}
