/* SPDX-License-Identifier: Apache-2.0 */
/* A web ACL as an entry of the access list. Its Allow ends the web ACL and not the list: as with
 * AWS, what stands behind it has its say. */
#ifndef SIDEGATE_SIDECAR_GUARD_WEB_ACL_ENTRY_H
#define SIDEGATE_SIDECAR_GUARD_WEB_ACL_ENTRY_H

#include "sidecar/guard/access.h"
#include "sidecar/guard/web_acl.h"

/* BODY: it has to see the body first; BLOCKED: the last decision has the answer; END: go on. */
enum access_step web_acl_entry_run(const struct access_entry *entry, const struct web_acl *acl,
                                   const struct asked *asked, struct decisions *decisions);

#endif
