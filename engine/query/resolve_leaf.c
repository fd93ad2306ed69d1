/* term, terms and exists on a field. */
#include "resolve_int.h"

#include "rewrite_int.h"

/* ---- terms */

/* "10.0.0.0/8": the addresses [lower, upper]; v4 prefixes count from the v4 part. */
static bool read_cidr(struct qn_str s, struct qn_value *lower, struct qn_value *upper)
{
    size_t slash = qn_str_find_byte(s, '/');
    uint64_t bits;
    lower->type = upper->type = QN_VALUE_IP;
    if (slash == SIZE_MAX || qn_ip_parse(qn_str_first(s, slash), lower->ip) < 0 ||
        qn_str_to_u64(qn_str_from(s, slash + 1), &bits) < 0)
        return false;
    bool v4 = qn_str_find_byte(s, ':') == SIZE_MAX;
    if (bits > (v4 ? 32 : 128))
        return false;
    bits += v4 ? 96 : 0;
    memcpy(upper->ip, lower->ip, 16);
    for (unsigned i = (unsigned)bits; i < 128; i++) {
        lower->ip[i / 8] &= (uint8_t) ~(0x80u >> (i % 8));
        upper->ip[i / 8] |= (uint8_t)(0x80u >> (i % 8));
    }
    return true;
}

/* A term without wildcards, any case: the pattern matcher folds. */
static const struct qn_query *any_case(struct resolver *r, const struct on_field *on,
                                       struct qn_str text)
{
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_HAS_PATTERN);
    char *p = q ? qn_arena_alloc_aligned(r->ar, 2 * text.n + 1, 1) : NULL;
    size_t n = 0;
    if (p == NULL)
        return NULL;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '*' || text.p[i] == '?' || text.p[i] == '\\')
            p[n++] = '\\';
        p[n++] = text.p[i];
    }
    q->has_pattern.target = qn__query_target(on, QN_VALUE_STR);
    q->has_pattern.kind = QN_PATTERN_WILDCARD;
    q->has_pattern.text = qn_str_make(p, n);
    q->has_pattern.case_insensitive = true;
    q->has_pattern.max_expansions = UINT32_MAX;
    return q;
}

/* The term as it stands; only keywords have it normalized. */
static const struct qn_query *text_term(struct resolver *r, const struct on_field *on,
                                        struct qn_str text, bool nocase)
{
    const struct qn_field *f = on->field;
    struct qn_value v = {.type = QN_VALUE_STR, .str = text};
    if (!r->quickwit && f->analyzer != NULL && qn_analyzer_is_keyword(f->analyzer)) {
        struct qn_str term;
        qn_normalize(r->opt->scratch, f->analyzer, text, &term);
        if (term.p == NULL)
            return qn__query_nothing(r, on->q);
        v.str = qn_arena_str(r->ar, term);
        if (v.str.p == NULL)
            return NULL;
    }
    return nocase ? any_case(r, on, v.str) : qn__query_has_term(r, on, &v);
}

/* A date as a term in Elasticsearch is the span it names. */
static int date_term(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                     const struct qn_query **out)
{
    struct qn_value from, to;
    int rc = qn__query_read_value(r, on, v, NULL, false, &from);
    if (rc > 0)
        rc = qn__query_read_value(r, on, v, NULL, true, &to);
    if (rc == 0)
        return qn__query_bad_value(r, on, v, out);
    if (rc > 0)
        *out = qn__query_in_dates(r, on, from.i64, to.i64);
    return rc < 0 ? rc : QN_OK;
}

/* One value of a field: what term, terms and texts on fields that are no texts come to. */
static int one_value(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                     bool nocase, const struct qn_query **out)
{
    struct qn_value value, upper;
    if (on->field->type == QN_FIELD_TEXT) {
        *out = text_term(r, on, v->text, nocase);
        return QN_OK;
    }
    if (on->field->type == QN_FIELD_JSON) {
        struct qn_query_list list = {0};
        int rc = qn__query_json_variants(r, on, v, &list);
        if (rc < 0)
            return rc;
        qn_query_list_add(r->ar, &list, text_term(r, on, v->text, nocase));
        *out = qn__query_or(r, on->q, &list);
        return QN_OK;
    }
    if (on->field->type == QN_FIELD_DATETIME && !r->quickwit)
        return date_term(r, on, v, out);
    if (on->field->type == QN_FIELD_IP && read_cidr(v->text, &value, &upper)) {
        *out = qn__query_in_range(r, on, QN_VALUE_IP, &value, &upper);
        return QN_OK;
    }
    int rc = qn__query_read_value(r, on, v, NULL, false, &value);
    if (rc > 0) {
        *out = qn__query_has_term(r, on, &value);
        return QN_OK;
    }
    struct qn_value number;
    if (rc == 0 && !r->quickwit && v->kind != QN_LITERAL_BOOL &&
        qn__query_read_number(v->text, &number) &&
        (on->field->type == QN_FIELD_I64 || on->field->type == QN_FIELD_U64)) {
        *out = qn__query_nothing(r, on->q); /* a number, but none such a field can hold */
        return QN_OK;
    }
    return rc < 0 ? rc : qn__query_bad_value(r, on, v, out);
}

