/* function_score: weight, field_value_factor, random_score and the decays. Scripts are not run. */
#include "es_dsl_int.h"

#include "base/hash.h"

static int read_factor(struct dsl *d, struct qn_json_val v, struct qn_score_function *f,
                       struct qn_query *q)
{
    static const char *const names[] = {"none", "log",  "log1p",  "log2p", "ln",
                                        "ln1p", "ln2p", "square", "sqrt",  "reciprocal"};
    struct factor {
        struct qn_str field, modifier;
        double factor;
        struct qn_json_val missing;
    } p = {.factor = 1};
    static const struct dsl_param params[] = {
        DSL_PARAM(struct factor, "field", DSL_STR, field),
        DSL_PARAM(struct factor, "factor", DSL_F64, factor),
        DSL_PARAM(struct factor, "modifier", DSL_STR, modifier),
        DSL_PARAM(struct factor, "missing", DSL_VALUE, missing),
    };
    int rc = qn__dsl_params(d, "field_value_factor", v, params, QN_COUNT_OF(params), &p, q);
    if (rc < 0)
        return rc;
    if (!qn__query_is_set(p.field))
        return qn__dsl_fail(d, v, QN_E_MISSING,
                            "[field_value_factor] required field 'field' missing");
    f->kind = QN_FUNCTION_FIELD_FACTOR;
    f->field = p.field;
    f->factor = p.factor;
    if (p.missing.t != NULL) {
        const struct dsl_param missing = {"missing", DSL_F64, 0};
        f->has_missing = true;
        rc = qn__dsl_value(d, "field_value_factor", &missing, p.missing, &f->missing);
    }
    if (rc < 0 || !qn__query_is_set(p.modifier))
        return rc;
    for (size_t i = 0; i < QN_COUNT_OF(names); i++)
        if (qn_str_eq_nocase(p.modifier, qn_str_of(names[i]))) {
            f->modifier = (enum qn_factor_modifier)i;
            return QN_OK;
        }
    return qn__dsl_fail(d, v, QN_E_INVALID,
                        "[field_value_factor] unknown modifier [" QN_STR_FMT
                        "]; known: none, log, log1p, log2p, ln, ln1p, ln2p, square, sqrt, "
                        "reciprocal",
                        QN_STR_ARG(qn_str_first(p.modifier, 40)));
}

static int read_random(struct dsl *d, struct qn_json_val v, struct qn_score_function *f,
                       struct qn_query *q)
{
    struct random {
        struct qn_str seed, field;
    } p = {0};
    static const struct dsl_param params[] = {
        DSL_PARAM(struct random, "seed", DSL_TEXT, seed),
        DSL_PARAM(struct random, "field", DSL_STR, field),
    };
    int rc = qn__dsl_params(d, "random_score", v, params, QN_COUNT_OF(params), &p, q);
    int64_t n;
    f->kind = QN_FUNCTION_RANDOM;
    f->field = p.field;
    f->has_seed = qn__query_is_set(p.seed);
    if (f->has_seed)
        f->seed = qn_str_to_i64(p.seed, &n) == QN_OK ? (uint64_t)n : qn_hash_str(p.seed);
    return rc;
}

