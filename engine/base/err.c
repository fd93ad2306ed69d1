#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *qn_err_name(int code)
{
    switch (code) {
    case QN_OK:
        return "OK";
    case QN_END:
        return "END";
#define XX(name, number, class, text)                                                              \
    case number:                                                                                   \
        return #name;
        QN_ERR_MAP(XX)
#undef XX
    default:
        return "UNKNOWN";
    }
}

const char *qn_err_text(int code)
{
    switch (code) {
    case QN_OK:
        return "no error";
    case QN_END:
        return "end";
#define XX(name, number, class, text)                                                              \
    case number:                                                                                   \
        return text;
        QN_ERR_MAP(XX)
#undef XX
    default:
        return "unknown error";
    }
}

enum qn_err_class qn_err_class(int code)
{
    switch (code) {
#define XX(name, number, class, text)                                                              \
    case number:                                                                                   \
        return QN_CLASS_##class;
        QN_ERR_MAP(XX)
#undef XX
    default:
        return code >= 0 ? QN_CLASS_NONE : QN_CLASS_BUG;
    }
}

int qn_err_set(struct qn_err *e, int code, size_t pos, const char *file, int line, const char *fmt,
               ...)
{
    if (e == NULL || e->code != 0)
        return code;
    e->code = code;
    e->pos = pos;
    e->file = file;
    e->line = line;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    return code;
}

void qn_err_prefix(struct qn_err *e, const char *fmt, ...)
{
    if (e == NULL || e->code == 0)
        return;
    char old[sizeof e->msg];
    memcpy(old, e->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->msg)
        snprintf(e->msg + n, sizeof e->msg - (size_t)n, "%s", old);
}

int qn_err_from_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return QN_E_NO_SPACE;
    case EACCES:
    case EPERM:
    case EROFS:
        return QN_E_ACCESS;
    case ENOENT:
    case ENOTDIR:
        return QN_E_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return QN_E_EXISTS;
    case EAGAIN:
        return QN_E_UNAVAILABLE;
    case ETIMEDOUT:
        return QN_E_TIMEOUT;
    default:
        return QN_E_IO;
    }
}
