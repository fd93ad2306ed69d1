/* Terms are few for lists and many for ids, so the two ends are kept apart: a term of one or a few
 * documents is decoded and written again; long lists of time-disjoint inputs are copied in blocks;
 * everything else streams through one decoded block per input. */
#include "postings/postings_merge.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/varint.h"
#include "postings_block_int.h"
#include "terms/terms_merge.h"

enum { POLL_TERMS = 4096 };

/* One input's postings of the current term: the loaded block, mapped, and how far it is consumed.
 */
struct source {
    const struct qn_postings_input *in;
    struct qn_cursor *cu;
    struct qn_term_info info;
    uint32_t at, n;
    uint32_t docs[QN_POSTINGS_BLOCK], tfs[QN_POSTINGS_BLOCK];
    const uint32_t *pos, *start;
    bool recode;        /* its impact table is not the output's */
    uint8_t codes[256]; /* its codes in the output's table; 255 when a code has no counterpart */
};

struct merge {
    const struct qn_postings_merge_options *opt;
    struct qn_postings_merge_stats *stats;
    struct qn_err *err;
    struct qn_terms_merge *terms;
    struct source *src; /* one per input */
    const struct qn_postings_options *out;
    bool concat;      /* all inputs have bases */
    bool same_record; /* as the output: what is stored keeps its meaning */
    bool copy;        /* both: blocks are copied */
    bool has_codes, has_positions;
    struct qn_buf body;                                /* a recoded block */
    uint8_t bytes[QN_TERM_INLINE_MAX + QN_VARINT_MAX]; /* inline postings that moved */
    uint64_t n_out;
};

static void prepare_source(struct merge *mg, struct source *s, const struct qn_postings_input *in)
{
    s->in = in;
    if (in->terms == NULL || !mg->has_codes)
        return;
    const struct qn_impacts *to = mg->out->impacts;
    const struct qn_impacts *from = &in->postings->impacts;
    s->recode = !qn_impacts_equal(from, to);
    for (uint32_t c = 0; c < 256; c++)
        s->codes[c] =
            c < from->n ? qn_impacts_code(to, from->tf[c], from->norm[c]) : QN_IMPACT_ESCAPE;
    if (mg->copy && from->tf[QN_IMPACT_ESCAPE] != 0)
        qn__writer_widen_escapes(mg->opt->postings, from->tf[QN_IMPACT_ESCAPE],
                                 from->norm[QN_IMPACT_ESCAPE]);
}

static int open_source(struct merge *mg, struct source *s)
{
    s->at = s->n = 0;
    if (s->cu == NULL)
        return qn_cursor_open(&s->cu, s->in->postings, &s->info, mg->err);
    return qn_cursor_reopen(s->cu, s->in->postings, &s->info, mg->err);
}

/* ---- decoded */

/* Loads and maps the next block: 0, or QN_END. */
static int refill(struct merge *mg, struct source *s)
{
    int rc = qn_cursor_next_block(s->cu, mg->err);
    if (rc != 0)
        return rc;
    s->at = 0;
    s->n = s->cu->n_ids;
    for (uint32_t i = 0; i < s->n; i++)
        s->docs[i] =
            s->in->doc_map ? s->in->doc_map[s->cu->ids[i]] : s->cu->ids[i] + s->in->doc_base;
    if (mg->has_codes)
        rc = qn_cursor_tfs(s->cu, s->tfs, mg->err);
    if (rc == 0 && mg->has_positions)
        rc = qn_cursor_block_positions(s->cu, &s->pos, &s->start, mg->err);
    return rc;
}

/* Moves to the next posting that is not deleted: 0, or QN_END. */
static int settle(struct merge *mg, struct source *s)
{
    while (true) {
        while (s->at < s->n && s->docs[s->at] == QN_DOC_END)
            s->at++;
        if (s->at < s->n)
            return 0;
        int rc = refill(mg, s);
        if (rc != 0)
            return rc;
    }
}

/* Appends postings [s->at, to), none of them deleted. */
static void append_run(struct merge *mg, struct source *s, uint32_t to)
{
    struct qn_posting_run run = {s->docs + s->at, mg->has_codes ? s->tfs + s->at : NULL,
                                 mg->has_positions ? s->pos + s->start[s->at] : NULL, to - s->at};
    qn_postings_append(mg->opt->postings, &run);
    s->at = to;
}

/* Everything of one source. */
static int append_all(struct merge *mg, struct source *s)
{
    int rc;
    while ((rc = settle(mg, s)) == 0) {
        uint32_t to = s->at + 1;
        while (to < s->n && s->docs[to] != QN_DOC_END)
            to++;
        append_run(mg, s, to);
    }
    return rc == QN_END ? 0 : rc;
}

