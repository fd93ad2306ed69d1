/* Indexing: an NDJSON file through walker, indexer and flush into split files on disk, and their
 * merge, on one thread.
 *     bench_ingest_index FILE.ndjson INDEX_CONFIG.json DIR [DOCS_PER_SPLIT]
 * INDEX_CONFIG is an index configuration as the API takes it. One line of JSON comes out; splits
 * stay in DIR. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/vec.h"
#include "ingest/indexer.h"
#include "split/split_merge.h"

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what, const struct qn_err *err)
{
    fprintf(stderr, "%s: %s\n", what, err ? err->msg : "failed");
    exit(1);
}

static struct qn_str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        exit(2);
    }
    fseek(f, 0, SEEK_END);
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *p = qn_xaligned(n);
    if (fread(p, 1, n, f) != n)
        exit(2);
    fclose(f);
    return qn_str_make(p, n);
}

/* A sink over a file, with one big buffer. */
struct file_sink {
    struct qn_sink sink;
    int fd;
    struct qn_buf buf;
};

static int put_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k < 0)
            return qn_err_from_errno(errno);
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static int file_write(struct qn_sink *sk, const void *p, size_t n)
{
    struct file_sink *fs = (struct file_sink *)sk;
    qn_buf_put(&fs->buf, p, n);
    if (fs->buf.n < 1 << 20)
        return 0;
    int rc = put_all(fs->fd, fs->buf.p, fs->buf.n);
    qn_buf_clear(&fs->buf);
    return rc;
}

static void file_open(struct file_sink *fs, const char *path)
{
    *fs = (struct file_sink){.sink = {.write = file_write}};
    fs->fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (fs->fd < 0)
        die(path, NULL);
    qn_buf_init(&fs->buf, SIZE_MAX);
}

static void file_close(struct file_sink *fs)
{
    if (put_all(fs->fd, fs->buf.p, fs->buf.n) < 0 || fdatasync(fs->fd) < 0)
        die("write", NULL);
    close(fs->fd);
    qn_buf_release(&fs->buf);
}

struct job {
    const struct qn_simd_ops *simd;
    const char *dir;
    struct qn_memindex_options op;
    struct qn_indexer *ix;
    struct qn_doc_walker *walker;
    struct file_sink fs;
    char path[512];
    struct qn_split_info info; /* of the last split */
    QN_VEC(uint64_t) hot;      /* hot offsets, by split */
    uint64_t file_bytes, bad, section[QN_SECTIONS_END], peak_memory;
    bool open;
};

static void split_path(const struct job *jb, size_t i, char out[512])
{
    snprintf(out, 512, "%s/%zu.split", jb->dir, i);
}

static void finish_split(struct job *jb)
{
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    uint64_t memory = qn_memindex_bytes(qn_indexer_memory(jb->ix));
    jb->peak_memory = memory > jb->peak_memory ? memory : jb->peak_memory;
    if (qn_indexer_flush(jb->ix, &meta, &jb->info) < 0)
        die("flush", NULL);
    file_close(&jb->fs);
    qn_vec_push(&jb->hot, jb->info.hot_offset);
    jb->file_bytes += jb->info.file_bytes;
    for (int k = 0; k < QN_SECTIONS_END; k++)
        jb->section[k] += jb->info.section_bytes[k];
    jb->open = false;
}

static void start_split(struct job *jb)
{
    split_path(jb, jb->hot.n, jb->path);
    file_open(&jb->fs, jb->path);
    qn_indexer_start(jb->ix, &jb->fs.sink);
    jb->open = true;
}

/* Reads lines up to about a megabyte, as a request would bring them. */
static struct qn_parsed *read_batch(struct job *jb, struct qn_str *rest)
{
    struct qn_parsed *pd = qn_parsed_new(qn_doc_walker_mapping(jb->walker), NULL);
    struct qn_str line;
    size_t bytes = 0;
    while (bytes < 1 << 20 && qn_str_split(rest, '\n', &line)) {
        struct qn_doc doc;
        struct qn_err err = {0};
        bytes += line.n;
        if (line.n == 0)
            continue;
        if (qn_doc_read(jb->walker, line, &doc, &err) != 0 ||
            qn_parsed_add(pd, jb->walker, &doc) < 0) {
            if (jb->bad++ == 0)
                fprintf(stderr, "bad document: %s\n", err.msg);
        }
    }
    return pd;
}

static void index_batch(struct job *jb, const struct qn_parsed *pd, uint64_t docs_per_split)
{
    struct qn_err err = {0};
    for (uint32_t i = 0; i < pd->docs.n; i++) {
        if (!jb->open)
            start_split(jb);
        if (i == 0 || qn_memindex_docs(qn_indexer_memory(jb->ix)) == 0)
            qn_indexer_batch(jb->ix, pd);
        if (qn_indexer_add(jb->ix, i, &err) < 0)
            die("add", &err);
        if (qn_memindex_docs(qn_indexer_memory(jb->ix)) >= docs_per_split ||
            qn_memindex_full(qn_indexer_memory(jb->ix)))
            finish_split(jb);
    }
}

