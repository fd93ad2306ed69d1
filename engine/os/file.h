/* Files, through a table of operations, so that tests can make any of them fail (os/fault.h).
 *
 *     caller ─► qn_fs_write(fs, fd, ..) ─► fs->ops->pwrite ─► the kernel      qn_fs_posix()
 *                 loops over short writes         └────────► faults ─► kernel  qn_fault_fs
 *                 and EINTR, maps errno to QN_E_*
 *
 * The operations in the table are raw: they return a count or -errno and may do less than asked.
 * The qn_fs_* functions are what everybody calls: all or an error. Paths are NUL-terminated and
 * belong to the caller. A file descriptor from qn_fs_open is a real one (mmap and poll work on it).
 *
 * Durability, in order: bytes are safe after qn_fs_sync, a new or renamed name after qn_fs_sync_dir
 * of its directory. After a failed sync the kernel may have dropped the pages: nothing that was
 * written to that file since the last good sync can be trusted, and retrying the sync proves
 * nothing.
 *
 * A `struct qn_fs` is immutable and shared. @thread any  @locks none */
#ifndef QN_OS_FILE_H
#define QN_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum qn_open_flag {
    QN_OPEN_READ = 1,
    QN_OPEN_WRITE = 2,  /* may be joined with READ */
    QN_OPEN_CREATE = 4, /* make it when absent; mode 0640 */
    QN_OPEN_EXCL = 8,   /* with CREATE: QN_E_EXISTS when present */
    QN_OPEN_TRUNC = 16,
    QN_OPEN_APPEND = 32, /* qn_fs_append writes at the end, whoever else writes */
};

enum qn_file_kind { QN_FILE_REGULAR, QN_FILE_DIR, QN_FILE_OTHER };

struct qn_stat {
    uint64_t size_bytes;
    int64_t mtime_ns; /* wall clock */
    uint64_t device, inode;
    enum qn_file_kind kind;
};

struct qn_disk {
    uint64_t total_bytes;
    uint64_t free_bytes; /* what an unprivileged writer can still use */
};

struct qn_dirent {
    const char *name; /* borrowed until the callback returns; never "." or ".." */
    enum qn_file_kind kind;
};

struct qn_fs;

/* Return 0 to go on; anything else ends the listing and is its result. */
typedef int (*qn_dir_fn)(void *arg, const struct qn_dirent *ent);

/* Raw operations: >= 0, or -errno. */
struct qn_fs_ops {
    int (*open)(struct qn_fs *fs, const char *path, unsigned flags);
    int (*close)(struct qn_fs *fs, int fd);
    ssize_t (*pread)(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset);
    ssize_t (*pwrite)(struct qn_fs *fs, int fd, const void *p, size_t n, uint64_t offset);
    ssize_t (*append)(struct qn_fs *fs, int fd, const void *p, size_t n);
    int (*sync)(struct qn_fs *fs, int fd, bool data_only);
    int (*truncate)(struct qn_fs *fs, int fd, uint64_t size);
    int (*reserve)(struct qn_fs *fs, int fd, uint64_t offset, uint64_t n);
    int (*fstat)(struct qn_fs *fs, int fd, struct qn_stat *out);
    int (*stat)(struct qn_fs *fs, const char *path, struct qn_stat *out);
    int (*rename)(struct qn_fs *fs, const char *from, const char *to, bool replace);
    int (*unlink)(struct qn_fs *fs, const char *path);
    int (*mkdir)(struct qn_fs *fs, const char *path);
    int (*rmdir)(struct qn_fs *fs, const char *path);
    int (*sync_dir)(struct qn_fs *fs, const char *path);
    int (*list)(struct qn_fs *fs, const char *path, qn_dir_fn fn, void *arg);
    int (*disk)(struct qn_fs *fs, const char *path, struct qn_disk *out);
};

struct qn_fs {
    const struct qn_fs_ops *ops;
};

struct qn_fs *qn_fs_posix(void);

/* By path. `err` may be NULL; its message names the operation, the path and the system's reason. */

/* The descriptor (>= 0), or QN_E_NOT_FOUND, QN_E_EXISTS, QN_E_ACCESS, QN_E_NO_SPACE, QN_E_IO. */
QN_MUST_CHECK int qn_fs_open(struct qn_fs *fs, const char *path, unsigned flags,
                             struct qn_err *err);
QN_MUST_CHECK int qn_fs_stat(struct qn_fs *fs, const char *path, struct qn_stat *out,
                             struct qn_err *err);
