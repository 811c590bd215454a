/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/secret_beside.h"

#include <string.h>

#include "exporters/secret_names.h"
#include "exporters/secret_words.h"
#include "exporters/text_names.h"

enum {
    NEAR = 256,            /* from the end of one to the sign of the other */
    NEAR_OF_ELEMENT = 160, /* likewise an element that stands in front of another one */
    ASIDE_MOST = 8,        /* so many parameters from each other */
    NAMERS_MOST = 8,       /* of an object: each is asked about, once for every `value` in front */
    VALUE_LONGEST = 512,   /* of one that stands in front of what names it */
};

static struct span cut_span(struct span text, struct cut cut)
{
    return span_make(text.at + cut.at, cut.end - cut.at);
}

static bool is_secret_at(struct span text, struct cut cut)
{
    return spelled_name_is_secret(span_first(cut_span(text, cut), TEXT_NAME_LONGEST));
}

bool beside_names_secret(struct span said)
{
    static const struct span ordinary[] = {SPAN_INIT("code"), SPAN_INIT("key"), SPAN_INIT("pin"),
                                           SPAN_INIT("sid")};
    said = span_trim(span_first(said, TEXT_NAME_LONGEST), " \t\r\n");
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        if (span_is_nocase(said, ordinary[i]))
            return false;
    return spelled_name_is_secret(said);
}

/* Both and what is between them, of which one stands behind the other; or the one that is any. */
static struct cut cut_over(struct cut first, struct cut next)
{
    return cut_is_none(first) ? next : cut_is_none(next) ? first : (struct cut){first.at, next.end};
}

/* ---- names ---- */

static bool says(struct span word)
{
    return span_is_nocase(word, SPAN("value")) || span_is_nocase(word, SPAN("values"));
}

/* By its last letter: most are none. */
static bool may_be_beside(struct span name)
{
    switch (name.len > 1 ? name.at[name.len - 1] | ' ' : 0) {
    case 'e':
    case 'y':
    case 'd':
    case 'h':
    case 's':
    case '*':
    case ']' | ' ': return true;
    default: return false;
    }
}

static struct span without(struct span name, struct span last)
{
    return span_ends_nocase(name, last) ? span_first(name, name.len - last.len) : name;
}

static struct span without_bracket(struct span name)
{
    struct span rest = without(name, SPAN("]"));
    return rest.len < name.len ? rest : without(name, SPAN("%5d"));
}

/* `params[0][values` of params[0][values][1], whose brackets may be escaped. */
static struct span without_index(struct span name)
{
    struct span inside = without_bracket(name), index = inside;
    while (index.len > 0 && byte_is_digit(index.at[index.len - 1]))
        index.len--;
    struct span rest = without(without(index, SPAN("[")), SPAN("%5b"));
    return rest.len < index.len && inside.len < name.len ? without_bracket(rest) : inside;
}

/* Where its last word begins; what is of an escape in front of it (%5Bname) is none of its own. */
static size_t last_word(struct span name)
{
    size_t start = name.len;
    while (start > 0 && byte_is_alpha(name.at[start - 1]))
        start--;
    if (start > 1 && start < name.len && name.at[start - 2] == '%' &&
        byte_hex(name.at[start - 1]) >= 0 && byte_hex(name.at[start]) >= 0)
        start++;
    return start;
}

static bool may_have_index(struct span name)
{
    char last = byte_lower(name.at[name.len - 1]);
    return last == ']' || last == 'd';
}

struct beside beside_of(struct span name)
{
    if (!may_be_beside(name))
        return (struct beside){.role = BESIDE_NOTHING};
    struct span known = may_have_index(name) ? without_index(name) : name;
    size_t start = last_word(known);
    struct span word = span_from(known, start);
    bool joins = start > 0 && (known.at[start - 1] == '_' || known.at[start - 1] == '-');
    return (struct beside){.role = joins                    ? BESIDE_NOTHING
                                   : says(word)             ? BESIDE_SAYS
                                   : name_names_value(word) ? BESIDE_NAMES
                                                            : BESIDE_NOTHING,
                           .before = span_first(known, start)};
}

