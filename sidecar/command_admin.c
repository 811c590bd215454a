/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate reload | drain | status | health`: talks to a running one by its admin API. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/admin_call.h"
#include "sidecar/command.h"

enum { WAIT_PAUSE_MS = 100 }; /* between two looks at whether it has stopped */

struct order {
    struct arguments arguments;
    struct admin_call call;
    bool wait, json;
};

/* ---- the command line ---- */

/* False: it ended; arguments.code says how. */
static bool order_begin(struct order *order, const struct argument_table *table, int argc,
                        char **argv)
{
    const struct argument_row *row;
    *order = (struct order){0};
    admin_call_init(&order->call, argv[0]);
    arguments_begin(&order->arguments, table, argc, argv);
    while ((row = arguments_next(&order->arguments)) != NULL) {
        if (admin_call_take(&order->call, &order->arguments, row))
            continue;
        order->wait = order->wait || row->mark == 'w';
        order->json = order->json || row->mark == 'j';
    }
    if (order->arguments.code < 0)
        return true;
    admin_call_fini(&order->call);
    return false;
}

static int order_end(struct order *order, int code)
{
    admin_call_fini(&order->call);
    return code;
}

/* ---- reload ---- */

static const struct argument_row plain_rows[] = {ADMIN_ROWS};
enum { PLAIN_ROWS = sizeof plain_rows / sizeof *plain_rows };

static const struct argument_table reload_table = {
    "reload [--admin ADDR] [--token-file F]",
    "Has a running one read the files that it was started with again; says what is wrong with "
    "them.",
    plain_rows, PLAIN_ROWS};

int command_reload(int argc, char **argv)
{
    struct order order;
    if (!order_begin(&order, &reload_table, argc, argv))
        return order.arguments.code;
    int code = admin_call_ask(&order.call, "POST", "/api/v1/reload", NULL, false);
    if (code == 0 && order.call.status == 422) {
        admin_call_problem(&order.call);
        code = EXIT_REFUSED;
    } else if (code == 0) {
        code = admin_call_well(&order.call, "the new configuration is in force");
    }
    return order_end(&order, code);
}

/* ---- drain ---- */

static const struct argument_row drain_rows[] = {
    {'w', "--wait", NULL, "until it has stopped"},
    ADMIN_ROWS,
};
static const struct argument_table drain_table = {
    "drain [--wait] [--admin ADDR] [--token-file F]",
    "Has a running one finish what is under way and stop.", drain_rows,
    sizeof drain_rows / sizeof *drain_rows};

/* It has stopped once nobody answers any more. */
static void wait_for_the_end(struct admin_call *call)
{
    while (admin_call_ask(call, "GET", "/livez", NULL, true) == 0)
        poll(NULL, 0, WAIT_PAUSE_MS);
}

int command_drain(int argc, char **argv)
{
    struct order order;
    if (!order_begin(&order, &drain_table, argc, argv))
        return order.arguments.code;
    int code = admin_call_ask(&order.call, "POST", "/api/v1/drain", NULL, false);
    if (code == 0 && order.call.status < 300 && order.wait) {
        wait_for_the_end(&order.call);
        puts("it has stopped");
    } else if (code == 0) {
        code = admin_call_well(&order.call, "it drains");
    }
    return order_end(&order, code);
}

/* ---- status ---- */

static const struct argument_row status_rows[] = {
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table status_table = {
    "status [--json] [--admin ADDR] [--token-file F]", "Says what a running one is doing.",
    status_rows, sizeof status_rows / sizeof *status_rows};

static const struct {
    const char *title, *path, *unit;
} status_lines[] = {
    {"version", "version", ""},
    {"process", "pid", ""},
    {"state", "state", ""},
    {"up", "uptime_s", " s"},
    {"threads", "threads", ""},
    {"connections", "connections", ""},
    {"requests in flight", "requests_in_flight", ""},
    {"child restarts", "child_restarts", ""},
    {"rules", "rules", ""},
    {"configuration", "configuration.snapshot", ""},
    {"last reload", "configuration.last_reload", ""},
    {"  successful", "configuration.last_reload_successful", ""},
};

static void status_print(const struct node *root)
{
    for (size_t i = 0; i < sizeof status_lines / sizeof *status_lines; i++)
        printf("%-20s %s%s\n", status_lines[i].title, admin_answer_text(root, status_lines[i].path),
               status_lines[i].unit);
    const struct node *list = tree_find(root, SPAN("listeners"));
    for (size_t i = 0; list != NULL && tree_at(list, i) != NULL; i++)
        printf("%-20s %s at %s\n", "listener", admin_answer_text(tree_at(list, i), "name"),
               admin_answer_text(tree_at(list, i), "address"));
    list = tree_find(root, SPAN("exports"));
    for (size_t i = 0; list != NULL && tree_at(list, i) != NULL; i++) {
        const struct node *item = tree_at(list, i);
        printf("%-20s %s %s: %s sent, %s waiting, %s dropped\n", "export",
               admin_answer_text(item, "destination"), admin_answer_text(item, "signal"),
               admin_answer_text(item, "sent"), admin_answer_text(item, "waiting"),
               admin_answer_text(item, "dropped"));
    }
}

int command_status(int argc, char **argv)
{
    struct order order;
    if (!order_begin(&order, &status_table, argc, argv))
        return order.arguments.code;
    int code = admin_call_ask(&order.call, "GET", "/api/v1/status", NULL, false);
    return order_end(&order,
                     code == 0 ? admin_call_show(&order.call, order.json, status_print) : code);
}

/* ---- health ---- */

static const struct argument_table health_table = {"health [--admin ADDR] [--token-file F]",
                                                   "Is a running one ready? 0: yes; 1: no.",
                                                   plain_rows, PLAIN_ROWS};

int command_health(int argc, char **argv)
{
    struct order order;
    if (!order_begin(&order, &health_table, argc, argv))
        return order.arguments.code;
    int code = admin_call_ask(&order.call, "GET", "/readyz?verbose", NULL, false);
    if (code == 0) {
        code = order.call.status == 200 ? 0 : 1;
        fwrite(order.call.answer.len > 0 ? order.call.answer.at : "", 1, order.call.answer.len,
               stdout);
    }
    return order_end(&order, code);
}
