#include "postings/postings_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/le.h"
#include "base/varint.h"
#include "cursor_int.h"

int qn_postings_open(struct qn_postings *ps, struct qn_str hot, const struct qn_section *lists,
                     const struct qn_section *positions, uint32_t n_docs,
                     const struct qn_simd_ops *ops, struct qn_err *err)
{
    if (hot.n < QN_POSTINGS_HOT + 11 || memcmp(hot.p, QN_POSTINGS_MAGIC, 4) != 0)
        return qn_corrupt(err, "postings: no hot part");
    if (qn_le16(hot.p + 4) != QN_POSTINGS_VERSION)
        return qn_fail(err, QN_E_FORMAT_VERSION, "postings: version %u, this build reads %u",
                       qn_le16(hot.p + 4), QN_POSTINGS_VERSION);
    if (ops->crc32c(0, hot.p, hot.n - 4) != qn_le32(hot.p + hot.n - 4))
        return qn_corrupt(err, "postings: wrong checksum of the hot part");
    uint8_t record = (uint8_t)hot.p[6];
    ps->ops = ops;
    ps->lists = lists;
    ps->positions = positions;
    ps->record = record;
    ps->has_norms = hot.p[7] & 1;
    ps->n_docs = n_docs;
    ps->sum_df = qn_le64(hot.p + 8);
    ps->sum_tf = qn_le64(hot.p + 16);
    ps->doc_count = qn_le32(hot.p + 24);
    ps->n_lists = qn_le32(hot.p + 28);
    ps->list_bytes = qn_le64(hot.p + 32);
    ps->position_bytes = qn_le64(hot.p + 40);
    struct qn_str codes = qn_str_make(hot.p + QN_POSTINGS_HOT, hot.n - QN_POSTINGS_HOT - 4);
    int used = qn_impacts_get(&ps->impacts, codes, err);
    if (used < 0)
        return used;
    if ((size_t)used != codes.n || record > QN_RECORD_POSITION ||
        (record != QN_RECORD_BASIC && ps->impacts.n == 0) ||
        (record == QN_RECORD_POSITION && positions == NULL))
        return qn_corrupt(err, "postings: bad hot part");
    return 0;
}

void qn_postings_prefetch(const struct qn_postings *ps, const struct qn_term_info *info)
{
    if (info->kind == QN_TERM_LIST)
        qn_section_prefetch(ps->lists, info->offset, info->len);
}

static void forget_list(struct qn_cursor *cu)
{
    struct qn__cursor *pr = cu->priv;
    qn_slice_release(&pr->bodies.slice);
    qn_slice_release(&pr->positions.slice);
    qn_slice_release(&pr->head);
    pr->bodies = pr->positions = (struct qn__group){.group = UINT32_MAX};
    pr->form = QN__LIST_NONE;
    pr->whole = pr->codes_ready = pr->gaps_ready = false;
    pr->sum_tf = 0;
    cu->df = cu->n_blocks = cu->n_ids = cu->n_escapes = 0;
    cu->max_code = 0;
    cu->block = UINT32_MAX;
    cu->doc = cu->index = 0;
}

int qn_cursor_reopen(struct qn_cursor *cu, const struct qn_postings *ps,
                     const struct qn_term_info *info, struct qn_err *err)
{
    forget_list(cu);
    cu->ps = ps;
    int rc = info->kind == QN_TERM_LIST ? qn__cursor_open_list(cu, info, err)
                                        : qn__cursor_open_inline(cu, info, err);
    if (rc < 0)
        forget_list(cu);
    return rc;
}

int qn_cursor_open(struct qn_cursor **out, const struct qn_postings *ps,
                   const struct qn_term_info *info, struct qn_err *err)
{
    *out = NULL;
    struct qn_cursor *cu = qn_xcalloc(1, sizeof *cu);
    cu->priv = qn_xcalloc(1, sizeof *cu->priv);
    cu->ids = cu->priv->ids;
    cu->codes = cu->priv->codes;
    cu->escapes = cu->priv->escapes;
    int rc = qn_cursor_reopen(cu, ps, info, err);
    if (rc < 0)
        qn_cursor_close(cu);
    else
        *out = cu;
    return rc;
}

