/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/sigv4.h"

#include "rules/base/encode.h"
#include "rules/base/glob.h"
#include "rules/base/must.h"
#include "sidecar/guard/sigv4_inside.h"
#include "sidecar/guard/sigv4_key.h"
#include "sidecar/http/date.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { SECOND_US = 1000000, MINUTE_US = 60 * SECOND_US, DER_MOST = 72, BASIC_DATE = 16 };

const char *sigv4_word(enum sigv4_answer answer)
{
    switch (answer) {
    case SIGV4_GOOD: return "good";
    case SIGV4_ABSENT: return "no signature";
    case SIGV4_INCOMPLETE: return "incomplete signature";
    case SIGV4_UNKNOWN_KEY: return "unknown access key";
    case SIGV4_STALE: return "stale signature";
    case SIGV4_MISMATCH: return "signature does not match";
    case SIGV4_SCOPE: return "signature of another scope";
    case SIGV4_WANTS_PAYLOAD: return "signature over a body that is not known yet";
    case SIGV4_NO_ROOM: break;
    }
    return "no room to verify the signature";
}

const char *sigv4_error_type(enum sigv4_answer answer)
{
    switch (answer) {
    case SIGV4_GOOD: return NULL;
    case SIGV4_ABSENT: return "MissingAuthenticationTokenException";
    case SIGV4_INCOMPLETE: return "IncompleteSignatureException";
    case SIGV4_UNKNOWN_KEY: return "UnrecognizedClientException";
    case SIGV4_STALE:
    case SIGV4_MISMATCH:
    case SIGV4_SCOPE: return "InvalidSignatureException";
    case SIGV4_WANTS_PAYLOAD:
    case SIGV4_NO_ROOM: break;
    }
    return "InternalServerErrorException";
}

void sigv4_sha256_hex(struct span text, char to[SHA256_HEX])
{
    uint8_t bytes[SHA256_BYTES];
    sigv4_sha256(text, bytes);
    hex_write(to, bytes, sizeof bytes);
}

static bool same_secretly(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.at, b.at, a.len) == 0);
}

bool sigv4_is_signed(const uint8_t key[SHA256_BYTES], struct span text, struct span signature)
{
    uint8_t bytes[SHA256_BYTES];
    char want[SHA256_HEX];
    sigv4_hmac(span_make((const char *)key, SHA256_BYTES), text, bytes);
    hex_write(want, bytes, sizeof bytes);
    bool same = same_secretly(span_make(want, sizeof want), signature);
    OPENSSL_cleanse(bytes, sizeof bytes);
    OPENSSL_cleanse(want, sizeof want);
    return same;
}

struct span sigv4_algorithm(const struct sigv4_claim *claim)
{
    return claim->elliptic ? SPAN("AWS4-ECDSA-P256-SHA256") : SPAN("AWS4-HMAC-SHA256");
}

/* --- when ------------------------------------------------------------------------------------ */

/* "20150830T123600Z" out of "2015-08-30T12:36:00.000000Z". */
struct span sigv4_basic_date(struct arena *arena, uint64_t us)
{
    char text[TIMESTAMP_LENGTH];
    timestamp_write(text, us);
    return arena_format(arena, "%.4s%.2s%.2sT%.2s%.2s%.2sZ", text, text + 5, text + 8, text + 11,
                        text + 14, text + 17);
}

static struct span age_word(struct arena *arena, uint64_t us)
{
    unsigned long long seconds = us / SECOND_US;
    bool minutes = us % MINUTE_US == 0;
    return arena_format(arena, "%llu %s.", minutes ? seconds / 60 : seconds,
                        minutes ? "min" : "sec");
}

static enum sigv4_answer date_check(struct sigv4 *sigv4)
{
    const struct sigv4_claim *claim = &sigv4->claim;
    uint64_t skew = sigv4->rules->skew_us, now = sigv4->now_us;
    uint64_t lives = claim->by_query ? claim->expires_us : skew;
    struct arena *arena = sigv4->arena;
    bool early = claim->date_us > now + skew;
    if (!early && claim->date_us + lives >= now)
        return SIGV4_GOOD;
    struct span at = sigv4_basic_date(arena, now);
    struct span edge = sigv4_basic_date(arena, early ? now + skew : now - lives);
    struct span by = age_word(arena, early ? skew : lives);
    sigv4->message = arena_format(
        arena,
        early ? "Signature not yet current: " SPAN_FORMAT " is still later than " SPAN_FORMAT
                " (" SPAN_FORMAT " + " SPAN_FORMAT ")"
              : "Signature expired: " SPAN_FORMAT " is now earlier than " SPAN_FORMAT
                " (" SPAN_FORMAT " - " SPAN_FORMAT ")",
        span_arg(claim->date), span_arg(edge), span_arg(at), span_arg(by));
    return SIGV4_STALE;
}

/* --- what for -------------------------------------------------------------------------------- */

/* One of the regions of version 4a's list, which may have stars. */
static bool region_is_in(struct span set, struct span region)
{
    while (set.at != NULL)
        if (glob_matches(span_trim(span_cut(&set, ','), " "), region))
            return true;
    return false;
}

