/* A journal on a disk that fails: every operation in turn, once, twice or for good; a disk that
 * fills; syncs that lie; power cuts at every point. What was acknowledged is there, exactly once,
 * in order; what was refused is not (unless the power went); the journal recovers by itself. */
#include "journal_help.h"

#include <errno.h>
#include <sched.h>

#include "os/fault.h"

#define N_DOCS 36
#define PAD 400

struct slot {
    _Atomic int state; /* 0 unknown, 1 acknowledged, 2 failed */
    uint64_t seq;
};

struct run {
    struct slot slots[N_DOCS + 1];
    bool power_cut; /* failed batches may have survived */
    unsigned n_failed;
};

static void note(void *arg, struct qn_batch *b, int rc)
{
    struct slot *s = arg;
    s->seq = rc == 0 ? b->rec.seq : 0;
    atomic_store(&s->state, rc == 0 ? 1 : 2);
}

static void note_refused(struct slot *s, int rc)
{
    QN_ASSERT(rc == 0 || qn_err_class(rc) == QN_CLASS_IO);
    if (rc < 0)
        atomic_store(&s->state, 2);
}

/* Documents k .. k + n - 1, a batch each, waiting together; the last of them is waited for. */
static void append_group(struct qn_journal *j, struct run *run, unsigned k, unsigned n)
{
    for (unsigned i = k; i < k + n; i++) {
        struct slot *s = &run->slots[i];
        struct qn_batch *b = jt_batch(0, i, 1, PAD);
        if (i + 1 < k + n) {
            note_refused(s, qn_journal_submit(j, b, QN_ACK_DURABLE, note, s));
        } else {
            int rc = qn_journal_append(j, b, QN_ACK_DURABLE, &s->seq);
            note_refused(s, rc);
            if (rc == 0)
                atomic_store(&s->state, 1);
        }
        qn_batch_unref(b);
    }
}

/* A degraded journal refuses the last of a group at once, while the committer is still answering
 * the others. */
static int answered(struct slot *s)
{
    qn_usec until = qn_now_us() + 20000000;
    while (atomic_load(&s->state) == 0 && qn_now_us() < until)
        sched_yield();
    return atomic_load(&s->state);
}

static void work(struct qn_journal *j, struct run *run)
{
    unsigned k = 0;
    while (k < N_DOCS) {
        unsigned n = k % 9 < 3 ? 1 : 3;
        n = n < N_DOCS - k ? n : N_DOCS - k;
        append_group(j, run, k, n);
        k += n;
        if (k > N_DOCS / 2 && qn_journal_truncate(j, qn_journal_end(j) / 2, NULL) < 0)
            continue; /* what could not be dropped now is dropped next time */
    }
    for (k = 0; k < N_DOCS; k++) {
        int state = answered(&run->slots[k]);
        assert_true(state == 1 || state == 2);
        run->n_failed += state == 2;
    }
}

/* Everything that was acknowledged and not truncated is there, at its place. */
static void verify(struct qn_journal *j, const struct run *run)
{
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    struct qn_err err = {0};
    bool seen[N_DOCS + 1] = {0};
    uint64_t first = qn_journal_first(j), last = 0;
    int rc;
    assert_ok(qn_journal_reader_open(&rd, j, first, NULL));
    while ((rc = qn_journal_reader_next(rd, &b, &err)) == 0) {
        unsigned c;
        uint64_t k;
        jt_who(b, &c, &k);
        assert_true(k <= N_DOCS && !seen[k] && jt_same_docs(b, 0, k, PAD));
        assert_true(b->rec.seq > last);
        int state = atomic_load(&run->slots[k].state);
        if (state == 1)
            assert_int_equal(b->rec.seq, run->slots[k].seq);
        else if (!run->power_cut)
            fail_msg("document %u was refused and is there", (unsigned)k);
        seen[k] = true;
        last = b->rec.seq;
        qn_batch_unref(b);
    }
    if (rc != QN_END)
        fail_msg("read: %s", err.msg);
    qn_journal_reader_close(rd);
    for (unsigned k = 0; k <= N_DOCS; k++)
        if (atomic_load(&run->slots[k].state) == 1 && run->slots[k].seq >= first && !seen[k])
            fail_msg("document %u was acknowledged at %llu and is gone", k,
                     (unsigned long long)run->slots[k].seq);
}

