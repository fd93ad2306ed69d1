#include "storage/sink.h"

#include "base/assert.h"

void qn_sink_align(struct qn_sink *sk, size_t align)
{
    static const char zeros[4096];
    QN_ASSERT(align > 0 && align <= sizeof zeros);
    qn_sink_put(sk, zeros, (size_t)((align - sk->at % align) % align));
}

static int buf_write(struct qn_sink *sk, const void *p, size_t n)
{
    struct qn_buf_sink *bs = (struct qn_buf_sink *)sk;
    qn_buf_put(bs->buf, p, n);
    return bs->buf->failed ? QN_E_BUDGET : 0;
}

void qn_buf_sink_init(struct qn_buf_sink *bs, struct qn_buf *buf)
{
    *bs = (struct qn_buf_sink){.sink = {.write = buf_write, .at = buf->n}, .buf = buf};
}
