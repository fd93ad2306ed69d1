/* Shared by the journal's tests: a directory that goes away, batches whose content says who wrote
 * them, and a reader that checks order and content. */
#ifndef QN_JOURNAL_HELP_H
#define QN_JOURNAL_HELP_H

#include <stdbool.h>
#include <unistd.h>

#include "test.h"

#include "base/hash.h"
#include "journal/journal.h"
#include "os/file.h"

#define DEADLINE_US (20ull * 1000000)

static inline const struct qn_simd_ops *jt_simd(void)
{
    return qn_simd_pick("auto");
}

struct jt_dir {
    char path[64];
};

/* In memory where that is possible: what a sync costs is not what these tests are about. */
static inline void jt_dir_make(struct jt_dir *d)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(d->path, sizeof d->path, "%s/qn-journal-XXXXXX", base);
    assert_non_null(mkdtemp(d->path));
}

static inline void jt_dir_drop(struct jt_dir *d)
{
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), d->path, NULL));
}

static inline struct qn_journal_options jt_options(const struct jt_dir *d)
{
    struct qn_journal_options opt;
    qn_journal_options_default(&opt);
    opt.dir = d->path;
    opt.simd = jt_simd();
    opt.probe_ms = 1;
    return opt;
}

static inline struct qn_journal *jt_open(const struct qn_journal_options *opt,
                                         struct qn_journal_report *report)
{
    struct qn_journal *j;
    struct qn_err err = {0};
    int rc = qn_journal_open(&j, opt, report, &err);
    if (rc < 0)
        fail_msg("open: %s: %s", qn_err_name(rc), err.msg);
    return j;
}

/* Document k of client c; pad bytes of noise make it longer. */
static inline struct qn_str jt_doc(char *space, size_t cap, unsigned c, uint64_t k, size_t pad)
{
    int n =
        snprintf(space, cap, "{\"client\":%u,\"n\":%llu,\"message\":\"", c, (unsigned long long)k);
    size_t at = (size_t)n;
    for (size_t i = 0; i < pad && at + 3 < cap; i++)
        space[at++] = (char)('#' + qn_hash_u64(k << 20 | i) % 56);
    space[at++] = '"';
    space[at++] = '}';
    return qn_str_make(space, at);
}

/* n_docs documents k, k+1, ... */
static inline struct qn_batch *jt_batch(unsigned c, uint64_t k, unsigned n_docs, size_t pad)
{
    char space[8192];
    struct qn_batch *b;
    struct qn_record_writer wr;
    qn_record_init(&wr);
    qn_record_begin(&wr, QN_RECORD_DOCS, &(struct qn_origin){.index = QN_STR("logs")});
    for (unsigned i = 0; i < n_docs; i++)
        qn_record_put_doc(&wr, jt_doc(space, sizeof space, c, k + i, pad));
    int rc = qn_batch_new(&b, &wr, jt_simd(), NULL);
    QN_ASSERT(rc == 0);
    qn_record_release(&wr);
    return b;
}

static inline bool jt_same_docs(const struct qn_batch *b, unsigned c, uint64_t k, size_t pad)
{
    char space[8192];
    for (uint32_t i = 0; i < b->rec.n_ops; i++)
        if (!qn_str_eq(qn_record_op(&b->rec, i).body, jt_doc(space, sizeof space, c, k + i, pad)))
            return false;
    return true;
}

/* The client and the number that a batch's first document tells. */
static inline void jt_who(const struct qn_batch *b, unsigned *c, uint64_t *k)
{
    char z[64] = "";
    unsigned long long n = 0;
    struct qn_str body = qn_record_op(&b->rec, 0).body;
    memcpy(z, body.p, body.n < 63 ? body.n : 63);
    if (sscanf(z, "{\"client\":%u,\"n\":%llu", c, &n) != 2)
        fail_msg("not a test document: %s", z);
    *k = n;
}

/* Appends one batch and waits. The code; *seq is its position. */
static inline int jt_append(struct qn_journal *j, unsigned c, uint64_t k, unsigned n_docs,
                            size_t pad, uint64_t *seq)
{
    struct qn_batch *b = jt_batch(c, k, n_docs, pad);
    int rc = qn_journal_append(j, b, QN_ACK_DURABLE, seq);
    qn_batch_unref(b);
    return rc;
}

/* Reads everything from `from`: documents of client 0 numbered k, k+1, ... without a hole, one per
 * sequence number. Returns how many. */
static inline uint64_t jt_read_run(struct qn_journal *j, uint64_t from, uint64_t k, size_t pad)
{
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    struct qn_err err = {0};
    uint64_t n = 0;
    int rc;
    assert_ok(qn_journal_reader_open(&rd, j, from, &err));
    while ((rc = qn_journal_reader_next(rd, &b, &err)) == 0) {
        assert_int_equal(b->rec.seq, from + n);
        assert_true(jt_same_docs(b, 0, k + n, pad));
        n += b->rec.n_ops;
        qn_batch_unref(b);
    }
    if (rc != QN_END)
        fail_msg("read: %s", err.msg);
    qn_journal_reader_close(rd);
    return n;
}

#endif
