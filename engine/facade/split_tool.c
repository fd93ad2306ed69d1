#include "qn/split_tool.h"

#include <stdlib.h>

#include "base/le.h"
#include "base/mem.h"
#include "base/time.h"
#include "schema/value.h"
#include "split/split.h"

struct qn_split_tool {
    struct qn_split *sp;
};

int qn_split_tool_open(struct qn_split_tool **out, const char *path, const char *simd,
                       struct qn_err *err)
{
    const struct qn_simd_ops *ops = qn_simd_pick(simd);
    struct qn_object *ob;
    struct qn_split *sp;
    *out = NULL;
    if (ops == NULL)
        return qn_fail(err, QN_E_UNSUPPORTED, "this machine has no instruction set %s", simd);
    int rc = qn_object_open_file(&ob, path, err);
    if (rc < 0)
        return rc;
    rc = qn_split_open(&sp, ob, 0, ops, err);
    qn_object_unref(ob);
    if (rc < 0)
        return rc;
    *out = qn_xmalloc(sizeof **out);
    (*out)->sp = sp;
    return 0;
}

void qn_split_tool_close(struct qn_split_tool *tool)
{
    if (tool == NULL)
        return;
    qn_split_unref(tool->sp);
    free(tool);
}

/* ---- describe */

static void put_section(struct qn_buf *out, const char *name, uint64_t n, uint64_t file)
{
    qn_buf_printf(out, "%-12s %14llu %6.1f%%\n", name, (unsigned long long)n,
                  100.0 * (double)n / (double)file);
}

static void put_head(const struct qn_split *sp, struct qn_buf *out)
{
    uint64_t file = qn_split_object(sp)->size_bytes, sum = 0, raw = qn_split_raw_bytes(sp);
    char from[40], to[40];
    qn_buf_printf(out, "documents    %14u\nraw bytes    %14llu\nfile bytes   %14llu",
                  qn_split_doc_count(sp), (unsigned long long)raw, (unsigned long long)file);
    if (raw > 0)
        qn_buf_printf(out, " %6.1f%% of raw", 100.0 * (double)file / (double)raw);
    qn_buf_put_u8(out, '\n');
    if (qn_split_min_time(sp) <= qn_split_max_time(sp)) {
        qn_rfc3339_print(from, qn_split_min_time(sp), 9);
        qn_rfc3339_print(to, qn_split_max_time(sp), 9);
        qn_buf_printf(out, "times        %s .. %s\n", from, to);
    }
    qn_buf_printf(out, "\n%-12s %14s %7s\n", "section", "bytes", "share");
    for (int k = QN_SECTION_DOCS; k < QN_SECTIONS_END; k++) {
        struct qn_range r = qn_split_section_range(sp, (enum qn_split_section)k);
        put_section(out, qn_split_section_name((enum qn_split_section)k), r.n, file);
        sum += r.n;
    }
    put_section(out, "other", file - sum, file); /* hot section, footer, padding */
}

/* A value of a column as its type reads. */
static void put_value(struct qn_buf *out, enum qn_split_type type, uint64_t v)
{
    char time[40];
    switch (type) {
    case QN_SPLIT_I64:
        qn_buf_printf(out, "%lld", (long long)qn_i64_from_ord(v));
        break;
    case QN_SPLIT_F64:
        qn_buf_printf(out, "%.17g", qn_f64_from_ord(v));
        break;
    case QN_SPLIT_DATE:
        qn_rfc3339_print(time, qn_i64_from_ord(v), 9);
        qn_buf_put_z(out, time);
        break;
    default: /* numbers, booleans, ordinals */
        qn_buf_printf(out, "%llu", (unsigned long long)v);
    }
}

static uint64_t column_bytes(const struct qn_column *col)
{
    uint32_t blocks = qn_column_blocks(col);
    return blocks == 0 ? 0 : qn_le32(col->ends + 4 * (size_t)(blocks - 1));
}

static int put_field(struct qn_split_field *fd, struct qn_buf *out, struct qn_err *err)
{
    int rc = qn_split_use(fd, err);
    if (rc < 0)
        return rc;
    const struct qn_terms *own = fd->column_terms == fd->terms ? NULL : fd->column_terms;
    const struct qn_column *col = fd->column;
    uint64_t terms = (fd->terms ? qn_terms_count(fd->terms) : 0) + (own ? qn_terms_count(own) : 0);
    uint64_t bytes =
        (fd->terms ? qn_terms_block_bytes(fd->terms) : 0) + (own ? qn_terms_block_bytes(own) : 0);
    uint32_t docs = col ? col->doc_count : fd->postings ? fd->postings->doc_count : 0;
    qn_buf_printf(out, QN_STR_FMT "\n    %-6s %10u %10llu %12llu %12llu %12llu %12llu",
                  QN_STR_ARG(fd->name), qn_split_type_name(fd->type), docs,
                  (unsigned long long)terms, (unsigned long long)bytes,
                  (unsigned long long)(fd->postings ? fd->postings->list_bytes : 0),
                  (unsigned long long)(fd->postings ? fd->postings->position_bytes : 0),
                  (unsigned long long)(col ? column_bytes(col) : 0));
    if (col != NULL && col->value_count > 0 && !qn_split_type_has_terms(fd->type)) {
        qn_buf_put_z(out, "  ");
        put_value(out, fd->type, col->min);
        qn_buf_put_z(out, " .. ");
        put_value(out, fd->type, col->max);
    }
    if (fd->flags & QN_FIELD_PRESENCE)
        qn_buf_put_z(out, "  presence only");
    qn_buf_put_u8(out, '\n');
    return 0;
}

