/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the exchange's table that decide something, in their order. */
#include "sidecar/offline.h"

#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/config/route_rules.h"
#include "sidecar/exchange/asked.h"
#include "sidecar/exchange/body_policy.h"
#include "sidecar/exchange/decode.h"
#include "sidecar/exchange/key.h"
#include "sidecar/exchange/policies.h"
#include "sidecar/guard/gateway_response.h"
#include "sidecar/http/forwarded.h"
#include "sidecar/http/target.h"
#include "sidecar/loop/loop.h"
#include "sidecar/machine.h"
#include "sidecar/offline_authorizer.h"
#include "sidecar/state/collections.h"
#include "sidecar/wire/h1.h"

enum {
    HEAD_ARENA_BYTES = 4 << 20,
    INSPECTION_ARENA_BYTES = 64 << 20,
    COLLECTION_VARIABLES = 65536,
};
#define COLLECTION_TIMEOUT_US (UINT64_C(3600) * 1000000)

static const struct span request_id = SPAN_INIT("00000000-0000-4000-8000-000000000000");

struct offline {
    const struct snapshot *snapshot;
    struct collections *collections;
    struct scratch *scratch;
    struct arena *arena, *inspection_arena;
    struct pair *environment;
    size_t environment_count;
    struct buf body;
    bool body_is_whole, over; /* over: there is more than rules look at */
    struct body_decoding decoding;
    const struct offline_visit *visit;
    struct span bytes;
    struct request_head head;
    struct refusal refusal;
    struct target target;
    struct route_choice choice;
    struct span client_address;
    struct asked asked; /* what guards see */
    struct asked_place place;
    size_t access_at;
    bool access_allows;
    bool access_waits; /* for the body */
    struct decisions decisions;
    struct inspection *inspection;
    bool rules_failed;
    struct offline_answer answer;
};

/* ---- what the rules ask of the world ---- */

static uint64_t world_wall_us(void *context)
{
    (void)context;
    return clock_system()->wall_us(NULL);
}

static uint64_t world_cpu_ns(void *context)
{
    (void)context;
    return clock_system()->monotonic_us(NULL) * 1000;
}

static bool world_store_get(void *context, struct span collection, struct span key,
                            struct span name, struct arena *arena, struct span *value)
{
    struct offline *offline = context;
    struct collection_key at = {collection, key, name};
    return collections_get(offline->collections, &at, world_wall_us(NULL), arena, value);
}

static void world_store_set(void *context, struct span collection, struct span key,
                            struct span name, struct span value, uint64_t timeout_s)
{
    struct offline *offline = context;
    struct collection_key at = {collection, key, name};
    collections_set(offline->collections, &at, world_wall_us(NULL), value, timeout_s * 1000000);
}

static void world_store_expire(void *context, struct span collection, struct span key,
                               struct span name, uint64_t seconds)
{
    struct offline *offline = context;
    struct collection_key at = {collection, key, name};
    collections_expire(offline->collections, &at, world_wall_us(NULL), seconds * 1000000);
}

static void world_store_each(void *context, struct span collection, struct span key,
                             void (*found)(void *to, struct span name, struct span value), void *to)
{
    struct offline *offline = context;
    collections_each(offline->collections, collection, key, world_wall_us(NULL), found, to);
}

static void world_watch(void *context, const struct watched_event *event)
{
    struct offline *offline = context;
    offline->visit->watch(offline->visit->context, event);
}

/* ---- life ---- */

struct offline *offline_new(const struct snapshot *snapshot)
{
    struct offline *offline = must_alloc(sizeof *offline);
    offline->snapshot = snapshot;
    offline->collections = collections_new(COLLECTION_VARIABLES, COLLECTION_TIMEOUT_US);
    offline->scratch = scratch_new();
    offline->environment = machine_environment(&offline->environment_count);
    offline->arena = arena_new(NULL, HEAD_ARENA_BYTES);
    offline->inspection_arena = arena_new(NULL, INSPECTION_ARENA_BYTES);
    must(offline->arena != NULL && offline->inspection_arena != NULL);
    buf_init(&offline->body, 0);
    return offline;
}

void offline_free(struct offline *offline)
{
    if (offline == NULL)
        return;
    inspection_end(offline->inspection);
    buf_fini(&offline->body);
    body_decoding_fini(&offline->decoding);
    arena_free(offline->inspection_arena);
    arena_free(offline->arena);
    scratch_free(offline->scratch);
    free(offline->environment);
    collections_free(offline->collections);
    free(offline);
}

