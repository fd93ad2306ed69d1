/* The configuration back to people and programs, from the same table. Options of one section stand
 * together in options.h; sections are one level deep in both forms. */
#include "config_int.h"

#include "base/units.h"
#include "json/writer.h"

static const void *field_of(const struct qn_config *cfg, const struct qn_option *op)
{
    return (const char *)cfg + op->offset;
}

/* "postgres://user:secret@host/db" with its password hidden. */
static void put_uri(struct qn_buf *out, struct qn_str uri)
{
    size_t scheme = qn_str_find(uri, QN_STR("://"));
    size_t from = scheme == SIZE_MAX ? 0 : scheme + 3;
    struct qn_str rest = qn_str_from(uri, from), authority = rest;
    authority = qn_str_first(
        rest, qn_str_find_byte(rest, '/') == SIZE_MAX ? rest.n : qn_str_find_byte(rest, '/'));
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < authority.n; i++)
        at = authority.p[i] == '@' ? i : at;
    size_t colon = qn_str_find_byte(authority, ':');
    if (scheme == SIZE_MAX || at == SIZE_MAX || colon == SIZE_MAX || colon > at) {
        qn_buf_put_str(out, uri);
        return;
    }
    qn_buf_put_str(out, qn_str_first(uri, from + colon + 1));
    qn_buf_put_z(out, "***redacted***");
    qn_buf_put_str(out, qn_str_from(uri, from + at));
}

static void put_scaled(struct qn_buf *out, uint64_t v, const char *const *names,
                       const uint64_t *factors, size_t n)
{
    size_t i = n - 1; /* exact: the largest unit that divides the value */
    while (i > 0 && (v == 0 || v % factors[i] != 0))
        i--;
    qn_buf_printf(out, "%llu%s", (unsigned long long)(v / factors[i]), names[i]);
}

static void put_number(const struct qn_option *op, uint64_t v, struct qn_buf *out)
{
    static const char *const size_names[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    static const uint64_t sizes[] = {1, 1ull << 10, 1ull << 20, 1ull << 30, 1ull << 40};
    static const char *const time_names[] = {"us", "ms", "s", "m", "h"};
    static const uint64_t times[] = {1, 1000, 1000000, 60000000, 3600000000};
    if (op->kind == QN_OPTION_KIND_SIZE)
        put_scaled(out, v, size_names, sizes, QN_COUNT_OF(sizes));
    else if (op->kind == QN_OPTION_KIND_DURATION)
        put_scaled(out, v, time_names, times, QN_COUNT_OF(times));
    else
        qn_buf_printf(out, "%llu", (unsigned long long)v);
}

void qn_config_print_value(const struct qn_config *cfg, const struct qn_option *op,
                           struct qn_buf *out)
{
    const void *field = field_of(cfg, op);
    switch (op->kind) {
    case QN_OPTION_KIND_TEXT:
    case QN_OPTION_KIND_CHOICE:
        qn_buf_put_str(out, *(const struct qn_str *)field);
        break;
    case QN_OPTION_KIND_URI:
        put_uri(out, *(const struct qn_str *)field);
        break;
    case QN_OPTION_KIND_FLAG:
        qn_buf_put_z(out, *(const bool *)field ? "true" : "false");
        break;
    case QN_OPTION_KIND_COUNT:
    case QN_OPTION_KIND_SIZE:
    case QN_OPTION_KIND_DURATION:
        put_number(op, *(const uint64_t *)field, out);
        break;
    case QN_OPTION_KIND_LIST: {
        const struct qn_str_list *list = field;
        for (size_t i = 0; i < list->n; i++)
            qn_buf_printf(out, "%s" QN_STR_FMT, i ? ", " : "", QN_STR_ARG(list->p[i]));
        break;
    }
    }
}

static void write_value(const struct qn_config *cfg, const struct qn_option *op, struct qn_jw *w)
{
    const void *field = field_of(cfg, op);
    if (op->kind == QN_OPTION_KIND_FLAG) {
        qn_jw_bool(w, *(const bool *)field);
    } else if (op->kind == QN_OPTION_KIND_COUNT) {
        qn_jw_u64(w, *(const uint64_t *)field);
    } else if (op->kind == QN_OPTION_KIND_LIST) {
        const struct qn_str_list *list = field;
        qn_jw_arr(w);
        for (size_t i = 0; i < list->n; i++)
            qn_jw_str(w, list->p[i]);
        qn_jw_end(w);
    } else {
        struct qn_buf b;
        qn_buf_init(&b, SIZE_MAX);
        qn_config_print_value(cfg, op, &b);
        qn_jw_str(w, qn_buf_str(&b));
        qn_buf_release(&b);
    }
}

/* The part of a key before its dot: "" for a key of the top level. */
static struct qn_str section_of(const struct qn_option *op)
{
    struct qn_str key = qn_str_of(op->key);
    size_t dot = qn_str_find_byte(key, '.');
    return qn_str_first(key, dot == SIZE_MAX ? 0 : dot);
}

static const char *name_of(const struct qn_option *op)
{
    size_t n = section_of(op).n;
    return op->key + (n == 0 ? 0 : n + 1);
}

void qn_config_print_json(const struct qn_config *cfg, struct qn_jw *w)
{
    struct qn_str open = QN_STR_NONE;
    qn_jw_obj(w);
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        struct qn_str section = section_of(op);
        if (!qn_str_eq(section, open)) {
            if (open.n != 0)
                qn_jw_end(w);
            if (section.n != 0) {
                qn_jw_key_str(w, section);
                qn_jw_obj(w);
            }
            open = section;
        }
        qn_jw_key(w, name_of(op));
        write_value(cfg, op, w);
    }
    if (open.n != 0)
        qn_jw_end(w);
    qn_jw_end(w);
}

