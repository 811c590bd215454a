/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of our own making: each algorithm once, and every attack on it by its name. */
#include "sidecar/guard/jws.h"

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/guard/signer.h"
#include "tests/unit/guard/suites.h"

#define EVERY_ALGORITHM (JWS_SET(JWS_ALGORITHMS) - 1)
static const char payload[] = "{\"sub\":\"alice\"}";

static struct key_set *keys_of(struct span document)
{
    struct key_set_problem problem;
    struct key_set *keys = key_set_read(document, &problem);
    if (keys == NULL)
        print_error("%s\n", problem.why);
    must(keys != NULL);
    return keys;
}

static const char *word_of(struct signer *signer, struct span document, struct span token,
                           unsigned algorithms)
{
    struct jws jws;
    struct key_set *keys = keys_of(document);
    enum jws_refusal refusal = jws_verify(token, keys, algorithms, signer->arena, &jws);
    key_set_free(keys);
    return jws_refusal_word(refusal);
}

/* What becomes of a token with this header, well signed with the only key that is known. */
static const char *with_header(const char *kind, const char *algorithm, const char *header)
{
    struct signer signer = signer_new(kind, SPAN("k1"));
    struct span token = signer_token(&signer, algorithm, header, payload);
    const char *word = word_of(&signer, signer.jwk, token, EVERY_ALGORITHM);
    signer_free(&signer);
    return word;
}

/* The same for an ES256 key and one that may write the token itself. */
struct forgery {
    struct signer signer;
    struct span token;
};

static struct forgery forgery_begin(void)
{
    struct forgery forgery = {.signer = signer_new("P-256", SPAN("k1"))};
    forgery.token =
        signer_token(&forgery.signer, "ES256", "{\"alg\":\"ES256\",\"kid\":\"k1\"}", payload);
    return forgery;
}

static void forgery_end(struct forgery *forgery, struct span token, const char *word)
{
    check_span(span_text(word_of(&forgery->signer, forgery->signer.jwk, token, EVERY_ALGORITHM)),
               word);
    signer_free(&forgery->signer);
}

static struct span signed_part_of(const struct forgery *forgery)
{
    return span_first(forgery->token, span_find_last_byte(forgery->token, '.'));
}

static struct span with_signature(struct forgery *forgery, const char *bytes, size_t len)
{
    struct span text = signer_encode(&forgery->signer, span_make(bytes, len));
    return arena_format(forgery->signer.arena, SPAN_FORMAT "." SPAN_FORMAT,
                        span_arg(signed_part_of(forgery)), span_arg(text));
}

/* ---- what holds ---- */

