/* SPDX-License-Identifier: Apache-2.0 */
/* Sending batches. */
#include "exporters/otlp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/otlp_inside.h"
#include "exporters/otlp_pieces.h"
#include "exporters/say.h"
#include "rules/base/must.h"

enum {
    BATCH_UNITS = 8192,
    PLAIN_BYTES = BATCH_BYTES + 2 * FRAME_PREAMBLE_BYTES,
    DELAY_US = 1000 * 1000,
    FIRST_PAUSE_US = 1000 * 1000,
    LONGEST_PAUSE_US = 30 * 1000 * 1000,
    BACKLOG_BYTES_A_SECOND = 4 * 1024 * 1024,
    PILED_UP = BATCH_UNITS, /* behind an outage: from there on it is a backlog */
    TAKEN_FIRST = 32,       /* so many smaller batches, then larger ones are tried again */
    SLOW_BYTES = 64 * 1024, /* more than that is halved where time was too short for it */
    TAKEN_MOST = 32768,     /* it doubles with each try that was in vain */
};

_Static_assert((int)PLAIN_BYTES + (int)PLAIN_BYTES / 64 <= (int)OTLP_BODY_BYTES,
               "what does not compress still has a body");

static void settings_fini(struct otlp *otlp)
{
    free(otlp->name);
    envelope_fini(&otlp->envelope);
    otlp_way_free(otlp->way);
}

static void settings_init(struct otlp *otlp, const struct otlp_settings *settings)
{
    struct buf preamble;
    otlp->name = must_strdup(settings->to->name.at);
    otlp->signal = settings->to->signal;
    otlp->way = otlp_way_new(settings->to);
    otlp->delay_us = settings->to->batch.delay_us > 0 ? settings->to->batch.delay_us : DELAY_US;
    otlp->units = settings->to->batch.units > 0 ? settings->to->batch.units : BATCH_UNITS;
    otlp->most = otlp->units;
    otlp->taken = 0;
    otlp->patience = TAKEN_FIRST;
    otlp->is_trying = false;
    envelope_init(&otlp->envelope, &settings->resource, otlp->random);
    buf_init(&preamble, FRAME_PREAMBLE_BYTES);
    envelope_pack(&otlp->envelope, &preamble);
    feed_preamble(otlp->feed, buf_is_full(&preamble) ? SPAN("") : buf_span(&preamble));
    buf_fini(&preamble);
}

static void on_done(struct flight *flight, int result, uint64_t now_us);

struct otlp *otlp_new(struct feed *feed, struct carrier *carrier,
                      const struct otlp_settings *settings, const uint8_t random[16])
{
    struct otlp *otlp = must_alloc(sizeof *otlp);
    otlp->feed = feed;
    otlp->carrier = carrier;
    memcpy(otlp->random, random, sizeof otlp->random);
    memcpy(&otlp->jitter, random, sizeof otlp->jitter);
    buf_init(&otlp->plain, PLAIN_BYTES);
    buf_init(&otlp->head, PLAIN_BYTES);
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        sending->otlp = otlp;
        otlp_call_init(&sending->call, on_done);
        buf_init(&sending->room, HEAD_BYTES + BATCH_BYTES);
        buf_init(&sending->preamble, FRAME_PREAMBLE_BYTES);
        buf_init(&sending->sizes, BATCH_BYTES);
    }
    settings_init(otlp, settings);
    return otlp;
}

/* ---- pieces ---- */

struct span sending_items(const struct sending *sending)
{
    return span_from(buf_span(&sending->room), HEAD_BYTES);
}

static struct span piece(const struct sending *sending)
{
    return span_first(span_from(sending_items(sending), sending->from), sending->len);
}

static bool is_whole(const struct sending *sending)
{
    return sending->from == 0 && sending->len == sending_items(sending).len;
}

uint64_t sending_units(const struct sending *sending, struct span items)
{
    uint64_t units = otlp_units(sending->otlp->signal, items);
    return units < sending->batch.units ? units : sending->batch.units;
}

