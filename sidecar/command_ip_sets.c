/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate ip-sets list | add | remove`: the lists of addresses of a running one. */
#include <stdio.h>
#include <string.h>

#include "rules/base/encode.h"
#include "sidecar/admin_call.h"
#include "sidecar/command.h"

enum { WORDS_MOST = 3, TEXT_BYTES = 4096 };

static const struct argument_row rows[] = {
    {'i', "", "WORD", "list [NAME], add NAME ADDRESS, remove NAME ADDRESS"},
    {'t', "--ttl", "TIME", "add: for how long, like 10m; not given: until it is removed"},
    {'r', "--reason", "TEXT", "add: why, for whoever lists it"},
    {'j', "--json", NULL, "list: the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table table = {
    "ip-sets (list [NAME] | add NAME ADDRESS [--ttl TIME] [--reason TEXT] | remove NAME ADDRESS)",
    "Shows the lists of addresses of a running one, and puts addresses in for a while.", rows,
    sizeof rows / sizeof *rows};

struct order {
    struct arguments arguments;
    struct admin_call call;
    const char *words[WORDS_MOST]; /* what to do, the set, the address */
    size_t count;
    const char *ttl, *reason;
    bool json;
};

static int ask(struct order *order, const char *method, bool with_address, const char *body)
{
    struct buf path;
    buf_init(&path, TEXT_BYTES);
    buf_add(&path, SPAN("/api/v1/ip_sets"));
    if (order->count > 1) {
        buf_add_byte(&path, '/');
        percent_add(&path, span_text(order->words[1]), ":/");
    }
    if (order->count > 2)
        buf_add(&path, SPAN("/entries"));
    if (with_address) {
        buf_add_byte(&path, '/');
        percent_add(&path, span_text(order->words[2]), ":/");
    }
    bool fits = buf_add_byte(&path, '\0');
    int code = fits ? admin_call_ask(&order->call, method, path.at, body, false) : EXIT_USAGE;
    if (!fits)
        fprintf(stderr, "sidegate ip-sets: the address is too long\n");
    buf_fini(&path);
    return code;
}

/* ---- list ---- */

static void print_sets(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("ip_sets"));
    printf("%-24s %10s %8s\n", "NAME", "CONFIGURED", "LIVE");
    for (size_t i = 0; list != NULL && tree_at(list, i) != NULL; i++) {
        const struct node *set = tree_at(list, i);
        printf("%-24s %10s %8s\n", admin_answer_text(set, "name"),
               admin_answer_text(set, "configured"), admin_answer_text(set, "live"));
    }
}

static void print_entries(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("entries"));
    printf("%s: %s configured, %s put in while running\n", admin_answer_text(root, "name"),
           admin_answer_text(root, "configured"), admin_answer_text(root, "live"));
    for (size_t i = 0; list != NULL && tree_at(list, i) != NULL; i++) {
        const struct node *entry = tree_at(list, i);
        const char *expires = admin_answer_text(entry, "expires");
        printf("%-44s %-28s %s\n", admin_answer_text(entry, "address"),
               strcmp(expires, "null") == 0 || *expires == '\0' ? "until it is removed" : expires,
               admin_answer_text(entry, "reason"));
    }
}

static int list(struct order *order)
{
    int code = ask(order, "GET", false, NULL);
    return code != 0 ? code
                     : admin_call_show(&order->call, order->json,
                                       order->count == 1 ? print_sets : print_entries);
}

/* ---- add, remove ---- */

static int add(struct order *order)
{
    struct buf body;
    buf_init(&body, TEXT_BYTES);
    admin_body_add(&body, "address", order->words[2]);
    admin_body_add(&body, "ttl", order->ttl);
    admin_body_add(&body, "reason", order->reason);
    buf_add_byte(&body, '}');
    bool fits = buf_add_byte(&body, '\0');
    int code = fits ? ask(order, "PUT", false, body.at) : EXIT_USAGE;
    if (!fits)
        fprintf(stderr, "sidegate ip-sets: the reason is too long\n");
    buf_fini(&body);
    return code == 0 ? admin_call_well(&order->call, "it is in") : code;
}

static int take_out(struct order *order)
{
    int code = ask(order, "DELETE", true, NULL);
    return code == 0 ? admin_call_well(&order->call, "it is out") : code;
}

/* ---- which of them ---- */

static const struct {
    const char *name;
    size_t least, most; /* words */
    bool changes;       /* --ttl and --reason mean something */
    int (*run)(struct order *order);
} orders[] = {
    {"list", 1, 2, false, list},
    {"add", 3, 3, true, add},
    {"remove", 3, 3, false, take_out},
};
enum { ORDERS = sizeof orders / sizeof *orders };

static void take_word(struct order *order)
{
    if (order->count == WORDS_MOST)
        arguments_refuse(&order->arguments, "one word too many: '%s'", order->arguments.value);
    else
        order->words[order->count++] = order->arguments.value;
}

static int refuse(struct order *order, const char *why, const char *word)
{
    arguments_refuse(&order->arguments, "%s%s", why, word);
    return order->arguments.code;
}

static int run(struct order *order)
{
    const char *names[ORDERS];
    char near[160];
    if (order->count == 0)
        return refuse(order, "list, add or remove?", "");
    for (size_t i = 0; i < ORDERS; i++) {
        names[i] = orders[i].name;
        if (strcmp(order->words[0], names[i]) != 0)
            continue;
        if (order->count < orders[i].least || order->count > orders[i].most)
            return refuse(order, "which set, and which address?", "");
        if (!orders[i].changes && (order->ttl != NULL || order->reason != NULL))
            return refuse(order, "--ttl and --reason go with add", "");
        return orders[i].run(order);
    }
    arguments_refuse(&order->arguments, "unknown word '%s'%s", order->words[0],
                     nearest_remark(span_text(order->words[0]), names, ORDERS, near, sizeof near));
    return order->arguments.code;
}

int command_ip_sets(int argc, char **argv)
{
    struct order order = {.count = 0};
    const struct argument_row *row;
    admin_call_init(&order.call, argv[0]);
    arguments_begin(&order.arguments, &table, argc, argv);
    while ((row = arguments_next(&order.arguments)) != NULL) {
        if (admin_call_take(&order.call, &order.arguments, row))
            continue;
        switch (row->mark) {
        case 't': order.ttl = order.arguments.value; break;
        case 'r': order.reason = order.arguments.value; break;
        case 'j': order.json = true; break;
        default: take_word(&order); break;
        }
    }
    int code = order.arguments.code < 0 ? run(&order) : order.arguments.code;
    admin_call_fini(&order.call);
    return code;
}
