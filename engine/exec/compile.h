/* From a bound query tree to operators on one split: which documents match, not how well.
 *
 *   HAS_TERM      postings; of a field that is only a column: its ordinal; numbers: the column
 *   HAS_ANY       few: an OR of terms or values; many: one set
 *   HAS_PHRASE    positions; a prefix at the end becomes the OR of its expansions
 *   IN_RANGE      column range, interval of documents (time field), interval of ordinals
 *   HAS_FIELD     the column, or all terms; a subtree is the fields below a path
 *   HAS_PATTERN   pattern.h, then ordinals
 *   HAS_ID        terms of the field _id
 *   BOOL ..       and, or, at least; DIS_MAX matches like an or, FUNCTION, CONSTANT and BOOSTING
 *                 like their (positive) child
 *
 * A field or a type of it that the split does not have matches nothing. min_score of FUNCTION is
 * the business of scoring (score.h). NESTED is QN_E_UNSUPPORTED: documents are flat here.
 *
 * Physical names: a mapped field is field->path; a value of a JSON field is path.subpath, and for
 * _dynamic the subpath alone (ingest/indexer.h).
 * @thread search */
#ifndef QN_EXEC_COMPILE_H
#define QN_EXEC_COMPILE_H

#include "exec/operator.h"
#include "query/query.h"

/* Gives *out (qn_op_free); lies in ex->ar. q is not needed afterwards. */
QN_MUST_CHECK int qn_compile(struct qn_op **out, struct qn_exec *ex, const struct qn_query *q,
                             struct qn_err *err);

/* The split's field a target means, or NULL. target->type says which of its types; not NONE. */
struct qn_split_field *qn_compile_field(struct qn_exec *ex, const struct qn_query_target *target);

#endif
