/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests of a sender, one after the other: POST, with TLS verified, without proxies and
 * redirections. */
#ifndef SIDEGATE_EXPORTERS_POST_H
#define SIDEGATE_EXPORTERS_POST_H

#include "exporters/sender.h"

struct post;
struct curl_slist;

struct post_settings {
    const char *url;
    const char *ca_file;    /* NULL: whom the system trusts */
    const char *user, *aws; /* NULL: no signature; "KEYID:SECRET", "aws:amz:REGION:logs" */
    uint64_t timeout_us;
};

struct post *post_new(const struct post_settings *settings); /* texts are borrowed */
void post_free(struct post *post);

/* One request with these header fields. The status; 0: no answer, post_error() says why. */
unsigned post_send(struct post *post, const struct curl_slist *fields, struct span body,
                   struct sender *sender);
struct span post_answer(const struct post *post); /* its body, at most 64 KiB */
/* No answer came, but the request, or part of it, may have arrived. */
bool post_was_sent(const struct post *post);
uint64_t post_retry_after_us(const struct post *post);
const char *post_error(const struct post *post);

#endif
