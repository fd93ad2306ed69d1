/* The fixed parts of the document store's format: see docs.h. */
#ifndef QN_DOCS_INT_H
#define QN_DOCS_INT_H

#include <stdint.h>

enum {
    QN__DOCS_HEADER = 12,
    QN__DOCS_HOT_HEADER = 32,
    QN__DOCS_STORED = 0,
    QN__DOCS_ZSTD = 1,
    QN__DOCS_MAP_BLOCK = 1024,
};
#define QN__DOCS_MAGIC 0x314f4451u /* "QDO1" */

#endif
