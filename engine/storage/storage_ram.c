/* Objects in memory, for tests and for indexes that need not outlive the process. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"
#include "storage_int.h"

struct blob {
    _Atomic uint32_t refs;
    uint8_t *p; /* with padding */
    size_t n;
    int64_t mtime_ns;
    char *name;
    struct qn_str key; /* the name; the map borrows it */
};

struct ram_storage {
    struct qn_storage st; /* first member */
    struct qn_mutex lock;
    struct qn_map blobs; /* key -> struct blob */
    uint64_t used_bytes, max_bytes;
};

struct ram_object {
    struct qn_object ob; /* first member */
    struct ram_storage *rs;
    struct blob *blob;
};

struct ram_upload {
    struct qn_upload up; /* first member */
    struct qn_buf bytes;
};

static void blob_unref(struct blob *b)
{
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(b->p);
    free(b->name);
    free(b);
}

static int object_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                       struct qn_err *err)
{
    (void)err;
    struct ram_object *ro = (struct ram_object *)ob;
    *out = (struct qn_slice){.p = ro->blob->p + offset, .n = n};
    qn__storage_count(&ro->rs->st, QN_STORAGE_READ, QN_OK, n, UINT64_MAX);
    return QN_OK;
}

static void object_free(struct qn_object *ob)
{
    struct ram_object *ro = (struct ram_object *)ob;
    blob_unref(ro->blob);
    qn_storage_unref(&ro->rs->st);
    free(ro);
}

static const struct qn_object_ops ram_object_ops = {object_read, NULL, object_free};

/* A reference to the blob under key, or NULL. */
static struct blob *find(struct ram_storage *rs, struct qn_str key)
{
    qn_mutex_lock(&rs->lock);
    struct blob *b = qn_map_get_ptr(&rs->blobs, key);
    if (b != NULL)
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed); /* the map holds one */
    qn_mutex_unlock(&rs->lock);
    return b;
}

static int not_found(struct qn_str key, struct qn_err *err)
{
    return qn_fail(err, QN_E_NOT_FOUND, QN_STR_FMT ": not found", QN_STR_ARG(key));
}

static int ram_open(struct qn_storage *st, struct qn_str key, uint64_t size_bytes,
                    struct qn_object **out, struct qn_err *err)
{
    struct ram_storage *rs = (struct ram_storage *)st;
    struct blob *b = find(rs, key);
    if (b == NULL)
        return not_found(key, err);
    if (size_bytes != QN_SIZE_UNKNOWN && size_bytes != b->n) {
        blob_unref(b);
        return qn_corrupt(err, QN_STR_FMT ": has %zu bytes where %llu are expected",
                          QN_STR_ARG(key), b->n, (unsigned long long)size_bytes);
    }
    struct ram_object *ro = qn_xcalloc(1, sizeof *ro);
    ro->ob = (struct qn_object){.ops = &ram_object_ops, .name = b->key, .size_bytes = b->n};
    atomic_init(&ro->ob.refs, 1);
    ro->rs = (struct ram_storage *)qn_storage_ref(st);
    ro->blob = b;
    *out = &ro->ob;
    return QN_OK;
}

static int ram_head(struct qn_storage *st, struct qn_str key, struct qn_storage_info *out,
                    struct qn_err *err)
{
    struct blob *b = find((struct ram_storage *)st, key);
    if (b == NULL)
        return not_found(key, err);
    *out = (struct qn_storage_info){.size_bytes = b->n, .mtime_ns = b->mtime_ns};
    blob_unref(b);
    return QN_OK;
}

/* Takes b. */
static int insert(struct ram_storage *rs, struct blob *b, unsigned flags, struct qn_err *err)
{
    int rc = QN_OK;
    struct blob *old = NULL;
    qn_mutex_lock(&rs->lock);
    struct qn_map_entry *e = qn_map_find(&rs->blobs, b->key);
    uint64_t without = rs->used_bytes - (e != NULL ? ((struct blob *)e->ptr)->n : 0);
    if (e != NULL && (flags & QN_PUT_IF_ABSENT)) {
        rc = qn_fail(err, QN_E_EXISTS, QN_STR_FMT ": exists already", QN_STR_ARG(b->key));
    } else if (rs->max_bytes != 0 && without + b->n > rs->max_bytes) {
        rc = qn_fail(err, QN_E_NO_SPACE, QN_STR_FMT ": no space left", QN_STR_ARG(b->key));
    } else {
        if (e == NULL) {
            bool made;
            e = qn_map_put(&rs->blobs, b->key, &made);
        } else {
            old = e->ptr;
            e->key = b->key; /* equal bytes; the old ones go away with the old blob */
        }
        e->ptr = b;
        rs->used_bytes = without + b->n;
    }
    qn_mutex_unlock(&rs->lock);
    if (rc < 0)
        blob_unref(b);
    if (old != NULL)
        blob_unref(old);
    return rc;
}

static int ram_put(struct qn_storage *st, struct qn_str key, struct qn_str bytes, unsigned flags,
                   struct qn_err *err)
{
    struct blob *b = qn_xcalloc(1, sizeof *b);
    atomic_init(&b->refs, 1);
    b->p = qn_xaligned(bytes.n);
    if (bytes.n != 0)
        memcpy(b->p, bytes.p, bytes.n);
    b->n = bytes.n;
    b->mtime_ns = qn_wall_ns(qn_clock_system());
    b->name = qn_xstrndup(key.p, key.n);
    b->key = (struct qn_str){b->name, key.n};
    return insert((struct ram_storage *)st, b, flags, err);
}

