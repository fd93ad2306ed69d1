#include "json/reader.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "reader_int.h"

#define SCRATCH_MAX ((size_t)UINT32_MAX - 64)

void qn_json_tape_init(struct qn_json_tape *t, const struct qn_json_options *opt)
{
    *t = (struct qn_json_tape){0};
    if (opt != NULL)
        t->opt = *opt;
    if (t->opt.max_depth == 0)
        t->opt.max_depth = QN_JSON_DEFAULT_DEPTH;
    QN_ASSERT(t->opt.max_depth <= QN_JSON_MAX_DEPTH);
    if (t->opt.max_nodes == 0)
        t->opt.max_nodes = UINT32_MAX - 8;
    t->frames = qn_xcalloc(t->opt.max_depth + 1, sizeof *t->frames);
    t->cap = 64;
    t->nodes = qn_xmalloc(t->cap * sizeof *t->nodes);
    qn_buf_init(&t->scratch, SCRATCH_MAX);
}

void qn_json_tape_release(struct qn_json_tape *t)
{
    free(t->nodes);
    free(t->frames);
    free(t->copy);
    qn_buf_release(&t->scratch);
    *t = (struct qn_json_tape){0};
}

int qn__json_grow(struct qn_json_tape *t)
{
    if (t->n >= t->opt.max_nodes)
        return QN_E_TOO_LARGE;
    size_t cap = (size_t)t->cap * 2;
    if (cap > (size_t)t->opt.max_nodes + 4)
        cap = (size_t)t->opt.max_nodes + 4;
    t->nodes = qn_xrealloc(t->nodes, cap * sizeof *t->nodes);
    t->cap = (uint32_t)cap;
    return 0;
}

/* Sequences are told apart by the lead byte; the second byte's range excludes overlong forms,
 * surrogates and what is above U+10FFFF. */
bool qn__json_utf8(const char *text, const char *text_end)
{
    const unsigned char *p = (const unsigned char *)text, *end = (const unsigned char *)text_end;
    while (p < end) {
        uint64_t w;
        memcpy(&w, p, sizeof w);
        if ((w & 0x8080808080808080ull) == 0) {
            p += sizeof w;
            continue;
        }
        unsigned c = p[0];
        if (c < 0x80) {
            p += __builtin_ctzll(w & 0x8080808080808080ull) >> 3;
            continue;
        }
        if (c >= 0xE0 && c <= 0xEF) {
            unsigned low = c == 0xE0 ? 0xA0 : 0x80, high = c == 0xED ? 0x9F : 0xBF;
            if (p[1] < low || p[1] > high || (p[2] & 0xC0) != 0x80)
                return false;
            p += 3;
        } else if (c >= 0xC2 && c <= 0xDF) {
            if ((p[1] & 0xC0) != 0x80)
                return false;
            p += 2;
        } else if (c >= 0xF0 && c <= 0xF4) {
            unsigned low = c == 0xF0 ? 0x90 : 0x80, high = c == 0xF4 ? 0x8F : 0xBF;
            if (p[1] < low || p[1] > high || (p[2] & 0xC0) != 0x80 || (p[3] & 0xC0) != 0x80)
                return false;
            p += 4;
        } else {
            return false;
        }
    }
    return true;
}

void qn_json_where(struct qn_str text, size_t pos, size_t *line, size_t *column)
{
    if (pos > text.n)
        pos = text.n;
    size_t lines = 1, from = 0;
    for (size_t i = 0; i < pos; i++)
        if (text.p[i] == '\n') {
            lines++;
            from = i + 1;
        }
    *line = lines;
    *column = pos - from + 1;
}

static int fail(struct qn_json_tape *t, int rc, const struct qn__json_stop *stop,
                struct qn_err *err)
{
    size_t pos = (size_t)(stop->at - t->text), line, column;
    if (pos > t->text_len)
        pos = t->text_len;
    t->n = 0;
    if (err != NULL) {
        qn_json_where(qn_str_make(t->text, t->text_len), pos, &line, &column);
        qn_fail_at(err, rc, pos, "%s at line %zu column %zu", stop->what, line, column);
    }
    return rc;
}

int qn_json_read_prefix(struct qn_json_tape *t, struct qn_str text, size_t *used,
                        struct qn_err *err)
{
    struct qn_json_paths *ps = t->opt.paths;
    struct qn__json_stop stop = {text.p, ""};
    const char *end = text.p + text.n;
    t->n = 0;
    t->text = text.p;
    t->text_len = text.n;
    *used = 0;
    qn_buf_clear(&t->scratch);
    if (ps != NULL && ps->full)
        qn_json_paths_reset(ps);
    t->paths_generation = ps != NULL ? ps->generation : 0;
    if (text.n >= UINT32_MAX - QN_PAD)
        return qn_fail_at(err, QN_E_TOO_LARGE, 0, "the text is larger than 4 GiB");
    const char *p = text.p;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    if (p == end) {
        *used = text.n;
        return QN_END;
    }
    qn__json_walk_fn *walk = qn__json_walk_scalar;
#if defined(__x86_64__)
    if (t->opt.simd != NULL && t->opt.simd->level >= QN_SIMD_AVX2)
        walk = qn__json_walk_avx2;
#endif
    int rc = walk(t, p, end, &stop);
    if (QN_UNLIKELY(rc < 0))
        return fail(t, rc, &stop, err);
    *used = (size_t)(stop.at - text.p);
    return 0;
}

int qn_json_read(struct qn_json_tape *t, struct qn_str text, struct qn_err *err)
{
    size_t used;
    int rc = qn_json_read_prefix(t, text, &used, err);
    if (rc < 0)
        return rc;
    struct qn__json_stop stop = {text.p + used, "unexpected end, expected a value"};
    if (rc == QN_END)
        return fail(t, QN_E_PARSE, &stop, err);
    const char *p = stop.at, *end = text.p + text.n;
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    stop = (struct qn__json_stop){p, "trailing characters"};
    return p == end ? 0 : fail(t, QN_E_PARSE, &stop, err);
}

int qn_json_read_copy(struct qn_json_tape *t, struct qn_str text, struct qn_err *err)
{
    if (t->copy_cap < text.n) {
        free(t->copy);
        t->copy_cap = text.n + text.n / 2;
        t->copy = qn_xaligned(t->copy_cap);
    } else if (t->copy == NULL) {
        t->copy_cap = 256;
        t->copy = qn_xaligned(t->copy_cap);
    }
    if (text.n != 0)
        memcpy(t->copy, text.p, text.n);
    return qn_json_read(t, qn_str_make(t->copy, text.n), err);
}
