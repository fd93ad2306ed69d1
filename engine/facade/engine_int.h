/* Shared by the files of the public headers. Journal and ingest service are known by name only:
 * journal/record.h and exec/operator.h both have a struct qn_op. */
#ifndef QN_FACADE_ENGINE_INT_H
#define QN_FACADE_ENGINE_INT_H

#include "ingest/visible.h"
#include "metastore/metastore.h"
#include "os/ulid.h"
#include "qn/engine.h"
#include "schema/mapping.h"
#include "simd/ops.h"
#include "storage/storage.h"

struct qn_journal;
struct qn_ingest;

struct qn_engine {
    struct qn_engine_options opt;
    char *data_dir, *spool_dir, *node_id;
    const struct qn_simd_ops *simd;
    int lock; /* descriptor, or -1 */
    struct qn_budget unpublished;
    struct qn_ulid_gen ulids;
    struct qn_storage *indexes;
    struct qn_metastore *metastore;
    struct qn_journal *journal;
    struct qn_ingest *ingest;
};

/* An index as a request needs it. */
struct qn__index {
    struct qn_meta_index meta; /* in the arena */
    struct qn_mapping *mapping;
};
/* By name; QN_E_NOT_FOUND says which. Gives the mapping's reference. */
QN_MUST_CHECK int qn__index_open(struct qn_engine *en, struct qn_str index_id, struct qn_arena *ar,
                                 struct qn__index *out, struct qn_err *err);
void qn__index_close(struct qn__index *ix); /* zeroed is fine */
/* What a search sees now (shares); NULL: the index is gone. */
struct qn_snapshot *qn__index_snapshot(struct qn_engine *en, struct qn_str index_uid);

#endif
