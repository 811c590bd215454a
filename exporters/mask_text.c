/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of any kind, read once from the left: at each sign that may stand between a name and its
 * value, the name before it is looked at; at each tag its name. Beside that, words that read as
 * secrets. What lies behind a cut begins anew: nothing is read twice. */
#include "exporters/mask.h"

#include <string.h>

#include "exporters/secret_letters.h"
#include "exporters/secret_values.h"
#include "rules/base/eights.h"

enum { NAME_LONGEST = 384 }; /* as it is written, with its escapes */

struct scan {
    struct span text;
    size_t at;          /* what is before it has been looked at */
    size_t floor;       /* no name begins before it: a cut ends there */
    size_t tag;         /* up to there attributes belong to an element that is a secret */
    struct cut content; /* what stands further on, and is known already: of an element, a part */
    size_t due;         /* the first sign from there on is behind the beginning of that */
};

static bool is_none(struct cut cut)
{
    return cut.at >= cut.end;
}

static struct cut no_cut(void)
{
    return (struct cut){0, 0};
}

/* ---- names before a separator ---- */

static bool is_name_byte(char c)
{
    static const bool names[256] = {
        ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['_'] = true,
        ['-'] = true,         ['%'] = true,         ['.'] = true,         ['['] = true,
        [']'] = true,         ['$'] = true,         ['@'] = true,         ['~'] = true,
        ['+'] = true,         ['*'] = true};
    return names[(unsigned char)c];
}

/* Where a name can begin at all that ends there. */
static size_t earliest(const struct scan *scan, size_t end)
{
    return end - scan->floor > NAME_LONGEST ? end - NAME_LONGEST : scan->floor;
}

/* "password" whose closing quote is at `quote`: what stands between the two. */
static struct span quoted_name(const struct scan *scan, size_t quote)
{
    const char *text = scan->text.at;
    size_t end = quote, first = earliest(scan, quote);
    while (end > first && text[end - 1] == '\\')
        end--;
    size_t start = end;
    while (start > first && text[start - 1] != text[quote])
        start--;
    return span_make(text + start, end - start);
}

static struct span plain_name(const struct scan *scan, size_t end)
{
    const char *text = scan->text.at;
    size_t start = end, first = earliest(scan, end);
    while (start > first && is_name_byte(text[start - 1]))
        start--;
    return span_make(text + start, end - start);
}

/* Two hexadecimal digits; false: they are none. */
static bool hex_pair(const char *two, char *byte)
{
    int high = byte_hex(two[0]), low = byte_hex(two[1]);
    if (high < 0 || low < 0)
        return false;
    *byte = (char)((unsigned)high << 4 | (unsigned)low);
    return true;
}

/* \u0070assword undone. Other backslashes go, or, where names part there, what they stand for is
 * there: in \nauth that ends a line, \token is the word. `to` has NAME_LONGEST bytes. */
static struct span unescaped(struct span name, bool parts, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '\\')
            continue;
        bool is_escape = i > 0 && name.at[i - 1] == '\\';
        if (is_escape && c == 'u' && name.len - i > 4 && hex_pair(name.at + i + 3, &c))
            i += 4;
        else if (is_escape && parts && behind_escape(name, i) > i)
            c = '\n';
        to[len++] = c;
    }
    return span_make(to, len);
}

/* Of a%26b%3D1%26password: the last one, its escapes undone. */
static struct span last_of_escaped(struct span name, char *to)
{
    struct span plain = percent_undone(name, to);
    for (int i = 0; i < 2 && span_find_byte(plain, '%') != SPAN_NONE; i++)
        plain = percent_undone(plain, to);
    plain = span_trim(plain, "\"' \t\r\n");
    for (size_t i = plain.len; i > 0; i--)
        if (strchr("&?;=,{<>\"'\n", plain.at[i - 1]) != NULL)
            return span_from(plain, i);
    return plain;
}

static bool is_secret_name(struct span name)
{
    char plain[NAME_LONGEST], to[NAME_LONGEST];
    if (word_length(name) == name.len && !name_may_be_secret(name)) /* most are none */
        return false;
    if (span_find_byte(name, '%') != SPAN_NONE)
        name = last_of_escaped(name, plain);
    if (span_find_byte(name, '\\') == SPAN_NONE)
        return text_name_is_secret(name);
    return text_name_is_secret(unescaped(name, false, to)) ||
           text_name_is_secret(unescaped(name, true, to));
}

