/* SPDX-License-Identifier: Apache-2.0 */
/* multipart/form-data: RFC 7578 and RFC 2046 5.1, with every flag of ModSecurity 2.
 *
 *   preamble                          -> data_before
 *   --boundary CRLF                   -> a part begins       OUTSIDE or IN_DATA -> IN_HEADERS
 *   Content-Disposition: ... CRLF
 *   CRLF                              -> its name is known   IN_HEADERS -> IN_DATA
 *   data CRLF
 *   --boundary-- CRLF                 -> the end             IN_DATA -> OUTSIDE
 *   epilogue                          -> data_after
 *
 * The walk goes line by line, and a line is what LF ends. A value is a part of the body's copy. */
#include "rules/body/multipart.h"

enum { FILES_FIRST = 4, SHOWN_MOST_BYTES = 120 };

static void flag_line_end(struct multipart *multipart, struct span line)
{
    bool crlf = span_ends(line, SPAN("\r\n"));
    multipart->flags->crlf_line |= crlf;
    multipart->flags->lf_line |= !crlf;
}

static struct span without_line_end(struct span line)
{
    size_t len = line.len;
    if (len > 0 && line.at[len - 1] == '\n')
        len -= len > 1 && line.at[len - 2] == '\r' ? 2 : 1;
    return span_first(line, len);
}

static void add_file(struct multipart *multipart, struct span content)
{
    const struct part *part = &multipart->part;
    if (multipart->file_count == multipart->file_room) {
        size_t room = multipart->file_room > 0 ? multipart->file_room * 2 : FILES_FIRST;
        struct body_file *files = arena_alloc(multipart->body->arena, room * sizeof *files);
        if (files == NULL)
            return;
        if (multipart->file_count > 0)
            memcpy(files, multipart->files, multipart->file_count * sizeof *files);
        multipart->files = files;
        multipart->file_room = room;
    }
    multipart->files[multipart->file_count++] = (struct body_file){
        .field = part->name, .filename = part->filename, .content = content, .size = content.len};
    if (multipart->file_count > multipart->body->limits.files)
        multipart->flags->file_limit_exceeded = true;
}

/* Hands out the part that the walk is in. */
static void end_part(struct multipart *multipart, struct span value)
{
    struct part *part = &multipart->part;
    struct pairs *headers = &multipart->body->part_headers;
    if (multipart->place == OUTSIDE)
        return;
    for (size_t i = part->first_header; i < headers->count; i++)
        headers->at[i].name = part->name;
    if (!part->has_name)
        multipart->flags->invalid_part = true;
    else if (part->has_filename)
        add_file(multipart, value);
    else
        body_add_argument(multipart->body, part->name, value);
    multipart->place = OUTSIDE;
}

static void begin_part(struct multipart *multipart)
{
    multipart->part = (struct part){.first_header = multipart->body->part_headers.count};
    multipart->place = IN_HEADERS;
}

/* A line that begins with the delimiter. False: it stands where a part's data should begin, so it
 * is flagged and read as what stands there. */
static bool on_delimiter(struct multipart *multipart, struct span line)
{
    struct body_flags *flags = multipart->flags;
    flags->lf_line |= multipart->after_bare_lf;
    if (multipart->boundaries > 0 && multipart->part.data.len == 0) {
        flags->invalid_part = true;
        return false;
    }
    struct span end = span_from(line, multipart->delimiter.len);
    bool is_final = span_starts(end, SPAN("--"));
    end = span_from(end, is_final ? 2 : 0);
    if (!span_is(end, SPAN("\r\n")) && !span_is(end, SPAN("\n"))) {
        struct span shown = span_first(without_line_end(line), SHOWN_MOST_BYTES);
        body_fail(multipart->body,
                  "Multipart parsing error: Multipart: Invalid boundary: " SPAN_FORMAT,
                  span_arg(shown));
        return true;
    }
    flag_line_end(multipart, line);
    /* What looked like a boundary stands between good ones: that is the softer variant. */
    if (flags->unmatched_boundary > 0 && multipart->boundaries > 0)
        flags->unmatched_boundary = 2;
    end_part(multipart, without_line_end(multipart->part.data));
    multipart->is_complete = is_final;
    if (!is_final)
        begin_part(multipart);
    multipart->boundaries++;
    return true;
}

