/* SPDX-License-Identifier: Apache-2.0 */
/* What a handshake came to: the facts of one that is done, the word for one that failed. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/wire/tls_inside.h"

enum { PEER_BYTES = 1024 * 1024, SANS_MOST = 64, TEXT_MOST = 1024, LIST_BYTES = 128 * 1024 };

struct facts_owned {
    struct tls_facts facts; /* first */
    struct arena *arena;    /* of the peer's texts; NULL: it showed no certificate */
    char name[256], protocol[32];
};

/* ---- names of a certificate ---- */

static void names_add(struct tls_names *names, struct span text)
{
    char **at = must_realloc(names->at, (names->count + 1) * sizeof(char *));
    names->at = at;
    char *copy = must_alloc(text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = (char)byte_lower(text.at[i]);
    at[names->count++] = copy;
}

static struct span string_of(const ASN1_STRING *string)
{
    return span_make((const char *)ASN1_STRING_get0_data(string),
                     (size_t)ASN1_STRING_length(string));
}

/* Nothing that could end a text early, or stand for two in a list. */
static bool is_plain(struct span text)
{
    bool plain = text.len > 0 && text.len <= TEXT_MOST;
    for (size_t i = 0; i < text.len && plain; i++)
        plain = text.at[i] > ' ' && text.at[i] < 0x7f && text.at[i] != ',' && text.at[i] != '"';
    return plain;
}

static void names_add_common(X509 *certificate, struct tls_names *names)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (at < 0)
        return;
    struct span name = string_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (is_plain(name))
        names_add(names, name);
}

void tls_names_of(X509 *certificate, struct tls_names *names)
{
    *names = (struct tls_names){0};
    GENERAL_NAMES *sans = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(sans); i++) {
        const GENERAL_NAME *san = sk_GENERAL_NAME_value(sans, i);
        if (san->type == GEN_DNS && is_plain(string_of(san->d.dNSName)))
            names_add(names, string_of(san->d.dNSName));
    }
    GENERAL_NAMES_free(sans);
    if (names->count == 0)
        names_add_common(certificate, names);
}

void tls_names_free(struct tls_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->at[i]);
    free(names->at);
}

/* ---- the peer's certificate ---- */

/* RFC 4514; bytes beyond ASCII are escaped. */
static struct span name_text(struct arena *arena, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;
    must(bio != NULL);
    struct span text = SPAN("");
    if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(bio, &at);
        text = arena_copy(arena, span_make(at, len > 0 ? (size_t)len : 0));
    }
    BIO_free(bio);
    return text;
}

static struct span serial_text(struct arena *arena, X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number != NULL ? BN_bn2hex(number) : NULL;
    struct span text = arena_copy(arena, span_text(hex != NULL ? hex : ""));
    OPENSSL_free(hex);
    BN_free(number);
    return text;
}

static struct span time_text(struct arena *arena, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;
    must(bio != NULL);
    struct span text = SPAN("");
    if (ASN1_TIME_print(bio, time) == 1) {
        long len = BIO_get_mem_data(bio, &at);
        text = arena_copy(arena, span_make(at, len > 0 ? (size_t)len : 0));
    }
    BIO_free(bio);
    return text;
}

static struct span fingerprint_text(struct arena *arena, X509 *certificate)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (X509_digest(certificate, EVP_sha256(), digest, &len) != 1)
        return SPAN("");
    char *hex = arena_text(arena, (size_t)2 * len);
    if (hex == NULL)
        return SPAN("");
    hex_write(hex, digest, len);
    return span_make(hex, (size_t)2 * len);
}

/* What could stand for something else is left out. */
static struct span san_text(struct arena *arena, const GENERAL_NAME *san)
{
    static const struct {
        int type;
        const char *word;
    } words[] = {{GEN_DNS, "DNS:"}, {GEN_URI, "URI:"}, {GEN_EMAIL, "email:"}};
    if (san->type == GEN_IPADD) {
        char address[INET6_ADDRSTRLEN];
        struct span bytes = string_of(san->d.iPAddress);
        int family = bytes.len == 4 ? AF_INET : bytes.len == 16 ? AF_INET6 : AF_UNSPEC;
        if (family != AF_UNSPEC && inet_ntop(family, bytes.at, address, sizeof address) != NULL)
            return arena_format(arena, "IP:%s", address);
        return SPAN("");
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (san->type != words[i].type)
            continue;
        struct span text = string_of(san->d.ia5);
        if (is_plain(text))
            return arena_format(arena, "%s" SPAN_FORMAT, words[i].word, span_arg(text));
    }
    return SPAN("");
}

static void sans_fill(struct arena *arena, X509 *certificate, struct tls_peer *peer)
{
    GENERAL_NAMES *sans = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    struct span *texts = arena_alloc(arena, SANS_MOST * sizeof *texts);
    for (int i = 0; texts != NULL && i < sk_GENERAL_NAME_num(sans); i++) {
        struct span text = san_text(arena, sk_GENERAL_NAME_value(sans, i));
        if (text.len > 0 && peer->san_count < SANS_MOST)
            texts[peer->san_count++] = text;
    }
    peer->sans = texts;
    GENERAL_NAMES_free(sans);
}

static struct span list_text(struct arena *arena, const struct tls_peer *peer)
{
    struct buf list;
    buf_init(&list, LIST_BYTES);
    for (size_t i = 0; i < peer->san_count; i++) {
        if (i > 0)
            buf_add(&list, SPAN(", "));
        buf_add(&list, peer->sans[i]);
    }
    struct span text = list.len > 0 ? arena_copy(arena, buf_span(&list)) : SPAN("");
    buf_fini(&list);
    return text;
}

