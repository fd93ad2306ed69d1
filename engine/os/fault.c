#include "os/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "fault_int.h"

static struct qn_fault_fs *self(struct qn_fs *fs)
{
    return (struct qn_fault_fs *)fs;
}

static char *copy_z(const char *z)
{
    return qn_xstrndup(z, strlen(z));
}

static struct qn_fault_file *find_file(struct qn_fault_fs *ft, int fd)
{
    for (struct qn_fault_file *f = ft->files; f != NULL; f = f->next)
        if (f->fd == fd)
            return f;
    return NULL;
}

static const char *name_of(struct qn_fault_fs *ft, int fd)
{
    const struct qn_fault_file *f = find_file(ft, fd);
    return f != NULL ? f->path : "";
}

/* -errno when the operation is to fail, 1 when it is to be cut short, else 0. @locks held:FAULT */
static int verdict(struct qn_fault_fs *ft, enum qn_fault_op op, const char *path)
{
    ft->seen[op]++;
    if (op != QN_FAULT_READ && op != QN_FAULT_LIST && ft->halt_after != UINT64_MAX) {
        if (ft->halt_after == 0)
            return -EIO;
        ft->halt_after--;
    }
    for (unsigned i = 0; i < ft->n_rules; i++) {
        struct qn_fault *r = &ft->rules[i];
        if (r->op != op || (r->path_part != NULL && strstr(path, r->path_part) == NULL))
            continue;
        if (r->after > 0) {
            r->after--;
            continue;
        }
        if (r->count == UINT64_MAX) /* used up */
            continue;
        if (r->count > 0 && --r->count == 0)
            r->count = UINT64_MAX;
        return r->errnum != 0 ? -r->errnum : 1;
    }
    return 0;
}

/* How many of n bytes a write may write now: 0 and -ENOSPC when there is no room at all. */
static int room_for(struct qn_fault_fs *ft, size_t *n)
{
    if (ft->space_bytes == UINT64_MAX)
        return 0;
    if (ft->space_bytes == 0 && *n > 0)
        return -ENOSPC;
    if (*n > ft->space_bytes)
        *n = (size_t)ft->space_bytes;
    return 0;
}

static void used(struct qn_fault_fs *ft, ssize_t n)
{
    if (n > 0 && ft->space_bytes != UINT64_MAX)
        ft->space_bytes -= (uint64_t)n;
}

/* --- the undo log --- */

static struct qn_fault_undo *undo_new(struct qn_fault_fs *ft, enum qn_fault_undo_kind kind)
{
    struct qn_fault_undo *u = qn_xcalloc(1, sizeof *u);
    u->kind = kind;
    u->next = ft->undo;
    ft->undo = u;
    return u;
}

static void undo_name(struct qn_fault_fs *ft, enum qn_fault_undo_kind kind, const char *name,
                      const char *from, char *backup)
{
    struct qn_fault_undo *u = undo_new(ft, kind);
    struct qn_str dir = qn_path_dir(qn_str_of(name));
    u->name = copy_z(name);
    u->from = from != NULL ? copy_z(from) : NULL;
    u->backup = backup;
    u->dir = qn_xstrndup(dir.p, dir.n);
}

/* A second name for the file behind path, hidden from the code under test (see fault_list). */
static char *make_backup(struct qn_fault_fs *ft, const char *path)
{
    size_t cap = strlen(path) + 48;
    char *backup = qn_xmalloc(cap);
    struct qn_str dir = qn_path_dir(qn_str_of(path));
    (void)snprintf(backup, cap, QN_STR_FMT "/.qnfault.%llu", QN_STR_ARG(dir),
                   (unsigned long long)ft->n_backups++);
    if (link(path, backup) == 0)
        return backup;
    free(backup);
    return NULL;
}

static void undo_data(struct qn_fault_fs *ft, struct qn_fault_node *node, uint64_t offset,
                      uint64_t n_new)
{
    struct qn_stat st;
    if (node == NULL || ft->inner->ops->fstat(ft->inner, node->fd, &st) < 0)
        return;
    struct qn_fault_undo *u = undo_new(ft, QN_UNDO_DATA);
    u->node = node;
    u->offset = offset;
    u->n_new = n_new;
    u->old_size = st.size_bytes;
    uint64_t n_old = offset < st.size_bytes ? st.size_bytes - offset : 0;
    if (n_new != 0 && n_old > n_new)
        n_old = n_new;
    u->old = qn_xmalloc((size_t)n_old + 1);
    if (qn_fs_read_some(ft->inner, node->fd, u->old, (size_t)n_old, offset, &u->n_old) < 0)
        u->n_old = 0;
}

