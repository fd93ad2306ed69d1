/* The options table as data, and how one value is read and checked. */
#include "config_int.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/units.h"

const struct qn_option qn_option_table[] = {
#define XX(kind_, field_, key_, unit_, min_, max_, default_, env2_, help_)                         \
    {.key = key_,                                                                                  \
     .kind = QN_OPTION_KIND_##kind_,                                                               \
     .offset = offsetof(struct qn_config, field_),                                                 \
     .unit = unit_,                                                                                \
     .min = min_,                                                                                  \
     .max = max_,                                                                                  \
     .fallback = default_,                                                                         \
     .env2 = env2_,                                                                                \
     .help = help_},
    QN_OPTIONS(XX)
#undef XX
};

#define XX(key_, text_) {key_, text_},
static const struct qn_config_note aliases[] = {QN_OPTIONS_ALIASES(XX)};
const struct qn_config_note qn__config_ignored[] = {QN_OPTIONS_IGNORED(XX)};
#undef XX
const size_t qn__config_ignored_count = QN_COUNT_OF(qn__config_ignored);

const struct qn_option *qn_option_find(struct qn_str key)
{
    for (size_t i = 0; i < QN_COUNT_OF(aliases); i++)
        if (qn_str_is(key, aliases[i].key))
            key = qn_str_of(aliases[i].text);
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++)
        if (qn_str_is(key, qn_option_table[i].key))
            return &qn_option_table[i];
    return NULL;
}

const char *qn_option_env(const struct qn_option *op, char out[QN_OPTION_NAME_MAX])
{
    int n = snprintf(out, QN_OPTION_NAME_MAX, "QUERN_%s", op->key);
    QN_ASSERT(n < QN_OPTION_NAME_MAX);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '.' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 32) : *c;
    return out;
}

const char *qn_option_flag(const struct qn_option *op, char out[QN_OPTION_NAME_MAX])
{
    int n = snprintf(out, QN_OPTION_NAME_MAX, "--%s", op->key);
    QN_ASSERT(n < QN_OPTION_NAME_MAX);
    for (char *c = out; *c != '\0'; c++)
        *c = *c == '.' || *c == '_' ? '-' : *c;
    return out;
}

const char *qn_config_source_name(enum qn_config_source from)
{
    static const char *const names[] = {"default", "file", "environment", "flag"};
    return names[from];
}

void qn__config_warn(struct qn_config *cfg, const char *fmt, ...)
{
    char line[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    qn_vec_push(&cfg->warnings, qn_arena_str(&cfg->ar, qn_str_of(line)));
}

static void *field_of(struct qn_config *cfg, const struct qn_option *op)
{
    return (char *)cfg + op->offset;
}

static int read_bool(struct qn_str s, bool *out, struct qn_err *err)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < QN_COUNT_OF(words); i++) {
        if (qn_str_eq_nocase(s, qn_str_of(words[i]))) {
            *out = i % 2 == 1;
            return QN_OK;
        }
    }
    return qn_fail(err, QN_E_TYPE, "\"" QN_STR_FMT "\" is neither true nor false", QN_STR_ARG(s));
}

static int check_choice(const struct qn_option *op, struct qn_str s, struct qn_err *err)
{
    struct qn_str rest = qn_str_of(op->unit), one;
    while (qn_str_split(&rest, '|', &one))
        if (qn_str_eq(s, one))
            return QN_OK;
    return qn_fail(err, QN_E_INVALID, "\"" QN_STR_FMT "\" is not one of %s", QN_STR_ARG(s),
                   op->unit);
}

static int read_number(const struct qn_option *op, struct qn_str s, uint64_t *out,
                       struct qn_err *err)
{
    char low[24], high[24];
    int rc = QN_OK;
    if (op->kind == QN_OPTION_KIND_SIZE)
        rc = qn_parse_size(s, out, err);
    else if (op->kind == QN_OPTION_KIND_DURATION)
        rc = qn_parse_duration(s, out, err);
    else if ((rc = qn_str_to_u64(s, out)) == QN_E_PARSE)
        return qn_fail(err, QN_E_TYPE, "\"" QN_STR_FMT "\" is not a whole number", QN_STR_ARG(s));
    if (rc == QN_OK && *out >= op->min && *out <= op->max)
        return QN_OK;
    if (rc == QN_E_PARSE)
        return rc;
    switch (op->kind) {
    case QN_OPTION_KIND_SIZE:
        qn_format_size(low, op->min);
        qn_format_size(high, op->max);
        break;
    case QN_OPTION_KIND_DURATION:
        qn_format_duration(low, op->min);
        qn_format_duration(high, op->max);
        break;
    default:
        snprintf(low, sizeof low, "%llu", (unsigned long long)op->min);
        snprintf(high, sizeof high, "%llu", (unsigned long long)op->max);
        break;
    }
    return qn_fail(err, QN_E_RANGE, QN_STR_FMT " is out of range: %s to %s", QN_STR_ARG(s), low,
                   high);
}

