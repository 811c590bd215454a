/* SPDX-License-Identifier: Apache-2.0 */
/* Does a text read as HTML that was meant to run script?
 *
 * A value can stand in five places of a page: in the text, in an attribute's value without quotes,
 * or in one with ' " or `. For each place that the value could leave, what follows is cut into
 * tags, attributes and comments as browsers do (xss_tokens), and each piece is held against the
 * tables:
 *
 *   text       <svg onload=alert(1)>        tags that run or load script
 *   any place  " onfocus=alert(1) x="       event attributes; unknown ones where the value calls
 *              href=java&#115;cript:x()     values that are script, after entities and white space
 *              style="x:expression(..)"     styles that are script
 *   text       <!--[if ..  <!ENTITY ..      comments and declarations that old browsers act on
 *
 * A tag or attribute that is only unusual (style="color:red", <!DOCTYPE html>, onion=3) is none. */
#ifndef SIDEGATE_RULES_MATCH_XSS_H
#define SIDEGATE_RULES_MATCH_XSS_H

#include <stdbool.h>

#include "rules/base/span.h"

struct xss_finding {
    const char
        *decision;    /* "tag", "event", "url", "style", "attribute", "comment", "declaration" */
    struct span part; /* of the text: the tag's or attribute's name */
};

/* `finding` may be NULL. Linear in the text; no memory. */
bool xss_detect(struct span text, struct xss_finding *finding);

#endif
