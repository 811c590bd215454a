/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets: the secret of the hour and the two before it; name, cipher key and MAC key of a ticket
 * follow from a secret and the policy.
 *
 *   secret, policy --HMAC--> name (16) | AES-256 key (32) | HMAC key (32)
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "rules/base/must.h"
#include "sidecar/wire/tls_inside.h"

enum {
    SECRETS = 3,
    SECRET_BYTES = 32,
    SECRET_AGE_S = 3600,
    NAME_BYTES = 16,
    IV_BYTES = 16,
    KEY_BYTES = 32
};

struct secret {
    uint8_t bytes[SECRET_BYTES];
    int64_t born_s; /* of the clock that only goes forward, from 1; 0: none */
};

struct tls_tickets {
    _Atomic unsigned count;
    const struct clock *clock;
    pthread_mutex_t lock;
    struct secret secrets[SECRETS]; /* the latest first */
};

struct keys {
    uint8_t name[NAME_BYTES], cipher[KEY_BYTES], mac[KEY_BYTES];
};

static int64_t now_s_of(const struct tls_tickets *tickets)
{
    return (int64_t)(tickets->clock->monotonic_us(tickets->clock->context) / 1000000) + 1;
}

static void secret_make(struct secret *secret, int64_t now_s)
{
    must(RAND_bytes(secret->bytes, sizeof secret->bytes) == 1);
    secret->born_s = now_s;
}

struct tls_tickets *tls_tickets_new(const struct clock *clock)
{
    struct tls_tickets *tickets = must_alloc(sizeof *tickets);
    atomic_init(&tickets->count, 1);
    must(pthread_mutex_init(&tickets->lock, NULL) == 0);
    tickets->clock = clock != NULL ? clock : clock_system();
    secret_make(&tickets->secrets[0], now_s_of(tickets));
    return tickets;
}

struct tls_tickets *tls_tickets_take(struct tls_tickets *tickets)
{
    atomic_fetch_add_explicit(&tickets->count, 1, memory_order_relaxed);
    return tickets;
}

void tls_tickets_give(struct tls_tickets *tickets)
{
    if (tickets == NULL || atomic_fetch_sub_explicit(&tickets->count, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&tickets->lock);
    OPENSSL_cleanse(tickets->secrets, sizeof tickets->secrets);
    free(tickets);
}

/* A copy of the secrets as they are now, the newest made where it is due. */
static void secrets_look(struct tls_tickets *tickets, struct secret to[SECRETS])
{
    int64_t now_s = now_s_of(tickets);
    pthread_mutex_lock(&tickets->lock);
    struct secret *secrets = tickets->secrets;
    if (now_s - secrets[0].born_s >= SECRET_AGE_S) {
        memmove(&secrets[1], &secrets[0], (SECRETS - 1) * sizeof *secrets);
        secret_make(&secrets[0], now_s);
    }
    for (size_t i = 1; i < SECRETS; i++)
        if (now_s - secrets[i].born_s >= (int64_t)SECRETS * SECRET_AGE_S)
            OPENSSL_cleanse(&secrets[i], sizeof secrets[i]);
    memcpy(to, secrets, SECRETS * sizeof *secrets);
    pthread_mutex_unlock(&tickets->lock);
}

static bool derive(const struct secret *secret, const uint8_t policy[TLS_POLICY_BYTES],
                   struct keys *keys)
{
    uint8_t out[3][KEY_BYTES], text[TLS_POLICY_BYTES + 1];
    bool well = secret->born_s != 0;
    memcpy(text, policy, TLS_POLICY_BYTES);
    for (uint8_t i = 0; i < 3 && well; i++) {
        size_t len;
        text[TLS_POLICY_BYTES] = i;
        well = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, secret->bytes, SECRET_BYTES, text,
                         sizeof text, out[i], sizeof out[i], &len) != NULL;
    }
    if (well) {
        memcpy(keys->name, out[0], NAME_BYTES);
        memcpy(keys->cipher, out[1], KEY_BYTES);
        memcpy(keys->mac, out[2], KEY_BYTES);
    }
    OPENSSL_cleanse(out, sizeof out);
    return well;
}

static bool mac_begin(EVP_MAC_CTX *mac, struct keys *keys)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, keys->mac, sizeof keys->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int seal(const struct secret *secrets, const uint8_t policy[TLS_POLICY_BYTES],
                struct tls_ticket_parts parts)
{
    struct keys keys;
    bool well =
        derive(&secrets[0], policy, &keys) && RAND_bytes(parts.iv, IV_BYTES) == 1 &&
        EVP_EncryptInit_ex(parts.cipher, EVP_aes_256_cbc(), NULL, keys.cipher, parts.iv) == 1 &&
        mac_begin(parts.mac, &keys);
    if (well)
        memcpy(parts.name, keys.name, NAME_BYTES);
    OPENSSL_cleanse(&keys, sizeof keys);
    return well ? 1 : -1;
}

/* 0: sealed by nobody whom we know; 1: good; 2: good, but sealed with an older secret. */
static int open_sealed(const struct secret *secrets, const uint8_t policy[TLS_POLICY_BYTES],
                       struct tls_ticket_parts parts)
{
    struct keys keys;
    int result = 0;
    for (size_t i = 0; i < SECRETS && result == 0; i++) {
        if (!derive(&secrets[i], policy, &keys) ||
            CRYPTO_memcmp(keys.name, parts.name, NAME_BYTES) != 0)
            continue;
        bool well =
            EVP_DecryptInit_ex(parts.cipher, EVP_aes_256_cbc(), NULL, keys.cipher, parts.iv) == 1 &&
            mac_begin(parts.mac, &keys);
        result = !well ? -1 : i == 0 ? 1 : 2;
    }
    OPENSSL_cleanse(&keys, sizeof keys);
    return result;
}

int tls_tickets_key(struct tls_tickets *tickets, const uint8_t policy[TLS_POLICY_BYTES],
                    struct tls_ticket_parts parts, bool sealing)
{
    struct secret secrets[SECRETS];
    secrets_look(tickets, secrets);
    int result = sealing ? seal(secrets, policy, parts) : open_sealed(secrets, policy, parts);
    OPENSSL_cleanse(secrets, sizeof secrets);
    return result;
}
