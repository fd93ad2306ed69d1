#include "storage/storage.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/env.h"
#include "storage/s3.h"
#include "storage_int.h"

#define MAX_KEY 1024
#define MAX_NAME 240

const char *qn_storage_op_name(enum qn_storage_op op)
{
    switch (op) {
#define XX(name, text, what)                                                                       \
    case QN_STORAGE_##name:                                                                        \
        return text;
        QN_STORAGE_OP_MAP(XX)
#undef XX
    default:
        return "?";
    }
}

static const char *name_fault(struct qn_str name)
{
    if (name.n == 0)
        return "has an empty name between slashes, or a slash at its end";
    if (name.n > MAX_NAME)
        return "has a name of more than 240 bytes";
    if (qn_str_is(name, ".") || qn_str_is(name, ".."))
        return "has a \".\" or \"..\" in it";
    if (qn_str_starts(name, QN_STR(".qn-")))
        return "has a name that starts with \".qn-\"";
    return NULL;
}

int qn_storage_check_key(struct qn_str key, struct qn_err *err)
{
    const char *fault = NULL;
    if (key.n == 0)
        return qn_fail(err, QN_E_INVALID, "storage key is empty");
    if (key.n > MAX_KEY)
        return qn_fail(err, QN_E_INVALID, "storage key has %zu bytes, at most %d are allowed",
                       key.n, MAX_KEY);
    for (size_t i = 0; i < key.n && fault == NULL; i++)
        if ((unsigned char)key.p[i] < 0x20 || key.p[i] == 0x7f)
            fault = "has a control character";
    if (fault == NULL && qn_utf8_invalid(key) != SIZE_MAX)
        fault = "is not valid UTF-8";
    if (fault != NULL) /* not quoted: it is not fit for a log line */
        return qn_fail(err, QN_E_INVALID, "storage key %s", fault);
    struct qn_str rest = key, name;
    while (fault == NULL && qn_str_split(&rest, '/', &name))
        fault = name_fault(name);
    return fault == NULL ? QN_OK
                         : qn_fail(err, QN_E_INVALID, "storage key \"" QN_STR_FMT "\" %s",
                                   QN_STR_ARG(qn_str_first(key, 100)), fault);
}

void qn__storage_init(struct qn_storage *st, const struct qn_storage_ops *ops, char *uri)
{
    st->ops = ops;
    st->uri = uri;
    atomic_init(&st->refs, 1);
}

struct qn_storage *qn_storage_ref(struct qn_storage *st)
{
    atomic_fetch_add_explicit(&st->refs, 1, memory_order_relaxed); /* the caller holds one */
    return st;
}

void qn_storage_unref(struct qn_storage *st)
{
    /* The last holder must see what the others did before they let go. */
    if (st == NULL || atomic_fetch_sub_explicit(&st->refs, 1, memory_order_acq_rel) != 1)
        return;
    char *uri = st->uri;
    st->ops->free(st);
    free(uri);
}

struct qn_str qn_storage_uri(const struct qn_storage *st)
{
    return qn_str_of(st->uri);
}

bool qn_storage_can_put_if_absent(struct qn_storage *st)
{
    return st->ops->can_put_if_absent != NULL ? st->ops->can_put_if_absent(st)
                                              : st->can_put_if_absent;
}

const struct qn_storage_account *qn_storage_account(const struct qn_storage *st,
                                                    enum qn_storage_op op)
{
    return &st->accounts[op];
}

/* Relaxed throughout: counters that are only ever read for display. */
static void add(_Atomic uint64_t *counter, uint64_t v)
{
    atomic_fetch_add_explicit(counter, v, memory_order_relaxed);
}

void qn__storage_count(struct qn_storage *st, enum qn_storage_op op, int rc, uint64_t bytes,
                       uint64_t us)
{
    struct qn_storage_account *ac = &st->accounts[op];
    add(&ac->n, 1);
    if (rc < 0 && rc != QN_E_NOT_FOUND && rc != QN_E_EXISTS)
        add(&ac->errors, 1);
    if (rc >= 0 && bytes != 0)
        add(&ac->bytes, bytes);
    if (us == UINT64_MAX)
        return;
    unsigned bucket = qn_bit_width(us);
    add(&ac->total_us, us);
    add(&ac->latency[bucket < QN_STORAGE_BUCKETS ? bucket : QN_STORAGE_BUCKETS - 1], 1);
}

/* The end of every operation: counts it and says in the message where it failed. */
static int done(struct qn_storage *st, enum qn_storage_op op, int rc, uint64_t bytes,
                qn_usec started, struct qn_err *err)
{
    qn__storage_count(st, op, rc, bytes, qn_now_us() - started);
    if (rc < 0)
        qn_err_prefix(err, "%s %s: ", st->uri, qn_storage_op_name(op));
    return rc;
}

