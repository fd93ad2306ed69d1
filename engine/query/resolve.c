#include "resolve_int.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/units.h"

/* ---- what the leaves use */

struct qn_query *qn__query_bound_new(struct resolver *r, const struct on_field *on,
                                     enum qn_query_kind kind)
{
    return qn_query_new(r->ar, kind, on->q->pos);
}

const struct qn_query *qn__query_nothing(struct resolver *r, const struct qn_query *q)
{
    return qn_query_new(r->ar, QN_QUERY_NONE, q->pos);
}

const struct qn_query *qn__query_or(struct resolver *r, const struct qn_query *q,
                                    struct qn_query_list *list)
{
    return qn__query_join(r->ar, list, QN_OPERATOR_OR, q->pos);
}

static int mistake(struct resolver *r, const struct qn_query *q, int code, const char *fmt,
                   va_list ap)
{
    char msg[230];
    vsnprintf(msg, sizeof msg, fmt, ap);
    return qn_fail_at(r->err, code, q->pos == QN_QUERY_NO_POS ? QN_NO_POS : q->pos, "%s", msg);
}

int qn__query_mistake(struct resolver *r, const struct qn_query *q, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    code = mistake(r, q, code, fmt, ap);
    va_end(ap);
    return code;
}

int qn__query_mismatch(struct resolver *r, const struct on_field *on, const struct qn_query **out,
                       int code, const char *fmt, ...)
{
    va_list ap;
    if (on->lenient) {
        *out = qn__query_nothing(r, on->q);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    va_start(ap, fmt);
    code = mistake(r, on->q, code, fmt, ap);
    va_end(ap);
    return code;
}

/* ---- user texts */

static int parse_user_text(struct resolver *r, const struct qn_query *q,
                           const struct qn_str *defaults, uint32_t n_defaults,
                           const struct qn_query **out)
{
    static const struct qn_str any = {"*", 1};
    const struct qn_query_user_text *u = &q->user_text;
    struct qn_parse_options opt = {.op = u->op, .lenient = q->lenient};
    opt.base_pos = q->pos == QN_QUERY_NO_POS ? 0 : q->pos;
    opt.default_fields = u->default_fields ? u->default_fields : defaults;
    opt.n_default_fields = u->default_fields ? u->n_default_fields : n_defaults;
    if (opt.n_default_fields == 0 && !r->quickwit) {
        opt.default_fields = &any;
        opt.n_default_fields = 1;
    }
    int rc = qn_query_parse_quickwit(out, r->ar, u->text, &opt, r->err);
    if (rc < 0)
        return rc;
    struct qn_query *copy = qn__query_copy(r->ar, *out);
    if (copy == NULL)
        return QN_E_BUDGET;
    copy->boost *= q->boost;
    if (qn__query_is_set(q->name))
        copy->name = q->name;
    *out = copy;
    return QN_OK;
}

/* ---- combinators */

static int resolve_list(struct resolver *r, const struct qn_query_list *from,
                        struct qn_query_list *to)
{
    *to = (struct qn_query_list){0};
    for (uint32_t i = 0; i < from->n; i++) {
        const struct qn_query *q = NULL;
        int rc = qn__resolve(r, from->p[i], &q);
        if (rc < 0)
            return rc;
        qn_query_list_add(r->ar, to, q);
    }
    return QN_OK;
}

static int resolve_bool(struct resolver *r, const struct qn_query_bool *from,
                        struct qn_query_bool *to)
{
    int rc = resolve_list(r, &from->must, &to->must);
    rc = rc < 0 ? rc : resolve_list(r, &from->filter, &to->filter);
    rc = rc < 0 ? rc : resolve_list(r, &from->should, &to->should);
    return rc < 0 ? rc : resolve_list(r, &from->must_not, &to->must_not);
}

/* A field whose numbers a function reads: 1, 0 when it is not mapped, or an error. */
static int number_field(struct resolver *r, const struct qn_query *q, struct qn_str name,
                        struct on_field *on)
{
    on->q = q;
    int rc = qn__query_find_field(r, name, on);
    if (rc <= 0)
        return rc;
    switch (on->field->type) {
    case QN_FIELD_I64:
    case QN_FIELD_U64:
    case QN_FIELD_F64:
    case QN_FIELD_BOOL:
    case QN_FIELD_DATETIME:
    case QN_FIELD_JSON:
        return 1;
    default:
        return qn__query_mistake(r, q, QN_E_INVALID,
                                 "function_score: field [" QN_STR_FMT
                                 "] of type [%s] has no numbers",
                                 QN_STR_ARG(qn_str_first(name, 80)), qn_field_es_name(on->field));
    }
}

/* origin, scale and offset of a decay: dates are nanoseconds, lengths of time durations. */
static int decay_numbers(struct resolver *r, const struct qn_query *q, const struct on_field *on,
                         struct qn_score_function *f)
{
    const struct qn_literal *lengths[] = {&f->scale, &f->offset};
    double *numbers[] = {&f->scale_number, &f->offset_number};
    bool date = on->field->type == QN_FIELD_DATETIME;
    struct qn_value v;
    if (!qn__query_is_set(f->origin.text) && date) {
        f->origin_number = (double)r->opt->now_ns;
    } else if (date) {
        int rc = qn__query_read_value(r, on, &f->origin, NULL, false, &v);
        if (rc < 0)
            return rc;
        if (rc == 0)
            goto bad;
        f->origin_number = (double)v.i64;
    } else {
        if (!qn__query_is_set(f->origin.text) || !qn__query_read_number(f->origin.text, &v) ||
            !qn__query_number_as(&v, QN_VALUE_F64, &v))
            goto bad;
        f->origin_number = v.f64;
    }
    for (int i = 0; i < 2; i++) {
        uint64_t us;
        if (date && qn_parse_duration(lengths[i]->text, &us, NULL) == QN_OK) {
            *numbers[i] = (double)us * 1000;
            continue;
        }
        if (date || !qn__query_read_number(lengths[i]->text, &v) ||
            !qn__query_number_as(&v, QN_VALUE_F64, &v))
            goto bad;
        *numbers[i] = v.f64;
    }
    if (f->scale_number > 0 && f->offset_number >= 0)
        return QN_OK;
bad:
    return qn__query_mistake(r, q, QN_E_INVALID,
                             "function_score: [origin], [scale] or [offset] of field [" QN_STR_FMT
                             "] is missing or no %s",
                             QN_STR_ARG(qn_str_first(f->field, 80)), date ? "date" : "number");
}

static int resolve_score_function(struct resolver *r, const struct qn_query *q,
                                  struct qn_score_function *f)
{
    struct on_field on = {0};
    int rc = QN_OK;
    if (f->filter != NULL)
        rc = qn__resolve(r, f->filter, &f->filter);
    if (rc < 0 || f->kind == QN_FUNCTION_WEIGHT ||
        (f->kind == QN_FUNCTION_RANDOM && (!qn__query_is_set(f->field) || f->field.p[0] == '_')))
        return rc;
    rc = number_field(r, q, f->field, &on);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        if (f->kind == QN_FUNCTION_FIELD_FACTOR && f->has_missing)
            return QN_OK;
        if (f->kind == QN_FUNCTION_RANDOM)
            return QN_OK;
        return qn__query_mistake(r, q, QN_E_INVALID,
                                 f->kind == QN_FUNCTION_FIELD_FACTOR
                                     ? "Unable to find a field mapper for field [" QN_STR_FMT
                                       "]. No 'missing' value defined."
                                     : "unknown field [" QN_STR_FMT "]",
                                 QN_STR_ARG(qn_str_first(f->field, 80)));
    }
    struct qn_query_target *target = qn_arena_new(r->ar, struct qn_query_target);
    if (target == NULL)
        return QN_E_BUDGET;
    *target = qn__query_target(&on, QN_VALUE_NONE);
    f->target = target;
    return f->kind >= QN_FUNCTION_GAUSS ? decay_numbers(r, q, &on, f) : QN_OK;
}

