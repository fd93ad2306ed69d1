/* The storage operations, each a request or a few. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "s3_int.h"
#include "s3_xml_int.h"

#define LIST_PAGE 1000
#define DELETE_PAGE 1000

enum { CONDITIONAL_UNKNOWN = 0, CONDITIONAL_YES = 1, CONDITIONAL_NO = -1 };

static struct s3_storage *self(struct qn_storage *st)
{
    return (struct s3_storage *)st;
}

/* Runs one request whose answer has nothing but its status. */
static int run(struct s3_storage *ss, struct s3_request *rq, struct qn_err *err)
{
    qn__s3_run(ss, rq, 1);
    if (rq->rc < 0)
        qn__s3_error(ss, rq, err);
    qn__s3_request_release(rq);
    return rq->rc;
}

/* The answer to HEAD has no body: "not found" may be the key or the bucket, and a bucket that is
 * gone must not look like deleted objects. */
static int head(struct s3_storage *ss, struct qn_str key, struct s3_request *rq, struct qn_err *err)
{
    *rq = (struct s3_request){.method = "HEAD", .key = key};
    qn__s3_run(ss, rq, 1);
    qn__s3_request_release(rq);
    if (rq->rc == QN_E_NOT_FOUND) {
        struct s3_request bucket = {.method = "HEAD"};
        qn__s3_run(ss, &bucket, 1);
        qn__s3_request_release(&bucket);
        if (bucket.rc == QN_E_NOT_FOUND) {
            rq->rc = QN_E_UNAVAILABLE;
            snprintf(rq->message, sizeof rq->message, "the bucket does not exist");
        }
    }
    if (rq->rc == QN_OK && rq->total_bytes == QN_SIZE_UNKNOWN)
        rq->rc = QN_E_IO; /* an answer without a length */
    return rq->rc < 0 ? qn__s3_error(ss, rq, err) : QN_OK;
}

static int s3_open(struct qn_storage *st, struct qn_str key, uint64_t size_bytes,
                   struct qn_object **out, struct qn_err *err)
{
    struct s3_request rq = {0};
    int rc = size_bytes == QN_SIZE_UNKNOWN ? head(self(st), key, &rq, err) : QN_OK;
    if (rc < 0)
        return rc;
    *out = qn__s3_object(self(st), key, size_bytes == QN_SIZE_UNKNOWN ? rq.total_bytes : size_bytes,
                         rq.etag);
    return QN_OK;
}

static int s3_head(struct qn_storage *st, struct qn_str key, struct qn_storage_info *out,
                   struct qn_err *err)
{
    struct s3_request rq;
    int rc = head(self(st), key, &rq, err);
    if (rc == QN_OK)
        *out = (struct qn_storage_info){.size_bytes = rq.total_bytes, .mtime_ns = rq.mtime_ns};
    return rc;
}

/* --- putting --- */

/* An earlier attempt's answer was lost and now the key is taken: by that attempt, when the object
 * has our MD5. (Whoever puts the same bytes at the same moment may be taken for us.) */
static bool put_is_ours(struct s3_storage *ss, struct qn_str key, struct qn_str bytes)
{
    struct s3_request rq;
    char md5[QN_S3_MD5_HEX];
    qn__s3_md5_hex(md5, bytes);
    return head(ss, key, &rq, NULL) == QN_OK && qn__s3_etag_is(rq.etag, md5);
}

static int put_conditional(struct s3_storage *ss, struct qn_str key, struct qn_str bytes,
                           struct qn_err *err)
{
    if (bytes.n > QN_S3_ATOMIC_MAX)
        return qn_fail(err, QN_E_TOO_LARGE,
                       QN_STR_FMT ": an object put only if absent has at most %llu bytes here",
                       QN_STR_ARG(key), QN_S3_ATOMIC_MAX);
    struct s3_request rq = {.method = "PUT", .key = key, .body = bytes};
    qn__s3_header(&rq, "if-none-match", QN_STR("*"));
    qn__s3_run(ss, &rq, 1);
    int rc = rq.rc;
    if (rc == QN_E_EXISTS && rq.lost && put_is_ours(ss, key, bytes))
        rc = QN_OK;
    if (rc == QN_E_UNSUPPORTED)
        atomic_store_explicit(&ss->conditional, CONDITIONAL_NO, memory_order_relaxed);
    if (rc < 0)
        qn__s3_error(ss, &rq, err);
    qn__s3_request_release(&rq);
    return rc;
}

