/* Opening a list: where its parts are, and that they are where they can be. All offsets and bounds
 * of the skip data are checked once per mapping; what reads blocks then trusts them. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/le.h"
#include "base/varint.h"
#include "cursor_int.h"

enum { FIRST_READ = 256 * 1024 };

/* ---- entries of the dictionary */

static int bad_inline(struct qn_err *err)
{
    return qn_corrupt(err, "postings: bad inline postings");
}

static int open_one(struct qn_cursor *cu, const struct qn_term_info *info, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    const struct qn_postings *ps = cu->ps;
    uint32_t n_codes = ps->impacts.n;
    pr->ids[0] = info->doc;
    pr->codes[0] = (uint8_t)(n_codes ? info->aux % n_codes : 0);
    if (ps->record == QN_RECORD_FREQ && info->aux >= n_codes)
        return bad_inline(err);
    size_t n = ps->record == QN_RECORD_POSITION ? qn_varint_put(pr->bytes, info->aux / n_codes) : 0;
    pr->pos_bytes = qn_str_make(pr->bytes, n);
    return 0;
}

static int get_inline(struct qn_cursor *cu, uint32_t df, const uint8_t *p, const uint8_t *end,
                      struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    uint64_t prev = UINT64_MAX, v;
    for (uint32_t i = 0; i < df; i++) {
        size_t used = qn_varint_get(p, end, &v);
        if (used == 0 || v >= cu->ps->n_docs)
            return bad_inline(err);
        p += used;
        prev += v + 1;
        if (prev >= cu->ps->n_docs)
            return bad_inline(err);
        pr->ids[i] = (uint32_t)prev;
        if (cu->ps->record == QN_RECORD_BASIC)
            continue;
        if (p == end)
            return bad_inline(err);
        pr->codes[i] = *p++;
        if (pr->codes[i] != QN_IMPACT_ESCAPE)
            continue;
        used = qn_varint_get(p, end, &v);
        if (used == 0 || v == 0 || v > UINT32_MAX || p + used == end)
            return bad_inline(err);
        pr->escapes[cu->n_escapes++] = (struct qn_escape){i, (uint32_t)v, p[used]};
        p += used + 1;
    }
    pr->pos_bytes = qn_str_make(p, (size_t)(end - p));
    return 0;
}

int qn__cursor_open_inline(struct qn_cursor *cu, const struct qn_term_info *info,
                           struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    int rc;
    pr->form = QN__LIST_INLINE;
    if (info->kind == QN_TERM_ONE) {
        bool sound = info->df == 1 && info->doc < cu->ps->n_docs;
        rc = sound ? open_one(cu, info, err) : bad_inline(err);
    } else {
        if (info->len == 0 && info->df != 0)
            return qn_fail(err, QN_E_UNSUPPORTED, "this field keeps no postings");
        if (info->len > QN_TERM_INLINE_MAX || info->df == 0 || info->df > info->len)
            return bad_inline(err);
        memcpy(pr->bytes, info->bytes, info->len);
        rc = get_inline(cu, info->df, pr->bytes, pr->bytes + info->len, err);
    }
    if (rc < 0)
        return rc;
    cu->df = info->df;
    cu->n_blocks = 1;
    pr->one_first = pr->ids[0];
    pr->one_last = pr->ids[cu->df - 1];
    pr->codes_ready = true;
    for (uint32_t i = 0; cu->ps->record != QN_RECORD_BASIC && i < cu->df; i++)
        cu->max_code = pr->codes[i] > cu->max_code ? pr->codes[i] : cu->max_code;
    cu->first = &pr->one_first;
    cu->last = &pr->one_last;
    return 0;
}

/* ---- short lists */

