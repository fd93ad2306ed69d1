/* SIGKILL at random points while 8 clients append and one truncates. After each restart every
 * acknowledged batch is there, exactly once, in order. QN_CRASH_ROUNDS (200) sets how often.
 *
 * The child tells what it was told through shared memory, which outlives it:
 *     begun[c]      numbers client c has handed out; one batch each, never used again
 *     told[c][k]    position at which batch k was acknowledged; 0: it was not */
#include "journal_help.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "os/thread.h"

#define CLIENTS 8
#define MAX_BATCHES (1u << 16)
#define PAD 150
#define KEEP 400 /* sequence numbers that stay behind a truncation */

struct shared {
    _Atomic uint64_t n_acked;
    _Atomic uint64_t truncated_below;
    _Atomic uint32_t begun[CLIENTS];
    _Atomic uint64_t told[CLIENTS][MAX_BATCHES];
};

struct client {
    struct qn_thread thread;
    struct qn_journal *j;
    struct shared *sh;
    unsigned id;
};

static void child_client(void *arg)
{
    struct client *cl = arg;
    enum qn_ack ack = cl->id == 7 ? QN_ACK_WRITTEN : QN_ACK_DURABLE;
    for (;;) {
        uint32_t k = atomic_fetch_add(&cl->sh->begun[cl->id], 1);
        if (k >= MAX_BATCHES)
            return;
        struct qn_batch *b = jt_batch(cl->id, k, 1 + k % 4, PAD);
        uint64_t seq;
        if (qn_journal_append(cl->j, b, ack, &seq) != 0)
            _exit(3);
        atomic_store(&cl->sh->told[cl->id][k], seq);
        atomic_fetch_add(&cl->sh->n_acked, 1);
        qn_batch_unref(b);
    }
}

/* Never returns: works until it is killed. */
static void child(const struct qn_journal_options *opt, struct shared *sh)
{
    struct client clients[CLIENTS] = {0};
    const struct qn_thread_options th = {.name = "client"};
    struct qn_journal *j;
    if (qn_journal_open(&j, opt, NULL, NULL) < 0)
        _exit(4);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.j = j, .sh = sh, .id = i};
        if (qn_thread_start(&clients[i].thread, &th, child_client, &clients[i]) < 0)
            _exit(5);
    }
    for (;;) {
        uint64_t end = qn_journal_end(j);
        if (qn_journal_wait(j, end + KEEP / 4, 0) < 0)
            _exit(6);
        uint64_t below = end > KEEP ? end - KEEP : 0;
        atomic_store(&sh->truncated_below, below);
        if (qn_journal_truncate(j, below, NULL) < 0)
            _exit(7);
    }
}

static void kill_somewhere(pid_t pid, struct shared *sh, struct qn_rng *r)
{
    uint64_t target = atomic_load(&sh->n_acked) + qn_rng_below(r, 60);
    qn_usec deadline = qn_now_us() + DEADLINE_US;
    while (atomic_load(&sh->n_acked) < target && qn_now_us() < deadline)
        if (waitpid(pid, NULL, WNOHANG) != 0)
            fail_msg("the child ended by itself");
    qn_usec until = qn_now_us() + qn_rng_below(r, 800);
    while (qn_now_us() < until)
        ;
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFSIGNALED(status))
        fail_msg("the child ended with %d", WEXITSTATUS(status));
}

/* Batch k of client c was seen at seq: right if nobody was told otherwise. */
static void check_batch(struct shared *sh, const struct qn_batch *b, uint32_t *next)
{
    unsigned c;
    uint64_t k;
    jt_who(b, &c, &k);
    assert_true(c < CLIENTS && k < atomic_load(&sh->begun[c]));
    assert_true(k >= next[c]); /* each client's batches in the order in which it sent them, once */
    assert_int_equal(b->rec.n_ops, 1 + k % 4);
    assert_true(jt_same_docs(b, c, k, PAD));
    uint64_t told = atomic_load(&sh->told[c][k]);
    if (told != 0)
        assert_int_equal(b->rec.seq, told);
    next[c] = (uint32_t)k + 1;
}

static uint64_t verify(const struct qn_journal_options *opt, struct shared *sh, bool *seen)
{
    struct qn_journal *j = jt_open(opt, NULL);
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    struct qn_err err = {0};
    uint32_t next[CLIENTS] = {0};
    uint64_t first = qn_journal_first(j), at = first, n = 0;
    int rc;
    assert_true(first <= 1 || first <= atomic_load(&sh->truncated_below));
    memset(seen, 0, CLIENTS * MAX_BATCHES);
    assert_ok(qn_journal_reader_open(&rd, j, first, NULL));
    while ((rc = qn_journal_reader_next(rd, &b, &err)) == 0) {
        unsigned c;
        uint64_t k;
        assert_int_equal(b->rec.seq, at);
        check_batch(sh, b, next);
        jt_who(b, &c, &k);
        seen[c * MAX_BATCHES + k] = true;
        at = qn_record_end(&b->rec);
        qn_batch_unref(b);
    }
    if (rc != QN_END)
        fail_msg("read: %s", err.msg);
    for (unsigned c = 0; c < CLIENTS; c++) {
        uint32_t begun = atomic_load(&sh->begun[c]);
        for (uint32_t k = 0; k < begun && k < MAX_BATCHES; k++) {
            uint64_t told = atomic_load(&sh->told[c][k]);
            if (told < first)
                continue;
            n++;
            if (!seen[c * MAX_BATCHES + k])
                fail_msg("client %u, batch %u: acknowledged at %llu and gone", c, k,
                         (unsigned long long)told);
        }
    }
    qn_journal_reader_close(rd);
    qn_journal_close(j);
    return n;
}

static void test_sigkill(void **state)
{
    (void)state;
    const char *z = getenv("QN_CRASH_ROUNDS");
    unsigned long rounds = z != NULL ? strtoul(z, NULL, 10) : 200;
    struct qn_rng r = qn_test_rng(21);
    struct jt_dir d;
    jt_dir_make(&d);
    struct qn_journal_options opt = jt_options(&d);
    opt.segment_bytes = 32 << 10;
    struct shared *sh =
        mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(sh != MAP_FAILED);
    bool *seen = malloc(CLIENTS * MAX_BATCHES);
    uint64_t checked = 0;
    for (unsigned long i = 0; i < rounds; i++) {
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child(&opt, sh);
        kill_somewhere(pid, sh, &r);
        checked += verify(&opt, sh, seen);
    }
    assert_true(atomic_load(&sh->n_acked) > rounds && checked > rounds);
    printf("%lu kills, %llu batches acknowledged, %llu checks\n", rounds,
           (unsigned long long)atomic_load(&sh->n_acked), (unsigned long long)checked);
    free(seen);
    munmap(sh, sizeof *sh);
    jt_dir_drop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sigkill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
