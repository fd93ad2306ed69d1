/* How the engine speaks: it never prints, it is handed one of these. The server's sink (server/obs)
 * writes one JSON object a line. `event` is a stable snake_case name that people can search for;
 * the rest are key/value pairs. ERROR means a human should look.
 *
 *     QN_LOG(log, QN_LOG_WARN, "journal_torn_tail", QN_KV_STR("file", name), QN_KV_U64("offset",
 * at));
 *
 * @thread any: sinks lock. */
#ifndef QN_BASE_LOG_H
#define QN_BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum qn_log_level { QN_LOG_ERROR, QN_LOG_WARN, QN_LOG_INFO, QN_LOG_DEBUG };

struct qn_kv {
    const char *key;
    enum { QN_KV_KIND_STR, QN_KV_KIND_I64, QN_KV_KIND_U64, QN_KV_KIND_F64, QN_KV_KIND_BOOL } kind;
    union {
        struct qn_str str;
        int64_t i64;
        uint64_t u64;
        double f64;
    };
};

struct qn_log {
    void (*write)(const struct qn_log *log, enum qn_log_level level, const char *event,
                  const struct qn_kv *kv, size_t n);
    void *sink;
    enum qn_log_level level;  /* lines above it are not built */
    struct qn_str request_id; /* empty outside of requests */
};

#define QN_KV_STR(k, v) ((struct qn_kv){.key = (k), .kind = QN_KV_KIND_STR, .str = (v)})
#define QN_KV_Z(k, v) ((struct qn_kv){.key = (k), .kind = QN_KV_KIND_STR, .str = qn_str_of(v)})
#define QN_KV_I64(k, v) ((struct qn_kv){.key = (k), .kind = QN_KV_KIND_I64, .i64 = (int64_t)(v)})
#define QN_KV_U64(k, v) ((struct qn_kv){.key = (k), .kind = QN_KV_KIND_U64, .u64 = (uint64_t)(v)})
#define QN_KV_F64(k, v) ((struct qn_kv){.key = (k), .kind = QN_KV_KIND_F64, .f64 = (v)})
#define QN_KV_BOOL(k, v) ((struct qn_kv){.key = (k), .kind = QN_KV_KIND_BOOL, .u64 = (v) ? 1 : 0})

/* A NULL log is silence. */
#define QN_LOG(log, lvl, event, ...)                                                               \
    do {                                                                                           \
        const struct qn_log *qn_log_ = (log);                                                      \
        if (qn_log_ != NULL && (lvl) <= qn_log_->level) {                                          \
            const struct qn_kv qn_kv_[] = {__VA_ARGS__};                                           \
            qn_log_->write(qn_log_, (lvl), (event), qn_kv_, sizeof qn_kv_ / sizeof qn_kv_[0]);     \
        }                                                                                          \
    } while (0)

#endif
