/* SPDX-License-Identifier: Apache-2.0 */
/* A request, taken apart once. Everything is cut on the raw bytes: a path that is decoded before it
 * is cut hides its tail behind an encoded question mark (CVE-2024-1019). */
#include "rules/values.h"

struct span field_value(const struct pair *fields, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++)
        if (span_is_nocase(fields[i].name, name))
            return fields[i].value.at == NULL ? SPAN("") : fields[i].value;
    return (struct span){NULL, 0};
}

/* RFC 9112 3.2: the absolute form loses scheme and authority; the others stay as they are. A
 * fragment is no part of a target (RFC 3986 3.5), and whoever sends one is refused before a server
 * sees it; REQUEST_URI_RAW and REQUEST_LINE have it. */
static struct span target_uri(struct span target)
{
    target = span_first(target, span_find_byte(target, '#'));
    if (target.len == 0 || target.at[0] == '/')
        return target;
    size_t colon = span_find(target, SPAN("://"));
    size_t end = span_find_byte(target, '?');
    if (colon == SPAN_NONE || (end != SPAN_NONE && end < colon))
        return target;
    struct span rest = span_from(target, colon + 3);
    for (size_t i = 0; i < rest.len; i++)
        if (rest.at[i] == '/' || rest.at[i] == '?')
            return span_from(rest, i);
    return SPAN("/");
}

/* Both slashes count, as in ModSecurity. */
static struct span path_basename(struct span path)
{
    size_t start = path.len;
    while (start > 0 && path.at[start - 1] != '/' && path.at[start - 1] != '\\')
        start--;
    return span_from(path, start);
}

/* %xx only; broken escapes stay. */
static struct span percent_decoded(struct span text, struct arena *arena)
{
    if (span_find_byte(text, '%') == SPAN_NONE)
        return text;
    unsigned char *to = (unsigned char *)arena_text(arena, text.len);
    if (to == NULL)
        return (struct span){NULL, 0};
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len ? byte_hex(text.at[i + 1]) : -1;
        int low = i + 2 < text.len ? byte_hex(text.at[i + 2]) : -1;
        bool escape = text.at[i] == '%' && high >= 0 && low >= 0;
        to[len++] = (unsigned char)(escape ? high * 16 + low : text.at[i]);
        i += escape ? 2 : 0;
    }
    arena_trim(arena, (const char *)to, len);
    return span_make((const char *)to, len);
}

struct span request_path(struct inspection *tx)
{
    struct request_view *view = &tx->request;
    if (tx->phase <= PHASE_REQUEST_HEADERS)
        return view->path;
    if (view->decoded_path.at == NULL)
        view->decoded_path = percent_decoded(view->path, tx->arena);
    return view->decoded_path;
}

struct span request_basename(struct inspection *tx)
{
    return path_basename(request_path(tx));
}

static struct span host_without_port(struct span host)
{
    if (host.at == NULL)
        return host;
    size_t bracket = span_find_last_byte(host, ']');
    size_t colon = span_find_last_byte(host, ':');
    if (colon == SPAN_NONE || (bracket != SPAN_NONE && colon < bracket))
        return host;
    return span_first(host, colon);
}

void request_view_set(struct inspection *tx, const struct inspection_request *request)
{
    struct request_view *view = &tx->request;
    *view = (struct request_view){.given = *request};
    view->uri = target_uri(request->target);
    view->query = view->uri;
    view->path = span_cut(&view->query, '?');
    view->host =
        host_without_port(field_value(request->fields, request->field_count, SPAN("Host")));
    struct span authorization =
        field_value(request->fields, request->field_count, SPAN("Authorization"));
    view->authorization_scheme = span_cut(&authorization, ' ');
}
