/* The reader on arbitrary bytes: all walkers agree, accept exactly what jansson accepts where
 * both mean the same, and what is accepted survives writing and reading again, filtered and whole.
 *
 * links: jansson simd
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "simd/ops.h"
#include "json/dom.h"
#include "json/reader.h"
#include "json/writer.h"

#define DEPTH 64

/* jansson takes a NUL byte for the end of the text, and refuses numbers that it cannot hold and NUL
 * in keys; beyond that it must agree. */
static bool jansson_agrees(struct qn_str s, bool accepted)
{
    json_error_t err;
    if (s.n != 0 && memchr(s.p, 0, s.n) != NULL)
        return true;
    json_t *v = json_loadb(s.p, s.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &err);
    bool ok = v != NULL;
    json_decref(v);
    if (!ok && accepted)
        return json_error_code(&err) == json_error_numeric_overflow ||
               json_error_code(&err) == json_error_null_byte_in_key;
    return ok == accepted;
}

static void check_tape(const struct qn_json_tape *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        const struct qn_json_node *nd = &t->nodes[i];
        QN_ASSERT((size_t)nd->at + nd->len <= t->text_len);
        uint32_t next = qn_json_next(t, i);
        QN_ASSERT(next > i && next <= t->n);
        QN_ASSERT(nd->type != QN_JSON_KEY || i + 1 < t->n);
        if (nd->type == QN_JSON_KEY || nd->type == QN_JSON_STRING)
            QN_ASSERT(qn_utf8_invalid(qn_json_node_str(t, i)) == SIZE_MAX);
        struct qn_json_num num;
        if (nd->type == QN_JSON_NUMBER && qn_json_parse_num(qn_json_node_raw(t, i), &num) < 0)
            QN_ASSERT(num.kind == QN_JSON_NUM_F64);
    }
}

static void check_rewrite(const struct qn_json_tape *t)
{
    static const char *const filters[] = {"", "a,b.*", "-a", "**.b,-*.c", "*"};
    struct qn_json_tape again;
    struct qn_buf out;
    qn_json_tape_init(&again, &(struct qn_json_options){.max_depth = DEPTH});
    qn_buf_init(&out, SIZE_MAX);
    for (size_t i = 0; i < 2 * QN_COUNT_OF(filters); i++) {
        struct qn_json_filter *f;
        struct qn_jw w;
        QN_ASSERT(qn_json_filter_paths(&f, qn_str_of(filters[i / 2]), NULL) == 0);
        qn_buf_clear(&out);
        qn_jw_init(
            &w, &out,
            &(struct qn_jw_options){.filter = f, .style = i % 2 ? QN_JW_PRETTY : QN_JW_COMPACT});
        qn_jw_value(&w, qn_json_root(t));
        QN_ASSERT(qn_jw_finish(&w) == 0);
        QN_ASSERT(qn_json_read(&again, qn_buf_str(&out), NULL) == 0);
        QN_ASSERT(i / 2 > 0 || again.n == t->n);
        qn_json_filter_free(f);
    }
    qn_buf_release(&out);
    qn_json_tape_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qn_str s = qn_str_make(data, size);
    const struct qn_simd_ops *simd[] = {NULL, qn_simd_level(QN_SIMD_AVX2)};
    struct qn_json_paths paths;
    struct qn_json_tape t[4];
    struct qn_err err[4] = {{0}};
    int rc[4];
    qn_json_paths_init(&paths, 16);
    for (int i = 0; i < 4; i++) {
        qn_json_tape_init(&t[i], &(struct qn_json_options){.simd = simd[i & 1],
                                                           .paths = i & 2 ? &paths : NULL,
                                                           .max_depth = DEPTH});
        rc[i] = qn_json_read_copy(&t[i], s, &err[i]);
        QN_ASSERT(rc[i] == rc[0] && t[i].n == t[0].n && err[i].pos == err[0].pos);
    }
    if (rc[0] != QN_E_TOO_DEEP)
        QN_ASSERT(jansson_agrees(s, rc[0] == 0));
    if (rc[0] == 0) {
        check_tape(&t[0]);
        check_tape(&t[3]);
        check_rewrite(&t[3]);
    }
    for (int i = 0; i < 4; i++)
        qn_json_tape_release(&t[i]);
    qn_json_paths_release(&paths);
    return 0;
}
