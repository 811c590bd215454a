/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of TLS share; nobody else includes it. */
#ifndef SIDEGATE_SIDECAR_WIRE_TLS_INSIDE_H
#define SIDEGATE_SIDECAR_WIRE_TLS_INSIDE_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "rules/base/fault.h"
#include "sidecar/wire/tls.h"

enum { TLS_POLICY_BYTES = 32 }; /* a SHA-256 */

/* ---- tls_stream.c ---- */

/* How OpenSSL reaches the stream below. Free it after the last stream. */
BIO_METHOD *tls_bio_method(void);

/* What a stream keeps alive. */
struct tls_keeper {
    void (*give)(void *of);
    void *of;
};
struct tls_stream_options {
    SSL *ssl; /* taken */
    BIO_METHOD *method;
    struct tls_keeper keeper;
    struct loop *loop;
    struct stream *below; /* taken */
    uint64_t timeout_us;
    tls_done *done;
    void *context;
};
struct stream *tls_stream_new(const struct tls_stream_options *options);

/* ---- tls_facts.c ---- */

struct tls_facts *tls_facts_new(SSL *ssl);
/* Names of a certificate: the first for people, and all that hosts are matched by (DNS names of the
 * SAN; the CN where there are none). In lower case; the array and its texts are freed with it. */
struct tls_names {
    char **at;
    size_t count;
};
void tls_names_of(X509 *certificate, struct tls_names *names);
void tls_names_free(struct tls_names *names);
/* What the error queue and the stream's fate say of a handshake that failed. */
enum tls_failure tls_failure_of(SSL *ssl, bool ended);

/* ---- tls_pem.c ---- */

/* Each says what is wrong at the text's place. */
bool tls_use_pair(SSL_CTX *context, const struct tls_key_pair *pair, struct faults *faults);
/* Every certificate goes into the store; `names` (may be NULL) are told to the other side. */
bool tls_use_ca(X509_STORE *store, STACK_OF(X509_NAME) * names, const struct tls_text *text,
                struct faults *faults);
bool tls_use_crl(X509_STORE *store, const struct tls_text *text, struct faults *faults);

/* ---- tls_tickets.c ---- */

/* What OpenSSL's ticket callback is about. */
struct tls_ticket_parts {
    unsigned char *name, *iv;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
};
/* Sealing, or opening what was sealed; the answer is the callback's. */
int tls_tickets_key(struct tls_tickets *tickets, const uint8_t policy[TLS_POLICY_BYTES],
                    struct tls_ticket_parts parts, bool sealing);

#endif
