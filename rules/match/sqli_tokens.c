/* SPDX-License-Identifier: Apache-2.0 */
/* One function per kind of token, chosen by its first byte. */
#include "rules/match/sqli_tokens.h"

#include <stdint.h>

static const struct word {
    struct span text; /* upper case */
    enum sqli_class class;
    enum sqli_role role;
} words[] = {
#define WORD(text, class, role) {SPAN_INIT(text), SQLI_##class, ROLE_##role},
#include "rules/match/sqli_words.tbl"
#undef WORD
};

enum { LONGEST_WORD = 24 };

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c ^ 0x20 : c);
}

static int compare_word(struct span text, struct span word)
{
    size_t len = text.len < word.len ? text.len : word.len;

    for (size_t i = 0; i < len; i++) {
        int difference = (unsigned char)upper(text.at[i]) - (unsigned char)word.at[i];

        if (difference != 0)
            return difference;
    }
    return text.len < word.len ? -1 : text.len > word.len;
}

static const struct word *find_word(struct span text)
{
    size_t low = 0, high = sizeof(words) / sizeof(words[0]);

    if (text.len < 2 || text.len > LONGEST_WORD)
        return NULL;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_word(text, words[middle].text);

        if (order == 0)
            return &words[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || (unsigned char)c == 0xa0;
}

static bool is_word_byte(char c)
{
    return byte_is_alpha(c) || byte_is_digit(c) || c == '_' || c == '$' ||
           ((unsigned char)c >= 0x80 && (unsigned char)c != 0xa0);
}

static char peek(const struct sqli_lexer *lexer, size_t ahead)
{
    if (lexer->at + ahead >= lexer->text.len)
        return '\0';
    return lexer->text.at[lexer->at + ahead];
}

static struct sqli_token take(struct sqli_lexer *lexer, enum sqli_class class, size_t len)
{
    struct sqli_token token = {.class = class,
                               .text = span_first(span_from(lexer->text, lexer->at), len)};

    if (token.text.len > 0)
        token.sign = token.text.at[0];
    lexer->at += token.text.len;
    return token;
}

void sqli_lexer_init(struct sqli_lexer *lexer, struct span text, bool mysql)
{
    *lexer = (struct sqli_lexer){.text = text, .mysql = mysql};
}

/* From the byte behind the opening quote to the one behind the closing one. A quote that is doubled
 * or behind a backslash does not close. */
static struct sqli_token take_string(struct sqli_lexer *lexer, size_t before, char quote)
{
    size_t i = lexer->at + before;
    struct span text = lexer->text;
    struct sqli_token token;
    bool closed = false;

    while (i < text.len && !closed) {
        bool escaped = text.at[i] == '\\' && quote != '`';
        bool doubled = text.at[i] == quote && i + 1 < text.len && text.at[i + 1] == quote;

        closed = text.at[i] == quote && !doubled;
        i += escaped || doubled ? 2 : 1;
    }
    i = i > text.len ? text.len : i;
    token = take(lexer, SQLI_STRING, i - lexer->at);
    token.open = !closed;
    token.sign = quote;
    return token;
}

struct sqli_token sqli_first_string(struct sqli_lexer *lexer, char quote)
{
    return take_string(lexer, 0, quote);
}

static size_t digits_from(struct span text, size_t at)
{
    size_t end = at;

    while (end < text.len && (byte_is_digit(text.at[end]) || text.at[end] == '_'))
        end++;
    return end - at;
}

/* 0x41, 0b01; the length, or 0 where it is none. */
static size_t prefixed_number(struct span s)
{
    bool may_be = s.len > 2 && s.at[0] == '0';
    char base = (char)(may_be ? byte_lower(s.at[1]) : '\0');
    size_t i = 2;

    if (base != 'x' && base != 'b')
        return 0;
    while (i < s.len && (base == 'x' ? byte_hex(s.at[i]) >= 0 : s.at[i] == '0' || s.at[i] == '1'))
        i++;
    return i > 2 ? i : 0;
}

static size_t decimal_number(struct span s)
{
    size_t len = digits_from(s, 0);

    if (len < s.len && s.at[len] == '.') {
        len++;
        len += digits_from(s, len);
    }
    if (len + 1 < s.len && byte_lower(s.at[len]) == 'e') {
        size_t sign = s.at[len + 1] == '+' || s.at[len + 1] == '-' ? 2 : 1;
        size_t exponent = digits_from(s, len + sign);

        if (exponent > 0)
            len += sign + exponent;
    }
    return len;
}

static size_t word_length(struct span s)
{
    size_t len = 0;

    while (len < s.len && is_word_byte(s.at[len]))
        len++;
    return len;
}

/* A number with letters behind it is a name (2nd), unless these letters are a word of SQL:
 * databases read 1or 1=1 as 1 or 1=1. Oracle writes 1f and 1d for floats. */
static struct sqli_token take_number(struct sqli_lexer *lexer)
{
    struct span s = span_from(lexer->text, lexer->at);
    size_t len = prefixed_number(s);
    struct span rest, word;
    bool dotted;

    if (len == 0)
        len = decimal_number(s);
    rest = span_from(s, len);
    word = span_first(rest, word_length(rest));
    dotted = len > 0 && s.at[len - 1] == '.';
    if (word.len == 0 || dotted || find_word(word) != NULL)
        return take(lexer, SQLI_NUMBER, len);
    if ((byte_lower(word.at[0]) == 'f' || byte_lower(word.at[0]) == 'd') &&
        (word.len == 1 || find_word(span_from(word, 1)) != NULL))
        return take(lexer, SQLI_NUMBER, len + 1);
    return take(lexer, SQLI_NAME, len + word.len);
}

/* A string with a prefix: N'..' E'..' U&'..' x'41' b'01' _utf8'..'; its length before the quote, or
 * 0. */
static size_t string_prefix(struct span s, size_t word)
{
    char first = byte_lower(s.at[0]);

    if (word == 1 && first == 'u' && s.len > 2 && s.at[1] == '&' && s.at[2] == '\'')
        return 2;
    if (word < s.len && s.at[word] == '\'' &&
        (first == '_' ||
         (word == 1 && (first == 'n' || first == 'e' || first == 'x' || first == 'b'))))
        return word;
    return 0;
}

static struct sqli_token take_word(struct sqli_lexer *lexer)
{
    struct span s = span_from(lexer->text, lexer->at);
    size_t len = word_length(s);
    size_t prefix = string_prefix(s, len);
    const struct word *word;
    struct sqli_token token;

    if (prefix > 0)
        return take_string(lexer, prefix + 1, '\'');
    token = take(lexer, SQLI_NAME, len);
    word = find_word(token.text);
    if (word != NULL) {
        token.class = word->class;
        token.role = word->role;
    }
    return token;
}

/* @a, @@version, @'a', @`a`, or the sign alone. */
static struct sqli_token take_variable(struct sqli_lexer *lexer)
{
    size_t len = peek(lexer, 1) == '@' ? 2 : 1;
    char quote = peek(lexer, len);

    if (quote == '\'' || quote == '"' || quote == '`') {
        struct sqli_token token = take_string(lexer, len + 1, quote);

        token.class = SQLI_VARIABLE;
        return token;
    }
    for (;;) {
        size_t more = word_length(span_from(lexer->text, lexer->at + len));

        len += more;
        if (more == 0 || peek(lexer, len) != '.')
            break;
        len++;
    }
    return take(lexer, SQLI_VARIABLE, len);
}

static struct sqli_token take_comment_to_end(struct sqli_lexer *lexer)
{
    struct span rest = span_from(lexer->text, lexer->at);
    size_t line = span_find_byte(rest, '\n');
    struct sqli_token token = take(lexer, SQLI_COMMENT, line == SPAN_NONE ? rest.len : line + 1);

    token.open = line == SPAN_NONE;
    return token;
}

/* A comment of two dashes; or a minus, where MySQL wants white space behind. */
static struct sqli_token take_dash(struct sqli_lexer *lexer)
{
    char behind = peek(lexer, 2);

    if (peek(lexer, 1) == '>')
        return take(lexer, SQLI_ARITHMETIC, peek(lexer, 2) == '>' ? 3 : 2);
    if (peek(lexer, 1) != '-')
        return take(lexer, SQLI_ARITHMETIC, 1);
    if (lexer->at + 2 < lexer->text.len && !is_space(behind)) {
        lexer->dialects_differ = true;
        if (lexer->mysql)
            return take(lexer, SQLI_ARITHMETIC, 1);
    }
    return take_comment_to_end(lexer);
}

static struct sqli_token take_hash(struct sqli_lexer *lexer)
{
    lexer->dialects_differ = true;
    return lexer->mysql ? take_comment_to_end(lexer) : take(lexer, SQLI_ARITHMETIC, 1);
}

/* A comment with two ends, which folding takes away; an open one hides the rest. A MySQL comment
 * that is code ends where its mark and version end: what is inside are tokens like others. */
static struct sqli_token take_slash(struct sqli_lexer *lexer)
{
    struct span inside = span_from(lexer->text, lexer->at + 2);
    struct sqli_token token;
    size_t end;

    if (peek(lexer, 1) != '*')
        return take(lexer, SQLI_ARITHMETIC, 1);
    if (peek(lexer, 2) == '!') {
        lexer->hidden = true;
        return take(lexer, SQLI_COMMENT, 3 + digits_from(lexer->text, lexer->at + 3));
    }
    end = span_find(inside, SPAN("*/"));
    /* One byte more, since the asterisk that ends this one may begin the other. */
    if (span_find(span_first(inside, end == SPAN_NONE ? end : end + 1), SPAN("/*")) != SPAN_NONE)
        lexer->nested = true;
    token = take(lexer, SQLI_COMMENT, end == SPAN_NONE ? inside.len + 2 : end + 4);
    token.open = end == SPAN_NONE;
    token.sign = '*';
    return token;
}

/* Operators of several bytes, the longest first. */
static const struct {
    struct span text;
    enum sqli_class class;
} operators[] = {
    {SPAN_INIT("<=>"), SQLI_COMPARE},   {SPAN_INIT("!~*"), SQLI_COMPARE},
    {SPAN_INIT("<="), SQLI_COMPARE},    {SPAN_INIT(">="), SQLI_COMPARE},
    {SPAN_INIT("<>"), SQLI_COMPARE},    {SPAN_INIT("!="), SQLI_COMPARE},
    {SPAN_INIT("=="), SQLI_COMPARE},    {SPAN_INIT("^="), SQLI_COMPARE},
    {SPAN_INIT("!<"), SQLI_COMPARE},    {SPAN_INIT("!>"), SQLI_COMPARE},
    {SPAN_INIT("!~"), SQLI_COMPARE},    {SPAN_INIT(":="), SQLI_COMPARE},
    {SPAN_INIT("&&"), SQLI_LOGIC},      {SPAN_INIT("||"), SQLI_LOGIC},
    {SPAN_INIT("<<"), SQLI_ARITHMETIC}, {SPAN_INIT(">>"), SQLI_ARITHMETIC},
    {SPAN_INIT("::"), SQLI_ARITHMETIC}, {SPAN_INIT("="), SQLI_COMPARE},
    {SPAN_INIT("<"), SQLI_COMPARE},     {SPAN_INIT(">"), SQLI_COMPARE},
    {SPAN_INIT("+"), SQLI_ARITHMETIC},  {SPAN_INIT("%"), SQLI_ARITHMETIC},
    {SPAN_INIT("*"), SQLI_ARITHMETIC},  {SPAN_INIT("^"), SQLI_ARITHMETIC},
    {SPAN_INIT("&"), SQLI_ARITHMETIC},  {SPAN_INIT("|"), SQLI_ARITHMETIC},
    {SPAN_INIT("~"), SQLI_UNARY},       {SPAN_INIT("!"), SQLI_UNARY},
    {SPAN_INIT("("), SQLI_OPEN},        {SPAN_INIT(")"), SQLI_CLOSE},
    {SPAN_INIT(","), SQLI_COMMA},       {SPAN_INIT(";"), SQLI_SEMICOLON},
    {SPAN_INIT(":"), SQLI_COLON},       {SPAN_INIT("{"), SQLI_BRACE_OPEN},
    {SPAN_INIT("}"), SQLI_BRACE_CLOSE},
};

static struct sqli_token take_operator(struct sqli_lexer *lexer)
{
    struct span rest = span_from(lexer->text, lexer->at);

    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        if (span_starts(rest, operators[i].text))
            return take(lexer, operators[i].class, operators[i].text.len);
    return take(lexer, SQLI_UNKNOWN, 1);
}

/* \N is NULL to MySQL; otherwise databases pass over it or fail, so it is passed over. */
static struct sqli_token take_backslash(struct sqli_lexer *lexer)
{
    if (peek(lexer, 1) == 'N')
        return take(lexer, SQLI_LITERAL, 2);
    return take(lexer, SQLI_UNARY, 1);
}

/* [name] of T-SQL. */
static struct sqli_token take_bracket(struct sqli_lexer *lexer)
{
    struct span rest = span_from(lexer->text, lexer->at + 1);
    struct span name = span_first(rest, word_length(rest));
    const struct word *word = find_word(name);
    struct sqli_token token;

    if (name.len == 0 || peek(lexer, name.len + 1) != ']')
        return take(lexer, SQLI_UNKNOWN, 1);
    token = take(lexer, SQLI_NAME, name.len + 2);
    if (word != NULL && word->role == ROLE_CATALOG)
        token.role = ROLE_CATALOG;
    return token;
}

static struct sqli_token take_back_quote(struct sqli_lexer *lexer)
{
    struct sqli_token token = take_string(lexer, 1, '`');

    /* Without an end it takes the rest of the statement away, as a comment does. */
    token.class = token.open ? SQLI_COMMENT : SQLI_NAME;
    return token;
}

static struct sqli_token take_any(struct sqli_lexer *lexer)
{
    char c = peek(lexer, 0);

    switch (c) {
    case '\'':
    case '"': return take_string(lexer, 1, c);
    case '`': return take_back_quote(lexer);
    case '@': return take_variable(lexer);
    case '-': return take_dash(lexer);
    case '#': return take_hash(lexer);
    case '/': return take_slash(lexer);
    case '\\': return take_backslash(lexer);
    case '[': return take_bracket(lexer);
    case '.':
        if (byte_is_digit(peek(lexer, 1)))
            return take_number(lexer);
        return take(lexer, SQLI_DOT, 1);
    default: break;
    }
    if (byte_is_digit(c))
        return take_number(lexer);
    return is_word_byte(c) ? take_word(lexer) : take_operator(lexer);
}

struct sqli_token sqli_next(struct sqli_lexer *lexer)
{
    size_t before = lexer->at;
    struct sqli_token token;

    for (;;) {
        while (lexer->at < lexer->text.len && is_space(lexer->text.at[lexer->at]))
            lexer->at++;
        /* The end of a comment that was code. */
        if (!lexer->hidden || peek(lexer, 0) != '*' || peek(lexer, 1) != '/')
            break;
        lexer->at += 2;
    }
    if (lexer->at >= lexer->text.len)
        return (struct sqli_token){.class = SQLI_END};
    bool glued = lexer->at == before;
    token = take_any(lexer);
    token.glued = glued;
    return token;
}
