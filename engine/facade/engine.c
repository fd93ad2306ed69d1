#include "qn/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/dirlock.h"
#include "os/file.h"
#include "simd/ops.h"

struct qn_engine {
    struct qn_engine_options opt;
    char *data_dir;
    const struct qn_simd_ops *simd;
    int lock;
};

static int open_parts(struct qn_engine *en, struct qn_err *err)
{
    en->simd = qn_simd_pick(en->opt.simd);
    if (en->simd == NULL)
        return qn_fail(err, QN_E_UNSUPPORTED, "this machine has no instruction set %s",
                       en->opt.simd);
    int rc = qn_fs_mkdirs(qn_fs_posix(), en->data_dir, err);
    if (rc < 0)
        return rc;
    en->lock = qn_dirlock_take(en->data_dir, err);
    return en->lock < 0 ? en->lock : QN_OK;
}

int qn_engine_open(struct qn_engine **out, const struct qn_engine_options *opt, struct qn_err *err)
{
    *out = NULL;
    struct qn_engine *en = qn_xcalloc(1, sizeof *en);
    en->opt = *opt;
    en->data_dir = qn_xstrndup(opt->data_dir, strlen(opt->data_dir));
    en->lock = -1;
    int rc = open_parts(en, err);
    if (rc < 0) {
        qn_engine_close(en);
        return rc;
    }
    *out = en;
    return QN_OK;
}

void qn_engine_close(struct qn_engine *en)
{
    if (en == NULL)
        return;
    qn_dirlock_drop(en->lock);
    free(en->data_dir);
    free(en);
}

const char *qn_engine_simd(const struct qn_engine *en)
{
    return en->simd->name;
}
