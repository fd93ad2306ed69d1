/* Hash map from strings to 64-bit values or pointers: open addressing, linear probing, load <= 3/4.
 *
 * Keys are copied when the map was given an arena and borrowed otherwise. Insertion order is kept:
 * entries lie in one array in the order they were put (deletion leaves a hole), so iteration is
 * deterministic: for (e = NULL; (e = qn_map_next(&m, e)) != NULL;). One writer at a time. */
#ifndef QN_BASE_MAP_H
#define QN_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

struct qn_map_entry {
    struct qn_str key; /* .p == NULL: a hole */
    uint32_t hash;
    union {
        void *ptr;
        uint64_t u64;
    };
};

struct qn_map {
    struct qn_map_entry *entries; /* in insertion order */
    uint32_t n_entries, cap_entries;
    uint32_t *slots; /* entry index + 1; 0 = empty, UINT32_MAX = deleted */
    uint32_t n_slots;
    uint32_t count;
    struct qn_arena *keys; /* NULL: keys are borrowed */
};

void qn_map_init(struct qn_map *m, struct qn_arena *keys);
void qn_map_release(struct qn_map *m);
struct qn_map_entry *qn_map_find(const struct qn_map *m, struct qn_str key);
/* The entry of key, made (with value 0) if absent; *made says which. Valid until the next put. */
struct qn_map_entry *qn_map_put(struct qn_map *m, struct qn_str key, bool *made);
bool qn_map_remove(struct qn_map *m, struct qn_str key);
struct qn_map_entry *qn_map_next(const struct qn_map *m, const struct qn_map_entry *prev);
static inline void *qn_map_get_ptr(const struct qn_map *m, struct qn_str key)
{
    struct qn_map_entry *e = qn_map_find(m, key);
    return e ? e->ptr : NULL;
}

#endif
