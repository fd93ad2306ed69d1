/* A typed value: what a field of a document is, once the mapping has read it.
 *
 * STR and BYTES borrow: from the document's text, from the tape, or from the walker's arena; valid
 * until the walker's next document. IP is 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.
 * DATE is nanoseconds since 1970, UTC. @thread any */
#ifndef QN_SCHEMA_VALUE_H
#define QN_SCHEMA_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum qn_value_type {
    QN_VALUE_NONE,
    QN_VALUE_STR,
    QN_VALUE_I64,
    QN_VALUE_U64,
    QN_VALUE_F64,
    QN_VALUE_BOOL,
    QN_VALUE_DATE,
    QN_VALUE_IP,
    QN_VALUE_BYTES,
};

struct qn_value {
    uint8_t type; /* enum qn_value_type */
    union {
        struct qn_str str; /* STR, BYTES */
        int64_t i64;       /* I64, DATE */
        uint64_t u64;
        double f64;
        bool b;
        uint8_t ip[16];
    };
};

const char *qn_value_type_name(enum qn_value_type type); /* "i64", "str", ... */
/* Same type and same value; doubles by bits. */
bool qn_value_equal(const struct qn_value *a, const struct qn_value *b);

/* IPv4 dotted or IPv6 text (RFC 4291, no zone, no brackets) to 16 bytes: QN_E_PARSE. */
QN_MUST_CHECK int qn_ip_parse(struct qn_str s, uint8_t out[16]);
#define QN_IP_MAX 46
/* Shortest form (RFC 5952); v4-mapped addresses as IPv4. Returns the length, no NUL. */
size_t qn_ip_print(char out[QN_IP_MAX], const uint8_t ip[16]);

/* Standard base64 with padding, and hexadecimal. Reading appends to out: QN_E_PARSE, and out is as
 * before. */
QN_MUST_CHECK int qn_base64_read(struct qn_buf *out, struct qn_str s);
void qn_base64_print(struct qn_buf *out, struct qn_str bytes);
QN_MUST_CHECK int qn_hex_read(struct qn_buf *out, struct qn_str s);
void qn_hex_print(struct qn_buf *out, struct qn_str bytes);

#endif
