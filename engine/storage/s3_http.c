/* Requests to the server: built, signed, sent, judged, tried again.
 *
 * A lane is a curl_multi with its connections and a few easy handles; a caller has one to himself
 * while his requests run, then puts it back on top of the idle ones, so that warm connections are
 * used first. One request and many take the same path. */
#define OPENSSL_SUPPRESS_DEPRECATED /* MD5 is not used against anybody: it checks bodies */
#include <curl/curl.h>
#include <openssl/md5.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "s3_int.h"
#include "s3_xml_int.h"

#define LANE_WIDTH 8
#define MAX_PAUSE_MS 5000
#define MAX_ANSWER (16u << 20)
#define SIGNED_HEADERS 10

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    struct qn_buf url;
    struct s3_request *rq; /* NULL: free */
};

struct s3_lane {
    struct s3_lane *next;
    CURLM *multi;
    struct transfer transfers[LANE_WIDTH];
    struct qn_random random;
};

/* --- digests --- */

void qn__s3_md5_hex(char out[QN_S3_MD5_HEX], struct qn_str bytes)
{
    unsigned char digest[MD5_DIGEST_LENGTH];
    MD5((const unsigned char *)(bytes.n == 0 ? "" : bytes.p), bytes.n, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void md5_base64(char out[25], struct qn_str bytes)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char d[18] = {0};
    MD5((const unsigned char *)(bytes.n == 0 ? "" : bytes.p), bytes.n, d);
    for (size_t i = 0, o = 0; i < 18; i += 3) {
        unsigned v = (unsigned)d[i] << 16 | (unsigned)d[i + 1] << 8 | d[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            out[o++] = alphabet[v >> shift & 63];
    }
    out[22] = out[23] = '='; /* 16 bytes end in the middle of a group */
    out[24] = '\0';
}

static struct qn_str unquoted(const char *etag)
{
    struct qn_str s = qn_str_of(etag);
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = qn_str_make(s.p + 1, s.n - 2);
    return s;
}

bool qn__s3_etag_is(const char *etag, const char md5[QN_S3_MD5_HEX])
{
    return qn_str_eq_nocase(unquoted(etag), qn_str_of(md5));
}

static bool etag_looks_like_md5(const char *etag)
{
    struct qn_str s = unquoted(etag);
    for (size_t i = 0; i < s.n; i++)
        if (strchr("0123456789abcdefABCDEF", s.p[i]) == NULL)
            return false;
    return s.n == 32;
}

/* --- building --- */

void qn__s3_param(struct s3_request *rq, const char *name, struct qn_str value)
{
    QN_ASSERT(rq->n_params < sizeof rq->params / sizeof *rq->params);
    rq->params[rq->n_params++] = (struct qn_sigv4_pair){qn_str_of(name), value};
}

void qn__s3_header(struct s3_request *rq, const char *name, struct qn_str value)
{
    QN_ASSERT(rq->n_headers < sizeof rq->headers / sizeof *rq->headers);
    rq->headers[rq->n_headers++] = (struct qn_sigv4_pair){qn_str_of(name), value};
}

static void add_header(struct transfer *tr, struct qn_buf *line, struct qn_str name,
                       struct qn_str value)
{
    qn_buf_clear(line);
    qn_buf_put_str(line, name);
    qn_buf_put_z(line, ": ");
    qn_buf_put_str(line, value);
    qn_buf_put_u8(line, '\0');
    struct curl_slist *more = curl_slist_append(tr->headers, line->p);
    QN_ASSERT(more != NULL);
    tr->headers = more;
}

/* All headers of a request, with the signature over them. */
static void put_headers(const struct s3_storage *ss, struct transfer *tr, struct qn_str path,
                        struct qn_str query)
{
    const struct s3_request *rq = tr->rq;
    struct qn_sigv4_pair hs[SIGNED_HEADERS];
    size_t n = 0;
    char date[QN_SIGV4_DATE], hash[QN_SIGV4_HEX], md5[25];
    struct qn_buf line, authorization;
    qn_buf_init(&line, SIZE_MAX);
    qn_buf_init(&authorization, SIZE_MAX);
    qn_sigv4_date(date, qn_wall_ns(qn_clock_system()) / 1000000000);
    qn_sigv4_sha256(hash, rq->body.p != NULL ? rq->body : QN_STR(""));
    hs[n++] = (struct qn_sigv4_pair){QN_STR("host"), ss->host};
    hs[n++] = (struct qn_sigv4_pair){QN_STR("x-amz-content-sha256"), qn_str_of(hash)};
    hs[n++] = (struct qn_sigv4_pair){QN_STR("x-amz-date"), qn_str_of(date)};
    if (ss->opt.session_token.n != 0)
        hs[n++] = (struct qn_sigv4_pair){QN_STR("x-amz-security-token"), ss->opt.session_token};
    if (rq->body.p != NULL) {
        md5_base64(md5, rq->body);
        hs[n++] = (struct qn_sigv4_pair){QN_STR("content-md5"), qn_str_of(md5)};
    }
    for (size_t i = 0; i < rq->n_headers; i++)
        hs[n++] = rq->headers[i];
    QN_ASSERT(n <= SIGNED_HEADERS);
    struct qn_sigv4_request sg = {.access_key = ss->opt.access_key,
                                  .secret_key = ss->opt.secret_key,
                                  .region = ss->opt.region,
                                  .service = QN_STR("s3"),
                                  .method = qn_str_of(rq->method),
                                  .path = path,
                                  .query = query,
                                  .payload_hash = qn_str_of(hash),
                                  .date = date,
                                  .headers = hs,
                                  .n_headers = n};
    if (ss->opt.access_key.n != 0) {
        qn_sigv4_sign(&authorization, &sg);
        add_header(tr, &line, QN_STR("Authorization"), qn_buf_str(&authorization));
    }
    for (size_t i = 0; i < n; i++)
        add_header(tr, &line, hs[i].name, hs[i].value);
    if (rq->body.p != NULL)
        add_header(tr, &line, QN_STR("Content-Type"), QN_STR("application/octet-stream"));
    struct curl_slist *more = curl_slist_append(tr->headers, "Expect:"); /* not sent, not signed */
    QN_ASSERT(more != NULL);
    tr->headers = more;
    qn_buf_release(&authorization);
    qn_buf_release(&line);
}

/* --- the answer arrives --- */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct s3_request *rq = arg;
    n *= size;
    if (rq->into == NULL || rq->status / 100 != 2) {
        qn_buf_put(&rq->body_in, p, n);
        return rq->body_in.failed ? 0 : n;
    }
    if (n > rq->want - rq->got)
        return 0; /* more than was asked for: ends as CURLE_WRITE_ERROR */
    memcpy(rq->into + rq->got, p, n);
    rq->got += n;
    return n;
}

static void read_range_total(struct s3_request *rq, struct qn_str value)
{
    /* "bytes 0-9/443" */
    struct qn_str range, total = value;
    uint64_t first, v;
    if (!qn_str_starts(value, QN_STR("bytes ")))
        return;
    total = qn_str_from(value, 6);
    if (!qn_str_split(&total, '/', &range) || total.p == NULL)
        return;
    size_t dash = qn_str_find_byte(range, '-');
    if (dash == SIZE_MAX || qn_str_to_u64(qn_str_first(range, dash), &first) < 0 ||
        first != rq->offset || qn_str_to_u64(total, &v) < 0)
        return;
    rq->total_bytes = v;
}

static size_t on_header(char *p, size_t size, size_t n, void *arg)
{
    struct s3_request *rq = arg;
    struct qn_str line = qn_str_make(p, n * size), name;
    if (qn_str_starts(line, QN_STR("HTTP/"))) { /* a new answer: an earlier one was a 100 */
        size_t blank = qn_str_find_byte(line, ' ');
        uint64_t status = 0;
        if (blank == SIZE_MAX ||
            qn_str_to_u64(qn_str_first(qn_str_from(line, blank + 1), 3), &status) < 0)
            status = 0;
        rq->status = (long)status;
        return n * size;
    }
    struct qn_str value = line;
    if (!qn_str_split(&value, ':', &name) || value.p == NULL)
        return n * size;
    value = qn_str_trim(value);
    if (qn_str_eq_nocase(name, QN_STR("etag")) && value.n < QN_S3_ETAG) {
        memcpy(rq->etag, value.p, value.n);
        rq->etag[value.n] = '\0';
    } else if (qn_str_eq_nocase(name, QN_STR("content-range"))) {
        read_range_total(rq, value);
    } else if (qn_str_eq_nocase(name, QN_STR("content-length")) && rq->into == NULL) {
        if (qn_str_to_u64(value, &rq->total_bytes) < 0)
            rq->total_bytes = QN_SIZE_UNKNOWN;
    } else if (qn_str_eq_nocase(name, QN_STR("x-amz-server-side-encryption"))) {
        rq->etag_is_no_md5 = !qn_str_is(value, "AES256");
    } else if (qn_str_eq_nocase(name, QN_STR("x-amz-server-side-encryption-customer-algorithm"))) {
        rq->etag_is_no_md5 = true;
    }
    return n * size;
}

/* --- one attempt --- */

static void set_method(CURL *easy, const struct s3_request *rq)
{
    if (strcmp(rq->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (rq->body.p != NULL) { /* from memory, so that libcurl can send it again */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)rq->body.n);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, rq->body.p);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, rq->method);
    } else if (strcmp(rq->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, rq->method);
    }
}

