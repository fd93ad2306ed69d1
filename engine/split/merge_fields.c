#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "merge_int.h"
#include "postings/postings_merge.h"
#include "terms/terms_merge.h"

/* One field of the output: the fields of the inputs that have its name and type. */
struct target {
    struct qn__merge *mg;
    struct qn_str name;
    enum qn_split_type type;
    unsigned flags;
    struct qn_split_field **fds; /* by part; NULL: it lacks the field */
    uint32_t **ord_maps;         /* by part: old ordinal of its column -> new */
    bool absence;
};

static const struct qn_split_field *field_of(const struct target *tg, uint32_t k)
{
    return tg->fds[k];
}

/* ---- inverted index */

static bool any_postings(const struct target *tg)
{
    for (uint32_t k = 0; k < tg->mg->n_parts; k++)
        if (tg->fds[k] != NULL && tg->fds[k]->postings != NULL)
            return true;
    return false;
}

/* Columns whose ordinals are those of the index's dictionary need to learn their new ones. */
static bool shares_terms(const struct qn_split_field *fd)
{
    return fd != NULL && fd->column != NULL && fd->terms != NULL && fd->column_terms == fd->terms &&
           !(fd->flags & QN_FIELD_PRESENCE);
}

/* If any column of the field has a dictionary of its own, the merged one has. */
static bool own_column_terms(const struct target *tg)
{
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        if (fd != NULL && fd->column != NULL && !(fd->flags & QN_FIELD_PRESENCE) &&
            fd->column_terms != fd->terms)
            return true;
    }
    return false;
}

static int merge_norms(struct target *tg, uint8_t *norms, bool *any, struct qn_err *err)
{
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        const struct qn__merge_part *pt = &tg->mg->parts[k];
        for (uint32_t from = 0; fd != NULL && fd->norms != NULL && from < pt->n_docs;
             from += 65536) {
            struct qn_slice sl;
            int rc = qn_norms_read(fd->norms, from / 65536, &sl, err);
            if (rc < 0)
                return rc;
            for (uint32_t i = 0; i < sl.n; i++) {
                uint32_t to = pt->map ? pt->map[from + i] : pt->base + from + i;
                if (to != QN_DOC_END)
                    norms[to] = sl.p[i];
            }
            qn_slice_release(&sl);
            *any = true;
        }
    }
    return 0;
}

static enum qn_index_record lowest_record(const struct target *tg)
{
    enum qn_index_record low = QN_RECORD_POSITION;
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        if (fd != NULL && fd->postings != NULL && fd->postings->record < low)
            low = fd->postings->record;
    }
    return low;
}

static void fill_inputs(struct target *tg, struct qn_postings_input *in, bool maps)
{
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        const struct qn__merge_part *pt = &tg->mg->parts[k];
        in[k] = (struct qn_postings_input){.doc_base = pt->base, .doc_map = pt->map};
        if (fd == NULL || fd->postings == NULL)
            continue;
        in[k].terms = fd->terms;
        in[k].postings = fd->postings;
        if (maps && shares_terms(fd)) {
            tg->ord_maps[k] = qn_xmalloc((qn_terms_count(fd->terms) + 1) * sizeof(uint32_t));
            in[k].ord_map = tg->ord_maps[k];
        }
    }
}

static struct qn_terms_writer *new_terms(struct target *tg)
{
    struct qn_terms_options op = {.ops = tg->mg->simd, .absence = tg->absence};
    return qn_terms_writer_new(qn_split_writer_sink(tg->mg->wr, QN_SECTION_TERMS), &op);
}

static int finish_terms(struct target *tg, struct qn_terms_writer *tw, enum qn_split_part part)
{
    struct qn_terms_stats stats;
    struct qn_sink *absence =
        tg->absence ? qn_split_writer_sink(tg->mg->wr, QN_SECTION_ABSENCE) : NULL;
    return qn_terms_writer_finish(tw, qn_split_field_part(tg->mg->wr, part), absence, &stats);
}