int qn__s3_put(struct qn_storage *st, struct qn_str key, struct qn_str bytes, unsigned flags,
               struct qn_err *err)
{
    if (bytes.p == NULL)
        bytes = QN_STR("");
    if (flags & QN_PUT_IF_ABSENT)
        return put_conditional(self(st), key, bytes, err);
    struct s3_request rq = {.method = "PUT", .key = key, .body = bytes};
    return run(self(st), &rq, err);
}

/* Two puts of an object of our own: the second must be refused. Relaxed: the value is all there is
 * to see, and two threads that try at once find the same. */
static bool s3_can_put_if_absent(struct qn_storage *st)
{
    struct s3_storage *ss = self(st);
    int known = atomic_load_explicit(&ss->conditional, memory_order_relaxed);
    if (known != CONDITIONAL_UNKNOWN)
        return known == CONDITIONAL_YES;
    char name[48];
    uint64_t token[2];
    qn_random_bytes(token, sizeof token);
    int n = snprintf(name, sizeof name, ".qn-probe-%016llx", (unsigned long long)token[0]);
    struct qn_str key = qn_str_make(name, (size_t)n);
    struct qn_str mine = qn_str_make(token, sizeof token), other = QN_STR("other");
    int first = put_conditional(ss, key, mine, NULL);
    int second = first == QN_OK ? put_conditional(ss, key, other, NULL) : first;
    if (first == QN_OK) {
        struct s3_request rq = {.method = "DELETE", .key = key};
        if (run(ss, &rq, NULL) < 0)
            known = CONDITIONAL_UNKNOWN; /* an object of 16 bytes stays; keys cannot name it */
    }
    if (second == QN_E_EXISTS)
        known = CONDITIONAL_YES;
    else if (second == QN_OK || second == QN_E_UNSUPPORTED || second == QN_E_IO)
        known = CONDITIONAL_NO;
    atomic_store_explicit(&ss->conditional, known, memory_order_relaxed);
    return known == CONDITIONAL_YES;
}

static int s3_put_file(struct qn_storage *st, struct qn_str key, const char *path, unsigned flags,
                       uint64_t *bytes, struct qn_err *err)
{
    struct s3_storage *ss = self(st);
    struct qn_stat info;
    struct qn_upload *up = NULL;
    uint8_t *chunk = qn_xmalloc(1u << 20);
    int fd = qn_fs_open(ss->fs, path, QN_OPEN_READ, NULL);
    int rc = fd < 0 ? fd : qn_fs_fstat(ss->fs, fd, &info);
    if (rc == QN_OK)
        rc = qn__s3_begin(st, key, flags, &up, err);
    for (uint64_t at = 0; rc == QN_OK && at < info.size_bytes;) {
        uint64_t left = info.size_bytes - at;
        size_t n = left < 1u << 20 ? (size_t)left : 1u << 20;
        rc = qn_fs_read(ss->fs, fd, chunk, n, at);
        if (rc == QN_OK)
            qn_sink_put(&up->sink, chunk, n);
        if (rc == QN_OK)
            rc = qn_sink_failed(&up->sink);
        at += n;
    }
    if (rc == QN_OK)
        rc = up->ops->commit(up, err);
    else if (up != NULL)
        up->ops->abort(up);
    qn_fs_close(ss->fs, fd);
    free(chunk);
    if (rc == QN_OK && (flags & QN_PUT_MOVE))
        rc = qn_fs_unlink(ss->fs, path, err);
    if (rc < 0)
        return qn_fail(err, rc, QN_STR_FMT ": %s", QN_STR_ARG(key), qn_err_text(rc));
    *bytes = info.size_bytes;
    return QN_OK;
}

