/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/web_acl_reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "rules/match/pattern.h"

/* ---- where we are ---- */

static size_t enter(struct web_acl_reader *r, int written, size_t before)
{
    size_t room = sizeof r->path - before;
    r->path_len = before + ((size_t)written < room ? (size_t)written : room - 1);
    return before;
}

size_t reader_enter(struct web_acl_reader *r, const char *member)
{
    size_t before = r->path_len;
    return enter(
        r,
        snprintf(r->path + before, sizeof r->path - before, "%s%s", before > 0 ? "." : "", member),
        before);
}

size_t reader_enter_item(struct web_acl_reader *r, size_t i)
{
    size_t before = r->path_len;
    return enter(r, snprintf(r->path + before, sizeof r->path - before, "[%zu]", i), before);
}

void reader_leave(struct web_acl_reader *r, size_t mark)
{
    r->path_len = mark;
    r->path[mark] = '\0';
}

void reader_refuse(struct web_acl_reader *r, struct span hint, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    struct place place = {.file = r->file};
    fault_add(r->faults, FAULT_ERROR, place, hint, "%s%s%s", r->path, r->path_len > 0 ? ": " : "",
              message);
}

void reader_refuse_word(struct web_acl_reader *r, struct span word, const char *const *words,
                        size_t count, const char *of)
{
    char hint[160];
    reader_refuse(r, nearest_hint(word, words, count, hint, sizeof hint),
                  "'" SPAN_FORMAT "' is no %s", span_arg(span_first(word, 80)), of);
}

/* ---- values ---- */

static bool is_known(const char *member, const char *const *members, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(member, members[i]) == 0)
            return true;
    return false;
}

bool reader_is_object(struct web_acl_reader *r, const json_t *value, const char *const *members,
                      size_t count)
{
    if (!json_is_object(value)) {
        reader_refuse(r, SPAN(""), "expected an object");
        return false;
    }
    union { /* jansson's iterators want no const; nothing is changed */
        const json_t *in;
        json_t *out;
    } object = {value};
    for (void *at = json_object_iter(object.out); at != NULL;
         at = json_object_iter_next(object.out, at)) {
        const char *member = json_object_iter_key(at);
        if (!is_known(member, members, count))
            reader_refuse_word(r, span_text(member), members, count, "member here");
    }
    return true;
}

/* Not there: says so where it is needed. */
static const json_t *member_of(struct web_acl_reader *r, const json_t *object, const char *member,
                               bool needed)
{
    const json_t *value = json_object_get(object, member);
    if (value == NULL && needed)
        reader_refuse(r, SPAN(""), "'%s' is missing", member);
    return value;
}

static void refuse_member(struct web_acl_reader *r, const char *member, const char *expected)
{
    size_t mark = reader_enter(r, member);
    reader_refuse(r, SPAN(""), "expected %s", expected);
    reader_leave(r, mark);
}

static struct span keep(struct web_acl_reader *r, const json_t *text)
{
    struct span kept = {
        arena_string(r->arena, span_make(json_string_value(text), json_string_length(text))),
        json_string_length(text)};
    return kept.at != NULL ? kept : span_make(NULL, 0);
}

struct span reader_text(struct web_acl_reader *r, const json_t *object, const char *member,
                        bool needed)
{
    const json_t *value = member_of(r, object, member, needed);
    if (json_is_string(value))
        return keep(r, value);
    if (value != NULL)
        refuse_member(r, member, "a text");
    return span_make(NULL, 0);
}

bool reader_number(struct web_acl_reader *r, const json_t *object, const char *member, bool needed,
                   struct reader_range range, uint64_t *number)
{
    const json_t *value = member_of(r, object, member, needed);
    if (value == NULL)
        return false;
    json_int_t is = json_is_integer(value) ? json_integer_value(value) : -1;
    if (is >= 0 && (uint64_t)is >= range.least && (uint64_t)is <= range.most) {
        *number = (uint64_t)is;
        return true;
    }
    size_t mark = reader_enter(r, member);
    reader_refuse(r, SPAN(""), "expected a number from %llu to %llu",
                  (unsigned long long)range.least, (unsigned long long)range.most);
    reader_leave(r, mark);
    return false;
}

size_t reader_word(struct web_acl_reader *r, const json_t *object, const char *member, bool needed,
                   const char *const *words, size_t count)
{
    struct span text = reader_text(r, object, member, needed);
    if (text.at == NULL)
        return SPAN_NONE;
    for (size_t i = 0; i < count; i++)
        if (span_is(text, span_text(words[i])))
            return i;
    size_t mark = reader_enter(r, member);
    reader_refuse_word(r, text, words, count, "value of this member");
    reader_leave(r, mark);
    return SPAN_NONE;
}

const json_t *reader_list(struct web_acl_reader *r, const json_t *object, const char *member,
                          bool needed, size_t least)
{
    const json_t *value = member_of(r, object, member, needed);
    if (value == NULL || (json_is_array(value) && json_array_size(value) >= least))
        return value;
    char expected[64];
    snprintf(expected, sizeof expected, "a list of at least %zu", least);
    refuse_member(r, member, expected);
    return NULL;
}

const struct span *reader_texts(struct web_acl_reader *r, const json_t *object, const char *member,
                                size_t least, size_t *count)
{
    const json_t *list = reader_list(r, object, member, true, least);
    struct span *texts = arena_alloc(r->arena, (json_array_size(list) + 1) * sizeof *texts);
    size_t mark = reader_enter(r, member);
    *count = 0;
    for (size_t i = 0; i < json_array_size(list) && texts != NULL; i++) {
        size_t item = reader_enter_item(r, i);
        if (json_is_string(json_array_get(list, i)))
            texts[(*count)++] = keep(r, json_array_get(list, i));
        else
            reader_refuse(r, SPAN(""), "expected a text");
        reader_leave(r, item);
    }
    reader_leave(r, mark);
    return texts;
}

