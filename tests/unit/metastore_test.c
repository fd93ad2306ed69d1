/* metastore/metastore.h but for publish: names, versions, lists, the change feed, and files that
 * are old, new, full or broken. Each test runs in memory and on disk where that makes a difference.
 */
#include "test.h"
#include "tmpdir.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/mem.h"
#include "metastore/metastore.h"
#include "metastore_int.h"
#include "os/file.h"

struct fixture {
    char dir[64];
    char uri[128];
    struct qn_manual_clock mc;
    struct qn_arena ar;
    struct qn_metastore *ms;
};

#define T0 1700000000ll * 1000000 /* microseconds */
#define S(z) qn_str_of(z)

static void open_ms(struct fixture *fx)
{
    struct qn_meta_options opt = {.clock = &fx->mc.clock};
    struct qn_err err = {0};
    int rc = qn_meta_open(&fx->ms, S(fx->uri), &opt, &err);
    if (rc < 0)
        fail_msg("%s", err.msg);
}

static int setup_uri(void **state, bool ram)
{
    struct fixture *fx = qn_xcalloc(1, sizeof *fx);
    if (!qn_test_dir(fx->dir))
        return -1;
    if (ram)
        snprintf(fx->uri, sizeof fx->uri, "ram://");
    else
        snprintf(fx->uri, sizeof fx->uri, "sqlite://%s/sub/meta.sqlite", fx->dir);
    qn_manual_clock_init(&fx->mc, 0, T0 * 1000);
    qn_arena_init(&fx->ar, NULL);
    open_ms(fx);
    *state = fx;
    return 0;
}

static int setup_disk(void **state)
{
    return setup_uri(state, false);
}

static int setup_ram(void **state)
{
    return setup_uri(state, true);
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    qn_meta_close(fx->ms);
    qn_arena_release(&fx->ar);
    int rc = qn_fs_remove_tree(qn_fs_posix(), fx->dir, NULL);
    free(fx);
    return rc;
}

static struct qn_str make_index(struct fixture *fx, const char *id)
{
    struct qn_meta_index ix;
    assert_ok(qn_meta_create_index(fx->ms, S(id), QN_STR("{}"), &fx->ar, &ix, NULL));
    return ix.index_uid;
}

static uint64_t generation(struct fixture *fx)
{
    uint64_t g;
    assert_ok(qn_meta_generation(fx->ms, &g, NULL));
    return g;
}

