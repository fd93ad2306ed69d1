/* The body of a walker. The file that includes it defines, as static inline:
 *
 *   const char *scan_string(const char *p, const char *end, uint32_t *high)
 *       the first quote, backslash or control byte at or after p < end, or anything >= end;
 *       *high becomes non-zero when a byte before that is above 0x7f
 *   bool head_is(const char *p, const struct qn_json_path *e)
 *       the masked bytes of e->head stand at p
 *
 * Loops stop at `end`; between loops at most a few bytes are read past it, which the padding makes
 * harmless: every value and key checks that it starts before the end, and the whole that it ends
 * there. So nothing behind the end can become part of a document. */
#ifndef QN_JSON_WALK_INT_H
#define QN_JSON_WALK_INT_H

#include "base/utf8.h"
#include "reader_int.h"

static inline bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *skip_space(const char *p, const char *end)
{
    if (QN_LIKELY((unsigned char)*p > ' '))
        return p;
    while (p < end && is_space(*p))
        p++;
    return p;
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

/* The byte after the number at p, or NULL with stop filled. */
static inline const char *scan_number(const char *p, const char *end, uint8_t *flags,
                                      struct qn__json_stop *stop)
{
    *flags = 0;
    if (*p == '-') {
        *flags = QN_JSON_NEGATIVE;
        p++;
    }
    const char *digits = p;
    p = skip_digits(p, end);
    if (QN_UNLIKELY(p == digits || (*digits == '0' && p - digits > 1))) {
        *stop = (struct qn__json_stop){p == digits ? p : digits + 1, "invalid number"};
        return NULL;
    }
    if (p < end && *p == '.') {
        *flags |= QN_JSON_FRACTION;
        digits = ++p;
        p = skip_digits(p, end);
        if (QN_UNLIKELY(p == digits)) {
            *stop = (struct qn__json_stop){p, "invalid number: expected a digit after the point"};
            return NULL;
        }
    }
    if (p < end && (*p | 0x20) == 'e') {
        *flags |= QN_JSON_FRACTION;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        digits = p;
        p = skip_digits(p, end);
        if (QN_UNLIKELY(p == digits)) {
            *stop = (struct qn__json_stop){p, "invalid number: expected a digit in the exponent"};
            return NULL;
        }
    }
    return p;
}

static inline bool hex4(const char *p, const char *end, uint32_t *out)
{
    uint32_t v = 0;
    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)p[i];
        unsigned d = c - '0';
        if (d > 9) {
            d = (c | 0x20u) - 'a';
            if (d > 5)
                return false;
            d += 10;
        }
        v = v << 4 | d;
    }
    *out = v;
    return true;
}

/* Decodes the escape at p (a backslash) to the end of buf; the byte after it, or NULL. */
static const char *unescape_one(struct qn_buf *buf, const char *p, const char *end,
                                struct qn__json_stop *stop)
{
    static const char plain[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                    ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};
    *stop = (struct qn__json_stop){p, "invalid escape"};
    if (end - p < 2)
        return NULL;
    char c = plain[(unsigned char)p[1]];
    if (c != 0) {
        buf->p[buf->n++] = c;
        return p + 2;
    }
    uint32_t cp, low;
    if (p[1] != 'u' || !hex4(p + 2, end, &cp))
        return NULL;
    const char *after = p + 6;
    if (cp >= 0xD800 && cp < 0xE000) {
        stop->what = "lone surrogate in an escape";
        if (cp >= 0xDC00 || end - after < 6 || after[0] != '\\' || after[1] != 'u' ||
            !hex4(after + 2, end, &low) || low < 0xDC00 || low > 0xDFFF)
            return NULL;
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
        after += 6;
    }
    buf->n += qn_utf8_put(buf->p + buf->n, cp);
    return after;
}

/* The rest of a string from its first backslash q: decodes the whole into the scratch of t. The
 * closing quote, or NULL. */
static __attribute__((noinline)) const char *unescape(struct qn_json_tape *t, const char *from,
                                                      const char *q, const char *end,
                                                      uint32_t *high, struct qn__json_stop *stop)
{
    struct qn_buf *buf = &t->scratch;
    size_t record = buf->n;
    qn_buf_put_u32(buf, 0);
    qn_buf_put_u32(buf, QN_JSON_NO_PATH);
    for (;;) {
        size_t run = (size_t)(q - from);
        if (!qn_buf_reserve(buf, run + 8)) {
            *stop = (struct qn__json_stop){q, "decoded strings are too large"};
            return NULL;
        }
        memcpy(buf->p + buf->n, from, run);
        buf->n += run;
        if (*q == '"')
            break;
        if (*q != '\\') {
            *stop = (struct qn__json_stop){q, "control character in a string"};
            return NULL;
        }
        q = unescape_one(buf, q, end, stop);
        if (q == NULL)
            return NULL;
        from = q;
        if (q < end)
            q = scan_string(q, end, high);
        if (q >= end) {
            *stop = (struct qn__json_stop){end, "unterminated string"};
            return NULL;
        }
    }
    uint32_t n = (uint32_t)(buf->n - record - 8);
    memcpy(buf->p + record, &n, sizeof n);
    return q;
}

