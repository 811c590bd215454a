/* SPDX-License-Identifier: Apache-2.0 */
/* The one place that lets go of what an exchange holds, whatever happened to it. */
#include "sidecar/exchange/authorizer_call.h"
#include "sidecar/upstream/call.h"

void exchange_release_server(struct exchange *x)
{
    if (x->ticket.pool != NULL) {
        pool_drop(&x->ticket);
        x->ticket.pool = NULL;
    }
    if (x->server == NULL)
        return;
    struct report_attempt *attempt = &x->attempts[x->attempt_count - 1];
    if (attempt->duration_us == 0)
        attempt->duration_us = loop_clock_us(x->around->loop) - x->began_us - attempt->start_us;
    if (x->upload.state == PUMP_RUNNING)
        x->upload.state = PUMP_OFF; /* the rest of the body is the connection's to drain */
    if (x->download.state == PUMP_RUNNING && x->download.from == &x->server->body)
        x->download.state = PUMP_BROKEN;
    x->server->wake = NULL;
    x->server->ops->release(x->server);
    x->server = NULL;
}

static void release_client(struct exchange *x)
{
    if (x->client == NULL)
        return;
    x->client->wake = NULL;
    x->client->ops->release(x->client, x->answer_is_whole);
    x->client = NULL;
}

void exchange_let_go(struct exchange *x)
{
    timer_disarm(&x->row_clock);
    timer_disarm(&x->whole_clock);
    timer_disarm(&x->pump_clock);
    task_cancel(&x->task);
    list_remove(&x->behind);
    exchange_release_server(x);
    release_client(x);
    inspection_end(x->inspection);
    arena_free(x->inspection_arena);
    x->around->held_bytes -= x->prefix.size + x->whole.bytes.size + x->answer_prefix.size +
                             body_decoding_held_bytes(&x->decoding) +
                             body_decoding_held_bytes(&x->answer_decoding);
    body_decoding_fini(&x->decoding);
    body_decoding_fini(&x->answer_decoding);
    authorizer_call_leave(x);
    if (x->remote.answer != NULL)
        kept_give(&x->remote.answer->kept);
    sigv4_payload_free(x->whole.payload);
    buf_fini(&x->whole.bytes);
    buf_fini(&x->prefix);
    buf_fini(&x->answer_prefix);
    if (x->counted_in_flight)
        atomic_fetch_sub_explicit(x->around->in_flight, 1, memory_order_relaxed);
    list_remove(&x->link);
    x->around->exchange_count--;
    x->around->active[x->active_place].now--;
    snapshot_give(x->snapshot);
    arena_free(x->arena); /* and with it x */
}
