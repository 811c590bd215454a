/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/secret_words.h"

#include "exporters/secret_letters.h"
#include "exporters/secret_places.h"

enum {
    PEM_SHORTEST = 64,
    HEX_KEY = 32,
    ESCAPED_MOST = 3, /* how often an escape may be escaped */
};

/* How keys begin that their issuers made to be recognised, and how long they are at least. */
static const struct {
    struct span start;
    size_t shortest;
} beginnings[] = {
    {SPAN_INIT("AKIA"), 20},       {SPAN_INIT("ASIA"), 20},
    {SPAN_INIT("ghp_"), 24},       {SPAN_INIT("gho_"), 24},
    {SPAN_INIT("ghu_"), 24},       {SPAN_INIT("ghs_"), 24},
    {SPAN_INIT("ghr_"), 24},       {SPAN_INIT("glpat-"), 20},
    {SPAN_INIT("glrt-"), 20},      {SPAN_INIT("gldt-"), 20},
    {SPAN_INIT("glsa_"), 24},      {SPAN_INIT("github_pat_"), 24},
    {SPAN_INIT("xoxa-"), 16},      {SPAN_INIT("xoxb-"), 16},
    {SPAN_INIT("xoxe-"), 16},      {SPAN_INIT("xoxp-"), 16},
    {SPAN_INIT("xoxr-"), 16},      {SPAN_INIT("xoxs-"), 16},
    {SPAN_INIT("xapp-"), 20},      {SPAN_INIT("sk_live_"), 20},
    {SPAN_INIT("sk_test_"), 20},   {SPAN_INIT("rk_live_"), 20},
    {SPAN_INIT("rk_test_"), 20},   {SPAN_INIT("whsec_"), 20},
    {SPAN_INIT("sk-ant-"), 20},    {SPAN_INIT("sk-proj-"), 20},
    {SPAN_INIT("sk-"), 40},        {SPAN_INIT("AIza"), 35},
    {SPAN_INIT("npm_"), 36},       {SPAN_INIT("hf_"), 30},
    {SPAN_INIT("dckr_pat_"), 20},  {SPAN_INIT("shpat_"), 20},
    {SPAN_INIT("shpss_"), 20},     {SPAN_INIT("shpca_"), 20},
    {SPAN_INIT("pypi-AgE"), 20},   {SPAN_INIT("dop_v1_"), 40},
    {SPAN_INIT("doo_v1_"), 40},    {SPAN_INIT("PMAK-"), 40},
    {SPAN_INIT("NRAK-"), 20},      {SPAN_INIT("xkeysib-"), 40},
    {SPAN_INIT("sq0atp-"), 20},    {SPAN_INIT("sq0csp-"), 20},
    {SPAN_INIT("ATATT3x"), 40},    {SPAN_INIT("lin_api_"), 30},
    {SPAN_INIT("figd_"), 30},      {SPAN_INIT("sntrys_"), 30},
    {SPAN_INIT("sntryu_"), 30},    {SPAN_INIT("rubygems_"), 30},
    {SPAN_INIT("GOCSPX-"), 30},    {SPAN_INIT("gsk_"), 40},
    {SPAN_INIT("pplx-"), 40},      {SPAN_INIT("pscale_tkn_"), 30},
    {SPAN_INIT("pscale_pw_"), 30}, {SPAN_INIT("ntn_"), 40},
    {SPAN_INIT("pul-"), 40},       {SPAN_INIT("HRKU-"), 40},
    {SPAN_INIT("squ_"), 40},       {SPAN_INIT("sqp_"), 40},
    {SPAN_INIT("sqa_"), 40},       {SPAN_INIT("AGE-SECRET-KEY-1"), 60},
    {SPAN_INIT("EAAC"), 60},       {SPAN_INIT("EAAB"), 60},
    {SPAN_INIT("EAAG"), 60},
};

/* How those begin that are `SK` or `key-` and HEX_KEY hexadecimal digits. */
static const struct span hex_beginnings[] = {SPAN_INIT("SK"), SPAN_INIT("key-"), SPAN_INIT("dapi")};

/* What stands before the first dot of those that have dots: SendGrid, Vault, Google, Terraform. */
static const struct span dotted[] = {SPAN_INIT("SG"),  SPAN_INIT("hvs"),  SPAN_INIT("hvb"),
                                     SPAN_INIT("hvr"), SPAN_INIT("ya29"), SPAN_INIT("atlasv1")};

