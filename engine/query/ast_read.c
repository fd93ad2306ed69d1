/* Query AST JSON, read: what ast_write.c writes, and what Quickwit writes. Unknown types and
 * missing keys are errors with their place; keys that mean nothing are ignored. */
#include "query_int.h"

struct reader {
    struct qn_arena *ar;
    struct qn_err *err;
    struct qn__limits used;
};

static int read_node(struct reader *r, struct qn_json_val v, const struct qn_query **out);

static int missing(struct reader *r, struct qn_json_val v, const char *key)
{
    return qn_json_fail(v, r->err, QN_E_MISSING, "missing field `%s`", key);
}

static int get(struct reader *r, struct qn_json_val v, const char *key, struct qn_json_val *out)
{
    return qn_json_get(v, key, out) ? QN_OK : missing(r, v, key);
}

static int get_str(struct reader *r, struct qn_json_val v, const char *key, struct qn_str *out)
{
    struct qn_json_val s;
    int rc = get(r, v, key, &s);
    return rc < 0 ? rc : qn_json_to_str(s, out, r->err);
}

/* Optional ones leave *out alone. */
static int opt_str(struct reader *r, struct qn_json_val v, const char *key, struct qn_str *out)
{
    struct qn_json_val s;
    if (!qn_json_get(v, key, &s) || qn_json_is_null(s))
        return QN_OK;
    return qn_json_to_str(s, out, r->err);
}

static int opt_bool(struct reader *r, struct qn_json_val v, const char *key, bool *out)
{
    struct qn_json_val s;
    return qn_json_get(v, key, &s) ? qn_json_to_bool(s, out, r->err) : QN_OK;
}

static int opt_u32(struct reader *r, struct qn_json_val v, const char *key, uint32_t *out)
{
    struct qn_json_val s;
    uint64_t u;
    if (!qn_json_get(v, key, &s))
        return QN_OK;
    int rc = qn_json_to_u64(s, &u, r->err);
    if (rc == QN_OK && u > UINT32_MAX)
        rc = qn_json_fail(s, r->err, QN_E_RANGE, "expected a 32-bit integer");
    if (rc == QN_OK)
        *out = (uint32_t)u;
    return rc;
}

/* A number below n. */
static int opt_enum(struct reader *r, struct qn_json_val v, const char *key, uint32_t n,
                    uint32_t *out)
{
    uint32_t u = *out;
    int rc = opt_u32(r, v, key, &u);
    if (rc == QN_OK && u >= n)
        rc = qn_json_fail(v, r->err, QN_E_RANGE, "`%s` must be below %u", key, n);
    *out = u;
    return rc;
}

static int opt_f64(struct reader *r, struct qn_json_val v, const char *key, double *out)
{
    struct qn_json_val s;
    return qn_json_get(v, key, &s) ? qn_json_to_f64(s, out, r->err) : QN_OK;
}

static int opt_f32(struct reader *r, struct qn_json_val v, const char *key, float *out)
{
    double f = (double)*out;
    int rc = opt_f64(r, v, key, &f);
    if (rc == QN_OK && (f > 3.4e38 || f < -3.4e38))
        rc = qn_json_fail(v, r->err, QN_E_RANGE, "`%s` is too large", key);
    else
        *out = (float)f;
    return rc;
}

static int read_literal(struct reader *r, struct qn_json_val v, struct qn_literal *out)
{
    if (qn_json_is_str(v))
        *out = (struct qn_literal){QN_LITERAL_STR, qn_json_str(v)};
    else if (qn_json_is_num(v))
        *out = (struct qn_literal){QN_LITERAL_NUM, qn_json_raw(v)};
    else if (qn_json_is_bool(v))
        *out = (struct qn_literal){QN_LITERAL_BOOL, qn_json_raw(v)};
    else
        return qn_json_fail(v, r->err, QN_E_TYPE, "expected a string, number or boolean");
    return QN_OK;
}

