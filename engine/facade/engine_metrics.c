/* The engine's numbers as Prometheus text. */
#include "engine_int.h"
#include "journal/journal.h"

#define U(x) ((unsigned long long)(x))

static void family(struct qn_buf *out, const char *prefix, const char *name, const char *type,
                   const char *help)
{
    qn_buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name, type);
}

/* Bucket i of these histograms counts values below 2^(i+1) microseconds. */
static void put_sync(const struct qn_journal_histogram *h, const char *prefix, struct qn_buf *out)
{
    const char *name = "journal_sync_duration_seconds";
    uint64_t below = 0;
    family(out, prefix, name, "histogram", "One flush of the journal to the disk.");
    for (size_t i = 0; i < QN_JOURNAL_BUCKETS; i++) {
        below += h->bucket[i];
        if (i >= 5 && i + 1 < QN_JOURNAL_BUCKETS) /* from 64 us on */
            qn_buf_printf(out, "%s%s_bucket{le=\"%g\"} %llu\n", prefix, name,
                          (double)(2ull << i) / 1e6, U(below));
    }
    qn_buf_printf(out, "%s%s_bucket{le=\"+Inf\"} %llu\n%s%s_sum %g\n%s%s_count %llu\n", prefix,
                  name, U(h->n), prefix, name, (double)h->sum / 1e6, prefix, name, U(h->n));
}

static void put_journal(struct qn_engine *en, const char *prefix, struct qn_buf *out)
{
    struct qn_journal_stats st;
    struct qn_journal_health health;
    qn_journal_stats(en->journal, &st);
    qn_journal_health(en->journal, &health);
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"journal_healthy", "gauge",
         "1 when documents are accepted, 0 while the disk refuses them.", health.code == 0},
        {"journal_records", "gauge", "Records that can be read.", st.end - st.first},
        {"journal_segments", "gauge", "Segment files.", st.n_segments},
        {"journal_disk_bytes", "gauge", "Bytes of the segment files.", st.disk_bytes},
        {"journal_queued_bytes", "gauge", "Bytes waiting to be durable.", st.queued_bytes},
        {"journal_appended_batches_total", "counter", "Batches made durable.", st.appended_batches},
        {"journal_appended_records_total", "counter", "Records made durable.", st.appended_ops},
        {"journal_appended_bytes_total", "counter", "Bytes of records made durable.",
         st.appended_bytes},
        {"journal_written_bytes_total", "counter", "Bytes written, after compression.",
         st.frame_bytes},
        {"journal_failed_batches_total", "counter", "Batches that the disk did not take.",
         st.failed_batches},
        {"journal_refused_total", "counter", "Batches refused for lack of room.", st.refused_count},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        family(out, prefix, rows[i].name, rows[i].type, rows[i].help);
        qn_buf_printf(out, "%s%s %llu\n", prefix, rows[i].name, U(rows[i].value));
    }
    put_sync(&st.sync_us, prefix, out);
}

static void put_storage(struct qn_engine *en, const char *prefix, struct qn_buf *out)
{
    static const char *const names[] = {"storage_operations_total", "storage_errors_total",
                                        "storage_bytes_total"};
    static const char *const help[] = {"Operations on objects.", "Operations that failed.",
                                       "Bytes read or written."};
    for (size_t i = 0; i < QN_COUNT_OF(names); i++) {
        family(out, prefix, names[i], "counter", help[i]);
        for (int op = 0; op < QN_STORAGE_OP_COUNT; op++) {
            const struct qn_storage_account *ac =
                qn_storage_account(en->indexes, (enum qn_storage_op)op);
            const _Atomic uint64_t *const counts[] = {&ac->n, &ac->errors, &ac->bytes};
            qn_buf_printf(out, "%s%s{operation=\"%s\"} %llu\n", prefix, names[i],
                          qn_storage_op_name((enum qn_storage_op)op),
                          U(atomic_load_explicit(counts[i], memory_order_relaxed))); /* a count */
        }
    }
}

void qn_engine_metrics(struct qn_engine *en, const char *prefix, struct qn_buf *out)
{
    put_journal(en, prefix, out);
    put_storage(en, prefix, out);
}
