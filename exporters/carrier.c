/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/carrier.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "rules/base/must.h"

struct carrier {
    CURLM *multi;
    unsigned under_way;
};

static void curl_begin(void)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

void carrier_library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    must(pthread_once(&once, curl_begin) == 0);
}

struct carrier *carrier_new(void)
{
    carrier_library();
    struct carrier *carrier = must_alloc(sizeof *carrier);
    carrier->multi = curl_multi_init();
    must(carrier->multi != NULL);
    return carrier;
}

void carrier_free(struct carrier *carrier)
{
    if (carrier == NULL)
        return;
    must(carrier->under_way == 0);
    curl_multi_cleanup(carrier->multi);
    free(carrier);
}

void carrier_send(struct carrier *carrier, struct flight *flight)
{
    must(!flight->is_up);
    curl_easy_setopt(flight->easy, CURLOPT_PRIVATE, flight);
    must(curl_multi_add_handle(carrier->multi, flight->easy) == CURLM_OK);
    flight->is_up = true;
    carrier->under_way++;
}

void carrier_cancel(struct carrier *carrier, struct flight *flight)
{
    if (!flight->is_up)
        return;
    curl_multi_remove_handle(carrier->multi, flight->easy);
    flight->is_up = false;
    carrier->under_way--;
}

void carrier_turn(struct carrier *carrier, uint64_t now_us)
{
    int left;
    if (carrier->under_way == 0) /* most rounds: curl would look at all that it has */
        return;
    curl_multi_perform(carrier->multi, &left);
    for (CURLMsg *message; (message = curl_multi_info_read(carrier->multi, &left)) != NULL;) {
        char *context = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        CURLcode result = message->data.result; /* the message does not outlive the flight */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
        struct flight *flight = (struct flight *)(void *)context;
        carrier_cancel(carrier, flight);
        flight->on_done(flight, (int)result, now_us);
    }
}

bool carrier_wait(struct carrier *carrier, int fd, int timeout_ms)
{
    if (carrier->under_way == 0) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        return poll(&one, 1, timeout_ms) > 0;
    }
    struct curl_waitfd more = {.fd = fd, .events = CURL_WAIT_POLLIN};
    curl_multi_poll(carrier->multi, &more, fd >= 0 ? 1 : 0, timeout_ms, NULL);
    return more.revents != 0;
}