static int read_strings(struct reader *r, struct qn_json_val v, const struct qn_str **out,
                        uint32_t *n)
{
    int rc = qn_json_to_arr(v, r->err);
    if (rc < 0)
        return rc;
    struct qn_str *p = qn_arena_array(r->ar, struct qn_str, qn_json_count(v) + 1);
    if (p == NULL)
        return QN_E_BUDGET;
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it))
        if ((rc = qn_json_to_str(it.val, &p[it.index], r->err)) < 0)
            return rc;
    *out = p;
    *n = qn_json_count(v);
    return QN_OK;
}

static int read_operator(struct reader *r, struct qn_json_val v, const char *key,
                         enum qn_operator *out)
{
    struct qn_str s;
    int rc = get_str(r, v, key, &s);
    if (rc < 0)
        return rc;
    *out = qn_str_eq_nocase(s, QN_STR("and")) ? QN_OPERATOR_AND : QN_OPERATOR_OR;
    if (*out == QN_OPERATOR_OR && !qn_str_eq_nocase(s, QN_STR("or")))
        return qn_json_fail(v, r->err, QN_E_INVALID, "`%s` must be And or Or", key);
    return QN_OK;
}

static int read_fields(struct reader *r, struct qn_json_val v, const struct qn_query_fields **out)
{
    struct qn_query_fields *f = qn_arena_new(r->ar, struct qn_query_fields);
    struct qn_json_val names, boosts;
    struct qn_str mode = QN_STR("best");
    if (f == NULL)
        return QN_E_BUDGET;
    int rc = get(r, v, "names", &names);
    rc = rc < 0 ? rc : get(r, v, "boosts", &boosts);
    rc = rc < 0 ? rc : read_strings(r, names, &f->names, &f->n);
    rc = rc < 0 ? rc : qn_json_to_arr(boosts, r->err);
    rc = rc < 0 ? rc : opt_str(r, v, "mode", &mode);
    rc = rc < 0 ? rc : opt_f32(r, v, "tie_breaker", &f->tie_breaker);
    rc = rc < 0 ? rc : opt_bool(r, v, "lenient", &f->lenient);
    if (rc < 0)
        return rc;
    float *weights = qn_arena_array(r->ar, float, f->n + 1);
    if (weights == NULL)
        return QN_E_BUDGET;
    f->boosts = weights;
    f->mode = qn_str_is(mode, "sum")     ? QN_FIELDS_SUM
              : qn_str_is(mode, "cross") ? QN_FIELDS_CROSS
                                         : QN_FIELDS_BEST;
    for (uint32_t i = 0; i < f->n; i++) {
        struct qn_json_val b;
        double x = 1;
        if (qn_json_at(boosts, i, &b) && (rc = qn_json_to_f64(b, &x, r->err)) < 0)
            return rc;
        weights[i] = (float)x;
    }
    *out = f;
    return QN_OK;
}

static int read_where(struct reader *r, struct qn_json_val v, struct qn_query_where *out)
{
    struct qn_json_val fields;
    if (qn_json_get(v, "fields", &fields))
        return read_fields(r, fields, &out->fields);
    return get_str(r, v, "field", &out->field);
}

static int read_fuzzy(struct reader *r, struct qn_json_val v, struct qn_fuzziness *out)
{
    struct qn_str s = QN_STR_NONE;
    bool transpositions = true;
    int rc = opt_str(r, v, "fuzziness", &s);
    if (rc < 0 || !qn__query_is_set(s))
        return rc;
    out->max_expansions = 50;
    if (!qn__query_fuzziness_read(s, out))
        return qn_json_fail(v, r->err, QN_E_INVALID, "invalid `fuzziness`");
    rc = opt_u32(r, v, "prefix_length", &out->prefix_length);
    rc = rc < 0 ? rc : opt_u32(r, v, "fuzzy_max_expansions", &out->max_expansions);
    rc = rc < 0 ? rc : opt_bool(r, v, "transpositions", &transpositions);
    out->no_transpositions = !transpositions;
    return rc;
}

/* ---- leaves */

