/* term, terms, terms_set, ids, exists, range, prefix, wildcard, regexp, fuzzy. */
#include "es_dsl_int.h"

#define TERMS_MAX 65536

int qn__dsl_term(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_query, "value", DSL_LITERAL, term.value),
        DSL_PARAM(struct qn_query, "term", DSL_LITERAL, term.value),
        DSL_PARAM(struct qn_query, "case_insensitive", DSL_BOOL, term.case_insensitive),
    };
    struct qn_json_val value;
    struct qn_str field;
    int rc = qn__dsl_new(d, QN_QUERY_TERM, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_one_field(d, clause, v, &field, &value);
    if (rc < 0)
        return rc;
    (*out)->pos = (uint32_t)qn_json_pos(value);
    (*out)->term.where = qn__query_where_field(field);
    if (!qn_json_is_obj(value))
        return qn__dsl_literal(d, clause, "value", value, &(*out)->term.value);
    rc = qn__dsl_params(d, clause, value, params, QN_COUNT_OF(params), *out, *out);
    if (rc == QN_OK && !qn__query_is_set((*out)->term.value.text))
        rc = qn__dsl_fail(d, value, QN_E_MISSING, "[term] query needs a `value`");
    return rc;
}

static int read_literals(struct dsl *d, const char *clause, struct qn_json_val v,
                         struct qn_literal **out, uint32_t *n)
{
    uint32_t count = qn_json_is_arr(v) ? qn_json_count(v) : 1;
    if (count > TERMS_MAX)
        return qn__dsl_fail(d, v, QN_E_TOO_LARGE,
                            "[%s] the number of terms [%u] exceeds the maximum of [%d]", clause,
                            count, TERMS_MAX);
    struct qn_literal *p = qn_arena_array(d->ar, struct qn_literal, count + 1);
    if (p == NULL)
        return QN_E_BUDGET;
    *out = p;
    *n = count;
    if (!qn_json_is_arr(v))
        return qn__dsl_literal(d, clause, "value", v, p);
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it)) {
        int rc = qn__dsl_literal(d, clause, "value", it.val, &p[it.index]);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

/* {"f": [...], "boost": 2}: the one member that is not an option is the field. */
int qn__dsl_terms(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param boost[] = {{"boost", DSL_F32, offsetof(struct qn_query, boost)},
                                             {"_name", DSL_STR, offsetof(struct qn_query, name)}};
    struct qn_literal *values = NULL;
    int rc = qn__dsl_new(d, QN_QUERY_TERM_SET, v, out);
    if (rc < 0)
        return rc;
    struct qn_query_term_group *group = qn_arena_new(d->ar, struct qn_query_term_group);
    if (group == NULL)
        return QN_E_BUDGET;
    if (!qn_json_is_obj(v))
        return qn__dsl_fail(d, v, QN_E_TYPE, "[terms] query malformed, expected an object");
    struct qn_json_iter it = qn_json_iter(v);
    while (rc == QN_OK && qn_json_each(&it)) {
        if (qn_str_is(it.key, "boost") || qn_str_is(it.key, "_name")) {
            rc = qn__dsl_value(d, clause, &boost[it.key.p[0] == '_'], it.val, *out);
        } else if (qn__query_is_set(group->field)) {
            rc = qn__dsl_fail(d, it.val, QN_E_INVALID,
                              "[terms] query does not support multiple fields");
        } else if (qn_json_is_obj(it.val)) {
            rc = qn__dsl_fail(d, it.val, QN_E_UNSUPPORTED,
                              "[terms] lookup from another index is not supported");
        } else {
            group->field = it.key;
            (*out)->pos = (uint32_t)qn_json_pos(it.val);
            rc = read_literals(d, clause, it.val, &values, &group->n);
            group->values = values;
        }
    }
    if (rc == QN_OK && !qn__query_is_set(group->field))
        rc = qn__dsl_fail(d, v, QN_E_MISSING, "[terms] query requires a field name");
    (*out)->term_set = (struct qn_query_term_set){group, 1};
    return rc;
}

/* Terms of which a number must match: a bool of its terms. */
int qn__dsl_terms_set(struct dsl *d, const char *clause, struct qn_json_val v,
                      struct qn_query **out)
{
    struct terms_set {
        struct qn_json_val terms;
        struct qn_str least;
        struct qn_json_val unsupported;
    } p = {0};
    static const struct dsl_param params[] = {
        DSL_PARAM(struct terms_set, "terms", DSL_VALUE, terms),
        DSL_PARAM(struct terms_set, "minimum_should_match", DSL_COUNT_TEXT, least),
        DSL_PARAM(struct terms_set, "minimum_should_match_field", DSL_VALUE, unsupported),
        DSL_PARAM(struct terms_set, "minimum_should_match_script", DSL_VALUE, unsupported),
    };
    struct qn_json_val value;
    struct qn_str field;
    struct qn_literal *values = NULL;
    uint32_t n = 0, least = 1;
    int rc = qn__dsl_new(d, QN_QUERY_BOOL, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_one_field(d, clause, v, &field, &value);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, value, params, QN_COUNT_OF(params), &p, *out);
    if (rc < 0)
        return rc;
    if (p.unsupported.t != NULL)
        return qn__dsl_fail(d, p.unsupported, QN_E_UNSUPPORTED,
                            "[terms_set] only `minimum_should_match` is supported");
    if (p.terms.t == NULL)
        return qn__dsl_fail(d, value, QN_E_MISSING, "[terms_set] query needs `terms`");
    rc = read_literals(d, clause, p.terms, &values, &n);
    if (rc == QN_OK && qn__query_is_set(p.least) && qn_min_should_match(p.least, n, &least) < 0)
        rc = qn__dsl_fail(d, value, QN_E_INVALID, "[terms_set] invalid minimum_should_match");
    for (uint32_t i = 0; rc == QN_OK && i < n; i++) {
        struct qn_query *term;
        rc = qn__dsl_new(d, QN_QUERY_TERM, p.terms, &term);
        if (rc < 0)
            return rc;
        term->term.where = qn__query_where_field(field);
        term->term.value = values[i];
        qn_query_list_add(d->ar, &(*out)->bools.should, term);
    }
    (*out)->bools.min_should = (int32_t)least;
    return rc;
}

int qn__dsl_ids(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    struct ids {
        struct qn_json_val values, type;
    } p = {0};
    static const struct dsl_param params[] = {
        DSL_PARAM(struct ids, "values", DSL_VALUE, values),
        DSL_PARAM(struct ids, "type", DSL_IGNORE, type),
    };
    int rc = qn__dsl_new(d, QN_QUERY_IDS, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), &p, *out);
    if (rc < 0)
        return rc;
    if (p.values.t == NULL)
        return qn__dsl_fail(d, v, QN_E_MISSING, "[ids] requires a 'values' array");
    return qn__dsl_strings(d, clause, "values", p.values, &(*out)->ids.ids, &(*out)->ids.n);
}

