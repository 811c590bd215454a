/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/1 from any bytes:
 *   - a head comes to the same whether it arrives at once or cut at any place,
 *   - a chunked body comes to the same, data and trailers, however it is cut,
 *   - the request's side and the answer's side agree on where a body ends,
 *   - what was taken and is written again is taken again, and comes to the same. */
#include "rules/base/must.h"
#include "sidecar/wire/h1.h"

static const struct h1_limits limits = {
    .head_bytes = 2048, .field_count = 32, .target_bytes = 512, .reframe_both_lengths = true};

struct reading {
    enum h1_parse parse;
    struct request_head head;
    struct refusal refusal;
    size_t used;
    bool close;
};

static void read_more(struct reading *reading, struct span bytes, size_t *seen, struct arena *arena)
{
    reading->parse = h1_parse_request(bytes, seen, &limits, arena, &reading->head, &reading->used,
                                      &reading->refusal, &reading->close);
}

static bool same_fields(const struct fields *a, const struct fields *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!span_is(a->at[i].name, b->at[i].name) || !span_is(a->at[i].value, b->at[i].value))
            return false;
    return true;
}

static void must_be_same(const struct reading *a, const struct reading *b)
{
    must(a->parse == b->parse && a->used == b->used && a->close == b->close);
    must(a->refusal.status == b->refusal.status && a->refusal.silent == b->refusal.silent);
    must(span_is(span_text(a->refusal.why), span_text(b->refusal.why)));
    if (a->parse == H1_MORE)
        return;
    must(span_is(a->head.line, b->head.line) && span_is(a->head.method, b->head.method));
    must(span_is(a->head.target, b->head.target) && span_is(a->head.protocol, b->head.protocol));
    must(span_is(a->head.authority, b->head.authority));
    must(a->head.body_length == b->head.body_length);
    must(a->head.expects_continue == b->head.expects_continue);
    must(same_fields(&a->head.fields, &b->head.fields));
}

/* In steps whose widths come from the bytes themselves. */
static struct reading read_cut(struct span bytes, unsigned step, struct arena *arena)
{
    struct reading reading;
    size_t seen = 0, here = 0;
    for (;;) {
        read_more(&reading, span_first(bytes, here), &seen, arena);
        if (reading.parse != H1_MORE || here == bytes.len)
            return reading;
        here += 1 + (step + here) % 7;
        here = here < bytes.len ? here : bytes.len;
    }
}

struct body {
    enum h1_chunk end;
    size_t used;
    struct buf data;
    struct fields trailers;
};

static void decode(struct body *body, struct span bytes, size_t step, struct arena *arena)
{
    struct h1_chunked chunked;
    size_t here = 0;
    *body = (struct body){.end = H1_CHUNK_MORE};
    buf_init(&body->data, bytes.len + 1);
    h1_chunked_init(&chunked);
    for (;;) {
        struct span data;
        size_t used;
        body->end = h1_chunked_next(&chunked, span_make(bytes.at + body->used, here - body->used),
                                    &used, &data, &body->trailers, arena);
        body->used += used;
        must(body->used <= here);
        must(buf_add(&body->data, data) || data.len == 0);
        if (body->end == H1_CHUNK_DATA)
            continue;
        if (body->end != H1_CHUNK_MORE || here == bytes.len)
            return;
        here = bytes.len - here > step ? here + step : bytes.len;
    }
}

static void try_chunked(struct span bytes, unsigned step, struct arena *arena)
{
    struct body whole, cut;
    decode(&whole, bytes, bytes.len + 1, arena);
    decode(&cut, bytes, 1 + step % 9, arena);
    must(whole.end == cut.end);
    must(whole.end == H1_CHUNK_BROKEN || whole.used == cut.used);
    must(span_is(buf_span(&whole.data), buf_span(&cut.data)));
    must(same_fields(&whole.trailers, &cut.trailers));
    buf_fini(&whole.data);
    buf_fini(&cut.data);
}

/* The same field lines under a status line: the other side reads the same length, or refuses. */
static void try_as_answer(const struct reading *request, struct arena *arena)
{
    struct buf text;
    struct answer_head head;
    size_t seen = 0, used;
    bool close;
    buf_init(&text, 65536);
    h1_write_answer(&text, &(struct answer_head){.status = 200, .fields = request->head.fields});
    enum h1_parse parse = h1_parse_answer(buf_span(&text), &seen, &limits, request->head.method,
                                          arena, &head, &used, &close);
    must(parse != H1_MORE || text.len < limits.head_bytes);
    bool names_length = fields_count(&head.fields, SPAN("Content-Length")) +
                            fields_count(&head.fields, SPAN("Transfer-Encoding")) >
                        0;
    bool has_none = span_is(request->head.method, SPAN("HEAD")) ||
                    span_is(request->head.method, SPAN("CONNECT"));
    if (parse == H1_READY && names_length && !has_none)
        must(head.body_length == request->head.body_length);
    buf_fini(&text);
}

static void try_again(const struct reading *request, struct arena *arena)
{
    struct buf text;
    struct reading again;
    size_t seen = 0;
    buf_init(&text, 65536);
    h1_write_request(&text, &request->head);
    read_more(&again, buf_span(&text), &seen, arena);
    if (text.len < limits.head_bytes && request->head.version == HTTP_1_1) {
        must(again.parse == H1_READY && again.used == text.len);
        must(again.refusal.status == request->refusal.status);
        must(again.head.body_length == request->head.body_length);
        must(span_is(again.head.target, request->head.target));
        must(same_fields(&again.head.fields, &request->head.fields));
    }
    buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span bytes = {(const char *)data, size};
    unsigned step = size > 0 ? data[size - 1] : 0;
    struct arena *arena = arena_new(NULL, (size_t)1 << 20);
    struct reading whole;
    size_t seen = 0;
    must(arena != NULL);
    read_more(&whole, bytes, &seen, arena);
    struct reading cut = read_cut(bytes, step, arena);
    must_be_same(&whole, &cut);
    must(whole.used <= size);
    if (whole.parse == H1_READY) {
        try_as_answer(&whole, arena);
        try_again(&whole, arena);
        try_chunked(span_from(bytes, whole.used), step, arena);
    }
    try_chunked(bytes, step, arena);
    arena_free(arena);
    return 0;
}
