/* SPDX-License-Identifier: Apache-2.0 */
/*
 *   tracestate: ot=th:c, vendor=opaque value,tenant@system=1
 *               member   value may hold blanks within
 */
#include "sidecar/http/tracestate.h"

#include <string.h>

#include "rules/base/must.h"

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || byte_is_digit(c);
}

static bool is_key(struct span key)
{
    if (key.len == 0 || key.len > TRACESTATE_KEY || !is_lower_or_digit(key.at[0]))
        return false;
    for (size_t i = 1; i < key.len; i++)
        if (!is_lower_or_digit(key.at[i]) && span_find_byte(SPAN("_-*/@"), key.at[i]) == SPAN_NONE)
            return false;
    return true;
}

static bool is_value(struct span value)
{
    if (value.len == 0 || value.len > TRACESTATE_KEY || value.at[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < ' ' || value.at[i] > '~' || value.at[i] == ',' || value.at[i] == '=')
            return false;
    return true;
}

static size_t find(const struct tracestate *state, struct span key)
{
    for (size_t i = 0; i < state->count; i++)
        if (span_is(state->members[i].name, key))
            return i;
    return SPAN_NONE;
}

static bool read_member(struct tracestate *state, struct span text)
{
    struct span value = text, key = span_cut(&value, '=');
    if (value.at == NULL || !is_key(key) || !is_value(value))
        return false;
    if (state->count == TRACESTATE_MEMBERS || find(state, key) != SPAN_NONE)
        return false;
    state->members[state->count++] = (struct pair){key, value};
    return true;
}

static bool read_field(struct tracestate *state, struct span rest)
{
    while (rest.at != NULL) {
        struct span member = span_trim_ows(span_cut(&rest, ','));
        if (member.len > 0 && !read_member(state, member))
            return false;
    }
    return true;
}

bool tracestate_read(const struct fields *fields, struct tracestate *to)
{
    to->count = 0;
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("tracestate")) &&
            !read_field(to, fields->at[i].value)) {
            to->count = 0;
            return false;
        }
    return true;
}

struct span tracestate_get(const struct tracestate *state, struct span key)
{
    size_t i = find(state, key);
    return i == SPAN_NONE ? span_make(NULL, 0) : state->members[i].value;
}

static void take_out(struct tracestate *state, size_t i)
{
    state->count--;
    memmove(&state->members[i], &state->members[i + 1],
            (state->count - i) * sizeof state->members[0]);
}

void tracestate_set(struct tracestate *state, struct span key, struct span value)
{
    size_t i = find(state, key);
    if (i != SPAN_NONE)
        take_out(state, i);
    if (value.len == 0)
        return;
    must(is_key(key) && is_value(value));
    if (state->count == TRACESTATE_MEMBERS)
        state->count--;
    memmove(&state->members[1], &state->members[0], state->count * sizeof state->members[0]);
    state->members[0] = (struct pair){key, value};
    state->count++;
}

/* ---- writing ---- */

static size_t length_of(const struct pair *member)
{
    return member->name.len + 1 + member->value.len;
}

static size_t length_of_all(const struct tracestate *state)
{
    size_t length = state->count > 0 ? state->count - 1 : 0; /* commas */
    for (size_t i = 0; i < state->count; i++)
        length += length_of(&state->members[i]);
    return length;
}

/* 3.3.1.5: long members first, then from the end. */
static void shorten(struct tracestate *state)
{
    for (size_t i = state->count; i > 0 && length_of_all(state) > TRACESTATE_LENGTH; i--)
        if (length_of(&state->members[i - 1]) > TRACESTATE_LONG)
            take_out(state, i - 1);
    while (length_of_all(state) > TRACESTATE_LENGTH)
        state->count--;
}

static char *put(char *at, struct span text)
{
    memcpy(at, text.at, text.len);
    return at + text.len;
}

struct span tracestate_write(const struct tracestate *state, struct arena *arena)
{
    struct tracestate sent = *state;
    shorten(&sent);
    size_t length = length_of_all(&sent);
    char *text = arena_text(arena, length), *at = text;
    for (size_t i = 0; text != NULL && i < sent.count; i++) {
        if (i > 0)
            *at++ = ',';
        at = put(at, sent.members[i].name);
        *at++ = '=';
        at = put(at, sent.members[i].value);
    }
    return span_make(text, text == NULL ? 0 : length);
}
