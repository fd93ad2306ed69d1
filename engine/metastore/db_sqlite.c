/* SQLite: WAL mode (readers and the writer do not wait for each other), synchronous = FULL (a
 * commit is on disk before it is acknowledged), foreign keys on. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "db_int.h"

#define MAX_STATEMENTS 96

/* A prepared statement; a result is the statement while it is being read. */
struct statement {
    struct qn_db_rows rows; /* first member */
    struct sqlite_db *db;
    sqlite3_stmt *stmt;
    char *sql;
    uint64_t hash;
    uint64_t used; /* the connection's clock at its last use */
};

struct sqlite_db {
    struct qn_db db; /* first member */
    sqlite3 *handle;
    struct statement *statements[MAX_STATEMENTS];
    unsigned n_statements;
    uint64_t clock;
};

static int code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return QN_E_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return QN_E_UNAVAILABLE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return QN_E_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return QN_E_ACCESS;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return QN_E_IO;
    case SQLITE_TOOBIG:
        return QN_E_TOO_LARGE;
    case SQLITE_CONSTRAINT:
        return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ? QN_E_EXISTS
                                                                                    : QN_E_BUG;
    default:
        return QN_E_BUG;
    }
}

static int failed(struct sqlite_db *sq, int rc, struct qn_err *err)
{
    int code = code_of(rc);
    return qn_fail(err, code, "metastore: %s", sqlite3_errmsg(sq->handle));
}

static void statement_free(struct statement *st)
{
    sqlite3_finalize(st->stmt);
    free(st->sql);
    free(st);
}

/* The slot of the statement with this text, or of the one to make room for it. */
static unsigned find_slot(struct sqlite_db *sq, const char *sql, uint64_t hash, bool *found)
{
    unsigned oldest = 0;
    for (unsigned i = 0; i < sq->n_statements; i++) {
        const struct statement *st = sq->statements[i];
        if (st->hash == hash && strcmp(st->sql, sql) == 0) {
            *found = true;
            return i;
        }
        if (st->used < sq->statements[oldest]->used)
            oldest = i;
    }
    *found = false;
    return sq->n_statements < MAX_STATEMENTS ? sq->n_statements : oldest;
}

static int prepare(struct sqlite_db *sq, const char *sql, struct statement **out,
                   struct qn_err *err)
{
    size_t len = strlen(sql);
    uint64_t hash = qn_hash(sql, len);
    bool found;
    unsigned slot = find_slot(sq, sql, hash, &found);
    if (!found) {
        sqlite3_stmt *stmt;
        int rc = sqlite3_prepare_v3(sq->handle, sql, (int)len + 1, SQLITE_PREPARE_PERSISTENT, &stmt,
                                    NULL);
        if (rc != SQLITE_OK)
            return failed(sq, rc, err);
        struct statement *st = qn_xcalloc(1, sizeof *st);
        st->rows.ops = sq->db.ops;
        st->db = sq;
        st->stmt = stmt;
        st->sql = qn_xstrndup(sql, len);
        st->hash = hash;
        if (slot == sq->n_statements)
            sq->n_statements++;
        else
            statement_free(sq->statements[slot]);
        sq->statements[slot] = st;
    }
    *out = sq->statements[slot];
    (*out)->used = ++sq->clock;
    return QN_OK;
}

static int bind(struct sqlite_db *sq, struct statement *st, const struct qn_db_value *params,
                size_t n, struct qn_err *err)
{
    QN_ASSERT(sqlite3_bind_parameter_count(st->stmt) == (int)n);
    for (size_t i = 0; i < n; i++) {
        const struct qn_db_value *v = &params[i];
        int at = (int)i + 1, rc;
        if (v->kind == QN_DB_TEXT)
            /* Static: the parameters outlive the result, see query. */
            rc = sqlite3_bind_text64(st->stmt, at, v->s.p != NULL ? v->s.p : "", v->s.n,
                                     SQLITE_STATIC, SQLITE_UTF8);
        else
            rc = sqlite3_bind_int64(st->stmt, at, v->i);
        if (rc != SQLITE_OK)
            return failed(sq, rc, err);
    }
    return QN_OK;
}

static void finish(struct statement *st)
{
    sqlite3_reset(st->stmt);
    sqlite3_clear_bindings(st->stmt);
}

static int64_t sq_exec(struct qn_db *db, const char *sql, const struct qn_db_value *params,
                       size_t n, struct qn_err *err)
{
    struct sqlite_db *sq = (struct sqlite_db *)db;
    struct statement *st;
    int rc = prepare(sq, sql, &st, err);
    if (rc < 0)
        return rc;
    rc = bind(sq, st, params, n, err);
    if (rc == QN_OK) {
        int step = sqlite3_step(st->stmt);
        if (step != SQLITE_DONE && step != SQLITE_ROW)
            rc = failed(sq, step, err);
    }
    finish(st);
    return rc < 0 ? rc : (int64_t)sqlite3_changes64(sq->handle);
}

