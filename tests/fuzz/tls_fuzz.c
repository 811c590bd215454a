/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes come as a ClientHello: the name in it is no host that cannot be, and a handshake
 * that fails does so once. The first byte says how the rest is cut; the whole is a server_name
 * extension's body, too. */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "rules/base/must.h"
#include "sidecar/wire/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAPACITY = 65536, TURNS = 4, TIMEOUT_US = 1000000 };

struct shaken {
    struct stream *stream; /* NULL: closed */
    unsigned dones;
};

static void on_ready(void *owner, unsigned ready)
{
    (void)owner;
    (void)ready;
}

static void on_done(void *context, struct tls_facts *facts, enum tls_failure failure)
{
    struct shaken *shaken = context;
    must(++shaken->dones == 1 && failure <= TLS_FAILURES);
    tls_facts_free(facts);
    stream_close(shaken->stream);
    shaken->stream = NULL;
}

static struct span text_of(BIO *bio)
{
    char *at;
    long len = BIO_get_mem_data(bio, &at);
    return span_make(at, (size_t)len);
}

static struct tls_server *server_make(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *chain = BIO_new(BIO_s_mem()), *private = BIO_new(BIO_s_mem());
    struct faults *faults = faults_new();
    struct tls_tickets *tickets = tls_tickets_new(NULL);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    must(X509_sign(certificate, key, EVP_sha256()) > 0);
    must(PEM_write_bio_X509(chain, certificate) == 1);
    must(PEM_write_bio_PrivateKey(private, key, NULL, NULL, 0, NULL, NULL) == 1);
    const struct tls_key_pair pair = {{.pem = text_of(chain)}, {.pem = text_of(private)}};
    struct tls_server *server = tls_server_new(
        &(struct tls_server_options){
            .name = SPAN("public"), .pairs = &pair, .pair_count = 1, .tickets = tickets},
        faults);
    must(server != NULL);
    tls_tickets_give(tickets);
    faults_free(faults);
    BIO_free(chain);
    BIO_free(private);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return server;
}

static void name_holds(struct span bytes)
{
    struct span name;
    bool well = tls_server_name_parse(bytes, &name);
    must(well || name.at == NULL);
    for (size_t i = 0; i < name.len; i++)
        must(name.at[i] > ' ' && name.at[i] < 0x7f);
}

static void say(struct loop *loop, struct stream *far, struct span bytes, size_t piece)
{
    while (bytes.len > 0) {
        char copy[256];
        size_t len = piece < bytes.len ? piece : bytes.len;
        memcpy(copy, bytes.at, len);
        const struct iovec part = {copy, len};
        if (stream_write(far, &part, 1).state != STREAM_DONE)
            return;
        bytes = span_from(bytes, len);
        for (unsigned i = 0; i < TURNS; i++)
            loop_turn(loop, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tls_server *server;
    static struct loop *loop;
    if (server == NULL) {
        server = server_make();
        loop = loop_new(NULL);
    }
    if (size < 2)
        return 0;
    struct span bytes = span_make((const char *)data + 1, size - 1);
    name_holds(bytes);
    struct shaken shaken = {0};
    struct stream *near, *far;
    stream_memory_pair(loop, CAPACITY, 0, &near, &far);
    far->on_ready = on_ready;
    shaken.stream = stream_tls_server(server, loop, near, TIMEOUT_US, on_done, &shaken);
    say(loop, far, bytes, (size_t)data[0] + 1);
    stream_close(far);
    for (unsigned i = 0; i < TURNS && shaken.stream != NULL; i++)
        loop_turn(loop, 0);
    if (shaken.stream != NULL)
        stream_close(shaken.stream);
    return 0;
}
