/* SPDX-License-Identifier: Apache-2.0 */
/* Names that somebody has given, secrets that are known by them, and where those bytes stand. */
#include "exporters/cleaning.h"

#include "exporters/mask.h"

/* ---- names ---- */

static bool is_arguments(struct span collection)
{
    return span_is_nocase(collection, SPAN("ARGS")) ||
           span_is_nocase(collection, SPAN("ARGS_GET")) ||
           span_is_nocase(collection, SPAN("ARGS_POST"));
}

bool cleaning_names(const struct cleaning *c, struct span collection, struct span name)
{
    for (size_t i = 0; i < c->name_count; i++) {
        struct span key = c->named[i].name;
        struct span of = span_cut(&key, ':');
        bool same =
            span_is_nocase(of, collection) || (is_arguments(of) && is_arguments(collection));
        if (same && span_is_nocase(key, name))
            return true;
    }
    return false;
}

bool cleaning_names_any(const struct cleaning *c, struct span collection)
{
    for (size_t i = 0; i < c->name_count; i++) {
        struct span key = c->named[i].name;
        if (span_is_nocase(span_cut(&key, ':'), collection))
            return true;
    }
    return false;
}

bool cleaning_names_arguments(const struct cleaning *c)
{
    return cleaning_names_any(c, SPAN("ARGS")) || cleaning_names_any(c, SPAN("ARGS_GET")) ||
           cleaning_names_any(c, SPAN("ARGS_POST"));
}

/* ---- secrets ---- */

void cleaning_keep(struct cleaning *c, struct span value)
{
    if (value.len < SECRET_SHORTEST)
        return;
    for (size_t i = 0; i < c->secret_count; i++)
        if (span_is(c->secrets[i], value))
            return;
    if (c->secret_count < SECRETS_MOST)
        c->secrets[c->secret_count++] = value;
    else
        c->is_blind = true;
    if (value.len < c->shortest)
        c->shortest = value.len;
}

struct span cleaning_decoded(struct cleaning *c, struct span text)
{
    size_t len = 0;
    if (span_find_byte(text, '%') == SPAN_NONE && span_find_byte(text, '+') == SPAN_NONE)
        return text;
    buf_clear(&c->scratch);
    char *to = buf_room(&c->scratch, text.len);
    if (to == NULL) {
        c->is_blind = true;
        return text;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool escape = text.at[i] == '%' && i + 2 < text.len && byte_hex(text.at[i + 1]) >= 0 &&
                      byte_hex(text.at[i + 2]) >= 0;
        if (escape) {
            to[len++] = (char)(byte_hex(text.at[i + 1]) * 16 + byte_hex(text.at[i + 2]));
            i += 2;
        } else {
            to[len] = text.at[i];
            if (to[len] == '+')
                to[len] = ' ';
            len++;
        }
    }
    return span_make(to, len);
}

void cleaning_keep_value(struct cleaning *c, struct span value)
{
    struct span plain = cleaning_decoded(c, value);
    cleaning_keep(c, value);
    if (plain.at == value.at)
        return;
    struct span kept = arena_copy(c->arena, plain);
    c->is_blind |= kept.len < plain.len;
    cleaning_keep(c, kept);
}

struct span cleaning_bare_cookie(struct span *field)
{
    while (field->at != NULL) {
        struct span cookie = span_cut(field, ';');
        while (cookie.len > 0 && (cookie.at[0] == ' ' || cookie.at[0] == '\t'))
            cookie = span_from(cookie, 1);
        if (cookie.len > 0 && span_find_byte(cookie, '=') == SPAN_NONE)
            return cookie;
    }
    return SPAN("");
}

struct span cleaning_finish(struct cleaning *c, struct buf *text)
{
    struct span made = buf_is_full(text) ? SPAN(MASK) : arena_copy(c->arena, buf_span(text));
    buf_fini(text);
    return made;
}

bool cleaning_holds(struct cleaning *c, struct span value)
{
    if (value.len < c->shortest)
        return false;
    struct span plain = cleaning_decoded(c, value);
    for (size_t i = 0; i < c->secret_count; i++)
        if (span_find_nocase(plain, c->secrets[i]) != SPAN_NONE)
            return true;
    return false;
}

/* ---- what reads as a secret ---- */

bool cleaning_mask(struct cleaning *c, struct span *text)
{
    struct buf to;
    if (!text_may_have_secrets(*text))
        return false;
    buf_init(&to, CLEANED_BYTES);
    text_mask_secrets(&to, *text);
    *text = cleaning_finish(c, &to);
    return true;
}

/* ---- wherever else they are ---- */

static struct span without_one(struct cleaning *c, struct span text, struct span secret)
{
    struct buf to;
    buf_init(&to, CLEANED_BYTES);
    for (;;) {
        size_t at = span_find_nocase(text, secret);
        buf_add(&to, span_first(text, at));
        if (at == SPAN_NONE)
            return cleaning_finish(c, &to);
        buf_add(&to, SPAN(MASK));
        text = span_from(text, at + secret.len);
    }
}

bool cleaning_hide(struct cleaning *c, struct span *text)
{
    bool any = false;
    if (c->is_blind && text->len > 0) {
        *text = SPAN(MASK);
        return true;
    }
    if (text->len < c->shortest)
        return false;
    for (size_t i = 0; i < c->secret_count; i++) {
        if (span_find_nocase(*text, c->secrets[i]) == SPAN_NONE)
            continue;
        *text = without_one(c, *text, c->secrets[i]);
        any = true;
    }
    return any;
}

void cleaning_hide_one(struct cleaning *c, struct span *text, struct span secret)
{
    if (secret.len >= SECRET_SHORTEST && span_find_nocase(*text, secret) != SPAN_NONE)
        *text = without_one(c, *text, secret);
}