/* What those of Doppler begin with. */
static const struct span deeper[] = {SPAN_INIT("dp.pt."),   SPAN_INIT("dp.st."),
                                     SPAN_INIT("dp.ct."),   SPAN_INIT("dp.sa."),
                                     SPAN_INIT("dp.scim."), SPAN_INIT("dp.audit.")};

static const struct span schemes[] = {SPAN_INIT("bearer"),    SPAN_INIT("basic"),
                                      SPAN_INIT("apikey"),    SPAN_INIT("digest"),
                                      SPAN_INIT("negotiate"), SPAN_INIT("ntlm")};

/* Those behind which anything is a secret; behind the others prose is none: Basic authentication.
 */
static const struct span strict_schemes[] = {SPAN_INIT("bearer"), SPAN_INIT("apikey")};

static const struct span pem_begin = SPAN_INIT("-----BEGIN");

#define COUNT(list) (sizeof(list) / sizeof *(list))

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

size_t word_length(struct span text)
{
    size_t len = 0;
    while (len < text.len && is_word(text.at[len]))
        len++;
    return len;
}

static bool is_hex(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (byte_hex(text.at[i]) < 0)
            return false;
    return true;
}

/* ---- escapes in front of words ---- */

/* What a backslash escapes that stands in front: n, u0026, x26; 0: nothing that has letters. */
static size_t letters_escaped(struct span text)
{
    size_t digits = span_starts(text, SPAN("u")) ? 4 : span_starts(text, SPAN("x")) ? 2 : 0;
    if (digits > 0)
        return text.len > digits && is_hex(span_first(span_from(text, 1), digits)) ? 1 + digits : 0;
    bool is_one = text.len > 0 && (text.at[0] == 'n' || text.at[0] == 'r' || text.at[0] == 't' ||
                                   text.at[0] == 'b' || text.at[0] == 'f');
    return is_one ? 1 : 0;
}

/* Does the text end with a percent sign, escaped or not? */
static bool ends_with_percent(struct span text)
{
    for (int i = 1; i < ESCAPED_MOST && span_ends(text, SPAN("25")); i++)
        text = span_first(text, text.len - 2);
    return span_ends(text, SPAN("%"));
}

/* Does it end with a backslash that is a percent escape? */
static bool ends_with_slash(struct span text)
{
    return span_ends_nocase(text, SPAN("5c")) && ends_with_percent(span_first(text, text.len - 2));
}

size_t behind_escape(struct span text, size_t at)
{
    struct span before = span_first(text, at), rest = span_from(text, at);
    switch (at > 0 ? text.at[at - 1] : '\0') {
    case '\\': return at + letters_escaped(rest);
    case 'C':
    case 'c': return ends_with_slash(before) ? at + letters_escaped(rest) : at;
    case '%':
    case '5':
        return ends_with_percent(before) && rest.len > 1 && is_hex(span_first(rest, 2)) ? at + 2
                                                                                        : at;
    default: return at;
    }
}

/* Does a word that the text ends with fit, with what may be of an escape or without? */
static bool any_reading_fits(struct span text, size_t at, bool (*fits)(struct span word))
{
    for (size_t next = at;; at = next) {
        if (fits(span_from(text, at)))
            return true;
        next = behind_escape(text, at);
        if (next == at)
            return false;
    }
}

/* ---- words ---- */

/* The first letters of those above: most words begin otherwise. */
static bool begin_fits(char first)
{
    static const bool firsts[256] = {
        ['A'] = true, ['E'] = true, ['G'] = true, ['H'] = true, ['N'] = true,
        ['P'] = true, ['S'] = true, ['d'] = true, ['f'] = true, ['g'] = true,
        ['h'] = true, ['k'] = true, ['l'] = true, ['n'] = true, ['p'] = true,
        ['r'] = true, ['s'] = true, ['w'] = true, ['x'] = true};
    return firsts[(unsigned char)first];
}

