/* The server's configuration: quern.yaml, environment and flags, checked and in one struct.
 *
 *     qn_config_init(&cfg)                      defaults
 *     qn_config_load(&cfg, name, bytes, ...)    the file, if there is one
 *     qn_config_load_env(&cfg, envp, err)       QUERN_* and QW_* variables
 *     qn_config_set(&cfg, option, ...)          one call for each flag
 *     qn_config_finish(&cfg, host name, err)    values that follow from others
 *
 * Later calls win, so the precedence is flag > environment > file > default. Every error names the
 * file, line, column and key, or the variable, or the flag. The struct's fields are the rows of
 * options.h; `from` remembers where each value came from. Strings live in the config's own arena.
 * Immutable once finished. @thread any after qn_config_finish  @locks none */
#ifndef QN_CONFIG_CONFIG_H
#define QN_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/vec.h"
#include "config/options.h"

struct qn_jw; /* json/writer.h */

struct qn_str_list {
    const struct qn_str *p;
    size_t n;
};

enum qn_option_id {
#define XX(kind, field, ...) QN_OPTION_##field,
    QN_OPTIONS(XX)
#undef XX
        QN_OPTIONS_COUNT
};

enum qn_option_kind {
    QN_OPTION_KIND_TEXT,
    QN_OPTION_KIND_URI,
    QN_OPTION_KIND_CHOICE,
    QN_OPTION_KIND_FLAG,
    QN_OPTION_KIND_COUNT,
    QN_OPTION_KIND_SIZE,
    QN_OPTION_KIND_DURATION,
    QN_OPTION_KIND_LIST,
};

enum qn_config_source { QN_FROM_DEFAULT, QN_FROM_FILE, QN_FROM_ENV, QN_FROM_FLAG };

struct qn_option {
    const char *key;
    enum qn_option_kind kind;
    size_t offset;    /* of the field in struct qn_config */
    const char *unit; /* or the choices: "a|b|c" */
    uint64_t min, max;
    const char *fallback;
    const char *env2; /* second environment name or NULL */
    const char *help;
};

#define QN_OPTION_CTYPE_TEXT struct qn_str
#define QN_OPTION_CTYPE_URI struct qn_str
#define QN_OPTION_CTYPE_CHOICE struct qn_str
#define QN_OPTION_CTYPE_FLAG bool
#define QN_OPTION_CTYPE_COUNT uint64_t
#define QN_OPTION_CTYPE_SIZE uint64_t
#define QN_OPTION_CTYPE_DURATION uint64_t
#define QN_OPTION_CTYPE_LIST struct qn_str_list

struct qn_config {
#define XX(kind, field, ...) QN_OPTION_CTYPE_##kind field;
    QN_OPTIONS(XX)
#undef XX
    struct qn_arena ar;
    uint8_t from[QN_OPTIONS_COUNT]; /* enum qn_config_source */
    QN_VEC(struct qn_str) warnings; /* for the log: ignored keys and the like */
};

/* The table itself, QN_OPTIONS_COUNT rows. */
extern const struct qn_option qn_option_table[];

/* The row of a key ("rest.listen_port"), an alias of one, or NULL. */
const struct qn_option *qn_option_find(struct qn_str key);
static inline enum qn_option_id qn_option_id(const struct qn_option *op)
{
    return (enum qn_option_id)(op - qn_option_table);
}
/* "QUERN_REST_LISTEN_PORT" and "--rest-listen-port"; out is returned. */
#define QN_OPTION_NAME_MAX 96
const char *qn_option_env(const struct qn_option *op, char out[QN_OPTION_NAME_MAX]);
const char *qn_option_flag(const struct qn_option *op, char out[QN_OPTION_NAME_MAX]);

/* Fills in the defaults. Release it in any case. */
void qn_config_init(struct qn_config *cfg);
void qn_config_release(struct qn_config *cfg);

/* Sets one option from text, as the environment and flags do. `where` names the place in messages:
 * "--rest-listen-port", "QUERN_DATA_DIR". */
QN_MUST_CHECK int qn_config_set(struct qn_config *cfg, const struct qn_option *op,
                                struct qn_str value, enum qn_config_source from, const char *where,
                                struct qn_err *err);
/* Sets listen_address and rest.listen_port from "host:port", "[v6]:port", ":port" or "host". */
QN_MUST_CHECK int qn_config_set_listen(struct qn_config *cfg, struct qn_str value,
                                       enum qn_config_source from, const char *where,
                                       struct qn_err *err);

/* Reads the file's bytes (YAML or JSON). `envp` (NULL-terminated, "NAME=value") serves ${VAR}.
 */
QN_MUST_CHECK int qn_config_load(struct qn_config *cfg, struct qn_str name, struct qn_str bytes,
                                 const char *const *envp, struct qn_err *err);
/* QUERN_<KEY>, QUERN_LISTEN and the second names; a QUERN_ variable that is none of these is a
 * warning. QUERN_CONFIG names the file and is the caller's. */
QN_MUST_CHECK int qn_config_load_env(struct qn_config *cfg, const char *const *envp,
                                     struct qn_err *err);
/* Fills what follows from other values: node_id, advertise_address, memory_limit. */
QN_MUST_CHECK int qn_config_finish(struct qn_config *cfg, struct qn_str host_name,
                                   uint64_t machine_bytes, struct qn_err *err);

const char *qn_config_source_name(enum qn_config_source from); /* "file" */
/* One value as a person would write it; passwords are replaced by ***redacted***. */
void qn_config_print_value(const struct qn_config *cfg, const struct qn_option *op,
                           struct qn_buf *out);
/* The effective configuration as nested JSON, passwords redacted. */
void qn_config_print_json(const struct qn_config *cfg, struct qn_jw *w);
/* A commented quern.yaml. With `effective` the values of cfg, not the defaults. */
void qn_config_print_yaml(const struct qn_config *cfg, bool effective, struct qn_buf *out);

#endif
