/* SPDX-License-Identifier: Apache-2.0 */
/* Values in a text whose own names say nothing, but what stands beside them. */
#include "tests/check.h"
#include "tests/unit/exporters/masked.h"
#include "tests/unit/exporters/sample.h"

TEST(a_member_that_is_named_by_another_one_is_masked)
{
    static const char *const rows[][2] = {
        {"{\"name\":\"password\",\"value\":\"hunter2\"}",
         "{\"name\":\"password\",\"value\":\"REDACTED\"}"},
        {"{\"key\" : \"api_key\", \"type\":\"x\", \"value\" : \"hunter2\" , \"n\":1}",
         "{\"key\" : \"api_key\", \"type\":\"x\", \"value\" : \"REDACTED\" , \"n\":1}"},
        {"[{\"op\":\"replace\",\"path\":\"/user/password\",\"value\":{\"a\":[\"hunter2\"]}},{}]",
         "[{\"op\":\"replace\",\"path\":\"/user/password\",\"value\":REDACTED},{}]"},
        {"{\"value\":\"hunter2\",\"name\":\"password\"}",
         "{\"value\":\"REDACTED\",\"name\":\"password\"}"},
        {"{\\\"name\\\":\\\"otp\\\",\\\"value\\\":1234}",
         "{\\\"name\\\":\\\"otp\\\",\\\"value\\\":REDACTED}"},
        {"{\"name\":\"Authorization\",\"value\":\"x y\"}",
         "{\"name\":\"Authorization\",\"value\":\"REDACTED\"}"},
        {"{\"na\\u006de\":\"password\",\"v\\u0061lue\":\"hunter2\"}",
         "{\"na\\u006de\":\"password\",\"v\\u0061lue\":\"REDACTED\"}"},
        {"{\"v\\u0061lue\":\"hunter2\",\"na\\u006de\":\"password\"}",
         "{\"v\\u0061lue\":\"REDACTED\",\"na\\u006de\":\"password\"}"},
        {"{\"name\":\"password\",\"a\":{\"b\":[{\"}\":1}]},\"c\":[{}],\"value\":\"hunter2\"}",
         "{\"name\":\"password\",\"a\":{\"b\":[{\"}\":1}]},\"c\":[{}],\"value\":\"REDACTED\"}"},
        {"{\"value\":\"hunter2\",\"a\":{\"b\":1},\"name\":\"password\"}",
         "{\"value\":\"REDACTED\",\"a\":{\"b\":1},\"name\":\"password\"}"},
        {"{\"name\":\"password\",\"values\":[\"hunter2\"],\"n\":1}",
         "{\"name\":\"password\",\"values\":REDACTED,\"n\":1}"},
        {"{\"value\":\"hunter2\",\"id\":7,\"name\":\"password\"}",
         "{\"value\":\"REDACTED\",\"id\":7,\"name\":\"password\"}"},
        {"{\"name\":\"password\",\"values\":\"\",\"value\":\"hunter2\"}",
         "{\"name\":\"password\",\"values\":\"\",\"value\":\"REDACTED\"}"},
        {"{\"name\":\"password\",\"value\":\"x\",\"a\":1,\"values\":\"hunter2\",\"n\":1}",
         "{\"name\":\"password\",\"value\":\"REDACTED\",\"n\":1}"},
        {"{\"name\":\"password\",\"values\":null,\"value\":hunter2,\"n\":1}",
         "{\"name\":\"password\",\"values\":REDACTED,\"n\":1}"},
        {"{\"name\":\"password\",\"values\":[\"x\"],\"value\":{\"a\":\"hunter2\"}}",
         "{\"name\":\"password\",\"values\":REDACTED}"},
        {"{\"value\":\"\",\"values\":\"hunter2\",\"name\":\"password\"}",
         "{\"value\":\"\",\"values\":\"REDACTED\",\"name\":\"password\"}"},
    };
    static const char *const harmless[] = {
        "{\"name\":\"note\",\"value\":\"fine\"}",
        "{\"name\":\"password\",\"label\":\"Password\"}",
        "[{\"name\":\"password\"},{\"value\":\"fine\"}]",
        "[{\"value\":\"fine\"},{\"name\":\"password\"}]",
        "{\"name\":\"password\",\"oldvalues\":1}",
        "{\"name\":\"password\",\"a\":{\"value\":1}}",
        "{\"value\":\"fine\",\"id\":7,\"name\":\"note\"}",
        "{\"field\":\"code\",\"value\":\"DE\"}",
        "{\"value\":\"DE\",\"field\":\"key\"}",
        "{\"name\":\"password\",\"values\":\"\",\"value\":\"\"}",
        "{\"name\":\"password\",\"values\":\"\"},{\"value\":\"fine\"}",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

TEST(a_parameter_that_is_named_by_another_one_is_masked)
{
    static const char *const rows[][2] = {
        {"name=password&value=hunter2&n=1", "name=password&value=REDACTED&n=1"},
        {"a=1&value=hunter2&b=2&name=password", "a=1&value=REDACTED&b=2&name=password"},
        {"p[0][name]=password&p[0][a]=1&p[0][value]=hunter2&p[1][value]=x",
         "p[0][name]=password&p[0][a]=1&p[0][value]=REDACTED&p[1][value]=x"},
        {"p%5B0%5D%5Bname%5D=api_key&p%5B0%5D%5Bvalue%5D=hunter2",
         "p%5B0%5D%5Bname%5D=api_key&p%5B0%5D%5Bvalue%5D=REDACTED"},
        {"(Value: `name=password&a=b c&value=hunter2' )",
         "(Value: `name=password&a=b c&value=REDACTED' )"},
        {"(Value: `value=hunter2' or 1&a=b c&name=password' )",
         "(Value: `value=REDACTED' or 1&a=b c&name=password' )"},
        {"/a?f.field=otp&f.values[]=hunter2", "/a?f.field=otp&f.values[]=REDACTED"},
        {"f[id]=otp&f[values][12]=hunter2", "f[id]=otp&f[values][12]=REDACTED"},
        {"name=password;value=hunter2;n=1", "name=password;value=REDACTED;n=1"},
        {"values=hunter2;n=1;name=password", "values=REDACTED;n=1;name=password"},
        {"<a href='?name=password&amp;value=hunter2&amp;n=1'>",
         "<a href='?name=password&amp;value=REDACTED&amp;n=1'>"},
        {"?value=hunter2&amp;n=1&amp;name=password'", "?value=REDACTED&amp;n=1&amp;name=password'"},
        {"{\"u\":\"/?name=password\\u0026values=hunter2\\u0026n=1\"}",
         "{\"u\":\"/?name=password\\u0026values=REDACTED\\u0026n=1\"}"},
        {"\"value=hunter2\\u0026name=password\"", "\"value=REDACTED\\u0026name=password\""},
    };
    static const char *const harmless[] = {
        "name=ann&value=7",
        "p[0][name]=password&p[1][value]=7",
        "p[1][value]=7&p[0][name]=password",
        "name=password&eigenvalue=7",
        "name=password\nvalue=7",
        "name=ann;value=7&amp;n=1",
        "filter[0][field]=code&filter[0][value]=DE",
        "value=5&id=pin",
        "for id=pin&value=5",
        "value=7\\u0026n=1\n;name=password",
        ";&;value=7;;&",
        "user_id=token&value=7",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

TEST(an_element_that_is_named_by_another_one_is_masked)
{
    static const char *const rows[][2] = {
        {"<p><name>password</name><value>hunter2</value></p>",
         "<p><name>password</name><value>REDACTED</value></p>"},
        {"<p>\n <n:value a=\"b\">hunter2</n:value>\n <n:name>password</n:name></p>",
         "<p>\n <n:value a=\"b\">REDACTED</n:value>\n <n:name>password</n:name></p>"},
        {"<member><name>otp</name><type>x</type><value><int>12</int></value></member>",
         "<member><name>otp</name><type>x</type><value>REDACTED</value></member>"},
        {"<dict><key>password</key>\n\t<string>hunter2</string></dict>",
         "<dict><key>password</key>\n\t<string>REDACTED</string></dict>"},
        {"<input type='hidden' value=\"hunter2\" name=\"password\"/>",
         "<input type='hidden' value=\"REDACTED\" name=\"password\"/>"},
        {"<name>password</name><value/><value>hunter2</value><n>1</n>",
         "<name>password</name><value/><value>REDACTED</value><n>1</n>"},
        {"<key>password</key><string></string><n:value>hunter2</n:value>",
         "<key>password</key><string></string><n:value>REDACTED</n:value>"},
        {"<name>password</name><value>x</value><value>hunter2</value><n>1</n>",
         "<name>password</name><value>REDACTED</value><n>1</n>"},
    };
    static const char *const harmless[] = {
        "<p><name>ann</name><value>7</value></p>",
        "<p><name>password</name></p><p><value>7</value></p>",
        "<p><value>7</value></p><p><name>password</name></p>",
        "<input value=\"7\" name=\"n\"/><input name=\"password\"/>",
        "<name>password<value>7</value>",
        "<p><name>password</name><value/></p><p><value>7</value></p>",
        "<name>password</name><value/><string></string>",
        "<field>sid</field><value>5</value>",
        "a=1; Path=/reset-password; HttpOnly\r\n\r\nhello",
    };
    masked_each(rows, COUNT(rows));
    masked_none(harmless, COUNT(harmless));
}

int secret_beside_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_that_is_named_by_another_one_is_masked),
        cmocka_unit_test(a_parameter_that_is_named_by_another_one_is_masked),
        cmocka_unit_test(an_element_that_is_named_by_another_one_is_masked),
    };
    return cmocka_run_group_tests_name("secret beside", tests, NULL, NULL);
}
