/* Single values: from a node of the tape to the type that a field wants. */
#include "doc_int.h"

#include <math.h>
#include <stdio.h>

#include "base/utf8.h"

static const struct {
    int64_t min, max;
} int_ranges[QN_ES_TYPES] = {
    [QN_ES_INTEGER] = {INT32_MIN, INT32_MAX},
    [QN_ES_SHORT] = {INT16_MIN, INT16_MAX},
    [QN_ES_BYTE] = {INT8_MIN, INT8_MAX},
};

static bool is_elastic(const struct qn_field *f)
{
    return f->es_type != QN_ES_NONE;
}

/* The text that a number is read from, when the node may be one: a number, or a string that
 * coercion allows. */
static bool number_text(const struct qn_field *f, const struct qn_json_tape *t, uint32_t i,
                        struct qn_str *s)
{
    uint8_t type = t->nodes[i].type;
    if (QN_LIKELY(type == QN_JSON_NUMBER)) {
        *s = qn_json_node_raw(t, i);
        return true;
    }
    if (type != QN_JSON_STRING || !f->coerce)
        return false;
    *s = qn_json_node_str(t, i);
    if (is_elastic(f))
        *s = qn_str_trim(*s);
    if (s->n > 1 && s->p[0] == '+')
        *s = qn_str_from(*s, 1);
    double unused; /* is it a number at all? The exact readers below expect one */
    return qn_str_to_f64(*s, &unused) != QN_E_PARSE;
}

/* A fraction where Elasticsearch wants an integer: cut off, if coercion allows. */
static int cut_fraction(const struct qn_field *f, struct qn_str s, double *out)
{
    int rc = qn_json_parse_f64(s, out);
    if (rc < 0)
        return rc;
    if (!f->coerce && *out != trunc(*out))
        return QN_E_TYPE;
    *out = trunc(*out);
    return 0;
}

static int read_i64(const struct qn_field *f, struct qn_str s, struct qn_value *out)
{
    int rc = qn_json_parse_i64(s, &out->i64);
    if (rc == QN_E_TYPE && is_elastic(f)) {
        double d;
        rc = cut_fraction(f, s, &d);
        if (rc == 0 && !(d >= -9223372036854775808.0 && d < 9223372036854775808.0))
            rc = QN_E_RANGE;
        if (rc == 0)
            out->i64 = (int64_t)d;
    }
    if (rc == 0 && int_ranges[f->es_type].max != 0 &&
        (out->i64 < int_ranges[f->es_type].min || out->i64 > int_ranges[f->es_type].max))
        rc = QN_E_RANGE;
    out->type = QN_VALUE_I64;
    return rc;
}

static int read_u64(const struct qn_field *f, struct qn_str s, struct qn_value *out)
{
    int rc = qn_json_parse_u64(s, &out->u64);
    if (rc == QN_E_TYPE && is_elastic(f)) {
        double d;
        rc = cut_fraction(f, s, &d);
        if (rc == 0 && !(d >= 0 && d < 18446744073709551616.0))
            rc = QN_E_RANGE;
        if (rc == 0)
            out->u64 = (uint64_t)d;
    }
    out->type = QN_VALUE_U64;
    return rc;
}

/* To the nearest IEEE half, ties to even. */
static double to_half(double v)
{
    int e;
    if (v == 0)
        return v;
    frexp(v, &e);
    double unit = ldexp(1, (e < -13 ? -13 : e) - 11);
    return nearbyint(v / unit) * unit;
}

static int read_f64(const struct qn_field *f, struct qn_str s, struct qn_value *out)
{
    int rc = qn_json_parse_f64(s, &out->f64);
    out->type = QN_VALUE_F64;
    if (rc < 0)
        return rc;
    switch (f->es_type) {
    case QN_ES_FLOAT:
        out->f64 = fabs(out->f64) > 3.4028235677973366e38 ? HUGE_VAL : (double)(float)out->f64;
        break;
    case QN_ES_HALF_FLOAT:
        out->f64 = to_half(out->f64);
        if (fabs(out->f64) > 65504)
            return QN_E_RANGE;
        break;
    case QN_ES_SCALED_FLOAT:
        out->f64 = round(out->f64 * f->scaling_factor) / f->scaling_factor;
        break;
    default:
        break;
    }
    return isfinite(out->f64) ? 0 : QN_E_RANGE;
}

