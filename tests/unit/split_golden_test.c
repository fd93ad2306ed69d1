/* The file of format version 1 under tests/golden, and the same documents written today, give the
 * answers that follow from the documents.
 *
 * QN_SAMPLE_OUT=DIR writes the files of today there: golden files are made once a version and then
 * stay as they are.
 *
 * links: ingest
 */
#include "split_sample.h"

enum { GOLDEN_DOCS = 1200 };

static void read_golden(struct qn_buf *out)
{
    char path[4096];
    const char *dir = getenv("QN_TESTS");
    snprintf(path, sizeof path, "%s/golden/split_v1.split", dir ? dir : "tests");
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char room[4096];
    for (size_t n; (n = fread(room, 1, sizeof room, f)) > 0;)
        qn_buf_put(out, room, n);
    fclose(f);
    assert_true(out->n > 0);
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

static bool has_even(uint32_t i)
{
    return i % 2 == 0;
}
static bool has_all(uint32_t i)
{
    (void)i;
    return true;
}
static bool has_w7(uint32_t i)
{
    return i % 50 == 7;
}
static bool has_id77(uint32_t i)
{
    return i == 77;
}
static bool has_rep(uint32_t i)
{
    return i % 4 != 0;
}
static bool has_error(uint32_t i)
{
    return strcmp(sample_level(i), "ERROR") == 0;
}
static bool has_t3(uint32_t i)
{
    return i % 7 == 3;
}
static bool has_addr9(uint32_t i)
{
    return i % 200 == 9;
}

/* position: of the term in each document; rep has several, from there on. */
static void check_block(struct qn_cursor *cu, struct qn_split_field *fd, const char *term,
                        uint32_t position)
{
    uint32_t tfs[QN_POSTINGS_BLOCK];
    if (fd->postings->record == QN_RECORD_BASIC)
        return;
    assert_ok(qn_cursor_codes(cu, NULL));
    assert_ok(qn_cursor_tfs(cu, tfs, NULL));
    for (uint32_t k = 0; k < cu->n_ids; k++) {
        uint32_t want = strcmp(term, "rep") == 0 ? cu->ids[k] % 4 : 1, n;
        const uint32_t *pos;
        assert_int_equal(tfs[k], want);
        if (fd->postings->record != QN_RECORD_POSITION)
            continue;
        assert_ok(qn_cursor_positions(cu, k, &pos, &n, NULL));
        assert_int_equal(n, want);
        for (uint32_t j = 0; j < n; j++)
            assert_int_equal(pos[j], position + j);
    }
}

static enum qn_term_kind check_term(struct qn_split_field *fd, struct qn_str term,
                                    bool (*has)(uint32_t i), uint32_t position)
{
    struct qn_terms_iter *it = qn_terms_iter_new(fd->terms);
    struct qn_term_info info;
    struct qn_cursor *cu;
    uint32_t next = 0, n = 0;
    int rc = qn_terms_lookup(it, term, NULL);
    if (rc != 0)
        fail_msg("no term " QN_STR_FMT, QN_STR_ARG(term));
    assert_ok(qn_terms_info(it, &info, NULL));
    assert_ok(qn_cursor_open(&cu, fd->postings, &info, NULL));
    while ((rc = qn_cursor_next_block(cu, NULL)) == 0) {
        for (uint32_t k = 0; k < cu->n_ids; k++, n++) {
            while (!has(next))
                next++;
            assert_int_equal(cu->ids[k], next++);
        }
        check_block(cu, fd, term.p, position);
    }
    assert_int_equal(rc, QN_END);
    while (next < GOLDEN_DOCS)
        assert_false(has(next++));
    assert_int_equal(n, info.df);
    qn_cursor_close(cu);
    qn_terms_iter_free(it);
    return info.kind;
}

static void check_terms(struct qn_split *sp)
{
    struct qn_split_field *body = use(sp, "body", QN_SPLIT_STR);
    assert_non_null(body->norms);
    assert_int_equal(qn_terms_count(body->terms), GOLDEN_DOCS + 50 + 5);
    assert_int_equal(check_term(body, QN_STR("all"), has_all, 0), QN_TERM_LIST);
    assert_int_equal(check_term(body, QN_STR("even"), has_even, 1), QN_TERM_LIST);
    assert_int_equal(check_term(body, QN_STR("mix"), sample_mixed, 2), QN_TERM_LIST);
    assert_int_equal(check_term(body, QN_STR("w7"), has_w7, 3), QN_TERM_LIST);
    assert_int_equal(check_term(body, QN_STR("id77"), has_id77, 4), QN_TERM_ONE);
    assert_int_equal(check_term(body, QN_STR("rep"), has_rep, 5), QN_TERM_LIST);
    struct qn_terms_iter *it = qn_terms_iter_new(body->terms);
    assert_int_equal(qn_terms_lookup(it, QN_STR("w77"), NULL), QN_END);
    qn_terms_iter_free(it);
    check_term(use(sp, "level", QN_SPLIT_STR), QN_STR("ERROR"), has_error, 0);
    check_term(use(sp, "tag", QN_SPLIT_BYTES), QN_STR("t3"), has_t3, 0);
    char addr[16] = {[10] = '\xff', [11] = '\xff', [12] = 10, [15] = 9};
    assert_int_equal(check_term(use(sp, "addr", QN_SPLIT_IP), qn_str_make(addr, 16), has_addr9, 0),
                     QN_TERM_INLINE);
}

/* Values of every document: f gives how many and fills in `want`. */
static void check_column(struct qn_split *sp, const char *name, enum qn_split_type type,
                         uint32_t (*f)(uint32_t i, uint64_t want[2]))
{
    struct qn_column_cursor *cu = qn_column_cursor_new(use(sp, name, type)->column);
    for (uint32_t i = 0; i < GOLDEN_DOCS; i++) {
        uint64_t want[2];
        const uint64_t *got;
        uint32_t n, n_want = f(i, want);
        assert_ok(qn_column_of(cu, i, &got, &n, NULL));
        assert_int_equal(n, n_want);
        for (uint32_t k = 0; k < n; k++)
            assert_true(got[k] == want[k]);
    }
    qn_column_cursor_free(cu);
}

static uint32_t n_of(uint32_t i, uint64_t want[2])
{
    want[0] = qn_i64_to_ord((int64_t)i * 7 - 1000);
    return 1;
}
static uint32_t u_of(uint32_t i, uint64_t want[2])
{
    want[0] = (uint64_t)i << 40;
    want[1] = want[0] | 1;
    return i % 3;
}
static uint32_t f_of(uint32_t i, uint64_t want[2])
{
    want[0] = qn_f64_to_ord(i / 8.0);
    return i % 3 == 0;
}
static uint32_t b_of(uint32_t i, uint64_t want[2])
{
    want[0] = i % 2;
    return 1;
}
static uint32_t ts_of(uint32_t i, uint64_t want[2])
{
    want[0] = qn_i64_to_ord(sample_time(i));
    return 1;
}

static void check_text(struct qn_split *sp, const char *name, enum qn_split_type type,
                       const char *(*f)(uint32_t i, char room[16]))
{
    struct qn_split_field *fd = use(sp, name, type);
    struct qn_column_cursor *cu = qn_column_cursor_new(fd->column);
    struct qn_terms_iter *it = qn_terms_iter_new(fd->column_terms);
    for (uint32_t i = 0; i < GOLDEN_DOCS; i++) {
        char room[16];
        const char *want = f(i, room);
        const uint64_t *got;
        uint32_t n;
        assert_ok(qn_column_of(cu, i, &got, &n, NULL));
        assert_int_equal(n, want != NULL);
        if (n == 0)
            continue;
        assert_ok(qn_terms_seek_ord(it, got[0], NULL));
        assert_str(it->term, want);
    }
    qn_terms_iter_free(it);
    qn_column_cursor_free(cu);
}

static const char *level_of(uint32_t i, char room[16])
{
    (void)room;
    return sample_level(i);
}
static const char *tag_of(uint32_t i, char room[16])
{
    snprintf(room, 16, "T%u", i % 7);
    return room;
}
static const char *n_text_of(uint32_t i, char room[16])
{
    (void)room;
    return i % 10 == 0 ? "x" : NULL;
}

static void check_documents(struct qn_split *sp)
{
    struct qn_docs_cursor *cu = qn_docs_cursor_new(qn_split_docs(sp));
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    for (uint32_t i = 0; i < GOLDEN_DOCS; i++) {
        char want[128];
        qn_buf_clear(&out);
        assert_ok(qn_docs_get(cu, i, &out, NULL));
        assert_true(qn_str_eq(qn_buf_str(&out), sample_source(i, want)));
    }
    qn_buf_release(&out);
    qn_docs_cursor_free(cu);
}

static void check_split(struct qn_str file)
{
    struct qn_split *sp = sample_open(file, "v1.split");
    struct qn_err err = {0};
    if (qn_split_verify(sp, &err) < 0)
        fail_msg("%s", err.msg);
    assert_int_equal(qn_split_doc_count(sp), GOLDEN_DOCS);
    assert_true(qn_split_min_time(sp) == sample_time(0));
    assert_true(qn_split_max_time(sp) == sample_time(GOLDEN_DOCS - 1));
    assert_str(qn_split_meta_json(sp), "{\"sample\":true}");
    assert_int_equal(qn_split_field_count(sp), SAMPLE_FIELDS);
    assert_true(qn_docs_mapped(qn_split_docs(sp)));
    check_terms(sp);
    check_column(sp, "n", QN_SPLIT_I64, n_of);
    check_column(sp, "u", QN_SPLIT_U64, u_of);
    check_column(sp, "f", QN_SPLIT_F64, f_of);
    check_column(sp, "b", QN_SPLIT_BOOL, b_of);
    check_column(sp, "ts", QN_SPLIT_DATE, ts_of);
    check_text(sp, "level", QN_SPLIT_STR, level_of);
    check_text(sp, "tag", QN_SPLIT_BYTES, tag_of);
    check_text(sp, "n", QN_SPLIT_STR, n_text_of);
    assert_true(use(sp, "present", QN_SPLIT_STR)->flags & QN_FIELD_PRESENCE);
    assert_int_equal(use(sp, "present", QN_SPLIT_STR)->column->doc_count, GOLDEN_DOCS / 3);
    check_documents(sp);
    qn_split_unref(sp);
}

static void the_golden_file_is_read(void **state)
{
    (void)state;
    struct qn_buf file;
    qn_buf_init(&file, SIZE_MAX);
    read_golden(&file);
    assert_true(file.n < 64 << 10);
    check_split(qn_buf_str(&file));
    qn_buf_release(&file);
}

static void todays_file_gives_the_same(void **state)
{
    (void)state;
    struct qn_buf file;
    qn_buf_init(&file, SIZE_MAX);
    sample_merge(GOLDEN_DOCS, &file);
    check_split(qn_buf_str(&file));
    qn_buf_release(&file);
}

/* Opens and verifies; what is wrong is in *err. */
static int try_file(const char *p, size_t n, struct qn_err *err)
{
    struct qn_object *ob = qn_object_from_memory(QN_STR("v1.split"), p, n);
    struct qn_split *sp;
    *err = (struct qn_err){0};
    int rc = qn_split_open(&sp, ob, 0, sample_simd(), err);
    if (rc == 0) {
        rc = qn_split_verify(sp, err);
        qn_split_unref(sp);
    }
    qn_object_unref(ob);
    return rc;
}

static void says(const struct qn_err *err, const char *what, uint64_t at)
{
    char offset[32];
    snprintf(offset, sizeof offset, " at %llu", (unsigned long long)at);
    if (strstr(err->msg, "split v1.split: ") == NULL || strstr(err->msg, what) == NULL ||
        strstr(err->msg, offset) == NULL)
        fail_msg("\"%s\" does not name the split, %s and%s", err->msg, what, offset);
}

static void damage_is_refused_with_its_place(void **state)
{
    (void)state;
    struct qn_buf file;
    struct qn_err err;
    qn_buf_init(&file, SIZE_MAX);
    read_golden(&file);
    struct qn_split *sp = sample_open(qn_buf_str(&file), "v1.split");
    uint64_t footer = file.n - QN_SPLIT_FOOTER, hot;
    memcpy(&hot, file.p + footer + 16, sizeof hot);
    for (int k = QN_SECTION_DOCS; k < QN_SECTIONS_END; k++) {
        struct qn_range r = qn_split_section_range(sp, (enum qn_split_section)k);
        if (k == QN_SECTION_ABSENCE && r.n == 0)
            continue; /* the golden file was merged when merges wrote none */
        assert_true(r.n > 0);
        file.p[r.offset + r.n / 2] ^= 16;
        assert_int_equal(try_file(file.p, file.n, &err), QN_E_CORRUPT);
        says(&err, qn_split_section_name((enum qn_split_section)k), r.offset);
        file.p[r.offset + r.n / 2] ^= 16;
    }
    qn_split_unref(sp);
    file.p[hot + 40] ^= 1;
    assert_int_equal(try_file(file.p, file.n, &err), QN_E_CORRUPT);
    says(&err, "hot section", hot);
    file.p[hot + 40] ^= 1;
    file.p[footer + 17] ^= 1;
    assert_int_equal(try_file(file.p, file.n, &err), QN_E_CORRUPT);
    says(&err, "footer", footer);
    file.p[footer + 17] ^= 1;
    assert_int_equal(try_file(file.p, file.n - 100, &err), QN_E_CORRUPT);
    says(&err, "footer", footer - 100);
    assert_int_equal(try_file(file.p, 63, &err), QN_E_TRUNCATED);
    assert_int_equal(try_file(file.p + 64, file.n - 64, &err), QN_E_TRUNCATED);
    says(&err, "footer", footer - 64);
    assert_int_equal(try_file(file.p, file.n, &err), 0);
    qn_buf_release(&file);
}

static void a_newer_version_is_refused(void **state)
{
    (void)state;
    struct qn_buf file;
    struct qn_err err;
    qn_buf_init(&file, SIZE_MAX);
    read_golden(&file);
    uint8_t *footer = (uint8_t *)file.p + file.n - QN_SPLIT_FOOTER;
    uint32_t crc;
    footer[8] = 9; /* a newer writer whose files this reader still reads */
    crc = sample_simd()->crc32c(0, footer, 60);
    memcpy(footer + 60, &crc, 4);
    assert_int_equal(try_file(file.p, file.n, &err), 0);
    footer[10] = 9;
    crc = sample_simd()->crc32c(0, footer, 60);
    memcpy(footer + 60, &crc, 4);
    assert_int_equal(try_file(file.p, file.n, &err), QN_E_FORMAT_VERSION);
    says(&err, "footer", file.n - QN_SPLIT_FOOTER);
    assert_non_null(strstr(err.msg, "version 9"));
    qn_buf_release(&file);
}

static void write_file(const char *dir, const char *name, struct qn_buf *b)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->p, 1, b->n, f), b->n);
    assert_int_equal(fclose(f), 0);
    qn_buf_clear(b);
}

static void write_samples(const char *dir)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    sample_merge(GOLDEN_DOCS, &b);
    write_file(dir, "split_v1.split", &b);
    sample_index(0, -1, &b);
    write_file(dir, "empty", &b);
    sample_index(3, -1, &b);
    write_file(dir, "three", &b);
    sample_index(300, -1, &b);
    write_file(dir, "lists", &b);
    sample_merge(130, &b);
    write_file(dir, "row_map", &b);
    qn_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_file_is_read),
        cmocka_unit_test(todays_file_gives_the_same),
        cmocka_unit_test(damage_is_refused_with_its_place),
        cmocka_unit_test(a_newer_version_is_refused),
    };
    if (getenv("QN_SAMPLE_OUT") != NULL)
        write_samples(getenv("QN_SAMPLE_OUT"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