static int resolve_function(struct resolver *r, const struct qn_query *q,
                            struct qn_query_function *to)
{
    const struct qn_query_function *from = &q->function;
    int rc = qn__resolve(r, from->child, &to->child);
    to->functions = qn_arena_array(r->ar, struct qn_score_function, from->n + 1);
    if (rc < 0 || to->functions == NULL)
        return rc < 0 ? rc : QN_E_BUDGET;
    for (uint32_t i = 0; rc == QN_OK && i < from->n; i++) {
        to->functions[i] = from->functions[i];
        rc = resolve_score_function(r, q, &to->functions[i]);
    }
    return rc;
}

/* Objects in arrays are flattened: their fields are the document's. The query below is what is left
 * of it. */
static int resolve_nested(struct resolver *r, const struct qn_query *q, const struct qn_query **out)
{
    const struct qn_field *f = qn_mapping_find(r->m, q->nested.path);
    if (f == NULL && !q->nested.ignore_unmapped && !r->quickwit)
        return qn__query_mistake(
            r, q, QN_E_INVALID, "[nested] failed to find nested object under path [" QN_STR_FMT "]",
            QN_STR_ARG(qn_str_first(q->nested.path, 80)));
    if (f == NULL) {
        *out = qn__query_nothing(r, q);
        return *out ? QN_OK : QN_E_BUDGET;
    }
    int rc = qn__resolve(r, q->nested.child, out);
    if (rc == QN_OK && q->nested.score_mode == QN_SCORE_FIRST) { /* "none": matches, no scores */
        struct qn_query *filter = qn_query_new(r->ar, QN_QUERY_BOOL, q->pos);
        if (filter == NULL)
            return QN_E_BUDGET;
        qn_query_list_add(r->ar, &filter->bools.filter, *out);
        *out = filter;
    }
    return rc;
}

