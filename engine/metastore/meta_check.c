#include "meta_check_int.h"

#include <string.h>

#include "base/utf8.h"

#define MAX_NAME 255

int qn__meta_check_text(struct qn_str text, const char *what, struct qn_err *err)
{
    if (text.n != 0 && memchr(text.p, '\0', text.n) != NULL)
        return qn_fail(err, QN_E_INVALID, "%s contains a NUL byte", what);
    if (qn_utf8_invalid(text) != SIZE_MAX)
        return qn_fail(err, QN_E_INVALID, "%s is not valid UTF-8", what);
    return QN_OK;
}

int qn__meta_check_name(struct qn_str name, const char *what, struct qn_err *err)
{
    if (name.n == 0)
        return qn_fail(err, QN_E_INVALID, "%s is empty", what);
    if (name.n > MAX_NAME)
        return qn_fail(err, QN_E_INVALID, "%s has %zu bytes, at most %d are allowed", what, name.n,
                       MAX_NAME);
    for (size_t i = 0; i < name.n; i++)
        if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
            return qn_fail_at(err, QN_E_INVALID, i, "%s contains a control character", what);
    return qn__meta_check_text(name, what, err);
}
