/* What the query fuzzers do with a tree: print it, bind it to two mappings by both sets of rules,
 * rewrite and prune it. Nothing may crash; errors must say something; and a tree as meant must
 * survive its AST JSON. */
#ifndef QN_QUERY_CHECK_H
#define QN_QUERY_CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "query/parse.h"
#include "query/resolve.h"
#include "query/rewrite.h"
#include "schema/mapping.h"
#include "text/tokenizer.h"

static struct qn_mapping *check_mapping(const char *json, bool elastic)
{
    struct qn_json_tape tape;
    struct qn_mapping *m = NULL;
    qn_json_tape_init(&tape, NULL);
    int rc = qn_json_read_copy(&tape, qn_str_of(json), NULL);
    if (rc == QN_OK)
        rc = elastic ? qn_mapping_parse_elastic(&m, qn_json_root(&tape), NULL, NULL)
                     : qn_mapping_parse_quickwit(&m, qn_json_root(&tape), NULL);
    QN_ASSERT(rc == QN_OK);
    qn_json_tape_release(&tape);
    return m;
}

static void check_json(struct qn_arena *ar, const struct qn_query *q)
{
    struct qn_buf json, before, after;
    struct qn_json_tape tape;
    struct qn_jw w;
    const struct qn_query *again;
    struct qn_err err = {0};
    qn_buf_init(&json, SIZE_MAX);
    qn_buf_init(&before, SIZE_MAX);
    qn_buf_init(&after, SIZE_MAX);
    qn_json_tape_init(&tape, &(struct qn_json_options){.max_depth = 1000});
    qn_jw_init(&w, &json, NULL);
    qn_query_write_json(&w, q);
    QN_ASSERT(qn_jw_finish(&w) == QN_OK);
    qn_query_print(&before, q);
    qn_buf_reserve(&json, 64);
    int rc = qn_json_read(&tape, qn_buf_str(&json), &err);
    if (rc == QN_OK) { /* bytes that are not UTF-8 come back as U+FFFD: only then may it differ */
        rc = qn_query_read_json(&again, ar, qn_json_root(&tape), &err);
        QN_ASSERT(rc == QN_OK || rc == QN_E_TOO_DEEP || rc == QN_E_TOO_LARGE);
        if (rc == QN_OK && qn_utf8_invalid(qn_buf_str(&before)) == SIZE_MAX) {
            qn_query_print(&after, again);
            QN_ASSERT(qn_str_find(qn_buf_str(&before), QN_STR("\xef\xbf\xbd")) != SIZE_MAX ||
                      qn_str_find(qn_buf_str(&after), QN_STR("\xef\xbf\xbd")) != SIZE_MAX ||
                      qn_str_eq(qn_buf_str(&before), qn_buf_str(&after)));
        }
    }
    qn_json_tape_release(&tape);
    qn_buf_release(&json);
    qn_buf_release(&before);
    qn_buf_release(&after);
}

static void check_bound(struct qn_arena *ar, const struct qn_query *q,
                        const struct qn_resolve_options *opt)
{
    const struct qn_query *bound, *simple;
    struct qn_err err = {0};
    struct qn_buf text;
    int rc = qn_query_resolve(&bound, ar, q, opt, &err);
    if (rc < 0) {
        QN_ASSERT(bound == NULL && err.msg[0] != '\0');
        return;
    }
    qn_buf_init(&text, SIZE_MAX);
    qn_query_print(&text, bound);
    for (int scored = 0; scored < 2; scored++) {
        struct qn_prune_facts facts = {.timestamp_field = opt->mapping->timestamp_field,
                                       .max_time_ns = 1};
        int64_t from, to;
        rc = qn_query_rewrite(&simple, ar, bound, scored, &err);
        QN_ASSERT(rc == QN_OK);
        qn_query_print(&text, simple);
        qn_query_time_range(simple, opt->mapping->timestamp_field, &from, &to);
        qn_query_may_match(simple, &facts);
        qn_query_scores(simple);
    }
    qn_buf_release(&text);
}

static void check_query(struct qn_arena *ar, const struct qn_query *q)
{
    static const char quickwit[] =
        "{\"field_mappings\":[{\"name\":\"a\",\"type\":\"text\",\"record\":\"position\"},"
        "{\"name\":\"b\",\"type\":\"text\",\"tokenizer\":\"raw\",\"fast\":true},{\"name\":\"n\","
        "\"type\":\"i64\",\"fast\":true},{\"name\":\"x\",\"type\":\"f64\",\"fast\":true},"
        "{\"name\":\"t\",\"type\":\"datetime\",\"fast\":true},{\"name\":\"i\",\"type\":\"ip\","
        "\"fast\":true},{\"name\":\"y\",\"type\":\"bytes\"},{\"name\":\"f\",\"type\":\"bool\","
        "\"fast\":true},{\"name\":\"j\",\"type\":\"json\",\"tokenizer\":\"default\",\"record\":"
        "\"position\",\"fast\":true}],\"timestamp_field\":\"t\"}";
    static const char elastic[] =
        "{\"properties\":{\"a\":{\"type\":\"text\",\"fields\":{\"k\":{\"type\":\"keyword\"}}},"
        "\"b\":{\"type\":\"keyword\"},\"n\":{\"type\":\"long\"},\"x\":{\"type\":\"double\"},"
        "\"t\":{\"type\":\"date\"},\"i\":{\"type\":\"ip\"},\"f\":{\"type\":\"boolean\"},\"o\":{"
        "\"properties\":{\"c\":{\"type\":\"integer\"}}}}}";
    static const struct qn_str defaults[] = {{"a", 1}, {"b", 1}};
    static struct qn_mapping *maps[2]; /* made once: they cost more than the query */
    static struct qn_text_scratch *scr;
    if (scr == NULL) {
        maps[0] = check_mapping(quickwit, false);
        maps[1] = check_mapping(elastic, true);
        scr = qn_text_scratch_new(NULL);
    }
    check_json(ar, q);
    for (int i = 0; i < 4; i++) {
        struct qn_resolve_options opt = {.mapping = maps[i & 1],
                                         .scratch = scr,
                                         .dialect =
                                             i & 2 ? QN_DIALECT_ELASTIC : QN_DIALECT_QUICKWIT,
                                         .default_fields = defaults,
                                         .n_default_fields = i & 1 ? 0 : 2,
                                         .now_ns = 1795170645500000000ll,
                                         .lenient = i == 3};
        check_bound(ar, q, &opt);
    }
}

#endif
