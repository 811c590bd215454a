/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers of type mtls: the certificate that the client showed, which TLS has verified. */
#include <string.h>

#include "sidecar/exchange/authorizer.h"
#include "sidecar/guard/condition.h"

enum { CONTEXT_MOST = 4 };

/* "DNS:a.example, URI:spiffe://b"; its length is known before, so that it is written once. */
static struct span sans_joined(const struct asked_certificate *certificate, struct arena *arena)
{
    static const struct span comma = SPAN_INIT(", ");
    size_t len = 0, most = 0;
    for (size_t i = 0; i < certificate->san_count; i++)
        most += (i > 0 ? comma.len : 0) + certificate->sans[i].len;
    char *text = arena_text(arena, most + 1);
    if (text == NULL)
        return SPAN(""); /* the arena is full, which the caller sees */
    for (size_t i = 0; i < certificate->san_count; i++) {
        const struct span parts[] = {i > 0 ? comma : SPAN(""), certificate->sans[i]};
        for (size_t k = 0; k < 2; k++) {
            if (parts[k].len > 0)
                memcpy(text + len, parts[k].at, parts[k].len);
            len += parts[k].len;
        }
    }
    return span_make(text, len);
}

/* Fields for the backend, keys of rates. */
static bool fill(struct authorized *to, const struct asked_certificate *certificate,
                 struct arena *arena)
{
    struct pair *pairs = arena_alloc(arena, CONTEXT_MOST * sizeof *pairs);
    if (pairs == NULL)
        return false;
    pairs[0] = (struct pair){SPAN("subject"), certificate->subject};
    pairs[1] = (struct pair){SPAN("issuer"), certificate->issuer};
    pairs[2] = (struct pair){SPAN("fingerprint"), certificate->fingerprint};
    pairs[3] = (struct pair){SPAN("san"), sans_joined(certificate, arena)};
    to->principal = certificate->san_count > 0 ? certificate->sans[0] : certificate->subject;
    to->context = pairs;
    to->context_count = CONTEXT_MOST;
    return !arena_is_full(arena);
}

enum authenticated authenticate_mtls(const struct authorizer_question *question,
                                     struct authorized *to, struct authorizer_refusal *refusal)
{
    const struct asked *asked = question->asked;
    const struct condition *wanted = to->settings->certificate;
    const char *wrong = NULL;
    if (asked->certificate == NULL)
        wrong = "certificate_missing";
    else if (wanted != NULL && condition_ask(wanted, asked) != CONDITION_YES)
        wrong = "certificate_of_somebody_else";
    else if (!fill(to, asked->certificate, asked->arena))
        wrong = "no_room";
    *refusal = (struct authorizer_refusal){.type = GATEWAY_FORBIDDEN, .reason = span_text(wrong)};
    return wrong == NULL ? AUTHENTICATED : AUTHENTICATED_NOT;
}
