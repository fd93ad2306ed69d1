/* A file mapped read-only, with QN_PAD readable bytes after its end.
 *
 *     base ── file pages ──────────────┬─ zeros to the page's end ─┬─ anonymous page ─┐
 *     p[0 .. n)                        n                           (when n + QN_PAD needs it)
 *
 * The address range is reserved first and the file mapped over it, so the padding never faults. The
 * file must not shrink while mapped (a read past its end is SIGBUS): only immutable files are
 * mapped.
 * @thread any: a mapping is immutable. */
#ifndef QN_OS_MMAP_H
#define QN_OS_MMAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct qn_mmap {
    const uint8_t *p; /* never NULL when open, also for an empty file */
    size_t n;
    void *base;
    size_t base_bytes;
};

enum qn_mmap_advice { QN_MMAP_NORMAL, QN_MMAP_RANDOM, QN_MMAP_SEQUENTIAL, QN_MMAP_WILLNEED };

/* Maps the first n bytes of fd, which may be closed afterwards. QN_E_TRUNCATED when the file is
 * shorter. */
QN_MUST_CHECK int qn_mmap_open(struct qn_mmap *mm, int fd, size_t n);
void qn_mmap_close(struct qn_mmap *mm); /* closed or zeroed is fine */
/* A hint for [offset, offset+n); out-of-range parts are ignored. */
void qn_mmap_advise(const struct qn_mmap *mm, size_t offset, size_t n, enum qn_mmap_advice advice);

#endif
