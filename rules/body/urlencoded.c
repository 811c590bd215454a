/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded, as WHATWG URL 5.1 reads it: cut at the separator, then at the
 * first "="; empty pieces are skipped. Decoding is ModSecurity's: a "%" that no two hexadecimal
 * digits follow stays as it is, and is reported. */
#include "rules/body/parser.h"

/* Decodes in place; the text never becomes longer. */
static struct span decode(char *at, size_t len, bool *broken)
{
    size_t to = 0;
    for (size_t from = 0; from < len; from++) {
        char c = at[from];
        if (c == '%') {
            int high = from + 1 < len ? byte_hex(at[from + 1]) : -1;
            int low = from + 2 < len ? byte_hex(at[from + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (char)(high << 4 | low);
                from += 2;
            } else {
                *broken = true;
            }
        } else if (c == '+') {
            c = ' ';
        }
        at[to++] = c;
    }
    return span_make(at, to);
}

static struct pair decode_pair(char *at, size_t len, bool *broken)
{
    size_t equals = span_find_byte(span_make(at, len), '=');
    if (equals == SPAN_NONE)
        return (struct pair){decode(at, len, broken), {"", 0}};
    struct pair pair;
    pair.name = decode(at, equals, broken);
    pair.value = decode(at + equals + 1, len - equals - 1, broken);
    return pair;
}

/* The next piece that is not empty; moves *at behind it. False at the end. */
static bool next_piece(char **at, const char *end, char separator, char **piece, size_t *len)
{
    while (*at < end) {
        *piece = *at;
        char *stop = memchr(*at, separator, (size_t)(end - *at));
        *len = (size_t)((stop != NULL ? stop : end) - *at);
        *at += *len + (stop != NULL ? 1 : 0);
        if (*len > 0)
            return true;
    }
    return false;
}

static size_t count_byte(struct span text, char byte)
{
    size_t count = 0;
    while (text.len > 0) {
        size_t at = span_find_byte(text, byte);
        if (at == SPAN_NONE)
            break;
        count++;
        text = span_from(text, at + 1);
    }
    return count;
}

struct pair *urlencoded_parse(struct span text, char separator, size_t most, struct arena *arena,
                              size_t *count, bool *broken)
{
    *count = 0;
    *broken = false;
    size_t room = count_byte(text, separator) + 1;
    room = room < most ? room : most;
    char *at = arena_text(arena, text.len), *piece = NULL;
    struct pair *pairs = arena_alloc(arena, room * sizeof *pairs);
    if (at == NULL || pairs == NULL)
        return NULL;
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    const char *end = at + text.len;
    size_t len = 0;
    while (*count < room && next_piece(&at, end, separator, &piece, &len))
        pairs[(*count)++] = decode_pair(piece, len, broken);
    return pairs;
}

static void urlencoded_end(struct body *body, bool complete)
{
    (void)complete; /* a cut one is read as far as it goes */
    if (body->text.len == 0)
        return;
    char *at = body->text.at, *piece = NULL;
    const char *end = at + body->text.len;
    size_t len = 0;
    while (next_piece(&at, end, body->limits.separator, &piece, &len)) {
        struct pair pair = decode_pair(piece, len, &body->result.flags.urlencoded_error);
        body_add_argument(body, pair.name, pair.value);
    }
}

const struct body_parser urlencoded_parser = {NULL, body_gather, urlencoded_end};
