/* Which parts of a JSON value to keep, decided key by key while it is written or copied.
 *
 * Two kinds with one interface, both with includes and excludes (excludes win):
 *
 *   response  filter_path of the Elasticsearch API: dotted paths, each step a key; `*` matches any
 *             run inside one key, `**` any number of keys, `-path` excludes, `\.` is a dot in a
 * key. Arrays are transparent. A path keeps the whole subtree it names. source    `_source`
 * includes and excludes: a pattern is matched against the whole dotted path, so
 *             `*` crosses dots; a path keeps the whole subtree it names.
 *
 * A container is kept when something inside was kept, or when it was empty to begin with and itself
 * kept; array elements that end up empty disappear. With the source kind a container that is itself
 * included stays, even when excludes empty it. The root always stays.
 *
 * A filter is immutable: shared by threads, walked with a struct qn_json_filter_walk each.
 * Bounds: QN_JSON_FILTER_STEPS steps over all patterns, else QN_E_TOO_LARGE. */
#ifndef QN_JSON_FILTER_H
#define QN_JSON_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"

#define QN_JSON_FILTER_STEPS 1024

struct qn_json_filter;

/* A comma list as in the URL. An empty list gives NULL: no filter. Gives *out. */
QN_MUST_CHECK int qn_json_filter_paths(struct qn_json_filter **out, struct qn_str list,
                                       struct qn_err *err);
/* Gives *out; both lists empty: NULL. */
QN_MUST_CHECK int qn_json_filter_source(struct qn_json_filter **out, const struct qn_str *includes,
                                        size_t n_includes, const struct qn_str *excludes,
                                        size_t n_excludes, struct qn_err *err);
void qn_json_filter_free(struct qn_json_filter *f);

enum qn_json_keep {
    QN_JSON_DROP,  /* neither this value nor anything below it */
    QN_JSON_DIVE,  /* the value itself only if it is a container and something below is kept */
    QN_JSON_PRUNE, /* kept, but something below may be excluded */
    QN_JSON_KEEP,  /* kept whole */
};

/* Where a writer is in the key tree. Zero-initialise; release when done. */
struct qn_json_filter_walk {
    const struct qn_json_filter *f;
    QN_VEC(uint64_t) sets; /* response: per level the active steps, one bit each */
    QN_VEC(uint8_t) keep;  /* per level */
    QN_VEC(uint32_t) ends; /* source: length of the dotted path per level */
    struct qn_buf path;
};

void qn_json_filter_start(struct qn_json_filter_walk *fw, const struct qn_json_filter *f);
void qn_json_filter_walk_release(struct qn_json_filter_walk *fw);
/* The verdict on the member `key` of the object the walk is in; enters it. Each enter is undone by
 * a leave. Arrays are not entered. */
enum qn_json_keep qn_json_filter_enter(struct qn_json_filter_walk *fw, struct qn_str key);
void qn_json_filter_leave(struct qn_json_filter_walk *fw);
/* The verdict that holds where the walk stands. */
enum qn_json_keep qn_json_filter_here(const struct qn_json_filter_walk *fw);
/* True when a container that was kept stays even if all of it was excluded. */
bool qn_json_filter_keeps_emptied(const struct qn_json_filter_walk *fw);

#endif
