/* Numbers of JSON: exact reading, shortest printing.
 *
 * Reading takes the number's text as the tape gives it (already checked to be a JSON number).
 * Doubles are correctly rounded. Printing gives the fewest digits that read back to the same
 * double, the nearest such if there are several, in the layouts of two families of servers:
 *
 *     value      SERDE (Quickwit)   JAVA (Elasticsearch)
 *     1          1.0                1.0
 *     1e7        10000000.0         1.0E7
 *     1e16       1e16               1.0E16
 *     1.5e-7     1.5e-7             1.5E-7
 *     0.0001     0.0001             1.0E-4
 *
 * @thread any */
#ifndef QN_JSON_NUMBER_H
#define QN_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* QN_E_TYPE when s has a fraction or exponent, QN_E_RANGE when it does not fit. "-0" is 0. */
QN_MUST_CHECK int qn_json_parse_i64(struct qn_str s, int64_t *out);
QN_MUST_CHECK int qn_json_parse_u64(struct qn_str s, uint64_t *out);
/* Any JSON number; QN_E_RANGE when it rounds to infinity. Tiny ones become 0. */
QN_MUST_CHECK int qn_json_parse_f64(struct qn_str s, double *out);

/* A number as the first of i64, u64, f64 that holds it: the rule for untyped (dynamic) values. */
struct qn_json_num {
    enum { QN_JSON_NUM_I64, QN_JSON_NUM_U64, QN_JSON_NUM_F64 } kind;
    union {
        int64_t i64;
        uint64_t u64;
        double f64;
    };
};
QN_MUST_CHECK int qn_json_parse_num(struct qn_str s, struct qn_json_num *out);

enum qn_f64_style { QN_F64_SERDE, QN_F64_JAVA };

#define QN_F64_MAX 32 /* room that the printers need */
/* Writes without a NUL, returns the length. v must be finite. */
size_t qn_f64_print(char out[QN_F64_MAX], double v, enum qn_f64_style style);
/* The same for the shortest text that reads back to the same float: "0.1" for 0.1f. */
size_t qn_f32_print(char out[QN_F64_MAX], float v, enum qn_f64_style style);
/* out has room for 20 bytes */
size_t qn_i64_print(char *out, int64_t v);
size_t qn_u64_print(char *out, uint64_t v);

/* The decimal that is printed: digits * 10^exponent, digits without trailing zeros (0 for zero). */
struct qn_decimal {
    uint64_t digits;
    int exponent;
    bool negative;
};
struct qn_decimal qn_f64_shortest(double v);

#endif
