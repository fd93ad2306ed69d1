#include "schema/doc.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "doc_int.h"

struct qn_doc_walker *qn_doc_walker_new(const struct qn_mapping *m, const struct qn_simd_ops *simd)
{
    struct qn_doc_walker *dw = qn_xcalloc(1, sizeof *dw);
    dw->m = qn_mapping_ref(m);
    qn_json_paths_init(&dw->paths, QN__DOC_JSON_PATHS);
    qn_json_tape_init(&dw->tape, &(struct qn_json_options){.simd = simd, .paths = &dw->paths});
    dw->slots = qn_xcalloc(QN__DOC_JSON_PATHS, sizeof *dw->slots);
    qn_arena_init(&dw->slot_names, NULL);
    qn_arena_init(&dw->scratch, NULL);
    qn_arena_init(&dw->doc_path_names, NULL);
    qn_map_init(&dw->doc_path_ids, &dw->doc_path_names);
    qn_map_init(&dw->delta_names, &dw->scratch);
    qn_buf_init(&dw->delta, SIZE_MAX);
    return dw;
}

void qn_doc_walker_free(struct qn_doc_walker *dw)
{
    if (dw == NULL)
        return;
    qn_json_tape_release(&dw->tape);
    qn_json_paths_release(&dw->paths);
    free(dw->slots);
    qn_map_release(&dw->doc_path_ids);
    qn_map_release(&dw->delta_names);
    qn_arena_release(&dw->slot_names);
    qn_arena_release(&dw->scratch);
    qn_arena_release(&dw->doc_path_names);
    qn_vec_release(&dw->values);
    qn_vec_release(&dw->doc_paths);
    qn_buf_release(&dw->delta);
    qn_mapping_unref(dw->m);
    free(dw);
}

static void forget_slots(struct qn_doc_walker *dw)
{
    memset(dw->slots, 0, QN__DOC_JSON_PATHS * sizeof *dw->slots);
    qn_arena_reset(&dw->slot_names);
    dw->slots[QN_JSON_ROOT_PATH] =
        (struct qn__slot){.kind = SLOT_OBJECT, .field = QN_NO_FIELD, .path = QN_DOC_NO_PATH};
    dw->generation = dw->paths.generation;
}

void qn_doc_walker_set_mapping(struct qn_doc_walker *dw, const struct qn_mapping *m)
{
    const struct qn_mapping *old = dw->m;
    dw->m = qn_mapping_ref(m);
    qn_mapping_unref(old);
    forget_slots(dw);
}

const struct qn_mapping *qn_doc_walker_mapping(const struct qn_doc_walker *dw)
{
    return dw->m;
}

void qn_doc_walker_set_now(struct qn_doc_walker *dw, int64_t now_ns)
{
    dw->dates.now_ns = now_ns;
}

struct qn_json_paths *qn_doc_walker_json_paths(struct qn_doc_walker *dw)
{
    return &dw->paths;
}

const struct qn_doc_fault *qn_doc_walker_fault(const struct qn_doc_walker *dw)
{
    return &dw->fault;
}

struct qn_str qn_doc_walker_delta(const struct qn_doc_walker *dw)
{
    return qn_buf_str(&dw->delta);
}

uint32_t qn_doc_walker_n_paths(const struct qn_doc_walker *dw)
{
    return (uint32_t)dw->doc_paths.n;
}

struct qn_str qn_doc_walker_path(const struct qn_doc_walker *dw, uint32_t path, uint32_t *field)
{
    if (field != NULL)
        *field = dw->doc_paths.p[path].field;
    return dw->doc_paths.p[path].name;
}

void qn_doc_walker_forget_paths(struct qn_doc_walker *dw)
{
    qn_map_release(&dw->doc_path_ids);
    qn_arena_reset(&dw->doc_path_names);
    qn_map_init(&dw->doc_path_ids, &dw->doc_path_names);
    qn_vec_clear(&dw->doc_paths);
    forget_slots(dw);
}

/* ---- faults */