static int sq_query(struct qn_db *db, const char *sql, const struct qn_db_value *params, size_t n,
                    struct qn_db_rows **out, struct qn_err *err)
{
    struct sqlite_db *sq = (struct sqlite_db *)db;
    struct statement *st;
    int rc = prepare(sq, sql, &st, err);
    if (rc == QN_OK) {
        rc = bind(sq, st, params, n, err);
        if (rc < 0)
            finish(st);
    }
    if (rc == QN_OK)
        *out = &st->rows;
    return rc;
}

static int sq_next(struct qn_db_rows *rows, struct qn_err *err)
{
    struct statement *st = (struct statement *)rows;
    int rc = sqlite3_step(st->stmt);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : failed(st->db, rc, err);
}

static bool sq_is_null(struct qn_db_rows *rows, int column)
{
    return sqlite3_column_type(((struct statement *)rows)->stmt, column) == SQLITE_NULL;
}

static int64_t sq_int(struct qn_db_rows *rows, int column)
{
    return sqlite3_column_int64(((struct statement *)rows)->stmt, column);
}

static struct qn_str sq_text(struct qn_db_rows *rows, int column)
{
    sqlite3_stmt *stmt = ((struct statement *)rows)->stmt;
    const unsigned char *p = sqlite3_column_text(stmt, column); /* before its length is asked */
    return qn_str_make(p, (size_t)sqlite3_column_bytes(stmt, column));
}

static void sq_close_rows(struct qn_db_rows *rows)
{
    finish((struct statement *)rows);
}

static int sq_begin(struct qn_db *db, struct qn_err *err)
{
    int64_t rc = sq_exec(db, "BEGIN IMMEDIATE", QN_DB_NONE, err);
    return rc < 0 ? (int)rc : QN_OK;
}

static int sq_commit(struct qn_db *db, struct qn_err *err)
{
    int64_t rc = sq_exec(db, "COMMIT", QN_DB_NONE, err);
    return rc < 0 ? (int)rc : QN_OK;
}

static void sq_rollback(struct qn_db *db)
{
    struct sqlite_db *sq = (struct sqlite_db *)db;
    if (sqlite3_get_autocommit(sq->handle))
        return; /* SQLite has rolled back by itself, as it does on a full disk */
    int64_t rc = sq_exec(db, "ROLLBACK", QN_DB_NONE, NULL);
    (void)rc; /* nothing better can be done; the next BEGIN would fail and say so */
}

static void sq_close(struct qn_db *db)
{
    struct sqlite_db *sq = (struct sqlite_db *)db;
    for (unsigned i = 0; i < sq->n_statements; i++)
        statement_free(sq->statements[i]);
    sqlite3_close(sq->handle);
    free(sq);
}

static const struct qn_db_ops sqlite_ops = {
    .begin = sq_begin,
    .commit = sq_commit,
    .rollback = sq_rollback,
    .exec = sq_exec,
    .query = sq_query,
    .next = sq_next,
    .is_null = sq_is_null,
    .get_int = sq_int,
    .get_text = sq_text,
    .close_rows = sq_close_rows,
    .close = sq_close,
};

static int set_pragmas(struct sqlite_db *sq, const struct qn_db_options *opt, struct qn_err *err)
{
    static const char *const pragmas[] = {
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA journal_size_limit = 8388608",
        "PRAGMA query_only = ON",
    };
    size_t n = QN_COUNT_OF(pragmas) - (opt->read_only ? 0 : 1);
    for (size_t i = 0; i < n; i++) {
        int rc = sqlite3_exec(sq->handle, pragmas[i], NULL, NULL, NULL);
        if (rc != SQLITE_OK)
            return failed(sq, rc, err);
    }
    return QN_OK;
}

int qn__db_open_sqlite(struct qn_db **out, const char *path, const struct qn_db_options *opt,
                       struct qn_err *err)
{
    *out = NULL;
    struct sqlite_db *sq = qn_xcalloc(1, sizeof *sq);
    sq->db.ops = &sqlite_ops;
    /* No mutex of SQLite's own: a connection has one user at a time. */
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path != NULL ? path : ":memory:", &sq->handle, flags, NULL);
    if (rc != SQLITE_OK) {
        rc = qn_fail(err, code_of(rc), "metastore %s: %s", path != NULL ? path : "in memory",
                     sq->handle != NULL ? sqlite3_errmsg(sq->handle) : sqlite3_errstr(rc));
        goto out;
    }
    sqlite3_busy_timeout(sq->handle, (int)opt->busy_timeout_ms);
    rc = set_pragmas(sq, opt, err);
    if (rc < 0)
        qn_err_prefix(err, "%s: ", path != NULL ? path : "in memory");
out:
    if (rc < 0)
        sq_close(&sq->db);
    else
        *out = &sq->db;
    return rc;
}

struct sqlite3 *qn__db_sqlite_handle(struct qn_db *db)
{
    return ((struct sqlite_db *)db)->handle;
}

int qn__db_one_int(struct qn_db *db, const char *sql, const struct qn_db_value *params, size_t n,
                   int64_t *out, struct qn_err *err)
{
    *out = 0;
    struct qn_db_rows *rows;
    int rc = qn__db_query(db, sql, params, n, &rows, err);
    if (rc < 0)
        return rc;
    rc = qn__db_next(rows, err);
    if (rc == 1)
        *out = qn__db_int(rows, 0);
    qn__db_close_rows(rows);
    return rc;
}
