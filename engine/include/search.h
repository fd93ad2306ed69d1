/* Answers out: the documents of an index that match a query, newest (or oldest) first.
 *
 *     query ─► parsed ─► bound to the mapping ─► each split: operators, windows ─┐ on the executor
 *                        documents of the best ◄── merged by time ◄──────────────┘
 *
 * A search sees one snapshot of the index. Errors: QN_E_NOT_FOUND (index), QN_E_PARSE and other
 * input errors with the position in err->pos; QN_E_CANCELLED, QN_E_TIMEOUT; QN_E_BUDGET.
 * @thread any; the calling thread helps */
#ifndef QN_SEARCH_H
#define QN_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "os/executor.h"

struct qn_engine;

struct qn_search_ask {
    struct qn_str index_id;
    struct qn_str query;         /* Quickwit's language */
    const struct qn_str *fields; /* instead of the index's default fields */
    uint32_t n_fields;
    bool has_start, has_end;
    int64_t start_s, end_s; /* seconds since 1970: from start, before end */
    uint32_t max_hits, start_offset;
    struct qn_str sort_by; /* empty or the timestamp field: newest first; "-" before it: oldest */
};

struct qn_search_answer {
    uint64_t num_hits;
    struct qn_str *hits; /* the documents' own bytes, in the arena */
    uint32_t n_hits;
};

/* `group` (initialised, of the engine's executor) lets the caller cancel. */
QN_MUST_CHECK int qn_engine_search(struct qn_engine *en, const struct qn_search_ask *ask,
                                   struct qn_group *group, struct qn_arena *ar,
                                   struct qn_search_answer *out, struct qn_err *err);
/* To make that group with. */
struct qn_executor *qn_engine_executor(struct qn_engine *en);

#endif
