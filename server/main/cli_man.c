/* quern(1) in man(7) troff, from the tables. */
#include "cli.h"

#include <string.h>

#include "build_info.h"

/* Text with troff's own characters escaped; a newline ends a paragraph. */
static void put_text(struct qn_buf *out, const char *z)
{
    bool line_start = true;
    for (; *z != '\0'; z++) {
        if (line_start && (*z == '.' || *z == '\''))
            qn_buf_put_z(out, "\\&");
        line_start = *z == '\n';
        if (*z == '\\')
            qn_buf_put_z(out, "\\e");
        else if (*z == '-')
            qn_buf_put_z(out, "\\-");
        else if (*z == '\n' && z[1] != '\0')
            qn_buf_put_z(out, "\n.PP\n");
        else
            qn_buf_put_u8(out, (uint8_t)*z);
    }
}

static void put_line(struct qn_buf *out, const char *macro, const char *z)
{
    qn_buf_printf(out, "%s ", macro);
    put_text(out, z);
    qn_buf_put_z(out, "\n");
}

static void put_flags(struct qn_buf *out, const struct qn_flag *f)
{
    for (; f != NULL && f->name != NULL; f++) {
        char term[160];
        qn_buf_put_z(out, ".TP\n");
        snprintf(term, sizeof term, f->letter ? "-%2$c, --%1$s" : "--%1$s", f->name, f->letter);
        qn_buf_put_z(out, "\\fB");
        put_text(out, term);
        qn_buf_put_z(out, "\\fR");
        if (f->value != NULL) {
            qn_buf_put_z(out, " \\fI");
            put_text(out, f->value);
            qn_buf_put_z(out, "\\fR");
        }
        qn_buf_put_z(out, "\n");
        put_text(out, f->help);
        qn_buf_put_z(out, ".\n");
    }
}

static void put_command(struct qn_buf *out, const struct qn_command *c)
{
    char title[128];
    snprintf(title, sizeof title, "quern %s%s%s%s", c->name, c->flags ? " [flags]" : "",
             c->operand ? " " : "", c->operand ? c->operand : "");
    put_line(out, ".SS", title);
    put_text(out, c->summary);
    qn_buf_put_z(out, ".\n");
    if (c->alias != NULL) {
        qn_buf_put_z(out, "Also: ");
        put_text(out, c->alias);
        qn_buf_put_z(out, ".\n");
    }
    if (c->text != NULL) {
        qn_buf_put_z(out, ".PP\n");
        put_text(out, c->text);
    }
    put_flags(out, c->flags);
    if (c->settings)
        qn_buf_put_z(out, ".PP\nTakes every setting of\n.B SETTINGS\nas a flag.\n");
}

static void put_settings(struct qn_buf *out)
{
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        char flag[QN_OPTION_NAME_MAX];
        qn_buf_put_z(out, ".TP\n\\fB");
        put_text(out, op->key);
        if (i != QN_OPTION_version) {
            qn_buf_put_z(out, "\\fR, \\fB");
            put_text(out, qn_option_flag(op, flag));
        }
        qn_buf_put_z(out, "\\fR \\fI");
        put_text(out, qn_option_value_name(op));
        qn_buf_put_z(out, "\\fR\n");
        put_text(out, op->help);
        qn_buf_put_z(out, ".\n");
        if (op->fallback[0] != '\0') {
            qn_buf_put_z(out, "Default: ");
            put_text(out, op->fallback);
            qn_buf_put_z(out, ".\n");
        }
        if (op->env2 != NULL)
            put_line(out, "Second environment name:", op->env2);
    }
}

static void put_examples(struct qn_buf *out, const char *examples)
{
    struct qn_str rest = qn_str_of(examples), line;
    while (qn_str_split(&rest, '\n', &line)) {
        char text[256];
        if (line.n == 0)
            continue;
        bool is_command = line.p[0] != ' ';
        snprintf(text, sizeof text, QN_STR_FMT, QN_STR_ARG(qn_str_trim(line)));
        qn_buf_put_z(out, is_command ? ".TP\n.B " : "");
        put_text(out, text);
        qn_buf_put_z(out, is_command ? "\n" : ".\n");
    }
}

void qn_cli_man(struct qn_buf *out)
{
    qn_buf_printf(out, ".TH QUERN 1 \"%.10s\" \"Quern %s\" \"User Commands\"\n", qn_build.date,
                  qn_build.version);
    qn_buf_put_z(out, ".SH NAME\nquern \\- a search server for logs, traces and other "
                      "time\\-stamped JSON\n"
                      ".SH SYNOPSIS\n.B quern\n.I command\n.RI [ flags ]\n"
                      ".SH COMMANDS\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++)
        put_command(out, c);
    qn_buf_put_z(out, ".SS Everywhere\n");
    put_flags(out, qn_global_flags);
    qn_buf_put_z(out, ".SH SETTINGS\nA setting is a key of\n.IR quern.yaml ,\na flag, and an "
                      "environment variable: the key\n.B rest.listen_port\nis the flag\n"
                      ".B \\-\\-rest\\-listen\\-port\nand the variable\n"
                      ".BR QUERN_REST_LISTEN_PORT .\nFlags win over the environment, the "
                      "environment over the file. The file may hold ${NAME} and "
                      "${NAME:\\-default}.\n");
    put_settings(out);
    qn_buf_put_z(out, ".SH ENVIRONMENT\n.TP\n.BR QUERN_CONFIG \", \" QW_CONFIG\nThe configuration "
                      "file.\n.TP\n.B QUERN_LISTEN\nAs \\-\\-listen.\n.TP\n.B NO_COLOR\nPlain help "
                      "on a terminal.\n.SH FILES\n.TP\n.IR ./quern.yaml \", \" "
                      "/etc/quern/quern.yaml\nRead when no other file is named.\n"
                      ".SH EXIT STATUS\n");
#define XX(name, status, meaning)                                                                  \
    qn_buf_printf(out, ".TP\n.B %d\n", status);                                                    \
    put_text(out, meaning);                                                                        \
    qn_buf_put_z(out, ".\n");
    QN_EXIT_MAP(XX)
#undef XX
    qn_buf_put_z(out, ".SH EXAMPLES\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++)
        if (c->examples != NULL)
            put_examples(out, c->examples);
}
