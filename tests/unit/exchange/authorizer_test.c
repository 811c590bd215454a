/* SPDX-License-Identifier: Apache-2.0 */
/* Authorizers without an exchange: whatever they depend on fails, nobody is let in by it. */
#include "sidecar/exchange/authorizer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/base/arena.h"
#include "sidecar/config/aws_keys.h"
#include "sidecar/guard/condition.h"
#include "tests/check.h"
#include "tests/unit/exchange/suites.h"

#define SIGNED_AT UINT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */
#define AUTHORIZATION(fields, signature)                                   \
    "AWS4-HMAC-SHA256 "                                                    \
    "Credential=AKIDEXAMPLE/20260101/eu-west-1/execute-api/aws4_request, " \
    "SignedHeaders=host;" fields "x-amz-date, Signature=" signature

static const char keys_text[] = "keys:\n  AKIDEXAMPLE:\n"
                                "    secret: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n"
                                "    principal: 'arn:aws:iam::123456789012:user/alice'\n";

struct scene {
    char file[64];
    struct settings settings;
    struct authorizer_settings authorizer;
    struct snapshot snapshot;
    struct aws_keys *keys;
    struct route route;
    struct pair pairs[4];
    struct fields fields;
    struct asked asked;
};

/* POST /orders with the body "body", whose hash is said or not. */
static void scene_begin(struct scene *scene, bool said)
{
    *scene = (struct scene){.file = "/tmp/authorizer_test.XXXXXX",
                            .authorizer = {.type = AUTHORIZER_SIGV4,
                                           .name = SPAN("aws"),
                                           .region = SPAN("eu-west-1"),
                                           .service = SPAN("execute-api"),
                                           .skew_us = 300000000,
                                           .mode = GUARD_ON},
                            .route = {.authorizer = 1}};
    struct pair said_pairs[] = {
        {SPAN("Host"), SPAN("api.example")},
        {SPAN("X-Amz-Date"), SPAN("20260101T000000Z")},
        {SPAN("Authorization"),
         said ? SPAN(AUTHORIZATION("x-amz-content-sha256;", "4ee2b2cb5ceb62e62d76a2f5e692699ab9e821"
                                                            "086326b8b01319d83728a4f09d"))
              : SPAN(AUTHORIZATION("", "b14e5e1b4dd9afa95293a38d1cea9c9720083074c04637ffabfc07c8f15"
                                       "93905"))},
        {SPAN("X-Amz-Content-Sha256"),
         SPAN("230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5")}};
    memcpy(scene->pairs, said_pairs, sizeof said_pairs);
    scene->fields = (struct fields){.at = scene->pairs, .count = said ? 4 : 3, .size = 4};
    int fd = mkstemp(scene->file);
    check(fd >= 0 && write(fd, keys_text, sizeof keys_text - 1) == sizeof keys_text - 1);
    close(fd);
    struct faults *faults = faults_new();
    scene->settings.aws_keys.file = span_text(scene->file);
    scene->settings.authorizers = &scene->authorizer;
    scene->settings.authorizer_count = 1;
    scene->keys = aws_keys_new(&scene->settings, faults);
    check(scene->keys != NULL);
    faults_free(faults);
    scene->snapshot.settings = &scene->settings;
    scene->snapshot.aws_keys = scene->keys;
    scene->asked = (struct asked){.method = SPAN("POST"),
                                  .raw_path = SPAN("/orders"),
                                  .path = SPAN("/orders"),
                                  .fields = &scene->fields};
}

static void scene_end(struct scene *scene)
{
    aws_keys_free(scene->keys);
    unlink(scene->file);
}

static enum authenticated ask(struct scene *scene, struct arena *arena, struct span payload,
                              struct authorized *who)
{
    struct authorizer_refusal refusal;
    const struct authorizer_question question = {.snapshot = &scene->snapshot,
                                                 .route = &scene->route,
                                                 .asked = &scene->asked,
                                                 .wall_us = SIGNED_AT,
                                                 .payload = payload};
    scene->asked.arena = arena;
    return authenticate(&question, who, &refusal);
}

