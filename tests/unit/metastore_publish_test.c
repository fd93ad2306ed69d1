/* Publish: its rules one by one, against a model, by many threads at once, and killed in the
 * middle. */
#include "test.h"
#include "tmpdir.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "metastore/metastore.h"
#include "os/file.h"
#include "os/thread.h"

struct fixture {
    char dir[64];
    char uri[128];
    struct qn_arena ar;
    struct qn_metastore *ms;
    struct qn_str uid;
};

#define S(z) qn_str_of(z)

static int setup_uri(void **state, bool ram)
{
    struct fixture *fx = qn_xcalloc(1, sizeof *fx);
    if (!qn_test_dir(fx->dir))
        return -1;
    if (ram)
        snprintf(fx->uri, sizeof fx->uri, "ram://");
    else
        snprintf(fx->uri, sizeof fx->uri, "%s/meta.sqlite", fx->dir);
    qn_arena_init(&fx->ar, NULL);
    struct qn_meta_index ix;
    int rc = qn_meta_open(&fx->ms, S(fx->uri), NULL, NULL);
    if (rc == QN_OK)
        rc = qn_meta_create_index(fx->ms, S("logs"), QN_STR("{}"), &fx->ar, &ix, NULL);
    fx->uid = ix.index_uid;
    *state = fx;
    return rc;
}

static int setup_disk(void **state)
{
    return setup_uri(state, false);
}

static int setup_ram(void **state)
{
    return setup_uri(state, true);
}

static int teardown(void **state)
{
    struct fixture *fx = *state;
    qn_meta_close(fx->ms);
    qn_arena_release(&fx->ar);
    int rc = qn_fs_remove_tree(qn_fs_posix(), fx->dir, NULL);
    free(fx);
    return rc;
}

static int number(struct qn_str s)
{
    int64_t v = 0;
    return s.n != 0 && qn_str_to_i64(s, &v) == QN_OK ? (int)v : 0;
}

static void stage(struct fixture *fx, const char *id)
{
    struct qn_meta_split sp = {.split_id = S(id), .doc_count = 10};
    assert_ok(qn_meta_stage(fx->ms, fx->uid, &sp, 1, NULL));
}

/* "A1 B2 C4 @7": splits with their states, then the position of source s, partition p. */
static void assert_store(struct fixture *fx, const char *want)
{
    struct qn_meta_split *sp;
    struct qn_meta_position *po;
    size_t n, at = 0;
    char got[256] = "";
    assert_ok(
        qn_meta_list_splits(fx->ms, &(struct qn_meta_split_query){0}, &fx->ar, &sp, &n, NULL));
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, QN_STR_FMT "%d ",
                               QN_STR_ARG(sp[i].split_id), (int)sp[i].state);
    assert_ok(qn_meta_get_checkpoint(fx->ms, fx->uid, S("s"), &fx->ar, &po, &n, NULL));
    snprintf(got + at, sizeof got - at, "@" QN_STR_FMT, n ? (int)po->position.n : 0,
             n ? po->position.p : "");
    assert_string_equal(got, want);
}

