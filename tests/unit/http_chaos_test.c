#include "http_fixture.h"

#include <stdatomic.h>

#include "os/thread.h"

/* Many clients that do as they please: pipeline, stop in the middle, leave at any moment, read
 * slowly or not at all. Whatever they do, every request ends once, every answer that is complete is
 * right, and at the end nothing is held. Made for the sanitizers. */

#define CLIENTS 6
#define ROUNDS 100

struct context {
    struct fixture fx;
    _Atomic uint64_t begun, ended, answers;
    _Atomic int wrong;
    _Atomic uint64_t seed;
};

static void count_end(struct qn_request *rq)
{
    free(rq->state);
    rq->state = NULL;
    atomic_fetch_add(&((struct context *)rq->ctx)->ended, 1);
}

static void begin(struct qn_request *rq)
{
    if (rq->state != NULL)
        return;
    rq->state = calloc(1, 64);
    rq->drop_state = count_end;
    atomic_fetch_add(&((struct context *)rq->ctx)->begun, 1);
}

static int quick(struct qn_request *rq)
{
    qn_answer_borrow(rq, QN_STR("ok"));
    return 0;
}

static int echo(struct qn_request *rq)
{
    begin(rq);
    qn_buf_put_str(&rq->out, rq->body);
    return 0;
}

static int take(struct qn_request *rq, struct qn_str chunk)
{
    begin(rq);
    uint64_t *n = rq->state;
    *n += chunk.n;
    if (*n % 7 == 0)
        nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    return *n % 97 == 0 ? qn_fail(&rq->err, QN_E_INVALID, "unlucky") : 0;
}

static int taken(struct qn_request *rq)
{
    begin(rq);
    qn_buf_printf(&rq->out, "%llu", (unsigned long long)*(uint64_t *)rq->state);
    return 0;
}

static int pieces(struct qn_request *rq, struct qn_buf *out)
{
    uint64_t *i = rq->state;
    qn_buf_fill(out, 'p', 5000);
    return ++*i == 20 ? QN_END : 0;
}

static int stream(struct qn_request *rq)
{
    begin(rq);
    qn_answer_stream(rq, pieces);
    return 0;
}

/* Says later, wakes itself from another thread. */
static void waker(void *arg)
{
    qn_answer_wake(arg);
}

struct napping {
    uint64_t n;
    struct qn_thread th;
};

static void end_nap(struct qn_request *rq)
{
    struct napping *np = rq->state;
    qn_thread_join(&np->th); /* no wake comes after this */
    count_end(rq);
}

static int nap(struct qn_request *rq, struct qn_buf *out)
{
    struct napping *np = rq->state;
    qn_thread_join(&np->th);
    if (++np->n % 2 == 1) {
        struct qn_thread_options opt = {.name = "waker"};
        return qn_thread_start(&np->th, &opt, waker, rq) < 0 ? QN_E_BUSY : QN_LATER;
    }
    qn_buf_put_z(out, "zzz");
    return np->n == 8 ? QN_END : 0;
}

static int napping(struct qn_request *rq)
{
    begin(rq);
    rq->drop_state = end_nap;
    qn_answer_stream(rq, nap);
    return 0;
}

static void finisher(void *arg)
{
    struct qn_request *rq = arg;
    qn_buf_put_z(&rq->out, "late");
    qn_request_finish(rq, 0);
}

static int late(struct qn_request *rq)
{
    begin(rq);
    struct qn_thread th = {0};
    if (qn_thread_start(&th, &(struct qn_thread_options){.name = "late"}, finisher, rq) < 0)
        return QN_E_BUSY;
    pthread_detach(th.id);
    return QN_LATER;
}

