/* SPDX-License-Identifier: Apache-2.0 */
/* One ip_set as guards ask it: what the configuration says is in it, and what was put in while the
 * program runs. */
#ifndef SIDEGATE_SIDECAR_GUARD_ADDRESS_SET_H
#define SIDEGATE_SIDECAR_GUARD_ADDRESS_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/ip.h"

struct live_entries;
struct networks;

struct address_set {
    struct span name;
    const struct networks *networks; /* sealed */
    struct live_entries *live;       /* NULL: nothing can be put in */
    bool is_missing;                 /* its list never came: who is not in may yet be */
    bool denies;                     /* on_failure, then */
};

/* Put in counts at once; `now_us`: monotonic. */
bool address_set_has(const struct address_set *set, const struct ip *ip, uint64_t now_us);

#endif
