/* Writes the dictionary of one field: sorted terms in front-coded blocks of about 16 KB.
 *
 *     terms section:  block | block | block ...     (several dictionaries may share a section)
 *     hot part:       one separator, offset and first ordinal per block
 *
 * The ordinal of a term is its rank in the dictionary. Terms arrive strictly ascending in byte
 * order, lists in the order of their offsets in the postings section, without gaps between lists
 * that follow each other in one block (an offset is the end of the list before it).
 *
 * FORMAT of a block (little-endian)
 *   OFFSET SIZE FIELD
 *    0      4   CRC-32C of the bytes from 4 to the end of the block
 *    4      1   codec of the body: 0 stored, 1 packed by codec/block.h
 *    5      1   W, bits of a symbol: 8 = symbols are the bytes; 0 .. 6 = indexes into the table
 *    6      2   n, terms in the block: 1 .. 1024
 *    8      4   body length, decoded
 *   12      4   S, bytes of suffixes
 *   16      4   I, bytes of inline postings
 *   20      2   number of INLINE terms
 *   22      2   number of LIST terms; all others are ONE
 *   24      8   offset in the postings section of the block's first list
 *   32     24   u32 minimum of the arrays SUF DOC AUX DF1 LEN DF2
 *   56      9   u8 width of the arrays PRE SUF KND DOC AUX DF1 LEN DF2 OFF
 *   65      1   1: all stored terms have length min(SUF); SUF has width 0 and is not added to
 *   66      1   Y, symbols in the table: 0 when W is 8, else 1 .. 64
 *   67      1   L, length of the template, 0 = none; needs byte 65
 *   68      4   zero
 *   72          body
 * Body: arrays packed in horizontal order (simd/ops.h), each starting on a byte; value = minimum +
 * packed value; PRE, KND and OFF have minimum 0. The groups are of 32 terms.
 *   PRE n      bytes shared with the term before; 0 at the start of a group
 *   SUF n      bytes of suffix that follow
 *   KND n      enum qn_term_kind
 *   DOC, AUX   for each ONE term
 *   DF1, LEN   for each INLINE term: df - 1, bytes of postings
 *   DF2        for each LIST term: df - 1
 *   OFF        for each LIST term: the end of the list, relative to the block's first list
 *   GRP        (n + 31) / 32 times u32: offset of the group's suffixes
 *   TBL Y      bytes that the symbols stand for, ascending
 *   TPL L      bytes of a term, and then (L + 7) / 8 bytes of mask: where its bit is 0 every term
 * of the block has the template's byte, and the stored terms are without it S bytes of suffixes:
 * per group the symbols of its terms one after the other, packed I bytes of inline postings The
 * table makes hexadecimal ids and decimal numbers half as long, lower-case words a quarter shorter;
 * the template takes the dashes out of UUIDs and the punctuation out of time stamps.
 *
 * FORMAT of the hot part
 *    0      4   "QTD1"
 *    4      2   version, 1
 *    6      2   flags: 1 = has an absence filter
 *    8      8   number of terms
 *   16      4   B, number of blocks
 *   20      4   K, bytes of separators
 *   24      8   bytes of all terms, decoded (statistics)
 *   32      8   sum of all df (statistics)
 *   40      8   absence filter: offset in its section
 *   48      4   absence filter: number of buckets
 *   52      4   length of the longest term
 *   56    8(B+1) offset of each block in the section, and the end of the last
 *        8(B+1) first ordinal of each block, and the number of terms
 *          8B   first 8 bytes of each separator as a big-endian number, zero-padded
 *        4(B+1) separator ends: B separators, then the last term of all
 *           K   separators: the first is the first term of all, the others the shortest prefix of
 * the block's first term that is greater than the term before it 4   CRC-32C of everything before
 *
 * One owner thread. */
#ifndef QN_TERMS_TERMS_WRITER_H
#define QN_TERMS_TERMS_WRITER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "simd/ops.h"
#include "storage/sink.h"
#include "terms/term_info.h"

struct qn_terms_options {
    const struct qn_simd_ops *ops;
    uint32_t block_bytes; /* 0 = 16 KB; at most 256 KB */
    int zstd_level;       /* 0 = blocks are stored as they are; for cold data */
    bool absence;         /* build an absence filter (terms/absence.h) */
};

struct qn_terms_stats {
    uint64_t n_terms, n_blocks;
    uint64_t block_bytes;   /* in the terms section */
    uint64_t term_bytes;    /* all terms, decoded */
    uint64_t inline_bytes;  /* postings inside the blocks */
    uint64_t absence_bytes; /* in the absence section */
    uint64_t sum_df;
};

struct qn_terms_writer;

/* Borrows sk and opt->ops until free. Offsets are sk->at: the sink starts with its section. */
struct qn_terms_writer *qn_terms_writer_new(struct qn_sink *sk, const struct qn_terms_options *opt);
void qn_terms_writer_free(struct qn_terms_writer *wr);
/* Copies. QN_E_TOO_LARGE over QN_TERM_MAX_BYTES; QN_E_BUG when out of order (terms or lists). */
QN_MUST_CHECK int qn_terms_writer_add(struct qn_terms_writer *wr, struct qn_str term,
                                      const struct qn_term_info *info);
/* Writes what is left and appends the hot part to *hot. `absence` is the sink of the absence
 * section, NULL when the option is off. The writer can only be freed afterwards. */
QN_MUST_CHECK int qn_terms_writer_finish(struct qn_terms_writer *wr, struct qn_buf *hot,
                                         struct qn_sink *absence, struct qn_terms_stats *stats);

#endif
