/* SPDX-License-Identifier: Apache-2.0 */
/* A body and what is found in it, as text, so that a test reads like a page:
 *
 *   arg a=1                            an argument
 *   file image "cat.jpg" 3 xyz         field, file name, size, content
 *   head a|Content-Disposition: ...    a line of a part's header
 *   text hello                         all text of XML
 *   attribute id=7
 *   last name "filename"               MULTIPART_NAME, MULTIPART_FILENAME
 *   flag lf_line                       one line for each that is set
 *   why JSON parsing error: ... */
#ifndef SIDEGATE_TESTS_UNIT_BODY_STORY_H
#define SIDEGATE_TESTS_UNIT_BODY_STORY_H

#include "rules/base/buf.h"
#include "rules/body/body.h"

struct input {
    enum body_kind kind;
    const char *type; /* NULL: "multipart/form-data; boundary=b" */
    struct span text;
    struct body_limits limits; /* all zero: wide ones */
    bool cut;
};

/* Fails unless the story is `want`, whole, in two pieces cut at every byte, and byte by byte. */
void check_story(const struct input *input, const char *want);
/* Fails unless the story is `want` where the text comes in pieces of so many bytes: for large ones.
 */
void check_story_in_pieces(const struct input *input, size_t bytes, struct span want);
/* Fails unless `line` is one of the lines of the story. */
void check_story_has(const struct input *input, const char *line);
/* Fails if a line begins so. */
void check_story_lacks(const struct input *input, const char *beginning);

/* Of a multipart body with the boundary "b". */
#define MULTIPART(literal) (&(struct input){.kind = BODY_MULTIPART, .text = SPAN_INIT(literal)})
#define JSON(literal)      (&(struct input){.kind = BODY_JSON, .text = SPAN_INIT(literal)})
#define XML(literal)       (&(struct input){.kind = BODY_XML, .text = SPAN_INIT(literal)})

#endif
