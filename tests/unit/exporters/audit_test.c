/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: forms, parts, and files of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exporters/audit_file.h"
#include "exporters/clock.h"
#include "exporters/form.h"
#include "exporters/queue.h"
#include "exporters/record.h"
#include "exporters/ring.h"
#include "rules/base/must.h"
#include "tests/check.h"
#include "tests/unit/exporters/audited.h"
#include "tests/unit/exporters/json.h"

TEST(the_native_form_has_its_sections_in_order)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHIJKZ");
    report.request_id = SPAN("0000-1234abcd");
    struct span text = audited_written(&f, &report, AUDIT_NATIVE);
    check(span_starts(text, SPAN("---1234abcd---A--\n[21/Nov/2026:09:40:00 +0000] 0000-1234abcd "
                                 "203.0.113.9 4711 shop.example 8443\n---1234abcd---B--\n"
                                 "POST /orders/7?q=1 HTTP/1.1\nHost: shop.example:8443\n")));
    check(has(text, "\n---1234abcd---C--\nq=1&password=h%75nter2\n\n---1234abcd---E--\n"
                    "<p>no</p>\\x0d\\x0a\n\n---1234abcd---F--\nHTTP/1.1 403\nContent-Type"));
    check(has(text, "---1234abcd---H--\nModSecurity: Warning. Matched \"Operator `detectSQLi'"));
    check(has(text, "\nStopwatch: 1795254000123456 1000 (- - -)\nProducer: Sidegate "));
    check(has(text, "\nEngine-Mode: \"Enabled\"\n"));
    check(has(text, "---I--\nq=1&password=h%75nter2\n"));
    check(has(text, "---J--\nTotal,0\n"));
    check(has(text, "---K--\nSecRule \"ARGS:q\" \"@detectSQLi \" \"phase:2,id:942100,auditlog,"));
    check(has(text, "phase:2,id:949110,noauditlog"));
    check(span_ends(text, SPAN("\n---1234abcd---Z--\n\n")));
    audited_end(&f);
}

TEST(a_rule_without_auditlog_is_no_message_but_a_match)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("AHZ");
    struct span text = audited_written(&f, &report, AUDIT_NATIVE);
    check(has(text, "942100") && !has(text, "949110"));
    text = audited_written(&f, &report, AUDIT_JSON);
    check(has(text, "\"ruleId\":\"942100\"") && !has(text, "949110"));
    report.audit.parts = SPAN("AKZ");
    text = audited_written(&f, &report, AUDIT_JSON);
    check(has(text, "\"ruleId\":\"949110\""));
    audited_end(&f);
}

TEST(only_the_parts_that_are_asked_for_are_written)
{
    static const struct {
        char part;
        const char *native, *json;
    } rows[] = {
        {'B', "\nHost: ", "\"Host\""},     {'C', "---C--", "\"body\":\"q="},
        {'E', "---E--", "\"body\":\"<p>"}, {'F', "---F--", "\"Set-Cookie\""},
        {'H', "---H--", "\"messages\""},   {'I', "---I--", "\"fake_body\""},
        {'J', "---J--", "\"uploads\""},    {'K', "---K--", "\"matched_rules\""},
    };
    struct audited_scene f;
    audited_begin(&f);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char with[] = {'A', rows[i].part, 'Z', '\0'};
        struct report report = audited(with), without = audited("AZ");
        check(has(audited_written(&f, &report, AUDIT_NATIVE), rows[i].native));
        check(has(audited_written(&f, &report, AUDIT_JSON), rows[i].json));
        check(!has(audited_written(&f, &without, AUDIT_NATIVE), rows[i].native));
        check(!has(audited_written(&f, &without, AUDIT_JSON), rows[i].json));
    }
    audited_end(&f);
}