/* Reads the string whose opening quote is at p into *nd; the byte after it, or NULL. The link of a
 * plain string is left to the caller. */
static inline const char *read_string(struct qn_json_tape *t, const char *p, const char *end,
                                      struct qn_json_node *nd, uint8_t type,
                                      struct qn__json_stop *stop)
{
    uint32_t high = 0;
    const char *from = p + 1;
    const char *q = from < end ? scan_string(from, end, &high) : end;
    uint8_t flags = 0;
    uint32_t link = QN_JSON_NO_PATH;
    if (QN_UNLIKELY(q >= end)) {
        *stop = (struct qn__json_stop){end, "unterminated string"};
        return NULL;
    }
    if (QN_UNLIKELY(*q != '"')) {
        link = (uint32_t)t->scratch.n;
        q = unescape(t, from, q, end, &high, stop);
        if (q == NULL)
            return NULL;
        flags = QN_JSON_ESCAPED;
    }
    if (QN_UNLIKELY(high != 0)) {
        if (!qn__json_utf8(from, q)) {
            *stop = (struct qn__json_stop){from, "invalid UTF-8 in a string"};
            stop->at += qn_utf8_invalid(qn_str_make(from, (size_t)(q - from)));
            return NULL;
        }
        flags |= QN_JSON_NON_ASCII;
    }
    *nd = (struct qn_json_node){.at = (uint32_t)(p - t->text), .len = (uint32_t)(q + 1 - p)};
    nd->link = link;
    nd->type = type;
    nd->flags = flags;
    return q + 1;
}

/* The path of the key just read into *nd the slow way, remembered as what follows f->prev. */
static __attribute__((noinline)) uint32_t
learn_path(struct qn_json_tape *t, struct qn_json_frame *f, struct qn_json_node *nd)
{
    struct qn_json_paths *ps = t->opt.paths;
    uint32_t path = QN_JSON_NO_PATH;
    if (f->path != QN_JSON_NO_PATH)
        path = qn_json_paths_put(ps, f->path, qn_json_node_str(t, (uint32_t)(nd - t->nodes)));
    if (path != QN_JSON_NO_PATH) {
        struct qn_json_path *e = &ps->p[f->prev != 0 ? f->prev : f->path];
        uint32_t *follow = f->prev != 0 ? &e->next : &e->first;
        if (follow[0] != path) {
            follow[1] = follow[0];
            follow[0] = path;
        }
        f->prev = path;
    }
    if (nd->flags & QN_JSON_ESCAPED)
        memcpy(t->scratch.p + nd->link + 4, &path, sizeof path);
    else
        nd->link = path;
    return path;
}

/* The path predicted for the key at p (after its opening quote), or 0. */
static inline uint32_t predict(const struct qn_json_paths *ps, const struct qn_json_frame *f,
                               const char *p)
{
    if (QN_UNLIKELY(f->path == QN_JSON_NO_PATH))
        return 0;
    const uint32_t *follow = f->prev != 0 ? &ps->p[f->prev].next : &ps->p[f->path].first;
    uint32_t path = follow[0];
    if (QN_LIKELY(head_is(p, &ps->p[path])))
        return path;
    path = follow[1];
    return head_is(p, &ps->p[path]) ? path : 0;
}

/* true, false or null at p into *nd; the byte after it, or NULL. */
static inline const char *read_word(const struct qn_json_tape *t, const char *p,
                                    struct qn_json_node *nd, struct qn__json_stop *stop)
{
    *nd = (struct qn_json_node){.at = (uint32_t)(p - t->text), .len = 4};
    if (*p == 't' && memcmp(p, "true", 4) == 0) {
        nd->type = QN_JSON_TRUE;
    } else if (*p == 'n' && memcmp(p, "null", 4) == 0) {
        nd->type = QN_JSON_NULL;
    } else if (*p == 'f' && memcmp(p, "false", 5) == 0) {
        nd->type = QN_JSON_FALSE;
        nd->len = 5;
    } else {
        *stop = (struct qn__json_stop){p, "expected a value"};
        return NULL;
    }
    return p + nd->len;
}

static inline const char *read_number(const struct qn_json_tape *t, const char *p, const char *end,
                                      struct qn_json_node *nd, struct qn__json_stop *stop)
{
    uint8_t flags;
    const char *after = scan_number(p, end, &flags, stop);
    if (QN_UNLIKELY(after == NULL))
        return NULL;
    *nd = (struct qn_json_node){.at = (uint32_t)(p - t->text), .len = (uint32_t)(after - p)};
    nd->type = QN_JSON_NUMBER;
    nd->flags = flags;
    return after;
}

