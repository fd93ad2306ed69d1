/* Arbitrary lines as documents under a few fixed mappings: no crash, values of the declared types
 * only, the same answer from a walker that remembers and from one that does not. The input is a
 * mapping's number (first byte) and lines. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "schema/doc.h"

static const struct {
    const char *text;
    bool elastic;
} mappings[] = {
    {"{\"field_mappings\":[{\"name\":\"t\",\"type\":\"text\"},{\"name\":\"i\",\"type\":\"array<i64>"
     "\"},{"
     "\"name\":\"u\",\"type\":\"u64\"},{\"name\":\"f\",\"type\":\"f64\"},{\"name\":\"b\",\"type\":"
     "\"bool\"},{"
     "\"name\":\"d\",\"type\":\"datetime\",\"input_formats\":[\"rfc3339\",\"rfc2822\",\"iso8601\","
     "\"unix_timestamp\",\"%Y-%m-%d %I:%M %p "
     "%z\"],\"fast\":true},{\"name\":\"p\",\"type\":\"ip\"},{\"name\":"
     "\"y\",\"type\":\"bytes\"},{\"name\":\"o\",\"type\":\"object\",\"field_mappings\":[{\"name\":"
     "\"a\",\"type\":"
     "\"json\"}]},{\"name\":\"c\",\"type\":\"concatenate\",\"concatenate_fields\":[\"t\",\"u\"],"
     "\"include_dynamic_fields\":true}],\"partition_key\":\"hash_mod((t,i), "
     "7),o.a\",\"timestamp_field\":"
     "\"d\",\"store_document_size\":true}",
     false},
    {"{\"mode\":\"strict\",\"field_mappings\":[{\"name\":\"a.b\",\"type\":\"array<json>\",\"expand_"
     "dots\":"
     "false},{\"name\":\"t\",\"type\":\"array<text>\"}]}",
     false},
    {"{\"dynamic\":false,\"properties\":{\"t\":{\"type\":\"text\",\"fields\":{\"k\":{\"type\":"
     "\"keyword\","
     "\"ignore_above\":4}},\"copy_to\":\"k\"},\"k\":{\"type\":\"keyword\",\"null_value\":\"N\"},"
     "\"i\":{\"type\":"
     "\"byte\"},\"u\":{\"type\":\"unsigned_long\"},\"f\":{\"type\":\"half_float\"},\"s\":{\"type\":"
     "\"scaled_float\",\"scaling_factor\":10},\"b\":{\"type\":\"boolean\"},\"d\":{\"type\":"
     "\"date\",\"format\":"
     "\"strict_date_optional_time||epoch_millis||yyyy-MM-dd['T'HH[:mm]]||basic_week_date\"},\"p\":{"
     "\"type\":\"ip\"},\"fl\":{\"type\":\"flattened\"},\"o\":{\"properties\":{\"a\":{\"type\":"
     "\"date_nanos\","
     "\"ignore_malformed\":true}}}}}",
     true},
    {"{\"dynamic_templates\":[{\"x\":{\"match\":\"x*\",\"mapping\":{\"type\":\"{dynamic_type}\"}}}]"
     ","
     "\"numeric_detection\":true}",
     true},
};

static struct qn_mapping *mapping(size_t i)
{
    struct qn_json_tape t;
    struct qn_mapping *m;
    qn_json_tape_init(&t, NULL);
    QN_ASSERT(qn_json_read_copy(&t, qn_str_of(mappings[i].text), NULL) == 0);
    int rc = mappings[i].elastic ? qn_mapping_parse_elastic(&m, qn_json_root(&t), NULL, NULL)
                                 : qn_mapping_parse_quickwit(&m, qn_json_root(&t), NULL);
    QN_ASSERT(rc == 0);
    qn_json_tape_release(&t);
    return m;
}

static void check_values(const struct qn_doc_walker *dw, const struct qn_doc *doc)
{
    static const uint8_t types[] = {
        [QN_FIELD_TEXT] = QN_VALUE_STR,      [QN_FIELD_I64] = QN_VALUE_I64,
        [QN_FIELD_U64] = QN_VALUE_U64,       [QN_FIELD_F64] = QN_VALUE_F64,
        [QN_FIELD_BOOL] = QN_VALUE_BOOL,     [QN_FIELD_IP] = QN_VALUE_IP,
        [QN_FIELD_DATETIME] = QN_VALUE_DATE, [QN_FIELD_BYTES] = QN_VALUE_BYTES,
    };
    const struct qn_mapping *m = qn_doc_walker_mapping(dw);
    for (uint32_t i = 0; i < doc->n; i++) {
        const struct qn_doc_value *v = &doc->values[i];
        const struct qn_field *f = &m->fields[v->field];
        QN_ASSERT(v->field < m->n_fields);
        if (f->type == QN_FIELD_JSON) {
            uint32_t field;
            qn_doc_walker_path(dw, v->path, &field);
            QN_ASSERT(field == v->field);
        } else {
            QN_ASSERT(v->value.type == types[f->type] && v->path == QN_DOC_NO_PATH);
        }
    }
}

/* The delta of a document that grows the mapping must be accepted, and then the document is known.
 */
