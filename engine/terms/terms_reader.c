#include "terms/terms_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/le.h"
#include "base/mem.h"
#include "terms/absence.h"
#include "terms_block_int.h"

struct qn_terms {
    const struct qn_section *sc;
    uint64_t n_terms, text_bytes, sum_df;
    uint64_t absence_offset;
    uint32_t n_blocks, n_buckets, max_len;
    bool has_absence;
    /* In the hot part, unaligned. */
    const char *offsets, *ords, *heads, *sep_ends, *seps;
};

static uint64_t block_at(const struct qn_terms *td, uint32_t b)
{
    return qn_le64(td->offsets + 8 * (size_t)b);
}

static uint64_t first_ord(const struct qn_terms *td, uint32_t b)
{
    return qn_le64(td->ords + 8 * (size_t)b);
}

static struct qn_str separator(const struct qn_terms *td, uint32_t b)
{
    uint32_t from = b ? qn_le32(td->sep_ends + 4 * ((size_t)b - 1)) : 0;
    return qn_str_make(td->seps + from, qn_le32(td->sep_ends + 4 * (size_t)b) - from);
}

static uint64_t head_of(struct qn_str s)
{
    uint8_t head[8] = {0};
    if (s.n != 0)
        memcpy(head, s.p, s.n < 8 ? s.n : 8);
    uint64_t v;
    memcpy(&v, head, 8);
    return __builtin_bswap64(v);
}

/* Every offset that readers will use. */
static int check_hot(const struct qn_terms *td, uint32_t sep_bytes, struct qn_err *err)
{
    uint32_t end = 0;
    for (uint32_t b = 0; b <= td->n_blocks; b++) {
        uint32_t e = qn_le32(td->sep_ends + 4 * (size_t)b);
        if (e < end || e > sep_bytes)
            return qn_corrupt(err, "dictionary: separator %" PRIu32 " is out of bounds", b);
        end = e;
        if (b == td->n_blocks)
            break;
        uint64_t at = block_at(td, b), next = block_at(td, b + 1);
        uint64_t n = first_ord(td, b + 1) - first_ord(td, b);
        if (next > td->sc->n || at > next || next - at > QN_TERMS_BODY_MAX)
            return qn_corrupt(err, "dictionary: block %" PRIu32 " is out of bounds", b);
        if (n == 0 || n > QN_TERMS_PER_BLOCK)
            return qn_corrupt(err, "dictionary: block %" PRIu32 " has a bad ordinal", b);
        if (head_of(separator(td, b)) != qn_le64(td->heads + 8 * (size_t)b))
            return qn_corrupt(err, "dictionary: separator %" PRIu32 " and its head differ", b);
    }
    if (first_ord(td, 0) != 0 || first_ord(td, td->n_blocks) != td->n_terms)
        return qn_corrupt(err, "dictionary: ordinals do not add up");
    return 0;
}

static int parse_hot(struct qn_terms *td, struct qn_str hot, struct qn_err *err)
{
    if (hot.n < QN_TERMS_HOT + 24 || memcmp(hot.p, QN_TERMS_MAGIC, 4) != 0)
        return qn_corrupt(err, "dictionary: no hot part");
    if (qn_le16(hot.p + 4) != QN_TERMS_VERSION)
        return qn_fail(err, QN_E_FORMAT_VERSION, "dictionary: version %u, this build reads %u",
                       qn_le16(hot.p + 4), QN_TERMS_VERSION);
    if (td->sc->ops->crc32c(0, hot.p, hot.n - 4) != qn_le32(hot.p + hot.n - 4))
        return qn_corrupt(err, "dictionary: wrong checksum of the hot part");
    td->has_absence = qn_le16(hot.p + 6) & 1;
    td->n_terms = qn_le64(hot.p + 8);
    td->n_blocks = qn_le32(hot.p + 16);
    uint32_t sep_bytes = qn_le32(hot.p + 20);
    td->text_bytes = qn_le64(hot.p + 24);
    td->sum_df = qn_le64(hot.p + 32);
    td->absence_offset = qn_le64(hot.p + 40);
    td->n_buckets = qn_le32(hot.p + 48);
    td->max_len = qn_le32(hot.p + 52);
    uint64_t nb = td->n_blocks;
    if (QN_TERMS_HOT + 16 * (nb + 1) + 8 * nb + 4 * (nb + 1) + sep_bytes + 4 != hot.n)
        return qn_corrupt(err, "dictionary: wrong length of the hot part");
    if (td->max_len > QN_TERM_MAX_BYTES)
        return qn_corrupt(err, "dictionary: longest term has %" PRIu32 " bytes", td->max_len);
    td->offsets = hot.p + QN_TERMS_HOT;
    td->ords = td->offsets + 8 * (nb + 1);
    td->heads = td->ords + 8 * (nb + 1);
    td->sep_ends = td->heads + 8 * nb;
    td->seps = td->sep_ends + 4 * (nb + 1);
    return check_hot(td, sep_bytes, err);
}

