#include "ingest/termtable.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/varint.h"

enum {
    FIRST_SLOTS = 1 << 12,
    FIRST_CHUNK = 16,
    LAST_CHUNK = 4096,
    NEXT = 4, /* bytes at the end of a chunk that hold the address of the next */
    BATCH = 64,
};
#define RESERVE (3ull << 30)

void qn_termtable_init(struct qn_termtable *tt)
{
    *tt = (struct qn_termtable){.reserved = RESERVE, .used = QN_CACHE_LINE};
    tt->base = mmap(NULL, RESERVE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (tt->base == MAP_FAILED)
        qn_panic(__FILE__, __LINE__, "cannot reserve address space for the term table");
    tt->n_slots = FIRST_SLOTS;
    tt->slots = qn_xcalloc(tt->n_slots, sizeof *tt->slots);
}

void qn_termtable_release(struct qn_termtable *tt)
{
    if (tt->base != NULL)
        munmap(tt->base, tt->reserved);
    free(tt->slots);
    *tt = (struct qn_termtable){0};
}

void qn_termtable_reset(struct qn_termtable *tt, uint64_t keep)
{
    if (tt->used > keep)
        madvise(tt->base + keep, tt->used - keep, MADV_DONTNEED);
    tt->used = QN_CACHE_LINE;
    tt->count = 0;
    memset(tt->slots, 0, tt->n_slots * sizeof *tt->slots);
}

uint64_t qn_termtable_bytes(const struct qn_termtable *tt)
{
    return tt->used + (uint64_t)tt->n_slots * sizeof *tt->slots;
}

bool qn_termtable_full(const struct qn_termtable *tt)
{
    return tt->used > tt->reserved / 4 * 3;
}

/* Address of n bytes, 4-byte aligned. */
static uint32_t take(struct qn_termtable *tt, size_t n)
{
    uint64_t at = (tt->used + 3) & ~3ull;
    if (QN_UNLIKELY(at + n > tt->reserved))
        qn_panic(__FILE__, __LINE__, "the term table is full: its owner did not flush in time");
    tt->used = at + n;
    return (uint32_t)at;
}

static void grow_slots(struct qn_termtable *tt)
{
    uint32_t n = tt->n_slots * 2, mask = n - 1;
    struct qn_termslot *slots = qn_xcalloc(n, sizeof *slots);
    for (uint32_t i = 0; i < tt->n_slots; i++) {
        if (tt->slots[i].addr == 0)
            continue;
        uint32_t k = tt->slots[i].hash & mask;
        while (slots[k].addr != 0)
            k = (k + 1) & mask;
        slots[k] = tt->slots[i];
    }
    free(tt->slots);
    tt->slots = slots;
    tt->n_slots = n;
}

/* Opens a chunk behind the current one. */
static void grow_chunk(struct qn_termtable *tt, struct qn_term *t)
{
    uint32_t size = FIRST_CHUNK;
    if (t->head != 0) {
        uint32_t last;
        memcpy(&last, tt->base + t->tail_end + NEXT, sizeof last); /* its size, see below */
        size = last < LAST_CHUNK ? last * 2 : LAST_CHUNK;
    }
    /* A chunk: size bytes of data, the next chunk's address, its own size. */
    uint32_t at = take(tt, size + NEXT + sizeof size);
    memset(tt->base + at + size, 0, NEXT);
    memcpy(tt->base + at + size + NEXT, &size, sizeof size);
    if (t->head == 0)
        t->head = at;
    else
        memcpy(tt->base + t->tail_end, &at, sizeof at);
    t->tail = at;
    t->tail_end = at + size;
}

static inline void put_varint(struct qn_termtable *tt, struct qn_term *t, uint32_t v)
{
    do {
        if (QN_UNLIKELY(t->tail == t->tail_end))
            grow_chunk(tt, t);
        tt->base[t->tail++] = (char)(v | (v >= 0x80 ? 0x80 : 0));
        v >>= 7;
    } while (v != 0);
}

static enum qn_index_record record_of(const struct qn_term *t)
{
    return (enum qn_index_record)(t->field >> QN_TERM_FIELD_BITS);
}

/* FREQ: writes the posting of the document before, which is now complete. */
static void put_freq(struct qn_termtable *tt, struct qn_term *t, uint32_t gap)
{
    put_varint(tt, t, gap << 1 | (t->tf == 1));
    if (t->tf != 1)
        put_varint(tt, t, t->tf);
}

/* What the stream already says of the term: documents [first .. last) for FREQ, up to and including
 * last otherwise, the very first posting being in the term itself. */
static void add_posting(struct qn_termtable *tt, struct qn_term *t, uint32_t doc, uint32_t pos)
{
    bool fresh = doc != t->last_doc;
    uint32_t gap = doc - t->last_doc;
    switch (record_of(t)) {
    case QN_RECORD_BASIC:
        if (fresh)
            put_varint(tt, t, gap);
        break;
    case QN_RECORD_FREQ:
        if (fresh) {
            put_freq(tt, t, gap);
            t->tf = 0;
        }
        t->tf++;
        break;
    case QN_RECORD_POSITION:
        put_varint(tt, t, (fresh ? pos : pos - t->tf) << 1 | fresh);
        if (fresh)
            put_varint(tt, t, gap);
        t->tf = pos;
        t->occurrences++;
        break;
    }
    t->df += fresh;
    t->last_doc = doc;
}

static uint32_t new_term(struct qn_termtable *tt, const struct qn_occurrence *oc)
{
    uint32_t at = take(tt, sizeof(struct qn_term) + oc->term.n);
    struct qn_term *t = qn_termtable_at(tt, at);
    *t = (struct qn_term){.field = oc->field | (uint32_t)oc->record << QN_TERM_FIELD_BITS,
                          .key_n = (uint32_t)oc->term.n,
                          .first_doc = oc->doc,
                          .last_doc = oc->doc,
                          .tf = oc->record == QN_RECORD_POSITION ? oc->pos : 1,
                          .df = 1,
                          .occurrences = 1,
                          .first_pos = oc->pos};
    if (oc->term.n != 0)
        memcpy(t->key, oc->term.p, oc->term.n);
    return at;
}

static void add_one(struct qn_termtable *tt, struct qn_occurrence *oc)
{
    uint32_t mask = tt->n_slots - 1, field = oc->field | (uint32_t)oc->record << QN_TERM_FIELD_BITS;
    for (uint32_t i = oc->hash & mask;; i = (i + 1) & mask) {
        struct qn_termslot *s = &tt->slots[i];
        if (s->addr == 0) {
            uint32_t at = new_term(tt, oc);
            *s = (struct qn_termslot){oc->hash, at};
            oc->addr = at;
            tt->count++;
            return;
        }
        if (s->hash != oc->hash)
            continue;
        struct qn_term *t = qn_termtable_at(tt, s->addr);
        if (t->field == field && t->key_n == oc->term.n &&
            (oc->term.n == 0 || memcmp(t->key, oc->term.p, oc->term.n) == 0)) {
            oc->addr = s->addr;
            add_posting(tt, t, oc->doc, oc->pos);
            return;
        }
    }
}

static void add_batch(struct qn_termtable *tt, struct qn_occurrence *oc, size_t n)
{
    while ((uint64_t)(tt->count + n) * 2 > tt->n_slots)
        grow_slots(tt);
    uint32_t mask = tt->n_slots - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t h = qn_hash_str(oc[i].term) ^ oc[i].field * 0x9e3779b97f4a7c15ull;
        oc[i].hash = (uint32_t)(h ^ h >> 32);
        __builtin_prefetch(&tt->slots[oc[i].hash & mask]);
    }
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(tt->base + tt->slots[oc[i].hash & mask].addr);
    for (size_t i = 0; i < n; i++)
        add_one(tt, &oc[i]);
}

