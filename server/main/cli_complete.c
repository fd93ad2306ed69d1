/* Completion scripts, written out from the tables: the shells need not run quern to complete. */
#include "cli.h"

#include <string.h>

/* Each flag of a command, its own, the settings and the global ones, through one callback. */
struct word {
    const char *flag; /* "--config" */
    char letter;
    enum qn_flag_kind kind;
    const char *choices; /* CHOICE */
    const char *help;
};

typedef void (*word_fn)(struct qn_buf *out, const struct word *w);

static void each_of(struct qn_buf *out, const struct qn_flag *f, word_fn fn)
{
    for (; f != NULL && f->name != NULL; f++) {
        char name[QN_OPTION_NAME_MAX];
        snprintf(name, sizeof name, "--%s", f->name);
        fn(out, &(struct word){name, f->letter, f->kind, f->value, f->help});
    }
}

static void each_word(struct qn_buf *out, const struct qn_command *cmd, word_fn fn)
{
    each_of(out, cmd->flags, fn);
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        char name[QN_OPTION_NAME_MAX];
        if (!qn_command_has_setting(cmd, op))
            continue;
        bool choice = op->kind == QN_OPTION_KIND_CHOICE || op->kind == QN_OPTION_KIND_FLAG;
        fn(out, &(struct word){qn_option_flag(op, name), 0, choice ? QN_FLAG_CHOICE : QN_FLAG_TEXT,
                               choice ? qn_option_value_name(op) : NULL, op->help});
    }
    each_of(out, qn_global_flags, fn);
}

static void put_choices(struct qn_buf *out, const char *choices)
{
    for (const char *c = choices; *c != '\0'; c++)
        qn_buf_put_u8(out, *c == '|' ? ' ' : (uint8_t)*c);
}

/* Text inside of single quotes of a shell script. */
static void put_quoted(struct qn_buf *out, const char *z)
{
    for (; *z != '\0'; z++) {
        if (*z == '\'')
            qn_buf_put_z(out, "'\\''");
        else
            qn_buf_put_u8(out, (uint8_t)*z);
    }
}

/* Distinct first words, separated by spaces. */
static void put_first_words(struct qn_buf *out)
{
    const char *last = "";
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        size_t n = strcspn(c->name, " ");
        if (strncmp(last, c->name, n) == 0 && strcspn(last, " ") == n)
            continue;
        qn_buf_printf(out, "%s%.*s", *last ? " " : "", (int)n, c->name);
        last = c->name;
    }
}

/* --- bash --- */

static void bash_name(struct qn_buf *out, const struct word *w)
{
    qn_buf_printf(out, " %s", w->flag);
}

static void bash_value(struct qn_buf *out, const struct word *w)
{
    if (w->kind == QN_FLAG_SWITCH)
        return;
    qn_buf_printf(out, "    %s", w->flag);
    if (w->letter != 0)
        qn_buf_printf(out, "|-%c", w->letter);
    qn_buf_put_z(out, ") ");
    if (w->kind == QN_FLAG_CHOICE) {
        qn_buf_put_z(out, "COMPREPLY=($(compgen -W '");
        put_choices(out, w->choices);
        qn_buf_put_z(out, "' -- \"$cur\"))");
    } else if (w->kind == QN_FLAG_FILE) {
        qn_buf_put_z(out, "compopt -o default; COMPREPLY=()");
    } else if (w->kind == QN_FLAG_DIR) {
        qn_buf_put_z(out, "compopt -o dirnames; COMPREPLY=()");
    } else {
        qn_buf_put_z(out, "COMPREPLY=()");
    }
    qn_buf_put_z(out, "; return ;;\n");
}

static void bash_command(struct qn_buf *out, const struct qn_command *c)
{
    qn_buf_printf(out, "  '%s'", c->name);
    if (c->alias != NULL)
        qn_buf_printf(out, "|'%s'", c->alias);
    qn_buf_put_z(out, ")\n    case $prev in\n");
    each_word(out, c, bash_value);
    qn_buf_put_z(out, "    esac\n    words='");
    if (c->operand_choices != NULL)
        put_choices(out, c->operand_choices);
    each_word(out, c, bash_name);
    qn_buf_put_z(out, "' ;;\n");
}

