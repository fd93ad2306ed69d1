/* Private to http/: a connection with the request it carries, and the server behind it.
 *
 * An exchange lives as long as its connection and is used again for each request on it. Phases, as
 * the warden sees them (S: the connection is suspended, the library does not look at it):
 *
 *   FRESH ─► HEADERS ─► BODY ⇄ BLOCKED(S) ─► WORKING(S) ─► SENDING ⇄ WAITING(S) ─► KEPT ─► HEADERS
 *
 * Who may touch what: the io thread everything while nobody works on the request; a worker rq, work
 * and the coder while `working`; what both need is under `lock`. A suspended connection cannot go
 * away. One that uploads can: then the worker that is inside finds `aborted` and cleans up, and the
 * exchange lives on by its reference. */
#ifndef QN_HTTP_EXCHANGE_INT_H
#define QN_HTTP_EXCHANGE_INT_H

#include <microhttpd.h>

#include "coding_int.h"
#include "http/error.h"
#include "http/media.h"
#include "http/request.h"
#include "http/server.h"
#include "os/thread.h"

enum qn__phase {
    PHASE_FRESH,
    PHASE_KEPT,
    PHASE_HEADERS,
    PHASE_BODY,
    PHASE_BLOCKED,
    PHASE_WORKING,
    PHASE_SENDING,
    PHASE_WAITING,
};

enum qn__job { JOB_PUMP, JOB_RUN, JOB_FINISH, JOB_PRODUCE };

/* What a producer is up to. */
enum qn__flow {
    FLOW_NONE,    /* no producer */
    FLOW_READY,   /* `piece` has bytes to send, or the next call may be made */
    FLOW_RUNNING, /* a worker is in it, or about to be */
    FLOW_LATER,   /* it said QN_LATER and nobody woke it yet */
    FLOW_ENDED,
    FLOW_FAILED,
};

/* Rows of QN_METRIC_HTTP_REFUSED. */
enum qn__refusal {
    REFUSED_FRAMING,
    REFUSED_TARGET,
    REFUSED_ROUTE,
    REFUSED_PARAMS,
    REFUSED_MEDIA,
    REFUSED_AUTH,
    REFUSED_BODY,
    REFUSED_ENCODING,
    REFUSED_BUSY,
    REFUSED_DRAINING,
};

struct qn__header {
    struct qn_str name, value;
};

#define QN__HEADERS_MAX 200
#define QN__ANSWER_HEADERS_MAX 16

struct qn__answer_header {
    const char *name;
    const char *value; /* in the request's arena */
};

/* What the front itself reads of a request's head. */
struct qn__head {
    const struct qn__header *headers;
    size_t n_headers;
    struct qn_str content_type, accept, accept_encoding, origin, request_id, opaque_id, etag;
    enum qn__coding coding;  /* of the body */
    uint64_t content_length; /* 0 when absent */
    bool has_body, expects_continue;
};

struct qn_exchange {
    struct qn_request rq; /* first member */
    struct qn_server *sv;
    struct MHD_Connection *mc;
    int fd;
    struct qn_exchange *prev, *next; /* sv->connections; under sv->lock */
    _Atomic unsigned refs;
    _Atomic int phase;              /* enum qn__phase */
    _Atomic uint64_t since_us;      /* start of the phase; BODY: moved on by time spent BLOCKED */
    _Atomic uint64_t body_received; /* raw bytes */
    bool cut_off;                   /* the warden's: it has shut the connection down */
    uint64_t end_seen_at;           /* the warden's: when it saw the peer's end */
    bool over_limit;                /* one connection too many; set once */

    /* io thread */
    bool begun;
    struct qn__head head;
    char id[17];

    struct qn_mutex lock; /* guards what follows, up to the answer */
    bool refused;
    struct qn_problem refusal;
    uint64_t dropped_bytes;
    struct qn_buf in; /* received, not yet taken */
    bool active;      /* counted in sv->n_active */
    bool eof, blocked, working, aborted, parked, finished, ready;
    int finish_rc;
    struct qn_group *group;
    enum qn__flow flow;
    bool woken, waiting;
    struct qn_buf piece; /* what is being sent */
    size_t piece_at;
    uint64_t body_charged; /* to rq.budget */
    qn_usec blocked_since_us;

    /* worker */
    struct qn_buf work; /* taken, to be inflated; then the body in whole mode */
    struct qn_buf whole;
    struct qn__inflater inflater;
    struct qn__deflater deflater;
    uint64_t inflater_charged;

    /* the queue of a lane; under its lock */
    struct qn_exchange *lane_next;
    enum qn__job job;

    /* the answer */
    struct qn__answer_header headers[QN__ANSWER_HEADERS_MAX];
    size_t n_headers;
    const char *type;
    struct qn_str borrowed;
    struct qn_str etag;
    qn_produce_fn produce;
    struct qn_json_filter *filter;
    enum qn__coding coded; /* of the answer */
    uint64_t sent_bytes;
    bool close;
};

struct qn__lane {
    struct qn_mutex lock;
    struct qn_cond more;
    struct qn_exchange *head, **tail;
    size_t n_queued;
    bool stopping;
    struct qn_server *sv;
    enum qn_http_lane id;
    unsigned n_threads;
    struct qn_thread *threads;
};

