#include "json/writer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"

#define FLUSH_BYTES ((size_t)64 << 10)

struct qn_jw_level {
    bool is_obj, keyed; /* keyed: it is the value of a key (the filter walk entered it) */
    bool opened;        /* stands in the output */
    bool filled;        /* something inside stands in the output */
    bool touched;       /* something inside was offered */
    uint8_t keep;       /* enum qn_json_keep */
    size_t key_at;      /* its key in w->keys while it is not opened */
};

void qn_jw_init(struct qn_jw *w, struct qn_buf *out, const struct qn_jw_options *opt)
{
    *w = (struct qn_jw){.out = out};
    if (opt != NULL)
        w->opt = *opt;
    if (w->opt.flush_bytes == 0)
        w->opt.flush_bytes = FLUSH_BYTES;
    qn_buf_init(&w->keys, SIZE_MAX);
    if (w->opt.filter != NULL)
        qn_json_filter_start(&w->walk, w->opt.filter);
}

void qn_jw_release(struct qn_jw *w)
{
    qn_vec_release(&w->levels);
    qn_buf_release(&w->keys);
    if (w->opt.filter != NULL)
        qn_json_filter_walk_release(&w->walk);
    w->opt.filter = NULL;
    if (w->tape != NULL)
        qn_json_tape_release(w->tape);
    free(w->tape);
    w->tape = NULL;
}

static void flush(struct qn_jw *w, size_t from)
{
    if (w->opt.flush == NULL || w->rc < 0 || w->out->n < from || w->out->n == 0)
        return;
    int rc = w->opt.flush(w->opt.flush_ctx, qn_buf_str(w->out));
    if (rc < 0)
        w->rc = rc;
    qn_buf_clear(w->out);
}

int qn_jw_finish(struct qn_jw *w)
{
    QN_ASSERT(w->levels.n == 0 && w->done && !w->has_key);
    if (w->opt.style == QN_JW_PRETTY_ES)
        qn_buf_put_u8(w->out, '\n');
    if (w->rc == 0 && w->out->failed)
        w->rc = QN_E_BUDGET;
    flush(w, 0);
    qn_jw_release(w);
    return w->rc;
}

static inline struct qn_jw_level *top(struct qn_jw *w)
{
    return w->levels.n == 0 ? NULL : &w->levels.p[w->levels.n - 1];
}

static void new_line(struct qn_jw *w)
{
    if (w->opt.style == QN_JW_COMPACT)
        return;
    qn_buf_put_u8(w->out, '\n');
    qn_buf_fill(w->out, ' ', 2 * w->n_opened);
}

/* What stands before a value or a key inside the opened container lv. */
static inline void separate(struct qn_jw *w, struct qn_jw_level *lv)
{
    if (lv->filled)
        qn_buf_put_u8(w->out, ',');
    lv->filled = true;
    new_line(w);
}

/* key: its JSON text, quotes included */
static void put_key(struct qn_jw *w, struct qn_str key)
{
    qn_buf_put_str(w->out, key);
    if (w->opt.style == QN_JW_PRETTY_ES)
        qn_buf_put_u8(w->out, ' ');
    qn_buf_put_u8(w->out, ':');
    if (w->opt.style != QN_JW_COMPACT)
        qn_buf_put_u8(w->out, ' ');
}

/* Writes the brackets (and keys) of all open containers that are not written yet. */
static void open_levels(struct qn_jw *w)
{
    for (; w->n_opened < w->levels.n; w->n_opened++) {
        struct qn_jw_level *lv = &w->levels.p[w->n_opened];
        size_t end = w->n_opened + 1 < w->levels.n ? lv[1].key_at : w->key_at;
        if (w->n_opened > 0)
            separate(w, lv - 1);
        if (lv->keyed)
            put_key(w, qn_str_make(w->keys.p + lv->key_at, end - lv->key_at));
        qn_buf_put_u8(w->out, lv->is_obj ? '{' : '[');
        lv->opened = true;
    }
}

static enum qn_json_keep verdict(const struct qn_jw *w)
{
    if (w->opt.filter == NULL)
        return QN_JSON_KEEP;
    const struct qn_jw_level *lv = w->levels.n == 0 ? NULL : &w->levels.p[w->levels.n - 1];
    if (lv != NULL && lv->keep == QN_JSON_DROP)
        return QN_JSON_DROP;
    return qn_json_filter_here(&w->walk);
}

bool qn_jw_dropping(const struct qn_jw *w)
{
    return verdict(w) == QN_JSON_DROP;
}

