/* UTF-8: validation, decoding and encoding of code points. Surrogates, overlong forms and values
 * above U+10FFFF are invalid. */
#ifndef QN_BASE_UTF8_H
#define QN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define QN_UTF8_BAD 0xFFFFFFFFu

/* Offset of the first invalid byte, or SIZE_MAX when all is valid. */
size_t qn_utf8_invalid(struct qn_str s);
/* Decodes at *at (which must be < s.n) and moves past it; invalid: QN_UTF8_BAD, moves one byte. */
uint32_t qn_utf8_next(struct qn_str s, size_t *at);
/* Bytes written (1..4); cp must be a scalar value. */
size_t qn_utf8_put(char *out, uint32_t cp);

#endif
