/* The local driver when disks misbehave, uri parsing, and objects and sinks by themselves. */
#include "test.h"
#include "tmpdir.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/fault.h"
#include "storage/storage.h"

struct fixture {
    char dir[64];
    struct qn_fault_fs ft;
    struct qn_storage *st;
};

static int setup(void **state)
{
    struct fixture *fx = qn_xcalloc(1, sizeof *fx);
    if (!qn_test_dir(fx->dir))
        return -1;
    qn_fault_init(&fx->ft, qn_fs_posix());
    *state = fx;
    return qn_storage_open_local(&fx->st, &fx->ft.fs, fx->dir, NULL);
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    qn_storage_unref(fx->st);
    qn_fault_release(&fx->ft);
    int rc = qn_fs_remove_tree(qn_fs_posix(), fx->dir, NULL);
    free(fx);
    return rc;
}

static int count_one(void *arg, const struct qn_dirent *ent)
{
    (void)ent;
    ++*(int *)arg;
    return 0;
}

static int entries_of(struct fixture *fx, const char *name)
{
    int n = 0;
    char *dir = qn_path_join(fx->dir, qn_str_of(name));
    assert_ok(qn_fs_list(qn_fs_posix(), dir, count_one, &n, NULL));
    free(dir);
    return n;
}

/* "" when there is none. */
static void read_key(struct fixture *fx, const char *key, char *out, size_t cap)
{
    struct qn_object *ob;
    struct qn_slice sl;
    out[0] = '\0';
    int rc = qn_storage_open(fx->st, qn_str_of(key), QN_SIZE_UNKNOWN, &ob, NULL);
    if (rc == QN_E_NOT_FOUND)
        return;
    assert_ok(rc);
    assert_true(ob->size_bytes < cap);
    assert_ok(qn_object_read(ob, 0, (size_t)ob->size_bytes, &sl, NULL));
    memcpy(out, sl.p, sl.n);
    out[sl.n] = '\0';
    qn_slice_release(&sl);
    qn_object_unref(ob);
}

enum way { BY_BYTES, BY_FILE, BY_COPY, BY_UPLOAD, WAYS };

static int put_by(struct fixture *fx, enum way way, const char *key, const char *bytes,
                  struct qn_err *err)
{
    struct qn_str k = qn_str_of(key), b = qn_str_of(bytes);
    char *file = qn_path_join(fx->dir, QN_STR("../qn_put_by_file"));
    int rc = QN_OK;
    struct qn_upload *up;
    switch (way) {
    case BY_BYTES:
        rc = qn_storage_put(fx->st, k, b, 0, err);
        break;
    case BY_FILE:
        assert_ok(qn_fs_write_file(qn_fs_posix(), file, b, NULL));
        rc = qn_storage_put_file(fx->st, k, file, 0, err);
        assert_ok(qn_fs_unlink(qn_fs_posix(), file, NULL));
        break;
    case BY_COPY:
        assert_ok(qn_fs_remove_tree(qn_fs_posix(), file, NULL));
        snprintf(file, strlen(file) + 1, "%s/source", fx->dir); /* behind the fault layer */
        assert_ok(qn_fs_write_file(qn_fs_posix(), file, b, NULL));
        rc = qn_storage_copy(fx->st, QN_STR("source"), k, 0, err);
        break;
    case BY_UPLOAD:
        rc = qn_storage_begin(fx->st, k, 0, &up, err);
        if (rc == QN_OK) {
            qn_sink_put(&up->sink, bytes, b.n);
            rc = qn_upload_commit(up, err);
        }
        break;
    case WAYS:
        break;
    }
    free(file);
    return rc;
}

/* Each way of writing under each fault: the error's code, the old bytes, nothing left over; and
 * success once the fault is gone. */
