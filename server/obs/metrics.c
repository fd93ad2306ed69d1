#include "obs/metrics.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/vec.h"
#include "os/thread.h"

enum kind { COUNTER, GAUGE, SECONDS, BYTES };

struct row {
    enum kind kind;
    const char *name, *labels, *help;
};

static const struct row rows[QN_METRIC_COUNT] = {
#define XX(id, kind, name, labels, help) [QN_METRIC_##id] = {kind, "quern_" name, labels, help},
    QN_METRIC_MAP(XX)
#undef XX
};

/* Upper bounds, in microseconds and in bytes. */
static const uint64_t seconds_bounds[] = {
    100,    250,    500,    1000,    2500,    5000,    10000,    25000,    50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 100000000,
};
static const uint64_t bytes_bounds[] = {
    256,     1024,     4096,      16384,     65536,      262144,
    1 << 20, 4u << 20, 16u << 20, 64u << 20, 256u << 20, 1u << 30,
};
_Static_assert(QN_COUNT_OF(seconds_bounds) <= QN_METRIC_BOUNDS, "too many buckets");
_Static_assert(QN_COUNT_OF(bytes_bounds) <= QN_METRIC_BOUNDS, "too many buckets");

#define COLLECTORS_MAX 16

/* Cells lie a cache line apart by row, so that rows do not slow each other down. */
struct cells {
    _Alignas(QN_CACHE_LINE) _Atomic uint64_t v[QN_METRIC_LABELS];
};

struct qn_metrics {
    struct cells cells[QN_METRIC_COUNT];
    struct qn_histogram histograms[QN_METRIC_COUNT]; /* of SECONDS and BYTES rows */
    struct qn_mutex lock;
    struct {
        qn_collect_fn fn;
        void *ctx;
    } collectors[COLLECTORS_MAX];
    size_t n_collectors;
};

struct qn_metrics *qn_metrics_new(void)
{
    struct qn_metrics *ms = qn_xaligned(sizeof *ms);
    memset(ms, 0, sizeof *ms);
    qn_mutex_init(&ms->lock, QN_LOCK_LEAF);
    return ms;
}

void qn_metrics_free(struct qn_metrics *ms)
{
    if (ms == NULL)
        return;
    qn_mutex_release(&ms->lock);
    free(ms);
}

void qn_metrics_add(struct qn_metrics *ms, enum qn_metric id, unsigned label, uint64_t n)
{
    if (ms == NULL)
        return;
    QN_DASSERT(label < QN_METRIC_LABELS);
    /* relaxed: numbers for people, nothing is ordered by them */
    atomic_fetch_add_explicit(&ms->cells[id].v[label], n, memory_order_relaxed);
}

void qn_metrics_gauge(struct qn_metrics *ms, enum qn_metric id, unsigned label, int64_t delta)
{
    qn_metrics_add(ms, id, label, (uint64_t)delta);
}

void qn_metrics_set(struct qn_metrics *ms, enum qn_metric id, unsigned label, int64_t value)
{
    if (ms != NULL)
        atomic_store_explicit(&ms->cells[id].v[label], (uint64_t)value, memory_order_relaxed);
}

uint64_t qn_metrics_read(const struct qn_metrics *ms, enum qn_metric id, unsigned label)
{
    return atomic_load_explicit(&ms->cells[id].v[label], memory_order_relaxed);
}

static size_t bounds_of(enum kind kind, const uint64_t **bounds)
{
    *bounds = kind == SECONDS ? seconds_bounds : bytes_bounds;
    return kind == SECONDS ? QN_COUNT_OF(seconds_bounds) : QN_COUNT_OF(bytes_bounds);
}

void qn_metrics_observe(struct qn_metrics *ms, enum qn_metric id, uint64_t us_or_bytes)
{
    if (ms == NULL)
        return;
    const uint64_t *bounds;
    size_t n = bounds_of(rows[id].kind, &bounds), i = 0;
    while (i < n && us_or_bytes > bounds[i])
        i++;
    struct qn_histogram *hg = &ms->histograms[id];
    atomic_fetch_add_explicit(&hg->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hg->sum, us_or_bytes, memory_order_relaxed);
}

