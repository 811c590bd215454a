/* SPDX-License-Identifier: Apache-2.0 */
/* Transformations of backslash escapes: JavaScript, CSS and ANSI C. */
#include "rules/match/transformation_rows.h"

/* Decodes one escape. `rest` starts at the backslash; returns how many bytes it took, at least 1.
 */
typedef size_t decode_escape(struct span rest, struct writing *to);

static struct span decode_escapes(struct span in, struct arena *arena, decode_escape *decode)
{
    size_t start = span_find_byte(in, '\\');

    if (start == SPAN_NONE)
        return in;

    struct writing to = writing_begin(arena, in, start, in.len);
    size_t i = start;

    if (to.at == NULL)
        return span_make(NULL, 0);
    while (i < in.len)
        if (in.at[i] == '\\')
            i += decode(span_from(in, i), &to);
        else
            writing_add(&to, in.at[i++]);
    return writing_end(arena, in, &to);
}

/* The control character of \a, \b..., or the letter itself. */
static char control_of(char letter)
{
    static const char letters[] = "abfnrtv";
    static const char controls[] = "\a\b\f\n\r\t\v";
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);

    return (char)(found == NULL ? letter : controls[found - letters]);
}

/* How many of the first `most` bytes are octal digits. */
static size_t octal_digits(struct span s, size_t most)
{
    size_t count = 0;

    while (count < most && count < s.len && s.at[count] >= '0' && s.at[count] <= '7')
        count++;
    return count;
}

static char octal_value(const char *at, size_t digits)
{
    unsigned value = 0;

    for (size_t i = 0; i < digits; i++)
        value = value * 8 + (unsigned)(at[i] - '0');
    return (char)(unsigned char)value;
}

static size_t decode_js(struct span rest, struct writing *to)
{
    struct span after = span_from(rest, 1);
    size_t octal;

    if (after.len == 0) {
        writing_add(to, '\\');
        return 1;
    }
    if (after.at[0] == 'u' && span_is_hex(span_from(after, 1), 4)) {
        writing_add(to, byte_of_code_point(after.at + 1));
        return 6;
    }
    if (after.at[0] == 'x' && span_is_hex(span_from(after, 1), 2)) {
        writing_add(to, byte_of_hex(after.at + 1));
        return 4;
    }
    octal = octal_digits(after, 3);
    if (octal == 3 && after.at[0] > '3')
        octal = 2; /* three would be more than a byte */
    if (octal > 0) {
        writing_add(to, octal_value(after.at, octal));
        return 1 + octal;
    }
    writing_add(to, control_of(after.at[0]));
    return 2;
}

struct span transformation_js_decode(struct span in, struct arena *arena)
{
    return decode_escapes(in, arena, decode_js);
}

/* The byte of 1 to 6 hexadecimal digits: of the last two. Full-width forms become ASCII where the
 * code point is a four-digit one, with or without leading zeros. */
static char css_byte(const char *at, size_t digits)
{
    bool four = digits >= 4;

    for (size_t i = 0; i + 4 < digits; i++)
        four = four && at[i] == '0';
    if (four)
        return byte_of_code_point(at + digits - 4);
    if (digits == 1)
        return (char)(unsigned char)byte_hex_unchecked(at[0]);
    return byte_of_hex(at + digits - 2);
}

static size_t decode_css(struct span rest, struct writing *to)
{
    struct span after = span_from(rest, 1);
    size_t digits = 0;

    while (digits < 6 && digits < after.len && byte_hex(after.at[digits]) >= 0)
        digits++;
    if (digits > 0) {
        writing_add(to, css_byte(after.at, digits));
        /* One white space belongs to the escape. */
        return 1 + digits + (digits < after.len && byte_is_space(after.at[digits]) ? 1 : 0);
    }
    if (after.len == 0)
        return 1; /* the backslash joins this line to nothing */
    if (after.at[0] != '\n')
        writing_add(to, after.at[0]);
    return 2;
}

struct span transformation_css_decode(struct span in, struct arena *arena)
{
    return decode_escapes(in, arena, decode_css);
}

static size_t decode_ansi_c(struct span rest, struct writing *to)
{
    struct span after = span_from(rest, 1);
    size_t octal = octal_digits(after, 3);

    if (after.len == 0) {
        writing_add(to, '\\');
        return 1;
    }
    if (octal > 0) {
        writing_add(to, octal_value(after.at, octal));
        return 1 + octal;
    }
    if (byte_lower(after.at[0]) == 'x' && span_is_hex(span_from(after, 1), 2)) {
        writing_add(to, byte_of_hex(after.at + 1));
        return 4;
    }
    writing_add(to, control_of(after.at[0]));
    return 2;
}

struct span transformation_escape_seq_decode(struct span in, struct arena *arena)
{
    return decode_escapes(in, arena, decode_ansi_c);
}