int qn__resolve_term(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    return one_value(r, on, &on->q->term.value, on->q->term.case_insensitive, out);
}

/* Texts on numbers, dates and the like: the text is the value. */
int qn__resolve_text_value(struct resolver *r, const struct on_field *on, struct qn_str text,
                           const struct qn_query **out)
{
    struct qn_literal v = qn__query_literal_str(text);
    return one_value(r, on, &v, false, out);
}

/* ---- sets of terms */

/* Gathers the HAS_TERM leaves of one type of value into one HAS_ANY; other leaves stay. */
static int gather(struct resolver *r, const struct on_field *on, const struct qn_query_list *all,
                  struct qn_query_list *out)
{
    for (unsigned type = QN_VALUE_STR; type <= QN_VALUE_BYTES; type++) {
        struct qn_query_target target = qn__query_target(on, (enum qn_value_type)type);
        struct qn_value *values = NULL;
        uint32_t n = 0;
        for (uint32_t i = 0; i < all->n; i++)
            n += all->p[i]->kind == QN_QUERY_HAS_TERM && all->p[i]->has_term.value.type == type;
        if (n == 0)
            continue;
        values = qn_arena_array(r->ar, struct qn_value, n);
        if (values == NULL)
            return QN_E_BUDGET;
        n = 0;
        for (uint32_t i = 0; i < all->n; i++)
            if (all->p[i]->kind == QN_QUERY_HAS_TERM && all->p[i]->has_term.value.type == type)
                values[n++] = all->p[i]->has_term.value;
        qn_query_list_add(r->ar, out,
                          qn__query_has_any(r->ar, on->q->pos, &target, values, n, false));
    }
    for (uint32_t i = 0; i < all->n; i++)
        if (all->p[i]->kind != QN_QUERY_HAS_TERM && all->p[i]->kind != QN_QUERY_NONE)
            qn_query_list_add(r->ar, out, all->p[i]);
    return QN_OK;
}

static int set_on(struct resolver *r, struct on_field *on, const struct qn_query_term_group *group,
                  struct qn_query_list *out)
{
    struct qn_query_list all = {0};
    int rc = QN_OK;
    for (uint32_t i = 0; rc == QN_OK && i < group->n; i++) {
        const struct qn_query *one = NULL;
        rc = one_value(r, on, &group->values[i], false, &one);
        if (rc == QN_OK && one == NULL)
            rc = QN_E_BUDGET;
        if (rc == QN_OK && one->kind == QN_QUERY_BOOL && one->bools.should.n > 0)
            for (uint32_t k = 0; k < one->bools.should.n; k++)
                qn_query_list_add(r->ar, &all, one->bools.should.p[k]);
        else if (rc == QN_OK)
            qn_query_list_add(r->ar, &all, one);
    }
    return rc < 0 ? rc : gather(r, on, &all, out);
}

static int set_of_ids(struct resolver *r, const struct qn_query *q,
                      const struct qn_query_term_group *group, struct qn_query_list *out)
{
    struct qn_query *ids = qn_query_new(r->ar, QN_QUERY_HAS_ID, q->pos);
    struct qn_str *texts = qn_arena_array(r->ar, struct qn_str, group->n + 1);
    if (ids == NULL || texts == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < group->n; i++)
        texts[i] = group->values[i].text;
    ids->ids = (struct qn_query_has_id){texts, group->n};
    qn_query_list_add(r->ar, out, ids);
    return QN_OK;
}

int qn__resolve_term_set(struct resolver *r, const struct qn_query *q, const struct qn_query **out)
{
    struct qn_query_list list = {0};
    for (uint32_t g = 0; g < q->term_set.n; g++) {
        const struct qn_query_term_group *group = &q->term_set.groups[g];
        struct on_field on = {.q = q, .lenient = q->lenient || r->opt->lenient};
        int rc;
        if (group->n > r->max_terms)
            return qn__query_mistake(r, q, QN_E_TOO_LARGE,
                                     "the number of terms [%u] exceeds the maximum of [%u]",
                                     group->n, r->max_terms);
        if (qn_str_is(group->field, "_id")) {
            rc = set_of_ids(r, q, group, &list);
        } else {
            rc = qn__query_find_field(r, group->field, &on);
            if (rc == 0 && r->quickwit && !on.lenient && !r->opt->unmapped_matches_none)
                return qn__query_mistake(r, q, QN_E_INVALID,
                                         "field does not exist: `" QN_STR_FMT "`",
                                         QN_STR_ARG(qn_str_first(group->field, 120)));
            rc = rc > 0 ? set_on(r, &on, group, &list) : rc;
        }
        if (rc < 0)
            return rc;
    }
    const struct qn_query *any = list.n ? qn__query_or(r, q, &list) : qn__query_nothing(r, q);
    if (any == NULL)
        return QN_E_BUDGET;
    /* A set is one answer, not many scores. */
    struct qn_query *constant = qn_query_new(r->ar, QN_QUERY_CONSTANT, q->pos);
    if (constant == NULL)
        return QN_E_BUDGET;
    constant->child = any;
    *out = any->kind == QN_QUERY_NONE ? any : constant;
    return QN_OK;
}

