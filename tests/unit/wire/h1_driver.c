/* SPDX-License-Identifier: Apache-2.0 */
/* Reads messages from standard input with the parsers and says what it saw, one line each:
 *
 *   message METHOD-OR-STATUS TARGET name,name,...   a head that was taken
 *   complete | open | until_close                   how its body went
 *   more                                            a head that is not whole
 *   judged STATUS WHY                               a head that was taken is refused all the same
 *   refused STATUS WHY
 *
 * h1_driver request | response */
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/wire/h1.h"

enum { INPUT_MOST = 1 << 20 };

static const struct h1_limits limits = {
    .head_bytes = 65536, .field_count = 100, .target_bytes = 8192};

static void print_span(struct span text)
{
    fwrite(text.at, 1, text.len, stdout);
}

static void print_message(struct span first, struct span second, const struct fields *fields)
{
    fputs("message ", stdout);
    print_span(first);
    putchar(' ');
    print_span(second);
    for (size_t i = 0; i < fields->count; i++) {
        putchar(i == 0 ? ' ' : ',');
        print_span(fields->at[i].name);
    }
    putchar('\n');
}

/* Moves `bytes` behind the body; false: it does not end here. */
static bool skip_chunked(struct span *bytes, struct arena *arena)
{
    struct h1_chunked chunked;
    struct fields trailers = {0};
    enum h1_chunk chunk;
    h1_chunked_init(&chunked);
    do {
        size_t used;
        struct span data;
        chunk = h1_chunked_next(&chunked, *bytes, &used, &data, &trailers, arena);
        *bytes = span_from(*bytes, used);
    } while (chunk == H1_CHUNK_DATA);
    if (chunk == H1_CHUNK_BROKEN)
        puts("refused 400 bad_chunk");
    else
        puts(chunk == H1_CHUNK_END ? "complete" : "open");
    return chunk == H1_CHUNK_END;
}

static bool skip_body(struct span *bytes, int64_t length, bool is_chunked, struct arena *arena)
{
    if (is_chunked)
        return skip_chunked(bytes, arena);
    if (length == BODY_UNKNOWN) {
        puts("until_close");
        return false;
    }
    bool is_whole = bytes->len >= (uint64_t)length;
    puts(is_whole ? "complete" : "open");
    *bytes = span_from(*bytes, (size_t)length);
    return is_whole;
}

static bool read_request(struct span *bytes, struct arena *arena)
{
    struct request_head head;
    struct refusal refusal;
    size_t seen = 0, used;
    bool close;
    enum h1_parse parse =
        h1_parse_request(*bytes, &seen, &limits, arena, &head, &used, &refusal, &close);
    if (parse == H1_MORE)
        puts("more");
    if (parse == H1_READY)
        print_message(head.method, head.target, &head.fields);
    if (refusal.status != 0)
        printf("%s %u %s\n", parse == H1_READY ? "judged" : "refused", refusal.status, refusal.why);
    if (parse != H1_READY)
        return false;
    *bytes = span_from(*bytes, used);
    bool is_chunked = head.body_length == BODY_UNKNOWN;
    /* A judged head closes, but what stands behind it is of interest here. */
    return skip_body(bytes, head.body_length, is_chunked, arena) && (!close || refusal.status != 0);
}

static bool read_answer(struct span *bytes, struct arena *arena)
{
    struct answer_head head;
    size_t seen = 0, used;
    bool close;
    enum h1_parse parse =
        h1_parse_answer(*bytes, &seen, &limits, SPAN("GET"), arena, &head, &used, &close);
    if (parse == H1_MORE)
        puts("more");
    if (parse == H1_BROKEN)
        puts("refused 502 bad_answer");
    if (parse != H1_READY)
        return false;
    char status[21];
    print_message(span_make(status, (size_t)snprintf(status, sizeof status, "%u", head.status)),
                  SPAN("-"), &head.fields);
    *bytes = span_from(*bytes, used);
    bool is_chunked = fields_count(&head.fields, SPAN("Transfer-Encoding")) > 0;
    return skip_body(bytes, head.body_length, is_chunked && head.body_length != 0, arena) && !close;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: h1_driver request|response\n", stderr);
        return 2;
    }
    bool is_request = span_is(span_text(argv[1]), SPAN("request"));
    char *input = must_alloc(INPUT_MOST);
    struct span bytes = {input, fread(input, 1, INPUT_MOST, stdin)};
    struct arena *arena = arena_new(NULL, (size_t)1 << 20);
    while (bytes.len > 0 && (is_request ? read_request(&bytes, arena) : read_answer(&bytes, arena)))
        arena_reset(arena);
    arena_free(arena);
    free(input);
    return 0;
}