static void set_options(const struct s3_storage *ss, struct transfer *tr, long timeout_ms)
{
    CURL *easy = tr->easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, tr->url.p);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FILETIME, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, tr->headers);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ss->opt.connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)ss->opt.stall_timeout_s);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, tr->rq);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, tr->rq);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, tr);
    if (ss->opt.ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, ss->opt.ca_file);
    set_method(easy, tr->rq);
}

static void start(struct s3_storage *ss, struct s3_lane *lane, struct transfer *tr,
                  struct s3_request *rq, qn_usec now)
{
    struct qn_buf path, query, raw;
    qn_buf_init(&path, SIZE_MAX);
    qn_buf_init(&query, SIZE_MAX);
    qn_buf_init(&raw, SIZE_MAX);
    qn_buf_put_str(&raw, ss->base_path);
    if (rq->key.p != NULL) {
        qn_buf_put_u8(&raw, '/');
        qn_buf_put_str(&raw, ss->opt.prefix);
        qn_buf_put_str(&raw, rq->key);
    } else if (raw.n == 0) {
        qn_buf_put_u8(&raw, '/');
    }
    qn_sigv4_path(&path, qn_buf_str(&raw));
    qn_sigv4_query(&query, rq->params, rq->n_params);
    tr->rq = rq;
    qn_buf_clear(&tr->url);
    qn_buf_put_str(&tr->url, ss->scheme_host);
    qn_buf_put_str(&tr->url, qn_buf_str(&path));
    if (query.n != 0) {
        qn_buf_put_u8(&tr->url, '?');
        qn_buf_put_str(&tr->url, qn_buf_str(&query));
    }
    qn_buf_put_u8(&tr->url, '\0');
    put_headers(ss, tr, qn_buf_str(&path), qn_buf_str(&query));
    rq->attempts++;
    rq->running = true;
    rq->status = 0;
    rq->got = 0;
    rq->total_bytes = QN_SIZE_UNKNOWN;
    rq->etag[0] = rq->code[0] = rq->message[0] = '\0';
    rq->etag_is_no_md5 = false;
    qn_buf_clear(&rq->body_in);
    uint64_t spent_ms = (now - rq->start_us) / 1000;
    uint64_t limit_ms = ss->opt.request_timeout_ms;
    set_options(ss, tr, spent_ms + 1 < limit_ms ? (long)(limit_ms - spent_ms) : 1);
    QN_ASSERT(curl_multi_add_handle(lane->multi, tr->easy) == CURLM_OK);
    qn_buf_release(&raw);
    qn_buf_release(&query);
    qn_buf_release(&path);
}

