/* Little-endian numbers at any address: how every format of ours stores them. */
#ifndef QN_BASE_LE_H
#define QN_BASE_LE_H

#include <stdint.h>
#include <string.h>

static inline uint16_t qn_le16(const void *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint32_t qn_le32(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t qn_le64(const void *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#endif