/* {"field": {"origin", "scale", "offset", "decay"}, "multi_value_mode": "min"} */
static int read_decay(struct dsl *d, const char *kind, struct qn_json_val v,
                      struct qn_score_function *f, struct qn_query *q)
{
    static const struct dsl_param params[] = {
        DSL_PARAM(struct qn_score_function, "origin", DSL_LITERAL, origin),
        DSL_PARAM(struct qn_score_function, "scale", DSL_LITERAL, scale),
        DSL_PARAM(struct qn_score_function, "offset", DSL_LITERAL, offset),
        DSL_PARAM(struct qn_score_function, "decay", DSL_F64, decay),
    };
    static const struct dsl_param mode = {"multi_value_mode", DSL_SCORE_MODE,
                                          offsetof(struct qn_score_function, multi_value)};
    f->kind = kind[0] == 'g'   ? QN_FUNCTION_GAUSS
              : kind[0] == 'e' ? QN_FUNCTION_EXP
                               : QN_FUNCTION_LINEAR;
    f->decay = 0.5;
    f->multi_value = QN_SCORE_MIN;
    f->offset = (struct qn_literal){QN_LITERAL_NUM, QN_STR("0")};
    if (!qn_json_is_obj(v))
        return qn__dsl_fail(d, v, QN_E_TYPE, "[%s] expects an object", kind);
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it)) {
        int rc;
        if (qn_str_is(it.key, "multi_value_mode")) {
            rc = qn__dsl_value(d, kind, &mode, it.val, f);
        } else if (qn__query_is_set(f->field)) {
            rc = qn__dsl_fail(d, it.val, QN_E_INVALID, "[%s] takes one field", kind);
        } else {
            f->field = it.key;
            rc = qn__dsl_params(d, kind, it.val, params, QN_COUNT_OF(params), f, q);
        }
        if (rc < 0)
            return rc;
    }
    if (!qn__query_is_set(f->field) || !qn__query_is_set(f->scale.text))
        return qn__dsl_fail(d, v, QN_E_MISSING, "[%s] needs a field with [scale]", kind);
    if (!(f->decay > 0 && f->decay < 1))
        return qn__dsl_fail(d, v, QN_E_INVALID, "[%s] decay must be between 0 and 1", kind);
    return QN_OK;
}

static const char *const function_names[] = {
    "weight", "field_value_factor", "random_score", "gauss", "exp", "linear", "script_score"};

/* One function, when key names one: 1, 0 when it does not. */
static int read_function(struct dsl *d, struct qn_str key, struct qn_json_val v,
                         struct qn_score_function *f)
{
    static const struct dsl_param weight = {"weight", DSL_F64,
                                            offsetof(struct qn_score_function, weight)};
    struct qn_query ignored; /* functions have neither boost nor name */
    size_t i = 0;
    int rc;
    while (i < QN_COUNT_OF(function_names) && !qn_str_is(key, function_names[i]))
        i++;
    switch (i) {
    case 0:
        rc = qn__dsl_value(d, "function_score", &weight, v, f);
        break;
    case 1:
        rc = read_factor(d, v, f, &ignored);
        break;
    case 2:
        rc = read_random(d, v, f, &ignored);
        break;
    case 3:
    case 4:
    case 5:
        rc = read_decay(d, function_names[i], v, f, &ignored);
        break;
    case 6:
        return qn__dsl_fail(d, v, QN_E_UNSUPPORTED,
                            "[function_score] script_score is not supported: scripts are not run");
    default:
        return 0;
    }
    return rc < 0 ? rc : 1;
}

