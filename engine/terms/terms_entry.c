/* The entries of a block: arrays by kind, found by the rank of a term among those of its kind. */
#include "terms_block_int.h"

void qn__terms_block_infos(struct qn__terms_block *b, const struct qn_simd_ops *ops)
{
    uint32_t ranks[4] = {0};
    ops->unpack32(b->scratch, b->at[T_KND], b->n, b->width[T_KND], 0);
    for (uint32_t i = 0; i < b->n; i++) {
        b->kind[i] = (uint8_t)(b->scratch[i] & 3);
        b->rank[i] = ranks[b->kind[i]]++;
    }
    ops->unpack32(b->scratch, b->at[T_LEN], b->n_inline, b->width[T_LEN], b->min[T_LEN]);
    uint32_t at = 0;
    for (uint32_t i = 0; i < b->n_inline; i++) {
        b->inline_at[i] = at;
        at += b->scratch[i];
    }
    b->inline_at[b->n_inline] = at;
    b->infos_ready = true;
}

/* Terms of each kind before `index`, counted in the packed array: two bits a term at most. */
static void count_kinds(const struct qn__terms_block *b, const struct qn_simd_ops *ops,
                        uint32_t index, uint32_t counts[3])
{
    uint64_t low[QN_TERMS_PER_BLOCK / 32], high[QN_TERMS_PER_BLOCK / 32];
    bool pairs = b->width[T_KND] == 2;
    uint32_t bits = index * b->width[T_KND], n = 0;
    for (uint32_t at = 0; at < bits; at += 64, n++) {
        uint64_t v;
        memcpy(&v, b->at[T_KND] + at / 8, 8);
        if (bits - at < 64)
            v &= (1ull << (bits - at)) - 1;
        low[n] = pairs ? v & 0x5555555555555555ull : v;
        high[n] = pairs ? v & 0xaaaaaaaaaaaaaaaaull : 0;
    }
    counts[QN_TERM_INLINE] = (uint32_t)ops->popcount(low, n);
    counts[QN_TERM_LIST] = pairs ? (uint32_t)ops->popcount(high, n) : 0;
    counts[QN_TERM_ONE] = index - counts[QN_TERM_INLINE] - counts[QN_TERM_LIST];
}

/* Kind, rank among its kind and start of the inline bytes of one term, without the arrays. */
static enum qn_term_kind find_entry(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                                    uint32_t index, uint32_t *rank, uint32_t *inline_at)
{
    uint32_t counts[3];
    unsigned w = b->width[T_KND];
    enum qn_term_kind kind = w ? (enum qn_term_kind)qn_packed_get(b->at[T_KND], index, w) : 0;
    count_kinds(b, ops, index, counts);
    *rank = counts[kind];
    *inline_at = 0;
    if (kind == QN_TERM_INLINE) {
        struct qn_simd_stats st;
        ops->stats_packed(&st, b->at[T_LEN], *rank, b->width[T_LEN]);
        *inline_at = (uint32_t)(st.sum + (uint64_t)b->min[T_LEN] * *rank);
    }
    return kind;
}

static uint32_t value(const struct qn__terms_block *b, enum qn__terms_array a, uint32_t i)
{
    unsigned w = b->width[a];
    return b->min[a] + (w ? (uint32_t)qn_packed_get(b->at[a], i, w) : 0);
}

void qn__terms_block_info(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index,
                          struct qn_term_info *info)
{
    uint32_t rank, inline_at = 0;
    *info = (struct qn_term_info){0};
    /* A look-up asks once; whoever asks twice is walking. */
    if (!b->infos_ready && b->infos_asked++ > 0)
        qn__terms_block_infos(b, ops);
    if (b->infos_ready) {
        info->kind = b->kind[index];
        rank = b->rank[index];
        if (info->kind == QN_TERM_INLINE)
            inline_at = b->inline_at[rank];
    } else {
        info->kind = find_entry(b, ops, index, &rank, &inline_at);
    }
    switch (info->kind) {
    case QN_TERM_ONE:
        info->df = 1;
        info->doc = value(b, T_DOC, rank);
        info->aux = value(b, T_AUX, rank);
        break;
    case QN_TERM_INLINE:
        info->df = value(b, T_DF1, rank) + 1;
        info->len = value(b, T_LEN, rank);
        info->bytes = b->inlines + inline_at;
        break;
    case QN_TERM_LIST: {
        unsigned w = b->width[T_OFF];
        uint64_t from = rank && w ? qn_packed_get(b->at[T_OFF], rank - 1, w) : 0;
        uint64_t to = w ? qn_packed_get(b->at[T_OFF], rank, w) : 0;
        info->df = value(b, T_DF2, rank) + 1;
        info->offset = b->list_base + from;
        info->len = to - from;
        break;
    }
    }
}