int qn__dsl_exists(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_query, "field", DSL_STR, exists.field),
    };
    int rc = qn__dsl_new(d, QN_QUERY_EXISTS, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), *out, *out);
    if (rc == QN_OK && !qn__query_is_set((*out)->exists.field))
        rc = qn__dsl_fail(d, v, QN_E_MISSING, "[exists] must be provided with a [field]");
    return rc;
}

struct range_params {
    struct qn_literal gt, gte, lt, lte, from, to;
    bool exclude_from, exclude_to;
    struct qn_str format, time_zone, relation;
};

static struct qn_query_bound bound_of(const struct qn_literal *v, bool exclusive)
{
    struct qn_query_bound b = {QN_BOUND_NONE};
    if (qn__query_is_set(v->text)) {
        b.kind = exclusive ? QN_BOUND_EXCLUDED : QN_BOUND_INCLUDED;
        b.value = *v;
    }
    return b;
}

static int range_bounds(struct dsl *d, struct qn_json_val v, struct range_params *p,
                        struct qn_query_range *r)
{
    bool gt = qn__query_is_set(p->gt.text), lt = qn__query_is_set(p->lt.text);
    if ((gt && qn__query_is_set(p->gte.text)) || (lt && qn__query_is_set(p->lte.text)))
        return qn__dsl_fail(d, v, QN_E_INVALID, "[range] both %s are set",
                            gt && qn__query_is_set(p->gte.text) ? "gt and gte" : "lt and lte");
    r->lower = bound_of(gt ? &p->gt : &p->gte, gt);
    r->upper = bound_of(lt ? &p->lt : &p->lte, lt);
    if (r->lower.kind == QN_BOUND_NONE)
        r->lower = bound_of(&p->from, p->exclude_from);
    if (r->upper.kind == QN_BOUND_NONE)
        r->upper = bound_of(&p->to, p->exclude_to);
    return QN_OK;
}

