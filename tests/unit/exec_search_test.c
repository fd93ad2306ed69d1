/* Random operator trees on random splits, against looking at every document.
 *
 * links: ingest
 */
#include "test.h"

#include "exec/search.h"
#include "ingest/memindex.h"

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

enum { DOCS_MAX = 140000, WORDS = 6, VOCABULARY = 40, LEVELS = 5 };

struct doc {
    int64_t time;
    uint8_t words[WORDS], n_words;
    int8_t level; /* -1: none */
    bool has_n;
    int32_t n;
};

struct corpus {
    struct doc *docs; /* in the order of the split */
    uint32_t n;
    uint64_t *deleted;
    struct qn_split *sp;
};

static struct qn_str word_of(unsigned w, char out[16])
{
    return qn_str_make(out, (size_t)snprintf(out, 16, "w%u", w));
}

/* Word 0 is nearly everywhere, later ones are rarer and rarer; 39 is in a handful of documents. */
static uint8_t pick(struct qn_rng *r)
{
    uint64_t x = qn_rng_below(r, 1000);
    if (x == 0 && qn_rng_below(r, 200) == 0)
        return VOCABULARY - 1;
    return (uint8_t)(x < 500 ? qn_rng_below(r, 3) : qn_rng_below(r, VOCABULARY - 1));
}

static void index_doc(struct qn_memindex *mx, const uint32_t *f, const struct doc *d)
{
    static char room[WORDS][16], level[16];
    struct qn_token tokens[WORDS];
    qn_memindex_begin(mx, d->time);
    for (uint32_t k = 0; k < d->n_words; k++) {
        struct qn_str w = word_of(d->words[k], room[k]);
        tokens[k] = (struct qn_token){w.p, (uint32_t)w.n, k, 0, 0};
    }
    qn_memindex_tokens(mx, f[0], tokens, d->n_words);
    if (d->level >= 0)
        qn_memindex_term(mx, f[1], word_of((unsigned)d->level, level));
    if (d->has_n)
        qn_memindex_value(mx, f[2], qn_i64_to_ord(d->n));
    qn_memindex_value(mx, f[3], qn_i64_to_ord(d->time));
    assert_ok(qn_memindex_end(mx, QN_STR("{}                                                  "
                                         "                                            ")));
}

static void make_corpus(struct corpus *c, struct qn_rng *r, uint32_t n)
{
    struct qn_memindex_options op = {.split = {.simd = simd()}};
    struct qn_memindex *mx = qn_memindex_new(&op);
    struct qn_buf file;
    struct qn_buf_sink bs;
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    struct qn_split_info info;
    struct qn_memfield_spec specs[] = {
        {.name = QN_STR("body"), .record = QN_RECORD_POSITION, .indexed = true, .norms = true},
        {.name = QN_STR("level"), .indexed = true, .column = true},
        {.name = QN_STR("n"), .type = QN_SPLIT_I64, .column = true},
        {.name = QN_STR("ts"), .type = QN_SPLIT_DATE, .column = true}};
    uint32_t fields[4];
    qn_buf_init(&file, SIZE_MAX);
    qn_buf_sink_init(&bs, &file);
    qn_memindex_start(mx, &bs.sink);
    for (int i = 0; i < 4; i++)
        fields[i] = qn_memindex_field(mx, &specs[i]);
    *c = (struct corpus){.n = n, .docs = calloc(n + 1, sizeof(struct doc))};
    int64_t t = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct doc *d = &c->docs[i];
        d->time = t += (int64_t)qn_rng_below(r, 3) * 1000;
        d->n_words = (uint8_t)qn_rng_below(r, WORDS + 1);
        for (int k = 0; k < d->n_words; k++)
            d->words[k] = pick(r);
        d->level = (int8_t)((int)qn_rng_below(r, LEVELS + 1) - 1);
        d->has_n = qn_rng_below(r, 10) != 0;
        d->n = (int32_t)(i / 50) + (int32_t)qn_rng_below(r, 1000);
        index_doc(mx, fields, d);
    }
    assert_ok(qn_memindex_flush(mx, &meta, &info));
    struct qn_object *ob = qn_object_from_memory(QN_STR("exec"), file.p, file.n);
    assert_ok(qn_split_open(&c->sp, ob, info.hot_offset, simd(), NULL));
    qn_object_unref(ob);
    qn_buf_release(&file);
    qn_memindex_free(mx);
    if (qn_rng_below(r, 2)) {
        c->deleted = calloc(n / 64 + 1 + QN_PAD, 8);
        for (uint32_t i = 0; i < n; i += 1 + (uint32_t)qn_rng_below(r, 20))
            qn_bit_set(c->deleted, i);
    }
}

static void drop_corpus(struct corpus *c)
{
    qn_split_unref(c->sp);
    free(c->docs);
    free(c->deleted);
}

/* ---- trees */

enum kind { TERM, LEVEL, RANGE, TIME, EXISTS, PHRASE, PREFIX, AND, OR, KINDS };