/* The sources interleaved by document: the one that is first runs up to where the next one is. */
static int append_sorted(struct merge *mg)
{
    const uint32_t *hits = mg->terms->hits;
    uint32_t live[256], n = 0;
    for (uint32_t i = 0; i < mg->terms->n_hits; i++) {
        int rc = settle(mg, &mg->src[hits[i]]);
        if (rc < 0)
            return rc;
        if (rc == 0)
            live[n++] = hits[i];
    }
    while (n > 1) {
        uint32_t best = 0, doc = UINT32_MAX, limit = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t d = mg->src[live[i]].docs[mg->src[live[i]].at];
            if (d < doc) {
                limit = doc;
                doc = d;
                best = i;
            } else if (d < limit) {
                limit = d;
            }
        }
        struct source *s = &mg->src[live[best]];
        uint32_t to = s->at + 1;
        while (to < s->n && s->docs[to] < limit)
            to++;
        append_run(mg, s, to);
        int rc = settle(mg, s);
        if (rc < 0)
            return rc;
        if (rc == QN_END)
            live[best] = live[--n];
    }
    return n == 1 ? append_all(mg, &mg->src[live[0]]) : 0;
}

/* ---- copied */

/* Writes the body of a block again with the output's codes. */
static int recode(struct merge *mg, struct source *s, uint32_t b, struct qn__raw_block *rb)
{
    struct qn_cursor *cu = s->cu;
    const struct qn_impacts *from = &s->in->postings->impacts;
    struct qn_escape escapes[QN_POSTINGS_BLOCK];
    uint8_t codes[QN_POSTINGS_BLOCK + QN_PAD];
    int rc = qn_cursor_load(cu, b, mg->err);
    if (rc == 0)
        rc = qn_cursor_codes(cu, mg->err);
    if (rc < 0)
        return rc;
    uint32_t old = 0, n = 0;
    rb->max_code = 0;
    for (uint32_t i = 0; i < cu->n_ids; i++) {
        uint8_t c = cu->codes[i];
        bool was = c == QN_IMPACT_ESCAPE && old < cu->n_escapes;
        uint32_t tf = was ? cu->escapes[old].tf : from->tf[c];
        uint8_t norm = was ? cu->escapes[old].norm : from->norm[c];
        old += was;
        codes[i] = was ? qn_impacts_code(mg->out->impacts, tf, norm) : s->codes[c];
        rb->max_code = codes[i] > rb->max_code ? codes[i] : rb->max_code;
        if (codes[i] == QN_IMPACT_ESCAPE) {
            escapes[n++] = (struct qn_escape){i, tf, norm};
            qn__writer_widen_escapes(mg->opt->postings, tf, norm);
        }
    }
    size_t docs = qn__block_docs_bytes(&rb->shape);
    struct qn__block_codes bc = {codes, escapes, cu->n_ids, n};
    qn_buf_clear(&mg->body);
    qn_buf_put(&mg->body, rb->body.p, docs);
    qn__block_put_codes(&mg->body, cu->ps->ops, &bc);
    rb->body = qn_buf_str(&mg->body);
    mg->stats->blocks_recoded++;
    return 0;
}

static int copy_list(struct merge *mg, struct source *s)
{
    for (uint32_t b = 0; b < s->cu->n_blocks; b++) {
        struct qn__raw_block rb;
        int rc = qn__cursor_raw_block(s->cu, b, &rb, mg->err);
        if (rc == 0 && s->recode)
            rc = recode(mg, s, b, &rb);
        if (rc < 0)
            return rc;
        rb.shape.first += s->in->doc_base;
        rb.shape.last += s->in->doc_base;
        qn__writer_put_raw(mg->opt->postings, &rb);
        mg->stats->blocks_copied += !s->recode;
    }
    qn__writer_add_sum_tf(mg->opt->postings, qn_cursor_sum_tf(s->cu));
    return 0;
}

/* True when the list that copying would give is not too far from the shortest. */
static bool worth_copying(const struct merge *mg)
{
    uint64_t df = 0, blocks = 0;
    bool after_raw = true;
    for (uint32_t i = 0; i < mg->terms->n_hits; i++) {
        const struct source *s = &mg->src[mg->terms->hits[i]];
        df += s->info.df;
        if (qn__cursor_is_long(s->cu))
            blocks += s->cu->n_blocks;
        else
            blocks += after_raw;
        after_raw = qn__cursor_is_long(s->cu);
    }
    uint64_t least = (df + QN_POSTINGS_BLOCK - 1) / QN_POSTINGS_BLOCK;
    return mg->copy && df > QN_POSTINGS_BLOCK && blocks - least <= blocks * 12 / 100;
}

