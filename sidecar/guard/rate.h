/* SPDX-License-Identifier: Apache-2.0 */
/* A limit on how often something comes: what is counted together, and asking the store. */
#ifndef SIDEGATE_SIDECAR_GUARD_RATE_H
#define SIDEGATE_SIDECAR_GUARD_RATE_H

#include <stdbool.h>
#include <stddef.h>

#include "rules/base/arena.h"
#include "rules/base/fault.h"
#include "sidecar/guard/asked.h"
#include "sidecar/state/rates.h"

/* Parts of a key: RATE_PART(id, word, has_name, sentence). */
enum rate_part_kind {
#define RATE_PART(id, word, has_name, sentence) RATE_BY_##id,
#include "sidecar/guard/rate_parts.tbl"
#undef RATE_PART
    RATE_PART_KINDS,
};

struct rate_part {
    enum rate_part_kind kind;
    struct span name; /* of the field, the cookie, the argument */
};
enum { RATE_PARTS_MOST = 5 };

/* "client_address", "header:x-user". False: no such part. The name is borrowed from the text. */
bool rate_part_parse(struct span text, struct rate_part *out);
/* The word of a kind ("header:" with its colon), and whether a name belongs behind it. */
const char *rate_part_word(enum rate_part_kind kind, bool *has_name);

struct rate_settings {
    struct span name;      /* as RateLimit-Policy and the store's owner call it */
    struct rate_limit how; /* how.limit == 0: there is no limit */
    bool algorithm_is_given;
    const struct rate_part *parts; /* in order; together they are the key */
    size_t part_count;
    unsigned ipv6_prefix; /* bits of an IPv6 address that count; 1 to 128 */
    struct span text;     /* "100 in 60s by client_address": the reason that is shown */
    size_t store;         /* its index in asked.rates */
    struct place place;
};

enum rate_answer {
    RATE_PASSES,
    RATE_OVER,   /* *verdict says when to come again */
    RATE_NO_KEY, /* the request lacks a part of the key: neither counted nor limited */
};
enum rate_answer rate_ask(const struct rate_settings *rate, const struct asked *asked,
                          struct rate_verdict *verdict);

/* The same by a name that was found out already, as the id of an API key. NULL rates: as without a
 * key. */
enum rate_answer rate_ask_by(const struct rate_settings *rate, struct rates *const *rates,
                             struct span by, uint64_t now_us, struct rate_verdict *verdict);

/* What who is refused is told: the fields RateLimit-Policy and RateLimit
 * (draft-ietf-httpapi-ratelimit-headers-10) and the seconds of Retry-After. */
struct rate_told {
    struct pair fields[2];
    unsigned retry_after_s; /* from 1 */
};
struct rate_told rate_tell(const struct rate_settings *rate, uint64_t retry_us,
                           struct arena *arena);

#endif
