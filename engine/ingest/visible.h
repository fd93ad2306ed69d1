/* What a search of one index sees: an immutable, counted list of splits.
 *
 *     writer:  qn_visible_swap(vi, gone, n_gone, fresh, n_fresh)      one pointer under one mutex
 *     search:  sn = qn_visible_get(vi);  ... sn->splits ...  qn_snapshot_unref(sn);
 *
 * A snapshot pins its splits: a search that holds one is not disturbed by refreshes, publishes,
 * merges and deletes, and nothing it reads goes away. Deletes of a split are a bit set beside it,
 * replaced as a whole: an entry with new deletes is a new entry. */
#ifndef QN_INGEST_VISIBLE_H
#define QN_INGEST_VISIBLE_H

#include <stdatomic.h>
#include <stdint.h>

#include "os/thread.h"
#include "split/split.h"

/* A bit set of deleted documents, shared by reference count. */
struct qn_deletes {
    _Atomic uint32_t refs;
    uint32_t n; /* bits that are set */
    uint64_t generation;
    uint64_t bits[];
};
struct qn_deletes *qn_deletes_new(uint32_t n_docs); /* all clear; gives */
struct qn_deletes *qn_deletes_ref(struct qn_deletes *dl);
void qn_deletes_unref(struct qn_deletes *dl); /* NULL is fine */

struct qn_visible_split {
    struct qn_split *sp;
    struct qn_deletes *deletes; /* NULL: none */
    uint64_t id;                /* unique in the process: names an entry in a swap */
    uint64_t end;               /* position after its last operation; 0 for published splits */
    bool hot;                   /* not published: memory and journal are its only homes */
};

struct qn_snapshot {
    _Atomic uint32_t refs;
    uint32_t n;
    uint64_t doc_count; /* less deletes */
    struct qn_visible_split splits[];
};
void qn_snapshot_unref(struct qn_snapshot *sn); /* NULL is fine */

struct qn_visible {
    struct qn_mutex lock;
    struct qn_snapshot *now;
    uint64_t last_id;
};

void qn_visible_init(struct qn_visible *vi);
void qn_visible_release(struct qn_visible *vi);
struct qn_snapshot *qn_visible_get(struct qn_visible *vi); /* shares; never NULL */
/* In one step: entries whose id is in gone disappear, those of fresh appear (taking their sp and
 * deletes; id is set). QN_E_CONFLICT, and nothing happens (fresh stays the caller's), when one of
 * gone is not there. */
QN_MUST_CHECK int qn_visible_swap(struct qn_visible *vi, const uint64_t *gone, uint32_t n_gone,
                                  struct qn_visible_split *fresh, uint32_t n_fresh);

#endif
