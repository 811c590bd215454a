/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature, versions 4 (HMAC) and 4a (ECDSA over P-256), of requests that come in: by the
 * Authorization field or by the query, as API Gateway checks them (reference aws.md 7.7).
 *
 *   sigv4_read     what the request says of its signature: key id, scope, signed fields
 *      |           (who has the key looks it up)
 *   sigv4_verify   canonical request -> string to sign -> signature, compared in constant time
 *      |
 *   sigv4_payload  is the body what was signed: its hash, or
 *      `-- sigv4_chunks   where the payload says STREAMING-...: each chunk has a signature
 *
 * A payload whose hash the request says can be proven behind sigv4_verify (rules.payload_later);
 * one that is signed without being said has to be known before (WANTS_PAYLOAD).
 *
 * Every refusal has AWS's words for the client. They repeat what the client sent and are no reason
 * for a log: sigv4_word() is. */
#ifndef SIDEGATE_SIDECAR_GUARD_SIGV4_H
#define SIDEGATE_SIDECAR_GUARD_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"
#include "sidecar/http/fields.h"

enum { SHA256_BYTES = 32, SHA256_HEX = 64 };

/* --- keys ---------------------------------------------------------------------------------- */

struct sigv4_key; /* heap, wiped when freed; any thread may verify with it */

/* `token` is the session token that has to come along; empty: none. NULL: no public key could be
 * made of it. */
struct sigv4_key *sigv4_key_new(struct span id, struct span secret, struct span token);
void sigv4_key_free(struct sigv4_key *key); /* NULL allowed */
struct span sigv4_key_id(const struct sigv4_key *key);

/* --- one request --------------------------------------------------------------------------- */

struct sigv4_request { /* as it came */
    struct span method;
    struct span path;  /* escapes and all */
    struct span query; /* without the question mark; at == NULL: there is none */
    const struct fields *fields;
    struct span payload; /* sigv4_sha256_hex() of the body; at == NULL: not known */
};
void sigv4_sha256_hex(struct span text, char to[SHA256_HEX]); /* in lower case */

struct sigv4_rules {
    struct span region, service; /* that a scope has to name; empty: any */
    uint64_t skew_us;            /* how far clocks may be apart: 5 minutes */
    bool normalize;              /* dot segments and double slashes go before it is signed */
    bool unsigned_payload;       /* UNSIGNED-PAYLOAD is allowed */
    bool elliptic;               /* version 4a is allowed */
    bool payload_later;          /* who asks holds claim.payload against the body himself */
};

enum sigv4_payload_kind {
    SIGV4_HASHED,          /* the body's hash is signed */
    SIGV4_UNSIGNED,        /* UNSIGNED-PAYLOAD */
    SIGV4_CHUNKED,         /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD */
    SIGV4_CHUNKED_TRAILER, /* STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER */
};

struct sigv4_claim { /* what the request says of its signature; points into it and into the arena */
    bool by_query;
    bool elliptic; /* version 4a */
    struct span key_id, scope, day, region, service;
    struct span date; /* "20150830T123600Z" */
    uint64_t date_us;
    uint64_t expires_us; /* of the query's form; 0: none */
    struct span signed_fields;
    struct span signature;  /* hexadecimal */
    struct span token;      /* at == NULL: none came along */
    struct span region_set; /* of version 4a, where it is signed */
    struct span payload;    /* x-amz-content-sha256; at == NULL: the request's own */
    enum sigv4_payload_kind payload_kind;
};

enum sigv4_answer {
    SIGV4_GOOD,
    SIGV4_ABSENT,      /* no signature at all */
    SIGV4_INCOMPLETE,  /* one that does not parse */
    SIGV4_UNKNOWN_KEY, /* nobody's key, or another session's token */
    SIGV4_STALE,       /* too old, too new, expired */
    SIGV4_MISMATCH,
    SIGV4_SCOPE,         /* of another service, region or day */
    SIGV4_WANTS_PAYLOAD, /* key, date and scope are good: to be asked again with the payload */
    SIGV4_NO_ROOM,       /* the arena is full: nothing can be said */
};
/* What a client is told whose signature does not fit. */
#define SIGV4_MISMATCH_MESSAGE                                                                   \
    "The request signature we calculated does not match the signature you provided. Check your " \
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
const char *sigv4_word(enum sigv4_answer answer);       /* "no signature", ...: for logs */
const char *sigv4_error_type(enum sigv4_answer answer); /* x-amzn-ErrorType; NULL of GOOD */

/* One verification: the first four are handed in. */
struct sigv4 {
    const struct sigv4_rules *rules;
    const struct sigv4_request *request;
    uint64_t now_us; /* since 1970 */
    struct arena *arena;
    struct sigv4_claim claim; /* filled by sigv4_read */
    struct span message;      /* AWS's words where the answer is not GOOD */
};
/* GOOD: the claim is whole, and nothing of it is proven yet. */
enum sigv4_answer sigv4_read(struct sigv4 *sigv4);
/* After a GOOD sigv4_read. `key` may be NULL: there is none of that id. */
enum sigv4_answer sigv4_verify(struct sigv4 *sigv4, const struct sigv4_key *key);

/* --- bodies in signed chunks --------------------------------------------------------------- */

/* size;chunk-signature=hex CRLF bytes CRLF ... 0;chunk-signature=hex CRLF [trailers] CRLF */
enum sigv4_chunks_step {
    SIGV4_CHUNKS_MORE,  /* all was taken; the body goes on */
    SIGV4_CHUNKS_END,   /* the last one was good */
    SIGV4_CHUNKS_WRONG, /* a signature does not fit, or the framing is broken */
};
struct sigv4_chunks;
/* After a GOOD sigv4_verify of a chunked payload. Heap; NULL: no memory. */
struct sigv4_chunks *sigv4_chunks_new(const struct sigv4_claim *claim, const struct sigv4_key *key);
void sigv4_chunks_free(struct sigv4_chunks *chunks); /* NULL allowed */
/* The next bytes of the body, however they are cut. WRONG stays WRONG; bytes behind the END are
 * WRONG. What a chunk holds must not be believed before the step behind it. */
enum sigv4_chunks_step sigv4_chunks_feed(struct sigv4_chunks *chunks, struct span bytes);

/* --- any body ------------------------------------------------------------------------------ */

/* Is it the body that was signed? Whatever the claim's kind of payload; of UNSIGNED any is. */
struct sigv4_payload;
/* `claim` may be NULL: the hash alone is wanted. The claim lives as long. */
struct sigv4_payload *sigv4_payload_new(const struct sigv4_claim *claim,
                                        const struct sigv4_key *key);
void sigv4_payload_free(struct sigv4_payload *payload); /* NULL allowed */
void sigv4_payload_feed(struct sigv4_payload *payload, struct span bytes);
/* Once, behind the last byte: is it, and the hash of all bytes (of signed chunks: of none). */
bool sigv4_payload_end(struct sigv4_payload *payload, char hash[SHA256_HEX]);

#endif
