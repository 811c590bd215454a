/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds a call: the asker until call_free(), the caller's thread until the transfer is over,
 * and each mail while it lies in a mailbox. The last one lets go. */
#include "sidecar/upstream/call.h"

#include <signal.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/upstream/call_inside.h"

enum { UNDER_WAY_MOST = 1024 };

struct caller {
    unsigned most;
    _Atomic unsigned under_way;
    pthread_mutex_t lock; /* of the thread's making */
    _Atomic bool is_running;
    bool stopping; /* the thread is gone */
    pthread_t thread;
    struct loop *loop;
    struct transfers *transfers;
    struct mail stop;
};

bool call_status_is_of_request(unsigned status)
{
    static const unsigned of_server[] = {401, 403, 404, 405, 407, 408, 421, 425, 429};
    for (size_t i = 0; i < sizeof of_server / sizeof *of_server; i++)
        if (status == of_server[i])
            return false;
    return status == 500 || (status >= 400 && status < 500);
}

bool call_status_may_be_of_request(unsigned status)
{
    return status == 502 || status == 504;
}

bool call_failure_may_be_of_request(enum call_outcome outcome)
{
    return outcome == CALL_TIMED_OUT || outcome == CALL_TOO_LARGE || outcome == CALL_BROKEN;
}

const char *call_outcome_word(enum call_outcome outcome)
{
    static const char *const words[] = {
        [CALL_ANSWERED] = "answered",         [CALL_NOT_CONNECTED] = "not_connected",
        [CALL_NOT_VERIFIED] = "not_verified", [CALL_TIMED_OUT] = "timed_out",
        [CALL_TOO_LARGE] = "too_large",       [CALL_BROKEN] = "broken",
    };
    return words[outcome];
}

/* ---- holding ---- */

static void hold(struct call *call)
{
    atomic_fetch_add_explicit(&call->holds, 1, memory_order_relaxed);
}

/* The analyzer does not count: it thinks that each is the last; hence the mark. */
static void give(struct call *call)
{
    unsigned before = atomic_fetch_sub_explicit(&call->holds, 1, memory_order_acq_rel);
    if (before != 1)
        return;
    must(call->easy == NULL); // NOLINT(clang-analyzer-unix.Malloc)
    pthread_mutex_destroy(&call->lock);
    buf_wipe(&call->head);
    buf_wipe(&call->body);
    arena_wipe(call->arena); /* credentials, perhaps */
    free(call);
}

/* ---- on the caller's thread ---- */

static void over(struct call *call)
{
    atomic_fetch_sub_explicit(&call->caller->under_way, 1, memory_order_relaxed);
    call->answer.duration_us = loop_clock_us(call->caller->loop) - call->began_us;
    pthread_mutex_lock(&call->lock);
    call->done = true;
    if (!call->freed) {
        hold(call);
        loop_send(call->asker, &call->told);
    }
    pthread_mutex_unlock(&call->lock);
    give(call);
}

static void end_early(struct call *call)
{
    transfer_end(call->caller->transfers, call);
    call->answer = (struct call_answer){.outcome = CALL_BROKEN, .why = "the program stops"};
    over(call);
}

static void on_begin(struct mail *mail)
{
    struct call *call = list_entry(mail, struct call, begin);
    if (call->caller->stopping)
        end_early(call);
    else if (!transfer_begin(call->caller->transfers, call))
        over(call);
}

static void on_cancel(struct mail *mail)
{
    struct call *call = list_entry(mail, struct call, cancel);
    if (!call->done)
        end_early(call);
    give(call);
}

static void on_stop(struct mail *mail)
{
    loop_stop(list_entry(mail, struct caller, stop)->loop);
}

/* libcurl may write to a socket that is closed: that is an answer of write(), and no signal. */
static void *thread_main(void *context)
{
    struct caller *caller = context;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    loop_run(caller->loop);
    return NULL;
}

/* ---- on the asker's thread ---- */

static void on_told(struct mail *mail)
{
    struct call *call = list_entry(mail, struct call, told);
    if (!call->freed)
        call->answered(call->context, &call->answer);
    give(call);
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    pthread_mutex_lock(&call->lock);
    must(!call->freed);
    call->freed = true;
    if (!call->done) {
        hold(call);
        loop_send(call->caller->loop, &call->cancel);
    }
    pthread_mutex_unlock(&call->lock);
    give(call);
}

static const char *keep(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_string(arena, span_text(text));
}