TEST(json_has_the_keys_of_modsecurity_and_lists_repeated_fields)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHZ");
    struct span text = audited_written(&f, &report, AUDIT_JSON);
    check(span_starts(text, SPAN("{\"transaction\":{\"client_ip\":\"203.0.113.9\",\"time_stamp\":"
                                 "\"Sat Nov 21 09:40:00 2026\",\"server_id\":\"public\","
                                 "\"client_port\":4711,\"host_ip\":\"shop.example\","
                                 "\"host_port\":8443,\"unique_id\":\"01-abc\",\"request\":{"
                                 "\"method\":\"POST\",\"http_version\":1.1,")));
    check(has(text, "\"http_code\":403,\"headers\":{\"Content-Type\":\"text/html\","
                    "\"Set-Cookie\":[\"a=1\",\"b=2\"]}}"));
    check(has(text, "\"secrules_engine\":\"Enabled\",\"components\":[\"OWASP_CRS/4.0.0\"]}"));
    check(has(text, "\"lineNumber\":\"46\",\"data\":\"Matched Data"));
    check(has(text,
              "\"severity\":\"2\",\"ver\":\"OWASP_CRS/4.0.0\",\"rev\":\"\",\"tags\":["
              "\"attack-sqli\",\"paranoia-level/1\"],\"maturity\":\"0\",\"accuracy\":\"0\"}"));
    audited_end(&f);
}

/* Every byte in every text, in both forms: JSON stays a document, native keeps its sections. */
TEST(any_bytes_make_a_valid_record)
{
    char bytes[256];
    struct audited_scene f;
    audited_begin(&f);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)i;
    struct span all = span_make(bytes, sizeof bytes);
    struct pair field = {all, all};
    struct report_file file = {all, all, 7};
    struct rule_match match = {.rule_id = 1,
                               .phase = PHASE_REQUEST_BODY,
                               .file = "x",
                               .operator_text = all,
                               .operator_argument = all,
                               .variable_name = all,
                               .variable_value = all,
                               .message = all,
                               .data = all,
                               .revision = all,
                               .version = all,
                               .tags = &all,
                               .tag_count = 1,
                               .audit = true};
    struct report report = audited("ABCEFHIJKZ");
    report.waf.matches = &match;
    report.waf.match_count = 1;
    report.method = report.target = report.protocol = report.client_address = all;
    report.server_address = report.listener = report.request_id = report.authority = all;
    report.audit.components = report.audit.request_body = report.audit.response_body = all;
    report.audit.fields_of_form = all;
    report.audit.request_fields = report.audit.response_fields = &field;
    report.audit.request_field_count = report.audit.response_field_count = 1;
    report.audit.files = &file;
    report.audit.file_count = 1;
    struct span text = audited_written(&f, &report, AUDIT_JSON);
    check_number(span_find_byte(text, '\n'), text.len - 1);
    check(json_is_valid(span_first(text, text.len - 1)));
    for (unsigned byte = 0; byte < 256; byte++) {
        struct span one = span_make(bytes + byte, 1);
        report.target = report.audit.request_body = match.data = one;
        text = audited_written(&f, &report, AUDIT_JSON);
        check(json_is_valid(span_first(text, text.len - 1)));
    }
    text = audited_written(&f, &report, AUDIT_NATIVE);
    check(has(text, "---Z--"));
    audited_end(&f);
}

TEST(a_form_is_taken_apart_into_values_and_files)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("AIJZ");
    report.audit.request_fields = audited_multipart_fields;
    report.audit.request_field_count = 1;
    report.audit.request_body = audited_multipart;
    form_fill(&report.audit, f.arena);
    check_span(report.audit.fields_of_form, "a=one%20%26%202");
    check_number(report.audit.file_count, 1);
    check_span(report.audit.files[0].name, "x.txt");
    check_span(report.audit.files[0].field, "f");
    check_number(report.audit.files[0].bytes, 10);
    check(has(audited_written(&f, &report, AUDIT_NATIVE),
              "---J--\n1,10,\"x.txt\",\"f\"\nTotal,10\n"));
    check(has(audited_written(&f, &report, AUDIT_JSON),
              "\"uploads\":{\"info\":[{\"file_size\":10,\"file_name\":\"x.txt\",\"field\":\"f\"}],"
              "\"total\":10}"));
    audited_end(&f);
}

TEST(a_quote_in_a_files_name_stays_between_its_quotes)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("AJZ");
    const struct report_file file = {.name = SPAN("a\",\"b"), .field = SPAN("f\"\n"), .bytes = 1};
    report.audit.files = &file;
    report.audit.file_count = 1;
    check(
        has(audited_written(&f, &report, AUDIT_NATIVE), "1,1,\"a\\x22,\\x22b\",\"f\\x22\\x0a\"\n"));
    audited_end(&f);
}

