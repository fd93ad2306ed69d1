#include "api/api_search.h"

#include <stdio.h>

#include "http/request.h"
#include "os/thread.h"
#include "qn/search.h"
#include "json/dom.h"
#include "json/writer.h"

enum { HITS_MAX = 10000, HITS_DEFAULT = 20, BODY_MAX = 1 << 20 };

/* ---- what is asked */

static int split_fields(struct qn_request *rq, struct qn_str list, struct qn_search_ask *ask)
{
    struct qn_str one, rest = list;
    uint32_t n = 1;
    for (size_t i = 0; i < list.n; i++)
        n += list.p[i] == ',';
    struct qn_str *names = qn_arena_array(&rq->arena, struct qn_str, n);
    if (names == NULL)
        return QN_E_BUDGET;
    while (list.n != 0 && qn_str_split(&rest, ',', &one)) {
        one = qn_str_trim(one);
        if (one.n != 0)
            names[ask->n_fields++] = one;
    }
    ask->fields = ask->n_fields != 0 ? names : NULL;
    return QN_OK;
}

static int check_limits(struct qn_request *rq, uint64_t max_hits, uint64_t start_offset,
                        struct qn_search_ask *ask)
{
    if (max_hits > HITS_MAX)
        return qn_fail(&rq->err, QN_E_RANGE, "max value for max_hits is %d, but got %llu", HITS_MAX,
                       (unsigned long long)max_hits);
    if (start_offset > HITS_MAX)
        return qn_fail(&rq->err, QN_E_RANGE, "max value for start_offset is %d, but got %llu",
                       HITS_MAX, (unsigned long long)start_offset);
    ask->max_hits = (uint32_t)max_hits;
    ask->start_offset = (uint32_t)start_offset;
    return QN_OK;
}

static int ask_of_params(struct qn_request *rq, struct qn_search_ask *ask)
{
    const char *sort = qn_request_given(rq, "sort_by_field") ? "sort_by_field" : "sort_by";
    ask->query = qn_request_str(rq, "query");
    ask->sort_by = qn_request_str(rq, sort);
    ask->has_start = qn_request_given(rq, "start_timestamp");
    ask->has_end = qn_request_given(rq, "end_timestamp");
    if (ask->has_start)
        ask->start_s = qn_request_i64(rq, "start_timestamp");
    if (ask->has_end)
        ask->end_s = qn_request_i64(rq, "end_timestamp");
    int rc = split_fields(rq, qn_request_str(rq, "search_field"), ask);
    return rc < 0 ? rc
                  : check_limits(rq, qn_request_u64(rq, "max_hits"),
                                 qn_request_u64(rq, "start_offset"), ask);
}

static const char *const body_keys[] = {
    "query",        "search_field", "start_timestamp", "end_timestamp", "max_hits",
    "start_offset", "sort_by",      "sort_by_field",   "count_all",     "format"};

static int read_strings(struct qn_request *rq, struct qn_json_val root, struct qn_search_ask *ask)
{
    struct qn_json_val v;
    struct qn_str fields = QN_STR_NONE;
    if (!qn_json_get(root, "query", &v))
        return qn_fail(&rq->err, QN_E_MISSING,
                       "Request body deserialize error: missing field `query`");
    int rc = qn_json_to_str(v, &ask->query, &rq->err);
    if (rc == QN_OK && qn_json_get(root, "search_field", &v) && !qn_json_is_null(v))
        rc = qn_json_to_str(v, &fields, &rq->err);
    if (rc == QN_OK && (qn_json_get(root, "sort_by", &v) || qn_json_get(root, "sort_by_field", &v)))
        rc = qn_json_to_str(v, &ask->sort_by, &rq->err);
    return rc < 0 ? rc : split_fields(rq, fields, ask);
}

static int read_numbers(struct qn_request *rq, struct qn_json_val root, struct qn_search_ask *ask)
{
    struct qn_json_val v;
    uint64_t max_hits = HITS_DEFAULT, start_offset = 0;
    int rc = QN_OK;
    ask->has_start = qn_json_get(root, "start_timestamp", &v) && !qn_json_is_null(v);
    if (ask->has_start)
        rc = qn_json_to_i64(v, &ask->start_s, &rq->err);
    ask->has_end = qn_json_get(root, "end_timestamp", &v) && !qn_json_is_null(v);
    if (ask->has_end && rc == QN_OK)
        rc = qn_json_to_i64(v, &ask->end_s, &rq->err);
    if (rc == QN_OK && qn_json_get(root, "max_hits", &v))
        rc = qn_json_to_u64(v, &max_hits, &rq->err);
    if (rc == QN_OK && qn_json_get(root, "start_offset", &v))
        rc = qn_json_to_u64(v, &start_offset, &rq->err);
    return rc < 0 ? rc : check_limits(rq, max_hits, start_offset, ask);
}

