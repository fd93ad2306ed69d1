/* tool split describe, verify, dump. */
#include "cli.h"

#include <string.h>

#include "qn/split_tool.h"

static int put(void *arg, struct qn_str text)
{
    return fwrite(text.p, 1, text.n, arg) == text.n ? 0 : QN_E_IO;
}

static int dump(struct qn_cli *cli, struct qn_split_tool *tool, struct qn_err *err)
{
    const char *field = qn_cli_get(cli, "field");
    int rc = field ? qn_split_tool_dump_terms(tool, qn_str_of(field), put, cli->out, err)
                   : qn_split_tool_dump_docs(tool, put, cli->out, err);
    if (fflush(cli->out) != 0 || ferror(cli->out))
        return qn_fail(err, QN_E_IO, "cannot write the output");
    return rc;
}

int qn_cmd_tool_split(struct qn_cli *cli)
{
    const char *action = cli->operands.p[0], *file = cli->operands.p[1];
    bool describe = strcmp(action, "describe") == 0, verify = strcmp(action, "verify") == 0;
    if (!describe && !verify && strcmp(action, "dump") != 0)
        return qn_cli_fail(cli, QN_EXIT_USAGE, "%s is not one of describe, verify and dump",
                           action);
    struct qn_split_tool *tool;
    struct qn_err err = {0};
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    int rc = qn_split_tool_open(&tool, file, "auto", &err);
    if (rc == 0 && describe)
        rc = qn_split_tool_describe(tool, &text, &err);
    else if (rc == 0 && verify)
        rc = qn_split_tool_verify(tool, &err);
    else if (rc == 0)
        rc = dump(cli, tool, &err);
    if (rc == 0 && verify)
        qn_buf_printf(&text, "OK: %s\n", file);
    qn_split_tool_close(tool);
    if (rc == 0 && text.n > 0)
        return qn_cli_put(cli, &text);
    qn_buf_release(&text);
    return rc < 0 ? qn_cli_fail(cli, QN_EXIT_FAILED, "%s", err.msg) : QN_EXIT_OK;
}