/* Servers do not know "copy if absent": it is read and put. */
static int copy_conditional(struct qn_storage *st, struct qn_str from, struct qn_str to,
                            uint64_t size_bytes, struct qn_err *err)
{
    struct qn_object *ob = NULL;
    struct qn_slice sl = {0};
    if (size_bytes > QN_S3_ATOMIC_MAX)
        return qn_fail(err, QN_E_TOO_LARGE,
                       QN_STR_FMT ": an object put only if absent has at most %llu bytes here",
                       QN_STR_ARG(to), QN_S3_ATOMIC_MAX);
    int rc = s3_open(st, from, size_bytes, &ob, err);
    if (rc == QN_OK)
        rc = qn_object_read(ob, 0, (size_t)size_bytes, &sl, err);
    if (rc == QN_OK)
        rc = put_conditional(self(st), to, qn_str_make(sl.p, sl.n), err);
    qn_slice_release(&sl);
    qn_object_unref(ob);
    return rc;
}

static int s3_copy(struct qn_storage *st, struct qn_str from, struct qn_str to, unsigned flags,
                   uint64_t *bytes, struct qn_err *err)
{
    struct s3_storage *ss = self(st);
    struct s3_request source;
    int rc = head(ss, from, &source, err);
    if (rc < 0)
        return rc;
    *bytes = source.total_bytes;
    if (flags & QN_PUT_IF_ABSENT)
        return copy_conditional(st, from, to, source.total_bytes, err);
    struct qn_buf raw, path;
    qn_buf_init(&raw, SIZE_MAX);
    qn_buf_init(&path, SIZE_MAX);
    qn_buf_put_u8(&raw, '/');
    qn_buf_put_str(&raw, ss->opt.bucket);
    qn_buf_put_u8(&raw, '/');
    qn_buf_put_str(&raw, ss->opt.prefix);
    qn_buf_put_str(&raw, from);
    qn_sigv4_path(&path, qn_buf_str(&raw));
    struct s3_request rq = {.method = "PUT", .key = to, .body = QN_STR(""), .late_errors = true};
    qn__s3_header(&rq, "x-amz-copy-source", qn_buf_str(&path));
    if (qn_str_eq(from, to)) /* refused unless it changes something */
        qn__s3_header(&rq, "x-amz-metadata-directive", QN_STR("REPLACE"));
    rc = run(ss, &rq, err);
    qn_buf_release(&path);
    qn_buf_release(&raw);
    return rc;
}

/* --- deleting --- */

struct fates {
    const struct s3_storage *ss;
    const struct qn_str *keys;
    int *rcs;
    size_t n;
    struct qn_str key; /* of the <Error> being read */
    char key_bytes[2048];
    struct s3_request refused; /* its code and message */
    int rc;
    struct qn_err *err;
};

static int rc_of_refusal(const char *code)
{
    if (strcmp(code, "NoSuchKey") == 0)
        return QN_OK;
    return strcmp(code, "AccessDenied") == 0 ? QN_E_ACCESS : QN_E_UNAVAILABLE;
}

static int on_fate(void *arg, struct qn_str parent, struct qn_str name, struct qn_str text)
{
    struct fates *fs = arg;
    if (qn_str_is(parent, "Error") && text.p != NULL) {
        bool key = qn_str_is(name, "Key");
        char *to = key                       ? fs->key_bytes
                   : qn_str_is(name, "Code") ? fs->refused.code
                                             : fs->refused.message;
        size_t room = key                       ? sizeof fs->key_bytes
                      : qn_str_is(name, "Code") ? sizeof fs->refused.code
                                                : sizeof fs->refused.message;
        if (!key && !qn_str_is(name, "Code") && !qn_str_is(name, "Message"))
            return QN_OK;
        text = qn_str_first(text, room - 1);
        memcpy(to, text.p, text.n);
        to[text.n] = '\0';
        return QN_OK;
    }
    if (!qn_str_is(name, "Error"))
        return QN_OK;
    struct qn_str key = qn_str_of(fs->key_bytes), prefix = fs->ss->opt.prefix;
    int rc = rc_of_refusal(fs->refused.code);
    for (size_t i = 0; i < fs->n && rc < 0; i++)
        if (qn_str_starts(key, prefix) && qn_str_eq(qn_str_from(key, prefix.n), fs->keys[i]))
            fs->rcs[i] = rc;
    if (rc < 0 && fs->rc == QN_OK)
        fs->rc =
            qn_fail(fs->err, rc, "%s: %s %s", fs->key_bytes, fs->refused.code, fs->refused.message);
    return QN_OK;
}

