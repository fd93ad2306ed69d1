/* The options: precedence, units, ranges, messages, suggestions, printing. */
#include "test.h"

#include "config/config.h"
#include "json/writer.h"

static const char *const no_env[] = {NULL};

static int load(struct qn_config *cfg, const char *yaml, const char *const *env, struct qn_err *err)
{
    qn_config_init(cfg);
    *err = (struct qn_err){0};
    return qn_config_load(cfg, QN_STR("quern.yaml"), qn_str_of(yaml), env, err);
}

static const struct qn_option *option(const char *key)
{
    const struct qn_option *op = qn_option_find(qn_str_of(key));
    if (op == NULL)
        fail_msg("no option %s", key);
    return op;
}

static void defaults_are_the_table(void **state)
{
    (void)state;
    struct qn_config cfg;
    struct qn_err err = {0};
    qn_config_init(&cfg);
    assert_int_equal(cfg.rest_listen_port, 7280);
    assert_str(cfg.listen_address, "127.0.0.1");
    assert_int_equal(cfg.ingest_api_content_length_limit, 100u << 20);
    assert_int_equal(cfg.shutdown_timeout, 30000000);
    assert_int_equal(cfg.rest_cors_allow_origins.n, 0);
    assert_ok(qn_config_finish(&cfg, QN_STR("mill.example.org"), 8000, &err));
    assert_str(cfg.node_id, "mill");
    assert_str(cfg.advertise_address, "127.0.0.1");
    assert_int_equal(cfg.memory_limit, 6000);
    qn_config_release(&cfg);
}

static void a_file_is_read(void **state)
{
    (void)state;
    struct qn_config cfg;
    struct qn_err err;
    static const char *const env[] = {"D=/srv/q", NULL};
    assert_ok(load(&cfg,
                   "version: 0.8\n"
                   "node_id: 17\n"
                   "data_dir: ${D}/data\n"
                   "cluster_id:\n"
                   "memory_limit: 1.5GiB\n"
                   "rest:\n"
                   "  listen_port: 7281\n"
                   "  cors_allow_origins: ['http://a', http://b]\n"
                   "  idle_timeout: 1m 30s\n"
                   "ingest_api:\n  content_length_limit: 5\n  replication_factor: 4\n"
                   "log.level: debug\n",
                   env, &err));
    assert_str(cfg.version, "0.8");
    assert_str(cfg.node_id, "17");
    assert_str(cfg.data_dir, "/srv/q/data");
    assert_str(cfg.cluster_id, "quern");
    assert_int_equal(cfg.memory_limit, 3u << 29);
    assert_int_equal(cfg.rest_listen_port, 7281);
    assert_int_equal(cfg.rest_cors_allow_origins.n, 2);
    assert_str(cfg.rest_cors_allow_origins.p[1], "http://b");
    assert_int_equal(cfg.rest_idle_timeout, 90000000);
    assert_str(cfg.log_level, "debug");
    assert_int_equal(cfg.ingest_api_content_length_limit, 5);
    assert_int_equal(cfg.warnings.n, 1);
    assert_int_equal(cfg.from[QN_OPTION_rest_listen_port], QN_FROM_FILE);
    assert_int_equal(cfg.from[QN_OPTION_cluster_id], QN_FROM_DEFAULT);
    qn_config_release(&cfg);
}

static void flag_beats_env_beats_file(void **state)
{
    (void)state;
    struct qn_config cfg;
    struct qn_err err;
    static const char *const env[] = {
        "QW_NODE_ID=qw",    "QUERN_NODE_ID=env", "QW_CLUSTER_ID=qwc", "QUERN_LISTEN=:9",
        "QUERN_NONSENSE=1", "QUERN_CONFIG=x",    "PATH=/bin",         NULL};
    assert_ok(load(&cfg, "node_id: file\ncluster_id: file\ndata_dir: file\n", env, &err));
    assert_ok(qn_config_load_env(&cfg, env, &err));
    assert_str(cfg.node_id, "env"); /* QUERN_ before QW_ */
    assert_str(cfg.cluster_id, "qwc");
    assert_str(cfg.data_dir, "file");
    assert_int_equal(cfg.rest_listen_port, 9);
    assert_str(cfg.listen_address, "127.0.0.1");
    assert_ok(
        qn_config_set(&cfg, option("node_id"), QN_STR("flag"), QN_FROM_FLAG, "--node-id", &err));
    assert_str(cfg.node_id, "flag");
    assert_int_equal(cfg.from[QN_OPTION_node_id], QN_FROM_FLAG);
    assert_int_equal(cfg.from[QN_OPTION_cluster_id], QN_FROM_ENV);
    assert_int_equal(cfg.warnings.n, 1);
    assert_str(cfg.warnings.p[0], "QUERN_NONSENSE: this environment variable sets nothing");
    qn_config_release(&cfg);
}

