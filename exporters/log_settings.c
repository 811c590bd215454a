/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/log_settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/must.h"

/* All texts, and whose they are. */
#define TEXT(sink, member)                          \
    {                                               \
        sink, offsetof(struct log_settings, member) \
    }
static const struct {
    enum log_sink sink;
    size_t at;
} texts[] = {
    TEXT(SINK_FILE, path),
    TEXT(SINK_FILE, spool.path),
    TEXT(SINK_SYSLOG, syslog.address),
    TEXT(SINK_SYSLOG, syslog.app_name),
    TEXT(SINK_SYSLOG, syslog.ca_file),
    TEXT(SINK_SYSLOG, syslog.cert_file),
    TEXT(SINK_SYSLOG, syslog.key_file),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.endpoint),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.group),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.stream),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.region),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.key_id),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.secret_file),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.secret),
    TEXT(SINK_CLOUDWATCH_LOGS, cloudwatch_logs.ca_file),
    TEXT(SINK_FIREHOSE, firehose.url),
    TEXT(SINK_FIREHOSE, firehose.access_key_file),
    TEXT(SINK_FIREHOSE, firehose.secret),
    TEXT(SINK_FIREHOSE, firehose.ca_file),
};
enum { TEXTS = sizeof texts / sizeof *texts };

static const struct span *text_in(const struct log_settings *settings, size_t i)
{
    return (const void *)((const char *)settings + texts[i].at);
}

bool log_settings_have(const struct log_settings *settings, enum log_sink sink)
{
    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i].sink == sink) /* the first is that which switches it on */
            return text_in(settings, i)->at != NULL;
    }
    must(false);
    return false;
}

bool log_settings_want(const struct log_settings *settings)
{
    bool any = false;
    for (unsigned sink = 0; sink < SINKS; sink++)
        any |= log_settings_have(settings, (enum log_sink)sink);
    return any;
}

bool log_settings_spool(const struct log_settings *settings, enum log_sink sink, char *path,
                        size_t size)
{
    if (sink == SINK_FILE || settings->spool.path.at == NULL || !log_settings_have(settings, sink))
        return false;
    int len =
        snprintf(path, size, SPAN_FORMAT ".%s", span_arg(settings->spool.path), sink_name(sink));
    return len > 0 && (size_t)len < size;
}

/* With its texts, each terminated. */
static size_t bytes_of(const struct log_settings *settings)
{
    size_t bytes = sizeof *settings;
    for (size_t i = 0; i < TEXTS; i++)
        bytes += text_in(settings, i)->len + 1;
    return bytes;
}

void log_settings_free(struct log_settings *copy)
{
    if (copy == NULL)
        return;
    explicit_bzero(copy, bytes_of(copy)); /* there are secrets among them */
    free(copy);
}

struct log_settings *log_settings_copy(const struct log_settings *settings)
{
    struct log_settings *copy = must_alloc(bytes_of(settings));
    char *at = (char *)(copy + 1);
    *copy = *settings;
    for (size_t i = 0; i < TEXTS; i++) {
        struct span *text = (void *)((char *)copy + texts[i].at);
        if (text->at == NULL)
            continue;
        if (text->len > 0)
            memcpy(at, text->at, text->len);
        text->at = at;
        at += text->len + 1;
    }
    return copy;
}

bool log_settings_same(const struct log_settings *a, const struct log_settings *b,
                       enum log_sink sink)
{
    for (size_t i = 0; i < TEXTS; i++) {
        const struct span *mine = text_in(a, i), *other = text_in(b, i);
        if (texts[i].sink == sink &&
            ((mine->at == NULL) != (other->at == NULL) || !span_is(*mine, *other)))
            return false;
    }
    return a->syslog.facility == b->syslog.facility && a->syslog.severity == b->syslog.severity &&
           a->cloudwatch_logs.timeout_us == b->cloudwatch_logs.timeout_us &&
           a->firehose.timeout_us == b->firehose.timeout_us && a->firehose.gzip == b->firehose.gzip;
}

const char *sink_name(enum log_sink sink)
{
    static const char *const names[SINKS] = {
        [SINK_FILE] = "",
        [SINK_SYSLOG] = "syslog",
        [SINK_CLOUDWATCH_LOGS] = "cloudwatch_logs",
        [SINK_FIREHOSE] = "firehose",
    };
    must((unsigned)sink < SINKS);
    return names[sink];
}