static int open_short(struct qn_cursor *cu, const struct qn_term_info *info, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    const struct qn_section *sc = cu->ps->lists;
    int rc = qn_section_read(sc, pr->list_at, pr->list_len, &pr->head, err);
    if (rc < 0)
        return rc;
    const uint8_t *h = pr->head.p;
    if (!qn_section_is_good(sc, pr->list_at, &pr->head)) {
        rc = qn_section_verify(sc, pr->list_at, h + 4, pr->list_len - 4, qn_le32(h), err);
        if (rc < 0)
            return rc;
        qn_section_mark_good(sc, pr->list_at, &pr->head);
    }
    size_t body = (size_t)h[6] | (size_t)h[7] << 8;
    pr->form = QN__LIST_SHORT;
    pr->one_kind = h[4];
    pr->one_first = qn_le32(h + 8);
    pr->one_last = qn_le32(h + 12);
    struct qn__block_shape sh = {info->df, pr->one_first, pr->one_last, pr->one_kind};
    size_t docs = qn__block_docs_bytes(&sh);
    if (body > pr->list_len - QN_LIST_SHORT_HEAD || docs > body || pr->one_last >= cu->ps->n_docs)
        return qn_corrupt(err, "postings: bad list at %" PRIu64, pr->list_at);
    pr->body = qn_str_make(h + QN_LIST_SHORT_HEAD, body);
    pr->pos_bytes = qn_str_make(pr->body.p + body, pr->list_len - QN_LIST_SHORT_HEAD - body);
    cu->df = info->df;
    cu->n_blocks = 1;
    cu->max_code = h[5];
    cu->first = &pr->one_first;
    cu->last = &pr->one_last;
    return 0;
}

/* ---- long lists */

static uint64_t head_bytes(uint64_t n_blocks, bool positions)
{
    uint64_t n_groups = (n_blocks + QN_POSTINGS_GROUP - 1) / QN_POSTINGS_GROUP;
    uint64_t n = QN_LIST_HEAD + n_blocks * (positions ? 16 : 12) + n_groups * (positions ? 16 : 8) +
                 3 * n_blocks;
    return (n + QN_LIST_ALIGN - 1) / QN_LIST_ALIGN * QN_LIST_ALIGN;
}

/* Points into the head, or into an aligned copy of it. */
static void lay_out(struct qn_cursor *cu)
{
    struct qn__cursor *pr = cu->priv;
    const uint8_t *h = pr->head.p;
    if ((uintptr_t)h % 4 != 0) {
        size_t words = (size_t)pr->head_len / 4 + QN_PAD / 4;
        if (words > pr->copy_cap) {
            free(pr->copy);
            pr->copy = qn_xmalloc(words * 4);
            pr->copy_cap = words;
        }
        memcpy(pr->copy, h, pr->head_len);
        h = (const uint8_t *)pr->copy;
    }
    bool positions = cu->ps->record == QN_RECORD_POSITION;
    uint32_t n = cu->n_blocks, g = pr->n_groups;
    const uint32_t *p = (const uint32_t *)(const void *)(h + QN_LIST_HEAD);
    cu->first = p;
    cu->last = p += n;
    pr->end = p += n;
    pr->pend = positions ? p += n : NULL;
    pr->gat = p += n;
    pr->gcrc = p += g;
    p += g;
    pr->pat = pr->pcrc = NULL;
    if (positions) {
        pr->pat = p;
        pr->pcrc = p += g;
        p += g;
    }
    pr->kinds = (const uint8_t *)p;
    pr->counts = pr->kinds + n;
    pr->maxima = pr->counts + n;
}

static uint32_t group_blocks(const struct qn_cursor *cu, uint32_t g)
{
    uint32_t left = cu->n_blocks - g * QN_POSTINGS_GROUP;
    return left < QN_POSTINGS_GROUP ? left : QN_POSTINGS_GROUP;
}

/* The last block of group g. */
static uint32_t last_block(const struct qn_cursor *cu, uint32_t g)
{
    return g * QN_POSTINGS_GROUP + group_blocks(cu, g) - 1;
}