TEST(no_piece_of_a_form_leads_out_of_it)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("AIJZ");
    report.audit.request_fields = audited_multipart_fields;
    report.audit.request_field_count = 1;
    for (size_t len = 0; len < audited_multipart.len; len++) {
        char *copy = must_alloc(len + 1);
        memcpy(copy, audited_multipart.at, len);
        char *exact = must_realloc(copy, len > 0 ? len : 1);
        report.audit.request_body = span_make(exact, len);
        form_fill(&report.audit, f.arena);
        check(report.audit.file_count <= 1);
        free(exact);
    }
    audited_end(&f);
}

static bool same_pairs(const struct pair *a, const struct pair *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!span_is(a[i].name, b[i].name) || !span_is(a[i].value, b[i].value))
            return false;
    return true;
}

TEST(an_audited_report_comes_back_from_its_record)
{
    struct audited_scene f;
    audited_begin(&f);
    struct report report = audited("ABCEFHIJKZ");
    struct report_file file = {SPAN("f"), SPAN("x.txt"), 10};
    report.audit.files = &file;
    report.audit.file_count = 1;
    struct record_view *view = must_alloc(sizeof *view);
    char *bytes = must_alloc(record_room(&report));
    size_t size = record_fold(&report, bytes);
    check(record_read(span_make(bytes, size), view));
    const struct report_audit *back = &view->report.audit;
    check(back->wanted);
    check_number(back->request_field_count, 3);
    check(same_pairs(back->request_fields, report.audit.request_fields, 3));
    check(same_pairs(back->response_fields, report.audit.response_fields, 3));
    check(span_is(back->request_body, report.audit.request_body));
    check(span_is(back->response_body, report.audit.response_body));
    check(!back->request_is_cut && !back->response_is_cut);
    check_span(back->files[0].name, "x.txt");
    check_number(back->files[0].bytes, 10);
    for (size_t part = 0; part < size; part++)
        check(!record_read(span_make(bytes, part), view));
    free(bytes);
    free(view);
    audited_end(&f);
}

TEST(the_largest_audited_report_has_its_room)
{
    size_t large = 1 << 20;
    char *bytes = must_alloc(large);
    memset(bytes, 'x', large);
    struct span all = span_make(bytes, large);
    struct pair *fields = must_alloc(300 * sizeof *fields);
    struct report_file *files = must_alloc(100 * sizeof *files);
    for (size_t i = 0; i < 300; i++)
        fields[i] = (struct pair){all, all};
    for (size_t i = 0; i < 100; i++)
        files[i] = (struct report_file){all, all, large};
    struct report report = audited("ABCEFHIJKZ");
    report.target = report.path = report.query = report.user_agent = report.referer = all;
    report.audit.request_fields = report.audit.response_fields = fields;
    report.audit.request_field_count = report.audit.response_field_count = 300;
    report.audit.files = files;
    report.audit.file_count = 100;
    report.audit.request_body = report.audit.response_body = all;
    report.audit.fields_of_form = all;
    char *record = must_alloc(record_room(&report));
    struct record_view *view = must_alloc(sizeof *view);
    size_t size = record_fold(&report, record);
    check(size <= RECORD_LARGEST_BYTES);
    check(record_read(span_make(record, size), view));
    check_number(view->report.audit.request_field_count, RECORD_FIELDS);
    check(view->report.audit.request_is_cut && view->report.audit.response_is_cut);
    free(view);
    free(record);
    free(files);
    free(fields);
    free(bytes);
}

/* ---- files of their own, and the whole way ---- */

TEST(a_concurrent_record_has_a_file_and_a_line_in_the_index)
{
    char folder[256], text[4096], path[512];
    struct audited_scene f;
    audited_begin(&f);
    folder_make(folder, sizeof folder);
    struct report report = audited("AZ");
    report.request_id = SPAN("../../x");
    buf_add(&f.scratch, SPAN("record\n"));
    audit_item_add(&f.out, &report, &(struct audit_place){folder, {0}}, &f.scratch);
    struct buf index;
    buf_init(&index, 4096);
    check(audit_item_is_file(buf_span(&f.out)));
    check(audit_file_write(buf_span(&f.out), &index));
    snprintf(path, sizeof path, "%s/20261121/20261121-0940/20261121-094000-_._.._x", folder);
    check_span(file_read(path, text, sizeof text), "record\n");
    snprintf(text, sizeof text,
             "shop.example:8443 203.0.113.9 - [21/Nov/2026:09:40:00 +0000] \"POST /orders/7?q=1 "
             "HTTP/1.1\" 403 512 - \"curl/7.88.1\" ../../x - %s 0 7 "
             "md5:914c719a704026b016e7c12a6ed37de8\n",
             path);
    check_span(buf_span(&index), text);
    check(!audit_file_write(buf_span(&f.out), &index)); /* never over another's file */
    buf_fini(&index);
    folder_remove(folder);
    audited_end(&f);
}

