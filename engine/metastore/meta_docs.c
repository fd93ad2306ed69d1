/* Documents (small JSON texts with versions) and the leases of nodes. */
#include "meta_check_int.h"
#include "metastore_int.h"

static int check_doc(struct qn_str space, struct qn_str key, struct qn_err *err)
{
    int rc = qn__meta_check_name(space, "namespace", err);
    return rc < 0 ? rc : qn__meta_check_name(key, "key", err);
}

/* The stored version, 0 when there is none (any more). */
static int stored_version(struct qn_metastore *ms, struct qn_db *db, struct qn_str space,
                          struct qn_str key, uint64_t *out, struct qn_err *err)
{
    int64_t version;
    int rc = qn__db_one_int(db,
                            "SELECT version FROM docs WHERE space = $1 AND key = $2"
                            " AND (expires_us = 0 OR expires_us > $3)",
                            QN_DB_P(QN_DB_S(space), QN_DB_S(key), QN_DB_I(qn__meta_now(ms))),
                            &version, err);
    *out = (uint64_t)version;
    return rc < 0 ? rc : QN_OK;
}

static int check_version(struct qn_str space, struct qn_str key, uint64_t stored, uint64_t wanted,
                         struct qn_err *err)
{
    if (wanted == QN_META_ANY_VERSION || wanted == stored ||
        (wanted == QN_META_ABSENT && stored == 0))
        return QN_OK;
    if (wanted == QN_META_ABSENT)
        return qn_fail(err, QN_E_CONFLICT, QN_STR_FMT " \"" QN_STR_FMT "\" exists already",
                       QN_STR_ARG(space), QN_STR_ARG(key));
    return qn_fail(err, QN_E_CONFLICT,
                   QN_STR_FMT " \"" QN_STR_FMT "\" is not at version %llu any more",
                   QN_STR_ARG(space), QN_STR_ARG(key), (unsigned long long)wanted);
}

int qn_meta_put_doc(struct qn_metastore *ms, const struct qn_meta_doc *doc, uint64_t if_version,
                    uint64_t *version, struct qn_err *err)
{
    struct qn_db *db;
    if (version != NULL)
        *version = 0;
    int rc = check_doc(doc->space, doc->key, err);
    if (rc == QN_OK)
        rc = qn__meta_check_text(doc->json, "document", err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    uint64_t generation, stored;
    rc = qn__meta_bump_under(db, QN_META_SCOPE_DOCS, doc->space, &generation, err);
    if (rc == QN_OK)
        rc = stored_version(ms, db, doc->space, doc->key, &stored, err);
    if (rc == QN_OK)
        rc = check_version(doc->space, doc->key, stored, if_version, err);
    if (rc == QN_OK)
        rc = qn__meta_run(db,
                          "INSERT INTO docs (space, key, json, version, updated_us, expires_us)"
                          " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (space, key) DO UPDATE SET"
                          " json = excluded.json, version = excluded.version,"
                          " updated_us = excluded.updated_us, expires_us = excluded.expires_us",
                          QN_DB_P(QN_DB_S(doc->space), QN_DB_S(doc->key), QN_DB_S(doc->json),
                                  QN_DB_I(generation), QN_DB_I(qn__meta_now(ms)),
                                  QN_DB_I(doc->expires_us)),
                          err);
    rc = qn__meta_end(ms, rc, err);
    if (version != NULL && rc == QN_OK)
        *version = generation;
    return rc;
}

#define DOC_COLUMNS "space, key, json, version, updated_us, expires_us"

static int take_doc(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_doc *doc = element;
    doc->space = qn__db_str(rows, 0, ar);
    doc->key = qn__db_str(rows, 1, ar);
    doc->json = qn__db_str(rows, 2, ar);
    doc->version = (uint64_t)qn__db_int(rows, 3);
    doc->updated_us = qn__db_int(rows, 4);
    doc->expires_us = qn__db_int(rows, 5);
    return 1;
}

static int no_doc(struct qn_str space, struct qn_str key, struct qn_err *err)
{
    return qn_fail(err, QN_E_NOT_FOUND, QN_STR_FMT " \"" QN_STR_FMT "\" not found",
                   QN_STR_ARG(space), QN_STR_ARG(key));
}

int qn_meta_get_doc(struct qn_metastore *ms, struct qn_str space, struct qn_str key,
                    struct qn_arena *ar, struct qn_meta_doc *out, struct qn_err *err)
{
    *out = (struct qn_meta_doc){0};
    struct qn_meta_doc *found;
    size_t n;
    struct qn__meta_list list = {
        .size = sizeof *found, .take = take_doc, .ar = ar, .out = (void **)&found, .n = &n};
    int rc = qn__meta_select(ms,
                             "SELECT " DOC_COLUMNS " FROM docs WHERE space = $1 AND key = $2"
                             " AND (expires_us = 0 OR expires_us > $3)",
                             QN_DB_P(QN_DB_S(space), QN_DB_S(key), QN_DB_I(qn__meta_now(ms))),
                             &list, err);
    if (rc < 0)
        return rc;
    if (n == 0)
        return no_doc(space, key, err);
    *out = *found;
    return QN_OK;
}

int qn_meta_list_docs(struct qn_metastore *ms, struct qn_str space, struct qn_arena *ar,
                      struct qn_meta_doc **out, size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_doc, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT " DOC_COLUMNS " FROM docs WHERE space = $1"
                           " AND (expires_us = 0 OR expires_us > $2) ORDER BY key",
                           QN_DB_P(QN_DB_S(space), QN_DB_I(qn__meta_now(ms))), &list, err);
}

