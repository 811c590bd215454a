/* SPDX-License-Identifier: Apache-2.0 */
/* At each sign that may stand between a name and its value the name before it is looked at; at each
 * tag its name. What lies behind a cut begins anew: nothing is read twice. */
#include "exporters/named_values.h"

#include "exporters/secret_beside.h"
#include "exporters/secret_letters.h"
#include "exporters/secret_names.h"
#include "exporters/secret_words.h"
#include "exporters/text_names.h"
#include "rules/base/eights.h"

/* ---- values behind it ---- */

static bool starts_line(const struct named_values *scan, const char *name)
{
    const char *first = scan->text.at;
    while (name > first && (name[-1] == ' ' || name[-1] == '\t' || name[-1] == '-'))
        name--;
    return name == first || name[-1] == '\n';
}

/* A field has a value of several words, so has a line of settings (and what a rule found, behind
 * the name of its variable). */
static enum value_reach reach_of(const struct named_values *scan, struct span name)
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
static void add_content(struct named_values *scan, struct cut cut, size_t due)
{
    if (cut_is_none(cut))
        return;
    bool is_first = cut_is_none(scan->content);
    if (is_first || cut.at < scan->content.at)
        scan->content.at = cut.at;
    if (is_first || cut.end > scan->content.end)
        scan->content.end = cut.end;
    if (is_first || due < scan->due)
        scan->due = due;
}

/* What is a secret by what stands beside it; `held`: what that is. */
static bool note_beside(struct named_values *scan, struct cut held)
{
    add_content(scan, held, held.at);
    return !cut_is_none(held);
}

/* Digest username=.., response=.. */
static bool begins_digest(const struct named_values *scan, struct span name)
{
    struct span before = span_first(scan->text, (size_t)(name.at - scan->text.at));
    return span_is_nocase(name, SPAN("username")) && span_ends_nocase(before, SPAN("digest "));
}

/* `=>`, `:=`, `==` are separators as well. */
static size_t behind_sign(struct span text, size_t at)
{
    at++;
    while (at < text.len && (text.at[at] == '=' || text.at[at] == '>'))
        at++;
    return at;
}

/* <key> of <key>password</key>, whose value is known by now. */
static bool names_next(const struct named_values *scan, struct span name)
{
    return name.at > scan->text.at && name.at[-1] == '<' && !cut_is_none(scan->content) &&
           name_names_value(name);
}

/* Behind `password>` and `name="password">`: the text of an element whose beginning is not there.
 */
static struct cut cut_at_close(const struct named_values *scan, size_t at)
{
    if (at == 0 || byte_is_space(scan->text.at[at - 1]) || scan->text.at[at - 1] == '-')
        return cut_none();
    struct span name = text_name_before(scan->text, scan->floor, at);
    bool ends_element = name.at > scan->text.at && name.at[-1] == '/';
    return !ends_element && text_name_find_secret(scan->text, &name) && !names_next(scan, name)
               ? element_text_find(scan->text, at + 1)
               : cut_none();
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

static struct cut cut_at_sign(struct named_values *scan, size_t at)
{
    char sign = scan->text.at[at];
    size_t start, user = address_user_length(span_from(scan->text, at), &start);
    if (start > 0)
        return (struct cut){at + start, at + user};
    struct span name = text_name_before(scan->text, scan->floor, at);
    if (sign == '=' && begins_digest(scan, name))
        return (struct cut){at + 1, line_end(scan->text, at + 1)};
    if (name.len > 1 && note_beside(scan, beside_sign(scan->text, at, name)))
        return cut_none();
    if (at >= scan->tag && !text_name_find_secret(scan->text, &name))
        return cut_none();
    enum value_reach reach = sign == ':' && name.len > 0 ? reach_of(scan, name) : VALUE_WORD;
    struct cut value = value_find(scan->text, behind_sign(scan->text, at), sign, reach);
    bool is_harmless =
        value_is_harmless(name, span_make(scan->text.at + value.at, value.end - value.at));
    return is_harmless || is_score(scan->text, name, value) ? cut_none() : value;
}

static struct cut cut_at_escape(const struct named_values *scan, size_t at)
{
    size_t start, user = address_user_length(span_from(scan->text, at), &start);
    if (start > 0)
        return (struct cut){at + start, at + user};
    size_t len = text_sign_escaped(span_from(scan->text, at));
    struct span name = len > 0 ? text_name_before_escape(scan->text, scan->floor, at)
                               : span_make(scan->text.at, 0);
    if (name.len == 0 || !text_name_find_secret(scan->text, &name))
        return cut_none();
    return value_find_escaped(scan->text, at + len);
}

/* \u003D, &#58;, &gt;: a sign between a name and its value as JSON or XML may write it. */
static struct cut cut_at_letter(const struct named_values *scan, size_t at, struct letter sign)
{
    if (sign.len < 2 || (sign.c != ':' && sign.c != '=' && sign.c != '>'))
        return cut_none();
    size_t start, user = address_user_length(span_from(scan->text, at), &start),
                  end = at + sign.len;
    if (start > 0)
        return (struct cut){at + start, at + user};
    struct span name = text_name_before(scan->text, scan->floor, at);
    bool ends_element = name.at > scan->text.at && name.at[-1] == '/';
    if (name.len == 0 || (sign.c == '>' && ends_element) ||
        !text_name_find_secret(scan->text, &name))
        return cut_none();
    return sign.c == '>'
               ? value_find_element(scan->text, end, span_make(scan->text.at + at, sign.len))
               : value_find(scan->text, end, sign.c, VALUE_WORD);
}

static struct cut cut_at_entity(const struct named_values *scan, size_t at)
{
    struct letter sign = letter_before(span_first(scan->text, at + 1));
    return sign.len > 0 && at + 1 - sign.len >= scan->floor
               ? cut_at_letter(scan, at + 1 - sign.len, sign)
               : cut_none();
}

/* ---- elements ---- */

/* Of an element that is a secret by its name the attributes and what it holds. */
static struct cut cut_at_tag(struct named_values *scan, size_t at)
{
    struct span name = text_name_of_tag(scan->text, at + 1);
    if (at < scan->tag || name.len == 0 || note_beside(scan, beside_tag(scan->text, at, name)) ||
        !text_name_is_secret(name))
        return cut_none();
    size_t behind = at + 1 + name.len, end = tag_end(scan->text, behind);
    if (end == 0)
        return (struct cut){behind, scan->text.len};
    scan->tag = end - 1;
    if (scan->text.at[end - 2] != '/')
        add_content(scan, element_find(scan->text, end, name), end - 1);
    scan->at = behind;
    return cut_none();
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

static struct cut cut_at(struct named_values *scan, size_t at)
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

static struct cut take_content(struct named_values *scan)
{
    struct cut cut = scan->content;
    scan->content = cut_none();
    return cut;
}

struct cut named_values_next(struct named_values *scan)
{
    for (;;) {
        size_t at = next_sign(scan->text, scan->at);
        bool is_due = !cut_is_none(scan->content) && at >= scan->due;
        if (!is_due && at == scan->text.len)
            break;
        if (!is_due)
            scan->at = at + 1;
        struct cut cut = is_due ? take_content(scan) : cut_at(scan, at);
        if (cut.at < scan->floor)
            cut.at = scan->floor;
        if (cut_is_none(cut))
            continue;
        scan->at = scan->floor = cut.end;
        return cut;
    }
    scan->at = scan->text.len;
    return cut_none();
}