void qn_termtable_add(struct qn_termtable *tt, struct qn_occurrence *oc, size_t n)
{
    for (size_t at = 0; at < n; at += BATCH)
        add_batch(tt, oc + at, n - at < BATCH ? n - at : BATCH);
}

/* ---- reading back */

/* Lays the chunks of a term end to end, with padding behind. */
static struct qn_str flatten(const struct qn_termtable *tt, const struct qn_term *t,
                             struct qn_buf *bytes)
{
    qn_buf_clear(bytes);
    uint32_t size = FIRST_CHUNK;
    for (uint32_t at = t->head; at != 0;) {
        bool last = t->tail >= at && t->tail <= at + size;
        qn_buf_put(bytes, tt->base + at, last ? t->tail - at : size);
        if (last)
            break;
        memcpy(&at, tt->base + at + size, sizeof at);
        size = size < LAST_CHUNK ? size * 2 : LAST_CHUNK;
    }
    return qn_buf_str(bytes);
}

static inline uint32_t get_varint(const uint8_t **p)
{
    uint32_t v = *(*p)++;
    if (v < 0x80)
        return v;
    v &= 0x7f;
    for (unsigned shift = 7;; shift += 7) {
        uint32_t b = *(*p)++;
        v |= (b & 0x7f) << shift;
        if (b < 0x80)
            return v;
    }
}

static size_t read_basic(const struct qn_term *t, const uint8_t *p, size_t n, uint32_t *docs)
{
    uint32_t doc = docs[0] = t->first_doc;
    for (size_t i = 1; i < n; i++)
        docs[i] = doc += get_varint(&p);
    return n;
}

static size_t read_freqs(const struct qn_term *t, const uint8_t *p, size_t n, uint32_t *docs,
                         uint32_t *tfs)
{
    uint32_t doc = docs[0] = t->first_doc;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == t->df) {
            tfs[i] = t->tf; /* of the last document: still in the term */
            break;
        }
        uint32_t v = get_varint(&p);
        tfs[i] = v & 1 ? 1 : get_varint(&p);
        doc += v >> 1;
        if (i + 1 < n)
            docs[i + 1] = doc;
    }
    return n;
}

static size_t read_positions(const struct qn_term *t, const uint8_t *p, const uint8_t *end,
                             size_t n, uint32_t *docs, uint32_t *tfs, uint32_t *positions)
{
    uint32_t doc = docs[0] = t->first_doc, pos = t->first_pos;
    size_t i = 0;
    *positions++ = pos;
    tfs[0] = 1;
    while (p < end) {
        uint32_t v = get_varint(&p);
        if (v & 1) {
            uint32_t gap = get_varint(&p);
            if (++i == n)
                return n;
            docs[i] = doc += gap;
            tfs[i] = 0;
            pos = v >> 1;
        } else {
            pos += v >> 1;
        }
        *positions++ = pos;
        tfs[i]++;
    }
    return i + 1;
}

size_t qn_termtable_postings(const struct qn_termtable *tt, const struct qn_term *t,
                             size_t max_docs, struct qn_buf *bytes, uint32_t *docs, uint32_t *tfs,
                             uint32_t *positions)
{
    size_t n = t->df < max_docs ? t->df : max_docs;
    struct qn_str all = flatten(tt, t, bytes);
    const uint8_t *p = (const uint8_t *)all.p;
    switch (record_of(t)) {
    case QN_RECORD_FREQ:
        return read_freqs(t, p, n, docs, tfs);
    case QN_RECORD_POSITION:
        return read_positions(t, p, p + all.n, n, docs, tfs, positions);
    default:
        return read_basic(t, p, n, docs);
    }
}
