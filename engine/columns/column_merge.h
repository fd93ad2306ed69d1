/* Merging columns of several splits into one, without knowing what the values mean.
 *
 *     source 0   docs 0 1 2 3        new 0 1 4 -      (- deleted)
 *     source 1   docs 0 1 2          new 2 3 5
 *     merged     values of new document 0 .. 5, in that order
 *
 * Each source says where its documents go: at base + old when splits follow each other in time, by
 * a map when they overlap or documents were deleted. Blocks are decoded once and copied in runs, so
 * that time-disjoint sources cost no comparison per document. String columns also bring a map from
 * their ordinals to those of the merged dictionary. One owner thread. */
#ifndef QN_COLUMNS_COLUMN_MERGE_H
#define QN_COLUMNS_COLUMN_MERGE_H

#include "columns/columns.h"

#define QN_DOC_DROPPED UINT32_MAX

struct qn_column_source {
    const struct qn_column *col;
    const qn_docid *map;  /* [n_docs of col] ascending but for QN_DOC_DROPPED; NULL: base + old */
    qn_docid base;        /* with map NULL */
    const uint64_t *ords; /* NULL: values stay as they are */
    uint64_t n_ords;
};

/* Puts the values of all sources into wr, which the caller then finishes. New documents of
 * different sources are different. A stored ordinal beyond n_ords is QN_E_CORRUPT. */
QN_MUST_CHECK int qn_column_merge(struct qn_column_writer *wr, const struct qn_column_source *src,
                                  size_t n, struct qn_err *err);

#endif