static bool begins_as_key(struct span word)
{
    if (word.len < SECRET_WORD_SHORTEST || !begin_fits(word.at[0]))
        return false;
    for (size_t i = 0; i < COUNT(beginnings); i++)
        if (word.at[0] == beginnings[i].start.at[0] && word.len >= beginnings[i].shortest &&
            span_starts(word, beginnings[i].start))
            return true;
    for (size_t i = 0; i < COUNT(hex_beginnings); i++)
        if (word.len == hex_beginnings[i].len + HEX_KEY && span_starts(word, hex_beginnings[i]))
            return is_hex(span_from(word, hex_beginnings[i].len));
    return false;
}

static bool is_dotted(struct span word)
{
    for (size_t i = 0; i < COUNT(dotted); i++)
        if (span_is(word, dotted[i]))
            return true;
    return false;
}

/* Of Doppler's, whose word is `dp`. */
static bool begins_deeper(struct span text)
{
    for (size_t i = 0; i < COUNT(deeper); i++)
        if (span_starts(text, deeper[i]))
            return word_length(span_from(text, deeper[i].len)) >= SECRET_WORD_SHORTEST;
    return false;
}

/* Is the word one by itself? Of a token the part in front of a dot. */
static bool is_secret_word(struct span word, struct span behind)
{
    bool has_dot = behind.len > 1 && behind.at[0] == '.' && is_word(behind.at[1]);
    if (has_dot && span_starts(word, SPAN("eyJ")))
        return true;
    if (has_dot && is_dotted(word))
        return word_length(span_from(behind, 1)) >= SECRET_WORD_SHORTEST;
    if (has_dot && span_is(word, SPAN("dp")))
        return begins_deeper(span_make(word.at, word.len + behind.len));
    return begins_as_key(word);
}

static bool is_scheme(struct span word)
{
    for (size_t i = 0; i < COUNT(schemes); i++)
        if (span_is_nocase(word, schemes[i]))
            return true;
    return false;
}

static bool is_strict_scheme(struct span word)
{
    for (size_t i = 0; i < COUNT(strict_schemes); i++)
        if (span_is_nocase(word, strict_schemes[i]))
            return true;
    return false;
}

/* Nothing but small letters, as in words of people's? */
static bool reads_as_prose(struct span token)
{
    for (size_t i = 0; i < token.len; i++)
        if ((token.at[i] < 'a' || token.at[i] > 'z') && token.at[i] != '-' && token.at[i] != '.')
            return false;
    return true;
}

/* Where the word begins that the text ends with. */
static size_t last_word(struct span text)
{
    size_t start = text.len;
    while (start > 0 && is_word(text.at[start - 1]))
        start--;
    return start;
}

static bool ends_with_word(struct span text, bool (*fits)(struct span word))
{
    return any_reading_fits(text, last_word(text), fits);
}

/* Does the text before a word end with a scheme and a space, encoded or not, with `SG.`, or in an
 * address that is a key? */
static bool is_announced(struct span before, struct span word)
{
    bool (*fits)(struct span) = reads_as_prose(word) ? is_strict_scheme : is_scheme;
    static const struct span spaces[] = {SPAN_INIT(" "), SPAN_INIT("+"), SPAN_INIT("%20")};
    if (word_is_placed(before, word))
        return true;
    for (size_t i = 0; i < COUNT(deeper); i++)
        if (span_ends(before, deeper[i]))
            return true;
    if (span_ends(before, SPAN(".")))
        return ends_with_word(span_first(before, before.len - 1), is_dotted);
    for (size_t i = 0; i < COUNT(spaces); i++)
        if (span_ends(before, spaces[i]))
            return ends_with_word(span_first(before, before.len - spaces[i].len), fits);
    return false;
}

/* Is the word that stands there one? What an escape in front of it has of it is none of its own. */
static bool word_is_secret(struct span text, size_t start, size_t end)
{
    for (size_t next = start;; start = next) {
        struct span word = span_make(text.at + start, end - start);
        if (is_secret_word(word, span_from(text, end)) ||
            is_announced(span_first(text, start), word))
            return true;
        next = behind_escape(text, start);
        if (next == start)
            return false;
    }
}