static uint64_t piece_units(const struct sending *sending)
{
    return is_whole(sending) ? sending->batch.units : sending_units(sending, piece(sending));
}

/* Its units may arrive twice. */
static void count_resent(struct sending *sending, uint64_t units)
{
    struct feed_batch part = sending->batch;
    part.units = units;
    feed_resent(sending->otlp->feed, &part);
}

/* Where nothing is to be compressed or framed, the head is put before the items where they lie. */
static bool lend_body(struct sending *sending)
{
    struct otlp *otlp = sending->otlp;
    struct span head = buf_span(&otlp->head);
    if (!otlp_way_is_plain(otlp->way) || !is_whole(sending) || head.len > HEAD_BYTES)
        return false;
    char *at = sending->room.at + HEAD_BYTES - head.len;
    memcpy(at, head.at, head.len);
    otlp_call_lend(&sending->call, span_make(at, head.len + sending->len));
    return true;
}

/* False: no memory. */
static bool make_body(struct sending *sending)
{
    struct otlp *otlp = sending->otlp;
    buf_clear(&otlp->head);
    envelope_head(&otlp->envelope, buf_span(&sending->preamble), sending->len, &otlp->head);
    if (!buf_is_full(&otlp->head) && lend_body(sending))
        return true;
    buf_clear(&otlp->plain);
    buf_add(&otlp->plain, buf_span(&otlp->head));
    buf_add(&otlp->plain, piece(sending));
    return !buf_is_full(&otlp->head) && !buf_is_full(&otlp->plain) &&
           otlp_call_load(&sending->call, otlp->way, buf_span(&otlp->plain));
}

void sending_land(struct sending *sending)
{
    carrier_cancel(sending->otlp->carrier, &sending->call.flight);
    sending->state = STATE_FREE;
    sending->batch = (struct feed_batch){.units = 0};
    sending->from = sending->len = 0;
    sending->lost = 0;
    sending->is_doubtful = false;
    buf_clear(&sending->room);
    buf_clear(&sending->sizes);
    buf_clear(&sending->preamble);
}

/* From where the piece begins, `most` bytes at the most, or one item. */
static void cut_piece(struct sending *sending, size_t most)
{
    sending->len = sending_items(sending).len - sending->from;
    while (sending->len > most) {
        size_t half = otlp_half(piece(sending));
        if (half == 0)
            break;
        sending->len = half;
    }
}

/* The piece is settled, so many of its units were refused. What is left is sent next, no more at
 * once than this time. */
static void go_on(struct sending *sending, uint64_t refused)
{
    size_t most = sending->len;
    sending->lost += refused;
    sending->from += sending->len;
    sending->is_doubtful = false;
    sending->state = STATE_RESTING;
    cut_piece(sending, most);
    if (sending->len > 0 && make_body(sending))
        return;
    if (sending->len > 0) /* no memory */
        sending->lost += sending_units(sending, span_from(sending_items(sending), sending->from));
    uint64_t lost = sending->lost < sending->batch.units ? sending->lost : sending->batch.units;
    feed_settle(sending->otlp->feed, &sending->batch, lost, DROP_REJECTED);
    sending_land(sending);
}

/* What was not sent goes back; from a spool the whole batch comes again, with what arrived. */
static void give_back(struct sending *sending)
{
    struct feed *feed = sending->otlp->feed;
    uint64_t done = sending_units(sending, span_first(sending_items(sending), sending->from));
    uint64_t doubtful =
        sending->state == STATE_FLYING || sending->is_doubtful ? piece_units(sending) : 0;
    if (doubtful > 0 || (sending->batch.is_spooled && done > 0))
        count_resent(sending, doubtful + (sending->batch.is_spooled ? done : 0));
    if (!sending->batch.is_spooled && done > 0) {
        struct feed_batch part = sending->batch;
        part.units = done;
        feed_settle(feed, &part, sending->lost < done ? sending->lost : done, DROP_REJECTED);
        sending->batch.units -= done;
    }
    feed_return(feed, &sending->batch);
}

