/* The metastore: what exists now. Indexes, splits, sources, checkpoints, and the one transaction,
 * publish, that makes new splits visible.
 *
 *     caller ─► qn_meta_publish(ms, ..) ─► checks ids ─► driver: SQLite (one machine)
 *                                                                PostgreSQL (a cluster)
 *
 * Invariants, kept by every driver:
 *  - each call is one transaction: it happens as a whole or not at all, and what was acknowledged
 *    survives a crash;
 *  - a split's life is   (none) ─stage─► STAGED ─publish─► PUBLISHED ─replace, mark─► MARKED ─►
 * gone └───────────────mark──────────────────────▲ the row exists before the first byte is uploaded
 * and after the last one is deleted, so that no object is ever forgotten;
 *  - searches see PUBLISHED splits only; a publish moves its checkpoints in the same transaction,
 * so every document is in exactly one published split of its index, whoever crashes when;
 *  - an index that is deleted disappears at once (its name is free again); its splits are MARKED
 * and its row goes when the last of them is gone.
 *
 * Change feed: every change has a number, larger than all before it. A node polls the number of the
 * whole store (one small read), and asks for what changed since only when it moved.
 *
 * Configurations, queries and other JSON are opaque text here. Wall times are microseconds since
 * 1970 by the clock of the store's options. Answers are copied into the caller's arena; QN_E_BUDGET
 * when that is full. `err` may be NULL everywhere.
 *
 * Common errors: QN_E_NOT_FOUND (what an id names), QN_E_EXISTS, QN_E_CONFLICT (wrong state, or
 * changed by someone else: nothing was done), QN_E_INVALID (ids), QN_E_UNAVAILABLE (busy or away:
 * try again), QN_E_NO_SPACE, QN_E_IO, QN_E_CORRUPT.
 *
 * @thread any: all calls may block for disk or network  @locks takes METASTORE or METASTORE_READ */
#ifndef QN_METASTORE_METASTORE_H
#define QN_METASTORE_METASTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "os/clock.h"

struct qn_metastore;

/* --- opening --- */

struct qn_meta_options {
    const struct qn_clock *clock; /* NULL: the system's */
    const struct qn_log *log;     /* NULL: silence */
    unsigned max_readers;         /* SQLite: reading connections; 0 = 4 */
    unsigned busy_timeout_ms;     /* SQLite: wait for another process's write; 0 = 10,000 */
};

/* "sqlite:///path/to/file", a bare path, or "ram://" (gone when closed). Makes the file and its
 * tables when absent and migrates older ones; QN_E_FORMAT_VERSION when they were made by a newer
 * release. Other schemes are QN_E_UNSUPPORTED. Gives *out. */
QN_MUST_CHECK int qn_meta_open(struct qn_metastore **out, struct qn_str uri,
                               const struct qn_meta_options *opt, struct qn_err *err);
void qn_meta_close(struct qn_metastore *ms); /* no call may be running; NULL is fine */

/* --- indexes --- */

/* "logs:01J9ZZ.." : the name and the ULID of this incarnation. */
struct qn_meta_index {
    struct qn_str index_uid;
    struct qn_str index_id;
    struct qn_str config; /* JSON */
    uint64_t version;     /* 1 at birth, +1 with each update */
    int64_t created_us, updated_us;
};

/* QN_E_EXISTS when an index or an alias has the name. *out is in ar. */
QN_MUST_CHECK int qn_meta_create_index(struct qn_metastore *ms, struct qn_str index_id,
                                       struct qn_str config, struct qn_arena *ar,
                                       struct qn_meta_index *out, struct qn_err *err);
/* By name or by uid. */
QN_MUST_CHECK int qn_meta_get_index(struct qn_metastore *ms, struct qn_str id_or_uid,
                                    struct qn_arena *ar, struct qn_meta_index *out,
                                    struct qn_err *err);
/* All, by name. */
QN_MUST_CHECK int qn_meta_list_indexes(struct qn_metastore *ms, struct qn_arena *ar,
                                       struct qn_meta_index **out, size_t *n, struct qn_err *err);
