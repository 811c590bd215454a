/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/secret_values.h"

#include "exporters/secret_letters.h"
#include "exporters/secret_words.h"

bool byte_is_quote(char c)
{
    return c == '"' || c == '\'';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool byte_is_space(char c)
{
    return is_blank(c) || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.at[at]))
        at++;
    return at;
}

static size_t skip_spaces(struct span text, size_t at)
{
    while (at < text.len && byte_is_space(text.at[at]))
        at++;
    return at;
}

/* ---- quotes ---- */

/* A quote with the backslashes before it: JSON within JSON has one, within that three. */
struct quote {
    char byte;
    size_t slashes;
};

/* Is there one? How long it is; 0: there is none. */
static size_t quote_read(struct span text, size_t at, struct quote *quote)
{
    size_t i = at;
    while (i < text.len && text.at[i] == '\\')
        i++;
    if (i == text.len || !byte_is_quote(text.at[i]))
        return 0;
    *quote = (struct quote){text.at[i], i - at};
    return i + 1 - at;
}

/* Where the text that it began ends, or its own end. One more escape of a quote inside of it
 * doubles its backslashes and adds one. */
static size_t quote_close(struct span text, size_t at, struct quote quote)
{
    size_t slashes = 0;
    for (; at < text.len; at++) {
        if (text.at[at] == '\\') {
            slashes++;
            continue;
        }
        if (text.at[at] == quote.byte) {
            if (slashes < quote.slashes) /* what it stands in ends */
                return at - slashes;
            if ((slashes - quote.slashes) / (quote.slashes + 1) % 2 == 0)
                return at - quote.slashes;
        }
        slashes = 0;
    }
    return text.len;
}

/* ---- lists and objects ---- */

/* Behind the bracket that closes the one at `at`. */
static size_t structure_end(struct span text, size_t at)
{
    size_t depth = 0;
    for (; at < text.len; at++) {
        char c = text.at[at];
        if (c == '"') {
            struct quote quote = {c, 0};
            while (quote.slashes < at && text.at[at - quote.slashes - 1] == '\\')
                quote.slashes++;
            at = quote_close(text, at + 1, quote) + quote.slashes;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0)
                return at + 1;
        }
    }
    return text.len;
}

/* ---- what is not quoted ---- */

/* What ends a value only where something follows that stands behind a value. */
static bool may_end(char c)
{
    return c == ',' || c == ';' || c == '}' || c == ']' || c == ')' || c == '<' || c == '\\' ||
           byte_is_quote(c);
}

/* `name=`, `"name":` */
static bool begins_pair(struct span text, size_t at)
{
    enum { NAME_LONGEST = 64 };
    size_t i = at < text.len && byte_is_quote(text.at[at]) ? at + 1 : at;
    size_t len = word_length(span_first(span_from(text, i), NAME_LONGEST));
    i += len;
    if (i < text.len && byte_is_quote(text.at[i]))
        i++;
    return len > 0 && i < text.len && (text.at[i] == '=' || text.at[i] == ':');
}

static bool ends_there(struct span text, size_t at)
{
    size_t next = at + 1;
    if (next == text.len || byte_is_space(text.at[next]) || text.at[next] == '&' ||
        text.at[next] == '>' || text.at[next] == '/' || may_end(text.at[next]))
        return true;
    return begins_pair(text, next);
}

static size_t plain_end(struct span text, size_t at)
{
    for (; at < text.len; at++) {
        char c = text.at[at];
        if (c == '&' || byte_is_space(c) || (may_end(c) && ends_there(text, at)))
            break;
    }
    return at;
}

/* Quotes of name="value" are its own. */
static size_t head_end(struct span text, size_t at)
{
    bool inside = false;
    for (size_t i = at; i < text.len; i++) {
        char c = text.at[i];
        bool opens = i > at && text.at[i - 1] == '=';
        if (c == '\n' || c == '\r' || c == '\\' || (byte_is_quote(c) && !inside && !opens))
            return i;
        if (byte_is_quote(c))
            inside = !inside;
    }
    return text.len;
}

size_t line_end(struct span text, size_t at)
{
    while (at < text.len && text.at[at] != '\n' && text.at[at] != '\r')
        at++;
    return at;
}