static int read_mode(struct reader *r, struct qn_json_val params, struct qn_query_text *t)
{
    struct qn_json_val mode;
    struct qn_str type;
    int rc = get(r, params, "mode", &mode);
    rc = rc < 0 ? rc : get_str(r, mode, "type", &type);
    if (rc < 0)
        return rc;
    if (qn_str_is(type, "bool") || qn_str_is(type, "bool_prefix")) {
        t->mode = qn_str_is(type, "bool") ? QN_TEXT_BOOL : QN_TEXT_BOOL_PREFIX;
        rc = read_operator(r, mode, "operator", &t->op);
        return rc < 0 ? rc : opt_u32(r, mode, "max_expansions", &t->max_expansions);
    }
    if (qn_str_is(type, "phrase_fallback_to_intersection")) {
        t->mode = QN_TEXT_PHRASE_OR_AND;
        t->op = QN_OPERATOR_AND;
        return QN_OK;
    }
    if (!qn_str_is(type, "phrase"))
        return qn_json_fail(mode, r->err, QN_E_INVALID,
                            "unknown variant `" QN_STR_FMT "`, expected one of `bool`, "
                            "`bool_prefix`, `phrase_fallback_to_intersection`, `phrase`",
                            QN_STR_ARG(qn_str_first(type, 40)));
    t->mode = QN_TEXT_PHRASE;
    return opt_u32(r, mode, "slop", &t->slop);
}

static int read_text(struct reader *r, struct qn_json_val v, struct qn_query *q, bool prefix)
{
    struct qn_query_text *t = &q->text;
    struct qn_json_val params;
    struct qn_str zero = QN_STR("none");
    t->max_expansions = 50;
    int rc = read_where(r, v, &t->where);
    rc = rc < 0 ? rc : get_str(r, v, prefix ? "phrase" : "text", &t->text);
    rc = rc < 0 ? rc : get(r, v, "params", &params);
    rc = rc < 0 ? rc : opt_str(r, params, "tokenizer", &t->analyzer);
    rc = rc < 0 ? rc : read_mode(r, params, t);
    rc = rc < 0 ? rc : opt_str(r, params, "zero_terms_query", &zero);
    rc = rc < 0 ? rc : opt_str(r, v, "minimum_should_match", &t->min_should);
    rc = rc < 0 ? rc : read_fuzzy(r, v, &t->fuzzy);
    rc = rc < 0 ? rc : opt_bool(r, v, "lenient", &q->lenient);
    t->zero_terms_all = qn_str_is(zero, "all");
    if (rc == QN_OK && prefix) {
        t->mode = QN_TEXT_PHRASE_PREFIX;
        t->op = QN_OPERATOR_AND;
        rc = opt_u32(r, v, "max_expansions", &t->max_expansions);
    }
    return rc;
}

static int read_term_set(struct reader *r, struct qn_json_val v, struct qn_query *q)
{
    struct qn_json_val per_field;
    int rc = get(r, v, "terms_per_field", &per_field);
    rc = rc < 0 ? rc : qn_json_to_obj(per_field, r->err);
    if (rc < 0)
        return rc;
    q->term_set.groups =
        qn_arena_array(r->ar, struct qn_query_term_group, qn_json_count(per_field) + 1);
    if (q->term_set.groups == NULL)
        return QN_E_BUDGET;
    struct qn_json_iter it = qn_json_iter(per_field);
    while (qn_json_each(&it)) {
        uint32_t n = qn_json_count(it.val);
        struct qn_literal *values = qn_arena_array(r->ar, struct qn_literal, n + 1);
        if (values == NULL)
            return QN_E_BUDGET;
        if ((rc = qn_json_to_arr(it.val, r->err)) < 0)
            return rc;
        struct qn_json_iter each = qn_json_iter(it.val);
        while (qn_json_each(&each))
            if ((rc = read_literal(r, each.val, &values[each.index])) < 0)
                return rc;
        q->term_set.groups[q->term_set.n++] = (struct qn_query_term_group){it.key, values, n};
    }
    return opt_bool(r, v, "lenient", &q->lenient);
}