/* Likewise, of a name in the text. Letters in front that are the end of an escape (\u0026auth) go,
 * where it is one without them. */
static bool find_secret_name(const struct scan *scan, struct span *name)
{
    size_t at = (size_t)(name->at - scan->text.at);
    if (at > 0 && name->at[-1] == '\\') {
        struct span behind = span_from(*name, behind_escape(scan->text, at) - at);
        if (behind.len < name->len && is_secret_name(behind)) {
            *name = behind;
            return true;
        }
    }
    return is_secret_name(*name);
}

/* How much of the text's end is a quote that JSON or XML escapes: "password&quot;" */
static size_t quote_before(struct span text)
{
    struct letter letter = letter_before(text);
    return byte_is_quote(letter.c) ? letter.len : 0;
}

/* The name before a separator, without its quotes; empty: there is none. */
static struct span name_before(const struct scan *scan, size_t at)
{
    const char *text = scan->text.at;
    size_t end = at, first = earliest(scan, at);
    while (end > first && byte_is_space(text[end - 1]))
        end--;
    if (end > first && byte_is_quote(text[end - 1]))
        return quoted_name(scan, end - 1);
    end -= quote_before(span_make(text + first, end - first));
    struct span name = plain_name(scan, end);
    bool is_far = end < at && span_find_byte(span_make(text + end, at - end), '\n') != SPAN_NONE;
    return is_far ? span_make(text + end, 0) : name;
}

/* ---- values behind it ---- */

static bool starts_line(const struct scan *scan, const char *name)
{
    const char *first = scan->text.at;
    while (name > first && (name[-1] == ' ' || name[-1] == '\t' || name[-1] == '-'))
        name--;
    return name == first || name[-1] == '\n';
}

/* A field has a value of several words, so has a line of settings (and what a rule found, behind
 * the name of its variable). */
static enum value_reach reach_of(const struct scan *scan, struct span name)
{
    if (starts_line(scan, name.at) || name.at[-1] == ':')
        return VALUE_LINE;
    struct span before = span_first(scan->text, (size_t)(name.at - scan->text.at));
    if (span_ends(before, SPAN("\\n")) || span_ends(before, SPAN("\\r"))) /* that starts one, too */
        return VALUE_HEAD;
    bool is_field =
        span_ends_nocase(name, SPAN("authorization")) || span_ends_nocase(name, SPAN("cookie"));
    return is_field ? VALUE_HEAD : VALUE_WORD;
}

/* Both, where there is one already. */
static void add_content(struct scan *scan, struct cut cut, size_t due)
{
    if (is_none(cut))
        return;
    bool is_first = is_none(scan->content);
    if (is_first || cut.at < scan->content.at)
        scan->content.at = cut.at;
    if (is_first || cut.end > scan->content.end)
        scan->content.end = cut.end;
    if (is_first || due < scan->due)
        scan->due = due;
}

/* The value of name="password", as a part of a multipart form has it in its head and an element
 * among its attributes: what that part holds, value="..", or the element's text. */
static bool find_behind_name(struct scan *scan, size_t at, struct span name)
{
    bool is_parameter =
        name.at > scan->text.at && (byte_is_space(name.at[-1]) || name.at[-1] == ';');
    struct span near = span_first(scan->text, at + NAME_LONGEST);
    struct cut value = value_find(near, at + 1, '=', VALUE_WORD);
    struct span of = span_make(scan->text.at + value.at, value.end - value.at);
    if (!is_parameter || !is_secret_name(of))
        return false;
    struct cut held = attribute_value_find(scan->text, value.end);
    if (is_none(held))
        held = part_find(scan->text, value.end);
    add_content(scan, held, held.at);
    return !is_none(held);
}

/* Does the member whose sign is there name a secret: {"name":"password", {"path":"/a/token"? */
static bool member_names_secret(const struct scan *scan, size_t at, struct span name,
                                struct cut *value)
{
    if (!name_names_value(name))
        return false;
    struct span near = span_first(scan->text, at + NAME_LONGEST);
    *value = value_find(near, at + 1, ':', VALUE_WORD);
    return is_secret_name(span_make(near.at + value->at, value->end - value->at));
}