/* ---- values ---- */

static struct cut quoted(struct span text, size_t at, struct quote quote)
{
    size_t end = quote_close(text, at, quote), behind = end + quote.slashes + 1;
    if (behind >= text.len)
        return (struct cut){at, end};
    size_t plain = plain_end(text, behind - 1); /* 'a'b of a form is one value */
    return (struct cut){at, plain > behind ? plain : end};
}

static size_t unquoted_end(struct span text, size_t at, enum value_reach reach)
{
    return reach == VALUE_WORD   ? plain_end(text, at)
           : reach == VALUE_HEAD ? head_end(text, at)
                                 : line_end(text, at);
}

/* &quot;value&quot;, \u0022value\u0022: what its quotes are stands `at`. */
static struct cut between(struct span text, size_t at, size_t len)
{
    size_t from = at + len;
    size_t end = span_find(span_from(text, from), span_make(text.at + at, len));
    return (struct cut){from, end == SPAN_NONE ? text.len : from + end};
}

/* Also over \t, and over \n where values may stand in the next line, as JSON within JSON has them.
 */
static size_t skip_written(struct span text, size_t at, bool lines)
{
    for (;;) {
        size_t i = at = lines ? skip_spaces(text, at) : skip_blanks(text, at);
        while (i < text.len && text.at[i] == '\\')
            i++;
        bool is_space = i > at && i < text.len &&
                        (text.at[i] == 't' || (lines && (text.at[i] == 'n' || text.at[i] == 'r')));
        if (!is_space)
            return at;
        at = i + 1;
    }
}

/* Behind the last blank there that a tab may stand in front of, which is escaped: a word may begin
 * as one. */
static size_t behind_blanks(struct span text, size_t at)
{
    size_t next = skip_written(text, at, false);
    while (next > at && !is_blank(text.at[next - 1]))
        next--;
    return next;
}

/* What stands there between quotes or brackets, behind what is space; else a word. */
static size_t behind_written(struct span text, size_t at, bool lines)
{
    struct quote quote;
    size_t next = skip_written(text, at, lines);
    bool is_nested = next < text.len && (text.at[next] == '{' || text.at[next] == '[');
    return is_nested || quote_read(text, next, &quote) > 0 ? next : behind_blanks(text, at);
}

struct cut value_find(struct span text, size_t from, char separator, enum value_reach reach)
{
    struct quote quote = {'\0', 0};
    size_t at = skip_blanks(text, from), next;
    if (at < text.len && text.at[at] == '\\')
        at = behind_written(text, at, separator == ':');
    next = skip_spaces(text, at);
    size_t len = quote_read(text, next, &quote);
    struct letter first = letter_read(span_from(text, next));
    bool is_nested = next < text.len && (text.at[next] == '{' || text.at[next] == '[');
    if (next > at && separator != ':') /* what stands in the next line is none of its value */
        return (struct cut){at, unquoted_end(text, at, reach)};
    if (len > 0)
        return quoted(text, next + len, quote);
    if (first.len > 1 && first.depth == 0 && byte_is_quote(first.c))
        return between(text, next, first.len);
    if (is_nested)
        return (struct cut){next, plain_end(text, structure_end(text, next))};
    return (struct cut){at, unquoted_end(text, at, reach)};
}

struct cut value_find_escaped(struct span text, size_t from)
{
    size_t end = from;
    while (end < text.len && text.at[end] != '&' && text.at[end] != '"' &&
           !byte_is_space(text.at[end]))
        end++;
    return (struct cut){from, end};
}

struct cut value_find_element(struct span text, size_t from, struct span escape)
{
    struct span rest = span_from(text, from);
    struct span next = span_starts(escape, SPAN("&")) ? SPAN("&lt;/") : SPAN("\\u003c");
    size_t end = span_find_nocase(rest, next);
    return (struct cut){from, end == SPAN_NONE ? text.len : from + end};
}

/* ---- elements ---- */

static bool is_tag_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || c == '_' || c == '-' || c == ':' || c == '.';
}

size_t tag_end(struct span text, size_t from)
{
    char quote = '\0';
    for (size_t i = from; i < text.len; i++) {
        char c = text.at[i];
        if (quote == '\0' && c == '>')
            return i + 1;
        if (c == quote)
            quote = '\0';
        else if (quote == '\0' && byte_is_quote(c))
            quote = c;
    }
    return 0;
}

