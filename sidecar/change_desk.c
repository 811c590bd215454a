/* SPDX-License-Identifier: Apache-2.0 */
/* One job at a time: what it needs is handed to the thread with it and comes back by mail, so that
 * only `job`, `stop` and `is_left` are shared. */
#include "sidecar/change_desk.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/clock.h"
#include "exporters/thread.h"
#include "rules/base/must.h"
#include "sidecar/change_chain.h"

enum { TURN_US = 20000, WHAT_BYTES = 256 };
enum { SECOND_US = 1000000, LOCK_WAIT_US = 500000, PAUSE_US = 5000 };
enum job { JOB_NONE, JOB_OPEN, JOB_WRITE };

struct record {
    struct record *next;
    struct change_log *log;
    struct buf body;
    const char *wrong; /* it cannot be written; NULL: it can */
    char what[WHAT_BYTES];
    bool is_written;
};

struct change_desk {
    struct loop *loop;
    void (*lacks)(void *context, const char *what, const char *why);
    void *context;
    struct list turns;
    struct change_turn *now; /* NULL: nobody's */
    bool is_acting;

    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    enum job job;
    bool stop, is_left; /* is_left: who gave orders is gone, and mail is for nobody; the loop's
                           own thread alone changes it */
    struct mail mail;

    /* of the job */
    char *paths[CHANGE_PLACES]; /* NULL: none */
    struct change_rotation rotations[CHANGE_PLACES];
    bool are_optional[CHANGE_PLACES];
    struct change_log *logs[CHANGE_PLACES];
    struct record *records, **records_end;
    struct change_fault fault;
    bool has_failed;
    uint64_t patience_us; /* until when the lock is waited for */
};

/* ---- the thread ---- */

/* Of its wait for the lock; who gives the desk up breaks it off. */
static bool pause_for_lock(void *context)
{
    struct change_desk *desk = context;
    uint64_t now = clock_monotonic_us(), until = now + PAUSE_US;
    const struct timespec end = {.tv_sec = (time_t)(until / SECOND_US),
                                 .tv_nsec = (long)(until % SECOND_US) * 1000};
    pthread_mutex_lock(&desk->lock);
    while (!desk->stop &&
           pthread_cond_clockwait(&desk->wake, &desk->lock, CLOCK_MONOTONIC, &end) != ETIMEDOUT) {
    }
    bool goes_on = !desk->stop && now < desk->patience_us;
    pthread_mutex_unlock(&desk->lock);
    return goes_on;
}

static void end_all(struct change_desk *desk)
{
    for (size_t i = 0; i < CHANGE_PLACES; i++) {
        change_log_end(desk->logs[i]);
        desk->logs[i] = NULL;
    }
}

static void open_all(struct change_desk *desk)
{
    const struct change_wait wait = {pause_for_lock, desk};
    for (size_t i = 0; i < CHANGE_PLACES && !desk->has_failed; i++) {
        if (desk->paths[i] == NULL)
            continue;
        desk->patience_us = clock_monotonic_us() + LOCK_WAIT_US;
        desk->logs[i] = change_log_begin(desk->paths[i], &desk->rotations[i], &wait, &desk->fault);
        desk->has_failed = desk->logs[i] == NULL && !desk->are_optional[i];
    }
    if (desk->has_failed)
        end_all(desk);
}

static void write_all(struct change_desk *desk)
{
    for (struct record *record = desk->records; record != NULL; record = record->next) {
        if (record->wrong == NULL)
            record->is_written = change_log_put(record->log, buf_span(&record->body), &desk->fault);
        desk->has_failed |= !record->is_written;
    }
    end_all(desk);
}

static void *run(void *context)
{
    struct change_desk *desk = context;
    pthread_mutex_lock(&desk->lock);
    for (;;) {
        while (desk->job == JOB_NONE && !desk->stop)
            pthread_cond_wait(&desk->wake, &desk->lock);
        if (desk->job == JOB_NONE)
            break;
        enum job job = desk->job;
        pthread_mutex_unlock(&desk->lock);
        if (job == JOB_OPEN)
            open_all(desk);
        else
            write_all(desk);
        pthread_mutex_lock(&desk->lock);
        desk->job = JOB_NONE;
        if (!desk->is_left)
            loop_send(desk->loop, &desk->mail);
    }
    pthread_mutex_unlock(&desk->lock);
    end_all(desk); /* of an order that nobody carries out any more */
    return NULL;
}

/* ---- the loop ---- */

static void on_opened(struct mail *mail);
static void on_written(struct mail *mail);

static void give(struct change_desk *desk, enum job job)
{
    desk->mail.deliver = job == JOB_OPEN ? on_opened : on_written;
    desk->has_failed = false;
    pthread_mutex_lock(&desk->lock);
    desk->job = job;
    pthread_cond_signal(&desk->wake);
    pthread_mutex_unlock(&desk->lock);
}