static int append_concat(struct merge *mg)
{
    bool copy = worth_copying(mg);
    bool any_long = false;
    for (uint32_t i = 0; i < mg->terms->n_hits; i++) {
        struct source *s = &mg->src[mg->terms->hits[i]];
        bool is_long = qn__cursor_is_long(s->cu);
        int rc = copy && is_long ? copy_list(mg, s) : append_all(mg, s);
        if (rc < 0)
            return rc;
        any_long |= is_long;
    }
    mg->stats->lists_repacked += any_long && !copy;
    return 0;
}

/* ---- terms */

/* A term of one document in one input stays what it is: 0, QN_END when it was deleted, or 2 when it
 * is no such term. */
static int merge_one(struct merge *mg, struct qn_term_info *info)
{
    const struct source *s = &mg->src[mg->terms->hits[0]];
    *info = s->info;
    if (mg->terms->n_hits != 1 || info->kind != QN_TERM_ONE || s->recode || !mg->same_record)
        return 2;
    if (info->doc >= s->in->postings->n_docs)
        return qn_corrupt(mg->err, "postings: a term has document %u of %u", info->doc,
                          s->in->postings->n_docs);
    info->doc = s->in->doc_map ? s->in->doc_map[info->doc] : info->doc + s->in->doc_base;
    if (info->doc == QN_DOC_END)
        return QN_END;
    qn__writer_note_one(mg->opt->postings);
    return 0;
}

/* A short string of postings in one input keeps all but its first number when documents move by a
 * base: 0, or 2 when it must be decoded. */
static int merge_inline(struct merge *mg, struct qn_term_info *info)
{
    const struct source *s = &mg->src[mg->terms->hits[0]];
    const uint8_t *p = s->info.bytes;
    uint64_t doc;
    if (mg->terms->n_hits != 1 || s->info.kind != QN_TERM_INLINE || s->recode || !mg->copy)
        return 2;
    size_t used = qn_varint_get(p, p + s->info.len, &doc);
    if (used == 0 || doc >= s->in->postings->n_docs)
        return 2;
    size_t n = qn_varint_put(mg->bytes, doc + s->in->doc_base);
    if (n + s->info.len - used > mg->out->inline_bytes)
        return 2;
    memcpy(mg->bytes + n, p + used, s->info.len - used);
    *info = s->info;
    info->bytes = mg->bytes;
    info->len = n + s->info.len - used;
    qn__writer_note_inline(mg->opt->postings, info);
    return 0;
}

static int merge_postings(struct merge *mg, struct qn_term_info *info)
{
    const struct qn_terms_merge *tm = mg->terms;
    for (uint32_t i = 0; i < tm->n_hits; i++) {
        int rc = qn_terms_info(tm->its[tm->hits[i]], &mg->src[tm->hits[i]].info, mg->err);
        if (rc < 0)
            return rc;
    }
    int rc = merge_one(mg, info);
    if (rc == 2)
        rc = merge_inline(mg, info);
    if (rc != 2)
        return rc;
    for (uint32_t i = 0; i < tm->n_hits; i++) {
        rc = open_source(mg, &mg->src[tm->hits[i]]);
        if (rc < 0)
            return rc;
    }
    rc = mg->concat ? append_concat(mg) : append_sorted(mg);
    return rc < 0 ? rc : qn_postings_end(mg->opt->postings, info);
}

static int merge_term(struct merge *mg)
{
    const struct qn_terms_merge *tm = mg->terms;
    struct qn_term_info info;
    int rc = merge_postings(mg, &info);
    bool gone = rc == QN_END;
    if (rc == 0)
        rc = qn_terms_writer_add(mg->opt->terms, tm->term, &info);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < tm->n_hits; i++) {
        uint32_t *map = mg->src[tm->hits[i]].in->ord_map;
        if (map != NULL)
            map[tm->its[tm->hits[i]]->ord] = gone ? UINT32_MAX : (uint32_t)mg->n_out;
    }
    mg->n_out += !gone;
    mg->stats->n_terms_in += tm->n_hits;
    return 0;
}

static int run(struct merge *mg)
{
    const struct qn_postings_merge_options *opt = mg->opt;
    for (uint64_t i = 0;; i++) {
        int rc = qn_terms_merge_next(mg->terms, mg->err);
        if (rc != 0)
            return rc == QN_END ? 0 : rc;
        rc = merge_term(mg);
        if (rc == 0 && opt->poll != NULL && i % POLL_TERMS == 0)
            rc = opt->poll(opt->poll_arg);
        if (rc != 0)
            return rc;
    }
}

