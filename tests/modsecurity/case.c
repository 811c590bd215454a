/* SPDX-License-Identifier: Apache-2.0 */
/* One case, from standard input to facts on standard output.
 *
 *   in    NAME LENGTH\n BYTES \n ...        rules, place, client, method, field, body, answer-...
 *   out   one JSON object a line            {"fact": "tried", "rule": 1, "name": "ARGS:a", ...}
 *
 * The rules are loaded from the text, with files of the disk beside it; the request and its answer
 * go through the five phases as the program would send them, without a socket in between. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "rules/base/encode.h"
#include "rules/base/map.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "rules/inspection.h"
#include "rules/language/ruleset.h"
#include "rules/transaction.h"
#include "sidecar/config/private_file.h"
#include "sidecar/guard/geo.h"

enum { FIELDS_MOST = 200, INPUT_MOST = 64 << 20 };

struct fields {
    struct pair at[FIELDS_MOST];
    size_t count;
};

struct a_case {
    struct span rules, place, body, answer_body, location;
    struct inspection_client client;
    struct inspection_request request;
    struct inspection_response response;
    struct fields fields, answer_fields;
    uint64_t ids[FIELDS_MOST]; /* that stand in the text */
    size_t id_count;
    struct arena *arena;
    struct pair environment[FIELDS_MOST];
    struct map *stored; /* of struct pair: whole name, value */
    struct inspection_world world;
    struct geo_database *geo_database; /* NULL: none */
    struct geo geo;
};

/* --- facts --- */

/* Bytes beyond ASCII as if they were Latin-1, so that none is lost on the way. */
static void print_text(struct span text)
{
    putchar('"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\')
            printf("\\%c", (int)c);
        else if (c < 0x20 || c >= 0x7f)
            printf("\\u%04x", c);
        else
            putchar((int)c);
    }
    putchar('"');
}

static void print_member(const char *name, struct span text)
{
    printf(", \"%s\": ", name);
    print_text(text);
}

static void print_targets(const struct rule *link)
{
    must(link != NULL);
    printf(", \"targets\": [");
    for (size_t i = 0; i < link->target_count; i++) {
        const struct target *target = &link->targets[i];
        printf("%s{\"excluded\": %s, \"counted\": %s, \"pattern\": %s", i == 0 ? "" : ", ",
               target->excluded ? "true" : "false", target->counted ? "true" : "false",
               target->selector == SELECTOR_PATTERN ? "true" : "false");
        print_member("variable", span_text(variable_row(target->variable)->name));
        print_member("selector", target->name);
        putchar('}');
    }
    printf("], \"namespaces\": [");
    for (size_t i = 0; i < link->namespace_count; i++) {
        printf("%s{\"fact\": \"namespace\"", i == 0 ? "" : ", ");
        print_member("prefix", link->namespaces[i].name);
        print_member("place", link->namespaces[i].value);
        putchar('}');
    }
    putchar(']');
}

static void on_watched(void *context, const struct watched_event *event)
{
    static const char *const kinds[] = {
        [WATCHED_LINK] = "link",       [WATCHED_TRANSFORMED] = "transformed",
        [WATCHED_TRIED] = "tried",     [WATCHED_RETURNED] = "returned",
        [WATCHED_REMOVED] = "removed", [WATCHED_PASSED] = "passed",
        [WATCHED_ACTED] = "acted",     [WATCHED_DECIDED] = "decided",
        [WATCHED_OPENED] = "opened",   [WATCHED_STORED] = "stored",
    };
    (void)context;
    printf("{\"fact\": \"%s\", \"rule\": %llu, \"yes\": %s", kinds[event->kind],
           event->rule == NULL ? 0 : (unsigned long long)event->rule->id,
           event->yes ? "true" : "false");
    print_member("name", event->name);
    print_member("value", event->value);
    if (event->kind == WATCHED_TRIED)
        print_member("raw", event->raw);
    if (event->found.at != NULL)
        print_member("found", event->found);
    if (event->kind == WATCHED_PASSED && event->rule != NULL) {
        print_member("file", span_text(event->rule->file));
        printf(", \"line\": %u", event->rule->line);
    }
    if (event->kind == WATCHED_LINK)
        print_targets(event->rule);
    puts("}");
}

