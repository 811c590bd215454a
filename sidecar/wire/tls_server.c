/* SPDX-License-Identifier: Apache-2.0 */
/* What a listener presents and demands: a context of OpenSSL for each certificate, alike but for
 * that. A connection begins on the first, and its ClientHello says which one it goes on with. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/sha.h>

#include "rules/base/buf.h"
#include "rules/base/must.h"
#include "sidecar/wire/tls_inside.h"

enum { SESSION_S = 7200, SNI_MOST = 256, POLICY_BYTES_MOST = 64 << 20 };

static const char *const default_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

struct presented {
    SSL_CTX *context;
    struct tls_names names;
    int64_t not_after_s;
};

struct tls_server {
    _Atomic unsigned count;
    struct tls_tickets *tickets;
    BIO_METHOD *method;
    uint8_t policy[TLS_POLICY_BYTES]; /* who is let in, and where: sessions are of it alone */
    struct presented *presented;
    size_t presented_count;
};

static struct tls_server *server_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* ---- by name ---- */

/* "*.example.com" is for one label more; `name` may be in any case. */
static bool wildcard_fits(const char *pattern, struct span name)
{
    size_t dot = span_find_byte(name, '.');
    return pattern[0] == '*' && pattern[1] == '.' && dot != SPAN_NONE && dot > 0 &&
           span_is_nocase(span_from(name, dot), span_text(pattern + 1));
}

static bool has_name(const struct presented *presented, struct span name, bool by_wildcard)
{
    for (size_t i = 0; i < presented->names.count; i++) {
        const char *own = presented->names.at[i];
        if (by_wildcard ? wildcard_fits(own, name) : span_is_nocase(name, span_text(own)))
            return true;
    }
    return false;
}

size_t tls_server_choose(const struct tls_server *server, struct span name)
{
    for (int by_wildcard = 0; by_wildcard < 2 && name.len > 0; by_wildcard++)
        for (size_t i = 0; i < server->presented_count; i++)
            if (has_name(&server->presented[i], name, by_wildcard))
                return i;
    return 0;
}

/* ---- OpenSSL's questions ---- */

/* A session is resumed only where its policy and the very name that it was begun with are asked for
 * again: OpenSSL compares this with what the session holds. */
static bool bind_session(SSL *ssl, const struct tls_server *server, struct span name)
{
    uint8_t text[TLS_POLICY_BYTES + SNI_MOST], digest[SHA256_DIGEST_LENGTH];
    name = span_first(name, SNI_MOST);
    memcpy(text, server->policy, TLS_POLICY_BYTES);
    for (size_t i = 0; i < name.len; i++)
        text[TLS_POLICY_BYTES + i] = (uint8_t)byte_lower(name.at[i]);
    return EVP_Q_digest(NULL, "SHA256", NULL, text, TLS_POLICY_BYTES + name.len, digest, NULL) ==
               1 &&
           SSL_set_session_id_context(ssl, digest, sizeof digest) == 1;
}

