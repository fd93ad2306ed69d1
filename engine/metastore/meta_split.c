/* Staging, marking and deleting splits. (Publishing: meta_publish.c; listing: meta_split_list.c.)
 */
#include "base/buf.h"
#include "meta_check_int.h"
#include "meta_split_int.h"

const char *qn_meta_state_name(enum qn_meta_state state)
{
    switch (state) {
    case QN_META_STAGED:
        return "Staged";
    case QN_META_PUBLISHED:
        return "Published";
    case QN_META_MARKED:
        return "MarkedForDeletion";
    }
    return "?";
}

int qn__meta_split_state(struct qn_db *db, struct qn_str index_uid, struct qn_str split_id,
                         int64_t *state, struct qn_err *err)
{
    int rc = qn__db_one_int(db, "SELECT state FROM splits WHERE index_uid = $1 AND split_id = $2",
                            QN_DB_P(QN_DB_S(index_uid), QN_DB_S(split_id)), state, err);
    return rc < 0 ? rc : QN_OK; /* *state is 0 when there is no such split */
}

int qn__meta_wrong_state(struct qn_db *db, struct qn_str index_uid, struct qn_str split_id,
                         const char *wanted, struct qn_err *err)
{
    int64_t state;
    int rc = qn__meta_split_state(db, index_uid, split_id, &state, err);
    if (rc < 0)
        return rc;
    if (state == 0)
        return qn_fail(err, QN_E_NOT_FOUND,
                       "split \"" QN_STR_FMT "\" of index \"" QN_STR_FMT "\" not found",
                       QN_STR_ARG(split_id), QN_STR_ARG(index_uid));
    return qn_fail(err, QN_E_CONFLICT, "split \"" QN_STR_FMT "\" is %s, not %s",
                   QN_STR_ARG(split_id), qn_meta_state_name((enum qn_meta_state)state), wanted);
}

/* Tags in one text: each ends in a line feed; backslashes and line feeds in them are escaped. */
static void put_tags(struct qn_buf *out, const struct qn_str *tags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < tags[i].n; k++) {
            char c = tags[i].p[k];
            if (c == '\\' || c == '\n')
                qn_buf_put_u8(out, '\\');
            qn_buf_put_u8(out, (uint8_t)(c == '\n' ? 'n' : c));
        }
        qn_buf_put_u8(out, '\n');
    }
}

static int check_split(const struct qn_meta_split *sp, struct qn_err *err)
{
    int rc = qn__meta_check_name(sp->split_id, "split id", err);
    const struct qn_str texts[] = {sp->source_id, sp->node_id, sp->tier, sp->doc_mapping_uid,
                                   sp->json};
    for (size_t i = 0; rc == QN_OK && i < QN_COUNT_OF(texts); i++)
        rc = qn__meta_check_text(texts[i], "split metadata", err);
    for (size_t i = 0; rc == QN_OK && i < sp->n_tags; i++)
        rc = qn__meta_check_text(sp->tags[i], "split tag", err);
    if (rc == QN_OK && sp->has_time &&
        (sp->min_time_ns > sp->max_time_ns || sp->max_time_ns == INT64_MAX))
        rc = qn_fail(err, QN_E_INVALID, "split \"" QN_STR_FMT "\" ends before it begins, or never",
                     QN_STR_ARG(sp->split_id));
    return rc;
}

