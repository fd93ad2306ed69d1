/* Scores: BM25 as Lucene computes it, over windows of 8,192 documents.
 *
 *   weight = boost * factor * idf       idf = ln(1 + (N - n + 0.5) / (n + 0.5))
 *   score  = weight * tf / (tf + k1 * (1 - b + b * length / average))
 *
 * N documents with the field, n with the term, both of the whole index (qn_stats), so that scores
 * do not depend on how documents fell into splits. length is what the norm byte decodes to. All in
 * float, k1 1.2, b 0.75. factor is k1 + 1 as in Elasticsearch and tantivy; Lucene's own is 1.
 *
 *   query node                        score of a match
 *   HAS_TERM, HAS_ANY (scored), STR   BM25, added up
 *   HAS_PHRASE                        BM25 of the phrase's frequency, idf of its terms added up
 *   BOOL                              must and should add; filter and must_not nothing
 *   DIS_MAX                           the best, plus tie_breaker times the others
 *   BOOSTING                          the positive's, times negative_boost where negative matches
 *   CONSTANT and all other leaves     1
 * times the boosts of the node and of all above it. FUNCTION is QN_E_UNSUPPORTED.
 *
 * Postings carry impact codes; each term has a table of 256 floats, so nothing is looked up per
 * document. The table's running maximum over skip data's largest codes bounds a window's scores.
 *
 * A scorer belongs to one thread and one split and lies in the arena of the search. */
#ifndef QN_EXEC_SCORE_H
#define QN_EXEC_SCORE_H

#include "base/buf.h"
#include "base/map.h"
#include "exec/operator.h"
#include "query/query.h"

#define QN_SCORE_WINDOW 8192u
#define QN_BM25_K1 1.2f
#define QN_BM25_B 0.75f

/* ---- index-wide numbers */

struct qn_stats {
    struct qn_arena *ar;
    struct qn_map fields; /* physical field -> struct qn_field_stats */
    struct qn_map terms;  /* physical field and term -> df */
    uint32_t epoch;       /* splits added so far */
};
void qn_stats_init(struct qn_stats *st, struct qn_arena *ar);
void qn_stats_release(struct qn_stats *st);
/* Adds what one split says about the fields and terms that q scores. Each split once. */
QN_MUST_CHECK int qn_stats_collect(struct qn_stats *st, struct qn_exec *ex,
                                   const struct qn_query *q, struct qn_err *err);
/* Adds another's numbers (of other splits). */
QN_MUST_CHECK int qn_stats_merge(struct qn_stats *st, const struct qn_stats *more);

float qn_bm25_idf(uint64_t n_docs, uint64_t df);
/* 0 for an empty document set. */
float qn_bm25_score(float weight, float tf, uint32_t length, float average);

/* ---- scoring one split */

struct qn_scorer;

/* factor: 0 stands for k1 + 1. Gives *out (qn_scorer_free). */
QN_MUST_CHECK int qn_scorer_new(struct qn_scorer **out, struct qn_exec *ex,
                                const struct qn_query *q, const struct qn_stats *st, float factor,
                                struct qn_err *err);
void qn_scorer_free(struct qn_scorer *sc); /* NULL is fine */

/* Scores of documents [lo, hi), hi - lo <= QN_SCORE_WINDOW, lo a multiple of 1,024: out[doc - lo].
 * Right for documents that the query matches, anything for others. */
QN_MUST_CHECK int qn_scorer_window(struct qn_scorer *sc, uint32_t lo, uint32_t hi, float *out,
                                   struct qn_err *err);
/* No document of [lo, hi) scores more; from skip data only. */
float qn_scorer_bound(struct qn_scorer *sc, uint32_t lo, uint32_t hi);
/* When the query is a plain disjunction of terms: documents of the window that score more than
 * `threshold` get their bit in `bits` (cleared first) and their score in out. Terms that cannot
 * lift a document over the threshold are only looked up for candidates. False: it is not such a
 * query, nothing was done. */
bool qn_scorer_is_terms(const struct qn_scorer *sc);
QN_MUST_CHECK int qn_scorer_above(struct qn_scorer *sc, uint32_t lo, uint32_t hi, float threshold,
                                  uint64_t *bits, float *out, struct qn_err *err);

/* The arithmetic of one document's score, as lines of text, indented by depth. */
QN_MUST_CHECK int qn_scorer_explain(struct qn_scorer *sc, uint32_t doc, struct qn_buf *out,
                                    struct qn_err *err);

#endif
