#include "api/api_node.h"

#include <string.h>

#include "base/hash.h"
#include "http/media.h"
#include "http/request.h"
#include "json/writer.h"

void qn_api_cluster_uuid(char out[23], struct qn_str cluster_id)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t h[2];
    h[0] = qn_hash_str(cluster_id);
    h[1] = qn_hash(h, sizeof h[0]) ^ cluster_id.n;
    for (size_t i = 0; i < 22; i++) {
        out[i] = digits[h[i / 11] & 63];
        h[i / 11] >>= 6;
    }
    out[22] = '\0';
}

static int answer(struct qn_request *rq, struct qn_jw *w, struct qn_buf *json)
{
    int rc = qn_jw_finish(w);
    if (rc == QN_OK)
        rc = qn_answer_json(rq, 200, qn_buf_str(json));
    qn_buf_release(json);
    return rc;
}

static int get_version(struct qn_request *rq)
{
    const struct qn_api_node *nd = rq->ctx;
    const struct qn_build *b = nd->build;
    struct qn_buf json;
    struct qn_jw w;
    qn_buf_init(&json, 1 << 16);
    qn_jw_init(&w, &json, NULL);
    qn_jw_obj(&w);
    qn_jw_key(&w, "build");
    qn_jw_obj(&w);
    qn_jw_kv_z(&w, "build_date", b->date);
    qn_jw_kv_z(&w, "build_profile", b->profile);
    qn_jw_kv_z(&w, "build_target", b->target);
    qn_jw_kv_z(&w, "cargo_pkg_version", b->version);
    qn_jw_kv_z(&w, "commit_date", b->date);
    qn_jw_kv_z(&w, "commit_hash", b->commit);
    qn_jw_kv_z(&w, "commit_short_hash", b->commit_short);
    qn_jw_key(&w, "commit_tags");
    qn_jw_arr(&w);
    struct qn_str rest = qn_str_of(b->commit_tags), tag;
    while (qn_str_split(&rest, ',', &tag))
        if (tag.n != 0)
            qn_jw_str(&w, tag);
    qn_jw_end(&w);
    qn_jw_kv_z(&w, "version", b->version);
    qn_jw_end(&w);
    qn_jw_key(&w, "runtime");
    qn_jw_obj(&w);
    qn_jw_kv_u64(&w, "num_cpus", nd->n_cpus);
    qn_jw_kv_u64(&w, "num_threads_blocking", nd->n_workers);
    qn_jw_kv_u64(&w, "num_threads_non_blocking", nd->n_io_threads);
    qn_jw_kv_z(&w, "simd", nd->simd);
    qn_jw_end(&w);
    qn_jw_end(&w);
    return answer(rq, &w, &json);
}

static void put_member(struct qn_jw *w, const struct qn_api_node *nd)
{
    qn_jw_arr(w);
    qn_jw_obj(w);
    qn_jw_kv_str(w, "node_id", nd->cfg->node_id);
    qn_jw_kv_i64(w, "generation_id", nd->generation);
    qn_jw_key(w, "gossip_advertise_addr");
    qn_jw_printf(w, QN_STR_FMT ":%u", QN_STR_ARG(nd->cfg->advertise_address),
                 atomic_load_explicit(&nd->port, memory_order_relaxed)); /* a number, no more */
    qn_jw_end(w);
    qn_jw_end(w);
}

static int get_cluster(struct qn_request *rq)
{
    const struct qn_api_node *nd = rq->ctx;
    struct qn_buf json;
    struct qn_jw w;
    qn_buf_init(&json, 1 << 16);
    qn_jw_init(&w, &json, NULL);
    qn_jw_obj(&w);
    qn_jw_kv_str(&w, "cluster_id", nd->cfg->cluster_id);
    qn_jw_kv_str(&w, "self_node_id", nd->cfg->node_id);
    qn_jw_key(&w, "ready_nodes");
    put_member(&w, nd);
    qn_jw_key(&w, "live_nodes"); /* alive but not ready: nobody but this node could be */
    qn_jw_arr(&w);
    qn_jw_end(&w);
    qn_jw_key(&w, "dead_nodes");
    qn_jw_arr(&w);
    qn_jw_end(&w);
    qn_jw_key(&w, "chitchat_state_snapshot");
    qn_jw_obj(&w);
    qn_jw_end(&w);
    qn_jw_end(&w);
    return answer(rq, &w, &json);
}