int qn__dsl_range(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct range_params, "gte", DSL_LITERAL, gte),
        DSL_PARAM(struct range_params, "gt", DSL_LITERAL, gt),
        DSL_PARAM(struct range_params, "lte", DSL_LITERAL, lte),
        DSL_PARAM(struct range_params, "lt", DSL_LITERAL, lt),
        DSL_PARAM(struct range_params, "from", DSL_LITERAL, from),
        DSL_PARAM(struct range_params, "to", DSL_LITERAL, to),
        DSL_PARAM(struct range_params, "include_lower", DSL_FLAG_OFF, exclude_from),
        DSL_PARAM(struct range_params, "include_upper", DSL_FLAG_OFF, exclude_to),
        DSL_PARAM(struct range_params, "format", DSL_STR, format),
        DSL_PARAM(struct range_params, "time_zone", DSL_STR, time_zone),
        DSL_PARAM(struct range_params, "relation", DSL_STR, relation),
    };
    struct range_params p = {0};
    struct qn_json_val value;
    struct qn_str field;
    int rc = qn__dsl_new(d, QN_QUERY_RANGE, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_one_field(d, clause, v, &field, &value);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, value, params, QN_COUNT_OF(params), &p, *out);
    if (rc < 0)
        return rc;
    if (qn__query_is_set(p.relation) && !qn_str_eq_nocase(p.relation, QN_STR("intersects")) &&
        !qn_str_eq_nocase(p.relation, QN_STR("within")) &&
        !qn_str_eq_nocase(p.relation, QN_STR("contains")))
        return qn__dsl_fail(d, value, QN_E_INVALID,
                            "[range] `relation` expects INTERSECTS, CONTAINS or WITHIN");
    (*out)->pos = (uint32_t)qn_json_pos(value);
    (*out)->range.where = qn__query_where_field(field);
    (*out)->range.format = p.format;
    (*out)->range.time_zone = p.time_zone;
    return range_bounds(d, value, &p, &(*out)->range);
}

/* prefix, wildcard, regexp, fuzzy: {"f": "text"} or {"f": {"value": "text", ...}}. */
int qn__dsl_pattern(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_query, "value", DSL_TEXT, pattern.text),
        DSL_PARAM(struct qn_query, "rewrite", DSL_IGNORE, pattern),
        /* all but fuzzy */
        DSL_PARAM(struct qn_query, "case_insensitive", DSL_BOOL, pattern.case_insensitive),
        DSL_PARAM(struct qn_query, "", DSL_TEXT, pattern.text), /* "wildcard", "prefix" */
        DSL_PARAM(struct qn_query, "flags", DSL_IGNORE, pattern),
        DSL_PARAM(struct qn_query, "flags_value", DSL_IGNORE, pattern),
        DSL_PARAM(struct qn_query, "max_determinized_states", DSL_IGNORE, pattern),
    };
    static const struct dsl_param fuzzy[] = {
        DSL_PARAM(struct qn_query, "value", DSL_TEXT, pattern.text),
        DSL_PARAM(struct qn_query, "rewrite", DSL_IGNORE, pattern),
        DSL_PARAM(struct qn_query, "fuzziness", DSL_FUZZINESS, pattern.fuzzy),
        DSL_PARAM(struct qn_query, "prefix_length", DSL_U32, pattern.fuzzy.prefix_length),
        DSL_PARAM(struct qn_query, "max_expansions", DSL_U32, pattern.fuzzy.max_expansions),
        DSL_PARAM(struct qn_query, "transpositions", DSL_FLAG_OFF, pattern.fuzzy.no_transpositions),
    };
    bool is_fuzzy = clause[0] == 'f', is_regex = clause[0] == 'r';
    struct dsl_param own[QN_COUNT_OF(params)];
    struct qn_json_val value;
    struct qn_str field;
    int rc = qn__dsl_new(d,
                         is_fuzzy           ? QN_QUERY_FUZZY
                         : is_regex         ? QN_QUERY_REGEX
                         : clause[0] == 'p' ? QN_QUERY_PREFIX
                                            : QN_QUERY_WILDCARD,
                         v, out);
    if (rc == QN_OK)
        rc = qn__dsl_one_field(d, clause, v, &field, &value);
    if (rc < 0)
        return rc;
    struct qn_query *q = *out;
    q->pos = (uint32_t)qn_json_pos(value);
    q->pattern.where = qn__query_where_field(field);
    q->pattern.syntax = QN_REGEX_LUCENE;
    q->pattern.fuzzy = (struct qn_fuzziness){is_fuzzy, true, 0, 3, 6, false, 0, 50};
    memcpy(own, params, sizeof params);
    own[3].name = clause;
    if (!qn_json_is_obj(value))
        return qn__dsl_value(d, clause, &params[0], value, q);
    rc = is_fuzzy ? qn__dsl_params(d, clause, value, fuzzy, QN_COUNT_OF(fuzzy), q, q)
                  : qn__dsl_params(d, clause, value, own, is_regex ? 7 : 4, q, q);
    if (rc == QN_OK && !qn__query_is_set(q->pattern.text))
        rc = qn__dsl_fail(d, value, QN_E_MISSING, "[%s] query needs a `value`", clause);
    return rc;
}
