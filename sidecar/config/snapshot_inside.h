/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a snapshot, for snapshot.c (what is made of the parts) and snapshot_parts.c (the
 * parts, each by a hash of what it was made from). */
#ifndef SIDEGATE_SIDECAR_CONFIG_SNAPSHOT_INSIDE_H
#define SIDEGATE_SIDECAR_CONFIG_SNAPSHOT_INSIDE_H

#include <stdatomic.h>

#include "sidecar/config/snapshot.h"

struct part { /* counted: who has it may keep it */
    _Atomic unsigned count;
    uint64_t hash; /* of what it was made from */
    void *value;
    void (*free)(void *value);
};

struct rules_value {
    uint64_t key; /* of the settings that named the files */
    struct rule_files *files;
    struct ruleset *ruleset; /* NULL: no rules */
};

struct snapshot_parts {
    struct snapshot snapshot;  /* what others see of it */
    struct settings effective; /* the part's, after directives of the rules had their word */
    _Atomic unsigned count;
    struct part *settings, *rules, *routes, *ip_lists, *live_sets, *geo, *rates, *tls, *key_sets,
        *policy, *web_acls, *api_keys, *aws_keys, *remotes;
    struct pattern *audit_status; /* NULL: none */
    struct waf_route *waf_routes;
    struct address_set *ip_sets;
};

/* Fills in what a configuration comes to; what `before` (may be NULL) has the same of is shared.
 * False: something is wrong, and said; then parts may be missing. */
bool snapshot_parts_build(struct snapshot_parts *parts, const struct settings_source *source,
                          const struct snapshot *before, struct faults *faults);
/* Fills in those of `before`, some of them read again: snapshot_renew(). False: nothing has
 * changed. */
bool snapshot_parts_renew(struct snapshot_parts *parts, const struct snapshot *before,
                          unsigned which, struct faults *faults);
/* Gives all of them back, and itself. */
void snapshot_parts_free(struct snapshot_parts *parts);

/* SecGeoLookupDb stands for country_db where the settings name no place's database. */
void snapshot_settle_geo(struct settings *settings, const struct ruleset *ruleset,
                         struct faults *faults);

#endif
