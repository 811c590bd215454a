/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp_call.h"

#include <stdio.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "exporters/otlp_body.h"
#include "exporters/proto_read.h"
#include "rules/base/must.h"

enum {
    UPLOAD_BYTES = 256 * 1024, /* what is handed to the kernel at once */
    RESPONSE_BYTES = 64 * 1024,
    DEFAULT_TIMEOUT_US = 10 * 1000 * 1000,
    CONNECT_TIMEOUT_MS = 5000,
    LONGEST_PAUSE_S = 300, /* that anybody may ask for */
    SECRET_BYTES = 4,      /* what is shorter tells nothing */
};

struct otlp_way {
    char *url, *ca_file, *cert_file, *key_file; /* files: NULL: none */
    uint64_t timeout_us;
    bool gzip, is_grpc, is_tls;
    struct curl_slist *fields;
    size_t secret_count;
    struct span *secrets; /* values of fields; they lie in `fields` */
};

/* ---- ways ---- */

static char *text_of(struct span text)
{
    return text.at != NULL ? span_own(text) : NULL;
}

static void add_field(struct otlp_way *way, const char *line)
{
    way->fields = curl_slist_append(way->fields, line);
    must(way->fields != NULL);
}

/* The list's own copy is the only one that stays. */
static void add_secret_field(struct otlp_way *way, const struct pair *field)
{
    size_t size = field->name.len + field->value.len + 3;
    char *line = must_alloc(size);
    snprintf(line, size, SPAN_FORMAT ": " SPAN_FORMAT, span_arg(field->name),
             span_arg(field->value));
    add_field(way, line);
    explicit_bzero(line, size);
    free(line);
    const struct curl_slist *last = way->fields;
    while (last->next != NULL)
        last = last->next;
    way->secrets[way->secret_count++] = span_from(span_text(last->data), field->name.len + 2);
}

static void add_fields(struct otlp_way *way, const struct channel_settings *to)
{
    char line[64];
    if (way->is_grpc) {
        add_field(way, "Content-Type: application/grpc");
        add_field(way, "TE: trailers");
        snprintf(line, sizeof line, "grpc-timeout: %llum",
                 (unsigned long long)(way->timeout_us / 1000 % 100000000));
        add_field(way, line);
        if (way->gzip)
            add_field(way, "grpc-encoding: gzip");
    } else {
        add_field(way, "Content-Type: application/x-protobuf");
        if (way->gzip)
            add_field(way, "Content-Encoding: gzip");
    }
    add_field(way, "Expect:"); /* no 100-continue */
    way->secrets = must_alloc((to->header_count + 1) * sizeof *way->secrets);
    for (size_t i = 0; i < to->header_count; i++)
        add_secret_field(way, &to->headers[i]);
}

struct otlp_way *otlp_way_new(const struct channel_settings *to)
{
    struct otlp_way *way = must_alloc(sizeof *way);
    way->url = text_of(to->url);
    way->ca_file = text_of(to->ca_file);
    way->cert_file = text_of(to->cert_file);
    way->key_file = text_of(to->key_file);
    way->timeout_us = to->timeout_us > 0 ? to->timeout_us : DEFAULT_TIMEOUT_US;
    way->gzip = to->gzip;
    way->is_grpc = to->protocol == OTLP_GRPC;
    way->is_tls = span_starts(to->url, SPAN("https://"));
    add_fields(way, to);
    return way;
}

void otlp_way_free(struct otlp_way *way)
{
    if (way == NULL)
        return;
    for (struct curl_slist *field = way->fields; field != NULL; field = field->next)
        explicit_bzero(field->data, strlen(field->data));
    curl_slist_free_all(way->fields);
    free(way->secrets);
    free(way->url);
    free(way->ca_file);
    free(way->cert_file);
    free(way->key_file);
    free(way);
}

/* ---- requests ---- */

void otlp_call_init(struct otlp_call *call,
                    void (*on_done)(struct flight *flight, int result, uint64_t now_us))
{
    *call = (struct otlp_call){.flight = {.easy = curl_easy_init(), .on_done = on_done}};
    must(call->flight.easy != NULL);
    buf_init(&call->body, OTLP_BODY_BYTES);
    buf_init(&call->response, RESPONSE_BYTES);
}

void otlp_call_fini(struct otlp_call *call)
{
    curl_easy_cleanup(call->flight.easy);
    buf_fini(&call->body);
    buf_fini(&call->response);
}

