/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of requests, RFC 9112 3.
 *
 * What comes out depends on the bytes alone and not on how they were cut: each reason to refuse has
 * a place in the text at which it holds, and the first one wins. */
#include "rules/base/must.h"
#include "sidecar/http/bytes.h"
#include "sidecar/http/target.h"
#include "sidecar/wire/h1_parse.h"

enum {
    EMPTY_LINES_MOST = 8, /* before a request; old clients send one after a body */
    LINE_REST = 128,      /* of the request line, beside the target: method, version, spaces */
};

/* The lines of one head. */
struct reader {
    struct span bytes; /* no more than may be looked at */
    size_t start;      /* of the request line */
    size_t position;   /* up to where line ends were looked for */
    bool line_is_seen; /* the request line was whole before, and good */
    const struct h1_limits *limits;
    struct arena *arena;
    struct target target;
    struct h1_framing framing;
};

static struct refusal refuse(unsigned status, const char *why)
{
    return (struct refusal){.status = status, .why = why};
}

/* Where the request line begins. */
static size_t skip_empty_lines(struct span bytes)
{
    size_t start = 0;
    while (start / 2 < EMPTY_LINES_MOST && start + 1 < bytes.len && bytes.at[start] == '\r' &&
           bytes.at[start + 1] == '\n')
        start += 2;
    return start;
}

/* A first byte that no text begins with (of a TLS handshake, say) is not waited upon. */
static bool is_binary(char first)
{
    return !http_byte_is(first, HTTP_VALUE) && first != '\r' && first != '\n';
}

/* "HTTP/1.1". One digit after the slash will do for a version that is refused anyway ("HTTP/2"). */
static struct refusal read_version(struct request_head *head)
{
    struct span text = head->protocol;
    bool is_version = span_starts(text, SPAN("HTTP/")) && (text.len == 6 || text.len == 8) &&
                      byte_is_digit(text.at[5]) &&
                      (text.len == 6 || (text.at[6] == '.' && byte_is_digit(text.at[7])));
    if (!is_version || text.at[5] == '0')
        return refuse(400, "bad_version");
    head->version = span_is(text, SPAN("HTTP/1.1"))   ? HTTP_1_1
                    : span_is(text, SPAN("HTTP/1.0")) ? HTTP_1_0
                                                      : HTTP_OTHER;
    return refuse(0, NULL);
}

/* A line of two words is HTTP/0.9's, and its client understands no status line. The protocol is
 * named so that rules and logs can tell. */
static struct refusal refuse_0_9(struct request_head *head)
{
    head->protocol = SPAN("HTTP/0.9");
    return (struct refusal){.status = 400, .why = "no_version", .silent = true};
}

/* The parts are cut out before they are judged, so that a log shows what there was. */
static struct refusal read_line(struct reader *reader, struct span line, struct request_head *head)
{
    size_t i = 0;
    must(line.at != NULL);
    head->line = line;
    while (i < line.len && http_byte_is(line.at[i], HTTP_TOKEN))
        i++;
    if (i == 0 || i == line.len || line.at[i] != ' ')
        return refuse(400, "bad_request_line");
    head->method = span_first(line, i);
    size_t target = ++i;
    while (i < line.len && http_byte_is(line.at[i], HTTP_TARGET))
        i++;
    head->target = span_make(line.at + target, i - target);
    if (head->target.len == 0)
        return refuse(400, "bad_request_line");
    if (head->target.len > reader->limits->target_bytes)
        return refuse(414, "target_too_long");
    if (i < line.len && line.at[i] != ' ')
        return refuse(400, "bad_target");
    if (i + 1 >= line.len)
        return refuse_0_9(head);
    head->protocol = span_from(line, i + 1);
    struct refusal refusal = read_version(head);
    if (refusal.status != 0)
        return refusal;
    reader->target = target_split(head->target, head->method);
    return reader->target.form == TARGET_WRONG ? refuse(400, "bad_target") : refuse(0, NULL);
}

static struct span without_default_port(struct span authority, struct span scheme)
{
    struct span port = scheme.len == sizeof "http" - 1 ? SPAN(":80") : SPAN(":443");
    return span_ends(authority, port) ? span_first(authority, authority.len - port.len) : authority;
}

/* RFC 9112 3.2.2 lets a target with a host win over Host. Servers behind us differ in whether they
 * do, so the two have to say the same. */
static bool host_fits(const struct target *target, struct span host)
{
    return target->form != TARGET_ABSOLUTE ||
           span_is_nocase(without_default_port(target->authority, target->scheme),
                          without_default_port(host, target->scheme));
}

/* RFC 9112 3.2: HTTP/1.1 has exactly one Host, HTTP/1.0 may have one. */
static struct refusal judge_host(const struct reader *reader, struct request_head *head)
{
    const struct h1_singular *host = &reader->framing.host;
    const struct target *target = &reader->target;
    head->authority = target->authority.len > 0 ? target->authority : host->value;
    if (host->count == 0)
        return head->version == HTTP_1_0 ? refuse(0, NULL) : refuse(400, "no_host");
    if (host->count > 1)
        return refuse(400, "many_hosts");
    if (!authority_is_valid(host->value) || (host->value.len == 0 && head->version != HTTP_1_0))
        return refuse(400, "bad_host");
    return host_fits(target, host->value) ? refuse(0, NULL) : refuse(400, "host_mismatch");
}