TEST(a_signature_lets_in_wherever_memory_ends_only_with_what_is_left_to_prove)
{
    enum { CEILING = 4096 };
    struct scene scene;
    unsigned good = 0, refused = 0;
    scene_begin(&scene, true);
    for (size_t used = 0; used < CEILING; used += 8) {
        struct authorized who;
        struct arena *arena = arena_new(NULL, CEILING);
        arena_text(arena, used);
        bool in = ask(&scene, arena, span_make(NULL, 0), &who) == AUTHENTICATED;
        check_number(who.is_known, in);
        check_number(who.signature.claim != NULL, in);
        check(!in || !arena_is_full(arena));
        good += in;
        refused += !in;
        arena_free(arena);
    }
    check(good > 0 && refused > 0);
    scene_end(&scene);
}

TEST(a_body_whose_hash_is_not_said_is_asked_for_before_anybody_is_let_in)
{
    struct scene scene;
    struct authorized who;
    char hash[SHA256_HEX];
    struct arena *arena = arena_new(NULL, 65536);
    scene_begin(&scene, false);
    check_number(ask(&scene, arena, span_make(NULL, 0), &who), AUTHENTICATED_BY_BODY);
    check(!who.is_known && who.to == DECISION_BLOCK);
    sigv4_sha256_hex(SPAN("bodi"), hash);
    check_number(ask(&scene, arena, span_make(hash, sizeof hash), &who), AUTHENTICATED_NOT);
    sigv4_sha256_hex(SPAN("body"), hash);
    check_number(ask(&scene, arena, span_make(hash, sizeof hash), &who), AUTHENTICATED);
    check(who.is_known && who.to == DECISION_ALLOW && who.signature.claim == NULL);
    check_span(who.principal, "arn:aws:iam::123456789012:user/alice");
    check_span(authorized_value(&who, SPAN("accountId")), "123456789012");
    arena_free(arena);
    scene_end(&scene);
}

TEST(a_certificate_lets_in_wherever_memory_ends_only_whom_it_is_asked_for)
{
    enum { CEILING = 4096, NAMES = 8 };
    struct span names[NAMES];
    struct span pattern = SPAN("spiffe://*");
    struct condition wanted = {.kind = CONDITION_SAN, .texts = &pattern, .text_count = 1};
    struct scene scene;
    unsigned good = 0, refused = 0;
    for (size_t i = 0; i < NAMES; i++)
        names[i] = SPAN("a-name-of-some-length.example");
    struct asked_certificate certificate = {
        .subject = SPAN("CN=alice"), .sans = names, .san_count = NAMES};
    scene_begin(&scene, false);
    scene.authorizer.type = AUTHORIZER_MTLS;
    scene.authorizer.certificate = &wanted;
    scene.asked.certificate = &certificate;
    for (size_t used = 0; used < CEILING; used += 8)
        for (unsigned is_wanted = 0; is_wanted < 2; is_wanted++) {
            struct authorized who;
            struct arena *arena = arena_new(NULL, CEILING);
            arena_text(arena, used);
            names[NAMES - 1] = is_wanted ? SPAN("spiffe://alice") : SPAN("somebody.example");
            bool in = ask(&scene, arena, span_make(NULL, 0), &who) == AUTHENTICATED;
            check(!in || (is_wanted && !arena_is_full(arena) && who.context_count > 0));
            good += in;
            refused += is_wanted && !in;
            arena_free(arena);
        }
    check(good > 0 && refused > 0);
    scene_end(&scene);
}

int authorizer_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_lets_in_wherever_memory_ends_only_with_what_is_left_to_prove),
        cmocka_unit_test(a_certificate_lets_in_wherever_memory_ends_only_whom_it_is_asked_for),
        cmocka_unit_test(a_body_whose_hash_is_not_said_is_asked_for_before_anybody_is_let_in),
    };
    return cmocka_run_group_tests_name("authorizer", tests, NULL, NULL);
}