static int read_bound(struct reader *r, struct qn_json_val v, const char *key,
                      struct qn_query_bound *out)
{
    struct qn_json_val b, value;
    int rc = get(r, v, key, &b);
    if (rc < 0)
        return rc;
    if (qn_json_is_str(b) && qn_str_is(qn_json_str(b), "Unbounded"))
        return QN_OK;
    if (qn_json_get(b, "Included", &value))
        out->kind = QN_BOUND_INCLUDED;
    else if (qn_json_get(b, "Excluded", &value))
        out->kind = QN_BOUND_EXCLUDED;
    else
        return qn_json_fail(b, r->err, QN_E_INVALID,
                            "expected `Included`, `Excluded` or `Unbounded`");
    return read_literal(r, value, &out->value);
}

static int read_range(struct reader *r, struct qn_json_val v, struct qn_query *q)
{
    int rc = read_where(r, v, &q->range.where);
    rc = rc < 0 ? rc : read_bound(r, v, "lower_bound", &q->range.lower);
    rc = rc < 0 ? rc : read_bound(r, v, "upper_bound", &q->range.upper);
    rc = rc < 0 ? rc : opt_str(r, v, "format", &q->range.format);
    rc = rc < 0 ? rc : opt_str(r, v, "time_zone", &q->range.time_zone);
    return rc < 0 ? rc : opt_bool(r, v, "lenient", &q->lenient);
}

static int read_user_text(struct reader *r, struct qn_json_val v, struct qn_query *q)
{
    struct qn_json_val fields;
    int rc = get_str(r, v, "user_text", &q->user_text.text);
    rc = rc < 0 ? rc : read_operator(r, v, "default_operator", &q->user_text.op);
    rc = rc < 0 ? rc : opt_bool(r, v, "lenient", &q->lenient);
    if (rc == QN_OK && qn_json_get(v, "default_fields", &fields) && !qn_json_is_null(fields))
        rc = read_strings(r, fields, &q->user_text.default_fields, &q->user_text.n_default_fields);
    return rc;
}

static int read_pattern(struct reader *r, struct qn_json_val v, struct qn_query *q)
{
    struct qn_query_pattern *p = &q->pattern;
    bool regex = q->kind == QN_QUERY_REGEX, lucene = false;
    int rc = read_where(r, v, &p->where);
    rc = rc < 0 ? rc : get_str(r, v, regex ? "regex" : "value", &p->text);
    rc = rc < 0 ? rc : opt_bool(r, v, "lenient", &q->lenient);
    rc = rc < 0 ? rc : opt_bool(r, v, "case_insensitive", &p->case_insensitive);
    rc = rc < 0 ? rc : opt_bool(r, v, "lucene", &lucene);
    p->syntax = lucene ? QN_REGEX_LUCENE : QN_REGEX_RUST;
    return rc < 0 ? rc : read_fuzzy(r, v, &p->fuzzy);
}

static int read_term(struct reader *r, struct qn_json_val v, struct qn_query *q)
{
    struct qn_json_val value;
    int rc = read_where(r, v, &q->term.where);
    rc = rc < 0 ? rc : get(r, v, "value", &value);
    rc = rc < 0 ? rc : read_literal(r, value, &q->term.value);
    rc = rc < 0 ? rc : opt_bool(r, v, "case_insensitive", &q->term.case_insensitive);
    return rc < 0 ? rc : opt_bool(r, v, "lenient", &q->lenient);
}

/* ---- combinators */

static int read_list(struct reader *r, struct qn_json_val v, const char *key,
                     struct qn_query_list *list)
{
    struct qn_json_val arr;
    if (!qn_json_get(v, key, &arr))
        return QN_OK;
    int rc = qn_json_to_arr(arr, r->err);
    struct qn_json_iter it = qn_json_iter(arr);
    while (rc == QN_OK && qn_json_each(&it)) {
        const struct qn_query *q = NULL;
        rc = read_node(r, it.val, &q);
        qn_query_list_add(r->ar, list, q);
    }
    return rc;
}

