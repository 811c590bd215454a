/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate sampled-requests`: requests of a rule that a running one has kept. */
#include <stdio.h>
#include <time.h>

#include "rules/base/encode.h"
#include "rules/base/number.h"
#include "sidecar/admin_call.h"
#include "sidecar/command.h"
#include "sidecar/metric_request.h"

enum { PATH_BYTES = 4096, SECOND_US = 1000000 };

static const struct argument_row rows[] = {
    {'r', "", "RULE", "the metric name of a rule, or its own; without one: which there are"},
    {'w', "--web-acl", "NAME", "where several web ACLs have the rule: of this one, by name or ARN"},
    {'h', "--since", "TIME", "so long ago, 3h unless given; nothing is older"},
    {'b', "--start", "TIME", "instead: 2026-11-21T20:00:00Z"},
    {'e', "--end", "TIME", "now unless given"},
    {'m', "--max", "N", "at most so many, 1 to 500; 100 unless given"},
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table table = {
    "sampled-requests [RULE] [OPTION]...",
    "Shows a sample of the requests that a rule had to do with, as AWS WAF keeps them.", rows,
    sizeof rows / sizeof *rows};

struct order {
    struct arguments arguments;
    struct admin_call call;
    struct buf query;
    bool has_rule, json;
};

/* ---- the command line ---- */

static void add_argument(struct order *order, const char *name, struct span value)
{
    buf_format(&order->query, "%c%s=", order->query.len == 0 ? '?' : '&', name);
    percent_add(&order->query, value, "");
}

static void add_since(struct order *order)
{
    uint64_t since_us;
    char text[24];
    if (!arguments_duration(&order->arguments, &since_us))
        return;
    snprintf(text, sizeof text, "%lld", (long long)time(NULL) - (long long)(since_us / SECOND_US));
    add_argument(order, "start", span_text(text));
}

static void add_time(struct order *order, const char *name)
{
    int64_t seconds;
    if (arguments_moment(&order->arguments, &seconds))
        add_argument(order, name, span_text(order->arguments.value));
}

static void take(struct order *order, const struct argument_row *row)
{
    struct span value =
        order->arguments.value != NULL ? span_text(order->arguments.value) : SPAN("");
    switch (row->mark) {
    case 'r':
        if (order->has_rule)
            arguments_refuse(&order->arguments, "one rule at a time");
        order->has_rule = true;
        add_argument(order, "rule", value);
        break;
    case 'w': add_argument(order, "web_acl", value); break;
    case 'h': add_since(order); break;
    case 'b': add_time(order, "start"); break;
    case 'e': add_time(order, "end"); break;
    case 'm': add_argument(order, "max", value); break;
    default: order->json = true;
    }
}

/* False: it ended; arguments.code says how. */
static bool order_read(struct order *order, int argc, char **argv)
{
    const struct argument_row *row;
    arguments_begin(&order->arguments, &table, argc, argv);
    while ((row = arguments_next(&order->arguments)) != NULL)
        if (!admin_call_take(&order->call, &order->arguments, row))
            take(order, row);
    if (order->arguments.code >= 0)
        return false;
    if (!order->has_rule && order->query.len > 0)
        arguments_refuse(&order->arguments, "of which rule?");
    return order->arguments.code < 0;
}

/* ---- what is shown ---- */

static void print_rules(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("Rules"));
    printf("%-20s %-30s %12s %6s\n", "WEB ACL", "METRIC NAME", "REQUESTS", "KEPT");
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        bool sampled =
            span_is(span_text(admin_answer_text(n, "SampledRequestsEnabled")), SPAN("true"));
        printf("%-20s %-30s %12s %6s%s\n", admin_answer_text(n, "WebAcl"),
               admin_answer_text(n, "RuleMetricName"), admin_answer_text(n, "PopulationSize"),
               admin_answer_text(n, "Kept"), sampled ? "" : "  not sampled");
    }
}

static void print_sample(const struct node *n)
{
    const char *inner = admin_answer_text(n, "RuleNameWithinRuleGroup");
    const char *overridden = admin_answer_text(n, "OverriddenAction");
    bool has_inner = !span_is(span_text(inner), SPAN("-"));
    bool is_overridden = !span_is(span_text(overridden), SPAN("-"));
    printf("%.19sZ %7s %-6s %-15s %-3s %-7s %s", admin_answer_text(n, "Timestamp"),
           admin_answer_text(n, "Weight"), admin_answer_text(n, "Action"),
           admin_answer_text(n, "Request.ClientIP"), admin_answer_text(n, "Request.Country"),
           admin_answer_text(n, "Request.Method"), admin_answer_text(n, "Request.URI"));
    printf("%s%s%s%s\n", has_inner ? "  by " : "", has_inner ? inner : "",
           is_overridden ? "  instead of " : "", is_overridden ? overridden : "");
}

static void print_samples(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("SampledRequests"));
    size_t count = 0;
    printf("%-20s %7s %-6s %-15s %-3s %-7s %s\n", "TIME", "WEIGHT", "ACTION", "CLIENT", "CC",
           "METHOD", "URI");
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        print_sample(n);
        count++;
    }
    printf("%zu of %s requests, %s to %s\n", count, admin_answer_text(root, "PopulationSize"),
           admin_answer_text(root, "TimeWindow.StartTime"),
           admin_answer_text(root, "TimeWindow.EndTime"));
}

static int ask(struct order *order)
{
    struct buf path;
    int code = 1;
    buf_init(&path, PATH_BYTES);
    buf_add(&path, SPAN("/api/v1/sampled_requests"));
    buf_add(&path, buf_span(&order->query));
    if (buf_is_full(&order->query) || !buf_add_byte(&path, '\0'))
        fprintf(stderr, "sidegate %s: that is too long\n", order->call.command);
    else
        code = admin_call_ask(&order->call, "GET", path.at, NULL, false);
    buf_fini(&path);
    return code != 0 ? code
                     : admin_call_show(&order->call, order->json,
                                       order->has_rule ? print_samples : print_rules);
}

int command_samples(int argc, char **argv)
{
    struct order order = {.json = false};
    admin_call_init(&order.call, "sampled-requests");
    buf_init(&order.query, PATH_BYTES / 2);
    int code = order_read(&order, argc, argv) ? ask(&order) : order.arguments.code;
    buf_fini(&order.query);
    admin_call_fini(&order.call);
    return code;
}