static void put_bash(struct qn_buf *out)
{
    qn_buf_put_z(out, "# bash completion for quern, made by `quern completion bash`\n"
                      "_quern() {\n"
                      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                      "  local words='' cmd=${COMP_WORDS[1]}\n"
                      "  case $cmd in\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        size_t n = strcspn(c->name, " ");
        if (c->name[n] == ' ')
            qn_buf_printf(out,
                          "  %.*s) ((COMP_CWORD > 2)) && [[ ${COMP_WORDS[2]} == %s ]] && "
                          "cmd='%s' ;;&\n",
                          (int)n, c->name, c->name + n + 1, c->name);
    }
    qn_buf_put_z(out, "  esac\n"
                      "  if ((COMP_CWORD == 1)); then cmd=''; fi\n"
                      "  case $cmd in\n"
                      "  '') words='");
    put_first_words(out);
    qn_buf_put_z(out, " --help --version' ;;\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++)
        bash_command(out, c);
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        size_t n = strcspn(c->name, " ");
        if (c->name[n] == ' ')
            qn_buf_printf(out, "  %.*s) words+=' %s' ;;&\n", (int)n, c->name, c->name + n + 1);
    }
    qn_buf_put_z(out, "  esac\n"
                      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                      "}\n"
                      "complete -F _quern quern\n");
}

/* --- zsh --- */

static void zsh_text(struct qn_buf *out, const char *z)
{
    for (; *z != '\0'; z++) {
        if (*z == '[' || *z == ']' || *z == ':')
            qn_buf_put_u8(out, '\\');
        put_quoted(out, (char[2]){*z, '\0'});
    }
}

static void zsh_word(struct qn_buf *out, const struct word *w)
{
    if (w->letter != 0)
        qn_buf_printf(out, "        '(-%c %s)'{-%c,%s%s}'[", w->letter, w->flag, w->letter, w->flag,
                      w->kind == QN_FLAG_SWITCH ? "" : "=");
    else
        qn_buf_printf(out, "        '%s%s[", w->flag, w->kind == QN_FLAG_SWITCH ? "" : "=");
    zsh_text(out, w->help);
    qn_buf_put_z(out, "]");
    switch (w->kind) {
    case QN_FLAG_SWITCH:
        break;
    case QN_FLAG_FILE:
        qn_buf_put_z(out, ":file:_files");
        break;
    case QN_FLAG_DIR:
        qn_buf_put_z(out, ":folder:_files -/");
        break;
    case QN_FLAG_CHOICE:
        qn_buf_put_z(out, ":value:(");
        put_choices(out, w->choices);
        qn_buf_put_z(out, ")");
        break;
    case QN_FLAG_TEXT:
        qn_buf_put_z(out, ":value:");
        break;
    }
    qn_buf_put_z(out, "' \\\n");
}

static void put_zsh(struct qn_buf *out)
{
    qn_buf_put_z(out, "#compdef quern\n"
                      "# zsh completion for quern, made by `quern completion zsh`\n"
                      "_quern() {\n"
                      "  local -a commands\n"
                      "  commands=(\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        qn_buf_put_z(out, "    '");
        zsh_text(out, c->name);
        qn_buf_put_z(out, ":");
        zsh_text(out, c->summary);
        qn_buf_put_z(out, "'\n");
    }
    qn_buf_put_z(out, "  )\n"
                      "  if ((CURRENT == 2)); then\n"
                      "    local -aU first\n"
                      "    first=(${${commands%%:*}%% *})\n"
                      "    compadd -a first\n"
                      "    return\n"
                      "  fi\n"
                      "  local cmd=$words[2]\n"
                      "  local -a second\n"
                      "  second=(${${(M)commands:#$cmd *}#$cmd })\n"
                      "  if ((CURRENT == 3 && $#second)); then\n"
                      "    _describe command second\n"
                      "    return\n"
                      "  fi\n"
                      "  if (($#second)); then\n"
                      "    cmd=\"$cmd $words[3]\"\n"
                      "    shift words; ((CURRENT--))\n"
                      "  fi\n"
                      "  shift words; ((CURRENT--))\n"
                      "  case $cmd in\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        qn_buf_printf(out, "    '%s'", c->name);
        if (c->alias != NULL)
            qn_buf_printf(out, "|'%s'", c->alias);
        qn_buf_put_z(out, ")\n      _arguments \\\n");
        each_word(out, c, zsh_word);
        if (c->operand_choices != NULL) {
            qn_buf_put_z(out, "        '1:value:(");
            put_choices(out, c->operand_choices);
            qn_buf_put_z(out, ")' \\\n");
        }
        qn_buf_put_z(out, "        && return ;;\n");
    }
    qn_buf_put_z(out, "  esac\n"
                      "}\n"
                      "_quern \"$@\"\n");
}