int qn_meta_delete_doc(struct qn_metastore *ms, struct qn_str space, struct qn_str key,
                       uint64_t if_version, struct qn_err *err)
{
    struct qn_db *db;
    int rc = check_doc(space, key, err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    uint64_t stored;
    rc = qn__meta_bump_under(db, QN_META_SCOPE_DOCS, space, NULL, err);
    if (rc == QN_OK)
        rc = stored_version(ms, db, space, key, &stored, err);
    if (rc == QN_OK && stored == 0)
        rc = no_doc(space, key, err);
    if (rc == QN_OK)
        rc = check_version(space, key, stored, if_version, err);
    if (rc == QN_OK)
        rc = qn__meta_run(db, "DELETE FROM docs WHERE space = $1 AND key = $2",
                          QN_DB_P(QN_DB_S(space), QN_DB_S(key)), err);
    return qn__meta_end(ms, rc, err);
}

int qn_meta_expire(struct qn_metastore *ms, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms);
    /* An expired document was invisible already: its removal is no change. */
    rc = qn__meta_run(db, "DELETE FROM docs WHERE expires_us > 0 AND expires_us <= $1",
                      QN_DB_P(QN_DB_I(now)), err);
    int64_t gone = 0;
    if (rc == QN_OK)
        gone =
            qn__db_exec(db, "DELETE FROM nodes WHERE expires_us <= $1", QN_DB_P(QN_DB_I(now)), err);
    if (gone < 0)
        rc = (int)gone;
    if (rc == QN_OK && gone > 0)
        rc = qn__meta_bump(db, QN_STR(QN_META_SCOPE_NODES), NULL, err);
    return qn__meta_end(ms, rc, err);
}

int qn_meta_renew_lease(struct qn_metastore *ms, struct qn_str node_id, struct qn_str json,
                        uint64_t ttl_us, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_check_name(node_id, "node id", err);
    if (rc == QN_OK)
        rc = qn__meta_check_text(json, "node", err);
    if (rc == QN_OK)
        rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    int64_t now = qn__meta_now(ms), until = now + (int64_t)ttl_us;
    int64_t renewed =
        qn__db_exec(db,
                    "UPDATE nodes SET expires_us = $1 WHERE node_id = $2 AND json = $3"
                    " AND expires_us > $4",
                    QN_DB_P(QN_DB_I(until), QN_DB_S(node_id), QN_DB_S(json), QN_DB_I(now)), err);
    rc = renewed < 0 ? (int)renewed : QN_OK;
    if (renewed == 0) {
        rc = qn__meta_bump(db, QN_STR(QN_META_SCOPE_NODES), NULL, err);
        if (rc == QN_OK)
            rc = qn__meta_run(db,
                              "INSERT INTO nodes (node_id, json, expires_us) VALUES ($1, $2, $3)"
                              " ON CONFLICT (node_id) DO UPDATE SET json = excluded.json,"
                              " expires_us = excluded.expires_us",
                              QN_DB_P(QN_DB_S(node_id), QN_DB_S(json), QN_DB_I(until)), err);
    }
    return qn__meta_end(ms, rc, err);
}

int qn_meta_drop_lease(struct qn_metastore *ms, struct qn_str node_id, struct qn_err *err)
{
    struct qn_db *db;
    int rc = qn__meta_begin(ms, &db, err);
    if (rc < 0)
        return rc;
    rc = qn__meta_bump(db, QN_STR(QN_META_SCOPE_NODES), NULL, err);
    if (rc == QN_OK)
        rc = qn__meta_run(db, "DELETE FROM nodes WHERE node_id = $1", QN_DB_P(QN_DB_S(node_id)),
                          err);
    return qn__meta_end(ms, rc, err);
}

static int take_node(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_node *node = element;
    node->node_id = qn__db_str(rows, 0, ar);
    node->json = qn__db_str(rows, 1, ar);
    node->expires_us = qn__db_int(rows, 2);
    return 1;
}

int qn_meta_list_nodes(struct qn_metastore *ms, struct qn_arena *ar, struct qn_meta_node **out,
                       size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_node, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT node_id, json, expires_us FROM nodes WHERE expires_us > $1"
                           " ORDER BY node_id",
                           QN_DB_P(QN_DB_I(qn__meta_now(ms))), &list, err);
}
