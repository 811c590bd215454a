/* SPDX-License-Identifier: Apache-2.0 */
/* The option `alarms`: a list of entries, kept with the text that they would be written by. */
#include "sidecar/config/alarm_entry.h"
#include "sidecar/config/values.h"

enum { TEXT_BYTES = 64 << 10 };

/* ---- text ---- */

/* With `actions` all of it, else without what is done on a change. */
static void alarm_print(struct buf *to, const struct node *node, const struct alarm_settings *alarm,
                        bool actions)
{
    const char *comma = "";
    enum alarm_state state;
    buf_add(to, SPAN("{ "));
    for (const struct node *n = node->first; n != NULL; n = n->next) {
        bool lists = alarm_actions_key(n->key, &state);
        bool concerns =
            lists || span_is(n->key, SPAN("actions_enabled")) || span_is(n->key, SPAN("mute"));
        if (!actions && concerns)
            continue;
        buf_add(to, span_text(comma));
        value_print_text(to, n->key);
        buf_add(to, SPAN(": "));
        if (lists)
            alarm_actions_print(to, &alarm->actions[state]);
        else
            alarm_node_print(to, n);
        comma = ", ";
    }
    buf_add(to, SPAN(" }"));
}

static struct span text_of(const struct value *value, const struct node *node,
                           const struct alarm_settings *alarm, bool actions)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES);
    alarm_print(&text, node, alarm, actions);
    struct span kept = value_keep(value, buf_span(&text));
    if (buf_is_full(&text))
        value_refuse(value, node, "", "the alarm is too long");
    buf_fini(&text);
    return kept;
}

/* ---- reading ---- */

/* The tree goes when everything is read; what alarms keep of it stays. NULL: the arena is full. */
static struct node *kept_node(const struct value *value, const struct node *node)
{
    struct node *copy = arena_alloc(value->reading->arena, sizeof *copy);
    if (copy == NULL)
        return NULL;
    *copy = *node;
    copy->key = value_keep(value, node->key);
    copy->text = value_keep(value, node->text);
    copy->first = copy->last = copy->next = NULL;
    copy->count = 0;
    for (const struct node *n = node->first; n != NULL; n = n->next) {
        struct node *child = kept_node(value, n);
        if (child == NULL)
            return NULL;
        tree_add(copy, child);
    }
    return copy;
}

/* What an alarm may look at is known once all of them are read. */
static void alarms_try(const struct value *value, const struct alarm_settings *list, size_t count)
{
    struct alarms *alarms = alarms_new(list, count, value->reading->faults);
    alarms_free(alarms);
}

static enum value_result alarms_read(const struct value *value)
{
    struct settings *settings = value->base;
    struct faults *faults = value->reading->faults;
    size_t before = faults_count(faults, FAULT_ERROR), count = 0, i = 0;
    struct alarm_reading reading = {value->reading->arena, faults, true, NULL};
    struct alarm_settings *list = NULL;
    const struct node *node = kept_node(value, value->node);
    if (node == NULL)
        return VALUE_TAKEN; /* a full arena is said at the end */
    const struct node *entries = alarm_presets_put_in(&reading, node);
    if (!alarm_entries_read(&reading, entries, &list, &count))
        return VALUE_UNFIT;
    for (const struct node *n = entries->first; list != NULL && n != NULL; n = n->next, i++) {
        list[i].text = text_of(value, n, &list[i], false);
        list[i].shown = text_of(value, n, &list[i], true);
    }
    if (faults_count(faults, FAULT_ERROR) == before)
        alarms_try(value, list, count);
    settings->alarms = list;
    settings->alarm_count = count;
    return VALUE_TAKEN;
}

static bool alarms_print(const struct option *option, const void *base, size_t i, struct buf *to)
{
    (void)option;
    const struct settings *settings = base;
    return i < settings->alarm_count && buf_add(to, settings->alarms[i].shown);
}

const struct option_type type_alarms = {.name = "list of alarms",
                                        .expected = "a list of alarms, like [{ name: errors, "
                                                    "metric: 5XXError, ... }]",
                                        .is_list = true,
                                        .read = alarms_read,
                                        .print = alarms_print};
