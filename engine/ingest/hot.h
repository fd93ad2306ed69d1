/* The documents of one index that are in no published split yet.
 *
 *     add ─► memory index ─► seal (refresh) ─► hot split, visible ─┐
 *                            seal               hot split, visible ─┼─ gather ─► one split,
 * published seal               hot split, visible ─┘            adopt swaps them
 *
 * Hot splits are ordinary splits whose bytes are in memory; searches read them like any other.
 * What cannot get its share of the budget is refused with QN_E_BUDGET before anything is added: the
 * owner seals, gathers and publishes, and tries again.
 *
 * When sealing fails (no space to spool, a file too large) its documents are only in the journal:
 * from then on every call says why, nothing more is gathered, and the owner starts over with a new
 * object and the journal from the published position.
 *
 * One owner thread (the index's indexer) for all calls; only the visible list is shared. */
#ifndef QN_INGEST_HOT_H
#define QN_INGEST_HOT_H

#include "base/budget.h"
#include "ingest/indexer.h"
#include "ingest/visible.h"
#include "split/split_merge.h"

struct qn_hot_options {
    struct qn_split_options split;
    struct qn_budget *budget; /* may be NULL */
    uint64_t seal_bytes;      /* of the memory index, beyond which it wants to be sealed */
};

struct qn_hot;

/* Borrows vi and what the options point to. */
struct qn_hot *qn_hot_new(const struct qn_hot_options *opt, struct qn_visible *vi);
void qn_hot_free(struct qn_hot *ho); /* its visible splits stay visible; NULL is fine */

/* Adds documents [from, n) of a batch whose first operation has position seq. Gives how many were
 * taken, fewer when memory wants to be sealed, which the caller does before it goes on; QN_E_BUDGET
 * when not even the first fits. A document whose text an analyzer refuses is left out and counted
 * in *refused. */
QN_MUST_CHECK int qn_hot_add(struct qn_hot *ho, const struct qn_parsed *pd, uint32_t from,
                             uint64_t seq, uint32_t *taken, uint32_t *refused);
/* Nothing below `end` is still to come: after a batch whose last operations were not documents. */
void qn_hot_advance(struct qn_hot *ho, uint64_t end);
/* What is in memory becomes a visible hot split; nothing in memory: nothing happens. */
QN_MUST_CHECK int qn_hot_seal(struct qn_hot *ho, struct qn_err *err);
bool qn_hot_wants_seal(const struct qn_hot *ho);

/* Documents not visible yet, and bytes held in all. Position after the last operation added. */
uint32_t qn_hot_unsealed(const struct qn_hot *ho);
uint64_t qn_hot_bytes(const struct qn_hot *ho);
uint32_t qn_hot_split_count(const struct qn_hot *ho);
uint64_t qn_hot_end(const struct qn_hot *ho);

/* Merges all hot splits into one at sk; *end is the position it covers. QN_END: there are none.
 * They stay visible until adopt. */
QN_MUST_CHECK int qn_hot_gather(struct qn_hot *ho, struct qn_str time_field, struct qn_sink *sk,
                                struct qn_split_meta *meta, struct qn_split_info *info,
                                uint64_t *end, struct qn_err *err);
/* In one step the gathered hot splits leave the visible list and sp (taken), which was published,
 * takes their place. */
QN_MUST_CHECK int qn_hot_adopt(struct qn_hot *ho, struct qn_split *sp);

#endif
