/* Quickwit's query language: the first byte holds the options. */
#include <stdint.h>

#include "query_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct qn_str defaults[] = {{"a", 1}, {"n", 1}};
    struct qn_arena ar;
    struct qn_err err = {0};
    const struct qn_query *q;
    if (size == 0)
        return 0;
    struct qn_parse_options opt = {.op = data[0] & 1 ? QN_OPERATOR_AND : QN_OPERATOR_OR,
                                   .lenient = data[0] & 2,
                                   .default_fields = defaults,
                                   .n_default_fields = (data[0] >> 2) % 3};
    qn_arena_init(&ar, NULL);
    int rc = qn_query_parse_quickwit(&q, &ar, qn_str_make(data + 1, size - 1), &opt, &err);
    QN_ASSERT(rc == QN_OK ? q != NULL : q == NULL && err.pos <= size && err.msg[0] != '\0');
    if (rc == QN_OK)
        check_query(&ar, q);
    qn_arena_release(&ar);
    return 0;
}