static int ask_of_body(struct qn_request *rq, struct qn_json_tape *tape, struct qn_search_ask *ask)
{
    int rc = qn_json_read(tape, rq->body, &rq->err);
    if (rc < 0) {
        qn_err_prefix(&rq->err, "Request body deserialize error");
        return rc;
    }
    struct qn_json_val root = qn_json_root(tape);
    rc = qn_json_to_obj(root, &rq->err);
    if (rc == QN_OK)
        rc = qn_json_check_keys(root, body_keys, QN_COUNT_OF(body_keys), &rq->err);
    if (rc == QN_OK)
        rc = read_strings(rq, root, ask);
    return rc < 0 ? rc : read_numbers(rq, root, ask);
}

/* ---- the answer */

static int answer(struct qn_request *rq, const struct qn_search_answer *found, qn_usec started)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    qn_jw_obj(&w);
    qn_jw_kv_u64(&w, "num_hits", found->num_hits);
    qn_jw_key(&w, "hits");
    qn_jw_arr(&w);
    for (uint32_t i = 0; i < found->n_hits; i++)
        qn_jw_raw(&w, found->hits[i]);
    qn_jw_end(&w);
    qn_jw_kv_u64(&w, "elapsed_time_micros", qn_now_us() - started);
    qn_jw_key(&w, "errors");
    qn_jw_arr(&w);
    qn_jw_end(&w);
    qn_jw_end(&w);
    return qn_jw_finish(&w);
}

/* Says where in the query a mistake is. */
static void add_position(struct qn_err *err)
{
    size_t n = strlen(err->msg);
    if (qn_err_class(err->code) == QN_CLASS_INPUT && err->pos != QN_NO_POS)
        snprintf(err->msg + n, sizeof err->msg - n, " (at character %zu of the query)",
                 err->pos + 1);
}

static int run(struct qn_request *rq, struct qn_search_ask *ask)
{
    struct qn_search_answer found;
    struct qn_group group;
    qn_usec started = qn_now_us();
    ask->index_id = qn_request_path(rq, "index");
    qn_group_init(&group, qn_engine_executor(rq->ctx), QN_LANE_SEARCH, 0);
    qn_request_watch_group(rq, &group);
    int rc = qn_engine_search(rq->ctx, ask, &group, &rq->arena, &found, &rq->err);
    qn_request_watch_group(rq, NULL);
    if (rc < 0) {
        add_position(&rq->err);
        return rc;
    }
    return answer(rq, &found, started);
}

static int search_get(struct qn_request *rq)
{
    struct qn_search_ask ask = {0};
    int rc = ask_of_params(rq, &ask);
    return rc < 0 ? rc : run(rq, &ask);
}

static int search_post(struct qn_request *rq)
{
    struct qn_search_ask ask = {0};
    struct qn_json_tape tape;
    qn_json_tape_init(&tape, NULL);
    int rc = ask_of_body(rq, &tape, &ask);
    if (rc == QN_OK)
        rc = run(rq, &ask);
    qn_json_tape_release(&tape);
    return rc;
}

static const struct qn_param params[] = {
    {"query", QN_PARAM_STR, QN_PARAM_REQUIRED, .help = "query in Quickwit's language"},
    {"search_field", QN_PARAM_STR, .help = "instead of the index's default fields; a comma list"},
    {"start_timestamp", QN_PARAM_I64, .help = "seconds since 1970, inclusive"},
    {"end_timestamp", QN_PARAM_I64, .help = "seconds since 1970, exclusive"},
    {"max_hits", QN_PARAM_U64, .def = "20", .help = "documents to return"},
    {"start_offset", QN_PARAM_U64, .def = "0", .help = "documents to pass over"},
    {"sort_by", QN_PARAM_STR, .help = "the timestamp field; '-' before it: oldest first"},
    {"sort_by_field", QN_PARAM_STR, .help = "the same as sort_by"},
    {"count_all", QN_PARAM_BOOL, .def = "true", .help = "hits are always counted exactly"},
    {0}};

static const struct qn_route routes[] = {
    {QN_GET, "/{index}/search", search_get, params, .lane = QN_HTTP_SEARCH,
     .help = "Searches an index"},
    {QN_POST, "/{index}/search", search_post, .lane = QN_HTTP_SEARCH, .body = QN_BODY_WHOLE,
     .body_limit_bytes = BODY_MAX, .help = "Searches an index; the same keys in a JSON body"},
};

const struct qn_route_table qn_api_search_routes = {
    .name = "search",
    .dialect = QN_DIALECT_NATIVE,
    .routes = routes,
    .n_routes = QN_COUNT_OF(routes),
};
