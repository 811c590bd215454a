/* SPDX-License-Identifier: Apache-2.0 */
/* c-ares on a loop of ours: it says which sockets it has and when it wants to be called. */
#include "sidecar/upstream/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/list.h"
#include "rules/base/must.h"
#include "sidecar/loop/loop.h"
#include "sidecar/upstream/resolver_inside.h"

enum {
    NAME_BYTES = 256,
    SOCKETS = 32, /* two for each server, and some */
    TRIES = 2,    /* the second one is given twice the time */
    PARTS = 3,
    TICK_US = 1000,
};

struct socket_watch {
    struct watch watch; /* .loop NULL: free */
    struct resolver *resolver;
};

struct resolver {
    pthread_t thread;
    struct loop *loop;
    ares_channel channel; /* NULL: made with the next question */
    uint64_t timeout_us;
    char *servers; /* its own; NULL: as the system has them */
    struct socket_watch sockets[SOCKETS];
    struct timer timer;
    _Atomic unsigned under_way;
};

/* ---- c-ares' sockets and times ---- */

static void arm(struct resolver *resolver)
{
    struct timeval left;
    if (resolver->channel == NULL || ares_timeout(resolver->channel, NULL, &left) == NULL) {
        timer_disarm(&resolver->timer);
        return;
    }
    uint64_t left_us = (uint64_t)left.tv_sec * 1000000 + (uint64_t)left.tv_usec;
    timer_arm(&resolver->timer, loop_clock_us(resolver->loop) + left_us + TICK_US);
}

static void on_timer(struct timer *timer)
{
    struct resolver *resolver = list_entry(timer, struct resolver, timer);
    if (resolver->channel != NULL)
        ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm(resolver);
}

static void on_socket(struct watch *watch, unsigned events)
{
    struct resolver *resolver = list_entry(watch, struct socket_watch, watch)->resolver;
    bool writes = (events & WATCH_WRITE) != 0, reads = (events & ~(unsigned)WATCH_WRITE) != 0;
    int fd = watch->fd;
    ares_process_fd(resolver->channel, reads ? fd : ARES_SOCKET_BAD, writes ? fd : ARES_SOCKET_BAD);
    arm(resolver);
}

/* One that finds no room is not watched, and its questions time out. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = context;
    unsigned events = (readable ? WATCH_READ : 0u) | (writable ? WATCH_WRITE : 0u);
    struct socket_watch *free_one = NULL;
    for (size_t i = 0; i < SOCKETS; i++) {
        struct socket_watch *at = &resolver->sockets[i];
        if (at->watch.loop == NULL) {
            free_one = at;
        } else if (at->watch.fd == fd) {
            if (events == 0)
                watch_remove(&at->watch);
            else
                watch_change(&at->watch, events);
            return;
        }
    }
    if (events != 0 && free_one != NULL)
        (void)watch_add(resolver->loop, &free_one->watch, fd, events, on_socket);
}

static bool open_channel(struct resolver *resolver)
{
    struct ares_options options = {
        .timeout = (int)(resolver->timeout_us / 1000 / PARTS) + 1,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
    };
    if (resolver->channel != NULL)
        return true;
    if (ares_init_options(&resolver->channel, &options,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
        ARES_SUCCESS) {
        resolver->channel = NULL;
        return false;
    }
    return resolver->servers == NULL ||
           ares_set_servers_ports_csv(resolver->channel, resolver->servers) == ARES_SUCCESS;
}

static void close_channel(struct resolver *resolver)
{
    ares_channel channel = resolver->channel;
    resolver->channel = NULL;
    if (channel != NULL)
        ares_destroy(channel);
    timer_disarm(&resolver->timer);
}

/* ---- questions ---- */

struct asking {
    struct mail mail;
    struct resolver *resolver;
    struct resolver_question *question;
    char name[NAME_BYTES];
};

static void answer(struct asking *asking, const struct resolver_answer *answer)
{
    struct resolver *resolver = asking->resolver;
    struct resolver_question *question = asking->question;
    free(asking);
    atomic_fetch_sub_explicit(&resolver->under_way, 1, memory_order_relaxed);
    question->answered(question, answer, loop_clock_us(resolver->loop));
}

