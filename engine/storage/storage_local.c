/* Objects as files below one directory.
 *
 *     root/logs-1/01J..X.split      the object "logs-1/01J..X.split"
 *     root/.qn-tmp/<token>-<n>      writes in progress, on the same file system
 *
 * A write goes to a temporary file, is synced, renamed to its name, and the directory synced. An
 * open object is a mapping of its file: replacing or deleting it does not disturb readers, and a
 * read error of the disk ends the process (SIGBUS), as it does for every program that maps files.
 * Directories that become empty are removed, and made again by whoever needs them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/mmap.h"
#include "os/random.h"
#include "storage_local_int.h"

#define TMP_DIR ".qn-tmp"
#define STALE_NS (24ll * 3600 * 1000000000)
#define WRITE_CHUNK (256u << 10)

struct local_object {
    struct qn_object ob; /* first member */
    struct qn_storage *st;
    struct qn_mmap mm;
    char *key; /* what ob.name shows */
};

/* A file that is being written: temporary until it is published. */
struct tmp_file {
    char *path;
    int fd;
    uint64_t size_bytes;
};

struct local_upload {
    struct qn_upload up; /* first member */
    struct tmp_file tmp;
    struct qn_buf pending; /* up to WRITE_CHUNK bytes that are not written yet */
};

static struct local_storage *self(struct qn_storage *st)
{
    return (struct local_storage *)st;
}

static char *path_of(const struct local_storage *ls, struct qn_str key)
{
    return qn_path_join(ls->root, key);
}

/* Replaces the file system's words, which show paths, by the key; the reason stays in the code. */
static int key_error(int rc, struct qn_str key, struct qn_err *err)
{
    return qn_fail(err, rc, QN_STR_FMT ": %s", QN_STR_ARG(key), qn_err_text(rc));
}

/* --- objects --- */

static int object_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                       struct qn_err *err)
{
    (void)err;
    struct local_object *lo = (struct local_object *)ob;
    *out = (struct qn_slice){.p = lo->mm.p + offset, .n = n};
    qn__storage_count(lo->st, QN_STORAGE_READ, QN_OK, n, UINT64_MAX);
    return QN_OK;
}

static void object_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n)
{
    const struct local_object *lo = (const struct local_object *)ob;
    for (size_t i = 0; i < n; i++)
        qn_mmap_advise(&lo->mm, ranges[i].offset, ranges[i].n, QN_MMAP_WILLNEED);
}

static void object_free(struct qn_object *ob)
{
    struct local_object *lo = (struct local_object *)ob;
    qn_mmap_close(&lo->mm);
    qn_storage_unref(lo->st);
    free(lo->key);
    free(lo);
}

static const struct qn_object_ops local_object_ops = {object_read, object_prefetch, object_free};

static int local_open(struct qn_storage *st, struct qn_str key, uint64_t size_bytes,
                      struct qn_object **out, struct qn_err *err)
{
    struct local_storage *ls = self(st);
    char *path = path_of(ls, key);
    struct qn_stat info;
    struct qn_mmap mm = {0};
    int fd = qn_fs_open(ls->fs, path, QN_OPEN_READ, NULL);
    int rc = fd < 0 ? fd : qn_fs_fstat(ls->fs, fd, &info);
    if (rc == QN_OK && info.kind != QN_FILE_REGULAR)
        rc = QN_E_NOT_FOUND;
    if (rc == QN_OK && size_bytes != QN_SIZE_UNKNOWN && size_bytes != info.size_bytes)
        rc = qn_corrupt(err, QN_STR_FMT ": has %" PRIu64 " bytes where %" PRIu64 " are expected",
                        QN_STR_ARG(key), info.size_bytes, size_bytes);
    if (rc == QN_OK)
        rc = qn_mmap_open(&mm, fd, (size_t)info.size_bytes);
    qn_fs_close(ls->fs, fd);
    free(path);
    if (rc < 0)
        return key_error(rc, key, err);
    struct local_object *lo = qn_xcalloc(1, sizeof *lo);
    lo->ob.ops = &local_object_ops;
    lo->key = qn_xstrndup(key.p, key.n);
    lo->ob.name = (struct qn_str){lo->key, key.n};
    lo->ob.size_bytes = info.size_bytes;
    atomic_init(&lo->ob.refs, 1);
    lo->st = qn_storage_ref(st);
    lo->mm = mm;
    *out = &lo->ob;
    return QN_OK;
}

