/* Indexes: made from a Quickwit index configuration, listed, described, deleted.
 *
 *     configuration (JSON) ─► checked, completed with defaults ─► metastore ─► open for documents
 *
 * Answers are JSON in Quickwit's shapes (IndexMetadata, IndexStats, SplitInfo), written to the
 * caller's writer. Common errors: QN_E_NOT_FOUND "index `x` not found", QN_E_EXISTS, and for
 * configurations QN_E_INVALID, QN_E_TYPE, QN_E_UNKNOWN_KEY, QN_E_PARSE with the place.
 * @thread any: calls may block for the disk */
#ifndef QN_INDEX_H
#define QN_INDEX_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"
#include "json/writer.h"

struct qn_engine;

/* Makes an index and opens it. overwrite: one of that name is deleted before, with its data. */
QN_MUST_CHECK int qn_index_create(struct qn_engine *en, struct qn_str config_json, bool overwrite,
                                  struct qn_jw *out, struct qn_err *err);
QN_MUST_CHECK int qn_index_get(struct qn_engine *en, struct qn_str index_id, struct qn_jw *out,
                               struct qn_err *err);
/* patterns: a comma list of names with '*'; empty: all. */
QN_MUST_CHECK int qn_index_list(struct qn_engine *en, struct qn_str patterns, struct qn_jw *out,
                                struct qn_err *err);
/* Counts and sizes of what is published. */
QN_MUST_CHECK int qn_index_describe(struct qn_engine *en, struct qn_str index_id, struct qn_jw *out,
                                    struct qn_err *err);
/* Writes the splits that are (dry_run: would be) deleted. */
QN_MUST_CHECK int qn_index_delete(struct qn_engine *en, struct qn_str index_id, bool dry_run,
                                  struct qn_jw *out, struct qn_err *err);

#endif
