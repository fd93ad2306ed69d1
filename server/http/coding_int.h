/* Private to http/: content codings, streaming in both directions with bounded memory.
 *
 * An inflater holds at most its window: 32 KB for gzip and deflate, 8 MiB for zstd; frames that ask
 * for more are refused. One owner thread at a time. */
#ifndef QN_HTTP_CODING_INT_H
#define QN_HTTP_CODING_INT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum qn__coding { CODING_IDENTITY, CODING_GZIP, CODING_DEFLATE, CODING_ZSTD, CODING_UNKNOWN };

enum qn__coding qn__coding_parse(struct qn_str content_encoding);
const char *qn__coding_name(enum qn__coding coding);

struct qn__inflater {
    enum qn__coding coding;
    void *state;   /* z_stream or ZSTD_DStream */
    bool in_frame; /* between the first and the last byte of a member or frame */
    bool any;      /* something was read at all */
};

void qn__inflater_init(struct qn__inflater *inf, enum qn__coding coding);
void qn__inflater_release(struct qn__inflater *inf); /* twice is fine */
/* Takes from *in, gives at most cap bytes. 0 with *n < cap: all input was used. QN_E_INVALID for
 * bytes that are not what they claim to be. */
QN_MUST_CHECK int qn__inflate(struct qn__inflater *inf, struct qn_str *in, char *out, size_t cap,
                              size_t *n);
/* At the end of the input: QN_E_INVALID when the last member or frame is not complete. */
QN_MUST_CHECK int qn__inflater_end(const struct qn__inflater *inf);
size_t qn__inflater_bytes(const struct qn__inflater *inf); /* memory held */

struct qn__deflater {
    enum qn__coding coding; /* GZIP or ZSTD */
    void *state;
};

void qn__deflater_init(struct qn__deflater *def, enum qn__coding coding);
void qn__deflater_release(struct qn__deflater *def); /* twice is fine */
/* Compresses all of in and flushes, so that the receiver can read it; `last` ends the stream. */
void qn__deflate(struct qn__deflater *def, struct qn_str in, bool last, struct qn_buf *out);

#endif
