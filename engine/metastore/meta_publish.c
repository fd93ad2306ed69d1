/* Publish: the one transaction that moves splits and checkpoints together.
 *
 * Every step is a compare-and-swap in SQL (UPDATE .. WHERE what is expected) that must change
 * exactly one row; the first that does not rolls everything back and says why. Steps run in this
 * order, so that a split named twice is an error and not a surprise: bit maps, replaced, staged,
 * checkpoints. */
#include "meta_check_int.h"
#include "meta_split_int.h"

static int generation_moved(struct qn_db *db, struct qn_str index_uid, struct qn_str split_id,
                            uint64_t expected, struct qn_err *err)
{
    int64_t state;
    int rc = qn__meta_split_state(db, index_uid, split_id, &state, err);
    if (rc < 0)
        return rc;
    if (state != QN_META_PUBLISHED)
        return qn__meta_wrong_state(db, index_uid, split_id, "Published", err);
    return qn_fail(err, QN_E_CONFLICT,
                   "documents of split \"" QN_STR_FMT
                   "\" were deleted meanwhile: its delete generation is not %llu any more",
                   QN_STR_ARG(split_id), (unsigned long long)expected);
}

static int move_map(struct qn_db *db, struct qn_str index_uid, const struct qn_meta_delete_map *dm,
                    int64_t now, struct qn_err *err)
{
    int64_t changed = qn__db_exec(
        db,
        "UPDATE splits SET delete_generation = $1, deleted_doc_count = $2,"
        " updated_us = $3 WHERE index_uid = $4 AND split_id = $5 AND state = 2"
        " AND delete_generation = $6",
        QN_DB_P(QN_DB_I(dm->to_generation), QN_DB_I(dm->deleted_doc_count), QN_DB_I(now),
                QN_DB_S(index_uid), QN_DB_S(dm->split_id), QN_DB_I(dm->from_generation)),
        err);
    if (changed == 0)
        return generation_moved(db, index_uid, dm->split_id, dm->from_generation, err);
    return changed < 0 ? (int)changed : QN_OK;
}

static int replace(struct qn_db *db, struct qn_str index_uid, const struct qn_meta_replaced *re,
                   int64_t now, struct qn_err *err)
{
    int64_t expected =
        re->delete_generation == QN_META_ANY_GENERATION ? -1 : (int64_t)re->delete_generation;
    int64_t changed = qn__db_exec(
        db,
        "UPDATE splits SET state = 4, updated_us = $1"
        " WHERE index_uid = $2 AND split_id = $3 AND state = 2"
        " AND (delete_generation = $4 OR $4 = -1)",
        QN_DB_P(QN_DB_I(now), QN_DB_S(index_uid), QN_DB_S(re->split_id), QN_DB_I(expected)), err);
    if (changed == 0)
        return generation_moved(db, index_uid, re->split_id, re->delete_generation, err);
    return changed < 0 ? (int)changed : QN_OK;
}

static int publish_one(struct qn_db *db, struct qn_str index_uid, struct qn_str split_id,
                       int64_t now, struct qn_err *err)
{
    int64_t changed =
        qn__db_exec(db,
                    "UPDATE splits SET state = 2, published_us = $1, updated_us = $1"
                    " WHERE index_uid = $2 AND split_id = $3 AND state = 1",
                    QN_DB_P(QN_DB_I(now), QN_DB_S(index_uid), QN_DB_S(split_id)), err);
    if (changed == 0)
        return qn__meta_wrong_state(db, index_uid, split_id, "Staged", err);
    return changed < 0 ? (int)changed : QN_OK;
}

