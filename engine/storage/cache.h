/* A cache of blocks between readers and a storage with latency.
 *
 *     reader ─► qn_object (of the cache) ─► blocks in RAM ─► blocks on local disk ─► inner object
 *                                             LRU, budget       LRU, budget           GET
 *
 * Objects are cut into blocks of block_bytes. What is missing for a read or a prefetch is fetched
 * in as few ranges as possible: neighbours closer than coalesce_bytes become one (a gap of 256 KB
 * takes 3 ms, another GET 50), separate ones go out together by the inner object's prefetch.
 *
 * Admission: RAM has two LRU lists. A block comes in on probation and moves to the protected list
 * (at most three quarters of the budget) when another read asks for it again. Probation gives way
 * first, so one scan, which reads each block once, cannot push out what is protected. Blocks that
 * leave RAM and were protected once go to the disk, and come back from there on demand. What lies
 * on the disk is checked (XXH3) when it is read and forgotten when it does not match. A read of
 * more than a quarter of the RAM budget goes past the cache.
 *
 * The inner objects must be immutable under their name: a block is known by the name it was opened
 * with (give each storage its own cache, or names that differ). The disk folder belongs to the
 * cache alone; it starts empty.
 *
 * A slice holds its block by reference: it stays valid after the block was dropped from the cache,
 * so the budget counts what the cache keeps, not what readers still hold. Reads that touch several
 * blocks are copied together.
 *
 * @thread any  @locks takes:CACHE, never across I/O. Two readers that miss the same block at the
 * same time may both fetch it. */
#ifndef QN_STORAGE_CACHE_H
#define QN_STORAGE_CACHE_H

#include <stdatomic.h>
#include <stdint.h>

#include "os/file.h"
#include "storage/object.h"

struct qn_cache_options {
    uint64_t ram_bytes;      /* [64 MiB] */
    uint64_t disk_bytes;     /* 0: no disk */
    const char *disk_path;   /* a folder of its own; made, and emptied, when the cache opens */
    struct qn_fs *fs;        /* for the disk */
    uint32_t block_bytes;    /* power of two, 4 KiB .. 1 MiB [64 KiB] */
    uint32_t coalesce_bytes; /* [256 KiB] */
};

struct qn_cache_stats {
    _Atomic uint64_t ram_hits, disk_hits, misses; /* blocks */
    _Atomic uint64_t fetches;                     /* ranges read from inner objects: GETs */
    _Atomic uint64_t fetched_bytes, served_bytes;
    _Atomic uint64_t evictions;                /* out of RAM */
    _Atomic uint64_t disk_writes, disk_errors; /* blocks */
    _Atomic uint64_t ram_bytes, disk_bytes;    /* held now */
};

struct qn_cache;

/* Gives *out. */
QN_MUST_CHECK int qn_cache_open(struct qn_cache **out, const struct qn_cache_options *opt,
                                struct qn_err *err);
struct qn_cache *qn_cache_ref(struct qn_cache *ca);
void qn_cache_unref(struct qn_cache *ca); /* NULL is fine; its objects hold references too */
const struct qn_cache_stats *qn_cache_stats(const struct qn_cache *ca);

/* The same object, read through the cache. Takes the reference to inner; gives the result. */
struct qn_object *qn_cache_object(struct qn_cache *ca, struct qn_object *inner);

#endif
