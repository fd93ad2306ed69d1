/* libyaml's events to a tree. The tree is built with an explicit stack, so that depth is bounded
 * before libyaml or a later walker recurses. An alias is a copy of its target's head that shares
 * the members; `weight` and `height` bound what a walker of the whole will see. */
#include <string.h>

#include <yaml.h>

#include "yaml_int.h"

#include "base/map.h"

struct frame {
    struct qn_yaml_node *node;
    struct qn_yaml_node **tail; /* where the next member goes */
    size_t weight;
    size_t height; /* of the highest member */
    struct qn_str anchor;
    struct qn_map keys;
    bool has_keys;
    bool want_key; /* maps: the next scalar is a key */
    struct qn_str key;
    size_t key_line, key_column;
};

struct anchor {
    struct qn_yaml_node node;
    size_t weight, height;
};

struct builder {
    struct qn_arena *ar;
    const struct qn_yaml_source *src;
    struct qn_err *err;
    yaml_parser_t parser;
    struct frame stack[QN_YAML_MAX_DEPTH];
    size_t depth;
    struct qn_map anchors;
    struct qn_yaml_node *root;
};

static int fail_at(struct builder *b, const yaml_mark_t *at, int code, const char *what)
{
    return qn__yaml_fail(b->src, at->line, at->column, b->err, code, "%s", what);
}

static int no_memory(struct builder *b)
{
    return qn_fail(b->err, QN_E_BUDGET, QN_STR_FMT ": out of memory budget",
                   QN_STR_ARG(b->src->name));
}

static int fail_parser(struct builder *b)
{
    yaml_parser_t *p = &b->parser;
    const char *what = p->problem != NULL ? p->problem : "cannot be read as YAML";
    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(b);
    if (p->error != YAML_READER_ERROR)
        return fail_at(b, &p->problem_mark, QN_E_PARSE, what);
    /* The reader knows a byte offset only. */
    yaml_mark_t at = {0};
    size_t end = p->problem_offset < b->src->text.n ? p->problem_offset : b->src->text.n;
    for (size_t i = 0; i < end; i++) {
        unsigned char c = (unsigned char)b->src->text.p[i];
        at.column = c == '\n' ? 0 : at.column + ((c & 0xC0) != 0x80);
        at.line += c == '\n';
    }
    return fail_at(b, &at, QN_E_PARSE, what);
}

static int put_key(struct builder *b, struct frame *f, struct qn_str text, const yaml_mark_t *at)
{
    bool made;
    qn_map_put(&f->keys, text, &made);
    if (!made)
        return qn__yaml_fail(b->src, at->line, at->column, b->err, QN_E_EXISTS,
                             QN_STR_FMT ": the key appears twice", QN_STR_ARG(text));
    f->key = text;
    f->key_line = at->line;
    f->key_column = at->column;
    f->want_key = false;
    return QN_OK;
}

/* Hangs a finished node below the innermost open collection, or makes it the root. */
static int attach(struct builder *b, struct qn_yaml_node *node, size_t weight, size_t height,
                  const yaml_mark_t *at)
{
    if (b->depth == 0) {
        b->root = node;
        return QN_OK;
    }
    struct frame *f = &b->stack[b->depth - 1];
    if (f->node->kind == QN_YAML_MAP) {
        node->key = f->key;
        qn__yaml_place(b->src, f->key_line, f->key_column, &node->key_line, &node->key_column);
        f->want_key = true;
    }
    *f->tail = node;
    f->tail = &node->next;
    f->node->n_children++;
    f->weight += weight;
    f->height = height > f->height ? height : f->height;
    if (f->weight > QN_YAML_MAX_NODES)
        return fail_at(b, at, QN_E_TOO_LARGE, "too many values");
    if (b->depth + height > QN_YAML_MAX_DEPTH)
        return fail_at(b, at, QN_E_TOO_DEEP, "nested too deeply");
    return QN_OK;
}