/* if_version 0: whatever it is; otherwise QN_E_CONFLICT when it is another. */
QN_MUST_CHECK int qn_meta_update_index(struct qn_metastore *ms, struct qn_str index_uid,
                                       struct qn_str config, uint64_t if_version,
                                       struct qn_err *err);
/* Hides it, marks all its splits for deletion, drops its sources, checkpoints, delete tasks and
 * aliases. Writers of it get QN_E_NOT_FOUND from now on. */
QN_MUST_CHECK int qn_meta_delete_index(struct qn_metastore *ms, struct qn_str index_uid,
                                       struct qn_err *err);

/* --- splits --- */

enum qn_meta_state { QN_META_STAGED = 1, QN_META_PUBLISHED = 2, QN_META_MARKED = 4 }; /* a mask */
#define QN_META_ANY_STATE 7u

const char *qn_meta_state_name(enum qn_meta_state state); /* "Staged", as Quickwit writes them */

struct qn_meta_split {
    struct qn_str split_id; /* ULID */
    struct qn_str index_uid;
    enum qn_meta_state state;
    bool has_time;
    int64_t min_time_ns, max_time_ns; /* of the timestamp field, both inclusive */
    uint64_t doc_count;
    uint64_t deleted_doc_count; /* hidden by the bit map of delete_generation */
    uint64_t size_bytes;        /* of the split file */
    uint64_t raw_bytes;         /* of the documents as they came */
    uint64_t footer_start, footer_end;
    uint64_t partition_id;
    uint64_t delete_opstamp;    /* delete tasks up to this one are applied */
    uint64_t delete_generation; /* of its bit map of deleted documents; 0 = none */
    uint32_t merge_ops;
    int64_t mature_us; /* not merged any more from then on; 0 = mature at birth */
    int64_t created_us, updated_us;
    int64_t published_us; /* 0: not yet */
    struct qn_str source_id, node_id, tier, doc_mapping_uid;
    struct qn_str json;        /* anything else, opaque */
    const struct qn_str *tags; /* "field:value", or "field!": the field is a tag field here */
    size_t n_tags;
};

/* Writes rows in state STAGED, before their bytes are uploaded. Staging a STAGED split again
 * replaces its row; any other state is QN_E_CONFLICT. state, the three *_us of life (created,
 * updated, published) and the fields' index_uid are ignored. */
QN_MUST_CHECK int qn_meta_stage(struct qn_metastore *ms, struct qn_str index_uid,
                                const struct qn_meta_split *splits, size_t n, struct qn_err *err);

#define QN_META_ANY_GENERATION UINT64_MAX

/* A split that the published ones replace. `delete_generation` is the one the merge has read; when
 * documents were deleted since, it is QN_E_CONFLICT and the merge must look again. */
struct qn_meta_replaced {
    struct qn_str split_id;
    uint64_t delete_generation; /* or QN_META_ANY_GENERATION */
};

/* A new bit map of deleted documents beside a published split, if `from` is still its generation.
 */
struct qn_meta_delete_map {
    struct qn_str split_id;
    uint64_t from_generation, to_generation;
    uint64_t deleted_doc_count;
};

/* How far a source's partition has been consumed. Positions are opaque strings; "" = nothing yet.
 */
struct qn_meta_delta {
    struct qn_str source_id, partition_id;
    struct qn_str from, to;
};

struct qn_meta_publish {
    struct qn_str index_uid;
    const struct qn_str *staged;
    size_t n_staged;
    const struct qn_meta_replaced *replaced;
    size_t n_replaced;
    const struct qn_meta_delete_map *delete_maps;
    size_t n_delete_maps;
    const struct qn_meta_delta *deltas;
    size_t n_deltas;
};

