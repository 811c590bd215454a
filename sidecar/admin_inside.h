/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of the status and admin ports, for admin.c and admin_pages.c. */
#ifndef SIDEGATE_SIDECAR_ADMIN_INSIDE_H
#define SIDEGATE_SIDECAR_ADMIN_INSIDE_H

#include "sidecar/process_inside.h"
#include "sidecar/service.h"

enum {
    PORT_STATUS = 1,
    PORT_ADMIN = 2,
    PORT_BOTH = 3
}; /* bits: 1 << number of the service's port */

/* A page fills the call in and returns true; false: it is answered later. */
struct admin_page {
    unsigned ports;
    struct span method;
    struct span path; /* with a star at its end: every path that begins so, and is longer */
    bool open;        /* no token: probes and scrapes have none */
    bool (*write)(struct process *process, struct service_call *call);
    bool changes; /* it says admin_change(), and answers at once */
};
extern const struct admin_page admin_pages[];
extern const size_t admin_page_count;

/* admin_ip_sets.c */
/* What the metrics say of the lists; one for each, the caller frees it and what it points to. */
struct ip_set_figures *admin_ip_set_figures(const struct process *process);
bool admin_page_ip_sets(struct process *process, struct service_call *call);
bool admin_page_ip_set(struct process *process, struct service_call *call);
bool admin_page_ip_set_put(struct process *process, struct service_call *call);
bool admin_page_ip_set_delete(struct process *process, struct service_call *call);

/* admin_alarms.c */
bool admin_page_alarms(struct process *process, struct service_call *call);
bool admin_page_alarm(struct process *process, struct service_call *call);
bool admin_page_alarm_post(struct process *process, struct service_call *call);

/* admin_drops.c */
bool admin_page_drops(struct process *process, struct service_call *call);

/* admin_usage.c */
bool admin_page_usage(struct process *process, struct service_call *call);
bool admin_page_usage_patch(struct process *process, struct service_call *call);

/* admin_metrics.c */
bool admin_page_metric_data(struct process *process, struct service_call *call);

/* admin_samples.c */
bool admin_page_samples(struct process *process, struct service_call *call);

/* process_changes.c */
/* The caller of this, for the log of changes. */
struct change_who admin_who(const struct process *process, const struct service_call *call);
/* Writes down what this call has changed: event, what, before and after are the caller's, who and
 * when are filled in. To be called where it has been done. */
void admin_change(struct process *process, const struct service_call *call, struct change *change);

/* application/problem+json, RFC 9457. `detail` may be empty. */
void admin_problem(struct service_call *call, unsigned status, struct span detail);
/* The same; false. (Inline: analysers see that it is.) */
static inline bool admin_refuse(struct service_call *call, unsigned status, const char *detail)
{
    admin_problem(call, status, span_text(detail));
    return false;
}
/* Text of a path or a query without its percent-encoding, in `to`, which has `size` bytes; at ==
 * NULL: it is broken, or longer. */
struct span admin_decode(struct span text, char *to, size_t size);
/* The call is answered when the reload that is under way has ended. */
void admin_wait_for_reload(struct admin *admin, struct service_call *call);

#endif
