/* Segments: the files of the journal.
 *
 *     <ordinal, 16 hex digits>.qj      head (128) │ frame │ frame │ ... │ whatever a recycled file
 *                                                                         held before
 * FORMAT of the head, version 1, little-endian:
 *
 *     OFFSET SIZE FIELD
 *          0    8 magic "QNJOURNL"
 *          8    4 CRC-32C of bytes [12, 128)
 *         12    2 format version
 *         14    2 zero
 *         16   16 id of the journal, the same in all its segments
 *         32    8 ordinal, from 1; never used twice
 *         40    8 ordinal of the segment before; 0: this is the journal's first
 *         48    8 prev_end: all records below it are in the segments before, and what those hold
 *                 from it on is void (they became suspect)
 *         56    8 base: sequence number of the first record here; [prev_end, base) never existed
 *         64    8 hybrid time when it was made: later than every record before it
 *         72    1 1: the segment before became suspect, its file must not be used again; else 0
 *         73   55 zero
 *
 * A file gets its .qj name only after its head was synced, so every named segment has one. Sealed
 * segments never change. Reference counts keep a file from being recycled under a reader. */
#ifndef QN_JOURNAL_SEGMENT_INT_H
#define QN_JOURNAL_SEGMENT_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "os/file.h"
#include "simd/ops.h"

#define QN_SEGMENT_VERSION 1
#define QN_SEGMENT_HEAD_BYTES 128u
#define QN_SEGMENT_NAME_BYTES 32

struct qn_segment_head {
    uint8_t id[16];
    uint64_t ordinal;
    uint64_t prev_ordinal;
    uint64_t prev_end;
    uint64_t base;
    uint64_t stamp;
    bool prev_suspect;
};

struct qn_segment {
    _Atomic uint32_t refs;
    struct qn_segment_head head;
    uint32_t salt;
    char name[QN_SEGMENT_NAME_BYTES];
    /* Guarded by the journal's lock until sealed. */
    uint64_t end;   /* after the last durable record */
    uint64_t bytes; /* of the file up to there; its whole size when that is not known */
    bool sealed;
    bool suspect; /* a write or sync of it failed */
};

struct qn_segment *qn__segment_new(const struct qn_segment_head *head,
                                   const struct qn_simd_ops *simd);
struct qn_segment *qn__segment_ref(struct qn_segment *sg);
void qn__segment_unref(struct qn_segment *sg); /* NULL is fine */

void qn__segment_head_put(char *p, const struct qn_segment_head *h, const struct qn_simd_ops *simd);
/* QN_E_CORRUPT or QN_E_FORMAT_VERSION with the reason. */
QN_MUST_CHECK int qn__segment_head_get(struct qn_segment_head *h, const char *p,
                                       const struct qn_simd_ops *simd, struct qn_err *err);
uint32_t qn__segment_salt(const uint8_t id[16], uint64_t ordinal, const struct qn_simd_ops *simd);

/* "0000000000000001.qj", "spare-0000000000000001.qj", "0000000000000001.tmp" */
void qn__segment_name(char out[QN_SEGMENT_NAME_BYTES], uint64_t ordinal);
void qn__spare_name(char out[QN_SEGMENT_NAME_BYTES], uint64_t ordinal);
void qn__tmp_name(char out[QN_SEGMENT_NAME_BYTES], uint64_t ordinal);
/* Whether `name` is prefix + 16 lower-case hex digits + suffix. */
bool qn__segment_parse(const char *name, const char *prefix, const char *suffix, uint64_t *ordinal);

#endif
