#include "test.h"

#include "base/vec.h"
#include "ingest/memindex.h"
#include "split/split.h"
#include "split/split_merge.h"

/* Random documents through the memory index into a split, against plain lists. */

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

enum { BODY, LEVEL, TAG, FREE, N_TEXT, WORDS_MAX = 12, DOCS_MAX = 3000, VOCABULARY = 400 };

struct model_doc {
    int64_t time;
    bool dead;     /* aborted while it was indexed */
    bool deleted;  /* later, from its split */
    uint16_t part; /* the split it was indexed into */
    uint8_t n_words[N_TEXT];
    uint16_t words[N_TEXT][WORDS_MAX];
    bool has_n, has_f, has_b;
    int64_t n;
    double f;
    char source[64];
    size_t source_n;
};

struct model {
    struct model_doc *docs;
    uint32_t n, order[DOCS_MAX],
        n_live; /* order: model numbers of live documents as the split has them */
};

/* Words of many lengths, with shared prefixes; some are prefixes of others. */
static struct qn_str word(uint16_t w, char out[64])
{
    size_t n = 0;
    static const char *const stems[] = {"a", "ab", "common-prefix-", "common-prefix-longer-than-8-",
                                        "z", ""};
    n = (size_t)snprintf(out, 64, "%s%u", stems[w % 6], w / 6);
    if (w % 31 == 0)
        out[n++] = '\0'; /* terms are bytes */
    return qn_str_make(out, n);
}

static uint16_t pick_word(struct qn_rng *r)
{
    uint64_t n = qn_rng_below(r, 3) ? 12 : VOCABULARY; /* a few words are in most documents */
    return (uint16_t)qn_rng_below(r, n);
}

static void make_doc(struct model_doc *d, struct qn_rng *r, uint32_t i, int disorder)
{
    *d = (struct model_doc){.time = 1000000 * (int64_t)i};
    if (disorder)
        d->time += (int64_t)qn_rng_below(r, disorder == 1 ? 5000000 : 5000000000ull);
    if (disorder == 2 && qn_rng_below(r, 20) == 0)
        d->time = QN_NO_TIME;
    d->dead = disorder && qn_rng_below(r, 30) == 0;
    for (int f = 0; f < N_TEXT; f++) {
        static const unsigned most[] = {WORDS_MAX, 1, 3, 2};
        d->n_words[f] = (uint8_t)qn_rng_below(r, most[f] + 1);
        for (int k = 0; k < d->n_words[f]; k++)
            d->words[f][k] = pick_word(r);
    }
    d->has_n = qn_rng_below(r, 10) != 0;
    d->has_f = qn_rng_below(r, 50) == 0;
    d->has_b = qn_rng_below(r, 3) == 0;
    d->n = (int64_t)qn_rng_below(r, 1000) - 500;
    d->f = (double)qn_rng_below(r, 1000) / 8;
    d->source_n =
        (size_t)snprintf(d->source, sizeof d->source, "{\"i\":%u,\"n\":%lld}", i, (long long)d->n);
}

static const struct model *sorting;

static int by_time(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int64_t tx = sorting->docs[x].time, ty = sorting->docs[y].time;
    if (tx != ty)
        return tx == QN_NO_TIME ? 1 : ty == QN_NO_TIME ? -1 : tx < ty ? -1 : 1;
    uint16_t px = sorting->docs[x].part, py = sorting->docs[y].part;
    return px != py ? px - py : x < y ? -1 : 1;
}

/* The documents of one part (or of all, for part < 0) as a split has them. */
static void put_in_order(struct model *m, int part, bool with_deleted)
{
    m->n_live = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const struct model_doc *d = &m->docs[i];
        if (!d->dead && (with_deleted || !d->deleted) && (part < 0 || d->part == part))
            m->order[m->n_live++] = i;
    }
    sorting = m;
    qsort(m->order, m->n_live, sizeof *m->order, by_time);
}

