/* Inside of compiling: one file for combinators, one for leaves, one for the values of leaves. */
#ifndef QN_EXEC_COMPILE_INT_H
#define QN_EXEC_COMPILE_INT_H

#include "exec/compile.h"

int qn__compile_leaf(struct qn_op **out, struct qn_exec *ex, const struct qn_query *q,
                     struct qn_err *err);

/* A list of operators that are freed unless they become part of another. */
struct qn__op_list {
    struct qn_op **p;
    uint32_t n, cap;
};
QN_MUST_CHECK int qn__op_list_init(struct qn__op_list *list, struct qn_exec *ex, uint32_t cap);
void qn__op_list_free(struct qn__op_list *list);
/* The documents of at least `least` of them; takes the list. None: no document. */
QN_MUST_CHECK int qn__op_list_or(struct qn_op **out, struct qn_exec *ex, struct qn__op_list *list,
                                 uint32_t least);
/* The phrases (of a prefix: one for each expansion) whose union a node matches; free the list. */
QN_MUST_CHECK int qn__compile_phrases(struct qn__op_list *list, struct qn_exec *ex,
                                      const struct qn_query_has_phrase *ph, struct qn_err *err);
/* *out = op, or QN_E_BUDGET when there is none. */
QN_MUST_CHECK int qn__op_give(struct qn_op **out, struct qn_op *op);

/* What a column holds for a value of a type without terms. */
uint64_t qn__value_to_ord(const struct qn_value *v);
/* The closed interval of a range of such values; false: it is empty. */
bool qn__range_to_ords(const struct qn_query_in_range *r, uint64_t *min, uint64_t *max);
/* The bytes that stand for a value in a dictionary: STR, BYTES, IP. */
struct qn_str qn__value_term(const struct qn_value *v);

#endif
