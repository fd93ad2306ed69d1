#include "compile_int.h"
#include "exec/pattern.h"
#include "operator_int.h"

/* Up to this many terms or values are an OR of operators, which reads only windows it is asked for;
 * more are made one set. */
enum { FEW = 16 };

/* ---- fields */

static enum qn_split_type split_type(uint8_t type)
{
    static const enum qn_split_type types[] = {
        [QN_VALUE_NONE] = QN_SPLIT_TYPES, [QN_VALUE_STR] = QN_SPLIT_STR,
        [QN_VALUE_I64] = QN_SPLIT_I64,    [QN_VALUE_U64] = QN_SPLIT_U64,
        [QN_VALUE_F64] = QN_SPLIT_F64,    [QN_VALUE_BOOL] = QN_SPLIT_BOOL,
        [QN_VALUE_DATE] = QN_SPLIT_DATE,  [QN_VALUE_IP] = QN_SPLIT_IP,
        [QN_VALUE_BYTES] = QN_SPLIT_BYTES};
    return types[type];
}

/* Empty with .p == NULL when the arena's budget is gone. */
static struct qn_str physical_name(struct qn_exec *ex, const struct qn_query_target *t)
{
    const struct qn_field *f = t->field;
    if (f->type != QN_FIELD_JSON || (t->path.n == 0 && !f->builtin))
        return f->path;
    if (f->builtin)
        return t->path.p ? t->path : QN_STR("");
    return qn_arena_printf(ex->ar, QN_STR_FMT "." QN_STR_FMT, QN_STR_ARG(f->path),
                           QN_STR_ARG(t->path));
}

struct qn_split_field *qn_compile_field(struct qn_exec *ex, const struct qn_query_target *target)
{
    struct qn_str name = physical_name(ex, target);
    return name.p ? qn_split_find(ex->sp, name, split_type(target->type)) : NULL;
}

static bool has_ordinals(const struct qn_split_field *fd)
{
    return fd->column != NULL && fd->column_terms != NULL && !(fd->flags & QN_FIELD_PRESENCE);
}

/* ---- one term, several terms */

/* The ordinal of a term in the column's dictionary: 0, or QN_END. */
static int column_ord(struct qn_split_field *fd, struct qn_str term, qn_ord *ord,
                      struct qn_err *err)
{
    struct qn_terms_iter *it = qn_terms_iter_new(fd->column_terms);
    int rc = qn_terms_lookup(it, term, err);
    *ord = it->ord;
    qn_terms_iter_free(it);
    return rc;
}

static int has_text(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                    struct qn_str term, struct qn_err *err)
{
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (fd->postings != NULL)
        return qn_op_term(out, ex, fd, term, err);
    if (!has_ordinals(fd))
        return qn__op_give(out, qn_op_none(ex));
    qn_ord ord;
    rc = column_ord(fd, term, &ord, err);
    if (rc < 0)
        return rc;
    return rc == QN_END ? qn__op_give(out, qn_op_none(ex))
                        : qn_op_column_range(out, ex, fd, ord, ord, err);
}

static int has_value(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                     const struct qn_value *v, struct qn_err *err)
{
    if (qn_split_type_has_terms(fd->type))
        return has_text(out, ex, fd, qn__value_term(v), err);
    struct qn_query_in_range r = {.target.type = v->type, .lower = *v, .upper = *v};
    uint64_t min, max;
    if (!qn__range_to_ords(&r, &min, &max))
        return qn__op_give(out, qn_op_none(ex));
    return qn_op_column_range(out, ex, fd, min, max, err);
}

static int few_values(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                      const struct qn_query_has_any *any, struct qn_err *err)
{
    struct qn__op_list list;
    int rc = qn__op_list_init(&list, ex, any->n);
    for (uint32_t i = 0; i < any->n && rc == 0; i++) {
        rc = has_value(&list.p[list.n], ex, fd, &any->values[i], err);
        list.n += rc == 0;
    }
    if (rc == 0)
        return qn__op_list_or(out, ex, &list, 1);
    qn__op_list_free(&list);
    return rc;
}

/* Ordinals of the values that the dictionary has, ascending as the values do. */
static int find_ords(struct qn_exec *ex, const struct qn_terms *td,
                     const struct qn_query_has_any *any, uint32_t **ords, uint32_t *n,
                     struct qn_err *err)
{
    *n = 0;
    *ords = qn_arena_array(ex->ar, uint32_t, any->n);
    if (*ords == NULL)
        return QN_E_BUDGET;
    struct qn_terms_iter *it = qn_terms_iter_new(td);
    int rc = 0;
    for (uint32_t i = 0; i < any->n && rc >= 0; i++) {
        rc = qn_terms_lookup(it, qn__value_term(&any->values[i]), err);
        if (rc == 0)
            (*ords)[(*n)++] = (uint32_t)it->ord;
    }
    qn_terms_iter_free(it);
    return rc < 0 ? rc : 0;
}

