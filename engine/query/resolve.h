/* Binding a tree to a mapping: names become fields, texts become terms, literals become values.
 *
 *   body:"Quick fox"   ─►  HAS_PHRASE body [quick@0 fox@1]        the field's analyzer
 *   n:5                ─►  HAS_TERM n I64 5                       the field's type
 *   attrs.x:5          ─►  HAS_TERM attrs/x I64 5  or  STR "5"    JSON: every type the text may be
 *   t:[now-1d/d TO *]  ─►  IN_RANGE t [2026-11-20T00:00:00Z, )    date math, time zone, rounding
 *   hello              ─►  the same for each default field
 *
 * Two sets of rules, by `dialect`:
 *                         QUICKWIT                         ELASTIC
 *   unmapped field        error                            matches nothing
 *   value of wrong type   error                            error, unless lenient
 *   date as a term        the second it names              the span it names: a day, a month
 *   range, no column      error                            the terms of the dictionary
 *   phrase, no positions  error                            all its words
 *   term on a text        as it is                         the same; keywords are normalized
 *   missing date parts    the first moment                 the last one for gt and lte
 * `unmapped_matches_none` and `lenient` (of the node or the options) override the first two.
 *
 * Objects in arrays are flattened: a nested query is the query inside it, and the pairing of values
 * of one object is not kept.
 *
 * The result borrows the mapping (keep a reference) and lies in the arena. */
#ifndef QN_QUERY_RESOLVE_H
#define QN_QUERY_RESOLVE_H

#include "query/query.h"

struct qn_text_scratch;

struct qn_resolve_options {
    const struct qn_mapping *mapping;
    struct qn_text_scratch *scratch; /* of this thread */
    enum qn_dialect dialect;
    bool unmapped_matches_none; /* QUICKWIT: unmapped fields are no error (several indexes) */
    bool lenient;
    const struct qn_str *default_fields; /* of the index: names, may hold '*', '^boost' */
    uint32_t n_default_fields;           /* ELASTIC, none: every field that can be searched */
    int64_t now_ns;                      /* for date math */
    uint32_t max_terms;                  /* of one leaf; 0: 65536 */
};

/* Resolves all of it; user texts are parsed on the way. QN_E_INVALID and friends with the position
 * of the node in err->pos. */
QN_MUST_CHECK int qn_query_resolve(const struct qn_query **out, struct qn_arena *ar,
                                   const struct qn_query *q, const struct qn_resolve_options *opt,
                                   struct qn_err *err);
/* Parses the user texts of a tree and nothing else: what parse-query answers with. */
QN_MUST_CHECK int qn_query_parse_user_texts(const struct qn_query **out, struct qn_arena *ar,
                                            const struct qn_query *q,
                                            const struct qn_str *default_fields,
                                            uint32_t n_default_fields, struct qn_err *err);

/* The fields a name or pattern means, leaves only: for multi_match, highlights, field lists.
 * Calls back with each; "*" leaves out what cannot be searched. */
void qn_query_each_field(const struct qn_mapping *m, struct qn_str pattern,
                         void (*found)(void *ctx, const struct qn_field *f), void *ctx);

/* A date as queries write it, with math ("now-1h/d", "2026-01-01||+1M/d"): nanoseconds. formats
 * NULL: the dialect's usual ones. */
struct qn_date_query {
    enum qn_dialect dialect;
    const struct qn_date_formats *formats;
    int64_t now_ns;
    int32_t offset_s; /* zone of texts that name none */
    bool round_up;    /* what is left out, and "/unit": the last moment instead of the first */
};
QN_MUST_CHECK int qn_date_query_read(struct qn_str text, const struct qn_date_query *dq,
                                     int64_t *ns, struct qn_err *err);
/* "+02:00", "-0530", "Z", "UTC": seconds east; QN_E_INVALID for names of places. */
QN_MUST_CHECK int qn_time_zone_read(struct qn_str s, int32_t *offset_s, struct qn_err *err);

#endif
