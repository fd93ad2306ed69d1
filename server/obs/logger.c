#include "obs/logger.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/time.h"
#include "os/thread.h"
#include "json/writer.h"

#define SLOTS 64 /* events that are limited one by one; more share the slots */

struct slot {
    uint64_t hash;
    qn_usec second; /* start of the window */
    unsigned n;     /* lines in the window */
    uint64_t n_suppressed;
};

struct qn_logger {
    struct qn_log log; /* what callers hold */
    struct qn_logger_options opt;
    struct qn_mutex lock; /* guards slots */
    struct slot slots[SLOTS];
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

const char *qn_log_level_name(enum qn_log_level level)
{
    return (unsigned)level < QN_COUNT_OF(level_names) ? level_names[level] : "unknown";
}

int qn_log_level_parse(struct qn_str s, enum qn_log_level *out)
{
    for (unsigned i = 0; i < QN_COUNT_OF(level_names); i++)
        if (qn_str_is(s, level_names[i])) {
            *out = (enum qn_log_level)i;
            return 0;
        }
    return QN_E_INVALID;
}

/* False: withhold this line. *suppressed: how many of this event were withheld before it. */
static bool admit(struct qn_logger *lg, const char *event, uint64_t *suppressed)
{
    *suppressed = 0;
    if (lg->opt.burst == 0)
        return true;
    uint64_t hash = qn_hash_str(qn_str_of(event));
    qn_usec now = qn_mono_us(lg->opt.clock);
    qn_mutex_lock(&lg->lock);
    struct slot *sl = &lg->slots[hash % SLOTS];
    if (sl->hash != hash || now - sl->second >= 1000000) {
        *suppressed = sl->hash == hash ? sl->n_suppressed : 0;
        *sl = (struct slot){.hash = hash, .second = now};
    }
    bool admitted = sl->n < lg->opt.burst;
    if (admitted)
        sl->n++;
    else
        sl->n_suppressed++;
    qn_mutex_unlock(&lg->lock);
    return admitted;
}

/* As qn_json_quote, but cut to what still fits. */
static void put_quoted(struct qn_buf *out, struct qn_str s, size_t room)
{
    if (s.n > room)
        s.n = room;
    qn_json_quote(out, s);
}

static void put_pair(struct qn_buf *out, const struct qn_kv *kv)
{
    qn_buf_put_u8(out, ',');
    qn_json_quote(out, qn_str_of(kv->key));
    qn_buf_put_u8(out, ':');
    switch (kv->kind) {
    case QN_KV_KIND_STR:
        put_quoted(out, kv->str, QN_LOG_LINE_BYTES / 2);
        break;
    case QN_KV_KIND_I64:
        qn_buf_printf(out, "%lld", (long long)kv->i64);
        break;
    case QN_KV_KIND_U64:
        qn_buf_printf(out, "%llu", (unsigned long long)kv->u64);
        break;
    case QN_KV_KIND_F64:
        if (kv->f64 - kv->f64 == 0) /* neither infinite nor NaN */
            qn_buf_printf(out, "%.17g", kv->f64);
        else
            qn_buf_put_z(out, "null");
        break;
    case QN_KV_KIND_BOOL:
        qn_buf_put_z(out, kv->u64 ? "true" : "false");
        break;
    }
}

/* One write: readers of the log see whole lines only. A line that cannot be written is lost. */
static void write_line(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static void logger_write(const struct qn_log *log, enum qn_log_level level, const char *event,
                         const struct qn_kv *kv, size_t n)
{
    struct qn_logger *lg = log->sink;
    uint64_t suppressed;
    if (!admit(lg, event, &suppressed)) {
        qn_metrics_inc(lg->opt.metrics, QN_METRIC_LOG_SUPPRESSED, 0);
        return;
    }
    char ts[40];
    qn_rfc3339_print(ts, qn_wall_ns(lg->opt.clock), 6);
    struct qn_buf line;
    qn_buf_init(&line, SIZE_MAX);
    qn_buf_printf(&line, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", ts,
                  qn_log_level_name(level));
    put_quoted(&line, qn_str_of(event), 128);
    if (log->request_id.n > 0) {
        qn_buf_put_z(&line, ",\"request_id\":");
        put_quoted(&line, log->request_id, 128);
    }
    if (suppressed > 0)
        qn_buf_printf(&line, ",\"suppressed\":%llu", (unsigned long long)suppressed);
    for (size_t i = 0; i < n; i++) {
        size_t before = line.n;
        put_pair(&line, &kv[i]);
        if (line.n > QN_LOG_LINE_BYTES - 16) { /* leaves room for the end */
            line.n = before;
            qn_buf_put_z(&line, ",\"cut\":true");
            break;
        }
    }
    qn_buf_put_z(&line, "}\n");
    write_line(lg->opt.fd, line.p, line.n);
    qn_buf_release(&line);
    qn_metrics_inc(lg->opt.metrics, QN_METRIC_LOG_LINES, (unsigned)level);
}

struct qn_logger *qn_logger_new(const struct qn_logger_options *opt)
{
    struct qn_logger *lg = qn_xcalloc(1, sizeof *lg);
    lg->opt = *opt;
    if (lg->opt.clock == NULL)
        lg->opt.clock = qn_clock_system();
    lg->log = (struct qn_log){.write = logger_write, .sink = lg, .level = opt->level};
    qn_mutex_init(&lg->lock, QN_LOCK_LOG);
    return lg;
}

void qn_logger_free(struct qn_logger *lg)
{
    if (lg == NULL)
        return;
    qn_mutex_release(&lg->lock);
    free(lg);
}

const struct qn_log *qn_logger_log(struct qn_logger *lg)
{
    return &lg->log;
}

static void write_nothing(const struct qn_log *log, enum qn_log_level level, const char *event,
                          const struct qn_kv *kv, size_t n)
{
    (void)log, (void)level, (void)event, (void)kv, (void)n;
}

struct qn_log qn_log_with_request(const struct qn_log *base, struct qn_str request_id)
{
    struct qn_log log = base != NULL ? *base : (struct qn_log){.write = write_nothing};
    log.request_id = request_id;
    return log;
}