static int local_head(struct qn_storage *st, struct qn_str key, struct qn_storage_info *out,
                      struct qn_err *err)
{
    struct local_storage *ls = self(st);
    char *path = path_of(ls, key);
    struct qn_stat info;
    int rc = qn_fs_stat(ls->fs, path, &info, NULL);
    free(path);
    if (rc == QN_OK && info.kind != QN_FILE_REGULAR)
        rc = QN_E_NOT_FOUND;
    if (rc < 0)
        return key_error(rc, key, err);
    *out = (struct qn_storage_info){.size_bytes = info.size_bytes, .mtime_ns = info.mtime_ns};
    return QN_OK;
}

/* --- writing --- */

static int tmp_open(struct local_storage *ls, struct tmp_file *tmp)
{
    char name[64];
    uint64_t n = atomic_fetch_add_explicit(&ls->seq, 1, memory_order_relaxed);
    int len = snprintf(name, sizeof name, TMP_DIR "/%016" PRIx64 "-%" PRIu64, ls->token, n);
    *tmp = (struct tmp_file){.path = path_of(ls, qn_str_make(name, (size_t)len))};
    unsigned flags = QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_EXCL;
    tmp->fd = qn_fs_open(ls->fs, tmp->path, flags, NULL);
    if (tmp->fd == QN_E_NOT_FOUND) { /* somebody tidied up the directory */
        char *dir = path_of(ls, QN_STR(TMP_DIR));
        int rc = qn_fs_mkdirs(ls->fs, dir, NULL);
        tmp->fd = rc < 0 ? rc : qn_fs_open(ls->fs, tmp->path, flags, NULL);
        free(dir);
    }
    return tmp->fd < 0 ? tmp->fd : QN_OK;
}

static void tmp_drop(struct local_storage *ls, struct tmp_file *tmp)
{
    if (tmp->fd >= 0) {
        qn_fs_close(ls->fs, tmp->fd);
        int rc = qn_fs_unlink(ls->fs, tmp->path, NULL);
        (void)rc; /* what stays behind is removed as stale by a later start */
    }
    free(tmp->path);
}

static int tmp_write(struct local_storage *ls, struct tmp_file *tmp, const void *p, size_t n)
{
    int rc = qn_fs_write(ls->fs, tmp->fd, p, n, tmp->size_bytes);
    tmp->size_bytes += n;
    return rc;
}

/* Why a file could not be renamed to its key's path. */
static int explain_rename(struct local_storage *ls, const char *path, struct qn_str key, int rc,
                          struct qn_err *err)
{
    struct qn_stat info;
    if (rc != QN_E_NO_SPACE && qn_fs_stat(ls->fs, path, &info, NULL) == QN_OK &&
        info.kind == QN_FILE_DIR)
        return qn_fail(err, QN_E_CONFLICT,
                       QN_STR_FMT ": there are keys below it, which a local disk cannot hold both",
                       QN_STR_ARG(key));
    return key_error(rc, key, err);
}

/* Gives the synced file at `from` its name. On error the file is still at `from`, unless only the
 * last sync failed. */
