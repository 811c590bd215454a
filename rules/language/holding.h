/* SPDX-License-Identifier: Apache-2.0 */
/* What a ruleset owns: its arena, and what cannot lie in one. */
#ifndef SIDEGATE_RULES_LANGUAGE_HOLDING_H
#define SIDEGATE_RULES_LANGUAGE_HOLDING_H

#include "rules/base/arena.h"
#include "rules/language/rows.h"
#include "rules/language/ruleset.h"

struct holding {
    struct arena *arena;
    struct rows operators; /* of struct operator * */
    struct rows patterns;  /* of struct pattern * */
};
void holding_init(struct holding *holding);
void holding_fini(struct holding *holding);

struct loaded {
    struct ruleset ruleset; /* first: what others see */
    struct holding holding; /* the arena holds this struct too */
    struct rows rules;      /* of const struct rule *, by id */
};

#endif
