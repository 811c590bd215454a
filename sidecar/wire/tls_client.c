/* SPDX-License-Identifier: Apache-2.0 */
/* What a backend must present, and what is presented to it. There is no way not to verify. */
#include <stdatomic.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "rules/base/must.h"
#include "sidecar/wire/tls_inside.h"

enum { NAME_MOST = 254 };

struct tls_client {
    _Atomic unsigned count;
    SSL_CTX *context;
    BIO_METHOD *method;
};

static bool set_authorities(SSL_CTX *context, const struct tls_client_options *options,
                            struct faults *faults)
{
    if (options->ca.pem.at != NULL)
        return tls_use_ca(SSL_CTX_get_cert_store(context), NULL, &options->ca, faults);
    return SSL_CTX_set_default_verify_paths(context) == 1;
}

struct tls_client *tls_client_new(const struct tls_client_options *options, struct faults *faults)
{
    struct tls_client *client = must_alloc(sizeof *client);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    must(context != NULL);
    atomic_init(&client->count, 1);
    client->context = context;
    client->method = tls_bio_method();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    bool presents = options->pair.chain.pem.at != NULL;
    if (set_authorities(context, options, faults) &&
        (!presents || tls_use_pair(context, &options->pair, faults)))
        return client;
    tls_client_give(client);
    return NULL;
}

struct tls_client *tls_client_take(struct tls_client *client)
{
    atomic_fetch_add_explicit(&client->count, 1, memory_order_relaxed);
    return client;
}

void tls_client_give(struct tls_client *client)
{
    if (client == NULL || atomic_fetch_sub_explicit(&client->count, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(client->context);
    BIO_meth_free(client->method);
    free(client);
}

static void give(void *of)
{
    tls_client_give(of);
}

/* A name is asked for and looked for; an address is only looked for: RFC 6066 3. */
static bool expect(SSL *ssl, struct span name)
{
    char text[NAME_MOST];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (name.len == 0 || name.len >= sizeof text)
        return false;
    memcpy(text, name.at, name.len);
    text[name.len] = '\0';
    if (inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, text) == 1 && SSL_set_tlsext_host_name(ssl, text) == 1;
}

struct stream *stream_tls_client(struct tls_client *client, struct span name, struct loop *loop,
                                 struct stream *below, const struct tls_wait *wait)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL *ssl = SSL_new(client->context);
    must(ssl != NULL && expect(ssl, name));
    must(SSL_set_alpn_protos(ssl, protocols, sizeof protocols - 1) == 0);
    SSL_set_connect_state(ssl);
    return tls_stream_new(&(struct tls_stream_options){
        .ssl = ssl,
        .method = client->method,
        .keeper = {give, tls_client_take(client)},
        .loop = loop,
        .below = below,
        .timeout_us = wait->timeout_us,
        .done = wait->done,
        .context = wait->context,
    });
}
