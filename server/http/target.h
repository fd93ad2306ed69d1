/* The request target: raw bytes of the request line to decoded path segments and query arguments.
 *
 *     /api/v1//logs%2C-a%2Fb/search?q=a%3Ab+c&pretty
 *      └┬┘ └┬┘ └─────┬──────┘ └─┬──┘ └───┬───┘ └──┬──┘
 *      api  v1   "logs,-a/b"  search  q="a:b c"  pretty (bare)
 *
 * The path is split on raw '/' first and each segment is percent-decoded afterwards, so that an id
 * may contain a slash. Empty segments are dropped: double and trailing slashes do not matter. '+'
 * is a space in the query only. The absolute form ("http://host/path") loses its authority.
 * Refused with QN_E_INVALID and a position: control bytes, spaces, '#', a broken %xx, a decoded NUL
 * and text that is not UTF-8. Refused with QN_E_TOO_LARGE: more than QN_TARGET_SEGMENTS segments or
 * QN_TARGET_ARGS arguments. Everything lives in the arena or in `raw`. @thread any */
#ifndef QN_HTTP_TARGET_H
#define QN_HTTP_TARGET_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define QN_TARGET_SEGMENTS 32
#define QN_TARGET_ARGS 256

struct qn_query_arg {
    struct qn_str name;
    struct qn_str value;
    bool bare; /* "?pretty": no '=' was there */
};

struct qn_target {
    struct qn_str raw;   /* as it came */
    struct qn_str path;  /* raw, without query; starts with '/' (or is "*") */
    struct qn_str query; /* raw, without '?'; .p is NULL when there was no '?' */
    const struct qn_str *segments;
    size_t n_segments;
    const struct qn_query_arg *args; /* in the order they came, duplicates kept */
    size_t n_args;
};

/* Borrows raw; *out is valid as long as raw and ar are. QN_E_BUDGET when the arena is exhausted. */
QN_MUST_CHECK int qn_target_parse(struct qn_target *out, struct qn_str raw, struct qn_arena *ar,
                                  struct qn_err *err);

/* Percent-decodes s into the arena (or returns s itself when there is nothing to decode). */
QN_MUST_CHECK int qn_percent_decode(struct qn_str *out, struct qn_str s, bool plus_is_space,
                                    struct qn_arena *ar, struct qn_err *err);

#endif