static void rules(void **state)
{
    struct fixture *fx = *state;
    struct qn_str a = S("A"), b = S("B"), no = S("no"), ab[] = {a, b}, aa[] = {a, a};
    struct qn_meta_delta to7 = {S("s"), S("p"), S(""), S("7")};
    struct qn_meta_delta to9 = {S("s"), S("p"), S("7"), S("9")};
    struct qn_meta_delta bad = {S("s"), S("p"), S("6"), S("9")};
    struct qn_meta_replaced re_a = {a, QN_META_ANY_GENERATION}, re_a5 = {a, 5};
    struct qn_meta_replaced re_b = {b, 0};
    struct qn_meta_delete_map map = {a, 0, 5, 3}, late = {a, 4, 6, 3}, map_b = {b, 0, 1, 1};
    stage(fx, "A");
    stage(fx, "B");
    struct {
        struct qn_meta_publish pub;
        int want;
        const char *says, *store;
    } rows[] = {
        {{.staged = &a, .n_staged = 1, .deltas = &bad, .n_deltas = 1},
         QN_E_CONFLICT,
         "checkpoint of source \"s\" partition \"p\" is at \"\", not at \"6\"",
         "A1 B1 @"},
        {{.staged = aa, .n_staged = 2},
         QN_E_CONFLICT,
         "split \"A\" is Published, not Staged",
         "A1 B1 @"},
        {{.staged = ab, .n_staged = 2, .replaced = &re_b, .n_replaced = 1},
         QN_E_CONFLICT,
         "split \"B\" is Staged, not Published",
         "A1 B1 @"},
        {{.staged = &no, .n_staged = 1, .deltas = &to7, .n_deltas = 1},
         QN_E_NOT_FOUND,
         "split \"no\" of index",
         "A1 B1 @"},
        {{.staged = &a, .n_staged = 1, .deltas = &to7, .n_deltas = 1}, QN_OK, "", "A2 B1 @7"},
        {{.staged = &b, .n_staged = 1, .deltas = &to7, .n_deltas = 1},
         QN_E_CONFLICT,
         "is at \"7\", not at \"\"",
         "A2 B1 @7"},
        {{.deltas = &bad, .n_deltas = 1}, QN_E_CONFLICT, "is at \"7\", not at \"6\"", "A2 B1 @7"},
        {{.delete_maps = &map, .n_delete_maps = 1}, QN_OK, "", "A2 B1 @7"},
        {{.delete_maps = &late, .n_delete_maps = 1}, QN_E_CONFLICT, "not 4 any more", "A2 B1 @7"},
        {{.delete_maps = &map_b, .n_delete_maps = 1}, QN_E_CONFLICT, "\"B\" is Staged", "A2 B1 @7"},
        /* a merge that did not see the deletes */
        {{.staged = &b,
          .n_staged = 1,
          .replaced = &(struct qn_meta_replaced){a, 0},
          .n_replaced = 1},
         QN_E_CONFLICT,
         "deleted meanwhile",
         "A2 B1 @7"},
        {{.staged = &b, .n_staged = 1, .replaced = &re_a5, .n_replaced = 1}, QN_OK, "", "A4 B2 @7"},
        {{.replaced = &re_a, .n_replaced = 1}, QN_E_CONFLICT, "MarkedForDeletion", "A4 B2 @7"},
        {{.deltas = &to9, .n_deltas = 1}, QN_OK, "", "A4 B2 @9"},
        {{.deltas = &(struct qn_meta_delta){S(""), S("p")}, .n_deltas = 1},
         QN_E_INVALID,
         "source id is empty",
         "A4 B2 @9"},
        {{.n_staged = 0}, QN_OK, "", "A4 B2 @9"},
    };
    for (size_t i = 0; i < QN_COUNT_OF(rows); i++) {
        struct qn_err err = {0};
        rows[i].pub.index_uid = fx->uid;
        int rc = qn_meta_publish(fx->ms, &rows[i].pub, &err);
        if (rc != rows[i].want || strstr(err.msg, rows[i].says) == NULL)
            fail_msg("row %zu: %s: %s", i, qn_err_name(rc), err.msg);
        assert_store(fx, rows[i].store);
    }
    struct qn_meta_split *sp;
    size_t n;
    assert_ok(qn_meta_list_splits(fx->ms, &(struct qn_meta_split_query){.limit = 1}, &fx->ar, &sp,
                                  &n, NULL));
    assert_int_equal(sp->delete_generation, 5);
    assert_int_equal(sp->deleted_doc_count, 3);
}

/* --- against a model --- */

#define M_SPLITS 8
#define M_PARTS 3

struct model {
    int state[M_SPLITS]; /* 0: none */
    uint64_t generation[M_SPLITS];
    int position[M_PARTS]; /* 0: nothing yet */
};

struct step {
    struct qn_str staged[3];
    struct qn_meta_replaced replaced[3];
    struct qn_meta_delete_map maps[2];
    struct qn_meta_delta deltas[2];
    struct qn_meta_publish pub;
    char text[16][8]; /* what the strings above point to */
    int n_text;
};

