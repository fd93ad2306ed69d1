#include "json/paths.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "json/reader.h"

void qn_json_paths_init(struct qn_json_paths *ps, uint32_t max_paths)
{
    QN_ASSERT(max_paths >= 1 && max_paths < 1u << 24);
    *ps = (struct qn_json_paths){.max_paths = max_paths};
    ps->n_slots = 16;
    while (ps->n_slots < 2 * max_paths)
        ps->n_slots *= 2;
    ps->p = qn_xcalloc(max_paths, sizeof *ps->p);
    ps->slots = qn_xcalloc(ps->n_slots, sizeof *ps->slots);
    ps->n = 1;
    qn_arena_init(&ps->keys, NULL);
}

void qn_json_paths_release(struct qn_json_paths *ps)
{
    if (ps->p == NULL)
        return;
    free(ps->p);
    free(ps->slots);
    qn_arena_release(&ps->keys);
    *ps = (struct qn_json_paths){0};
}

void qn_json_paths_reset(struct qn_json_paths *ps)
{
    memset(ps->p, 0, ps->n * sizeof *ps->p);
    memset(ps->slots, 0, ps->n_slots * sizeof *ps->slots);
    ps->n = 1;
    ps->full = false;
    ps->generation++;
    qn_arena_reset(&ps->keys);
}

/* The key as the text has it when nothing in it is escaped: with the quote and colon behind it. */
static void set_head(struct qn_json_path *e)
{
    bool plain = e->key.n + 2 <= QN_JSON_PATH_HEAD;
    for (size_t i = 0; i < e->key.n; i++) {
        unsigned char c = (unsigned char)e->key.p[i];
        plain = plain && c >= 0x20 && c != '"' && c != '\\';
        if (c >= 0x80)
            e->flags = QN_JSON_NON_ASCII;
    }
    if (!plain)
        return;
    if (e->key.n != 0)
        memcpy(e->head, e->key.p, e->key.n);
    e->head[e->key.n] = '"';
    e->head[e->key.n + 1] = ':';
    e->head_n = (uint32_t)e->key.n + 2;
    e->mask = e->head_n == 32 ? UINT32_MAX : (1u << e->head_n) - 1;
}

uint32_t qn_json_paths_put(struct qn_json_paths *ps, uint32_t parent, struct qn_str key)
{
    uint64_t hash = qn_hash_str(key) ^ qn_hash_u64(parent);
    uint32_t at = (uint32_t)hash & (ps->n_slots - 1);
    for (; ps->slots[at] != 0; at = (at + 1) & (ps->n_slots - 1)) {
        const struct qn_json_path *e = &ps->p[ps->slots[at]];
        if (e->hash == hash && e->parent == parent && qn_str_eq(e->key, key))
            return ps->slots[at];
    }
    if (key.n > QN_JSON_PATH_KEY_MAX)
        return QN_JSON_NO_PATH;
    if (ps->n == ps->max_paths) {
        ps->full = true;
        return QN_JSON_NO_PATH;
    }
    struct qn_json_path *e = &ps->p[ps->n];
    *e = (struct qn_json_path){.parent = parent, .hash = hash};
    e->key = qn_arena_str(&ps->keys, key);
    e->depth = (uint16_t)(ps->p[parent].depth + 1);
    set_head(e);
    ps->slots[at] = ps->n;
    return ps->n++;
}
