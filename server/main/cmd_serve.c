/* serve: build the context, say where it listens, wait for a signal, drain. */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "build_info.h"
#include "cli.h"
#include "os/cpu.h"
#include "os/signals.h"
#include "os/thread.h"
#include "serve.h"

#include "base/units.h"

/* While the server drains, a second SIGTERM or SIGINT ends the process at once. */
struct watch {
    int signals, stop; /* descriptors: signalfd, eventfd */
    const struct qn_log *log;
};

static void watch_second(void *arg)
{
    struct watch *wt = arg;
    struct pollfd fds[] = {{.fd = wt->stop, .events = POLLIN},
                           {.fd = wt->signals, .events = POLLIN}};
    while (poll(fds, QN_COUNT_OF(fds), -1) < 0 || (fds[0].revents & POLLIN) == 0) {
        int signo = qn_signals_wait(wt->signals, qn_now_us() + 1);
        if (signo != SIGTERM && signo != SIGINT)
            continue;
        QN_LOG(wt->log, QN_LOG_WARN, "stopped_at_once", QN_KV_I64("signal", signo));
        _exit(128 + signo);
    }
}

static int drain(struct qn_serve *sv, int signals)
{
    struct watch wt = {.signals = signals, .stop = eventfd(0, EFD_CLOEXEC), .log = sv->log};
    struct qn_thread th = {0};
    const struct qn_thread_options opt = {.name = "quern-signals"};
    bool watched = wt.stop >= 0 && qn_thread_start(&th, &opt, watch_second, &wt) == QN_OK;
    int rc = qn_serve_stop(sv);
    if (watched && eventfd_write(wt.stop, 1) == 0)
        qn_thread_join(&th);
    if (wt.stop >= 0)
        close(wt.stop);
    return rc;
}

/* Until SIGTERM or SIGINT; its number. Others are logged and change nothing. */
static int wait_for_stop(struct qn_serve *sv, int signals)
{
    for (;;) {
        int signo = qn_signals_wait(signals, 0);
        if (signo == SIGTERM || signo == SIGINT || signo < 0)
            return signo;
        if (signo > 0)
            QN_LOG(sv->log, QN_LOG_INFO, "signal_ignored", QN_KV_I64("signal", signo));
    }
}

static void greet(const struct qn_cli *cli, const struct qn_serve *sv)
{
    char memory[24];
    bool tls = sv->cfg->rest_tls_cert_path.n != 0;
    struct qn_str host = sv->cfg->listen_address;
    /* All of this machine's addresses: localhost is one that works. */
    if (qn_str_is(host, "0.0.0.0") || qn_str_is(host, "::"))
        host = QN_STR("localhost");
    bool v6 = qn_str_find_byte(host, ':') != SIZE_MAX;
    struct qn_buf url, text;
    qn_buf_init(&url, SIZE_MAX);
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_printf(&url, "%s://%s" QN_STR_FMT "%s:%u", tls ? "https" : "http", v6 ? "[" : "",
                  QN_STR_ARG(host), v6 ? "]" : "", (unsigned)qn_server_port(sv->http));
    const char *bold = cli->color ? "\033[1m" : "", *plain = cli->color ? "\033[0m" : "";
    qn_buf_printf(&text, "\n  %sQuern %s%s on %u CPUs (%s), %s memory\n\n", bold, qn_build.version,
                  plain, sv->node.n_cpus, sv->node.simd,
                  qn_format_size(memory, sv->cfg->memory_limit));
    qn_buf_printf(&text, "  Page           %s%.*s/ui/%s\n", bold, (int)url.n, url.p, plain);
    qn_buf_printf(&text, "  API            %.*s/api/v1\n", (int)url.n, url.p);
    qn_buf_printf(&text, "  Elasticsearch  %.*s\n", (int)url.n, url.p);
    qn_buf_printf(&text, "  Data           " QN_STR_FMT "\n\n  Ctrl-C stops it.\n\n",
                  QN_STR_ARG(sv->cfg->data_dir));
    qn_cli_put(cli, &text);
    qn_buf_release(&url);
}

static void log_start(const struct qn_serve *sv, struct qn_str file)
{
    QN_LOG(sv->log, QN_LOG_INFO, "started", QN_KV_STR("address", qn_server_address(sv->http)),
           QN_KV_U64("port", qn_server_port(sv->http)), QN_KV_Z("version", qn_build.version),
           QN_KV_Z("commit", qn_build.commit_short), QN_KV_STR("config", file),
           QN_KV_STR("data_dir", sv->cfg->data_dir), QN_KV_STR("node_id", sv->cfg->node_id),
           QN_KV_Z("simd", sv->node.simd), QN_KV_U64("cpus", sv->node.n_cpus),
           QN_KV_U64("memory_limit_bytes", sv->cfg->memory_limit));
}

static int serve(struct qn_cli *cli, const struct qn_config *cfg, struct qn_str file)
{
    struct qn_err err = {0};
    struct qn_serve sv;
    bool friendly = cli->color && !qn_cli_has(cli, "quiet");
    enum qn_log_level level;
    if (qn_log_level_parse(cfg->log_level, &level) < 0)
        level = QN_LOG_INFO;
    if (friendly && isatty(STDERR_FILENO) && cfg->from[QN_OPTION_log_level] == QN_FROM_DEFAULT)
        level = QN_LOG_WARN; /* the greeting says what the first lines would */
    int signals = qn_signals_open(&err);
    if (signals < 0)
        return qn_cli_fail(cli, QN_EXIT_FAILED, "%s", err.msg);
    int rc = qn_serve_open(&sv, cfg, level, &err), status = QN_EXIT_OK;
    if (rc < 0) {
        status = qn_cli_fail(cli, rc == QN_E_BUSY ? QN_EXIT_LOCKED : QN_EXIT_FAILED, "%s", err.msg);
    } else {
        log_start(&sv, file);
        if (friendly)
            greet(cli, &sv);
        int signo = wait_for_stop(&sv, signals);
        if (friendly)
            fputs("\n  Stopping. Ctrl-C again ends it at once.\n", cli->out);
        QN_LOG(sv.log, QN_LOG_INFO, "stopping", QN_KV_I64("signal", signo));
        rc = drain(&sv, signals);
        QN_LOG(sv.log, QN_LOG_INFO, "stopped", QN_KV_BOOL("clean", rc == QN_OK));
    }
    if (rc == QN_E_TIMEOUT) /* a handler still runs: its memory must stay */
        _exit(QN_EXIT_UNCLEAN);
    qn_serve_close(&sv);
    close(signals);
    return status;
}

int qn_cmd_serve(struct qn_cli *cli)
{
    struct qn_config cfg;
    struct qn_str file;
    struct qn_err err = {0};
    char host[256] = "";
    qn_config_init(&cfg);
    if (gethostname(host, sizeof host - 1) != 0)
        host[0] = '\0';
    int rc = qn_cli_config(cli, &cfg, &file, &err);
    if (rc == QN_OK)
        rc = qn_config_finish(&cfg, qn_str_of(host), qn_memory_total(), &err);
    int status = rc < 0 ? qn_cli_fail(cli, QN_EXIT_USAGE, "%s", err.msg) : serve(cli, &cfg, file);
    qn_config_release(&cfg);
    return status;
}
