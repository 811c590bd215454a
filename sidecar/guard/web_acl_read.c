/* SPDX-License-Identifier: Apache-2.0 */
/* The document and the web ACL itself. */
#include "sidecar/guard/web_acl_reader.h"

#include "rules/base/must.h"

enum { ACL_BYTES = 64 << 20, KIB = 1024, WCU_FREE = 1500, WCU_MOST = 5000 };

/* What only decides something at AWS: read over, and said. */
static void warn_unused(struct web_acl_reader *r, const json_t *acl)
{
    static const char *const unused[] = {"DataProtectionConfig", "OnSourceDDoSProtectionConfig",
                                         "ApplicationConfig"};
    struct place place = {.file = r->file};
    for (size_t i = 0; i < sizeof unused / sizeof *unused; i++)
        if (json_object_get(acl, unused[i]) != NULL)
            fault_add(r->faults, FAULT_WARNING, place, SPAN(""), "%s has no effect here",
                      unused[i]);
}

static void warn_charged(struct web_acl_reader *r)
{
    struct place place = {.file = r->file};
    unsigned units = r->acl->capacity;
    if (units > WCU_FREE && units <= WCU_MOST)
        fault_add(r->faults, FAULT_WARNING, place, SPAN(""),
                  "a capacity of %u WCU: AWS charges extra for more than 1500", units);
}

/* Rules that an organisation puts before and behind: they are not in this document. */
static void refuse_firewall_manager(struct web_acl_reader *r, const json_t *acl)
{
    static const char *const lists[] = {"PreProcessFirewallManagerRuleGroups",
                                        "PostProcessFirewallManagerRuleGroups"};
    for (size_t i = 0; i < 2; i++)
        if (json_array_size(json_object_get(acl, lists[i])) > 0)
            reader_refuse(r, SPAN("write them as rules"), "%s: not supported", lists[i]);
}

static void read_body_limit(struct web_acl_reader *r, const json_t *acl)
{
    static const char *const words[] = {"KB_16", "KB_32", "KB_48", "KB_64"};
    const json_t *association = json_object_get(acl, "AssociationConfig");
    const json_t *body = json_object_get(association, "RequestBody");
    const json_t *gateway = json_object_get(body, "API_GATEWAY");
    r->acl->body_limit = (size_t)16 * KIB;
    if (gateway == NULL)
        return;
    size_t mark = reader_enter(r, "AssociationConfig");
    reader_enter(r, "RequestBody");
    reader_enter(r, "API_GATEWAY");
    size_t word = reader_word(r, gateway, "DefaultSizeInspectionLimit", true, words, 4);
    if (word != SPAN_NONE)
        r->acl->body_limit = (word + 1) * 16 * KIB;
    reader_leave(r, mark);
}

static void read_default(struct web_acl_reader *r, const json_t *acl)
{
    struct web_acl_rule rule = {.action = ACTION_ALLOW};
    size_t mark = reader_enter(r, "DefaultAction");
    if (reader_action(r, json_object_get(acl, "DefaultAction"), &rule) &&
        rule.action == ACTION_COUNT)
        reader_refuse(r, SPAN(""), "the default is Allow or Block");
    reader_leave(r, mark);
    r->acl->standard = rule.action;
    r->acl->standard_answer = rule.answer;
    r->acl->standard_inserted = rule.inserted;
    r->acl->standard_inserted_count = rule.inserted_count;
}

static void read_acl(struct web_acl_reader *r, const json_t *acl)
{
    if (!READER_MEMBERS(r, acl, "Name", "Id", "ARN", "Scope", "DefaultAction", "Description",
                        "Rules", "VisibilityConfig", "Capacity", "CustomResponseBodies",
                        "CaptchaConfig", "ChallengeConfig", "TokenDomains", "AssociationConfig",
                        "DataProtectionConfig", "LabelNamespace", "ManagedByFirewallManager",
                        "PreProcessFirewallManagerRuleGroups",
                        "PostProcessFirewallManagerRuleGroups", "RetrofittedByFirewallManager",
                        "OnSourceDDoSProtectionConfig", "ApplicationConfig", "RuleGroups", "IPSets",
                        "RegexPatternSets"))
        return;
    struct span name = reader_text(r, acl, "Name", true);
    r->acl->name = name.at != NULL ? name : SPAN("");
    r->acl->arn = reader_text(r, acl, "ARN", false);
    r->prefix = reader_prefix(r, acl, "webacl");
    r->bodies = json_object_get(acl, "CustomResponseBodies");
    warn_unused(r, acl);
    refuse_firewall_manager(r, acl);
    read_body_limit(r, acl);
    read_default(r, acl);
    r->acl->visibility = reader_visibility(r, acl);
    r->acl->is_sampled = r->acl->visibility.is_sampled;
    r->acl->capacity = reader_rules(r, acl, &r->acl->top);
    reader_weigh(r, r->acl->capacity);
    warn_charged(r);
}

static void read_document(struct web_acl_reader *r)
{
    const json_t *acl = json_object_get(r->document, "WebACL");
    if (acl == NULL)
        read_acl(r, r->document);
    else if (READER_MEMBERS(r, r->document, "WebACL", "LockToken", "ApplicationIntegrationURL",
                            "RuleGroups", "IPSets", "RegexPatternSets"))
        read_acl(r, acl);
}

static struct web_acl *acl_new(void)
{
    struct arena *arena = arena_new(NULL, ACL_BYTES);
    must(arena != NULL);
    struct web_acl *acl = arena_alloc(arena, sizeof *acl);
    must(acl != NULL);
    acl->arena = arena;
    return acl;
}

static void refuse_text(const json_error_t *error, const char *file, struct faults *faults)
{
    struct place place = {.file = file,
                          .line = error->line > 0 ? (unsigned)error->line : 0,
                          .column = error->column > 0 ? (unsigned)error->column : 0};
    fault_add(faults, FAULT_ERROR, place, SPAN(""), "this is no JSON: %s", error->text);
}

struct web_acl *web_acl_read(struct span text, const char *file, const struct web_acl_names *names,
                             struct faults *faults)
{
    size_t errors = faults_count(faults, FAULT_ERROR);
    json_error_t error;
    json_t *document =
        json_loadb(text.len > 0 ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        refuse_text(&error, file, faults);
        return NULL;
    }
    struct web_acl *acl = acl_new();
    struct web_acl_reader *r = must_alloc(sizeof *r);
    *r = (struct web_acl_reader){.acl = acl,
                                 .arena = acl->arena,
                                 .names = names,
                                 .document = document,
                                 .file = file,
                                 .faults = faults};
    read_document(r);
    if (arena_is_full(acl->arena))
        reader_refuse(r, SPAN(""), "this is more than the program holds: 64 MiB");
    free(r);
    json_decref(document);
    if (faults_count(faults, FAULT_ERROR) == errors)
        return acl;
    web_acl_free(acl);
    return NULL;
}
