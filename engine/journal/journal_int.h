/* The journal's inside: who owns what.
 *
 *     submit: queue ──take──► pending [ written, not synced │ unwritten ] ──sync──► ring, done()
 *             under lock      the committer's alone                                 under lock
 *
 * Fields are guarded by `lock` unless they are constant after open or stand in `struct
 * qn_committer`, which only the committer's thread touches (open and close do so before that thread
 * starts and after it ended). */
#ifndef QN_JOURNAL_JOURNAL_INT_H
#define QN_JOURNAL_JOURNAL_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "journal/journal.h"
#include "journal_frame_int.h"
#include "journal_segment_int.h"
#include "os/clock.h"
#include "os/thread.h"

/* Batches in order, linked by next. */
struct qn_batch_list {
    struct qn_batch *head;
    struct qn_batch **tail;
};

struct qn_committer {
    struct qn_segment *active; /* NULL: none yet, or the last one became suspect */
    int fd;
    uint64_t tail;                /* where the next frame goes */
    struct qn_batch_list pending; /* placed, not durable */
    struct qn_batch *unwritten;   /* the first of them that is not in the active segment */
    uint64_t unsynced_bytes;      /* of frames */
    uint64_t unsynced_batches;
    qn_usec unsynced_since;
    uint64_t waiting;                  /* pending batches with QN_ACK_DURABLE */
    QN_VEC(struct qn_batch *) evicted; /* from the ring, to be dropped outside the lock */
    uint64_t next_seq;
    uint64_t next_ordinal;
    struct qn_coder *coder;
    struct qn_buf raw;   /* records of the frame being built */
    struct qn_buf frame; /* that frame, encoded */
};

/* A queue over a circular array: the batches that readers may still get from memory. */
struct qn_batch_ring {
    struct qn_batch **p;
    size_t cap; /* power of two */
    size_t head, n;
    uint64_t bytes;
};

struct qn_journal {
    /* Constant after open. */
    struct qn_journal_options opt;
    char *dir;
    int dirlock;
    uint8_t id[16];
    struct qn_hlc hlc;
    struct qn_thread thread;

    struct qn_mutex lock;
    struct qn_cond wake;  /* the committer: there is work */
    struct qn_cond moved; /* everybody else: end, settled, health, active or truncating changed */
    struct qn_batch_list queue;
    uint64_t submitted, settled; /* batches; settled = durable or failed */
    uint64_t flush_until;        /* sync at least until settled reaches this */
    uint64_t queued_bytes;       /* of batches not settled */
    uint64_t sealed_bytes;       /* of segments other than the active one */
    uint64_t active_bytes;
    uint64_t end;
    QN_VEC(struct qn_segment *) segments; /* oldest first; the active one is the last */
    QN_VEC(uint64_t) spares;              /* ordinals */
    struct qn_batch_ring ring;
    struct qn_journal_health health;
    qn_usec probe_at;  /* while degraded */
    uint64_t roll_end; /* seal the active segment if it ends here; 0: no wish */
    bool truncating;
    bool stopping;
    uint32_t n_readers;
    struct qn_journal_stats stats; /* the counters */

    struct qn_committer cm;
};

/* journal_batch.c */
struct qn_batch *qn__batch_view(const struct qn_record *rec, struct qn_frame_block *block);

/* Compresses a long record but for its head, which still changes. */
void qn__batch_pack(struct qn_batch *b);

/* record.c: fills rec from a record whose checksums are known to be right. */
QN_MUST_CHECK int qn__record_parse(struct qn_record *rec, struct qn_str bytes, struct qn_err *err);

/* journal_ring.c: all under the journal's lock. */
void qn__ring_push(struct qn_batch_ring *rg, struct qn_batch *b); /* takes a reference */
/* The oldest batch when the ring is over max_bytes (gives its reference), else NULL. */
struct qn_batch *qn__ring_evict(struct qn_batch_ring *rg, uint64_t max_bytes);
/* The first batch that ends after seq, if seq is not before the oldest one; else NULL. Borrows. */
struct qn_batch *qn__ring_find(const struct qn_batch_ring *rg, uint64_t seq);
void qn__ring_release(struct qn_batch_ring *rg);

/* journal_commit.c */
void qn__commit_run(void *journal); /* the committer's thread */
void qn__histogram_add(struct qn_journal_histogram *hg, uint64_t v);

/* journal_roll.c: segments begun and ended; the committer's thread. */
QN_MUST_CHECK int qn__segment_start(struct qn_journal *j, bool reserve, struct qn_err *err);
void qn__segment_seal(struct qn_journal *j);    /* everything in it is synced */
void qn__segment_abandon(struct qn_journal *j); /* it became suspect */

/* journal_open.c */
QN_MUST_CHECK int qn__journal_scan(struct qn_journal *j, struct qn_journal_report *report,
                                   struct qn_err *err);

static inline void qn__list_init(struct qn_batch_list *l)
{
    l->head = NULL;
    l->tail = &l->head;
}
static inline void qn__list_push(struct qn_batch_list *l, struct qn_batch *b)
{
    b->next = NULL;
    *l->tail = b;
    l->tail = &b->next;
}
static inline struct qn_batch *qn__list_pop(struct qn_batch_list *l)
{
    struct qn_batch *b = l->head;
    if (b != NULL) {
        l->head = b->next;
        if (l->head == NULL)
            l->tail = &l->head;
    }
    return b;
}

#endif
