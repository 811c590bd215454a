/* SPDX-License-Identifier: Apache-2.0 */
/* match: what is refused although it parses, refused here and not before, so that the rules saw it
 * first and their verdict (and their log) comes before ours. */
#include "sidecar/exchange/inside.h"

enum step stage_match(struct exchange *x)
{
    const struct client *client = x->client;
    if (client->refusal.status != 0) {
        x->own.close = true;
        return answer_with(x, client->refusal.status, client->refusal.why);
    }
    if (x->target.form == TARGET_WRONG)
        return answer_with(x, 400, "bad_target");
    if (x->target.form == TARGET_AUTHORITY) {
        x->own.close = true; /* what was sent ahead is meant for a tunnel, and is no request */
        return answer_with(x, 501, "connect_not_supported");
    }
    if (x->path_doubts != 0 && !x->settings->limits.pass_doubtful_paths)
        return answer_with(x, 400, "doubtful_path");
    /* An upgrade that we do not speak is ignored (RFC 9110 7.8), but a WebSocket client can do
     * nothing with an answer to a plain GET: it is told. */
    if (fields_have_token(&client->head->fields, SPAN("upgrade"), SPAN("websocket")) &&
        fields_have_token(&client->head->fields, SPAN("connection"), SPAN("upgrade")))
        return answer_with(x, 501, "websocket_not_supported");
    if (x->route == NULL)
        return answer_with(x, 404, "no_route");
    return STEP_NEXT;
}