static int read_child(struct reader *r, struct qn_json_val v, const char *key,
                      const struct qn_query **out)
{
    struct qn_json_val child;
    int rc = get(r, v, key, &child);
    return rc < 0 ? rc : read_node(r, child, out);
}

static int read_bool(struct reader *r, struct qn_json_val v, struct qn_query_bool *b)
{
    uint32_t least = UINT32_MAX;
    int rc = read_list(r, v, "must", &b->must);
    rc = rc < 0 ? rc : read_list(r, v, "must_not", &b->must_not);
    rc = rc < 0 ? rc : read_list(r, v, "should", &b->should);
    rc = rc < 0 ? rc : read_list(r, v, "filter", &b->filter);
    rc = rc < 0 ? rc : opt_u32(r, v, "minimum_should_match", &least);
    b->min_should = least <= INT32_MAX ? (int32_t)least : -1;
    return rc;
}

static int read_score_function(struct reader *r, struct qn_json_val v, struct qn_score_function *f)
{
    struct qn_json_val x;
    uint32_t kind = 0, modifier = 0, multi_value = QN_SCORE_MIN;
    int rc = opt_enum(r, v, "kind", QN_FUNCTION_LINEAR + 1, &kind);
    f->weight = f->factor = 1;
    f->decay = 0.5;
    rc = rc < 0 ? rc : opt_f64(r, v, "weight", &f->weight);
    rc = rc < 0 ? rc : opt_str(r, v, "field", &f->field);
    rc = rc < 0 ? rc : opt_f64(r, v, "factor", &f->factor);
    rc = rc < 0 ? rc : opt_f64(r, v, "missing", &f->missing);
    rc = rc < 0 ? rc : opt_f64(r, v, "decay", &f->decay);
    rc = rc < 0 ? rc : opt_enum(r, v, "modifier", QN_MODIFIER_RECIPROCAL + 1, &modifier);
    rc = rc < 0 ? rc : opt_enum(r, v, "multi_value", QN_SCORE_REPLACE, &multi_value);
    f->kind = kind;
    f->modifier = (enum qn_factor_modifier)modifier;
    f->multi_value = (enum qn_score_mode)multi_value;
    f->has_missing = qn_json_get(v, "missing", &x);
    f->has_seed = qn_json_get(v, "seed", &x);
    if (rc == QN_OK && f->has_seed)
        rc = qn_json_to_u64(x, &f->seed, r->err);
    if (rc == QN_OK && qn_json_get(v, "origin", &x))
        rc = read_literal(r, x, &f->origin);
    if (rc == QN_OK && qn_json_get(v, "scale", &x))
        rc = read_literal(r, x, &f->scale);
    if (rc == QN_OK && qn_json_get(v, "offset", &x))
        rc = read_literal(r, x, &f->offset);
    if (rc == QN_OK && qn_json_get(v, "filter", &x))
        rc = read_node(r, x, &f->filter);
    if (rc == QN_OK && f->kind != QN_FUNCTION_WEIGHT && f->kind != QN_FUNCTION_RANDOM &&
        !qn__query_is_set(f->field))
        rc = missing(r, v, "field");
    if (rc == QN_OK && f->kind >= QN_FUNCTION_GAUSS && !qn__query_is_set(f->scale.text))
        rc = missing(r, v, "scale");
    return rc;
}