static bool names_tag(struct span text, size_t at, struct span name)
{
    struct span rest = span_from(text, at);
    return span_starts_nocase(rest, name) &&
           (rest.len == name.len || !is_tag_byte(rest.at[name.len]));
}

/* Behind a comment or a CDATA section that begins there; `at`: none does. */
static size_t skip_section(struct span text, size_t at)
{
    static const struct {
        struct span start, end;
    } sections[] = {{SPAN_INIT("<!--"), SPAN_INIT("-->")},
                    {SPAN_INIT("<![CDATA["), SPAN_INIT("]]>")}};
    struct span rest = span_from(text, at);
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        if (!span_starts(rest, sections[i].start))
            continue;
        size_t end = span_find(rest, sections[i].end);
        return end == SPAN_NONE ? text.len : at + end + sections[i].end.len;
    }
    return at;
}

static bool is_self_closed(struct span text, size_t at)
{
    enum { TAG_LONGEST = 1024 };
    struct span tag = span_first(span_from(text, at), TAG_LONGEST);
    size_t end = span_find_byte(tag, '>');
    return end != SPAN_NONE && end > 0 && tag.at[end - 1] == '/';
}

struct cut element_find(struct span text, size_t from, struct span name)
{
    size_t depth = 0, at = from;
    while (at < text.len) {
        size_t next = span_find_byte(span_from(text, at), '<');
        if (next == SPAN_NONE)
            break;
        at += next;
        size_t behind = skip_section(text, at);
        size_t slash = at + 1 < text.len && text.at[at + 1] == '\\' ? 2 : 1; /* <\/ of JSON */
        if (behind > at) {
            at = behind;
            continue;
        }
        if (names_tag(text, at + 1, name))
            depth += !is_self_closed(text, at);
        else if (at + slash < text.len && text.at[at + slash] == '/' &&
                 names_tag(text, at + slash + 1, name) && depth-- == 0)
            return (struct cut){from, at};
        at++;
    }
    return (struct cut){from, text.len};
}

struct cut element_text_find(struct span text, size_t from)
{
    for (size_t at = from; at < text.len;) {
        size_t next = span_find_byte(span_from(text, at), '<');
        if (next == SPAN_NONE)
            break;
        at += next;
        size_t behind = skip_section(text, at);
        if (behind == at && at + 1 < text.len &&
            (text.at[at + 1] == '/' || text.at[at + 1] == '\\'))
            return (struct cut){from, at};
        at = behind > at ? behind : at + 1;
    }
    return (struct cut){from, text.len};
}

struct cut attribute_value_find(struct span text, size_t from)
{
    enum { TAG_LONGEST = 256 };
    struct span value = SPAN("value=");
    struct span rest = span_first(span_from(text, from), TAG_LONGEST);
    rest = span_first(rest, span_find_byte(rest, '<'));
    size_t close = span_find_byte(rest, '>');
    size_t at = span_find_nocase(span_first(rest, close), value);
    if (at != SPAN_NONE)
        return value_find(text, from + at + value.len, '=', VALUE_WORD);
    if (close == SPAN_NONE || (close > 0 && rest.at[close - 1] == '/'))
        return (struct cut){from, from};
    return element_text_find(text, from + close + 1);
}

/* ---- parts of multipart forms ---- */

struct cut part_find(struct span text, size_t from)
{
    enum { HEAD_LONGEST = 512 };
    struct span head = span_first(span_from(text, from), HEAD_LONGEST);
    size_t blank = span_find(head, SPAN("\r\n\r\n")), skipped = 4;
    if (blank == SPAN_NONE) {
        blank = span_find(head, SPAN("\n\n"));
        skipped = 2;
    }
    if (blank == SPAN_NONE)
        return (struct cut){from, from};
    size_t at = from + blank + skipped;
    size_t end = span_find(span_from(text, at), SPAN("\n--"));
    if (end == SPAN_NONE)
        return (struct cut){at, text.len};
    end += at;
    return (struct cut){at, end > at && text.at[end - 1] == '\r' ? end - 1 : end};
}