/* --- the verdict --- */

static void copy_text(char *out, size_t size, struct qn_str text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n && n + 1 < size; i++)
        out[n++] = (unsigned char)text.p[i] < 0x20 ? ' ' : text.p[i];
    out[n] = '\0';
}

static int on_error_element(void *arg, struct qn_str parent, struct qn_str name, struct qn_str text)
{
    struct s3_request *rq = arg;
    if (!qn_str_is(parent, "Error") || text.p == NULL)
        return QN_OK;
    if (qn_str_is(name, "Code"))
        copy_text(rq->code, sizeof rq->code, text);
    else if (qn_str_is(name, "Message"))
        copy_text(rq->message, sizeof rq->message, text);
    return QN_OK;
}

/* The server's code and words, when its answer has them. */
static void read_error(struct s3_request *rq)
{
    if (qn__s3_xml_read(qn_buf_str(&rq->body_in), on_error_element, rq) < 0 && rq->code[0] == '\0')
        rq->message[0] = '\0';
}

static bool code_is_one_of(const struct s3_request *rq, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(rq->code, *codes) == 0)
            return true;
    return false;
}

static int rc_of_status(const struct s3_request *rq)
{
    static const char *const again[] = {"RequestTimeout",
                                        "BadDigest",
                                        "IncompleteBody",
                                        "SlowDown",
                                        "InternalError",
                                        "ServiceUnavailable",
                                        "OperationAborted",
                                        "Throttling",
                                        "RequestTimeTooSkewed",
                                        "ConditionalRequestConflict",
                                        "XAmzContentSHA256Mismatch",
                                        NULL};
    static const char *const full[] = {"QuotaExceeded", "EntityTooLarge", "InsufficientStorage",
                                       NULL};
    long s = rq->status;
    if (s == 500 || s == 502 || s == 503 || s == 504 || s == 429 || s == 408 ||
        code_is_one_of(rq, again))
        return QN_E_BUSY; /* inside this file: try again */
    if (strcmp(rq->code, "NoSuchBucket") == 0)
        return QN_E_UNAVAILABLE;
    if (s == 507 || code_is_one_of(rq, full))
        return QN_E_NO_SPACE;
    switch (s) {
    case 401:
    case 403:
        return QN_E_ACCESS;
    case 404:
        return QN_E_NOT_FOUND;
    case 412:
        return strcmp(rq->method, "GET") == 0 ? QN_E_CONFLICT : QN_E_EXISTS;
    case 416:
        return QN_E_TRUNCATED;
    case 501:
        return QN_E_UNSUPPORTED;
    default:
        return QN_E_IO;
    }
}

