#include "schema/dates.h"

#include "base/time.h"
#include "dates_int.h"
#include "json/number.h"

/* unix_timestamp is told apart by size: these bounds in seconds, and times 10^3, 10^6, 10^9. */
#define UNIX_MIN 72057595ll
#define UNIX_MAX 8589934591ll

static struct qn_date_format *format_new(struct qn_arena *ar, enum qn__date_kind kind,
                                         struct qn_str text)
{
    struct qn_date_format *f = qn_arena_new(ar, struct qn_date_format);
    f->kind = kind;
    f->text = qn_arena_str(ar, text);
    return f;
}

static const struct named {
    const char *name;
    enum qn__date_kind kind;
} quickwit_inputs[] =
    {
        {"rfc3339", DATE_RFC3339},
        {"rfc2822", DATE_RFC2822},
        {"iso8601", DATE_ISO8601},
        {"unix_timestamp", DATE_UNIX},
},
  quickwit_outputs[] = {
      {"rfc3339", DATE_RFC3339},
      {"rfc2822", DATE_RFC2822},
      {"iso8601", DATE_ISO8601},
      {"unix_timestamp_secs", DATE_UNIX_S},
      {"unix_timestamp_millis", DATE_UNIX_MS},
      {"unix_timestamp_micros", DATE_UNIX_US},
      {"unix_timestamp_nanos", DATE_UNIX_NS},
};

static int parse_quickwit(const struct qn_date_format **out, struct qn_arena *ar,
                          struct qn_str text, const struct named *rows, size_t n_rows,
                          const char *what, struct qn_err *err)
{
    for (size_t i = 0; i < n_rows; i++)
        if (qn_str_eq_nocase(text, qn_str_of(rows[i].name))) {
            *out = format_new(ar, rows[i].kind, qn_str_of(rows[i].name));
            return 0;
        }
    struct qn_date_format *f = format_new(ar, DATE_PATTERN, text);
    if (qn__date_compile_strptime(f, ar, NULL) < 0)
        return qn_fail(err, QN_E_INVALID,
                       "unknown %s format: `" QN_STR_FMT "`. a custom date time format must "
                       "contain at least one `strftime` special characters",
                       what, QN_STR_ARG(text));
    *out = f;
    return 0;
}

