/* SPDX-License-Identifier: Apache-2.0 */
/* The request target taken apart, RFC 9112 3.2, and what may stand in Host. */
#include "sidecar/http/target.h"

#include "rules/base/number.h"
#include "sidecar/http/bytes.h"
#include "sidecar/http/forwarded.h"

static bool bytes_are(struct span text, enum http_byte classes)
{
    for (size_t i = 0; i < text.len; i++)
        if (!http_byte_is(text.at[i], classes))
            return false;
    return true;
}

static bool port_is_valid(struct span port)
{
    uint64_t number;
    return port.len <= 5 && number_parse(port, &number) && number <= 65535;
}

/* "[2001:db8::1]": no zone, and none of the future forms that nobody speaks. */
static bool literal_is_valid(struct span literal)
{
    struct ip ip;
    struct span inside = span_make(literal.at + 1, literal.len - 2);
    return span_find_byte(inside, ':') != SPAN_NONE && ip_parse(inside, &ip);
}

/* Cuts the port off; port->at == NULL: there is none. */
static struct span split_port(struct span authority, struct span *port)
{
    size_t bracket = span_find_last_byte(authority, ']');
    size_t colon = span_find_last_byte(authority, ':');
    *port = span_make(NULL, 0);
    if (colon == SPAN_NONE || (bracket != SPAN_NONE && colon < bracket))
        return authority;
    *port = span_from(authority, colon + 1);
    return span_first(authority, colon);
}

/* Escapes are allowed by RFC 3986 in a name, but no name in use has them and servers differ in
 * whether they decode them ("localhost%00"): refused. */
static bool host_is_valid(struct span host)
{
    if (host.len == 0)
        return false;
    if (host.at[0] == '[')
        return host.len > 2 && host.at[host.len - 1] == ']' && literal_is_valid(host);
    return bytes_are(host, HTTP_HOST);
}

bool authority_is_valid(struct span authority)
{
    if (authority.len == 0)
        return true;
    struct span port;
    struct span host = split_port(authority, &port);
    return host_is_valid(host) && (port.at == NULL || port_is_valid(port));
}

static void split_query(struct target *target, struct span text)
{
    target->path = span_cut(&text, '?');
    target->query = text;
}

/* The length of "scheme" in "scheme://", or 0. RFC 3986 3.1. */
static size_t scheme_length(struct span text)
{
    if (text.len == 0 || !byte_is_alpha(text.at[0]))
        return 0;
    size_t i = 1;
    while (i < text.len && (byte_is_alpha(text.at[i]) || byte_is_digit(text.at[i]) ||
                            text.at[i] == '+' || text.at[i] == '-' || text.at[i] == '.'))
        i++;
    return span_starts(span_from(text, i), SPAN("://")) ? i : 0;
}

static bool split_absolute(struct target *target, struct span text)
{
    size_t scheme = scheme_length(text);
    if (scheme == 0)
        return false;
    target->scheme = span_first(text, scheme);
    if (!span_is_nocase(target->scheme, SPAN("http")) &&
        !span_is_nocase(target->scheme, SPAN("https")))
        return false;
    struct span rest = span_from(text, scheme + 3);
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    target->authority = span_first(rest, end);
    split_query(target, span_from(rest, end));
    if (target->path.len == 0)
        target->path = SPAN("/");
    target->form = TARGET_ABSOLUTE;
    return target->authority.len > 0 && authority_is_valid(target->authority);
}

/* CONNECT's: host and port, both. */
static bool split_authority(struct target *target, struct span text)
{
    struct span port;
    split_port(text, &port);
    target->form = TARGET_AUTHORITY;
    target->authority = text;
    return port.at != NULL && authority_is_valid(text);
}

static bool split(struct target *target, struct span text, struct span method)
{
    if (text.len == 0 || !bytes_are(text, HTTP_TARGET))
        return false;
    if (span_is(method, SPAN("CONNECT")))
        return split_authority(target, text);
    if (span_is(text, SPAN("*"))) {
        target->form = TARGET_ASTERISK;
        target->path = text;
        return span_is(method, SPAN("OPTIONS"));
    }
    if (text.at[0] != '/')
        return split_absolute(target, text);
    target->form = TARGET_ORIGIN;
    split_query(target, text);
    return true;
}

struct target target_split(struct span text, struct span method)
{
    struct target target = {.form = TARGET_WRONG};
    if (!split(&target, text, method))
        return (struct target){.form = TARGET_WRONG};
    return target;
}
