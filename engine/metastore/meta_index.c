/* Indexes and aliases: what names mean. */
#include <stdlib.h>

#include "meta_check_int.h"
#include "metastore_int.h"

#define LIVE "state = 1"
#define INDEX_COLUMNS "index_uid, index_id, config, version, created_us, updated_us"

int qn__meta_require_index(struct qn_db *db, struct qn_str index_uid, struct qn_err *err)
{
    int64_t one;
    int rc = qn__db_one_int(db, "SELECT 1 FROM indexes WHERE index_uid = $1 AND " LIVE,
                            QN_DB_P(QN_DB_S(index_uid)), &one, err);
    if (rc == 0)
        rc = qn_fail(err, QN_E_NOT_FOUND, "index \"" QN_STR_FMT "\" not found",
                     QN_STR_ARG(index_uid));
    return rc < 0 ? rc : QN_OK;
}

int qn__meta_begin_index(struct qn_metastore *ms, struct qn_str index_uid, struct qn_db **db,
                         struct qn_err *err)
{
    int rc = qn__meta_check_name(index_uid, "index uid", err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, db, err);
    if (rc < 0)
        return rc;
    rc = qn__meta_bump(*db, index_uid, NULL, err); /* first: keeps other writers out */
    if (rc == QN_OK)
        rc = qn__meta_require_index(*db, index_uid, err);
    return rc < 0 ? qn__meta_end(ms, rc, err) : QN_OK;
}

static int name_is_free(struct qn_db *db, const char *sql, struct qn_str name, const char *taken_by,
                        struct qn_err *err)
{
    int64_t one;
    int rc = qn__db_one_int(db, sql, QN_DB_P(QN_DB_S(name)), &one, err);
    if (rc == 1)
        return qn_fail(err, QN_E_EXISTS, "the name \"" QN_STR_FMT "\" is taken by an %s",
                       QN_STR_ARG(name), taken_by);
    return rc;
}

