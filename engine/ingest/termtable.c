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

static enum qn_record record_of(const struct qn_term *t)
{
    return (enum qn_record)(t->field >> QN_TERM_FIELD_BITS);
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

struct stream {
    const struct qn_termtable *tt;
    uint32_t at, end, stop; /* stop: the term's tail */
};

static bool get_varint(struct stream *s, uint32_t *v)
{
    *v = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (s->at == s->stop)
            return false;
        if (s->at == s->end) {
            uint32_t next, size;
            memcpy(&size, s->tt->base + s->end + NEXT, sizeof size);
            memcpy(&next, s->tt->base + s->end, sizeof next);
            s->at = next;
            s->end = next + (size < LAST_CHUNK ? size * 2 : LAST_CHUNK);
        }
        uint8_t b = (uint8_t)s->tt->base[s->at++];
        *v |= (uint32_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return true;
    }
}

static struct stream open_stream(const struct qn_termtable *tt, const struct qn_term *t)
{
    return (struct stream){tt, t->head, t->head + FIRST_CHUNK, t->tail};
}

size_t qn_term_positions(const struct qn_termtable *tt, const struct qn_term *t)
{
    if (record_of(t) != QN_RECORD_POSITION || t->head == 0)
        return 1;
    struct stream s = open_stream(tt, t);
    size_t n = 1;
    for (uint32_t v, gap; get_varint(&s, &v); n++)
        if (v & 1)
            (void)get_varint(&s, &gap);
    return n;
}

static void read_freqs(const struct qn_term *t, struct stream *s, uint32_t *docs, uint32_t *tfs)
{
    uint32_t doc = t->first_doc, i = 0, v, tf;
    docs[0] = doc;
    while (get_varint(s, &v)) {
        tf = 1;
        if (!(v & 1))
            (void)get_varint(s, &tf);
        tfs[i++] = tf;
        doc += v >> 1;
        docs[i] = doc;
    }
    tfs[i] = t->tf;
}

static size_t read_positions(const struct qn_term *t, struct stream *s, uint32_t *docs,
                             uint32_t *tfs, uint32_t *positions)
{
    uint32_t doc = t->first_doc, i = 0, v, gap;
    size_t n = 0;
    docs[0] = doc;
    tfs[0] = 1;
    positions[n++] = t->first_pos;
    while (get_varint(s, &v)) {
        if (v & 1) {
            (void)get_varint(s, &gap);
            doc += gap;
            docs[++i] = doc;
            tfs[i] = 0;
            positions[n++] = v >> 1;
        } else {
            positions[n] = positions[n - 1] + (v >> 1);
            n++;
        }
        tfs[i]++;
    }
    return n;
}

size_t qn_termtable_postings(const struct qn_termtable *tt, const struct qn_term *t, uint32_t *docs,
                             uint32_t *tfs, uint32_t *positions)
{
    struct stream s = open_stream(tt, t);
    uint32_t i = 0, gap;
    switch (record_of(t)) {
    case QN_RECORD_FREQ:
        read_freqs(t, &s, docs, tfs);
        return 0;
    case QN_RECORD_POSITION:
        return read_positions(t, &s, docs, tfs, positions);
    default:
        docs[0] = t->first_doc;
        for (; get_varint(&s, &gap); i++)
            docs[i + 1] = docs[i] + gap;
        return 0;
    }
}