static void wait_healthy(struct qn_journal *j)
{
    struct qn_journal_health he;
    qn_usec deadline = qn_now_us() + DEADLINE_US;
    do {
        qn_journal_health(j, &he);
        if (qn_now_us() > deadline)
            fail_msg("still degraded: %s", he.reason);
    } while (he.code != 0);
    assert_string_equal(he.reason, "");
}

static struct qn_journal_options fault_options(const struct jt_dir *d, struct qn_fault_fs *ft)
{
    struct qn_journal_options opt = jt_options(d);
    opt.fs = &ft->fs;
    opt.segment_bytes = 3000;
    opt.ring_bytes = 0;
    return opt;
}

/* One run with one fault rule. False when the rule was never reached. */
static bool run_fault(struct qn_fault rule)
{
    struct jt_dir d;
    struct qn_fault_fs ft;
    struct run run = {0};
    struct qn_journal *j;
    struct qn_err err = {0};
    jt_dir_make(&d);
    qn_fault_init(&ft, qn_fs_posix());
    struct qn_journal_options opt = fault_options(&d, &ft);
    qn_fault_add(&ft, rule);
    int rc = qn_journal_open(&j, &opt, NULL, &err);
    if (rc < 0) {
        assert_int_equal(qn_err_class(rc), QN_CLASS_IO);
        assert_true(err.msg[0] != '\0');
    } else {
        work(j, &run);
        /* A single failure is made good before anybody is refused. */
        if (rule.count == 1 || rule.errnum == 0)
            assert_int_equal(run.n_failed, 0);
    }
    bool reached = qn_fault_seen(&ft, rule.op) > rule.after;
    qn_fault_clear(&ft);
    if (rc < 0)
        j = jt_open(&opt, NULL);
    wait_healthy(j);
    append_group(j, &run, N_DOCS, 1);
    assert_int_equal(atomic_load(&run.slots[N_DOCS].state), 1);
    verify(j, &run);
    qn_journal_close(j);
    for (int life = 0; life < 2; life++) {
        j = jt_open(&opt, NULL);
        verify(j, &run);
        qn_journal_close(j);
    }
    qn_fault_release(&ft);
    jt_dir_drop(&d);
    return reached;
}

static void every_index(enum qn_fault_op op, int errnum, uint64_t count)
{
    uint64_t i = 0;
    while (run_fault((struct qn_fault){.op = op, .after = i, .count = count, .errnum = errnum}))
        i++;
    assert_true(i > 0 || op == QN_FAULT_READ || op == QN_FAULT_MKDIR || op == QN_FAULT_UNLINK);
}

static void test_every_operation_once(void **state)
{
    (void)state;
    for (int op = 0; op < QN_FAULT_OP_COUNT; op++)
        every_index((enum qn_fault_op)op, EIO, 1);
}

static void test_every_operation_twice(void **state)
{
    (void)state;
    for (int op = 0; op < QN_FAULT_OP_COUNT; op++)
        every_index((enum qn_fault_op)op, ENOSPC, 2);
}

static void test_every_operation_for_good(void **state)
{
    (void)state;
    for (int op = 0; op < QN_FAULT_OP_COUNT; op++)
        every_index((enum qn_fault_op)op, EIO, 0);
}

static void test_short_transfers(void **state)
{
    (void)state;
    run_fault((struct qn_fault){.op = QN_FAULT_WRITE});
    run_fault((struct qn_fault){.op = QN_FAULT_READ});
}

/* After a failed sync nothing is ever written to that file or synced in it again, what was in
 * flight is acknowledged from a new file, and what the kernel dropped is not missed after a power
 * cut. */
