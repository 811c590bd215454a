/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, strictly as RFC 8259 has it, into arguments whose names are ModSecurity 3's:
 *
 *   {"a": {"b": 1}}    json.a.b          [[1, 2]]    json.array_0.array_0, json.array_0.array_1
 *   {"a": [1, 2]}      json.a.array_0    "x"         json
 *   {"": 1}            json.empty-key
 *
 * Each object and array that stands under a key is told by its name too (json.a in both examples of
 * the first column): the key is the client's, and nothing else says where it ends.
 *
 * Strings are decoded in place, numbers and true and false stand as they are written, null is
 * empty. The nesting lies on a stack of our own, so that depth costs no C stack. */
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/body/parser.h"

enum { FRAMES_FIRST = 16 };

struct frame {
    bool is_array;
    size_t index;       /* of the element that comes next */
    size_t path_before; /* the path's length without this frame's own name */
    size_t path_len;    /* the path's length with it; 0: it stands under no key */
};

enum expected {
    ANY_VALUE,
    VALUE_OR_END, /* after [ */
    KEY,
    KEY_OR_END, /* after { */
    COMMA_OR_END,
    NOTHING, /* the document is over */
};

struct json {
    struct body *body;
    char *at, *end;
    enum expected expected;
    const char *wrong; /* what is wrong, or NULL */
    bool ran_out;      /* that is that the body ended too soon */
    struct frame *frames;
    size_t depth, room;
    size_t told;      /* so many of them are among the containers */
    struct text path; /* "json.a.array_0": the name of the value that comes next */
};

static bool json_wrong(struct json *json, const char *what)
{
    json->wrong = what;
    return false;
}

static bool json_ran_out(struct json *json)
{
    json->at = json->end;
    json->ran_out = true;
    return json_wrong(json, "premature EOF");
}

static void skip_space(struct json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t'))
        json->at++;
}

static void path_add(struct json *json, struct span name)
{
    text_add(&json->path, json->body->arena, name);
}

/* Puts the next element's own name behind the path of its array. */
static void path_add_index(struct json *json, struct frame *frame)
{
    char digits[24];
    path_add(json, SPAN(".array_"));
    path_add(json, span_make(digits, number_write(digits, (int64_t)frame->index)));
    frame->index++;
}

static bool push_frame(struct json *json, bool is_array, size_t path_before, bool has_key)
{
    if (json->depth >= json->body->limits.depth)
        return json_wrong(json, "Parsing depth limit exceeded");
    if (json->depth == json->room) {
        size_t room = json->room > 0 ? json->room * 2 : FRAMES_FIRST;
        struct frame *frames = arena_alloc(json->body->arena, room * sizeof *frames);
        if (frames == NULL)
            return json_wrong(json, "out of memory");
        if (json->frames != NULL)
            memcpy(frames, json->frames, json->depth * sizeof *frames);
        json->frames = frames;
        json->room = room;
    }
    must(json->frames != NULL);
    json->frames[json->depth++] = (struct frame){
        .is_array = is_array, .path_before = path_before, .path_len = has_key ? json->path.len : 0};
    return true;
}

/* Four hexadecimal digits; false where they are none. */
static bool read_unit(const char *at, const char *end, uint32_t *unit)
{
    if (end - at < 4)
        return false;
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = byte_hex(at[i]);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return true;
}

/* What follows "\u": one unit, or two that make a pair. A lone surrogate becomes U+FFFD: the
 * grammar allows it, UTF-8 cannot hold it. */
static bool read_unicode(struct json *json, char **to)
{
    uint32_t high, low;
    if (json->end - json->at < 4)
        return json_ran_out(json);
    if (!read_unit(json->at, json->end, &high))
        return json_wrong(json, "invalid (non-hex) character after '\\u' in string");
    json->at += 4;
    bool paired = high >= 0xd800 && high <= 0xdbff && json->end - json->at >= 6 &&
                  json->at[0] == '\\' && json->at[1] == 'u' &&
                  read_unit(json->at + 2, json->end, &low) && low >= 0xdc00 && low <= 0xdfff;
    if (paired) {
        high = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
        json->at += 6;
    }
    size_t len = utf8_write(*to, high);
    *to += len > 0 ? len : utf8_write(*to, 0xfffd);
    return true;
}

