/* SPDX-License-Identifier: Apache-2.0 */
/* Names that must be masked, and names that must stay: rows of both kinds. */
#include "exporters/secret_names.h"

#include <stdio.h>

#include "exporters/secret_names.tbl"
#include "tests/check.h"
#include "tests/unit/exporters/sample.h"

/* Of names with blanks between them. */
static void each_is(const char *names, bool (*is)(struct span), bool wanted)
{
    struct span rest = span_text(names);
    while (rest.at != NULL) {
        struct span name = span_cut(&rest, ' ');
        if (is(name) != wanted)
            fail_msg(SPAN_FORMAT " is %s secret", span_arg(name), wanted ? "no" : "a");
    }
}

TEST(arguments_that_announce_secrets_are_known_however_they_are_written)
{
    static const char names[] =
        "pw psw pwd1 old_pwd newPwd userPwd login_pass loginPass userpass db_pass dbpass "
        "pass pass2 passwd passcode user_passcode passkey password Password PASSWORD "
        "pass-word passwords password_confirmation confirm_password password-hash "
        "encrypted_password passwort passphrase seed_phrase token token_value tokenHash "
        "refresh-token csrfmiddlewaretoken authenticity_token _csrf _csrf_token csrf xsrf "
        "X-XSRF-TOKEN __RequestVerificationToken _wpnonce secret secret_id SecretString "
        "client_secret secrets secretAnswer credential credentials aws_credentials "
        "X-Goog-Credential connection_string ConnectionString auth basic_auth x-auth "
        "authorization authentication auth_code authCode authorization_code bearer "
        "bearer_token jwt id_jwt client_assertion SAMLResponse samlresponse SAMLRequest "
        "code_verifier oauth_verifier sig sas_sig sasSig signature hub_signature_256 "
        "X-Shopify-Hmac-SHA256 hmac cookie session sess session_id sessionId SESSIONID "
        "PHPSESSID sid connect.sid api_key apiKey x_api_key rapidapi-key api_keys auth_key "
        "subscription-key Ocp-Apim-Subscription-Key x-functions-key app_key appKey "
        "DD-APPLICATION-KEY license_key signing_key encryption_key masterKey AccountKey "
        "shared_key privateKey priv_key SecretAccessKey AccessKeyId AWSAccessKeyId "
        "session_key user_key ssh_key psk key KEY pin card_pin userPin pin_code "
        "security_code securityCode verification_code mfa mfa_code 2fa 2fa_code otp otp1 "
        "otp_code totp sms_code recovery_code access_code one_time_code code cvv cvv2 cvc "
        "card_cvc card_number cardNumber cc_number ssn x-amz-security-token "
        "password_hint passwordHint passwd-hint passwordEnabled password_required "
        "password_changed passwordExpired";
    each_is(names, name_is_secret, true);
    each_is(names, text_name_is_secret, true);
}

TEST(words_of_a_name_may_have_blanks_between_them)
{
    check(name_is_secret(SPAN("my password")) && name_is_secret(SPAN("api key")));
    check(!name_is_secret(SPAN("my key")) && !name_is_secret(SPAN("the author")));
    check(!name_is_secret(SPAN("")) && !field_is_secret(SPAN("")));
}

TEST(one_part_of_a_name_is_enough)
{
    static const char names[] =
        "password[] password[0] password[0][x] user[password] user[password][first] "
        "password.x password.0 json.password json.password.array_0 json.password.value "
        "a.client_secret.b ns:secret ns:secret:x /login?key /a/token/b {\"password\":\"x\"} "
        "user%5Bpassword%5D%5B0%5D %70assword p%61ssword.x %2570assword api+key api%20key";
    each_is(names, name_is_secret, true);
}

TEST(names_that_only_look_like_a_secrets_stay)
{
    static const char names[] =
        "a p q by id page page2 sort limit name user username user_name email order number "
        "value text data hash string new content region action version question description "
        "title color keyboard keyword keywords keys monkey hotkey turkey key_name sort_key "
        "sortKey primary_key public_key partition-key idempotency_key foreign_key cache-key "
        "translation_key tokens max_tokens token_type tokenizer secretary secretariat author "
        "authority authors authored oauth_nonce author_id pass_through passenger passengers "
        "passage passport passive compass bypass surpass boarding_pass trespass pinned "
        "pinning pinterest spin shipping opinion coupin signal signup sign design assign "
        "significant config codec encode fakecode country_code zip_code postalCode "
        "status_code error_code promo_code currencyCode language_code barcode qrcode unicode "
        "episode session_count sessions side inside residence basis oasis cookies_ok "
        "accept_cookies essence class glass mass access success address process business "
        "message certificate criteria laptop stop option credit card cards card_type cvs ssl "
        "mfg otter jwtx csrfree phase purchase database phrase crypto tokyo utm_source "
        "utm_campaign session.save_path filter[name] a.b.c items[0][id] json.user.name /a/b/c "
        "x[author] password_policy password_strength "
        "password_changed_at passwordChangedAt password-expires-at passwd_length "
        "user.password_policy settings[password_min_length]";
    each_is(names, name_is_secret, false);
    each_is(names, text_name_is_secret, false);
}

