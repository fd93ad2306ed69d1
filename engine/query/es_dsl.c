/* The Elasticsearch query DSL: the list of clauses, and how parameters are read. The clauses are in
 * es_dsl_compound.c, es_dsl_term.c, es_dsl_text.c and es_dsl_function.c. */
#include "es_dsl_int.h"

static const struct {
    const char *name;
    qn__dsl_clause *read;
} clauses[] = {
    {"bool", qn__dsl_bool},
    {"boosting", qn__dsl_boosting},
    {"constant_score", qn__dsl_constant_score},
    {"dis_max", qn__dsl_dis_max},
    {"exists", qn__dsl_exists},
    {"function_score", qn__dsl_function_score},
    {"fuzzy", qn__dsl_pattern},
    {"ids", qn__dsl_ids},
    {"match", qn__dsl_match},
    {"match_all", qn__dsl_all},
    {"match_bool_prefix", qn__dsl_match},
    {"match_none", qn__dsl_all},
    {"match_phrase", qn__dsl_match},
    {"match_phrase_prefix", qn__dsl_match},
    {"multi_match", qn__dsl_multi_match},
    {"nested", qn__dsl_nested},
    {"prefix", qn__dsl_pattern},
    {"query_string", qn__dsl_query_string},
    {"range", qn__dsl_range},
    {"regexp", qn__dsl_pattern},
    {"simple_query_string", qn__dsl_simple_query_string},
    {"term", qn__dsl_term},
    {"terms", qn__dsl_terms},
    {"terms_set", qn__dsl_terms_set},
    {"wildcard", qn__dsl_pattern},
};

const char *qn_query_dsl_clause(size_t i)
{
    return i < QN_COUNT_OF(clauses) ? clauses[i].name : NULL;
}

int qn__dsl_fail(struct dsl *d, struct qn_json_val v, int code, const char *fmt, ...)
{
    char msg[220];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return qn_fail_at(d->err, code, qn_json_pos(v), "%s", msg);
}

int qn__dsl_new(struct dsl *d, enum qn_query_kind kind, struct qn_json_val v, struct qn_query **out)
{
    if (++d->used.nodes > QN_QUERY_NODES)
        return qn__dsl_fail(d, v, QN_E_TOO_LARGE, "the query has more than %d clauses",
                            QN_QUERY_NODES);
    *out = qn_query_new(d->ar, kind, (uint32_t)qn_json_pos(v));
    return *out ? QN_OK : QN_E_BUDGET;
}

/* ---- values */

static int bad_value(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                     const char *expected)
{
    struct qn_str raw = qn_str_first(qn_json_raw(v), 60);
    return qn__dsl_fail(d, v, QN_E_TYPE, "[%s] `%s` expects %s, found " QN_STR_FMT, clause, name,
                        expected, QN_STR_ARG(raw));
}

static int read_bool(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                     bool *out)
{
    struct qn_str s = qn_json_is_str(v) ? qn_json_str(v) : qn_json_raw(v);
    *out = qn_str_is(s, "true");
    if (!*out && !qn_str_is(s, "false"))
        return bad_value(d, clause, name, v, "a boolean");
    return QN_OK;
}

static int read_f64(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    double *out)
{
    struct qn_str s = qn_json_is_str(v) ? qn_json_str(v) : qn_json_raw(v);
    if ((!qn_json_is_num(v) && !qn_json_is_str(v)) || qn_str_to_f64(s, out) < 0)
        return bad_value(d, clause, name, v, "a number");
    return QN_OK;
}

static int read_u32(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    uint32_t *out)
{
    struct qn_str s = qn_json_is_str(v) ? qn_json_str(v) : qn_json_raw(v);
    uint64_t u;
    if ((!qn_json_is_num(v) && !qn_json_is_str(v)) || qn_str_to_u64(s, &u) < 0 || u > INT32_MAX)
        return bad_value(d, clause, name, v, "an integer from 0 to 2147483647");
    *out = (uint32_t)u;
    return QN_OK;
}