static void make_model(struct model *m, struct qn_rng *r)
{
    int disorder = (int)qn_rng_below(r, 3);
    m->n = (uint32_t)qn_rng_below(r, qn_rng_below(r, 4) ? 200 : DOCS_MAX);
    m->docs = calloc(m->n + 1, sizeof *m->docs);
    for (uint32_t i = 0; i < m->n; i++)
        make_doc(&m->docs[i], r, i, disorder);
    put_in_order(m, -1, true);
}

struct fields {
    uint32_t text[N_TEXT], n, f, b, ts;
};

static struct fields declare(struct qn_memindex *mx)
{
    struct fields fs;
    struct qn_memfield_spec s[] = {
        {.name = QN_STR("body"),
         .type = QN_SPLIT_STR,
         .record = QN_RECORD_POSITION,
         .indexed = true,
         .norms = true},
        {.name = QN_STR("level"), .type = QN_SPLIT_STR, .indexed = true, .column = true},
        {.name = QN_STR("a tag"),
         .type = QN_SPLIT_BYTES,
         .record = QN_RECORD_FREQ,
         .indexed = true,
         .column = true,
         .own_column_terms = true,
         .absence = true},
        {.name = QN_STR("free"), .type = QN_SPLIT_STR, .column = true},
        {.name = QN_STR("level"), .type = QN_SPLIT_I64, .column = true},
        {.name = QN_STR("f"), .type = QN_SPLIT_F64, .column = true},
        {.name = QN_STR("b"), .type = QN_SPLIT_STR, .presence = true},
        {.name = QN_STR("ts"), .type = QN_SPLIT_DATE, .column = true},
    };
    for (int i = 0; i < N_TEXT; i++)
        fs.text[i] = qn_memindex_field(mx, &s[i]);
    fs.n = qn_memindex_field(mx, &s[4]);
    fs.f = qn_memindex_field(mx, &s[5]);
    fs.b = qn_memindex_field(mx, &s[6]);
    fs.ts = qn_memindex_field(mx, &s[7]);
    assert_int_equal(qn_memindex_field(mx, &s[1]), fs.text[LEVEL]);
    return fs;
}

static void add_doc(struct qn_memindex *mx, const struct fields *fs, const struct model_doc *d)
{
    static char kept[N_TEXT][WORDS_MAX][64]; /* borrowed until the document ends */
    char room[WORDS_MAX][64];
    struct qn_token tokens[WORDS_MAX];
    qn_memindex_begin(mx, d->time);
    for (int k = 0; k < d->n_words[BODY]; k++) {
        struct qn_str w = word(d->words[BODY][k], room[k]);
        tokens[k] = (struct qn_token){w.p, (uint32_t)w.n, (uint32_t)k * 2, 0, 0};
    }
    qn_memindex_tokens(mx, fs->text[BODY], tokens, d->n_words[BODY]);
    for (int f = LEVEL; f < N_TEXT; f++) {
        for (int k = 0; k < d->n_words[f]; k++) {
            struct qn_str w = word(d->words[f][k], kept[f][k]);
            tokens[0] = (struct qn_token){w.p, (uint32_t)w.n, 0, 0, 0};
            if (f == TAG) {
                qn_memindex_tokens(mx, fs->text[f], tokens, 1);
                qn_memindex_text(mx, fs->text[f], w);
            } else {
                qn_memindex_term(mx, fs->text[f], w);
            }
        }
    }
    if (d->time != QN_NO_TIME)
        qn_memindex_value(mx, fs->ts, qn_i64_to_ord(d->time));
    if (d->has_n)
        qn_memindex_value(mx, fs->n, qn_i64_to_ord(d->n));
    if (d->has_f)
        qn_memindex_value(mx, fs->f, qn_f64_to_ord(d->f));
    if (d->has_b) {
        qn_memindex_present(mx, fs->b);
        qn_memindex_present(mx, fs->b);
    }
}

