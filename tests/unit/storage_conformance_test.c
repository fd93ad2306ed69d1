/* What every storage driver must do, run against each of them. With QN_STORAGE_URI it runs against
 * that storage alone, below a new name for each test: tests/http/test_storage_s3.py does so. */
#include "test.h"
#include "tmpdir.h"

#include <sched.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/fault.h"
#include "os/random.h"
#include "os/thread.h"
#include "storage/storage.h"

struct driver {
    const char *name;
    bool local;
    bool choppy; /* reads and writes are cut short */
    bool remote; /* the storage of QN_STORAGE_URI, which does not keep what was replaced */
};

struct fixture {
    const struct driver *dr;
    char dir[64];
    struct qn_fault_fs ft;
    struct qn_storage *st;
};

static const struct driver drivers[] = {
    {"ram", false, false},
    {"local", true, false},
    {"local, choppy", true, true},
};
static const struct driver remote = {.name = "uri", .remote = true};

static void open_remote(struct fixture *fx)
{
    char uri[300];
    unsigned long long token;
    struct qn_err err = {0};
    qn_random_bytes(&token, sizeof token);
    snprintf(uri, sizeof uri, "%s/t-%016llx", getenv("QN_STORAGE_URI"), token);
    if (qn_storage_open_uri(&fx->st, qn_str_of(uri), qn_fs_posix(), &err) < 0)
        fail_msg("%s", err.msg);
}

static void open_driver(struct fixture *fx)
{
    assert_true(qn_test_dir(fx->dir));
    qn_fault_init(&fx->ft, qn_fs_posix());
    if (fx->dr->choppy) {
        qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_WRITE});
        qn_fault_add(&fx->ft, (struct qn_fault){.op = QN_FAULT_READ});
    }
    if (fx->dr->remote)
        open_remote(fx);
    else if (fx->dr->local)
        assert_ok(qn_storage_open_local(&fx->st, &fx->ft.fs, fx->dir, NULL));
    else
        fx->st = qn_storage_open_ram(0);
}

static void close_driver(struct fixture *fx)
{
    qn_storage_unref(fx->st);
    qn_fault_release(&fx->ft);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), fx->dir, NULL));
}

#define KEY(z) qn_str_of(z)

static void put(struct fixture *fx, const char *key, const char *bytes)
{
    assert_ok(qn_storage_put(fx->st, KEY(key), qn_str_of(bytes), 0, NULL));
}

static void assert_holds(struct fixture *fx, const char *key, struct qn_str want)
{
    struct qn_object *ob;
    struct qn_slice sl;
    assert_ok(qn_storage_open(fx->st, KEY(key), QN_SIZE_UNKNOWN, &ob, NULL));
    assert_int_equal(ob->size_bytes, want.n);
    assert_ok(qn_object_read(ob, 0, want.n, &sl, NULL));
    assert_true(qn_str_eq(qn_str_make(sl.p, sl.n), want));
    qn_slice_release(&sl);
    qn_object_unref(ob);
}

static void assert_reads(struct qn_object *ob, const char *start)
{
    struct qn_slice sl;
    assert_ok(qn_object_read(ob, 0, strlen(start), &sl, NULL));
    assert_str(qn_str_make(sl.p, sl.n), start);
    qn_slice_release(&sl);
}

