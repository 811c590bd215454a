/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate demo`: a small backend to stand behind a sidecar while one tries it: a few pages, a
 * form, a JSON route, a slow and a failing one. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/command.h"
#include "sidecar/service.h"
#include "sidecar/wire/stream.h"

enum { SLOW_US = 2000000, BACKLOG = 1024 };

struct demo {
    struct loop *loop;
    struct list slow; /* calls that wait for the timer */
    struct timer timer;
};

struct demo_page {
    struct span path;
    unsigned status;
    struct span type;
    struct span text; /* what to say; where write is NULL */
    bool (*write)(struct demo *demo, struct service_call *call);
};

static bool write_greeting(struct demo *demo, struct service_call *call)
{
    (void)demo;
    buf_add(&call->body, SPAN("<!doctype html><title>Thanks</title><h1>Thanks</h1><p>Received "));
    buf_add_number(&call->body, (int64_t)call->request.len);
    buf_add(&call->body, SPAN(" bytes.</p>\n"));
    return true;
}

/* Several may wait; all are answered when the timer fires that the first of them armed. */
static bool write_slow(struct demo *demo, struct service_call *call)
{
    buf_add(&call->body, SPAN("Good things take two seconds.\n"));
    list_add(&demo->slow, &call->waits);
    if (!timer_is_armed(&demo->timer))
        timer_arm(&demo->timer, loop_now_us(demo->loop) + SLOW_US);
    return false;
}

static bool write_echo(struct demo *demo, struct service_call *call)
{
    (void)demo;
    buf_add(&call->body, SPAN("{\"method\":"));
    json_add_string(&call->body, call->client->head->method);
    buf_add(&call->body, SPAN(",\"target\":"));
    json_add_string(&call->body, call->client->head->target);
    buf_add(&call->body, SPAN(",\"headers\":{"));
    const struct fields *fields = &call->client->head->fields;
    for (size_t i = 0; i < fields->count; i++) {
        if (i > 0)
            buf_add_byte(&call->body, ',');
        json_add_string(&call->body, fields->at[i].name);
        buf_add_byte(&call->body, ':');
        json_add_string(&call->body, fields->at[i].value);
    }
    buf_add(&call->body, SPAN("}}\n"));
    return true;
}

#define HTML SPAN_INIT("text/html; charset=utf-8")
#define JSON SPAN_INIT("application/json")
#define TEXT SPAN_INIT("text/plain; charset=utf-8")

static const struct demo_page pages[] = {
    {SPAN_INIT("/"), 200, HTML,
     SPAN_INIT(
         "<!doctype html><title>Demo shop</title><h1>Demo shop</h1><ul>"
         "<li><a href=\"/about\">About</a><li><a href=\"/form\">A form</a>"
         "<li><a href=\"/api/orders\">Orders, in JSON</a><li><a href=\"/echo\">What the backend "
         "sees</a>"
         "<li><a href=\"/slow\">A slow page</a><li><a href=\"/fail\">A failing page</a></ul>\n"),
     NULL},
    {SPAN_INIT("/about"), 200, HTML,
     SPAN_INIT("<!doctype html><title>About</title><h1>About</h1><p>A backend to try a sidecar "
               "with.</p>\n"),
     NULL},
    {SPAN_INIT("/form"), 200, HTML,
     SPAN_INIT("<!doctype html><title>Form</title><form method=\"post\" action=\"/thanks\">"
               "<label>Name <input name=\"name\"></label> <button>Send</button></form>\n"),
     NULL},
    {SPAN_INIT("/thanks"), 200, HTML, {NULL, 0}, write_greeting},
    {SPAN_INIT("/api/orders"), 200, JSON,
     SPAN_INIT("{\"orders\":[{\"id\":1,\"item\":\"shoes\",\"price\":89},{\"id\":2,\"item\":\"hat\","
               "\"price\":25}]}\n"),
     NULL},
    {SPAN_INIT("/echo"), 200, JSON, {NULL, 0}, write_echo},
    {SPAN_INIT("/slow"), 200, TEXT, {NULL, 0}, write_slow},
    {SPAN_INIT("/fail"), 500, TEXT, SPAN_INIT("This page always fails.\n"), NULL},
    {SPAN_INIT("/healthz"), 200, TEXT, SPAN_INIT("ok\n"), NULL},
};

static bool answer(void *context, struct service_call *call)
{
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        const struct demo_page *page = &pages[i];
        if (!span_is(call->path, page->path))
            continue;
        call->status = page->status;
        call->type = page->type;
        if (page->write != NULL)
            return page->write(context, call);
        buf_add(&call->body, page->text);
        return true;
    }
    call->status = call->client->head_is_broken ? 400 : 404;
    call->type = SPAN("text/plain; charset=utf-8");
    buf_add(&call->body, SPAN("There is no such page.\n"));
    return true;
}

static void on_slow(struct timer *timer)
{
    struct demo *demo = list_entry(timer, struct demo, timer);
    for (struct list *first; (first = list_first(&demo->slow)) != NULL;) {
        list_remove(first);
        service_finish(list_entry(first, struct service_call, waits));
    }
}

static void on_signal(struct watch *watch, unsigned events)
{
    (void)events;
    loop_stop(watch->loop);
}

static int serve(int listening)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    struct demo demo = {.loop = loop_new(NULL)};
    must(demo.loop != NULL);
    list_init(&demo.slow);
    timer_init(&demo.timer, demo.loop, on_slow);
    struct watch signals = {0};
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    must(watch_add(demo.loop, &signals, fd, WATCH_READ, on_signal));
    struct service *service = service_new(demo.loop, answer, &demo);
    service_listen(service, 0, listening);
    loop_run(demo.loop);
    service_free(service);
    timer_disarm(&demo.timer);
    watch_remove(&signals);
    loop_free(demo.loop);
    close(fd);
    return 0;
}

int command_demo(int argc, char **argv)
{
    const char *text = "127.0.0.1:3000";
    bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
    if (help || (argc != 1 && !(argc == 3 && strcmp(argv[1], "--address") == 0))) {
        fprintf(help ? stdout : stderr, "usage: sidegate demo [--address HOST:PORT]\n"
                                        "A small backend to try a sidecar with; it listens on "
                                        "127.0.0.1:3000 unless told otherwise.\n");
        return help ? 0 : EXIT_USAGE;
    }
    if (argc == 3)
        text = argv[2];
    struct address address;
    if (!address_parse(span_text(text), &address)) {
        fprintf(stderr, "sidegate demo: '%s' is no address; expected HOST:PORT or unix:/PATH\n",
                text);
        return EXIT_USAGE;
    }
    int fd = address_listen(&address, BACKLOG, false);
    if (fd < 0) {
        fprintf(stderr, "sidegate demo: cannot listen on %s: %s\n", text, strerrordesc_np(errno));
        return 1;
    }
    int code = serve(fd);
    close(fd);
    return code;
}
