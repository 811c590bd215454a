/* SPDX-License-Identifier: Apache-2.0 */
/* The access keys that aws_keys.file names: whose signatures are good, who that is, and what its
 * policies let it do. A part of a snapshot.
 *
 *   keys:
 *     AKIDEXAMPLE:                                      the access key's id
 *       secret: wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
 *       session_token: ...                              of a session: has to come along
 *       principal: "arn:aws:iam::123456789012:user/alice"
 *       user_id: AIDAEXAMPLE
 *       policies: [alice.json]                          identity policies; beside this file
 *       boundary: limit.json
 *       session_policies: [session.json]
 *       tags: { team: shop }                            aws:PrincipalTag/team
 *       condition_keys: { "aws:PrincipalOrgID": o-1 }   further ones that policies may ask for
 *
 * Nobody but its owner may read the file. */
#ifndef SIDEGATE_SIDECAR_CONFIG_AWS_KEYS_H
#define SIDEGATE_SIDECAR_CONFIG_AWS_KEYS_H

#include <stdint.h>

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"
#include "sidecar/guard/policy.h"
#include "sidecar/guard/sigv4.h"
#include "sidecar/http/fields.h"

struct aws_key {
    struct sigv4_key *key;
    struct principal principal; /* of a session its own ARN */
    struct policies policies;
    const struct pair *condition_keys; /* aws:PrincipalArn and what else is said of it */
    size_t condition_key_count;
    const struct pair *context; /* userArn, accountId, accessKey */
    size_t context_count;
};

struct aws_keys;

/* NULL where a file cannot be read or something in it is wrong: among the faults. */
struct aws_keys *aws_keys_new(const struct settings *settings, struct faults *faults);
void aws_keys_free(struct aws_keys *keys); /* NULL allowed; wipes */
/* NULL: nobody's. */
const struct aws_key *aws_keys_find(const struct aws_keys *keys, struct span id);
/* Over everything that was read. */
uint64_t aws_keys_hash(const struct aws_keys *keys);

#endif
