/* SPDX-License-Identifier: Apache-2.0 */
/* GET and POST /api/v1/metrics: metrics in CloudWatch's way, as metric_request.h has it. What is
 * asked is answered on the archive's thread, and comes back by mail. */
#include <stdlib.h>

#include "rules/base/must.h"
#include "sidecar/admin_inside.h"
#include "sidecar/metric_request.h"

enum { TEXT_MOST = 64 * 1024, ANSWER_MOST = 15 << 20 };

struct job {
    struct mail mail;
    struct loop *loop;
    struct list waiting; /* the call; empty: its client is gone */
    struct buf json, query, answer;
    unsigned status;
};

static void job_free(struct job *job)
{
    buf_fini(&job->json);
    buf_fini(&job->query);
    buf_fini(&job->answer);
    free(job);
}

static void answer(struct service_call *call, const struct job *job)
{
    call->type = SPAN("application/json");
    call->status = 200;
    if (buf_is_full(&job->answer))
        admin_problem(call, 400, SPAN("the answer is too long: ask for less"));
    else if (job->status != 200)
        admin_problem(call, job->status, span_trim(buf_span(&job->answer), "\n"));
    else
        buf_add(&call->body, buf_span(&job->answer));
}

static void on_answer(struct mail *mail)
{
    struct job *job = list_entry(mail, struct job, mail);
    struct list *first = list_first(&job->waiting);
    struct service_call *call =
        first != NULL ? list_entry(first, struct service_call, waits) : NULL;
    if (call != NULL) {
        list_remove(first);
        answer(call, job);
    }
    job_free(job);
    if (call != NULL)
        service_finish(call);
}

/* The archive's thread. */
static void run(void *context, const struct metric_source *source)
{
    struct job *job = context;
    job->status =
        metric_request_answer(buf_span(&job->json), buf_span(&job->query), source, &job->answer);
    loop_send(job->loop, &job->mail);
}

bool admin_page_metric_data(struct process *process, struct service_call *call)
{
    if (process->archive == NULL) {
        admin_problem(call, 404, SPAN("metrics.series is 0"));
        return true;
    }
    struct job *job = must_alloc(sizeof *job);
    job->mail.deliver = on_answer;
    job->loop = process->loop;
    list_init(&job->waiting);
    buf_init(&job->json, TEXT_MOST);
    buf_init(&job->query, TEXT_MOST);
    buf_init(&job->answer, ANSWER_MOST);
    bool fits = buf_add(&job->json, buf_span(&call->request)) && buf_add(&job->query, call->query);
    if (fits && archive_ask(process->archive, run, job)) {
        list_add(&job->waiting, &call->waits);
        return false;
    }
    admin_problem(call, fits ? 503 : 413,
                  fits ? SPAN("too many questions are being answered: ask again")
                       : SPAN("the question is too long"));
    job_free(job);
    return true;
}
