/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl on a loop of ours: it says which sockets it watches and when it wants to be called. What
 * the environment or a server might talk it into is switched off: proxies, redirects, other
 * protocols, user names in addresses. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/upstream/call_inside.h"

enum {
    HEAD_BYTES = 64 * 1024,
    KEPT_CONNECTIONS = 64,
    CA_SECONDS = 300, /* a file of authorities is read again after that */
    LINE_BYTES = 64 * 1024,
};

struct transfers {
    struct loop *loop;
    void (*over)(struct call *call);
    CURLM *multi;
    struct timer timer;
    struct list calls, watches;
};

struct socket_watch {
    struct list link;
    int fd;             /* libcurl's */
    struct watch watch; /* of a duplicate of it; .loop NULL: it could not be */
    struct transfers *transfers;
};

/* ---- libcurl's sockets and times ---- */

static void take_ended(struct transfers *transfers);

static void act(struct transfers *transfers, curl_socket_t fd, int events)
{
    int running;
    must(curl_multi_socket_action(transfers->multi, fd, events, &running) == CURLM_OK);
    take_ended(transfers);
}

static void on_ready(struct watch *watch, unsigned events)
{
    const struct socket_watch *at = list_entry(watch, struct socket_watch, watch);
    int what = (events & WATCH_READ ? CURL_CSELECT_IN : 0) |
               (events & WATCH_WRITE ? CURL_CSELECT_OUT : 0) |
               (events & WATCH_HANGUP ? CURL_CSELECT_ERR : 0);
    act(at->transfers, at->fd, what); /* may take the watch away */
}

