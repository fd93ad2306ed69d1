/* A sink: where a writer appends the bytes of one object, front to back.
 *
 * Errors stick: after the first failure puts do nothing and qn_sink_failed tells the code, so that
 * section writers check once at their end. `at` is the offset of the next byte. One owner thread.
 */
#ifndef QN_STORAGE_SINK_H
#define QN_STORAGE_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct qn_sink {
    int (*write)(struct qn_sink *sk, const void *p, size_t n); /* 0 or QN_E_* */
    uint64_t at;
    int rc; /* first error, or 0 */
};

static inline void qn_sink_put(struct qn_sink *sk, const void *p, size_t n)
{
    if (sk->rc < 0 || n == 0)
        return;
    sk->rc = sk->write(sk, p, n);
    sk->at += n;
}
void qn_sink_align(struct qn_sink *sk, size_t align); /* zeros up to a multiple of align, <= 4096 */
static inline int qn_sink_failed(const struct qn_sink *sk)
{
    return sk->rc;
}

/* Appends to a buffer that the caller owns. */
struct qn_buf_sink {
    struct qn_sink sink;
    struct qn_buf *buf;
};
void qn_buf_sink_init(struct qn_buf_sink *bs, struct qn_buf *buf);

#endif
