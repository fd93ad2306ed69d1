/* The query tree: what the user means, whatever language it was said in.
 *
 *   Quickwit's language ─┐              ┌──────────┐  resolve   ┌────────┐  rewrite
 *   Lucene syntax, q= ───┼─► parse.h ──►│ as meant │───────────►│ bound  │──────────► exec, prune
 *   Elasticsearch DSL ───┤              └──────────┘  mapping   └────────┘
 *   query AST JSON ──────┘              fields are names,       fields are fields, texts are terms,
 *                                       values are literals     values are typed
 *
 * One tagged node serves both stages. Combinators (BOOL .. NESTED) occur in both; the leaves as
 * meant (TEXT .. IDS) are replaced by resolve.h with the bound ones (HAS_TERM ..): exec sees only
 * ALL, NONE, combinators and bound leaves.
 *
 * Every node has a boost, which multiplies the scores below it, and may have a name (`_name`), by
 * which hits say what they matched. pos is where it stands in the text the user sent.
 *
 * Bounds: QN_QUERY_DEPTH levels, QN_QUERY_NODES nodes; parsers refuse more with QN_E_TOO_DEEP or
 * QN_E_TOO_LARGE. Everything lies in one arena and borrows nothing but the mapping's fields.
 * @thread any: trees are not changed once made; rewriting makes new nodes. */
#ifndef QN_QUERY_QUERY_H
#define QN_QUERY_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "schema/mapping.h"
#include "schema/value.h"
#include "json/dom.h"
#include "json/writer.h"

#define QN_QUERY_DEPTH 100
#define QN_QUERY_NODES 65536
#define QN_QUERY_NO_POS UINT32_MAX

enum qn_query_kind {
    QN_QUERY_ALL,
    QN_QUERY_NONE,
    /* combinators */
    QN_QUERY_BOOL,
    QN_QUERY_CONSTANT, /* constant_score: child, every match scores the boost */
    QN_QUERY_DIS_MAX,
    QN_QUERY_BOOSTING,
    QN_QUERY_FUNCTION,
    QN_QUERY_NESTED, /* as meant only: binding flattens it */
    /* leaves as meant */
    QN_QUERY_USER_TEXT, /* Quickwit's language, not parsed yet */
    QN_QUERY_TEXT,
    QN_QUERY_TERM,
    QN_QUERY_TERM_SET,
    QN_QUERY_RANGE,
    QN_QUERY_EXISTS,
    QN_QUERY_PREFIX,
    QN_QUERY_WILDCARD,
    QN_QUERY_REGEX,
    QN_QUERY_FUZZY,
    QN_QUERY_IDS,
    /* bound leaves */
    QN_QUERY_HAS_TERM,
    QN_QUERY_HAS_ANY, /* one of several terms */
    QN_QUERY_HAS_PHRASE,
    QN_QUERY_IN_RANGE,
    QN_QUERY_HAS_FIELD,
    QN_QUERY_HAS_PATTERN,
    QN_QUERY_HAS_ID,
};

/* ---- leaves as meant ------------------------------------------------------------------------- */

/* A value as written; what it is depends on the field. */
struct qn_literal {
    enum { QN_LITERAL_STR, QN_LITERAL_NUM, QN_LITERAL_BOOL } kind;
    struct qn_str text; /* the string; the number as written; "true", "false" */
};

enum qn_fields_mode { QN_FIELDS_BEST, QN_FIELDS_SUM, QN_FIELDS_CROSS };

/* Several fields, for a leaf that was not given one: multi_match, query_string. */
struct qn_query_fields {
    const struct qn_str *names; /* may hold '*'; n == 0: the index's default fields */
    const float *boosts;
    uint32_t n;
    enum qn_fields_mode mode;
    float tie_breaker; /* of BEST */
    bool lenient;      /* fields that cannot hold the value are left out */
};

