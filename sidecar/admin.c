/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call what on which port; the pages themselves are in admin_pages.c. */
#include "sidecar/admin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/admin_inside.h"
#include "sidecar/http/forwarded.h"

struct admin {
    struct process *process;
    struct service *service;
    char *addresses[SERVICE_PORTS]; /* NULL: closed */
    struct list waiting;            /* calls, for the end of a reload */
};

void admin_problem(struct service_call *call, unsigned status, struct span detail)
{
    buf_clear(&call->body);
    call->status = status;
    call->type = SPAN("application/problem+json");
    buf_format(&call->body, "{\"status\":%u,\"title\":\"" SPAN_FORMAT "\"", status,
               span_arg(http_reason(status)));
    if (detail.len > 0) {
        buf_add(&call->body, SPAN(",\"detail\":"));
        json_add_string(&call->body, detail);
    }
    buf_add(&call->body, SPAN("}\n"));
}

struct span admin_decode(struct span text, char *to, size_t size)
{
    size_t len;
    bool well = percent_read(text, false, to, size, &len);
    return span_make(well ? to : NULL, well ? len : 0);
}

/* ---- who may ---- */

/* Compared in a time that does not tell where they differ. */
static bool is_same_secret(struct span given, struct span secret)
{
    unsigned char difference = given.len == secret.len ? 0 : 1;
    for (size_t i = 0; i < given.len && secret.len > 0; i++)
        difference |= (unsigned char)(given.at[i] ^ secret.at[i % secret.len]);
    return difference == 0;
}

static bool has_token(const struct process *process, const struct service_call *call)
{
    struct span token = process->snapshot->settings->admin.token;
    if (token.at == NULL)
        return true;
    struct span given = fields_get(&call->client->head->fields, SPAN("authorization"));
    return span_starts_nocase(given, SPAN("bearer ")) &&
           is_same_secret(span_trim_ows(span_from(given, sizeof("bearer ") - 1)), token);
}

/* A page in a browser reaches this port under a name of its own (DNS rebinding); addresses and
 * localhost have none. */
static bool is_host_harmless(struct span host)
{
    struct span name = host;
    if (host.len > 0 && host.at[0] == '[') {
        name = span_from(host, 1);
        name = span_cut(&name, ']');
    } else {
        name = span_cut(&name, ':');
    }
    struct ip ip;
    return name.len == 0 || ip_parse(name, &ip) || span_is_nocase(name, SPAN("localhost"));
}

/* A browser names the page that asks; of another site's it must not carry orders here. */
static bool is_own_origin(const struct client *client)
{
    struct span origin = fields_get(&client->head->fields, SPAN("origin"));
    struct span scheme = SPAN("http://");
    return origin.at == NULL || (span_starts(origin, scheme) &&
                                 span_is(span_from(origin, scheme.len), client->head->authority));
}

/* A page whose path ends in a star has all that stand below it. */
static bool is_path_of(const struct admin_page *page, struct span path)
{
    size_t len = page->path.len;
    if (page->path.at[len - 1] != '*')
        return span_is(page->path, path);
    return path.len >= len && span_starts(path, span_first(page->path, len - 1));
}

static const struct admin_page *find_page(const struct service_call *call, bool *path_known)
{
    struct span method = call->client->head->method;
    if (span_is(method, SPAN("HEAD")))
        method = SPAN("GET");
    *path_known = false;
    for (size_t i = 0; i < admin_page_count; i++) {
        const struct admin_page *page = &admin_pages[i];
        if ((page->ports & (1u << call->port)) == 0 || !is_path_of(page, call->path))
            continue;
        *path_known = true;
        if (span_is(page->method, method))
            return page;
    }
    return NULL;
}

/* ---- orders that are written down ---- */

struct order {
    struct change_turn turn;
    struct process *process;
    const struct admin_page *page;
    struct list calls; /* the call; empty: its client has gone */
};

static struct service_call *call_of(struct order *order)
{
    struct list *first = list_first(&order->calls);
    if (first == NULL)
        return NULL;
    list_remove(first);
    return list_entry(first, struct service_call, waits);
}

/* A reload before it may have named another log, and let go of the settings that named this one. */
static void come(struct change_turn *turn)
{
    const struct process *process = list_entry(turn, struct order, turn)->process;
    turn->places[0] = process_change_place(process->snapshot->settings);
}