/* Documents of one part (all, for part < 0), indexed in the order they came. */
static struct qn_split *build(const struct model *m, struct qn_memindex *mx, int part)
{
    struct qn_buf file, padded;
    struct qn_buf_sink bs;
    struct qn_split *sp;
    struct qn_split_info info;
    struct qn_err err = {0};
    struct qn_split_meta meta = {.json = QN_STR("{\"x\":1}")};
    qn_buf_init(&file, SIZE_MAX);
    qn_buf_init(&padded, SIZE_MAX);
    qn_buf_sink_init(&bs, &file);
    qn_memindex_start(mx, &bs.sink);
    struct fields fs = declare(mx);
    for (uint32_t i = 0; i < m->n; i++) {
        const struct model_doc *d = &m->docs[i];
        if (part >= 0 && d->part != part)
            continue;
        add_doc(mx, &fs, d);
        qn_buf_clear(&padded);
        qn_buf_put(&padded, d->source, d->source_n);
        if (d->dead)
            qn_memindex_abort(mx);
        else
            assert_ok(qn_memindex_end(mx, qn_buf_str(&padded)));
    }
    assert_int_equal(qn_memindex_docs(mx), m->n_live);
    assert_ok(qn_memindex_flush(mx, &meta, &info));
    assert_int_equal(info.n_docs, m->n_live);
    assert_int_equal(info.file_bytes, file.n);
    struct qn_object *ob = qn_object_from_memory(QN_STR("test.split"), file.p, file.n);
    if (qn_split_open(&sp, ob, m->n % 2 ? info.hot_offset : 0, simd(), &err) < 0)
        fail_msg("%s", err.msg);
    assert_str(qn_split_meta_json(sp), "{\"x\":1}");
    qn_object_unref(ob);
    qn_buf_release(&file);
    qn_buf_release(&padded);
    return sp;
}

/* Occurrences of word w in field f of document d; positions as indexed. */
static uint32_t occurrences(const struct model_doc *d, int f, uint16_t w, uint32_t *positions)
{
    uint32_t n = 0;
    for (int k = 0; k < d->n_words[f]; k++)
        if (d->words[f][k] == w)
            positions[n++] = (uint32_t)k * 2;
    return n;
}

static void check_postings(const struct model *m, struct qn_split_field *fd, int f)
{
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    uint32_t found = 0, expected = 0;
    for (uint16_t w = 0; w < VOCABULARY; w++) {
        char room[64];
        uint32_t want_docs[DOCS_MAX], n = 0, positions[WORDS_MAX], at = 0;
        for (uint32_t i = 0; i < m->n_live; i++)
            if (occurrences(&m->docs[m->order[i]], f, w, positions))
                want_docs[n++] = i;
        expected += n > 0;
        int rc = qn_terms_lookup(it, word(w, room), NULL);
        assert_int_equal(rc, n > 0 ? 0 : QN_END);
        if (n == 0)
            continue;
        found++;
        struct qn_term_info info;
        struct qn_cursor *cu;
        assert_ok(qn_terms_info(it, &info, NULL));
        assert_int_equal(info.df, n);
        assert_ok(qn_cursor_open(&cu, fd->postings, &info, NULL));
        while ((rc = qn_cursor_next_block(cu, NULL)) == 0) {
            uint32_t tfs[QN_POSTINGS_BLOCK];
            if (fd->postings->record != QN_RECORD_BASIC) {
                assert_ok(qn_cursor_codes(cu, NULL));
                assert_ok(qn_cursor_tfs(cu, tfs, NULL));
            }
            for (uint32_t i = 0; i < cu->n_ids; i++, at++) {
                assert_true(at < n);
                assert_int_equal(cu->ids[i], want_docs[at]);
                uint32_t tf = occurrences(&m->docs[m->order[want_docs[at]]], f, w, positions);
                if (fd->postings->record != QN_RECORD_BASIC)
                    assert_int_equal(tfs[i], tf);
                if (fd->postings->record == QN_RECORD_POSITION) {
                    const uint32_t *pos;
                    uint32_t n_pos;
                    assert_ok(qn_cursor_positions(cu, i, &pos, &n_pos, NULL));
                    assert_int_equal(n_pos, tf);
                    assert_memory_equal(pos, positions, tf * sizeof *pos);
                }
            }
        }
        assert_int_equal(rc, QN_END);
        assert_int_equal(at, n);
        qn_cursor_close(cu);
    }
    assert_int_equal(found, expected);
    assert_int_equal(qn_terms_count(fd->terms), expected);
    qn_terms_iter_free(it);
}