static int read_function(struct reader *r, struct qn_json_val v, struct qn_query_function *f)
{
    struct qn_json_val all, x;
    uint32_t score_mode = 0, boost_mode = 0;
    f->max_boost = 3.5e38;
    int rc = read_child(r, v, "query", &f->child);
    rc = rc < 0 ? rc : get(r, v, "functions", &all);
    rc = rc < 0 ? rc : qn_json_to_arr(all, r->err);
    rc = rc < 0 ? rc : opt_enum(r, v, "score_mode", QN_SCORE_REPLACE, &score_mode);
    rc = rc < 0 ? rc : opt_enum(r, v, "boost_mode", QN_SCORE_REPLACE + 1, &boost_mode);
    rc = rc < 0 ? rc : opt_f64(r, v, "max_boost", &f->max_boost);
    rc = rc < 0 ? rc : opt_f64(r, v, "min_score", &f->min_score);
    if (rc < 0)
        return rc;
    f->has_min_score = qn_json_get(v, "min_score", &x);
    f->score_mode = (enum qn_score_mode)score_mode;
    f->boost_mode = (enum qn_score_mode)boost_mode;
    f->functions = qn_arena_zalloc(r->ar, (qn_json_count(all) + 1) * sizeof *f->functions);
    if (f->functions == NULL)
        return QN_E_BUDGET;
    struct qn_json_iter it = qn_json_iter(all);
    while (rc == QN_OK && qn_json_each(&it))
        rc = read_score_function(r, it.val, &f->functions[f->n++]);
    return rc;
}

static int read_nested(struct reader *r, struct qn_json_val v, struct qn_query_nested *n)
{
    uint32_t mode = QN_SCORE_AVG;
    int rc = get_str(r, v, "path", &n->path);
    rc = rc < 0 ? rc : read_child(r, v, "query", &n->child);
    rc = rc < 0 ? rc : opt_enum(r, v, "score_mode", QN_SCORE_REPLACE, &mode);
    n->score_mode = (enum qn_score_mode)mode;
    return rc < 0 ? rc : opt_bool(r, v, "ignore_unmapped", &n->ignore_unmapped);
}

static int read_boosting(struct reader *r, struct qn_json_val v, struct qn_query_boosting *b)
{
    int rc = read_child(r, v, "positive", &b->positive);
    rc = rc < 0 ? rc : read_child(r, v, "negative", &b->negative);
    return rc < 0 ? rc : opt_f32(r, v, "negative_boost", &b->negative_boost);
}

/* ---- nodes */

static const struct {
    const char *type;
    enum qn_query_kind kind;
} types[] = {
    {"bool", QN_QUERY_BOOL},
    {"term", QN_QUERY_TERM},
    {"term_set", QN_QUERY_TERM_SET},
    {"field_presence", QN_QUERY_EXISTS},
    {"full_text", QN_QUERY_TEXT},
    {"phrase_prefix", QN_QUERY_TEXT},
    {"range", QN_QUERY_RANGE},
    {"user_input", QN_QUERY_USER_TEXT},
    {"wildcard", QN_QUERY_WILDCARD},
    {"regex", QN_QUERY_REGEX},
    {"match_all", QN_QUERY_ALL},
    {"match_none", QN_QUERY_NONE},
    {"prefix", QN_QUERY_PREFIX},
    {"fuzzy", QN_QUERY_FUZZY},
    {"ids", QN_QUERY_IDS},
    {"constant_score", QN_QUERY_CONSTANT},
    {"dis_max", QN_QUERY_DIS_MAX},
    {"boosting", QN_QUERY_BOOSTING},
    {"function_score", QN_QUERY_FUNCTION},
    {"nested", QN_QUERY_NESTED},
};

