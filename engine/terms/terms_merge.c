/* A loser tree: leaf i is input i, node k holds the loser of the match played there, tree[0] the
 * winner. Replaying the path of a leaf that moved costs log2(n) comparisons, nearly all of them on
 * the first 8 bytes. */
#include "terms/terms_merge.h"

#include <stdlib.h>

#include "base/mem.h"

struct qn__merge_tree {
    uint32_t n;     /* leaves: inputs that have a dictionary, as a power of two */
    uint64_t *head; /* first 8 bytes of each input's term, big-endian */
    bool *done;
    uint32_t *node;
};

static uint64_t head_of(struct qn_str s)
{
    uint64_t v = 0;
    if (s.n >= 8) {
        memcpy(&v, s.p, 8);
        return __builtin_bswap64(v);
    }
    for (size_t i = 0; i < s.n; i++)
        v |= (uint64_t)(uint8_t)s.p[i] << (56 - 8 * i);
    return v;
}

/* Order of two inputs whose heads are equal. Input that is used up has the largest head. */
static int compare_rest(const struct qn_terms_merge *mg, uint32_t a, uint32_t b)
{
    const struct qn__merge_tree *t = mg->tree;
    if (t->done[a] || t->done[b])
        return t->done[a] - t->done[b];
    return qn_str_cmp(mg->its[a]->term, mg->its[b]->term);
}

static bool wins_rest(const struct qn_terms_merge *mg, uint32_t a, uint32_t b)
{
    int c = compare_rest(mg, a, b);
    return c != 0 ? c < 0 : a < b;
}

static bool wins(const struct qn_terms_merge *mg, uint32_t a, uint32_t b)
{
    uint64_t x = mg->tree->head[a], y = mg->tree->head[b];
    return x != y ? x < y : wins_rest(mg, a, b);
}

static void replay(struct qn_terms_merge *mg, uint32_t leaf)
{
    struct qn__merge_tree *t = mg->tree;
    uint32_t winner = leaf;
    uint64_t head = t->head[leaf];
    for (uint32_t k = (leaf + t->n) / 2; k > 0; k /= 2) {
        uint32_t other = t->node[k];
        uint64_t h = t->head[other];
        bool swap = h < head;
        if (QN_UNLIKELY(h == head))
            swap = wins_rest(mg, other, winner);
        t->node[k] = swap ? winner : other;
        winner = swap ? other : winner;
        head = swap ? h : head;
    }
    t->node[0] = winner;
}

/* Plays all matches below node k. */
static uint32_t play(struct qn_terms_merge *mg, uint32_t k)
{
    struct qn__merge_tree *t = mg->tree;
    if (k >= t->n)
        return k - t->n;
    uint32_t a = play(mg, 2 * k), b = play(mg, 2 * k + 1);
    bool first = wins(mg, a, b);
    t->node[k] = first ? b : a;
    return first ? a : b;
}

static int note(struct qn_terms_merge *mg, uint32_t i, int rc)
{
    mg->tree->done[i] = rc != 0;
    mg->tree->head[i] = rc == 0 ? head_of(mg->its[i]->term) : UINT64_MAX;
    return rc < 0 ? rc : 0;
}

int qn_terms_merge_new(struct qn_terms_merge **out, const struct qn_terms *const *tds, uint32_t n,
                       struct qn_err *err)
{
    *out = NULL;
    uint32_t leaves = 1;
    while (leaves < n)
        leaves *= 2;
    struct qn_terms_merge *mg = qn_xcalloc(1, sizeof *mg);
    mg->n_inputs = n;
    mg->hits = qn_xcalloc(leaves, sizeof *mg->hits);
    mg->its = qn_xcalloc(leaves, sizeof(struct qn_terms_iter *));
    struct qn__merge_tree *t = mg->tree = qn_xcalloc(1, sizeof *t);
    t->n = leaves;
    t->head = qn_xcalloc(leaves, sizeof *t->head);
    t->done = qn_xcalloc(leaves, sizeof *t->done);
    t->node = qn_xcalloc(leaves, sizeof *t->node);
    for (uint32_t i = 0; i < leaves; i++) {
        t->done[i] = true;
        t->head[i] = UINT64_MAX;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (tds[i] == NULL)
            continue;
        mg->its[i] = qn_terms_iter_new(tds[i]);
        int rc = note(mg, i, qn_terms_seek(mg->its[i], QN_STR(""), err));
        if (rc < 0) {
            qn_terms_merge_free(mg);
            return rc;
        }
    }
    t->node[0] = play(mg, 1);
    *out = mg;
    return 0;
}

void qn_terms_merge_free(struct qn_terms_merge *mg)
{
    if (mg == NULL)
        return;
    for (uint32_t i = 0; i < mg->n_inputs; i++)
        qn_terms_iter_free(mg->its[i]);
    free(mg->tree->head);
    free(mg->tree->done);
    free(mg->tree->node);
    free(mg->tree);
    free(mg->its);
    free(mg->hits);
    free(mg);
}

/* Another input with the winner's term has lost against the winner itself, or against one that
 * has: if there is any, one stands on the winner's path. */
static bool has_equal(const struct qn_terms_merge *mg, uint32_t w)
{
    const struct qn__merge_tree *t = mg->tree;
    for (uint32_t k = (w + t->n) / 2; k > 0; k /= 2)
        if (QN_UNLIKELY(t->head[t->node[k]] == t->head[w]) && compare_rest(mg, t->node[k], w) == 0)
            return true;
    return false;
}

static int advance(struct qn_terms_merge *mg, struct qn_err *err)
{
    for (uint32_t i = 0; i < mg->n_hits; i++) {
        uint32_t h = mg->hits[i];
        int rc = note(mg, h, qn_terms_next(mg->its[h], err));
        if (rc < 0)
            return rc;
    }
    /* One leaf that moved replays its path; several were taken out of the tree and come back. */
    if (mg->n_hits == 1)
        replay(mg, mg->hits[0]);
    else if (mg->n_hits > 1)
        mg->tree->node[0] = play(mg, 1);
    return 0;
}

int qn_terms_merge_next(struct qn_terms_merge *mg, struct qn_err *err)
{
    struct qn__merge_tree *t = mg->tree;
    int rc = advance(mg, err);
    mg->n_hits = 0;
    if (rc < 0)
        return rc;
    uint32_t w = t->node[0];
    if (t->done[w])
        return QN_END;
    mg->term = mg->its[w]->term;
    mg->hits[mg->n_hits++] = w;
    if (!has_equal(mg, w))
        return 0;
    do {
        t->done[w] = true;
        t->head[w] = UINT64_MAX;
        replay(mg, w);
        w = t->node[0];
        if (t->done[w] || !qn_str_eq(mg->its[w]->term, mg->term))
            break;
        mg->hits[mg->n_hits++] = w;
    } while (true);
    return 0;
}
