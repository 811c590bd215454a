/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration from any bytes: it is read or refused with a fault, faults stand inside the text,
 * and what was read, printed and read again prints the same. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rules/base/must.h"
#include "sidecar/config/routes.h"
#include "sidecar/config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *no_variable(void *context, const char *name)
{
    (void)context;
    return name[0] == 'A' ? "value: [x" : NULL;
}

struct outcome {
    struct settings *settings;
    struct faults *faults;
};

/* Through a file that has no name on disk. */
static struct outcome read_text(struct span text)
{
    char path[64];
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    must(fd >= 0 && write(fd, text.at, text.len) == (ssize_t)text.len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const char *files[] = {path};
    struct settings_source source = {
        .files = files, .file_count = 1, .environment = no_variable, .context = NULL};
    struct outcome outcome = {.faults = faults_new()};
    outcome.settings = settings_read(&source, outcome.faults);
    close(fd);
    return outcome;
}

static void must_stand_inside(const struct faults *faults, struct span text)
{
    unsigned lines = 1;
    const struct fault *fault;
    for (size_t i = 0; i < text.len; i++)
        lines += text.at[i] == '\n';
    for (size_t i = 0; (fault = faults_at(faults, i)) != NULL; i++) {
        must(fault->place.line <= lines);
        must(fault->place.column <= text.len + 1);
    }
}

static void must_print_the_same(const struct settings *settings)
{
    struct buf first, second;
    buf_init(&first, 64 << 20);
    buf_init(&second, 64 << 20);
    settings_print(settings, &first);
    struct outcome again = read_text(buf_span(&first));
    must(again.settings != NULL ||
         settings->admin.token_file.at != NULL); /* that file may be gone */
    if (again.settings != NULL) {
        settings_print(again.settings, &second);
        must(span_is(buf_span(&first), buf_span(&second)));
    }
    settings_free(again.settings);
    faults_free(again.faults);
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_make((const char *)data, size);
    struct outcome outcome = read_text(text);
    must((outcome.settings != NULL) == (faults_count(outcome.faults, FAULT_ERROR) == 0));
    must_stand_inside(outcome.faults, text);
    if (outcome.settings != NULL) {
        struct routes *routes = routes_new(outcome.settings, outcome.faults);
        if (routes != NULL)
            routes_match(routes, SPAN("GET"), SPAN("/a/b/c"));
        routes_free(routes);
        must_print_the_same(outcome.settings);
    }
    settings_free(outcome.settings);
    faults_free(outcome.faults);
    return 0;
}
