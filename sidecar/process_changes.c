/* SPDX-License-Identifier: Apache-2.0 */
/* What the running program writes into the log of changes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "sidecar/admin_inside.h"
#include "sidecar/config/print.h"
#include "sidecar/process_inside.h"

enum { VALUES_BYTES = 1 << 20, SAYS_BYTES = 256, ADDRESS_BYTES = 64, ASKERS = 16 };

/* Who asked for the reload that is under way, with texts of its own. */
struct change_asker {
    struct change_asker *next;
    bool waits; /* for the one behind that */
    struct change_who who;
    char says[SAYS_BYTES], address[ADDRESS_BYTES];
};

struct change_place process_change_place(const struct settings *settings)
{
    return (struct change_place){
        .path = settings->change_log.path,
        .rotation = {settings->change_log.most_bytes, settings->change_log.keep}};
}

unsigned process_change_refused(struct process *process, const struct change_fault *fault)
{
    process->facts.changes_refused++;
    program_log_say(process->log, LOG_ERROR,
                    "an order is not carried out, for it could not be written down: %s",
                    fault->why);
    return fault->is_full ? 507 : 503;
}

void process_change_lacks(void *context, const char *what, const char *why)
{
    struct process *process = context;
    process->facts.change_log_failed++;
    program_log_say(process->log, LOG_ERROR, "the log of changes lacks %s: %s", what, why);
}

bool process_changes_open(const struct settings *settings, char *why, size_t size)
{
    struct change_fault fault;
    if (settings->change_log.path.at == NULL ||
        change_log_open(settings->change_log.path.at, &fault))
        return true;
    snprintf(why, size, "%s", fault.why);
    return false;
}

/* ---- the admin API ---- */

struct change_who admin_who(const struct process *process, const struct service_call *call)
{
    return (struct change_who){
        .way = CHANGE_BY_ADMIN,
        .address = call->peer,
        .says = fields_get(&call->client->head->fields, SPAN("from")),
        .has_token = process->snapshot->settings->admin.token.at != NULL,
    };
}

void admin_change(struct process *process, const struct service_call *call, struct change *change)
{
    struct span path = process->snapshot->settings->change_log.path;
    change->who = admin_who(process, call);
    change->wall_us = loop_wall_us(process->loop);
    if (path.at != NULL)
        change_desk_write(process->changes, path, change);
}

/* ---- reloads ---- */

static struct span copy(char *to, size_t size, struct span text)
{
    text = span_first(text, size);
    if (text.len > 0)
        memcpy(to, text.at, text.len);
    return span_make(to, text.len);
}

void process_change_asked(struct process *process, const struct change_who *who)
{
    struct change_asker **end = &process->reload.askers;
    unsigned count = 0;
    for (; *end != NULL; end = &(*end)->next)
        count++;
    if (count == ASKERS) /* they wait for the same one */
        return;
    struct change_asker *asker = must_alloc(sizeof *asker);
    asker->who = *who;
    asker->waits = process->reload.again;
    asker->who.says = copy(asker->says, sizeof asker->says, who->says);
    asker->who.address = copy(asker->address, sizeof asker->address, who->address);
    *end = asker;
}

void process_change_forget(struct process *process)
{
    for (struct change_asker *asker; (asker = process->reload.askers) != NULL; free(asker))
        process->reload.askers = asker->next;
}

struct difference {
    struct buf before, after;
};

static void add_member(struct buf *to, const char *name, struct span text)
{
    buf_add(to, to->len > 0 ? SPAN(",") : SPAN("{"));
    json_add_string(to, span_text(name));
    buf_add_byte(to, ':');
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    json_add_string(to, text);
}

static void add_difference(void *context, const struct option *option, struct span before,
                           struct span after)
{
    struct difference *to = context;
    add_member(&to->before, option->path, before);
    add_member(&to->after, option->path, after);
}

static struct span object_end(struct buf *to)
{
    buf_add(to, to->len > 0 ? SPAN("}") : SPAN("{}"));
    return buf_span(to);
}

static void say_reload(struct process *process, struct change *change,
                       const struct change_asker *asker, struct span both[2])
{
    struct span paths[2] = {both[0], both[1]};
    change->who = asker->who;
    change->wall_us = loop_wall_us(process->loop);
    if (paths[0].at != NULL)
        change_desk_write(process->changes, paths[0], change);
    if (paths[1].at != NULL && (paths[0].at == NULL || !span_is(paths[0], paths[1])))
        change_desk_write(process->changes, paths[1], change);
}

/* A log that is only now named begins with this, and one that is given up ends with it. */
void process_change_reloaded(struct process *process, const struct snapshot *before,
                             const struct snapshot *after, const char *faults)
{
    struct span none = {NULL, 0};
    struct span paths[2] = {before->settings->change_log.path,
                            after != NULL ? after->settings->change_log.path : none};
    struct change change = {.event = "ReloadConfiguration", .what = SPAN("configuration")};
    struct difference difference;
    buf_init(&difference.before, VALUES_BYTES);
    buf_init(&difference.after, VALUES_BYTES);
    if (after != NULL && process->reload.askers != NULL) {
        settings_compare(before->settings, after->settings, add_difference, &difference);
        if (!settings_have_same_secrets(before->settings, after->settings))
            add_member(&difference.after, "(secrets)", SPAN("others"));
        if (before->ruleset != after->ruleset)
            add_member(&difference.after, "(rules)", SPAN("compiled anew"));
        change.before = object_end(&difference.before);
        change.after = object_end(&difference.after);
    } else if (after == NULL) {
        change.error = "refused";
        change.message = span_text(faults);
    }
    for (struct change_asker **at = &process->reload.askers, *asker; (asker = *at) != NULL;) {
        if (asker->waits) {
            asker->waits = false;
            at = &asker->next;
            continue;
        }
        *at = asker->next;
        say_reload(process, &change, asker, paths);
        free(asker);
    }
    buf_fini(&difference.before);
    buf_fini(&difference.after);
}
