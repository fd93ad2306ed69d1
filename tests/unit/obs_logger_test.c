#include "test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include "obs/logger.h"
#include "os/thread.h"
#include "json/dom.h"

struct capture {
    int fds[2];
    struct qn_manual_clock clock;
    struct qn_metrics *metrics;
    struct qn_logger *lg;
    struct qn_buf text;
};

static void open_capture(struct capture *cp, enum qn_log_level level, unsigned burst)
{
    assert_int_equal(pipe2(cp->fds, O_CLOEXEC | O_NONBLOCK), 0);
    fcntl(cp->fds[1], F_SETPIPE_SZ, 1 << 20);
    qn_manual_clock_init(&cp->clock, 1000000, 1763685802123456789);
    cp->metrics = qn_metrics_new();
    cp->lg = qn_logger_new(&(struct qn_logger_options){.fd = cp->fds[1],
                                                       .level = level,
                                                       .burst = burst,
                                                       .clock = &cp->clock.clock,
                                                       .metrics = cp->metrics});
    qn_buf_init(&cp->text, SIZE_MAX);
}

static struct qn_str drain(struct capture *cp)
{
    qn_buf_clear(&cp->text);
    ssize_t n;
    do {
        qn_buf_reserve(&cp->text, 65536);
        n = read(cp->fds[0], cp->text.p + cp->text.n, 65536);
        cp->text.n += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    return qn_buf_str(&cp->text);
}

static void close_capture(struct capture *cp)
{
    qn_logger_free(cp->lg);
    qn_metrics_free(cp->metrics);
    qn_buf_release(&cp->text);
    close(cp->fds[0]);
    close(cp->fds[1]);
}

static void one_line(void **state)
{
    (void)state;
    struct capture cp;
    open_capture(&cp, QN_LOG_INFO, 0);
    const struct qn_log *log = qn_logger_log(cp.lg);
    struct qn_log mine = qn_log_with_request(log, QN_STR("r\"1"));
    QN_LOG(&mine, QN_LOG_WARN, "journal_torn_tail", QN_KV_Z("file", "a\n\x01\xff"),
           QN_KV_U64("offset", UINT64_MAX), QN_KV_I64("delta", -5), QN_KV_F64("ratio", 0.5),
           QN_KV_F64("nan", 0.0 / 0.0), QN_KV_BOOL("cut", true));
    assert_str(
        drain(&cp),
        "{\"ts\":\"2025-11-21T00:43:22.123456Z\",\"level\":\"warn\",\"event\":"
        "\"journal_torn_tail\",\"request_id\":\"r\\\"1\",\"file\":\"a\\n\\u0001\xef\xbf\xbd\","
        "\"offset\":18446744073709551615,\"delta\":-5,\"ratio\":0.5,\"nan\":null,\"cut\":true}"
        "\n");
    QN_LOG(log, QN_LOG_DEBUG, "hidden", QN_KV_BOOL("x", true));
    assert_int_equal(drain(&cp).n, 0);
    assert_int_equal(qn_metrics_read(cp.metrics, QN_METRIC_LOG_LINES, QN_LOG_WARN), 1);
    close_capture(&cp);
    struct qn_log silent = qn_log_with_request(NULL, QN_STR("x"));
    QN_LOG(&silent, QN_LOG_ERROR, "nobody_hears", QN_KV_BOOL("x", true));
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    static char big[100000];
    struct capture cp;
    open_capture(&cp, QN_LOG_INFO, 0);
    memset(big, '\x02', sizeof big - 1); /* six bytes each, escaped */
    QN_LOG(qn_logger_log(cp.lg), QN_LOG_INFO, "long", QN_KV_Z("a", "short"), QN_KV_Z("b", big),
           QN_KV_Z("c", "lost"));
    struct qn_str line = drain(&cp);
    assert_true(line.n <= QN_LOG_LINE_BYTES);
    assert_true(qn_str_ends(line, QN_STR("\"a\":\"short\",\"cut\":true}\n")));
    memset(big, 'y', sizeof big - 1); /* a value that is only long is shortened */
    QN_LOG(qn_logger_log(cp.lg), QN_LOG_INFO, "long", QN_KV_Z("b", big), QN_KV_Z("c", "kept"));
    line = drain(&cp);
    assert_true(line.n <= QN_LOG_LINE_BYTES);
    assert_true(qn_str_ends(line, QN_STR("yyy\",\"c\":\"kept\"}\n")));
    close_capture(&cp);
}

static size_t count_lines(struct qn_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\n';
    return n;
}

static void repeats_are_withheld(void **state)
{
    (void)state;
    struct capture cp;
    open_capture(&cp, QN_LOG_INFO, 10);
    const struct qn_log *log = qn_logger_log(cp.lg);
    for (int i = 0; i < 100; i++)
        QN_LOG(log, QN_LOG_ERROR, "disk_failed", QN_KV_I64("i", i));
    QN_LOG(log, QN_LOG_ERROR, "another", QN_KV_I64("i", 0));
    assert_int_equal(count_lines(drain(&cp)), 11);
    assert_int_equal(qn_metrics_read(cp.metrics, QN_METRIC_LOG_SUPPRESSED, 0), 90);
    qn_manual_clock_advance(&cp.clock, 1000000);
    QN_LOG(log, QN_LOG_ERROR, "disk_failed", QN_KV_I64("i", 100));
    QN_LOG(log, QN_LOG_ERROR, "disk_failed", QN_KV_I64("i", 101));
    struct qn_str text = drain(&cp);
    assert_int_equal(count_lines(text), 2);
    assert_true(qn_str_find(text, QN_STR("\"suppressed\":90,\"i\":100}")) != SIZE_MAX);
    assert_true(qn_str_find(text, QN_STR("\"disk_failed\",\"i\":101}")) != SIZE_MAX);
    close_capture(&cp);
}

static void chatter(void *arg)
{
    const struct qn_log *log = arg;
    for (int i = 0; i < 500; i++)
        QN_LOG(log, QN_LOG_INFO, "chatter", QN_KV_I64("i", i), QN_KV_Z("text", "some words"));
}

static void lines_never_mix(void **state)
{
    (void)state;
    struct capture cp;
    struct qn_thread th[4] = {{0}};
    open_capture(&cp, QN_LOG_INFO, 0);
    for (int i = 0; i < 4; i++)
        assert_ok(qn_thread_start(&th[i], &(struct qn_thread_options){.name = "chatter"}, chatter,
                                  (void *)(uintptr_t)qn_logger_log(cp.lg)));
    for (int i = 0; i < 4; i++)
        qn_thread_join(&th[i]);
    struct qn_str rest = drain(&cp), line;
    size_t n = 0;
    while (qn_str_split(&rest, '\n', &line)) {
        if (line.n == 0)
            continue;
        assert_true(qn_str_starts(line, QN_STR("{\"ts\":\"2025-")));
        assert_true(qn_str_ends(line, QN_STR(",\"text\":\"some words\"}")));
        n++;
    }
    assert_int_equal(n, 2000);
    close_capture(&cp);
}

static void levels(void **state)
{
    (void)state;
    enum qn_log_level level;
    assert_ok(qn_log_level_parse(QN_STR("debug"), &level));
    assert_int_equal(level, QN_LOG_DEBUG);
    assert_string_equal(qn_log_level_name(QN_LOG_ERROR), "error");
    assert_true(qn_log_level_parse(QN_STR("loud"), &level) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(repeats_are_withheld),
        cmocka_unit_test(lines_never_mix),
        cmocka_unit_test(levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