TEST(each_algorithm_holds_with_a_key_of_its_own)
{
    static const char *const rows[][2] = {
        {"RS256", "RSA:2048"}, {"RS384", "RSA:2048"}, {"RS512", "RSA:2048"}, {"PS256", "RSA:2048"},
        {"PS384", "RSA:2048"}, {"PS512", "RSA:2048"}, {"ES256", "P-256"},    {"ES384", "P-384"},
        {"ES512", "P-521"},    {"HS256", "HMAC:32"},  {"HS384", "HMAC:48"},  {"HS512", "HMAC:64"},
        {"EdDSA", "Ed25519"},  {"EdDSA", "Ed448"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct signer signer = signer_new(rows[i][1], SPAN("k1"));
        struct span header =
            arena_format(signer.arena, "{\"alg\":\"%s\",\"kid\":\"k1\"}", rows[i][0]);
        struct span token =
            signer_token(&signer, rows[i][0], arena_string(signer.arena, header), payload);
        struct key_set *keys = keys_of(signer.jwk);
        unsigned only = JWS_SET(jws_algorithm_find(span_text(rows[i][0])));
        struct jws jws;
        check_number(jws_verify(token, keys, only, signer.arena, &jws), JWS_HOLDS);
        check_span(jws.payload, payload);
        check_span(jws.key_id, "k1");
        check_number(jws_verify(token, keys, ~only, signer.arena, &jws), JWS_BAD_ALGORITHM);
        key_set_free(keys);
        signer_free(&signer);
    }
}

TEST(a_token_without_a_key_id_is_taken_where_one_key_alone_fits)
{
    struct signer a = signer_new("P-256", SPAN("a")), b = signer_new("P-256", SPAN("b"));
    struct signer rsa = signer_new("RSA:2048", SPAN("r"));
    struct span token = signer_token(&b, "ES256", "{\"alg\":\"ES256\"}", payload);
    struct span one = arena_format(a.arena, "{\"keys\":[" SPAN_FORMAT "," SPAN_FORMAT "]}",
                                   span_arg(b.jwk), span_arg(rsa.jwk));
    struct span two = arena_format(a.arena, "{\"keys\":[" SPAN_FORMAT "," SPAN_FORMAT "]}",
                                   span_arg(a.jwk), span_arg(b.jwk));
    check_span(span_text(word_of(&a, one, token, EVERY_ALGORITHM)), "holds");
    check_span(span_text(word_of(&a, two, token, EVERY_ALGORITHM)), "kid_missing");
    signer_free(&a);
    signer_free(&b);
    signer_free(&rsa);
}

/* ---- attacks on the algorithm ---- */

TEST(attack_none_in_any_spelling)
{
    static const char *const headers[] = {"{\"alg\":\"none\",\"kid\":\"k1\"}",
                                          "{\"alg\":\"None\",\"kid\":\"k1\"}", "{\"alg\":\"NONE\"}",
                                          "{\"alg\":\"nOnE\"}"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        check_span(span_text(with_header("P-256", "ES256", headers[i])), "algorithm_none");
        struct forgery forgery = forgery_begin();
        struct span token =
            arena_format(forgery.signer.arena, SPAN_FORMAT ".e30.",
                         span_arg(signer_encode(&forgery.signer, span_text(headers[i]))));
        forgery_end(&forgery, token, "algorithm_none");
    }
}

TEST(attack_key_confusion_hmac_with_the_public_rsa_key)
{
    struct signer rsa = signer_new("RSA:2048", SPAN("k1"));
    struct signer attacker = {.arena = rsa.arena, .secret = rsa.jwk}; /* what is public */
    struct span token =
        signer_token(&attacker, "HS256", "{\"alg\":\"HS256\",\"kid\":\"k1\"}", payload);
    check_span(span_text(word_of(&rsa, rsa.jwk, token, EVERY_ALGORITHM)), "key_does_not_fit");
    token = signer_token(&attacker, "HS256", "{\"alg\":\"HS256\"}", payload);
    check_span(span_text(word_of(&rsa, rsa.jwk, token, EVERY_ALGORITHM)), "key_does_not_fit");
    signer_free(&rsa);
}

TEST(attack_an_algorithm_that_the_configuration_does_not_name)
{
    struct signer signer = signer_new("RSA:2048", SPAN("k1"));
    struct span token =
        signer_token(&signer, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k1\"}", payload);
    check_span(span_text(word_of(&signer, signer.jwk, token, JWS_SET(JWS_PS256))),
               "algorithm_not_allowed");
    signer_free(&signer);
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"es256\"}")),
               "algorithm_not_allowed");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256K\"}")),
               "algorithm_not_allowed");
}

TEST(attack_a_key_for_another_algorithm)
{
    check_span(span_text(with_header("P-384", "ES384", "{\"alg\":\"ES256\",\"kid\":\"k1\"}")),
               "key_does_not_fit");
    check_span(span_text(with_header("Ed25519", "EdDSA", "{\"alg\":\"ES256\",\"kid\":\"k1\"}")),
               "key_does_not_fit");
    struct signer signer = signer_new("RSA:2048", (struct span){NULL, 0});
    struct span bound = arena_format(signer.arena, SPAN_FORMAT ",\"alg\":\"PS256\",\"kid\":\"k1\"}",
                                     span_arg(span_first(signer.jwk, signer.jwk.len - 1)));
    struct span token =
        signer_token(&signer, "RS256", "{\"alg\":\"RS256\",\"kid\":\"k1\"}", payload);
    check_span(span_text(word_of(&signer, bound, token, EVERY_ALGORITHM)), "key_does_not_fit");
    signer_free(&signer);
}

