/* SPDX-License-Identifier: Apache-2.0 */
/* A body of any kind:
 *   - pushed at once, byte by byte and cut at places that the bytes choose it comes to the same:
 *     names, values, files, header lines, flags and words,
 *   - what is handed out stays within the limits, and is no longer than what came,
 *   - it has failed where it says why, and nowhere else,
 *   - an arena that is too small for it is a mark, nothing worse.
 *
 *   input:  Content-Type LF knobs (one byte: the lowest bit says that the body was cut) body */
#include <stdlib.h>

#include "rules/base/must.h"
#include "rules/body/body.h"

enum { CEILING = 32 << 20, SMALL_CEILING = 8192, MARKUP_GROWTH = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    enum body_kind kind;
    struct span content_type, body;
    struct body_limits limits;
    bool complete;
    unsigned step;
};

static enum body_kind kind_of(struct span content_type)
{
    if (span_find_nocase(content_type, SPAN("multipart")) != SPAN_NONE)
        return BODY_MULTIPART;
    if (span_find_nocase(content_type, SPAN("json")) != SPAN_NONE)
        return BODY_JSON;
    return span_find_nocase(content_type, SPAN("xml")) != SPAN_NONE ? BODY_XML : BODY_URLENCODED;
}

static struct input input_cut(struct span all)
{
    struct input input = {.content_type = span_cut(&all, '\n'), .body = span_from(all, 1)};
    unsigned knobs = all.len > 0 ? (unsigned char)all.at[0] : 1;
    input.kind = kind_of(input.content_type);
    input.complete = (knobs & 1) != 0;
    input.limits = (struct body_limits){
        .arguments = (knobs & 2) != 0 ? 3 : 1000,
        .depth = (knobs & 4) != 0 ? 3 : 500,
        .files = (knobs & 8) != 0 ? 1 : 100,
        .separator = (knobs & 16) != 0 ? ';' : '&',
    };
    input.step = knobs >> 5;
    return input;
}

/* Each piece is a copy of exactly its size that does not outlive the push. */
static void push_copy(struct body *body, struct span piece)
{
    char *copy = malloc(piece.len);
    must(copy != NULL || piece.len == 0);
    if (piece.len > 0)
        memcpy(copy, piece.at, piece.len);
    body_push(body, span_make(copy, piece.len));
    free(copy);
}

/* `step` 0: all at once; else in pieces of 1 to `step` bytes, by what the bytes are. */
static const struct body_result *parse(const struct input *input, size_t step, struct arena *arena)
{
    struct body *body = body_begin(input->kind, input->content_type, &input->limits, arena);
    if (body == NULL) {
        must(arena_is_full(arena));
        return NULL;
    }
    for (struct span rest = input->body; rest.len > 0;) {
        size_t len = step == 0 ? rest.len : 1 + (unsigned char)rest.at[0] % step;
        push_copy(body, span_first(rest, len));
        rest = span_from(rest, len);
    }
    const struct body_result *result = body_end(body, input->complete);
    body_free(body);
    return result;
}

static bool same_pairs(const struct pair *a, size_t a_count, const struct pair *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!span_is(a[i].name, b[i].name) || !span_is(a[i].value, b[i].value))
            return false;
    return true;
}

static bool same_files(const struct body_result *a, const struct body_result *b)
{
    if (a->file_count != b->file_count)
        return false;
    for (size_t i = 0; i < a->file_count; i++)
        if (!span_is(a->files[i].field, b->files[i].field) ||
            !span_is(a->files[i].filename, b->files[i].filename) ||
            !span_is(a->files[i].content, b->files[i].content) ||
            a->files[i].size != b->files[i].size)
            return false;
    return true;
}

static bool same_flags(const struct body_flags *a, const struct body_flags *b)
{
    return a->failed == b->failed && a->too_many_arguments == b->too_many_arguments &&
           a->urlencoded_error == b->urlencoded_error && a->boundary_quoted == b->boundary_quoted &&
           a->boundary_whitespace == b->boundary_whitespace && a->data_before == b->data_before &&
           a->data_after == b->data_after && a->header_folding == b->header_folding &&
           a->invalid_header_folding == b->invalid_header_folding && a->lf_line == b->lf_line &&
           a->crlf_line == b->crlf_line && a->missing_semicolon == b->missing_semicolon &&
           a->invalid_quoting == b->invalid_quoting && a->invalid_part == b->invalid_part &&
           a->file_limit_exceeded == b->file_limit_exceeded &&
           a->unmatched_boundary == b->unmatched_boundary;
}

static void must_be_same(const struct body_result *a, const struct body_result *b)
{
    must(same_pairs(a->arguments, a->argument_count, b->arguments, b->argument_count));
    must(same_pairs(a->part_headers, a->part_header_count, b->part_headers, b->part_header_count));
    must(same_pairs(a->xml_attributes, a->xml_attribute_count, b->xml_attributes,
                    b->xml_attribute_count));
    must(same_files(a, b) && same_flags(&a->flags, &b->flags));
    must(span_is(a->why, b->why) && span_is(a->xml_text, b->xml_text));
    must(span_is(a->multipart_name, b->multipart_name));
    must(span_is(a->multipart_filename, b->multipart_filename));
}

/* Of JSON the names repeat what stands above them; of the others names are parts of the body. */
static size_t bytes_out(const struct body_result *result, bool names)
{
    size_t bytes = 0;
    for (size_t i = 0; i < result->argument_count; i++)
        bytes += (names ? result->arguments[i].name.len : 0) + result->arguments[i].value.len;
    for (size_t i = 0; i < result->file_count; i++)
        bytes += result->files[i].content.len;
    return bytes;
}

static void must_be_within(const struct input *input, const struct body_result *result)
{
    must(result->argument_count <= input->limits.arguments);
    must(!result->flags.too_many_arguments || result->argument_count == input->limits.arguments);
    must(result->flags.failed == (result->why.len > 0));
    must(bytes_out(result, input->kind == BODY_URLENCODED) <= input->body.len);
    must(result->xml_text.len <= MARKUP_GROWTH * input->body.len);
    must(input->body.len > 0 || !result->flags.failed || input->kind == BODY_MULTIPART);
}

static void try_cut(const struct input *input, const struct body_result *whole, size_t step)
{
    struct arena *arena = arena_new(NULL, CEILING);
    must(arena != NULL);
    const struct body_result *cut = parse(input, step, arena);
    must(cut != NULL);
    if (!arena_is_full(arena))
        must_be_same(whole, cut);
    arena_free(arena);
}

static void try_small(const struct input *input)
{
    struct arena *arena = arena_new(NULL, SMALL_CEILING);
    must(arena != NULL);
    parse(input, 0, arena);
    arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = input_cut(span_make((const char *)data, size));
    struct arena *arena = arena_new(NULL, CEILING);
    must(arena != NULL);
    const struct body_result *whole = parse(&input, 0, arena);
    must(whole != NULL || arena_is_full(arena));
    if (whole != NULL && !arena_is_full(arena)) {
        must_be_within(&input, whole);
        try_cut(&input, whole, 1);
        try_cut(&input, whole, 2 + (size_t)13 * input.step);
    }
    try_small(&input);
    arena_free(arena);
    return 0;
}
