/* Group commit against a plain sequential writer, in one run and on one disk.
 *
 * Clients append batches and wait until they are durable; the log is truncated behind them, as an
 * indexer does. The plain writer then appends the same documents to one file, in one thread, with
 * an fdatasync every time as many bytes are written as the journal had between two of its own. Both
 * are measured in bytes of documents. Rounds alternate; the medians are compared. `logs` compresses
 * about threefold, `noise` does not at all: there both write the same number of bytes.
 *
 *     bench_journal_commit [seconds a round, 1] [rounds, 3]       in the current directory */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "journal/journal.h"
#include "os/mailbox.h"
#include "os/thread.h"

#define DIR "bench-journal"
#define PLAIN "bench-journal-plain"
#define POOL_BYTES (32u << 20)
#define MAX_ROUNDS 9
#define N_WORKERS 2
#define MAX_SAMPLES (1u << 18)

struct setting {
    const char *data;
    unsigned n_clients;
    unsigned n_docs; /* a batch */
};

struct result {
    double bytes_per_s, records_per_s, docs_per_s, syncs_per_s;
    double p50_ms, p99_ms;
    double bytes_per_sync;
    double plain_bytes_per_s; /* appends to a growing file */
    double over_bytes_per_s;  /* overwrites one file of 64 MiB, the kindest thing for a disk */
};

/* One request at a time; two workers serve all clients, as they do behind HTTP: `done` only puts
 * the client into the workers' mailbox. */
struct client {
    struct qn_letter letter; /* first */
    struct load *load;
    qn_usec sent;
    uint64_t at;
};

struct load {
    struct qn_mailbox box;
    struct qn_journal *j;
    const struct qn_simd_ops *simd;
    const char *pool;
    const struct setting *se;
    qn_usec until;
    _Atomic unsigned n_left; /* clients that have not ended */
};

struct worker {
    struct qn_thread thread;
    struct load *load;
    uint64_t n_batches, n_bytes, n_docs;
    double *ms;
    size_t n_ms;
};

/* A pool of documents, one a line. */
static char *make_pool(bool noise)
{
    char *pool = malloc(POOL_BYTES + 1024);
    size_t n = 0;
    for (uint64_t i = 0; n < POOL_BYTES; i++) {
        uint64_t h = qn_hash_u64(i);
        if (noise) {
            for (int k = 0; k < 40; k++) {
                uint64_t v = qn_hash_u64(i * 64 + (uint64_t)k);
                memcpy(pool + n, &v, 8);
                n += 8;
            }
            for (size_t k = n - 320; k < n; k++)
                pool[k] = pool[k] == '\n' ? ' ' : pool[k];
            pool[n++] = '\n';
        } else {
            n += (size_t)snprintf(
                pool + n, 1024,
                "{\"timestamp\":\"2026-11-21T00:%02u:%02u.%06uZ\",\"level\":\"%s\",\"service\":"
                "\"checkout-%u\",\"host\":\"node-%02u.eu-west.example.org\",\"trace\":\"%016llx\","
                "\"status\":%u,\"duration_ms\":%u,\"message\":\"request to /api/v1/items/%llu "
                "finished after %u attempts, cache %s\"}\n",
                (unsigned)(i / 6000 % 60), (unsigned)(i / 100 % 60), (unsigned)(h % 1000000),
                h % 10 ? "info" : "error", (unsigned)(h >> 8) % 7, (unsigned)(h >> 12) % 40,
                (unsigned long long)h, h % 10 ? 200u : 503u, (unsigned)(h >> 20) % 900,
                (unsigned long long)(h >> 30) % 100000, (unsigned)(h >> 50) % 3 + 1,
                h >> 60 ? "hit" : "miss");
        }
    }
    return pool;
}

static void done(void *arg, struct qn_batch *b, int rc)
{
    struct client *cl = arg;
    (void)b;
    if (rc < 0 || qn_mailbox_put(&cl->load->box, &cl->letter) < 0)
        abort();
}

static void send_batch(struct worker *wk, struct client *cl, struct qn_record_writer *wr)
{
    struct load *ld = wk->load;
    struct qn_batch *b;
    qn_record_begin(wr, QN_RECORD_DOCS, &(struct qn_origin){.index = QN_STR("logs")});
    for (unsigned i = 0; i < ld->se->n_docs; i++) {
        const char *p = ld->pool + cl->at;
        size_t n = (size_t)((const char *)memchr(p, '\n', 1024) - p);
        qn_record_put_doc(wr, qn_str_make(p, n));
        cl->at += n + 1;
        cl->at = cl->at >= POOL_BYTES - 2048 ? 0 : cl->at;
        wk->n_bytes += n;
    }
    if (qn_batch_new(&b, wr, ld->simd, NULL) < 0)
        abort();
    wk->n_batches++;
    wk->n_docs += ld->se->n_docs;
    cl->sent = qn_now_us();
    if (qn_journal_submit(ld->j, b, QN_ACK_DURABLE, done, cl) < 0)
        abort();
    qn_batch_unref(b);
}