static void on_timer(struct timer *timer)
{
    act(list_entry(timer, struct transfers, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int on_time_wanted(CURLM *multi, long timeout_ms, void *context)
{
    (void)multi;
    struct transfers *transfers = context;
    if (timeout_ms < 0)
        timer_disarm(&transfers->timer);
    else
        timer_arm(&transfers->timer, loop_clock_us(transfers->loop) + (uint64_t)timeout_ms * 1000);
    return 0;
}

/* A socket that is still connecting is closed by libcurl before it says so, and its number may be
 * in use again by then. So we watch a duplicate, which is ours, and look at new sockets' numbers.
 */
static void watch_fd(struct transfers *transfers, struct socket_watch *at, unsigned events)
{
    int own = fcntl(at->fd, F_DUPFD_CLOEXEC, 0);
    if (own >= 0 && !watch_add(transfers->loop, &at->watch, own, events, on_ready))
        close(own); /* one that cannot be watched is not, and its transfer times out */
}

static void unwatch_fd(struct socket_watch *at)
{
    int own = at->watch.fd;
    if (at->watch.loop == NULL)
        return;
    watch_remove(&at->watch);
    close(own);
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context, void *assigned)
{
    (void)easy;
    struct transfers *transfers = context;
    struct socket_watch *at = assigned;
    unsigned events =
        (what & CURL_POLL_IN ? WATCH_READ : 0U) | (what & CURL_POLL_OUT ? WATCH_WRITE : 0U);
    if (at != NULL && what == CURL_POLL_REMOVE) {
        unwatch_fd(at);
        list_remove(&at->link);
        free(at);
    } else if (at != NULL && at->watch.loop != NULL) {
        watch_change(&at->watch, events);
    } else if (at == NULL && what != CURL_POLL_REMOVE) {
        at = must_alloc(sizeof *at);
        at->transfers = transfers;
        at->fd = fd;
        list_add(&transfers->watches, &at->link);
        watch_fd(transfers, at, events);
        must(curl_multi_assign(transfers->multi, fd, at) == CURLM_OK);
    }
    return 0;
}

static curl_socket_t on_socket_made(void *context, curlsocktype purpose,
                                    struct curl_sockaddr *address)
{
    (void)purpose;
    struct transfers *transfers = context;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    for (struct list *link = transfers->watches.next; link != &transfers->watches;
         link = link->next) {
        struct socket_watch *at = list_entry(link, struct socket_watch, link);
        if (at->fd != fd)
            continue;
        unsigned events = at->watch.events;
        unwatch_fd(at);
        watch_fd(transfers, at, events);
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* ---- the answer ---- */

/* A line of the head, of 1xx too, or of the trailer. The last head counts. */
static size_t on_line(char *at, size_t size, size_t count, void *context)
{
    struct call *call = context;
    struct span line = span_make(at, size * count);
    if (span_starts(line, SPAN("HTTP/"))) {
        buf_clear(&call->head);
        call->head_is_whole = false;
        return line.len;
    }
    if (span_trim(line, "\r\n").len == 0)
        call->head_is_whole = true;
    if (!call->head_is_whole && !buf_add(&call->head, line)) {
        call->is_too_large = true;
        return 0;
    }
    return line.len;
}

static size_t on_body(char *at, size_t size, size_t count, void *context)
{
    struct call *call = context;
    struct span bytes = span_make(at, size * count);
    if (buf_add(&call->body, bytes))
        return bytes.len;
    call->is_too_large = true;
    return 0;
}

static void read_fields(struct call *call)
{
    struct span rest = buf_span(&call->head);
    size_t lines = 1;
    for (size_t i = 0; i < rest.len; i++)
        lines += rest.at[i] == '\n';
    struct pair *fields = arena_alloc(call->arena, lines * sizeof *fields);
    must(fields != NULL);
    size_t count = 0;
    while (rest.len > 0) {
        struct span value = span_trim(span_cut(&rest, '\n'), "\r");
        if (span_find_byte(value, ':') == SPAN_NONE)
            continue;
        struct span name = span_cut(&value, ':');
        char *lower = arena_text(call->arena, name.len);
        for (size_t i = 0; i < name.len; i++)
            lower[i] = byte_lower(name.at[i]);
        fields[count++] = (struct pair){span_make(lower, name.len), span_trim_ows(value)};
    }
    call->answer.fields = fields;
    call->answer.field_count = count;
}

/* An alert in place of an answer: with TLS 1.3 that is how our own certificate is refused. */
static bool is_alert(const struct call *call)
{
    return call->answer.status == 0 &&
           span_find(span_text(call->error), SPAN("alert")) != SPAN_NONE;
}

static enum call_outcome outcome_of(const struct call *call, CURLcode code)
{
    curl_off_t sending_us = 0;
    curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &sending_us);
    if (call->is_too_large || code == CURLE_FILESIZE_EXCEEDED)
        return CALL_TOO_LARGE;
    if (code == CURLE_OK)
        return CALL_ANSWERED;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CERTPROBLEM ||
        code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CONNECT_ERROR || is_alert(call))
        return CALL_NOT_VERIFIED;
    if (sending_us == 0)
        return CALL_NOT_CONNECTED;
    return code == CURLE_OPERATION_TIMEDOUT ? CALL_TIMED_OUT : CALL_BROKEN;
}

static const char *why_of(const struct call *call, CURLcode code)
{
    switch (call->answer.outcome) {
    case CALL_ANSWERED: return NULL;
    case CALL_TOO_LARGE: return "the answer is longer than is allowed";
    case CALL_NOT_CONNECTED:
    case CALL_NOT_VERIFIED:
    case CALL_TIMED_OUT:
    case CALL_BROKEN: break;
    }
    return call->error[0] != '\0' ? call->error : curl_easy_strerror(code);
}

static void read_answer(struct call *call, CURLcode code)
{
    long status = 0, port = 0;
    char *peer = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_PORT, &port);
    curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &peer);
    call->answer.status = (unsigned)status;
    call->answer.peer_port = (unsigned)port;
    call->answer.peer_address = arena_copy(call->arena, span_text(peer));
    call->answer.outcome = outcome_of(call, code);
    call->answer.why = why_of(call, code);
    if (call->answer.outcome != CALL_ANSWERED)
        return;
    call->answer.body = buf_span(&call->body);
    read_fields(call);
}

static void take_ended(struct transfers *transfers)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(transfers->multi, &left)) != NULL;) {
        char *context = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
        struct call *call = (void *)context;
        read_answer(call, code);
        transfer_end(transfers, call);
        transfers->over(call);
    }
}

/* ---- the request ---- */

static bool is_clean(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (((unsigned char)text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] == '\x7f')
            return false;
    return true;
}