static int remember_anchor(struct builder *b, struct qn_str name, const struct qn_yaml_node *node,
                           size_t weight, size_t height)
{
    if (name.p == NULL)
        return QN_OK;
    struct anchor *an = qn_arena_new(b->ar, struct anchor);
    if (an == NULL)
        return no_memory(b);
    *an = (struct anchor){.node = *node, .weight = weight, .height = height};
    qn_map_put(&b->anchors, name, NULL)->ptr = an;
    return QN_OK;
}

static struct qn_yaml_node *new_node(struct builder *b, enum qn_yaml_kind kind,
                                     const yaml_mark_t *at)
{
    struct qn_yaml_node *node = qn_arena_new(b->ar, struct qn_yaml_node);
    if (node != NULL) {
        node->kind = kind;
        qn__yaml_place(b->src, at->line, at->column, &node->line, &node->column);
    }
    return node;
}

static bool wants_key(const struct builder *b)
{
    return b->depth > 0 && b->stack[b->depth - 1].want_key;
}

static struct qn_str copy_z(struct builder *b, const yaml_char_t *z)
{
    return z == NULL ? QN_STR_NONE : qn_arena_str(b->ar, qn_str_of((const char *)z));
}

/* The kind that a tag and the style ask for, or -1 for a tag that is not of the core schema. */
static int scalar_kind(const yaml_event_t *ev, struct qn_str text)
{
    static const struct {
        const char *tag;
        enum qn_yaml_kind kind;
    } tags[] = {{"!", QN_YAML_STRING},         {YAML_STR_TAG, QN_YAML_STRING},
                {YAML_NULL_TAG, QN_YAML_NULL}, {YAML_BOOL_TAG, QN_YAML_BOOL},
                {YAML_INT_TAG, QN_YAML_INT},   {YAML_FLOAT_TAG, QN_YAML_FLOAT}};
    enum qn_yaml_kind plain = qn__yaml_plain_kind(text);
    const char *tag = (const char *)ev->data.scalar.tag;
    if (tag == NULL)
        return ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain : QN_YAML_STRING;
    for (size_t i = 0; i < QN_COUNT_OF(tags); i++) {
        if (strcmp(tag, tags[i].tag) != 0)
            continue;
        bool fits = tags[i].kind == QN_YAML_STRING || tags[i].kind == plain ||
                    (tags[i].kind == QN_YAML_FLOAT && plain == QN_YAML_INT);
        return fits ? (int)tags[i].kind : -1;
    }
    return -1;
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
    struct qn_str text =
        qn_arena_str(b->ar, qn_str_make(ev->data.scalar.value, ev->data.scalar.length));
    if (text.p == NULL)
        return no_memory(b);
    int kind = scalar_kind(ev, text);
    if (kind < 0)
        return fail_at(b, &ev->start_mark, QN_E_TYPE, "the tag does not fit the value");
    if (wants_key(b))
        return put_key(b, &b->stack[b->depth - 1], text, &ev->start_mark);
    struct qn_yaml_node *node = new_node(b, (enum qn_yaml_kind)kind, &ev->start_mark);
    if (node == NULL)
        return no_memory(b);
    node->text = text;
    int rc = remember_anchor(b, copy_z(b, ev->data.scalar.anchor), node, 1, 0);
    return rc < 0 ? rc : attach(b, node, 1, 0, &ev->start_mark);
}

static int on_alias(struct builder *b, const yaml_event_t *ev)
{
    struct anchor *an = qn_map_get_ptr(&b->anchors, qn_str_of((const char *)ev->data.alias.anchor));
    if (an == NULL)
        return fail_at(b, &ev->start_mark, QN_E_NOT_FOUND, "the alias names no anchor before it");
    if (wants_key(b))
        return fail_at(b, &ev->start_mark, QN_E_UNSUPPORTED, "an alias cannot be a key");
    struct qn_yaml_node *node = new_node(b, an->node.kind, &ev->start_mark);
    if (node == NULL)
        return no_memory(b);
    node->text = an->node.text;
    node->child = an->node.child;
    node->n_children = an->node.n_children;
    return attach(b, node, an->weight, an->height, &ev->start_mark);
}

