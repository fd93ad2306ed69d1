/* What the dictionary knows of one term: how many documents hold it, and where its postings are.
 *
 * Most terms of a log are in one document (an id, a number): the dictionary entry is the posting.
 * Most of the others are in a few: their postings are a short string of bytes beside the entry.
 * Only about one term in a hundred owns a list in the postings section. The dictionary stores these
 * three forms and leaves the meaning of `aux` and `bytes` to the postings layer. */
#ifndef QN_TERMS_TERM_INFO_H
#define QN_TERMS_TERM_INFO_H

#include <stdint.h>

#define QN_TERM_MAX_BYTES 65535u
#define QN_TERM_INLINE_MAX 255u /* bytes of one inline posting string */

enum qn_term_kind {
    QN_TERM_ONE,    /* df == 1: doc, aux */
    QN_TERM_INLINE, /* bytes[0 .. len), len <= QN_TERM_INLINE_MAX; 0 = no postings are kept */
    QN_TERM_LIST,   /* section bytes [offset, offset + len) */
};

struct qn_term_info {
    enum qn_term_kind kind;
    uint32_t df;          /* documents that hold the term, >= 1 */
    uint32_t doc;         /* ONE */
    uint32_t aux;         /* ONE */
    const uint8_t *bytes; /* INLINE; borrowed: from a reader, valid until its iterator moves */
    uint64_t offset;      /* LIST */
    uint64_t len;         /* LIST, INLINE */
};

#endif
