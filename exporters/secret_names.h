/* SPDX-License-Identifier: Apache-2.0 */
/* What is a secret by its name: of an argument, a member, an element, a cookie, a field. How a name
 * is written does not save it: case, apiKey, api_key and api-key, percent-encoding. */
#ifndef SIDEGATE_EXPORTERS_SECRET_NAMES_H
#define SIDEGATE_EXPORTERS_SECRET_NAMES_H

#include <stdbool.h>

#include "rules/base/span.h"

/* Does the name of an argument, a member or a cookie (as it came, percent-encoded or not) announce
 * a secret? One part of it is enough: of user[password][0], json.password.value and ns:password
 * all. */
bool name_is_secret(struct span name);

/* Does a header field of this name carry credentials: Authorization, Cookie, Set-Cookie, an API
 * key, a token? */
bool field_is_secret(struct span name);

/* One of both, of a name that stands in a text. */
bool text_name_is_secret(struct span name);

/* Does the variable of a rule hold one: ARGS:password, REQUEST_HEADERS:Authorization, any of
 * REQUEST_COOKIES? Those of names, as ARGS_NAMES, hold none. */
bool variable_is_secret(struct span variable);

/* Is the value of a secret's name none: yes or no (true, off, 1, null..) of what only begins as one
 * (passwordEnabled)? */
bool value_is_harmless(struct span name, struct span value);

/* Can a name that is one word (no dots, brackets, escapes) be a secret's by its first and last
 * letters? Most are none. */
bool name_may_be_secret(struct span name);

/* Is it the member of an object whose value says whose its `value` is: name, key, path? */
bool name_names_value(struct span name);

/* Percent undone; `to` has room for the text, or is where it stands. */
struct span percent_undone(struct span text, char *to);

#endif
