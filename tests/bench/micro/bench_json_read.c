/* Reading NDJSON: our reader (scalar and AVX2, with and without key paths) next to yajl and
 * jansson.
 *
 *     bench_json_read [FILE.ndjson]     without a file: 32 MB of generated web logs
 *
 * Every parser visits every key and value of every line. One JSON line each: best of 5.
 *
 * links: yajl jansson simd
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <yajl/yajl_parse.h>

#include "base/mem.h"
#include "simd/ops.h"
#include "json/dom.h"
#include "json/reader.h"

struct totals {
    size_t docs, keys, strings, numbers, bytes;
};

struct input {
    char *p;
    size_t n;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The next line, without its newline; false at the end. */
static bool next_line(const struct input *in, size_t *at, struct qn_str *line)
{
    if (*at >= in->n)
        return false;
    const char *from = in->p + *at, *end = memchr(from, '\n', in->n - *at);
    line->p = from;
    line->n = end ? (size_t)(end - from) : in->n - *at;
    *at += line->n + 1;
    return true;
}

static void count_tape(const struct qn_json_tape *t, struct totals *s)
{
    for (uint32_t i = 0; i < t->n; i++) {
        uint8_t type = t->nodes[i].type;
        if (type == QN_JSON_KEY || type == QN_JSON_STRING) {
            s->bytes += qn_json_node_str(t, i).n;
            s->keys += type == QN_JSON_KEY;
            s->strings += type == QN_JSON_STRING;
        }
        s->numbers += type == QN_JSON_NUMBER;
    }
    s->docs++;
}

static int run_ours(const struct input *in, struct totals *s, const struct qn_simd_ops *simd,
                    bool with_paths)
{
    struct qn_json_paths paths;
    struct qn_json_tape t;
    qn_json_paths_init(&paths, 4096);
    qn_json_tape_init(&t,
                      &(struct qn_json_options){.simd = simd, .paths = with_paths ? &paths : NULL});
    struct qn_str line;
    struct qn_err err = {0};
    int rc = 0;
    for (size_t at = 0; rc == 0 && next_line(in, &at, &line);) {
        rc = qn_json_read(&t, line, &err);
        count_tape(&t, s);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", err.msg);
    qn_json_tape_release(&t);
    qn_json_paths_release(&paths);
    return rc;
}

static int on_key(void *ctx, const unsigned char *p, size_t n)
{
    (void)p;
    ((struct totals *)ctx)->keys++;
    ((struct totals *)ctx)->bytes += n;
    return 1;
}

static int on_string(void *ctx, const unsigned char *p, size_t n)
{
    (void)p;
    ((struct totals *)ctx)->strings++;
    ((struct totals *)ctx)->bytes += n;
    return 1;
}

static int on_number(void *ctx, const char *p, size_t n)
{
    (void)p, (void)n;
    ((struct totals *)ctx)->numbers++;
    return 1;
}

static int run_yajl(const struct input *in, struct totals *s)
{
    const yajl_callbacks cb = {
        .yajl_number = on_number, .yajl_string = on_string, .yajl_map_key = on_key};
    struct qn_str line;
    for (size_t at = 0; next_line(in, &at, &line);) {
        yajl_handle h = yajl_alloc(&cb, NULL, s);
        bool ok = yajl_parse(h, (const unsigned char *)line.p, line.n) == yajl_status_ok &&
                  yajl_complete_parse(h) == yajl_status_ok;
        yajl_free(h);
        if (!ok)
            return -1;
        s->docs++;
    }
    return 0;
}

static void count_jansson(json_t *v, struct totals *s)
{
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_object(v)) {
        json_object_foreach(v, key, child)
        {
            s->keys++;
            s->bytes += strlen(key);
            count_jansson(child, s);
        }
    } else if (json_is_array(v)) {
        json_array_foreach(v, i, child) count_jansson(child, s);
    } else if (json_is_string(v)) {
        s->strings++;
        s->bytes += json_string_length(v);
    } else if (json_is_number(v)) {
        s->numbers++;
    }
}