/* ---- attributes, parts ---- */

/* password of name="password", and of name*=utf-8''password. */
static struct cut name_said(struct span text, size_t at, bool is_extended)
{
    struct cut said = value_find(text, at + 1, '=', VALUE_WORD);
    if (!is_extended)
        return said;
    said = (struct cut){at + 1, line_end(text, at + 1)};
    struct span whole = cut_span(text, said);
    whole = span_first(whole, span_find_byte(whole, ';'));
    size_t behind = span_find_last_byte(span_trim(whole, "\" "), '\'');
    return (struct cut){said.at + (behind == SPAN_NONE ? 0 : behind + 1), said.at + whole.len};
}

/* Of attributes: path and field are too common. */
static bool names_attribute(struct span name)
{
    return span_is_nocase(name, SPAN("name")) || span_is_nocase(name, SPAN("key")) ||
           span_is_nocase(name, SPAN("id"));
}

/* What a part holds whose head has name="password", an element with that among its attributes. */
static struct cut behind_name(struct span text, size_t at, bool is_extended)
{
    struct cut said = name_said(span_first(text, at + TEXT_NAME_LONGEST), at, is_extended);
    bool is_parameter = said.end < text.len && text.at[said.end] == '&';
    if (!is_secret_at(text, said) || (is_parameter && !beside_names_secret(cut_span(text, said))))
        return cut_none();
    struct cut held = attribute_value_find(text, said.end);
    return cut_is_none(held) ? part_find(text, said.end) : held;
}

/* value="..", where name="password" stands behind it in the tag. */
static struct cut attribute_before(struct span text, size_t at)
{
    struct span near = span_first(text, at + VALUE_LONGEST);
    struct cut value = value_find(near, at + 1, '=', VALUE_WORD);
    near = span_first(near, value.end + NEAR);
    for (size_t i = value.end; i < near.len && near.at[i] != '>' && near.at[i] != '<'; i++) {
        if (near.at[i] != '=')
            continue;
        struct span name = text_name_before(near, value.end, i);
        struct cut said = value_find(near, i + 1, '=', VALUE_WORD);
        if (names_attribute(name) && is_secret_at(near, said))
            return value_find(text, at + 1, '=', VALUE_WORD);
        i = said.end - 1;
    }
    return cut_none();
}

/* ---- parameters ---- */

