/* SPDX-License-Identifier: Apache-2.0 */
/* A body read as AWS WAF's JSON parser reads it: keys and values one by one. A comma or a colon
 * that is missing, and colons too many, are put up with; bytes that cannot stand where they are, a
 * key that stands twice, an end too early and a root that is no object or array end the reading. */
#include "rules/base/encode.h"
#include "rules/base/map.h"
#include "rules/base/number.h"
#include "sidecar/guard/web_acl_inside.h"

enum { DEPTH_MOST = 64 };

struct reading {
    const struct web_acl_field *field;
    struct arena *arena;
    web_acl_test *test; /* NULL: only whether it is well formed */
    void *context;
    struct span text;
    size_t at;
    unsigned depth;
    bool over; /* deeper than we go */
    enum web_acl_look answer;
    char pointer[WEB_ACL_POINTER]; /* RFC 6901, of where we are */
    size_t pointer_len;            /* beyond WEB_ACL_POINTER: too long to be any that was named */
};

static bool read_value(struct reading *r, bool chosen);

static void show(struct reading *r, bool chosen, bool is_key, struct span value)
{
    enum web_acl_scope unwanted = is_key ? SCOPE_VALUE : SCOPE_KEY;
    if (r->test != NULL && chosen && r->field->scope != unwanted && r->answer == LOOK_NO)
        r->answer = r->test(r->context, value);
}

static char byte_at(const struct reading *r)
{
    return (char)(r->at < r->text.len ? r->text.at[r->at] : '\0');
}

static void skip_space(struct reading *r)
{
    while (r->at < r->text.len && strchr(" \t\r\n", r->text.at[r->at]) != NULL &&
           r->text.at[r->at] != '\0')
        r->at++;
}

/* ---- strings ---- */

/* The four digits of \uHHHH at `at`; -1: there are none. */
static int32_t read_unit(struct span text, size_t at)
{
    int32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = at + i < text.len ? byte_hex(text.at[at + i]) : -1;
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* Writes the character of \u..., both halves of a pair; how many bytes it took, 0: wrong. */
static size_t read_unicode(struct span text, size_t at, char *to, size_t *len)
{
    int32_t first = read_unit(text, at + 2), second = -1;
    if (first < 0)
        return 0;
    if (first >= 0xd800 && first < 0xdc00 && at + 7 < text.len && text.at[at + 6] == '\\' &&
        text.at[at + 7] == 'u')
        second = read_unit(text, at + 8);
    bool is_pair = second >= 0xdc00 && second < 0xe000;
    uint32_t character =
        is_pair ? 0x10000U + ((uint32_t)first - 0xd800U) * 0x400U + ((uint32_t)second - 0xdc00U)
                : (uint32_t)first;
    size_t written = utf8_write(to + *len, character);
    if (written == 0) /* half a pair */
        written = utf8_write(to + *len, 0xfffd);
    *len += written;
    return is_pair ? 12 : 6;
}

static size_t read_escape(struct span text, size_t at, char *to, size_t *len)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char letter = (char)(at + 1 < text.len ? text.at[at + 1] : '\0');
    if (letter == 'u')
        return read_unicode(text, at, to, len);
    const char *found = letter != '\0' ? strchr(letters, letter) : NULL;
    if (found == NULL)
        return 0;
    to[(*len)++] = meanings[found - letters];
    return 2;
}

/* Behind the opening quote; leaves behind the closing one. No escape grows. */
static bool read_string(struct reading *r, struct span *value)
{
    struct span inside = span_from(r->text, ++r->at);
    size_t end = 0, len = 0;
    while (end < inside.len && inside.at[end] != '"' && (unsigned char)inside.at[end] >= ' ')
        end += inside.at[end] == '\\' ? 2 : 1;
    if (end >= inside.len || inside.at[end] != '"')
        return false;
    r->at += end + 1;
    *value = span_first(inside, end);
    if (span_find_byte(*value, '\\') == SPAN_NONE)
        return true;
    char *to = arena_text(r->arena, end);
    for (size_t i = 0, took; to != NULL && i < end; i += took) {
        took = 1;
        if (value->at[i] != '\\')
            to[len++] = value->at[i];
        else
            took = read_escape(*value, i, to, &len);
        if (took == 0)
            return false;
    }
    *value = span_make(to, len);
    return to != NULL;
}

/* ---- where we are ---- */

static void pointer_add(struct reading *r, char byte)
{
    if (r->pointer_len < WEB_ACL_POINTER)
        r->pointer[r->pointer_len] = byte;
    r->pointer_len++;
}

static size_t pointer_push(struct reading *r, struct span key)
{
    size_t before = r->pointer_len;
    pointer_add(r, '/');
    for (size_t i = 0; i < key.len; i++) {
        bool escaped = key.at[i] == '~' || key.at[i] == '/';
        if (escaped)
            pointer_add(r, '~');
        pointer_add(r, (char)(!escaped ? key.at[i] : key.at[i] == '~' ? '0' : '1'));
    }
    return before;
}