static int run_jansson(const struct input *in, struct totals *s)
{
    struct qn_str line;
    for (size_t at = 0; next_line(in, &at, &line);) {
        json_t *v = json_loadb(line.p, line.n, JSON_ALLOW_NUL, NULL);
        if (v == NULL)
            return -1;
        count_jansson(v, s);
        json_decref(v);
        s->docs++;
    }
    return 0;
}

enum who { OURS_SCALAR, OURS_AVX2, OURS_PATHS, YAJL, JANSSON, N_WHO };
static const char *const names[] = {"json_read_scalar", "json_read_avx2", "json_read_avx2_paths",
                                    "yajl", "jansson"};

static int run(enum who who, const struct input *in, struct totals *s)
{
    switch (who) {
    case OURS_SCALAR:
        return run_ours(in, s, NULL, true);
    case OURS_AVX2:
        return run_ours(in, s, qn_simd_level(QN_SIMD_AVX2), false);
    case OURS_PATHS:
        return run_ours(in, s, qn_simd_level(QN_SIMD_AVX2), true);
    case YAJL:
        return run_yajl(in, s);
    default:
        return run_jansson(in, s);
    }
}

static void generate(struct input *in)
{
    const size_t want = (size_t)32 << 20;
    in->p = qn_xaligned(want + 1024);
    uint32_t x = 7;
    while (in->n < want) {
        x = x * 1664525 + 1013904223;
        in->n += (size_t)snprintf(
            in->p + in->n, 1024,
            "{\"timestamp\":\"2024-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"severity\":\"INFO\","
            "\"service\":\"checkout\",\"host\":\"node-%u.prod.example.com\",\"client_ip\":"
            "\"10.%u.%u.%u\",\"method\":\"GET\",\"path\":\"/api/v1/users/%u\",\"status\":%u,"
            "\"bytes\":%u,\"duration_ms\":%u.%03u,\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64) "
            "AppleWebKit/537.36\",\"trace_id\":\"%08x%08x%08x%08x\",\"cached\":%s,\"message\":"
            "\"request with \\\"retry\\\" handled by worker %u\"}\n",
            1 + x % 12, 1 + x / 12 % 28, x % 24, x % 60, x / 60 % 60, x % 1000, x % 64, x & 255,
            x >> 8 & 255, x >> 16 & 255, x >> 4, 200 + x % 5, x % 100000, x % 500, x % 1000, x,
            x * 3, x * 5, x * 7, x & 64 ? "true" : "false", x % 16);
    }
}

static bool load(struct input *in, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        return false;
    }
    in->n = (size_t)ftell(f);
    rewind(f);
    in->p = qn_xaligned(in->n);
    in->n = fread(in->p, 1, in->n, f);
    fclose(f);
    return true;
}

int main(int argc, char **argv)
{
    struct input in = {0};
    if (argc > 1 ? !load(&in, argv[1]) : (generate(&in), false))
        return 1;
    for (int who = 0; who < N_WHO; who++) {
        struct totals s;
        double best = 1e9;
        if ((who == OURS_AVX2 || who == OURS_PATHS) && qn_simd_level(QN_SIMD_AVX2) == NULL)
            continue;
        for (int i = 0; i < (who < YAJL ? 5 : 2); i++) {
            s = (struct totals){0};
            double t = now();
            if (run((enum who)who, &in, &s) < 0)
                return 1;
            t = now() - t;
            best = t < best ? t : best;
        }
        printf("{\"name\":\"%s\",\"bytes_per_s\":%.0f,\"docs\":%zu,\"keys\":%zu,\"strings\":%zu,"
               "\"numbers\":%zu,\"string_bytes\":%zu}\n",
               names[who], (double)in.n / best, s.docs, s.keys, s.strings, s.numbers, s.bytes);
    }
    free(in.p);
    return 0;
}