static void print_faults(const struct faults *faults)
{
    const struct fault *fault;
    for (size_t i = 0; (fault = faults_at(faults, i)) != NULL; i++) {
        printf("{\"fact\": \"%s\", \"line\": %u", fault->kind == FAULT_ERROR ? "fault" : "warning",
               fault->place.line);
        print_member("file", span_text(fault->place.file));
        print_member("message", span_text(fault->message));
        puts("}");
    }
}

static void print_matches(struct inspection *tx)
{
    size_t count;
    const struct rule_match *match = inspection_matches(tx, &count);
    for (size_t i = 0; i < count; i++, match++) {
        printf("{\"fact\": \"matched\", \"rule\": %llu, \"phase\": %u, \"severity\": %u, "
               "\"maturity\": %u, \"accuracy\": %u, \"line\": %u, \"audit\": %s, "
               "\"audit_only\": %s, \"disruptive\": %s, \"negated\": %s",
               (unsigned long long)match->rule_id, (unsigned)match->phase, match->severity,
               match->maturity, match->accuracy, match->line, match->audit ? "true" : "false",
               match->audit_only ? "true" : "false", match->disruptive ? "true" : "false",
               match->negated ? "true" : "false");
        print_member("file", span_text(match->file));
        print_member("operator", match->operator_text);
        print_member("argument", match->operator_argument);
        print_member("name", match->variable_name);
        print_member("value", match->variable_value);
        print_member("msg", match->message);
        print_member("data", match->data);
        print_member("rev", match->revision);
        print_member("ver", match->version);
        printf(", \"tags\": [");
        for (size_t k = 0; k < match->tag_count; k++) {
            printf(k == 0 ? "" : ", ");
            print_text(match->tags[k]);
        }
        puts("]}");
    }
}

/* --- the world --- */

/* A block list without a network: it has 192.0.2.1 and a name, and http:BL an address. */
static enum lookup ask(void *context, struct span name, uint32_t *address)
{
    (void)context;
    *address = 0x7f000002;
    if (span_is(name, SPAN("1.2.0.192.bl.example")) ||
        span_is(name, SPAN("bad.example.bl.example")))
        return LOOKUP_LISTED;
    *address = 0x7f030501;
    if (span_is(name, SPAN("abcdefghijkl.1.2.0.192.dnsbl.httpbl.org")))
        return LOOKUP_LISTED;
    return LOOKUP_NOT_LISTED;
}

