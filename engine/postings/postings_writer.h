/* Writes the posting lists of one field: which documents hold a term, and as the record asks, with
 * which impact (impacts.h) and at which positions.
 *
 *     postings section:   list | list | ...       terms in dictionary order, only those with big
 * lists positions section:  list | list | ...       record POSITION, lists of more than 256
 * documents
 *
 * A list is cut into blocks of at most 256 documents. Skip data is an array per property before all
 * bodies, so that a search reads neither bodies nor the other properties. A body does not depend on
 * anything outside its block: merges of time-disjoint splits copy it as it is.
 *
 * FORMAT of an ONE entry: aux = 0 | code | position | position * n + code, with n = codes in the
 * table (a field has codes unless its record is BASIC, positions when it is POSITION). The code is
 * not an escape and tf is 1.
 *
 * FORMAT of INLINE bytes, for df documents; all numbers are varints, [x] only if the record has it:
 *     (doc - previous doc - 1, first: doc) [code u8 [tf, norm u8 when the code is 255]]
 *     [tf times: position - previous position, first: position]
 *
 * FORMAT of a list of df <= 256 (little-endian; len is in the dictionary)
 *   OFFSET SIZE FIELD
 *    0      4   CRC-32C of the bytes from 4 to the end of the list
 *    4      1   kind of the block
 *    5      1   largest code
 *    6      2   length of the body
 *    8      4   first document
 *   12      4   last document
 *   16          body, then [positions], then zeros up to a multiple of 16 bytes
 *
 * FORMAT of a list of df > 256
 *    0      4   CRC-32C of the head: the bytes from 4 to the end of MAX
 *    4      4   B, number of blocks; G = (B + 31) / 32 groups
 *    8      4   df
 *   12      1   largest code of all
 *   13      3   zero
 *   16      8   sum of tf; 0 when the record is BASIC
 *   24      8   positions: offset in the positions section
 *   32      4B  FIRST   first document of each block
 *           4B  LAST    last document
 *           4B  END     end of the body, relative to the start of its group
 *          [4B  PEND    end of the positions, relative to the start of their group]
 *           4G  GAT     start of the bodies of a group, relative to the end of the head
 *           4G  GCRC    CRC-32C of the bodies of a group
 *          [4G  PAT     start of the positions of a group, relative to the positions' offset]
 *          [4G  PCRC    CRC-32C of the positions of a group]
 *           B   KIND    kind of each block
 *           B   COUNT   documents - 1
 *           B   MAX     largest code; 0 when the record is BASIC
 *          then zeros up to a multiple of 16 bytes (the end of the head), then the groups of
 * bodies, each followed by zeros up to a multiple of 16; so are groups in the positions section. A
 * search needs no second level: one array of LAST or MAX is scanned at 16 to 64 entries a cycle.
 *
 * FORMAT of a body: documents [codes]
 *   kind 0 .. 32   count - 1 gaps (doc - previous - 1) of `kind` bits; kind 0 is a run of
 * neighbours kind 64        bit set of documents first .. last, in bytes codes:         u8 minimum,
 * u8 width, count times (code - minimum) of width bits, then for each code 255: varint tf, u8 norm
 * FORMAT of positions of a block: the positions of its documents one after the other, each the
 * distance to the position before it in the document; in chunks of 256 numbers (fewer in the last):
 *   u8 width | u8 number of exceptions | numbers of width bits (low bits only for exceptions) |
 *   for each exception: u8 index, varint (number >> width)
 *
 * FORMAT of the hot part
 *    0      4   "QPF1"
 *    4      2   version, 1
 *    6      1   record: 0 basic, 1 freq, 2 position
 *    7      1   flags: 1 = norms
 *    8      8   sum of df over the terms
 *   16      8   sum of tf (of df when the record is basic)
 *   24      4   documents with the field
 *   28      4   number of lists
 *   32      8   bytes of lists
 *   40      8   bytes of positions
 *   48          impact codes (impacts.h; n = 0 when basic), then CRC-32C of everything before
 *
 * One owner thread. */
#ifndef QN_POSTINGS_POSTINGS_WRITER_H
#define QN_POSTINGS_POSTINGS_WRITER_H

#include "base/bits.h"
#include "base/buf.h"
#include "base/index_record.h"
#include "postings/impacts.h"
#include "simd/ops.h"
#include "storage/sink.h"
#include "terms/term_info.h"

#define QN_POSTINGS_BLOCK 256u
#define QN_POSTINGS_GROUP 32u /* blocks */

struct qn_postings_options {
    const struct qn_simd_ops *ops;
    enum qn_index_record record;
    const struct qn_impacts *impacts; /* NULL when BASIC */
    const uint8_t *norms;             /* by document, or NULL: the field has no norms */
    uint32_t inline_bytes;            /* postings up to this long go into the dictionary; 0 = 64 */
};

/* The postings of a term, or of a stretch of it: ascending docs; tfs == NULL: all 1; positions of
 * all documents one after the other, ascending in each, when the record is POSITION. */
struct qn_posting_run {
    const qn_docid *docs;
    const uint32_t *tfs;
    const uint32_t *positions;
    size_t n;
};

struct qn_postings_stats {
    uint64_t n_terms, n_ones, n_inlines, n_lists;
    uint64_t inline_bytes, list_bytes, position_bytes;
    uint64_t sum_df, sum_tf;
    uint64_t run_blocks, bitset_blocks, packed_blocks;
};

struct qn_postings_writer;

/* Borrows all it is given until free. positions may be NULL unless the record is POSITION. Offsets
 * are sk->at: a sink starts with its section. */
struct qn_postings_writer *qn_postings_writer_new(const struct qn_postings_options *opt,
                                                  struct qn_sink *lists, struct qn_sink *positions);
void qn_postings_writer_free(struct qn_postings_writer *wr);

/* A whole term, n >= 1. *info is for qn_terms_writer_add; its bytes are valid until the next add.
 */
QN_MUST_CHECK int qn_postings_add(struct qn_postings_writer *wr, const struct qn_posting_run *run,
                                  struct qn_term_info *info);
/* The same in stretches: any number of appends (n may be 0) between two ends. QN_END from end: the
 * term had no posting and *info is not set. Memory: the packed list. */
void qn_postings_append(struct qn_postings_writer *wr, const struct qn_posting_run *run);
QN_MUST_CHECK int qn_postings_end(struct qn_postings_writer *wr, struct qn_term_info *info);

/* Appends the hot part; doc_count = documents that have the field. Then only free. */
QN_MUST_CHECK int qn_postings_writer_finish(struct qn_postings_writer *wr, uint32_t doc_count,
                                            struct qn_buf *hot, struct qn_postings_stats *stats);

#endif
