/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a head: an array of pairs in the arena of who made it. Heads have some twenty
 * fields, so a walk beats any index. */
#include "sidecar/http/fields.h"

#include <string.h>

#include "sidecar/http/bytes.h"

enum { FIRST_SIZE = 24 };

static bool fields_grow(struct fields *fields, struct arena *arena)
{
    size_t size = fields->size == 0 ? FIRST_SIZE : fields->size * 2;
    struct pair *at = arena_alloc(arena, size * sizeof *at);
    if (at == NULL)
        return false;
    if (fields->count > 0)
        memcpy(at, fields->at, fields->count * sizeof *at);
    fields->at = at;
    fields->size = size;
    return true;
}

bool fields_add(struct fields *fields, struct arena *arena, struct span name, struct span value)
{
    if (fields->count == fields->size && !fields_grow(fields, arena))
        return false;
    fields->at[fields->count++] = (struct pair){name, value};
    return true;
}

struct span fields_get(const struct fields *fields, struct span name)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!span_is_nocase(fields->at[i].name, name))
            continue;
        struct span value = fields->at[i].value;
        /* An empty value must not look like an absent one. */
        return value.at != NULL ? value : span_make("", 0);
    }
    return span_make(NULL, 0);
}

struct span fields_cookie(const struct fields *fields, struct span name)
{
    for (size_t i = 0; i < fields->count; i++) {
        struct span rest = fields->at[i].value;
        if (!span_is_nocase(fields->at[i].name, SPAN("cookie")))
            continue;
        while (rest.at != NULL) {
            struct span value = span_trim_ows(span_cut(&rest, ';'));
            if (span_is(span_cut(&value, '='), name) && value.at != NULL)
                return value;
        }
    }
    return span_make(NULL, 0);
}

size_t fields_count(const struct fields *fields, struct span name)
{
    size_t count = 0;
    for (size_t i = 0; i < fields->count; i++)
        count += span_is_nocase(fields->at[i].name, name);
    return count;
}

/* Most names differ in their lengths already, and mostly nothing goes. */
static size_t remove_by(struct fields *fields, struct span name,
                        bool (*is_it)(struct span a, struct span b))
{
    size_t kept = 0;
    for (size_t i = 0; i < fields->count; i++) {
        struct span one = fields->at[i].name;
        if (one.len == name.len && is_it(one, name))
            continue;
        if (kept < i)
            fields->at[kept] = fields->at[i];
        kept++;
    }
    size_t removed = fields->count - kept;
    fields->count = kept;
    return removed;
}

size_t fields_remove(struct fields *fields, struct span name)
{
    return remove_by(fields, name, span_is_nocase);
}

static char folded(char letter)
{
    return (char)(letter == '_' ? '-' : byte_lower(letter));
}

static bool is_alike(struct span a, struct span b)
{
    bool alike = a.len == b.len;
    for (size_t i = 0; i < a.len && alike; i++)
        alike = folded(a.at[i]) == folded(b.at[i]);
    return alike;
}

size_t fields_remove_alike(struct fields *fields, struct span name)
{
    return remove_by(fields, name, is_alike);
}

bool fields_set(struct fields *fields, struct arena *arena, struct span name, struct span value)
{
    /* `name` may be the text of a field that is about to be removed: only the pair goes, the text
     * stays. */
    fields_remove(fields, name);
    return fields_add(fields, arena, name, value);
}

static bool list_has_member(struct span list, struct span token)
{
    while (list.at != NULL)
        if (span_is_nocase(span_trim_ows(span_cut(&list, ',')), token))
            return true;
    return false;
}

bool fields_have_token(const struct fields *fields, struct span name, struct span token)
{
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, name) && list_has_member(fields->at[i].value, token))
            return true;
    return false;
}

/* Is this field meant for our connection alone, whatever Connection says? */
static bool is_hop_by_hop(struct span name, bool keep_trailer)
{
    static const struct span names[] = {
        SPAN_INIT("Connection"),         SPAN_INIT("Keep-Alive"),
        SPAN_INIT("Proxy-Connection"),   SPAN_INIT("TE"),
        SPAN_INIT("Transfer-Encoding"),  SPAN_INIT("Upgrade"),
        SPAN_INIT("Proxy-Authenticate"), SPAN_INIT("Proxy-Authorization"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.len == names[i].len && span_is_nocase(name, names[i]))
            return true;
    return !keep_trailer && span_is_nocase(name, SPAN("Trailer"));
}

/* Fields that say how to read the message or whom it is for: a client that names them in Connection
 * would have them taken out behind the back of everything that decides by them. */
static bool is_end_to_end(struct span name)
{
    static const struct span names[] = {
        SPAN_INIT("Host"),
        SPAN_INIT("Content-Length"),
        SPAN_INIT("Content-Type"),
        SPAN_INIT("Content-Encoding"),
        SPAN_INIT("Authorization"),
        SPAN_INIT("Cookie"),
        SPAN_INIT("Cache-Control"),
        SPAN_INIT("Forwarded"),
        SPAN_INIT("X-Forwarded-For"),
        SPAN_INIT("X-Forwarded-Proto"),
        SPAN_INIT("X-Forwarded-Host"),
        SPAN_INIT("Trailer"),
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name.len == names[i].len && span_is_nocase(name, names[i]))
            return true;
    return false;
}

/* Strikes out (an empty name; none is empty) what a Connection line names. */
static void strike_named(struct fields *fields, struct span line)
{
    while (line.at != NULL) {
        struct span name = span_trim_ows(span_cut(&line, ','));
        if (span_is_nocase(name, SPAN("keep-alive")) || span_is_nocase(name, SPAN("close")) ||
            is_hop_by_hop(name, true) || is_end_to_end(name))
            continue;
        for (size_t i = 0; i < fields->count; i++)
            if (span_is_nocase(fields->at[i].name, name))
                fields->at[i].name.len = 0;
    }
}

void fields_remove_hop_by_hop(struct fields *fields, bool keep_trailer)
{
    for (size_t i = 0; i < fields->count; i++)
        if (span_is_nocase(fields->at[i].name, SPAN("Connection")))
            strike_named(fields, fields->at[i].value);
    size_t kept = 0;
    for (size_t i = 0; i < fields->count; i++) {
        struct span name = fields->at[i].name;
        if (name.len > 0 && !is_hop_by_hop(name, keep_trailer))
            fields->at[kept++] = fields->at[i];
    }
    fields->count = kept;
}

bool http_is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!http_byte_is(text.at[i], HTTP_TOKEN))
            return false;
    return text.len > 0;
}
