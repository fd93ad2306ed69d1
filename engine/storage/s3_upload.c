/* Uploads: parts are sent as they fill up. An object of one part is a plain put; a longer one is a
 * multipart upload, which the server joins at the commit, or drops. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "s3_int.h"
#include "s3_xml_int.h"

#define MAX_PARTS 10000

struct part {
    char etag[QN_S3_ETAG];
};

struct s3_upload {
    struct qn_upload up; /* first member */
    struct s3_storage *ss;
    struct qn_str key; /* a copy */
    unsigned flags;
    struct qn_buf pending;
    char *id; /* of the multipart upload; NULL until the first part is full */
    QN_VEC(struct part) parts;
    struct qn_buf digests; /* MD5 of the parts, for the ETag of the whole */
    struct qn_err err;     /* of the write that failed: the sink keeps only the code */
};

static int on_upload_id(void *arg, struct qn_str parent, struct qn_str name, struct qn_str text)
{
    struct s3_upload *su = arg;
    if (qn_str_is(parent, "InitiateMultipartUploadResult") && qn_str_is(name, "UploadId") &&
        text.n != 0 && su->id == NULL)
        su->id = qn_xstrndup(text.p, text.n);
    return QN_OK;
}

static int start_multipart(struct s3_upload *su)
{
    struct s3_request rq = {.method = "POST", .key = su->key, .body = QN_STR("")};
    qn__s3_param(&rq, "uploads", QN_STR(""));
    qn__s3_run(su->ss, &rq, 1);
    int rc = rq.rc;
    if (rc == QN_OK)
        rc = qn__s3_xml_read(qn_buf_str(&rq.body_in), on_upload_id, su);
    if (rq.rc < 0)
        qn__s3_error(su->ss, &rq, &su->err);
    else if (rc < 0 || su->id == NULL)
        rc = qn_fail(&su->err, QN_E_IO, QN_STR_FMT ": the server began no upload",
                     QN_STR_ARG(su->key));
    qn__s3_request_release(&rq);
    return rc;
}

static int send_part(struct s3_upload *su)
{
    if (su->flags & QN_PUT_IF_ABSENT)
        return qn_fail(&su->err, QN_E_TOO_LARGE,
                       QN_STR_FMT ": an object put only if absent has at most %llu bytes here",
                       QN_STR_ARG(su->key), QN_S3_ATOMIC_MAX);
    if (su->parts.n == MAX_PARTS)
        return qn_fail(&su->err, QN_E_TOO_LARGE, QN_STR_FMT ": more than %d parts",
                       QN_STR_ARG(su->key), MAX_PARTS);
    int rc = su->id != NULL ? QN_OK : start_multipart(su);
    if (rc < 0)
        return rc;
    char number[16], md5[QN_S3_MD5_HEX];
    snprintf(number, sizeof number, "%zu", su->parts.n + 1);
    struct s3_request rq = {.method = "PUT", .key = su->key, .body = qn_buf_str(&su->pending)};
    qn__s3_param(&rq, "partNumber", qn_str_of(number));
    qn__s3_param(&rq, "uploadId", qn_str_of(su->id));
    qn__s3_run(su->ss, &rq, 1);
    rc = rq.rc;
    qn__storage_count(&su->ss->st, QN_STORAGE_PART, rc, su->pending.n, rq.us);
    if (rc < 0) {
        qn__s3_error(su->ss, &rq, &su->err);
    } else {
        struct part pt;
        memcpy(pt.etag, rq.etag, sizeof pt.etag);
        qn_vec_push(&su->parts, pt);
        qn__s3_md5_hex(md5, qn_buf_str(&su->pending));
        for (size_t i = 0; i < 32; i += 2) {
            const char two[3] = {md5[i], md5[i + 1], '\0'};
            qn_buf_put_u8(&su->digests, (uint8_t)strtoul(two, NULL, 16));
        }
        qn_buf_clear(&su->pending);
    }
    qn__s3_request_release(&rq);
    return rc;
}

static int upload_write(struct qn_sink *sk, const void *p, size_t n)
{
    struct s3_upload *su = (struct s3_upload *)sk;
    size_t part = su->flags & QN_PUT_IF_ABSENT ? QN_S3_ATOMIC_MAX : (size_t)su->ss->opt.part_bytes;
    const char *from = p;
    while (n != 0) {
        if (su->pending.n == part) {
            int rc = send_part(su);
            if (rc < 0)
                return rc;
        }
        size_t room = part - su->pending.n, step = n < room ? n : room;
        qn_buf_put(&su->pending, from, step);
        from += step;
        n -= step;
    }
    return QN_OK;
}