void qn_metrics_collect(struct qn_metrics *ms, qn_collect_fn fn, void *ctx)
{
    qn_mutex_lock(&ms->lock);
    QN_ASSERT(ms->n_collectors < COLLECTORS_MAX);
    ms->collectors[ms->n_collectors].fn = fn;
    ms->collectors[ms->n_collectors++].ctx = ctx;
    qn_mutex_unlock(&ms->lock);
}

void qn_metrics_family(struct qn_buf *out, const char *name, const char *type, const char *help)
{
    qn_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void qn_metrics_label(struct qn_buf *out, struct qn_str value)
{
    qn_buf_put_u8(out, '"');
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (c == '\n') {
            qn_buf_put_z(out, "\\n");
            continue;
        }
        if (c == '"' || c == '\\')
            qn_buf_put_u8(out, '\\');
        qn_buf_put_u8(out, (uint8_t)c);
    }
    qn_buf_put_u8(out, '"');
}

static void put_value(struct qn_buf *out, const struct row *row, uint64_t v)
{
    if (row->kind == GAUGE)
        qn_buf_printf(out, " %lld\n", (long long)v);
    else
        qn_buf_printf(out, " %llu\n", (unsigned long long)v);
}

static void render_cells(const struct qn_metrics *ms, enum qn_metric id, struct qn_buf *out)
{
    const struct row *row = &rows[id];
    struct qn_str labels = qn_str_of(row->labels), value;
    size_t eq = qn_str_find_byte(labels, '=');
    if (eq == SIZE_MAX) {
        qn_buf_put_z(out, row->name);
        put_value(out, row, qn_metrics_read(ms, id, 0));
        return;
    }
    struct qn_str key = qn_str_first(labels, eq), rest = qn_str_from(labels, eq + 1);
    for (unsigned i = 0; qn_str_split(&rest, '|', &value); i++) {
        QN_ASSERT(i < QN_METRIC_LABELS);
        qn_buf_printf(out, "%s{%.*s=", row->name, QN_STR_ARG(key));
        qn_metrics_label(out, value);
        qn_buf_put_u8(out, '}');
        put_value(out, row, qn_metrics_read(ms, id, i));
    }
}

static void render_histogram(const struct qn_metrics *ms, enum qn_metric id, struct qn_buf *out)
{
    const struct row *row = &rows[id];
    const struct qn_histogram *hg = &ms->histograms[id];
    const uint64_t *bounds;
    size_t n = bounds_of(row->kind, &bounds);
    double scale = row->kind == SECONDS ? 1e-6 : 1.0;
    uint64_t total = 0;
    for (size_t i = 0; i <= n; i++) {
        total += atomic_load_explicit(&hg->buckets[i], memory_order_relaxed);
        if (i < n)
            qn_buf_printf(out, "%s_bucket{le=\"%.10g\"} %llu\n", row->name,
                          (double)bounds[i] * scale, (unsigned long long)total);
        else
            qn_buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n", row->name,
                          (unsigned long long)total);
    }
    uint64_t sum = atomic_load_explicit(&hg->sum, memory_order_relaxed);
    qn_buf_printf(out, "%s_sum %.17g\n%s_count %llu\n", row->name, (double)sum * scale, row->name,
                  (unsigned long long)total);
}

void qn_metrics_render(struct qn_metrics *ms, struct qn_buf *out)
{
    static const char *const types[] = {
        [COUNTER] = "counter", [GAUGE] = "gauge", [SECONDS] = "histogram", [BYTES] = "histogram"};
    for (unsigned id = 0; id < QN_METRIC_COUNT; id++) {
        qn_metrics_family(out, rows[id].name, types[rows[id].kind], rows[id].help);
        if (rows[id].kind == COUNTER || rows[id].kind == GAUGE)
            render_cells(ms, id, out);
        else
            render_histogram(ms, id, out);
    }
    qn_mutex_lock(&ms->lock);
    size_t n = ms->n_collectors;
    qn_mutex_unlock(&ms->lock); /* collectors are only ever added: the first n stay as they are */
    for (size_t i = 0; i < n; i++)
        ms->collectors[i].fn(ms->collectors[i].ctx, out);
}
