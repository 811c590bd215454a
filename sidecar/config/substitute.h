/* SPDX-License-Identifier: Apache-2.0 */
/* ${NAME} and ${NAME:-default} inside a scalar, after parsing, so that no value adds structure.
 * "$${" is a literal "${". A name with a dot (${stageVariables.x}) is left alone. As in a shell, a
 * default stands for a variable that is unset or empty. */
#ifndef SIDEGATE_SIDECAR_CONFIG_SUBSTITUTE_H
#define SIDEGATE_SIDECAR_CONFIG_SUBSTITUTE_H

#include "rules/base/arena.h"
#include "rules/base/span.h"

enum substitute_fault {
    SUBSTITUTE_UNSET,    /* no such variable, and no default */
    SUBSTITUTE_UNCLOSED, /* no closing brace */
    SUBSTITUTE_NAMELESS, /* what stands between the braces is no name */
};

struct substitution {
    const char *(*environment)(void *context, const char *name); /* NULL: unset */
    void *context;
    /* `what` lies in the text: from the dollar sign to the closing brace, or as far as it goes. */
    void (*on_fault)(void *to, enum substitute_fault fault, struct span what);
    void *to;
};

/* Terminated, in `arena`; what is at fault stays as it was written. */
struct span substitute(const struct substitution *how, struct arena *arena, struct span text);

#endif
