/* AWS's own examples (Amazon S3 API reference, "Authenticating requests: using the Authorization
 * header") and cases whose signatures botocore 1.29 computed. */
#include "test.h"

#include "storage/sigv4.h"

#define KEY_ID "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define HOST "examplebucket.s3.amazonaws.com"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct vector {
    const char *name, *method, *path, *hash;
    struct qn_sigv4_pair params[4];
    size_t n_params;
    struct qn_sigv4_pair more[4]; /* headers besides host, hash and date */
    size_t n_more;
    const char *names, *signature;
};

#define PAIR(n, v)                                                                                 \
    {                                                                                              \
        {"" n, sizeof(n) - 1},                                                                     \
        {                                                                                          \
            "" v, sizeof(v) - 1                                                                    \
        }                                                                                          \
    }

static const struct vector vectors[] = {
    {"get a range",
     "GET",
     "/test.txt",
     EMPTY,
     {{{0}}},
     0,
     {PAIR("range", "bytes=0-9")},
     1,
     "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"put",
     "PUT",
     "/test$file.text",
     "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     {{{0}}},
     0,
     {PAIR("x-amz-storage-class", "REDUCED_REDUNDANCY"),
      PAIR("date", "Fri, 24 May 2013 00:00:00 GMT")},
     2,
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"a parameter without value",
     "GET",
     "/",
     EMPTY,
     {PAIR("lifecycle", "")},
     1,
     {{{0}}},
     0,
     "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"list, unsorted",
     "GET",
     "/",
     EMPTY,
     {PAIR("prefix", "J"), PAIR("max-keys", "2")},
     2,
     {{{0}}},
     0,
     "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {"encoded path, token",
     "GET",
     "/a b+c/\xc3\xa9(x)",
     EMPTY,
     {{{0}}},
     0,
     {PAIR("x-amz-security-token", "tok/en+abc==")},
     1,
     "host;x-amz-content-sha256;x-amz-date;x-amz-security-token",
     "f28a4fbdb656b024a7e9b68ead0c2abd31c9fcb9c71425c84742d511b5e352f8"},
    {"part, unsigned payload",
     "PUT",
     "/k",
     QN_SIGV4_UNSIGNED,
     {PAIR("uploadId", "a/b="), PAIR("partNumber", "2")},
     2,
     {PAIR("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")},
     1,
     "content-md5;host;x-amz-content-sha256;x-amz-date",
     "88e86697535dbccb11f849e49b7d341b3e2e3421e23d1bc41bd6200ab6a8dd6e"},
    {"blanks in a header",
     "POST",
     "/",
     EMPTY,
     {PAIR("delete", "")},
     1,
     {PAIR("x-amz-meta-a", "  two   blanks ")},
     1,
     "host;x-amz-content-sha256;x-amz-date;x-amz-meta-a",
     "21409a4a592b329e6786a5992b962a4a8f7e71c4d0194fa33bc208f1c562006b"},
};

static void sign_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < QN_COUNT_OF(vectors); i++) {
        struct vector v = vectors[i];
        char date[QN_SIGV4_DATE];
        qn_sigv4_date(date, 1369353600);
        assert_string_equal(date, "20130524T000000Z");
        struct qn_sigv4_pair headers[8] = {PAIR("host", HOST)};
        headers[1] = (struct qn_sigv4_pair){QN_STR("x-amz-content-sha256"), qn_str_of(v.hash)};
        headers[2] = (struct qn_sigv4_pair){QN_STR("x-amz-date"), qn_str_of(date)};
        for (size_t k = 0; k < v.n_more; k++)
            headers[3 + k] = v.more[k];
        struct qn_buf path, query, got, want;
        qn_buf_init(&path, SIZE_MAX);
        qn_buf_init(&query, SIZE_MAX);
        qn_buf_init(&got, SIZE_MAX);
        qn_buf_init(&want, SIZE_MAX);
        qn_sigv4_path(&path, qn_str_of(v.path));
        qn_sigv4_query(&query, v.params, v.n_params);
        struct qn_sigv4_request rq = {.access_key = QN_STR(KEY_ID),
                                      .secret_key = QN_STR(SECRET),
                                      .region = QN_STR("us-east-1"),
                                      .service = QN_STR("s3"),
                                      .method = qn_str_of(v.method),
                                      .path = qn_buf_str(&path),
                                      .query = qn_buf_str(&query),
                                      .payload_hash = qn_str_of(v.hash),
                                      .date = date,
                                      .headers = headers,
                                      .n_headers = 3 + v.n_more};
        qn_sigv4_sign(&got, &rq);
        qn_buf_printf(&want,
                      "AWS4-HMAC-SHA256 Credential=" KEY_ID "/20130524/us-east-1/s3/aws4_request, "
                      "SignedHeaders=%s, Signature=%s",
                      v.names, v.signature);
        if (!qn_str_eq(qn_buf_str(&got), qn_buf_str(&want)))
            fail_msg("%s:\n" QN_STR_FMT "\nwant\n" QN_STR_FMT, v.name, (int)got.n, got.p,
                     (int)want.n, want.p);
        qn_buf_release(&path);
        qn_buf_release(&query);
        qn_buf_release(&got);
        qn_buf_release(&want);
    }
}

static void encode_bytes(void **state)
{
    (void)state;
    struct qn_buf out;
    qn_buf_init(&out, SIZE_MAX);
    qn_sigv4_path(&out, QN_STR("/a//b c+*()!'=,;:@$&~-._%\xc3\xa9"));
    assert_str(qn_buf_str(&out), "/a//b%20c%2B%2A%28%29%21%27%3D%2C%3B%3A%40%24%26~-._%25%C3%A9");
    qn_buf_clear(&out);
    struct qn_sigv4_pair params[] = {PAIR("prefix", "a/b"), PAIR("delete", ""), PAIR("p", "2"),
                                     PAIR("p", "1")};
    qn_sigv4_query(&out, params, 4);
    assert_str(qn_buf_str(&out), "delete=&p=1&p=2&prefix=a%2Fb");
    char hash[QN_SIGV4_HEX];
    qn_sigv4_sha256(hash, QN_STR(""));
    assert_string_equal(hash, EMPTY);
    qn_sigv4_sha256(hash, QN_STR("Welcome to Amazon S3."));
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    qn_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sign_vectors),
                                       cmocka_unit_test(encode_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