static int stage_one(struct qn_db *db, struct qn_str index_uid, const struct qn_meta_split *sp,
                     int64_t now, struct qn_buf *tags, struct qn_err *err)
{
    qn_buf_clear(tags);
    put_tags(tags, sp->tags, sp->n_tags);
    int64_t changed = qn__db_exec(
        db,
        "INSERT INTO splits (index_uid, split_id, state, min_time_ns, max_time_ns, doc_count,"
        " deleted_doc_count, size_bytes, raw_bytes, footer_start, footer_end, partition_id,"
        " delete_opstamp, delete_generation, merge_ops, mature_us, created_us, updated_us,"
        " published_us, source_id, node_id, tier, doc_mapping_uid, tags, json)"
        " VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,"
        " 0, $18, $19, $20, $21, $22, $23)"
        " ON CONFLICT (index_uid, split_id) DO UPDATE SET"
        " min_time_ns = excluded.min_time_ns, max_time_ns = excluded.max_time_ns,"
        " doc_count = excluded.doc_count, deleted_doc_count = excluded.deleted_doc_count,"
        " size_bytes = excluded.size_bytes, raw_bytes = excluded.raw_bytes,"
        " footer_start = excluded.footer_start, footer_end = excluded.footer_end,"
        " partition_id = excluded.partition_id, delete_opstamp = excluded.delete_opstamp,"
        " delete_generation = excluded.delete_generation, merge_ops = excluded.merge_ops,"
        " mature_us = excluded.mature_us, updated_us = excluded.updated_us,"
        " source_id = excluded.source_id, node_id = excluded.node_id, tier = excluded.tier,"
        " doc_mapping_uid = excluded.doc_mapping_uid, tags = excluded.tags, json = excluded.json"
        " WHERE splits.state = 1",
        QN_DB_P(QN_DB_S(index_uid), QN_DB_S(sp->split_id),
                QN_DB_I(sp->has_time ? sp->min_time_ns : INT64_MIN),
                QN_DB_I(sp->has_time ? sp->max_time_ns : INT64_MAX), QN_DB_I(sp->doc_count),
                QN_DB_I(sp->deleted_doc_count), QN_DB_I(sp->size_bytes), QN_DB_I(sp->raw_bytes),
                QN_DB_I(sp->footer_start), QN_DB_I(sp->footer_end), QN_DB_I(sp->partition_id),
                QN_DB_I(sp->delete_opstamp), QN_DB_I(sp->delete_generation), QN_DB_I(sp->merge_ops),
                QN_DB_I(sp->mature_us), QN_DB_I(now), QN_DB_I(now), QN_DB_S(sp->source_id),
                QN_DB_S(sp->node_id), QN_DB_S(sp->tier), QN_DB_S(sp->doc_mapping_uid),
                QN_DB_S(qn_buf_str(tags)), QN_DB_S(sp->json)),
        err);
    if (changed == 0)
        return qn__meta_wrong_state(db, index_uid, sp->split_id, "Staged", err);
    return changed < 0 ? (int)changed : QN_OK;
}

