/* Patterns over dictionaries, against plain matchers that try everything. */
#include "test.h"

#include "base/arena.h"
#include "base/utf8.h"
#include "exec/pattern.h"
#include "terms/terms_writer.h"

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

static const char *const letters[] = {"a", "b", "c", "A", "\u00e9", "\U0001f600"};
enum { LETTERS = 6, TERMS = 3000 };

static struct qn_str random_word(struct qn_arena *ar, struct qn_rng *r, unsigned most)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (unsigned n = (unsigned)qn_rng_below(r, most + 1); n > 0; n--)
        qn_buf_put_z(&b, letters[qn_rng_below(r, qn_rng_below(r, 3) ? 3 : LETTERS)]);
    struct qn_str s = qn_arena_str(ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return s;
}

static int by_bytes(const void *a, const void *b)
{
    return qn_str_cmp(*(const struct qn_str *)a, *(const struct qn_str *)b);
}

struct dictionary {
    struct qn_arena ar;
    struct qn_str t[TERMS];
    size_t n;
    struct qn_buf file, hot;
    struct qn_buf_sink sink;
    struct qn_object *ob;
    struct qn_section sc;
    struct qn_terms *td;
};

static void make_dictionary(struct dictionary *d, struct qn_rng *r)
{
    memset(d, 0, sizeof *d);
    qn_arena_init(&d->ar, NULL);
    for (size_t i = 0; i < TERMS; i++)
        d->t[i] = random_word(&d->ar, r, 9);
    qsort(d->t, TERMS, sizeof *d->t, by_bytes);
    for (size_t i = 0; i < TERMS; i++)
        if (d->n == 0 || !qn_str_eq(d->t[d->n - 1], d->t[i]))
            d->t[d->n++] = d->t[i];
    qn_buf_init(&d->file, SIZE_MAX);
    qn_buf_init(&d->hot, SIZE_MAX);
    qn_buf_sink_init(&d->sink, &d->file);
    struct qn_terms_options opt = {.ops = simd()};
    struct qn_terms_writer *wr = qn_terms_writer_new(&d->sink.sink, &opt);
    struct qn_term_info info = {.kind = QN_TERM_ONE, .df = 1};
    for (size_t i = 0; i < d->n; i++)
        assert_ok(qn_terms_writer_add(wr, d->t[i], &info));
    struct qn_terms_stats stats;
    assert_ok(qn_terms_writer_finish(wr, &d->hot, NULL, &stats));
    qn_terms_writer_free(wr);
}

/* ---- plain matchers; text as code points */

struct points {
    uint32_t p[64];
    int n;
};

static struct points points_of(struct qn_str s)
{
    struct points x = {.n = 0};
    for (size_t at = 0; at < s.n;)
        x.p[x.n++] = qn_utf8_next(s, &at);
    return x;
}

static bool wild(const struct points *w, int i, const struct points *t, int j)
{
    if (i == w->n)
        return j == t->n;
    if (w->p[i] == '*')
        return wild(w, i + 1, t, j) || (j < t->n && wild(w, i, t, j + 1));
    return j < t->n && (w->p[i] == '?' || w->p[i] == t->p[j]) && wild(w, i + 1, t, j + 1);
}

