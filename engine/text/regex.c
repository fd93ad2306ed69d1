/* Tokenizing by regular expression. PCRE2 with JIT, a match limit (so that no pattern takes
 * exponential time: such a text is refused) and no look at bytes that are not UTF-8: the text is
 * worked on in its valid stretches, each validated once. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "text_int.h"

#define PATTERN_MAX 4096
#define MATCH_LIMIT 10000
#define HEAP_LIMIT_KB 4096

struct qn__regex {
    pcre2_code *code;
};

struct qn__regex_run {
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

int qn__regex_new(struct qn__regex **out, struct qn_str pattern, bool case_insensitive,
                  struct qn_err *err)
{
    *out = NULL;
    if (pattern.n == 0)
        return qn_fail(err, QN_E_INVALID, "the pattern of a regex tokenizer must not be empty");
    if (pattern.n > PATTERN_MAX)
        return qn_fail(err, QN_E_TOO_LARGE, "the pattern of a regex tokenizer is over %d bytes",
                       PATTERN_MAX);
    int code = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
    pcre2_code *re =
        pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n,
                      options | (case_insensitive ? PCRE2_CASELESS : 0), &code, &at, NULL);
    if (re == NULL) {
        char why[120] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        return qn_fail_at(err, QN_E_PARSE, at, "invalid regex at offset %zu: %s", (size_t)at, why);
    }
    pcre2_jit_compile(re, PCRE2_JIT_COMPLETE); /* without it the interpreter does the same */
    *out = qn_xcalloc(1, sizeof **out);
    (*out)->code = re;
    return QN_OK;
}

void qn__regex_free(struct qn__regex *re)
{
    if (re == NULL)
        return;
    pcre2_code_free(re->code);
    free(re);
}

static struct qn__regex_run *run_new(void)
{
    struct qn__regex_run *run = qn_xcalloc(1, sizeof *run);
    run->data = pcre2_match_data_create(1, NULL);
    run->context = pcre2_match_context_create(NULL);
    run->stack = pcre2_jit_stack_create(32 * 1024, 512 * 1024, NULL);
    QN_ASSERT(run->data && run->context);
    pcre2_set_match_limit(run->context, MATCH_LIMIT);
    pcre2_set_heap_limit(run->context, HEAP_LIMIT_KB);
    pcre2_jit_stack_assign(run->context, NULL, run->stack);
    return run;
}

void qn__regex_run_free(struct qn__regex_run *run)
{
    if (run == NULL)
        return;
    pcre2_match_data_free(run->data);
    pcre2_match_context_free(run->context);
    pcre2_jit_stack_free(run->stack);
    free(run);
}

/* Moves scr->at over bytes that are not UTF-8 and finds the end of the valid stretch behind. */
static void find_valid(struct qn_text_scratch *scr)
{
    struct qn_str rest = qn_str_from(scr->text, scr->at);
    size_t bad;
    while (rest.n > 0 && (bad = qn_utf8_invalid(rest)) == 0) {
        scr->at++;
        rest = qn_str_from(scr->text, scr->at);
    }
    scr->valid_end = scr->at + (rest.n > 0 && bad < rest.n ? bad : rest.n);
}

/* The next match in the rest of the valid stretch: 1, or 0 when there is none. Matching starts
 * afresh behind each match, as in tantivy: anchors mean the rest. */
static int next_match(struct qn_text_scratch *scr, size_t *from, size_t *to)
{
    struct qn__regex_run *run = scr->regex;
    PCRE2_SPTR p = (PCRE2_SPTR)scr->text.p + scr->at;
    int rc = pcre2_match(scr->an->regex->code, p, scr->valid_end - scr->at, 0, PCRE2_NO_UTF_CHECK,
                         run->data, run->context);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc < 0)
        return QN_E_TOO_LARGE;
    const PCRE2_SIZE *v = pcre2_get_ovector_pointer(run->data);
    if (v[0] > v[1]) /* \K in a look-ahead can do that */
        return 0;
    *from = scr->at + v[0];
    *to = scr->at + v[1];
    return 1;
}

static size_t after_char(const struct qn_text_scratch *scr, size_t at)
{
    if (at < scr->valid_end)
        qn__next_cp(scr->text, &at);
    return at;
}

/* Matches until the batch is full or the stretch ends; an empty match ends the stretch. */
static int fill_matches(struct qn_text_scratch *scr)
{
    while (scr->at < scr->valid_end && scr->tokens.n < QN_TOKEN_BATCH) {
        size_t from, to;
        int rc = next_match(scr, &from, &to);
        if (rc < 0)
            return rc;
        if (rc == 0 || from == to) {
            scr->at = scr->valid_end;
            return 0;
        }
        qn__token_add(scr, from, to);
        scr->at = to;
    }
    return 0;
}

/* What lies between matches; empty matches separate characters, as in Java. */
static int fill_splits(struct qn_text_scratch *scr)
{
    while (scr->at < scr->valid_end && scr->tokens.n < QN_TOKEN_BATCH) {
        size_t start = scr->at, from, to;
        int rc = next_match(scr, &from, &to);
        if (rc > 0 && from == to && from == start) {
            scr->at = after_char(scr, start);
            if (scr->at < scr->valid_end) {
                size_t next = scr->at;
                rc = next_match(scr, &from, &to);
                from = rc > 0 ? from : scr->valid_end;
                to = rc > 0 ? to : from;
                scr->at = next;
            } else {
                from = to = scr->valid_end;
            }
        }
        if (rc < 0)
            return rc;
        if (rc == 0)
            from = to = scr->valid_end;
        if (from > start)
            qn__token_add(scr, start, from);
        scr->at = to;
    }
    return 0;
}

int qn__fill_regex(struct qn_text_scratch *scr)
{
    if (scr->regex == NULL)
        scr->regex = run_new();
    if (scr->at >= scr->valid_end)
        find_valid(scr);
    return scr->an->kind == QN_TOKENIZER_REGEX ? fill_matches(scr) : fill_splits(scr);
}
