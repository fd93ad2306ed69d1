/* The split file: one immutable file, everything needed to search some documents of one index.
 *
 *     docs | columns | norms | positions | postings | terms | absence | hot | footer
 *     ^ sections start at multiples of 64 bytes                       ^ one read opens it
 *
 * A reader needs the tail only: hot section and footer. The metastore knows where the tail starts;
 * without it the last QN_SPLIT_TAIL bytes are read first and nearly always suffice.
 *
 * FORMAT of the footer, the last 64 bytes (little-endian)
 *   OFFSET SIZE FIELD
 *    0      8   magic "QUERNSPL"
 *    8      2   format version of the writer
 *   10      2   oldest format version whose readers can read this file
 *   12      4   zero
 *   16      8   offset of the hot section
 *   24      8   length of the hot section
 *   32      8   XXH3-64 of the hot section
 *   40      8   length of the file
 *   48      8   zero
 *   56      4   zero
 *   60      4   CRC-32C of the 60 bytes before
 *
 * FORMAT of the hot section
 *    0      4   "QHT1"
 *    4      4   number of documents
 *    8      8   smallest timestamp, ns since 1970 as i64; INT64_MAX when there is none
 *   16      8   largest timestamp; INT64_MIN when there is none
 *   24      8   bytes of the documents as they came
 *   32      4   number of sections S
 *   36      4   number of fields F
 *   40      4   length of the metadata M: JSON, opaque to this layer
 *   44      4   number of blobs B
 *   48    24S   sections: u16 kind, u16 zero, u32 CRC-32C of the section, u64 offset, u64 length
 *          8B   blobs: u32 offset in the hot section, u32 length
 *         16F   fields, ascending by name, then type: u32 name offset, u16 name length, u8 type,
 *               u8 flags, u32 first blob, u32 which parts the field has, one bit each
 *          -    metadata, names, then the blobs (the hot parts that section writers made), each at
 * a multiple of 8 The blobs of a field follow each other in the order of enum qn_split_part, for
 * each bit that is set. Blob 0 is the hot part of the document store.
 *
 * Versions: a reader refuses a file whose "oldest version" is newer than itself, and reads all
 * older ones; tests/golden keeps a file of every version. */
#ifndef QN_SPLIT_FORMAT_H
#define QN_SPLIT_FORMAT_H

#include <stdint.h>

#define QN_SPLIT_MAGIC "QUERNSPL"
#define QN_SPLIT_VERSION 1u
#define QN_SPLIT_MIN_READER 1u
#define QN_SPLIT_FOOTER 64u
#define QN_SPLIT_ALIGN 64u
#define QN_SPLIT_TAIL (256u << 10)

enum qn_split_section {
    QN_SECTION_DOCS = 1,
    QN_SECTION_COLUMNS,
    QN_SECTION_NORMS,
    QN_SECTION_POSITIONS,
    QN_SECTION_POSTINGS,
    QN_SECTION_TERMS,
    QN_SECTION_ABSENCE,
    QN_SECTIONS_END,
};
const char *qn_split_section_name(enum qn_split_section kind);

/* What a field of a split physically is. One path of the mapping may have several: a JSON path that
 * held numbers here and strings there has a field for each. */
enum qn_split_type {
    QN_SPLIT_STR,   /* terms are UTF-8 */
    QN_SPLIT_BYTES, /* terms are bytes */
    QN_SPLIT_IP,    /* terms are 16 bytes, IPv4 mapped into IPv6 */
    QN_SPLIT_I64,
    QN_SPLIT_U64,
    QN_SPLIT_F64,
    QN_SPLIT_BOOL,
    QN_SPLIT_DATE, /* column of ns since 1970, as i64 */
    QN_SPLIT_TYPES,
};
const char *qn_split_type_name(enum qn_split_type type);
static inline int qn_split_type_has_terms(enum qn_split_type type)
{
    return type <= QN_SPLIT_IP;
}

/* Hot parts a field may have. */
enum qn_split_part {
    QN_PART_TERMS, /* dictionary of the inverted index */
    QN_PART_POSTINGS,
    QN_PART_NORMS,
    QN_PART_COLUMN,       /* values; of types with terms: ordinals */
    QN_PART_COLUMN_TERMS, /* dictionary of the ordinals, when it is not that of the index */
    QN_PARTS,
};

enum {
    QN_FIELD_PRESENCE = 1, /* the column only tells which documents have the field */
};

#endif
