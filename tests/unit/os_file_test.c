/* os/file.h, os/mmap.h, os/dirlock.h and os/fault.h. */
#include "test.h"
#include "tmpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/dirlock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/mmap.h"

struct fixture {
    char dir[64];
    struct qn_fault_fs ft;
    char *path[16]; /* a ring of made-up paths */
    unsigned next;
};

static int setup(void **state)
{
    struct fixture *fx = qn_xcalloc(1, sizeof *fx);
    if (!qn_test_dir(fx->dir))
        return -1;
    qn_fault_init(&fx->ft, qn_fs_posix());
    *state = fx;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    qn_fault_release(&fx->ft);
    int rc = qn_fs_remove_tree(qn_fs_posix(), fx->dir, NULL);
    for (size_t i = 0; i < QN_COUNT_OF(fx->path); i++)
        free(fx->path[i]);
    free(fx);
    return rc;
}

static const char *at(struct fixture *fx, const char *name)
{
    char **z = &fx->path[fx->next++ % QN_COUNT_OF(fx->path)];
    free(*z);
    *z = qn_path_join(fx->dir, qn_str_of(name));
    return *z;
}

static struct qn_str slurp(struct fixture *fx, const char *name, struct qn_buf *buf)
{
    qn_buf_clear(buf);
    int rc = qn_fs_read_file(qn_fs_posix(), at(fx, name), 1 << 20, buf, NULL);
    return rc < 0 ? qn_str_of(qn_err_name(rc)) : qn_buf_str(buf);
}

static void whole_files(void **state)
{
    struct fixture *fx = *state;
    struct qn_fs *fs = qn_fs_posix();
    struct qn_err err = {0};
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    assert_int_equal(qn_fs_read_file(fs, at(fx, "no"), 10, &buf, &err), QN_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "/no: No such file or directory"));
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR("one"), NULL));
    assert_str(slurp(fx, "a", &buf), "one");
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR(""), NULL));
    assert_str(slurp(fx, "a", &buf), "");
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR("0123456789"), NULL));
    assert_int_equal(qn_fs_read_file(fs, at(fx, "a"), 9, &buf, NULL), QN_E_TOO_LARGE);
    assert_int_equal(buf.n, 0);
    assert_ok(qn_fs_read_file(fs, at(fx, "a"), 10, &buf, NULL));
    assert_int_equal(qn_fs_exists(fs, at(fx, "a.tmp")), 0);
    assert_int_equal(qn_fs_exists(fs, at(fx, "a")), 1);
    /* many times the read chunk */
    size_t n = 300001;
    char *big = qn_xmalloc(n);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * 7 + i / 251);
    assert_ok(qn_fs_write_file(fs, at(fx, "big"), qn_str_make(big, n), NULL));
    assert_true(qn_str_eq(slurp(fx, "big", &buf), qn_str_make(big, n)));
    free(big);
    qn_buf_release(&buf);
}

static void descriptors(void **state)
{
    struct fixture *fx = *state;
    struct qn_fs *fs = qn_fs_posix();
    const char *path = at(fx, "f");
    unsigned rw = QN_OPEN_READ | QN_OPEN_WRITE;
    int fd = qn_fs_open(fs, path, rw | QN_OPEN_CREATE | QN_OPEN_EXCL, NULL);
    assert_true(fd >= 0);
    struct qn_err err = {0};
    assert_int_equal(qn_fs_open(fs, path, rw | QN_OPEN_CREATE | QN_OPEN_EXCL, &err), QN_E_EXISTS);
    assert_ok(qn_fs_write(fs, fd, "hello world", 11, 0));
    assert_ok(qn_fs_reserve(fs, fd, 0, 1 << 16));
    struct qn_stat st;
    assert_ok(qn_fs_fstat(fs, fd, &st));
    assert_int_equal(st.size_bytes, 11);
    assert_int_equal(st.kind, QN_FILE_REGULAR);
    char got[16] = {0};
    assert_ok(qn_fs_read(fs, fd, got, 5, 6));
    assert_string_equal(got, "world");
    assert_int_equal(qn_fs_read(fs, fd, got, 6, 6), QN_E_TRUNCATED);
    size_t n;
    assert_ok(qn_fs_read_some(fs, fd, got, 16, 6, &n));
    assert_int_equal(n, 5);
    assert_ok(qn_fs_truncate(fs, fd, 5));
    int ap = qn_fs_open(fs, path, QN_OPEN_WRITE | QN_OPEN_APPEND, NULL);
    assert_ok(qn_fs_append(fs, ap, ", you", 5));
    qn_fs_close(fs, ap);
    assert_ok(qn_fs_sync_data(fs, fd));
    assert_ok(qn_fs_sync(fs, fd));
    qn_fs_close(fs, fd);
    qn_fs_close(fs, -1);
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    assert_str(slurp(fx, "f", &buf), "hello, you");
    qn_buf_release(&buf);
    struct qn_disk disk;
    assert_ok(qn_fs_disk(fs, fx->dir, &disk, NULL));
    assert_true(disk.total_bytes >= disk.free_bytes && disk.total_bytes > 0);
}

