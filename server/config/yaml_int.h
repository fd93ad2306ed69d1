/* Shared by the files of yaml.h. */
#ifndef QN_CONFIG_YAML_INT_H
#define QN_CONFIG_YAML_INT_H

#include "yaml.h"

struct qn_yaml_shift {
    size_t line;   /* from 0 */
    size_t column; /* from 0, in the new text: the first character after the value */
    long moved;    /* what to subtract from columns at or behind it */
    size_t start;  /* first column of the value in the new text */
    size_t origin; /* and the column of its ${ in the user's text */
};

/* Fails with "<name>:<line>:<column>: ..." for a position (from 0) in the substituted text. */
QN_MUST_CHECK int qn__yaml_fail(const struct qn_yaml_source *src, size_t line, size_t column,
                                struct qn_err *err, int code, const char *fmt, ...) QN_PRINTF(6, 7);

/* The position in the user's text, from 1. */
void qn__yaml_place(const struct qn_yaml_source *src, size_t line, size_t column, size_t *user_line,
                    size_t *user_column);

/* The kind of a plain scalar by the core schema. */
enum qn_yaml_kind qn__yaml_plain_kind(struct qn_str s);

#endif
