/* SPDX-License-Identifier: Apache-2.0 */
/* For settings that name a target of SecLang. */
#ifndef SIDEGATE_RULES_LANGUAGE_TARGET_CHECK_H
#define SIDEGATE_RULES_LANGUAGE_TARGET_CHECK_H

#include <stdbool.h>

#include "rules/base/fault.h"
#include "rules/base/span.h"

/* Is this one target, as ctl:ruleRemoveTarget... names it? False: a fault; `place` is that of its
 * first byte. */
bool target_is_valid(struct span text, struct place place, struct faults *faults);

#endif