TEST(attack_no_algorithm_or_one_that_is_no_text)
{
    check_span(span_text(with_header("P-256", "ES256", "{\"kid\":\"k1\"}")), "algorithm_missing");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":256}")), "algorithm_missing");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":[\"ES256\"]}")),
               "algorithm_missing");
}

/* ---- attacks on the header ---- */

TEST(attack_keys_and_addresses_of_keys_in_the_header)
{
    static const char *const rows[][2] = {
        {"\"jku\":\"https://evil.example/keys\"", "header_jku"},
        {"\"x5u\":\"https://evil.example/cert\"", "header_x5u"},
        {"\"x5c\":[\"MIIB\"]", "header_x5c"},
        {"\"jwk\":{\"kty\":\"oct\",\"k\":\"c2Vj\"}", "header_jwk"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct forgery forgery = forgery_begin();
        struct span header =
            arena_format(forgery.signer.arena, "{\"alg\":\"ES256\",\"kid\":\"k1\",%s}", rows[i][0]);
        struct span token = signer_token(&forgery.signer, "ES256",
                                         arena_string(forgery.signer.arena, header), payload);
        forgery_end(&forgery, token, rows[i][1]);
    }
}

TEST(attack_critical_extensions)
{
    check_span(
        span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"crit\":[\"x\"],\"x\":1}")),
        "header_crit");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"crit\":[]}")),
               "header_crit");
}

TEST(attack_an_unencoded_payload)
{
    check_span(span_text(with_header("P-256", "ES256",
                                     "{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}")),
               "payload_unencoded");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"b64\":true}")),
               "payload_unencoded");
}

TEST(attack_members_that_stand_twice)
{
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"alg\":\"none\"}")),
               "token_header_broken");
    check_span(span_text(with_header("P-256", "ES256",
                                     "{\"alg\":\"ES256\",\"kid\":\"k1\",\"k\\u0069d\":\"k2\"}")),
               "token_header_broken");
}

TEST(attack_a_header_that_is_no_object)
{
    static const char *const headers[] = {"",
                                          "[]",
                                          "\"ES256\"",
                                          "{",
                                          "{\"alg\":\"ES256\"} x",
                                          "{\"alg\":\"ES256\",}",
                                          "{\"alg\":\"ES\\u0000256\"}",
                                          "{\"alg\":\"ES256\xff\"}"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        check_span(span_text(with_header("P-256", "ES256", headers[i])), "token_header_broken");
}

TEST(attack_key_ids_that_are_paths_or_statements)
{
    static const char *const rows[] = {"../../../../dev/null",
                                       "/proc/sys/kernel/randomize_va_space",
                                       "k1' OR '1'='1",
                                       "x' UNION SELECT 'AA",
                                       "k1;id",
                                       "k1|id",
                                       "K1",
                                       "k1 ",
                                       " k1",
                                       "file:///dev/null"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct forgery forgery = forgery_begin();
        struct span header =
            arena_format(forgery.signer.arena, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", rows[i]);
        struct span token = signer_token(&forgery.signer, "ES256",
                                         arena_string(forgery.signer.arena, header), payload);
        forgery_end(&forgery, token, "key_unknown");
    }
}

TEST(attack_key_ids_that_are_very_long_or_no_text)
{
    char header[600] = "{\"alg\":\"ES256\",\"kid\":\"";
    size_t len = strlen(header);
    memset(header + len, 'k', 257);
    memcpy(header + len + 257, "\"}", 3);
    check_span(span_text(with_header("P-256", "ES256", header)), "kid_malformed");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"kid\":1}")),
               "kid_malformed");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"kid\":null}")),
               "kid_malformed");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"kid\":\"\"}")),
               "kid_malformed");
}

/* ---- attacks on the form ---- */

