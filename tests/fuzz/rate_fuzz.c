/* SPDX-License-Identifier: Apache-2.0 */
/* What a client may send to be counted by: a key of several parts, a cookie line, a query. The same
 * request is the same key, and so is the same argument in escapes. */
#include <string.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/guard/rate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUERY_MOST = 2000 };

static enum rate_answer ask(const struct rate_settings *rate, const struct asked *asked)
{
    struct rate_verdict verdict;
    return rate_ask(rate, asked, &verdict);
}

/* Every byte but the separators and + in an escape; those that begin escapes stay as they are. */
static struct span in_escapes(struct span query, char *to)
{
    size_t len = 0;
    for (size_t i = 0; i < query.len; i++) {
        uint8_t byte = (uint8_t)query.at[i];
        bool stays = strchr("&=+%", query.at[i]) != NULL && byte != 0;
        bool in_escape = (i > 0 && query.at[i - 1] == '%') || (i > 1 && query.at[i - 2] == '%');
        if (stays || in_escape) {
            to[len++] = query.at[i];
            continue;
        }
        to[len++] = '%';
        hex_write(&to[len], &byte, 1);
        len += 2;
    }
    return span_make(to, len);
}

static bool parts_read(struct span text, struct rate_settings *rate, struct rate_part *parts)
{
    rate->parts = parts;
    while (text.at != NULL && rate->part_count < RATE_PARTS_MOST)
        if (!rate_part_parse(span_cut(&text, ' '), &parts[rate->part_count++]))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span rest = span_make((const char *)data, size);
    struct rate_part parts[RATE_PARTS_MOST];
    struct rate_settings rate = {.how = {.limit = 1, .window_us = 1000000, .keys_most = 1},
                                 .ipv6_prefix = 1 + (unsigned)size % 128};
    if (!parts_read(span_cut(&rest, '\n'), &rate, parts))
        return 0;
    struct pair pairs[] = {{SPAN("Cookie"), span_cut(&rest, '\n')},
                           {SPAN("X-User"), span_cut(&rest, '\n')}};
    struct fields fields = {.at = pairs, .count = 2, .size = 2};
    struct rates *store = rates_new(&rate.how);
    struct asked asked = {.fields = &fields,
                          .query = span_first(rest, QUERY_MOST),
                          .host = pairs[1].value,
                          .path = SPAN("/"),
                          .method = SPAN("GET"),
                          .route = pairs[0].value,
                          .rates = &store};
    asked.has_address = ip_parse(pairs[1].value, &asked.address);
    enum rate_answer first = ask(&rate, &asked);
    must(first != RATE_OVER);
    must(ask(&rate, &asked) == (first == RATE_PASSES ? RATE_OVER : RATE_NO_KEY));
    char escaped[3 * QUERY_MOST];
    if (asked.query.at != NULL && first == RATE_PASSES) {
        asked.query = in_escapes(asked.query, escaped);
        must(ask(&rate, &asked) == RATE_OVER);
    }
    rates_give(store);
    return 0;
}
