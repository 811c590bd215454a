/* SPDX-License-Identifier: Apache-2.0 */
/* The peers of exchange tests. */
#include "tests/unit/exchange/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/wire/stream.h"

enum { TEXT_MOST = 4 * 1024 * 1024, LINK_BYTES = 4096 };

/* ---- clients ---- */

static struct story_client *of_body(const struct source *source)
{
    return list_entry((uintptr_t)source, struct story_client, client.body);
}

static struct story_client *of_answer(const struct sink *sink)
{
    return list_entry((uintptr_t)sink, struct story_client, client.answer);
}

static struct span body_peek(struct source *source)
{
    return of_body(source)->upload;
}

static void body_consume(struct source *source, size_t bytes)
{
    struct story_client *client = of_body(source);
    must(bytes <= client->upload.len);
    client->upload = span_from(client->upload, bytes);
}

static enum source_state body_state(const struct source *source)
{
    const struct story_client *client = of_body(source);
    if (client->upload_broken)
        return SOURCE_BROKEN;
    return client->upload_ended && client->upload.len == 0 ? SOURCE_ENDED : SOURCE_OPEN;
}

static const struct fields *no_trailers(const struct source *source)
{
    (void)source;
    return NULL;
}

static const struct source_ops body_ops = {body_peek, body_consume, body_state, no_trailers};

static size_t answer_room(const struct sink *sink)
{
    return of_answer(sink)->window;
}

static void answer_write(struct sink *sink, struct span bytes)
{
    struct story_client *client = of_answer(sink);
    must(bytes.len <= client->window && !client->answer_ended && client->status != 0);
    client->window -= bytes.len;
    buf_add(&client->answer, bytes);
}

static void answer_end(struct sink *sink, const struct fields *trailers)
{
    (void)trailers;
    of_answer(sink)->answer_ended = true;
}

static const struct sink_ops answer_ops = {answer_room, answer_write, answer_end};

static struct story_client *of_client(const struct client *client)
{
    return list_entry((uintptr_t)client, struct story_client, client);
}

static void send_interim(struct client *client, const struct answer_head *head)
{
    must(head->status < 200);
    of_client(client)->interims++;
}

static void send_head(struct client *client, const struct answer_head *head, bool no_body,
                      bool close)
{
    (void)no_body;
    (void)close;
    must(of_client(client)->status == 0); /* one final head */
    of_client(client)->status = head->status;
}

static bool is_gone(const struct client *client)
{
    return of_client(client)->gone;
}

static bool is_flushed(const struct client *client)
{
    (void)client;
    return true;
}

static void release(struct client *client, bool whole)
{
    struct story_client *own = of_client(client);
    must(!own->released);
    own->released = true;
    own->released_whole = whole;
}

static const struct client_ops client_ops = {send_interim, send_head, is_gone, is_flushed, release};

static struct story_client *make_client(struct story *story, unsigned i, const char *method,
                                        const char *target, int64_t body_length)
{
    struct story_client *client = &story->clients[i];
    buf_fini(&client->answer);
    size_t window = client->window;
    *client = (struct story_client){.window = window};
    buf_init(&client->answer, TEXT_MOST);
    client->fields[0] = (struct pair){SPAN("Host"), SPAN("a.example")};
    client->head = (struct request_head){
        .line = SPAN("GET / HTTP/2"),
        .method = span_text(method),
        .scheme = SPAN("http"),
        .authority = SPAN("a.example"),
        .target = span_text(target),
        .protocol = SPAN("HTTP/2"),
        .version = HTTP_2,
        .fields = {client->fields, 1, 8},
        .body_length = body_length,
    };
    client->client = (struct client){
        .ops = &client_ops,
        .body.ops = &body_ops,
        .answer.ops = &answer_ops,
        .head = &client->head,
        .began_us = loop_now_us(story->loop),
        .head_us = loop_now_us(story->loop),
    };
    client->upload_ended = body_length == 0;
    return client;
}

struct story_client *story_ask(struct story *story, unsigned i, const char *method,
                               const char *target, int64_t body_length)
{
    struct story_client *client = make_client(story, i, method, target, body_length);
    exchange_begin(&story->around, story->snapshot, &client->client, &story->facts);
    return client;
}

