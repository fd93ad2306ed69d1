/* Shared by the files of qn/engine.h. */
#ifndef QN_FACADE_ENGINE_INT_H
#define QN_FACADE_ENGINE_INT_H

#include "journal/journal.h"
#include "metastore/metastore.h"
#include "qn/engine.h"
#include "simd/ops.h"
#include "storage/storage.h"

struct qn_engine {
    struct qn_engine_options opt;
    char *data_dir;
    const struct qn_simd_ops *simd;
    int lock; /* descriptor, or -1 */
    struct qn_storage *indexes;
    struct qn_metastore *metastore;
    struct qn_journal *journal;
};

#endif