static int publish(struct local_storage *ls, const char *from, struct qn_str key, unsigned flags,
                   struct qn_err *err)
{
    char *path = path_of(ls, key);
    struct qn_str up = qn_path_dir(qn_str_of(path));
    char *dir = qn_xstrndup(up.p, up.n);
    int rc = QN_OK;
    for (int tries = 0; tries < 100; tries++) {
        rc = qn_fs_rename(ls->fs, from, path, !(flags & QN_PUT_IF_ABSENT), NULL);
        if (rc != QN_E_NOT_FOUND)
            break;
        /* No directory yet, or removed just now because it was empty. */
        rc = qn_fs_mkdirs(ls->fs, dir, NULL);
        if (rc == QN_E_EXISTS) {
            rc = qn_fail(err, QN_E_CONFLICT,
                         QN_STR_FMT ": an object has the name of its directory, which a local "
                                    "disk cannot hold both",
                         QN_STR_ARG(key));
            goto out;
        }
        if (rc < 0 && rc != QN_E_NOT_FOUND)
            break;
    }
    if (rc < 0) {
        rc = explain_rename(ls, path, key, rc, err);
        goto out;
    }
    rc = qn_fs_sync_dir(ls->fs, dir, NULL);
    if (rc == QN_E_NOT_FOUND)
        rc = QN_OK; /* deleted by someone else already, and its directory with it */
    if (rc < 0)
        key_error(rc, key, err);
out:
    free(dir);
    free(path);
    return rc;
}

/* Syncs and publishes, or drops. */
static int tmp_publish(struct local_storage *ls, struct tmp_file *tmp, struct qn_str key,
                       unsigned flags, int rc, struct qn_err *err)
{
    if (rc == QN_OK)
        rc = qn_fs_sync(ls->fs, tmp->fd);
    rc = rc == QN_OK ? publish(ls, tmp->path, key, flags, err) : key_error(rc, key, err);
    if (rc == QN_OK) {
        qn_fs_close(ls->fs, tmp->fd);
        tmp->fd = -1;
    }
    tmp_drop(ls, tmp);
    return rc;
}

static int local_put(struct qn_storage *st, struct qn_str key, struct qn_str bytes, unsigned flags,
                     struct qn_err *err)
{
    struct local_storage *ls = self(st);
    struct tmp_file tmp;
    int rc = tmp_open(ls, &tmp);
    if (rc == QN_OK)
        rc = tmp_write(ls, &tmp, bytes.p, bytes.n);
    return tmp_publish(ls, &tmp, key, flags, rc, err);
}

static int copy_file(struct local_storage *ls, const char *from, struct tmp_file *tmp)
{
    int fd = qn_fs_open(ls->fs, from, QN_OPEN_READ, NULL);
    if (fd < 0)
        return fd;
    char *chunk = qn_xmalloc(WRITE_CHUNK);
    struct qn_stat info;
    size_t got = 0;
    int rc = qn_fs_fstat(ls->fs, fd, &info);
    if (rc == QN_OK && info.kind != QN_FILE_REGULAR)
        rc = QN_E_NOT_FOUND;
    do {
        if (rc == QN_OK)
            rc = qn_fs_read_some(ls->fs, fd, chunk, WRITE_CHUNK, tmp->size_bytes, &got);
        if (rc == QN_OK)
            rc = tmp_write(ls, tmp, chunk, got);
    } while (rc == QN_OK && got == WRITE_CHUNK);
    free(chunk);
    qn_fs_close(ls->fs, fd);
    return rc;
}

static int put_copy(struct local_storage *ls, struct qn_str key, const char *from, unsigned flags,
                    uint64_t *bytes, struct qn_err *err)
{
    struct tmp_file tmp;
    int rc = tmp_open(ls, &tmp);
    if (rc == QN_OK)
        rc = copy_file(ls, from, &tmp);
    *bytes = tmp.size_bytes;
    if (rc == QN_E_NOT_FOUND)
        qn_fail(err, rc, "%s: not found", from);
    return tmp_publish(ls, &tmp, key, flags, rc, err);
}

/* The file itself becomes the object. */
static int put_move(struct local_storage *ls, struct qn_str key, const char *from, unsigned flags,
                    struct qn_err *err)
{
    int fd = qn_fs_open(ls->fs, from, QN_OPEN_READ, err);
    if (fd < 0)
        return fd;
    int rc = qn_fs_sync(ls->fs, fd);
    qn_fs_close(ls->fs, fd);
    return rc < 0 ? key_error(rc, key, err) : publish(ls, from, key, flags, err);
}

