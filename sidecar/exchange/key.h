/* SPDX-License-Identifier: Apache-2.0 */
/* Whose API key a request brings, the same for the running program and for explain. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_KEY_H
#define SIDEGATE_SIDECAR_EXCHANGE_KEY_H

#include "sidecar/exchange/authorizer.h"
#include "sidecar/guard/api_key.h"
#include "sidecar/guard/usage_plan.h"

struct key_found {
    const struct api_key *key;              /* NULL: none that is known */
    const struct usage_plan_settings *plan; /* whose limits hold; NULL: the request is not let in */
};

/* Has the route to ask for a key? */
bool key_is_wanted(const struct snapshot *snapshot, const struct route *route);
/* Adds the decision where the key is not good; `stage`: static text. False: the request is refused
 * with GATEWAY_INVALID_API_KEY; true: it is good, or the settings let it pass all the same. */
bool key_ask(const struct authorizer_question *question, const struct authorized *who,
             const char *stage, struct key_found *found, struct decisions *decisions);

#endif
