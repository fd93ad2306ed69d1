/* A section: the range of an object that one reader owns, read in units with a CRC-32C each.
 *
 *     object  |......[ section: unit | unit | unit ].......|
 *                    ^ offset        ^ at
 *
 * Offsets given here are relative to the section. A unit of a mapped object is verified once per
 * section object and then known to be good (one bit per 2^shift bytes; two units never start in the
 * same 2^shift bytes, which writers see to by padding); bytes that come from elsewhere are verified
 * at every fetch. "Good" also means that the reader has checked the unit's own offsets, which is
 * why a unit is marked by the reader and not by the read. Immutable but for the bits, which are
 * atomic. @thread any  @locks none */
#ifndef QN_STORAGE_SECTION_H
#define QN_STORAGE_SECTION_H

#include <stdatomic.h>
#include <stdbool.h>

#include "simd/ops.h"
#include "storage/object.h"

struct qn_section {
    struct qn_object *ob; /* shares */
    const struct qn_simd_ops *ops;
    uint64_t offset, n;
    const char *name; /* static string: "terms" */
    _Atomic uint64_t *good;
    unsigned shift;
};

/* Takes a reference to ob. The range must lie in the object: QN_E_CORRUPT. shift >= 2. */
QN_MUST_CHECK int qn_section_open(struct qn_section *sc, struct qn_object *ob, uint64_t offset,
                                  uint64_t n, const char *name, unsigned shift,
                                  const struct qn_simd_ops *ops, struct qn_err *err);
void qn_section_close(struct qn_section *sc);

/* Like qn_object_read. A range outside the section is QN_E_CORRUPT: it came from stored bytes. */
QN_MUST_CHECK int qn_section_read(const struct qn_section *sc, uint64_t at, size_t n,
                                  struct qn_slice *out, struct qn_err *err);
/* Announces a range, clipped to the section. */
void qn_section_prefetch(const struct qn_section *sc, uint64_t at, uint64_t n);

/* True when the unit at `at`, read as sl, was verified before. */
bool qn_section_is_good(const struct qn_section *sc, uint64_t at, const struct qn_slice *sl);
void qn_section_mark_good(const struct qn_section *sc, uint64_t at, const struct qn_slice *sl);
/* QN_E_CORRUPT naming section and offset unless crc is that of p. */
QN_MUST_CHECK int qn_section_verify(const struct qn_section *sc, uint64_t at, const void *p,
                                    size_t n, uint32_t crc, struct qn_err *err);

#endif