static void index_all(struct job *jb, struct qn_str all, uint64_t docs_per_split)
{
    struct qn_str rest = all;
    while (rest.p != NULL) {
        struct qn_parsed *pd = read_batch(jb, &rest);
        index_batch(jb, pd, docs_per_split);
        qn_parsed_free(pd);
    }
    if (jb->open)
        finish_split(jb);
}

static double merge_all(struct job *jb, const struct qn_mapping *m, struct qn_merge_stats *stats)
{
    size_t n = jb->hot.n;
    struct qn_merge_input *in = qn_xcalloc(n, sizeof *in);
    struct qn_err err = {0};
    char path[512];
    double t0 = now();
    for (size_t i = 0; i < n; i++) {
        struct qn_object *ob;
        split_path(jb, i, path);
        if (qn_object_open_file(&ob, path, &err) < 0 ||
            qn_split_open(&in[i].sp, ob, jb->hot.p[i], jb->simd, &err) < 0)
            die(path, &err);
        qn_object_unref(ob);
    }
    struct qn_merge_options op = {.split = jb->op.split,
                                  .inputs = in,
                                  .n_inputs = (uint32_t)n,
                                  .time_field = m->timestamp_path};
    struct qn_split_meta meta = {.json = QN_STR("{}")};
    snprintf(path, sizeof path, "%s/merged.split", jb->dir);
    file_open(&jb->fs, path);
    if (qn_split_merge(&op, &jb->fs.sink, &meta, &jb->info, stats, &err) < 0)
        die("merge", &err);
    file_close(&jb->fs);
    double s = now() - t0;
    for (size_t i = 0; i < n; i++)
        qn_split_unref(in[i].sp);
    free(in);
    return s;
}

static struct qn_mapping *read_mapping(const char *path)
{
    struct qn_json_tape tape;
    struct qn_json_val v;
    struct qn_mapping *m;
    struct qn_err err = {0};
    qn_json_tape_init(&tape, NULL);
    if (qn_json_read(&tape, read_file(path), &err) < 0 ||
        !qn_json_get(qn_json_root(&tape), "doc_mapping", &v) ||
        qn_mapping_parse_quickwit(&m, v, &err) < 0)
        die(path, &err);
    qn_json_tape_release(&tape);
    return m;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: bench_ingest_index FILE.ndjson CONFIG.json DIR [DOCS]\n");
        return 2;
    }
    struct qn_mapping *m = read_mapping(argv[2]);
    struct qn_str all = read_file(argv[1]);
    struct job jb = {.simd = qn_simd_pick("auto"), .dir = argv[3]};
    struct qn_merge_stats stats = {0};
    jb.op.split = (struct qn_split_options){.simd = jb.simd, .spool_dir = argv[3]};
    jb.ix = qn_indexer_new(&jb.op);
    jb.walker = qn_doc_walker_new(m, jb.simd);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double t0 = now();
    index_all(&jb, all, argc > 4 ? strtoull(argv[4], NULL, 10) : UINT32_MAX);
    double s = now() - t0;
    getrusage(RUSAGE_SELF, &after);
    uint64_t splits = jb.hot.n, docs = jb.info.n_docs;
    printf("{\"quern\":\"%s\",\"raw_bytes\":%zu,\"index_s\":%.3f,\"MBps\":%.1f,\"bytes\":%llu,"
           "\"ratio\":%.4f,\"splits\":%llu,\"bad\":%llu,\"index_memory\":%llu,\"rss_grew\":%llu",
           jb.simd->name, all.n, s, (double)all.n / s / 1e6, (unsigned long long)jb.file_bytes,
           (double)jb.file_bytes / (double)all.n, (unsigned long long)splits,
           (unsigned long long)jb.bad, (unsigned long long)jb.peak_memory,
           (unsigned long long)(after.ru_maxrss - before.ru_maxrss) * 1024);
    for (int k = QN_SECTION_DOCS; k < QN_SECTIONS_END; k++)
        printf(",\"%s\":%.4f", qn_split_section_name((enum qn_split_section)k),
               (double)jb.section[k] / (double)all.n);
    if (splits > 1) {
        double ms = merge_all(&jb, m, &stats);
        printf(",\"merge_s\":%.3f,\"merge_MBps\":%.1f,\"merged_ratio\":%.4f,\"concatenated\":%d,"
               "\"docs_rewritten\":%d",
               ms, (double)all.n / ms / 1e6, (double)jb.info.file_bytes / (double)all.n,
               stats.concatenated, stats.docs_rewritten);
        docs = jb.info.n_docs;
    }
    printf(",\"docs\":%llu}\n", (unsigned long long)docs);
    qn_indexer_free(jb.ix);
    qn_doc_walker_free(jb.walker);
    qn_mapping_unref(m);
    return 0;
}
