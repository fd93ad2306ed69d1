#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int qn_fs_error(int rc, const char *op, const char *path, struct qn_err *err)
{
    const char *words = strerrordesc_np(-rc);
    return qn_fail(err, qn_err_from_errno(-rc), "%s %s: %s", op, path,
                   words ? words : "unknown error");
}

static int named(int rc, const char *op, const char *path, struct qn_err *err)
{
    return rc < 0 ? qn_fs_error(rc, op, path, err) : rc;
}

static int code_of(long rc)
{
    return rc < 0 ? qn_err_from_errno((int)-rc) : QN_OK;
}

int qn_fs_open(struct qn_fs *fs, const char *path, unsigned flags, struct qn_err *err)
{
    int rc;
    do {
        rc = fs->ops->open(fs, path, flags);
    } while (rc == -EINTR);
    return named(rc, "open", path, err);
}

int qn_fs_stat(struct qn_fs *fs, const char *path, struct qn_stat *out, struct qn_err *err)
{
    *out = (struct qn_stat){0};
    return named(fs->ops->stat(fs, path, out), "stat", path, err);
}

int qn_fs_rename(struct qn_fs *fs, const char *from, const char *to, bool replace,
                 struct qn_err *err)
{
    return named(fs->ops->rename(fs, from, to, replace), "rename to", to, err);
}

int qn_fs_unlink(struct qn_fs *fs, const char *path, struct qn_err *err)
{
    return named(fs->ops->unlink(fs, path), "remove", path, err);
}

int qn_fs_rmdir(struct qn_fs *fs, const char *path, struct qn_err *err)
{
    return named(fs->ops->rmdir(fs, path), "remove directory", path, err);
}

int qn_fs_mkdir(struct qn_fs *fs, const char *path, struct qn_err *err)
{
    return named(fs->ops->mkdir(fs, path), "make directory", path, err);
}

int qn_fs_sync_dir(struct qn_fs *fs, const char *path, struct qn_err *err)
{
    int rc;
    do {
        rc = fs->ops->sync_dir(fs, path);
    } while (rc == -EINTR);
    return named(rc, "sync directory", path, err);
}

/* Keeps the callback's result apart from the listing's own errors, which are errno values. */
struct listing {
    qn_dir_fn fn;
    void *arg;
    int rc;
};

static int list_one(void *arg, const struct qn_dirent *ent)
{
    struct listing *ls = arg;
    ls->rc = ls->fn(ls->arg, ent);
    return ls->rc != 0;
}

int qn_fs_list(struct qn_fs *fs, const char *path, qn_dir_fn fn, void *arg, struct qn_err *err)
{
    struct listing ls = {.fn = fn, .arg = arg};
    int rc = fs->ops->list(fs, path, list_one, &ls);
    return rc < 0 ? qn_fs_error(rc, "list", path, err) : ls.rc;
}

int qn_fs_disk(struct qn_fs *fs, const char *path, struct qn_disk *out, struct qn_err *err)
{
    *out = (struct qn_disk){0};
    return named(fs->ops->disk(fs, path, out), "ask for free space of", path, err);
}

void qn_fs_close(struct qn_fs *fs, int fd)
{
    if (fd >= 0)
        fs->ops->close(fs, fd);
}

int qn_fs_read_some(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset, size_t *got)
{
    *got = 0;
    while (*got < n) {
        ssize_t rc = fs->ops->pread(fs, fd, (char *)p + *got, n - *got, offset + *got);
        if (rc == -EINTR)
            continue;
        if (rc < 0)
            return code_of(rc);
        if (rc == 0)
            break;
        *got += (size_t)rc;
    }
    return QN_OK;
}

int qn_fs_read(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset)
{
    size_t got;
    int rc = qn_fs_read_some(fs, fd, p, n, offset, &got);
    return rc == QN_OK && got < n ? QN_E_TRUNCATED : rc;
}