static struct qn_str text_of(struct step *st, const char *fmt, int v)
{
    char *z = st->text[st->n_text++];
    snprintf(z, sizeof st->text[0], fmt, v);
    return S(z);
}

/* A random split, more often than not one in the state that is wanted. */
static int pick(struct qn_rng *r, const struct model *mo, int state)
{
    int i = (int)qn_rng_below(r, M_SPLITS);
    for (int tries = 0; tries < 6 && mo->state[i] != state; tries++)
        i = (int)qn_rng_below(r, M_SPLITS);
    return i;
}

/* Fills a random publish and does it to the model: QN_OK, or the code and the model untouched. */
static int random_publish(struct qn_rng *r, struct model *mo, struct step *st)
{
    struct model next = *mo;
    int rc = QN_OK;
#define FAIL(code) (rc = rc == QN_OK ? (code) : rc)
    *st = (struct step){.n_text = 0};
    struct qn_meta_publish *pub = &st->pub;
    *pub = (struct qn_meta_publish){.staged = st->staged,
                                    .replaced = st->replaced,
                                    .delete_maps = st->maps,
                                    .deltas = st->deltas};
    for (uint64_t k = qn_rng_below(r, 3); k-- > 1;) {
        int i = pick(r, &next, QN_META_PUBLISHED);
        uint64_t from = next.generation[i] + (qn_rng_below(r, 5) == 0);
        st->maps[pub->n_delete_maps++] =
            (struct qn_meta_delete_map){text_of(st, "S%d", i), from, from + 1, 1};
        if (next.state[i] == 0)
            FAIL(QN_E_NOT_FOUND);
        else if (next.state[i] != QN_META_PUBLISHED || from != next.generation[i])
            FAIL(QN_E_CONFLICT);
        next.generation[i] = from + 1;
    }
    for (uint64_t k = qn_rng_below(r, 3); k-- > 0;) {
        int i = pick(r, &next, QN_META_PUBLISHED);
        bool any = qn_rng_below(r, 2) == 0;
        uint64_t g = mo->generation[i];
        st->replaced[pub->n_replaced++] =
            (struct qn_meta_replaced){text_of(st, "S%d", i), any ? QN_META_ANY_GENERATION : g};
        if (next.state[i] == 0)
            FAIL(QN_E_NOT_FOUND);
        else if (next.state[i] != QN_META_PUBLISHED || (!any && g != next.generation[i]))
            FAIL(QN_E_CONFLICT);
        next.state[i] = QN_META_MARKED;
    }
    for (uint64_t k = qn_rng_below(r, 3); k-- > 0;) {
        int i = pick(r, &next, QN_META_STAGED);
        st->staged[pub->n_staged++] = text_of(st, "S%d", i);
        if (next.state[i] != QN_META_STAGED)
            FAIL(next.state[i] == 0 ? QN_E_NOT_FOUND : QN_E_CONFLICT);
        next.state[i] = QN_META_PUBLISHED;
    }
    for (uint64_t k = qn_rng_below(r, 3); k-- > 0;) {
        int p = (int)qn_rng_below(r, M_PARTS);
        int from = next.position[p] + (qn_rng_below(r, 5) == 0), to = from + 1;
        st->deltas[pub->n_deltas++] = (struct qn_meta_delta){
            S("s"), text_of(st, "%d", p), from == 0 ? S("") : text_of(st, "%d", from),
            text_of(st, "%d", to)};
        if (from != next.position[p])
            FAIL(QN_E_CONFLICT);
        next.position[p] = to;
    }
#undef FAIL
    if (rc == QN_OK)
        *mo = next;
    return rc;
}

