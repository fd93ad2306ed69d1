/* The ingest service of a node: one thread that takes the journal and keeps every index in shape.
 *
 *     request threads ─► qn_ingest_append ─► journal ─► done (acknowledged)
 *                                               │ durable batches, in order
 *     indexer's thread                          ▼
 *         loop: take batches ─► refresh, commit what is due ─► truncate the journal ─► sleep
 *
 * Only durable batches are indexed, so nothing is ever visible that a crash could take back. When
 * the memory budget is exhausted and publishing does not help, the thread stops taking; the journal
 * fills up to its own limit, and appends are then refused (QN_E_BUSY): back-pressure, from which
 * everything recovers by itself.
 *
 * @thread any, unless said otherwise  @locks takes CATALOG, never held across I/O */
#ifndef QN_INGEST_INGEST_H
#define QN_INGEST_INGEST_H

#include "ingest/live.h"
#include "journal/journal.h"
#include "os/thread.h"

struct qn_ingest;

/* Turns an index's configuration into what the index needs; config->mapping is given. */
typedef int (*qn_live_config_fn)(void *arg, struct qn_str index_uid, struct qn_str config_json,
                                 struct qn_live_config *config, struct qn_err *err);

struct qn_ingest_options {
    struct qn_live_context live;
    struct qn_journal *journal;
    qn_live_config_fn read_config;
    void *read_config_arg;
};

/* Opens every index of the metastore and starts the thread, which first takes what the journal has
 * beyond their checkpoints. Copies opt; borrows what it points to. Gives *out. */
QN_MUST_CHECK int qn_ingest_open(struct qn_ingest **out, const struct qn_ingest_options *opt,
                                 struct qn_err *err);
/* Stops the thread. What is not published stays in the journal. Calls that wait in flush return
 * QN_E_SHUTDOWN; no other call may be running. NULL is fine. */
void qn_ingest_close(struct qn_ingest *in);

/* An index that was just made in the metastore. */
QN_MUST_CHECK int qn_ingest_add_index(struct qn_ingest *in, struct qn_str index_uid,
                                      struct qn_str config_json, struct qn_err *err);
/* One that was deleted there: its documents are no longer taken or seen. */
void qn_ingest_drop_index(struct qn_ingest *in, struct qn_str index_uid);

/* What a search of the index sees now (shares); NULL: it is not open here. */
struct qn_snapshot *qn_ingest_snapshot(struct qn_ingest *in, struct qn_str index_uid);
/* Its mapping (shares); NULL: it is not open here. */
struct qn_mapping *qn_ingest_mapping(struct qn_ingest *in, struct qn_str index_uid);

/* Hands a batch to the journal; `done` as in qn_journal_submit. The batch's origin names the index
 * by uid. QN_E_NOT_FOUND: it is not open here. */
QN_MUST_CHECK int qn_ingest_append(struct qn_ingest *in, struct qn_batch *b, enum qn_ack ack,
                                   qn_append_fn done, void *arg);
/* Waits until what was appended before is visible (publish: published). QN_E_TIMEOUT at deadline_us
 * (monotonic, 0 = none), QN_E_SHUTDOWN; or why it could not be done. */
QN_MUST_CHECK int qn_ingest_flush(struct qn_ingest *in, struct qn_str index_uid, bool publish,
                                  qn_usec deadline_us, struct qn_err *err);

struct qn_ingest_stats {
    uint64_t taken;   /* position: all below it is indexed */
    uint64_t pending; /* operations in the journal that are not */
    uint32_t n_indexes;
    int stalled; /* 0, or why the thread does not take batches just now */
};
void qn_ingest_stats(struct qn_ingest *in, struct qn_ingest_stats *out);

#endif
