/* Typed growable array: QN_VEC(T) v = {0}; qn_vec_push(&v, x); v.p[i]; v.n; qn_vec_release(&v).
 * Heap memory; growth doubles. A struct that embeds one owns it. */
#ifndef QN_BASE_VEC_H
#define QN_BASE_VEC_H

#include <stddef.h>
#include <stdlib.h>

#define QN_VEC(T)                                                                                  \
    struct {                                                                                       \
        T *p;                                                                                      \
        size_t n, cap;                                                                             \
    }

/* Makes room for `need` elements of `size` bytes; *cap is updated. */
void *qn_vec_grow(void *p, size_t *cap, size_t need, size_t size);

#define qn_vec_reserve(v, need)                                                                    \
    ((void)((need) > (v)->cap ? ((v)->p = qn_vec_grow((v)->p, &(v)->cap, (need), sizeof *(v)->p))  \
                              : 0))
#define qn_vec_push(v, x) (qn_vec_reserve((v), (v)->n + 1), (void)((v)->p[(v)->n++] = (x)))
#define qn_vec_clear(v) ((void)((v)->n = 0))
#define qn_vec_release(v) (free((v)->p), (v)->p = NULL, (v)->n = (v)->cap = 0)

#endif
