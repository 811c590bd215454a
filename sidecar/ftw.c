/* SPDX-License-Identifier: Apache-2.0 */
/* A stage's input, completed and written out. */
#include "sidecar/ftw.h"

#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/match/transformation.h"

enum { REQUEST_BYTES = 16 << 20 };
#define FORM SPAN("application/x-www-form-urlencoded")

struct span ftw_text(const struct node *map, struct span key, struct span otherwise)
{
    const struct node *node = map == NULL ? NULL : tree_find(map, key);
    return node != NULL && node->kind == NODE_SCALAR ? node->text : otherwise;
}

/* ---- data ---- */

static void skip_spaces(struct span *rest)
{
    while (rest->len > 0 && rest->at[0] == ' ')
        *rest = span_from(*rest, 1);
}

static bool take_word(struct span *rest, struct span word)
{
    skip_spaces(rest);
    if (!span_starts(*rest, word))
        return false;
    *rest = span_from(*rest, word.len);
    return true;
}

/* {{ "text" | repeat N }}, the one template that tests use. False: it is none, and stays. */
static bool take_template(struct span *rest, struct buf *to)
{
    struct span at = *rest;
    uint64_t times;
    if (!take_word(&at, SPAN("{{")) || !take_word(&at, SPAN("\"")))
        return false;
    struct span text = span_cut(&at, '"');
    if (at.at == NULL || !take_word(&at, SPAN("|")) || !take_word(&at, SPAN("repeat")))
        return false;
    skip_spaces(&at);
    size_t digits = 0;
    while (digits < at.len && byte_is_digit(at.at[digits]))
        digits++;
    struct span number = span_first(at, digits);
    at = span_from(at, digits);
    if (!number_parse(number, &times) || !take_word(&at, SPAN("}}")))
        return false;
    for (uint64_t i = 0; i < times && !buf_is_full(to); i++)
        buf_add(to, text);
    *rest = at;
    return true;
}

static void expand_templates(struct span text, struct buf *to)
{
    while (text.len > 0) {
        if (text.at[0] == '{' && take_template(&text, to))
            continue;
        buf_add_byte(to, text.at[0]);
        text = span_from(text, 1);
    }
}

static void add_escaped(struct span text, struct buf *to)
{
    for (bool first = true; text.at != NULL; first = false) {
        struct span word = span_cut(&text, ' ');
        if (!first)
            buf_add_byte(to, '+');
        percent_add(to, word, "");
    }
}

/* Names and values are escaped, but only where nothing is escaped yet. */
static void encode_form(struct span data, struct buf *to)
{
    if (span_find_byte(data, '%') != SPAN_NONE || span_find_byte(data, '+') != SPAN_NONE) {
        buf_add(to, data);
        return;
    }
    for (bool first = true; data.len > 0; first = false) {
        struct span value = span_cut(&data, '&');
        struct span name = span_cut(&value, '=');
        if (!first)
            buf_add_byte(to, '&');
        add_escaped(name, to);
        if (value.at != NULL) {
            buf_add_byte(to, '=');
            add_escaped(value, to);
        }
    }
}

static void encode_lines(struct span data, struct buf *to)
{
    for (size_t i = 0; i < data.len; i++) {
        if (data.at[i] == '\n')
            buf_add_byte(to, '\r');
        buf_add_byte(to, data.at[i]);
    }
}

/* ---- the head ---- */

/* After go-ftw: these get a Content-Length even without data. */
static bool method_has_body(struct span method)
{
    return span_starts(method, SPAN("POST")) || span_find(method, SPAN("PUT")) != SPAN_NONE ||
           span_find(method, SPAN("PATCH")) != SPAN_NONE || span_ends(method, SPAN("DELETE"));
}

static struct span header(const struct node *headers, struct span name)
{
    const struct node *node = headers != NULL ? headers->first : NULL;
    while (node != NULL && !span_is_nocase(node->key, name))
        node = node->next;
    return node != NULL ? node->text : (struct span){NULL, 0};
}