static struct qn_mapping *grow(struct qn_doc_walker *dw, struct qn_mapping *m)
{
    struct qn_json_tape t;
    struct qn_mapping *next;
    qn_json_tape_init(&t, &(struct qn_json_options){.max_depth = QN_JSON_MAX_DEPTH});
    QN_ASSERT(qn_json_read_copy(&t, qn_doc_walker_delta(dw), NULL) == 0);
    int rc = qn_mapping_update(&next, m, qn_json_root(&t), NULL);
    qn_json_tape_release(&t);
    if (rc < 0) /* names that cannot be fields: empty steps, a value and an object at once */
        return m;
    qn_doc_walker_set_mapping(dw, next);
    qn_mapping_unref(m);
    return next;
}

/* One line by a walker that remembers key paths, and by one that looks every key up. */
static int check_line(struct qn_doc_walker *dw, struct qn_doc_walker *other, struct qn_str line)
{
    struct qn_json_tape t;
    struct qn_doc a, b;
    struct qn_err err = {0};
    int rc = qn_doc_read(dw, line, &a, &err);
    QN_ASSERT(rc >= 0 || (err.code == rc && err.msg[0] != '\0'));
    qn_json_tape_init(&t, NULL);
    if (qn_json_read(&t, line, NULL) == 0) {
        QN_ASSERT(qn_doc_walk(other, qn_json_root(&t), &b, NULL) == rc);
        QN_ASSERT(rc != 0 || (a.n == b.n && a.partition == b.partition));
        for (uint32_t i = 0; rc == 0 && i < a.n; i++)
            QN_ASSERT(a.values[i].field == b.values[i].field &&
                      qn_value_equal(&a.values[i].value, &b.values[i].value));
    } else {
        QN_ASSERT(rc < 0);
    }
    if (rc == 0)
        check_values(dw, &a);
    qn_json_tape_release(&t);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* walkers are made for a long life and cost accordingly: they are kept from input to input */
    static struct qn_doc_walker *walkers[QN_COUNT_OF(mappings)][2];
    if (size == 0)
        return 0;
    size_t k = data[0] % QN_COUNT_OF(mappings);
    struct qn_mapping *m = mapping(k);
    for (int i = 0; i < 2; i++) {
        if (walkers[k][i] == NULL)
            walkers[k][i] = qn_doc_walker_new(m, NULL);
        else
            qn_doc_walker_set_mapping(walkers[k][i], m);
        qn_doc_walker_forget_paths(walkers[k][i]);
    }
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_put(&text, data + 1, size - 1);
    struct qn_str rest = size > 1 ? qn_buf_str(&text) : QN_STR_NONE, line;
    while (qn_str_split(&rest, '\n', &line)) {
        if (check_line(walkers[k][0], walkers[k][1], line) == QN_DOC_GROW) {
            m = grow(walkers[k][0], m);
            qn_doc_walker_set_mapping(walkers[k][1], m);
            check_line(walkers[k][0], walkers[k][1], line);
        }
    }
    qn_buf_release(&text);
    qn_mapping_unref(m);
    return 0;
}
