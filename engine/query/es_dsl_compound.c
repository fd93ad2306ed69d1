/* match_all, match_none, bool, constant_score, dis_max, boosting, nested. */
#include "es_dsl_int.h"

int qn__dsl_all(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    bool all = strcmp(clause, "match_all") == 0;
    int rc = qn__dsl_new(d, all ? QN_QUERY_ALL : QN_QUERY_NONE, v, out);
    return rc < 0 ? rc : qn__dsl_params(d, clause, v, NULL, 0, NULL, *out);
}

int qn__dsl_bool(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    struct bool_params {
        struct qn_query_bool b;
        struct qn_str min_should;
    } p = {.b.min_should = -1};
    static const struct dsl_param params[] = {
        DSL_PARAM(struct bool_params, "must", DSL_QUERIES, b.must),
        DSL_PARAM(struct bool_params, "filter", DSL_QUERIES, b.filter),
        DSL_PARAM(struct bool_params, "should", DSL_QUERIES, b.should),
        DSL_PARAM(struct bool_params, "must_not", DSL_QUERIES, b.must_not),
        DSL_PARAM(struct bool_params, "minimum_should_match", DSL_COUNT_TEXT, min_should),
        DSL_PARAM(struct bool_params, "adjust_pure_negative", DSL_IGNORE, b),
    };
    uint32_t least = 0;
    int rc = qn__dsl_new(d, QN_QUERY_BOOL, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), &p, *out);
    if (rc < 0)
        return rc;
    if (qn__query_is_set(p.min_should)) {
        rc = qn_min_should_match(p.min_should, p.b.should.n, &least);
        if (rc < 0)
            return qn__dsl_fail(d, v, rc, "[bool] invalid minimum_should_match `" QN_STR_FMT "`",
                                QN_STR_ARG(qn_str_first(p.min_should, 60)));
        /* None asked for is the same as saying nothing: should alone still needs one. */
        p.b.min_should = least == 0 ? -1 : (int32_t)least;
    }
    (*out)->bools = p.b;
    return QN_OK;
}

int qn__dsl_constant_score(struct dsl *d, const char *clause, struct qn_json_val v,
                           struct qn_query **out)
{
    static const struct dsl_param params[] = {
        {"filter", DSL_QUERY, offsetof(struct qn_query, child)},
    };
    int rc = qn__dsl_new(d, QN_QUERY_CONSTANT, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), *out, *out);
    if (rc == QN_OK && (*out)->child == NULL)
        rc = qn__dsl_fail(d, v, QN_E_MISSING, "[constant_score] requires a 'filter' element");
    return rc;
}

int qn__dsl_dis_max(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_query, "queries", DSL_QUERIES, dis_max.any),
        DSL_PARAM(struct qn_query, "tie_breaker", DSL_F32, dis_max.tie_breaker),
    };
    int rc = qn__dsl_new(d, QN_QUERY_DIS_MAX, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), *out, *out);
    if (rc == QN_OK && (*out)->dis_max.any.n == 0)
        rc = qn__dsl_fail(d, v, QN_E_MISSING,
                          "[dis_max] requires 'queries' field with at least one clause");
    return rc;
}

int qn__dsl_boosting(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_query, "positive", DSL_QUERY, boosting.positive),
        DSL_PARAM(struct qn_query, "negative", DSL_QUERY, boosting.negative),
        DSL_PARAM(struct qn_query, "negative_boost", DSL_F32, boosting.negative_boost),
    };
    int rc = qn__dsl_new(d, QN_QUERY_BOOSTING, v, out);
    if (rc < 0)
        return rc;
    (*out)->boosting.negative_boost = -1;
    rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), *out, *out);
    if (rc < 0)
        return rc;
    if ((*out)->boosting.positive == NULL || (*out)->boosting.negative == NULL)
        return qn__dsl_fail(
            d, v, QN_E_MISSING,
            "[boosting] query requires 'positive' and 'negative' queries to be set");
    if ((*out)->boosting.negative_boost < 0)
        return qn__dsl_fail(d, v, QN_E_MISSING,
                            "[boosting] query requires 'negative_boost' to be set to be a "
                            "positive value");
    return QN_OK;
}

int qn__dsl_nested(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_query **out)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_query, "path", DSL_STR, nested.path),
        DSL_PARAM(struct qn_query, "query", DSL_QUERY, nested.child),
        DSL_PARAM(struct qn_query, "score_mode", DSL_SCORE_MODE, nested.score_mode),
        DSL_PARAM(struct qn_query, "ignore_unmapped", DSL_BOOL, nested.ignore_unmapped),
        DSL_PARAM(struct qn_query, "inner_hits", DSL_IGNORE, nested),
    };
    int rc = qn__dsl_new(d, QN_QUERY_NESTED, v, out);
    if (rc < 0)
        return rc;
    (*out)->nested.score_mode = QN_SCORE_AVG;
    rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), *out, *out);
    if (rc == QN_OK && (!qn__query_is_set((*out)->nested.path) || (*out)->nested.child == NULL))
        rc = qn__dsl_fail(d, v, QN_E_MISSING, "[nested] requires 'path' and 'query' fields");
    return rc;
}
