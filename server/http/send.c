#include "exchange_int.h"

/* From a finished answer to the library's response. */

#define PIECE_BYTES 32768 /* the library's buffer for streamed answers */

static bool contains(struct qn_str s, const char *part)
{
    return qn_str_find(s, qn_str_of(part)) != SIZE_MAX;
}

static bool is_compressible(const char *type)
{
    struct qn_str t = qn_str_of(type);
    if (qn_str_starts(t, QN_STR("text/event-stream")))
        return false;
    return qn_str_starts(t, QN_STR("text/")) || contains(t, "json") || contains(t, "javascript") ||
           contains(t, "yaml") || contains(t, "svg");
}

static const char *type_of(const struct qn_exchange *ex)
{
    if (ex->type != NULL)
        return ex->type;
    if (ex->rq.dialect == QN_DIALECT_ELASTIC)
        return qn_media_negotiate(ex->head.accept);
    return "application/json";
}

/* The coding the client prefers among those we offer; zstd when it does not care. */
static enum qn__coding choose_coding(struct qn_exchange *ex)
{
    for (size_t i = 0; i < ex->n_headers; i++)
        if (qn_str_eq_nocase(qn_str_of(ex->headers[i].name), QN_STR("Content-Encoding")))
            return CODING_IDENTITY; /* the handler's own */
    if (ex->head.accept_encoding.n == 0)
        return CODING_IDENTITY;
    int zstd = qn_accept_quality(ex->head.accept_encoding, "zstd");
    int gzip = qn_accept_quality(ex->head.accept_encoding, "gzip");
    if (zstd == 0 && gzip == 0)
        return CODING_IDENTITY;
    return zstd >= gzip ? CODING_ZSTD : CODING_GZIP;
}

static bool etag_matches(struct qn_str list, struct qn_str etag)
{
    struct qn_str part;
    while (list.p != NULL && qn_str_split(&list, ',', &part)) {
        part = qn_str_trim(part);
        if (qn_str_starts(part, QN_STR("W/")))
            part = qn_str_from(part, 2);
        if (qn_str_eq(part, etag) || qn_str_is(part, "*"))
            return true;
    }
    return false;
}

static void check_etag(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    if (ex->etag.n == 0 || rq->status != 200)
        return;
    qn_answer_header(rq, "ETag", ex->etag);
    if (!etag_matches(ex->head.etag, ex->etag))
        return;
    rq->status = 304;
    ex->borrowed = QN_STR_NONE;
    ex->produce = NULL;
    ex->type = "";
    qn_buf_clear(&rq->out);
}

static void compress(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    struct qn_str body = ex->borrowed.p != NULL ? ex->borrowed : qn_buf_str(&rq->out);
    if (body.n == 0 || body.n < ex->sv->opt.compress_min_bytes || !is_compressible(type_of(ex)))
        return;
    qn_answer_header(rq, "Vary", QN_STR("Accept-Encoding"));
    ex->coded = choose_coding(ex);
    if (ex->coded == CODING_IDENTITY)
        return;
    struct qn_buf small;
    qn_buf_init(&small, rq->out.max);
    qn__deflater_init(&ex->deflater, ex->coded);
    qn__deflate(&ex->deflater, body, true, &small);
    qn__deflater_release(&ex->deflater);
    ex->borrowed = QN_STR_NONE;
    qn_buf_release(&rq->out);
    rq->out = small;
}

/* Calls the producer until there is something to send, or nothing to come. */
static int produce(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    int rc = 0;
    while (rc == 0 && rq->out.n == 0) {
        if (qn_request_cancelled(rq))
            return qn_fail(&rq->err, QN_E_CANCELLED, "the client hung up");
        rc = ex->produce(rq, &rq->out);
    }
    if (rc >= 0 && rq->out.failed)
        rc = qn_fail(&rq->err, QN_E_BUDGET, "a piece of the answer is too large");
    return rc;
}

static enum qn__flow flow_of(int rc)
{
    if (rc < 0)
        return FLOW_FAILED;
    return rc == QN_END ? FLOW_ENDED : rc == QN_LATER ? FLOW_LATER : FLOW_READY;
}

