/* SPDX-License-Identifier: Apache-2.0 */
/* sanitiseArg and its like. */
#ifndef SIDEGATE_RULES_SECRETS_H
#define SIDEGATE_RULES_SECRETS_H

#include "rules/transaction.h"

/* What the action names is a secret from now on, also of the matches before. */
void secrets_add(struct inspection *tx, const struct action *action);
/* No match shows a secret any more: its bytes are stars. */
void secrets_mask(struct inspection *tx);

#endif