/* ---- settings that change, and the end ---- */

void otlp_change(struct otlp *otlp, const struct otlp_settings *settings)
{
    /* a request under way borrows the way: it is tried again by the new one */
    for (size_t i = 0; i < UNDER_WAY; i++) {
        if (otlp->sendings[i].state != STATE_FLYING)
            continue;
        carrier_cancel(otlp->carrier, &otlp->sendings[i].call.flight);
        otlp->sendings[i].state = STATE_RESTING;
        otlp->sendings[i].is_doubtful = true;
    }
    settings_fini(otlp);
    settings_init(otlp, settings);
    for (size_t i = 0; i < UNDER_WAY; i++) {
        otlp_call_forget(&otlp->sendings[i].call);
        if (otlp->sendings[i].state == STATE_RESTING && !make_body(&otlp->sendings[i]))
            go_on(&otlp->sendings[i], piece_units(&otlp->sendings[i]));
    }
    otlp_hurry(otlp);
}

void otlp_free(struct otlp *otlp)
{
    if (otlp == NULL)
        return;
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state != STATE_FREE)
            give_back(sending);
        sending_land(sending);
        otlp_call_fini(&sending->call);
        buf_fini(&sending->room);
        buf_fini(&sending->sizes);
        buf_fini(&sending->preamble);
    }
    settings_fini(otlp);
    buf_fini(&otlp->plain);
    buf_fini(&otlp->head);
    free(otlp);
}

/* ---- answers ---- */

/* One line for a row of failures; the endpoint itself may hold a password. */
static void tell(struct otlp *otlp, enum otlp_verdict verdict, const char *why)
{
    static const struct {
        const char *before, *after; /* what it is about */
    } sentences[] = {
        [OTLP_TAKEN] = {"the receiver refuses some ", ""},
        [OTLP_LATER] = {"the receiver asks for patience, ", " are kept and sent again"},
        [OTLP_UNREACHABLE] = {"the receiver cannot be reached, ", " are kept and sent again"},
        [OTLP_TOO_LARGE] = {"the receiver cannot take so many ", " at once, fewer are sent"},
        [OTLP_REFUSED] = {"the receiver refuses ", " with status"},
        [OTLP_UNSENDABLE] = {"", " cannot be sent"},
    };
    if (otlp->told)
        return;
    say("%s: %s%s%s%s%s", otlp->name, sentences[verdict].before,
        otlp_signal_row(otlp->signal)->units, sentences[verdict].after, *why != '\0' ? ": " : "",
        why);
    otlp->told = true;
}

/* The pause grows by half with each failure, and lies within half and one and a half of that. */
static uint64_t next_pause_us(struct otlp *otlp)
{
    uint64_t pause = FIRST_PAUSE_US;
    for (unsigned i = 1; i < otlp->failures && pause < LONGEST_PAUSE_US; i++)
        pause += pause / 2;
    if (pause > LONGEST_PAUSE_US)
        pause = LONGEST_PAUSE_US;
    otlp->jitter = otlp->jitter * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return pause / 2 + (otlp->jitter >> 33) % pause;
}

static void rest(struct sending *sending, const struct otlp_answer *answer)
{
    struct otlp *otlp = sending->otlp;
    sending->state = STATE_RESTING;
    sending->is_doubtful = answer->is_doubtful;
    if (!sending->is_doubtful && sending->from == 0)
        feed_rest(otlp->feed, &sending->batch, true);
    otlp->failures++;
    uint64_t pause = next_pause_us(otlp);
    uint64_t until = otlp->now_us + (answer->pause_us > 0 ? answer->pause_us : pause);
    if (until > otlp->quiet_until_us)
        otlp->quiet_until_us = until;
}

