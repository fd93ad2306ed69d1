/* What the walkers share. A walker is the same body (walk_int.h) compiled for one instruction set;
 * reader.c picks one by the tape's simd level. */
#ifndef QN_JSON_READER_INT_H
#define QN_JSON_READER_INT_H

#include "json/reader.h"

struct qn_json_frame {
    uint32_t node; /* of the open container */
    uint32_t path; /* of the container; arrays have that of what they are in */
    uint32_t prev; /* objects: path of the last key, 0 before the first */
    bool is_obj;
};

/* Where and why a walk stopped. */
struct qn__json_stop {
    const char *at;
    const char *what; /* of an error: static text */
};

/* Reads one value at the start of [p, end) into t; stop->at is the byte after it, or the bad one.
 */
typedef int qn__json_walk_fn(struct qn_json_tape *t, const char *p, const char *end,
                             struct qn__json_stop *stop);
qn__json_walk_fn qn__json_walk_scalar;
#if defined(__x86_64__)
qn__json_walk_fn qn__json_walk_avx2;
#endif

/* Makes room for two more nodes; QN_E_TOO_LARGE past max_nodes. */
int qn__json_grow(struct qn_json_tape *t);
/* True when [p, end) is UTF-8. Reads up to 3 bytes past the end. */
bool qn__json_utf8(const char *p, const char *end);

#endif
