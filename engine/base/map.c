#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define DELETED UINT32_MAX

void qn_map_init(struct qn_map *m, struct qn_arena *keys)
{
    *m = (struct qn_map){.keys = keys};
}

void qn_map_release(struct qn_map *m)
{
    free(m->entries);
    free(m->slots);
    qn_map_init(m, m->keys);
}

/* The slot that holds key, or UINT32_MAX. */
static uint32_t find_slot(const struct qn_map *m, struct qn_str key, uint32_t hash)
{
    if (m->n_slots == 0)
        return UINT32_MAX;
    uint32_t mask = m->n_slots - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        uint32_t s = m->slots[i];
        if (s == 0)
            return UINT32_MAX;
        if (s != DELETED && m->entries[s - 1].hash == hash && qn_str_eq(m->entries[s - 1].key, key))
            return i;
    }
}

struct qn_map_entry *qn_map_find(const struct qn_map *m, struct qn_str key)
{
    uint32_t slot = find_slot(m, key, (uint32_t)qn_hash_str(key));
    return slot == UINT32_MAX ? NULL : &m->entries[m->slots[slot] - 1];
}

static void insert_slot(struct qn_map *m, uint32_t hash, uint32_t entry)
{
    uint32_t mask = m->n_slots - 1;
    uint32_t i = hash & mask;
    while (m->slots[i] != 0)
        i = (i + 1) & mask;
    m->slots[i] = entry + 1;
}

/* Closes the holes and sizes the table for one more entry. */
static void rebuild(struct qn_map *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_entries; i++)
        if (m->entries[i].key.p != NULL)
            m->entries[n++] = m->entries[i];
    m->n_entries = n;
    uint32_t slots = 16;
    while (slots / 4 * 3 < n + 1)
        slots *= 2;
    /* Room to double before the next rebuild, holes included. */
    slots *= 2;
    free(m->slots);
    m->slots = qn_xcalloc(slots, sizeof *m->slots);
    m->n_slots = slots;
    m->cap_entries = slots / 4 * 3;
    m->entries = qn_xrealloc(m->entries, m->cap_entries * sizeof *m->entries);
    for (uint32_t i = 0; i < n; i++)
        insert_slot(m, m->entries[i].hash, i);
}

struct qn_map_entry *qn_map_put(struct qn_map *m, struct qn_str key, bool *made)
{
    uint32_t hash = (uint32_t)qn_hash_str(key);
    uint32_t slot = find_slot(m, key, hash);
    bool is_new = slot == UINT32_MAX;
    if (made != NULL)
        *made = is_new;
    if (!is_new)
        return &m->entries[m->slots[slot] - 1];
    if (m->n_entries == m->cap_entries)
        rebuild(m);
    struct qn_str stored = key;
    if (m->keys != NULL)
        stored = qn_arena_str(m->keys, key);
    if (stored.p == NULL) {
        QN_ASSERT(m->keys == NULL || key.p == NULL); /* map keys live in unbudgeted arenas */
        stored.p = "";
    }
    m->entries[m->n_entries] = (struct qn_map_entry){.key = stored, .hash = hash};
    insert_slot(m, hash, m->n_entries);
    m->count++;
    return &m->entries[m->n_entries++];
}

bool qn_map_remove(struct qn_map *m, struct qn_str key)
{
    uint32_t slot = find_slot(m, key, (uint32_t)qn_hash_str(key));
    if (slot == UINT32_MAX)
        return false;
    m->entries[m->slots[slot] - 1].key = QN_STR_NONE;
    m->slots[slot] = DELETED;
    m->count--;
    return true;
}

struct qn_map_entry *qn_map_next(const struct qn_map *m, const struct qn_map_entry *prev)
{
    uint32_t i = prev ? (uint32_t)(prev - m->entries) + 1 : 0;
    while (i < m->n_entries && m->entries[i].key.p == NULL)
        i++;
    return i < m->n_entries ? &m->entries[i] : NULL;
}
