/* Private: ranges compared and cut, for rewriting and pruning. */
#ifndef QN_QUERY_REWRITE_INT_H
#define QN_QUERY_REWRITE_INT_H

#include "query_int.h"

/* <0, 0, >0 of two values of one type. */
int qn__query_value_cmp(const struct qn_value *a, const struct qn_value *b);
bool qn__query_range_is_empty(const struct qn_query_in_range *r);
/* *r becomes what both hold. Same target. */
void qn__query_range_intersect(struct qn_query_in_range *r, const struct qn_query_in_range *other);
/* How many of should must match. */
uint32_t qn__query_least_should(const struct qn_query_bool *b);
/* One HAS_TERM or HAS_ANY of the values (sorted in place, duplicates dropped). */
const struct qn_query *qn__query_has_any(struct qn_arena *ar, uint32_t pos,
                                         const struct qn_query_target *target,
                                         struct qn_value *values, uint32_t n, bool scored);

#endif
