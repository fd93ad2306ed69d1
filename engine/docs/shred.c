#include "docs/shred.h"

#include <emmintrin.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/vec.h"

enum { SLOT = 1, DEPTH_MAX = 64, RAW_STREAM = 0 };

struct span {
    uint32_t at, n;
};

struct shape {
    uint32_t text_at, text_n;   /* in shredder.texts */
    uint32_t slots_at, n_slots; /* in shredder.slots */
};

struct stream {
    uint64_t path; /* hash of the keys that lead to it */
    struct qn_buf bytes;
};

struct qn_shredder {
    QN_VEC(struct shape) shapes;
    QN_VEC(uint32_t) slots; /* stream of each slot of each shape */
    struct qn_buf texts;
    struct qn_map by_text; /* shape text (in `keys`) -> index */
    struct qn_arena keys;
    QN_VEC(struct stream) streams; /* the first n_streams are in use; the rest keep their memory */
    uint32_t n_streams;
    uint32_t *by_path; /* open addressing over streams, index + 1; power of two */
    uint32_t n_paths;
    QN_VEC(uint32_t) shape_of_doc;
    QN_VEC(struct span) values; /* of the document being split */
    QN_VEC(uint32_t) value_streams;
    struct qn_buf text; /* its shape, as far as known */
    size_t bytes;
    uint32_t last_shape; /* never the shape of whole documents */
};

struct qn_shredder *qn_shredder_new(void)
{
    struct qn_shredder *sh = qn_xcalloc(1, sizeof *sh);
    qn_arena_init(&sh->keys, NULL);
    qn_map_init(&sh->by_text, &sh->keys);
    qn_buf_init(&sh->texts, SIZE_MAX);
    qn_buf_init(&sh->text, SIZE_MAX);
    /* Empty documents have neither text nor slots: what is pointed into must exist all the same. */
    qn_buf_reserve(&sh->texts, 1);
    qn_vec_reserve(&sh->slots, 1);
    sh->last_shape = UINT32_MAX;
    sh->n_paths = 256;
    sh->by_path = qn_xcalloc(sh->n_paths, sizeof *sh->by_path);
    return sh;
}

void qn_shredder_free(struct qn_shredder *sh)
{
    if (sh == NULL)
        return;
    for (size_t i = 0; i < sh->streams.n; i++)
        qn_buf_release(&sh->streams.p[i].bytes);
    qn_vec_release(&sh->streams);
    qn_vec_release(&sh->shapes);
    qn_vec_release(&sh->slots);
    qn_vec_release(&sh->shape_of_doc);
    qn_vec_release(&sh->values);
    qn_vec_release(&sh->value_streams);
    qn_map_release(&sh->by_text);
    qn_arena_release(&sh->keys);
    qn_buf_release(&sh->texts);
    qn_buf_release(&sh->text);
    free(sh->by_path);
    free(sh);
}

uint32_t qn_shredder_docs(const struct qn_shredder *sh)
{
    return (uint32_t)sh->shape_of_doc.n;
}

size_t qn_shredder_bytes(const struct qn_shredder *sh)
{
    return sh->bytes;
}

static uint32_t *path_slot(struct qn_shredder *sh, uint64_t path)
{
    uint32_t mask = sh->n_paths - 1;
    uint32_t i = (uint32_t)(path >> 32) & mask;
    while (sh->by_path[i] != 0 && sh->streams.p[sh->by_path[i] - 1].path != path)
        i = (i + 1) & mask;
    return &sh->by_path[i];
}

static void grow_paths(struct qn_shredder *sh)
{
    free(sh->by_path);
    sh->n_paths *= 2;
    sh->by_path = qn_xcalloc(sh->n_paths, sizeof *sh->by_path);
    for (uint32_t i = 0; i < sh->n_streams; i++)
        *path_slot(sh, sh->streams.p[i].path) = i + 1;
}

/* Two paths with one hash share a stream, which costs compression and nothing else. */
static uint32_t stream_of_path(struct qn_shredder *sh, uint64_t path)
{
    uint32_t *slot = path_slot(sh, path);
    if (*slot != 0)
        return *slot - 1;
    if (sh->n_streams == sh->streams.n) {
        struct stream fresh = {0};
        qn_buf_init(&fresh.bytes, SIZE_MAX);
        qn_vec_push(&sh->streams, fresh);
    }
    uint32_t i = sh->n_streams++;
    sh->streams.p[i].path = path;
    *slot = i + 1;
    if (sh->n_streams * 2 > sh->n_paths)
        grow_paths(sh);
    return i;
}

/* Offset at or after `at` of the quote that ends a string, or SIZE_MAX when a control character or
 * the end comes first. Reads up to 15 bytes past the end. */
