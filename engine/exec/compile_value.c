#include <math.h>

#include "compile_int.h"

uint64_t qn__value_to_ord(const struct qn_value *v)
{
    switch ((enum qn_value_type)v->type) {
    case QN_VALUE_I64:
    case QN_VALUE_DATE:
        return qn_i64_to_ord(v->i64);
    case QN_VALUE_U64:
        return v->u64;
    case QN_VALUE_F64:
        return qn_f64_to_ord(v->f64);
    case QN_VALUE_BOOL:
        return v->b;
    default:
        return 0;
    }
}

struct qn_str qn__value_term(const struct qn_value *v)
{
    return v->type == QN_VALUE_IP ? qn_str_make(v->ip, sizeof v->ip) : v->str;
}

/* Both zeros are one number, but two values of a column. */
static uint64_t f64_bound(double v, bool upper_zero)
{
    if (v == 0)
        return qn_f64_to_ord(upper_zero ? 0.0 : -0.0);
    return qn_f64_to_ord(v);
}

bool qn__range_to_ords(const struct qn_query_in_range *r, uint64_t *min, uint64_t *max)
{
    bool f64 = r->target.type == QN_VALUE_F64;
    *min = 0;
    *max = UINT64_MAX;
    if (f64) /* whatever is not a number is in no range */
        *max = qn_f64_to_ord(INFINITY), *min = qn_f64_to_ord(-INFINITY);
    if ((f64 && r->lower.type == QN_VALUE_F64 && isnan(r->lower.f64)) ||
        (f64 && r->upper.type == QN_VALUE_F64 && isnan(r->upper.f64)))
        return false;
    if (r->lower.type != QN_VALUE_NONE) {
        *min = f64 ? f64_bound(r->lower.f64, r->exclude_lower) : qn__value_to_ord(&r->lower);
        if (r->exclude_lower && (*min)++ == UINT64_MAX)
            return false;
    }
    if (r->upper.type != QN_VALUE_NONE) {
        *max = f64 ? f64_bound(r->upper.f64, !r->exclude_upper) : qn__value_to_ord(&r->upper);
        if (r->exclude_upper && (*max)-- == 0)
            return false;
    }
    return *min <= *max;
}
