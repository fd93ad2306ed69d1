/* The parsers: every language becomes the tree of query.h.
 *
 * Errors carry the byte offset in the text (for the DSL: in the request body) and
 *   QN_E_PARSE        a syntax error of a query language: Quickwit: "failed to parse query: `...`",
 *                     Lucene: "Failed to parse query [...]"
 *   QN_E_UNKNOWN_KEY  "unknown query [foo]", "[match] query does not support [bar]"
 *   QN_E_INVALID, QN_E_TYPE  a bad value, with what is expected
 *   QN_E_TOO_DEEP, QN_E_TOO_LARGE  over the bounds of query.h
 * Trees borrow the text and the tape they were read from unless said otherwise; copy the text into
 * the arena first when it lives shorter. @thread any */
#ifndef QN_QUERY_PARSE_H
#define QN_QUERY_PARSE_H

#include "query/query.h"

struct qn_parse_options {
    enum qn_operator op; /* between clauses without operator */
    bool lenient;
    uint32_t base_pos; /* added to the positions of nodes and errors */
    /* Quickwit: where leaves without field look (expanded while parsing). Lucene: may hold '*' and
     * '^boost'; none: the index's default fields, found by resolve. */
    const struct qn_str *default_fields;
    uint32_t n_default_fields;
    /* Lucene only */
    enum qn_fields_mode fields_mode;
    float tie_breaker;
    bool no_leading_wildcard; /* allow_leading_wildcard: false */
    bool escape;              /* the whole text is one literal */
    uint32_t phrase_slop;
    struct qn_fuzziness fuzzy;  /* of `term~`; set: also the minimum_should_match of texts */
    struct qn_str min_should;   /* .p == NULL: none */
    struct qn_str analyzer;     /* .p == NULL: the field's */
    struct qn_str time_zone;    /* .p == NULL: UTC */
    struct qn_str quote_suffix; /* quote_field_suffix; .p == NULL: none */
    uint32_t simple_flags;      /* simple_query_string: QN_SIMPLE_*; 0: all */
};

enum {
    QN_SIMPLE_AND = 1,
    QN_SIMPLE_OR = 2,
    QN_SIMPLE_NOT = 4,
    QN_SIMPLE_PREFIX = 8,
    QN_SIMPLE_PHRASE = 16,
    QN_SIMPLE_PRECEDENCE = 32,
    QN_SIMPLE_ESCAPE = 64,
    QN_SIMPLE_WHITESPACE = 128,
    QN_SIMPLE_FUZZY = 256,
    QN_SIMPLE_NEAR = 512,
    QN_SIMPLE_NONE = 1024,
};

/* Quickwit's query language, strict: contract 5.1. Copies what it needs. */
QN_MUST_CHECK int qn_query_parse_quickwit(const struct qn_query **out, struct qn_arena *ar,
                                          struct qn_str text, const struct qn_parse_options *opt,
                                          struct qn_err *err);
/* Lucene's classic syntax (query_string, q=). */
QN_MUST_CHECK int qn_query_parse_lucene(const struct qn_query **out, struct qn_arena *ar,
                                        struct qn_str text, const struct qn_parse_options *opt,
                                        struct qn_err *err);
/* simple_query_string: no text is an error. Only budgets can fail. */
QN_MUST_CHECK int qn_query_parse_simple(const struct qn_query **out, struct qn_arena *ar,
                                        struct qn_str text, const struct qn_parse_options *opt,
                                        struct qn_err *err);
/* A query object of the Elasticsearch DSL: {"bool": {...}}. A query_string that is no Lucene syntax
 * but is Quickwit's (f: IN [a b]) is read as that. */
QN_MUST_CHECK int qn_query_parse_dsl(const struct qn_query **out, struct qn_arena *ar,
                                     struct qn_json_val v, struct qn_err *err);
/* Name i of the clauses of the DSL, NULL after the last: for answers to unknown ones. */
const char *qn_query_dsl_clause(size_t i);

#endif
