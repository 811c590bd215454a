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
    {SPAN_INIT("code"), false}, /* OAuth's (RFC 6749 4.1.2) */
    {SPAN_INIT("assertion"), false},
    {SPAN_INIT("auth"), false},
    {SPAN_INIT("pwd"), false},
    {SPAN_INIT("passphrase"), false},
    {SPAN_INIT("otp"), false},
    {SPAN_INIT("jwt"), false},
    {SPAN_INIT("session"), false},
    {SPAN_INIT("sessionid"), false},
    {SPAN_INIT("session_id"), false},
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

/* user[password] and password[] are names of forms: the last that is one. */
static struct span innermost(struct span name)
{
    while (span_ends(name, SPAN("]"))) {
        size_t open = name.len - 1;
        while (open > 0 && name.at[open] != '[')
            open--;
        if (open + 2 < name.len)
            return span_make(name.at + open + 1, name.len - open - 2);
        if (name.at[open] != '[')
            break;
        name = span_first(name, open);
    }
    return name;
}

bool name_is_secret(struct span name)
{
    char decoded[NAME_LONGEST];
    if (span_find_byte(name, '%') != SPAN_NONE)
        name = percent_decode(name, decoded);
    return is_in_table(innermost(name));
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

struct span url_masked(struct span url, struct buf *scratch)
{
    size_t start = scratch->len, mark = span_find_byte(url, '?');
    if (mark == SPAN_NONE)
        return url;
    struct span query = span_from(url, mark + 1);
    buf_add(scratch, span_first(url, mark + 1));
    if (query_masked(query, scratch).at == query.at)
        return url;
    return buf_is_full(scratch) ? SPAN("") : span_from(buf_span(scratch), start);
}

/* ---- texts of any kind ---- */

static bool is_word(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || c == '_' || c == '-';
}

static size_t word_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && is_word(text.at[len]))
        len++;
    return len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Behind a name: `": "`, `=`, `>`; how long that is, and what ends the value. 0: there is none. */
static size_t separator_length(struct span text, char *end)
{
    size_t at = 0;
    bool escaped = at + 1 < text.len && text.at[at] == '\\';
    if (escaped)
        at++;
    if (at < text.len && (text.at[at] == '"' || text.at[at] == '\''))
        at++;
    while (at < text.len && is_blank(text.at[at]))
        at++;
    if (at == text.len || (text.at[at] != ':' && text.at[at] != '=' && text.at[at] != '>'))
        return 0;
    *end = text.at[at] == '>' ? '<' : '\0';
    at++;
    while (at < text.len && is_blank(text.at[at]))
        at++;
    bool escaped_value = *end == '\0' && at + 1 < text.len && text.at[at] == '\\';
    at += escaped_value;
    if (*end == '\0' && at < text.len && (text.at[at] == '"' || text.at[at] == '\''))
        *end = text.at[at++];
    if (escaped_value)
        *end = '\\'; /* JSON within JSON */
    return at;
}

static size_t value_length(struct span text, char end)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if ((end == '"' || end == '\'') && c == '\\') {
            i++; /* an escaped quote is part of it */
            continue;
        }
        bool ends = end != '\0' ? c == end
                                : is_blank(c) || c == '&' || c == ',' || c == ';' || c == '}' ||
                                      c == '\n' || c == '\r' || c == '<';
        if (ends)
            return i;
    }
    return text.len;
}

/* Is the word one by itself? */
static bool is_secret_word(struct span word, struct span behind)
{
    enum { KEY_ID = 20 };
    if (span_starts(word, SPAN("eyJ")) && behind.len > 1 && behind.at[0] == '.' &&
        is_word(behind.at[1]))
        return true;
    return word.len == KEY_ID &&
           (span_starts(word, SPAN("AKIA")) || span_starts(word, SPAN("ASIA")));
}

/* Of a token: its parts and what joins them. */
static size_t token_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && (is_word(text.at[len]) || text.at[len] == '.' || text.at[len] == '~' ||
                              text.at[len] == '+' || text.at[len] == '/' || text.at[len] == '='))
        len++;
    return len;
}

/* What stands from a word on; returns how much of the text that was. */
static size_t mask_word(struct buf *to, struct span text)
{
    char end;
    struct span word = span_first(text, word_length(text)), behind = span_from(text, word.len);
    if (is_secret_word(word, behind)) {
        buf_add(to, SPAN(MASK));
        return token_length(text);
    }
    if (span_is_nocase(word, SPAN("bearer")) && behind.len > 1 && behind.at[0] == ' ') {
        buf_add(to, span_first(text, word.len + 1));
        buf_add(to, SPAN(MASK));
        return word.len + 1 + token_length(span_from(behind, 1));
    }
    size_t separator =
        name_is_secret(word) || field_is_secret(word) ? separator_length(behind, &end) : 0;
    if (separator == 0) {
        buf_add(to, word);
        return word.len;
    }
    buf_add(to, span_first(text, word.len + separator));
    buf_add(to, SPAN(MASK));
    return word.len + separator + value_length(span_from(behind, separator), end);
}

void text_mask_secrets(struct buf *to, struct span text)
{
    const char *start = text.at;
    while (text.len > 0) {
        bool closes = text.at - start >= 2 && text.at[-1] == '/' && text.at[-2] == '<';
        size_t taken = 1;
        if (is_word(text.at[0]) && !closes) {
            taken = mask_word(to, text);
        } else { /* behind the name of an element that ends stands no value of it */
            taken = closes && is_word(text.at[0]) ? word_length(text) : 1;
            buf_add(to, span_first(text, taken));
        }
        text = span_from(text, taken);
    }
}
