/* Operators that only this layer makes. */
#ifndef QN_EXEC_OPERATOR_INT_H
#define QN_EXEC_OPERATOR_INT_H

#include "exec/operator.h"

/* Documents whose column holds one of n ascending values; values lie in ex->ar. */
QN_MUST_CHECK int qn__op_column_set(struct qn_op **out, struct qn_exec *ex,
                                    struct qn_split_field *fd, const uint64_t *values, uint32_t n,
                                    struct qn_err *err);

#endif
