/* Addresses, base64 and hex, and partition keys (with the hashes that Quickwit computes). */
#include "test.h"

#include "schema/partition.h"
#include "schema/value.h"
#include "json/dom.h"

static void test_ip(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* shown NULL: refused */
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"1::", "1::"},
        {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
        {"2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::ffff:10.1.2.3", "10.1.2.3"},
        {"::ffff:a01:203", "10.1.2.3"},
        {"::1.2.3.4", "::102:304"},
        {"64:ff9b::192.0.2.33", "64:ff9b::c000:221"},
        {"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"", NULL},
        {"1.2.3", NULL},
        {"1.2.3.4.5", NULL},
        {"1.2.3.256", NULL},
        {"01.2.3.4", NULL},
        {"1.2.3.4 ", NULL},
        {":", NULL},
        {":::", NULL},
        {"1::2::3", NULL},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1:2:3:4:5:6:7::8", NULL},
        {"12345::", NULL},
        {"1:2:3:4:5:6:7:", NULL},
        {"g::", NULL},
        {"::1.2.3", NULL},
        {"1.2.3.4::", NULL},
        {"[::1]", NULL},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        uint8_t ip[16];
        char out[QN_IP_MAX];
        int rc = qn_ip_parse(qn_str_of(rows[i].text), ip);
        if ((rc == 0) != (rows[i].shown != NULL))
            fail_msg("%s", rows[i].text);
        if (rc == 0)
            assert_str(qn_str_make(out, qn_ip_print(out, ip)), rows[i].shown);
    }
}

static void test_ip_round_trip(void **state)
{
    (void)state;
    struct qn_rng r = qn_test_rng(3);
    for (int i = 0; i < 20000; i++) {
        uint8_t ip[16], back[16];
        char out[QN_IP_MAX];
        for (int k = 0; k < 16; k++)
            ip[k] = qn_rng_below(&r, 3) ? 0 : (uint8_t)qn_rng_next(&r);
        size_t n = qn_ip_print(out, ip);
        assert_true(n < QN_IP_MAX);
        assert_ok(qn_ip_parse(qn_str_make(out, n), back));
        assert_memory_equal(ip, back, 16);
    }
}

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *base64, *hex, *bytes;
    } rows[] = {{"", "", ""},
                {"Zg==", "66", "f"},
                {"Zm8=", "666f", "fo"},
                {"Zm9v", "666f6f", "foo"},
                {"Zm9vYmFy", "666f6f626172", "foobar"},
                {"+/8=", "fbff", "\xfb\xff"}};
    static const char *const bad64[] = {
        "Z", "Zg", "Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9", "Zg==Zg==", "Zm9v\n"};
    static const char *const badhex[] = {"6", "6g", "0x66"};
    struct qn_buf b;
    qn_buf_init(&b, SIZE_MAX);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        qn_buf_clear(&b);
        assert_ok(qn_base64_read(&b, qn_str_of(rows[i].base64)));
        assert_str(qn_buf_str(&b), rows[i].bytes);
        qn_buf_clear(&b);
        assert_ok(qn_hex_read(&b, qn_str_of(rows[i].hex)));
        assert_str(qn_buf_str(&b), rows[i].bytes);
        qn_buf_clear(&b);
        qn_base64_print(&b, qn_str_of(rows[i].bytes));
        assert_str(qn_buf_str(&b), rows[i].base64);
        qn_buf_clear(&b);
        qn_hex_print(&b, qn_str_of(rows[i].bytes));
        assert_str(qn_buf_str(&b), rows[i].hex);
    }
    for (size_t i = 0; i < QN_COUNT_OF(bad64); i++)
        assert_int_equal(qn_base64_read(&b, qn_str_of(bad64[i])), QN_E_PARSE);
    for (size_t i = 0; i < QN_COUNT_OF(badhex); i++)
        assert_int_equal(qn_hex_read(&b, qn_str_of(badhex[i])), QN_E_PARSE);
    qn_buf_release(&b);
}

static uint64_t eval(const char *expr, const char *doc)
{
    struct qn_arena ar;
    struct qn_json_tape t;
    const struct qn_partition *pt;
    qn_arena_init(&ar, NULL);
    qn_json_tape_init(&t, NULL);
    assert_ok(qn_partition_parse(&pt, &ar, qn_str_of(expr), NULL));
    assert_ok(qn_json_read_copy(&t, qn_str_of(doc), NULL));
    uint64_t id = qn_partition_eval(pt, qn_json_root(&t));
    qn_json_tape_release(&t);
    qn_arena_release(&ar);
    return id;
}

