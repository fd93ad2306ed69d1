/* Storage in a bucket of an S3 server: AWS, Ceph, MinIO, Garage, R2, swift.
 *
 *     s3://bucket/prefix?endpoint=http://127.0.0.1:9000&region=us-east-1&addressing=path
 *     s3.c, s3_upload.c    operations of the storage      s3_object.c   ranged reads, prefetch
 *     s3_http.c            requests: sign, send, judge, retry            s3_xml.c   answers
 *     s3_creds.c           where the keys come from
 *
 * libcurl carries the requests; we sign them ourselves (storage/sigv4.h). libs3, which Debian has,
 * knows only signature version 2, which AWS has ended. libcurl's own signer is wrong in Debian 12
 * (7.88): it signs headers that it then does not send, does not sort the query, and forgets
 * x-amz-content-sha256; in later versions it refuses CURLOPT_PATH_AS_IS, which keys need.
 *
 * A request is tried again, after a pause that doubles and is drawn at random, when the server says
 * so (500, 502, 503 SlowDown, 504, 429), when the connection fails or stalls, and when the answer
 * is not whole; until max_attempts or the deadline. All requests can be repeated without harm: a
 * conditional put or a completed upload whose answer was lost is recognised by its ETag.
 *
 * Checks: requests with a body carry its SHA-256 (signed) and MD5, which the server compares; a
 * read must bring exactly the range asked for, of an object that has still the same ETag and size
 * (QN_E_CONFLICT otherwise: unlike local files, a bucket does not keep what was replaced); a read
 * of a whole object is compared with the MD5 in its ETag, where that is one. Other ranges are for
 * the reader to verify: all formats of the engine carry checksums.
 *
 * QN_PUT_IF_ABSENT is tried out once, with two conditional puts of an object that is deleted again:
 * servers that answer 501, or that ignore the condition, do not have it. It is offered for up to
 * QN_S3_ATOMIC_MAX bytes, as one request.
 *
 * Errors: QN_E_ACCESS (403), QN_E_UNAVAILABLE (after the last try; also when the bucket itself is
 * gone, so that no key of it seems deleted), QN_E_TIMEOUT never: a deadline is UNAVAILABLE. The
 * message has bucket, key, status and the server's own code and words.
 *
 * The concurrency limit counts requests in flight of one storage; further callers wait. Requests
 * run on the calling thread; there are no threads here. @thread any */
#ifndef QN_STORAGE_S3_H
#define QN_STORAGE_S3_H

#include "storage/storage.h"

#define QN_S3_ATOMIC_MAX (64ull << 20)
#define QN_S3_PART_MIN (5ull << 20) /* what S3 demands of all parts but the last */

enum qn_s3_addressing {
    QN_S3_ADDRESSING_AUTO, /* virtual host on AWS, path everywhere else */
    QN_S3_ADDRESSING_PATH, /* endpoint/bucket/key */
    QN_S3_ADDRESSING_HOST, /* bucket.endpoint/key */
};

/* Zero or empty: the default in brackets. All strings are copied. */
struct qn_s3_options {
    struct qn_str bucket;   /* needed */
    struct qn_str prefix;   /* put before all keys, with a '/' added at its end [none] */
    struct qn_str endpoint; /* "https://host:port" [AWS's, of the region] */
    struct qn_str region;   /* [us-east-1] */
    enum qn_s3_addressing addressing;
    struct qn_str access_key, secret_key; /* [none: requests are not signed] */
    struct qn_str session_token;
    unsigned max_requests;       /* in flight at once [16] */
    unsigned max_attempts;       /* of a request [5] */
    unsigned request_timeout_ms; /* all attempts of one request together [60000] */
    unsigned connect_timeout_ms; /* [5000] */
    unsigned stall_timeout_s;    /* less than 1 KiB/s for so long ends an attempt [10] */
    unsigned backoff_ms;         /* the longest first pause [100]; at most 5 s later */
    uint64_t part_bytes;         /* of uploads, at least QN_S3_PART_MIN [8 MiB] */
    const char *ca_file;         /* [the system's] */
};

/* Gives *out. Sends nothing. `fs` reads the files of put_file and must outlive the storage. */
QN_MUST_CHECK int qn_storage_open_s3(struct qn_storage **out, const struct qn_s3_options *opt,
                                     struct qn_fs *fs, struct qn_err *err);

/* Options from a URI, and what it leaves open from a source of variables: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, else the profile AWS_PROFILE [default] of the file
 * AWS_SHARED_CREDENTIALS_FILE [~/.aws/credentials]; AWS_REGION, AWS_DEFAULT_REGION,
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL. `env` returns NULL for what is not set. The strings are
 * put into ar. */
typedef const char *(*qn_s3_env_fn)(void *arg, const char *name);
QN_MUST_CHECK int qn_s3_options_from_uri(struct qn_s3_options *opt, struct qn_str uri,
                                         qn_s3_env_fn env, void *env_arg, struct qn_fs *fs,
                                         struct qn_arena *ar, struct qn_err *err);

#endif
