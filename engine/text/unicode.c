#include "text_int.h"

unsigned qn_uc_flags(uint32_t cp)
{
    return qn__uc_kind(cp)->flags;
}

size_t qn_uc_lower(uint32_t cp, uint32_t out[2])
{
    out[0] = cp;
    if (cp < 0x80) {
        out[0] = cp - 'A' < 26 ? cp + 32 : cp;
        return 1;
    }
    if (!(qn__uc_kind(cp)->flags & QN_UC_LOWERS))
        return 1;
    if (cp == 0x130) { /* the only character with an unconditional two-character lower case */
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    }
    size_t lo = 0, hi = qn__uc_n_lower;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (qn__uc_lower_runs[mid].first <= cp)
            lo = mid;
        else
            hi = mid;
    }
    /* Runs of stride 2 may interleave: the one that holds cp is at lo or shortly before. */
    for (size_t i = lo + 1; i-- > 0;) {
        const struct qn__uc_lower_run *r = &qn__uc_lower_runs[i];
        uint32_t off = cp - r->first;
        if (off % r->stride == 0 && off / r->stride < r->count) {
            out[0] = (uint32_t)((int32_t)cp + r->delta);
            break;
        }
    }
    return 1;
}

size_t qn_uc_fold(uint32_t cp, char out[4])
{
    if (cp < 0x80 || !(qn__uc_kind(cp)->flags & QN_UC_FOLDS))
        return 0;
    size_t lo = 0, hi = qn__uc_n_fold;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (qn__uc_fold_runs[mid].first <= cp)
            lo = mid;
        else
            hi = mid;
    }
    for (size_t i = lo + 1; i-- > 0;) {
        const struct qn__uc_fold_run *r = &qn__uc_fold_runs[i];
        uint32_t off = cp - r->first;
        if (off % r->stride == 0 && off / r->stride < r->count) {
            size_t n = strlen(r->text);
            memcpy(out, r->text, n);
            return n;
        }
    }
    return 0;
}

size_t qn_uc_lower_str(char *out, struct qn_str s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        uint32_t cp = qn__next_cp(s, &at);
        if (cp == QN_UTF8_BAD) {
            out[n++] = s.p[from];
            continue;
        }
        uint32_t low[2];
        size_t k = qn_uc_lower(cp, low);
        for (size_t i = 0; i < k; i++)
            n += qn_utf8_put(out + n, low[i]);
    }
    return n;
}
