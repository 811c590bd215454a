/* SPDX-License-Identifier: Apache-2.0 */
/* Events, and those of AWS's and Powertools' documents (gateway-lambda-events below
 * SIDEGATE_TEST_DATA): the request that a document tells of makes the same document, key by key. */
#include "sidecar/guard/authorizer_event.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sidecar/guard/identity_source.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

enum { PAIRS_MOST = 64, ARENA_MOST = 1 << 20 };

struct told { /* a request */
    struct arena *arena;
    struct pair pairs[PAIRS_MOST], path[PAIRS_MOST], stage[PAIRS_MOST];
    struct fields fields;
    struct span identity[8];
    struct asked asked;
    struct authorizer_certificate certificate;
    struct authorizer_request request;
};

static struct told *told_new(void)
{
    struct told *told = calloc(1, sizeof *told);
    check(told != NULL);
    told->arena = arena_new(NULL, ARENA_MOST);
    told->fields = (struct fields){.at = told->pairs, .size = PAIRS_MOST};
    told->asked = (struct asked){.method = SPAN("GET"),
                                 .path = SPAN("/"),
                                 .raw_path = SPAN("/"),
                                 .protocol = SPAN("HTTP/1.1"),
                                 .host = SPAN("api.example"),
                                 .address_text = SPAN("192.0.2.1"),
                                 .request_id = SPAN("r-1"),
                                 .fields = &told->fields,
                                 .arena = told->arena};
    told->request =
        (struct authorizer_request){.asked = &told->asked,
                                    .api = SPAN("arn:aws:execute-api:local:000000000000:api/prod"),
                                    .route_key = SPAN("$default"),
                                    .identity = told->identity};
    return told;
}

static void told_free(struct told *told)
{
    arena_free(told->arena);
    free(told);
}

static json_t *event_of(struct told *told, enum authorizer_payload payload)
{
    struct span event = authorizer_event(payload, &told->request);
    json_error_t error;
    json_t *root = json_loadb(event.at, event.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (root == NULL)
        print_error("%s\n" SPAN_FORMAT "\n", error.text, span_arg(event));
    check(root != NULL);
    return root;
}

/* "requestContext.http.path"; NULL: there is none. */
static json_t *member(json_t *root, const char *path)
{
    struct span rest = span_text(path);
    while (root != NULL && rest.at != NULL) {
        struct span name = span_cut(&rest, '.');
        root = json_object_getn(root, name.at, name.len);
    }
    return root;
}

static struct span text_at(json_t *root, const char *path)
{
    const json_t *value = member(root, path);
    return span_make(json_string_value(value), json_string_length(value));
}

/* ---- the documents ---- */

struct document {
    const char *file;
    enum authorizer_payload payload;
    bool whole; /* it has every key that we have; else it is an older, shorter form */
    /* What a document says in two ways, or what only the account knows: of the same type. */
    const char *by_type[8];
};

static const struct document documents[] = {
    {"apigw-custom-auth-request.json", AUTHORIZER_TOKEN, true, {NULL}},
    {"powertools/apiGatewayAuthorizerTokenEvent.json", AUTHORIZER_TOKEN, true, {NULL}},
    {"apigw-custom-auth-request-type-request.json", AUTHORIZER_REQUEST, false, {NULL}},
    {"apigw-v2-custom-authorizer-v1-request.json", AUTHORIZER_1_0, false, {NULL}},
    {"powertools/apiGatewayAuthorizerRequestEvent.json",
     AUTHORIZER_1_0,
     true,
     {"multiValueHeaders",
      "requestContext.identity.userAgent" /* of another request than headers */}},
    {"apigw-v2-custom-authorizer-v2-request.json",
     AUTHORIZER_2_0,
     true,
     {"routeArn" /* names another path, API and stage than the rest */,
      "requestContext.http.userAgent" /* no field says it */,
      "requestContext.time" /* eight days from timeEpoch */}},
    {"powertools/apiGatewayAuthorizerV2Event.json",
     AUTHORIZER_2_0,
     true,
     {"routeArn", "requestContext.http.userAgent", "requestContext.time"}},
};

static json_t *document_read(const struct document *document)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/gateway-lambda-events/%s", getenv("SIDEGATE_TEST_DATA"),
             document->file);
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (root == NULL)
        print_error("%s: %s\n", path, error.text);
    check(root != NULL);
    return root;
}

