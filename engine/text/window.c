/* The window: the next 1 KB of text with a bit per byte saying "word character", found 64 bytes at
 * a time for ASCII and patched by table look-ups at the bytes that are not. */
#include "text_int.h"

/* Kernels may read QN_PAD bytes past their input, callers' texts have no such padding: all but the
 * last blocks are read in place, those from a padded copy. */
static bool classify(struct qn_text_scratch *scr, const uint8_t *p, size_t n, size_t readable)
{
    size_t safe = readable >= n + QN_PAD ? n : (n > QN_PAD ? (n - QN_PAD) & ~(size_t)63 : 0);
    bool high = false;
    if (safe > 0)
        high = scr->ops->classify_ascii(scr->window.low, scr->window.word, p, safe);
    if (safe < n) {
        memcpy(scr->window.tail, p + safe, n - safe);
        high |= scr->ops->classify_ascii(scr->window.low + safe, scr->window.word + safe / 64,
                                         scr->window.tail, n - safe);
    }
    return high;
}

static void patch(struct qn_text_scratch *scr, size_t n, bool cjk)
{
    struct qn_str s = {scr->text.p + scr->at, n};
    memset(scr->window.cut, 0, sizeof scr->window.cut);
    for (size_t at = 0; at < n;) {
        uint64_t eight;
        if (at + 8 <= n) {
            memcpy(&eight, s.p + at, 8);
            eight &= 0x8080808080808080ull;
            if (eight == 0) {
                at += 8;
                continue;
            }
            at += (size_t)__builtin_ctzll(eight) / 8;
        } else if ((uint8_t)s.p[at] < 0x80) {
            at++;
            continue;
        }
        size_t from = at;
        unsigned flags = qn_uc_flags(qn_utf8_next(s, &at));
        if (!(flags & (QN_UC_ALPHA | QN_UC_NUM)))
            continue;
        qn_bits_fill(scr->window.word, from, at);
        if (cjk && (flags & QN_UC_CJK)) {
            qn_bit_set(scr->window.cut, from);
            qn_bit_set(scr->window.cut, at);
        }
    }
}

size_t qn__window_load(struct qn_text_scratch *scr, bool cjk, bool *ascii)
{
    const uint8_t *p = (const uint8_t *)scr->text.p + scr->at;
    size_t rest = scr->text.n - scr->at, n = rest;
    if (n > WINDOW_BYTES) {
        n = WINDOW_BYTES;
        for (int i = 0; i < 3 && (p[n] & 0xC0) == 0x80; i++)
            n--;
    }
    *ascii = !classify(scr, p, n, rest);
    if (!*ascii)
        patch(scr, n, cjk);
    /* No edge at the end of the window: whether a word ends there is not known yet. */
    if (n % 64 != 0 && qn_bit_get(scr->window.word, n - 1))
        qn_bits_fill(scr->window.word, n, (n + 63) / 64 * 64);
    return n;
}
