/* What the files about splits share. */
#ifndef QN_METASTORE_META_SPLIT_INT_H
#define QN_METASTORE_META_SPLIT_INT_H

#include "metastore_int.h"

/* *state: 0 when there is no such split. */
QN_MUST_CHECK int qn__meta_split_state(struct qn_db *db, struct qn_str index_uid,
                                       struct qn_str split_id, int64_t *state, struct qn_err *err);
/* Says why a split could not be changed: QN_E_NOT_FOUND, or QN_E_CONFLICT naming its state. */
QN_MUST_CHECK int qn__meta_wrong_state(struct qn_db *db, struct qn_str index_uid,
                                       struct qn_str split_id, const char *wanted,
                                       struct qn_err *err);

#endif
