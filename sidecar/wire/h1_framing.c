/* SPDX-License-Identifier: Apache-2.0 */
/* How long a body is, RFC 9112 6.3. Requests are smuggled where two readers of one head disagree
 * about this; so a head that anybody could read in another way is refused. */
#include "rules/base/number.h"
#include "sidecar/wire/h1_parse.h"

enum coding {
    CODING_CHUNKED, /* exactly that */
    CODING_UNKNOWN, /* well-formed, but not ours */
    CODING_BROKEN,
};

/* RFC 9112 6.1: chunked once and last. We take no other coding, so it stands alone. */
static enum coding judge_coding(struct span value)
{
    if (span_is_nocase(value, SPAN("chunked")))
        return CODING_CHUNKED;
    bool was_chunked = false;
    do {
        struct span member = span_trim_ows(span_cut(&value, ','));
        if (was_chunked || !http_is_token(member))
            return CODING_BROKEN;
        was_chunked = span_is_nocase(member, SPAN("chunked"));
    } while (value.at != NULL);
    return CODING_UNKNOWN;
}

static bool parse_length(struct span value, int64_t *length)
{
    uint64_t number;
    if (!number_parse(value, &number) || number > INT64_MAX)
        return false;
    *length = (int64_t)number;
    return true;
}

static struct refusal refuse(unsigned status, const char *why)
{
    return (struct refusal){.status = status, .why = why};
}

/* RFC 9112 9.3. */
static bool says_close(const struct h1_framing *framing, bool is_http_1_0)
{
    return framing->wants_close || (is_http_1_0 && !framing->wants_keep_alive);
}

static struct refusal frame_coded(const struct h1_framing *framing, bool reframe,
                                  struct request_head *head, bool *close)
{
    bool has_both = framing->length.count > 0;
    if (head->version == HTTP_1_0)
        return refuse(400, "transfer_encoding_in_1_0");
    if (has_both && !reframe)
        return refuse(400, "both_lengths");
    switch (judge_coding(framing->coding.value)) {
    case CODING_CHUNKED: break;
    case CODING_UNKNOWN: return refuse(501, "unknown_transfer_encoding");
    case CODING_BROKEN: return refuse(400, "bad_transfer_encoding");
    }
    if (has_both) {
        fields_remove(&head->fields, SPAN("Content-Length"));
        *close = true;
    }
    head->body_length = BODY_UNKNOWN;
    return refuse(0, NULL);
}

struct refusal h1_frame_request(const struct h1_framing *framing, bool reframe,
                                struct request_head *head, bool *close)
{
    *close = says_close(framing, head->version == HTTP_1_0);
    head->body_length = 0;
    if (framing->coding.count > 1)
        return refuse(400, "bad_transfer_encoding");
    if (framing->length.count > 1)
        return refuse(400, "many_content_lengths");
    if (framing->length.count == 1 && !parse_length(framing->length.value, &head->body_length))
        return refuse(400, "bad_content_length");
    if (framing->coding.count == 1)
        return frame_coded(framing, reframe, head, close);
    return refuse(0, NULL);
}

/* Sets the length that the fields speak of: 0 to INT64_MAX, or BODY_UNKNOWN where they name none.
 */
static bool stated_length(const struct h1_framing *framing, bool is_http_1_0, int64_t *length)
{
    *length = BODY_UNKNOWN;
    if (framing->coding.count + framing->length.count > 1)
        return false;
    if (framing->coding.count == 1)
        return !is_http_1_0 && judge_coding(framing->coding.value) == CODING_CHUNKED;
    return framing->length.count == 0 || parse_length(framing->length.value, length);
}

bool h1_frame_answer(const struct h1_framing *framing, struct span method, bool is_http_1_0,
                     struct answer_head *head, bool *close)
{
    int64_t length;
    bool is_framed = framing->coding.count + framing->length.count > 0;
    if (!stated_length(framing, is_http_1_0, &length))
        return false;
    *close = says_close(framing, is_http_1_0);
    head->body_length = 0;
    if (head->status < 200) {
        *close = *close || head->status == 101;
        return !is_framed || length == 0;
    }
    if (head->status == 204) {
        /* There is no body, but who says that there is one may send it all the same. */
        *close = *close || (is_framed && length != 0);
        return true;
    }
    if (head->status == 304 || span_is(method, SPAN("HEAD")))
        return true;
    if (span_is(method, SPAN("CONNECT")) && head->status < 300) {
        *close = true;
        return true;
    }
    head->body_length = length;
    *close = *close || !is_framed;
    return true;
}
