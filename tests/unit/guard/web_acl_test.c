/* SPDX-License-Identifier: Apache-2.0 */
/* The cases of tests/web_acl: each is a test with the name that it has there. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/arena.h"
#include "rules/base/buf.h"
#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "rules/match/pattern.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/guard/web_acl.h"
#include "tests/check.h"
#include "tests/unit/guard/suites.h"
#include "tests/unit/guard/web_acl_rows.h"

enum { CASES_MOST = 200, TEXT_BYTES = 1 << 20, FIELDS_MOST = 300 };

/* ---- a request from its text ---- */

struct request {
    struct asked asked;
    struct pair pairs[FIELDS_MOST];
    struct fields fields;
    struct asked_place place;
    struct networks *office;
    struct address_set sets[1];
    struct geo geo;
    struct buf repeated;
};

/* "@client: 192.0.2.1", "@country: DE", "@subdivision: BY", "@asn: 64500", "@cut: 1", "@repeat: 9":
 * what a head cannot say. */
static void take_mark(struct request *r, struct span name, struct span value)
{
    if (span_is(name, SPAN("@client")))
        r->asked.has_address = ip_parse(value, &r->asked.address);
    else if (span_is(name, SPAN("@country")))
        r->place.place.country = value;
    else if (span_is(name, SPAN("@subdivision")))
        r->place.place.subdivision = value;
    else if (span_is(name, SPAN("@asn")))
        r->place.place.asn = (uint32_t)strtoul(value.at, NULL, 10);
    else if (span_is(name, SPAN("@cut")))
        r->asked.body_is_cut = true;
    else
        fail_msg("no such mark");
}

static void take_line(struct request *r, struct span line)
{
    struct span rest = line;
    r->asked.method = span_cut(&rest, ' ');
    r->asked.target = rest;
    r->asked.raw_path = span_cut(&rest, '?');
    r->asked.query = rest;
}

/* "GET /a?b=c", fields, an empty line, the body. */
static void take_text(struct request *r, struct span text)
{
    take_line(r, span_cut(&text, '\n'));
    while (text.at != NULL) {
        struct span value = span_cut(&text, '\n');
        if (value.len == 0)
            break;
        struct span name = span_cut(&value, ':');
        value = span_trim_ows(value);
        if (name.at[0] == '@')
            take_mark(r, name, value);
        else
            r->pairs[r->fields.count++] = (struct pair){name, value};
    }
    r->asked.body = text;
}

/* A row of bytes is "%{N x}": N times x. */
static void write_out(struct buf *to, struct span text)
{
    while (text.len > 0) {
        size_t at = span_find(text, SPAN("%{"));
        buf_add(to, span_first(text, at));
        if (at == SPAN_NONE)
            return;
        text = span_from(text, at + 2);
        struct span inside = span_cut(&text, '}');
        unsigned long count = strtoul(span_cut(&inside, ' ').at, NULL, 10);
        while (count-- > 0)
            buf_add(to, inside);
    }
}

static void request_init(struct request *r, const char *text, struct arena *arena,
                         struct scratch *scratch)
{
    *r = (struct request){.fields = {r->pairs, 0, FIELDS_MOST}};
    r->office = networks_new();
    must(networks_add(r->office, SPAN("198.51.100.0/24")));
    networks_seal(r->office);
    r->sets[0] = (struct address_set){.name = SPAN("office"), .networks = r->office};
    r->place.is_known = true;
    ip_parse(SPAN("192.0.2.1"), &r->asked.address);
    r->asked = (struct asked){.has_address = true,
                              .address = r->asked.address,
                              .fields = &r->fields,
                              .ip_sets = r->sets,
                              .geo = &r->geo,
                              .place = &r->place,
                              .arena = arena,
                              .body_is_known = true,
                              .scratch = scratch};
    buf_init(&r->repeated, TEXT_BYTES);
    write_out(&r->repeated, span_text(text));
    take_text(r, buf_span(&r->repeated));
}

static void request_fini(struct request *r)
{
    buf_fini(&r->repeated);
    networks_free(r->office);
}

/* ---- what came of it ---- */

