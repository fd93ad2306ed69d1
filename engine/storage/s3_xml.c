#include "s3_xml_int.h"

#include "base/buf.h"
#include "base/utf8.h"

struct reader {
    struct qn_str rest;
    struct qn_str open[QN_S3_XML_DEPTH]; /* names of the elements that are open */
    bool leaf[QN_S3_XML_DEPTH];
    size_t depth;
    struct qn_buf text; /* of the innermost element */
    bool seen_root;
    qn_s3_xml_fn fn;
    void *arg;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The part of a tag's name that counts; empty when it is none. */
static struct qn_str local_name(struct qn_str tag)
{
    size_t n = 0;
    while (n < tag.n && !is_space(tag.p[n]))
        n++;
    struct qn_str name = qn_str_first(tag, n);
    size_t colon = qn_str_find_byte(name, ':');
    return colon == SIZE_MAX ? name : qn_str_from(name, colon + 1);
}

/* Skips "<!-- -->" and "<? ?>". */
static int skip_to(struct reader *rd, struct qn_str end)
{
    size_t at = qn_str_find(rd->rest, end);
    if (at == SIZE_MAX)
        return QN_E_PARSE;
    rd->rest = qn_str_from(rd->rest, at + end.n);
    return QN_OK;
}

static int put_code_point(struct reader *rd, struct qn_str digits)
{
    unsigned base = 10;
    uint32_t c = 0;
    if (digits.n != 0 && digits.p[0] == 'x') {
        base = 16;
        digits = qn_str_from(digits, 1);
    }
    if (digits.n == 0 || digits.n > 7)
        return QN_E_PARSE;
    for (size_t i = 0; i < digits.n; i++) {
        char d = digits.p[i];
        unsigned v = d >= '0' && d <= '9'   ? (unsigned)(d - '0')
                     : d >= 'a' && d <= 'f' ? (unsigned)(d - 'a') + 10
                     : d >= 'A' && d <= 'F' ? (unsigned)(d - 'A') + 10
                                            : 99;
        if (v >= base)
            return QN_E_PARSE;
        c = c * base + v;
    }
    if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return QN_E_PARSE;
    char out[4];
    size_t n = 0;
    if (c < 0x80) {
        out[n++] = (char)c;
    } else {
        unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
        out[n++] = (char)(lead[more] | (c >> (6 * more)));
        while (more-- > 0)
            out[n++] = (char)(0x80 | ((c >> (6 * more)) & 0x3f));
    }
    qn_buf_put(&rd->text, out, n);
    return QN_OK;
}

static int put_entity(struct reader *rd, struct qn_str name)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (qn_str_is(name, known[i].name)) {
            qn_buf_put_u8(&rd->text, (uint8_t)known[i].c);
            return QN_OK;
        }
    if (name.n > 1 && name.p[0] == '#')
        return put_code_point(rd, qn_str_from(name, 1));
    return QN_E_PARSE;
}

/* Text up to the next tag. */
static int read_text(struct reader *rd)
{
    size_t n = qn_str_find_byte(rd->rest, '<');
    struct qn_str raw = qn_str_first(rd->rest, n);
    rd->rest = qn_str_from(rd->rest, raw.n);
    if (rd->depth == 0) /* between the prolog's parts */
        return qn_str_trim(raw).n == 0 ? QN_OK : QN_E_PARSE;
    while (raw.n != 0) {
        size_t plain = qn_str_find_byte(raw, '&');
        struct qn_str head = qn_str_first(raw, plain);
        qn_buf_put_str(&rd->text, head);
        raw = qn_str_from(raw, head.n);
        if (raw.n == 0)
            break;
        size_t semicolon = qn_str_find_byte(qn_str_first(raw, 12), ';');
        if (semicolon == SIZE_MAX)
            return QN_E_PARSE;
        int rc = put_entity(rd, qn_str_make(raw.p + 1, semicolon - 1));
        if (rc < 0)
            return rc;
        raw = qn_str_from(raw, semicolon + 1);
    }
    return rd->text.failed ? QN_E_PARSE : QN_OK;
}

static int close_element(struct reader *rd)
{
    size_t i = --rd->depth;
    struct qn_str parent = i == 0 ? QN_STR("") : rd->open[i - 1];
    struct qn_str text =
        rd->leaf[i] ? qn_str_make(rd->text.p == NULL ? "" : rd->text.p, rd->text.n) : QN_STR_NONE;
    int rc = rd->fn(rd->arg, parent, rd->open[i], text);
    qn_buf_clear(&rd->text);
    return rc;
}

static int open_element(struct reader *rd, struct qn_str name)
{
    if (rd->depth == QN_S3_XML_DEPTH || (rd->depth == 0 && rd->seen_root))
        return QN_E_PARSE;
    if (rd->depth != 0)
        rd->leaf[rd->depth - 1] = false;
    rd->seen_root = true;
    rd->leaf[rd->depth] = true;
    rd->open[rd->depth++] = name;
    qn_buf_clear(&rd->text);
    return QN_OK;
}

static int read_tag(struct reader *rd)
{
    if (qn_str_starts(rd->rest, QN_STR("<?")))
        return skip_to(rd, QN_STR("?>"));
    if (qn_str_starts(rd->rest, QN_STR("<!--")))
        return skip_to(rd, QN_STR("-->"));
    size_t end = qn_str_find_byte(rd->rest, '>');
    if (end == SIZE_MAX)
        return QN_E_PARSE;
    struct qn_str tag = qn_str_make(rd->rest.p + 1, end - 1);
    rd->rest = qn_str_from(rd->rest, end + 1);
    bool closes = tag.n != 0 && tag.p[0] == '/';
    bool empty = !closes && tag.n != 0 && tag.p[tag.n - 1] == '/';
    if (closes)
        tag = qn_str_from(tag, 1);
    if (empty)
        tag.n--;
    struct qn_str name = local_name(tag);
    if (name.n == 0 || name.n > QN_S3_XML_NAME || name.p[0] == '!')
        return QN_E_PARSE;
    if (closes) {
        if (rd->depth == 0 || !qn_str_eq(rd->open[rd->depth - 1], name))
            return QN_E_PARSE;
        return close_element(rd);
    }
    int rc = open_element(rd, name);
    return rc == QN_OK && empty ? close_element(rd) : rc;
}

int qn__s3_xml_read(struct qn_str doc, qn_s3_xml_fn fn, void *arg)
{
    struct reader rd = {.rest = doc, .fn = fn, .arg = arg};
    qn_buf_init(&rd.text, QN_S3_XML_TEXT);
    int rc = qn_utf8_invalid(doc) == SIZE_MAX ? QN_OK : QN_E_PARSE;
    while (rc == QN_OK && rd.rest.n != 0)
        rc = rd.rest.p[0] == '<' ? read_tag(&rd) : read_text(&rd);
    if (rc == QN_OK && (rd.depth != 0 || !rd.seen_root))
        rc = QN_E_PARSE;
    qn_buf_release(&rd.text);
    return rc;
}
