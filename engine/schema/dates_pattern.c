/* Patterns: strptime's and Java's letters, compiled to one list of operations. */
#include "dates_int.h"

#include "base/time.h"
#include "base/vec.h"

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

typedef QN_VEC(struct qn__date_op) ops_vec;

static void push(ops_vec *v, enum qn__date_op_kind kind, int min, int max, int style)
{
    struct qn__date_op op = {.kind = (uint8_t)kind, .min = (uint8_t)min, .max = (uint8_t)max};
    op.style = (uint8_t)style;
    qn_vec_push(v, op);
}

static void push_literal(ops_vec *v, char c)
{
    struct qn__date_op op = {.kind = OP_LITERAL, .c = c};
    qn_vec_push(v, op);
}

static bool is_number(enum qn__date_op_kind kind)
{
    switch (kind) {
    case OP_YEAR:
    case OP_YEAR2:
    case OP_MONTH:
    case OP_DAY:
    case OP_YDAY:
    case OP_HOUR:
    case OP_HOUR12:
    case OP_MINUTE:
    case OP_SECOND:
    case OP_FRACTION:
    case OP_WEEKDAY:
    case OP_WEEK:
    case OP_WEEK_YEAR:
        return true;
    default:
        return false;
    }
}

/* A number that stands right before another one has exactly the digits it would be printed with. */
static void keep(struct qn_date_format *f, struct qn_arena *ar, ops_vec *v)
{
    for (size_t i = 0; i + 1 < v->n; i++)
        if (is_number(v->p[i].kind) && is_number(v->p[i + 1].kind))
            v->p[i].max = v->p[i].min;
    struct qn__date_op *ops = qn_arena_array(ar, struct qn__date_op, v->n + 1);
    if (v->n != 0)
        memcpy(ops, v->p, v->n * sizeof *ops);
    f->ops = ops;
    f->n_ops = (uint32_t)v->n;
    f->kind = DATE_PATTERN;
    qn_vec_release(v);
}

/* ---- strptime */

static bool compile_percent(ops_vec *v, char c);

static void compile_percents(ops_vec *v, const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '%')
            compile_percent(v, *++pattern);
        else
            push_literal(v, *pattern);
    }
}

