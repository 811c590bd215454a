/* SPDX-License-Identifier: Apache-2.0 */
/* `sidegate keys usage`: what keys used, of a running one by its admin API, or from the folder
 * where it keeps that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/admin_call.h"
#include "sidecar/command.h"
#include "sidecar/command_keys.h"
#include "sidecar/guard/api_key.h"
#include "sidecar/state/quotas.h"
#include "sidecar/usage_file.h"

enum { PATH_BYTES = 1024, ENTRIES_MOST = 1 << 20 };

struct order {
    struct arguments arguments;
    struct admin_call call;
    const char *plan, *key, *from, *to, *folder, *grant;
    bool json;
};

static const struct argument_row rows[] = {
    {'p', "--plan", "PLAN", "the usage plan"},
    {'k', "--key", "ID", "one key alone"},
    {'b', "--from", "DAY", "the first day, like 2026-11-01; not given: the first of the month"},
    {'e', "--to", "DAY", "the last day; not given: today"},
    {'g', "--grant", "N", "with --key: from now on N requests are left of the running period"},
    {'s', "--state-dir", "FOLDER", "read process.state_dir, and ask nobody"},
    {'j', "--json", NULL, "the answer as it comes"},
    ADMIN_ROWS,
};
static const struct argument_table table = {
    "keys usage --plan PLAN [--key ID] [--from DAY] [--to DAY] [--grant N] [--state-dir FOLDER]",
    "Shows what keys used, a line for each day with requests: key, day, used, remaining.", rows,
    sizeof rows / sizeof *rows};

/* ---- of a running one ---- */

/* Names and days have no byte that would have to be escaped: everything else is refused. */
static bool add_argument(struct buf *path, const char *name, const char *value)
{
    if (value == NULL)
        return true;
    buf_format(path, "%s%s=%s", span_find_byte(buf_span(path), '?') == SPAN_NONE ? "?" : "&", name,
               value);
    return api_key_is_id(span_text(value));
}

static bool path_make(const struct order *order, struct buf *path, const char *position)
{
    buf_add(path, SPAN("/api/v1/usage"));
    bool well = add_argument(path, "plan", order->plan) && add_argument(path, "key", order->key) &&
                add_argument(path, "startDate", order->from) &&
                add_argument(path, "endDate", order->to) &&
                add_argument(path, "position", position);
    return well && buf_add_byte(path, '\0');
}

/* Days count from the answer's first; those without requests say nothing new. */
static void print_key(const struct node *list, int64_t first)
{
    for (const struct node *pair = list->first; pair != NULL; pair = pair->next, first++) {
        char day[QUOTA_DATE_LENGTH];
        const struct node *used = tree_at(pair, 0), *left = tree_at(pair, 1);
        if (used == NULL || left == NULL || span_is(used->text, SPAN("0")))
            continue;
        quota_date_write(day, first);
        printf("%-24.*s %.*s %10.*s %10.*s\n", span_arg(list->key), QUOTA_DATE_LENGTH, day,
               span_arg(used->text),
               span_arg(span_is(left->text, SPAN("null")) || left->text.len == 0 ? SPAN("-")
                                                                                 : left->text));
    }
}

/* *position: where the next page begins, in memory of the answer; NULL: there is none. */
static int print_answer(const struct order *order, char position[QUOTA_NAME_MOST + 1])
{
    struct admin_answer answer = admin_answer_read(&order->call);
    const struct node *values = answer.root != NULL ? tree_find(answer.root, SPAN("values")) : NULL;
    const struct node *next = answer.root != NULL ? tree_find(answer.root, SPAN("position")) : NULL;
    int64_t first;
    bool well = values != NULL &&
                quota_date_parse(span_text(admin_answer_text(answer.root, "startDate")), &first);
    if (!well)
        fprintf(stderr, "sidegate keys usage: the answer is no usage\n");
    for (const struct node *key = well ? values->first : NULL; key != NULL; key = key->next)
        print_key(key, first);
    snprintf(position, QUOTA_NAME_MOST + 1, SPAN_FORMAT,
             span_arg(next != NULL ? next->text : SPAN("")));
    admin_answer_free(&answer);
    return well ? 0 : 1;
}

static int ask(struct order *order, const char *method, const char *body, const char *position)
{
    struct buf path;
    buf_init(&path, PATH_BYTES);
    int code;
    if (path_make(order, &path, *position != '\0' ? position : NULL)) {
        code = admin_call_ask(&order->call, method, path.at, body, false);
    } else {
        arguments_refuse(&order->arguments, "--plan, --key, --from, --to: this is none");
        code = order->arguments.code;
    }
    buf_fini(&path);
    if (code == 0 && order->call.status != 200)
        return admin_call_problem(&order->call);
    if (code == 0 && order->json)
        fwrite(order->call.answer.at, 1, order->call.answer.len, stdout);
    return code;
}

