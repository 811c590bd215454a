/* SPDX-License-Identifier: Apache-2.0 */
/* @geoLookup: is it known where the address is? What is known becomes GEO. */
#include "rules/match/operator_rows.h"

enum operator_answer operator_run_geo_lookup(const struct operator* op, struct operator_run *run)
{
    struct ip ip;
    (void)op;
    if (run->lookups == NULL || run->lookups->place == NULL)
        return OPERATOR_UNKNOWN;
    run->members = arena_alloc(run->arena, PLACE_MEMBERS * sizeof *run->members);
    run->member_count = 0;
    if (run->members == NULL || !ip_parse(run->value, &ip))
        return OPERATOR_NO;
    run->member_count = run->lookups->place(run->lookups->places, &ip, run->arena, run->members);
    return run->member_count > 0 ? OPERATOR_YES : OPERATOR_NO;
}

bool operator_asks_place(const struct operator* op)
{
    return op->row->run == operator_run_geo_lookup;
}
