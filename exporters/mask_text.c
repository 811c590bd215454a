/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of any kind: what stands behind a name that announces a secret, and what reads as one. */
#include "exporters/mask.h"
#include "rules/base/eights.h"

enum { SECRET_WORD = 16, KEY_SHORTEST = 64 };

/* How keys begin that their issuers made to be recognised, and how long they are at least. */
static const struct {
    struct span start;
    size_t shortest;
} beginnings[] = {
    {SPAN_INIT("AKIA"), 20},      {SPAN_INIT("ASIA"), 20},     {SPAN_INIT("ghp_"), 24},
    {SPAN_INIT("gho_"), 24},      {SPAN_INIT("ghu_"), 24},     {SPAN_INIT("ghs_"), 24},
    {SPAN_INIT("ghr_"), 24},      {SPAN_INIT("glpat-"), 20},   {SPAN_INIT("github_pat_"), 24},
    {SPAN_INIT("xoxa-"), 16},     {SPAN_INIT("xoxb-"), 16},    {SPAN_INIT("xoxp-"), 16},
    {SPAN_INIT("xoxr-"), 16},     {SPAN_INIT("xoxs-"), 16},    {SPAN_INIT("sk_live_"), 20},
    {SPAN_INIT("sk_test_"), 20},  {SPAN_INIT("rk_live_"), 20}, {SPAN_INIT("rk_test_"), 20},
    {SPAN_INIT("whsec_"), 20},    {SPAN_INIT("sk-ant-"), 20},  {SPAN_INIT("sk-proj-"), 20},
    {SPAN_INIT("AIza"), 35},      {SPAN_INIT("npm_"), 36},     {SPAN_INIT("hf_"), 30},
    {SPAN_INIT("dckr_pat_"), 20}, {SPAN_INIT("shpat_"), 20},   {SPAN_INIT("pypi-AgE"), 20},
    {SPAN_INIT("dop_v1_"), 40},
};

/* Letters, digits, '_', '-'. */
static bool is_word(char c)
{
    static const bool words[256] = {['0' ... '9'] = true,
                                    ['A' ... 'Z'] = true,
                                    ['a' ... 'z'] = true,
                                    ['_'] = true,
                                    ['-'] = true};
    return words[(unsigned char)c];
}

static size_t word_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && is_word(text.at[len]))
        len++;
    return len;
}

static bool begins_as_key(struct span word)
{
    if (word.len == 0 || byte_is_digit(word.at[0])) /* of most numbers and ids */
        return false;
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (word.len >= beginnings[i].shortest && word.at[0] == beginnings[i].start.at[0] &&
            span_starts(word, beginnings[i].start))
            return true;
    return false;
}

/* Is the word one by itself? Of a token the part in front of a dot. */
static bool is_secret_word(struct span word, struct span behind)
{
    if (span_starts(word, SPAN("eyJ")) && behind.len > 1 && behind.at[0] == '.' &&
        is_word(behind.at[1]))
        return true;
    return begins_as_key(word);
}

static bool is_scheme(struct span word)
{
    return span_is_nocase(word, SPAN("bearer")) || span_is_nocase(word, SPAN("basic"));
}

/* Does the text end with a scheme and a space, encoded or not? */
static bool scheme_ends(struct span before)
{
    static const struct span spaces[] = {SPAN_INIT(" "), SPAN_INIT("+"), SPAN_INIT("%20")};
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++) {
        if (!span_ends(before, spaces[i]))
            continue;
        before = span_first(before, before.len - spaces[i].len);
        return span_ends_nocase(before, SPAN("bearer")) || span_ends_nocase(before, SPAN("basic"));
    }
    return false;
}

/* Is the word that stands there one? Digits of an escape in front of it are none of its own. */
static bool word_is_secret(struct span text, size_t start, size_t end)
{
    if (start > 0 && text.at[start - 1] == '%' && end - start > 2 &&
        byte_hex(text.at[start]) >= 0 && byte_hex(text.at[start + 1]) >= 0)
        start += 2;
    struct span word = span_make(text.at + start, end - start);
    return is_secret_word(word, span_from(text, end)) || scheme_ends(span_first(text, start));
}

/* Words of SECRET_WORD bytes have one of every so many. */
bool text_has_secret(struct span text)
{
    size_t done = 0;
    for (size_t at = SECRET_WORD - 1; at < text.len; at += SECRET_WORD) {
        size_t start = at, end = at;
        while (end < text.len && is_word(text.at[end]))
            end++;
        if (end == at)
            continue;
        while (start > done && is_word(text.at[start - 1]))
            start--;
        if (end - start >= SECRET_WORD && word_is_secret(text, start, end))
            return true;
        done = end;
        at = end - 1;
    }
    return text.len > KEY_SHORTEST && span_find(text, SPAN("-----BEGIN")) != SPAN_NONE;
}

