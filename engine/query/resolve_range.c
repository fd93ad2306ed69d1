/* Ranges on a field: bounds made inclusive where the type has neighbours, cut to what the type
 * holds. */
#include "resolve_int.h"

const struct qn_query *qn__query_in_range(struct resolver *r, const struct on_field *on,
                                          enum qn_value_type type, const struct qn_value *lower,
                                          const struct qn_value *upper)
{
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_IN_RANGE);
    if (q == NULL)
        return NULL;
    q->in_range.target = qn__query_target(on, type);
    q->in_range.lower = *lower;
    q->in_range.upper = *upper;
    return q;
}

static bool bad_bound(struct resolver *r, const struct on_field *on, const struct qn_query_bound *b,
                      const struct qn_query **out, int *rc)
{
    if (r->quickwit)
        *rc = qn__query_mismatch(r, on, out, QN_E_TYPE,
                                 "expected `%s` boundary for field `" QN_STR_FMT "`",
                                 qn_field_type_name((enum qn_field_type)on->field->type),
                                 QN_STR_ARG(qn_str_first(on->name, 80)));
    else
        *rc = qn__query_bad_value(r, on, &b->value, out);
    return false;
}

/* Integers of the type at or beyond a bound: the smallest >= (lower) or the largest <=. False:
 * none. `number` may be any number. */
static bool integer_bound(const struct qn_value *number, bool excluded, bool lower,
                          enum qn_value_type type, struct qn_value *out)
{
    if (qn__query_number_as(number, type, out)) {
        if (!excluded)
            return true;
        bool is_i64 = type == QN_VALUE_I64;
        if (lower ? (is_i64 ? out->i64 == INT64_MAX : out->u64 == UINT64_MAX)
                  : (is_i64 ? out->i64 == INT64_MIN : out->u64 == 0))
            return false;
        out->u64 += lower ? 1 : UINT64_MAX;
        return true;
    }
    *out = (struct qn_value){.type = (uint8_t)type};
    double d = number->type == QN_VALUE_F64   ? number->f64
               : number->type == QN_VALUE_I64 ? (double)number->i64
                                              : (double)number->u64;
    double min = type == QN_VALUE_I64 ? -0x1p63 : 0, end = type == QN_VALUE_I64 ? 0x1p63 : 0x1p64;
    if (d >= end) { /* above all */
        out->u64 = type == QN_VALUE_I64 ? INT64_MAX : UINT64_MAX;
        return !lower;
    }
    if (d < min) {
        out->u64 = type == QN_VALUE_I64 ? (uint64_t)INT64_MIN : 0;
        return lower;
    }
    double whole = lower ? __builtin_ceil(d) : __builtin_floor(d);
    if (whole >= end || whole < min)
        return false;
    if (type == QN_VALUE_I64)
        out->i64 = (int64_t)whole;
    else
        out->u64 = (uint64_t)whole;
    return true;
}

/* Bounds as numbers, then as a range of the type; *out stays NULL when no number is in it. */
static int number_range(struct resolver *r, const struct on_field *on, const struct qn_value *lower,
                        const struct qn_value *upper, enum qn_value_type type,
                        const struct qn_query **out)
{
    const struct qn_query_range *range = &on->q->range;
    struct qn_value lo = {0}, hi = {0};
    bool ex_lo = range->lower.kind == QN_BOUND_EXCLUDED,
         ex_hi = range->upper.kind == QN_BOUND_EXCLUDED;
    *out = NULL;
    if (type == QN_VALUE_F64) {
        if (lower->type != QN_VALUE_NONE)
            qn__query_number_as(lower, type, &lo);
        if (upper->type != QN_VALUE_NONE)
            qn__query_number_as(upper, type, &hi);
    } else {
        if ((lower->type != QN_VALUE_NONE && !integer_bound(lower, ex_lo, true, type, &lo)) ||
            (upper->type != QN_VALUE_NONE && !integer_bound(upper, ex_hi, false, type, &hi)))
            return QN_OK;
        ex_lo = ex_hi = false;
    }
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_IN_RANGE);
    if (q == NULL)
        return QN_E_BUDGET;
    q->in_range.target = qn__query_target(on, type);
    q->in_range.lower = lo;
    q->in_range.upper = hi;
    q->in_range.exclude_lower = ex_lo && lo.type != QN_VALUE_NONE;
    q->in_range.exclude_upper = ex_hi && hi.type != QN_VALUE_NONE;
    *out = q;
    return QN_OK;
}