/* Before anything else is decided, tickets too. */
static int on_hello(SSL *ssl, int *alert, void *context)
{
    const struct tls_server *server = context;
    const unsigned char *at;
    size_t len;
    struct span name = span_make(NULL, 0);
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &at, &len) == 1 &&
        !tls_server_name_parse(span_make((const char *)at, len), &name)) {
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    *alert = SSL_AD_INTERNAL_ERROR;
    if (!bind_session(ssl, server, name) ||
        SSL_set_SSL_CTX(ssl, server->presented[tls_server_choose(server, name)].context) == NULL)
        return SSL_CLIENT_HELLO_ERROR;
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* OpenSSL keeps and acknowledges the name only where somebody says that it is known. */
// NOLINTNEXTLINE(readability-non-const-parameter): the shape is OpenSSL's
static int on_server_name(SSL *ssl, int *alert, void *context)
{
    (void)ssl, (void)alert, (void)context;
    return SSL_TLSEXT_ERR_OK;
}

static int on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                        const unsigned char *offered, unsigned offered_len, void *context)
{
    (void)ssl, (void)context;
    static const unsigned char known[] = "\x08http/1.1";
    unsigned char *found;
    if (SSL_select_next_proto(&found, chosen_len, known, sizeof known - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 3.2 */
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int sealing)
{
    const struct tls_server *server = server_of(ssl);
    return tls_tickets_key(server->tickets, server->policy,
                           (struct tls_ticket_parts){name, iv, cipher, mac}, sealing == 1);
}

/* ---- building ---- */

/* Everything that decides who is let in. */
static void policy_settle(struct tls_server *server, const struct tls_server_options *options)
{
    struct buf text;
    buf_init(&text, POLICY_BYTES_MOST);
    buf_format(&text, SPAN_FORMAT "\n%u %u\n%zu\n", span_arg(options->name),
               (unsigned)options->client_auth, (unsigned)options->min_version,
               options->client_ca.pem.len);
    if (options->client_ca.pem.len > 0)
        buf_add(&text, options->client_ca.pem);
    if (options->crl.pem.len > 0)
        buf_add(&text, options->crl.pem);
    must(!buf_is_full(&text));
    must(EVP_Q_digest(NULL, "SHA256", NULL, text.at, text.len, server->policy, NULL) == 1);
    buf_fini(&text);
}

static bool set_ciphers(SSL_CTX *context, const struct tls_server_options *options,
                        struct faults *faults)
{
    const char *ciphers = options->ciphers.at != NULL ? options->ciphers.at : default_ciphers;
    if (SSL_CTX_set_cipher_list(context, ciphers) == 1)
        return true;
    ERR_clear_error();
    fault_add(faults, FAULT_ERROR, options->ciphers_place, span_text(default_ciphers),
              "OpenSSL knows none of these ciphers: '%s'", ciphers);
    return false;
}

static bool set_client_auth(SSL_CTX *context, const struct tls_server_options *options,
                            struct faults *faults)
{
    if (options->client_auth == TLS_CLIENT_AUTH_OFF)
        return true;
    int mode = SSL_VERIFY_PEER;
    if (options->client_auth == TLS_CLIENT_AUTH_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
    must(names != NULL);
    SSL_CTX_set_verify(context, mode, NULL);
    SSL_CTX_set_client_CA_list(context, names); /* now its own */
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    return tls_use_ca(store, names, &options->client_ca, faults) &&
           (options->crl.pem.at == NULL || tls_use_crl(store, &options->crl, faults));
}

static SSL_CTX *context_new(struct tls_server *server, const struct tls_server_options *options)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    must(context != NULL);
    SSL_CTX_set_app_data(context, server);
    SSL_CTX_set_min_proto_version(context, options->min_version == TLS_1_3 ? TLS1_3_VERSION
                                                                           : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    /* Sessions live in tickets alone: no worker needs another's memory. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(context, SESSION_S);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    SSL_CTX_set_client_hello_cb(context, on_hello, server);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
    return context;
}

static void settle_facts(struct presented *presented)
{
    X509 *certificate = SSL_CTX_get0_certificate(presented->context);
    struct tm when = {0};
    tls_names_of(certificate, &presented->names);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &when) == 1)
        presented->not_after_s = timegm(&when);
}

static bool present(struct tls_server *server, const struct tls_server_options *options,
                    const struct tls_key_pair *pair, struct faults *faults)
{
    struct presented *presented = &server->presented[server->presented_count++];
    presented->context = context_new(server, options);
    bool well = tls_use_pair(presented->context, pair, faults);
    if (well)
        settle_facts(presented);
    /* what is the same for all is said of the first */
    return well && set_ciphers(presented->context, options, faults) &&
           set_client_auth(presented->context, options, faults);
}

struct tls_server *tls_server_new(const struct tls_server_options *options, struct faults *faults)
{
    struct tls_server *server = must_alloc(sizeof *server);
    bool well = true;
    must(options->pair_count > 0);
    atomic_init(&server->count, 1);
    server->tickets = tls_tickets_take(options->tickets);
    server->method = tls_bio_method();
    server->presented = must_alloc(options->pair_count * sizeof *server->presented);
    policy_settle(server, options);
    for (size_t i = 0; i < options->pair_count && well; i++)
        well = present(server, options, &options->pairs[i], faults);
    if (well)
        return server;
    tls_server_give(server);
    return NULL;
}

struct tls_server *tls_server_take(struct tls_server *server)
{
    atomic_fetch_add_explicit(&server->count, 1, memory_order_relaxed);
    return server;
}

void tls_server_give(struct tls_server *server)
{
    if (server == NULL || atomic_fetch_sub_explicit(&server->count, 1, memory_order_acq_rel) > 1)
        return;
    for (size_t i = 0; i < server->presented_count; i++) {
        tls_names_free(&server->presented[i].names);
        SSL_CTX_free(server->presented[i].context);
    }
    free(server->presented);
    BIO_meth_free(server->method);
    tls_tickets_give(server->tickets);
    free(server);
}

bool tls_server_admits_alike(const struct tls_server *one, const struct tls_server *other)
{
    if (one == NULL || other == NULL)
        return one == other;
    return memcmp(one->policy, other->policy, TLS_POLICY_BYTES) == 0;
}

bool tls_server_certificate(const struct tls_server *server, size_t i,
                            struct tls_certificate_facts *facts)
{
    if (i >= server->presented_count)
        return false;
    const struct presented *presented = &server->presented[i];
    *facts = (struct tls_certificate_facts){
        .name = span_text(presented->names.count > 0 ? presented->names.at[0] : ""),
        .not_after_s = presented->not_after_s,
    };
    return true;
}

static void give(void *of)
{
    tls_server_give(of);
}

struct stream *stream_tls_server(struct tls_server *server, struct loop *loop, struct stream *below,
                                 uint64_t timeout_us, tls_done *done, void *context)
{
    SSL *ssl = SSL_new(server->presented[0].context);
    must(ssl != NULL);
    SSL_set_accept_state(ssl);
    return tls_stream_new(&(struct tls_stream_options){
        .ssl = ssl,
        .method = server->method,
        .keeper = {give, tls_server_take(server)},
        .loop = loop,
        .below = below,
        .timeout_us = timeout_us,
        .done = done,
        .context = context,
    });
}