static void assert_like_model(struct fixture *fx, const struct model *mo)
{
    struct qn_meta_split *sp;
    struct qn_meta_position *po;
    size_t n, k = 0;
    assert_ok(
        qn_meta_list_splits(fx->ms, &(struct qn_meta_split_query){0}, &fx->ar, &sp, &n, NULL));
    for (int i = 0; i < M_SPLITS; i++) {
        if (mo->state[i] == 0)
            continue;
        assert_true(k < n);
        assert_int_equal(sp[k].split_id.p[1] - '0', i);
        assert_int_equal(sp[k].state, mo->state[i]);
        assert_int_equal(sp[k].delete_generation, mo->generation[i]);
        k++;
    }
    assert_int_equal(k, n);
    assert_ok(qn_meta_get_checkpoint(fx->ms, fx->uid, S("s"), &fx->ar, &po, &n, NULL));
    k = 0;
    for (int p = 0; p < M_PARTS; p++) {
        if (mo->position[p] == 0)
            continue;
        assert_true(k < n);
        assert_int_equal(po[k].partition_id.p[0] - '0', p);
        assert_int_equal(number(po[k].position), mo->position[p]);
        k++;
    }
    assert_int_equal(k, n);
}

static void other_step(struct fixture *fx, struct qn_rng *r, struct model *mo, uint64_t what)
{
    int i = (int)qn_rng_below(r, M_SPLITS), want = QN_OK;
    char id[8];
    snprintf(id, sizeof id, "S%d", i);
    struct qn_str sid = S(id);
    if (what == 0) {
        struct qn_meta_split sp = {.split_id = sid};
        if (mo->state[i] > QN_META_STAGED)
            want = QN_E_CONFLICT;
        else
            mo->state[i] = QN_META_STAGED, mo->generation[i] = 0;
        assert_int_equal(qn_meta_stage(fx->ms, fx->uid, &sp, 1, NULL), want);
    } else if (what == 1) {
        if (mo->state[i] == 0)
            want = QN_E_NOT_FOUND;
        else
            mo->state[i] = QN_META_MARKED;
        assert_int_equal(qn_meta_mark_splits(fx->ms, fx->uid, &sid, 1, NULL), want);
    } else {
        if (mo->state[i] != 0 && mo->state[i] != QN_META_MARKED)
            want = QN_E_CONFLICT;
        else
            mo->state[i] = 0;
        assert_int_equal(qn_meta_delete_splits(fx->ms, fx->uid, &sid, 1, NULL), want);
    }
}

static void run_model(struct fixture *fx, int steps)
{
    struct qn_rng r = qn_test_rng(21);
    struct model mo = {0};
    int ok = 0, refused = 0;
    struct qn_arena_mark mark = qn_arena_mark(&fx->ar);
    for (int i = 0; i < steps; i++) {
        uint64_t what = qn_rng_below(&r, 8);
        if (what < 1 || what == 3)
            other_step(fx, &r, &mo, 0);
        else if (what < 3)
            other_step(fx, &r, &mo, qn_rng_below(&r, 3));
        else {
            struct step st;
            int want = random_publish(&r, &mo, &st);
            st.pub.index_uid = fx->uid;
            struct qn_err err = {0};
            int rc = qn_meta_publish(fx->ms, &st.pub, &err);
            if (rc != want)
                fail_msg("step %d: got %s (%s), want %s", i, qn_err_name(rc), err.msg,
                         qn_err_name(want));
            ok += rc == QN_OK && st.pub.n_staged + st.pub.n_replaced > 0;
            refused += rc < 0;
        }
        assert_like_model(fx, &mo);
        qn_arena_rewind(&fx->ar, mark);
    }
    assert_true(ok > steps / 50 && refused > steps / 50);
}

static void model_in_memory(void **state)
{
    run_model(*state, 3000);
}

static void model_on_disk(void **state)
{
    run_model(*state, 400);
}

/* --- many at once --- */

struct worker {
    struct fixture *fx;
    int id;
    _Atomic bool *stop;
    int failures;
    int published, conflicts, merged, looks;
};

static struct qn_str position_of(struct qn_metastore *ms, struct qn_str uid, struct qn_arena *ar)
{
    struct qn_meta_position *po;
    size_t n;
    int rc = qn_meta_get_checkpoint(ms, uid, S("s"), ar, &po, &n, NULL);
    return rc == QN_OK && n == 1 ? po->position : QN_STR("");
}

