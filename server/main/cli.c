/* Words to a command, its flags and operands; and from those to a configuration. */
#include "cli.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "os/file.h"

int qn_cli_fail(const struct qn_cli *cli, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("quern: ", cli->err);
    vfprintf(cli->err, fmt, ap);
    fputc('\n', cli->err);
    va_end(ap);
    return status;
}

const char *qn_cli_env(const struct qn_cli *cli, const char *name)
{
    size_t n = strlen(name);
    for (const char *const *e = cli->envp; e != NULL && *e != NULL; e++)
        if (strncmp(*e, name, n) == 0 && (*e)[n] == '=')
            return *e + n + 1;
    return NULL;
}

const struct qn_command *qn_command_find(struct qn_str name)
{
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++)
        if (qn_str_is(name, c->name) || (c->alias != NULL && qn_str_is(name, c->alias)))
            return c;
    return NULL;
}

/* ", did you mean X?" or "". */
static const char *hint(char *out, size_t n, const char *word, const char *const *names,
                        size_t n_names)
{
    const char *near = qn_str_nearest(qn_str_of(word), names, n_names);
    out[0] = '\0';
    if (near != NULL)
        snprintf(out, n, "; did you mean %s?", near);
    return out;
}

static int unknown_command(struct qn_cli *cli, const char *first, const char *second)
{
    const char *names[64];
    char word[160], near[96];
    size_t n = 0;
    bool group = false;
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        size_t len = strlen(first);
        names[n++] = c->name;
        if (c->alias != NULL)
            names[n++] = c->alias;
        group = group || (strncmp(c->name, first, len) == 0 && c->name[len] == ' ');
    }
    if (group && second == NULL)
        return qn_cli_fail(cli, QN_EXIT_USAGE, "%s is a group of commands; see quern help %s",
                           first, first);
    snprintf(word, sizeof word, group ? "%s %s" : "%s", first, second);
    return qn_cli_fail(cli, QN_EXIT_USAGE, "%s is not a command%s", word,
                       hint(near, sizeof near, word, names, n));
}

static const struct qn_flag *find_flag(const struct qn_flag *flags, struct qn_str name)
{
    for (; flags != NULL && flags->name != NULL; flags++)
        if (qn_str_is(name, flags->name) || (name.n == 1 && name.p[0] == flags->letter))
            return flags;
    return NULL;
}

static const struct qn_option *find_setting(struct qn_str name)
{
    char flag[QN_OPTION_NAME_MAX];
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++)
        if (qn_str_is(name, qn_option_flag(&qn_option_table[i], flag) + 2))
            return &qn_option_table[i];
    return NULL;
}

static int unknown_flag(struct qn_cli *cli, const char *word)
{
    char text[QN_OPTIONS_COUNT + 32][QN_OPTION_NAME_MAX], near[QN_OPTION_NAME_MAX + 32];
    const char *names[QN_COUNT_OF(text)];
    const struct qn_flag *tables[] = {qn_global_flags, cli->cmd ? cli->cmd->flags : NULL};
    size_t n = 0;
    for (size_t t = 0; t < QN_COUNT_OF(tables); t++)
        for (const struct qn_flag *f = tables[t]; f != NULL && f->name != NULL; f++)
            snprintf(text[n++], sizeof text[0], "--%s", f->name);
    for (size_t i = 0; cli->cmd != NULL && i < QN_OPTIONS_COUNT; i++)
        if (qn_command_has_setting(cli->cmd, &qn_option_table[i]))
            qn_option_flag(&qn_option_table[i], text[n++]);
    for (size_t i = 0; i < n; i++)
        names[i] = text[i];
    struct qn_str name = qn_str_of(word);
    size_t eq = qn_str_find_byte(name, '=');
    int len = (int)(eq == SIZE_MAX ? name.n : eq);
    char bare[QN_OPTION_NAME_MAX];
    snprintf(bare, sizeof bare, "%.*s", len, word);
    return qn_cli_fail(cli, QN_EXIT_USAGE, "unknown flag %s%s", bare,
                       hint(near, sizeof near, bare, names, n));
}

