#include <string.h>

#include "exec/operator.h"

/* A range of a column's values, or (any) documents that have one. */
struct range {
    struct qn_op op;
    struct qn_column_cursor *cu;
    uint64_t min, max;
    bool any;
};

static uint32_t range_next(struct qn_op *op, uint32_t doc)
{
    const struct range *rg = (struct range *)op;
    const struct qn_column *col = rg->cu->col;
    while (doc < col->n_docs) {
        uint64_t min, max;
        if (qn_column_zone(col, doc, doc + 1, &min, &max) &&
            (rg->any || (min <= rg->max && max >= rg->min)))
            return doc;
        doc = (doc / QN_COLUMN_ZONE + 1) * QN_COLUMN_ZONE;
    }
    return QN_DOC_END;
}

static int range_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                      struct qn_err *err)
{
    struct range *rg = (struct range *)op;
    uint32_t n = 0;
    return rg->any ? qn_column_exists(rg->cu, lo, hi, bits, &n, err)
                   : qn_column_range(rg->cu, lo, hi, rg->min, rg->max, bits, &n, err);
}

static int range_retain(struct qn_op *op, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    struct range *rg = (struct range *)op;
    uint32_t kept = 0;
    if (!rg->cu->col->many && *n <= 1024) {
        uint64_t values[1024], present[16];
        int rc = qn_column_gather(rg->cu, ids, *n, QN_COLUMN_FIRST, values, present, err);
        for (uint32_t i = 0; i < *n && rc == 0; i++) {
            ids[kept] = ids[i];
            kept += qn_bit_get(present, i) &&
                    (rg->any || (values[i] >= rg->min && values[i] <= rg->max));
        }
        *n = kept;
        return rc;
    }
    for (uint32_t i = 0; i < *n; i++) {
        const uint64_t *v;
        uint32_t k;
        int rc = qn_column_of(rg->cu, ids[i], &v, &k, err);
        if (rc < 0)
            return rc;
        bool match = rg->any && k > 0;
        for (uint32_t j = 0; j < k && !match; j++)
            match = v[j] >= rg->min && v[j] <= rg->max;
        ids[kept] = ids[i];
        kept += match;
    }
    *n = kept;
    return 0;
}

static void range_free(struct qn_op *op)
{
    qn_column_cursor_free(((struct range *)op)->cu);
}

static const struct qn_op_ops range_ops = {"range", range_next, range_fill, range_retain,
                                           range_free};
static const struct qn_op_ops exists_ops = {"exists", range_next, range_fill, range_retain,
                                            range_free};

/* Documents in zones that the range touches: what pruning cannot exclude. */
static uint64_t zone_estimate(const struct qn_column *col, uint64_t min, uint64_t max)
{
    uint64_t n = 0;
    for (uint32_t doc = 0; doc < col->n_docs; doc += QN_COLUMN_ZONE) {
        uint64_t a, b, left = col->n_docs - doc;
        if (!qn_column_zone(col, doc, doc + 1, &a, &b) || a > max || b < min)
            continue;
        uint64_t docs = left < QN_COLUMN_ZONE ? left : QN_COLUMN_ZONE;
        /* Values are taken to be spread evenly between the zone's extremes. */
        uint64_t from = a > min ? a : min, to = b < max ? b : max;
        double share = ((double)(to - from) + 1) / ((double)(b - a) + 1);
        n += (uint64_t)((double)docs * share) + 1;
    }
    return n < col->doc_count ? n : col->doc_count;
}

static int new_range(struct qn_op **out, struct qn_exec *ex, const struct qn_column *col,
                     const struct qn_op_ops *ops, uint64_t min, uint64_t max)
{
    struct range *rg = qn_arena_new(ex->ar, struct range);
    *out = NULL;
    if (rg == NULL)
        return QN_E_BUDGET;
    rg->any = ops == &exists_ops;
    rg->op = (struct qn_op){ops, rg->any ? col->doc_count : zone_estimate(col, min, max), rg->any};
    rg->cu = qn_column_cursor_new(col);
    rg->min = min;
    rg->max = max;
    *out = &rg->op;
    return 0;
}

/* The first document whose time is >= bound, in a column that never descends. */
static int lower_bound(const struct qn_column *col, uint64_t bound, uint32_t *doc,
                       struct qn_err *err)
{
    uint32_t n = col->doc_count; /* documents without a time are at the end */
    uint32_t lo = 0, hi = (n + QN_COLUMN_ZONE - 1) / QN_COLUMN_ZONE;
    uint64_t min, max;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (qn_column_zone(col, mid * QN_COLUMN_ZONE, mid * QN_COLUMN_ZONE + 1, &min, &max) &&
            max < bound)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t from = lo * QN_COLUMN_ZONE, to = from + QN_COLUMN_ZONE;
    to = to < n ? to : n;
    struct qn_column_cursor *cu = qn_column_cursor_new(col);
    int rc = 0;
    while (from < to && rc == 0) {
        uint32_t mid = from + (to - from) / 2, k;
        const uint64_t *v;
        rc = qn_column_of(cu, mid, &v, &k, err);
        if (rc == 0 && k > 0 && v[0] < bound)
            from = mid + 1;
        else
            to = mid;
    }
    qn_column_cursor_free(cu);
    *doc = from < n ? from : n;
    return rc;
}

static int time_interval(struct qn_op **out, struct qn_exec *ex, const struct qn_column *col,
                         uint64_t min, uint64_t max, struct qn_err *err)
{
    uint32_t from, to = col->doc_count;
    int rc = lower_bound(col, min, &from, err);
    if (rc == 0 && max != UINT64_MAX)
        rc = lower_bound(col, max + 1, &to, err);
    *out = rc == 0 ? qn_op_interval(ex, from, to) : NULL;
    return rc < 0 ? rc : *out ? 0 : QN_E_BUDGET;
}

int qn_op_column_range(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                       uint64_t min, uint64_t max, struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    const struct qn_column *col = fd->column;
    if (col == NULL || min > max || col->value_count == 0 || min > col->max || max < col->min) {
        *out = qn_op_none(ex);
        return *out ? 0 : QN_E_BUDGET;
    }
    if (fd->type == QN_SPLIT_DATE && ex->time_field.p != NULL && !col->many &&
        qn_str_eq(fd->name, ex->time_field))
        return time_interval(out, ex, col, min, max, err);
    if (min <= col->min && max >= col->max)
        return new_range(out, ex, col, &exists_ops, 0, 0);
    return new_range(out, ex, col, &range_ops, min, max);
}

int qn_op_exists(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                 struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (fd->column == NULL)
        return qn_op_ordinals(out, ex, fd, 0, fd->terms ? qn_terms_count(fd->terms) : 0, err);
    if (fd->column->doc_count == ex->n_docs) {
        *out = qn_op_all(ex);
        return *out ? 0 : QN_E_BUDGET;
    }
    return new_range(out, ex, fd->column, &exists_ops, 0, 0);
}