static int count_names(void *arg, const struct qn_dirent *ent)
{
    assert_string_not_equal(ent->name, ".");
    assert_string_not_equal(ent->name, "..");
    ++*(int *)arg;
    return 0;
}

static int stop_with(void *arg, const struct qn_dirent *ent)
{
    (void)arg;
    (void)ent;
    return QN_E_CONFLICT;
}

static void directories(void **state)
{
    struct fixture *fx = *state;
    struct qn_fs *fs = qn_fs_posix();
    assert_ok(qn_fs_mkdirs(fs, at(fx, "x/y/z"), NULL));
    assert_ok(qn_fs_mkdirs(fs, at(fx, "x/y/z/"), NULL));
    assert_int_equal(qn_fs_mkdir(fs, at(fx, "x"), NULL), QN_E_EXISTS);
    assert_ok(qn_fs_write_file(fs, at(fx, "x/f"), QN_STR("f"), NULL));
    struct qn_err err = {0};
    assert_true(qn_fs_mkdirs(fs, at(fx, "x/f/g"), &err) < 0);
    assert_int_equal(err.code != 0, 1);
    int n = 0;
    assert_ok(qn_fs_list(fs, at(fx, "x"), count_names, &n, NULL));
    assert_int_equal(n, 2);
    assert_int_equal(qn_fs_list(fs, at(fx, "x"), stop_with, NULL, NULL), QN_E_CONFLICT);
    assert_int_equal(qn_fs_list(fs, at(fx, "q"), count_names, &n, NULL), QN_E_NOT_FOUND);
    assert_int_equal(qn_fs_rmdir(fs, at(fx, "x"), NULL), QN_E_EXISTS);

    assert_ok(qn_fs_write_file(fs, at(fx, "g"), QN_STR("g"), NULL));
    assert_int_equal(qn_fs_rename(fs, at(fx, "g"), at(fx, "x/f"), false, NULL), QN_E_EXISTS);
    assert_ok(qn_fs_rename(fs, at(fx, "g"), at(fx, "x/f"), true, NULL));
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    assert_str(slurp(fx, "x/f", &buf), "g");
    qn_buf_release(&buf);
    assert_int_equal(symlink(fx->dir, at(fx, "x/loop")), 0); /* removed, not followed */
    assert_ok(qn_fs_remove_tree(fs, at(fx, "x"), NULL));
    assert_int_equal(qn_fs_exists(fs, at(fx, "x")), 0);
    assert_int_equal(qn_fs_exists(fs, fx->dir), 1);
    assert_ok(qn_fs_remove_tree(fs, at(fx, "x"), NULL));
}

static void paths(void **state)
{
    (void)state;
    static const struct {
        const char *path, *dir;
    } rows[] = {
        {"a", "."}, {"a/b", "a"}, {"/a", "/"}, {"/", "/"}, {"a/b/", "a"}, {"a//b", "a"}, {"", "."},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        assert_str(qn_path_dir(qn_str_of(rows[i].path)), rows[i].dir);
    static const struct {
        const char *dir, *name, *want;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "/b"}};
    for (size_t i = 0; i < QN_COUNT_OF(joins); i++) {
        char *z = qn_path_join(joins[i].dir, qn_str_of(joins[i].name));
        assert_string_equal(z, joins[i].want);
        free(z);
    }
}

