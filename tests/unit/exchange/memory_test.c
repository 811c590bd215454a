/* SPDX-License-Identifier: Apache-2.0 */
/* Guards on the whole line, while memory ends: wherever a chunk is refused, at whichever byte of
 * it, nobody passes who would be refused. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exporters/mask.h"
#include "sidecar/exchange/inside.h"
#include "sidecar/state/quotas.h"
#include "tests/check.h"
#include "tests/unit/exchange/peers.h"
#include "tests/unit/exchange/suites.h"

enum { CHUNK = 4096, STRIDE = 64, CHUNKS_MOST = 64, TURNS = 60, CONFIG_BYTES = 8192 };

/* Ed25519; its issuer's public key, and what it has signed for https://id.example/ and alice. */
#define KEY                                                                                      \
    "{ keys: [{ kty: OKP, crv: Ed25519, kid: k, x: A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg " \
    "}] }"
#define GOOD_TOKEN /* audience orders, scope orders.read */                                \
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwic3ViIjoiY" \
    "WxpY2UiLCJhdWQiOiJvcmRlcnMiLCJleHAiOjQwMDAwMDAwMDAsInNjb3BlIjoib3JkZXJzLnJlYWQifQ.Vh" \
    "A_9bYARM-RV9oLuvH3Otu0w4vgLIGojd19-j9jVSdm6Y5qd442Mkyf-eUpSsei2_ELfot0WpvuSAmtsxQBBA"
#define OTHER_SCOPE                                                                        \
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwic3ViIjoiY" \
    "WxpY2UiLCJhdWQiOiJvcmRlcnMiLCJleHAiOjQwMDAwMDAwMDAsInNjb3BlIjoib3JkZXJzLndyaXRlIn0.W" \
    "ww4IKypWGvpG3zfiUI5BOCJUxxaVokjB1-K50Ly74nG-C0fPRT1XsN3uJ9FgLSlh5AUVphcNXiRP2mSpWE6A" \
    "A"
#define OTHER_AUDIENCE                                                                     \
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwic3ViIjoiY" \
    "WxpY2UiLCJhdWQiOiJvdGhlciIsImV4cCI6NDAwMDAwMDAwMH0.OnWsfMOXR7cfdgE-Z4cgciDkz1TXVHuGa" \
    "pDae1mHGq4fpSTFMjpPmAGuOsrWTeothPxFZhGQwhv_-QiagbMjBQ"
#define EXPIRED                                                                            \
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImsifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUvIiwic3ViIjoiY" \
    "WxpY2UiLCJhdWQiOiJvcmRlcnMiLCJleHAiOjkwMH0.q9hzzSHxIO2y9HBGKcR9IE7IVAhKdMObh2jvGhcMj" \
    "yoDdqWdnWyBL4Wshqj_gvcqYcrwNO2KKsSBhm0vhBo5BA"
#define JWT(more)                                                                              \
    "authorizers: { staff: { type: jwt, issuer: \"https://id.example/\", audience: [orders], " \
    "algorithms: [EdDSA], jwks: " KEY ", headers: { X-User: sub } } }\n" more
#define ROUTE(more) "routes: [{ match: \"ANY /{proxy+}\"" more " }]\n"

