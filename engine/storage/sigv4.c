#include "storage/sigv4.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/time.h"

void qn_sigv4_encode(struct qn_buf *out, struct qn_str raw, int keep_slash)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = (unsigned char)raw.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~' || (c == '/' && keep_slash);
        if (plain) {
            qn_buf_put_u8(out, c);
        } else {
            const char code[3] = {'%', hex[c >> 4], hex[c & 15]};
            qn_buf_put(out, code, sizeof code);
        }
    }
}

static int by_name(const void *a, const void *b)
{
    const struct qn_sigv4_pair *x = a, *y = b;
    int order = qn_str_cmp(x->name, y->name);
    return order != 0 ? order : qn_str_cmp(x->value, y->value);
}

void qn_sigv4_query(struct qn_buf *out, struct qn_sigv4_pair *params, size_t n)
{
    /* Sorting raw names is sorting encoded ones for all names that S3 has: plain characters. */
    if (n > 1)
        qsort(params, n, sizeof *params, by_name);
    for (size_t i = 0; i < n; i++) {
        if (i != 0)
            qn_buf_put_u8(out, '&');
        qn_sigv4_encode(out, params[i].name, 0);
        qn_buf_put_u8(out, '=');
        qn_sigv4_encode(out, params[i].value, 0);
    }
}

void qn_sigv4_date(char out[QN_SIGV4_DATE], int64_t unix_s)
{
    struct qn_civil c;
    qn_civil_from_unix(unix_s, 0, &c);
    snprintf(out, QN_SIGV4_DATE, "%04u%02u%02uT%02u%02u%02uZ", (unsigned)c.year % 10000u,
             (unsigned)c.month % 100u, (unsigned)c.day % 100u, (unsigned)c.hour % 100u,
             (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
}

static void put_hex(char *out, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", p[i]);
}

void qn_sigv4_sha256(char out[QN_SIGV4_HEX], struct qn_str bytes)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)(bytes.n == 0 ? "" : bytes.p), bytes.n, digest);
    put_hex(out, digest, sizeof digest);
}

/* RFC 2104 over libcrypto's SHA-256. libcrypto's own HMAC is declared in a header that names
 * parameters "rand", which engine/banned.h does not let through. */
static void hmac(unsigned char out[SHA256_DIGEST_LENGTH], struct qn_str key, struct qn_str text)
{
    unsigned char block[SHA256_CBLOCK] = {0}, digest[SHA256_DIGEST_LENGTH];
    struct qn_buf in;
    if (key.n > sizeof block)
        SHA256((const unsigned char *)key.p, key.n, block);
    else
        memcpy(block, key.p, key.n);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36;
    qn_buf_init(&in, SIZE_MAX);
    qn_buf_put(&in, block, sizeof block);
    qn_buf_put_str(&in, text);
    SHA256((const unsigned char *)in.p, in.n, digest);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= 0x36 ^ 0x5c;
    qn_buf_clear(&in);
    qn_buf_put(&in, block, sizeof block);
    qn_buf_put(&in, digest, sizeof digest);
    SHA256((const unsigned char *)in.p, in.n, out);
    qn_buf_release(&in);
}

/* "host;x-amz-date" */
static void put_names(struct qn_buf *out, const struct qn_sigv4_request *rq)
{
    for (size_t i = 0; i < rq->n_headers; i++) {
        if (i != 0)
            qn_buf_put_u8(out, ';');
        qn_buf_put_str(out, rq->headers[i].name);
    }
}

/* A value without white space at its ends, runs of blanks inside as one. */
static void put_value(struct qn_buf *out, struct qn_str value)
{
    value = qn_str_trim(value);
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != ' ' || value.p[i - 1] != ' ') /* the first byte is no blank */
            qn_buf_put_u8(out, (uint8_t)value.p[i]);
}

static void put_canonical(struct qn_buf *out, const struct qn_sigv4_request *rq)
{
    const struct qn_str lines[] = {rq->method, rq->path, rq->query};
    for (size_t i = 0; i < 3; i++) {
        qn_buf_put_str(out, lines[i]);
        qn_buf_put_u8(out, '\n');
    }
    for (size_t i = 0; i < rq->n_headers; i++) {
        qn_buf_put_str(out, rq->headers[i].name);
        qn_buf_put_u8(out, ':');
        put_value(out, rq->headers[i].value);
        qn_buf_put_u8(out, '\n');
    }
    qn_buf_put_u8(out, '\n');
    put_names(out, rq);
    qn_buf_put_u8(out, '\n');
    qn_buf_put_str(out, rq->payload_hash);
}

/* The key of one day, region and service signs the text. */
static void put_signature(struct qn_buf *out, const struct qn_sigv4_request *rq, struct qn_str text)
{
    unsigned char mac[2][SHA256_DIGEST_LENGTH];
    char hex[QN_SIGV4_HEX];
    struct qn_buf key;
    qn_buf_init(&key, SIZE_MAX);
    qn_buf_put_z(&key, "AWS4");
    qn_buf_put_str(&key, rq->secret_key);
    hmac(mac[0], qn_buf_str(&key), qn_str_make(rq->date, 8));
    hmac(mac[1], qn_str_make(mac[0], 32), rq->region);
    hmac(mac[0], qn_str_make(mac[1], 32), rq->service);
    hmac(mac[1], qn_str_make(mac[0], 32), QN_STR("aws4_request"));
    hmac(mac[0], qn_str_make(mac[1], 32), text);
    put_hex(hex, mac[0], 32);
    qn_buf_put(out, hex, 64);
    qn_buf_release(&key);
}

void qn_sigv4_sign(struct qn_buf *out, const struct qn_sigv4_request *rq)
{
    if (rq->n_headers > 1)
        qsort(rq->headers, rq->n_headers, sizeof *rq->headers, by_name);
    struct qn_buf text, scope;
    char hash[QN_SIGV4_HEX];
    qn_buf_init(&text, SIZE_MAX);
    qn_buf_init(&scope, SIZE_MAX);
    put_canonical(&text, rq);
    qn_sigv4_sha256(hash, qn_buf_str(&text));
    qn_buf_put(&scope, rq->date, 8);
    qn_buf_put_u8(&scope, '/');
    qn_buf_put_str(&scope, rq->region);
    qn_buf_put_u8(&scope, '/');
    qn_buf_put_str(&scope, rq->service);
    qn_buf_put_z(&scope, "/aws4_request");
    qn_buf_clear(&text);
    qn_buf_put_z(&text, "AWS4-HMAC-SHA256\n");
    qn_buf_put(&text, rq->date, QN_SIGV4_DATE - 1);
    qn_buf_put_u8(&text, '\n');
    qn_buf_put_str(&text, qn_buf_str(&scope));
    qn_buf_put_u8(&text, '\n');
    qn_buf_put(&text, hash, 64);
    qn_buf_put_z(out, "AWS4-HMAC-SHA256 Credential=");
    qn_buf_put_str(out, rq->access_key);
    qn_buf_put_u8(out, '/');
    qn_buf_put_str(out, qn_buf_str(&scope));
    qn_buf_put_z(out, ", SignedHeaders=");
    put_names(out, rq);
    qn_buf_put_z(out, ", Signature=");
    put_signature(out, rq, qn_buf_str(&text));
    qn_buf_release(&scope);
    qn_buf_release(&text);
}