static void faults_leave_the_old_object(void **state)
{
    struct fixture *fx = *state;
    static const struct {
        enum qn_fault_op op;
        const char *part;
        int errnum, want;
    } rows[] = {
        {QN_FAULT_OPEN, "qn-tmp", ENOSPC, QN_E_NO_SPACE},
        {QN_FAULT_WRITE, NULL, ENOSPC, QN_E_NO_SPACE},
        {QN_FAULT_WRITE, NULL, EIO, QN_E_IO},
        {QN_FAULT_SYNC, NULL, EIO, QN_E_IO},
        {QN_FAULT_SYNC, NULL, ENOSPC, QN_E_NO_SPACE},
        {QN_FAULT_RENAME, NULL, EIO, QN_E_IO},
        {QN_FAULT_RENAME, NULL, EDQUOT, QN_E_NO_SPACE},
    };
    char got[64];
    assert_ok(put_by(fx, BY_BYTES, "old/k", "old bytes", NULL));
    for (enum way way = BY_BYTES; way < WAYS; way++) {
        for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
            qn_fault_add(&fx->ft, (struct qn_fault){.op = rows[i].op,
                                                    .path_part = rows[i].part,
                                                    .errnum = rows[i].errnum});
            struct qn_err err = {0};
            assert_int_equal(put_by(fx, way, "old/k", "new bytes!", &err), rows[i].want);
            assert_int_equal(err.code, rows[i].want);
            assert_non_null(strstr(err.msg, "old/k: "));
            assert_non_null(strstr(err.msg, "file://"));
            memset(&err, 0, sizeof err);
            assert_int_equal(put_by(fx, way, "fresh/k", "new bytes!", &err), rows[i].want);
            qn_fault_clear(&fx->ft);
            read_key(fx, "old/k", got, sizeof got);
            assert_string_equal(got, "old bytes");
            assert_int_equal(qn_storage_exists(fx->st, QN_STR("fresh/k"), NULL), 0);
            assert_int_equal(entries_of(fx, ".qn-tmp"), 0);
        }
        assert_ok(put_by(fx, way, "fresh/k", "new bytes!", NULL));
        read_key(fx, "fresh/k", got, sizeof got);
        assert_string_equal(got, "new bytes!");
        assert_ok(qn_storage_delete(fx->st, QN_STR("fresh/k"), NULL));
    }
}

static void a_full_disk_and_room_again(void **state)
{
    struct fixture *fx = *state;
    char *big = qn_xcalloc(1, 1 << 20);
    qn_fault_set_space(&fx->ft, 700000);
    struct qn_upload *up;
    struct qn_err err = {0};
    assert_ok(qn_storage_begin(fx->st, QN_STR("big"), 0, &up, NULL));
    for (int i = 0; i < 16; i++) /* errors stick: the writer need not look */
        qn_sink_put(&up->sink, big, 1 << 16);
    assert_int_equal(qn_sink_failed(&up->sink), QN_E_NO_SPACE);
    assert_int_equal(qn_upload_commit(up, &err), QN_E_NO_SPACE);
    assert_non_null(strstr(err.msg, "no space"));
    assert_int_equal(entries_of(fx, ".qn-tmp"), 0);
    assert_int_equal(qn_storage_exists(fx->st, QN_STR("big"), NULL), 0);
    const struct qn_storage_account *ac = qn_storage_account(fx->st, QN_STORAGE_PUT);
    assert_int_equal(atomic_load(&ac->errors), 1);
    qn_fault_set_space(&fx->ft, 2 << 20);
    assert_ok(qn_storage_put(fx->st, QN_STR("big"), qn_str_make(big, 1 << 20), 0, NULL));
    free(big);

    struct qn_storage *ram = qn_storage_open_ram(10);
    assert_ok(qn_storage_put(ram, QN_STR("a"), QN_STR("123456"), 0, NULL));
    assert_int_equal(qn_storage_put(ram, QN_STR("b"), QN_STR("12345"), 0, NULL), QN_E_NO_SPACE);
    assert_ok(qn_storage_put(ram, QN_STR("a"), QN_STR("1234567890"), 0, NULL));
    assert_ok(qn_storage_delete(ram, QN_STR("a"), NULL));
    assert_ok(qn_storage_put(ram, QN_STR("b"), QN_STR("12345"), 0, NULL));
    qn_storage_unref(ram);
}

/* The power goes at every step of every way of writing: old bytes or new, and new if acknowledged.
 * Then the server starts again. */
static void crashes_leave_old_or_new(void **state)
{
    struct fixture *fx = *state;
    char got[64];
    bool saw_old = false, saw_new = false;
    for (enum way way = BY_BYTES; way < WAYS; way++) {
        for (uint64_t seed = 0; seed < 4; seed++) {
            for (uint64_t halt = 0;; halt++) {
                assert_ok(put_by(fx, BY_BYTES, "x/k", "the old one", NULL));
                assert_ok(qn_storage_delete(fx->st, QN_STR("deep/er/k"), NULL));
                qn_fault_track(&fx->ft);
                qn_fault_halt(&fx->ft, halt);
                int rc = put_by(fx, way, "x/k", "new", NULL);
                int rc2 = put_by(fx, way, "deep/er/k", "new", NULL);
                qn_fault_crash(&fx->ft, seed);
                qn_fault_clear(&fx->ft);
                qn_storage_unref(fx->st);
                assert_ok(qn_storage_open_local(&fx->st, &fx->ft.fs, fx->dir, NULL));
                read_key(fx, "x/k", got, sizeof got);
                bool is_new = strcmp(got, "new") == 0;
                if (!is_new)
                    assert_string_equal(got, "the old one");
                assert_true(is_new || rc < 0);
                saw_old |= !is_new;
                saw_new |= is_new;
                read_key(fx, "deep/er/k", got, sizeof got);
                if (got[0] != '\0' || rc2 == QN_OK)
                    assert_string_equal(got, "new");
                if (rc2 == QN_OK)
                    break;
            }
        }
    }
    assert_true(saw_old && saw_new);
}

