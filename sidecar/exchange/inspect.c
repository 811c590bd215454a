/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that rules run in. Each runs one phase in slices, so that a long inspection delays no
 * neighbour, and turns the verdict into the next step. */
#include "rules/inspection.h"

#include "sidecar/exchange/body_policy.h"
#include "sidecar/exchange/gather.h"
#include "sidecar/exchange/stages.h"

/* A body of 128 KiB and the values made from it; what goes beyond is a limit with a policy. */
enum { INSPECTION_ARENA_BYTES = 64 * 1024 * 1024 };

_Static_assert((int)GEO_MEMBERS == (int)PLACE_MEMBERS,
               "what guards know of a place, rules may ask");

/* ---- running a phase ---- */

/* Have the rules something to say still? */
static bool rules_look(const struct exchange *x)
{
    return x->inspection != NULL && !x->rules_failed && !x->rules_are_spared;
}

static bool denies_on_failure(const struct exchange *x)
{
    return x->settings->rules.on_failure == ON_FAILURE_DENY &&
           inspection_engine(x->inspection) == ENGINE_ON;
}

/* A limit stopped the rules: deny unless the settings say otherwise, and never silently. */
static enum step rules_failed(struct exchange *x)
{
    x->rules_failed = true;
    if (denies_on_failure(x))
        return answer_with(x, 403, "waf_limit");
    x->error = "waf_limit";
    return STEP_NEXT;
}

static enum step budget_ran_out(struct exchange *x)
{
    inspection_exhausted(x->inspection);
    return rules_failed(x);
}

static enum step act_on(struct exchange *x, const struct verdict *verdict)
{
    x->would_block = verdict->would_block;
    switch (verdict->action) {
    case VERDICT_PASS: return STEP_NEXT;
    case VERDICT_DROP: x->error = "waf_blocked"; return STEP_END;
    case VERDICT_REDIRECT: x->own.location = verdict->redirect; break;
    case VERDICT_DENY: break;
    }
    return answer_with(x, verdict->status, "waf_blocked");
}

static bool is_over_budget(const struct exchange *x)
{
    uint64_t budget_us = x->settings->rules.cpu_budget_us;
    return budget_us != 0 && inspection_cpu_ns(x->inspection) > budget_us * 1000;
}

static enum step run_phase(struct exchange *x, enum rule_phase phase)
{
    if (!rules_look(x))
        return STEP_NEXT;
    if (is_over_budget(x))
        return budget_ran_out(x);
    switch (inspection_run(x->inspection, phase, SLICE_NS)) {
    case INSPECTION_MORE: behind_add(x); return STEP_WAIT;
    case INSPECTION_LIMIT: return rules_failed(x);
    case INSPECTION_DONE: break;
    }
    struct verdict verdict = inspection_verdict(x->inspection);
    /* A pattern that ran over its limits said neither yes nor no; that is no pass. */
    bool unsaid = inspection_limits(x->inspection, LIMIT_PATTERN) > 0;
    if (unsaid && verdict.action == VERDICT_PASS && denies_on_failure(x))
        return rules_failed(x);
    return act_on(x, &verdict);
}

/* ---- phase 1 ---- */

static bool begin(struct exchange *x)
{
    const struct request_head *head = x->client->head;
    x->inspection_arena = arena_new(x->around->chunks, INSPECTION_ARENA_BYTES);
    if (x->inspection_arena == NULL)
        return false;
    struct route_choice choice = route_choice_of(x);
    struct inspection_options options = route_rules_options(x->snapshot, &choice);
    struct inspection_world world = x->around->world;
    world.lookups.place = x->snapshot->geo != NULL ? geo_members : NULL;
    world.lookups.places = x->snapshot->geo;
    x->inspection = inspection_begin(x->snapshot->ruleset, &options, &world, x->inspection_arena);
    if (x->inspection == NULL)
        return false;
    struct inspection_client client = {
        .address = x->client_address,
        .port = x->facts->peer_port,
        .server_address = x->facts->server_address,
        .server_port = x->facts->server_port,
        .request_id = span_make(x->request_id, UUID_LENGTH),
    };
    struct inspection_request request = {
        .line = head->line,
        .method = head->method,
        .target = head->target,
        .protocol = head->protocol,
        .fields = head->fields.at,
        .field_count = head->fields.count,
    };
    inspection_set_client(x->inspection, &client);
    inspection_set_request(x->inspection, &request);
    route_rules_tell(x->inspection, x->snapshot, &choice);
    return true;
}

enum step stage_inspect_head(struct exchange *x)
{
    if (!x->entered) {
        enum step step = access_before_rules(x);
        if (step != STEP_NEXT)
            return step;
        if (with_rules(x) && !x->access_allows && !begin(x))
            return answer_with(x, 503, "out_of_memory");
    }
    return run_phase(x, PHASE_REQUEST_HEADERS);
}

/* ---- the request's body ---- */

static struct body_policy policy_of(const struct exchange *x)
{
    return (struct body_policy){
        .inspected_bytes = x->snapshot->inspection.request_body_limit,
        .most_bytes = x->settings->limits.body_bytes,
        .over = x->settings->rules.request_over,
        .engine = inspection_engine(x->inspection),
    };
}

