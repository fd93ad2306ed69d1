#include <stdlib.h>

#include "base/mem.h"
#include "pattern_int.h"

void qn_ord_ranges_release(struct qn_ord_ranges *r)
{
    qn_vec_release(&r->v);
    r->count = 0;
}

int qn_pattern_new(struct qn_pattern **out, const struct qn_query_has_pattern *pt,
                   struct qn_err *err)
{
    *out = NULL;
    if (pt->text.n > QN_PATTERN_BYTES)
        return qn_fail(err, QN_E_INVALID, "a pattern must not be longer than %u bytes",
                       QN_PATTERN_BYTES);
    struct qn_pattern *pat = qn_xcalloc(1, sizeof *pat);
    pat->pt = pt;
    qn_buf_init(&pat->prefix, SIZE_MAX);
    int rc = 0;
    switch (pt->kind) {
    case QN_PATTERN_PREFIX:
        if (!pt->case_insensitive)
            qn_buf_put_str(&pat->prefix, pt->text);
        break;
    case QN_PATTERN_WILDCARD:
        qn__wild_new(pat);
        break;
    case QN_PATTERN_REGEX:
        rc = qn__regex_pattern_new(pat, err);
        break;
    case QN_PATTERN_FUZZY:
        rc = qn__fuzzy_new(pat, err);
        break;
    }
    if (rc < 0) {
        qn_pattern_free(pat);
        return rc;
    }
    *out = pat;
    return 0;
}

void qn_pattern_free(struct qn_pattern *pat)
{
    if (pat == NULL)
        return;
    qn_buf_release(&pat->prefix);
    free(pat->pieces);
    qn__regex_pattern_free(pat->re);
    qn__fuzzy_free(pat->fz);
    free(pat);
}

int qn_pattern_test(struct qn_pattern *pat, struct qn_str term, struct qn_err *err)
{
    const struct qn_query_has_pattern *pt = pat->pt;
    size_t dead;
    if (pat->prefix.n > 0 && !qn_str_starts(term, qn_buf_str(&pat->prefix)))
        return 0;
    switch (pt->kind) {
    case QN_PATTERN_PREFIX:
        return pt->case_insensitive ? term.n >= pt->text.n &&
                                          qn_str_eq_nocase(qn_str_first(term, pt->text.n), pt->text)
                                    : qn_str_starts(term, pt->text);
    case QN_PATTERN_WILDCARD:
        return qn__wild_test(pat, term);
    case QN_PATTERN_REGEX:
        return qn__regex_test(pat, term, err);
    case QN_PATTERN_FUZZY:
        return qn__fuzzy_distance(pat->fz, term, &dead) >= 0;
    }
    return 0;
}

/* ---- expanding */

struct expansion {
    struct qn_ord_ranges *out;
    struct qn_pattern *pat;
    struct qn_terms_iter *it;
    qn_ord to;          /* of the interval that is walked */
    uint32_t max_terms; /* UINT32_MAX: no limit */
    uint32_t keep;      /* the first that many */
};

static int too_many(const struct expansion *ex, struct qn_err *err)
{
    return qn_fail(err, QN_E_TOO_LARGE, "the pattern `" QN_STR_FMT "` matches more than %u terms",
                   QN_STR_ARG(qn_str_first(ex->pat->pt->text, 100)), ex->max_terms);
}

static void add(struct qn_ord_ranges *out, uint32_t from, uint32_t to)
{
    if (from >= to)
        return;
    if (out->v.n > 0 && out->v.p[out->v.n - 1].to == from)
        out->v.p[out->v.n - 1].to = to;
    else
        qn_vec_push(&out->v, ((struct qn_ord_range){from, to}));
    out->count += to - from;
}

/* Every term of the prefix's interval is tested. */
static int walk(struct expansion *ex, qn_ord from, struct qn_err *err)
{
    int rc = from < ex->to ? qn_terms_seek_ord(ex->it, from, err) : QN_END;
    while (rc == 0 && ex->it->ord < ex->to && ex->out->count < ex->keep) {
        int hit = qn_pattern_test(ex->pat, ex->it->term, err);
        if (hit < 0)
            return hit;
        if (hit)
            add(ex->out, (uint32_t)ex->it->ord, (uint32_t)ex->it->ord + 1);
        if (ex->out->count > ex->max_terms)
            return too_many(ex, err);
        rc = qn_terms_next(ex->it, err);
    }
    return rc < 0 ? rc : 0;
}

