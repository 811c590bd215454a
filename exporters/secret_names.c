/* SPDX-License-Identifier: Apache-2.0 */
/* A name is taken apart at dots, brackets and the like. Each part is written small and without what
 * joins its words, whose beginnings are noted, and held against a table. Every name of every
 * request is asked about: its last three letters rule most of them out. */
#include "exporters/secret_names.h"

#include <stdint.h>
#include <string.h>

#include "exporters/secret_names.tbl"

enum {
    SHORTEST = 3,      /* no shorter name announces one, but `pw` */
    PART_LONGEST = 64, /* of a longer part the end counts */
    NAME_LONGEST = 512,
    NAME_OVERLAP = 128,
    ESCAPED_MOST = 3,   /* how often a name may be escaped, */
    SHORTENED_MOST = 3, /* and how many words behind it are passed over */
};

enum place {
    ARGUMENT = 1, /* also of members and cookies */
    FIELD = 2,
    ANY = ARGUMENT | FIELD,
    BEHIND = 4,
    LAST = 8,    /* the last part of an argument's name: PHP has settings like session.save_path */
    HEAD = 16,   /* a whole field of the head */
    ENDING = 32, /* that it begins as `password` does not count */
};

enum reach { ENDS, WORD, DASHED, WHOLE };

#define COUNT(list)   (sizeof(list) / sizeof *(list))
#define TAIL(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static const struct secret {
    struct span name;
    enum reach reach;
    unsigned places;
    uint32_t tail;
} secrets[] = {
#define X(n, name, reach, places, a, b, c) {SPAN_INIT(name), reach, places, TAIL(a, b, c)},
    SECRET_NAMES(X, 0)
#undef X
};

static const struct span harmless[] = {
#define X(name) SPAN_INIT(name),
    HARMLESS_NAMES(X)
#undef X
};

static const struct span harmless_behind[] = {
#define X(name) SPAN_INIT(name),
    HARMLESS_BEHIND(X)
#undef X
};

/* One bit of 512 for three letters, in any case. */
#define TAIL_BIT(a, b, c) \
    ((((unsigned)(a)&31) * 5 + ((unsigned)(b)&31) * 67 + ((unsigned)(c)&31) * 16) & 511)
#define TAIL_WORD(n, bit)                        ((bit) / 64 == (n) ? UINT64_C(1) << (bit) % 64 : 0)
#define OR_TAIL(n, name, reach, places, a, b, c) | TAIL_WORD(n, TAIL_BIT(a, b, c))
#define TAILS(n)                                 (0 SECRET_NAMES(OR_TAIL, n))
static const uint64_t tails[] = {TAILS(0), TAILS(1), TAILS(2), TAILS(3),
                                 TAILS(4), TAILS(5), TAILS(6), TAILS(7)};

/* ---- one part of a name ---- */

/* "X-Api-Key2": text "xapikey", whose words begin at 0, 1 and 4, the latter two behind a dash. */
struct part {
    char text[PART_LONGEST];
    size_t len;
    uint64_t words, dashed;
    bool is_cut; /* there was more in front */
};

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool joins_words(char c)
{
    return c == '_' || c == '-' || c == ' ' || c == '+';
}

/* Begins a word there: aB, ABc? */
static bool humps(struct span name, size_t i)
{
    if (!is_upper(name.at[i]) || i == 0)
        return false;
    return !is_upper(name.at[i - 1]) ||
           (i + 1 < name.len && byte_is_alpha(name.at[i + 1]) && !is_upper(name.at[i + 1]));
}

static void part_read(struct part *part, struct span name)
{
    *part = (struct part){.is_cut = name.len > PART_LONGEST};
    if (part->is_cut)
        name = span_from(name, name.len - PART_LONGEST);
    for (size_t i = 0; i < name.len; i++) {
        if (joins_words(name.at[i]))
            continue;
        uint64_t bit = UINT64_C(1) << part->len;
        bool joined = i > 0 && joins_words(name.at[i - 1]);
        if (part->len == 0 || joined || humps(name, i))
            part->words |= bit;
        if (joined && name.at[i - 1] == '-')
            part->dashed |= bit;
        part->text[part->len++] = byte_lower(name.at[i]);
    }
}

static bool part_ends(const struct part *part, struct span name)
{
    return part->len >= name.len &&
           memcmp(part->text + part->len - name.len, name.at, name.len) == 0;
}

