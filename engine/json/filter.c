#include "json/filter.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/bits.h"
#include "base/mem.h"

struct step {
    struct qn_str glob; /* of the response kind: of one key; of the source kind: of a whole path */
    bool any_depth;     /* "**" */
    bool last;          /* matching it matches the pattern */
};

/* Steps of the includes come before those of the excludes. A response walk keeps a set of active
 * steps per level: those that the next key may match. */
struct qn_json_filter {
    bool source;
    uint32_t n_include, n; /* steps */
    uint32_t n_words;      /* of a set */
    struct step *steps;
    uint64_t *start; /* the set at the root */
    struct qn_arena ar;
};

typedef QN_VEC(struct step) steps_vec;

static struct qn_json_filter *filter_new(void)
{
    struct qn_json_filter *f = qn_xcalloc(1, sizeof *f);
    qn_arena_init(&f->ar, NULL);
    return f;
}

void qn_json_filter_free(struct qn_json_filter *f)
{
    if (f == NULL)
        return;
    qn_arena_release(&f->ar);
    free(f);
}

/* Cuts one dotted path into steps; "\." is a dot inside a key. */
static void add_path(struct qn_json_filter *f, steps_vec *out, struct qn_str path)
{
    char *p = qn_arena_alloc(&f->ar, path.n + 1);
    size_t n = 0;
    for (size_t i = 0; i <= path.n; i++) {
        if (i < path.n && path.p[i] == '\\' && i + 1 < path.n && path.p[i + 1] == '.') {
            p[n++] = path.p[++i];
        } else if (i < path.n && path.p[i] != '.') {
            p[n++] = path.p[i];
        } else if (n > 0) { /* empty steps, as in "a..b", are ignored */
            struct step st = {.glob = {p, n}, .any_depth = n == 2 && memcmp(p, "**", 2) == 0};
            qn_vec_push(out, st);
            p += n;
            n = 0;
        }
    }
}

/* Copies the steps into the filter and prepares the set a walk starts with. */
static void finish(struct qn_json_filter *f, const steps_vec *in, const steps_vec *ex)
{
    f->n_include = (uint32_t)in->n;
    f->n = (uint32_t)(in->n + ex->n);
    f->n_words = (uint32_t)qn_bits_words(f->n);
    f->steps = qn_arena_array(&f->ar, struct step, f->n);
    f->start = qn_arena_zalloc(&f->ar, f->n_words * sizeof(uint64_t));
    for (uint32_t i = 0; i < f->n; i++)
        f->steps[i] = i < in->n ? in->p[i] : ex->p[i - in->n];
}

/* Activates step s; "**" also lets its successor match at once. */
static void activate(const struct qn_json_filter *f, uint64_t *set, uint32_t s)
{
    for (;; s++) {
        qn_bit_set(set, s);
        if (!f->steps[s].any_depth || f->steps[s].last)
            return;
    }
}

int qn_json_filter_paths(struct qn_json_filter **out, struct qn_str list, struct qn_err *err)
{
    struct qn_json_filter *f = filter_new();
    steps_vec in = {0}, ex = {0};
    QN_VEC(uint32_t) firsts = {0};
    struct qn_str rest = list.p ? list : QN_STR(""), part;
    int rc = 0;
    *out = NULL;
    while (qn_str_split(&rest, ',', &part)) {
        part = qn_str_trim(part);
        bool exclude = part.n > 0 && part.p[0] == '-';
        steps_vec *to = exclude ? &ex : &in;
        size_t before = to->n;
        add_path(f, to, qn_str_from(part, exclude));
        if (to->n == before)
            continue;
        to->p[to->n - 1].last = true;
        qn_vec_push(&firsts, (uint32_t)before | (exclude ? 1u << 31 : 0));
    }
    if (in.n + ex.n > QN_JSON_FILTER_STEPS)
        rc = qn_fail(err, QN_E_TOO_LARGE, "filter_path has more than %d steps",
                     QN_JSON_FILTER_STEPS);
    if (rc == 0 && firsts.n > 0) {
        finish(f, &in, &ex);
        for (size_t i = 0; i < firsts.n; i++) {
            uint32_t first = firsts.p[i] & ~(1u << 31);
            activate(f, f->start, firsts.p[i] >> 31 ? f->n_include + first : first);
        }
        *out = f;
        f = NULL;
    }
    qn_vec_release(&in);
    qn_vec_release(&ex);
    qn_vec_release(&firsts);
    qn_json_filter_free(f);
    return rc;
}

int qn_json_filter_source(struct qn_json_filter **out, const struct qn_str *includes,
                          size_t n_includes, const struct qn_str *excludes, size_t n_excludes,
                          struct qn_err *err)
{
    *out = NULL;
    if (n_includes + n_excludes > QN_JSON_FILTER_STEPS)
        return qn_fail(err, QN_E_TOO_LARGE, "_source has more than %d patterns",
                       QN_JSON_FILTER_STEPS);
    if (n_includes + n_excludes == 0)
        return 0;
    struct qn_json_filter *f = filter_new();
    steps_vec in = {0}, ex = {0};
    for (size_t i = 0; i < n_includes; i++)
        qn_vec_push(&in, ((struct step){.glob = qn_arena_str(&f->ar, includes[i])}));
    for (size_t i = 0; i < n_excludes; i++)
        qn_vec_push(&ex, ((struct step){.glob = qn_arena_str(&f->ar, excludes[i])}));
    finish(f, &in, &ex);
    f->source = true;
    qn_vec_release(&in);
    qn_vec_release(&ex);
    *out = f;
    return 0;
}