static void objects(struct fixture *fx)
{
    struct qn_storage *st = fx->st;
    struct qn_object *ob, *old;
    struct qn_slice sl;
    struct qn_err err = {0};
    assert_int_equal(qn_storage_open(st, KEY("a/b"), QN_SIZE_UNKNOWN, &ob, &err), QN_E_NOT_FOUND);
    assert_null(ob);
    assert_non_null(strstr(err.msg, "a/b"));
    put(fx, "a/b", "hello world");
    put(fx, "empty", "");
    assert_holds(fx, "a/b", QN_STR("hello world"));
    assert_holds(fx, "empty", QN_STR(""));
    assert_ok(qn_storage_open(st, KEY("a/b"), 11, &old, NULL));
    assert_str(old->name, "a/b");
    assert_ok(qn_object_read(old, 6, 5, &sl, NULL));
    assert_str(qn_str_make(sl.p, sl.n), "world");
    unsigned sum = 0;
    for (size_t i = 0; i < 5 + QN_PAD; i++)
        sum += sl.p[i]; /* the padding can be read */
    assert_true(sum > 0);
    qn_slice_release(&sl);
    assert_int_equal(qn_object_read(old, 6, 6, &sl, &err), QN_E_TRUNCATED);
    assert_int_equal(qn_object_read(old, UINT64_MAX, 1, &sl, NULL), QN_E_TRUNCATED);
    qn_object_prefetch(old, &(struct qn_range){2, 4}, 1);

    /* replaced and deleted under a reader */
    put(fx, "a/b", "HELLO");
    assert_holds(fx, "a/b", QN_STR("HELLO"));
    if (fx->dr->remote)
        assert_int_equal(qn_object_read(old, 0, 11, &sl, NULL), QN_E_CONFLICT);
    else
        assert_reads(old, "hello world");
    assert_ok(qn_storage_delete(st, KEY("a/b"), NULL));
    if (fx->dr->remote)
        assert_true(qn_object_read(old, 0, 5, &sl, NULL) < 0);
    else
        assert_reads(old, "hello");
    qn_object_unref(qn_object_ref(old));
    qn_object_unref(old);
    qn_object_unref(NULL);
    /* a size that is known to be wrong */
    memset(&err, 0, sizeof err);
    put(fx, "short", "12");
    int rc = qn_storage_open(st, KEY("short"), 3, &ob, &err);
    if (rc == QN_OK) {
        rc = qn_object_read(ob, 0, 3, &sl, &err);
        qn_object_unref(ob);
    }
    assert_int_equal(rc, QN_E_CORRUPT);
}

static void heads(struct fixture *fx)
{
    struct qn_storage_info info;
    struct qn_err err = {0};
    assert_int_equal(qn_storage_head(fx->st, KEY("x/y"), &info, &err), QN_E_NOT_FOUND);
    assert_int_equal(qn_storage_exists(fx->st, KEY("x/y"), NULL), 0);
    put(fx, "x/y", "123");
    assert_ok(qn_storage_head(fx->st, KEY("x/y"), &info, NULL));
    assert_int_equal(info.size_bytes, 3);
    assert_true(info.mtime_ns > 1600000000ll * 1000000000);
    assert_int_equal(qn_storage_exists(fx->st, KEY("x/y"), NULL), 1);
    assert_int_equal(qn_storage_exists(fx->st, KEY("x"), NULL), 0); /* no object of its own */
    assert_int_equal(qn_storage_exists(fx->st, KEY("x/y/z"), NULL), 0);
    struct qn_err own = {0};
    assert_int_equal(qn_storage_exists(fx->st, KEY("../x"), &own), QN_E_INVALID);
    assert_int_equal(own.code, QN_E_INVALID);
}

static void deletes(struct fixture *fx)
{
    struct qn_str keys[] = {KEY("d/1"), KEY("d/2"), KEY("d/none"), KEY("e/f/3"), KEY("d/4")};
    for (size_t i = 0; i < 5; i++)
        if (i != 2)
            assert_ok(qn_storage_put(fx->st, keys[i], QN_STR("x"), 0, NULL));
    put(fx, "e/stays", "y");
    assert_ok(qn_storage_delete(fx->st, KEY("never"), NULL));
    assert_ok(qn_storage_delete(fx->st, KEY("d"), NULL));
    assert_int_equal(qn_storage_exists(fx->st, KEY("d/1"), NULL), 1);
    int rcs[5] = {9, 9, 9, 9, 9};
    assert_ok(qn_storage_delete_many(fx->st, keys, 5, rcs, NULL));
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(rcs[i], QN_OK);
        assert_int_equal(qn_storage_exists(fx->st, keys[i], NULL), 0);
    }
    assert_ok(qn_storage_delete_many(fx->st, keys, 0, NULL, NULL));
    assert_holds(fx, "e/stays", QN_STR("y"));
    put(fx, "d/1", "again"); /* where an empty directory was removed */
    assert_holds(fx, "d/1", QN_STR("again"));
    /* one bad key: nothing is touched */
    struct qn_str mixed[] = {KEY("d/1"), KEY("/abs")};
    assert_int_equal(qn_storage_delete_many(fx->st, mixed, 2, rcs, NULL), QN_E_INVALID);
    assert_int_equal(rcs[0], QN_E_INVALID);
    assert_holds(fx, "d/1", QN_STR("again"));
}

