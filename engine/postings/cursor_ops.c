/* Windows, leaps and probes over a cursor's blocks. */
#include "cursor_int.h"

int qn_cursor_advance(struct qn_cursor *cu, uint32_t doc, struct qn_err *err)
{
    const struct qn_simd_ops *ops = cu->ps->ops;
    uint32_t b = cu->block;
    /* Other calls may have loaded a block behind the one that is wanted. */
    bool behind = b != UINT32_MAX && b > 0 && cu->last[b - 1] >= doc;
    if (b == UINT32_MAX || cu->last[b] < doc || behind) {
        /* Leaps are mostly short: the next block first, then a search in what is left. */
        b = b == UINT32_MAX || behind ? 0 : b + 1;
        if (b < cu->n_blocks && cu->last[b] < doc)
            b += (uint32_t)ops->lower_bound32(cu->last + b, cu->n_blocks - b, doc);
        if (b >= cu->n_blocks) {
            cu->doc = QN_DOC_END;
            return QN_END;
        }
        int rc = qn_cursor_load(cu, b, err);
        if (rc < 0)
            return rc;
    }
    uint32_t i = cu->index < cu->n_ids ? cu->index : 0;
    if (cu->ids[i] < doc)
        i += (uint32_t)ops->lower_bound32(cu->ids + i, cu->n_ids - i, doc);
    else if (i > 0 && cu->ids[i - 1] >= doc)
        i = (uint32_t)ops->lower_bound32(cu->ids, i, doc);
    cu->index = i;
    cu->doc = cu->ids[i];
    return 0;
}

/* Blocks [*b, *to) touch [lo, hi). */
static void find_blocks(const struct qn_cursor *cu, uint32_t lo, uint32_t hi, uint32_t *b,
                        uint32_t *to)
{
    const struct qn_simd_ops *ops = cu->ps->ops;
    *b = *to = cu->n_blocks;
    if (lo >= hi)
        return;
    *b = qn_cursor_find_block(cu, lo);
    *to = *b + (uint32_t)ops->lower_bound32(cu->first + *b, cu->n_blocks - *b, hi);
}

uint8_t qn_cursor_max_code(const struct qn_cursor *cu, uint32_t lo, uint32_t hi, bool *any)
{
    uint32_t b, to;
    find_blocks(cu, lo, hi, &b, &to);
    *any = b < to;
    if (b == to)
        return 0;
    if (cu->priv->form != QN__LIST_LONG)
        return cu->max_code;
    return cu->ps->ops->max8(cu->priv->maxima + b, to - b);
}

/* ORs the n low bits of a byte string into bits, from bit `at` on. */
static void or_shifted(uint64_t *bits, size_t at, const uint8_t *src, size_t n)
{
    uint64_t *w = bits + at / 64;
    unsigned shift = at % 64;
    for (size_t i = 0; i < n; i += 64) {
        uint64_t v;
        memcpy(&v, src + i / 8, 8);
        if (n - i < 64)
            v &= (1ull << (n - i)) - 1;
        *w++ |= v << shift;
        if (shift != 0 && v >> (64 - shift) != 0)
            *w |= v >> (64 - shift);
    }
}

/* A block that lies in the window as a whole, straight from its bytes. */
static int fill_whole(struct qn_cursor *cu, uint32_t b, uint32_t lo, uint64_t *bits,
                      struct qn_err *err)
{
    uint8_t kind = qn__cursor_shape(cu, b).kind;
    uint32_t first = cu->first[b], last = cu->last[b];
    if (cu->priv->form != QN__LIST_INLINE && kind == 0) {
        qn_bits_fill(bits, first - lo, (size_t)(last - lo) + 1);
        return 0;
    }
    if (cu->priv->form != QN__LIST_INLINE && kind == QN_KIND_BITSET) {
        struct qn_str body;
        int rc = qn__cursor_body(cu, b, &body, err);
        if (rc == 0)
            or_shifted(bits, first - lo, (const uint8_t *)body.p, (size_t)(last - first) + 1);
        return rc;
    }
    int rc = qn_cursor_load(cu, b, err);
    if (rc == 0)
        cu->ps->ops->bits_from_ids(bits, cu->ids, cu->n_ids, lo);
    return rc;
}

/* The part of a block inside [lo, hi): ids[*from .. *to). */
static int clip(struct qn_cursor *cu, uint32_t b, uint32_t lo, uint32_t hi, uint32_t *from,
                uint32_t *to, struct qn_err *err)
{
    int rc = qn_cursor_load(cu, b, err);
    if (rc < 0)
        return rc;
    const struct qn_simd_ops *ops = cu->ps->ops;
    *from = cu->first[b] >= lo ? 0 : (uint32_t)ops->lower_bound32(cu->ids, cu->n_ids, lo);
    *to = cu->last[b] < hi ? cu->n_ids : (uint32_t)ops->lower_bound32(cu->ids, cu->n_ids, hi);
    return 0;
}

