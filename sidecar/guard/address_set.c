/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/guard/address_set.h"

#include "rules/base/networks.h"
#include "sidecar/state/live_entries.h"

bool address_set_has(const struct address_set *set, const struct ip *ip, uint64_t now_us)
{
    return networks_have(set->networks, ip) ||
           (set->live != NULL && live_entries_have(set->live, ip, now_us));
}
