/* One split file, for people: what is in it, is it sound, and its documents and terms as text.
 *
 *     rc = qn_split_tool_open(&tool, "x.split", "auto", &err);
 *     rc = qn_split_tool_describe(tool, &text, &err);
 *     qn_split_tool_close(tool);
 *
 * Needs no engine and no data directory, only the file. Errors name file, section and offset. One
 * owner thread. */
#ifndef QN_SPLIT_TOOL_H
#define QN_SPLIT_TOOL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct qn_split_tool;

/* Takes output a piece at a time; non-zero ends the dump and is its result. */
typedef int qn_split_tool_put(void *arg, struct qn_str text);

/* simd as in qn_engine_options. Gives *out. */
QN_MUST_CHECK int qn_split_tool_open(struct qn_split_tool **out, const char *path, const char *simd,
                                     struct qn_err *err);
void qn_split_tool_close(struct qn_split_tool *tool); /* NULL is fine */

/* Appends two tables: sections with their sizes and shares; fields with types, terms and bytes. */
QN_MUST_CHECK int qn_split_tool_describe(struct qn_split_tool *tool, struct qn_buf *out,
                                         struct qn_err *err);
/* Reads every byte and fails with the first damage. */
QN_MUST_CHECK int qn_split_tool_verify(struct qn_split_tool *tool, struct qn_err *err);
/* The documents, one a line, in the order of their times. */
QN_MUST_CHECK int qn_split_tool_dump_docs(struct qn_split_tool *tool, qn_split_tool_put *put,
                                          void *arg, struct qn_err *err);
/* "documents TAB term" a line for each term of the fields of this name; bytes in hexadecimal.
 * QN_E_NOT_FOUND when no such field has terms. */
QN_MUST_CHECK int qn_split_tool_dump_terms(struct qn_split_tool *tool, struct qn_str field,
                                           qn_split_tool_put *put, void *arg, struct qn_err *err);

#endif