struct story_client *story_ask_with(struct story *story, unsigned i, const char *method,
                                    const char *target, struct pair field)
{
    struct story_client *client = make_client(story, i, method, target, 0);
    client->fields[client->head.fields.count++] = field;
    exchange_begin(&story->around, story->snapshot, &client->client, &story->facts);
    return client;
}

static void wake(struct story_client *client)
{
    if (client->client.wake != NULL && !client->released)
        client->client.wake(client->client.exchange);
}

void story_credit(struct story_client *client, size_t bytes)
{
    client->window += bytes;
    wake(client);
}

void story_upload(struct story_client *client, const char *bytes, bool ended)
{
    client->upload = span_text(bytes);
    client->upload_ended = ended;
    wake(client);
}

void story_reset(struct story_client *client)
{
    client->gone = true;
    wake(client);
}

/* ---- backends ---- */

static void on_backend_ready(void *owner, unsigned ready)
{
    struct story_backend *backend = owner;
    (void)ready;
    char bytes[512];
    for (;;) {
        struct stream_moved moved = stream_read(backend->stream, bytes, sizeof(bytes));
        if (moved.state == STREAM_DONE) {
            buf_add(&backend->heard, span_make(bytes, moved.bytes));
            continue;
        }
        if (moved.state != STREAM_AGAIN)
            stream_want(backend->stream, 0);
        break;
    }
    if (backend->story->script != NULL)
        backend->story->script(backend);
}

static struct stream *open_backend(void *context, const struct pool_target *target)
{
    (void)target;
    struct story *story = context;
    if (story->refuse || story->backend_count == STORY_STREAMS)
        return NULL;
    struct stream *ours, *theirs;
    stream_memory_pair(story->loop, LINK_BYTES, story->handshakes, &ours, &theirs);
    struct story_backend *backend = &story->backends[story->backend_count++];
    *backend = (struct story_backend){.stream = theirs, .story = story};
    buf_init(&backend->heard, TEXT_MOST);
    theirs->on_ready = on_backend_ready;
    theirs->owner = backend;
    stream_want(theirs, STREAM_READ);
    return ours;
}

void backend_say(struct story_backend *backend, const char *bytes)
{
    struct iovec part = {(void *)(uintptr_t)bytes, strlen(bytes)};
    while (part.iov_len > 0) {
        struct stream_moved moved = stream_write(backend->stream, &part, 1);
        if (moved.state != STREAM_DONE)
            return; /* a failure that a test asked for met this side */
        part.iov_base = (char *)part.iov_base + moved.bytes;
        part.iov_len -= moved.bytes;
    }
}

bool backend_heard(const struct story_backend *backend, const char *text)
{
    return span_find(buf_span(&backend->heard), span_text(text)) != SPAN_NONE;
}

void backend_hello(struct story_backend *backend)
{
    size_t end;
    while ((end = span_find(buf_span(&backend->heard), SPAN("\r\n\r\n"))) != SPAN_NONE) {
        buf_drop(&backend->heard, end + 4);
        backend->answered++;
        backend_say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    }
}

/* ---- the house ---- */

static uint64_t now(void *context)
{
    return ((struct story *)context)->now_us;
}

/* A clock that goes on only when it is looked at: so the work between two looks has a known price.
 */
static uint64_t cpu(void *context)
{
    struct story *story = context;
    return story->cpu_ns += story->look_ns;
}

static struct pool *pool_of(void *context, const struct upstream_settings *upstream)
{
    (void)upstream;
    return ((struct story *)context)->pool;
}

static void on_report(void *context, const struct report *report)
{
    struct told *told = &((struct story *)context)->told;
    unsigned count = told->count + 1;
    *told = (struct told){.count = count,
                          .status = report->status,
                          .duration_us = report->duration_us,
                          .attempts = report->attempt_count,
                          .bytes_in = report->bytes_in,
                          .bytes_out = report->bytes_out};
    snprintf(told->error, sizeof(told->error), SPAN_FORMAT, span_arg(report->error));
    if (report->attempt_count > 0)
        snprintf(told->attempt_error, sizeof(told->attempt_error), SPAN_FORMAT,
                 span_arg(report->attempts[report->attempt_count - 1].error));
    size_t len = 0;
    for (size_t i = 0; i < report->stage_count; i++) {
        len += (size_t)snprintf(told->stages + len, sizeof(told->stages) - len, "%s" SPAN_FORMAT,
                                i ? " " : "", span_arg(report->stages[i].name));
        told->stages_us += report->stages[i].duration_us;
    }
}

