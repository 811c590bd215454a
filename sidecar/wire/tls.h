/* SPDX-License-Identifier: Apache-2.0 */
/* TLS 1.2 and 1.3 on a stream, by OpenSSL: what a listener presents and demands (struct
 * tls_server), what a backend must present (struct tls_client), and streams that speak it.
 *
 *   owner <--text-- tls stream <--records-- stream below (socket, memory)
 *
 * A server is frozen and counted: connections keep the one that they began with. It reads no file:
 * texts in PEM are handed in, and whoever has read a key wipes it. */
#ifndef SIDEGATE_SIDECAR_WIRE_TLS_H
#define SIDEGATE_SIDECAR_WIRE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/fault.h"
#include "rules/base/span.h"
#include "sidecar/wire/stream.h"

struct tls_server;
struct tls_client;

/* ---- tickets ---- */

/* The secrets that tickets of resumable sessions are sealed with: a new one each hour, which opens
 * what it sealed for two hours more. Shared by all servers of a process and carried over reloads;
 * each policy seals with keys of its own, derived from these. Counted; any thread. */
struct tls_tickets;
struct tls_tickets *tls_tickets_new(const struct clock *clock); /* NULL: the system's */
struct tls_tickets *tls_tickets_take(struct tls_tickets *tickets);
void tls_tickets_give(struct tls_tickets *tickets); /* NULL allowed; the last one wipes them */

/* ---- what a listener presents ---- */

enum tls_version { TLS_1_2, TLS_1_3 };
enum tls_client_auth {
    TLS_CLIENT_AUTH_OFF,
    TLS_CLIENT_AUTH_OPTIONAL, /* whoever shows a certificate must show a good one */
    TLS_CLIENT_AUTH_REQUIRED,
};

struct tls_text { /* PEM; at == NULL: none. Borrowed for the call */
    struct span pem;
    struct place place; /* what faults are said of */
};
struct tls_key_pair {
    struct tls_text chain, key; /* the server's certificate first, then those that signed it */
};

struct tls_server_options {
    struct span name;                 /* of the listener: sessions are of it alone */
    const struct tls_key_pair *pairs; /* by SNI: exact names, then wildcards; else the first */
    size_t pair_count;
    enum tls_version min_version;
    struct span ciphers; /* of TLS 1.2, in OpenSSL's words; at == NULL: AEAD with ECDHE */
    struct place ciphers_place;
    enum tls_client_auth client_auth;
    struct tls_text client_ca, crl; /* revocation lists: with them every issuer must have one */
    struct tls_tickets *tickets;
};

/* NULL, and said, where anything is wrong: no certificate, a key that is another's, an encrypted
 * key, an unknown cipher... What has expired is a warning. */
struct tls_server *tls_server_new(const struct tls_server_options *options, struct faults *faults);
struct tls_server *tls_server_take(struct tls_server *server);
void tls_server_give(struct tls_server *server); /* NULL allowed */

/* Who is let in by one is let in by the other, as far as the listener's name, client certificates
 * and versions go. NULL: without TLS. */
bool tls_server_admits_alike(const struct tls_server *one, const struct tls_server *other);

struct tls_certificate_facts {
    struct span name;    /* the first DNS name, or the subject's CN */
    int64_t not_after_s; /* since 1970 */
};
/* The i-th certificate, or false beyond the end. Borrowed from the server. */
bool tls_server_certificate(const struct tls_server *server, size_t i,
                            struct tls_certificate_facts *facts);

/* Which of the server's certificates a name gets: 0 where none is for it. */
size_t tls_server_choose(const struct tls_server *server, struct span name);

/* The host name in a server_name extension's body (RFC 6066 3); at == NULL: none, or no name that a
 * host may have. Borrowed. False: broken. */
bool tls_server_name_parse(struct span extension, struct span *name);

/* ---- what came of a handshake ---- */

struct tls_peer {        /* a certificate that was verified; field.at == NULL: none was shown */
    struct span subject; /* RFC 4514, in ASCII: "CN=orders,O=Example" */
    struct span issuer;
    struct span serial;                /* hexadecimal */
    struct span not_before, not_after; /* "Aug  5 09:36:04 2021 GMT" */
    struct span fingerprint;           /* SHA-256 of the whole, hexadecimal */
    const struct span *sans; /* "DNS:a.example", "URI:spiffe://...", "email:...", "IP:192.0.2.1" */
    size_t san_count;
    struct span san_list; /* the same, with ", " between them */
    struct span field;    /* ":MIIB...:", as a Client-Cert field has it: RFC 9440 2.2 */
};
struct tls_facts {
    struct span version;     /* "1.3" */
    struct span cipher;      /* "TLS_AES_128_GCM_SHA256": IANA's name */
    struct span server_name; /* that the client asked for; at == NULL: none */
    struct span protocol;    /* by ALPN; at == NULL: none was asked for */
    bool resumed;
    struct tls_peer peer;
};
void tls_facts_free(struct tls_facts *facts); /* NULL allowed */

/* Why a handshake failed: a row each in tls_failures.tbl. */
enum tls_failure {
#define TLS_FAILURE(id, word, sentence) TLS_FAILURE_##id,
#include "sidecar/wire/tls_failures.tbl"
    TLS_FAILURES,
};
const char *tls_failure_word(enum tls_failure failure);

/* ---- streams ---- */

/* Called once, from the loop: `facts` now are the owner's, or NULL and `failure`. It may close the
 * stream. */
typedef void tls_done(void *context, struct tls_facts *facts, enum tls_failure failure);

/* Takes `below` over, and a count of the server. The handshake begins at once and has `timeout_us`;
 * until it is done nothing may be read or written, and on_ready and owner are set after it. */
struct stream *stream_tls_server(struct tls_server *server, struct loop *loop, struct stream *below,
                                 uint64_t timeout_us, tls_done *done, void *context);

/* ---- towards a backend ---- */

struct tls_client_options {
    struct tls_text ca; /* whom a backend's certificate must come from; none: the system's */
    struct tls_key_pair
        pair; /* what is presented where a backend asks; chain.pem.at == NULL: none */
};
/* Frozen and counted like a server. NULL, and said, where anything is wrong. */
struct tls_client *tls_client_new(const struct tls_client_options *options, struct faults *faults);
struct tls_client *tls_client_take(struct tls_client *client);
void tls_client_give(struct tls_client *client); /* NULL allowed */

struct tls_wait {
    uint64_t timeout_us;
    tls_done *done;
    void *context;
};
/* The same as stream_tls_server, for who has connected to `name`: a host name or an address, which
 * the backend's certificate must be for. */
struct stream *stream_tls_client(struct tls_client *client, struct span name, struct loop *loop,
                                 struct stream *below, const struct tls_wait *wait);

#endif