static int read_text(struct qn_config *cfg, const struct qn_option *op, struct qn_str s,
                     struct qn_str *out, struct qn_err *err)
{
    if (op->kind == QN_OPTION_KIND_CHOICE) {
        int rc = check_choice(op, s, err);
        if (rc < 0)
            return rc;
    } else if (s.n < op->min) {
        return qn_fail(err, QN_E_RANGE, "must not be empty");
    } else if (s.n > op->max) {
        return qn_fail(err, QN_E_RANGE, "longer than %llu bytes", (unsigned long long)op->max);
    }
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            return qn_fail(err, QN_E_INVALID, "holds a control character");
    *out = qn_arena_str(&cfg->ar, s);
    return QN_OK;
}

static int read_list(struct qn_config *cfg, const struct qn_option *op, const struct qn_str *items,
                     size_t n, struct qn_str_list *out, struct qn_err *err)
{
    if (n > op->max)
        return qn_fail(err, QN_E_RANGE, "more than %llu items", (unsigned long long)op->max);
    struct qn_str *copy = qn_arena_array(&cfg->ar, struct qn_str, n);
    const struct qn_option item = {.kind = QN_OPTION_KIND_TEXT, .min = 1, .max = 4096};
    for (size_t i = 0; i < n; i++) {
        int rc = read_text(cfg, &item, items[i], &copy[i], err);
        if (rc < 0)
            return rc;
    }
    *out = (struct qn_str_list){copy, n};
    return QN_OK;
}

int qn__config_assign(struct qn_config *cfg, const struct qn_option *op, const struct qn_str *items,
                      size_t n, enum qn_config_source from, struct qn_err *err)
{
    void *field = field_of(cfg, op);
    int rc = QN_OK;
    switch (op->kind) {
    case QN_OPTION_KIND_TEXT:
    case QN_OPTION_KIND_URI:
    case QN_OPTION_KIND_CHOICE:
        rc = read_text(cfg, op, items[0], field, err);
        break;
    case QN_OPTION_KIND_FLAG:
        rc = read_bool(items[0], field, err);
        break;
    case QN_OPTION_KIND_COUNT:
    case QN_OPTION_KIND_SIZE:
    case QN_OPTION_KIND_DURATION: {
        uint64_t v = 0;
        rc = read_number(op, items[0], &v, err);
        if (rc == QN_OK)
            *(uint64_t *)field = v;
        break;
    }
    case QN_OPTION_KIND_LIST:
        rc = read_list(cfg, op, items, n, field, err);
        break;
    }
    if (rc == QN_OK)
        cfg->from[qn_option_id(op)] = (uint8_t)from;
    return rc;
}

/* "a, b" to its trimmed parts; an empty text is an empty list. */
static size_t cut_list(struct qn_arena *ar, struct qn_str s, struct qn_str **items)
{
    size_t n = 0, cap = 1;
    for (size_t i = 0; i < s.n; i++)
        cap += s.p[i] == ',';
    *items = qn_arena_array(ar, struct qn_str, cap);
    struct qn_str rest = s, part;
    while (qn_str_trim(s).n != 0 && qn_str_split(&rest, ',', &part))
        (*items)[n++] = qn_str_trim(part);
    return n;
}

int qn_config_set(struct qn_config *cfg, const struct qn_option *op, struct qn_str value,
                  enum qn_config_source from, const char *where, struct qn_err *err)
{
    struct qn_str *items = &value;
    size_t n = 1;
    if (op->kind == QN_OPTION_KIND_LIST)
        n = cut_list(&cfg->ar, value, &items);
    int rc = qn__config_assign(cfg, op, items, n, from, err);
    if (rc < 0)
        qn_err_prefix(err, "%s: ", where);
    return rc;
}

