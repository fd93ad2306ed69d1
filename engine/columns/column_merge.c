#include "columns/column_merge.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"

/* What is left of a source: the rest of its current block, mapped, and the blocks after it. */
struct stream {
    const struct qn_column_source *src;
    struct qn_column_cursor *cu;
    uint32_t next_block;
    size_t at, n; /* of docs and values */
    QN_VEC(qn_docid) docs;
    QN_VEC(uint64_t) values;
};

static int map_block(struct stream *s, uint32_t block, struct qn_err *err)
{
    const struct qn_column_source *src = s->src;
    const struct qn_column_cursor *cu = s->cu;
    qn_vec_reserve(&s->docs, cu->n_values);
    qn_vec_reserve(&s->values, cu->n_values);
    s->at = s->n = 0;
    for (uint32_t i = 0; i < cu->n_values; i++) {
        qn_docid old = block * QN_COLUMN_BLOCK + (cu->one ? i : cu->rows[i]);
        qn_docid doc = src->map != NULL ? src->map[old] : src->base + old;
        uint64_t v = cu->values[i];
        if (doc == QN_DOC_DROPPED)
            continue;
        if (src->ords != NULL) {
            if (v >= src->n_ords)
                return qn_corrupt(err, "column block %u: ordinal %llu of %llu", block,
                                  (unsigned long long)v, (unsigned long long)src->n_ords);
            v = src->ords[v];
        }
        s->docs.p[s->n] = doc;
        s->values.p[s->n++] = v;
    }
    return 0;
}

/* Goes on to the next block with values; at == n afterwards means that there is none. */
static int refill(struct stream *s, struct qn_err *err)
{
    while (s->at == s->n && s->next_block < qn_column_blocks(s->src->col)) {
        uint32_t block = s->next_block++;
        int rc = qn_column_load(s->cu, block, err);
        if (rc == 0)
            rc = map_block(s, block, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* The stream with the smallest next document, and what the second smallest is. */
static struct stream *first_of(struct stream *st, size_t n, qn_docid *bound)
{
    struct stream *first = NULL;
    *bound = QN_DOC_DROPPED;
    for (size_t i = 0; i < n; i++) {
        if (st[i].at == st[i].n)
            continue;
        qn_docid doc = st[i].docs.p[st[i].at];
        if (first == NULL || doc < first->docs.p[first->at]) {
            if (first != NULL)
                *bound = first->docs.p[first->at];
            first = &st[i];
        } else if (doc < *bound) {
            *bound = doc;
        }
    }
    return first;
}

static int merge_streams(struct qn_column_writer *wr, struct stream *st, size_t n,
                         struct qn_err *err)
{
    for (size_t i = 0; i < n; i++) {
        int rc = refill(&st[i], err);
        if (rc < 0)
            return rc;
    }
    qn_docid bound;
    for (struct stream *s; (s = first_of(st, n, &bound)) != NULL;) {
        size_t end = s->at + 1;
        while (end < s->n && s->docs.p[end] < bound)
            end++;
        qn_column_put(wr, s->docs.p + s->at, s->values.p + s->at, end - s->at);
        s->at = end;
        int rc = refill(s, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int qn_column_merge(struct qn_column_writer *wr, const struct qn_column_source *src, size_t n,
                    struct qn_err *err)
{
    struct stream *st = qn_xcalloc(n + 1, sizeof *st);
    for (size_t i = 0; i < n; i++) {
        st[i].src = &src[i];
        st[i].cu = qn_column_cursor_new(src[i].col);
    }
    int rc = merge_streams(wr, st, n, err);
    for (size_t i = 0; i < n; i++) {
        qn_column_cursor_free(st[i].cu);
        qn_vec_release(&st[i].docs);
        qn_vec_release(&st[i].values);
    }
    free(st);
    return rc;
}
