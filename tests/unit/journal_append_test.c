/* Appending, reading, tailing, truncating: a journal on a disk that works. */
#include "journal_help.h"

#include "os/thread.h"

static void test_append_and_reopen(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    struct qn_journal_report report;
    uint64_t k = 0;
    for (int life = 0; life < 4; life++) {
        struct qn_journal *j = jt_open(&opt, &report);
        assert_int_equal(report.end, 1 + k);
        assert_int_equal(report.cut_bytes, 0);
        assert_int_equal(jt_read_run(j, 1, 0, 100), k);
        for (int i = 0; i < 20; i++) {
            uint64_t seq;
            unsigned n = 1 + (unsigned)i % 7;
            assert_ok(jt_append(j, 0, k, n, 100, &seq));
            assert_int_equal(seq, 1 + k);
            k += n;
        }
        assert_int_equal(qn_journal_end(j), 1 + k);
        assert_int_equal(jt_read_run(j, 1, 0, 100), k);
        qn_journal_close(j);
    }
    jt_dir_drop(&d);
}

/* A second journal on the same directory is refused while the first is open. */
static void test_one_owner(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    struct qn_journal *j = jt_open(&opt, NULL), *other;
    struct qn_err err = {0};
    assert_int_equal(qn_journal_open(&other, &opt, NULL, &err), QN_E_BUSY);
    qn_journal_close(j);
    j = jt_open(&opt, NULL);
    qn_journal_close(j);
    jt_dir_drop(&d);
}

/* The hybrid time of records grows, across restarts with a wall clock that went back as well. */
static void test_stamps(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    struct qn_manual_clock mc;
    uint64_t last = 0;
    for (int life = 0; life < 3; life++) {
        qn_manual_clock_init(&mc, 1, (1000 - life * 10) * 1000000000ll);
        opt.clock = &mc.clock;
        struct qn_journal *j = jt_open(&opt, NULL);
        for (uint64_t i = 0; i < 3; i++) {
            struct qn_batch *b = jt_batch(0, i, 1, 0);
            assert_ok(qn_journal_append(j, b, QN_ACK_DURABLE, NULL));
            assert_true(b->rec.stamp > last);
            last = b->rec.stamp;
            qn_batch_unref(b);
        }
        assert_true(qn_hlc_next(qn_journal_hlc(j)) > last);
        qn_journal_close(j);
    }
    jt_dir_drop(&d);
}

/* Segments of 8 KiB: many of them, readers that start anywhere, memory against disk. */
static void test_segments_and_positions(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 8192;
    opt.ring_bytes = 3000; /* the newest few batches */
    struct qn_journal *j = jt_open(&opt, NULL);
    const uint64_t n = 300;
    for (uint64_t k = 0; k < n; k += 3)
        assert_ok(jt_append(j, 0, k, 3, 300, NULL));
    struct qn_journal_stats st;
    qn_journal_stats(j, &st);
    assert_true(st.n_segments > 4);
    assert_int_equal(st.appended_ops, n);
    assert_true(st.ring_bytes <= 3000 && st.ring_batches > 0);

    for (uint64_t from = 1; from <= n + 1; from++) {
        struct qn_journal_reader *rd;
        struct qn_batch *b;
        assert_ok(qn_journal_reader_open(&rd, j, from, NULL));
        int rc = qn_journal_reader_next(rd, &b, NULL);
        if (from == n + 1) {
            assert_int_equal(rc, QN_END);
        } else {
            assert_int_equal(rc, 0);
            assert_true(b->rec.seq <= from && from < qn_record_end(&b->rec));
            qn_batch_unref(b);
        }
        qn_journal_reader_close(rd);
    }
    struct qn_journal_reader *rd;
    assert_int_equal(qn_journal_reader_open(&rd, j, 0, NULL), QN_E_NOT_FOUND);
    assert_int_equal(qn_journal_reader_open(&rd, j, n + 2, NULL), QN_E_RANGE);

    uint64_t starts[64];
    size_t n_starts = qn_journal_starts(j, starts, 64);
    assert_true(n_starts > 4);
    uint64_t sum = 0; /* a parallel replay: each part by a reader of its own */
    for (size_t i = 0; i < n_starts; i++) {
        struct qn_batch *b;
        uint64_t to = i + 1 < n_starts ? starts[i + 1] : n + 1;
        assert_ok(qn_journal_reader_open(&rd, j, starts[i], NULL));
        while (qn_journal_reader_at(rd) < to && qn_journal_reader_next(rd, &b, NULL) == 0) {
            sum += b->rec.n_ops;
            qn_batch_unref(b);
        }
        qn_journal_reader_close(rd);
    }
    assert_int_equal(sum, n);
    qn_journal_stats(j, &st);
    assert_true(st.disk_reads > 0 && st.ring_reads > 0);
    qn_journal_close(j);
    jt_dir_drop(&d);
}

