/* SPDX-License-Identifier: Apache-2.0 */
/* What rules have named as secret (sanitiseArg, sanitiseRequestHeader...), and what is one by its
 * name or by how it reads (mask.h), is taken out of a report before anything is made of it: no log,
 * span or ring ever holds it. */
#ifndef SIDEGATE_EXPORTERS_SANITISE_H
#define SIDEGATE_EXPORTERS_SANITISE_H

#include "exporters/report.h"
#include "rules/base/arena.h"

/* `secrets`: each a variable (may be empty) and a text (may be empty). Variables: "ARGS:password"
 * (ARGS_GET and ARGS_POST mean the same), "REQUEST_HEADERS:Authorization",
 * "RESPONSE_HEADERS:Set-Cookie", "REQUEST_COOKIES:sid", "REQUEST_BODY"; case does not matter. Where
 * the value stands (target, query, form, head, cookie, matches) MASK stands instead, and wherever
 * else it turns up, decoded or not, too. A body that is no form is hidden whole where an argument
 * is named or its text may be escaped, and so is one in a content coding. What nobody named is
 * masked where it stands: arguments, fields, cookies, members of bodies and variables of matches by
 * their names, tokens and keys by how they read. The report's spans then borrow from the arena; one
 * that is full gives empty texts, never a secret: where there was no memory to find them all, every
 * text that may hold one is hidden whole. */
void report_sanitise(struct report *report, const struct pair *secrets, size_t count,
                     struct arena *arena);

#endif