int qn__doc_fail(struct qn_doc_walker *dw, int code, enum qn_doc_fault_kind kind,
                 const struct qn_field *f, struct qn_str path, uint32_t node, const char *cause)
{
    struct qn_doc_fault *ft = &dw->fault;
    size_t pos = dw->t->nodes[node].at, line, column;
    *ft = (struct qn_doc_fault){.kind = kind, .field = f, .pos = pos};
    path = qn_str_first(path, sizeof ft->path - 1);
    if (path.n != 0)
        memcpy(ft->path, path.p, path.n);
    snprintf(ft->cause, sizeof ft->cause, "%s", cause);
    qn_json_where(qn_str_make(dw->t->text, dw->t->text_len), pos, &line, &column);
    bool elastic = dw->m->dialect == QN_DIALECT_ELASTIC;
    switch (kind) {
    case QN_DOC_FAULT_UNMAPPED:
        if (elastic)
            return qn_fail_at(dw->err, code, pos,
                              "[%zu:%zu] mapping set to strict, dynamic introduction of [%s] "
                              "within [_doc] is not allowed",
                              line, column, ft->path);
        return qn_fail_at(dw->err, code, pos,
                          "the document contains a field that is not declared in the schema: "
                          "\"%s\"",
                          ft->path);
    case QN_DOC_FAULT_ARRAY:
        return qn_fail_at(dw->err, code, pos,
                          "the document contains an array of values but a single value is "
                          "expected: \"%s\"",
                          ft->path);
    case QN_DOC_FAULT_VALUE:
        if (elastic)
            return qn_fail_at(dw->err, code, pos,
                              "[%zu:%zu] failed to parse field [%s] of type [%s]: %s", line, column,
                              ft->path, f ? qn_field_es_name(f) : "object", cause);
        return qn_fail_at(dw->err, code, pos, "the field `%s` could not be parsed: %s", ft->path,
                          cause);
    default:
        return qn_fail_at(dw->err, code, pos, "%s", cause);
    }
}

static int fail_value(struct qn_doc_walker *dw, const struct qn_field *f, uint32_t i, int rc,
                      const char *why)
{
    char cause[200];
    struct qn_json_val v = {dw->t, i};
    qn__value_cause(f, v, rc, why, cause, sizeof cause);
    return qn__doc_fail(dw, rc, QN_DOC_FAULT_VALUE, f, f->path, i, cause);
}

/* ---- values */

/* Where the next value goes: readers fill it in place, and `commit` keeps it. */
static inline struct qn_doc_value *next_value(struct qn_doc_walker *dw)
{
    if (QN_UNLIKELY(dw->values.n == dw->values.cap))
        qn_vec_reserve(&dw->values, dw->values.n + 1);
    return &dw->values.p[dw->values.n];
}

static inline void commit(struct qn_doc_walker *dw, uint32_t field, uint32_t path)
{
    struct qn_doc_value *dv = &dw->values.p[dw->values.n++];
    dv->field = field;
    dv->path = path;
    if (QN_UNLIKELY(field == dw->m->timestamp_field) && !dw->has_timestamp) {
        dw->has_timestamp = true;
        dw->timestamp_ns = dv->value.i64;
    }
}

static void emit(struct qn_doc_walker *dw, uint32_t field, uint32_t path, const struct qn_value *v)
{
    next_value(dw)->value = *v;
    commit(dw, field, path);
}

/* The number of a flattened path; QN_DOC_NO_PATH when there are too many. */
static uint32_t doc_path(struct qn_doc_walker *dw, uint32_t field, struct qn_str name)
{
    bool made;
    char *key = qn_arena_alloc_aligned(&dw->scratch, name.n + sizeof field, 1);
    memcpy(key, &field, sizeof field);
    if (name.n != 0)
        memcpy(key + sizeof field, name.p, name.n);
    struct qn_str k = qn_str_make(key, name.n + sizeof field);
    struct qn_map_entry *e = qn_map_find(&dw->doc_path_ids, k);
    if (e != NULL)
        return (uint32_t)e->u64;
    if (dw->doc_paths.n == QN__DOC_PATHS)
        return QN_DOC_NO_PATH;
    e = qn_map_put(&dw->doc_path_ids, k, &made);
    e->u64 = dw->doc_paths.n;
    struct qn__doc_path dp = {qn_str_from(e->key, sizeof field), field};
    qn_vec_push(&dw->doc_paths, dp);
    return (uint32_t)e->u64;
}

static int too_many_paths(struct qn_doc_walker *dw, uint32_t i)
{
    return qn__doc_fail(dw, QN_E_TOO_LARGE, QN_DOC_FAULT_LIMIT, NULL, QN_STR(""), i,
                        "too many distinct field paths in dynamic or json fields");
}

/* The same value for a concatenate field, under its empty path. */
static int emit_concat(struct qn_doc_walker *dw, uint32_t field, const struct qn_value *v,
                       uint32_t i)
{
    uint32_t path = doc_path(dw, field, QN_STR(""));
    if (path == QN_DOC_NO_PATH)
        return too_many_paths(dw, i);
    emit(dw, field, path, v);
    return 0;
}

