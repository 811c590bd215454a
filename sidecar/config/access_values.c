/* SPDX-License-Identifier: Apache-2.0 */
/* Types of options in the access list and in lists of addresses. */
#include "rules/base/must.h"
#include "rules/base/networks.h"
#include "sidecar/config/conditions.h"
#include "sidecar/guard/access.h"

/* ---- access[].match ---- */

static enum value_result match_read(const struct value *value)
{
    struct access_entry *entry = value->base;
    entry->match = condition_read(value);
    entry->match_text = condition_text(value);
    return entry->match != NULL ? VALUE_TAKEN : VALUE_SAID;
}

static bool match_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    (void)i;
    const struct access_entry *entry = base;
    return entry->match != NULL && buf_format(to, "{" SPAN_FORMAT "}", span_arg(entry->match_text));
}

const struct option_type type_access_match = {.name = "match",
                                              .expected = "a match, like { path: /login }",
                                              .takes_any = true,
                                              .read = match_read,
                                              .print = match_print};

/* ---- access[].action, access[].rules ---- */

/* What stands for rules and for a web ACL has no decision of its own. */
static bool decides(const struct access_entry *entry)
{
    return !entry->is_rules && entry->web_acl.at == NULL;
}

static const char *const action_words[] = {"block", "allow", "count"};
enum { ACTION_WORDS = sizeof action_words / sizeof *action_words };

static enum value_result action_read(const struct value *value)
{
    struct access_entry *entry = value->base;
    for (unsigned i = 0; i < ACTION_WORDS; i++) {
        if (!span_is(value->node->text, span_text(action_words[i])))
            continue;
        entry->action = (enum access_action)i;
        return VALUE_TAKEN;
    }
    return VALUE_UNFIT;
}

static bool action_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    (void)i;
    const struct access_entry *entry = base;
    must(entry->action < sizeof action_words / sizeof *action_words);
    return decides(entry) && buf_add(to, span_text(action_words[entry->action]));
}

const struct option_type type_access_action = {.name = "block | allow | count",
                                               .expected = "block, allow or count",
                                               .read = action_read,
                                               .print = action_print,
                                               .words = action_words,
                                               .word_count = ACTION_WORDS};

static enum value_result rules_read(const struct value *value)
{
    struct access_entry *entry = value->base;
    entry->is_rules = span_is(value->node->text, SPAN("all"));
    return entry->is_rules ? VALUE_TAKEN : VALUE_UNFIT;
}

static bool rules_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    (void)i;
    const struct access_entry *entry = base;
    return entry->is_rules && buf_add(to, SPAN("all"));
}

const struct option_type type_access_rules = {
    .name = "all", .expected = "all", .read = rules_read, .print = rules_print};

/* ---- access[].status, access[].mode, access[].on_failure: only where they mean something ---- */

static enum value_result status_read(const struct value *value)
{
    return type_refusal_status.read(value);
}

static bool status_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct access_entry *entry = base;
    return decides(entry) && entry->action == ACCESS_BLOCK &&
           type_refusal_status.print(option, base, i, to);
}

const struct option_type type_access_status = {.name = "status",
                                               .expected = "a status from 400 to 599",
                                               .read = status_read,
                                               .print = status_print,
                                               .least = 400,
                                               .most = 599};

static enum value_result word_read(const struct value *value)
{
    return type_engine.read(value);
}

static bool mode_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct access_entry *entry = base;
    return !entry->is_rules && type_engine.print(option, base, i, to);
}

static const char *const mode_words[] = {"off", "detection_only", "on"};
const struct option_type type_access_mode = {.name = "on | detection_only | off",
                                             .expected = "on, detection_only or off",
                                             .read = word_read,
                                             .print = mode_print,
                                             .words = mode_words,
                                             .word_count = 3};

static bool failure_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    const struct access_entry *entry = base;
    return entry->web_acl.at != NULL && type_engine.print(option, base, i, to);
}

static const char *const failure_words[] = {"deny", "allow"};
const struct option_type type_access_failure = {.name = "deny | allow",
                                                .expected = "deny or allow",
                                                .read = word_read,
                                                .print = failure_print,
                                                .words = failure_words,
                                                .word_count = 2};

/* ---- ip_sets.*.addresses ---- */

static enum value_result entries_read(const struct value *value)
{
    struct ip_set_settings *set = value->base;
    struct span *entries =
        arena_alloc(value->reading->arena, (value->node->count + 1) * sizeof *entries);
    struct networks *trial = networks_new();
    for (const struct node *item = value->node->first; item != NULL && entries != NULL;
         item = item->next) {
        bool fits = item->kind == NODE_SCALAR && networks_add(trial, item->text);
        if (fits)
            entries[set->address_count++] = value_keep(value, item->text);
        else
            value_refuse(value, item, "10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or 192.0.2.1-192.0.2.9",
                         "this is no address, network or range");
    }
    networks_free(trial);
    set->addresses = entries;
    return VALUE_TAKEN;
}

static bool entries_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    const struct ip_set_settings *set = base;
    if (i < set->address_count)
        value_print_text(to, set->addresses[i]);
    return i < set->address_count;
}

const struct option_type type_addresses = {.name = "list of addresses",
                                           .expected = "a list of addresses, networks and ranges",
                                           .is_list = true,
                                           .read = entries_read,
                                           .print = entries_print};