static void count_drop(void *user)
{
    ++*(int *)user;
}

/* A reader gets the very object that was appended, with what its owner hung on it. */
static void test_ring_shares(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    struct qn_journal *j = jt_open(&opt, NULL);
    int dropped = 0;
    struct qn_journal_reader *rd;
    struct qn_batch *b = jt_batch(0, 0, 2, 10), *got;
    b->user = &dropped;
    b->drop_user = count_drop;
    assert_ok(qn_journal_reader_open(&rd, j, 1, NULL));
    assert_int_equal(qn_journal_reader_next(rd, &got, NULL), QN_END);
    assert_ok(qn_journal_append(j, b, QN_ACK_DURABLE, NULL));
    assert_int_equal(qn_journal_wait(j, 1, qn_now_us() + DEADLINE_US), 0);
    assert_int_equal(qn_journal_reader_next(rd, &got, NULL), 0);
    assert_ptr_equal(got, b);
    qn_batch_unref(b);
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    assert_int_equal(dropped, 0);
    assert_str(qn_str_first(qn_record_op(&got->rec, 1).body, 17), "{\"client\":0,\"n\":1");
    qn_batch_unref(got);
    assert_int_equal(dropped, 1);
    jt_dir_drop(&d);
}

/* Batches that were read back outlive the reader and the journal. */
static void test_views_outlive(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.ring_bytes = 0;
    struct qn_journal *j = jt_open(&opt, NULL);
    struct qn_journal_reader *rd;
    struct qn_batch *a, *b;
    assert_ok(jt_append(j, 0, 0, 5, 50, NULL));
    assert_ok(jt_append(j, 0, 5, 5, 50, NULL));
    assert_ok(qn_journal_reader_open(&rd, j, 1, NULL));
    assert_int_equal(qn_journal_reader_next(rd, &a, NULL), 0);
    assert_int_equal(qn_journal_reader_next(rd, &b, NULL), 0);
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    assert_true(jt_same_docs(a, 0, 0, 50) && jt_same_docs(b, 0, 5, 50));
    qn_batch_unref(a);
    qn_batch_unref(b);
    jt_dir_drop(&d);
}