static void forget(struct offline *offline)
{
    inspection_end(offline->inspection);
    offline->inspection = NULL;
    offline->rules_failed = false;
    offline->place.is_known = false;
    offline->access_at = 0;
    offline->access_allows = false;
    offline->decisions.count = 0;
    arena_reset(offline->arena);
    arena_reset(offline->inspection_arena);
    offline->answer = (struct offline_answer){.head = &offline->head};
}

/* ---- rows ---- */

enum row { ROW_NEXT, ROW_ANSWER };

static enum row answer_with(struct offline *offline, unsigned status, const char *error)
{
    offline->answer.status = status;
    offline->answer.error = error;
    return ROW_ANSWER;
}

static enum row run_phase(struct offline *offline, enum rule_phase phase)
{
    if (offline->rules_failed)
        return ROW_NEXT;
    const struct snapshot *snapshot = offline->snapshot;
    bool denies = snapshot->settings->rules.on_failure == ON_FAILURE_DENY &&
                  inspection_engine(offline->inspection) == ENGINE_ON;
    if (inspection_run(offline->inspection, phase, 0) == INSPECTION_LIMIT) {
        offline->rules_failed = true;
        return denies ? answer_with(offline, 403, "waf_limit") : ROW_NEXT;
    }
    struct verdict verdict = inspection_verdict(offline->inspection);
    bool unsaid = inspection_limits(offline->inspection, LIMIT_PATTERN) > 0;
    if (unsaid && verdict.action == VERDICT_PASS && denies)
        return answer_with(offline, 403, "waf_limit");
    offline->answer.would_block = verdict.would_block;
    if (verdict.action == VERDICT_PASS)
        return ROW_NEXT;
    offline->answer.blocked = true;
    return answer_with(offline, verdict.action == VERDICT_DROP ? 0 : verdict.status, "waf_blocked");
}

/* ---- the access list ---- */

static void ask_access(struct offline *offline)
{
    const struct asked_sources sources = {
        .snapshot = offline->snapshot,
        .head = &offline->head,
        .target = &offline->target,
        .choice = offline->choice,
        .client_address = offline->client_address,
        .scheme = offline->head.scheme,
        .request_id = request_id,
        .wall_us = world_wall_us(NULL),
        .place = &offline->place,
        .arena = offline->arena,
        .chunks = NULL,
        .scratch = offline->scratch,
    };
    offline->asked = asked_make(&sources);
    offline->asked.rates = NULL; /* each request stands for itself: none comes too often */
}

/* Up to the rules, or past them to the end. */
static enum row walk_access(struct offline *offline, bool past_rules)
{
    const struct settings *settings = offline->snapshot->settings;
    struct decisions *decisions = &offline->decisions;
    enum access_step step = ACCESS_RULES;
    if (offline->access_allows)
        return ROW_NEXT;
    do
        step = access_run(settings->access, settings->access_count, &offline->access_at,
                          &offline->asked, decisions);
    while (step == ACCESS_RULES && past_rules);
    offline->access_allows = step == ACCESS_ALLOWED;
    offline->access_waits = step == ACCESS_BODY;
    if (step == ACCESS_BLOCKED)
        return answer_with(offline, decisions->at[decisions->count - 1].status, "access_denied");
    return ROW_NEXT;
}

static struct authorizer_question question_of(const struct offline *offline)
{
    return (struct authorizer_question){.snapshot = offline->snapshot,
                                        .route = offline->choice.route,
                                        .asked = &offline->asked,
                                        .wall_us = world_wall_us(NULL)};
}

static enum row ask_policy(struct offline *offline)
{
    const struct authorizer_question question = question_of(offline);
    struct policies_refusal refusal;
    if (!policies_have_phase_one(offline->snapshot, question.route) ||
        offline->refusal.status != 0 || offline->target.form == TARGET_WRONG ||
        policies_phase_one(&question, &offline->decisions, &refusal))
        return ROW_NEXT;
    return answer_with(offline, gateway_response(GATEWAY_ACCESS_DENIED)->status, "access_denied");
}

/* ---- the rules ---- */