static enum step refuse_body(struct exchange *x, struct refusal refusal)
{
    if (refusal.status == 0)
        return STEP_NEXT;
    return answer_with(x, refusal.status, refusal.why);
}

static enum step body_is_over(struct exchange *x, const struct body_policy *policy)
{
    struct refusal refusal = body_policy_over(policy);
    x->prefix_is_cut = true;
    x->own.close = x->own.close || refusal.status != 0;
    return refuse_body(x, refusal);
}

static bool rules_want_body(const struct exchange *x)
{
    return x->inspection != NULL && inspection_wants_request_body(x->inspection);
}

/* Does the body go on behind what rules look at? */
static bool rules_are_behind(const struct exchange *x, uint64_t limit)
{
    const struct source *body = &x->client->body;
    return x->prefix.len > limit ||
           (x->prefix.len == limit && body->ops->peek(&x->client->body).len > 0);
}

/* What is done once more of it has come, or none will. */
static enum step gather_on(struct exchange *x, enum source_state state, uint64_t limit,
                           bool has_grown)
{
    struct client *client = x->client;
    if (state == SOURCE_ENDED) {
        x->prefix_is_whole = true;
        return STEP_NEXT;
    }
    if (x->prefix.len >= limit && client->body.ops->peek(&client->body).len > 0)
        return STEP_NEXT;
    if (x->row_is_late)
        return answer_with(x, 408, "request_body_timeout");
    if (has_grown)
        row_clock_arm(x, x->settings->timeouts.body_idle_us);
    if (x->prefix.len == 0)
        gather_invite(x);
    return STEP_WAIT;
}

/* As much as the rules or the web ACLs look at, whoever looks at more. */
enum step stage_gather_prefix(struct exchange *x)
{
    struct client *client = x->client;
    bool for_rules = rules_want_body(x);
    struct body_policy policy = for_rules ? policy_of(x) : (struct body_policy){0};
    uint64_t rules_limit = for_rules ? body_policy_gathers(&policy) : 0;
    uint64_t lists_limit = access_body_bytes(x);
    uint64_t limit = rules_limit > lists_limit ? rules_limit : lists_limit;
    if (client->head->body_length == 0 || (!for_rules && lists_limit == 0))
        return STEP_NEXT;
    /* A head that is refused is not kept waiting for its body: who expects what we do not know
     * (RFC 9110 10.1.1) may send none before he is told. */
    if (client->refusal.status != 0)
        return STEP_NEXT;
    if (!x->entered) {
        buf_init(&x->prefix, (size_t)limit);
        if (for_rules && body_policy_refuses_length(&policy, client->head->body_length))
            return body_is_over(x, &policy);
        row_clock_arm(x, x->settings->timeouts.body_idle_us);
    }
    size_t before = x->prefix.len;
    enum source_state state = gather_take(x, &client->body, &x->prefix, limit);
    if (state == SOURCE_BROKEN)
        return answer_with(x, 400, "request_body_broken");
    if (for_rules && !x->prefix_is_cut && rules_are_behind(x, rules_limit)) {
        enum step step = body_is_over(x, &policy);
        if (step != STEP_NEXT)
            return step;
    }
    return gather_on(x, state, limit, x->prefix.len > before);
}

/* Undoes codings for a slice. It is time that the inspection takes, and is counted as such. */
static enum decoding decode_slice(struct exchange *x, struct body_decoding *at, struct span *text)
{
    enum { ROUND_BYTES = 64 * 1024 }; /* between two looks at the clock */
    const struct inspection_world *world = &x->around->world;
    size_t held = body_decoding_held_bytes(at);
    uint64_t begun_ns = world->cpu_ns(world->context), taken_ns;
    enum decoding decoding;
    do {
        decoding = body_decoding_run(at, ROUND_BYTES, text);
        taken_ns = world->cpu_ns(world->context) - begun_ns;
    } while (decoding == DECODING_MORE && taken_ns < SLICE_NS);
    inspection_spend(x->inspection, taken_ns);
    x->around->held_bytes += body_decoding_held_bytes(at) - held;
    return decoding;
}

/* There is more to undo: after the others, and if the budget lasts. */
static enum step decode_later(struct exchange *x)
{
    if (is_over_budget(x))
        return budget_ran_out(x);
    behind_add(x);
    return STEP_WAIT;
}

static enum step show_body(struct exchange *x)
{
    struct body_policy policy = policy_of(x);
    enum decoding decoding = DECODING_WELL;
    struct span text = {NULL, 0};
    struct span seen = span_first(buf_span(&x->prefix), (size_t)body_policy_gathers(&policy));
    if (body_policy_shows(&policy, seen.len, x->prefix_is_cut)) {
        if (!body_decoding_has_begun(&x->decoding))
            body_decoding_begin(&x->decoding, &x->client->head->fields, seen, x->prefix_is_cut,
                                (size_t)policy.inspected_bytes);
        decoding = decode_slice(x, &x->decoding, &text);
    }
    if (decoding == DECODING_MORE)
        return decode_later(x);
    return refuse_body(x,
                       body_policy_show(&policy, decoding, text, &x->prefix_is_cut, x->inspection));
}

