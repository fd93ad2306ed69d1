/* How a mapping is made: a struct qn__map is filled field by field and then frozen. Private to the
 * mapping_*.c files. */
#ifndef QN_SCHEMA_MAPPING_INT_H
#define QN_SCHEMA_MAPPING_INT_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/vec.h"
#include "schema/mapping.h"

/* A dynamic template: when a new field is like this, define it like that. */
struct qn__template {
    struct qn_str name, json; /* the definition object {"match":..,"mapping":{..}} */
};

/* A copy that is wanted: resolved when all fields are known. */
struct qn__want {
    uint32_t from;
    struct qn_field_copy copy;
    struct qn_str to; /* copy_to: path of the target, else .p == NULL */
};

struct qn__map {
    struct qn_mapping m; /* first: what users see */
    _Atomic uint32_t refs;
    struct qn_arena ar;
    QN_VEC(struct qn_field) fields;
    uint32_t *slots; /* field id + 1 by (parent, name) */
    uint32_t n_slots;
    QN_VEC(struct qn__want) wants;
    QN_VEC(struct qn_str) tags; /* as given, sorted */
    QN_VEC(struct qn__template) templates;
    struct qn_str partition_text; /* partition_key as given */
    struct qn_str es_meta;        /* other members of an Elasticsearch root, JSON members */
    struct qn_str dynamic_date_formats;
    struct qn_date_formats date_formats; /* that date detection tries */
    struct qn_str source_json;           /* `_source` of an Elasticsearch mapping */
};

static inline const struct qn__map *qn__map_of(const struct qn_mapping *m)
{
    return (const struct qn__map *)(const void *)m;
}

struct qn__map *qn__map_new(enum qn_dialect dialect);
/* A deep copy to go on with: same ids. */
struct qn__map *qn__map_clone(const struct qn_mapping *m);
void qn__map_free(struct qn__map *mp);
/* Appends a field; QN_E_EXISTS when the parent has one of that name, QN_E_TOO_LARGE. The new field
 * has its defaults: stored, no limits. *id is valid for mp->fields.p. */
int qn__map_add(struct qn__map *mp, uint32_t parent, struct qn_str name, uint32_t *id);
uint32_t qn__map_child(const struct qn__map *mp, uint32_t parent, struct qn_str name);
/* Resolves copies, tag and timestamp fields; after it mp->m is complete. */
int qn__map_freeze(struct qn__map *mp, struct qn_err *err);

/* doc_mapping JSON; without the uid it says whether two mappings are the same. */
void qn__write_quickwit(const struct qn_mapping *m, struct qn_jw *w, bool with_uid);
/* Quickwit's regular expression for names. */
bool qn__field_name_ok(struct qn_str name);
/* Can the field be a tag: raw text, u64 or i64, indexed. NULL, or why not. */
const char *qn__tag_refusal(const struct qn_field *f);

/* The members of an ES definition that a type knows; shared by parse and update. */
int qn__elastic_properties(struct qn__map *mp, uint32_t parent, struct qn_json_val props, int depth,
                           struct qn_err *err);
int qn__elastic_root(struct qn__map *mp, struct qn_json_val v, bool update, struct qn_err *err);

#endif