static void check_text_column(const struct model *m, struct qn_split_field *fd, int f)
{
    struct qn_column_cursor *cu = qn_column_cursor_new(fd->column);
    struct qn_terms_iter *it = qn_terms_iter_new(fd->column_terms);
    for (uint32_t i = 0; i < m->n_live; i++) {
        const struct model_doc *d = &m->docs[m->order[i]];
        const uint64_t *v;
        uint32_t n;
        assert_ok(qn_column_of(cu, i, &v, &n, NULL));
        assert_int_equal(n, d->n_words[f]);
        for (uint32_t k = 0; k < n; k++) {
            char room[64];
            struct qn_str w = word(d->words[f][k], room);
            assert_int_equal(qn_terms_seek_ord(it, v[k], NULL), 0);
            if (!qn_str_eq(it->term, w))
                fail_msg("document %u value %u", i, k);
        }
    }
    qn_terms_iter_free(it);
    qn_column_cursor_free(cu);
}

static struct qn_split_field *use(struct qn_split *sp, const char *name, enum qn_split_type type)
{
    struct qn_split_field *fd = qn_split_find(sp, qn_str_of(name), type);
    struct qn_err err = {0};
    assert_non_null(fd);
    if (qn_split_use(fd, &err) < 0)
        fail_msg("%s", err.msg);
    return fd;
}

static void check_numbers(const struct model *m, struct qn_split *sp)
{
    struct qn_column_cursor *n = qn_column_cursor_new(use(sp, "level", QN_SPLIT_I64)->column),
                            *f = qn_column_cursor_new(use(sp, "f", QN_SPLIT_F64)->column),
                            *b = qn_column_cursor_new(use(sp, "b", QN_SPLIT_STR)->column);
    for (uint32_t i = 0; i < m->n_live; i++) {
        const struct model_doc *d = &m->docs[m->order[i]];
        const uint64_t *v;
        uint32_t k;
        assert_ok(qn_column_of(n, i, &v, &k, NULL));
        assert_int_equal(k, d->has_n);
        assert_true(k == 0 || qn_i64_from_ord(*v) == d->n);
        assert_ok(qn_column_of(f, i, &v, &k, NULL));
        assert_int_equal(k, d->has_f);
        assert_true(k == 0 || qn_f64_from_ord(*v) == d->f);
        assert_ok(qn_column_of(b, i, &v, &k, NULL));
        assert_int_equal(k, d->has_b);
    }
    qn_column_cursor_free(n);
    qn_column_cursor_free(f);
    qn_column_cursor_free(b);
}

static void check_sources(const struct model *m, struct qn_split *sp)
{
    struct qn_docs_cursor *cu = qn_docs_cursor_new(qn_split_docs(sp));
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (uint32_t i = 0; i < m->n_live; i++) {
        const struct model_doc *d = &m->docs[m->order[i]];
        qn_buf_clear(&out);
        assert_ok(qn_docs_get(cu, i, &out, NULL));
        assert_true(qn_str_eq(qn_buf_str(&out), qn_str_make(d->source, d->source_n)));
        if (d->time != QN_NO_TIME) {
            min = d->time < min ? d->time : min;
            max = d->time > max ? d->time : max;
        }
    }
    assert_true(qn_split_min_time(sp) == min && qn_split_max_time(sp) == max);
    qn_buf_release(&out);
    qn_docs_cursor_free(cu);
}

