/* Documents to typed values: reading the JSON alone, and with the walk, per line of NDJSON.
 *
 *     bench_schema_doc [MAPPING.json FILE.ndjson]    without: generated logs, half of them mapped
 *
 * MAPPING.json is an index config or a doc_mapping. One JSON line each: best of 5.
 *
 * links: simd
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "schema/doc.h"
#include "simd/ops.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct qn_str load(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    size_t n = (size_t)ftell(f);
    rewind(f);
    char *p = qn_xaligned(n);
    n = fread(p, 1, n, f);
    fclose(f);
    return qn_str_make(p, n);
}

static struct qn_str generate(void)
{
    const size_t want = (size_t)32 << 20;
    char *p = qn_xaligned(want + 1024);
    size_t n = 0;
    uint32_t x = 7;
    while (n < want) {
        x = x * 1664525 + 1013904223;
        n += (size_t)snprintf(
            p + n, 1024,
            "{\"timestamp\":\"2024-05-%02uT%02u:%02u:%02u.%03uZ\",\"severity\":\"INFO\","
            "\"service\":"
            "\"checkout\",\"host\":\"node-%u.prod.example.com\",\"client_ip\":\"10.%u.%u.%u\","
            "\"status\":%u,\"bytes\":%u,\"duration_ms\":%u.%03u,\"trace_id\":\"%08x%08x%08x%08x\","
            "\"cached\":%s,\"k8s\":{\"pod\":\"pod-%u\"},\"message\":\"request handled by worker "
            "%u\"}\n",
            1 + x / 200000000, x % 24, x % 60, x / 60 % 60, x % 1000, x % 64, x & 255, x >> 8 & 255,
            x >> 16 & 255, 200 + x % 5, x % 100000, x % 500, x % 1000, x, x * 3, x * 5, x * 7,
            x & 64 ? "true" : "false", x % 100, x % 16);
    }
    return qn_str_make(p, n);
}

static const char builtin[] =
    "{\"field_mappings\":[{\"name\":\"timestamp\",\"type\":\"datetime\",\"fast\":true},{\"name\":"
    "\"severity\","
    "\"type\":\"text\",\"tokenizer\":\"raw\"},{\"name\":\"client_ip\",\"type\":\"ip\"},{\"name\":"
    "\"status\","
    "\"type\":\"u64\"},{\"name\":\"bytes\",\"type\":\"i64\"},{\"name\":\"duration_ms\",\"type\":"
    "\"f64\"},{"
    "\"name\":\"message\",\"type\":\"text\"}],\"timestamp_field\":\"timestamp\"}";

static struct qn_mapping *mapping(struct qn_str text)
{
    struct qn_json_tape t;
    struct qn_json_val v;
    struct qn_mapping *m;
    struct qn_err err = {0};
    qn_json_tape_init(&t, NULL);
    int rc = qn_json_read_copy(&t, text, &err);
    if (rc == 0) {
        v = qn_json_root(&t);
        qn_json_get(v, "doc_mapping", &v);
        rc = qn_mapping_parse_quickwit(&m, v, &err);
    }
    if (rc < 0) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
    qn_json_tape_release(&t);
    return m;
}

struct totals {
    size_t docs, values, bad;
};

static void run(struct qn_doc_walker *dw, struct qn_json_tape *t, struct qn_str text, bool walk,
                struct totals *s)
{
    for (size_t at = 0; at < text.n;) {
        const char *from = text.p + at, *end = memchr(from, '\n', text.n - at);
        struct qn_str line = {from, end ? (size_t)(end - from) : text.n - at};
        struct qn_doc doc = {0};
        at += line.n + 1;
        int rc = walk ? qn_doc_read(dw, line, &doc, NULL) : qn_json_read(t, line, NULL);
        s->docs++;
        s->values += doc.n;
        s->bad += rc < 0;
    }
}

int main(int argc, char **argv)
{
    bool given = argc > 2;
    struct qn_mapping *m = mapping(given ? load(argv[1]) : qn_str_of(builtin));
    struct qn_str text = given ? load(argv[2]) : generate();
    const struct qn_simd_ops *simd = qn_simd_pick("auto");
    struct qn_doc_walker *dw = qn_doc_walker_new(m, simd);
    struct qn_json_tape t;
    qn_json_tape_init(
        &t, &(struct qn_json_options){.simd = simd, .paths = qn_doc_walker_json_paths(dw)});
    for (int walk = 0; walk < 2; walk++) {
        struct totals s;
        double best = 1e9;
        for (int i = 0; i < 5; i++) {
            s = (struct totals){0};
            double start = now();
            run(dw, &t, text, walk, &s);
            double took = now() - start;
            best = took < best ? took : best;
        }
        printf("{\"name\":\"%s\",\"bytes_per_s\":%.0f,\"ns_per_doc\":%.1f,\"ns_per_value\":%.2f,"
               "\"docs\":%zu,\"values\":%zu,\"bad\":%zu,\"simd\":\"%s\"}\n",
               walk ? "doc_read" : "json_read", (double)text.n / best, best * 1e9 / (double)s.docs,
               s.values ? best * 1e9 / (double)s.values : 0.0, s.docs, s.values, s.bad, simd->name);
    }
    qn_json_tape_release(&t);
    qn_doc_walker_free(dw);
    qn_mapping_unref(m);
    return 0;
}
