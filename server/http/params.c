#include <stdlib.h>

#include "base/mem.h"
#include "base/units.h"
#include "http/router.h"
#include "router_int.h"

#define COMMON_MAX 16

static const struct qn_param native_common[] = {
    {"format", QN_PARAM_ENUM, 0, NULL, "json|pretty_json", "layout of the JSON answer"},
    {"pretty", QN_PARAM_BOOL, 0, NULL, NULL, "lay the JSON answer out for people"},
    {0},
};

static const struct qn_param elastic_common[] = {
    {"pretty", QN_PARAM_BOOL, 0, NULL, NULL, "lay the JSON answer out for people"},
    {"human", QN_PARAM_BOOL, 0, NULL, NULL, "accepted"},
    {"error_trace", QN_PARAM_BOOL, 0, NULL, NULL, "accepted"},
    {"filter_path", QN_PARAM_LIST, 0, NULL, NULL, "parts of the answer to keep"},
    {"format", QN_PARAM_STR, 0, NULL, NULL, "media type of the answer"},
    {"source", QN_PARAM_STR, 0, NULL, NULL, "the body, for clients that cannot send one"},
    {"source_content_type", QN_PARAM_STR, 0, NULL, NULL, "media type of `source`"},
    {"master_timeout", QN_PARAM_IGNORED, 0, NULL, NULL, NULL},
    {"timeout", QN_PARAM_IGNORED, 0, NULL, NULL, NULL},
    {"wait_for_active_shards", QN_PARAM_IGNORED, 0, NULL, NULL, NULL},
    {"local", QN_PARAM_IGNORED, 0, NULL, NULL, NULL},
    {"flat_settings", QN_PARAM_IGNORED, 0, NULL, NULL, NULL},
    {"include_type_name", QN_PARAM_IGNORED, 0, NULL, NULL, NULL},
    {0},
};

static const struct qn_param ops_common[] = {
    {"pretty", QN_PARAM_BOOL, 0, NULL, NULL, "lay the JSON answer out for people"},
    {0},
};

static const struct qn_param_value no_values[COMMON_MAX];

const struct qn_param *qn_common_params(enum qn_dialect dialect)
{
    switch (dialect) {
    case QN_DIALECT_ELASTIC:
        return elastic_common;
    case QN_DIALECT_OPS:
        return ops_common;
    case QN_DIALECT_NATIVE:
        break;
    }
    return native_common;
}

static size_t count_rows(const struct qn_param *rows)
{
    size_t n = 0;
    while (rows != NULL && rows[n].name != NULL)
        n++;
    return n;
}

static bool is_choice(const char *choices, struct qn_str s)
{
    struct qn_str rest = qn_str_of(choices), part;
    while (qn_str_split(&rest, '|', &part))
        if (qn_str_eq(part, s))
            return true;
    return false;
}

static int read_bool(struct qn_str s, bool *out)
{
    *out = s.n == 0 || qn_str_is(s, "true"); /* "?pretty" and "?pretty=" mean yes */
    return *out || qn_str_is(s, "false") ? 0 : QN_E_TYPE;
}

static int read_duration(struct qn_str s, uint64_t *out)
{
    if (qn_str_is(s, "-1")) { /* for ever */
        *out = UINT64_MAX;
        return 0;
    }
    return qn_parse_duration(s, out, NULL);
}

static int read_value(const struct qn_param *row, struct qn_str s, struct qn_param_value *out)
{
    out->str = s;
    switch (row->type) {
    case QN_PARAM_BOOL:
        return read_bool(s, &out->flag);
    case QN_PARAM_I64:
        return qn_str_to_i64(s, &out->i64);
    case QN_PARAM_U64:
        return qn_str_to_u64(s, &out->u64);
    case QN_PARAM_F64:
        return qn_str_to_f64(s, &out->f64);
    case QN_PARAM_ENUM:
        return is_choice(row->choices, s) ? 0 : QN_E_INVALID;
    case QN_PARAM_DURATION:
        return read_duration(s, &out->u64);
    case QN_PARAM_SIZE:
        return qn_parse_size(s, &out->u64, NULL);
    case QN_PARAM_STR:
    case QN_PARAM_LIST:
    case QN_PARAM_IGNORED:
        return 0;
    }
    return QN_E_BUG;
}