static int local_put_file(struct qn_storage *st, struct qn_str key, const char *path,
                          unsigned flags, uint64_t *bytes, struct qn_err *err)
{
    struct local_storage *ls = self(st);
    struct qn_stat info;
    int rc = qn_fs_stat(ls->fs, path, &info, err);
    if (rc < 0)
        return rc;
    *bytes = info.size_bytes;
    if ((flags & QN_PUT_MOVE) && info.device == ls->device && info.kind == QN_FILE_REGULAR)
        return put_move(ls, key, path, flags, err);
    rc = put_copy(ls, key, path, flags, bytes, err);
    if (rc == QN_OK && (flags & QN_PUT_MOVE))
        rc = qn_fs_unlink(ls->fs, path, err);
    return rc;
}

static int local_copy(struct qn_storage *st, struct qn_str from, struct qn_str to, unsigned flags,
                      uint64_t *bytes, struct qn_err *err)
{
    struct local_storage *ls = self(st);
    struct qn_storage_info info;
    int rc = local_head(st, from, &info, err);
    if (rc < 0)
        return rc;
    char *path = path_of(ls, from);
    rc = put_copy(ls, to, path, flags, bytes, err);
    free(path);
    return rc;
}

static int flush_pending(struct local_upload *lu)
{
    int rc = tmp_write(self(lu->up.storage), &lu->tmp, lu->pending.p, lu->pending.n);
    qn_buf_clear(&lu->pending);
    return rc;
}

static int upload_write(struct qn_sink *sk, const void *p, size_t n)
{
    struct local_upload *lu = (struct local_upload *)sk;
    int rc = QN_OK;
    if (lu->pending.n + n > WRITE_CHUNK)
        rc = flush_pending(lu);
    if (rc == QN_OK && n >= WRITE_CHUNK)
        return tmp_write(self(lu->up.storage), &lu->tmp, p, n);
    qn_buf_put(&lu->pending, p, n);
    return rc;
}

static void upload_abort(struct qn_upload *up)
{
    struct local_upload *lu = (struct local_upload *)up;
    tmp_drop(self(up->storage), &lu->tmp);
    qn_buf_release(&lu->pending);
    free(lu);
}

static int upload_commit(struct qn_upload *up, struct qn_err *err)
{
    struct local_upload *lu = (struct local_upload *)up;
    int rc = flush_pending(lu);
    rc = tmp_publish(self(up->storage), &lu->tmp, qn_str_of(up->key), up->flags, rc, err);
    qn_buf_release(&lu->pending);
    free(lu);
    return rc;
}

static const struct qn_upload_ops local_upload_ops = {upload_commit, upload_abort};

static int local_begin(struct qn_storage *st, struct qn_str key, unsigned flags,
                       struct qn_upload **out, struct qn_err *err)
{
    (void)flags;
    struct local_upload *lu = qn_xcalloc(1, sizeof *lu);
    lu->up.sink.write = upload_write;
    lu->up.ops = &local_upload_ops;
    int rc = tmp_open(self(st), &lu->tmp);
    if (rc < 0) {
        tmp_drop(self(st), &lu->tmp);
        free(lu);
        return key_error(rc, key, err);
    }
    qn_buf_init(&lu->pending, WRITE_CHUNK);
    *out = &lu->up;
    return QN_OK;
}

/* --- deleting --- */

static int remove_one(struct local_storage *ls, struct qn_str key)
{
    char *path = path_of(ls, key);
    int rc = qn_fs_unlink(ls->fs, path, NULL);
    struct qn_stat info;
    if (rc < 0 && rc != QN_E_NOT_FOUND && qn_fs_stat(ls->fs, path, &info, NULL) == QN_OK &&
        info.kind == QN_FILE_DIR)
        rc = QN_E_NOT_FOUND; /* keys below it, but no such object */
    free(path);
    return rc;
}