static int edits(const struct points *a, const struct points *b, bool swaps)
{
    int d[64][64];
    for (int i = 0; i <= a->n; i++)
        for (int j = 0; j <= b->n; j++) {
            int best = i == 0 ? j : j == 0 ? i : 99;
            if (i > 0 && j > 0) {
                best = d[i - 1][j - 1] + (a->p[i - 1] != b->p[j - 1]);
                best = d[i - 1][j] + 1 < best ? d[i - 1][j] + 1 : best;
                best = d[i][j - 1] + 1 < best ? d[i][j - 1] + 1 : best;
            }
            if (swaps && i > 1 && j > 1 && a->p[i - 1] == b->p[j - 2] &&
                a->p[i - 2] == b->p[j - 1] && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    return d[a->n][b->n];
}

/* Expressions: which ends can a match have that starts at a position? Sets are bits of a word. */
struct re {
    enum { CHAR, ANY, CLASS, CAT, ALT, STAR, PLUS, OPT, TWICE, RE_KINDS } kind;
    uint32_t c;
    struct re *a, *b;
};

static struct re *random_re(struct qn_arena *ar, struct qn_rng *r, int depth)
{
    struct re *x = qn_arena_new(ar, struct re);
    x->kind = (int)qn_rng_below(r, depth < 4 ? RE_KINDS : CAT);
    x->c = (uint32_t)qn_rng_below(r, 3);
    if (x->kind >= CAT)
        x->a = random_re(ar, r, depth + 1);
    if (x->kind == CAT || x->kind == ALT)
        x->b = random_re(ar, r, depth + 1);
    return x;
}

static void print_re(const struct re *x, struct qn_buf *out)
{
    static const char *const after[] = {
        [STAR] = "*", [PLUS] = "+", [OPT] = "?", [TWICE] = "{2}", [RE_KINDS] = ""};
    if (x->kind == CHAR) {
        qn_buf_put_z(out, letters[x->c]);
    } else if (x->kind == ANY) {
        qn_buf_put_u8(out, '.');
    } else if (x->kind == CLASS) {
        qn_buf_printf(out, "[^%s]", letters[x->c]);
    } else if (x->kind == CAT) {
        print_re(x->a, out);
        print_re(x->b, out);
    } else {
        qn_buf_put_u8(out, '(');
        print_re(x->a, out);
        qn_buf_put_z(out, x->kind == ALT ? "|" : ")");
        if (x->kind == ALT) {
            print_re(x->b, out);
            qn_buf_put_u8(out, ')');
        } else {
            qn_buf_put_z(out, after[x->kind]);
        }
    }
}

static uint64_t ends(const struct re *x, const struct points *t, uint64_t from)
{
    uint64_t to = 0, more = from;
    switch (x->kind) {
    case CHAR:
    case ANY:
    case CLASS:
        for (int i = 0; i < t->n; i++) {
            bool is = t->p[i] == (uint32_t)letters[x->c][0];
            if (from >> i & 1 && (x->kind == ANY || is == (x->kind == CHAR)))
                to |= 1ull << (i + 1);
        }
        return to;
    case CAT:
        return ends(x->b, t, ends(x->a, t, from));
    case ALT:
        return ends(x->a, t, from) | ends(x->b, t, from);
    case OPT:
        return from | ends(x->a, t, from);
    case TWICE:
        return ends(x->a, t, ends(x->a, t, from));
    default:
        to = x->kind == STAR ? from : 0;
        do {
            from = more;
            uint64_t step = ends(x->a, t, from);
            to |= step;
            more |= step;
        } while (more != from);
        return to;
    }
}

/* ---- checks */

struct expected {
    struct points pattern;
    const struct re *re;
};

static bool expect(const struct qn_query_has_pattern *pt, const struct expected *x, struct qn_str s)
{
    struct points t = points_of(s);
    switch (pt->kind) {
    case QN_PATTERN_PREFIX:
        return qn_str_starts(s, pt->text);
    case QN_PATTERN_WILDCARD:
        return wild(&x->pattern, 0, &t, 0);
    case QN_PATTERN_REGEX:
        return ends(x->re, &t, 1) >> t.n & 1;
    default:
        for (uint32_t i = 0; i < pt->prefix_chars && (int)i < x->pattern.n; i++)
            if ((int)i >= t.n || t.p[i] != x->pattern.p[i])
                return false;
        return edits(&x->pattern, &t, !pt->no_transpositions) <= pt->edits;
    }
}

static bool holds(const struct qn_ord_ranges *r, uint32_t ord)
{
    for (size_t i = 0; i < r->v.n; i++)
        if (ord >= r->v.p[i].from && ord < r->v.p[i].to)
            return true;
    return false;
}

static void check(const struct dictionary *d, const struct qn_query_has_pattern *pt,
                  const struct expected *x)
{
    struct qn_pattern *pat;
    struct qn_ord_ranges got;
    struct qn_err err = {0};
    if (qn_pattern_new(&pat, pt, &err) < 0)
        fail_msg("`" QN_STR_FMT "`: %s", QN_STR_ARG(pt->text), err.msg);
    assert_ok(qn_pattern_expand(&got, pat, d->td, 0, NULL));
    uint64_t count = 0;
    for (uint32_t i = 0; i < d->n; i++) {
        bool want = expect(pt, x, d->t[i]);
        count += want;
        if (holds(&got, i) != want || qn_pattern_test(pat, d->t[i], NULL) != want)
            fail_msg("kind %d `" QN_STR_FMT "` on `" QN_STR_FMT "`: want %d", pt->kind,
                     QN_STR_ARG(pt->text), QN_STR_ARG(d->t[i]), want);
    }
    assert_int_equal(got.count, count);
    qn_ord_ranges_release(&got);
    qn_pattern_free(pat);
}

static struct qn_str random_wildcard(struct qn_arena *ar, struct qn_rng *r)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (unsigned n = (unsigned)qn_rng_below(r, 8); n > 0; n--)
        qn_buf_put_z(&b, qn_rng_below(r, 3)   ? letters[qn_rng_below(r, 3)]
                         : qn_rng_below(r, 2) ? "*"
                                              : "?");
    struct qn_str s = qn_arena_str(ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return s;
}

static void open_dictionary(struct dictionary *d, struct qn_rng *r)
{
    make_dictionary(d, r);
    d->ob = qn_object_from_memory(QN_STR("terms"), d->file.p, d->file.n);
    assert_ok(qn_section_open(&d->sc, d->ob, 0, d->file.n, "terms", 6, simd(), NULL));
    assert_ok(qn_terms_open(&d->td, qn_buf_str(&d->hot), &d->sc, NULL));
}

static void close_dictionary(struct dictionary *d)
{
    qn_terms_free(d->td);
    qn_section_close(&d->sc);
    qn_object_unref(d->ob);
    qn_buf_release(&d->file);
    qn_buf_release(&d->hot);
    qn_arena_release(&d->ar);
}

static void patterns_match_what_plain_matchers_say(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(51);
    static struct dictionary d;
    open_dictionary(&d, &r);
    for (int round = 0; round < 400; round++) {
        struct qn_arena ar;
        struct expected x = {0};
        struct qn_query_has_pattern pt = {.kind = (enum qn_pattern_kind)(round % 4),
                                          .max_expansions = UINT32_MAX,
                                          .syntax =
                                              qn_rng_below(&r, 2) ? QN_REGEX_LUCENE : QN_REGEX_RUST,
                                          .edits = (uint8_t)(1 + qn_rng_below(&r, 2)),
                                          .no_transpositions = qn_rng_below(&r, 2),
                                          .prefix_chars = (uint32_t)qn_rng_below(&r, 3)};
        struct qn_buf text;
        qn_buf_init(&text, SIZE_MAX);
        qn_arena_init(&ar, NULL);
        if (pt.kind == QN_PATTERN_REGEX) {
            x.re = random_re(&ar, &r, 0);
            print_re(x.re, &text);
            pt.text = qn_buf_str(&text);
        } else if (pt.kind == QN_PATTERN_WILDCARD) {
            pt.text = random_wildcard(&ar, &r);
        } else {
            pt.text = random_word(&ar, &r, 6);
        }
        if (pt.kind != QN_PATTERN_REGEX)
            x.pattern = points_of(pt.text);
        check(&d, &pt, &x);
        qn_buf_release(&text);
        qn_arena_release(&ar);
    }
    close_dictionary(&d);
}

static void fuzzy_keeps_the_nearest(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(52);
    static struct dictionary d;
    open_dictionary(&d, &r);
    struct qn_query_has_pattern pt = {
        .kind = QN_PATTERN_FUZZY, .text = QN_STR("abc"), .edits = 2, .max_expansions = 5};
    struct points want = points_of(pt.text);
    struct qn_pattern *pat;
    struct qn_ord_ranges got;
    int n[3] = {0}, kept[3] = {0};
    assert_ok(qn_pattern_new(&pat, &pt, NULL));
    assert_ok(qn_pattern_expand(&got, pat, d.td, 0, NULL));
    for (uint32_t i = 0; i < d.n; i++) {
        struct points t = points_of(d.t[i]);
        int e = edits(&want, &t, true);
        if (e > 2)
            continue;
        n[e]++;
        kept[e] += holds(&got, i);
    }
    assert_int_equal(got.count, 5);
    assert_int_equal(kept[0], n[0]);
    assert_true(kept[2] == 0 || kept[1] == n[1]);
    qn_ord_ranges_release(&got);
    assert_int_equal(qn_pattern_expand(&got, pat, d.td, 4, NULL), QN_OK); /* 5 nearest, at most */
    qn_ord_ranges_release(&got);
    qn_pattern_free(pat);
    pt = (struct qn_query_has_pattern){
        .kind = QN_PATTERN_WILDCARD, .text = QN_STR("*a*"), .max_expansions = UINT32_MAX};
    assert_ok(qn_pattern_new(&pat, &pt, NULL));
    assert_int_equal(qn_pattern_expand(&got, pat, d.td, 4, NULL), QN_E_TOO_LARGE);
    qn_ord_ranges_release(&got);
    qn_pattern_free(pat);
    close_dictionary(&d);
}

static void dialects_differ(void **state)
{
    (void)state;
    static const struct {
        enum qn_regex_syntax syntax;
        const char *re, *term;
        int want; /* 1, 0, or -1 - the position of the error */
    } rows[] = {
        {QN_REGEX_LUCENE, "a.c", "a\nc", 1},      {QN_REGEX_RUST, "a.c", "a\nc", 0},
        {QN_REGEX_LUCENE, "^a$", "^a$", 1},       {QN_REGEX_RUST, "^a$", "", -1},
        {QN_REGEX_LUCENE, "\"a.b\"c", "a.bc", 1}, {QN_REGEX_LUCENE, "\"a.b\"c", "axbc", 0},
        {QN_REGEX_RUST, "\"a\"", "\"a\"", 1},     {QN_REGEX_LUCENE, "a@", "a whatever", 1},
        {QN_REGEX_LUCENE, "a#|b", "b", 1},        {QN_REGEX_LUCENE, "a#|b", "a", 0},
        {QN_REGEX_LUCENE, "ab~c", "", -3},        {QN_REGEX_LUCENE, "a&b", "", -2},
        {QN_REGEX_LUCENE, "x<1-9>", "", -2},      {QN_REGEX_LUCENE, "(?i)a", "", -2},
        {QN_REGEX_RUST, "(?i)aB", "Ab", 1},       {QN_REGEX_RUST, "(?P<n>a)b", "ab", 1},
        {QN_REGEX_RUST, "(?=a)b", "", -1},        {QN_REGEX_RUST, "(?<=a)b", "", -1},
        {QN_REGEX_RUST, "a*?", "", -3},           {QN_REGEX_LUCENE, "(ab)++", "abab", 1},
        {QN_REGEX_LUCENE, "a**b", "aab", 1},      {QN_REGEX_RUST, "\\bab", "", -1},
        {QN_REGEX_RUST, "\\d{2,3}", "123", 1},    {QN_REGEX_RUST, "\\d{2,3}", "1234", 0},
        {QN_REGEX_RUST, "\\p{L}+", "\u00e9a", 1}, {QN_REGEX_RUST, "[[:digit:]a]+", "1a", 1},
        {QN_REGEX_RUST, "[a[bc]]", "", -3},       {QN_REGEX_RUST, "[a-z&&b]", "", -5},
        {QN_REGEX_LUCENE, "[a-c&]+", "a&", 1},    {QN_REGEX_LUCENE, "(ab", "", -4},
        {QN_REGEX_LUCENE, "ab)", "", -3},         {QN_REGEX_LUCENE, "[ab", "", -1},
        {QN_REGEX_LUCENE, "*a", "", -1},          {QN_REGEX_LUCENE, "a{x}", "", -2},
        {QN_REGEX_LUCENE, "a\\", "", -2},         {QN_REGEX_LUCENE, "err(or)?", "err", 1},
        {QN_REGEX_LUCENE, "ab?c", "ac", 1},       {QN_REGEX_LUCENE, "", "", 1},
        {QN_REGEX_LUCENE, "(a|b)*c|", "", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct qn_query_has_pattern pt = {
            .kind = QN_PATTERN_REGEX, .text = qn_str_of(rows[i].re), .syntax = rows[i].syntax};
        struct qn_pattern *pat;
        struct qn_err err = {0};
        int rc = qn_pattern_new(&pat, &pt, &err);
        if (rc == 0)
            rc = qn_pattern_test(pat, qn_str_of(rows[i].term), &err);
        else
            rc = rc == QN_E_INVALID ? -1 - (int)err.pos : -1000;
        if (rc != rows[i].want)
            fail_msg("row %zu, `%s`: got %d, want %d %s", i, rows[i].re, rc, rows[i].want, err.msg);
        qn_pattern_free(pat);
    }
}

static void no_expression_takes_forever(void **state)
{
    (void)state;
    struct qn_query_has_pattern pt = {
        .kind = QN_PATTERN_REGEX, .text = QN_STR("(a*)*(a*)*(a|b|a)*(x|y)*(z|q)"), .syntax = 1};
    char text[4000];
    struct qn_pattern *pat;
    struct qn_err err = {0};
    memset(text, 'a', sizeof text);
    assert_ok(qn_pattern_new(&pat, &pt, &err));
    assert_int_equal(qn_pattern_test(pat, qn_str_make(text, sizeof text), &err), 0);
    qn_pattern_free(pat);
    pt = (struct qn_query_has_pattern){.kind = QN_PATTERN_WILDCARD,
                                       .text = QN_STR("*a*a*a*a*a*a*a*a*a*a*a*a*b")};
    assert_ok(qn_pattern_new(&pat, &pt, &err));
    assert_int_equal(qn_pattern_test(pat, qn_str_make(text, sizeof text), &err), 0);
    qn_pattern_free(pat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_what_plain_matchers_say),
        cmocka_unit_test(fuzzy_keeps_the_nearest),
        cmocka_unit_test(dialects_differ),
        cmocka_unit_test(no_expression_takes_forever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
