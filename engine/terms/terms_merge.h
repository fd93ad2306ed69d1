/* Walks several dictionaries in step: every distinct term once, with the inputs that hold it.
 *
 *     while ((rc = qn_terms_merge_next(mg, err)) == 0)
 *         for (i = 0; i < mg->n_hits; i++)
 *             ... mg->term, input mg->hits[i], qn_terms_info(mg->its[mg->hits[i]], &ti, err),
 *             ... old ordinal mg->its[mg->hits[i]]->ord  (to fill per-input ordinal maps)
 *
 * A loser tree keyed by the first 8 bytes of the terms, then by the rest: log2(inputs) comparisons
 * a term. Hits are in input order. One owner thread. */
#ifndef QN_TERMS_TERMS_MERGE_H
#define QN_TERMS_TERMS_MERGE_H

#include "terms/terms_reader.h"

struct qn_terms_merge {
    struct qn_str term; /* valid until next */
    uint32_t n_hits;
    uint32_t *hits;             /* inputs that hold the term, ascending */
    struct qn_terms_iter **its; /* one per input; do not move them */
    uint32_t n_inputs;
    struct qn__merge_tree *tree;
};

/* Gives *out. tds[i] may be NULL: an input without the field. Borrows the dictionaries. */
QN_MUST_CHECK int qn_terms_merge_new(struct qn_terms_merge **out, const struct qn_terms *const *tds,
                                     uint32_t n, struct qn_err *err);
void qn_terms_merge_free(struct qn_terms_merge *mg);
QN_MUST_CHECK int qn_terms_merge_next(struct qn_terms_merge *mg, struct qn_err *err);

#endif
