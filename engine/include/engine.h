/* The engine as a whole: one data directory, opened by one process.
 *
 *     rc = qn_engine_open(&en, &opt, &err);
 *     ...
 *     qn_engine_close(en);
 *
 *     data_dir/ ─┬─ lock                held while the engine is open
 *                ├─ metastore.sqlite    what exists (unless metastore_uri says otherwise)
 *                ├─ journal/            the write-ahead log
 *                ├─ indexes/            splits (unless index_root_uri says otherwise)
 *                └─ spool/              what is being written
 *
 * The engine starts no threads but the journal's and the indexer's, prints nothing and reads no
 * environment: log, clock, budget and executor are handed in and outlive it. Two engines in one
 * process are fine, on two directories.
 * @thread main to open and close; any in between */
#ifndef QN_ENGINE_H
#define QN_ENGINE_H

#include <stdint.h>

#include "base/budget.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "os/clock.h"
#include "os/executor.h"

struct qn_engine;

struct qn_engine_options {
    const char *data_dir;                        /* made when missing; copied */
    struct qn_str node_id;                       /* who makes splits; copied */
    const char *simd;                            /* "auto" or an instruction set of --simd */
    struct qn_str metastore_uri, index_root_uri; /* empty: in data_dir */
    uint64_t journal_max_bytes, journal_queue_bytes, journal_segment_bytes; /* 0: the default */
    struct qn_budget *budget;
    struct qn_executor *executor;
    const struct qn_clock *clock;
    const struct qn_log *log;
};

/* QN_E_BUSY: another process has the directory. QN_E_UNSUPPORTED: this machine lacks opt->simd, or
 * a scheme is not known. QN_E_CORRUPT and others from the parts, which they name. */
QN_MUST_CHECK int qn_engine_open(struct qn_engine **out, const struct qn_engine_options *opt,
                                 struct qn_err *err);
void qn_engine_close(struct qn_engine *en); /* NULL is fine */

const char *qn_engine_simd(const struct qn_engine *en); /* "avx2": the set in use */

/* What takes writes, and why not when it does not. */
struct qn_engine_health {
    int code; /* 0, or why documents are refused just now: QN_E_NO_SPACE, QN_E_IO */
    char reason[128];
};
void qn_engine_health(struct qn_engine *en, struct qn_engine_health *out);
/* Appends families of Prometheus text, with prefix before each name. */
void qn_engine_metrics(struct qn_engine *en, const char *prefix, struct qn_buf *out);

#endif
