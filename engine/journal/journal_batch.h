/* A batch: one record in memory, shared by reference count.
 *
 * The same object goes from the request through the committer and the ring of recent batches to
 * the indexer: documents are not copied on the way. Batches that are read back from disk look the
 * same and share the buffer of the frame they came in:
 *
 *     request ─► qn_batch {record, user} ─► journal ─► ring ─► reader
 *     disk ─► frame buffer ◄── qn_batch, qn_batch, ...  ─────► reader
 *
 * `user` is the requester's own (the parsed documents, so that nobody parses twice); it is dropped
 * with the last reference. It is NULL in batches that were read back.
 *
 * Immutable once submitted, except that the journal fills in seq and stamp before anyone else sees
 * it. QN_PAD bytes after the record's end are readable. @thread any  @locks none */
#ifndef QN_JOURNAL_BATCH_H
#define QN_JOURNAL_BATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/err.h"
#include "journal/record.h"

struct qn_batch;
struct qn_frame_block; /* journal: a frame read back */

/* How long an append waits. */
enum qn_ack {
    QN_ACK_DURABLE, /* until it is on disk: survives a power cut */
    QN_ACK_WRITTEN, /* until the kernel has it: survives the end of this process */
    QN_ACK_NONE,    /* not at all */
};

/* rc is 0 or the reason why the batch is not in the journal; batch->rec.seq is its position. Runs
 * on the committer's thread and must not block; the batch is borrowed. */
typedef void (*qn_append_fn)(void *arg, struct qn_batch *batch, int rc);

struct qn_batch {
    struct qn_record rec;
    void *user;
    void (*drop_user)(void *user);

    /* The journal's own. */
    _Atomic uint32_t refs;
    struct qn_batch *next; /* in the committer's queue */
    char *bytes;           /* owned, or NULL when `block` owns them */
    struct qn_buf packed;  /* of long records, until they are durable: see journal_frame_int.h */
    struct qn_frame_block *block;
    struct qn_budget *budget; /* charged with `charged` until the end */
    uint64_t charged;
    enum qn_ack ack;
    qn_append_fn done;
    void *done_arg;
    bool acked; /* `done` was called */
};

/* Finishes the record in *wr and takes its bytes; wr is empty afterwards and can be used again.
 * Gives *out. The batch's bytes are charged to `budget` (may be NULL): QN_E_BUDGET. On failure
 * wr keeps nothing and *out is NULL. */
QN_MUST_CHECK int qn_batch_new(struct qn_batch **out, struct qn_record_writer *wr,
                               const struct qn_simd_ops *simd, struct qn_budget *budget);
struct qn_batch *qn_batch_ref(struct qn_batch *b); /* shares: returns b */
void qn_batch_unref(struct qn_batch *b);           /* NULL is fine */

#endif