/* Checks that a value may come now. */
static void expect_value(struct qn_jw *w)
{
    struct qn_jw_level *lv = top(w);
    QN_ASSERT(lv != NULL ? lv->is_obj == w->has_key : !w->done);
    if (lv != NULL)
        lv->touched = true;
    else
        w->done = true;
}

/* The key of a value that has been dealt with is forgotten. */
static void forget_key(struct qn_jw *w)
{
    if (!w->has_key)
        return;
    w->has_key = false;
    w->keys.n = w->key_at;
    if (w->opt.filter != NULL)
        qn_json_filter_leave(&w->walk);
}

/* Before a scalar: true when it is to be written, with all that stands before it written. */
static bool begin_scalar(struct qn_jw *w)
{
    expect_value(w);
    enum qn_json_keep keep = verdict(w);
    if (w->levels.n > 0 && keep < QN_JSON_PRUNE) {
        forget_key(w);
        return false;
    }
    open_levels(w);
    if (w->levels.n > 0)
        separate(w, top(w));
    if (w->has_key)
        put_key(w, qn_str_make(w->keys.p + w->key_at, w->keys.n - w->key_at));
    forget_key(w);
    return true;
}

static void end_value(struct qn_jw *w)
{
    if (QN_UNLIKELY(w->out->n >= w->opt.flush_bytes))
        flush(w, w->opt.flush_bytes);
}

static void begin_container(struct qn_jw *w, bool is_obj)
{
    expect_value(w);
    struct qn_jw_level lv = {.is_obj = is_obj, .keyed = w->has_key, .keep = (uint8_t)verdict(w)};
    lv.key_at = w->key_at;
    if (!w->has_key)
        lv.key_at = w->keys.n;
    w->has_key = false;
    qn_vec_push(&w->levels, lv);
    w->key_at = w->keys.n;
    if (w->levels.n == 1 || lv.keep == QN_JSON_KEEP)
        open_levels(w);
}

void qn_jw_obj(struct qn_jw *w)
{
    begin_container(w, true);
}

void qn_jw_arr(struct qn_jw *w)
{
    begin_container(w, false);
}

void qn_jw_end(struct qn_jw *w)
{
    struct qn_jw_level *lv = top(w);
    QN_ASSERT(lv != NULL && !w->has_key);
    bool emptied = lv->keyed && w->opt.filter != NULL && qn_json_filter_keeps_emptied(&w->walk);
    if (!lv->opened && lv->keep >= QN_JSON_PRUNE && (!lv->touched || emptied))
        open_levels(w);
    if (lv->opened) {
        w->n_opened--;
        if (lv->filled)
            new_line(w);
        else if (w->opt.style == QN_JW_PRETTY_ES)
            qn_buf_put_u8(w->out, ' ');
        qn_buf_put_u8(w->out, lv->is_obj ? '}' : ']');
    }
    w->keys.n = w->key_at = lv->key_at;
    if (lv->keyed && w->opt.filter != NULL)
        qn_json_filter_leave(&w->walk);
    w->levels.n--;
    end_value(w);
}

/* decoded: what the filter sees; text: what is written, when the caller has it, else made */
static void begin_key(struct qn_jw *w, struct qn_str decoded, struct qn_str text)
{
    struct qn_jw_level *lv = top(w);
    QN_ASSERT(lv != NULL && lv->is_obj && !w->has_key);
    w->has_key = true;
    w->key_at = w->keys.n;
    if (w->opt.filter != NULL)
        qn_json_filter_enter(&w->walk, decoded);
    if (text.p != NULL)
        qn_buf_put_str(&w->keys, text);
    else
        qn_json_quote(&w->keys, decoded);
}

void qn_jw_key_str(struct qn_jw *w, struct qn_str key)
{
    begin_key(w, key, QN_STR_NONE);
}

void qn_jw_key(struct qn_jw *w, const char *key)
{
    begin_key(w, qn_str_of(key), QN_STR_NONE);
}

/* Bytes that are a scalar's JSON text. */
static void put_text(struct qn_jw *w, struct qn_str text)
{
    if (begin_scalar(w))
        qn_buf_put_str(w->out, text);
    end_value(w);
}

void qn_jw_str(struct qn_jw *w, struct qn_str s)
{
    if (begin_scalar(w))
        qn_json_quote(w->out, s);
    end_value(w);
}

void qn_jw_z(struct qn_jw *w, const char *z)
{
    qn_jw_str(w, qn_str_of(z));
}

