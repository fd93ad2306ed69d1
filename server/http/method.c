#include "http/router.h"

static const struct {
    enum qn_method method;
    const char *name;
} methods[] = {
    {QN_GET, "GET"},       {QN_HEAD, "HEAD"},   {QN_POST, "POST"},       {QN_PUT, "PUT"},
    {QN_DELETE, "DELETE"}, {QN_PATCH, "PATCH"}, {QN_OPTIONS, "OPTIONS"},
};

const char *qn_method_name(enum qn_method method)
{
    for (size_t i = 0; i < QN_COUNT_OF(methods); i++)
        if (methods[i].method == method)
            return methods[i].name;
    return "UNKNOWN";
}

enum qn_method qn_method_parse(struct qn_str name)
{
    for (size_t i = 0; i < QN_COUNT_OF(methods); i++)
        if (qn_str_is(name, methods[i].name))
            return methods[i].method;
    return 0;
}
