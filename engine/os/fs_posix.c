#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/file.h"

static int or_errno(long rc)
{
    return rc < 0 ? -errno : (int)rc;
}

static int posix_open(struct qn_fs *fs, const char *path, unsigned flags)
{
    (void)fs;
    int o = O_CLOEXEC;
    if ((flags & QN_OPEN_READ) && (flags & QN_OPEN_WRITE))
        o |= O_RDWR;
    else
        o |= (flags & QN_OPEN_WRITE) ? O_WRONLY : O_RDONLY;
    o |= (flags & QN_OPEN_CREATE) ? O_CREAT : 0;
    o |= (flags & QN_OPEN_EXCL) ? O_EXCL : 0;
    o |= (flags & QN_OPEN_TRUNC) ? O_TRUNC : 0;
    o |= (flags & QN_OPEN_APPEND) ? O_APPEND : 0;
    return or_errno(open(path, o, 0640));
}

static int posix_close(struct qn_fs *fs, int fd)
{
    (void)fs;
    return or_errno(close(fd));
}

static ssize_t posix_pread(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset)
{
    (void)fs;
    ssize_t got = pread(fd, p, n, (off_t)offset);
    return got < 0 ? -errno : got;
}

static ssize_t posix_pwrite(struct qn_fs *fs, int fd, const void *p, size_t n, uint64_t offset)
{
    (void)fs;
    ssize_t put = pwrite(fd, p, n, (off_t)offset);
    return put < 0 ? -errno : put;
}

static ssize_t posix_append(struct qn_fs *fs, int fd, const void *p, size_t n)
{
    (void)fs;
    ssize_t put = write(fd, p, n);
    return put < 0 ? -errno : put;
}

static int posix_sync(struct qn_fs *fs, int fd, bool data_only)
{
    (void)fs;
    return or_errno(data_only ? fdatasync(fd) : fsync(fd));
}

static int posix_truncate(struct qn_fs *fs, int fd, uint64_t size)
{
    (void)fs;
    return or_errno(ftruncate(fd, (off_t)size));
}

static int posix_reserve(struct qn_fs *fs, int fd, uint64_t offset, uint64_t n)
{
    (void)fs;
    return or_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)n));
}

static void stat_from(const struct stat *st, struct qn_stat *out)
{
    *out = (struct qn_stat){
        .size_bytes = (uint64_t)st->st_size,
        .mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .device = st->st_dev,
        .inode = st->st_ino,
        .kind = S_ISREG(st->st_mode)   ? QN_FILE_REGULAR
                : S_ISDIR(st->st_mode) ? QN_FILE_DIR
                                       : QN_FILE_OTHER,
    };
}

static int posix_fstat(struct qn_fs *fs, int fd, struct qn_stat *out)
{
    (void)fs;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    stat_from(&st, out);
    return 0;
}

static int posix_stat(struct qn_fs *fs, const char *path, struct qn_stat *out)
{
    (void)fs;
    struct stat st;
    if (stat(path, &st) < 0)
        return -errno;
    stat_from(&st, out);
    return 0;
}

static int posix_rename(struct qn_fs *fs, const char *from, const char *to, bool replace)
{
    (void)fs;
    if (replace)
        return or_errno(rename(from, to));
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
    /* This file system cannot; a hard link is refused when the name is taken. */
    if (link(from, to) < 0)
        return -errno;
    return or_errno(unlink(from));
}

static int posix_unlink(struct qn_fs *fs, const char *path)
{
    (void)fs;
    return or_errno(unlink(path));
}

static int posix_mkdir(struct qn_fs *fs, const char *path)
{
    (void)fs;
    return or_errno(mkdir(path, 0750));
}

static int posix_rmdir(struct qn_fs *fs, const char *path)
{
    (void)fs;
    return or_errno(rmdir(path));
}

static int posix_sync_dir(struct qn_fs *fs, const char *path)
{
    (void)fs;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = or_errno(fsync(fd));
    close(fd);
    return rc == -EINVAL ? 0 : rc; /* a file system without synchronised directories */
}

static enum qn_file_kind entry_kind(DIR *d, const struct dirent *ent)
{
    struct stat st;
    switch (ent->d_type) {
    case DT_REG:
        return QN_FILE_REGULAR;
    case DT_DIR:
        return QN_FILE_DIR;
    case DT_UNKNOWN:
        if (fstatat(dirfd(d), ent->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return QN_FILE_OTHER;
        return S_ISREG(st.st_mode)   ? QN_FILE_REGULAR
               : S_ISDIR(st.st_mode) ? QN_FILE_DIR
                                     : QN_FILE_OTHER;
    default:
        return QN_FILE_OTHER;
    }
}

static int posix_list(struct qn_fs *fs, const char *path, qn_dir_fn fn, void *arg)
{
    (void)fs;
    DIR *d = opendir(path);
    if (d == NULL)
        return -errno;
    int rc = 0;
    for (;;) {
        errno = 0;
        const struct dirent *ent = readdir(d);
        if (ent == NULL) {
            rc = -errno;
            break;
        }
        const char *z = ent->d_name;
        if (z[0] == '.' && (z[1] == '\0' || (z[1] == '.' && z[2] == '\0')))
            continue;
        struct qn_dirent out = {.name = z, .kind = entry_kind(d, ent)};
        rc = fn(arg, &out);
        if (rc != 0)
            break;
    }
    closedir(d);
    return rc;
}

static int posix_disk(struct qn_fs *fs, const char *path, struct qn_disk *out)
{
    (void)fs;
    struct statvfs st;
    if (statvfs(path, &st) < 0)
        return -errno;
    out->total_bytes = (uint64_t)st.f_blocks * st.f_frsize;
    out->free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return 0;
}

static const struct qn_fs_ops posix_ops = {
    .open = posix_open,
    .close = posix_close,
    .pread = posix_pread,
    .pwrite = posix_pwrite,
    .append = posix_append,
    .sync = posix_sync,
    .truncate = posix_truncate,
    .reserve = posix_reserve,
    .fstat = posix_fstat,
    .stat = posix_stat,
    .rename = posix_rename,
    .unlink = posix_unlink,
    .mkdir = posix_mkdir,
    .rmdir = posix_rmdir,
    .sync_dir = posix_sync_dir,
    .list = posix_list,
    .disk = posix_disk,
};

static const struct qn_fs posix_fs = {&posix_ops};

struct qn_fs *qn_fs_posix(void)
{
    return (struct qn_fs *)&posix_fs; /* holds nothing but the table: never written */
}