void qn_jw_printf(struct qn_jw *w, const char *fmt, ...)
{
    char small[256];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    QN_ASSERT(n >= 0);
    if ((size_t)n < sizeof small) {
        qn_jw_str(w, qn_str_make(small, (size_t)n));
        return;
    }
    char *big = qn_xmalloc((size_t)n + 1);
    va_start(ap, fmt);
    vsnprintf(big, (size_t)n + 1, fmt, ap);
    va_end(ap);
    qn_jw_str(w, qn_str_make(big, (size_t)n));
    free(big);
}

void qn_jw_i64(struct qn_jw *w, int64_t v)
{
    char text[QN_F64_MAX];
    put_text(w, qn_str_make(text, qn_i64_print(text, v)));
}

void qn_jw_u64(struct qn_jw *w, uint64_t v)
{
    char text[QN_F64_MAX];
    put_text(w, qn_str_make(text, qn_u64_print(text, v)));
}

void qn_jw_f64(struct qn_jw *w, double v)
{
    char text[QN_F64_MAX];
    if (!__builtin_isfinite(v))
        qn_jw_null(w);
    else
        put_text(w, qn_str_make(text, qn_f64_print(text, v, w->opt.f64_style)));
}

void qn_jw_bool(struct qn_jw *w, bool v)
{
    put_text(w, v ? QN_STR("true") : QN_STR("false"));
}

void qn_jw_null(struct qn_jw *w)
{
    put_text(w, QN_STR("null"));
}

void qn_jw_value(struct qn_jw *w, struct qn_json_val v)
{
    if (!qn_json_is_obj(v) && !qn_json_is_arr(v)) {
        put_text(w, qn_json_raw(v));
        return;
    }
    begin_container(w, qn_json_is_obj(v));
    bool skip = top(w)->keep == QN_JSON_DROP;
    for (struct qn_json_iter it = qn_json_iter(v); !skip && qn_json_each(&it);) {
        if (it.keyed)
            begin_key(w, it.key, qn_json_node_raw(v.t, it.val.i - 1));
        qn_jw_value(w, it.val);
    }
    qn_jw_end(w);
}

void qn_jw_raw(struct qn_jw *w, struct qn_str json)
{
    enum qn_json_keep keep = verdict(w);
    bool whole = keep == QN_JSON_KEEP || keep == QN_JSON_DROP;
    if (whole && w->opt.style == QN_JW_COMPACT) {
        put_text(w, json);
        return;
    }
    if (w->tape == NULL) {
        w->tape = qn_xmalloc(sizeof *w->tape);
        qn_json_tape_init(w->tape, &(struct qn_json_options){.max_depth = QN_JSON_MAX_DEPTH});
    }
    if (qn_json_read_copy(w->tape, json, NULL) < 0)
        put_text(w, json);
    else
        qn_jw_value(w, qn_json_root(w->tape));
}

static inline bool must_escape(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

static void put_escape(struct qn_buf *out, char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    unsigned u = (unsigned char)c;
    char letter = u < 32 ? letters[u] : c;
    char text[6] = {'\\', letter != 0 ? letter : 'u', '0', '0', hex[u >> 4], hex[u & 15]};
    qn_buf_put(out, text, letter != 0 ? 2 : 6);
}

/* Valid UTF-8: runs without escapes are copied whole. */
static void put_escaped(struct qn_buf *out, struct qn_str s)
{
    const uint64_t ones = 0x0101010101010101ull, high = 0x8080808080808080ull;
    size_t from = 0, at = 0;
    while (at < s.n) {
        uint64_t w;
        if (s.n - at >= sizeof w) {
            memcpy(&w, s.p + at, sizeof w);
            uint64_t quote = w ^ (ones * '"'), back = w ^ (ones * '\\');
            uint64_t hit =
                ((quote - ones) & ~quote) | ((back - ones) & ~back) | ((w - ones * 0x20) & ~w);
            if ((hit & high) == 0) {
                at += sizeof w;
                continue;
            }
            at += (size_t)__builtin_ctzll(hit & high) >> 3;
        } else if (!must_escape(s.p[at])) {
            at++;
            continue;
        }
        qn_buf_put(out, s.p + from, at - from);
        put_escape(out, s.p[at]);
        from = ++at;
    }
    qn_buf_put(out, s.p + from, at - from);
}

void qn_json_quote(struct qn_buf *out, struct qn_str s)
{
    qn_buf_put_u8(out, '"');
    for (size_t bad; (bad = qn_utf8_invalid(s)) != SIZE_MAX;) {
        put_escaped(out, qn_str_first(s, bad));
        qn_buf_put_z(out, "\xEF\xBF\xBD");
        s = qn_str_from(s, bad + 1);
    }
    put_escaped(out, s);
    qn_buf_put_u8(out, '"');
}