TEST(fields_that_carry_credentials_are_known)
{
    static const char names[] =
        "Authorization proxy-authorization X-Forwarded-Authorization Authentication X-Auth "
        "X-Sentry-Auth Cookie Cookie2 Set-Cookie Set-Cookie2 X-Api-Key Api-Key ApiKey "
        "X-Apikey X-Goog-Api-Key DD-API-KEY DD-APPLICATION-KEY Ocp-Apim-Subscription-Key "
        "x-functions-key X-Auth-Key X-Auth-Token X-Auth-Secret X-License-Key X-Insert-Key "
        "X-RapidAPI-Key X-Master-Key X-Vault-Token X-Amz-Security-Token X-CSRF X-CSRF-Token "
        "X-XSRF-TOKEN CSRF-Token X-CSRFToken X-JWT-Assertion X-Goog-Iap-Jwt-Assertion X-JWT "
        "Private-Token Job-Token CF-Access-Client-Secret X-Client-Secret X-Secret X-Password "
        "X-User-Password X-Session X-Session-Id Mcp-Session-Id X-OTP X-GitHub-OTP X-Pin "
        "X-Passcode Stripe-Signature X-Hub-Signature-256 X-Shopify-Hmac-Sha256 X-Signature "
        "X-Honeycomb-Team X-MFA X-MFA-Code X-Amz-Server-Side-Encryption-Customer-Key";
    static const char others[] =
        "Host Key Accept User-Agent Referer X-Amz-Date X-Amz-Target Sec-WebSocket-Key "
        "Sec-WebSocket-Accept Idempotency-Key X-Idempotency-Key Surrogate-Key X-Cache-Key "
        "Content-Type Content-Length Content-Disposition X-Request-Id X-Forwarded-For "
        "X-Real-IP Traceparent Origin X-Author X-Keyboard WWW-Authenticate Sec-Fetch-User "
        "Location X-Country-Code X-Passenger X-Tokens-Left X-Version Server Via Date ETag";
    each_is(names, field_is_secret, true);
    each_is(others, field_is_secret, false);
}

TEST(variables_of_rules_hold_secrets_by_any_part_of_their_names)
{
    static const char names[] =
        "ARGS:password ARGS_POST:json.user.api_key ARGS:json.password.array_0 "
        "ARGS:password[0][x] ARGS:json.of.0.client_secret.value REQUEST_COOKIES:PHPSESSID "
        "REQUEST_COOKIES:theme REQUEST_HEADERS:Authorization REQUEST_HEADERS:x-functions-key "
        "RESPONSE_HEADERS:Set-Cookie FILES:password MATCHED_VARS:ARGS:password "
        "MATCHED_VARS:ARGS:json.password.value MATCHED_VARS:REQUEST_HEADERS:X-Auth-Key "
        "MATCHED_VARS:REQUEST_COOKIES:theme MATCHED_VARS:MATCHED_VARS:REQUEST_COOKIES:theme "
        "MATCHED_VARS:password MATCHED_VARS:MATCHED_VARS:token";
    static const char others[] =
        "ARGS ARGS:q ARGS:json.user.name ARGS_NAMES:password ARGS_POST_NAMES:token "
        "REQUEST_COOKIES_NAMES:sid MATCHED_VARS:ARGS_NAMES:password REQUEST_HEADERS:Host "
        "REQUEST_HEADERS:User-Agent MATCHED_VARS:REQUEST_HEADERS:Host REQUEST_URI XML:/* "
        "MATCHED_VARS:MATCHED_VARS MATCHED_VARS:MATCHED_VARS:ARGS_NAMES:password";
    each_is(names, variable_is_secret, true);
    each_is(others, variable_is_secret, false);
}

/* The table is searched by halves. */
TEST(the_table_is_in_the_order_of_the_last_three_letters)
{
    static const char *const names[] = {
#define X(n, name, reach, places, a, b, c) name,
        SECRET_NAMES(X, 0)
#undef X
    };
    static const char tails[][4] = {
#define X(n, name, reach, places, a, b, c) {a, b, c, '\0'},
        SECRET_NAMES(X, 0)
#undef X
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        check(span_ends(span_text(names[i]), span_text(tails[i])));
        check(i == 0 || strcmp(tails[i - 1], tails[i]) <= 0);
    }
}

/* Parts are cut at their ends, so that no length hides one. */
TEST(a_name_of_any_length_is_read_to_its_end)
{
    char name[4096];
    for (size_t len = 0; len < 1200; len += 7) {
        int size = snprintf(name, sizeof name, "%0*d_password", (int)len, 0);
        check(name_is_secret(span_make(name, (size_t)size)));
        size = snprintf(name, sizeof name, "password.%0*d", (int)len, 0);
        check(name_is_secret(span_make(name, (size_t)size)));
        size = snprintf(name, sizeof name, "p%%61ssword.%0*d", (int)len, 0);
        check(name_is_secret(span_make(name, (size_t)size)));
    }
}

int secret_names_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_that_announce_secrets_are_known_however_they_are_written),
        cmocka_unit_test(words_of_a_name_may_have_blanks_between_them),
        cmocka_unit_test(one_part_of_a_name_is_enough),
        cmocka_unit_test(names_that_only_look_like_a_secrets_stay),
        cmocka_unit_test(fields_that_carry_credentials_are_known),
        cmocka_unit_test(variables_of_rules_hold_secrets_by_any_part_of_their_names),
        cmocka_unit_test(the_table_is_in_the_order_of_the_last_three_letters),
        cmocka_unit_test(a_name_of_any_length_is_read_to_its_end),
    };
    return cmocka_run_group_tests_name("secret names", tests, NULL, NULL);
}