static void check_split(const struct model *m, struct qn_split *sp, bool all_fields)
{
    struct qn_err err = {0};
    check_sources(m, sp);
    if (all_fields) {
        check_postings(m, use(sp, "body", QN_SPLIT_STR), BODY);
        check_postings(m, use(sp, "level", QN_SPLIT_STR), LEVEL);
        check_postings(m, use(sp, "a tag", QN_SPLIT_BYTES), TAG);
        check_text_column(m, use(sp, "level", QN_SPLIT_STR), LEVEL);
        check_text_column(m, use(sp, "a tag", QN_SPLIT_BYTES), TAG);
        check_text_column(m, use(sp, "free", QN_SPLIT_STR), FREE);
        check_numbers(m, sp);
    }
    if (qn_split_verify(sp, &err) < 0)
        fail_msg("%s", err.msg);
}

static void splits_hold_what_was_indexed(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(31);
    struct qn_memindex_options op = {.split = {.simd = simd(), .docs = {.block_docs = 64}}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct model *m = malloc(sizeof *m);
    for (int round = 0; round < 40; round++) {
        make_model(m, &rng);
        struct qn_split *sp = build(m, mx, -1);
        check_split(m, sp, true);
        struct qn_split_field *all;
        assert_int_equal(qn_split_find_all(sp, QN_STR("level"), &all), 2);
        assert_null(qn_split_find(sp, QN_STR("leve"), QN_SPLIT_STR));
        qn_split_unref(sp);
        free(m->docs);
    }
    free(m);
    qn_memindex_free(mx);
}

enum { PARTS_MAX = 9 };

struct piece {
    struct qn_split *sp;
    uint64_t *deleted; /* NULL: none */
};

/* Parts in time order (as commits make them) or dealt out at random. */
static void deal(struct model *m, struct qn_rng *r, uint32_t n_parts, bool in_order)
{
    bool deletes = qn_rng_below(r, 2);
    for (uint32_t i = 0; i < m->n; i++) {
        m->docs[i].part =
            (uint16_t)(in_order ? (uint64_t)i * n_parts / m->n : qn_rng_below(r, n_parts));
        m->docs[i].deleted = deletes && qn_rng_below(r, 4) == 0;
    }
}

static struct piece make_piece(struct model *m, struct qn_memindex *mx, int part)
{
    put_in_order(m, part, true);
    struct piece pc = {build(m, mx, part), NULL};
    for (uint32_t i = 0; i < m->n_live; i++) {
        if (!m->docs[m->order[i]].deleted)
            continue;
        if (pc.deleted == NULL)
            pc.deleted = calloc(m->n_live / 64 + 1, 8);
        qn_bit_set(pc.deleted, i);
    }
    return pc;
}

static struct qn_split *merge(const struct piece *in, uint32_t n, struct qn_merge_stats *stats)
{
    struct qn_merge_input inputs[PARTS_MAX];
    struct qn_buf file;
    struct qn_buf_sink bs;
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    struct qn_split_info info;
    struct qn_err err = {0};
    struct qn_split *sp;
    for (uint32_t i = 0; i < n; i++)
        inputs[i] = (struct qn_merge_input){in[i].sp, in[i].deleted};
    struct qn_merge_options op = {.split = {.simd = simd(), .docs = {.block_docs = 64}},
                                  .inputs = inputs,
                                  .n_inputs = n,
                                  .time_field = QN_STR("ts")};
    qn_buf_init(&file, SIZE_MAX);
    qn_buf_sink_init(&bs, &file);
    if (qn_split_merge(&op, &bs.sink, &meta, &info, stats, &err) < 0)
        fail_msg("merge: %s", err.msg);
    struct qn_object *ob = qn_object_from_memory(QN_STR("merged"), file.p, file.n);
    if (qn_split_open(&sp, ob, info.hot_offset, simd(), &err) < 0)
        fail_msg("%s", err.msg);
    qn_object_unref(ob);
    qn_buf_release(&file);
    return sp;
}

static void drop_pieces(struct piece *pc, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        qn_split_unref(pc[i].sp);
        free(pc[i].deleted);
    }
}