/* '*' only; '?' has no meaning in either kind. */
static bool star_match(struct qn_str pattern, struct qn_str s)
{
    size_t i = 0, j = 0, star = SIZE_MAX, resume = 0;
    while (j < s.n) {
        if (i < pattern.n && pattern.p[i] == '*') {
            star = i++;
            resume = j;
        } else if (i < pattern.n && pattern.p[i] == s.p[j]) {
            i++;
            j++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            j = ++resume;
        } else {
            return false;
        }
    }
    while (i < pattern.n && pattern.p[i] == '*')
        i++;
    return i == pattern.n;
}

void qn_json_filter_start(struct qn_json_filter_walk *fw, const struct qn_json_filter *f)
{
    *fw = (struct qn_json_filter_walk){.f = f};
    qn_buf_init(&fw->path, SIZE_MAX);
    uint8_t keep = QN_JSON_KEEP;
    if (f != NULL) {
        keep = f->n_include > 0 ? QN_JSON_DIVE : QN_JSON_PRUNE;
        for (uint32_t i = 0; !f->source && i < f->n_words; i++)
            qn_vec_push(&fw->sets, f->start[i]);
    }
    qn_vec_push(&fw->keep, keep);
    qn_vec_push(&fw->ends, 0);
}

void qn_json_filter_walk_release(struct qn_json_filter_walk *fw)
{
    qn_vec_release(&fw->sets);
    qn_vec_release(&fw->keep);
    qn_vec_release(&fw->ends);
    qn_buf_release(&fw->path);
}

/* One key of the response kind: steps the set of the level above. */
static enum qn_json_keep enter_response(struct qn_json_filter_walk *fw, struct qn_str key,
                                        enum qn_json_keep parent)
{
    const struct qn_json_filter *f = fw->f;
    size_t words = f->n_words, level = fw->keep.n;
    qn_vec_reserve(&fw->sets, (level + 1) * words);
    uint64_t *from = fw->sets.p + (level - 1) * words, *to = from + words;
    memset(to, 0, words * sizeof *to);
    fw->sets.n = (level + 1) * words;
    bool included = parent != QN_JSON_DIVE, excluded = false;
    for (uint32_t s = 0; s < f->n; s++) {
        const struct step *st = &f->steps[s];
        if (!qn_bit_get(from, s) || (!st->any_depth && !star_match(st->glob, key)))
            continue;
        if (st->any_depth)
            activate(f, to, s);
        if (st->last)
            *(s < f->n_include ? &included : &excluded) = true;
        else if (!st->any_depth)
            activate(f, to, s + 1);
    }
    if (excluded)
        return QN_JSON_DROP;
    bool more_in = false, more_ex = false;
    for (uint32_t s = 0; s < f->n; s++)
        if (qn_bit_get(to, s))
            *(s < f->n_include ? &more_in : &more_ex) = true;
    if (included)
        return more_ex ? QN_JSON_PRUNE : QN_JSON_KEEP;
    return more_in ? QN_JSON_DIVE : QN_JSON_DROP;
}

static enum qn_json_keep enter_source(struct qn_json_filter_walk *fw, struct qn_str key,
                                      enum qn_json_keep parent)
{
    const struct qn_json_filter *f = fw->f;
    bool included = parent != QN_JSON_DIVE, excludes = f->n > f->n_include;
    fw->path.n = fw->ends.p[fw->ends.n - 1];
    if (fw->ends.n > 1)
        qn_buf_put_u8(&fw->path, '.');
    qn_buf_put_str(&fw->path, key);
    for (uint32_t s = 0; s < f->n; s++) {
        if ((s < f->n_include && included) || !star_match(f->steps[s].glob, qn_buf_str(&fw->path)))
            continue;
        if (s >= f->n_include)
            return QN_JSON_DROP;
        included = true;
    }
    if (!included)
        return QN_JSON_DIVE;
    return excludes ? QN_JSON_PRUNE : QN_JSON_KEEP;
}

enum qn_json_keep qn_json_filter_enter(struct qn_json_filter_walk *fw, struct qn_str key)
{
    enum qn_json_keep parent = qn_json_filter_here(fw), keep = parent;
    if (parent == QN_JSON_DIVE || parent == QN_JSON_PRUNE)
        keep = fw->f->source ? enter_source(fw, key, parent) : enter_response(fw, key, parent);
    /* Below DROP and KEEP all share the verdict, and no set is read. */
    qn_vec_push(&fw->keep, (uint8_t)keep);
    qn_vec_push(&fw->ends, (uint32_t)fw->path.n);
    return keep;
}

void qn_json_filter_leave(struct qn_json_filter_walk *fw)
{
    QN_ASSERT(fw->keep.n > 1);
    fw->keep.n--;
    fw->ends.n--;
}

enum qn_json_keep qn_json_filter_here(const struct qn_json_filter_walk *fw)
{
    return (enum qn_json_keep)fw->keep.p[fw->keep.n - 1];
}

bool qn_json_filter_keeps_emptied(const struct qn_json_filter_walk *fw)
{
    return fw->f != NULL && fw->f->source && qn_json_filter_here(fw) == QN_JSON_PRUNE;
}
