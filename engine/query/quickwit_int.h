/* Private to the parser of Quickwit's language: its state, and the leaves (quickwit_leaf.c) that
 * the clauses (quickwit_lang.c) are made of.
 *
 * Each parse function gives 1 when its construct was there (p->at is behind it), 0 when it was not
 * (p->at is where it was), or a negative code. */
#ifndef QN_QUICKWIT_INT_H
#define QN_QUICKWIT_INT_H

#include "query_int.h"

struct qn__quickwit {
    struct qn_str s;
    size_t at;
    struct qn_arena *ar;
    const struct qn_parse_options *opt;
    struct qn_err *err;
    struct qn_str field; /* of the group we are in; .p == NULL: none */
    size_t no_field_to;  /* no field name begins before this offset */
    size_t furthest;     /* where a clause began or ended: errors point there */
    size_t leaf;         /* where the leaf being read began, its field included */
    struct qn__limits used;
};

bool qn__quickwit_is_separator(char c); /* nom's multispace */
bool qn__quickwit_ends(const struct qn__quickwit *p);
char qn__quickwit_peek(const struct qn__quickwit *p);
size_t qn__quickwit_skip_spaces(struct qn__quickwit *p);
bool qn__quickwit_take(struct qn__quickwit *p, const char *z);
uint32_t qn__quickwit_pos(const struct qn__quickwit *p, size_t at);
/* 1 and a new node, or an error when there are too many. */
int qn__quickwit_node(struct qn__quickwit *p, struct qn_query **out, enum qn_query_kind kind,
                      size_t at);
/* Does a lone "*" before `at` stay alone? */
bool qn__quickwit_star_ends(const struct qn__quickwit *p, size_t at);

/* The leaves, after their field (.p == NULL: none was given). */
int qn__quickwit_range(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out);
int qn__quickwit_set(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out);
int qn__quickwit_exists(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out);
int qn__quickwit_regex(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out);
int qn__quickwit_term(struct qn__quickwit *p, struct qn_str field, const struct qn_query **out);
/* Steps over "name ws* : ws*" and gives the name. */
int qn__quickwit_field(struct qn__quickwit *p, struct qn_str *out);

#endif
