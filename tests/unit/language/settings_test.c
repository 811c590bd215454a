/* SPDX-License-Identifier: Apache-2.0 */
/* The directives that set one value. */
#include "tests/unit/language/desk.h"
#include "tests/unit/language/suites.h"

TEST(without_directives_the_settings_are_those_of_the_header)
{
    struct desk desk = {0};
    desk_load(&desk, "");
    const struct rule_settings *settings = &desk.ruleset->settings;
    check(settings->engine == ENGINE_ON && !settings->given.engine);
    check(settings->request_body_access && !settings->response_body_access);
    check_number(settings->request_body_limit, 131072);
    check_number(settings->response_body_limit, 524288);
    check(settings->request_body_over == OVER_LIMIT_REJECT);
    check(settings->response_body_over == OVER_LIMIT_PREFIX);
    check_number(settings->response_body_type_count, 3);
    check_span(settings->response_body_types[1], "text/html");
    check(settings->json_depth == 512 && settings->arguments_limit == 1000);
    check(settings->files_limit == 100 && settings->argument_separator == '&');
    check_number(settings->pattern_match_limit, 0);
    desk_clear(&desk);
}

TEST(directives_set_what_they_say)
{
    struct desk desk = {0};
    desk_load(&desk, "secruleengine detectiononly\nSecRequestBodyAccess Off\n"
                     "SecResponseBodyAccess On\nSecRequestBodyLimit 13107200\n"
                     "SecRequestBodyNoFilesLimit 131000\nSecRequestBodyLimitAction ProcessPartial\n"
                     "SecResponseBodyLimit 1000\nSecResponseBodyLimitAction Reject\n"
                     "SecResponseBodyMimeType \"text/plain  text/html\" application/json\n"
                     "SecRequestBodyJsonDepthLimit 20\nSecArgumentsLimit 50\n"
                     "SecUploadFileLimit 7\nSecArgumentSeparator ;\nSecPcreMatchLimit 200000\n"
                     "SecAuditEngine RelevantOnly\nSecAuditLogParts ABZ\nSecWebAppId shop\n"
                     "SecAuditLog /log/audit\nSecAuditLogStorageDir store\n"
                     "SecAuditLogType Parallel\nSecAuditLogFormat json\n"
                     "SecAuditLogRelevantStatus ^(?:5|4(?!04))\n"
                     "SecAuditLogDirMode 0770\nSecAuditLogFileMode default\nSecSensorId edge\n"
                     "SecComponentSignature \"OWASP_CRS/4\"\nSecCookieFormat 0\n");
    const struct rule_settings *settings = &desk.ruleset->settings;
    check(settings->engine == ENGINE_DETECTION_ONLY && settings->given.engine);
    check(!settings->request_body_access && settings->given.request_body_access);
    check(settings->response_body_access && settings->given.response_body_access);
    check(settings->request_body_limit == 13107200 && settings->given.request_body_limit);
    check_number(settings->request_body_no_files_limit, 131000);
    check(settings->request_body_over == OVER_LIMIT_PREFIX && settings->given.request_body_over);
    check(settings->response_body_limit == 1000 && settings->given.response_body_limit);
    check(settings->response_body_over == OVER_LIMIT_REJECT && settings->given.response_body_over);
    check(settings->response_body_type_count == 3 && settings->given.response_body_types);
    check_span(settings->response_body_types[2], "application/json");
    check(settings->json_depth == 20 && settings->arguments_limit == 50);
    check(settings->files_limit == 7 && settings->argument_separator == ';');
    check_number(settings->pattern_match_limit, 200000);
    check_number(settings->audit.engine, AUDIT_RELEVANT_ONLY);
    check_span(settings->audit.parts, "ABZ");
    check(settings->audit.is_concurrent && settings->given.audit_type);
    check(settings->audit.is_json && settings->given.audit_format);
    check_span(settings->audit.path, "/log/audit");
    check_span(settings->audit.storage_dir, "store");
    check(settings->audit.folder_mode == 0770 && settings->audit.file_mode == 0);
    check_span(settings->sensor_id, "edge");
    check_span(settings->audit.relevant_status, "^(?:5|4(?!04))");
    check_span(settings->web_app_id, "shop");
    check_span(settings->component_signature, "OWASP_CRS/4");
    desk_clear(&desk);
}

TEST(a_match_limit_that_is_too_little_is_raised)
{
    struct desk desk = {0};
    desk_read(&desk, "SecPcreMatchLimit 1000\n");
    check_span(buf_span(&desk.said), "a.conf:1:19: warning: SecPcreMatchLimit 1000 is too little "
                                     "for common rules and is raised to 100000\n");
    check_number(desk.ruleset->settings.pattern_match_limit, 100000);
    desk_clear(&desk);
}

TEST(media_types_can_be_cleared)
{
    struct desk desk = {0};
    desk_load(&desk, "SecResponseBodyMimeTypesClear\nSecResponseBodyMimeType a/b\n");
    check_number(desk.ruleset->settings.response_body_type_count, 1);
    desk_clear(&desk);
    desk_load(&desk, "SecResponseBodyMimeTypesClear\n");
    check_number(desk.ruleset->settings.response_body_type_count, 0);
    desk_clear(&desk);
}

TEST(wrong_values_are_told_what_is_right)
{
    check_faults("SecRequestBodyLimit 10M\n",
                 "a.conf:1:21: SecRequestBodyLimit is a number from 0 to 1099511627776, not "
                 "'10M'\n");
    check_faults("SecRequestBodyLimitAction Rejct\n",
                 "a.conf:1:27: SecRequestBodyLimitAction is Reject or ProcessPartial, not 'Rejct' "
                 "(did you mean 'Reject'?)\n");
    check_faults("SecAuditLogParts ABXZ\n",
                 "a.conf:1:20: SecAuditLogParts is letters from A to K and Z, not 'X'\n");
    check_faults("SecAuditLogFileMode 0999\n",
                 "a.conf:1:21: SecAuditLogFileMode is default, or an octal mode from 0001 to "
                 "0777, not '0999'\n");
    check_faults("SecArgumentSeparator ab\n",
                 "a.conf:1:22: SecArgumentSeparator is one character, not 'ab'\n");
    check_faults("SecCookieFormat 1\n",
                 "a.conf:1:17: SecCookieFormat is a number from 0 to 0, not '1'\n");
}

int settings_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_directives_the_settings_are_those_of_the_header),
        cmocka_unit_test(directives_set_what_they_say),
        cmocka_unit_test(a_match_limit_that_is_too_little_is_raised),
        cmocka_unit_test(media_types_can_be_cleared),
        cmocka_unit_test(wrong_values_are_told_what_is_right),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
