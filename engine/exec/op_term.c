#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "exec/operator.h"

/* One posting list. */
struct term {
    struct qn_op op;
    struct qn_cursor *cu;
};

static uint32_t term_next(struct qn_op *op, uint32_t doc)
{
    const struct qn_cursor *cu = ((struct term *)op)->cu;
    uint32_t b = qn_cursor_find_block(cu, doc);
    if (b == cu->n_blocks)
        return QN_DOC_END;
    return cu->first[b] > doc ? cu->first[b] : doc;
}

static int term_fill(struct qn_op *op, uint32_t lo, uint32_t hi, uint64_t *bits, struct qn_err *err)
{
    uint32_t n;
    return qn_cursor_fill_bits(((struct term *)op)->cu, lo, hi, bits, &n, err);
}

static int term_retain(struct qn_op *op, uint32_t *ids, uint32_t *n, struct qn_err *err)
{
    return qn_cursor_retain(((struct term *)op)->cu, ids, n, err);
}

static void term_free(struct qn_op *op)
{
    qn_cursor_close(((struct term *)op)->cu);
}

static const struct qn_op_ops term_ops = {"term", term_next, term_fill, term_retain, term_free};

static int some(struct qn_op **out, struct qn_op *op)
{
    *out = op;
    return op ? 0 : QN_E_BUDGET;
}

int qn_op_term(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
               struct qn_str term, struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (fd->terms == NULL || fd->postings == NULL)
        return some(out, qn_op_none(ex));
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    struct qn_term_info info;
    struct qn_cursor *cu = NULL;
    rc = qn_terms_lookup(it, term, err);
    if (rc == 0)
        rc = qn_terms_info(it, &info, err);
    if (rc == 0)
        rc = qn_cursor_open(&cu, fd->postings, &info, err);
    qn_terms_iter_free(it);
    if (rc == QN_END)
        return some(out, qn_op_none(ex));
    if (rc < 0)
        return rc;
    struct term *t = qn_arena_new(ex->ar, struct term);
    if (t == NULL) {
        qn_cursor_close(cu);
        return QN_E_BUDGET;
    }
    t->op = (struct qn_op){&term_ops, info.df, true};
    t->cu = cu;
    return some(out, &t->op);
}

/* ---- many terms: their lists are united into one set of the split, one list open at a time */

struct unite {
    struct qn_exec *ex;
    struct qn_split_field *fd;
    struct qn_terms_iter *it;
    struct qn_cursor *cu;
    uint64_t *bits;
};

static int unite_current(struct unite *un, struct qn_err *err)
{
    struct qn_term_info info;
    int rc = qn_terms_info(un->it, &info, err);
    if (rc == 0)
        rc = un->cu ? qn_cursor_reopen(un->cu, un->fd->postings, &info, err)
                    : qn_cursor_open(&un->cu, un->fd->postings, &info, err);
    uint32_t n;
    if (rc == 0)
        rc = qn_cursor_fill_bits(un->cu, 0, un->ex->n_docs, un->bits, &n, err);
    return rc;
}

static int finish_unite(struct unite *un, int rc, struct qn_op **out)
{
    qn_cursor_close(un->cu);
    qn_terms_iter_free(un->it);
    if (rc < 0) {
        free(un->bits);
        return rc;
    }
    uint64_t count = un->ex->simd->popcount(un->bits, qn_bits_words(un->ex->n_docs));
    return some(out, qn_op_bitset(un->ex, un->bits, count));
}

static struct unite begin_unite(struct qn_exec *ex, struct qn_split_field *fd)
{
    struct unite un = {.ex = ex, .fd = fd, .it = qn_terms_iter_new(fd->terms)};
    un.bits = qn_xcalloc(qn_bits_words(ex->n_docs) + QN_PAD / 8, 8);
    return un;
}

int qn_op_ordinals(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd, uint64_t from,
                   uint64_t to, struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (from >= to)
        return some(out, qn_op_none(ex));
    bool column =
        fd->column != NULL && fd->column_terms == fd->terms && !(fd->flags & QN_FIELD_PRESENCE);
    /* A column answers an interval of ordinals in one pass; lists win for a handful of terms. */
    if (column && (to - from > 64 || fd->postings == NULL))
        return qn_op_column_range(out, ex, fd, from, to - 1, err);
    if (fd->postings == NULL)
        return some(out, qn_op_none(ex));
    struct unite un = begin_unite(ex, fd);
    rc = qn_terms_seek_ord(un.it, from, err);
    while (rc == 0 && un.it->ord < to) {
        rc = unite_current(&un, err);
        if (rc == 0)
            rc = qn_terms_next(un.it, err);
    }
    return finish_unite(&un, rc, out);
}

int qn_op_ordinal_set(struct qn_op **out, struct qn_exec *ex, struct qn_split_field *fd,
                      const uint32_t *ords, uint32_t n, struct qn_err *err)
{
    *out = NULL;
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    if (n == 0 || fd->postings == NULL)
        return some(out, qn_op_none(ex));
    struct unite un = begin_unite(ex, fd);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        rc = qn_terms_seek_ord(un.it, ords[i], err);
        if (rc == 0)
            rc = unite_current(&un, err);
    }
    return finish_unite(&un, rc, out);
}
