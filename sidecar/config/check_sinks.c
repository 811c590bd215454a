/* SPDX-License-Identifier: Apache-2.0 */
/* Where logs go: what of their options does not go together. */
#include <stdio.h>

#include "sidecar/config/options.h"
#include "sidecar/config/read.h"

/* One log's section and one receiver in it. */
struct section {
    struct reading *reading;
    const struct node *log;
    const char *path; /* "access_log" */
};

static void refuse(const struct section *section, const char *key, const char *hint,
                   const char *message)
{
    const struct node *at = section->log;
    struct span rest = span_text(key);
    while (rest.len > 0) { /* as deep as it is written */
        const struct node *next = tree_find(at, span_cut(&rest, '.'));
        if (next == NULL)
            break;
        at = next;
    }
    fault_add(section->reading->faults, FAULT_ERROR, at->place, span_text(hint), "%s.%s: %s",
              section->path, key, message);
}

/* Whether a receiver's section says anything beside its defaults, which printed settings have. One
 * that was refused in part is no matter for a second fault. */
static bool says_more(const struct section *section, const char *receiver)
{
    const struct node *map = tree_find(section->log, span_text(receiver));
    if (map == NULL || map->kind != NODE_MAP || reading_refused(section->reading, map))
        return false;
    for (const struct node *at = map->first; at != NULL; at = at->next) {
        char path[128];
        snprintf(path, sizeof path, "%s.%s." SPAN_FORMAT, section->path, receiver,
                 span_arg(at->key));
        const struct option *option = options_find(span_text(path));
        if (option == NULL || option->standard == NULL || at->kind != NODE_SCALAR ||
            !span_is(at->text, span_text(option->standard)))
            return true;
    }
    return false;
}

static void check_syslog(const struct section *section, const struct syslog_settings *syslog)
{
    bool has_tls = syslog->ca_file.at != NULL || syslog->cert_file.at != NULL;
    if (syslog->address.at == NULL)
        refuse(section, "syslog", "add syslog.address", "there is no receiver");
    else if (has_tls && !span_starts(syslog->address, SPAN("tls://")))
        refuse(section, "syslog.address", "tls://host:6514", "certificates are for TLS alone");
    if ((syslog->cert_file.at != NULL) != (syslog->key_file.at != NULL))
        refuse(section, "syslog", "", "cert_file and key_file go together");
}

static bool is_group_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    span_find_byte(SPAN("_-/.#"), c) != SPAN_NONE;
        if (!fits)
            return false;
    }
    return name.len > 0 && name.len <= 512;
}

static bool is_stream_name(struct span name)
{
    return name.at == NULL ||
           (name.len > 0 && name.len <= 512 && span_find_byte(name, ':') == SPAN_NONE &&
            span_find_byte(name, '*') == SPAN_NONE);
}

static void check_cloudwatch_logs(const struct section *section,
                                  const struct cloudwatch_logs_settings *logs)
{
    bool key = logs->key_id.at != NULL, secret = logs->secret.at != NULL;
    if (logs->endpoint.at == NULL)
        refuse(section, "cloudwatch_logs", "add cloudwatch_logs.endpoint", "there is no receiver");
    if (logs->group.at == NULL)
        refuse(section, "cloudwatch_logs", "add cloudwatch_logs.log_group_name",
               "there is no group");
    else if (!is_group_name(logs->group))
        refuse(section, "cloudwatch_logs.log_group_name", "/sidegate/access",
               "at most 512 letters, digits and _ - / . #");
    if (!is_stream_name(logs->stream))
        refuse(section, "cloudwatch_logs.log_stream_name", "",
               "at most 512 characters, but : and *");
    if (key != secret || (key && logs->region.at == NULL))
        refuse(section, "cloudwatch_logs", "",
               "access_key_id, secret_access_key_file and region go together");
}

static void check_rotation(const struct section *section, const struct log_settings *to)
{
    if (reading_refused_key(section->reading, section->log, "path"))
        return;
    if (to->path.at == NULL || span_starts(to->path, SPAN("/dev/")))
        refuse(section, "rotate", "", "path names no file");
    else if (to->rotation.most_bytes == 0 && to->rotation.most_age_us == 0)
        refuse(section, "rotate", "add rotate.max_size or rotate.max_age", "it is never full");
}

static void check_log(struct reading *reading, const char *path, const struct log_settings *to)
{
    const struct section section = {reading, tree_find_path(reading->root, span_text(path)), path};
    if (section.log == NULL)
        return;
    if (says_more(&section, "rotate"))
        check_rotation(&section, to);
    if (says_more(&section, "syslog"))
        check_syslog(&section, &to->syslog);
    if (says_more(&section, "cloudwatch_logs"))
        check_cloudwatch_logs(&section, &to->cloudwatch_logs);
    if (says_more(&section, "firehose") && to->firehose.url.at == NULL)
        refuse(&section, "firehose", "add firehose.url", "there is no receiver");
}

static bool has_receivers(const struct log_settings *to)
{
    bool any = false;
    for (unsigned sink = SINK_FILE + 1; sink < SINKS; sink++)
        any |= log_settings_have(to, (enum log_sink)sink);
    return any;
}