/* ---- masking ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static size_t skip_blanks(struct span text, size_t at)
{
    while (at < text.len && is_blank(text.at[at]))
        at++;
    return at;
}

/* A quote, or one with a backslash before it, as JSON within JSON has them; *quote: which one, or
 * that backslash. Where there is none: where it began. */
static size_t skip_quote(struct span text, size_t at, char *quote)
{
    bool escaped = at + 1 < text.len && text.at[at] == '\\' && is_quote(text.at[at + 1]);
    size_t end = at + (escaped ? 1 : 0);
    if (end == text.len || !is_quote(text.at[end]))
        return at;
    *quote = text.at[at]; /* the backslash, or itself */
    return end + 1;
}

/* Behind a name: `": "`, `=`, `]=`, `>`; how long that is, and what ends the value. 0: there is
 * none. */
static size_t separator_length(struct span text, char *end)
{
    char quote;
    size_t bracket = span_starts(text, SPAN("]"))            ? 1
                     : span_starts_nocase(text, SPAN("%5d")) ? 3
                                                             : 0;
    size_t at = skip_blanks(text, skip_quote(text, bracket, &quote));
    *end = '\0';
    if (at == text.len || (text.at[at] != ':' && text.at[at] != '=' && text.at[at] != '>'))
        return 0;
    bool is_element = text.at[at] == '>';
    at = skip_blanks(text, at + 1);
    if (!is_element)
        return skip_quote(text, at, end);
    *end = '<';
    return at;
}

static bool ends_value(char c, char end)
{
    if (end != '\0')
        return c == end;
    return is_blank(c) || c == '&' || c == ',' || c == ';' || c == '}' || c == '\n' || c == '\r' ||
           c == '<';
}

static size_t value_length(struct span text, char end)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_quote(end) && text.at[i] == '\\')
            i++; /* an escaped quote is part of it */
        else if (ends_value(text.at[i], end))
            return i;
    }
    return text.len;
}

/* A field's value up to the end of its line, or of the text that the line is quoted in. */
static size_t line_length(struct span text)
{
    bool inside = false; /* of name="value" */
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool opens = i > 0 && text.at[i - 1] == '=';
        if (c == '\n' || c == '\r' || c == '\\' || (is_quote(c) && !inside && !opens))
            return i;
        if (is_quote(c))
            inside = !inside;
    }
    return text.len;
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

/* What a space is, in a text or a query; how long it is. */
static size_t space_length(struct span text)
{
    if (span_starts(text, SPAN("%20")))
        return 3;
    return span_starts(text, SPAN(" ")) || span_starts(text, SPAN("+")) ? 1 : 0;
}

/* Behind Bearer anything is one; Basic is a word of people's as well. */
static size_t credentials_length(struct span word, struct span behind)
{
    size_t space = is_scheme(word) ? space_length(behind) : 0;
    size_t len = space > 0 ? token_length(span_from(behind, space)) : 0;
    if (len < SECRET_WORD && (len == 0 || !span_is_nocase(word, SPAN("bearer"))))
        return 0;
    return space + len;
}

/* -----BEGIN RSA PRIVATE KEY----- to the end of its last line, or of the text. 0: it is none. */
static size_t private_key_length(struct span word, struct span text)
{
    enum { LABEL_LONGEST = 40 };
    struct span head = span_first(text, word.len + LABEL_LONGEST), last = SPAN("-----END");
    if (!span_is(word, SPAN("-----BEGIN")) || span_find(head, SPAN("PRIVATE KEY")) == SPAN_NONE)
        return 0;
    size_t end = span_find(text, last);
    if (end == SPAN_NONE)
        return text.len;
    struct span label = span_from(text, end + last.len);
    size_t close = span_find(span_first(label, LABEL_LONGEST), SPAN("-----"));
    return end + last.len + (close != SPAN_NONE ? close + 5 : 0);
}

/* https://user:password@host: how much of it stands before the '@'; 0: nothing. */
static size_t user_length(struct span behind)
{
    if (!span_starts(behind, SPAN("://")))
        return 0;
    size_t colons = 0;
    for (size_t i = 3; i < behind.len; i++) {
        char c = behind.at[i];
        if (c == '@')
            return colons > 0 ? i : 0;
        if (c == '/' || c == '?' || c == '#' || is_quote(c) || is_blank(c) || c == '\n')
            return 0;
        colons += c == ':';
    }
    return 0;
}

/* How much of what a word begins is masked whole, and how much of it is said before. */
static size_t secret_length(struct span text, struct span word, size_t *said)
{
    struct span behind = span_from(text, word.len);
    *said = 0;
    if (is_secret_word(word, behind))
        return token_length(text);
    size_t len = private_key_length(word, text);
    if (len > 0)
        return len;
    *said = word.len + space_length(behind);
    len = credentials_length(word, behind);
    if (len > 0)
        return word.len + len;
    *said = word.len + SPAN("://").len;
    len = user_length(behind);
    return len > 0 ? word.len + len : 0;
}