/* One flag at argv[*at]; moves *at past its value. */
static int parse_flag(struct qn_cli *cli, int argc, char **argv, int *at)
{
    const char *word = argv[*at], *value = NULL;
    bool is_long = word[1] == '-';
    struct qn_str name = qn_str_of(word + (is_long ? 2 : 1));
    size_t eq = qn_str_find_byte(name, '=');
    if (eq != SIZE_MAX) {
        value = name.p + eq + 1;
        name = qn_str_first(name, eq);
    } else if (!is_long && name.n > 1) { /* -cFILE */
        value = name.p + 1;
        name = qn_str_first(name, 1);
    }
    struct qn_given g = {.value = value};
    g.flag = is_long == (name.n > 1) ? find_flag(qn_global_flags, name) : NULL;
    if (g.flag == NULL && cli->cmd != NULL && is_long == (name.n > 1))
        g.flag = find_flag(cli->cmd->flags, name);
    if (g.flag == NULL && cli->cmd != NULL && cli->cmd->settings && is_long)
        g.option = find_setting(name);
    if (g.flag == NULL && g.option == NULL)
        return unknown_flag(cli, word);
    bool is_switch =
        g.flag ? g.flag->kind == QN_FLAG_SWITCH : g.option->kind == QN_OPTION_KIND_FLAG;
    if (g.flag != NULL && is_switch && g.value != NULL)
        return qn_cli_fail(cli, QN_EXIT_USAGE, "--%s takes no value", g.flag->name);
    if (g.option != NULL && is_switch && g.value == NULL)
        g.value = "true";
    if (!is_switch && g.value == NULL) {
        if (*at + 1 >= argc)
            return qn_cli_fail(cli, QN_EXIT_USAGE, "%s needs a value", word);
        g.value = argv[++*at];
    }
    if (g.flag != NULL && g.flag->option != NULL)
        g.option = qn_option_find(qn_str_of(g.flag->option));
    qn_vec_push(&cli->given, g);
    return 0;
}

/* The command that the leading words name; *used words of it. */
static const struct qn_command *match_command(int argc, char **argv, int at, int *used)
{
    char two[128];
    if (at + 1 < argc) {
        snprintf(two, sizeof two, "%s %s", argv[at], argv[at + 1]);
        const struct qn_command *c = qn_command_find(qn_str_of(two));
        *used = 2;
        if (c != NULL)
            return c;
    }
    *used = 1;
    return qn_command_find(qn_str_of(argv[at]));
}

int qn_cli_parse(struct qn_cli *cli, int argc, char **argv)
{
    bool flags_end = false;
    for (int at = 1; at < argc; at++) {
        if (!flags_end && strcmp(argv[at], "--") == 0) {
            flags_end = true;
        } else if (!flags_end && argv[at][0] == '-' && argv[at][1] != '\0') {
            int rc = parse_flag(cli, argc, argv, &at);
            if (rc != 0)
                return rc;
        } else if (cli->cmd != NULL) {
            qn_vec_push(&cli->operands, argv[at]);
        } else {
            int used;
            cli->cmd = match_command(argc, argv, at, &used);
            if (cli->cmd == NULL && qn_cli_has(cli, "help"))
                return unknown_command(cli, argv[at], NULL);
            if (cli->cmd == NULL)
                return unknown_command(cli, argv[at], at + 1 < argc ? argv[at + 1] : NULL);
            at += used - 1;
        }
    }
    return 0;
}

static int check_operands(const struct qn_cli *cli)
{
    const struct qn_command *cmd = cli->cmd;
    size_t want = 1;
    for (const char *z = cmd->operand; z != NULL && *z != '\0'; z++)
        want += *z == ' ';
    if (cmd->operand == NULL && cli->operands.n > 0)
        return qn_cli_fail(cli, QN_EXIT_USAGE, "quern %s takes no \"%s\"", cmd->name,
                           cli->operands.p[0]);
    if (cmd->operand != NULL && cmd->operand[0] != '[' && cli->operands.n != want)
        return qn_cli_fail(cli, QN_EXIT_USAGE, "quern %s takes %s%s%s%s", cmd->name,
                           want == 1 ? "one " : "", cmd->operand, cmd->operand_choices ? ": " : "",
                           cmd->operand_choices ? cmd->operand_choices : "");
    return 0;
}

void qn_cli_release(struct qn_cli *cli)
{
    qn_vec_release(&cli->given);
    qn_vec_release(&cli->operands);
}

bool qn_cli_has(const struct qn_cli *cli, const char *flag)
{
    for (size_t i = 0; i < cli->given.n; i++)
        if (cli->given.p[i].flag != NULL && strcmp(cli->given.p[i].flag->name, flag) == 0)
            return true;
    return false;
}

