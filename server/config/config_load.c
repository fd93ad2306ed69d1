/* quern.yaml and the environment into the struct. */
#include "config_int.h"

#include "yaml.h"

struct loader {
    struct qn_config *cfg;
    const struct qn_yaml_source *src;
    struct qn_err *err;
};

static struct qn_str env_find(const char *const *envp, struct qn_str name)
{
    for (; envp != NULL && *envp != NULL; envp++) {
        struct qn_str line = qn_str_of(*envp);
        if (qn_str_starts(line, name) && line.n > name.n && line.p[name.n] == '=')
            return qn_str_from(line, name.n + 1);
    }
    return QN_STR_NONE;
}

static struct qn_str lookup_env(void *ctx, struct qn_str name)
{
    return env_find(ctx, name);
}

struct qn_str qn__config_suggest(struct qn_arena *ar, struct qn_str key)
{
    const char *names[QN_OPTIONS_COUNT + 64];
    size_t n = 0;
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++)
        names[n++] = qn_option_table[i].key;
    names[n++] = "listen";
    const char *near = qn_str_nearest(key, names, n);
    if (near == NULL) { /* perhaps the section is missing: compare the last words */
        const char *tails[QN_COUNT_OF(names)];
        for (size_t i = 0; i < n; i++) {
            const char *dot = strrchr(names[i], '.');
            tails[i] = dot != NULL ? dot + 1 : names[i];
        }
        struct qn_str tail = key;
        for (size_t at; (at = qn_str_find_byte(tail, '.')) != SIZE_MAX;)
            tail = qn_str_from(tail, at + 1);
        const char *hit = qn_str_nearest(tail, tails, n);
        for (size_t i = 0; i < n && hit != NULL && near == NULL; i++)
            near = tails[i] == hit ? names[i] : NULL;
    }
    return near == NULL ? QN_STR("") : qn_arena_printf(ar, "; did you mean %s?", near);
}

static bool is_section(const char *key, struct qn_str path)
{
    struct qn_str k = qn_str_of(key);
    return k.n > path.n && qn_str_starts(k, path) && k.p[path.n] == '.';
}

static const struct qn_config_note *find_ignored(struct qn_str path)
{
    for (size_t i = 0; i < qn__config_ignored_count; i++) {
        const struct qn_config_note *note = &qn__config_ignored[i];
        struct qn_str key = qn_str_of(note->key);
        if (qn_str_eq(key, path) ||
            (path.n > key.n && qn_str_starts(path, key) && path.p[key.n] == '.'))
            return note;
    }
    return NULL;
}

static bool any_section(struct qn_str path)
{
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++)
        if (is_section(qn_option_table[i].key, path))
            return true;
    return false;
}

static const char *place(struct loader *ld, size_t line, size_t column, struct qn_str path)
{
    return qn_arena_printf(&ld->cfg->ar, QN_STR_FMT ":%zu:%zu: " QN_STR_FMT,
                           QN_STR_ARG(ld->src->name), line, column, QN_STR_ARG(path))
        .p;
}

static int set_list(struct loader *ld, const struct qn_option *op, const struct qn_yaml_node *node)
{
    if (op->kind != QN_OPTION_KIND_LIST)
        return qn_fail(ld->err, QN_E_TYPE, "one value is wanted, not a list");
    struct qn_str *items = qn_arena_array(&ld->cfg->ar, struct qn_str, node->n_children);
    size_t n = 0;
    for (const struct qn_yaml_node *it = node->child; it != NULL; it = it->next) {
        if (it->kind == QN_YAML_LIST || it->kind == QN_YAML_MAP || it->kind == QN_YAML_NULL)
            return qn_fail(ld->err, QN_E_TYPE, "the list wants plain values");
        items[n++] = it->text;
    }
    return qn__config_assign(ld->cfg, op, items, n, QN_FROM_FILE, ld->err);
}

static int set_node(struct loader *ld, const struct qn_option *op, struct qn_str path,
                    const struct qn_yaml_node *node)
{
    int rc;
    const char *where = place(ld, node->line, node->column, path);
    switch (node->kind) {
    case QN_YAML_NULL: /* "key:" says nothing: the default stays */
        return QN_OK;
    case QN_YAML_MAP:
        return qn_fail(ld->err, QN_E_TYPE, "%s: a value is wanted, not a section", where);
    case QN_YAML_LIST:
        rc = set_list(ld, op, node);
        if (rc < 0)
            qn_err_prefix(ld->err, "%s: ", where);
        return rc;
    default:
        return qn_config_set(ld->cfg, op, node->text, QN_FROM_FILE, where, ld->err);
    }
}

static int load_map(struct loader *ld, struct qn_str prefix, const struct qn_yaml_node *map);