/* A file that a configuration names as FILE. */
static void file_write(char path[64], const char *text)
{
    snprintf(path, 64, "/tmp/sidegate-memory-XXXXXX");
    int fd = mkstemp(path);
    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

static struct story *story_of(const char *yaml, const char *file)
{
    char path[64] = "", whole[CONFIG_BYTES];
    const char *at = strstr(yaml, "FILE");
    if (file != NULL)
        file_write(path, file);
    if (at == NULL)
        snprintf(whole, sizeof whole, "%s", yaml);
    else
        snprintf(whole, sizeof whole, "%.*s%s%s", (int)(at - yaml), yaml, path, at + 4);
    struct story *story = story_new(whole, 8);
    story->around.quotas = quotas_new(1024);
    if (file != NULL)
        unlink(path);
    return story;
}

static void story_end(struct story *story)
{
    quotas_free(story->around.quotas);
    story_free(story);
}

/* One request with `used` bytes of its arena gone, and the n-th chunk refused. False: none was. */
static bool ask(struct story *story, struct pair field, size_t used, unsigned n)
{
    struct story_client *client = story_ask_with(story, 0, "GET", "/orders/1?q=attack", field);
    const struct exchange *x = client->client.exchange;
    arena_text(x->arena, used);
    arena_fail_nth(n);
    story_turn(story, TURNS);
    return arena_fail_nth(0) == 0;
}

/* An answer that refuses, or a clean close where there is no room for one. */
static bool is_out(const struct story_client *client)
{
    return client->released && (client->status == 0 || client->status >= 400);
}

/* Who is refused with all the memory there is, is refused without. */
static void keeps_out(const char *yaml, const char *file, struct pair field, unsigned status)
{
    struct story *story = story_of(yaml, file);
    struct story_client *client = story_ask_with(story, 0, "GET", "/orders/1?q=attack", field);
    story_turn(story, STORY_TURNS);
    check_number(client->status, status);
    unsigned failures = 0;
    for (size_t used = 0; used < CHUNK; used += STRIDE)
        for (unsigned n = 1; n < CHUNKS_MOST; n++) {
            bool failed = ask(story, field, used, n);
            check(is_out(client));
            check_number(story->backend_count, 0);
            failures += failed;
            if (!failed)
                break;
        }
    check(failures > 0);
    story_end(story);
}

static struct pair bearer(const char *token)
{
    return (struct pair){SPAN("Authorization"), span_text(token)};
}

static const struct pair nothing = {SPAN_INIT("X-A"), SPAN_INIT("1")};

TEST(memory_that_ends_lets_nobody_past_the_access_list)
{
    keeps_out(
        "access: [{ name: a, match: { path: /orders/*, query: { q: attack } }, action: block }]",
        NULL, nothing, 403);
    keeps_out("ip_sets: { us: { addresses: [192.0.2.0/24] } }\n"
              "access: [{ name: a, match: { ip_set: us }, action: block }]",
              NULL, nothing, 403);
    keeps_out("access: [{ name: a, match: { not: { header: { X-A: \"2\" } } }, action: block }]",
              NULL, nothing, 403);
}

TEST(memory_that_ends_lets_nobody_past_a_web_acl)
{
    static const char acl[] =
        "{\"Name\":\"acl\",\"DefaultAction\":{\"Allow\":{}},\"Rules\":[{"
        "\"Name\":\"r\",\"Priority\":0,"
        "\"Action\":{\"Count\":{}},\"RuleLabels\":[{\"Name\":\"l\"}],"
        "\"Statement\":{\"ByteMatchStatement\":"
        "{\"SearchString\":\"YXR0YWNr\",\"FieldToMatch\":{\"SingleHeader\":{\"Name\":\"x-a\"}}"
        ",\"PositionalConstraint\":\"CONTAINS\","
        "\"TextTransformations\":[{\"Priority\":0,\"Type\":\"URL_DECODE\"},{"
        "\"Priority\":1,\"Type\":\"LOWERCASE\"}]}}},"
        "{\"Name\":\"b\",\"Priority\":1,\"Action\":{\"Block\":{}},"
        "\"Statement\":{\"LabelMatchStatement\":"
        "{\"Scope\":\"LABEL\",\"Key\":\"l\"}}}]}";
    char value[2 * CHUNK]; /* its copies need chunks of their own */
    memset(value, '+', sizeof value);
    const struct span word = SPAN("At%74ack");
    memcpy(value + CHUNK, word.at, word.len);
    keeps_out("access: [{ name: w, web_acl: FILE }]", acl,
              (struct pair){SPAN("X-A"), span_make(value, sizeof value)}, 403);
}

TEST(memory_that_ends_lets_nobody_in_without_a_token_that_holds)
{
    static const char plain[] = JWT(ROUTE(", authorizer: staff"));
    keeps_out(plain, NULL, nothing, 401);
    keeps_out(plain, NULL, bearer(OTHER_AUDIENCE), 401);
    keeps_out(plain, NULL, bearer(EXPIRED), 401);
    keeps_out(JWT(ROUTE(", authorizer: staff, scopes: [orders.read]")), NULL, bearer(OTHER_SCOPE),
              403);
}

TEST(memory_that_ends_takes_nothing_from_who_passes)
{
    struct story *story = story_of(JWT(ROUTE(", authorizer: staff, scopes: [orders.read]")), NULL);
    unsigned passed = 0, refused = 0;
    for (size_t used = 0; used < CHUNK; used += STRIDE)
        for (unsigned n = 1; n < CHUNKS_MOST; n++) {
            bool failed = ask(story, bearer(GOOD_TOKEN), used, n);
            const struct story_client *client = &story->clients[0];
            check(client->released);
            passed += client->status == 200;
            refused += client->status >= 400;
            if (!failed)
                break;
        }
    check(passed > 0 && refused > 0);
    story_end(story);
}

TEST(memory_that_ends_lets_nobody_in_who_asks_an_authorizer_elsewhere)
{
    keeps_out("authorizers: { custom: { type: http, url: \"http://127.0.0.1:9/\", identity: "
              "[$request.header.authorization] } }\n" ROUTE(", authorizer: custom"),
              NULL, bearer("t"), 500);
}

/* There is no room for a call here at all, as in a flood of them. */
TEST(whom_nobody_could_be_asked_about_is_refused_though_failures_let_in)
{
    keeps_out(
        "authorizers: { custom: { type: http, url: \"http://127.0.0.1:9/\", identity: "
        "[$request.header.authorization], on_failure: allow } }\n" ROUTE(", authorizer: custom"),
        NULL, bearer("t"), 500);
    keeps_out("authorizers: { custom: { type: introspection, url: \"http://127.0.0.1:9/\", "
              "bearer_token_file: FILE, on_failure: allow } }\n" ROUTE(", authorizer: custom"),
              "a secret", bearer("t"), 500);
}

TEST(memory_that_ends_lets_nobody_past_a_policy)
{
#define API \
    "policies: { resource: FILE, api: \"arn:aws:execute-api:eu-west-1:123456789012:abc/prod\" }\n"
    keeps_out(API,
              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*"
              "\",\"Action\":\"*\","
              "\"Resource\":\"*\"},{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\","
              "\"Resource\":\"*\","
              "\"Condition\":{\"IpAddress\":{\"aws:SourceIp\":\"192.0.2.0/24\"}}}]}",
              nothing, 403);
    keeps_out(API,
              "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*"
              "\",\"Action\":\"*\","
              "\"Resource\":\"execute-api:/prod/GET/others/*\"}]}",
              nothing, 403);
}

TEST(memory_that_ends_lets_nobody_in_without_an_api_key)
{
    static const char file[] =
        "version: 1\n"
        "salt: \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\nkeys: []\n";
    static const char keyed[] = "api_keys: { file: FILE }\n" ROUTE(", api_key: required");
    keeps_out(keyed, file, nothing, 403);
    keeps_out(keyed, file, (struct pair){SPAN("x-api-key"), SPAN("aaaaaaaaaaaaaaaaaaaaaaaa")}, 403);
}

/* The first one passes. */
static void stays_over(const char *yaml, const char *file, struct pair field)
{
    struct story *story = story_of(yaml, file);
    struct story_client *client = story_ask_with(story, 0, "GET", "/orders/1?q=attack", field);
    story_turn(story, STORY_TURNS);
    check_number(client->status, 200);
    unsigned failures = 0, connections = story->backend_count;
    for (size_t used = 0; used < CHUNK; used += STRIDE)
        for (unsigned n = 1; n < CHUNKS_MOST; n++) {
            bool failed = ask(story, field, used, n);
            check(is_out(client));
            failures += failed;
            if (!failed)
                break;
        }
    check(failures > 0);
    check_number(story->backend_count, connections);
    story_end(story);
}

static const char one_key[] =
    "version: 1\n"
    "salt: \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\nkeys:\n"
    "  - { id: k1, hash: \"36d690c907032e3dbc05bd41533b4d336b3aba236b8577127f9979dcdf9576af\" "
    "}\n";

TEST(memory_that_ends_lets_nobody_come_more_often)
{
    const struct pair key = {SPAN("x-api-key"), SPAN("aaaaaaaaaaaaaaaaaaaa")};
    stays_over("access: [{ name: a, rate: { limit: 1, window: 1h, key: [client_address] }, action: "
               "block, status: 429 }]",
               NULL, nothing);
    stays_over(JWT("rate_limits: { per_user: { key: [jwt.sub], rate: 1/h, burst: 1 } }\n" ROUTE(
                   ", authorizer: staff, rate_limits: [per_user]")),
               NULL, bearer(GOOD_TOKEN));
    stays_over(
        "api_keys: { file: FILE }\nusage_plans: { basic: { keys: [k1], throttle: { rate: 1/h, "
        "burst: 1 } } }\n" ROUTE(", api_key: required"),
        one_key, key);
    stays_over("api_keys: { file: FILE }\nusage_plans: { basic: { keys: [k1], quota: { limit: 1, "
               "period: month } } }\n" ROUTE(", api_key: required"),
               one_key, key);
}

TEST(memory_that_ends_lets_nobody_past_the_rules)
{
    keeps_out("rules: { files: [FILE] }",
              "SecRuleEngine On\nSecRule ARGS:q \"@rx ^att\" "
              "\"id:1,phase:1,t:lowercase,deny,status:403,msg:'%{MATCHED_VAR}'\"\n",
              nothing, 403);
}

/* The answer to who has a key of a plan whose use nobody can count. */
static unsigned uncounted(const char *keys, const char *plan, struct quotas *quotas)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             "api_keys: { file: FILE%s }\nusage_plans: { basic: { keys: [k1], quota: { limit: 9, "
             "period: month }%s } }\n" ROUTE(", api_key: required"),
             keys, plan);
    struct story *story = story_of(yaml, one_key);
    quotas_free(story->around.quotas);
    story->around.quotas = quotas;
    struct story_client *client =
        story_ask_with(story, 0, "GET", "/orders/1",
                       (struct pair){SPAN("x-api-key"), SPAN("aaaaaaaaaaaaaaaaaaaa")});
    story_turn(story, STORY_TURNS);
    unsigned status = client->status;
    story_end(story);
    return status;
}

