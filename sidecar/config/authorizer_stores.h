/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers that are asked elsewhere, ready to be asked: a part of a snapshot. One that is still
 * what it was, by its name and its settings, keeps its answers over a reload. */
#ifndef SIDEGATE_SIDECAR_CONFIG_AUTHORIZER_STORES_H
#define SIDEGATE_SIDECAR_CONFIG_AUTHORIZER_STORES_H

#include "sidecar/config/settings.h"
#include "sidecar/guard/identity_source.h"

struct pattern;
struct pulse;
struct results;

struct remote_authorizer {
    struct span url; /* terminated: where the event is posted */
    struct identity_source identity[IDENTITY_SOURCES_MOST];
    size_t identity_count;
    bool needs_identity;              /* who lacks it is refused without a call */
    const struct pattern *validation; /* of the whole first identity; NULL: any will do */
    struct results *results;          /* NULL: answers are not kept */
};

struct authorizer_stores;

/* `before` may be NULL. */
struct authorizer_stores *authorizer_stores_new(const struct settings *settings,
                                                const struct authorizer_stores *before);
void authorizer_stores_free(struct authorizer_stores *stores); /* NULL allowed */
/* In the order of the settings; NULL: of another type. */
const struct remote_authorizer *const *authorizer_stores_at(const struct authorizer_stores *stores);
/* In the same order, of every type. */
struct pulse *authorizer_stores_pulses(const struct authorizer_stores *stores);

#endif
