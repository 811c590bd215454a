/* SPDX-License-Identifier: Apache-2.0 */
/* Amazon Cognito's user pools: where their tokens and keys come from. */
#ifndef SIDEGATE_SIDECAR_GUARD_COGNITO_H
#define SIDEGATE_SIDECAR_GUARD_COGNITO_H

#include "rules/base/arena.h"
#include "rules/base/span.h"

#define COGNITO_KEYS_PATH "/.well-known/jwks.json" /* behind the issuer */

/* The issuer of a pool that is named by its id (eu-west-1_AbC123) or its ARN, in the arena; at ==
 * NULL: this is neither. */
struct span cognito_issuer(struct span pool, struct arena *arena);

#endif
