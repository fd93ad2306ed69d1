/* Metrics: one table, lock-free cells, Prometheus text.
 *
 *   row = (id, kind, name, labels, help)      labels: "" or "key=a|b|c": one cell per value
 *
 * Counters and gauges are one atomic each per label value; histograms have fixed bounds, from 100
 * us to 100 s for seconds and from 256 bytes to 1 GiB for bytes. What is counted elsewhere (routes,
 * budgets, the engine's own statistics) is added to the text by collectors.
 *
 * The struct is a field of the server's context, never global. @thread any  @locks none to count;
 * takes LEAF to register a collector and to render */
#ifndef QN_OBS_METRICS_H
#define QN_OBS_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/*  XX(id, kind, name, labels, help); names are prefixed with "quern_" */
#define QN_METRIC_MAP(XX)                                                                          \
    XX(HTTP_CONNECTIONS, GAUGE, "http_connections", "", "Open client connections.")                \
    XX(HTTP_CONNECTIONS_TOTAL, COUNTER, "http_connections_total", "", "Connections accepted.")     \
    XX(HTTP_REQUESTS, COUNTER, "http_responses_total", "class=1xx|2xx|3xx|4xx|5xx",                \
       "Answers by class of status.")                                                              \
    XX(HTTP_RUNNING, GAUGE, "http_requests_running", "lane=admin|search|ingest",                   \
       "Requests being worked on, by lane.")                                                       \
    XX(HTTP_QUEUED, GAUGE, "http_requests_queued", "lane=admin|search|ingest",                     \
       "Requests waiting for a worker, by lane.")                                                  \
    XX(HTTP_REFUSED, COUNTER, "http_requests_refused_total",                                       \
       "reason=framing|target|route|params|media|auth|body_too_large|encoding|busy|draining",      \
       "Requests refused before a handler saw them.")                                              \
    XX(HTTP_CUT_OFF, COUNTER, "http_connections_cut_off_total", "reason=headers|body|idle",        \
       "Connections closed because the client was too slow.")                                      \
    XX(HTTP_CANCELLED, COUNTER, "http_requests_cancelled_total", "reason=hang_up|shutdown",        \
       "Requests cancelled while they ran.")                                                       \
    XX(HTTP_BODY_BYTES, COUNTER, "http_request_body_bytes_total", "form=received|inflated",        \
       "Bytes of request bodies.")                                                                 \
    XX(HTTP_SENT_BYTES, COUNTER, "http_response_body_bytes_total", "", "Bytes of answer bodies.")  \
    XX(HTTP_SECONDS, SECONDS, "http_request_duration_seconds", "",                                 \
       "From the request line to the last byte of the answer.")                                    \
    XX(LOG_LINES, COUNTER, "log_lines_total", "level=error|warn|info|debug", "Log lines written.") \
    XX(LOG_SUPPRESSED, COUNTER, "log_lines_suppressed_total", "",                                  \
       "Log lines withheld because the same event repeated too fast.")                             \
    XX(PROCESS_START, GAUGE, "process_start_time_seconds", "", "Unix time of the start.")

enum qn_metric {
#define XX(id, kind, name, labels, help) QN_METRIC_##id,
    QN_METRIC_MAP(XX)
#undef XX
        QN_METRIC_COUNT
};

#define QN_METRIC_LABELS 10 /* label values of one row, at most */
#define QN_METRIC_BOUNDS 20 /* buckets of a histogram, at most */

struct qn_histogram {
    _Atomic uint64_t buckets[QN_METRIC_BOUNDS + 1]; /* the last: above every bound */
    _Atomic uint64_t sum;                           /* microseconds, or bytes */
};

struct qn_metrics;

/* Appends whole families of text; @thread the one that renders. */
typedef void (*qn_collect_fn)(void *ctx, struct qn_buf *out);

struct qn_metrics *qn_metrics_new(void);
void qn_metrics_free(struct qn_metrics *ms); /* NULL is fine */

/* `label`: index of the label value in its row, 0 without labels. NULL ms counts nothing. */
void qn_metrics_add(struct qn_metrics *ms, enum qn_metric id, unsigned label, uint64_t n);
void qn_metrics_gauge(struct qn_metrics *ms, enum qn_metric id, unsigned label, int64_t delta);
void qn_metrics_set(struct qn_metrics *ms, enum qn_metric id, unsigned label, int64_t value);
void qn_metrics_observe(struct qn_metrics *ms, enum qn_metric id, uint64_t us_or_bytes);
uint64_t qn_metrics_read(const struct qn_metrics *ms, enum qn_metric id, unsigned label);

static inline void qn_metrics_inc(struct qn_metrics *ms, enum qn_metric id, unsigned label)
{
    qn_metrics_add(ms, id, label, 1);
}

/* Borrows ctx until free. At most 16. */
void qn_metrics_collect(struct qn_metrics *ms, qn_collect_fn fn, void *ctx);
/* The Prometheus text exposition format, version 0.0.4. */
void qn_metrics_render(struct qn_metrics *ms, struct qn_buf *out);

/* For collectors: "# HELP", "# TYPE"; a histogram outside of the table. */
void qn_metrics_family(struct qn_buf *out, const char *name, const char *type, const char *help);
/* Appends a label value with its quotes, escaped. */
void qn_metrics_label(struct qn_buf *out, struct qn_str value);

#endif
