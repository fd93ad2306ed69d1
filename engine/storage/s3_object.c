/* Ranged reads of one object, and what was fetched ahead. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "s3_int.h"

#define COALESCE (256u << 10)   /* a gap of 3 ms at 90 MiB/s, where another GET takes 50 */
#define MAX_FETCH (8u << 20)    /* of one GET ahead; several of them run side by side */
#define MAX_AHEAD (32ull << 20) /* held by one object */
#define MAX_RANGES 64           /* of one call */

/* Bytes that came; slices hold it. */
struct blob {
    struct blob *next; /* in the object's list, newest first */
    _Atomic uint32_t refs;
    uint64_t offset;
    size_t n;
    uint8_t *p; /* with padding */
};

struct s3_object {
    struct qn_object ob; /* first member */
    struct s3_storage *ss;
    char *key;
    struct qn_mutex lock;
    char etag[QN_S3_ETAG]; /* "" until the first answer; then all must have it */
    struct blob *ahead;
    uint64_t ahead_bytes;
};

static const uint8_t nothing[QN_PAD];

static void blob_drop(void *hold)
{
    struct blob *b = hold;
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    free(b->p);
    free(b);
}

static struct blob *blob_new(uint64_t offset, size_t n)
{
    struct blob *b = qn_xcalloc(1, sizeof *b);
    atomic_init(&b->refs, 1);
    b->offset = offset;
    b->n = n;
    b->p = qn_xaligned(n);
    return b;
}

/* A reference to bytes fetched ahead that hold the range; those read whole are handed over. */
static struct blob *take_ahead(struct s3_object *so, uint64_t offset, size_t n)
{
    struct blob *found = NULL;
    qn_mutex_lock(&so->lock);
    for (struct blob **at = &so->ahead; *at != NULL && found == NULL; at = &(*at)->next) {
        struct blob *b = *at;
        if (offset < b->offset || offset - b->offset > b->n || n > b->n - (offset - b->offset))
            continue;
        found = b;
        if (n == b->n) {
            *at = b->next;
            so->ahead_bytes -= b->n;
            break;
        }
        atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed); /* the list holds one */
        break;
    }
    qn_mutex_unlock(&so->lock);
    return found;
}

/* Takes b. The oldest leave when there is too much. */
static void keep_ahead(struct s3_object *so, struct blob *b)
{
    struct blob *gone = NULL;
    qn_mutex_lock(&so->lock);
    b->next = so->ahead;
    so->ahead = b;
    so->ahead_bytes += b->n;
    while (so->ahead_bytes > MAX_AHEAD && so->ahead->next != NULL) {
        struct blob **last = &so->ahead;
        while ((*last)->next != NULL)
            last = &(*last)->next;
        struct blob *old = *last;
        *last = NULL;
        so->ahead_bytes -= old->n;
        old->next = gone;
        gone = old;
    }
    qn_mutex_unlock(&so->lock);
    while (gone != NULL) {
        struct blob *next = gone->next;
        blob_drop(gone);
        gone = next;
    }
}

/* The request for the bytes of b. range and etag are buffers that live as long as it. */
static void make_request(struct s3_object *so, struct s3_request *rq, struct blob *b,
                         char range[64], char etag[QN_S3_ETAG])
{
    *rq = (struct s3_request){.method = "GET",
                              .key = so->ob.name,
                              .into = b->p,
                              .offset = b->offset,
                              .want = b->n,
                              .object_bytes = so->ob.size_bytes};
    int n = snprintf(range, 64, "bytes=%llu-%llu", (unsigned long long)b->offset,
                     (unsigned long long)(b->offset + b->n - 1));
    qn__s3_header(rq, "range", qn_str_make(range, (size_t)n));
    qn_mutex_lock(&so->lock);
    memcpy(etag, so->etag, QN_S3_ETAG);
    qn_mutex_unlock(&so->lock);
    if (etag[0] != '\0')
        qn__s3_header(rq, "if-match", qn_str_of(etag));
}

/* The end of a request: counts it, and sees to it that all bytes are of the same object. */
static int end_request(struct s3_object *so, struct s3_request *rq)
{
    if (rq->rc == QN_OK && rq->etag[0] != '\0') {
        qn_mutex_lock(&so->lock);
        if (so->etag[0] == '\0')
            memcpy(so->etag, rq->etag, QN_S3_ETAG);
        else if (strcmp(so->etag, rq->etag) != 0)
            rq->rc = QN_E_CONFLICT;
        qn_mutex_unlock(&so->lock);
    }
    qn__storage_count(&so->ss->st, QN_STORAGE_READ, rq->rc, rq->want, rq->us);
    return rq->rc;
}