TEST(attack_encrypted_tokens)
{
    struct forgery forgery = forgery_begin();
    forgery_end(&forgery, SPAN("eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..aaaa.bbbb.cccc"),
                "token_encrypted");
    check_span(span_text(with_header("P-256", "ES256", "{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}")),
               "token_encrypted");
}

TEST(attack_tokens_of_other_parts)
{
    static const char *const tokens[] = {"", ".", "abc", "a.b", "a.b.c.d", "a.b.c.d.e.f"};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        struct forgery forgery = forgery_begin();
        forgery_end(&forgery, span_text(tokens[i]), "token_malformed");
    }
}

TEST(attack_oversized_tokens)
{
    struct forgery forgery = forgery_begin();
    char *padding = arena_text(forgery.signer.arena, JWS_BYTES + 1);
    memset(padding, 'A', JWS_BYTES);
    padding[JWS_BYTES] = '\0';
    forgery_end(
        &forgery,
        signer_token(&forgery.signer, "ES256", "{\"alg\":\"ES256\",\"kid\":\"k1\"}", padding),
        "token_too_long");
}

TEST(attack_base64url_in_another_spelling)
{
    struct forgery forgery = forgery_begin();
    struct arena *arena = forgery.signer.arena;
    static const char *const tails[] = {"=", "==", "\n", " ", "+", "/", "%3D"};
    struct key_set *keys = keys_of(forgery.signer.jwk);
    struct jws jws;
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        struct span token =
            arena_format(arena, SPAN_FORMAT "%s", span_arg(forgery.token), tails[i]);
        check_number(jws_verify(token, keys, EVERY_ALGORITHM, arena, &jws), JWS_BAD_NOT_BASE64URL);
    }
    /* 64 bytes are 86 letters, and the last one has four bits to spare: they have to be 0. */
    char *bits = arena_string(arena, forgery.token);
    bits[forgery.token.len - 1]++;
    check_number(jws_verify(span_text(bits), keys, EVERY_ALGORITHM, arena, &jws),
                 JWS_BAD_NOT_BASE64URL);
    key_set_free(keys);
    forgery_end(&forgery, forgery.token, "holds");
}

/* ---- attacks on the signature ---- */

TEST(attack_psychic_signatures)
{
    static const char zeros[132];
    char half[64] = {0};
    struct forgery forgery = forgery_begin();
    forgery_end(&forgery, with_signature(&forgery, zeros, 64), "signature_zero");
    half[63] = 1; /* r is 0 */
    forgery = forgery_begin();
    forgery_end(&forgery, with_signature(&forgery, half, 64), "signature_zero");
    half[63] = 0;
    half[31] = 1; /* s is 0 */
    forgery = forgery_begin();
    forgery_end(&forgery, with_signature(&forgery, half, 64), "signature_zero");
}

TEST(attack_r_and_s_that_are_the_order_of_the_curve)
{
    static const char order[] = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
                                "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";
    char both[64];
    memcpy(both, order, 32);
    memcpy(both + 32, order, 32);
    struct forgery forgery = forgery_begin();
    forgery_end(&forgery, with_signature(&forgery, both, 64), "signature_wrong");
}

TEST(attack_signatures_of_a_wrong_length)
{
    static const char bytes[132] = {1};
    static const size_t lengths[] = {0, 1, 63, 65, 70, 72, 96, 132};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct forgery forgery = forgery_begin();
        forgery_end(&forgery, with_signature(&forgery, bytes, lengths[i]), "signature_length");
    }
}

TEST(attack_a_signature_in_der)
{
    struct forgery forgery = forgery_begin();
    static const char der[] = "\x30\x44\x02\x20"; /* 70 bytes: SEQUENCE of two INTEGERs */
    char bytes[70] = {0};
    memcpy(bytes, der, 4);
    forgery_end(&forgery, with_signature(&forgery, bytes, sizeof bytes), "signature_length");
}

