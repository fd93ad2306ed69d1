/* The HTTP front: libmicrohttpd's epoll threads, lanes of workers, and one warden.
 *
 *   io threads (few)   own the sockets; parse, guard, route, buffer; never block
 *   lanes              ADMIN, SEARCH, INGEST: worker threads with a bounded queue each (full: 429)
 *   warden             every 50 ms: cuts off drip-feeding clients, notices clients that hung up
 *
 * What the library leaves open is closed here: targets are split before they are decoded, framing
 * that two parsers could read differently is refused with 400 and the connection closed, bodies are
 * bounded before and after inflating, drip-fed requests are cut off by rate, and stopping never
 * finds a suspended connection.
 *
 * Life: new ─► mount tables on qn_server_router ─► start ─► stop ─► free. @thread main */
#ifndef QN_HTTP_SERVER_H
#define QN_HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/budget.h"
#include "base/err.h"
#include "base/log.h"
#include "http/request.h"
#include "http/router.h"
#include "obs/metrics.h"
#include "os/clock.h"

/* 0 lets the request pass (rq->user may be set, from the arena); QN_E_ACCESS: 401;
 * QN_E_UNAVAILABLE: 503. Headers and route are known, the body is not. @thread io: must not block
 */
typedef int (*qn_auth_fn)(void *ctx, struct qn_request *rq);

struct qn_server_options {
    struct qn_str listen; /* "127.0.0.1:7280", "[::1]:0", ":7280" (all addresses) */
    unsigned io_threads;
    unsigned lane_threads[QN_HTTP_LANES];
    unsigned lane_queue; /* requests that may wait for a worker, per lane */
    unsigned max_connections;
    uint64_t body_limit_bytes;     /* inflated */
    uint64_t body_queue_bytes;     /* of a streamed body, waiting for its consumer */
    uint64_t request_memory_bytes; /* a request's arena and bodies */
    size_t header_bytes; /* pool of one connection: request line and headers take half at most */
    uint64_t idle_timeout_us, header_timeout_us; /* 0: none */
    uint64_t body_grace_us;                      /* before the minimum rate applies to bodies */
    uint64_t min_body_rate;                      /* bytes a second; 0: none */
    uint64_t drop_bytes; /* of a refused body that are read so that the client sees the answer */
    struct qn_str tls_cert_pem, tls_key_pem; /* contents; both empty: plain HTTP */
    struct qn_str cors_origins;              /* comma list, or "*"; empty: off */
    struct qn_str elastic_product;           /* value of X-Elastic-Product; empty: not sent */
    struct qn_str extra_headers;             /* "Name: value" lines added to every answer */
    uint64_t compress_min_bytes;             /* answers below are sent as they are */
    bool strict_params;
    qn_auth_fn auth; /* NULL: open */
    void *auth_ctx;
    const struct qn_log *log;
    struct qn_metrics *metrics;
    struct qn_budget *budget; /* parent of the requests' budgets; may be NULL */
};

void qn_server_options_default(struct qn_server_options *opt);

struct qn_server;

/* Copies opt; borrows what it points to. */
struct qn_server *qn_server_new(const struct qn_server_options *opt);
struct qn_router *qn_server_router(struct qn_server *sv); /* mount before start */
QN_MUST_CHECK int qn_server_start(struct qn_server *sv, struct qn_err *err);
uint16_t qn_server_port(const struct qn_server *sv);
/* "127.0.0.1:7280", as bound. */
struct qn_str qn_server_address(const struct qn_server *sv);
/* New requests get 503 from now on; connections are still accepted. For readiness to turn first. */
void qn_server_drain(struct qn_server *sv);
bool qn_server_draining(const struct qn_server *sv);
/* Drains, stops listening, lets running requests finish until deadline_us, cancels the rest and
 * waits patience_us more for them. QN_E_TIMEOUT: some handler still holds a request; the server
 * stays as it is, and the process should exit without freeing it. */
QN_MUST_CHECK int qn_server_stop(struct qn_server *sv, qn_usec deadline_us, uint64_t patience_us);
void qn_server_free(struct qn_server *sv); /* stopped or never started; NULL is fine */

struct qn_server_stats {
    uint64_t n_connections, n_requests, n_running;
};
void qn_server_stats(struct qn_server *sv, struct qn_server_stats *out);

#endif