/* libcurl's own spelling: "Name;" is one with an empty value, "Name:" would take it away. */
static bool add_fields(struct call *call)
{
    const struct call_request *request = &call->request;
    struct buf line;
    bool is_good = true;
    buf_init(&line, LINE_BYTES);
    call->fields = curl_slist_append(NULL, "Expect:"); /* no 100-continue */
    for (size_t i = 0; i < request->field_count && is_good; i++) {
        struct span name = request->fields[i].name, value = request->fields[i].value;
        buf_clear(&line);
        buf_add(&line, name);
        buf_add(&line, value.len > 0 ? SPAN(": ") : SPAN(";"));
        buf_add(&line, value);
        buf_add_byte(&line, '\0');
        is_good = is_clean(name) && is_clean(value) && !buf_is_full(&line);
        if (is_good)
            call->fields = curl_slist_append(call->fields, line.at);
    }
    buf_wipe(&line);
    return is_good;
}

static long left_ms(const struct call *call, const struct loop *loop)
{
    uint64_t passed_us = loop_clock_us(loop) - call->began_us;
    uint64_t all_us = call->request.timeout_us;
    return passed_us < all_us ? (long)((all_us - passed_us + 999) / 1000) : 1;
}

static void set_limits(const struct call *call, const struct loop *loop)
{
    CURL *easy = call->easy;
    long ms = left_ms(call, loop);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* directly, whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a slow DNS holds nobody up */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->request.answer_most);
}

static void set_tls(const struct call *call)
{
    CURL *easy = call->easy;
    const struct call_request *request = &call->request;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)CA_SECONDS);
    if (request->ca_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (request->cert_file != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, request->cert_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, request->key_file);
        curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); /* or it would ask at the terminal */
    }
}

static void set_request(struct call *call, struct transfers *transfers)
{
    CURL *easy = call->easy;
    const struct call_request *request = &call->request;
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (request->body.at != NULL) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.at);
    }
    if (span_is(span_text(request->method), SPAN("HEAD")))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->fields);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sidegate/" SIDEGATE_VERSION);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket_made);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
}

bool transfer_begin(struct transfers *transfers, struct call *call)
{
    buf_init(&call->head, HEAD_BYTES);
    buf_init(&call->body, call->request.answer_most);
    call->easy = curl_easy_init();
    must(call->easy != NULL);
    list_add(&transfers->calls, &call->link);
    if (!add_fields(call)) {
        transfer_end(transfers, call);
        call->answer = (struct call_answer){.outcome = CALL_BROKEN,
                                            .why = "a field of the request has control bytes"};
        return false;
    }
    set_limits(call, transfers->loop);
    set_tls(call);
    set_request(call, transfers);
    must(curl_multi_add_handle(transfers->multi, call->easy) == CURLM_OK);
    return true;
}

void transfer_end(struct transfers *transfers, struct call *call)
{
    if (call->easy == NULL)
        return;
    curl_multi_remove_handle(transfers->multi, call->easy); /* not added: nothing */
    curl_easy_cleanup(call->easy);
    for (struct curl_slist *field = call->fields; field != NULL; field = field->next)
        explicit_bzero(field->data, strlen(field->data));
    curl_slist_free_all(call->fields);
    call->easy = NULL;
    call->fields = NULL;
    list_remove(&call->link);
}

/* ---- life ---- */

struct transfers *transfers_new(struct loop *loop, void (*over)(struct call *call))
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return NULL;
    struct transfers *transfers = must_alloc(sizeof *transfers);
    transfers->loop = loop;
    transfers->over = over;
    list_init(&transfers->calls);
    list_init(&transfers->watches);
    timer_init(&transfers->timer, loop, on_timer);
    CURLM *multi = transfers->multi = curl_multi_init();
    must(multi != NULL);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_time_wanted);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transfers);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
    return transfers;
}

void transfers_free(struct transfers *transfers)
{
    must(list_is_empty(&transfers->calls));
    curl_multi_cleanup(transfers->multi);
    timer_disarm(&transfers->timer);
    free(transfers);
    curl_global_cleanup();
}

struct call *transfers_first(struct transfers *transfers)
{
    struct list *first = list_first(&transfers->calls);
    return first == NULL ? NULL : list_entry(first, struct call, link);
}
