/* The best k of one split: by score, or by sort keys.
 *
 *     windows ─► matches ─► values of the first key ─► better than the worst of k? ─► other keys
 *        └ skipped when bounds (impacts, zones) say that nothing in them can get in
 *
 * Order: the keys one after another, then document number ascending. Values of strings are ordinals
 * inside a split and bytes outside: what a hit carries can be compared with hits of other splits.
 * Deleted documents never match. @thread search */
#ifndef QN_EXEC_TOPK_H
#define QN_EXEC_TOPK_H

#include "exec/score.h"
#include "exec/search.h"

#define QN_SORT_KEYS 16

enum qn_sort_by { QN_SORT_FIELD, QN_SORT_DOC, QN_SORT_SCORE };
enum qn_sort_mode { QN_SORT_AUTO, QN_SORT_MIN, QN_SORT_MAX, QN_SORT_AVG }; /* of several values */
enum qn_sort_missing { QN_SORT_LAST, QN_SORT_FIRST };

struct qn_sort_key {
    enum qn_sort_by by;
    struct qn_split_field *field; /* FIELD; NULL: no document of this split has it */
    bool descending;
    enum qn_sort_mode mode; /* AUTO: the smallest ascending, the largest descending. AVG: of numbers
                               and dates */
    enum qn_sort_missing missing;
};

/* A key's value of a hit. */
struct qn_sort_value {
    enum { QN_SORT_MISSING, QN_SORT_NUMBER, QN_SORT_TEXT, QN_SORT_FLOAT } kind;
    uint64_t number;   /* NUMBER: ordered as in columns.h; of DOC the document */
    struct qn_str str; /* TEXT */
    float score;       /* FLOAT */
};
/* <0: a comes before b under the key. */
int qn_sort_compare(const struct qn_sort_key *key, const struct qn_sort_value *a,
                    const struct qn_sort_value *b);

struct qn_topk_ask {
    const struct qn_sort_key *keys;
    uint32_t n_keys; /* 1 .. QN_SORT_KEYS */
    uint32_t limit;
    bool count; /* hits->count is wanted, exactly */
    const struct qn_sort_value
        *after;         /* only what comes behind these values; NULL: from the start */
    uint32_t after_doc; /* with `after`: of equals, only documents behind this one; UINT32_MAX:
                           none of them */
    bool has_min_score;
    float min_score;
};

struct qn_topk_hit {
    uint32_t doc;
    float score; /* when a scorer was given */
    struct qn_sort_value *values;
};
struct qn_topk_hits {
    struct qn_topk_hit *p; /* best first; all of it lies in ex->ar */
    uint32_t n;
    uint64_t count;
    uint32_t windows_scored, windows_skipped;
};

/* sc: NULL when no key is SCORE. */
QN_MUST_CHECK int qn_topk(struct qn_topk_hits *hits, struct qn_exec *ex, struct qn_op *op,
                          struct qn_scorer *sc, const struct qn_topk_ask *ask, struct qn_stop stop,
                          struct qn_err *err);

#endif
