/* SPDX-License-Identifier: Apache-2.0 */
/* Values whose own names say nothing, but what stands beside them:
 * {"name":"password","value":".."}, name=password&value=.., <name>password</name><value>..</value>,
 * <input name="password" value="..">, parts of multipart forms; in either order. Both are looked
 * for only near each other, so that nobody can make a search of every name. */
#ifndef SIDEGATE_EXPORTERS_SECRET_BESIDE_H
#define SIDEGATE_EXPORTERS_SECRET_BESIDE_H

#include "exporters/secret_values.h"
#include "rules/base/span.h"

/* What a parameter is for those beside it: `name`, `key`, `id`, `path` and `field` name, `value`
 * and `values` say. */
struct beside {
    enum { BESIDE_NOTHING, BESIDE_NAMES, BESIDE_SAYS } role;
    struct span before; /* `params[0][` of params[0][name]: what they have in common */
};

/* By its name, whose brackets may be percent-encoded. */
struct beside beside_of(struct span name);

/* Is what one says that names the name of a secret? `code`, `key`, `pin` and `sid` alone are none:
 * what is sorted and filtered by has such names. */
bool beside_names_secret(struct span said);

/* Can a name that has neither brackets nor escapes be `values`? Most are not; `value` is one that
 * name_may_be_secret() lets pass. */
static inline bool plain_name_may_say(struct span name)
{
    enum { LEN = 6 };
    return name.len >= LEN && (name.at[name.len - 1] | ' ') == 's' &&
           (name.at[name.len - LEN] | ' ') == 'v';
}

/* Is the value of that parameter of a query or a form a secret by one beside it? '&' and ';'
 * part them, and what ends with them (&amp;), and a '&' as JSON may write it (\u0026). */
bool parameter_is_named(struct span text, struct span name);

/* At a '=' or ':' behind `name`: the secret value that is there, or beside it. None: there is none.
 */
struct cut beside_sign(struct span text, size_t at, struct span name);

/* Likewise at the '<' of an element `name`. */
struct cut beside_tag(struct span text, size_t at, struct span name);

#endif
