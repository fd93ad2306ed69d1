/* Lucene's syntax and simple_query_string: the first two bytes hold the options. */
#include <stdint.h>

#include "query_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct qn_str defaults[] = {{"a^2", 3}, {"*", 1}};
    struct qn_arena ar;
    struct qn_err err = {0};
    const struct qn_query *q;
    if (size < 2)
        return 0;
    struct qn_parse_options opt = {.op = data[0] & 1 ? QN_OPERATOR_AND : QN_OPERATOR_OR,
                                   .lenient = data[0] & 2,
                                   .escape = (data[0] & 0x1c) == 0x1c,
                                   .no_leading_wildcard = data[0] & 32,
                                   .default_fields = defaults,
                                   .n_default_fields = (data[0] >> 6) % 3,
                                   .fields_mode = (enum qn_fields_mode)(data[1] % 3),
                                   .simple_flags = data[1] & 0x80 ? data[1] * 4u : 0};
    struct qn_str text = qn_str_make(data + 2, size - 2);
    qn_arena_init(&ar, NULL);
    int rc = data[1] & 0x40 ? qn_query_parse_simple(&q, &ar, text, &opt, &err)
                            : qn_query_parse_lucene(&q, &ar, text, &opt, &err);
    QN_ASSERT(rc == QN_OK ? q != NULL : q == NULL && err.pos <= size && err.msg[0] != '\0');
    if (data[1] & 0x40)
        QN_ASSERT(rc == QN_OK || rc == QN_E_TOO_LARGE);
    if (rc == QN_OK)
        check_query(&ar, q);
    qn_arena_release(&ar);
    return 0;
}
