/* Storage: immutable objects under keys, wherever they lie.
 *
 *     caller ─► qn_storage_put(st, key, ..) ─► checks the key, measures ─► driver: local disk
 *                                                                                  memory
 *                                                                                  object store
 *
 * An object appears whole or not at all: a put, an upload or a copy that fails, or a process that
 * dies, leaves no part of it under its key (what it may leave elsewhere, drivers clean up). When
 * only the last step failed (its durability, or the answer of a remote store) the whole object may
 * be there; putting it again is always right. What was acknowledged survives a power cut. Putting
 * over an existing key replaces it; readers that have the old object open keep reading the old
 * bytes; where the store cannot keep them (S3), their reads fail with QN_E_CONFLICT or
 * QN_E_NOT_FOUND and never mix old and new.
 *
 * Keys are names separated by '/': 1..1024 bytes, no empty name, no ".", no "..", no '/' at either
 * end, no control characters, valid UTF-8; a name has at most 240 bytes and does not start with
 * ".qn-", which the drivers keep for themselves. Anything else is QN_E_INVALID. A key that is also
 * the leading names of another ("a" and "a/b") is QN_E_CONFLICT where a driver cannot hold both.
 *
 * Errors: QN_E_NOT_FOUND, QN_E_EXISTS (put if absent), QN_E_NO_SPACE, QN_E_ACCESS, QN_E_UNAVAILABLE
 * (try again later), QN_E_IO; messages name the operation and the key. `err` may be NULL
 * everywhere.
 *
 * A storage is shared by reference count; its objects and uploads hold one. @thread any */
#ifndef QN_STORAGE_STORAGE_H
#define QN_STORAGE_STORAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "os/file.h"
#include "storage/object.h"
#include "storage/sink.h"

/*  XX(NAME, "name", what is counted) */
#define QN_STORAGE_OP_MAP(XX)                                                                      \
    XX(OPEN, "open", "objects opened")                                                             \
    XX(READ, "read", "ranges read from objects")                                                   \
    XX(PUT, "put", "objects written, from bytes, files or uploads")                                \
    XX(PART, "part", "parts of uploads sent")                                                      \
    XX(DELETE, "delete", "objects deleted")                                                        \
    XX(LIST, "list", "pages listed")                                                               \
    XX(HEAD, "head", "objects asked about")                                                        \
    XX(COPY, "copy", "objects copied")

enum qn_storage_op {
#define XX(name, text, what) QN_STORAGE_##name,
    QN_STORAGE_OP_MAP(XX)
#undef XX
        QN_STORAGE_OP_COUNT
};
const char *qn_storage_op_name(enum qn_storage_op op);

/* One operation's account. Latencies fall into powers of two: bucket i counts those below 2^i us
 * (and not below 2^(i-1)), the last one everything above. Reads of mapped bytes have none. */
#define QN_STORAGE_BUCKETS 26
struct qn_storage_account {
    _Atomic uint64_t n;      /* finished, well or not */
    _Atomic uint64_t errors; /* QN_E_NOT_FOUND and QN_E_EXISTS are answers, not errors */
    _Atomic uint64_t bytes;  /* read or written */
    _Atomic uint64_t total_us;
    _Atomic uint64_t latency[QN_STORAGE_BUCKETS];
};

struct qn_storage_info {
    uint64_t size_bytes;
    int64_t mtime_ns; /* wall clock of whoever stores it */
};

struct qn_storage_entry {
    struct qn_str key; /* in the listing's arena */
    uint64_t size_bytes;
    int64_t mtime_ns;
};

/* One page of keys, in byte order. */
struct qn_storage_listing {
    QN_VEC(struct qn_storage_entry) entries;
    struct qn_arena names;
    bool more; /* there are keys after the last one */
};

enum qn_put_flag {
    QN_PUT_IF_ABSENT = 1, /* QN_E_EXISTS when the key is taken, decided atomically */
    QN_PUT_MOVE = 2,      /* put_file: the file is consumed on success (renamed where possible) */
};

struct qn_storage;

/* --- opening --- */

/* "file:///path" or a bare path; "ram://"; "s3://bucket/prefix" (storage/s3.h). Unknown schemes are
 * QN_E_UNSUPPORTED. fs is used for local files (qn_fs_posix() outside of tests) and must outlive
 * the storage. Gives *out. */
QN_MUST_CHECK int qn_storage_open_uri(struct qn_storage **out, struct qn_str uri, struct qn_fs *fs,
                                      struct qn_err *err);
