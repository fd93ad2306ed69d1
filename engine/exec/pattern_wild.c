#include <stdlib.h>

#include "base/mem.h"
#include "pattern_int.h"

static uint8_t lower(uint8_t b)
{
    return b >= 'A' && b <= 'Z' ? (uint8_t)(b + 32) : b;
}

void qn__wild_new(struct qn_pattern *pat)
{
    struct qn_str t = pat->pt->text;
    bool nocase = pat->pt->case_insensitive, literal = !nocase;
    pat->pieces = qn_xcalloc(t.n + 1, sizeof *pat->pieces);
    for (size_t i = 0; i < t.n; i++) {
        struct qn__wild_piece *w = &pat->pieces[pat->n_pieces];
        uint8_t b = (uint8_t)t.p[i];
        if (b == '*' || b == '?') {
            w->kind = b == '*' ? QN__WILD_RUN : QN__WILD_ONE;
            literal = false;
            /* Runs next to each other are one. */
            if (b == '*' && pat->n_pieces > 0 && w[-1].kind == QN__WILD_RUN)
                continue;
        } else {
            if (b == '\\' && i + 1 < t.n)
                b = (uint8_t)t.p[++i];
            w->kind = QN__WILD_BYTE;
            w->byte = nocase ? lower(b) : b;
            if (literal)
                qn_buf_put_u8(&pat->prefix, b);
        }
        pat->n_pieces++;
    }
}

static bool is_tail(uint8_t b)
{
    return (b & 0xc0) == 0x80;
}

static size_t after_char(struct qn_str s, size_t at)
{
    for (at++; at < s.n && is_tail((uint8_t)s.p[at]); at++)
        ;
    return at;
}

/* A mismatch goes back to the last run only, and lets it take one character more: earlier runs
 * could not do better than they did. So a term costs its length times the pieces, at worst. */
bool qn__wild_test(const struct qn_pattern *pat, struct qn_str s)
{
    const struct qn__wild_piece *w = pat->pieces;
    size_t n = pat->n_pieces, p = 0, at = 0, run = SIZE_MAX, run_at = 0;
    bool nocase = pat->pt->case_insensitive;
    for (;;) {
        if (p < n && w[p].kind == QN__WILD_RUN) {
            run = ++p;
            run_at = at;
            if (p == n)
                return true;
            continue;
        }
        if (p == n && at == s.n)
            return true;
        if (p < n && at < s.n) {
            uint8_t b = (uint8_t)s.p[at];
            if (w[p].kind == QN__WILD_ONE) {
                at = after_char(s, at);
                p++;
                continue;
            }
            if ((nocase ? lower(b) : b) == w[p].byte) {
                at++;
                p++;
                continue;
            }
        }
        if (run == SIZE_MAX || run_at >= s.n)
            return false;
        run_at = after_char(s, run_at);
        at = run_at;
        p = run;
    }
}