/* Cuts "host:port", "[v6]:port", ":port", "host" and a bare IPv6 address. */
static void cut_listen(struct qn_str s, struct qn_str *host, struct qn_str *port)
{
    *host = s;
    *port = QN_STR_NONE;
    size_t close = s.n > 0 && s.p[0] == '[' ? qn_str_find_byte(s, ']') : SIZE_MAX;
    if (close != SIZE_MAX) {
        *host = qn_str_make(s.p + 1, close - 1);
        if (close + 1 < s.n && s.p[close + 1] == ':')
            *port = qn_str_from(s, close + 2);
        else if (close + 1 < s.n)
            *port = qn_str_from(s, close); /* "]...": refused as a port */
        return;
    }
    size_t colon = qn_str_find_byte(s, ':');
    if (colon == SIZE_MAX || qn_str_find_byte(qn_str_from(s, colon + 1), ':') != SIZE_MAX)
        return;
    *host = qn_str_first(s, colon);
    *port = qn_str_from(s, colon + 1);
}

int qn_config_set_listen(struct qn_config *cfg, struct qn_str value, enum qn_config_source from,
                         const char *where, struct qn_err *err)
{
    struct qn_str host, port;
    cut_listen(value, &host, &port);
    int rc = QN_OK;
    if (port.p != NULL) {
        rc = qn_config_set(cfg, &qn_option_table[QN_OPTION_rest_listen_port], port, from, where,
                           err);
        if (rc < 0)
            return rc;
    } else if (host.n == 0) {
        return qn_fail(err, QN_E_INVALID, "%s: \"" QN_STR_FMT "\" is not address:port", where,
                       QN_STR_ARG(value));
    }
    if (host.n != 0)
        rc = qn_config_set(cfg, &qn_option_table[QN_OPTION_listen_address], host, from, where, err);
    return rc;
}

void qn_config_init(struct qn_config *cfg)
{
    *cfg = (struct qn_config){0};
    qn_arena_init(&cfg->ar, NULL);
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        struct qn_err err = {0};
        const struct qn_option *op = &qn_option_table[i];
        int rc = qn_config_set(cfg, op, qn_str_of(op->fallback), QN_FROM_DEFAULT, op->key, &err);
        QN_ASSERT(rc == QN_OK); /* a wrong default in options.h */
    }
}

void qn_config_release(struct qn_config *cfg)
{
    qn_vec_release(&cfg->warnings);
    qn_arena_release(&cfg->ar);
    *cfg = (struct qn_config){0};
}

/* Clients parse the version: three numbers with dots between. */
static bool is_version(struct qn_str s)
{
    size_t n_parts = 0;
    struct qn_str part;
    uint64_t number;
    while (qn_str_split(&s, '.', &part)) {
        if (qn_str_to_u64(part, &number) < 0)
            return false;
        n_parts++;
    }
    return n_parts == 3;
}

int qn_config_finish(struct qn_config *cfg, struct qn_str host_name, uint64_t machine_bytes,
                     struct qn_err *err)
{
    if (cfg->node_id.n == 0) {
        struct qn_str rest = host_name, first = QN_STR_NONE;
        if (!qn_str_split(&rest, '.', &first) || first.n == 0)
            first = QN_STR("quern");
        int rc = read_text(cfg, &qn_option_table[QN_OPTION_node_id], first, &cfg->node_id, err);
        if (rc < 0) {
            qn_err_prefix(err, "the host name as node_id: ");
            return rc;
        }
    }
    if (!is_version(cfg->elastic_version))
        return qn_fail(err, QN_E_INVALID,
                       "elastic.version: \"" QN_STR_FMT "\" is not a version such as 8.19.0",
                       QN_STR_ARG(cfg->elastic_version));
    if ((cfg->rest_tls_cert_path.n == 0) != (cfg->rest_tls_key_path.n == 0))
        return qn_fail(err, QN_E_MISSING, "rest.tls: cert_path and key_path go together");
    if (cfg->advertise_address.n == 0)
        cfg->advertise_address = cfg->listen_address;
    if (cfg->memory_limit == 0)
        cfg->memory_limit = machine_bytes / 4 * 3;
    return QN_OK;
}
