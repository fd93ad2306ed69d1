#include "test.h"

#include <pthread.h>

#include "ingest/ingest.h"
#include "tmpdir.h"

/* Journal, indexer and metastore together on real files: what was acknowledged is found exactly
 * once, now and after every restart. */

static const struct qn_simd_ops *simd(void)
{
    const char *z = getenv("QN_TEST_SIMD");
    return qn_simd_pick(z ? z : "auto");
}

static const char config[] =
    "{\"timestamp_field\":\"ts\",\"field_mappings\":["
    "{\"name\":\"ts\",\"type\":\"datetime\",\"input_formats\":[\"unix_timestamp\"],\"fast\":true},"
    "{\"name\":\"id\",\"type\":\"u64\",\"fast\":true},"
    "{\"name\":\"body\",\"type\":\"text\",\"record\":\"position\"}]}";

static int read_config(void *arg, struct qn_str uid, struct qn_str json, struct qn_live_config *out,
                       struct qn_err *err)
{
    struct qn_json_tape tape;
    (void)uid;
    qn_json_tape_init(&tape, NULL);
    int rc = qn_json_read_copy(&tape, json, err);
    if (rc == 0)
        rc = qn_mapping_parse_quickwit(&out->mapping, qn_json_root(&tape), err);
    qn_json_tape_release(&tape);
    out->refresh_us = 5000;
    out->commit_us = *(const uint64_t *)arg;
    return rc;
}

struct node {
    char dir[64], path[3][100];
    uint64_t commit_us, budget_bytes;
    struct qn_budget budget;
    struct qn_ulid_gen ulids;
    struct qn_journal *journal;
    struct qn_metastore *ms;
    struct qn_storage *storage;
    struct qn_ingest *in;
};

static void node_open(struct node *nd)
{
    struct qn_err err = {0};
    struct qn_journal_options jo;
    qn_journal_options_default(&jo);
    jo.dir = nd->path[0];
    jo.simd = simd();
    jo.segment_bytes = 64 << 10;
    qn_budget_init(&nd->budget, "ingest", NULL, nd->budget_bytes);
    qn_ulid_gen_init(&nd->ulids, qn_clock_system());
    if (qn_journal_open(&nd->journal, &jo, NULL, &err) < 0 ||
        qn_meta_open(&nd->ms, qn_str_of(nd->path[1]), &(struct qn_meta_options){0}, &err) < 0 ||
        qn_storage_open_local(&nd->storage, qn_fs_posix(), nd->path[2], &err) < 0)
        fail_msg("%s", err.msg);
    struct qn_ingest_options op = {.live = {.ms = nd->ms,
                                            .storage = nd->storage,
                                            .simd = simd(),
                                            .clock = qn_clock_system(),
                                            .budget = &nd->budget,
                                            .ulids = &nd->ulids,
                                            .node_id = QN_STR("test")},
                                   .journal = nd->journal,
                                   .read_config = read_config,
                                   .read_config_arg = &nd->commit_us};
    if (qn_ingest_open(&nd->in, &op, &err) < 0)
        fail_msg("%s", err.msg);
}

static void node_close(struct node *nd)
{
    qn_ingest_close(nd->in);
    qn_storage_unref(nd->storage);
    qn_meta_close(nd->ms);
    qn_journal_close(nd->journal);
    qn_ulid_gen_release(&nd->ulids);
    qn_budget_release(&nd->budget); /* everything was given back */
}

static void node_make(struct node *nd, uint64_t commit_us, uint64_t budget_bytes)
{
    static const char *const names[] = {"journal", "meta.sqlite", "splits"};
    char dir[64];
    *nd = (struct node){.commit_us = commit_us, .budget_bytes = budget_bytes};
    assert_true(qn_test_dir(dir));
    memcpy(nd->dir, dir, sizeof dir);
    for (int i = 0; i < 3; i++)
        snprintf(nd->path[i], sizeof nd->path[i], "%.60s/%s", dir, names[i]);
    node_open(nd);
}

static struct qn_str make_index(struct node *nd, const char *name, struct qn_arena *ar)
{
    struct qn_meta_index ix;
    struct qn_err err = {0};
    if (qn_meta_create_index(nd->ms, qn_str_of(name), qn_str_of(config), ar, &ix, &err) < 0 ||
        qn_ingest_add_index(nd->in, ix.index_uid, ix.config, &err) < 0)
        fail_msg("%s", err.msg);
    return ix.index_uid;
}

