/* SPDX-License-Identifier: Apache-2.0 */
/* The values in a text, of any kind, whose names announce secrets, and the users of addresses, one
 * after the other from the left. */
#ifndef SIDEGATE_EXPORTERS_NAMED_VALUES_H
#define SIDEGATE_EXPORTERS_NAMED_VALUES_H

#include "exporters/secret_values.h"
#include "rules/base/span.h"

/* Begins with its text and nothing else. */
struct named_values {
    struct span text;
    size_t at;          /* what is before it has been looked at */
    size_t floor;       /* no name begins before it: a cut ends there */
    size_t tag;         /* up to there attributes belong to an element that is a secret */
    struct cut content; /* what stands further on, and is known already: of an element, a part */
    size_t due;         /* the first sign from there on is behind the beginning of that */
};

/* The next one; none: there are no more. */
struct cut named_values_next(struct named_values *scan);

#endif
