/* Character tables: spot values, agreement of ASCII with its definition, and UAX #29's own test
 * file where the package unicode-data is installed. */
#include "test.h"

#include "base/buf.h"
#include "text_int.h"

static void test_ascii(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 128; c++) {
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        bool digit = c >= '0' && c <= '9';
        unsigned f = qn_uc_flags(c);
        assert_int_equal((f & QN_UC_ALPHA) != 0, upper || lower);
        assert_int_equal((f & QN_UC_LETTER) != 0, upper || lower);
        assert_int_equal((f & QN_UC_UPPER) != 0, upper);
        assert_int_equal((f & QN_UC_NUM) != 0, digit);
        assert_int_equal((f & QN_UC_SPACE) != 0,
                         c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31));
        uint32_t out[2];
        assert_int_equal(qn_uc_lower(c, out), 1);
        assert_int_equal(out[0], upper ? c + 32 : c);
        char fold[4];
        assert_int_equal(qn_uc_fold(c, fold), 0);
    }
    assert_int_equal(qn_uc_flags(QN_UTF8_BAD), 0);
    assert_int_equal(qn_uc_flags(0x10FFFF), 0);
}

static void test_lower(void **state)
{
    (void)state;
    static const struct {
        uint32_t from, to;
    } rows[] = {{0xC9, 0xE9},     {0xD7, 0xD7},     {0x100, 0x101},     {0x178, 0xFF},
                {0x1C4, 0x1C6},   {0x1C5, 0x1C6},   {0x23A, 0x2C65},    {0x3A3, 0x3C3},
                {0x400, 0x450},   {0x13A0, 0xAB70}, {0x1E9E, 0xDF},     {0x2126, 0x3C9},
                {0x212A, 'k'},    {0xFF21, 0xFF41}, {0x10400, 0x10428}, {0x1E900, 0x1E922},
                {0x4E2D, 0x4E2D}, {0xE9, 0xE9}};
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        uint32_t out[2];
        assert_int_equal(qn_uc_lower(rows[i].from, out), 1);
        assert_int_equal(out[0], rows[i].to);
    }
    /* Every character that claims a mapping has one, every other maps to itself; and lower-casing
     * fits in half as much again. */
    size_t mapped = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        uint32_t out[2];
        char a[8], b[8];
        size_t k = qn_uc_lower(cp, out), n = 0;
        for (size_t i = 0; i < k; i++)
            n += qn_utf8_put(b + n, out[i]);
        assert_true(2 * n <= 3 * qn_utf8_put(a, cp));
        bool claims = (qn_uc_flags(cp) & QN_UC_LOWERS) != 0;
        assert_int_equal(claims, out[0] != cp);
        mapped += claims;
    }
    assert_int_equal(mapped, 1433);
}

static void test_fold(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {{"é", "e"}, {"Ç", "C"},   {"ß", "ss"}, {"Æ", "AE"},   {"ø", "o"},
                {"Ł", "L"}, {"ﬃ", "ffi"}, {"①", "1"},  {"⒇", "(20)"}, {"“", "\""},
                {"–", "-"}, {"Ａ", "A"},  {"ŉ", "n"},  {"Þ", "TH"},   {"ế", "e"},
                {"中", ""}, {"я", ""},    {"α", ""},   {"€", ""}};
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        char out[4];
        size_t at = 0;
        uint32_t cp = qn_utf8_next(qn_str_of(rows[i].from), &at);
        assert_str(qn_str_make(out, qn_uc_fold(cp, out)), rows[i].to);
    }
    size_t folds = 0;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        char out[4];
        size_t n = qn_uc_fold(cp, out);
        assert_int_equal(n > 0, (qn_uc_flags(cp) & QN_UC_FOLDS) != 0);
        folds += n > 0;
    }
    assert_int_equal(folds, 1315);
}

/* One line of WordBreakTest.txt: code points between the signs for "break" and "no break". */
static void check_line(const char *line, size_t number)
{
    struct qn_buf text;
    size_t breaks[64], n_breaks = 0;
    qn_buf_init(&text, 4096);
    for (const char *p = line; *p != '\0' && *p != '#' && *p != '\n';) {
        if (strncmp(p, "÷", strlen("÷")) == 0) {
            breaks[n_breaks++] = text.n;
            p += strlen("÷");
        } else if (strncmp(p, "×", strlen("×")) == 0) {
            p += strlen("×");
        } else if (*p == ' ' || *p == '\t') {
            p++;
        } else {
            char *end, utf8[4];
            unsigned long cp = strtoul(p, &end, 16);
            assert_true(end > p);
            p = end;
            qn_buf_put(&text, utf8, qn_utf8_put(utf8, (uint32_t)cp));
        }
    }
    size_t at = 0;
    for (size_t i = 1; i < n_breaks; i++) {
        at = qn__word_boundary(qn_buf_str(&text), at);
        if (at != breaks[i])
            fail_msg("line %zu: break at %zu, want %zu: %s", number, at, breaks[i], line);
    }
    qn_buf_release(&text);
}

static void test_word_break_file(void **state)
{
    (void)state;
    FILE *f = fopen("/usr/share/unicode/auxiliary/WordBreakTest.txt", "r");
    char line[2048];
    size_t number = 0;
    if (f == NULL)
        skip();
    while (fgets(line, sizeof line, f) != NULL)
        if (number++, line[0] != '#' && line[0] != '\n')
            check_line(line, number);
    fclose(f);
    assert_true(number > 1000);
}

static void test_word_break_rules(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "÷ 000D × 000A ÷ 0061 ÷",                    /* WB3 */
        "÷ 0061 ÷ 000A ÷ 0308 ÷",                    /* WB3a, 3b */
        "÷ 1F6D1 × 200D × 1F6D1 ÷",                  /* WB3c */
        "÷ 0020 × 0020 × 0308 ÷ 0020 ÷",             /* WB3d, 4 */
        "÷ 0061 × 0308 × 0062 ÷",                    /* WB4, 5 */
        "÷ 0061 × 003A × 0061 ÷ 003A ÷ 0031 ÷",      /* WB6, 7 */
        "÷ 05D0 × 0027 ÷",                           /* WB7a */
        "÷ 05D0 × 0022 × 05D0 ÷ 0022 ÷",             /* WB7b, 7c */
        "÷ 0061 × 0031 × 0061 ÷",                    /* WB9, 10 */
        "÷ 0031 × 002C × 0031 ÷ 002C ÷ 0061 ÷",      /* WB11, 12 */
        "÷ 30AB × 30AB × 005F × 0061 ÷",             /* WB13 */
        "÷ 1F1E6 × 1F1E7 ÷ 1F1E8 × 1F1E9 ÷ 1F1EA ÷", /* WB15, 16 */
        "÷ 4E2D ÷ 6587 ÷ 0021 ÷ 0021 ÷",             /* WB999 */
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        check_line(rows[i], i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_lower),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_word_break_rules),
        cmocka_unit_test(test_word_break_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