static const char *type_words(const struct qn_param *row)
{
    switch (row->type) {
    case QN_PARAM_BOOL:
        return "true or false";
    case QN_PARAM_I64:
        return "an integer";
    case QN_PARAM_U64:
        return "a non-negative integer";
    case QN_PARAM_F64:
        return "a number";
    case QN_PARAM_DURATION:
        return "a duration such as 30s";
    case QN_PARAM_SIZE:
        return "a size such as 10MiB";
    case QN_PARAM_ENUM:
        return row->choices;
    default:
        return "text";
    }
}

static int refuse_value(const struct qn_param *row, struct qn_str value, enum qn_dialect dialect,
                        int rc, struct qn_err *err)
{
    struct qn_str v = qn_str_first(value, 80);
    if (dialect != QN_DIALECT_ELASTIC)
        return qn_fail(
            err, rc, "Invalid query string: parameter `%s`: expected %s%s, found \"%.*s\"",
            row->name, row->type == QN_PARAM_ENUM ? "one of " : "", type_words(row), QN_STR_ARG(v));
    switch (row->type) {
    case QN_PARAM_BOOL:
        return qn_fail(err, rc,
                       "Failed to parse value [%.*s] of parameter [%s] as only [true] or [false] "
                       "are allowed.",
                       QN_STR_ARG(v), row->name);
    case QN_PARAM_I64:
    case QN_PARAM_U64:
        return qn_fail(err, rc, "Failed to parse int parameter [%s] with value [%.*s]", row->name,
                       QN_STR_ARG(v));
    case QN_PARAM_F64:
        return qn_fail(err, rc, "Failed to parse float parameter [%s] with value [%.*s]", row->name,
                       QN_STR_ARG(v));
    case QN_PARAM_DURATION:
        return qn_fail(err, rc,
                       "failed to parse [%s] with value [%.*s] as a time value: unit is missing "
                       "or unrecognized",
                       row->name, QN_STR_ARG(v));
    case QN_PARAM_SIZE:
        return qn_fail(err, rc,
                       "failed to parse [%s] with value [%.*s] as a size in bytes: unit is "
                       "missing or unrecognized",
                       row->name, QN_STR_ARG(v));
    default:
        return qn_fail(err, rc, "parameter [%s] has the illegal value [%.*s], expected one of [%s]",
                       row->name, QN_STR_ARG(v), type_words(row));
    }
}

int qn__params_defaults(struct qn__row *row, struct qn_err *err)
{
    const struct qn_param *rows = row->pub.route->params;
    row->n_params = count_rows(rows);
    QN_ASSERT(count_rows(qn_common_params(row->pub.table->dialect)) <= COMMON_MAX);
    if (row->n_params == 0)
        return 0;
    row->defaults = qn_xcalloc(row->n_params, sizeof row->defaults[0]);
    for (size_t i = 0; i < row->n_params; i++) {
        row->has_required |= (rows[i].flags & QN_PARAM_REQUIRED) != 0;
        if (rows[i].type == QN_PARAM_ENUM && rows[i].choices == NULL)
            return qn_fail(err, QN_E_INVALID, "route %s: parameter %s has no choices",
                           row->pattern_z, rows[i].name);
        if (rows[i].def == NULL)
            continue;
        if (read_value(&rows[i], qn_str_of(rows[i].def), &row->defaults[i]) < 0)
            return qn_fail(err, QN_E_INVALID, "route %s: parameter %s has a bad default",
                           row->pattern_z, rows[i].name);
    }
    return 0;
}

static size_t find_row(const struct qn_param *rows, struct qn_str name)
{
    for (size_t i = 0; rows != NULL && rows[i].name != NULL; i++)
        if (qn_str_is(name, rows[i].name))
            return i;
    return SIZE_MAX;
}

#define NAMES_MAX 96

/* The parameter that was meant, or NULL. */
static const char *nearest_name(const struct qn_params *ps, struct qn_str name)
{
    const char *names[NAMES_MAX];
    size_t n = 0;
    for (size_t i = 0; ps->own_rows != NULL && ps->own_rows[i].name != NULL && n < NAMES_MAX; i++)
        names[n++] = ps->own_rows[i].name;
    for (size_t i = 0; ps->common_rows[i].name != NULL && n < NAMES_MAX; i++)
        names[n++] = ps->common_rows[i].name;
    return qn_str_nearest(name, names, n);
}

