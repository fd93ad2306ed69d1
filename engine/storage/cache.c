#include "storage/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/hash.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/vec.h"
#include "os/thread.h"

#define MAX_FETCH (8ull << 20)
#define DISK_FILE "blocks"

enum list { PROBATION, PROTECTED, LISTS };

/* A block in RAM; in the map and a list while the cache keeps it, which is one reference. */
struct block {
    struct block *newer, *older;
    _Atomic uint32_t refs;
    enum list list;
    bool read;      /* by somebody, not only fetched ahead */
    bool deserving; /* was protected once */
    size_t n;
    uint8_t *p;        /* with padding */
    struct qn_str key; /* the index of the block, then the object's name; heap */
};

struct lru {
    struct block *newest, *oldest;
    uint64_t bytes;
};

/* A block on disk. */
struct slot {
    struct slot *newer, *older; /* `older` also links the free ones */
    uint64_t at;                /* slot number */
    uint64_t hash;
    size_t n;
    struct qn_str key; /* heap */
};

struct qn_cache {
    struct qn_cache_options opt;
    char *path; /* of the file; NULL: no disk */
    int fd;
    _Atomic uint32_t refs;
    struct qn_cache_stats stats;
    struct qn_mutex lock; /* all below */
    struct qn_map blocks, slots_by_key;
    struct lru lists[LISTS];
    struct slot *newest, *oldest, *free_slots;
    uint64_t n_slots, max_slots;
};

struct cached_object {
    struct qn_object ob; /* first member */
    struct qn_cache *ca;
    struct qn_object *inner;
};

/* Relaxed: numbers for display. */
static void count(_Atomic uint64_t *counter, uint64_t v)
{
    atomic_fetch_add_explicit(counter, v, memory_order_relaxed);
}

static void block_drop(void *hold)
{
    struct block *b = hold;
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    free((char *)b->key.p);
    free(b->p);
    free(b);
}

static struct block *block_ref(struct block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed); /* the caller sees one */
    return b;
}

static struct qn_str make_key(struct qn_str name, uint64_t index)
{
    char *p = qn_xmalloc(sizeof index + name.n);
    memcpy(p, &index, sizeof index);
    memcpy(p + sizeof index, name.p, name.n);
    return (struct qn_str){p, sizeof index + name.n};
}

/* --- lists --- */

static void unlink_block(struct qn_cache *ca, struct block *b)
{
    struct lru *l = &ca->lists[b->list];
    *(b->newer != NULL ? &b->newer->older : &l->newest) = b->older;
    *(b->older != NULL ? &b->older->newer : &l->oldest) = b->newer;
    l->bytes -= b->n;
}

static void link_block(struct qn_cache *ca, struct block *b, enum list list)
{
    struct lru *l = &ca->lists[list];
    b->list = list;
    b->newer = NULL;
    b->older = l->newest;
    *(l->newest != NULL ? &l->newest->newer : &l->oldest) = b;
    l->newest = b;
    l->bytes += b->n;
}

static void unlink_slot(struct qn_cache *ca, struct slot *s)
{
    *(s->newer != NULL ? &s->newer->older : &ca->newest) = s->older;
    *(s->older != NULL ? &s->older->newer : &ca->oldest) = s->newer;
}

static void link_slot(struct qn_cache *ca, struct slot *s)
{
    s->newer = NULL;
    s->older = ca->newest;
    *(ca->newest != NULL ? &ca->newest->newer : &ca->oldest) = s;
    ca->newest = s;
}

/* A block was read: again means protected, and the oldest of the protected make room. */
static void touch(struct qn_cache *ca, struct block *b)
{
    enum list to = b->read ? PROTECTED : b->list;
    b->read = true;
    b->deserving |= to == PROTECTED;
    unlink_block(ca, b);
    link_block(ca, b, to);
    while (ca->lists[PROTECTED].bytes > ca->opt.ram_bytes / 4 * 3) {
        struct block *old = ca->lists[PROTECTED].oldest;
        unlink_block(ca, old);
        link_block(ca, old, PROBATION);
    }
}

/* --- disk --- */

static uint64_t slot_hash(struct qn_str key, const void *p, size_t n)
{
    return qn_hash(p, n) ^ qn_hash_u64(qn_hash_str(key));
}

