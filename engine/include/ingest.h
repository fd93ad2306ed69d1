/* Documents in: NDJSON, each document judged by itself.
 *
 *     body ─► lines ─► mapping ─┬─► rejected: line and reason in the report
 *                               └─► journal ─► durable ─► done ─► (indexed soon after)
 *
 * Bad documents never fail a call. Errors: QN_E_NOT_FOUND (index), QN_E_BUSY and QN_E_BUDGET (try
 * later), QN_E_NO_SPACE, QN_E_IO, QN_E_SHUTDOWN.
 * @thread any */
#ifndef QN_INGEST_H
#define QN_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct qn_engine;

enum qn_commit {
    QN_COMMIT_AUTO,     /* durable is enough */
    QN_COMMIT_WAIT_FOR, /* and a search finds them */
    QN_COMMIT_FORCE,    /* and they are in a published split */
};

struct qn_docs_ask {
    struct qn_str index_id;
    struct qn_str body; /* QN_PAD readable bytes behind it */
    enum qn_commit commit;
    uint32_t max_faults; /* to be told in the report */
};

struct qn_docs_fault {
    uint64_t line; /* of the body, from 1 */
    bool not_json; /* else it does not fit the mapping */
    struct qn_str document;
    struct qn_str message;
};

struct qn_docs_report {
    uint64_t n_docs, n_rejected;
    struct qn_docs_fault *faults; /* document: borrowed from the body; the rest is in the arena */
    uint32_t n_faults;
};

#define QN_DOCS_LATER 2

/* rc as the call would have given it. On the journal's thread: must not block. */
typedef void (*qn_docs_done_fn)(void *arg, int rc);

/* *report is complete when the call returns. 0: all was done. QN_DOCS_LATER (only AUTO): `done` is
 * called once, perhaps before the call returns. < 0: an error, and done is not called; documents of
 * a long body may be in the journal all the same. */
QN_MUST_CHECK int qn_engine_ingest(struct qn_engine *en, const struct qn_docs_ask *ask,
                                   struct qn_arena *ar, struct qn_docs_report *report,
                                   qn_docs_done_fn done, void *arg, struct qn_err *err);

#endif
