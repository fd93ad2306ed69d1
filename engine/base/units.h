/* Sizes and durations as people write them: "64MiB", "1.5 GB", "100 KB"; "30s", "1h 30m", "250ms",
 * "7 days". k/K, M, G, T are powers of 1,000; Ki, Mi, Gi, Ti of 1,024. A bare number is bytes;
 * durations need a unit, but for 0. */
#ifndef QN_BASE_UNITS_H
#define QN_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

QN_MUST_CHECK int qn_parse_size(struct qn_str s, uint64_t *bytes, struct qn_err *err);
QN_MUST_CHECK int qn_parse_duration(struct qn_str s, uint64_t *us, struct qn_err *err);
/* Writes a short form ("1.5 GiB", "2.5s") and returns out. */
const char *qn_format_size(char out[24], uint64_t bytes);
const char *qn_format_duration(char out[24], uint64_t us);

#endif
