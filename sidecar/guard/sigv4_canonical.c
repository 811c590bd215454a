/* SPDX-License-Identifier: Apache-2.0 */
/* The one spelling of a request that both sides sign. */
#include <stdlib.h>

#include "rules/base/encode.h"
#include "sidecar/guard/sigv4_inside.h"

/* --- escapes ------------------------------------------------------------------------------- */

/* Of a text that is escaped already, in whichever spelling. */
static bool add_recoded(struct buf *to, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if (byte == '%') {
            int escaped = percent_at(text, i);
            if (escaped < 0)
                return false;
            byte = (char)(uint8_t)escaped;
            i += 2;
        }
        percent_add(to, span_make(&byte, 1), "");
    }
    return true;
}

/* --- path ---------------------------------------------------------------------------------- */

/* Without empty and dot segments; a slash at the end stays. */
static struct span path_normal(struct span path, struct arena *arena)
{
    char *text = arena_text(arena, path.len + 1);
    if (text == NULL)
        return SPAN("");
    size_t len = 0;
    struct span rest = path;
    bool folder = false;
    while (rest.at != NULL) {
        struct span segment = span_cut(&rest, '/');
        bool up = span_is(segment, SPAN(".."));
        folder = segment.len == 0 || up || span_is(segment, SPAN("."));
        if (up)
            while (len > 0 && text[--len] != '/') {
            }
        if (folder)
            continue;
        text[len++] = '/';
        memcpy(text + len, segment.at, segment.len);
        len += segment.len;
    }
    if (folder || len == 0)
        text[len++] = '/';
    return span_make(text, len);
}

/* --- query --------------------------------------------------------------------------------- */

static int pair_compare(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    int order = span_compare(left->name, right->name);
    return order != 0 ? order : span_compare(left->value, right->value);
}

static struct span recoded(struct span text, struct arena *arena, bool *good)
{
    struct buf buf;
    buf_init(&buf, 3 * text.len + 1);
    *good = add_recoded(&buf, text) && !buf_is_full(&buf) && *good;
    struct span copy = arena_copy(arena, buf_span(&buf));
    buf_fini(&buf);
    return copy;
}

static bool is_left_out(const struct sigv4 *sigv4, struct span name, bool skip_token)
{
    return sigv4->claim.by_query && (span_is(name, SPAN("X-Amz-Signature")) ||
                                     (skip_token && span_is(name, SPAN("X-Amz-Security-Token"))));
}

static bool add_query(const struct sigv4 *sigv4, bool skip_token, struct buf *to)
{
    struct span query = sigv4->request->query;
    size_t most = 1, count = 0;
    for (size_t i = 0; i < query.len; i++)
        most += query.at[i] == '&';
    struct pair *pairs = arena_alloc(sigv4->arena, most * sizeof *pairs);
    bool good = pairs != NULL;
    while (query.at != NULL && good) {
        struct span value = span_cut(&query, '&');
        if (value.len == 0)
            continue;
        struct span name = span_cut(&value, '=');
        if (is_left_out(sigv4, name, skip_token))
            continue;
        pairs[count].name = recoded(name, sigv4->arena, &good);
        pairs[count++].value = recoded(value, sigv4->arena, &good);
    }
    if (good && count > 1)
        qsort(pairs, count, sizeof *pairs, pair_compare);
    for (size_t i = 0; i < count && good; i++) {
        if (i > 0)
            buf_add_byte(to, '&');
        buf_add(to, pairs[i].name);
        buf_add_byte(to, '=');
        buf_add(to, pairs[i].value);
    }
    return good;
}

/* --- fields -------------------------------------------------------------------------------- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Without blanks at the ends, and one for each run of them inside. */
static void add_trimmed(struct buf *to, struct span value)
{
    value = span_trim(value, " \t\r\n");
    for (size_t i = 0; i < value.len; i++)
        if (!is_blank(value.at[i]))
            buf_add_byte(to, value.at[i]);
        else if (!is_blank(value.at[i - 1]))
            buf_add_byte(to, ' ');
}

static bool add_field(const struct fields *fields, struct span name, struct buf *to)
{
    bool found = false;
    buf_add(to, name);
    for (size_t i = 0; i < fields->count; i++) {
        if (!span_is_nocase(fields->at[i].name, name))
            continue;
        buf_add_byte(to, found ? ',' : ':');
        add_trimmed(to, fields->at[i].value);
        found = true;
    }
    buf_add_byte(to, '\n');
    return found;
}

static bool is_lower(struct span name)
{
    for (size_t i = 0; i < name.len; i++)
        if (byte_lower(name.at[i]) != name.at[i])
            return false;
    return name.len > 0;
}

/* In the order of their names, each once: anything else is no list that a signer makes. */
static bool add_fields(const struct sigv4 *sigv4, struct buf *to)
{
    struct span names = sigv4->claim.signed_fields, before = {0};
    bool has_host = false;
    while (names.at != NULL) {
        struct span name = span_cut(&names, ';');
        if (!is_lower(name) || (before.at != NULL && span_compare(before, name) >= 0) ||
            !add_field(sigv4->request->fields, name, to))
            return false;
        has_host = has_host || span_is(name, SPAN("host"));
        before = name;
    }
    return has_host;
}

bool sigv4_canonical(const struct sigv4 *sigv4, bool skip_token, struct buf *to)
{
    const struct sigv4_request *request = sigv4->request;
    struct span path = request->path;
    if (sigv4->rules->normalize)
        path = path_normal(path, sigv4->arena);
    buf_add(to, request->method);
    buf_add_byte(to, '\n');
    percent_add(to, path, "/");
    buf_add_byte(to, '\n');
    if (!add_query(sigv4, skip_token, to))
        return false;
    buf_add_byte(to, '\n');
    if (!add_fields(sigv4, to))
        return false;
    buf_add_byte(to, '\n');
    buf_add(to, sigv4->claim.signed_fields);
    buf_add_byte(to, '\n');
    buf_add(to, sigv4->claim.payload.at != NULL ? sigv4->claim.payload : request->payload);
    return !buf_is_full(to) && !arena_is_full(sigv4->arena);
}