/* Elasticsearch's names; each but those of `fixed` also with "strict_" in front. */
static const struct {
    const char *name, *pattern;
} java_names[] = {
    {"basic_date", "yyyyMMdd"},
    {"basic_date_time", "yyyyMMdd'T'HHmmss.SSSXX"},
    {"basic_date_time_no_millis", "yyyyMMdd'T'HHmmssXX"},
    {"basic_ordinal_date", "yyyyDDD"},
    {"basic_ordinal_date_time", "yyyyDDD'T'HHmmss.SSSXX"},
    {"basic_ordinal_date_time_no_millis", "yyyyDDD'T'HHmmssXX"},
    {"basic_time", "HHmmss.SSSXX"},
    {"basic_time_no_millis", "HHmmssXX"},
    {"basic_t_time", "'T'HHmmss.SSSXX"},
    {"basic_t_time_no_millis", "'T'HHmmssXX"},
    {"basic_week_date", "xxxx'W'wwe"},
    {"basic_week_date_time", "xxxx'W'wwe'T'HHmmss.SSSXX"},
    {"basic_week_date_time_no_millis", "xxxx'W'wwe'T'HHmmssXX"},
    {"date", "yyyy-MM-dd"},
    {"date_hour", "yyyy-MM-dd'T'HH"},
    {"date_hour_minute", "yyyy-MM-dd'T'HH:mm"},
    {"date_hour_minute_second", "yyyy-MM-dd'T'HH:mm:ss"},
    {"date_hour_minute_second_fraction", "yyyy-MM-dd'T'HH:mm:ss.SSS"},
    {"date_hour_minute_second_millis", "yyyy-MM-dd'T'HH:mm:ss.SSS"},
    {"date_time", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"},
    {"date_time_no_millis", "yyyy-MM-dd'T'HH:mm:ssXXX"},
    {"hour", "HH"},
    {"hour_minute", "HH:mm"},
    {"hour_minute_second", "HH:mm:ss"},
    {"hour_minute_second_fraction", "HH:mm:ss.SSS"},
    {"hour_minute_second_millis", "HH:mm:ss.SSS"},
    {"ordinal_date", "yyyy-DDD"},
    {"ordinal_date_time", "yyyy-DDD'T'HH:mm:ss.SSSXXX"},
    {"ordinal_date_time_no_millis", "yyyy-DDD'T'HH:mm:ssXXX"},
    {"time", "HH:mm:ss.SSSXXX"},
    {"time_no_millis", "HH:mm:ssXXX"},
    {"t_time", "'T'HH:mm:ss.SSSXXX"},
    {"t_time_no_millis", "'T'HH:mm:ssXXX"},
    {"week_date", "xxxx-'W'ww-e"},
    {"week_date_time", "xxxx-'W'ww-e'T'HH:mm:ss.SSSXXX"},
    {"week_date_time_no_millis", "xxxx-'W'ww-e'T'HH:mm:ssXXX"},
    {"weekyear", "xxxx"},
    {"weekyear_week", "xxxx-'W'ww"},
    {"weekyear_week_day", "xxxx-'W'ww-e"},
    {"year", "yyyy"},
    {"year_month", "yyyy-MM"},
    {"year_month_day", "yyyy-MM-dd"},
};

static int parse_java(const struct qn_date_format **out, struct qn_arena *ar, struct qn_str text,
                      struct qn_err *err)
{
    bool strict = qn_str_starts(text, QN_STR("strict_"));
    struct qn_str name = strict ? qn_str_from(text, 7) : text;
    static const struct named kinds[] = {
        {"epoch_millis", DATE_EPOCH_MS},
        {"epoch_second", DATE_EPOCH_S},
        {"iso8601", DATE_ISO8601},
        {"date_optional_time", DATE_OPTIONAL_TIME},
        {"date_optional_time_nanos", DATE_OPTIONAL_TIME},
    };
    for (size_t i = 0; i < QN_COUNT_OF(kinds); i++)
        if (qn_str_is(name, kinds[i].name)) {
            struct qn_date_format *f = format_new(ar, kinds[i].kind, text);
            f->lenient = !strict;
            *out = f;
            return 0;
        }
    struct qn_date_format *f = format_new(ar, DATE_PATTERN, text);
    *out = f;
    for (size_t i = 0; i < QN_COUNT_OF(java_names); i++)
        if (qn_str_is(name, java_names[i].name))
            return qn__date_compile_java(f, ar, qn_str_of(java_names[i].pattern), false, err);
    return qn__date_compile_java(f, ar, text, false, err);
}

int qn_date_format_parse(const struct qn_date_format **out, struct qn_arena *ar,
                         enum qn_date_dialect dialect, struct qn_str text, struct qn_err *err)
{
    *out = NULL;
    if (dialect == QN_DATE_JAVA)
        return parse_java(out, ar, text, err);
    return parse_quickwit(out, ar, text, quickwit_inputs, QN_COUNT_OF(quickwit_inputs), "input",
                          err);
}

int qn_date_output_parse(const struct qn_date_format **out, struct qn_arena *ar, struct qn_str text,
                         struct qn_err *err)
{
    *out = NULL;
    return parse_quickwit(out, ar, text, quickwit_outputs, QN_COUNT_OF(quickwit_outputs), "output",
                          err);
}

int qn_date_formats_parse(struct qn_date_formats *out, struct qn_arena *ar, struct qn_str text,
                          struct qn_err *err)
{
    const struct qn_date_format *list[32];
    uint32_t n = 0;
    *out = (struct qn_date_formats){.numbers = true};
    for (struct qn_str rest = text; rest.p != NULL;) {
        size_t at = qn_str_find(rest, QN_STR("||"));
        struct qn_str part = at == SIZE_MAX ? rest : qn_str_first(rest, at);
        rest = at == SIZE_MAX ? QN_STR_NONE : qn_str_from(rest, at + 2);
        if (n == QN_COUNT_OF(list))
            return qn_fail(err, QN_E_INVALID, "more than %zu date formats", QN_COUNT_OF(list));
        if (part.n == 0)
            return qn_fail(err, QN_E_INVALID, "No date pattern provided");
        int rc = parse_java(&list[n++], ar, part, err);
        if (rc < 0)
            return rc;
    }
    if (n == 0)
        return qn_fail(err, QN_E_INVALID, "No date pattern provided");
    const struct qn_date_format **p = qn_arena_array(ar, const struct qn_date_format *, n);
    memcpy(p, list, n * sizeof *p);
    out->p = p;
    out->n = n;
    return 0;
}

struct qn_str qn_date_format_text(const struct qn_date_format *f)
{
    return f->text;
}

int qn_date_from_unix(int64_t v, int64_t *ns)
{
    int64_t scale = NS_PER_S;
    for (int64_t unit = 1; unit <= NS_PER_S; unit *= 1000, scale /= 1000)
        if (v >= UNIX_MIN * unit && v <= UNIX_MAX * unit) {
            *ns = v * scale;
            return 0;
        }
    return QN_E_RANGE;
}

/* "1700000000", in any unit, or seconds with a fraction. */
static int read_unix_text(struct qn_str s, int64_t *ns)
{
    int64_t v;
    size_t point = qn_str_find_byte(s, '.');
    if (point == SIZE_MAX || point + 1 == s.n) {
        int rc = qn_str_to_i64(qn_str_first(s, point), &v);
        return rc < 0 ? QN_E_PARSE : qn_date_from_unix(v, ns);
    }
    struct qn_str fraction = qn_str_first(qn_str_from(s, point + 1), 9);
    uint64_t nanos;
    if (qn_str_to_i64(qn_str_first(s, point), &v) < 0 || qn_str_to_u64(fraction, &nanos) < 0)
        return QN_E_PARSE;
    if (v < UNIX_MIN || v > UNIX_MAX)
        return QN_E_RANGE;
    for (size_t i = fraction.n; i < 9; i++)
        nanos *= 10;
    *ns = v * NS_PER_S + (int64_t)nanos;
    return 0;
}

/* Epoch counts of the Java names: a sign and a fraction are fine. unit_ns: of one. */
static int read_epoch(struct qn_str s, int64_t unit_ns, int64_t *ns)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    size_t point = qn_str_find_byte(s, '.');
    int64_t whole, part = 0, unit = unit_ns;
    if (qn_str_to_i64(qn_str_first(s, point), &whole) < 0)
        return QN_E_PARSE;
    if (point != SIZE_MAX) {
        for (size_t i = point + 1; i < s.n; i++) {
            unsigned d = (unsigned)(unsigned char)s.p[i] - '0';
            if (d > 9)
                return QN_E_PARSE;
            unit /= 10;
            part += d * unit;
        }
    }
    if (__builtin_mul_overflow(whole, unit_ns, ns) ||
        __builtin_add_overflow(*ns, minus ? -part : part, ns))
        return QN_E_RANGE;
    return 0;
}

