/* SPDX-License-Identifier: Apache-2.0 */
/* All that is built from the configuration, frozen and swapped whole: a table of parts, each keyed
 * by a hash of what it was made from and counted, so that a reload shares what has not changed and
 * never compiles it again.
 *
 *   snapshot --> settings   rules (the ruleset and its options)   routes (the matcher)
 *            `-> ip_lists (addresses)   geo (databases)   policy (of the API)
 *            `-> tls (what listeners present) */
#ifndef SIDEGATE_SIDECAR_CONFIG_SNAPSHOT_H
#define SIDEGATE_SIDECAR_CONFIG_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/fault.h"
#include "rules/inspection.h"
#include "sidecar/config/routes.h"
#include "sidecar/config/settings.h"

struct ruleset;
struct address_set;
struct aws_keys;
struct key_store;
struct remote_authorizer;
struct tokens;
struct policy;
struct rates;
struct web_acl;
struct api_keys;
struct waf_route; /* exporters/metrics.h */

struct snapshot {
    const struct settings *settings;
    const struct ruleset *ruleset;        /* NULL: no rules */
    struct inspection_options inspection; /* YAML over SecLang */
    const struct pattern *audit_status;   /* which statuses are relevant; NULL: none */
    struct span components;               /* SecComponentSignature */
    struct span web_app_id, sensor_id;    /* SecWebAppId, SecSensorId */
    const struct routes *routes;
    bool waf_effective; /* rules may refuse requests, where a route does not say otherwise */
    const struct waf_route *waf_routes; /* those that do say */
    size_t waf_route_count;
    const struct address_set *ip_sets;              /* in the order of the settings */
    struct key_store *const *key_stores;            /* of authorizers, in their order: key_sets.h */
    struct tokens *const *tokens;                   /* that were found good; in the same order */
    const struct remote_authorizer *const *remotes; /* in the same order; NULL: of other types */
    struct pulse *pulses;                           /* likewise, of all: of those that are asked */
    const struct aws_keys *aws_keys;                /* for sigv4; none where no file is named */
    const struct geo *geo;                          /* NULL: no database is named */
    const struct api_keys *api_keys;                /* NULL: none, or they could not be read */
    const struct policy *resource_policy;           /* NULL: none is named */
    const struct web_acl *const *web_acls; /* one for each entry of the access list, or NULL */
    size_t web_acl_body_bytes;             /* how much of a body they look at */
    struct rates *const *rates;            /* by rate_settings.store */
    struct tls_server *const *tls_servers; /* in the order of the listeners; NULL: without TLS */
    struct tls_client *const *tls_clients; /* in the order of the upstreams; NULL: without TLS */
    const struct certificate_expiry *certificates;
    size_t certificate_count;
    uint64_t number;              /* of this process, from 1 */
    uint64_t hash;                /* of everything */
    struct snapshot_parts *parts; /* who shares what */
};

/* Builds one; parts that `before` (may be NULL) holds already are shared. NULL where there are
 * errors among the faults. Warnings say which of YAML and SecLang won. May be called on a thread of
 * its own. */
struct snapshot *snapshot_build(const struct settings_source *source, const struct snapshot *before,
                                struct faults *faults);
/* What may change by itself, each looked at for itself. */
enum renewal { RENEW_TLS, RENEW_IP_LISTS, RENEW_GEO, RENEW_API_KEYS, RENEWALS };

/* The same settings with those files read again: `which` has a bit (1 << enum renewal) each. What
 * is broken stays as it was, with its errors among the faults. NULL: nothing that could be taken
 * over has changed. */
struct snapshot *snapshot_renew(const struct snapshot *before, unsigned which,
                                struct faults *faults);
/* As of tls_parts.h: changes where one of its files may have; how often to look, 0: never. */
uint64_t snapshot_stamp(const struct snapshot *snapshot, enum renewal renewal);
uint64_t snapshot_refresh_us(const struct snapshot *snapshot, enum renewal renewal);
/* Counted, from any thread. The last one gives everything back on the thread that calls it. */
struct snapshot *snapshot_take(struct snapshot *snapshot);
void snapshot_give(struct snapshot *snapshot); /* NULL allowed */
/* How many are alive in this process: at most 8. */
unsigned snapshots_alive(void);

#endif
