/* os/clock.h, os/ulid.h, os/random.h, os/cpu.h and os/signals.h. */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/cpu.h"
#include "os/random.h"
#include "os/signals.h"
#include "os/thread.h"
#include "os/ulid.h"

static void clocks(void **state)
{
    (void)state;
    const struct qn_clock *ck = qn_clock_system();
    qn_usec a = qn_mono_us(ck), b = qn_now_us();
    assert_true(b >= a);
    assert_true(qn_wall_ns(ck) > 1700000000ll * 1000000000);
    struct qn_manual_clock mc;
    qn_manual_clock_init(&mc, 5, 7000);
    qn_manual_clock_advance(&mc, 3);
    assert_int_equal(qn_mono_us(&mc.clock), 8);
    assert_int_equal(qn_wall_ns(&mc.clock), 10000);
    assert_int_equal(qn_wall_us(&mc.clock), 10);
    qn_manual_clock_set_wall(&mc, 1);
    assert_int_equal(qn_wall_ns(&mc.clock), 1);
}

static void hybrid_clock(void **state)
{
    (void)state;
    struct qn_manual_clock mc;
    struct qn_hlc hlc;
    const int64_t t0 = 1700000000ll * 1000000000;
    qn_manual_clock_init(&mc, 0, t0);
    qn_hlc_init(&hlc, &mc.clock, 1000000, 0);
    uint64_t a = qn_hlc_next(&hlc), b = qn_hlc_next(&hlc);
    assert_int_equal(qn_hlc_wall_us(a), t0 / 1000);
    assert_true(b == a + 1);
    qn_manual_clock_set_wall(&mc, t0 - 1000000000); /* the wall steps back, stamps do not */
    assert_true(qn_hlc_next(&hlc) == a + 2);
    qn_manual_clock_set_wall(&mc, t0 + 1000000);
    assert_int_equal(qn_hlc_wall_us(qn_hlc_next(&hlc)), t0 / 1000 + 1000);

    /* more stamps in one microsecond than the counter holds run over into the next */
    uint64_t first = qn_hlc_next(&hlc), last = first;
    for (int i = 0; i < 5000; i++) {
        uint64_t next = qn_hlc_next(&hlc);
        assert_true(next > last);
        last = next;
    }
    assert_int_equal(qn_hlc_wall_us(last), qn_hlc_wall_us(first) + 1);

    uint64_t wall = (uint64_t)qn_wall_us(&mc.clock) << QN_HLC_COUNTER_BITS;
    assert_ok(qn_hlc_receive(&hlc, wall + (900000ull << QN_HLC_COUNTER_BITS)));
    last = qn_hlc_next(&hlc);
    assert_true(last > wall + (900000ull << QN_HLC_COUNTER_BITS));
    assert_ok(qn_hlc_receive(&hlc, 17)); /* the past changes nothing */
    assert_int_equal(qn_hlc_receive(&hlc, wall + (1000001ull << QN_HLC_COUNTER_BITS)), QN_E_RANGE);
    assert_int_equal(qn_hlc_receive(&hlc, UINT64_MAX), QN_E_RANGE);
    assert_true(qn_hlc_next(&hlc) == last + 1);

    qn_hlc_init(&hlc, &mc.clock, 1000000, last + 50); /* a life after a restart */
    assert_true(qn_hlc_next(&hlc) == last + 51);
}

#define STAMPS 20000

struct stamper {
    struct qn_hlc *hlc;
    struct qn_ulid_gen *gen;
    uint64_t stamps[STAMPS];
    struct qn_ulid ulids[200];
    int failures;
};

static void stamp(void *arg)
{
    struct stamper *st = arg;
    for (int i = 0; i < STAMPS; i++) {
        st->stamps[i] = qn_hlc_next(st->hlc);
        st->failures += i > 0 && st->stamps[i] <= st->stamps[i - 1];
        st->failures += qn_hlc_receive(st->hlc, st->stamps[i]) < 0;
    }
    for (int i = 0; i < 200; i++) {
        st->ulids[i] = qn_ulid_next(st->gen);
        st->failures += i > 0 && strcmp(st->ulids[i].z, st->ulids[i - 1].z) <= 0;
    }
}

static int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int cmp_ulid(const void *a, const void *b)
{
    return memcmp(a, b, QN_ULID_LEN);
}