static void begin_next(struct change_desk *desk)
{
    struct list *first = list_first(&desk->turns);
    if (desk->now != NULL || first == NULL)
        return;
    desk->now = list_entry(first, struct change_turn, link);
    desk->fault = (struct change_fault){.is_full = false}; /* an earlier turn's is not its own */
    list_remove(first);
    if (desk->now->come != NULL)
        desk->now->come(desk->now);
    for (size_t i = 0; i < CHANGE_PLACES; i++) {
        const struct change_place *place = &desk->now->places[i];
        desk->paths[i] = place->path.at != NULL ? must_strdup(place->path.at) : NULL;
        desk->rotations[i] = place->rotation;
        desk->are_optional[i] = place->is_optional;
    }
    give(desk, JOB_OPEN);
}

/* The turn is over; who is next may be the same. */
static struct change_turn *leave(struct change_desk *desk)
{
    struct change_turn *turn = desk->now;
    for (size_t i = 0; i < CHANGE_PLACES; i++) {
        free(desk->paths[i]);
        desk->paths[i] = NULL;
    }
    desk->now = NULL;
    return turn;
}

static void on_opened(struct mail *mail)
{
    struct change_desk *desk = list_entry(mail, struct change_desk, mail);
    if (desk->is_left)
        return;
    if (desk->has_failed) {
        const struct change_fault fault = desk->fault;
        struct change_turn *turn = leave(desk);
        turn->act(turn, &fault);
        begin_next(desk);
        return;
    }
    desk->is_acting = true;
    desk->now->act(desk->now, NULL);
    desk->is_acting = false;
    give(desk, JOB_WRITE);
}

static void tell_records(struct change_desk *desk)
{
    for (struct record *record; (record = desk->records) != NULL;) {
        desk->records = record->next;
        if (!record->is_written)
            desk->lacks(desk->context, record->what,
                        record->wrong != NULL ? record->wrong : desk->fault.why);
        buf_fini(&record->body);
        free(record);
    }
    desk->records_end = &desk->records;
}

static void on_written(struct mail *mail)
{
    struct change_desk *desk = list_entry(mail, struct change_desk, mail);
    if (desk->is_left)
        return;
    const struct change_fault fault = desk->fault;
    bool has_failed = desk->has_failed;
    tell_records(desk);
    struct change_turn *turn = leave(desk);
    turn->end(turn, has_failed ? &fault : NULL);
    begin_next(desk);
}

void change_desk_take(struct change_desk *desk, struct change_turn *turn)
{
    list_add(&desk->turns, &turn->link);
    begin_next(desk);
}

static struct change_log *log_of(const struct change_desk *desk, struct span path)
{
    for (size_t i = 0; i < CHANGE_PLACES && desk->is_acting; i++) {
        if (desk->paths[i] != NULL && span_is(path, span_text(desk->paths[i])))
            return desk->logs[i];
    }
    return NULL;
}

void change_desk_write(struct change_desk *desk, struct span path, const struct change *change)
{
    struct change_log *log = log_of(desk, path);
    char what[WHAT_BYTES];
    snprintf(what, sizeof what, "%s " SPAN_FORMAT, change->event,
             span_arg(span_first(change->what, WHAT_BYTES)));
    if (log == NULL) {
        bool has_why = desk->is_acting && desk->fault.why[0] != '\0';
        desk->lacks(desk->context, what, has_why ? desk->fault.why : "its log is not open");
        return;
    }
    struct record *record = must_alloc(sizeof *record);
    record->log = log;
    memcpy(record->what, what, sizeof what);
    buf_init(&record->body, CHAIN_LINE_MOST);
    record->wrong = change_write(change, &record->body);
    *desk->records_end = record;
    desk->records_end = &record->next;
}

/* ---- life ---- */

struct change_desk *change_desk_new(struct loop *loop,
                                    void (*lacks)(void *context, const char *what, const char *why),
                                    void *context)
{
    struct change_desk *desk = must_alloc(sizeof *desk);
    desk->loop = loop;
    desk->lacks = lacks;
    desk->context = context;
    desk->records_end = &desk->records;
    list_init(&desk->turns);
    must(pthread_mutex_init(&desk->lock, NULL) == 0 && pthread_cond_init(&desk->wake, NULL) == 0);
    must(thread_start(&desk->thread, run, desk));
    return desk;
}

bool change_desk_finish(struct change_desk *desk, uint64_t deadline_us)
{
    while (desk->now != NULL && clock_monotonic_us() < deadline_us)
        loop_turn(desk->loop, TURN_US);
    return desk->now == NULL;
}

void change_desk_free(struct change_desk *desk)
{
    if (desk == NULL)
        return;
    pthread_mutex_lock(&desk->lock);
    desk->stop = desk->is_left = true;
    pthread_cond_signal(&desk->wake);
    pthread_mutex_unlock(&desk->lock);
    bool has_ended = thread_join(desk->thread, clock_monotonic_us());
    if (!has_ended || desk->now != NULL) /* its mail may lie in the loop */
        return;
    pthread_mutex_destroy(&desk->lock);
    pthread_cond_destroy(&desk->wake);
    free(desk);
}
