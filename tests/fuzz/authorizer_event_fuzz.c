/* SPDX-License-Identifier: Apache-2.0 */
/* A request for an authorizer: "SOURCE\nPATH?QUERY\nName: value\n...", any bytes. Each event is a
 * valid document that says what the request said; an identity is one of its values. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/guard/identity_source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MOST = 64, ARENA_MOST = 8 << 20 };

static void must_be_document(const struct authorizer_request *request)
{
    for (enum authorizer_payload i = AUTHORIZER_TOKEN; i < AUTHORIZER_PAYLOADS; i++) {
        struct span event = authorizer_event(i, request);
        must(event.at != NULL || arena_is_full(request->asked->arena) ||
             request->asked->query.len > 4096);
        if (event.at == NULL || span_find(event, SPAN("\\u0000")) != SPAN_NONE)
            continue; /* a NUL in a name is valid, and more than jansson reads */
        json_t *root = json_loadb(event.at, event.len, 0, NULL);
        must(json_is_object(root));
        must(json_is_string(json_object_get(root, i == AUTHORIZER_2_0 ? "routeArn" : "methodArn")));
        json_decref(root);
    }
}

static void must_identify(const struct identity_source *source, struct authorizer_request *request)
{
    if (!identity_find(source, 1, request))
        return;
    must(request->identity_count == 1 && request->identity[0].len > 0);
    struct span key = identity_key(source, 1, request);
    must(key.len >= request->identity[0].len || arena_is_full(request->asked->arena));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size);
    struct arena *arena = arena_new(NULL, ARENA_MOST);
    struct pair pairs[FIELDS_MOST];
    struct fields fields = {.at = pairs, .size = FIELDS_MOST};
    struct identity_source source;
    bool has_source = identity_source_read(span_cut(&rest, '\n'), &source);
    struct span target = span_cut(&rest, '\n');
    struct asked asked = {.method = SPAN("GET"), .arena = arena, .fields = &fields};
    asked.path = asked.raw_path = span_cut(&target, '?');
    asked.query = target;
    while (rest.at != NULL && fields.count < FIELDS_MOST) {
        struct span value = span_cut(&rest, '\n');
        struct span name = span_cut(&value, ':');
        if (http_is_token(name))
            pairs[fields.count++] = (struct pair){name, span_trim_ows(value)};
    }
    struct authorizer_request request = {.asked = &asked,
                                         .api = SPAN("arn:aws:execute-api:local:0:api/prod")};
    if (has_source)
        must_identify(&source, &request);
    must_be_document(&request);
    arena_free(arena);
    return 0;
}