struct node {
    enum kind kind;
    unsigned a, b; /* words, levels */
    int64_t lo, hi;
    uint32_t n, n_not, least, slop;
    struct node *child[5]; /* n of them, then n_not */
};

static struct node *make_node(struct qn_arena *ar, struct qn_rng *r, const struct corpus *c,
                              int depth)
{
    struct node *x = qn_arena_new(ar, struct node);
    x->kind = (enum kind)qn_rng_below(r, depth < 3 ? KINDS : AND);
    x->a = qn_rng_below(r, 8) ? pick(r) : (unsigned)(VOCABULARY + 3);
    x->b = pick(r);
    x->lo = (int64_t)qn_rng_below(r, 4000) - 200;
    x->hi = x->lo + (int64_t)qn_rng_below(r, qn_rng_below(r, 2) ? 20 : 3000) - 2;
    x->slop = (uint32_t)qn_rng_below(r, 4);
    if (x->kind == TIME && c->n > 0) {
        x->lo = c->docs[qn_rng_below(r, c->n)].time - 500;
        x->hi = c->docs[qn_rng_below(r, c->n)].time;
    }
    if (x->kind >= AND) {
        x->n = 1 + (uint32_t)qn_rng_below(r, 3);
        x->n_not = x->kind == AND ? (uint32_t)qn_rng_below(r, 3) : 0;
        x->least = qn_rng_below(r, 3) ? 1 : 1 + (uint32_t)qn_rng_below(r, 4);
        for (uint32_t i = 0; i < x->n + x->n_not; i++)
            x->child[i] = make_node(ar, r, c, depth + 1);
    }
    return x;
}

static bool has_word(const struct doc *d, unsigned w)
{
    for (int k = 0; k < d->n_words; k++)
        if (d->words[k] == w)
            return true;
    return false;
}

/* a at p, b at q: relative to their places 0 and 1 they are |q - 1 - p| apart. */
static bool has_phrase(const struct doc *d, unsigned a, unsigned b, uint32_t slop)
{
    for (int p = 0; p < d->n_words; p++)
        for (int q = 0; q < d->n_words; q++)
            if (p != q && d->words[p] == a && d->words[q] == b && (uint32_t)abs(q - 1 - p) <= slop)
                return true;
    return false;
}

static bool matches(const struct node *x, const struct doc *d)
{
    uint32_t n = 0;
    switch (x->kind) {
    case TERM:
        return has_word(d, x->a);
    case LEVEL:
        return d->level >= 0 && (unsigned)d->level == x->a;
    case RANGE:
        return d->has_n && d->n >= x->lo && d->n <= x->hi;
    case TIME:
        return d->time >= x->lo && d->time <= x->hi;
    case EXISTS:
        return x->a % 2 ? d->has_n : d->level >= 0;
    case PHRASE:
        return has_phrase(d, x->a, x->b, x->slop);
    case PREFIX: /* w1: w1, w10 .. w19 */
        for (int k = 0; k < d->n_words; k++)
            n += d->words[k] == 1 || (d->words[k] >= 10 && d->words[k] < 20);
        return n > 0;
    case AND:
        for (uint32_t i = 0; i < x->n + x->n_not; i++)
            if (matches(x->child[i], d) != (i < x->n))
                return false;
        return true;
    default:
        for (uint32_t i = 0; i < x->n; i++)
            n += matches(x->child[i], d);
        return n >= x->least;
    }
}

static struct qn_op *build(const struct node *x, struct qn_exec *ex)
{
    struct qn_op *op = NULL, **list;
    struct qn_split_field *body = qn_split_find(ex->sp, QN_STR("body"), QN_SPLIT_STR),
                          *level = qn_split_find(ex->sp, QN_STR("level"), QN_SPLIT_STR),
                          *n = qn_split_find(ex->sp, QN_STR("n"), QN_SPLIT_I64),
                          *ts = qn_split_find(ex->sp, QN_STR("ts"), QN_SPLIT_DATE);
    char a[16], b[16];
    struct qn_op_phrase_term phrase[2] = {{word_of(x->a, a), 0}, {word_of(x->b, b), 1}};
    switch (x->kind) {
    case TERM:
        assert_ok(qn_op_term(&op, ex, body, phrase[0].text, NULL));
        break;
    case LEVEL:
        assert_ok(qn_op_term(&op, ex, level, phrase[0].text, NULL));
        break;
    case RANGE:
        assert_ok(qn_op_column_range(&op, ex, n, qn_i64_to_ord(x->lo), qn_i64_to_ord(x->hi), NULL));
        break;
    case TIME:
        assert_ok(
            qn_op_column_range(&op, ex, ts, qn_i64_to_ord(x->lo), qn_i64_to_ord(x->hi), NULL));
        break;
    case EXISTS:
        assert_ok(qn_op_exists(&op, ex, x->a % 2 ? n : level, NULL));
        break;
    case PHRASE:
        assert_ok(qn_op_phrase(&op, ex, body, phrase, 2, x->slop, NULL));
        break;
    case PREFIX: {
        assert_ok(qn_split_use(body, NULL));
        struct qn_terms_iter *it = qn_terms_iter_new(body->terms);
        qn_ord from, to;
        assert_ok(qn_terms_prefix(it, QN_STR("w1"), &from, &to, NULL));
        qn_terms_iter_free(it);
        assert_ok(qn_op_ordinals(&op, ex, body, from, to, NULL));
        break;
    }
    default:
        list = qn_arena_zalloc(ex->ar, 5 * sizeof *list);
        for (uint32_t i = 0; i < x->n + x->n_not; i++)
            list[i] = build(x->child[i], ex);
        op = x->kind == AND ? qn_op_and(ex, list, x->n, list + x->n, x->n_not)
                            : qn_op_or(ex, list, x->n, x->least);
    }
    assert_non_null(op);
    return op;
}

