/* How the calls of metastore.h reach the database: transactions and reading connections. */
#ifndef QN_METASTORE_METASTORE_INT_H
#define QN_METASTORE_METASTORE_INT_H

#include "db_int.h"
#include "metastore/metastore.h"
#include "os/thread.h"
#include "os/ulid.h"

struct qn_metastore {
    const struct qn_clock *clock;
    const struct qn_log *log;
    struct qn_ulid_gen ulids;
    char *path; /* NULL: in memory, and the writer's connection reads too */
    struct qn_db_options db_options;

    struct qn_mutex write_lock;
    struct qn_db *writer;

    struct qn_mutex read_lock;
    struct qn_cond reader_back;
    struct qn_db *idle;
    unsigned n_idle, n_readers, max_readers;
};

/* Starts a write transaction on the one writing connection. When 0: end it.
 * @locks takes:METASTORE, held until qn__meta_end */
QN_MUST_CHECK int qn__meta_begin(struct qn_metastore *ms, struct qn_db **db, struct qn_err *err);
/* Commits when rc >= 0, else rolls back. Returns rc, or why the commit failed. */
QN_MUST_CHECK int qn__meta_end(struct qn_metastore *ms, int rc, struct qn_err *err);
/* A connection for reading. When 0: give it back. */
QN_MUST_CHECK int qn__meta_read(struct qn_metastore *ms, struct qn_db **db, struct qn_err *err);
void qn__meta_read_done(struct qn_metastore *ms, struct qn_db *db);

/* Notes in the change feed, inside a transaction, that a scope changed. *generation may be NULL.
 * Made first in a transaction it also keeps other writers out until the commit, with any driver. */
QN_MUST_CHECK int qn__meta_bump(struct qn_db *db, struct qn_str scope, uint64_t *generation,
                                struct qn_err *err);
QN_MUST_CHECK int qn__meta_bump_under(struct qn_db *db, const char *prefix, struct qn_str name,
                                      uint64_t *generation, struct qn_err *err);
/* begin + bump of an index that must exist (QN_E_NOT_FOUND): how most changes start. On failure the
 * transaction is over. */
QN_MUST_CHECK int qn__meta_begin_index(struct qn_metastore *ms, struct qn_str index_uid,
                                       struct qn_db **db, struct qn_err *err);
/* QN_E_NOT_FOUND unless it exists and is not deleted. */
QN_MUST_CHECK int qn__meta_require_index(struct qn_db *db, struct qn_str index_uid,
                                         struct qn_err *err);
/* exec for statements of which the number of changed rows does not matter: 0 or QN_E_*. */
QN_MUST_CHECK int qn__meta_run(struct qn_db *db, const char *sql, const struct qn_db_value *params,
                               size_t n, struct qn_err *err);
/* 0, or QN_E_BUDGET when the arena could not hold the answer. */
QN_MUST_CHECK int qn__meta_fits(const struct qn_arena *ar, struct qn_err *err);
/* Drops the row of a deleted index whose last split is gone. */
QN_MUST_CHECK int qn__meta_bury(struct qn_db *db, struct qn_str index_uid, struct qn_err *err);

/* Brings the tables to this build's version. */
QN_MUST_CHECK int qn__meta_migrate(struct qn_db *db, int64_t now_us, struct qn_err *err);
#define QN_META_SCHEMA_VERSION 2

/* A list of rows: runs the query, calls `take` for each row with room for one element in the
 * arena's array, and gives the array. `take` returns 1 to keep the element, 0 to drop it, 2 to stop
 * before it, or QN_E_*. */
typedef int (*qn__meta_take_fn)(struct qn_db_rows *rows, struct qn_arena *ar, void *element,
                                void *arg);
struct qn__meta_list {
    size_t size; /* of an element */
    qn__meta_take_fn take;
    void *arg;
    struct qn_arena *ar;
    void **out;
    size_t *n;
};
QN_MUST_CHECK int qn__meta_select(struct qn_metastore *ms, const char *sql,
                                  const struct qn_db_value *params, size_t n_params,
                                  const struct qn__meta_list *list, struct qn_err *err);

static inline int64_t qn__meta_now(const struct qn_metastore *ms)
{
    return qn_wall_us(ms->clock);
}

#endif
