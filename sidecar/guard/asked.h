/* SPDX-License-Identifier: Apache-2.0 */
/* What guards see of a request: made once, after the head was read, and borrowed by every guard
 * until the exchange is over. These are the bytes that rules, routes and logs use as well. */
#ifndef SIDEGATE_SIDECAR_GUARD_ASKED_H
#define SIDEGATE_SIDECAR_GUARD_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/ip.h"
#include "rules/base/span.h"
#include "sidecar/guard/geo.h"
#include "sidecar/http/fields.h"

struct address_set;
struct arena;
struct arena_chunks;
struct rates;
struct scratch;
struct web_acl;

/* A rule whose requests are sampled, and what it did with this one. */
struct asked_sample {
    struct span acl, metric; /* the web ACL's ARN or name, the rule's metric name */
    struct span inner;       /* of a group: "AWS#group#rule"; empty: it is of none */
    const char *action;      /* "ALLOW", "BLOCK", "COUNT" */
    const char *overridden;  /* what would have been done where it only detects; "": nothing */
};

/* What web ACLs leave behind: what the backend gets beside the client's fields, labels, and under
 * which names it is to be sampled. */
enum { ASKED_INSERTED = 20, ASKED_SAMPLES = 16 };
struct asked_changes {
    struct pair inserted[ASKED_INSERTED];
    size_t inserted_count;
    const struct span *labels; /* that web ACLs gave, in the arena of asked */
    size_t label_count;
    struct asked_sample *samples; /* likewise; NULL: none yet */
    size_t sample_count;
};

/* Where the client is: looked up by the first who asks. */
struct asked_place {
    bool is_known; /* it was looked up */
    struct geo_place place;
};

/* Who the client is by a certificate that was verified. */
struct asked_certificate {
    struct span subject, issuer; /* "CN=till,O=Shop" */
    struct span fingerprint;     /* SHA-256, hexadecimal in lower case */
    const struct span *sans;     /* "DNS:till.shop.example", "URI:spiffe://shop.example/till" */
    size_t san_count;
};

struct asked {
    bool has_address; /* false: the client came over a Unix socket */
    struct ip address;
    struct span address_text;
    struct span scheme, method, protocol;
    struct span host;      /* the authority without its port */
    struct span target;    /* as it came */
    struct span path;      /* canonical: what decisions are made by */
    bool path_is_doubtful; /* backends may read it differently: nobody is let in by it */
    struct span raw_path;  /* as it came, escapes and all */
    struct span query;     /* without the question mark; at == NULL: there is none */
    struct span route;     /* its template; empty: none fits */
    const struct fields *fields;
    const struct asked_certificate *certificate; /* NULL: none was shown */
    struct span request_id;
    uint64_t wall_us; /* when it began */
    uint64_t now_us;  /* monotonic; each row that asks sets it */

    const struct address_set *ip_sets; /* by their index in the settings */
    const struct geo *geo;             /* NULL: there are no databases */
    bool geo_unknown_blocks;           /* geo.unknown: block */
    struct asked_place *place;         /* filled by asked_place(); NULL: as without databases */
    struct arena *arena;       /* for what is made of it and lives as long; NULL: nothing is made */
    const struct pair *claims; /* of a token that was found good: none before authenticate */
    size_t claim_count;
    struct rates *const *rates; /* by rate_settings.store; NULL: nothing is counted */

    /* for web ACLs */
    const struct web_acl *const *web_acls; /* by their place in the access list; NULL: none */
    bool body_is_known;                    /* it was gathered, or there is none */
    struct span body;                      /* as far as it was gathered, codings and all */
    bool body_is_cut;                      /* there is more */
    struct asked_changes *changes;         /* what web ACLs want changed; NULL: nobody cares */
    struct arena_chunks *chunks;           /* NULL: the heap */
    struct scratch *scratch;
};

/* Looks the client up, once. Nothing is known of who has no address, or without databases. */
const struct geo_place *asked_place(const struct asked *asked);

#endif