static void act(struct change_turn *turn, const struct change_fault *fault)
{
    struct order *order = list_entry(turn, struct order, turn);
    struct service_call *call = call_of(order);
    if (fault != NULL) {
        unsigned status = process_change_refused(order->process, fault);
        free(order);
        if (call == NULL)
            return;
        admin_problem(call, status, span_text(fault->why));
        service_finish(call);
        return;
    }
    if (call == NULL)
        return; /* nothing was done */
    must(order->page->write(order->process, call));
    list_add(&order->calls, &call->waits);
}

static void end(struct change_turn *turn, const struct change_fault *fault)
{
    struct order *order = list_entry(turn, struct order, turn);
    struct service_call *call = call_of(order);
    free(order);
    if (call == NULL)
        return;
    if (fault != NULL)
        admin_problem(call, 500, SPAN("it was done, but could not be written down"));
    service_finish(call);
}

static bool take_order(struct process *process, struct service_call *call,
                       const struct admin_page *page)
{
    struct order *order = must_alloc(sizeof *order);
    *order = (struct order){
        .turn = {.come = come, .act = act, .end = end},
        .process = process,
        .page = page,
    };
    list_init(&order->calls);
    list_add(&order->calls, &call->waits);
    change_desk_take(process->changes, &order->turn);
    return false;
}

static bool answer(void *context, struct service_call *call)
{
    struct process *process = context;
    const struct client *client = call->client;
    bool path_known, is_admin = (1u << call->port) == PORT_ADMIN;
    const struct admin_page *page = find_page(call, &path_known);
    call->last = process->state != PROCESS_SERVING;
    if (client->refusal.status != 0 || client->head_is_broken)
        admin_problem(call, client->refusal.status ? client->refusal.status : 400, SPAN(""));
    else if (is_admin && !is_host_harmless(client->head->authority))
        admin_problem(call, 403, SPAN("the Host field is neither an address nor localhost"));
    else if (is_admin && !is_own_origin(client))
        admin_problem(call, 403, SPAN("a page of another site asks"));
    else if (is_admin && !(page != NULL && page->open) && !has_token(process, call))
        admin_problem(call, 401, SPAN("a bearer token is needed"));
    else if (page == NULL)
        admin_problem(call, path_known ? 405 : 404, SPAN(""));
    else
        return page->changes && process->snapshot->settings->change_log.path.at != NULL
                   ? take_order(process, call, page)
                   : page->write(process, call);
    return true;
}

/* ---- ports ---- */

static bool open_port(struct admin *admin, unsigned port, struct span text, char *why, size_t size)
{
    static const char *const names[SERVICE_PORTS] = {"status.address", "admin.address"};
    char **held = &admin->addresses[port];
    if (text.at != NULL && *held != NULL && span_is(text, span_text(*held)))
        return true;
    int fds[DOOR_SOCKETS] = {-1};
    if (text.at != NULL && !doors_open(admin->process->options->doors, text, 1, fds)) {
        snprintf(why, size, "%s: cannot listen on " SPAN_FORMAT ": %s", names[port], span_arg(text),
                 strerrordesc_np(errno));
        return false;
    }
    service_listen(admin->service, port, fds[0]);
    free(*held);
    *held = text.at ? must_strdup(text.at) : NULL;
    return true;
}

bool admin_open(struct admin *admin, const struct settings *settings, char *why, size_t size)
{
    return open_port(admin, 0, settings->status.address_text, why, size) &&
           open_port(admin, 1, settings->admin.address_text, why, size);
}

struct admin *admin_new(struct process *process)
{
    struct admin *admin = must_alloc(sizeof(*admin));
    admin->process = process;
    admin->service = service_new(process->loop, answer, process);
    list_init(&admin->waiting);
    return admin;
}

void admin_free(struct admin *admin)
{
    if (admin == NULL)
        return;
    service_free(admin->service);
    for (unsigned i = 0; i < SERVICE_PORTS; i++)
        free(admin->addresses[i]);
    free(admin);
}

/* ---- reloads ---- */

void admin_wait_for_reload(struct admin *admin, struct service_call *call)
{
    list_add(&admin->waiting, &call->waits);
}

void admin_reload_ended(struct admin *admin)
{
    const struct process *process = admin->process;
    for (struct list *first; (first = list_first(&admin->waiting)) != NULL;) {
        struct service_call *call = list_entry(first, struct service_call, waits);
        list_remove(first);
        if (process->reload.refused != NULL) {
            admin_problem(call, process->reload.refused_status, span_text(process->reload.refused));
        } else {
            call->status = 200;
            call->type = SPAN("application/json");
            buf_format(&call->body, "{\"snapshot\":%llu}\n",
                       (unsigned long long)process->facts.snapshot_number);
        }
        service_finish(call);
    }
}