static int of_ords(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                   const uint32_t *ords, uint32_t n, struct qn_err *err)
{
    if (fd->postings != NULL)
        return qn_op_ordinal_set(out, ex, fd, ords, n, err);
    uint64_t *wide = qn_arena_array(ex->ar, uint64_t, n + 1);
    if (wide == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < n; i++)
        wide[i] = ords[i];
    return qn__op_column_set(out, ex, fd, wide, n, err);
}

static int many_numbers(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                        const struct qn_query_has_any *any, struct qn_err *err)
{
    uint64_t *ords = qn_arena_array(ex->ar, uint64_t, any->n + 1);
    uint32_t n = 0;
    if (ords == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < any->n; i++) {
        struct qn_query_in_range r = {.target.type = fd->type == QN_SPLIT_F64 ? QN_VALUE_F64
                                                                              : any->values[i].type,
                                      .lower = any->values[i],
                                      .upper = any->values[i]};
        uint64_t min, max;
        if (!qn__range_to_ords(&r, &min, &max))
            continue;
        for (uint64_t v = min; v <= max && (n == 0 || ords[n - 1] < v) && n <= any->n; v++)
            ords[n++] = v; /* two for zero, which has two */
    }
    return qn__op_column_set(out, ex, fd, ords, n, err);
}

static int has_any(struct qn_op **out, struct qn_exec *ex, const struct qn_query_has_any *any,
                   struct qn_err *err)
{
    struct qn_split_field *fd = qn_compile_field(ex, &any->target);
    if (fd == NULL || any->n == 0)
        return qn__op_give(out, qn_op_none(ex));
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (any->n <= FEW)
        return few_values(out, ex, fd, any, err);
    if (!qn_split_type_has_terms(fd->type))
        return many_numbers(out, ex, fd, any, err);
    const struct qn_terms *td = fd->postings       ? fd->terms
                                : has_ordinals(fd) ? fd->column_terms
                                                   : NULL;
    uint32_t *ords, n;
    if (td == NULL)
        return qn__op_give(out, qn_op_none(ex));
    rc = find_ords(ex, td, any, &ords, &n, err);
    return rc < 0 ? rc : of_ords(out, ex, fd, ords, n, err);
}

/* ---- phrases */

/* One phrase for each of the first expansions of its last term. */
static int phrases_with(struct qn__op_list *list, struct qn_exec *ex, struct qn_split_field *fd,
                        const struct qn_query_has_phrase *ph, struct qn_op_phrase_term *terms,
                        struct qn_err *err)
{
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    qn_ord from, to;
    int rc = qn_terms_prefix(it, terms[ph->n - 1].text, &from, &to, err);
    if (rc >= 0 && to - from > ph->max_expansions)
        to = from + ph->max_expansions;
    if (rc >= 0)
        rc = qn__op_list_init(list, ex, (uint32_t)(to - from));
    if (rc >= 0 && from < to)
        rc = qn_terms_seek_ord(it, from, err);
    while (rc == 0 && from < to && it->ord < to) {
        terms[ph->n - 1].text = it->term;
        rc = ph->n == 1 ? qn_op_term(&list->p[list->n], ex, fd, it->term, err)
                        : qn_op_phrase(&list->p[list->n], ex, fd, terms, ph->n, ph->slop, err);
        list->n += rc == 0;
        if (rc == 0)
            rc = qn_terms_next(it, err);
    }
    qn_terms_iter_free(it);
    return rc < 0 ? rc : 0;
}

int qn__compile_phrases(struct qn__op_list *list, struct qn_exec *ex,
                        const struct qn_query_has_phrase *ph, struct qn_err *err)
{
    struct qn_split_field *fd = qn_compile_field(ex, &ph->target);
    *list = (struct qn__op_list){0};
    if (fd == NULL || ph->n == 0)
        return 0;
    int rc = qn_split_use(fd, err);
    if (rc < 0 || fd->postings == NULL)
        return rc;
    struct qn_op_phrase_term *terms = qn_arena_array(ex->ar, struct qn_op_phrase_term, ph->n);
    if (terms == NULL)
        return QN_E_BUDGET;
    for (uint32_t i = 0; i < ph->n; i++)
        terms[i] = (struct qn_op_phrase_term){ph->terms[i].text, ph->terms[i].position};
    if (ph->last_is_prefix)
        return phrases_with(list, ex, fd, ph, terms, err);
    rc = qn__op_list_init(list, ex, 1);
    if (rc == 0)
        rc = ph->n == 1 ? qn_op_term(&list->p[0], ex, fd, terms[0].text, err)
                        : qn_op_phrase(&list->p[0], ex, fd, terms, ph->n, ph->slop, err);
    list->n = rc == 0;
    return rc;
}

