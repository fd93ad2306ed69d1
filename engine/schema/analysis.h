/* The analyzers an index defines for itself: `tokenizers` of a Quickwit doc mapping, or `analysis`
 * of Elasticsearch's index settings (analyzer, normalizer, tokenizer, filter).
 *
 * Immutable and counted: a mapping holds one, generations of it share one. Lookups fall back to the
 * built-in analyzers of the dialect. @thread any */
#ifndef QN_SCHEMA_ANALYSIS_H
#define QN_SCHEMA_ANALYSIS_H

#include "text/tokenizer.h"
#include "json/dom.h"
#include "json/writer.h"

struct qn_analysis;

/* An array of {name, type, ...}; names of built-in tokenizers and duplicates are refused. Gives. */
QN_MUST_CHECK int qn_analysis_parse_quickwit(struct qn_analysis **out, struct qn_json_val list,
                                             struct qn_err *err);
/* The `analysis` object of index settings. Gives. */
QN_MUST_CHECK int qn_analysis_parse_elastic(struct qn_analysis **out, struct qn_json_val v,
                                            struct qn_err *err);
struct qn_analysis *qn_analysis_ref(struct qn_analysis *an); /* NULL gives NULL */
void qn_analysis_unref(struct qn_analysis *an);

/* By name, own ones first, then the built-in ones; NULL: unknown. an may be NULL. */
const struct qn_analyzer *qn_analysis_find(const struct qn_analysis *an, struct qn_str name,
                                           bool elastic);
/* Normalizers of Elasticsearch: own ones, and the built-in "lowercase". */
const struct qn_analyzer *qn_analysis_normalizer(const struct qn_analysis *an, struct qn_str name);
/* Writes the definitions as they were given, with defaults: `tokenizers`, or `analysis`. */
void qn_analysis_write(const struct qn_analysis *an, struct qn_jw *w);
/* Every analyzer of `old` is in `next`, unchanged; else its name. */
struct qn_str qn_analysis_missing(const struct qn_analysis *old, const struct qn_analysis *next);

#endif