/* ---- exists */

struct found {
    struct resolver *r;
    struct qn_query_target *targets;
    uint32_t n, cap;
    bool failed;
};

static void add_target(struct found *f, const struct qn_field *field, struct qn_str path)
{
    if (f->n == f->cap) {
        uint32_t cap = f->cap ? 2 * f->cap : 4;
        struct qn_query_target *p = qn_arena_array(f->r->ar, struct qn_query_target, cap);
        if (p == NULL) {
            f->failed = true;
            return;
        }
        if (f->n > 0)
            memcpy(p, f->targets, f->n * sizeof *p);
        f->targets = p;
        f->cap = cap;
    }
    f->targets[f->n++] = (struct qn_query_target){field, path, QN_VALUE_NONE};
}

/* The leaves below an object. */
static void add_below(struct found *f, uint32_t object)
{
    const struct qn_mapping *m = f->r->m;
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct qn_field *field = &m->fields[i];
        if (field->type == QN_FIELD_OBJECT || field->type == QN_FIELD_OPAQUE || field->multi_field)
            continue;
        for (uint32_t up = field->parent; up != QN_NO_FIELD; up = m->fields[up].parent)
            if (up == object) {
                add_target(f, field, QN_STR(""));
                break;
            }
    }
}

/* Leaves and objects whose path the pattern fits, and what is below them. */
static void add_matching(struct found *f, struct qn_str pattern)
{
    const struct qn_mapping *m = f->r->m;
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct qn_field *field = &m->fields[i];
        if (field->builtin || !qn_str_glob(pattern, field->path))
            continue;
        if (field->type == QN_FIELD_OBJECT)
            add_below(f, i);
        else if (field->type != QN_FIELD_OPAQUE)
            add_target(f, field, QN_STR(""));
    }
}

static int exists_name(struct resolver *r, const struct qn_query *q, struct qn_str name,
                       struct found *f)
{
    struct on_field on = {.q = q};
    if (qn_str_find_byte(name, '*') != SIZE_MAX) {
        add_matching(f, name);
        return QN_OK;
    }
    if (qn__query_find_field(r, name, &on) > 0)
        add_target(f, on.field, on.path);
    const struct qn_field *field = qn_mapping_find(r->m, name);
    if (field != NULL && field->type == QN_FIELD_OBJECT) {
        if (r->m->dynamic_field != QN_NO_FIELD) /* keys below it that are not mapped */
            add_target(f, &r->m->fields[r->m->dynamic_field], name);
        add_below(f, field->id);
    }
    bool known = f->n > 0 || field != NULL;
    if (!known && r->quickwit && !q->lenient && !r->opt->lenient && !r->opt->unmapped_matches_none)
        return qn__query_mistake(r, q, QN_E_INVALID, "field does not exist: `" QN_STR_FMT "`",
                                 QN_STR_ARG(qn_str_first(name, 120)));
    return QN_OK;
}

int qn__resolve_exists_query(struct resolver *r, const struct qn_query *q,
                             const struct qn_query **out)
{
    struct found f = {.r = r};
    struct qn__names names = {0};
    struct qn_query *has;
    int rc = QN_OK;
    if (qn_str_is(q->exists.field, "_id") || qn_str_is(q->exists.field, "_index") ||
        qn_str_is(q->exists.field, "_source")) {
        *out = qn_query_new(r->ar, QN_QUERY_ALL, q->pos);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    if (qn__query_is_set(q->exists.field))
        rc = exists_name(r, q, q->exists.field, &f);
    else
        rc = qn__query_expand_names(r, q, q->exists.fields, &names);
    for (uint32_t i = 0; rc == QN_OK && i < names.n; i++)
        rc = exists_name(r, q, names.names[i], &f);
    if (rc < 0)
        return rc;
    has = qn_query_new(r->ar, f.n ? QN_QUERY_HAS_FIELD : QN_QUERY_NONE, q->pos);
    if (has == NULL || f.failed)
        return QN_E_BUDGET;
    if (f.n > 0)
        has->has_field = (struct qn_query_has_field){f.targets, f.n, true};
    *out = has;
    return QN_OK;
}
