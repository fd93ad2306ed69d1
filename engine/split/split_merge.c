#include "split/split_merge.h"

#include <stdlib.h>

#include "base/mem.h"
#include "merge_int.h"

int qn__merge_poll(struct qn__merge *mg, uint64_t work)
{
    mg->done += work;
    if (mg->op->poll == NULL)
        return 0;
    uint64_t done = mg->done < mg->total ? mg->done : mg->total;
    return mg->op->poll(mg->op->poll_arg, done, mg->total) ? QN_E_CANCELLED : 0;
}

static void open_parts(struct qn__merge *mg)
{
    uint64_t fields = 1;
    mg->min_time = INT64_MAX;
    mg->max_time = INT64_MIN;
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        struct qn__merge_part *pt = &mg->parts[k];
        pt->sp = mg->op->inputs[k].sp;
        pt->deleted = mg->op->inputs[k].deleted;
        pt->n_docs = qn_split_doc_count(pt->sp);
        if (qn_split_field_count(pt->sp) > fields)
            fields = qn_split_field_count(pt->sp);
        int64_t min = qn_split_min_time(pt->sp), max = qn_split_max_time(pt->sp);
        mg->min_time = min < mg->min_time ? min : mg->min_time;
        mg->max_time = max > mg->max_time ? max : mg->max_time;
    }
    for (uint32_t k = 0; k < mg->n_parts; k++)
        mg->total += mg->parts[k].n_docs * (fields + 1);
}

/* Raw bytes of what is left, in proportion. */
static uint64_t raw_bytes(const struct qn__merge *mg)
{
    double n = 0;
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        const struct qn__merge_part *pt = &mg->parts[k];
        if (pt->n_docs > 0)
            n += (double)qn_split_raw_bytes(pt->sp) * pt->n_live / pt->n_docs;
    }
    return (uint64_t)n;
}

int qn_split_merge(const struct qn_merge_options *opt, struct qn_sink *sk,
                   struct qn_split_meta *meta, struct qn_split_info *info,
                   struct qn_merge_stats *stats, struct qn_err *err)
{
    QN_ASSERT(opt->n_inputs > 0 && opt->n_inputs <= UINT16_MAX);
    *stats = (struct qn_merge_stats){0};
    struct qn__merge mg = {
        .op = opt, .simd = opt->split.simd, .n_parts = opt->n_inputs, .stats = stats};
    mg.parts = qn_xcalloc(mg.n_parts, sizeof *mg.parts);
    mg.wr = qn_split_writer_new(&opt->split, sk);
    open_parts(&mg);
    int rc = qn__merge_order(&mg, err);
    if (rc == 0)
        rc = qn__merge_docs(&mg, err);
    if (rc == 0)
        rc = qn__merge_fields(&mg, err);
    meta->raw_bytes = raw_bytes(&mg);
    meta->min_time_ns = mg.min_time;
    meta->max_time_ns = mg.max_time;
    if (rc == 0)
        rc = qn_split_writer_finish(mg.wr, meta, info);
    if (rc < 0)
        qn_fail(err, rc, "%s", qn_err_text(rc));
    qn_split_writer_free(mg.wr);
    for (uint32_t k = 0; k < mg.n_parts; k++)
        free(mg.parts[k].map);
    free(mg.source);
    free(mg.parts);
    return rc;
}
