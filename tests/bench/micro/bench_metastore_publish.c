/* The metastore on disk: publishes a second, and listing the splits of an index.
 *     bench_metastore_publish [directory, default .]
 * One line of JSON per measurement. Each publish and each stage ends in an fsync. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metastore/metastore.h"
#include "os/file.h"

enum { SPLITS = 1000, LISTS = 50 };

static int run(struct qn_metastore *ms, struct qn_arena *names, struct qn_arena *ar)
{
    struct qn_meta_index ix;
    if (qn_meta_create_index(ms, QN_STR("bench"), QN_STR("{}"), names, &ix, NULL) < 0)
        return 1;
    const struct qn_str tags[] = {QN_STR("env!"), QN_STR("env:prod"), QN_STR("level:error")};
    char id[32], from[32] = "", to[32];
    qn_usec t = qn_now_us();
    for (int i = 0; i < SPLITS; i++) {
        snprintf(id, sizeof id, "01KAHQZ7000000000000%06d", i);
        snprintf(to, sizeof to, "%020d", i + 1);
        struct qn_str sid = qn_str_of(id);
        struct qn_meta_split sp = {.split_id = sid,
                                   .has_time = true,
                                   .min_time_ns = i * 1000,
                                   .max_time_ns = i * 1000 + 2000,
                                   .tags = tags,
                                   .n_tags = 3,
                                   .node_id = QN_STR("node-1"),
                                   .json = QN_STR("{\"fields\":[\"a\",\"b\",\"c\"]}")};
        struct qn_meta_delta de = {QN_STR("s"), QN_STR("0"), qn_str_of(from), qn_str_of(to)};
        struct qn_meta_publish pub = {
            .index_uid = ix.index_uid, .staged = &sid, .n_staged = 1, .deltas = &de, .n_deltas = 1};
        if (qn_meta_stage(ms, ix.index_uid, &sp, 1, NULL) < 0 ||
            qn_meta_publish(ms, &pub, NULL) < 0)
            return 1;
        memcpy(from, to, sizeof from);
    }
    printf("{\"bench\":\"stage_and_publish\",\"us\":%.0f}\n", (double)(qn_now_us() - t) / SPLITS);

    struct qn_meta_range all = {0, INT64_MAX}, few = {SPLITS * 990, INT64_MAX};
    const struct qn_meta_range *times[] = {&all, &few};
    for (int w = 0; w < 2; w++) {
        size_t n = 0;
        t = qn_now_us();
        for (int i = 0; i < LISTS; i++) {
            struct qn_meta_split_query q = {.index_uids = &ix.index_uid,
                                            .n_index_uids = 1,
                                            .states = QN_META_PUBLISHED,
                                            .time = times[w]};
            struct qn_meta_split *sp;
            qn_arena_reset(ar);
            if (qn_meta_list_splits(ms, &q, ar, &sp, &n, NULL) < 0)
                return 1;
        }
        printf("{\"bench\":\"list_splits\",\"of\":%d,\"listed\":%zu,\"us\":%.0f}\n", SPLITS, n,
               (double)(qn_now_us() - t) / LISTS);
    }
    uint64_t g;
    t = qn_now_us();
    for (int i = 0; i < 1000; i++)
        if (qn_meta_generation(ms, &g, NULL) < 0)
            return 1;
    printf("{\"bench\":\"poll_generation\",\"us\":%.1f}\n", (double)(qn_now_us() - t) / 1000);
    return 0;
}

int main(int argc, char **argv)
{
    char *dir = qn_path_join(argc > 1 ? argv[1] : ".", QN_STR("bench_metastore"));
    char *file = qn_path_join(dir, QN_STR("meta.sqlite"));
    struct qn_metastore *ms;
    struct qn_arena names, ar;
    struct qn_err err = {0};
    qn_arena_init(&names, NULL);
    qn_arena_init(&ar, NULL);
    int rc = qn_fs_remove_tree(qn_fs_posix(), dir, &err);
    if (rc == 0)
        rc = qn_meta_open(&ms, qn_str_of(file), NULL, &err);
    if (rc == 0) {
        rc = run(ms, &names, &ar);
        qn_meta_close(ms);
        rc |= qn_fs_remove_tree(qn_fs_posix(), dir, &err);
    } else {
        fprintf(stderr, "%s\n", err.msg);
    }
    qn_arena_release(&ar);
    qn_arena_release(&names);
    free(file);
    free(dir);
    return rc != 0;
}