static struct snapshot *build(const char *yaml)
{
    char path[] = "/tmp/sidegate-story-XXXXXX";
    int fd = mkstemp(path);
    must(fd >= 0);
    dprintf(fd,
            "version: 1\nlisteners: [{ name: public, address: 127.0.0.1:1 }]\n"
            "upstreams: { app: { targets: [\"http://127.0.0.1:9\"] } }\n%s\n",
            yaml);
    close(fd);
    const char *files[] = {path};
    struct settings_source source = {.files = files, .file_count = 1};
    struct faults *faults = faults_new();
    struct snapshot *snapshot = snapshot_build(&source, NULL, faults);
    struct buf text;
    buf_init(&text, 65536);
    faults_print(faults, &text);
    if (snapshot == NULL)
        fprintf(stderr, SPAN_FORMAT, span_arg(buf_span(&text)));
    must(snapshot != NULL);
    buf_fini(&text);
    faults_free(faults);
    unlink(path);
    return snapshot;
}

struct story *story_new(const char *yaml, unsigned max_connections)
{
    struct story *story = must_alloc(sizeof(*story));
    story->now_us = 1000000000;
    story->clock = (struct clock){now, now, story};
    story->loop = loop_new(&story->clock);
    story->snapshot = build(yaml);
    story->metrics = metrics_new(1, 1);
    story->script = backend_hello;
    static const struct pool_target target = {.name = SPAN_INIT("127.0.0.1:9")};
    struct surroundings *around = &story->around;
    surroundings_init(around, story->loop);
    around->chunks = arena_chunks_new(64);
    around->metrics = metrics_worker(story->metrics, 0);
    around->in_flight = &story->in_flight;
    around->pool = pool_of;
    around->on_report = on_report;
    around->context = story;
    around->world = (struct inspection_world){
        .wall_us = now, .cpu_ns = cpu, .context = story, .scratch = scratch_new()};
    struct pool_options options = {
        .targets = &target,
        .target_count = 1,
        .max_connections = max_connections,
        .max_pending = 4,
        .idle_timeout_us = 55000000,
        .connect_timeout_us = 1000000,
        .client = {.limits = {.head_bytes = 65536, .field_count = 100},
                   .buffer_bytes = 16384,
                   .chunks = around->chunks},
        .open = open_backend,
        .context = story,
    };
    story->pool = pool_new(story->loop, &options);
    story->facts = (struct connection_facts){.listener = &story->snapshot->settings->listeners[0],
                                             .peer_address = SPAN("192.0.2.1"),
                                             .server_address = SPAN("192.0.2.9"),
                                             .scheme = SPAN("http")};
    for (unsigned i = 0; i < STORY_STREAMS; i++)
        story->clients[i].window = TEXT_MOST;
    return story;
}

void story_turn(struct story *story, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        story->now_us += 10;
        loop_turn(story->loop, 0);
    }
}

void story_later(struct story *story, uint64_t us)
{
    story->now_us += us;
    story_turn(story, STORY_TURNS);
}

void story_free(struct story *story)
{
    exchanges_abort(&story->around);
    must(story->around.exchange_count == 0 && atomic_load(&story->in_flight) == 0);
    pool_free(story->pool);
    story_turn(story, 20);
    for (unsigned i = 0; i < story->backend_count; i++) {
        stream_close(story->backends[i].stream);
        buf_fini(&story->backends[i].heard);
    }
    for (unsigned i = 0; i < STORY_STREAMS; i++)
        buf_fini(&story->clients[i].answer);
    scratch_free(story->around.world.scratch);
    snapshot_give(story->snapshot);
    loop_free(story->loop);
    metrics_free(story->metrics);
    must(arena_chunks_in_use(story->around.chunks) == 0);
    arena_chunks_free(story->around.chunks);
    free(story);
}
