/* Key paths: a small number for every distinct path of object keys a stream of documents has.
 *
 *     {"a": {"b": 1}, "c": [{"b": 2}]}      0 ─ "a" ─► 1 ─ "b" ─► 2
 *                                             └ "c" ─► 3 ─ "b" ─► 4      arrays are transparent
 *
 * Log documents repeat the same keys in the same order. Every path remembers which path came after
 * it last time, so that the reader confirms a key with one vector compare instead of scanning and
 * hashing it, and whoever walks the document indexes a table with the number instead of looking a
 * name up. The numbers are dense and live until the table is reset.
 *
 * Bounds: at most `max_paths` paths of keys up to QN_JSON_PATH_KEY_MAX bytes; what does not fit is
 * QN_JSON_NO_PATH and costs its user a lookup by name. A full table is reset when the next document
 * starts: `generation` changes, and caches indexed by path must be dropped.
 *
 * One owner thread. Not a set of all keys ever seen: it forgets. */
#ifndef QN_JSON_PATHS_H
#define QN_JSON_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define QN_JSON_NO_PATH UINT32_MAX
#define QN_JSON_ROOT_PATH 0u
#define QN_JSON_PATH_HEAD 32 /* bytes compared at once: key, closing quote, colon */
#define QN_JSON_PATH_KEY_MAX 512

struct qn_json_path {
    char head[QN_JSON_PATH_HEAD]; /* key":  as it stands in the text; the rest is zero */
    uint32_t mask;                /* a bit for each byte of head that counts; 0: key too long */
    uint32_t head_n;              /* bits in mask */
    uint32_t next, next2;         /* sibling paths that followed lately; 0: none */
    uint32_t first, first2;       /* child paths that came first lately; 0: none */
    uint32_t parent;
    uint16_t depth; /* the root's is 0 */
    uint8_t flags;  /* QN_JSON_NON_ASCII or 0 */
    struct qn_str key;
    uint64_t hash;
};

struct qn_json_paths {
    struct qn_json_path *p; /* [0] is the root */
    uint32_t n, max_paths;
    uint32_t *slots; /* path; 0 = empty */
    uint32_t n_slots;
    uint32_t generation;
    bool full;
    struct qn_arena keys;
};

void qn_json_paths_init(struct qn_json_paths *ps, uint32_t max_paths);
void qn_json_paths_release(struct qn_json_paths *ps);
void qn_json_paths_reset(struct qn_json_paths *ps);
/* The number of `key` below `parent`, made if new; QN_JSON_NO_PATH when it does not fit. */
uint32_t qn_json_paths_put(struct qn_json_paths *ps, uint32_t parent, struct qn_str key);
static inline struct qn_str qn_json_paths_key(const struct qn_json_paths *ps, uint32_t path)
{
    return ps->p[path].key;
}
static inline uint32_t qn_json_paths_parent(const struct qn_json_paths *ps, uint32_t path)
{
    return ps->p[path].parent;
}

#endif