static int has_phrase(struct qn_op **out, struct qn_exec *ex, const struct qn_query_has_phrase *ph,
                      struct qn_err *err)
{
    struct qn__op_list list;
    int rc = qn__compile_phrases(&list, ex, ph, err);
    if (rc == 0)
        return qn__op_list_or(out, ex, &list, 1);
    qn__op_list_free(&list);
    return rc;
}

/* ---- ranges */

/* The first ordinal at or (behind) after a term. */
static int ord_from(struct qn_terms_iter *it, struct qn_str term, bool behind, qn_ord *ord,
                    struct qn_err *err)
{
    int rc = qn_terms_seek(it, term, err);
    *ord = it->ord;
    if (rc == 0 && behind && qn_str_eq(it->term, term))
        (*ord)++;
    return rc < 0 ? rc : 0;
}

static int text_range(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                      const struct qn_query_in_range *r, struct qn_err *err)
{
    bool on_column = has_ordinals(fd) && !(r->on_terms && fd->postings != NULL);
    const struct qn_terms *td = on_column ? fd->column_terms : fd->terms;
    if (td == NULL || (!on_column && fd->postings == NULL))
        return qn__op_give(out, qn_op_none(ex));
    struct qn_terms_iter *it = qn_terms_iter_new(td);
    qn_ord from = 0, to = qn_terms_count(td);
    int rc = 0;
    if (r->lower.type != QN_VALUE_NONE)
        rc = ord_from(it, qn__value_term(&r->lower), r->exclude_lower, &from, err);
    if (rc == 0 && r->upper.type != QN_VALUE_NONE)
        rc = ord_from(it, qn__value_term(&r->upper), !r->exclude_upper, &to, err);
    qn_terms_iter_free(it);
    if (rc < 0)
        return rc;
    if (from >= to)
        return qn__op_give(out, qn_op_none(ex));
    return td == fd->terms && fd->postings != NULL
               ? qn_op_ordinals(out, ex, fd, from, to, err)
               : qn_op_column_range(out, ex, fd, from, to - 1, err);
}

static int in_range(struct qn_op **out, struct qn_exec *ex, const struct qn_query_in_range *r,
                    struct qn_err *err)
{
    struct qn_split_field *fd = qn_compile_field(ex, &r->target);
    uint64_t min, max;
    int rc = fd ? qn_split_use(fd, err) : 0;
    if (rc < 0)
        return rc;
    if (fd != NULL && qn_split_type_has_terms(fd->type))
        return text_range(out, ex, fd, r, err);
    if (fd == NULL || !qn__range_to_ords(r, &min, &max))
        return qn__op_give(out, qn_op_none(ex));
    return qn_op_column_range(out, ex, fd, min, max, err);
}

/* ---- fields that exist */

