#include "http_fixture.h"

#include <stdatomic.h>
#include <zlib.h>
#include <zstd.h>

#include "os/thread.h"

/* Time and ends: late answers, streams, slow clients, clients that leave, stopping. */

struct context {
    struct fixture fx;
    _Atomic int entered, left, cancelled, dropped;
    _Atomic bool go, stubborn;
    _Atomic(struct qn_request *) parked;
};

static int quick(struct qn_request *rq)
{
    qn_answer_borrow(rq, QN_STR("quick"));
    return 0;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Works until told, or until the client is gone. */
static int slow(struct qn_request *rq)
{
    struct context *cx = rq->ctx;
    atomic_fetch_add(&cx->entered, 1);
    while (!atomic_load(&cx->go) && (atomic_load(&cx->stubborn) || !qn_request_cancelled(rq)))
        nap();
    atomic_fetch_add(&cx->left, 1);
    if (qn_request_cancelled(rq)) {
        atomic_fetch_add(&cx->cancelled, 1);
        return qn_fail(&rq->err, QN_E_CANCELLED, "cancelled");
    }
    qn_answer_borrow(rq, QN_STR("done"));
    return 0;
}

static void count_drop(struct qn_request *rq)
{
    atomic_fetch_add(&((struct context *)rq->ctx)->dropped, 1);
}

static void note_cancel(struct qn_request *rq)
{
    atomic_fetch_add(&((struct context *)rq->ctx)->cancelled, 1);
}

static int later(struct qn_request *rq)
{
    struct context *cx = rq->ctx;
    rq->drop_state = count_drop;
    rq->on_cancel = note_cancel;
    atomic_store(&cx->parked, rq);
    return QN_LATER;
}

/* Finishes from another thread, before the handler has returned or after. */
static void finish_it(void *arg)
{
    struct qn_request *rq = arg;
    qn_buf_put_z(&rq->out, "late");
    qn_request_finish(rq, 0);
}

static int later_race(struct qn_request *rq)
{
    struct qn_thread th = {0};
    struct qn_thread_options opt = {.name = "finisher"};
    if (qn_thread_start(&th, &opt, finish_it, rq) < 0)
        return QN_E_BUSY;
    pthread_detach(th.id);
    return QN_LATER;
}

static int watched(struct qn_request *rq)
{
    struct context *cx = rq->ctx;
    struct qn_group g;
    qn_group_init(&g, qn_executor_inline(), QN_LANE_SEARCH, 0);
    qn_request_watch_group(rq, &g);
    atomic_fetch_add(&cx->entered, 1);
    while (qn_group_check(&g) == 0 && !atomic_load(&cx->go))
        nap();
    int rc = qn_group_check(&g);
    qn_request_watch_group(rq, NULL);
    atomic_fetch_add(&cx->cancelled, rc == QN_E_CANCELLED);
    atomic_fetch_add(&cx->left, 1);
    (void)!qn_group_wait(&g);
    return rc;
}

struct rows {
    uint64_t i, n;
    int fail_at;
    bool pause;
};

static int produce_rows(struct qn_request *rq, struct qn_buf *out)
{
    struct rows *rw = rq->state;
    if (rw->fail_at > 0 && rw->i >= (uint64_t)rw->fail_at)
        return qn_fail(&rq->err, QN_E_IO, "the disk is gone");
    if (rw->pause) {
        rw->pause = false;
        atomic_store(&((struct context *)rq->ctx)->parked, rq);
        return QN_LATER;
    }
    for (int k = 0; k < 100 && rw->i < rw->n; k++, rw->i++)
        qn_buf_printf(out, "row %llu\n", (unsigned long long)rw->i);
    rw->pause = qn_request_flag(rq, "pause");
    return rw->i == rw->n ? QN_END : 0;
}

static int rows_handler(struct qn_request *rq)
{
    struct rows *rw = qn_arena_new(&rq->arena, struct rows);
    rw->n = qn_request_u64(rq, "n");
    rw->fail_at = (int)qn_request_u64(rq, "fail_at");
    rq->state = rw;
    rq->drop_state = count_drop;
    rq->on_cancel = note_cancel;
    qn_answer_type(rq, "application/x-ndjson");
    qn_answer_stream(rq, produce_rows);
    return 0;
}

static int lines(struct qn_request *rq)
{
    uint64_t n = qn_request_u64(rq, "n");
    for (uint64_t i = 0; i < n; i++)
        qn_buf_printf(&rq->out, "row %llu\n", (unsigned long long)i);
    return 0;
}

static const struct qn_param row_params[] = {{"n", QN_PARAM_U64, .def = "10"},
                                             {"fail_at", QN_PARAM_U64, .def = "0"},
                                             {"pause", QN_PARAM_BOOL, .def = "false"},
                                             {0}};
static const struct qn_route routes[] = {
    {QN_GET, "/quick", quick, .flags = QN_ROUTE_TRIVIAL | QN_ROUTE_ANYTIME},
    {QN_GET, "/any", quick, .flags = QN_ROUTE_ANYTIME},
    {QN_GET | QN_POST, "/slow", slow, .lane = QN_HTTP_SEARCH, .body = QN_BODY_WHOLE},
    {QN_GET, "/later", later},
    {QN_GET, "/race", later_race},
    {QN_GET, "/watched", watched, .lane = QN_HTTP_SEARCH},
    {QN_GET, "/rows", rows_handler, row_params},
    {QN_GET, "/lines", lines, row_params},
};
static const struct qn_route_table table = {"t", QN_DIALECT_NATIVE, routes, QN_COUNT_OF(routes)};

static void start(struct context *cx, struct qn_server_options *opt)
{
    static const struct qn_route_table *const tables[] = {&table, NULL};
    static const char *const prefixes[] = {""};
    memset(cx, 0, sizeof *cx);
    fixture_start(&cx->fx, opt, tables, prefixes, cx);
}

static void start_default(struct context *cx)
{
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    start(cx, &opt);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void late_answers(void **state)
{
    (void)state;
    struct context cx;
    struct answer an;
    start_default(&cx);
    for (int i = 0; i < 200; i++) {
        ask(&cx.fx, GET("/race"), &an);
        assert_str(an.body, "late");
        answer_release(&an);
    }
    for (int i = 0; i < 3; i++) {
        int fd = dial(&cx.fx);
        atomic_store(&cx.parked, NULL);
        send_z(fd, GET("/later"));
        wait_for(atomic_load(&cx.parked) != NULL);
        struct qn_request *rq = atomic_load(&cx.parked);
        if (i == 1) /* too large to be compressed and sent by the caller */
            qn_buf_fill(&rq->out, 'x', 100000);
        qn_request_finish(rq, i == 2 ? qn_fail(&rq->err, QN_E_NOT_FOUND, "gone") : 0);
        answer_init(&an);
        read_answer(fd, &an, false);
        assert_int_equal(an.status, i == 2 ? 404 : 200);
        if (i == 1)
            assert_int_equal(an.body.n, 100000);
        answer_release(&an);
        close(fd);
        wait_for(atomic_load(&cx.dropped) == i + 1);
    }
    fixture_stop(&cx.fx);
}

static void hang_up_cancels(void **state)
{
    (void)state;
    static const char *const requests[] = {
        GET("/slow"), GET("/watched"),
        "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"};
    struct context cx;
    start_default(&cx);
    for (size_t i = 0; i < QN_COUNT_OF(requests); i++) {
        int fd = dial(&cx.fx), before = atomic_load(&cx.cancelled);
        int entered = atomic_load(&cx.entered);
        send_z(fd, requests[i]);
        wait_for(atomic_load(&cx.entered) == entered + 1);
        close(fd);
        wait_for(atomic_load(&cx.cancelled) == before + 1);
    }
    /* a promised answer: its owner is told */
    int fd = dial(&cx.fx), before = atomic_load(&cx.cancelled);
    send_z(fd, GET("/later"));
    wait_for(atomic_load(&cx.parked) != NULL);
    struct qn_request *rq = atomic_load(&cx.parked);
    close(fd);
    wait_for(atomic_load(&cx.cancelled) == before + 1);
    assert_true(qn_request_cancelled(rq));
    qn_request_finish(rq, QN_E_CANCELLED);
    struct qn_server_stats st;
    wait_for((qn_server_stats(cx.fx.sv, &st), st.n_connections == 0));
    assert_int_equal(qn_metrics_read(cx.fx.metrics, QN_METRIC_HTTP_CANCELLED, 0), 4);
    fixture_stop(&cx.fx);
}

static void expect_rows(struct qn_str body, uint64_t n)
{
    struct qn_buf want;
    qn_buf_init(&want, SIZE_MAX);
    for (uint64_t i = 0; i < n; i++)
        qn_buf_printf(&want, "row %llu\n", (unsigned long long)i);
    assert_int_equal(body.n, want.n);
    assert_memory_equal(body.p, want.p, want.n);
    qn_buf_release(&want);
}

static void inflate_answer(const struct answer *an, struct qn_buf *out)
{
    qn_buf_init(out, SIZE_MAX);
    qn_buf_reserve(out, 1 << 20);
    if (qn_str_is(answer_header(an, "Content-Encoding"), "zstd")) {
        ZSTD_DStream *z = ZSTD_createDStream();
        ZSTD_inBuffer from = {an->body.p, an->body.n, 0};
        ZSTD_outBuffer to = {out->p, out->cap, 0};
        assert_int_equal(ZSTD_decompressStream(z, &to, &from), 0);
        out->n = to.pos;
        ZSTD_freeDStream(z);
        return;
    }
    assert_str(answer_header(an, "Content-Encoding"), "gzip");
    z_stream z = {.next_in = (Bytef *)(uintptr_t)an->body.p, .avail_in = (uInt)an->body.n};
    inflateInit2(&z, 31);
    z.next_out = (Bytef *)out->p;
    z.avail_out = (uInt)out->cap;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    out->n = z.total_out;
    inflateEnd(&z);
}

static void streams(void **state)
{
    (void)state;
    struct context cx;
    struct answer an;
    start_default(&cx);
    ask(&cx.fx, GET("/rows?n=50"), &an); /* short: an ordinary answer */
    assert_false(an.chunked);
    expect_rows(an.body, 50);
    answer_release(&an);
    ask(&cx.fx, GET("/rows?n=100000"), &an);
    assert_true(an.chunked);
    assert_str(answer_header(&an, "Content-Type"), "application/x-ndjson");
    expect_rows(an.body, 100000);
    answer_release(&an);
    ask(&cx.fx, "HEAD /rows?n=100000 HTTP/1.1\r\nHost: a\r\n\r\n", &an);
    assert_int_equal(an.status, 200);
    answer_release(&an);
    /* fails at once: an error; fails on the way: a broken transfer, never a complete one */
    ask(&cx.fx, GET("/rows?n=1000&fail_at=300"), &an);
    assert_int_equal(an.status, 200);
    assert_true(an.cut_short);
    answer_release(&an);
    /* coded, whole and streamed */
    static const char *const accepts[] = {"gzip", "zstd", "gzip;q=0.5, zstd;q=0.1", "*"};
    static const char *const paths[] = {"/rows?n=20000", "/lines?n=20000"};
    for (size_t i = 0; i < QN_COUNT_OF(accepts) * QN_COUNT_OF(paths); i++) {
        char request[200];
        struct qn_buf plain;
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %s\r\n\r\n", paths[i & 1],
                 accepts[i / 2]);
        ask(&cx.fx, request, &an);
        inflate_answer(&an, &plain);
        expect_rows(qn_buf_str(&plain), 20000);
        assert_str(answer_header(&an, "Vary"), "Accept-Encoding");
        qn_buf_release(&plain);
        answer_release(&an);
    }
    static const char *const plain_accepts[] = {"identity", "br", "gzip;q=0",
                                                "gzip; q=0.0, zstd;q=0"};
    for (size_t i = 0; i < QN_COUNT_OF(plain_accepts); i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "GET /lines?n=2000 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: %s\r\n\r\n",
                 plain_accepts[i]);
        ask(&cx.fx, request, &an);
        expect_rows(an.body, 2000);
        answer_release(&an);
    }
    fixture_stop(&cx.fx);
}