static int load_member(struct loader *ld, struct qn_str path, const struct qn_yaml_node *node)
{
    const struct qn_option *op = qn_option_find(path);
    if (op != NULL)
        return set_node(ld, op, path, node);
    if (qn_str_is(path, "listen") && node->kind >= QN_YAML_BOOL && node->kind <= QN_YAML_STRING)
        return qn_config_set_listen(ld->cfg, node->text, QN_FROM_FILE,
                                    place(ld, node->line, node->column, path), ld->err);
    const char *where = place(ld, node->key_line, node->key_column, path);
    if (any_section(path)) {
        if (node->kind == QN_YAML_NULL)
            return QN_OK;
        if (node->kind == QN_YAML_MAP)
            return load_map(ld, path, node);
        return qn_fail(ld->err, QN_E_TYPE, "%s: a section is wanted, not a value", where);
    }
    const struct qn_config_note *note = find_ignored(path);
    if (note != NULL) {
        qn__config_warn(ld->cfg, "%s: has no effect: %s", where, note->text);
        return QN_OK;
    }
    struct qn_str hint = qn__config_suggest(&ld->cfg->ar, path);
    return qn_fail(ld->err, QN_E_UNKNOWN_KEY, "%s: unknown key" QN_STR_FMT, where,
                   QN_STR_ARG(hint));
}

/* Recursion is as deep as the sections of options.h, whatever the file holds. */
static int load_map(struct loader *ld, struct qn_str prefix, const struct qn_yaml_node *map)
{
    for (const struct qn_yaml_node *it = map->child; it != NULL; it = it->next) {
        struct qn_str path = it->key;
        if (prefix.n != 0)
            path = qn_arena_printf(&ld->cfg->ar, QN_STR_FMT "." QN_STR_FMT, QN_STR_ARG(prefix),
                                   QN_STR_ARG(it->key));
        int rc = load_member(ld, path, it);
        if (rc < 0)
            return rc;
    }
    return QN_OK;
}

int qn_config_load(struct qn_config *cfg, struct qn_str name, struct qn_str bytes,
                   const char *const *envp, struct qn_err *err)
{
    struct qn_arena ar;
    qn_arena_init(&ar, NULL);
    struct qn_yaml_source src = {.name = name, .text = bytes};
    struct qn_yaml_node *root = NULL;
    int rc = qn_yaml_substitute(&ar, &src, lookup_env, (void *)envp, err);
    if (rc < 0)
        goto out;
    rc = qn_yaml_parse(&ar, &src, &root, err);
    if (rc < 0)
        goto out;
    struct loader ld = {.cfg = cfg, .src = &src, .err = err};
    if (root->kind == QN_YAML_MAP)
        rc = load_map(&ld, QN_STR_NONE, root);
    else if (root->kind != QN_YAML_NULL)
        rc = qn_fail(err, QN_E_TYPE, "%s keys and values are wanted",
                     place(&ld, root->line, root->column, QN_STR("")));
out:
    qn_arena_release(&ar);
    return rc;
}

/* The option that an environment name sets, or NULL. */
static const struct qn_option *option_of_env(struct qn_str name)
{
    char env[QN_OPTION_NAME_MAX];
    for (size_t i = 0; i < QN_OPTIONS_COUNT; i++) {
        const struct qn_option *op = &qn_option_table[i];
        if (qn_str_is(name, qn_option_env(op, env)))
            return op;
    }
    return NULL;
}

int qn_config_load_env(struct qn_config *cfg, const char *const *envp, struct qn_err *err)
{
    int rc = QN_OK;
    /* Second names first: where both are set, QUERN_ wins. */
    for (size_t i = 0; i < QN_OPTIONS_COUNT && rc == QN_OK; i++) {
        const struct qn_option *op = &qn_option_table[i];
        struct qn_str v = op->env2 ? env_find(envp, qn_str_of(op->env2)) : QN_STR_NONE;
        if (v.p != NULL && v.n != 0)
            rc = qn_config_set(cfg, op, v, QN_FROM_ENV, op->env2, err);
    }
    struct qn_str listen = env_find(envp, QN_STR("QUERN_LISTEN"));
    if (rc == QN_OK && listen.p != NULL)
        rc = qn_config_set_listen(cfg, listen, QN_FROM_ENV, "QUERN_LISTEN", err);
    for (; rc == QN_OK && envp != NULL && *envp != NULL; envp++) {
        struct qn_str value = qn_str_of(*envp), name;
        if (!qn_str_starts(value, QN_STR("QUERN_")) || !qn_str_split(&value, '=', &name) ||
            value.p == NULL || qn_str_is(name, "QUERN_LISTEN") || qn_str_is(name, "QUERN_CONFIG"))
            continue;
        const struct qn_option *op = option_of_env(name);
        if (op == NULL) {
            qn__config_warn(cfg, QN_STR_FMT ": this environment variable sets nothing",
                            QN_STR_ARG(name));
            continue;
        }
        char where[QN_OPTION_NAME_MAX];
        rc = qn_config_set(cfg, op, value, QN_FROM_ENV, qn_option_env(op, where), err);
    }
    return rc;
}
