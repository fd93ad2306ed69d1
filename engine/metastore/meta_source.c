/* Sources, their checkpoints, and delete tasks. (Publish moves checkpoints: meta_publish.c.) */
#include "meta_check_int.h"
#include "metastore_int.h"

static int source_missing(int64_t changed, struct qn_str index_uid, struct qn_str source_id,
                          struct qn_err *err)
{
    if (changed != 0)
        return changed < 0 ? (int)changed : QN_OK;
    return qn_fail(err, QN_E_NOT_FOUND,
                   "source \"" QN_STR_FMT "\" of index \"" QN_STR_FMT "\" not found",
                   QN_STR_ARG(source_id), QN_STR_ARG(index_uid));
}

int qn_meta_add_source(struct qn_metastore *ms, struct qn_str index_uid, struct qn_str source_id,
                       struct qn_str config, bool enabled, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_check_name(source_id, "source id", err);
    if (rc == QN_OK)
        rc = qn__meta_check_text(config, "source config", err);
    if (rc == QN_OK)
        rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    int64_t changed = qn__db_exec(
        db,
        "INSERT INTO sources (index_uid, source_id, config, enabled, created_us, updated_us)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (index_uid, source_id) DO NOTHING",
        QN_DB_P(QN_DB_S(index_uid), QN_DB_S(source_id), QN_DB_S(config), QN_DB_I(enabled),
                QN_DB_I(now), QN_DB_I(now)),
        err);
    rc = changed < 0 ? (int)changed : QN_OK;
    if (changed == 0)
        rc = qn_fail(err, QN_E_EXISTS,
                     "source \"" QN_STR_FMT "\" of index \"" QN_STR_FMT "\" exists already",
                     QN_STR_ARG(source_id), QN_STR_ARG(index_uid));
    return qn__meta_end(ms, rc, err);
}

int qn_meta_update_source(struct qn_metastore *ms, struct qn_str index_uid, struct qn_str source_id,
                          struct qn_str config, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_check_text(config, "source config", err);
    if (rc == QN_OK)
        rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t changed = qn__db_exec(
        db,
        "UPDATE sources SET config = $1, updated_us = $2"
        " WHERE index_uid = $3 AND source_id = $4",
        QN_DB_P(QN_DB_S(config), QN_DB_I(qn__meta_now(ms)), QN_DB_S(index_uid), QN_DB_S(source_id)),
        err);
    return qn__meta_end(ms, source_missing(changed, index_uid, source_id, err), err);
}

int qn_meta_enable_source(struct qn_metastore *ms, struct qn_str index_uid, struct qn_str source_id,
                          bool enabled, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t changed = qn__db_exec(db,
                                  "UPDATE sources SET enabled = $1, updated_us = $2"
                                  " WHERE index_uid = $3 AND source_id = $4",
                                  QN_DB_P(QN_DB_I(enabled), QN_DB_I(qn__meta_now(ms)),
                                          QN_DB_S(index_uid), QN_DB_S(source_id)),
                                  err);
    return qn__meta_end(ms, source_missing(changed, index_uid, source_id, err), err);
}

int qn_meta_delete_source(struct qn_metastore *ms, struct qn_str index_uid, struct qn_str source_id,
                          struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t changed = qn__db_exec(db, "DELETE FROM sources WHERE index_uid = $1 AND source_id = $2",
                                  QN_DB_P(QN_DB_S(index_uid), QN_DB_S(source_id)), err);
    rc = source_missing(changed, index_uid, source_id, err);
    if (rc == QN_OK)
        rc = qn__meta_run(db, "DELETE FROM checkpoints WHERE index_uid = $1 AND source_id = $2",
                          QN_DB_P(QN_DB_S(index_uid), QN_DB_S(source_id)), err);
    return qn__meta_end(ms, rc, err);
}

static int take_source(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_source *so = element;
    so->index_uid = qn__db_str(rows, 0, ar);
    so->source_id = qn__db_str(rows, 1, ar);
    so->config = qn__db_str(rows, 2, ar);
    so->enabled = qn__db_int(rows, 3) != 0;
    so->created_us = qn__db_int(rows, 4);
    so->updated_us = qn__db_int(rows, 5);
    return 1;
}

int qn_meta_list_sources(struct qn_metastore *ms, struct qn_str index_uid, struct qn_arena *ar,
                         struct qn_meta_source **out, size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_source, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT index_uid, source_id, config, enabled, created_us, updated_us"
                           " FROM sources WHERE index_uid = $1 OR $1 = ''"
                           " ORDER BY index_uid, source_id",
                           QN_DB_P(QN_DB_S(index_uid)), &list, err);
}

