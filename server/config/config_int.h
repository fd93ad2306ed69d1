/* Shared by the files of config.h. */
#ifndef QN_CONFIG_CONFIG_INT_H
#define QN_CONFIG_CONFIG_INT_H

#include "config.h"

struct qn_config_note { /* a row of QN_OPTIONS_ALIASES or QN_OPTIONS_IGNORED */
    const char *key;
    const char *text;
};

extern const struct qn_config_note qn__config_ignored[];
extern const size_t qn__config_ignored_count;

/* The value from one text, or from the items of a list; messages name the value, not the place. */
QN_MUST_CHECK int qn__config_assign(struct qn_config *cfg, const struct qn_option *op,
                                    const struct qn_str *items, size_t n,
                                    enum qn_config_source from, struct qn_err *err);
void qn__config_warn(struct qn_config *cfg, const char *fmt, ...) QN_PRINTF(2, 3);

/* ": did you mean rest.listen_port?" for an unknown key, or "". */
struct qn_str qn__config_suggest(struct qn_arena *ar, struct qn_str key);

#endif
