/* help, version, completion, man. */
#include "cli.h"

#include <string.h>

#include "build_info.h"

/* Help for a group such as "config": its commands. */
static int help_group(const struct qn_cli *cli, const char *group)
{
    struct qn_buf text;
    size_t n = strlen(group), found = 0;
    qn_buf_init(&text, SIZE_MAX);
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        if (strncmp(c->name, group, n) == 0 && c->name[n] == ' ') {
            qn_buf_printf(&text, "quern %-24s %s\n", c->name, c->summary);
            found++;
        }
    }
    if (found > 0)
        return qn_cli_put(cli, &text);
    qn_buf_release(&text);
    return qn_cli_fail(cli, QN_EXIT_USAGE, "%s is not a command; see quern help", group);
}

int qn_cmd_help(struct qn_cli *cli)
{
    struct qn_buf name, text;
    const struct qn_command *cmd = NULL;
    qn_buf_init(&name, SIZE_MAX);
    for (size_t i = 0; i < cli->operands.n; i++)
        qn_buf_printf(&name, "%s%s", i ? " " : "", cli->operands.p[i]);
    qn_buf_put_u8(&name, 0);
    int status = QN_EXIT_OK;
    if (cli->operands.n > 0) {
        cmd = qn_command_find(qn_str_of(name.p));
        if (cmd == NULL)
            status = help_group(cli, name.p);
    }
    if (cmd != NULL || cli->operands.n == 0) {
        qn_buf_init(&text, SIZE_MAX);
        qn_cli_help(cli, cmd, &text);
        status = qn_cli_put(cli, &text);
    }
    qn_buf_release(&name);
    return status;
}

int qn_cmd_version(struct qn_cli *cli)
{
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_printf(&text, "quern %s (%s, %.10s, %s, %s)\n", qn_build.version, qn_build.commit_short,
                  qn_build.date, qn_build.target, qn_build.profile);
    return qn_cli_put(cli, &text);
}

int qn_cmd_completion(struct qn_cli *cli)
{
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    if (!qn_cli_complete(cli->operands.p[0], &text)) {
        qn_buf_release(&text);
        return qn_cli_fail(cli, QN_EXIT_USAGE, "%s: the shell is one of bash, zsh and fish",
                           cli->operands.p[0]);
    }
    return qn_cli_put(cli, &text);
}

int qn_cmd_man(struct qn_cli *cli)
{
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    qn_cli_man(&text);
    return qn_cli_put(cli, &text);
}
