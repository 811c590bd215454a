/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options that say where requests and exports go: targets of upstreams, URLs. */
#include "exporters/mask.h"
#include "sidecar/config/values.h"
#include "sidecar/guard/discovery.h"
#include "sidecar/http/target.h"

/* "http://127.0.0.1:3000", "http://unix:/path", "unix:/path" without what stands before the
 * authority; at == NULL, and said, where it is something else. */
static struct span target_authority(const struct value *value, const struct node *item)
{
    struct span text = item->text;
    if (span_starts_nocase(text, SPAN("https://")))
        return span_from(text, sizeof "https://" - 1);
    if (span_starts(text, SPAN("unix:")))
        return text;
    else if (span_starts_nocase(text, SPAN("http://")))
        return span_from(text, sizeof "http://" - 1);
    else
        value_refuse(value, item, "http://127.0.0.1:3000 or unix:/run/app.sock",
                     "expected http://host:port, https://host:port or unix:/path");
    return span_make(NULL, 0);
}

/* The authority with a port, without an empty path. */
static struct span target_normal(const struct value *value, const struct node *item)
{
    struct span text = target_authority(value, item);
    if (text.at == NULL || span_starts(text, SPAN("unix:")))
        return text;
    size_t slash = span_find_byte(text, '/');
    if (slash != SPAN_NONE && slash + 1 < text.len) {
        value_refuse(value, item, "requests keep their path", "a target has no path");
        return span_make(NULL, 0);
    }
    text = span_first(text, slash);
    size_t colon = span_find_last_byte(text, ':'), bracket = span_find_byte(text, ']');
    bool has_port = colon != SPAN_NONE && (bracket == SPAN_NONE || colon > bracket);
    const char *port = span_starts_nocase(item->text, SPAN("https://")) ? "443" : "80";
    return has_port ? text
                    : arena_format(value->reading->arena, SPAN_FORMAT ":%s", span_arg(text), port);
}

static void target_read(const struct value *value, const struct node *item, struct span *target,
                        struct address *address)
{
    struct value one = {value->reading, value->option, item, value->base};
    if (item->kind != NODE_SCALAR || item->text.len == 0) {
        value_refuse_unfit(&one);
        return;
    }
    struct span text = target_normal(value, item);
    if (text.at == NULL)
        return;
    const char *wrong = address_parse(text, address) ? NULL : address_wrong(text);
    if (wrong == NULL && !span_starts(text, SPAN("unix:")) && address_port(address) == 0)
        wrong = "the port is out of range: expected 1 to 65535";
    if (wrong != NULL)
        value_refuse(value, item, "", wrong);
    else
        *target = value_keep(value, text);
}

static enum value_result targets_read(const struct value *value)
{
    struct upstream_settings *upstream = value->base;
    size_t count = value->node->count;
    if (count == 0)
        return VALUE_UNFIT;
    struct span *targets = arena_alloc(value->reading->arena, count * sizeof *targets);
    struct address *addresses = arena_alloc(value->reading->arena, count * sizeof *addresses);
    if (targets == NULL || addresses == NULL)
        return VALUE_TAKEN; /* a full arena is said at the end */
    size_t i = 0;
    for (const struct node *item = value->node->first; item != NULL; item = item->next, i++) {
        bool tls = span_starts_nocase(item->text, SPAN("https://"));
        if (i > 0 && tls != upstream->tls.on)
            value_refuse(value, item, "two upstreams, or the same for all",
                         "some targets are https:// and some are not");
        upstream->tls.on = tls;
        target_read(value, item, &targets[i], &addresses[i]);
    }
    upstream->targets = targets;
    upstream->addresses = addresses;
    upstream->target_count = count;
    return VALUE_TAKEN;
}

static bool targets_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    const struct upstream_settings *upstream = base;
    if (i >= upstream->target_count)
        return false;
    bool is_unix = span_starts(upstream->targets[i], SPAN("unix:"));
    return buf_format(to, "\"%s" SPAN_FORMAT "\"",
                      is_unix            ? ""
                      : upstream->tls.on ? "https://"
                                         : "http://",
                      span_arg(upstream->targets[i]));
}

