/* Literals to typed values: numbers, booleans, dates, addresses, bytes. */
#include "resolve_int.h"

#include "base/time.h"
#include "json/number.h"

#define NS_PER_S 1000000000ll

bool qn__query_read_number(struct qn_str s, struct qn_value *out)
{
    *out = (struct qn_value){.type = QN_VALUE_I64};
    if (s.n > 1 && s.p[0] == '+' && s.p[1] != '-' && s.p[1] != '+')
        s = qn_str_from(s, 1);
    while (s.n > 1 && s.p[0] == '0' && s.p[1] >= '0' && s.p[1] <= '9')
        s = qn_str_from(s, 1);
    if (qn_str_to_i64(s, &out->i64) == QN_OK)
        return true;
    out->type = QN_VALUE_U64;
    if (qn_str_to_u64(s, &out->u64) == QN_OK)
        return true;
    out->type = QN_VALUE_F64;
    return qn_str_to_f64(s, &out->f64) == QN_OK && out->f64 - out->f64 == 0;
}

bool qn__query_number_as(const struct qn_value *from, enum qn_value_type type, struct qn_value *out)
{
    const struct qn_value copy = *from, *v = &copy; /* out may be from */
    *out = (struct qn_value){.type = (uint8_t)type};
    if (v->type == type) {
        *out = *v;
        return true;
    }
    if (type == QN_VALUE_F64) {
        out->f64 = v->type == QN_VALUE_I64 ? (double)v->i64 : (double)v->u64;
        return true;
    }
    if (v->type == QN_VALUE_F64) {
        double d = v->f64;
        if (type == QN_VALUE_I64 && d >= -0x1p63 && d < 0x1p63 && d == (double)(int64_t)d)
            out->i64 = (int64_t)d;
        else if (type == QN_VALUE_U64 && d >= 0 && d < 0x1p64 && d == (double)(uint64_t)d)
            out->u64 = (uint64_t)d;
        else
            return false;
        return true;
    }
    if (type == QN_VALUE_I64)
        return false; /* a U64 is one because it does not fit */
    out->u64 = (uint64_t)v->i64;
    return v->i64 >= 0;
}

static bool read_bool(struct qn_str s, struct qn_value *out)
{
    out->type = QN_VALUE_BOOL;
    out->b = qn_str_is(s, "true");
    return out->b || qn_str_is(s, "false");
}

/* Hexadecimal if it is that, else base64 with or without padding; "!" in front: base64. */
static bool read_bytes(struct resolver *r, struct qn_str s, struct qn_value *out)
{
    struct qn_buf bytes;
    int rc = QN_E_PARSE;
    qn_buf_init(&bytes, SIZE_MAX);
    if (s.n > 0 && s.p[0] == '!')
        s = qn_str_from(s, 1);
    else
        rc = qn_hex_read(&bytes, s);
    if (rc < 0) {
        struct qn_buf text;
        while (s.n > 0 && s.p[s.n - 1] == '=')
            s.n--;
        qn_buf_init(&text, SIZE_MAX);
        qn_buf_put_str(&text, s);
        while (text.n % 4 != 0)
            qn_buf_put_u8(&text, '=');
        rc = qn_base64_read(&bytes, text.n ? qn_buf_str(&text) : QN_STR(""));
        qn_buf_release(&text);
    }
    out->type = QN_VALUE_BYTES;
    if (rc == QN_OK)
        out->str = qn_arena_str(r->ar, bytes.n ? qn_buf_str(&bytes) : QN_STR(""));
    qn_buf_release(&bytes);
    return rc == QN_OK && out->str.p != NULL;
}

/* ---- dates */

static int make_quickwit_dates(struct resolver *r)
{
    static const char *const texts[] = {"rfc3339",
                                        "rfc2822",
                                        "unix_timestamp",
                                        "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%d %H:%M:%S.%f",
                                        "%Y-%m-%d %H:%M:%S",
                                        "%Y-%m-%d",
                                        "%Y/%m/%d"};
    const struct qn_date_format **p =
        qn_arena_array(r->ar, const struct qn_date_format *, QN_COUNT_OF(texts));
    if (p == NULL)
        return QN_E_BUDGET;
    for (size_t i = 0; i < QN_COUNT_OF(texts); i++) {
        int rc = qn_date_format_parse(&p[i], r->ar, QN_DATE_QUICKWIT, qn_str_of(texts[i]), r->err);
        if (rc < 0)
            return rc;
    }
    r->quickwit_dates = (struct qn_date_formats){p, QN_COUNT_OF(texts), true};
    return QN_OK;
}