static int resolve_combinator(struct resolver *r, const struct qn_query *q,
                              const struct qn_query **out)
{
    struct qn_query *to = qn_query_new(r->ar, (enum qn_query_kind)q->kind, q->pos);
    int rc = QN_OK;
    if (to == NULL)
        return QN_E_BUDGET;
    *to = *q;
    to->boost = 1;
    to->name = QN_STR_NONE;
    switch (q->kind) {
    case QN_QUERY_BOOL:
        rc = resolve_bool(r, &q->bools, &to->bools);
        break;
    case QN_QUERY_CONSTANT:
        rc = qn__resolve(r, q->child, &to->child);
        break;
    case QN_QUERY_DIS_MAX:
        rc = resolve_list(r, &q->dis_max.any, &to->dis_max.any);
        break;
    case QN_QUERY_BOOSTING:
        rc = qn__resolve(r, q->boosting.positive, &to->boosting.positive);
        rc = rc < 0 ? rc : qn__resolve(r, q->boosting.negative, &to->boosting.negative);
        break;
    case QN_QUERY_FUNCTION:
        rc = resolve_function(r, q, &to->function);
        break;
    default: /* ALL, NONE */
        break;
    }
    *out = to;
    return rc;
}

/* ---- the tree */

/* Leaves on `_id` are lists of ids. */
static const struct qn_query *id_leaf(struct resolver *r, const struct qn_query *q)
{
    const struct qn_query_where *w = q->kind == QN_QUERY_TERM ? &q->term.where : &q->text.where;
    if (!qn_str_is(w->field, "_id"))
        return NULL;
    struct qn_query *ids = qn_query_new(r->ar, QN_QUERY_HAS_ID, q->pos);
    struct qn_str *text = qn_arena_new(r->ar, struct qn_str);
    if (ids == NULL || text == NULL)
        return NULL;
    *text = q->kind == QN_QUERY_TERM ? q->term.value.text : q->text.text;
    ids->ids = (struct qn_query_has_id){text, 1};
    return ids;
}

static int resolve_kind(struct resolver *r, const struct qn_query *q, const struct qn_query **out)
{
    const struct qn_query *parsed;
    struct qn_query *ids;
    int rc;
    switch (q->kind) {
    case QN_QUERY_USER_TEXT:
        rc = parse_user_text(r, q, r->opt->default_fields, r->opt->n_default_fields, &parsed);
        return rc < 0 ? rc : qn__resolve(r, parsed, out);
    case QN_QUERY_TEXT:
    case QN_QUERY_TERM:
        if ((*out = id_leaf(r, q)) != NULL)
            return QN_OK;
        if (q->kind == QN_QUERY_TERM)
            return qn__query_on_fields(r, q, &q->term.where, qn__resolve_term, out);
        if (q->text.where.fields != NULL && q->text.where.fields->mode == QN_FIELDS_CROSS)
            return qn__resolve_cross_fields(r, q, out);
        return qn__query_on_fields(r, q, &q->text.where, qn__resolve_text, out);
    case QN_QUERY_TERM_SET:
        return qn__resolve_term_set(r, q, out);
    case QN_QUERY_RANGE:
        return qn__query_on_fields(r, q, &q->range.where, qn__resolve_range, out);
    case QN_QUERY_EXISTS:
        return qn__resolve_exists_query(r, q, out);
    case QN_QUERY_PREFIX:
    case QN_QUERY_WILDCARD:
    case QN_QUERY_REGEX:
    case QN_QUERY_FUZZY:
        return qn__query_on_fields(r, q, &q->pattern.where, qn__resolve_pattern, out);
    case QN_QUERY_IDS:
        ids = qn_query_new(r->ar, QN_QUERY_HAS_ID, q->pos);
        if (ids != NULL)
            ids->ids = q->ids;
        *out = ids;
        return ids ? QN_OK : QN_E_BUDGET;
    case QN_QUERY_NESTED:
        return resolve_nested(r, q, out);
    default:
        if (q->kind > QN_QUERY_IDS) { /* bound already */
            *out = q;
            return QN_OK;
        }
        return resolve_combinator(r, q, out);
    }
}

