/* One block of a dictionary, in memory (format: terms_writer.h). Private to the layer.
 *
 * A block is decoded a group of 32 terms at a time: a look-up decodes one group, a walk one after
 * the other. Terms are handled as they are stored, without the bytes that a template takes out, and
 * are turned into text when they are handed out. */
#ifndef QN_TERMS_TERMS_BLOCK_INT_H
#define QN_TERMS_TERMS_BLOCK_INT_H

#include "base/buf.h"
#include "codec/block.h"
#include "storage/section.h"
#include "terms/term_info.h"

#define QN_TERMS_HEADER 72u
#define QN_TERMS_PER_BLOCK 1024u
#define QN_TERMS_PER_GROUP 32u
#define QN_TERMS_HOT 56u /* fixed bytes of the hot part */
#define QN_TERMS_MAGIC "QTD1"
#define QN_TERMS_VERSION 1u
#define QN_TERMS_BLOCK_MAX (1u << 18) /* limit of the option */
#define QN_TERMS_BODY_MAX (1u << 20)  /* decoded; the largest that a writer makes is far below */
#define QN_TERMS_SYMBOLS 64u
#define QN_TERMS_TEMPLATE_MAX 255u

enum qn__terms_codec { QN__TERMS_STORED, QN__TERMS_PACKED };
/* The packed arrays of a body, in order. */
enum qn__terms_array { T_PRE, T_SUF, T_KND, T_DOC, T_AUX, T_DF1, T_LEN, T_DF2, T_OFF, T_ARRAYS };

struct qn__terms_block {
    struct qn_slice slice;
    uint8_t *inflated; /* body of a packed block; capacity below */
    size_t inflated_cap;
    struct qn_coder *coder; /* made for the first packed block */
    uint32_t block;         /* index, or UINT32_MAX: none */

    /* header */
    uint32_t n, n_one, n_inline, n_list, n_groups;
    bool fixed;
    uint64_t list_base;
    uint32_t suffix_bytes, inline_bytes;
    uint32_t min[T_ARRAYS];
    uint8_t width[T_ARRAYS];
    const uint8_t *at[T_ARRAYS];
    const uint8_t *groups, *suffixes, *inlines;
    unsigned symbol_width;
    uint8_t table[QN_TERMS_SYMBOLS];
    uint32_t template_len; /* 0: none */
    const uint8_t *template_text;
    uint32_t n_free;                            /* bytes of a stored term */
    uint8_t free_at[QN_TERMS_TEMPLATE_MAX + 1]; /* where each of them goes; then template_len */

    /* the group that is decoded, or UINT32_MAX */
    uint32_t group;
    uint32_t pre[QN_TERMS_PER_GROUP + 16], suf[QN_TERMS_PER_GROUP + 16];
    const uint8_t *suffix; /* of the group, as bytes */
    uint8_t *bytes;        /* where symbols become bytes; capacity below */
    uint32_t *symbols;
    size_t bytes_cap;

    /* where the iterator is */
    uint32_t index;
    uint32_t walked;     /* the index that `stored` holds, or UINT32_MAX */
    uint32_t stored_len; /* of the term in `stored` */
    uint32_t suffix_at;  /* of the suffix after it, in the group */
    uint32_t max_len;    /* of any term of the dictionary, as text */
    uint8_t *stored;     /* room for max_len + QN_PAD, as have text and other */
    char *text;
    char *other; /* a key in stored form, a head as text, the last term of the block before */

    /* entries, when somebody walks over them */
    bool infos_ready;
    uint32_t infos_asked;
    uint32_t rank[QN_TERMS_PER_BLOCK + 16]; /* among the terms of its kind */
    uint8_t kind[QN_TERMS_PER_BLOCK];
    uint32_t inline_at[QN_TERMS_PER_BLOCK + 17]; /* start of the bytes of each INLINE term */
    uint32_t scratch[QN_TERMS_PER_BLOCK + 16];
};

struct qn__terms_block *qn__terms_block_new(uint32_t max_len);
void qn__terms_block_free(struct qn__terms_block *b);
/* Reads, verifies and lays out the block at [at, at + n) of the section. Nothing is loaded after a
 * failure. */
QN_MUST_CHECK int qn__terms_block_load(struct qn__terms_block *b, const struct qn_section *sc,
                                       uint32_t block, uint64_t at, uint64_t n, uint32_t n_terms,
                                       struct qn_err *err);

/* ---- walking (terms_walk.c) */

/* Decodes lengths and suffixes of group g. */
void qn__terms_block_group(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t g);
/* Index of the first term >= key (n when all are less); *equal says whether it is key. */
uint32_t qn__terms_block_search(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                                struct qn_str key, bool *equal);
/* Brings b->stored to the term at index. */
void qn__terms_block_goto(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index);
/* From `walked` to the next term of the block; gives the bytes of text that are certainly shared
 * with the one before. */
uint32_t qn__terms_block_step(struct qn__terms_block *b, const struct qn_simd_ops *ops);
/* The term that was walked to, as text, valid until the next step. */
struct qn_str qn__terms_block_term(struct qn__terms_block *b);

/* ---- entries (terms_entry.c) */

void qn__terms_block_info(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index,
                          struct qn_term_info *info);
void qn__terms_block_infos(struct qn__terms_block *b, const struct qn_simd_ops *ops);

/* Leading equal bytes. */
static inline size_t qn__terms_common(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t u, v;
        memcpy(&u, x + i, 8);
        memcpy(&v, y + i, 8);
        if (u != v)
            return i + (size_t)__builtin_ctzll(u ^ v) / 8;
    }
    while (i < n && x[i] == y[i])
        i++;
    return i;
}

#endif