static void puts_if_absent(struct fixture *fx)
{
    struct qn_storage *st = fx->st;
    if (!qn_storage_can_put_if_absent(st)) {
        assert_int_equal(qn_storage_put(st, KEY("k"), QN_STR("1"), QN_PUT_IF_ABSENT, NULL),
                         QN_E_UNSUPPORTED);
        return;
    }
    struct qn_err err = {0};
    assert_ok(qn_storage_put(st, KEY("p/k"), QN_STR("1"), QN_PUT_IF_ABSENT, NULL));
    assert_int_equal(qn_storage_put(st, KEY("p/k"), QN_STR("2"), QN_PUT_IF_ABSENT, &err),
                     QN_E_EXISTS);
    assert_int_equal(qn_storage_copy(st, KEY("p/k"), KEY("p/k"), QN_PUT_IF_ABSENT, NULL),
                     QN_E_EXISTS);
    assert_holds(fx, "p/k", QN_STR("1"));
    struct qn_upload *up;
    assert_ok(qn_storage_begin(st, KEY("p/k"), QN_PUT_IF_ABSENT, &up, NULL));
    qn_sink_put(&up->sink, "3", 1);
    assert_int_equal(qn_upload_commit(up, NULL), QN_E_EXISTS);
    assert_holds(fx, "p/k", QN_STR("1"));
}

static void copies_and_files(struct fixture *fx)
{
    struct qn_storage *st = fx->st;
    put(fx, "c/from", "copied bytes");
    assert_int_equal(qn_storage_copy(st, KEY("c/none"), KEY("c/to"), 0, NULL), QN_E_NOT_FOUND);
    assert_ok(qn_storage_copy(st, KEY("c/from"), KEY("q/to"), 0, NULL));
    assert_holds(fx, "q/to", QN_STR("copied bytes"));
    assert_holds(fx, "c/from", QN_STR("copied bytes"));
    assert_ok(qn_storage_copy(st, KEY("c/from"), KEY("c/from"), 0, NULL));

    size_t n = 700001;
    char *big = qn_xmalloc(n);
    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * 13 + i / 509);
    /* from the storage's own file system and, most likely, from another one */
    char near[64], far[64] = "/tmp/qn_put_file_XXXXXX";
    assert_true(qn_test_dir(near));
    assert_non_null(mkdtemp(far));
    char *files[] = {qn_path_join(near, QN_STR("file")), qn_path_join(far, QN_STR("file"))};
    const char *file = files[1];
    assert_int_equal(qn_storage_put_file(st, KEY("f"), file, 0, NULL), QN_E_NOT_FOUND);
    for (unsigned i = 0; i < 4; i++) {
        unsigned flags = i & 1 ? QN_PUT_MOVE : 0;
        file = files[i / 2];
        assert_ok(qn_fs_write_file(qn_fs_posix(), file, qn_str_make(big, n), NULL));
        assert_ok(qn_storage_put_file(st, KEY("deep/er/f"), file, flags, NULL));
        assert_int_equal(qn_fs_exists(qn_fs_posix(), file), flags == 0);
        assert_holds(fx, "deep/er/f", qn_str_make(big, n));
    }
    if (qn_storage_can_put_if_absent(st)) { /* what was not stored is not consumed */
        assert_ok(qn_fs_write_file(qn_fs_posix(), file, QN_STR("2"), NULL));
        assert_int_equal(
            qn_storage_put_file(st, KEY("deep/er/f"), file, QN_PUT_MOVE | QN_PUT_IF_ABSENT, NULL),
            QN_E_EXISTS);
        assert_int_equal(qn_fs_exists(qn_fs_posix(), file), 1);
    }
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), near, NULL));
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), far, NULL));
    free(files[0]);
    free(files[1]);
    free(big);
}

