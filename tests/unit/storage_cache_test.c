/* The block cache against the bytes themselves, under random reads, with small budgets. */
#include "test.h"
#include "tmpdir.h"

#include "base/mem.h"
#include "os/thread.h"
#include "storage/cache.h"

#define BLOCK 4096u

/* An object over bytes that counts its reads. */
struct counted {
    struct qn_object ob; /* first member */
    const uint8_t *bytes;
    _Atomic unsigned reads, prefetched;
    int fail; /* the code of every read, or 0 */
};

static int counted_read(struct qn_object *ob, uint64_t offset, size_t n, struct qn_slice *out,
                        struct qn_err *err)
{
    (void)err;
    struct counted *co = (struct counted *)ob;
    atomic_fetch_add(&co->reads, 1);
    if (co->fail < 0)
        return co->fail;
    *out = (struct qn_slice){.p = co->bytes + offset, .n = n};
    return QN_OK;
}

static void counted_prefetch(struct qn_object *ob, const struct qn_range *ranges, size_t n)
{
    (void)ranges;
    atomic_fetch_add(&((struct counted *)ob)->prefetched, (unsigned)n);
}

static void counted_free(struct qn_object *ob)
{
    (void)ob;
}

static const struct qn_object_ops counted_ops = {counted_read, counted_prefetch, counted_free};

static void counted_init(struct counted *co, const char *name, const uint8_t *bytes, size_t n)
{
    *co = (struct counted){.bytes = bytes};
    co->ob = (struct qn_object){.ops = &counted_ops, .name = qn_str_of(name), .size_bytes = n};
    atomic_init(&co->ob.refs, 1);
}

static uint8_t *random_bytes(size_t n)
{
    struct qn_rng rng = qn_test_rng(3);
    uint8_t *p = qn_xmalloc(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)qn_rng_next(&rng);
    return p;
}

static void assert_same(struct qn_object *ob, const uint8_t *bytes, uint64_t offset, size_t n)
{
    struct qn_slice sl;
    assert_ok(qn_object_read(ob, offset, n, &sl, NULL));
    assert_int_equal(sl.n, n);
    assert_true(n == 0 || memcmp(sl.p, bytes + offset, n) == 0);
    qn_slice_release(&sl);
}

#define STAT(ca, name) atomic_load(&qn_cache_stats(ca)->name)

static void open_small(struct qn_cache **ca, uint64_t ram_blocks, const char *dir)
{
    struct qn_cache_options opt = {.ram_bytes = ram_blocks * BLOCK,
                                   .block_bytes = BLOCK,
                                   .coalesce_bytes = 2 * BLOCK,
                                   .disk_path = dir,
                                   .disk_bytes = dir != NULL ? 40 * BLOCK : 0,
                                   .fs = qn_fs_posix()};
    assert_ok(qn_cache_open(ca, &opt, NULL));
}

static void random_reads(void **state)
{
    (void)state;
    enum { N = 100 * BLOCK + 77 };
    uint8_t *bytes = random_bytes(2 * N);
    char dir[64];
    assert_true(qn_test_dir(dir));
    for (int disk = 0; disk < 2; disk++) {
        struct qn_rng rng = qn_test_rng(9);
        struct qn_cache *ca;
        struct counted co[2];
        struct qn_object *ob[2];
        open_small(&ca, 32, disk ? dir : NULL);
        for (int i = 0; i < 2; i++) {
            counted_init(&co[i], i ? "b" : "a", bytes + i * N, N);
            ob[i] = qn_cache_object(ca, &co[i].ob);
        }
        for (int i = 0; i < 4000; i++) {
            int which = (int)qn_rng_below(&rng, 2);
            uint64_t most = qn_rng_below(&rng, 3) == 0 ? 12 * BLOCK : 600;
            uint64_t at = qn_rng_below(&rng, qn_rng_below(&rng, 2) ? N : N / 8);
            uint64_t n = qn_rng_below(&rng, most);
            n = n > N - at ? N - at : n;
            if (qn_rng_below(&rng, 10) == 0)
                qn_object_prefetch(ob[which], &(struct qn_range){at, n * 3}, 1);
            assert_same(ob[which], bytes + which * N, at, (size_t)n);
            assert_true(STAT(ca, ram_bytes) <= 32 * BLOCK);
            assert_true(STAT(ca, disk_bytes) <= 40 * BLOCK);
        }
        assert_true(STAT(ca, ram_hits) > 1000 && STAT(ca, evictions) > 100);
        assert_int_equal(STAT(ca, disk_hits) > 0, disk);
        assert_int_equal(STAT(ca, disk_errors), 0);
        qn_object_unref(ob[0]);
        qn_object_unref(ob[1]);
        qn_cache_unref(ca);
    }
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), dir, NULL));
    free(bytes);
}

/* What is used twice stays when something is read through once. */
static void scans_do_not_flush(void **state)
{
    (void)state;
    enum { N = 400 * BLOCK };
    uint8_t *bytes = random_bytes(N);
    struct qn_cache *ca;
    struct counted co;
    open_small(&ca, 32, NULL);
    counted_init(&co, "o", bytes, N);
    struct qn_object *ob = qn_cache_object(ca, &co.ob);
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < 16; i++)
            assert_same(ob, bytes, i * BLOCK, 100);
    for (uint64_t i = 100; i < 400; i++)
        assert_same(ob, bytes, i * BLOCK, BLOCK);
    unsigned before = atomic_load(&co.reads);
    for (uint64_t i = 0; i < 16; i++)
        assert_same(ob, bytes, i * BLOCK, 100);
    assert_int_equal(atomic_load(&co.reads), before);
    qn_object_unref(ob);
    qn_cache_unref(ca);
    free(bytes);
}