/* ---- checks */

static bool is_live(const struct corpus *c, uint32_t i)
{
    return c->deleted == NULL || !qn_bit_get(c->deleted, i);
}

static void check_edge(struct qn_exec *ex, struct qn_op *op, const struct corpus *c,
                       const uint32_t *want, uint32_t n_want, struct qn_rng *r)
{
    static uint32_t ids[DOCS_MAX];
    struct qn_search_hits hits = {.ids = ids};
    struct qn_search_edge ask = {.newest = qn_rng_below(r, 2),
                                 .limit = (uint32_t)qn_rng_below(r, 30),
                                 .count_all = qn_rng_below(r, 2)};
    ask.skip_to = ask.newest ? UINT32_MAX : 0;
    if (qn_rng_below(r, 3) == 0 && c->n > 0)
        ask.skip_to = (uint32_t)qn_rng_below(r, c->n);
    assert_ok(qn_search_edge(ex, op, &ask, (struct qn_stop){0}, &hits, NULL));
    uint32_t k = 0;
    for (uint32_t i = 0; i < n_want && k < ask.limit; i++) {
        uint32_t id = ask.newest ? want[n_want - 1 - i] : want[i];
        if (ask.newest ? id > ask.skip_to : id < ask.skip_to)
            continue;
        assert_true(k < hits.n);
        assert_int_equal(hits.ids[k++], id);
    }
    assert_int_equal(hits.n, k);
    if (ask.count_all)
        assert_int_equal(hits.count, n_want);
}

static void check_tree(const struct corpus *c, struct qn_rng *r)
{
    static uint32_t want[DOCS_MAX];
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    struct qn_exec ex = {.sp = c->sp,
                         .simd = simd(),
                         .ar = &ar,
                         .n_docs = c->n,
                         .time_field = qn_rng_below(r, 2) ? QN_STR("ts") : QN_STR_NONE,
                         .deleted = c->deleted};
    struct node *x = make_node(&ar, r, c, 0);
    struct qn_op *op = build(x, &ex);
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (is_live(c, i) && matches(x, &c->docs[i]))
            want[n++] = i;
    uint64_t count;
    assert_ok(qn_search_count(&ex, op, (struct qn_stop){0}, &count, NULL));
    if (count != n)
        fail_msg("count %u, want %u; kind %d %s", (unsigned)count, n, x->kind, op->ops->name);
    for (int i = 0; i < 4; i++)
        check_edge(&ex, op, c, want, n, r);
    qn_op_free(op);
    qn_arena_release(&ar);
}

static void trees_match_what_documents_say(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(41);
    for (int round = 0; round < 12; round++) {
        struct corpus c;
        uint32_t n = round == 0 ? DOCS_MAX : (uint32_t)qn_rng_below(&rng, round % 2 ? 3000 : 70000);
        make_corpus(&c, &rng, n + 1);
        for (int i = 0; i < (n > 20000 ? 25 : 120); i++)
            check_tree(&c, &rng);
        drop_corpus(&c);
    }
}

static int say_cancelled(void *arg)
{
    int *left = arg;
    return (*left)-- > 0 ? 0 : QN_E_CANCELLED;
}

static void searches_stop_when_told(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(42);
    struct corpus c;
    struct qn_arena ar;
    uint64_t count;
    int left = 1;
    make_corpus(&c, &rng, DOCS_MAX - 1);
    qn_arena_init(&ar, NULL);
    struct qn_exec ex = {.sp = c.sp, .simd = simd(), .ar = &ar, .n_docs = c.n};
    struct qn_op *any[2], *op;
    for (int i = 0; i < 2; i++)
        assert_ok(qn_op_term(&any[i], &ex, qn_split_find(c.sp, QN_STR("body"), QN_SPLIT_STR),
                             i ? QN_STR("w1") : QN_STR("w0"), NULL));
    op = qn_op_or(&ex, any, 2, 1);
    struct qn_stop stop = {say_cancelled, &left};
    assert_int_equal(qn_search_count(&ex, op, stop, &count, NULL), QN_E_CANCELLED);
    qn_op_free(op);
    qn_arena_release(&ar);
    drop_corpus(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_match_what_documents_say),
        cmocka_unit_test(searches_stop_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
