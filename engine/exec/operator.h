/* Operators: a bound query on one split, answered a window of 65,536 documents at a time.
 *
 *     query tree ─► compile ─► tree of operators ─► for each window: fill ─► collect
 *
 * An operator answers three questions about documents, never one call per document:
 *     next    from which document on might there be a match?   skip data, zones; no decoding
 *     fill    which of [lo, hi) match?                         bits, ORed into a window's set
 *     retain  which of these ids match?                        for few survivors of other operators
 * Boolean nodes order their children by estimate, let the rarest drive, and choose between fill and
 * retain window by window.
 *
 * Windows: lo is a multiple of 1,024 (a column block), hi - lo <= QN_WINDOW_DOCS, and hi is a
 * multiple of 1,024 or the number of documents. Calls for one operator come with lo ascending, or
 * descending with `rewindable` operators, which all of them are: state is only what is decoded.
 *
 * An operator tree belongs to one thread and one split, which it keeps referenced. Everything of it
 * lies in the arena of the search; free releases cursors. */
#ifndef QN_EXEC_OPERATOR_H
#define QN_EXEC_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/err.h"
#include "simd/ops.h"
#include "split/split.h"

struct qn_op;

struct qn_op_ops {
    const char *name; /* for profiles: "term", "and" */
    /* The first document >= doc that may match; QN_DOC_END: none. May name one that does not. */
    uint32_t (*next)(struct qn_op *op, uint32_t doc);
    /* ORs the matches of [lo, hi) into bits (bit doc - lo). */
    int (*fill)(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits, struct qn_err *err);
    /* Keeps the matching ones of n ascending ids of one window, in place. NULL: fill does it. */
    int (*retain)(struct qn_op *op, uint32_t *ids, uint32_t *n, struct qn_err *err);
    void (*free)(struct qn_op *op); /* NULL: nothing to release */
};

struct qn_op {
    const struct qn_op_ops *ops;
    uint64_t estimate; /* documents it matches, at most, as far as statistics tell */
    bool exact;        /* estimate is how many documents match */
};

/* What operators of one search in one split share. */
struct qn_exec {
    struct qn_split *sp;
    const struct qn_simd_ops *simd;
    struct qn_arena *ar;
    uint32_t n_docs;
    struct qn_str time_field; /* documents are sorted by it; .p == NULL: by arrival */
    const uint64_t *deleted;  /* bit set, or NULL */
    uint32_t max_terms;       /* that one pattern may expand to; 0: no limit */
};

void qn_op_free(struct qn_op *op); /* NULL is fine */
static inline uint32_t qn_op_next(struct qn_op *op, uint32_t doc)
{
    return op->ops->next(op, doc);
}
QN_MUST_CHECK int qn_op_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                             struct qn_err *err);
/* lo, hi: the window the ids lie in. */
QN_MUST_CHECK int qn_op_retain(struct qn_op *op, const struct qn_exec *ex, uint32_t lo, uint32_t hi,
                               uint32_t *ids, uint32_t *n, struct qn_err *err);

/* ---- the operators; all lie in ex->ar. NULL: the arena's budget is gone. */

struct qn_op *qn_op_all(struct qn_exec *ex);
struct qn_op *qn_op_none(struct qn_exec *ex);
/* Documents [from, to). */
struct qn_op *qn_op_interval(struct qn_exec *ex, uint32_t from, uint32_t to);
/* A set of documents of the whole split; takes bits (free), count of them. */
struct qn_op *qn_op_bitset(struct qn_exec *ex, uint64_t *bits, uint64_t count);
/* One term; gives *out (NONE if the dictionary lacks it). */
QN_MUST_CHECK int qn_op_term(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                             struct qn_str term, struct qn_err *err);
/* A column with a value in [min, max] (ordered, see columns.h); on the split's own time field a
 * document interval. */
QN_MUST_CHECK int qn_op_column_range(struct qn_op **out, struct qn_exec *ex,
                                     struct qn_split_field *fd, uint64_t min, uint64_t max,
                                     struct qn_err *err);
/* Documents that have the field. */
QN_MUST_CHECK int qn_op_exists(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                               struct qn_err *err);
/* Documents with one of the terms of ordinals [from, to) of the field's index. */
QN_MUST_CHECK int qn_op_ordinals(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                                 uint64_t from, uint64_t to, struct qn_err *err);
/* Documents with one of the listed ordinals, ascending. */
QN_MUST_CHECK int qn_op_ordinal_set(struct qn_op **out, struct qn_exec *ex,
                                    struct qn_split_field *fd, const uint32_t *ords, uint32_t n,
                                    struct qn_err *err);

/* A conjunction: all of `must` (n >= 1), none of `must_not`. Children are taken. */
struct qn_op *qn_op_and(struct qn_exec *ex, struct qn_op **must, uint32_t n_must,
                        struct qn_op **must_not, uint32_t n_must_not);
/* At least `least` >= 1 of the children. */
struct qn_op *qn_op_or(struct qn_exec *ex, struct qn_op **any, uint32_t n, uint32_t least);

/* Terms at positions relative to each other (as in bound phrases). */
struct qn_op_phrase_term {
    struct qn_str text;
    uint32_t position;
};
QN_MUST_CHECK int qn_op_phrase(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                               const struct qn_op_phrase_term *terms, uint32_t n, uint32_t slop,
                               struct qn_err *err);

#endif
