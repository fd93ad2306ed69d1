/* Merging splits of one index into one, without going back to the documents.
 *
 * Documents keep their order in time. Inputs that follow each other in time and have lost nothing
 * are concatenated: posting blocks are copied, shifted; otherwise every input gets a map from old
 * to new numbers and lists are merged in streams. Document blocks are copied as they are either
 * way, with a row map when documents moved, unless they are so short or so full of holes that
 * writing them anew pays.
 *
 * Splits made under different mappings merge: fields are matched by name and type, and a field that
 * only some inputs have covers their documents. A field recorded in less detail by one input is
 * merged at that detail. */
#ifndef QN_SPLIT_SPLIT_MERGE_H
#define QN_SPLIT_SPLIT_MERGE_H

#include "split/split.h"
#include "split/split_writer.h"

struct qn_merge_input {
    struct qn_split *sp;
    const uint64_t *deleted; /* bit set of its documents, or NULL */
};

struct qn_merge_options {
    struct qn_split_options split;
    const struct qn_merge_input *inputs;
    uint32_t n_inputs;
    struct qn_str time_field; /* the DATE field documents are ordered by; .p == NULL: input order */
    int (*poll)(void *arg, uint64_t done, uint64_t total); /* progress in documents times fields;
                                                              non-zero ends the merge */
    void *poll_arg;
};

struct qn_merge_stats {
    bool concatenated, docs_rewritten;
    uint64_t n_deleted;
    uint64_t blocks_copied, blocks_recoded, lists_repacked;
};

/* Writes the merged split to sk. meta->json is the caller's; times and bytes are filled in.
 * QN_E_CANCELLED when poll ended it. All inputs deleted: a split of no documents. */
QN_MUST_CHECK int qn_split_merge(const struct qn_merge_options *opt, struct qn_sink *sk,
                                 struct qn_split_meta *meta, struct qn_split_info *info,
                                 struct qn_merge_stats *stats, struct qn_err *err);

#endif
