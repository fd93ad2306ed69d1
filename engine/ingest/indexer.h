/* The indexer of one index: walked documents into the memory index, memory into splits.
 *
 *     document ─► walker (schema) ─► values ─► indexer ─► memindex ─► split
 *                                              analyzes, names physical fields
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
 * One owner thread. The mapping may change between documents; the new one counts from then on. */
#ifndef QN_INGEST_INDEXER_H
#define QN_INGEST_INDEXER_H

#include "ingest/memindex.h"
#include "schema/doc.h"

struct qn_indexer;

struct qn_indexer *qn_indexer_new(const struct qn_memindex_options *opt,
                                  const struct qn_mapping *m);
void qn_indexer_free(struct qn_indexer *ix);
void qn_indexer_start(struct qn_indexer *ix, struct qn_sink *sk); /* see qn_memindex_start */
/* Borrow: documents are walked with this one, because paths are numbered by it. */
struct qn_doc_walker *qn_indexer_walker(struct qn_indexer *ix);
void qn_indexer_set_mapping(struct qn_indexer *ix, const struct qn_mapping *m);

/* Indexes a document that the walker just gave. QN_PAD readable bytes follow doc->text. Fails for
 * an analyzer that exceeds its limits on this text, in which case nothing of the document stays. */
QN_MUST_CHECK int qn_indexer_add(struct qn_indexer *ix, const struct qn_doc *doc,
                                 struct qn_err *err);

struct qn_memindex *qn_indexer_memory(struct qn_indexer *ix); /* sizes; borrow */
QN_MUST_CHECK int qn_indexer_flush(struct qn_indexer *ix, struct qn_split_meta *meta,
                                   struct qn_split_info *info);

#endif