/* Where a leaf looks: one name, or several. */
struct qn_query_where {
    struct qn_str field; /* may hold '*'; .p == NULL: fields says which */
    const struct qn_query_fields *fields;
};

enum qn_operator { QN_OPERATOR_OR, QN_OPERATOR_AND };

enum qn_text_mode {
    QN_TEXT_BOOL,
    QN_TEXT_BOOL_PREFIX, /* the last token is a prefix */
    QN_TEXT_PHRASE,
    QN_TEXT_PHRASE_OR_AND, /* a phrase if the field has positions, else all tokens */
    QN_TEXT_PHRASE_PREFIX,
};

/* Allowed edits: a number, or AUTO by length (0 under low, 1 under high, else 2). */
struct qn_fuzziness {
    bool set, automatic;
    uint8_t edits;     /* 0..2 */
    uint8_t low, high; /* AUTO:3,6 */
    bool no_transpositions;
    uint32_t prefix_length, max_expansions;
};

struct qn_query_text {
    struct qn_query_where where;
    struct qn_str text;
    enum qn_text_mode mode;
    enum qn_operator op;      /* BOOL, BOOL_PREFIX */
    uint32_t slop;            /* PHRASE, PHRASE_PREFIX */
    uint32_t max_expansions;  /* BOOL_PREFIX, PHRASE_PREFIX */
    struct qn_str analyzer;   /* .p == NULL: the field's */
    bool zero_terms_all;      /* no tokens: match all instead of none */
    struct qn_str min_should; /* .p == NULL: 1 */
    struct qn_fuzziness fuzzy;
};

struct qn_query_term {
    struct qn_query_where where;
    struct qn_literal value;
    bool case_insensitive;
};

struct qn_query_term_set {
    struct qn_query_term_group {
        struct qn_str field;
        const struct qn_literal *values;
        uint32_t n;
    } * groups; /* OR-ed */
    uint32_t n;
};

enum qn_bound_kind { QN_BOUND_NONE, QN_BOUND_INCLUDED, QN_BOUND_EXCLUDED };

struct qn_query_range {
    struct qn_query_where where;
    struct qn_query_bound {
        enum qn_bound_kind kind;
        struct qn_literal value;
    } lower, upper;
    struct qn_str format, time_zone; /* .p == NULL: not given */
};

enum qn_regex_syntax { QN_REGEX_RUST, QN_REGEX_LUCENE };

/* PREFIX, WILDCARD, REGEX, FUZZY: text is what was written. */
struct qn_query_pattern {
    struct qn_query_where where;
    struct qn_str text;
    bool case_insensitive;
    enum qn_regex_syntax syntax;
    struct qn_fuzziness fuzzy;
};

struct qn_query_user_text {
    struct qn_str text;
    const struct qn_str *default_fields; /* NULL: the index's */
    uint32_t n_default_fields;
    enum qn_operator op;
};

/* ---- combinators ----------------------------------------------------------------------------- */

struct qn_query;
struct qn_query_list {
    const struct qn_query **p;
    uint32_t n, cap;
};

struct qn_query_bool {
    struct qn_query_list must, should, filter, must_not;
    int32_t min_should; /* -1: 1 when there is neither must nor filter, else 0 */
};

struct qn_query_dis_max {
    struct qn_query_list any;
    float tie_breaker;
};

struct qn_query_boosting {
    const struct qn_query *positive, *negative;
    float negative_boost;
};

enum qn_score_mode { /* how numbers are combined */
                     QN_SCORE_MULTIPLY,
                     QN_SCORE_SUM,
                     QN_SCORE_AVG,
                     QN_SCORE_FIRST,
                     QN_SCORE_MAX,
                     QN_SCORE_MIN,
                     QN_SCORE_REPLACE,
};