int qn_terms_open(struct qn_terms **out, struct qn_str hot, const struct qn_section *sc,
                  struct qn_err *err)
{
    *out = NULL;
    struct qn_terms *td = qn_xcalloc(1, sizeof *td);
    td->sc = sc;
    int rc = parse_hot(td, hot, err);
    if (rc < 0)
        free(td);
    else
        *out = td;
    return rc;
}

void qn_terms_free(struct qn_terms *td)
{
    free(td);
}

uint64_t qn_terms_count(const struct qn_terms *td)
{
    return td->n_terms;
}

uint64_t qn_terms_sum_df(const struct qn_terms *td)
{
    return td->sum_df;
}

uint64_t qn_terms_text_bytes(const struct qn_terms *td)
{
    return td->text_bytes;
}

uint64_t qn_terms_block_bytes(const struct qn_terms *td)
{
    return block_at(td, td->n_blocks) - block_at(td, 0);
}

struct qn_str qn_terms_first(const struct qn_terms *td)
{
    return td->n_blocks ? separator(td, 0) : QN_STR_NONE;
}

struct qn_str qn_terms_last(const struct qn_terms *td)
{
    return td->n_blocks ? separator(td, td->n_blocks) : QN_STR_NONE;
}

/* The last block whose separator is <= key, or 0: the only one that can hold key. */
static uint32_t find_block(const struct qn_terms *td, struct qn_str key)
{
    uint64_t head = head_of(key);
    uint32_t lo = 0, hi = td->n_blocks;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        uint64_t h = qn_le64(td->heads + 8 * (size_t)mid);
        bool before = h < head || (h == head && qn_str_cmp(separator(td, mid), key) <= 0);
        lo = before ? mid : lo;
        hi = before ? hi : mid;
    }
    return lo;
}

