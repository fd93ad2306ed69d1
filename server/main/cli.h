/* The command line, from one table.
 *
 *     qn_commands[] (commands.c) ──┬── parsing                 cli.c
 *     options.h (server/config) ───┼── --help of every level   cli_help.c
 *                                  ├── shell completion        cli_complete.c
 *                                  └── the manual page         cli_man.c
 *
 * A row is a command: its name (one or two words), its flags, its help, its function. A command
 * with `settings` also takes every option of quern.yaml as a flag. Flags may stand before or after
 * operands, as --flag value or --flag=value; "--" ends them. Wrong usage is told on stderr with the
 * nearest right spelling, and is exit status 2. @thread main */
#ifndef QN_MAIN_CLI_H
#define QN_MAIN_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "config/config.h"

/*  XX(NAME, status, meaning) */
#define QN_EXIT_MAP(XX)                                                                            \
    XX(OK, 0, "Success; a server that was asked to stop and did")                                  \
    XX(FAILED, 1, "The command failed; stderr says why")                                           \
    XX(USAGE, 2, "The command line or the configuration is wrong")                                 \
    XX(LOCKED, 3, "Another server uses the data directory")                                        \
    XX(UNCLEAN, 4, "The server stopped, but had to cut off requests")

enum qn_exit {
#define XX(name, status, meaning) QN_EXIT_##name = status,
    QN_EXIT_MAP(XX)
#undef XX
};

enum qn_flag_kind {
    QN_FLAG_SWITCH, /* takes no value */
    QN_FLAG_TEXT,
    QN_FLAG_FILE,
    QN_FLAG_DIR,
    QN_FLAG_CHOICE,
};

struct qn_flag {
    const char *name; /* without dashes; NULL ends a table */
    char letter;      /* -x, or 0 */
    enum qn_flag_kind kind;
    const char *value; /* what stands for the value in help; CHOICE: "a|b|c" */
    const char *help;
    const char *option; /* the option of options.h that it sets, or NULL */
};

struct qn_cli;

struct qn_command {
    const char *name;  /* "serve", "config show" */
    const char *alias; /* or NULL */
    const char *summary;
    const char *text;     /* more, or NULL; paragraphs end with \n */
    const char *examples; /* "command\n  what it does\n..." or NULL */
    const char *operand; /* "SHELL", "ACTION FILE"; in brackets when it may be left out; NULL: takes
                            none */
    const char *operand_choices; /* "bash|zsh|fish" or NULL */
    const struct qn_flag *flags; /* or NULL */
    bool settings;
    int (*run)(struct qn_cli *cli); /* the exit status */
};

extern const struct qn_command qn_commands[]; /* ends with a NULL name */
extern const struct qn_flag qn_global_flags[];

struct qn_given {
    const struct qn_flag *flag;     /* or NULL */
    const struct qn_option *option; /* or NULL */
    const char *value;              /* NULL for a switch */
};

struct qn_cli {
    const char *const *envp;
    FILE *out, *err;
    bool color; /* of out */
    size_t width;
    const struct qn_command *cmd; /* NULL: none was named */
    QN_VEC(struct qn_given) given;
    QN_VEC(const char *) operands;
};

/* Runs the whole command line and returns the exit status. */
int qn_cli_main(int argc, char **argv, const char *const *envp, FILE *out, FILE *err);

/* The pieces. Parsing reports on cli->err itself: 0 or QN_EXIT_USAGE. */
QN_MUST_CHECK int qn_cli_parse(struct qn_cli *cli, int argc, char **argv);
void qn_cli_release(struct qn_cli *cli);
bool qn_cli_has(const struct qn_cli *cli, const char *flag);
/* The last value given, or NULL. */
const char *qn_cli_get(const struct qn_cli *cli, const char *flag);
const char *qn_cli_env(const struct qn_cli *cli, const char *name); /* or NULL */
/* "quern: message" on cli->err; returns status. */
int qn_cli_fail(const struct qn_cli *cli, int status, const char *fmt, ...) QN_PRINTF(3, 4);

/* The effective configuration of this command line: defaults, file, environment, flags. The file is
 * --config, $QUERN_CONFIG or $QW_CONFIG, which must exist, or the first of ./quern.yaml and
 * /etc/quern/quern.yaml that does. *file is its name ("" when there is none), in cfg's arena. */
QN_MUST_CHECK int qn_cli_config(const struct qn_cli *cli, struct qn_config *cfg,
                                struct qn_str *file, struct qn_err *err);

/* Appends help: of the program when cmd is NULL. */
void qn_cli_help(const struct qn_cli *cli, const struct qn_command *cmd, struct qn_buf *out);
/* Appends a completion script; false for an unknown shell. */
bool qn_cli_complete(const char *shell, struct qn_buf *out);
/* Appends quern(1) as troff. */
void qn_cli_man(struct qn_buf *out);
/* Writes all of *text to out and releases it. */
int qn_cli_put(const struct qn_cli *cli, struct qn_buf *text);

/* The row by its name or alias ("config show", "run"); NULL when there is none. */
const struct qn_command *qn_command_find(struct qn_str name);
/* The option is a flag of its own: not one that a flag of the command sets already, and not
 * `version`, which is only a key of the file. */
bool qn_command_has_setting(const struct qn_command *cmd, const struct qn_option *op);
/* "N", "DURATION", "a|b": what stands for an option's value in help. */
const char *qn_option_value_name(const struct qn_option *op);

int qn_cmd_serve(struct qn_cli *cli);
int qn_cmd_config_check(struct qn_cli *cli);
int qn_cmd_config_show(struct qn_cli *cli);
int qn_cmd_config_example(struct qn_cli *cli);
int qn_cmd_help(struct qn_cli *cli);
int qn_cmd_version(struct qn_cli *cli);
int qn_cmd_completion(struct qn_cli *cli);
int qn_cmd_man(struct qn_cli *cli);
int qn_cmd_tool_split(struct qn_cli *cli);

#endif