static void deletes_are_durable(void **state)
{
    struct fixture *fx = *state;
    struct qn_str keys[] = {QN_STR("d/1"), QN_STR("d/2"), QN_STR("e/3")};
    for (uint64_t seed = 0; seed < 4; seed++) {
        for (size_t i = 0; i < 3; i++)
            assert_ok(qn_storage_put(fx->st, keys[i], QN_STR("x"), 0, NULL));
        qn_fault_track(&fx->ft);
        assert_ok(qn_storage_delete_many(fx->st, keys, 3, NULL, NULL));
        qn_fault_crash(&fx->ft, seed);
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(qn_storage_exists(fx->st, keys[i], NULL), 0);
    }
    /* one that cannot be deleted does not stop the others */
    for (size_t i = 0; i < 3; i++)
        assert_ok(qn_storage_put(fx->st, keys[i], QN_STR("x"), 0, NULL));
    qn_fault_add(&fx->ft,
                 (struct qn_fault){.op = QN_FAULT_UNLINK, .path_part = "d/2", .errnum = EIO});
    int rcs[3];
    struct qn_err err = {0};
    assert_int_equal(qn_storage_delete_many(fx->st, keys, 3, rcs, &err), QN_E_IO);
    assert_non_null(strstr(err.msg, "d/2"));
    assert_int_equal(rcs[0], QN_OK);
    assert_int_equal(rcs[1], QN_E_IO);
    assert_int_equal(rcs[2], QN_OK);
    assert_int_equal(atomic_load(&qn_storage_account(fx->st, QN_STORAGE_DELETE)->errors), 1);
    qn_fault_clear(&fx->ft);
    qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_SYNC_DIR, .errnum = EIO});
    assert_int_equal(qn_storage_delete(fx->st, keys[1], NULL), QN_E_IO);
}

static void only_objects_are_seen(void **state)
{
    struct fixture *fx = *state;
    char *tmp = qn_path_join(fx->dir, QN_STR(".qn-tmp/0000-1"));
    char *fresh = qn_path_join(fx->dir, QN_STR(".qn-tmp/0000-2"));
    char *link = qn_path_join(fx->dir, QN_STR("link"));
    char *odd = qn_path_join(fx->dir, QN_STR("bad\xff"));
    char *dir = qn_path_join(fx->dir, QN_STR("a/empty"));
    assert_ok(put_by(fx, BY_BYTES, "a/b", "x", NULL));
    assert_ok(qn_fs_mkdirs(qn_fs_posix(), dir, NULL));
    assert_ok(qn_fs_write_file(qn_fs_posix(), tmp, QN_STR("left by a crash"), NULL));
    assert_ok(qn_fs_write_file(qn_fs_posix(), fresh, QN_STR("of another server"), NULL));
    assert_ok(qn_fs_write_file(qn_fs_posix(), odd, QN_STR("?"), NULL));
    assert_int_equal(symlink("/etc/passwd", link), 0);
    struct qn_storage_listing ls;
    qn_storage_listing_init(&ls);
    assert_ok(qn_storage_list(fx->st, QN_STR(""), QN_STR(""), 100, &ls, NULL));
    assert_int_equal(ls.entries.n, 1);
    assert_str(ls.entries.p[0].key, "a/b");
    qn_storage_listing_release(&ls);

    /* leftovers go when they are old enough */
    struct timespec old[2] = {{.tv_sec = time(NULL) - 90000}, {.tv_sec = time(NULL) - 90000}};
    assert_int_equal(utimensat(-1, tmp, old, 0), 0);
    qn_storage_unref(fx->st);
    assert_ok(qn_storage_open_local(&fx->st, &fx->ft.fs, fx->dir, NULL));
    assert_int_equal(qn_fs_exists(qn_fs_posix(), tmp), 0);
    assert_int_equal(qn_fs_exists(qn_fs_posix(), fresh), 1);

    /* an object in the way of a directory and the other way round */
    struct qn_err err = {0};
    assert_int_equal(put_by(fx, BY_BYTES, "a", "x", &err), QN_E_CONFLICT);
    assert_int_equal(put_by(fx, BY_BYTES, "a/b/c", "x", NULL), QN_E_CONFLICT);
    assert_int_equal(qn_storage_exists(fx->st, QN_STR("a/b"), NULL), 1);
    free(tmp);
    free(fresh);
    free(link);
    free(odd);
    free(dir);
}