static void wrong_files_are_told_where(void **state)
{
    (void)state;
    static const struct {
        const char *yaml, *says;
        int code;
    } rows[] = {
        {"rest:\n  listen_prot: 1\n",
         "quern.yaml:2:3: rest.listen_prot: unknown key; did you mean rest.listen_port?",
         QN_E_UNKNOWN_KEY},
        {"listen_port: 1\n",
         "quern.yaml:1:1: listen_port: unknown key; did you mean rest.listen_port?",
         QN_E_UNKNOWN_KEY},
        {"zzzzzzzzzzzzzz: 1\n", "quern.yaml:1:1: zzzzzzzzzzzzzz: unknown key", QN_E_UNKNOWN_KEY},
        {"rest:\n  listen_port: 99999\n",
         "quern.yaml:2:16: rest.listen_port: 99999 is out of range: 0 to 65535", QN_E_RANGE},
        {"rest: {listen_port: x}\n",
         "quern.yaml:1:21: rest.listen_port: \"x\" is not a whole number", QN_E_TYPE},
        {"rest: 5\n", "quern.yaml:1:1: rest: a section is wanted, not a value", QN_E_TYPE},
        {"data_dir: {a: 1}\n", "quern.yaml:1:11: data_dir: a value is wanted, not a section",
         QN_E_TYPE},
        {"data_dir: [a]\n", "quern.yaml:1:11: data_dir: one value is wanted, not a list",
         QN_E_TYPE},
        {"data_dir: ''\n", "quern.yaml:1:11: data_dir: must not be empty", QN_E_RANGE},
        {"rest: {cors_allow_origins: [{}]}\n",
         "quern.yaml:1:28: rest.cors_allow_origins: the list wants plain values", QN_E_TYPE},
        {"simd: sse\n", "quern.yaml:1:7: simd: \"sse\" is not one of auto|scalar|", QN_E_INVALID},
        {"memory_limit: 5 apples\n",
         "quern.yaml:1:15: memory_limit: \"5 apples\" is not a size such as", QN_E_PARSE},
        {"shutdown_timeout: 2 days\n",
         "quern.yaml:1:19: shutdown_timeout: 2 days is out of range: 0us to 24h00m", QN_E_RANGE},
        {"version: 3\n", "quern.yaml:1:10: version: \"3\" is not one of 0.7|0.8|0.9", QN_E_INVALID},
        {"- a\n", "quern.yaml:1:1:  keys and values are wanted", QN_E_TYPE},
        {"listen: ':x'\n", "quern.yaml:1:9: listen: \"x\" is not a whole number", QN_E_TYPE},
        {"node_id: \"a\\nb\"\n", "quern.yaml:1:10: node_id: holds a control character",
         QN_E_INVALID},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_config cfg;
        struct qn_err err;
        assert_int_equal(load(&cfg, rows[i].yaml, no_env, &err), rows[i].code);
        if (!qn_str_starts(qn_str_of(err.msg), qn_str_of(rows[i].says)))
            fail_msg("\"%s\" gives \"%s\", want \"%s\"", rows[i].yaml, err.msg, rows[i].says);
        qn_config_release(&cfg);
    }
}

static void quickwit_keys_without_meaning_are_warnings(void **state)
{
    (void)state;
    struct qn_config cfg;
    struct qn_err err;
    assert_ok(load(&cfg,
                   "version: 0.7\n"
                   "rest_listen_port: 7290\n"
                   "grpc:\n  max_message_size: 20 MiB\n"
                   "storage:\n  s3: {region: x}\n"
                   "rest:\n  max_connection_age: 1h\n"
                   "peer_seeds: [a, b]\n",
                   no_env, &err));
    assert_int_equal(cfg.rest_listen_port, 7290);
    assert_int_equal(cfg.warnings.n, 4);
    assert_str(cfg.warnings.p[0], "quern.yaml:3:1: grpc: has no effect: there is no gRPC");
    assert_str(cfg.warnings.p[2], "quern.yaml:8:3: rest.max_connection_age: has no effect: "
                                  "connections are closed by idle time");
    qn_config_release(&cfg);
}