void qn_cursor_close(struct qn_cursor *cu)
{
    if (cu == NULL)
        return;
    forget_list(cu);
    free(cu->priv->copy);
    free(cu->priv->pos);
    free(cu->priv);
    free(cu);
}

uint64_t qn_cursor_sum_tf(const struct qn_cursor *cu)
{
    return cu->priv->sum_tf;
}

/* ---- blocks */

struct qn__block_shape qn__cursor_shape(const struct qn_cursor *cu, uint32_t b)
{
    const struct qn__cursor *pr = cu->priv;
    if (pr->form != QN__LIST_LONG)
        return (struct qn__block_shape){cu->df, pr->one_first, pr->one_last, pr->one_kind};
    return (struct qn__block_shape){pr->counts[b] + 1u, cu->first[b], cu->last[b], pr->kinds[b]};
}

uint32_t qn_cursor_find_block(const struct qn_cursor *cu, uint32_t doc)
{
    return (uint32_t)cu->ps->ops->lower_bound32(cu->last, cu->n_blocks, doc);
}

int qn_cursor_load(struct qn_cursor *cu, uint32_t block, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    if (cu->block == block)
        return 0;
    if (block >= cu->n_blocks)
        return qn_fail(err, QN_E_BUG, "postings: the list has no block %" PRIu32, block);
    cu->index = 0;
    if (pr->form == QN__LIST_INLINE) {
        cu->block = 0;
        cu->n_ids = cu->df;
        return 0;
    }
    struct qn_str body;
    cu->block = UINT32_MAX;
    pr->codes_ready = pr->gaps_ready = false;
    int rc = qn__cursor_body(cu, block, &body, err);
    if (rc < 0)
        return rc;
    struct qn__block_shape sh = qn__cursor_shape(cu, block);
    rc = qn__block_get_docs(cu->ids, cu->ps->ops, (const uint8_t *)body.p, &sh, err);
    if (rc < 0)
        return rc;
    cu->n_ids = sh.n;
    cu->block = block;
    return 0;
}

int qn_cursor_next_block(struct qn_cursor *cu, struct qn_err *err)
{
    uint32_t next = cu->block == UINT32_MAX ? 0 : cu->block + 1;
    return next < cu->n_blocks ? qn_cursor_load(cu, next, err) : QN_END;
}

int qn_cursor_codes(struct qn_cursor *cu, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    if (cu->ps->record == QN_RECORD_BASIC || cu->block == UINT32_MAX)
        return qn_fail(err, QN_E_UNSUPPORTED, "postings: this field keeps no frequencies");
    if (pr->codes_ready)
        return 0;
    struct qn_str body;
    int rc = qn__cursor_body(cu, cu->block, &body, err);
    if (rc < 0)
        return rc;
    const uint8_t *p = (const uint8_t *)body.p;
    struct qn__block_shape sh = qn__cursor_shape(cu, cu->block);
    struct qn__block_codes bc = {cu->codes, cu->escapes, cu->n_ids, 0};
    rc = qn__block_get_codes(&bc, cu->ps->ops, p + qn__block_docs_bytes(&sh), p + body.n, err);
    cu->n_escapes = bc.n_escapes;
    pr->codes_ready = rc >= 0;
    return rc < 0 ? rc : 0;
}

int qn_cursor_tfs(struct qn_cursor *cu, uint32_t *tfs, struct qn_err *err)
{
    if (cu->ps->record == QN_RECORD_BASIC) {
        for (uint32_t i = 0; i < cu->n_ids; i++)
            tfs[i] = 1;
        return 0;
    }
    int rc = qn_cursor_codes(cu, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < cu->n_ids; i++)
        tfs[i] = cu->ps->impacts.tf[cu->codes[i]];
    for (uint32_t i = 0; i < cu->n_escapes; i++)
        tfs[cu->escapes[i].index] = cu->escapes[i].tf;
    return 0;
}