static void uris(void **state)
{
    struct fixture *fx = *state;
    struct qn_storage *st;
    char uri[100];
    snprintf(uri, sizeof uri, "file://%s/sub/dir", fx->dir);
    assert_ok(qn_storage_open_uri(&st, qn_str_of(uri), qn_fs_posix(), NULL));
    assert_str(qn_storage_uri(st), uri);
    assert_ok(qn_storage_put(st, QN_STR("k"), QN_STR("v"), 0, NULL));
    qn_storage_unref(st);
    assert_ok(qn_storage_open_uri(&st, qn_str_of(uri + 7), qn_fs_posix(), NULL)); /* a bare path */
    assert_str(qn_storage_uri(st), uri);
    assert_int_equal(qn_storage_exists(st, QN_STR("k"), NULL), 1);
    qn_storage_unref(st);
    assert_ok(qn_storage_open_uri(&st, QN_STR("ram:///x"), qn_fs_posix(), NULL));
    qn_storage_unref(st);
    static const struct {
        const char *uri;
        int want;
        const char *says;
    } bad[] = {
        {"ftp://x", QN_E_UNSUPPORTED, "\"ftp\""},     {"file://relative", QN_E_INVALID, "file:///"},
        {"file://", QN_E_INVALID, "no directory"},    {"", QN_E_INVALID, "no directory"},
        {"/dev/null/x", QN_E_NOT_FOUND, "/dev/null"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        struct qn_err err = {0};
        int rc = qn_storage_open_uri(&st, qn_str_of(bad[i].uri), qn_fs_posix(), &err);
        if (i < 4)
            assert_int_equal(rc, bad[i].want);
        assert_true(rc < 0);
        assert_null(st);
        assert_non_null(strstr(err.msg, bad[i].says));
    }
}

static void plain_objects_and_sinks(void **state)
{
    struct fixture *fx = *state;
    struct qn_object *ob = qn_object_from_memory(QN_STR("mem"), "abcdef", 6);
    struct qn_slice sl;
    assert_ok(qn_object_read(ob, 2, 3, &sl, NULL));
    assert_str(qn_str_make(sl.p, sl.n), "cde");
    qn_slice_release(&sl);
    struct qn_err err = {0};
    assert_int_equal(qn_object_read(ob, 7, 0, &sl, &err), QN_E_TRUNCATED);
    assert_non_null(strstr(err.msg, "mem"));
    qn_object_prefetch(ob, &(struct qn_range){0, 6}, 1);
    qn_object_unref(ob);

    char *path = qn_path_join(fx->dir, QN_STR("plain"));
    assert_int_equal(qn_object_open_file(&ob, path, NULL), QN_E_NOT_FOUND);
    assert_ok(qn_fs_write_file(qn_fs_posix(), path, QN_STR("0123456789"), NULL));
    assert_ok(qn_object_open_file(&ob, path, NULL));
    qn_object_prefetch(ob, &(struct qn_range){0, 1 << 20}, 1);
    assert_ok(qn_object_read(ob, 9, 1, &sl, NULL));
    assert_int_equal(sl.p[0], '9');
    qn_slice_release(&sl);
    qn_object_unref(ob);
    free(path);

    struct qn_buf buf;
    struct qn_buf_sink bs;
    qn_buf_init(&buf, 8);
    qn_buf_sink_init(&bs, &buf);
    qn_sink_put(&bs.sink, "abc", 3);
    qn_sink_align(&bs.sink, 4);
    qn_sink_align(&bs.sink, 4);
    assert_int_equal(bs.sink.at, 4);
    assert_int_equal(qn_sink_failed(&bs.sink), 0);
    qn_sink_put(&bs.sink, "12345", 5);
    assert_int_equal(qn_sink_failed(&bs.sink), QN_E_BUDGET);
    qn_sink_put(&bs.sink, "1", 1);
    assert_int_equal(buf.n, 4);
    qn_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(faults_leave_the_old_object, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_and_room_again, setup, teardown),
        cmocka_unit_test_setup_teardown(crashes_leave_old_or_new, setup, teardown),
        cmocka_unit_test_setup_teardown(deletes_are_durable, setup, teardown),
        cmocka_unit_test_setup_teardown(only_objects_are_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(uris, setup, teardown),
        cmocka_unit_test_setup_teardown(plain_objects_and_sinks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