/* One conversion that stands for several; false when c is not one. */
static bool compile_compound(ops_vec *v, char c)
{
    static const struct {
        char c;
        const char *pattern;
    } rows[] = {
        {'c', "%a %b %e %H:%M:%S %Y"},
        {'D', "%m/%d/%y"},
        {'x', "%m/%d/%y"},
        {'F', "%Y-%m-%d"},
        {'r', "%I:%M:%S %p"},
        {'R', "%H:%M"},
        {'T', "%H:%M:%S"},
        {'X', "%H:%M:%S"},
        {'h', "%b"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (rows[i].c == c) {
            compile_percents(v, rows[i].pattern);
            return true;
        }
    return false;
}

static bool compile_percent(ops_vec *v, char c)
{
    static const struct {
        char c;
        uint8_t kind, min, max, style;
    } rows[] = {
        {'Y', OP_YEAR, 4, 4, 0},
        {'y', OP_YEAR2, 2, 2, 0},
        {'m', OP_MONTH, 2, 2, 0},
        {'B', OP_MONTH_NAME, 0, 0, 1},
        {'b', OP_MONTH_NAME, 0, 0, 0},
        {'d', OP_DAY, 2, 2, 0},
        {'e', OP_DAY, 2, 2, 1},
        {'j', OP_YDAY, 3, 3, 0},
        {'H', OP_HOUR, 2, 2, 0},
        {'k', OP_HOUR, 2, 2, 1},
        {'I', OP_HOUR12, 2, 2, 0},
        {'l', OP_HOUR12, 2, 2, 1},
        {'M', OP_MINUTE, 2, 2, 0},
        {'S', OP_SECOND, 2, 2, 0},
        {'f', OP_FRACTION, 9, 9, 0},
        {'z', OP_OFFSET, 0, 0, 0},
        {'p', OP_AMPM, 0, 0, 0},
        {'P', OP_AMPM, 0, 0, 1},
        {'A', OP_WEEKDAY_NAME, 0, 0, 1},
        {'a', OP_WEEKDAY_NAME, 0, 0, 0},
        {'u', OP_WEEKDAY, 1, 1, 0},
        {'w', OP_WEEKDAY, 1, 1, 1},
        {'G', OP_WEEK_YEAR, 4, 4, 0},
        {'V', OP_WEEK, 2, 2, WEEK_ISO},
        {'W', OP_WEEK, 2, 2, WEEK_MONDAY},
        {'U', OP_WEEK, 2, 2, WEEK_SUNDAY},
        {'s', OP_EPOCH, 0, 0, 0},
        {'n', OP_SPACE, 0, 0, 0},
        {'t', OP_SPACE, 0, 0, 0},
    };
    if (c == '%') {
        push_literal(v, '%');
        return true;
    }
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        if (rows[i].c == c) {
            push(v, rows[i].kind, rows[i].min, rows[i].max, rows[i].style);
            return true;
        }
    return compile_compound(v, c);
}

int qn__date_compile_strptime(struct qn_date_format *f, struct qn_arena *ar, struct qn_err *err)
{
    ops_vec v = {0};
    bool any = false;
    f->infer_year = true;
    for (size_t i = 0; i < f->text.n; i++) {
        char c = f->text.p[i];
        if (c == ' ' || c == '\t' || c == '\n') {
            push(&v, OP_SPACE, 0, 0, 0);
        } else if (c != '%') {
            push_literal(&v, c);
        } else if (i + 1 < f->text.n && compile_percent(&v, f->text.p[i + 1])) {
            any = any || f->text.p[i + 1] != '%';
            i++;
        } else {
            any = false;
            break;
        }
    }
    if (!any) {
        qn_vec_release(&v);
        return qn_fail(err, QN_E_INVALID,
                       "a custom date time format must contain `strftime` special characters only "
                       "as they are known: `" QN_STR_FMT "`",
                       QN_STR_ARG(f->text));
    }
    keep(f, ar, &v);
    /* Reading is lenient about zeros in front; runs of digits are cut by `keep` alone. */
    return 0;
}

/* ---- Java */

static bool compile_letter(ops_vec *v, char c, int n, bool lenient)
{
    int min = lenient && n == 2 ? 1 : n;
    int two = n > 2 ? n : 2;
    switch (c) {
    case 'y':
    case 'u':
        if (n == 2)
            push(v, OP_YEAR2, 2, 2, 0);
        else
            push(v, OP_YEAR, n == 1 ? 1 : n, n > 4 ? n : 4, 0);
        return true;
    case 'Y':
    case 'x': /* as ES writes week years in its own names */
        push(v, OP_WEEK_YEAR, 4, 4, 0);
        return n == 4;
    case 'M':
    case 'L':
        if (n >= 3)
            push(v, OP_MONTH_NAME, 0, 0, n > 3);
        else
            push(v, OP_MONTH, min, two, 0);
        return true;
    case 'd':
        push(v, OP_DAY, min, two, 0);
        return n <= 2;
    case 'D':
        push(v, OP_YDAY, n, 3, 0);
        return n <= 3;
    case 'H':
    case 'k':
        push(v, OP_HOUR, min, two, 0);
        return n <= 2;
    case 'h':
    case 'K':
        push(v, OP_HOUR12, min, two, 0);
        return n <= 2;
    case 'm':
        push(v, OP_MINUTE, min, two, 0);
        return n <= 2;
    case 's':
        push(v, OP_SECOND, min, two, 0);
        return n <= 2;
    case 'S':
        push(v, OP_FRACTION, n > 9 ? 9 : n, 9, 0);
        return n <= 9;
    case 'a':
        push(v, OP_AMPM, 0, 0, 0);
        return true;
    case 'E':
        push(v, OP_WEEKDAY_NAME, 0, 0, n > 3);
        return true;
    case 'e':
    case 'c':
        push(v, OP_WEEKDAY, 1, 1, 0);
        return n == 1;
    case 'w':
        push(v, OP_WEEK, min, two, WEEK_ISO);
        return n <= 2;
    case 'X': /* X +hh, XX +hhmm, XXX +hh:mm, all with Z */
        push(v, OP_OFFSET, 0, 0, 2 | (n >= 3));
        return true;
    case 'Z':
        push(v, OP_OFFSET, 0, 0, n >= 5 ? 3 : 0);
        return true;
    case 'z':
    case 'V':
    case 'O':
        push(v, OP_OFFSET, 0, 0, 3);
        return true;
    default:
        return false;
    }
}

static int java_fail(struct qn_err *err, struct qn_str pattern, const char *why, ops_vec *v)
{
    qn_vec_release(v);
    return qn_fail(err, QN_E_INVALID, "Invalid format: [" QN_STR_FMT "]: %s", QN_STR_ARG(pattern),
                   why);
}

int qn__date_compile_java(struct qn_date_format *f, struct qn_arena *ar, struct qn_str pattern,
                          bool lenient, struct qn_err *err)
{
    ops_vec v = {0};
    size_t open[16], depth = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        char c = pattern.p[i];
        if (c == '\'') {
            if (i + 1 < pattern.n && pattern.p[i + 1] == '\'') {
                push_literal(&v, '\'');
                i++;
                continue;
            }
            for (i++; i < pattern.n && pattern.p[i] != '\''; i++)
                push_literal(&v, pattern.p[i]);
            if (i == pattern.n)
                return java_fail(err, pattern, "Pattern ends with an incomplete string literal",
                                 &v);
        } else if (c == '[') {
            if (depth == QN_COUNT_OF(open))
                return java_fail(err, pattern, "too many nested optional sections", &v);
            open[depth++] = v.n;
            push(&v, OP_OPTIONAL, 0, 0, 0);
        } else if (c == ']') {
            if (depth == 0)
                return java_fail(err, pattern,
                                 "Pattern invalid as it contains ] without previous [", &v);
            depth--;
            v.p[open[depth]].skip = (uint16_t)(v.n - open[depth] - 1);
        } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            int n = 1;
            while (i + 1 < pattern.n && pattern.p[i + 1] == c && n < 20) {
                n++;
                i++;
            }
            if (!compile_letter(&v, c, n, lenient))
                return java_fail(err, pattern, "Unknown pattern letter", &v);
        } else {
            push_literal(&v, c);
        }
        if (v.n > 200)
            return java_fail(err, pattern, "the pattern is too long", &v);
    }
    for (; depth > 0; depth--)
        v.p[open[depth - 1]].skip = (uint16_t)(v.n - open[depth - 1] - 1);
    if (v.n == 0)
        return java_fail(err, pattern, "No date pattern provided", &v);
    keep(f, ar, &v);
    return 0;
}

