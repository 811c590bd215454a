/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/post.h"

#include <stdlib.h>

#include <curl/curl.h>

#include "exporters/carrier.h"
#include "exporters/clock.h"
#include "rules/base/must.h"

enum { ANSWER_MOST = 64 * 1024, CONNECT_TIMEOUT_MS = 10000, LOOK_MS = 1000 };

struct post {
    struct flight flight; /* first: on_done() finds the rest by it */
    struct carrier *carrier;
    CURL *easy;
    struct buf answer;
    uint64_t timeout_us;
    bool has_landed;
    CURLcode result;
    char error[CURL_ERROR_SIZE];
};

/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type */
static size_t on_answer(char *at, size_t size, size_t count, void *context)
{
    struct post *post = context;
    size_t room = ANSWER_MOST - post->answer.len, bytes = size * count;
    buf_add(&post->answer, (struct span){at, bytes < room ? bytes : room});
    return bytes;
}

static void on_done(struct flight *flight, int result, uint64_t now_us)
{
    struct post *post = (struct post *)flight;
    (void)now_us;
    post->has_landed = true;
    post->result = (CURLcode)result;
}

struct post *post_new(const struct post_settings *settings)
{
    struct post *post = must_alloc(sizeof *post);
    post->carrier = carrier_new();
    post->timeout_us = settings->timeout_us;
    buf_init(&post->answer, ANSWER_MOST);
    CURL *easy = post->easy = curl_easy_init();
    must(easy != NULL);
    post->flight = (struct flight){.easy = easy, .on_done = on_done};
    curl_easy_setopt(easy, CURLOPT_URL, settings->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* nobody waits for slow DNS */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->error);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L); /* nobody is waited for */
    if (settings->ca_file != NULL)
        curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
    if (settings->user != NULL) {
        curl_easy_setopt(easy, CURLOPT_USERPWD, settings->user);
        curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, settings->aws);
    }
    return post;
}

void post_free(struct post *post)
{
    carrier_cancel(post->carrier, &post->flight);
    curl_easy_cleanup(post->easy);
    carrier_free(post->carrier);
    buf_fini(&post->answer);
    free(post);
}

unsigned post_send(struct post *post, const struct curl_slist *fields, struct span body,
                   struct sender *sender)
{
    long status = 0;
    buf_clear(&post->answer);
    post->error[0] = '\0';
    post->has_landed = false;
    curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, body.at);
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(post->easy, CURLOPT_TIMEOUT_MS, (long)((post->timeout_us + 999) / 1000));
    carrier_send(post->carrier, &post->flight);
    for (;;) {
        carrier_turn(post->carrier, clock_monotonic_us());
        if (post->has_landed)
            break;
        uint64_t left = sender_time(sender, (uint64_t)LOOK_MS * 1000);
        if (carrier_wait(post->carrier, sender_fd(sender), (int)((left + 999) / 1000)) || left == 0)
            if (sender_look(sender)) {
                carrier_cancel(post->carrier, &post->flight);
                post->result = CURLE_ABORTED_BY_CALLBACK;
                return 0;
            }
    }
    if (post->result == CURLE_OK)
        curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
    return (unsigned)status;
}

struct span post_answer(const struct post *post)
{
    return buf_span(&post->answer);
}

bool post_was_sent(const struct post *post)
{
    long bytes = 0;
    curl_easy_getinfo(post->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
}

uint64_t post_retry_after_us(const struct post *post)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds > 0 && seconds < 86400 ? (uint64_t)seconds * 1000000 : 0;
}

const char *post_error(const struct post *post)
{
    return post->error[0] != '\0' ? post->error : curl_easy_strerror(post->result);
}
