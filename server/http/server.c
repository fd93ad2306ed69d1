#include "http/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange_int.h"
#include "obs/logger.h"
#include "os/random.h"

void qn_server_options_default(struct qn_server_options *opt)
{
    *opt = (struct qn_server_options){
        .listen = QN_STR("127.0.0.1:7280"),
        .io_threads = 2,
        .lane_threads = {[QN_HTTP_ADMIN] = 2, [QN_HTTP_SEARCH] = 8, [QN_HTTP_INGEST] = 4},
        .lane_queue = 1024,
        .max_connections = 4096,
        .body_limit_bytes = 100u << 20,
        .body_queue_bytes = 256u << 10,
        .request_memory_bytes = 512u << 20,
        .header_bytes = 64u << 10,
        .idle_timeout_us = 60000000,
        .header_timeout_us = 30000000,
        .body_grace_us = 30000000,
        .min_body_rate = 1024,
        .drop_bytes = 256u << 20,
        .elastic_product = QN_STR("Elasticsearch"),
        .compress_min_bytes = 1024,
        .strict_params = true,
    };
}

/* "Name: value" lines into pairs of strings, in place. */
static void read_extra_headers(struct qn_server *sv)
{
    char *at = sv->extra_z = qn_xstrndup(sv->opt.extra_headers.p, sv->opt.extra_headers.n);
    while (at != NULL && *at != '\0' && sv->n_extra < QN__ANSWER_HEADERS_MAX) {
        char *line = at, *end = strchr(at, '\n');
        at = end != NULL ? end + 1 : NULL;
        if (end != NULL)
            *end = '\0';
        char *colon = strchr(line, ':');
        if (colon == NULL)
            continue;
        *colon = '\0';
        char *value = colon + 1;
        struct qn_str trimmed = qn_str_trim(qn_str_of(value));
        value += trimmed.p - value;
        value[trimmed.n] = '\0';
        sv->extra[sv->n_extra++] = (struct qn__answer_header){line, value};
    }
}

struct qn_server *qn_server_new(const struct qn_server_options *opt)
{
    struct qn_server *sv = qn_xcalloc(1, sizeof *sv);
    sv->opt = *opt;
    sv->listen_fd = -1;
    sv->router = qn_router_new();
    sv->log = qn_log_with_request(opt->log, QN_STR_NONE);
    if (opt->elastic_product.n > 0)
        sv->product_z = qn_xstrndup(opt->elastic_product.p, opt->elastic_product.n);
    read_extra_headers(sv);
    qn_budget_init(&sv->budget, "http", opt->budget, 0);
    qn_mutex_init(&sv->lock, QN_LOCK_HTTP);
    qn_cond_init(&sv->changed);
    uint32_t base;
    qn_random_bytes(&base, sizeof base);
    snprintf(sv->id_base, sizeof sv->id_base, "%08x", base);
    return sv;
}

struct qn_router *qn_server_router(struct qn_server *sv)
{
    return sv->router;
}

/* Each connection is a descriptor; the default soft limit of 1,024 is soon used up. */
static void raise_file_limit(struct qn_server *sv)
{
    struct rlimit rl;
    rlim_t need = (rlim_t)sv->opt.max_connections + 1024;
    if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur >= need)
        return;
    rl.rlim_cur = rl.rlim_max == RLIM_INFINITY || rl.rlim_max >= need ? need : rl.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur < need)
        QN_LOG(&sv->log, QN_LOG_WARN, "http_few_descriptors",
               QN_KV_U64("limit", (uint64_t)rl.rlim_cur), QN_KV_U64("wanted", (uint64_t)need));
}

static void library_log(void *cls, const char *fmt, va_list ap)
{
    struct qn_server *sv = cls;
    char text[256];
    if (sv->log.level < QN_LOG_DEBUG)
        return;
    vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    QN_LOG(&sv->log, QN_LOG_DEBUG, "http_library", QN_KV_Z("text", text));
}

static struct MHD_Daemon *start_daemon(struct qn_server *sv, char *cert_z, char *key_z)
{
    const struct qn_server_options *opt = &sv->opt;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, cert_z},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key_z},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    bool secure = opt->tls_cert_pem.n > 0;
    if (secure)
        flags |= MHD_USE_TLS;
    /* The library's limit leaves room for connections that are told that there are too many; it
     * divides it by its threads, and they do not get equal shares. */
    unsigned limit = opt->max_connections * 2 + 64 * opt->io_threads;
    unsigned threads = opt->io_threads > 1 ? opt->io_threads : 0;
    return MHD_start_daemon(
        flags, sv->port, NULL, NULL, qn__front_handle, sv, MHD_OPTION_EXTERNAL_LOGGER, library_log,
        sv, MHD_OPTION_LISTEN_SOCKET, sv->listen_fd, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, opt->header_bytes, MHD_OPTION_CONNECTION_LIMIT, limit,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)((opt->idle_timeout_us + 999999) / 1000000),
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, qn__front_completed, sv,
        MHD_OPTION_NOTIFY_CONNECTION, qn__front_connection, sv, MHD_OPTION_URI_LOG_CALLBACK,
        qn__front_target, sv, secure ? MHD_OPTION_ARRAY : MHD_OPTION_END, tls, MHD_OPTION_END);
}

