/* Torn tails are cut, damage is reported and never skipped, a repair gives up what is lost and no
 * more. */
#include "journal_help.h"

#include "journal/journal_salvage.h"
#include "journal_frame_int.h"
#include "journal_segment_int.h"

static void read_bytes(const struct jt_dir *d, const char *name, struct qn_buf *out)
{
    char *path = qn_path_join(d->path, qn_str_of(name));
    qn_buf_clear(out);
    assert_ok(qn_fs_read_file(qn_fs_posix(), path, 1u << 30, out, NULL));
    free(path);
}

/* Replaces the file with n bytes. */
static void write_bytes(const struct jt_dir *d, const char *name, const char *p, size_t n)
{
    char *path = qn_path_join(d->path, qn_str_of(name));
    int fd = qn_fs_open(qn_fs_posix(), path, QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_TRUNC, NULL);
    assert_true(fd >= 0);
    assert_ok(qn_fs_write(qn_fs_posix(), fd, p, n, 0));
    qn_fs_close(qn_fs_posix(), fd);
    free(path);
}

static void remove_file(const struct jt_dir *d, const char *name)
{
    char *path = qn_path_join(d->path, qn_str_of(name));
    assert_ok(qn_fs_unlink(qn_fs_posix(), path, NULL));
    free(path);
}

static bool file_exists(const struct jt_dir *d, const char *name)
{
    char *path = qn_path_join(d->path, qn_str_of(name));
    int rc = qn_fs_exists(qn_fs_posix(), path);
    assert_ok(rc);
    free(path);
    return rc == 1;
}

#define FIRST "0000000000000001.qj"

/* Where the frames of a segment file begin; returns how many there are. */
static size_t find_frames(const struct qn_buf *file, size_t *at, struct qn_frame_head *heads,
                          size_t max)
{
    struct qn_segment_head sh;
    assert_ok(qn__segment_head_get(&sh, file->p, jt_simd(), NULL));
    uint32_t salt = qn__segment_salt(sh.id, sh.ordinal, jt_simd());
    size_t n = 0;
    for (size_t p = QN_SEGMENT_HEAD_BYTES; p + QN_FRAME_HEAD_BYTES <= file->n && n < max; n++) {
        if (!qn__frame_head_get(&heads[n], file->p + p, salt, jt_simd()))
            break;
        at[n] = p;
        p += qn__frame_span(&heads[n]);
    }
    return n;
}

/* One segment of n frames with one document each, as a process leaves it that was killed: without
 * an end frame. */
static void make_killed(struct jt_dir *d, struct qn_buf *file, unsigned n, size_t pad)
{
    size_t at[64];
    struct qn_frame_head heads[64];
    jt_dir_make(d);
    struct qn_journal_options opt = jt_options(d);
    struct qn_journal *j = jt_open(&opt, NULL);
    for (unsigned k = 0; k < n; k++)
        assert_ok(jt_append(j, 0, k, 1, pad, NULL));
    qn_journal_close(j);
    qn_buf_init(file, SIZE_MAX);
    read_bytes(d, FIRST, file);
    assert_int_equal(find_frames(file, at, heads, 64), n + 1);
    assert_int_equal(heads[n].kind, QN_FRAME_END);
    file->n = at[n];
    write_bytes(d, FIRST, file->p, file->n);
}