/* The byte behind a backslash; what is written is never longer than what was read. */
static bool read_escape(struct json *json, char **to)
{
    static const char escapes[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    char c = *json->at++;
    if (c == 'u')
        return read_unicode(json, to);
    const char *known = c != '\0' ? strchr(escapes, c) : NULL;
    if (known == NULL)
        return json_wrong(json, "inside a string, '\\' occurs before a character which it may not");
    *(*to)++ = bytes[known - escapes];
    return true;
}

/* One character that stands for itself. */
static bool read_plain(struct json *json, char **to)
{
    unsigned char c = (unsigned char)*json->at;
    if (c < 0x20)
        return json_wrong(json, "invalid character inside string");
    size_t len = c < 0x80 ? 1 : utf8_length(span_make(json->at, (size_t)(json->end - json->at)));
    if (len == 0)
        return json_wrong(json, "invalid bytes in UTF8 string");
    for (size_t i = 0; i < len; i++)
        *(*to)++ = *json->at++;
    return true;
}

/* Behind the opening quote. Where the body ends first, `text` is what there was. */
static bool read_string(struct json *json, struct span *text)
{
    char *start = json->at, *to = json->at;
    bool good = true;
    while (good && json->at < json->end && *json->at != '"') {
        if (*json->at != '\\')
            good = read_plain(json, &to);
        else if (++json->at < json->end)
            good = read_escape(json, &to);
    }
    *text = span_make(start, (size_t)(to - start));
    if (!good)
        return false;
    if (json->at == json->end)
        return json_ran_out(json);
    json->at++;
    return true;
}

static void skip_digits(struct json *json)
{
    while (json->at < json->end && byte_is_digit(*json->at))
        json->at++;
}

static bool skip_byte(struct json *json, const char *bytes)
{
    bool found = json->at < json->end && *json->at != '\0' && strchr(bytes, *json->at) != NULL;
    json->at += found ? 1 : 0;
    return found;
}

/* At least one digit has to follow. */
static bool need_digits(struct json *json)
{
    const char *start = json->at;
    skip_digits(json);
    if (json->at > start)
        return true;
    return json->at == json->end ? json_ran_out(json)
                                 : json_wrong(json, "malformed number, a digit is required");
}

/* RFC 8259 6: [ minus ] int [ frac ] [ exp ] */
static bool read_number(struct json *json, struct span *text)
{
    char *start = json->at;
    skip_byte(json, "-");
    bool good = skip_byte(json, "0") || need_digits(json);
    if (good && skip_byte(json, "."))
        good = need_digits(json);
    if (good && skip_byte(json, "eE")) {
        skip_byte(json, "+-");
        good = need_digits(json);
    }
    *text = span_make(start, (size_t)(json->at - start));
    return good;
}

static bool read_word(struct json *json, struct span *text)
{
    static const struct pair words[] = {{SPAN_INIT("true"), SPAN_INIT("true")},
                                        {SPAN_INIT("false"), SPAN_INIT("false")},
                                        {SPAN_INIT("null"), SPAN_INIT("")}};
    struct span rest = span_make(json->at, (size_t)(json->end - json->at));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (span_starts(rest, words[i].name)) {
            *text = words[i].value;
            json->at += words[i].name.len;
            return true;
        }
        if (span_starts(words[i].name, rest))
            return json_ran_out(json);
    }
    return json_wrong(json, "invalid token");
}

/* Behind a value that was just read. */
static void leave_value(struct json *json)
{
    json->expected = json->depth > 0 ? COMMA_OR_END : NOTHING;
}

/* What is open was not told yet, and `first` is the first name below it: a part of that is its own,
 * so that no depth makes copies. */
static void tell_containers(struct json *json, struct span first)
{
    for (; json->told < json->depth; json->told++) {
        size_t len = json->frames[json->told].path_len;
        if (len > 0)
            body_add_container(json->body, span_first(first, len), first);
    }
}

/* The name is copied only where it is handed out. */
static void add_value(struct json *json, struct span value)
{
    struct body *body = json->body;
    struct span path = span_make(json->path.at, json->path.len);
    if (body_takes_arguments(body)) {
        path = arena_copy(body->arena, path);
        tell_containers(json, path);
    }
    body_add_argument(body, path, value);
}

