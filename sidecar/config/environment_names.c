/* SPDX-License-Identifier: Apache-2.0 */
/* Which of OpenTelemetry's variables have no effect here, and which are written wrong. Names that
 * are far from all of ours are those of other programs and languages: nothing is said of them. */
#include <string.h>

#include "rules/base/must.h"
#include "sidecar/config/environment.h"

enum { SLIP = 2 /* bytes that one mistypes */, NAME_MOST = 64 };

static const struct {
    const char *name, *fine, *why;
} idle[] = {
#define VARIABLE(name, path, how)
#define RECEIVER(name, key, how)
#define ANSWERED(name)
#define IDLE(name, fine, why) {name, fine, why},
#include "sidecar/config/environment.tbl"
#undef VARIABLE
#undef RECEIVER
#undef ANSWERED
#undef IDLE
};

static const char *const names[] = {
#define VARIABLE(name, path, how) name,
#define RECEIVER(name, key, how)                                   \
    "OTEL_EXPORTER_OTLP_" name, "OTEL_EXPORTER_OTLP_TRACES_" name, \
        "OTEL_EXPORTER_OTLP_METRICS_" name, "OTEL_EXPORTER_OTLP_LOGS_" name,
#define ANSWERED(name)        name,
#define IDLE(name, fine, why) name,
#include "sidecar/config/environment.tbl"
#undef VARIABLE
#undef RECEIVER
#undef ANSWERED
#undef IDLE
};
enum { NAMES = sizeof names / sizeof *names };

static void check(struct span name, struct span value, struct faults *faults)
{
    char file[NAME_MOST + 1];
    if (name.len > NAME_MOST || value.len == 0)
        return;
    memcpy(file, name.at, name.len);
    file[name.len] = '\0';
    struct place place = {.file = file};
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++) {
        if (span_is(name, span_text(idle[i].name)) && !span_is(value, span_text(idle[i].fine)))
            fault_add(faults, FAULT_WARNING, place, span_make(NULL, 0), "has no effect here: %s",
                      idle[i].why);
    }
    const char *near = nearest_within(name, names, NAMES, SLIP);
    if (near == NULL || span_is(name, span_text(near)))
        return;
    char hint[NAME_MOST + 32];
    fault_add(faults, FAULT_WARNING, place, nearest_hint(name, &near, 1, hint, sizeof hint),
              "there is no variable of this name");
}

void environment_check_names(const struct environment *environment, struct faults *faults)
{
    const char *row;
    for (size_t i = 0; environment->at != NULL; i++) {
        if ((row = environment->at(environment->context, i)) == NULL)
            return;
        struct span value = span_text(row), name = span_cut(&value, '=');
        if (span_starts(name, SPAN("OTEL_")))
            check(name, value, faults);
    }
}
