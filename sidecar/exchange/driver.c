/* SPDX-License-Identifier: Apache-2.0 */
/* The driver: the only one that runs stages, moves pumps, stamps rows and keeps the clocks.
 * Sockets, timers and pools only wake an exchange; what they brought is looked at here. */
#include <string.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/exchange/stages.h"

enum { ARENA_BYTES = 1024 * 1024, WORDS_BYTES = 128 };

static void run(struct exchange *x);

static void on_task(struct task *task)
{
    run(list_entry(task, struct exchange, task));
}

void exchange_wake(void *exchange)
{
    struct exchange *x = exchange;
    if (x->running)
        x->woken = true; /* a stage's own doing: it is looked at before the driver stops */
    else
        loop_post(x->around->loop, &x->task);
}

static void on_row_clock(struct timer *timer)
{
    struct exchange *x = list_entry(timer, struct exchange, row_clock);
    x->row_is_late = true;
    exchange_wake(x);
}

static void on_whole_clock(struct timer *timer)
{
    struct exchange *x = list_entry(timer, struct exchange, whole_clock);
    x->whole_is_late = true;
    exchange_wake(x);
}

static void on_pump_clock(struct timer *timer)
{
    struct exchange *x = list_entry(timer, struct exchange, pump_clock);
    x->pump_is_late = true;
    exchange_wake(x);
}

void row_clock_arm(struct exchange *x, uint64_t for_us)
{
    x->row_is_late = false;
    timer_arm(&x->row_clock, loop_now_us(x->around->loop) + for_us);
}

enum step answer_with(struct exchange *x, unsigned status, const char *error)
{
    x->own.status = status;
    x->own.error = error;
    x->error = error;
    return STEP_ANSWER;
}

enum step answer_gateway(struct exchange *x, enum gateway_response_type type, const char *error)
{
    x->own.gateway = gateway_response(type);
    return answer_with(x, x->own.gateway->status, error);
}

/* The end of one row's time is the beginning of the next one's, so that the parts sum to the whole.
 */
static void stamp(struct exchange *x, enum stage_id to)
{
    if (x->visit_count == STAGE_VISITS)
        return;
    uint64_t now_us = loop_clock_us(x->around->loop) - x->began_us;
    if (x->visit_count > 0) {
        struct report_stage *last = &x->visits[x->visit_count - 1];
        last->duration_us = now_us > last->start_us ? now_us - last->start_us : 0;
        now_us = last->start_us + last->duration_us;
    } else {
        now_us = 0; /* read_head began with the first byte */
    }
    x->visits[x->visit_count++] = (struct report_stage){stage_at(to)->name, now_us, 0};
}

static void enter(struct exchange *x, enum stage_id to)
{
    while (to < STAGE_COMPOSE && !stage_at(to)->wanted(x))
        to++;
    timer_disarm(&x->row_clock);
    x->row_is_late = false;
    memset(&x->row, 0, sizeof(x->row));
    x->entered = false;
    x->at = to;
    stamp(x, to);
}

/* The idle time of a pump is its peer's: who does not send, or who does not read. An answer may be
 * silent for longer (event streams), but not be left unread. */
static uint64_t pump_idle_us(const struct exchange *x, const struct pump *pump)
{
    bool silent_backend = pump == &x->download && pump->wait == PUMP_WAITS_FOR_SOURCE;
    return silent_backend ? x->settings->timeouts.stream_idle_us
                          : x->settings->timeouts.body_idle_us;
}

static uint64_t pump_due_us(const struct exchange *x, const struct pump *pump)
{
    if (pump->state != PUMP_RUNNING)
        return UINT64_MAX;
    bool silent_backend = pump == &x->download && pump->wait == PUMP_WAITS_FOR_SOURCE;
    bool full_backend = pump == &x->upload && pump->wait == PUMP_WAITS_FOR_SINK;
    if (full_backend)
        return UINT64_MAX; /* the backend's slowness is the whole exchange's clock's business */
    return pump_deadline(pump, pump_idle_us(x, pump),
                         silent_backend ? 0 : x->settings->timeouts.body_rate);
}

/* One timer for both pumps: it is moved only when it fires too early, not with every byte. */
static void watch_pumps(struct exchange *x)
{
    uint64_t up = pump_due_us(x, &x->upload), down = pump_due_us(x, &x->download);
    uint64_t due = up < down ? up : down;
    if (due == UINT64_MAX)
        timer_disarm(&x->pump_clock);
    else if (!timer_is_armed(&x->pump_clock))
        timer_arm(&x->pump_clock, due);
}

static void move_pumps(struct exchange *x)
{
    uint64_t now_us = loop_now_us(x->around->loop);
    if (x->upload.state == PUMP_RUNNING && x->server != NULL)
        pump_move(&x->upload, now_us);
    if (x->download.state == PUMP_RUNNING)
        pump_move(&x->download, now_us);
}

/* Something ended the exchange from outside: an answer of our own where that is still possible,
 * else the end. */
static enum step fail(struct exchange *x, unsigned status, const char *error)
{
    if (x->at >= STAGE_COMPOSE || x->head_left) {
        if (x->error == NULL)
            x->error = error;
        return STEP_END;
    }
    return answer_with(x, status, error);
}