static int read_by_kind(struct reader *r, struct qn_json_val v, struct qn_query *q,
                        struct qn_str type)
{
    struct qn_json_val values;
    int rc;
    switch (q->kind) {
    case QN_QUERY_BOOL:
        return read_bool(r, v, &q->bools);
    case QN_QUERY_TERM:
        return read_term(r, v, q);
    case QN_QUERY_TERM_SET:
        return read_term_set(r, v, q);
    case QN_QUERY_EXISTS:
        rc = read_where(r, v, &q->exists);
        return rc < 0 ? rc : opt_bool(r, v, "lenient", &q->lenient);
    case QN_QUERY_TEXT:
        return read_text(r, v, q, qn_str_is(type, "phrase_prefix"));
    case QN_QUERY_RANGE:
        return read_range(r, v, q);
    case QN_QUERY_USER_TEXT:
        return read_user_text(r, v, q);
    case QN_QUERY_WILDCARD:
    case QN_QUERY_REGEX:
    case QN_QUERY_PREFIX:
    case QN_QUERY_FUZZY:
        return read_pattern(r, v, q);
    case QN_QUERY_IDS:
        rc = get(r, v, "values", &values);
        return rc < 0 ? rc : read_strings(r, values, &q->ids.ids, &q->ids.n);
    case QN_QUERY_CONSTANT:
        return read_child(r, v, "filter", &q->child);
    case QN_QUERY_DIS_MAX:
        rc = read_list(r, v, "queries", &q->dis_max.any);
        return rc < 0 ? rc : opt_f32(r, v, "tie_breaker", &q->dis_max.tie_breaker);
    case QN_QUERY_BOOSTING:
        return read_boosting(r, v, &q->boosting);
    case QN_QUERY_FUNCTION:
        return read_function(r, v, &q->function);
    case QN_QUERY_NESTED:
        return read_nested(r, v, &q->nested);
    default:
        return QN_OK;
    }
}

/* Nodes that stand for their child. */
static int read_wrapper(struct reader *r, struct qn_json_val v, struct qn_str type,
                        const struct qn_query **out)
{
    float boost = 1;
    if (qn_str_is(type, "cache"))
        return read_child(r, v, "inner", out);
    int rc = read_child(r, v, "underlying", out);
    rc = rc < 0 ? rc : opt_f32(r, v, "boost", &boost);
    if (rc == QN_OK)
        *out = qn__query_boost(r->ar, *out, boost);
    return rc < 0 ? rc : *out ? QN_OK : QN_E_BUDGET;
}

static int read_plain(struct reader *r, struct qn_json_val v, struct qn_str type,
                      const struct qn_query **out)
{
    size_t i = 0;
    while (i < QN_COUNT_OF(types) && !qn_str_is(type, types[i].type))
        i++;
    if (i == QN_COUNT_OF(types))
        return qn_json_fail(v, r->err, QN_E_UNKNOWN_KEY,
                            "unknown query type `" QN_STR_FMT "`, expected one of bool, term, "
                            "term_set, field_presence, full_text, phrase_prefix, range, "
                            "user_input, wildcard, regex, match_all, match_none, boost",
                            QN_STR_ARG(qn_str_first(type, 40)));
    struct qn_query *q = qn_query_new(r->ar, types[i].kind, (uint32_t)qn_json_pos(v));
    if (q == NULL)
        return QN_E_BUDGET;
    int rc = read_by_kind(r, v, q, type);
    *out = q;
    return rc < 0 ? rc : opt_str(r, v, "_name", &q->name);
}

static int read_node(struct reader *r, struct qn_json_val v, const struct qn_query **out)
{
    struct qn_str type;
    int rc = qn_json_to_obj(v, r->err);
    rc = rc < 0 ? rc : get_str(r, v, "type", &type);
    if (rc < 0)
        return rc;
    if (++r->used.nodes > QN_QUERY_NODES)
        return qn_json_fail(v, r->err, QN_E_TOO_LARGE, "the query has more than %d clauses",
                            QN_QUERY_NODES);
    if (++r->used.depth > QN_QUERY_DEPTH)
        return qn_json_fail(v, r->err, QN_E_TOO_DEEP,
                            "the query is nested more than %d levels deep", QN_QUERY_DEPTH);
    if (qn_str_is(type, "boost") || qn_str_is(type, "cache"))
        rc = read_wrapper(r, v, type, out);
    else
        rc = read_plain(r, v, type, out);
    r->used.depth--;
    return rc;
}

int qn_query_read_json(const struct qn_query **out, struct qn_arena *ar, struct qn_json_val v,
                       struct qn_err *err)
{
    struct reader r = {.ar = ar, .err = err};
    const struct qn_query *q = NULL;
    *out = NULL;
    int rc = read_node(&r, v, &q);
    if (rc == QN_OK && qn_arena_failed(ar))
        rc = QN_E_BUDGET;
    if (rc == QN_OK)
        *out = q;
    return rc;
}