void qn__fault_undo_drop(struct qn_fault_fs *ft, struct qn_fault_undo **at)
{
    struct qn_fault_undo *u = *at;
    *at = u->next;
    if (u->backup != NULL)
        ft->inner->ops->unlink(ft->inner, u->backup);
    free(u->old);
    free(u->name);
    free(u->from);
    free(u->backup);
    free(u->dir);
    free(u);
}

void qn__fault_nodes_free(struct qn_fault_fs *ft)
{
    for (struct qn_fault_file *f = ft->files; f != NULL; f = f->next)
        f->node = NULL;
    while (ft->nodes != NULL) {
        struct qn_fault_node *node = ft->nodes;
        ft->nodes = node->next;
        close(node->fd);
        free(node);
    }
}

static struct qn_fault_node *find_node(struct qn_fault_fs *ft, int fd)
{
    struct qn_stat st;
    if (ft->inner->ops->fstat(ft->inner, fd, &st) < 0)
        return NULL;
    struct qn_fault_node *node = ft->nodes;
    while (node != NULL && (node->inode != st.inode || node->device != st.device))
        node = node->next;
    return node;
}

static struct qn_fault_node *node_of(struct qn_fault_fs *ft, int fd)
{
    struct qn_fault_node *node = find_node(ft, fd);
    struct qn_stat st;
    if (node != NULL || ft->inner->ops->fstat(ft->inner, fd, &st) < 0)
        return node;
    char proc[32];
    (void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    int own = open(proc, O_RDWR | O_CLOEXEC);
    if (own < 0)
        return NULL;
    node = qn_xcalloc(1, sizeof *node);
    *node = (struct qn_fault_node){
        .device = st.device, .inode = st.inode, .fd = own, .next = ft->nodes};
    ft->nodes = node;
    return node;
}

/* --- the operations --- */

static int fault_open(struct qn_fs *fs, const char *path, unsigned flags)
{
    struct qn_fault_fs *ft = self(fs);
    struct qn_stat st;
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_OPEN, path);
    if (rc < 0)
        goto out;
    bool fresh = ft->track && (flags & QN_OPEN_CREATE) &&
                 ft->inner->ops->stat(ft->inner, path, &st) == -ENOENT;
    unsigned pass = ft->track ? flags & ~(unsigned)QN_OPEN_TRUNC : flags;
    rc = ft->inner->ops->open(ft->inner, path, pass);
    if (rc < 0)
        goto out;
    struct qn_fault_file *f = qn_xcalloc(1, sizeof *f);
    *f = (struct qn_fault_file){.fd = rc, .path = copy_z(path), .next = ft->files};
    ft->files = f;
    if (ft->track && (flags & QN_OPEN_WRITE)) {
        f->node = node_of(ft, rc);
        if (fresh)
            undo_name(ft, QN_UNDO_CREATED, path, NULL, NULL);
        if (flags & QN_OPEN_TRUNC) {
            undo_data(ft, f->node, 0, 0);
            int cut = ft->inner->ops->truncate(ft->inner, rc, 0);
            QN_ASSERT(cut == 0);
        }
    }
out:
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static int fault_close(struct qn_fs *fs, int fd)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    for (struct qn_fault_file **at = &ft->files; *at != NULL; at = &(*at)->next) {
        struct qn_fault_file *f = *at;
        if (f->fd != fd)
            continue;
        *at = f->next;
        free(f->path);
        free(f);
        break;
    }
    int rc = ft->inner->ops->close(ft->inner, fd);
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static ssize_t fault_pread(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int v = verdict(ft, QN_FAULT_READ, name_of(ft, fd));
    qn_mutex_unlock(&ft->lock);
    if (v < 0)
        return v;
    return ft->inner->ops->pread(ft->inner, fd, p, v == 1 && n > 1 ? n / 2 : n, offset);
}

static ssize_t write_common(struct qn_fs *fs, int fd, const void *p, size_t n, uint64_t offset,
                            bool append)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    struct qn_fault_file *f = find_file(ft, fd);
    ssize_t rc = verdict(ft, QN_FAULT_WRITE, f != NULL ? f->path : "");
    if (rc < 0)
        goto out;
    if (rc == 1 && n > 1)
        n /= 2;
    rc = room_for(ft, &n);
    if (rc < 0)
        goto out;
    struct qn_stat st;
    if (append && ft->inner->ops->fstat(ft->inner, fd, &st) == 0)
        offset = st.size_bytes;
    if (ft->track && f != NULL && n > 0)
        undo_data(ft, f->node, offset, n);
    rc = append ? ft->inner->ops->append(ft->inner, fd, p, n)
                : ft->inner->ops->pwrite(ft->inner, fd, p, n, offset);
    used(ft, rc);
out:
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static ssize_t fault_pwrite(struct qn_fs *fs, int fd, const void *p, size_t n, uint64_t offset)
{
    return write_common(fs, fd, p, n, offset, false);
}

static ssize_t fault_append(struct qn_fs *fs, int fd, const void *p, size_t n)
{
    return write_common(fs, fd, p, n, 0, true);
}

/* After a sync the file's entries are settled: gone when it worked, lost for good when it failed.
 */
static void settle_data(struct qn_fault_fs *ft, const struct qn_fault_node *node, bool lost)
{
    for (struct qn_fault_undo **at = &ft->undo; *at != NULL;) {
        struct qn_fault_undo *u = *at;
        if (u->kind == QN_UNDO_DATA && u->node == node && !u->lost) {
            if (!lost) {
                qn__fault_undo_drop(ft, at);
                continue;
            }
            u->lost = true;
        }
        at = &u->next;
    }
}

static int fault_sync(struct qn_fs *fs, int fd, bool data_only)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    struct qn_fault_file *f = find_file(ft, fd);
    int rc = verdict(ft, QN_FAULT_SYNC, f != NULL ? f->path : "");
    if (rc >= 0)
        rc = ft->inner->ops->sync(ft->inner, fd, data_only);
    const struct qn_fault_node *node = find_node(ft, fd); /* also through a reader's descriptor */
    if (node != NULL)
        settle_data(ft, node, rc < 0);
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static int fault_truncate(struct qn_fs *fs, int fd, uint64_t size)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    struct qn_fault_file *f = find_file(ft, fd);
    int rc = verdict(ft, QN_FAULT_TRUNCATE, f != NULL ? f->path : "");
    if (rc >= 0) {
        if (ft->track && f != NULL)
            undo_data(ft, f->node, size, 0);
        rc = ft->inner->ops->truncate(ft->inner, fd, size);
    }
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static int fault_reserve(struct qn_fs *fs, int fd, uint64_t offset, uint64_t n)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    bool fits = n <= ft->space_bytes;
    qn_mutex_unlock(&ft->lock);
    return fits ? ft->inner->ops->reserve(ft->inner, fd, offset, n) : -ENOSPC;
}

