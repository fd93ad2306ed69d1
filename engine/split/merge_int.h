/* What the parts of a merge share: numbering (merge_order.c), fields (merge_fields.c). */
#ifndef QN_MERGE_INT_H
#define QN_MERGE_INT_H

#include "split/split_merge.h"

struct qn__merge_part {
    struct qn_split *sp;
    const uint64_t *deleted;
    uint32_t n_docs;
    uint32_t base; /* concatenated: new number of its first document */
    uint32_t *map; /* else: old -> new, QN_DOC_END: deleted */
    uint32_t n_live;
};

struct qn__merge {
    const struct qn_merge_options *op;
    const struct qn_simd_ops *simd;
    struct qn__merge_part *parts;
    uint32_t n_parts;
    uint32_t n_docs;  /* of the output */
    uint16_t *source; /* the part of each new document; NULL: concatenated */
    struct qn_split_writer *wr;
    struct qn_merge_stats *stats;
    uint64_t done, total;
    int64_t min_time, max_time; /* of the output, ns */
};

/* Numbers the documents of the output: fills parts, n_docs, source. */
QN_MUST_CHECK int qn__merge_order(struct qn__merge *mg, struct qn_err *err);
QN_MUST_CHECK int qn__merge_docs(struct qn__merge *mg, struct qn_err *err);
/* All fields, in order. */
QN_MUST_CHECK int qn__merge_fields(struct qn__merge *mg, struct qn_err *err);
/* Counts work done and asks whether to go on. */
QN_MUST_CHECK int qn__merge_poll(struct qn__merge *mg, uint64_t work);

#endif