static void test_ack_modes(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.sync_interval_ms = 3600 * 1000; /* nothing is synced unless somebody wants it */
    struct qn_journal *j = jt_open(&opt, NULL);
    uint64_t seq;
    struct qn_batch *b = jt_batch(0, 0, 1, 0);
    assert_ok(qn_journal_append(j, b, QN_ACK_WRITTEN, &seq));
    assert_int_equal(seq, 1);
    qn_batch_unref(b);
    b = jt_batch(0, 1, 1, 0);
    assert_ok(qn_journal_append(j, b, QN_ACK_NONE, &seq));
    qn_batch_unref(b);
    assert_int_equal(qn_journal_end(j), 1); /* neither is durable, so neither can be read */
    assert_int_equal(qn_journal_wait(j, 1, qn_now_us() + 1000), QN_E_TIMEOUT);
    assert_ok(qn_journal_flush(j));
    assert_int_equal(qn_journal_end(j), 3);
    b = jt_batch(0, 2, 1, 0);
    assert_ok(qn_journal_append(j, b, QN_ACK_WRITTEN, &seq));
    qn_batch_unref(b);
    assert_ok(jt_append(j, 0, 3, 1, 0, &seq)); /* a durable one takes the others along */
    assert_int_equal(seq, 4);
    assert_int_equal(jt_read_run(j, 1, 0, 0), 4);
    b = jt_batch(0, 4, 1, 0);
    assert_ok(qn_journal_append(j, b, QN_ACK_NONE, NULL));
    qn_batch_unref(b);
    qn_journal_close(j); /* commits what waits */
    j = jt_open(&opt, NULL);
    assert_int_equal(jt_read_run(j, 1, 0, 0), 5);
    qn_journal_close(j);

    opt.sync_interval_ms = 1;
    j = jt_open(&opt, NULL);
    b = jt_batch(0, 5, 1, 0);
    assert_ok(qn_journal_append(j, b, QN_ACK_NONE, NULL));
    qn_batch_unref(b);
    assert_int_equal(qn_journal_wait(j, 6, qn_now_us() + DEADLINE_US), 0);
    qn_journal_close(j);
    jt_dir_drop(&d);
}

/* Documents as long as a record can be, next to short ones; bytes that do not compress. */
static void test_long_records(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 1 << 20;
    opt.ring_bytes = 0;
    opt.queue_bytes = 1000; /* a batch longer than the limit is taken when nothing waits */
    struct qn_journal *j = jt_open(&opt, NULL);
    static const size_t sizes[] = {1, 3 << 20, 100, (1 << 20) + 1, 20 << 20, 5};
    struct qn_rng r = qn_test_rng(5), again = r;
    char *bytes = malloc(20 << 20);
    for (size_t i = 0; i < QN_COUNT_OF(sizes); i++) {
        struct qn_record_writer wr;
        struct qn_batch *b;
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(qn_rng_next(&r) >> (i % 2 ? 20 : 62));
        qn_record_init(&wr);
        qn_record_begin(&wr, QN_RECORD_DOCS, &(struct qn_origin){.index = QN_STR("x")});
        qn_record_put_doc(&wr, qn_str_make(bytes, sizes[i]));
        assert_ok(qn_batch_new(&b, &wr, jt_simd(), NULL));
        assert_ok(qn_journal_append(j, b, QN_ACK_DURABLE, NULL));
        qn_batch_unref(b);
        qn_record_release(&wr);
    }
    qn_journal_close(j);
    j = jt_open(&opt, NULL);
    struct qn_journal_reader *rd;
    assert_ok(qn_journal_reader_open(&rd, j, 1, NULL));
    for (size_t i = 0; i < QN_COUNT_OF(sizes); i++) {
        struct qn_batch *b;
        assert_int_equal(qn_journal_reader_next(rd, &b, NULL), 0);
        for (size_t k = 0; k < sizes[i]; k++)
            bytes[k] = (char)(qn_rng_next(&again) >> (i % 2 ? 20 : 62));
        assert_true(qn_str_eq(qn_record_op(&b->rec, 0).body, qn_str_make(bytes, sizes[i])));
        qn_batch_unref(b);
    }
    free(bytes);
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    jt_dir_drop(&d);
}

static void test_truncate_and_recycle(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 8192;
    opt.ring_bytes = 0;
    struct qn_journal *j = jt_open(&opt, NULL);
    struct qn_journal_stats st;
    uint64_t k = 0;
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 60; i++, k++)
            assert_ok(jt_append(j, 0, k, 1, 900, NULL));
        uint64_t below = k - 20; /* documents from k - 20 on must stay */
        assert_ok(qn_journal_truncate(j, below + 1, NULL));
        uint64_t first = qn_journal_first(j);
        assert_true(first <= below + 1);
        qn_journal_stats(j, &st);
        assert_true(st.n_segments <= 8);
        assert_int_equal(jt_read_run(j, first, first - 1, 900), k - (first - 1));
        struct qn_journal_reader *rd;
        assert_int_equal(qn_journal_reader_open(&rd, j, first - 1, NULL), QN_E_NOT_FOUND);
    }
    assert_true(st.recycled_segments > 4);
    assert_ok(qn_journal_truncate(j, UINT64_MAX, NULL));
    qn_journal_stats(j, &st);
    assert_int_equal(st.n_segments, 1);
    qn_journal_close(j);
    j = jt_open(&opt, NULL); /* the newest segment remembers the position */
    assert_int_equal(qn_journal_end(j), k + 1);
    assert_ok(jt_append(j, 0, k, 1, 900, NULL));
    uint64_t first = qn_journal_first(j);
    assert_int_equal(jt_read_run(j, first, first - 1, 900), k + 1 - (first - 1));
    qn_journal_close(j);
    jt_dir_drop(&d);
}