static void uploads(struct fixture *fx)
{
    struct qn_rng rng = qn_test_rng(5);
    struct qn_buf want;
    qn_buf_init(&want, SIZE_MAX);
    struct qn_upload *up, *other;
    assert_ok(qn_storage_begin(fx->st, KEY("u/one"), 0, &up, NULL));
    assert_ok(qn_storage_begin(fx->st, KEY("u/one"), 0, &other, NULL)); /* the last commit wins */
    qn_sink_put(&other->sink, "other", 5);
    char *chunk = qn_xmalloc(400000);
    for (size_t i = 0; i < 400000; i++)
        chunk[i] = (char)qn_rng_next(&rng);
    for (int i = 0; i < 60; i++) {
        size_t n = (size_t)qn_rng_below(&rng, i % 20 == 7 ? 400000 : 9000);
        qn_sink_put(&up->sink, chunk + n / 7, n - n / 7);
        qn_buf_put(&want, chunk + n / 7, n - n / 7);
        assert_int_equal(up->sink.at, want.n);
    }
    qn_sink_align(&up->sink, 4096);
    qn_buf_align(&want, 4096);
    assert_int_equal(qn_storage_exists(fx->st, KEY("u/one"), NULL), 0); /* not before the commit */
    assert_ok(qn_upload_commit(other, NULL));
    assert_holds(fx, "u/one", QN_STR("other"));
    assert_ok(qn_upload_commit(up, NULL));
    assert_holds(fx, "u/one", qn_buf_str(&want));
    assert_ok(qn_storage_begin(fx->st, KEY("u/two"), 0, &up, NULL));
    qn_sink_put(&up->sink, chunk, 400000);
    qn_upload_abort(up);
    qn_upload_abort(NULL);
    assert_int_equal(qn_storage_exists(fx->st, KEY("u/two"), NULL), 0);
    assert_ok(qn_storage_begin(fx->st, KEY("u/three"), 0, &up, NULL));
    assert_ok(qn_upload_commit(up, NULL)); /* of nothing */
    assert_holds(fx, "u/three", QN_STR(""));
    free(chunk);
    qn_buf_release(&want);
}

/* Longer than one part of a driver that sends parts. */
static void long_uploads(struct fixture *fx)
{
    enum { CHUNK = 1 << 20, N = 18 };
    struct qn_rng rng = qn_test_rng(6);
    struct qn_upload *up;
    struct qn_buf want;
    qn_buf_init(&want, SIZE_MAX);
    char *chunk = qn_xmalloc(CHUNK);
    assert_ok(qn_storage_begin(fx->st, KEY("u/long"), 0, &up, NULL));
    for (int i = 0; i < N; i++) {
        for (size_t k = 0; k < CHUNK; k += 8)
            memcpy(chunk + k, &(uint64_t){qn_rng_next(&rng)}, 8);
        qn_sink_put(&up->sink, chunk, CHUNK - (size_t)i);
        qn_buf_put(&want, chunk, CHUNK - (size_t)i);
    }
    assert_ok(qn_upload_commit(up, NULL));
    struct qn_object *ob;
    assert_ok(qn_storage_open(fx->st, KEY("u/long"), want.n, &ob, NULL));
    const struct qn_range ranges[] = {{9000000, 100}, {10, 5000}, {9100000, 70}, {want.n - 9, 99}};
    qn_object_prefetch(ob, ranges, QN_COUNT_OF(ranges));
    for (size_t i = 0; i < QN_COUNT_OF(ranges); i++) {
        struct qn_slice sl;
        size_t n = i == 3 ? 9 : ranges[i].n;
        assert_ok(qn_object_read(ob, ranges[i].offset, n, &sl, NULL));
        assert_memory_equal(sl.p, want.p + ranges[i].offset, n);
        qn_slice_release(&sl);
    }
    qn_object_unref(ob);
    assert_holds(fx, "u/long", qn_buf_str(&want));
    assert_ok(qn_storage_begin(fx->st, KEY("u/gone"), 0, &up, NULL));
    for (int i = 0; i < N / 2; i++)
        qn_sink_put(&up->sink, chunk, CHUNK);
    qn_upload_abort(up);
    assert_int_equal(qn_storage_exists(fx->st, KEY("u/gone"), NULL), 0);
    free(chunk);
    qn_buf_release(&want);
}

static int by_str(const void *a, const void *b)
{
    return qn_str_cmp(*(const struct qn_str *)a, *(const struct qn_str *)b);
}

