#include "columns/skip.h"
#include "base/le.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/vec.h"
#include "codec/ints.h"

enum {
    MAX_SET = 64, /* keys of a SET */
    BUCKET = 64,  /* bytes */
    BUCKET_BITS = 480,
    BUCKET_KEYS = 48, /* 10 bits each */
    PROBES = 6,
    HOT_HEADER = 16,
    SET_HEADER = 8,
    ALIGN = 64,
};
#define MAGIC 0x314b5351u /* "QSK1" */

static uint32_t bucket_of(uint64_t hash, uint32_t n_buckets)
{
    return (uint32_t)((hash >> 32) * n_buckets >> 32);
}

static uint32_t probe(uint64_t hash, uint32_t i)
{
    uint32_t a = hash & 0xffff, b = (hash >> 16 & 0xffff) | 1;
    return (a + i * b) % BUCKET_BITS;
}

/* ---- writing */

struct qn_skip_writer {
    const struct qn_simd_ops *simd;
    struct qn_sink *sk;
    uint64_t start;
    uint32_t zone;          /* the one being filled */
    QN_VEC(uint64_t) keys;  /* of this zone, as they come */
    QN_VEC(uint64_t) slots; /* hash table: key */
    QN_VEC(uint8_t) taken;  /* hash table: slot in use */
    QN_VEC(uint32_t) zones; /* directory */
    struct qn_buf out;
};

struct qn_skip_writer *qn_skip_writer_new(const struct qn_simd_ops *simd, struct qn_sink *sk)
{
    struct qn_skip_writer *wr = qn_xcalloc(1, sizeof *wr);
    qn_sink_align(sk, ALIGN);
    wr->simd = simd;
    wr->sk = sk;
    wr->start = sk->at;
    qn_buf_init(&wr->out, SIZE_MAX);
    return wr;
}

void qn_skip_writer_free(struct qn_skip_writer *wr)
{
    if (wr == NULL)
        return;
    qn_vec_release(&wr->keys);
    qn_vec_release(&wr->slots);
    qn_vec_release(&wr->taken);
    qn_vec_release(&wr->zones);
    qn_buf_release(&wr->out);
    free(wr);
}

/* Leaves every key of the zone once, in the order of their first appearance. */
static void drop_repeats(struct qn_skip_writer *wr)
{
    unsigned bits = qn_bit_width(wr->keys.n * 2);
    size_t n_slots = (size_t)1 << bits, kept = 0;
    qn_vec_reserve(&wr->slots, n_slots);
    qn_vec_reserve(&wr->taken, n_slots);
    memset(wr->taken.p, 0, n_slots);
    for (size_t i = 0; i < wr->keys.n; i++) {
        uint64_t key = wr->keys.p[i];
        size_t at = qn_hash_u64(key) >> (64 - bits);
        while (wr->taken.p[at] && wr->slots.p[at] != key)
            at = (at + 1) & (n_slots - 1);
        if (wr->taken.p[at])
            continue;
        wr->taken.p[at] = 1;
        wr->slots.p[at] = key;
        wr->keys.p[kept++] = key;
    }
    wr->keys.n = kept;
}

static int compare_keys(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, 8);
    memcpy(&y, b, 8);
    return x < y ? -1 : x > y;
}

static void make_set(struct qn_skip_writer *wr)
{
    qsort(wr->keys.p, wr->keys.n, sizeof *wr->keys.p, compare_keys);
    qn_vec_reserve(&wr->keys, wr->keys.n + 16); /* kernels read past the end */
    qn_buf_fill(&wr->out, 0, SET_HEADER);
    qn_ints_put(&wr->out, wr->simd, wr->keys.p, wr->keys.n);
    uint32_t n = (uint32_t)wr->out.n - SET_HEADER;
    memcpy(wr->out.p + 4, &n, 4);
    uint32_t crc = wr->simd->crc32c(0, wr->out.p + 4, wr->out.n - 4);
    memcpy(wr->out.p, &crc, 4);
    qn_buf_align(&wr->out, ALIGN);
}

