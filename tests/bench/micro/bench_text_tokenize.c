/* Tokens a second: bench_text_tokenize [FILE [ANALYZER ...]], one text a line; without a file,
 * generated log lines. One JSON line per analyzer and SIMD level. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/vec.h"
#include "simd/ops.h"
#include "tokenizer.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void generate(struct qn_buf *b)
{
    static const char *const words[] = {"GET",  "/api/v1/users", "status=200", "took", "error:",
                                        "Time", "connection",    "reset",      "by",   "peer"};
    uint64_t r = 88172645463325252ull;
    while (b->n < 32u << 20) {
        for (int i = 0; i < 14; i++) {
            r ^= r << 13;
            r ^= r >> 7;
            r ^= r << 17;
            if (i % 4 == 3)
                qn_buf_printf(b, "%llx ", (unsigned long long)(r & 0xffffff));
            else
                qn_buf_printf(b, "%s ", words[r % QN_COUNT_OF(words)]);
        }
        qn_buf_put_u8(b, '\n');
    }
}

static void bench(struct qn_str text, const char *name, const struct qn_simd_ops *ops)
{
    const struct qn_analyzer *an = qn_analyzer_find(qn_str_of(name));
    struct qn_text_scratch *scr = qn_text_scratch_new(ops);
    double best = 1e9;
    uint64_t tokens = 0, bytes = 0;
    if (an == NULL) {
        fprintf(stderr, "no analyzer %s\n", name);
        exit(1);
    }
    for (int round = 0; round < 5; round++) {
        struct qn_str rest = text, line;
        double t0 = now();
        tokens = bytes = 0;
        while (qn_str_split(&rest, '\n', &line)) {
            const struct qn_token *t;
            int n;
            qn_analyze_begin(scr, an, line);
            while ((n = qn_analyze_next(scr, &t)) > 0) {
                tokens += (uint64_t)n;
                bytes += t[n - 1].len;
            }
        }
        double took = now() - t0;
        best = took < best ? took : best;
    }
    printf("{\"name\":\"text_tokenize\",\"analyzer\":\"%s\",\"simd\":\"%s\",\"mb_per_s\":%.0f,"
           "\"mtok_per_s\":%.1f,\"ns_per_token\":%.1f,\"tokens\":%llu}\n",
           name, ops->name, (double)text.n / best / 1e6, (double)tokens / best / 1e6,
           best * 1e9 / (double)(tokens ? tokens : 1), (unsigned long long)tokens);
    qn_text_scratch_free(scr);
}

int main(int argc, char **argv)
{
    static char *all[] = {"default",
                          "chinese_compatible",
                          "whitespace",
                          "source_code_default",
                          "unicode_segmenter",
                          "standard",
                          "english",
                          "en_stem",
                          "raw",
                          "simple"};
    struct qn_buf text;
    qn_buf_init(&text, SIZE_MAX);
    FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
    if (f != NULL) {
        char block[65536];
        size_t n;
        while ((n = fread(block, 1, sizeof block, f)) > 0 && text.n < 256u << 20)
            qn_buf_put(&text, block, n);
        fclose(f);
    } else {
        generate(&text);
    }
    qn_buf_reserve(&text, 64);
    int n = argc > 2 ? argc - 2 : (int)QN_COUNT_OF(all);
    for (int i = 0; i < n; i++) {
        const char *name = argc > 2 ? argv[i + 2] : all[i];
        bench(qn_buf_str(&text), name, qn_simd_pick("auto"));
        if (i == 0)
            bench(qn_buf_str(&text), name, qn_simd_pick("scalar"));
    }
    qn_buf_release(&text);
    return 0;
}