static void put_xml(struct qn_buf *out, struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '&' || c == '<' || c == '>')
            qn_buf_put_z(out, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
        else
            qn_buf_put_u8(out, (uint8_t)c);
    }
}

static int remove_batch(struct s3_storage *ss, const struct qn_str *keys, size_t n, int *rcs,
                        struct qn_err *err)
{
    struct qn_buf xml;
    qn_buf_init(&xml, SIZE_MAX);
    qn_buf_put_z(&xml, "<Delete><Quiet>true</Quiet>");
    for (size_t i = 0; i < n; i++) {
        qn_buf_put_z(&xml, "<Object><Key>");
        put_xml(&xml, ss->opt.prefix);
        put_xml(&xml, keys[i]);
        qn_buf_put_z(&xml, "</Key></Object>");
    }
    qn_buf_put_z(&xml, "</Delete>");
    struct s3_request rq = {.method = "POST", .body = qn_buf_str(&xml)};
    qn__s3_param(&rq, "delete", QN_STR(""));
    qn__s3_run(ss, &rq, 1);
    int rc = rq.rc;
    if (rc < 0)
        qn__s3_error(ss, &rq, err);
    for (size_t i = 0; i < n; i++)
        rcs[i] = rc;
    struct fates *fs = qn_xcalloc(1, sizeof *fs);
    *fs = (struct fates){.ss = ss, .keys = keys, .rcs = rcs, .n = n, .err = err};
    if (rc == QN_OK && rq.body_in.n != 0 &&
        qn__s3_xml_read(qn_buf_str(&rq.body_in), on_fate, fs) < 0)
        fs->rc = qn_fail(err, QN_E_IO, "the server's answer to a delete cannot be read");
    if (rc == QN_OK)
        rc = fs->rc;
    free(fs);
    qn__s3_request_release(&rq);
    qn_buf_release(&xml);
    return rc;
}

static int s3_remove(struct qn_storage *st, const struct qn_str *keys, size_t n, int *rcs,
                     struct qn_err *err)
{
    struct s3_storage *ss = self(st);
    if (n == 1) {
        struct s3_request rq = {.method = "DELETE", .key = keys[0]};
        qn__s3_run(ss, &rq, 1);
        if (rq.rc == QN_E_NOT_FOUND)
            rq.rc = QN_OK;
        if (rq.rc < 0)
            qn__s3_error(ss, &rq, err);
        qn__s3_request_release(&rq);
        return rcs[0] = rq.rc;
    }
    int first = QN_OK;
    for (size_t at = 0; at < n; at += DELETE_PAGE) {
        size_t page = n - at < DELETE_PAGE ? n - at : DELETE_PAGE;
        int rc = remove_batch(ss, keys + at, page, rcs + at, err);
        first = first < 0 ? first : rc;
    }
    return first;
}

/* --- listing --- */

struct page {
    const struct s3_storage *ss;
    struct qn_storage_listing *out;
    size_t max;
    struct qn_str prefix, after; /* as asked for: the server's may be shorter */
    struct qn_buf key;           /* of the <Contents> being read, with the prefix */
    struct qn_buf last;          /* of the page, whatever we think of it */
    uint64_t size_bytes;
    int64_t mtime_ns;
    bool truncated, root;
};