const struct qn_date_formats *qn__query_date_formats(struct resolver *r, const struct on_field *on,
                                                     struct qn_str format, int *rc)
{
    *rc = QN_OK;
    if (qn__query_is_set(format)) {
        struct qn_date_formats *own = qn_arena_new(r->ar, struct qn_date_formats);
        struct qn_err err = {0};
        *rc = own ? qn_date_formats_parse(own, r->ar, format, &err) : QN_E_BUDGET;
        if (*rc < 0 && *rc != QN_E_BUDGET)
            *rc = qn__query_mistake(r, on->q, *rc, "%s", err.msg);
        return own;
    }
    if (r->quickwit) {
        if (r->quickwit_dates.n == 0)
            *rc = make_quickwit_dates(r);
        return &r->quickwit_dates;
    }
    if (on->field->type == QN_FIELD_DATETIME && on->field->es_type != QN_ES_NONE)
        return &on->field->formats;
    if (r->elastic_dates.n == 0)
        *rc = qn_date_formats_parse(&r->elastic_dates, r->ar,
                                    QN_STR("strict_date_optional_time||epoch_millis"), r->err);
    return &r->elastic_dates;
}

/* 1 with *ns, 0 when it is no date, or an error. */
static int read_date(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                     const struct qn_query_range *range, bool round_up, int64_t *ns)
{
    struct qn_date_query dq = {
        .dialect = r->opt->dialect, .now_ns = r->opt->now_ns, .round_up = round_up};
    struct qn_err err = {0};
    int rc;
    dq.formats = qn__query_date_formats(r, on, range ? range->format : QN_STR_NONE, &rc);
    if (rc < 0)
        return rc;
    if (range != NULL && qn__query_is_set(range->time_zone) &&
        (rc = qn_time_zone_read(range->time_zone, &dq.offset_s, &err)) < 0)
        return qn__query_mistake(r, on->q, rc, "%s", err.msg);
    if (v->kind == QN_LITERAL_NUM) {
        struct qn_date_context cx = {.now_ns = dq.now_ns};
        if (dq.formats->numbers)
            return qn_date_read_number(dq.formats, v->text, &cx, ns) == QN_OK;
        return qn_date_query_read(v->text, &dq, ns, NULL) == QN_OK;
    }
    if (v->kind == QN_LITERAL_BOOL)
        return 0;
    if (qn_date_query_read(v->text, &dq, ns, NULL) == QN_OK)
        return 1;
    /* Fields of Quickwit mappings asked by Elasticsearch's DSL, with Quickwit's own formats. */
    if (!r->quickwit && on->field->type == QN_FIELD_DATETIME && on->field->es_type == QN_ES_NONE &&
        (range == NULL || !qn__query_is_set(range->format))) {
        if (r->quickwit_dates.n == 0 && (rc = make_quickwit_dates(r)) < 0)
            return rc;
        dq.formats = &r->quickwit_dates;
        return qn_date_query_read(v->text, &dq, ns, NULL) == QN_OK;
    }
    return 0;
}

int qn__query_read_value(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                         const struct qn_query_range *range, bool round_up, struct qn_value *out)
{
    struct qn_value number;
    struct qn_str s = r->quickwit ? v->text : qn_str_trim(v->text);
    int rc;
    *out = (struct qn_value){0};
    switch (on->field->type) {
    case QN_FIELD_I64:
    case QN_FIELD_U64:
    case QN_FIELD_F64:
        if (v->kind == QN_LITERAL_BOOL || !qn__query_read_number(s, &number))
            return 0;
        return qn__query_number_as(&number,
                                   on->field->type == QN_FIELD_I64   ? QN_VALUE_I64
                                   : on->field->type == QN_FIELD_U64 ? QN_VALUE_U64
                                                                     : QN_VALUE_F64,
                                   out);
    case QN_FIELD_BOOL:
        if (!r->quickwit && v->kind == QN_LITERAL_STR && s.n == 0) { /* as Elasticsearch has it */
            *out = (struct qn_value){.type = QN_VALUE_BOOL};
            return 1;
        }
        return v->kind != QN_LITERAL_NUM && read_bool(s, out);
    case QN_FIELD_DATETIME:
        rc = read_date(r, on, v, range, round_up, &out->i64);
        out->type = QN_VALUE_DATE;
        return rc;
    case QN_FIELD_IP:
        out->type = QN_VALUE_IP;
        return v->kind == QN_LITERAL_STR && qn_ip_parse(s, out->ip) == QN_OK;
    case QN_FIELD_BYTES:
        return v->kind == QN_LITERAL_STR && read_bytes(r, s, out);
    default:
        return 0;
    }
}

