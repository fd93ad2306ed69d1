/* The Elasticsearch DSL, or query AST JSON: whichever the JSON is. */
#include <stdint.h>

#include "query_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qn_json_tape tape;
    struct qn_arena ar;
    const struct qn_query *q;
    qn_json_tape_init(&tape, NULL);
    qn_arena_init(&ar, NULL);
    if (qn_json_read_copy(&tape, qn_str_make(data, size), NULL) == QN_OK) {
        struct qn_err err = {0};
        int rc = qn_query_parse_dsl(&q, &ar, qn_json_root(&tape), &err);
        QN_ASSERT(rc == QN_OK ? q != NULL : q == NULL && err.msg[0] != '\0');
        if (rc == QN_OK)
            check_query(&ar, q);
        err = (struct qn_err){0};
        rc = qn_query_read_json(&q, &ar, qn_json_root(&tape), &err);
        QN_ASSERT(rc == QN_OK ? q != NULL : q == NULL && err.msg[0] != '\0');
        if (rc == QN_OK)
            check_query(&ar, q);
    }
    qn_json_tape_release(&tape);
    qn_arena_release(&ar);
    return 0;
}
