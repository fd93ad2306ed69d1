/* Regular expressions by PCRE2: with JIT and a limit of steps for each term. Where backtracking
 * reaches the limit the slower matcher takes over that follows all ways at once; that has a limit
 * too. Terms that are not UTF-8 do not match. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "pattern_int.h"

#define MATCH_LIMIT 20000
#define HEAP_LIMIT_KB 4096
#define WORKSPACE 16384 /* ints: states that are followed at once */

struct qn__regex_pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    int *workspace; /* NULL until it is needed */
};

static pcre2_code *compile(const struct qn_buf *text, const struct qn_query_has_pattern *pt,
                           struct qn_err *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE;
    options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY;
    if (pt->case_insensitive)
        options |= PCRE2_CASELESS;
    if (pt->syntax == QN_REGEX_LUCENE)
        options |= PCRE2_DOTALL;
    pcre2_code *re = pcre2_compile((PCRE2_SPTR)text->p, text->n, options, &code, &at, NULL);
    if (re == NULL) {
        char why[120] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof why);
        qn_fail(err, QN_E_INVALID, "invalid regular expression `" QN_STR_FMT "`: %s",
                QN_STR_ARG(qn_str_first(pt->text, 80)), why);
    }
    return re;
}

int qn__regex_pattern_new(struct qn_pattern *pat, struct qn_err *err)
{
    const struct qn_query_has_pattern *pt = pat->pt;
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    int rc = qn_utf8_invalid(pt->text) == SIZE_MAX
                 ? qn__regex_translate(&text, pt->text, pt->syntax, err)
                 : qn_fail_at(err, QN_E_INVALID, qn_utf8_invalid(pt->text),
                              "a regular expression must be UTF-8");
    qn_buf_reserve(&text, 1); /* an empty expression has an address too */
    pcre2_code *code = rc == 0 ? compile(&text, pt, err) : NULL;
    qn_buf_release(&text);
    if (code == NULL)
        return rc < 0 ? rc : QN_E_INVALID;
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it the interpreter does the same */
    struct qn__regex_pattern *re = pat->re = qn_xcalloc(1, sizeof *re);
    re->code = code;
    re->data = pcre2_match_data_create(1, NULL);
    re->context = pcre2_match_context_create(NULL);
    re->stack = pcre2_jit_stack_create(32 * 1024, 512 * 1024, NULL);
    QN_ASSERT(re->data && re->context);
    pcre2_set_match_limit(re->context, MATCH_LIMIT);
    pcre2_set_heap_limit(re->context, HEAP_LIMIT_KB);
    pcre2_jit_stack_assign(re->context, NULL, re->stack);
    if (!pt->case_insensitive)
        qn__regex_prefix(&pat->prefix, pt->text, pt->syntax);
    return 0;
}

void qn__regex_pattern_free(struct qn__regex_pattern *re)
{
    if (re == NULL)
        return;
    pcre2_code_free(re->code);
    pcre2_match_data_free(re->data);
    pcre2_match_context_free(re->context);
    pcre2_jit_stack_free(re->stack);
    free(re->workspace);
    free(re);
}

int qn__regex_test(struct qn_pattern *pat, struct qn_str term, struct qn_err *err)
{
    struct qn__regex_pattern *re = pat->re;
    if (qn_utf8_invalid(term) != SIZE_MAX)
        return 0;
    PCRE2_SPTR p = (PCRE2_SPTR)(term.n > 0 ? term.p : "");
    int rc = pcre2_match(re->code, p, term.n, 0, PCRE2_NO_UTF_CHECK, re->data, re->context);
    if (rc != PCRE2_ERROR_NOMATCH && rc < 0) {
        if (re->workspace == NULL)
            re->workspace = qn_xcalloc(WORKSPACE, sizeof *re->workspace);
        rc = pcre2_dfa_match(re->code, p, term.n, 0, PCRE2_NO_UTF_CHECK, re->data, re->context,
                             re->workspace, WORKSPACE);
    }
    if (rc >= 0)
        return 1;
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    return qn_fail(err, QN_E_INVALID,
                   "the regular expression `" QN_STR_FMT "` takes too many steps",
                   QN_STR_ARG(qn_str_first(pat->pt->text, 80)));
}