/* Documents that have the field: counted from the norms. Fields without norms are scored without
 * lengths, so that a guess will do for them: what inputs say, less the share of what was deleted.
 */
static uint32_t doc_count(const struct target *tg, const uint8_t *norms)
{
    double n = 0;
    uint32_t exact = 0;
    for (uint32_t i = 0; norms != NULL && i < tg->mg->n_docs; i++)
        exact += norms[i] != 0;
    if (norms != NULL)
        return exact;
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        const struct qn__merge_part *pt = &tg->mg->parts[k];
        if (fd != NULL && fd->postings != NULL && pt->n_docs > 0)
            n += (double)fd->postings->doc_count * pt->n_live / pt->n_docs;
    }
    return (uint32_t)(n + 0.5);
}

static int run_merge(struct target *tg, const struct qn_postings_input *in,
                     struct qn_postings_writer *pw, const uint8_t *norms, struct qn_err *err)
{
    struct qn_split_writer *wr = tg->mg->wr;
    struct qn_terms_writer *tw = new_terms(tg);
    struct qn_postings_merge_stats ms = {0};
    struct qn_postings_stats ps;
    struct qn_postings_merge_options op = {
        .inputs = in, .n_inputs = tg->mg->n_parts, .terms = tw, .postings = pw};
    int rc = qn_postings_merge(&op, &ms, err);
    if (rc == 0)
        rc = finish_terms(tg, tw, QN_PART_TERMS);
    if (rc == 0)
        rc = qn_postings_writer_finish(pw, doc_count(tg, norms),
                                       qn_split_field_part(wr, QN_PART_POSTINGS), &ps);
    tg->mg->stats->blocks_copied += ms.blocks_copied;
    tg->mg->stats->blocks_recoded += ms.blocks_recoded;
    tg->mg->stats->lists_repacked += ms.lists_repacked;
    qn_terms_writer_free(tw);
    return rc;
}

static int merge_index(struct target *tg, struct qn_err *err)
{
    struct qn__merge *mg = tg->mg;
    struct qn_postings_input *in = qn_xcalloc(mg->n_parts, sizeof *in);
    struct qn_impacts *im = qn_xcalloc(1, sizeof *im);
    uint8_t *norms = qn_xcalloc((size_t)mg->n_docs + QN_PAD, 1);
    bool has_norms = false;
    fill_inputs(tg, in, !own_column_terms(tg));
    int rc = merge_norms(tg, norms, &has_norms, err);
    if (rc == 0) {
        enum qn_index_record record = lowest_record(tg);
        if (record != QN_RECORD_BASIC)
            qn_impacts_merge(im, in, mg->n_parts);
        struct qn_postings_options op = {.ops = mg->simd,
                                         .record = record,
                                         .impacts = record == QN_RECORD_BASIC ? NULL : im,
                                         .norms = has_norms ? norms : NULL};
        struct qn_postings_writer *pw =
            qn_postings_writer_new(&op, qn_split_writer_sink(mg->wr, QN_SECTION_POSTINGS),
                                   qn_split_writer_sink(mg->wr, QN_SECTION_POSITIONS));
        rc = run_merge(tg, in, pw, has_norms ? norms : NULL, err);
        qn_postings_writer_free(pw);
    }
    if (rc == 0 && has_norms)
        qn_norms_write(qn_split_writer_sink(mg->wr, QN_SECTION_NORMS), mg->simd, norms, mg->n_docs,
                       qn_split_field_part(mg->wr, QN_PART_NORMS));
    free(norms);
    free(im);
    free(in);
    return rc;
}

/* ---- column dictionaries */

/* A dictionary for the ordinals alone. Terms of deleted documents stay until a later merge of the
 * index drops them: an ordinal without documents does no harm. */