static bool read_scalar(struct json *json, size_t path_before)
{
    struct span value = {NULL, 0};
    bool good;
    if (skip_byte(json, "\""))
        good = read_string(json, &value);
    else if (*json->at == '-' || byte_is_digit(*json->at))
        good = read_number(json, &value);
    else
        good = read_word(json, &value);
    if (good || (json->ran_out && value.len > 0)) /* half a value is inspected as well */
        add_value(json, value);
    json->path.len = path_before;
    leave_value(json);
    return good;
}

/* The value's own name has been put behind the path already, but for elements of arrays. */
static bool read_value(struct json *json, size_t path_before)
{
    struct frame *frame = json->depth > 0 ? &json->frames[json->depth - 1] : NULL;
    if (frame != NULL && frame->is_array) {
        path_before = json->path.len;
        path_add_index(json, frame);
    }
    char c = *json->at;
    if (c != '{' && c != '[')
        return read_scalar(json, path_before);
    json->at++;
    json->expected = c == '[' ? VALUE_OR_END : KEY_OR_END;
    return push_frame(json, c == '[', path_before, frame != NULL && !frame->is_array);
}

/* A key, its colon and its value. */
static bool read_member(struct json *json)
{
    struct span key;
    if (!skip_byte(json, "\""))
        return json_wrong(json, "invalid object key (must be a string)");
    if (!read_string(json, &key))
        return false;
    skip_space(json);
    if (json->at == json->end)
        return json_ran_out(json);
    if (!skip_byte(json, ":"))
        return json_wrong(json, "object key and value must be separated by a colon (':')");
    size_t path_before = json->path.len;
    path_add(json, SPAN("."));
    path_add(json, key.len > 0 ? key : SPAN("empty-key"));
    skip_space(json);
    if (json->at == json->end)
        return json_ran_out(json);
    return read_value(json, path_before);
}

static bool read_end(struct json *json)
{
    const struct frame *frame = &json->frames[json->depth - 1];
    if (json->told < json->depth && frame->path_len > 0) { /* nothing is in it */
        struct span path = span_make(json->path.at, frame->path_len);
        if (body_takes_containers(json->body))
            path = arena_copy(json->body->arena, path);
        tell_containers(json, path);
    }
    json->depth--;
    if (json->told > json->depth)
        json->told = json->depth;
    json->at++;
    json->path.len = frame->path_before;
    leave_value(json);
    return true;
}

static bool read_comma_or_end(struct json *json)
{
    bool is_array = json->frames[json->depth - 1].is_array;
    if (*json->at == (is_array ? ']' : '}'))
        return read_end(json);
    if (!skip_byte(json, ","))
        return json_wrong(json, is_array ? "after array element, I expect ',' or ']'"
                                         : "after key and value, inside map, I expect ',' or '}'");
    json->expected = is_array ? ANY_VALUE : KEY;
    return true;
}

static bool json_step(struct json *json)
{
    switch (json->expected) {
    case VALUE_OR_END: return *json->at == ']' ? read_end(json) : read_value(json, 0);
    case ANY_VALUE: return read_value(json, 0);
    case KEY_OR_END: return *json->at == '}' ? read_end(json) : read_member(json);
    case KEY: return read_member(json);
    case COMMA_OR_END: return read_comma_or_end(json);
    case NOTHING: return json_wrong(json, "trailing garbage");
    }
    must(false);
    return false;
}

/* A body without a byte is no document, and no fault either: ModSecurity does not call its parser
 * then, and requests that send a type and no body are common. */
static void json_end(struct body *body, bool complete)
{
    if (body->text.len == 0)
        return;
    struct json json = {.body = body, .at = body->text.at, .end = body->text.at + body->text.len};
    path_add(&json, SPAN("json"));
    bool good = true;
    for (skip_space(&json); good && json.at < json.end; skip_space(&json))
        good = json_step(&json);
    if (good && json.expected != NOTHING)
        good = json_ran_out(&json);
    if (json.told < json.depth) /* the body ended within what nothing was in yet */
        tell_containers(&json, arena_copy(body->arena, span_make(json.path.at, json.path.len)));
    if (!good && (complete || !json.ran_out)) /* running out is no fault of a body that was cut */
        body_fail(body, "JSON parsing error: %s", json.wrong);
}

const struct body_parser json_parser = {NULL, body_gather, json_end};