static int refuse_name(const struct qn_params *ps, struct qn_str name, enum qn_dialect dialect,
                       const struct qn_target *tg, struct qn_err *err)
{
    const char *near = nearest_name(ps, name);
    struct qn_str shown = qn_str_first(name, 60), path = qn_str_first(tg->path, 60);
    if (dialect == QN_DIALECT_ELASTIC)
        return qn_fail(err, QN_E_UNKNOWN_KEY,
                       "request [%.*s] contains unrecognized parameter: [%.*s]%s%s%s",
                       QN_STR_ARG(path), QN_STR_ARG(shown), near ? " -> did you mean [" : "",
                       near ? near : "", near ? "]?" : "");
    return qn_fail(err, QN_E_UNKNOWN_KEY, "Invalid query string: unknown field `%.*s`%s%s%s",
                   QN_STR_ARG(shown), near ? ", did you mean `" : "", near ? near : "",
                   near ? "`?" : "");
}

static int read_arg(struct qn_param_value *values, const struct qn_param *row, size_t i,
                    const struct qn_query_arg *arg, enum qn_dialect dialect, struct qn_err *err)
{
    if (values[i].given && dialect != QN_DIALECT_ELASTIC && !(row->flags & QN_PARAM_REPEATED))
        return qn_fail(err, QN_E_INVALID, "Invalid query string: duplicate field `%s`", row->name);
    int rc = read_value(row, arg->value, &values[i]);
    if (rc < 0)
        return refuse_value(row, arg->value, dialect, rc, err);
    values[i].given = true;
    return 0;
}

static int check_required(const struct qn_params *ps, enum qn_dialect dialect, struct qn_err *err)
{
    for (size_t i = 0; ps->own_rows[i].name != NULL; i++) {
        if (!(ps->own_rows[i].flags & QN_PARAM_REQUIRED) || ps->own[i].given)
            continue;
        if (dialect == QN_DIALECT_ELASTIC)
            return qn_fail(err, QN_E_MISSING, "request must have the parameter [%s]",
                           ps->own_rows[i].name);
        return qn_fail(err, QN_E_MISSING, "Invalid query string: missing field `%s`",
                       ps->own_rows[i].name);
    }
    return 0;
}

int qn_params_read(struct qn_params *out, const struct qn_mounted *mounted,
                   const struct qn_target *target, bool strict, struct qn_arena *ar,
                   struct qn_err *err)
{
    const struct qn__row *row = (const struct qn__row *)mounted;
    enum qn_dialect dialect = mounted->table->dialect;
    out->own_rows = mounted->route->params;
    out->common_rows = qn_common_params(dialect);
    out->own = row->defaults;
    out->common = no_values;
    if (target->n_args > 0) {
        struct qn_param_value *own = qn_arena_array(ar, struct qn_param_value, row->n_params);
        struct qn_param_value *common =
            qn_arena_zalloc(ar, COMMON_MAX * sizeof(struct qn_param_value));
        if (own == NULL || common == NULL)
            return qn_fail(err, QN_E_BUDGET, "no memory left for the parameters");
        if (row->n_params > 0)
            memcpy(own, row->defaults, row->n_params * sizeof *own);
        for (size_t i = 0; i < target->n_args; i++) {
            const struct qn_query_arg *arg = &target->args[i];
            size_t at = find_row(out->own_rows, arg->name);
            int rc = 0;
            if (at != SIZE_MAX)
                rc = read_arg(own, &out->own_rows[at], at, arg, dialect, err);
            else if ((at = find_row(out->common_rows, arg->name)) != SIZE_MAX)
                rc = read_arg(common, &out->common_rows[at], at, arg, dialect, err);
            else if (dialect == QN_DIALECT_NATIVE || (dialect == QN_DIALECT_ELASTIC && strict))
                rc = refuse_name(out, arg->name, dialect, target, err);
            if (rc < 0)
                return rc;
        }
        out->own = own;
        out->common = common;
    }
    return row->has_required ? check_required(out, dialect, err) : 0;
}

const struct qn_param_value *qn_params_get(const struct qn_params *ps, const char *name)
{
    size_t i = find_row(ps->own_rows, qn_str_of(name));
    if (i != SIZE_MAX)
        return &ps->own[i];
    i = find_row(ps->common_rows, qn_str_of(name));
    if (i == SIZE_MAX)
        qn_panic(__FILE__, __LINE__, "the route has no parameter \"%s\"", name);
    return &ps->common[i];
}