static int check_put(struct qn_storage *st, struct qn_str key, unsigned flags, struct qn_err *err)
{
    if ((flags & QN_PUT_IF_ABSENT) && !qn_storage_can_put_if_absent(st))
        return qn_fail(err, QN_E_UNSUPPORTED, "%s cannot put an object only if it is absent",
                       st->uri);
    return qn_storage_check_key(key, err);
}

int qn_storage_open(struct qn_storage *st, struct qn_str key, uint64_t size_bytes,
                    struct qn_object **out, struct qn_err *err)
{
    *out = NULL;
    int rc = qn_storage_check_key(key, err);
    if (rc < 0)
        return rc;
    qn_usec t = qn_now_us();
    rc = st->ops->open(st, key, size_bytes, out, err);
    return done(st, QN_STORAGE_OPEN, rc, 0, t, err);
}

int qn_storage_head(struct qn_storage *st, struct qn_str key, struct qn_storage_info *out,
                    struct qn_err *err)
{
    *out = (struct qn_storage_info){0};
    int rc = qn_storage_check_key(key, err);
    if (rc < 0)
        return rc;
    qn_usec t = qn_now_us();
    rc = st->ops->head(st, key, out, err);
    return done(st, QN_STORAGE_HEAD, rc, 0, t, err);
}

int qn_storage_exists(struct qn_storage *st, struct qn_str key, struct qn_err *err)
{
    struct qn_storage_info info;
    struct qn_err own = {0};
    int rc = qn_storage_head(st, key, &info, &own);
    if (rc == QN_E_NOT_FOUND)
        return 0;
    if (rc < 0 && err != NULL && err->code == 0)
        *err = own;
    return rc < 0 ? rc : 1;
}

int qn_storage_put(struct qn_storage *st, struct qn_str key, struct qn_str bytes, unsigned flags,
                   struct qn_err *err)
{
    int rc = check_put(st, key, flags, err);
    if (rc < 0)
        return rc;
    qn_usec t = qn_now_us();
    rc = st->ops->put(st, key, bytes, flags, err);
    return done(st, QN_STORAGE_PUT, rc, bytes.n, t, err);
}

int qn_storage_put_file(struct qn_storage *st, struct qn_str key, const char *path, unsigned flags,
                        struct qn_err *err)
{
    int rc = check_put(st, key, flags, err);
    if (rc < 0)
        return rc;
    uint64_t bytes = 0;
    qn_usec t = qn_now_us();
    rc = st->ops->put_file(st, key, path, flags, &bytes, err);
    return done(st, QN_STORAGE_PUT, rc, bytes, t, err);
}

int qn_storage_copy(struct qn_storage *st, struct qn_str from, struct qn_str to, unsigned flags,
                    struct qn_err *err)
{
    int rc = qn_storage_check_key(from, err);
    if (rc == QN_OK)
        rc = check_put(st, to, flags, err);
    if (rc < 0)
        return rc;
    uint64_t bytes = 0;
    qn_usec t = qn_now_us();
    rc = st->ops->copy(st, from, to, flags, &bytes, err);
    return done(st, QN_STORAGE_COPY, rc, bytes, t, err);
}

int qn_storage_delete(struct qn_storage *st, struct qn_str key, struct qn_err *err)
{
    return qn_storage_delete_many(st, &key, 1, NULL, err);
}

int qn_storage_delete_many(struct qn_storage *st, const struct qn_str *keys, size_t n, int *rcs,
                           struct qn_err *err)
{
    if (n == 0)
        return QN_OK;
    for (size_t i = 0; i < n; i++) { /* none is touched when one is no key at all */
        int rc = qn_storage_check_key(keys[i], err);
        if (rc < 0) {
            for (size_t k = 0; rcs != NULL && k < n; k++)
                rcs[k] = rc;
            return rc;
        }
    }
    int *fates = rcs != NULL ? rcs : qn_xcalloc(n, sizeof *fates);
    qn_usec t = qn_now_us();
    int rc = st->ops->remove(st, keys, n, fates, err);
    uint64_t us = (qn_now_us() - t) / n;
    for (size_t i = 0; i < n; i++)
        qn__storage_count(st, QN_STORAGE_DELETE, fates[i], 0, us);
    if (rc < 0)
        qn_err_prefix(err, "%s delete: ", st->uri);
    if (fates != rcs)
        free(fates);
    return rc;
}

void qn_storage_listing_init(struct qn_storage_listing *ls)
{
    memset(ls, 0, sizeof *ls);
    qn_arena_init(&ls->names, NULL);
}

void qn_storage_listing_release(struct qn_storage_listing *ls)
{
    qn_vec_release(&ls->entries);
    qn_arena_release(&ls->names);
}