/* What was produced becomes the piece to send. */
static void make_piece(struct qn_exchange *ex, bool last)
{
    struct qn_buf *out = &ex->rq.out;
    qn_buf_clear(&ex->piece);
    ex->piece_at = 0;
    if (ex->coded != CODING_IDENTITY) {
        qn__deflate(&ex->deflater, qn_buf_str(out), last, &ex->piece);
    } else {
        struct qn_buf empty = ex->piece;
        ex->piece = *out;
        *out = empty;
        out->max = ex->sv->opt.request_memory_bytes;
    }
    qn_buf_clear(out);
}

static void first_piece(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    if (rq->method == QN_HEAD)
        return;
    int rc = produce(ex);
    if (rc < 0) { /* nothing is sent yet: an ordinary error */
        ex->produce = NULL;
        qn_answer_error(rq, rc);
        compress(ex);
        return;
    }
    if (rc == QN_END) { /* short enough to be an ordinary answer */
        ex->produce = NULL;
        compress(ex);
        return;
    }
    if (is_compressible(type_of(ex))) {
        qn_answer_header(rq, "Vary", QN_STR("Accept-Encoding"));
        ex->coded = choose_coding(ex);
        if (ex->coded != CODING_IDENTITY)
            qn__deflater_init(&ex->deflater, ex->coded);
    }
    make_piece(ex, false);
    qn_mutex_lock(&ex->lock); /* the producer's owner may be waking it already */
    ex->flow = flow_of(rc);
    qn_mutex_unlock(&ex->lock);
}

void qn__send_prepare(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    if (rq->out.failed) {
        qn_fail(&rq->err, QN_E_BUDGET, "the answer is larger than %llu bytes",
                (unsigned long long)ex->sv->opt.request_memory_bytes);
        qn_answer_error(rq, QN_E_BUDGET);
    }
    check_etag(ex);
    if (ex->produce != NULL)
        first_piece(ex);
    else
        compress(ex);
}

void qn__send_produce(struct qn_exchange *ex)
{
    int rc = produce(ex);
    bool again = false;
    if (rc >= 0)
        make_piece(ex, rc == QN_END);
    qn_mutex_lock(&ex->lock);
    ex->flow = flow_of(rc);
    if (ex->flow == FLOW_LATER && ex->piece.n == 0 && ex->woken) {
        ex->woken = false;
        ex->flow = FLOW_RUNNING;
        again = true;
    }
    bool hang_up = ex->flow == FLOW_LATER && qn_request_cancelled(&ex->rq);
    if (hang_up)
        ex->flow = FLOW_FAILED; /* the cancelling came while we were inside */
    bool resume = !again && ex->waiting && (ex->piece.n > 0 || ex->flow != FLOW_LATER);
    if (resume)
        ex->waiting = false;
    if (!again)
        ex->working = false;
    qn_mutex_unlock(&ex->lock);
    if (again) {
        qn__lane_put(ex, JOB_PRODUCE, false);
        return;
    }
    if (resume)
        qn__exchange_resume(ex);
    qn__exchange_unref(ex);
}

void qn_answer_wake(struct qn_request *rq)
{
    struct qn_exchange *ex = qn__exchange_of(rq);
    qn_mutex_lock(&ex->lock);
    if (ex->flow == FLOW_LATER && ex->waiting) {
        ex->flow = FLOW_RUNNING;
        qn__exchange_enter(ex, JOB_PRODUCE, false);
    } else {
        ex->woken = true;
    }
    qn_mutex_unlock(&ex->lock);
}