static bool block_is_sound(const struct qn_cursor *cu, uint32_t b)
{
    const struct qn__cursor *pr = cu->priv;
    bool opens = b % QN_POSTINGS_GROUP == 0;
    uint32_t from = opens ? 0 : pr->end[b - 1];
    uint32_t pfrom = opens || !pr->pend ? 0 : pr->pend[b - 1];
    if (pr->end[b] < from || (pr->pend && pr->pend[b] < pfrom))
        return false;
    if (b > 0 && cu->first[b] <= cu->last[b - 1])
        return false;
    struct qn__block_shape sh = qn__cursor_shape(cu, b);
    return qn__block_docs_bytes(&sh) <= pr->end[b] - from;
}

static int check_long(const struct qn_cursor *cu, struct qn_err *err)
{
    const struct qn__cursor *pr = cu->priv;
    uint64_t bodies = pr->list_len - pr->head_len, df = 0;
    uint64_t positions = pr->pat ? cu->ps->positions->n - pr->pos_at : 0;
    for (uint32_t b = 0; b < cu->n_blocks; b++) {
        if (!block_is_sound(cu, b))
            return qn_corrupt(err, "postings: bad block %" PRIu32 " of the list at %" PRIu64, b,
                              pr->list_at);
        df += pr->counts[b] + 1u;
    }
    for (uint32_t g = 0; g < pr->n_groups; g++) {
        uint32_t last = last_block(cu, g);
        if ((uint64_t)pr->gat[g] + pr->end[last] > bodies || pr->gat[g] % QN_LIST_ALIGN != 0 ||
            (pr->pat && (uint64_t)pr->pat[g] + pr->pend[last] > positions))
            return qn_corrupt(err, "postings: bad group %" PRIu32 " of the list at %" PRIu64, g,
                              pr->list_at);
    }
    if (df != cu->df || cu->last[cu->n_blocks - 1] >= cu->ps->n_docs)
        return qn_corrupt(err, "postings: wrong counts in the list at %" PRIu64, pr->list_at);
    return 0;
}

/* Reads the head; the rest as well when that costs nothing or little. */
static int read_head(struct qn_cursor *cu, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    const struct qn_section *sc = cu->ps->lists;
    size_t n = pr->list_len < FIRST_READ ? (size_t)pr->list_len : FIRST_READ;
    int rc = qn_section_read(sc, pr->list_at, n, &pr->head, err);
    if (rc < 0)
        return rc;
    uint64_t n_blocks = qn_le32(pr->head.p + 4);
    pr->head_len = head_bytes(n_blocks, cu->ps->record == QN_RECORD_POSITION);
    if (n_blocks < 2 || pr->head_len > pr->list_len)
        return qn_corrupt(err, "postings: bad head of the list at %" PRIu64, pr->list_at);
    cu->n_blocks = (uint32_t)n_blocks;
    pr->n_groups = (cu->n_blocks + QN_POSTINGS_GROUP - 1) / QN_POSTINGS_GROUP;
    bool mapped = pr->head.hold == NULL;
    pr->whole = mapped || n == pr->list_len;
    if (n == pr->list_len || (!mapped && pr->head_len <= n))
        return 0;
    qn_slice_release(&pr->head);
    return qn_section_read(sc, pr->list_at, mapped ? pr->list_len : pr->head_len, &pr->head, err);
}

static int open_long(struct qn_cursor *cu, const struct qn_term_info *info, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    const struct qn_section *sc = cu->ps->lists;
    pr->form = QN__LIST_LONG;
    int rc = read_head(cu, err);
    if (rc < 0)
        return rc;
    const uint8_t *h = pr->head.p;
    cu->df = info->df;
    cu->max_code = h[12];
    pr->sum_tf = qn_le64(h + 16);
    pr->pos_at = qn_le64(h + 24);
    bool good = qn_section_is_good(sc, pr->list_at, &pr->head);
    if (!good) {
        /* The padding at the end of the head is not summed. */
        bool positions = cu->ps->record == QN_RECORD_POSITION;
        uint64_t n = QN_LIST_HEAD + (positions ? 19ull : 15ull) * cu->n_blocks +
                     (positions ? 16ull : 8ull) * pr->n_groups;
        rc = qn_section_verify(sc, pr->list_at, h + 4, (size_t)n - 4, qn_le32(h), err);
        if (rc < 0)
            return rc;
        if (qn_le32(h + 8) != cu->df || (positions && pr->pos_at > cu->ps->positions->n))
            return qn_corrupt(err, "postings: bad head of the list at %" PRIu64, pr->list_at);
    }
    lay_out(cu);
    if (!good) {
        rc = check_long(cu, err);
        if (rc < 0)
            return rc;
        qn_section_mark_good(sc, pr->list_at, &pr->head);
    }
    return 0;
}