static void test_torn_at_every_byte(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_buf file;
    size_t at[64];
    struct qn_frame_head heads[64];
    make_killed(&d, &file, 5, 120);
    assert_int_equal(find_frames(&file, at, heads, 64), 5);
    struct qn_journal_options opt = jt_options(&d);
    for (int garbage = 0; garbage < 3; garbage++) {
        for (size_t cut = at[4]; cut < file.n; cut++) {
            struct qn_journal_report rp;
            size_t n = cut;
            char *p = malloc(file.n + 100);
            memcpy(p, file.p, cut);
            if (garbage > 0) { /* the rest of the block was never written, or is old data */
                memset(p + cut, garbage == 1 ? 0 : 0xa5, file.n + 100 - cut);
                n = file.n + 100;
            }
            write_bytes(&d, FIRST, p, n);
            bool whole = n >= file.n && memcmp(p, file.p, file.n) == 0; /* cut inside the padding */
            whole = whole || cut >= at[4] + QN_FRAME_HEAD_BYTES + heads[4].stored_bytes;
            free(p);
            struct qn_journal *j = jt_open(&opt, &rp);
            assert_int_equal(rp.end, whole ? 6 : 5);
            if (!whole) {
                assert_int_equal(rp.cut_bytes, n - at[4]);
                assert_int_equal(rp.cut_offset, n > at[4] ? at[4] : 0);
                assert_string_equal(rp.cut_file, n > at[4] ? FIRST : "");
            }
            assert_int_equal(jt_read_run(j, 1, 0, 120), rp.end - 1);
            qn_journal_close(j);
        }
    }
    /* Life goes on after a cut. */
    write_bytes(&d, FIRST, file.p, at[4] + 50);
    for (uint64_t k = 4; k < 8; k++) {
        struct qn_journal *j = jt_open(&opt, NULL);
        assert_ok(jt_append(j, 0, k, 1, 120, NULL));
        assert_int_equal(jt_read_run(j, 1, 0, 120), k + 1);
        qn_journal_close(j);
    }
    qn_buf_release(&file);
    jt_dir_drop(&d);
}

static void expect_corrupt_open(const struct jt_dir *d, const char *file, uint64_t offset)
{
    struct qn_journal_options opt = jt_options(d);
    struct qn_journal *j;
    struct qn_err err = {0};
    char want[64];
    assert_int_equal(qn_journal_open(&j, &opt, NULL, &err), QN_E_CORRUPT);
    snprintf(want, sizeof want, "%s: offset %llu", file, (unsigned long long)offset);
    if (strstr(err.msg, want) == NULL)
        fail_msg("\"%s\" does not name %s", err.msg, want);
}

/* Any byte of any frame but the last: the frames after it say that it had been synced. */
static void test_damaged_middle(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_buf file;
    size_t at[64];
    struct qn_frame_head heads[64];
    make_killed(&d, &file, 6, 40);
    size_t n = find_frames(&file, at, heads, 64);
    for (size_t i = 0; i + 1 < n; i++) {
        size_t used = QN_FRAME_HEAD_BYTES + heads[i].stored_bytes;
        for (size_t b = 0; b < used; b += 1 + b % 5) {
            file.p[at[i] + b] ^= 0x10;
            write_bytes(&d, FIRST, file.p, file.n);
            expect_corrupt_open(&d, FIRST, at[i]);
            file.p[at[i] + b] ^= 0x10;
        }
    }
    qn_buf_release(&file);
    jt_dir_drop(&d);
}

/* After a clean close even the last frame is known to have been synced. */
static void test_damaged_last_after_close(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_buf file;
    size_t at[64];
    struct qn_frame_head heads[64];
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    struct qn_journal *j = jt_open(&opt, NULL);
    assert_ok(jt_append(j, 0, 0, 1, 40, NULL));
    assert_ok(jt_append(j, 0, 1, 1, 40, NULL));
    qn_journal_close(j);
    qn_buf_init(&file, SIZE_MAX);
    read_bytes(&d, FIRST, &file);
    assert_int_equal(find_frames(&file, at, heads, 64), 3);
    file.p[at[1] + 80] ^= 1;
    write_bytes(&d, FIRST, file.p, file.n);
    expect_corrupt_open(&d, FIRST, at[1]);
    qn_buf_release(&file);
    jt_dir_drop(&d);
}

/* Frames of a group that was never synced may reach the disk in any order: a hole in it is a torn
 * tail, not damage. */