static void mappings(void **state)
{
    struct fixture *fx = *state;
    struct qn_fs *fs = qn_fs_posix();
    long page = sysconf(_SC_PAGESIZE);
    const long sizes[] = {0, 1, page - 65, page - 64, page - 1, page, page + 1, 5 * page};
    for (size_t i = 0; i < QN_COUNT_OF(sizes); i++) {
        size_t n = (size_t)sizes[i];
        char *bytes = qn_xmalloc(n + 1);
        memset(bytes, 'x', n);
        const char *path = at(fx, "m");
        assert_ok(qn_fs_write_file(fs, path, qn_str_make(bytes, n), NULL));
        int fd = qn_fs_open(fs, path, QN_OPEN_READ, NULL);
        struct qn_mmap mm;
        assert_int_equal(qn_mmap_open(&mm, fd, n + 1), QN_E_TRUNCATED);
        assert_ok(qn_mmap_open(&mm, fd, n));
        qn_fs_close(fs, fd);
        assert_non_null(mm.p);
        unsigned sum = 0;
        for (size_t k = 0; k < n + QN_PAD; k++)
            sum += mm.p[k];
        assert_int_equal(sum, n * 'x'); /* the padding reads as zeros */
        qn_mmap_advise(&mm, 1, SIZE_MAX, QN_MMAP_WILLNEED);
        qn_mmap_advise(&mm, n, 1, QN_MMAP_RANDOM);
        qn_mmap_close(&mm);
        qn_mmap_close(&mm);
        free(bytes);
    }
}

static void one_owner(void **state)
{
    struct fixture *fx = *state;
    struct qn_err err = {0};
    int lock = qn_dirlock_take(fx->dir, &err);
    assert_ok(lock);
    assert_int_equal(qn_dirlock_take(fx->dir, &err), QN_E_BUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    assert_non_null(strstr(err.msg, pid));
    qn_dirlock_drop(lock);

    /* the kernel drops it with its process */
    pid_t child = fork();
    if (child == 0) {
        int rc = qn_dirlock_take(fx->dir, NULL);
        _exit(rc >= 0 ? 7 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    lock = qn_dirlock_take(fx->dir, NULL);
    assert_ok(lock);
    qn_dirlock_drop(lock);
    qn_dirlock_drop(-1);
    memset(&err, 0, sizeof err);
    assert_int_equal(qn_dirlock_take(at(fx, "none"), &err), QN_E_NOT_FOUND);
}

static void injected_faults(void **state)
{
    struct fixture *fx = *state;
    struct qn_fs *fs = &fx->ft.fs;
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR("old"), NULL));

    static const struct {
        enum qn_fault_op op;
        int errnum, want;
    } rows[] = {
        {QN_FAULT_OPEN, EACCES, QN_E_ACCESS},     {QN_FAULT_WRITE, EIO, QN_E_IO},
        {QN_FAULT_WRITE, ENOSPC, QN_E_NO_SPACE},  {QN_FAULT_SYNC, EIO, QN_E_IO},
        {QN_FAULT_RENAME, ENOSPC, QN_E_NO_SPACE},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        qn_fault_add(&fx->ft, (struct qn_fault){.op = rows[i].op, .errnum = rows[i].errnum});
        struct qn_err err = {0};
        assert_int_equal(qn_fs_write_file(fs, at(fx, "a"), QN_STR("new"), &err), rows[i].want);
        assert_int_equal(err.code, rows[i].want);
        qn_fault_clear(&fx->ft);
        assert_str(slurp(fx, "a", &buf), "old");
        assert_int_equal(qn_fs_exists(fs, at(fx, "a.tmp")), 0);
    }
    /* short reads and writes, and EINTR, are ridden out */
    qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_WRITE});
    qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_READ, .after = 2});
    qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_READ, .count = 2, .errnum = EINTR});
    qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_SYNC, .count = 3, .errnum = EINTR});
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR("0123456789abcdef"), NULL));
    assert_true(qn_fault_seen(&fx->ft, QN_FAULT_WRITE) >= 5);
    assert_ok(qn_fs_read_file(fs, at(fx, "a"), 100, &buf, NULL));
    assert_str(slurp(fx, "a", &buf), "0123456789abcdef");
    qn_fault_clear(&fx->ft);

    /* only the names asked for, only the operations asked for */
    qn_fault_add(
        &fx->ft,
        (struct qn_fault){
            .op = QN_FAULT_OPEN, .path_part = "/b", .after = 1, .count = 1, .errnum = EIO});
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR("1"), NULL));
    assert_ok(qn_fs_write_file(fs, at(fx, "b"), QN_STR("1"), NULL));
    assert_int_equal(qn_fs_write_file(fs, at(fx, "b"), QN_STR("2"), NULL), QN_E_IO);
    assert_ok(qn_fs_write_file(fs, at(fx, "b"), QN_STR("3"), NULL));
    qn_fault_clear(&fx->ft);

    /* a full disk, and room again */
    qn_fault_set_space(&fx->ft, 6);
    struct qn_disk disk;
    assert_ok(qn_fs_disk(fs, fx->dir, &disk, NULL));
    assert_int_equal(disk.free_bytes, 6);
    assert_int_equal(qn_fs_write_file(fs, at(fx, "a"), QN_STR("1234567"), NULL), QN_E_NO_SPACE);
    qn_fault_set_space(&fx->ft, 7);
    assert_ok(qn_fs_write_file(fs, at(fx, "a"), QN_STR("1234567"), NULL));
    qn_buf_release(&buf);
}