/* Reads the position, stages ten documents and tries to publish them after it. */
static void indexer(void *arg)
{
    struct worker *wk = arg;
    for (int i = 0; i < 12; i++) {
        struct qn_arena ar;
        qn_arena_init(&ar, NULL);
        struct qn_str uid = wk->fx->uid, from = position_of(wk->fx->ms, uid, &ar);
        char id[32], to[32];
        snprintf(id, sizeof id, "I%d-%03d", wk->id, i);
        snprintf(to, sizeof to, "%d", number(from) + 10);
        struct qn_str sid = S(id);
        struct qn_meta_split sp = {.split_id = sid, .doc_count = 10};
        wk->failures += qn_meta_stage(wk->fx->ms, uid, &sp, 1, NULL) != QN_OK;
        struct qn_meta_delta de = {S("s"), S("p"), from, S(to)};
        struct qn_meta_publish pub = {
            .index_uid = uid, .staged = &sid, .n_staged = 1, .deltas = &de, .n_deltas = 1};
        int rc = qn_meta_publish(wk->fx->ms, &pub, NULL);
        if (rc == QN_OK)
            wk->published++;
        else if (rc == QN_E_CONFLICT)
            wk->conflicts += qn_meta_mark_splits(wk->fx->ms, uid, &sid, 1, NULL) == QN_OK;
        else
            wk->failures++;
        qn_arena_release(&ar);
    }
}

/* Replaces the two oldest published splits by one. */
static void merger(void *arg)
{
    struct worker *wk = arg;
    for (int i = 0; !atomic_load(wk->stop); i++) {
        struct qn_arena ar;
        qn_arena_init(&ar, NULL);
        struct qn_meta_split_query q = {.states = QN_META_PUBLISHED, .limit = 2};
        struct qn_meta_split *sp;
        size_t n;
        wk->failures += qn_meta_list_splits(wk->fx->ms, &q, &ar, &sp, &n, NULL) != QN_OK;
        if (n == 2) {
            char id[32];
            snprintf(id, sizeof id, "M%d-%05d", wk->id, i);
            struct qn_str sid = S(id);
            struct qn_meta_split both = {.split_id = sid,
                                         .doc_count = sp[0].doc_count + sp[1].doc_count};
            struct qn_meta_replaced re[2] = {{sp[0].split_id, 0}, {sp[1].split_id, 0}};
            wk->failures += qn_meta_stage(wk->fx->ms, wk->fx->uid, &both, 1, NULL) != QN_OK;
            struct qn_meta_publish pub = {.index_uid = wk->fx->uid,
                                          .staged = &sid,
                                          .n_staged = 1,
                                          .replaced = re,
                                          .n_replaced = 2};
            int rc = qn_meta_publish(wk->fx->ms, &pub, NULL);
            wk->merged += rc == QN_OK;
            wk->failures += rc != QN_OK && rc != QN_E_CONFLICT;
        }
        qn_arena_release(&ar);
    }
}

/* The documents that can be seen never become fewer. */
static void searcher(void *arg)
{
    struct worker *wk = arg;
    uint64_t before = 0, generation = 0;
    while (!atomic_load(wk->stop)) {
        struct qn_meta_totals to;
        uint64_t g;
        wk->failures += qn_meta_totals(wk->fx->ms, wk->fx->uid, &to, NULL) != QN_OK;
        wk->failures += qn_meta_generation(wk->fx->ms, &g, NULL) != QN_OK;
        wk->failures += to.docs < before || to.docs % 10 != 0 || g < generation;
        before = to.docs;
        generation = g;
        wk->looks++;
    }
}

static void many_at_once(void **state)
{
    struct fixture *fx = *state;
    _Atomic bool stop = false;
    struct worker wk[7];
    struct qn_thread th[7];
    void (*roles[])(void *) = {indexer, indexer, indexer, merger, merger, searcher, searcher};
    for (int i = 0; i < 7; i++) {
        wk[i] = (struct worker){.fx = fx, .id = i, .stop = &stop};
        assert_ok(qn_thread_start(&th[i], &(struct qn_thread_options){.name = "worker"}, roles[i],
                                  &wk[i]));
    }
    int published = 0;
    for (int i = 0; i < 7; i++) {
        if (i == 3)
            atomic_store(&stop, true);
        qn_thread_join(&th[i]);
        assert_int_equal(wk[i].failures, 0);
        published += wk[i].published;
        if (i < 3)
            assert_int_equal(wk[i].published + wk[i].conflicts, 12);
    }
    assert_true(published >= 12); /* whoever fails does so because another one succeeded */
    struct qn_meta_totals to;
    assert_ok(qn_meta_totals(fx->ms, fx->uid, &to, NULL));
    assert_int_equal(to.docs, 10 * published);
    assert_int_equal(number(position_of(fx->ms, fx->uid, &fx->ar)), 10 * published);
}

