/* Inside of patterns: one file per kind behind struct qn_pattern. */
#ifndef QN_EXEC_PATTERN_INT_H
#define QN_EXEC_PATTERN_INT_H

#include "exec/pattern.h"

struct qn__regex_pattern;
struct qn__fuzzy;

struct qn_pattern {
    const struct qn_query_has_pattern *pt;
    struct qn_buf prefix; /* every match starts with these bytes */
    struct qn__wild_piece *pieces;
    size_t n_pieces;
    struct qn__regex_pattern *re;
    struct qn__fuzzy *fz;
};

/* Wildcards: one piece is a literal byte, any code point, or any run. */
struct qn__wild_piece {
    enum { QN__WILD_BYTE, QN__WILD_ONE, QN__WILD_RUN } kind;
    uint8_t byte;
};
void qn__wild_new(struct qn_pattern *pat);
bool qn__wild_test(const struct qn_pattern *pat, struct qn_str term);

/* A dialect's expression in PCRE2's words, appended to out. */
QN_MUST_CHECK int qn__regex_translate(struct qn_buf *out, struct qn_str text,
                                      enum qn_regex_syntax syntax, struct qn_err *err);
/* The literal bytes every match starts with. */
void qn__regex_prefix(struct qn_buf *out, struct qn_str text, enum qn_regex_syntax syntax);
QN_MUST_CHECK int qn__regex_pattern_new(struct qn_pattern *pat, struct qn_err *err);
void qn__regex_pattern_free(struct qn__regex_pattern *re);
QN_MUST_CHECK int qn__regex_test(struct qn_pattern *pat, struct qn_str term, struct qn_err *err);

QN_MUST_CHECK int qn__fuzzy_new(struct qn_pattern *pat, struct qn_err *err);
void qn__fuzzy_free(struct qn__fuzzy *fz);
/* Edits between the pattern and the term, or more than allowed: -1. *dead: terms that share that
 * many leading bytes cannot match either; 0: nothing is known. Terms come in any order. */
int qn__fuzzy_distance(struct qn__fuzzy *fz, struct qn_str term, size_t *dead);

#endif