static int walk_leaf(struct qn_doc_walker *dw, const struct qn_field *f, uint32_t i, bool copied);

/* `copied`: the value is a copy itself, and goes on to multi-fields only. */
static int walk_copies(struct qn_doc_walker *dw, const struct qn_field *f, uint32_t i,
                       const struct qn_value *v, bool copied)
{
    int rc = 0;
    for (uint32_t k = 0; k < f->n_copies && rc == 0; k++) {
        const struct qn_field *to = &dw->m->fields[f->copies[k].field];
        if (f->copies[k].kind == QN_COPY_CONCAT) {
            if (v->type != QN_VALUE_NONE)
                rc = emit_concat(dw, to->id, v, i);
        } else if (to->type != QN_FIELD_OPAQUE && (f->copies[k].kind == QN_COPY_MULTI || !copied)) {
            rc = walk_leaf(dw, to, i, true);
        }
    }
    return rc;
}

static int walk_null(struct qn_doc_walker *dw, const struct qn_field *f, uint32_t i)
{
    if (f->null_value.type != QN_VALUE_NONE)
        emit(dw, f->id, QN_DOC_NO_PATH, &f->null_value);
    for (uint32_t k = 0; k < f->n_copies; k++)
        if (f->copies[k].kind == QN_COPY_MULTI)
            walk_null(dw, &dw->m->fields[f->copies[k].field], i);
    return 0;
}

/* One scalar of a mapped field. */
static int walk_leaf(struct qn_doc_walker *dw, const struct qn_field *f, uint32_t i, bool copied)
{
    struct qn_value *v = &next_value(dw)->value;
    const char *why;
    int rc = qn__read_value(f, dw->t, i, &dw->dates, &dw->scratch, v, &why);
    if (QN_UNLIKELY(rc < 0)) {
        if (!f->ignore_malformed)
            return fail_value(dw, f, i, rc, why);
        return 0;
    }
    if (QN_LIKELY(rc == 0))
        commit(dw, f->id, QN_DOC_NO_PATH);
    if (QN_LIKELY(f->n_copies == 0))
        return 0;
    struct qn_value copy = {0};
    if (rc == 0)
        copy = *v;
    return walk_copies(dw, f, i, &copy, copied);
}

/* A mapped field: one value or, where that is allowed, many. */
static int walk_values(struct qn_doc_walker *dw, const struct qn_field *f, uint32_t i, bool inside)
{
    const struct qn_json_tape *t = dw->t;
    uint8_t type = t->nodes[i].type;
    if (QN_LIKELY(type != QN_JSON_ARRAY && type != QN_JSON_NULL && type != QN_JSON_OBJECT))
        return walk_leaf(dw, f, i, false);
    if (type == QN_JSON_NULL)
        return walk_null(dw, f, i);
    if (type == QN_JSON_OBJECT)
        return f->ignore_malformed ? 0 : fail_value(dw, f, i, QN_E_TYPE, NULL);
    if (!f->array)
        return qn__doc_fail(dw, QN_E_TYPE, QN_DOC_FAULT_ARRAY, f, f->path, i,
                            "an array of values, but a single value is expected");
    if (inside && f->es_type == QN_ES_NONE)
        return fail_value(dw, f, i, QN_E_TYPE, NULL);
    int rc = 0;
    for (uint32_t k = i + 1, end = t->nodes[i].link; k < end && rc == 0; k = qn_json_next(t, k))
        rc = walk_values(dw, f, k, true);
    return rc;
}

/* ---- the tree */

static int walk_slot(struct qn_doc_walker *dw, struct qn__slot *slot, uint32_t i);

/* The members of the object at i, whose own meaning is parent. */
static int walk_members(struct qn_doc_walker *dw, const struct qn__slot *parent, uint32_t i)
{
    const struct qn_json_tape *t = dw->t;
    uint32_t k = i + 1, end = t->nodes[i].link;
    while (k < end) {
        uint32_t path = dw->use_slots ? qn_json_node_path(t, k) : QN_JSON_NO_PATH;
        struct qn__slot one, *slot = &one;
        if (QN_LIKELY(path != QN_JSON_NO_PATH)) {
            slot = &dw->slots[path];
            if (QN_UNLIKELY(slot->kind == SLOT_UNSET))
                *slot = qn__slot_resolve(dw->m, parent, qn_json_node_str(t, k), &dw->slot_names);
        } else {
            one = qn__slot_resolve(dw->m, parent, qn_json_node_str(t, k), &dw->scratch);
        }
        int rc = walk_slot(dw, slot, k + 1);
        if (QN_UNLIKELY(rc < 0))
            return rc;
        k = qn_json_next(t, k + 1);
    }
    return 0;
}