static void run_worker(void *arg)
{
    struct worker *wk = arg;
    struct load *ld = wk->load;
    struct qn_record_writer wr;
    qn_record_init(&wr);
    while (qn_mailbox_wait(&ld->box, 0) == 0) {
        struct client *cl = (struct client *)qn_mailbox_take(&ld->box);
        if (cl == NULL) {
            if (qn_mailbox_closed(&ld->box))
                break;
            continue;
        }
        qn_usec now = qn_now_us();
        if (cl->sent != 0 && wk->n_ms < MAX_SAMPLES)
            wk->ms[wk->n_ms++] = (double)(now - cl->sent) / 1000;
        if (now < ld->until)
            send_batch(wk, cl, &wr);
        else if (atomic_fetch_sub(&ld->n_left, 1) == 1)
            qn_mailbox_close(&ld->box);
    }
    qn_record_release(&wr);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sum_up(struct worker *workers, unsigned n, const struct qn_journal_stats *st,
                   double seconds, struct result *out)
{
    double *all = malloc(sizeof *all * MAX_SAMPLES * n);
    size_t n_all = 0;
    for (unsigned i = 0; i < n; i++) {
        memcpy(all + n_all, workers[i].ms, workers[i].n_ms * sizeof *all);
        n_all += workers[i].n_ms;
        out->bytes_per_s += (double)workers[i].n_bytes / seconds;
        out->records_per_s += (double)workers[i].n_batches / seconds;
        out->docs_per_s += (double)workers[i].n_docs / seconds;
        free(workers[i].ms);
    }
    qsort(all, n_all, sizeof *all, by_value);
    out->p50_ms = all[n_all / 2];
    out->p99_ms = all[n_all * 99 / 100];
    out->syncs_per_s = (double)st->sync_count / seconds;
    out->bytes_per_sync = out->bytes_per_s / out->syncs_per_s;
    free(all);
}

static void serve(struct load *ld, struct result *out)
{
    struct client *clients = calloc(ld->se->n_clients, sizeof *clients);
    struct worker workers[N_WORKERS] = {0};
    const struct qn_thread_options th = {.name = "worker"};
    if (qn_mailbox_init(&ld->box, 0) < 0)
        exit(1);
    for (unsigned i = 0; i < ld->se->n_clients; i++) {
        const char *line = memchr(ld->pool + POOL_BYTES / 100 * i, '\n', 1024);
        clients[i] = (struct client){.load = ld, .at = (uint64_t)(line - ld->pool) + 1};
        if (qn_mailbox_put(&ld->box, &clients[i].letter) < 0)
            exit(1);
    }
    qn_usec start = qn_now_us();
    for (unsigned i = 0; i < N_WORKERS; i++) {
        workers[i] = (struct worker){.load = ld, .ms = malloc(sizeof(double) * MAX_SAMPLES)};
        if (qn_thread_start(&workers[i].thread, &th, run_worker, &workers[i]) < 0)
            exit(1);
    }
    while (atomic_load(&ld->n_left) > 0) {
        usleep(50000);
        if (qn_journal_truncate(ld->j, qn_journal_end(ld->j), NULL) < 0)
            fprintf(stderr, "truncate failed\n");
    }
    for (unsigned i = 0; i < N_WORKERS; i++)
        qn_thread_join(&workers[i].thread);
    double took = (double)(qn_now_us() - start) / 1e6;
    struct qn_journal_stats st;
    qn_journal_stats(ld->j, &st);
    sum_up(workers, N_WORKERS, &st, took, out);
    qn_mailbox_release(&ld->box);
    free(clients);
}

static void run_journal(const struct setting *se, const char *pool, double seconds,
                        struct result *out)
{
    struct qn_journal_options opt;
    struct qn_err err = {0};
    struct load ld = {.se = se, .pool = pool, .simd = qn_simd_pick("auto")};
    qn_journal_options_default(&opt);
    opt.dir = DIR;
    opt.simd = ld.simd;
    if (qn_journal_open(&ld.j, &opt, NULL, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    atomic_init(&ld.n_left, se->n_clients);
    ld.until = qn_now_us() + (qn_usec)(seconds * 1e6);
    serve(&ld, out);
    qn_journal_close(ld.j);
}

static void write_all(int fd, const char *p, size_t n)
{
    if (write(fd, p, n) != (ssize_t)n) {
        perror(PLAIN);
        exit(1);
    }
}

static double run_plain(const char *pool, double seconds, size_t step, bool overwrite)
{
    uint64_t total = 0, in_file = 0, max_file = overwrite ? 64u << 20 : 1u << 30;
    size_t at = 0;
    int fd = open(PLAIN, O_CREAT | O_RDWR | O_TRUNC, 0644);
    if (fd < 0)
        exit(1);
    for (uint64_t n = 0; overwrite && n < max_file; n += POOL_BYTES)
        write_all(fd, pool, POOL_BYTES);
    if (fsync(fd) != 0)
        exit(1);
    lseek(fd, 0, SEEK_SET);
    qn_usec start = qn_now_us(), until = start + (qn_usec)(seconds * 1e6);
    while (qn_now_us() < until) {
        if (in_file + step > max_file) {
            lseek(fd, 0, SEEK_SET);
            in_file = 0;
        }
        for (size_t left = step; left > 0;) {
            size_t n = left < POOL_BYTES - at ? left : POOL_BYTES - at;
            write_all(fd, pool + at, n);
            at = at + n == POOL_BYTES ? 0 : at + n;
            left -= n;
        }
        if (fdatasync(fd) != 0)
            exit(1);
        total += step;
        in_file += step;
    }
    double rate = (double)total / ((double)(qn_now_us() - start) / 1e6);
    close(fd);
    unlink(PLAIN);
    return rate;
}

#define MEDIAN(field)                                                                              \
    for (int i = 0; i < rounds; i++)                                                               \
        v[i] = r[i].field;                                                                         \
    qsort(v, (size_t)rounds, sizeof *v, by_value);                                                 \
    m.field = v[rounds / 2]

static struct result median(const struct result *r, int rounds)
{
    struct result m;
    double v[MAX_ROUNDS];
    MEDIAN(bytes_per_s);
    MEDIAN(records_per_s);
    MEDIAN(docs_per_s);
    MEDIAN(syncs_per_s);
    MEDIAN(p50_ms);
    MEDIAN(p99_ms);
    MEDIAN(bytes_per_sync);
    MEDIAN(plain_bytes_per_s);
    MEDIAN(over_bytes_per_s);
    return m;
}

int main(int argc, char **argv)
{
    static const struct setting settings[] = {
        {"logs", 1, 1},     {"logs", 8, 1},     {"logs", 64, 1},   {"logs", 1, 100},
        {"logs", 8, 100},   {"logs", 8, 3000},  {"logs", 64, 100}, {"noise", 8, 100},
        {"noise", 8, 3000}, {"noise", 64, 100},
    };
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    int rounds = argc > 2 ? atoi(argv[2]) : 3;
    rounds = rounds < 1 ? 1 : rounds > MAX_ROUNDS ? MAX_ROUNDS : rounds;
    char *logs = make_pool(false), *noise = make_pool(true);
    printf("%-6s %7s %6s | %7s %8s %8s %8s %8s %8s | %7s %6s %7s %6s\n", "data", "clients", "docs",
           "MB/s", "docs/s", "batch/s", "p50 ms", "p99 ms", "KB/sync", "plain", "ratio", "over",
           "ratio");
    for (size_t i = 0; i < QN_COUNT_OF(settings); i++) {
        const struct setting *se = &settings[i];
        const char *pool = se->data[0] == 'l' ? logs : noise;
        struct result r[MAX_ROUNDS] = {0};
        for (int k = 0; k < rounds; k++) {
            run_journal(se, pool, seconds, &r[k]);
            size_t step = (size_t)r[k].bytes_per_sync;
            r[k].plain_bytes_per_s = run_plain(pool, seconds, step, false);
            r[k].over_bytes_per_s = run_plain(pool, seconds, step, true);
        }
        struct result m = median(r, rounds);
        printf("%-6s %7u %6u | %7.1f %8.0f %8.0f %8.3f %8.3f %8.1f | %7.1f %5.0f%% %7.1f %5.0f%%\n",
               se->data, se->n_clients, se->n_docs, m.bytes_per_s / 1e6, m.docs_per_s,
               m.records_per_s, m.p50_ms, m.p99_ms, m.bytes_per_sync / 1e3,
               m.plain_bytes_per_s / 1e6, 100 * m.bytes_per_s / m.plain_bytes_per_s,
               m.over_bytes_per_s / 1e6, 100 * m.bytes_per_s / m.over_bytes_per_s);
        printf("{\"name\":\"journal_commit_%s_%u_%u\",\"ns_per_op\":%.0f,\"bytes_per_s\":%.0f,"
               "\"plain_bytes_per_s\":%.0f,\"over_bytes_per_s\":%.0f,\"simd\":\"%s\"}\n",
               se->data, se->n_clients, se->n_docs, 1e9 / m.docs_per_s, m.bytes_per_s,
               m.plain_bytes_per_s, m.over_bytes_per_s, qn_simd_pick("auto")->name);
    }
    free(logs);
    free(noise);
    struct qn_err err = {0};
    return qn_fs_remove_tree(qn_fs_posix(), DIR, &err) < 0;
}