/* Moves to the first term that does not start with the `n` first bytes of the current one. */
static int skip_prefix(struct qn_terms_iter *it, size_t n, struct qn_err *err)
{
    char next[64];
    memcpy(next, it->term.p, n);
    while (n > 0 && (uint8_t)next[n - 1] == 0xff)
        n--;
    if (n == 0)
        return QN_END;
    next[n - 1] = (char)(next[n - 1] + 1);
    return qn_terms_seek(it, qn_str_make(next, n), err);
}

struct near_term {
    uint32_t ord;
    uint8_t distance;
};

static int by_distance(const void *a, const void *b)
{
    const struct near_term *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->ord < y->ord ? -1 : x->ord > y->ord;
}

static int by_ord(const void *a, const void *b)
{
    const struct near_term *x = a, *y = b;
    return x->ord < y->ord ? -1 : x->ord > y->ord;
}

/* Short dead prefixes are leapt over, long ones are cheaper to walk through. */
enum { LEAP_BYTES = 3 };

static int walk_fuzzy(struct expansion *ex, qn_ord from, struct qn_err *err)
{
    QN_VEC(struct near_term) found = {0};
    struct qn_terms_iter *it = ex->it;
    int rc = from < ex->to ? qn_terms_seek_ord(it, from, err) : QN_END;
    while (rc == 0 && it->ord < ex->to) {
        size_t dead;
        int d = qn__fuzzy_distance(ex->pat->fz, it->term, &dead);
        if (d >= 0)
            qn_vec_push(&found, ((struct near_term){(uint32_t)it->ord, (uint8_t)d}));
        if (found.n > ex->max_terms && ex->keep == UINT32_MAX) {
            rc = too_many(ex, err);
            break;
        }
        rc = dead > 0 && dead <= LEAP_BYTES && dead < it->term.n ? skip_prefix(it, dead, err)
                                                                 : qn_terms_next(it, err);
    }
    if (found.n > ex->keep) {
        qsort(found.p, found.n, sizeof *found.p, by_distance);
        found.n = ex->keep;
        qsort(found.p, found.n, sizeof *found.p, by_ord);
    }
    for (size_t i = 0; i < found.n && rc >= 0; i++)
        add(ex->out, found.p[i].ord, found.p[i].ord + 1);
    qn_vec_release(&found);
    return rc < 0 ? rc : 0;
}

int qn_pattern_expand(struct qn_ord_ranges *out, struct qn_pattern *pat, const struct qn_terms *td,
                      uint32_t max_terms, struct qn_err *err)
{
    const struct qn_query_has_pattern *pt = pat->pt;
    struct expansion ex = {out,
                           pat,
                           qn_terms_iter_new(td),
                           qn_terms_count(td),
                           max_terms == 0 ? UINT32_MAX : max_terms,
                           pt->max_expansions};
    qn_ord from = 0;
    memset(out, 0, sizeof *out);
    int rc = 0;
    if (pat->prefix.n > 0)
        rc = qn_terms_prefix(ex.it, qn_buf_str(&pat->prefix), &from, &ex.to, err);
    if (rc < 0) {
        qn_terms_iter_free(ex.it);
        return rc;
    }
    if (pt->kind == QN_PATTERN_PREFIX && !pt->case_insensitive) {
        if (ex.to - from > ex.keep)
            ex.to = from + ex.keep;
        add(out, (uint32_t)from, (uint32_t)ex.to);
        rc = out->count > ex.max_terms ? too_many(&ex, err) : 0;
    } else if (pt->kind == QN_PATTERN_FUZZY) {
        rc = walk_fuzzy(&ex, from, err);
    } else {
        rc = walk(&ex, from, err);
    }
    qn_terms_iter_free(ex.it);
    return rc;
}
