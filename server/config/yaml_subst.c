/* ${NAME} and ${NAME:-default}, and the way back from the new text's positions to the user's. */
#include <stdarg.h>
#include <stdio.h>

#include "yaml_int.h"

#include "base/vec.h"

struct substitution {
    struct qn_arena *ar;
    struct qn_yaml_source *src;
    qn_yaml_lookup_fn lookup;
    void *ctx;
    struct qn_err *err;
    struct qn_buf out;
    QN_VEC(struct qn_yaml_shift) shifts;
    size_t line;
};

static size_t count_chars(struct qn_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

void qn__yaml_place(const struct qn_yaml_source *src, size_t line, size_t column, size_t *user_line,
                    size_t *user_column)
{
    long moved = 0;
    for (size_t i = 0; i < src->n_shifts; i++) {
        const struct qn_yaml_shift *sh = &src->shifts[i];
        if (sh->line != line || column < sh->start)
            continue;
        if (column < sh->column) { /* inside of a value: point at its ${ */
            *user_line = line + 1;
            *user_column = sh->origin + 1;
            return;
        }
        moved = sh->moved;
    }
    *user_line = line + 1;
    *user_column = (size_t)((long)column - moved) + 1;
}

int qn__yaml_fail(const struct qn_yaml_source *src, size_t line, size_t column, struct qn_err *err,
                  int code, const char *fmt, ...)
{
    char what[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    qn__yaml_place(src, line, column, &line, &column);
    return qn_fail(err, code, QN_STR_FMT ":%zu:%zu: %s", QN_STR_ARG(src->name), line, column, what);
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Reads "${NAME}" or "${NAME:-default}" at line.p[at]; returns its length or 0 when this is not
 * one. */
static size_t read_reference(struct qn_str line, size_t at, struct qn_str *name,
                             struct qn_str *fallback)
{
    size_t i = at + 2;
    while (i < line.n && is_name_byte(line.p[i]))
        i++;
    *name = qn_str_make(line.p + at + 2, i - at - 2);
    *fallback = QN_STR_NONE;
    if (name->n == 0 || i == line.n)
        return 0;
    if (line.p[i] == ':' && i + 1 < line.n && line.p[i + 1] == '-') {
        size_t start = i += 2;
        while (i < line.n && line.p[i] != '}' && line.p[i] != ' ' && line.p[i] != '\t')
            i++;
        *fallback = qn_str_make(line.p + start, i - start);
    }
    return i < line.n && line.p[i] == '}' ? i + 1 - at : 0;
}

static int substitute_one(struct substitution *st, struct qn_str line, size_t line_start, size_t at,
                          size_t *used)
{
    struct qn_str name, fallback;
    *used = read_reference(line, at, &name, &fallback);
    if (*used == 0)
        return QN_OK;
    size_t column = count_chars(qn_str_first(line, at));
    struct qn_str value = st->lookup(st->ctx, name);
    if (value.p == NULL)
        value = fallback;
    if (value.p == NULL)
        return qn_fail(st->err, QN_E_MISSING,
                       QN_STR_FMT ":%zu:%zu: ${" QN_STR_FMT
                                  "}: the environment variable is not set; write ${" QN_STR_FMT
                                  ":-default} to give it a default",
                       QN_STR_ARG(st->src->name), st->line + 1, column + 1, QN_STR_ARG(name),
                       QN_STR_ARG(name));
    if (memchr(value.p, '\n', value.n) != NULL || memchr(value.p, '\r', value.n) != NULL)
        return qn_fail(st->err, QN_E_INVALID,
                       QN_STR_FMT ":%zu:%zu: ${" QN_STR_FMT "}: the value holds a line break",
                       QN_STR_ARG(st->src->name), st->line + 1, column + 1, QN_STR_ARG(name));
    size_t start = count_chars(qn_str_make(st->out.p + line_start, st->out.n - line_start));
    qn_buf_put_str(&st->out, value);
    size_t end = start + count_chars(value);
    size_t user_end = column + count_chars(qn_str_make(line.p + at, *used));
    qn_vec_push(&st->shifts, ((struct qn_yaml_shift){.line = st->line,
                                                     .column = end,
                                                     .moved = (long)end - (long)user_end,
                                                     .start = start,
                                                     .origin = column}));
    return QN_OK;
}

static int substitute_line(struct substitution *st, struct qn_str line)
{
    size_t line_start = st->out.n;
    struct qn_str trimmed = qn_str_trim(line);
    if (trimmed.n != 0 && trimmed.p[0] == '#') {
        qn_buf_put_str(&st->out, line);
        return QN_OK;
    }
    for (size_t at = 0; at < line.n;) {
        size_t used = 0;
        if (line.p[at] == '$' && at + 1 < line.n && line.p[at + 1] == '{') {
            int rc = substitute_one(st, line, line_start, at, &used);
            if (rc < 0)
                return rc;
        }
        if (used == 0)
            qn_buf_put_u8(&st->out, (uint8_t)line.p[at]);
        at += used == 0 ? 1 : used;
    }
    return QN_OK;
}

int qn_yaml_substitute(struct qn_arena *ar, struct qn_yaml_source *src, qn_yaml_lookup_fn lookup,
                       void *ctx, struct qn_err *err)
{
    struct substitution st = {.ar = ar, .src = src, .lookup = lookup, .ctx = ctx, .err = err};
    qn_buf_init(&st.out, QN_YAML_MAX_BYTES);
    (void)!qn_buf_reserve(&st.out, 1); /* so that an empty line has an address */
    int rc = QN_OK;
    struct qn_str rest = src->text, line;
    while (rc == QN_OK && qn_str_split(&rest, '\n', &line)) {
        if (st.line > 0)
            qn_buf_put_u8(&st.out, '\n');
        rc = substitute_line(&st, line);
        st.line++;
    }
    if (rc == QN_OK && st.out.failed)
        rc = qn_fail(err, QN_E_TOO_LARGE, QN_STR_FMT ": more than %u bytes", QN_STR_ARG(src->name),
                     QN_YAML_MAX_BYTES);
    if (rc == QN_OK) {
        src->text = qn_arena_str(ar, qn_buf_str(&st.out));
        struct qn_yaml_shift *shifts = qn_arena_array(ar, struct qn_yaml_shift, st.shifts.n);
        if (src->text.p == NULL || shifts == NULL) {
            rc = qn_fail(err, QN_E_BUDGET, QN_STR_FMT ": out of memory budget",
                         QN_STR_ARG(src->name));
        } else {
            if (st.shifts.n != 0)
                memcpy(shifts, st.shifts.p, st.shifts.n * sizeof *shifts);
            src->shifts = shifts;
            src->n_shifts = st.shifts.n;
        }
    }
    qn_buf_release(&st.out);
    qn_vec_release(&st.shifts);
    return rc;
}