static int read_text(const struct qn_field *f, const struct qn_json_tape *t, uint32_t i,
                     struct qn_value *out)
{
    out->type = QN_VALUE_STR;
    uint8_t type = t->nodes[i].type;
    if (QN_LIKELY(type == QN_JSON_STRING))
        out->str = qn_json_node_str(t, i);
    else if (is_elastic(f) &&
             (type == QN_JSON_NUMBER || type == QN_JSON_TRUE || type == QN_JSON_FALSE))
        out->str = qn_json_node_raw(t, i);
    else
        return QN_E_TYPE;
    if (QN_UNLIKELY(out->str.n > f->ignore_above)) {
        size_t at = 0;
        uint32_t chars = 0;
        while (at < out->str.n && chars <= f->ignore_above) {
            qn_utf8_next(out->str, &at);
            chars++;
        }
        if (chars > f->ignore_above)
            return QN_END;
    }
    return 0;
}

static int read_bool(const struct qn_field *f, const struct qn_json_tape *t, uint32_t i,
                     struct qn_value *out)
{
    uint8_t type = t->nodes[i].type;
    out->type = QN_VALUE_BOOL;
    out->b = type == QN_JSON_TRUE;
    if (type == QN_JSON_TRUE || type == QN_JSON_FALSE)
        return 0;
    if (!is_elastic(f) || type != QN_JSON_STRING)
        return QN_E_TYPE;
    struct qn_str s = qn_json_node_str(t, i);
    out->b = qn_str_is(s, "true");
    return out->b || s.n == 0 || qn_str_is(s, "false") ? 0 : QN_E_TYPE;
}

static int read_date(const struct qn_field *f, const struct qn_json_tape *t, uint32_t i,
                     struct qn_date_context *cx, struct qn_value *out)
{
    uint8_t type = t->nodes[i].type;
    out->type = QN_VALUE_DATE;
    if (type == QN_JSON_STRING)
        return qn_date_read(&f->formats, qn_json_node_str(t, i), cx, &out->i64);
    if (type == QN_JSON_NUMBER)
        return qn_date_read_number(&f->formats, qn_json_node_raw(t, i), cx, &out->i64);
    return QN_E_TYPE;
}

static int read_bytes(const struct qn_field *f, struct qn_str s, struct qn_arena *ar,
                      struct qn_value *out)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    int rc = f->input_format == QN_BINARY_HEX ? qn_hex_read(&b, s) : qn_base64_read(&b, s);
    out->type = QN_VALUE_BYTES;
    if (rc == 0)
        out->str = b.n == 0 ? QN_STR("") : qn_arena_str(ar, qn_buf_str(&b));
    qn_buf_release(&b);
    return rc;
}

int qn__read_value(const struct qn_field *f, const struct qn_json_tape *t, uint32_t i,
                   struct qn_date_context *cx, struct qn_arena *ar, struct qn_value *out,
                   const char **why)
{
    struct qn_str s;
    *why = NULL;
    switch ((enum qn_field_type)f->type) {
    case QN_FIELD_TEXT:
        return read_text(f, t, i, out);
    case QN_FIELD_I64:
        return number_text(f, t, i, &s) ? read_i64(f, s, out) : QN_E_TYPE;
    case QN_FIELD_U64:
        return number_text(f, t, i, &s) ? read_u64(f, s, out) : QN_E_TYPE;
    case QN_FIELD_F64:
        return number_text(f, t, i, &s) ? read_f64(f, s, out) : QN_E_TYPE;
    case QN_FIELD_BOOL:
        return read_bool(f, t, i, out);
    case QN_FIELD_DATETIME:
        return read_date(f, t, i, cx, out);
    case QN_FIELD_IP:
        out->type = QN_VALUE_IP;
        if (t->nodes[i].type != QN_JSON_STRING)
            return QN_E_TYPE;
        return qn_ip_parse(qn_json_node_str(t, i), out->ip);
    case QN_FIELD_BYTES:
        if (t->nodes[i].type != QN_JSON_STRING)
            return QN_E_TYPE;
        return read_bytes(f, qn_json_node_str(t, i), ar, out);
    case QN_FIELD_JSON:
        if (f->es_type != QN_ES_FLATTENED)
            return qn__read_dynamic(t, i, cx, true, out);
        return read_text(f, t, i, out);
    case QN_FIELD_OBJECT:
    case QN_FIELD_OPAQUE:
        break;
    }
    *why = "the field has no values";
    return QN_E_TYPE;
}