static bool read_number_bound(const struct qn_query_bound *b, struct qn_value *out)
{
    *out = (struct qn_value){0};
    return b->kind == QN_BOUND_NONE || (b->value.kind != QN_LITERAL_BOOL &&
                                        qn__query_read_number(qn_str_trim(b->value.text), out));
}

static int numeric_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_range *range = &on->q->range;
    struct qn_value lower, upper;
    int rc = QN_OK;
    if (!read_number_bound(&range->lower, &lower))
        return bad_bound(r, on, &range->lower, out, &rc), rc;
    if (!read_number_bound(&range->upper, &upper))
        return bad_bound(r, on, &range->upper, out, &rc), rc;
    rc = number_range(r, on, &lower, &upper,
                      on->field->type == QN_FIELD_I64   ? QN_VALUE_I64
                      : on->field->type == QN_FIELD_U64 ? QN_VALUE_U64
                                                        : QN_VALUE_F64,
                      out);
    if (rc == QN_OK && *out == NULL)
        *out = qn__query_nothing(r, on->q);
    return rc;
}

/* Bounds as dates, both included. 1, 0 when they are none (*bad says which), or an error. */
static int date_bounds(struct resolver *r, const struct on_field *on, struct qn_value *lower,
                       struct qn_value *upper, const struct qn_query_bound **bad)
{
    const struct qn_query_range *range = &on->q->range;
    enum qn_date_precision precision = on->field->type == QN_FIELD_DATETIME
                                           ? (enum qn_date_precision)on->field->precision
                                           : QN_DATE_NANOS;
    int rc;
    *lower = *upper = (struct qn_value){0};
    if (range->lower.kind != QN_BOUND_NONE) {
        bool excluded = range->lower.kind == QN_BOUND_EXCLUDED;
        *bad = &range->lower;
        rc = qn__query_read_value(r, on, &range->lower.value, range, excluded, lower);
        if (rc <= 0)
            return rc;
        lower->i64 = qn_date_truncate(lower->i64, precision);
        if (excluded && lower->i64 < INT64_MAX)
            lower->i64++;
    }
    if (range->upper.kind != QN_BOUND_NONE) {
        bool excluded = range->upper.kind == QN_BOUND_EXCLUDED;
        *bad = &range->upper;
        rc = qn__query_read_value(r, on, &range->upper.value, range, !excluded, upper);
        if (rc <= 0)
            return rc;
        upper->i64 = qn_date_truncate(upper->i64, precision);
        if (excluded && upper->i64 > INT64_MIN)
            upper->i64--;
    }
    return 1;
}

static int date_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    struct qn_value lower, upper;
    const struct qn_query_bound *bad;
    int rc = date_bounds(r, on, &lower, &upper, &bad);
    if (rc == 0)
        return bad_bound(r, on, bad, out, &rc), rc;
    if (rc < 0)
        return rc;
    *out = qn__query_in_range(r, on, QN_VALUE_DATE, &lower, &upper);
    return QN_OK;
}

/* The address after (or before) ip; false at the end. */
static bool step_ip(uint8_t ip[16], int by)
{
    for (int i = 15; i >= 0; i--) {
        ip[i] = (uint8_t)(ip[i] + by);
        if (ip[i] != (by > 0 ? 0 : 0xFF))
            return true;
    }
    return false;
}