/* What a range must be: all of it, of an object as long as expected, and with the right MD5. */
static int judge_range(struct s3_request *rq)
{
    bool whole = rq->offset == 0 && rq->want == rq->object_bytes;
    if (rq->status == 200 && whole)
        rq->total_bytes = rq->got;
    if (rq->total_bytes != QN_SIZE_UNKNOWN && rq->total_bytes != rq->object_bytes) {
        snprintf(rq->message, sizeof rq->message, "has %llu bytes where %llu are expected",
                 (unsigned long long)rq->total_bytes, (unsigned long long)rq->object_bytes);
        return QN_E_CORRUPT;
    }
    if (rq->total_bytes == QN_SIZE_UNKNOWN || rq->got != rq->want) {
        snprintf(rq->message, sizeof rq->message, "the answer is not the range asked for");
        return QN_E_BUSY;
    }
    char md5[QN_S3_MD5_HEX];
    if (whole && !rq->etag_is_no_md5 && etag_looks_like_md5(rq->etag)) {
        qn__s3_md5_hex(md5, qn_str_make(rq->into, rq->got));
        if (!qn__s3_etag_is(rq->etag, md5)) {
            snprintf(rq->message, sizeof rq->message, "its bytes do not match its ETag");
            return QN_E_BUSY;
        }
    }
    return QN_OK;
}

