/* SPDX-License-Identifier: Apache-2.0 */
/* The web ACLs that the access list names, read from their files: a part of a snapshot. */
#ifndef SIDEGATE_SIDECAR_CONFIG_WEB_ACL_FILES_H
#define SIDEGATE_SIDECAR_CONFIG_WEB_ACL_FILES_H

#include "rules/base/fault.h"
#include "sidecar/config/settings.h"

struct web_acl;
struct web_acl_files;

/* What rate-based statements have counted is taken over from `before` (NULL allowed). NULL where
 * one of them cannot be read or is refused: said. */
struct web_acl_files *web_acl_files_new(const struct settings *settings,
                                        const struct web_acl_files *before, struct faults *faults);
void web_acl_files_free(struct web_acl_files *files); /* NULL allowed */
/* One for each entry of the access list; NULL where the entry names none. */
const struct web_acl *const *web_acl_files_all(const struct web_acl_files *files);
/* How much of a body the greediest of them looks at; 0: none does. */
size_t web_acl_files_body_bytes(const struct web_acl_files *files);
/* Over everything that was read. */
uint64_t web_acl_files_hash(const struct web_acl_files *files);

#endif