/* ---- reading */

static bool take_number(const char **p, const char *end, const struct qn__date_op *op, int *out)
{
    const char *c = *p;
    int v = 0, n = 0, least = op->max == op->min && op->max > 2 ? op->min : 1;
    if (op->style == 1 && (op->kind == OP_DAY || op->kind == OP_HOUR || op->kind == OP_HOUR12))
        while (c < end && *c == ' ')
            c++;
    while (c < end && n < op->max && (unsigned char)(*c - '0') < 10) {
        v = v * 10 + (*c++ - '0');
        n++;
    }
    if (n < least)
        return false;
    *p = c;
    *out = v;
    return true;
}

static bool take_fraction(const char **p, const char *end, struct qn__date_parts *pt)
{
    const char *c = *p;
    int v = 0, n = 0;
    for (; c < end && (unsigned char)(*c - '0') < 10; c++)
        if (n < 9) {
            v = v * 10 + (*c - '0');
            n++;
        }
    if (n == 0)
        return false;
    for (; n < 9; n++)
        v *= 10;
    pt->nanos = v;
    pt->has |= HAS_FRACTION;
    *p = c;
    return true;
}

/* The index of the name at *p, long or short form, or -1. */
static int take_name(const char **p, const char *end, const char *const *names, int n)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(names[i]);
        for (int longer = 1; longer >= 0; longer--) {
            size_t want = longer ? len : 3;
            if ((size_t)(end - *p) >= want &&
                qn_str_eq_nocase(qn_str_make(*p, want), qn_str_make(names[i], want))) {
                *p += want;
                return i;
            }
        }
    }
    return -1;
}

static bool take_word(const char **p, const char *end, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(end - *p) < n || !qn_str_eq_nocase(qn_str_make(*p, n), qn_str_make(word, n)))
        return false;
    *p += n;
    return true;
}

static bool take_epoch(const char **p, const char *end, struct qn__date_parts *pt)
{
    const char *from = *p;
    while (*p < end && ((unsigned char)(**p - '0') < 10 || (*p == from && **p == '-')))
        (*p)++;
    pt->has |= HAS_EPOCH;
    return qn_str_to_i64(qn_str_make(from, (size_t)(*p - from)), &pt->epoch_s) == 0;
}