static void test_sync_failure(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_fault_fs ft;
    struct run run = {0};
    jt_dir_make(&d);
    qn_fault_init(&ft, qn_fs_posix());
    qn_fault_track(&ft);
    struct qn_journal_options opt = fault_options(&d, &ft);
    opt.segment_bytes = 1 << 20;
    struct qn_journal *j = jt_open(&opt, NULL);
    struct qn_journal_stats st;
    for (unsigned k = 0; k < 5; k++)
        append_group(j, &run, k, 1);
    /* The next sync fails; so does everything done to that file after the write before it. */
    qn_fault_add(&ft, (struct qn_fault){QN_FAULT_SYNC, "0000000000000001", 0, 0, EIO});
    qn_fault_add(&ft, (struct qn_fault){QN_FAULT_WRITE, "0000000000000001", 1, 0, EIO});
    uint64_t syncs = qn_fault_seen(&ft, QN_FAULT_SYNC);
    for (unsigned k = 5; k < 12; k++) {
        append_group(j, &run, k, 1);
        assert_int_equal(atomic_load(&run.slots[k].state), 1);
        assert_int_equal(run.slots[k].seq, k + 1);
    }
    /* One that failed, one for the new segment's head, one for each append. */
    assert_int_equal(qn_fault_seen(&ft, QN_FAULT_SYNC), syncs + 2 + 7);
    qn_journal_stats(j, &st);
    assert_int_equal(st.suspect_segments, 1);
    assert_int_equal(st.n_segments, 2);
    verify(j, &run);
    qn_fault_halt(&ft, 0);
    qn_journal_close(j);
    qn_fault_crash(&ft, 0);
    qn_fault_clear(&ft);
    j = jt_open(&opt, NULL);
    assert_int_equal(qn_journal_end(j), 13);
    verify(j, &run);
    qn_journal_close(j);
    qn_fault_release(&ft);
    jt_dir_drop(&d);
}

static void test_disk_full(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_fault_fs ft;
    struct run run = {0};
    struct qn_journal_health he;
    jt_dir_make(&d);
    qn_fault_init(&ft, qn_fs_posix());
    struct qn_journal_options opt = fault_options(&d, &ft);
    struct qn_journal *j = jt_open(&opt, NULL);
    append_group(j, &run, 0, 1);
    unsigned k = 1;
    for (int round = 0; round < 3; round++) {
        qn_fault_set_space(&ft, 2500);
        unsigned n_ok = 0;
        while (append_group(j, &run, k, 1), atomic_load(&run.slots[k].state) == 1) {
            n_ok++;
            k++;
        }
        k++;
        assert_true(n_ok >= 1 && n_ok < 8);
        qn_journal_health(j, &he);
        assert_int_equal(he.code, QN_E_NO_SPACE);
        assert_int_equal(he.n_failures, round + 1);
        assert_non_null(strstr(he.reason, "no space left"));
        struct qn_batch *b = jt_batch(0, 0, 1, 0);
        assert_int_equal(qn_journal_append(j, b, QN_ACK_NONE, NULL), QN_E_NO_SPACE);
        qn_batch_unref(b);
        assert_int_equal(qn_journal_flush(j), QN_E_NO_SPACE);
        verify(j, &run); /* reading goes on */
        qn_fault_set_space(&ft, UINT64_MAX);
        wait_healthy(j);
    }
    append_group(j, &run, k, 2);
    verify(j, &run);
    qn_journal_close(j);
    j = jt_open(&opt, NULL);
    verify(j, &run);
    qn_journal_close(j);
    qn_fault_release(&ft);
    jt_dir_drop(&d);
}