static size_t string_end(struct qn_str doc, size_t at)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'),
                  control = _mm_set1_epi8(0x1f);
    while (at < doc.n) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(doc.p + at));
        __m128i stop =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)),
                         _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned mask = (unsigned)_mm_movemask_epi8(stop);
        if (mask == 0) {
            at += 16;
            continue;
        }
        at += (unsigned)__builtin_ctz(mask);
        if (at >= doc.n)
            break;
        if (doc.p[at] == '"')
            return at;
        if (doc.p[at] != '\\')
            break;
        at += 2;
        if (at <= doc.n && (unsigned char)doc.p[at - 1] < 0x20)
            break;
    }
    return SIZE_MAX;
}

/* End of a number or literal: anything up to punctuation, white space or a quote. */
static size_t scalar_end(struct qn_str doc, size_t at)
{
    for (; at < doc.n; at++) {
        unsigned char c = (unsigned char)doc.p[at];
        if (c <= ' ' || c == ',' || c == '}' || c == ']' || c == '"' || c == '{' || c == '[' ||
            c == ':')
            break;
    }
    return at;
}

static void note_value(struct qn_shredder *sh, size_t at, size_t n)
{
    qn_vec_push(&sh->values, ((struct span){(uint32_t)at, (uint32_t)n}));
}

/* Is the document of this shape? Leaves its values in sh->values. */
static bool fits_shape(struct qn_shredder *sh, const struct shape *shape, struct qn_str doc)
{
    const char *t = sh->texts.p + shape->text_at;
    size_t left = shape->text_n, at = 0;
    qn_vec_clear(&sh->values);
    for (uint32_t i = 0; i < shape->n_slots; i++) {
        const char *slot = memchr(t, SLOT, left);
        size_t piece = (size_t)(slot - t);
        if (doc.n - at < piece || memcmp(doc.p + at, t, piece) != 0)
            return false;
        at += piece;
        bool string = piece > 0 && slot[-1] == '"' && left > piece + 1 && slot[1] == '"';
        size_t end = string ? string_end(doc, at) : scalar_end(doc, at);
        if (end == SIZE_MAX || (!string && end == at))
            return false;
        note_value(sh, at, end - at);
        at = end;
        t += piece + 1;
        left -= piece + 1;
    }
    return doc.n - at == left && memcmp(doc.p + at, t, left) == 0;
}

/* Where the walk over one document stands. */
struct walk {
    struct qn_str doc;
    size_t at, copied; /* text up to here is in sh->text */
    uint64_t path;     /* of the key read last */
    uint64_t paths[DEPTH_MAX];
    bool in_object[DEPTH_MAX];
    unsigned depth;
    bool expect_key;
};

static void add_slot(struct qn_shredder *sh, struct walk *w, size_t end)
{
    qn_buf_put(&sh->text, w->doc.p + w->copied, w->at - w->copied);
    qn_buf_put_u8(&sh->text, SLOT);
    note_value(sh, w->at, end - w->at);
    qn_vec_push(&sh->value_streams, stream_of_path(sh, w->path | 1));
    w->copied = w->at = end;
}

static bool walk_string(struct qn_shredder *sh, struct walk *w)
{
    size_t from = ++w->at, end = string_end(w->doc, from);
    if (end == SIZE_MAX)
        return false;
    if (w->expect_key) {
        uint64_t parent = w->depth > 0 ? w->paths[w->depth - 1] : 0;
        w->path = qn_hash_u64(parent ^ qn_hash(w->doc.p + from, end - from));
        w->expect_key = false;
        w->at = end;
    } else {
        add_slot(sh, w, end);
    }
    w->at++;
    return true;
}

static bool walk_byte(struct qn_shredder *sh, struct walk *w, char c)
{
    switch (c) {
    case '"':
        return walk_string(sh, w);
    case '{':
    case '[':
        if (w->depth == DEPTH_MAX)
            return false;
        w->in_object[w->depth] = c == '{';
        w->paths[w->depth++] = w->path;
        w->expect_key = c == '{';
        w->at++;
        return true;
    case '}':
    case ']':
        if (w->depth == 0)
            return false;
        w->depth--;
        w->expect_key = false;
        w->at++;
        return true;
    case ',':
        w->expect_key = w->depth > 0 && w->in_object[w->depth - 1];
        if (w->depth > 0)
            w->path = w->paths[w->depth - 1];
        w->at++;
        return true;
    case ':':
    case ' ':
    case '\t':
    case '\n':
    case '\r':
        w->at++;
        return true;
    default:
        if ((unsigned char)c < ' ')
            return false;
        add_slot(sh, w, scalar_end(w->doc, w->at));
        return true;
    }
}

/* Splits the document; false when it has to be kept whole. */
static bool split_document(struct qn_shredder *sh, struct qn_str doc)
{
    struct walk w;
    w.doc = doc;
    w.at = w.copied = 0;
    w.path = 0;
    w.depth = 0;
    w.expect_key = false;
    qn_vec_clear(&sh->values);
    qn_vec_clear(&sh->value_streams);
    qn_buf_clear(&sh->text);
    while (w.at < doc.n)
        if (!walk_byte(sh, &w, doc.p[w.at]))
            return false;
    qn_buf_put(&sh->text, doc.p + w.copied, doc.n - w.copied);
    return true;
}

