/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a head, in order, as they came. RFC 9110 5. Names compare without ASCII case. */
#ifndef SIDEGATE_SIDECAR_HTTP_FIELDS_H
#define SIDEGATE_SIDECAR_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

struct fields {
    struct pair *at; /* in the arena of who made it; text is borrowed */
    size_t count, size;
};

/* Appends; false: the arena is full. Values are not copied. */
bool fields_add(struct fields *fields, struct arena *arena, struct span name, struct span value);
/* The first value of that name; at == NULL: absent. */
struct span fields_get(const struct fields *fields, struct span name);
/* The value of the first cookie of that name, case and all; at == NULL: there is none. RFC 6265 5.4
 */
struct span fields_cookie(const struct fields *fields, struct span name);
/* How often it occurs. */
size_t fields_count(const struct fields *fields, struct span name);
/* Takes every field of that name out; returns how many. */
size_t fields_remove(struct fields *fields, struct span name);
/* The same, and every field that a backend may take for it: some read '_' in a name as '-'. */
size_t fields_remove_alike(struct fields *fields, struct span name);
/* Replaces all by one. */
bool fields_set(struct fields *fields, struct arena *arena, struct span name, struct span value);
/* Does a list-valued field (Connection, Transfer-Encoding) hold this member, without case? Over all
 * its lines. */
bool fields_have_token(const struct fields *fields, struct span name, struct span token);
/* Takes out the hop-by-hop fields: Connection and every field it names, Keep-Alive,
 * Proxy-Connection, TE, Transfer-Encoding, Upgrade, Trailer (kept where `keep_trailer`),
 * Proxy-Authenticate, Proxy-Authorization. RFC 9110 7.6.1 */
void fields_remove_hop_by_hop(struct fields *fields, bool keep_trailer);

bool http_is_token(struct span text);     /* RFC 9110 5.6.2 */
struct span http_reason(unsigned status); /* "Not Found"; "" for an unknown one */

#endif
