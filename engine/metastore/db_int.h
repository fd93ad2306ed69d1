/* One connection to an SQL database: the little that the metastore needs of it. All statements of
 * the metastore are written once, in the SQL that SQLite and PostgreSQL share:
 *
 *  - parameters are $1, $2, .. and appear in this order for the first time;
 *  - types are BIGINT and TEXT; INSERT .. ON CONFLICT .. DO UPDATE / DO NOTHING; RETURNING;
 *  - compare-and-swap is UPDATE .. WHERE old value, and the number of changed rows;
 *  - ORDER BY on TEXT means byte order (PostgreSQL: the database has collation "C").
 *
 * A connection has one user at a time. A result is read to its end or closed before the next
 * statement. Drivers keep prepared statements by their text. */
#ifndef QN_METASTORE_DB_INT_H
#define QN_METASTORE_DB_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

struct qn_db;
struct qn_db_rows;

struct qn_db_value {
    enum { QN_DB_INT, QN_DB_TEXT } kind;
    int64_t i;
    struct qn_str s;
};

#define QN_DB_I(v) ((struct qn_db_value){.kind = QN_DB_INT, .i = (int64_t)(v)})
#define QN_DB_S(v) ((struct qn_db_value){.kind = QN_DB_TEXT, .s = (v)})
/* The parameters of a statement, as the two arguments that exec and query take. */
#define QN_DB_P(...)                                                                               \
    (const struct qn_db_value[]){__VA_ARGS__},                                                     \
        sizeof((const struct qn_db_value[]){__VA_ARGS__}) / sizeof(struct qn_db_value)
#define QN_DB_NONE NULL, 0

struct qn_db_ops {
    int (*begin)(struct qn_db *db, struct qn_err *err); /* to write: waits for other writers */
    int (*commit)(struct qn_db *db, struct qn_err *err);
    void (*rollback)(struct qn_db *db);
    /* The number of rows changed, or QN_E_*. */
    int64_t (*exec)(struct qn_db *db, const char *sql, const struct qn_db_value *params, size_t n,
                    struct qn_err *err);
    int (*query)(struct qn_db *db, const char *sql, const struct qn_db_value *params, size_t n,
                 struct qn_db_rows **out, struct qn_err *err);
    /* 1: a row is there; 0: no more; or QN_E_*. */
    int (*next)(struct qn_db_rows *rows, struct qn_err *err);
    bool (*is_null)(struct qn_db_rows *rows, int column);
    int64_t (*get_int)(struct qn_db_rows *rows, int column);
    struct qn_str (*get_text)(struct qn_db_rows *rows, int column); /* until next */
    void (*close_rows)(struct qn_db_rows *rows);
    void (*close)(struct qn_db *db);
};

/* Drivers embed this as their first member. */
struct qn_db {
    const struct qn_db_ops *ops;
    struct qn_db *next; /* in the list of idle readers */
};
struct qn_db_rows {
    const struct qn_db_ops *ops;
};

QN_MUST_CHECK static inline int64_t qn__db_exec(struct qn_db *db, const char *sql,
                                                const struct qn_db_value *params, size_t n,
                                                struct qn_err *err)
{
    return db->ops->exec(db, sql, params, n, err);
}
QN_MUST_CHECK static inline int qn__db_query(struct qn_db *db, const char *sql,
                                             const struct qn_db_value *params, size_t n,
                                             struct qn_db_rows **out, struct qn_err *err)
{
    *out = NULL;
    return db->ops->query(db, sql, params, n, out, err);
}
QN_MUST_CHECK static inline int qn__db_next(struct qn_db_rows *rows, struct qn_err *err)
{
    return rows->ops->next(rows, err);
}
static inline bool qn__db_is_null(struct qn_db_rows *rows, int column)
{
    return rows->ops->is_null(rows, column);
}
static inline int64_t qn__db_int(struct qn_db_rows *rows, int column)
{
    return rows->ops->get_int(rows, column);
}
/* A copy in ar. */
static inline struct qn_str qn__db_str(struct qn_db_rows *rows, int column, struct qn_arena *ar)
{
    return qn_arena_str(ar, rows->ops->get_text(rows, column));
}
static inline void qn__db_close_rows(struct qn_db_rows *rows)
{
    if (rows != NULL)
        rows->ops->close_rows(rows);
}
/* The first column of the first row: 1, 0 when there is no row (*out = 0), or QN_E_*. */
QN_MUST_CHECK int qn__db_one_int(struct qn_db *db, const char *sql,
                                 const struct qn_db_value *params, size_t n, int64_t *out,
                                 struct qn_err *err);

struct qn_db_options {
    unsigned busy_timeout_ms;
    bool read_only; /* the connection is for readers */
};

/* path NULL: in memory, for this connection alone. */
QN_MUST_CHECK int qn__db_open_sqlite(struct qn_db **out, const char *path,
                                     const struct qn_db_options *opt, struct qn_err *err);
/* The handle behind an SQLite connection, for tests that squeeze it. Borrows. */
struct sqlite3 *qn__db_sqlite_handle(struct qn_db *db);

#endif
