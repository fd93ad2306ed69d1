/* Error codes, their classes, and the error object that reaches users.
 *
 * Functions return int: 0 or positive is success, negative is one of QN_E_*. The class says what
 * kind of failure it is; only server/http maps a class to an HTTP status. `struct qn_err` travels
 * only on paths that user input can reach, so that an answer can say what is wrong and where; inner
 * code returns the code alone. QN_END (1) is a value, not an error: the end of an iterator.
 *
 * malloc failure aborts (qn_xmalloc); a *budget* that is exceeded is QN_E_BUDGET, an ordinary
 * error.
 * @thread any  @locks none */
#ifndef QN_BASE_ERR_H
#define QN_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

enum qn_err_class {
    QN_CLASS_NONE,
    QN_CLASS_INPUT,       /* the caller's request is wrong: 400 */
    QN_CLASS_NOT_FOUND,   /* what it names does not exist: 404 */
    QN_CLASS_CONFLICT,    /* it exists already, or changed meanwhile: 409 */
    QN_CLASS_TOO_LARGE,   /* over a fixed limit, retrying cannot help: 413 */
    QN_CLASS_BUDGET,      /* over a budget just now, retrying may help: 429 */
    QN_CLASS_CANCELLED,   /* deadline passed, client gone, or shutting down: 408/503 */
    QN_CLASS_UNSUPPORTED, /* known, but not offered: 501 */
    QN_CLASS_CORRUPT,     /* stored bytes are wrong: 500, and a human should look */
    QN_CLASS_IO,          /* disk or network failed: 503, may recover by itself */
    QN_CLASS_BUG,         /* a broken invariant inside Quern: 500 */
};

/*  XX(name, code, class, text) */
#define QN_ERR_MAP(XX)                                                                             \
    XX(INVALID, -1, INPUT, "invalid value")                                                        \
    XX(PARSE, -2, INPUT, "syntax error")                                                           \
    XX(TYPE, -3, INPUT, "wrong type")                                                              \
    XX(RANGE, -4, INPUT, "value out of range")                                                     \
    XX(UNKNOWN_KEY, -5, INPUT, "unknown key")                                                      \
    XX(MISSING, -6, INPUT, "required value is missing")                                            \
    XX(NOT_FOUND, -7, NOT_FOUND, "not found")                                                      \
    XX(EXISTS, -8, CONFLICT, "already exists")                                                     \
    XX(CONFLICT, -9, CONFLICT, "changed by someone else")                                          \
    XX(TOO_LARGE, -10, TOO_LARGE, "too large")                                                     \
    XX(TOO_DEEP, -11, INPUT, "nested too deeply")                                                  \
    XX(BUDGET, -12, BUDGET, "memory budget exceeded")                                              \
    XX(BUSY, -13, BUDGET, "too many requests")                                                     \
    XX(CANCELLED, -14, CANCELLED, "cancelled")                                                     \
    XX(TIMEOUT, -15, CANCELLED, "deadline exceeded")                                               \
    XX(SHUTDOWN, -16, CANCELLED, "shutting down")                                                  \
    XX(UNSUPPORTED, -17, UNSUPPORTED, "not supported")                                             \
    XX(CORRUPT, -18, CORRUPT, "stored data is corrupt")                                            \
    XX(TRUNCATED, -19, CORRUPT, "stored data ends too early")                                      \
    XX(FORMAT_VERSION, -20, CORRUPT, "format version is not readable by this build")               \
    XX(IO, -21, IO, "input/output error")                                                          \
    XX(NO_SPACE, -22, IO, "no space left on device")                                               \
    XX(ACCESS, -23, IO, "access denied")                                                           \
    XX(UNAVAILABLE, -24, IO, "temporarily unavailable")                                            \
    XX(BUG, -25, BUG, "internal error")

enum {
    QN_OK = 0,
    QN_END = 1,
#define XX(name, code, class, text) QN_E_##name = code,
    QN_ERR_MAP(XX)
#undef XX
};

#define QN_NO_POS SIZE_MAX

/* What went wrong, for the one who asked. Zero-initialise; code 0 means no error. */
struct qn_err {
    int code;
    int line;         /* of the source file that raised it */
    const char *file; /* static string */
    size_t pos;       /* byte offset in the user's input, or QN_NO_POS */
    char msg[240];
};

const char *qn_err_name(int code); /* "NOT_FOUND"; "UNKNOWN" for a foreign number */
const char *qn_err_text(int code);
enum qn_err_class qn_err_class(int code);

/* Fills *e (NULL is allowed) and returns `code`. The first error wins: an e that already holds an
 * error is left alone. Use the macros, which record the place. */
int qn_err_set(struct qn_err *e, int code, size_t pos, const char *file, int line, const char *fmt,
               ...) QN_PRINTF(6, 7);

#define qn_fail(e, code, ...) qn_err_set((e), (code), QN_NO_POS, __FILE__, __LINE__, __VA_ARGS__)
#define qn_fail_at(e, code, pos, ...)                                                              \
    qn_err_set((e), (code), (pos), __FILE__, __LINE__, __VA_ARGS__)
/* Corruption always goes through this, so that every site can be found by name. */
#define qn_corrupt(e, ...) qn_err_set((e), QN_E_CORRUPT, QN_NO_POS, __FILE__, __LINE__, __VA_ARGS__)

/* Puts the text (with its own ": ") before the message of an error that is set: context added on the
 * way up. */
void qn_err_prefix(struct qn_err *e, const char *fmt, ...) QN_PRINTF(2, 3);

/* QN_E_NO_SPACE, QN_E_ACCESS, QN_E_NOT_FOUND, QN_E_EXISTS or QN_E_IO for an errno value. */
int qn_err_from_errno(int errnum);

#endif
