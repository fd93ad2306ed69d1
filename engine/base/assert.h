/* Assertions and the compiler vocabulary shared by every layer.
 *
 * QN_ASSERT stays on in release builds: cheap invariants, thread checks, magic numbers. QN_DASSERT
 * is for debug builds only: loops, sortedness. Neither is ever used on bytes that came from disk or
 * network; those are corruption or bad requests and take the error path. */
#ifndef QN_BASE_ASSERT_H
#define QN_BASE_ASSERT_H

#define QN_MUST_CHECK __attribute__((warn_unused_result))
#define QN_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define QN_LIKELY(x) __builtin_expect(!!(x), 1)
#define QN_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define QN_COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Prints one line to stderr and aborts. The only place in the engine that does either. */
_Noreturn void qn_panic(const char *file, int line, const char *fmt, ...) QN_PRINTF(3, 4);

#define QN_ASSERT(x)                                                                               \
    do {                                                                                           \
        if (QN_UNLIKELY(!(x)))                                                                     \
            qn_panic(__FILE__, __LINE__, "assertion failed: %s", #x);                              \
    } while (0)

#ifdef NDEBUG
#define QN_DASSERT(x) ((void)sizeof(!!(x)))
#else
#define QN_DASSERT(x) QN_ASSERT(x)
#endif

#endif