static enum row inspect_head(struct offline *offline)
{
    const struct snapshot *snapshot = offline->snapshot;
    const struct request_head *head = &offline->head;
    struct inspection_world world = {
        .wall_us = world_wall_us,
        .cpu_ns = world_cpu_ns,
        .store_get = world_store_get,
        .store_set = world_store_set,
        .store_expire = world_store_expire,
        .store_each = world_store_each,
        .lookups = {.place = snapshot->geo != NULL ? geo_members : NULL, .places = snapshot->geo},
        .watch = offline->visit->watch != NULL ? world_watch : NULL,
        .context = offline,
        .scratch = offline->scratch,
        .environment = offline->environment,
        .environment_count = offline->environment_count,
    };
    struct inspection_options options = route_rules_options(snapshot, &offline->choice);
    offline->inspection =
        inspection_begin(snapshot->ruleset, &options, &world, offline->inspection_arena);
    must(offline->inspection != NULL);
    struct inspection_client client = {
        .address = offline->client_address,
        .server_address = SPAN("127.0.0.1"),
        .request_id = request_id,
    };
    struct inspection_request request = {
        .line = head->line,
        .method = head->method,
        .target = head->target,
        .protocol = head->protocol,
        .fields = head->fields.at,
        .field_count = head->fields.count,
    };
    inspection_set_client(offline->inspection, &client);
    inspection_set_request(offline->inspection, &request);
    route_rules_tell(offline->inspection, snapshot, &offline->choice);
    return run_phase(offline, PHASE_REQUEST_HEADERS);
}

/* ---- the body ---- */

enum body { BODY_WHOLE, BODY_OVER, BODY_SHORT, BODY_BROKEN };

static enum body take_length(struct offline *offline, uint64_t limit)
{
    uint64_t length = (uint64_t)offline->head.body_length;
    struct span there = span_first(offline->bytes, (size_t)length);
    buf_add(&offline->body, span_first(there, (size_t)limit));
    if (there.len > limit)
        return BODY_OVER;
    return there.len < length ? BODY_SHORT : BODY_WHOLE;
}

static enum body take_chunks(struct offline *offline, uint64_t limit)
{
    struct h1_chunked chunked;
    struct fields trailers = {0};
    struct span rest = offline->bytes, data;
    h1_chunked_init(&chunked);
    for (;;) {
        size_t used = 0;
        switch (h1_chunked_next(&chunked, rest, &used, &data, &trailers, offline->arena)) {
        case H1_CHUNK_END: return BODY_WHOLE;
        case H1_CHUNK_BROKEN: return BODY_BROKEN;
        case H1_CHUNK_MORE: return BODY_SHORT;
        case H1_CHUNK_DATA: break;
        }
        size_t room = (size_t)limit - offline->body.len;
        buf_add(&offline->body, span_first(data, room));
        if (data.len > room)
            return BODY_OVER;
        rest = span_from(rest, used);
    }
}

static struct body_policy policy_of(const struct offline *offline)
{
    const struct settings *settings = offline->snapshot->settings;
    return (struct body_policy){
        .inspected_bytes = offline->snapshot->inspection.request_body_limit,
        .most_bytes = settings->limits.body_bytes,
        .over = settings->rules.request_over,
        .engine = inspection_engine(offline->inspection),
    };
}

static enum row refuse_body(struct offline *offline, struct refusal refusal)
{
    return refusal.status != 0 ? answer_with(offline, refusal.status, refusal.why) : ROW_NEXT;
}

static uint64_t lists_want(const struct offline *offline)
{
    const struct settings *settings = offline->snapshot->settings;
    bool over = offline->access_allows || offline->access_at >= settings->access_count;
    uint64_t wanted = over ? 0 : offline->snapshot->web_acl_body_bytes;
    return wanted < settings->limits.body_bytes ? wanted : settings->limits.body_bytes;
}

/* Does the body go on behind what rules look at? */
static bool is_behind(const struct offline *offline, enum body body, uint64_t limit)
{
    return offline->body.len > limit || (offline->body.len == limit && body == BODY_OVER);
}

static enum row take_as(struct offline *offline, enum body body)
{
    offline->body_is_whole = body == BODY_WHOLE;
    if (body == BODY_SHORT)
        return answer_with(offline, 408, "request_body_timeout");
    return body == BODY_BROKEN ? answer_with(offline, 400, "request_body_broken") : ROW_NEXT;
}

/* As much as the rules or the web ACLs look at, whoever looks at more; offline->over: it goes on
 * behind what rules look at. */