/* A batch of documents id .. id + n - 1, read and recorded as a request would do it. */
static struct qn_batch *make_batch(struct node *nd, struct qn_str uid, uint64_t id, uint32_t n)
{
    struct qn_mapping *m = qn_ingest_mapping(nd->in, uid);
    struct qn_doc_walker *dw = qn_doc_walker_new(m, simd());
    struct qn_parsed *pd = qn_parsed_new(m, NULL);
    struct qn_record_writer wr;
    struct qn_origin origin = {.index = uid};
    struct qn_batch *b;
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_reserve(&text, (size_t)n * 128);
    qn_record_init(&wr);
    qn_record_begin(&wr, QN_RECORD_DOCS, &origin);
    for (uint32_t i = 0; i < n; i++) {
        size_t from = text.n;
        struct qn_doc doc;
        qn_buf_printf(&text, "{\"ts\":%llu,\"id\":%llu,\"body\":\"the \\u006eumber %llu\"}",
                      (unsigned long long)(1700000000 + id + i), (unsigned long long)(id + i),
                      (unsigned long long)(id + i));
        assert_ok(qn_doc_read(dw, qn_str_make(text.p + from, text.n - from), &doc, NULL));
        assert_ok(qn_parsed_add(pd, dw, &doc));
        qn_record_put_doc(&wr, doc.text);
    }
    assert_ok(qn_batch_new(&b, &wr, simd(), NULL));
    qn_parsed_bind(pd, &b->rec);
    b->user = pd;
    b->drop_user = qn_parsed_free;
    qn_record_release(&wr);
    qn_buf_release(&text);
    qn_doc_walker_free(dw);
    qn_mapping_unref(m);
    return b;
}

struct ack {
    pthread_mutex_t m;
    pthread_cond_t c;
    bool done;
    int rc;
};

static void acked(void *arg, struct qn_batch *b, int rc)
{
    struct ack *a = arg;
    (void)b;
    pthread_mutex_lock(&a->m);
    a->rc = rc;
    a->done = true;
    pthread_cond_signal(&a->c);
    pthread_mutex_unlock(&a->m);
}

/* 0 when the batch is durable. */
static int append(struct node *nd, struct qn_str uid, uint64_t id, uint32_t n)
{
    struct ack a = {.m = PTHREAD_MUTEX_INITIALIZER, .c = PTHREAD_COND_INITIALIZER};
    struct qn_batch *b = make_batch(nd, uid, id, n);
    int rc = qn_ingest_append(nd->in, b, QN_ACK_DURABLE, acked, &a);
    qn_batch_unref(b);
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&a.m);
    while (!a.done)
        pthread_cond_wait(&a.c, &a.m);
    pthread_mutex_unlock(&a.m);
    return a.rc;
}

/* Ids 0 .. count - 1, each once. */
static void expect_ids(struct node *nd, struct qn_str uid, uint64_t count)
{
    struct qn_snapshot *sn = qn_ingest_snapshot(nd->in, uid);
    uint64_t seen = 0, *bits = calloc(count / 64 + 1, 8);
    assert_int_equal(sn->doc_count, count);
    for (uint32_t i = 0; i < sn->n; i++) {
        struct qn_split_field *fd = qn_split_find(sn->splits[i].sp, QN_STR("id"), QN_SPLIT_U64);
        assert_ok(qn_split_use(fd, NULL));
        struct qn_column_cursor *cu = qn_column_cursor_new(fd->column);
        for (uint32_t b = 0; b < qn_column_blocks(fd->column); b++) {
            assert_ok(qn_column_load(cu, b, NULL));
            for (uint32_t k = 0; k < cu->n_values; k++) {
                assert_true(cu->values[k] < count && !qn_bit_get(bits, cu->values[k]));
                qn_bit_set(bits, cu->values[k]);
                seen++;
            }
        }
        qn_column_cursor_free(cu);
    }
    assert_int_equal(seen, count);
    free(bits);
    qn_snapshot_unref(sn);
}

static void flush(struct node *nd, struct qn_str uid, bool publish)
{
    struct qn_err err = {0};
    if (qn_ingest_flush(nd->in, uid, publish, 0, &err) < 0)
        fail_msg("%s", err.msg);
}

static void acknowledged_documents_survive_restarts(void **state)
{
    (void)state;
    struct qn_rng rng = qn_test_rng(61);
    struct node nd;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    node_make(&nd, 20000, 256 << 20);
    struct qn_str uids[2] = {make_index(&nd, "logs", &ar), make_index(&nd, "others", &ar)};
    uint64_t count[2] = {0};
    for (int round = 0; round < 200; round++) {
        int k = (int)qn_rng_below(&rng, 2);
        uint32_t n = 1 + (uint32_t)qn_rng_below(&rng, 60);
        assert_ok(append(&nd, uids[k], count[k], n));
        count[k] += n;
        uint64_t what = qn_rng_below(&rng, 12);
        if (what < 2) {
            flush(&nd, uids[k], what == 0);
            expect_ids(&nd, uids[k], count[k]);
        } else if (what == 2) {
            node_close(&nd);
            node_open(&nd);
            for (int i = 0; i < 2; i++) {
                flush(&nd, uids[i], qn_rng_below(&rng, 2));
                expect_ids(&nd, uids[i], count[i]);
            }
        }
    }
    /* All published: the journal has nothing left that a restart would need. */
    for (int i = 0; i < 2; i++)
        flush(&nd, uids[i], true);
    node_close(&nd);
    node_open(&nd);
    for (int i = 0; i < 2; i++)
        expect_ids(&nd, uids[i], count[i]);
    node_close(&nd);
    qn_arena_release(&ar);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), nd.dir, NULL));
}