static int until_cancelled(struct qn_request *rq)
{
    begin(rq);
    for (int i = 0; i < 20 && !qn_request_cancelled(rq); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return quick(rq);
}

static const struct qn_route routes[] = {
    {QN_GET, "/quick", quick, .flags = QN_ROUTE_TRIVIAL},
    {QN_POST, "/echo", echo, .body = QN_BODY_WHOLE, .lane = QN_HTTP_INGEST},
    {QN_POST, "/take", taken, .body = QN_BODY_STREAM, .on_chunk = take, .lane = QN_HTTP_INGEST},
    {QN_GET, "/stream", stream, .lane = QN_HTTP_SEARCH},
    {QN_GET, "/napping", napping, .lane = QN_HTTP_SEARCH},
    {QN_GET, "/late", late, .lane = QN_HTTP_SEARCH},
    {QN_GET, "/wait", until_cancelled, .lane = QN_HTTP_SEARCH},
};
static const struct qn_route_table table = {"t", QN_DIALECT_NATIVE, routes, QN_COUNT_OF(routes)};

static void put_request(struct qn_buf *out, struct qn_rng *rng)
{
    static const char *const gets[] = {"/quick", "/stream", "/napping", "/late",
                                       "/wait",  "/nope",   "/%zz"};
    static const char *const posts[] = {"/echo", "/take", "/quick"};
    if (qn_rng_below(rng, 2) == 0) {
        qn_buf_printf(out, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n",
                      gets[qn_rng_below(rng, QN_COUNT_OF(gets))],
                      qn_rng_below(rng, 3) ? "" : "Accept-Encoding: gzip\r\n");
        return;
    }
    size_t n = qn_rng_below(rng, qn_rng_below(rng, 4) ? 2000 : 400000);
    qn_buf_printf(out, "POST %s HTTP/1.1\r\nHost: a\r\n",
                  posts[qn_rng_below(rng, QN_COUNT_OF(posts))]);
    if (qn_rng_below(rng, 2)) {
        qn_buf_printf(out, "Content-Length: %zu\r\n\r\n", n);
        qn_buf_fill(out, 'b', n);
        return;
    }
    qn_buf_put_z(out, "Transfer-Encoding: chunked\r\n\r\n");
    for (size_t part; n > 0; n -= part) {
        part = 1 + qn_rng_below(rng, n);
        qn_buf_printf(out, "%zx\r\n", part);
        qn_buf_fill(out, 'b', part);
        qn_buf_put_z(out, "\r\n");
    }
    qn_buf_put_z(out, "0\r\n\r\n");
}

/* Sends and reads, both a bit at a time, until the random end. */
static void one_connection(struct context *cx, struct qn_rng *rng)
{
    struct qn_buf out, in;
    int fd = dial(&cx->fx);
    qn_buf_init(&out, SIZE_MAX);
    qn_buf_init(&in, SIZE_MAX);
    for (uint64_t n = 1 + qn_rng_below(rng, 4); n > 0; n--)
        put_request(&out, rng);
    size_t stop_at = qn_rng_below(rng, 2) ? out.n : qn_rng_below(rng, out.n);
    uint64_t n_steps = qn_rng_below(rng, 60);
    size_t sent = 0;
    for (uint64_t i = 0; i < n_steps; i++) {
        struct pollfd pf = {.fd = fd, .events = (short)(POLLIN | (sent < stop_at ? POLLOUT : 0))};
        if (poll(&pf, 1, 5) <= 0) {
            i += 15; /* nothing to wait for */
            continue;
        }
        if (pf.revents & POLLOUT) {
            size_t part = 1 + qn_rng_below(rng, 60000);
            ssize_t n = send(fd, out.p + sent, part < stop_at - sent ? part : stop_at - sent,
                             MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0)
                break;
            sent += (size_t)n;
        }
        if ((pf.revents & POLLIN) && read_some(fd, &in, 1000) == 0)
            break;
    }
    if (in.n >= 9 && memcmp(in.p, "HTTP/1.1 ", 9) != 0)
        atomic_fetch_add(&cx->wrong, 1);
    atomic_fetch_add(&cx->answers, in.n > 0);
    if (qn_rng_below(rng, 3) == 0) { /* a reset instead of an end */
        struct linger li = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &li, sizeof li);
    }
    close(fd);
    qn_buf_release(&out);
    qn_buf_release(&in);
}

static void client(void *arg)
{
    struct context *cx = arg;
    struct qn_rng rng = {atomic_fetch_add(&cx->seed, 0x9e3779b97f4a7c15ull) | 1};
    for (int i = 0; i < ROUNDS; i++)
        one_connection(cx, &rng);
}

static void run(bool stop_in_the_middle, uint64_t seed)
{
    static const struct qn_route_table *const tables[] = {&table, NULL};
    static const char *const prefixes[] = {""};
    struct context cx = {.seed = seed};
    struct qn_server_options opt;
    struct qn_thread th[CLIENTS] = {{0}};
    qn_server_options_default(&opt);
    opt.lane_queue = 8;
    opt.body_queue_bytes = 20000;
    opt.header_bytes = 16384;
    fixture_start(&cx.fx, &opt, tables, prefixes, &cx);
    uint16_t port = qn_server_port(cx.fx.sv);
    assert_true(port != 0);
    if (stop_in_the_middle) {
        /* connections of its own, left open in every state, and no more clients */
        struct qn_rng rng = {seed | 1};
        int fds[40];
        for (size_t i = 0; i < QN_COUNT_OF(fds); i++) {
            struct qn_buf out;
            qn_buf_init(&out, SIZE_MAX);
            fds[i] = dial(&cx.fx);
            put_request(&out, &rng);
            send(fds[i], out.p, qn_rng_below(&rng, out.n + 1), MSG_NOSIGNAL | MSG_DONTWAIT);
            qn_buf_release(&out);
        }
        assert_ok(qn_server_stop(cx.fx.sv, qn_now_us() + qn_rng_below(&rng, 10000), PATIENCE_US));
        for (size_t i = 0; i < QN_COUNT_OF(fds); i++)
            close(fds[i]);
    } else {
        for (int i = 0; i < CLIENTS; i++)
            assert_ok(qn_thread_start(&th[i], &(struct qn_thread_options){.name = "client"}, client,
                                      &cx));
        for (int i = 0; i < CLIENTS; i++)
            qn_thread_join(&th[i]);
        /* (A connection that was reset may stay open for a while, doing nothing.) */
        struct qn_server_stats st;
        wait_for((qn_server_stats(cx.fx.sv, &st), st.n_running == 0));
        assert_true(atomic_load(&cx.answers) > CLIENTS * ROUNDS / 4);
    }
    assert_int_equal(atomic_load(&cx.wrong), 0);
    fixture_stop(&cx.fx);
    assert_true(atomic_load(&cx.begun) > 0 || stop_in_the_middle);
    assert_int_equal(atomic_load(&cx.begun), atomic_load(&cx.ended));
}

static void every_request_ends_once(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(1);
    run(false, qn_rng_next(&rng));
}

static void stopping_at_any_moment(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(2);
    for (int i = 0; i < 20; i++)
        run(true, qn_rng_next(&rng));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_ends_once),
        cmocka_unit_test(stopping_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
