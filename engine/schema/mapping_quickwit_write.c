/* Quickwit's doc_mapping as Quickwit answers it: all defaults, keys in its order. */
#include "quickwit_int.h"

static void write_fast_text(const struct qn_field *f, struct qn_jw *w)
{
    if (!f->columnar) {
        qn_jw_bool(w, false);
        return;
    }
    qn_jw_obj(w);
    qn_jw_kv_z(w, "normalizer", qn__normalizer_names[f->normalizer]);
    qn_jw_end(w);
}

static void write_field(const struct qn_mapping *m, const struct qn_field *f, bool sorted,
                        struct qn_jw *w);

static void write_fields(const struct qn_mapping *m, uint32_t parent, bool sorted, struct qn_jw *w)
{
    qn_jw_arr(w);
    for (uint32_t i = 0; i < m->n_fields; i++) {
        const struct qn_field *f = &m->fields[i];
        if (f->parent == parent && !f->builtin && !f->multi_field && f->type != QN_FIELD_OPAQUE)
            write_field(m, f, sorted, w);
    }
    qn_jw_end(w);
}

static void write_type(const struct qn_field *f, struct qn_jw *w)
{
    const char *name =
        f->concatenate ? "concatenate" : qn_field_type_name((enum qn_field_type)f->type);
    if (f->array)
        qn_jw_printf(w, "array<%s>", name);
    else
        qn_jw_z(w, name);
}

static void write_formats(const struct qn_field *f, struct qn_jw *w)
{
    qn_jw_arr(w);
    for (uint32_t i = 0; i < f->formats.n; i++)
        qn_jw_str(w, qn_date_format_text(f->formats.p[i]));
    qn_jw_end(w);
}

/* The option's value; nothing for those that are left out when unset. */
static void write_option(const struct qn_mapping *m, const struct qn_field *f, const char *key,
                         enum qn__option option, struct qn_jw *w)
{
    bool text = option == OPT_TOKENIZER || option == OPT_RECORD;
    if ((option == OPT_DESCRIPTION && f->description.p == NULL) || (text && f->tokenizer.p == NULL))
        return;
    qn_jw_key(w, key);
    switch (option) {
    case OPT_NAME:
        qn_jw_str(w, f->name);
        return;
    case OPT_TYPE:
        write_type(f, w);
        return;
    case OPT_DESCRIPTION:
        qn_jw_str(w, f->description);
        return;
    case OPT_STORED:
        qn_jw_bool(w, f->stored);
        return;
    case OPT_INDEXED:
        qn_jw_bool(w, f->indexed);
        return;
    case OPT_FAST:
        qn_jw_bool(w, f->columnar);
        return;
    case OPT_FAST_TEXT:
        write_fast_text(f, w);
        return;
    case OPT_TOKENIZER:
        qn_jw_str(w, f->tokenizer);
        return;
    case OPT_RECORD:
        qn_jw_z(w, qn__record_names[f->record]);
        return;
    case OPT_FIELDNORMS:
        qn_jw_bool(w, f->fieldnorms);
        return;
    case OPT_COERCE:
        qn_jw_bool(w, f->coerce);
        return;
    case OPT_NUMBER_OUTPUT:
        qn_jw_z(w, qn__number_names[f->number_as_string]);
        return;
    case OPT_INPUT_FORMATS:
        write_formats(f, w);
        return;
    case OPT_DATE_OUTPUT:
        qn_jw_str(w, f->output ? qn_date_format_text(f->output) : QN_STR("rfc3339"));
        return;
    case OPT_PRECISION:
        qn_jw_z(w, qn__precision_names[f->precision]);
        return;
    case OPT_BINARY_INPUT:
        qn_jw_z(w, qn__binary_names[f->input_format]);
        return;
    case OPT_BINARY_OUTPUT:
        qn_jw_z(w, qn__binary_names[f->output_format]);
        return;
    case OPT_EXPAND_DOTS:
        qn_jw_bool(w, f->expand_dots);
        return;
    case OPT_FIELD_MAPPINGS:
        write_fields(m, f->id, true, w);
        return;
    case OPT_CONCATENATE_FIELDS:
        qn_jw_raw(w, f->sources.p ? f->sources : QN_STR("[]"));
        return;
    case OPT_INCLUDE_DYNAMIC:
        qn_jw_bool(w, f->include_dynamic);
        return;
    }
}