static void test_hole_in_unsynced_group(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_buf file;
    size_t at[64];
    struct qn_frame_head heads[64];
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.sync_interval_ms = 3600 * 1000;
    struct qn_journal *j = jt_open(&opt, NULL);
    assert_ok(jt_append(j, 0, 0, 1, 40, NULL));
    for (uint64_t k = 1; k < 5; k++) {
        struct qn_batch *b = jt_batch(0, k, 1, 40);
        assert_ok(qn_journal_append(j, b, QN_ACK_WRITTEN, NULL)); /* a frame each, no sync */
        qn_batch_unref(b);
    }
    qn_buf_init(&file, SIZE_MAX);
    read_bytes(&d, FIRST, &file); /* what the disk holds just now */
    qn_journal_close(j);
    assert_int_equal(find_frames(&file, at, heads, 64), 5);
    file.p[at[2] + 70] ^= 1;
    write_bytes(&d, FIRST, file.p, file.n);
    struct qn_journal_report rp;
    j = jt_open(&opt, &rp);
    assert_int_equal(rp.end, 3);
    assert_int_equal(rp.cut_offset, at[2]);
    assert_int_equal(jt_read_run(j, 1, 0, 40), 2);
    qn_journal_close(j);
    qn_buf_release(&file);
    jt_dir_drop(&d);
}

/* A journal of several sealed segments with documents 0..n-1; returns n. */
static uint64_t make_segments(struct jt_dir *d, uint64_t *starts, size_t *n_starts)
{
    jt_dir_make(d);
    struct qn_journal_options opt = jt_options(d);
    opt.segment_bytes = 4096;
    struct qn_journal *j = jt_open(&opt, NULL);
    uint64_t k = 0;
    for (; k < 40; k++)
        assert_ok(jt_append(j, 0, k, 1, 500, NULL));
    *n_starts = qn_journal_starts(j, starts, *n_starts);
    assert_true(*n_starts > 5);
    qn_journal_close(j);
    return k;
}

struct findings {
    size_t n;
    uint64_t lost, first_lost, offset;
    char file[64], what[64];
};

static void note_finding(void *arg, const struct qn_journal_finding *fd)
{
    struct findings *f = arg;
    if (f->n++ == 0) {
        snprintf(f->file, sizeof f->file, "%s", fd->file);
        snprintf(f->what, sizeof f->what, "%s", fd->what);
        f->first_lost = fd->first_seq;
        f->offset = fd->offset;
    }
    f->lost += fd->lost;
}

static void check(const struct jt_dir *d, bool repair, struct findings *f)
{
    struct qn_journal_check_result out;
    struct qn_err err = {0};
    memset(f, 0, sizeof *f);
    const struct qn_journal_check_options opt = {.fs = qn_fs_posix(),
                                                 .dir = d->path,
                                                 .simd = jt_simd(),
                                                 .repair = repair,
                                                 .fn = note_finding,
                                                 .arg = f};
    int rc = qn_journal_check(&opt, &out, &err);
    if (rc < 0)
        fail_msg("check: %s", err.msg);
    assert_int_equal(out.n_findings, f->n);
    assert_int_equal(out.lost, f->lost);
}

/* Every number outside [from, to) is there, once and in order, and none inside. */
static void expect_all_but(const struct jt_dir *d, uint64_t n, uint64_t from, uint64_t to)
{
    struct qn_journal_options opt = jt_options(d);
    struct qn_journal *j = jt_open(&opt, NULL);
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    struct qn_err err = {0};
    uint64_t want = qn_journal_first(j);
    int rc;
    assert_ok(qn_journal_reader_open(&rd, j, want, NULL));
    want = want >= from && want < to ? to : want;
    while ((rc = qn_journal_reader_next(rd, &b, &err)) == 0) {
        assert_int_equal(b->rec.seq, want);
        assert_true(jt_same_docs(b, 0, want - 1, 500));
        qn_batch_unref(b);
        want++;
        want = want >= from && want < to ? to : want;
    }
    if (rc != QN_END)
        fail_msg("read: %s", err.msg);
    assert_int_equal(want, n + 1);
    qn_journal_reader_close(rd);
    assert_ok(jt_append(j, 0, n, 1, 500, NULL)); /* and it can be written to */
    qn_journal_close(j);
}