static int read_str(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    bool scalars, struct qn_str *out)
{
    if (qn_json_is_str(v)) {
        *out = qn_json_str(v);
        return QN_OK;
    }
    if (scalars && (qn_json_is_num(v) || qn_json_is_bool(v))) {
        *out = qn_json_raw(v);
        return QN_OK;
    }
    return bad_value(d, clause, name, v, "a string");
}

int qn__dsl_literal(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    struct qn_literal *out)
{
    if (qn_json_is_str(v))
        *out = (struct qn_literal){QN_LITERAL_STR, qn_json_str(v)};
    else if (qn_json_is_num(v))
        *out = (struct qn_literal){QN_LITERAL_NUM, qn_json_raw(v)};
    else if (qn_json_is_bool(v))
        *out = (struct qn_literal){QN_LITERAL_BOOL, qn_json_raw(v)};
    else
        return bad_value(d, clause, name, v, "a string, number or boolean");
    return QN_OK;
}

static int read_fuzziness(struct dsl *d, const char *clause, struct qn_json_val v,
                          struct qn_fuzziness *out)
{
    struct qn_str s = qn_json_is_str(v) ? qn_json_str(v) : qn_json_raw(v);
    if ((!qn_json_is_num(v) && !qn_json_is_str(v)) || !qn__query_fuzziness_read(s, out))
        return bad_value(d, clause, "fuzziness", v, "0, 1, 2, AUTO or AUTO:low,high");
    return QN_OK;
}

static int read_operator(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                         enum qn_operator *out)
{
    struct qn_str s = qn_json_str(v);
    bool and = qn_str_eq_nocase(s, QN_STR("and"));
    if (!and&&!qn_str_eq_nocase(s, QN_STR("or")))
        return bad_value(d, clause, name, v, "`and` or `or`");
    *out = and? QN_OPERATOR_AND : QN_OPERATOR_OR;
    return QN_OK;
}

static int read_score_mode(struct dsl *d, const char *clause, const char *name,
                           struct qn_json_val v, enum qn_score_mode *out)
{
    static const char *const names[] = {"multiply", "sum", "avg", "first", "max", "min", "replace"};
    struct qn_str s = qn_json_str(v);
    for (size_t i = 0; i < QN_COUNT_OF(names); i++)
        if (qn_str_is(s, names[i])) {
            *out = (enum qn_score_mode)i;
            return QN_OK;
        }
    if (qn_str_is(s, "none")) { /* nested: the score does not count */
        *out = QN_SCORE_FIRST;
        return QN_OK;
    }
    return bad_value(d, clause, name, v, "multiply, sum, avg, first, max, min or replace");
}

static int read_queries(struct dsl *d, struct qn_json_val v, struct qn_query_list *list)
{
    const struct qn_query *q;
    if (qn_json_is_null(v))
        return QN_OK;
    if (!qn_json_is_arr(v)) {
        int rc = qn__dsl_query(d, v, &q);
        if (rc == QN_OK)
            qn_query_list_add(d->ar, list, q);
        return rc;
    }
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it)) {
        int rc = qn__dsl_query(d, it.val, &q);
        if (rc < 0)
            return rc;
        qn_query_list_add(d->ar, list, q);
    }
    return QN_OK;
}