static void indexes(void **state)
{
    struct fixture *fx = *state;
    struct qn_meta_index ix, got, *all;
    size_t n;
    struct qn_err err = {0};
    assert_int_equal(qn_meta_get_index(fx->ms, S("logs"), &fx->ar, &got, &err), QN_E_NOT_FOUND);
    assert_string_equal(err.msg, "index \"logs\" not found");
    assert_ok(qn_meta_create_index(fx->ms, S("logs"), QN_STR("{\"a\":1}"), &fx->ar, &ix, NULL));
    assert_true(qn_str_starts(ix.index_uid, QN_STR("logs:01")));
    assert_int_equal(ix.index_uid.n, 5 + 26);
    memset(&err, 0, sizeof err);
    assert_int_equal(qn_meta_create_index(fx->ms, S("logs"), QN_STR("{}"), &fx->ar, &got, &err),
                     QN_E_EXISTS);
    assert_non_null(strstr(err.msg, "\"logs\""));
    assert_ok(qn_meta_get_index(fx->ms, S("logs"), &fx->ar, &got, NULL));
    assert_true(qn_str_eq(got.index_uid, ix.index_uid));
    assert_str(got.config, "{\"a\":1}");
    assert_int_equal(got.version, 1);
    assert_int_equal(got.created_us, T0);
    qn_manual_clock_advance(&fx->mc, 5);
    assert_ok(qn_meta_update_index(fx->ms, ix.index_uid, QN_STR("{\"a\":2}"), 0, NULL));
    assert_int_equal(qn_meta_update_index(fx->ms, ix.index_uid, QN_STR("{}"), 1, NULL),
                     QN_E_CONFLICT);
    assert_ok(qn_meta_update_index(fx->ms, ix.index_uid, QN_STR("{\"a\":3}"), 2, NULL));
    assert_ok(qn_meta_get_index(fx->ms, ix.index_uid, &fx->ar, &got, NULL));
    assert_str(got.config, "{\"a\":3}");
    assert_int_equal(got.version, 3);
    assert_int_equal(got.updated_us, T0 + 5);
    make_index(fx, "b");
    make_index(fx, "a");
    assert_ok(qn_meta_list_indexes(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 3);
    assert_str(all[0].index_id, "a");
    assert_str(all[2].index_id, "logs");
    static const char *const bad[] = {"", "a:b", "a\nb", "\xff"};
    for (size_t i = 0; i < QN_COUNT_OF(bad); i++)
        assert_int_equal(qn_meta_create_index(fx->ms, S(bad[i]), QN_STR("{}"), &fx->ar, &got, NULL),
                         QN_E_INVALID);

    /* the answer does not fit: an error, and nothing leaks */
    struct qn_budget tiny;
    struct qn_arena ar;
    qn_budget_init(&tiny, "tiny", NULL, 1);
    qn_arena_init(&ar, &tiny);
    assert_int_equal(qn_meta_list_indexes(fx->ms, &ar, &all, &n, NULL), QN_E_BUDGET);
    assert_int_equal(n, 0);
    qn_arena_release(&ar);
    qn_budget_release(&tiny);
}

static void deleted_indexes(void **state)
{
    struct fixture *fx = *state;
    struct qn_str uid = make_index(fx, "logs"), split = S("S1");
    struct qn_meta_split sp = {.split_id = split};
    struct qn_meta_index got;
    struct qn_meta_split *splits;
    struct qn_meta_source *sources;
    size_t n;
    assert_ok(qn_meta_stage(fx->ms, uid, &sp, 1, NULL));
    assert_ok(qn_meta_add_source(fx->ms, uid, S("s"), QN_STR("{}"), true, NULL));
    assert_ok(qn_meta_delete_index(fx->ms, uid, NULL));
    assert_int_equal(qn_meta_delete_index(fx->ms, uid, NULL), QN_E_NOT_FOUND);
    assert_int_equal(qn_meta_get_index(fx->ms, uid, &fx->ar, &got, NULL), QN_E_NOT_FOUND);
    assert_int_equal(qn_meta_stage(fx->ms, uid, &sp, 1, NULL), QN_E_NOT_FOUND);
    assert_int_equal(qn_meta_publish(fx->ms, &(struct qn_meta_publish){.index_uid = uid}, NULL),
                     QN_E_NOT_FOUND);
    assert_ok(qn_meta_list_sources(fx->ms, QN_STR(""), &fx->ar, &sources, &n, NULL));
    assert_int_equal(n, 0);
    struct qn_str again = make_index(fx, "logs"); /* the name is free at once */
    assert_false(qn_str_eq(again, uid));
    assert_ok(qn_meta_list_splits(fx->ms, &(struct qn_meta_split_query){.states = QN_META_MARKED},
                                  &fx->ar, &splits, &n, NULL));
    assert_int_equal(n, 1); /* the janitor still sees what is left to do */
    assert_str(splits[0].split_id, "S1");
    assert_ok(qn_meta_delete_splits(fx->ms, uid, &split, 1, NULL));
    struct qn_db *db;
    int64_t left;
    assert_ok(qn__meta_read(fx->ms, &db, NULL));
    assert_int_equal(qn__db_one_int(db, "SELECT count(*) FROM indexes", QN_DB_NONE, &left, NULL),
                     1);
    qn__meta_read_done(fx->ms, db);
    assert_int_equal(left, 1);
}

static void aliases(void **state)
{
    struct fixture *fx = *state;
    struct qn_str a = make_index(fx, "a"), b = make_index(fx, "b");
    struct qn_meta_alias *all;
    struct qn_meta_index ix;
    size_t n;
    struct qn_meta_alias_action add[] = {{.alias = S("x"), .index_uid = a, .json = QN_STR("{1}")},
                                         {.alias = S("x"), .index_uid = b},
                                         {.alias = S("y"), .index_uid = b}};
    assert_ok(qn_meta_update_aliases(fx->ms, add, 3, NULL));
    assert_ok(qn_meta_list_aliases(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 3);
    assert_str(all[0].alias, "x");
    assert_str(all[0].index_id, "a");
    assert_str(all[0].json, "{1}");
    assert_str(all[2].alias, "y");
    assert_int_equal(qn_meta_create_index(fx->ms, S("y"), QN_STR("{}"), &fx->ar, &ix, NULL),
                     QN_E_EXISTS);
    /* all or nothing: the second action fails */
    struct qn_meta_alias_action swap[] = {{.alias = S("x"), .index_uid = a, .remove = true},
                                          {.alias = S("b"), .index_uid = a}};
    assert_int_equal(qn_meta_update_aliases(fx->ms, swap, 2, NULL), QN_E_EXISTS);
    swap[1] = (struct qn_meta_alias_action){.alias = S("z"), .index_uid = a, .remove = true};
    assert_int_equal(qn_meta_update_aliases(fx->ms, swap, 2, NULL), QN_E_NOT_FOUND);
    swap[1] = (struct qn_meta_alias_action){.alias = S("z"), .index_uid = S("no:1")};
    assert_int_equal(qn_meta_update_aliases(fx->ms, swap, 2, NULL), QN_E_NOT_FOUND);
    assert_ok(qn_meta_list_aliases(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 3);
    swap[1] = (struct qn_meta_alias_action){.alias = S("z"), .index_uid = a};
    assert_ok(qn_meta_update_aliases(fx->ms, swap, 2, NULL));
    assert_ok(qn_meta_delete_index(fx->ms, b, NULL));
    assert_ok(qn_meta_list_aliases(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 1);
    assert_str(all[0].alias, "z");
}

static void sources_and_tasks(void **state)
{
    struct fixture *fx = *state;
    struct qn_str uid = make_index(fx, "logs");
    struct qn_meta_source *so;
    struct qn_meta_position *po;
    struct qn_meta_delete_task *dt;
    size_t n;
    assert_ok(qn_meta_add_source(fx->ms, uid, S("kafka"), QN_STR("{}"), true, NULL));
    assert_int_equal(qn_meta_add_source(fx->ms, uid, S("kafka"), QN_STR("{}"), true, NULL),
                     QN_E_EXISTS);
    assert_int_equal(qn_meta_add_source(fx->ms, S("no:1"), S("k"), QN_STR("{}"), true, NULL),
                     QN_E_NOT_FOUND);
    assert_ok(qn_meta_enable_source(fx->ms, uid, S("kafka"), false, NULL));
    assert_ok(qn_meta_update_source(fx->ms, uid, S("kafka"), QN_STR("{2}"), NULL));
    assert_int_equal(qn_meta_enable_source(fx->ms, uid, S("no"), false, NULL), QN_E_NOT_FOUND);
    assert_ok(qn_meta_list_sources(fx->ms, uid, &fx->ar, &so, &n, NULL));
    assert_int_equal(n, 1);
    assert_str(so[0].config, "{2}");
    assert_false(so[0].enabled);
    struct qn_meta_delta de[] = {{S("kafka"), S("0"), S(""), S("7")},
                                 {S("kafka"), S("1"), S(""), S("9")},
                                 {S("wal"), S("0"), S(""), S("3")}};
    assert_ok(qn_meta_publish(
        fx->ms, &(struct qn_meta_publish){.index_uid = uid, .deltas = de, .n_deltas = 3}, NULL));
    assert_ok(qn_meta_get_checkpoint(fx->ms, uid, QN_STR(""), &fx->ar, &po, &n, NULL));
    assert_int_equal(n, 3);
    assert_str(po[1].partition_id, "1");
    assert_str(po[1].position, "9");
    assert_ok(qn_meta_reset_checkpoint(fx->ms, uid, S("wal"), NULL));
    assert_ok(qn_meta_delete_source(fx->ms, uid, S("kafka"), NULL));
    assert_int_equal(qn_meta_delete_source(fx->ms, uid, S("kafka"), NULL), QN_E_NOT_FOUND);
    assert_ok(qn_meta_get_checkpoint(fx->ms, uid, QN_STR(""), &fx->ar, &po, &n, NULL));
    assert_int_equal(n, 0);

    uint64_t op;
    assert_ok(qn_meta_last_opstamp(fx->ms, uid, &op, NULL));
    assert_int_equal(op, 0);
    for (uint64_t i = 1; i <= 3; i++) {
        assert_ok(qn_meta_add_delete_task(fx->ms, uid, QN_STR("{\"q\":1}"), &op, NULL));
        assert_int_equal(op, i);
    }
    assert_ok(qn_meta_list_delete_tasks(fx->ms, uid, 1, &fx->ar, &dt, &n, NULL));
    assert_int_equal(n, 2);
    assert_int_equal(dt[0].opstamp, 2);
    assert_ok(qn_meta_list_delete_tasks(fx->ms, uid, 2, &fx->ar, &dt, &n, NULL));
    assert_int_equal(n, 1);
    assert_ok(qn_meta_drop_delete_tasks(fx->ms, uid, 3, NULL));
    assert_ok(qn_meta_add_delete_task(fx->ms, uid, QN_STR("{}"), &op, NULL));
    assert_int_equal(op, 4); /* not used again */
    assert_ok(qn_meta_last_opstamp(fx->ms, uid, &op, NULL));
    assert_int_equal(op, 4);
    assert_int_equal(qn_meta_last_opstamp(fx->ms, S("no:1"), &op, NULL), QN_E_NOT_FOUND);
}

static int put_doc(struct fixture *fx, struct qn_str space, struct qn_str key, struct qn_str json,
                   uint64_t if_version, int64_t expires_us, uint64_t *version)
{
    struct qn_meta_doc doc = {.space = space, .key = key, .json = json, .expires_us = expires_us};
    return qn_meta_put_doc(fx->ms, &doc, if_version, version, NULL);
}

static void docs(void **state)
{
    struct fixture *fx = *state;
    struct qn_meta_doc doc, *all;
    uint64_t v1, v2;
    size_t n;
    struct qn_str sp = S("template");
    assert_int_equal(qn_meta_get_doc(fx->ms, sp, S("k"), &fx->ar, &doc, NULL), QN_E_NOT_FOUND);
    assert_ok(put_doc(fx, sp, S("k"), QN_STR("{}"), QN_META_ABSENT, 0, &v1));
    assert_int_equal(put_doc(fx, sp, S("k"), QN_STR("{}"), QN_META_ABSENT, 0, NULL), QN_E_CONFLICT);
    assert_ok(put_doc(fx, sp, S("k"), QN_STR("{2}"), v1, 0, &v2));
    assert_true(v2 > v1);
    assert_int_equal(put_doc(fx, sp, S("k"), QN_STR("{3}"), v1, 0, NULL), QN_E_CONFLICT);
    assert_ok(qn_meta_get_doc(fx->ms, sp, S("k"), &fx->ar, &doc, NULL));
    assert_str(doc.json, "{2}");
    assert_int_equal(doc.version, v2);
    assert_int_equal(qn_meta_delete_doc(fx->ms, sp, S("k"), v1, NULL), QN_E_CONFLICT);
    assert_ok(qn_meta_delete_doc(fx->ms, sp, S("k"), v2, NULL));
    assert_int_equal(qn_meta_delete_doc(fx->ms, sp, S("k"), 0, NULL), QN_E_NOT_FOUND);
    assert_ok(put_doc(fx, sp, S("k"), QN_STR("{4}"), QN_META_ABSENT, 0, &v1));
    assert_true(v1 > v2); /* a version is never used twice */

    assert_ok(put_doc(fx, sp, S("a"), QN_STR("{}"), 0, T0 + 100, NULL));
    assert_ok(put_doc(fx, S("other"), S("a"), QN_STR("{}"), 0, 0, NULL));
    assert_ok(qn_meta_list_docs(fx->ms, sp, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 2);
    assert_str(all[0].key, "a");
    assert_int_equal(all[0].expires_us, T0 + 100);
    qn_manual_clock_advance(&fx->mc, 100);
    assert_int_equal(qn_meta_get_doc(fx->ms, sp, S("a"), &fx->ar, &doc, NULL), QN_E_NOT_FOUND);
    assert_ok(qn_meta_expire(fx->ms, NULL));
    assert_ok(qn_meta_list_docs(fx->ms, sp, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 1);
    assert_ok(put_doc(fx, sp, S("a"), QN_STR("{}"), QN_META_ABSENT, 0, NULL));
    assert_int_equal(put_doc(fx, S(""), S("a"), QN_STR("{}"), 0, 0, NULL), QN_E_INVALID);
    assert_int_equal(put_doc(fx, sp, S("a"), qn_str_make("{\0}", 3), 0, 0, NULL), QN_E_INVALID);
}

static void nodes(void **state)
{
    struct fixture *fx = *state;
    struct qn_meta_node *all;
    size_t n;
    assert_ok(qn_meta_renew_lease(fx->ms, S("n1"), QN_STR("{}"), 1000, NULL));
    assert_ok(qn_meta_renew_lease(fx->ms, S("n2"), QN_STR("{}"), 5000, NULL));
    uint64_t g = generation(fx);
    qn_manual_clock_advance(&fx->mc, 500);
    assert_ok(qn_meta_renew_lease(fx->ms, S("n1"), QN_STR("{}"), 1000, NULL));
    assert_int_equal(generation(fx), g); /* a renewal is no news */
    assert_ok(qn_meta_renew_lease(fx->ms, S("n1"), QN_STR("{\"load\":1}"), 1000, NULL));
    assert_true(generation(fx) > g);
    assert_ok(qn_meta_list_nodes(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 2);
    assert_str(all[0].json, "{\"load\":1}");
    assert_int_equal(all[0].expires_us, T0 + 1500);
    qn_manual_clock_advance(&fx->mc, 1000);
    assert_ok(qn_meta_list_nodes(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 1);
    g = generation(fx);
    assert_ok(qn_meta_expire(fx->ms, NULL));
    assert_true(generation(fx) > g); /* a node is gone */
    g = generation(fx);
    assert_ok(qn_meta_expire(fx->ms, NULL));
    assert_int_equal(generation(fx), g);
    assert_ok(qn_meta_drop_lease(fx->ms, S("n2"), NULL));
    assert_ok(qn_meta_list_nodes(fx->ms, &fx->ar, &all, &n, NULL));
    assert_int_equal(n, 0);
}

static void change_feed(void **state)
{
    struct fixture *fx = *state;
    struct qn_meta_change *ch;
    size_t n;
    assert_int_equal(generation(fx), 0);
    struct qn_str a = make_index(fx, "a"), b = make_index(fx, "b");
    uint64_t g = generation(fx);
    assert_ok(qn_meta_update_index(fx->ms, a, QN_STR("{}"), 0, NULL));
    assert_ok(put_doc(fx, S("ilm"), S("p"), QN_STR("{}"), 0, 0, NULL));
    assert_ok(qn_meta_changes(fx->ms, g, &fx->ar, &ch, &n, NULL));
    assert_int_equal(n, 2);
    assert_true(qn_str_eq(ch[0].scope, a));
    assert_str(ch[1].scope, "docs:ilm");
    assert_int_equal(ch[1].generation, generation(fx));
    g = generation(fx);
    struct qn_meta_split sp = {.split_id = S("S1")};
    struct qn_str id = S("S1");
    assert_ok(qn_meta_stage(fx->ms, b, &sp, 1, NULL));
    assert_int_equal(generation(fx), g); /* nobody can see a staged split */
    /* what fails changes nothing, the number neither */
    assert_int_equal(qn_meta_update_index(fx->ms, b, QN_STR("{}"), 99, NULL), QN_E_CONFLICT);
    assert_int_equal(generation(fx), g);
    assert_ok(qn_meta_publish(
        fx->ms, &(struct qn_meta_publish){.index_uid = b, .staged = &id, .n_staged = 1}, NULL));
    assert_ok(qn_meta_changes(fx->ms, g, &fx->ar, &ch, &n, NULL));
    assert_int_equal(n, 1);
    assert_true(qn_str_eq(ch[0].scope, b));
    assert_ok(qn_meta_changes(fx->ms, generation(fx), &fx->ar, &ch, &n, NULL));
    assert_int_equal(n, 0);
}

/* --- listing --- */

static struct qn_meta_split split_of(const char *id, int64_t min, int64_t max)
{
    return (struct qn_meta_split){.split_id = S(id),
                                  .has_time = true,
                                  .min_time_ns = min,
                                  .max_time_ns = max,
                                  .doc_count = 10,
                                  .size_bytes = 100,
                                  .raw_bytes = 1000};
}

static void assert_ids(struct fixture *fx, const struct qn_meta_split_query *q, const char *want)
{
    struct qn_meta_split *sp;
    size_t n;
    char got[256] = "";
    assert_ok(qn_meta_list_splits(fx->ms, q, &fx->ar, &sp, &n, NULL));
    for (size_t i = 0, at = 0; i < n; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, "%s" QN_STR_FMT, i ? " " : "",
                               QN_STR_ARG(sp[i].split_id));
    assert_string_equal(got, want);
}

static void split_filters(void **state)
{
    struct fixture *fx = *state;
    struct qn_str uid = make_index(fx, "logs"), other = make_index(fx, "more");
    const struct qn_str tags1[] = {S("env!"), S("env:prod"), S("odd:a\\b\nc\\n")};
    const struct qn_str tags2[] = {S("env!"), S("env:dev")};
    struct qn_meta_split sp[5] = {split_of("A", 0, 100), split_of("B", 100, 200),
                                  split_of("C", 150, 300), split_of("D", -50, -10),
                                  split_of("E", 0, 0)};
    sp[0].tags = tags1, sp[0].n_tags = 3;
    sp[1].tags = tags2, sp[1].n_tags = 2;
    sp[1].mature_us = T0 + 1000;
    sp[2].delete_opstamp = 7;
    sp[2].node_id = S("node-2");
    sp[3].tier = S("cold");
    sp[3].source_id = S("kafka");
    sp[4].has_time = false;
    sp[4].json = QN_STR("{\"more\":\"text\"}");
    sp[4].partition_id = UINT64_MAX - 1;
    sp[4].footer_start = 5, sp[4].footer_end = 9, sp[4].merge_ops = 3;
    assert_ok(qn_meta_stage(fx->ms, uid, sp, 2, NULL));
    qn_manual_clock_advance(&fx->mc, 100);
    assert_ok(qn_meta_stage(fx->ms, uid, sp + 2, 3, NULL));
    struct qn_meta_split foreign = split_of("F", 0, 10);
    assert_ok(qn_meta_stage(fx->ms, other, &foreign, 1, NULL));
    const struct qn_str bc[] = {S("B"), S("C"), S("D"), S("E")};
    assert_ok(qn_meta_publish(
        fx->ms, &(struct qn_meta_publish){.index_uid = uid, .staged = bc, .n_staged = 4}, NULL));
    assert_ok(qn_meta_mark_splits(fx->ms, uid, &bc[2], 1, NULL));

#define Q(...) (&(struct qn_meta_split_query){.index_uids = &uid, .n_index_uids = 1, __VA_ARGS__})
    assert_ids(fx, Q(0), "A B C D E");
    assert_ids(fx, &(struct qn_meta_split_query){0}, "A B C D E F");
    assert_ids(fx, Q(.states = QN_META_STAGED), "A");
    assert_ids(fx, Q(.states = QN_META_PUBLISHED), "B C E");
    assert_ids(fx, Q(.states = QN_META_MARKED | QN_META_STAGED), "A D");
    struct qn_meta_range r = {100, 150};
    assert_ids(fx, Q(.time = &r), "A B C E");
    r = (struct qn_meta_range){201, INT64_MAX};
    assert_ids(fx, Q(.time = &r), "C E");
    r = (struct qn_meta_range){INT64_MIN, -10};
    assert_ids(fx, Q(.time = &r), "D E");
    r = (struct qn_meta_range){T0, T0 + 99};
    assert_ids(fx, Q(.created = &r), "A B");
    assert_ids(fx, Q(.updated = &r), "A");
    assert_ids(fx, Q(.maturity = QN_META_MATURE), "A C D E");
    assert_ids(fx, Q(.maturity = QN_META_IMMATURE), "B");
    assert_ids(fx, Q(.delete_opstamp_below = 7), "A B D E");
    assert_ids(fx, Q(.node_id = S("node-2")), "C");
    assert_ids(fx, Q(.tier = S("cold")), "D");
    assert_ids(fx, Q(.source_id = S("kafka")), "D");
    assert_ids(fx, Q(.split_ids = bc, .n_split_ids = 2), "B C");
    assert_ids(fx, Q(.sort = QN_META_BY_TIME_DESC), "C B A D E");
    assert_ids(fx, Q(.sort = QN_META_BY_STALENESS), "A B D E C");
    assert_ids(fx, Q(.offset = 1, .limit = 2), "B C");
    assert_ids(fx, Q(.offset = 4, .limit = 2), "E");
    assert_ids(fx, Q(.offset = 9), "");

    const struct qn_meta_tag prod[] = {{S("env:prod"), false}, {S("env!"), true}};
    const struct qn_meta_tag odd[] = {{S("odd:a\\b\nc\\n"), false}};
    struct qn_meta_tag_clause cl[] = {{prod, 2}, {odd, 1}};
    assert_ids(fx, Q(.tags = cl, .n_tags = 1), "A C D E");
    assert_ids(fx, Q(.tags = cl, .n_tags = 1, .offset = 1, .limit = 2), "C D");
    assert_ids(fx, Q(.tags = cl, .n_tags = 2), "A");

    /* everything comes back as it was */
    struct qn_meta_split *got;
    size_t n;
    assert_ok(qn_meta_list_splits(fx->ms, Q(.split_ids = &bc[3], .n_split_ids = 1), &fx->ar, &got,
                                  &n, NULL));
    assert_int_equal(n, 1);
    assert_str(got->json, "{\"more\":\"text\"}");
    assert_false(got->has_time);
    assert_true(got->partition_id == UINT64_MAX - 1);
    assert_int_equal(got->footer_end, 9);
    assert_int_equal(got->merge_ops, 3);
    assert_int_equal(got->published_us, T0 + 100);
    assert_true(qn_str_eq(got->index_uid, uid));
    assert_ok(qn_meta_list_splits(fx->ms,
                                  Q(.split_ids = &bc[3], .n_split_ids = 1, .without_json = true),
                                  &fx->ar, &got, &n, NULL));
    assert_int_equal(got->json.n, 0);
    assert_ok(qn_meta_list_splits(fx->ms, Q(.limit = 1), &fx->ar, &got, &n, NULL));
    assert_int_equal(got->n_tags, 3);
    assert_true(qn_str_eq(got->tags[2], tags1[2]));

    struct qn_meta_totals to;
    assert_ok(qn_meta_totals(fx->ms, uid, &to, NULL));
    assert_int_equal(to.splits, 3);
    assert_int_equal(to.docs, 30);
    assert_int_equal(to.raw_bytes, 3000);
    assert_int_equal(to.min_time_ns, 100);
    assert_int_equal(to.max_time_ns, 300);
    assert_ok(qn_meta_totals(fx->ms, other, &to, NULL));
    assert_false(to.has_time);
    assert_ok(qn_meta_totals(fx->ms, QN_STR(""), &to, NULL));
    assert_int_equal(to.splits, 3);

    assert_ok(qn_meta_set_delete_opstamp(fx->ms, uid, bc, 4, 9, NULL));
    assert_ids(fx, Q(.delete_opstamp_below = 9), "A D"); /* published ones only */
    assert_ok(qn_meta_set_tier(fx->ms, uid, bc, 2, S("warm"), NULL));
    assert_ids(fx, Q(.tier = S("warm")), "B C");
    assert_int_equal(qn_meta_set_tier(fx->ms, uid, bc, 3, S("hot"), NULL), QN_E_CONFLICT);
    assert_ids(fx, Q(.tier = S("hot")), "");
#undef Q
}

static void split_states(void **state)
{
    struct fixture *fx = *state;
    struct qn_str uid = make_index(fx, "logs"), id = S("A"), no = S("no");
    struct qn_str both[] = {id, no};
    struct qn_meta_split sp = split_of("A", 0, 1), *got;
    struct qn_err err = {0};
    size_t n;
    assert_ok(qn_meta_stage(fx->ms, uid, &sp, 1, NULL));
    sp.doc_count = 11;
    assert_ok(qn_meta_stage(fx->ms, uid, &sp, 1, NULL)); /* again, with other numbers */
    struct qn_meta_split_query q = {.states = QN_META_STAGED};
    assert_ok(qn_meta_list_splits(fx->ms, &q, &fx->ar, &got, &n, NULL));
    assert_int_equal(got->doc_count, 11);
    assert_int_equal(qn_meta_delete_splits(fx->ms, uid, &id, 1, &err), QN_E_CONFLICT);
    assert_string_equal(err.msg, "split \"A\" is Staged, not MarkedForDeletion");
    assert_ok(qn_meta_publish(
        fx->ms, &(struct qn_meta_publish){.index_uid = uid, .staged = &id, .n_staged = 1}, NULL));
    assert_int_equal(qn_meta_stage(fx->ms, uid, &sp, 1, NULL), QN_E_CONFLICT);
    assert_int_equal(qn_meta_mark_splits(fx->ms, uid, both, 2, NULL), QN_E_NOT_FOUND);
    assert_ids(fx, &(struct qn_meta_split_query){.states = QN_META_PUBLISHED}, "A");
    assert_ok(qn_meta_mark_splits(fx->ms, uid, &id, 1, NULL));
    assert_ok(qn_meta_mark_splits(fx->ms, uid, &id, 1, NULL));
    assert_ok(qn_meta_delete_splits(fx->ms, uid, both, 2, NULL));
    assert_ids(fx, &(struct qn_meta_split_query){0}, "");
    sp = split_of("A", 5, 4);
    assert_int_equal(qn_meta_stage(fx->ms, uid, &sp, 1, NULL), QN_E_INVALID);
    sp.split_id = S("");
    assert_int_equal(qn_meta_stage(fx->ms, uid, &sp, 1, NULL), QN_E_INVALID);
    assert_string_equal(qn_meta_state_name(QN_META_MARKED), "MarkedForDeletion");
}

/* --- the file --- */

static void survives_a_restart(void **state)
{
    struct fixture *fx = *state;
    struct qn_str uid = make_index(fx, "logs");
    uint64_t g = generation(fx);
    qn_meta_close(fx->ms);
    open_ms(fx);
    struct qn_meta_index ix;
    assert_ok(qn_meta_get_index(fx->ms, S("logs"), &fx->ar, &ix, NULL));
    assert_true(qn_str_eq(ix.index_uid, uid));
    assert_int_equal(generation(fx), g);
}

static sqlite3 *raw(struct fixture *fx)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(fx->uri + strlen("sqlite://"), &db), SQLITE_OK);
    return db;
}

static void newer_schemas_are_refused(void **state)
{
    struct fixture *fx = *state;
    qn_meta_close(fx->ms);
    sqlite3 *db = raw(fx);
    assert_int_equal(sqlite3_exec(db, "INSERT INTO migrations VALUES (99, 0)", 0, 0, 0), SQLITE_OK);
    sqlite3_close(db);
    struct qn_err err = {0};
    assert_int_equal(qn_meta_open(&fx->ms, S(fx->uri), NULL, &err), QN_E_FORMAT_VERSION);
    assert_null(fx->ms);
    assert_non_null(strstr(err.msg, "meta.sqlite: metastore has schema version 99"));
    assert_non_null(strstr(err.msg, "newer release"));
}

/* A database as release 1 of the schema left it (tests/golden/metastore_v1.sql) opens, keeps its
 * rows, and has what later versions added. */
static void old_schemas_are_migrated(void **state)
{
    struct fixture *fx = *state;
    qn_meta_close(fx->ms);
    fx->ms = NULL;
    const char *tests = getenv("QN_TESTS");
    if (tests == NULL)
        skip();
    char path[512];
    snprintf(path, sizeof path, "%s/golden/metastore_v1.sql", tests);
    snprintf(fx->uri, sizeof fx->uri, "sqlite://%s/old.sqlite", fx->dir);
    struct qn_buf sql;
    qn_buf_init(&sql, SIZE_MAX);
    assert_ok(qn_fs_read_file(qn_fs_posix(), path, 1 << 20, &sql, NULL));
    qn_buf_put_u8(&sql, 0);
    sqlite3 *db = raw(fx);
    assert_int_equal(sqlite3_exec(db, sql.p, 0, 0, 0), SQLITE_OK);
    sqlite3_close(db);
    qn_buf_release(&sql);

    for (int again = 0; again < 2; again++) {
        open_ms(fx);
        struct qn_meta_index *ix;
        struct qn_meta_split *sp;
        struct qn_meta_position *po;
        size_t n;
        assert_ok(qn_meta_list_indexes(fx->ms, &fx->ar, &ix, &n, NULL));
        assert_int_equal(n, 1);
        assert_str(ix->index_id, "old-logs");
        assert_ok(qn_meta_list_splits(fx->ms,
                                      &(struct qn_meta_split_query){.states = QN_META_PUBLISHED},
                                      &fx->ar, &sp, &n, NULL));
        assert_int_equal(n, 2);
        assert_int_equal(sp[1].doc_count, 1234);
        assert_int_equal(sp[1].n_tags, 2);
        assert_ok(qn_meta_get_checkpoint(fx->ms, ix->index_uid, S("_wal"), &fx->ar, &po, &n, NULL));
        assert_int_equal(n, 1);
        assert_str(po->position, "00000000000000001234");
        assert_ok(put_doc(fx, S("ilm"), S("p"), QN_STR("{}"), 0, 0, NULL));
        assert_ok(qn_meta_renew_lease(fx->ms, S("n"), QN_STR("{}"), 1, NULL));
        if (again == 0)
            qn_meta_close(fx->ms);
    }
}

static void broken_files(void **state)
{
    struct fixture *fx = *state;
    qn_meta_close(fx->ms);
    fx->ms = NULL;
    char *junk = qn_xcalloc(1, 8192);
    memset(junk, 'j', 8192);
    char path[128];
    snprintf(path, sizeof path, "%s/junk", fx->dir);
    assert_ok(qn_fs_write_file(qn_fs_posix(), path, qn_str_make(junk, 8192), NULL));
    free(junk);
    struct qn_err err = {0};
    assert_int_equal(qn_meta_open(&fx->ms, S(path), NULL, &err), QN_E_CORRUPT);
    assert_non_null(strstr(err.msg, "not a database"));
    assert_non_null(strstr(err.msg, "junk"));
    memset(&err, 0, sizeof err);
    assert_int_equal(qn_meta_open(&fx->ms, S("postgresql://h/db"), NULL, &err), QN_E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "postgresql"));
    assert_int_equal(qn_meta_open(&fx->ms, S("sqlite://"), NULL, NULL), QN_E_INVALID);
    assert_true(qn_meta_open(&fx->ms, S("/proc/no/meta"), NULL, &err) < 0);
    assert_true(qn_meta_open(&fx->ms, S(fx->dir), NULL, NULL) < 0); /* a directory */
}

/* A full disk: QN_E_NO_SPACE, nothing changed, and all is well when there is room again. */
static void full_disks(void **state)
{
    struct fixture *fx = *state;
    struct qn_str uid = make_index(fx, "logs");
    sqlite3 *writer = qn__db_sqlite_handle(fx->ms->writer);
    char *json = qn_xcalloc(1, 100001);
    memset(json, 'x', 100000);
    struct qn_meta_split sp[3] = {split_of("A", 0, 1), split_of("B", 0, 1), split_of("C", 0, 1)};
    sp[2].json = qn_str_make(json, 100000);
    assert_int_equal(sqlite3_exec(writer, "PRAGMA max_page_count = 30", 0, 0, 0), SQLITE_OK);
    struct qn_err err = {0};
    assert_int_equal(qn_meta_stage(fx->ms, uid, sp, 3, &err), QN_E_NO_SPACE);
    assert_non_null(strstr(err.msg, "full"));
    assert_ids(fx, &(struct qn_meta_split_query){0}, "");
    assert_int_equal(sqlite3_exec(writer, "PRAGMA max_page_count = 100000", 0, 0, 0), SQLITE_OK);
    assert_ok(qn_meta_stage(fx->ms, uid, sp, 3, NULL));
    assert_ids(fx, &(struct qn_meta_split_query){0}, "A B C");
    free(json);
}

/* Another process holds the write lock for too long: an error that says to try again. */
static void busy_files(void **state)
{
    struct fixture *fx = *state;
    qn_meta_close(fx->ms);
    struct qn_meta_options opt = {.busy_timeout_ms = 1};
    assert_ok(qn_meta_open(&fx->ms, S(fx->uri), &opt, NULL));
    sqlite3 *other = raw(fx);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", 0, 0, 0), SQLITE_OK);
    struct qn_meta_index ix, *all;
    size_t n;
    assert_int_equal(qn_meta_create_index(fx->ms, S("a"), QN_STR("{}"), &fx->ar, &ix, NULL),
                     QN_E_UNAVAILABLE);
    assert_ok(qn_meta_list_indexes(fx->ms, &fx->ar, &all, &n, NULL)); /* readers do not wait */
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", 0, 0, 0), SQLITE_OK);
    sqlite3_close(other);
    assert_ok(qn_meta_create_index(fx->ms, S("a"), QN_STR("{}"), &fx->ar, &ix, NULL));
}

#define BOTH(fn)                                                                                   \
    cmocka_unit_test_setup_teardown(fn, setup_disk, teardown),                                     \
        cmocka_unit_test_setup_teardown(fn, setup_ram, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(indexes),
        BOTH(deleted_indexes),
        BOTH(aliases),
        BOTH(sources_and_tasks),
        BOTH(docs),
        BOTH(nodes),
        BOTH(change_feed),
        BOTH(split_filters),
        BOTH(split_states),
        cmocka_unit_test_setup_teardown(survives_a_restart, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(newer_schemas_are_refused, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(old_schemas_are_migrated, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(broken_files, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(full_disks, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(busy_files, setup_disk, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