/* Moves over an existing file when `replace`; otherwise QN_E_EXISTS, decided atomically. */
QN_MUST_CHECK int qn_fs_rename(struct qn_fs *fs, const char *from, const char *to, bool replace,
                               struct qn_err *err);
QN_MUST_CHECK int qn_fs_unlink(struct qn_fs *fs, const char *path, struct qn_err *err);
QN_MUST_CHECK int qn_fs_rmdir(struct qn_fs *fs, const char *path, struct qn_err *err);
/* One directory, mode 0750; QN_E_EXISTS when something is there. */
QN_MUST_CHECK int qn_fs_mkdir(struct qn_fs *fs, const char *path, struct qn_err *err);
/* That directory and its missing parents, each made durable. An existing directory is success. */
QN_MUST_CHECK int qn_fs_mkdirs(struct qn_fs *fs, const char *path, struct qn_err *err);
QN_MUST_CHECK int qn_fs_sync_dir(struct qn_fs *fs, const char *path, struct qn_err *err);
/* In no order. */
QN_MUST_CHECK int qn_fs_list(struct qn_fs *fs, const char *path, qn_dir_fn fn, void *arg,
                             struct qn_err *err);
QN_MUST_CHECK int qn_fs_disk(struct qn_fs *fs, const char *path, struct qn_disk *out,
                             struct qn_err *err);

/* By descriptor: the code alone. */

void qn_fs_close(struct qn_fs *fs, int fd); /* fd < 0 is fine */
/* Exactly n bytes; QN_E_TRUNCATED when the file ends before. */
QN_MUST_CHECK int qn_fs_read(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset);
/* Up to n bytes; *got < n only at the end of the file. */
QN_MUST_CHECK int qn_fs_read_some(struct qn_fs *fs, int fd, void *p, size_t n, uint64_t offset,
                                  size_t *got);
/* All n bytes, or an error after which any prefix of them may be in the file. */
QN_MUST_CHECK int qn_fs_write(struct qn_fs *fs, int fd, const void *p, size_t n, uint64_t offset);
QN_MUST_CHECK int qn_fs_append(struct qn_fs *fs, int fd, const void *p, size_t n);
QN_MUST_CHECK int qn_fs_sync(struct qn_fs *fs, int fd);      /* fsync */
QN_MUST_CHECK int qn_fs_sync_data(struct qn_fs *fs, int fd); /* fdatasync: data and size */
QN_MUST_CHECK int qn_fs_truncate(struct qn_fs *fs, int fd, uint64_t size_bytes);
/* Blocks for [offset, offset+n), the size unchanged. Success also where the file system cannot:
 * it is an optimisation; only QN_E_NO_SPACE and QN_E_IO are reported. */
QN_MUST_CHECK int qn_fs_reserve(struct qn_fs *fs, int fd, uint64_t offset, uint64_t n);
QN_MUST_CHECK int qn_fs_fstat(struct qn_fs *fs, int fd, struct qn_stat *out);

/* Whole files and trees. */

/* Appends the file's bytes to *out (already initialised). QN_E_TOO_LARGE past max_bytes. */
QN_MUST_CHECK int qn_fs_read_file(struct qn_fs *fs, const char *path, size_t max_bytes,
                                  struct qn_buf *out, struct qn_err *err);
/* Readers see the old file or the new one, also after a crash: writes `path`.tmp, syncs it, renames
 * it over `path`, syncs the directory. On error the old file is untouched and the .tmp is gone. One
 * writer of a path at a time. */
QN_MUST_CHECK int qn_fs_write_file(struct qn_fs *fs, const char *path, struct qn_str bytes,
                                   struct qn_err *err);
/* Removes what path names and everything below it; absent is success. Links are not followed. */
QN_MUST_CHECK int qn_fs_remove_tree(struct qn_fs *fs, const char *path, struct qn_err *err);
/* 1 when path names something, 0 when not, QN_E_* when that cannot be told. */
QN_MUST_CHECK int qn_fs_exists(struct qn_fs *fs, const char *path);
/* The bytes up to the last '/' ("." when there is none, "/" for the root); borrows. */
struct qn_str qn_path_dir(struct qn_str path);
/* dir + "/" + name (no doubled '/'), NUL-terminated. Gives: free() it. */
char *qn_path_join(const char *dir, struct qn_str name);
/* Fills err with "op path: the system's words" and returns the code for -errno `rc`. */
int qn_fs_error(int rc, const char *op, const char *path, struct qn_err *err);

#endif
