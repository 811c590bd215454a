/* SPDX-License-Identifier: Apache-2.0 */
/* From PEM to what OpenSSL works with, with what is wrong said at its place. */
#include <openssl/err.h>
#include <openssl/pem.h>

#include "rules/base/must.h"
#include "sidecar/wire/tls_inside.h"

static bool refuse(struct faults *faults, const struct tls_text *text, const char *hint,
                   const char *message)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
    ERR_clear_error();
    fault_add(faults, FAULT_ERROR, text->place, span_text(hint), "%s%s%s", message,
              reason != NULL ? ": " : "", reason != NULL ? reason : "");
    return false;
}

static BIO *reader(const struct tls_text *text)
{
    must(text->pem.len <= INT32_MAX);
    BIO *bio = BIO_new_mem_buf(text->pem.len > 0 ? text->pem.at : "", (int)text->pem.len);
    must(bio != NULL);
    ERR_clear_error();
    return bio;
}

/* Whoever asks for a passphrase finds nobody. */
// NOLINTNEXTLINE(readability-non-const-parameter): the shape is OpenSSL's
static int no_passphrase(char *to, int size, int writing, void *asked)
{
    (void)to, (void)size, (void)writing;
    *(bool *)asked = true;
    return -1;
}

/* The end of a text, or something in it that is no PEM. */
static bool at_end(void)
{
    unsigned long error = ERR_peek_last_error();
    bool end = error == 0 ||
               (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
    if (end)
        ERR_clear_error();
    return end;
}

/* ---- a certificate and its key ---- */

static bool use_chain(SSL_CTX *context, const struct tls_text *text, struct faults *faults)
{
    BIO *bio = reader(text);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool well = certificate != NULL;
    if (!well)
        refuse(faults, text, "-----BEGIN CERTIFICATE-----", "there is no certificate in it");
    if (well && SSL_CTX_use_certificate(context, certificate) != 1)
        well = refuse(faults, text, "", "the certificate cannot be used");
    if (well && X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
        fault_add(faults, FAULT_WARNING, text->place, SPAN("renew it"),
                  "the certificate has expired");
    X509_free(certificate);
    X509 *next;
    while (well && (next = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        well = SSL_CTX_add0_chain_cert(context, next) == 1;
        if (!well) {
            X509_free(next);
            refuse(faults, text, "", "a certificate of the chain cannot be used");
        }
    }
    if (well && !at_end())
        well = refuse(faults, text, "", "a certificate of the chain is broken");
    BIO_free(bio);
    return well;
}

static bool use_key(SSL_CTX *context, const struct tls_text *text, struct faults *faults)
{
    BIO *bio = reader(text);
    bool asked = false, well = false;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked);
    if (asked)
        refuse(faults, text, "openssl pkey -in KEY -out PLAIN", "the key is encrypted");
    else if (key == NULL)
        refuse(faults, text, "-----BEGIN PRIVATE KEY-----", "there is no private key in it");
    else if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1)
        refuse(faults, text, "", "the key is not the certificate's");
    else if (SSL_CTX_use_PrivateKey(context, key) != 1)
        refuse(faults, text, "", "the key cannot be used");
    else
        well = true;
    EVP_PKEY_free(key);
    BIO_free(bio);
    return well;
}

bool tls_use_pair(SSL_CTX *context, const struct tls_key_pair *pair, struct faults *faults)
{
    return use_chain(context, &pair->chain, faults) && use_key(context, &pair->key, faults);
}

/* ---- whom we trust ---- */

bool tls_use_ca(X509_STORE *store, STACK_OF(X509_NAME) * names, const struct tls_text *text,
                struct faults *faults)
{
    BIO *bio = reader(text);
    X509 *certificate;
    size_t count = 0;
    bool well = true;
    while (well && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        count++;
        well = X509_STORE_add_cert(store, certificate) == 1;
        X509_NAME *name = names != NULL ? X509_NAME_dup(X509_get_subject_name(certificate)) : NULL;
        if (name != NULL)
            must(sk_X509_NAME_push(names, name) > 0);
        X509_free(certificate);
    }
    if (!well || !at_end())
        well = refuse(faults, text, "", "a certificate in it is broken");
    else if (count == 0)
        well = refuse(faults, text, "-----BEGIN CERTIFICATE-----", "there is no certificate in it");
    BIO_free(bio);
    return well;
}

bool tls_use_crl(X509_STORE *store, const struct tls_text *text, struct faults *faults)
{
    BIO *bio = reader(text);
    X509_CRL *list;
    size_t count = 0;
    bool well = true;
    while (well && (list = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL)) != NULL) {
        count++;
        well = X509_STORE_add_crl(store, list) == 1;
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
        if (next != NULL && X509_cmp_current_time(next) <= 0)
            fault_add(faults, FAULT_WARNING, text->place, SPAN("nobody of its issuer gets in"),
                      "a revocation list in it has expired");
        X509_CRL_free(list);
    }
    if (!well || !at_end())
        well = refuse(faults, text, "", "a revocation list in it is broken");
    else if (count == 0)
        well =
            refuse(faults, text, "-----BEGIN X509 CRL-----", "there is no revocation list in it");
    BIO_free(bio);
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return well;
}
