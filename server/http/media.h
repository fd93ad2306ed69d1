/* Media types and content codings, as headers name them. All of it is case-blind and lenient about
 * white space. @thread any */
#ifndef QN_HTTP_MEDIA_H
#define QN_HTTP_MEDIA_H

#include <stdbool.h>

#include "base/str.h"

enum qn_media_kind {
    QN_MEDIA_NONE, /* header absent or empty */
    QN_MEDIA_JSON, /* application/json, application/vnd.elasticsearch+json */
    QN_MEDIA_NDJSON,
    QN_MEDIA_YAML,
    QN_MEDIA_TOML,
    QN_MEDIA_PROTOBUF,
    QN_MEDIA_FORM, /* application/x-www-form-urlencoded, multipart/form-data */
    QN_MEDIA_TEXT, /* text/plain and other text/..., but not text/yaml */
    QN_MEDIA_OTHER,
};

struct qn_media {
    enum qn_media_kind kind;
    bool vendor;    /* application/vnd.elasticsearch+... */
    int compatible; /* compatible-with=N, or 0 */
};

struct qn_media qn_media_parse(struct qn_str header);
/* The media type of an elastic answer to this Accept header: the vendor type when exactly that was
 * asked for ("application/vnd.elasticsearch+json;compatible-with=8"), else "application/json". */
const char *qn_media_negotiate(struct qn_str accept);

/* Quality of a coding ("gzip", "zstd") in an Accept-Encoding header, 0..1000; 0: do not use. */
int qn_accept_quality(struct qn_str header, const char *coding);

#endif
