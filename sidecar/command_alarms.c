/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate alarms list`, and which of the words was meant. */
#include "sidecar/command_alarms.h"

#include <stdio.h>
#include <string.h>

#include "rules/base/encode.h"
#include "sidecar/admin_call.h"
#include "sidecar/command.h"

enum { TEXT_BYTES = 64 << 10 };

/* ---- list ---- */

static const struct argument_row list_rows[] = {
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table list_table = {
    "alarms list [--json] [--admin ADDR] [--token-file F]",
    "Shows the alarms of a running one: state, since when, whether its actions are on, off, muted "
    "or "
    "held back by a suppressor, and why.",
    list_rows, sizeof list_rows / sizeof *list_rows};

/* NULL: it is not. */
static const char *muted_until(const struct node *alarm)
{
    const char *until = admin_answer_text(alarm, "muted_until");
    return strcmp(until, "null") == 0 || strcmp(until, "-") == 0 ? NULL : until;
}

/* What would become of an alarm's actions, or becomes of those that are due. */
static const char *actions_word(const struct node *alarm)
{
    if (strcmp(admin_answer_text(alarm, "actions_enabled"), "false") == 0)
        return "off";
    if (muted_until(alarm) != NULL)
        return "muted";
    return strcmp(admin_answer_text(alarm, "actions_held"), "true") == 0 ? "held" : "on";
}

static void list_print(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("alarms"));
    printf("%-24s %-17s %-27s %-7s %s\n", "NAME", "STATE", "SINCE", "ACTIONS", "REASON");
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        const char *since = admin_answer_text(n, "since"), *until = muted_until(n);
        struct buf reason;
        buf_init(&reason, TEXT_BYTES);
        visible_add(&reason, span_text(admin_answer_text(n, "reason")));
        if (until != NULL)
            buf_format(&reason, " (muted until %s)", until);
        printf("%-24s %-17s %-27s %-7s " SPAN_FORMAT "\n", admin_answer_text(n, "name"),
               admin_answer_text(n, "state"), strcmp(since, "null") == 0 ? "-" : since,
               actions_word(n), span_arg(buf_span(&reason)));
        buf_fini(&reason);
    }
}

static int alarms_list(int argc, char **argv)
{
    struct arguments arguments;
    struct admin_call call;
    const struct argument_row *row;
    bool json = false;
    admin_call_init(&call, "alarms list");
    arguments_begin(&arguments, &list_table, argc, argv);
    while ((row = arguments_next(&arguments)) != NULL)
        if (!admin_call_take(&call, &arguments, row))
            json = true;
    int code = arguments.code;
    if (code < 0)
        code = admin_call_ask(&call, "GET", "/api/v1/alarms", NULL, false);
    if (arguments.code < 0 && code == 0)
        code = admin_call_show(&call, json, list_print);
    admin_call_fini(&call);
    return code;
}

/* ---- words ---- */

static const struct argument_table alarms_table = {
    "alarms list|history|set-state|mute|unmute|test",
    "Shows and changes the alarms of a running one, or replays a series and says when an alarm "
    "would ring.",
    NULL, 0};

int command_alarms(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"list", alarms_list},  {"history", alarms_order}, {"set-state", alarms_order},
        {"mute", alarms_order}, {"unmute", alarms_order},  {"test", alarms_test},
    };
    return arguments_run_word(&alarms_table, each, sizeof each / sizeof *each, argc, argv);
}