/* The one transaction: staged -> PUBLISHED, replaced -> MARKED, bit maps and checkpoints moved. All
 * of it, or nothing and
 *   QN_E_CONFLICT   a delta's `from` is not the stored position; a split is not STAGED (staged) or
 *                   not PUBLISHED (replaced, delete_maps); a delete generation moved
 *   QN_E_NOT_FOUND  the index or a split is unknown */
QN_MUST_CHECK int qn_meta_publish(struct qn_metastore *ms, const struct qn_meta_publish *pub,
                                  struct qn_err *err);

struct qn_meta_range {
    int64_t from, to; /* both inclusive */
};

/* One literal: the split has the tag, or (absent) has it not. */
struct qn_meta_tag {
    struct qn_str tag;
    bool absent;
};
/* At least one literal holds. `field = value` is {"field:value"} or {absent "field!"}. */
struct qn_meta_tag_clause {
    const struct qn_meta_tag *any;
    size_t n;
};

enum qn_meta_maturity { QN_META_ANY_MATURITY, QN_META_MATURE, QN_META_IMMATURE }; /* now */
enum qn_meta_sort {
    QN_META_BY_ID,        /* index_uid, split_id: by age of index and split */
    QN_META_BY_TIME_DESC, /* newest max_time_ns first, splits without time last; then BY_ID */
    QN_META_BY_STALENESS, /* lowest delete_opstamp first, then the earliest published */
};

/* Zero is "no condition" everywhere. */
struct qn_meta_split_query {
    const struct qn_str *index_uids;
    size_t n_index_uids;
    const struct qn_str *split_ids;
    size_t n_split_ids;
    unsigned states;                  /* mask; 0 = all */
    const struct qn_meta_range *time; /* overlapping; splits without time always pass */
    const struct qn_meta_range *created, *updated;
    const struct qn_meta_tag_clause *tags; /* all clauses must hold */
    size_t n_tags;
    enum qn_meta_maturity maturity;
    uint64_t delete_opstamp_below;
    struct qn_str node_id, source_id, tier;
    enum qn_meta_sort sort;
    size_t offset, limit; /* limit 0 = all */
    bool without_json;    /* leaves json empty: less to copy */
};

/* Splits of deleted indexes are listed too: the janitor needs them. */
QN_MUST_CHECK int qn_meta_list_splits(struct qn_metastore *ms, const struct qn_meta_split_query *q,
                                      struct qn_arena *ar, struct qn_meta_split **out, size_t *n,
                                      struct qn_err *err);

struct qn_meta_totals {
    uint64_t splits, docs, deleted_docs, size_bytes, raw_bytes;
    bool has_time;
    int64_t min_time_ns, max_time_ns;
};
/* Of the published splits. index_uid empty: of all indexes. */
QN_MUST_CHECK int qn_meta_totals(struct qn_metastore *ms, struct qn_str index_uid,
                                 struct qn_meta_totals *out, struct qn_err *err);

/* STAGED or PUBLISHED -> MARKED; marked ones stay as they are. QN_E_NOT_FOUND, and nothing is done,
 * when one is unknown. */
QN_MUST_CHECK int qn_meta_mark_splits(struct qn_metastore *ms, struct qn_str index_uid,
                                      const struct qn_str *split_ids, size_t n, struct qn_err *err);
/* Drops the rows, after the objects are gone. QN_E_CONFLICT, and nothing is done, when one is not
 * MARKED; unknown ones are fine. The last split of a deleted index takes the index's row along. */
QN_MUST_CHECK int qn_meta_delete_splits(struct qn_metastore *ms, struct qn_str index_uid,
                                        const struct qn_str *split_ids, size_t n,
                                        struct qn_err *err);
/* The delete tasks up to opstamp need not be applied to these again. Published ones only; others
 * are passed over. */
QN_MUST_CHECK int qn_meta_set_delete_opstamp(struct qn_metastore *ms, struct qn_str index_uid,
                                             const struct qn_str *split_ids, size_t n,
                                             uint64_t opstamp, struct qn_err *err);
