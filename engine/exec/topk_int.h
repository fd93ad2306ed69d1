/* Inside of the top k: keys as ranks (sort_keys.c), and the walk with its heap (topk.c). */
#ifndef QN_EXEC_TOPK_INT_H
#define QN_EXEC_TOPK_INT_H

#include "exec/topk.h"

#define QN__UNIT 8192u /* documents that are looked at together */

/* A value inside one split: smaller is better. Strings are 2 * ordinal + 1, so that a text between
 * two of the dictionary's has a place too. Descending keys are inverted. */
struct qn__rank {
    uint64_t v;
    uint8_t class; /* 0: missing, first; 1: a value; 2: missing, last */
};
static inline int qn__rank_cmp(struct qn__rank a, struct qn__rank b)
{
    if (a.class != b.class)
        return a.class < b.class ? -1 : 1;
    return a.v < b.v ? -1 : a.v > b.v;
}

struct qn__key {
    const struct qn_sort_key *key;
    const struct qn_column *column; /* NULL: no document has a value */
    const struct qn_terms *terms;   /* of strings */
    struct qn_column_cursor *cu;
    struct qn__rank *ranks; /* of the unit's documents */
};

/* The buffers a key is read through; one for all keys. */
struct qn__key_room {
    uint64_t values[QN__UNIT];
    uint64_t present[QN__UNIT / 64];
};

QN_MUST_CHECK int qn__key_open(struct qn__key *k, struct qn_exec *ex, const struct qn_sort_key *key,
                               struct qn_err *err);
void qn__key_close(struct qn__key *k);
/* Ranks of n ascending documents; scores[i] belongs to ids[i] (NULL: nobody asks). */
QN_MUST_CHECK int qn__key_ranks(struct qn__key *k, struct qn__key_room *room, const uint32_t *ids,
                                const float *scores, uint32_t n, struct qn__rank *out,
                                struct qn_err *err);
/* No document of [lo, hi) has a better rank; sc for scores. From directories only. */
struct qn__rank qn__key_best(const struct qn__key *k, struct qn_scorer *sc, uint32_t lo,
                             uint32_t hi);
/* The rank of a value that may come from another split. */
QN_MUST_CHECK int qn__key_rank_of(const struct qn__key *k, const struct qn_sort_value *v,
                                  struct qn__rank *out, struct qn_err *err);
/* The values that n ranks stand for, `stride` ranks and values apart; texts are copied to ar. */
QN_MUST_CHECK int qn__key_values(const struct qn__key *k, struct qn_arena *ar,
                                 const struct qn__rank *ranks, struct qn_sort_value *out,
                                 uint32_t n, uint32_t stride, struct qn_err *err);

#endif