static enum step late_pump(struct exchange *x)
{
    x->pump_is_late = false;
    uint64_t now_us = loop_now_us(x->around->loop);
    if (pump_due_us(x, &x->upload) <= now_us) {
        if (x->at < STAGE_COMPOSE)
            return fail(x, 408, "request_body_timeout");
        x->upload.state = PUMP_OFF; /* the answer goes on without it */
    }
    if (pump_due_us(x, &x->download) <= now_us)
        return fail(x, 504,
                    x->download.wait == PUMP_WAITS_FOR_SINK ? "client_stalled"
                                                            : "upstream_stalled");
    return STEP_NEXT;
}

/* What a body that goes wrong means: nothing any more once the backend has answered without it. */
static enum step look_at_upload(struct exchange *x)
{
    if (x->at >= STAGE_COMPOSE)
        return STEP_NEXT;
    if (x->upload.state == PUMP_OVER) {
        x->own.close = true;
        return fail(x, 413, "body_too_large");
    }
    if (x->upload.state == PUMP_BROKEN)
        return fail(x, 400, "request_body_broken");
    return STEP_NEXT;
}

/* What may happen in any row. NEXT: nothing did. */
static enum step look_around(struct exchange *x)
{
    if (x->at == STAGE_ACCOUNT)
        return STEP_NEXT;
    if (x->client->ops->is_gone(x->client)) {
        x->error = "client_gone";
        return STEP_END;
    }
    bool receiving = x->at <= STAGE_INSPECT_BODY || x->whole.is_awaited;
    if (x->whole_is_late && x->at < STAGE_COMPOSE)
        return receiving ? fail(x, 408, "request_timeout") : fail(x, 504, "upstream_timeout");
    if (x->pump_is_late) {
        enum step step = late_pump(x);
        if (step != STEP_NEXT)
            return step;
    }
    return look_at_upload(x);
}

/* Moves the cursor; false: it stays where it is. */
static bool follow(struct exchange *x, enum step step)
{
    switch (step) {
    case STEP_NEXT: enter(x, x->at + 1); return true;
    case STEP_ANSWER:
        must(x->at < STAGE_COMPOSE && !x->head_left);
        exchange_release_server(x);
        enter(x, STAGE_COMPOSE);
        return true;
    case STEP_AGAIN:
        must(x->at == STAGE_AWAIT_ANSWER);
        enter(x, STAGE_CONNECT);
        return true;
    case STEP_END: enter(x, STAGE_ACCOUNT); return true;
    case STEP_WAIT: return false;
    }
    return false;
}

static void run(struct exchange *x)
{
    x->running = true;
    for (;;) {
        x->woken = false;
        move_pumps(x);
        enum step step = look_around(x);
        if (step == STEP_NEXT) {
            step = stage_at(x->at)->run(x);
            x->entered = true;
            if (x->at == STAGE_ACCOUNT && step == STEP_END) {
                exchange_let_go(x);
                return;
            }
        }
        if (!follow(x, step) && !x->woken)
            break;
    }
    watch_pumps(x);
    x->running = false;
}

void exchange_begin(struct surroundings *around, struct snapshot *snapshot, struct client *client,
                    const struct connection_facts *facts)
{
    struct arena *arena =
        arena_new(around->chunks, ARENA_BYTES + 4 * snapshot->settings->limits.header_bytes);
    must(arena != NULL);
    struct exchange *x = arena_alloc(arena, sizeof(*x));
    must(x != NULL);
    x->arena = arena;
    x->around = around;
    x->snapshot = snapshot_take(snapshot);
    x->settings = snapshot->settings;
    x->client = client;
    x->facts = facts;
    x->began_us = client->began_us;
    list_add(&around->exchanges, &x->link);
    list_init(&x->behind);
    around->exchange_count++;
    x->active_place = active_place(client->head->method, facts->scheme);
    around->active[x->active_place].now++;
    around->active[x->active_place].met = true;
    task_init(&x->task, on_task);
    timer_init(&x->row_clock, around->loop, on_row_clock);
    timer_init(&x->whole_clock, around->loop, on_whole_clock);
    timer_init(&x->pump_clock, around->loop, on_pump_clock);
    client->wake = exchange_wake;
    client->exchange = x;
    enter(x, STAGE_READ_HEAD);
    exchange_wake(x);
}

void exchanges_abort(struct surroundings *around)
{
    for (struct list *link = around->exchanges.next, *next; link != &around->exchanges;
         link = next) {
        next = link->next;
        struct exchange *x = list_entry(link, struct exchange, link);
        task_cancel(&x->task);
        if (x->error == NULL)
            x->error = "shutdown";
        enter(x, STAGE_ACCOUNT);
        run(x);
    }
    authorizer_calls_abort(around);
}

void surroundings_last_words(const struct surroundings *around)
{
    unsigned said = 0;
    for (struct list *link = around->exchanges.next; link != &around->exchanges && said < 8;
         link = link->next, said++) {
        const struct exchange *x = list_entry(link, struct exchange, link);
        const char *parts[] = {x->running ? "  running: " : "  waiting: ", stage_at(x->at)->name.at,
                               " "};
        char line[WORDS_BYTES];
        size_t len = 0;
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            size_t part = strlen(parts[i]);
            memcpy(line + len, parts[i], part);
            len += part;
        }
        memcpy(line + len, x->request_id, UUID_LENGTH);
        len += UUID_LENGTH;
        line[len++] = '\n';
        if (write(STDERR_FILENO, line, len) < 0)
            return;
    }
}