int qn__dsl_value(struct dsl *d, const char *clause, const struct dsl_param *param,
                  struct qn_json_val v, void *base)
{
    char *at = (char *)base + param->offset;
    const char *name = param->name;
    bool flag = false;
    double f = 0;
    int rc = QN_OK;
    switch (param->kind) {
    case DSL_STR:
        return read_str(d, clause, name, v, false, (struct qn_str *)at);
    case DSL_TEXT:
    case DSL_COUNT_TEXT:
        return read_str(d, clause, name, v, true, (struct qn_str *)at);
    case DSL_U32:
        return read_u32(d, clause, name, v, (uint32_t *)at);
    case DSL_F32:
        rc = read_f64(d, clause, name, v, &f);
        *(float *)at = (float)f;
        return rc;
    case DSL_F64:
        return read_f64(d, clause, name, v, (double *)at);
    case DSL_BOOL:
        return read_bool(d, clause, name, v, (bool *)at);
    case DSL_FLAG_OFF:
        rc = read_bool(d, clause, name, v, &flag);
        *(bool *)at = !flag;
        return rc;
    case DSL_OPERATOR:
        return read_operator(d, clause, name, v, (enum qn_operator *)at);
    case DSL_ZERO_TERMS:
        *(bool *)at = qn_str_eq_nocase(qn_json_str(v), QN_STR("all"));
        if (!*(bool *)at && !qn_str_eq_nocase(qn_json_str(v), QN_STR("none")))
            return bad_value(d, clause, name, v, "`none` or `all`");
        return QN_OK;
    case DSL_FUZZINESS:
        return read_fuzziness(d, clause, v, (struct qn_fuzziness *)at);
    case DSL_LITERAL:
        return qn_json_is_null(v) ? QN_OK
                                  : qn__dsl_literal(d, clause, name, v, (struct qn_literal *)at);
    case DSL_VALUE:
        *(struct qn_json_val *)at = v;
        return QN_OK;
    case DSL_QUERY:
        return qn__dsl_query(d, v, (const struct qn_query **)at);
    case DSL_QUERIES:
        return read_queries(d, v, (struct qn_query_list *)at);
    case DSL_SCORE_MODE:
        return read_score_mode(d, clause, name, v, (enum qn_score_mode *)at);
    case DSL_IGNORE:
        break;
    }
    return QN_OK;
}

static int unknown_param(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_str key,
                         const struct dsl_param *params, size_t n)
{
    char known[150] = "";
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        if (params[i].kind != DSL_IGNORE && len + strlen(params[i].name) + 3 < sizeof known)
            len += (size_t)snprintf(known + len, sizeof known - len, "%s, ", params[i].name);
    return qn__dsl_fail(d, v, QN_E_UNKNOWN_KEY,
                        "[%s] query does not support [" QN_STR_FMT "]; known: %sboost, _name",
                        clause, QN_STR_ARG(qn_str_first(key, 40)), known);
}