static bool read_op(const struct qn__date_op *op, const char **p, const char *end,
                    struct qn__date_parts *pt)
{
    int v = 0;
    if (is_number(op->kind) && op->kind != OP_FRACTION && !take_number(p, end, op, &v))
        return false;
    switch ((enum qn__date_op_kind)op->kind) {
    case OP_LITERAL:
        return *p < end && *(*p)++ == op->c;
    case OP_SPACE:
        while (*p < end && (**p == ' ' || (**p >= '\t' && **p <= '\r')))
            (*p)++;
        return true;
    case OP_YEAR:
    case OP_WEEK_YEAR:
        pt->year = v;
        pt->has |= HAS_YEAR;
        return true;
    case OP_YEAR2:
        pt->year = v + (v < 69 ? 2000 : 1900);
        pt->has |= HAS_YEAR;
        return true;
    case OP_MONTH:
        pt->month = v;
        pt->has |= HAS_MONTH;
        return true;
    case OP_MONTH_NAME:
        pt->month = take_name(p, end, months, 12) + 1;
        pt->has |= HAS_MONTH;
        return pt->month > 0;
    case OP_DAY:
        pt->day = v;
        pt->has |= HAS_DAY;
        return true;
    case OP_YDAY:
        pt->yday = v;
        pt->has |= HAS_YDAY;
        return true;
    case OP_HOUR12:
        pt->pm = pt->pm < 0 ? 0 : pt->pm;
        /* fall through */
    case OP_HOUR:
        pt->hour = v;
        pt->has |= HAS_HOUR;
        return true;
    case OP_MINUTE:
        pt->minute = v;
        pt->has |= HAS_MINUTE;
        return true;
    case OP_SECOND:
        pt->second = v;
        pt->has |= HAS_SECOND;
        return true;
    case OP_FRACTION:
        return take_fraction(p, end, pt);
    case OP_OFFSET:
        pt->has |= HAS_ZONE;
        pt->offset_s = 0;
        return qn__date_read_zone(p, end, &pt->offset_s) || take_word(p, end, "UTC") ||
               take_word(p, end, "GMT");
    case OP_AMPM:
        if (take_word(p, end, "PM")) {
            pt->pm = 1;
            return true;
        }
        pt->pm = 0;
        return take_word(p, end, "AM");
    case OP_WEEKDAY_NAME:
        pt->weekday = take_name(p, end, weekdays, 7);
        pt->has |= HAS_WEEKDAY;
        return pt->weekday >= 0;
    case OP_WEEKDAY:
        pt->weekday = op->style == 1 ? (v + 6) % 7 : v - 1;
        pt->has |= HAS_WEEKDAY;
        return v <= 7 && (op->style == 1 || v > 0);
    case OP_WEEK:
        pt->week = v;
        pt->week_kind = (enum qn__week)op->style;
        pt->has |= HAS_WEEK;
        return true;
    case OP_EPOCH:
        return take_epoch(p, end, pt);
    case OP_OPTIONAL:
        break;
    }
    return false;
}

/* Optional sections are taken when they fit, else skipped; nesting is bounded by the compiler. */
static bool read_ops(const struct qn__date_op *op, uint32_t n, const char **p, const char *end,
                     struct qn__date_parts *pt)
{
    for (uint32_t i = 0; i < n; i++) {
        if (op[i].kind == OP_OPTIONAL) {
            const char *before = *p;
            struct qn__date_parts saved = *pt;
            if (!read_ops(op + i + 1, op[i].skip, p, end, pt)) {
                *p = before;
                *pt = saved;
            }
            i += op[i].skip;
        } else if (!read_op(&op[i], p, end, pt)) {
            return false;
        }
    }
    return true;
}

bool qn__date_pattern_read(const struct qn_date_format *f, struct qn_str s,
                           struct qn__date_parts *pt)
{
    const char *p = s.p, *end = s.p + s.n;
    pt->pm = -1;
    return read_ops(f->ops, f->n_ops, &p, end, pt) && p == end;
}

/* ---- printing */

void qn__date_put_number(struct qn_buf *out, int64_t v, int digits, char pad)
{
    char text[24];
    int n = 0;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (v < 0)
        qn_buf_put_u8(out, '-');
    do
        text[sizeof text - (size_t)++n] = (char)('0' + u % 10);
    while ((u /= 10) != 0);
    for (int i = n; i < digits; i++)
        qn_buf_put_u8(out, (uint8_t)pad);
    qn_buf_put(out, text + sizeof text - n, (size_t)n);
}

static void print_offset(struct qn_buf *out, int32_t offset_s, unsigned style)
{
    if (offset_s == 0 && (style & 2)) {
        qn_buf_put_u8(out, 'Z');
        return;
    }
    int32_t v = offset_s < 0 ? -offset_s : offset_s;
    qn_buf_put_u8(out, offset_s < 0 ? '-' : '+');
    qn__date_put_number(out, v / 3600, 2, '0');
    if (style & 1)
        qn_buf_put_u8(out, ':');
    qn__date_put_number(out, v / 60 % 60, 2, '0');
}

