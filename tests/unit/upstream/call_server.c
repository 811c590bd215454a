/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/upstream/call_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "tests/check.h"

enum { CONNECTIONS = 256, HEAD_BYTES = 8192, NAME_BYTES = 256 };

struct connection {
    struct call_server *server;
    pthread_t thread;
    int fd;
    SSL *ssl; /* NULL: without TLS */
};

struct call_server {
    int fd;
    unsigned port;
    pthread_t thread;
    SSL_CTX *tls;
    _Atomic unsigned count;
    struct connection connections[CONNECTIONS];
};

/* ---- what is said to whom ---- */

static const struct {
    const char *path, *answer;
    bool closes;
} answers[] = {
    {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Mixed-CASE:  one two \r\n\r\nhello", false},
    {"/missing", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", false},
    {"/moved", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n", false},
    {"/early",
     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
     "chunked\r\nTrailer: T\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: late\r\n\r\n",
     false},
    {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", true},
    {"/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", true},
    {"/nothing", "", true},
    {"/garbage", "this is no HTTP at all\r\n\r\n", true},
    {"/said-large", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", false},
    {"/large",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "14\r\n01234567890123456789\r\n14\r\n01234567890123456789\r\n0\r\n\r\n",
     false},
    {"/silent", NULL, false},
    {"/slow", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", false},
};

static void put(struct connection *connection, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t sent = connection->ssl != NULL ? SSL_write(connection->ssl, at, (int)len)
                                               : send(connection->fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

static bool get_byte(struct connection *connection, char *byte)
{
    return (connection->ssl != NULL ? SSL_read(connection->ssl, byte, 1)
                                    : recv(connection->fd, byte, 1, 0)) == 1;
}

/* The head and the body of a request; false: there is no more. */
static bool read_request(struct connection *connection, char text[HEAD_BYTES])
{
    size_t len = 0, left = 0;
    while (len < HEAD_BYTES - 1 && get_byte(connection, &text[len])) {
        text[++len] = '\0';
        if (len < 4 || strcmp(text + len - 4, "\r\n\r\n") != 0)
            continue;
        const char *length = strstr(text, "Content-Length: ");
        left = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        while (left > 0 && len < HEAD_BYTES - 1 && get_byte(connection, &text[len])) {
            text[++len] = '\0';
            left--;
        }
        return left == 0;
    }
    return false;
}

static void echo(struct connection *connection, const char *request)
{
    char head[NAME_BYTES];
    int len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       strlen(request));
    put(connection, head, (size_t)len);
    put(connection, request, strlen(request));
}

/* False: the connection ends. */
static bool answer(struct connection *connection, const char *request)
{
    char path[NAME_BYTES] = "";
    (void)sscanf(request, "%*s %255s", path);
    if (strcmp(path, "/echo") == 0) {
        echo(connection, request);
        return true;
    }
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++)
        if (strcmp(path, answers[i].path) == 0) {
            if (answers[i].answer != NULL)
                put(connection, answers[i].answer, strlen(answers[i].answer));
            return !answers[i].closes;
        }
    return false;
}

static void *serve(void *context)
{
    struct connection *connection = context;
    char request[HEAD_BYTES];
    SSL_CTX *tls = connection->server->tls;
    if (tls != NULL) {
        connection->ssl = SSL_new(tls);
        SSL_set_fd(connection->ssl, connection->fd);
    }
    if (connection->ssl == NULL || SSL_accept(connection->ssl) == 1)
        while (read_request(connection, request) && answer(connection, request))
            ;
    shutdown(connection->fd, SHUT_RDWR);
    SSL_free(connection->ssl);
    return NULL;
}

/* ---- certificates ---- */

static void write_file(const char *files, const char *ending, X509 *certificate, EVP_PKEY *key)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s.%s", files, ending);
    FILE *file = fopen(name, "w");
    must(file != NULL);
    if (certificate != NULL)
        must(PEM_write_X509(file, certificate) == 1);
    else
        must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) == 1);
    must(fclose(file) == 0);
}

static SSL_CTX *make_tls(const struct call_server_options *options)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    must(key != NULL && certificate != NULL);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"calls", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *san = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
    must(san != NULL && X509_add_ext(certificate, san, -1) == 1);
    X509_EXTENSION_free(san);
    must(X509_sign(certificate, key, EVP_sha256()) > 0);
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate(tls, certificate) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1);
    if (options->wants_identity) {
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        must(X509_STORE_add_cert(SSL_CTX_get_cert_store(tls), certificate) == 1);
    }
    write_file(options->files, "crt", certificate, NULL);
    write_file(options->files, "key", NULL, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

/* ---- life ---- */

static void *accept_all(void *context)
{
    struct call_server *server = context;
    for (int fd; (fd = accept(server->fd, NULL, NULL)) >= 0;) {
        unsigned i = server->count;
        must(i < CONNECTIONS);
        struct connection *connection = &server->connections[i];
        *connection = (struct connection){.server = server, .fd = fd};
        must(pthread_create(&connection->thread, NULL, serve, connection) == 0);
        server->count = i + 1;
    }
    return NULL;
}

struct call_server *call_server_open(const struct call_server_options *options)
{
    struct call_server *server = must_alloc(sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    server->tls = options->tls ? make_tls(options) : NULL;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(server->fd, (struct sockaddr *)&address, len) == 0);
    must(listen(server->fd, CONNECTIONS) == 0);
    must(getsockname(server->fd, (struct sockaddr *)&address, &len) == 0);
    server->port = ntohs(address.sin_port);
    must(pthread_create(&server->thread, NULL, accept_all, server) == 0);
    return server;
}

void call_server_close(struct call_server *server)
{
    shutdown(server->fd, SHUT_RDWR);
    pthread_join(server->thread, NULL);
    close(server->fd);
    for (unsigned i = 0; i < server->count; i++) {
        shutdown(server->connections[i].fd, SHUT_RDWR);
        pthread_join(server->connections[i].thread, NULL);
        close(server->connections[i].fd);
    }
    SSL_CTX_free(server->tls);
    free(server);
}

unsigned call_server_port(const struct call_server *server)
{
    return server->port;
}

unsigned call_server_connections(const struct call_server *server)
{
    return server->count;
}
