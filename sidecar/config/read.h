/* SPDX-License-Identifier: Apache-2.0 */
/* From the merged tree into struct settings, by the option table; then what no single value can
 * know. Everything that is wrong goes to the faults. */
#ifndef SIDEGATE_SIDECAR_CONFIG_READ_H
#define SIDEGATE_SIDECAR_CONFIG_READ_H

#include "sidecar/config/values.h"

/* Defaults first, then what is written. */
void read_tree(struct reading *reading);
/* Was something at the node, or below it, refused when it was read? What seems to be missing there
 * may be only that. */
bool reading_refused(const struct reading *reading, const struct node *node);
/* The same of one key of a map, or of a key that was refused and is near to it. NULL: false. */
bool reading_refused_key(const struct reading *reading, const struct node *map, const char *key);

/* check.c: names that stand twice, what is missing, what contradicts itself. Fills in what follows
 * from other values (the only upstream, a listener's name). */
void settings_check(struct reading *reading);
/* check_guard.c: the same of the access list and the lists of addresses. */
void guard_check(struct reading *reading);
/* check_rates.c: the same of limits on how often something comes. */
void rates_check(struct reading *reading);
/* check_usage_plans.c: and of API keys; after limits, whose stores come first. */
void usage_plans_check(struct reading *reading);
/* check_otlp.c: what is exported where. */
void otlp_check(struct reading *reading);
void sinks_check(struct reading *reading); /* check_sinks.c */
/* check_xray.c: and of what X-Ray gets. */
void xray_check(struct reading *reading);
/* check_tls.c: and of TLS. */
void tls_check(struct reading *reading);
/* check_effect.c: warns of what has no effect; check_files.c: of files that could not be written.
 */
void effect_check(struct reading *reading);
void filters_effect_check(
    struct reading *reading); /* check_filters.c: the same of metric filters */
/* check_requests.c: and of requests that nobody sends, by their method or path. */
void requests_effect_check(struct reading *reading);
/* The standard method that one is nearly; NULL: it is one, or a name of its own. */
const char *request_method_meant(struct span method);
void files_check(struct reading *reading);

/* check_authorizers.c: the same of authorizers and of routes that name them. */
void authorizers_check(struct reading *reading);
/* check_remote.c: authorizers that are asked elsewhere. */
void remote_authorizers_check(struct reading *reading);
/* Means the option something to this one? By its type and where its keys come from. */
bool authorizer_takes(const struct authorizer_settings *settings, struct span option);
/* check_key_sources.c: where one has its keys from; settles what follows. */
void key_source_check(struct reading *reading, struct authorizer_settings *settings,
                      const struct node *node);
bool key_source_is_for_fetching(struct span option);
/* http://, and not to this machine. */
bool url_is_open(struct span url);

#endif
