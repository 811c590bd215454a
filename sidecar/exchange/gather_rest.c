/* SPDX-License-Identifier: Apache-2.0 */
/* gather_rest: the whole body, where a signature says what it has to be; before anything of it goes
 * to the backend. authenticate gathers it by the same way where it cannot do without. */
#include "sidecar/exchange/gather.h"

#include "sidecar/exchange/stages.h"

/* ---- the request's body ---- */

enum source_state gather_take(struct exchange *x, struct source *from, struct buf *to,
                              uint64_t limit)
{
    for (;;) {
        struct span bytes = from->ops->peek(from);
        if (bytes.len == 0 || to->len >= limit)
            return from->ops->state(from);
        bytes = span_first(bytes, (size_t)limit - to->len);
        size_t before = to->size;
        bool added = buf_add(to, bytes);
        x->around->held_bytes += to->size - before;
        if (!added)
            return SOURCE_BROKEN;
        from->ops->consume(from, bytes.len);
    }
}

void gather_invite(struct exchange *x)
{
    struct client *client = x->client;
    if (!client->head->expects_continue || x->continue_sent)
        return;
    struct answer_head interim = {.status = 100};
    client->ops->send_interim(client, &interim);
    x->continue_sent = true;
}

bool gathered_is_whole(const struct exchange *x)
{
    return x->prefix_is_whole || x->whole.is_whole;
}

struct span gathered_bytes(const struct exchange *x)
{
    return buf_span(x->whole.is_whole ? &x->whole.bytes : &x->prefix);
}

struct span gathered_hash(const struct exchange *x)
{
    if (x->client->head->body_length == 0)
        return SPAN("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    return gathered_is_whole(x) && x->whole.payload != NULL ? span_make(x->whole.hash, SHA256_HEX)
                                                            : span_make(NULL, 0);
}

/* ---- all of it ---- */

static enum step too_large(struct exchange *x, uint64_t most)
{
    x->own.close = true;
    x->own.gateway_body =
        arena_format(x->arena, "{\"message\":\"HTTP content length exceeded %llu bytes\"}",
                     (unsigned long long)most);
    return answer_gateway(x, GATEWAY_REQUEST_TOO_LARGE, "body_too_large");
}

static uint64_t most_bytes(const struct exchange *x)
{
    uint64_t most = x->authorizer.settings->body_bytes;
    return most < x->settings->limits.body_bytes ? most : x->settings->limits.body_bytes;
}

/* The prefix stays what rules and logs know. False: there is no memory for it. */
static bool begin(struct exchange *x, uint64_t most)
{
    buf_init(&x->whole.bytes, (size_t)most);
    if (!x->prefix_is_whole && !buf_add(&x->whole.bytes, buf_span(&x->prefix)))
        return false;
    x->around->held_bytes += x->whole.bytes.size;
    sigv4_payload_feed(x->whole.payload, buf_span(&x->prefix));
    row_clock_arm(x, x->settings->timeouts.body_idle_us);
    return true;
}

static enum step take_rest(struct exchange *x, uint64_t most)
{
    struct source *body = &x->client->body;
    struct buf *to = &x->whole.bytes;
    size_t before = to->len;
    enum source_state state = gather_take(x, body, to, most);
    sigv4_payload_feed(x->whole.payload, span_from(buf_span(to), before));
    if (state == SOURCE_BROKEN)
        return answer_with(x, 400, "request_body_broken");
    x->whole.is_whole = state == SOURCE_ENDED;
    if (x->whole.is_whole)
        return STEP_NEXT;
    if (to->len >= most && body->ops->peek(body).len > 0)
        return too_large(x, most);
    if (x->row_is_late)
        return answer_with(x, 408, "request_body_timeout");
    if (to->len > before)
        row_clock_arm(x, x->settings->timeouts.body_idle_us);
    if (to->len == 0)
        gather_invite(x);
    return STEP_WAIT;
}

enum step gather_whole(struct exchange *x, const struct sigv4_claim *claim,
                       const struct sigv4_key *key)
{
    int64_t length = x->client->head->body_length;
    uint64_t most = most_bytes(x);
    if (x->whole.payload == NULL) {
        if ((length > 0 && (uint64_t)length > most) || x->prefix.len > most)
            return too_large(x, most);
        x->whole.payload = sigv4_payload_new(claim, key);
        if (!begin(x, most))
            return answer_with(x, 400, "request_body_broken");
    }
    bool at_hand = x->prefix_is_whole || length == 0;
    enum step step = at_hand ? STEP_NEXT : take_rest(x, most);
    x->whole.is_awaited = step == STEP_WAIT;
    if (step == STEP_NEXT)
        x->whole.is_good = sigv4_payload_end(x->whole.payload, x->whole.hash);
    return step;
}

enum step stage_gather_rest(struct exchange *x)
{
    enum step step = gather_whole(x, x->authorizer.signature.claim, x->authorizer.signature.key);
    if (step != STEP_NEXT || x->whole.is_good)
        return step;
    return authorizer_refuse(x, &authorizer_body_changed);
}
