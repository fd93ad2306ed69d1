/* Skip index of a column: which values may be in which zone of 4,096 documents. For fields without
 * an inverted index, so that "equals" and "one of" read the column blocks of few zones only.
 *
 *     zone 0        zone 1         zone 2      ...
 *     set {3, 7}    Bloom filter   no values        one cache line is read per zone and key
 *
 * Keys are the column's own 64-bit values (or the hash of what has no column). A zone with up to 64
 * distinct keys has the set of them, which answers exactly; others have a blocked Bloom filter of
 * about 10 bits a key, which errs in 1.5 % of the zones that lack a key and never in the others.
 *
 * FORMAT (little-endian). The index starts at a multiple of 64 in its section; so do zones:
 *   SET    0   4  CRC-32C of the rest, padding not included
 *          4   4  length of the rest
 *          8   -  block of codec/ints.h: the keys, ascending; zeros up to a multiple of 64
 *   BLOOM  buckets of 64 bytes: 480 bits, then the CRC-32C of those 60 bytes. With h =
 *          qn_hash_u64(key): bucket = high 32 bits of h scaled to their number, then 6 bits, bit i
 * = (a + i * b) mod 480 with a, b = the low and the next 16 bits of h, b made odd. Hot part: 0   4
 * magic "QSK1" 4   4  number of documents 8   8  offset of the index in its section 16   -  u32 for
 * each zone: its length / 64, times 2, plus 1 when it is a SET; 0: no keys
 *
 * struct qn_skip is immutable and shared. @thread any */
#ifndef QN_COLUMNS_SKIP_H
#define QN_COLUMNS_SKIP_H

#include <stdbool.h>
#include <stdint.h>

#include "columns/columns.h"

struct qn_skip_writer;

/* Gives. Borrows sk and simd until free. Pads sk to a multiple of 64. */
struct qn_skip_writer *qn_skip_writer_new(const struct qn_simd_ops *simd, struct qn_sink *sk);
/* keys[i] belongs to docs[i]; docs never descend, within and between calls. */
void qn_skip_put(struct qn_skip_writer *wr, const qn_docid *docs, const uint64_t *keys, size_t n);
/* Appends the hot part. Then only free. */
QN_MUST_CHECK int qn_skip_writer_finish(struct qn_skip_writer *wr, uint32_t n_docs,
                                        struct qn_buf *hot);
void qn_skip_writer_free(struct qn_skip_writer *wr);

struct qn_skip {
    const struct qn_section *sc;
    const struct qn_simd_ops *simd;
    uint32_t n_zones;
    uint64_t *at; /* [n_zones + 1] offset of each zone in the section, bit 0: SET. Owned. */
};

/* Borrows sc (shift <= 6) until close; hot is not needed afterwards. Checks the directory. */
QN_MUST_CHECK int qn_skip_open(struct qn_skip *sp, struct qn_str hot, const struct qn_section *sc,
                               uint32_t n_docs, const struct qn_simd_ops *simd, struct qn_err *err);
void qn_skip_close(struct qn_skip *sp);
/* *may = false: none of the keys is in the zone (documents 4096 zone ..). */
QN_MUST_CHECK int qn_skip_test(const struct qn_skip *sp, uint32_t zone, const uint64_t *keys,
                               size_t n, bool *may, struct qn_err *err);
/* Announces the reads that testing the zones [from, to) will do. */
void qn_skip_prefetch(const struct qn_skip *sp, uint32_t from, uint32_t to);

#endif