/* What the inputs allow: copying needs bases and the same kind of record everywhere. */
static int check_inputs(struct merge *mg)
{
    const struct qn_postings_merge_options *opt = mg->opt;
    mg->concat = mg->same_record = true;
    if (opt->n_inputs > 256)
        return qn_fail(mg->err, QN_E_TOO_LARGE, "a merge takes at most 256 inputs");
    for (uint32_t i = 0; i < opt->n_inputs; i++) {
        const struct qn_postings_input *in = &opt->inputs[i];
        mg->concat &= in->doc_map == NULL;
        if (in->terms == NULL)
            continue;
        if (in->postings->record < mg->out->record)
            return qn_fail(mg->err, QN_E_UNSUPPORTED, "input %u records less than the output", i);
        mg->same_record &= in->postings->record == mg->out->record &&
                           in->postings->has_norms == (mg->out->norms != NULL);
    }
    mg->copy = mg->concat && mg->same_record;
    return 0;
}

/* Copied postings are not counted one by one; when all are kept, the sums add up. */
static void keep_sum_tf(struct merge *mg)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < mg->opt->n_inputs; i++)
        if (mg->opt->inputs[i].terms != NULL)
            sum += mg->opt->inputs[i].postings->sum_tf;
    qn__writer_set_sum_tf(mg->opt->postings, sum);
}

static int merge_all(struct merge *mg)
{
    const struct qn_postings_merge_options *opt = mg->opt;
    int rc = check_inputs(mg);
    if (rc < 0)
        return rc;
    const struct qn_terms **tds = qn_xcalloc(opt->n_inputs + 1, sizeof(void *));
    mg->src = qn_xcalloc(opt->n_inputs + 1, sizeof *mg->src);
    for (uint32_t i = 0; i < opt->n_inputs; i++) {
        tds[i] = opt->inputs[i].terms;
        prepare_source(mg, &mg->src[i], &opt->inputs[i]);
    }
    rc = qn_terms_merge_new(&mg->terms, tds, opt->n_inputs, mg->err);
    if (rc == 0)
        rc = run(mg);
    if (rc == 0 && mg->copy && mg->has_codes)
        keep_sum_tf(mg);
    for (uint32_t i = 0; i < opt->n_inputs; i++)
        qn_cursor_close(mg->src[i].cu);
    qn_terms_merge_free(mg->terms);
    free(mg->src);
    free(tds);
    return rc;
}

int qn_postings_merge(const struct qn_postings_merge_options *opt,
                      struct qn_postings_merge_stats *stats, struct qn_err *err)
{
    struct qn_postings_merge_stats unused;
    struct merge mg = {.opt = opt, .stats = stats ? stats : &unused, .err = err};
    *mg.stats = (struct qn_postings_merge_stats){0};
    mg.out = qn__writer_options(opt->postings);
    mg.has_codes = mg.out->record != QN_RECORD_BASIC;
    mg.has_positions = mg.out->record == QN_RECORD_POSITION;
    qn_buf_init(&mg.body, SIZE_MAX);
    int rc = merge_all(&mg);
    mg.stats->n_terms_out = mg.n_out;
    qn_buf_release(&mg.body);
    return rc;
}

static int by_weight(const void *a, const void *b)
{
    const struct qn_postings *x = *(const struct qn_postings *const *)a;
    const struct qn_postings *y = *(const struct qn_postings *const *)b;
    return x->sum_df < y->sum_df ? 1 : x->sum_df > y->sum_df ? -1 : 0;
}

void qn_impacts_merge(struct qn_impacts *out, const struct qn_postings_input *inputs, uint32_t n)
{
    const struct qn_postings **ps = qn_xcalloc(n + 1, sizeof(void *));
    const struct qn_impacts **ims = qn_xcalloc(n + 1, sizeof(void *));
    uint32_t m = 0;
    bool equal = true;
    uint64_t tokens = 0, docs = 0;
    for (uint32_t i = 0; i < n; i++)
        if (inputs[i].terms != NULL && inputs[i].postings->impacts.n != 0)
            ps[m++] = inputs[i].postings;
    qsort(ps, m, sizeof(void *), by_weight);
    for (uint32_t i = 0; i < m; i++) {
        ims[i] = &ps[i]->impacts;
        equal &= qn_impacts_equal(ims[0], ims[i]);
        tokens += ps[i]->sum_tf;
        docs += ps[i]->doc_count;
    }
    if (m == 0)
        qn_impacts_plain(out);
    else if (equal)
        *out = *ims[0];
    else
        qn__impacts_union(out, ims, m, docs && tokens ? (double)tokens / (double)docs : 1);
    free(ims);
    free(ps);
}