static uint32_t find_ord(const struct qn_terms *td, qn_ord ord)
{
    uint32_t lo = 0, hi = td->n_blocks;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (first_ord(td, mid) <= ord)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

void qn_terms_prefetch(const struct qn_terms *td, struct qn_str from, struct qn_str to)
{
    if (td->n_blocks == 0)
        return;
    uint64_t at = block_at(td, find_block(td, from));
    qn_section_prefetch(td->sc, at, block_at(td, find_block(td, to) + 1) - at);
}

struct qn_terms_iter *qn_terms_iter_new(const struct qn_terms *td)
{
    struct qn_terms_iter *it = qn_xcalloc(1, sizeof *it);
    it->td = td;
    it->ord = td->n_terms;
    it->blk = qn__terms_block_new(td->max_len);
    return it;
}

void qn_terms_iter_free(struct qn_terms_iter *it)
{
    if (it == NULL)
        return;
    qn__terms_block_free(it->blk);
    free(it);
}

static int load(struct qn_terms_iter *it, uint32_t b, struct qn_err *err)
{
    const struct qn_terms *td = it->td;
    uint64_t at = block_at(td, b);
    return qn__terms_block_load(it->blk, td->sc, b, at, block_at(td, b + 1) - at,
                                (uint32_t)(first_ord(td, b + 1) - first_ord(td, b)), err);
}

static int at_end(struct qn_terms_iter *it)
{
    it->ord = it->td->n_terms;
    it->term = QN_STR_NONE;
    return QN_END;
}

/* On term `index` of the loaded block. */
static void stand_on(struct qn_terms_iter *it, uint32_t index)
{
    struct qn__terms_block *b = it->blk;
    qn__terms_block_goto(b, it->td->sc->ops, index);
    b->index = index;
    it->ord = first_ord(it->td, b->block) + index;
    it->term = qn__terms_block_term(b);
    it->shared = 0;
}

int qn_terms_lookup(struct qn_terms_iter *it, struct qn_str term, struct qn_err *err)
{
    if (it->td->n_blocks == 0)
        return at_end(it);
    uint32_t b = find_block(it->td, term);
    int rc = load(it, b, err);
    if (rc < 0)
        return rc;
    bool equal;
    uint32_t i = qn__terms_block_search(it->blk, it->td->sc->ops, term, &equal);
    if (!equal)
        return at_end(it);
    it->blk->index = i;
    it->ord = first_ord(it->td, b) + i;
    it->term = term;
    return 0;
}

int qn_terms_seek(struct qn_terms_iter *it, struct qn_str from, struct qn_err *err)
{
    if (it->td->n_blocks == 0)
        return at_end(it);
    uint32_t b = find_block(it->td, from);
    int rc = load(it, b, err);
    if (rc < 0)
        return rc;
    bool equal;
    uint32_t i = qn__terms_block_search(it->blk, it->td->sc->ops, from, &equal);
    if (i == it->blk->n) {
        if (b + 1 == it->td->n_blocks)
            return at_end(it);
        rc = load(it, b + 1, err);
        if (rc < 0)
            return rc;
        i = 0;
    }
    stand_on(it, i);
    return 0;
}

int qn_terms_seek_ord(struct qn_terms_iter *it, qn_ord ord, struct qn_err *err)
{
    if (ord >= it->td->n_terms)
        return at_end(it);
    uint32_t b = find_ord(it->td, ord);
    int rc = load(it, b, err);
    if (rc == 0)
        stand_on(it, (uint32_t)(ord - first_ord(it->td, b)));
    return rc;
}

/* The first term of the block after the current one. */
static int next_block(struct qn_terms_iter *it, struct qn_err *err)
{
    struct qn__terms_block *b = it->blk;
    if (b->block + 1 == it->td->n_blocks)
        return at_end(it);
    size_t n = it->term.n;
    memcpy(b->other, it->term.p, n);
    int rc = load(it, b->block + 1, err);
    if (rc < 0)
        return rc;
    stand_on(it, 0);
    it->shared = (uint32_t)qn__terms_common(b->other, it->term.p, n < it->term.n ? n : it->term.n);
    return 0;
}

int qn_terms_next(struct qn_terms_iter *it, struct qn_err *err)
{
    struct qn__terms_block *b = it->blk;
    if (it->ord >= it->td->n_terms)
        return QN_END;
    if (b->index + 1 >= b->n)
        return next_block(it, err);
    if (b->walked != b->index)
        qn__terms_block_goto(b, it->td->sc->ops, b->index);
    it->shared = qn__terms_block_step(b, it->td->sc->ops);
    it->term = qn__terms_block_term(b);
    b->index++;
    it->ord++;
    return 0;
}

int qn_terms_info(struct qn_terms_iter *it, struct qn_term_info *info, struct qn_err *err)
{
    if (it->ord >= it->td->n_terms)
        return qn_fail(err, QN_E_BUG, "the iterator is on no term");
    qn__terms_block_info(it->blk, it->td->sc->ops, it->blk->index, info);
    return 0;
}

int qn_terms_prefix(struct qn_terms_iter *it, struct qn_str prefix, qn_ord *lo, qn_ord *hi,
                    struct qn_err *err)
{
    int rc = qn_terms_seek(it, prefix, err);
    *lo = *hi = it->ord;
    if (rc != 0)
        return rc < 0 ? rc : 0;
    /* The end is the first term >= the prefix with its last byte below 0xff counted up. */
    size_t n = prefix.n;
    if (n > it->td->max_len)
        return 0;
    while (n > 0 && (uint8_t)prefix.p[n - 1] == 0xff)
        n--;
    *hi = it->td->n_terms;
    if (n == 0)
        return 0;
    char *next = qn_xmalloc(n);
    memcpy(next, prefix.p, n);
    next[n - 1]++;
    rc = qn_terms_seek(it, qn_str_make(next, n), err);
    free(next);
    *hi = it->ord;
    return rc < 0 ? rc : 0;
}

int qn_terms_of_ords(struct qn_terms_iter *it, const qn_ord *ords, size_t n, struct qn_arena *ar,
                     struct qn_str *out, struct qn_err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct qn__terms_block *b = it->blk;
        uint64_t base = b->block != UINT32_MAX ? first_ord(it->td, b->block) : 0;
        int rc = 0;
        if (b->block != UINT32_MAX && ords[i] >= base && ords[i] - base < b->n)
            stand_on(it, (uint32_t)(ords[i] - base));
        else
            rc = qn_terms_seek_ord(it, ords[i], err);
        if (rc == QN_END)
            return qn_fail(err, QN_E_RANGE, "no term has ordinal %" PRIu64, ords[i]);
        if (rc < 0)
            return rc;
        out[i] = qn_arena_str(ar, it->term);
        if (out[i].p == NULL)
            return qn_fail(err, QN_E_BUDGET, "no memory for %zu terms", n);
    }
    return 0;
}

bool qn_terms_has_absence(const struct qn_terms *td)
{
    return td->has_absence;
}

int qn_terms_may_have(const struct qn_terms *td, const struct qn_section *absence,
                      struct qn_str term, bool *may, struct qn_err *err)
{
    *may = true;
    if (!td->has_absence || absence == NULL)
        return 0;
    return qn_absence_test(absence, td->absence_offset, td->n_buckets, qn_hash_str(term), may, err);
}