static int ip_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_range *range = &on->q->range;
    const struct qn_query_bound *bounds[] = {&range->lower, &range->upper};
    struct qn_value values[2] = {{0}, {0}};
    bool empty = false;
    int rc = QN_OK;
    for (int i = 0; i < 2; i++) {
        if (bounds[i]->kind == QN_BOUND_NONE)
            continue;
        if (qn__query_read_value(r, on, &bounds[i]->value, range, false, &values[i]) <= 0)
            return bad_bound(r, on, bounds[i], out, &rc), rc;
        if (bounds[i]->kind == QN_BOUND_EXCLUDED)
            empty |= !step_ip(values[i].ip, i == 0 ? 1 : -1);
    }
    if (empty) {
        *out = qn__query_nothing(r, on->q);
        return QN_OK;
    }
    *out = qn__query_in_range(r, on, QN_VALUE_IP, &values[0], &values[1]);
    return QN_OK;
}

/* Bytes of normalized text. */
static int text_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_range *range = &on->q->range;
    const struct qn_query_bound *bounds[] = {&range->lower, &range->upper};
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_IN_RANGE);
    const struct qn_field *f = on->field;
    bool lowers = f->columnar ? f->normalizer == QN_NORMALIZER_LOWERCASE
                              : f->analyzer != NULL && qn_analyzer_lowercases(f->analyzer);
    if (q == NULL)
        return QN_E_BUDGET;
    q->in_range.target = qn__query_target(on, QN_VALUE_STR);
    q->in_range.on_terms = !f->columnar;
    for (int i = 0; i < 2; i++) {
        struct qn_value *v = i == 0 ? &q->in_range.lower : &q->in_range.upper;
        struct qn_str term = bounds[i]->value.text;
        if (bounds[i]->kind == QN_BOUND_NONE)
            continue;
        if (lowers)
            qn_normalize(r->opt->scratch, qn_analyzer_find(QN_STR("raw_lowercase")), term, &term);
        v->type = QN_VALUE_STR;
        v->str = qn_arena_str(r->ar, term.p ? term : bounds[i]->value.text);
        if (v->str.p == NULL)
            return QN_E_BUDGET;
    }
    q->in_range.exclude_lower = range->lower.kind == QN_BOUND_EXCLUDED;
    q->in_range.exclude_upper = range->upper.kind == QN_BOUND_EXCLUDED;
    *out = q;
    return QN_OK;
}

/* Ranges of bool: which of the two values are in it. */
static int bool_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_range *range = &on->q->range;
    struct qn_value v;
    struct qn_query_list list = {0};
    int from = 0, to = 1, rc = QN_OK;
    if (r->quickwit)
        return qn__query_mistake(r, on->q, QN_E_INVALID,
                                 "range query on `bool` field (`" QN_STR_FMT "`) forbidden",
                                 QN_STR_ARG(qn_str_first(on->name, 120)));
    if (range->lower.kind != QN_BOUND_NONE) {
        if (qn__query_read_value(r, on, &range->lower.value, NULL, false, &v) <= 0)
            return bad_bound(r, on, &range->lower, out, &rc), rc;
        from = v.b + (range->lower.kind == QN_BOUND_EXCLUDED);
    }
    if (range->upper.kind != QN_BOUND_NONE) {
        if (qn__query_read_value(r, on, &range->upper.value, NULL, false, &v) <= 0)
            return bad_bound(r, on, &range->upper, out, &rc), rc;
        to = v.b - (range->upper.kind == QN_BOUND_EXCLUDED);
    }
    for (int i = from; i <= to; i++) {
        v = (struct qn_value){.type = QN_VALUE_BOOL, .b = i == 1};
        qn_query_list_add(r->ar, &list, qn__query_has_term(r, on, &v));
    }
    *out = qn__query_or(r, on->q, &list);
    return QN_OK;
}

