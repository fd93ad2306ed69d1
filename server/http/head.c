#include "exchange_int.h"

/* Headers as the library read them, checked for what it lets pass: anything that two parsers in a
 * row (a proxy and this one) could read differently is refused, and the connection is closed. */

static bool is_token_byte(unsigned char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

static bool is_token(struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_token_byte((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

static bool has_control_bytes(struct qn_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return true;
    }
    return false;
}

/* Version 0.9.75 of the library glues a folded line to the header's name: "Transfer-Encoding:\r\n
 * chunked" arrives as a header "Transfer-Encodingchunked". Where that hides a body it is refused.
 */
static bool is_glued(struct qn_str name)
{
    static const struct qn_str framing[] = {{"Content-Length", 14}, {"Transfer-Encoding", 17}};
    for (size_t i = 0; i < QN_COUNT_OF(framing); i++)
        if (name.n > framing[i].n && qn_str_eq_nocase(qn_str_first(name, framing[i].n), framing[i]))
            return true;
    return false;
}

struct gather {
    struct qn__header *headers;
    size_t n, max;
    struct qn_arena *arena;
};

static enum MHD_Result gather_one(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_n,
                                  const char *value, size_t value_n)
{
    (void)kind;
    struct gather *ga = cls;
    if (ga->n == ga->max)
        return MHD_NO;
    /* Copied: the library's own memory goes with the connection, a worker may stay longer. */
    struct qn__header *hd = &ga->headers[ga->n++];
    hd->name = qn_arena_str(ga->arena, qn_str_make(key, key_n));
    hd->value = qn_arena_str(ga->arena, qn_str_make(value, value == NULL ? 0 : value_n));
    return MHD_YES;
}

struct counts {
    unsigned content_length, transfer_encoding, host, content_encoding;
    bool chunked;
};

static void know_length(struct qn__head *hd, struct qn_str v, struct counts *ct)
{
    ct->content_length++;
    if (qn_str_to_u64(v, &hd->content_length) < 0)
        ct->content_length += 2; /* as bad as two of them */
}

static void know_coding(struct qn__head *hd, struct qn_str v, struct counts *ct)
{
    hd->coding = ct->content_encoding++ == 0 ? qn__coding_parse(v) : CODING_UNKNOWN;
}

/* Keeps what the front itself needs. Dispatch on length and first letter: most headers are none. */
static void know_header(struct qn__head *hd, const struct qn__header *h, struct counts *ct)
{
    struct qn_str v = h->value;
#define IS(lit) qn_str_eq_nocase(h->name, QN_STR(lit))
    switch (h->name.n) {
    case 4:
        ct->host += IS("Host");
        break;
    case 6:
        if (IS("Accept"))
            hd->accept = v;
        else if (IS("Origin"))
            hd->origin = v;
        else if (IS("Expect"))
            hd->expects_continue = qn_str_eq_nocase(v, QN_STR("100-continue"));
        break;
    case 11:
        if (IS("X-Opaque-Id"))
            hd->opaque_id = v;
        break;
    case 12:
        if (IS("Content-Type"))
            hd->content_type = v;
        else if (IS("X-Request-Id"))
            hd->request_id = v;
        break;
    case 13:
        if (IS("If-None-Match"))
            hd->etag = v;
        break;
    case 14:
        if (IS("Content-Length"))
            know_length(hd, v, ct);
        break;
    case 15:
        if (IS("Accept-Encoding"))
            hd->accept_encoding = v;
        break;
    case 16:
        if (IS("Content-Encoding"))
            know_coding(hd, v, ct);
        break;
    case 17:
        if (IS("Transfer-Encoding")) {
            ct->transfer_encoding++;
            ct->chunked = qn_str_eq_nocase(v, QN_STR("chunked"));
        }
        break;
    default:
        break;
    }
#undef IS
}

/* NULL, or what is wrong with the framing. */
static const char *check_framing(const struct counts *ct, bool http_1_1)
{
    if (ct->content_length > 1)
        return "more than one Content-Length, or one that is not a number";
    if (ct->transfer_encoding > 1)
        return "more than one Transfer-Encoding";
    if (ct->transfer_encoding == 1 && ct->content_length > 0)
        return "both Content-Length and Transfer-Encoding";
    if (ct->transfer_encoding == 1 && !ct->chunked)
        return "the only Transfer-Encoding understood is chunked";
    if (ct->transfer_encoding == 1 && !http_1_1)
        return "Transfer-Encoding needs HTTP/1.1";
    if (ct->host > 1)
        return "more than one Host";
    if (ct->host == 0 && http_1_1)
        return "no Host";
    return NULL;
}

static int refuse_framing(struct qn_exchange *ex, int status, const char *what)
{
    ex->close = true;
    qn__refuse(ex, REFUSED_FRAMING, status, "illegal_argument_exception", "malformed request: %s",
               what);
    return QN_E_INVALID;
}

int qn__head_read(struct qn_exchange *ex, const char *version)
{
    struct qn_arena *ar = &ex->rq.arena;
    bool http_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!http_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return refuse_framing(ex, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    int n = MHD_get_connection_values_n(ex->mc, MHD_HEADER_KIND, NULL, NULL);
    if (n > QN__HEADERS_MAX)
        return refuse_framing(ex, 431, "too many headers");
    struct gather ga = {.arena = ar, .max = (size_t)(n < 0 ? 0 : n)};
    ga.headers = qn_arena_array(ar, struct qn__header, ga.max);
    if (ga.headers != NULL)
        MHD_get_connection_values_n(ex->mc, MHD_HEADER_KIND, gather_one, &ga);
    if (qn_arena_failed(ar)) {
        ex->close = true;
        qn__refuse(ex, REFUSED_BUSY, 429, "circuit_breaking_exception",
                   "no memory left for another request");
        return QN_E_BUDGET;
    }
    struct counts ct = {0};
    for (size_t i = 0; i < ga.n; i++) {
        if (!is_token(ga.headers[i].name) || is_glued(ga.headers[i].name))
            return refuse_framing(ex, 400, "a header name with other than token characters");
        if (has_control_bytes(ga.headers[i].value))
            return refuse_framing(ex, 400, "a header value with control characters");
        know_header(&ex->head, &ga.headers[i], &ct);
    }
    ex->head.headers = ga.headers;
    ex->head.n_headers = ga.n;
    ex->head.has_body = ct.transfer_encoding > 0 || ex->head.content_length > 0;
    const char *wrong = check_framing(&ct, http_1_1);
    return wrong != NULL ? refuse_framing(ex, 400, wrong) : 0;
}
