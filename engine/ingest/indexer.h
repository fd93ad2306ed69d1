/* The indexer of one index: read documents into the memory index, memory into splits.
 *
 *     document ─► walker (schema) ─► parsed batch ─► indexer ─► memindex ─► split
 *                                                    analyzes, names physical fields
 *
 * Physical fields. A mapped field is one field of the split, under its path. A JSON field is a
 * family: one field for each path and type that documents have in it, named path.subpath (_dynamic:
 * the subpath alone). What a field keeps follows the mapping:
 *
 *     numbers, booleans, dates   a column, which answers terms and ranges too
 *     text, one exact term       postings and ordinals share one dictionary
 *     text, analyzed             postings; with fast: a column with a dictionary of whole values;
 *                                without: which documents have it
 *     ip, bytes                  as text with one exact term
 *
 * One owner thread. */
#ifndef QN_INGEST_INDEXER_H
#define QN_INGEST_INDEXER_H

#include "ingest/memindex.h"
#include "ingest/parsed.h"

struct qn_indexer;

struct qn_indexer *qn_indexer_new(const struct qn_memindex_options *opt);
void qn_indexer_free(struct qn_indexer *ix);
void qn_indexer_start(struct qn_indexer *ix, struct qn_sink *sk); /* see qn_memindex_start */

/* The documents that follow are of this batch, which stays until the next one or the flush. */
void qn_indexer_batch(struct qn_indexer *ix, const struct qn_parsed *pd);
/* Indexes document i of the batch. QN_PAD readable bytes follow its text. Fails for an analyzer
 * that exceeds its limits on this text, in which case nothing of the document stays. */
QN_MUST_CHECK int qn_indexer_add(struct qn_indexer *ix, uint32_t i, struct qn_err *err);

struct qn_memindex *qn_indexer_memory(struct qn_indexer *ix); /* sizes; borrow */
QN_MUST_CHECK int qn_indexer_flush(struct qn_indexer *ix, struct qn_split_meta *meta,
                                   struct qn_split_info *info);

#endif
