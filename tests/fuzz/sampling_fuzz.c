/* SPDX-License-Identifier: Apache-2.0 */
/* X-Ray's sampling rules from any bytes, behind one that says whether a service answers so. They
 * are refused with a fault, or there is a list in its order whose last rule fits everything; the
 * same each time, and the workers' copy decides as the list does. */
#include <stdint.h>

#include "rules/base/must.h"
#include "sidecar/config/sampling_document.h"
#include "sidecar/state/samplers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pair client_fields[] = {{SPAN_INIT("X-Tenant"), SPAN_INIT("acme")}};
static const struct fields fields = {client_fields, 1, 1};
static const struct sampling_request request = {.service_name = SPAN_INIT("orders-sidecar"),
                                                .service_type = SPAN_INIT("AWS::ApiGateway::Stage"),
                                                .host = SPAN_INIT("shop.example"),
                                                .method = SPAN_INIT("GET"),
                                                .path = SPAN_INIT("/orders/7"),
                                                .fields = &fields};

struct reading {
    struct arena *arena;
    struct faults *faults;
    const struct sampling_rules *rules;
};

static struct reading read_rules(struct span text, bool is_answer)
{
    struct reading reading = {.arena = arena_new(NULL, (size_t)1 << 24), .faults = faults_new()};
    const struct sampling_document document = {
        .arena = reading.arena, .faults = reading.faults, .file = "f", .is_answer = is_answer};
    must(reading.arena != NULL);
    reading.rules = sampling_document_read(&document, text);
    must((reading.rules == NULL) == (faults_count(reading.faults, FAULT_ERROR) > 0));
    return reading;
}

static void drop(struct reading *reading)
{
    arena_free(reading->arena);
    faults_free(reading->faults);
}

static void must_be_in_order(const struct sampling_rules *rules)
{
    must(rules->count > 0 && rules->count <= SAMPLING_RULES_MOST);
    for (size_t i = 0; i < rules->count; i++) {
        must(rules->at[i].name.len > 0 && rules->at[i].name.len <= SAMPLING_NAME_MOST);
        must(rules->at[i].rate <= 1000000000);
        must(i == 0 || rules->at[i - 1].priority <= rules->at[i].priority);
    }
    must(sampling_rule_fits(&rules->at[rules->count - 1], &request));
}

static void must_decide_alike(const struct sampling_rules *rules)
{
    static const uint8_t trace_id[16] = {1};
    struct samplers *samplers = samplers_new();
    const struct sampling_rule *rule = &rules->at[sampling_rules_find(rules, &request)];
    samplers_set(samplers, rules, SAMPLING_FILE);
    struct sampling_verdict verdict =
        samplers_ask(samplers, &request, trace_id, UINT64_C(1795262400000000));
    must(span_is(span_make(verdict.name, verdict.name_length), rule->name));
    must((verdict.fate == SAMPLING_RESERVOIR) == (rule->reservoir > 0));
    samplers_free(samplers);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span text = span_make((const char *)data + 1, size - 1);
    struct reading first = read_rules(text, data[0] % 2 == 1);
    struct reading second = read_rules(text, data[0] % 2 == 1);
    must((first.rules == NULL) == (second.rules == NULL));
    if (first.rules != NULL) {
        must(first.rules->count == second.rules->count);
        must_be_in_order(first.rules);
        must_decide_alike(first.rules);
    }
    drop(&first);
    drop(&second);
    return 0;
}
