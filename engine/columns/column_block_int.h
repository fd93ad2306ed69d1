/* One block of a column as it lies in storage, checked but not decoded. */
#ifndef QN_COLUMN_BLOCK_INT_H
#define QN_COLUMN_BLOCK_INT_H

#include "codec/floats.h"
#include "column_int.h"

struct qn__column_block {
    struct qn_slice slice;
    uint32_t n_rows, n_stored, n_present;
    enum qn__presence presence;
    struct qn__encoding en;
    const uint8_t *map;    /* HOLES, DENSE: bit map; SPARSE: u16 rows */
    const uint8_t *counts; /* MANY: packed ends */
    unsigned counts_width;
    const uint8_t *packed;
    struct qn_ints ints;     /* CODED, integers */
    struct qn_floats floats; /* CODED, doubles */
    bool empty;              /* no document has a value; nothing else is set */
};

/* Reads block b. Releases what was there before. */
QN_MUST_CHECK int qn__column_block_open(struct qn__column_block *bl, const struct qn_column *col,
                                        uint32_t b, struct qn_err *err);
/* Bytes of block b in the section. */
struct qn_range qn__column_block_range(const struct qn_column *col, uint32_t b);
/* All stored values, as ordered u64; room for n_stored + 16. */
void qn__column_block_values(const struct qn__column_block *bl, const struct qn_column *col,
                             uint64_t *out);
/* Can a value be read without those before it? */
bool qn__column_block_is_random(const struct qn__column_block *bl, const struct qn_column *col);
/* Value i alone, of a block that is random. */
uint64_t qn__column_block_value(const struct qn__column_block *bl, const struct qn_column *col,
                                uint32_t i);
/* Bit i = stored value i is in [min, max]; gives how many. scratch has room for n_stored + 16. */
size_t qn__column_block_range_bits(const struct qn__column_block *bl, const struct qn_column *col,
                                   uint64_t min, uint64_t max, uint64_t *bits, uint64_t *scratch);

#endif
