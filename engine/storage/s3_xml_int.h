/* The answers of S3 servers: small XML without attributes that matter, read front to back.
 *
 * The callback sees each element at its end tag: a leaf with its text (entities decoded; valid
 * until the callback returns), an element with children with text.p == NULL. Namespace prefixes are
 * dropped. Bounds: 16 levels, names of 64 bytes, texts of 16 KiB; document types are refused, so
 * nothing expands. @thread any */
#ifndef QN_STORAGE_S3_XML_INT_H
#define QN_STORAGE_S3_XML_INT_H

#include "base/err.h"
#include "base/str.h"

#define QN_S3_XML_DEPTH 16
#define QN_S3_XML_NAME 64
#define QN_S3_XML_TEXT (16u << 10)

/* parent is empty for the root. Anything but 0 ends the reading and is its result. */
typedef int (*qn_s3_xml_fn)(void *arg, struct qn_str parent, struct qn_str name,
                            struct qn_str text);

/* 0, QN_E_PARSE, or what fn returned. */
QN_MUST_CHECK int qn__s3_xml_read(struct qn_str doc, qn_s3_xml_fn fn, void *arg);

#endif