int qn_meta_stage(struct qn_metastore *ms, struct qn_str index_uid,
                  const struct qn_meta_split *splits, size_t n, struct qn_err *err)
{
    struct qn_db *db;
    int rc = QN_OK;
    for (size_t i = 0; rc == QN_OK && i < n; i++)
        rc = check_split(&splits[i], err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    struct qn_buf tags;
    qn_buf_init(&tags, SIZE_MAX);
    int64_t now = qn__meta_now(ms);
    rc = qn__meta_require_index(db, index_uid, err);
    for (size_t i = 0; rc == QN_OK && i < n; i++)
        rc = stage_one(db, index_uid, &splits[i], now, &tags, err);
    qn_buf_release(&tags);
    return qn__meta_end(ms, rc, err);
}

/* Splits of deleted indexes are marked and deleted too: no live index is required. */
static int begin_any_index(struct qn_metastore *ms, struct qn_str index_uid, struct qn_db **db,
                           struct qn_err *err)
{
    int rc = qn__meta_check_name(index_uid, "index uid", err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, db, err);
    if (rc < 0)
        return rc;
    rc = qn__meta_bump(*db, index_uid, NULL, err);
    return rc < 0 ? qn__meta_end(ms, rc, err) : QN_OK;
}

static int mark_one(struct qn_db *db, struct qn_str index_uid, struct qn_str split_id, int64_t now,
                    struct qn_err *err)
{
    int64_t changed =
        qn__db_exec(db,
                    "UPDATE splits SET state = 4, updated_us = $1"
                    " WHERE index_uid = $2 AND split_id = $3 AND state <> 4",
                    QN_DB_P(QN_DB_I(now), QN_DB_S(index_uid), QN_DB_S(split_id)), err);
    if (changed != 0)
        return changed < 0 ? (int)changed : QN_OK;
    int64_t state;
    int rc = qn__meta_split_state(db, index_uid, split_id, &state, err);
    if (rc == QN_OK && state == 0)
        rc = qn__meta_wrong_state(db, index_uid, split_id, "Published", err);
    return rc;
}

int qn_meta_mark_splits(struct qn_metastore *ms, struct qn_str index_uid,
                        const struct qn_str *split_ids, size_t n, struct qn_err *err)
{
    struct qn_db *db;
    int rc = begin_any_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    for (size_t i = 0; rc == QN_OK && i < n; i++)
        rc = mark_one(db, index_uid, split_ids[i], now, err);
    return qn__meta_end(ms, rc, err);
}

static int delete_one(struct qn_db *db, struct qn_str index_uid, struct qn_str split_id,
                      struct qn_err *err)
{
    int64_t changed =
        qn__db_exec(db, "DELETE FROM splits WHERE index_uid = $1 AND split_id = $2 AND state = 4",
                    QN_DB_P(QN_DB_S(index_uid), QN_DB_S(split_id)), err);
    if (changed != 0)
        return changed < 0 ? (int)changed : QN_OK;
    int64_t state;
    int rc = qn__meta_split_state(db, index_uid, split_id, &state, err);
    if (rc == QN_OK && state != 0)
        rc = qn__meta_wrong_state(db, index_uid, split_id, "MarkedForDeletion", err);
    return rc;
}

int qn_meta_delete_splits(struct qn_metastore *ms, struct qn_str index_uid,
                          const struct qn_str *split_ids, size_t n, struct qn_err *err)
{
    struct qn_db *db;
    int rc = begin_any_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == QN_OK && i < n; i++)
        rc = delete_one(db, index_uid, split_ids[i], err);
    if (rc == QN_OK)
        rc = qn__meta_bury(db, index_uid, err);
    return qn__meta_end(ms, rc, err);
}

int qn_meta_set_delete_opstamp(struct qn_metastore *ms, struct qn_str index_uid,
                               const struct qn_str *split_ids, size_t n, uint64_t opstamp,
                               struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    for (size_t i = 0; rc == QN_OK && i < n; i++)
        rc = qn__meta_run(
            db,
            "UPDATE splits SET delete_opstamp = $1, updated_us = $2"
            " WHERE index_uid = $3 AND split_id = $4 AND state = 2"
            " AND delete_opstamp < $1",
            QN_DB_P(QN_DB_I(opstamp), QN_DB_I(now), QN_DB_S(index_uid), QN_DB_S(split_ids[i])),
            err);
    return qn__meta_end(ms, rc, err);
}

int qn_meta_set_tier(struct qn_metastore *ms, struct qn_str index_uid,
                     const struct qn_str *split_ids, size_t n, struct qn_str tier,
                     struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_check_text(tier, "tier", err);
    if (rc == QN_OK)
        rc = qn__meta_begin_index(ms, index_uid, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    for (size_t i = 0; rc == QN_OK && i < n; i++) {
        int64_t changed = qn__db_exec(
            db,
            "UPDATE splits SET tier = $1, updated_us = $2"
            " WHERE index_uid = $3 AND split_id = $4 AND state = 2",
            QN_DB_P(QN_DB_S(tier), QN_DB_I(now), QN_DB_S(index_uid), QN_DB_S(split_ids[i])), err);
        rc = changed < 0 ? (int)changed : QN_OK;
        if (changed == 0)
            rc = qn__meta_wrong_state(db, index_uid, split_ids[i], "Published", err);
    }
    return qn__meta_end(ms, rc, err);
}