static int get_config(struct qn_request *rq)
{
    const struct qn_api_node *nd = rq->ctx;
    struct qn_buf json;
    struct qn_jw w;
    qn_buf_init(&json, 1 << 20);
    qn_jw_init(&w, &json, NULL);
    qn_config_print_json(nd->cfg, &w);
    return answer(rq, &w, &json);
}

/* Browsers list text/html first; clients of the API do not ask for it at all. */
static bool wants_page(const struct qn_request *rq)
{
    struct qn_str rest = qn_request_header(rq, "Accept"), one;
    while (qn_str_split(&rest, ',', &one)) {
        struct qn_str type = qn_str_trim(qn_str_first(one, qn_str_find_byte(one, ';')));
        if (qn_str_eq_nocase(type, QN_STR("text/html")) ||
            qn_str_eq_nocase(type, QN_STR("application/xhtml+xml")))
            return true;
    }
    return false;
}

static int get_root(struct qn_request *rq)
{
    const struct qn_api_node *nd = rq->ctx;
    const struct qn_build *b = nd->build;
    qn_answer_header(rq, "Vary", QN_STR("Accept"));
    if (!rq->match.under_prefix && wants_page(rq)) {
        rq->status = 302;
        qn_answer_header(rq, "Location", QN_STR("/ui/"));
        qn_answer_type(rq, "text/plain; charset=utf-8");
        return 0;
    }
    struct qn_buf json;
    struct qn_jw w;
    qn_buf_init(&json, 1 << 16);
    qn_jw_init(&w, &json, NULL);
    qn_jw_obj(&w);
    qn_jw_kv_str(&w, "name", nd->cfg->node_id);
    qn_jw_kv_str(&w, "cluster_name", nd->cfg->cluster_id);
    qn_jw_kv_z(&w, "cluster_uuid", nd->cluster_uuid);
    qn_jw_key(&w, "version");
    qn_jw_obj(&w);
    qn_jw_kv_str(&w, "number", nd->cfg->elastic_version);
    qn_jw_kv_z(&w, "build_flavor", "default");
    qn_jw_kv_z(&w, "build_type", "tar");
    qn_jw_kv_z(&w, "build_hash", b->commit);
    qn_jw_kv_z(&w, "build_date", b->date);
    qn_jw_kv_bool(&w, "build_snapshot", false);
    qn_jw_kv_z(&w, "lucene_version", "9.12.2");
    qn_jw_kv_z(&w, "minimum_wire_compatibility_version", "7.17.0");
    qn_jw_kv_z(&w, "minimum_index_compatibility_version", "7.0.0");
    qn_jw_end(&w);
    qn_jw_kv_z(&w, "tagline", "You Know, for Search");
    qn_jw_end(&w);
    return answer(rq, &w, &json);
}

static const struct qn_route node_routes[] = {
    {.methods = QN_GET,
     .pattern = "/version",
     .handler = get_version,
     .flags = QN_ROUTE_TRIVIAL,
     .help = "What this server was built from and runs on"},
    {.methods = QN_GET,
     .pattern = "/cluster",
     .handler = get_cluster,
     .flags = QN_ROUTE_TRIVIAL,
     .help = "The nodes of the cluster"},
    {.methods = QN_GET,
     .pattern = "/config",
     .handler = get_config,
     .flags = QN_ROUTE_TRIVIAL,
     .help = "The effective configuration of this node"},
};

static const struct qn_route root_routes[] = {
    {.methods = QN_GET,
     .pattern = "/",
     .handler = get_root,
     .flags = QN_ROUTE_TRIVIAL,
     .help = "Name and version, as Elasticsearch clients want them; browsers go to /ui/"},
};

const struct qn_route_table qn_api_node_routes = {
    .name = "node",
    .dialect = QN_DIALECT_NATIVE,
    .routes = node_routes,
    .n_routes = QN_COUNT_OF(node_routes),
};

const struct qn_route_table qn_api_root_routes = {
    .name = "root",
    .dialect = QN_DIALECT_ELASTIC,
    .routes = root_routes,
    .n_routes = QN_COUNT_OF(root_routes),
};