static bool is_reached(const struct part *part, const struct secret *secret)
{
    size_t start = part->len - secret->name.len;
    uint64_t bit = UINT64_C(1) << start;
    return secret->reach == ENDS || (secret->reach == WORD && (part->words & bit) != 0) ||
           (secret->reach == DASHED && (part->dashed & bit) != 0) ||
           (secret->reach == WHOLE && start == 0 && !part->is_cut);
}

static bool part_is_harmless(const struct part *part)
{
    for (size_t i = 0; i < COUNT(harmless); i++)
        if (part_ends(part, harmless[i]))
            return true;
    return false;
}

/* Is it no password, but said of one? */
static bool is_about_one(const struct part *part)
{
    for (size_t i = 0; i < COUNT(harmless_behind); i++) {
        struct span word = harmless_behind[i];
        if (part_ends(part, word) && (part->words & UINT64_C(1) << (part->len - word.len)) != 0)
            return true;
    }
    return false;
}

static uint32_t tail_of(char a, char b, char c)
{
    return TAIL((unsigned char)byte_lower(a), (unsigned char)byte_lower(b),
                (unsigned char)byte_lower(c));
}

/* The first row whose name has these last letters; or the number of rows. */
static size_t first_row(uint32_t tail)
{
    size_t low = 0, high = COUNT(secrets);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (secrets[middle].tail < tail)
            low = middle + 1;
        else
            high = middle;
    }
    return low < COUNT(secrets) && secrets[low].tail == tail ? low : COUNT(secrets);
}

/* The row of one of the places that the part ends with; NULL: there is none. */
static const struct secret *part_find(const struct part *part, unsigned places)
{
    if (part->len < SHORTEST)
        return NULL;
    const char *last = part->text + part->len - 1;
    uint32_t tail = tail_of(last[-2], last[-1], last[0]);
    for (size_t i = first_row(tail); i < COUNT(secrets) && secrets[i].tail == tail; i++)
        if ((secrets[i].places & places) != 0 && part_ends(part, secrets[i].name) &&
            is_reached(part, &secrets[i]))
            return &secrets[i];
    return NULL;
}

static bool part_is_secret(const struct part *part, unsigned places)
{
    if (part->len == 2)
        return part->text[0] == 'p' && part->text[1] == 'w';
    return part_find(part, places) != NULL && !part_is_harmless(part);
}

/* Without digits, or a word that only says which one it is, at its end; false: there are none. */
static bool part_shorten(struct part *part)
{
    size_t len = part->len;
    while (len > 0 && byte_is_digit(part->text[len - 1]))
        len--;
    const struct secret *behind = len == part->len ? part_find(part, BEHIND) : NULL;
    if (behind != NULL)
        len -= behind->name.len;
    bool is_shorter = len < part->len && len > 0;
    part->len = is_shorter ? len : part->len;
    return is_shorter;
}

static bool begins_as_secret(struct span name)
{
    return span_starts_nocase(name, SPAN("x-amz-")) ||
           span_starts_nocase(name, SPAN("x-goog-signature")) ||
           span_starts_nocase(name, SPAN("passwor")) || span_starts_nocase(name, SPAN("passwd"));
}

/* Can it begin as one? */
static bool begin_fits(struct span name)
{
    char first = byte_lower(name.at[0]);
    return (first == 'p' && byte_lower(name.at[1]) == 'a' && byte_lower(name.at[2]) == 's') ||
           (first == 'x' && name.at[1] == '-');
}

/* Can it end as one? Its last three letters, where the first of them may end a word: session_id. */
static bool end_fits(struct span name)
{
    const char *last = name.at + name.len - 1;
    size_t skipped = joins_words(last[-2]) && name.len > SHORTEST ? 1 : 0;
    char third = name.at[name.len - 3 - skipped];
    unsigned bit = TAIL_BIT(third, last[-1], last[0]);
    if (!byte_is_alpha(*last))
        return true;
    return (tails[bit / 64] & UINT64_C(1) << bit % 64) != 0 &&
           first_row(tail_of(third, last[-1], *last)) < COUNT(secrets);
}