static int take_position(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_position *po = element;
    po->source_id = qn__db_str(rows, 0, ar);
    po->partition_id = qn__db_str(rows, 1, ar);
    po->position = qn__db_str(rows, 2, ar);
    return 1;
}

int qn_meta_get_checkpoint(struct qn_metastore *ms, struct qn_str index_uid,
                           struct qn_str source_id, struct qn_arena *ar,
                           struct qn_meta_position **out, size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_position, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT source_id, partition_id, position FROM checkpoints"
                           " WHERE index_uid = $1 AND (source_id = $2 OR $2 = '')"
                           " ORDER BY source_id, partition_id",
                           QN_DB_P(QN_DB_S(index_uid), QN_DB_S(source_id)), &list, err);
}

int qn_meta_reset_checkpoint(struct qn_metastore *ms, struct qn_str index_uid,
                             struct qn_str source_id, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    rc = qn__meta_run(db, "DELETE FROM checkpoints WHERE index_uid = $1 AND source_id = $2",
                      QN_DB_P(QN_DB_S(index_uid), QN_DB_S(source_id)), err);
    return qn__meta_end(ms, rc, err);
}

/* --- delete tasks --- */

int qn_meta_add_delete_task(struct qn_metastore *ms, struct qn_str index_uid, struct qn_str query,
                            uint64_t *opstamp, struct qn_err *err)
{
    *opstamp = 0;
    struct qn_db *db;
    int rc = qn__meta_check_text(query, "delete query", err);
    if (rc == QN_OK)
        rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t next = 0;
    rc = qn__db_one_int(db,
                        "UPDATE indexes SET last_opstamp = last_opstamp + 1 WHERE index_uid = $1"
                        " RETURNING last_opstamp",
                        QN_DB_P(QN_DB_S(index_uid)), &next, err);
    if (rc >= 0)
        rc = qn__meta_run(
            db,
            "INSERT INTO delete_tasks (index_uid, opstamp, query, created_us)"
            " VALUES ($1, $2, $3, $4)",
            QN_DB_P(QN_DB_S(index_uid), QN_DB_I(next), QN_DB_S(query), QN_DB_I(qn__meta_now(ms))),
            err);
    rc = qn__meta_end(ms, rc, err);
    if (rc == QN_OK)
        *opstamp = (uint64_t)next;
    return rc;
}

static int take_task(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_delete_task *dt = element;
    dt->index_uid = qn__db_str(rows, 0, ar);
    dt->opstamp = (uint64_t)qn__db_int(rows, 1);
    dt->query = qn__db_str(rows, 2, ar);
    dt->created_us = qn__db_int(rows, 3);
    return 1;
}

int qn_meta_list_delete_tasks(struct qn_metastore *ms, struct qn_str index_uid, uint64_t after,
                              struct qn_arena *ar, struct qn_meta_delete_task **out, size_t *n,
                              struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_task, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT index_uid, opstamp, query, created_us FROM delete_tasks"
                           " WHERE index_uid = $1 AND opstamp > $2 ORDER BY opstamp",
                           QN_DB_P(QN_DB_S(index_uid), QN_DB_I(after)), &list, err);
}

int qn_meta_last_opstamp(struct qn_metastore *ms, struct qn_str index_uid, uint64_t *out,
                         struct qn_err *err)
{
    *out = 0;
    struct qn_db *db;
    int rc = qn__meta_read(ms, &db, err);
    if (rc < 0)
        return rc;
    int64_t last;
    rc = qn__db_one_int(db, "SELECT last_opstamp FROM indexes WHERE index_uid = $1 AND state = 1",
                        QN_DB_P(QN_DB_S(index_uid)), &last, err);
    qn__meta_read_done(ms, db);
    if (rc == 0)
        return qn_fail(err, QN_E_NOT_FOUND, "index \"" QN_STR_FMT "\" not found",
                       QN_STR_ARG(index_uid));
    if (rc < 0)
        return rc;
    *out = (uint64_t)last;
    return QN_OK;
}

int qn_meta_drop_delete_tasks(struct qn_metastore *ms, struct qn_str index_uid, uint64_t up_to,
                              struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    rc = qn__meta_run(db, "DELETE FROM delete_tasks WHERE index_uid = $1 AND opstamp <= $2",
                      QN_DB_P(QN_DB_S(index_uid), QN_DB_I(up_to)), err);
    return qn__meta_end(ms, rc, err);
}