/* The number of documents that can be read until the error, which names the place. */
static uint64_t read_until_corrupt(const struct jt_dir *d, const char *file, uint64_t offset)
{
    struct qn_journal_options opt = jt_options(d);
    struct qn_journal *j = jt_open(&opt, NULL);
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    struct qn_err err = {0};
    uint64_t n = 0;
    int rc;
    assert_ok(qn_journal_reader_open(&rd, j, 1, NULL));
    for (; (rc = qn_journal_reader_next(rd, &b, &err)) == 0; n++)
        qn_batch_unref(b);
    assert_int_equal(rc, QN_E_CORRUPT);
    char want[64];
    snprintf(want, sizeof want, "%s: offset %llu", file, (unsigned long long)offset);
    if (strstr(err.msg, want) == NULL)
        fail_msg("\"%s\" does not name %s", err.msg, want);
    assert_int_equal(qn_journal_reader_next(rd, &b, NULL), QN_E_CORRUPT); /* it stays */
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    return n;
}

#define THIRD "0000000000000003.qj"

static void test_damaged_sealed_segment(void **state)
{
    (void)state;
    for (int which = 0; which < 3; which++) { /* its first, second and last frame */
        struct jt_dir d;
        struct qn_buf file;
        size_t at[64], n_starts = 16;
        uint64_t starts[16];
        struct qn_frame_head heads[64];
        struct findings f;
        uint64_t n = make_segments(&d, starts, &n_starts);
        check(&d, false, &f);
        assert_int_equal(f.n, 0);
        qn_buf_init(&file, SIZE_MAX);
        read_bytes(&d, THIRD, &file);
        size_t n_frames = find_frames(&file, at, heads, 64);
        size_t i = which == 2 ? n_frames - 1 : (size_t)which;
        file.p[at[i] + 100] ^= 4;
        write_bytes(&d, THIRD, file.p, file.n);
        uint64_t bad = heads[i].first_seq;
        assert_int_equal(read_until_corrupt(&d, THIRD, at[i]), bad - 1);

        check(&d, false, &f);
        assert_int_equal(f.n, 1);
        assert_string_equal(f.file, THIRD);
        assert_int_equal(f.offset, at[i]);
        assert_int_equal(f.first_lost, bad);
        assert_int_equal(f.lost, 1);
        assert_int_equal(read_until_corrupt(&d, THIRD, at[i]), bad - 1); /* nothing was changed */

        check(&d, true, &f);
        assert_int_equal(f.lost, 1);
        assert_true(file_exists(&d, THIRD ".bad"));
        expect_all_but(&d, n, bad, bad + 1);
        check(&d, false, &f);
        assert_int_equal(f.n, 0);
        qn_buf_release(&file);
        jt_dir_drop(&d);
    }
}

static void test_missing_segment(void **state)
{
    (void)state;
    struct jt_dir d;
    uint64_t starts[16];
    size_t n_starts = 16;
    struct findings f;
    uint64_t n = make_segments(&d, starts, &n_starts);
    remove_file(&d, THIRD);
    expect_corrupt_open(&d, "0000000000000004.qj", 0);
    check(&d, true, &f);
    assert_int_equal(f.lost, starts[3] - starts[2]);
    expect_all_but(&d, n, starts[2], starts[3]);
    check(&d, false, &f);
    assert_int_equal(f.n, 0);
    jt_dir_drop(&d);
}