int qn_fs_write(struct qn_fs *fs, int fd, const void *p, size_t n, uint64_t offset)
{
    for (size_t at = 0; at < n;) {
        ssize_t rc = fs->ops->pwrite(fs, fd, (const char *)p + at, n - at, offset + at);
        if (rc == -EINTR)
            continue;
        if (rc <= 0)
            return rc < 0 ? code_of(rc) : QN_E_IO;
        at += (size_t)rc;
    }
    return QN_OK;
}

int qn_fs_append(struct qn_fs *fs, int fd, const void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t rc = fs->ops->append(fs, fd, (const char *)p + at, n - at);
        if (rc == -EINTR)
            continue;
        if (rc <= 0)
            return rc < 0 ? code_of(rc) : QN_E_IO;
        at += (size_t)rc;
    }
    return QN_OK;
}

static int sync_fd(struct qn_fs *fs, int fd, bool data_only)
{
    int rc;
    do {
        rc = fs->ops->sync(fs, fd, data_only);
    } while (rc == -EINTR);
    return code_of(rc);
}

int qn_fs_sync(struct qn_fs *fs, int fd)
{
    return sync_fd(fs, fd, false);
}

int qn_fs_sync_data(struct qn_fs *fs, int fd)
{
    return sync_fd(fs, fd, true);
}

int qn_fs_truncate(struct qn_fs *fs, int fd, uint64_t size_bytes)
{
    int rc;
    do {
        rc = fs->ops->truncate(fs, fd, size_bytes);
    } while (rc == -EINTR);
    return code_of(rc);
}

int qn_fs_reserve(struct qn_fs *fs, int fd, uint64_t offset, uint64_t n)
{
    int rc;
    do {
        rc = fs->ops->reserve(fs, fd, offset, n);
    } while (rc == -EINTR);
    if (rc == -EOPNOTSUPP || rc == -ENOSYS)
        return QN_OK;
    return code_of(rc);
}

int qn_fs_fstat(struct qn_fs *fs, int fd, struct qn_stat *out)
{
    *out = (struct qn_stat){0};
    return code_of(fs->ops->fstat(fs, fd, out));
}

int qn_fs_exists(struct qn_fs *fs, const char *path)
{
    struct qn_stat st;
    int rc = qn_fs_stat(fs, path, &st, NULL);
    return rc == QN_E_NOT_FOUND ? 0 : rc == QN_OK ? 1 : rc;
}

