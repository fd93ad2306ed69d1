/* AWS signature, version 4: proves to an object store who sends a request, and that its method,
 * path, query and signed headers are the ones that were meant.
 *
 *     path ──qn_sigv4_path──► "/b/k%20x"  ┐
 *     params ─qn_sigv4_query► "a=1&b="    ├─► canonical request ─► SHA-256 ─► HMAC chain ─► header
 *     headers, payload hash ──────────────┘      day, region, service, "aws4_request"
 *
 * What is signed must be what is sent, byte for byte, and servers encode what they receive once
 * more before they compare. So a request is built from the canonical forms themselves: every byte
 * but A-Z a-z 0-9 - . _ ~ (and '/' in paths) is written %XX in upper case, parameters are sorted
 * and always have a '='. Header names are lower case; values lose white space at their ends.
 *
 * Nothing here keeps state. @thread any  @locks none */
#ifndef QN_STORAGE_SIGV4_H
#define QN_STORAGE_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct qn_sigv4_pair {
    struct qn_str name, value;
};

struct qn_sigv4_request {
    struct qn_str access_key, secret_key;
    struct qn_str region, service; /* "us-east-1", "s3" */
    struct qn_str method;
    struct qn_str path;         /* from qn_sigv4_path */
    struct qn_str query;        /* from qn_sigv4_query */
    struct qn_str payload_hash; /* QN_SIGV4_UNSIGNED or 64 hex digits */
    const char *date;           /* from qn_sigv4_date, also sent as x-amz-date */
    /* All that shall be signed, with host and x-amz-*; sorted here. Names in lower case. */
    struct qn_sigv4_pair *headers;
    size_t n_headers;
};

#define QN_SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define QN_SIGV4_DATE 17 /* "20261121T021500Z" and its NUL */
#define QN_SIGV4_HEX 65  /* a SHA-256 in hex and its NUL */

/* Appends raw bytes, encoded; `keep_slash` for paths. */
void qn_sigv4_encode(struct qn_buf *out, struct qn_str raw, int keep_slash);
static inline void qn_sigv4_path(struct qn_buf *out, struct qn_str raw)
{
    qn_sigv4_encode(out, raw, 1);
}
/* Appends the parameters (not yet encoded), sorted: reorders them. */
void qn_sigv4_query(struct qn_buf *out, struct qn_sigv4_pair *params, size_t n);
void qn_sigv4_date(char out[QN_SIGV4_DATE], int64_t unix_s);
void qn_sigv4_sha256(char out[QN_SIGV4_HEX], struct qn_str bytes);
/* Appends the value of the Authorization header: "AWS4-HMAC-SHA256 Credential=...". */
void qn_sigv4_sign(struct qn_buf *out, const struct qn_sigv4_request *rq);

#endif
