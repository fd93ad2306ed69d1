/* Lucene's and Rust's regular expressions in PCRE2's words.
 *
 *                Lucene                              Rust (as tantivy's dictionaries take it)
 *   . any        every character                     every character but a line feed
 *   ^ $          literal                             refused
 *   "abc"        literal text                        literal quotes
 *   @ #          any string, no string               literal
 *   ~ & <1-9>    refused                             literal
 *   (?..)        refused                             flags i s x, names, (?: )
 *   x*? x*+      the repetition is repeated          refused
 *   \d \w \s     classes                             classes, also \p{..} \x{..} \n ..
 *   [..]         ranges, ^                           ranges, ^, [:name:]; sets of sets refused */
#include "pattern_int.h"

enum { DEPTH = 200 };

struct translation {
    struct qn_str in;
    size_t at;
    struct qn_buf *out;
    bool lucene;
    /* Where the last atom starts in out, or SIZE_MAX: nothing can be repeated here. */
    size_t atom;
    bool repeated;
    uint32_t depth;
    size_t groups[DEPTH];
    struct qn_err *err;
};

static int refuse(const struct translation *tr, size_t at, const char *what)
{
    return qn_fail_at(tr->err, QN_E_INVALID, at,
                      "regular expression `" QN_STR_FMT "`, position %zu: %s",
                      QN_STR_ARG(qn_str_first(tr->in, 60)), at, what);
}

static int peek(const struct translation *tr, size_t ahead)
{
    return tr->at + ahead < tr->in.n ? (uint8_t)tr->in.p[tr->at + ahead] : -1;
}

static void put_literal(struct qn_buf *out, int c)
{
    if (c > 0 && c < 128 && strchr("\\^$.[]|()?*+{}#&-~\"@<>/ ", c) != NULL)
        qn_buf_put_u8(out, '\\');
    qn_buf_put_u8(out, (uint8_t)c);
}

/* One code point, byte by byte: an atom of its own. */
static void literal(struct translation *tr, size_t from)
{
    tr->atom = tr->out->n;
    tr->repeated = false;
    put_literal(tr->out, (uint8_t)tr->in.p[from]);
    tr->at = from + 1;
    while ((peek(tr, 0) & 0xc0) == 0x80 && peek(tr, 0) >= 0)
        qn_buf_put_u8(tr->out, (uint8_t)tr->in.p[tr->at++]);
}

