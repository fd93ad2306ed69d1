/* os/thread.h, os/lock_order.h and os/mailbox.h. */
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/mailbox.h"
#include "os/thread.h"

struct counter {
    struct qn_mutex mu;
    struct qn_cond cv;
    int n, turn;
};

static void count_in_turns(void *arg)
{
    struct counter *c = arg;
    qn_mutex_lock(&c->mu);
    for (int i = 0; i < 1000; i++) {
        while (c->turn != 1)
            qn_cond_wait(&c->cv, &c->mu);
        c->turn = 0;
        c->n++;
        qn_cond_broadcast(&c->cv);
    }
    qn_mutex_unlock(&c->mu);
}

static void mutex_and_cond(void **state)
{
    (void)state;
    struct counter c = {0};
    qn_mutex_init(&c.mu, QN_LOCK_LEAF);
    qn_cond_init(&c.cv);
    struct qn_thread th;
    struct qn_thread_options opt = {.name = "a name longer than sixteen", .nice = 3};
    assert_ok(qn_thread_start(&th, &opt, count_in_turns, &c));
    qn_mutex_lock(&c.mu);
    for (int i = 0; i < 1000; i++) {
        while (c.turn != 0)
            qn_cond_wait(&c.cv, &c.mu);
        c.turn = 1;
        qn_cond_broadcast(&c.cv);
    }
    qn_mutex_unlock(&c.mu);
    qn_thread_join(&th);
    qn_thread_join(&th);
    assert_int_equal(c.n, 1000);

    qn_mutex_lock(&c.mu);
    int rc = QN_OK;
    qn_usec until = qn_now_us() + 2000;
    while (rc == QN_OK)
        rc = qn_cond_wait_until(&c.cv, &c.mu, until);
    assert_int_equal(rc, QN_E_TIMEOUT);
    assert_true(qn_now_us() >= until);
    qn_mutex_unlock(&c.mu);
    qn_cond_release(&c.cv);
    qn_mutex_release(&c.mu);
}