/* Gaps of n positions, from either form. */
static int get_gaps(struct qn_cursor *cu, struct qn_str bytes, size_t n, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    const uint8_t *p = (const uint8_t *)bytes.p, *end = p + bytes.n;
    if (pr->form != QN__LIST_INLINE)
        return qn__positions_get(pr->pos, cu->ps->ops, p, end, n, err);
    for (size_t i = 0; i < n; i++) {
        uint64_t v;
        size_t used = qn_varint_get(p, end, &v);
        if (used == 0)
            return qn_corrupt(err, "postings: bad inline positions");
        pr->pos[i] = (uint32_t)v;
        p += used;
    }
    return 0;
}

/* Decodes the gaps of the loaded block; most callers want the positions of a few documents only, so
 * adding them up is left to them. */
static int ready_gaps(struct qn_cursor *cu, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    if (pr->gaps_ready)
        return 0;
    if (cu->ps->record != QN_RECORD_POSITION || cu->block == UINT32_MAX)
        return qn_fail(err, QN_E_UNSUPPORTED, "postings: this field keeps no positions");
    uint32_t tfs[QN_POSTINGS_BLOCK];
    struct qn_str bytes;
    int rc = qn_cursor_tfs(cu, tfs, err);
    if (rc == 0)
        rc = qn__cursor_pos_bytes(cu, cu->block, &bytes, err);
    if (rc < 0)
        return rc;
    uint64_t total = 0;
    for (uint32_t i = 0; i < cu->n_ids; i++) {
        pr->start[i] = (uint32_t)total;
        total += tfs[i];
    }
    /* Two bytes stand for at most 256 positions: damaged counts cannot ask for more memory. */
    if (total > 128 * (uint64_t)bytes.n)
        return qn_corrupt(err, "postings: more positions than bytes can hold");
    pr->start[cu->n_ids] = (uint32_t)total;
    if (total + 32 > pr->pos_cap) {
        free(pr->pos);
        pr->pos_cap = 2 * (size_t)total + 512;
        pr->pos = qn_xmalloc(pr->pos_cap * sizeof *pr->pos);
    }
    rc = get_gaps(cu, bytes, (size_t)total, err);
    memset(pr->summed, 0, sizeof pr->summed);
    pr->gaps_ready = rc == 0;
    return rc;
}

static void sum_gaps(struct qn__cursor *pr, uint32_t index)
{
    if (qn_bit_get(pr->summed, index))
        return;
    for (uint32_t k = pr->start[index] + 1; k < pr->start[index + 1]; k++)
        pr->pos[k] += pr->pos[k - 1];
    qn_bit_set(pr->summed, index);
}

int qn_cursor_positions(struct qn_cursor *cu, uint32_t index, const uint32_t **pos, uint32_t *n,
                        struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    *n = 0;
    *pos = NULL;
    int rc = ready_gaps(cu, err);
    if (rc < 0)
        return rc;
    QN_ASSERT(index < cu->n_ids);
    sum_gaps(pr, index);
    *pos = pr->pos + pr->start[index];
    *n = pr->start[index + 1] - pr->start[index];
    return 0;
}

int qn_cursor_block_positions(struct qn_cursor *cu, const uint32_t **pos, const uint32_t **start,
                              struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    *pos = *start = NULL;
    int rc = ready_gaps(cu, err);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < cu->n_ids; i++)
        sum_gaps(pr, i);
    *pos = pr->pos;
    *start = pr->start;
    return 0;
}

bool qn__cursor_is_long(const struct qn_cursor *cu)
{
    return cu->priv->form == QN__LIST_LONG;
}

int qn__cursor_raw_block(struct qn_cursor *cu, uint32_t b, struct qn__raw_block *out,
                         struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    *out = (struct qn__raw_block){.shape = qn__cursor_shape(cu, b), .max_code = pr->maxima[b]};
    int rc = qn__cursor_body(cu, b, &out->body, err);
    if (rc == 0 && cu->ps->record == QN_RECORD_POSITION)
        rc = qn__cursor_pos_bytes(cu, b, &out->positions, err);
    return rc;
}