const struct option_type type_targets = {
    .name = "list of URLs",
    .expected = "a list of http://host:port, https://host:port and unix:/path with at least one",
    .is_list = true,
    .read = targets_read,
    .print = targets_print};

/* ---- URLs ---- */

enum { URL_BYTES = 64 << 10 };

/* Of what stands behind the scheme; true: and it was said, without what may be a secret. */
static bool refuse_port(const struct value *value, struct span rest)
{
    struct span authority = span_first(rest, strcspn(rest.at, "/?#"));
    size_t user = span_find_last_byte(authority, '@');
    authority = user != SPAN_NONE ? span_from(authority, user + 1) : authority;
    size_t colon = span_find_last_byte(authority, ':');
    bool wrong = !authority_is_valid(authority) && colon != SPAN_NONE && colon > 0 &&
                 authority_is_valid(span_first(authority, colon));
    if (wrong)
        fault_add(value->reading->faults, FAULT_ERROR, value->node->place, SPAN(""),
                  "%s: the port is out of range: expected 1 to 65535", value->option->path);
    return wrong;
}

static enum value_result url_read(const struct value *value)
{
    struct span text = value->node->text;
    struct span rest = span_starts(text, SPAN("http://"))    ? span_from(text, 7)
                       : span_starts(text, SPAN("https://")) ? span_from(text, 8)
                                                             : span_make(NULL, 0);
    if (rest.len == 0 || rest.at[0] == '/' || strcspn(rest.at, " \t\r\n") < rest.len)
        return VALUE_UNFIT;
    if (refuse_port(value, rest))
        return VALUE_SAID;
    *(struct span *)value_at(value) = value_keep(value, text);
    return VALUE_TAKEN;
}

/* The URL without its user, and with the secrets of its path and query masked: by name or by how
 * they read. */
static void url_show(struct span url, struct buf *to)
{
    size_t start = span_find(url, SPAN("://")) + 3;
    struct span rest = span_from(url, start);
    size_t at = span_find_last_byte(span_first(rest, strcspn(rest.at, "/?#")), '@');
    struct buf scratch;
    buf_init(&scratch, URL_BYTES);
    buf_add(to, span_first(url, start));
    if (at != SPAN_NONE) {
        buf_add(to, SPAN("********"));
        rest = span_from(rest, at);
    }
    buf_add(to, url_masked(rest, &scratch));
    buf_fini(&scratch);
}

bool url_is_shown_whole(struct span url)
{
    struct buf text;
    buf_init(&text, URL_BYTES);
    if (url.at != NULL)
        url_show(url, &text);
    bool is_whole = url.at == NULL || span_is(buf_span(&text), url);
    buf_fini(&text);
    return is_whole;
}

static bool url_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)i;
    struct span url = *(const struct span *)(const void *)((const char *)base + option->at);
    struct buf text;
    if (url.at == NULL)
        return false;
    buf_init(&text, URL_BYTES);
    url_show(url, &text);
    value_print_text(to, buf_span(&text));
    buf_fini(&text);
    return true;
}

/* Whom we ask ourselves: no user name, for secrets come by files. */
static enum value_result call_url_read(const struct value *value)
{
    size_t scheme = span_find(value->node->text, SPAN("://"));
    if (scheme != SPAN_NONE && refuse_port(value, span_from(value->node->text, scheme + 3)))
        return VALUE_SAID;
    if (!discovery_is_url(value->node->text))
        return VALUE_UNFIT;
    *(struct span *)value_at(value) = value_keep(value, value->node->text);
    return VALUE_TAKEN;
}

const struct option_type type_call_url = {.name = "URL",
                                          .expected = "http://host/path or https://host/path",
                                          .read = call_url_read,
                                          .print = url_print};

const struct option_type type_url = {.name = "URL",
                                     .expected = "http://host:port or https://host:port",
                                     .read = url_read,
                                     .print = url_print};
