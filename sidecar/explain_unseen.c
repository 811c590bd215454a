/* SPDX-License-Identifier: Apache-2.0 */
/* What only the running program has, and explain therefore does not look at. */
#include "sidecar/explain.h"

static bool url_add(const struct settings *settings, size_t *i, struct buf *to)
{
    for (size_t k = 0; k < settings->ip_set_count; k++) {
        const struct ip_set_settings *set = &settings->ip_sets[k];
        if (set->url.at == NULL || (*i)-- > 0)
            continue;
        buf_format(to,
                   "ip_sets." SPAN_FORMAT ".url: the list that the running program has fetched; "
                   "taken as if none ever came (on_failure: %s)",
                   span_arg(set->name), set->on_failure == ON_FAILURE_DENY ? "deny" : "allow");
        return true;
    }
    return false;
}

bool explain_unseen(const struct explain_report *report, size_t i, struct buf *to)
{
    const struct settings *settings = report->snapshot->settings;
    if (url_add(settings, &i, to))
        return true;
    if (settings->ip_set_count > 0 && i-- == 0)
        return buf_add(to, SPAN("ip_sets: addresses that were put into the running program's "
                                "(`sidegate ip-sets list` shows them)"));
    if (settings->rate_store_count > 0 && i == 0)
        return buf_add(to, SPAN("rates and quotas: what the running program has counted; this "
                                "request stands for itself"));
    return false;
}