static void free_slot(struct qn_cache *ca, struct slot *s)
{
    free((char *)s->key.p);
    s->key = QN_STR_NONE;
    s->older = ca->free_slots;
    ca->free_slots = s;
}

static void forget_slot(struct qn_cache *ca, struct slot *s)
{
    qn_map_remove(&ca->slots_by_key, s->key);
    unlink_slot(ca, s);
    count(&ca->stats.disk_bytes, -(uint64_t)s->n);
}

/* A slot that nobody else uses. @locks held:CACHE */
static struct slot *take_slot(struct qn_cache *ca)
{
    struct slot *s = ca->free_slots;
    if (s != NULL) {
        ca->free_slots = s->older;
        return s;
    }
    if (ca->n_slots < ca->max_slots) {
        s = qn_xcalloc(1, sizeof *s);
        s->at = ca->n_slots++;
        return s;
    }
    s = ca->oldest;
    if (s != NULL) {
        forget_slot(ca, s);
        free((char *)s->key.p);
        s->key = QN_STR_NONE;
    }
    return s; /* NULL: all are being written */
}

static void write_to_disk(struct qn_cache *ca, const struct block *b)
{
    qn_mutex_lock(&ca->lock);
    bool there = qn_map_find(&ca->slots_by_key, b->key) != NULL;
    struct slot *s = there ? NULL : take_slot(ca);
    qn_mutex_unlock(&ca->lock);
    if (s == NULL)
        return;
    int rc = qn_fs_write(ca->opt.fs, ca->fd, b->p, b->n, s->at * ca->opt.block_bytes);
    s->n = b->n;
    s->hash = slot_hash(b->key, b->p, b->n);
    s->key = (struct qn_str){qn_xstrndup(b->key.p, b->key.n), b->key.n};
    count(rc < 0 ? &ca->stats.disk_errors : &ca->stats.disk_writes, 1);
    qn_mutex_lock(&ca->lock);
    if (rc < 0 || qn_map_find(&ca->slots_by_key, s->key) != NULL) {
        free_slot(ca, s);
    } else {
        bool made;
        qn_map_put(&ca->slots_by_key, s->key, &made)->ptr = s;
        link_slot(ca, s);
        count(&ca->stats.disk_bytes, s->n);
    }
    qn_mutex_unlock(&ca->lock);
}

/* The block from the disk, or NULL. The slot may be given to another while it is read: the hash,
 * which has the key in it, tells. */
static struct block *read_from_disk(struct qn_cache *ca, struct qn_str key)
{
    struct slot seen;
    if (ca->path == NULL)
        return NULL;
    qn_mutex_lock(&ca->lock);
    struct slot *s = qn_map_get_ptr(&ca->slots_by_key, key);
    if (s != NULL) {
        unlink_slot(ca, s);
        link_slot(ca, s);
        seen = *s;
    }
    qn_mutex_unlock(&ca->lock);
    if (s == NULL)
        return NULL;
    struct block *b = qn_xcalloc(1, sizeof *b);
    atomic_init(&b->refs, 1);
    b->p = qn_xaligned(seen.n);
    b->n = seen.n;
    b->key = (struct qn_str){qn_xstrndup(key.p, key.n), key.n};
    b->deserving = true;
    int rc = qn_fs_read(ca->opt.fs, ca->fd, b->p, b->n, seen.at * ca->opt.block_bytes);
    if (rc == QN_OK && slot_hash(key, b->p, b->n) == seen.hash)
        return b;
    block_drop(b);
    count(&ca->stats.disk_errors, 1);
    qn_mutex_lock(&ca->lock);
    s = qn_map_get_ptr(&ca->slots_by_key, key);
    if (s != NULL && s->at == seen.at) {
        forget_slot(ca, s);
        free_slot(ca, s);
    }
    qn_mutex_unlock(&ca->lock);
    return NULL;
}

/* --- RAM --- */