/* Reads the position that is there instead of the expected one, for the message. */
static int position_moved(struct qn_db *db, struct qn_str index_uid, const struct qn_meta_delta *de,
                          struct qn_err *err)
{
    struct qn_arena ar;
    struct qn_str stored = QN_STR("");
    struct qn_db_rows *rows;
    qn_arena_init(&ar, NULL);
    int rc = qn__db_query(
        db,
        "SELECT position FROM checkpoints"
        " WHERE index_uid = $1 AND source_id = $2 AND partition_id = $3",
        QN_DB_P(QN_DB_S(index_uid), QN_DB_S(de->source_id), QN_DB_S(de->partition_id)), &rows, err);
    if (rc == QN_OK) {
        rc = qn__db_next(rows, err);
        if (rc == 1)
            stored = qn__db_str(rows, 0, &ar);
        qn__db_close_rows(rows);
    }
    if (rc >= 0)
        rc = qn_fail(err, QN_E_CONFLICT,
                     "checkpoint of source \"" QN_STR_FMT "\" partition \"" QN_STR_FMT
                     "\" is at \"" QN_STR_FMT "\", not at \"" QN_STR_FMT "\"",
                     QN_STR_ARG(de->source_id), QN_STR_ARG(de->partition_id), QN_STR_ARG(stored),
                     QN_STR_ARG(de->from));
    qn_arena_release(&ar);
    return rc;
}

static int move_checkpoint(struct qn_db *db, struct qn_str index_uid,
                           const struct qn_meta_delta *de, struct qn_err *err)
{
    int64_t changed =
        qn__db_exec(db,
                    "UPDATE checkpoints SET position = $1 WHERE index_uid = $2"
                    " AND source_id = $3 AND partition_id = $4 AND position = $5",
                    QN_DB_P(QN_DB_S(de->to), QN_DB_S(index_uid), QN_DB_S(de->source_id),
                            QN_DB_S(de->partition_id), QN_DB_S(de->from)),
                    err);
    if (changed == 0 && de->from.n == 0) /* nothing yet: no row */
        changed =
            qn__db_exec(db,
                        "INSERT INTO checkpoints (index_uid, source_id, partition_id, position)"
                        " VALUES ($1, $2, $3, $4)"
                        " ON CONFLICT (index_uid, source_id, partition_id) DO NOTHING",
                        QN_DB_P(QN_DB_S(index_uid), QN_DB_S(de->source_id),
                                QN_DB_S(de->partition_id), QN_DB_S(de->to)),
                        err);
    if (changed == 0)
        return position_moved(db, index_uid, de, err);
    return changed < 0 ? (int)changed : QN_OK;
}

static int check_deltas(const struct qn_meta_publish *pub, struct qn_err *err)
{
    int rc = QN_OK;
    for (size_t i = 0; rc == QN_OK && i < pub->n_deltas; i++) {
        rc = qn__meta_check_name(pub->deltas[i].source_id, "source id", err);
        if (rc == QN_OK)
            rc = qn__meta_check_name(pub->deltas[i].partition_id, "partition id", err);
        if (rc == QN_OK)
            rc = qn__meta_check_text(pub->deltas[i].to, "position", err);
    }
    return rc;
}

int qn_meta_publish(struct qn_metastore *ms, const struct qn_meta_publish *pub, struct qn_err *err)
{
    struct qn_db *db;
    int rc = check_deltas(pub, err);
    if (rc == QN_OK)
        rc = qn__meta_begin_index(ms, pub->index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    for (size_t i = 0; rc == QN_OK && i < pub->n_delete_maps; i++)
        rc = move_map(db, pub->index_uid, &pub->delete_maps[i], now, err);
    for (size_t i = 0; rc == QN_OK && i < pub->n_replaced; i++)
        rc = replace(db, pub->index_uid, &pub->replaced[i], now, err);
    for (size_t i = 0; rc == QN_OK && i < pub->n_staged; i++)
        rc = publish_one(db, pub->index_uid, pub->staged[i], now, err);
    for (size_t i = 0; rc == QN_OK && i < pub->n_deltas; i++)
        rc = move_checkpoint(db, pub->index_uid, &pub->deltas[i], err);
    return qn__meta_end(ms, rc, err);
}
