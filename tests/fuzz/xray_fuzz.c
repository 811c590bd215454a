/* SPDX-License-Identifier: Apache-2.0 */
/* A segment document of a request whose texts are any bytes, cut at NULs: it is one line of JSON
 * within its bound, no key twice, no text beyond 250 characters but the ARN. */
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "exporters/xray.h"
#include "rules/base/encode.h"
#include "rules/base/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STAGES = 20, MATCHES = 8, BUFFER_BYTES = 1 << 20 };

static size_t characters_of(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static void must_be_short(const json_t *value, const char *key)
{
    union { /* jansson's iterators want no const; nothing is changed */
        const json_t *in;
        json_t *out;
    } object = {value};
    for (size_t i = 0; i < json_array_size(value); i++)
        must_be_short(json_array_get(value, i), key);
    for (void *at = json_object_iter(object.out); at != NULL;
         at = json_object_iter_next(object.out, at))
        must_be_short(json_object_iter_value(at), json_object_iter_key(at));
    if (json_is_string(value) && strcmp(key, "resource_arn") != 0)
        must(characters_of(json_string_value(value)) <= 250);
}

static struct report report_of(struct span rest, struct report_stage stages[STAGES],
                               struct rule_match matches[MATCHES])
{
    struct report report = {.began_wall_us = UINT64_C(1795254000123456), .duration_us = 1000};
    struct span *const texts[] = {
        &report.request_id,
        &report.method,
        &report.authority,
        &report.path,
        &report.query,
        &report.user_agent,
        &report.client_address,
        &report.peer_address,
        &report.route,
        &report.error,
        &report.error_message,
        &report.authorizer.name,
        &report.authorizer.principal,
        &report.api_key_id,
        &report.usage_plan,
        &report.sampling_rule,
        &report.attempts[0].address,
        &report.attempts[0].error,
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = span_cut(&rest, '\0');
    for (size_t i = 0; i < STAGES; i++)
        stages[i] = (struct report_stage){SPAN("await_answer"), i * 50, 50};
    for (size_t i = 0; i < MATCHES; i++)
        matches[i] = (struct rule_match){
            .rule_id = i + 1, .message = span_cut(&rest, '\0'), .variable_name = report.path};
    report.stages = stages;
    report.stage_count = STAGES;
    report.waf.matches = matches;
    report.waf.match_count = MATCHES;
    report.waf.decided_by = 1;
    report.attempt_count = 1;
    report.attempts[0].duration_us = 40;
    report.authorizer.is_called = report.authorizer.name.len > 0;
    report.authorizer.call = report.attempts[0];
    report.authorizer.word = "allow";
    return report;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct report_stage stages[STAGES];
    struct rule_match matches[MATCHES];
    struct report report = report_of(span_make((const char *)data + 4, size - 4), stages, matches);
    report.status = (unsigned)(data[0] << 8 | data[1]) % 600;
    report.attempts[0].status = (unsigned)(data[1] << 8 | data[0]) % 600;
    report.waf.action = (enum waf_action)(data[2] % 4);
    const struct xray_service service = {.name = report.authority, .account = report.method};
    size_t most = data[3] % 2 == 0 ? XRAY_DOCUMENT_BYTES : XRAY_LEAST_BYTES;
    struct buf text;
    buf_init(&text, BUFFER_BYTES);
    xray_add(&text, &report, &service, most);
    must(!buf_is_full(&text) && text.len <= most);
    must(span_find_byte(buf_span(&text), '\n') == text.len - 1);
    json_t *json = json_loadb(text.at, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    must(json_is_object(json));
    must_be_short(json, "");
    json_decref(json);
    buf_fini(&text);
    return 0;
}
