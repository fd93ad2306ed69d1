#include "api/api_index.h"

#include "config/yaml.h"
#include "http/request.h"
#include "qn/index.h"
#include "json/writer.h"

#define CONFIG_MAX (1u << 20)

/* Ends an answer that was begun, or drops it. */
static int end_answer(struct qn_request *rq, struct qn_jw *w, int rc)
{
    if (rc == QN_OK)
        return qn_jw_finish(w);
    qn_jw_release(w);
    qn_buf_clear(&rq->out);
    return rc;
}

static int list_indexes(struct qn_request *rq)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    return end_answer(
        rq, &w, qn_index_list(rq->ctx, qn_request_str(rq, "index_id_patterns"), &w, &rq->err));
}

/* The last word of the subtype: "yaml" of application/x-yaml; none: JSON. */
static bool media_is(struct qn_str type, const char *word)
{
    type = qn_str_trim(qn_str_first(type, qn_str_find_byte(type, ';')));
    struct qn_str want = qn_str_of(word);
    return type.n >= want.n && qn_str_eq_nocase(qn_str_from(type, type.n - want.n), want);
}

/* The body as JSON; what YAML was turned into lies in the arena. */
static int config_json(struct qn_request *rq, struct qn_str *out)
{
    struct qn_str type = qn_request_header(rq, "Content-Type");
    *out = rq->body;
    if (media_is(type, "yaml")) {
        const struct qn_yaml_source src = {.name = QN_STR("body"), .text = rq->body};
        struct qn_buf json;
        qn_buf_init(&json, 4 * CONFIG_MAX);
        int rc = qn_yaml_to_json(&src, &json, &rq->err);
        if (rc == QN_OK)
            *out = qn_arena_str(&rq->arena, qn_buf_str(&json));
        qn_buf_release(&json);
        return rc == QN_OK && out->p == NULL ? QN_E_BUDGET : rc;
    }
    if (!media_is(type, "toml"))
        return QN_OK;
    return qn_fail(&rq->err, QN_E_UNSUPPORTED,
                   "index configurations are read as application/json or application/yaml");
}

static int create_index(struct qn_request *rq)
{
    struct qn_jw w;
    struct qn_str json;
    int rc = config_json(rq, &json);
    if (rc < 0)
        return rc;
    qn_answer_begin(rq, 200, &w);
    rc = qn_index_create(rq->ctx, json, qn_request_flag(rq, "overwrite"), &w, &rq->err);
    return end_answer(rq, &w, rc);
}

static int get_index(struct qn_request *rq)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    return end_answer(rq, &w, qn_index_get(rq->ctx, qn_request_path(rq, "index"), &w, &rq->err));
}

static int describe_index(struct qn_request *rq)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    return end_answer(rq, &w,
                      qn_index_describe(rq->ctx, qn_request_path(rq, "index"), &w, &rq->err));
}

static int delete_index(struct qn_request *rq)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    return end_answer(rq, &w,
                      qn_index_delete(rq->ctx, qn_request_path(rq, "index"),
                                      qn_request_flag(rq, "dry_run"), &w, &rq->err));
}

static const struct qn_param list_params[] = {
    {"index_id_patterns", QN_PARAM_STR, .help = "names, comma separated; '*' is any run"}, {0}};
static const struct qn_param create_params[] = {
    {"overwrite", QN_PARAM_BOOL, .def = "false", .help = "delete an index of that name before"},
    {0}};
static const struct qn_param delete_params[] = {
    {"dry_run", QN_PARAM_BOOL, .def = "false", .help = "only say what would be deleted"}, {0}};

static const struct qn_route routes[] = {
    {QN_GET, "/indexes", list_indexes, list_params, .help = "The indexes"},
    {QN_POST, "/indexes", create_index, create_params, .body = QN_BODY_WHOLE,
     .body_limit_bytes = CONFIG_MAX, .help = "Makes an index from its configuration"},
    {QN_GET, "/indexes/{index}", get_index, .help = "An index: configuration and metadata"},
    {QN_GET, "/indexes/{index}/describe", describe_index, .help = "Counts and sizes of an index"},
    {QN_DELETE, "/indexes/{index}", delete_index, delete_params,
     .help = "Deletes an index with its data"},
};

const struct qn_route_table qn_api_index_routes = {
    .name = "indexes",
    .dialect = QN_DIALECT_NATIVE,
    .routes = routes,
    .n_routes = QN_COUNT_OF(routes),
};