static int read_one(const struct qn_date_format *f, struct qn_str s, struct qn_date_context *cx,
                    int64_t *ns)
{
    struct qn__date_parts pt = {.pm = -1};
    bool ok = false;
    switch (f->kind) {
    case DATE_RFC3339:
        return qn_date_read_rfc3339(s, cx, ns);
    case DATE_RFC2822:
        ok = qn__date_read_rfc2822(s, &pt);
        break;
    case DATE_ISO8601:
        ok = qn__date_read_iso(s, ISO_BASIC, &pt);
        break;
    case DATE_OPTIONAL_TIME:
        if (qn_date_read_rfc3339(s, cx, ns) == 0 && s.p[10] == 'T')
            return 0;
        ok = qn__date_read_iso(s, f->lenient ? ISO_LENIENT : 0, &pt);
        break;
    case DATE_UNIX:
        return read_unix_text(s, ns);
    case DATE_EPOCH_MS:
    case DATE_UNIX_MS:
        return read_epoch(s, 1000000, ns);
    case DATE_EPOCH_S:
    case DATE_UNIX_S:
        return read_epoch(s, NS_PER_S, ns);
    case DATE_UNIX_US:
        return read_epoch(s, 1000, ns);
    case DATE_UNIX_NS:
        return read_epoch(s, 1, ns);
    case DATE_PATTERN:
        ok = qn__date_pattern_read(f, s, &pt);
        break;
    }
    return ok ? qn__date_resolve(&pt, cx, f->infer_year, ns) : QN_E_PARSE;
}

int qn_date_read(const struct qn_date_formats *fs, struct qn_str s, struct qn_date_context *cx,
                 int64_t *ns)
{
    int worst = QN_E_PARSE;
    s = qn_str_trim(s);
    for (uint32_t i = 0; i < fs->n; i++) {
        int rc = read_one(fs->p[i], s, cx, ns);
        if (rc == 0)
            return 0;
        if (rc == QN_E_RANGE)
            worst = rc;
    }
    return worst;
}

