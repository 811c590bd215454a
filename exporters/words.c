/* SPDX-License-Identifier: Apache-2.0 */
/* Methods, errors, stages and addresses in a few words. */
#include "exporters/words.h"

#include "rules/base/must.h"
#include "rules/base/number.h"

static const struct span methods[METHODS_KNOWN] = {
    SPAN_INIT("GET"),    SPAN_INIT("POST"),  SPAN_INIT("HEAD"),    SPAN_INIT("PUT"),
    SPAN_INIT("DELETE"), SPAN_INIT("PATCH"), SPAN_INIT("OPTIONS"), SPAN_INIT("CONNECT"),
    SPAN_INIT("TRACE"),  SPAN_INIT("QUERY"), SPAN_INIT("_OTHER"),
};

size_t method_index(struct span method)
{
    size_t i = 0;
    while (i < METHODS_KNOWN - 1 && !span_is(method, methods[i]))
        i++;
    return i;
}

struct span method_at(size_t index)
{
    must(index < METHODS_KNOWN);
    return methods[index];
}

struct span method_known(struct span method)
{
    return methods[method_index(method)];
}

struct span error_type(struct span error, unsigned status, unsigned least, char digits[24])
{
    if (error.len > 0)
        return error;
    if (status >= least)
        return span_make(digits, number_write(digits, (int64_t)status));
    return SPAN("");
}

struct span waf_action_word(enum waf_action action)
{
    static const struct span words[] = {
        [WAF_OFF] = SPAN_INIT(""),
        [WAF_PASS] = SPAN_INIT("pass"),
        [WAF_BLOCK] = SPAN_INIT("block"),
        [WAF_WOULD_BLOCK] = SPAN_INIT("would_block"),
    };
    return words[action];
}

struct span phase_stage(enum rule_phase phase)
{
    switch (phase) {
    case PHASE_REQUEST_HEADERS: return SPAN("inspect_head");
    case PHASE_REQUEST_BODY: return SPAN("inspect_body");
    case PHASE_RESPONSE_HEADERS: return SPAN("inspect_answer");
    case PHASE_RESPONSE_BODY: return SPAN("inspect_answer_body");
    case PHASE_LOGGING: break;
    }
    return SPAN("account");
}

void address_split(struct span address, struct span *host, struct span *port)
{
    size_t colon = span_find_last_byte(address, ':');
    size_t bracket = span_find_last_byte(address, ']');
    bool has_port = colon != SPAN_NONE && (bracket == SPAN_NONE || colon > bracket) &&
                    span_find_byte(span_from(address, colon), '/') == SPAN_NONE;
    *host = has_port ? span_first(address, colon) : address;
    *port = has_port ? span_from(address, colon + 1) : SPAN("");
    if (host->len > 1 && host->at[0] == '[' && host->at[host->len - 1] == ']')
        *host = span_make(host->at + 1, host->len - 2);
}