static bool is_of_name(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || (c != '\0' && strchr("_-.%[]~+*$@", c) != NULL);
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* How long a separator is that ends there; 0: none does. */
static size_t separator_before(struct span text, size_t end)
{
    const struct span escaped = SPAN("\\u0026");
    if (end == 0)
        return 0;
    char last = text.at[end - 1];
    if (last == '&' || last == ';')
        return 1;
    return last == '6' && span_ends(span_first(text, end), escaped) ? escaped.len : 0;
}

/* Of what stands there in front of a '=' and behind it: is it a name, and a secret's? Where the
 * parameters end there may be a quote, or space. */
static bool pair_names(struct span name, struct span value, struct span before)
{
    size_t len = 0;
    while (len < name.len && is_of_name(name.at[name.len - len - 1]))
        len++;
    struct beside own = beside_of(span_from(name, name.len - len));
    if (own.role != BESIDE_NAMES || !span_is_nocase(own.before, before))
        return false;
    for (len = 0; len < value.len && len < TEXT_NAME_LONGEST && value.at[len] != '=' &&
                  !byte_is_quote(value.at[len]) && !byte_is_space(value.at[len]);)
        len++;
    return beside_names_secret(span_first(value, len));
}

/* What stands between two separators, whose spaces may be decoded. The first has the text around
 * all of them in front of it: <a href='?name=password */
static bool parameter_names(struct span parameter, struct span before)
{
    struct span value = parameter;
    while (value.at != NULL) {
        struct span name = span_cut(&value, '=');
        if (value.at != NULL && pair_names(name, value, before))
            return true;
    }
    return false;
}

/* Does one name it that ends before the separator in front of `end`? */
static bool is_named_in_front(struct span text, size_t end, struct span before)
{
    size_t low = end > NEAR ? end - NEAR : 0;
    for (unsigned i = 0; i < ASIDE_MOST && end > low; i++) {
        size_t len = separator_before(text, end);
        if (len == 0)
            return false;
        size_t last = end - len, start = last;
        while (start > low && separator_before(text, start) == 0 && !ends_line(text.at[start - 1]))
            start--;
        if (start < last && parameter_names(span_make(text.at + start, last - start), before))
            return true;
        end = start;
    }
    return false;
}

/* Likewise behind the next separator. */
static bool is_named_further_on(struct span text, size_t from, struct span before)
{
    struct span near = span_first(text, from + VALUE_LONGEST);
    size_t start = from;
    for (unsigned i = 0; i <= ASIDE_MOST && start < near.len; i++) {
        size_t end = start, len = 0;
        while (end < near.len && !ends_line(near.at[end]) &&
               (len = separator_before(near, end + 1)) == 0)
            end++;
        size_t behind = end + (len > 0);
        if (i > 0 && parameter_names(span_make(near.at + start, behind - len - start), before))
            return true;
        if (len == 0)
            return false;
        start = behind;
    }
    return false;
}

bool parameter_is_named(struct span text, struct span name)
{
    struct beside own = beside_of(name);
    size_t start = (size_t)(name.at - text.at);
    return own.role == BESIDE_SAYS && (is_named_in_front(text, start, own.before) ||
                                       is_named_further_on(text, start, own.before));
}

static struct cut beside_equals(struct span text, size_t at, struct span name)
{
    bool is_extended = span_is_nocase(name, SPAN("name*"));
    if (name.at > text.at && name.at[-1] == '\\') {
        size_t start = (size_t)(name.at - text.at);
        name = span_from(name, behind_escape(text, start) - start);
    }
    struct beside own = beside_of(name);
    if (own.role == BESIDE_NOTHING && !is_extended)
        return cut_none();
    char before = '&';
    if (name.at > text.at)
        before = name.at[-1];
    if (!byte_is_space(before) && parameter_is_named(text, name))
        return value_find(text, at + 1, '=', VALUE_WORD);
    if (!byte_is_space(before) && before != ';')
        return cut_none();
    if (own.role == BESIDE_SAYS)
        return attribute_before(text, at);
    return is_extended || names_attribute(name) ? behind_name(text, at, is_extended) : cut_none();
}

/* ---- members of objects ---- */

static bool has_role(struct span name, bool is_namer)
{
    char plain[TEXT_NAME_LONGEST];
    name = spelled_name_plain(name, plain);
    return is_namer ? name_names_value(name) : says(name);
}

/* A member of an object, behind another one. */
struct member {
    struct span name;
    size_t colon;
    struct cut value; /* the next one is looked for behind it */
};

/* The next one before the object ends; false: there is none. */
static bool member_next(struct span near, struct member *member)
{
    size_t from = member->value.end, i = from;
    while (i < near.len && near.at[i] != ':' && near.at[i] != '{' && near.at[i] != '}')
        i++;
    if (i >= near.len || near.at[i] != ':')
        return false;
    *member = (struct member){.name = text_name_before(near, from, i),
                              .colon = i,
                              .value = value_find(near, i + 1, ':', VALUE_WORD)};
    return true;
}

/* Does one say a secret's name, behind the end of another one? */
static bool is_named_behind(struct span text, size_t from)
{
    struct span near = span_first(text, from + NEAR);
    struct member member = {.value = {from, from}};
    for (unsigned namers = 0; namers < NAMERS_MOST && member_next(near, &member);) {
        bool is_namer = has_role(member.name, true);
        if (is_namer && beside_names_secret(cut_span(near, member.value)))
            return true;
        namers += is_namer;
    }
    return false;
}

/* What all of them say, behind the end of the one that names it. */
static struct cut said_behind(struct span text, size_t from)
{
    struct span near = span_first(text, from + NEAR);
    struct member member = {.value = {from, from}};
    struct cut said = cut_none();
    while (member_next(near, &member))
        if (has_role(member.name, false))
            said = cut_over(said, value_find(text, member.colon + 1, ':', VALUE_WORD));
    return said;
}

static struct cut beside_colon(struct span text, size_t at, struct span name)
{
    enum { SPELLED_SHORTEST = 7, SPELLED_LONGEST = 36 };
    if (name.len > SPELLED_LONGEST ||
        (!may_be_beside(name) &&
         (name.len < SPELLED_SHORTEST || span_find_byte(name, '\\') == SPAN_NONE)))
        return cut_none();
    struct span near = span_first(text, at + VALUE_LONGEST);
    if (has_role(name, true)) {
        struct cut said = value_find(near, at + 1, ':', VALUE_WORD);
        return beside_names_secret(cut_span(near, said)) ? said_behind(text, said.end) : cut_none();
    }
    if (!has_role(name, false))
        return cut_none();
    struct cut value = value_find(near, at + 1, ':', VALUE_WORD);
    return is_named_behind(text, value.end) ? value_find(text, at + 1, ':', VALUE_WORD)
                                            : cut_none();
}

struct cut beside_sign(struct span text, size_t at, struct span name)
{
    return text.at[at] == '=' ? beside_equals(text, at, name) : beside_colon(text, at, name);
}

/* ---- elements ---- */

struct element {
    struct span tag;
    struct span name; /* without what stands before a ':' */
    bool is_closed;   /* by its first tag */
    struct cut inside;
    size_t behind; /* its last tag */
};

/* One that begins there; false: none does, or its first tag does not end. */
static bool element_read(struct span text, size_t at, struct element *element)
{
    struct span name = text_name_of_tag(text, at + 1), local = name;
    size_t colon = span_find_last_byte(name, ':');
    size_t end = name.len > 0 ? tag_end(text, at + 1 + name.len) : 0;
    if (end == 0)
        return false;
    if (colon != SPAN_NONE)
        local = span_from(name, colon + 1);
    bool is_closed = text.at[end - 2] == '/';
    *element = (struct element){name, local, is_closed, {end, end}, end};
    if (is_closed)
        return true;
    element->inside = element_find(text, end, name);
    element->behind = tag_end(text, element->inside.end);
    if (element->behind == 0)
        element->behind = text.len;
    return true;
}

/* <string> is what lists of properties have behind a <key>. */
static bool element_says(const struct element *element)
{
    return says(element->name) || span_is_nocase(element->name, SPAN("string"));
}

static bool element_names(struct span text, const struct element *element)
{
    return name_names_value(element->name) && beside_names_secret(cut_span(text, element->inside));
}

/* The next one before the element ends that holds both; false: there is none. */
static bool element_next(struct span near, size_t from, struct element *element)
{
    size_t next = span_find_byte(span_from(near, from), '<');
    return next != SPAN_NONE && element_read(near, from + next, element);
}

static bool is_named_by_element(struct span text, size_t from)
{
    struct span near = span_first(text, from + NEAR_OF_ELEMENT);
    struct element element = {.behind = from};
    while (element_next(near, element.behind, &element))
        if (element_names(near, &element))
            return true;
    return false;
}

/* What all of them hold that say something. */
static struct cut said_by_elements(struct span text, size_t from)
{
    struct span near = span_first(text, from + NEAR_OF_ELEMENT);
    struct element element = {.behind = from};
    struct cut said = cut_none();
    while (element_next(near, element.behind, &element))
        if (element_says(&element) && !element.is_closed)
            said = cut_over(said, element_find(text, element.inside.at, element.tag));
    return said;
}

struct cut beside_tag(struct span text, size_t at, struct span name)
{
    struct element element;
    size_t colon = span_find_last_byte(name, ':');
    struct span local = colon == SPAN_NONE ? name : span_from(name, colon + 1);
    bool is_namer = name_names_value(local);
    if ((!is_namer && !says(local)) ||
        !element_read(span_first(text, at + NEAR_OF_ELEMENT), at, &element))
        return cut_none();
    if (is_namer)
        return element_names(text, &element) ? said_by_elements(text, element.behind) : cut_none();
    return is_named_by_element(text, element.behind) ? element.inside : cut_none();
}
