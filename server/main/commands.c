/* The table of commands. What is written here is what --help, completion and quern(1) say. */
#include "cli.h"

const struct qn_flag qn_global_flags[] = {
    {"help", 'h', QN_FLAG_SWITCH, NULL, "Show this help", NULL},
    {"version", 'V', QN_FLAG_SWITCH, NULL, "Show the version", NULL},
    {0},
};

#define CONFIG_FLAG                                                                                \
    {                                                                                              \
        "config", 'c', QN_FLAG_FILE, "FILE",                                                       \
            "Configuration file; ./quern.yaml or /etc/quern/quern.yaml when there is one", NULL    \
    }

static const struct qn_flag serve_flags[] = {
    CONFIG_FLAG,
    {"data-dir", 'd', QN_FLAG_DIR, "DIR",
     "Folder for everything the server keeps; made when missing [./quern-data]", "data_dir"},
    {"listen", 'l', QN_FLAG_TEXT, "ADDRESS:PORT",
     "Where to listen: 0.0.0.0:7280, [::1]:7280, :7280 [127.0.0.1:7280]", NULL},
    {"quiet", 'q', QN_FLAG_SWITCH, NULL, "Do not greet on the terminal", NULL},
    {0},
};

static const struct qn_flag config_flags[] = {CONFIG_FLAG, {0}};

static const struct qn_flag split_flags[] = {
    {"field", 'f', QN_FLAG_TEXT, "NAME", "dump: the terms of this field, not the documents", NULL},
    {0},
};

static const struct qn_flag show_flags[] = {
    CONFIG_FLAG,
    {"format", 'f', QN_FLAG_CHOICE, "yaml|json", "Form of the output [yaml]", NULL},
    {0},
};

const struct qn_command qn_commands[] = {
    {.name = "serve",
     .alias = "run",
     .summary = "Start the server",
     .text =
         "Starts the server and keeps it in the foreground. The first SIGTERM or SIGINT (Ctrl-C) "
         "lets running requests finish; the second ends the process at once.\n"
         "Settings come from flags, then the environment, then the file, then the defaults. On a "
         "terminal the server says where it listens; its log is one JSON object a line on "
         "stderr.\n",
     .examples = "quern serve\n"
                 "  Serve ./quern-data at http://127.0.0.1:7280\n"
                 "quern serve --data-dir /var/lib/quern --listen :7280\n"
                 "  Serve another folder to the network\n"
                 "QUERN_LOG_LEVEL=debug quern serve --config quern.yaml\n"
                 "  Use a file, and one setting from the environment\n",
     .flags = serve_flags,
     .settings = true,
     .run = qn_cmd_serve},
    {.name = "config check",
     .summary = "Check a configuration without starting",
     .text = "Reads the file, the environment and the flags as `quern serve` does and reports the "
             "first mistake with its line and column.\n",
     .examples = "quern config check --config quern.yaml\n"
                 "  Say OK, or what is wrong and where\n",
     .flags = config_flags,
     .settings = true,
     .run = qn_cmd_config_check},
    {.name = "config show",
     .summary = "Show the effective configuration",
     .text = "Every setting with its value and where the value comes from: default, file, "
             "environment or flag. Passwords are not shown.\n",
     .examples = "quern config show --rest-listen-port 7281\n"
                 "  See what a flag changes\n",
     .flags = show_flags,
     .settings = true,
     .run = qn_cmd_config_show},
    {.name = "config example",
     .summary = "Print a quern.yaml with every setting explained",
     .examples = "quern config example > quern.yaml\n"
                 "  Start a configuration file\n",
     .run = qn_cmd_config_example},
    {.name = "tool split",
     .summary = "Look into a split file",
     .text = "describe: its sections with their sizes, and what each field takes.\n"
             "verify: reads every byte; says OK, or what is damaged and where.\n"
             "dump: its documents, one a line, or the terms of a field with the number of "
             "documents that have them.\n",
     .examples = "quern tool split describe 01JD.split\n"
                 "  See where the bytes go\n"
                 "quern tool split dump --field level 01JD.split\n"
                 "  List the terms of a field\n",
     .operand = "describe|verify|dump FILE",
     .flags = split_flags,
     .run = qn_cmd_tool_split},
    {.name = "completion",
     .summary = "Print a completion script for a shell",
     .text = "bash: quern completion bash > /etc/bash_completion.d/quern\n"
             "zsh: quern completion zsh > /usr/share/zsh/site-functions/_quern\n"
             "fish: quern completion fish > ~/.config/fish/completions/quern.fish\n",
     .operand = "SHELL",
     .operand_choices = "bash|zsh|fish",
     .examples = "source <(quern completion bash)\n"
                 "  Complete in this shell\n",
     .run = qn_cmd_completion},
    {.name = "man",
     .summary = "Print the manual page",
     .examples = "quern man | man -l -\n"
                 "  Read it\n",
     .run = qn_cmd_man},
    {.name = "help",
     .summary = "Show help for a command",
     .operand = "[COMMAND]",
     .examples = "quern help config show\n"
                 "  The same as quern config show --help\n",
     .run = qn_cmd_help},
    {.name = "version", .summary = "Show the version", .run = qn_cmd_version},
    {0},
};