static void neighbours_are_one_fetch(void **state)
{
    (void)state;
    enum { N = 60 * BLOCK };
    uint8_t *bytes = random_bytes(N);
    struct qn_cache *ca;
    struct counted co;
    open_small(&ca, 400, NULL);
    counted_init(&co, "o", bytes, N);
    struct qn_object *ob = qn_cache_object(ca, &co.ob);
    const struct qn_range ranges[] = {
        {0, 10}, {2 * BLOCK, 10}, {4 * BLOCK + 5, 10}, {30 * BLOCK, BLOCK + 1}};
    qn_object_prefetch(ob, ranges, 4);
    assert_int_equal(atomic_load(&co.prefetched), 2);
    assert_int_equal(atomic_load(&co.reads), 2);
    for (size_t i = 0; i < 4; i++)
        assert_same(ob, bytes, ranges[i].offset, (size_t)ranges[i].n);
    assert_int_equal(atomic_load(&co.reads), 2);
    assert_same(ob, bytes, 28 * BLOCK, 6 * BLOCK); /* both sides of what is there */
    assert_int_equal(atomic_load(&co.reads), 3);
    struct qn_slice sl;
    co.fail = QN_E_UNAVAILABLE; /* errors are passed on and nothing is kept of them */
    assert_int_equal(qn_object_read(ob, 50 * BLOCK, 9, &sl, NULL), QN_E_UNAVAILABLE);
    co.fail = 0;
    assert_same(ob, bytes, 50 * BLOCK, 9);
    qn_object_unref(ob);
    qn_cache_unref(ca);
    free(bytes);
}

/* Damage on the local disk is a miss, never a wrong answer. */
static void damaged_disk(void **state)
{
    (void)state;
    enum { N = 200 * BLOCK };
    uint8_t *bytes = random_bytes(N);
    char dir[64];
    struct qn_cache *ca;
    struct counted co;
    assert_true(qn_test_dir(dir));
    open_small(&ca, 8, dir);
    counted_init(&co, "o", bytes, N);
    struct qn_object *ob = qn_cache_object(ca, &co.ob);
    for (int round = 0; round < 3; round++)
        for (uint64_t i = 0; i < 40; i++)
            for (int twice = 0; twice < 2; twice++)
                assert_same(ob, bytes, i * BLOCK, 100);
    assert_true(STAT(ca, disk_hits) > 0 && STAT(ca, disk_writes) > 0);
    char *path = qn_path_join(dir, QN_STR("blocks"));
    int fd = qn_fs_open(qn_fs_posix(), path, QN_OPEN_WRITE, NULL);
    assert_true(fd >= 0);
    for (uint64_t i = 0; i < 40; i++)
        assert_ok(qn_fs_write(qn_fs_posix(), fd, "damaged", 7, i * BLOCK + 20));
    qn_fs_close(qn_fs_posix(), fd);
    for (uint64_t i = 0; i < 40; i++)
        assert_same(ob, bytes, i * BLOCK, 100);
    assert_true(STAT(ca, disk_errors) > 0);
    free(path);
    qn_object_unref(ob);
    qn_cache_unref(ca);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), dir, NULL));
    free(bytes);
}

struct worker {
    struct qn_object *ob;
    const uint8_t *bytes;
    uint64_t n, seed;
    unsigned wrong;
};

static void work(void *arg)
{
    struct worker *wk = arg;
    struct qn_rng rng = {wk->seed};
    for (int i = 0; i < 1500; i++) {
        uint64_t at = qn_rng_below(&rng, wk->n - 9000), n = qn_rng_below(&rng, 9000);
        struct qn_slice sl;
        if (qn_object_read(wk->ob, at, (size_t)n, &sl, NULL) < 0) {
            wk->wrong++;
            continue;
        }
        wk->wrong += n != 0 && memcmp(sl.p, wk->bytes + at, (size_t)n) != 0;
        qn_slice_release(&sl);
    }
}

static void many_at_once(void **state)
{
    (void)state;
    enum { N = 100 * BLOCK, THREADS = 4 };
    uint8_t *bytes = random_bytes(N);
    char dir[64];
    struct qn_cache *ca;
    struct counted co;
    struct qn_thread th[THREADS];
    struct worker wk[THREADS];
    assert_true(qn_test_dir(dir));
    open_small(&ca, 16, dir);
    counted_init(&co, "o", bytes, N);
    struct qn_object *ob = qn_cache_object(ca, &co.ob);
    for (unsigned i = 0; i < THREADS; i++) {
        wk[i] = (struct worker){.ob = ob, .bytes = bytes, .n = N, .seed = 77 + i};
        assert_ok(
            qn_thread_start(&th[i], &(struct qn_thread_options){.name = "read"}, work, &wk[i]));
    }
    for (unsigned i = 0; i < THREADS; i++) /* all, before a failure leaves this frame */
        qn_thread_join(&th[i]);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(wk[i].wrong, 0);
    qn_object_unref(ob);
    qn_cache_unref(ca);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), dir, NULL));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_reads), cmocka_unit_test(scans_do_not_flush),
        cmocka_unit_test(neighbours_are_one_fetch), cmocka_unit_test(damaged_disk),
        cmocka_unit_test(many_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