/* The next one by name; NULL: `last` was the last. */
static const struct node *header_after(const struct node *headers, const struct node *last)
{
    const struct node *next = NULL;
    for (const struct node *n = headers->first; n != NULL; n = n->next)
        if ((last == NULL || span_compare(n->key, last->key) > 0) &&
            (next == NULL || span_compare(n->key, next->key) < 0))
            next = n;
    return next;
}

static void add_headers(const struct node *headers, struct buf *to)
{
    const struct node *node = NULL;
    while (headers != NULL && (node = header_after(headers, node)) != NULL)
        buf_format(to, SPAN_FORMAT ": " SPAN_FORMAT "\r\n", span_arg(node->key),
                   span_arg(node->text));
}

struct completion {
    const struct node *headers; /* NULL: none */
    struct span method, type;   /* type.at NULL: none is sent */
    bool complete, adds_type;
};

static void add_completed(const struct completion *c, size_t data_len, struct buf *to)
{
    if (c->adds_type)
        buf_format(to, "Content-Type: " SPAN_FORMAT "\r\n", span_arg(FORM));
    if (!c->complete)
        return;
    if (header(c->headers, SPAN("connection")).at == NULL)
        buf_add(to, SPAN("Connection: close\r\n"));
    if (header(c->headers, SPAN("content-length")).at == NULL &&
        (data_len > 0 || method_has_body(c->method)))
        buf_format(to, "Content-Length: %zu\r\n", data_len);
}

/* The data as it is sent. */
static void write_data(const struct completion *c, struct span given, struct buf *to)
{
    struct buf expanded;
    buf_init(&expanded, REQUEST_BYTES);
    expand_templates(given, &expanded);
    struct span data = buf_span(&expanded);
    if (c->complete && data.len > 0 && span_is_nocase(c->type, FORM))
        encode_form(data, to);
    else if (span_find_nocase(c->type, SPAN("multipart/form-data;")) != SPAN_NONE)
        encode_lines(data, to);
    else
        buf_add(to, data);
    buf_fini(&expanded);
}

/* It may stand on several lines. */
static struct span decode(struct span text, struct arena *arena)
{
    return transformation_find(SPAN("base64DecodeExt"))->apply(text, arena);
}

struct span ftw_request(const struct node *input, struct arena *arena)
{
    struct span encoded = ftw_text(input, SPAN("encoded_request"), SPAN(""));
    if (encoded.len > 0)
        return decode(encoded, arena);
    struct span given = ftw_text(input, SPAN("data"), SPAN(""));
    struct completion c = {
        .headers = tree_find(input, SPAN("headers")),
        .method = ftw_text(input, SPAN("method"), SPAN("GET")),
        .complete =
            !span_is(ftw_text(input, SPAN("autocomplete_headers"), SPAN("true")), SPAN("false")),
    };
    c.type = header(c.headers, SPAN("content-type"));
    c.adds_type = c.complete && given.len > 0 && c.type.at == NULL;
    if (c.adds_type)
        c.type = FORM;
    struct buf data, to;
    buf_init(&data, REQUEST_BYTES);
    buf_init(&to, 2 * (size_t)REQUEST_BYTES);
    write_data(&c, given, &data);
    buf_format(&to, SPAN_FORMAT " ", span_arg(c.method));
    buf_add(&to, ftw_text(input, SPAN("uri"), SPAN("/")));
    buf_format(&to, " " SPAN_FORMAT "\r\n",
               span_arg(ftw_text(input, SPAN("version"), SPAN("HTTP/1.1"))));
    add_headers(c.headers, &to);
    add_completed(&c, data.len, &to);
    buf_add(&to, SPAN("\r\n"));
    buf_add(&to, buf_span(&data));
    bool fits = !buf_is_full(&to) && !buf_is_full(&data);
    struct span request = fits ? arena_copy(arena, buf_span(&to)) : (struct span){NULL, 0};
    buf_fini(&data);
    buf_fini(&to);
    return request;
}
