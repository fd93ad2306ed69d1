/* Replays whatever bytes stand in a journal's directory.
 *
 * Input: flags, u16 length of the first segment file, that file, the second one. The flags say
 * which checksums are made right first, so that what lies behind them is reached: 1 segment heads,
 * 2 frame heads, 4 frame payloads, 8 records in frames that are stored raw; 16: no second file.
 *
 * Opening and reading may fail, but must say so; what a record decodes to must encode to the same
 * bytes; after a repair the journal must open and read to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/journal.h"
#include "journal/journal_salvage.h"
#include "journal_frame_int.h"
#include "journal_segment_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIX_SEGMENT = 1, FIX_FRAME = 2, FIX_PAYLOAD = 4, FIX_RECORD = 8, ONE_FILE = 16 };

static uint32_t get_u32(const char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static void set_crc(char *p, uint32_t seed, const char *from, size_t n,
                    const struct qn_simd_ops *simd)
{
    uint32_t crc = simd->crc32c(seed, from, n);
    memcpy(p, &crc, 4);
}

static void fix_records(char *p, size_t n, const struct qn_simd_ops *simd)
{
    while (n >= QN_RECORD_HEAD_BYTES) {
        uint32_t size = get_u32(p);
        if (size < QN_RECORD_HEAD_BYTES || size > n)
            return;
        set_crc(p + 40, 0, p + QN_RECORD_HEAD_BYTES, size - QN_RECORD_HEAD_BYTES, simd);
        set_crc(p + 4, 0, p + 8, QN_RECORD_HEAD_BYTES - 8, simd);
        p += size;
        n -= size;
    }
}

static void fix_block(char *p, size_t n, const struct qn_simd_ops *simd)
{
    struct qn_block_head bh;
    if (qn_block_open(&bh, p, n, n, NULL) == 0 && bh.codec == QN_BLOCK_RAW)
        fix_records(p + bh.head_bytes, bh.raw_bytes, simd);
}

static void fix_file(char *p, size_t n, uint64_t ordinal, unsigned flags,
                     const struct qn_simd_ops *simd)
{
    uint8_t id[16] = {0};
    if (n < QN_SEGMENT_HEAD_BYTES)
        return;
    if (flags & FIX_SEGMENT) {
        memcpy(p, "QNJOURNL", 8);
        memcpy(p + 16, id, 16);
        memcpy(p + 32, &ordinal, 8);
        set_crc(p + 8, 0, p + 12, QN_SEGMENT_HEAD_BYTES - 12, simd);
    }
    uint32_t salt = qn__segment_salt(id, ordinal, simd);
    for (size_t at = QN_SEGMENT_HEAD_BYTES; at + QN_FRAME_HEAD_BYTES <= n; at += QN_FRAME_ALIGN) {
        char *h = p + at;
        if (memcmp(h, "QJF1", 4) != 0)
            continue;
        uint32_t stored = get_u32(h + 40);
        if ((flags & FIX_RECORD) && stored <= n - at - QN_FRAME_HEAD_BYTES)
            fix_block(h + QN_FRAME_HEAD_BYTES, stored, simd);
        if ((flags & FIX_RECORD) && h[52] == QN_FRAME_ONE && n - at >= 2 * QN_FRAME_HEAD_BYTES)
            set_crc(h + QN_FRAME_HEAD_BYTES + 4, 0, h + QN_FRAME_HEAD_BYTES + 8,
                    QN_RECORD_HEAD_BYTES - 8, simd);
        if ((flags & FIX_PAYLOAD) && stored <= n - at - QN_FRAME_HEAD_BYTES)
            set_crc(h + 48, 0, h + QN_FRAME_HEAD_BYTES, stored, simd);
        if (flags & FIX_FRAME)
            set_crc(h + 4, salt, h + 8, QN_FRAME_HEAD_BYTES - 8, simd);
    }
}

static void write_file(const char *dir, uint64_t ordinal, const uint8_t *data, size_t n,
                       unsigned flags, const struct qn_simd_ops *simd)
{
    char name[QN_SEGMENT_NAME_BYTES];
    char *bytes = malloc(n + 1);
    memcpy(bytes, data, n);
    fix_file(bytes, n, ordinal, flags, simd);
    qn__segment_name(name, ordinal);
    char *path = qn_path_join(dir, qn_str_of(name));
    FILE *f = fopen(path, "wb");
    QN_ASSERT(f != NULL && fwrite(bytes, 1, n, f) == n);
    fclose(f);
    free(path);
    free(bytes);
}

static void check_record(const struct qn_record *rec, struct qn_record_writer *wr,
                         const struct qn_simd_ops *simd)
{
    struct qn_record_header h;
    qn_record_begin(wr, rec->kind, &rec->origin);
    for (size_t at = 0; qn_record_next_header(rec, &at, &h);)
        qn_record_put_header(wr, h.name, h.value);
    for (uint32_t i = 0; i < rec->n_ops; i++) {
        struct qn_op op = qn_record_op(rec, i);
        qn_record_put_op(wr, &op);
    }
    int rc = qn_record_finish(wr, simd);
    QN_ASSERT(rc == 0);
    qn_record_place(wr->buf.p, rec->seq, rec->stamp, simd);
    QN_ASSERT(qn_str_eq(qn_buf_str(&wr->buf), rec->bytes));
}

/* The code that ended the reading. */
static int read_all(struct qn_journal *j, struct qn_record_writer *wr,
                    const struct qn_simd_ops *simd)
{
    struct qn_journal_reader *rd;
    struct qn_batch *b;
    struct qn_err err = {0};
    uint64_t last = 0;
    int rc = qn_journal_reader_open(&rd, j, qn_journal_first(j), &err);
    QN_ASSERT(rc == 0);
    while ((rc = qn_journal_reader_next(rd, &b, &err)) == 0) {
        QN_ASSERT(b->rec.seq > last || last == 0);
        last = b->rec.seq;
        check_record(&b->rec, wr, simd);
        qn_batch_unref(b);
    }
    QN_ASSERT(rc == QN_END || err.msg[0] != '\0');
    qn_journal_reader_close(rd);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    unsigned flags = data[0];
    size_t n = data[1] | (size_t)data[2] << 8;
    data += 3;
    size -= 3;
    n = n < size ? n : size;
    char dir[64];
    snprintf(dir, sizeof dir, "%s/qn-fuzz-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    QN_ASSERT(mkdtemp(dir) != NULL);
    write_file(dir, 1, data, n, flags, simd);
    if (!(flags & ONE_FILE))
        write_file(dir, 2, data + n, size - n, flags, simd);

    struct qn_journal_options opt;
    struct qn_journal *j;
    struct qn_err err = {0};
    struct qn_record_writer wr;
    qn_record_init(&wr);
    qn_journal_options_default(&opt);
    opt.dir = dir;
    opt.simd = simd;
    int rc = qn_journal_open(&j, &opt, NULL, &err);
    QN_ASSERT(rc == 0 || err.msg[0] != '\0');
    if (rc == 0) {
        rc = read_all(j, &wr, simd);
        qn_journal_close(j);
    }
    struct qn_journal_check_result found;
    err = (struct qn_err){0};
    const struct qn_journal_check_options check = {
        .fs = opt.fs, .dir = dir, .simd = simd, .repair = true};
    int checked = qn_journal_check(&check, &found, &err);
    QN_ASSERT(checked == 0 || checked == QN_E_FORMAT_VERSION);
    QN_ASSERT(rc == QN_END || checked < 0 || found.n_findings > 0);
    if (checked == 0) {
        rc = qn_journal_open(&j, &opt, NULL, &err);
        if (rc < 0)
            qn_panic(__FILE__, __LINE__, "after the repair: %s", err.msg);
        rc = read_all(j, &wr, simd);
        QN_ASSERT(rc == QN_END);
        qn_journal_close(j);
    }
    qn_record_release(&wr);
    rc = qn_fs_remove_tree(opt.fs, dir, NULL);
    QN_ASSERT(rc == 0);
    return 0;
}
