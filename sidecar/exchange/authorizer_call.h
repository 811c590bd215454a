/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers that are being asked, of one worker: requests with the same identity, or the same
 * token, share a call where its answer would be kept for them anyway. Who joins waits no longer
 * than the call has left of its time.
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
struct call_answer;
struct call_request;

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
/* Likewise of introspection, whose answers each waiter reads for itself. Joins a call of the same
 * authorizer about this token; false: there is none. */
bool authorizer_call_join_token(struct exchange *x, struct span token);
/* Begins one and joins it; `token` is what others may join it by, at == NULL: nobody may. False:
 * too many are under way. */
bool authorizer_call_ask(struct exchange *x, const struct call_request *request, struct span token);
/* NULL: it is still under way. Lives until the exchange leaves. */
const struct call_answer *authorizer_call_answer(const struct authorizer_call *call);
uint64_t authorizer_call_began_us(const struct authorizer_call *call); /* loop_clock_us() */

/* What the call came to, for who has joined it; NULL: it is still under way. Lives until the
 * exchange leaves. */
const struct authorizer_verdict *authorizer_call_verdict(const struct authorizer_call *call);
/* What report and span say of it. */
struct report_attempt authorizer_call_attempt(const struct authorizer_call *call);
/* Leaves the exchange's call; none: nothing. */
void authorizer_call_leave(struct exchange *x);

#endif