static enum row gather_body(struct offline *offline, bool rules)
{
    int64_t length = offline->head.body_length;
    bool for_rules = rules && inspection_wants_request_body(offline->inspection);
    struct body_policy policy = for_rules ? policy_of(offline) : (struct body_policy){0};
    uint64_t rules_limit = for_rules ? body_policy_gathers(&policy) : 0;
    uint64_t lists_limit = lists_want(offline);
    uint64_t limit = rules_limit > lists_limit ? rules_limit : lists_limit;
    offline->over = for_rules && body_policy_refuses_length(&policy, length);
    offline->body_is_whole = false;
    buf_fini(&offline->body);
    buf_init(&offline->body, (size_t)limit);
    if (length == 0 || offline->refusal.status != 0 || (!for_rules && lists_limit == 0))
        return ROW_NEXT;
    if (offline->over)
        return refuse_body(offline, body_policy_over(&policy));
    enum body body =
        length == BODY_UNKNOWN ? take_chunks(offline, limit) : take_length(offline, limit);
    offline->over = for_rules && is_behind(offline, body, rules_limit);
    if (offline->over && refuse_body(offline, body_policy_over(&policy)) == ROW_ANSWER)
        return ROW_ANSWER;
    return take_as(offline, body);
}

/* What web ACLs see of it. */
static void show_list_body(struct offline *offline)
{
    offline->asked.body_is_known = true;
    offline->asked.body = buf_span(&offline->body);
    offline->asked.body_is_cut = offline->head.body_length != 0 && !offline->body_is_whole;
}

static enum row show_body(struct offline *offline)
{
    struct body_policy policy = policy_of(offline);
    struct span seen = span_first(buf_span(&offline->body), (size_t)body_policy_gathers(&policy));
    bool over = offline->over;
    enum decoding decoding = DECODING_WELL;
    struct span text = {NULL, 0};
    body_decoding_fini(&offline->decoding);
    if (body_policy_shows(&policy, seen.len, over)) {
        body_decoding_begin(&offline->decoding, &offline->head.fields, seen, over,
                            (size_t)policy.inspected_bytes);
        decoding = body_decoding_run(&offline->decoding, 0, &text);
    }
    return refuse_body(offline,
                       body_policy_show(&policy, decoding, text, &over, offline->inspection));
}

static enum row inspect_body(struct offline *offline)
{
    if (offline->rules_failed)
        return ROW_NEXT;
    if (show_body(offline) == ROW_ANSWER)
        return ROW_ANSWER;
    return run_phase(offline, PHASE_REQUEST_BODY);
}

/* ---- match, and the answer ---- */

static enum row match(struct offline *offline)
{
    const struct request_head *head = &offline->head;
    if (offline->refusal.status != 0)
        return answer_with(offline, offline->refusal.status, offline->refusal.why);
    if (offline->target.form == TARGET_WRONG)
        return answer_with(offline, 400, "bad_target");
    if (offline->target.form == TARGET_AUTHORITY)
        return answer_with(offline, 501, "connect_not_supported");
    if (offline->choice.doubtful && !offline->snapshot->settings->limits.pass_doubtful_paths)
        return answer_with(offline, 400, "doubtful_path");
    if (fields_have_token(&head->fields, SPAN("upgrade"), SPAN("websocket")) &&
        fields_have_token(&head->fields, SPAN("connection"), SPAN("upgrade")))
        return answer_with(offline, 501, "websocket_not_supported");
    if (offline->choice.route == NULL)
        return answer_with(offline, 404, "no_route");
    return ROW_NEXT;
}

/* A signature wants to see the body; what is missing or broken in it is another body. An API key
 * does not. */
static enum row ask_authorizer(struct offline *offline)
{
    uint64_t limit = offline->snapshot->settings->limits.body_bytes;
    struct offline_authorizer run = {.question = question_of(offline),
                                     .decisions = &offline->decisions};
    bool asks = authorizer_flow(offline->snapshot, run.question.route) != POLICY_FLOW_NONE;
    if (!asks && !key_is_wanted(offline->snapshot, run.question.route))
        return ROW_NEXT;
    struct buf rules_body = offline->body;
    buf_init(&offline->body, (size_t)limit);
    if (asks && offline->head.body_length == BODY_UNKNOWN)
        (void)take_chunks(offline, limit);
    else if (asks)
        (void)take_length(offline, limit);
    run.body = buf_span(&offline->body);
    bool passes = offline_authorize(&run);
    buf_fini(&offline->body);
    offline->body = rules_body;
    offline->answer.unasked = run.unasked;
    return passes ? ROW_NEXT : answer_with(offline, run.status, run.error);
}

static enum row inspect_answer(struct offline *offline)
{
    static const struct pair fields[] = {{SPAN_INIT("Content-Length"), SPAN_INIT("0")}};
    struct inspection_response response = {
        .status = 200,
        .protocol = SPAN("HTTP/1.1"),
        .status_line = SPAN("HTTP/1.1 200 OK"),
        .fields = fields,
        .field_count = 1,
    };
    if (!offline->rules_failed)
        inspection_set_response(offline->inspection, &response);
    if (run_phase(offline, PHASE_RESPONSE_HEADERS) == ROW_ANSWER)
        return ROW_ANSWER;
    return offline->snapshot->inspection.response_body_access
               ? run_phase(offline, PHASE_RESPONSE_BODY)
               : ROW_NEXT;
}

