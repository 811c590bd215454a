/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/jwt.h"

#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/guard/signer.h"
#include "tests/unit/guard/suites.h"

#define NOW 1000
static const struct span audiences[] = {SPAN_INIT("orders"), SPAN_INIT("invoices")};

struct door {
    struct signer signer;
    struct key_set *keys;
    struct jwt_rules rules;
    struct jwt jwt;
};

static struct door door_begin(void)
{
    struct door door = {.signer = signer_new("HMAC:32", SPAN("k1"))};
    struct key_set_problem problem;
    door.keys = key_set_read(door.signer.jwk, &problem);
    must(door.keys != NULL);
    door.rules = (struct jwt_rules){.keys = door.keys,
                                    .algorithms = JWS_SET(JWS_HS256),
                                    .issuer = SPAN("https://id.example/"),
                                    .audiences = audiences,
                                    .audience_count = 2,
                                    .skew_s = 10};
    return door;
}

static void door_end(struct door *door)
{
    key_set_free(door->keys);
    signer_free(&door->signer);
}

static struct jwt_verdict ask(struct door *door, const char *claims)
{
    struct span token =
        signer_token(&door->signer, "HS256", "{\"alg\":\"HS256\",\"kid\":\"k1\"}", claims);
    return jwt_verify(token, &door->rules, NOW, door->signer.arena, &door->jwt);
}

static void check_word(struct door *door, const char *claims, const char *word)
{
    struct jwt_verdict verdict = ask(door, claims);
    check_span(span_text(verdict.word), word);
    check_number(verdict.outcome,
                 span_is(span_text(word), SPAN("holds")) ? JWT_HOLDS : JWT_REFUSED);
}

#define WITH(rest) "{\"iss\":\"https://id.example/\",\"aud\":\"orders\",\"exp\":2000" rest "}"

static struct span claim(const struct door *door, const char *name)
{
    for (size_t i = 0; i < door->jwt.claim_count; i++)
        if (span_is(door->jwt.claims[i].name, span_text(name)))
            return door->jwt.claims[i].value;
    return SPAN("(absent)");
}

TEST(a_good_token_says_who_it_is_and_what_it_claims)
{
    struct door door = door_begin();
    check_word(&door, WITH(",\"sub\":\"alice\",\"n\":1,\"ok\":true,\"groups\":[\"a\",\"b\"]"),
               "holds");
    check_span(door.jwt.principal, "alice");
    check_span(claim(&door, "n"), "1");
    check_span(claim(&door, "ok"), "true");
    check_span(claim(&door, "groups"), "[\"a\",\"b\"]");
    check_number(door.jwt.good_until_s, 2010);
    door_end(&door);
}

TEST(the_issuer_is_the_configured_one_byte_by_byte)
{
    struct door door = door_begin();
    check_word(&door, "{\"iss\":\"https://id.example\",\"aud\":\"orders\",\"exp\":2000}",
               "issuer_wrong");
    check_word(&door, "{\"iss\":[\"https://id.example/\"],\"aud\":\"orders\",\"exp\":2000}",
               "issuer_wrong");
    check_word(&door, "{\"aud\":\"orders\",\"exp\":2000}", "issuer_wrong");
    door_end(&door);
}

TEST(the_audience_is_a_text_or_a_list_or_else_the_client_id)
{
    static const char *const good[] = {"\"aud\":\"invoices\"", "\"aud\":[\"x\",\"orders\"]",
                                       "\"client_id\":\"orders\"",
                                       "\"aud\":[\"orders\"],\"client_id\":\"x\""};
    static const char *const bad[] = {"\"aud\":\"order\"",
                                      "\"aud\":[]",
                                      "\"aud\":[[\"orders\"]]",
                                      "\"aud\":\"x\",\"client_id\":\"orders\"",
                                      "\"aud\":null,\"client_id\":\"orders\"",
                                      "\"aud\":7",
                                      "\"x\":1"};
    struct door door = door_begin();
    for (size_t i = 0; i < sizeof good / sizeof *good + sizeof bad / sizeof *bad; i++) {
        bool is_good = i < sizeof good / sizeof *good;
        struct span claims =
            arena_format(door.signer.arena, "{\"iss\":\"https://id.example/\",\"exp\":2000,%s}",
                         is_good ? good[i] : bad[i - sizeof good / sizeof *good]);
        check_word(&door, arena_string(door.signer.arena, claims),
                   is_good ? "holds" : "audience_wrong");
    }
    struct jwt_verdict verdict = ask(&door, "{\"iss\":\"https://id.example/\",\"exp\":2000}");
    check_span(span_text(verdict.sentence), "the token does not have a valid audience");
    door_end(&door);
}

