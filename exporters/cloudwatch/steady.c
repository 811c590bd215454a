/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/cloudwatch/steady.h"

#include <stdlib.h>

void steady_begin(struct steady *steady, int64_t wall_s, int64_t monotonic_s, int64_t known_s)
{
    bool is_near = known_s == 0 || llabs(wall_s - known_s) <= STEADY_LEAP_S;
    *steady =
        (struct steady){wall_s - monotonic_s, monotonic_s + (is_near ? 0 : STEADY_AFTER_S), true};
}

bool steady_is(struct steady *steady, int64_t wall_s, int64_t monotonic_s)
{
    int64_t ahead_s = wall_s - monotonic_s;
    if (steady->begun && llabs(ahead_s - steady->ahead_s) > STEADY_LEAP_S)
        steady->believe_s = monotonic_s + STEADY_AFTER_S;
    else if (!steady->begun)
        steady->believe_s = monotonic_s;
    steady->begun = true;
    steady->ahead_s = ahead_s;
    return monotonic_s >= steady->believe_s;
}
