/* Searching one split for what needs no scores: how many documents match, and the newest of them.
 *
 * Deleted documents never match. A walk polls `stop` once a window; when it says so the search ends
 * with what it says (QN_E_CANCELLED, QN_E_TIMEOUT). @thread search */
#ifndef QN_EXEC_SEARCH_H
#define QN_EXEC_SEARCH_H

#include "exec/operator.h"

struct qn_stop {
    int (*check)(void *arg); /* NULL: never; 0: go on */
    void *arg;
};
static inline int qn_stop_poll(struct qn_stop stop)
{
    return stop.check ? stop.check(stop.arg) : 0;
}

/* How many documents match. */
QN_MUST_CHECK int qn_search_count(struct qn_exec *ex, struct qn_op *op, struct qn_stop stop,
                                  uint64_t *count, struct qn_err *err);

/* Matches in document order, which is time order. */
struct qn_search_edge {
    bool newest;      /* from the last document down, else from the first up */
    uint32_t limit;   /* ids that are wanted */
    bool count_all;   /* go on counting when the limit is reached */
    uint32_t skip_to; /* start at this document (inclusive); UINT32_MAX with newest, 0 without: at
                         the edge */
};
struct qn_search_hits {
    uint32_t *ids; /* in the order asked for; room for limit */
    uint32_t n;
    uint64_t count; /* of the windows walked: all of them with count_all */
    uint32_t windows_filled, windows_skipped;
};
QN_MUST_CHECK int qn_search_edge(struct qn_exec *ex, struct qn_op *op,
                                 const struct qn_search_edge *ask, struct qn_stop stop,
                                 struct qn_search_hits *hits, struct qn_err *err);

#endif