struct client {
    struct node *nd;
    struct qn_str uid;
    _Atomic uint64_t *next;
    _Atomic int *wrong;
};

static void *send(void *arg)
{
    struct client *cl = arg;
    for (int i = 0; i < 40; i++) {
        uint64_t id = atomic_fetch_add(cl->next, 25);
        if (append(cl->nd, cl->uid, id, 25) < 0 ||
            (i % 8 == 0 && qn_ingest_flush(cl->nd->in, cl->uid, i % 16 == 0, 0, NULL) < 0))
            atomic_fetch_add(cl->wrong, 1);
    }
    return NULL;
}

static void clients_append_at_once(void **state)
{
    (void)state;
    struct node nd;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    node_make(&nd, 30000, 256 << 20);
    struct qn_str uid = make_index(&nd, "logs", &ar);
    _Atomic uint64_t next = 0;
    _Atomic int wrong = 0;
    pthread_t threads[4];
    struct client cl = {&nd, uid, &next, &wrong};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send, &cl), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&wrong), 0);
    flush(&nd, uid, false);
    expect_ids(&nd, uid, atomic_load(&next));
    struct qn_ingest_stats st;
    qn_ingest_stats(nd.in, &st);
    assert_int_equal(st.pending, 0);
    assert_int_equal(st.stalled, 0);
    node_close(&nd);
    qn_arena_release(&ar);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), nd.dir, NULL));
}

static void documents_become_visible_by_themselves(void **state)
{
    (void)state;
    struct node nd;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    node_make(&nd, 20000, 256 << 20);
    struct qn_str uid = make_index(&nd, "logs", &ar);
    assert_ok(append(&nd, uid, 0, 10));
    uint64_t seen = 0;
    bool published = false;
    qn_usec until = qn_now_us() + 20000000;
    while ((seen < 10 || !published) && qn_now_us() < until) {
        struct qn_snapshot *sn = qn_ingest_snapshot(nd.in, uid);
        seen = sn->doc_count;
        published = sn->n == 1 && !sn->splits[0].hot;
        qn_snapshot_unref(sn);
        sched_yield();
    }
    assert_int_equal(seen, 10);
    assert_true(published);
    node_close(&nd);
    qn_arena_release(&ar);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), nd.dir, NULL));
}

/* Nobody commits for a long time but the budget, which is far smaller than what comes in. */
static void a_small_budget_publishes_and_goes_on(void **state)
{
    (void)state;
    struct node nd;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    node_make(&nd, 1000000000, 600 << 10);
    struct qn_str uid = make_index(&nd, "logs", &ar);
    uint64_t id = 0;
    for (; id < 200000; id += 4000)
        assert_ok(append(&nd, uid, id, 4000));
    flush(&nd, uid, false);
    expect_ids(&nd, uid, id);
    struct qn_snapshot *sn = qn_ingest_snapshot(nd.in, uid);
    bool published = false;
    for (uint32_t i = 0; i < sn->n; i++)
        published = published || !sn->splits[i].hot;
    assert_true(published);
    assert_true(atomic_load(&nd.budget.peak_bytes) <= 600 << 10);
    qn_snapshot_unref(sn);
    node_close(&nd);
    qn_arena_release(&ar);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), nd.dir, NULL));
}

static void dropped_indexes_are_gone(void **state)
{
    (void)state;
    struct node nd;
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    node_make(&nd, 1000000000, 256 << 20);
    struct qn_str uid = make_index(&nd, "logs", &ar);
    assert_ok(append(&nd, uid, 0, 10));
    assert_ok(qn_meta_delete_index(nd.ms, uid, NULL));
    struct qn_batch *b = make_batch(&nd, uid, 10, 1);
    qn_ingest_drop_index(nd.in, uid);
    assert_null(qn_ingest_snapshot(nd.in, uid));
    assert_int_equal(qn_ingest_append(nd.in, b, QN_ACK_DURABLE, NULL, NULL), QN_E_NOT_FOUND);
    qn_batch_unref(b);
    assert_int_equal(qn_ingest_flush(nd.in, uid, false, 0, NULL), QN_E_NOT_FOUND);
    node_close(&nd);
    node_open(&nd); /* its batches are still in the journal: nobody's */
    node_close(&nd);
    qn_arena_release(&ar);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), nd.dir, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_documents_survive_restarts),
        cmocka_unit_test(clients_append_at_once),
        cmocka_unit_test(documents_become_visible_by_themselves),
        cmocka_unit_test(a_small_budget_publishes_and_goes_on),
        cmocka_unit_test(dropped_indexes_are_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
