/* Impact codes: one byte that stands for what a posting adds to a score.
 *
 * BM25 of a posting depends on two small numbers: tf, how often the term is in the document, and
 * the norm, how long the field is. A field has a table of its (at most 255) most frequent pairs,
 * ordered by tf / (tf + K(norm)); a posting stores the index. At query time a table of 256 floats
 * turns codes into scores, so that no norm is looked up per document. Code 255 is the escape: the
 * pair stands in a side list of its block. A field without norms uses norm 1 for all: codes are
 * then tf - 1.
 *
 * The order of codes is that of impacts under this field's average length; other averages (of the
 * whole index) disturb it slightly. A bound for "codes up to c" is therefore the maximum of the
 * caller's float table over [0, c], not the entry of c. */
#ifndef QN_POSTINGS_IMPACTS_H
#define QN_POSTINGS_IMPACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define QN_IMPACT_ESCAPE 255u
#define QN_IMPACT_TFS 64u /* tfs below this can have codes */

struct qn_impacts {
    uint32_t n;        /* codes in use: 0 .. n-1 */
    uint32_t tf[256];  /* tf[255], norm[255]: a bound for escapes: the largest tf, shortest norm */
    uint8_t norm[256]; /* tf[255] == 0: the field has no escapes */
    uint8_t code[QN_IMPACT_TFS][256]; /* (tf, norm) -> code, QN_IMPACT_ESCAPE when it has none */
};

/* Postings counted by pair. About 64 KB: allocate it. Counting a sample is enough. */
struct qn_impact_counts {
    uint32_t n[QN_IMPACT_TFS][256];
};
/* norms == NULL: norm 1. tfs == NULL: all 1. */
void qn_impacts_count(struct qn_impact_counts *ct, const uint32_t *docs, const uint32_t *tfs,
                      size_t n, const uint8_t *norms);
/* The table for these counts. When `prev` (may be NULL) covers at least 98 % of the counted
 * postings it is kept, so that neighbouring splits share a table and merges copy codes as they are.
 */
void qn_impacts_build(struct qn_impacts *im, const struct qn_impact_counts *ct,
                      const struct qn_impacts *prev);
/* The table of fields without norms: code = tf - 1. */
void qn_impacts_plain(struct qn_impacts *im);

static inline uint8_t qn_impacts_code(const struct qn_impacts *im, uint32_t tf, uint8_t norm)
{
    return tf < QN_IMPACT_TFS ? im->code[tf][norm] : QN_IMPACT_ESCAPE;
}
bool qn_impacts_equal(const struct qn_impacts *a,
                      const struct qn_impacts *b); /* codes mean the same */

/* FORMAT: u16 n, u32 and u8 bound of the escapes, then n times (u32 tf, u8 norm). */
void qn_impacts_put(struct qn_buf *out, const struct qn_impacts *im);
/* Bytes used, or QN_E_CORRUPT. */
QN_MUST_CHECK int qn_impacts_get(struct qn_impacts *im, struct qn_str in, struct qn_err *err);

#endif
