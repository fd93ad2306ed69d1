/* Private to engine/query: what the parsers, the binder and the rewriter share. */
#ifndef QN_QUERY_INT_H
#define QN_QUERY_INT_H

#include "query/parse.h"
#include "query/query.h"
#include "query/resolve.h"
#include "query/rewrite.h"

/* The counters that keep any input from costing more than it should. */
struct qn__limits {
    uint32_t depth, nodes;
};

static inline struct qn_query_where qn__query_where_field(struct qn_str field)
{
    return (struct qn_query_where){.field = field};
}
static inline bool qn__query_is_set(struct qn_str s)
{
    return s.p != NULL;
}
static inline struct qn_literal qn__query_literal_str(struct qn_str s)
{
    return (struct qn_literal){QN_LITERAL_STR, s};
}

/* A TEXT leaf with the defaults that all languages share. */
struct qn_query *qn__query_text_new(struct qn_arena *ar, uint32_t pos, struct qn_query_where where,
                                    struct qn_str text, enum qn_text_mode mode);
/* A bool of one list: OR (should) or AND (must); the only child itself when there is one, NONE for
 * none. */
const struct qn_query *qn__query_join(struct qn_arena *ar, struct qn_query_list *list,
                                      enum qn_operator op, uint32_t pos);
const struct qn_query *qn__query_not(struct qn_arena *ar, const struct qn_query *q);
/* q with its boost multiplied: a copy when it changes. */
const struct qn_query *qn__query_boost(struct qn_arena *ar, const struct qn_query *q, float boost);
/* A shallow copy. */
struct qn_query *qn__query_copy(struct qn_arena *ar, const struct qn_query *q);
/* "AUTO", "AUTO:3,6", "0".."2": false when it is none of them. */
bool qn__query_fuzziness_read(struct qn_str s, struct qn_fuzziness *out);
/* Edits allowed for a word of that many characters. */
uint8_t qn__query_fuzziness_edits(const struct qn_fuzziness *f, size_t chars);
size_t qn__query_char_count(struct qn_str s);
/* The fields of the options as a leaf's place: names with "^boost" taken apart. NULL: no memory. */
const struct qn_query_fields *qn__query_fields_of(struct qn_arena *ar,
                                                  const struct qn_parse_options *opt);
/* s without backslashes that make the next character literal (and "\uXXXX" decoded). */
struct qn_str qn__lucene_unescape(struct qn_arena *ar, struct qn_str s);
/* Is there an unescaped '*' or '?'? */
bool qn__query_has_wildcard(struct qn_str s);

#endif
