#include <string.h>

#include "split/split.h"

enum { VERIFY_STEP = 1 << 20 };

/* The checksum of a whole section is in the hot section, next to its range. */
static int verify_section(struct qn_split *sp, enum qn_split_section kind, uint32_t want,
                          struct qn_err *err)
{
    struct qn_range r = qn_split_section_range(sp, kind);
    uint32_t crc = 0;
    for (uint64_t at = 0; at < r.n; at += VERIFY_STEP) {
        uint64_t n = r.n - at < VERIFY_STEP ? r.n - at : VERIFY_STEP;
        struct qn_slice sl;
        int rc = qn_object_read(qn_split_object(sp), r.offset + at, n, &sl, err);
        if (rc < 0)
            return rc;
        crc = qn_split_simd(sp)->crc32c(crc, sl.p, n);
        qn_slice_release(&sl);
    }
    if (crc != want)
        return qn_corrupt(err, "section %s at %llu, %llu bytes, fails its checksum",
                          qn_split_section_name(kind), (unsigned long long)r.offset,
                          (unsigned long long)r.n);
    return 0;
}

static int verify_documents(struct qn_split *sp, struct qn_err *err)
{
    struct qn_docs_cursor *cu = qn_docs_cursor_new(qn_split_docs(sp));
    struct qn_buf out;
    int rc = 0;
    qn_buf_init(&out, SIZE_MAX);
    for (uint32_t i = 0; i < qn_split_doc_count(sp) && rc == 0; i++) {
        qn_buf_clear(&out);
        rc = qn_docs_get(cu, i, &out, err);
    }
    qn_buf_release(&out);
    qn_docs_cursor_free(cu);
    return rc;
}

static int verify_list(struct qn_cursor **cu, struct qn_split_field *fd, struct qn_terms_iter *it,
                       struct qn_err *err)
{
    struct qn_term_info info;
    int rc = qn_terms_info(it, &info, err);
    if (rc == 0)
        rc = *cu ? qn_cursor_reopen(*cu, fd->postings, &info, err)
                 : qn_cursor_open(cu, fd->postings, &info, err);
    uint32_t n = 0;
    while (rc == 0 && (rc = qn_cursor_next_block(*cu, err)) == 0) {
        n += (*cu)->n_ids;
        if (fd->postings->record != QN_RECORD_BASIC)
            rc = qn_cursor_codes(*cu, err);
        const uint32_t *pos, *start;
        if (rc == 0 && fd->postings->record == QN_RECORD_POSITION)
            rc = qn_cursor_block_positions(*cu, &pos, &start, err);
    }
    if (rc == QN_END && n != info.df)
        return qn_corrupt(err, "term %llu has %u postings, its entry says %u",
                          (unsigned long long)it->ord, n, info.df);
    return rc == QN_END ? 0 : rc;
}

static int verify_terms(struct qn_split_field *fd, const struct qn_terms *td, bool lists,
                        struct qn_err *err)
{
    struct qn_terms_iter *it = qn_terms_iter_new(td);
    struct qn_cursor *cu = NULL;
    int rc = qn_terms_seek(it, QN_STR(""), err);
    while (rc == 0) {
        if (lists)
            rc = verify_list(&cu, fd, it, err);
        if (rc == 0)
            rc = qn_terms_next(it, err);
    }
    qn_cursor_close(cu);
    qn_terms_iter_free(it);
    return rc == QN_END ? 0 : rc;
}

static int verify_column(const struct qn_column *col, struct qn_err *err)
{
    struct qn_column_cursor *cu = qn_column_cursor_new(col);
    int rc = 0;
    for (uint32_t b = 0; b < qn_column_blocks(col) && rc == 0; b++)
        rc = qn_column_load(cu, b, err);
    qn_column_cursor_free(cu);
    return rc;
}

static int verify_norms(const struct qn_norms *nr, struct qn_err *err)
{
    int rc = 0;
    for (uint32_t b = 0; b * 65536ull < nr->n_docs && rc == 0; b++) {
        struct qn_slice sl;
        rc = qn_norms_read(nr, b, &sl, err);
        qn_slice_release(&sl);
    }
    return rc;
}

static int verify_field(struct qn_split_field *fd, struct qn_err *err)
{
    int rc = 0;
    if (fd->terms != NULL)
        rc = verify_terms(fd, fd->terms, fd->postings != NULL, err);
    if (rc == 0 && fd->column_terms != NULL && fd->column_terms != fd->terms)
        rc = verify_terms(fd, fd->column_terms, false, err);
    if (rc == 0 && fd->column != NULL)
        rc = verify_column(fd->column, err);
    if (rc == 0 && fd->norms != NULL)
        rc = verify_norms(fd->norms, err);
    if (rc < 0)
        qn_err_prefix(err, "split " QN_STR_FMT ", field " QN_STR_FMT " (%s): ",
                      QN_STR_ARG(qn_split_object(fd->sp)->name), QN_STR_ARG(fd->name),
                      qn_split_type_name(fd->type));
    return rc;
}

int qn_split_verify(struct qn_split *sp, struct qn_err *err)
{
    int rc = 0;
    for (int k = QN_SECTION_DOCS; k < QN_SECTIONS_END && rc == 0; k++)
        rc = verify_section(sp, (enum qn_split_section)k, qn_split_section_crc(sp, k), err);
    if (rc == 0)
        rc = verify_documents(sp, err);
    if (rc < 0)
        qn_err_prefix(err, "split " QN_STR_FMT ": ", QN_STR_ARG(qn_split_object(sp)->name));
    for (uint32_t i = 0; i < qn_split_field_count(sp) && rc == 0; i++) {
        struct qn_split_field *fd = qn_split_field_at(sp, i);
        rc = qn_split_use(fd, err);
        if (rc == 0)
            rc = verify_field(fd, err);
    }
    return rc;
}