static int ram_put_file(struct qn_storage *st, struct qn_str key, const char *path, unsigned flags,
                        uint64_t *bytes, struct qn_err *err)
{
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    int rc = qn_fs_read_file(qn_fs_posix(), path, SIZE_MAX, &buf, err);
    if (rc == QN_OK)
        rc = ram_put(st, key, qn_buf_str(&buf), flags, err);
    if (rc == QN_OK && (flags & QN_PUT_MOVE))
        rc = qn_fs_unlink(qn_fs_posix(), path, err);
    *bytes = buf.n;
    qn_buf_release(&buf);
    return rc;
}

static int ram_copy(struct qn_storage *st, struct qn_str from, struct qn_str to, unsigned flags,
                    uint64_t *bytes, struct qn_err *err)
{
    struct blob *b = find((struct ram_storage *)st, from);
    if (b == NULL)
        return not_found(from, err);
    int rc = ram_put(st, to, qn_str_make(b->p, b->n), flags, err);
    *bytes = b->n;
    blob_unref(b);
    return rc;
}

static int ram_remove(struct qn_storage *st, const struct qn_str *keys, size_t n, int *rcs,
                      struct qn_err *err)
{
    (void)err;
    struct ram_storage *rs = (struct ram_storage *)st;
    for (size_t i = 0; i < n; i++) {
        qn_mutex_lock(&rs->lock);
        struct blob *b = qn_map_get_ptr(&rs->blobs, keys[i]);
        if (b != NULL) {
            qn_map_remove(&rs->blobs, keys[i]);
            rs->used_bytes -= b->n;
        }
        qn_mutex_unlock(&rs->lock);
        if (b != NULL)
            blob_unref(b);
        rcs[i] = QN_OK;
    }
    return QN_OK;
}

static int by_key(const void *a, const void *b)
{
    return qn_str_cmp(((const struct qn_storage_entry *)a)->key,
                      ((const struct qn_storage_entry *)b)->key);
}

static int ram_list(struct qn_storage *st, struct qn_str prefix, struct qn_str after, size_t max,
                    struct qn_storage_listing *out, struct qn_err *err)
{
    (void)err;
    struct ram_storage *rs = (struct ram_storage *)st;
    qn_mutex_lock(&rs->lock);
    for (struct qn_map_entry *e = NULL; (e = qn_map_next(&rs->blobs, e)) != NULL;) {
        const struct blob *b = e->ptr;
        if (qn_str_starts(b->key, prefix) && qn_str_cmp(b->key, after) > 0)
            qn__storage_list_add(out, b->key, b->n, b->mtime_ns);
    }
    qn_mutex_unlock(&rs->lock);
    if (out->entries.n > 1)
        qsort(out->entries.p, out->entries.n, sizeof *out->entries.p, by_key);
    if (out->entries.n > max) {
        out->entries.n = max;
        out->more = true;
    }
    return QN_OK;
}

static int upload_write(struct qn_sink *sk, const void *p, size_t n)
{
    struct ram_upload *ru = (struct ram_upload *)sk;
    qn_buf_put(&ru->bytes, p, n);
    return ru->bytes.failed ? QN_E_NO_SPACE : QN_OK;
}

static void upload_abort(struct qn_upload *up)
{
    struct ram_upload *ru = (struct ram_upload *)up;
    qn_buf_release(&ru->bytes);
    free(ru);
}

static int upload_commit(struct qn_upload *up, struct qn_err *err)
{
    struct ram_upload *ru = (struct ram_upload *)up;
    int rc = ram_put(up->storage, qn_str_of(up->key), qn_buf_str(&ru->bytes), up->flags, err);
    upload_abort(up);
    return rc;
}

static const struct qn_upload_ops ram_upload_ops = {upload_commit, upload_abort};

static int ram_begin(struct qn_storage *st, struct qn_str key, unsigned flags,
                     struct qn_upload **out, struct qn_err *err)
{
    (void)key;
    (void)flags;
    (void)err;
    struct ram_storage *rs = (struct ram_storage *)st;
    struct ram_upload *ru = qn_xcalloc(1, sizeof *ru);
    ru->up.sink.write = upload_write;
    ru->up.ops = &ram_upload_ops;
    qn_buf_init(&ru->bytes, rs->max_bytes != 0 ? (size_t)rs->max_bytes : SIZE_MAX);
    *out = &ru->up;
    return QN_OK;
}

static void ram_free(struct qn_storage *st)
{
    struct ram_storage *rs = (struct ram_storage *)st;
    for (struct qn_map_entry *e = NULL; (e = qn_map_next(&rs->blobs, e)) != NULL;)
        blob_unref(e->ptr);
    qn_map_release(&rs->blobs);
    qn_mutex_release(&rs->lock);
    free(rs);
}

static const struct qn_storage_ops ram_ops = {
    .open = ram_open,
    .head = ram_head,
    .put = ram_put,
    .put_file = ram_put_file,
    .copy = ram_copy,
    .remove = ram_remove,
    .list = ram_list,
    .begin = ram_begin,
    .free = ram_free,
};

struct qn_storage *qn_storage_open_ram(uint64_t max_bytes)
{
    struct ram_storage *rs = qn_xcalloc(1, sizeof *rs);
    qn__storage_init(&rs->st, &ram_ops, qn_xstrndup("ram://", 6));
    rs->st.can_put_if_absent = true;
    rs->max_bytes = max_bytes;
    qn_mutex_init(&rs->lock, QN_LOCK_STORAGE);
    qn_map_init(&rs->blobs, NULL);
    return &rs->st;
}