void qn__storage_list_add(struct qn_storage_listing *ls, struct qn_str key, uint64_t size_bytes,
                          int64_t mtime_ns)
{
    struct qn_storage_entry entry = {
        .key = qn_arena_str(&ls->names, key), .size_bytes = size_bytes, .mtime_ns = mtime_ns};
    qn_vec_push(&ls->entries, entry);
}

int qn_storage_list(struct qn_storage *st, struct qn_str prefix, struct qn_str after, size_t max,
                    struct qn_storage_listing *out, struct qn_err *err)
{
    qn_vec_clear(&out->entries);
    qn_arena_reset(&out->names);
    out->more = false;
    if (prefix.n > MAX_KEY || after.n > MAX_KEY)
        return qn_fail(err, QN_E_INVALID, "storage key prefix is longer than %d bytes", MAX_KEY);
    qn_usec t = qn_now_us();
    int rc = max == 0 ? QN_OK : st->ops->list(st, prefix, after, max, out, err);
    return done(st, QN_STORAGE_LIST, rc, 0, t, err);
}

int qn_storage_begin(struct qn_storage *st, struct qn_str key, unsigned flags,
                     struct qn_upload **out, struct qn_err *err)
{
    *out = NULL;
    int rc = check_put(st, key, flags, err);
    if (rc < 0)
        return rc;
    struct qn_upload *up;
    rc = st->ops->begin(st, key, flags, &up, err);
    if (rc < 0) {
        qn_err_prefix(err, "%s put: ", st->uri);
        return rc;
    }
    up->storage = qn_storage_ref(st);
    up->key = qn_xstrndup(key.p, key.n);
    up->flags = flags;
    *out = up;
    return QN_OK;
}

int qn_upload_commit(struct qn_upload *up, struct qn_err *err)
{
    struct qn_storage *st = up->storage;
    char *key = up->key;
    uint64_t bytes = up->sink.at;
    qn_usec t = qn_now_us();
    int rc = qn_sink_failed(&up->sink);
    if (rc < 0) {
        qn_fail(err, rc, "%s: %s", key, qn_err_text(rc));
        up->ops->abort(up);
    } else {
        rc = up->ops->commit(up, err);
    }
    rc = done(st, QN_STORAGE_PUT, rc, bytes, t, err);
    free(key);
    qn_storage_unref(st);
    return rc;
}

void qn_upload_abort(struct qn_upload *up)
{
    if (up == NULL)
        return;
    struct qn_storage *st = up->storage;
    char *key = up->key;
    up->ops->abort(up);
    free(key);
    qn_storage_unref(st);
}

static const char *env_get(void *arg, const char *name)
{
    (void)arg;
    return qn_env_get(name);
}

static int open_s3_uri(struct qn_storage **out, struct qn_str uri, struct qn_fs *fs,
                       struct qn_err *err)
{
    struct qn_s3_options opt = {0};
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    int rc = qn_s3_options_from_uri(&opt, uri, env_get, NULL, fs, &ar, err);
    if (rc == QN_OK)
        rc = qn_storage_open_s3(out, &opt, fs, err);
    qn_arena_release(&ar);
    return rc;
}

int qn_storage_open_uri(struct qn_storage **out, struct qn_str uri, struct qn_fs *fs,
                        struct qn_err *err)
{
    *out = NULL;
    size_t colon = qn_str_find(uri, QN_STR("://"));
    struct qn_str scheme = qn_str_first(uri, colon == SIZE_MAX ? 0 : colon);
    struct qn_str rest = colon == SIZE_MAX ? uri : qn_str_from(uri, colon + 3);
    if (qn_str_is(scheme, "ram")) {
        *out = qn_storage_open_ram(0);
        return QN_OK;
    }
    if (qn_str_is(scheme, "s3"))
        return open_s3_uri(out, uri, fs, err);
    if (scheme.n != 0 && !qn_str_is(scheme, "file"))
        return qn_fail(err, QN_E_UNSUPPORTED,
                       "storage \"" QN_STR_FMT "\": scheme \"" QN_STR_FMT
                       "\" is not known, use file://, s3:// or ram://",
                       QN_STR_ARG(uri), QN_STR_ARG(scheme));
    if (rest.n == 0 || (scheme.n != 0 && rest.p[0] != '/'))
        return qn_fail(err, QN_E_INVALID,
                       "storage \"" QN_STR_FMT "\" names no directory, write file:///path/to/it",
                       QN_STR_ARG(uri));
    if (memchr(rest.p, '\0', rest.n) != NULL)
        return qn_fail(err, QN_E_INVALID, "storage path contains a NUL byte");
    char *root = qn_xstrndup(rest.p, rest.n);
    int rc = qn_storage_open_local(out, fs, root, err);
    free(root);
    return rc;
}
