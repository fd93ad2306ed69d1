/* The parts of the memory index that gathering (memindex.c) and flushing (memflush.c) share. */
#ifndef QN_MEMINDEX_INT_H
#define QN_MEMINDEX_INT_H

#include "base/map.h"
#include "base/vec.h"
#include "ingest/memindex.h"
#include "ingest/termtable.h"

struct qn__memcolumn {
    QN_VEC(uint64_t) values; /* numbers, or addresses of terms */
    QN_VEC(uint32_t) docs;   /* of each value; only if `gaps` */
    bool gaps;               /* else value i is of document i */
};

struct qn__memfield {
    struct qn_memfield_spec spec;
    struct qn__memcolumn column;
    QN_VEC(uint8_t) norms; /* by document; shorter: 0 */
    uint32_t doc;          /* the document that the rest is about */
    uint32_t length;
    uint32_t value_pos, next_pos; /* where the current value starts, and where the field ends */
};

enum { QN__OCCURRENCES = 64 };
#define QN__NO_COLUMN UINT32_MAX

struct qn_memindex {
    struct qn_memindex_options op;
    struct qn_split_writer *writer;
    struct qn_termtable terms;
    struct qn_arena names;
    struct qn_map by_name; /* name and type byte -> field */
    QN_VEC(struct qn__memfield) fields;
    QN_VEC(int64_t) times; /* by document; QN_NO_TIME */
    QN_VEC(uint32_t) dead; /* aborted documents, ascending */
    uint64_t raw_bytes, column_bytes;
    bool sorted; /* times never descend */
    struct qn_occurrence queue[QN__OCCURRENCES];
    uint32_t queue_column[QN__OCCURRENCES]; /* field whose column gets the address */
    uint32_t n_queue;
};

/* Terms of a field's index and of its own column dictionary are told apart by the lowest bit. */
static inline uint32_t qn__term_space(uint32_t field, bool column)
{
    return field * 2 + column;
}

#endif