/* --- fish --- */

static void fish_seen(struct qn_buf *out, const struct qn_command *c)
{
    size_t n = strcspn(c->name, " ");
    qn_buf_printf(out, "__fish_seen_subcommand_from %.*s", (int)n, c->name);
    if (c->alias != NULL)
        qn_buf_printf(out, " %s", c->alias);
    if (c->name[n] == ' ')
        qn_buf_printf(out, "; and __fish_seen_subcommand_from %s", c->name + n + 1);
}

/* What follows the condition; each_word calls it, and put_fish puts the condition before. */
static void fish_word(struct qn_buf *out, const struct word *w)
{
    qn_buf_printf(out, "\x01 -l %s", w->flag + 2);
    if (w->letter != 0)
        qn_buf_printf(out, " -s %c", w->letter);
    if (w->kind == QN_FLAG_CHOICE) {
        qn_buf_put_z(out, " -x -a '");
        put_choices(out, w->choices);
        qn_buf_put_z(out, "'");
    } else if (w->kind == QN_FLAG_FILE) {
        qn_buf_put_z(out, " -r -F");
    } else if (w->kind == QN_FLAG_DIR) {
        qn_buf_put_z(out, " -x -a '(__fish_complete_directories)'");
    } else if (w->kind == QN_FLAG_TEXT) {
        qn_buf_put_z(out, " -x");
    }
    qn_buf_put_z(out, " -d '");
    put_quoted(out, w->help);
    qn_buf_put_z(out, "'\n");
}

static void put_fish_command(struct qn_buf *out, const struct qn_command *c)
{
    struct qn_buf words;
    qn_buf_init(&words, SIZE_MAX);
    each_word(&words, c, fish_word);
    struct qn_str rest = qn_buf_str(&words), one;
    while (qn_str_split(&rest, '\x01', &one)) {
        if (one.n == 0)
            continue;
        qn_buf_put_z(out, "complete -c quern -n '");
        fish_seen(out, c);
        qn_buf_put_z(out, "'");
        qn_buf_put_str(out, one);
    }
    qn_buf_release(&words);
    if (c->operand_choices != NULL) {
        qn_buf_put_z(out, "complete -c quern -n '");
        fish_seen(out, c);
        qn_buf_put_z(out, "' -a '");
        put_choices(out, c->operand_choices);
        qn_buf_put_z(out, "'\n");
    }
}

static void put_fish(struct qn_buf *out)
{
    qn_buf_put_z(out, "# fish completion for quern, made by `quern completion fish`\n"
                      "complete -c quern -f\n");
    for (const struct qn_command *c = qn_commands; c->name != NULL; c++) {
        size_t n = strcspn(c->name, " ");
        bool two = c->name[n] == ' ';
        if (two)
            qn_buf_printf(
                out,
                "complete -c quern -n __fish_use_subcommand -a %.*s -d 'Several commands'\n"
                "complete -c quern -n '__fish_seen_subcommand_from %.*s' -a %s -d '",
                (int)n, c->name, (int)n, c->name, c->name + n + 1);
        else
            qn_buf_printf(out, "complete -c quern -n __fish_use_subcommand -a %s -d '", c->name);
        put_quoted(out, c->summary);
        qn_buf_put_z(out, "'\n");
        put_fish_command(out, c);
    }
}

bool qn_cli_complete(const char *shell, struct qn_buf *out)
{
    static const struct {
        const char *shell;
        void (*put)(struct qn_buf *out);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};
    for (size_t i = 0; i < QN_COUNT_OF(shells); i++) {
        if (strcmp(shell, shells[i].shell) == 0) {
            shells[i].put(out);
            return true;
        }
    }
    return false;
}
