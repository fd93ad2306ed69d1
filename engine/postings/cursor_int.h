/* The private part of a cursor. */
#ifndef QN_POSTINGS_CURSOR_INT_H
#define QN_POSTINGS_CURSOR_INT_H

#include "postings_block_int.h"

enum qn__list_form {
    QN__LIST_NONE,
    QN__LIST_INLINE, /* ONE and INLINE: decoded at open */
    QN__LIST_SHORT,  /* one block in one unit */
    QN__LIST_LONG,
};

/* The bytes of one group of a long list, or of its positions. */
struct qn__group {
    struct qn_slice slice;
    uint32_t group; /* UINT32_MAX: none */
};

struct qn__cursor {
    enum qn__list_form form;
    uint64_t list_at, list_len, head_len;
    uint64_t pos_at;
    uint64_t sum_tf;
    uint32_t n_groups;
    struct qn_slice head; /* the whole list if it is short or `whole` is set */
    bool whole;
    uint32_t *copy; /* of a head that is not aligned */
    size_t copy_cap;

    /* Skip data of a long list. */
    const uint32_t *end, *pend, *gat, *gcrc, *pat, *pcrc;
    const uint8_t *kinds, *counts, *maxima;
    struct qn__group bodies, positions;

    /* A small list. */
    uint32_t one_first, one_last;
    uint8_t one_kind;
    struct qn_str body, pos_bytes;

    /* Decoded. */
    bool codes_ready;
    bool gaps_ready;
    uint64_t summed[QN_POSTINGS_BLOCK / 64]; /* postings whose gaps are positions already */
    uint32_t *pos;
    size_t pos_cap;
    uint32_t start[QN_POSTINGS_BLOCK + 17];
    struct qn_escape escapes[QN_POSTINGS_BLOCK];
    uint32_t ids[QN_POSTINGS_BLOCK + 80];
    uint32_t hits[QN_POSTINGS_BLOCK + 16];
    uint8_t codes[QN_POSTINGS_BLOCK + QN_PAD];
    uint8_t bytes[QN_TERM_INLINE_MAX + 1 + QN_PAD]; /* INLINE */
};

/* Body of block b, in a verified group. */
QN_MUST_CHECK int qn__cursor_body(struct qn_cursor *cu, uint32_t b, struct qn_str *body,
                                  struct qn_err *err);
QN_MUST_CHECK int qn__cursor_pos_bytes(struct qn_cursor *cu, uint32_t b, struct qn_str *bytes,
                                       struct qn_err *err);
struct qn__block_shape qn__cursor_shape(const struct qn_cursor *cu, uint32_t b);
/* Fills priv from a list in the postings section. */
QN_MUST_CHECK int qn__cursor_open_list(struct qn_cursor *cu, const struct qn_term_info *info,
                                       struct qn_err *err);
QN_MUST_CHECK int qn__cursor_open_inline(struct qn_cursor *cu, const struct qn_term_info *info,
                                         struct qn_err *err);

#endif
