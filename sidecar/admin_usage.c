/* SPDX-License-Identifier: Apache-2.0 */
/* /api/v1/usage: what API keys used of their usage plans, day by day, in the shape of API Gateway's
 * GetUsage and UpdateUsage:
 *
 *   GET   ?plan=basic [&key=k1] [&startDate=2026-11-01] [&endDate=2026-11-21] [&limit=N]
 * [&position=KEY]
 *         {"usagePlanId":"basic","startDate":..,"endDate":..,"values":{"k1":[[used,remaining],..]},"position":..}
 *   PATCH ?plan=basic&key=k1
 * {"patchOperations":[{"op":"replace","path":"/remaining","value":"100"}]}
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "rules/base/encode.h"
#include "rules/base/must.h"
#include "rules/base/number.h"
#include "sidecar/admin_inside.h"
#include "sidecar/guard/api_key.h"
#include "sidecar/state/quotas.h"

enum {
    KEYS_FIRST = 64,
    KEYS_MOST = 500, /* in one answer */
    REMAINING_MOST = 1000000000,
};

/* ---- what is asked ---- */

struct question {
    const struct usage_plan_settings *plan;
    struct span key; /* empty: all */
    int64_t first, last;
    size_t limit;
    struct span position; /* keys up to this one were told already */
};

/* The value of an argument; at == NULL: not given. Names and dates need no escapes. */
static struct span argument(struct span query, const char *name)
{
    while (query.at != NULL) {
        struct span value = span_cut(&query, '&');
        if (span_is(span_cut(&value, '='), span_text(name)) && value.at != NULL)
            return value;
    }
    return span_make(NULL, 0);
}

static bool find_plan(const struct process *process, struct service_call *call,
                      struct question *question)
{
    const struct settings *settings = process->snapshot->settings;
    struct span name = argument(call->query, "plan");
    if (name.len == 0)
        return admin_refuse(call, 400, "which usage plan? ?plan=NAME");
    for (size_t i = 0; i < settings->usage_plan_count; i++)
        if (span_is(settings->usage_plans[i].name, name))
            question->plan = &settings->usage_plans[i];
    return question->plan != NULL || admin_refuse(call, 404, "there is no such usage plan");
}

static bool read_day(struct service_call *call, const char *name, int64_t *day)
{
    struct span text = argument(call->query, name);
    return text.at == NULL || quota_date_parse(text, day) ||
           admin_refuse(call, 400, "startDate and endDate: expected a day like 2026-11-21");
}

static bool read_question(const struct process *process, struct service_call *call,
                          struct question *question)
{
    uint64_t limit = KEYS_MOST;
    struct span text = argument(call->query, "limit");
    *question = (struct question){.key = argument(call->query, "key"),
                                  .position = argument(call->query, "position")};
    question->last = (int64_t)(loop_wall_us(process->loop) / 1000000 / QUOTA_SECONDS_OF_DAY);
    if (!find_plan(process, call, question) || !read_day(call, "endDate", &question->last))
        return false;
    question->first = quota_period_begins(QUOTA_MONTH, question->last);
    if (!read_day(call, "startDate", &question->first))
        return false;
    if (question->first > question->last || question->last - question->first >= QUOTA_DAYS_MOST)
        return admin_refuse(call, 400, "startDate to endDate: expected 1 to 93 days");
    if (text.at != NULL && (!number_parse(text, &limit) || limit == 0 || limit > KEYS_MOST))
        return admin_refuse(call, 400, "limit: expected a number from 1 to 500");
    question->limit = (size_t)limit;
    return true;
}

/* ---- which keys ---- */

struct keys {
    char (*at)[QUOTA_NAME_MOST + 1];
    size_t count, size;
};

static void keep_key(void *to, struct span key)
{
    struct keys *keys = to;
    if (keys->count == keys->size) {
        keys->size = keys->size == 0 ? KEYS_FIRST : keys->size * 2;
        keys->at = must_realloc(keys->at, keys->size * sizeof *keys->at);
    }
    snprintf(keys->at[keys->count++], sizeof *keys->at, SPAN_FORMAT, span_arg(key));
}

static int compare_keys(const void *a, const void *b)
{
    return span_compare(span_text(a), span_text(b));
}

/* ---- the answer ---- */

static void add_date(struct buf *to, const char *name, int64_t day)
{
    char text[QUOTA_DATE_LENGTH];
    quota_date_write(text, day);
    buf_format(to, ",\"%s\":\"%.*s\"", name, QUOTA_DATE_LENGTH, text);
}

/* A plan without a quota has nothing that could be left. */
static void add_days(struct buf *to, const struct quota_day *days, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_format(to, "%s[%llu,", i > 0 ? "," : "", (unsigned long long)days[i].used);
        if (days[i].remaining == UINT64_MAX)
            buf_add(to, SPAN("null]"));
        else
            buf_format(to, "%llu]", (unsigned long long)days[i].remaining);
    }
}

static bool add_key(const struct process *process, const struct question *question, struct span key,
                    bool first, struct buf *to)
{
    struct quota_day days[QUOTA_DAYS_MOST];
    struct quota_key of = {question->plan->name, key};
    if (!quotas_days(process->workers.quotas, &of, &question->plan->quota, question->first,
                     question->last, days))
        return false;
    buf_add(to, first ? SPAN("") : SPAN(","));
    json_add_string(to, key);
    buf_add(to, SPAN(":["));
    add_days(to, days, (size_t)(question->last - question->first + 1));
    return buf_add_byte(to, ']');
}

