/* SPDX-License-Identifier: Apache-2.0 */
/* Nested messages are written by hand around what is packed already: a tag and a length each. */
#include "exporters/otlp_body.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ZLIB_CONST
#include <zlib.h>

#include "exporters/otlp_fields.h"
#include "exporters/otlp_write.h"
#include "exporters/proto/otlp.pb-c.h"
#include "exporters/resource.h"
#include "rules/base/must.h"

enum {
    PACKED_BYTES = 128 * 1024,
    ARENA_BYTES = 512 * 1024,
    ATTRIBUTES_FIELD = 1,     /* of Resource */
    SCOPE_NAME_FIELD = 1,     /* of InstrumentationScope */
    SCOPE_VERSION_FIELD = 2,  /* likewise */
    RESOURCE_FIELD = 1,       /* of ResourceSpans */
    SCOPE_SPANS_FIELD = 2,    /* of ResourceSpans */
    SCOPE_FIELD = 1,          /* of ScopeSpans */
    RESOURCE_SPANS_FIELD = 1, /* of ExportTraceServiceRequest */
    GZIP_WINDOW = 15 + 16,
    GZIP_LEVEL = 1,
    GZIP_MEMORY = 8,
};

static struct span uuid_text(struct arena *arena, const uint8_t random[16])
{
    const uint8_t *r = random;
    return arena_format(arena,
                        "%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-%02x%02x%02x%02x%02x%02x", r[0],
                        r[1], r[2], r[3], r[4], r[5], r[6] & 15U, r[7], 8U | (r[8] >> 4 & 3U),
                        r[8] & 15U, r[9], r[10], r[11], r[12], r[13], r[14], r[15]);
}

enum { LONGEST_VALUE = 1024 };
enum { PAIRS_MOST = RESOURCE_MOST + RESOURCE_GIVEN_MOST + 7 };

struct pairs {
    struct arena *arena;
    struct pair at[PAIRS_MOST];
    size_t count;
};

/* The latest of a name counts, in the place of the first. */
static void put(struct pairs *pairs, struct span name, struct span value)
{
    size_t i = 0;
    while (i < pairs->count && !span_is(pairs->at[i].name, name))
        i++;
    if (i == PAIRS_MOST)
        return;
    if (i == pairs->count)
        pairs->at[pairs->count++].name = span_text(arena_string(pairs->arena, name));
    pairs->at[i].value = span_first(value, LONGEST_VALUE);
}

static void put_all(struct pairs *pairs, const struct resource *resource,
                    const uint8_t instance[16])
{
    struct span name = resource->service_name;
    put(pairs, SPAN("service.name"), name.len > 0 ? name : SPAN("unknown_service:sidegate"));
    put(pairs, SPAN("deployment.environment.name"), resource->environment);
    put(pairs, SPAN("service.instance.id"), uuid_text(pairs->arena, instance));
    put(pairs, SPAN("telemetry.sdk.name"), SPAN("sidegate"));
    put(pairs, SPAN("telemetry.sdk.language"), SPAN("c"));
    put(pairs, SPAN("telemetry.sdk.version"), SPAN(SIDEGATE_VERSION));
    for (size_t i = 0; i < resource->detected.count; i++)
        put(pairs, resource->detected.at[i].name, resource->detected.at[i].value);
    for (size_t i = 0; i < resource->given.count && i < RESOURCE_GIVEN_MOST; i++) {
        const struct pair *given = &resource->given.at[i];
        bool is_set = span_is(given->name, SPAN("service.name")) ||
                      (span_is(given->name, SPAN("deployment.environment.name")) &&
                       resource->environment.len > 0);
        if (!is_set)
            put(pairs, given->name, given->value);
    }
}