static enum step show_and_run(struct exchange *x)
{
    if (!rules_look(x))
        return STEP_NEXT;
    if (!x->row.inspect.shown) {
        enum step step = show_body(x);
        if (step != STEP_NEXT || x->rules_failed)
            return step;
        x->row.inspect.shown = true;
    }
    return run_phase(x, PHASE_REQUEST_BODY);
}

enum step stage_inspect_body(struct exchange *x)
{
    enum step step = access_with_body(x);
    if (step == STEP_NEXT)
        step = show_and_run(x);
    return step == STEP_NEXT ? access_behind_rules(x) : step;
}

/* ---- the answer ---- */

enum step stage_inspect_answer(struct exchange *x)
{
    const struct answer_head *head = x->server->head;
    if (!x->entered && x->inspection != NULL) {
        struct span reason = head->reason.at ? head->reason : http_reason(head->status);
        struct inspection_response response = {
            .status = head->status,
            .protocol = head->protocol,
            .status_line = arena_format(x->arena, SPAN_FORMAT " %u " SPAN_FORMAT,
                                        span_arg(head->protocol), head->status, span_arg(reason)),
            .fields = head->fields.at,
            .field_count = head->fields.count,
        };
        inspection_set_response(x->inspection, &response);
    }
    return run_phase(x, PHASE_RESPONSE_HEADERS);
}

/* Never what has no end or no beginning: event streams, gRPC, parts of a representation. */
static bool may_be_gathered(const struct answer_head *head)
{
    struct span type = fields_get(&head->fields, SPAN("content-type"));
    return head->status != 206 && head->body_length != 0 &&
           !span_starts_nocase(type, SPAN("text/event-stream")) &&
           !span_starts_nocase(type, SPAN("application/grpc"));
}

enum step stage_gather_answer(struct exchange *x)
{
    uint64_t limit = x->snapshot->inspection.response_body_limit;
    struct source *body = &x->server->body;
    if (!rules_look(x) || span_is(x->client->head->method, SPAN("HEAD")) ||
        !may_be_gathered(x->server->head) || !inspection_wants_response_body(x->inspection))
        return STEP_NEXT;
    if (!x->entered) {
        buf_init(&x->answer_prefix, (size_t)limit);
        row_clock_arm(x, x->settings->timeouts.response_header_us);
    }
    size_t before = x->answer_prefix.len;
    enum source_state state = gather_take(x, body, &x->answer_prefix, limit);
    if (state == SOURCE_BROKEN)
        return answer_with(x, 502, "upstream_broken");
    bool over = x->answer_prefix.len >= limit && body->ops->peek(body).len > 0;
    if (state == SOURCE_OPEN && !over) {
        if (x->row_is_late)
            return answer_with(x, 504, "upstream_timeout");
        if (x->answer_prefix.len > before)
            row_clock_arm(x, x->settings->timeouts.response_header_us);
        return STEP_WAIT;
    }
    x->answer_prefix_is_whole = state == SOURCE_ENDED;
    x->answer_prefix_is_cut = over;
    x->answer_is_gathered = true;
    return STEP_NEXT;
}

/* Who only looks refuses no answer, and sees what there is of it. */
static enum over_body over_of_answers(const struct exchange *x)
{
    enum over_body over = x->settings->rules.response_over;
    bool looks = inspection_engine(x->inspection) == ENGINE_DETECTION_ONLY;
    return over == OVER_BODY_REJECT && looks ? OVER_BODY_PREFIX : over;
}

/* Gives the rules the answer's body without its codings. */
static enum step show_answer(struct exchange *x)
{
    bool over = x->answer_prefix_is_cut;
    struct span text;
    if (!body_decoding_has_begun(&x->answer_decoding))
        body_decoding_begin(&x->answer_decoding, &x->server->head->fields,
                            buf_span(&x->answer_prefix), over,
                            (size_t)x->snapshot->inspection.response_body_limit);
    enum decoding decoding = decode_slice(x, &x->answer_decoding, &text);
    if (decoding == DECODING_MORE)
        return decode_later(x);
    bool unread = over || decoding != DECODING_WELL;
    if (unread && over_of_answers(x) == OVER_BODY_REJECT)
        return answer_with(x, 502,
                           over || decoding == DECODING_OVER ? "answer_over_inspection_limit"
                                                             : "answer_coding_broken");
    if (!unread || over_of_answers(x) == OVER_BODY_PREFIX)
        inspection_response_body(x->inspection, text);
    inspection_response_body_end(x->inspection, unread);
    return STEP_NEXT;
}

enum step stage_inspect_answer_body(struct exchange *x)
{
    if (x->answer_is_gathered && !x->row.inspect.shown && rules_look(x)) {
        enum step step = show_answer(x);
        if (step != STEP_NEXT || x->rules_failed)
            return step;
        x->row.inspect.shown = true;
    }
    return run_phase(x, PHASE_RESPONSE_BODY);
}
