#include "postings/impacts.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "postings/norms.h"
#include "postings_block_int.h"

/* A pair with what it is sorted by. */
struct pair {
    uint32_t tf, count;
    uint8_t norm;
    double impact;
};

void qn_impacts_count(struct qn_impact_counts *ct, const uint32_t *docs, const uint32_t *tfs,
                      size_t n, const uint8_t *norms)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t tf = tfs ? tfs[i] : 1;
        if (tf < QN_IMPACT_TFS)
            ct->n[tf][norms ? norms[docs[i]] : 1]++;
    }
}

static int by_count(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->tf != y->tf)
        return x->tf < y->tf ? -1 : 1;
    return x->norm - y->norm;
}

static int by_impact(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->impact != y->impact)
        return x->impact < y->impact ? -1 : 1;
    if (x->tf != y->tf)
        return x->tf < y->tf ? -1 : 1;
    return y->norm - x->norm;
}

/* The table of n <= 255 pairs, in the order of their BM25 impact at this average length. */
static void fill_table(struct qn_impacts *im, struct pair *p, size_t n, double average)
{
    memset(im, 0, sizeof *im);
    memset(im->code, QN_IMPACT_ESCAPE, sizeof im->code);
    for (size_t i = 0; i < n; i++) {
        double k = 1.2 * (0.25 + 0.75 * qn_norm_decode(p[i].norm) / average);
        p[i].impact = p[i].tf / (p[i].tf + k);
    }
    qsort(p, n, sizeof *p, by_impact);
    im->n = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        im->tf[i] = p[i].tf;
        im->norm[i] = p[i].norm;
        im->code[p[i].tf][p[i].norm] = (uint8_t)i;
    }
}

static bool covers(const struct qn_impacts *im, const struct qn_impact_counts *ct)
{
    uint64_t all = 0, with = 0;
    for (uint32_t tf = 1; tf < QN_IMPACT_TFS; tf++)
        for (uint32_t norm = 0; norm < 256; norm++) {
            all += ct->n[tf][norm];
            with += im->code[tf][norm] != QN_IMPACT_ESCAPE ? ct->n[tf][norm] : 0;
        }
    return with >= all - all / 50;
}

void qn_impacts_build(struct qn_impacts *im, const struct qn_impact_counts *ct,
                      const struct qn_impacts *prev)
{
    if (prev != NULL && prev->n != 0 && covers(prev, ct)) {
        *im = *prev;
        im->tf[QN_IMPACT_ESCAPE] = 0;
        im->norm[QN_IMPACT_ESCAPE] = 0;
        return;
    }
    struct pair *p = qn_xmalloc(sizeof *p * QN_IMPACT_TFS * 256);
    size_t n = 0;
    double length = 0, count = 0;
    for (uint32_t tf = 1; tf < QN_IMPACT_TFS; tf++)
        for (uint32_t norm = 0; norm < 256; norm++)
            if (ct->n[tf][norm] != 0) {
                p[n++] = (struct pair){tf, ct->n[tf][norm], (uint8_t)norm, 0};
                length += (double)qn_norm_decode((uint8_t)norm) * ct->n[tf][norm];
                count += ct->n[tf][norm];
            }
    if (n == 0)
        p[n++] = (struct pair){1, 1, 1, 0};
    qsort(p, n, sizeof *p, by_count);
    fill_table(im, p, n < QN_IMPACT_ESCAPE ? n : QN_IMPACT_ESCAPE, length > 0 ? length / count : 1);
    free(p);
}

void qn_impacts_plain(struct qn_impacts *im)
{
    struct pair p[QN_IMPACT_TFS];
    for (uint32_t tf = 1; tf < QN_IMPACT_TFS; tf++)
        p[tf - 1] = (struct pair){tf, 1, 1, 0};
    fill_table(im, p, QN_IMPACT_TFS - 1, 1);
}

bool qn_impacts_equal(const struct qn_impacts *a, const struct qn_impacts *b)
{
    return a->n == b->n && memcmp(a->tf, b->tf, a->n * sizeof a->tf[0]) == 0 &&
           memcmp(a->norm, b->norm, a->n) == 0;
}

void qn__impacts_union(struct qn_impacts *out, const struct qn_impacts *const *ims, size_t n,
                       double average)
{
    struct pair p[QN_IMPACT_ESCAPE];
    bool taken[QN_IMPACT_TFS][256] = {0};
    size_t n_pairs = 0;
    for (size_t i = 0; i < n; i++)
        for (uint32_t c = 0; c < ims[i]->n && n_pairs < QN_IMPACT_ESCAPE; c++) {
            bool *t = &taken[ims[i]->tf[c]][ims[i]->norm[c]];
            if (!*t)
                p[n_pairs++] = (struct pair){ims[i]->tf[c], 1, ims[i]->norm[c], 0};
            *t = true;
        }
    fill_table(out, p, n_pairs, average);
}

void qn_impacts_put(struct qn_buf *out, const struct qn_impacts *im)
{
    qn_buf_put_u16(out, (uint16_t)im->n);
    qn_buf_put_u32(out, im->tf[QN_IMPACT_ESCAPE]);
    qn_buf_put_u8(out, im->norm[QN_IMPACT_ESCAPE]);
    for (uint32_t c = 0; c < im->n; c++) {
        qn_buf_put_u32(out, im->tf[c]);
        qn_buf_put_u8(out, im->norm[c]);
    }
}

int qn_impacts_get(struct qn_impacts *im, struct qn_str in, struct qn_err *err)
{
    uint16_t n;
    memset(im, 0, sizeof *im);
    memset(im->code, QN_IMPACT_ESCAPE, sizeof im->code);
    if (in.n < 7)
        return qn_corrupt(err, "impact codes: cut off");
    memcpy(&n, in.p, 2);
    if (n > QN_IMPACT_ESCAPE || in.n < 7 + 5 * (size_t)n)
        return qn_corrupt(err, "impact codes: %u do not fit", n);
    im->n = n;
    memcpy(&im->tf[QN_IMPACT_ESCAPE], in.p + 2, 4);
    im->norm[QN_IMPACT_ESCAPE] = (uint8_t)in.p[6];
    for (uint32_t c = 0; c < n; c++) {
        memcpy(&im->tf[c], in.p + 7 + 5 * (size_t)c, 4);
        im->norm[c] = (uint8_t)in.p[11 + 5 * (size_t)c];
        if (im->tf[c] == 0 || im->tf[c] >= QN_IMPACT_TFS)
            return qn_corrupt(err, "impact codes: tf %u has no code", im->tf[c]);
        im->code[im->tf[c]][im->norm[c]] = (uint8_t)c;
    }
    return 7 + 5 * n;
}