static int on_listed(void *arg, struct qn_str parent, struct qn_str name, struct qn_str text)
{
    struct page *pg = arg;
    if (qn_str_is(parent, "Contents") && text.p != NULL) {
        if (qn_str_is(name, "Key")) {
            qn_buf_clear(&pg->key);
            qn_buf_put_str(&pg->key, text);
        } else if (qn_str_is(name, "Size")) {
            return qn_str_to_u64(qn_str_trim(text), &pg->size_bytes) < 0 ? QN_E_PARSE : QN_OK;
        } else if (qn_str_is(name, "LastModified")) {
            if (qn_rfc3339_parse(qn_str_trim(text), &pg->mtime_ns) < 0)
                pg->mtime_ns = 0;
        }
        return QN_OK;
    }
    if (parent.n == 0)
        pg->root = qn_str_is(name, "ListBucketResult");
    if (qn_str_is(parent, "ListBucketResult") && qn_str_is(name, "IsTruncated"))
        pg->truncated = qn_str_is(qn_str_trim(text), "true");
    if (!qn_str_is(parent, "ListBucketResult") || !qn_str_is(name, "Contents"))
        return QN_OK;
    struct qn_str key = qn_buf_str(&pg->key);
    qn_buf_clear(&pg->last);
    qn_buf_put_str(&pg->last, key);
    if (!qn_str_starts(key, pg->ss->opt.prefix))
        return QN_E_PARSE;
    key = qn_str_from(key, pg->ss->opt.prefix.n);
    bool asked = qn_str_starts(key, pg->prefix) && qn_str_cmp(key, pg->after) > 0;
    /* folders that others made, and our probes, are not seen */
    if (asked && qn_storage_check_key(key, NULL) == QN_OK) {
        if (pg->out->entries.n == pg->max)
            pg->out->more = true;
        else
            qn__storage_list_add(pg->out, key, pg->size_bytes, pg->mtime_ns);
    }
    return QN_OK;
}

static int list_page(struct s3_storage *ss, struct qn_str prefix, struct page *pg,
                     struct qn_err *err)
{
    char max[24];
    struct s3_request rq = {.method = "GET"};
    size_t want = pg->max - pg->out->entries.n + 1; /* one more tells whether there is more */
    snprintf(max, sizeof max, "%zu", want < LIST_PAGE ? want : LIST_PAGE);
    struct qn_buf after;
    qn_buf_init(&after, SIZE_MAX);
    qn_buf_put_str(&after, qn_buf_str(&pg->last));
    qn__s3_param(&rq, "list-type", QN_STR("2"));
    qn__s3_param(&rq, "max-keys", qn_str_of(max));
    if (prefix.n != 0)
        qn__s3_param(&rq, "prefix", prefix);
    if (after.n != 0)
        qn__s3_param(&rq, "start-after", qn_buf_str(&after));
    qn__s3_run(ss, &rq, 1);
    int rc = rq.rc;
    pg->truncated = pg->root = false;
    if (rc < 0) {
        if (rc == QN_E_NOT_FOUND)
            rc = rq.rc = QN_E_UNAVAILABLE; /* the bucket */
        qn__s3_error(ss, &rq, err);
    } else if (qn__s3_xml_read(qn_buf_str(&rq.body_in), on_listed, pg) < 0 || !pg->root) {
        rc = qn_fail(err, QN_E_IO, "the server's list of keys cannot be read");
    } else if (pg->truncated && qn_str_eq(qn_buf_str(&pg->last), qn_buf_str(&after))) {
        rc = qn_fail(err, QN_E_IO, "the server's list of keys does not come to an end");
    }
    qn__s3_request_release(&rq);
    qn_buf_release(&after);
    return rc;
}

/* Servers want UTF-8: half a letter at the end is left to us. */
static struct qn_str valid_part(struct qn_str s)
{
    return qn_str_first(s, qn_utf8_invalid(s));
}

static int s3_list(struct qn_storage *st, struct qn_str prefix, struct qn_str after, size_t max,
                   struct qn_storage_listing *out, struct qn_err *err)
{
    struct s3_storage *ss = self(st);
    struct page pg = {.ss = ss, .out = out, .max = max, .prefix = prefix, .after = after};
    struct qn_buf full;
    qn_buf_init(&full, SIZE_MAX);
    qn_buf_init(&pg.key, SIZE_MAX);
    qn_buf_init(&pg.last, SIZE_MAX);
    qn_buf_put_str(&full, ss->opt.prefix);
    qn_buf_put_str(&full, valid_part(prefix));
    if (after.n != 0) {
        qn_buf_put_str(&pg.last, ss->opt.prefix);
        qn_buf_put_str(&pg.last, valid_part(after));
    }
    int rc;
    do
        rc = list_page(ss, qn_buf_str(&full), &pg, err);
    while (rc == QN_OK && pg.truncated && !out->more);
    qn_buf_release(&full);
    qn_buf_release(&pg.key);
    qn_buf_release(&pg.last);
    return rc;
}