/* The key at p into *nd and its path into *path; the byte after its colon, or NULL. */
static inline const char *read_key(struct qn_json_tape *t, const char *p, const char *end,
                                   struct qn_json_frame *f, struct qn_json_node *nd, uint32_t *path,
                                   struct qn__json_stop *stop)
{
    const struct qn_json_paths *ps = t->opt.paths;
    if (QN_UNLIKELY(p >= end || *p != '"')) {
        *stop = (struct qn__json_stop){p < end ? p : end, "expected a key in quotes"};
        return NULL;
    }
    if (ps != NULL) {
        *path = predict(ps, f, p + 1);
        uint32_t n = ps->p[*path].head_n;
        if (QN_LIKELY(*path != 0 && n < end - p)) {
            *nd = (struct qn_json_node){.at = (uint32_t)(p - t->text), .len = n, .link = *path};
            nd->type = QN_JSON_KEY;
            nd->flags = ps->p[*path].flags;
            f->prev = *path;
            return p + 1 + n;
        }
    }
    p = read_string(t, p, end, nd, QN_JSON_KEY, stop);
    if (p == NULL)
        return NULL;
    *path = ps != NULL ? learn_path(t, f, nd) : QN_JSON_NO_PATH;
    p = skip_space(p, end);
    if (p < end && *p == ':')
        return p + 1;
    *stop = (struct qn__json_stop){p < end ? p : end, "expected ':'"};
    return NULL;
}

#define WALK_FAIL(code, where, text_)                                                              \
    do {                                                                                           \
        *stop = (struct qn__json_stop){(where), (text_)};                                          \
        rc = (code);                                                                               \
        goto out;                                                                                  \
    } while (0)

/* One function, so that the state stays in registers: p, the next node and the frame. */
static inline int walk(struct qn_json_tape *t, const char *p, const char *end,
                       struct qn__json_stop *stop)
{
    struct qn_json_frame *f = t->frames, *f_max = t->frames + t->opt.max_depth;
    struct qn_json_node *nd = t->nodes, *nd_max = t->nodes + t->cap - 2, *open;
    uint32_t path = QN_JSON_ROOT_PATH;
    int rc = QN_E_PARSE;
    f->is_obj = false;

value:
    p = skip_space(p, end);
    if (p >= end)
        WALK_FAIL(rc, end, "unexpected end, expected a value");
    switch (*p) {
    case '"':
        p = read_string(t, p, end, nd, QN_JSON_STRING, stop);
        break;
    case '{':
    case '[':
        if (f == f_max)
            WALK_FAIL(QN_E_TOO_DEEP, p, "nested too deeply");
        *nd = (struct qn_json_node){.at = (uint32_t)(p - t->text)};
        nd->type = *p == '{' ? QN_JSON_OBJECT : QN_JSON_ARRAY;
        *++f = (struct qn_json_frame){(uint32_t)(nd - t->nodes), path, 0, *p == '{'};
        nd++;
        p = skip_space(p + 1, end);
        if (*p == (f->is_obj ? '}' : ']'))
            goto close;
        if (f->is_obj)
            goto member;
        goto element;
    case '-':
    case '0' ... '9':
        p = read_number(t, p, end, nd, stop);
        break;
    default:
        p = read_word(t, p, nd, stop);
    }
    if (QN_UNLIKELY(p == NULL))
        goto out;
    nd++;

after_value:
    if (f == t->frames)
        goto done;
    p = skip_space(p, end);
    if (p >= end)
        WALK_FAIL(rc, end,
                  f->is_obj ? "unexpected end, expected ',' or '}'"
                            : "unexpected end, expected ',' or ']'");
    if (*p == ',') {
        p++;
        if (!f->is_obj)
            goto element;
        p = skip_space(p, end);
        goto member;
    }
    if (*p != (f->is_obj ? '}' : ']'))
        WALK_FAIL(rc, p, f->is_obj ? "expected ',' or '}'" : "expected ',' or ']'");

close:
    p++;
    open = &t->nodes[f->node];
    open->len = (uint32_t)(p - t->text) - open->at;
    open->link = (uint32_t)(nd - t->nodes);
    f--;
    goto after_value;

element:
    path = f->path;
    if (QN_UNLIKELY(nd >= nd_max))
        goto grow;
    goto value;

member:
    if (QN_UNLIKELY(nd >= nd_max))
        goto grow;
    p = read_key(t, p, end, f, nd, &path, stop);
    if (QN_UNLIKELY(p == NULL))
        goto out;
    nd++;
    goto value;

grow:
    t->n = (uint32_t)(nd - t->nodes);
    if (qn__json_grow(t) < 0)
        WALK_FAIL(QN_E_TOO_LARGE, p, "too many values");
    nd = t->nodes + t->n;
    nd_max = t->nodes + t->cap - 2;
    if (f->is_obj)
        goto member;
    goto element;

done:
    if (p > end)
        WALK_FAIL(rc, end, "unexpected end");
    stop->at = p;
    rc = 0;
out:
    t->n = (uint32_t)(nd - t->nodes);
    return rc;
}

#endif
