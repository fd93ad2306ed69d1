/* Inside of scoring: the tree of scorers, built once a split (score_build.c), asked window by
 * window (score_window.c) and for the arithmetic of one document (score_explain.c). */
#ifndef QN_EXEC_SCORE_INT_H
#define QN_EXEC_SCORE_INT_H

#include "compile_int.h"
#include "exec/score.h"
#include "operator_int.h"

/* What a node adds to a window: its score for documents it matches, 0 for others. Only the root is
 * not gated: callers know which documents match. */
struct qn__score {
    enum {
        QN__SCORE_TERM,
        QN__SCORE_PHRASE,
        QN__SCORE_CONSTANT,
        QN__SCORE_SUM,
        QN__SCORE_MAX,
        QN__SCORE_BOOSTING,
    } kind;
    struct qn_op *gate; /* CONSTANT: what scores; SUM: NULL, or what counts; BOOSTING: negative */
    float value;        /* CONSTANT: the score; MAX: tie breaker; BOOSTING: the factor */
    struct qn__score **child;
    uint32_t n;
    float *room; /* windows of its own: MAX 3, gated SUM and BOOSTING 1, PHRASE 1 */

    /* TERM, PHRASE */
    struct qn_split_field *fd;
    struct qn_str text; /* for explanations */
    float weight, average, idf, boost;
    uint64_t n_docs, df;
    /* TERM */
    struct qn_cursor *cu;
    float *lut;   /* code -> score; of escapes 0 */
    float *bound; /* code -> no code up to it scores more */
    float most;   /* in the window being looked at */
    /* PHRASE */
    struct qn__op_list phrases;
};

struct qn_scorer {
    struct qn_exec *ex;
    struct qn__score *root; /* NULL: everything scores 0 */
    const struct qn_stats *st;
    float factor;
    bool is_terms, signed_weights;
    struct qn__score **terms; /* of a plain disjunction, n_terms of them */
    uint32_t n_terms;
    uint32_t *ids; /* room for a window */
};

struct qn_field_stats {
    uint64_t docs, lengths;
    uint32_t epoch; /* of the split that was added last */
};
struct qn__term_stats {
    uint64_t df;
    uint32_t epoch;
};
/* NULL: nothing is known of it. */
const struct qn_field_stats *qn__stats_field(const struct qn_stats *st,
                                             const struct qn_split_field *fd);
uint64_t qn__stats_df(const struct qn_stats *st, const struct qn_split_field *fd,
                      struct qn_str term);
/* The idfs of a phrase's terms, added up; of a prefix, those of all terms with it. */
float qn__stats_phrase_idf(const struct qn_stats *st, const struct qn_split_field *fd,
                           const struct qn_query_has_phrase *ph);

/* tf and the length of the field in a document of the term's list. False: it is not in it. */
QN_MUST_CHECK int qn__score_posting(struct qn__score *x, uint32_t doc, bool *found, uint32_t *tf,
                                    uint32_t *length, struct qn_err *err);
QN_MUST_CHECK int qn__score_norm(const struct qn_split_field *fd, uint32_t doc, uint32_t *length,
                                 struct qn_err *err);
QN_MUST_CHECK int qn__score_add(struct qn_scorer *sc, struct qn__score *x, uint32_t lo, uint32_t hi,
                                float *out, struct qn_err *err);

#endif
