/* Operators that only this layer makes. */
#ifndef QN_EXEC_OPERATOR_INT_H
#define QN_EXEC_OPERATOR_INT_H

#include "exec/operator.h"

/* Documents whose column holds one of n ascending values; values lie in ex->ar. */
QN_MUST_CHECK int qn__op_column_set(struct qn_op **out, struct qn_exec *ex,
                                    struct qn_split_field *fd, const uint64_t *values, uint32_t n,
                                    struct qn_err *err);

/* How often a phrase (of qn_op_phrase) is in each of n documents that match it; sloppy matches
 * count 1 / (1 + distance), as in Lucene. Of other operators: 1. */
QN_MUST_CHECK int qn__op_phrase_freqs(struct qn_op *op, const uint32_t *ids, uint32_t n,
                                      float *freqs, struct qn_err *err);

/* The matches of a window that are not deleted; bits are cleared first. */
QN_MUST_CHECK int qn__fill_live(struct qn_exec *ex, struct qn_op *op, uint32_t lo, uint32_t hi,
                                uint64_t *bits, struct qn_err *err);

#endif
