/* Values and ranges compared; and what a bound tree tells without looking at any posting. */
#include "query/rewrite.h"

#include <stdlib.h>

#include "rewrite_int.h"

static int cmp_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int qn__query_value_cmp(const struct qn_value *x, const struct qn_value *y)
{
    switch (x->type) {
    case QN_VALUE_I64:
    case QN_VALUE_DATE:
        return (x->i64 > y->i64) - (x->i64 < y->i64);
    case QN_VALUE_U64:
        return cmp_u64(x->u64, y->u64);
    case QN_VALUE_F64:
        return (x->f64 > y->f64) - (x->f64 < y->f64);
    case QN_VALUE_BOOL:
        return (int)x->b - (int)y->b;
    case QN_VALUE_IP:
        return memcmp(x->ip, y->ip, 16);
    default:
        return qn_str_cmp(x->str, y->str);
    }
}

static int by_value(const void *a, const void *b)
{
    return qn__query_value_cmp(a, b);
}

const struct qn_query *qn__query_has_any(struct qn_arena *ar, uint32_t pos,
                                         const struct qn_query_target *target,
                                         struct qn_value *values, uint32_t n, bool scored)
{
    struct qn_query *q = qn_query_new(ar, n == 1 ? QN_QUERY_HAS_TERM : QN_QUERY_HAS_ANY, pos);
    uint32_t kept = 0;
    if (q == NULL)
        return NULL;
    qsort(values, n, sizeof *values, by_value);
    for (uint32_t i = 0; i < n; i++)
        if (kept == 0 || qn__query_value_cmp(&values[i], &values[kept - 1]) != 0)
            values[kept++] = values[i];
    q->kind = kept == 1 ? QN_QUERY_HAS_TERM : QN_QUERY_HAS_ANY;
    if (kept == 1) {
        q->has_term.target = *target;
        q->has_term.value = values[0];
        return q;
    }
    q->has_any.target = *target;
    q->has_any.values = values;
    q->has_any.n = kept;
    q->has_any.scored = scored;
    return q;
}

bool qn__query_range_is_empty(const struct qn_query_in_range *r)
{
    if (r->lower.type == QN_VALUE_NONE || r->upper.type == QN_VALUE_NONE)
        return false;
    int c = qn__query_value_cmp(&r->lower, &r->upper);
    return c > 0 || (c == 0 && (r->exclude_lower || r->exclude_upper));
}

void qn__query_range_intersect(struct qn_query_in_range *r, const struct qn_query_in_range *other)
{
    if (other->lower.type != QN_VALUE_NONE) {
        int c = r->lower.type == QN_VALUE_NONE ? -1 : qn__query_value_cmp(&r->lower, &other->lower);
        if (c < 0) {
            r->lower = other->lower;
            r->exclude_lower = other->exclude_lower;
        } else if (c == 0) {
            r->exclude_lower |= other->exclude_lower;
        }
    }
    if (other->upper.type != QN_VALUE_NONE) {
        int c = r->upper.type == QN_VALUE_NONE ? 1 : qn__query_value_cmp(&r->upper, &other->upper);
        if (c > 0) {
            r->upper = other->upper;
            r->exclude_upper = other->exclude_upper;
        } else if (c == 0) {
            r->exclude_upper |= other->exclude_upper;
        }
    }
}

/* ---- may match */

static bool values_may_match(const struct qn_query_target *t, const struct qn_value *v, uint32_t n,
                             const struct qn_prune_facts *facts)
{
    if (facts->may_have == NULL || t->path.n > 0)
        return true;
    for (uint32_t i = 0; i < n; i++)
        if (facts->may_have(facts->ctx, t->field, &v[i]))
            return true;
    return n == 0;
}

static bool range_may_match(const struct qn_query_in_range *r, const struct qn_prune_facts *facts)
{
    if (qn__query_range_is_empty(r))
        return false;
    if (r->target.field->id != facts->timestamp_field || r->target.type != QN_VALUE_DATE ||
        facts->min_time_ns > facts->max_time_ns)
        return true;
    return !(r->lower.type == QN_VALUE_DATE && r->lower.i64 > facts->max_time_ns) &&
           !(r->upper.type == QN_VALUE_DATE && r->upper.i64 < facts->min_time_ns);
}

uint32_t qn__query_least_should(const struct qn_query_bool *b)
{
    if (b->min_should >= 0)
        return (uint32_t)b->min_should;
    return b->must.n + b->filter.n == 0 && b->should.n > 0;
}

static bool all_may_match(const struct qn_query_list *list, const struct qn_prune_facts *facts)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (!qn_query_may_match(list->p[i], facts))
            return false;
    return true;
}

static uint32_t count_may_match(const struct qn_query_list *list, uint32_t enough,
                                const struct qn_prune_facts *facts)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < list->n && n < enough; i++)
        n += qn_query_may_match(list->p[i], facts);
    return n;
}