static void outcome_write(const struct web_acl_outcome *outcome, struct buf *to)
{
    static const char *const words[] = {"allowed", "blocked", "passed", "failed"};
    buf_format(to, "%s " SPAN_FORMAT, words[outcome->end], span_arg(outcome->rule));
    if (outcome->answer != NULL)
        buf_format(to, " %u", outcome->answer->status);
    for (size_t i = 0; i < outcome->counted_count; i++)
        buf_format(to, "; counted " SPAN_FORMAT, span_arg(outcome->counted[i]));
    for (size_t i = 0; i < outcome->rated_count; i++)
        buf_format(to, "; rated " SPAN_FORMAT, span_arg(outcome->rated[i]));
    for (size_t i = 0; i < outcome->label_count; i++)
        buf_format(to, "; label " SPAN_FORMAT, span_arg(outcome->labels[i]));
    for (size_t i = 0; i < outcome->inserted_count; i++)
        buf_format(to, "; inserts " SPAN_FORMAT "=" SPAN_FORMAT,
                   span_arg(outcome->inserted[i].name), span_arg(outcome->inserted[i].value));
    if (outcome->answer != NULL &&
        !span_is(outcome->answer->body, SPAN("{\"message\":\"Forbidden\"}")))
        buf_format(to, "; body " SPAN_FORMAT " " SPAN_FORMAT, span_arg(outcome->answer->type),
                   span_arg(outcome->answer->body));
    for (size_t i = 0; outcome->answer != NULL && i < outcome->answer->field_count; i++)
        if (!span_is(outcome->answer->fields[i].name, SPAN("x-amzn-ErrorType")))
            buf_format(to, "; field " SPAN_FORMAT "=" SPAN_FORMAT,
                       span_arg(outcome->answer->fields[i].name),
                       span_arg(outcome->answer->fields[i].value));
}

/* ---- a case ---- */

struct bench {
    const json_t *is;
    struct web_acl *acl;
    struct faults *faults;
    struct arena *arena;
    struct scratch *scratch;
    struct rates *const *rates; /* NULL: nothing is counted */
    uint64_t now_us;
};

static const struct span office = SPAN_INIT("office");

/* {"statement": ..}: a web ACL with one rule, "r", that blocks. */
static json_t *document_of(const json_t *is)
{
    json_t *statement = json_object_get(is, "statement");
    json_t *acl = json_object_get(is, "acl");
    if (acl != NULL)
        return json_incref(acl);
    json_t *document = json_pack("{s:s, s:{s:{}}, s:[{s:s, s:i, s:O, s:{s:{}}}]}", "Name", "acl",
                                 "DefaultAction", "Allow", "Rules", "Name", "r", "Priority", 0,
                                 "Statement", statement, "Action", "Block");
    json_object_update_missing(document, json_object_get(is, "with"));
    return document;
}

static void bench_init(struct bench *bench, const json_t *is)
{
    json_t *document = document_of(is);
    char *text =
        json_is_string(document) ? strdup(json_string_value(document)) : json_dumps(document, 0);
    struct web_acl_names names = {&office, 1, true, true};
    *bench = (struct bench){.is = is, .faults = faults_new(), .arena = arena_new(NULL, 1 << 20)};
    if (json_object_get(is, "blind") != NULL)
        names.has_countries = names.has_asns = false;
    bench->scratch = scratch_new();
    bench->acl = web_acl_read(span_text(text), "web-acl.json", &names, bench->faults);
    free(text);
    json_decref(document);
}

static void bench_fini(struct bench *bench)
{
    scratch_free(bench->scratch);
    arena_free(bench->arena);
    faults_free(bench->faults);
    web_acl_free(bench->acl);
}

static void ask(struct bench *bench, const char *text, struct buf *came)
{
    struct request *request = must_alloc(sizeof *request);
    struct web_acl_outcome outcome;
    request_init(request, text, bench->arena, bench->scratch);
    request->asked.rates = bench->rates;
    request->asked.now_us = bench->now_us;
    web_acl_run(bench->acl, &request->asked, &outcome);
    outcome_write(&outcome, came);
    request_fini(request);
    free(request);
}

static void check_ask(struct bench *bench, const char *text, const char *want, bool turned)
{
    struct buf came;
    buf_init(&came, TEXT_BYTES);
    ask(bench, text, &came);
    if (span_is(buf_span(&came), span_text(want)) == turned) {
        print_error("asked: %s\n", text);
        check_span(buf_span(&came), turned ? "something else" : want);
    }
    buf_fini(&came);
}