/* Merging gives what indexing the remaining documents together would, also when merged again. */
static void merges_equal_the_model(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(33);
    struct qn_memindex_options op = {.split = {.simd = simd(), .docs = {.block_docs = 64}}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct model *m = malloc(sizeof *m);
    int shifted = 0, copied = 0;
    for (int round = 0; round < 60; round++) {
        struct piece pc[PARTS_MAX], two[2];
        struct qn_merge_stats stats;
        make_model(m, &rng);
        uint32_t n = 2 + (uint32_t)qn_rng_below(&rng, PARTS_MAX - 1);
        if (m->n == 0)
            m->n = 1, make_doc(&m->docs[0], &rng, 0, 0);
        deal(m, &rng, n, qn_rng_below(&rng, 2));
        for (uint32_t i = 0; i < n; i++)
            pc[i] = make_piece(m, mx, (int)i);
        struct qn_split *once = merge(pc, n, &stats);
        put_in_order(m, -1, false);
        check_split(m, once, true);
        shifted += stats.concatenated;
        copied += !stats.docs_rewritten;
        uint32_t cut = 1 + (uint32_t)qn_rng_below(&rng, n - 1);
        two[0] = (struct piece){merge(pc, cut, &stats), NULL};
        two[1] = (struct piece){merge(pc + cut, n - cut, &stats), NULL};
        struct qn_split *twice = merge(two, 2, &stats);
        check_split(m, twice, true);
        qn_split_unref(once);
        qn_split_unref(twice);
        drop_pieces(two, 2);
        drop_pieces(pc, n);
        free(m->docs);
    }
    assert_true(shifted > 0 && copied > 0); /* both ways were taken */
    free(m);
    qn_memindex_free(mx);
}

static void every_damaged_byte_is_found(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(32);
    struct qn_memindex_options op = {.split = {.simd = simd(), .docs = {.block_docs = 64}}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct model *m = malloc(sizeof *m);
    make_model(m, &rng);
    while (m->n_live < 100 || m->n_live > 250) {
        free(m->docs);
        make_model(m, &rng);
    }
    struct qn_split *sp = build(m, mx, -1), *bad;
    struct qn_object *ob = qn_split_object(sp);
    struct qn_slice all;
    assert_ok(qn_object_read(ob, 0, ob->size_bytes, &all, NULL));
    char *copy = malloc(all.n);
    size_t padding = 0;
    for (size_t at = 0; at < all.n; at += 1 + qn_rng_below(&rng, 7)) {
        struct qn_err err = {0};
        memcpy(copy, all.p, all.n);
        copy[at] ^= (char)(1u << qn_rng_below(&rng, 8));
        struct qn_object *damaged = qn_object_from_memory(QN_STR("damaged"), copy, all.n);
        int rc = qn_split_open(&bad, damaged, 0, simd(), &err);
        if (rc == 0) {
            rc = qn_split_verify(bad, &err);
            qn_split_unref(bad);
        }
        padding += rc == 0; /* zeros between sections are nobody's */
        assert_true(rc == 0 || strstr(err.msg, "split damaged") != NULL);
        qn_object_unref(damaged);
    }
    assert_true(padding < 8 * QN_SPLIT_ALIGN);
    for (size_t n = 0; n < all.n; n += 1 + qn_rng_below(&rng, all.n / 50)) {
        struct qn_object *cut = qn_object_from_memory(QN_STR("cut"), all.p, n);
        assert_true(qn_split_open(&bad, cut, 0, simd(), NULL) < 0);
        qn_object_unref(cut);
    }
    qn_split_unref(sp);
    free(copy);
    free(m->docs);
    free(m);
    qn_memindex_free(mx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_hold_what_was_indexed),
        cmocka_unit_test(merges_equal_the_model),
        cmocka_unit_test(every_damaged_byte_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
