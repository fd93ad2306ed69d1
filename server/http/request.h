/* A request, as a handler sees it: what was asked, and the answer being made.
 *
 *   network thread      headers ─► guards, route, parameters, credentials ─► body ─┐ suspend
 *   worker of the lane                      on_chunk* ─► handler ─► [producer*] ◄──┘ resume ─► send
 *
 * One request is in one pair of hands at a time: the network thread's while it is read or sent, a
 * worker's while on_chunk, handler or producer runs. No locking is needed inside a handler.
 *
 * A handler returns
 *   0         the answer is set: status, headers, body in rq->out (or borrowed, or a producer)
 *   QN_LATER  the answer comes later: someone calls qn_request_finish(rq, rc) once, from any thread
 *   < 0       QN_E_*; the front renders rq->err in the route's dialect
 *
 * Memory: rq->arena dies with the answer; its budget is the request's share of the server's. Bodies
 * count against it too. Headers, target and body are borrowed until the answer is sent.
 *
 * When the client hangs up, or the server stops and its patience ends, the request is cancelled:
 * qn_request_cancelled turns true, the watched group is cancelled and on_cancel is called. Who
 * promised QN_LATER must still finish it, soon. Long handlers poll, or use groups, which do.
 * Not for: blocking on a slow client. Uploads and large answers are pieces with back-pressure. */
#ifndef QN_HTTP_REQUEST_H
#define QN_HTTP_REQUEST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/budget.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "http/router.h"
#include "http/target.h"
#include "os/clock.h"
#include "os/executor.h"

#define QN_LATER 2

struct qn_jw;

/* Common parameters of the dialect, read already. */
struct qn_common_args {
    bool pretty; /* native: unless format=json; elastic: only when asked */
    bool human;
    bool error_trace;
    struct qn_str filter_path; /* .p is NULL: none */
    struct qn_str format;      /* as given, or .p is NULL */
};

struct qn_request {
    /* What was asked. Constant while the handler runs. */
    enum qn_method method;
    struct qn_target target;
    struct qn_match match;
    const struct qn_route *route;
    void *ctx; /* the table's */
    enum qn_dialect dialect;
    struct qn_params params;
    struct qn_common_args common;
    struct qn_str body;  /* QN_BODY_WHOLE: all of it, inflated, QN_PAD readable bytes behind */
    uint64_t body_bytes; /* inflated, so far */
    struct qn_str id;    /* X-Opaque-Id, X-Request-Id, or made here: for logs and tasks */
    struct qn_str user;  /* set by the auth hook; empty: anonymous */
    qn_usec started_us;

    /* The handler's. */
    void *state;                               /* its own, e.g. a parser that on_chunk feeds */
    void (*drop_state)(struct qn_request *rq); /* called once when the request ends, if set */
    /* @thread any  @locks held:HTTP_REQUEST: sets flags and wakes the one who works on it; finish
     * and qn_answer_wake are not for here */
    void (*on_cancel)(struct qn_request *rq);
    struct qn_arena arena;
    struct qn_budget budget;
    struct qn_log log; /* speaks with the request id */
    struct qn_err err;

    /* The answer. */
    int status;        /* 200 */
    struct qn_buf out; /* its body */
    _Atomic bool cancelled;
};

/* A header of the request by its name in any case; .p is NULL when absent. The first, of several.
 */
struct qn_str qn_request_header(const struct qn_request *rq, const char *name);
/* A path parameter ("{index}"), decoded; anything not in the pattern is a bug and panics. */
struct qn_str qn_request_path(const struct qn_request *rq, const char *name);

static inline struct qn_str qn_request_str(const struct qn_request *rq, const char *name)
{
    return qn_params_get(&rq->params, name)->str;
}
static inline bool qn_request_flag(const struct qn_request *rq, const char *name)
{
    return qn_params_get(&rq->params, name)->flag;
}
static inline uint64_t qn_request_u64(const struct qn_request *rq, const char *name)
{
    return qn_params_get(&rq->params, name)->u64;
}
static inline int64_t qn_request_i64(const struct qn_request *rq, const char *name)
{
    return qn_params_get(&rq->params, name)->i64;
}
static inline bool qn_request_given(const struct qn_request *rq, const char *name)
{
    return qn_params_get(&rq->params, name)->given;
}

/* ---- cancellation ---- */
static inline bool qn_request_cancelled(const struct qn_request *rq)
{
    return atomic_load_explicit(&rq->cancelled, memory_order_relaxed); /* a hint: late is fine */
}
/* While it is watched, g is cancelled with the request; NULL ends it. g must outlive the watch. One
 * group at a time. @thread worker */
void qn_request_watch_group(struct qn_request *rq, struct qn_group *g);

/* ---- the answer ---- */
/* Replaces a header of this name. name: static string; value: copied. */
void qn_answer_header(struct qn_request *rq, const char *name, struct qn_str value);
/* Content-Type: static string. The default is application/json (elastic: negotiated). */
void qn_answer_type(struct qn_request *rq, const char *media_type);
/* Starts a JSON answer in rq->out: pretty and filtered (filter_path) as was asked. End it with
 * qn_jw_finish. */
void qn_answer_begin(struct qn_request *rq, int status, struct qn_jw *w);
/* The text as the whole JSON answer, laid out and filtered likewise. */
QN_MUST_CHECK int qn_answer_json(struct qn_request *rq, int status, struct qn_str json);
/* Body that outlives the answer (static assets): not copied. */
void qn_answer_borrow(struct qn_request *rq, struct qn_str body);
/* A validator: the answer becomes 304 when the client has it already. `etag` with quotes, copied.
 */
void qn_answer_etag(struct qn_request *rq, struct qn_str etag);
/* rc < 0 with rq->err (filled from rc when empty) as the dialect's JSON. The front does this for
 * handlers that return < 0; it is here for items and streams. */
void qn_answer_error(struct qn_request *rq, int rc);

/* Produces an answer piece by piece. Called on a worker whenever the last piece is sent; appends to
 * `out` (bounded: aim at 64 KiB) and returns 0 (more to come), QN_END (that was all), QN_LATER
 * (nothing now: qn_answer_wake(rq) when there is) or < 0 (the answer is cut off, the client sees a
 * broken transfer). */
typedef int (*qn_produce_fn)(struct qn_request *rq, struct qn_buf *out);
void qn_answer_stream(struct qn_request *rq, qn_produce_fn produce);
/* After a producer said QN_LATER: call it again. Harmless at any other time while rq lives:
 * drop_state must see to it that no call comes after it. @thread any  @locks takes:HTTP_REQUEST */
void qn_answer_wake(struct qn_request *rq);

/* Ends a request whose handler returned QN_LATER; rc as a handler's (but not QN_LATER). After this
 * call rq is not the caller's any more. @thread any  @locks takes:HTTP_REQUEST */
void qn_request_finish(struct qn_request *rq, int rc);

#endif