bool otlp_call_load(struct otlp_call *call, const struct otlp_way *way, struct span message)
{
    buf_clear(&call->body);
    bool made = way->is_grpc ? grpc_frame_add(&call->body, message, way->gzip)
                : way->gzip  ? gzip_add(&call->body, message)
                             : buf_add(&call->body, message);
    call->sent = buf_span(&call->body);
    return made;
}

bool otlp_way_is_plain(const struct otlp_way *way)
{
    return !way->is_grpc && !way->gzip;
}

void otlp_call_lend(struct otlp_call *call, struct span message)
{
    call->sent = message;
}

static size_t on_response(char *bytes, size_t size, size_t count, void *context)
{
    struct otlp_call *call = context;
    size_t room = RESPONSE_BYTES - call->response.len; /* what is beyond it is read by nobody */
    buf_add(&call->response, span_first(span_make(bytes, size * count), room));
    return size * count;
}

static size_t on_field(char *bytes, size_t size, size_t count, void *context)
{
    struct otlp_call *call = context;
    grpc_end_line(&call->end, span_make(bytes, size * count));
    return size * count;
}

/* libcurl before 8.0 cannot use a connection of HTTP/2 over plain TCP twice (curl's issue 10634).
 */
static bool needs_fresh_connections(const struct otlp_way *way)
{
    return !way->is_tls && curl_version_info(CURLVERSION_NOW)->version_num < 0x080000;
}

/* Over plain TCP the server is known to speak HTTP/2: gRPC knows nothing else. */
static void set_grpc(struct otlp_call *call, const struct otlp_way *way)
{
    CURL *easy = call->flight.easy;
    long version = way->is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version);
    if (needs_fresh_connections(way)) {
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    } else {
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L); /* beside a call that is under way */
    }
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_field);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
}

static void set_tls(CURL *easy, const struct otlp_way *way)
{
    if (way->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, way->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* it alone */
    }
    if (way->cert_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, way->cert_file);
    if (way->key_file != NULL)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, way->key_file);
}

/* What is the same for each request on that way. */
static void set_way(struct otlp_call *call, const struct otlp_way *way)
{
    CURL *easy = call->flight.easy;
    curl_easy_reset(easy);
    curl_easy_setopt(easy, CURLOPT_URL, way->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* directly, whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* nobody waits for slow DNS */
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, way->fields);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "OTel-OTLP-Exporter-C/" SIDEGATE_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)((way->timeout_us + 999) / 1000));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_response);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    if (way->is_grpc)
        set_grpc(call, way);
    set_tls(easy, way);
    call->is_aimed = true;
}

void otlp_call_aim(struct otlp_call *call, const struct otlp_way *way)
{
    buf_clear(&call->response);
    grpc_end_init(&call->end);
    if (!call->is_aimed)
        set_way(call, way);
    curl_easy_setopt(call->flight.easy, CURLOPT_POSTFIELDS, call->sent.at);
    curl_easy_setopt(call->flight.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->sent.len);
}

void otlp_call_forget(struct otlp_call *call)
{
    call->is_aimed = false;
}

/* ---- answers ---- */

/* Of "Bearer abc" the "abc" is enough. */
static bool repeats(struct span words, struct span secret)
{
    size_t scheme = span_find_byte(secret, ' ');
    struct span bare = scheme != SPAN_NONE ? span_trim_ows(span_from(secret, scheme)) : secret;
    if (bare.len < SECRET_BYTES)
        bare = secret;
    return bare.len >= SECRET_BYTES && span_find(words, bare) != SPAN_NONE;
}

/* What the receiver says, behind what stands there: never what it repeats of our secrets. Words
 * that fill their `room` were cut, maybe within one. */
static void add_words(struct otlp_answer *answer, const struct otlp_way *way, struct span words,
                      size_t room)
{
    size_t len = strlen(answer->why);
    if (words.len == 0 || (way->secret_count > 0 && words.len >= room))
        return;
    for (size_t i = 0; i < way->secret_count; i++) {
        if (repeats(words, way->secrets[i]))
            return;
    }
    if (len > 0)
        len += (size_t)snprintf(answer->why + len, sizeof answer->why - len, ": ");
    for (size_t i = 0; i < words.len && len + 1 < sizeof answer->why; i++) {
        bool is_printable = words.at[i] >= ' ' && words.at[i] <= '~';
        answer->why[len++] = (char)(is_printable ? words.at[i] : '?');
    }
    answer->why[len] = '\0';
}