/* An element of `functions`: a filter, a weight and at most one function. */
static int read_element(struct dsl *d, struct qn_json_val v, struct qn_score_function *f)
{
    f->weight = 1;
    if (!qn_json_is_obj(v))
        return qn__dsl_fail(d, v, QN_E_TYPE, "[function_score] functions must be objects");
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it)) {
        int rc = read_function(d, it.key, it.val, f);
        if (rc == 0 && qn_str_is(it.key, "filter"))
            rc = qn__dsl_query(d, it.val, &f->filter);
        else if (rc == 0)
            rc = qn__dsl_fail(d, it.val, QN_E_UNKNOWN_KEY,
                              "[function_score] unknown function [" QN_STR_FMT
                              "]; known: filter, weight, field_value_factor, random_score, gauss, "
                              "exp, linear",
                              QN_STR_ARG(qn_str_first(it.key, 40)));
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

static int read_functions(struct dsl *d, struct qn_json_val v, struct qn_query_function *f)
{
    if (!qn_json_is_arr(v))
        return qn__dsl_fail(d, v, QN_E_TYPE, "[function_score] `functions` expects an array");
    uint32_t n = qn_json_count(v);
    struct qn_score_function *all = qn_arena_zalloc(d->ar, (f->n + n + 1) * sizeof *all);
    if (all == NULL)
        return QN_E_BUDGET;
    if (f->n > 0)
        memcpy(all, f->functions, f->n * sizeof *all);
    f->functions = all;
    struct qn_json_iter it = qn_json_iter(v);
    while (qn_json_each(&it)) {
        int rc = read_element(d, it.val, &all[f->n++]);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

static int check_modes(struct dsl *d, struct qn_json_val v, const struct qn_query_function *f)
{
    if (f->score_mode == QN_SCORE_REPLACE)
        return qn__dsl_fail(d, v, QN_E_INVALID, "[function_score] illegal score_mode [replace]");
    if (f->boost_mode == QN_SCORE_FIRST)
        return qn__dsl_fail(d, v, QN_E_INVALID, "[function_score] illegal boost_mode [first]");
    return QN_OK;
}

int qn__dsl_function_score(struct dsl *d, const char *clause, struct qn_json_val v,
                           struct qn_query **out)
{
    struct function_params {
        struct qn_query_function f;
        struct qn_json_val functions, single[QN_COUNT_OF(function_names)];
    } p = {.f.max_boost = 3.5e38};
    static const struct dsl_param params[] = {
        DSL_PARAM(struct function_params, "query", DSL_QUERY, f.child),
        DSL_PARAM(struct function_params, "functions", DSL_VALUE, functions),
        DSL_PARAM(struct function_params, "score_mode", DSL_SCORE_MODE, f.score_mode),
        DSL_PARAM(struct function_params, "boost_mode", DSL_SCORE_MODE, f.boost_mode),
        DSL_PARAM(struct function_params, "max_boost", DSL_F64, f.max_boost),
        DSL_PARAM(struct function_params, "min_score", DSL_F64, f.min_score),
        DSL_PARAM(struct function_params, "weight", DSL_VALUE, single[0]),
        DSL_PARAM(struct function_params, "field_value_factor", DSL_VALUE, single[1]),
        DSL_PARAM(struct function_params, "random_score", DSL_VALUE, single[2]),
        DSL_PARAM(struct function_params, "gauss", DSL_VALUE, single[3]),
        DSL_PARAM(struct function_params, "exp", DSL_VALUE, single[4]),
        DSL_PARAM(struct function_params, "linear", DSL_VALUE, single[5]),
        DSL_PARAM(struct function_params, "script_score", DSL_VALUE, single[6]),
    };
    struct qn_json_val ignored;
    int rc = qn__dsl_new(d, QN_QUERY_FUNCTION, v, out);
    if (rc == QN_OK)
        rc = qn__dsl_params(d, clause, v, params, QN_COUNT_OF(params), &p, *out);
    if (rc < 0)
        return rc;
    p.f.functions = qn_arena_new(d->ar, struct qn_score_function);
    if (p.f.functions == NULL)
        return QN_E_BUDGET;
    p.f.functions[0].weight = 1;
    for (size_t i = 0; rc >= 0 && i < QN_COUNT_OF(p.single); i++)
        if (p.single[i].t != NULL) {
            rc = read_function(d, qn_str_of(function_names[i]), p.single[i], &p.f.functions[0]);
            p.f.n = 1;
        }
    if (rc >= 0 && p.functions.t != NULL)
        rc = read_functions(d, p.functions, &p.f);
    if (rc >= 0)
        rc = check_modes(d, v, &p.f);
    p.f.has_min_score = qn_json_get(v, "min_score", &ignored);
    if (rc >= 0 && p.f.child == NULL)
        p.f.child = qn_query_new(d->ar, QN_QUERY_ALL, (uint32_t)qn_json_pos(v));
    (*out)->function = p.f;
    return rc < 0 ? rc : p.f.child ? QN_OK : QN_E_BUDGET;
}