struct qn_str qn_path_dir(struct qn_str path)
{
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    while (path.n > 0 && path.p[path.n - 1] != '/')
        path.n--;
    if (path.n == 0)
        return QN_STR(".");
    while (path.n > 1 && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

char *qn_path_join(const char *dir, struct qn_str name)
{
    size_t n = strlen(dir);
    while (n > 0 && dir[n - 1] == '/')
        n--;
    char *z = qn_xmalloc(n + 1 + name.n + 1);
    memcpy(z, dir, n);
    z[n] = '/';
    memcpy(z + n + 1, name.p, name.n);
    z[n + 1 + name.n] = '\0';
    return z;
}

int qn_fs_mkdirs(struct qn_fs *fs, const char *path, struct qn_err *err)
{
    struct qn_stat st;
    int rc = qn_fs_stat(fs, path, &st, NULL);
    if (rc == QN_OK)
        return st.kind == QN_FILE_DIR
                   ? QN_OK
                   : qn_fail(err, QN_E_EXISTS, "%s: exists and is not a directory", path);
    struct qn_str parent = qn_path_dir(qn_str_of(path));
    char *up = qn_xstrndup(parent.p, parent.n);
    rc = strcmp(up, path) == 0 ? QN_OK : qn_fs_mkdirs(fs, up, err);
    if (rc < 0)
        goto out;
    rc = qn_fs_mkdir(fs, path, NULL);
    if (rc == QN_E_EXISTS) { /* someone else was faster, or a file is in the way */
        rc = qn_fs_stat(fs, path, &st, err);
        if (rc == QN_OK && st.kind != QN_FILE_DIR)
            rc = qn_fail(err, QN_E_EXISTS, "%s: exists and is not a directory", path);
    } else if (rc < 0) {
        rc = qn_fs_mkdir(fs, path, err); /* again, for its message */
    }
    if (rc < 0)
        goto out;
    rc = qn_fs_sync_dir(fs, up, err);
out:
    free(up);
    return rc;
}

int qn_fs_read_file(struct qn_fs *fs, const char *path, size_t max_bytes, struct qn_buf *out,
                    struct qn_err *err)
{
    int fd = qn_fs_open(fs, path, QN_OPEN_READ, err);
    if (fd < 0)
        return fd;
    size_t start = out->n;
    int rc;
    for (;;) {
        size_t chunk = 64 << 10, got;
        if (!qn_buf_reserve(out, chunk)) {
            rc = QN_E_TOO_LARGE;
            break;
        }
        rc = qn_fs_read_some(fs, fd, out->p + out->n, chunk, out->n - start, &got);
        if (rc < 0)
            break;
        out->n += got;
        if (out->n - start > max_bytes) {
            rc = QN_E_TOO_LARGE;
            break;
        }
        if (got < chunk)
            break;
    }
    qn_fs_close(fs, fd);
    if (rc < 0) {
        out->n = start;
        qn_fail(err, rc, "read %s: %s", path, qn_err_text(rc));
    }
    return rc;
}

int qn_fs_write_file(struct qn_fs *fs, const char *path, struct qn_str bytes, struct qn_err *err)
{
    struct qn_str dir = qn_path_dir(qn_str_of(path));
    char *up = qn_xstrndup(dir.p, dir.n);
    struct qn_buf name;
    size_t n;
    qn_buf_init(&name, SIZE_MAX);
    qn_buf_printf(&name, "%s.tmp", path);
    char *tmp = qn_buf_take(&name, &n);
    int rc;
    int fd = qn_fs_open(fs, tmp, QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_TRUNC, err);
    if (fd < 0) {
        rc = fd;
        goto out;
    }
    rc = qn_fs_write(fs, fd, bytes.p, bytes.n, 0);
    if (rc == QN_OK)
        rc = qn_fs_sync(fs, fd);
    qn_fs_close(fs, fd);
    if (rc < 0)
        qn_fail(err, rc, "write %s: %s", tmp, qn_err_text(rc));
    else
        rc = qn_fs_rename(fs, tmp, path, true, err);
    if (rc < 0) {
        int rc2 = qn_fs_unlink(fs, tmp, NULL); /* best effort: the first error is the one to tell */
        (void)rc2;
        goto out;
    }
    rc = qn_fs_sync_dir(fs, up, err);
out:
    free(tmp);
    free(up);
    return rc;
}

struct removal {
    struct qn_fs *fs;
    const char *dir;
    struct qn_err *err;
};

static int remove_entry(void *arg, const struct qn_dirent *ent)
{
    const struct removal *rm = arg;
    char *path = qn_path_join(rm->dir, qn_str_of(ent->name));
    int rc = ent->kind == QN_FILE_DIR ? qn_fs_remove_tree(rm->fs, path, rm->err)
                                      : qn_fs_unlink(rm->fs, path, rm->err);
    free(path);
    return rc < 0 && rc != QN_E_NOT_FOUND ? rc : 0;
}

int qn_fs_remove_tree(struct qn_fs *fs, const char *path, struct qn_err *err)
{
    struct removal rm = {.fs = fs, .dir = path, .err = err};
    int rc = fs->ops->unlink(fs, path);
    if (rc == 0 || rc == -ENOENT)
        return QN_OK;
    if (rc != -EISDIR && rc != -EPERM)
        return qn_fs_error(rc, "remove", path, err);
    rc = qn_fs_list(fs, path, remove_entry, &rm, err);
    if (rc < 0)
        return rc == QN_E_NOT_FOUND ? QN_OK : rc;
    return qn_fs_rmdir(fs, path, err);
}
