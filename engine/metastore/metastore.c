#include "metastore/metastore.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/vec.h"
#include "metastore_int.h"
#include "os/file.h"

/* --- opening --- */

/* The path in uri, "" for memory. */
static int parse_uri(struct qn_str uri, struct qn_str *path, struct qn_err *err)
{
    size_t colon = qn_str_find(uri, QN_STR("://"));
    struct qn_str scheme = qn_str_first(uri, colon == SIZE_MAX ? 0 : colon);
    *path = colon == SIZE_MAX ? uri : qn_str_from(uri, colon + 3);
    if (qn_str_is(scheme, "ram")) {
        *path = QN_STR("");
        return QN_OK;
    }
    if (scheme.n != 0 && !qn_str_is(scheme, "sqlite"))
        return qn_fail(err, QN_E_UNSUPPORTED,
                       "metastore \"" QN_STR_FMT "\": scheme \"" QN_STR_FMT
                       "\" is not known, use sqlite:// or ram://",
                       QN_STR_ARG(uri), QN_STR_ARG(scheme));
    if (path->n == 0 || memchr(path->p, '\0', path->n) != NULL)
        return qn_fail(err, QN_E_INVALID,
                       "metastore \"" QN_STR_FMT "\" names no file, write sqlite:///path/to/file",
                       QN_STR_ARG(uri));
    return QN_OK;
}

static int make_parent(const char *path, struct qn_err *err)
{
    struct qn_str up = qn_path_dir(qn_str_of(path));
    char *dir = qn_xstrndup(up.p, up.n);
    int rc = qn_fs_mkdirs(qn_fs_posix(), dir, err);
    free(dir);
    return rc;
}

int qn_meta_open(struct qn_metastore **out, struct qn_str uri, const struct qn_meta_options *opt,
                 struct qn_err *err)
{
    static const struct qn_meta_options none;
    *out = NULL;
    if (opt == NULL)
        opt = &none;
    struct qn_str path;
    int rc = parse_uri(uri, &path, err);
    if (rc < 0)
        return rc;
    struct qn_metastore *ms = qn_xcalloc(1, sizeof *ms);
    ms->clock = opt->clock != NULL ? opt->clock : qn_clock_system();
    ms->log = opt->log;
    ms->max_readers = opt->max_readers != 0 ? opt->max_readers : 4;
    ms->db_options.busy_timeout_ms = opt->busy_timeout_ms != 0 ? opt->busy_timeout_ms : 10000;
    ms->path = path.n != 0 ? qn_xstrndup(path.p, path.n) : NULL;
    qn_ulid_gen_init(&ms->ulids, ms->clock);
    qn_mutex_init(&ms->write_lock, QN_LOCK_METASTORE);
    qn_mutex_init(&ms->read_lock, QN_LOCK_METASTORE_READ);
    qn_cond_init(&ms->reader_back);
    if (ms->path != NULL)
        rc = make_parent(ms->path, err);
    if (rc == QN_OK)
        rc = qn__db_open_sqlite(&ms->writer, ms->path, &ms->db_options, err);
    if (rc == QN_OK)
        rc = qn__meta_migrate(ms->writer, qn__meta_now(ms), err);
    if (rc < 0) {
        if (ms->path != NULL)
            qn_err_prefix(err, "%s: ", ms->path);
        qn_meta_close(ms);
        return rc;
    }
    *out = ms;
    return QN_OK;
}

void qn_meta_close(struct qn_metastore *ms)
{
    if (ms == NULL)
        return;
    QN_ASSERT(ms->n_idle == ms->n_readers); /* none is in use */
    while (ms->idle != NULL) {
        struct qn_db *db = ms->idle;
        ms->idle = db->next;
        db->ops->close(db);
    }
    if (ms->writer != NULL)
        ms->writer->ops->close(ms->writer);
    qn_cond_release(&ms->reader_back);
    qn_mutex_release(&ms->read_lock);
    qn_mutex_release(&ms->write_lock);
    qn_ulid_gen_release(&ms->ulids);
    free(ms->path);
    free(ms);
}

/* --- transactions and readers --- */

int qn__meta_begin(struct qn_metastore *ms, struct qn_db **db, struct qn_err *err)
{
    qn_mutex_lock(&ms->write_lock);
    int rc = ms->writer->ops->begin(ms->writer, err);
    if (rc < 0) {
        qn_mutex_unlock(&ms->write_lock);
        return rc;
    }
    *db = ms->writer;
    return QN_OK;
}

int qn__meta_end(struct qn_metastore *ms, int rc, struct qn_err *err)
{
    if (rc >= 0) {
        int done = ms->writer->ops->commit(ms->writer, err);
        rc = done < 0 ? done : rc;
    }
    if (rc < 0)
        ms->writer->ops->rollback(ms->writer);
    qn_mutex_unlock(&ms->write_lock);
    return rc;
}

int qn__meta_read(struct qn_metastore *ms, struct qn_db **db, struct qn_err *err)
{
    *db = NULL;
    if (ms->path == NULL) { /* a database in memory belongs to its one connection */
        qn_mutex_lock(&ms->write_lock);
        *db = ms->writer;
        return QN_OK;
    }
    qn_mutex_lock(&ms->read_lock);
    while (ms->idle == NULL && ms->n_readers == ms->max_readers)
        qn_cond_wait(&ms->reader_back, &ms->read_lock);
    if (ms->idle != NULL) {
        *db = ms->idle;
        ms->idle = (*db)->next;
        ms->n_idle--;
    } else {
        ms->n_readers++; /* this caller opens it */
    }
    qn_mutex_unlock(&ms->read_lock);
    if (*db != NULL)
        return QN_OK;
    struct qn_db_options opt = ms->db_options;
    opt.read_only = true;
    int rc = qn__db_open_sqlite(db, ms->path, &opt, err);
    if (rc < 0) {
        qn_mutex_lock(&ms->read_lock);
        ms->n_readers--;
        qn_cond_signal(&ms->reader_back);
        qn_mutex_unlock(&ms->read_lock);
    }
    return rc;
}

