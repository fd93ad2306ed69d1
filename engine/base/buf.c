#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"

void qn_buf_init(struct qn_buf *b, size_t max)
{
    *b = (struct qn_buf){.max = max < SIZE_MAX - 4096 ? max : SIZE_MAX - 4096};
}

void qn_buf_release(struct qn_buf *b)
{
    free(b->p);
    qn_buf_init(b, b->max);
}

bool qn_buf_grow(struct qn_buf *b, size_t more)
{
    if (b->failed || more > b->max - b->n) {
        b->failed = true;
        return false;
    }
    size_t need = b->n + more;
    size_t cap = b->cap < 128 ? 128 : b->cap;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > b->max)
        cap = b->max;
    b->p = qn_xrealloc(b->p, cap + QN_PAD);
    memset(b->p + cap, 0, QN_PAD);
    b->cap = cap;
    return true;
}

void qn_buf_put_varint(struct qn_buf *b, uint64_t v)
{
    if (qn_buf_reserve(b, QN_VARINT_MAX)) {
        b->n += qn_varint_put((uint8_t *)b->p + b->n, v);
        return;
    }
    uint8_t tmp[QN_VARINT_MAX]; /* close to the maximum: the exact length may still fit */
    size_t n = qn_varint_put(tmp, v);
    b->failed = b->n + n > b->max;
    qn_buf_put(b, tmp, n);
}

void qn_buf_fill(struct qn_buf *b, int byte, size_t n)
{
    if (n != 0 && qn_buf_reserve(b, n)) {
        memset(b->p + b->n, byte, n);
        b->n += n;
    }
}

void qn_buf_align(struct qn_buf *b, size_t align)
{
    qn_buf_fill(b, 0, (align - b->n % align) % align);
}

void qn_buf_printf(struct qn_buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    /* The terminating NUL lands in the padding. */
    if (n > 0 && qn_buf_reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
}

char *qn_buf_take(struct qn_buf *b, size_t *n)
{
    if (b->p == NULL) {
        b->p = qn_xmalloc(QN_PAD);
        memset(b->p, 0, QN_PAD);
    }
    char *p = b->p;
    p[b->n] = '\0';
    *n = b->n;
    b->p = NULL;
    qn_buf_init(b, b->max);
    return p;
}