static void read_taken(struct otlp_answer *answer, const struct otlp_way *way, struct span response)
{
    char message[200];
    answer->verdict = OTLP_TAKEN;
    answer->rejected = response_rejected(response, message, sizeof message);
    add_words(answer, way, span_text(message), sizeof message - 1);
}

/* By the specification of OTLP: 429, 502, 503 and 504 alone are worth another try. */
static enum otlp_verdict verdict_of(long status)
{
    if (status == 429 || status == 502 || status == 503 || status == 504)
        return OTLP_LATER;
    return status == 413 ? OTLP_TOO_LARGE : OTLP_REFUSED;
}

static void read_http(const struct otlp_call *call, const struct otlp_way *way, long status,
                      struct otlp_answer *answer)
{
    const char *type = NULL;
    if (status >= 200 && status < 300) {
        read_taken(answer, way, buf_span(&call->response));
        return;
    }
    answer->verdict = verdict_of(status);
    snprintf(answer->why, sizeof answer->why, "%ld", status);
    curl_easy_getinfo(call->flight.easy, CURLINFO_CONTENT_TYPE, &type);
    if (span_starts_nocase(span_text(type), SPAN("application/x-protobuf"))) /* a rpc.Status */
        add_words(answer, way, proto_find(buf_span(&call->response), 2), RESPONSE_BYTES);
}

static void read_grpc(const struct otlp_call *call, const struct otlp_way *way, long status,
                      struct otlp_answer *answer)
{
    const struct grpc_end *end = &call->end;
    struct span message = span_text(end->message);
    if (status != 200 || end->status == GRPC_NO_STATUS) { /* not gRPC: something in between */
        answer->verdict = status == 200 ? OTLP_REFUSED : verdict_of(status);
        snprintf(answer->why, sizeof answer->why, "%ld, without gRPC's", status);
        return;
    }
    if (end->status == 0) {
        read_taken(answer, way, grpc_message(buf_span(&call->response)));
        return;
    }
    bool is_large = end->status == GRPC_RESOURCE_EXHAUSTED && !end->may_retry &&
                    span_find_nocase(message, SPAN("larger than")) != SPAN_NONE;
    answer->verdict = grpc_is_transient(end) ? OTLP_LATER
                      : is_large             ? OTLP_TOO_LARGE
                                             : OTLP_REFUSED;
    answer->pause_us = end->retry_us;
    snprintf(answer->why, sizeof answer->why, "%s", grpc_status_name(end->status));
    add_words(answer, way, message, sizeof end->message - 1);
}

static void read_answer(const struct otlp_call *call, const struct otlp_way *way,
                        struct otlp_answer *answer)
{
    CURL *easy = call->flight.easy;
    long status = 0;
    curl_off_t after_s = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &after_s);
    if (way->is_grpc)
        read_grpc(call, way, status, answer);
    else
        read_http(call, way, status, answer);
    if (after_s > 0)
        answer->pause_us =
            (uint64_t)(after_s < LONGEST_PAUSE_S ? after_s : LONGEST_PAUSE_S) * 1000000;
    if (answer->pause_us > UINT64_C(1000000) * LONGEST_PAUSE_S)
        answer->pause_us = UINT64_C(1000000) * LONGEST_PAUSE_S;
}

/* Once a request had left, it may have come to an answer that nobody heard; a part of it came to
 * none. */
static void read_failure(const struct otlp_call *call, CURLcode result, struct otlp_answer *answer)
{
    long head_bytes = 0;
    curl_off_t body_bytes = 0;
    curl_easy_getinfo(call->flight.easy, CURLINFO_REQUEST_SIZE, &head_bytes);
    curl_easy_getinfo(call->flight.easy, CURLINFO_SIZE_UPLOAD_T, &body_bytes);
    answer->verdict = OTLP_UNREACHABLE;
    answer->is_cut_off = result == CURLE_OPERATION_TIMEDOUT && head_bytes > 0 &&
                         (uint64_t)body_bytes < call->sent.len;
    answer->is_doubtful = head_bytes > 0 && !answer->is_cut_off;
}

void otlp_call_answer(const struct otlp_call *call, const struct otlp_way *way, int result,
                      struct otlp_answer *answer)
{
    *answer = (struct otlp_answer){.verdict = OTLP_UNSENDABLE};
    switch (result) {
    case CURLE_OK: read_answer(call, way, answer); return;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: break;
    default: read_failure(call, (CURLcode)result, answer); break;
    }
    snprintf(answer->why, sizeof answer->why, "%s", curl_easy_strerror((CURLcode)result));
}