static int json_numbers(struct resolver *r, const struct on_field *on, const struct qn_value *lower,
                        const struct qn_value *upper, struct qn_query_list *list)
{
    static const enum qn_value_type types[] = {QN_VALUE_I64, QN_VALUE_U64, QN_VALUE_F64};
    for (size_t i = 0; i < QN_COUNT_OF(types); i++) {
        const struct qn_query *one;
        int rc = number_range(r, on, lower, upper, types[i], &one);
        if (rc < 0)
            return rc;
        /* A document's number is U64 only when it is too large for I64. */
        bool none = one != NULL && types[i] == QN_VALUE_U64 &&
                    one->in_range.upper.type != QN_VALUE_NONE &&
                    one->in_range.upper.u64 <= INT64_MAX;
        if (!none)
            qn_query_list_add(r->ar, list, one);
    }
    return QN_OK;
}

static int json_dates(struct resolver *r, const struct on_field *on, struct qn_query_list *list)
{
    struct on_field date = *on;
    struct qn_field as_date = *on->field; /* read as those of a date field would be */
    struct qn_value lower, upper;
    const struct qn_query_bound *bad;
    as_date.type = QN_FIELD_DATETIME;
    as_date.precision = QN_DATE_NANOS;
    as_date.es_type = QN_ES_NONE;
    date.field = &as_date;
    int rc = date_bounds(r, &date, &lower, &upper, &bad);
    if (rc > 0)
        qn_query_list_add(r->ar, list, qn__query_in_range(r, on, QN_VALUE_DATE, &lower, &upper));
    return rc < 0 ? rc : QN_OK;
}

/* Every type the bounds may be. */
static int json_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    const struct qn_query_range *range = &on->q->range;
    const struct qn_query_bound *bounds[] = {&range->lower, &range->upper};
    struct qn_query_list list = {0};
    struct qn_value lower, upper;
    bool texts = true, numbers;
    int rc = QN_OK;
    for (int i = 0; i < 2; i++)
        texts &= bounds[i]->kind == QN_BOUND_NONE || bounds[i]->value.kind == QN_LITERAL_STR;
    numbers = read_number_bound(&range->lower, &lower) && read_number_bound(&range->upper, &upper);
    if (numbers)
        rc = json_numbers(r, on, &lower, &upper, &list);
    if (rc == QN_OK && (r->quickwit || !numbers))
        rc = json_dates(r, on, &list);
    if (rc == QN_OK && texts) {
        const struct qn_query *one = NULL;
        rc = text_range(r, on, &one);
        qn_query_list_add(r->ar, &list, one);
    }
    if (rc == QN_OK && list.n == 0)
        return qn__query_mismatch(r, on, out, QN_E_TYPE,
                                  "expected `i64, u64, f64, str` boundary for field `" QN_STR_FMT
                                  "`",
                                  QN_STR_ARG(qn_str_first(on->name, 80)));
    *out = rc == QN_OK ? qn__query_or(r, on->q, &list) : NULL;
    return rc;
}

int qn__resolve_range(struct resolver *r, const struct on_field *on, const struct qn_query **out)
{
    if (r->quickwit && !on->field->columnar)
        return qn__query_mismatch(
            r, on, out, QN_E_INVALID,
            "query is incompatible with schema. range queries are only supported "
            "for fast fields. (`" QN_STR_FMT "` is not a fast field))",
            QN_STR_ARG(qn_str_first(on->field->path, 80)));
    switch (on->field->type) {
    case QN_FIELD_I64:
    case QN_FIELD_U64:
    case QN_FIELD_F64:
        return numeric_range(r, on, out);
    case QN_FIELD_DATETIME:
        return date_range(r, on, out);
    case QN_FIELD_IP:
        return ip_range(r, on, out);
    case QN_FIELD_BOOL:
        return bool_range(r, on, out);
    case QN_FIELD_JSON:
        return json_range(r, on, out);
    case QN_FIELD_TEXT:
        return text_range(r, on, out);
    default:
        return qn__query_mistake(r, on->q, QN_E_INVALID,
                                 "range query on `%s` field (`" QN_STR_FMT "`) forbidden",
                                 qn_field_type_name((enum qn_field_type)on->field->type),
                                 QN_STR_ARG(qn_str_first(on->name, 120)));
    }
}