int qn_split_tool_describe(struct qn_split_tool *tool, struct qn_buf *out, struct qn_err *err)
{
    struct qn_split *sp = tool->sp;
    put_head(sp, out);
    qn_buf_printf(out, "\nfield\n    %-6s %10s %10s %12s %12s %12s %12s  %s\n", "type", "docs",
                  "terms", "term bytes", "postings", "positions", "column", "extremes");
    int rc = 0;
    for (uint32_t i = 0; i < qn_split_field_count(sp) && rc == 0; i++)
        rc = put_field(qn_split_field_at(sp, i), out, err);
    return rc;
}

int qn_split_tool_verify(struct qn_split_tool *tool, struct qn_err *err)
{
    return qn_split_verify(tool->sp, err);
}

/* ---- dump */

int qn_split_tool_dump_docs(struct qn_split_tool *tool, qn_split_tool_put *put, void *arg,
                            struct qn_err *err)
{
    struct qn_docs_cursor *cu = qn_docs_cursor_new(qn_split_docs(tool->sp));
    struct qn_buf line;
    int rc = 0;
    qn_buf_init(&line, SIZE_MAX);
    for (uint32_t i = 0; i < qn_split_doc_count(tool->sp) && rc == 0; i++) {
        qn_buf_clear(&line);
        rc = qn_docs_get(cu, i, &line, err);
        if (rc == 0) {
            qn_buf_put_u8(&line, '\n');
            rc = put(arg, qn_buf_str(&line));
        } else {
            qn_err_prefix(err, "split " QN_STR_FMT ", document %u: ",
                          QN_STR_ARG(qn_split_object(tool->sp)->name), i);
        }
    }
    qn_buf_release(&line);
    qn_docs_cursor_free(cu);
    return rc;
}

static void put_term(struct qn_buf *line, enum qn_split_type type, struct qn_str term)
{
    char ip[QN_IP_MAX];
    if (type == QN_SPLIT_STR)
        qn_buf_put_str(line, term);
    else if (type == QN_SPLIT_IP && term.n == 16)
        qn_buf_put(line, ip, qn_ip_print(ip, (const uint8_t *)term.p));
    else
        for (size_t i = 0; i < term.n; i++)
            qn_buf_printf(line, "%02x", (uint8_t)term.p[i]);
}

static int put_terms(struct qn_split_field *fd, const struct qn_terms *td, qn_split_tool_put *put,
                     void *arg, struct qn_err *err)
{
    struct qn_terms_iter *it = qn_terms_iter_new(td);
    struct qn_term_info info;
    struct qn_buf line;
    qn_buf_init(&line, SIZE_MAX);
    int rc = qn_terms_seek(it, QN_STR(""), err);
    while (rc == 0 && (rc = qn_terms_info(it, &info, err)) == 0) {
        qn_buf_clear(&line);
        qn_buf_printf(&line, "%u\t", info.df);
        put_term(&line, fd->type, it->term);
        qn_buf_put_u8(&line, '\n');
        rc = put(arg, qn_buf_str(&line));
        if (rc == 0)
            rc = qn_terms_next(it, err);
    }
    if (rc < 0)
        qn_err_prefix(err, "split " QN_STR_FMT ", field " QN_STR_FMT ": ",
                      QN_STR_ARG(qn_split_object(fd->sp)->name), QN_STR_ARG(fd->name));
    qn_buf_release(&line);
    qn_terms_iter_free(it);
    return rc == QN_END ? 0 : rc;
}

int qn_split_tool_dump_terms(struct qn_split_tool *tool, struct qn_str field,
                             qn_split_tool_put *put, void *arg, struct qn_err *err)
{
    struct qn_split_field *first;
    uint32_t n = qn_split_find_all(tool->sp, field, &first), found = 0;
    int rc = 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        rc = qn_split_use(first + i, err);
        const struct qn_terms *td = first[i].terms ? first[i].terms : first[i].column_terms;
        if (rc == 0 && td != NULL) {
            found++;
            rc = put_terms(first + i, td, put, arg, err);
        }
    }
    if (rc == 0 && found == 0)
        return qn_fail(err, QN_E_NOT_FOUND,
                       "split " QN_STR_FMT " has no field " QN_STR_FMT " with terms",
                       QN_STR_ARG(qn_split_object(tool->sp)->name), QN_STR_ARG(field));
    return rc;
}
