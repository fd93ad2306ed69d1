#include "http_fixture.h"

#include "http/error.h"
#include "json/writer.h"

/* Routing, framing and manners of the front, over real sockets. */

static int hello(struct qn_request *rq)
{
    qn_answer_borrow(rq, QN_STR("true"));
    return 0;
}

/* What arrived, as JSON. */
static int echo(struct qn_request *rq)
{
    struct qn_jw w;
    qn_answer_begin(rq, 200, &w);
    qn_jw_obj(&w);
    qn_jw_kv_z(&w, "method", qn_method_name(rq->method));
    if (rq->match.n_values > 0)
        qn_jw_kv_str(&w, "first", rq->match.values[0]);
    qn_jw_kv_str(&w, "body", rq->body);
    qn_jw_kv_str(&w, "id", rq->id);
    qn_jw_end(&w);
    return qn_jw_finish(&w);
}

static int fails(struct qn_request *rq)
{
    struct qn_str how = qn_request_path(rq, "how");
    if (qn_str_is(how, "missing"))
        return qn_fail(&rq->err, QN_E_NOT_FOUND, "index `x` not found");
    if (qn_str_is(how, "bug"))
        return qn_fail(&rq->err, QN_E_BUG, "secret detail");
    if (qn_str_is(how, "full"))
        return QN_E_NO_SPACE;
    struct qn_problem pb = {.status = 404,
                            .type = "index_not_found_exception",
                            .reason = QN_STR("no such index [x]"),
                            .extra = QN_STR("\"index\":\"x\""),
                            .caused_by_type = "inner",
                            .caused_by_reason = QN_STR("why")};
    qn_answer_problem(rq, &pb);
    return 0;
}

static int asset(struct qn_request *rq)
{
    qn_answer_type(rq, "text/css");
    qn_answer_etag(rq, QN_STR("\"v1\""));
    qn_answer_borrow(rq, QN_STR("body { color: red }"));
    return 0;
}

static int guard(void *ctx, struct qn_request *rq)
{
    (void)ctx;
    struct qn_str given = qn_request_header(rq, "authorization");
    if (given.p == NULL)
        return 0;
    if (qn_str_is(given, "Basic broken"))
        return QN_E_UNAVAILABLE;
    return qn_str_is(given, "Basic good") ? 0 : QN_E_ACCESS;
}

static const struct qn_param some_params[] = {{"n", QN_PARAM_U64, .def = "3"}, {0}};

#define ANY (QN_GET | QN_POST | QN_PUT | QN_DELETE | QN_PATCH)

static const struct qn_route native_routes[] = {
    {QN_GET, "/livez", hello, .flags = QN_ROUTE_TRIVIAL},
    {ANY, "/echo/{x}", echo, some_params, .body = QN_BODY_WHOLE},
    {QN_GET, "/fails/{how}", fails},
    {QN_GET, "/asset", asset},
};
static const struct qn_route elastic_routes[] = {
    {QN_GET, "/", echo},
    {QN_GET | QN_POST, "/{index}/_search", echo, .body = QN_BODY_WHOLE, .flags = QN_ROUTE_JSON},
    {QN_PUT | QN_POST, "/_bulk", echo, .body = QN_BODY_WHOLE, .flags = QN_ROUTE_NDJSON},
    {QN_GET, "/_fails/{how}", fails},
};
static const struct qn_route_table native = {"native", QN_DIALECT_NATIVE, native_routes,
                                             QN_COUNT_OF(native_routes)};
static const struct qn_route_table elastic = {"elastic", QN_DIALECT_ELASTIC, elastic_routes,
                                              QN_COUNT_OF(elastic_routes)};
static const struct qn_route_table *const tables[] = {&elastic, &native, &elastic, NULL};
static const char *const prefixes[] = {"", "/api/v1", "/api/v1/_elastic"};

static int set_up(void **state)
{
    static struct fixture fx;
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    opt.cors_origins = QN_STR("https://ok.example, http://localhost:3000");
    opt.extra_headers = QN_STR("X-One: 1\nX-Two:  two words \r\n");
    opt.auth = guard;
    opt.max_connections = 64;
    fixture_start(&fx, &opt, tables, prefixes, NULL);
    *state = &fx;
    return 0;
}

