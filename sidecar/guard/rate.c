/* SPDX-License-Identifier: Apache-2.0 */
/* Keys are hashed part by part, so that no value is copied and two parts never run together. */
#include "sidecar/guard/rate.h"

#include <string.h>

#include "rules/base/buf.h"
#include "rules/base/encode.h"

enum { NAME_BYTES = 256, TEXT_BYTES = 512, DECODED_MOST = 8192 };

static const struct {
    const char *word;
    bool has_name;
} words[RATE_PART_KINDS] = {
#define RATE_PART(id, word, has_name, sentence) {word, has_name},
#include "sidecar/guard/rate_parts.tbl"
#undef RATE_PART
};

const char *rate_part_word(enum rate_part_kind kind, bool *has_name)
{
    *has_name = words[kind].has_name;
    return words[kind].word;
}

bool rate_part_parse(struct span text, struct rate_part *out)
{
    for (unsigned i = 0; i < RATE_PART_KINDS; i++) {
        struct span word = span_text(words[i].word);
        bool fits = words[i].has_name ? text.len > word.len && span_starts(text, word)
                                      : span_is(text, word);
        if (!fits)
            continue;
        *out = (struct rate_part){(enum rate_part_kind)i, span_from(text, word.len)};
        return true;
    }
    return false;
}

/* ---- a part's value; at == NULL: the request lacks it ---- */

/* As a form is decoded, into `to`: an escape would else be a way to a key of one's own. Longer
 * values count by their beginning. */
static struct span decode(struct span text, char to[DECODED_MOST])
{
    size_t len = 0;
    percent_read(text, true, to, DECODED_MOST, &len);
    return span_make(to, len);
}

static struct span argument_of(struct span query, struct span name, char to[DECODED_MOST])
{
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        struct span own = span_cut(&value, '=');
        if (span_is(decode(own, to), name))
            return decode(value, to);
    }
    return span_make(NULL, 0);
}

static struct span lower(struct span text, char to[DECODED_MOST])
{
    size_t len = text.len < DECODED_MOST ? text.len : DECODED_MOST;
    for (size_t i = 0; i < len; i++)
        to[i] = byte_lower(text.at[i]);
    return span_make(to, len);
}

static struct span network_of(const struct asked *asked, unsigned ipv6_prefix, char *to)
{
    if (!asked->has_address)
        return span_make(NULL, 0);
    struct ip network = asked->address;
    unsigned bits = ip_is_v4(&network) ? IP_BYTES * 8 : ipv6_prefix;
    for (unsigned i = 0; i < IP_BYTES; i++) {
        unsigned kept = bits > i * 8 ? bits - i * 8 : 0;
        network.at[i] &= (uint8_t)(kept >= 8 ? 0xff : 0xff00u >> kept);
    }
    memcpy(to, network.at, IP_BYTES);
    return span_make(to, IP_BYTES);
}

static struct span claim_of(const struct asked *asked, struct span name)
{
    for (size_t i = 0; i < asked->claim_count; i++)
        if (span_is(asked->claims[i].name, name))
            return asked->claims[i].value;
    return span_make(NULL, 0);
}

static struct span value_of(const struct rate_settings *rate, const struct rate_part *part,
                            const struct asked *asked, char to[DECODED_MOST])
{
    struct span none = {NULL, 0};
    switch (part->kind) {
    case RATE_BY_CLIENT_ADDRESS: return network_of(asked, rate->ipv6_prefix, to);
    case RATE_BY_HEADER: return fields_get(asked->fields, part->name);
    case RATE_BY_COOKIE: return fields_cookie(asked->fields, part->name);
    case RATE_BY_QUERY: return argument_of(asked->query, part->name, to);
    case RATE_BY_PATH: return asked->path;
    case RATE_BY_METHOD: return asked->method;
    case RATE_BY_HOST: return asked->host.len > 0 ? lower(asked->host, to) : none;
    case RATE_BY_CLAIM: return claim_of(asked, part->name);
    case RATE_BY_ROUTE: return asked->route.len > 0 ? asked->route : none;
    case RATE_PART_KINDS: break;
    }
    return none;
}

/* ---- the key ---- */

static bool key_of(const struct rate_settings *rate, const struct asked *asked,
                   struct rate_key *key)
{
    struct rate_key parts[RATE_PARTS_MOST];
    char text[DECODED_MOST];
    for (size_t i = 0; i < rate->part_count; i++) {
        struct span value = value_of(rate, &rate->parts[i], asked, text);
        if (value.at == NULL)
            return false;
        parts[i] = rate_key_of(value);
    }
    *key = rate_key_join(parts, rate->part_count);
    return true;
}

enum rate_answer rate_ask(const struct rate_settings *rate, const struct asked *asked,
                          struct rate_verdict *verdict)
{
    struct rate_key key;
    if (asked->rates == NULL || !key_of(rate, asked, &key))
        return RATE_NO_KEY;
    *verdict = rates_ask(asked->rates[rate->store], &key, asked->now_us);
    return verdict->passes ? RATE_PASSES : RATE_OVER;
}

enum rate_answer rate_ask_by(const struct rate_settings *rate, struct rates *const *rates,
                             struct span by, uint64_t now_us, struct rate_verdict *verdict)
{
    if (rates == NULL)
        return RATE_NO_KEY;
    struct rate_key key = rate_key_of(by);
    *verdict = rates_ask(rates[rate->store], &key, now_us);
    return verdict->passes ? RATE_PASSES : RATE_OVER;
}

/* ---- what the client is told ---- */

/* An sf-string: RFC 9651 3.3.3; what may not stand in one is an underscore. */
static void add_name(struct buf *to, struct span name)
{
    name = span_first(name, NAME_BYTES / 2);
    buf_add_byte(to, '"');
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (c == '"' || c == '\\')
            buf_add_byte(to, '\\');
        buf_add(to, c >= ' ' && c <= '~' ? span_make(&c, 1) : SPAN("_"));
    }
    buf_add_byte(to, '"');
}

static unsigned seconds(uint64_t us)
{
    return (unsigned)((us + 999999) / 1000000);
}

struct rate_told rate_tell(const struct rate_settings *rate, uint64_t retry_us, struct arena *arena)
{
    struct rate_told told = {.retry_after_s = seconds(retry_us)};
    struct buf name;
    buf_init(&name, TEXT_BYTES);
    add_name(&name, rate->name);
    struct span quoted = buf_span(&name);
    told.fields[0] = (struct pair){SPAN("RateLimit-Policy"),
                                   arena_format(arena, SPAN_FORMAT ";q=%u;w=%u", span_arg(quoted),
                                                rate->how.limit, seconds(rate->how.window_us))};
    told.fields[1] =
        (struct pair){SPAN("RateLimit"), arena_format(arena, SPAN_FORMAT ";r=0;t=%u",
                                                      span_arg(quoted), told.retry_after_s)};
    buf_fini(&name);
    return told;
}
