/* A real server in the test's process and a client that speaks raw bytes to it. */
#ifndef QN_HTTP_FIXTURE_H
#define QN_HTTP_FIXTURE_H

#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "http/server.h"

#define PATIENCE_US 20000000 /* sanitizers on a busy machine */

struct fixture {
    struct qn_server *sv;
    struct qn_metrics *metrics;
    struct qn_budget budget;
};

static inline void fixture_start(struct fixture *fx, struct qn_server_options *opt,
                                 const struct qn_route_table *const *tables,
                                 const char *const *prefixes, void *ctx)
{
    struct qn_err err = {0};
    fx->metrics = qn_metrics_new();
    qn_budget_init(&fx->budget, "test", NULL, 0);
    opt->listen = QN_STR("127.0.0.1:0");
    opt->metrics = fx->metrics;
    opt->budget = &fx->budget;
    fx->sv = qn_server_new(opt);
    for (size_t i = 0; tables[i] != NULL; i++)
        assert_ok(qn_router_mount(qn_server_router(fx->sv), tables[i], prefixes[i], ctx, &err));
    if (qn_server_start(fx->sv, &err) < 0)
        fail_msg("start: %s", err.msg);
}

/* Also proves that every byte of every request was given back. */
static inline void fixture_stop(struct fixture *fx)
{
    assert_ok(qn_server_stop(fx->sv, qn_now_us() + PATIENCE_US, PATIENCE_US));
    qn_server_free(fx->sv);
    assert_int_equal(qn_budget_used(&fx->budget), 0);
    qn_budget_release(&fx->budget);
    qn_metrics_free(fx->metrics);
}

static inline int dial(const struct fixture *fx)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(qn_server_port(fx->sv))};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        fail_msg("connect");
    return fd;
}

/* False when the server closed meanwhile. */
static inline bool send_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t done = send(fd, at, n, MSG_NOSIGNAL);
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}
static inline void send_z(int fd, const char *z)
{
    assert_true(send_all(fd, z, strlen(z)));
}

/* Reads once: bytes, 0 at the end (or a reset), -1 when nothing came in time. */
static inline ssize_t read_some(int fd, struct qn_buf *in, uint64_t patience_us)
{
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    if (poll(&pf, 1, (int)(patience_us / 1000)) == 0)
        return -1;
    assert_true(qn_buf_reserve(in, 65536));
    ssize_t n = recv(fd, in->p + in->n, 65536, 0);
    if (n > 0)
        in->n += (size_t)n;
    return n > 0 ? n : 0;
}

struct answer {
    struct qn_buf raw;
    int status;
    struct qn_str head, body; /* body: de-chunked, in `plain` */
    struct qn_buf plain;
    size_t used; /* bytes of raw that are this answer; more may be there */
    bool chunked, cut_short;
};

static inline void answer_init(struct answer *an)
{
    *an = (struct answer){0};
    qn_buf_init(&an->raw, SIZE_MAX);
    qn_buf_init(&an->plain, SIZE_MAX);
}
static inline void answer_release(struct answer *an)
{
    qn_buf_release(&an->raw);
    qn_buf_release(&an->plain);
}

static inline struct qn_str answer_header(const struct answer *an, const char *name)
{
    struct qn_str rest = an->head, line;
    while (qn_str_split(&rest, '\n', &line)) {
        size_t colon = qn_str_find_byte(line, ':');
        if (colon != SIZE_MAX && qn_str_eq_nocase(qn_str_first(line, colon), qn_str_of(name)))
            return qn_str_trim(qn_str_from(line, colon + 1));
    }
    return QN_STR_NONE;
}

