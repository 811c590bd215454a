/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as text. What a parser of ours let in can be written as it is; what rules, templates and
 * other versions of HTTP bring may hold anything, and must not become a second head: a byte that
 * may not stand at its place is replaced, a field whose name is no token is left out. */
#include <string.h>

#include "rules/base/number.h"
#include "sidecar/http/bytes.h"
#include "sidecar/wire/h1_parse.h"

static char *put(char *to, struct span text)
{
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    return to + text.len;
}

static char *put_value(char *to, struct span value)
{
    char *end = put(to, value);
    for (char *at = to; (at += h1_value_end(at, end) - at) < end; at++)
        *at = ' ';
    return end;
}

/* A method or a target. */
static char *put_word(char *to, struct span word, enum http_byte class)
{
    to = put(to, word);
    for (char *at = to - word.len; at < to; at++)
        if (!http_byte_is(*at, class))
            *at = '_';
    return to;
}

static size_t fields_size(const struct fields *fields)
{
    size_t size = 2;
    for (size_t i = 0; i < fields->count; i++)
        size += fields->at[i].name.len + fields->at[i].value.len + 4;
    return size;
}

static char *put_fields(char *to, const struct fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!http_is_token(fields->at[i].name))
            continue;
        to = put(to, fields->at[i].name);
        to = put(to, SPAN(": "));
        to = put_value(to, fields->at[i].value);
        to = put(to, SPAN("\r\n"));
    }
    return put(to, SPAN("\r\n"));
}

void h1_write_request(struct buf *to, const struct request_head *head)
{
    static const struct span version = SPAN_INIT(" HTTP/1.1\r\n");
    char *begin = buf_room(to, head->method.len + 1 + head->target.len + version.len +
                                   fields_size(&head->fields));
    if (begin == NULL)
        return;
    char *at = put_word(begin, head->method, HTTP_TOKEN);
    *at++ = ' ';
    at = put_word(at, head->target, HTTP_TARGET);
    at = put_fields(put(at, version), &head->fields);
    buf_grew(to, (size_t)(at - begin));
}

void h1_write_answer(struct buf *to, const struct answer_head *head)
{
    static const struct span version = SPAN_INIT("HTTP/1.1 ");
    struct span reason = head->reason.len > 0 ? head->reason : http_reason(head->status);
    char digits[21];
    struct span status = span_make(digits, number_write(digits, head->status));
    char *begin =
        buf_room(to, version.len + status.len + 1 + reason.len + 2 + fields_size(&head->fields));
    if (begin == NULL)
        return;
    char *at = put(put(begin, version), status);
    *at++ = ' ';
    at = put(put_value(at, reason), SPAN("\r\n"));
    at = put_fields(at, &head->fields);
    buf_grew(to, (size_t)(at - begin));
}
