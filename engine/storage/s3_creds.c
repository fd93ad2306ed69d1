/* Options from a URI, variables and the shared credentials file. */
#include <stdlib.h>
#include <string.h>

#include "s3_int.h"

#define MAX_FILE (1u << 20)

struct source {
    qn_s3_env_fn env;
    void *arg;
    struct qn_fs *fs;
    struct qn_arena *ar;
};

/* A variable; empty when it is not set. */
static struct qn_str variable(const struct source *src, const char *name)
{
    const char *z = src->env == NULL ? NULL : src->env(src->arg, name);
    return z == NULL ? QN_STR("") : qn_arena_str(src->ar, qn_str_of(z));
}

static void fill(const struct source *src, struct qn_str *field, const char *name)
{
    if (field->n == 0)
        *field = variable(src, name);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* %XX decoded. */
static struct qn_str decoded(struct qn_arena *ar, struct qn_str raw)
{
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < raw.n; i++) {
        int hi = raw.p[i] == '%' && i + 2 < raw.n ? hex_digit(raw.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(raw.p[i + 2]) : -1;
        qn_buf_put_u8(&out, lo < 0 ? (uint8_t)raw.p[i] : (uint8_t)(hi << 4 | lo));
        i += lo < 0 ? 0 : 2;
    }
    struct qn_str s = qn_arena_str(ar, qn_buf_str(&out));
    qn_buf_release(&out);
    return s;
}

static int read_parameter(struct qn_s3_options *opt, struct qn_arena *ar, struct qn_str part,
                          struct qn_err *err)
{
    struct qn_str name, value = part;
    if (!qn_str_split(&value, '=', &name) || value.p == NULL)
        value = QN_STR("");
    value = decoded(ar, value);
    if (qn_str_is(name, "endpoint")) {
        opt->endpoint = value;
    } else if (qn_str_is(name, "region")) {
        opt->region = value;
    } else if (qn_str_is(name, "addressing")) {
        bool path = qn_str_is(value, "path"), host = qn_str_is(value, "host");
        if (!path && !host && !qn_str_is(value, "auto"))
            return qn_fail(err, QN_E_INVALID,
                           "storage s3://" QN_STR_FMT ": addressing is \"" QN_STR_FMT
                           "\", use auto, path or host",
                           QN_STR_ARG(opt->bucket), QN_STR_ARG(value));
        opt->addressing = path   ? QN_S3_ADDRESSING_PATH
                          : host ? QN_S3_ADDRESSING_HOST
                                 : QN_S3_ADDRESSING_AUTO;
    } else {
        return qn_fail(err, QN_E_INVALID,
                       "storage s3://" QN_STR_FMT ": parameter \"" QN_STR_FMT
                       "\" is not known, use endpoint, region or addressing",
                       QN_STR_ARG(opt->bucket), QN_STR_ARG(name));
    }
    return QN_OK;
}

static int read_uri(struct qn_s3_options *opt, struct qn_arena *ar, struct qn_str uri,
                    struct qn_err *err)
{
    struct qn_str rest = uri;
    if (qn_str_starts(rest, QN_STR("s3://")))
        rest = qn_str_from(rest, 5);
    struct qn_str query = rest, place, part;
    if (!qn_str_split(&query, '?', &place))
        place = QN_STR("");
    size_t slash = qn_str_find_byte(place, '/');
    opt->bucket = qn_arena_str(ar, qn_str_first(place, slash));
    if (slash != SIZE_MAX)
        opt->prefix = qn_arena_str(ar, qn_str_from(place, slash + 1));
    while (query.p != NULL && qn_str_split(&query, '&', &part)) {
        int rc = part.n == 0 ? QN_OK : read_parameter(opt, ar, part, err);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

/* The keys of one profile, from lines of "name = value" below "[profile]". */
static void read_profile(struct qn_s3_options *opt, struct qn_arena *ar, struct qn_str text,
                         struct qn_str profile)
{
    struct qn_str line;
    bool inside = false;
    while (qn_str_split(&text, '\n', &line)) {
        line = qn_str_trim(line);
        if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
            continue;
        if (line.p[0] == '[') {
            struct qn_str name = qn_str_make(line.p + 1, line.n - 1);
            inside =
                qn_str_eq(qn_str_trim(qn_str_first(name, qn_str_find_byte(name, ']'))), profile);
            continue;
        }
        struct qn_str name, value = line;
        if (!inside || !qn_str_split(&value, '=', &name) || value.p == NULL)
            continue;
        name = qn_str_trim(name);
        value = qn_arena_str(ar, qn_str_trim(value));
        if (qn_str_is(name, "aws_access_key_id"))
            opt->access_key = value;
        else if (qn_str_is(name, "aws_secret_access_key"))
            opt->secret_key = value;
        else if (qn_str_is(name, "aws_session_token"))
            opt->session_token = value;
    }
}

static int read_shared_file(struct qn_s3_options *opt, const struct source *src, struct qn_err *err)
{
    struct qn_str profile = variable(src, "AWS_PROFILE");
    struct qn_str named = variable(src, "AWS_SHARED_CREDENTIALS_FILE");
    struct qn_str home = variable(src, "HOME");
    struct qn_buf path, text;
    if (named.n == 0 && home.n == 0)
        return QN_OK;
    qn_buf_init(&path, SIZE_MAX);
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_put_str(&path, named.n != 0 ? named : home);
    if (named.n == 0)
        qn_buf_put_z(&path, "/.aws/credentials");
    qn_buf_put_u8(&path, '\0');
    int rc = QN_OK;
    if (named.n != 0 || qn_fs_exists(src->fs, path.p) == 1) /* one that is named must be there */
        rc = qn_fs_read_file(src->fs, path.p, MAX_FILE, &text, err);
    if (rc == QN_OK)
        read_profile(opt, src->ar, qn_buf_str(&text), profile.n != 0 ? profile : QN_STR("default"));
    qn_buf_release(&text);
    qn_buf_release(&path);
    return rc;
}

int qn_s3_options_from_uri(struct qn_s3_options *opt, struct qn_str uri, qn_s3_env_fn env,
                           void *env_arg, struct qn_fs *fs, struct qn_arena *ar, struct qn_err *err)
{
    const struct source src = {env, env_arg, fs, ar};
    int rc = read_uri(opt, ar, uri, err);
    if (rc < 0)
        return rc;
    fill(&src, &opt->region, "AWS_REGION");
    fill(&src, &opt->region, "AWS_DEFAULT_REGION");
    fill(&src, &opt->endpoint, "AWS_ENDPOINT_URL_S3");
    fill(&src, &opt->endpoint, "AWS_ENDPOINT_URL");
    if (opt->access_key.n != 0)
        return QN_OK;
    opt->access_key = variable(&src, "AWS_ACCESS_KEY_ID");
    opt->secret_key = variable(&src, "AWS_SECRET_ACCESS_KEY");
    opt->session_token = variable(&src, "AWS_SESSION_TOKEN");
    return opt->access_key.n != 0 && opt->secret_key.n != 0 ? QN_OK
                                                            : read_shared_file(opt, &src, err);
}