static void make_bloom(struct qn_skip_writer *wr)
{
    uint32_t n_buckets = (uint32_t)((wr->keys.n + BUCKET_KEYS - 1) / BUCKET_KEYS);
    qn_buf_fill(&wr->out, 0, (size_t)n_buckets * BUCKET);
    for (size_t i = 0; i < wr->keys.n; i++) {
        uint64_t h = qn_hash_u64(wr->keys.p[i]);
        char *bucket = wr->out.p + (size_t)bucket_of(h, n_buckets) * BUCKET;
        for (uint32_t k = 0; k < PROBES; k++) {
            uint32_t bit = probe(h, k);
            bucket[bit / 8] = (char)(bucket[bit / 8] | 1 << bit % 8);
        }
    }
    for (uint32_t b = 0; b < n_buckets; b++) {
        char *bucket = wr->out.p + (size_t)b * BUCKET;
        uint32_t crc = wr->simd->crc32c(0, bucket, BUCKET - 4);
        memcpy(bucket + BUCKET - 4, &crc, 4);
    }
}

static void flush_zone(struct qn_skip_writer *wr)
{
    qn_buf_clear(&wr->out);
    bool set = false;
    if (wr->keys.n > 0) {
        drop_repeats(wr);
        set = wr->keys.n <= MAX_SET;
        if (set)
            make_set(wr);
        else
            make_bloom(wr);
    }
    qn_vec_push(&wr->zones, (uint32_t)(wr->out.n / ALIGN) * 2 + set);
    qn_sink_put(wr->sk, wr->out.p, wr->out.n);
    qn_vec_clear(&wr->keys);
    wr->zone++;
}

void qn_skip_put(struct qn_skip_writer *wr, const qn_docid *docs, const uint64_t *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        QN_DASSERT(docs[i] / QN_COLUMN_ZONE >= wr->zone);
        while (docs[i] / QN_COLUMN_ZONE > wr->zone)
            flush_zone(wr);
        if (wr->keys.n == 0 || wr->keys.p[wr->keys.n - 1] != keys[i])
            qn_vec_push(&wr->keys, keys[i]);
    }
}

static uint32_t zones_of(uint32_t n_docs)
{
    return (uint32_t)(((uint64_t)n_docs + QN_COLUMN_ZONE - 1) / QN_COLUMN_ZONE);
}

int qn_skip_writer_finish(struct qn_skip_writer *wr, uint32_t n_docs, struct qn_buf *hot)
{
    uint32_t n_zones = zones_of(n_docs);
    while (wr->zone < n_zones)
        flush_zone(wr);
    QN_ASSERT(wr->keys.n == 0 && wr->zone == n_zones); /* no document beyond n_docs */
    qn_buf_put_u32(hot, MAGIC);
    qn_buf_put_u32(hot, n_docs);
    qn_buf_put_u64(hot, wr->start);
    qn_buf_put(hot, wr->zones.p, wr->zones.n * sizeof *wr->zones.p);
    return qn_sink_failed(wr->sk);
}

/* ---- reading */

int qn_skip_open(struct qn_skip *sp, struct qn_str hot, const struct qn_section *sc,
                 uint32_t n_docs, const struct qn_simd_ops *simd, struct qn_err *err)
{
    *sp = (struct qn_skip){.sc = sc, .simd = simd, .n_zones = zones_of(n_docs)};
    if (hot.n != HOT_HEADER + 4 * (uint64_t)sp->n_zones || qn_le32(hot.p) != MAGIC ||
        qn_le32(hot.p + 4) != n_docs)
        return qn_corrupt(err, "skip index: a hot part of %zu bytes is not that of %u documents",
                          hot.n, n_docs);
    uint64_t at;
    memcpy(&at, hot.p + 8, sizeof at);
    if (at > sc->n || at % ALIGN != 0)
        return qn_corrupt(err, "section %s: no skip index at %llu", sc->name,
                          (unsigned long long)at);
    uint64_t *zones = qn_xmalloc(((size_t)sp->n_zones + 1) * sizeof *zones);
    for (uint32_t z = 0; z < sp->n_zones; z++) {
        uint32_t entry = qn_le32(hot.p + HOT_HEADER + 4 * (size_t)z);
        zones[z] = at | (entry & 1);
        at += (uint64_t)(entry / 2) * ALIGN;
    }
    zones[sp->n_zones] = at;
    if (at > sc->n) {
        free(zones);
        return qn_corrupt(err, "section %s: its skip index ends at %llu", sc->name,
                          (unsigned long long)at);
    }
    sp->at = zones;
    return 0;
}