static void free_upload(struct s3_upload *su)
{
    qn_buf_release(&su->pending);
    qn_buf_release(&su->digests);
    qn_vec_release(&su->parts);
    free(su->id);
    free((char *)su->key.p);
    free(su);
}

static void upload_abort(struct qn_upload *up)
{
    struct s3_upload *su = (struct s3_upload *)up;
    if (su->id != NULL) { /* what cannot be dropped now, the bucket's own rules must clean up */
        struct s3_request rq = {.method = "DELETE", .key = su->key};
        qn__s3_param(&rq, "uploadId", qn_str_of(su->id));
        qn__s3_run(su->ss, &rq, 1);
        qn__s3_request_release(&rq);
    }
    free_upload(su);
}

/* The commit's answer was lost and the upload is gone: true when the object there is ours, which
 * its ETag tells, the MD5 of the parts' MD5s. */
static bool is_ours(struct s3_upload *su)
{
    char md5[QN_S3_MD5_HEX], want[64];
    qn__s3_md5_hex(md5, qn_buf_str(&su->digests));
    snprintf(want, sizeof want, "\"%s-%zu\"", md5, su->parts.n);
    struct s3_request rq = {.method = "HEAD", .key = su->key};
    qn__s3_run(su->ss, &rq, 1);
    bool ours = rq.rc == QN_OK && strcmp(rq.etag, want) == 0;
    qn__s3_request_release(&rq);
    return ours;
}

static int complete(struct s3_upload *su, struct qn_err *err)
{
    struct qn_buf xml;
    qn_buf_init(&xml, SIZE_MAX);
    qn_buf_put_z(&xml, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < su->parts.n; i++) {
        const char *etag = su->parts.p[i].etag;
        qn_buf_printf(&xml, "<Part><PartNumber>%zu</PartNumber><ETag>", i + 1);
        for (; *etag != '\0'; etag++)
            if (*etag != '<' && *etag != '&') /* no ETag has them */
                qn_buf_put_u8(&xml, (uint8_t)*etag);
        qn_buf_put_z(&xml, "</ETag></Part>");
    }
    qn_buf_put_z(&xml, "</CompleteMultipartUpload>");
    struct s3_request rq = {
        .method = "POST", .key = su->key, .body = qn_buf_str(&xml), .late_errors = true};
    qn__s3_param(&rq, "uploadId", qn_str_of(su->id));
    qn__s3_run(su->ss, &rq, 1);
    int rc = rq.rc;
    if (rc == QN_E_NOT_FOUND)
        rc = rq.rc = rq.lost && is_ours(su) ? QN_OK : QN_E_UNAVAILABLE;
    if (rc < 0)
        qn__s3_error(su->ss, &rq, err);
    qn__s3_request_release(&rq);
    qn_buf_release(&xml);
    return rc;
}

static int upload_commit(struct qn_upload *up, struct qn_err *err)
{
    struct s3_upload *su = (struct s3_upload *)up;
    int rc = QN_OK;
    if (su->id == NULL && su->parts.n == 0) {
        struct qn_str all = qn_str_make(su->pending.n == 0 ? "" : su->pending.p, su->pending.n);
        rc = qn__s3_put(&su->ss->st, su->key, all, su->flags, err);
        free_upload(su);
        return rc;
    }
    if (su->pending.n != 0)
        rc = send_part(su);
    if (rc == QN_OK)
        rc = complete(su, &su->err);
    if (rc == QN_OK) {
        free_upload(su);
        return rc;
    }
    qn_fail(err, rc, "%s", su->err.msg);
    upload_abort(up);
    return rc;
}

static const struct qn_upload_ops s3_upload_ops = {upload_commit, upload_abort};

int qn__s3_begin(struct qn_storage *st, struct qn_str key, unsigned flags, struct qn_upload **out,
                 struct qn_err *err)
{
    (void)err;
    struct s3_upload *su = qn_xcalloc(1, sizeof *su);
    su->up.sink.write = upload_write;
    su->up.ops = &s3_upload_ops;
    su->ss = (struct s3_storage *)st; /* the upload's reference keeps it */
    su->key = (struct qn_str){qn_xstrndup(key.p, key.n), key.n};
    su->flags = flags;
    qn_buf_init(&su->pending, SIZE_MAX);
    qn_buf_init(&su->digests, SIZE_MAX);
    *out = &su->up;
    return QN_OK;
}