struct way {
    char folder[256], path[300], why[512];
    int fd;
    struct ring *ring;
    struct exporter *exporter;
};

static void way_begin(struct way *way, enum audit_format format, enum audit_type type)
{
    folder_make(way->folder, sizeof way->folder);
    snprintf(way->path, sizeof way->path, "%s/audit.log", way->folder);
    way->fd = ring_create(1, 0);
    way->ring = ring_open(way->fd);
    struct exporter_settings settings = {
        .logs = {[DESTINATION_AUDIT_LOG] = {.path = span_text(way->path)}},
        .audit_log = {.format = format, .type = type, .storage_dir = span_text(way->folder)}};
    way->exporter = exporter_start(way->ring, &settings, way->why, sizeof way->why);
    check(way->exporter != NULL);
}

static void way_end(struct way *way, char *text, size_t size, struct span *read)
{
    exporter_stop(way->exporter, clock_monotonic_us() + 5000000);
    *read = file_read(way->path, text, size);
    ring_close(way->ring);
    close(way->fd);
}

TEST(audited_transactions_and_no_others_reach_the_file)
{
    static const enum audit_format formats[] = {AUDIT_JSON, AUDIT_NATIVE};
    char *text = must_alloc(1 << 20);
    for (size_t i = 0; i < 2; i++) {
        struct way way;
        way_begin(&way, formats[i], AUDIT_SERIAL);
        struct report report = audited("ABCEFHIJKZ"), plain = sample_report();
        check(ring_put(way.ring, 0, &report));
        check(ring_put(way.ring, 0, &plain));
        check(ring_put(way.ring, 0, &report));
        struct span read;
        way_end(&way, text, 1 << 20, &read);
        struct audited_scene f;
        audited_begin(&f);
        struct span once = audited_written(&f, &report, formats[i]);
        check_number(read.len, 2 * once.len);
        check(span_starts(read, once) && span_ends(read, once));
        audited_end(&f);
        folder_remove(way.folder);
    }
    free(text);
}

TEST(a_concurrent_log_goes_the_whole_way_and_counts_what_cannot_be_written)
{
    char text[4096];
    struct way way;
    way_begin(&way, AUDIT_JSON, AUDIT_CONCURRENT);
    struct report report = audited("ABZ");
    check(ring_put(way.ring, 0, &report));
    check(ring_put(way.ring, 0, &report)); /* the same id: its file is there already */
    struct span read;
    way_end(&way, text, sizeof text, &read);
    check_number(span_find_byte(read, '\n'), read.len - 1);
    check(has(read, "/20261121/20261121-0940/20261121-094000-01-abc 0 "));
    folder_remove(way.folder);
}

int audit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_native_form_has_its_sections_in_order),
        cmocka_unit_test(a_rule_without_auditlog_is_no_message_but_a_match),
        cmocka_unit_test(only_the_parts_that_are_asked_for_are_written),
        cmocka_unit_test(json_has_the_keys_of_modsecurity_and_lists_repeated_fields),
        cmocka_unit_test(any_bytes_make_a_valid_record),
        cmocka_unit_test(a_form_is_taken_apart_into_values_and_files),
        cmocka_unit_test(a_quote_in_a_files_name_stays_between_its_quotes),
        cmocka_unit_test(no_piece_of_a_form_leads_out_of_it),
        cmocka_unit_test(an_audited_report_comes_back_from_its_record),
        cmocka_unit_test(the_largest_audited_report_has_its_room),
        cmocka_unit_test(a_concurrent_record_has_a_file_and_a_line_in_the_index),
        cmocka_unit_test(audited_transactions_and_no_others_reach_the_file),
        cmocka_unit_test(a_concurrent_log_goes_the_whole_way_and_counts_what_cannot_be_written),
    };
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