void qn_skip_close(struct qn_skip *sp)
{
    free(sp->at);
    *sp = (struct qn_skip){0};
}

static int test_set(const struct qn_skip *sp, uint64_t at, size_t n, const uint64_t *keys,
                    size_t n_keys, bool *may, struct qn_err *err)
{
    struct qn_slice sl;
    int rc = qn_section_read(sp->sc, at, n, &sl, err);
    if (rc < 0)
        return rc;
    uint32_t length = qn_le32(sl.p + 4);
    bool good = qn_section_is_good(sp->sc, at, &sl);
    struct qn_ints set;
    if (length > n - SET_HEADER)
        rc = qn_corrupt(err, "section %s: set at %llu of %u bytes", sp->sc->name,
                        (unsigned long long)at, length);
    else if (!good)
        rc = qn_section_verify(sp->sc, at, sl.p + 4, length + 4u, qn_le32(sl.p), err);
    if (rc == 0)
        rc = qn_ints_open(&set, sp->simd, sl.p + SET_HEADER, length, err);
    for (size_t i = 0; rc == 0 && i < n_keys && !*may; i++) {
        uint64_t bits[QN_INTS_MAX / 64];
        *may = qn_ints_range(&set, sp->simd, keys[i], keys[i], bits) > 0;
    }
    if (rc == 0 && !good)
        qn_section_mark_good(sp->sc, at, &sl);
    qn_slice_release(&sl);
    return rc;
}

static int test_bucket(const struct qn_skip *sp, uint64_t at, uint64_t hash, bool *may,
                       struct qn_err *err)
{
    struct qn_slice sl;
    int rc = qn_section_read(sp->sc, at, BUCKET, &sl, err);
    if (rc < 0)
        return rc;
    if (!qn_section_is_good(sp->sc, at, &sl)) {
        rc = qn_section_verify(sp->sc, at, sl.p, BUCKET - 4, qn_le32(sl.p + BUCKET - 4), err);
        if (rc == 0)
            qn_section_mark_good(sp->sc, at, &sl);
    }
    bool all = rc == 0;
    for (uint32_t k = 0; k < PROBES && all; k++) {
        uint32_t bit = probe(hash, k);
        all = sl.p[bit / 8] >> bit % 8 & 1;
    }
    *may = *may || all;
    qn_slice_release(&sl);
    return rc;
}

int qn_skip_test(const struct qn_skip *sp, uint32_t zone, const uint64_t *keys, size_t n, bool *may,
                 struct qn_err *err)
{
    QN_ASSERT(zone < sp->n_zones);
    *may = false;
    bool set = sp->at[zone] & 1;
    uint64_t at = sp->at[zone] & ~1ull, bytes = (sp->at[zone + 1] & ~1ull) - at;
    if (bytes == 0)
        return 0;
    if (set)
        return test_set(sp, at, (size_t)bytes, keys, n, may, err);
    for (size_t i = 0; i < n && !*may; i++) {
        uint64_t hash = qn_hash_u64(keys[i]);
        uint64_t bucket = bucket_of(hash, (uint32_t)(bytes / BUCKET));
        int rc = test_bucket(sp, at + bucket * BUCKET, hash, may, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void qn_skip_prefetch(const struct qn_skip *sp, uint32_t from, uint32_t to)
{
    to = to < sp->n_zones ? to : sp->n_zones;
    if (from < to)
        qn_section_prefetch(sp->sc, sp->at[from] & ~1ull,
                            (sp->at[to] & ~1ull) - (sp->at[from] & ~1ull));
}