static enum sigv4_answer scope_check(struct sigv4 *sigv4)
{
    const struct sigv4_rules *rules = sigv4->rules;
    const struct sigv4_claim *claim = &sigv4->claim;
    if (!span_is(claim->day, span_first(claim->date, 8)))
        sigv4->message = arena_format(
            sigv4->arena,
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
            "HTTP: '" SPAN_FORMAT "' != '" SPAN_FORMAT "', from '" SPAN_FORMAT "'.",
            span_arg(claim->day), span_arg(span_first(claim->date, 8)), span_arg(claim->date));
    else if (rules->service.len > 0 && !span_is(claim->service, rules->service))
        sigv4->message = arena_format(
            sigv4->arena, "Credential should be scoped to correct service: '" SPAN_FORMAT "'.",
            span_arg(rules->service));
    else if (rules->region.len > 0 &&
             (claim->elliptic ? !region_is_in(claim->region_set, rules->region)
                              : !span_is(claim->region, rules->region)))
        sigv4->message = arena_format(
            sigv4->arena, "Credential should be scoped to a valid region, not '" SPAN_FORMAT "'.",
            span_arg(claim->elliptic ? claim->region_set : claim->region));
    else
        return SIGV4_GOOD;
    return SIGV4_SCOPE;
}

/* --- the signature --------------------------------------------------------------------------- */

static bool is_signed_by_curve(const struct sigv4_key *key, struct span text, struct span hex)
{
    uint8_t signature[DER_MOST];
    size_t len = hex.len / 2;
    for (size_t i = 0; i < hex.len; i++)
        if (byte_lower(hex.at[i]) != hex.at[i])
            return false;
    if (len > sizeof signature || !hex_read(hex, signature, len))
        return false;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(context != NULL);
    bool good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->elliptic) == 1 &&
                EVP_DigestVerify(context, signature, len, (const uint8_t *)text.at, text.len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool is_signed(const struct sigv4_claim *claim, const struct sigv4_key *key,
                      struct span text)
{
    if (claim->elliptic)
        return is_signed_by_curve(key, text, claim->signature);
    uint8_t signing[SHA256_BYTES];
    sigv4_signing_key(claim, key, signing);
    bool good = sigv4_is_signed(signing, text, claim->signature);
    OPENSSL_cleanse(signing, sizeof signing);
    return good;
}

/* ALGORITHM, date, scope and the hash of the canonical request, a line each. */
static bool request_is_signed(struct sigv4 *sigv4, const struct sigv4_key *key, bool skip_token)
{
    struct buf canonical;
    char hash[SHA256_HEX];
    buf_init(&canonical, CANONICAL_MOST);
    bool good = sigv4_canonical(sigv4, skip_token, &canonical);
    sigv4_sha256_hex(buf_span(&canonical), hash);
    buf_fini(&canonical);
    if (!good)
        return false;
    struct span text =
        arena_format(sigv4->arena, SPAN_FORMAT "\n" SPAN_FORMAT "\n" SPAN_FORMAT "\n%.64s",
                     span_arg(sigv4_algorithm(&sigv4->claim)), span_arg(sigv4->claim.date),
                     span_arg(sigv4->claim.scope), hash);
    return text.len > 0 && is_signed(&sigv4->claim, key, text);
}

/* Does the payload that was signed stand for the body that came? */
static bool payload_fits(const struct sigv4 *sigv4)
{
    const struct sigv4_claim *claim = &sigv4->claim;
    struct span payload = sigv4->request->payload;
    switch (claim->payload_kind) {
    case SIGV4_HASHED:
        if (payload.at == NULL)
            return claim->payload.at != NULL && sigv4->rules->payload_later;
        return claim->payload.at == NULL || span_is(claim->payload, payload);
    case SIGV4_UNSIGNED: return sigv4->rules->unsigned_payload;
    case SIGV4_CHUNKED:
    case SIGV4_CHUNKED_TRAILER: break;
    }
    return !claim->elliptic && !claim->by_query;
}

static bool key_fits(const struct sigv4 *sigv4, const struct sigv4_key *key)
{
    struct span token = sigv4->claim.token.at != NULL ? sigv4->claim.token : SPAN("");
    return key != NULL && span_is(sigv4_key_id(key), sigv4->claim.key_id) &&
           same_secretly(token, span_make(key->token, key->token_len));
}

enum sigv4_answer sigv4_verify(struct sigv4 *sigv4, const struct sigv4_key *key)
{
    if (!key_fits(sigv4, key)) {
        sigv4->message = SPAN("The security token included in the request is invalid.");
        return SIGV4_UNKNOWN_KEY;
    }
    enum sigv4_answer answer = date_check(sigv4);
    if (answer == SIGV4_GOOD)
        answer = scope_check(sigv4);
    if (answer != SIGV4_GOOD)
        return arena_is_full(sigv4->arena) ? SIGV4_NO_ROOM : answer;
    if (sigv4->claim.payload.at == NULL && sigv4->request->payload.at == NULL)
        return SIGV4_WANTS_PAYLOAD;
    bool late_token = sigv4->claim.by_query && sigv4->claim.token.at != NULL;
    bool good =
        request_is_signed(sigv4, key, false) || (late_token && request_is_signed(sigv4, key, true));
    if (arena_is_full(sigv4->arena))
        return SIGV4_NO_ROOM;
    if (good && payload_fits(sigv4))
        return SIGV4_GOOD;
    sigv4->message = span_text(SIGV4_MISMATCH_MESSAGE);
    return SIGV4_MISMATCH;
}
