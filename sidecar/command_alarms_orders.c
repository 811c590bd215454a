/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate alarms history | set-state | mute | unmute`: one alarm of a running one. */
#include <stdio.h>
#include <string.h>

#include "rules/base/encode.h"
#include "sidecar/admin_call.h"
#include "sidecar/command.h"
#include "sidecar/command_alarms.h"

enum { WORDS_MOST = 2, TEXT_BYTES = 8192, HISTORY_BYTES = 64 << 10 };

struct order {
    struct arguments arguments;
    struct admin_call call;
    const char *words[WORDS_MOST]; /* the alarm, and what else */
    size_t count;
    const char *duration, *reason, *limit;
    bool json;
};

/* ---- asking ---- */

/* `body` empty: none. */
static int ask(struct order *order, const char *method, const char *page, struct buf *body)
{
    struct buf path;
    buf_init(&path, TEXT_BYTES);
    buf_add(&path, SPAN("/api/v1/alarms/"));
    percent_add(&path, span_text(order->words[0]), "");
    buf_format(&path, "/%s", page);
    if (order->limit != NULL) {
        buf_add(&path, SPAN("?limit="));
        percent_add(&path, span_text(order->limit), "");
    }
    bool fits = buf_add_byte(&path, '\0') && buf_add_byte(body, '\0') && !buf_is_full(body);
    int code = EXIT_USAGE;
    if (fits)
        code =
            admin_call_ask(&order->call, method, path.at, body->len > 1 ? body->at : NULL, false);
    else
        fprintf(stderr, "sidegate alarms: the name or the reason is too long\n");
    buf_fini(&path);
    return code;
}

static int post(struct order *order, const char *page, const char *key, const char *value,
                const char *sentence)
{
    struct buf body;
    buf_init(&body, TEXT_BYTES);
    admin_body_add(&body, key, value);
    admin_body_add(&body, "reason", order->reason);
    if (body.len > 0)
        buf_add_byte(&body, '}');
    int code = ask(order, "POST", page, &body);
    buf_fini(&body);
    return code == 0 ? admin_call_well(&order->call, sentence) : code;
}

static int set_state(struct order *order)
{
    return post(order, "state", "state", order->words[1], "its state is set");
}

static int mute(struct order *order)
{
    return post(order, "mute", "duration", order->duration, "it is muted");
}

static int unmute(struct order *order)
{
    return post(order, "unmute", "", NULL, "it is not muted any more");
}

/* ---- history ---- */

static void history_print(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("history"));
    printf("%-27s %-19s %s\n", "TIME", "TYPE", "WHAT");
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        const char *reason = admin_answer_text(n, "reason"), *why = admin_answer_text(n, "why");
        const char *more = strcmp(reason, "-") != 0 ? reason : strcmp(why, "-") != 0 ? why : "";
        struct buf text;
        buf_init(&text, HISTORY_BYTES);
        visible_add(&text, span_text(more));
        printf("%-27s %-19s %s%s" SPAN_FORMAT "\n", admin_answer_text(n, "time"),
               admin_answer_text(n, "type"), admin_answer_text(n, "summary"),
               *more != '\0' ? ": " : "", span_arg(buf_span(&text)));
        buf_fini(&text);
    }
}

static int history(struct order *order)
{
    struct buf none;
    buf_init(&none, 1);
    int code = ask(order, "GET", "history", &none);
    buf_fini(&none);
    return code == 0 ? admin_call_show(&order->call, order->json, history_print) : code;
}

/* ---- the command line ---- */

static const struct argument_row history_rows[] = {
    {'w', "", "NAME", "the alarm"},
    {'l', "--limit", "N", "so many at the most; 100 unless given"},
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_row state_rows[] = {
    {'w', "", "WORD", "the alarm, and OK, ALARM or INSUFFICIENT_DATA"},
    {'r', "--reason", "TEXT", "why"},
    ADMIN_ROWS,
};
static const struct argument_row mute_rows[] = {
    {'w', "", "NAME", "the alarm"},
    {'d', "--for", "TIME", "from 1m to 15d"},
    {'r', "--reason", "TEXT", "why"},
    ADMIN_ROWS,
};
static const struct argument_row unmute_rows[] = {
    {'w', "", "NAME", "the alarm"},
    {'r', "--reason", "TEXT", "why"},
    ADMIN_ROWS,
};
#define ROWS(rows) rows, sizeof(rows) / sizeof *(rows)

static const struct form {
    struct argument_table table;
    const char *name;
    size_t words;
    const char *wanted; /* what is asked for where something is missing */
    int (*run)(struct order *order);
} forms[] = {
    {{"alarms history NAME [--limit N] [--json] [--admin ADDR] [--token-file F]",
      "Shows what happened to an alarm of a running one, the newest first.", ROWS(history_rows)},
     "history",
     1,
     "which alarm?",
     history},
    {{"alarms set-state NAME STATE --reason TEXT [--admin ADDR] [--token-file F]",
      "Sets an alarm's state until it is evaluated again; its actions are carried out.",
      ROWS(state_rows)},
     "set-state",
     2,
     "which alarm, which state, and --reason?",
     set_state},
    {{"alarms mute NAME --for TIME [--reason TEXT] [--admin ADDR] [--token-file F]",
      "Holds an alarm's actions back for a while.", ROWS(mute_rows)},
     "mute",
     1,
     "which alarm, and --for how long?",
     mute},
    {{"alarms unmute NAME [--reason TEXT] [--admin ADDR] [--token-file F]",
      "Lets an alarm's actions run again, and those that still matter.", ROWS(unmute_rows)},
     "unmute",
     1,
     "which alarm?",
     unmute},
};

static void take(struct order *order, const struct argument_row *row)
{
    const char *value = order->arguments.value;
    switch (row->mark) {
    case 'd': order->duration = value; break;
    case 'j': order->json = true; break;
    case 'l': order->limit = value; break;
    case 'r': order->reason = value; break;
    default:
        if (order->count == WORDS_MOST)
            arguments_refuse(&order->arguments, "one word too many: '%s'", value);
        else
            order->words[order->count++] = value;
    }
}

static int order_run(const struct form *form, int argc, char **argv)
{
    struct order order = {.count = 0};
    const struct argument_row *row;
    char called[32];
    snprintf(called, sizeof called, "alarms %s", form->name);
    admin_call_init(&order.call, called);
    arguments_begin(&order.arguments, &form->table, argc, argv);
    while ((row = arguments_next(&order.arguments)) != NULL)
        if (!admin_call_take(&order.call, &order.arguments, row))
            take(&order, row);
    bool whole = order.count == form->words && (form->run != mute || order.duration != NULL) &&
                 (form->run != set_state || order.reason != NULL);
    if (order.arguments.code < 0 && !whole)
        arguments_refuse(&order.arguments, "%s", form->wanted);
    int code = order.arguments.code < 0 ? form->run(&order) : order.arguments.code;
    admin_call_fini(&order.call);
    return code;
}

int alarms_order(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(argv[0], forms[i].name) == 0)
            return order_run(&forms[i], argc, argv);
    return EXIT_USAGE;
}
