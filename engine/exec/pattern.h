/* Patterns over a dictionary: prefix, wildcard, regular expression and fuzzy, to term ordinals.
 *
 *   HAS_PATTERN ─► qn_pattern_new ─► qn_pattern_expand(dictionary) ─► [3, 9) [12, 13) ..
 *                       │ literal prefix: only that interval of the dictionary is walked
 *                       └ qn_pattern_test: does one term match
 *
 *   kind      matches                                   cost per term
 *   PREFIX    terms that start with the text            none: one interval of ordinals
 *   WILDCARD  '*' any run, '?' one code point           bytes of the term times pieces, at worst
 *   REGEX     whole terms; Lucene or Rust syntax        at most a fixed number of steps
 *   FUZZY     within 1 or 2 edits, by code points       5 cells per code point that is new
 *
 * Regular expressions run in PCRE2 with JIT. What the dialect has and PCRE2 has not, or reads
 * otherwise, is translated, or refused by name and position. A term that takes too many steps fails
 * the query (QN_E_INVALID): no pattern takes exponential time. Case is ignored for ASCII letters in
 * wildcards and prefixes, as Elasticsearch does, and for all letters in regular expressions.
 *
 * Edits are insertions, deletions, substitutions and (unless switched off) swaps of neighbours.
 * Rows of the distance table are kept for the part a term shares with the term before.
 *
 * One thread per pattern. Nothing is stored about dictionaries. */
#ifndef QN_EXEC_PATTERN_H
#define QN_EXEC_PATTERN_H

#include "base/vec.h"
#include "query/query.h"
#include "terms/terms_reader.h"

#define QN_PATTERN_BYTES 8192u /* of the text; longer ones are refused */

struct qn_ord_range {
    uint32_t from, to; /* [from, to) */
};
struct qn_ord_ranges {
    QN_VEC(struct qn_ord_range) v; /* ascending, apart from each other */
    uint64_t count;                /* ordinals in them */
};
void qn_ord_ranges_release(struct qn_ord_ranges *r);

struct qn_pattern;

/* Compiles; borrows pt. QN_E_INVALID, with the position in the pattern, for bad expressions. Gives
 * *out. */
QN_MUST_CHECK int qn_pattern_new(struct qn_pattern **out, const struct qn_query_has_pattern *pt,
                                 struct qn_err *err);
void qn_pattern_free(struct qn_pattern *pat); /* NULL is fine */
/* 1: the term matches, 0: it does not. */
QN_MUST_CHECK int qn_pattern_test(struct qn_pattern *pat, struct qn_str term, struct qn_err *err);
/* The terms of a dictionary that match. Of more than max_expansions the nearest are kept (FUZZY),
 * else the first. max_terms (0: no limit): more fail with QN_E_TOO_LARGE. *out is zeroed first;
 * release it in any case. */
QN_MUST_CHECK int qn_pattern_expand(struct qn_ord_ranges *out, struct qn_pattern *pat,
                                    const struct qn_terms *td, uint32_t max_terms,
                                    struct qn_err *err);

#endif