TEST(attack_any_changed_byte)
{
    struct forgery forgery = forgery_begin();
    struct key_set *keys = keys_of(forgery.signer.jwk);
    for (size_t i = 0; i < forgery.token.len; i++) {
        struct arena *arena = arena_new(NULL, 1 << 16);
        struct jws jws;
        char *text = arena_string(arena, forgery.token);
        text[i] = text[i] == 'A' ? 'B' : 'A';
        check(jws_verify(span_text(text), keys, EVERY_ALGORITHM, arena, &jws) != JWS_HOLDS);
        arena_free(arena);
    }
    key_set_free(keys);
    signer_free(&forgery.signer);
}

TEST(attack_the_key_of_somebody_else_under_our_id)
{
    struct signer evil = signer_new("P-256", SPAN("k1"));
    struct forgery forgery = forgery_begin();
    struct span token = signer_token(&evil, "ES256", "{\"alg\":\"ES256\",\"kid\":\"k1\"}", payload);
    forgery_end(&forgery, token, "signature_wrong");
    signer_free(&evil);
}

TEST(attack_an_hmac_key_too_short_for_its_algorithm)
{
    check_span(span_text(with_header("HMAC:32", "HS512", "{\"alg\":\"HS512\",\"kid\":\"k1\"}")),
               "key_too_weak");
    check_span(span_text(with_header("HMAC:47", "HS384", "{\"alg\":\"HS384\",\"kid\":\"k1\"}")),
               "key_too_weak");
}

TEST(what_the_arena_has_no_room_for_is_a_failure_and_no_verdict)
{
    struct forgery forgery = forgery_begin();
    struct key_set *keys = keys_of(forgery.signer.jwk);
    struct arena *small = arena_new(NULL, 4096);
    struct jws jws;
    check(arena_text(small, 3600) != NULL);
    while (!arena_is_full(small))
        arena_text(small, 16);
    check_number(jws_verify(forgery.token, keys, EVERY_ALGORITHM, small, &jws), JWS_FAILED);
    arena_free(small);
    key_set_free(keys);
    signer_free(&forgery.signer);
}

int jws_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_holds_with_a_key_of_its_own),
        cmocka_unit_test(a_token_without_a_key_id_is_taken_where_one_key_alone_fits),
        cmocka_unit_test(attack_none_in_any_spelling),
        cmocka_unit_test(attack_key_confusion_hmac_with_the_public_rsa_key),
        cmocka_unit_test(attack_an_algorithm_that_the_configuration_does_not_name),
        cmocka_unit_test(attack_a_key_for_another_algorithm),
        cmocka_unit_test(attack_no_algorithm_or_one_that_is_no_text),
        cmocka_unit_test(attack_keys_and_addresses_of_keys_in_the_header),
        cmocka_unit_test(attack_critical_extensions),
        cmocka_unit_test(attack_an_unencoded_payload),
        cmocka_unit_test(attack_members_that_stand_twice),
        cmocka_unit_test(attack_a_header_that_is_no_object),
        cmocka_unit_test(attack_key_ids_that_are_paths_or_statements),
        cmocka_unit_test(attack_key_ids_that_are_very_long_or_no_text),
        cmocka_unit_test(attack_encrypted_tokens),
        cmocka_unit_test(attack_tokens_of_other_parts),
        cmocka_unit_test(attack_oversized_tokens),
        cmocka_unit_test(attack_base64url_in_another_spelling),
        cmocka_unit_test(attack_psychic_signatures),
        cmocka_unit_test(attack_r_and_s_that_are_the_order_of_the_curve),
        cmocka_unit_test(attack_signatures_of_a_wrong_length),
        cmocka_unit_test(attack_a_signature_in_der),
        cmocka_unit_test(attack_any_changed_byte),
        cmocka_unit_test(attack_the_key_of_somebody_else_under_our_id),
        cmocka_unit_test(attack_an_hmac_key_too_short_for_its_algorithm),
        cmocka_unit_test(what_the_arena_has_no_room_for_is_a_failure_and_no_verdict),
    };
    return cmocka_run_group_tests_name("jws", tests, NULL, NULL);
}
