/* Words of source code: "PigCaféFactory2" is Pig, Café, Factory, 2 and "RPCResult" is RPC, Result.
 * A run is what lies between characters that are neither letters nor numbers. With hex, a run that
 * is all hex digits of one case and of even length stays whole. */
#include "text_int.h"

enum char_type { DELIMITER, UPPER, LOWER, NUMBER };

static inline enum char_type type_of(uint32_t cp)
{
    unsigned flags = qn__uc_kind(cp)->flags;
    if (flags & QN_UC_ALPHA)
        return flags & QN_UC_UPPER ? UPPER : LOWER;
    return flags & QN_UC_NUM ? NUMBER : DELIMITER;
}

/* End of the token that begins at `at`: where the type changes; but one upper-case letter belongs
 * to the lower-case ones after it, and so does the last of several. */
static size_t token_end(struct qn_str s, size_t at)
{
    enum char_type type = type_of(qn__next_cp(s, &at));
    size_t chars = 1, last = at;
    while (at < s.n) {
        size_t from = at;
        enum char_type next = type_of(qn__next_cp(s, &at));
        if (next != type) {
            if (type != UPPER || next != LOWER)
                return from;
            if (chars > 1)
                return last;
            type = LOWER;
        }
        last = from;
        chars++;
    }
    return s.n;
}

/* End of the hex run at `at`, or 0. */
static size_t hex_end(struct qn_str s, size_t at)
{
    size_t end = at;
    bool upper = false, lower = false;
    for (; end < s.n; end++) {
        char c = s.p[end];
        upper |= c >= 'A' && c <= 'F';
        lower |= c >= 'a' && c <= 'f';
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')) ||
            (upper && lower))
            break;
    }
    if (end == at || (end - at) % 2 != 0 || (upper && lower))
        return 0;
    size_t after = end;
    return end == s.n || type_of(qn__next_cp(s, &after)) == DELIMITER ? end : 0;
}

int qn__fill_code(struct qn_text_scratch *scr)
{
    bool hex = scr->an->kind == QN_TOKENIZER_CODE_HEX;
    size_t at = scr->at;
    while (at < scr->text.n && scr->tokens.n < QN_TOKEN_BATCH) {
        size_t next = at;
        if (type_of(qn__next_cp(scr->text, &next)) == DELIMITER) {
            scr->in_run = false;
            at = next;
            continue;
        }
        size_t end = hex && !scr->in_run ? hex_end(scr->text, at) : 0;
        if (end == 0)
            end = token_end(scr->text, at);
        qn__token_add(scr, at, end);
        scr->in_run = true;
        at = end;
    }
    scr->at = at;
    return 0;
}