static void listen_is_an_address_and_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host;
        unsigned port;
        int rc;
    } rows[] = {
        {"0.0.0.0:80", "0.0.0.0", 80, 0},
        {":81", "127.0.0.1", 81, 0},
        {"[::1]:82", "::1", 82, 0},
        {"::1", "::1", 7280, 0},
        {"example.org", "example.org", 7280, 0},
        {"[::]", "::", 7280, 0},
        {"a:70000", "", 0, QN_E_RANGE},
        {"", "", 0, QN_E_INVALID},
        {"a:", "", 0, QN_E_TYPE},
        {"[::1]82", "", 0, QN_E_TYPE},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_config cfg;
        struct qn_err err = {0};
        qn_config_init(&cfg);
        int rc =
            qn_config_set_listen(&cfg, qn_str_of(rows[i].text), QN_FROM_FLAG, "--listen", &err);
        assert_int_equal(rc, rows[i].rc);
        if (rc == 0) {
            assert_str(cfg.listen_address, rows[i].host);
            assert_int_equal(cfg.rest_listen_port, rows[i].port);
        } else {
            assert_true(qn_str_starts(qn_str_of(err.msg), QN_STR("--listen: ")));
        }
        qn_config_release(&cfg);
    }
}

static void values_are_checked_together(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"elastic: {version: 8.x.1}", "elastic.version: \"8.x.1\" is not a version"},
        {"elastic: {version: '18.19'}", "elastic.version: "},
        {"rest: {tls: {cert_path: a.pem}}", "rest.tls: cert_path and key_path go together"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_config cfg;
        struct qn_err err;
        assert_ok(load(&cfg, rows[i][0], no_env, &err));
        assert_true(qn_config_finish(&cfg, QN_STR("h"), 1, &err) < 0);
        assert_true(qn_str_starts(qn_str_of(err.msg), qn_str_of(rows[i][1])));
        qn_config_release(&cfg);
    }
}

static void names_follow_from_keys(void **state)
{
    (void)state;
    char out[QN_OPTION_NAME_MAX];
    assert_string_equal(qn_option_env(option("rest.listen_port"), out), "QUERN_REST_LISTEN_PORT");
    assert_string_equal(qn_option_flag(option("rest.listen_port"), out), "--rest-listen-port");
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        assert_ptr_equal(qn_option_find(qn_str_of(op->key)), op);
        assert_true(strlen(op->help) > 10 && op->help[strlen(op->help) - 1] != '.');
    }
}

/* What is printed as quern.yaml is read back to the same values. */
static void printed_yaml_is_read_back(void **state)
{
    (void)state;
    for (int effective = 0; effective < 2; effective++) {
        struct qn_config cfg, again;
        struct qn_err err;
        struct qn_buf yaml, a, b;
        qn_buf_init(&yaml, SIZE_MAX);
        qn_buf_init(&a, SIZE_MAX);
        qn_buf_init(&b, SIZE_MAX);
        assert_ok(
            load(&cfg, "rest: {cors_allow_origins: ['a\"b', c], listen_port: 1}", no_env, &err));
        qn_config_print_yaml(&cfg, effective, &yaml);
        qn_buf_put_u8(&yaml, 0);
        if (load(&again, yaml.p, no_env, &err) < 0)
            fail_msg("%s in\n%s", err.msg, yaml.p);
        struct qn_jw w;
        qn_jw_init(&w, &a, NULL);
        qn_config_print_json(&cfg, &w);
        assert_ok(qn_jw_finish(&w));
        qn_jw_init(&w, &b, NULL);
        qn_config_print_json(&again, &w);
        assert_ok(qn_jw_finish(&w));
        assert_true(qn_str_eq(qn_buf_str(&a), qn_buf_str(&b)));
        assert_true(qn_str_find(qn_buf_str(&a), QN_STR("\"rest\":{\"listen_port\":1,")) !=
                    SIZE_MAX);
        qn_buf_release(&yaml);
        qn_buf_release(&a);
        qn_buf_release(&b);
        qn_config_release(&cfg);
        qn_config_release(&again);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_the_table),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(flag_beats_env_beats_file),
        cmocka_unit_test(wrong_files_are_told_where),
        cmocka_unit_test(quickwit_keys_without_meaning_are_warnings),
        cmocka_unit_test(listen_is_an_address_and_a_port),
        cmocka_unit_test(values_are_checked_together),
        cmocka_unit_test(names_follow_from_keys),
        cmocka_unit_test(printed_yaml_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