const char *qn_cli_get(const struct qn_cli *cli, const char *flag)
{
    const char *value = NULL;
    for (size_t i = 0; i < cli->given.n; i++)
        if (cli->given.p[i].flag != NULL && strcmp(cli->given.p[i].flag->name, flag) == 0)
            value = cli->given.p[i].value;
    return value;
}

int qn_cli_put(const struct qn_cli *cli, struct qn_buf *text)
{
    bool ok = !text->failed && fwrite(text->p, 1, text->n, cli->out) == text->n;
    ok = fflush(cli->out) == 0 && ok;
    qn_buf_release(text);
    return ok ? QN_EXIT_OK : qn_cli_fail(cli, QN_EXIT_FAILED, "cannot write the output");
}

static int load_file(const struct qn_cli *cli, struct qn_config *cfg, struct qn_str *file,
                     struct qn_err *err)
{
    static const char *const usual[] = {"quern.yaml", "/etc/quern/quern.yaml"};
    const char *name = qn_cli_get(cli, "config");
    if (name == NULL)
        name = qn_cli_env(cli, "QUERN_CONFIG");
    if (name == NULL)
        name = qn_cli_env(cli, "QW_CONFIG");
    for (size_t i = 0; i < QN_COUNT_OF(usual) && name == NULL; i++)
        if (qn_fs_exists(qn_fs_posix(), usual[i]) == 1)
            name = usual[i];
    *file = qn_arena_str(&cfg->ar, qn_str_of(name ? name : ""));
    if (name == NULL)
        return QN_OK;
    struct qn_buf bytes;
    qn_buf_init(&bytes, SIZE_MAX);
    int rc = qn_fs_read_file(qn_fs_posix(), name, 4u << 20, &bytes, err);
    if (rc == QN_OK)
        rc = qn_config_load(cfg, *file, qn_buf_str(&bytes), cli->envp, err);
    qn_buf_release(&bytes);
    return rc;
}

int qn_cli_config(const struct qn_cli *cli, struct qn_config *cfg, struct qn_str *file,
                  struct qn_err *err)
{
    int rc = load_file(cli, cfg, file, err);
    if (rc == QN_OK)
        rc = qn_config_load_env(cfg, cli->envp, err);
    for (size_t i = 0; rc == QN_OK && i < cli->given.n; i++) {
        const struct qn_given *g = &cli->given.p[i];
        char where[QN_OPTION_NAME_MAX];
        if (g->flag != NULL && strcmp(g->flag->name, "listen") == 0)
            rc = qn_config_set_listen(cfg, qn_str_of(g->value), QN_FROM_FLAG, "--listen", err);
        else if (g->option != NULL)
            rc = qn_config_set(cfg, g->option, qn_str_of(g->value), QN_FROM_FLAG,
                               qn_option_flag(g->option, where), err);
    }
    return rc;
}

/* Columns of the terminal behind out; 80 for anything else. */
static size_t width_of(FILE *out)
{
    struct winsize ws;
    if (!isatty(fileno(out)) || ioctl(fileno(out), TIOCGWINSZ, &ws) != 0 || ws.ws_col < 40)
        return 80;
    return ws.ws_col < 120 ? ws.ws_col : 120;
}

static int run(struct qn_cli *cli)
{
    if (qn_cli_has(cli, "version"))
        return qn_cmd_version(cli);
    if (qn_cli_has(cli, "help") || cli->cmd == NULL) {
        struct qn_buf text;
        qn_buf_init(&text, SIZE_MAX);
        qn_cli_help(cli, cli->cmd, &text);
        int status = qn_cli_put(cli, &text);
        return status == QN_EXIT_OK && !qn_cli_has(cli, "help") ? QN_EXIT_USAGE : status;
    }
    int rc = check_operands(cli);
    return rc != 0 ? rc : cli->cmd->run(cli);
}

int qn_cli_main(int argc, char **argv, const char *const *envp, FILE *out, FILE *err)
{
    struct qn_cli cli = {.envp = envp, .out = out, .err = err, .width = width_of(out)};
    const char *term = qn_cli_env(&cli, "TERM"), *no_color = qn_cli_env(&cli, "NO_COLOR");
    cli.color = isatty(fileno(out)) && term != NULL && strcmp(term, "dumb") != 0 &&
                (no_color == NULL || no_color[0] == '\0');
    int status = qn_cli_parse(&cli, argc, argv);
    if (status == 0)
        status = run(&cli);
    qn_cli_release(&cli);
    return status;
}
