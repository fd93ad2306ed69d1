/* Reads the dictionary of one field (format: terms_writer.h).
 *
 *     rc = qn_terms_open(&td, hot, section, err);          -- once per split and field, shared
 *     it = qn_terms_iter_new(td);                          -- one per query and thread
 *     rc = qn_terms_lookup(it, term, err);                 -- 0: it->ord, qn_terms_info(it, &ti,
 * err) for (rc = qn_terms_seek(it, from, err); rc == 0; rc = qn_terms_next(it, err))
 *         ... it->term, it->shared, it->ord ...
 *
 * A lookup reads one block: a binary search over separators, one over the heads of the block's
 * groups, and a walk of at most 32 front-coded terms. The hot part is used in place.
 * struct qn_terms is immutable. @thread any; an iterator has one owner at a time. */
#ifndef QN_TERMS_TERMS_READER_H
#define QN_TERMS_TERMS_READER_H

#include "base/arena.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/str.h"
#include "storage/section.h"
#include "terms/term_info.h"

struct qn_terms;

struct qn_terms_iter {
    struct qn_str term; /* after seek and next; valid until the iterator moves */
    uint32_t shared;    /* leading bytes shared with the term that next left: automata keep state */
    qn_ord ord;
    const struct qn_terms *td;
    struct qn__terms_block *blk; /* the current block, decoded */
};

/* Gives *out. Borrows hot and sc (section shift <= 6) until free. */
QN_MUST_CHECK int qn_terms_open(struct qn_terms **out, struct qn_str hot,
                                const struct qn_section *sc, struct qn_err *err);
void qn_terms_free(struct qn_terms *td);
uint64_t qn_terms_count(const struct qn_terms *td);
uint64_t qn_terms_sum_df(const struct qn_terms *td);
uint64_t qn_terms_text_bytes(const struct qn_terms *td);  /* all terms, decoded */
uint64_t qn_terms_block_bytes(const struct qn_terms *td); /* stored */
struct qn_str qn_terms_first(const struct qn_terms *td);  /* .p == NULL: no terms */
struct qn_str qn_terms_last(const struct qn_terms *td);
/* The block range that a term (or an interval of terms) needs, to be announced together. */
void qn_terms_prefetch(const struct qn_terms *td, struct qn_str from, struct qn_str to);

struct qn_terms_iter *qn_terms_iter_new(const struct qn_terms *td); /* borrows td */
void qn_terms_iter_free(struct qn_terms_iter *it);

/* Exact: 0, or QN_END when there is no such term. Sets ord and term (the caller's own bytes); next
 * goes on from there. */
QN_MUST_CHECK int qn_terms_lookup(struct qn_terms_iter *it, struct qn_str term, struct qn_err *err);
/* The first term >= from (an empty string: the first of all): 0, or QN_END with ord = count. */
QN_MUST_CHECK int qn_terms_seek(struct qn_terms_iter *it, struct qn_str from, struct qn_err *err);
QN_MUST_CHECK int qn_terms_seek_ord(struct qn_terms_iter *it, qn_ord ord, struct qn_err *err);
QN_MUST_CHECK int qn_terms_next(struct qn_terms_iter *it, struct qn_err *err);
/* Of the term the iterator is on. info->bytes is valid until the iterator moves. */
QN_MUST_CHECK int qn_terms_info(struct qn_terms_iter *it, struct qn_term_info *info,
                                struct qn_err *err);

/* Ordinals [*lo, *hi) of the terms that start with prefix. */
QN_MUST_CHECK int qn_terms_prefix(struct qn_terms_iter *it, struct qn_str prefix, qn_ord *lo,
                                  qn_ord *hi, struct qn_err *err);
/* The terms of ascending ordinals, copied to ar: out[i] belongs to ords[i]. QN_E_BUDGET when the
 * arena is full, QN_E_RANGE for an ordinal that does not exist. */
QN_MUST_CHECK int qn_terms_of_ords(struct qn_terms_iter *it, const qn_ord *ords, size_t n,
                                   struct qn_arena *ar, struct qn_str *out, struct qn_err *err);

bool qn_terms_has_absence(const struct qn_terms *td);
/* Absence filter: false only when the term is certainly not in the dictionary (one read of 64
 * bytes from `absence`); true without a filter. Failing to read it is true as well as an error. */
QN_MUST_CHECK int qn_terms_may_have(const struct qn_terms *td, const struct qn_section *absence,
                                    struct qn_str term, bool *may, struct qn_err *err);

#endif
