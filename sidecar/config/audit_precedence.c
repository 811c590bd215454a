/* SPDX-License-Identifier: Apache-2.0 */
/* Who wins over the audit log. A log that only SecAuditLog names is in the form that ModSecurity
 * would write: native, unless SecAuditLogFormat says otherwise. */
#include "sidecar/config/contest.h"

static bool differ(struct span a, struct span b)
{
    return a.at == NULL || b.at == NULL || !span_is(a, b);
}

static void settle_place(const struct contest *contest)
{
    struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    bool from_rules =
        !contest_won(contest, settings->audit_log.path_given, directives->audit.path.at != NULL,
                     differ(settings->audit_log.to.path, directives->audit.path),
                     (const char *[]){"audit_log.path", "SecAuditLog"});
    if (from_rules)
        settings->audit_log.to.path = directives->audit.path;
    enum audit_format format = directives->audit.is_json ? AUDIT_JSON : AUDIT_NATIVE;
    if (!contest_won(contest, settings->audit_log.format_given, directives->given.audit_format,
                     settings->audit_log.format != format,
                     (const char *[]){"audit_log.format", "SecAuditLogFormat"}))
        settings->audit_log.format = format;
    else if (from_rules && !settings->audit_log.format_given)
        settings->audit_log.format = AUDIT_NATIVE;
}

/* What is serial has no files of its own. */
static void settle_modes(const struct contest *contest)
{
    struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    settings->audit_log.folder_mode = directives->audit.folder_mode;
    settings->audit_log.file_mode = directives->audit.file_mode;
    bool any = directives->audit.folder_mode != 0 || directives->audit.file_mode != 0;
    if (any && settings->audit_log.type == AUDIT_SERIAL)
        fault_add(contest->faults, FAULT_WARNING, settings->rules.place, SPAN(""),
                  "%s has no effect: transactions have files of their own with SecAuditLogType "
                  "Concurrent only",
                  directives->audit.file_mode != 0 ? "SecAuditLogFileMode" : "SecAuditLogDirMode");
}

static void settle_type(const struct contest *contest)
{
    struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    struct span folder = settings->audit_log.storage_dir;
    if (!contest_won(contest, folder.at != NULL, directives->audit.storage_dir.at != NULL,
                     differ(folder, directives->audit.storage_dir),
                     (const char *[]){"audit_log.storage_dir", "SecAuditLogStorageDir"}))
        settings->audit_log.storage_dir = directives->audit.storage_dir;
    enum audit_type type = directives->audit.is_concurrent ? AUDIT_CONCURRENT : AUDIT_SERIAL;
    if (!contest_won(contest, settings->audit_log.type_given, directives->given.audit_type,
                     settings->audit_log.type != type,
                     (const char *[]){"audit_log.type", "SecAuditLogType"}))
        settings->audit_log.type = type;
    if (settings->audit_log.type == AUDIT_SERIAL || settings->audit_log.storage_dir.at != NULL)
        return;
    fault_add(contest->faults, FAULT_WARNING, settings->rules.place,
              SPAN("add SecAuditLogStorageDir"),
              "SecAuditLogType Concurrent: there is no folder for the transactions' own files, so "
              "they go into one");
    settings->audit_log.type = AUDIT_SERIAL;
}

static void settle_relevance(const struct contest *contest, struct inspection_options *options)
{
    static const enum audit_engine engines[] = {[AUDIT_WHEN_OFF] = AUDIT_OFF,
                                                [AUDIT_WHEN_RELEVANT] = AUDIT_RELEVANT_ONLY,
                                                [AUDIT_WHEN_ALWAYS] = AUDIT_ON};
    struct settings *settings = contest->settings;
    const struct rule_settings *directives = contest->directives;
    enum audit_engine engine = engines[settings->audit_log.when];
    options->audit_engine = directives->audit.engine;
    if (contest_won(contest, settings->audit_log.when_given, directives->given.audit_engine,
                    engine != directives->audit.engine,
                    (const char *[]){"audit_log.when", "SecAuditEngine"}))
        options->audit_engine = engine;
    options->audit_parts = directives->audit.parts;
    if (contest_won(contest, settings->audit_log.parts_given, directives->given.audit_parts,
                    differ(settings->audit_log.parts, directives->audit.parts),
                    (const char *[]){"audit_log.parts", "SecAuditLogParts"}))
        options->audit_parts = settings->audit_log.parts;
    struct span status = settings->audit_log.relevant_status;
    if (!contest_won(contest, status.at != NULL, directives->audit.relevant_status.at != NULL,
                     differ(status, directives->audit.relevant_status),
                     (const char *[]){"audit_log.relevant_status", "SecAuditLogRelevantStatus"}))
        settings->audit_log.relevant_status = directives->audit.relevant_status;
}

void contest_settle_audit(const struct contest *contest, struct inspection_options *options)
{
    settle_place(contest);
    settle_type(contest);
    settle_modes(contest);
    settle_relevance(contest, options);
    contest->settings->audit_log.is_on = log_settings_want(&contest->settings->audit_log.to);
    if (!contest->settings->audit_log.is_on)
        options->audit_engine = AUDIT_OFF; /* nothing is kept for it */
}
