/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers of type mtls: the certificate that the client showed, which TLS has verified. */
#include "sidecar/exchange/authorizer.h"
#include "sidecar/guard/condition.h"

enum { CONTEXT_MOST = 4 };

static struct span sans_joined(const struct asked_certificate *certificate, struct arena *arena)
{
    struct span text = SPAN("");
    for (size_t i = 0; i < certificate->san_count; i++)
        text = arena_format(arena, SPAN_FORMAT "%s" SPAN_FORMAT, span_arg(text), i > 0 ? ", " : "",
                            span_arg(certificate->sans[i]));
    return text;
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
