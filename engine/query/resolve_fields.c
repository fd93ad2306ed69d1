/* Which fields a leaf looks in: names, patterns, default fields; and the leaf on each of them. */
#include "resolve_int.h"

#include "base/vec.h"

#define FIELDS_MAX 1024

/* A path inside a JSON field that expands dots has no escaped ones. */
static struct qn_str plain_path(struct resolver *r, struct qn_str path)
{
    if (qn_str_find_byte(path, '\\') == SIZE_MAX)
        return path;
    char *out = qn_arena_alloc_aligned(r->ar, path.n + 1, 1);
    size_t n = 0;
    if (out == NULL)
        return path;
    for (size_t i = 0; i < path.n; i++)
        if (!(path.p[i] == '\\' && i + 1 < path.n && path.p[i + 1] == '.'))
            out[n++] = path.p[i];
    return qn_str_make(out, n);
}

int qn__query_find_field(struct resolver *r, struct qn_str name, struct on_field *on)
{
    struct qn_str rest;
    const struct qn_field *f = qn_mapping_resolve(r->m, name, &rest);
    if (f == NULL || f->type == QN_FIELD_OBJECT || f->type == QN_FIELD_OPAQUE ||
        (f->builtin && rest.n == 0 && f->type == QN_FIELD_JSON))
        return 0;
    on->field = f;
    on->path = f->type == QN_FIELD_JSON && f->expand_dots ? plain_path(r, rest) : rest;
    on->name = name;
    return 1;
}

static bool has_star(struct qn_str s)
{
    return qn_str_find_byte(s, '*') != SIZE_MAX;
}

static bool is_searchable(const struct qn_field *f)
{
    return f->type != QN_FIELD_OBJECT && f->type != QN_FIELD_OPAQUE && !f->builtin &&
           (f->indexed || f->columnar) && (f->type != QN_FIELD_JSON || f->concatenate);
}

void qn_query_each_field(const struct qn_mapping *m, struct qn_str pattern,
                         void (*found)(void *ctx, const struct qn_field *f), void *ctx)
{
    for (uint32_t i = 0; i < m->n_fields; i++)
        if (is_searchable(&m->fields[i]) && qn_str_glob(pattern, m->fields[i].path))
            found(ctx, &m->fields[i]);
}

static bool add_name(struct resolver *r, struct qn__names *out, struct qn_str name, float boost)
{
    if (out->n == out->cap) {
        uint32_t cap = out->cap ? 2 * out->cap : 8;
        struct qn_str *names = qn_arena_array(r->ar, struct qn_str, cap);
        float *boosts = qn_arena_array(r->ar, float, cap);
        if (names == NULL || boosts == NULL)
            return false;
        if (out->n > 0) {
            memcpy(names, out->names, out->n * sizeof *names);
            memcpy(boosts, out->boosts, out->n * sizeof *boosts);
        }
        out->names = names;
        out->boosts = boosts;
        out->cap = cap;
    }
    out->names[out->n] = name;
    out->boosts[out->n++] = boost;
    return true;
}

struct adding {
    struct resolver *r;
    struct qn__names *out;
    float boost;
    bool failed;
};

static void add_found(void *ctx, const struct qn_field *f)
{
    struct adding *a = ctx;
    a->failed |= !add_name(a->r, a->out, f->path, a->boost);
}

static int expand(struct resolver *r, const struct qn_query *q, struct qn_str name, float boost,
                  struct qn__names *out)
{
    struct adding a = {r, out, boost, false};
    if (has_star(name))
        qn_query_each_field(r->m, name, add_found, &a);
    else
        a.failed = !add_name(r, out, name, boost);
    if (a.failed)
        return QN_E_BUDGET;
    if (out->n > FIELDS_MAX)
        return qn__query_mistake(r, q, QN_E_TOO_LARGE,
                                 "field expansion matches too many fields: over %d", FIELDS_MAX);
    return QN_OK;
}