/* Takes b; gives the block of that key that the cache now has. Those that leave go to the disk. */
static struct block *insert(struct qn_cache *ca, struct block *b, bool read)
{
    struct block *gone = NULL;
    bool made;
    qn_mutex_lock(&ca->lock);
    struct qn_map_entry *e = qn_map_put(&ca->blocks, b->key, &made);
    if (!made) { /* another reader was faster */
        struct block *there = block_ref(e->ptr);
        qn_mutex_unlock(&ca->lock);
        block_drop(b);
        return there;
    }
    e->ptr = block_ref(b);
    b->read = read;
    link_block(ca, b, PROBATION);
    while (ca->lists[PROBATION].bytes + ca->lists[PROTECTED].bytes > ca->opt.ram_bytes) {
        struct block *old = ca->lists[PROBATION].oldest;
        if (old == NULL)
            old = ca->lists[PROTECTED].oldest;
        unlink_block(ca, old);
        qn_map_remove(&ca->blocks, old->key);
        old->older = gone;
        gone = old;
    }
    atomic_store_explicit(&ca->stats.ram_bytes,
                          ca->lists[PROBATION].bytes + ca->lists[PROTECTED].bytes,
                          memory_order_relaxed);
    qn_mutex_unlock(&ca->lock);
    while (gone != NULL) {
        struct block *next = gone->older;
        if (gone->deserving && ca->path != NULL)
            write_to_disk(ca, gone);
        count(&ca->stats.evictions, 1);
        block_drop(gone);
        gone = next;
    }
    return b;
}

/* A reference to the block, from RAM or disk, or NULL. */
static struct block *find(struct qn_cache *ca, struct qn_str name, uint64_t index, bool read)
{
    struct qn_str key = make_key(name, index);
    qn_mutex_lock(&ca->lock);
    struct block *b = qn_map_get_ptr(&ca->blocks, key);
    if (b != NULL) {
        block_ref(b);
        if (read)
            touch(ca, b);
    }
    qn_mutex_unlock(&ca->lock);
    if (b != NULL) {
        count(&ca->stats.ram_hits, read);
    } else if ((b = read_from_disk(ca, key)) != NULL) {
        count(&ca->stats.disk_hits, read);
        b = insert(ca, b, read);
    } else {
        count(&ca->stats.misses, 1);
    }
    free((char *)key.p);
    return b;
}

/* --- fetching --- */

static uint64_t block_start(const struct cached_object *co, uint64_t index)
{
    uint64_t at = index * co->ca->opt.block_bytes;
    return at < co->ob.size_bytes ? at : co->ob.size_bytes;
}

/* Reads the blocks [first, end) of the inner object; out, of as many, gets a reference where it has
 * none yet. */
static int fetch_run(struct cached_object *co, uint64_t first, uint64_t end, struct block **out,
                     bool read, struct qn_err *err)
{
    struct qn_cache *ca = co->ca;
    struct qn_slice sl;
    uint64_t from = block_start(co, first), n = block_start(co, end) - from;
    int rc = qn_object_read(co->inner, from, (size_t)n, &sl, err);
    if (rc < 0)
        return rc;
    count(&ca->stats.fetches, 1);
    count(&ca->stats.fetched_bytes, n);
    for (uint64_t i = first; i < end; i++) {
        if (out[i - first] != NULL)
            continue;
        struct block *b = qn_xcalloc(1, sizeof *b);
        atomic_init(&b->refs, 1);
        b->n = (size_t)(block_start(co, i + 1) - block_start(co, i));
        b->p = qn_xaligned(b->n);
        memcpy(b->p, sl.p + (block_start(co, i) - from), b->n);
        b->key = make_key(co->ob.name, i);
        out[i - first] = insert(ca, b, read);
    }
    qn_slice_release(&sl);
    return QN_OK;
}

/* The next run of missing blocks from *at on, gaps that are not worth a GET included; false: none
 * is left. blocks[i] is block i + base. */
static bool next_run(const struct qn_cache *ca, struct block **blocks, size_t n, size_t *at,
                     size_t *first, size_t *end)
{
    size_t i = *at, gap = ca->opt.coalesce_bytes / ca->opt.block_bytes;
    while (i < n && blocks[i] != NULL)
        i++;
    if (i == n)
        return false;
    *first = i;
    *end = i + 1;
    for (i++; i < n && i - *end <= gap && (i + 1 - *first) * ca->opt.block_bytes <= MAX_FETCH; i++)
        if (blocks[i] == NULL)
            *end = i + 1;
    *at = *end;
    return true;
}