int qn_server_start(struct qn_server *sv, struct qn_err *err)
{
    QN_ASSERT(!sv->started);
    qn_router_freeze(sv->router);
    raise_file_limit(sv);
    int rc = qn__listen(sv, err);
    if (rc < 0)
        return rc;
    sv->started = true;
    rc = qn__lanes_start(sv);
    if (rc == 0)
        rc = qn__warden_start(sv);
    if (rc < 0)
        return qn_fail(err, rc, "cannot start the threads of the HTTP front");
    char *cert_z = qn_xstrndup(sv->opt.tls_cert_pem.p, sv->opt.tls_cert_pem.n);
    char *key_z = qn_xstrndup(sv->opt.tls_key_pem.p, sv->opt.tls_key_pem.n);
    sv->daemon = start_daemon(sv, cert_z, key_z);
    free(cert_z);
    free(key_z);
    if (sv->daemon == NULL)
        return qn_fail(err, QN_E_UNAVAILABLE, "cannot start the HTTP front on %s%s", sv->address,
                       sv->opt.tls_cert_pem.n > 0 ? ": check the TLS certificate and key" : "");
    QN_LOG(&sv->log, QN_LOG_INFO, "http_listening", QN_KV_Z("address", sv->address),
           QN_KV_BOOL("tls", sv->opt.tls_cert_pem.n > 0));
    return 0;
}

uint16_t qn_server_port(const struct qn_server *sv)
{
    return sv->port;
}

struct qn_str qn_server_address(const struct qn_server *sv)
{
    return qn_str_of(sv->address);
}

void qn_server_drain(struct qn_server *sv)
{
    atomic_store(&sv->draining, true);
}

bool qn_server_draining(const struct qn_server *sv)
{
    return atomic_load_explicit(&sv->draining, memory_order_relaxed);
}

static bool idle(struct qn_server *sv)
{
    return atomic_load(&sv->n_active) == 0 && atomic_load(&sv->n_inside) == 0;
}

/* Waits until nothing runs; `shut`: cancelling what still does, again and again. */
static bool wait_idle(struct qn_server *sv, qn_usec until_us, bool shut)
{
    qn_mutex_lock(&sv->lock);
    while (!idle(sv) && qn_now_us() < until_us) {
        if (shut) {
            qn_mutex_unlock(&sv->lock);
            qn__warden_end_all(sv);
            qn_mutex_lock(&sv->lock);
        }
        (void)!qn_cond_wait_until(&sv->changed, &sv->lock, qn_now_us() + 5000);
    }
    qn_mutex_unlock(&sv->lock);
    return idle(sv);
}

int qn_server_stop(struct qn_server *sv, qn_usec deadline_us, uint64_t patience_us)
{
    if (!sv->started)
        return 0;
    qn_server_drain(sv);
    if (sv->daemon != NULL) {
        /* New clients are refused from here on; the library may still look at the descriptor. */
        if (MHD_quiesce_daemon(sv->daemon) >= 0)
            shutdown(sv->listen_fd, SHUT_RDWR);
    }
    (void)wait_idle(sv, deadline_us, false);
    atomic_store(&sv->closing, true); /* from here on nothing is admitted at all */
    if (!wait_idle(sv, qn_now_us() + patience_us, true))
        return QN_E_TIMEOUT;
    qn__lanes_stop(sv);
    if (sv->warden.running)
        qn__warden_stop(sv);
    if (sv->daemon != NULL)
        MHD_stop_daemon(sv->daemon);
    sv->daemon = NULL;
    close(sv->listen_fd);
    sv->listen_fd = -1;
    sv->started = false;
    return 0;
}

void qn_server_free(struct qn_server *sv)
{
    if (sv == NULL)
        return;
    int rc = qn_server_stop(sv, 0, 1000000);
    QN_ASSERT(rc == 0); /* freeing what a handler still uses would be worse */
    if (sv->listen_fd >= 0)
        close(sv->listen_fd);
    qn_router_free(sv->router);
    qn_budget_release(&sv->budget);
    qn_cond_release(&sv->changed);
    qn_mutex_release(&sv->lock);
    free(sv->extra_z);
    free(sv->product_z);
    free(sv);
}

void qn_server_stats(struct qn_server *sv, struct qn_server_stats *out)
{
    qn_mutex_lock(&sv->lock);
    out->n_connections = sv->n_connections;
    qn_mutex_unlock(&sv->lock);
    out->n_requests = atomic_load_explicit(&sv->n_requests, memory_order_relaxed);
    out->n_running = atomic_load_explicit(&sv->n_active, memory_order_relaxed);
}