int qn__read_dynamic(const struct qn_json_tape *t, uint32_t i, struct qn_date_context *cx,
                     bool dates, struct qn_value *out)
{
    struct qn_json_num num;
    int rc;
    switch ((enum qn_json_type)t->nodes[i].type) {
    case QN_JSON_STRING:
        out->type = QN_VALUE_STR;
        out->str = qn_json_node_str(t, i);
        if (dates && out->str.n >= 20 && out->str.n <= 35 && out->str.p[4] == '-' &&
            out->str.p[10] == 'T') {
            int64_t ns;
            if (qn_date_read_rfc3339(out->str, cx, &ns) == 0) {
                out->type = QN_VALUE_DATE;
                out->i64 = ns;
            }
        }
        return 0;
    case QN_JSON_NUMBER:
        rc = qn_json_parse_num(qn_json_node_raw(t, i), &num);
        out->type = num.kind == QN_JSON_NUM_I64   ? QN_VALUE_I64
                    : num.kind == QN_JSON_NUM_U64 ? QN_VALUE_U64
                                                  : QN_VALUE_F64;
        out->u64 = num.u64;
        return rc;
    case QN_JSON_TRUE:
    case QN_JSON_FALSE:
        out->type = QN_VALUE_BOOL;
        out->b = t->nodes[i].type == QN_JSON_TRUE;
        return 0;
    default:
        return QN_E_TYPE;
    }
}

/* ---- sentences */

/* The value's text, cut to 60 bytes between characters. */
static struct qn_str preview(struct qn_json_val v)
{
    struct qn_str s = qn_json_raw(v);
    if (s.n > 60) {
        s.n = 60;
        while (s.n > 0 && ((unsigned char)s.p[s.n] & 0xC0) == 0x80)
            s.n--;
    }
    return s;
}

static void join_formats(const struct qn_field *f, const char *between, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < f->formats.n && at < size; i++) {
        struct qn_str s = qn_date_format_text(f->formats.p[i]);
        at +=
            (size_t)snprintf(out + at, size - at, "%s" QN_STR_FMT, i ? between : "", QN_STR_ARG(s));
    }
}

static void elastic_cause(const struct qn_field *f, struct qn_json_val v, int rc, char *out,
                          size_t size)
{
    struct qn_str s = qn_json_is_str(v) ? qn_str_first(qn_json_str(v), 60) : preview(v);
    const char *type = qn_field_es_name(f);
    char formats[120];
    if (qn_json_is_obj(v) || qn_json_is_arr(v)) {
        snprintf(out, size, "Can't get text on a START_%s", qn_json_is_obj(v) ? "OBJECT" : "ARRAY");
        return;
    }
    switch ((enum qn_field_type)f->type) {
    case QN_FIELD_I64:
    case QN_FIELD_U64:
    case QN_FIELD_F64:
        if (qn_json_is_bool(v))
            snprintf(out, size,
                     "Current token (VALUE_BOOLEAN) not numeric, can not use numeric "
                     "value accessors");
        else if (rc == QN_E_RANGE)
            snprintf(out, size, "Value [" QN_STR_FMT "] is out of range for %s %s", QN_STR_ARG(s),
                     f->es_type == QN_ES_INTEGER || f->es_type == QN_ES_UNSIGNED_LONG ? "an" : "a",
                     type);
        else if (qn_json_is_num(v))
            snprintf(out, size, "[" QN_STR_FMT "] has a decimal part", QN_STR_ARG(s));
        else
            snprintf(out, size, "For input string: \"" QN_STR_FMT "\"", QN_STR_ARG(s));
        return;
    case QN_FIELD_BOOL:
        snprintf(out, size,
                 "Failed to parse value [" QN_STR_FMT "] as only [true] or [false] are allowed.",
                 QN_STR_ARG(s));
        return;
    case QN_FIELD_DATETIME:
        join_formats(f, "||", formats, sizeof formats);
        snprintf(out, size, "failed to parse date field [" QN_STR_FMT "] with format [%s]%s",
                 QN_STR_ARG(s), formats,
                 rc == QN_E_RANGE ? ": dates from 1677 to 2262 are supported" : "");
        return;
    case QN_FIELD_IP:
        snprintf(out, size, "'" QN_STR_FMT "' is not an IP string literal.", QN_STR_ARG(s));
        return;
    default:
        snprintf(out, size, "expected %s, found " QN_STR_FMT, type, QN_STR_ARG(s));
        return;
    }
}