/* ---- what is kept ---- */

struct web_acl_held *reader_hold(struct web_acl_reader *r)
{
    struct web_acl_held *held = arena_alloc(r->arena, sizeof *held);
    if (held != NULL) {
        held->next = r->acl->held;
        r->acl->held = held;
    }
    return held;
}

/* "(?1)", "(?+1)", "(?-1)" call a group; "(?-i)" only turns an option off. */
static bool calls_group(struct span rest)
{
    if (!span_starts(rest, SPAN("(?")) || rest.len < 4)
        return false;
    bool by_number = byte_is_digit(rest.at[2]) || rest.at[2] == '+';
    return by_number || (rest.at[2] == '-' && byte_is_digit(rest.at[3]));
}

/* What AWS's dialect leaves out of PCRE, outside of a class: it would be taken here and refused
 * there. */
static const char *unsupported_at(struct span rest)
{
    static const struct {
        const char *begin, *name;
    } rows[] = {
        {"(*", "a verb"},
        {"(?>", "an atomic group"},
        {"++", "a possessive quantifier"},
        {"*+", "a possessive quantifier"},
        {"?+", "a possessive quantifier"},
        {"}+", "a possessive quantifier"},
        {"(?(", "a condition"},
        {"(?C", "a call-out"},
        {"(?R", "a recursion"},
        {"(?&", "a recursion"},
        {"(?P>", "a recursion"},
        {"(?P=", "a back-reference"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (span_starts(rest, span_text(rows[i].begin)))
            return rows[i].name;
    return calls_group(rest) ? "a recursion" : NULL;
}

static const char *unsupported_escape(char letter)
{
    if (letter >= '1' && letter <= '9')
        return "a back-reference";
    return letter != '\0' && strchr("CRKgk", letter) != NULL ? "\\C, \\R, \\K, \\g or \\k" : NULL;
}

/* Behind the class that begins at `at`. */
static size_t class_end(struct span text, size_t at)
{
    at += at + 1 < text.len && text.at[at + 1] == '^' ? 2 : 1;
    for (size_t i = at; i < text.len; i++) {
        if (text.at[i] == '\\')
            i++;
        else if (text.at[i] == ']' && i > at)
            return i + 1;
    }
    return text.len;
}

static const char *unsupported(struct span text)
{
    const char *found = NULL;
    for (size_t i = 0; i < text.len && found == NULL;) {
        if (text.at[i] == '[') {
            i = class_end(text, i);
        } else if (text.at[i] == '\\') {
            found = unsupported_escape((char)(i + 1 < text.len ? text.at[i + 1] : '\0'));
            i += 2;
        } else {
            found = unsupported_at(span_from(text, i++));
        }
    }
    return found;
}

const struct pattern *reader_pattern(struct web_acl_reader *r, struct span text)
{
    enum { PATTERN_BYTES = 512 };
    const char *wrong = unsupported(text);
    char why[160];
    size_t offset;
    if (text.at == NULL)
        return NULL;
    if (wrong != NULL)
        reader_refuse(r, SPAN(""), "AWS's regular expressions have no such thing: %s", wrong);
    else if (text.len == 0 || text.len > PATTERN_BYTES)
        reader_refuse(r, SPAN(""), "expected a pattern of 1 to 512 bytes");
    if (wrong != NULL || text.len == 0 || text.len > PATTERN_BYTES)
        return NULL;
    struct web_acl_held *held = reader_hold(r);
    if (held == NULL)
        return NULL;
    held->pattern = pattern_new(text, PATTERN_RULE, &offset, why, sizeof why);
    if (held->pattern == NULL)
        reader_refuse(r, SPAN(""), "wrong pattern at byte %zu: %s", offset + 1, why);
    return held->pattern;
}

/* ---- references ---- */

struct span web_acl_arn_name(struct span arn)
{
    struct span part = span_cut(&arn, '/');
    for (unsigned i = 0; i < 2 && arn.at != NULL; i++)
        part = span_cut(&arn, '/');
    return part;
}

const json_t *reader_find(const struct web_acl_reader *r, const char *list, const char *inside,
                          struct span arn)
{
    const json_t *all = json_object_get(r->document, list), *by_name = NULL;
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *item = json_array_get(all, i);
        const json_t *wrapped = json_object_get(item, inside);
        item = wrapped != NULL ? wrapped : item;
        if (span_is(span_text(json_string_value(json_object_get(item, "ARN"))), arn))
            return item;
        if (span_is(span_text(json_string_value(json_object_get(item, "Name"))),
                    web_acl_arn_name(arn)))
            by_name = item;
    }
    return by_name;
}

struct span reader_prefix(struct web_acl_reader *r, const json_t *object, const char *kind)
{
    struct span given = reader_text(r, object, "LabelNamespace", false);
    if (given.len > 0)
        return given;
    struct span rest = span_text(json_string_value(json_object_get(object, "ARN"))), account = rest;
    for (unsigned i = 0; i < 5; i++)
        account = span_cut(&rest, ':');
    return arena_format(r->arena, "awswaf:" SPAN_FORMAT ":%s:%s:",
                        span_arg(account.len > 0 ? account : SPAN("000000000000")), kind,
                        json_string_value(json_object_get(object, "Name")) != NULL
                            ? json_string_value(json_object_get(object, "Name"))
                            : "");
}