int qn_date_read_number(const struct qn_date_formats *fs, struct qn_str s,
                        struct qn_date_context *cx, int64_t *ns)
{
    int64_t v;
    double d;
    for (uint32_t i = 0; i < fs->n; i++) {
        if (fs->p[i]->kind != DATE_UNIX)
            continue;
        int rc = qn_json_parse_i64(s, &v);
        if (rc != QN_E_TYPE)
            return rc < 0 ? rc : qn_date_from_unix(v, ns);
        rc = qn_json_parse_f64(s, &d);
        if (rc < 0 || d < (double)UNIX_MIN || d > (double)UNIX_MAX)
            return QN_E_RANGE;
        int64_t whole = (int64_t)d;
        *ns = whole * NS_PER_S + (int64_t)__builtin_round((d - (double)whole) * 1e9);
        return 0;
    }
    if (fs->n > 0 && fs->numbers)
        return qn_date_read(fs, s, cx, ns);
    return QN_E_PARSE;
}

bool qn_date_prints_number(const struct qn_date_format *f)
{
    return f->kind >= DATE_UNIX && f->kind <= DATE_UNIX_NS;
}

int64_t qn_date_truncate(int64_t ns, enum qn_date_precision precision)
{
    static const int64_t units[] = {NS_PER_S, 1000000, 1000, 1};
    int64_t rest = ns % units[precision];
    return ns - (rest < 0 ? rest + units[precision] : rest);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Date and time with `min`..9 digits of fraction, trailing zeros beyond min left out. */
static void print_iso(int64_t ns, int32_t offset_s, int min, struct qn_buf *out)
{
    struct qn_civil c;
    int64_t s = floor_div(ns, NS_PER_S);
    int nanos = (int)(ns - s * NS_PER_S), digits = 9;
    qn_civil_from_unix(s + offset_s, nanos, &c);
    qn__date_put_number(out, c.year, 4, '0');
    qn_buf_put_u8(out, '-');
    qn__date_put_number(out, c.month, 2, '0');
    qn_buf_put_u8(out, '-');
    qn__date_put_number(out, c.day, 2, '0');
    qn_buf_put_u8(out, 'T');
    qn__date_put_number(out, c.hour, 2, '0');
    qn_buf_put_u8(out, ':');
    qn__date_put_number(out, c.minute, 2, '0');
    qn_buf_put_u8(out, ':');
    qn__date_put_number(out, c.second, 2, '0');
    for (; digits > min && nanos % 10 == 0; digits--)
        nanos /= 10;
    if (digits > 0) {
        qn_buf_put_u8(out, '.');
        qn__date_put_number(out, nanos, digits, '0');
    }
    if (offset_s == 0) {
        qn_buf_put_u8(out, 'Z');
        return;
    }
    int32_t v = offset_s < 0 ? -offset_s : offset_s;
    qn_buf_put_u8(out, offset_s < 0 ? '-' : '+');
    qn__date_put_number(out, v / 3600, 2, '0');
    qn_buf_put_u8(out, ':');
    qn__date_put_number(out, v / 60 % 60, 2, '0');
}

static void print_rfc2822(int64_t ns, int32_t offset_s, struct qn_buf *out)
{
    struct qn_date_format f = {.kind = DATE_PATTERN, .text = QN_STR("%a, %d %b %Y %H:%M:%S %z")};
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    if (qn__date_compile_strptime(&f, &ar, NULL) == 0)
        qn__date_pattern_print(&f, ns, offset_s, out);
    qn_arena_release(&ar);
}

void qn_date_print(const struct qn_date_format *f, int64_t ns, int32_t offset_s, struct qn_buf *out)
{
    switch (f->kind) {
    case DATE_RFC3339:
        print_iso(ns, offset_s, 0, out);
        return;
    case DATE_ISO8601:
        print_iso(ns, offset_s, 9, out);
        return;
    case DATE_OPTIONAL_TIME:
        print_iso(ns, offset_s, 3, out);
        return;
    case DATE_RFC2822:
        print_rfc2822(ns, offset_s, out);
        return;
    case DATE_UNIX:
    case DATE_UNIX_S:
    case DATE_EPOCH_S:
        qn__date_put_number(out, floor_div(ns, NS_PER_S), 1, '0');
        return;
    case DATE_UNIX_MS:
    case DATE_EPOCH_MS:
        qn__date_put_number(out, floor_div(ns, 1000000), 1, '0');
        return;
    case DATE_UNIX_US:
        qn__date_put_number(out, floor_div(ns, 1000), 1, '0');
        return;
    case DATE_UNIX_NS:
        qn__date_put_number(out, ns, 1, '0');
        return;
    case DATE_PATTERN:
        qn__date_pattern_print(f, ns, offset_s, out);
        return;
    }
}