int qn__cursor_open_list(struct qn_cursor *cu, const struct qn_term_info *info, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    bool is_long = info->df > QN_POSTINGS_BLOCK;
    pr->list_at = info->offset;
    pr->list_len = info->len;
    if (info->len < (is_long ? (uint64_t)QN_LIST_HEAD : QN_LIST_SHORT_HEAD) ||
        info->len > cu->ps->lists->n || info->offset % QN_LIST_ALIGN != 0)
        return qn_corrupt(err, "postings: bad list [%" PRIu64 ", +%" PRIu64 ")", info->offset,
                          info->len);
    return is_long ? open_long(cu, info, err) : open_short(cu, info, err);
}

/* ---- groups */

/* Where a group is, and its checksum. */
struct unit {
    uint64_t at;
    size_t n;
    uint32_t crc;
};

static int load_group(struct qn_cursor *cu, const struct qn_section *sc, struct qn__group *gr,
                      uint32_t g, struct unit un, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    bool whole = sc == cu->ps->lists && pr->whole;
    gr->group = UINT32_MAX;
    qn_slice_release(&gr->slice);
    if (whole) {
        /* Borrowed from the slice of the head, which stays: nothing to drop here. */
        gr->slice = (struct qn_slice){pr->head.p + (un.at - pr->list_at), un.n, NULL, NULL};
    } else {
        int rc = qn_section_read(sc, un.at, un.n, &gr->slice, err);
        if (rc < 0)
            return rc;
    }
    const struct qn_slice *source = whole ? &pr->head : &gr->slice;
    if (un.n != 0 && !qn_section_is_good(sc, un.at, source)) {
        int rc = qn_section_verify(sc, un.at, gr->slice.p, un.n, un.crc, err);
        if (rc < 0)
            return rc;
        qn_section_mark_good(sc, un.at, source);
    }
    gr->group = g;
    return 0;
}

int qn__cursor_body(struct qn_cursor *cu, uint32_t b, struct qn_str *body, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    if (pr->form != QN__LIST_LONG) {
        *body = pr->body;
        return 0;
    }
    uint32_t g = b / QN_POSTINGS_GROUP;
    if (pr->bodies.group != g) {
        struct unit un = {pr->list_at + pr->head_len + pr->gat[g], pr->end[last_block(cu, g)],
                          pr->gcrc[g]};
        int rc = load_group(cu, cu->ps->lists, &pr->bodies, g, un, err);
        if (rc < 0)
            return rc;
    }
    uint32_t from = b % QN_POSTINGS_GROUP ? pr->end[b - 1] : 0;
    *body = qn_str_make(pr->bodies.slice.p + from, pr->end[b] - from);
    return 0;
}

int qn__cursor_pos_bytes(struct qn_cursor *cu, uint32_t b, struct qn_str *bytes, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    if (pr->form != QN__LIST_LONG) {
        *bytes = pr->pos_bytes;
        return 0;
    }
    uint32_t g = b / QN_POSTINGS_GROUP;
    if (pr->positions.group != g) {
        struct unit un = {pr->pos_at + pr->pat[g], pr->pend[last_block(cu, g)], pr->pcrc[g]};
        int rc = load_group(cu, cu->ps->positions, &pr->positions, g, un, err);
        if (rc < 0)
            return rc;
    }
    uint32_t from = b % QN_POSTINGS_GROUP ? pr->pend[b - 1] : 0;
    *bytes = qn_str_make(pr->positions.slice.p + from, pr->pend[b] - from);
    return 0;
}
