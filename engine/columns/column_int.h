/* The block format of columns.h in C, shared by the writer and the reader. */
#ifndef QN_COLUMN_INT_H
#define QN_COLUMN_INT_H

#include "columns/columns.h"

enum {
    QN__COLUMN_HEADER = 40,
    QN__COLUMN_HOT = 48,
    QN__COLUMN_MAP_BYTES = QN_COLUMN_BLOCK / 8,
    QN__COLUMN_ZONE_BLOCKS = QN_COLUMN_ZONE / QN_COLUMN_BLOCK,
};
#define QN__COLUMN_MAGIC 0x314f4351u /* "QCO1" */

enum qn__presence { QN__ONE = 1, QN__HOLES, QN__DENSE, QN__SPARSE, QN__MANY };
enum qn__codec { QN__CONST, QN__FOR, QN__DELTA, QN__DECIMAL, QN__CODED };

/* 10^0 .. 10^QN__DECIMAL_MAX, all exact in double. */
#define QN__DECIMAL_MAX 9u
extern const double qn__pow10[QN__DECIMAL_MAX + 1];

struct qn__encoding {
    enum qn__codec codec;
    unsigned width;
    uint64_t base, scale, step;
};

/* Chooses the smallest encoding for v[n], n >= 1, and leaves what is to be packed in v. `packed` is
 * scratch of the same size. */
void qn__column_choose(enum qn_column_kind kind, uint64_t *v, uint64_t *scratch, size_t n,
                       struct qn__encoding *en);

#endif