static int object_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                       struct qn_err *err)
{
    struct s3_object *so = (struct s3_object *)ob;
    if (n == 0) {
        *out = (struct qn_slice){.p = nothing};
        return QN_OK;
    }
    struct blob *b = take_ahead(so, offset, n);
    if (b == NULL) {
        struct s3_request rq;
        char range[64], etag[QN_S3_ETAG];
        b = blob_new(offset, n);
        make_request(so, &rq, b, range, etag);
        qn__s3_run(so->ss, &rq, 1);
        int rc = end_request(so, &rq);
        if (rc < 0) {
            qn__s3_error(so->ss, &rq, err);
            qn_err_prefix(err, "%s read: ", so->ss->st.uri);
            blob_drop(b);
        }
        qn__s3_request_release(&rq);
        if (rc < 0)
            return rc;
    }
    *out =
        (struct qn_slice){.p = b->p + (offset - b->offset), .n = n, .hold = b, .drop = blob_drop};
    return QN_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct qn_range *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Sorts, clips and joins; returns how many ranges are left. Large ones stay whole only up to
 * MAX_FETCH: what is more is read when it is asked for. */
static size_t coalesce(const struct s3_object *so, struct qn_range *rs, size_t n)
{
    size_t m = 0;
    qsort(rs, n, sizeof *rs, by_offset);
    for (size_t i = 0; i < n; i++) {
        struct qn_range r = rs[i];
        if (r.offset >= so->ob.size_bytes || r.n == 0)
            continue;
        if (r.n > so->ob.size_bytes - r.offset)
            r.n = so->ob.size_bytes - r.offset;
        if (r.n > MAX_FETCH)
            continue;
        struct qn_range *last = m == 0 ? NULL : &rs[m - 1];
        uint64_t end = r.offset + r.n;
        if (last != NULL && r.offset <= last->offset + last->n + COALESCE &&
            end - last->offset <= MAX_FETCH) {
            if (end > last->offset + last->n)
                last->n = end - last->offset;
            continue;
        }
        rs[m++] = r;
    }
    return m;
}

static void object_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n)
{
    struct s3_object *so = (struct s3_object *)ob;
    struct qn_range rs[MAX_RANGES];
    if (n > MAX_RANGES)
        n = MAX_RANGES;
    memcpy(rs, ranges, n * sizeof *rs);
    n = coalesce(so, rs, n);
    if (n == 0)
        return;
    struct s3_request *rqs = qn_xcalloc(n, sizeof *rqs);
    struct blob **blobs = qn_xcalloc(n, sizeof *blobs);
    char(*texts)[64 + QN_S3_ETAG] = qn_xcalloc(n, sizeof *texts);
    for (size_t i = 0; i < n; i++) {
        blobs[i] = blob_new(rs[i].offset, (size_t)rs[i].n);
        make_request(so, &rqs[i], blobs[i], texts[i], texts[i] + 64);
    }
    qn__s3_run(so->ss, rqs, n);
    for (size_t i = 0; i < n; i++) {
        if (end_request(so, &rqs[i]) == QN_OK)
            keep_ahead(so, blobs[i]);
        else
            blob_drop(blobs[i]); /* the read will say why */
        qn__s3_request_release(&rqs[i]);
    }
    free(texts);
    free(blobs);
    free(rqs);
}

static void object_free(struct qn_object *ob)
{
    struct s3_object *so = (struct s3_object *)ob;
    while (so->ahead != NULL) {
        struct blob *b = so->ahead;
        so->ahead = b->next;
        blob_drop(b);
    }
    qn_mutex_release(&so->lock);
    qn_storage_unref(&so->ss->st);
    free(so->key);
    free(so);
}

static const struct qn_object_ops s3_object_ops = {object_read, object_prefetch, object_free};

struct qn_object *qn__s3_object(struct s3_storage *ss, struct qn_str key, uint64_t size_bytes,
                                const char *etag)
{
    struct s3_object *so = qn_xcalloc(1, sizeof *so);
    so->key = qn_xstrndup(key.p, key.n);
    so->ob = (struct qn_object){
        .ops = &s3_object_ops, .name = {so->key, key.n}, .size_bytes = size_bytes};
    atomic_init(&so->ob.refs, 1);
    memcpy(so->etag, etag, strlen(etag) + 1);
    so->ss = (struct s3_storage *)qn_storage_ref(&ss->st);
    qn_mutex_init(&so->lock, QN_LOCK_LEAF);
    return &so->ob;
}
