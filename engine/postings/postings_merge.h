/* Merges the inverted index of one field: dictionaries and postings of several splits into one,
 * without going back to the documents.
 *
 * Each input says how its documents are numbered in the output: by a base (time-disjoint inputs,
 * nothing deleted; then the inputs must be given in the order of their bases) or by a map. If all
 * inputs have bases, blocks are copied as they are, with first and last documents shifted and, when
 * the impact tables differ, codes rewritten; a list with more than 12 % short blocks is re-packed.
 * Otherwise lists are decoded, mapped and merged in streams. Deleted documents (map entry
 * QN_DOC_END) and terms that only they held disappear. The output may record less than an input,
 * not more (QN_E_UNSUPPORTED); lists are then decoded.
 *
 * One owner thread; polls nothing: cancel between fields, or through `poll`. */
#ifndef QN_POSTINGS_POSTINGS_MERGE_H
#define QN_POSTINGS_POSTINGS_MERGE_H

#include "postings/postings_reader.h"
#include "terms/terms_reader.h"
#include "terms/terms_writer.h"

struct qn_postings_input {
    const struct qn_terms *terms; /* NULL: the input lacks the field */
    const struct qn_postings *postings;
    uint32_t doc_base;       /* new number of its document 0, when doc_map is NULL */
    const uint32_t *doc_map; /* old -> new, ascending but for QN_DOC_END = deleted */
    uint32_t *ord_map;       /* NULL, or room for all ordinals: old -> new, UINT32_MAX = gone */
};

struct qn_postings_merge_options {
    const struct qn_postings_input *inputs;
    uint32_t n_inputs;
    struct qn_terms_writer *terms;       /* receives the terms; the caller finishes both writers */
    struct qn_postings_writer *postings; /* with the impacts of qn_impacts_merge and merged norms */
    int (*poll)(void *arg); /* NULL, or called every few thousand terms; non-zero ends the merge */
    void *poll_arg;
};

struct qn_postings_merge_stats {
    uint64_t n_terms_in, n_terms_out;
    uint64_t blocks_copied, blocks_recoded, lists_repacked;
};

QN_MUST_CHECK int qn_postings_merge(const struct qn_postings_merge_options *opt,
                                    struct qn_postings_merge_stats *stats, struct qn_err *err);
/* The impact table for a merged field: the inputs' own when all agree (then bodies are copied
 * whole), else one that covers the pairs of the largest inputs first. */
void qn_impacts_merge(struct qn_impacts *out, const struct qn_postings_input *inputs, uint32_t n);

#endif