static void add_keys(const struct process *process, const struct question *question, struct buf *to,
                     struct buf *position)
{
    struct keys keys = {0};
    size_t told = 0;
    quotas_each(process->workers.quotas, question->plan->name, keep_key, &keys);
    if (keys.count > 0)
        qsort(keys.at, keys.count, sizeof *keys.at, compare_keys);
    for (size_t i = 0; i < keys.count; i++) {
        struct span key = span_text(keys.at[i]);
        if (question->position.at != NULL && span_compare(key, question->position) <= 0)
            continue;
        if (told == question->limit) {
            buf_add(position, span_text(keys.at[i - 1]));
            break;
        }
        told += add_key(process, question, key, told == 0, to);
    }
    free(keys.at);
}

static void answer(const struct process *process, const struct question *question,
                   struct service_call *call)
{
    struct buf *to = &call->body, position;
    buf_init(&position, QUOTA_NAME_MOST);
    call->status = 200;
    call->type = SPAN("application/json");
    buf_add(to, SPAN("{\"usagePlanId\":"));
    json_add_string(to, question->plan->name);
    add_date(to, "startDate", question->first);
    add_date(to, "endDate", question->last);
    buf_add(to, SPAN(",\"values\":{"));
    if (question->key.len > 0)
        add_key(process, question, question->key, true, to);
    else
        add_keys(process, question, to, &position);
    buf_add_byte(to, '}');
    if (position.len > 0) {
        buf_add(to, SPAN(",\"position\":"));
        json_add_string(to, buf_span(&position));
    }
    buf_add(to, SPAN("}\n"));
    buf_fini(&position);
}

bool admin_page_usage(struct process *process, struct service_call *call)
{
    struct question question;
    if (read_question(process, call, &question))
        answer(process, &question, call);
    return true;
}

/* ---- granting ---- */

/* The value of the one operation that there is. False: it is another one. */
static bool read_remaining(const json_t *root, uint64_t *remaining)
{
    const json_t *list = json_object_get(root, "patchOperations");
    const json_t *one = json_array_get(list, 0);
    const char *op = json_string_value(json_object_get(one, "op"));
    const char *path = json_string_value(json_object_get(one, "path"));
    const json_t *value = json_object_get(one, "value");
    if (json_array_size(list) != 1 || !span_is(span_text(op), SPAN("replace")) ||
        !span_is(span_text(path), SPAN("/remaining")))
        return false;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        *remaining = (uint64_t)json_integer_value(value);
    else if (!number_parse(span_text(json_string_value(value)), remaining))
        return false;
    return *remaining <= REMAINING_MOST;
}

static bool read_body(struct service_call *call, uint64_t *remaining)
{
    json_error_t error;
    struct span body = buf_span(&call->request);
    json_t *root =
        json_loadb(body.len > 0 ? body.at : "", body.len, JSON_REJECT_DUPLICATES, &error);
    bool well = json_is_object(root) && read_remaining(root, remaining);
    json_decref(root);
    return well || admin_refuse(call, 400,
                                "expected {\"patchOperations\":[{\"op\":\"replace\",\"path\":"
                                "\"/remaining\",\"value\":\"100\"}]}, up to 1000000000");
}

static void note_change(struct process *process, const struct service_call *call,
                        const struct quota_key *key, uint64_t remaining)
{
    struct buf what, after;
    buf_init(&what, (size_t)4 * QUOTA_NAME_MOST);
    buf_init(&after, 64);
    buf_format(&what, "usage_plan " SPAN_FORMAT " key " SPAN_FORMAT, span_arg(key->plan),
               span_arg(key->key));
    buf_format(&after, "{\"remaining\":%llu}", (unsigned long long)remaining);
    admin_change(process, call,
                 &(struct change){
                     .event = "UpdateUsage", .what = buf_span(&what), .after = buf_span(&after)});
    buf_fini(&what);
    buf_fini(&after);
}

bool admin_page_usage_patch(struct process *process, struct service_call *call)
{
    struct question question;
    uint64_t remaining, now_s = loop_wall_us(process->loop) / 1000000;
    if (!read_question(process, call, &question))
        return true;
    if (question.key.len == 0 || question.key.len > QUOTA_NAME_MOST)
        return !admin_refuse(call, 400, "whose? ?plan=NAME&key=ID");
    if (question.plan->quota.limit == 0)
        return !admin_refuse(call, 409, "this usage plan has no quota");
    if (process->snapshot->api_keys == NULL ||
        api_keys_by_id(process->snapshot->api_keys, question.key) == NULL)
        return !admin_refuse(call, 404, "there is no such API key");
    if (!read_body(call, &remaining))
        return true;
    struct quota_key key = {question.plan->name, question.key};
    if (!quotas_grant(process->workers.quotas, &key, &question.plan->quota, now_s, remaining))
        return !admin_refuse(call, 507, "there is no room for another key");
    program_log_say(process->log, LOG_INFO,
                    "the API key " SPAN_FORMAT
                    " has %llu requests left in the usage plan " SPAN_FORMAT " from now on",
                    span_arg(key.key), (unsigned long long)remaining, span_arg(key.plan));
    question.first = question.last;
    answer(process, &question, call);
    note_change(process, call, &key, remaining);
    return true;
}