/* A segment that is being read is not overwritten when it is dropped. */
static void test_truncate_under_reader(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 8192;
    opt.ring_bytes = 0;
    struct qn_journal *j = jt_open(&opt, NULL);
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    uint64_t k = 0, n = 0;
    for (; k < 60; k++)
        assert_ok(jt_append(j, 0, k, 1, 900, NULL));
    assert_ok(qn_journal_reader_open(&rd, j, 1, NULL));
    assert_int_equal(qn_journal_reader_next(rd, &b, NULL), 0);
    qn_batch_unref(b);
    n++;
    assert_ok(qn_journal_truncate(j, k, NULL));
    for (; k < 120; k++) /* what can be overwritten is */
        assert_ok(jt_append(j, 0, k, 1, 900, NULL));
    int rc;
    while ((rc = qn_journal_reader_next(rd, &b, NULL)) == 0) {
        assert_true(jt_same_docs(b, 0, n, 900));
        qn_batch_unref(b);
        n++;
    }
    assert_int_equal(rc, QN_E_NOT_FOUND); /* the segment after it is gone */
    assert_true(n > 1);
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    jt_dir_drop(&d);
}

static void note_rc(void *arg, struct qn_batch *b, int rc)
{
    (void)b;
    *(int *)arg = rc;
}

static void test_limits(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.max_bytes = 40000;
    opt.segment_bytes = 1 << 20; /* larger than the limit: it must roll to drop anything */
    struct qn_journal *j = jt_open(&opt, NULL);
    uint64_t k = 0;
    int rc = 0;
    for (int round = 0; round < 3; round++) {
        uint64_t before = k;
        while ((rc = jt_append(j, 0, k, 1, 3000, NULL)) == 0)
            k++;
        assert_int_equal(rc, QN_E_BUSY);
        assert_true(k > before);
        struct qn_journal_stats st;
        qn_journal_stats(j, &st);
        assert_true(st.disk_bytes <= opt.max_bytes && st.refused_count == (uint64_t)round + 1);
        assert_ok(qn_journal_truncate(j, qn_journal_end(j), NULL));
    }
    qn_journal_close(j);

    opt = jt_options(&d);
    opt.queue_bytes = 5000;
    opt.sync_interval_ms = 3600 * 1000;
    j = jt_open(&opt, NULL);
    struct qn_batch *b[4];
    int rcs[4] = {1, 1, 1, 1};
    for (int i = 0; i < 4; i++) {
        b[i] = jt_batch(0, (uint64_t)i, 1, 1500);
        rc = qn_journal_submit(j, b[i], QN_ACK_NONE, note_rc, &rcs[i]);
        assert_int_equal(rc, i < 3 ? 0 : QN_E_BUSY);
    }
    assert_ok(qn_journal_flush(j));
    assert_ok(qn_journal_submit(j, b[3], QN_ACK_NONE, note_rc, &rcs[3]));
    for (int i = 0; i < 4; i++)
        qn_batch_unref(b[i]);
    qn_journal_close(j);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rcs[i], 0);
    jt_dir_drop(&d);
}

/* Many threads append while one follows. */

#define CLIENTS 8
#define BATCHES 60