static struct span field_text(struct arena *arena, X509 *certificate)
{
    struct span text = {NULL, 0};
    struct buf field;
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    buf_init(&field, PEER_BYTES);
    if (len > 0) {
        buf_add_byte(&field, ':');
        base64_add(&field, span_make((const char *)der, (size_t)len));
        buf_add_byte(&field, ':');
        if (!buf_is_full(&field))
            text = arena_copy(arena, buf_span(&field));
    }
    OPENSSL_free(der);
    buf_fini(&field);
    return text;
}

/* False: more than there is room for. */
static bool peer_fill(struct facts_owned *owned, X509 *certificate)
{
    struct tls_peer *peer = &owned->facts.peer;
    struct arena *arena = owned->arena = arena_new(NULL, PEER_BYTES);
    must(arena != NULL);
    peer->field = field_text(arena, certificate);
    peer->subject = name_text(arena, X509_get_subject_name(certificate));
    peer->issuer = name_text(arena, X509_get_issuer_name(certificate));
    peer->serial = serial_text(arena, certificate);
    peer->not_before = time_text(arena, X509_get0_notBefore(certificate));
    peer->not_after = time_text(arena, X509_get0_notAfter(certificate));
    peer->fingerprint = fingerprint_text(arena, certificate);
    sans_fill(arena, certificate, peer);
    peer->san_list = list_text(arena, peer);
    return peer->field.len > 0 && !arena_is_full(arena);
}

/* ---- facts ---- */

static struct span keep(char *to, size_t size, struct span text)
{
    text = span_first(text, size);
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    return span_make(text.len > 0 ? to : NULL, text.len);
}

/* A certificate in a resumed session was verified when the session began; its time may have run out
 * since then. */
static bool holds_still(const X509 *certificate)
{
    return X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

struct tls_facts *tls_facts_new(SSL *ssl)
{
    struct facts_owned *owned = must_alloc(sizeof *owned);
    struct tls_facts *facts = &owned->facts;
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const char *cipher_name = cipher != NULL ? SSL_CIPHER_standard_name(cipher) : NULL;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const unsigned char *protocol;
    unsigned protocol_len;
    facts->version = SSL_version(ssl) == TLS1_3_VERSION ? SPAN("1.3") : SPAN("1.2");
    facts->cipher = span_text(cipher_name != NULL ? cipher_name : "");
    facts->server_name = keep(owned->name, sizeof owned->name, span_text(name != NULL ? name : ""));
    SSL_get0_alpn_selected(ssl, &protocol, &protocol_len);
    facts->protocol = keep(owned->protocol, sizeof owned->protocol,
                           span_make((const char *)protocol, protocol_len));
    facts->resumed = SSL_session_reused(ssl) == 1;
    X509 *certificate = SSL_is_server(ssl) ? SSL_get0_peer_certificate(ssl) : NULL;
    if (certificate == NULL || (holds_still(certificate) && peer_fill(owned, certificate)))
        return facts;
    tls_facts_free(facts);
    return NULL;
}

void tls_facts_free(struct tls_facts *facts)
{
    struct facts_owned *owned = (struct facts_owned *)(void *)facts;
    if (owned == NULL)
        return;
    arena_free(owned->arena);
    free(owned);
}

/* ---- failures ---- */

const char *tls_failure_word(enum tls_failure failure)
{
    static const char *const words[] = {
#define TLS_FAILURE(id, word, sentence) [TLS_FAILURE_##id] = (word),
#include "sidecar/wire/tls_failures.tbl"
    };
    must(failure < TLS_FAILURES);
    return words[failure];
}

static enum tls_failure failure_of_verifying(long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return TLS_FAILURE_EXPIRED;
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID: return TLS_FAILURE_REVOKED;
    default: return TLS_FAILURE_BAD_CERTIFICATE;
    }
}

enum tls_failure tls_failure_of(SSL *ssl, bool ended)
{
    static const struct {
        int reason;
        enum tls_failure failure;
    } reasons[] = {
        {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_FAILURE_NO_CERTIFICATE},
        {SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILURE_VERSION},
        {SSL_R_VERSION_TOO_LOW, TLS_FAILURE_VERSION},
        {SSL_R_NO_SHARED_CIPHER, TLS_FAILURE_CIPHER},
        {SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_CIPHER},
        {SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_CIPHER},
        {SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_FAILURE_CIPHER},
        {SSL_R_NO_SHARED_GROUPS, TLS_FAILURE_CIPHER},
        {SSL_R_NO_APPLICATION_PROTOCOL, TLS_FAILURE_PROTOCOL},
        {SSL_R_HTTP_REQUEST, TLS_FAILURE_NO_TLS},
        {SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_NO_TLS},
        {SSL_R_WRONG_VERSION_NUMBER, TLS_FAILURE_NO_TLS},
        {SSL_R_UNEXPECTED_EOF_WHILE_READING, TLS_FAILURE_CLOSED},
    };
    int reason = ERR_GET_REASON(ERR_peek_error());
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return failure_of_verifying(SSL_get_verify_result(ssl));
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].reason == reason)
            return reasons[i].failure;
    if (reason >= SSL_AD_REASON_OFFSET)
        return TLS_FAILURE_ALERT;
    return ended ? TLS_FAILURE_CLOSED : TLS_FAILURE_OTHER;
}