static int ask_pages(struct order *order)
{
    char position[QUOTA_NAME_MOST + 1] = "";
    int code;
    do {
        code = ask(order, "GET", NULL, position);
        if (code == 0 && order->json)
            break; /* as it comes: who reads it asks for the next page */
        if (code == 0)
            code = print_answer(order, position);
    } while (code == 0 && *position != '\0');
    return code;
}

static int grant(struct order *order)
{
    char body[256], position[QUOTA_NAME_MOST + 1];
    size_t digits = strspn(order->grant, "0123456789");
    if (order->key == NULL || digits == 0 || digits > 10 || order->grant[digits] != '\0') {
        arguments_refuse(&order->arguments, "--grant: expected a number, and --key");
        return order->arguments.code;
    }
    snprintf(
        body, sizeof body,
        "{\"patchOperations\":[{\"op\":\"replace\",\"path\":\"/remaining\",\"value\":\"%s\"}]}",
        order->grant);
    int code = ask(order, "PATCH", body, "");
    return code == 0 && !order->json ? print_answer(order, position) : code;
}

/* ---- from the folder ---- */

struct reading {
    const struct order *order;
    int64_t first, last;
};

static void print_row(void *to, const struct quota_row *row)
{
    const struct reading *reading = to;
    const char *plan = reading->order->plan, *key = reading->order->key;
    char day[QUOTA_DATE_LENGTH], left[24] = "-";
    if (!span_is(row->plan, span_text(plan)) || row->key.len == 0 ||
        (key != NULL && !span_is(row->key, span_text(key))) || row->day.day < reading->first ||
        row->day.day > reading->last)
        return;
    quota_date_write(day, row->day.day);
    if (row->day.remaining != UINT64_MAX)
        snprintf(left, sizeof left, "%llu", (unsigned long long)row->day.remaining);
    printf("%-24.*s %.*s %10llu %10s\n", span_arg(row->key), QUOTA_DATE_LENGTH, day,
           (unsigned long long)row->day.used, left);
}

static int read_folder(struct order *order)
{
    struct reading reading = {.order = order, .first = INT64_MIN, .last = INT64_MAX};
    bool days = (order->from == NULL || quota_date_parse(span_text(order->from), &reading.first)) &&
                (order->to == NULL || quota_date_parse(span_text(order->to), &reading.last));
    if (!days || order->grant != NULL) {
        arguments_refuse(&order->arguments, days ? "--grant: a running one has to be asked"
                                                 : "--from, --to: a day like 2026-11-21");
        return order->arguments.code;
    }
    struct quotas *quotas = quotas_new(ENTRIES_MOST);
    struct usage_read result = usage_file_read(order->folder, quotas);
    if (result.is_there && result.error == 0)
        quotas_collect(quotas, true, print_row, &reading);
    else
        fprintf(stderr, "sidegate keys usage: %s/usage.log: %s\n", order->folder,
                result.is_there ? strerrordesc_np(result.error) : "there is none");
    if (result.broken > 0)
        fprintf(stderr, "sidegate keys usage: %zu lines are broken\n", result.broken);
    quotas_free(quotas);
    return result.is_there && result.error == 0 && result.broken == 0 ? 0 : 1;
}

/* ---- the word ---- */

static void take(struct order *order, char mark)
{
    const char *value = order->arguments.value;
    switch (mark) {
    case 'p': order->plan = value; break;
    case 'k': order->key = value; break;
    case 'b': order->from = value; break;
    case 'e': order->to = value; break;
    case 'g': order->grant = value; break;
    case 's': order->folder = value; break;
    default: order->json = true; break;
    }
}

int keys_usage(int argc, char **argv)
{
    struct order order = {.json = false};
    const struct argument_row *row;
    admin_call_init(&order.call, "keys usage");
    arguments_begin(&order.arguments, &table, argc, argv);
    while ((row = arguments_next(&order.arguments)) != NULL)
        if (!admin_call_take(&order.call, &order.arguments, row))
            take(&order, row->mark);
    if (order.arguments.code < 0 && order.plan == NULL)
        arguments_refuse(&order.arguments, "--plan is missing");
    int code = order.arguments.code;
    if (code < 0 && order.folder != NULL)
        code = read_folder(&order);
    else if (code < 0)
        code = order.grant != NULL ? grant(&order) : ask_pages(&order);
    admin_call_fini(&order.call);
    return code;
}
