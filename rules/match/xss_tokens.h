/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts text into pieces of HTML, after the tokenizer of the HTML standard (13.2.5) with what old
 * browsers added: control bytes are white space, back-quotes are quotes. Private to xss*.c. */
#ifndef SIDEGATE_RULES_MATCH_XSS_TOKENS_H
#define SIDEGATE_RULES_MATCH_XSS_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/span.h"

enum xss_place { XSS_TEXT, XSS_UNQUOTED, XSS_SINGLE, XSS_DOUBLE, XSS_BACK };

enum xss_kind {
    XSS_END,
    XSS_TAG,         /* <name */
    XSS_ATTRIBUTE,   /* name, name=value */
    XSS_COMMENT,     /* <!-- text --> */
    XSS_DECLARATION, /* <!text> */
    XSS_INSTRUCTION, /* <?text> */
};

struct xss_token {
    enum xss_kind kind;
    struct span name;  /* of a tag or attribute; the text of the others */
    struct span value; /* of an attribute; at == NULL: it has none */
};

struct xss_lexer {
    struct span text;
    size_t at;
    bool in_tag;
};

/* False: the text does not leave the place. */
bool xss_lexer_init(struct xss_lexer *lexer, struct span text, enum xss_place place);
struct xss_token xss_next(struct xss_lexer *lexer);

#endif