/* What lies inside of a chosen one is chosen, too. */
static bool is_chosen(const struct reading *r, bool chosen)
{
    struct span here = span_make(r->pointer, r->pointer_len);
    for (size_t i = 0; i < r->field->name_count && !chosen && here.len <= WEB_ACL_POINTER; i++)
        chosen = span_is(r->field->names[i], here);
    return chosen;
}

/* ---- values ---- */

static bool read_member(struct reading *r, bool chosen, struct map *keys)
{
    struct span key;
    if (byte_at(r) != '"' || !read_string(r, &key) || map_set(keys, key, r) != NULL)
        return false;
    size_t before = pointer_push(r, key);
    bool here = is_chosen(r, chosen);
    show(r, here, true, key);
    do
        skip_space(r);
    while (byte_at(r) == ':' && ++r->at);
    bool well = read_value(r, here);
    r->pointer_len = before;
    return well;
}

static bool read_item(struct reading *r, bool chosen, size_t number)
{
    char digits[24];
    size_t before = pointer_push(r, span_make(digits, number_write(digits, (int64_t)number)));
    bool well = read_value(r, is_chosen(r, chosen));
    r->pointer_len = before;
    return well;
}

static bool read_inside(struct reading *r, bool chosen, char end)
{
    struct map *keys = end == '}' ? map_new(r->arena, false) : NULL;
    r->over |= r->depth == DEPTH_MOST;
    if (r->over || (end == '}' && keys == NULL))
        return false;
    r->depth++;
    r->at++;
    for (size_t i = 0;; i++) {
        skip_space(r);
        if (i > 0 && byte_at(r) == ',') {
            r->at++;
            skip_space(r);
        }
        if (byte_at(r) == end)
            break;
        if (!(end == '}' ? read_member(r, chosen, keys) : read_item(r, chosen, i)))
            return false;
    }
    r->at++;
    r->depth--;
    return true;
}

/* true, false, null and numbers: as they are written. */
static bool read_word(struct reading *r, struct span *value)
{
    static const struct span words[] = {SPAN_INIT("true"), SPAN_INIT("false"), SPAN_INIT("null")};
    struct span rest = span_from(r->text, r->at);
    size_t len = 0;
    bool fits = rest.len > 0 && (rest.at[0] == '-' || byte_is_digit(rest.at[0]));
    while (len < rest.len && (byte_is_alpha(rest.at[len]) || byte_is_digit(rest.at[len]) ||
                              (rest.at[len] != '\0' && strchr("+-.", rest.at[len]) != NULL)))
        len++;
    *value = span_first(rest, len);
    for (size_t i = 0; i < sizeof words / sizeof *words && !fits; i++)
        fits = span_is(*value, words[i]);
    r->at += len;
    return fits;
}

static bool read_value(struct reading *r, bool chosen)
{
    struct span value;
    skip_space(r);
    char first = byte_at(r);
    if (first == '{' || first == '[')
        return read_inside(r, chosen, (char)(first == '{' ? '}' : ']'));
    if (!(first == '"' ? read_string(r, &value) : read_word(r, &value)))
        return false;
    show(r, chosen, false, value);
    return true;
}

static bool read_text(struct reading *r)
{
    r->at = r->pointer_len = r->depth = 0;
    skip_space(r);
    if (byte_at(r) != '{' && byte_at(r) != '[')
        return false;
    bool well = read_value(r, r->field->choice == CHOICE_ALL);
    skip_space(r);
    return well && r->at == r->text.len;
}

/* Reads all of it and shows nothing. */
static enum web_acl_json judge(struct reading *r)
{
    bool well = read_text(r);
    bool over = r->over || arena_is_full(r->arena);
    r->over = false;
    arena_reset(r->arena);
    return over ? JSON_OVER : well ? JSON_WELL : JSON_BROKEN;
}

enum web_acl_look web_acl_json_look(const struct web_acl_field *field, struct web_acl_run *run,
                                    struct span text, web_acl_test *test, void *context)
{
    struct reading r = {.field = field, .arena = run->arena, .text = text, .context = context};
    if (field->invalid != FALLBACK_CONTINUE && run->json == JSON_UNREAD)
        run->json = judge(&r);
    if (field->invalid != FALLBACK_CONTINUE && run->json == JSON_BROKEN) {
        if (field->invalid == FALLBACK_AS_STRING)
            return test(context, text);
        return field->invalid == FALLBACK_MATCH ? LOOK_YES : LOOK_NO;
    }
    r.test = test;
    read_text(&r);
    if (r.answer == LOOK_YES)
        return LOOK_YES;
    bool unread = r.over || run->json == JSON_OVER || arena_is_full(run->arena);
    return unread ? LOOK_FAILED : r.answer;
}
