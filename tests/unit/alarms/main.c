/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/check.h"
#include "tests/unit/alarms/suites.h"

struct span cases_read(const char *name)
{
    static char text[1 << 18];
    char path[512];
    snprintf(path, sizeof path, SIDEGATE_SOURCE_DIR "/tests/unit/alarms/%s", name);
    FILE *file = fopen(path, "r");
    check(file != NULL);
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    check(len > 0 && len < sizeof text);
    return span_make(text, len);
}

int main(void)
{
    int failures = 0;
    failures += sketch_suite();
    failures += state_suite();
    failures += math_suite();
    failures += composite_suite();
    failures += composite_reason_suite();
    failures += alarms_suite();
    failures += watch_suite();
    failures += notice_suite();
    failures += book_suite();
    failures += mute_suite();
    failures += journal_suite();
    failures += actions_suite();
    return failures > 0;
}
