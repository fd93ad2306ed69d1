/* Reads the posting lists of one field (format: postings_writer.h), a block or a window at a time.
 *
 *     rc = qn_postings_open(&ps, hot, lists, positions, n_docs, ops, err);   -- per split and field
 *     rc = qn_cursor_open(&cu, &ps, &info, err);                             -- per query and term
 *
 *     windows:    qn_cursor_fill_bits(cu, base, base + 65536, bits, err)
 *     blocks:     while ((rc = qn_cursor_next_block(cu, err)) == 0) ... cu->ids[0 .. cu->n_ids)
 *                 qn_cursor_codes(cu, err): cu->codes[i] belongs to cu->ids[i]
 *     leapfrog:   qn_cursor_advance(cu, doc, err): cu->doc
 *     bounds:     qn_cursor_max_code(cu, lo, hi), qn_cursor_find_block(cu, doc)
 *
 * Entries that live in the dictionary look the same: one block that is decoded at open. A cursor
 * holds one decoded block. struct qn_postings is immutable; a cursor has one owner thread. */
#ifndef QN_POSTINGS_POSTINGS_READER_H
#define QN_POSTINGS_POSTINGS_READER_H

#include "base/err.h"
#include "base/mem.h"
#include "postings/postings_writer.h"
#include "storage/section.h"

#define QN_DOC_END UINT32_MAX

struct qn_postings {
    const struct qn_simd_ops *ops;
    const struct qn_section *lists, *positions;
    enum qn_index_record record;
    bool has_norms;
    uint32_t n_docs;    /* of the split: every id is below */
    uint32_t doc_count; /* that have the field */
    uint64_t sum_df, sum_tf;
    uint64_t list_bytes, position_bytes;
    uint32_t n_lists;
    struct qn_impacts impacts;
};

/* What an escaped code stands for. */
struct qn_escape {
    uint32_t index; /* in the block */
    uint32_t tf;
    uint8_t norm;
};

struct qn_cursor {
    /* The list. first and last are the bounds of each block. */
    uint32_t df;
    uint32_t n_blocks;
    uint8_t max_code;
    const uint32_t *first, *last;

    /* The block that is loaded, or block == UINT32_MAX. */
    uint32_t block;
    uint32_t n_ids;
    uint32_t *ids;
    uint8_t *codes; /* after qn_cursor_codes */
    struct qn_escape *escapes;
    uint32_t n_escapes;

    /* After qn_cursor_advance. */
    uint32_t doc;   /* QN_DOC_END at the end */
    uint32_t index; /* ids[index] == doc */

    const struct qn_postings *ps;
    struct qn__cursor *priv;
};

/* Borrows hot until it returns, the sections (shift <= 4) until ps is dropped. positions may be
 * NULL when the record has none. Nothing to release. */
QN_MUST_CHECK int qn_postings_open(struct qn_postings *ps, struct qn_str hot,
                                   const struct qn_section *lists,
                                   const struct qn_section *positions, uint32_t n_docs,
                                   const struct qn_simd_ops *ops, struct qn_err *err);
/* Announces what opening and reading this term will read. */
void qn_postings_prefetch(const struct qn_postings *ps, const struct qn_term_info *info);

/* Gives *out. Copies INLINE bytes; borrows ps. */
QN_MUST_CHECK int qn_cursor_open(struct qn_cursor **out, const struct qn_postings *ps,
                                 const struct qn_term_info *info, struct qn_err *err);
void qn_cursor_close(struct qn_cursor *cu);
/* The same cursor for another term: saves the allocation. */
QN_MUST_CHECK int qn_cursor_reopen(struct qn_cursor *cu, const struct qn_postings *ps,
                                   const struct qn_term_info *info, struct qn_err *err);

/* ---- blocks */

/* The first block whose last document is >= doc, or n_blocks. Reads skip data only. */
uint32_t qn_cursor_find_block(const struct qn_cursor *cu, uint32_t doc);
/* Decodes the ids of a block (kept when it is the loaded one). */
QN_MUST_CHECK int qn_cursor_load(struct qn_cursor *cu, uint32_t block, struct qn_err *err);
/* Loads the block after the loaded one (the first, at the start): 0 or QN_END. */
QN_MUST_CHECK int qn_cursor_next_block(struct qn_cursor *cu, struct qn_err *err);
/* Decodes the codes of the loaded block, and its escapes. Record FREQ or POSITION. */
QN_MUST_CHECK int qn_cursor_codes(struct qn_cursor *cu, struct qn_err *err);
/* tf of each posting of the loaded block; all 1 when the record is BASIC. Room for 256. */
QN_MUST_CHECK int qn_cursor_tfs(struct qn_cursor *cu, uint32_t *tfs, struct qn_err *err);
/* Positions of posting `index` of the loaded block, ascending; valid until another block loads. */
QN_MUST_CHECK int qn_cursor_positions(struct qn_cursor *cu, uint32_t index, const uint32_t **pos,
                                      uint32_t *n, struct qn_err *err);
/* Positions of all postings of the loaded block: those of posting i are (*pos)[start[i] ..
 * start[i + 1]). */
QN_MUST_CHECK int qn_cursor_block_positions(struct qn_cursor *cu, const uint32_t **pos,
                                            const uint32_t **start, struct qn_err *err);
uint64_t qn_cursor_sum_tf(const struct qn_cursor *cu); /* 0 when not kept: few documents */

/* ---- documents and windows */

/* The first document >= doc; never goes back. QN_END: none, cu->doc = QN_DOC_END. */
QN_MUST_CHECK int qn_cursor_advance(struct qn_cursor *cu, uint32_t doc, struct qn_err *err);
/* An upper bound of the codes of documents [lo, hi), from skip data; *any = false: there are none.
 */
uint8_t qn_cursor_max_code(const struct qn_cursor *cu, uint32_t lo, uint32_t hi, bool *any);
/* Sets bit doc - lo for each document in [lo, hi); others stay as they are. lo is a multiple of 64;
 * bits has room for hi - lo bits. Gives how many documents were in the range. */
QN_MUST_CHECK int qn_cursor_fill_bits(struct qn_cursor *cu, uint32_t lo, uint32_t hi,
                                      uint64_t *bits, uint32_t *n, struct qn_err *err);
/* Documents in [lo, hi), ascending. Room for min(hi - lo, df) + 256. */
QN_MUST_CHECK int qn_cursor_fill_ids(struct qn_cursor *cu, uint32_t lo, uint32_t hi, uint32_t *ids,
                                     uint32_t *n, struct qn_err *err);
/* How many documents are in [lo, hi): decodes only the blocks at the two ends. */
QN_MUST_CHECK int qn_cursor_count(struct qn_cursor *cu, uint32_t lo, uint32_t hi, uint32_t *n,
                                  struct qn_err *err);
/* Keeps those of the ascending ids that are in the list, in place; gives how many are left. */
QN_MUST_CHECK int qn_cursor_retain(struct qn_cursor *cu, uint32_t *ids, uint32_t *n,
                                   struct qn_err *err);

#endif
