/* One block of a dictionary, in memory (format: terms_writer.h): what the writer fills and what an
 * iterator walks. Private to the layer. */
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

enum qn__terms_codec { QN__TERMS_STORED, QN__TERMS_PACKED };
enum qn__terms_form { QN__TERMS_TEXT, QN__TERMS_HEX, QN__TERMS_UUID };
/* The packed arrays of a body, in order; the first six after KND but OFF have a minimum. */
enum qn__terms_array { T_PRE, T_SUF, T_KND, T_DOC, T_AUX, T_DF1, T_LEN, T_DF2, T_OFF, T_ARRAYS };

/* ---- forms: how a term is stored */

/* Stored bytes of a term of this form, or SIZE_MAX when it has none. out: room for term.n. */
size_t qn__terms_pack_form(enum qn__terms_form form, struct qn_str term, uint8_t *out);
/* Text of n stored bytes. out: room for qn__terms_text_len. */
void qn__terms_unpack_form(enum qn__terms_form form, const uint8_t *in, size_t n, char *out);
static inline size_t qn__terms_text_len(enum qn__terms_form form, size_t stored)
{
    return form == QN__TERMS_TEXT ? stored : form == QN__TERMS_HEX ? 2 * stored : 36;
}
/* Stored bytes that are certainly shared when `text` bytes are, and the other way round. */
static inline size_t qn__terms_shared_stored(enum qn__terms_form form, size_t text)
{
    if (form == QN__TERMS_UUID)
        text -= (text > 8) + (text > 13) + (text > 18) + (text > 23);
    return form == QN__TERMS_TEXT ? text : text / 2;
}
static inline size_t qn__terms_shared_text(enum qn__terms_form form, size_t stored)
{
    if (form == QN__TERMS_UUID)
        return 2 * stored + (stored > 4) + (stored > 6) + (stored > 8) + (stored > 10);
    return form == QN__TERMS_TEXT ? stored : 2 * stored;
}

/* ---- decoding */

struct qn__terms_block {
    struct qn_slice slice;
    uint8_t *inflated; /* body of a compressed block; capacity below */
    size_t inflated_cap;
    struct qn_coder *coder; /* made for the first compressed block */
    uint32_t block;         /* index, or UINT32_MAX: none */

    /* header */
    uint32_t n, n_one, n_inline, n_list;
    enum qn__terms_form form;
    bool fixed;
    uint64_t list_base;
    uint32_t suffix_bytes, inline_bytes;
    uint32_t min[T_ARRAYS];
    uint8_t width[T_ARRAYS];
    const uint8_t *at[T_ARRAYS];
    const uint8_t *groups, *suffixes, *inlines;

    /* where the iterator is */
    uint32_t index;
    uint32_t walked;     /* the index that `stored` holds, or UINT32_MAX */
    uint32_t stored_len; /* of the term in `stored` */
    uint32_t suffix_at;  /* of the suffix after it */
    bool lens_ready, infos_ready;
    uint32_t infos_asked;
    uint32_t pre[QN_TERMS_PER_BLOCK + 16], suf[QN_TERMS_PER_BLOCK + 16];
    uint32_t rank[QN_TERMS_PER_BLOCK + 16]; /* among the terms of its kind */
    uint8_t kind[QN_TERMS_PER_BLOCK];
    uint32_t inline_at[QN_TERMS_PER_BLOCK + 17]; /* start of the bytes of each INLINE term */
    uint32_t scratch[QN_TERMS_PER_BLOCK + 16];
    uint32_t max_len; /* of any term of the dictionary, as text */
    uint8_t *stored;  /* room for max_len + QN_PAD */
    char *text;
    char *other; /* for comparing heads */
};

struct qn__terms_block *qn__terms_block_new(uint32_t max_len);
void qn__terms_block_free(struct qn__terms_block *b);
/* Reads, verifies and lays out the block at [at, at + n) of the section. Nothing is loaded after a
 * failure. */
QN_MUST_CHECK int qn__terms_block_load(struct qn__terms_block *b, const struct qn_section *sc,
                                       uint32_t block, uint64_t at, uint64_t n, uint32_t n_terms,
                                       struct qn_err *err);
/* Index of the first term >= key (n when all are less); *equal says whether it is key. */
uint32_t qn__terms_block_search(struct qn__terms_block *b, const struct qn_simd_ops *ops,
                                struct qn_str key, bool *equal);
/* Brings b->stored to the term at index. */
void qn__terms_block_goto(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index);
/* From `walked` to the next term of the block; gives the stored bytes shared with the one before.
 */
uint32_t qn__terms_block_step(struct qn__terms_block *b);
void qn__terms_block_info(struct qn__terms_block *b, const struct qn_simd_ops *ops, uint32_t index,
                          struct qn_term_info *info);
/* The current term as text, valid until the next step. */
struct qn_str qn__terms_block_term(struct qn__terms_block *b);

size_t qn__terms_common(const void *a, const void *b, size_t n); /* leading equal bytes */

#endif