/* Lists page by page and compares with a filter over the sorted keys. */
static void assert_lists(struct fixture *fx, const struct qn_str *keys, size_t n,
                         const char *prefix, size_t page)
{
    struct qn_storage_listing ls;
    qn_storage_listing_init(&ls);
    char after[1024];
    size_t after_n = 0, i = 0;
    bool more;
    do {
        assert_ok(
            qn_storage_list(fx->st, KEY(prefix), qn_str_make(after, after_n), page, &ls, NULL));
        assert_true(ls.entries.n <= page);
        for (size_t k = 0; k < ls.entries.n; k++, i++) {
            while (i < n && !qn_str_starts(keys[i], KEY(prefix)))
                i++;
            assert_true(i < n);
            if (!qn_str_eq(keys[i], ls.entries.p[k].key))
                fail_msg("prefix %s: got " QN_STR_FMT ", want " QN_STR_FMT, prefix,
                         QN_STR_ARG(ls.entries.p[k].key), QN_STR_ARG(keys[i]));
            assert_int_equal(ls.entries.p[k].size_bytes, keys[i].n);
            assert_true(ls.entries.p[k].mtime_ns > 0);
        }
        more = ls.more;
        if (more) {
            assert_int_equal(ls.entries.n, page);
            struct qn_str last = ls.entries.p[ls.entries.n - 1].key;
            memcpy(after, last.p, last.n);
            after_n = last.n;
        }
    } while (more);
    while (i < n && !qn_str_starts(keys[i], KEY(prefix)))
        i++;
    assert_int_equal(i, n);
    qn_storage_listing_release(&ls);
}

static void lists(struct fixture *fx)
{
    /* '-' and '.' sort before '/', digits and letters after it */
    const char *names[] = {"a/b",     "a-b",        "a.b",   "a/b-c",      "a0",  "a/c/d/e",
                           "a/c/d-e", "a/c/de",     "b",     "logs/1.spl", "log", "logs/1/2",
                           "logs2/x", "\xc3\xa9/x", "zz/zz", "a/c.d",      "A"};
    struct qn_str keys[QN_COUNT_OF(names)];
    for (size_t i = 0; i < QN_COUNT_OF(names); i++) {
        keys[i] = KEY(names[i]);
        put(fx, names[i], names[i]);
    }
    qsort(keys, QN_COUNT_OF(keys), sizeof *keys, by_str);
    const char *prefixes[] = {"", "a", "a/", "a/c", "a/c/", "log", "logs/", "logs/1", "\xc3", "q"};
    for (size_t i = 0; i < QN_COUNT_OF(prefixes); i++)
        for (size_t page = 1; page<20; page += page> 4 ? 5 : 1)
            assert_lists(fx, keys, QN_COUNT_OF(keys), prefixes[i], page);
    struct qn_storage_listing ls;
    qn_storage_listing_init(&ls);
    assert_ok(qn_storage_list(fx->st, KEY(""), KEY(""), 0, &ls, NULL));
    assert_int_equal(ls.entries.n, 0);
    assert_ok(qn_storage_list(fx->st, KEY("a/"), KEY("a/bz"), 100, &ls, NULL));
    assert_int_equal(ls.entries.n, 4); /* "after" need not exist */
    assert_str(ls.entries.p[0].key, "a/c.d");
    qn_storage_listing_release(&ls);
}