static int tear_down(void **state)
{
    fixture_stop(*state);
    return 0;
}

#define H "Host: a\r\n"

struct row {
    const char *request;
    int status;
    const char *header, *value; /* NULL header: not looked at; NULL value: must be absent */
    const char *body;           /* a part of it; NULL: not looked at */
};

static void run_rows(const struct fixture *fx, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct answer an;
        ask(fx, rows[i].request, &an);
        if (an.status != rows[i].status)
            fail_msg("%s\n-> %.*s", rows[i].request, QN_STR_ARG(qn_buf_str(&an.raw)));
        struct qn_str v = rows[i].header ? answer_header(&an, rows[i].header) : QN_STR_NONE;
        if (rows[i].header && (rows[i].value ? !qn_str_is(v, rows[i].value) : v.p != NULL))
            fail_msg("%s\n-> %.*s", rows[i].request, QN_STR_ARG(qn_buf_str(&an.raw)));
        if (rows[i].body && qn_str_find(an.body, qn_str_of(rows[i].body)) == SIZE_MAX)
            fail_msg("%s\n-> %.*s", rows[i].request, QN_STR_ARG(qn_buf_str(&an.raw)));
        answer_release(&an);
    }
}

static void routing(void **state)
{
    static const struct row rows[] = {
        {"GET /api/v1/livez HTTP/1.1\r\n" H "\r\n", 200, "Content-Type", "application/json",
         "true"},
        {"HEAD /api/v1/livez HTTP/1.1\r\n" H "\r\n", 200, "Content-Length", "4", NULL},
        {"GET /api/v1//livez/ HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL, "true"},
        {"GET /api/v1/echo/a%2Fb%20c HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL, "a/b c"},
        {"GET /api/v1/echo/x?format=json HTTP/1.1\r\n" H "\r\n", 200, "X-Elastic-Product", NULL,
         "{\"method\":\"GET\",\"first\":\"x\","},
        {"GET /api/v1/echo/x HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL, "{\n  \"method\": \"GET\","},
        {"GET http://other/api/v1/echo/x HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL, "GET"},
        {"GET /api/v1/livez HTTP/1.0\r\n\r\n", 200, NULL, NULL, "true"},
        {"GET / HTTP/1.1\r\n" H "\r\n", 200, "X-Elastic-Product", "Elasticsearch", "{\"method\""},
        {"HEAD / HTTP/1.1\r\n" H "\r\n", 200, "X-Elastic-Product", "Elasticsearch", NULL},
        {"GET /api/v1/_elastic/ HTTP/1.1\r\n" H "\r\n", 200, "X-Elastic-Product", "Elasticsearch",
         NULL},
        {"GET /logs/_search?pretty HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL,
         "{\n  \"method\" : \"GET\""},
        {"GET /logs/_search?filter_path=first HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL,
         "{\"first\":\"logs\"}"},
        {"GET /api/v1/livez HTTP/1.1\r\n" H "\r\n", 200, "X-Two", "two words", NULL},
    };
    run_rows(*state, rows, QN_COUNT_OF(rows));
}

static void refusals(void **state)
{
    static const struct row rows[] = {
        {"GET /api/v1/nope HTTP/1.1\r\n" H "\r\n", 404, "Content-Type", "application/json",
         "{\n  \"message\": \"Route not found\"\n}"},
        {"GET /api/v1/nope?format=json HTTP/1.1\r\n" H "\r\n", 404, NULL, NULL,
         "{\"message\":\"Route not found\"}"},
        {"PUT /api/v1/livez HTTP/1.1\r\n" H "\r\n", 405, "Allow", "GET", "\"message\""},
        {"BREW /api/v1/echo/x HTTP/1.1\r\n" H "\r\n", 405, "Allow", "GET,POST,PUT,DELETE,PATCH",
         NULL},
        {"GET /api/v1/echo/x?m=1 HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL,
         "Invalid query string: unknown field `m`"},
        {"GET /api/v1/echo/x?n=a HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, "non-negative integer"},
        {"GET /nope/nope/nope HTTP/1.1\r\n" H "\r\n", 400, "X-Elastic-Product", "Elasticsearch",
         "{\"error\":\"no handler found for uri [/nope/nope/nope] and method [GET]\"}"},
        {"GET /_bulk?x HTTP/1.1\r\n" H "\r\n", 405, "Allow", "POST,PUT",
         "{\"error\":\"Incorrect HTTP method for uri [/_bulk?x] and method [GET], allowed: "
         "[POST, PUT]\",\"status\":405}"},
        {"GET /x/_search?sizes=1 HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL,
         "{\"error\":{\"root_cause\":[{\"type\":\"illegal_argument_exception\",\"reason\":"
         "\"request [/x/_search] contains unrecognized parameter: [sizes]"},
        {"GET /x/_search?format=yaml HTTP/1.1\r\n" H "\r\n", 406, NULL, NULL, "\"status\":406"},
        {"GET /a%zz HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, "offset 2"},
        {"GET /api/v1/echo/%00 HTTP/1.1\r\n" H "\r\n", 400, NULL, NULL, "%00"},
        {"GET /api/v1/fails/missing HTTP/1.1\r\n" H "\r\n", 404, NULL, NULL, "index `x` not found"},
        {"GET /api/v1/fails/bug HTTP/1.1\r\n" H "\r\n", 500, NULL, NULL, "internal server error"},
        {"GET /api/v1/fails/full HTTP/1.1\r\n" H "\r\n", 429, "Retry-After", "1", "no space"},
        {"GET /_fails/problem HTTP/1.1\r\n" H "\r\n", 404, "X-Elastic-Product", "Elasticsearch",
         "{\"error\":{\"root_cause\":[{\"type\":\"index_not_found_exception\",\"reason\":\"no such "
         "index [x]\",\"index\":\"x\"}],\"type\":\"index_not_found_exception\",\"reason\":\"no "
         "such "
         "index [x]\",\"index\":\"x\",\"caused_by\":{\"type\":\"inner\",\"reason\":\"why\"}},"
         "\"status\":404}"},
        {"GET /_fails/missing?filter_path=status HTTP/1.1\r\n" H "\r\n", 404, NULL, NULL,
         "{\"status\":404}"},
        {"GET / HTTP/1.1\r\n" H "Authorization: Basic bad\r\n\r\n", 401, "WWW-Authenticate",
         "Basic realm=\"security\", charset=\"UTF-8\", ApiKey", "security_exception"},
        {"GET / HTTP/1.1\r\n" H "Authorization: Basic broken\r\n\r\n", 503, NULL, NULL, NULL},
        {"GET / HTTP/1.1\r\n" H "Authorization: Basic good\r\n\r\n", 200, NULL, NULL, NULL},
    };
    run_rows(*state, rows, QN_COUNT_OF(rows));
}

static void manners(void **state)
{
    static const struct row rows[] = {
        {"GET / HTTP/1.1\r\n" H "X-Opaque-Id: mine\r\n\r\n", 200, "X-Opaque-Id", "mine",
         "\"id\":\"mine\""},
        {"GET /api/v1/echo/x HTTP/1.1\r\n" H "X-Request-Id: r-1\r\n\r\n", 200, "X-Request-Id",
         "r-1", "r-1"},
        /* media types */
        {"GET / HTTP/1.1\r\n" H
         "Accept: application/vnd.elasticsearch+json; compatible-with=8\r\n\r\n",
         200, "Content-Type", "application/vnd.elasticsearch+json;compatible-with=8", NULL},
        {"GET / HTTP/1.1\r\n" H
         "Accept: application/vnd.elasticsearch+json; compatible-with=8,text/plain\r\n\r\n",
         200, "Content-Type", "application/json", NULL},
        {"POST /x/_search HTTP/1.1\r\n" H
         "Content-Type: APPLICATION/json ; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
         200, NULL, NULL, "\"body\":\"{}\""},
        {"POST /x/_search HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\n{}", 200, NULL, NULL, NULL},
        {"POST /x/_search HTTP/1.1\r\n" H
         "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n{}",
         406, NULL, NULL,
         "{\"error\":\"Content-Type header [application/x-www-form-urlencoded] is not "
         "supported\",\"status\":406}"},
        {"POST /x/_search HTTP/1.1\r\n" H
         "Content-Type: application/x-ndjson\r\nContent-Length: 2\r\n\r\n{}",
         406, NULL, NULL, NULL},
        {"PUT /_bulk HTTP/1.1\r\n" H "Content-Type: application/vnd.elasticsearch+x-ndjson;"
         "compatible-with=9\r\nContent-Length: 2\r\n\r\n{}",
         200, NULL, NULL, NULL},
        {"POST /_bulk HTTP/1.1\r\n" H
         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
         200, NULL, NULL, NULL},
        {"POST /x/_search HTTP/1.1\r\n" H "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
         200, NULL, NULL, NULL},
        /* CORS */
        {"GET / HTTP/1.1\r\n" H "Origin: https://ok.example\r\n\r\n", 200,
         "Access-Control-Allow-Origin", "https://ok.example", NULL},
        {"GET / HTTP/1.1\r\n" H "Origin: https://evil.example\r\n\r\n", 200,
         "Access-Control-Allow-Origin", NULL, NULL},
        {"OPTIONS /_bulk HTTP/1.1\r\n" H "Origin: http://localhost:3000\r\n"
         "Access-Control-Request-Method: POST\r\n\r\n",
         200, "Access-Control-Allow-Methods", "POST,PUT", NULL},
        {"OPTIONS /_bulk HTTP/1.1\r\n" H "\r\n", 200, "Allow", "POST,PUT", NULL},
        {"OPTIONS /api/v1/nope HTTP/1.1\r\n" H "\r\n", 404, NULL, NULL, NULL},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 200, NULL, NULL, NULL},
        /* validators */
        {"GET /api/v1/asset HTTP/1.1\r\n" H "\r\n", 200, "ETag", "\"v1\"", "color: red"},
        {"GET /api/v1/asset HTTP/1.1\r\n" H "If-None-Match: \"v0\", W/\"v1\"\r\n\r\n", 304, "ETag",
         "\"v1\"", NULL},
        {"GET /api/v1/asset HTTP/1.1\r\n" H "If-None-Match: \"v0\"\r\n\r\n", 200, NULL, NULL, NULL},
        {"HEAD /api/v1/asset HTTP/1.1\r\n" H "\r\n", 200, "Content-Length", "19", NULL},
    };
    run_rows(*state, rows, QN_COUNT_OF(rows));
}

#define CHUNKED "Transfer-Encoding: chunked\r\n"

/* dependencies.md: what the library lets pass and two parsers could read differently. Each must be
 * answered with 400 and the connection closed, so that what follows is never read as a request. */
static void smuggling(void **state)
{
    static const char *const rows[] = {
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length: 3\r\n" CHUNKED
        "\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H CHUNKED "Content-Length: 3\r\n"
        "\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H
        "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H CHUNKED CHUNKED "\r\n0\r\n\r\n",
        "GET /api/v1/livez HTTP/1.1\r\n\r\n",
        "GET /api/v1/livez HTTP/1.1\r\n" H "Host: b\r\n\r\n",
        "GET /api/v1/livez HTTP/1.1\r\n" H "X-A : 1\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length : 3\r\n\r\nabc",
        "GET /api/v1/livez HTTP/1.1\r\n" H "X-A: 1\r\n  2 3\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length:\r\n 3\r\n\r\nabc",
        "GET /api/v1/livez HTTP/1.1\r\n" H "X(A): 1\r\n\r\n",
        "GET /api/v1/livez HTTP/1.1\r\n" H "X-A: a\x01"
        "b\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length: 3x\r\n\r\nabc",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\nabc",
        "POST /api/v1/echo/x HTTP/1.0\r\n" H CHUNKED "\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET /api/v1/livez x HTTP/1.1\r\n" H "\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H CHUNKED "\r\nzz\r\nabc\r\n0\r\n\r\n",
        "POST /api/v1/echo/x HTTP/1.1\r\n" H CHUNKED "\r\n3\r\nabcd\r\n0\r\n\r\n",
    };
    const struct fixture *fx = *state;
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_buf in;
        int fd = dial(fx);
        qn_buf_init(&in, SIZE_MAX);
        send_all(fd, rows[i], strlen(rows[i]));
        send_all(fd, "GET /api/v1/livez HTTP/1.1\r\nHost: smuggled\r\n\r\n", 46);
        ssize_t got;
        do
            got = read_some(fd, &in, PATIENCE_US);
        while (got > 0);
        struct qn_str all = qn_buf_str(&in);
        if (got != 0 || qn_str_find(all, QN_STR(" 200 OK")) != SIZE_MAX ||
            (in.n > 0 && !qn_str_starts(all, QN_STR("HTTP/1.1 400")) &&
             !qn_str_starts(all, QN_STR("HTTP/1.0 400"))))
            fail_msg("%s\n-> (%zd) %.*s", rows[i], got, QN_STR_ARG(all));
        qn_buf_release(&in);
        close(fd);
    }
}

static void bodies_with_any_method(void **state)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH"};
    const struct fixture *fx = *state;
    for (size_t i = 0; i < QN_COUNT_OF(methods); i++) {
        char request[256];
        struct answer an;
        snprintf(request, sizeof request,
                 "%s /api/v1/echo/x?format=json HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello",
                 methods[i]);
        ask(fx, request, &an);
        assert_int_equal(an.status, 200);
        assert_true(qn_str_find(an.body, QN_STR("\"body\":\"hello\"")) != SIZE_MAX);
        answer_release(&an);
        snprintf(request, sizeof request,
                 "%s /api/v1/echo/x?format=json HTTP/1.1\r\n" H CHUNKED
                 "\r\n3;ext=1\r\nhel\r\n2\r\nlo\r\n0\r\nX-T: 1\r\n\r\n",
                 methods[i]);
        ask(fx, request, &an);
        assert_int_equal(an.status, 200);
        assert_true(qn_str_find(an.body, QN_STR("\"body\":\"hello\"")) != SIZE_MAX);
        answer_release(&an);
    }
}

static void pipelining(void **state)
{
    const struct fixture *fx = *state;
    struct answer an;
    int fd = dial(fx);
    answer_init(&an);
    send_z(fd, "POST /api/v1/echo/one?format=json HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
               "GET /api/v1/livez HTTP/1.1\r\n" H "\r\n"
               "GET /api/v1/nope HTTP/1.1\r\n" H "\r\n"
               "PUT /api/v1/livez HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\ndrop"
               "GET /logs/_search HTTP/1.1\r\n" H "\r\n");
    static const int want[] = {200, 200, 404, 405, 200};
    for (size_t i = 0; i < QN_COUNT_OF(want); i++) {
        read_answer(fd, &an, false);
        assert_int_equal(an.status, want[i]);
    }
    assert_true(qn_str_find(an.body, QN_STR("logs")) != SIZE_MAX);
    /* and the connection is still good */
    send_z(fd, "GET /api/v1/livez HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
    read_answer(fd, &an, false);
    assert_int_equal(an.status, 200);
    assert_true(closes(fd, PATIENCE_US));
    answer_release(&an);
    close(fd);
}

static void many_connections(void **state)
{
    const struct fixture *fx = *state;
    int fds[80];
    struct answer an;
    answer_init(&an);
    int refused = 0;
    struct qn_server_stats st;
    wait_for((qn_server_stats(fx->sv, &st), st.n_connections == 0));
    for (size_t i = 0; i < QN_COUNT_OF(fds); i++) {
        fds[i] = dial(fx);
        send_z(fds[i], "GET /api/v1/livez HTTP/1.1\r\n" H "\r\n");
        an.used = an.raw.n;
        read_answer(fds[i], &an, false);
        refused += an.status == 503;
    }
    assert_int_equal(refused, 80 - 64);
    for (size_t i = 0; i < QN_COUNT_OF(fds); i++)
        close(fds[i]);
    wait_for((qn_server_stats(fx->sv, &st), st.n_connections == 0));
    answer_release(&an);
    ask(fx, "GET /api/v1/livez HTTP/1.1\r\n" H "\r\n", &an);
    assert_int_equal(an.status, 200);
    answer_release(&an);
}

static void big_heads(void **state)
{
    const struct fixture *fx = *state;
    struct qn_buf rq;
    struct answer an;
    qn_buf_init(&rq, SIZE_MAX);
    qn_buf_put_z(&rq, "GET /api/v1/echo/x HTTP/1.1\r\n" H "X-Big: ");
    qn_buf_fill(&rq, 'a', 20000);
    qn_buf_put_z(&rq, "\r\n\r\n");
    qn_buf_put_u8(&rq, 0);
    ask(fx, rq.p, &an);
    assert_int_equal(an.status, 200);
    answer_release(&an);
    qn_buf_clear(&rq);
    qn_buf_put_z(&rq, "GET /api/v1/livez HTTP/1.1\r\n" H);
    for (int i = 0; i < 250; i++)
        qn_buf_printf(&rq, "X-%d: v\r\n", i);
    qn_buf_put_z(&rq, "\r\n");
    qn_buf_put_u8(&rq, 0);
    ask(fx, rq.p, &an);
    assert_int_equal(an.status, 431);
    assert_str(answer_header(&an, "Connection"), "close");
    answer_release(&an);
    qn_buf_clear(&rq);
    qn_buf_put_z(&rq, "GET /");
    qn_buf_fill(&rq, 'a', 100000);
    qn_buf_put_z(&rq, " HTTP/1.1\r\n" H "\r\n");
    int fd = dial(fx);
    send_all(fd, rq.p, rq.n);
    assert_true(closes(fd, PATIENCE_US));
    close(fd);
    qn_buf_clear(&rq);
    qn_buf_put_z(&rq, "GET /api/v1/livez?x");
    for (int i = 0; i < 300; i++)
        qn_buf_put_z(&rq, "&x=1");
    qn_buf_put_z(&rq, " HTTP/1.1\r\n" H "\r\n");
    qn_buf_put_u8(&rq, 0);
    ask(fx, rq.p, &an);
    assert_int_equal(an.status, 414);
    answer_release(&an);
    qn_buf_release(&rq);
}

static void listening(void **state)
{
    const struct fixture *fx = *state;
    static const char *const bad[] = {"nonsense", "127.0.0.1:99999", "127.0.0.1:", "1.2.3.4.5:1"};
    for (size_t i = 0; i < QN_COUNT_OF(bad) + 1; i++) {
        struct qn_server_options opt;
        struct qn_err err = {0};
        qn_server_options_default(&opt);
        opt.listen = i < QN_COUNT_OF(bad) ? qn_str_of(bad[i]) : qn_server_address(fx->sv);
        struct qn_server *sv = qn_server_new(&opt);
        int rc = qn_server_start(sv, &err);
        assert_true(rc < 0);
        assert_true(strstr(err.msg, "listen") != NULL);
        if (i == QN_COUNT_OF(bad))
            assert_true(strstr(err.msg, "in use") != NULL);
        qn_server_free(sv);
    }
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    opt.listen = QN_STR("127.0.0.1:0");
    opt.tls_cert_pem = QN_STR("not a certificate");
    opt.tls_key_pem = QN_STR("not a key");
    struct qn_err err = {0};
    struct qn_server *sv = qn_server_new(&opt);
    assert_true(qn_server_start(sv, &err) < 0);
    assert_true(strstr(err.msg, "TLS") != NULL);
    qn_server_free(sv);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routing),
        cmocka_unit_test(refusals),
        cmocka_unit_test(manners),
        cmocka_unit_test(smuggling),
        cmocka_unit_test(bodies_with_any_method),
        cmocka_unit_test(pipelining),
        cmocka_unit_test(many_connections),
        cmocka_unit_test(big_heads),
        cmocka_unit_test(listening),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
