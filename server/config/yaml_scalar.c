/* What a plain scalar is by the YAML 1.2 core schema (chapter 10.3.2), by hand: five small automata
 * instead of five regular expressions. */
#include "yaml_int.h"

static bool one_of(struct qn_str s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (qn_str_is(s, names[i]))
            return true;
    return false;
}

static size_t skip_digits(struct qn_str s, size_t at)
{
    while (at < s.n && s.p[at] >= '0' && s.p[at] <= '9')
        at++;
    return at;
}

static bool is_based(struct qn_str s)
{
    if (s.n < 3 || s.p[0] != '0' || (s.p[1] != 'x' && s.p[1] != 'o'))
        return false;
    for (size_t i = 2; i < s.n; i++) {
        char c = s.p[i];
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (s.p[1] == 'x' ? !hex : (c < '0' || c > '7'))
            return false;
    }
    return true;
}

static enum qn_yaml_kind number_kind(struct qn_str s)
{
    static const char *const special[] = {".inf", ".Inf", ".INF"};
    static const char *const nan[] = {".nan", ".NaN", ".NAN"};
    if (is_based(s))
        return QN_YAML_INT;
    if (one_of(s, nan, QN_COUNT_OF(nan)))
        return QN_YAML_FLOAT;
    size_t at = s.p[0] == '+' || s.p[0] == '-';
    if (one_of(qn_str_from(s, at), special, QN_COUNT_OF(special)))
        return QN_YAML_FLOAT;
    size_t whole = skip_digits(s, at);
    size_t digits = whole - at;
    if (whole == s.n)
        return digits > 0 ? QN_YAML_INT : QN_YAML_STRING;
    at = whole;
    if (s.p[at] == '.') {
        size_t end = skip_digits(s, at + 1);
        digits += end - (at + 1);
        at = end;
    }
    if (digits == 0)
        return QN_YAML_STRING;
    if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
        at++;
        at += at < s.n && (s.p[at] == '+' || s.p[at] == '-');
        size_t end = skip_digits(s, at);
        if (end == at)
            return QN_YAML_STRING;
        at = end;
    }
    return at == s.n ? QN_YAML_FLOAT : QN_YAML_STRING;
}

enum qn_yaml_kind qn__yaml_plain_kind(struct qn_str s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    if (one_of(s, nulls, QN_COUNT_OF(nulls)))
        return QN_YAML_NULL;
    if (one_of(s, bools, QN_COUNT_OF(bools)))
        return QN_YAML_BOOL;
    return number_kind(s);
}
