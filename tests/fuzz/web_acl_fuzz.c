/* SPDX-License-Identifier: Apache-2.0 */
/* A web ACL, NUL, a body: it is refused with a fault or read, and then it comes to the same each
 * time it is asked; a label, a count or an answer that it gives is whole. */
#include "rules/base/arena.h"
#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "rules/match/pattern.h"
#include "sidecar/guard/address_set.h"
#include "sidecar/guard/web_acl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct web_acl *acl, struct span body, struct rates *const *rates,
                struct web_acl_outcome *outcome)
{
    static struct pair pairs[] = {{SPAN_INIT("Host"), SPAN_INIT("a.example")},
                                  {SPAN_INIT("Cookie"), SPAN_INIT("a=1; b=evil")},
                                  {SPAN_INIT("X-Forwarded-For"), SPAN_INIT("10.0.0.1, x")}};
    struct fields fields = {pairs, 3, 3};
    struct networks *office = networks_new();
    struct scratch *scratch = scratch_new();
    struct arena *arena = arena_new(NULL, 1 << 20);
    networks_seal(office);
    const struct address_set sets[] = {{.name = SPAN("office"), .networks = office}};
    struct geo geo = {0};
    struct asked_place place = {.is_known = true};
    struct asked asked = {.has_address = true,
                          .method = SPAN("POST"),
                          .target = SPAN("/a/%2e?x=1&y=<b>"),
                          .raw_path = SPAN("/a/%2e"),
                          .query = SPAN("x=1&y=<b>"),
                          .fields = &fields,
                          .ip_sets = sets,
                          .rates = rates,
                          .geo = &geo,
                          .place = &place,
                          .body_is_known = true,
                          .body = body,
                          .arena = arena,
                          .scratch = scratch};
    scratch_set_match_limit(scratch, 10000);
    web_acl_run(acl, &asked, outcome);
    must(outcome->label_count <= WEB_ACL_LABELS && outcome->counted_count <= WEB_ACL_COUNTED);
    must((outcome->end == WEB_ACL_BLOCKED) == (outcome->answer != NULL));
    must(outcome->answer == NULL ||
         (outcome->answer->status >= 200 && outcome->answer->status <= 599));
    for (size_t i = 0; i < outcome->label_count; i++)
        must(outcome->labels[i].len > 0);
    arena_free(arena);
    scratch_free(scratch);
    networks_free(office);
}

/* Ten requests are within every limit: counting changes nothing but who is counted. */
static void count(struct web_acl *acl, struct span body, const struct web_acl_outcome *want)
{
    static struct rates *const counted[1] = {NULL};
    struct web_acl_outcome outcome;
    must(web_acl_open(acl, 0, NULL, 0));
    for (unsigned i = 0; i < 10; i++) {
        ask(acl, body, counted, &outcome);
        must(outcome.rated_count == 0 && outcome.end == want->end &&
             span_is(outcome.rule, want->rule));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct span office = SPAN_INIT("office");
    const struct web_acl_names names = {&office, 1, true, true};
    struct span body = span_make((const char *)data, size), text = span_cut(&body, '\0');
    struct faults *faults = faults_new();
    struct web_acl *acl = web_acl_read(text, "web-acl.json", &names, faults);
    must((acl != NULL) == (faults_count(faults, FAULT_ERROR) == 0));
    if (acl != NULL) {
        struct web_acl_outcome first, second;
        ask(acl, body, NULL, &first);
        ask(acl, body, NULL, &second);
        must(first.end == second.end && span_is(first.rule, second.rule));
        must(first.label_count == second.label_count && first.rated_count == second.rated_count);
        if (first.rated_count > 0)
            count(acl, body, &first);
    }
    web_acl_free(acl);
    faults_free(faults);
    return 0;
}