/* What was too large once need not be so for ever. */
static void count_taken(struct otlp *otlp)
{
    if (otlp->most >= otlp->units || ++otlp->taken < otlp->patience)
        return;
    otlp->most = otlp->most < otlp->units / 2 ? otlp->most * 2 : otlp->units;
    otlp->taken = 0;
    otlp->is_trying = true;
}

static void accepted(struct sending *sending, const struct otlp_answer *answer)
{
    struct otlp *otlp = sending->otlp;
    uint64_t units = piece_units(sending);
    if (otlp->failures > 0 && feed_waiting(otlp->feed, SPOOL_FRESH) > PILED_UP)
        feed_split(otlp->feed);
    otlp->failures = 0;
    otlp->told = false;
    count_taken(otlp);
    if (answer->rejected > 0 || answer->why[0] != '\0')
        tell(otlp, OTLP_TAKEN, answer->why);
    go_on(sending, answer->rejected < units ? answer->rejected : units);
}

/* Half of it is tried, and for a while batches are no larger. False: it is one item. */
static bool take_half(struct sending *sending)
{
    struct otlp *otlp = sending->otlp;
    size_t half = otlp_half(piece(sending));
    if (half == 0)
        return false;
    sending->len = half;
    sending->state = STATE_RESTING;
    uint64_t units = piece_units(sending);
    if (units < otlp->most)
        otlp->most = units > 0 ? (unsigned)units : 1;
    if (otlp->is_trying && otlp->patience < TAKEN_MOST)
        otlp->patience *= 2;
    otlp->is_trying = false;
    otlp->taken = 0;
    if (!make_body(sending))
        go_on(sending, piece_units(sending));
    return true;
}

/* One item cannot be less, and says nothing of others. */
static void halve(struct sending *sending)
{
    if (take_half(sending))
        return;
    sending->otlp->most = sending->otlp->units;
    go_on(sending, piece_units(sending));
}

/* The line is too slow for so much within the time, or the receiver reads too slowly. What is small
 * has another trouble. */
static void slow_down(struct sending *sending)
{
    if (piece(sending).len > SLOW_BYTES)
        take_half(sending);
}

static void on_done(struct flight *flight, int result, uint64_t now_us)
{
    struct sending *sending = (struct sending *)(void *)flight;
    struct otlp *otlp = sending->otlp;
    struct otlp_answer answer;
    otlp->now_us = now_us;
    otlp_call_answer(&sending->call, otlp->way, result, &answer);
    if (answer.verdict != OTLP_TAKEN)
        tell(otlp, answer.verdict, answer.why);
    switch (answer.verdict) {
    case OTLP_TAKEN: accepted(sending, &answer); break;
    case OTLP_LATER:
    case OTLP_UNREACHABLE:
        rest(sending, &answer);
        if (answer.is_cut_off)
            slow_down(sending);
        break;
    case OTLP_TOO_LARGE: halve(sending); break;
    case OTLP_REFUSED:
    case OTLP_UNSENDABLE: go_on(sending, piece_units(sending)); break;
    }
}

/* ---- sending ---- */

static void fly(struct sending *sending)
{
    struct otlp *otlp = sending->otlp;
    otlp_call_aim(&sending->call, otlp->way);
    feed_rest(otlp->feed, &sending->batch, false);
    carrier_send(otlp->carrier, &sending->call.flight);
    sending->state = STATE_FLYING;
    sending->is_doubtful = false;
}

/* Of all its items. False: it cannot be sent at all. */
static bool make_whole(struct sending *sending)
{
    sending->len = sending_items(sending).len;
    if (make_body(sending))
        return true;
    tell(sending->otlp, OTLP_UNSENDABLE, "no memory for a batch");
    go_on(sending, sending->batch.units);
    return false;
}