/* Has the field a value of several words? */
static bool is_line(struct span name)
{
    return span_ends_nocase(name, SPAN("authorization")) || span_ends_nocase(name, SPAN("cookie"));
}

/* A part of a multipart form whose name is the word there, up to the end of its value. 0: none. */
static size_t part_length(struct span text, size_t at, struct span word, size_t *said)
{
    enum { HEAD_LONGEST = 512 };
    struct span behind = span_from(text, at + word.len), blank = SPAN("\r\n\r\n");
    if (!span_ends_nocase(span_first(text, at), SPAN("name=\"")) || !name_is_secret(word))
        return 0;
    size_t head = span_find(span_first(behind, HEAD_LONGEST), blank);
    if (head == SPAN_NONE)
        return 0;
    *said = word.len + head + blank.len;
    struct span value = span_from(behind, head + blank.len);
    return *said + span_first(value, span_find(value, SPAN("\r\n--"))).len;
}

/* Of what a word begins, how much is to go, and how much of that is said before: `password=`. */
static size_t masked_length(struct span text, struct span word, size_t *said)
{
    char end;
    struct span behind = span_from(text, word.len);
    size_t len = secret_length(text, word, said);
    if (len > 0 || !word_names_secret(word))
        return len;
    size_t separator = separator_length(behind, &end);
    if (separator == 0)
        return 0;
    *said = word.len + separator;
    struct span value = span_from(behind, separator);
    bool is_whole = end == '\0' && behind.at[0] == ':' && is_line(word);
    return *said + (is_whole ? line_length(value) : value_length(value, end));
}

/* Behind the name of an element that ends stands no value of it. */
static bool closes_element(struct span text, size_t at)
{
    return at >= 2 && text.at[at - 1] == '/' && text.at[at - 2] == '<';
}

/* The next of what is to go, from there on: how much of the text behind `at`, and how much of that
 * is said before. 0: there is none. */
static size_t next_secret(struct span text, size_t *at, size_t *said)
{
    while (*at < text.len) {
        struct span rest = span_from(text, *at);
        struct span word = span_first(rest, word_length(rest));
        size_t len = 0;
        if (word.len > 0 && !closes_element(text, *at))
            len = masked_length(rest, word, said);
        if (len == 0 && word.len > 0)
            len = part_length(text, *at, word, said);
        if (len > 0)
            return len;
        *at += word.len > 0 ? word.len : 1;
    }
    return 0;
}

void text_mask_secrets(struct buf *to, struct span text)
{
    size_t copied = 0, at = 0, said, len;
    while ((len = next_secret(text, &at, &said)) > 0) {
        buf_add(to, span_make(text.at + copied, at + said - copied));
        buf_add(to, SPAN(MASK));
        at += len;
        copied = at;
    }
    buf_add(to, span_from(text, copied));
}

/* The word that ends before a separator, quotes and blanks passed over. */
static struct span word_before(struct span text, size_t at)
{
    while (at > 0 && (is_blank(text.at[at - 1]) || is_quote(text.at[at - 1]) ||
                      text.at[at - 1] == '\\' || text.at[at - 1] == ']'))
        at--;
    if (span_ends_nocase(span_first(text, at), SPAN("%5d")))
        at -= 3;
    size_t end = at;
    while (at > 0 && is_word(text.at[at - 1]))
        at--;
    return span_make(text.at + at, end - at);
}

/* name="secret" */
static struct span word_behind(struct span text, size_t at)
{
    struct span rest = span_from(text, at + 2);
    return span_first(rest, word_length(rest));
}

static uint64_t asks_for_separators(uint64_t eight)
{
    return eight_is(eight, ':') | eight_is(eight, '=') | eight_is(eight, '>');
}

/* Does something stand around the separator there that may be masked? */
static bool may_be_secret(struct span text, size_t at)
{
    if (word_names_secret(word_before(text, at)) || span_starts(span_from(text, at), SPAN("://")))
        return true;
    return text.at[at] == '=' && span_ends_nocase(span_first(text, at), SPAN("name")) &&
           word_names_secret(word_behind(text, at));
}

bool text_may_have_secrets(struct span text)
{
    enum { EIGHT = 8 };
    for (size_t i = 0; i < text.len; i++) {
        if (i % EIGHT == 0) {
            while (i + EIGHT <= text.len && !eights_any(text.at + i, EIGHT, asks_for_separators))
                i += EIGHT;
            if (i == text.len)
                break;
        }
        char c = text.at[i];
        if ((c == ':' || c == '=' || c == '>') && may_be_secret(text, i))
            return true;
    }
    return text_has_secret(text);
}

bool text_holds_secrets(struct span text)
{
    size_t at = 0, said;
    return text_may_have_secrets(text) && next_secret(text, &at, &said) > 0;
}