/* Behind "value":"..": does another member of the object say whose that is? */
static bool is_named_behind(const struct scan *scan, size_t at)
{
    enum { VALUE_LONGEST = 512, MEMBERS_LONGEST = 128 };
    struct span text = span_first(scan->text, at + VALUE_LONGEST);
    struct cut value = value_find(text, at + 1, ':', VALUE_WORD), name;
    size_t end = value.end + MEMBERS_LONGEST < text.len ? value.end + MEMBERS_LONGEST : text.len;
    for (size_t i = value.end; i < end && text.at[i] != '{' && text.at[i] != '}'; i++)
        if (text.at[i] == ':' && member_names_secret(scan, i, name_before(scan, i), &name))
            return true;
    return false;
}

/* {"name":"password","value":".."}, in either order. */
static bool find_in_object(struct scan *scan, size_t at, struct span name)
{
    struct cut value, held = no_cut();
    if (member_names_secret(scan, at, name, &value))
        held = member_value_find(scan->text, value.end);
    else if (span_is_nocase(name, SPAN("value")) && is_named_behind(scan, at))
        held = value_find(scan->text, at + 1, ':', VALUE_WORD);
    add_content(scan, held, held.at);
    return !is_none(held);
}

/* Digest username=.., response=.. */
static bool begins_digest(const struct scan *scan, struct span name)
{
    struct span before = span_first(scan->text, (size_t)(name.at - scan->text.at));
    return span_is_nocase(name, SPAN("username")) && span_ends_nocase(before, SPAN("digest "));
}

static bool names_a_name(struct span name)
{
    static const struct span names[] = {SPAN_INIT("name"), SPAN_INIT("name*"), SPAN_INIT("key"),
                                        SPAN_INIT("id")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is_nocase(name, names[i]))
            return true;
    return false;
}

/* `=>`, `:=`, `==` are separators as well. */
static size_t behind_sign(struct span text, size_t at)
{
    at++;
    while (at < text.len && (text.at[at] == '=' || text.at[at] == '>'))
        at++;
    return at;
}

/* Behind `password>` and `name="password">`: the text of an element whose beginning is not there.
 */
static struct cut cut_at_close(const struct scan *scan, size_t at)
{
    if (at == 0 || byte_is_space(scan->text.at[at - 1]) || scan->text.at[at - 1] == '-')
        return no_cut();
    struct span name = name_before(scan, at);
    bool ends_element = name.at > scan->text.at && name.at[-1] == '/';
    return !ends_element && find_secret_name(scan, &name) ? element_text_find(scan->text, at + 1)
                                                          : no_cut();
}

/* The CRS says of each transaction what its groups of rules scored: SQLI=0, SESS=5; the CRS 3 ends
 * that with "): individual paranoia level scores". */
static bool is_score(struct span text, struct span name, struct cut value)
{
    if (!span_is(name, SPAN("SESS")))
        return false;
    while (value.at < value.end && byte_is_digit(text.at[value.at]))
        value.at++;
    return value.at >= value.end || span_starts(span_from(text, value.at), SPAN("): "));
}

static struct cut cut_at_sign(struct scan *scan, size_t at)
{
    char sign = scan->text.at[at];
    size_t start, user = address_user_length(span_from(scan->text, at), &start);
    if (start > 0)
        return (struct cut){at + start, at + user};
    struct span name = name_before(scan, at);
    if (sign == '=' && begins_digest(scan, name))
        return (struct cut){at + 1, line_end(scan->text, at + 1)};
    if (sign == '=' && names_a_name(name) && find_behind_name(scan, at, name))
        return no_cut();
    if (sign == ':' && name.len > 1 && name.len < 6 && find_in_object(scan, at, name))
        return no_cut();
    if (at >= scan->tag && !find_secret_name(scan, &name))
        return no_cut();
    enum value_reach reach = sign == ':' && name.len > 0 ? reach_of(scan, name) : VALUE_WORD;
    struct cut value = value_find(scan->text, behind_sign(scan->text, at), sign, reach);
    return is_score(scan->text, name, value) ? no_cut() : value;
}

/* %3D, %253D: how long the escape of a separator is; 0: it is another one. */
static size_t escaped_sign(struct span text)
{
    size_t at = 1;
    while (span_starts(span_from(text, at), SPAN("25")))
        at += 2;
    if (at + 1 >= text.len || text.at[at] != '3')
        return 0;
    char c = byte_lower(text.at[at + 1]);
    return c == 'a' || c == 'd' || c == 'e' ? at + 2 : 0;
}

/* a%26password that ends there: without the former ones, nor anything up to the sign before, so
 * that nothing is read twice. */