/* ---- the walk ---- */

static enum row read_head(struct offline *offline, struct span bytes)
{
    const struct settings *settings = offline->snapshot->settings;
    struct h1_limits limits = {
        .head_bytes = (size_t)settings->limits.header_bytes,
        .field_count = settings->limits.header_count,
        .target_bytes = (size_t)settings->limits.url_bytes,
        .reframe_both_lengths = settings->limits.reframe_both_lengths,
    };
    size_t seen = 0, used = 0;
    bool close;
    enum h1_parse parse = h1_parse_request(bytes, &seen, &limits, offline->arena, &offline->head,
                                           &used, &offline->refusal, &close);
    offline->head.scheme = SPAN("http");
    offline->bytes = span_from(bytes, used);
    if (parse == H1_MORE)
        return answer_with(offline, 408, "request_header_timeout");
    if (parse == H1_BROKEN)
        return answer_with(offline, offline->refusal.silent ? 0 : offline->refusal.status,
                           offline->refusal.why);
    if (offline->head.body_length > 0 &&
        (uint64_t)offline->head.body_length > settings->limits.body_bytes)
        return answer_with(offline, 413, "body_too_large");
    return ROW_NEXT;
}

static void select_route(struct offline *offline)
{
    const struct listener_settings *listener = &offline->snapshot->settings->listeners[0];
    const struct request_head *head = &offline->head;
    offline->target = target_split(head->target, head->method);
    unsigned doubts;
    struct span path = path_canonical(offline->target.path, offline->arena, &doubts);
    offline->choice = (struct route_choice){
        routes_match(offline->snapshot->routes, head->method, path), path, doubts != 0};
    offline->client_address =
        forwarded_client(&head->fields, offline->visit->client_address, listener->trusted_proxies,
                         listener->trusted_proxy_count);
}

static void walk(struct offline *offline, struct span bytes)
{
    if (read_head(offline, bytes) == ROW_ANSWER)
        return;
    select_route(offline);
    ask_access(offline);
    bool rules = route_rules_engine(offline->snapshot, &offline->choice) != ENGINE_OFF;
    if (walk_access(offline, !rules) == ROW_ANSWER)
        return;
    rules = rules && !offline->access_allows;
    if (rules && inspect_head(offline) == ROW_ANSWER)
        return;
    bool waited = offline->access_waits;
    if (gather_body(offline, rules) == ROW_ANSWER)
        return;
    show_list_body(offline);
    if (waited && walk_access(offline, !rules) == ROW_ANSWER)
        return;
    rules = rules && !offline->access_allows;
    if (rules && inspect_body(offline) == ROW_ANSWER)
        return;
    if (walk_access(offline, true) == ROW_ANSWER || ask_policy(offline) == ROW_ANSWER ||
        match(offline) == ROW_ANSWER || ask_authorizer(offline) == ROW_ANSWER)
        return;
    if (rules)
        (void)inspect_answer(offline);
}

/* Without what the audit log alone speaks of. */
static const struct rule_match *logged_matches(struct offline *offline, size_t *count)
{
    size_t all;
    const struct rule_match *matches = inspection_matches(offline->inspection, &all);
    struct rule_match *logged = arena_alloc(offline->inspection_arena, all * sizeof(*logged));
    if (logged == NULL) {
        *count = all;
        return matches;
    }
    *count = 0;
    for (size_t i = 0; i < all; i++)
        if (!matches[i].audit_only)
            logged[(*count)++] = matches[i];
    return logged;
}

const struct offline_answer *offline_run(struct offline *offline, struct span bytes,
                                         const struct offline_visit *visit)
{
    struct offline_answer *answer = &offline->answer;
    forget(offline);
    offline->visit = visit;
    walk(offline, bytes);
    if (answer->error == NULL)
        answer->status = 200;
    answer->decisions = &offline->decisions;
    answer->inspection = offline->inspection;
    if (offline->inspection == NULL)
        return answer;
    if (!offline->rules_failed)
        inspection_run(offline->inspection, PHASE_LOGGING, 0);
    answer->verdict = inspection_verdict(offline->inspection);
    answer->matches = logged_matches(offline, &answer->match_count);
    answer->score = inspection_score(offline->inspection, false);
    answer->outbound_score = inspection_score(offline->inspection, true);
    answer->would_block = answer->would_block || answer->verdict.would_block;
    return answer;
}