static void test_damaged_heads(void **state)
{
    (void)state;
    for (uint64_t which = 1; which <= 3; which += 2) {
        struct jt_dir d;
        struct qn_buf file;
        uint64_t starts[16];
        size_t n_starts = 16;
        struct findings f;
        char name[32];
        uint64_t n = make_segments(&d, starts, &n_starts);
        qn__segment_name(name, which);
        qn_buf_init(&file, SIZE_MAX);
        read_bytes(&d, name, &file);
        for (size_t i = 0; i < QN_SEGMENT_HEAD_BYTES; i += 7) {
            file.p[i] ^= 2;
            write_bytes(&d, name, file.p, file.n);
            expect_corrupt_open(&d, name, 0);
            file.p[i] ^= 2;
        }
        memset(file.p, 0, QN_SEGMENT_HEAD_BYTES);
        write_bytes(&d, name, file.p, file.n);
        check(&d, true, &f);
        assert_int_equal(f.lost, 0);
        expect_all_but(&d, n, 0, 0);
        write_bytes(&d, name, file.p, 50); /* shorter than a head: all of it is lost */
        expect_corrupt_open(&d, name, 0);
        check(&d, true, &f);
        expect_all_but(&d, n + 1, starts[which - 1], starts[which]);
        qn_buf_release(&file);
        jt_dir_drop(&d);
    }
}

/* A segment of another journal, or under another name, is refused. */
static void test_foreign_segment(void **state)
{
    (void)state;
    struct jt_dir a, b;
    uint64_t starts[16];
    size_t n_starts = 16;
    struct qn_buf file;
    make_segments(&a, starts, &n_starts);
    n_starts = 16;
    make_segments(&b, starts, &n_starts);
    qn_buf_init(&file, SIZE_MAX);
    read_bytes(&a, "0000000000000002.qj", &file);
    write_bytes(&b, "0000000000000002.qj", file.p, file.n);
    expect_corrupt_open(&b, "0000000000000002.qj", 0);
    write_bytes(&a, THIRD, file.p, file.n);
    expect_corrupt_open(&a, THIRD, 0);
    qn_buf_release(&file);
    jt_dir_drop(&a);
    jt_dir_drop(&b);
}

/* A newer format is refused, by name, and nothing is touched. */
static void test_newer_version(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_buf file, after;
    make_killed(&d, &file, 2, 10);
    qn_buf_init(&after, SIZE_MAX);
    file.p[12] = 2;
    uint32_t crc = jt_simd()->crc32c(0, file.p + 12, QN_SEGMENT_HEAD_BYTES - 12);
    memcpy(file.p + 8, &crc, 4);
    write_bytes(&d, FIRST, file.p, file.n);
    struct qn_journal_options opt = jt_options(&d);
    struct qn_journal *j;
    struct qn_err err = {0};
    assert_int_equal(qn_journal_open(&j, &opt, NULL, &err), QN_E_FORMAT_VERSION);
    assert_non_null(strstr(err.msg, FIRST));
    read_bytes(&d, FIRST, &after);
    assert_true(qn_str_eq(qn_buf_str(&file), qn_buf_str(&after)));
    qn_buf_release(&file);
    qn_buf_release(&after);
    jt_dir_drop(&d);
}

/* Killed while writing into a recycled file: what an earlier life left there is not taken for
 * frames, whatever it looks like. */
