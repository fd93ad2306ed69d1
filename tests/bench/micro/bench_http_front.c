/* The front with two routes, for http_livez.py and http_upload.py: GET /health/livez, and POST
 * /discard, which counts the bytes and lines of a streamed body of any length.
 * bench_http_front [threads]: prints its port, serves until its standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/server.h"

struct counts {
    uint64_t bytes, lines;
};

static int livez(struct qn_request *rq)
{
    qn_answer_borrow(rq, QN_STR("true"));
    return 0;
}

static int take(struct qn_request *rq, struct qn_str chunk)
{
    if (rq->state == NULL)
        rq->state = qn_arena_new(&rq->arena, struct counts);
    struct counts *ct = rq->state;
    ct->bytes += chunk.n;
    for (const char *p = chunk.p, *end = p + chunk.n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        ct->lines++;
    return 0;
}

static int discard(struct qn_request *rq)
{
    static const struct counts none;
    const struct counts *ct = rq->state != NULL ? rq->state : &none;
    qn_buf_printf(&rq->out, "{\"bytes\":%llu,\"lines\":%llu}\n", (unsigned long long)ct->bytes,
                  (unsigned long long)ct->lines);
    return 0;
}

static const struct qn_route routes[] = {
    {QN_GET, "/health/livez", livez, .flags = QN_ROUTE_TRIVIAL | QN_ROUTE_ANYTIME},
    {QN_GET, "/worker", livez},
    {QN_POST, "/discard", discard, .body = QN_BODY_STREAM, .on_chunk = take,
     .body_limit_bytes = UINT64_MAX, .lane = QN_HTTP_INGEST},
};
static const struct qn_route_table table = {"bench", QN_DIALECT_OPS, routes, QN_COUNT_OF(routes)};

int main(int argc, char **argv)
{
    struct qn_server_options opt;
    struct qn_err err = {0};
    qn_server_options_default(&opt);
    opt.listen = QN_STR("127.0.0.1:0");
    opt.metrics = qn_metrics_new();
    if (argc > 1)
        opt.io_threads = (unsigned)strtoul(argv[1], NULL, 10);
    struct qn_server *sv = qn_server_new(&opt);
    if (qn_router_mount(qn_server_router(sv), &table, "", NULL, &err) < 0 ||
        qn_server_start(sv, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    printf("%u\n", qn_server_port(sv));
    fflush(stdout);
    while (getchar() != EOF)
        ;
    int rc = qn_server_stop(sv, qn_now_us() + 1000000, 1000000);
    qn_server_free(sv);
    qn_metrics_free(opt.metrics);
    return rc < 0;
}
