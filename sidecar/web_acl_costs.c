/* SPDX-License-Identifier: Apache-2.0 */
#include "sidecar/web_acl_costs.h"

#include "rules/base/encode.h"
#include "sidecar/guard/web_acl.h"

static void groups_text(const struct web_acl *acl, const char *margin, struct buf *to)
{
    struct web_acl_group_facts group;
    for (size_t i = 0; web_acl_group_at(acl, i, &group); i++) {
        buf_format(to, "%s  %s: " SPAN_FORMAT " (rule " SPAN_FORMAT "): capacity %u WCU", margin,
                   group.is_managed ? "managed rule group" : "rule group", span_arg(group.name),
                   span_arg(group.rule), group.capacity);
        if (!group.is_managed)
            buf_format(to, ", its rules cost %u", group.counted);
        buf_add_byte(to, '\n');
    }
}

void web_acl_costs_text(const struct settings *settings, const struct web_acl *const *acls,
                        const char *margin, struct buf *to)
{
    for (size_t i = 0; i < settings->access_count; i++) {
        if (acls[i] == NULL)
            continue;
        buf_format(
            to, "%sweb ACL: " SPAN_FORMAT " (" SPAN_FORMAT "): rules %zu, capacity %u WCU%s\n",
            margin, span_arg(web_acl_name(acls[i])), span_arg(settings->access[i].web_acl),
            web_acl_rule_count(acls[i]), web_acl_capacity(acls[i]),
            web_acl_has_managed(acls[i]) ? "; managed groups are rules of ours under AWS's names"
                                         : "");
        groups_text(acls[i], margin, to);
    }
}

static void groups_json(const struct web_acl *acl, struct buf *to)
{
    struct web_acl_group_facts group;
    for (size_t i = 0; web_acl_group_at(acl, i, &group); i++) {
        buf_add(to, i > 0 ? SPAN(",{\"name\":") : SPAN("{\"name\":"));
        json_add_string(to, group.name);
        buf_add(to, SPAN(",\"rule\":"));
        json_add_string(to, group.rule);
        buf_format(to, ",\"capacity\":%u,\"counted\":%u,\"managed\":%s}", group.capacity,
                   group.counted, group.is_managed ? "true" : "false");
    }
}

void web_acl_costs_json(const struct settings *settings, const struct web_acl *const *acls,
                        struct buf *to)
{
    const char *comma = "";
    for (size_t i = 0; i < settings->access_count; i++) {
        if (acls[i] == NULL)
            continue;
        buf_format(to, "%s{\"name\":", comma);
        json_add_string(to, web_acl_name(acls[i]));
        buf_format(to, ",\"rules\":%zu,\"capacity\":%u,\"managed\":%s,\"groups\":[",
                   web_acl_rule_count(acls[i]), web_acl_capacity(acls[i]),
                   web_acl_has_managed(acls[i]) ? "true" : "false");
        groups_json(acls[i], to);
        buf_add(to, SPAN("]}"));
        comma = ",";
    }
}