static struct span escaped_name(const struct scan *scan, size_t end)
{
    const char *text = scan->text.at;
    size_t start = end, first = earliest(scan, end);
    for (; start > first && is_name_byte(text[start - 1]); start--) {
        char byte;
        if (text[start - 1] != '%')
            continue;
        size_t sign = escaped_sign(span_make(text + start - 1, end - start + 1));
        if (sign > 0)
            return span_make(text + start - 1 + sign, end - start + 1 - sign);
        if (end - start > 1 && hex_pair(text + start, &byte) && strchr("&?;=:,{<>", byte) != NULL)
            return span_make(text + start + 2, end - start - 2);
    }
    return span_make(text + start, end - start);
}

static struct cut cut_at_escape(const struct scan *scan, size_t at)
{
    size_t start, user = address_user_length(span_from(scan->text, at), &start);
    if (start > 0)
        return (struct cut){at + start, at + user};
    size_t len = escaped_sign(span_from(scan->text, at));
    struct span name = len > 0 ? escaped_name(scan, at) : span_make(scan->text.at, 0);
    if (name.len == 0 || !find_secret_name(scan, &name))
        return no_cut();
    return value_find_escaped(scan->text, at + len);
}

/* \u003D, &#58;, &gt;: a sign between a name and its value as JSON or XML may write it. */
static struct cut cut_at_letter(const struct scan *scan, size_t at, struct letter sign)
{
    if (sign.len < 2 || (sign.c != ':' && sign.c != '=' && sign.c != '>'))
        return no_cut();
    size_t start, user = address_user_length(span_from(scan->text, at), &start),
                  end = at + sign.len;
    if (start > 0)
        return (struct cut){at + start, at + user};
    struct span name = name_before(scan, at);
    bool ends_element = name.at > scan->text.at && name.at[-1] == '/';
    if (name.len == 0 || (sign.c == '>' && ends_element) || !find_secret_name(scan, &name))
        return no_cut();
    return sign.c == '>'
               ? value_find_element(scan->text, end, span_make(scan->text.at + at, sign.len))
               : value_find(scan->text, end, sign.c, VALUE_WORD);
}

static struct cut cut_at_entity(const struct scan *scan, size_t at)
{
    struct letter sign = letter_before(span_first(scan->text, at + 1));
    return sign.len > 0 && at + 1 - sign.len >= scan->floor
               ? cut_at_letter(scan, at + 1 - sign.len, sign)
               : no_cut();
}

/* ---- elements ---- */

static struct span tag_name(struct span text, size_t at)
{
    enum { TAG_LONGEST = 192 };
    size_t end = at;
    while (end < text.len && end - at < TAG_LONGEST &&
           ((is_name_byte(text.at[end]) && text.at[end] != '%') || text.at[end] == ':'))
        end++;
    return span_make(text.at + at, end - at);
}

/* Of an element that is a secret by its name the attributes and what it holds. */
static struct cut cut_at_tag(struct scan *scan, size_t at)
{
    struct span name = tag_name(scan->text, at + 1);
    if (at < scan->tag || name.len == 0 || !text_name_is_secret(name))
        return no_cut();
    size_t behind = at + 1 + name.len, end = tag_end(scan->text, behind);
    if (end == 0)
        return (struct cut){behind, scan->text.len};
    scan->tag = end - 1;
    if (scan->text.at[end - 2] != '/')
        add_content(scan, element_find(scan->text, end, name), end - 1);
    scan->at = behind;
    return no_cut();
}

/* ---- the whole ---- */

/* One of : ; < = > in it, a percent sign or a backslash? */
static uint64_t asks_for_signs(uint64_t eight)
{
    uint64_t low = eight & ~EIGHT_HIGH;
    uint64_t in_range = ((low | EIGHT_HIGH) - EIGHT_OF(':')) & ((EIGHT_OF('>') | EIGHT_HIGH) - low);
    return (in_range & ~eight & EIGHT_HIGH) | eight_is(eight, '%') | eight_is(eight, '\\');
}

static size_t next_sign(struct span text, size_t at)
{
    enum { EIGHT = 8 };
    while (at + EIGHT <= text.len && !eights_any(text.at + at, EIGHT, asks_for_signs))
        at += EIGHT;
    while (at < text.len && text.at[at] != '%' && text.at[at] != '\\' &&
           (text.at[at] < ':' || text.at[at] > '>'))
        at++;
    return at;
}