/* Fills the NULLs of blocks with what is fetched. */
static int fetch_missing(struct cached_object *co, uint64_t base, struct block **blocks, size_t n,
                         bool read, struct qn_err *err)
{
    QN_VEC(struct qn_range) runs = {0};
    size_t at = 0, first, end;
    while (next_run(co->ca, blocks, n, &at, &first, &end)) {
        uint64_t from = block_start(co, base + first);
        struct qn_range r = {from, block_start(co, base + end) - from};
        qn_vec_push(&runs, r);
    }
    if (runs.n > 1)
        qn_object_prefetch(co->inner, runs.p, runs.n);
    qn_vec_release(&runs);
    int rc = QN_OK;
    at = 0;
    while (rc == QN_OK && next_run(co->ca, blocks, n, &at, &first, &end))
        rc = fetch_run(co, base + first, base + end, blocks + first, read, err);
    return rc;
}

/* --- the object --- */

static int object_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                       struct qn_err *err)
{
    struct cached_object *co = (struct cached_object *)ob;
    struct qn_cache *ca = co->ca;
    count(&ca->stats.served_bytes, n);
    if (n == 0 || n > ca->opt.ram_bytes / 4) {
        count(&ca->stats.fetches, n != 0);
        count(&ca->stats.fetched_bytes, n);
        return qn_object_read(co->inner, offset, n, out, err);
    }
    uint64_t base = offset / ca->opt.block_bytes;
    size_t m = (size_t)((offset + n - 1) / ca->opt.block_bytes - base) + 1;
    struct block *few[8] = {0}, **blocks = m <= 8 ? few : qn_xcalloc(m, sizeof *blocks);
    for (size_t i = 0; i < m; i++)
        blocks[i] = find(ca, ob->name, base + i, true);
    int rc = fetch_missing(co, base, blocks, m, true, err);
    size_t skip = (size_t)(offset - base * ca->opt.block_bytes);
    if (rc == QN_OK && m == 1) {
        *out = (struct qn_slice){
            .p = blocks[0]->p + skip, .n = n, .hold = block_ref(blocks[0]), .drop = block_drop};
    } else if (rc == QN_OK) {
        uint8_t *p = qn_xaligned(n);
        for (size_t i = 0, done = 0; i < m; i++, skip = 0) {
            size_t part = blocks[i]->n - skip < n - done ? blocks[i]->n - skip : n - done;
            memcpy(p + done, blocks[i]->p + skip, part);
            done += part;
        }
        *out = (struct qn_slice){.p = p, .n = n, .hold = p, .drop = free};
    }
    for (size_t i = 0; i < m; i++)
        if (blocks[i] != NULL)
            block_drop(blocks[i]);
    if (blocks != few)
        free(blocks);
    return rc;
}

/* Fetches what is missing of all ranges together. Ranges beyond the budget are left to the reads.
 */
static void object_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n)
{
    struct cached_object *co = (struct cached_object *)ob;
    uint64_t bb = co->ca->opt.block_bytes, left = co->ca->opt.ram_bytes / 4;
    QN_VEC(struct qn_range) missing = {0};
    for (size_t i = 0; i < n; i++) {
        struct qn_range r = ranges[i];
        if (r.n == 0 || r.offset >= ob->size_bytes)
            continue;
        if (r.n > ob->size_bytes - r.offset)
            r.n = ob->size_bytes - r.offset;
        for (uint64_t k = r.offset / bb; k <= (r.offset + r.n - 1) / bb && left >= bb; k++) {
            struct block *b = find(co->ca, ob->name, k, false);
            if (b != NULL) {
                block_drop(b);
                continue;
            }
            left -= bb;
            struct qn_range one = {block_start(co, k), block_start(co, k + 1) - block_start(co, k)};
            struct qn_range *last = missing.n == 0 ? NULL : &missing.p[missing.n - 1];
            if (last != NULL && one.offset >= last->offset &&
                one.offset <= last->offset + last->n + co->ca->opt.coalesce_bytes &&
                one.offset + one.n - last->offset <= MAX_FETCH) {
                if (one.offset + one.n > last->offset + last->n)
                    last->n = one.offset + one.n - last->offset;
            } else {
                qn_vec_push(&missing, one);
            }
        }
    }
    qn_object_prefetch(co->inner, missing.p, missing.n);
    for (size_t i = 0; i < missing.n; i++) {
        uint64_t first = missing.p[i].offset / bb;
        size_t m = (size_t)((missing.p[i].offset + missing.p[i].n - 1) / bb - first) + 1;
        struct block **blocks = qn_xcalloc(m, sizeof *blocks);
        if (fetch_run(co, first, first + m, blocks, false, NULL) == QN_OK)
            for (size_t k = 0; k < m; k++)
                block_drop(blocks[k]);
        free(blocks);
    }
    qn_vec_release(&missing);
}