/* A value inside a JSON field that is no value (a number beyond all range). */
static int fail_inside(struct qn_doc_walker *dw, const struct qn__slot *slot, uint32_t i, int rc)
{
    const struct qn_field *f = &dw->m->fields[slot->field];
    char cause[200];
    struct qn_buf path;
    qn_buf_init(&path, SIZE_MAX);
    if (!f->builtin) {
        qn_buf_put_str(&path, f->path);
        qn_buf_put_u8(&path, '.');
    }
    qn_buf_put_str(&path, slot->name);
    qn__value_cause(f, (struct qn_json_val){dw->t, i}, rc, NULL, cause, sizeof cause);
    rc = qn__doc_fail(dw, rc, QN_DOC_FAULT_VALUE, f, qn_buf_str(&path), i, cause);
    qn_buf_release(&path);
    return rc;
}

/* A scalar inside a JSON field. */
static int walk_json_scalar(struct qn_doc_walker *dw, struct qn__slot *slot, uint32_t i)
{
    const struct qn_field *f = &dw->m->fields[slot->field];
    const char *why;
    int rc = qn__read_value(f, dw->t, i, &dw->dates, &dw->scratch, &next_value(dw)->value, &why);
    if (rc < 0)
        return fail_inside(dw, slot, i, rc);
    if (slot->path == QN_DOC_NO_PATH) {
        slot->path = doc_path(dw, slot->field, slot->name);
        if (slot->path == QN_DOC_NO_PATH)
            return too_many_paths(dw, i);
    }
    if (rc == 0)
        commit(dw, slot->field, slot->path);
    for (uint32_t k = 0; k < f->n_copies; k++) {
        struct qn_value v;
        if (f->copies[k].kind != QN_COPY_CONCAT)
            continue;
        rc = qn__read_dynamic(dw->t, i, &dw->dates, false, &v);
        if (rc == 0)
            rc = emit_concat(dw, f->copies[k].field, &v, i);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int walk_json(struct qn_doc_walker *dw, struct qn__slot *slot, uint32_t i)
{
    const struct qn_json_tape *t = dw->t;
    const struct qn_field *f = &dw->m->fields[slot->field];
    uint8_t type = t->nodes[i].type;
    int rc = 0;
    switch (type) {
    case QN_JSON_NULL:
        return 0;
    case QN_JSON_OBJECT:
        return walk_members(dw, slot, i);
    case QN_JSON_ARRAY:
        if (slot->json_root && !f->array)
            return qn__doc_fail(dw, QN_E_TYPE, QN_DOC_FAULT_ARRAY, f, f->path, i,
                                "an array of values, but a single value is expected");
        for (uint32_t k = i + 1, end = t->nodes[i].link; k < end && rc == 0; k = qn_json_next(t, k))
            rc = walk_json(dw, slot, k);
        return rc;
    default:
        if (slot->json_root)
            return fail_value(dw, f, i, QN_E_TYPE, "expected object");
        return walk_json_scalar(dw, slot, i);
    }
}

static int walk_object(struct qn_doc_walker *dw, struct qn__slot *slot, uint32_t i)
{
    const struct qn_json_tape *t = dw->t;
    const struct qn_field *f = &dw->m->fields[slot->field];
    int rc = 0;
    if (QN_LIKELY(t->nodes[i].type == QN_JSON_OBJECT))
        return walk_members(dw, slot, i);
    if (t->nodes[i].type == QN_JSON_NULL)
        return 0;
    if (dw->m->dialect == QN_DIALECT_ELASTIC && t->nodes[i].type == QN_JSON_ARRAY) {
        for (uint32_t k = i + 1, end = t->nodes[i].link; k < end && rc == 0; k = qn_json_next(t, k))
            rc = walk_object(dw, slot, k);
        return rc;
    }
    if (dw->m->dialect == QN_DIALECT_ELASTIC)
        return fail_value(dw, f, i, QN_E_TYPE,
                          "tried to parse field as object, but found a concrete value");
    struct qn_str raw = qn_str_first(qn_json_node_raw(t, i), 60);
    char cause[120];
    snprintf(cause, sizeof cause, "expected an JSON object, got " QN_STR_FMT, QN_STR_ARG(raw));
    return fail_value(dw, f, i, QN_E_TYPE, cause);
}

/* strict: the path of the key that is not mapped. */
static int fail_unmapped(struct qn_doc_walker *dw, const struct qn__slot *slot, uint32_t i)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    if (slot->field != QN_NO_FIELD) {
        qn_buf_put_str(&b, dw->m->fields[slot->field].path);
        qn_buf_put_u8(&b, '.');
    }
    qn_buf_put_str(&b, qn_json_node_str(dw->t, i - 1));
    int rc = qn__doc_fail(dw, QN_E_INVALID, QN_DOC_FAULT_UNMAPPED, NULL, qn_buf_str(&b), i,
                          "the field is not mapped, and the mapping is strict");
    qn_buf_release(&b);
    return rc;
}

static int walk_slot(struct qn_doc_walker *dw, struct qn__slot *slot, uint32_t i)
{
    switch ((enum qn__slot_kind)slot->kind) {
    case SLOT_LEAF:
        return walk_values(dw, &dw->m->fields[slot->field], i, false);
    case SLOT_JSON:
        return walk_json(dw, slot, i);
    case SLOT_OBJECT:
        return walk_object(dw, slot, i);
    case SLOT_STRICT:
        return fail_unmapped(dw, slot, i);
    case SLOT_GROW:
        qn__doc_grow(dw, slot->name, i);
        return 0;
    case SLOT_UNSET:
    case SLOT_IGNORE:
        break;
    }
    return 0;
}

static void begin(struct qn_doc_walker *dw, const struct qn_json_tape *t, struct qn_err *err)
{
    dw->t = t;
    dw->err = err;
    dw->fault.kind = QN_DOC_FAULT_NONE;
    dw->has_timestamp = false;
    dw->use_slots = t->opt.paths == &dw->paths && t->paths_generation == dw->paths.generation;
    qn_vec_clear(&dw->values);
    qn_buf_clear(&dw->delta);
    if (dw->delta_names.count != 0) {
        qn_map_release(&dw->delta_names);
        qn_map_init(&dw->delta_names, &dw->scratch);
    }
    if (dw->scratch.head != NULL)
        qn_arena_reset(&dw->scratch);
    if (dw->generation != dw->paths.generation || dw->slots[0].kind == SLOT_UNSET)
        forget_slots(dw);
}

int qn_doc_walk(struct qn_doc_walker *dw, struct qn_json_val v, struct qn_doc *doc,
                struct qn_err *err)
{
    static const struct qn__slot root = {SLOT_OBJECT, false, QN_NO_FIELD, QN_DOC_NO_PATH, {0}};
    begin(dw, v.t, err);
    *doc = (struct qn_doc){.text = qn_json_raw(v)};
    if (!qn_json_is_obj(v))
        return qn__doc_fail(dw, QN_E_TYPE, QN_DOC_FAULT_NOT_OBJECT, NULL, QN_STR(""), v.i,
                            "the document is not a JSON object");
    int rc = walk_members(dw, &root, v.i);
    if (rc < 0)
        return rc;
    if (dw->delta.n != 0) {
        qn_buf_put_z(&dw->delta, "}}");
        return QN_DOC_GROW;
    }
    if (dw->m->timestamp_required && !dw->has_timestamp)
        return qn__doc_fail(dw, QN_E_MISSING, QN_DOC_FAULT_REQUIRED,
                            &dw->m->fields[dw->m->timestamp_field], dw->m->timestamp_path, v.i,
                            "the document must contain field \"timestamp field is required\"");
    if (dw->m->doc_length_field != QN_NO_FIELD)
        emit(dw, dw->m->doc_length_field, QN_DOC_NO_PATH,
             &(struct qn_value){.type = QN_VALUE_U64, .u64 = doc->text.n});
    doc->values = dw->values.p;
    doc->n = (uint32_t)dw->values.n;
    doc->has_timestamp = dw->has_timestamp;
    doc->timestamp_ns = dw->has_timestamp ? dw->timestamp_ns : 0;
    if (dw->m->partition != NULL)
        doc->partition = qn_partition_eval(dw->m->partition, v);
    return 0;
}

int qn_doc_read(struct qn_doc_walker *dw, struct qn_str text, struct qn_doc *doc,
                struct qn_err *err)
{
    *doc = (struct qn_doc){.text = text};
    int rc = qn_json_read(&dw->tape, text, err);
    if (rc < 0) {
        dw->fault = (struct qn_doc_fault){.kind = QN_DOC_FAULT_NOT_OBJECT,
                                          .pos = err != NULL ? err->pos : 0};
        snprintf(dw->fault.cause, sizeof dw->fault.cause, "%.199s", err != NULL ? err->msg : "");
        qn_err_prefix(err, "the provided string is not a syntactically valid JSON object: ");
        return rc;
    }
    return qn_doc_walk(dw, qn_json_root(&dw->tape), doc, err);
}