int qn_meta_create_index(struct qn_metastore *ms, struct qn_str index_id, struct qn_str config,
                         struct qn_arena *ar, struct qn_meta_index *out, struct qn_err *err)
{
    *out = (struct qn_meta_index){0};
    int rc = qn__meta_check_name(index_id, "index id", err);
    if (rc == QN_OK)
        rc = qn__meta_check_text(config, "index config", err);
    if (rc == QN_OK && (qn_str_find_byte(index_id, ':') != SIZE_MAX || index_id.n > 228))
        rc = qn_fail(err, QN_E_INVALID, "index id contains ':' or is longer than 228 bytes");
    if (rc < 0)
        return rc;
    struct qn_ulid ulid = qn_ulid_next(&ms->ulids);
    int64_t now = qn__meta_now(ms);
    struct qn_meta_index ix = {
        .index_uid = qn_arena_printf(ar, QN_STR_FMT ":%s", QN_STR_ARG(index_id), ulid.z),
        .index_id = qn_arena_str(ar, index_id),
        .config = qn_arena_str(ar, config),
        .version = 1,
        .created_us = now,
        .updated_us = now,
    };
    struct qn_db *db;
    rc = qn__meta_fits(ar, err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    rc = qn__meta_bump(db, ix.index_uid, NULL, err);
    if (rc == QN_OK)
        rc = name_is_free(db, "SELECT 1 FROM indexes WHERE index_id = $1 AND " LIVE, index_id,
                          "index", err);
    if (rc == QN_OK)
        rc = name_is_free(db, "SELECT 1 FROM aliases WHERE alias = $1", index_id, "alias", err);
    if (rc == QN_OK)
        rc = qn__meta_run(db,
                          "INSERT INTO indexes (" INDEX_COLUMNS ", state, last_opstamp)"
                          " VALUES ($1, $2, $3, $4, $5, $6, 1, 0)",
                          QN_DB_P(QN_DB_S(ix.index_uid), QN_DB_S(ix.index_id), QN_DB_S(ix.config),
                                  QN_DB_I(1), QN_DB_I(now), QN_DB_I(now)),
                          err);
    rc = qn__meta_end(ms, rc, err);
    if (rc == QN_OK)
        *out = ix;
    return rc;
}

static int take_index(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_index *ix = element;
    ix->index_uid = qn__db_str(rows, 0, ar);
    ix->index_id = qn__db_str(rows, 1, ar);
    ix->config = qn__db_str(rows, 2, ar);
    ix->version = (uint64_t)qn__db_int(rows, 3);
    ix->created_us = qn__db_int(rows, 4);
    ix->updated_us = qn__db_int(rows, 5);
    return 1;
}

int qn_meta_get_index(struct qn_metastore *ms, struct qn_str id_or_uid, struct qn_arena *ar,
                      struct qn_meta_index *out, struct qn_err *err)
{
    *out = (struct qn_meta_index){0};
    struct qn_meta_index *found;
    size_t n;
    struct qn__meta_list list = {
        .size = sizeof *found, .take = take_index, .ar = ar, .out = (void **)&found, .n = &n};
    const char *sql = qn_str_find_byte(id_or_uid, ':') != SIZE_MAX
                          ? "SELECT " INDEX_COLUMNS " FROM indexes WHERE index_uid = $1 AND " LIVE
                          : "SELECT " INDEX_COLUMNS " FROM indexes WHERE index_id = $1 AND " LIVE;
    int rc = qn__meta_select(ms, sql, QN_DB_P(QN_DB_S(id_or_uid)), &list, err);
    if (rc < 0)
        return rc;
    if (n == 0)
        return qn_fail(err, QN_E_NOT_FOUND, "index \"" QN_STR_FMT "\" not found",
                       QN_STR_ARG(id_or_uid));
    *out = *found;
    return QN_OK;
}

int qn_meta_list_indexes(struct qn_metastore *ms, struct qn_arena *ar, struct qn_meta_index **out,
                         size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_index, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT " INDEX_COLUMNS " FROM indexes WHERE " LIVE " ORDER BY index_id",
                           QN_DB_NONE, &list, err);
}

int qn_meta_update_index(struct qn_metastore *ms, struct qn_str index_uid, struct qn_str config,
                         uint64_t if_version, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_check_text(config, "index config", err);
    if (rc == QN_OK)
        rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t changed =
        qn__db_exec(db,
                    "UPDATE indexes SET config = $1, version = version + 1, updated_us = $2"
                    " WHERE index_uid = $3 AND (version = $4 OR $4 = 0)",
                    QN_DB_P(QN_DB_S(config), QN_DB_I(qn__meta_now(ms)), QN_DB_S(index_uid),
                            QN_DB_I(if_version)),
                    err);
    rc = changed < 0 ? (int)changed : QN_OK;
    if (changed == 0)
        rc = qn_fail(err, QN_E_CONFLICT, "index \"" QN_STR_FMT "\" is not at version %llu any more",
                     QN_STR_ARG(index_uid), (unsigned long long)if_version);
    return qn__meta_end(ms, rc, err);
}

int qn__meta_bury(struct qn_db *db, struct qn_str index_uid, struct qn_err *err)
{
    return qn__meta_run(db,
                        "DELETE FROM indexes WHERE index_uid = $1 AND state = 2 AND NOT EXISTS"
                        " (SELECT 1 FROM splits WHERE splits.index_uid = indexes.index_uid)",
                        QN_DB_P(QN_DB_S(index_uid)), err);
}

