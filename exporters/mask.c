/* SPDX-License-Identifier: Apache-2.0 */
/* Which names announce a secret is a table; how a name is written (case, percent-encoding) does not
 * save it from being recognised. */
#include "exporters/mask.h"

enum { NAME_LONGEST = 64 }; /* longer names are no secrets of the table */

static const struct secret {
    struct span name;
    bool prefix; /* and whatever follows it */
} secrets[] = {
    {SPAN_INIT("access_token"), false},
    {SPAN_INIT("refresh_token"), false},
    {SPAN_INIT("id_token"), false},
    {SPAN_INIT("token"), false},
    {SPAN_INIT("password"), false},
    {SPAN_INIT("passwd"), false},
    {SPAN_INIT("secret"), false},
    {SPAN_INIT("client_secret"), false},
    {SPAN_INIT("api_key"), false},
    {SPAN_INIT("apikey"), false},
    {SPAN_INIT("api-key"), false},
    {SPAN_INIT("x-api-key"), false},
    {SPAN_INIT("key"), false},
    {SPAN_INIT("signature"), false},
    {SPAN_INIT("sig"), false},
    {SPAN_INIT("authorization"), false},
    {SPAN_INIT("awsaccesskeyid"), false},
    {SPAN_INIT("x-amz-"), true},
    {SPAN_INIT("x-goog-signature"), false},
};

static bool is_in_table(struct span name)
{
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        const struct secret *secret = &secrets[i];
        if (name.len < secret->name.len || (name.len > secret->name.len && !secret->prefix))
            continue;
        if (span_starts_nocase(name, secret->name))
            return true;
    }
    return false;
}

/* `to` has NAME_LONGEST bytes; longer names are cut, which makes them no names of the table. */
static struct span percent_decode(struct span text, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len && len < NAME_LONGEST; i++) {
        char byte = text.at[i];
        if (byte == '%' && text.len - i > 2) {
            int high = byte_hex(text.at[i + 1]), low = byte_hex(text.at[i + 2]);
            if (high >= 0 && low >= 0) {
                byte = (char)(high << 4 | low);
                i += 2;
            }
        }
        to[len++] = byte;
    }
    return span_make(to, len);
}

bool name_is_secret(struct span name)
{
    char decoded[NAME_LONGEST];
    if (span_find_byte(name, '%') != SPAN_NONE)
        name = percent_decode(name, decoded);
    return is_in_table(name);
}

bool field_is_secret(struct span name)
{
    static const struct span whole[] = {
        SPAN_INIT("authorization"), SPAN_INIT("proxy-authorization"), SPAN_INIT("cookie"),
        SPAN_INIT("set-cookie"), SPAN_INIT("x-forwarded-authorization")};
    static const struct span ends[] = {SPAN_INIT("api-key"), SPAN_INIT("apikey"),
                                       SPAN_INIT("token"),   SPAN_INIT("secret"),
                                       SPAN_INIT("passwd"),  SPAN_INIT("password")};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (span_is_nocase(name, whole[i]))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (span_ends_nocase(name, ends[i]))
            return true;
    return false;
}

/* Up to the next separator, which stays in front of the rest. */
static struct span parameter_cut(struct span *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != '&' && rest->at[len] != ';')
        len++;
    struct span parameter = span_first(*rest, len);
    *rest = span_from(*rest, len);
    return parameter;
}

static bool has_secrets(struct span query)
{
    while (query.len > 0) {
        struct span parameter = parameter_cut(&query);
        size_t equals = span_find_byte(parameter, '=');
        if (equals != SPAN_NONE && name_is_secret(span_first(parameter, equals)))
            return true;
        query = span_from(query, 1);
    }
    return false;
}

struct span query_masked(struct span query, struct buf *scratch)
{
    if (span_find_byte(query, '=') == SPAN_NONE || !has_secrets(query))
        return query;
    size_t start = scratch->len;
    while (query.len > 0) {
        struct span parameter = parameter_cut(&query);
        size_t equals = span_find_byte(parameter, '=');
        bool secret = equals != SPAN_NONE && name_is_secret(span_first(parameter, equals));
        buf_add(scratch, secret ? span_first(parameter, equals + 1) : parameter);
        if (secret)
            buf_add(scratch, SPAN(MASK));
        buf_add(scratch, span_first(query, 1));
        query = span_from(query, 1);
    }
    if (buf_is_full(scratch)) /* rather nothing than a secret */
        return SPAN("");
    return span_from(buf_span(scratch), start);
}
