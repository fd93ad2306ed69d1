/* The engine as a whole: one data directory, opened by one process.
 *
 *     rc = qn_engine_open(&en, &opt, &err);      lock, folders, instruction set
 *     ...
 *     qn_engine_close(en);
 *
 *     data_dir/ ── lock          held while the engine is open
 *
 * The engine starts no threads, prints nothing and reads no environment: log, clock, budget and
 * executor are handed in and outlive it. Two engines in one process are fine, on two directories.
 * @thread main to open and close; any in between */
#ifndef QN_ENGINE_H
#define QN_ENGINE_H

#include "base/budget.h"
#include "base/err.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/executor.h"

struct qn_engine;

struct qn_engine_options {
    const char *data_dir; /* made when missing; copied */
    const char *simd;     /* "auto" or an instruction set of --simd */
    struct qn_budget *budget;
    struct qn_executor *executor;
    const struct qn_clock *clock;
    const struct qn_log *log;
};

/* QN_E_BUSY: another process has the directory. QN_E_UNSUPPORTED: this machine lacks opt->simd. */
QN_MUST_CHECK int qn_engine_open(struct qn_engine **out, const struct qn_engine_options *opt,
                                 struct qn_err *err);
void qn_engine_close(struct qn_engine *en); /* NULL is fine */

const char *qn_engine_simd(const struct qn_engine *en); /* "avx2": the set in use */

#endif