static size_t pairs_of(json_t *object, struct pair *to)
{
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        check(count < PAIRS_MOST);
        to[count++] = (struct pair){span_text(name), span_text(json_string_value(value))};
    }
    return count;
}

static void tell_certificate(struct told *told, json_t *from)
{
    if (from == NULL)
        return;
    told->certificate = (struct authorizer_certificate){
        .pem = text_at(from, "clientCertPem"),
        .subject = text_at(from, "subjectDN"),
        .issuer = text_at(from, "issuerDN"),
        .serial = text_at(from, "serialNumber"),
        .not_before = text_at(from, "validity.notBefore"),
        .not_after = text_at(from, "validity.notAfter"),
    };
    told->request.certificate = &told->certificate;
}

static void tell_lists(struct told *told, json_t *root)
{
    told->fields.count = pairs_of(member(root, "headers"), told->pairs);
    for (size_t i = 0; i < json_array_size(member(root, "cookies")); i++)
        told->pairs[told->fields.count++] =
            (struct pair){SPAN("Cookie"),
                          span_text(json_string_value(json_array_get(member(root, "cookies"), i)))};
    told->request.path_parameters = told->path;
    told->request.path_parameter_count = pairs_of(member(root, "pathParameters"), told->path);
    told->request.stage_variables = told->stage;
    told->request.stage_variable_count = pairs_of(member(root, "stageVariables"), told->stage);
    tell_certificate(told, member(root, "requestContext.identity.clientCert"));
    tell_certificate(told, member(root, "requestContext.authentication.clientCert"));
}

/* "user1,123" as two. */
static void tell_identity(struct told *told, json_t *root)
{
    json_t *source = member(root, "identitySource");
    struct span rest = text_at(root, "authorizationToken");
    for (size_t i = 0; i < json_array_size(source); i++)
        told->identity[told->request.identity_count++] =
            span_text(json_string_value(json_array_get(source, i)));
    while (rest.at != NULL)
        told->identity[told->request.identity_count++] = span_cut(&rest, ',');
}

/* The ARN's API is that of the request's context where there is one. */
static struct span api_of(struct told *told, json_t *root)
{
    struct span arn = text_at(root, "methodArn"),
                account = text_at(root, "requestContext.accountId");
    if (arn.at == NULL)
        arn = text_at(root, "routeArn");
    if (account.at != NULL)
        return arena_format(told->arena, SPAN_FORMAT SPAN_FORMAT ":" SPAN_FORMAT "/" SPAN_FORMAT,
                            span_arg(span_first(arn, span_find(arn, account))), span_arg(account),
                            span_arg(text_at(root, "requestContext.apiId")),
                            span_arg(text_at(root, "requestContext.stage")));
    return span_first(arn, span_find(arn, SPAN("/GET/")));
}

static struct span or_of(struct span first, struct span second)
{
    return first.at != NULL ? first : second;
}

static void tell(struct told *told, json_t *root)
{
    struct asked *asked = &told->asked;
    tell_lists(told, root);
    tell_identity(told, root);
    told->request.api = api_of(told, root);
    asked->method =
        or_of(or_of(text_at(root, "requestContext.http.method"), text_at(root, "httpMethod")),
              SPAN("GET"));
    asked->raw_path = or_of(or_of(text_at(root, "rawPath"), text_at(root, "path")), SPAN("/"));
    asked->path = asked->raw_path;
    asked->query = text_at(root, "rawQueryString");
    if (member(root, "queryStringParameters.QueryString1") != NULL)
        asked->query = SPAN("QueryString1=queryValue1");
    asked->route = text_at(root, "resource");
    asked->host = or_of(text_at(root, "requestContext.domainName"), asked->host);
    asked->address_text = or_of(text_at(root, "requestContext.identity.sourceIp"),
                                text_at(root, "requestContext.http.sourceIp"));
    asked->request_id = or_of(text_at(root, "requestContext.requestId"), SPAN(""));
    json_t *epoch = member(root, "requestContext.requestTimeEpoch");
    if (epoch == NULL)
        epoch = member(root, "requestContext.timeEpoch");
    asked->wall_us = (uint64_t)json_integer_value(epoch) * 1000;
    told->request.route_key =
        or_of(text_at(root, "routeKey"), text_at(root, "requestContext.resourceId"));
    told->request.api_key = text_at(root, "requestContext.identity.apiKey");
}

