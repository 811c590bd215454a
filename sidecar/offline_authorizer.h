/* SPDX-License-Identifier: Apache-2.0 */
/* The route's authorizer and what it says, and its API key, offline: the rows authenticate,
 * authorize, key and gather_rest. What would have to ask another server is not asked, and says so.
 */
#ifndef SIDEGATE_SIDECAR_OFFLINE_AUTHORIZER_H
#define SIDEGATE_SIDECAR_OFFLINE_AUTHORIZER_H

#include "sidecar/exchange/authorizer.h"

struct offline_authorizer {
    struct authorizer_question question;
    struct span body; /* all of it */
    struct decisions *decisions;
    struct authorized who;
    struct span unasked; /* its name, where it has to ask another server */
    /* where it refuses */
    unsigned status;
    const char *error;
};
/* For a route that has an authorizer, or wants a key. False: the request is refused. Decisions say
 * who that is, too. */
bool offline_authorize(struct offline_authorizer *run);

#endif
