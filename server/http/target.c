#include "http/target.h"

#include "base/utf8.h"

static int hex_digit(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int qn_percent_decode(struct qn_str *out, struct qn_str s, bool plus_is_space, struct qn_arena *ar,
                      struct qn_err *err)
{
    *out = s;
    size_t i = 0;
    while (i < s.n && s.p[i] != '%' && !(plus_is_space && s.p[i] == '+'))
        i++;
    if (i == s.n)
        return 0;
    char *to = qn_arena_alloc_aligned(ar, s.n, 1), *at = to;
    if (to == NULL)
        return qn_fail(err, QN_E_BUDGET, "no memory left for the request target");
    memcpy(to, s.p, i);
    at += i;
    while (i < s.n) {
        char c = s.p[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = s.n - i > 2 ? hex_digit((unsigned char)s.p[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_digit((unsigned char)s.p[i + 2]);
            if (low < 0)
                return qn_fail_at(err, QN_E_INVALID, i, "%%xx with two hex digits expected");
            c = (char)(high << 4 | low);
            if (c == '\0')
                return qn_fail_at(err, QN_E_INVALID, i, "%%00 is not allowed");
            i += 2;
        }
        *at++ = c;
        i++;
    }
    *out = qn_str_make(to, (size_t)(at - to));
    return 0;
}

/* "http://host/path?q" to "/path?q". */
static struct qn_str strip_authority(struct qn_str raw)
{
    size_t scheme = 0;
    if (qn_str_starts(raw, QN_STR("http://")))
        scheme = 7;
    else if (qn_str_starts(raw, QN_STR("https://")))
        scheme = 8;
    else
        return raw;
    for (size_t i = scheme; i < raw.n; i++)
        if (raw.p[i] == '/' || raw.p[i] == '?')
            return qn_str_from(raw, i);
    return QN_STR("/");
}

static int check_bytes(struct qn_str raw, struct qn_err *err)
{
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        if (c <= ' ' || c == 0x7f || c == '#')
            return qn_fail_at(err, QN_E_INVALID, i,
                              "byte 0x%02x at offset %zu of the request target must be "
                              "percent-encoded",
                              c, i);
    }
    return 0;
}

/* Decodes a piece of the target; errors say where in the target. */
static int decode_piece(struct qn_str *out, struct qn_str piece, const char *what,
                        const struct qn_target *tg, struct qn_arena *ar, struct qn_err *err)
{
    struct qn_err inner = {0};
    size_t base = (size_t)(piece.p - tg->raw.p);
    int rc =
        qn_percent_decode(out, piece, tg->query.p != NULL && piece.p >= tg->query.p, ar, &inner);
    if (rc < 0 && inner.pos == QN_NO_POS)
        return qn_fail(err, rc, "%s", inner.msg);
    if (rc < 0)
        return qn_fail_at(err, rc, base + inner.pos, "%s at offset %zu of the request target: %s",
                          what, base + inner.pos, inner.msg);
    if (qn_utf8_invalid(*out) != SIZE_MAX)
        return qn_fail_at(err, QN_E_INVALID, base,
                          "%s at offset %zu of the request target: not valid UTF-8", what, base);
    return 0;
}

static size_t count_byte(struct qn_str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

static int read_segments(struct qn_target *tg, struct qn_arena *ar, struct qn_err *err)
{
    struct qn_str *segments = NULL, rest = tg->path, part;
    size_t n = 0, cap = count_byte(tg->path, '/') + 1;
    if (cap > QN_TARGET_SEGMENTS + 1)
        cap = QN_TARGET_SEGMENTS + 1;
    segments = qn_arena_array(ar, struct qn_str, cap);
    if (segments == NULL)
        return qn_fail(err, QN_E_BUDGET, "no memory left for the request target");
    while (qn_str_split(&rest, '/', &part)) {
        if (part.n == 0)
            continue;
        if (n == QN_TARGET_SEGMENTS)
            return qn_fail(err, QN_E_TOO_LARGE, "the path has more than %d segments",
                           QN_TARGET_SEGMENTS);
        int rc = decode_piece(&segments[n], part, "path", tg, ar, err);
        if (rc < 0)
            return rc;
        n++;
    }
    tg->segments = segments;
    tg->n_segments = n;
    return 0;
}

static int read_args(struct qn_target *tg, struct qn_arena *ar, struct qn_err *err)
{
    if (tg->query.n == 0)
        return 0;
    size_t n = 0, cap = count_byte(tg->query, '&') + 1;
    if (cap > QN_TARGET_ARGS)
        return qn_fail(err, QN_E_TOO_LARGE, "the query string has more than %d parameters",
                       QN_TARGET_ARGS);
    struct qn_query_arg *args = qn_arena_array(ar, struct qn_query_arg, cap);
    if (args == NULL)
        return qn_fail(err, QN_E_BUDGET, "no memory left for the request target");
    struct qn_str rest = tg->query, part;
    while (qn_str_split(&rest, '&', &part)) {
        if (part.n == 0)
            continue;
        struct qn_query_arg *arg = &args[n++];
        size_t eq = qn_str_find_byte(part, '=');
        arg->bare = eq == SIZE_MAX;
        int rc = decode_piece(&arg->name, qn_str_first(part, eq), "query string", tg, ar, err);
        if (rc < 0)
            return rc;
        arg->value = qn_str_from(part, arg->bare ? part.n : eq + 1);
        rc = decode_piece(&arg->value, arg->value, "query string", tg, ar, err);
        if (rc < 0)
            return rc;
    }
    tg->args = args;
    tg->n_args = n;
    return 0;
}

int qn_target_parse(struct qn_target *out, struct qn_str raw, struct qn_arena *ar,
                    struct qn_err *err)
{
    struct qn_target tg = {.raw = raw};
    *out = tg;
    int rc = check_bytes(raw, err);
    if (rc < 0)
        return rc;
    struct qn_str rest = strip_authority(raw);
    size_t mark = qn_str_find_byte(rest, '?');
    tg.path = qn_str_first(rest, mark);
    if (mark != SIZE_MAX)
        tg.query = qn_str_from(rest, mark + 1);
    if (tg.path.n == 0)
        tg.path = QN_STR("/");
    if (tg.path.p[0] != '/' && !qn_str_eq(tg.path, QN_STR("*")))
        return qn_fail_at(err, QN_E_INVALID, 0, "the request target must start with '/'");
    if (tg.path.p[0] == '/') {
        rc = read_segments(&tg, ar, err);
        if (rc < 0)
            return rc;
    }
    rc = read_args(&tg, ar, err);
    if (rc < 0)
        return rc;
    *out = tg;
    return 0;
}