static int judge(struct s3_request *rq, CURLcode code)
{
    if (code == CURLE_URL_MALFORMAT || code == CURLE_PEER_FAILED_VERIFICATION ||
        code == CURLE_SSL_CACERT_BADFILE || code == CURLE_UNSUPPORTED_PROTOCOL) {
        copy_text(rq->message, sizeof rq->message, qn_str_of(curl_easy_strerror(code)));
        return QN_E_IO;
    }
    if (code != CURLE_OK) {
        rq->lost = true;
        copy_text(rq->message, sizeof rq->message, qn_str_of(curl_easy_strerror(code)));
        return QN_E_BUSY;
    }
    if (rq->status / 100 == 2 && rq->into != NULL)
        return judge_range(rq);
    if (rq->status / 100 == 2 && !rq->late_errors)
        return QN_OK;
    read_error(rq);
    if (rq->status / 100 == 2)
        return rq->code[0] == '\0' ? QN_OK : rc_of_status(rq);
    if (rq->status >= 500 && rq->status != 501)
        rq->lost = true;
    return rc_of_status(rq);
}

static void finish(struct s3_storage *ss, struct s3_lane *lane, struct transfer *tr, CURLcode code)
{
    struct s3_request *rq = tr->rq;
    curl_off_t filetime = -1;
    curl_easy_getinfo(tr->easy, CURLINFO_FILETIME_T, &filetime);
    rq->mtime_ns = filetime > 0 ? (int64_t)filetime * 1000000000 : 0;
    curl_multi_remove_handle(lane->multi, tr->easy);
    curl_slist_free_all(tr->headers);
    tr->headers = NULL;
    tr->rq = NULL;
    rq->running = false;
    rq->rc = judge(rq, code);
    qn_usec now = qn_now_us();
    rq->us = now - rq->start_us;
    if (rq->rc != QN_E_BUSY) {
        rq->done = true;
        return;
    }
    uint64_t pause_ms = (uint64_t)ss->opt.backoff_ms << (rq->attempts < 16 ? rq->attempts - 1 : 15);
    if (pause_ms > MAX_PAUSE_MS)
        pause_ms = MAX_PAUSE_MS;
    rq->next_us = now + qn_random_below(&lane->random, pause_ms * 1000 + 1);
    if (rq->attempts >= ss->opt.max_attempts ||
        rq->next_us - rq->start_us >= (uint64_t)ss->opt.request_timeout_ms * 1000) {
        bool wrong =
            rq->status / 100 == 2 && rq->into != NULL && rq->got == rq->want && code == CURLE_OK;
        rq->rc = wrong ? QN_E_CORRUPT : QN_E_UNAVAILABLE;
        rq->done = true;
    }
}

/* --- lanes --- */

static struct s3_lane *lane_new(void)
{
    struct s3_lane *lane = qn_xcalloc(1, sizeof *lane);
    lane->multi = curl_multi_init();
    QN_ASSERT(lane->multi != NULL);
    qn_random_init(&lane->random);
    for (size_t i = 0; i < LANE_WIDTH; i++)
        qn_buf_init(&lane->transfers[i].url, SIZE_MAX);
    return lane;
}

static void lane_free(struct s3_lane *lane)
{
    for (size_t i = 0; i < LANE_WIDTH; i++) {
        curl_easy_cleanup(lane->transfers[i].easy); /* NULL is fine */
        qn_buf_release(&lane->transfers[i].url);
    }
    curl_multi_cleanup(lane->multi);
    free(lane);
}

void qn__s3_lanes_free(struct s3_storage *ss)
{
    while (ss->idle != NULL) {
        struct s3_lane *lane = ss->idle;
        ss->idle = lane->next;
        lane_free(lane);
    }
}

