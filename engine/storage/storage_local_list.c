/* Listing a tree of directories in the byte order of keys, a page at a time.
 *
 * A directory sorts as its name with the '/' that follows it in every key below it: "a.b" comes
 * before "a/c". Whole directories are skipped when nothing below them can be on the page. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "storage_local_int.h"

struct walk {
    struct local_storage *ls;
    struct qn_str prefix, after;
    size_t max;
    struct qn_storage_listing *out;
    struct qn_err *err;
};

struct names {
    QN_VEC(struct qn_str) all; /* directories end in '/' */
    struct qn_arena arena;
};

static int add_name(void *arg, const struct qn_dirent *ent)
{
    struct names *ns = arg;
    bool dir = ent->kind == QN_FILE_DIR;
    if (!dir && ent->kind != QN_FILE_REGULAR)
        return 0;
    qn_vec_push(&ns->all, qn_arena_printf(&ns->arena, "%s%s", ent->name, dir ? "/" : ""));
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return qn_str_cmp(*(const struct qn_str *)a, *(const struct qn_str *)b);
}

/* Whether keys that start with dir can be on the page. */
static bool may_hold(const struct walk *wk, struct qn_str dir)
{
    if (!qn_str_starts(dir, wk->prefix) && !qn_str_starts(wk->prefix, dir))
        return false;
    return qn_str_cmp(dir, wk->after) > 0 || qn_str_starts(wk->after, dir);
}

/* 1: the page is full. */
static int visit_file(struct walk *wk, const char *path, struct qn_str key)
{
    struct qn_stat info;
    if (!qn_str_starts(key, wk->prefix) || qn_str_cmp(key, wk->after) <= 0 ||
        qn_storage_check_key(key, NULL) < 0)
        return 0;
    int rc = qn_fs_stat(wk->ls->fs, path, &info, wk->err);
    if (rc < 0)
        return rc == QN_E_NOT_FOUND ? 0 : rc; /* deleted meanwhile */
    if (wk->out->entries.n == wk->max) {
        wk->out->more = true;
        return 1;
    }
    qn__storage_list_add(wk->out, key, info.size_bytes, info.mtime_ns);
    return 0;
}

/* dir_key: "" or ends in '/'. Depth is bounded by the length of keys. */
static int walk_dir(struct walk *wk, struct qn_str dir_key)
{
    struct names ns = {0};
    qn_arena_init(&ns.arena, NULL);
    char *dir = qn_path_join(wk->ls->root, dir_key);
    struct qn_err own = {0};
    int rc = qn_fs_list(wk->ls->fs, dir, add_name, &ns, &own);
    if (rc < 0) {
        if (rc == QN_E_NOT_FOUND && dir_key.n != 0)
            rc = 0; /* emptied and removed meanwhile */
        else
            qn_fail(wk->err, rc, "%s", own.msg);
        goto out;
    }
    if (ns.all.n > 1)
        qsort(ns.all.p, ns.all.n, sizeof *ns.all.p, by_bytes);
    for (size_t i = 0; i < ns.all.n && rc == 0; i++) {
        struct qn_str name = ns.all.p[i];
        struct qn_str key = qn_arena_printf(&ns.arena, QN_STR_FMT QN_STR_FMT, QN_STR_ARG(dir_key),
                                            QN_STR_ARG(name));
        if (name.p[name.n - 1] == '/') {
            struct qn_str bare = qn_str_first(key, key.n - 1);
            if (may_hold(wk, key) && qn_storage_check_key(bare, NULL) == QN_OK)
                rc = walk_dir(wk, key);
        } else {
            char *path = qn_path_join(dir, name);
            rc = visit_file(wk, path, key);
            free(path);
        }
    }
out:
    free(dir);
    qn_vec_release(&ns.all);
    qn_arena_release(&ns.arena);
    return rc;
}

int qn__local_list(struct qn_storage *st, struct qn_str prefix, struct qn_str after, size_t max,
                   struct qn_storage_listing *out, struct qn_err *err)
{
    struct walk wk = {(struct local_storage *)st, prefix, after, max, out, err};
    int rc = walk_dir(&wk, QN_STR(""));
    return rc < 0 ? rc : QN_OK;
}