static void on_answer(void *context, int status, int timeouts, unsigned char *bytes, int len)
{
    (void)timeouts;
    struct resolver_answer answered = {.resolved = RESOLVED_FAILED};
    if (bytes != NULL &&
        (status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND))
        answered = resolver_read(bytes, len, status == ARES_SUCCESS);
    answer(context, &answered);
}

static void on_question(struct mail *mail)
{
    struct asking *asking = list_entry(mail, struct asking, mail);
    struct resolver *resolver = asking->resolver;
    if (!open_channel(resolver)) {
        close_channel(resolver);
        answer(asking, &(struct resolver_answer){.resolved = RESOLVED_FAILED});
        return;
    }
    ares_query(resolver->channel, asking->name, RESOLVER_CLASS_IN, RESOLVER_TYPE_A, on_answer,
               asking);
    arm(resolver);
}

bool resolver_ask(struct resolver *resolver, struct resolver_question *question)
{
    must(question->name.len < NAME_BYTES);
    unsigned before = atomic_fetch_add_explicit(&resolver->under_way, 1, memory_order_relaxed);
    if (before >= RESOLVER_QUESTIONS_MOST) {
        atomic_fetch_sub_explicit(&resolver->under_way, 1, memory_order_relaxed);
        return false;
    }
    struct asking *asking = must_alloc(sizeof(*asking));
    *asking =
        (struct asking){.mail.deliver = on_question, .resolver = resolver, .question = question};
    memcpy(asking->name, question->name.at, question->name.len);
    loop_send(resolver->loop, &asking->mail);
    return true;
}

/* ---- life ---- */

struct order {
    struct mail mail;
    struct resolver *resolver;
    uint64_t timeout_us;
    char *servers;
};

static struct order *order_new(struct resolver *resolver, void (*deliver)(struct mail *))
{
    struct order *order = must_alloc(sizeof(*order));
    *order = (struct order){.mail.deliver = deliver, .resolver = resolver};
    return order;
}

static char *keep(const char *text)
{
    char *kept = text == NULL ? NULL : strdup(text);
    must(text == NULL || kept != NULL);
    return kept;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void on_change(struct mail *mail)
{
    struct order *order = list_entry(mail, struct order, mail);
    struct resolver *resolver = order->resolver;
    bool same =
        order->timeout_us == resolver->timeout_us && same_text(order->servers, resolver->servers);
    if (!same) /* it ends what is being asked */
        close_channel(resolver);
    free(resolver->servers);
    resolver->servers = order->servers;
    resolver->timeout_us = order->timeout_us;
    free(order);
}

static void on_stop(struct mail *mail)
{
    struct order *order = list_entry(mail, struct order, mail);
    loop_stop(order->resolver->loop);
    free(order);
}

void resolver_change(struct resolver *resolver, const struct resolver_settings *settings)
{
    struct order *order = order_new(resolver, on_change);
    order->timeout_us = settings->timeout_us;
    order->servers = keep(settings->servers);
    loop_send(resolver->loop, &order->mail);
}

static void *thread_main(void *context)
{
    struct resolver *resolver = context;
    loop_run(resolver->loop);
    return NULL;
}

static void let_go(struct resolver *resolver)
{
    loop_free(resolver->loop);
    free(resolver->servers);
    free(resolver);
    ares_library_cleanup();
}

struct resolver *resolver_start(const struct resolver_settings *settings)
{
    struct loop *loop = loop_new(NULL);
    if (loop == NULL || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        loop_free(loop);
        return NULL;
    }
    struct resolver *resolver = must_alloc(sizeof(*resolver));
    resolver->loop = loop;
    resolver->timeout_us = settings->timeout_us;
    resolver->servers = keep(settings->servers);
    timer_init(&resolver->timer, loop, on_timer);
    for (size_t i = 0; i < SOCKETS; i++)
        resolver->sockets[i].resolver = resolver;
    if (pthread_create(&resolver->thread, NULL, thread_main, resolver) == 0)
        return resolver;
    let_go(resolver);
    return NULL;
}

void resolver_stop(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    loop_send(resolver->loop, &order_new(resolver, on_stop)->mail);
    must(pthread_join(resolver->thread, NULL) == 0);
    loop_turn(resolver->loop, 0); /* what was sent behind the order */
    close_channel(resolver);
    let_go(resolver);
}
