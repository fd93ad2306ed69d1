/* Checking a journal that is not open, and the explicit way on when it is damaged.
 *
 * A dry run reads everything and reports every finding. A repair acts on them, after copying each
 * damaged file to <name>.bad:
 *   - damage inside a segment is overwritten by a gap frame that says which sequence numbers are
 *     lost, so that readers pass over it knowingly;
 *   - damage up to a segment's end is cut off, and the next segment's head declares the numbers
 *     between void; so is a segment that is missing;
 *   - a segment whose head is damaged gets it rebuilt from its neighbours and its frames.
 * Afterwards the journal opens and every intact frame is read. Only `quern tool` calls this.
 * @thread any  @locks takes the directory's lock file */
#ifndef QN_JOURNAL_SALVAGE_H
#define QN_JOURNAL_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "os/file.h"
#include "simd/ops.h"

struct qn_journal_finding {
    const char *file; /* name in the directory; borrowed */
    const char *what; /* "bad frame", "missing segment", "torn tail", ... */
    uint64_t offset;  /* in the file */
    uint64_t bytes;   /* damaged */
    uint64_t first_seq;
    uint64_t lost; /* sequence numbers from first_seq on; 0: none that was acknowledged */
};

typedef void (*qn_journal_finding_fn)(void *arg, const struct qn_journal_finding *fd);

struct qn_journal_check_options {
    struct qn_fs *fs;
    const char *dir;
    const struct qn_simd_ops *simd;
    bool repair;
    qn_journal_finding_fn fn; /* may be NULL */
    void *arg;
};

struct qn_journal_check_result {
    uint64_t n_segments, n_frames, n_records;
    uint64_t n_findings;
    uint64_t lost; /* sequence numbers */
};

/* 0 also when there are findings; QN_E_BUSY when the journal is open; QN_E_FORMAT_VERSION, QN_E_IO,
 * QN_E_NO_SPACE. */
QN_MUST_CHECK int qn_journal_check(const struct qn_journal_check_options *opt,
                                   struct qn_journal_check_result *out, struct qn_err *err);

#endif
