/* SPDX-License-Identifier: Apache-2.0 */
/* What web ACLs and their groups would cost at AWS, in web ACL capacity units. */
#ifndef SIDEGATE_SIDECAR_WEB_ACL_COSTS_H
#define SIDEGATE_SIDECAR_WEB_ACL_COSTS_H

#include "rules/base/buf.h"
#include "sidecar/config/settings.h"

struct web_acl;

/* Lines that begin with `margin`. `acls`: one for each entry of the access list, or NULL. */
void web_acl_costs_text(const struct settings *settings, const struct web_acl *const *acls,
                        const char *margin, struct buf *to);
/* The members of a list, without its brackets. */
void web_acl_costs_json(const struct settings *settings, const struct web_acl *const *acls,
                        struct buf *to);

#endif