/* The library asks for more. Runs on the io thread; suspends when there is nothing. */
static ssize_t read_piece(void *cls, uint64_t pos, char *buf, size_t max)
{
    (void)pos;
    struct qn_exchange *ex = cls;
    ssize_t rc = 0;
    qn_mutex_lock(&ex->lock);
    size_t left = ex->piece.n - ex->piece_at;
    if (left > 0) {
        size_t n = left < max ? left : max;
        memcpy(buf, ex->piece.p + ex->piece_at, n);
        ex->piece_at += n;
        ex->sent_bytes += n;
        rc = (ssize_t)n;
        atomic_store_explicit(&ex->phase, PHASE_SENDING, memory_order_relaxed);
    } else if (ex->flow == FLOW_ENDED) {
        rc = MHD_CONTENT_READER_END_OF_STREAM;
    } else if (ex->flow == FLOW_FAILED || ex->flow == FLOW_NONE) {
        rc = MHD_CONTENT_READER_END_WITH_ERROR;
    } else {
        if (ex->flow == FLOW_READY || (ex->flow == FLOW_LATER && ex->woken)) {
            ex->woken = false;
            ex->flow = FLOW_RUNNING;
            qn__exchange_enter(ex, JOB_PRODUCE, false);
        }
        MHD_suspend_connection(ex->mc);
        ex->waiting = true;
        atomic_store_explicit(&ex->phase, PHASE_WAITING, memory_order_relaxed);
    }
    qn_mutex_unlock(&ex->lock);
    return rc;
}

static bool origin_allowed(struct qn_str list, struct qn_str origin)
{
    struct qn_str part;
    while (list.p != NULL && qn_str_split(&list, ',', &part)) {
        part = qn_str_trim(part);
        if (qn_str_is(part, "*") || qn_str_eq(part, origin))
            return true;
    }
    return false;
}

static void add_headers(struct qn_exchange *ex, struct MHD_Response *resp)
{
    const struct qn_server *sv = ex->sv;
    const char *type = type_of(ex);
    if (type[0] != '\0')
        MHD_add_response_header(resp, "Content-Type", type);
    if (ex->coded != CODING_IDENTITY)
        MHD_add_response_header(resp, "Content-Encoding", qn__coding_name(ex->coded));
    for (size_t i = 0; i < ex->n_headers; i++)
        MHD_add_response_header(resp, ex->headers[i].name, ex->headers[i].value);
    for (size_t i = 0; i < sv->n_extra; i++)
        MHD_add_response_header(resp, sv->extra[i].name, sv->extra[i].value);
    if (ex->rq.dialect == QN_DIALECT_ELASTIC) {
        if (sv->product_z != NULL)
            MHD_add_response_header(resp, "X-Elastic-Product", sv->product_z);
        if (ex->head.opaque_id.n > 0)
            MHD_add_response_header(resp, "X-Opaque-Id", ex->head.opaque_id.p);
    }
    if (ex->head.request_id.n > 0)
        MHD_add_response_header(resp, "X-Request-Id", ex->head.request_id.p);
    if (ex->head.origin.n > 0 && origin_allowed(sv->opt.cors_origins, ex->head.origin)) {
        MHD_add_response_header(resp, "Access-Control-Allow-Origin", ex->head.origin.p);
        MHD_add_response_header(resp, "Vary", "Origin");
    }
    if (ex->close || atomic_load_explicit(&sv->draining, memory_order_relaxed))
        MHD_add_response_header(resp, "Connection", "close");
}

static struct MHD_Response *make_response(struct qn_exchange *ex)
{
    struct qn_request *rq = &ex->rq;
    if (ex->produce != NULL)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_BYTES, read_piece, ex,
                                                 NULL);
    if (ex->borrowed.p != NULL) {
        ex->sent_bytes = ex->borrowed.n;
        return MHD_create_response_from_buffer(ex->borrowed.n, (void *)(uintptr_t)ex->borrowed.p,
                                               MHD_RESPMEM_PERSISTENT);
    }
    size_t n = 0;
    char *body = qn_buf_take(&rq->out, &n);
    ex->sent_bytes = n;
    return MHD_create_response_from_buffer(n, body, MHD_RESPMEM_MUST_FREE);
}

enum MHD_Result qn__send(struct qn_exchange *ex)
{
    if (ex->refused)
        qn_answer_problem(&ex->rq, &ex->refusal);
    struct MHD_Response *resp = make_response(ex);
    if (resp == NULL)
        return MHD_NO;
    add_headers(ex, resp);
    unsigned status = (unsigned)ex->rq.status;
    atomic_store_explicit(&ex->phase, PHASE_SENDING, memory_order_relaxed);
    qn_metrics_inc(ex->sv->opt.metrics, QN_METRIC_HTTP_REQUESTS, status / 100 - 1);
    enum MHD_Result rc = MHD_queue_response(ex->mc, status, resp);
    MHD_destroy_response(resp);
    return rc;
}