int qn__resolve(struct resolver *r, const struct qn_query *q, const struct qn_query **out)
{
    *out = NULL;
    if (++r->used.depth > QN_QUERY_DEPTH + 8)
        return qn__query_mistake(r, q, QN_E_TOO_DEEP,
                                 "the query is nested more than %d levels deep", QN_QUERY_DEPTH);
    int rc = resolve_kind(r, q, out);
    r->used.depth--;
    if (rc < 0)
        return rc;
    if (*out == NULL)
        return QN_E_BUDGET;
    if (q->kind == QN_QUERY_USER_TEXT || q->kind > QN_QUERY_IDS)
        return QN_OK; /* boost and name went along */
    if (q->boost != 1 || qn__query_is_set(q->name)) {
        struct qn_query *copy = qn__query_copy(r->ar, *out);
        if (copy == NULL)
            return QN_E_BUDGET;
        copy->boost *= q->boost;
        if (qn__query_is_set(q->name))
            copy->name = q->name;
        *out = copy;
    }
    return QN_OK;
}

int qn_query_resolve(const struct qn_query **out, struct qn_arena *ar, const struct qn_query *q,
                     const struct qn_resolve_options *opt, struct qn_err *err)
{
    struct resolver r = {.opt = opt, .m = opt->mapping, .ar = ar, .err = err};
    const struct qn_query *bound;
    *out = NULL;
    r.quickwit = opt->dialect == QN_DIALECT_QUICKWIT;
    r.max_terms = opt->max_terms ? opt->max_terms : 65536;
    int rc = qn__resolve(&r, q, &bound);
    if (rc == QN_OK && qn_arena_failed(ar))
        rc = QN_E_BUDGET;
    if (rc == QN_OK)
        *out = bound;
    return rc;
}

/* ---- parse-query: user texts only */

static int parse_texts(struct resolver *r, const struct qn_query *q, const struct qn_query **out);

static int parse_list(struct resolver *r, const struct qn_query_list *from,
                      struct qn_query_list *to)
{
    *to = (struct qn_query_list){0};
    for (uint32_t i = 0; i < from->n; i++) {
        const struct qn_query *q = NULL;
        int rc = parse_texts(r, from->p[i], &q);
        if (rc < 0)
            return rc;
        qn_query_list_add(r->ar, to, q);
    }
    return QN_OK;
}

static int parse_function(struct resolver *r, const struct qn_query_function *from,
                          struct qn_query_function *to)
{
    int rc = parse_texts(r, from->child, &to->child);
    to->functions = qn_arena_array(r->ar, struct qn_score_function, from->n + 1);
    if (to->functions == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; rc == QN_OK && i < from->n; i++) {
        to->functions[i] = from->functions[i];
        if (from->functions[i].filter != NULL)
            rc = parse_texts(r, from->functions[i].filter, &to->functions[i].filter);
    }
    return rc;
}

static int parse_texts(struct resolver *r, const struct qn_query *q, const struct qn_query **out)
{
    if (q->kind == QN_QUERY_USER_TEXT)
        return parse_user_text(r, q, r->opt->default_fields, r->opt->n_default_fields, out);
    struct qn_query *to = qn__query_copy(r->ar, q);
    int rc = QN_OK;
    *out = to;
    if (to == NULL)
        return QN_E_BUDGET;
    switch (q->kind) {
    case QN_QUERY_BOOL:
        rc = parse_list(r, &q->bools.must, &to->bools.must);
        rc = rc < 0 ? rc : parse_list(r, &q->bools.filter, &to->bools.filter);
        rc = rc < 0 ? rc : parse_list(r, &q->bools.should, &to->bools.should);
        return rc < 0 ? rc : parse_list(r, &q->bools.must_not, &to->bools.must_not);
    case QN_QUERY_CONSTANT:
        return parse_texts(r, q->child, &to->child);
    case QN_QUERY_DIS_MAX:
        return parse_list(r, &q->dis_max.any, &to->dis_max.any);
    case QN_QUERY_BOOSTING:
        rc = parse_texts(r, q->boosting.positive, &to->boosting.positive);
        return rc < 0 ? rc : parse_texts(r, q->boosting.negative, &to->boosting.negative);
    case QN_QUERY_FUNCTION:
        return parse_function(r, &q->function, &to->function);
    case QN_QUERY_NESTED:
        return parse_texts(r, q->nested.child, &to->nested.child);
    default:
        return rc;
    }
}

int qn_query_parse_user_texts(const struct qn_query **out, struct qn_arena *ar,
                              const struct qn_query *q, const struct qn_str *default_fields,
                              uint32_t n_default_fields, struct qn_err *err)
{
    const struct qn_resolve_options opt = {.default_fields = default_fields,
                                           .n_default_fields = n_default_fields};
    struct resolver r = {.opt = &opt, .ar = ar, .err = err, .quickwit = true};
    const struct qn_query *parsed = NULL;
    *out = NULL;
    int rc = parse_texts(&r, q, &parsed);
    if (rc == QN_OK && qn_arena_failed(ar))
        rc = QN_E_BUDGET;
    if (rc == QN_OK)
        *out = parsed;
    return rc;
}
