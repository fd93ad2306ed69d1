/* Patterns of every kind and the terms they are tried on: the first byte chooses kind, dialect and
 * options, the first line is the pattern, the others are terms. The literal prefix that narrows the
 * dictionary must never change an answer.
 *
 * links: exec
 */
#include <stdlib.h>

#include "pattern_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_term(struct qn_pattern *pat, struct qn_str term)
{
    int with = qn_pattern_test(pat, term, NULL);
    size_t prefix = pat->prefix.n;
    pat->prefix.n = 0;
    int without = qn_pattern_test(pat, term, NULL);
    pat->prefix.n = prefix;
    if (with >= 0 && without >= 0 && with != without && pat->pt->kind != QN_PATTERN_FUZZY)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qn_pattern *pat;
    struct qn_str rest = {(const char *)data + 1, size - 1}, line;
    if (size < 2 || size > 4096)
        return 0;
    struct qn_query_has_pattern pt = {
        .kind = (enum qn_pattern_kind)(data[0] & 3),
        .syntax = data[0] & 4 ? QN_REGEX_LUCENE : QN_REGEX_RUST,
        .case_insensitive = data[0] & 8,
        .edits = data[0] & 16 ? 1 : 2,
        .no_transpositions = data[0] & 32,
        .prefix_chars = data[0] >> 6,
        .max_expansions = UINT32_MAX,
    };
    if (!qn_str_split(&rest, '\n', &pt.text) || qn_pattern_new(&pat, &pt, NULL) < 0)
        return 0;
    for (int n = 0; n < 20 && qn_str_split(&rest, '\n', &line); n++)
        try_term(pat, line);
    qn_pattern_free(pat);
    return 0;
}