static int fault_fstat(struct qn_fs *fs, int fd, struct qn_stat *out)
{
    struct qn_fault_fs *ft = self(fs);
    return ft->inner->ops->fstat(ft->inner, fd, out);
}

static int fault_stat(struct qn_fs *fs, const char *path, struct qn_stat *out)
{
    struct qn_fault_fs *ft = self(fs);
    return ft->inner->ops->stat(ft->inner, path, out);
}

static int fault_rename(struct qn_fs *fs, const char *from, const char *to, bool replace)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_RENAME, to);
    if (rc >= 0) {
        char *backup = ft->track && replace ? make_backup(ft, to) : NULL;
        rc = ft->inner->ops->rename(ft->inner, from, to, replace);
        if (ft->track && rc >= 0) {
            undo_name(ft, QN_UNDO_RENAMED, to, from, backup);
        } else if (backup != NULL) {
            ft->inner->ops->unlink(ft->inner, backup);
            free(backup);
        }
    }
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static int fault_unlink(struct qn_fs *fs, const char *path)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_UNLINK, path);
    if (rc >= 0) {
        char *backup = ft->track ? make_backup(ft, path) : NULL;
        rc = ft->inner->ops->unlink(ft->inner, path);
        if (backup != NULL)
            undo_name(ft, QN_UNDO_REMOVED, path, NULL, backup);
    }
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static int fault_mkdir(struct qn_fs *fs, const char *path)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_MKDIR, path);
    if (rc >= 0) {
        rc = ft->inner->ops->mkdir(ft->inner, path);
        if (ft->track && rc >= 0)
            undo_name(ft, QN_UNDO_MKDIR, path, NULL, NULL);
    }
    qn_mutex_unlock(&ft->lock);
    return rc;
}

/* Names inside a directory that goes away need no undoing of their own. */
static void settle_dir(struct qn_fault_fs *ft, const char *dir)
{
    for (struct qn_fault_undo **at = &ft->undo; *at != NULL;) {
        if ((*at)->dir != NULL && strcmp((*at)->dir, dir) == 0)
            qn__fault_undo_drop(ft, at);
        else
            at = &(*at)->next;
    }
}

