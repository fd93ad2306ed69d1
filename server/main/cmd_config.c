/* config check, show, example. */
#include "cli.h"

#include <string.h>

#include "json/writer.h"

int qn_cmd_config_check(struct qn_cli *cli)
{
    struct qn_config cfg;
    struct qn_str file;
    struct qn_err err = {0};
    struct qn_buf text;
    qn_config_init(&cfg);
    int rc = qn_cli_config(cli, &cfg, &file, &err);
    int status = QN_EXIT_USAGE;
    if (rc < 0) {
        qn_cli_fail(cli, status, "%s", err.msg);
    } else {
        qn_buf_init(&text, SIZE_MAX);
        for (size_t i = 0; i < cfg.warnings.n; i++)
            qn_buf_printf(&text, "warning: " QN_STR_FMT "\n", QN_STR_ARG(cfg.warnings.p[i]));
        if (file.n != 0)
            qn_buf_printf(&text, "OK: " QN_STR_FMT "\n", QN_STR_ARG(file));
        else
            qn_buf_put_z(&text, "OK: no file, only defaults, environment and flags\n");
        status = qn_cli_put(cli, &text);
    }
    qn_config_release(&cfg);
    return status;
}

int qn_cmd_config_show(struct qn_cli *cli)
{
    const char *format = qn_cli_get(cli, "format");
    bool json = format != NULL && strcmp(format, "json") == 0;
    if (format != NULL && !json && strcmp(format, "yaml") != 0)
        return qn_cli_fail(cli, QN_EXIT_USAGE, "--format: %s is neither yaml nor json", format);
    struct qn_config cfg;
    struct qn_str file;
    struct qn_err err = {0};
    struct qn_buf text;
    qn_config_init(&cfg);
    qn_buf_init(&text, SIZE_MAX);
    int status = QN_EXIT_USAGE, rc = qn_cli_config(cli, &cfg, &file, &err);
    if (rc == QN_OK && json) {
        struct qn_jw w;
        qn_jw_init(&w, &text, &(struct qn_jw_options){.style = QN_JW_PRETTY});
        qn_config_print_json(&cfg, &w);
        rc = qn_jw_finish(&w);
        qn_buf_put_u8(&text, '\n');
    } else if (rc == QN_OK) {
        qn_config_print_yaml(&cfg, true, &text);
    }
    if (rc == QN_OK)
        status = qn_cli_put(cli, &text);
    else
        qn_cli_fail(cli, status, "%s", err.msg);
    qn_buf_release(&text);
    qn_config_release(&cfg);
    return status;
}

int qn_cmd_config_example(struct qn_cli *cli)
{
    struct qn_config cfg;
    struct qn_buf text;
    qn_config_init(&cfg);
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_put_z(&text, "# Every setting with its default; leave out what you do not change.\n"
                        "# ${NAME} and ${NAME:-default} are replaced from the environment.\n");
    qn_config_print_yaml(&cfg, false, &text);
    qn_config_release(&cfg);
    return qn_cli_put(cli, &text);
}