static struct cut cut_at(struct scan *scan, size_t at)
{
    switch (scan->text.at[at]) {
    case '%': return cut_at_escape(scan, at);
    case '<': return cut_at_tag(scan, at);
    case ';': return cut_at_entity(scan, at);
    case '\\': return cut_at_letter(scan, at, letter_read(span_from(scan->text, at)));
    case '>': return cut_at_close(scan, at);
    default: return cut_at_sign(scan, at);
    }
}

static struct cut take_content(struct scan *scan)
{
    struct cut cut = scan->content;
    scan->content = no_cut();
    return cut;
}

/* The next value of a name that announces a secret, or a user of an address. */
static struct cut next_named(struct scan *scan)
{
    for (;;) {
        size_t at = next_sign(scan->text, scan->at);
        bool is_due = !is_none(scan->content) && at >= scan->due;
        if (!is_due && at == scan->text.len)
            break;
        if (!is_due)
            scan->at = at + 1;
        struct cut cut = is_due ? take_content(scan) : cut_at(scan, at);
        if (cut.at < scan->floor)
            cut.at = scan->floor;
        if (is_none(cut))
            continue;
        scan->at = scan->floor = cut.end;
        return cut;
    }
    scan->at = scan->text.len;
    return no_cut();
}

/* Of a word, with what may be the end of an escape in front of it or without. */
static struct cut cut_of_word(struct span text, size_t at, size_t end)
{
    for (size_t next = at;; at = next) {
        size_t said;
        struct span word = span_make(text.at + at, end - at);
        if (word_is_placed(span_first(text, at), word))
            return (struct cut){at, end};
        size_t len = secret_word_length(span_from(text, at), word, &said);
        if (len > 0)
            return (struct cut){at + said, at + len};
        next = behind_escape(text, at);
        if (next == at)
            return no_cut();
    }
}

/* The next word from there on that is a secret by how it reads. */
static struct cut next_word(struct span text, size_t at)
{
    while (at < text.len) {
        struct span rest = span_from(text, at);
        struct span word = span_first(rest, word_length(rest));
        struct cut cut = word.len > 0 ? cut_of_word(text, at, at + word.len) : no_cut();
        if (!is_none(cut))
            return cut;
        at += word.len > 0 ? word.len : 1;
    }
    return no_cut();
}

/* What is to go next: a value, a word, or both where they overlap. */
struct cuts {
    struct scan scan;
    struct cut named, word;
};

static struct cut next_cut(struct cuts *cuts)
{
    struct cut *named = &cuts->named, *word = &cuts->word;
    if (is_none(*named) && is_none(*word))
        return no_cut();
    bool names_first = is_none(*word) || (!is_none(*named) && named->at <= word->at);
    struct cut first = names_first ? *named : *word, other = names_first ? *word : *named;
    if (!is_none(other) && other.at < first.end && other.end > first.end)
        first.end = other.end;
    while (!is_none(*named) && named->at < first.end) {
        first.end = named->end > first.end ? named->end : first.end;
        *named = next_named(&cuts->scan);
    }
    if (!is_none(*word) && word->at < first.end)
        *word = next_word(cuts->scan.text, first.end);
    return first;
}

static struct cuts cuts_of(struct span text)
{
    struct cuts cuts = {.scan = {.text = text}};
    cuts.named = next_named(&cuts.scan);
    cuts.word = next_word(text, 0);
    return cuts;
}

void text_mask_secrets(struct buf *to, struct span text)
{
    struct cuts cuts = cuts_of(text);
    size_t copied = 0;
    struct cut cut;
    while (!is_none(cut = next_cut(&cuts))) {
        buf_add(to, span_make(text.at + copied, cut.at - copied));
        buf_add(to, SPAN(MASK));
        copied = cut.end;
    }
    buf_add(to, span_from(text, copied));
}

void text_each_secret(struct span text, void (*found)(void *to, struct span secret), void *to)
{
    struct cuts cuts = cuts_of(text);
    struct cut cut;
    while (!is_none(cut = next_cut(&cuts)))
        found(to, span_make(text.at + cut.at, cut.end - cut.at));
}

size_t text_secrets(struct span text, struct span *to, size_t most)
{
    struct cuts cuts = cuts_of(text);
    size_t count = 0;
    struct cut cut;
    while (count < most && !is_none(cut = next_cut(&cuts)))
        to[count++] = span_make(text.at + cut.at, cut.end - cut.at);
    return count;
}

bool text_may_have_secrets(struct span text)
{
    struct scan scan = {.text = text};
    return !is_none(next_named(&scan)) || text_has_secret(text);
}