/* Takes chunks from *s; 1 at the last, 0 when more is needed. */
static inline int dechunk(struct answer *an, size_t *at)
{
    for (;;) {
        struct qn_str rest = qn_str_from(qn_buf_str(&an->raw), *at);
        size_t eol = qn_str_find(rest, QN_STR("\r\n"));
        if (eol == SIZE_MAX)
            return 0;
        size_t n = strtoul(rest.p, NULL, 16);
        if (rest.n < eol + 2 + n + 2)
            return 0;
        qn_buf_put(&an->plain, rest.p + eol + 2, n);
        *at += eol + 2 + n + 2;
        if (n == 0)
            return 1;
    }
}

/* Reads one answer (after the `used` bytes of the previous one). HEAD answers have no body. */
static inline void read_answer(int fd, struct answer *an, bool head_only)
{
    if (an->used > 0) {
        memmove(an->raw.p, an->raw.p + an->used, an->raw.n - an->used);
        an->raw.n -= an->used;
    }
    qn_buf_clear(&an->plain);
    an->used = 0;
    an->status = 0;
    size_t at = 0;
    uint64_t until = qn_now_us() + PATIENCE_US;
    for (;;) {
        if (an->status == 0) {
            size_t end = qn_str_find(qn_buf_str(&an->raw), QN_STR("\r\n\r\n"));
            if (end != SIZE_MAX) {
                an->status = (int)strtol(an->raw.p + 9, NULL, 10);
                at = end + 4;
            }
        }
        if (an->status != 0) {
            an->head = qn_str_first(qn_buf_str(&an->raw), at);
            struct qn_str length = answer_header(an, "Content-Length");
            uint64_t n = 0;
            an->chunked = qn_str_is(answer_header(an, "Transfer-Encoding"), "chunked");
            bool done = head_only || an->status == 304 || an->status == 204 || an->status < 200;
            if (done) {
                an->used = qn_str_find(qn_buf_str(&an->raw), QN_STR("\r\n\r\n")) + 4;
                an->body = QN_STR_NONE;
                return;
            }
            if (length.p != NULL && qn_str_to_u64(length, &n) == 0 && an->raw.n >= at + n) {
                an->body = qn_str_make(an->raw.p + at, n);
                an->used = at + n;
                return;
            }
            if (an->chunked) {
                size_t from = qn_str_find(qn_buf_str(&an->raw), QN_STR("\r\n\r\n")) + 4;
                qn_buf_clear(&an->plain);
                if (dechunk(an, &from)) {
                    an->body = qn_buf_str(&an->plain);
                    an->used = from;
                    return;
                }
            }
        }
        ssize_t got = read_some(fd, &an->raw, 200000);
        if (got == 0) {
            an->cut_short = true;
            an->used = an->raw.n;
            an->body = qn_buf_str(&an->plain);
            return;
        }
        if (qn_now_us() > until)
            fail_msg("no answer in time; so far: %.*s", QN_STR_ARG(qn_buf_str(&an->raw)));
    }
}

/* One request on its own connection; the answer must be released. */
static inline void ask(const struct fixture *fx, const char *request, struct answer *an)
{
    int fd = dial(fx);
    answer_init(an);
    send_z(fd, request);
    read_answer(fd, an, strncmp(request, "HEAD", 4) == 0);
    close(fd);
}

/* True when the server closes the connection (what it still sends is read and dropped). */
static inline bool closes(int fd, uint64_t patience_us)
{
    struct qn_buf in;
    uint64_t until = qn_now_us() + patience_us;
    ssize_t got = -1;
    qn_buf_init(&in, SIZE_MAX);
    while (got != 0 && qn_now_us() < until)
        got = read_some(fd, &in, 50000);
    qn_buf_release(&in);
    return got == 0;
}

/* Polls a condition with a deadline. */
#define wait_for(cond)                                                                             \
    do {                                                                                           \
        uint64_t until_ = qn_now_us() + PATIENCE_US;                                               \
        while (!(cond)) {                                                                          \
            if (qn_now_us() > until_)                                                              \
                fail_msg("waited in vain for %s", #cond);                                          \
            nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);                               \
        }                                                                                          \
    } while (0)

#endif
