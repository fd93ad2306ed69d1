/* A Quickwit index configuration (contract 4): read, checked, and written with its defaults. */
#ifndef QN_FACADE_INDEX_CONFIG_INT_H
#define QN_FACADE_INDEX_CONFIG_INT_H

#include "schema/mapping.h"
#include "json/dom.h"
#include "json/writer.h"

struct qn__index_config {
    struct qn_json_tape tape;
    struct qn_str index_id;
    struct qn_str index_uri; /* .p == NULL: not given */
    struct qn_mapping *mapping;
    uint64_t commit_secs;
    struct qn_json_val default_fields; /* an array of strings, when has_default_fields */
    bool has_default_fields;
};

/* Release *out in any case. */
QN_MUST_CHECK int qn__index_config_read(struct qn__index_config *out, struct qn_str json,
                                        struct qn_err *err);
void qn__index_config_release(struct qn__index_config *cfg);
/* The default search fields, in the arena: names borrow from the configuration. */
const struct qn_str *qn__index_config_fields(const struct qn__index_config *cfg,
                                             struct qn_arena *ar, uint32_t *n);
/* Everything, as version 0.9. root_uri: where indexes without a place of their own are. */
void qn__index_config_write(const struct qn__index_config *cfg, struct qn_str root_uri,
                            struct qn_jw *w);

#endif
