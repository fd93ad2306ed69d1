/* Character properties and mappings of Unicode 15.0, from generated tables (tables/gen.py).
 *
 * One byte per code point, two levels, says which combination of properties it has; mappings are
 * short sorted range lists, consulted only for code points whose flags say that they have one.
 * Names follow Rust's char methods, which Quickwit's tokenizers are defined by.
 * @thread any */
#ifndef QN_TEXT_UNICODE_H
#define QN_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
    QN_UC_ALPHA = 1 << 0,  /* Alphabetic */
    QN_UC_NUM = 1 << 1,    /* Nd, Nl, No */
    QN_UC_UPPER = 1 << 2,  /* Uppercase */
    QN_UC_LETTER = 1 << 3, /* general category L* */
    QN_UC_SPACE = 1 << 4,  /* Java's isWhitespace: no-break spaces are not in it */
    QN_UC_LOWERS = 1 << 5, /* has a lower-case mapping that is not itself */
    QN_UC_FOLDS = 1 << 6,  /* has an ASCII likeness */
    QN_UC_CJK = 1 << 7,    /* the ideograph ranges that chinese_compatible separates */
};

/* The QN_UC_* flags of a code point; 0 for QN_UTF8_BAD. */
unsigned qn_uc_flags(uint32_t cp);
static inline bool qn_uc_is_alnum(uint32_t cp)
{
    return (qn_uc_flags(cp) & (QN_UC_ALPHA | QN_UC_NUM)) != 0;
}

/* Full lower-case mapping without the final-sigma rule: 1 or 2 code points in out. */
size_t qn_uc_lower(uint32_t cp, uint32_t out[2]);
/* ASCII likeness of a non-ASCII code point: 1..4 characters in out, or 0 when it has none. */
size_t qn_uc_fold(uint32_t cp, char out[4]);
/* Lower-cases s (bytes that are not UTF-8 are copied); returns the length. out has room for
 * s.n * 3 / 2 + 3 bytes. */
size_t qn_uc_lower_str(char *out, struct qn_str s);

#endif
