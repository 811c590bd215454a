/* SPDX-License-Identifier: Apache-2.0 */
/* From a rule's target to the values that it looks at. */
#ifndef SIDEGATE_RULES_VALUES_H
#define SIDEGATE_RULES_VALUES_H

#include "rules/transaction.h"

/* The values of the target's variable. What the selector asks for is among them; the caller
 * filters with target_selects(). A single value is put into `slot`, which must live as long as the
 * answer is used. Absent: count 0. */
struct values values_of(struct inspection *tx, const struct target *target, struct pair *slot);
/* Does the target's selector (all, name, pattern) name this value? Names differ beyond ASCII case
 * only. */
bool target_selects(struct inspection *tx, const struct target *target, const struct pair *value);
/* ARGS:id, REQUEST_URI, &ARGS: as logs and MATCHED_VAR_NAME say it. */
struct span value_name(struct inspection *tx, const struct target *target,
                       const struct pair *value);
/* The first value of VARIABLE or VARIABLE.key; at NULL where there is none. For macros. */
struct span value_first(struct inspection *tx, enum variable variable, struct span key);
/* A body or a response has come: what was computed before may be stale. */
void values_forget(struct inspection *tx);

/* Takes target and fields apart. */
void request_view_set(struct inspection *tx, const struct inspection_request *request);
/* REQUEST_FILENAME: raw in phase 1, percent-decoded from phase 2 on, as ModSecurity 2 sees it in
 * Apache and the CRS expects it. */
struct span request_path(struct inspection *tx);
struct span request_basename(struct inspection *tx); /* behind its last slash */
/* The first field of that name; at NULL: none. */
struct span field_value(const struct pair *fields, size_t count, struct span name);

/* The lists that values.c asks for, computed when a rule first wants them. */
struct values list_cookies(struct inspection *tx);
struct values list_arguments(struct inspection *tx);
struct values list_names(struct inspection *tx, struct values of);
/* Names of arguments, and behind them those of the body's objects and arrays, the inner ones first.
 */
struct values list_with_containers(struct inspection *tx, struct values names);
/* The object or array that this value of ARGS_NAMES or ARGS_POST_NAMES is called by; NULL: it is an
 * argument's name, or another variable's value. */
const struct pair *container_of(const struct inspection *tx, enum variable variable,
                                const struct pair *value);
/* Did the rule match a name below this container already? Then the container's says nothing new. */
bool container_is_spoken_for(const struct inspection *tx, enum variable variable,
                             const struct pair *value);
struct values list_files(struct inspection *tx, enum variable variable);
struct values list_multipart(struct inspection *tx, enum variable variable);
struct values list_rule(struct inspection *tx);
struct values list_xml(struct inspection *tx);
/* The request body as a tree; NULL: it is no well-formed XML. */
struct xml_tree *xml_document(struct inspection *tx);
/* What an expression selects in it. */
struct values list_expression(struct inspection *tx, const struct target *target);
uint64_t arguments_bytes(struct inspection *tx);
uint64_t files_bytes(const struct inspection *tx);
/* Line, header and body as one text. */
struct span full_request(struct inspection *tx);
/* One of the TIME variables. */
struct span clock_text(struct inspection *tx, enum variable variable);
struct span number_text(struct inspection *tx, uint64_t number);

#endif
