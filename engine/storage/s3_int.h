/* The parts of the S3 driver: requests and how they are run. */
#ifndef QN_STORAGE_S3_INT_H
#define QN_STORAGE_S3_INT_H

#include "os/random.h"
#include "os/thread.h"
#include "storage/s3.h"
#include "storage/sigv4.h"
#include "storage_int.h"

#define QN_S3_ETAG 96
#define QN_S3_MD5_HEX 33

/* One request and its answer; zero-initialise and fill the first part. All of it is borrowed. */
struct s3_request {
    const char *method;
    struct qn_str key; /* without the prefix; p == NULL: the bucket itself */
    struct qn_sigv4_pair params[4];
    size_t n_params;
    struct qn_sigv4_pair headers[5]; /* lower case; content-md5 and the rest are added */
    size_t n_headers;
    struct qn_str body; /* p != NULL: sent, with its MD5 */
    uint8_t *into;      /* where the bytes of a range go, exactly `want` of them */
    uint64_t offset;
    size_t want;
    uint64_t object_bytes; /* for ranges: what the object must have */
    bool late_errors;      /* status 200 may carry an error in its body */

    /* --- the answer --- */
    int rc;      /* 0, or QN_E_* after the last attempt */
    long status; /* 0: none came */
    struct qn_buf body_in;
    size_t got;
    uint64_t total_bytes; /* Content-Range's, else Content-Length; QN_SIZE_UNKNOWN */
    int64_t mtime_ns;
    char etag[QN_S3_ETAG]; /* with its quotes */
    bool etag_is_no_md5;   /* encrypted by a key of the server's user */
    char code[64];         /* the server's, or "" */
    char message[160];
    uint64_t us; /* from start to end */
    bool lost;   /* an attempt without a clear answer came before */

    /* --- while it runs --- */
    unsigned attempts;
    qn_usec start_us, next_us;
    bool running, done;
};

struct s3_lane;

struct s3_storage {
    struct qn_storage st; /* first member */
    struct qn_fs *fs;
    struct qn_arena ar; /* the strings */
    struct qn_s3_options opt;
    struct qn_str scheme_host; /* "https://host:port" */
    struct qn_str host;        /* as signed: without a default port */
    struct qn_str base_path;   /* before the key: "/bucket", "" */
    _Atomic int conditional;   /* puts: 0 not known, 1 yes, -1 no */
    struct qn_mutex lock;
    struct qn_cond freed;
    unsigned in_flight;
    struct s3_lane *idle;
};

/* s3_http.c */

/* Runs all of them, side by side; each rq->rc is set. */
void qn__s3_run(struct s3_storage *ss, struct s3_request *rqs, size_t n);
void qn__s3_request_release(struct s3_request *rq);
/* Fills err with bucket, key, status and the server's words; returns rq->rc. */
int qn__s3_error(const struct s3_storage *ss, const struct s3_request *rq, struct qn_err *err);
void qn__s3_lanes_free(struct s3_storage *ss);
/* Adds one; the value is borrowed. */
void qn__s3_param(struct s3_request *rq, const char *name, struct qn_str value);
void qn__s3_header(struct s3_request *rq, const char *name, struct qn_str value);
void qn__s3_md5_hex(char out[QN_S3_MD5_HEX], struct qn_str bytes);
/* The ETag is the MD5 (32 hex digits) of something. */
bool qn__s3_etag_is(const char *etag, const char md5[QN_S3_MD5_HEX]);

/* s3_object.c; etag may be "". */
struct qn_object *qn__s3_object(struct s3_storage *ss, struct qn_str key, uint64_t size_bytes,
                                const char *etag);

/* s3_upload.c */
int qn__s3_begin(struct qn_storage *st, struct qn_str key, unsigned flags, struct qn_upload **out,
                 struct qn_err *err);
/* s3.c */
int qn__s3_put(struct qn_storage *st, struct qn_str key, struct qn_str bytes, unsigned flags,
               struct qn_err *err);

#endif