static int merge_column_terms(struct target *tg, struct qn_err *err)
{
    uint32_t n = tg->mg->n_parts;
    const struct qn_terms **tds = qn_xcalloc(n, sizeof(void *));
    for (uint32_t k = 0; k < n; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        if (fd == NULL || fd->column == NULL || (fd->flags & QN_FIELD_PRESENCE))
            continue;
        tds[k] = fd->column_terms;
        tg->ord_maps[k] = qn_xmalloc((qn_terms_count(tds[k]) + 1) * sizeof(uint32_t));
    }
    struct qn_terms_merge *walk;
    int rc = qn_terms_merge_new(&walk, tds, n, err);
    struct qn_terms_writer *tw = new_terms(tg);
    uint32_t ord = 0;
    while (rc == 0 && (rc = qn_terms_merge_next(walk, err)) == 0) {
        struct qn_term_info info = {.kind = QN_TERM_INLINE, .df = 1};
        for (uint32_t i = 0; i < walk->n_hits; i++) {
            uint32_t k = walk->hits[i];
            tg->ord_maps[k][walk->its[k]->ord] = ord;
        }
        ord++;
        rc = qn_terms_writer_add(tw, walk->term, &info);
    }
    if (rc == QN_END)
        rc = finish_terms(tg, tw, QN_PART_COLUMN_TERMS);
    qn_terms_writer_free(tw);
    qn_terms_merge_free(walk);
    free(tds);
    return rc;
}

/* ---- columns */

static int put_values(struct target *tg, struct qn_column_writer *cw, uint32_t k, qn_docid to,
                      const uint64_t *v, uint32_t n, struct qn_err *err)
{
    const uint32_t *map = tg->ord_maps[k];
    for (uint32_t i = 0; i < n; i++) {
        uint64_t x = v[i];
        if (map != NULL && map[x] == UINT32_MAX)
            return qn_corrupt(err, "column holds ordinal %llu, which no document has",
                              (unsigned long long)x);
        x = map ? map[x] : x;
        qn_column_put(cw, &to, &x, 1);
    }
    return 0;
}