struct client {
    struct qn_thread thread;
    struct qn_journal *j;
    unsigned id;
    uint64_t seqs[BATCHES];
    int failures;
};

static void run_client(void *arg)
{
    struct client *cl = arg;
    for (unsigned i = 0; i < BATCHES; i++) {
        enum qn_ack ack = i % 5 == 4 ? QN_ACK_WRITTEN : QN_ACK_DURABLE;
        struct qn_batch *b = jt_batch(cl->id, i, 1 + i % 3, 200);
        cl->failures += qn_journal_append(cl->j, b, ack, &cl->seqs[i]) != 0;
        cl->failures += ack == QN_ACK_DURABLE && qn_journal_end(cl->j) <= cl->seqs[i];
        qn_batch_unref(b);
    }
}

struct follower {
    struct qn_thread thread;
    struct qn_journal *j;
    uint64_t total, seen, next[CLIENTS];
    int failures;
};

static void run_follower(void *arg)
{
    struct follower *fo = arg;
    struct qn_journal_reader *rd;
    qn_usec deadline = qn_now_us() + DEADLINE_US * 3;
    fo->failures += qn_journal_reader_open(&rd, fo->j, 1, NULL) != 0;
    while (fo->seen < fo->total && fo->failures == 0) {
        struct qn_batch *b;
        int rc = qn_journal_reader_next(rd, &b, NULL);
        if (rc == QN_END)
            rc = qn_journal_wait(fo->j, qn_journal_reader_at(rd), deadline);
        else if (rc == 0) {
            unsigned c;
            uint64_t k;
            jt_who(b, &c, &k);
            fo->failures +=
                b->rec.seq != fo->seen + 1 || k != fo->next[c]++ || !jt_same_docs(b, c, k, 200);
            fo->seen += b->rec.n_ops;
            qn_batch_unref(b);
        }
        fo->failures += rc < 0;
    }
    qn_journal_reader_close(rd);
}

static void test_threads(void **state)
{
    (void)state;
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 16384;
    opt.ring_bytes = 2000; /* small, so that followers fall back to disk now and then */
    struct qn_journal *j = jt_open(&opt, NULL);
    struct client clients[CLIENTS] = {0};
    struct follower followers[2] = {0};
    const struct qn_thread_options th = {.name = "test"};
    for (int i = 0; i < 2; i++) {
        followers[i].j = j;
        for (unsigned b = 0; b < BATCHES; b++)
            followers[i].total += CLIENTS * (1 + b % 3);
        assert_ok(qn_thread_start(&followers[i].thread, &th, run_follower, &followers[i]));
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i].j = j;
        clients[i].id = i;
        assert_ok(qn_thread_start(&clients[i].thread, &th, run_client, &clients[i]));
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        qn_thread_join(&clients[i].thread);
        assert_int_equal(clients[i].failures, 0);
        for (unsigned b = 1; b < BATCHES; b++)
            assert_true(clients[i].seqs[b] > clients[i].seqs[b - 1]);
    }
    for (int i = 0; i < 2; i++) {
        qn_thread_join(&followers[i].thread);
        assert_int_equal(followers[i].failures, 0);
        assert_int_equal(followers[i].seen, followers[i].total);
    }
    struct qn_journal_stats st;
    qn_journal_stats(j, &st);
    assert_int_equal(st.appended_batches, CLIENTS * BATCHES);
    assert_int_equal(st.group_count.n, st.sync_count);
    assert_int_equal(st.group_count.sum, CLIENTS * BATCHES);
    assert_true(st.sync_us.n == st.sync_count && st.queued_batches == 0 && st.queued_bytes == 0);
    qn_journal_close(j);
    jt_dir_drop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_and_reopen),
        cmocka_unit_test(test_one_owner),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_segments_and_positions),
        cmocka_unit_test(test_ring_shares),
        cmocka_unit_test(test_views_outlive),
        cmocka_unit_test(test_ack_modes),
        cmocka_unit_test(test_long_records),
        cmocka_unit_test(test_truncate_and_recycle),
        cmocka_unit_test(test_truncate_under_reader),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
