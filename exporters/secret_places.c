/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/secret_places.h"

#include "exporters/secret_letters.h"
#include "exporters/secret_names.h"
#include "exporters/secret_words.h"

/* Whose addresses are keys: the long words behind the host, or behind what comes later in its path.
 * Slack, Telegram, Discord. */
static const struct {
    struct span host, path;
} places[] = {{SPAN_INIT("hooks.slack.com/"), SPAN_INIT("")},
              {SPAN_INIT("api.telegram.org/"), SPAN_INIT("")},
              {SPAN_INIT("discord.com/api/"), SPAN_INIT("webhooks/")},
              {SPAN_INIT("discordapp.com/api/"), SPAN_INIT("webhooks/")}};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* ---- what stands in front ---- */

/* Its letters, without backslashes: those of JSON within JSON. `to` has room for the text. */
static struct span letters_of(struct span text, char *to)
{
    size_t len = 0;
    while (text.len > 0) {
        struct letter letter = letter_read(text);
        if (letter.c != '\\')
            to[len++] = letter.c;
        text = span_from(text, letter.len);
    }
    return span_make(to, len);
}

static bool has_escapes(struct span text)
{
    return span_find_byte(text, '%') != SPAN_NONE || span_find_byte(text, '\\') != SPAN_NONE ||
           span_find_byte(text, '&') != SPAN_NONE;
}

/* The last letter of '/' and ':', as any of the escapes writes them: %2F, %3A, \u002f, &#58;. */
static bool may_end_place(char last)
{
    return last == '/' || last == ':' || last == ';' || byte_lower(last) == 'f' ||
           byte_lower(last) == 'a';
}

static bool is_in_address(struct span place)
{
    if (span_find_byte(place, '.') == SPAN_NONE) /* as all hosts have */
        return false;
    for (size_t i = 0; i < COUNT(places); i++) {
        size_t at = span_find(place, places[i].host);
        if (at == SPAN_NONE)
            continue;
        struct span path = span_from(place, at + places[i].host.len);
        if (span_find(path, places[i].path) != SPAN_NONE)
            return true;
    }
    return false;
}

/* ---- words ---- */

enum letter_class { OTHER, LOWER, UPPER, DIGIT };

static enum letter_class class_of(char c)
{
    if (byte_is_digit(c))
        return DIGIT;
    return !byte_is_alpha(c) ? OTHER : byte_lower(c) == c ? LOWER : UPPER;
}

/* Does it go to and fro between digits, small and large letters, as no words of people's? Is it a
 * number, hexadecimal or not, or a UUID? */
static bool reads_as_drawn(struct span word)
{
    size_t changes = 0, digits = 0, others = 0, capitals = 0; /* behind another one */
    enum letter_class last = OTHER;
    for (size_t i = 0; i < word.len; i++) {
        enum letter_class now = class_of(word.at[i]);
        changes += now != last && now != OTHER && last != OTHER;
        digits += now == DIGIT;
        capitals += now == UPPER && last == UPPER;
        others += byte_hex(word.at[i]) < 0 && word.at[i] != '-';
        last = now;
    }
    return (digits > 0 && (others == 0 || 5 * changes >= word.len)) ||
           (5 * changes >= 2 * word.len && 8 * capitals >= word.len);
}

static bool is_number(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!byte_is_digit(text.at[i]))
            return false;
    return text.len > 0;
}

/* Is it the token of a Discord webhook: /webhooks/, its number of 17 to 20 digits, '/'? */
static bool is_webhook(struct span path, struct span segment, struct span word)
{
    enum { NUMBER_SHORTEST = 17, NUMBER_LONGEST = 20, TOKEN_SHORTEST = 60 };
    return word.len >= TOKEN_SHORTEST && segment.len >= NUMBER_SHORTEST &&
           segment.len <= NUMBER_LONGEST && is_number(segment) &&
           span_ends(path, SPAN("/webhooks/"));
}

/* `place` ends with a '/'. */
static bool is_behind_name(struct span place, struct span word)
{
    struct span path = span_first(place, place.len - 1);
    size_t slash = span_find_last_byte(path, '/');
    size_t start = slash == SPAN_NONE ? 0 : slash + 1;
    struct span segment = span_from(path, start);
    if (slash == SPAN_NONE || segment.len == 0)
        return false;
    if (name_may_be_secret(segment) && name_is_secret(segment))
        return reads_as_drawn(word);
    return is_webhook(span_first(path, start), segment, word);
}

bool word_is_placed(struct span before, struct span word)
{
    enum { PLACE_LONGEST = 96 };
    char letters[PLACE_LONGEST];
    if (word.len < SECRET_WORD_SHORTEST || before.len == 0 ||
        !may_end_place(before.at[before.len - 1]))
        return false;
    if (before.len > PLACE_LONGEST)
        before = span_from(before, before.len - PLACE_LONGEST);
    struct span place = has_escapes(before) ? letters_of(before, letters) : before;
    bool ends_segment = span_ends(place, SPAN("/"));
    if (!ends_segment && !span_ends(place, SPAN(":")))
        return false;
    size_t space = span_find_last_byte(place, ' ');
    place = span_from(place, space == SPAN_NONE ? 0 : space + 1);
    return (ends_segment && is_behind_name(place, word)) || is_in_address(place);
}