static void put_limits(const struct qn_option *op, struct qn_buf *out)
{
    switch (op->kind) {
    case QN_OPTION_KIND_CHOICE:
        qn_buf_printf(out, " [%s]", op->unit);
        break;
    case QN_OPTION_KIND_COUNT:
    case QN_OPTION_KIND_SIZE:
    case QN_OPTION_KIND_DURATION:
        qn_buf_put_z(out, " [");
        put_number(op, op->min, out);
        qn_buf_put_z(out, " to ");
        put_number(op, op->max, out);
        qn_buf_put_z(out, "]");
        break;
    default:
        break;
    }
}

static void put_yaml_value(const struct qn_config *cfg, const struct qn_option *op,
                           struct qn_buf *out)
{
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    if (op->kind == QN_OPTION_KIND_LIST) {
        const struct qn_str_list *list = field_of(cfg, op);
        qn_buf_put_z(out, "[");
        for (size_t i = 0; i < list->n; i++) {
            qn_buf_put_z(out, i ? ", " : "");
            qn_json_quote(out, list->p[i]);
        }
        qn_buf_put_z(out, "]");
    } else {
        qn_config_print_value(cfg, op, &b);
        bool quote = op->kind == QN_OPTION_KIND_TEXT || op->kind == QN_OPTION_KIND_URI;
        if (quote)
            qn_json_quote(out, qn_buf_str(&b));
        else
            qn_buf_put_str(out, qn_buf_str(&b));
    }
    qn_buf_release(&b);
}

void qn_config_print_yaml(const struct qn_config *cfg, bool effective, struct qn_buf *out)
{
    struct qn_str open = QN_STR_NONE;
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        struct qn_str section = section_of(op);
        if (section.n != 0 && !qn_str_eq(section, open))
            qn_buf_printf(out, "%s" QN_STR_FMT ":\n", effective ? "" : "\n", QN_STR_ARG(section));
        open = section;
        const char *indent = section.n != 0 ? "  " : "";
        if (effective) {
            qn_buf_printf(out, "%s%s: ", indent, name_of(op));
            put_yaml_value(cfg, op, out);
            qn_buf_printf(out, "  # %s\n",
                          qn_config_source_name((enum qn_config_source)cfg->from[i]));
        } else {
            qn_buf_printf(out, "%s# %s", indent, op->help);
            put_limits(op, out);
            qn_buf_printf(out, "\n%s%s: ", indent, name_of(op));
            put_yaml_value(cfg, op, out);
            qn_buf_put_z(out, "\n");
        }
    }
}