/* Moves published splits to another tier. */
QN_MUST_CHECK int qn_meta_set_tier(struct qn_metastore *ms, struct qn_str index_uid,
                                   const struct qn_str *split_ids, size_t n, struct qn_str tier,
                                   struct qn_err *err);

/* --- sources and checkpoints --- */

struct qn_meta_source {
    struct qn_str index_uid, source_id;
    struct qn_str config; /* JSON */
    bool enabled;
    int64_t created_us, updated_us;
};

/* QN_E_EXISTS when the index has one of that name. */
QN_MUST_CHECK int qn_meta_add_source(struct qn_metastore *ms, struct qn_str index_uid,
                                     struct qn_str source_id, struct qn_str config, bool enabled,
                                     struct qn_err *err);
QN_MUST_CHECK int qn_meta_update_source(struct qn_metastore *ms, struct qn_str index_uid,
                                        struct qn_str source_id, struct qn_str config,
                                        struct qn_err *err);
QN_MUST_CHECK int qn_meta_enable_source(struct qn_metastore *ms, struct qn_str index_uid,
                                        struct qn_str source_id, bool enabled, struct qn_err *err);
/* With its checkpoints. */
QN_MUST_CHECK int qn_meta_delete_source(struct qn_metastore *ms, struct qn_str index_uid,
                                        struct qn_str source_id, struct qn_err *err);
/* Of one index, or of all ("") by index and name. */
QN_MUST_CHECK int qn_meta_list_sources(struct qn_metastore *ms, struct qn_str index_uid,
                                       struct qn_arena *ar, struct qn_meta_source **out, size_t *n,
                                       struct qn_err *err);

struct qn_meta_position {
    struct qn_str source_id, partition_id, position;
};
/* Checkpoints need no source row: the journal has none. source_id "": of all sources. By source and
 * partition. */
QN_MUST_CHECK int qn_meta_get_checkpoint(struct qn_metastore *ms, struct qn_str index_uid,
                                         struct qn_str source_id, struct qn_arena *ar,
                                         struct qn_meta_position **out, size_t *n,
                                         struct qn_err *err);
/* Forgets all positions: everything is read again. */
QN_MUST_CHECK int qn_meta_reset_checkpoint(struct qn_metastore *ms, struct qn_str index_uid,
                                           struct qn_str source_id, struct qn_err *err);

/* --- delete tasks --- */

struct qn_meta_delete_task {
    uint64_t opstamp; /* 1, 2, .. in each index */
    struct qn_str index_uid;
    struct qn_str query; /* JSON */
    int64_t created_us;
};
QN_MUST_CHECK int qn_meta_add_delete_task(struct qn_metastore *ms, struct qn_str index_uid,
                                          struct qn_str query, uint64_t *opstamp,
                                          struct qn_err *err);
/* Those after an opstamp, in order. */
QN_MUST_CHECK int qn_meta_list_delete_tasks(struct qn_metastore *ms, struct qn_str index_uid,
                                            uint64_t after, struct qn_arena *ar,
                                            struct qn_meta_delete_task **out, size_t *n,
                                            struct qn_err *err);
/* Of the last one ever added; 0 = none. */
QN_MUST_CHECK int qn_meta_last_opstamp(struct qn_metastore *ms, struct qn_str index_uid,
                                       uint64_t *out, struct qn_err *err);
/* Those up to an opstamp: every published split has them applied. Opstamps are not used again. */
QN_MUST_CHECK int qn_meta_drop_delete_tasks(struct qn_metastore *ms, struct qn_str index_uid,
                                            uint64_t up_to, struct qn_err *err);

/* --- aliases --- */

struct qn_meta_alias {
    struct qn_str alias, index_uid, index_id;
    struct qn_str json; /* filter, routing, is_write_index: opaque */
};
struct qn_meta_alias_action {
    struct qn_str alias, index_uid;
    bool remove;        /* QN_E_NOT_FOUND when it is not there */
    struct qn_str json; /* of what is added or replaced */
};
/* All actions in order, or none. QN_E_EXISTS when an index has the alias's name. */
QN_MUST_CHECK int qn_meta_update_aliases(struct qn_metastore *ms,
                                         const struct qn_meta_alias_action *actions, size_t n,
                                         struct qn_err *err);
