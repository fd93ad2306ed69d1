/* Growable byte buffer with a maximum set at birth.
 *
 * Writes past the maximum set `failed` and are dropped, so that a long encoder may check once at
 * its end. Numbers are little-endian. There are always QN_PAD readable bytes after `n`.
 * One owner thread. */
#ifndef QN_BASE_BUF_H
#define QN_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"

struct qn_buf {
    char *p;
    size_t n;
    size_t cap;
    size_t max; /* of n */
    bool failed;
};

void qn_buf_init(struct qn_buf *b, size_t max); /* SIZE_MAX: no limit */
void qn_buf_release(struct qn_buf *b);
static inline void qn_buf_clear(struct qn_buf *b)
{
    b->n = 0;
    b->failed = false;
}
bool qn_buf_grow(struct qn_buf *b, size_t more); /* slow path of qn_buf_reserve */
/* Room for `more` bytes after n; false (and failed) when that would pass the maximum. */
static inline bool qn_buf_reserve(struct qn_buf *b, size_t more)
{
    return QN_LIKELY(b->p != NULL && more <= b->cap - b->n) || qn_buf_grow(b, more);
}
static inline void qn_buf_put(struct qn_buf *b, const void *p, size_t n)
{
    if (n != 0 && qn_buf_reserve(b, n)) {
        memcpy(b->p + b->n, p, n);
        b->n += n;
    }
}
static inline void qn_buf_put_str(struct qn_buf *b, struct qn_str s)
{
    qn_buf_put(b, s.p, s.n);
}
static inline void qn_buf_put_z(struct qn_buf *b, const char *z)
{
    qn_buf_put(b, z, strlen(z));
}
static inline void qn_buf_put_u8(struct qn_buf *b, uint8_t v)
{
    if (qn_buf_reserve(b, 1))
        b->p[b->n++] = (char)v;
}
static inline void qn_buf_put_u16(struct qn_buf *b, uint16_t v)
{
    qn_buf_put(b, &v, sizeof v);
}
static inline void qn_buf_put_u32(struct qn_buf *b, uint32_t v)
{
    qn_buf_put(b, &v, sizeof v);
}
static inline void qn_buf_put_u64(struct qn_buf *b, uint64_t v)
{
    qn_buf_put(b, &v, sizeof v);
}
void qn_buf_put_varint(struct qn_buf *b, uint64_t v);
void qn_buf_fill(struct qn_buf *b, int byte, size_t n);
void qn_buf_align(struct qn_buf *b, size_t align); /* zero bytes up to a multiple of align */
void qn_buf_printf(struct qn_buf *b, const char *fmt, ...) QN_PRINTF(2, 3);
static inline struct qn_str qn_buf_str(const struct qn_buf *b)
{
    return (struct qn_str){b->p, b->n};
}
/* Gives the bytes (free() them; NUL-terminated) and leaves *b empty with the same maximum. */
char *qn_buf_take(struct qn_buf *b, size_t *n);

#endif