static void copy_request(struct call *call, const struct call_request *from)
{
    struct arena *arena = call->arena;
    struct call_request *request = &call->request;
    struct pair *fields = arena_alloc(arena, (from->field_count + 1) * sizeof *fields);
    must(fields != NULL);
    for (size_t i = 0; i < from->field_count; i++)
        fields[i] = (struct pair){arena_copy(arena, from->fields[i].name),
                                  arena_copy(arena, from->fields[i].value)};
    *request = *from;
    request->fields = fields;
    request->method = keep(arena, from->method);
    request->url = keep(arena, from->url);
    request->ca_file = keep(arena, from->ca_file);
    request->cert_file = keep(arena, from->cert_file);
    request->key_file = keep(arena, from->key_file);
    if (from->body.at != NULL)
        request->body = arena_copy(arena, from->body);
    must(!arena_is_full(arena));
}

static struct call *call_new(struct caller *caller, const struct call_request *request)
{
    struct call *call = must_alloc(sizeof *call);
    call->caller = caller;
    call->begin.deliver = on_begin;
    call->cancel.deliver = on_cancel;
    call->told.deliver = on_told;
    call->began_us = loop_clock_us(caller->loop);
    call->holds = 2; /* the asker's, and the transfer's */
    must(pthread_mutex_init(&call->lock, NULL) == 0);
    list_init(&call->link);
    call->arena = arena_new(NULL, SIZE_MAX / 2);
    must(call->arena != NULL);
    copy_request(call, request);
    return call;
}

static void let_go(struct caller *caller)
{
    if (caller->transfers != NULL)
        transfers_free(caller->transfers);
    loop_free(caller->loop);
    caller->transfers = NULL;
    caller->loop = NULL;
}

static bool make_thread(struct caller *caller)
{
    caller->loop = loop_new(NULL);
    if (caller->loop != NULL)
        caller->transfers = transfers_new(caller->loop, over);
    if (caller->transfers != NULL &&
        pthread_create(&caller->thread, NULL, thread_main, caller) == 0)
        return true;
    let_go(caller);
    return false;
}

static bool is_running(struct caller *caller)
{
    if (atomic_load_explicit(&caller->is_running, memory_order_acquire))
        return true;
    pthread_mutex_lock(&caller->lock);
    bool runs =
        atomic_load_explicit(&caller->is_running, memory_order_relaxed) || make_thread(caller);
    atomic_store_explicit(&caller->is_running, runs, memory_order_release);
    pthread_mutex_unlock(&caller->lock);
    return runs;
}

struct call *call_begin(struct caller *caller, struct loop *loop,
                        const struct call_request *request, call_answered *answered, void *context)
{
    if (!is_running(caller))
        return NULL;
    if (atomic_fetch_add_explicit(&caller->under_way, 1, memory_order_relaxed) >= caller->most) {
        atomic_fetch_sub_explicit(&caller->under_way, 1, memory_order_relaxed);
        return NULL;
    }
    struct call *call = call_new(caller, request);
    call->asker = loop;
    call->answered = answered;
    call->context = context;
    loop_send(caller->loop, &call->begin);
    return call;
}

/* ---- life ---- */

struct caller *caller_start(const struct caller_settings *settings)
{
    struct caller *caller = must_alloc(sizeof *caller);
    bool given = settings != NULL && settings->under_way_most != 0;
    caller->most = given ? settings->under_way_most : UNDER_WAY_MOST;
    caller->stop.deliver = on_stop;
    must(pthread_mutex_init(&caller->lock, NULL) == 0);
    return caller;
}

unsigned caller_under_way(const struct caller *caller)
{
    return atomic_load_explicit(&caller->under_way, memory_order_relaxed);
}

static void end_thread(struct caller *caller)
{
    loop_send(caller->loop, &caller->stop);
    must(pthread_join(caller->thread, NULL) == 0);
    caller->stopping = true;
    for (struct call *call; (call = transfers_first(caller->transfers)) != NULL;)
        end_early(call);
    loop_turn(caller->loop, 0); /* what was begun behind the order */
    loop_turn(caller->loop, 0); /* and what was given up of that */
    must(caller_under_way(caller) == 0);
    let_go(caller);
}

void caller_stop(struct caller *caller)
{
    if (caller == NULL)
        return;
    if (caller->is_running)
        end_thread(caller);
    pthread_mutex_destroy(&caller->lock);
    free(caller);
}
