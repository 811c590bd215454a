/* SPDX-License-Identifier: Apache-2.0 */
/* The header lines of a part. All of them are kept as they came (folded ones joined), since rules
 * look at them; Content-Disposition gives the part its name. */
#include "rules/body/multipart.h"

enum {
    LINE_MOST_BYTES = 4096,
    HEADERS_MOST = 100, /* of one part: each is compared with those before it */
    SHOWN_MOST_BYTES = 120,
};

static bool invalid(struct multipart *multipart, const char *why)
{
    body_fail(multipart->body, "Multipart parsing error: Multipart: %s.", why);
    return false;
}

static bool invalid_text(struct multipart *multipart, const char *why, struct span text)
{
    struct span shown = span_first(text, SHOWN_MOST_BYTES);
    body_fail(multipart->body, "Multipart parsing error: Multipart: %s: " SPAN_FORMAT ".", why,
              span_arg(shown));
    return false;
}

static struct span header_name(struct span line)
{
    return span_first(line, span_find_byte(line, ':'));
}

static struct span header_value(struct span line)
{
    struct span value = span_from(line, header_name(line).len + 1);
    while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t'))
        value = span_from(value, 1);
    return value;
}

/* The line of this part with that name, or NULL. */
static struct span *find_header(const struct multipart *multipart, struct span name)
{
    struct pairs *headers = &multipart->body->part_headers;
    for (size_t i = multipart->part.first_header; i < headers->count; i++) {
        if (span_is_nocase(header_name(headers->at[i].value), name))
            return &headers->at[i].value;
    }
    return NULL;
}

/* RFC 822 folding is SP or HTAB; there are servers that take any white space, so that is read as
 * well, but flagged. */
static bool fold(struct multipart *multipart, struct span line)
{
    struct body *body = multipart->body;
    struct body_flags *flags = multipart->flags;
    struct pairs *headers = &body->part_headers;
    flags->header_folding = true;
    flags->invalid_header_folding |= line.at[0] != ' ' && line.at[0] != '\t';
    if (headers->count == multipart->part.first_header)
        return invalid(multipart, "Invalid part header (folding error)");
    struct span more = line;
    while (more.len > 0 && byte_is_space(more.at[0])) {
        flags->invalid_header_folding |= more.at[0] != ' ' && more.at[0] != '\t';
        more = span_from(more, 1);
    }
    flags->invalid_header_folding |= more.len == 0;
    struct span *last = &headers->at[headers->count - 1].value;
    struct span name = header_name(*last), value = header_value(*last);
    if (value.len + 1 + more.len > LINE_MOST_BYTES)
        return invalid(multipart, "Part header too long");
    *last = arena_format(body->arena, SPAN_FORMAT ": " SPAN_FORMAT " " SPAN_FORMAT, span_arg(name),
                         span_arg(value), span_arg(more));
    return true;
}

static bool name_is_valid(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] <= ' ' || name.at[i] >= 127)
            return false;
    }
    return true;
}

static bool check_header(struct multipart *multipart, struct span line)
{
    struct span name = header_name(line);
    if (name.len == line.len)
        return invalid_text(multipart, "Invalid part header (colon missing)", line);
    if (name.len == 0)
        return invalid(multipart, "Invalid part header (header name missing)");
    if (!name_is_valid(name))
        return invalid(multipart, "Invalid part header (contains invalid character)");
    if (find_header(multipart, name) != NULL)
        return invalid_text(multipart, "Duplicate part header", name);
    if (multipart->body->part_headers.count - multipart->part.first_header >= HEADERS_MOST)
        return invalid(multipart, "Too many part headers");
    return true;
}

bool multipart_read_header(struct multipart *multipart, struct span line)
{
    if (span_find_byte(line, '\0') != SPAN_NONE)
        return invalid(multipart, "Nul byte in part headers");
    if (line.len >= LINE_MOST_BYTES)
        return invalid(multipart, "Part header line over 4096 bytes long");
    if (byte_is_space(line.at[0]))
        return fold(multipart, line);
    bool good = check_header(multipart, line);
    /* A wrong one is kept too: rules about part headers should see what was refused. */
    pairs_add(&multipart->body->part_headers, multipart->body->arena, SPAN(""), line);
    return good;
}

bool multipart_end_headers(struct multipart *multipart)
{
    struct part *part = &multipart->part;
    const struct span *line = find_header(multipart, SPAN("Content-Disposition"));
    if (line == NULL)
        return invalid(multipart, "Part missing Content-Disposition header");
    struct span value = header_value(*line);
    const char *wrong = multipart_read_disposition(multipart, value);
    if (wrong != NULL) {
        struct span shown = span_first(value, SHOWN_MOST_BYTES);
        body_fail(multipart->body,
                  "Multipart parsing error: Multipart: Invalid Content-Disposition header "
                  "(%s): " SPAN_FORMAT ".",
                  wrong, span_arg(shown));
        return false;
    }
    if (!part->has_name)
        return invalid(multipart, "Content-Disposition header missing name field");
    /* Crude parsers look for this very text: they would not see the file that we see. */
    if (part->has_filename && !part->has_extended &&
        span_find(value, SPAN("filename=")) == SPAN_NONE)
        return invalid(multipart, "Invalid Content-Disposition header (filename)");
    return true;
}
