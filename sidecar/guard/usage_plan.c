/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/usage_plan.h"

/* Names of plans are letters, digits, _ and -: they may stand in quotes as they are. */
struct rate_told usage_plan_tell(const struct usage_plan_settings *plan,
                                 const struct quota_verdict *verdict, uint64_t now_s,
                                 struct arena *arena)
{
    uint64_t wait_s = verdict->resets_s > now_s ? verdict->resets_s - now_s : 1;
    struct rate_told told = {.retry_after_s = (unsigned)wait_s};
    told.fields[0] = (struct pair){SPAN("RateLimit-Policy"),
                                   arena_format(arena, "\"" SPAN_FORMAT " quota\";q=%u;w=%llu",
                                                span_arg(plan->name), plan->quota.limit,
                                                (unsigned long long)verdict->window_s)};
    told.fields[1] =
        (struct pair){SPAN("RateLimit"), arena_format(arena, "\"" SPAN_FORMAT " quota\";r=0;t=%u",
                                                      span_arg(plan->name), told.retry_after_s)};
    return told;
}
