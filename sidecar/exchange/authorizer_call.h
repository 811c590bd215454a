/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers that are being asked, of one worker: requests with the same identity share a call
 * where its answer would be kept for them anyway.
 *
 *   exchange --.
 *   exchange --+--> authorizer_call --> call (sidecar/upstream/call.h)
 *   exchange --'        `-- answered: kept (sidecar/state/results.h), and all are woken
 *
 * Who leaves before that gives a call up that nobody else waits for, unless its answer is kept. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_AUTHORIZER_CALL_H
#define SIDEGATE_SIDECAR_EXCHANGE_AUTHORIZER_CALL_H

#include "sidecar/exchange/inside.h"
#include "sidecar/guard/authorizer_answer.h"
#include "sidecar/state/results.h"

struct authorizer_call;

/* What is asked. */
struct authorizer_call_request {
    const struct remote_authorizer *remote;
    const struct authorizer_settings *settings; /* both are of the exchange's snapshot */
    const struct results_id *id;                /* NULL: the answer is not kept, nobody shares it */
    struct span event;
};

/* Joins a call that is under way for this identity; false: there is none. */
bool authorizer_call_join(struct exchange *x, const struct remote_authorizer *remote,
                          const struct results_id *id);
/* Begins one and joins it; false: too many are under way. */
bool authorizer_call_begin(struct exchange *x, const struct authorizer_call_request *request);
/* What the call came to, for who has joined it; NULL: it is still under way. Lives until the
 * exchange leaves. */
const struct authorizer_verdict *authorizer_call_verdict(const struct authorizer_call *call);
/* What report and span say of it. */
struct report_attempt authorizer_call_attempt(const struct authorizer_call *call);
/* Leaves the exchange's call; none: nothing. */
void authorizer_call_leave(struct exchange *x);

#endif