static uint32_t shape_of_text(struct qn_shredder *sh)
{
    bool made;
    struct qn_map_entry *e = qn_map_put(&sh->by_text, qn_buf_str(&sh->text), &made);
    /* Equal texts have equal keys in equal places, and so equal streams. */
    if (made) {
        e->u64 = sh->shapes.n;
        struct shape fresh = {(uint32_t)sh->texts.n, (uint32_t)sh->text.n, (uint32_t)sh->slots.n,
                              (uint32_t)sh->value_streams.n};
        qn_buf_put_str(&sh->texts, qn_buf_str(&sh->text));
        for (size_t i = 0; i < sh->value_streams.n; i++)
            qn_vec_push(&sh->slots, sh->value_streams.p[i]);
        qn_vec_push(&sh->shapes, fresh);
    }
    return (uint32_t)e->u64;
}

static void keep_whole(struct qn_shredder *sh, struct qn_str doc)
{
    qn_vec_clear(&sh->value_streams);
    qn_vec_push(&sh->value_streams, (uint32_t)RAW_STREAM);
    qn_buf_clear(&sh->text);
    qn_buf_put_u8(&sh->text, SLOT);
    uint32_t shape = shape_of_text(sh);
    qn_vec_push(&sh->shape_of_doc, shape);
    qn_buf_put_varint(&sh->streams.p[RAW_STREAM].bytes, doc.n);
    qn_buf_put_str(&sh->streams.p[RAW_STREAM].bytes, doc);
}

static void append_values(struct qn_shredder *sh, const struct shape *shape, struct qn_str doc)
{
    const uint32_t *slots = sh->slots.p + shape->slots_at;
    for (uint32_t i = 0; i < shape->n_slots; i++) {
        struct qn_buf *b = &sh->streams.p[slots[i]].bytes;
        struct span v = sh->values.p[i];
        if (qn_buf_reserve(b, v.n + 1)) {
            memcpy(b->p + b->n, doc.p + v.at, v.n);
            b->p[b->n + v.n] = '\n';
            b->n += v.n + 1;
        }
    }
}

void qn_shredder_add(struct qn_shredder *sh, struct qn_str doc)
{
    if (sh->n_streams == 0)
        (void)stream_of_path(sh, RAW_STREAM); /* paths of values are odd: this one is its own */
    sh->bytes += doc.n;
    uint32_t shape = sh->last_shape;
    if (shape >= sh->shapes.n || !fits_shape(sh, &sh->shapes.p[shape], doc)) {
        /* A lone scalar has the text of a whole document; let it be one. */
        if (!split_document(sh, doc) || sh->text.n == 1) {
            keep_whole(sh, doc);
            return;
        }
        shape = shape_of_text(sh);
    }
    sh->last_shape = shape;
    append_values(sh, &sh->shapes.p[shape], doc);
    qn_vec_push(&sh->shape_of_doc, shape);
}

static void put_shapes(const struct qn_shredder *sh, struct qn_buf *out)
{
    qn_buf_put_varint(out, sh->shapes.n);
    for (size_t i = 0; i < sh->shapes.n; i++) {
        const struct shape *s = &sh->shapes.p[i];
        qn_buf_put_varint(out, s->text_n);
        qn_buf_put_varint(out, s->n_slots);
        for (uint32_t k = 0; k < s->n_slots; k++)
            qn_buf_put_varint(out, sh->slots.p[s->slots_at + k]);
        qn_buf_put(out, sh->texts.p + s->text_at, s->text_n);
    }
}

static void start_over(struct qn_shredder *sh)
{
    for (uint32_t i = 0; i < sh->n_streams; i++)
        qn_buf_clear(&sh->streams.p[i].bytes);
    memset(sh->by_path, 0, sh->n_paths * sizeof *sh->by_path);
    sh->n_streams = 0;
    qn_vec_clear(&sh->shapes);
    qn_vec_clear(&sh->slots);
    qn_vec_clear(&sh->shape_of_doc);
    qn_buf_clear(&sh->texts);
    qn_map_release(&sh->by_text);
    qn_arena_reset(&sh->keys);
    sh->bytes = 0;
    sh->last_shape = UINT32_MAX;
}

void qn_shredder_finish(struct qn_shredder *sh, struct qn_buf *out)
{
    put_shapes(sh, out);
    qn_buf_put_varint(out, sh->n_streams);
    for (uint32_t i = 0; i < sh->n_streams; i++)
        qn_buf_put_varint(out, sh->streams.p[i].bytes.n);
    if (sh->shapes.n > 1)
        for (size_t i = 0; i < sh->shape_of_doc.n; i++)
            qn_buf_put_varint(out, sh->shape_of_doc.p[i]);
    for (uint32_t i = 0; i < sh->n_streams; i++)
        qn_buf_put_str(out, qn_buf_str(&sh->streams.p[i].bytes));
    start_over(sh);
}