TEST(times_are_numbers_and_clocks_may_differ_by_the_skew)
{
    static const char *const rows[][2] = {
        {"\"exp\":991", "holds"},
        {"\"exp\":990", "expired"},
        {"\"exp\":990.5", "holds"},
        {"\"exp\":-1", "expired"},
        {"\"exp\":\"2000\"", "times_broken"},
        {"\"exp\":null", "times_broken"},
        {"\"x\":1", "expiry_missing"},
        {"\"exp\":2000,\"nbf\":1010", "holds"},
        {"\"exp\":2000,\"nbf\":1011", "not_yet_valid"},
        {"\"exp\":2000,\"nbf\":\"1\"", "times_broken"},
        {"\"exp\":2000,\"iat\":1011", "issued_in_the_future"},
        {"\"exp\":2000,\"iat\":1010", "holds"},
        {"\"exp\":2000,\"iat\":[]", "times_broken"},
        {"\"exp\":1e300", "holds"},
        {"\"exp\":1e999", "claims_broken"},
    };
    struct door door = door_begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span claims =
            arena_format(door.signer.arena,
                         "{\"iss\":\"https://id.example/\",\"aud\":\"orders\",%s}", rows[i][0]);
        check_word(&door, arena_string(door.signer.arena, claims), rows[i][1]);
    }
    door_end(&door);
}

TEST(claims_are_an_object_without_twins)
{
    struct door door = door_begin();
    check_word(&door, "[]", "claims_broken");
    check_word(&door, "hello", "claims_broken");
    check_word(&door, "", "claims_broken");
    check_word(&door, WITH(",\"exp\":3000"), "claims_broken");
    check_word(&door, WITH(",\"\\u0065xp\":3000"), "claims_broken");
    door_end(&door);
}

TEST(cognitos_tokens_are_for_one_use)
{
    struct door door = door_begin();
    door.rules.token_use = SPAN("access");
    check_word(&door, WITH(",\"token_use\":\"access\""), "holds");
    check_word(&door, WITH(",\"token_use\":\"id\""), "token_use_wrong");
    check_word(&door, WITH(""), "token_use_wrong");
    door_end(&door);
}

TEST(scopes_come_as_text_or_list_and_one_of_the_routes_is_enough)
{
    static const struct span wanted[] = {SPAN_INIT("orders.read"), SPAN_INIT("orders.write")};
    static const struct {
        const char *claim;
        bool has;
    } rows[] = {
        {",\"scope\":\"openid orders.write\"", true},
        {",\"scp\":[\"orders.read\"]", true},
        {",\"scp\":\"a orders.read\"", true},
        {",\"scope\":\"orders\"", false},
        {",\"scope\":\"orders.readx\"", false},
        {"", false},
        {",\"scope\":\"a\",\"scp\":[\"orders.read\"]", false},
    };
    struct door door = door_begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct span claims = arena_format(
            door.signer.arena,
            "{\"iss\":\"https://id.example/\",\"aud\":\"orders\",\"exp\":2000%s}", rows[i].claim);
        check_word(&door, arena_string(door.signer.arena, claims), "holds");
        check_number(jwt_has_scope(&door.jwt, wanted, 2), rows[i].has);
        check(jwt_has_scope(&door.jwt, NULL, 0));
    }
    check_word(&door, WITH(",\"scope\":7"), "scopes_broken");
    check_word(&door, WITH(",\"scp\":[7]"), "scopes_broken");
    door_end(&door);
}

TEST(without_a_subject_the_client_is_the_principal)
{
    struct door door = door_begin();
    check_word(&door, WITH(",\"client_id\":\"cron\""), "holds");
    check_span(door.jwt.principal, "cron");
    check_word(&door, WITH(""), "holds");
    check_span(door.jwt.principal, "");
    door_end(&door);
}

TEST(what_is_packed_for_a_store_comes_back_the_same)
{
    struct door door = door_begin();
    struct buf packed;
    struct jwt back;
    check_word(&door, WITH(",\"sub\":\"alice\",\"n\":1,\"e\":\"\",\"scope\":\"a b\""), "holds");
    check(jwt_pack(&door.jwt, &packed));
    check(jwt_unpack(arena_copy(door.signer.arena, buf_span(&packed)), door.signer.arena, &back));
    buf_fini(&packed);
    check_span(back.principal, "alice");
    check_number(back.good_until_s, door.jwt.good_until_s);
    check_number(back.claim_count, door.jwt.claim_count);
    for (size_t i = 0; i < back.claim_count; i++) {
        check(span_is(back.claims[i].name, door.jwt.claims[i].name));
        check(span_is(back.claims[i].value, door.jwt.claims[i].value));
    }
    check_number(back.scope_count, 2);
    check_span(back.scopes[1], "b");
    check(key_set_has(door.keys, back.key));
    door_end(&door);
}

