/* A sink that keeps its bytes beside: in memory, and in an unnamed file when they become many.
 * One owner thread. */
#ifndef QN_SPLIT_SPOOL_H
#define QN_SPLIT_SPOOL_H

#include "base/buf.h"
#include "simd/ops.h"
#include "storage/sink.h"

struct qn_spool {
    struct qn_sink sink; /* first member */
    const struct qn_simd_ops *simd;
    const char *dir; /* NULL: memory only */
    uint64_t memory_bytes;
    struct qn_buf buf; /* what is not in the file yet */
    int fd;            /* -1: no file yet */
    uint32_t crc;      /* of all bytes */
};

void qn_spool_init(struct qn_spool *sp, const struct qn_simd_ops *simd, const char *dir,
                   uint64_t memory_bytes);
void qn_spool_release(struct qn_spool *sp);
/* Appends everything to `to`. */
QN_MUST_CHECK int qn_spool_copy(struct qn_spool *sp, struct qn_sink *to);

#endif