struct moment {
    struct qn_civil c;
    int64_t days, unix_s;
    int32_t offset_s;
};

/* ISO week and week year of a day. */
static int iso_week(int64_t days, int64_t *year)
{
    int month, day;
    int64_t thursday = days - qn_weekday(days) + 3;
    qn_civil_from_days(thursday, year, &month, &day);
    return (int)((thursday - qn_days_from_civil(*year, 1, 1)) / 7) + 1;
}

static int week_of(const struct moment *m, enum qn__week kind)
{
    int64_t year;
    if (kind == WEEK_ISO)
        return iso_week(m->days, &year);
    int yday = (int)(m->days - qn_days_from_civil(m->c.year, 1, 1));
    int weekday = kind == WEEK_MONDAY ? qn_weekday(m->days) : (qn_weekday(m->days) + 1) % 7;
    return (yday + 7 - weekday) / 7;
}

static void print_name(struct qn_buf *out, const char *name, bool longer)
{
    qn_buf_put(out, name, longer ? strlen(name) : 3);
}

static void print_op(const struct qn__date_op *op, const struct moment *m, struct qn_buf *out)
{
    char pad = op->style == 1 ? ' ' : '0';
    int hour12 = m->c.hour % 12 == 0 ? 12 : m->c.hour % 12;
    int64_t year;
    switch ((enum qn__date_op_kind)op->kind) {
    case OP_LITERAL:
        qn_buf_put_u8(out, (uint8_t)op->c);
        return;
    case OP_SPACE:
        qn_buf_put_u8(out, ' ');
        return;
    case OP_YEAR:
        qn__date_put_number(out, m->c.year, op->min, '0');
        return;
    case OP_YEAR2:
        qn__date_put_number(out, m->c.year % 100, 2, '0');
        return;
    case OP_MONTH:
        qn__date_put_number(out, m->c.month, op->min, '0');
        return;
    case OP_MONTH_NAME:
        print_name(out, months[m->c.month - 1], op->style == 1);
        return;
    case OP_DAY:
        qn__date_put_number(out, m->c.day, op->min, pad);
        return;
    case OP_YDAY:
        qn__date_put_number(out, m->days - qn_days_from_civil(m->c.year, 1, 1) + 1, op->min, '0');
        return;
    case OP_HOUR:
        qn__date_put_number(out, m->c.hour, op->min, pad);
        return;
    case OP_HOUR12:
        qn__date_put_number(out, hour12, op->min, pad);
        return;
    case OP_MINUTE:
        qn__date_put_number(out, m->c.minute, op->min, '0');
        return;
    case OP_SECOND:
        qn__date_put_number(out, m->c.second, op->min, '0');
        return;
    case OP_FRACTION: {
        int v = m->c.nanos;
        for (int i = op->min; i < 9; i++)
            v /= 10;
        qn__date_put_number(out, v, op->min, '0');
        return;
    }
    case OP_OFFSET:
        print_offset(out, m->offset_s, op->style);
        return;
    case OP_AMPM:
        qn_buf_put_z(out, m->c.hour < 12 ? op->style ? "am" : "AM" : op->style ? "pm" : "PM");
        return;
    case OP_WEEKDAY_NAME:
        print_name(out, weekdays[qn_weekday(m->days)], op->style == 1);
        return;
    case OP_WEEKDAY:
        qn__date_put_number(
            out, op->style == 1 ? (qn_weekday(m->days) + 1) % 7 : qn_weekday(m->days) + 1, 1, '0');
        return;
    case OP_WEEK:
        qn__date_put_number(out, week_of(m, (enum qn__week)op->style), op->min, '0');
        return;
    case OP_WEEK_YEAR:
        iso_week(m->days, &year);
        qn__date_put_number(out, year, 4, '0');
        return;
    case OP_EPOCH:
        qn__date_put_number(out, m->unix_s, 1, '0');
        return;
    case OP_OPTIONAL:
        return;
    }
}

void qn__date_pattern_print(const struct qn_date_format *f, int64_t ns, int32_t offset_s,
                            struct qn_buf *out)
{
    struct moment m = {.offset_s = offset_s};
    int nanos = (int)(ns % NS_PER_S);
    m.unix_s = ns / NS_PER_S;
    if (nanos < 0) {
        nanos += (int)NS_PER_S;
        m.unix_s--;
    }
    qn_civil_from_unix(m.unix_s + offset_s, nanos, &m.c);
    m.days = qn_days_from_civil(m.c.year, m.c.month, m.c.day);
    for (uint32_t i = 0; i < f->n_ops; i++)
        print_op(&f->ops[i], &m, out);
}