static void test_partition_hashes(void **state)
{
    (void)state;
    /* the two values that Quickwit's own tests pin */
    assert_true(eval("tenant_id", "{\"tenant_id\": \"happy-tenant\", \"app\": \"happy\"}") ==
                13914409176935416182ull);
    assert_true(eval("tenant_id", "{}") == 12482849403534986143ull);
    assert_true(eval("  ", "{\"a\":1}") == 0);
    assert_true(eval("a", "{\"a\":1}") == eval("a", "{\"b\":[],\"a\":1}"));
    assert_true(eval("a", "{\"a\":1}") != eval("a", "{\"a\":\"1\"}"));
    assert_true(eval("a", "{\"a\":null}") != eval("a", "{}"));
    assert_true(eval("a", "{\"a\":1}") != eval("b", "{\"b\":1}"));
    assert_true(eval("a.b", "{\"a\":{\"b\":1}}") != eval("a\\.b", "{\"a.b\":1}"));
    assert_true(eval("a", "{\"a\":{\"x\":1,\"y\":2}}") == eval("a", "{\"a\":{\"y\":2,\"x\":1}}"));
    assert_true(eval("a", "{\"a\":{\"x\":3,\"x\":1}}") == eval("a", "{\"a\":{\"x\":1}}"));
    uint64_t seen[32];
    size_t n = 0;
    for (int i = 0; i < 1000; i++) {
        char doc[64];
        snprintf(doc, sizeof doc, "{\"tenant_id\":\"happy%d\"}", i);
        uint64_t id = eval("hash_mod(tenant_id, 10)", doc);
        size_t k = 0;
        while (k < n && seen[k] != id)
            k++;
        if (k == n)
            seen[n++] = id;
        assert_true(n <= 10);
    }
    assert_int_equal(n, 10);
}

static void test_partition_syntax(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* shown NULL: refused */
    } rows[] = {
        {"tenant_id", "tenant_id"},
        {" a , b.c ", "a,b.c"},
        {"abCD01-_/@$\\.a.bc", "abCD01-_/@$\\.a.bc"},
        {"hash_mod(tenant_id, 4)", "hash_mod((tenant_id), 4)"},
        {"hash_mod((tenant_id,hash_mod(app_id, 3)), 8),cluster_id",
         "hash_mod((tenant_id,hash_mod((app_id), 3)), 8),cluster_id"},
        {"a,", NULL},
        {"a b", NULL},
        {"a..b", NULL},
        {"a.", NULL},
        {"a\\b", NULL},
        {"hash_mod(a)", NULL},
        {"hash_mod(a, 0)", NULL},
        {"hash_mod(a, b)", NULL},
        {"hash_mod((a, 4)", NULL},
        {"other(a, 4)", NULL},
        {"a)", NULL},
        {"(a)", NULL},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_arena ar;
        const struct qn_partition *pt;
        struct qn_err err = {0};
        struct qn_buf b;
        qn_arena_init(&ar, NULL);
        qn_buf_init(&b, SIZE_MAX);
        int rc = qn_partition_parse(&pt, &ar, qn_str_of(rows[i].text), &err);
        if ((rc == 0) != (rows[i].shown != NULL))
            fail_msg("%s: %s", rows[i].text, err.msg);
        if (rc == 0) {
            qn_partition_print(pt, &b);
            assert_str(qn_buf_str(&b), rows[i].shown);
        }
        qn_buf_release(&b);
        qn_arena_release(&ar);
    }
    char deep[400] = "";
    size_t at = 0;
    for (int i = 0; i < 40; i++)
        at += (size_t)snprintf(deep + at, sizeof deep - at, "hash_mod(");
    struct qn_arena ar;
    const struct qn_partition *pt;
    qn_arena_init(&ar, NULL);
    assert_true(qn_partition_parse(&pt, &ar, qn_str_of(deep), NULL) < 0);
    qn_arena_release(&ar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ip),
        cmocka_unit_test(test_ip_round_trip),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_partition_hashes),
        cmocka_unit_test(test_partition_syntax),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