static uint32_t lower_bound(struct qn_split *sp, struct qn_str name)
{
    uint32_t lo = 0, hi = qn_split_field_count(sp);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (qn_str_cmp(qn_split_field_at(sp, mid)->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Calls for the fields [lower_bound(name), ..) as long as they start with it (below), or are it. */
static int add_fields(struct qn__op_list *list, struct qn_exec *ex, struct qn_str name, bool below,
                      uint8_t type, struct qn_err *err)
{
    for (uint32_t i = lower_bound(ex->sp, name); i < qn_split_field_count(ex->sp); i++) {
        struct qn_split_field *fd = qn_split_field_at(ex->sp, i);
        if (below ? !qn_str_starts(fd->name, name) : !qn_str_eq(fd->name, name))
            break;
        if (type != QN_VALUE_NONE && fd->type != split_type(type))
            continue;
        if (list->n == list->cap) {
            struct qn__op_list more;
            int rc = qn__op_list_init(&more, ex, list->cap * 2 + 8);
            if (rc < 0)
                return rc;
            memcpy(more.p, list->p, list->n * sizeof *list->p);
            more.n = list->n;
            *list = more;
        }
        int rc = qn_op_exists(&list->p[list->n], ex, fd, err);
        if (rc < 0)
            return rc;
        list->n++;
    }
    return 0;
}

static int has_field(struct qn_op **out, struct qn_exec *ex, const struct qn_query_has_field *hf,
                     struct qn_err *err)
{
    struct qn__op_list list;
    int rc = qn__op_list_init(&list, ex, hf->n);
    for (uint32_t i = 0; i < hf->n && rc == 0; i++) {
        const struct qn_query_target *t = &hf->targets[i];
        struct qn_str name = physical_name(ex, t);
        rc = name.p ? add_fields(&list, ex, name, false, t->type, err) : QN_E_BUDGET;
        if (rc < 0 || !hf->subtree || t->field->type != QN_FIELD_JSON)
            continue;
        if (name.n > 0)
            name = qn_arena_printf(ex->ar, QN_STR_FMT ".", QN_STR_ARG(name));
        rc = name.p ? add_fields(&list, ex, name, true, t->type, err) : QN_E_BUDGET;
    }
    if (rc == 0)
        return qn__op_list_or(out, ex, &list, 1);
    qn__op_list_free(&list);
    return rc;
}

/* ---- patterns, ids */

static int of_ranges(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                     const struct qn_ord_ranges *r, struct qn_err *err)
{
    if (r->v.n == 0)
        return qn__op_give(out, qn_op_none(ex));
    if (r->v.n == 1 && fd->postings != NULL)
        return qn_op_ordinals(out, ex, fd, r->v.p[0].from, r->v.p[0].to, err);
    if (r->v.n == 1)
        return qn_op_column_range(out, ex, fd, r->v.p[0].from, r->v.p[0].to - 1, err);
    uint32_t *ords = qn_arena_array(ex->ar, uint32_t, r->count), n = 0;
    if (ords == NULL)
        return QN_E_BUDGET;
    for (size_t i = 0; i < r->v.n; i++)
        for (uint32_t o = r->v.p[i].from; o < r->v.p[i].to; o++)
            ords[n++] = o;
    return of_ords(out, ex, fd, ords, n, err);
}

static int has_pattern(struct qn_op **out, struct qn_exec *ex,
                       const struct qn_query_has_pattern *pt, struct qn_err *err)
{
    struct qn_split_field *fd = qn_compile_field(ex, &pt->target);
    struct qn_pattern *pat;
    struct qn_ord_ranges ords;
    int rc = fd ? qn_split_use(fd, err) : 0;
    if (rc == 0)
        rc = qn_pattern_new(&pat, pt, err); /* a bad one is an error, fields or not */
    if (rc < 0)
        return rc;
    const struct qn_terms *td = NULL;
    if (fd != NULL)
        td = fd->postings ? fd->terms : has_ordinals(fd) ? fd->column_terms : NULL;
    if (td == NULL) {
        qn_pattern_free(pat);
        return qn__op_give(out, qn_op_none(ex));
    }
    rc = qn_pattern_expand(&ords, pat, td, ex->max_terms, err);
    if (rc == 0)
        rc = of_ranges(out, ex, fd, &ords, err);
    qn_ord_ranges_release(&ords);
    qn_pattern_free(pat);
    return rc;
}

static int has_id(struct qn_op **out, struct qn_exec *ex, const struct qn_query_has_id *ids,
                  struct qn_err *err)
{
    struct qn_split_field *fd = qn_split_find(ex->sp, QN_STR("_id"), QN_SPLIT_STR);
    struct qn__op_list list;
    if (fd == NULL || ids->n == 0)
        return qn__op_give(out, qn_op_none(ex));
    int rc = qn__op_list_init(&list, ex, ids->n);
    for (uint32_t i = 0; i < ids->n && rc == 0; i++) {
        rc = has_text(&list.p[list.n], ex, fd, ids->ids[i], err);
        list.n += rc == 0;
    }
    if (rc == 0)
        return qn__op_list_or(out, ex, &list, 1);
    qn__op_list_free(&list);
    return rc;
}

int qn__compile_leaf(struct qn_op **out, struct qn_exec *ex, const struct qn_query *q,
                     struct qn_err *err)
{
    switch ((enum qn_query_kind)q->kind) {
    case QN_QUERY_HAS_TERM: {
        struct qn_split_field *fd = qn_compile_field(ex, &q->has_term.target);
        return fd ? has_value(out, ex, fd, &q->has_term.value, err)
                  : qn__op_give(out, qn_op_none(ex));
    }
    case QN_QUERY_HAS_ANY:
        return has_any(out, ex, &q->has_any, err);
    case QN_QUERY_HAS_PHRASE:
        return has_phrase(out, ex, &q->has_phrase, err);
    case QN_QUERY_IN_RANGE:
        return in_range(out, ex, &q->in_range, err);
    case QN_QUERY_HAS_FIELD:
        return has_field(out, ex, &q->has_field, err);
    case QN_QUERY_HAS_PATTERN:
        return has_pattern(out, ex, &q->has_pattern, err);
    case QN_QUERY_HAS_ID:
        return has_id(out, ex, &q->ids, err);
    default:
        return qn_fail_at(err, QN_E_BUG, q->pos, "a query of kind %u was not bound", q->kind);
    }
}
