#include "serve.h"

#include <sys/resource.h>
#include <unistd.h>

#include "api/api_index.h"
#include "api/api_ingest.h"
#include "api/api_node.h"
#include "api/api_search.h"
#include "build_info.h"
#include "os/cpu.h"
#include "os/file.h"
#include "ui/ui.h"

#define PEM_MAX (1u << 20)
#define STOP_PATIENCE_US 2000000u /* for handlers that were cancelled to notice */

/* Sockets, files and mappings are many: take what the system lets us have. */
static void raise_file_limit(const struct qn_log *log)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
        return;
    lim.rlim_cur = lim.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur < 4096)
        QN_LOG(log, QN_LOG_WARN, "few_file_descriptors", QN_KV_U64("limit", lim.rlim_cur));
}

static struct qn_str join(struct qn_arena *ar, const struct qn_str_list *list, const char *sep)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < list->n; i++)
        qn_buf_printf(&b, "%s" QN_STR_FMT, i ? sep : "", QN_STR_ARG(list->p[i]));
    struct qn_str s = qn_arena_str(ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return s;
}

static int read_pem(struct qn_serve *sv, struct qn_str path, struct qn_str *out, struct qn_err *err)
{
    if (path.n == 0)
        return QN_OK;
    struct qn_buf b;
    qn_buf_init(&b, PEM_MAX);
    int rc = qn_fs_read_file(qn_fs_posix(), path.p, PEM_MAX, &b, err);
    if (rc == QN_OK)
        *out = qn_arena_str(&sv->ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return rc;
}

static void collect_engine(void *ctx, struct qn_buf *out)
{
    qn_engine_metrics(ctx, "quern_", out);
}

static int open_engine(struct qn_serve *sv, unsigned n_cpus, struct qn_err *err)
{
    struct qn_pool_options pool;
    qn_pool_options_default(&pool, n_cpus);
    int rc = qn_pool_start(&sv->pool, &pool);
    if (rc < 0)
        return qn_fail(err, rc, "cannot start threads");
    const struct qn_engine_options opt = {
        .data_dir = sv->cfg->data_dir.p,
        .node_id = sv->cfg->node_id,
        .simd = sv->cfg->simd.p,
        .metastore_uri = sv->cfg->metastore_uri,
        .index_root_uri = sv->cfg->default_index_root_uri,
        .journal_max_bytes = sv->cfg->ingest_api_max_queue_disk_usage,
        .journal_queue_bytes = sv->cfg->ingest_api_max_queue_memory_usage,
        .journal_segment_bytes = sv->cfg->journal_segment_size,
        .budget = &sv->budget,
        .executor = qn_pool_executor(sv->pool),
        .clock = qn_clock_system(),
        .log = sv->log,
    };
    rc = qn_engine_open(&sv->engine, &opt, err);
    if (rc == QN_OK)
        qn_metrics_collect(sv->metrics, collect_engine, sv->engine);
    return rc;
}

static int mount_routes(struct qn_serve *sv, struct qn_err *err)
{
    const struct {
        const struct qn_route_table *table;
        const char *prefix;
        void *ctx;
    } mounts[] = {
        {&qn_api_root_routes, "", &sv->node},
        {&qn_api_root_routes, "/api/v1/_elastic", &sv->node},
        {&qn_api_ops_routes, "", &sv->ops},
        {&qn_api_node_routes, "/api/v1", &sv->node},
        {&qn_ui_routes, "/ui", NULL},
        {&qn_api_index_routes, "/api/v1", sv->engine},
        {&qn_api_ingest_routes, "/api/v1", sv->engine},
        {&qn_api_search_routes, "/api/v1", sv->engine},
    };
    for (size_t i = 0; i < QN_COUNT_OF(mounts); i++) {
        int rc = qn_router_mount(qn_server_router(sv->http), mounts[i].table, mounts[i].prefix,
                                 mounts[i].ctx, err);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

static struct qn_str listen_text(struct qn_serve *sv)
{
    struct qn_str host = sv->cfg->listen_address;
    bool v6 = qn_str_find_byte(host, ':') != SIZE_MAX;
    return qn_arena_printf(&sv->ar, v6 ? "[" QN_STR_FMT "]:%u" : QN_STR_FMT ":%u", QN_STR_ARG(host),
                           (unsigned)sv->cfg->rest_listen_port);
}

static int open_http(struct qn_serve *sv, unsigned n_cpus, struct qn_err *err)
{
    const struct qn_config *cfg = sv->cfg;
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    unsigned workers = cfg->rest_workers != 0 ? (unsigned)cfg->rest_workers : n_cpus;
    opt.listen = listen_text(sv);
    opt.io_threads = (unsigned)cfg->rest_io_threads;
    opt.lane_threads[QN_HTTP_SEARCH] = workers;
    opt.lane_threads[QN_HTTP_INGEST] = workers;
    opt.lane_queue = (unsigned)cfg->rest_max_queued;
    opt.max_connections = (unsigned)cfg->rest_max_connections;
    opt.body_limit_bytes = cfg->ingest_api_content_length_limit;
    opt.idle_timeout_us = cfg->rest_idle_timeout;
    opt.header_timeout_us = cfg->rest_header_timeout;
    opt.min_body_rate = cfg->rest_min_body_rate;
    opt.compress_min_bytes = cfg->rest_compress_min;
    opt.cors_origins = join(&sv->ar, &cfg->rest_cors_allow_origins, ",");
    opt.extra_headers = join(&sv->ar, &cfg->rest_extra_headers, "\n");
    opt.elastic_product = QN_STR("Elasticsearch");
    opt.log = sv->log;
    opt.metrics = sv->metrics;
    opt.budget = &sv->budget;
    int rc = read_pem(sv, cfg->rest_tls_cert_path, &opt.tls_cert_pem, err);
    if (rc == QN_OK)
        rc = read_pem(sv, cfg->rest_tls_key_path, &opt.tls_key_pem, err);
    if (rc < 0)
        return rc;
    sv->http = qn_server_new(&opt);
    sv->ops = (struct qn_api_ops){.metrics = sv->metrics};
    sv->node = (struct qn_api_node){
        .cfg = cfg,
        .build = &qn_build,
        .simd = qn_engine_simd(sv->engine),
        .n_cpus = n_cpus,
        .n_io_threads = opt.io_threads,
        .n_workers = workers * 2 + opt.lane_threads[QN_HTTP_ADMIN],
        .generation = qn_wall_ns(qn_clock_system()),
        .port = (unsigned)cfg->rest_listen_port,
    };
    qn_api_cluster_uuid(sv->node.cluster_uuid, cfg->cluster_id);
    qn_metrics_set(sv->metrics, QN_METRIC_PROCESS_START, 0, sv->node.generation / 1000000000);
    rc = mount_routes(sv, err);
    if (rc == QN_OK)
        rc = qn_server_start(sv->http, err); /* from here on, requests come */
    if (rc == QN_OK)
        atomic_store_explicit(&sv->node.port, qn_server_port(sv->http), memory_order_relaxed);
    return rc;
}

int qn_serve_open(struct qn_serve *sv, const struct qn_config *cfg, enum qn_log_level level,
                  struct qn_err *err)
{
    *sv = (struct qn_serve){.cfg = cfg};
    qn_arena_init(&sv->ar, NULL);
    qn_budget_init(&sv->budget, "process", NULL, cfg->memory_limit);
    sv->metrics = qn_metrics_new();
    sv->logger = qn_logger_new(&(struct qn_logger_options){
        .fd = STDERR_FILENO, .level = level, .burst = 100, .metrics = sv->metrics});
    sv->log = qn_logger_log(sv->logger);
    raise_file_limit(sv->log);
    for (size_t i = 0; i < cfg->warnings.n; i++)
        QN_LOG(sv->log, QN_LOG_WARN, "configuration", QN_KV_STR("message", cfg->warnings.p[i]));
    unsigned n_cpus = qn_cpu_count();
    int rc = open_engine(sv, n_cpus, err);
    return rc < 0 ? rc : open_http(sv, n_cpus, err);
}

int qn_serve_stop(struct qn_serve *sv)
{
    if (sv->http == NULL)
        return QN_OK;
    int rc = qn_server_stop(sv->http, qn_now_us() + sv->cfg->shutdown_timeout, STOP_PATIENCE_US);
    return rc;
}

void qn_serve_close(struct qn_serve *sv)
{
    qn_server_free(sv->http);
    qn_engine_close(sv->engine);
    qn_pool_free(sv->pool);
    qn_logger_free(sv->logger);
    qn_metrics_free(sv->metrics);
    qn_budget_release(&sv->budget);
    qn_arena_release(&sv->ar);
    *sv = (struct qn_serve){0};
}
