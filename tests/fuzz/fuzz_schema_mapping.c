/* Mappings of both dialects from arbitrary JSON: no crash; what is accepted is answered in a form
 * that is accepted again and means the same; updates by themselves change nothing. The first byte
 * chooses the dialect. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "schema/mapping.h"

static void write(const struct qn_mapping *m, bool elastic, struct qn_buf *out)
{
    struct qn_jw w;
    qn_buf_init(out, SIZE_MAX);
    qn_jw_init(&w, out, NULL);
    if (elastic)
        qn_mapping_write_elastic(m, &w);
    else
        qn_mapping_write_quickwit(m, &w);
    QN_ASSERT(qn_jw_finish(&w) == 0);
}

static int parse(struct qn_mapping **m, struct qn_json_val v, bool elastic, struct qn_err *err)
{
    return elastic ? qn_mapping_parse_elastic(m, v, NULL, err)
                   : qn_mapping_parse_quickwit(m, v, err);
}

static void check(struct qn_mapping *m, struct qn_json_val v, bool elastic)
{
    struct qn_json_tape t;
    struct qn_mapping *again, *updated;
    struct qn_err err = {0};
    struct qn_buf b;
    write(m, elastic, &b);
    qn_json_tape_init(&t, &(struct qn_json_options){.max_depth = QN_JSON_MAX_DEPTH});
    QN_ASSERT(qn_json_read(&t, qn_buf_str(&b), &err) == 0);
    QN_ASSERT(parse(&again, qn_json_root(&t), elastic, &err) == 0);
    QN_ASSERT(qn_mapping_same(m, again));
    if (elastic && qn_mapping_update(&updated, m, v, &err) == 0) {
        QN_ASSERT(qn_mapping_same(m, updated));
        qn_mapping_unref(updated);
    }
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct qn_field *f = &m->fields[i];
        QN_ASSERT(f->id == i && (f->parent == QN_NO_FIELD || f->parent < i));
        QN_ASSERT(qn_mapping_child(m, f->parent, f->name) == f);
    }
    struct qn_mapping *copy = qn_mapping_with_uid(m, QN_STR("01J00000000000000000000000"));
    QN_ASSERT(qn_mapping_same(m, copy));
    qn_mapping_unref(copy);
    qn_mapping_unref(again);
    qn_json_tape_release(&t);
    qn_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct qn_json_tape t;
    struct qn_mapping *m;
    struct qn_err err = {0};
    bool elastic = data[0] & 1;
    qn_json_tape_init(&t, NULL);
    if (qn_json_read_copy(&t, qn_str_make(data + 1, size - 1), NULL) == 0 &&
        parse(&m, qn_json_root(&t), elastic, &err) == 0) {
        check(m, qn_json_root(&t), elastic);
        qn_mapping_unref(m);
    }
    qn_json_tape_release(&t);
    return 0;
}
