/* The log sink: one JSON object a line, one write(2) a line.
 *
 *   {"ts":"2026-11-21T00:43:22.123456Z","level":"warn","event":"journal_torn_tail",
 *    "request_id":"9f3a...","file":"000012.wal","offset":4711}
 *
 * Lines are built on the caller's stack and cut at QN_LOG_LINE_BYTES ("cut":true is their last
 * key), so that concurrent lines never mix. An event that repeats more than `burst` times within a
 * second is withheld; the first line after that second carries "suppressed":n. Errors are limited
 * too: a disk that fails on every write must not fill another with lines. A failed write loses the
 * line and nothing else. @thread any  @locks takes:LOG, not held during the write */
#ifndef QN_OBS_LOGGER_H
#define QN_OBS_LOGGER_H

#include "base/err.h"
#include "base/log.h"
#include "obs/metrics.h"
#include "os/clock.h"

#define QN_LOG_LINE_BYTES 4096

struct qn_logger;

struct qn_logger_options {
    int fd; /* borrowed */
    enum qn_log_level level;
    unsigned burst;               /* lines of one event a second; 0: no limit */
    const struct qn_clock *clock; /* NULL: the system's */
    struct qn_metrics *metrics;   /* may be NULL */
};

struct qn_logger *qn_logger_new(const struct qn_logger_options *opt);
void qn_logger_free(struct qn_logger *lg); /* NULL is fine */
/* Borrows: valid as long as the logger. */
const struct qn_log *qn_logger_log(struct qn_logger *lg);
/* A copy of `base` that speaks with a request id, which is borrowed. NULL base gives a silent log.
 */
struct qn_log qn_log_with_request(const struct qn_log *base, struct qn_str request_id);
/* "error", "warn", "info", "debug". */
const char *qn_log_level_name(enum qn_log_level level);
QN_MUST_CHECK int qn_log_level_parse(struct qn_str s, enum qn_log_level *out);

#endif