static int shift_columns(struct target *tg, struct qn_column_cursor **cus,
                         struct qn_column_writer *cw, struct qn_err *err)
{
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        struct qn_column_cursor *cu = cus[k];
        for (uint32_t b = 0; cu != NULL && b < qn_column_blocks(cu->col); b++) {
            int rc = qn_column_load(cu, b, err);
            uint32_t from = tg->mg->parts[k].base + b * QN_COLUMN_BLOCK;
            for (uint32_t i = 0; i < cu->n_values && rc == 0; i++)
                rc = put_values(tg, cw, k, from + (cu->one ? i : cu->rows[i]), &cu->values[i], 1,
                                err);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int interleave_columns(struct target *tg, struct qn_column_cursor **cus,
                              struct qn_column_writer *cw, struct qn_err *err)
{
    struct qn__merge *mg = tg->mg;
    uint32_t *at = qn_xcalloc(mg->n_parts, sizeof *at);
    int rc = 0;
    for (uint32_t doc = 0; doc < mg->n_docs && rc == 0; doc++) {
        uint32_t k = mg->source[doc], n;
        const uint64_t *v;
        while (mg->parts[k].map[at[k]] == QN_DOC_END)
            at[k]++;
        uint32_t old = at[k]++;
        if (cus[k] == NULL)
            continue;
        rc = qn_column_of(cus[k], old, &v, &n, err);
        if (rc == 0)
            rc = put_values(tg, cw, k, doc, v, n, err);
    }
    free(at);
    return rc;
}

static int merge_columns(struct target *tg, struct qn_err *err)
{
    struct qn__merge *mg = tg->mg;
    struct qn_column_cursor **cus = qn_xcalloc(mg->n_parts, sizeof *cus);
    bool any = false;
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        if (fd == NULL || fd->column == NULL)
            continue;
        cus[k] = qn_column_cursor_new(fd->column);
        any = true;
    }
    int rc = 0;
    if (any) {
        enum qn_column_kind kind = tg->type == QN_SPLIT_F64 ? QN_COLUMN_F64 : QN_COLUMN_INT;
        struct qn_column_writer *cw =
            qn_column_writer_new(kind, mg->simd, qn_split_writer_sink(mg->wr, QN_SECTION_COLUMNS));
        rc = mg->source ? interleave_columns(tg, cus, cw, err) : shift_columns(tg, cus, cw, err);
        if (rc == 0)
            rc = qn_column_writer_finish(cw, mg->n_docs,
                                         qn_split_field_part(mg->wr, QN_PART_COLUMN));
        qn_column_writer_free(cw);
    }
    for (uint32_t k = 0; k < mg->n_parts; k++)
        qn_column_cursor_free(cus[k]);
    free(cus);
    return rc;
}

/* ---- fields */

/* Columns that tell presence here and values there cannot be one: presence is all they share. */
static void settle_flags(struct target *tg)
{
    for (uint32_t k = 0; k < tg->mg->n_parts; k++) {
        const struct qn_split_field *fd = field_of(tg, k);
        if (fd != NULL && fd->column != NULL)
            tg->flags |= fd->flags & QN_FIELD_PRESENCE;
        if (fd != NULL && fd->terms != NULL && qn_terms_has_absence(fd->terms))
            tg->absence = true;
    }
}

static int merge_field(struct target *tg, struct qn_err *err)
{
    struct qn__merge *mg = tg->mg;
    int rc = 0;
    for (uint32_t k = 0; k < mg->n_parts && rc == 0; k++)
        rc = tg->fds[k] ? qn_split_use(tg->fds[k], err) : 0;
    if (rc < 0)
        return rc;
    settle_flags(tg);
    bool presence = tg->flags & QN_FIELD_PRESENCE;
    rc = qn_split_field_begin(mg->wr, tg->name, tg->type, tg->flags);
    if (rc == 0 && any_postings(tg))
        rc = merge_index(tg, err);
    if (rc == 0 && !presence && own_column_terms(tg))
        rc = merge_column_terms(tg, err);
    if (rc == 0)
        rc = merge_columns(tg, err);
    if (rc == 0) {
        qn_split_field_end(mg->wr);
        rc = qn__merge_poll(mg, mg->n_docs);
    }
    for (uint32_t k = 0; k < mg->n_parts; k++)
        free(tg->ord_maps[k]);
    if (rc < 0)
        qn_err_prefix(err, "field " QN_STR_FMT ": ", QN_STR_ARG(tg->name));
    return rc;
}

/* The smallest (name, type) among the next fields of all parts. */
static bool next_target(struct qn__merge *mg, uint32_t *at, struct target *tg)
{
    struct qn_split_field *best = NULL;
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        if (at[k] == qn_split_field_count(mg->parts[k].sp))
            continue;
        struct qn_split_field *fd = qn_split_field_at(mg->parts[k].sp, at[k]);
        int d = best ? qn_str_cmp(fd->name, best->name) : -1;
        if (d < 0 || (d == 0 && fd->type < best->type))
            best = fd;
    }
    if (best == NULL)
        return false;
    tg->name = best->name;
    tg->type = best->type;
    tg->flags = 0;
    tg->absence = false;
    for (uint32_t k = 0; k < mg->n_parts; k++) {
        tg->fds[k] = NULL;
        tg->ord_maps[k] = NULL;
        if (at[k] == qn_split_field_count(mg->parts[k].sp))
            continue;
        struct qn_split_field *fd = qn_split_field_at(mg->parts[k].sp, at[k]);
        if (fd->type == tg->type && qn_str_eq(fd->name, tg->name)) {
            tg->fds[k] = fd;
            at[k]++;
        }
    }
    return true;
}

int qn__merge_fields(struct qn__merge *mg, struct qn_err *err)
{
    struct target tg = {.mg = mg};
    uint32_t *at = qn_xcalloc(mg->n_parts, sizeof *at);
    tg.fds = qn_xcalloc(mg->n_parts, sizeof(void *));
    tg.ord_maps = qn_xcalloc(mg->n_parts, sizeof(void *));
    int rc = 0;
    while (rc == 0 && next_target(mg, at, &tg))
        rc = merge_field(&tg, err);
    free(tg.ord_maps);
    free(tg.fds);
    free(at);
    return rc;
}