static void object_free(struct qn_object *ob)
{
    struct cached_object *co = (struct cached_object *)ob;
    qn_object_unref(co->inner);
    qn_cache_unref(co->ca);
    free(co);
}

static const struct qn_object_ops cached_ops = {object_read, object_prefetch, object_free};

struct qn_object *qn_cache_object(struct qn_cache *ca, struct qn_object *inner)
{
    struct cached_object *co = qn_xcalloc(1, sizeof *co);
    co->ob = (struct qn_object){
        .ops = &cached_ops, .name = inner->name, .size_bytes = inner->size_bytes};
    atomic_init(&co->ob.refs, 1);
    co->ca = qn_cache_ref(ca);
    co->inner = inner;
    return &co->ob;
}

/* --- the cache --- */

static int open_disk(struct qn_cache *ca, struct qn_err *err)
{
    struct qn_fs *fs = ca->opt.fs;
    char *path = qn_path_join(ca->opt.disk_path, QN_STR(DISK_FILE));
    unsigned flags = QN_OPEN_READ | QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_TRUNC;
    int rc = qn_fs_mkdirs(fs, ca->opt.disk_path, err);
    if (rc == QN_OK)
        rc = ca->fd = qn_fs_open(fs, path, flags, err);
    if (rc < 0) {
        free(path);
        return rc;
    }
    ca->path = path;
    ca->max_slots = ca->opt.disk_bytes / ca->opt.block_bytes;
    return QN_OK;
}

int qn_cache_open(struct qn_cache **out, const struct qn_cache_options *opt, struct qn_err *err)
{
    *out = NULL;
    struct qn_cache *ca = qn_xcalloc(1, sizeof *ca);
    ca->opt = *opt;
    if (ca->opt.ram_bytes == 0)
        ca->opt.ram_bytes = 64u << 20;
    if (ca->opt.block_bytes == 0)
        ca->opt.block_bytes = 64u << 10;
    if (ca->opt.coalesce_bytes == 0)
        ca->opt.coalesce_bytes = 256u << 10;
    uint32_t bb = ca->opt.block_bytes;
    if ((bb & (bb - 1)) != 0 || bb < 4096 || bb > 1u << 20) {
        free(ca);
        return qn_fail(err, QN_E_INVALID,
                       "cache: blocks of %u bytes, use a power of two from 4 KiB "
                       "to 1 MiB",
                       bb);
    }
    ca->fd = -1;
    atomic_init(&ca->refs, 1);
    qn_mutex_init(&ca->lock, QN_LOCK_CACHE);
    qn_map_init(&ca->blocks, NULL);
    qn_map_init(&ca->slots_by_key, NULL);
    int rc = opt->disk_bytes != 0 ? open_disk(ca, err) : QN_OK;
    if (rc < 0)
        qn_cache_unref(ca);
    else
        *out = ca;
    return rc;
}

struct qn_cache *qn_cache_ref(struct qn_cache *ca)
{
    atomic_fetch_add_explicit(&ca->refs, 1, memory_order_relaxed); /* the caller holds one */
    return ca;
}

void qn_cache_unref(struct qn_cache *ca)
{
    if (ca == NULL || atomic_fetch_sub_explicit(&ca->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int i = 0; i < LISTS; i++)
        for (struct block *b = ca->lists[i].newest, *next; b != NULL; b = next) {
            next = b->older;
            block_drop(b);
        }
    for (struct slot *s = ca->newest, *next; s != NULL; s = next) {
        next = s->older;
        free((char *)s->key.p);
        free(s);
    }
    for (struct slot *s = ca->free_slots, *next; s != NULL; s = next) {
        next = s->older;
        free(s);
    }
    qn_map_release(&ca->blocks);
    qn_map_release(&ca->slots_by_key);
    if (ca->path != NULL) {
        qn_fs_close(ca->opt.fs, ca->fd);
        if (qn_fs_unlink(ca->opt.fs, ca->path, NULL) < 0)
            ca->fd = -1; /* it is emptied when the cache opens again */
    }
    free(ca->path);
    qn_mutex_release(&ca->lock);
    free(ca);
}

const struct qn_cache_stats *qn_cache_stats(const struct qn_cache *ca)
{
    return &ca->stats;
}
