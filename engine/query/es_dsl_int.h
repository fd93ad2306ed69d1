/* Private to the es_dsl_*.c files: how a clause's object becomes the fields of a node.
 *
 * A clause lists its parameters in a table of {name, kind, offset}; qn__dsl_params reads an object
 * by it, takes `boost` and `_name` along for every clause, and refuses what is not in the table. */
#ifndef QN_ES_DSL_INT_H
#define QN_ES_DSL_INT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "query_int.h"

struct dsl {
    struct qn_arena *ar;
    struct qn_err *err;
    struct qn__limits used;
};

enum dsl_kind {
    DSL_STR,  /* struct qn_str */
    DSL_TEXT, /* struct qn_str: a number or boolean counts as its text */
    DSL_U32,
    DSL_F32,
    DSL_F64,
    DSL_BOOL,
    DSL_OPERATOR,   /* enum qn_operator */
    DSL_ZERO_TERMS, /* bool: "all" */
    DSL_FUZZINESS,  /* struct qn_fuzziness */
    DSL_FLAG_OFF,   /* bool: set when the value is false */
    DSL_COUNT_TEXT, /* struct qn_str: minimum_should_match */
    DSL_LITERAL,    /* struct qn_literal; null leaves it alone */
    DSL_VALUE,      /* struct qn_json_val */
    DSL_QUERY,      /* const struct qn_query * */
    DSL_QUERIES,    /* struct qn_query_list: one or several */
    DSL_SCORE_MODE, /* enum qn_score_mode */
    DSL_IGNORE,
};

struct dsl_param {
    const char *name;
    enum dsl_kind kind;
    size_t offset;
};

#define DSL_PARAM(type, name, kind, field)                                                         \
    {                                                                                              \
        name, kind, offsetof(type, field)                                                          \
    }

/* Reads obj into *base by the table; boost and _name into q. */
int qn__dsl_params(struct dsl *d, const char *clause, struct qn_json_val obj,
                   const struct dsl_param *params, size_t n, void *base, struct qn_query *q);
/* One value by its kind. */
int qn__dsl_value(struct dsl *d, const char *clause, const struct dsl_param *param,
                  struct qn_json_val v, void *base);
/* {"field": value}: exactly one member. */
int qn__dsl_one_field(struct dsl *d, const char *clause, struct qn_json_val v, struct qn_str *field,
                      struct qn_json_val *value);
int qn__dsl_query(struct dsl *d, struct qn_json_val v, const struct qn_query **out);
int qn__dsl_new(struct dsl *d, enum qn_query_kind kind, struct qn_json_val v,
                struct qn_query **out);
/* Strings of an array, or one string. */
int qn__dsl_strings(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    const struct qn_str **out, uint32_t *n);
int qn__dsl_literal(struct dsl *d, const char *clause, const char *name, struct qn_json_val v,
                    struct qn_literal *out);
/* "[clause] message", with the place. */
int qn__dsl_fail(struct dsl *d, struct qn_json_val v, int code, const char *fmt, ...)
    QN_PRINTF(4, 5);

typedef int qn__dsl_clause(struct dsl *d, const char *clause, struct qn_json_val v,
                           struct qn_query **out);
qn__dsl_clause qn__dsl_all, qn__dsl_bool, qn__dsl_constant_score, qn__dsl_dis_max, qn__dsl_boosting,
    qn__dsl_nested, qn__dsl_function_score;
qn__dsl_clause qn__dsl_term, qn__dsl_terms, qn__dsl_terms_set, qn__dsl_ids, qn__dsl_exists,
    qn__dsl_range, qn__dsl_pattern;
qn__dsl_clause qn__dsl_match, qn__dsl_multi_match, qn__dsl_query_string,
    qn__dsl_simple_query_string;

#endif
