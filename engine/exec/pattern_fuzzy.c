#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "pattern_int.h"

/* The distance table, one row per code point of the term, one column per code point of the pattern;
 * of each row only the columns within `edits` of the diagonal: no others can be small enough.
 *
 *     row i, cell k  =  distance of the term's first i and the pattern's first i - edits + k
 *
 * Rows, and where each begins in the term's bytes, are kept for the next term. */
enum { CELLS = 5, FAR = 100 };

struct qn__fuzzy {
    uint32_t *want; /* code points of the pattern */
    uint32_t n_want;
    int edits;
    bool swaps;
    uint32_t n_rows;         /* rows that hold for the last term; row 0 always does */
    uint8_t (*rows)[CELLS];  /* [n_want + edits + 2] */
    uint32_t *cps, *offsets; /* of row i: the code point that made it, and the byte behind it */
    struct qn_buf last;
};

static uint32_t next_cp(struct qn_str s, size_t *at)
{
    uint8_t first = (uint8_t)s.p[*at];
    uint32_t cp = qn_utf8_next(s, at);
    return cp == QN_UTF8_BAD ? 0x80000000u | first : cp;
}

static void prefix_of(struct qn_pattern *pat, uint32_t chars)
{
    struct qn_str t = pat->pt->text;
    size_t at = 0;
    for (uint32_t i = 0; i < chars && at < t.n; i++)
        next_cp(t, &at);
    qn_buf_put(&pat->prefix, t.p, at);
}

int qn__fuzzy_new(struct qn_pattern *pat, struct qn_err *err)
{
    const struct qn_query_has_pattern *pt = pat->pt;
    if (pt->edits > 2)
        return qn_fail(err, QN_E_INVALID, "fuzziness must be 0, 1 or 2, got %u", pt->edits);
    struct qn__fuzzy *fz = pat->fz = qn_xcalloc(1, sizeof *fz);
    fz->edits = pt->edits;
    fz->swaps = !pt->no_transpositions;
    fz->want = qn_xcalloc(pt->text.n + 1, sizeof *fz->want);
    for (size_t at = 0; at < pt->text.n;)
        fz->want[fz->n_want++] = next_cp(pt->text, &at);
    size_t rows = fz->n_want + (size_t)fz->edits + 2;
    fz->rows = qn_xcalloc(rows, sizeof *fz->rows);
    fz->cps = qn_xcalloc(rows, sizeof *fz->cps);
    fz->offsets = qn_xcalloc(rows, sizeof *fz->offsets);
    for (int k = 0; k < CELLS; k++) {
        int j = k - fz->edits;
        fz->rows[0][k] = (uint8_t)(j < 0 || j > (int)fz->n_want || k > 2 * fz->edits ? FAR : j);
    }
    qn_buf_init(&fz->last, SIZE_MAX);
    prefix_of(pat, pt->prefix_chars);
    return 0;
}

void qn__fuzzy_free(struct qn__fuzzy *fz)
{
    if (fz == NULL)
        return;
    free(fz->want);
    free(fz->rows);
    free(fz->cps);
    free(fz->offsets);
    qn_buf_release(&fz->last);
    free(fz);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Row i from the rows before it; gives its smallest cell. */
static int make_row(struct qn__fuzzy *fz, uint32_t i)
{
    const uint8_t *up = fz->rows[i - 1], *up2 = i >= 2 ? fz->rows[i - 2] : NULL;
    uint8_t *row = fz->rows[i];
    uint32_t cp = fz->cps[i];
    int best = FAR, width = 2 * fz->edits;
    for (int k = 0; k < CELLS; k++) {
        int64_t j = (int64_t)i - fz->edits + k;
        int d = FAR;
        if (k <= width && j >= 0 && j <= (int64_t)fz->n_want) {
            if (k < width)
                d = smaller(d, up[k + 1] + 1);
            if (k > 0)
                d = smaller(d, row[k - 1] + 1);
            if (j > 0)
                d = smaller(d, up[k] + (fz->want[j - 1] != cp));
            if (fz->swaps && up2 != NULL && j > 1 && fz->want[j - 1] == fz->cps[i - 1] &&
                fz->want[j - 2] == cp)
                d = smaller(d, up2[k] + 1);
        }
        row[k] = (uint8_t)smaller(d, FAR);
        best = smaller(best, d);
    }
    return best;
}

/* A swap may still mend a row that is one too far, through the row before it. */
static bool is_dead(const struct qn__fuzzy *fz, uint32_t i, int best)
{
    if (best <= fz->edits)
        return false;
    if (!fz->swaps)
        return true;
    for (int k = 0; k <= 2 * fz->edits; k++)
        if (fz->rows[i - 1][k] < fz->edits)
            return false;
    return true;
}

/* Rows that the term shares with the last one, in whole code points. */
static void keep_shared(struct qn__fuzzy *fz, struct qn_str term)
{
    size_t n = 0, most = term.n < fz->last.n ? term.n : fz->last.n;
    while (n < most && fz->last.p[n] == term.p[n])
        n++;
    while (fz->n_rows > 0 && fz->offsets[fz->n_rows] > n)
        fz->n_rows--;
}

int qn__fuzzy_distance(struct qn__fuzzy *fz, struct qn_str term, size_t *dead)
{
    uint32_t limit = fz->n_want + (uint32_t)fz->edits;
    *dead = 0;
    keep_shared(fz, term);
    size_t at = fz->offsets[fz->n_rows];
    bool hopeless = false;
    while (at < term.n && !hopeless) {
        if (fz->n_rows == limit) {
            hopeless = true;
            break;
        }
        uint32_t i = fz->n_rows + 1;
        fz->cps[i] = next_cp(term, &at);
        fz->offsets[i] = (uint32_t)at;
        int best = make_row(fz, i);
        if (is_dead(fz, i, best)) {
            *dead = at;
            hopeless = true;
            break;
        }
        fz->n_rows = i;
    }
    /* What is kept of the last term is what its rows stand for. */
    qn_buf_clear(&fz->last);
    qn_buf_put(&fz->last, term.p, fz->offsets[fz->n_rows]);
    if (hopeless)
        return -1;
    int64_t k = (int64_t)fz->n_want - fz->n_rows + fz->edits;
    if (k < 0 || k > 2 * fz->edits)
        return -1;
    int d = fz->rows[fz->n_rows][k];
    return d <= fz->edits ? d : -1;
}