static int fault_rmdir(struct qn_fs *fs, const char *path)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_UNLINK, path);
    if (rc >= 0) {
        settle_dir(ft, path);
        rc = ft->inner->ops->rmdir(ft->inner, path);
        if (ft->track && rc >= 0)
            undo_name(ft, QN_UNDO_RMDIR, path, NULL, NULL);
    }
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static int fault_sync_dir(struct qn_fs *fs, const char *path)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_SYNC_DIR, path);
    if (rc >= 0)
        rc = ft->inner->ops->sync_dir(ft->inner, path);
    if (rc >= 0)
        settle_dir(ft, path);
    qn_mutex_unlock(&ft->lock);
    return rc;
}

struct fault_listing {
    qn_dir_fn fn;
    void *arg;
};

static int list_visible(void *arg, const struct qn_dirent *ent)
{
    const struct fault_listing *ls = arg;
    return strncmp(ent->name, ".qnfault.", 9) == 0 ? 0 : ls->fn(ls->arg, ent);
}

static int fault_list(struct qn_fs *fs, const char *path, qn_dir_fn fn, void *arg)
{
    struct qn_fault_fs *ft = self(fs);
    qn_mutex_lock(&ft->lock);
    int rc = verdict(ft, QN_FAULT_LIST, path);
    qn_mutex_unlock(&ft->lock);
    struct fault_listing ls = {fn, arg};
    return rc < 0 ? rc : ft->inner->ops->list(ft->inner, path, list_visible, &ls);
}

static int fault_disk(struct qn_fs *fs, const char *path, struct qn_disk *out)
{
    struct qn_fault_fs *ft = self(fs);
    int rc = ft->inner->ops->disk(ft->inner, path, out);
    qn_mutex_lock(&ft->lock);
    if (out->free_bytes > ft->space_bytes)
        out->free_bytes = ft->space_bytes;
    qn_mutex_unlock(&ft->lock);
    return rc;
}

static const struct qn_fs_ops fault_ops = {
    .open = fault_open,
    .close = fault_close,
    .pread = fault_pread,
    .pwrite = fault_pwrite,
    .append = fault_append,
    .sync = fault_sync,
    .truncate = fault_truncate,
    .reserve = fault_reserve,
    .fstat = fault_fstat,
    .stat = fault_stat,
    .rename = fault_rename,
    .unlink = fault_unlink,
    .mkdir = fault_mkdir,
    .rmdir = fault_rmdir,
    .sync_dir = fault_sync_dir,
    .list = fault_list,
    .disk = fault_disk,
};

void qn_fault_init(struct qn_fault_fs *ft, struct qn_fs *inner)
{
    memset(ft, 0, sizeof *ft);
    ft->fs.ops = &fault_ops;
    ft->inner = inner;
    ft->space_bytes = ft->halt_after = UINT64_MAX;
    qn_mutex_init(&ft->lock, QN_LOCK_FAULT);
}

void qn_fault_release(struct qn_fault_fs *ft)
{
    while (ft->undo != NULL)
        qn__fault_undo_drop(ft, &ft->undo);
    qn__fault_nodes_free(ft);
    while (ft->files != NULL)
        fault_close(&ft->fs, ft->files->fd);
    qn_mutex_release(&ft->lock);
}

void qn_fault_add(struct qn_fault_fs *ft, struct qn_fault rule)
{
    qn_mutex_lock(&ft->lock);
    QN_ASSERT(ft->n_rules < QN_FAULT_RULES);
    ft->rules[ft->n_rules++] = rule;
    qn_mutex_unlock(&ft->lock);
}

void qn_fault_clear(struct qn_fault_fs *ft)
{
    qn_mutex_lock(&ft->lock);
    ft->n_rules = 0;
    ft->space_bytes = ft->halt_after = UINT64_MAX;
    qn_mutex_unlock(&ft->lock);
}

void qn_fault_set_space(struct qn_fault_fs *ft, uint64_t bytes)
{
    qn_mutex_lock(&ft->lock);
    ft->space_bytes = bytes;
    qn_mutex_unlock(&ft->lock);
}

void qn_fault_halt(struct qn_fault_fs *ft, uint64_t after)
{
    qn_mutex_lock(&ft->lock);
    ft->halt_after = after;
    qn_mutex_unlock(&ft->lock);
}

uint64_t qn_fault_seen(struct qn_fault_fs *ft, enum qn_fault_op op)
{
    qn_mutex_lock(&ft->lock);
    uint64_t n = ft->seen[op];
    qn_mutex_unlock(&ft->lock);
    return n;
}

void qn_fault_track(struct qn_fault_fs *ft)
{
    qn_mutex_lock(&ft->lock);
    ft->track = true;
    qn_mutex_unlock(&ft->lock);
}