int qn_meta_delete_index(struct qn_metastore *ms, struct qn_str index_uid, struct qn_err *err)
{
    static const char *const dependents[] = {
        "DELETE FROM sources WHERE index_uid = $1",
        "DELETE FROM checkpoints WHERE index_uid = $1",
        "DELETE FROM delete_tasks WHERE index_uid = $1",
        "DELETE FROM aliases WHERE index_uid = $1",
    };
    struct qn_db *db;
    int rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    rc = qn__meta_run(db, "UPDATE indexes SET state = 2, updated_us = $1 WHERE index_uid = $2",
                      QN_DB_P(QN_DB_I(now), QN_DB_S(index_uid)), err);
    if (rc == QN_OK)
        rc = qn__meta_run(db,
                          "UPDATE splits SET state = 4, updated_us = $1"
                          " WHERE index_uid = $2 AND state <> 4",
                          QN_DB_P(QN_DB_I(now), QN_DB_S(index_uid)), err);
    for (size_t i = 0; rc == QN_OK && i < QN_COUNT_OF(dependents); i++)
        rc = qn__meta_run(db, dependents[i], QN_DB_P(QN_DB_S(index_uid)), err);
    if (rc == QN_OK)
        rc = qn__meta_bury(db, index_uid, err);
    return qn__meta_end(ms, rc, err);
}

/* --- aliases --- */

static int one_action(struct qn_db *db, const struct qn_meta_alias_action *act, struct qn_err *err)
{
    int rc = qn__meta_bump(db, act->index_uid, NULL, err);
    if (rc == QN_OK)
        rc = qn__meta_require_index(db, act->index_uid, err);
    if (rc == QN_OK && act->remove) {
        int64_t changed = qn__db_exec(db, "DELETE FROM aliases WHERE alias = $1 AND index_uid = $2",
                                      QN_DB_P(QN_DB_S(act->alias), QN_DB_S(act->index_uid)), err);
        if (changed == 0)
            return qn_fail(err, QN_E_NOT_FOUND,
                           "alias \"" QN_STR_FMT "\" of index \"" QN_STR_FMT "\" not found",
                           QN_STR_ARG(act->alias), QN_STR_ARG(act->index_uid));
        return changed < 0 ? (int)changed : QN_OK;
    }
    if (rc == QN_OK)
        rc = name_is_free(db, "SELECT 1 FROM indexes WHERE index_id = $1 AND " LIVE, act->alias,
                          "index", err);
    if (rc == QN_OK)
        rc = qn__meta_run(db,
                          "INSERT INTO aliases (alias, index_uid, json) VALUES ($1, $2, $3)"
                          " ON CONFLICT (alias, index_uid) DO UPDATE SET json = excluded.json",
                          QN_DB_P(QN_DB_S(act->alias), QN_DB_S(act->index_uid), QN_DB_S(act->json)),
                          err);
    return rc;
}

int qn_meta_update_aliases(struct qn_metastore *ms, const struct qn_meta_alias_action *actions,
                           size_t n, struct qn_err *err)
{
    int rc = QN_OK;
    for (size_t i = 0; rc == QN_OK && i < n; i++) {
        rc = qn__meta_check_name(actions[i].alias, "alias", err);
        if (rc == QN_OK)
            rc = qn__meta_check_name(actions[i].index_uid, "index uid", err);
        if (rc == QN_OK)
            rc = qn__meta_check_text(actions[i].json, "alias", err);
    }
    struct qn_db *db;
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == QN_OK && i < n; i++)
        rc = one_action(db, &actions[i], err);
    return qn__meta_end(ms, rc, err);
}

static int take_alias(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_alias *al = element;
    al->alias = qn__db_str(rows, 0, ar);
    al->index_uid = qn__db_str(rows, 1, ar);
    al->index_id = qn__db_str(rows, 2, ar);
    al->json = qn__db_str(rows, 3, ar);
    return 1;
}

int qn_meta_list_aliases(struct qn_metastore *ms, struct qn_arena *ar, struct qn_meta_alias **out,
                         size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_alias, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT aliases.alias, aliases.index_uid, indexes.index_id, aliases.json"
                           " FROM aliases JOIN indexes ON indexes.index_uid = aliases.index_uid"
                           " ORDER BY aliases.alias, indexes.index_id",
                           QN_DB_NONE, &list, err);
}
