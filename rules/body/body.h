/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies to named values. A parser is pushed bytes as they come and hands out what it found; it
 * holds one copy at the most, in the arena it was given. What is wrong with a body is a set of
 * flags, never a refusal: rules decide. Sources: WHATWG URL 5.1 (urlencoded), RFC 7578 and
 * ModSecurity 2's multipart flags, RFC 8259, XML 1.0. */
#ifndef SIDEGATE_RULES_BODY_BODY_H
#define SIDEGATE_RULES_BODY_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "rules/match/result.h"

enum body_kind { BODY_URLENCODED, BODY_MULTIPART, BODY_JSON, BODY_XML };

struct body_limits {
    size_t
        arguments; /* more are not handed out, and `too_many_arguments` is set; SecArgumentsLimit */
    unsigned depth; /* of JSON and XML; SecRequestBodyJsonDepthLimit */
    size_t files;   /* SecUploadFileLimit */
    char separator; /* of urlencoded pairs: '&' */
    enum xml_view xml_view;
};

/* A part of multipart/form-data with a file name. */
struct body_file {
    struct span field; /* the name parameter */
    struct span filename;
    struct span content;
    uint64_t size;
};

/* MULTIPART_PART_HEADERS: one raw header line of the part named `name`. */
struct body_flags {
    bool failed; /* REQBODY_ERROR, REQBODY_PROCESSOR_ERROR; `why` says it */
    bool too_many_arguments;
    bool urlencoded_error; /* a broken %-escape; URLENCODED_ERROR */
    /* multipart; names as in SecLang */
    bool boundary_quoted, boundary_whitespace, data_before, data_after, header_folding,
        invalid_header_folding;
    bool lf_line, crlf_line, missing_semicolon, invalid_quoting, invalid_part, file_limit_exceeded;
    unsigned unmatched_boundary; /* 0, 1, or 2 for the softer variant */
};

struct body_result {
    const struct pair *arguments; /* decoded names and values, in order; JSON: json.a.array_0 style
                                     names; XML: xml.a.b */
    size_t argument_count;
    /* JSON: objects and arrays that stand under a key have names that the client chose, but no
     * value: the name, and that of the first argument below it (its own where there is none). */
    const struct pair *containers;
    size_t container_count;
    const struct body_file *files;
    size_t file_count;
    const struct pair *part_headers; /* name: the part's field, value: the line */
    size_t part_header_count;
    struct span multipart_name, multipart_filename; /* of the last part */
    struct span xml_text; /* what the expression slash-star selects: all text, concatenated */
    const struct pair *xml_attributes; /* what slash-slash-at-star selects: every attribute */
    size_t xml_attribute_count;
    struct body_flags flags;
    struct span why; /* "Multipart parsing error: ..." and the like; empty where nothing failed */
};

struct body; /* one parser at work */

/* `content_type` is the field's whole value (boundary). NULL: the arena is full. */
struct body *body_begin(enum body_kind kind, struct span content_type,
                        const struct body_limits *limits, struct arena *arena);
void body_push(struct body *body, struct span bytes);
/* The end: `complete` is false where the body was cut at the inspection limit. The result lives in
 * the arena. */
const struct body_result *body_end(struct body *body, bool complete);

/* Lets go of what does not lie in the arena (libxml2's parser). Call it once, also without
 * body_end; NULL allowed. */
void body_free(struct body *body);

/* An urlencoded text (a query) at once: pairs in `arena`, percent and plus decoded, broken escapes
 * kept as they are and reported. Returns the pairs; *count and *broken are set. */
struct pair *urlencoded_parse(struct span text, char separator, size_t most, struct arena *arena,
                              size_t *count, bool *broken);

#endif
