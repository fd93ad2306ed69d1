/* One open index: its mapping, what is visible of it, and the way of its documents from the journal
 * to published splits.
 *
 *     journal ─► take ─► hot (memory, hot splits) ─► commit: gather ─► upload ─► publish ─► adopt
 *                             │ refresh                 staged          object     checkpoint moves
 *                             ▼
 *                          visible ◄─── searches (any thread)
 *
 * A document is in exactly one place that a search sees: a hot split until adopt, the published one
 * after it. The checkpoint of the index's journal source is the position after the last operation
 * that published splits hold; a restart takes the journal from there.
 *
 * visible and mapping may be used by any thread; everything else belongs to the indexer's thread.
 */
#ifndef QN_INGEST_LIVE_H
#define QN_INGEST_LIVE_H

#include "ingest/hot.h"
#include "metastore/metastore.h"
#include "os/ulid.h"
#include "storage/storage.h"

#define QN_JOURNAL_SOURCE QN_STR("_ingest-journal")
#define QN_JOURNAL_PARTITION QN_STR("0")

/* What all indexes of a node share. Borrowed, outlives them. */
struct qn_live_context {
    struct qn_metastore *ms;
    struct qn_storage *storage;
    const struct qn_simd_ops *simd;
    const struct qn_clock *clock;
    const struct qn_log *log;
    struct qn_budget *budget; /* of documents that are not published */
    struct qn_ulid_gen *ulids;
    const char *spool_dir;
    struct qn_str node_id;
};

struct qn_live_config {
    struct qn_mapping *mapping; /* taken */
    uint64_t refresh_us;        /* documents are visible so soon; 0: only when asked */
    uint64_t commit_us;         /* and published so soon */
    uint64_t commit_bytes;      /* or when so much is waiting; 0: no such limit */
};

struct qn_live {
    struct qn_str uid; /* own copy, NUL-terminated */
    const struct qn_live_context *cx;
    struct qn_live_config config;
    struct qn_visible visible;
    struct qn_hot *hot;
    uint64_t published;              /* the checkpoint, as a position */
    qn_usec refresh_due, commit_due; /* 0: nothing waits */
    qn_usec retry_at;                /* after a commit that failed */
    uint32_t n_failures;
};

/* Opens the published splits and reads the checkpoint. Takes the config's mapping, also on failure.
 * Gives *out. */
QN_MUST_CHECK int qn_live_open(struct qn_live **out, const struct qn_live_context *cx,
                               struct qn_str index_uid, const struct qn_live_config *config,
                               struct qn_err *err);
void qn_live_close(struct qn_live *li); /* NULL is fine */

/* Takes the operations of a batch that are not published yet. When the budget is exhausted it
 * publishes what it can and goes on; QN_E_BUDGET when even that did not help: nothing of the rest
 * was taken, call again later with the same batch. */
QN_MUST_CHECK int qn_live_take(struct qn_live *li, const struct qn_batch *b, struct qn_err *err);
/* All that was taken becomes visible. */
QN_MUST_CHECK int qn_live_refresh(struct qn_live *li, struct qn_err *err);
/* All that was taken becomes published. A failure leaves everything as it was. */
QN_MUST_CHECK int qn_live_commit(struct qn_live *li, struct qn_err *err);
/* Does what is due at `now`; gives when to come again (0: nothing waits). Failures are logged and
 * tried again later. */
qn_usec qn_live_tick(struct qn_live *li, qn_usec now);
/* The journal below this position is not needed by this index, if its reader has come to `at`. */
uint64_t qn_live_needs_from(const struct qn_live *li, uint64_t at);

#endif
