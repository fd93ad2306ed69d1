/* The tables, and how older ones become them.
 *
 *   indexes 1 ── n splits                     changes   generation of each scope; "" = of the store
 *           1 ── n sources                    docs      (space, key) -> JSON
 *           1 ── n checkpoints                nodes     leases
 *           1 ── n delete_tasks
 *           1 ── n aliases
 *
 * A version, once released, never changes: what comes later is a new entry at the end. */
#include "metastore_int.h"

static const char *const version_1[] = {
    "CREATE TABLE changes ("
    " scope TEXT NOT NULL PRIMARY KEY,"
    " generation BIGINT NOT NULL)",
    "INSERT INTO changes (scope, generation) VALUES ('', 0)",

    /* state: 1 live, 2 deleted but for its splits */
    "CREATE TABLE indexes ("
    " index_uid TEXT NOT NULL PRIMARY KEY,"
    " index_id TEXT NOT NULL,"
    " state BIGINT NOT NULL,"
    " config TEXT NOT NULL,"
    " version BIGINT NOT NULL,"
    " last_opstamp BIGINT NOT NULL,"
    " created_us BIGINT NOT NULL,"
    " updated_us BIGINT NOT NULL)",
    "CREATE UNIQUE INDEX indexes_by_id ON indexes (index_id) WHERE state = 1",

    /* state: 1 staged, 2 published, 4 marked for deletion */
    "CREATE TABLE splits ("
    " index_uid TEXT NOT NULL REFERENCES indexes (index_uid),"
    " split_id TEXT NOT NULL,"
    " state BIGINT NOT NULL,"
    " min_time_ns BIGINT NOT NULL," /* without time: the least and the greatest there are */
    " max_time_ns BIGINT NOT NULL,"
    " doc_count BIGINT NOT NULL,"
    " deleted_doc_count BIGINT NOT NULL,"
    " size_bytes BIGINT NOT NULL,"
    " raw_bytes BIGINT NOT NULL,"
    " footer_start BIGINT NOT NULL,"
    " footer_end BIGINT NOT NULL,"
    " partition_id BIGINT NOT NULL,"
    " delete_opstamp BIGINT NOT NULL,"
    " delete_generation BIGINT NOT NULL,"
    " merge_ops BIGINT NOT NULL,"
    " mature_us BIGINT NOT NULL,"
    " created_us BIGINT NOT NULL,"
    " updated_us BIGINT NOT NULL,"
    " published_us BIGINT NOT NULL,"
    " source_id TEXT NOT NULL,"
    " node_id TEXT NOT NULL,"
    " tier TEXT NOT NULL,"
    " doc_mapping_uid TEXT NOT NULL,"
    " tags TEXT NOT NULL,"
    " json TEXT NOT NULL,"
    " PRIMARY KEY (index_uid, split_id))",
    "CREATE INDEX splits_by_time ON splits (index_uid, state, max_time_ns)",
    "CREATE INDEX splits_by_state ON splits (state, updated_us)",

    "CREATE TABLE sources ("
    " index_uid TEXT NOT NULL REFERENCES indexes (index_uid) ON DELETE CASCADE,"
    " source_id TEXT NOT NULL,"
    " config TEXT NOT NULL,"
    " enabled BIGINT NOT NULL,"
    " created_us BIGINT NOT NULL,"
    " updated_us BIGINT NOT NULL,"
    " PRIMARY KEY (index_uid, source_id))",

    "CREATE TABLE checkpoints ("
    " index_uid TEXT NOT NULL REFERENCES indexes (index_uid) ON DELETE CASCADE,"
    " source_id TEXT NOT NULL,"
    " partition_id TEXT NOT NULL,"
    " position TEXT NOT NULL,"
    " PRIMARY KEY (index_uid, source_id, partition_id))",

    "CREATE TABLE delete_tasks ("
    " index_uid TEXT NOT NULL REFERENCES indexes (index_uid) ON DELETE CASCADE,"
    " opstamp BIGINT NOT NULL,"
    " query TEXT NOT NULL,"
    " created_us BIGINT NOT NULL,"
    " PRIMARY KEY (index_uid, opstamp))",

    "CREATE TABLE aliases ("
    " alias TEXT NOT NULL,"
    " index_uid TEXT NOT NULL REFERENCES indexes (index_uid) ON DELETE CASCADE,"
    " json TEXT NOT NULL,"
    " PRIMARY KEY (alias, index_uid))",
    "CREATE INDEX aliases_by_index ON aliases (index_uid)",
    NULL,
};

static const char *const version_2[] = {
    "CREATE TABLE docs ("
    " space TEXT NOT NULL,"
    " key TEXT NOT NULL,"
    " json TEXT NOT NULL,"
    " version BIGINT NOT NULL,"
    " updated_us BIGINT NOT NULL,"
    " expires_us BIGINT NOT NULL," /* 0: never */
    " PRIMARY KEY (space, key))",
    "CREATE INDEX docs_by_expiry ON docs (expires_us) WHERE expires_us > 0",
    "CREATE TABLE nodes ("
    " node_id TEXT NOT NULL PRIMARY KEY,"
    " json TEXT NOT NULL,"
    " expires_us BIGINT NOT NULL)",
    NULL,
};

static const char *const *const versions[QN_META_SCHEMA_VERSION] = {version_1, version_2};

static int apply(struct qn_db *db, int64_t version, int64_t now_us, struct qn_err *err)
{
    for (const char *const *sql = versions[version - 1]; *sql != NULL; sql++) {
        int rc = qn__meta_run(db, *sql, QN_DB_NONE, err);
        if (rc < 0)
            return rc;
    }
    return qn__meta_run(db, "INSERT INTO migrations (version, applied_us) VALUES ($1, $2)",
                        QN_DB_P(QN_DB_I(version), QN_DB_I(now_us)), err);
}

int qn__meta_migrate(struct qn_db *db, int64_t now_us, struct qn_err *err)
{
    int rc = db->ops->begin(db, err);
    if (rc < 0)
        return rc;
    int64_t version = 0;
    rc = qn__meta_run(db,
                      "CREATE TABLE IF NOT EXISTS migrations ("
                      " version BIGINT NOT NULL PRIMARY KEY,"
                      " applied_us BIGINT NOT NULL)",
                      QN_DB_NONE, err);
    if (rc == QN_OK)
        rc = qn__db_one_int(db, "SELECT coalesce(max(version), 0) FROM migrations", QN_DB_NONE,
                            &version, err);
    if (rc >= 0 && version > QN_META_SCHEMA_VERSION)
        rc =
            qn_fail(err, QN_E_FORMAT_VERSION,
                    "metastore has schema version %lld, this build knows versions up to %d: it "
                    "was written by a newer release of Quern, run that release or restore a backup",
                    (long long)version, QN_META_SCHEMA_VERSION);
    while (rc >= 0 && version < QN_META_SCHEMA_VERSION)
        rc = apply(db, ++version, now_us, err);
    if (rc >= 0)
        rc = db->ops->commit(db, err);
    if (rc < 0)
        db->ops->rollback(db);
    return rc;
}
