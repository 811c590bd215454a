/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the multipart parser: a walk over lines, and the part that it is in. */
#ifndef SIDEGATE_RULES_BODY_MULTIPART_H
#define SIDEGATE_RULES_BODY_MULTIPART_H

#include "rules/body/parser.h"

enum multipart_place {
    OUTSIDE, /* before the first boundary, or behind the last */
    IN_HEADERS,
    IN_DATA,
};

struct part {
    size_t first_header; /* its header lines begin here in the body's part_headers */
    bool has_name, has_filename, has_extended; /* the last: filename*= */
    struct span name, filename, extended;
    struct span data; /* with the line end before the next boundary */
};

struct multipart {
    struct body *body;
    struct body_flags *flags;
    struct span delimiter; /* "--" and the boundary */
    enum multipart_place place;
    size_t boundaries;  /* met so far */
    bool is_complete;   /* the final one was met */
    bool after_bare_lf; /* the line before ended with LF alone */
    struct part part;
    struct body_file *files;
    size_t file_count, file_room;
};

/* Finds the boundary in the Content-Type. False: there is none to work with, and the body has
 * failed. */
bool multipart_read_boundary(struct multipart *multipart);

/* One header line of a part, without its line end. False: the body has failed. */
bool multipart_read_header(struct multipart *multipart, struct span line);

/* The empty line: the part's headers are complete, its name is settled. */
bool multipart_end_headers(struct multipart *multipart);

/* Reads name and filename out of a Content-Disposition's value into the part. Returns what is wrong
 * with it, or NULL. */
const char *multipart_read_disposition(struct multipart *multipart, struct span value);

/* isspace() of the C locale. */
static inline bool byte_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

#endif