/* ---- comparing ---- */

struct comparison {
    const struct document *document;
    char path[256];
    size_t wrong, compared;
};

static bool is_by_type(const struct comparison *c)
{
    for (size_t i = 0; i < 8 && c->document->by_type[i] != NULL; i++)
        if (strcmp(c->document->by_type[i], c->path) == 0)
            return true;
    return false;
}

static void wrong(struct comparison *c, const char *what)
{
    print_error("%s: %s: %s\n", c->document->file, c->path, what);
    c->wrong++;
}

/* API Gateway writes names of fields in small letters in 2.0; its documents forget to. */
static json_t *counterpart(const struct comparison *c, json_t *in, const char *name)
{
    char small[128];
    size_t len = strlen(name);
    if (strcmp(c->path, "headers") != 0 || c->document->payload != AUTHORIZER_2_0)
        return json_object_get(in, name);
    check(len < sizeof small);
    for (size_t i = 0; i <= len; i++)
        small[i] = byte_lower(name[i]);
    return json_object_get(in, small);
}

static void compare(struct comparison *c, json_t *ours, json_t *theirs);

static void compare_members(struct comparison *c, json_t *ours, json_t *theirs)
{
    const char *name;
    json_t *value;
    size_t was = strlen(c->path);
    json_object_foreach(theirs, name, value)
    {
        json_t *own = counterpart(c, ours, name);
        snprintf(c->path + was, sizeof c->path - was, "%s%s", was > 0 ? "." : "", name);
        if (own == NULL)
            wrong(c, "is missing");
        else
            compare(c, own, value);
        c->path[was] = '\0';
    }
    if (c->document->whole && json_object_size(ours) != json_object_size(theirs))
        wrong(c, "has further members");
}

static void compare(struct comparison *c, json_t *ours, json_t *theirs)
{
    c->compared++;
    if (json_typeof(ours) != json_typeof(theirs))
        wrong(c, "is of another type");
    else if (is_by_type(c))
        return;
    else if (json_is_object(theirs))
        compare_members(c, ours, theirs);
    else if (!json_equal(ours, theirs))
        wrong(c, "has another value");
}

TEST(the_name_of_what_is_asked_for_has_all_of_the_path)
{
    static const char *const members[AUTHORIZER_PAYLOADS] = {"methodArn", "methodArn", "methodArn",
                                                             "routeArn"};
    struct told *told = told_new();
    told->asked.path = SPAN("/a\0/b");
    for (unsigned i = 0; i < AUTHORIZER_PAYLOADS; i++) {
        json_t *event = event_of(told, (enum authorizer_payload)i);
        check(span_is(text_at(event, members[i]),
                      SPAN("arn:aws:execute-api:local:000000000000:api/prod/GET/a\0/b")));
        json_decref(event);
    }
    told_free(told);
}

TEST(the_request_of_each_document_of_aws_makes_that_document_key_by_key)
{
    if (getenv("SIDEGATE_TEST_DATA") == NULL) {
        print_message("skipped: SIDEGATE_TEST_DATA is not set\n");
        skip();
    }
    size_t compared = 0, failed = 0;
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        struct told *told = told_new();
        json_t *theirs = document_read(&documents[i]);
        struct comparison comparison = {.document = &documents[i]};
        tell(told, theirs);
        json_t *ours = event_of(told, documents[i].payload);
        compare(&comparison, ours, theirs);
        compared += comparison.compared;
        failed += comparison.wrong;
        json_decref(ours);
        json_decref(theirs);
        told_free(told);
    }
    print_message("%zu members of %zu documents\n", compared, sizeof documents / sizeof *documents);
    check_number(failed, 0);
}

/* ---- what the documents do not show ---- */

static void add_field(struct told *told, const char *name, const char *value)
{
    told->pairs[told->fields.count++] = (struct pair){span_text(name), span_text(value)};
}