/* Is the part one, in one of the places? */
static bool is_secret(struct span name, unsigned places)
{
    struct part part;
    if (!name_may_be_secret(name))
        return false;
    bool counts = (places & ARGUMENT) != 0 && name.len >= SHORTEST &&
                  ((places & ENDING) == 0 || byte_lower(name.at[0]) != 'p');
    bool begins = counts && begin_fits(name) && begins_as_secret(name);
    part_read(&part, name);
    if (begins && !is_about_one(&part))
        return true;
    for (int i = 0; i <= SHORTENED_MOST; i++) {
        if (part_is_secret(&part, places))
            return true;
        if (!part_shorten(&part))
            break;
    }
    return false;
}

/* ---- whole names ---- */

struct span percent_undone(struct span text, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.at[i];
        if (byte == '%' && text.len - i > 2) {
            int high = byte_hex(text.at[i + 1]), low = byte_hex(text.at[i + 2]);
            if (high >= 0 && low >= 0) {
                byte = (char)((unsigned)high << 4 | (unsigned)low);
                i += 2;
            }
        }
        to[len++] = byte;
    }
    return span_make(to, len);
}

bool name_may_be_secret(struct span name)
{
    if (name.len < SHORTEST)
        return span_is_nocase(name, SPAN("pw"));
    return end_fits(name) || begin_fits(name);
}

static bool is_part_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || joins_words(c);
}

static bool any_part_is_secret(struct span name, unsigned places)
{
    for (size_t i = 0, start = 0; i <= name.len; i++) {
        if (i < name.len && is_part_byte(name.at[i]))
            continue;
        if (is_secret(span_make(name.at + start, i - start), i < name.len ? places : places | LAST))
            return true;
        start = i + 1;
    }
    return false;
}

/* Names that are longer than what a person would write are looked at in pieces that overlap. */
static bool any_escaped_part_is_secret(struct span name, unsigned places)
{
    char decoded[NAME_LONGEST];
    for (size_t at = 0; at < name.len; at += NAME_LONGEST - NAME_OVERLAP) {
        struct span piece = span_first(span_from(name, at), NAME_LONGEST);
        for (int i = 0; i < ESCAPED_MOST && span_find_byte(piece, '%') != SPAN_NONE; i++)
            piece = percent_undone(piece, decoded);
        if (any_part_is_secret(piece, places))
            return true;
    }
    return false;
}

static bool is_secret_name(struct span name, unsigned places)
{
    return span_find_byte(name, '%') == SPAN_NONE ? any_part_is_secret(name, places)
                                                  : any_escaped_part_is_secret(name, places);
}

bool name_is_secret(struct span name)
{
    return is_secret_name(name, ARGUMENT);
}

bool field_is_secret(struct span name)
{
    return is_secret(name, FIELD | HEAD);
}

bool text_name_is_secret(struct span name)
{
    return is_secret_name(name, ANY);
}

bool value_is_harmless(struct span name, struct span value)
{
    static const struct span answers[] = {SPAN_INIT("true"), SPAN_INIT("false"), SPAN_INIT("yes"),
                                          SPAN_INIT("no"),   SPAN_INIT("on"),    SPAN_INIT("off"),
                                          SPAN_INIT("1"),    SPAN_INIT("0"),     SPAN_INIT("null")};
    enum { LONGEST = 5 };
    for (size_t i = 0; i < COUNT(answers) && value.len <= LONGEST; i++)
        if (span_is_nocase(value, answers[i]))
            return is_secret_name(name, ANY) && !is_secret_name(name, ANY | ENDING);
    return false;
}

bool variable_is_secret(struct span variable)
{
    struct span name = variable;
    struct span collection = span_cut(&name, ':');
    while (span_is_nocase(collection, SPAN("MATCHED_VARS"))) { /* of which variable stands behind */
        if (span_find_byte(name, ':') == SPAN_NONE)
            break;
        collection = span_cut(&name, ':');
    }
    if (name.len == 0 || span_ends_nocase(collection, SPAN("_NAMES")))
        return false;
    if (span_is_nocase(collection, SPAN("REQUEST_HEADERS")) ||
        span_is_nocase(collection, SPAN("RESPONSE_HEADERS")))
        return field_is_secret(name);
    return span_is_nocase(collection, SPAN("REQUEST_COOKIES")) || name_is_secret(name);
}

bool name_names_value(struct span name)
{
    static const struct span names[] = {SPAN_INIT("name"), SPAN_INIT("key"), SPAN_INIT("id"),
                                        SPAN_INIT("path"), SPAN_INIT("field")};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_is_nocase(name, names[i]))
            return true;
    return false;
}