TEST(a_quota_that_cannot_be_counted_refuses_unless_on_failure_allows)
{
    check_number(uncounted("", "", quotas_new(9)), 200);
    check_number(uncounted("", "", quotas_new(0)), 429);
    check_number(uncounted("", "", NULL), 429);
    check_number(uncounted(", on_failure: allow", "", quotas_new(0)), 200);
    check_number(uncounted("", ", mode: detection_only", quotas_new(0)), 200);
}

/* What records came to while memory ended. */
static struct {
    unsigned whole, silent; /* with the request's fields; without: memory ended */
} records;

static void on_record(void *context, const struct report *report)
{
    const struct story *story = context;
    const struct exchange *x = story->clients[0].client.exchange;
    const struct report_audit *audit = &report->audit;
    if (arena_is_full(x->arena)) {
        check(!audit->wanted && report->request_id.len > 0);
        records.silent++;
        return;
    }
    check(audit->wanted && audit->request_field_count == 2);
    check_span(audit->request_fields[1].value, MASK);
    records.whole++;
}

TEST(where_memory_ends_there_is_no_audit_record_rather_than_half_of_one)
{
    struct story *story = story_of("audit_log: { path: /dev/null, when: always }", NULL);
    story->script = backend_hello;
    story->around.on_report = on_record;
    for (size_t used = 0; used < CHUNK; used += STRIDE)
        for (unsigned n = 1; n < CHUNKS_MOST && ask(story, bearer(GOOD_TOKEN), used, n); n++) {
        }
    check(records.silent > 0 && records.whole > 0);
    story_end(story);
}

int memory_suite(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_ends_lets_nobody_past_the_access_list),
        cmocka_unit_test(memory_that_ends_lets_nobody_past_a_web_acl),
        cmocka_unit_test(memory_that_ends_lets_nobody_in_without_a_token_that_holds),
        cmocka_unit_test(memory_that_ends_takes_nothing_from_who_passes),
        cmocka_unit_test(memory_that_ends_lets_nobody_in_who_asks_an_authorizer_elsewhere),
        cmocka_unit_test(whom_nobody_could_be_asked_about_is_refused_though_failures_let_in),
        cmocka_unit_test(memory_that_ends_lets_nobody_past_a_policy),
        cmocka_unit_test(memory_that_ends_lets_nobody_in_without_an_api_key),
        cmocka_unit_test(memory_that_ends_lets_nobody_come_more_often),
        cmocka_unit_test(memory_that_ends_lets_nobody_past_the_rules),
        cmocka_unit_test(where_memory_ends_there_is_no_audit_record_rather_than_half_of_one),
        cmocka_unit_test(a_quota_that_cannot_be_counted_refuses_unless_on_failure_allows),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