/* A producer that has nothing now, is woken, and at last loses its client. */
static void paused_streams(void **state)
{
    (void)state;
    struct context cx;
    struct answer an;
    start_default(&cx);
    int fd = dial(&cx.fx);
    send_z(fd, GET("/rows?n=1000&pause"));
    for (int i = 0; i < 9; i++) {
        wait_for(atomic_load(&cx.parked) != NULL);
        qn_answer_wake(atomic_exchange(&cx.parked, NULL));
    }
    answer_init(&an);
    read_answer(fd, &an, false);
    expect_rows(an.body, 1000);
    answer_release(&an);
    close(fd);
    wait_for(atomic_load(&cx.dropped) == 1);
    assert_int_equal(atomic_load(&cx.cancelled), 0);

    fd = dial(&cx.fx);
    send_z(fd, GET("/rows?n=1000&pause"));
    wait_for(atomic_load(&cx.parked) != NULL);
    struct qn_buf in;
    qn_buf_init(&in, SIZE_MAX);
    assert_true(read_some(fd, &in, PATIENCE_US) > 0); /* what there was is sent */
    qn_buf_release(&in);
    close(fd);
    wait_for(atomic_load(&cx.dropped) == 2);
    assert_int_equal(atomic_load(&cx.cancelled), 1);
    fixture_stop(&cx.fx);
}