/* Fields of the root have name and type first; those of objects are sorted throughout. */
static void write_field(const struct qn_mapping *m, const struct qn_field *f, bool sorted,
                        struct qn_jw *w)
{
    unsigned bit = f->concatenate ? (unsigned)T_CONCAT : 1u << f->type;
    qn_jw_obj(w);
    if (!sorted) {
        write_option(m, f, "name", OPT_NAME, w);
        write_option(m, f, "type", OPT_TYPE, w);
    }
    for (size_t i = 0; i < qn__n_options; i++) {
        bool first = qn__options[i].option == OPT_NAME || qn__options[i].option == OPT_TYPE;
        if ((qn__options[i].types & bit) && strcmp(qn__options[i].key, "precision") != 0 &&
            (sorted || !first))
            write_option(m, f, qn__options[i].key, qn__options[i].option, w);
    }
    qn_jw_end(w);
}

static void write_dynamic(const struct qn_mapping *m, struct qn_jw *w)
{
    static const struct {
        const char *key;
        enum qn__option option;
    } rows[] = {{"description", OPT_DESCRIPTION}, {"indexed", OPT_INDEXED},
                {"tokenizer", OPT_TOKENIZER},     {"record", OPT_RECORD},
                {"stored", OPT_STORED},           {"expand_dots", OPT_EXPAND_DOTS},
                {"fast", OPT_FAST_TEXT}};
    const struct qn_field *f = &m->fields[m->dynamic_field];
    qn_jw_key(w, "dynamic_mapping");
    qn_jw_obj(w);
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++)
        write_option(m, f, rows[i].key, rows[i].option, w);
    qn_jw_end(w);
}

void qn__write_quickwit(const struct qn_mapping *m, struct qn_jw *w, bool with_uid)
{
    const struct qn__map *mp = qn__map_of(m);
    static const char *const modes[] = {[QN_DYNAMIC_INHERIT] = "dynamic",
                                        [QN_DYNAMIC_JSON] = "dynamic",
                                        [QN_DYNAMIC_GROW] = "dynamic",
                                        [QN_DYNAMIC_LENIENT] = "lenient",
                                        [QN_DYNAMIC_STRICT] = "strict"};
    qn_jw_obj(w);
    if (with_uid)
        qn_jw_kv_str(w, "doc_mapping_uid",
                     m->uid.n ? m->uid : QN_STR("00000000000000000000000000"));
    qn_jw_kv_z(w, "mode", modes[m->mode]);
    if (m->dynamic_field != QN_NO_FIELD)
        write_dynamic(m, w);
    qn_jw_key(w, "field_mappings");
    write_fields(m, QN_NO_FIELD, false, w);
    qn_jw_key(w, "timestamp_field");
    if (m->timestamp_path.p != NULL)
        qn_jw_str(w, m->timestamp_path);
    else if (m->timestamp_field != QN_NO_FIELD)
        qn_jw_str(w, m->fields[m->timestamp_field].path);
    else
        qn_jw_null(w);
    qn_jw_key(w, "tag_fields");
    qn_jw_arr(w);
    for (size_t i = 0; i < mp->tags.n; i++)
        qn_jw_str(w, mp->tags.p[i]);
    qn_jw_end(w);
    if (mp->partition_text.p != NULL)
        qn_jw_kv_str(w, "partition_key", mp->partition_text);
    qn_jw_kv_u64(w, "max_num_partitions", m->max_num_partitions);
    qn_jw_kv_bool(w, "index_field_presence", m->index_field_presence);
    qn_jw_kv_bool(w, "store_document_size", m->doc_length_field != QN_NO_FIELD);
    qn_jw_kv_bool(w, "store_source", m->store_source);
    qn_jw_key(w, "tokenizers");
    if (m->dialect == QN_DIALECT_QUICKWIT) {
        qn_analysis_write(m->analysis, w);
    } else {
        qn_jw_arr(w);
        qn_jw_end(w);
    }
    qn_jw_end(w);
}

void qn_mapping_write_quickwit(const struct qn_mapping *m, struct qn_jw *w)
{
    qn__write_quickwit(m, w, true);
}
