/* Answers of S3 servers: never a crash, bounded, and texts come out as valid UTF-8. */
#include <stdint.h>

#include "base/utf8.h"
#include "s3_xml_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_element(void *arg, struct qn_str parent, struct qn_str name, struct qn_str text)
{
    size_t *n = arg;
    ++*n;
    QN_ASSERT(name.n > 0 && name.n <= QN_S3_XML_NAME && parent.n <= QN_S3_XML_NAME);
    QN_ASSERT(text.n <= QN_S3_XML_TEXT);
    QN_ASSERT(text.p == NULL || qn_utf8_invalid(text) == SIZE_MAX);
    return *n == 1000 ? QN_E_TOO_LARGE : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t n = 0;
    int rc = qn__s3_xml_read(qn_str_make(data, size), on_element, &n);
    QN_ASSERT(rc == 0 || rc == QN_E_PARSE || rc == QN_E_TOO_LARGE);
    QN_ASSERT(rc != 0 || n > 0);
    return 0;
}