/* --- killed in the middle --- */

/* Publishes and merges until it is killed; tells each position it was promised. */
static void child_publishes(const char *uri, struct qn_str uid, int start, int round, int out)
{
    struct qn_metastore *ms;
    if (qn_meta_open(&ms, S(uri), NULL, NULL) < 0)
        _exit(1);
    char last[32] = "";
    for (int position = start, i = 0;; i++) {
        char id[32], from[16] = "", to[16];
        snprintf(id, sizeof id, "R%03d-%06d", round, i);
        if (position > 0)
            snprintf(from, sizeof from, "%d", position);
        snprintf(to, sizeof to, "%d", position + 10);
        struct qn_str sid = S(id);
        struct qn_meta_split sp = {.split_id = sid, .doc_count = i % 3 == 2 ? 20 : 10};
        struct qn_meta_delta de = {S("s"), S("p"), S(from), S(to)};
        struct qn_meta_replaced re = {S(last), 0};
        struct qn_meta_publish pub = {.index_uid = uid,
                                      .staged = &sid,
                                      .n_staged = 1,
                                      .deltas = &de,
                                      .n_deltas = 1,
                                      .replaced = &re,
                                      .n_replaced = i % 3 == 2}; /* swallows the one before */
        if (qn_meta_stage(ms, uid, &sp, 1, NULL) < 0 || qn_meta_publish(ms, &pub, NULL) < 0)
            _exit(2);
        memcpy(last, id, sizeof last);
        position += 10;
        if (write(out, &position, sizeof position) != (ssize_t)sizeof position)
            _exit(3);
    }
}

static void killed_in_the_middle(void **state)
{
    struct fixture *fx = *state;
    struct qn_rng r = qn_test_rng(31);
    int stored = 0;
    for (int round = 0; round < 60; round++) {
        qn_meta_close(fx->ms);
        fx->ms = NULL;
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            close(fds[0]);
            child_publishes(fx->uri, fx->uid, stored, round, fds[1]);
        }
        close(fds[1]);
        int promised = stored;
        for (uint64_t k = qn_rng_below(&r, 12); k-- > 0;)
            assert_int_equal(read(fds[0], &promised, sizeof promised), sizeof promised);
        struct pollfd next = {.fd = fds[0], .events = POLLIN};
        if (qn_rng_below(&r, 2) == 0) /* anywhere between two acknowledgements */
            poll(&next, 1, (int)qn_rng_below(&r, 4));
        kill(child, SIGKILL);
        int status, more;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        while (read(fds[0], &more, sizeof more) == (ssize_t)sizeof more)
            promised = more;
        close(fds[0]);

        assert_ok(qn_meta_open(&fx->ms, S(fx->uri), NULL, NULL));
        struct qn_str at = position_of(fx->ms, fx->uid, &fx->ar);
        stored = number(at);
        assert_true(stored == promised || stored == promised + 10);
        struct qn_meta_totals to;
        assert_ok(qn_meta_totals(fx->ms, fx->uid, &to, NULL));
        assert_int_equal(to.docs, stored); /* what can be seen is what the checkpoint says */
    }
    assert_true(stored > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rules, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(rules, setup_ram, teardown),
        cmocka_unit_test_setup_teardown(model_in_memory, setup_ram, teardown),
        cmocka_unit_test_setup_teardown(model_on_disk, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(many_at_once, setup_disk, teardown),
        cmocka_unit_test_setup_teardown(many_at_once, setup_ram, teardown),
        cmocka_unit_test_setup_teardown(killed_in_the_middle, setup_disk, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
