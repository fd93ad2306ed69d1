/* The parts of the S3 driver that need no server: answers, options, addresses. */
#include "test.h"
#include "tmpdir.h"

#include "s3_xml_int.h"
#include "storage/s3.h"

static int collect(void *arg, struct qn_str parent, struct qn_str name, struct qn_str text)
{
    struct qn_buf *out = arg;
    qn_buf_put_str(out, parent);
    qn_buf_put_u8(out, '/');
    qn_buf_put_str(out, name);
    if (text.p != NULL) {
        qn_buf_put_u8(out, '=');
        qn_buf_put_str(out, text);
    }
    qn_buf_put_u8(out, ';');
    return 0;
}

static void xml(void **state)
{
    (void)state;
    static const struct {
        const char *doc, *want; /* NULL: refused */
    } rows[] = {
        {"<?xml version=\"1.0\"?>\n<Error><Code>A</Code><Message>x &lt;&#233;&#x20ac;</Message>"
         "</Error>",
         "Error/Code=A;Error/Message=x <\xc3\xa9\xe2\x82\xac;/Error;"},
        {"<n:a x='1'><!-- <b> --><n:b/></n:a>", "a/b=;/a;"},
        {"<a/>", "/a=;"},
        {"", NULL},
        {"text", NULL},
        {"<a>", NULL},
        {"<a></b>", NULL},
        {"<a></a><a></a>", NULL},
        {"</a>", NULL},
        {"<a>&unknown;</a>", NULL},
        {"<a>&#0;</a>", NULL},
        {"<a>&#xd800;</a>", NULL},
        {"<a>&amp</a>", NULL},
        {"<!DOCTYPE a><a/>", NULL},
        {"<a>\xff</a>", NULL},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", NULL},
    };
    struct qn_buf got;
    qn_buf_init(&got, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        qn_buf_clear(&got);
        int rc = qn__s3_xml_read(qn_str_of(rows[i].doc), collect, &got);
        assert_int_equal(rc, rows[i].want == NULL ? QN_E_PARSE : QN_OK);
        if (rows[i].want != NULL)
            assert_str(qn_buf_str(&got), rows[i].want);
    }
    qn_buf_release(&got);
}

struct variables {
    const char *rows[12]; /* name, value, ..., NULL */
};

static const char *lookup(void *arg, const char *name)
{
    const struct variables *vs = arg;
    for (size_t i = 0; vs->rows[i] != NULL; i += 2)
        if (strcmp(vs->rows[i], name) == 0)
            return vs->rows[i + 1];
    return NULL;
}

static void options(void **state)
{
    (void)state;
    struct qn_arena ar;
    struct qn_err err = {0};
    struct qn_s3_options opt = {0};
    struct variables vs = {{"AWS_ACCESS_KEY_ID", "id", "AWS_SECRET_ACCESS_KEY", "secret",
                            "AWS_SESSION_TOKEN", "tok", "AWS_REGION", "eu-north-1", NULL}};
    qn_arena_init(&ar, NULL);
    struct qn_str uri = QN_STR("s3://my-bucket/a/b?endpoint=http%3A%2F%2Fh:9000&addressing=path");
    assert_ok(qn_s3_options_from_uri(&opt, uri, lookup, &vs, qn_fs_posix(), &ar, NULL));
    assert_str(opt.bucket, "my-bucket");
    assert_str(opt.prefix, "a/b");
    assert_str(opt.endpoint, "http://h:9000");
    assert_str(opt.region, "eu-north-1");
    assert_int_equal(opt.addressing, QN_S3_ADDRESSING_PATH);
    assert_str(opt.access_key, "id");
    assert_str(opt.secret_key, "secret");
    assert_str(opt.session_token, "tok");
    static const char *const bad[] = {"s3://b?x=1", "s3://b?addressing=none"};
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        opt = (struct qn_s3_options){0};
        assert_int_equal(
            qn_s3_options_from_uri(&opt, qn_str_of(bad[i]), lookup, &vs, qn_fs_posix(), &ar, NULL),
            QN_E_INVALID);
    }
    /* the shared file, where the variables are silent */
    char dir[64];
    assert_true(qn_test_dir(dir));
    char *file = qn_path_join(dir, QN_STR("credentials"));
    assert_ok(qn_fs_write_file(qn_fs_posix(), file,
                               QN_STR("[default]\naws_access_key_id = d\n"
                                      "# x\n[ other ]\r\naws_access_key_id=o:1\r\n"
                                      "aws_secret_access_key = a=b/c \n[last]\n"
                                      "aws_access_key_id = l\n"),
                               NULL));
    vs = (struct variables){{"AWS_SHARED_CREDENTIALS_FILE", file, "AWS_PROFILE", "other", NULL}};
    opt = (struct qn_s3_options){0};
    assert_ok(
        qn_s3_options_from_uri(&opt, QN_STR("s3://bkt"), lookup, &vs, qn_fs_posix(), &ar, NULL));
    assert_str(opt.access_key, "o:1");
    assert_str(opt.secret_key, "a=b/c");
    assert_int_equal(opt.session_token.n, 0);
    assert_ok(qn_fs_remove_tree(qn_fs_posix(), dir, NULL));
    opt = (struct qn_s3_options){0};
    assert_int_equal(
        qn_s3_options_from_uri(&opt, QN_STR("s3://bkt"), lookup, &vs, qn_fs_posix(), &ar, &err),
        QN_E_NOT_FOUND);
    free(file);
    qn_arena_release(&ar);
}

static void opening(void **state)
{
    (void)state;
    struct qn_storage *st;
    struct qn_s3_options opt = {.bucket = QN_STR("bkt"), .prefix = QN_STR("/p/q//")};
    assert_ok(qn_storage_open_s3(&st, &opt, qn_fs_posix(), NULL));
    assert_str(qn_storage_uri(st), "s3://bkt/p/q");
    qn_storage_unref(st);
    const struct qn_s3_options bad[] = {
        {.bucket = QN_STR("")},
        {.bucket = QN_STR("ab")},
        {.bucket = QN_STR("a/b")},
        {.bucket = QN_STR("bkt"), .endpoint = QN_STR("host:80")},
        {.bucket = QN_STR("bkt"), .endpoint = QN_STR("ftp://host")},
        {.bucket = QN_STR("bkt"), .endpoint = QN_STR("http://")},
        {.bucket = QN_STR("bkt"), .endpoint = QN_STR("http://u@h")},
        {.bucket = QN_STR("bkt"), .access_key = QN_STR("half")},
    };
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++) {
        struct qn_err err = {0};
        assert_int_equal(qn_storage_open_s3(&st, &bad[i], qn_fs_posix(), &err), QN_E_INVALID);
        assert_null(st);
        assert_true(err.msg[0] != '\0');
    }
}

/* Nobody listens: an error that says so, after bounded tries. */
static void unreachable(void **state)
{
    (void)state;
    struct qn_storage *st;
    struct qn_storage_info info;
    struct qn_err err = {0};
    struct qn_s3_options opt = {.bucket = QN_STR("bkt"),
                                .endpoint = QN_STR("http://127.0.0.1:1"),
                                .max_attempts = 3,
                                .backoff_ms = 1};
    assert_ok(qn_storage_open_s3(&st, &opt, qn_fs_posix(), NULL));
    assert_int_equal(qn_storage_head(st, QN_STR("k"), &info, &err), QN_E_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "s3://bkt head: k: no answer"));
    qn_storage_unref(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(xml), cmocka_unit_test(options),
                                       cmocka_unit_test(opening), cmocka_unit_test(unreachable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