static void bad_keys(struct fixture *fx)
{
    char longest[1100];
    memset(longest, 'k', sizeof longest);
    for (size_t i = 100; i < sizeof longest; i += 101)
        longest[i] = '/';
    const struct qn_str bad[] = {
        KEY(""),        KEY("/a"),
        KEY("a/"),      KEY("a//b"),
        KEY("."),       KEY(".."),
        KEY("a/../b"),  KEY("../../etc/passwd"),
        KEY("a/."),     KEY("a\nb"),
        KEY("a\x7f"),   qn_str_make("a\0b", 3),
        KEY("\xff"),    KEY(".qn-tmp"),
        KEY("x/.qn-y"), qn_str_make(longest, 1025),
        KEY("a/.."),    qn_str_make(longest + 1, 0),
    };
    struct qn_object *ob;
    struct qn_upload *up;
    struct qn_storage_info info;
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        struct qn_err err = {0};
        assert_int_equal(qn_storage_put(fx->st, bad[i], QN_STR("x"), 0, &err), QN_E_INVALID);
        assert_non_null(strstr(err.msg, "storage key"));
        assert_int_equal(qn_storage_open(fx->st, bad[i], 1, &ob, NULL), QN_E_INVALID);
        assert_int_equal(qn_storage_begin(fx->st, bad[i], 0, &up, NULL), QN_E_INVALID);
        assert_int_equal(qn_storage_head(fx->st, bad[i], &info, NULL), QN_E_INVALID);
        assert_int_equal(qn_storage_delete(fx->st, bad[i], NULL), QN_E_INVALID);
        assert_int_equal(qn_storage_copy(fx->st, bad[i], KEY("x"), 0, NULL), QN_E_INVALID);
        assert_int_equal(qn_storage_put_file(fx->st, bad[i], "/dev/null", 0, NULL), QN_E_INVALID);
    }
    /* a store's own limit counts what is put before the keys */
    const struct qn_str good[] = {KEY("..."),
                                  KEY(".a"),
                                  KEY("a..b/..c"),
                                  KEY("x y"),
                                  KEY("a+b%20c/*(!)'=,;:@$&<x>\"\xc3\xa9"),
                                  qn_str_make(longest, fx->dr->remote ? 900 : 1024)};
    for (size_t i = 0; i < QN_COUNT_OF(good); i++) {
        assert_ok(qn_storage_put(fx->st, good[i], good[i], 0, NULL));
        assert_int_equal(qn_storage_exists(fx->st, good[i], NULL), 1);
    }
    memset(longest, 'k', sizeof longest);
    assert_int_equal(qn_storage_put(fx->st, qn_str_make(longest, 241), QN_STR(""), 0, NULL),
                     QN_E_INVALID);
    assert_ok(qn_storage_put(fx->st, qn_str_make(longest, 240), QN_STR(""), 0, NULL));
}

static uint64_t counted(struct fixture *fx, enum qn_storage_op op)
{
    return atomic_load(&qn_storage_account(fx->st, op)->n);
}

static void accounts(struct fixture *fx)
{
    put(fx, "k", "12345");
    assert_holds(fx, "k", QN_STR("12345"));
    assert_int_equal(qn_storage_exists(fx->st, KEY("none"), NULL), 0);
    assert_ok(qn_storage_copy(fx->st, KEY("k"), KEY("l"), 0, NULL));
    struct qn_str both[] = {KEY("k"), KEY("l")};
    assert_ok(qn_storage_delete_many(fx->st, both, 2, NULL, NULL));
    assert_int_equal(counted(fx, QN_STORAGE_PUT), 1);
    assert_int_equal(counted(fx, QN_STORAGE_OPEN), 1);
    assert_int_equal(counted(fx, QN_STORAGE_READ), 1);
    assert_int_equal(counted(fx, QN_STORAGE_HEAD), 1);
    assert_int_equal(counted(fx, QN_STORAGE_COPY), 1);
    assert_int_equal(counted(fx, QN_STORAGE_DELETE), 2);
    const struct qn_storage_account *ac = qn_storage_account(fx->st, QN_STORAGE_PUT);
    assert_int_equal(atomic_load(&ac->bytes), 5);
    uint64_t sum = 0;
    for (int i = 0; i < QN_STORAGE_BUCKETS; i++)
        sum += atomic_load(&ac->latency[i]);
    assert_int_equal(sum, 1);
    assert_int_equal(atomic_load(&qn_storage_account(fx->st, QN_STORAGE_READ)->bytes), 5);
    assert_int_equal(atomic_load(&qn_storage_account(fx->st, QN_STORAGE_HEAD)->errors), 0);
    for (int op = 0; op < QN_STORAGE_OP_COUNT; op++)
        assert_string_not_equal(qn_storage_op_name((enum qn_storage_op)op), "?");
}

/* An object outlives the storage it came from. */
static void lives(struct fixture *fx)
{
    put(fx, "k", "still here");
    struct qn_storage *more = qn_storage_ref(fx->st);
    struct qn_object *ob;
    assert_ok(qn_storage_open(more, KEY("k"), QN_SIZE_UNKNOWN, &ob, NULL));
    qn_storage_unref(more);
    qn_storage_unref(fx->st);
    fx->st = NULL;
    struct qn_slice sl;
    assert_ok(qn_object_read(ob, 6, 4, &sl, NULL));
    assert_str(qn_str_make(sl.p, sl.n), "here");
    qn_slice_release(&sl);
    qn_object_unref(ob);
}