/* What the disk holds after a crash at each point of replacing a file: old or new, never between.
 */
static void crash_points_of_write_file(void **state)
{
    struct fixture *fx = *state;
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    bool saw_old = false, saw_new = false;
    for (uint64_t seed = 0; seed < 8; seed++) {
        for (uint64_t halt = 0;; halt++) {
            assert_ok(qn_fs_write_file(qn_fs_posix(), at(fx, "a"), QN_STR("the old bytes"), NULL));
            struct qn_fault_fs ft;
            qn_fault_init(&ft, qn_fs_posix());
            qn_fault_track(&ft);
            qn_fault_halt(&ft, halt);
            int rc =
                qn_fs_write_file(&ft.fs, at(fx, "a"), QN_STR("new, and longer than old"), NULL);
            qn_fault_crash(&ft, seed);
            qn_fault_release(&ft);
            struct qn_str got = slurp(fx, "a", &buf);
            bool is_new = qn_str_is(got, "new, and longer than old");
            if (!is_new)
                assert_str(got, "the old bytes");
            saw_old |= !is_new;
            saw_new |= is_new;
            if (rc == QN_OK) {
                assert_true(is_new); /* what was promised is there */
                break;
            }
        }
    }
    assert_true(saw_old && saw_new);
    qn_buf_release(&buf);
}

static void crash_forgets_the_unsynced(void **state)
{
    struct fixture *fx = *state;
    struct qn_fault_fs *ft = &fx->ft;
    struct qn_fs *fs = &ft->fs;
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    unsigned make = QN_OPEN_WRITE | QN_OPEN_CREATE;
    assert_ok(qn_fs_write_file(fs, at(fx, "keep"), QN_STR("kept"), NULL));
    assert_ok(qn_fs_write_file(fs, at(fx, "moved"), QN_STR("m"), NULL));
    assert_ok(qn_fs_write_file(fs, at(fx, "over"), QN_STR("o"), NULL));
    qn_fault_track(ft);

    int fd = qn_fs_open(fs, at(fx, "keep"), QN_OPEN_WRITE, NULL);
    assert_ok(qn_fs_write(fs, fd, "K", 1, 0));
    assert_ok(qn_fs_sync(fs, fd)); /* this one lasts */
    assert_ok(qn_fs_write(fs, fd, "EPT and grown", 13, 1));
    assert_ok(qn_fs_truncate(fs, fd, 2));
    assert_ok(qn_fs_truncate(fs, fd, 100));
    qn_fs_close(fs, fd);
    fd = qn_fs_open(fs, at(fx, "fresh"), make, NULL);
    assert_ok(qn_fs_write(fs, fd, "x", 1, 0));
    assert_ok(qn_fs_sync(fs, fd)); /* its bytes, not its name */
    qn_fs_close(fs, fd);
    assert_ok(qn_fs_unlink(fs, at(fx, "moved"), NULL));
    assert_ok(qn_fs_write_file(qn_fs_posix(), at(fx, "moved"), QN_STR("behind its back"), NULL));
    assert_ok(qn_fs_rename(fs, at(fx, "moved"), at(fx, "over"), true, NULL));
    assert_ok(qn_fs_mkdir(fs, at(fx, "d"), NULL));
    qn_fault_crash(ft, 0);
    assert_str(slurp(fx, "keep", &buf), "Kept");
    assert_str(slurp(fx, "fresh", &buf), "NOT_FOUND");
    assert_str(slurp(fx, "moved", &buf), "m");
    assert_str(slurp(fx, "over", &buf), "o");
    assert_int_equal(qn_fs_exists(fs, at(fx, "d")), 0);
    int n = 0;
    assert_ok(qn_fs_list(qn_fs_posix(), fx->dir, count_names, &n, NULL));
    assert_int_equal(n, 3); /* no backups left behind */
    qn_buf_release(&buf);
}