/* Sequence numbers that were told to somebody are not given to another document in this process. */
static void test_no_number_twice(void **state)
{
    (void)state;
    struct jt_dir d;
    struct qn_fault_fs ft;
    jt_dir_make(&d);
    qn_fault_init(&ft, qn_fs_posix());
    struct qn_journal_options opt = fault_options(&d, &ft);
    opt.sync_interval_ms = 3600 * 1000;
    struct qn_journal *j = jt_open(&opt, NULL);
    uint64_t told, later;
    assert_ok(jt_append(j, 0, 0, 1, PAD, NULL));
    struct qn_batch *b = jt_batch(0, 1, 1, PAD);
    assert_ok(qn_journal_append(j, b, QN_ACK_WRITTEN, &told));
    qn_batch_unref(b);
    qn_fault_add(&ft, (struct qn_fault){.op = QN_FAULT_SYNC, .errnum = EIO});
    assert_int_equal(qn_journal_flush(j), QN_E_IO);
    struct qn_journal_stats st;
    qn_journal_stats(j, &st);
    assert_int_equal(st.lost_batches, 1);
    assert_int_equal(st.failed_batches, 0);
    qn_fault_clear(&ft);
    wait_healthy(j);
    assert_ok(jt_append(j, 0, 2, 1, PAD, &later));
    assert_true(later > told);
    qn_journal_close(j);
    j = jt_open(&opt, NULL); /* a gap in the numbers is not damage */
    assert_int_equal(qn_journal_end(j), later + 1);
    struct qn_journal_reader *rd;
    assert_ok(qn_journal_reader_open(&rd, j, 1, NULL));
    assert_int_equal(qn_journal_reader_next(rd, &b, NULL), 0);
    qn_batch_unref(b);
    assert_int_equal(qn_journal_reader_next(rd, &b, NULL), 0);
    assert_int_equal(b->rec.seq, later);
    qn_batch_unref(b);
    assert_int_equal(qn_journal_reader_next(rd, &b, NULL), QN_END);
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    qn_fault_release(&ft);
    jt_dir_drop(&d);
}

/* The power goes after `after` changing operations, goes again after `again` more during the next
 * open and run, and `seed` says what of the unsynced reached the disk. False when the run ended
 * before the power went. */
static bool run_power_cut(uint64_t after, uint64_t again, uint64_t seed, bool sync_fails)
{
    struct jt_dir d;
    struct qn_fault_fs ft;
    struct run run = {.power_cut = true};
    struct qn_journal *j;
    jt_dir_make(&d);
    qn_fault_init(&ft, qn_fs_posix());
    qn_fault_track(&ft);
    struct qn_journal_options opt = fault_options(&d, &ft);
    if (sync_fails)
        qn_fault_add(&ft, (struct qn_fault){QN_FAULT_SYNC, NULL, 3 + seed % 7, 1, EIO});
    qn_fault_halt(&ft, after);
    bool cut = false;
    if (qn_journal_open(&j, &opt, NULL, NULL) == 0) {
        work(j, &run);
        cut = run.n_failed > 0;
        qn_fault_halt(&ft, 0);
        qn_journal_close(j);
    }
    qn_fault_crash(&ft, seed);
    qn_fault_clear(&ft);

    qn_fault_halt(&ft, again);
    if (qn_journal_open(&j, &opt, NULL, NULL) == 0) {
        append_group(j, &run, N_DOCS, 1);
        qn_fault_halt(&ft, 0);
        qn_journal_close(j);
    }
    qn_fault_crash(&ft, seed);
    qn_fault_clear(&ft);

    j = jt_open(&opt, NULL);
    verify(j, &run);
    qn_journal_close(j);
    qn_fault_release(&ft);
    jt_dir_drop(&d);
    return cut || after < 5;
}

static void test_power_cuts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++)
        for (uint64_t after = seed; run_power_cut(after, 1 + after % 13, seed, false);
             after += 1 + seed)
            ;
}

static void test_power_cuts_after_sync_failure(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 7; seed++)
        for (uint64_t after = 5 + seed % 3; run_power_cut(after, 1 + after % 13, seed, true);
             after += 3)
            ;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_operation_once),
        cmocka_unit_test(test_every_operation_twice),
        cmocka_unit_test(test_every_operation_for_good),
        cmocka_unit_test(test_short_transfers),
        cmocka_unit_test(test_sync_failure),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_no_number_twice),
        cmocka_unit_test(test_power_cuts),
        cmocka_unit_test(test_power_cuts_after_sync_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
