/* The request target and the headers that are parsed by hand: never a crash, always within bounds,
 * and what is accepted is what the grammar allows. */
#include <stdint.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "http/media.h"
#include "http/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qn_str raw = qn_str_make(data, size);
    struct qn_arena ar;
    struct qn_target tg;
    struct qn_err err = {0};
    qn_arena_init(&ar, NULL);
    int rc = qn_target_parse(&tg, raw, &ar, &err);
    if (rc < 0)
        QN_ASSERT(err.code == rc && err.msg[0] != '\0' && tg.n_segments == 0);
    QN_ASSERT(tg.n_segments <= QN_TARGET_SEGMENTS && tg.n_args <= QN_TARGET_ARGS);
    for (size_t i = 0; i < tg.n_segments; i++) {
        QN_ASSERT(tg.segments[i].n > 0 && tg.segments[i].n <= size);
        QN_ASSERT(qn_utf8_invalid(tg.segments[i]) == SIZE_MAX);
        QN_ASSERT(qn_str_find_byte(tg.segments[i], '\0') == SIZE_MAX);
    }
    for (size_t i = 0; i < tg.n_args; i++) {
        QN_ASSERT(qn_utf8_invalid(tg.args[i].name) == SIZE_MAX);
        QN_ASSERT(qn_utf8_invalid(tg.args[i].value) == SIZE_MAX);
        QN_ASSERT(!tg.args[i].bare || tg.args[i].value.n == 0);
    }
    struct qn_media md = qn_media_parse(raw);
    QN_ASSERT(md.compatible >= 0 && md.compatible <= 9);
    QN_ASSERT(qn_media_negotiate(raw) != NULL);
    int q = qn_accept_quality(raw, "gzip");
    QN_ASSERT(q >= 0 && q <= 1000);
    qn_arena_release(&ar);
    return 0;
}