int qn__dsl_params(struct dsl *d, const char *clause, struct qn_json_val obj,
                   const struct dsl_param *params, size_t n, void *base, struct qn_query *q)
{
    if (!qn_json_is_obj(obj))
        return qn__dsl_fail(d, obj, QN_E_TYPE, "[%s] query malformed, expected an object, found %s",
                            clause, qn_json_type_name(qn_json_type(obj)));
    struct qn_json_iter it = qn_json_iter(obj);
    while (qn_json_each(&it)) {
        size_t i = 0;
        double boost;
        int rc;
        while (i < n && !qn_str_is(it.key, params[i].name))
            i++;
        if (i < n) {
            rc = qn__dsl_value(d, clause, &params[i], it.val, base);
        } else if (qn_str_is(it.key, "boost")) {
            rc = read_f64(d, clause, "boost", it.val, &boost);
            if (rc == QN_OK && (boost < 0 || boost > 3e38))
                rc = bad_value(d, clause, "boost", it.val, "a number that is not negative");
            q->boost = (float)boost;
        } else if (qn_str_is(it.key, "_name")) {
            rc = read_str(d, clause, "_name", it.val, false, &q->name);
        } else {
            rc = unknown_param(d, clause, it.val, it.key, params, n);
        }
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

int qn__dsl_one_field(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_str *field,
                      struct qn_json_val *value)
{
    if (!qn_json_is_obj(v))
        return qn__dsl_fail(d, v, QN_E_TYPE,
                            "[%s] query malformed, no start_object after query name", clause);
    struct qn_json_iter it = qn_json_iter(v);
    if (!qn_json_each(&it))
        return qn__dsl_fail(d, v, QN_E_MISSING, "[%s] query needs a field name", clause);
    *field = it.key;
    *value = it.val;
    if (qn_json_each(&it))
        return qn__dsl_fail(d, it.val, QN_E_INVALID,
                            "[%s] query doesn't support multiple fields, found [" QN_STR_FMT
                            "] and [" QN_STR_FMT "]",
                            clause, QN_STR_ARG(qn_str_first(*field, 60)),
                            QN_STR_ARG(qn_str_first(it.key, 60)));
    return QN_OK;
}

int qn__dsl_strings(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    const struct qn_str **out, uint32_t *n)
{
    uint32_t count = qn_json_is_arr(v) ? qn_json_count(v) : 1;
    struct qn_str *p = qn_arena_array(d->ar, struct qn_str, count + 1);
    if (p == NULL)
        return QN_E_BUDGET;
    *out = p;
    *n = count;
    if (!qn_json_is_arr(v))
        return read_str(d, clause, name, v, true, p);
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it)) {
        int rc = read_str(d, clause, name, it.val, true, &p[it.index]);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

/* ---- clauses */

static int unknown_clause(struct dsl *d, struct qn_json_val v, struct qn_str name)
{
    const char *names[QN_COUNT_OF(clauses)];
    for (size_t i = 0; i < QN_COUNT_OF(clauses); i++)
        names[i] = clauses[i].name;
    const char *near = name.n < 5 ? NULL : qn_str_nearest(name, names, QN_COUNT_OF(names));
    return qn__dsl_fail(d, v, QN_E_UNKNOWN_KEY, "unknown query [" QN_STR_FMT "]%s%s%s",
                        QN_STR_ARG(qn_str_first(name, 100)), near ? " did you mean [" : "",
                        near ? near : "", near ? "]?" : "");
}

int qn__dsl_query(struct dsl *d, struct qn_json_val v, const struct qn_query **out)
{
    struct qn_query *q = NULL;
    if (!qn_json_is_obj(v))
        return qn__dsl_fail(d, v, QN_E_PARSE,
                            "[_na] query malformed, must start with start_object, found %s",
                            qn_json_type_name(qn_json_type(v)));
    struct qn_json_iter it = qn_json_iter(v);
    if (!qn_json_each(&it))
        return qn__dsl_fail(d, v, QN_E_PARSE, "query malformed, empty clause found");
    struct qn_str name = it.key;
    struct qn_json_val body = it.val;
    if (qn_json_each(&it))
        return qn__dsl_fail(d, it.val, QN_E_PARSE,
                            "[" QN_STR_FMT "] malformed query, expected [END_OBJECT] but found "
                            "[FIELD_NAME]",
                            QN_STR_ARG(qn_str_first(name, 60)));
    if (++d->used.depth > QN_QUERY_DEPTH)
        return qn__dsl_fail(d, body, QN_E_TOO_DEEP, "the query is nested more than %d levels deep",
                            QN_QUERY_DEPTH);
    int rc = QN_END;
    for (size_t i = 0; i < QN_COUNT_OF(clauses) && rc == QN_END; i++)
        if (qn_str_is(name, clauses[i].name))
            rc = clauses[i].read(d, clauses[i].name, body, &q);
    if (rc == QN_END)
        rc = unknown_clause(d, body, name);
    d->used.depth--;
    *out = q;
    return rc;
}

int qn_query_parse_dsl(const struct qn_query **out, struct qn_arena *ar, struct qn_json_val v,
                       struct qn_err *err)
{
    struct dsl d = {.ar = ar, .err = err};
    const struct qn_query *q = NULL;
    *out = NULL;
    int rc = qn__dsl_query(&d, v, &q);
    if (rc == QN_OK && qn_arena_failed(ar))
        rc = QN_E_BUDGET;
    if (rc == QN_OK)
        *out = q;
    return rc;
}