struct qn_server {
    struct qn_server_options opt;
    struct qn_router *router;
    struct MHD_Daemon *daemon;
    int listen_fd;
    uint16_t port;
    char address[80];
    char *extra_z; /* extra_headers, cut into strings */
    struct qn__answer_header extra[QN__ANSWER_HEADERS_MAX];
    size_t n_extra;
    char *product_z;
    char id_base[9];
    _Atomic uint64_t next_id;
    struct qn_log log;
    struct qn_budget budget;

    struct qn_mutex lock; /* guards the list and the warden's sleep */
    struct qn_cond changed;
    struct qn_exchange *connections;
    size_t n_connections;
    bool warden_stops;

    _Atomic uint64_t n_active, n_requests;
    _Atomic uint64_t n_inside; /* threads that are in calls which outlive their request */
    _Atomic bool draining, closing;
    bool started;
    struct qn__lane lanes[QN_HTTP_LANES];
    struct qn_thread warden;
};

static inline struct qn_exchange *qn__exchange_of(struct qn_request *rq)
{
    return (struct qn_exchange *)rq;
}
static inline void qn__phase(struct qn_exchange *ex, enum qn__phase phase, qn_usec now)
{
    atomic_store_explicit(&ex->since_us, now, memory_order_relaxed); /* the warden may be late */
    atomic_store_explicit(&ex->phase, phase, memory_order_relaxed);
}

/* exchange.c: life of an exchange. */
struct qn_exchange *qn__exchange_new(struct qn_server *sv, struct MHD_Connection *mc, int fd);
void qn__exchange_ref(struct qn_exchange *ex);
void qn__exchange_unref(struct qn_exchange *ex);
void qn__exchange_begin(struct qn_exchange *ex, const char *target_z);
/* The request is over, however it ended; the exchange is as new. */
void qn__exchange_end(struct qn_exchange *ex);
enum qn__cancel { CANCEL_HANG_UP, CANCEL_SHUTDOWN };
void qn__exchange_cancel(struct qn_exchange *ex, enum qn__cancel why);
/* The peer of an answer that is being sent is gone: nobody waits for it any more. */
void qn__exchange_give_up(struct qn_exchange *ex);
/* Lets the library look at the connection again. Nothing of ex may be touched afterwards, but by
 * reference. */
void qn__exchange_resume(struct qn_exchange *ex);
/* Counts a job in: ex is `working` and referenced until the worker leaves. @locks held:lock */
int qn__exchange_enter(struct qn_exchange *ex, enum qn__job job, bool admit);

/* head.c: headers and framing. < 0: ex->refusal says why. */
QN_MUST_CHECK int qn__head_read(struct qn_exchange *ex, const char *version);
/* front.c */
void qn__refuse(struct qn_exchange *ex, enum qn__refusal why, int status, const char *elastic_type,
                const char *fmt, ...) QN_PRINTF(5, 6);
enum MHD_Result qn__front_handle(void *cls, struct MHD_Connection *mc, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **state);
void *qn__front_target(void *cls, const char *uri, struct MHD_Connection *mc);
void qn__front_completed(void *cls, struct MHD_Connection *mc, void **state,
                         enum MHD_RequestTerminationCode why);
void qn__front_connection(void *cls, struct MHD_Connection *mc, void **socket_state,
                          enum MHD_ConnectionNotificationCode code);
/* admit.c: everything that is decided from the head alone. */
void qn__admit(struct qn_exchange *ex, const char *method);
/* body.c */
enum MHD_Result qn__body_put(struct qn_exchange *ex, const char *data, size_t *size);
void qn__body_pump(struct qn_exchange *ex);               /* @thread worker */
QN_MUST_CHECK int qn__body_whole(struct qn_exchange *ex); /* inflates; @thread worker */
/* listen.c: opens sv->listen_fd, fills port and address. */
QN_MUST_CHECK int qn__listen(struct qn_server *sv, struct qn_err *err);
/* lane.c */
QN_MUST_CHECK int qn__lanes_start(struct qn_server *sv);
void qn__lanes_stop(struct qn_server *sv);
/* QN_E_BUSY: the queue is full (only when `admit`, for a request's first job). */
int qn__lane_put(struct qn_exchange *ex, enum qn__job job, bool admit);
/* work.c */
void qn__work(struct qn_exchange *ex, enum qn__job job);
/* The worker is inside and stays until one of these returns. */
void qn__work_run(struct qn_exchange *ex);
void qn__work_answer(struct qn_exchange *ex);   /* the answer is settled: send it */
void qn__work_clean_up(struct qn_exchange *ex); /* the connection is gone */
/* send.c */
enum MHD_Result qn__send(struct qn_exchange *ex);
void qn__send_prepare(struct qn_exchange *ex); /* 304, first piece, compression; @thread worker */
void qn__send_produce(struct qn_exchange *ex);
/* warden.c */
QN_MUST_CHECK int qn__warden_start(struct qn_server *sv);
void qn__warden_stop(struct qn_server *sv);
void qn__warden_end_all(struct qn_server *sv); /* cancels what runs, closes the rest */

#endif