/* --- opening --- */

static void s3_free(struct qn_storage *st)
{
    struct s3_storage *ss = self(st);
    qn__s3_lanes_free(ss);
    qn_cond_release(&ss->freed);
    qn_mutex_release(&ss->lock);
    qn_arena_release(&ss->ar);
    free(ss);
    curl_global_cleanup();
}

static const struct qn_storage_ops s3_ops = {
    .open = s3_open,
    .head = s3_head,
    .put = qn__s3_put,
    .put_file = s3_put_file,
    .copy = s3_copy,
    .remove = s3_remove,
    .list = s3_list,
    .begin = qn__s3_begin,
    .free = s3_free,
    .can_put_if_absent = s3_can_put_if_absent,
};

static int check_bucket(struct qn_str b, struct qn_err *err)
{
    bool ok = b.n >= 3 && b.n <= 63;
    for (size_t i = 0; i < b.n && ok; i++) {
        char c = b.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
             c == '.' || c == '_' || (c == '-' && i != 0);
    }
    return ok ? QN_OK
              : qn_fail(err, QN_E_INVALID,
                        "\"" QN_STR_FMT "\" is no name of a bucket: write s3://bucket/prefix",
                        QN_STR_ARG(qn_str_first(b, 80)));
}

static unsigned or_default(unsigned v, unsigned fallback)
{
    return v != 0 ? v : fallback;
}

/* Copies the options, with the defaults. */
static void set_defaults(struct s3_storage *ss, const struct qn_s3_options *opt)
{
    struct qn_s3_options *o = &ss->opt;
    *o = *opt;
    o->bucket = qn_arena_str(&ss->ar, opt->bucket);
    o->region = qn_arena_str(&ss->ar, opt->region.n != 0 ? opt->region : QN_STR("us-east-1"));
    o->access_key = qn_arena_str(&ss->ar, opt->access_key);
    o->secret_key = qn_arena_str(&ss->ar, opt->secret_key);
    o->session_token = qn_arena_str(&ss->ar, opt->session_token);
    if (opt->ca_file != NULL) {
        struct qn_str z = {opt->ca_file, strlen(opt->ca_file) + 1};
        o->ca_file = qn_arena_str(&ss->ar, z).p;
    }
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    struct qn_str prefix = opt->prefix;
    while (prefix.n != 0 && prefix.p[0] == '/')
        prefix = qn_str_from(prefix, 1);
    while (prefix.n != 0 && prefix.p[prefix.n - 1] == '/')
        prefix.n--;
    qn_buf_put_str(&text, prefix);
    if (prefix.n != 0)
        qn_buf_put_u8(&text, '/');
    o->prefix = qn_arena_str(&ss->ar, qn_buf_str(&text));
    qn_buf_release(&text);
    o->max_requests = or_default(opt->max_requests, 16);
    o->max_attempts = or_default(opt->max_attempts, 5);
    o->request_timeout_ms = or_default(opt->request_timeout_ms, 60000);
    o->connect_timeout_ms = or_default(opt->connect_timeout_ms, 5000);
    o->stall_timeout_s = or_default(opt->stall_timeout_s, 10);
    o->backoff_ms = or_default(opt->backoff_ms, 100);
    if (o->part_bytes == 0)
        o->part_bytes = 8u << 20;
    if (o->part_bytes < QN_S3_PART_MIN)
        o->part_bytes = QN_S3_PART_MIN;
}

