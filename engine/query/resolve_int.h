/* Private to the binder: its state, and what its files give each other.
 *
 *   resolve.c         the tree, user texts, combinators
 *   resolve_fields.c  which fields a leaf looks in; one leaf on each; joining the results
 *   resolve_value.c   literals to typed values
 *   resolve_leaf.c    term, terms, exists
 *   resolve_range.c   ranges
 *   resolve_text.c    texts, prefixes, wildcards, regexes, fuzzy */
#ifndef QN_QUERY_RESOLVE_INT_H
#define QN_QUERY_RESOLVE_INT_H

#include "query_int.h"
#include "text/tokenizer.h"

struct resolver {
    const struct qn_resolve_options *opt;
    const struct qn_mapping *m;
    struct qn_arena *ar;
    struct qn_err *err;
    struct qn__limits used;
    uint32_t max_terms;
    bool quickwit;
    struct qn_date_formats quickwit_dates, elastic_dates; /* made when first needed */
};

/* A leaf on one field. q is the leaf as meant. */
struct on_field {
    const struct qn_query *q;
    const struct qn_field *field; /* a field with values: no object, nothing opaque */
    struct qn_str path;           /* inside a JSON field; else empty */
    struct qn_str name;           /* as the query writes it: for messages */
    bool lenient;
};

static inline struct qn_query_target qn__query_target(const struct on_field *on,
                                                      enum qn_value_type type)
{
    return (struct qn_query_target){on->field, on->path, (uint8_t)type};
}

struct qn_query *qn__query_bound_new(struct resolver *r, const struct on_field *on,
                                     enum qn_query_kind kind);
const struct qn_query *qn__query_nothing(struct resolver *r, const struct qn_query *q);
/* A user's mistake: an error with the node's place. */
int qn__query_mistake(struct resolver *r, const struct qn_query *q, int code, const char *fmt, ...)
    QN_PRINTF(4, 5);
/* The same, but NONE where the leaf is lenient. */
int qn__query_mismatch(struct resolver *r, const struct on_field *on, const struct qn_query **out,
                       int code, const char *fmt, ...) QN_PRINTF(5, 6);
/* OR of what a literal may mean; one or several. */
const struct qn_query *qn__query_or(struct resolver *r, const struct qn_query *q,
                                    struct qn_query_list *list);

/* ---- resolve.c */
int qn__resolve(struct resolver *r, const struct qn_query *q, const struct qn_query **out);

/* ---- resolve_fields.c */
typedef int qn__query_leaf_fn(struct resolver *r, const struct on_field *on,
                              const struct qn_query **out);
/* Runs leaf on every field that where means and joins the results. */
int qn__query_on_fields(struct resolver *r, const struct qn_query *q,
                        const struct qn_query_where *where, qn__query_leaf_fn *leaf,
                        const struct qn_query **out);
/* The field of a name: 1, or 0 when it is not mapped (an object is not), or an error. */
int qn__query_find_field(struct resolver *r, struct qn_str name, struct on_field *on);
/* Fields a where of several names means, as names with boosts. */
struct qn__names {
    struct qn_str *names;
    float *boosts;
    uint32_t n, cap;
};
int qn__query_expand_names(struct resolver *r, const struct qn_query *q,
                           const struct qn_query_fields *fields, struct qn__names *out);

/* ---- resolve_value.c */
/* What the literal is in the field: 1 with *out, 0 when it cannot be one (*why says it). Dates are
 * DATE values; `round_up` as in date math. Not for TEXT and JSON. */
int qn__query_read_value(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                         const struct qn_query_range *range, bool round_up, struct qn_value *out);
/* A number by its text: i64, u64 or f64, whichever holds it. */
bool qn__query_read_number(struct qn_str s, struct qn_value *out);
/* The same number as I64, U64 or F64; false when it is none (F64 may round). */
bool qn__query_number_as(const struct qn_value *from, enum qn_value_type type,
                         struct qn_value *out);
/* The message for a literal that does not fit, in the dialect's words. */
int qn__query_bad_value(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                        const struct qn_query **out);
/* The typed values a text may be in a JSON field: into list as bound leaves. */
int qn__query_json_variants(struct resolver *r, const struct on_field *on,
                            const struct qn_literal *v, struct qn_query_list *list);
const struct qn_query *qn__query_has_term(struct resolver *r, const struct on_field *on,
                                          const struct qn_value *v);
/* [lower, upper] of the type, both included; NONE: open. */
const struct qn_query *qn__query_in_range(struct resolver *r, const struct on_field *on,
                                          enum qn_value_type type, const struct qn_value *lower,
                                          const struct qn_value *upper);
/* [lower, upper] of dates, both included. */
const struct qn_query *qn__query_in_dates(struct resolver *r, const struct on_field *on,
                                          int64_t lower, int64_t upper);
const struct qn_date_formats *qn__query_date_formats(struct resolver *r, const struct on_field *on,
                                                     struct qn_str format, int *rc);

/* ---- leaves */
qn__query_leaf_fn qn__resolve_term, qn__resolve_range, qn__resolve_text, qn__resolve_pattern;
/* A text as one value of a field: what texts on numbers, dates and keywords come to. */
int qn__resolve_text_value(struct resolver *r, const struct on_field *on, struct qn_str text,
                           const struct qn_query **out);
int qn__resolve_term_set(struct resolver *r, const struct qn_query *q, const struct qn_query **out);
int qn__resolve_exists_query(struct resolver *r, const struct qn_query *q,
                             const struct qn_query **out);
int qn__resolve_cross_fields(struct resolver *r, const struct qn_query *q,
                             const struct qn_query **out);
/* `prefix` or wildcard literals as the field's index would have them; .p == NULL: no token. */
struct qn_str qn__query_normalize_literal(struct resolver *r, const struct qn_field *f,
                                          struct qn_str s);

#endif
