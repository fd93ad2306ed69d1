/* --help of every level: sections, aligned columns, text wrapped to the terminal. */
#include "cli.h"

#include <string.h>

#define HELP_COLUMN 28

static void heading(const struct qn_cli *cli, struct qn_buf *out, const char *title)
{
    qn_buf_printf(out, cli->color ? "\n\033[1m%s\033[0m\n" : "\n%s\n", title);
}

/* Words of text from column `at` on, wrapped at the width with `indent` spaces before each line. */
static void wrap(const struct qn_cli *cli, struct qn_buf *out, const char *text, size_t indent,
                 size_t at)
{
    while (*text != '\0') {
        size_t n = strcspn(text, " \n");
        if (at > indent && at + 1 + n > cli->width) {
            qn_buf_put_u8(out, '\n');
            at = 0;
        }
        if (at == 0) {
            qn_buf_fill(out, ' ', indent);
            at = indent;
        } else if (at > indent) {
            qn_buf_put_u8(out, ' ');
            at++;
        }
        qn_buf_put(out, text, n);
        at += n;
        text += n;
        if (*text == '\n' && text[1] != '\0') {
            qn_buf_put_u8(out, '\n');
            at = 0;
        }
        text += *text != '\0';
    }
    qn_buf_put_u8(out, '\n');
}

/* One row: a term on the left, its text in the column on the right. */
static void row(const struct qn_cli *cli, struct qn_buf *out, const char *term, const char *text)
{
    size_t n = strlen(term) + 2;
    qn_buf_printf(out, "  %s", term);
    if (n + 2 > HELP_COLUMN) {
        qn_buf_put_u8(out, '\n');
        wrap(cli, out, text, HELP_COLUMN, 0);
        return;
    }
    qn_buf_fill(out, ' ', HELP_COLUMN - n);
    wrap(cli, out, text, HELP_COLUMN, HELP_COLUMN);
}

const char *qn_option_value_name(const struct qn_option *op)
{
    switch (op->kind) {
    case QN_OPTION_KIND_CHOICE:
        return op->unit;
    case QN_OPTION_KIND_FLAG:
        return "true|false";
    case QN_OPTION_KIND_COUNT:
        return "N";
    case QN_OPTION_KIND_SIZE:
        return "SIZE";
    case QN_OPTION_KIND_DURATION:
        return "DURATION";
    case QN_OPTION_KIND_LIST:
        return "A,B,...";
    case QN_OPTION_KIND_URI:
        return "URI";
    default:
        return "TEXT";
    }
}

static void put_flags(const struct qn_cli *cli, struct qn_buf *out, const struct qn_flag *f)
{
    for (; f != NULL && f->name != NULL; f++) {
        char term[128];
        char letter[8] = "    ";
        if (f->letter != 0)
            snprintf(letter, sizeof letter, "-%c, ", f->letter);
        snprintf(term, sizeof term, "%s--%s%s%s", letter, f->name, f->value ? " " : "",
                 f->value ? f->value : "");
        row(cli, out, term, f->help);
    }
}

bool qn_command_has_setting(const struct qn_command *cmd, const struct qn_option *op)
{
    if (!cmd->settings || qn_option_id(op) == QN_OPTION_version)
        return false;
    for (const struct qn_flag *f = cmd->flags; f != NULL && f->name != NULL; f++)
        if (f->option != NULL && strcmp(f->option, op->key) == 0)
            return false;
    return true;
}

static void put_settings(const struct qn_cli *cli, const struct qn_command *cmd, struct qn_buf *out)
{
    heading(cli, out, "Settings");
    wrap(cli, out,
         "Each is also a key of quern.yaml (--rest-listen-port is listen_port below rest) and an "
         "environment variable (QUERN_REST_LISTEN_PORT).",
         2, 0);
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        char flag[QN_OPTION_NAME_MAX], term[256], text[512];
        if (!qn_command_has_setting(cmd, op))
            continue;
        snprintf(term, sizeof term, "%s %s", qn_option_flag(op, flag), qn_option_value_name(op));
        snprintf(text, sizeof text, op->fallback[0] ? "%s [%s]" : "%s", op->help, op->fallback);
        row(cli, out, term, text);
    }
}

static void put_examples(const struct qn_cli *cli, const struct qn_command *cmd, struct qn_buf *out)
{
    heading(cli, out, "Examples");
    struct qn_str rest = qn_str_of(cmd->examples), line;
    while (qn_str_split(&rest, '\n', &line))
        if (line.n != 0)
            qn_buf_printf(out, "  " QN_STR_FMT "\n", QN_STR_ARG(line));
}

static void put_command_help(const struct qn_cli *cli, const struct qn_command *cmd,
                             struct qn_buf *out)
{
    qn_buf_printf(out, "quern %s - %s\n", cmd->name, cmd->summary);
    heading(cli, out, "Usage");
    qn_buf_printf(out, "  quern %s%s%s%s\n", cmd->name, cmd->flags ? " [flags]" : "",
                  cmd->operand ? " " : "", cmd->operand ? cmd->operand : "");
    if (cmd->alias != NULL)
        qn_buf_printf(out, "  quern %s ... is the same\n", cmd->alias);
    if (cmd->operand_choices != NULL)
        qn_buf_printf(out, "  %s is one of %s\n", cmd->operand, cmd->operand_choices);
    if (cmd->text != NULL) {
        qn_buf_put_u8(out, '\n');
        wrap(cli, out, cmd->text, 0, 0);
    }
    heading(cli, out, "Flags");
    put_flags(cli, out, cmd->flags);
    put_flags(cli, out, qn_global_flags);
    if (cmd->settings)
        put_settings(cli, cmd, out);
    if (cmd->examples != NULL)
        put_examples(cli, cmd, out);
}

static void put_program_help(const struct qn_cli *cli, struct qn_buf *out)
{
    qn_buf_put_z(out, "quern - a search server for logs, traces and other time-stamped JSON\n");
    heading(cli, out, "Usage");
    qn_buf_put_z(out, "  quern COMMAND [flags]\n");
    heading(cli, out, "Commands");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        char text[256];
        snprintf(text, sizeof text, c->alias ? "%s (also: %s)" : "%s", c->summary, c->alias);
        row(cli, out, c->name, text);
    }
    heading(cli, out, "Flags");
    put_flags(cli, out, qn_global_flags);
    heading(cli, out, "Start here");
    qn_buf_put_z(out, "  quern serve --data-dir ./quern-data --listen 127.0.0.1:7280\n"
                      "  quern help serve\n");
}

void qn_cli_help(const struct qn_cli *cli, const struct qn_command *cmd, struct qn_buf *out)
{
    if (cmd != NULL)
        put_command_help(cli, cmd, out);
    else
        put_program_help(cli, out);
}
