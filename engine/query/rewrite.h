/* Rewriting a bound tree into an equal and cheaper one; and what can be told without looking at
 * any posting.
 *
 *   constants    ALL and NONE fold; a bool that cannot match is NONE; empty bools are ALL
 *   flattening   bool in bool of the same kind, single-child bools, boosts of 1, dis_max of one
 *   negation     not not x is x
 *   ranges       several ranges of one target in a conjunction are one; impossible ones are NONE
 *   terms        terms of one target in a disjunction are one HAS_ANY
 *   duplicates   equal clauses count once
 * Matches and scores stay the same: score-changing rewrites are done only where nothing scores
 * (filters, must_not). Names (`_name`) are kept: a named node is left alone.
 * @thread any */
#ifndef QN_QUERY_REWRITE_H
#define QN_QUERY_REWRITE_H

#include "query/query.h"

/* scored: false when nobody asks for scores (counts, sorts by field): must becomes filter. */
QN_MUST_CHECK int qn_query_rewrite(const struct qn_query **out, struct qn_arena *ar,
                                   const struct qn_query *q, bool scored, struct qn_err *err);

/* What is known of some documents (a split, an index) without reading them. */
struct qn_prune_facts {
    uint32_t timestamp_field; /* id in the mapping the query was bound to; QN_NO_FIELD: none */
    int64_t min_time_ns, max_time_ns;
    /* May the documents hold this value of this field? NULL: maybe. */
    bool (*may_have)(void *ctx, const struct qn_field *f, const struct qn_value *v);
    void *ctx;
};
/* False only when no document of which the facts hold can match. */
bool qn_query_may_match(const struct qn_query *q, const struct qn_prune_facts *facts);

/* The time range outside which nothing can match, ns, both ends included; INT64_MIN, INT64_MAX when
 * open. Empty (from > to) when nothing matches at all. */
void qn_query_time_range(const struct qn_query *q, uint32_t timestamp_field, int64_t *from_ns,
                         int64_t *to_ns);
/* Does anything in the tree compute a score that depends on the document (else all score alike)? */
bool qn_query_scores(const struct qn_query *q);

#endif