/* Where requests go: scheme_host, host and base_path. */
static int set_address(struct s3_storage *ss, struct qn_err *err)
{
    struct qn_s3_options *o = &ss->opt;
    struct qn_buf text;
    bool aws = o->endpoint.n == 0;
    qn_buf_init(&text, SIZE_MAX);
    if (aws)
        qn_buf_printf(&text, "https://s3." QN_STR_FMT ".amazonaws.com", QN_STR_ARG(o->region));
    else
        qn_buf_put_str(&text, o->endpoint);
    struct qn_str all = qn_arena_str(&ss->ar, qn_buf_str(&text));
    qn_buf_clear(&text);
    o->endpoint = all;
    size_t colon = qn_str_find(all, QN_STR("://"));
    struct qn_str scheme = qn_str_first(all, colon == SIZE_MAX ? 0 : colon);
    struct qn_str host = colon == SIZE_MAX ? QN_STR("") : qn_str_from(all, colon + 3), path;
    size_t slash = qn_str_find_byte(host, '/');
    path = slash == SIZE_MAX ? QN_STR("") : qn_str_from(host, slash);
    host = qn_str_first(host, slash);
    while (path.n != 0 && path.p[path.n - 1] == '/')
        path.n--;
    bool tls = qn_str_is(scheme, "https"), fits = host.n != 0;
    for (size_t i = 0; i < all.n; i++)
        fits = fits && (unsigned char)all.p[i] > 0x20 && strchr("@?#\\\"\x7f", all.p[i]) == NULL;
    if ((!tls && !qn_str_is(scheme, "http")) || !fits) {
        qn_buf_release(&text);
        return qn_fail(err, QN_E_INVALID,
                       "S3 endpoint \"" QN_STR_FMT "\": write http://host:port or https://host",
                       QN_STR_ARG(qn_str_first(all, 100)));
    }
    bool dots = qn_str_find_byte(o->bucket, '.') != SIZE_MAX; /* no certificate covers them */
    bool virtual_host = o->addressing == QN_S3_ADDRESSING_HOST ||
                        (o->addressing == QN_S3_ADDRESSING_AUTO && aws && !dots);
    if (virtual_host)
        qn_buf_printf(&text, QN_STR_FMT ".", QN_STR_ARG(o->bucket));
    qn_buf_put_str(&text, host);
    struct qn_str full = qn_arena_str(&ss->ar, qn_buf_str(&text));
    qn_buf_clear(&text);
    qn_buf_printf(&text, QN_STR_FMT "://" QN_STR_FMT, QN_STR_ARG(scheme), QN_STR_ARG(full));
    ss->scheme_host = qn_arena_str(&ss->ar, qn_buf_str(&text));
    struct qn_str port = tls ? QN_STR(":443") : QN_STR(":80");
    ss->host = qn_str_ends(full, port) ? qn_str_first(full, full.n - port.n) : full;
    qn_buf_clear(&text);
    qn_buf_put_str(&text, path);
    if (!virtual_host)
        qn_buf_printf(&text, "/" QN_STR_FMT, QN_STR_ARG(o->bucket));
    ss->base_path = qn_arena_str(&ss->ar, qn_buf_str(&text));
    qn_buf_release(&text);
    return QN_OK;
}

int qn_storage_open_s3(struct qn_storage **out, const struct qn_s3_options *opt, struct qn_fs *fs,
                       struct qn_err *err)
{
    *out = NULL;
    int rc = check_bucket(opt->bucket, err);
    if (rc < 0)
        return rc;
    if ((opt->access_key.n != 0) != (opt->secret_key.n != 0))
        return qn_fail(err, QN_E_INVALID, "s3://" QN_STR_FMT ": %s is missing",
                       QN_STR_ARG(opt->bucket),
                       opt->access_key.n != 0 ? "the secret key" : "the access key");
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return qn_fail(err, QN_E_IO, "libcurl cannot start");
    struct s3_storage *ss = qn_xcalloc(1, sizeof *ss);
    struct qn_buf uri;
    qn_buf_init(&uri, SIZE_MAX);
    qn_arena_init(&ss->ar, NULL);
    qn_mutex_init(&ss->lock, QN_LOCK_STORAGE);
    qn_cond_init(&ss->freed);
    ss->fs = fs;
    set_defaults(ss, opt);
    qn_buf_printf(&uri, "s3://" QN_STR_FMT "/" QN_STR_FMT, QN_STR_ARG(ss->opt.bucket),
                  QN_STR_ARG(qn_str_first(ss->opt.prefix, 60)));
    qn__storage_init(&ss->st, &s3_ops, qn_xstrndup(uri.p, uri.n - 1)); /* no '/' at its end */
    qn_buf_release(&uri);
    rc = set_address(ss, err);
    if (rc < 0)
        qn_storage_unref(&ss->st);
    else
        *out = &ss->st;
    return rc;
}