/* Words of SECRET_WORD_SHORTEST bytes have one of every so many. */
bool text_has_secret(struct span text)
{
    size_t done = 0;
    for (size_t at = SECRET_WORD_SHORTEST - 1; at < text.len; at += SECRET_WORD_SHORTEST) {
        size_t start = at, end = at;
        while (end < text.len && is_word(text.at[end]))
            end++;
        if (end == at)
            continue;
        while (start > done && is_word(text.at[start - 1]))
            start--;
        if (end - start >= SECRET_WORD_SHORTEST && word_is_secret(text, start, end))
            return true;
        done = end;
        at = end - 1;
    }
    if (text.len <= PEM_SHORTEST)
        return false;
    size_t dash = span_find_byte(text, '-');
    return dash != SPAN_NONE && span_find(span_from(text, dash), pem_begin) != SPAN_NONE;
}

/* ---- how long they are ---- */

static bool is_token(char c)
{
    return is_word(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

/* Of a token: its parts and what joins them, which JSON may escape. */
static size_t token_length(struct span text)
{
    size_t len = 0;
    while (len < text.len) {
        struct letter letter = {.c = text.at[len], .len = 1};
        if (letter.c == '\\')
            letter = letter_read(span_from(text, len));
        if (!is_token(letter.c))
            break;
        len += letter.len;
    }
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
    if (space == 0)
        return 0;
    size_t len = token_length(span_from(behind, space));
    struct span token = span_first(span_from(behind, space), len);
    bool is_one =
        (len >= SECRET_WORD_SHORTEST && (is_strict_scheme(word) || !reads_as_prose(token))) ||
        (len > 0 && span_is_nocase(word, SPAN("bearer")));
    return is_one ? space + len : 0;
}

/* RSA PRIVATE KEY, its spaces as they may be written in a query. */
static bool names_private_key(struct span label)
{
    struct span behind = span_from(label, span_find(label, SPAN("PRIVATE")));
    return span_find(behind, SPAN("KEY")) != SPAN_NONE;
}

/* -----BEGIN RSA PRIVATE KEY----- to the end of its last line, or of the text. 0: it is none.
 * `word` ends with its beginning: "n-----BEGIN" behind a backslash. */
static size_t private_key_length(struct span word, struct span text)
{
    enum { LABEL_LONGEST = 40 };
    struct span label = span_first(span_from(text, word.len), LABEL_LONGEST);
    struct span last = SPAN("-----END");
    if (!span_ends(word, pem_begin) || !names_private_key(label))
        return 0;
    size_t end = span_find(span_from(text, word.len), last);
    if (end == SPAN_NONE)
        return text.len;
    end += word.len + last.len;
    label = span_first(span_from(text, end), LABEL_LONGEST);
    size_t close = span_find(label, SPAN("-----"));
    return end + (close != SPAN_NONE ? close + 5 : 0);
}

size_t secret_word_length(struct span text, struct span word, size_t *said)
{
    struct span behind = span_from(text, word.len);
    *said = 0;
    if (is_secret_word(word, behind))
        return token_length(text);
    size_t len = private_key_length(word, text);
    *said = len > 0 ? word.len - pem_begin.len : word.len + space_length(behind);
    if (len > 0)
        return len;
    len = credentials_length(word, behind);
    return len > 0 ? word.len + len : 0;
}

/* Is it that one, escaped no more often than what its address begins with? */
static bool is_sign(struct letter letter, char c, unsigned depth)
{
    return letter.c == c && letter.depth <= depth;
}

/* Behind :// in any spelling; 0: there is none. */
static size_t address_start(struct span text, unsigned *depth)
{
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        struct letter letter = letter_read(span_from(text, at));
        if (letter.c != "://"[i])
            return 0;
        at += letter.len;
        *depth = letter.depth > *depth ? letter.depth : *depth;
    }
    return at;
}

size_t address_user_length(struct span text, size_t *start)
{
    enum { USER_LONGEST = 1024 };
    static const char ends[] = "/?#\"' \t\n";
    size_t colons = 0;
    unsigned depth = 0;
    *start = address_start(text, &depth);
    for (size_t at = *start; at > 0 && at < text.len && at - *start <= USER_LONGEST;) {
        struct letter letter = letter_read(span_from(text, at));
        if (is_sign(letter, '@', depth))
            return colons > 0 ? at : 0;
        for (const char *end = ends; *end != '\0'; end++)
            if (is_sign(letter, *end, depth))
                return 0;
        colons += is_sign(letter, ':', depth);
        at += letter.len;
    }
    return 0;
}