/* A failed sync loses what it covered, even when a later sync succeeds. */
static void failed_sync_loses_data(void **state)
{
    struct fixture *fx = *state;
    struct qn_fs *fs = &fx->ft.fs;
    struct qn_buf buf;
    qn_buf_init(&buf, SIZE_MAX);
    assert_ok(qn_fs_write_file(fs, at(fx, "w"), QN_STR(""), NULL));
    qn_fault_track(&fx->ft);
    int fd = qn_fs_open(fs, at(fx, "w"), QN_OPEN_WRITE, NULL);
    assert_ok(qn_fs_write(fs, fd, "aaaa", 4, 0));
    assert_ok(qn_fs_sync(fs, fd));
    assert_ok(qn_fs_write(fs, fd, "bbbb", 4, 4));
    qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_SYNC, .count = 1, .errnum = EIO});
    assert_int_equal(qn_fs_sync(fs, fd), QN_E_IO);
    assert_ok(qn_fs_write(fs, fd, "cccc", 4, 8));
    assert_ok(qn_fs_sync(fs, fd));
    qn_fs_close(fs, fd);
    qn_fault_crash(&fx->ft, 3);
    struct qn_str got = slurp(fx, "w", &buf);
    assert_true(qn_str_eq(got, qn_str_make("aaaa\0\0\0\0cccc", 12)));
    qn_buf_release(&buf);
}

/* Random appends with random syncs: after any crash the file is a prefix of what was appended, at
 * least as long as what was synced. */
static void crashed_logs_are_prefixes(void **state)
{
    struct fixture *fx = *state;
    struct qn_rng rng = qn_test_rng(11);
    struct qn_buf want, got;
    qn_buf_init(&want, SIZE_MAX);
    qn_buf_init(&got, SIZE_MAX);
    unsigned torn = 0;
    for (int round = 0; round < 200; round++) {
        struct qn_fault_fs ft;
        qn_fault_init(&ft, qn_fs_posix());
        qn_fault_track(&ft);
        qn_buf_clear(&want);
        size_t synced = 0;
        unsigned flags = QN_OPEN_WRITE | QN_OPEN_CREATE | QN_OPEN_TRUNC | QN_OPEN_APPEND;
        int fd = qn_fs_open(&ft.fs, at(fx, "log"), flags, NULL);
        assert_ok(fd);
        assert_ok(qn_fs_sync(&ft.fs, fd));
        assert_ok(qn_fs_sync_dir(&ft.fs, fx->dir, NULL));
        for (uint64_t i = qn_rng_below(&rng, 20); i-- > 0;) {
            char rec[32];
            size_t n = 1 + (size_t)qn_rng_below(&rng, sizeof rec);
            memset(rec, 'a' + (int)qn_rng_below(&rng, 26), n);
            assert_ok(qn_fs_append(&ft.fs, fd, rec, n));
            qn_buf_put(&want, rec, n);
            if (qn_rng_below(&rng, 4) == 0) {
                assert_ok(qn_fs_sync_data(&ft.fs, fd));
                synced = want.n;
            }
        }
        qn_fs_close(&ft.fs, fd);
        qn_fault_crash(&ft, qn_rng_next(&rng) | 1);
        qn_fault_release(&ft);
        struct qn_str left = slurp(fx, "log", &got);
        assert_true(left.n >= synced && left.n <= want.n);
        assert_true(qn_str_starts(qn_buf_str(&want), left));
        torn += left.n > synced && left.n < want.n;
    }
    assert_true(torn > 10);
    qn_buf_release(&want);
    qn_buf_release(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole_files, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(directories, setup, teardown),
        cmocka_unit_test(paths),
        cmocka_unit_test_setup_teardown(mappings, setup, teardown),
        cmocka_unit_test_setup_teardown(one_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(injected_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(crash_points_of_write_file, setup, teardown),
        cmocka_unit_test_setup_teardown(crash_forgets_the_unsynced, setup, teardown),
        cmocka_unit_test_setup_teardown(failed_sync_loses_data, setup, teardown),
        cmocka_unit_test_setup_teardown(crashed_logs_are_prefixes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