/* All, by alias and index. */
QN_MUST_CHECK int qn_meta_list_aliases(struct qn_metastore *ms, struct qn_arena *ar,
                                       struct qn_meta_alias **out, size_t *n, struct qn_err *err);

/* --- documents: small JSON texts under (namespace, key), with versions ---
 * Index templates, pipelines, life-cycle policies, scroll contexts, cluster settings. */

struct qn_meta_doc {
    struct qn_str space, key, json;
    uint64_t version;   /* grows with every put of the key; never used twice */
    int64_t updated_us; /* wall */
    int64_t expires_us; /* 0 = never */
};

#define QN_META_ANY_VERSION 0
#define QN_META_ABSENT UINT64_MAX /* as if_version: only when the key is free */

/* Of doc: space, key, json and expires_us. *version (may be NULL) is the new one. QN_E_CONFLICT
 * when if_version is not the stored one. */
QN_MUST_CHECK int qn_meta_put_doc(struct qn_metastore *ms, const struct qn_meta_doc *doc,
                                  uint64_t if_version, uint64_t *version, struct qn_err *err);
/* An expired one is QN_E_NOT_FOUND. */
QN_MUST_CHECK int qn_meta_get_doc(struct qn_metastore *ms, struct qn_str space, struct qn_str key,
                                  struct qn_arena *ar, struct qn_meta_doc *out, struct qn_err *err);
QN_MUST_CHECK int qn_meta_list_docs(struct qn_metastore *ms, struct qn_str space,
                                    struct qn_arena *ar, struct qn_meta_doc **out, size_t *n,
                                    struct qn_err *err);
/* QN_E_NOT_FOUND when absent. */
QN_MUST_CHECK int qn_meta_delete_doc(struct qn_metastore *ms, struct qn_str space,
                                     struct qn_str key, uint64_t if_version, struct qn_err *err);
/* Removes expired documents and leases. */
QN_MUST_CHECK int qn_meta_expire(struct qn_metastore *ms, struct qn_err *err);

/* --- nodes --- */

struct qn_meta_node {
    struct qn_str node_id;
    struct qn_str json; /* roles, addresses, load */
    int64_t expires_us;
};
/* Announces the node for ttl_us from now. Renewing with the same json is no change in the feed. */
QN_MUST_CHECK int qn_meta_renew_lease(struct qn_metastore *ms, struct qn_str node_id,
                                      struct qn_str json, uint64_t ttl_us, struct qn_err *err);
QN_MUST_CHECK int qn_meta_drop_lease(struct qn_metastore *ms, struct qn_str node_id,
                                     struct qn_err *err);
/* Those whose lease runs, by id. */
QN_MUST_CHECK int qn_meta_list_nodes(struct qn_metastore *ms, struct qn_arena *ar,
                                     struct qn_meta_node **out, size_t *n, struct qn_err *err);

/* --- change feed --- */

/* Scopes: an index_uid (its config, published splits, sources, delete tasks, aliases), or a
 * QN_META_SCOPE_DOCS + namespace, or QN_META_SCOPE_NODES. Staging and renewals are not changes. */
#define QN_META_SCOPE_DOCS "docs:"
#define QN_META_SCOPE_NODES "nodes:"

struct qn_meta_change {
    struct qn_str scope;
    uint64_t generation; /* of its last change */
};
/* Of the whole store: 0 when nothing was ever changed. */
QN_MUST_CHECK int qn_meta_generation(struct qn_metastore *ms, uint64_t *out, struct qn_err *err);
/* The scopes that changed after a generation, oldest change first. A scope of an index that cannot
 * be found any more was deleted. */
QN_MUST_CHECK int qn_meta_changes(struct qn_metastore *ms, uint64_t since, struct qn_arena *ar,
                                  struct qn_meta_change **out, size_t *n, struct qn_err *err);

#endif
