/* SPDX-License-Identifier: Apache-2.0 */
/* What a signature has to say, what is answered where it does not, and bodies in signed chunks. The
 * signed upload is the example of AWS's documentation of S3 ("sigv4-streaming"). */
#include "sidecar/guard/sigv4_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/base/encode.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"

enum { FIRST_CHUNK = 65536, SECOND_CHUNK = 1024 };
#define UPLOAD_AT 1369353600000000u /* 2013-05-24T00:00:00Z */
#define MINUTE    60000000u
#define UPLOAD_CREDENTIAL \
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
#define UPLOAD_FIELDS                                                          \
    "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;" \
    "x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,"
#define UPLOAD_SIGNATURE "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define AUTHORIZATION    5

struct upload {
    struct pair pairs[8];
    struct fields fields;
    struct sigv4_request request;
    struct sigv4_rules rules;
    struct sigv4_key *key;
    struct sigv4 sigv4;
};

static void upload_begin(struct upload *upload)
{
    static const struct pair pairs[] = {
        {SPAN_INIT("Host"), SPAN_INIT("s3.amazonaws.com")},
        {SPAN_INIT("x-amz-date"), SPAN_INIT("20130524T000000Z")},
        {SPAN_INIT("x-amz-storage-class"), SPAN_INIT("REDUCED_REDUNDANCY")},
        {SPAN_INIT("x-amz-content-sha256"), SPAN_INIT("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")},
        {SPAN_INIT("Content-Encoding"), SPAN_INIT("aws-chunked")},
        {SPAN_INIT("Authorization"),
         SPAN_INIT(UPLOAD_CREDENTIAL UPLOAD_FIELDS "Signature=" UPLOAD_SIGNATURE)},
        {SPAN_INIT("x-amz-decoded-content-length"), SPAN_INIT("66560")},
        {SPAN_INIT("Content-Length"), SPAN_INIT("66824")}};
    *upload = (struct upload){
        .request = {.method = SPAN("PUT"), .path = SPAN("/examplebucket/chunkObject.txt")},
        .rules = {SPAN("us-east-1"), SPAN("s3"), .skew_us = 5 * MINUTE}};
    memcpy(upload->pairs, pairs, sizeof pairs);
    upload->fields = (struct fields){.at = upload->pairs, .count = 8, .size = 8};
    upload->request.fields = &upload->fields;
    upload->key = sigv4_key_new(SPAN("AKIAIOSFODNN7EXAMPLE"),
                                SPAN("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), SPAN(""));
    upload->sigv4 = (struct sigv4){.rules = &upload->rules,
                                   .request = &upload->request,
                                   .now_us = UPLOAD_AT,
                                   .arena = arena_new(NULL, 65536)};
}

static void upload_end(struct upload *upload)
{
    arena_free(upload->sigv4.arena);
    sigv4_key_free(upload->key);
}

static enum sigv4_answer ask(struct upload *upload)
{
    enum sigv4_answer answer = sigv4_read(&upload->sigv4);
    return answer == SIGV4_GOOD ? sigv4_verify(&upload->sigv4, upload->key) : answer;
}

/* The answer and its words when the request has this Authorization (NULL: none). */
static void check_refused(const char *authorization, enum sigv4_answer want, const char *message)
{
    struct upload upload;
    upload_begin(&upload);
    upload.pairs[AUTHORIZATION].value = span_text(authorization);
    check_number(ask(&upload), want);
    check_span(upload.sigv4.message, message);
    upload_end(&upload);
}

TEST(who_brings_no_signature_is_told_that_a_token_is_missing)
{
    check_refused(NULL, SIGV4_ABSENT, "Missing Authentication Token");
    check_span(span_text(sigv4_error_type(SIGV4_ABSENT)), "MissingAuthenticationTokenException");
}

TEST(an_authorization_that_does_not_parse_is_answered_in_awss_words)
{
    check_refused("Bearer abc", SIGV4_INCOMPLETE,
                  "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: "
                  "'Bearer abc'.");
    check_refused("abc", SIGV4_INCOMPLETE,
                  "'abc' not a valid key=value pair (missing equal-sign) in Authorization header: "
                  "'abc'.");
    check_refused("AWS4-HMAC-SHA256 Credential=a", SIGV4_INCOMPLETE,
                  "Authorization header requires 'Signature' parameter. Authorization header "
                  "requires 'SignedHeaders' parameter.");
    check_refused("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c",
                  SIGV4_INCOMPLETE,
                  "Credential must have exactly 5 slash-delimited elements, e.g. "
                  "keyid/date/region/service/term, got 'a/b'");
    check_refused("AWS4-HMAC-SHA1 Credential=a/b, SignedHeaders=host, Signature=c",
                  SIGV4_INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1'.");
    check_refused("AWS4-HMAC-SHA256 Signature=a, Signature=b", SIGV4_INCOMPLETE,
                  "Authorization header names a parameter twice.");
    check_span(span_text(sigv4_error_type(SIGV4_INCOMPLETE)), "IncompleteSignatureException");
}

TEST(two_fields_of_the_signature_are_no_signature)
{
    struct upload upload;
    upload_begin(&upload);
    upload.pairs[2] = upload.pairs[AUTHORIZATION];
    check_number(ask(&upload), SIGV4_INCOMPLETE);
    upload_end(&upload);
}

TEST(a_signature_in_the_field_and_in_the_query_is_none)
{
    struct upload upload;
    upload_begin(&upload);
    upload.request.query = SPAN("X-Amz-Algorithm=AWS4-HMAC-SHA256");
    check_number(ask(&upload), SIGV4_INCOMPLETE);
    upload_end(&upload);
}

TEST(a_key_of_nobody_and_a_token_of_another_session_are_invalid)
{
    struct upload upload;
    upload_begin(&upload);
    check_number(sigv4_read(&upload.sigv4), SIGV4_GOOD);
    check_number(sigv4_verify(&upload.sigv4, NULL), SIGV4_UNKNOWN_KEY);
    check_span(upload.sigv4.message, "The security token included in the request is invalid.");
    struct sigv4_key *session =
        sigv4_key_new(SPAN("AKIAIOSFODNN7EXAMPLE"),
                      SPAN("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), SPAN("token"));
    check_number(sigv4_verify(&upload.sigv4, session), SIGV4_UNKNOWN_KEY);
    sigv4_key_free(session);
    check_number(sigv4_verify(&upload.sigv4, upload.key), SIGV4_GOOD);
    upload_end(&upload);
}

TEST(clocks_may_be_five_minutes_apart)
{
    struct upload upload;
    upload_begin(&upload);
    upload.sigv4.now_us = UPLOAD_AT + 5 * MINUTE;
    check_number(ask(&upload), SIGV4_GOOD);
    upload.sigv4.now_us = UPLOAD_AT + 5 * MINUTE + 1000000;
    check_number(ask(&upload), SIGV4_STALE);
    check_span(upload.sigv4.message, "Signature expired: 20130524T000000Z is now earlier than "
                                     "20130524T000001Z (20130524T000501Z - 5 min.)");
    upload.sigv4.now_us = UPLOAD_AT - 5 * MINUTE;
    check_number(ask(&upload), SIGV4_GOOD);
    upload.sigv4.now_us = UPLOAD_AT - 6 * MINUTE;
    check_number(ask(&upload), SIGV4_STALE);
    check_span(upload.sigv4.message, "Signature not yet current: 20130524T000000Z is still later "
                                     "than 20130523T235900Z (20130523T235400Z + 5 min.)");
    upload_end(&upload);
}

TEST(a_scope_names_the_service_and_the_region_and_the_day)
{
    struct upload upload;
    upload_begin(&upload);
    upload.rules.service = SPAN("execute-api");
    check_number(ask(&upload), SIGV4_SCOPE);
    check_span(upload.sigv4.message,
               "Credential should be scoped to correct service: 'execute-api'.");
    upload.rules.service = SPAN("s3");
    upload.rules.region = SPAN("eu-west-1");
    check_number(ask(&upload), SIGV4_SCOPE);
    upload.rules.region = SPAN("");
    check_number(ask(&upload), SIGV4_GOOD);
    upload.pairs[1].value = SPAN("20130523T235959Z");
    check_number(ask(&upload), SIGV4_SCOPE);
    upload_end(&upload);
}

TEST(the_host_is_signed_or_nothing_is)
{
    check_refused(UPLOAD_CREDENTIAL "SignedHeaders=x-amz-date,Signature=" UPLOAD_SIGNATURE,
                  SIGV4_MISMATCH,
                  "The request signature we calculated does not match the signature you provided. "
                  "Check your AWS Secret Access Key and signing method. Consult the service "
                  "documentation for details.");
    check_span(span_text(sigv4_error_type(SIGV4_MISMATCH)), "InvalidSignatureException");
}

/* Puts the signature that is right for the request as it stands into its Authorization; `text` has
 * room for it. */
static void sign_fields(struct upload *upload, const char *signed_fields, char *text, size_t size)
{
    struct buf canonical;
    char hash[SHA256_HEX], hex[SHA256_HEX], line[512];
    uint8_t key[SHA256_BYTES], signature[SHA256_BYTES];
    snprintf(text, size, "%s%sSignature=none", UPLOAD_CREDENTIAL, signed_fields);
    upload->pairs[AUTHORIZATION].value = span_text(text);
    check_number(sigv4_read(&upload->sigv4), SIGV4_GOOD);
    buf_init(&canonical, CANONICAL_MOST);
    check(sigv4_canonical(&upload->sigv4, false, &canonical));
    sigv4_sha256_hex(buf_span(&canonical), hash);
    buf_fini(&canonical);
    const struct sigv4_claim *claim = &upload->sigv4.claim;
    int len =
        snprintf(line, sizeof line, "AWS4-HMAC-SHA256\n" SPAN_FORMAT "\n" SPAN_FORMAT "\n%.64s",
                 span_arg(claim->date), span_arg(claim->scope), hash);
    sigv4_signing_key(claim, upload->key, key);
    sigv4_hmac(span_make((const char *)key, sizeof key), span_make(line, (size_t)len), signature);
    hex_write(hex, signature, sizeof signature);
    snprintf(text, size, "%s%sSignature=%.64s", UPLOAD_CREDENTIAL, signed_fields, hex);
    upload->pairs[AUTHORIZATION].value = span_text(text);
}

static void sign(struct upload *upload, char *text, size_t size)
{
    sign_fields(upload, UPLOAD_FIELDS, text, size);
}

TEST(an_unsigned_payload_is_refused_unless_it_is_allowed)
{
    char text[1024];
    struct upload upload;
    upload_begin(&upload);
    upload.pairs[3].value = SPAN("UNSIGNED-PAYLOAD");
    sign(&upload, text, sizeof text);
    check_number(ask(&upload), SIGV4_MISMATCH);
    upload.rules.unsigned_payload = true;
    check_number(ask(&upload), SIGV4_GOOD);
    check_number(upload.sigv4.claim.payload_kind, SIGV4_UNSIGNED);
    upload_end(&upload);
}

TEST(a_hash_that_was_signed_is_the_hash_of_the_body)
{
    char text[1024], hash[SHA256_HEX], other[SHA256_HEX];
    struct upload upload;
    upload_begin(&upload);
    sigv4_sha256_hex(SPAN("body"), hash);
    sigv4_sha256_hex(SPAN("another"), other);
    upload.pairs[3].value = span_make(hash, sizeof hash);
    sign(&upload, text, sizeof text);
    check_number(ask(&upload), SIGV4_MISMATCH); /* nobody says what came */
    upload.rules.payload_later = true;
    check_number(ask(&upload), SIGV4_GOOD); /* who asks will see */
    upload.request.payload = span_make(other, sizeof other);
    check_number(ask(&upload), SIGV4_MISMATCH);
    upload.request.payload = span_make(hash, sizeof hash);
    check_number(ask(&upload), SIGV4_GOOD);
    upload_end(&upload);
}

TEST(a_payload_that_is_signed_without_being_said_is_asked_for)
{
    char text[1024], hash[SHA256_HEX];
    struct upload upload;
    upload_begin(&upload);
    sigv4_sha256_hex(SPAN("body"), hash);
    upload.pairs[3].name = SPAN("x-other");
    upload.pairs[AUTHORIZATION].value =
        SPAN(UPLOAD_CREDENTIAL "SignedHeaders=host;x-amz-date,Signature=" UPLOAD_SIGNATURE);
    check_number(ask(&upload), SIGV4_WANTS_PAYLOAD);
    upload.rules.payload_later = true;
    check_number(ask(&upload), SIGV4_WANTS_PAYLOAD);
    upload.request.payload = span_make(hash, sizeof hash);
    sign_fields(&upload, "SignedHeaders=host;x-amz-date,", text, sizeof text);
    check_number(ask(&upload), SIGV4_GOOD);
    hash[5] ^= 1;
    check_number(ask(&upload), SIGV4_MISMATCH);
    upload_end(&upload);
}

TEST(a_date_field_in_https_spelling_stands_for_the_other)
{
    char text[1024], hash[SHA256_HEX];
    struct upload upload;
    upload_begin(&upload);
    sigv4_sha256_hex(SPAN(""), hash);
    upload.request.payload = span_make(hash, sizeof hash);
    upload.pairs[3].name = SPAN("x-other");
    upload.pairs[1] = (struct pair){SPAN("Date"), SPAN("Fri, 24 May 2013 00:00:00 GMT")};
    sign_fields(&upload, "SignedHeaders=date;host,", text, sizeof text);
    check_number(ask(&upload), SIGV4_GOOD);
    check_span(upload.sigv4.claim.date, "20130524T000000Z");
    upload.pairs[1].value = SPAN("Fri, 24 May 2013 00:00:01 GMT");
    check_number(ask(&upload), SIGV4_MISMATCH);
    upload.pairs[1].value = SPAN("Thu, 24 May 2013 00:00:00 GMT");
    check_number(ask(&upload), SIGV4_INCOMPLETE);
    upload_end(&upload);
}

/* The answer to a version 4a field with these signed fields, before the signature is looked at. */
static enum sigv4_answer ask_elliptic(struct upload *upload, const char *signed_fields)
{
    char text[512];
    snprintf(text, sizeof text,
             "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/s3/aws4_request, "
             "SignedHeaders=%s, Signature=00",
             signed_fields);
    upload->pairs[AUTHORIZATION].value = span_text(text);
    return ask(upload);
}

TEST(version_4a_is_refused_unless_it_is_allowed)
{
    struct upload upload;
    upload_begin(&upload);
    check_number(ask_elliptic(&upload, "host"), SIGV4_INCOMPLETE);
    check_span(upload.sigv4.message, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'.");
    upload_end(&upload);
}

TEST(a_region_set_that_is_not_signed_is_nobodys_word)
{
    struct upload upload;
    upload_begin(&upload);
    upload.rules.elliptic = true;
    upload.pairs[2] = (struct pair){SPAN("X-Amz-Region-Set"), SPAN("us-*")};
    check_number(ask_elliptic(&upload, "host;x-amz-date"), SIGV4_SCOPE);
    check(upload.sigv4.claim.region_set.at == NULL);
    check_number(ask_elliptic(&upload, "host;x-amz-date;x-amz-region-set"), SIGV4_MISMATCH);
    check_span(upload.sigv4.claim.region_set, "us-*");
    upload_end(&upload);
}

TEST(what_a_key_derives_is_of_the_day_region_and_service_asked_for)
{
    static const struct span scopes[][3] = {
        {SPAN_INIT("20130524"), SPAN_INIT("us-east-1"), SPAN_INIT("s3")},
        {SPAN_INIT("20130525"), SPAN_INIT("us-east-1"), SPAN_INIT("s3")},
        {SPAN_INIT("20130525"), SPAN_INIT("us-east-2"), SPAN_INIT("s3")},
        {SPAN_INIT("20130525"), SPAN_INIT("us-east-2"), SPAN_INIT("s4")},
        {SPAN_INIT("20130525"), SPAN_INIT("us-east-2"), SPAN_INIT("s4")},
        {SPAN_INIT("20130524"), SPAN_INIT("us-east-1"), SPAN_INIT("s3")}};
    struct upload upload, fresh;
    upload_begin(&upload);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        struct sigv4_claim claim = {
            .day = scopes[i][0], .region = scopes[i][1], .service = scopes[i][2]};
        uint8_t again[SHA256_BYTES], first[SHA256_BYTES];
        upload_begin(&fresh);
        claim.scope = arena_format(
            fresh.sigv4.arena, SPAN_FORMAT "/" SPAN_FORMAT "/" SPAN_FORMAT "/aws4_request",
            span_arg(claim.day), span_arg(claim.region), span_arg(claim.service));
        sigv4_signing_key(&claim, upload.key, again);
        sigv4_signing_key(&claim, fresh.key, first);
        check(memcmp(again, first, sizeof first) == 0);
        upload_end(&fresh);
    }
    check_number(ask(&upload), SIGV4_GOOD);
    upload_end(&upload);
}

TEST(no_room_is_no_good_signature)
{
    struct upload upload;
    upload_begin(&upload);
    arena_free(upload.sigv4.arena);
    upload.sigv4.arena = arena_new(NULL, 4096);
    arena_text(upload.sigv4.arena, 8192);
    check_number(ask(&upload), SIGV4_NO_ROOM);
    check_span(span_text(sigv4_word(SIGV4_NO_ROOM)), "no room to verify the signature");
    upload_end(&upload);
}

/* --- chunks ---------------------------------------------------------------------------------- */

static void add_chunk(struct buf *body, const char *size, const char *signature, size_t bytes)
{
    buf_format(body, "%s;chunk-signature=%s\r\n", size, signature);
    char *to = buf_room(body, bytes);
    check(to != NULL);
    memset(to, 'a', bytes);
    buf_grew(body, bytes);
    buf_add(body, SPAN("\r\n"));
}

static void upload_body(struct buf *body)
{
    buf_init(body, 1 << 20);
    add_chunk(body, "10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
              FIRST_CHUNK);
    add_chunk(body, "400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
              SECOND_CHUNK);
    add_chunk(body, "0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", 0);
}

/* In pieces of so many bytes; the last step. */
static enum sigv4_chunks_step feed(const struct upload *upload, struct span body, size_t piece)
{
    struct sigv4_chunks *chunks = sigv4_chunks_new(&upload->sigv4.claim, upload->key);
    enum sigv4_chunks_step step = SIGV4_CHUNKS_MORE;
    for (size_t at = 0; at < body.len; at += piece)
        step = sigv4_chunks_feed(chunks, span_first(span_from(body, at), piece));
    sigv4_chunks_free(chunks);
    return step;
}

TEST(a_body_in_signed_chunks_is_good_however_it_is_cut)
{
    struct upload upload;
    struct buf body;
    upload_begin(&upload);
    upload_body(&body);
    check_number(ask(&upload), SIGV4_GOOD);
    check_number(upload.sigv4.claim.payload_kind, SIGV4_CHUNKED);
    static const size_t pieces[] = {1, 2, 3, 7, 100, 4096, 65536, 1 << 20};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        check_number(feed(&upload, buf_span(&body), pieces[i]), SIGV4_CHUNKS_END);
    buf_fini(&body);
    upload_end(&upload);
}

TEST(a_body_with_a_changed_byte_is_refused)
{
    struct upload upload;
    struct buf body;
    upload_begin(&upload);
    upload_body(&body);
    check_number(ask(&upload), SIGV4_GOOD);
    for (size_t i = 0; i < body.len; i += i < 200 || i > body.len - 300 ? 1 : 977) {
        body.at[i] ^= 1;
        check(feed(&upload, buf_span(&body), 1 << 20) != SIGV4_CHUNKS_END);
        body.at[i] ^= 1;
    }
    buf_fini(&body);
    upload_end(&upload);
}

TEST(a_body_that_ends_early_or_goes_on_is_not_at_its_end)
{
    struct upload upload;
    struct buf body;
    upload_begin(&upload);
    upload_body(&body);
    check_number(ask(&upload), SIGV4_GOOD);
    for (size_t cut = 1; cut < 200; cut++)
        check_number(feed(&upload, span_first(buf_span(&body), body.len - cut), 1 << 20),
                     SIGV4_CHUNKS_MORE);
    buf_add_byte(&body, 'x');
    check_number(feed(&upload, buf_span(&body), 1 << 20), SIGV4_CHUNKS_WRONG);
    buf_fini(&body);
    upload_end(&upload);
}

#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"

/* The same upload with a checksum behind it ("sigv4-streaming-trailers"). */
static enum sigv4_chunks_step feed_trailer(const char *checksum, const char *signature)
{
    struct upload upload;
    struct buf body;
    upload_begin(&upload);
    check_number(sigv4_read(&upload.sigv4), SIGV4_GOOD);
    upload.sigv4.claim.signature = SPAN(TRAILER_SEED);
    upload.sigv4.claim.payload_kind = SIGV4_CHUNKED_TRAILER;
    buf_init(&body, 1 << 20);
    add_chunk(&body, "10000", "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
              FIRST_CHUNK);
    add_chunk(&body, "400", "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
              SECOND_CHUNK);
    buf_format(&body,
               "0;chunk-signature="
               "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
               "x-amz-checksum-crc32c:%s\r\nx-amz-trailer-signature:%s\r\n\r\n",
               checksum, signature);
    enum sigv4_chunks_step step = feed(&upload, buf_span(&body), 1000);
    buf_fini(&body);
    upload_end(&upload);
    return step;
}

TEST(trailers_are_signed_as_well)
{
    static const char good[] = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";
    check_number(feed_trailer("sOO8/Q==", good), SIGV4_CHUNKS_END);
    check_number(feed_trailer("sOO8/Q=", good), SIGV4_CHUNKS_WRONG);
    check_number(feed_trailer("sOO8/Q==", TRAILER_SEED), SIGV4_CHUNKS_WRONG);
}

int sigv4_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_brings_no_signature_is_told_that_a_token_is_missing),
        cmocka_unit_test(an_authorization_that_does_not_parse_is_answered_in_awss_words),
        cmocka_unit_test(two_fields_of_the_signature_are_no_signature),
        cmocka_unit_test(a_signature_in_the_field_and_in_the_query_is_none),
        cmocka_unit_test(a_key_of_nobody_and_a_token_of_another_session_are_invalid),
        cmocka_unit_test(clocks_may_be_five_minutes_apart),
        cmocka_unit_test(a_scope_names_the_service_and_the_region_and_the_day),
        cmocka_unit_test(the_host_is_signed_or_nothing_is),
        cmocka_unit_test(an_unsigned_payload_is_refused_unless_it_is_allowed),
        cmocka_unit_test(a_hash_that_was_signed_is_the_hash_of_the_body),
        cmocka_unit_test(a_payload_that_is_signed_without_being_said_is_asked_for),
        cmocka_unit_test(a_date_field_in_https_spelling_stands_for_the_other),
        cmocka_unit_test(version_4a_is_refused_unless_it_is_allowed),
        cmocka_unit_test(a_region_set_that_is_not_signed_is_nobodys_word),
        cmocka_unit_test(what_a_key_derives_is_of_the_day_region_and_service_asked_for),
        cmocka_unit_test(no_room_is_no_good_signature),
        cmocka_unit_test(a_body_in_signed_chunks_is_good_however_it_is_cut),
        cmocka_unit_test(a_body_with_a_changed_byte_is_refused),
        cmocka_unit_test(a_body_that_ends_early_or_goes_on_is_not_at_its_end),
        cmocka_unit_test(trailers_are_signed_as_well),
    };
    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