/* Runs fn in a child that must abort, and gives what it said. */
static void dies_saying(void (*fn)(void), char *said, size_t cap)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(fds[1], 2);
        fn();
        _exit(0);
    }
    close(fds[1]);
    size_t n = 0;
    ssize_t got;
    while (n < cap - 1 && (got = read(fds[0], said + n, cap - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void wrong_order(void)
{
    struct qn_mutex a, b;
    qn_mutex_init(&a, QN_LOCK_INDEX);
    qn_mutex_init(&b, QN_LOCK_POOL);
    qn_mutex_lock(&b);
    qn_mutex_lock(&a);
}

static void same_row(void)
{
    struct qn_mutex a, b;
    qn_mutex_init(&a, QN_LOCK_POOL);
    qn_mutex_init(&b, QN_LOCK_POOL);
    qn_mutex_lock(&a);
    qn_mutex_lock(&b);
}

static void wrong_thread(void)
{
    qn_thread_adopt("io", QN_THREAD_IO);
    QN_ASSERT_THREAD(QN_THREAD_IO);
    QN_ASSERT_THREAD(QN_THREAD_SEARCH);
}

static void lock_order_is_checked(void **state)
{
    (void)state;
#ifdef NDEBUG
    skip();
#endif
    struct qn_mutex a, b;
    qn_mutex_init(&a, QN_LOCK_INDEX);
    qn_mutex_init(&b, QN_LOCK_POOL);
    qn_mutex_lock(&a);
    qn_mutex_lock(&b);
    qn_mutex_unlock(&a); /* in any order */
    qn_mutex_unlock(&b);
    qn_mutex_release(&a);
    qn_mutex_release(&b);
    char said[4096];
    dies_saying(wrong_order, said, sizeof said);
    assert_non_null(strstr(said, "taking INDEX while holding POOL"));
    dies_saying(same_row, said, sizeof said);
    assert_non_null(strstr(said, "taking POOL while holding POOL"));
    dies_saying(wrong_thread, said, sizeof said);
    assert_non_null(strstr(said, "belongs on kind"));
    QN_ASSERT_THREAD(QN_THREAD_SEARCH); /* this one is of no kind */
}

struct note {
    struct qn_letter letter; /* first member */
    int sender, number;
};

static bool readable(int fd)
{
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    return poll(&pf, 1, 0) == 1;
}

static void one_mailbox(void **state)
{
    (void)state;
    struct qn_mailbox mb;
    assert_ok(qn_mailbox_init(&mb, 2));
    struct note a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    assert_null(qn_mailbox_take(&mb));
    assert_null(qn_mailbox_take_all(&mb));
    assert_false(readable(qn_mailbox_fd(&mb)));
    assert_ok(qn_mailbox_put(&mb, &a.letter));
    assert_ok(qn_mailbox_put(&mb, &b.letter));
    assert_int_equal(qn_mailbox_put(&mb, &c.letter), QN_E_BUSY);
    assert_true(readable(qn_mailbox_fd(&mb)));
    assert_ptr_equal(qn_mailbox_take(&mb), &a);
    assert_true(readable(qn_mailbox_fd(&mb)));
    assert_ok(qn_mailbox_put(&mb, &c.letter));
    struct qn_letter *all = qn_mailbox_take_all(&mb);
    assert_ptr_equal(all, &b);
    assert_ptr_equal(all->next, &c);
    assert_null(all->next->next);
    assert_false(readable(qn_mailbox_fd(&mb)));
    assert_int_equal(qn_mailbox_wait(&mb, qn_now_us() + 1), QN_E_TIMEOUT);
    assert_ok(qn_mailbox_put(&mb, &a.letter));
    assert_ok(qn_mailbox_wait(&mb, 0));
    assert_false(qn_mailbox_closed(&mb));
    qn_mailbox_close(&mb);
    qn_mailbox_close(&mb);
    assert_true(qn_mailbox_closed(&mb));
    assert_int_equal(qn_mailbox_put(&mb, &b.letter), QN_E_SHUTDOWN);
    assert_ptr_equal(qn_mailbox_take(&mb), &a); /* what was inside can still be taken */
    assert_null(qn_mailbox_take(&mb));
    assert_ok(qn_mailbox_wait(&mb, 0));
    qn_mailbox_release(&mb);
    qn_mailbox_release(&mb);
}

struct sender {
    struct qn_mailbox *mb;
    int id, n;
    struct note *notes;
    int busy;
};

static void send_all(void *arg)
{
    struct sender *sd = arg;
    for (int i = 0; i < sd->n; i++) {
        sd->notes[i] = (struct note){.sender = sd->id, .number = i};
        while (qn_mailbox_put(sd->mb, &sd->notes[i].letter) == QN_E_BUSY) {
            sd->busy++;
            sched_yield();
        }
    }
}

static void many_senders(void **state)
{
    (void)state;
    enum { SENDERS = 3, EACH = 5000 };
    struct qn_mailbox mb;
    assert_ok(qn_mailbox_init(&mb, 64));
    struct sender sd[SENDERS];
    struct qn_thread th[SENDERS];
    for (int i = 0; i < SENDERS; i++) {
        sd[i] = (struct sender){
            .mb = &mb, .id = i, .n = EACH, .notes = calloc(EACH, sizeof(struct note))};
        assert_ok(
            qn_thread_start(&th[i], &(struct qn_thread_options){.name = "send"}, send_all, &sd[i]));
    }
    int next[SENDERS] = {0}, n = 0;
    for (bool one = false; n < SENDERS * EACH; one = !one) {
        assert_ok(qn_mailbox_wait(&mb, qn_now_us() + 60000000));
        struct qn_letter *lt = one ? qn_mailbox_take(&mb) : qn_mailbox_take_all(&mb);
        for (struct qn_letter *after; lt != NULL; lt = after, n++) {
            after = lt->next;
            const struct note *note = (const struct note *)lt;
            assert_int_equal(note->number, next[note->sender]++); /* each sender's order is kept */
        }
    }
    for (int i = 0; i < SENDERS; i++) {
        qn_thread_join(&th[i]);
        free(sd[i].notes);
    }
    assert_false(readable(qn_mailbox_fd(&mb)));
    qn_mailbox_release(&mb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutex_and_cond),
        cmocka_unit_test(lock_order_is_checked),
        cmocka_unit_test(one_mailbox),
        cmocka_unit_test(many_senders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