struct worker {
    struct qn_storage *st;
    unsigned id;
    _Atomic unsigned *won;
    unsigned failures;
};

/* Puts, deletes and lists in the same few directories, so that they come and go. */
static void work(void *arg)
{
    struct worker *wk = arg;
    struct qn_storage_listing ls;
    qn_storage_listing_init(&ls);
    for (int i = 0; i < 60; i++) {
        char key[64];
        int n = snprintf(key, sizeof key, "dir%d/sub/%u", i % 2, wk->id);
        struct qn_str k = qn_str_make(key, (size_t)n);
        wk->failures += qn_storage_put(wk->st, k, k, 0, NULL) < 0;
        wk->failures += qn_storage_exists(wk->st, k, NULL) != 1;
        wk->failures += qn_storage_list(wk->st, KEY("dir"), KEY(""), 10, &ls, NULL) < 0;
        wk->failures += qn_storage_delete(wk->st, k, NULL) < 0;
        wk->failures += qn_storage_exists(wk->st, k, NULL) != 0;
        n = snprintf(key, sizeof key, "once/%d", i);
        int rc = qn_storage_put(wk->st, qn_str_make(key, (size_t)n), k, QN_PUT_IF_ABSENT, NULL);
        if (rc == QN_OK)
            atomic_fetch_add(wk->won, 1);
        else
            wk->failures += rc != QN_E_EXISTS && rc != QN_E_UNSUPPORTED;
    }
    qn_storage_listing_release(&ls);
}

static void many_at_once(struct fixture *fx)
{
    struct worker wk[3];
    struct qn_thread th[3];
    _Atomic unsigned won = 0;
    for (unsigned i = 0; i < 3; i++) {
        wk[i] = (struct worker){.st = fx->st, .id = i, .won = &won};
        assert_ok(
            qn_thread_start(&th[i], &(struct qn_thread_options){.name = "work"}, work, &wk[i]));
    }
    for (unsigned i = 0; i < 3; i++) /* all, before a failure leaves this frame */
        qn_thread_join(&th[i]);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(wk[i].failures, 0);
    /* each key was put by exactly one */
    assert_int_equal(atomic_load(&won), qn_storage_can_put_if_absent(fx->st) ? 60 : 0);
}

typedef void (*conformance_fn)(struct fixture *fx);

static const struct {
    const char *name;
    conformance_fn fn;
} conformance[] = {
    {"objects", objects},
    {"heads", heads},
    {"deletes", deletes},
    {"puts_if_absent", puts_if_absent},
    {"copies_and_files", copies_and_files},
    {"uploads", uploads},
    {"long_uploads", long_uploads},
    {"lists", lists},
    {"bad_keys", bad_keys},
    {"accounts", accounts},
    {"lives", lives},
    {"many_at_once", many_at_once},
};

struct one {
    const struct driver *dr;
    conformance_fn fn;
};

static void run_one(void **state)
{
    const struct one *one = *state;
    struct fixture fx = {.dr = one->dr};
    open_driver(&fx);
    one->fn(&fx);
    close_driver(&fx);
}

int main(void)
{
    enum { CASES = QN_COUNT_OF(conformance), ALL = QN_COUNT_OF(drivers) * CASES };
    bool by_uri = getenv("QN_STORAGE_URI") != NULL;
    static struct one ones[ALL];
    static char names[ALL][48];
    struct CMUnitTest tests[ALL];
    for (size_t i = 0; i < ALL; i++) {
        const struct driver *dr = by_uri ? &remote : &drivers[i / CASES];
        ones[i] = (struct one){dr, conformance[i % CASES].fn};
        snprintf(names[i], sizeof names[i], "%s: %s", dr->name, conformance[i % CASES].name);
        tests[i] = (struct CMUnitTest){names[i], run_one, NULL, NULL, &ones[i]};
    }
    return _cmocka_run_group_tests("storage_conformance", tests, by_uri ? CASES : ALL, NULL, NULL);
}
