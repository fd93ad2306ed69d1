/* Term table: every distinct (field, term) of the documents in memory, with its postings.
 *
 *     slots      {hash, address}           open addressing, linear probing
 *                      │
 *     arena      ┌─────▼──────┐     ┌───────────┐     ┌─────────────────┐
 *                │ term │ key │ ... │ 16 bytes  │ ──► │ 32, 64 .. 4 KiB │     chunks of varints
 *                └────────────┘     └───────────┘     └─────────────────┘
 *
 * Most terms of a log are in one document: their first posting lives in the term itself and no
 * chunk is made. The arena is one reserved address range of which only what is used is backed, so
 * that addresses are 32-bit offsets. Postings are appended in the order of documents:
 *
 *     BASIC     gap                           once a document
 *     FREQ      gap * 2 + (tf == 1) [tf]      when the next document (or the end) comes
 *     POSITION  position gap * 2 + new [document gap when new]      for every occurrence
 *
 * where gap counts from the document before, 0 for the first one's distance to itself. Bounds: 3
 * GiB of arena; the owner flushes long before. One owner thread. */
#ifndef QN_INGEST_TERMTABLE_H
#define QN_INGEST_TERMTABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "postings/postings_writer.h"

struct qn_term {
    uint32_t field; /* record in the top 2 bits: see QN__TERM_FIELD */
    uint32_t key_n;
    uint32_t first_doc, last_doc;
    uint32_t tf; /* FREQ: in last_doc so far. POSITION: last position */
    uint32_t df;
    uint32_t occurrences; /* POSITION */
    uint32_t first_pos;
    uint32_t head, tail; /* chunks; tail is where the next byte goes. 0: none */
    uint32_t tail_end;
    uint32_t ord; /* set when the table is flushed */
    char key[];
};

#define QN_TERM_FIELD_BITS 30

struct qn_termslot {
    uint32_t hash, addr; /* addr 0: empty */
};

struct qn_termtable {
    char *base; /* of the arena */
    uint64_t used, reserved;
    struct qn_termslot *slots;
    uint32_t n_slots, count;
};

void qn_termtable_init(struct qn_termtable *tt);
void qn_termtable_release(struct qn_termtable *tt);
/* Forgets everything, keeps memory up to `keep` bytes of arena. */
void qn_termtable_reset(struct qn_termtable *tt, uint64_t keep);
/* Arena and slots, in bytes. */
uint64_t qn_termtable_bytes(const struct qn_termtable *tt);
/* True when the next documents may not fit: flush. */
bool qn_termtable_full(const struct qn_termtable *tt);

static inline struct qn_term *qn_termtable_at(const struct qn_termtable *tt, uint32_t addr)
{
    return (struct qn_term *)(void *)(tt->base + addr);
}
static inline uint32_t qn_term_field(const struct qn_term *t)
{
    return t->field & ((1u << QN_TERM_FIELD_BITS) - 1);
}

/* One occurrence of a term. */
struct qn_occurrence {
    struct qn_str term;
    uint32_t field; /* < 2^30 */
    enum qn_index_record record;
    uint32_t doc, pos;
    uint32_t addr; /* out: the term's address */
    uint32_t hash; /* scratch */
};
/* Adds occurrences in order: documents never descend, nor positions within one. Misses of the
 * processor's caches overlap: give many at once. */
void qn_termtable_add(struct qn_termtable *tt, struct qn_occurrence *oc, size_t n);

/* The postings of the term's first `max_docs` documents, decoded: docs ascend; room for
 * min(df, max_docs) documents, and for t->occurrences positions. Gives the number of documents.
 * `bytes` is scratch. */
size_t qn_termtable_postings(const struct qn_termtable *tt, const struct qn_term *t,
                             size_t max_docs, struct qn_buf *bytes, uint32_t *docs, uint32_t *tfs,
                             uint32_t *positions);

#endif