/* Takes a batch and makes the body; false: it was nothing, or cannot be sent at all. */
static bool load(struct sending *sending, enum spool_lane lane)
{
    struct otlp *otlp = sending->otlp;
    if (buf_room(&sending->room, HEAD_BYTES) == NULL)
        return false;
    sending->room.len = HEAD_BYTES;
    if (!feed_take(otlp->feed, lane, otlp->most, &sending->room, &sending->preamble,
                   &sending->batch)) {
        buf_clear(&sending->room);
        return false;
    }
    if (lane == SPOOL_BACKLOG)
        otlp->backlog_at_us =
            otlp->now_us + sending_items(sending).len * UINT64_C(1000000) / BACKLOG_BYTES_A_SECOND;
    else
        otlp->waiting_since_us = 0;
    return make_whole(sending);
}

static bool fresh_is_due(struct otlp *otlp, bool flush)
{
    uint64_t waiting = feed_waiting(otlp->feed, SPOOL_FRESH);
    if (waiting == 0) {
        otlp->waiting_since_us = 0;
        return false;
    }
    if (otlp->waiting_since_us == 0)
        otlp->waiting_since_us = otlp->now_us;
    return flush || waiting >= otlp->most ||
           otlp->now_us - otlp->waiting_since_us >= otlp->delay_us;
}

static bool backlog_is_due(const struct otlp *otlp)
{
    return otlp->now_us >= otlp->backlog_at_us && feed_waiting(otlp->feed, SPOOL_BACKLOG) > 0;
}

/* The first one sends the backlog, if there is any; both send what is fresh. */
static bool load_any(struct sending *sending, bool flush)
{
    struct otlp *otlp = sending->otlp;
    if (sending == &otlp->sendings[0] && backlog_is_due(otlp) && load(sending, SPOOL_BACKLOG))
        return true;
    return fresh_is_due(otlp, flush) && load(sending, SPOOL_FRESH);
}

static bool filling_is_due(struct sending *sending, bool flush)
{
    struct otlp *otlp = sending->otlp;
    if (sending != otlp->filling) /* closed: it is full */
        return true;
    if (sending->batch.units == 0)
        return false;
    if (otlp->filling_since_us == 0)
        otlp->filling_since_us = otlp->now_us;
    return flush || otlp->now_us - otlp->filling_since_us >= otlp->delay_us;
}

/* False: there is nothing to send. */
static bool close_batch(struct sending *sending)
{
    if (sending == sending->otlp->filling)
        sending->otlp->filling = NULL;
    return make_whole(sending);
}

static void launch(struct otlp *otlp, bool flush)
{
    for (size_t i = 0; i < UNDER_WAY; i++) {
        struct sending *sending = &otlp->sendings[i];
        if (sending->state == STATE_RESTING) {
            if (sending->is_doubtful)
                count_resent(sending, piece_units(sending));
            fly(sending);
        } else if (sending->state == STATE_FILLING && filling_is_due(sending, flush)) {
            if (close_batch(sending))
                fly(sending);
        } else if (sending->state == STATE_FREE && load_any(sending, flush)) {
            fly(sending);
        }
    }
}

void otlp_step(struct otlp *otlp, uint64_t now_us, bool flush)
{
    otlp->now_us = now_us;
    if (now_us >= otlp->quiet_until_us)
        launch(otlp, flush);
}

bool otlp_is_idle(struct otlp *otlp)
{
    for (size_t i = 0; i < UNDER_WAY; i++) {
        const struct sending *sending = &otlp->sendings[i];
        bool is_empty = sending->state == STATE_FILLING && sending->batch.units == 0;
        if (sending->state != STATE_FREE && !is_empty)
            return false;
    }
    return feed_is_settled(otlp->feed) && feed_waiting(otlp->feed, SPOOL_FRESH) == 0 &&
           feed_waiting(otlp->feed, SPOOL_BACKLOG) == 0;
}

bool otlp_is_stuck(const struct otlp *otlp)
{
    return otlp->failures > 0;
}

void otlp_hurry(struct otlp *otlp)
{
    otlp->quiet_until_us = 0;
    otlp->failures = 0;
}
