#include "http/media.h"

#include "base/assert.h"

/* "type/subtype" without parameters, trimmed. */
static struct qn_str essence_of(struct qn_str header, struct qn_str *params)
{
    size_t semi = qn_str_find_byte(header, ';');
    *params = semi == SIZE_MAX ? QN_STR_NONE : qn_str_from(header, semi + 1);
    return qn_str_trim(qn_str_first(header, semi));
}

static int read_compatible(struct qn_str params)
{
    struct qn_str part, value;
    while (params.p != NULL && qn_str_split(&params, ';', &part)) {
        part = qn_str_trim(part);
        size_t eq = qn_str_find_byte(part, '=');
        if (eq == SIZE_MAX ||
            !qn_str_eq_nocase(qn_str_trim(qn_str_first(part, eq)), QN_STR("compatible-with")))
            continue;
        value = qn_str_trim(qn_str_from(part, eq + 1));
        if (value.n == 1 && value.p[0] >= '1' && value.p[0] <= '9')
            return value.p[0] - '0';
    }
    return 0;
}

static bool starts_nocase(struct qn_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.n >= n && qn_str_eq_nocase(qn_str_first(s, n), qn_str_of(prefix));
}

static const struct {
    const char *name;
    enum qn_media_kind kind;
    bool vendor;
} types[] = {
    {"application/json", QN_MEDIA_JSON, false},
    {"application/vnd.elasticsearch+json", QN_MEDIA_JSON, true},
    {"application/x-ndjson", QN_MEDIA_NDJSON, false},
    {"application/ndjson", QN_MEDIA_NDJSON, false},
    {"application/vnd.elasticsearch+x-ndjson", QN_MEDIA_NDJSON, true},
    {"application/yaml", QN_MEDIA_YAML, false},
    {"application/x-yaml", QN_MEDIA_YAML, false},
    {"text/yaml", QN_MEDIA_YAML, false},
    {"application/toml", QN_MEDIA_TOML, false},
    {"application/x-protobuf", QN_MEDIA_PROTOBUF, false},
    {"application/protobuf", QN_MEDIA_PROTOBUF, false},
    {"application/x-www-form-urlencoded", QN_MEDIA_FORM, false},
    {"multipart/form-data", QN_MEDIA_FORM, false},
};

struct qn_media qn_media_parse(struct qn_str header)
{
    struct qn_str params, essence = essence_of(header, &params);
    struct qn_media md = {.kind = QN_MEDIA_NONE, .compatible = read_compatible(params)};
    if (essence.n == 0)
        return md;
    for (size_t i = 0; i < QN_COUNT_OF(types); i++) {
        if (qn_str_eq_nocase(essence, qn_str_of(types[i].name))) {
            md.kind = types[i].kind;
            md.vendor = types[i].vendor;
            return md;
        }
    }
    md.kind = starts_nocase(essence, "text/") ? QN_MEDIA_TEXT : QN_MEDIA_OTHER;
    return md;
}

const char *qn_media_negotiate(struct qn_str accept)
{
    static const char *const vendor[] = {
        [7] = "application/vnd.elasticsearch+json;compatible-with=7",
        [8] = "application/vnd.elasticsearch+json;compatible-with=8",
        [9] = "application/vnd.elasticsearch+json;compatible-with=9",
    };
    if (qn_str_find_byte(accept, ',') == SIZE_MAX) {
        struct qn_media md = qn_media_parse(accept);
        if (md.kind == QN_MEDIA_JSON && md.vendor && md.compatible >= 7)
            return vendor[md.compatible];
    }
    return "application/json";
}

/* "0.85" to 850; malformed is 0. */
static int read_quality(struct qn_str s)
{
    int q = 0, scale = 1000;
    if (s.n == 0 || (s.p[0] != '0' && s.p[0] != '1'))
        return 0;
    q = (s.p[0] - '0') * 1000;
    for (size_t i = 1; i < s.n && i < 5; i++) {
        if (i == 1 && s.p[i] == '.')
            continue;
        if (i == 1 || s.p[i] < '0' || s.p[i] > '9')
            return 0;
        scale /= 10;
        q += (s.p[i] - '0') * scale;
    }
    return q > 1000 ? 1000 : q;
}

int qn_accept_quality(struct qn_str header, const char *coding)
{
    int star = 0;
    struct qn_str part;
    while (header.p != NULL && qn_str_split(&header, ',', &part)) {
        struct qn_str params, name = essence_of(part, &params), param;
        int q = 1000;
        while (params.p != NULL && qn_str_split(&params, ';', &param)) {
            param = qn_str_trim(param);
            if (param.n >= 2 && (param.p[0] | 0x20) == 'q' && param.p[1] == '=')
                q = read_quality(qn_str_from(param, 2));
        }
        if (qn_str_eq_nocase(name, qn_str_of(coding)))
            return q;
        if (qn_str_is(name, "*"))
            star = q;
    }
    return star;
}