void envelope_init(struct envelope *envelope, const struct resource *resource,
                   const uint8_t instance[16])
{
    struct pairs pairs = {.arena = arena_new(NULL, ARENA_BYTES)};
    must(pairs.arena != NULL);
    put_all(&pairs, resource, instance);
    must(!arena_is_full(pairs.arena));
    buf_init(&envelope->resource, PACKED_BYTES);
    size_t opened = otlp_open(&envelope->resource, RESOURCE_FIELD);
    struct attributes attributes = {.to = &envelope->resource, .field = ATTRIBUTES_FIELD};
    for (size_t i = 0; i < pairs.count; i++)
        attribute_text(&attributes, pairs.at[i].name, pairs.at[i].value);
    attribute_number(&attributes, SPAN("process.pid"), (uint64_t)getpid());
    otlp_close(&envelope->resource, opened);
    buf_init(&envelope->scope, PACKED_BYTES);
    opened = otlp_open(&envelope->scope, SCOPE_FIELD);
    otlp_put_text(&envelope->scope, SCOPE_NAME_FIELD, SPAN("sidegate"));
    otlp_put_text(&envelope->scope, SCOPE_VERSION_FIELD, SPAN(SIDEGATE_VERSION));
    otlp_close(&envelope->scope, opened);
    arena_free(pairs.arena);
}

void envelope_fini(struct envelope *envelope)
{
    buf_fini(&envelope->resource);
    buf_fini(&envelope->scope);
}

/* | bytes of the resource, 4 | resource | scope | */
void envelope_pack(const struct envelope *envelope, struct buf *to)
{
    uint32_t len = (uint32_t)envelope->resource.len;
    buf_add(to, span_make((const char *)&len, sizeof len));
    buf_add(to, buf_span(&envelope->resource));
    buf_add(to, buf_span(&envelope->scope));
}

/* The resource and the scope: those of `packed`, where it has them. */
struct whose {
    struct span resource, scope;
};

static struct whose whose(const struct envelope *envelope, struct span packed)
{
    struct whose one = {buf_span(&envelope->resource), buf_span(&envelope->scope)};
    uint32_t len;
    if (packed.len > sizeof len) {
        memcpy(&len, packed.at, sizeof len);
        struct span both = span_from(packed, sizeof len);
        if (len <= both.len)
            one = (struct whose){span_first(both, len), span_from(both, len)};
    }
    return one;
}

void envelope_head(const struct envelope *envelope, struct span packed, size_t items,
                   struct buf *to)
{
    struct whose one = whose(envelope, packed);
    size_t scope_spans = one.scope.len + items;
    size_t resource_spans =
        one.resource.len + otlp_head_size(SCOPE_SPANS_FIELD, scope_spans) + scope_spans;
    otlp_head_add(to, RESOURCE_SPANS_FIELD, resource_spans);
    buf_add(to, one.resource);
    otlp_head_add(to, SCOPE_SPANS_FIELD, scope_spans);
    buf_add(to, one.scope);
}

bool gzip_add(struct buf *to, struct span bytes)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t most = deflateBound(&stream, bytes.len);
    Bytef *room = (Bytef *)buf_room(to, most);
    bool done = false;
    if (room != NULL) {
        stream.next_in = (const Bytef *)bytes.at;
        stream.avail_in = (uInt)bytes.len;
        stream.next_out = room;
        stream.avail_out = (uInt)most;
        done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
        buf_grew(to, done ? most - stream.avail_out : 0);
    }
    deflateEnd(&stream);
    return done;
}

uint64_t response_rejected(struct span body, char *message, size_t size)
{
    *message = '\0';
    if (body.len == 0)
        return 0;
    Otlp__ExportTraceServiceResponse *response =
        otlp__export_trace_service_response__unpack(NULL, body.len, (const uint8_t *)body.at);
    if (response == NULL)
        return 0;
    uint64_t rejected = 0;
    if (response->partial_success != NULL) {
        if (response->partial_success->rejected_spans > 0)
            rejected = (uint64_t)response->partial_success->rejected_spans;
        snprintf(message, size, "%s", response->partial_success->error_message);
    }
    otlp__export_trace_service_response__free_unpacked(response, NULL);
    return rejected;
}