int qn__query_bad_value(struct resolver *r, const struct on_field *on, const struct qn_literal *v,
                        const struct qn_query **out)
{
    struct qn_str name = qn_str_first(on->name, 80), text = qn_str_first(v->text, 80);
    const char *type = qn_field_type_name((enum qn_field_type)on->field->type);
    if (r->quickwit)
        return qn__query_mismatch(r, on, out, QN_E_TYPE,
                                  "expected a `%s` search value for field `" QN_STR_FMT
                                  "`, got `" QN_STR_FMT "`",
                                  type, QN_STR_ARG(name), QN_STR_ARG(text));
    switch (on->field->type) {
    case QN_FIELD_DATETIME:
        return qn__query_mismatch(r, on, out, QN_E_TYPE,
                                  "failed to parse date field [" QN_STR_FMT "] in [" QN_STR_FMT "]",
                                  QN_STR_ARG(text), QN_STR_ARG(name));
    case QN_FIELD_BOOL:
        return qn__query_mismatch(r, on, out, QN_E_TYPE,
                                  "failed to create query: Can't parse boolean value [" QN_STR_FMT
                                  "], expected [true] or [false]",
                                  QN_STR_ARG(text));
    case QN_FIELD_IP:
        return qn__query_mismatch(r, on, out, QN_E_TYPE,
                                  "failed to create query: '" QN_STR_FMT
                                  "' is not an IP string literal.",
                                  QN_STR_ARG(text));
    default:
        return qn__query_mismatch(r, on, out, QN_E_TYPE,
                                  "failed to create query: For input string: \"" QN_STR_FMT "\"",
                                  QN_STR_ARG(text));
    }
}

/* ---- leaves of one value */

const struct qn_query *qn__query_in_dates(struct resolver *r, const struct on_field *on,
                                          int64_t lower, int64_t upper)
{
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_IN_RANGE);
    if (q == NULL)
        return NULL;
    q->in_range.target = qn__query_target(on, QN_VALUE_DATE);
    q->in_range.lower = (struct qn_value){.type = QN_VALUE_DATE, .i64 = lower};
    q->in_range.upper = (struct qn_value){.type = QN_VALUE_DATE, .i64 = upper};
    return q;
}

const struct qn_query *qn__query_has_term(struct resolver *r, const struct on_field *on,
                                          const struct qn_value *v)
{
    if (v->type == QN_VALUE_DATE) { /* the second it lies in */
        int64_t from = qn_date_truncate(v->i64, QN_DATE_SECONDS);
        return qn__query_in_dates(r, on, from,
                                  from > INT64_MAX - NS_PER_S ? INT64_MAX : from + NS_PER_S - 1);
    }
    struct qn_query *q = qn__query_bound_new(r, on, QN_QUERY_HAS_TERM);
    if (q == NULL)
        return NULL;
    q->has_term.target = qn__query_target(on, (enum qn_value_type)v->type);
    q->has_term.value = *v;
    return q;
}

int qn__query_json_variants(struct resolver *r, const struct on_field *on,
                            const struct qn_literal *v, struct qn_query_list *list)
{
    static const enum qn_value_type types[] = {QN_VALUE_I64, QN_VALUE_U64, QN_VALUE_F64};
    struct qn_value number, typed;
    struct qn_date_context cx = {.now_ns = r->opt->now_ns};
    if (v->kind != QN_LITERAL_BOOL && qn__query_read_number(v->text, &number)) {
        /* Documents hold 5 as I64 and 5.0 as F64: the same number to whoever asks. U64 is for what
         * is larger than any I64. */
        for (size_t i = 0; i < QN_COUNT_OF(types); i++)
            if (qn__query_number_as(&number, types[i], &typed) &&
                (types[i] != QN_VALUE_U64 || typed.u64 > INT64_MAX))
                qn_query_list_add(r->ar, list, qn__query_has_term(r, on, &typed));
        return QN_OK;
    }
    typed = (struct qn_value){0};
    if (v->kind != QN_LITERAL_NUM && read_bool(v->text, &typed)) {
        qn_query_list_add(r->ar, list, qn__query_has_term(r, on, &typed));
        return QN_OK;
    }
    typed.type = QN_VALUE_DATE;
    if (v->kind == QN_LITERAL_STR && qn_date_read_rfc3339(v->text, &cx, &typed.i64) == QN_OK)
        qn_query_list_add(r->ar, list, qn__query_has_term(r, on, &typed));
    return QN_OK;
}