static void stamps_are_unique_between_threads(void **state)
{
    (void)state;
    struct qn_hlc hlc;
    struct qn_ulid_gen gen;
    qn_hlc_init(&hlc, qn_clock_system(), 1000000, 0);
    qn_ulid_gen_init(&gen, qn_clock_system());
    struct stamper *st = calloc(3, sizeof *st);
    struct qn_thread th[3];
    for (int i = 0; i < 3; i++) {
        st[i].hlc = &hlc;
        st[i].gen = &gen;
        assert_ok(
            qn_thread_start(&th[i], &(struct qn_thread_options){.name = "stamp"}, stamp, &st[i]));
    }
    uint64_t *all = malloc(sizeof *all * 3 * STAMPS);
    struct qn_ulid ulids[600];
    for (int i = 0; i < 3; i++) {
        qn_thread_join(&th[i]);
        assert_int_equal(st[i].failures, 0);
        memcpy(all + i * STAMPS, st[i].stamps, sizeof st[i].stamps);
        memcpy(ulids + i * 200, st[i].ulids, sizeof st[i].ulids);
    }
    qsort(all, 3 * STAMPS, sizeof *all, cmp_u64);
    for (int i = 1; i < 3 * STAMPS; i++)
        assert_true(all[i] != all[i - 1]);
    qsort(ulids, 600, sizeof *ulids, cmp_ulid);
    for (int i = 1; i < 600; i++)
        assert_true(cmp_ulid(&ulids[i], &ulids[i - 1]) != 0);
    free(all);
    free(st);
    qn_ulid_gen_release(&gen);
}

static void ulids(void **state)
{
    (void)state;
    struct qn_manual_clock mc;
    qn_manual_clock_init(&mc, 0, 1469918176385ll * 1000000); /* the specification's example */
    struct qn_ulid_gen gen;
    qn_ulid_gen_init(&gen, &mc.clock);
    struct qn_ulid a = qn_ulid_next(&gen), b;
    assert_memory_equal(a.z, "01ARYZ6S41", 10);
    assert_int_equal(strlen(a.z), QN_ULID_LEN);
    for (int i = 0; i < 100; i++, a = b) {
        if (i == 50)
            qn_manual_clock_set_wall(&mc, 1469918176000ll * 1000000);
        b = qn_ulid_next(&gen);
        assert_true(strcmp(a.z, b.z) < 0);
    }
    gen.rand_hi = 0xffff; /* the last of its millisecond */
    gen.rand_lo = UINT64_MAX;
    b = qn_ulid_next(&gen);
    assert_string_equal(b.z, "01ARYZ6S420000000000000000");
    int64_t ms;
    assert_ok(qn_ulid_parse(qn_str_of(b.z), &a, &ms));
    assert_int_equal(ms, 1469918176386ll);
    assert_string_equal(a.z, b.z);
    static const char *const bad[] = {"",
                                      "01ARYZ6S42000000000000000",
                                      "01ARYZ6S4200000000000000000",
                                      "01aryz6s420000000000000000",
                                      "01ARYZ6S42000000000000000U",
                                      "81ARYZ6S420000000000000000",
                                      "01ARYZ6S42/000000000000000"};
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++)
        assert_int_equal(qn_ulid_parse(qn_str_of(bad[i]), &a, NULL), QN_E_PARSE);
    assert_int_equal(qn_ulid_parse(qn_str_make("01ARYZ6S4\0"
                                               "0000000000000000",
                                               26),
                                   &a, NULL),
                     QN_E_PARSE);
    qn_ulid_gen_release(&gen);
}

static void random_numbers(void **state)
{
    (void)state;
    struct qn_random a, b;
    qn_random_seed(&a, 0);
    qn_random_seed(&b, 0);
    unsigned seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        assert_true(qn_random_next(&a) == qn_random_next(&b));
        seen[qn_random_below(&a, 7)]++;
        (void)qn_random_below(&b, 7);
    }
    for (int i = 0; i < 7; i++)
        assert_true(seen[i] > 800 && seen[i] < 1200);
    assert_int_equal(qn_random_below(&a, 0), 0);
    assert_int_equal(qn_random_below(&a, 1), 0);
    qn_random_init(&a);
    qn_random_init(&b);
    assert_true(qn_random_next(&a) != qn_random_next(&b));
}

static void machine(void **state)
{
    (void)state;
    assert_true(qn_cpu_count() >= 1);
    assert_true(qn_memory_total() > 64 << 20);
    assert_true(qn_memory_rss() > 64 << 10);
}

static void signals_are_events(void **state)
{
    (void)state;
    sigset_t old;
    pthread_sigmask(SIG_BLOCK, NULL, &old);
    int fd = qn_signals_open(NULL);
    assert_ok(fd);
    assert_int_equal(qn_signals_wait(fd, qn_now_us() + 1), 0);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(qn_signals_wait(fd, qn_now_us() + 10000000), SIGTERM);
    assert_int_equal(kill(getpid(), SIGHUP), 0);
    assert_int_equal(qn_signals_wait(fd, 0), SIGHUP);
    close(fd);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks),
        cmocka_unit_test(hybrid_clock),
        cmocka_unit_test(ulids),
        cmocka_unit_test(stamps_are_unique_between_threads),
        cmocka_unit_test(random_numbers),
        cmocka_unit_test(machine),
        cmocka_unit_test(signals_are_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
