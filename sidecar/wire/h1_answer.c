/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of answers, RFC 9112 4. A backend is not trusted either: what is not well-formed is not
 * passed on. */
#include "sidecar/http/bytes.h"
#include "sidecar/wire/h1_parse.h"

/* "HTTP/1.1 200" and what follows: nothing, or a space and the phrase. */
enum { VERSION_LENGTH = 8, STATUS_AT = 9, STATUS_LENGTH = 3, REASON_AT = 13 };

/* Could this become a status line? Said at the first byte that cannot. */
static bool begins_well(struct span bytes)
{
    struct span known = span_first(SPAN("HTTP/1."), bytes.len);
    return span_starts(bytes, known);
}

static bool read_status(struct span digits, unsigned *status)
{
    *status = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!byte_is_digit(digits.at[i]))
            return false;
        *status = *status * 10 + (unsigned)(digits.at[i] - '0');
    }
    return *status >= 100 && *status <= 599;
}

static bool read_line(struct span line, struct answer_head *head)
{
    if (line.len < REASON_AT - 1 || line.at[VERSION_LENGTH] != ' ')
        return false;
    head->protocol = span_first(line, VERSION_LENGTH);
    if (!span_is(head->protocol, SPAN("HTTP/1.1")) && !span_is(head->protocol, SPAN("HTTP/1.0")))
        return false;
    if (!read_status(span_make(line.at + STATUS_AT, STATUS_LENGTH), &head->status))
        return false;
    if (line.len >= REASON_AT && line.at[REASON_AT - 1] != ' ')
        return false;
    head->reason = span_from(line, REASON_AT);
    const char *end = line.at + line.len;
    return h1_value_end(head->reason.at, end) == end || head->reason.len == 0;
}

static bool read_head(struct span bytes, const struct h1_limits *limits, struct arena *arena,
                      struct answer_head *head, struct h1_framing *framing)
{
    size_t line = span_find_byte(bytes, '\r');
    if (!read_line(span_first(bytes, line), head))
        return false;
    const char *at = bytes.at + line;
    if (at[1] != '\n')
        return false;
    at += 2;
    return h1_fields_read(&at, bytes.at + bytes.len, limits, arena, &head->fields, framing)
               .status == 0;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are h1.h's */
enum h1_parse h1_parse_answer(struct span bytes, size_t *seen, const struct h1_limits *limits,
                              struct span method, struct arena *arena, struct answer_head *head,
                              size_t *used, bool *close)
{
    *head = (struct answer_head){0};
    *used = 0;
    *close = true;
    bytes = span_first(bytes, limits->head_bytes);
    if (!begins_well(bytes))
        return H1_BROKEN;
    bool line_is_seen = true; /* nothing is to be told of the line alone */
    enum h1_scan scan = h1_scan_lines(bytes, 0, seen, &line_is_seen);
    if (scan == H1_SCAN_MORE)
        return bytes.len == limits->head_bytes ? H1_BROKEN : H1_MORE;
    struct h1_framing framing = {0};
    if (scan != H1_SCAN_HEAD ||
        !read_head(span_first(bytes, *seen), limits, arena, head, &framing) ||
        !h1_frame_answer(&framing, method, span_ends(head->protocol, SPAN("0")), head, close)) {
        *close = true;
        return H1_BROKEN;
    }
    *used = *seen;
    return H1_READY;
}