void qn__meta_read_done(struct qn_metastore *ms, struct qn_db *db)
{
    if (db == ms->writer) {
        qn_mutex_unlock(&ms->write_lock);
        return;
    }
    qn_mutex_lock(&ms->read_lock);
    db->next = ms->idle;
    ms->idle = db;
    ms->n_idle++;
    qn_cond_signal(&ms->reader_back);
    qn_mutex_unlock(&ms->read_lock);
}

int qn__meta_run(struct qn_db *db, const char *sql, const struct qn_db_value *params, size_t n,
                 struct qn_err *err)
{
    int64_t changed = qn__db_exec(db, sql, params, n, err);
    return changed < 0 ? (int)changed : QN_OK;
}

int qn__meta_fits(const struct qn_arena *ar, struct qn_err *err)
{
    return qn_arena_failed(ar) ? qn_fail(err, QN_E_BUDGET,
                                         "metastore: the answer does not fit in its memory budget")
                               : QN_OK;
}

int qn__meta_select(struct qn_metastore *ms, const char *sql, const struct qn_db_value *params,
                    size_t n_params, const struct qn__meta_list *list, struct qn_err *err)
{
    *list->out = NULL;
    *list->n = 0;
    struct qn_db *db;
    int rc = qn__meta_read(ms, &db, err);
    if (rc < 0)
        return rc;
    QN_VEC(char) all = {0};
    size_t n = 0;
    struct qn_db_rows *rows;
    rc = qn__db_query(db, sql, params, n_params, &rows, err);
    while (rc >= 0 && (rc = qn__db_next(rows, err)) == 1) {
        qn_vec_reserve(&all, (n + 1) * list->size);
        void *element = all.p + n * list->size;
        memset(element, 0, list->size);
        rc = list->take(rows, list->ar, element, list->arg);
        if (rc == 2 || qn_arena_failed(list->ar))
            break;
        n += rc == 1;
    }
    qn__db_close_rows(rows);
    qn__meta_read_done(ms, db);
    if (rc >= 0 && n > 0) {
        *list->out = qn_arena_alloc_aligned(list->ar, n * list->size, 16);
        if (*list->out != NULL)
            memcpy(*list->out, all.p, n * list->size);
    }
    qn_vec_release(&all);
    if (rc >= 0)
        rc = qn__meta_fits(list->ar, err);
    if (rc < 0)
        *list->out = NULL;
    else
        *list->n = n;
    return rc < 0 ? rc : QN_OK;
}

/* --- change feed --- */

int qn__meta_bump(struct qn_db *db, struct qn_str scope, uint64_t *generation, struct qn_err *err)
{
    int64_t now;
    int rc = qn__db_one_int(
        db, "UPDATE changes SET generation = generation + 1 WHERE scope = '' RETURNING generation",
        QN_DB_NONE, &now, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return qn_corrupt(err, "metastore: the change counter is gone");
    if (generation != NULL)
        *generation = (uint64_t)now;
    return qn__meta_run(db,
                        "INSERT INTO changes (scope, generation) VALUES ($1, $2)"
                        " ON CONFLICT (scope) DO UPDATE SET generation = excluded.generation",
                        QN_DB_P(QN_DB_S(scope), QN_DB_I(now)), err);
}

int qn__meta_bump_under(struct qn_db *db, const char *prefix, struct qn_str name,
                        uint64_t *generation, struct qn_err *err)
{
    struct qn_buf scope;
    qn_buf_init(&scope, SIZE_MAX);
    qn_buf_put_z(&scope, prefix);
    qn_buf_put_str(&scope, name);
    int rc = qn__meta_bump(db, qn_buf_str(&scope), generation, err);
    qn_buf_release(&scope);
    return rc;
}

int qn_meta_generation(struct qn_metastore *ms, uint64_t *out, struct qn_err *err)
{
    *out = 0;
    struct qn_db *db;
    int rc = qn__meta_read(ms, &db, err);
    if (rc < 0)
        return rc;
    int64_t now;
    rc = qn__db_one_int(db, "SELECT generation FROM changes WHERE scope = ''", QN_DB_NONE, &now,
                        err);
    qn__meta_read_done(ms, db);
    if (rc < 0)
        return rc;
    *out = (uint64_t)now;
    return QN_OK;
}

static int take_change(struct qn_db_rows *rows, struct qn_arena *ar, void *element, void *arg)
{
    (void)arg;
    struct qn_meta_change *ch = element;
    ch->scope = qn__db_str(rows, 0, ar);
    ch->generation = (uint64_t)qn__db_int(rows, 1);
    return 1;
}

int qn_meta_changes(struct qn_metastore *ms, uint64_t since, struct qn_arena *ar,
                    struct qn_meta_change **out, size_t *n, struct qn_err *err)
{
    struct qn__meta_list list = {
        .size = sizeof **out, .take = take_change, .ar = ar, .out = (void **)out, .n = n};
    return qn__meta_select(ms,
                           "SELECT scope, generation FROM changes"
                           " WHERE generation > $1 AND scope <> '' ORDER BY generation",
                           QN_DB_P(QN_DB_I(since)), &list, err);
}
