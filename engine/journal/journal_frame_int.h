/* Frames: how batches lie in a segment file. Each frame is one compressed block (codec/block.h) of
 * whole records: LZ4, or the records as they are when they do not shrink.
 *
 * FORMAT, version 1 (the segment's head has the version), little-endian. A frame begins at a
 * multiple of 64 and is padded with zeros to one:
 *
 *     OFFSET SIZE FIELD
 *          0    4 magic "QJF1"
 *          4    4 CRC-32C of bytes [8, 64), continuing the segment's salt
 *          8    8 first_seq
 *         16    8 durable: every record below it had been synced when this frame was written
 *         24    8 stamp of the last record
 *         32    4 n_ops: sequence numbers [first_seq, first_seq + n_ops)
 *         36    4 n_records
 *         40    4 bytes of the payload
 *         44    4 bytes of the records in it
 *         48    4 CRC-32C of the payload
 *         52    1 kind: 1 records; 2 gap: these numbers were lost and given up by a repair;
 *                 3 end: written by a clean close, no payload, no numbers; 4 one record, compressed
 *                 by its appender
 *         53   11 zero
 *         64    . payload of kind 1: a compressed block of all records
 *                 of kind 4: the record's head of 64 bytes, a compressed block of the rest
 *
 * The salt is the CRC-32C of the journal's id and the segment's number. It makes frames of another
 * segment, and those that a recycled file still holds from an earlier life, invalid.
 *
 * `durable` is what tells a torn tail from damage: a place that does not hold the expected frame is
 * a torn tail, unless a valid head after it says that the place had been synced. */
#ifndef QN_JOURNAL_FRAME_INT_H
#define QN_JOURNAL_FRAME_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "codec/block.h"
#include "journal/record.h"
#include "os/file.h"
#include "simd/ops.h"

#define QN_FRAME_HEAD_BYTES 64u
#define QN_FRAME_ALIGN 64u
#define QN_FRAME_BYTES (1u << 20) /* of records; a longer record gets a frame of its own */
/* Records from this size on are compressed by the thread that submits them: in parallel, and while
 * the committer waits for the disk. Shorter ones shrink better together. */
#define QN_FRAME_PACK_BYTES (16u << 10)
#define QN_FRAME_MAX (QN_RECORD_MAX + QN_FRAME_BYTES)

enum qn_frame_kind {
    QN_FRAME_RECORDS = 1,
    QN_FRAME_GAP = 2,
    QN_FRAME_END = 3,
    QN_FRAME_ONE = 4,
};

struct qn_frame_head {
    uint64_t first_seq;
    uint64_t durable;
    uint64_t stamp;
    uint32_t n_ops;
    uint32_t n_records;
    uint32_t stored_bytes;
    uint32_t raw_bytes;
    uint32_t crc;
    enum qn_frame_kind kind;
};

static inline uint64_t qn__frame_end(const struct qn_frame_head *h)
{
    return h->first_seq + h->n_ops;
}
static inline uint64_t qn__frame_span(const struct qn_frame_head *h)
{
    uint64_t n = (uint64_t)QN_FRAME_HEAD_BYTES + h->stored_bytes;
    return (n + QN_FRAME_ALIGN - 1) / QN_FRAME_ALIGN * QN_FRAME_ALIGN;
}

void qn__frame_head_put(char *p, const struct qn_frame_head *h, uint32_t salt,
                        const struct qn_simd_ops *simd);
/* False when p holds no valid head: checksum, limits, and what each kind may say. */
bool qn__frame_head_get(struct qn_frame_head *h, const char *p, uint32_t salt,
                        const struct qn_simd_ops *simd);

/* Encodes `raw` into *out (cleared): head, payload, padding. Fills in the payload's fields of *h.
 */
void qn__frame_encode(struct qn_buf *out, struct qn_frame_head *h, struct qn_str raw, uint32_t salt,
                      struct qn_coder *co, const struct qn_simd_ops *simd);

/* The same for kind ONE: `packed` is the block of what follows the record's head. */
void qn__frame_encode_one(struct qn_buf *out, struct qn_frame_head *h, struct qn_str record,
                          struct qn_str packed, uint32_t salt, const struct qn_simd_ops *simd);
static inline bool qn__frame_has_records(const struct qn_frame_head *h)
{
    return h->kind == QN_FRAME_RECORDS || h->kind == QN_FRAME_ONE;
}

/* Records of one frame in memory, shared by the batches that point into it. */
struct qn_frame_block {
    _Atomic uint32_t refs;
    uint32_t n;
    char *p; /* QN_PAD bytes follow */
};
struct qn_frame_block *qn__block_ref(struct qn_frame_block *bl);
void qn__block_unref(struct qn_frame_block *bl); /* NULL is fine */

/* Decompresses and checks a stored payload. Gives *out. QN_E_CORRUPT. */
QN_MUST_CHECK int qn__frame_decode(struct qn_frame_block **out, const struct qn_frame_head *h,
                                   const char *stored, struct qn_coder *co,
                                   const struct qn_simd_ops *simd, struct qn_err *err);

/* Frames of one file, front to back. */
struct qn_frame_scan {
    struct qn_fs *fs;
    int fd;
    const struct qn_simd_ops *simd;
    uint32_t salt;
    uint64_t at;    /* offset of the next frame */
    uint64_t limit; /* bytes of the file that may be read */
    uint64_t seq;   /* the next frame's first_seq must be this */
    struct qn_buf stored;
};

void qn__scan_init(struct qn_frame_scan *sc, struct qn_fs *fs, int fd,
                   const struct qn_simd_ops *simd);
void qn__scan_release(struct qn_frame_scan *sc); /* does not close fd */
/* The head at sc->at: 1; 0 when there is no valid one that goes on at sc->seq and fits; QN_E_IO.
 * Does not move. */
QN_MUST_CHECK int qn__scan_head(struct qn_frame_scan *sc, struct qn_frame_head *h);
/* Reads the payload of the frame at sc->at into sc->stored: 1, or 0 when its checksum is wrong. */
QN_MUST_CHECK int qn__scan_payload(struct qn_frame_scan *sc, const struct qn_frame_head *h);
static inline void qn__scan_step(struct qn_frame_scan *sc, const struct qn_frame_head *h)
{
    sc->at += qn__frame_span(h);
    sc->seq = qn__frame_end(h);
}
/* Looks at every aligned place in [from, limit) for valid heads, whatever their sequence, and calls
 * fn for each; fn returns false to stop. */
QN_MUST_CHECK int qn__scan_search(struct qn_frame_scan *sc, uint64_t from,
                                  bool (*fn)(void *arg, uint64_t at, const struct qn_frame_head *h),
                                  void *arg);

#endif
