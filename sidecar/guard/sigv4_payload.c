/* SPDX-License-Identifier: Apache-2.0 */
/* A body held against what was signed of it, piece by piece. */
#include <stdlib.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/guard/sigv4_inside.h"

#include <openssl/evp.h>

struct sigv4_payload {
    struct span wanted; /* its hash; at == NULL: nobody says */
    EVP_MD_CTX *hash;
    struct sigv4_chunks *chunks; /* NULL: it is no body in signed chunks */
    bool is_chunked;
    enum sigv4_chunks_step step;
};

struct sigv4_payload *sigv4_payload_new(const struct sigv4_claim *claim,
                                        const struct sigv4_key *key)
{
    struct sigv4_payload *payload = must_alloc(sizeof *payload);
    payload->hash = EVP_MD_CTX_new();
    must(payload->hash != NULL && EVP_DigestInit_ex(payload->hash, EVP_sha256(), NULL) == 1);
    if (claim == NULL)
        return payload;
    payload->is_chunked = sigv4_is_chunked(claim);
    if (payload->is_chunked)
        payload->chunks = sigv4_chunks_new(claim, key);
    else if (claim->payload_kind == SIGV4_HASHED)
        payload->wanted = claim->payload;
    return payload;
}

void sigv4_payload_free(struct sigv4_payload *payload)
{
    if (payload == NULL)
        return;
    EVP_MD_CTX_free(payload->hash);
    sigv4_chunks_free(payload->chunks);
    free(payload);
}

void sigv4_payload_feed(struct sigv4_payload *payload, struct span bytes)
{
    if (payload->chunks != NULL)
        payload->step = sigv4_chunks_feed(payload->chunks, bytes);
    else if (bytes.len > 0)
        must(EVP_DigestUpdate(payload->hash, bytes.at, bytes.len) == 1);
}

bool sigv4_payload_end(struct sigv4_payload *payload, char hash[SHA256_HEX])
{
    uint8_t bytes[SHA256_BYTES];
    must(EVP_DigestFinal_ex(payload->hash, bytes, NULL) == 1);
    hex_write(hash, bytes, sizeof bytes);
    if (payload->is_chunked)
        return payload->chunks != NULL && payload->step == SIGV4_CHUNKS_END;
    return payload->wanted.at == NULL || span_is(payload->wanted, span_make(hash, SHA256_HEX));
}
