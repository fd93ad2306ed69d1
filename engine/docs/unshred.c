#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "base/vec.h"
#include "docs/shred.h"

enum { SLOT = 1, RAW_STREAM = 0 };

struct un_shape {
    const char *text;
    size_t text_n;
    uint32_t slots_at, n_slots;
};

struct un_stream {
    const char *at, *end;
};

struct qn_unshredder {
    QN_VEC(struct un_shape) shapes;
    QN_VEC(uint32_t) slots;
    QN_VEC(struct un_stream) streams;
    const uint8_t *shape_ids, *shape_ids_end;
    uint32_t n_docs, at;
};

struct qn_unshredder *qn_unshredder_new(void)
{
    return qn_xcalloc(1, sizeof(struct qn_unshredder));
}

void qn_unshredder_free(struct qn_unshredder *un)
{
    if (un == NULL)
        return;
    qn_vec_release(&un->shapes);
    qn_vec_release(&un->slots);
    qn_vec_release(&un->streams);
    free(un);
}

uint32_t qn_unshredder_at(const struct qn_unshredder *un)
{
    return un->at;
}

static bool get(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    size_t n = qn_varint_get(*p, end, v);
    *p += n;
    return n != 0;
}

static size_t count_slots(const char *text, size_t n)
{
    size_t slots = 0;
    for (size_t i = 0; i < n; i++)
        slots += text[i] == SLOT;
    return slots;
}

static int read_shape(struct qn_unshredder *un, const uint8_t **p, const uint8_t *end,
                      struct qn_err *err)
{
    uint64_t text_n, n_slots, stream;
    if (!get(p, end, &text_n) || !get(p, end, &n_slots) || text_n > (size_t)(end - *p) ||
        n_slots > text_n)
        return qn_corrupt(err, "document block: a shape's lengths are off");
    struct un_shape s = {.slots_at = (uint32_t)un->slots.n, .n_slots = (uint32_t)n_slots};
    for (uint64_t i = 0; i < n_slots; i++) {
        if (!get(p, end, &stream) || stream > UINT32_MAX)
            return qn_corrupt(err, "document block: a shape's slots are cut short");
        qn_vec_push(&un->slots, (uint32_t)stream);
    }
    if (text_n > (size_t)(end - *p))
        return qn_corrupt(err, "document block: a shape's text is cut short");
    s.text = (const char *)*p;
    s.text_n = text_n;
    if (count_slots(s.text, s.text_n) != n_slots)
        return qn_corrupt(err, "document block: a shape's text and slots disagree");
    *p += text_n;
    qn_vec_push(&un->shapes, s);
    return 0;
}

/* Stream lengths are read before the place where streams start is known: ends first hold lengths.
 */
static int read_streams(struct qn_unshredder *un, const uint8_t **p, const uint8_t *end,
                        uint64_t *total, struct qn_err *err)
{
    uint64_t n_streams, n;
    if (!get(p, end, &n_streams) || n_streams > (size_t)(end - *p))
        return qn_corrupt(err, "document block: the stream count is off");
    *total = 0;
    for (uint64_t i = 0; i < n_streams; i++) {
        if (!get(p, end, &n) || n > (size_t)(end - *p) || *total + n > (size_t)(end - *p))
            return qn_corrupt(err, "document block: a stream's length is off");
        struct un_stream s = {(const char *)end - *total - n, NULL};
        s.end = s.at + n;
        qn_vec_push(&un->streams, s);
        *total += n;
    }
    /* Laid out from the front: mirror what was laid out from the back. */
    const char *at = (const char *)end - *total;
    for (size_t i = 0; i < un->streams.n; i++) {
        size_t len = (size_t)(un->streams.p[i].end - un->streams.p[i].at);
        un->streams.p[i] = (struct un_stream){at, at + len};
        at += len;
    }
    return 0;
}

int qn_unshredder_begin(struct qn_unshredder *un, struct qn_str payload, uint32_t n_docs,
                        struct qn_err *err)
{
    const uint8_t *p = (const uint8_t *)payload.p, *end = p + payload.n;
    qn_vec_clear(&un->shapes);
    qn_vec_clear(&un->slots);
    qn_vec_clear(&un->streams);
    un->at = 0;
    un->n_docs = n_docs;
    uint64_t n_shapes, total;
    if (!get(&p, end, &n_shapes) || n_shapes == 0 || n_shapes > payload.n)
        return qn_corrupt(err, "document block: the shape count is off");
    for (uint64_t i = 0; i < n_shapes; i++) {
        int rc = read_shape(un, &p, end, err);
        if (rc < 0)
            return rc;
    }
    int rc = read_streams(un, &p, end, &total, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < un->slots.n; i++)
        if (un->slots.p[i] >= un->streams.n)
            return qn_corrupt(err, "document block: a slot names stream %u of %zu", un->slots.p[i],
                              un->streams.n);
    un->shape_ids = p;
    un->shape_ids_end = end - total;
    if (n_shapes == 1 && un->shape_ids != un->shape_ids_end)
        return qn_corrupt(err, "document block: bytes left over before the streams");
    return 0;
}

/* The next value of a stream, without its terminator. */
static int next_value(struct un_stream *s, bool prefixed, struct qn_str *v, struct qn_err *err)
{
    if (prefixed) {
        const uint8_t *p = (const uint8_t *)s->at;
        uint64_t n;
        if (!get(&p, (const uint8_t *)s->end, &n) || n > (size_t)(s->end - (const char *)p))
            return qn_corrupt(err, "document block: a whole document is cut short");
        *v = (struct qn_str){(const char *)p, n};
        s->at = v->p + n;
        return 0;
    }
    const char *stop = s->at == s->end ? NULL : memchr(s->at, '\n', (size_t)(s->end - s->at));
    if (stop == NULL)
        return qn_corrupt(err, "document block: a stream has too few values");
    *v = (struct qn_str){s->at, (size_t)(stop - s->at)};
    s->at = stop + 1;
    return 0;
}

int qn_unshredder_next(struct qn_unshredder *un, struct qn_buf *out, struct qn_err *err)
{
    uint64_t id = 0;
    if (un->at >= un->n_docs)
        return qn_corrupt(err, "document block: asked for document %u of %u", un->at, un->n_docs);
    if (un->shapes.n > 1 && (!get(&un->shape_ids, un->shape_ids_end, &id) || id >= un->shapes.n))
        return qn_corrupt(err, "document block: document %u has no shape", un->at);
    const struct un_shape *s = &un->shapes.p[id];
    const char *t = s->text, *end = t + s->text_n;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        uint32_t stream = un->slots.p[s->slots_at + i];
        struct qn_str v;
        int rc = next_value(&un->streams.p[stream], stream == RAW_STREAM, &v, err);
        if (rc < 0)
            return rc;
        if (out == NULL)
            continue;
        const char *slot = memchr(t, SLOT, (size_t)(end - t));
        qn_buf_put(out, t, (size_t)(slot - t));
        qn_buf_put_str(out, v);
        t = slot + 1;
    }
    if (out != NULL)
        qn_buf_put(out, t, (size_t)(end - t));
    un->at++;
    return 0;
}
