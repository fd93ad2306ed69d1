#include <string.h>

#include "operator_int.h"

/* Documents with all terms, of which those stay whose positions agree. Sloppy phrases follow
 * Lucene: with every position taken relative to its term's place in the phrase, a match spans at
 * most `slop`. */
struct phrase {
    struct qn_op op;
    struct qn_exec *ex;
    struct qn_op *all;
    struct qn_cursor **cus; /* for positions, one per term of the phrase */
    uint32_t *offsets;      /* place of the term in the phrase */
    const uint32_t **pos;   /* of the document being looked at */
    uint32_t *n_pos, *at;
    uint32_t n, slop;
};

static uint32_t phrase_next(struct qn_op *op, uint32_t doc)
{
    struct qn_op *all = ((struct phrase *)op)->all;
    return all->ops->next(all, doc);
}

static int load_positions(struct phrase *ph, uint32_t doc, struct qn_err *err)
{
    for (uint32_t i = 0; i < ph->n; i++) {
        struct qn_cursor *cu = ph->cus[i];
        int rc = qn_cursor_load(cu, qn_cursor_find_block(cu, doc), err);
        if (rc < 0)
            return rc;
        uint32_t k = (uint32_t)ph->ex->simd->lower_bound32(cu->ids, cu->n_ids, doc);
        if (k == cu->n_ids || cu->ids[k] != doc)
            return qn_corrupt(err, "a posting of document %u is gone", doc);
        rc = qn_cursor_positions(cu, k, &ph->pos[i], &ph->n_pos[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static bool has_position(const uint32_t *pos, uint32_t n, int64_t want)
{
    uint32_t lo = 0;
    while (lo < n) {
        uint32_t mid = lo + (n - lo) / 2;
        if (pos[mid] < want)
            lo = mid + 1;
        else if (pos[mid] == want)
            return true;
        else
            n = mid;
    }
    return false;
}

static bool exact_match(const struct phrase *ph)
{
    uint32_t rare = 0;
    for (uint32_t i = 1; i < ph->n; i++)
        rare = ph->n_pos[i] < ph->n_pos[rare] ? i : rare;
    for (uint32_t k = 0; k < ph->n_pos[rare]; k++) {
        int64_t start = (int64_t)ph->pos[rare][k] - ph->offsets[rare];
        uint32_t i = 0;
        while (i < ph->n &&
               (i == rare || has_position(ph->pos[i], ph->n_pos[i], start + ph->offsets[i])))
            i++;
        if (i == ph->n)
            return true;
    }
    return false;
}

static int64_t relative(const struct phrase *ph, uint32_t i)
{
    return (int64_t)ph->pos[i][ph->at[i]] - ph->offsets[i];
}

/* One occurrence of a word cannot stand for two words of the phrase. */
static bool all_distinct(const struct phrase *ph)
{
    for (uint32_t i = 0; i < ph->n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (ph->pos[i][ph->at[i]] == ph->pos[j][ph->at[j]])
                return false;
    return true;
}

/* Moves the earliest of the relative positions until the span fits, or a list ends. */
static bool sloppy_match(const struct phrase *ph)
{
    memset(ph->at, 0, ph->n * sizeof *ph->at);
    for (;;) {
        uint32_t low = 0;
        int64_t high = relative(ph, 0);
        for (uint32_t i = 1; i < ph->n; i++) {
            int64_t r = relative(ph, i);
            high = r > high ? r : high;
            low = r < relative(ph, low) ? i : low;
        }
        if (high - relative(ph, low) <= ph->slop && all_distinct(ph))
            return true;
        if (++ph->at[low] == ph->n_pos[low])
            return false;
    }
}

static int keep_matches(struct phrase *ph, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++) {
        int rc = load_positions(ph, ids[i], err);
        if (rc < 0)
            return rc;
        ids[kept] = ids[i];
        kept += ph->slop == 0 ? exact_match(ph) : sloppy_match(ph);
    }
    *n = kept;
    return 0;
}

static int phrase_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits,
                       struct qn_err *err)
{
    struct phrase *ph = (struct phrase *)op;
    uint64_t all[QN_WINDOW_WORDS];
    enum { STEP = 64 }; /* words whose ids are looked at together */
    uint32_t ids[STEP * 64 + 64];
    size_t words = qn_bits_words(hi - lo);
    memset(all, 0, words * sizeof *all);
    int rc = qn_op_fill(ph->all, lo, hi, all, err);
    for (size_t w = 0; w < words && rc == 0; w += STEP) {
        size_t n_words = words - w < STEP ? words - w : STEP;
        uint32_t n =
            (uint32_t)ph->ex->simd->ids_from_bits(ids, all + w, n_words, lo + (uint32_t)w * 64);
        rc = keep_matches(ph, ids, &n, err);
        for (uint32_t i = 0; i < n && rc == 0; i++)
            qn_bit_set(bits, ids[i] - lo);
    }
    return rc;
}

static void phrase_free(struct qn_op *op)
{
    struct phrase *ph = (struct phrase *)op;
    qn_op_free(ph->all);
    for (uint32_t i = 0; i < ph->n; i++)
        qn_cursor_close(ph->cus[i]);
}

static const struct qn_op_ops phrase_ops = {"phrase", phrase_next, phrase_fill, NULL, phrase_free};

static float exact_freq(const struct phrase *ph)
{
    float n = 0;
    for (uint32_t k = 0; k < ph->n_pos[0]; k++) {
        int64_t start = (int64_t)ph->pos[0][k] - ph->offsets[0];
        uint32_t i = 1;
        while (i < ph->n && has_position(ph->pos[i], ph->n_pos[i], start + ph->offsets[i]))
            i++;
        n += i == ph->n;
    }
    return n;
}

static uint32_t earliest(const struct phrase *ph, uint32_t except)
{
    uint32_t low = except == 0 ? 1 : 0;
    for (uint32_t i = 0; i < ph->n; i++)
        if (i != except && relative(ph, i) < relative(ph, low))
            low = i;
    return low;
}

/* Lucene's way to count: the earliest term moves on as long as the span shrinks; where it passes
 * the next one, the smallest span so far is a match. */
static float sloppy_freq(const struct phrase *ph)
{
    float freq = 0;
    int64_t high = INT64_MIN;
    memset(ph->at, 0, ph->n * sizeof *ph->at);
    for (uint32_t i = 0; i < ph->n; i++)
        high = relative(ph, i) > high ? relative(ph, i) : high;
    uint32_t low = earliest(ph, UINT32_MAX);
    int64_t span = high - relative(ph, low);
    bool distinct = all_distinct(ph);
    while (++ph->at[low] < ph->n_pos[low]) {
        high = relative(ph, low) > high ? relative(ph, low) : high;
        uint32_t next = earliest(ph, low);
        if (relative(ph, low) > relative(ph, next)) {
            if (span <= ph->slop && distinct)
                freq += 1 / (1 + (float)span);
            low = next;
            span = high - relative(ph, low);
            distinct = all_distinct(ph);
        } else if (!distinct || high - relative(ph, low) < span) {
            bool now = all_distinct(ph);
            if (now || !distinct)
                span = high - relative(ph, low);
            distinct = now || distinct;
        }
    }
    if (span <= ph->slop && distinct)
        freq += 1 / (1 + (float)span);
    return freq;
}

int qn__op_phrase_freqs(struct qn_op *op, const uint32_t *ids, uint32_t n, float *freqs,
                        struct qn_err *err)
{
    struct phrase *ph = (struct phrase *)op;
    for (uint32_t i = 0; i < n; i++) {
        freqs[i] = 1;
        if (op->ops != &phrase_ops)
            continue;
        int rc = load_positions(ph, ids[i], err);
        if (rc < 0)
            return rc;
        freqs[i] = ph->slop == 0 ? exact_freq(ph) : sloppy_freq(ph);
    }
    return 0;
}

static int open_terms(struct phrase *ph, struct qn_split_field *fd,
                      const struct qn_op_phrase_term *terms, struct qn_op **must,
                      struct qn_err *err)
{
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    int rc = 0;
    uint32_t n = ph->n;
    for (ph->n = 0; ph->n < n && rc == 0;) {
        uint32_t i = ph->n;
        struct qn_term_info info;
        rc = qn_terms_lookup(it, terms[i].text, err);
        if (rc == 0)
            rc = qn_terms_info(it, &info, err);
        if (rc == 0)
            rc = qn_cursor_open(&ph->cus[i], fd->postings, &info, err);
        if (rc != 0)
            break;
        ph->n++;
        ph->offsets[i] = terms[i].position;
        rc = qn_op_term(&must[i], ph->ex, fd, terms[i].text, err);
    }
    qn_terms_iter_free(it);
    return rc;
}

int qn_op_phrase(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                 const struct qn_op_phrase_term *terms, uint32_t n, uint32_t slop,
                 struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (fd->terms == NULL || fd->postings == NULL) {
        *out = qn_op_none(ex);
        return *out ? 0 : QN_E_BUDGET;
    }
    if (fd->postings->record != QN_RECORD_POSITION)
        return qn_fail(err, QN_E_INVALID,
                       "field " QN_STR_FMT " is indexed without positions: no phrases on it",
                       QN_STR_ARG(fd->name));
    struct phrase *ph = qn_arena_new(ex->ar, struct phrase);
    struct qn_op **must = qn_arena_zalloc(ex->ar, n * sizeof *must);
    if (ph != NULL) {
        ph->cus = qn_arena_zalloc(ex->ar, n * sizeof *ph->cus);
        ph->offsets = qn_arena_array(ex->ar, uint32_t, n);
        ph->pos = qn_arena_zalloc(ex->ar, n * sizeof *ph->pos);
        ph->n_pos = qn_arena_array(ex->ar, uint32_t, n);
        ph->at = qn_arena_array(ex->ar, uint32_t, n);
    }
    if (qn_arena_failed(ex->ar))
        return QN_E_BUDGET;
    ph->ex = ex;
    ph->n = n;
    ph->slop = slop;
    rc = open_terms(ph, fd, terms, must, err);
    if (rc == 0) {
        ph->all = qn_op_and(ex, must, n, NULL, 0);
        rc = ph->all ? 0 : QN_E_BUDGET;
    }
    if (rc != 0) {
        for (uint32_t i = 0; i < n && ph->all == NULL; i++)
            qn_op_free(must[i]);
        phrase_free(&ph->op);
        if (rc < 0)
            return rc;
        *out = qn_op_none(ex); /* a word that no document has */
        return *out ? 0 : QN_E_BUDGET;
    }
    ph->op = (struct qn_op){&phrase_ops, ph->all->estimate, false};
    *out = &ph->op;
    return 0;
}
