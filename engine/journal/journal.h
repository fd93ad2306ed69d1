/* The journal: the durable order of documents before they are in a published split.
 *
 *     threads: submit ─► queue ─► committer ─► frames (LZ4) ─► segment file ─► fdatasync ─► done()
 *                                                                                  └─► ring ─►
 * readers
 *
 * Appending. Any thread submits a batch (journal_batch.h). One committer thread takes everything
 * that waits, gives each batch its sequence numbers and hybrid time, writes them as compressed
 * frames and makes one fdatasync serve them all; meanwhile the next group gathers. Records of 16
 * KiB and more are compressed by the thread that submits them, in parallel. `done` is called on the
 * committer's thread, in sequence order among batches of one ack mode; it resumes a request, it
 * must not block. qn_journal_append is the blocking form.
 *
 * Positions are sequence numbers. They start at 1, only grow, and are never given twice in the life
 * of a process, so there may be gaps after failures. What is durable is [first, end).
 *
 * Reading. A reader gives batches in order from any position up to `end`: from the ring of recent
 * batches when they are still there (shared, not copied), from disk otherwise. Only durable batches
 * are ever seen. Any number of readers, each owned by one thread.
 *
 * FILES in the directory (formats in journal_frame_int.h and journal_segment_int.h):
 *     <16 hex digits>.qj   segments, in order; about segment_bytes each
 *     spare-<16 hex>.qj    dropped segments kept to be overwritten (an fdatasync of overwritten
 *                          blocks costs 0.13 ms where a growing file costs 0.19 ms and one that was
 *                          preallocated 0.20 to 0.98 ms: measured on ext4, so nothing is
 *                          preallocated)
 *     *.tmp                a segment being made; removed at open
 *     lock                 one process at a time (os/dirlock.h)
 *
 * Failure. A write or sync that fails makes the segment suspect: it is cut back to what had been
 * synced, never written, synced or recycled again, and nothing in it beyond that is ever
 * acknowledged. Every batch that was not yet durable is written again, once, into a new segment,
 * whose head declares the rest of the suspect one void. When that fails too, all of them fail with
 * QN_E_NO_SPACE or QN_E_IO and the journal is degraded: submits are refused with that code at once,
 * and the committer tries every probe_ms (and after each truncation) to start a segment; when it
 * can, the journal is healthy again. A batch that was failed may still be found after a crash if
 * the power went before its segment could be cut: the outcome of a failed append is unknown, as
 * everywhere.
 *
 * Opening verifies the heads of all segments and every frame of the last one. A torn tail (what was
 * being written when the power went) is cut and reported. Damage below what is known to have been
 * synced is QN_E_CORRUPT naming file and offset, at open or when a reader gets there; it is never
 * skipped. qn_journal_check (journal_salvage.h) is the explicit way on.
 *
 * Memory: queue_bytes waiting (and a third more while they are there: long records compressed) +
 * ring_bytes + about 4 MiB; disk: max_bytes + spares.
 * @thread any, unless said otherwise  @locks takes JOURNAL; never held across I/O or callbacks */
#ifndef QN_JOURNAL_JOURNAL_H
#define QN_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/log.h"
#include "journal/journal_batch.h"
#include "os/clock.h"
#include "os/file.h"
#include "simd/ops.h"

struct qn_journal;
struct qn_journal_reader;

struct qn_journal_options {
    const char *dir; /* made when absent */
    struct qn_fs *fs;
    const struct qn_clock *clock;
    const struct qn_simd_ops *simd;
    const struct qn_log *log;  /* may be NULL */
    uint64_t segment_bytes;    /* a new segment is started rather than pass it */
    uint64_t max_bytes;        /* of all segments: QN_E_BUSY when reached; 0 = no limit */
    uint64_t queue_bytes;      /* of batches not yet durable: QN_E_BUSY */
    uint64_t ring_bytes;       /* of recent batches kept for readers */
    uint64_t sync_bytes;       /* at most so much is written without a sync */
    uint32_t sync_interval_ms; /* ... and for at most so long */
    uint32_t linger_us;        /* a group waits so long for company; 0: not at all */
    uint32_t probe_ms;         /* between attempts to recover */
    uint32_t n_spares;         /* dropped segments kept for reuse */
};

/* What open found. */
struct qn_journal_report {
    uint64_t n_segments;
    uint64_t first, end; /* positions */
    uint64_t cut_bytes;  /* of a torn tail; 0: none */
    uint64_t cut_offset; /* where it began */
    char cut_file[64];   /* in the directory; "" when nothing was cut */
};

#define QN_JOURNAL_BUCKETS 24 /* bucket i counts values in [2^i, 2^(i+1)); 0 goes to bucket 0 */

struct qn_journal_histogram {
    uint64_t n, sum;
    uint64_t bucket[QN_JOURNAL_BUCKETS];
};