/* A line that begins with "--" but not with the delimiter. */
static void on_unmatched(struct multipart *multipart, struct span line)
{
    struct span boundary = span_from(multipart->delimiter, 2);
    struct span rest = span_from(line, 2);
    if (multipart->flags->boundary_quoted && rest.at[0] == '"' &&
        span_starts(span_from(rest, 1), boundary)) {
        body_fail(multipart->body,
                  "Multipart parsing error: Multipart: Invalid boundary (quotes).");
        return;
    }
    struct span trimmed = rest;
    while (trimmed.len > 0 && byte_is_space(trimmed.at[0]))
        trimmed = span_from(trimmed, 1);
    if (trimmed.len < rest.len && span_starts(trimmed, boundary))
        body_fail(multipart->body,
                  "Multipart parsing error: Multipart: Invalid boundary (whitespace).");
    multipart->flags->unmatched_boundary = 1;
}

static void on_content(struct multipart *multipart, struct span line)
{
    struct span *data = &multipart->part.data;
    switch (multipart->place) {
    case OUTSIDE: multipart->flags->data_before = true; break;
    case IN_HEADERS:
        flag_line_end(multipart, line);
        line = without_line_end(line);
        if (line.len > 0)
            multipart_read_header(multipart, line);
        else if (multipart_end_headers(multipart))
            multipart->place = IN_DATA;
        break;
    case IN_DATA:
        *data = span_make(data->len > 0 ? data->at : line.at, data->len + line.len);
        break;
    }
}

static void on_line(struct multipart *multipart, struct span line)
{
    bool is_boundary = false;
    if (span_starts(line, multipart->delimiter))
        is_boundary = on_delimiter(multipart, line);
    else if (line.len > 3 && span_starts(line, SPAN("--")))
        on_unmatched(multipart, line);
    else if (span_find(line, multipart->delimiter) != SPAN_NONE)
        multipart->flags->unmatched_boundary = 1;
    if (!is_boundary && !multipart->flags->failed)
        on_content(multipart, line);
    multipart->after_bare_lf = !span_ends(line, SPAN("\r\n"));
}

/* The final boundary may stand at the very end, without a line end of its own. */
static bool is_final_without_line_end(const struct multipart *multipart, struct span rest)
{
    return multipart->boundaries > 0 && rest.len == multipart->delimiter.len + 2 &&
           span_starts(rest, multipart->delimiter) && span_ends(rest, SPAN("--"));
}

/* What stands behind the last line end, where no final boundary came before. */
static void on_end(struct multipart *multipart, struct span rest, bool complete)
{
    struct body_flags *flags = multipart->flags;
    if (is_final_without_line_end(multipart, rest)) {
        flags->lf_line |= multipart->after_bare_lf;
        flags->invalid_part |= multipart->part.data.len == 0;
        if (flags->unmatched_boundary > 0)
            flags->unmatched_boundary = 2;
        end_part(multipart, without_line_end(multipart->part.data));
        return;
    }
    if (complete)
        body_fail(multipart->body, "Multipart parsing error: Multipart: %s.",
                  multipart->boundaries > 0 ? "Final boundary missing"
                                            : "No boundaries found in payload");
    if (multipart->place == IN_DATA && rest.len > 0)
        on_content(multipart, rest);
}

static void multipart_end(struct body *body, bool complete)
{
    struct multipart multipart = {.body = body, .flags = &body->result.flags};
    struct span rest = span_make(body->text.at, body->text.len);
    if (!multipart_read_boundary(&multipart) || rest.len == 0)
        return;
    size_t line_feed;
    while (!multipart.is_complete && !multipart.flags->failed &&
           (line_feed = span_find_byte(rest, '\n')) != SPAN_NONE) {
        on_line(&multipart, span_first(rest, line_feed + 1));
        rest = span_from(rest, line_feed + 1);
    }
    if (multipart.is_complete)
        multipart.flags->data_after = rest.len > 0;
    else if (!multipart.flags->failed)
        on_end(&multipart, rest, complete);
    /* An unfinished part is handed out as far as it goes: rules should see it. */
    if (multipart.part.has_name)
        end_part(&multipart, multipart.part.data);
    body->result.files = multipart.files;
    body->result.file_count = multipart.file_count;
}

const struct body_parser multipart_parser = {NULL, body_gather, multipart_end};
