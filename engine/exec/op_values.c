#include <string.h>

#include "operator_int.h"

/* A column with one of many values: blocks are decoded and each value is looked up. Values that lie
 * close together, as ordinals do, are a bit set; others are searched for. */
struct values {
    struct qn_op op;
    struct qn_column_cursor *cu;
    const uint64_t *values;
    uint32_t n;
    uint64_t min, max;
    uint64_t *set; /* bit v - min, or NULL */
};

enum { SET_BITS = 1 << 23 };

static bool in_list(const struct values *vs, uint64_t v)
{
    uint32_t lo = 0, hi = vs->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (vs->values[mid] < v)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < vs->n && vs->values[lo] == v;
}

static bool has(const struct values *vs, uint64_t v)
{
    if (v < vs->min || v > vs->max)
        return false;
    return vs->set ? qn_bit_get(vs->set, v - vs->min) : in_list(vs, v);
}

static uint32_t values_next(struct qn_op *op, uint32_t doc)
{
    const struct values *vs = (struct values *)op;
    const struct qn_column *col = vs->cu->col;
    while (doc < col->n_docs) {
        uint64_t min, max;
        if (qn_column_zone(col, doc, doc + 1, &min, &max) && min <= vs->max && max >= vs->min)
            return doc;
        doc = (doc / QN_COLUMN_ZONE + 1) * QN_COLUMN_ZONE;
    }
    return QN_DOC_END;
}

static int values_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                       struct qn_err *err)
{
    struct values *vs = (struct values *)op;
    struct qn_column_cursor *cu = vs->cu;
    for (uint32_t doc = lo; doc < hi; doc += QN_COLUMN_BLOCK) {
        uint64_t min, max;
        if (!qn_column_zone(cu->col, doc, doc + 1, &min, &max) || min > vs->max || max < vs->min)
            continue;
        int rc = qn_column_load(cu, doc / QN_COLUMN_BLOCK, err);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < cu->n_values; i++)
            if (has(vs, cu->values[i]))
                qn_bit_set(bits, doc - lo + (cu->one ? i : cu->rows[i]));
    }
    return 0;
}

static int values_retain(struct qn_op *op, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    struct values *vs = (struct values *)op;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++) {
        const uint64_t *v;
        uint32_t k;
        int rc = qn_column_of(vs->cu, ids[i], &v, &k, err);
        if (rc < 0)
            return rc;
        bool match = false;
        for (uint32_t j = 0; j < k && !match; j++)
            match = has(vs, v[j]);
        ids[kept] = ids[i];
        kept += match;
    }
    *n = kept;
    return 0;
}

static void values_free(struct qn_op *op)
{
    qn_column_cursor_free(((struct values *)op)->cu);
}

static const struct qn_op_ops values_ops = {"values", values_next, values_fill, values_retain,
                                            values_free};

int qn__op_column_set(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                      const uint64_t *values, uint32_t n, struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (n == 0 || fd->column == NULL) {
        *out = qn_op_none(ex);
        return *out ? 0 : QN_E_BUDGET;
    }
    struct values *vs = qn_arena_new(ex->ar, struct values);
    if (vs == NULL)
        return QN_E_BUDGET;
    vs->values = values;
    vs->n = n;
    vs->min = values[0];
    vs->max = values[n - 1];
    if (vs->max - vs->min < SET_BITS) {
        vs->set = qn_arena_zalloc(ex->ar, qn_bits_words(vs->max - vs->min + 1) * 8);
        if (vs->set == NULL)
            return QN_E_BUDGET;
        for (uint32_t i = 0; i < n; i++)
            qn_bit_set(vs->set, values[i] - vs->min);
    }
    /* Values are taken to be equally frequent in what the column spans. */
    const struct qn_column *col = fd->column;
    double share = (double)n / ((double)(col->max - col->min) + 1);
    uint64_t most = share < 1 ? (uint64_t)((double)col->doc_count * share) + 1 : col->doc_count;
    vs->op = (struct qn_op){&values_ops, most < col->doc_count ? most : col->doc_count, false};
    vs->cu = qn_column_cursor_new(col);
    *out = &vs->op;
    return 0;
}
