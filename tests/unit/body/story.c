/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/body/story.h"

#include <stdlib.h>

#include "tests/check.h"

enum { ARENA_BYTES = 16 << 20, STORY_BYTES = 1 << 20 };

static void print_flags(const struct body_flags *flags, struct buf *to)
{
    const struct {
        bool set;
        const char *name;
    } rows[] = {
        {flags->failed, "failed"},
        {flags->too_many_arguments, "too_many_arguments"},
        {flags->urlencoded_error, "urlencoded_error"},
        {flags->boundary_quoted, "boundary_quoted"},
        {flags->boundary_whitespace, "boundary_whitespace"},
        {flags->data_before, "data_before"},
        {flags->data_after, "data_after"},
        {flags->header_folding, "header_folding"},
        {flags->invalid_header_folding, "invalid_header_folding"},
        {flags->lf_line, "lf_line"},
        {flags->crlf_line, "crlf_line"},
        {flags->missing_semicolon, "missing_semicolon"},
        {flags->invalid_quoting, "invalid_quoting"},
        {flags->invalid_part, "invalid_part"},
        {flags->file_limit_exceeded, "file_limit_exceeded"},
        {flags->unmatched_boundary == 1, "unmatched_boundary 1"},
        {flags->unmatched_boundary == 2, "unmatched_boundary 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].set)
            buf_format(to, "flag %s\n", rows[i].name);
    }
}

static void print_pairs(const struct pair *pairs, size_t count, const char *word, char between,
                        struct buf *to)
{
    for (size_t i = 0; i < count; i++) {
        buf_format(to, "%s ", word);
        buf_add(to, pairs[i].name);
        buf_add_byte(to, between);
        buf_add(to, pairs[i].value);
        buf_add_byte(to, '\n');
    }
}

static void print_files(const struct body_result *result, struct buf *to)
{
    for (size_t i = 0; i < result->file_count; i++) {
        const struct body_file *file = &result->files[i];
        buf_format(to, "file " SPAN_FORMAT " \"" SPAN_FORMAT "\" %llu ", span_arg(file->field),
                   span_arg(file->filename), (unsigned long long)file->size);
        buf_add(to, file->content);
        buf_add_byte(to, '\n');
    }
}

static void print_result(const struct body_result *result, struct buf *to)
{
    print_pairs(result->arguments, result->argument_count, "arg", '=', to);
    print_files(result, to);
    print_pairs(result->part_headers, result->part_header_count, "head", '|', to);
    if (result->xml_text.len > 0)
        buf_format(to, "text " SPAN_FORMAT "\n", span_arg(result->xml_text));
    print_pairs(result->xml_attributes, result->xml_attribute_count, "attribute", '=', to);
    if (result->multipart_name.len > 0 || result->multipart_filename.len > 0)
        buf_format(to, "last " SPAN_FORMAT " \"" SPAN_FORMAT "\"\n",
                   span_arg(result->multipart_name), span_arg(result->multipart_filename));
    print_flags(&result->flags, to);
    if (result->why.len > 0)
        buf_format(to, "why " SPAN_FORMAT "\n", span_arg(result->why));
    assert_int_equal(result->flags.failed, result->why.len > 0);
}

static void push_in_pieces(struct body *body, struct span text, size_t first, size_t later)
{
    /* Each piece is a fresh copy on the heap, so that reading over its end is noticed. */
    while (text.len > 0) {
        struct span piece = span_first(text, first > 0 ? first : later);
        char *copy = malloc(piece.len);
        assert_non_null(copy);
        memcpy(copy, piece.at, piece.len);
        body_push(body, span_make(copy, piece.len));
        memset(copy, '?', piece.len);
        free(copy);
        text = span_from(text, piece.len);
        first = 0;
    }
}

static void tell(const struct input *input, size_t first, size_t later, struct buf *to)
{
    static const struct body_limits wide = {
        .arguments = 1000, .depth = 512, .files = 100, .separator = '&'};
    struct arena *arena = arena_new(NULL, ARENA_BYTES);
    const char *type = input->type != NULL ? input->type : "multipart/form-data; boundary=b";
    const struct body_limits *limits = input->limits.arguments > 0 ? &input->limits : &wide;
    struct body *body = body_begin(input->kind, span_text(type), limits, arena);
    assert_non_null(body);
    push_in_pieces(body, input->text, first, later);
    buf_init(to, STORY_BYTES);
    print_result(body_end(body, !input->cut), to);
    body_free(body);
    arena_free(arena);
}

static void check_pieces(const struct input *input, size_t first, size_t later, struct span want)
{
    struct buf story;
    tell(input, first, later, &story);
    if (!span_is(buf_span(&story), want)) {
        print_error("first piece: %zu bytes\n", first);
        check_span_at(buf_span(&story), want, __FILE__, __LINE__);
    }
    buf_fini(&story);
}

void check_story(const struct input *input, const char *want)
{
    check_pieces(input, 0, SIZE_MAX, span_text(want));
    for (size_t first = 1; first < input->text.len; first++)
        check_pieces(input, first, SIZE_MAX, span_text(want));
    check_pieces(input, 0, 1, span_text(want));
}

void check_story_in_pieces(const struct input *input, size_t bytes, struct span want)
{
    check_pieces(input, 0, bytes, want);
}

static bool has_line(struct span story, struct span want, bool whole)
{
    while (story.len > 0) {
        struct span line = span_cut(&story, '\n');
        if (whole ? span_is(line, want) : span_starts(line, want))
            return true;
    }
    return false;
}

static void check_line(const struct input *input, const char *line, bool whole, bool wanted)
{
    struct buf story;
    tell(input, 0, SIZE_MAX, &story);
    buf_add_byte(&story, 0);
    story.len--;
    if (has_line(buf_span(&story), span_text(line), whole) != wanted) {
        print_error("%s\n%s: \"%s\"\n", buf_span(&story).at, wanted ? "lacks" : "has", line);
        fail();
    }
    buf_fini(&story);
}

void check_story_has(const struct input *input, const char *line)
{
    check_line(input, line, true, true);
}

void check_story_lacks(const struct input *input, const char *beginning)
{
    check_line(input, beginning, false, false);
}