/* A directory, made when absent. Files in it that are not regular, or whose names no key can have,
 * are not seen. Unfinished writes of earlier processes are removed once they are a day old: other
 * servers may share the directory. */
QN_MUST_CHECK int qn_storage_open_local(struct qn_storage **out, struct qn_fs *fs, const char *root,
                                        struct qn_err *err);
/* Keeps objects in memory; QN_E_NO_SPACE beyond max_bytes (0 = no limit). */
struct qn_storage *qn_storage_open_ram(uint64_t max_bytes);
struct qn_storage *qn_storage_ref(struct qn_storage *st);
void qn_storage_unref(struct qn_storage *st); /* NULL is fine */

/* For messages: "file:///var/lib/quern", without secrets. Borrows. */
struct qn_str qn_storage_uri(const struct qn_storage *st);
/* False: QN_PUT_IF_ABSENT is QN_E_UNSUPPORTED here. The first call may ask the server. */
bool qn_storage_can_put_if_absent(struct qn_storage *st);
const struct qn_storage_account *qn_storage_account(const struct qn_storage *st,
                                                    enum qn_storage_op op);
/* QN_E_INVALID, with the reason, unless the key is one. */
QN_MUST_CHECK int qn_storage_check_key(struct qn_str key, struct qn_err *err);

/* --- objects --- */

#define QN_SIZE_UNKNOWN UINT64_MAX

/* Gives *out. A size that is known (from the metastore) saves a driver the question; the object is
 * then exactly so long, and one that is not is QN_E_CORRUPT, here or at the first read. */
QN_MUST_CHECK int qn_storage_open(struct qn_storage *st, struct qn_str key, uint64_t size_bytes,
                                  struct qn_object **out, struct qn_err *err);
QN_MUST_CHECK int qn_storage_head(struct qn_storage *st, struct qn_str key,
                                  struct qn_storage_info *out, struct qn_err *err);
/* 1, 0, or QN_E_*. */
QN_MUST_CHECK int qn_storage_exists(struct qn_storage *st, struct qn_str key, struct qn_err *err);
QN_MUST_CHECK int qn_storage_put(struct qn_storage *st, struct qn_str key, struct qn_str bytes,
                                 unsigned flags, struct qn_err *err);
/* path: a file of the fs the storage was opened with. */
QN_MUST_CHECK int qn_storage_put_file(struct qn_storage *st, struct qn_str key, const char *path,
                                      unsigned flags, struct qn_err *err);
QN_MUST_CHECK int qn_storage_copy(struct qn_storage *st, struct qn_str from, struct qn_str to,
                                  unsigned flags, struct qn_err *err);
/* An absent key is success. */
QN_MUST_CHECK int qn_storage_delete(struct qn_storage *st, struct qn_str key, struct qn_err *err);
/* Tries all of them; rcs[i] (rcs may be NULL) is the fate of keys[i]. The first failure is the
 * result. */
QN_MUST_CHECK int qn_storage_delete_many(struct qn_storage *st, const struct qn_str *keys, size_t n,
                                         int *rcs, struct qn_err *err);

/* Up to max keys that start with prefix (any bytes, not only whole names) and come after `after`
 * ("" = from the start). For the next page pass the last key. */
QN_MUST_CHECK int qn_storage_list(struct qn_storage *st, struct qn_str prefix, struct qn_str after,
                                  size_t max, struct qn_storage_listing *out, struct qn_err *err);
void qn_storage_listing_init(struct qn_storage_listing *ls);
void qn_storage_listing_release(struct qn_storage_listing *ls);

/* --- uploads: an object written front to back --- */

/* Write to sink with qn_sink_put; then commit or abort, once: both free it. */
struct qn_upload {
    struct qn_sink sink; /* first member */
    const struct qn_upload_ops *ops;
    struct qn_storage *storage;
    char *key;
    unsigned flags;
};

/* Gives *out. `flags`: QN_PUT_IF_ABSENT, decided at the commit. */
QN_MUST_CHECK int qn_storage_begin(struct qn_storage *st, struct qn_str key, unsigned flags,
                                   struct qn_upload **out, struct qn_err *err);
/* Takes up. Publishes the object, or fails and leaves nothing; the sink's error is passed on. */
QN_MUST_CHECK int qn_upload_commit(struct qn_upload *up, struct qn_err *err);
void qn_upload_abort(struct qn_upload *up); /* takes up; NULL is fine */

#endif