static void check_answer(struct door *door, const char *answer, const char *word)
{
    struct jwt_verdict verdict =
        jwt_introspected(span_text(answer), &door->rules, NOW, door->signer.arena, &door->jwt);
    check_span(span_text(verdict.word), word);
}

TEST(what_an_issuer_answers_about_a_token_is_asked_what_was_said)
{
    struct door door = door_begin();
    check_answer(&door, "{\"active\":true,\"iss\":\"https://id.example/\",\"aud\":\"orders\"}",
                 "holds");
    check(door.jwt.good_until_s > NOW);
    check_answer(&door, "{\"active\":false}", "token_inactive");
    check_answer(&door, "{\"active\":true,\"aud\":\"orders\"}", "issuer_wrong");
    check_answer(&door, "{\"active\":true,\"iss\":\"https://id.example/\"}", "audience_wrong");
    door.rules.issuer = (struct span){NULL, 0};
    door.rules.audience_count = 0;
    check_answer(&door, "{\"active\":true,\"exp\":2000,\"scope\":\"a b\",\"sub\":\"alice\"}",
                 "holds");
    check_number(door.jwt.good_until_s, 2010);
    check_number(door.jwt.scope_count, 2);
    check_span(door.jwt.principal, "alice");
    check_answer(&door, "{\"active\":true,\"exp\":990}", "expired");
    check_answer(&door, "{\"active\":true,\"nbf\":1011}", "not_yet_valid");
    check_answer(&door, "{\"active\":true,\"exp\":\"2000\"}", "times_broken");
    door_end(&door);
}

TEST(an_answer_that_does_not_say_whether_a_token_is_active_says_nothing)
{
    static const char *const answers[] = {"",
                                          "[]",
                                          "true",
                                          "{}",
                                          "{\"active\":\"true\"}",
                                          "{\"active\":1}",
                                          "{\"active\":true,\"active\":false}"};
    struct door door = door_begin();
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        check_answer(&door, answers[i], "answer_malformed");
    door_end(&door);
}

TEST(the_token_stands_behind_bearer_or_alone)
{
    check_span(jwt_token(SPAN("Bearer a.b.c")), "a.b.c");
    check_span(jwt_token(SPAN("bearer  a.b.c ")), "a.b.c");
    check_span(jwt_token(SPAN("a.b.c")), "a.b.c");
    check_span(jwt_token(SPAN("Bearer")), "");
    check_span(jwt_token(SPAN("Bearer ")), "");
    check_span(jwt_token(SPAN("")), "");
}

TEST(the_challenge_is_spelt_as_api_gateway_does)
{
    static const struct span scopes[] = {SPAN_INIT("a"), SPAN_INIT("b")};
    struct arena *arena = arena_new(NULL, 1 << 16);
    check_span(jwt_challenge(NULL, 0, NULL, NULL, arena), "Bearer");
    check_span(jwt_challenge(scopes, 2, "insufficient_scope", jwt_scope_missing().sentence, arena),
               "Bearer scope=\"a b\" error=\"insufficient_scope\" "
               "error_description=\"the token does not have a required scope\"");
    check_span(jwt_challenge(NULL, 0, "invalid_token", "why", arena),
               "Bearer error=\"invalid_token\" error_description=\"why\"");
    arena_free(arena);
}

int jwt_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_token_says_who_it_is_and_what_it_claims),
        cmocka_unit_test(the_issuer_is_the_configured_one_byte_by_byte),
        cmocka_unit_test(the_audience_is_a_text_or_a_list_or_else_the_client_id),
        cmocka_unit_test(times_are_numbers_and_clocks_may_differ_by_the_skew),
        cmocka_unit_test(claims_are_an_object_without_twins),
        cmocka_unit_test(cognitos_tokens_are_for_one_use),
        cmocka_unit_test(scopes_come_as_text_or_list_and_one_of_the_routes_is_enough),
        cmocka_unit_test(without_a_subject_the_client_is_the_principal),
        cmocka_unit_test(what_is_packed_for_a_store_comes_back_the_same),
        cmocka_unit_test(what_an_issuer_answers_about_a_token_is_asked_what_was_said),
        cmocka_unit_test(an_answer_that_does_not_say_whether_a_token_is_active_says_nothing),
        cmocka_unit_test(the_token_stands_behind_bearer_or_alone),
        cmocka_unit_test(the_challenge_is_spelt_as_api_gateway_does),
    };
    return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
