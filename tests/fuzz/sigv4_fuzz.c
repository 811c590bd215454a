/* SPDX-License-Identifier: Apache-2.0 */
/* A request from any bytes, "METHOD target\nname:value\n\nbody", verified with a key that nobody
 * signed with: no signature is good, and every refusal has its words. The body goes through the
 * chunks' parser, which comes to the same however it is cut. */
#include <stdint.h>

#include "rules/base/must.h"
#include "sidecar/guard/sigv4.h"

enum { FIELDS_MOST = 64, ARENA_MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span head_read(struct span text, struct sigv4_request *request, struct pair *pairs,
                             struct fields *fields)
{
    struct span line = span_cut(&text, '\n');
    request->method = span_cut(&line, ' ');
    request->query = line;
    request->path = span_cut(&request->query, '?');
    *fields = (struct fields){.at = pairs, .size = FIELDS_MOST};
    while ((line = span_cut(&text, '\n')).len > 0 && fields->count < FIELDS_MOST) {
        struct span name = span_cut(&line, ':');
        pairs[fields->count++] = (struct pair){name, line.at != NULL ? line : SPAN("")};
    }
    request->fields = fields;
    return text;
}

static enum sigv4_chunks_step chunks_run(const struct sigv4_claim *claim,
                                         const struct sigv4_key *key, struct span body,
                                         size_t piece)
{
    struct sigv4_chunks *chunks = sigv4_chunks_new(claim, key);
    enum sigv4_chunks_step step = SIGV4_CHUNKS_MORE;
    must(chunks != NULL);
    for (size_t at = 0; at < body.len; at += piece)
        step = sigv4_chunks_feed(chunks, span_first(span_from(body, at), piece));
    sigv4_chunks_free(chunks);
    return step;
}

static void must_cut_anywhere(const struct sigv4_key *key, struct span body)
{
    static const char seed[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    struct sigv4_claim claim = {.date = SPAN("20130524T000000Z"),
                                .day = SPAN("20130524"),
                                .region = SPAN("us-east-1"),
                                .service = SPAN("s3"),
                                .scope = SPAN("20130524/us-east-1/s3/aws4_request"),
                                .signature = SPAN(seed)};
    for (enum sigv4_payload_kind kind = SIGV4_CHUNKED; kind <= SIGV4_CHUNKED_TRAILER; kind++) {
        claim.payload_kind = kind;
        enum sigv4_chunks_step whole = chunks_run(&claim, key, body, body.len + 1);
        must(whole == chunks_run(&claim, key, body, 1));
        must(whole == chunks_run(&claim, key, body, 7));
        must(whole != SIGV4_CHUNKS_END);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sigv4_rules rules = {
        .skew_us = 300000000u, .normalize = true, .unsigned_payload = true, .elliptic = true};
    struct pair pairs[FIELDS_MOST];
    struct fields fields;
    struct sigv4_request request = {0};
    char payload[SHA256_HEX];
    struct span body = head_read(span_make((const char *)data, size), &request, pairs, &fields);
    sigv4_sha256_hex(body, payload);
    request.payload = span_make(payload, sizeof payload);
    struct sigv4 sigv4 = {.rules = &rules,
                          .request = &request,
                          .now_us = 1440938160000000u,
                          .arena = arena_new(NULL, ARENA_MOST)};
    struct sigv4_key *key = sigv4_key_new(SPAN("AKIDEXAMPLE"), SPAN("nobody's"), SPAN(""));
    enum sigv4_answer answer = sigv4_read(&sigv4);
    if (answer == SIGV4_GOOD)
        answer = sigv4_verify(&sigv4, key);
    must(answer != SIGV4_GOOD);
    must(answer == SIGV4_NO_ROOM || sigv4.message.len > 0);
    must_cut_anywhere(key, body);
    sigv4_key_free(key);
    arena_free(sigv4.arena);
    return 0;
}