TEST(of_a_name_that_comes_twice_1_0_has_the_last_and_all_and_2_0_has_them_joined)
{
    struct told *told = told_new();
    add_field(told, "X-Tag", "a");
    add_field(told, "x-tag", "b");
    told->asked.query = SPAN("q=1&q=2%2C+3&empty=&alone&&%71=4");
    json_t *event = event_of(told, AUTHORIZER_REQUEST);
    check_span(text_at(event, "headers.X-Tag"), "b");
    check_number(json_array_size(member(event, "multiValueHeaders.X-Tag")), 2);
    check_span(text_at(event, "queryStringParameters.q"), "4");
    check_number(json_array_size(member(event, "multiValueQueryStringParameters.q")), 3);
    check_span(text_at(event, "queryStringParameters.empty"), "");
    check_span(text_at(event, "queryStringParameters.alone"), "");
    json_decref(event);
    event = event_of(told, AUTHORIZER_2_0);
    check_span(text_at(event, "headers.x-tag"), "a,b");
    check_span(text_at(event, "queryStringParameters.q"), "1,2, 3,4");
    check_span(text_at(event, "rawQueryString"), "q=1&q=2%2C+3&empty=&alone&&%71=4");
    json_decref(event);
    told_free(told);
}

TEST(what_is_not_there_is_null_or_empty_in_1_0_and_left_out_in_2_0)
{
    struct told *told = told_new();
    json_t *event = event_of(told, AUTHORIZER_1_0);
    check(json_is_null(member(event, "identitySource")));
    check(json_is_object(member(event, "queryStringParameters")));
    check(json_is_null(member(event, "requestContext.identity.apiKey")));
    check(member(event, "requestContext.identity.clientCert") == NULL);
    json_decref(event);
    event = event_of(told, AUTHORIZER_2_0);
    static const char *const absent[] = {"identitySource",        "cookies",
                                         "queryStringParameters", "pathParameters",
                                         "stageVariables",        "requestContext.authentication"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        check(member(event, absent[i]) == NULL);
    json_decref(event);
    told_free(told);
}

TEST(cookies_are_a_list_and_no_field_in_2_0)
{
    struct told *told = told_new();
    add_field(told, "Cookie", "a=1; b=2");
    add_field(told, "cookie", " c=3 ");
    json_t *event = event_of(told, AUTHORIZER_2_0);
    check_number(json_array_size(member(event, "cookies")), 3);
    check_span(span_text(json_string_value(json_array_get(member(event, "cookies"), 2))), "c=3");
    check(member(event, "headers.cookie") == NULL);
    json_decref(event);
    told_free(told);
}

TEST(the_arn_has_the_canonical_path_and_the_rest_the_path_as_it_came)
{
    struct told *told = told_new();
    told->asked.path = SPAN("/orders/a b");
    told->asked.raw_path = SPAN("/orders//a%20b");
    json_t *event = event_of(told, AUTHORIZER_REQUEST);
    check_span(text_at(event, "methodArn"),
               "arn:aws:execute-api:local:000000000000:api/prod/GET/orders/a b");
    check_span(text_at(event, "path"), "/orders//a%20b");
    json_decref(event);
    told_free(told);
}

TEST(any_bytes_make_a_valid_document)
{
    struct told *told = told_new();
    add_field(told, "X-Odd", "\xff\"\\{\x01[");
    told->asked.query = SPAN("%01=%ff%fe%00&%22=%5c&{=[");
    for (enum authorizer_payload i = AUTHORIZER_TOKEN; i < AUTHORIZER_PAYLOADS; i++)
        json_decref(event_of(told, i));
    told_free(told);
}

/* ---- identities ---- */

static bool find(struct told *told, const char *const *texts, size_t count, char *key, size_t size)
{
    struct identity_source sources[4];
    for (size_t i = 0; i < count; i++)
        check(identity_source_read(span_text(texts[i]), &sources[i]));
    if (!identity_find(sources, count, &told->request))
        return false;
    struct span made = identity_key(sources, count, &told->request);
    snprintf(key, size, SPAN_FORMAT, span_arg(made));
    return true;
}

TEST(an_identity_source_reads_in_the_words_of_both_kinds_of_api)
{
    static const char *const good[] = {"$request.header.Authorization",
                                       "method.request.header.Authorization",
                                       "$request.querystring.token",
                                       "method.request.querystring.token",
                                       "$context.routeKey",
                                       "context.identity.sourceIp",
                                       "$stageVariables.zone",
                                       "stageVariables.zone"};
    static const char *const bad[] = {"",
                                      "Authorization",
                                      "request.header.A",
                                      "$request.header.",
                                      "$request.header.a b",
                                      "$request.body.x",
                                      "$request.path.id",
                                      "method.request.path.id",
                                      "$context.",
                                      "$context.routekey",
                                      "$stageVariables."};
    struct identity_source source;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        check(identity_source_read(span_text(good[i]), &source));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        check(!identity_source_read(span_text(bad[i]), &source));
}

TEST(every_name_of_the_context_is_a_source)
{
    struct identity_source source;
    size_t i = 0;
    for (; identity_context_name(i) != NULL; i++)
        check(identity_source_read(span_text(identity_context_name(i)), &source) &&
              source.context == (enum identity_context)i);
    check_number(i, IDENTITY_CONTEXTS);
}

TEST(an_identity_is_found_where_its_sources_point)
{
    static const char *const texts[] = {"$request.header.authorization", "$request.querystring.t",
                                        "$context.routeKey", "$stageVariables.zone"};
    struct told *told = told_new();
    char key[256];
    add_field(told, "Authorization", "Bearer x");
    told->asked.query = SPAN("t=%41");
    told->stage[0] = (struct pair){SPAN("zone"), SPAN("eu")};
    told->request.stage_variables = told->stage;
    told->request.stage_variable_count = 1;
    check(find(told, texts, 4, key, sizeof key));
    check_number(told->request.identity_count, 4);
    check_span(told->request.identity[0], "Bearer x");
    check_span(told->request.identity[1], "A");
    check_span(told->request.identity[2], "$default");
    check_span(told->request.identity[3], "eu");
    told_free(told);
}

TEST(a_source_that_is_missing_empty_or_blank_makes_no_identity)
{
    static const char *const texts[] = {"$request.header.authorization"};
    static const char *const values[] = {NULL, "", " "};
    for (size_t i = 0; i < 3; i++) {
        struct told *told = told_new();
        char key[64];
        if (values[i] != NULL)
            add_field(told, "Authorization", values[i]);
        check(!find(told, texts, 1, key, sizeof key));
        told_free(told);
    }
}

TEST(a_value_with_a_nul_is_joined_whole)
{
    static const char *const texts[] = {"$request.querystring.q"};
    struct told *told = told_new();
    char key[64];
    told->asked.query = SPAN("q=good%00evil&q=x");
    check(find(told, texts, 1, key, sizeof key));
    check(span_is(told->request.identity[0], SPAN("good\0evil,x")));
    told_free(told);
}

TEST(no_two_identities_have_one_key)
{
    static const char *const texts[] = {"$request.querystring.a", "$request.querystring.b"};
    static const char *const queries[] = {"a=x&b=y",     "a=xy&b=y",  "a=x&b=yy",  "a=x,y&b=y",
                                          "a=x&a=y&b=y", "a=x&b=y,y", "a=1:x&b=y", "b=x&a=y"};
    char keys[8][64];
    for (size_t i = 0; i < 8; i++) {
        struct told *told = told_new();
        told->asked.query = span_text(queries[i]);
        check(find(told, texts, 2, keys[i], sizeof keys[i]));
        for (size_t k = 0; k < i; k++)
            check(strcmp(keys[i], keys[k]) != 0);
        told_free(told);
    }
}

int authorizer_event_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_what_is_asked_for_has_all_of_the_path),
        cmocka_unit_test(the_request_of_each_document_of_aws_makes_that_document_key_by_key),
        cmocka_unit_test(
            of_a_name_that_comes_twice_1_0_has_the_last_and_all_and_2_0_has_them_joined),
        cmocka_unit_test(what_is_not_there_is_null_or_empty_in_1_0_and_left_out_in_2_0),
        cmocka_unit_test(cookies_are_a_list_and_no_field_in_2_0),
        cmocka_unit_test(the_arn_has_the_canonical_path_and_the_rest_the_path_as_it_came),
        cmocka_unit_test(any_bytes_make_a_valid_document),
        cmocka_unit_test(an_identity_source_reads_in_the_words_of_both_kinds_of_api),
        cmocka_unit_test(every_name_of_the_context_is_a_source),
        cmocka_unit_test(an_identity_is_found_where_its_sources_point),
        cmocka_unit_test(a_source_that_is_missing_empty_or_blank_makes_no_identity),
        cmocka_unit_test(a_value_with_a_nul_is_joined_whole),
        cmocka_unit_test(no_two_identities_have_one_key),
    };
    return cmocka_run_group_tests_name("authorizers' events", tests, NULL, NULL);
}