static void number_cause(const struct qn_field *f, struct qn_json_val v, char *out, size_t size)
{
    const char *type = qn_field_type_name((enum qn_field_type)f->type);
    struct qn_str s = preview(v);
    if (qn_json_is_num(v))
        snprintf(out, size, "expected %s, got inconvertible JSON number `" QN_STR_FMT "`", type,
                 QN_STR_ARG(s));
    else if (qn_json_is_str(v) && f->coerce)
        snprintf(out, size, "failed to coerce JSON string `" QN_STR_FMT "` to %s", QN_STR_ARG(s),
                 type);
    else if (qn_json_is_str(v))
        snprintf(out, size,
                 "expected JSON number, got string `" QN_STR_FMT "`. enable coercion to %s with "
                 "the `coerce` parameter in the field mapping",
                 QN_STR_ARG(s), type);
    else
        snprintf(out, size, "expected JSON number%s, got `" QN_STR_FMT "`",
                 f->coerce ? " or string" : "", QN_STR_ARG(s));
}

static void date_cause(const struct qn_field *f, struct qn_json_val v, int rc, char *out,
                       size_t size)
{
    struct qn_str s = qn_json_is_str(v) ? qn_str_first(qn_json_str(v), 60) : preview(v);
    char formats[120];
    if (!qn_json_is_num(v) && !qn_json_is_str(v)) {
        snprintf(out, size,
                 "failed to parse datetime: expected a float, integer, or string, got `" QN_STR_FMT
                 "`",
                 QN_STR_ARG(s));
    } else if (rc == QN_E_RANGE) {
        snprintf(out, size,
                 "failed to parse unix timestamp `" QN_STR_FMT "`. Quickwit only supports "
                 "timestamp values ranging from `13 Apr 1972 23:59:55` to `16 Mar 2242 12:56:31`",
                 QN_STR_ARG(s));
    } else {
        join_formats(f, "`, `", formats, sizeof formats);
        snprintf(out, size,
                 "failed to parse datetime `" QN_STR_FMT "` using the following formats: `%s`",
                 QN_STR_ARG(s), formats);
    }
}

void qn__value_cause(const struct qn_field *f, struct qn_json_val v, int rc, const char *why,
                     char *out, size_t out_size)
{
    static const char *const binaries[] = {"base64", "hex"};
    struct qn_str s = preview(v);
    if (why != NULL) {
        snprintf(out, out_size, "%s", why);
        return;
    }
    if (is_elastic(f)) {
        elastic_cause(f, v, rc, out, out_size);
        return;
    }
    switch ((enum qn_field_type)f->type) {
    case QN_FIELD_TEXT:
        snprintf(out, out_size, "expected string, got `" QN_STR_FMT "`", QN_STR_ARG(s));
        return;
    case QN_FIELD_I64:
    case QN_FIELD_U64:
    case QN_FIELD_F64:
        number_cause(f, v, out, out_size);
        return;
    case QN_FIELD_BOOL:
        snprintf(out, out_size, "expected boolean, got `" QN_STR_FMT "`", QN_STR_ARG(s));
        return;
    case QN_FIELD_DATETIME:
        date_cause(f, v, rc, out, out_size);
        return;
    case QN_FIELD_IP:
        if (!qn_json_is_str(v))
            snprintf(out, out_size, "expected string, got `" QN_STR_FMT "`", QN_STR_ARG(s));
        else
            snprintf(out, out_size,
                     "failed to parse IP address `" QN_STR_FMT "`: invalid IP address syntax",
                     QN_STR_ARG(qn_str_first(qn_json_str(v), 60)));
        return;
    case QN_FIELD_BYTES:
        snprintf(out, out_size, "expected %s string, got `" QN_STR_FMT "`",
                 binaries[f->input_format], QN_STR_ARG(s));
        return;
    default:
        if (qn_json_is_num(v))
            snprintf(out, out_size, "number out of range: `" QN_STR_FMT "`", QN_STR_ARG(s));
        else
            snprintf(out, out_size, "expected object, got `" QN_STR_FMT "`", QN_STR_ARG(s));
        return;
    }
}

int qn_field_read(const struct qn_field *f, struct qn_json_val v, struct qn_date_context *cx,
                  struct qn_arena *ar, struct qn_value *out, struct qn_err *err)
{
    const char *why;
    char cause[200];
    int rc = qn_json_is_obj(v) || qn_json_is_arr(v) || qn_json_is_null(v)
                 ? QN_E_TYPE
                 : qn__read_value(f, v.t, v.i, cx, ar, out, &why);
    if (rc >= 0)
        return rc;
    if (qn_json_is_obj(v) || qn_json_is_arr(v) || qn_json_is_null(v))
        why = NULL;
    qn__value_cause(f, v, rc, why, cause, sizeof cause);
    return qn_json_fail(v, err, rc, "%s", cause);
}