static void test_recycled_tail(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_buf file;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 4096;
    struct qn_journal *j = jt_open(&opt, NULL);
    uint64_t k = 0;
    struct qn_journal_stats st = {0};
    while (st.recycled_segments < 3) {
        assert_ok(jt_append(j, 0, k++, 1, 500, NULL));
        assert_ok(qn_journal_truncate(j, k - 1, NULL));
        qn_journal_stats(j, &st);
    }
    uint64_t newest[16];
    size_t n = qn_journal_starts(j, newest, 16);
    assert_true(n >= 1);
    char name[32];
    qn_buf_init(&file, SIZE_MAX);
    for (uint64_t ordinal = 100; ordinal > 0; ordinal--) {
        qn__segment_name(name, ordinal);
        if (file_exists(&d, name))
            break;
    }
    read_bytes(&d, name, &file);
    assert_true(file.n > 3000); /* the old content is still behind the new frame */
    qn_journal_close(j);
    write_bytes(&d, name, file.p, file.n);
    struct qn_journal_report rp;
    j = jt_open(&opt, &rp);
    assert_int_equal(rp.end, k + 1);
    assert_true(rp.cut_bytes > 0);
    assert_ok(jt_append(j, 0, k++, 1, 500, NULL));
    uint64_t first = qn_journal_first(j);
    assert_int_equal(jt_read_run(j, first, first - 1, 500), k - (first - 1));
    qn_journal_close(j);
    qn_buf_release(&file);
    jt_dir_drop(&d);
}

/* Random damage anywhere, in any number of places: a check never misjudges what it reports, a
 * repair always leads to a journal that opens, reads to its end, in order, with nothing made up. */
static void test_repair_anything(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(11);
    for (int round = 0; round < 60; round++) {
        struct jt_dir d;
        uint64_t starts[16];
        size_t n_starts = 16;
        struct findings f;
        uint64_t n = make_segments(&d, starts, &n_starts);
        uint64_t hits = 1 + qn_rng_below(&r, 6);
        for (uint64_t h = 0; h < hits; h++) {
            char name[32];
            struct qn_buf file;
            qn__segment_name(name, 1 + qn_rng_below(&r, n_starts));
            if (!file_exists(&d, name))
                continue;
            qn_buf_init(&file, SIZE_MAX);
            read_bytes(&d, name, &file);
            size_t at = qn_rng_below(&r, file.n);
            switch (qn_rng_below(&r, 4)) {
            case 0:
                file.p[at] ^= (char)(1u << qn_rng_below(&r, 8));
                break;
            case 1:
                for (size_t i = at; i < file.n && i < at + 700; i++)
                    file.p[i] = (char)qn_rng_next(&r);
                break;
            case 2:
                file.n = at;
                break;
            default:
                memset(file.p, 0, at);
                break;
            }
            write_bytes(&d, name, file.p, file.n);
            qn_buf_release(&file);
        }
        check(&d, true, &f);
        struct qn_journal_options opt = jt_options(&d);
        struct qn_journal *j = jt_open(&opt, NULL);
        struct qn_journal_reader *rd;
        struct qn_batch *b;
        struct qn_err err = {0};
        uint64_t last = 0, seen = 0;
        int rc;
        assert_ok(qn_journal_reader_open(&rd, j, qn_journal_first(j), NULL));
        while ((rc = qn_journal_reader_next(rd, &b, &err)) == 0) {
            assert_true(b->rec.seq > last && b->rec.seq <= n);
            assert_true(jt_same_docs(b, 0, b->rec.seq - 1, 500));
            last = b->rec.seq;
            seen++;
            qn_batch_unref(b);
        }
        if (rc != QN_END)
            fail_msg("read after repair: %s", err.msg);
        assert_true(f.n > 0 || seen == n);
        qn_journal_reader_close(rd);
        assert_ok(jt_append(j, 0, 0, 1, 500, NULL));
        qn_journal_close(j);
        check(&d, false, &f);
        assert_int_equal(f.n, 0);
        jt_dir_drop(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torn_at_every_byte),
        cmocka_unit_test(test_damaged_middle),
        cmocka_unit_test(test_damaged_last_after_close),
        cmocka_unit_test(test_hole_in_unsynced_group),
        cmocka_unit_test(test_damaged_sealed_segment),
        cmocka_unit_test(test_missing_segment),
        cmocka_unit_test(test_damaged_heads),
        cmocka_unit_test(test_foreign_segment),
        cmocka_unit_test(test_newer_version),
        cmocka_unit_test(test_recycled_tail),
        cmocka_unit_test(test_repair_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