int qn_cursor_fill_bits(struct qn_cursor *cu, uint32_t lo, uint32_t hi, uint64_t *bits, uint32_t *n,
                        struct qn_err *err)
{
    uint32_t b, end;
    *n = 0;
    find_blocks(cu, lo, hi, &b, &end);
    for (; b < end; b++) {
        int rc;
        if (cu->first[b] >= lo && cu->last[b] < hi) {
            rc = fill_whole(cu, b, lo, bits, err);
            *n += qn__cursor_shape(cu, b).n;
        } else {
            uint32_t from, to;
            rc = clip(cu, b, lo, hi, &from, &to, err);
            if (rc == 0) {
                cu->ps->ops->bits_from_ids(bits, cu->ids + from, to - from, lo);
                *n += to - from;
            }
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

int qn_cursor_fill_ids(struct qn_cursor *cu, uint32_t lo, uint32_t hi, uint32_t *ids, uint32_t *n,
                       struct qn_err *err)
{
    uint32_t b, end;
    *n = 0;
    find_blocks(cu, lo, hi, &b, &end);
    for (; b < end; b++) {
        uint32_t from, to;
        int rc = clip(cu, b, lo, hi, &from, &to, err);
        if (rc < 0)
            return rc;
        memcpy(ids + *n, cu->ids + from, (to - from) * sizeof *ids);
        *n += to - from;
    }
    return 0;
}

/* Documents of whole blocks [b, to). */
static uint32_t count_blocks(const struct qn_cursor *cu, uint32_t b, uint32_t to)
{
    if (b >= to)
        return 0;
    if (cu->priv->form != QN__LIST_LONG)
        return cu->df;
    uint32_t n = to - b;
    const uint8_t *p = cu->priv->counts + b;
    uint32_t sum = n;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        v = (v & 0x00ff00ff00ff00ffull) + (v >> 8 & 0x00ff00ff00ff00ffull);
        sum += (uint32_t)((v * 0x0001000100010001ull) >> 48);
    }
    for (; n > 0; n--)
        sum += *p++;
    return sum;
}

int qn_cursor_count(struct qn_cursor *cu, uint32_t lo, uint32_t hi, uint32_t *n, struct qn_err *err)
{
    uint32_t b, end;
    *n = 0;
    find_blocks(cu, lo, hi, &b, &end);
    for (int side = 0; side < 2 && b < end; side++) {
        uint32_t edge = side == 0 ? b : end - 1, from, to;
        if (cu->first[edge] >= lo && cu->last[edge] < hi)
            continue;
        int rc = clip(cu, edge, lo, hi, &from, &to, err);
        if (rc < 0)
            return rc;
        *n += to - from;
        if (side == 0)
            b++;
        else
            end--;
    }
    *n += count_blocks(cu, b, end);
    return 0;
}

/* Keeps those of n ids, all within the bounds of block b, that the block holds. */
static int retain_in_block(struct qn_cursor *cu, uint32_t b, const uint32_t *ids, uint32_t n,
                           uint32_t *out, uint32_t *kept, struct qn_err *err)
{
    struct qn__cursor *pr = cu->priv;
    const struct qn_simd_ops *ops = cu->ps->ops;
    uint8_t kind = qn__cursor_shape(cu, b).kind;
    *kept = 0;
    if (pr->form != QN__LIST_INLINE && kind == 0) {
        memmove(out, ids, n * sizeof *out);
        *kept = n;
        return 0;
    }
    if (pr->form != QN__LIST_INLINE && kind == QN_KIND_BITSET) {
        struct qn_str body;
        int rc = qn__cursor_body(cu, b, &body, err);
        if (rc < 0)
            return rc;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t bit = ids[i] - cu->first[b];
            uint32_t id = ids[i];
            out[*kept] = id;
            *kept += (uint8_t)body.p[bit / 8] >> (bit % 8) & 1;
        }
        return 0;
    }
    int rc = qn_cursor_load(cu, b, err);
    if (rc < 0)
        return rc;
    size_t hits = ops->intersect32(pr->hits, ids, n, cu->ids, cu->n_ids);
    memcpy(out, pr->hits, hits * sizeof *out);
    *kept = (uint32_t)hits;
    return 0;
}

int qn_cursor_retain(struct qn_cursor *cu, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    const struct qn_simd_ops *ops = cu->ps->ops;
    uint32_t i = 0, kept = 0, b = 0;
    while (i < *n && b < cu->n_blocks) {
        if (cu->last[b] < ids[i])
            b += (uint32_t)ops->lower_bound32(cu->last + b, cu->n_blocks - b, ids[i]);
        if (b == cu->n_blocks)
            break;
        if (ids[i] < cu->first[b]) {
            i += (uint32_t)ops->lower_bound32(ids + i, *n - i, cu->first[b]);
            continue;
        }
        uint32_t left = *n - i, most = left < QN_POSTINGS_BLOCK ? left : QN_POSTINGS_BLOCK;
        uint32_t run = cu->last[b] == UINT32_MAX
                           ? most
                           : (uint32_t)ops->lower_bound32(ids + i, most, cu->last[b] + 1);
        uint32_t hits;
        int rc = retain_in_block(cu, b, ids + i, run, ids + kept, &hits, err);
        if (rc < 0)
            return rc;
        kept += hits;
        i += run;
    }
    *n = kept;
    return 0;
}