enum qn_factor_modifier {
    QN_MODIFIER_NONE,
    QN_MODIFIER_LOG,
    QN_MODIFIER_LOG1P,
    QN_MODIFIER_LOG2P,
    QN_MODIFIER_LN,
    QN_MODIFIER_LN1P,
    QN_MODIFIER_LN2P,
    QN_MODIFIER_SQUARE,
    QN_MODIFIER_SQRT,
    QN_MODIFIER_RECIPROCAL,
};

struct qn_query_target;
struct qn_score_function {
    enum {
        QN_FUNCTION_WEIGHT,
        QN_FUNCTION_FIELD_FACTOR,
        QN_FUNCTION_RANDOM,
        QN_FUNCTION_GAUSS,
        QN_FUNCTION_EXP,
        QN_FUNCTION_LINEAR,
    } kind;
    const struct qn_query *filter;        /* NULL: every match */
    double weight;                        /* 1 when not given */
    struct qn_str field;                  /* FIELD_FACTOR, decay, RANDOM (optional) */
    const struct qn_query_target *target; /* bound; NULL: unmapped */
    double factor;                        /* FIELD_FACTOR */
    enum qn_factor_modifier modifier;
    bool has_missing;
    double missing;
    uint64_t seed; /* RANDOM */
    bool has_seed;
    /* Decay, as written; bound to numbers (dates: nanoseconds). */
    struct qn_literal origin, scale, offset;
    double origin_number, scale_number, offset_number;
    double decay;
    enum qn_score_mode multi_value; /* MIN, MAX, AVG, SUM */
};

struct qn_query_function {
    const struct qn_query *child;
    struct qn_score_function *functions;
    uint32_t n;
    enum qn_score_mode score_mode, boost_mode; /* boost_mode: also REPLACE */
    double max_boost;
    bool has_min_score;
    double min_score;
};

struct qn_query_nested {
    struct qn_str path;
    const struct qn_query *child;
    enum qn_score_mode score_mode; /* AVG, SUM, MIN, MAX; FIRST stands for "none" */
    bool ignore_unmapped;
};

/* ---- bound leaves ---------------------------------------------------------------------------- */

/* Values of one field, or of one path inside a JSON field. `type` says which of its values: a JSON
 * path may hold several types; mapped fields have one. */
struct qn_query_target {
    const struct qn_field *field;
    struct qn_str path; /* inside a JSON field (schema/doc.h); else empty */
    uint8_t type;       /* enum qn_value_type; NONE: all of them (HAS_FIELD) */
};

/* Documents with this value. STR: the term in the dictionary (or the column of a field that is
 * only columnar). I64, U64, F64, BOOL, IP, BYTES: exactly the value. Dates are ranges. */
struct qn_query_has_term {
    struct qn_query_target target;
    struct qn_value value;
};

struct qn_query_has_any {
    struct qn_query_target target;
    const struct qn_value *values; /* of target.type, ascending, no two the same */
    uint32_t n;
    bool scored; /* a disjunction whose terms score one by one; else each match scores 1 */
};

struct qn_phrase_term {
    struct qn_str text;
    uint32_t position; /* from the first term */
};
struct qn_query_has_phrase {
    struct qn_query_target target;      /* STR, a field with positions */
    const struct qn_phrase_term *terms; /* 2 or more; by position */
    uint32_t n;
    uint32_t slop;
    bool last_is_prefix;
    uint32_t max_expansions; /* of that prefix */
};

struct qn_query_in_range {
    struct qn_query_target target;
    struct qn_value lower, upper;      /* of target.type; type NONE: open */
    bool exclude_lower, exclude_upper; /* only F64, STR and BYTES: others are made inclusive */
    bool on_terms;                     /* STR: the field has no column, only terms */
};

struct qn_query_has_field {
    const struct qn_query_target *targets; /* OR-ed */
    uint32_t n;
    bool subtree; /* of JSON targets: the path itself or anything below it */
};