/* Where nothing is said of a spool and the state has a folder, it is there. The dot keeps it apart
 * from those of OTLP's receivers, whose names have none. */
static void settle_spool(struct reading *reading, const char *path, struct log_settings *to)
{
    struct span state = reading->settings->process.state_dir;
    const struct node *log = tree_find_path(reading->root, span_text(path));
    bool is_given = log != NULL && tree_find_path(log, SPAN("spool.path")) != NULL;
    if (is_given && to->spool.path.at != NULL && !has_receivers(to)) {
        const struct section section = {reading, log, path};
        refuse(&section, "spool.path", "", "there is no receiver");
    }
    if (!has_receivers(to) || is_given || state.at == NULL ||
        to == &reading->settings->audit_log.to)
        return;
    struct span place =
        arena_format(reading->arena, SPAN_FORMAT "/spool.%s", span_arg(state), path);
    to->spool.path = span_text(arena_string(reading->arena, place));
}

static bool is_rotated(const struct log_settings *to)
{
    return to->rotation.most_bytes > 0 || to->rotation.most_age_us > 0;
}

/* Whoever rotates renames the file under the other, who writes on into the one that is packed. */
static void check_shared(struct reading *reading, const char *path, const struct log_settings *to,
                         const char *other, const struct log_settings *beside)
{
    const struct section section = {reading, tree_find_path(reading->root, span_text(path)), path};
    char message[96];
    if (section.log == NULL || to->path.at == NULL || beside->path.at == NULL ||
        !span_is(to->path, beside->path) || !(is_rotated(to) || is_rotated(beside)))
        return;
    snprintf(message, sizeof message, "%s has this file, too: one that is rotated is one log's",
             other);
    refuse(&section, "path", "", message);
}

/* ---- whose file is it? ---- */

struct line_file {
    const char *name;
    struct span path;
};

static bool is_shared(const struct line_file *a, const struct line_file *b)
{
    return a->path.at != NULL && b->path.at != NULL && span_is(a->path, b->path) &&
           !span_starts(a->path, SPAN("/dev/"));
}

/* Whole lines, but nobody knows whose. */
static void warn_of_mixed(struct reading *reading, const struct line_file *file,
                          const struct line_file *other)
{
    char key[64];
    snprintf(key, sizeof key, "%s.path", file->name);
    const struct node *at = tree_find_path(reading->root, span_text(key));
    if (at != NULL && is_shared(file, other) && faults_count(reading->faults, FAULT_ERROR) == 0)
        fault_add(reading->faults, FAULT_WARNING, at->place, SPAN("give each its own"),
                  "%s: %s has this file, too: their lines are mixed", key, other->name);
}

/* Each record vouches for the one before. */
static void refuse_in_chain(struct reading *reading, const struct line_file *other)
{
    const struct line_file chain = {"change_log", reading->settings->change_log.path};
    const struct node *at = tree_find_path(reading->root, SPAN("change_log.path"));
    if (at != NULL && is_shared(&chain, other))
        fault_add(reading->faults, FAULT_ERROR, at->place, SPAN("give each its own"),
                  "change_log.path: %s has this file, too", other->name);
}

static void check_change_log(struct reading *reading)
{
    const struct settings *settings = reading->settings;
    const struct node *node = tree_find_path(reading->root, SPAN("change_log.rotate"));
    bool rotates = settings->change_log.most_bytes > 0;
    if (node != NULL && rotates && settings->change_log.path.at == NULL)
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN(""),
                  "change_log.rotate: path names no file");
    else if (node != NULL && !rotates && settings->change_log.keep > 0)
        fault_add(reading->faults, FAULT_ERROR, node->place, SPAN("add rotate.max_size"),
                  "change_log.rotate: it is never full");
}

void sinks_check(struct reading *reading)
{
    struct settings *settings = reading->settings;
    const struct {
        const char *path;
        struct log_settings *to;
    } logs[] = {
        {"access_log", &settings->access_log.to},   {"rules.log", &settings->rules.log},
        {"audit_log", &settings->audit_log.to},     {"execution_log", &settings->execution_log.to},
        {"waf_log", &settings->waf_log.to},         {"metrics.emf", &settings->metrics.emf.to},
        {"traces.xray", &settings->traces.xray.to},
    };
    const struct line_file own = {"process.log", settings->process.log_path};
    for (size_t i = 0; i < sizeof logs / sizeof *logs; i++) {
        const struct line_file file = {logs[i].path, logs[i].to->path};
        check_log(reading, logs[i].path, logs[i].to);
        settle_spool(reading, logs[i].path, logs[i].to);
        refuse_in_chain(reading, &file);
        for (size_t j = 0; j < i; j++) {
            check_shared(reading, logs[i].path, logs[i].to, logs[j].path, logs[j].to);
            warn_of_mixed(reading, &file, &(struct line_file){logs[j].path, logs[j].to->path});
        }
        warn_of_mixed(reading, &own, &file);
    }
    refuse_in_chain(reading, &own);
    check_change_log(reading);
    settings->execution_log.is_on = log_settings_want(&settings->execution_log.to);
    settings->waf_log.is_on = log_settings_want(&settings->waf_log.to);
}