static uint64_t wall_us(void *context)
{
    (void)context;
    struct timespec now;
    must(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t cpu_ns(void *context)
{
    (void)context;
    return 0;
}

static struct span stored_name(struct a_case *c, struct span collection, struct span key,
                               struct span name)
{
    return arena_format(c->arena, SPAN_FORMAT "\n" SPAN_FORMAT "\n" SPAN_FORMAT,
                        span_arg(collection), span_arg(key), span_arg(name));
}

static bool store_get(void *context, struct span collection, struct span key, struct span name,
                      struct arena *arena, struct span *value)
{
    struct a_case *c = context;
    const struct pair *found = map_find(c->stored, stored_name(c, collection, key, name));
    if (found == NULL)
        return false;
    *value = arena_copy(arena, found->value);
    return true;
}

static void store_set(void *context, struct span collection, struct span key, struct span name,
                      struct span value, uint64_t timeout_s)
{
    (void)timeout_s;
    struct a_case *c = context;
    struct span whole = stored_name(c, collection, key, name);
    if (value.at == NULL) {
        map_remove(c->stored, whole);
        return;
    }
    struct pair *pair = arena_alloc(c->arena, sizeof(*pair));
    must(pair != NULL);
    *pair = (struct pair){arena_copy(c->arena, name), arena_copy(c->arena, value)};
    map_set(c->stored, whole, pair);
}

static void store_expire(void *context, struct span collection, struct span key, struct span name,
                         uint64_t seconds)
{
    if (seconds == 0)
        store_set(context, collection, key, name, (struct span){NULL, 0}, 0);
}

static void store_each(void *context, struct span collection, struct span key,
                       void (*found)(void *to, struct span name, struct span value), void *to)
{
    struct a_case *c = context;
    struct span prefix = stored_name(c, collection, key, SPAN(""));
    struct span name;
    void *value;
    for (size_t cursor = 0; map_next(c->stored, &cursor, &name, &value);) {
        const struct pair *pair = value;
        if (span_starts(name, prefix))
            found(to, pair->name, pair->value);
    }
}

/* --- the case --- */

static void add_field(struct fields *fields, struct span text)
{
    must(fields->count < FIELDS_MOST);
    struct span value = text;
    struct span name = span_cut(&value, '\n');
    fields->at[fields->count++] = (struct pair){name, value};
}

static void add_id(struct a_case *c, uint64_t id)
{
    if (c->id_count < FIELDS_MOST)
        c->ids[c->id_count++] = id;
}

static unsigned number_of(struct span text)
{
    return (unsigned)number_leading(text);
}

/* One item of the input. */
static void take(struct a_case *c, struct span name, struct span value)
{
    struct {
        const char *name;
        struct span *to;
    } texts[] = {
        {"rules", &c->rules},
        {"place", &c->place},
        {"client", &c->client.address},
        {"server", &c->client.server_address},
        {"method", &c->request.method},
        {"target", &c->request.target},
        {"protocol", &c->request.protocol},
        {"body", &c->body},
        {"answer-protocol", &c->response.protocol},
        {"answer-body", &c->answer_body},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (span_is(name, span_text(texts[i].name))) {
            *texts[i].to = value;
            return;
        }
    if (span_is(name, SPAN("client-port")))
        c->client.port = number_of(value);
    else if (span_is(name, SPAN("server-port")))
        c->client.server_port = number_of(value);
    else if (span_is(name, SPAN("answer")))
        c->response.status = number_of(value);
    else if (span_is(name, SPAN("id")))
        add_id(c, number_of(value));
    else if (span_is(name, SPAN("field")))
        add_field(&c->fields, value);
    else if (span_is(name, SPAN("answer-field")))
        add_field(&c->answer_fields, value);
    else
        must(name.len == 0); /* an item that the runner does not send */
}

static void read_case(struct a_case *c, struct span input)
{
    while (input.len > 0) {
        struct span head = span_cut(&input, '\n');
        struct span name = span_cut(&head, ' ');
        size_t len = number_of(head);
        must(len < input.len);
        take(c, name, span_first(input, len));
        input = span_from(input, len + 1);
    }
}

static size_t take_environment(struct a_case *c)
{
    size_t count = 0;
    for (; environ[count] != NULL && count < FIELDS_MOST; count++) {
        struct span value = span_text(environ[count]);
        struct span name = span_cut(&value, '=');
        c->environment[count] = (struct pair){name, value};
    }
    return count;
}

static void settle_case(struct a_case *c)
{
    struct inspection_request *request = &c->request;
    request->fields = c->fields.at;
    request->field_count = c->fields.count;
    request->line = arena_format(c->arena, SPAN_FORMAT " " SPAN_FORMAT " " SPAN_FORMAT,
                                 span_arg(request->method), span_arg(request->target),
                                 span_arg(request->protocol));
    struct inspection_response *response = &c->response;
    response->fields = c->answer_fields.at;
    response->field_count = c->answer_fields.count;
    response->status_line =
        arena_format(c->arena, SPAN_FORMAT " %u", span_arg(response->protocol), response->status);
    c->client.request_id = SPAN("1234567890.123456");
    c->world = (struct inspection_world){
        .wall_us = wall_us,
        .cpu_ns = cpu_ns,
        .lookups = {.ask = ask,
                    .place = c->geo_database != NULL ? geo_members : NULL,
                    .places = &c->geo},
        .store_get = store_get,
        .store_set = store_set,
        .store_expire = store_expire,
        .store_each = store_each,
        .watch = on_watched,
        .context = c,
        .scratch = scratch_new(),
        .environment = c->environment,
        .environment_count = take_environment(c),
    };
    c->stored = map_new(c->arena, true);
}

static bool goes_on(const struct inspection *tx)
{
    return inspection_verdict(tx).action == VERDICT_PASS;
}

/* A body beyond its limit: the program answers where the rules say Reject. */
static bool is_over(const struct inspection *tx, uint64_t len, uint64_t limit, enum over_limit how)
{
    if (len <= limit || how != OVER_LIMIT_REJECT || tx->options.engine != ENGINE_ON)
        return false;
    puts("{\"fact\": \"over limit\"}");
    return true;
}

static void run_request(struct a_case *c, struct inspection *tx)
{
    inspection_set_client(tx, &c->client);
    inspection_set_request(tx, &c->request);
    inspection_run(tx, PHASE_REQUEST_HEADERS, 0);
    if (!goes_on(tx))
        return;
    bool wants = inspection_wants_request_body(tx);
    printf("{\"fact\": \"request body\", \"yes\": %s}\n", wants ? "true" : "false");
    const struct rule_settings *settings = &tx->ruleset->settings;
    if (settings->given.request_body_over &&
        is_over(tx, c->body.len, settings->request_body_limit, settings->request_body_over))
        return;
    if (wants) {
        inspection_request_body(tx, c->body);
        inspection_request_body_end(tx, false);
    }
    inspection_run(tx, PHASE_REQUEST_BODY, 0);
}

static void run_answer(struct a_case *c, struct inspection *tx)
{
    inspection_set_response(tx, &c->response);
    inspection_run(tx, PHASE_RESPONSE_HEADERS, 0);
    if (!goes_on(tx))
        return;
    bool wants = inspection_wants_response_body(tx);
    printf("{\"fact\": \"response body\", \"yes\": %s}\n", wants ? "true" : "false");
    const struct rule_settings *settings = &tx->ruleset->settings;
    if (is_over(tx, c->answer_body.len, settings->response_body_limit,
                settings->response_body_over))
        return;
    if (wants) {
        inspection_response_body(tx, c->answer_body);
        inspection_response_body_end(tx, false);
    }
    inspection_run(tx, PHASE_RESPONSE_BODY, 0);
}

static void print_flag(const char *name, bool yes)
{
    if (yes)
        printf(", \"%s\"", name);
}

/* How the request's body was read. */
static void print_body(const struct a_case *c, const struct inspection *tx)
{
    const struct body_flags *f = &tx->flags;
    printf("{\"fact\": \"body\", \"processor\": %u", (unsigned)tx->request.processor);
    print_member("why", tx->body_error_text);
    print_member("parser_why", tx->parser_error_text);
    printf(", \"flags\": [\"\"");
    print_flag("failed", f->failed);
    print_flag("too many arguments", f->too_many_arguments);
    print_flag("urlencoded error", f->urlencoded_error);
    print_flag("boundary quoted", f->boundary_quoted);
    print_flag("boundary whitespace", f->boundary_whitespace);
    print_flag("data before", f->data_before);
    print_flag("data after", f->data_after);
    print_flag("header folding", f->header_folding);
    print_flag("invalid header folding", f->invalid_header_folding);
    print_flag("lf line", f->lf_line);
    print_flag("crlf line", f->crlf_line);
    print_flag("missing semicolon", f->missing_semicolon);
    print_flag("invalid quoting", f->invalid_quoting);
    print_flag("invalid part", f->invalid_part);
    print_flag("file limit exceeded", f->file_limit_exceeded);
    print_flag("pattern limit", tx->pattern_limit_was_hit);
    printf("]}\n");
    for (size_t i = 0; i < tx->request.arguments.count; i++) {
        printf("{\"fact\": \"query\"");
        print_member("name", tx->request.arguments.at[i].name);
        print_member("value", tx->request.arguments.at[i].value);
        puts("}");
    }
    for (size_t i = 0; tx->parsed != NULL && i < tx->parsed->argument_count; i++) {
        printf("{\"fact\": \"argument\"");
        print_member("name", tx->parsed->arguments[i].name);
        print_member("value", tx->parsed->arguments[i].value);
        puts("}");
    }
    for (size_t i = 0; tx->parsed != NULL && i < tx->parsed->file_count; i++) {
        printf("{\"fact\": \"file\"");
        print_member("name", tx->parsed->files[i].field);
        print_member("value", tx->parsed->files[i].filename);
        print_member("content", tx->parsed->files[i].content);
        printf(", \"offset\": %zu", span_find(c->body, tx->parsed->files[i].content));
        puts("}");
    }
}

static void print_end(const struct inspection *tx)
{
    struct verdict verdict = inspection_verdict(tx);
    struct inspection_audit audit = inspection_audit(tx);
    printf("{\"fact\": \"verdict\", \"action\": %u, \"status\": %u, \"would\": %s, \"rule\": %llu",
           (unsigned)verdict.action, verdict.status, verdict.would_block ? "true" : "false",
           (unsigned long long)verdict.rule_id);
    print_member("redirect", verdict.redirect);
    printf("}\n{\"fact\": \"audit\", \"always\": %s, \"never\": %s",
           audit.always ? "true" : "false", audit.never ? "true" : "false");
    print_member("parts", audit.parts);
    puts("}");
}

/* What the client gets instead, where a rule refused. */
static void answer_own(struct a_case *c, struct inspection *tx)
{
    if (goes_on(tx))
        return;
    c->response.status = inspection_verdict(tx).status;
    inspection_set_response(tx, &c->response);
}

/* SecGeoLookupDb: a file that is no database is a fault, as for the program. Rules that name one
 * that is not there are tried without. False: it was a fault. */
static bool open_places(struct a_case *c, const struct ruleset *ruleset)
{
    struct span path = ruleset->settings.geo_db;
    char why[256];
    struct buf bytes;
    buf_init(&bytes, INPUT_MOST);
    bool is_there = path.at != NULL && file_read(path.at, &bytes, why, sizeof why);
    if (is_there)
        c->geo_database = geo_database_new(buf_span(&bytes), why, sizeof why);
    buf_fini(&bytes);
    c->geo.of[GEO_COUNTRY] = c->geo_database;
    if (!is_there || c->geo_database != NULL)
        return true;
    printf("{\"fact\": \"fault\", \"line\": %u", ruleset->settings.geo_db_place.line);
    print_member("file", c->place);
    print_member("message", arena_format(c->arena, "SecGeoLookupDb: %s", why));
    puts("}");
    return false;
}

static void run_case(struct a_case *c, const struct ruleset *ruleset)
{
    settle_case(c);
    for (size_t i = 0; i < c->id_count; i++)
        if (ruleset_find(ruleset, c->ids[i]) == NULL)
            printf("{\"fact\": \"absent\", \"rule\": %llu}\n", (unsigned long long)c->ids[i]);
    struct inspection_options options = inspection_options_of(ruleset);
    /* Without a word of the rules it is the settings' affair; ModSecurity only looks on then. */
    if (!ruleset->settings.given.engine)
        options.engine = ENGINE_DETECTION_ONLY;
    struct inspection *tx = inspection_begin(ruleset, &options, &c->world, c->arena);
    must(tx != NULL);
    run_request(c, tx);
    if (goes_on(tx))
        run_answer(c, tx);
    answer_own(c, tx);
    if (tx->options.engine == ENGINE_OFF)
        puts("{\"fact\": \"engine off\"}");
    inspection_run(tx, PHASE_LOGGING, 0);
    print_body(c, tx);
    print_matches(tx);
    print_end(tx);
    inspection_end(tx);
    scratch_free(c->world.scratch);
}

static void read_input(struct buf *to)
{
    size_t got;
    do {
        char *room = buf_room(to, 1 << 16);
        must(room != NULL);
        got = fread(room, 1, 1 << 16, stdin);
        buf_grew(to, got);
    } while (got > 0);
}

int main(void)
{
    struct buf input;
    buf_init(&input, INPUT_MOST);
    read_input(&input);
    struct a_case *c = must_alloc(sizeof(*c));
    c->arena = arena_new(NULL, 256 << 20);
    must(c->arena != NULL);
    read_case(c, buf_span(&input));
    struct faults *faults = faults_new();
    struct ruleset_builder *builder = ruleset_builder_new(ruleset_disk(), faults);
    ruleset_builder_add_text(builder, arena_string(c->arena, c->place), c->rules);
    struct ruleset *ruleset = ruleset_builder_finish(builder);
    ruleset_builder_free(builder);
    print_faults(faults);
    if (ruleset != NULL && open_places(c, ruleset))
        run_case(c, ruleset);
    geo_database_free(c->geo_database);
    ruleset_free(ruleset);
    faults_free(faults);
    arena_free(c->arena);
    free(c);
    buf_fini(&input);
    return 0;
}