static int on_open(struct builder *b, const yaml_event_t *ev, enum qn_yaml_kind kind,
                   const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (wants_key(b))
        return fail_at(b, &ev->start_mark, QN_E_UNSUPPORTED, "a key must be a plain value");
    if (tag != NULL && strcmp((const char *)tag, YAML_MAP_TAG) != 0 &&
        strcmp((const char *)tag, YAML_SEQ_TAG) != 0 && strcmp((const char *)tag, "!") != 0)
        return fail_at(b, &ev->start_mark, QN_E_TYPE, "unknown tag");
    if (b->depth == QN_YAML_MAX_DEPTH)
        return fail_at(b, &ev->start_mark, QN_E_TOO_DEEP, "nested too deeply");
    struct qn_yaml_node *node = new_node(b, kind, &ev->start_mark);
    if (node == NULL)
        return no_memory(b);
    struct frame *f = &b->stack[b->depth++];
    *f = (struct frame){.node = node,
                        .tail = &node->child,
                        .weight = 1,
                        .anchor = copy_z(b, anchor),
                        .has_keys = kind == QN_YAML_MAP,
                        .want_key = kind == QN_YAML_MAP};
    if (f->has_keys)
        qn_map_init(&f->keys, NULL);
    return QN_OK;
}

static int on_close(struct builder *b, const yaml_event_t *ev)
{
    struct frame *f = &b->stack[--b->depth];
    if (f->has_keys)
        qn_map_release(&f->keys);
    int rc = remember_anchor(b, f->anchor, f->node, f->weight, f->height + 1);
    return rc < 0 ? rc : attach(b, f->node, f->weight, f->height + 1, &ev->start_mark);
}

static int on_event(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->root != NULL)
            return fail_at(b, &ev->start_mark, QN_E_UNSUPPORTED,
                           "a second document: one file is one document");
        return QN_OK;
    case YAML_SCALAR_EVENT:
        return on_scalar(b, ev);
    case YAML_ALIAS_EVENT:
        return on_alias(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, ev, QN_YAML_LIST, ev->data.sequence_start.anchor,
                       ev->data.sequence_start.tag);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, ev, QN_YAML_MAP, ev->data.mapping_start.anchor,
                       ev->data.mapping_start.tag);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return on_close(b, ev);
    default:
        return QN_OK;
    }
}

static int build(struct builder *b)
{
    for (;;) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&b->parser, &ev))
            return fail_parser(b);
        bool end = ev.type == YAML_STREAM_END_EVENT;
        int rc = on_event(b, &ev);
        yaml_event_delete(&ev);
        if (rc < 0 || end)
            return rc;
    }
}

int qn_yaml_parse(struct qn_arena *ar, const struct qn_yaml_source *src, struct qn_yaml_node **root,
                  struct qn_err *err)
{
    *root = NULL;
    if (src->text.n > QN_YAML_MAX_BYTES)
        return qn_fail(err, QN_E_TOO_LARGE, QN_STR_FMT ": more than %u bytes",
                       QN_STR_ARG(src->name), QN_YAML_MAX_BYTES);
    struct builder b = {.ar = ar, .src = src, .err = err};
    if (!yaml_parser_initialize(&b.parser))
        return no_memory(&b);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)src->text.p, src->text.n);
    qn_map_init(&b.anchors, NULL);
    int rc = build(&b);
    while (b.depth > 0)
        if (b.stack[--b.depth].has_keys)
            qn_map_release(&b.stack[b.depth].keys);
    qn_map_release(&b.anchors);
    yaml_parser_delete(&b.parser);
    if (rc < 0)
        return rc;
    if (b.root == NULL)
        b.root = new_node(&b, QN_YAML_NULL, &(yaml_mark_t){0});
    if (b.root == NULL || qn_arena_failed(ar))
        return no_memory(&b);
    *root = b.root;
    return QN_OK;
}
