/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by route: what an inspection is told before its first rule. One ruleset is compiled for all
 * routes; what a route says of the CRS's levels, and the canonical path, are handed in as variables
 * of TX that rules made from the settings read (rule_load.c, exclusions.c):
 *
 *   routes[].rules.crs.paranoia: 2 --> TX:sidegate_paranoia = 2 --> rule 9990001 behind
 * crs-setup.conf
 *   the canonical path             --> TX:sidegate_path         --> exclusions with a path */
#ifndef SIDEGATE_SIDECAR_CONFIG_ROUTE_RULES_H
#define SIDEGATE_SIDECAR_CONFIG_ROUTE_RULES_H

#include "sidecar/config/snapshot.h"

/* What decides for a request. */
struct route_choice {
    const struct route *route; /* NULL: none fits */
    struct span path;          /* canonical */
    bool doubtful; /* a backend may read the path differently, and serve another route */
};

/* Whether rules look at such a request, and whether they refuse; OFF where none are loaded. A
 * doubtful path gets no less than what holds for all. */
enum rule_engine route_rules_engine(const struct snapshot *snapshot,
                                    const struct route_choice *choice);
/* The snapshot's options with that engine. */
struct inspection_options route_rules_options(const struct snapshot *snapshot,
                                              const struct route_choice *choice);
/* Hands the variables over, once, before the first phase. No exclusion with a path acts on a
 * doubtful one. */
void route_rules_tell(struct inspection *inspection, const struct snapshot *snapshot,
                      const struct route_choice *choice);

#endif