int qn__query_expand_names(struct resolver *r, const struct qn_query *q,
                           const struct qn_query_fields *fields, struct qn__names *out)
{
    const struct qn_resolve_options *opt = r->opt;
    int rc = QN_OK;
    for (uint32_t i = 0; rc == QN_OK && i < fields->n; i++)
        rc = expand(r, q, fields->names[i], fields->boosts[i], out);
    if (fields->n > 0 || rc < 0)
        return rc;
    if (opt->n_default_fields == 0)
        return r->quickwit ? qn__query_mistake(r, q, QN_E_INVALID,
                                               "query requires a default search field and none was "
                                               "supplied")
                           : expand(r, q, QN_STR("*"), 1, out);
    const struct qn_parse_options names = {.default_fields = opt->default_fields,
                                           .n_default_fields = opt->n_default_fields};
    const struct qn_query_fields *own = qn__query_fields_of(r->ar, &names);
    if (own == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; rc == QN_OK && i < own->n; i++)
        rc = expand(r, q, own->names[i], own->boosts[i], out);
    return rc;
}

static int on_name(struct resolver *r, const struct qn_query *q, struct qn_str name, bool lenient,
                   qn__query_leaf_fn *leaf, const struct qn_query **out)
{
    struct on_field on = {.q = q, .lenient = lenient || q->lenient || r->opt->lenient};
    int rc = qn__query_find_field(r, name, &on);
    if (rc > 0 && on.field->type == QN_FIELD_JSON && on.path.n == 0 && !on.field->concatenate &&
        q->kind != QN_QUERY_EXISTS) {
        if (r->quickwit && !on.lenient)
            return qn__query_mistake(
                r, q, QN_E_INVALID, "Json field root is not a valid search field: `" QN_STR_FMT "`",
                QN_STR_ARG(qn_str_first(name, 120)));
        rc = 0;
        *out = qn__query_nothing(r, q);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    if (rc == 0) {
        if (r->quickwit && !on.lenient && !r->opt->unmapped_matches_none)
            return qn__query_mistake(r, q, QN_E_INVALID, "field does not exist: `" QN_STR_FMT "`",
                                     QN_STR_ARG(qn_str_first(name, 120)));
        *out = qn__query_nothing(r, q);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    rc = leaf(r, &on, out);
    return rc < 0 ? rc : *out ? QN_OK : QN_E_BUDGET;
}

/* Joins the leaves by the mode: the best of them, or all of them. */
static const struct qn_query *join(struct resolver *r, const struct qn_query *q,
                                   struct qn_query_list *list, enum qn_fields_mode mode, float tie)
{
    if (list->n == 0)
        return qn__query_nothing(r, q);
    if (list->n == 1)
        return list->p[0];
    struct qn_query *all =
        qn_query_new(r->ar, mode == QN_FIELDS_SUM ? QN_QUERY_BOOL : QN_QUERY_DIS_MAX, q->pos);
    if (all == NULL)
        return NULL;
    if (mode == QN_FIELDS_SUM) {
        all->bools.should = *list;
    } else {
        all->dis_max.any = *list;
        all->dis_max.tie_breaker = tie;
    }
    return all;
}

int qn__query_on_fields(struct resolver *r, const struct qn_query *q,
                        const struct qn_query_where *where, qn__query_leaf_fn *leaf,
                        const struct qn_query **out)
{
    static const float one = 1;
    struct qn_query_fields single = {&where->field, &one, 1, QN_FIELDS_BEST, 0, true};
    const struct qn_query_fields *fields = where->fields;
    struct qn__names names = {0};
    struct qn_query_list list = {0};
    if (qn__query_is_set(where->field)) {
        if (!has_star(where->field))
            return on_name(r, q, where->field, false, leaf, out);
        fields = &single;
    }
    int rc = qn__query_expand_names(r, q, fields, &names);
    bool lenient = fields->lenient || names.n != fields->n;
    for (uint32_t i = 0; rc == QN_OK && i < names.n; i++) {
        const struct qn_query *one_field = NULL;
        rc = on_name(r, q, names.names[i], lenient, leaf, &one_field);
        if (rc == QN_OK && one_field->kind != QN_QUERY_NONE)
            qn_query_list_add(r->ar, &list, qn__query_boost(r->ar, one_field, names.boosts[i]));
    }
    if (rc == QN_OK)
        *out = join(r, q, &list, fields->mode, fields->tie_breaker);
    return rc < 0 ? rc : *out ? QN_OK : QN_E_BUDGET;
}