/* Clients that do not get on with it. */
static void slow_clients(void **state)
{
    (void)state;
    struct context cx;
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    opt.header_timeout_us = 300000;
    opt.idle_timeout_us = 300000;
    opt.body_grace_us = 1100000;
    opt.min_body_rate = 1000000;
    start(&cx, &opt);
    int silent = dial(&cx.fx), headers = dial(&cx.fx), body = dial(&cx.fx), kept = dial(&cx.fx);
    send_z(headers, "GET /quick HTTP/1.1\r\nX-A: ");
    send_z(body, "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
    send_z(kept, GET("/quick"));
    struct answer an;
    answer_init(&an);
    read_answer(kept, &an, false);
    assert_int_equal(an.status, 200);
    answer_release(&an);
    uint64_t until = qn_now_us() + PATIENCE_US;
    bool headers_open = true, body_open = true;
    while ((headers_open || body_open) && qn_now_us() < until) { /* a byte at a time */
        headers_open = headers_open && send_all(headers, "a", 1);
        body_open = body_open && send_all(body, "a", 1);
        nap();
    }
    assert_false(headers_open);
    assert_false(body_open);
    assert_true(closes(silent, PATIENCE_US));
    assert_true(closes(kept, PATIENCE_US));
    close(silent);
    close(headers);
    close(body);
    close(kept);
    for (unsigned i = 0; i < 2; i++)
        assert_true(qn_metrics_read(cx.fx.metrics, QN_METRIC_HTTP_CUT_OFF, i) > 0);
    fixture_stop(&cx.fx);
}

static void full_queues(void **state)
{
    (void)state;
    struct context cx;
    struct qn_server_options opt;
    qn_server_options_default(&opt);
    opt.lane_threads[QN_HTTP_SEARCH] = 1;
    opt.lane_queue = 2;
    start(&cx, &opt);
    int fds[4];
    struct answer an;
    for (int i = 0; i < 3; i++) {
        fds[i] = dial(&cx.fx);
        send_z(fds[i], GET("/slow"));
        if (i == 0)
            wait_for(atomic_load(&cx.entered) == 1);
        else
            wait_for(qn_metrics_read(cx.fx.metrics, QN_METRIC_HTTP_QUEUED, QN_HTTP_SEARCH) ==
                     (uint64_t)i);
    }
    ask(&cx.fx, GET("/slow"), &an);
    assert_int_equal(an.status, 429);
    assert_str(answer_header(&an, "Retry-After"), "1");
    answer_release(&an);
    ask(&cx.fx, GET("/any"), &an); /* another lane */
    assert_int_equal(an.status, 200);
    answer_release(&an);
    atomic_store(&cx.go, true);
    for (int i = 0; i < 3; i++) {
        answer_init(&an);
        read_answer(fds[i], &an, false);
        assert_str(an.body, "done");
        answer_release(&an);
        close(fds[i]);
    }
    fixture_stop(&cx.fx);
}

struct stopper {
    struct qn_server *sv;
    uint64_t deadline_us, patience_us;
    _Atomic int rc;
    _Atomic bool done;
};

static void stop_it(void *arg)
{
    struct stopper *st = arg;
    atomic_store(&st->rc, qn_server_stop(st->sv, st->deadline_us, st->patience_us));
    atomic_store(&st->done, true);
}

/* What runs is finished, what is new is refused, and the port is free at once. */
static void graceful_stop(void **state)
{
    (void)state;
    struct context cx;
    struct answer an;
    start_default(&cx);
    int running = dial(&cx.fx), kept = dial(&cx.fx);
    send_z(running, GET("/slow"));
    wait_for(atomic_load(&cx.entered) == 1);
    answer_init(&an);
    send_z(kept, GET("/quick"));
    read_answer(kept, &an, false);
    assert_int_equal(an.status, 200);

    struct stopper st = {cx.fx.sv, qn_now_us() + PATIENCE_US, PATIENCE_US};
    struct qn_thread th = {0};
    assert_ok(qn_thread_start(&th, &(struct qn_thread_options){.name = "stop"}, stop_it, &st));
    wait_for(qn_server_draining(cx.fx.sv));
    send_z(kept, GET("/any")); /* readiness and such go on */
    read_answer(kept, &an, false);
    assert_int_equal(an.status, 200);
    assert_str(answer_header(&an, "Connection"), "close");
    assert_true(closes(kept, PATIENCE_US));
    close(kept);
    assert_false(atomic_load(&st.done));
    atomic_store(&cx.go, true);
    answer_release(&an);
    answer_init(&an);
    read_answer(running, &an, false);
    assert_str(an.body, "done");
    answer_release(&an);
    close(running);
    qn_thread_join(&th);
    assert_int_equal(st.rc, 0);
    fixture_stop(&cx.fx);
}

static void refused_while_draining(void **state)
{
    (void)state;
    struct context cx;
    struct answer an;
    start_default(&cx);
    qn_server_drain(cx.fx.sv);
    ask(&cx.fx, GET("/slow"), &an);
    assert_int_equal(an.status, 503);
    assert_true(qn_str_find(an.body, QN_STR("shutting down")) != SIZE_MAX);
    assert_str(answer_header(&an, "Connection"), "close");
    answer_release(&an);
    ask(&cx.fx, GET("/quick"), &an);
    assert_int_equal(an.status, 200);
    answer_release(&an);
    fixture_stop(&cx.fx);
}

/* Past the deadline what runs is cancelled: workers, promises, paused streams, uploads. */
static void stop_cancels(void **state)
{
    (void)state;
    struct context cx;
    start_default(&cx);
    int fds[5];
    for (int i = 0; i < 5; i++)
        fds[i] = dial(&cx.fx);
    send_z(fds[0], GET("/slow"));
    send_z(fds[1], GET("/watched"));
    send_z(fds[2], "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc");
    send_z(fds[3], "GET /slow HTTP/1.1\r\nHos");
    send_z(fds[4], GET("/rows?n=1000&pause"));
    wait_for(atomic_load(&cx.entered) == 2 && atomic_load(&cx.parked) != NULL);
    assert_ok(qn_server_stop(cx.fx.sv, 0, PATIENCE_US));
    assert_int_equal(atomic_load(&cx.cancelled), 3);
    assert_int_equal(atomic_load(&cx.dropped), 1);
    for (int i = 0; i < 5; i++)
        close(fds[i]);
    fixture_stop(&cx.fx);
}

/* A handler that does not listen: stopping says so instead of pulling the ground from under it. */
static void stubborn_handlers(void **state)
{
    (void)state;
    struct context cx;
    start_default(&cx);
    atomic_store(&cx.stubborn, true);
    int fd = dial(&cx.fx);
    send_z(fd, GET("/slow"));
    wait_for(atomic_load(&cx.entered) == 1);
    assert_int_equal(qn_server_stop(cx.fx.sv, 0, 50000), QN_E_TIMEOUT);
    atomic_store(&cx.stubborn, false);
    close(fd);
    fixture_stop(&cx.fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_answers),  cmocka_unit_test(hang_up_cancels),
        cmocka_unit_test(streams),       cmocka_unit_test(paused_streams),
        cmocka_unit_test(slow_clients),  cmocka_unit_test(full_queues),
        cmocka_unit_test(graceful_stop), cmocka_unit_test(refused_while_draining),
        cmocka_unit_test(stop_cancels),  cmocka_unit_test(stubborn_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
