/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate metrics list | get`: the metrics of a running one in CloudWatch's way. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "exporters/alarms/statistic.h"
#include "exporters/cloudwatch/collector.h"
#include "rules/base/encode.h"
#include "rules/base/number.h"
#include "sidecar/admin_call.h"
#include "sidecar/command.h"
#include "sidecar/config/private_file.h"
#include "sidecar/metric_request.h"

enum {
    REQUEST_BYTES = 64 * 1024, /* what the admin API takes */
    SECOND_US = 1000000,
    SINCE_S = 3600,
    PERIOD_S = 60,
    NAMES_MOST = 10000,
    HINT_BYTES = 300,
    WHY_BYTES = 160,
};

static const struct argument_row list_rows[] = {
    {'n', "", "NAME", "of this metric alone, like Latency"},
    {'N', "--namespace", "NAME", "of this namespace alone"},
    {'d', "--dimension", "NAME=VALUE", "of this dimension alone; again: of all of them"},
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table list_table = {
    "metrics list [NAME] [--namespace NAME] [--dimension NAME=VALUE]... [--json] [--admin ADDR] "
    "[--token-file F]",
    "Lists the metrics of a running one.", list_rows, sizeof list_rows / sizeof *list_rows};

static const struct argument_row get_rows[] = {
    {'n', "", "NAME", "the metric, like Latency; without a dimension: with all that it has"},
    {'d', "--dimension", "NAME=VALUE", "again: all dimensions of one metric"},
    {'N', "--namespace", "NAME",
     "of that metric, Sidegate unless given; or where it is looked for"},
    {'s', "--statistic", "STAT", "Average unless given; Sum, p99, tm99, TM(5%:95%), PR(:300)..."},
    {'p', "--period", "TIME", "60s unless given; 1s, 5s, 10s, 20s, 30s or minutes"},
    {'h', "--since", "TIME", "so long ago, 1h unless given"},
    {'b', "--start", "TIME", "instead: 2026-11-21T20:00:00Z"},
    {'e', "--end", "TIME", "now unless given"},
    {'x', "--expression", "TEXT",
     "instead of a metric: SEARCH('{Sidegate,ApiName} 5XXError', ...)"},
    {'q', "--query", "FILE", "instead of all these: GetMetricData's JSON; -: from stdin"},
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table get_table = {
    "metrics get NAME [OPTION]... | --expression TEXT [OPTION]... | --query FILE",
    "Shows what a metric of a running one has come to, period by period.", get_rows,
    sizeof get_rows / sizeof *get_rows};

struct order {
    struct arguments arguments;
    struct admin_call call;
    const char *name, *namespace, *expression, *query, *statistic;
    const char *dimensions[METRIC_DIMENSIONS_MOST];
    size_t dimension_count;
    uint64_t period_us, since_us;
    int64_t start_s, end_s; /* 0: not given */
    bool json;
};

/* ---- the command line ---- */

static void take_dimension(struct order *order)
{
    const char *value = order->arguments.value;
    if (order->dimension_count == METRIC_DIMENSIONS_MOST || strchr(value, '=') == NULL)
        arguments_refuse(&order->arguments, "--dimension: expected NAME=VALUE, 30 at most");
    else
        order->dimensions[order->dimension_count++] = value;
}

static void take_statistic(struct order *order)
{
    struct statistic statistic;
    char hint[HINT_BYTES];
    order->statistic = order->arguments.value;
    if (!statistic_parse(span_text(order->statistic), &statistic, hint, sizeof hint))
        arguments_refuse(&order->arguments,
                         "--statistic: '%s' is none of Average, Sum, Minimum, Maximum, "
                         "SampleCount, p99, tm99, TM(5%%:95%%), TC, TS, WM, PR(:300), IQM%s%s",
                         order->statistic, hint[0] != '\0' ? "; " : "", hint);
}

static void take(struct order *order, const struct argument_row *row)
{
    const char *value = order->arguments.value;
    switch (row->mark) {
    case 'n':
        if (order->name != NULL)
            arguments_refuse(&order->arguments, "one metric at a time");
        order->name = value;
        break;
    case 'd': take_dimension(order); break;
    case 'N': order->namespace = value; break;
    case 's': take_statistic(order); break;
    case 'p': arguments_duration(&order->arguments, &order->period_us); break;
    case 'h': arguments_duration(&order->arguments, &order->since_us); break;
    case 'b': arguments_moment(&order->arguments, &order->start_s); break;
    case 'e': arguments_moment(&order->arguments, &order->end_s); break;
    case 'x': order->expression = value; break;
    case 'q': order->query = value; break;
    default: order->json = true;
    }
}

/* False: it ended; arguments.code says how. */
static bool order_begin(struct order *order, const char *command,
                        const struct argument_table *table, int argc, char **argv)
{
    const struct argument_row *row;
    *order = (struct order){.statistic = "Average",
                            .period_us = (uint64_t)PERIOD_S * SECOND_US,
                            .since_us = (uint64_t)SINCE_S * SECOND_US};
    admin_call_init(&order->call, command);
    arguments_begin(&order->arguments, table, argc, argv);
    while ((row = arguments_next(&order->arguments)) != NULL)
        if (!admin_call_take(&order->call, &order->arguments, row))
            take(order, row);
    if (order->arguments.code < 0)
        return true;
    admin_call_fini(&order->call);
    return false;
}

/* ---- requests ---- */

static void add_member(struct buf *to, const char *name, const char *value)
{
    buf_format(to, ",\"%s\":", name);
    json_add_string(to, span_text(value));
}

static void add_dimensions(const struct order *order, struct buf *to)
{
    buf_add(to, SPAN("\"Dimensions\":["));
    for (size_t i = 0; i < order->dimension_count; i++) {
        struct span value = span_text(order->dimensions[i]);
        struct span name = span_cut(&value, '=');
        buf_add(to, i > 0 ? SPAN(",{\"Name\":") : SPAN("{\"Name\":"));
        json_add_string(to, name);
        if (value.len > 0) {
            buf_add(to, SPAN(",\"Value\":"));
            json_add_string(to, value);
        }
        buf_add_byte(to, '}');
    }
    buf_add_byte(to, ']');
}

/* As a SEARCH's series are called. */
static void add_label(const struct order *order, struct buf *to)
{
    struct buf label;
    if (order->expression != NULL || order->dimension_count == 0)
        return;
    buf_init(&label, REQUEST_BYTES);
    buf_add(&label, span_text(order->name));
    for (size_t i = 0; i < order->dimension_count; i++)
        buf_format(&label, " %s", order->dimensions[i]);
    buf_add_byte(&label, '\0');
    add_member(to, "Label", label.at);
    buf_fini(&label);
}

static void add_expression(const struct order *order, uint64_t period_s, struct buf *to)
{
    const char *namespace = order->namespace;
    struct buf text;
    buf_init(&text, REQUEST_BYTES);
    if (order->expression != NULL)
        buf_add(&text, span_text(order->expression));
    else
        buf_format(&text, "SEARCH('%s%s%sMetricName=\"%s\"', '%s', %llu)",
                   namespace != NULL ? "Namespace=\"" : "", namespace != NULL ? namespace : "",
                   namespace != NULL ? "\" " : "", order->name, order->statistic,
                   (unsigned long long)period_s);
    buf_format(to, ",\"Period\":%llu,\"Expression\":", (unsigned long long)period_s);
    json_add_string(to, buf_span(&text));
    buf_fini(&text);
}

static void add_metric(const struct order *order, uint64_t period_s, struct buf *to)
{
    buf_format(to, ",\"MetricStat\":{\"Period\":%llu", (unsigned long long)period_s);
    add_member(to, "Stat", order->statistic);
    buf_add(to, SPAN(",\"Metric\":{"));
    add_dimensions(order, to);
    add_member(to, "MetricName", order->name);
    if (order->namespace != NULL)
        add_member(to, "Namespace", order->namespace);
    buf_add(to, SPAN("}}"));
}

static void add_times(const struct order *order, struct buf *to)
{
    int64_t end_s = order->end_s != 0 ? order->end_s : (int64_t)time(NULL) + 1;
    int64_t start_s =
        order->start_s != 0 ? order->start_s : end_s - (int64_t)(order->since_us / SECOND_US);
    buf_format(to, ",\"StartTime\":%lld,\"EndTime\":%lld", (long long)start_s, (long long)end_s);
}

/* A metric without dimensions is looked for; else it is the one that has these. */
static void add_query(const struct order *order, struct buf *to)
{
    uint64_t period_s = order->period_us / SECOND_US;
    buf_add(to, SPAN("{\"MetricDataQueries\":[{\"Id\":\"m1\""));
    add_label(order, to);
    if (order->expression != NULL || order->dimension_count == 0)
        add_expression(order, period_s, to);
    else
        add_metric(order, period_s, to);
    buf_add(to, SPAN("}],\"ScanBy\":\"TimestampAscending\""));
    add_times(order, to);
    buf_add_byte(to, '}');
}

/* False: said. */
static bool read_query(const struct order *order, struct buf *to)
{
    char why[WHY_BYTES];
    bool well = input_read(order->query, to, why, sizeof why);
    if (!well)
        fprintf(stderr, "sidegate metrics get: %s: %s\n", order->query, why);
    return well;
}

/* ---- answers ---- */

static void print_list(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("Metrics"));
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        const struct node *dimensions = tree_find(n, SPAN("Dimensions"));
        printf("%-10s %-20s", admin_answer_text(n, "Namespace"),
               admin_answer_text(n, "MetricName"));
        for (const struct node *d = dimensions != NULL ? dimensions->first : NULL; d != NULL;
             d = d->next)
            printf(" %s=%s", admin_answer_text(d, "Name"), admin_answer_text(d, "Value"));
        putchar('\n');
    }
}

static void print_data(const struct node *root)
{
    const struct node *list = tree_find(root, SPAN("MetricDataResults"));
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        const struct node *times = tree_find(n, SPAN("Timestamps"));
        const struct node *values = tree_find(n, SPAN("Values"));
        printf("%s\n", admin_answer_text(n, "Label"));
        for (size_t i = 0; tree_at(times, i) != NULL && tree_at(values, i) != NULL; i++)
            printf("  " SPAN_FORMAT "  " SPAN_FORMAT "\n", span_arg(tree_at(times, i)->text),
                   span_arg(tree_at(values, i)->text));
    }
    if (tree_find(root, SPAN("NextToken")) != NULL)
        fprintf(stderr, "there is more: ask for less, or with --json and its NextToken\n");
    list = tree_find(root, SPAN("Messages"));
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next)
        fprintf(stderr, "%s: %s\n", admin_answer_text(n, "Code"), admin_answer_text(n, "Value"));
}

/* 0: there is an answer. */
static int post(struct order *order, struct buf *request)
{
    if (buf_add_byte(request, '\0'))
        return admin_call_ask(&order->call, "POST", "/api/v1/metrics", request->at, false);
    fprintf(stderr, "sidegate %s: that is too long\n", order->call.command);
    return 1;
}

static int ask(struct order *order, struct buf *request, void (*print)(const struct node *root))
{
    int code = post(order, request);
    if (code == 0)
        code = admin_call_show(&order->call, order->json, print);
    buf_fini(request);
    return code;
}

/* ---- nothing was found ---- */

/* Did the answer to this call have a point? */
static bool has_points(const struct admin_call *call)
{
    struct admin_answer answer = admin_answer_read(call);
    const struct node *list =
        answer.root != NULL ? tree_find(answer.root, SPAN("MetricDataResults")) : NULL;
    bool has = false;
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next) {
        const struct node *values = tree_find(n, SPAN("Values"));
        has = has || (values != NULL && values->count > 0);
    }
    admin_answer_free(&answer);
    return has;
}

static bool has_dimensions(const struct order *order, const struct node *metric)
{
    const struct node *list = tree_find(metric, SPAN("Dimensions"));
    size_t found = 0;
    for (const struct node *d = list != NULL ? list->first : NULL; d != NULL; d = d->next)
        for (size_t i = 0; i < order->dimension_count; i++) {
            struct span value = span_text(order->dimensions[i]);
            struct span name = span_cut(&value, '=');
            found += span_is(name, span_text(admin_answer_text(d, "Name"))) &&
                     span_is(value, span_text(admin_answer_text(d, "Value")));
        }
    return found == order->dimension_count && list != NULL && list->count == found;
}

static int say_unknown_name(const struct order *order, const struct node *list)
{
    const char *names[NAMES_MOST];
    char hint[HINT_BYTES];
    size_t count = 0;
    for (size_t i = 0; collector_metric_name(i) != NULL && count < NAMES_MOST; i++)
        names[count++] = collector_metric_name(i);
    for (const struct node *n = list->first; n != NULL && count < NAMES_MOST; n = n->next)
        names[count++] = admin_answer_text(n, "MetricName");
    fprintf(stderr, "sidegate metrics get: no metric is called '%s'%s\n", order->name,
            nearest_remark(span_text(order->name), names, count, hint, sizeof hint));
    return 1;
}

static int say_unknown_dimensions(const struct order *order)
{
    fprintf(stderr, "sidegate metrics get: no metric '%s'", order->name);
    if (order->namespace != NULL)
        fprintf(stderr, " of %s", order->namespace);
    for (size_t i = 0; i < order->dimension_count; i++)
        fprintf(stderr, "%s %s", i > 0 ? "," : " has the dimensions", order->dimensions[i]);
    fprintf(stderr, "%s; sidegate metrics list %s shows those that there are\n",
            order->dimension_count > 0 ? " and no others" : " is kept", order->name);
    return 1;
}

static bool is_meant(const struct order *order, const struct node *metric)
{
    const char *where = order->namespace;
    if (where == NULL && order->dimension_count > 0)
        where = COLLECTOR_NAMESPACE;
    return (where == NULL || strcmp(admin_answer_text(metric, "Namespace"), where) == 0) &&
           (order->dimension_count == 0 || has_dimensions(order, metric));
}

static int say_no_samples(void)
{
    fprintf(stderr, "sidegate metrics get: there are no samples in this time\n");
    return 0;
}

/* Is it counted, but has not come yet? What nobody has blocked has no series. */
static bool is_to_come(const struct order *order)
{
    const struct metric_id id = {.namespace = SPAN(COLLECTOR_NAMESPACE),
                                 .name = span_text(order->name)};
    bool is_ours = order->namespace == NULL || strcmp(order->namespace, COLLECTOR_NAMESPACE) == 0;
    return is_ours && collector_unit(&id).len > 0;
}

static int say_to_come(const struct order *order)
{
    fprintf(stderr, "sidegate metrics get: '%s' has no samples yet\n", order->name);
    return 0;
}

/* Of all metrics: is there one of this name, with these dimensions? */
static int unknown_look(const struct order *order, const struct node *list)
{
    bool is_named = false;
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        if (strcmp(admin_answer_text(n, "MetricName"), order->name) != 0)
            continue;
        is_named = true;
        if (is_meant(order, n))
            return say_no_samples();
    }
    if (is_named)
        return say_unknown_dimensions(order);
    return is_to_come(order) ? say_to_come(order) : say_unknown_name(order, list);
}

/* As a SEARCH has it: {Namespace,Name,Name}. */
static void add_schema(const struct node *metric, struct buf *to)
{
    const struct node *list = tree_find(metric, SPAN("Dimensions"));
    buf_format(to, "{%s", admin_answer_text(metric, "Namespace"));
    for (const struct node *d = list != NULL ? list->first : NULL; d != NULL; d = d->next)
        buf_format(to, ",%s", admin_answer_text(d, "Name"));
    buf_add_byte(to, '}');
}

/* The namespace that an expression's first schema names; where there is none: "". */
static struct span searched_namespace(struct span expression)
{
    size_t at = span_find_byte(expression, '{');
    if (at == SPAN_NONE)
        return SPAN("");
    struct span rest = span_from(expression, at + 1);
    struct span inside = span_cut(&rest, '}');
    struct span namespace = span_trim(span_cut(&inside, ','), " \"");
    return span_starts(namespace, SPAN("AWS/")) ? SPAN(COLLECTOR_NAMESPACE) : namespace;
}

static void add_schemas(const struct node *list, struct span namespace, struct buf *to)
{
    struct buf one;
    buf_init(&one, REQUEST_BYTES);
    for (const struct node *n = list->first; n != NULL; n = n->next) {
        if (namespace.len > 0 && !span_is(namespace, span_text(admin_answer_text(n, "Namespace"))))
            continue;
        buf_clear(&one);
        add_schema(n, &one);
        if (span_find(buf_span(to), buf_span(&one)) != SPAN_NONE)
            continue;
        buf_add(to, to->len > 0 ? SPAN(", ") : SPAN(""));
        buf_add(to, buf_span(&one));
    }
    buf_fini(&one);
}

static int say_nothing_fits(const struct order *order, const struct node *list)
{
    struct buf schemas;
    buf_init(&schemas, REQUEST_BYTES);
    add_schemas(list, searched_namespace(span_text(order->expression)), &schemas);
    if (schemas.len == 0)
        add_schemas(list, SPAN(""), &schemas);
    fprintf(stderr, "sidegate metrics get: no metric fits; there are " SPAN_FORMAT "\n",
            span_arg(schemas.len > 0 ? buf_span(&schemas) : SPAN("none yet")));
    buf_fini(&schemas);
    return 1;
}

/* Did the answer to this call have a metric at all? */
static bool has_series(const struct admin_call *call)
{
    struct admin_answer answer = admin_answer_read(call);
    const struct node *list =
        answer.root != NULL ? tree_find(answer.root, SPAN("MetricDataResults")) : NULL;
    bool has = list != NULL && list->count > 0;
    admin_answer_free(&answer);
    return has;
}

/* Did the answer to this call say so? */
static bool has_message(const struct admin_call *call, const char *code)
{
    struct admin_answer answer = admin_answer_read(call);
    const struct node *list = answer.root != NULL ? tree_find(answer.root, SPAN("Messages")) : NULL;
    bool has = false;
    for (const struct node *n = list != NULL ? list->first : NULL; n != NULL; n = n->next)
        has = has || strcmp(admin_answer_text(n, "Code"), code) == 0;
    admin_answer_free(&answer);
    return has;
}

/* 0: there is such a metric, which has no samples in this time. */
static int say_nothing_found(struct order *order)
{
    struct buf request;
    buf_init(&request, REQUEST_BYTES);
    buf_add(&request, SPAN("{}"));
    buf_clear(&order->call.answer);
    int code = post(order, &request);
    buf_fini(&request);
    if (code != 0 || order->call.status != 200)
        return code != 0 ? code : admin_call_problem(&order->call);
    struct admin_answer answer = admin_answer_read(&order->call);
    const struct node *list = answer.root != NULL ? tree_find(answer.root, SPAN("Metrics")) : NULL;
    if (list == NULL)
        code = 1;
    else if (order->expression != NULL)
        code = say_nothing_fits(order, list);
    else
        code = unknown_look(order, list);
    admin_answer_free(&answer);
    return code;
}

/* ---- words ---- */

static int metrics_list(int argc, char **argv)
{
    struct order order;
    struct buf request;
    if (!order_begin(&order, "metrics list", &list_table, argc, argv))
        return order.arguments.code;
    buf_init(&request, REQUEST_BYTES);
    buf_add_byte(&request, '{');
    add_dimensions(&order, &request);
    if (order.name != NULL)
        add_member(&request, "MetricName", order.name);
    if (order.namespace != NULL)
        add_member(&request, "Namespace", order.namespace);
    buf_add_byte(&request, '}');
    int code = ask(&order, &request, print_list);
    admin_call_fini(&order.call);
    return code;
}

/* An answer without a point. */
static int look_why(struct order *order)
{
    if (has_message(&order->call, METRIC_NO_SAMPLES))
        return order->json ? say_no_samples() : 0; /* which was printed */
    if (order->expression != NULL && has_series(&order->call))
        return say_no_samples();
    return say_nothing_found(order);
}

static int metrics_get(int argc, char **argv)
{
    struct order order;
    struct buf request;
    if (!order_begin(&order, "metrics get", &get_table, argc, argv))
        return order.arguments.code;
    if ((order.name != NULL) + (order.expression != NULL) + (order.query != NULL) != 1) {
        arguments_refuse(&order.arguments, "a metric's name, --expression or --query?");
        admin_call_fini(&order.call);
        return order.arguments.code;
    }
    buf_init(&request, REQUEST_BYTES);
    if (order.query == NULL) {
        add_query(&order, &request);
    } else if (!read_query(&order, &request)) {
        buf_fini(&request);
        admin_call_fini(&order.call);
        return 1;
    }
    int code = ask(&order, &request, print_data);
    if (code == 0 && order.query == NULL && !has_points(&order.call))
        code = look_why(&order);
    admin_call_fini(&order.call);
    return code;
}

static const struct argument_table metrics_table = {
    "metrics list|get", "Lists the metrics of a running one, or shows what they have come to.",
    NULL, 0};

int command_metrics(int argc, char **argv)
{
    static const struct argument_word each[] = {
        {"list", metrics_list},
        {"get", metrics_get},
    };
    return arguments_run_word(&metrics_table, each, sizeof each / sizeof *each, argc, argv);
}
