/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /api/v1/metrics: metrics in CloudWatch's way, as metric_request.h has it. */
#include "sidecar/admin_inside.h"
#include "sidecar/metric_request.h"

static void source_read(void *context, const struct metric_id *id, const struct math_window *window,
                        struct sketch *slots)
{
    int64_t oldest_s;
    metric_store_read(context, id, window, slots, &oldest_s);
}

static void source_each(void *context, metric_store_visit *visit, void *of_visit)
{
    metric_store_each(context, visit, of_visit);
}

bool admin_page_metric_data(struct process *process, struct service_call *call)
{
    if (process->metric_store == NULL) {
        admin_problem(call, 404, SPAN("metrics.series is 0"));
        return true;
    }
    const struct metric_source source = {source_read, source_each, process->metric_store};
    call->type = SPAN("application/json");
    call->status =
        metric_request_answer(buf_span(&call->request), call->query, &source, &call->body);
    if (call->status == 200 && !buf_is_full(&call->body))
        return true;
    struct buf why;
    buf_init(&why, call->body.len + 1);
    buf_add(&why, buf_span(&call->body));
    bool full = buf_is_full(&call->body);
    buf_clear(&call->body);
    admin_problem(call, 400,
                  full ? SPAN("the answer is too long: ask for less")
                       : span_trim(buf_span(&why), "\n"));
    buf_fini(&why);
    return true;
}