struct qn_journal_stats {
    uint64_t first, end; /* positions */
    uint64_t n_segments;
    uint64_t disk_bytes;     /* of segments, without spares */
    uint64_t queued_batches; /* not yet durable, right now */
    uint64_t queued_bytes;
    uint64_t ring_batches, ring_bytes;
    uint64_t appended_batches, appended_ops, appended_bytes; /* durable, since open */
    uint64_t frame_bytes;                                    /* written, after compression */
    uint64_t sync_count;
    uint64_t failed_batches; /* answered with an error */
    uint64_t lost_batches;   /* ack WRITTEN or NONE, and then a disk failure */
    uint64_t refused_count;  /* submits answered QN_E_BUSY or refused while degraded */
    uint64_t suspect_segments;
    uint64_t recycled_segments;
    uint64_t ring_reads;                     /* batches given to readers from memory */
    uint64_t disk_reads;                     /* frames read back for them */
    struct qn_journal_histogram sync_us;     /* one fdatasync */
    struct qn_journal_histogram group_count; /* batches per fdatasync */
    struct qn_journal_histogram group_bytes;
};

struct qn_journal_health {
    int code;            /* 0, or why appends are refused */
    uint64_t since_us;   /* monotonic; of the last change */
    uint64_t n_failures; /* times it became degraded */
    char reason[128];    /* "sync 0000000000000003.qj: input/output error"; "" when healthy */
};

/* Life. */

/* 64 MiB segments, no limit on the whole, 64 MiB queue, 32 MiB ring, 8 MiB or 50 ms between syncs,
 * probes every 500 ms, 2 spares; system clock and file system; dir and simd are left to the caller.
 */
void qn_journal_options_default(struct qn_journal_options *opt);
/* Gives *out; `report` may be NULL. Starts the committer's thread. QN_E_BUSY when another process
 * has the directory, QN_E_CORRUPT, QN_E_FORMAT_VERSION, QN_E_IO, ... */
QN_MUST_CHECK int qn_journal_open(struct qn_journal **out, const struct qn_journal_options *opt,
                                  struct qn_journal_report *report, struct qn_err *err);
/* Refuses new batches (QN_E_SHUTDOWN), commits those that wait, calls their `done`, seals the
 * segment and frees. Readers must have been closed. NULL is fine. */
void qn_journal_close(struct qn_journal *j);
/* The hybrid clock of this journal, later than every record in it: the one clock of the node. */
struct qn_hlc *qn_journal_hlc(struct qn_journal *j);

/* Appending. */

/* Queues b (shares it until done) and returns 0: `done` (may be NULL) will be called exactly once,
 * for QN_ACK_NONE when the batch is durable or lost. Otherwise nothing was queued and done is not
 * called: QN_E_BUSY (a limit is reached: try later), QN_E_NO_SPACE or QN_E_IO (degraded),
 * QN_E_SHUTDOWN. A batch is submitted once; it may be submitted again after being refused. */
QN_MUST_CHECK int qn_journal_submit(struct qn_journal *j, struct qn_batch *b, enum qn_ack ack,
                                    qn_append_fn done, void *arg);
/* Submits and waits as `ack` says. *seq (may be NULL) is the position, 0 for QN_ACK_NONE. */
QN_MUST_CHECK int qn_journal_append(struct qn_journal *j, struct qn_batch *b, enum qn_ack ack,
                                    uint64_t *seq);
/* Waits until all that was queued before is durable or failed. 0, or the code while degraded. */
QN_MUST_CHECK int qn_journal_flush(struct qn_journal *j);

/* Positions and state. */

uint64_t qn_journal_first(struct qn_journal *j); /* the oldest that can still be read */
uint64_t qn_journal_end(struct qn_journal *j);   /* after the newest durable one */
/* Until end > seq: 0; QN_E_TIMEOUT at deadline_us (monotonic, 0 = none), QN_E_SHUTDOWN. */
QN_MUST_CHECK int qn_journal_wait(struct qn_journal *j, uint64_t seq, qn_usec deadline_us);
void qn_journal_stats(struct qn_journal *j, struct qn_journal_stats *out);
void qn_journal_health(struct qn_journal *j, struct qn_journal_health *out);
/* Drops the segments that hold only records below `below`, durably; the newest one always stays.
 * Readers that are inside a dropped segment may finish it. */
QN_MUST_CHECK int qn_journal_truncate(struct qn_journal *j, uint64_t below, struct qn_err *err);

/* Reading. One owner thread per reader. */

/* The first batch given is the one that holds `from` (it may begin earlier: skip its operations
 * below) or the first after it. QN_E_NOT_FOUND when `from` is below first. Gives *out. */
QN_MUST_CHECK int qn_journal_reader_open(struct qn_journal_reader **out, struct qn_journal *j,
                                         uint64_t from, struct qn_err *err);
/* The next durable batch: 0 and *out (shares: qn_batch_unref it); QN_END when there is none yet
 * (qn_journal_wait on qn_journal_reader_at, then ask again); QN_E_NOT_FOUND when it was truncated
 * meanwhile; QN_E_CORRUPT names file and offset, and stays. */
QN_MUST_CHECK int qn_journal_reader_next(struct qn_journal_reader *rd, struct qn_batch **out,
                                         struct qn_err *err);
uint64_t qn_journal_reader_at(const struct qn_journal_reader *rd); /* position of the next batch */
void qn_journal_reader_close(struct qn_journal_reader *rd);        /* NULL is fine */
/* Positions at which segments begin, oldest first, up to max: where to cut a parallel replay. */
size_t qn_journal_starts(struct qn_journal *j, uint64_t *starts, size_t max);

#endif