static const char *item(const json_t *list, size_t i)
{
    return json_string_value(json_array_get(list, i));
}

/* [request, how often, at which second, what comes of each]: one after the other, counted. */
static void check_steps(struct bench *bench, const json_t *steps)
{
    static struct rates *const counted[1] = {NULL};
    must(web_acl_open(bench->acl, 0, NULL, 0));
    bench->rates = counted;
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        uint64_t second = (uint64_t)json_integer_value(json_array_get(step, 2));
        bench->now_us = (1000000 + second) * 1000000;
        for (json_int_t n = 0; n < json_integer_value(json_array_get(step, 1)); n++)
            check_ask(bench, item(step, 0), item(step, 3), false);
    }
}

static void check_requests(struct bench *bench)
{
    const json_t *steps = json_object_get(bench->is, "steps");
    const json_t *hits = json_object_get(bench->is, "hits");
    const json_t *misses = json_object_get(bench->is, "misses");
    const json_t *asks = json_object_get(bench->is, "asks");
    const json_t *capacity = json_object_get(bench->is, "wcu");
    check(json_array_size(hits) + json_array_size(misses) + json_array_size(asks) +
              json_array_size(steps) >
          1);
    for (size_t i = 0; i < json_array_size(hits); i++)
        check_ask(bench, item(hits, i), "passed Default_Action", true);
    for (size_t i = 0; i < json_array_size(misses); i++)
        check_ask(bench, item(misses, i), "passed Default_Action", false);
    for (size_t i = 0; i < json_array_size(asks); i++)
        check_ask(bench, item(json_array_get(asks, i), 0), item(json_array_get(asks, i), 1), false);
    check_steps(bench, steps);
    if (capacity != NULL)
        check_number(web_acl_capacity(bench->acl), (unsigned)json_integer_value(capacity));
}

static void run_case(void **state)
{
    struct bench bench;
    struct buf said;
    bench_init(&bench, *state);
    buf_init(&said, TEXT_BYTES);
    faults_print(bench.faults, &said);
    const char *fault = json_string_value(json_object_get(bench.is, "fault"));
    const char *warning = json_string_value(json_object_get(bench.is, "warning"));
    char line[1024] = "";
    if (fault != NULL || warning != NULL)
        snprintf(line, sizeof line, "%s\n", fault != NULL ? fault : warning);
    check_span(buf_span(&said), line);
    check((bench.acl == NULL) == (fault != NULL));
    if (bench.acl != NULL)
        check_requests(&bench);
    buf_fini(&said);
    bench_fini(&bench);
}

static int run_file(const char *name, struct web_acl_rows *rows)
{
    char path[512];
    json_error_t error;
    struct CMUnitTest tests[CASES_MOST] = {{0}};
    snprintf(path, sizeof path, "%s/%s.json", WEB_ACL_CASES, name);
    json_t *cases = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (cases == NULL) {
        print_error("%s:%d: %s\n", path, error.line, error.text);
        return 1;
    }
    size_t count = json_array_size(cases);
    must(count > 0 && count <= CASES_MOST);
    for (size_t i = 0; i < count; i++) {
        json_t *is = json_array_get(cases, i);
        web_acl_rows_take(rows, is);
        tests[i] = (struct CMUnitTest){
            .name = json_string_value(json_object_get(is, "says")),
            .test_func = run_case,
            .initial_state = is,
        };
    }
    int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    json_decref(cases);
    return failed;
}

static void every_row_of_the_reference_has_requests_on_both_sides(void **state)
{
    check_number(web_acl_rows_print(*state, WEB_ACL_CASES "/rows.txt"), 0);
}

int web_acl_suite(void)
{
    static const char *const files[] = {"statements", "fields", "transformations", "actions",
                                        "groups",     "rates",  "faults"};
    struct web_acl_rows *rows = web_acl_rows_new();
    int failed = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        failed += run_file(files[i], rows);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(every_row_of_the_reference_has_requests_on_both_sides, rows)};
    failed += cmocka_run_group_tests_name("web_acl_rows", tests, NULL, NULL);
    web_acl_rows_free(rows);
    return failed;
}