/* RFC 9110 10.1.1; HTTP/1.0 does not know it. */
static struct refusal judge_expect(const struct h1_singular *expect, struct request_head *head)
{
    if (expect->count == 0 || head->version == HTTP_1_0)
        return refuse(0, NULL);
    if (expect->count > 1 || !span_is_nocase(expect->value, SPAN("100-continue")))
        return refuse(417, "unknown_expectation");
    head->expects_continue = head->body_length != 0;
    return refuse(0, NULL);
}

/* Why a head that was read in full is refused all the same. */
static struct refusal judge_head(const struct reader *reader, struct request_head *head)
{
    struct refusal host = judge_host(reader, head);
    struct refusal expect = judge_expect(&reader->framing.expect, head);
    if (head->version == HTTP_OTHER)
        return refuse(505, "unsupported_version");
    return host.status != 0 ? host : expect;
}

/* The request line up to `end`, whatever follows there. */
static struct span line_until(const struct reader *reader, size_t end)
{
    return span_from(span_first(reader->bytes, end), reader->start);
}

/* The end was looked for in `looked` bytes. */
static struct refusal judge_missing_end(struct reader *reader, size_t looked, size_t line_most,
                                        struct request_head *head)
{
    if (looked == line_most && !reader->line_is_seen) {
        (void)read_line(reader, line_until(reader, looked), head);
        return refuse(414, "target_too_long");
    }
    bool is_full = looked == reader->limits->head_bytes;
    return is_full ? refuse(431, "header_too_large") : refuse(0, NULL);
}

/* Looks for the end of the head, and reads the request line as soon as it is there. */
static enum h1_parse find_end(struct reader *reader, struct request_head *head,
                              struct refusal *refusal)
{
    size_t line_most = reader->start + reader->limits->target_bytes + LINE_REST;
    for (;;) {
        bool is_first = !reader->line_is_seen;
        struct span bytes = is_first ? span_first(reader->bytes, line_most) : reader->bytes;
        switch (h1_scan_lines(bytes, reader->start, &reader->position, &reader->line_is_seen)) {
        case H1_SCAN_MORE:
            *refusal = judge_missing_end(reader, bytes.len, line_most, head);
            return refusal->status == 0 ? H1_MORE : H1_BROKEN;
        case H1_SCAN_BARE:
            if (is_first)
                (void)read_line(reader, line_until(reader, reader->position - 1), head);
            *refusal = refuse(400, "bare_line_feed");
            return H1_BROKEN;
        case H1_SCAN_HEAD: return H1_READY;
        case H1_SCAN_LINE:
            *refusal = read_line(reader, line_until(reader, reader->position - 2), head);
            if (refusal->status != 0)
                return H1_BROKEN;
            break;
        }
    }
}

/* The request line may have been read in an earlier call, into a head that is no more. */
static void recall_line(struct reader *reader, struct request_head *head)
{
    if (!reader->line_is_seen || head->line.at != NULL)
        return;
    struct span rest = span_from(reader->bytes, reader->start);
    size_t end = reader->start + span_find_byte(rest, '\r');
    must(read_line(reader, line_until(reader, end), head).status == 0);
}

static struct refusal read_head(struct reader *reader, struct request_head *head, bool *close)
{
    const char *at = head->line.at + head->line.len + 2;
    const char *end = reader->bytes.at + reader->position;
    struct refusal refusal =
        h1_fields_read(&at, end, reader->limits, reader->arena, &head->fields, &reader->framing);
    if (refusal.status == 0)
        refusal =
            h1_frame_request(&reader->framing, reader->limits->reframe_both_lengths, head, close);
    return refusal;
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are h1.h's */
enum h1_parse h1_parse_request(struct span bytes, size_t *seen, const struct h1_limits *limits,
                               struct arena *arena, struct request_head *head, size_t *used,
                               struct refusal *refusal, bool *close)
{
    *head = (struct request_head){0};
    *refusal = (struct refusal){0};
    *used = 0;
    *close = true;
    struct reader reader = {.bytes = span_first(bytes, limits->head_bytes),
                            .position = *seen / 2,
                            .line_is_seen = *seen % 2 != 0,
                            .limits = limits,
                            .arena = arena};
    reader.start = skip_empty_lines(reader.bytes);
    if (reader.position < reader.start)
        reader.position = reader.start;
    if (reader.start < reader.bytes.len && is_binary(reader.bytes.at[reader.start])) {
        *refusal = refuse(400, "bad_request_line");
        return H1_BROKEN;
    }
    enum h1_parse parse = find_end(&reader, head, refusal);
    *seen = reader.position * 2 + reader.line_is_seen;
    if (parse == H1_MORE)
        return parse;
    recall_line(&reader, head);
    if (parse == H1_BROKEN)
        return parse;
    *refusal = read_head(&reader, head, close);
    if (refusal->status != 0) {
        *close = true;
        return H1_BROKEN;
    }
    *refusal = judge_head(&reader, head);
    /* What follows a refused head is not to be taken for a request. */
    *close = *close || refusal->status != 0;
    *used = reader.position;
    return H1_READY;
}