static bool is_word(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* \p{..}, \x41, \x{41}: copied with what belongs to them. */
static int copy_braced(struct translation *tr, size_t start, uint8_t as)
{
    qn_buf_put_u8(tr->out, '\\');
    qn_buf_put_u8(tr->out, as);
    tr->at = start + 2;
    int c = peek(tr, 0);
    if (c == '{') {
        do {
            c = peek(tr, 0);
            if (c < 0)
                return refuse(tr, start, "a brace is not closed");
            qn_buf_put_u8(tr->out, (uint8_t)c);
            tr->at++;
        } while (c != '}');
        return 0;
    }
    for (int n = as == 'x' ? 2 : 1; n > 0; n--, tr->at++) {
        if (!is_word(peek(tr, 0)))
            return refuse(tr, start, "the escape is not complete");
        qn_buf_put_u8(tr->out, (uint8_t)peek(tr, 0));
    }
    return 0;
}

static int escape(struct translation *tr)
{
    size_t start = tr->at;
    int c = peek(tr, 1);
    if (c < 0)
        return refuse(tr, start, "a backslash at the end");
    tr->atom = tr->out->n;
    tr->repeated = false;
    if (c != 0 && strchr("dDwWsS", c) != NULL) {
        qn_buf_put_u8(tr->out, '\\');
        qn_buf_put_u8(tr->out, (uint8_t)c);
        tr->at += 2;
        return 0;
    }
    if (tr->lucene || !is_word(c)) {
        literal(tr, start + 1);
        return 0;
    }
    if (c == 'p' || c == 'P' || c == 'x')
        return copy_braced(tr, start, (uint8_t)c);
    static const char names[] = "ntrfva", codes[] = "\n\t\r\f\v\a";
    const char *at = strchr(names, c);
    if (at == NULL)
        return refuse(tr, start, "this escape is not supported");
    qn_buf_printf(tr->out, "\\x%02X", (unsigned)codes[at - names]);
    tr->at += 2;
    return 0;
}

/* [:alpha:], copied whole; anything else that opens a bracket inside a class is a set of sets. */
static int named_class(struct translation *tr)
{
    struct qn_str rest = qn_str_from(tr->in, tr->at);
    size_t end = peek(tr, 1) == ':' ? qn_str_find(rest, QN_STR(":]")) : SIZE_MAX;
    if (end == SIZE_MAX)
        return refuse(tr, tr->at, "classes inside classes are not supported");
    qn_buf_put(tr->out, rest.p, end + 2);
    tr->at += end + 2;
    return 0;
}

static bool is_set_operator(const struct translation *tr)
{
    int c = peek(tr, 0);
    return (c == '&' || c == '-' || c == '~') && peek(tr, 1) == c;
}

static int class_item(struct translation *tr)
{
    int c = peek(tr, 0);
    if (c == '\\') {
        return escape(tr);
    } else if (!tr->lucene && c == '[') {
        return named_class(tr);
    } else if (!tr->lucene && is_set_operator(tr)) {
        return refuse(tr, tr->at, "operators on classes are not supported");
    } else if (c == '-') {
        qn_buf_put_u8(tr->out, '-');
        tr->at++;
    } else {
        literal(tr, tr->at);
    }
    return 0;
}

static int bracket(struct translation *tr)
{
    size_t start = tr->at, out_start = tr->out->n;
    qn_buf_put_u8(tr->out, '[');
    tr->at++;
    if (peek(tr, 0) == '^') {
        qn_buf_put_u8(tr->out, '^');
        tr->at++;
    }
    if (peek(tr, 0) == ']') { /* first of all it is itself */
        if (tr->lucene)
            return refuse(tr, start, "the class is empty");
        literal(tr, tr->at);
    }
    while (peek(tr, 0) != ']') {
        if (peek(tr, 0) < 0)
            return refuse(tr, start, "a bracket is not closed");
        int rc = class_item(tr);
        if (rc < 0)
            return rc;
    }
    qn_buf_put_u8(tr->out, ']');
    tr->at++;
    tr->atom = out_start;
    tr->repeated = false;
    return 0;
}

/* Behind "(?": flags, a name, or nothing but grouping. */
static int group_head(struct translation *tr)
{
    size_t start = tr->at - 1;
    tr->at++;
    if (peek(tr, 0) == 'P' && peek(tr, 1) == '<')
        tr->at++;
    if (peek(tr, 0) == '<') {
        if (!is_word(peek(tr, 1)) && peek(tr, 1) != '_')
            return refuse(tr, start, "looking around is not supported");
        while (peek(tr, 0) >= 0 && peek(tr, 0) != '>')
            tr->at++;
        if (peek(tr, 0) < 0)
            return refuse(tr, start, "a name is not closed");
        tr->at++;
        qn_buf_put_z(tr->out, "?:");
        return 0;
    }
    qn_buf_put_u8(tr->out, '?');
    for (;; tr->at++) {
        int c = peek(tr, 0);
        if (c < 0 || strchr("isx-:)", c) == NULL)
            return refuse(tr, start, "this kind of group is not supported");
        if (c == ')')
            return 0; /* flags for what follows: closed by the caller's loop */
        qn_buf_put_u8(tr->out, (uint8_t)c);
        if (c == ':') {
            tr->at++;
            return 0;
        }
    }
}

static int open_group(struct translation *tr)
{
    if (tr->depth == DEPTH)
        return refuse(tr, tr->at, "groups are nested too deeply");
    tr->groups[tr->depth++] = tr->out->n;
    qn_buf_put_u8(tr->out, '(');
    tr->at++;
    tr->atom = SIZE_MAX;
    if (peek(tr, 0) != '?')
        return 0;
    return tr->lucene ? refuse(tr, tr->at, "nothing here can be repeated") : group_head(tr);
}

static int close_group(struct translation *tr)
{
    if (tr->depth == 0)
        return refuse(tr, tr->at, "a parenthesis is closed that was not opened");
    qn_buf_put_u8(tr->out, ')');
    tr->at++;
    tr->atom = tr->groups[--tr->depth];
    tr->repeated = false;
    return 0;
}

static void insert(struct qn_buf *out, size_t at, const char *z)
{
    size_t n = strlen(z), tail = out->n - at;
    qn_buf_put(out, z, n);
    memmove(out->p + at + n, out->p + at, tail);
    memcpy(out->p + at, z, n);
}

static bool is_counted(const struct translation *tr)
{
    return peek(tr, 1) >= '0' && peek(tr, 1) <= '9';
}

static int repeat(struct translation *tr)
{
    size_t start = tr->at;
    int c = peek(tr, 0);
    if (tr->atom == SIZE_MAX)
        return refuse(tr, start, "nothing here can be repeated");
    if (c == '{' && !is_counted(tr))
        return refuse(tr, start, "a count must follow the brace");
    if (tr->repeated) { /* PCRE2 would read it as lazy or possessive */
        if (!tr->lucene)
            return refuse(tr, start, "lazy and repeated repetitions are not supported");
        insert(tr->out, tr->atom, "(?:");
        qn_buf_put_u8(tr->out, ')');
    }
    do {
        c = peek(tr, 0);
        if (c < 0)
            return refuse(tr, start, "a brace is not closed");
        if (tr->at > start && c != ',' && c != '}' && (c < '0' || c > '9'))
            return refuse(tr, tr->at, "a count must be a number");
        qn_buf_put_u8(tr->out, (uint8_t)c);
        tr->at++;
    } while (tr->in.p[start] == '{' && c != '}');
    tr->repeated = true;
    return 0;
}

/* "literal text" */
static int quoted(struct translation *tr)
{
    size_t start = tr->at, out_start = tr->out->n;
    size_t end = qn_str_find_byte(qn_str_from(tr->in, start + 1), '"');
    if (end == SIZE_MAX)
        return refuse(tr, start, "a quote is not closed");
    qn_buf_put_z(tr->out, "(?:");
    for (size_t i = 0; i < end; i++)
        put_literal(tr->out, (uint8_t)tr->in.p[start + 1 + i]);
    qn_buf_put_u8(tr->out, ')');
    tr->at = start + end + 2;
    tr->atom = out_start;
    tr->repeated = false;
    return 0;
}

static void fragment(struct translation *tr, const char *z)
{
    tr->atom = tr->out->n;
    tr->repeated = false;
    qn_buf_put_z(tr->out, z);
    tr->at++;
}

/* Characters that only Lucene reads as operators. */
static int lucene_only(struct translation *tr, int c)
{
    switch (c) {
    case '"':
        return quoted(tr);
    case '@':
        fragment(tr, "(?:.*)");
        return 0;
    case '#':
        fragment(tr, "(?!)");
        return 0;
    case '~':
        return refuse(tr, tr->at, "complements are not supported");
    case '&':
        return refuse(tr, tr->at, "intersections are not supported");
    case '<':
        return refuse(tr, tr->at, "numeric intervals are not supported");
    default:
        literal(tr, tr->at);
        return 0;
    }
}

static int item(struct translation *tr)
{
    int c = peek(tr, 0);
    switch (c) {
    case '\\':
        return escape(tr);
    case '[':
        return bracket(tr);
    case '(':
        return open_group(tr);
    case ')':
        return close_group(tr);
    case '*':
    case '+':
    case '?':
    case '{':
        return repeat(tr);
    case '.':
        fragment(tr, ".");
        return 0;
    case '|':
        fragment(tr, "|");
        tr->atom = SIZE_MAX;
        return 0;
    case '^':
    case '$':
        if (!tr->lucene)
            return refuse(tr, tr->at, "anchors are not supported: the whole term is matched");
        break;
    default:
        break;
    }
    if (tr->lucene)
        return lucene_only(tr, c);
    literal(tr, tr->at);
    return 0;
}

int qn__regex_translate(struct qn_buf *out, struct qn_str text, enum qn_regex_syntax syntax,
                        struct qn_err *err)
{
    struct translation tr = {
        .in = text, .out = out, .lucene = syntax == QN_REGEX_LUCENE, .atom = SIZE_MAX, .err = err};
    while (tr.at < text.n) {
        int rc = item(&tr);
        if (rc < 0)
            return rc;
    }
    return tr.depth > 0 ? refuse(&tr, text.n, "a parenthesis is not closed") : 0;
}

/* Literals in front, up to the first character that could mean something else. The last of them
 * may be optional. An alternative anywhere leaves nothing certain. */
void qn__regex_prefix(struct qn_buf *out, struct qn_str text, enum qn_regex_syntax syntax)
{
    const char *meta = syntax == QN_REGEX_LUCENE ? "\\^$.[](){}*+?\"@#~&<>" : "\\^$.[](){}*+?";
    size_t n = 0, last = 0;
    if (qn_str_find_byte(text, '|') != SIZE_MAX)
        return;
    while (n < text.n && text.p[n] != '\0' && strchr(meta, text.p[n]) == NULL) {
        if (((uint8_t)text.p[n] & 0xc0) != 0x80)
            last = n;
        n++;
    }
    if (n < text.n && (text.p[n] == '*' || text.p[n] == '?' || text.p[n] == '{'))
        n = last;
    qn_buf_put(out, text.p, n);
}
