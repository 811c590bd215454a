/* SPDX-License-Identifier: Apache-2.0 */
/* What authorizers share whose credentials are a token in Authorization. */
#ifndef SIDEGATE_SIDECAR_EXCHANGE_AUTHENTICATE_TOKEN_H
#define SIDEGATE_SIDECAR_EXCHANGE_AUTHENTICATE_TOKEN_H

#include "sidecar/exchange/authorizer.h"
#include "sidecar/guard/jwt.h"

/* One field, for two could be read in two ways by us and by the backend. False: *refusal. */
bool token_find(const struct authorizer_question *question, struct span *token,
                struct authorizer_refusal *refusal);
/* What a token is asked; without keys. */
struct jwt_rules token_rules(const struct authorizer_question *question);
/* False: the refusal that a verdict comes to, in the words of the authorizer's type. */
bool token_refuse(const struct authorizer_question *question, const struct jwt_verdict *verdict,
                  struct authorizer_refusal *refusal);
/* The same where nobody can say. */
bool token_fail(const char *word, struct authorizer_refusal *refusal);
/* What was found out about a token, for the next time; good before `until_s`. */
void token_keep(const struct authorizer_question *question, struct span token,
                const struct jwt *jwt, uint64_t until_s);
/* False: nothing is known. */
bool token_known(const struct authorizer_question *question, struct span token, struct jwt *jwt);
void token_tell(const struct jwt *jwt, struct authorized *to);

#endif