static bool bool_may_match(const struct qn_query_bool *b, const struct qn_prune_facts *facts)
{
    uint32_t least = qn__query_least_should(b);
    for (uint32_t i = 0; i < b->must_not.n; i++)
        if (b->must_not.p[i]->kind == QN_QUERY_ALL)
            return false;
    return all_may_match(&b->must, facts) && all_may_match(&b->filter, facts) &&
           count_may_match(&b->should, least, facts) >= least;
}

bool qn_query_may_match(const struct qn_query *q, const struct qn_prune_facts *facts)
{
    switch (q->kind) {
    case QN_QUERY_NONE:
        return false;
    case QN_QUERY_BOOL:
        return bool_may_match(&q->bools, facts);
    case QN_QUERY_CONSTANT:
        return qn_query_may_match(q->child, facts);
    case QN_QUERY_DIS_MAX:
        return count_may_match(&q->dis_max.any, 1, facts) > 0;
    case QN_QUERY_BOOSTING:
        return qn_query_may_match(q->boosting.positive, facts);
    case QN_QUERY_FUNCTION:
        return qn_query_may_match(q->function.child, facts);
    case QN_QUERY_HAS_TERM:
        return values_may_match(&q->has_term.target, &q->has_term.value, 1, facts);
    case QN_QUERY_HAS_ANY:
        return q->has_any.n > 0 &&
               values_may_match(&q->has_any.target, q->has_any.values, q->has_any.n, facts);
    case QN_QUERY_IN_RANGE:
        return range_may_match(&q->in_range, facts);
    default:
        return true;
    }
}

/* ---- time */

struct span {
    int64_t from, to;
};

static struct span time_span(const struct qn_query *q, uint32_t field)
{
    const struct span all = {INT64_MIN, INT64_MAX}, none = {INT64_MAX, INT64_MIN};
    const struct qn_query_list *lists[] = {&q->bools.must, &q->bools.filter, &q->bools.should};
    struct span s = all, one;
    switch (q->kind) {
    case QN_QUERY_NONE:
        return none;
    case QN_QUERY_CONSTANT:
        return time_span(q->child, field);
    case QN_QUERY_BOOSTING:
        return time_span(q->boosting.positive, field);
    case QN_QUERY_FUNCTION:
        return time_span(q->function.child, field);
    case QN_QUERY_IN_RANGE:
        if (q->in_range.target.field->id != field || q->in_range.target.type != QN_VALUE_DATE)
            return all;
        s.from = q->in_range.lower.type == QN_VALUE_DATE ? q->in_range.lower.i64 : INT64_MIN;
        s.to = q->in_range.upper.type == QN_VALUE_DATE ? q->in_range.upper.i64 : INT64_MAX;
        return s.from > s.to ? none : s;
    case QN_QUERY_DIS_MAX:
        s = none;
        for (uint32_t i = 0; i < q->dis_max.any.n; i++) {
            one = time_span(q->dis_max.any.p[i], field);
            s.from = one.from < s.from ? one.from : s.from;
            s.to = one.to > s.to ? one.to : s.to;
        }
        return s;
    case QN_QUERY_BOOL:
        break;
    default:
        return all;
    }
    for (int l = 0; l < 2; l++)
        for (uint32_t i = 0; i < lists[l]->n; i++) {
            one = time_span(lists[l]->p[i], field);
            s.from = one.from > s.from ? one.from : s.from;
            s.to = one.to < s.to ? one.to : s.to;
        }
    if (qn__query_least_should(&q->bools) > 0) {
        struct span any = none;
        for (uint32_t i = 0; i < q->bools.should.n; i++) {
            one = time_span(q->bools.should.p[i], field);
            any.from = one.from < any.from ? one.from : any.from;
            any.to = one.to > any.to ? one.to : any.to;
        }
        s.from = any.from > s.from ? any.from : s.from;
        s.to = any.to < s.to ? any.to : s.to;
    }
    return s.from > s.to ? none : s;
}

void qn_query_time_range(const struct qn_query *q, uint32_t timestamp_field, int64_t *from_ns,
                         int64_t *to_ns)
{
    struct span s = time_span(q, timestamp_field);
    *from_ns = s.from;
    *to_ns = s.to;
}

/* ---- scores */

static bool list_scores(const struct qn_query_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (qn_query_scores(list->p[i]))
            return true;
    return false;
}

bool qn_query_scores(const struct qn_query *q)
{
    switch (q->kind) {
    case QN_QUERY_BOOL:
        /* Which of several optional clauses match makes a difference by itself. */
        return q->bools.should.n > 1 ||
               (q->bools.should.n == 1 && q->bools.must.n + q->bools.filter.n > 0) ||
               list_scores(&q->bools.must) || list_scores(&q->bools.should);
    case QN_QUERY_DIS_MAX:
        return q->dis_max.any.n > 1 || list_scores(&q->dis_max.any);
    case QN_QUERY_BOOSTING:
    case QN_QUERY_FUNCTION:
    case QN_QUERY_HAS_PHRASE:
        return true;
    case QN_QUERY_HAS_TERM:
        return q->has_term.target.type == QN_VALUE_STR;
    case QN_QUERY_HAS_ANY:
        return q->has_any.scored;
    default:
        return false;
    }
}
