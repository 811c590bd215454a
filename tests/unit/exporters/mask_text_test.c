/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of any kind: what stands behind a name that announces a secret is masked, wherever and
 * however it stands there, and nothing else is. */
#include <string.h>

#include "exporters/mask.h"
#include "tests/check.h"
#include "tests/unit/exporters/masked.h"
#include "tests/unit/exporters/sample.h"

TEST(members_of_json_are_masked_with_all_that_is_in_them)
{
    static const char *const rows[][2] = {
        {"{\"password\":\"hunter2\"}", "{\"password\":\"REDACTED\"}"},
        {"{\"password\":\n\t \"hunter2\" , \"n\":1}", "{\"password\":\n\t \"REDACTED\" , \"n\":1}"},
        {"{\"password\"\r\n:\r\n\"hunter2\"}", "{\"password\"\r\n:\r\n\"REDACTED\"}"},
        {"{\"password\":[\"hunter2\",\"b\"],\"n\":1}", "{\"password\":REDACTED,\"n\":1}"},
        {"{\"password\": {\"value\":\"hunter2\"},\"n\":1}", "{\"password\": REDACTED,\"n\":1}"},
        {"{\"password\":{\"a\":[{\"}\":\"]\\\"}\"}]},\"n\":1}", "{\"password\":REDACTED,\"n\":1}"},
        {"{\"password\":[\"hunter2", "{\"password\":REDACTED"},
        {"{\"password\":\"hunter2", "{\"password\":\"REDACTED"},
        {"{\"password\":\"hun\\\"ter2\\\\\",\"n\":1}", "{\"password\":\"REDACTED\",\"n\":1}"},
        {"{\"\\u0070assword\":\"hunter2\"}", "{\"\\u0070assword\":\"REDACTED\"}"},
        {"{\"p\\u0061ss\\u0057ord\":\"hunter2\"}", "{\"p\\u0061ss\\u0057ord\":\"REDACTED\"}"},
        {"{\"my pin\":1234,\"n\":1}", "{\"my pin\":REDACTED,\"n\":1}"},
        {"{\"user.password\":\"hunter2\"}", "{\"user.password\":\"REDACTED\"}"},
        {"{'password':'hunter2','n':1}", "{'password':'REDACTED','n':1}"},
        {"{password:hunter2,n:1}", "{password:REDACTED,n:1}"},
        {"{\"s\":\"{\\\"password\\\":\\\"hun\\\\\\\"ter\\\"}\",\"n\":1}",
         "{\"s\":\"{\\\"password\\\":\\\"REDACTED\\\"}\",\"n\":1}"},
        {"{\"s\":\"{\\\"token\\\":[\\\"a\\\"]}\",\"n\":1}",
         "{\"s\":\"{\\\"token\\\":REDACTED}\",\"n\":1}"},
        {"{\"url\":\"/x?token=hunter2\",\"n\":1}", "{\"url\":\"/x?token=REDACTED\",\"n\":1}"},
        {"{\"pin\":1234}", "{\"pin\":REDACTED}"},
        {"{\"password\":true,\"passwordEnabled\":\"trueman\"}",
         "{\"password\":REDACTED,\"passwordEnabled\":\"REDACTED\"}"},
        {"{\"password_hint\":\"my dog rex\"}", "{\"password_hint\":\"REDACTED\"}"},
        {"array('password' => 'hunter2', 'n' => 1)", "array('password' => 'REDACTED', 'n' => 1)"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(elements_and_attributes_are_masked_however_they_are_written)
{
    static const char *const rows[][2] = {
        {"<a><password>hunter2</password></a>", "<a><password>REDACTED</password></a>"},
        {"<password attr=\"x\">hunter2</password>",
         "<password attr=\"REDACTED\">REDACTED</password>"},
        {"<password a='1>2' >hunter2</password>", "<password a='REDACTED' >REDACTED</password>"},
        {"<password\n>hunter2</password\n>", "<password\n>REDACTED</password\n>"},
        {"<password><![CDATA[hunter2]]></password>", "<password>REDACTED</password>"},
        {"<password><![CDATA[a</password>b]]>c</password>", "<password>REDACTED</password>"},
        {"<password><!-- </password> -->hunter2</password>", "<password>REDACTED</password>"},
        {"<wsse:Password Type=\"#Text\">hunter2</wsse:Password>",
         "<wsse:Password Type=\"REDACTED\">REDACTED</wsse:Password>"},
        {"<n:secret><n:value>hunter2</n:value></n:secret>", "<n:secret>REDACTED</n:secret>"},
        {"<token><token>a</token>hunter2</token>x", "<token>REDACTED</token>x"},
        {"<token><token/>hunter2</token>x", "<token>REDACTED</token>x"},
        {"<password value=\"hunter2\"/><n>1</n>", "<password value=\"REDACTED\"/><n>1</n>"},
        {"<login password=\"hunter2\" user=\"ann\"/>",
         "<login password=\"REDACTED\" user=\"ann\"/>"},
        {"<login n:password = 'hun ter' user='ann'/>",
         "<login n:password = 'REDACTED' user='ann'/>"},
        {"<param name=\"password\" value=\"hunter2\"/>",
         "<param name=\"password\" value=\"REDACTED\"/>"},
        {"<entry key='password'>hunter2</entry>", "<entry key='password'>REDACTED</entry>"},
        {"<password>hunter2", "<password>REDACTED"},
        {"<password a=\"hunter2", "<passwordREDACTED"},
        {"password>hunter2</password>", "password>REDACTED</password>"},
        {"%3Cpassword%3Ehunter2%3C/password%3E&n=1", "%3Cpassword%3EREDACTED&n=1"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(arguments_are_masked_with_whatever_stands_in_them)
{
    static const char *const rows[][2] = {
        {"password=hun,ter;2}x&n=1", "password=REDACTED&n=1"},
        {"password=a'b\"c&n=1", "password=REDACTED&n=1"},
        {"password='a'b&n=1", "password='REDACTED&n=1"},
        {"password=hunter2;n=1", "password=REDACTED;n=1"},
        {"(token=hunter2, n=1)", "(token=REDACTED, n=1)"},
        {"password[0][x]=hunter2&n=1", "password[0][x]=REDACTED&n=1"},
        {"password.x=hunter2&n=1", "password.x=REDACTED&n=1"},
        {"user%5Bpassword%5D%5B0%5D=hunter2", "user%5Bpassword%5D%5B0%5D=REDACTED"},
        {"p%61ssword=hunter2&n=1", "p%61ssword=REDACTED&n=1"},
        {"next=%2Fa%3Fpassword%3Dhunter2%26b%3D1&n=1", "next=%2Fa%3Fpassword%3DREDACTED&n=1"},
        {"next=%252Fa%253Fpassword%253dhunter2&n=1", "next=%252Fa%253Fpassword%253dREDACTED&n=1"},
        {"password%3Dhunter2&n=1", "password%3DREDACTED&n=1"},
        {"a%26token%3Dhunter2", "a%26token%3DREDACTED"},
        {"f=%7B%22password%22%3A%22hunter2%22%7D&n=1", "f=%7B%22password%22%3AREDACTED&n=1"},
        {"/a;jsessionid=hunter2?n=1&b=2", "/a;jsessionid=REDACTED&b=2"},
        {"GET /a?token=hunter2 HTTP/1.1", "GET /a?token=REDACTED HTTP/1.1"},
        {"POST /?token=a&b=1 HTTP/1.1\r\nX-Functions-Key: hunter2\r\n\r\npin=1234",
         "POST /?token=REDACTED&b=1 HTTP/1.1\r\nX-Functions-Key: REDACTED\r\n\r\npin=REDACTED"},
        {"password: correct horse battery\nuser: ann", "password: REDACTED\nuser: ann"},
        {"  db_pass = hunter2\nuser = ann", "  db_pass = REDACTED\nuser = ann"},
        {"found within ARGS:password: correct horse", "found within ARGS:password: REDACTED"},
        {"http://ann:hunter2@x/ and token=b", "http://REDACTED@x/ and token=REDACTED"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(what_stands_between_a_name_and_what_it_names_is_looked_at_too)
{
    static const char *const rows[][2] = {
        {"<input name=\"password\" token=\"a1\" value=\"hunter2\">",
         "<input name=\"password\" token=\"REDACTED\" value=\"REDACTED\">"},
        {"<b key='password' pin='12'>hunter2</b>", "<b key='password' pin='REDACTED'>REDACTED</b>"},
        {"form-data; name=pin\r\nX-Token: a1\r\n\r\nhunter2",
         "form-data; name=pin\r\nX-Token: REDACTED\r\n\r\nREDACTED"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(parts_of_forms_are_masked_however_their_names_are_quoted)
{
    static const char *const rows[][2] = {
        {"form-data; name=\"secret\"\r\nA: b\r\n\r\nhunter2 & 3\r\n--B--",
         "form-data; name=\"secret\"\r\nA: b\r\n\r\nREDACTED\r\n--B--"},
        {"form-data; name = \"password\"\r\n\r\nhunter2\r\n--B",
         "form-data; name = \"password\"\r\n\r\nREDACTED\r\n--B"},
        {"form-data; name=password\r\n\r\nhunter2\r\n--B",
         "form-data; name=password\r\n\r\nREDACTED\r\n--B"},
        {"form-data; name='password'\n\nhunter2\n--B",
         "form-data; name='password'\n\nREDACTED\n--B"},
        {"form-data; name=password; x=1\r\n\r\nhunter2",
         "form-data; name=password; x=1\r\n\r\nREDACTED"},
        {"form-data; name*=utf-8''password\r\n\r\nhunter2\r\n--B",
         "form-data; name*=utf-8''password\r\n\r\nREDACTED\r\n--B"},
        {"form-data; name*=UTF-8'en'p%61ssword; x=1\r\n\r\nhunter2\r\n--B",
         "form-data; name*=UTF-8'en'p%61ssword; x=1\r\n\r\nREDACTED\r\n--B"},
        {"form-data; name=\"user[password][0]\"\r\n\r\nhunter2\r\n--B",
         "form-data; name=\"user[password][0]\"\r\n\r\nREDACTED\r\n--B"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(values_that_read_as_secrets_are_masked_by_themselves)
{
    static const char *const rows[][2] = {
        {"ApiKey 0123456789abcdefghij now", "ApiKey REDACTED now"},
        {"x: Digest username=\"ann\", response=\"0a1b\"\nn", "x: Digest username=REDACTED\nn"},
        {"Negotiate YIIabcdefghijklmnop==", "Negotiate REDACTED"},
        {"by SG.abcdefghijklmnopqrstuv.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_abcdef, ok",
         "by REDACTED, ok"},
        {"SK0123456789abcdef0123456789abcdef", "REDACTED"},
        {"hvs.abcdefghijklmnopqrstuvwx", "REDACTED"},
        {"xapp-1-A0123456789-abc", "REDACTED"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(the_key_in_an_address_is_masked_however_that_is_escaped)
{
    static const char *const rows[][2] = {
        {"https://discord.com/api/webhooks/1234/abcdefghijklmnopqrstuvwx",
         "https://discord.com/api/webhooks/1234/REDACTED"},
        {"https://discordapp.com/api/v10/webhooks/1234/abcdefghijklmnopqrstuvwx",
         "https://discordapp.com/api/v10/webhooks/1234/REDACTED"},
        {"/a?u=https%3A%2F%2Fhooks.slack.com%2Fservices%2FT1%2FB1%2Fabcdefghijklmnopqrstuvwx&b=1",
         "/a?u=https%3A%2F%2Fhooks.slack.com%2Fservices%2FT1%2FB1%2FREDACTED&b=1"},
        {"u=https%253A%252F%252Fhooks.slack.com%252Fservices%252FabcdeFGHIJKLMNOPQRSTUVWX",
         "u=https%253A%252F%252Fhooks.slack.com%252Fservices%252FREDACTED"},
        {"u=https%3A%2F%2Fdiscord.com%2Fapi%2Fwebhooks%2F1234%2FabcdEFGHijklmnopqrstuvwx",
         "u=https%3A%2F%2Fdiscord.com%2Fapi%2Fwebhooks%2F1234%2FREDACTED"},
        {"https%3A%2F%2Fapi.telegram.org%2Fbot1234%3AAAEhBOweik6ad9r_QXMENQjc-K%2FsendMessage",
         "https%3A%2F%2Fapi.telegram.org%2Fbot1234%3AREDACTED%2FsendMessage"},
        {"\"https:\\/\\/hooks.slack.com\\/services\\/T1\\/abcdefghijklmnopqrstuvwx\"",
         "\"https:\\/\\/hooks.slack.com\\/services\\/T1\\/REDACTED\""},
        {"\"https:\\\\\\/\\\\\\/discord.com\\\\\\/api\\\\\\/webhooks\\\\\\/1\\\\\\/"
         "abcdefghijklmnopqrstuvwx\"",
         "\"https:\\\\\\/\\\\\\/discord.com\\\\\\/api\\\\\\/webhooks\\\\\\/1\\\\\\/REDACTED\""},
        {"\"hooks.slack.com\\u002fservices\\u002fabcdefghijklmnopqrstuvwx\"",
         "\"hooks.slack.com\\u002fservices\\u002fREDACTED\""},
        {"hooks.slack.com&#47;services&#x2F;abcdefghijklmnopqrstuvwx",
         "hooks.slack.com&#47;services&#x2F;REDACTED"},
    };
    static const char *const harmless[] = {
        "/api/webhooks/subscription-settings/deliveries",
        "/api/webhooks/0d9f2c11-7a1b-4c53-9a54-7b0a52a7d001",
        "/a?u=%2Fapi%2Fwebhooks%2Fsubscription-settings",
        "/team/api/webhooks/a/b/c/payment-service-orders-v2",
        "https://shop.example/api/webhooks/subscription-settings",
        "https://discord.com/api/v10/guilds/subscription-settings",
        "in hooks.slack.com and a/subscription-settings",
        "u=hooks.slack.com%20and%2Fsubscription-settings",
        "hooks.slack.com%2Fservices%2FT01234567",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

TEST(a_long_word_behind_a_segment_with_the_name_of_a_secret_is_masked)
{
    static const char *const rows[][2] = {
        {"GET /reset-password/a1B2c3D4e5F6g7H8i9 HTTP/1.1",
         "GET /reset-password/REDACTED HTTP/1.1"},
        {"/u/token/550e8400-e29b-41d4-a716-446655440000/b", "/u/token/REDACTED/b"},
        {"/password/12345678901234567", "/password/REDACTED"},
        {"u=%2Freset-password%2Fa1B2c3D4e5F6g7H8i9", "u=%2Freset-password%2FREDACTED"},
        {"\"\\/api\\/accessToken\\/a1B2c3D4e5F6g7H8i9\"", "\"\\/api\\/accessToken\\/REDACTED\""},
        {"POST /api/v10/webhooks/123456789012345678/"
         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_abcde",
         "POST /api/v10/webhooks/123456789012345678/REDACTED"},
    };
    static const char *const harmless[] = {
        "/password/change-it-every-month",
        "/password/changeItEveryMonthOrSo",
        "/auth/oauth2callback-of-google",
        "/secret/project-20260101-database",
        "/orders/550e8400-e29b-41d4-a716-446655440000",
        "/password-policy/550e8400-e29b-41d4-a716-446655440000",
        "/passengers/a1B2c3D4e5F6g7H8i9",
        "/api/webhooks/123456789012345678/a1B2c3D4e5F6g7H8i9",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

TEST(a_tab_that_is_escaped_is_space_around_a_sign)
{
    static const char *const rows[][2] = {
        {"{\"m\":\"token\\t=\\thunter2\"}", "{\"m\":\"token\\t=REDACTED\"}"},
        {"{\"m\":\"a\\ttoken\\t\\t: hunter2\"}", "{\"m\":\"a\\ttoken\\t\\t: REDACTED\"}"},
        {"{\"m\":\"token\\t=\\t\\\"hun ter2\\\"\"}", "{\"m\":\"token\\t=\\t\\\"REDACTED\\\"\"}"},
        {"{\"m\":\"password:\\t hunter2\"}", "{\"m\":\"password:\\t REDACTED\"}"},
        {"{\"m\":\"password: \\t \\thunter2 x\"}", "{\"m\":\"password: \\t REDACTED x\"}"},
        {"{\"m\":\"token\\t \\t= hunter2\"}", "{\"m\":\"token\\t \\t= REDACTED\"}"},
        {"{\"m\":\"token \\t \\t\t=\\t \\t\\\"hun ter2\\\"\"}",
         "{\"m\":\"token \\t \\t\t=\\t \\t\\\"REDACTED\\\"\"}"},
        {"{\"m\":\"{\\\"pin\\\":\\r\\n\\t\\\"hun ter2\\\"}\"}",
         "{\"m\":\"{\\\"pin\\\":\\r\\n\\t\\\"REDACTED\\\"}\"}"},
        {"{\"m\":\"{\\\"pin\\\":\\n[\\n\\\"hunter2\\\"]}\"}",
         "{\"m\":\"{\\\"pin\\\":\\nREDACTED}\"}"},
    };
    static const char *const harmless[] = {"{\"m\":\"author\\t=\\tann\"}",
                                           "\\t=\\t:", "{\"m\":\"password:\\t \\nuser: ann\"}",
                                           "password \\t \\t"};
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

TEST(names_and_words_begin_behind_the_letters_of_an_escape)
{
    static const char *const rows[][2] = {
        {"{\"u\":\"https://x/?a=1\\u0026auth=hunter2abc\"}",
         "{\"u\":\"https://x/?a=1\\u0026auth=REDACTED\"}"},
        {"{\"u\":\"a\\u0026auth%3Dhunter2\"}", "{\"u\":\"a\\u0026auth%3DREDACTED\"}"},
        {"{\"m\":\"a\\npin=1234\\nuser=ann\"}", "{\"m\":\"a\\npin=REDACTED\\nuser=ann\"}"},
        {"{\"m\":\"a\\npwd: correct horse\\nn: 1\"}", "{\"m\":\"a\\npwd: REDACTED\\nn: 1\"}"},
        {"{\"a\\tpin\":1234}", "{\"a\\tpin\":REDACTED}"},
        {"a=\\token=hunter2", "a=\\token=REDACTED"},
        {"a=%5Cnauth%3Dhunter2&n=1", "a=%5Cnauth%3DREDACTED&n=1"},
        {"a=%5Cu0026auth=hunter2&n=1", "a=%5Cu0026auth=REDACTED&n=1"},
        {"{\"m\":\"hello\\nAKIAIOSFODNN7EXAMPLE\"}", "{\"m\":\"hello\\nREDACTED\"}"},
        {"\"x\\u0026AKIAIOSFODNN7EXAMPLE\"", "\"x\\u0026REDACTED\""},
        {"\"\\tghp_abcdefghijklmnopqrstuvwxyz01\"", "\"\\tREDACTED\""},
        {"\"\\nSG.abcdefghijklmnopqrstuv.ABCD\"", "\"\\nREDACTED\""},
        {"\"\\npm_abcdefghijklmnopqrstuvwxyz0123456789\"", "\"\\REDACTED\""},
        {"\"x\\r\\nBearer abcdefghijklmnopqrstuvwx\"", "\"x\\r\\nBearer REDACTED\""},
        {"q=%22AKIAIOSFODNN7EXAMPLE%22", "q=%22REDACTED%22"},
        {"q=%2522AKIAIOSFODNN7EXAMPLE%2522", "q=%2522REDACTED%2522"},
        {"q=%5CnAKIAIOSFODNN7EXAMPLE", "q=%5CnREDACTED"},
        {"q=%0Aghp_abcdefghijklmnopqrstuvwxyz0123", "q=%0AREDACTED"},
        {"q=%22Bearer%20abcdefghijklmnopqrstuvwx%22", "q=%22Bearer%20REDACTED%22"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(signs_and_addresses_are_known_however_they_are_escaped)
{
    static const char *const rows[][2] = {
        {"/a?next=https%3A%2F%2Fu%3Ahunter2%40h%2F&b=1",
         "/a?next=https%3A%2F%2FREDACTED%40h%2F&b=1"},
        {"/a?next=https%253A%252F%252Fu%253Ahunter2%2540h%252F HTTP/1.1",
         "/a?next=https%253A%252F%252FREDACTED%2540h%252F HTTP/1.1"},
        {"next=https%3A//u%3Ahun%252Fter2%40h/", "next=https%3A//REDACTED%40h/"},
        {"https://u:hun%2Fter%402@h/", "https://REDACTED@h/"},
        {"{\"url\":\"https:\\/\\/u:hunter2@h\\/\"}", "{\"url\":\"https:\\/\\/REDACTED@h\\/\"}"},
        {"{\"url\":\"https\\u003a\\u002f\\/u\\u003Ahunter2@h\"}",
         "{\"url\":\"https\\u003a\\u002f\\/REDACTED@h\"}"},
        {"\"a\\/Bearer aGVsbG8gd29ybGQhISE\\/d29ybGQ\\u003d\"", "\"a\\/Bearer REDACTED\""},
        {"\"b=1\\u0026password\\u003dhunter2\"", "\"b=1\\u0026password\\u003dREDACTED\""},
        {"\"\\u003cpassword\\u003ehunter2\\u003c/password\\u003e\"",
         "\"\\u003cpassword\\u003eREDACTED\\u003c/password\\u003e\""},
        {"{\\u0022password\\u0022:\\u0022hun,ter2\\u0022}",
         "{\\u0022password\\u0022:\\u0022REDACTED\\u0022}"},
        {"{\\u0022password\\u0022\\u003a \\u0022hunter2\\u0022}",
         "{\\u0022password\\u0022\\u003a \\u0022REDACTED\\u0022}"},
        {"<a>password&#58;hunter2</a>", "<a>password&#58;REDACTED</a>"},
        {"<a>password&#x3A; hunter2</a>", "<a>password&#x3A; REDACTED</a>"},
        {"<a>password&#61;'hunter2'</a>", "<a>password&#61;'REDACTED'</a>"},
        {"password&#000000061;hunter2", "password&#000000061;REDACTED"},
        {"password&#x0000000000000003D;hunter2", "password&#x0000000000000003D;REDACTED"},
        {"password&#00034;:&#00034;hun,ter2&#00034;,",
         "password&#00034;:&#00034;REDACTED&#00034;,"},
        {"<a>&lt;password&gt;hun&amp;ter2&lt;/password&gt;</a>",
         "<a>&lt;password&gt;REDACTED&lt;/password&gt;</a>"},
        {"<a b=\"{&quot;password&quot;:&quot;hunter2&quot;}\"/>",
         "<a b=\"{&quot;password&quot;:&quot;REDACTED&quot;}\"/>"},
    };
    static const char *const harmless[] = {
        "/a?next=https%3A%2F%2Fh%3A80%2Fa%40b",
        "\"https:\\/\\/h:80\\/a@b\"",
        "a &gt; b &lt;/password&gt;",
        "\"author\\u003dann\"",
        "<a>b&#58;c</a>",
        "C:\\u003d",
        "&#;=;&gt;",
        "password&#0000;hunter2",
        "://a:b&lt",
        "://a:b&#00061",
        "password&#000006100000;hunter2",
        "author&#000061;hunter2",
        "000000061;#000061;x",
        "\\u00e9\\u003d1",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

/* So that no start of an address is read to the end of its text. */
TEST(an_address_ends_at_a_slash_that_is_escaped_less_often_than_its_colon)
{
    static const char *const rows[][2] = {
        {"https:%2F%2Fu:hunter2@h", "https:%2F%2FREDACTED@h"},
        {"https%253A%2F%2Fu%253Ahunter2%2540h", "https%253A%2F%2FREDACTED%2540h"},
        {"https%253A%252F%252Fu%3Ahunter2%40h", "https%253A%252F%252FREDACTED%40h"},
        {"https%253A%252F%252Fu%253Ahun%25252Fter2%2540h", "https%253A%252F%252FREDACTED%2540h"},
    };
    static const char *const harmless[] = {
        "https%253A%2F%2Fh%2Fa:b%2540c",
        "https%253A%252F%252Fh%2Fa:b%2540c",
        "%2F%25253A%252F%2Fh%2F25:b@c",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

TEST(a_user_of_an_address_is_masked_up_to_one_kibibyte)
{
    enum { USER_LONGEST = 1024 };
    char text[USER_LONGEST + 16] = "x://u:";
    memset(text + 6, '.', USER_LONGEST - 2);
    memcpy(text + 4 + USER_LONGEST, "@h", 3);
    masked_is(text, "x://REDACTED@h");
    memcpy(text + 4 + USER_LONGEST, ".@h", 4);
    masked_is(text, text);
}

TEST(private_keys_are_masked_in_json_and_in_queries)
{
    static const char *const rows[][2] = {
        {"\"-----BEGIN CERTIFICATE-----\\nMIIC\\n-----END CERTIFICATE-----\\n"
         "-----BEGIN PRIVATE KEY-----\\nMIIEsecret\\n-----END PRIVATE KEY-----\\n\"",
         "\"-----BEGIN CERTIFICATE-----\\nMIIC\\n-----END CERTIFICATE-----\\nREDACTED\\n\""},
        {"p=-----BEGIN+PRIVATE+KEY-----%0AMIIEsecretsecret%0A-----END+PRIVATE+KEY-----&n=1",
         "p=REDACTED&n=1"},
        {"p=%0A-----BEGIN%20RSA%20PRIVATE%20KEY-----%0AMIIE%0A-----END%20RSA%20PRIVATE%20KEY-----",
         "p=%0AREDACTED"},
    };
    masked_each(rows, COUNT(rows));
}

TEST(what_is_no_secret_stays_as_it_is)
{
    static const char *const texts[] = {
        "Scores: (blocking=3, per_pl=3-0-0-0) - (HTTP=0, SESS=0, COMBINED_SCORE=3)",
        "SESS=15",
        "(Total Inbound Score: 5 - SQLI=0,HTTP=0,SESS=0): individual paranoia level scores: 5, 0",
        "",
        "=",
        ":",
        "<",
        ">",
        "%3D",
        "<>",
        "a=1&b=2",
        "{\"n\":1,\"author\":\"ann\"}",
        "<author name=\"ann\">x</author>",
        "<input name=\"user\" value=\"x\">",
        "a keyboard: fine",
        "password",
        "the password",
        "if token > 5 then",
        "$token->next()",
        "no token here: none",
        "SK0123456789abcdefSKUNUMBER",
        "SG.short.x",
        "Digest of the week",
        "a Basic plan",
        "form-data; name=\"note\"\r\n\r\nhello\r\n--B",
        "name=password&b=1",
        "http://x:80/a@b",
        "passwordEnabled=true&n=1",
        "{\"passwordEnabled\":true,\"password_required\":\"no\"}",
        "{\"passenger\":\"ann\",\"monkey\":[1,2]}",
        "found within ARGS:password",
        "password=&n=1",
        "{\"u\":\"?a=1\\u0026sort_key=a\\nauthor=b\"}",
        "C:\\network\\bin=1",
        "\"\\nBasic plan\"",
        "q=' or 1=1 -- &sort_key=a"};
    masked_none(texts, COUNT(texts));
}

/* ---- properties ---- */

static size_t draw(unsigned *state, size_t below)
{
    *state = *state * 1103515245u + 12345u;
    return (*state >> 8) % below;
}

static void draw_secret(unsigned *state, char *to, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (size_t i = 0; i < len; i++)
        to[i] = letters[draw(state, sizeof letters - 1)];
    to[len] = '\0';
}

/* Of a form '#' is the name and '$' the secret. */
static void put(struct buf *to, const char *form, const char *name, const char *secret)
{
    for (; *form != '\0'; form++)
        buf_add(to, *form == '#'   ? span_text(name)
                    : *form == '$' ? span_text(secret)
                                   : span_make(form, 1));
}

/* However bodies are put together, the secret of one of them never appears. */
TEST(no_value_of_a_secret_name_is_left_in_bodies_drawn_at_random)
{
    static const char *const names[] = {"password", "user.token", "api_key", "pin", "clientSecret"};
    static const char *const forms[] = {"{\"#\":\"$\"}",
                                        "{\"#\" :\n[1,\"$\"]}",
                                        "{\"#\":{\"a\":{\"b\":\"$\"}}}",
                                        "#=$",
                                        "#%3D$",
                                        "#%253d$%26",
                                        "#[0][x]=$",
                                        "{'#':'$'}",
                                        "\n#: $",
                                        "{\\\"#\\\":\\\"$\\\"}",
                                        "#=\"$\"",
                                        "\"#\"=>\"$\"",
                                        "<# a=\"b\"><![CDATA[$]]></#>",
                                        "<#>\n<v>$</v></#>",
                                        "<x #='$'/>"};
    static const char *const fillers[] = {"a=1",   "{\"n\":1}", "<b>x</b>", "hello",  "\"q\":\"x\"",
                                          "x=%3D", "http://x/", "[1,2]",    "name=x", "it's",
                                          "\\",    "<br/>",     "{",        "\"",     "a:"};
    static const char *const joints[] = {"&", ",", "\n", " ", "\r\n", ", "};
    enum { ROUNDS = 20000, PIECES = 4 };
    unsigned drawn = 7;
    struct buf text, to;
    buf_init(&text, 4096);
    buf_init(&to, 4096);
    for (int round = 0; round < ROUNDS; round++) {
        char secret[20];
        size_t at = draw(&drawn, PIECES);
        draw_secret(&drawn, secret, 8 + draw(&drawn, 8));
        buf_clear(&text);
        buf_clear(&to);
        for (size_t i = 0; i < PIECES; i++) {
            put(&text,
                i == at ? forms[draw(&drawn, COUNT(forms))] : fillers[draw(&drawn, COUNT(fillers))],
                names[draw(&drawn, COUNT(names))], secret);
            buf_add(&text, span_text(joints[draw(&drawn, COUNT(joints))]));
        }
        text_mask_secrets(&to, buf_span(&text));
        if (span_find(buf_span(&to), span_text(secret)) != SPAN_NONE)
            fail_msg("%s is left in\n" SPAN_FORMAT "\nof\n" SPAN_FORMAT, secret,
                     span_arg(buf_span(&to)), span_arg(buf_span(&text)));
    }
    buf_fini(&text);
    buf_fini(&to);
}

int mask_text_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_json_are_masked_with_all_that_is_in_them),
        cmocka_unit_test(elements_and_attributes_are_masked_however_they_are_written),
        cmocka_unit_test(arguments_are_masked_with_whatever_stands_in_them),
        cmocka_unit_test(what_stands_between_a_name_and_what_it_names_is_looked_at_too),
        cmocka_unit_test(parts_of_forms_are_masked_however_their_names_are_quoted),
        cmocka_unit_test(values_that_read_as_secrets_are_masked_by_themselves),
        cmocka_unit_test(the_key_in_an_address_is_masked_however_that_is_escaped),
        cmocka_unit_test(a_long_word_behind_a_segment_with_the_name_of_a_secret_is_masked),
        cmocka_unit_test(a_tab_that_is_escaped_is_space_around_a_sign),
        cmocka_unit_test(names_and_words_begin_behind_the_letters_of_an_escape),
        cmocka_unit_test(signs_and_addresses_are_known_however_they_are_escaped),
        cmocka_unit_test(an_address_ends_at_a_slash_that_is_escaped_less_often_than_its_colon),
        cmocka_unit_test(a_user_of_an_address_is_masked_up_to_one_kibibyte),
        cmocka_unit_test(private_keys_are_masked_in_json_and_in_queries),
        cmocka_unit_test(what_is_no_secret_stays_as_it_is),
        cmocka_unit_test(no_value_of_a_secret_name_is_left_in_bodies_drawn_at_random),
    };
    return cmocka_run_group_tests_name("mask text", tests, NULL, NULL);
}