enum qn_pattern_kind {
    QN_PATTERN_PREFIX,
    QN_PATTERN_WILDCARD, /* '*' any run, '?' one character, '\' makes the next one literal */
    QN_PATTERN_REGEX,    /* the whole term; syntax says which dialect */
    QN_PATTERN_FUZZY,
};
struct qn_query_has_pattern {
    struct qn_query_target target; /* STR */
    enum qn_pattern_kind kind;
    struct qn_str text;
    enum qn_regex_syntax syntax;
    bool case_insensitive;
    uint8_t edits; /* FUZZY: 1 or 2 */
    bool no_transpositions;
    uint32_t prefix_chars;   /* FUZZY */
    uint32_t max_expansions; /* UINT32_MAX: no limit */
};

struct qn_query_has_id {
    const struct qn_str *ids;
    uint32_t n;
};

/* ---- the node -------------------------------------------------------------------------------- */

struct qn_query {
    uint8_t kind;       /* enum qn_query_kind */
    bool lenient;       /* unmapped fields and values of the wrong type match nothing */
    float boost;        /* 1 if not given */
    uint32_t pos;       /* byte offset in the text that was sent, or QN_QUERY_NO_POS */
    struct qn_str name; /* _name; .p == NULL: none */
    union {
        struct qn_query_bool bools;
        const struct qn_query *child; /* CONSTANT */
        struct qn_query_dis_max dis_max;
        struct qn_query_boosting boosting;
        struct qn_query_function function;
        struct qn_query_nested nested;

        struct qn_query_user_text user_text;
        struct qn_query_text text;
        struct qn_query_term term;
        struct qn_query_term_set term_set;
        struct qn_query_range range;
        struct qn_query_where exists;
        struct qn_query_pattern pattern;
        struct qn_query_has_id ids; /* IDS and HAS_ID */

        struct qn_query_has_term has_term;
        struct qn_query_has_any has_any;
        struct qn_query_has_phrase has_phrase;
        struct qn_query_in_range in_range;
        struct qn_query_has_field has_field;
        struct qn_query_has_pattern has_pattern;
    };
};

/* A node with boost 1, or NULL when the arena's budget is gone (the arena remembers). */
struct qn_query *qn_query_new(struct qn_arena *ar, enum qn_query_kind kind, uint32_t pos);
/* Appends; NULL children are ignored, so that a failed arena may be noticed at the end. */
void qn_query_list_add(struct qn_arena *ar, struct qn_query_list *list, const struct qn_query *q);
const char *qn_query_kind_name(enum qn_query_kind kind);

/* Calls visit for every node, parents first; stops at a negative answer and gives it. */
int qn_query_visit(const struct qn_query *q, int (*visit)(void *ctx, const struct qn_query *q),
                   void *ctx);
/* Same meaning by structure: names, boosts and literals count, positions do not. */
bool qn_query_equal(const struct qn_query *a, const struct qn_query *b);

/* Text for people and tests; stable. As meant:  body:"a b"~2  level:error  n:[1 TO 5}  f:*
 * Bound: a term is f="x", a number n=5, a range n in [1, 4], a phrase f="a b"~2. Bool is (+must
 * #filter -must_not should)~minimum, boost is ^2. */
void qn_query_print(struct qn_buf *out, const struct qn_query *q);

/* Quickwit's query AST JSON. Leaves as meant and combinators; what Quickwit has no node for is
 * written with our own type names, which reading understands too. */
void qn_query_write_json(struct qn_jw *w, const struct qn_query *q);
QN_MUST_CHECK int qn_query_read_json(const struct qn_query **out, struct qn_arena *ar,
                                     struct qn_json_val v, struct qn_err *err);

/* Resolves `minimum_should_match` ("2", "-1", "75%", "-25%", "2<75% 9<-3") for n clauses: 0..n, or
 * n + 1 when more are asked for than there are; QN_E_INVALID for anything else. */
QN_MUST_CHECK int qn_min_should_match(struct qn_str spec, uint32_t n, uint32_t *out);

#endif
