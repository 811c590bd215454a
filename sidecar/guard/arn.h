/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon resource names: arn:partition:service:region:account:resource, colons in the last part
 * included. */
#ifndef SIDEGATE_SIDECAR_GUARD_ARN_H
#define SIDEGATE_SIDECAR_GUARD_ARN_H

#include <stdbool.h>

#include "rules/base/arena.h"
#include "rules/base/span.h"

enum { ARN_PARTS = 6 };
/* The parts point into `arn`. False: there are fewer, or it begins otherwise. */
bool arn_split(struct span arn, struct span parts[ARN_PARTS]);

/* "API/METHOD/path", with `api` as "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE": what
 * execute-api:Invoke is asked about, whatever bytes the path has. Empty: the arena is full. */
struct span arn_of_request(struct arena *arena, struct span api, struct span method,
                           struct span path);

#endif
