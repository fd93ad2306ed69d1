#include "compile_int.h"

/* ---- lists of operators */

int qn__op_give(struct qn_op **out, struct qn_op *op)
{
    *out = op;
    return op ? 0 : QN_E_BUDGET;
}

int qn__op_list_init(struct qn__op_list *list, struct qn_exec *ex, uint32_t cap)
{
    *list =
        (struct qn__op_list){.p = qn_arena_zalloc(ex->ar, (cap + 1) * sizeof *list->p), .cap = cap};
    return list->p ? 0 : QN_E_BUDGET;
}

void qn__op_list_free(struct qn__op_list *list)
{
    for (uint32_t i = 0; i < list->n; i++)
        qn_op_free(list->p[i]);
    list->n = 0;
}

int qn__op_list_or(struct qn_op **out, struct qn_exec *ex, struct qn__op_list *list, uint32_t least)
{
    struct qn_op *op = list->n > 0 ? qn_op_or(ex, list->p, list->n, least) : qn_op_none(ex);
    if (op == NULL)
        qn__op_list_free(list);
    list->n = 0;
    return qn__op_give(out, op);
}

static int compile(struct qn_op **out, struct qn_exec *ex, const struct qn_query *q,
                   struct qn_err *err);

static int add_all(struct qn__op_list *list, struct qn_exec *ex, const struct qn_query_list *from,
                   struct qn_err *err)
{
    for (uint32_t i = 0; i < from->n; i++) {
        int rc = compile(&list->p[list->n], ex, from->p[i], err);
        if (rc < 0)
            return rc;
        list->n++;
    }
    return 0;
}

/* ---- combinators */

static uint32_t should_least(const struct qn_query_bool *b)
{
    if (b->min_should >= 0)
        return (uint32_t)b->min_should;
    return b->must.n + b->filter.n == 0 && b->should.n > 0;
}

struct clauses {
    struct qn__op_list must, should, must_not;
};

static int compile_clauses(struct clauses *cl, struct qn_exec *ex, const struct qn_query_bool *b,
                           uint32_t least, struct qn_err *err)
{
    int rc = qn__op_list_init(&cl->must, ex, b->must.n + b->filter.n + 1);
    if (rc == 0)
        rc = qn__op_list_init(&cl->should, ex, b->should.n);
    if (rc == 0)
        rc = qn__op_list_init(&cl->must_not, ex, b->must_not.n);
    if (rc == 0)
        rc = add_all(&cl->must, ex, &b->must, err);
    if (rc == 0)
        rc = add_all(&cl->must, ex, &b->filter, err);
    if (rc == 0 && least > 0) /* otherwise they only score */
        rc = add_all(&cl->should, ex, &b->should, err);
    if (rc == 0)
        rc = add_all(&cl->must_not, ex, &b->must_not, err);
    return rc;
}

static int compile_bool(struct qn_op **out, struct qn_exec *ex, const struct qn_query_bool *b,
                        struct qn_err *err)
{
    struct clauses cl = {0};
    uint32_t least = should_least(b);
    struct qn_op *op = NULL;
    int rc = compile_clauses(&cl, ex, b, least, err);
    if (rc == 0 && least > 0) {
        rc = qn__op_list_or(&op, ex, &cl.should, least);
        if (rc == 0)
            cl.must.p[cl.must.n++] = op;
    } else if (rc == 0 && cl.must.n == 0) {
        rc = qn__op_give(&cl.must.p[0], qn_op_all(ex));
        cl.must.n = rc == 0;
    }
    if (rc == 0) {
        op = qn_op_and(ex, cl.must.p, cl.must.n, cl.must_not.p, cl.must_not.n);
        rc = qn__op_give(out, op);
    }
    if (rc < 0) {
        qn__op_list_free(&cl.must);
        qn__op_list_free(&cl.should);
        qn__op_list_free(&cl.must_not);
    }
    return rc;
}

static int compile_any(struct qn_op **out, struct qn_exec *ex, const struct qn_query_list *from,
                       struct qn_err *err)
{
    struct qn__op_list list;
    int rc = qn__op_list_init(&list, ex, from->n);
    if (rc == 0)
        rc = add_all(&list, ex, from, err);
    if (rc == 0)
        return qn__op_list_or(out, ex, &list, 1);
    qn__op_list_free(&list);
    return rc;
}

static int compile(struct qn_op **out, struct qn_exec *ex, const struct qn_query *q,
                   struct qn_err *err)
{
    *out = NULL;
    switch ((enum qn_query_kind)q->kind) {
    case QN_QUERY_ALL:
        return qn__op_give(out, qn_op_all(ex));
    case QN_QUERY_NONE:
        return qn__op_give(out, qn_op_none(ex));
    case QN_QUERY_BOOL:
        return compile_bool(out, ex, &q->bools, err);
    case QN_QUERY_CONSTANT:
        return compile(out, ex, q->child, err);
    case QN_QUERY_FUNCTION:
        return compile(out, ex, q->function.child, err);
    case QN_QUERY_BOOSTING:
        return compile(out, ex, q->boosting.positive, err);
    case QN_QUERY_DIS_MAX:
        return compile_any(out, ex, &q->dis_max.any, err);
    case QN_QUERY_NESTED:
        return qn_fail_at(err, QN_E_UNSUPPORTED, q->pos, "nested queries are not supported");
    default:
        return qn__compile_leaf(out, ex, q, err);
    }
}

int qn_compile(struct qn_op **out, struct qn_exec *ex, const struct qn_query *q, struct qn_err *err)
{
    return compile(out, ex, q, err);
}
