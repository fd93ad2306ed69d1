/* What ids may look like: checked before any statement runs, so that every driver sees the same. */
#ifndef QN_METASTORE_META_CHECK_INT_H
#define QN_METASTORE_META_CHECK_INT_H

#include "base/err.h"
#include "base/str.h"

/* 1..255 bytes of valid UTF-8 without control characters: QN_E_INVALID otherwise, naming `what`. */
QN_MUST_CHECK int qn__meta_check_name(struct qn_str name, const char *what, struct qn_err *err);
/* Valid UTF-8 without NUL: JSON texts, positions. May be empty. */
QN_MUST_CHECK int qn__meta_check_text(struct qn_str text, const char *what, struct qn_err *err);

#endif