/* A lane, and the right to have *width (at most what was wanted, at least one) requests running. */
static struct s3_lane *lane_take(struct s3_storage *ss, size_t *width)
{
    qn_mutex_lock(&ss->lock);
    while (ss->in_flight >= ss->opt.max_requests)
        qn_cond_wait(&ss->freed, &ss->lock);
    size_t room = ss->opt.max_requests - ss->in_flight;
    if (*width > room)
        *width = room;
    ss->in_flight += (unsigned)*width;
    struct s3_lane *lane = ss->idle;
    if (lane != NULL)
        ss->idle = lane->next;
    qn_mutex_unlock(&ss->lock);
    return lane != NULL ? lane : lane_new();
}

static void lane_put(struct s3_storage *ss, struct s3_lane *lane, size_t width)
{
    qn_mutex_lock(&ss->lock);
    ss->in_flight -= (unsigned)width;
    lane->next = ss->idle;
    ss->idle = lane;
    qn_cond_broadcast(&ss->freed);
    qn_mutex_unlock(&ss->lock);
}

/* Starts what may start. Returns the time until the next request that waits may, in ms. */
static int start_due(struct s3_storage *ss, struct s3_lane *lane, size_t width,
                     struct s3_request *rqs, size_t n)
{
    qn_usec now = qn_now_us();
    uint64_t wait_ms = 1000;
    size_t slot = 0;
    for (size_t i = 0; i < n; i++) {
        struct s3_request *rq = &rqs[i];
        if (rq->done || rq->running)
            continue;
        if (rq->next_us > now) {
            uint64_t ms = (rq->next_us - now + 999) / 1000;
            wait_ms = ms < wait_ms ? ms : wait_ms;
            continue;
        }
        while (slot < width && lane->transfers[slot].rq != NULL)
            slot++;
        if (slot == width)
            break;
        struct transfer *tr = &lane->transfers[slot];
        if (tr->easy == NULL)
            tr->easy = curl_easy_init();
        QN_ASSERT(tr->easy != NULL);
        start(ss, lane, tr, rq, now);
    }
    return (int)wait_ms;
}

void qn__s3_run(struct s3_storage *ss, struct s3_request *rqs, size_t n)
{
    size_t width = n < LANE_WIDTH ? n : LANE_WIDTH, left = n;
    if (n == 0)
        return;
    struct s3_lane *lane = lane_take(ss, &width);
    qn_usec now = qn_now_us();
    for (size_t i = 0; i < n; i++) {
        rqs[i].start_us = rqs[i].next_us = now;
        qn_buf_init(&rqs[i].body_in, MAX_ANSWER);
    }
    while (left != 0) {
        int wait_ms = start_due(ss, lane, width, rqs, n), running = 0, queued = 0;
        QN_ASSERT(curl_multi_perform(lane->multi, &running) == CURLM_OK);
        bool news = false;
        for (CURLMsg *msg; (msg = curl_multi_info_read(lane->multi, &queued)) != NULL;) {
            struct transfer *tr = NULL;
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&tr);
            struct s3_request *rq = tr->rq;
            finish(ss, lane, tr, msg->data.result);
            left -= rq->done;
            news = true;
        }
        if (!news)
            curl_multi_poll(lane->multi, NULL, 0, wait_ms, NULL);
    }
    lane_put(ss, lane, width);
}

void qn__s3_request_release(struct s3_request *rq)
{
    qn_buf_release(&rq->body_in);
}

int qn__s3_error(const struct s3_storage *ss, const struct s3_request *rq, struct qn_err *err)
{
    const char *words = rq->message[0] != '\0' ? rq->message : qn_err_text(rq->rc);
    char status[32] = "no answer";
    if (rq->status != 0)
        snprintf(status, sizeof status, "status %ld", rq->status);
    struct qn_str key = qn_str_first(rq->key, 100);
    (void)ss; /* the storage's URI, with the bucket, is put in front by storage.c */
    return qn_fail(err, rq->rc, QN_STR_FMT "%s%s%s%s: %s%s", QN_STR_ARG(key),
                   key.n != 0 ? ": " : "", status, rq->code[0] != '\0' ? " " : "", rq->code, words,
                   rq->attempts > 1 ? " (tried again)" : "");
}
