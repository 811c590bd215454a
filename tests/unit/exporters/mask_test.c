/* SPDX-License-Identifier: Apache-2.0 */
/* What is a secret by its name, and what by how it reads. */
#include <stdio.h>

#include "exporters/mask.h"
#include "exporters/sanitise.h"
#include "rules/base/arena.h"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

#define JWT    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
#define KEY_ID "AKIAIOSFODNN7EXAMPLE"

TEST(a_name_announces_a_secret_by_its_end_or_as_a_whole)
{
    static const char *const secrets[] = {"token",
                                          "access_token",
                                          "csrfToken",
                                          "X-Amz-Security-Token",
                                          "password",
                                          "PassWord2",
                                          "new_password",
                                          "passwd",
                                          "passphrase",
                                          "client_secret",
                                          "api_key",
                                          "api-key",
                                          "X-API-Key",
                                          "apikey",
                                          "aws_secret_key",
                                          "secret-key",
                                          "secretkey",
                                          "private_key",
                                          "private-key",
                                          "privatekey",
                                          "access_key",
                                          "access-key",
                                          "accesskey",
                                          "signature",
                                          "authorization",
                                          "session",
                                          "sessionid",
                                          "session_id",
                                          "session-id",
                                          "PHPSESSID",
                                          "sid",
                                          "connect.sid",
                                          "key",
                                          "sig",
                                          "awsaccesskeyid",
                                          "code",
                                          "assertion",
                                          "auth",
                                          "pwd",
                                          "pass",
                                          "otp",
                                          "jwt",
                                          "json.token",
                                          "user[password]",
                                          "password[]",
                                          "password]",
                                          "a[password]]",
                                          "ns:secret",
                                          "/login?key",
                                          "x-amz-date",
                                          "x-goog-signature",
                                          "%70assword"};
    static const char *const others[] = {"",     "a",     "q",        "page",  "sort",   "limit",
                                         "id",   "name",  "encode",   "by",    "monkey", "tokens",
                                         "side", "basis", "fakecode", "hotkey"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (!name_is_secret(span_text(secrets[i])))
            fail_msg("%s is no secret", secrets[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (name_is_secret(span_text(others[i])))
            fail_msg("%s is a secret", others[i]);
}

TEST(a_field_and_a_variable_are_secrets_by_their_names)
{
    check(field_is_secret(SPAN("Authorization")) && field_is_secret(SPAN("proxy-authorization")));
    check(field_is_secret(SPAN("Set-Cookie")) && field_is_secret(SPAN("X-Vault-Token")));
    check(field_is_secret(SPAN("X-Session-Id")));
    check(!field_is_secret(SPAN("Host")) && !field_is_secret(SPAN("X-Amz-Date")));
    check(!field_is_secret(SPAN("Sec-WebSocket-Key")) && !field_is_secret(SPAN("key")));
    check(variable_is_secret(SPAN("ARGS:password")));
    check(variable_is_secret(SPAN("ARGS_POST:json.user.api_key")));
    check(variable_is_secret(SPAN("REQUEST_COOKIES:PHPSESSID")));
    check(variable_is_secret(SPAN("REQUEST_HEADERS:Authorization")));
    check(variable_is_secret(SPAN("MATCHED_VARS:ARGS:password")));
    check(!variable_is_secret(SPAN("ARGS_NAMES:password")) && !variable_is_secret(SPAN("ARGS")));
    check(!variable_is_secret(SPAN("REQUEST_HEADERS:Host")) && !variable_is_secret(SPAN("ARGS:q")));
}

#define LONG_WORD "abcdefghijklmnopqrstuvwxyz0123456789ABCD"

TEST(yes_or_no_is_the_value_of_no_secret_that_a_name_only_begins_as)
{
    check(value_is_harmless(SPAN("passwordEnabled"), SPAN("TRUE")));
    check(value_is_harmless(SPAN("user.password_required"), SPAN("0")));
    check(!value_is_harmless(SPAN("passwordEnabled"), SPAN("truer")));
    check(!value_is_harmless(SPAN("passwordEnabled"), SPAN("")));
    check(!value_is_harmless(SPAN("password"), SPAN("true")));
    check(!value_is_harmless(SPAN("password2"), SPAN("1")));
    check(!value_is_harmless(SPAN("token"), SPAN("on")));
    check(!value_is_harmless(SPAN("user[password][set]"), SPAN("no")));
    check(!value_is_harmless(SPAN("theme"), SPAN("off")));
}

TEST(tokens_and_keys_are_known_by_how_they_read)
{
    static const char *const secrets[] = {
        JWT,
        "q=" JWT,
        "/reset/" JWT "/now",
        "q=a%20" KEY_ID,
        "note=Bearer%20abcdefghijklmnop",
        "basic dXNlcjpwYXNzd29yZA==",
        "x ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        "github_pat_11ABCDEFG0abcdefghij",
        "glpat-abcdefghij0123456789",
        "xoxb-1234567890-abcdef",
        "sk_live_abcdefghijklmnop",
        "sk-proj-abcdefghijklmnopqrst",
        "AIzaSyA1234567890abcdefghijklmnopqrstuv",
        "npm_abcdefghijklmnopqrstuvwxyz0123456789",
        "GOCSPX-" LONG_WORD,
        "gsk_" LONG_WORD,
        "pplx-" LONG_WORD,
        "pscale_tkn_" LONG_WORD,
        "ntn_" LONG_WORD,
        "a dp.pt." LONG_WORD,
        "dp.audit." LONG_WORD,
        "pul-" LONG_WORD,
        "HRKU-" LONG_WORD,
        "squ_" LONG_WORD,
        "abcdefghijklmn.atlasv1." LONG_WORD,
        "AGE-SECRET-KEY-1" LONG_WORD LONG_WORD,
        "EAAC" LONG_WORD LONG_WORD,
        "https://hooks.slack.com/services/T01234567/B01234567/abcdefghijklmnopqrstuvwx",
        "https://discord.com/api/webhooks/123456789012345678/" LONG_WORD,
        "https:\\/\\/discord.com\\/api\\/webhooks\\/123456789012345678\\/" LONG_WORD,
        "https://api.telegram.org/bot123456789:" LONG_WORD "/sendMessage",
        "the one: -----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE "
        "KEY-----"};
    static const char *const others[] = {
        "",
        "short",
        "/static/app.0123456789abcdef0123456789abcdef.js",
        "a-rather-long-word-of-a-path/and-another-one-behind-it",
        "HTTP digest authentication-scheme of RFC 7616",
        "basic authentication-as-it-was",
        "https://slack.com/help/articles/how-to-write-a-webhook",
        "dp.something.abcdefghijklmnopqrst",
        "eyJ is how it begins, and here it ends",
        "550e8400-e29b-41d4-a716-446655440000",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0"};
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        if (!text_has_secret(span_text(secrets[i])))
            fail_msg("%s is no secret", secrets[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_has_secret(span_text(others[i])))
            fail_msg("%s is a secret", others[i]);
}

/* Wherever the word stands, one of the probes hits it. */
TEST(a_token_is_found_at_every_place_of_a_text)
{
    static const char dots[] = "................................................";
    for (size_t before = 0; before < 40; before++) {
        char text[200];
        int len = snprintf(text, sizeof text, "%.*s%s%.*s", (int)before, dots, KEY_ID,
                           (int)(40 - before), dots);
        check(text_has_secret(span_make(text, (size_t)len)));
    }
}

TEST(a_key_of_a_vendor_is_masked_with_all_that_belongs_to_it)
{
    static const char *const rows[][2] = {
        {"a dp.pt." LONG_WORD "!", "a REDACTED!"},
        {"id.atlasv1." LONG_WORD, "id.REDACTED"},
        {"to https://hooks.slack.com/services/T01234567/B01234567/" LONG_WORD ", now",
         "to https://hooks.slack.com/services/T01234567/B01234567/REDACTED, now"},
        {"https://api.telegram.org/bot123456789:" LONG_WORD "/sendMessage",
         "https://api.telegram.org/bot123456789:REDACTED/sendMessage"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;
        buf_init(&to, 4096);
        text_mask_secrets(&to, span_text(rows[i][0]));
        check_span(buf_span(&to), rows[i][1]);
        buf_fini(&to);
    }
    struct buf scratch;
    buf_init(&scratch, 4096);
    check_span(
        url_masked(SPAN("https://hooks.slack.com/services/T01/B01/" LONG_WORD "?a=1"), &scratch),
        "https://hooks.slack.com/services/T01/B01/REDACTED?a=1");
    check_span(url_masked(SPAN("https://api.telegram.org/bot1:" LONG_WORD "/getMe"), &scratch),
               "https://api.telegram.org/REDACTED/getMe");
    check_span(path_masked(SPAN("https://discord.com/api/webhooks/1/" LONG_WORD), &scratch),
               "https://discord.com/api/webhooks/1/REDACTED");
    check_span(path_masked(SPAN("/api/webhooks/subscription-settings/deliveries"), &scratch),
               "/api/webhooks/subscription-settings/deliveries");
    check_span(
        path_masked(SPAN("/a;b/api/webhooks/0d9f2c11-7a1b-4c53-9a54-7b0a52a7d001"), &scratch),
        "/a;b/api/webhooks/0d9f2c11-7a1b-4c53-9a54-7b0a52a7d001");
    buf_fini(&scratch);
}

TEST(texts_lose_keys_and_passwords_of_urls)
{
    static const char *const rows[][2] = {
        {"see https://ann:hunter2@shop.example/a", "see https://REDACTED@shop.example/a"},
        {"https://ann@shop.example/ and a:b@c", "https://ann@shop.example/ and a:b@c"},
        {"k=-----BEGIN PRIVATE KEY-----\nMII/abc+\n-----END PRIVATE KEY-----\nrest",
         "k=REDACTED\nrest"},
        {"-----BEGIN EC PRIVATE KEY-----\nMIIabcdefghijklmnopqrstuvwxyz012345", "REDACTED"},
        {"-----BEGIN CERTIFICATE-----\nMII", "-----BEGIN CERTIFICATE-----\nMII"},
        {"Basic dXNlcjpwYXNzd29yZA==.", "Basic REDACTED"},
        {"a Basic plan", "a Basic plan"},
        {"x-amz-name=1", "x-amz-name=REDACTED"},
        {"%AKIAIOSFODNN7EXAMPLE", "%REDACTED"},
        {"sk_live_abcdefghijklmnop, 7", "REDACTED, 7"},
        {"Authorization: Digest a=\"b\", c\r\nCookie: a=1; b=2\r\nHost: c",
         "Authorization: REDACTED\r\nCookie: REDACTED\r\nHost: c"},
        {"\"Proxy-Authorization: Basic YTpi\\r\\n", "\"Proxy-Authorization: REDACTED\\r\\n"},
        {"user[password]=a&b%5Btoken%5D=c&d", "user[password]=REDACTED&b%5Btoken%5D=REDACTED&d"},
        {"note=Bearer%20abc&bearer+0123456789abcdef", "note=Bearer%20REDACTED&bearer+REDACTED"},
        {"form-data; name=\"secret\"\r\nA: b\r\n\r\nhunter2 & 3\r\n--B--",
         "form-data; name=\"secret\"\r\nA: b\r\n\r\nREDACTED\r\n--B--"},
        {"form-data; name=\"note\"\r\n\r\nhello\r\n--B",
         "form-data; name=\"note\"\r\n\r\nhello\r\n--B"},
        {"Matched Data: x found within ARGS:password: hunter2",
         "Matched Data: x found within ARGS:password: REDACTED"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;
        buf_init(&to, 4096);
        text_mask_secrets(&to, span_text(rows[i][0]));
        check_span(buf_span(&to), rows[i][1]);
        bool changes = strcmp(rows[i][0], rows[i][1]) != 0;
        if (changes && !text_may_have_secrets(span_text(rows[i][0])))
            fail_msg("it was not looked at: %s", rows[i][0]);
        buf_fini(&to);
    }
}

TEST(a_path_loses_its_segment_and_an_address_its_arguments)
{
    static const char *const rows[][2] = {
        {"/a/b.js?q=1&page=2", "/a/b.js?q=1&page=2"},
        {"/reset/" JWT "/now", "/reset/REDACTED/now"},
        {"/" KEY_ID "?q=1", "/REDACTED?q=1"},
        {"https://a/" KEY_ID "?x=" JWT "&key=1", "https://a/REDACTED?x=REDACTED&key=REDACTED"},
        {"/a?" JWT, "/a?REDACTED"},
        {"/orders;v=2?password=hunter2&q=1", "/orders;v=2?password=REDACTED&q=1"},
        {"https://x/a=b?password=hunter2", "https://x/a=b?password=REDACTED"},
        {"/a?" KEY_ID "=1&q=1", "/a?REDACTED&q=1"},
        {"/a?" KEY_ID "=", "/a?REDACTED"},
        {"http://ann:hunter2@x/a?q=1", "http://REDACTED@x/a?q=1"},
        {"http://x/a:b@c", "http://x/a:b@c"},
        {"http://ann@x:80/", "http://ann@x:80/"},
        {"/a;jsessionid=hunter2/b?q=1", "/a;jsessionid=REDACTED/b?q=1"},
        {"/a;v=2;JSESSIONID=hunter2;x", "/a;v=2;JSESSIONID=REDACTED;x"},
        {"/a;sid=hunter2;p%61ss=b", "/a;sid=REDACTED;p%61ss=REDACTED"},
        {"/a;v=2;w", "/a;v=2;w"},
        {"/reset/password=hunter2", "/reset/password=REDACTED"},
        {"/a/token=hunter2/b;v=1?q=1", "/a/token=REDACTED/b;v=1?q=1"},
        {"/a/token%3Dhunter2/b?q=1", "/a/REDACTED/b?q=1"},
        {"/a/token%253dhunter2", "/a/REDACTED"},
        {"/caf%C3%A9/urn%3Aisbn%3A1/a%20b/x%3D1", "/caf%C3%A9/urn%3Aisbn%3A1/a%20b/x%3D1"},
        {"/page=2/sort_key=a/reset-password/now", "/page=2/sort_key=a/reset-password/now"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;
        buf_init(&to, 4096);
        check_span(url_masked(span_text(rows[i][0]), &to), rows[i][1]);
        buf_fini(&to);
    }
}

TEST(a_parameter_of_a_query_that_another_one_names_is_masked)
{
    static const char *const rows[][2] = {
        {"name=password&value=hunter2&n=1", "name=password&value=REDACTED&n=1"},
        {"value=hunter2&n=1&name=password", "value=REDACTED&n=1&name=password"},
        {"name=password&values=hunter2", "name=password&values=REDACTED"},
        {"VALUES=hunter2&NAME=password", "VALUES=REDACTED&NAME=password"},
        {"name=password;value=hunter2;n=1", "name=password;value=REDACTED;n=1"},
        {"value=hunter2;n=1&name=password", "value=REDACTED;n=1&name=password"},
        {"name=password&amp;value=hunter2", "name=password&amp;value=REDACTED"},
        {"f%5B0%5D%5Bname%5D=otp&f%5B0%5D%5Bvalues%5D%5B1%5D=hunter2",
         "f%5B0%5D%5Bname%5D=otp&f%5B0%5D%5Bvalues%5D%5B1%5D=REDACTED"},
        {"key=password&value=hunter2", "key=REDACTED&value=REDACTED"},
        {"name=ann&value=7", "name=ann&value=7"},
        {"name=ann&values=7;volumes=8&vs=9", "name=ann&values=7;volumes=8&vs=9"},
        {"passwordEnabled=true&n=1", "passwordEnabled=true&n=1"},
        {"password_set=0", "password_set=0"},
        {"passwordEnabled=true;x&password_confirmation=1&passwordEnabled=trueman",
         "passwordEnabled=REDACTED&password_confirmation=REDACTED&passwordEnabled=REDACTED"},
        {"f[0][name]=otp&f[1][value]=7", "f[0][name]=otp&f[1][value]=7"},
        {"filter[0][field]=code&filter[0][value]=DE", "filter[0][field]=code&filter[0][value]=DE"},
        {"id=pin&value=5", "id=pin&value=5"},
        {"name=Sid&values=5&field=key", "name=Sid&values=5&field=key"},
        {"name=card_pin&value=hunter2", "name=card_pin&value=REDACTED"},
        {"value=7&value=8&name=&value", "value=7&value=8&name=&value"},
    };
    struct buf scratch;
    buf_init(&scratch, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check_span(query_masked(span_text(rows[i][0]), &scratch), rows[i][1]);
        buf_clear(&scratch);
    }
    buf_fini(&scratch);
}

TEST(a_secret_inside_of_a_value_hides_the_value_however_it_is_escaped)
{
    static const char *const rows[][2] = {
        {"next=/reset?token=hunter2&q=1", "next=REDACTED&q=1"},
        {"next=%2Freset%3Ftoken%3dhunter2", "next=REDACTED"},
        {"next=%252Freset%253Ftoken%253Dhunter2", "next=REDACTED"},
        {"next=/reset?%74oken=hunter2", "next=REDACTED"},
        {"f={\"password\":\"hunter2\"}", "f=REDACTED"},
        {"f=%7B%22password%22%3A+%22hunter2%22%7D", "f=REDACTED"},
        {"to=https%3A%2F%2Fann:hunter2@x%2F", "to=REDACTED"},
        {"x=%3Csecret%3Ehunter2%3C/secret%3E", "x=REDACTED"},
        {"next=/reset?page=2&at=12:30", "next=/reset?page=2&at=12:30"},
        {"to=https%3A%2F%2Fx%2F%3Fa%3D1&q=%3Cb%3E", "to=https%3A%2F%2Fx%2F%3Fa%3D1&q=%3Cb%3E"},
        {"q=1%3D1%2", "q=1%3D1%2"},
        {"password%3Dhunter2", "REDACTED"},
        {"{\"password\":\"hunter2\"}", "REDACTED"},
        {"%7B%22password%22%3A%22hunter2%22%7D&q=1", "REDACTED&q=1"},
        {"a%26token%3Dhunter2=1", "REDACTED"},
        {"password[0][x]=hunter2&q=1", "password[0][x]=REDACTED&q=1"},
        {"password.x=hunter2&a.b=1", "password.x=REDACTED&a.b=1"},
        {"password=a;b&q=1", "password=REDACTED&q=1"},
        {"q=a;b;token=hunter2;c=1", "q=a;b;token=REDACTED;c=1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to;
        buf_init(&to, 4096);
        check_span(query_masked(span_text(rows[i][0]), &to), rows[i][1]);
        buf_fini(&to);
    }
}

/* ---- in a report that nobody named a secret of ---- */

static struct report asked(const char *target, const char *query)
{
    struct report report = sample_report();
    report.target = span_text(target);
    report.path = SPAN("/reset/" JWT);
    report.query = span_text(query);
    report.referer = SPAN("https://a/?code=hunter2");
    report.user_agent = SPAN("agent of " KEY_ID);
    return report;
}

TEST(a_line_of_a_request_has_no_secret_by_name_or_pattern)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct report report = asked("/reset/" JWT "?token=hunter2&q=1", "token=hunter2&q=1");
    report.waf.match_count = 0;
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.target, "/reset/REDACTED?token=REDACTED&q=1");
    check_span(report.path, "/reset/REDACTED");
    check_span(report.query, "token=REDACTED&q=1");
    check_span(report.referer, "https://a/?code=REDACTED");
    check_span(report.user_agent, "agent of REDACTED");
    arena_free(arena);
}

static struct rule_match matched(const char *variable, const char *value, const char *data)
{
    return (struct rule_match){.rule_id = 7,
                               .operator_text = SPAN("rx"),
                               .variable_name = span_text(variable),
                               .variable_value = span_text(value),
                               .message = span_text(value),
                               .data = span_text(data)};
}

TEST(a_line_has_no_secret_whatever_its_path_looks_like)
{
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct report report = asked("http://ann:hunter2@x/a=b?password=hunter2&next=/?token%3Dhunter2",
                                 "password=hunter2&next=/?token%3Dhunter2");
    report.referer = SPAN("https://ann:hunter2@x/a=b?password=hunter2&" KEY_ID "=1");
    report.waf.match_count = 0;
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.target, "http://REDACTED@x/a=b?password=REDACTED&next=REDACTED");
    check_span(report.query, "password=REDACTED&next=REDACTED");
    check_span(report.referer, "https://REDACTED@x/a=b?password=REDACTED&REDACTED");
    arena_free(arena);
}

TEST(a_match_in_a_secret_says_neither_its_value_nor_pieces_of_it)
{
    struct rule_match matches[] = {
        matched("ARGS:json.password", "hunter2", "Matched Data: unter found within it"),
        matched("TX:1", "unter", "Matched Data: unter found within ARGS:password: hunter2"),
        matched("REQUEST_BODY", "q=' or 1&password=hunter2", "Matched Data: ' or 1"),
        matched("ARGS:q", JWT, "Matched Data: eyJ found within ARGS:q: " JWT),
        matched("ARGS:q", "' or 1=1", "Matched Data: ' or 1=1 found within ARGS:q"),
    };
    static const struct span tag = SPAN_INIT("saw hunter2");
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct report report = asked("/", "");
    matches[0].tags = &tag;
    matches[0].tag_count = 1;
    report.waf.matches = matches;
    report.waf.match_count = 5;
    report_sanitise(&report, NULL, 0, arena);
    const struct rule_match *said = report.waf.matches;
    check_span(said[0].variable_value, "REDACTED");
    check_span(said[0].data, "REDACTED");
    check_span(said[0].message, "REDACTED");
    check_span(said[0].tags[0], "saw REDACTED");
    check_span(said[1].variable_value, "REDACTED");
    check_span(said[1].data, "REDACTED");
    check_span(said[2].variable_value, "q=' or 1&password=REDACTED");
    check_span(said[2].data, "Matched Data: ' or 1");
    check_span(said[3].variable_value, "REDACTED");
    check_span(said[3].data, "REDACTED");
    check_span(said[4].variable_value, "' or 1=1");
    check_span(said[4].data, "Matched Data: ' or 1=1 found within ARGS:q");
    arena_free(arena);
}

TEST(data_of_a_value_that_holds_a_secret_is_shown_only_where_it_stands_in_the_rest)
{
    static const struct span link = SPAN_INIT("ARGS:json.password.array_0");
    static char body[100000];
    struct rule_match matches[] = {
        matched("REQUEST_BODY", "{\"password\":[\"hunter2\"],\"q\":\"' or 1\"}",
                "Matched Data: unter found within REQUEST_BODY"),
        matched("REQUEST_BODY", "{\"password\":[\"hunter2\"],\"q\":\"' or 1\"}",
                "Matched Data: ' or 1 found within REQUEST_BODY"),
        matched("TX:1", "unter", "unter"),
        matched("TX:1", "unter", "unter"),
        matched("REQUEST_BODY", body, "Matched Data: unter found within REQUEST_BODY"),
        matched("ARGS_POST:{\"password\":\"hunter2\"}", "", "it"),
        matched("MATCHED_VARS:REQUEST_COOKIES:theme", "hunter2", "hunter2"),
    };
    struct arena *arena = arena_new(NULL, 1 << 18);
    struct report report = asked("/", "");
    int len = snprintf(body, sizeof body, "a=%080000d&password=hunter2", 0);
    matches[4].variable_value = span_make(body, (size_t)len);
    matches[2].links = &link;
    matches[2].link_count = 1;
    report.waf.matches = matches;
    report.waf.match_count = sizeof matches / sizeof *matches;
    report_sanitise(&report, NULL, 0, arena);
    const struct rule_match *said = report.waf.matches;
    check_span(said[0].variable_value, "{\"password\":REDACTED,\"q\":\"' or 1\"}");
    check_span(said[0].data, "REDACTED");
    check_span(said[1].data, "Matched Data: ' or 1 found within REQUEST_BODY");
    check_span(said[2].variable_value, "REDACTED");
    check_span(said[2].data, "REDACTED");
    check_span(said[3].variable_value, "unter"); /* of what it is a piece nobody said */
    check_span(said[4].data, "REDACTED");
    check(said[4].variable_value.len < 5000);
    check_span(said[5].variable_name, "ARGS_POST:{\"password\":\"REDACTED\"}");
    check_span(said[6].variable_value, "REDACTED");
    check_span(said[6].data, "REDACTED");
    arena_free(arena);
}

static void body_is(const char *type, struct span body, const char *wanted)
{
    const struct pair field = {SPAN("Content-Type"), span_text(type)};
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct report report = asked("/", "");
    report.waf.match_count = 0;
    report.audit = (struct report_audit){
        .wanted = true, .request_fields = &field, .request_field_count = 1, .request_body = body};
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.audit.request_body, wanted);
    arena_free(arena);
}

TEST(a_body_is_masked_whatever_its_type_says_it_is)
{
    body_is("application/x-www-form-urlencoded", SPAN("{\"password\":\"a&b=c\"}"),
            "{\"password\":\"REDACTED\"}");
    body_is("application/x-www-form-urlencoded", SPAN("q=1&password[0][x]=hunter2"),
            "q=1&password[0][x]=REDACTED");
    body_is("multipart/form-data; boundary=B", SPAN("{\"password\":\"hunter2\"}"),
            "{\"password\":\"REDACTED\"}");
    body_is("multipart/form-data; boundary=B",
            SPAN("--C\r\nContent-Disposition: form-data; name = 'pin'\r\n\r\n12\r\n--C--"),
            "--C\r\nContent-Disposition: form-data; name = 'pin'\r\n\r\nREDACTED\r\n--C--");
    body_is("text/plain; charset=UTF-16", SPAN("p\0a\0s\0s\0=\0x\0"), "REDACTED");
    body_is("text/plain", SPAN("\xff\xfep\0"), "REDACTED");
    body_is("text/plain", SPAN("q=1"), "q=1");
}

TEST(an_audited_request_keeps_its_words_and_loses_its_secrets)
{
    static const struct pair fields[] = {
        {SPAN_INIT("Host"), SPAN_INIT("shop.example")},
        {SPAN_INIT("Authorization"), SPAN_INIT("Digest username=ann")},
        {SPAN_INIT("Cookie"), SPAN_INIT("theme=dark; odd; ")},
        {SPAN_INIT("X-Note"), SPAN_INIT("by " JWT " alone")},
        {SPAN_INIT("Content-Type"), SPAN_INIT("application/json")},
    };
    static const struct pair answered[] = {
        {SPAN_INIT("Set-Cookie"), SPAN_INIT("theme=dark; Path=/; HttpOnly")}};
    struct arena *arena = arena_new(NULL, 1 << 16);
    struct report report = asked("/", "");
    report.audit = (struct report_audit){
        .wanted = true,
        .parts = SPAN("ABCEFHZ"),
        .request_fields = fields,
        .request_field_count = 5,
        .request_body = SPAN("{\"n\":1,\"password\":\"hunter2\"}"),
        .response_fields = answered,
        .response_field_count = 1,
        .response_body = SPAN("<token>hunter2</token>"),
    };
    report_sanitise(&report, NULL, 0, arena);
    check_span(report.audit.request_fields[0].value, "shop.example");
    check_span(report.audit.request_fields[1].value, "REDACTED");
    check_span(report.audit.request_fields[2].value, "theme=REDACTED;REDACTED; ");
    check_span(report.audit.request_fields[3].value, "by REDACTED alone");
    check_span(report.audit.request_body, "{\"n\":1,\"password\":\"REDACTED\"}");
    check_span(report.audit.response_fields[0].value, "theme=REDACTED; Path=/; HttpOnly");
    check_span(report.audit.response_body, "<token>REDACTED</token>");
    arena_free(arena);
}

TEST(where_there_is_no_text_there_is_no_secret)
{
    struct buf scratch;
    struct span none = {NULL, 0};
    buf_init(&scratch, 1024);
    check(!query_has_secret(none) && !text_has_secret(none) && !text_may_have_secrets(none));
    check_span(query_masked(none, &scratch), "");
    check_span(path_masked(none, &scratch), "");
    check_span(url_masked(none, &scratch), "");
    buf_fini(&scratch);
}

int mask_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_announces_a_secret_by_its_end_or_as_a_whole),
        cmocka_unit_test(a_field_and_a_variable_are_secrets_by_their_names),
        cmocka_unit_test(yes_or_no_is_the_value_of_no_secret_that_a_name_only_begins_as),
        cmocka_unit_test(tokens_and_keys_are_known_by_how_they_read),
        cmocka_unit_test(a_token_is_found_at_every_place_of_a_text),
        cmocka_unit_test(a_key_of_a_vendor_is_masked_with_all_that_belongs_to_it),
        cmocka_unit_test(texts_lose_keys_and_passwords_of_urls),
        cmocka_unit_test(a_path_loses_its_segment_and_an_address_its_arguments),
        cmocka_unit_test(a_parameter_of_a_query_that_another_one_names_is_masked),
        cmocka_unit_test(a_secret_inside_of_a_value_hides_the_value_however_it_is_escaped),
        cmocka_unit_test(a_line_has_no_secret_whatever_its_path_looks_like),
        cmocka_unit_test(a_line_of_a_request_has_no_secret_by_name_or_pattern),
        cmocka_unit_test(a_match_in_a_secret_says_neither_its_value_nor_pieces_of_it),
        cmocka_unit_test(
            data_of_a_value_that_holds_a_secret_is_shown_only_where_it_stands_in_the_rest),
        cmocka_unit_test(a_body_is_masked_whatever_its_type_says_it_is),
        cmocka_unit_test(an_audited_request_keeps_its_words_and_loses_its_secrets),
        cmocka_unit_test(where_there_is_no_text_there_is_no_secret),
    };
    return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