/* Makes the removals in the key's directory durable and removes directories that are empty now. */
static int settle_directory(struct local_storage *ls, struct qn_str dir_key)
{
    char *dir = path_of(ls, dir_key);
    int rc = qn_fs_sync_dir(ls->fs, dir, NULL);
    for (int gone = rc; dir_key.n != 0 && gone == QN_OK;) {
        gone = qn_fs_rmdir(ls->fs, dir, NULL);
        dir_key = qn_path_dir(dir_key);
        if (qn_str_is(dir_key, "."))
            dir_key = QN_STR("");
        free(dir);
        dir = path_of(ls, dir_key);
    }
    free(dir);
    return rc == QN_E_NOT_FOUND ? QN_OK : rc;
}

static int local_remove(struct qn_storage *st, const struct qn_str *keys, size_t n, int *rcs,
                        struct qn_err *err)
{
    struct local_storage *ls = self(st);
    int first = QN_OK;
    size_t run = 0; /* where the current run of keys of one directory began */
    bool removed = false;
    for (size_t i = 0; i < n; i++) {
        rcs[i] = remove_one(ls, keys[i]);
        removed |= rcs[i] == QN_OK;
        if (rcs[i] == QN_E_NOT_FOUND)
            rcs[i] = QN_OK;
        struct qn_str dir = qn_path_dir(keys[i]);
        if (i + 1 < n && qn_str_eq(dir, qn_path_dir(keys[i + 1])))
            continue;
        int rc = removed ? settle_directory(ls, qn_str_is(dir, ".") ? QN_STR("") : dir) : QN_OK;
        for (; run <= i; run++) {
            if (rcs[run] == QN_OK)
                rcs[run] = rc;
            if (rcs[run] < 0 && first == QN_OK)
                first = key_error(rcs[run], keys[run], err);
        }
        removed = false;
    }
    return first;
}

/* --- life --- */

static void local_free(struct qn_storage *st)
{
    struct local_storage *ls = self(st);
    free(ls->root);
    free(ls);
}

static const struct qn_storage_ops local_ops = {
    .open = local_open,
    .head = local_head,
    .put = local_put,
    .put_file = local_put_file,
    .copy = local_copy,
    .remove = local_remove,
    .list = qn__local_list,
    .begin = local_begin,
    .free = local_free,
};

struct sweep {
    struct local_storage *ls;
    const char *dir;
    int64_t before_ns;
};

static int sweep_one(void *arg, const struct qn_dirent *ent)
{
    const struct sweep *sw = arg;
    char *path = qn_path_join(sw->dir, qn_str_of(ent->name));
    struct qn_stat info;
    int rc = QN_OK;
    if (ent->kind == QN_FILE_REGULAR && qn_fs_stat(sw->ls->fs, path, &info, NULL) == QN_OK &&
        info.mtime_ns < sw->before_ns)
        rc = qn_fs_unlink(sw->ls->fs, path, NULL);
    free(path);
    (void)rc; /* the next start tries again */
    return QN_OK;
}

int qn_storage_open_local(struct qn_storage **out, struct qn_fs *fs, const char *root,
                          struct qn_err *err)
{
    *out = NULL;
    struct local_storage *ls = qn_xcalloc(1, sizeof *ls);
    struct qn_buf uri;
    qn_buf_init(&uri, SIZE_MAX);
    qn_buf_printf(&uri, "file://%s", root);
    size_t n;
    qn__storage_init(&ls->st, &local_ops, qn_buf_take(&uri, &n));
    ls->st.can_put_if_absent = true;
    ls->fs = fs;
    ls->root = qn_xstrndup(root, strlen(root));
    qn_random_bytes(&ls->token, sizeof ls->token);
    char *tmp = path_of(ls, QN_STR(TMP_DIR));
    struct sweep sw = {ls, tmp, qn_wall_ns(qn_clock_system()) - STALE_NS};
    struct qn_stat info;
    int rc = qn_fs_mkdirs(fs, tmp, err);
    if (rc == QN_OK)
        rc = qn_fs_stat(fs, tmp, &info, err);
    if (rc == QN_OK)
        rc = qn_fs_list(fs, tmp, sweep_one, &sw, err);
    free(tmp);
    if (rc < 0) {
        qn_storage_unref(&ls->st);
        return rc;
    }
    ls->device = info.device;
    *out = &ls->st;
    return QN_OK;
}
