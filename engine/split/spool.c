#include "split/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SPOOL_COPY = 1 << 20 };

static int write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return qn_err_from_errno(errno);
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static int spill(struct qn_spool *sp)
{
    if (sp->fd < 0) {
        sp->fd = open(sp->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (sp->fd < 0)
            return qn_err_from_errno(errno);
    }
    int rc = write_all(sp->fd, sp->buf.p, sp->buf.n);
    qn_buf_clear(&sp->buf);
    return rc;
}

static int spool_write(struct qn_sink *sk, const void *p, size_t n)
{
    struct qn_spool *sp = (struct qn_spool *)sk;
    sp->crc = sp->simd->crc32c(sp->crc, p, n);
    qn_buf_put(&sp->buf, p, n);
    return sp->dir != NULL && sp->buf.n >= sp->memory_bytes ? spill(sp) : 0;
}

void qn_spool_init(struct qn_spool *sp, const struct qn_simd_ops *simd, const char *dir,
                   uint64_t memory_bytes)
{
    *sp = (struct qn_spool){.sink = {.write = spool_write},
                            .simd = simd,
                            .dir = dir,
                            .memory_bytes = memory_bytes,
                            .fd = -1};
    qn_buf_init(&sp->buf, SIZE_MAX);
}

void qn_spool_release(struct qn_spool *sp)
{
    if (sp->fd >= 0)
        close(sp->fd);
    sp->fd = -1;
    qn_buf_release(&sp->buf);
}

static int copy_file(struct qn_spool *sp, struct qn_sink *to)
{
    char *room = qn_xmalloc(SPOOL_COPY);
    off_t at = 0;
    int rc = 0;
    while (rc == 0) {
        ssize_t n = pread(sp->fd, room, SPOOL_COPY, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = qn_err_from_errno(errno);
        if (n <= 0)
            break;
        qn_sink_put(to, room, (size_t)n);
        rc = qn_sink_failed(to);
        at += n;
    }
    free(room);
    return rc;
}

int qn_spool_copy(struct qn_spool *sp, struct qn_sink *to)
{
    int rc = qn_sink_failed(&sp->sink);
    if (rc == 0 && sp->fd >= 0)
        rc = copy_file(sp, to);
    if (rc < 0)
        return rc;
    qn_sink_put(to, sp->buf.p, sp->buf.n);
    return qn_sink_failed(to);
}
