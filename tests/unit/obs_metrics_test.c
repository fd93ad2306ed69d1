#include "test.h"

#include "obs/metrics.h"
#include "os/thread.h"

static bool has_line(struct qn_str text, const char *line)
{
    struct qn_str rest = text, one;
    while (qn_str_split(&rest, '\n', &one))
        if (qn_str_is(one, line))
            return true;
    return false;
}

static void collect(void *ctx, struct qn_buf *out)
{
    qn_metrics_family(out, "quern_extra", "gauge", "From elsewhere.");
    qn_buf_put_z(out, "quern_extra{name=");
    qn_metrics_label(out, QN_STR("a\"b\\c\nd"));
    qn_buf_printf(out, "} %d\n", *(int *)ctx);
}

static void exposition(void **state)
{
    (void)state;
    struct qn_metrics *ms = qn_metrics_new();
    struct qn_buf out;
    int extra = 42;
    qn_buf_init(&out, SIZE_MAX);
    qn_metrics_collect(ms, collect, &extra);
    qn_metrics_gauge(ms, QN_METRIC_HTTP_CONNECTIONS, 0, 3);
    qn_metrics_gauge(ms, QN_METRIC_HTTP_CONNECTIONS, 0, -4);
    qn_metrics_inc(ms, QN_METRIC_HTTP_REQUESTS, 1);
    qn_metrics_add(ms, QN_METRIC_HTTP_REQUESTS, 3, 7);
    qn_metrics_set(ms, QN_METRIC_PROCESS_START, 0, 1763685802);
    qn_metrics_observe(ms, QN_METRIC_HTTP_SECONDS, 100);
    qn_metrics_observe(ms, QN_METRIC_HTTP_SECONDS, 101);
    qn_metrics_observe(ms, QN_METRIC_HTTP_SECONDS, 2000000);
    qn_metrics_observe(ms, QN_METRIC_HTTP_SECONDS, 1000000000);
    qn_metrics_render(ms, &out);
    static const char *const lines[] = {
        "# TYPE quern_http_connections gauge",
        "quern_http_connections -1",
        "# HELP quern_http_responses_total Answers by class of status.",
        "# TYPE quern_http_responses_total counter",
        "quern_http_responses_total{class=\"1xx\"} 0",
        "quern_http_responses_total{class=\"2xx\"} 1",
        "quern_http_responses_total{class=\"4xx\"} 7",
        "quern_process_start_time_seconds 1763685802",
        "# TYPE quern_http_request_duration_seconds histogram",
        "quern_http_request_duration_seconds_bucket{le=\"0.0001\"} 1",
        "quern_http_request_duration_seconds_bucket{le=\"0.00025\"} 2",
        "quern_http_request_duration_seconds_bucket{le=\"1\"} 2",
        "quern_http_request_duration_seconds_bucket{le=\"2.5\"} 3",
        "quern_http_request_duration_seconds_bucket{le=\"100\"} 3",
        "quern_http_request_duration_seconds_bucket{le=\"+Inf\"} 4",
        "quern_http_request_duration_seconds_count 4",
        "quern_extra{name=\"a\\\"b\\\\c\\nd\"} 42",
    };
    for (size_t i = 0; i < QN_COUNT_OF(lines); i++)
        if (!has_line(qn_buf_str(&out), lines[i]))
            fail_msg("no line %s in\n%.*s", lines[i], QN_STR_ARG(qn_buf_str(&out)));
    qn_buf_release(&out);
    qn_metrics_free(ms);
    qn_metrics_inc(NULL, QN_METRIC_HTTP_REQUESTS, 0); /* nobody counts */
    qn_metrics_observe(NULL, QN_METRIC_HTTP_SECONDS, 1);
}

/* Every row: help and type once, and every label value of the table fits. */
static void every_row(void **state)
{
    (void)state;
    struct qn_metrics *ms = qn_metrics_new();
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    qn_metrics_render(ms, &out);
#define XX(id, kind, name, labels, help)                                                           \
    assert_true(has_line(qn_buf_str(&out), "# HELP quern_" name " " help));                        \
    assert_true(help[sizeof help - 2] == '.');
    QN_METRIC_MAP(XX)
#undef XX
    qn_buf_release(&out);
    qn_metrics_free(ms);
}

static void count_up(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        qn_metrics_inc(arg, QN_METRIC_LOG_LINES, 2);
        qn_metrics_observe(arg, QN_METRIC_HTTP_SECONDS, 1);
    }
}

static void concurrent(void **state)
{
    (void)state;
    struct qn_metrics *ms = qn_metrics_new();
    struct qn_thread th[4] = {{0}};
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    for (int i = 0; i < 4; i++)
        assert_ok(
            qn_thread_start(&th[i], &(struct qn_thread_options){.name = "count"}, count_up, ms));
    qn_metrics_render(ms, &out);
    for (int i = 0; i < 4; i++)
        qn_thread_join(&th[i]);
    assert_int_equal(qn_metrics_read(ms, QN_METRIC_LOG_LINES, 2), 40000);
    qn_buf_release(&out);
    qn_metrics_free(ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(exposition), cmocka_unit_test(every_row),
                                       cmocka_unit_test(concurrent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
